"""Compare what gradmagic prints and computes with what PyTorch did: words exactly, numbers to the last digit or so."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from gradmagic import nn
from gradmagic.nn import functional

from .expressions import evaluate

TORCH = json.loads(Path(__file__).with_name("torch.json").read_text())
_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")


def same_print(ours: str, theirs: str) -> None:
    """The same text; a printed digit may differ by one where two exps round differently."""
    # A number is set flush right, so a digit that changes leaves everything else in its place.
    assert _NUMBER.sub("#", ours) == _NUMBER.sub("#", theirs), f"\n{ours}\n{theirs}"
    a, b = (np.array([float(n) for n in _NUMBER.findall(text)]) for text in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1.01e-4, err_msg=f"{ours}\n{theirs}")


def check(group: str, expression: str, torch: Any) -> None:
    """Evaluate with gradmagic and compare with PyTorch's result."""
    theirs = TORCH["expressions"][group][expression]
    ours = evaluate(expression, torch, functional, nn)
    same_print(ours["print"], theirs["print"])
    assert ours["grads"].keys() == theirs["grads"].keys()
    for name, gradient in theirs["grads"].items():
        np.testing.assert_allclose(ours["grads"][name], gradient, rtol=2e-4, atol=2e-5, err_msg=name)
