"""Write the JSON files anew with PyTorch (made with 2.13.0): `python -m tests.recorded.make [subjects]`."""

import importlib
import json
import sys
import warnings
from pathlib import Path

from .summary import summary

SUBJECTS = ("optimisers", "networks", "chances", "transforms", "modules")


def main() -> None:
    """Run every case, or those of the subjects named on the command line, with PyTorch."""
    import torch

    warnings.simplefilter("ignore")
    for subject in sys.argv[1:] or SUBJECTS:
        cases = importlib.import_module(f".{subject}", __package__).CASES
        made = {}
        for name, case in cases.items():
            torch.manual_seed(0)
            made[name] = summary(case(torch))
        lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in made.items()]
        Path(__file__).with_name(f"{subject}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
