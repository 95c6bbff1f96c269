"""Write calls.json anew: `python -m tests.golden.make_calls` with an interpreter that has PyTorch (made with 2.13.0)."""

import json
from pathlib import Path

from .calls import drawn, outcome


def main() -> None:
    """Evaluate everything."""
    import torch  # only here: pytest imports this file, and the project does not need PyTorch
    from torch.nn import functional

    made = {group: {text: outcome(text, torch, functional) for text in texts} for group, texts in drawn().items()}
    lines = (
        f" {json.dumps(group)}: {{\n"
        + ",\n".join(f"  {json.dumps(t)}: {json.dumps(o, separators=(',', ':'))}" for t, o in texts.items())
        + "\n }"
        for group, texts in made.items()
    )
    Path(__file__).with_name("calls.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
