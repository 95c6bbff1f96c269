"""Write calls.json anew: `python -m tests.golden.make_calls`, with PyTorch installed (made with 2.13.0)."""

import json
from pathlib import Path

from .calls import drawn, outcome


def _kept(text: str, found: object) -> bool:
    """Leave out what PyTorch has no derivative of, and where it is stricter or looser by accident."""
    words = json.dumps([text, found])
    if text in ("2 % f0", "c @ bv", "f[1.5]"):
        return False
    no_way_back = '"backward"' in words or 'NotImplemented"' in words or "derivative for" in words
    return not (no_way_back or ("keepdims" in text and "TypeError" in words) or "e+32" in words)


def main() -> None:
    """Evaluate everything."""
    import torch  # only here: pytest imports this file, and the project does not need PyTorch
    from torch.nn import functional

    made = {
        group: {text: outcome(text, torch, functional) for text in texts} for group, texts in drawn().items()
    }
    made = {
        group: {text: found for text, found in texts.items() if _kept(text, found)}
        for group, texts in made.items()
    }
    lines = (
        f" {json.dumps(group)}: {{\n"
        + ",\n".join(f"  {json.dumps(t)}: {json.dumps(o, separators=(',', ':'))}" for t, o in texts.items())
        + "\n }"
        for group, texts in made.items()
    )
    Path(__file__).with_name("calls.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
