"""Write torch.json anew: `python -m tests.golden.make` with an interpreter that has PyTorch (made with 2.13.0)."""

import contextlib
import io
import json
import warnings
from pathlib import Path

from .expressions import EXPRESSIONS, evaluate
from .prints import ARRAYS, array_of
from .programs import PROGRAMS


def rounded(value):
    """Keep what a float32 can tell."""
    return [rounded(v) for v in value] if isinstance(value, list) else float(f"{value:.6g}")


def main() -> None:
    """Evaluate everything."""
    import torch  # only here: pytest imports this file, and the project does not need PyTorch
    from torch import nn
    from torch.nn import functional

    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    made = {"torch": torch.__version__, "arrays": {}, "expressions": {}, "programs": {}}
    for text in ARRAYS:
        made["arrays"][text] = repr(torch.tensor(array_of(text)))
    for group, expressions in EXPRESSIONS.items():
        made["expressions"][group] = {}
        for e in expressions:
            found = evaluate(e, torch, functional, nn)
            found["grads"] = {k: rounded(g) for k, g in found["grads"].items()}
            made["expressions"][group][e] = found
    for name, source in PROGRAMS.items():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(source, {})
        made["programs"][name] = printed.getvalue()
    path = Path(__file__).with_name("torch.json")
    path.write_text(
        json.dumps(made, ensure_ascii=False, indent=0).replace("[\n", "[").replace("\n]", "]") + "\n"
    )


if __name__ == "__main__":
    main()
