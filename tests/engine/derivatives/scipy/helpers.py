"""What the tests of SciPy's modules share: a function is held against SciPy's values and against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradmagic as gm


def parts(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


def checked(function: Callable[..., Any], *args: Any, order: int = 1) -> None:
    """Hold values bit for bit against SciPy's, and derivatives, reverse and forward, against differences."""

    def number(*values: Any) -> Any:
        total: Any = 0.0
        for out in parts(function(*values)):
            out = np.real(out) + np.imag(out) if np.iscomplexobj(out) else out
            total = total + np.sum(out * np.cos(np.reshape(np.arange(np.size(out)), np.shape(out))))
        return total

    made: list[Any] = []

    def seen(*values: Any) -> Any:
        made.append(function(*values))
        return number(*values)

    gm.grad(seen)(*args)
    for ours, plain in zip(parts(made[0]), parts(function(*args)), strict=True):
        np.testing.assert_array_equal(getattr(ours, "array", ours), plain)
    gm.check_grads(number, args, order=order)
