"""Whether two recordings are the same program, and two values the same but for rounding.

In: programs, values. Out: answers; of two programs where they differ, in words.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...language import tr
from ..core.places import describe
from ..core.trees import is_container, leaves
from .program import Program, Step


def same_program(a: Program, b: Program) -> str:
    """Say where two recordings of one call differ; "" if they do not."""
    differ = tr("it does not do the same each time")
    if len(a.steps) != len(b.steps):
        return differ
    for s, t in zip(a.steps, b.steps, strict=True):
        if s.kind != t.kind or s.op != t.op:
            return differ
        ours, theirs = _statics(s), _statics(t)
        if len(ours) != len(theirs) or not all(map(_equal, ours, theirs)):
            if not s.place:
                return differ
            return tr(
                "it computes with a number that changes from call to call ({place})", place=describe(s.place)
            )
    return ""


def _statics(step: Step) -> list[Any]:
    if step.kind == "constant":
        return [step.value]
    given = (*step.args, *step.kwargs.values()) if step.kwargs else step.args
    found: list[Any] = []
    for value in given:
        if is_container(value):
            found += [v for v in leaves(value) if type(v) is not Step]
        elif type(value) is not Step:
            found.append(value)
    return found


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    return bool(a is b or a == b or a != a)


def coarsest(program: Program) -> float:
    """Give the rounding of the coarsest dtype that a program computes in: a Python float may come of float32."""
    found = {s.dtype for s in program.steps if s.value is not None}
    return max((float(np.finfo(d).eps) for d in found if d.kind in "fc"), default=0.0)


def close(a: Any, b: Any, least: float = 0.0) -> bool:
    """Tell whether two values are the same but for rounding, of their own dtype or of `least` at one."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc" or not a.size:
        return bool(np.array_equal(a, b))
    with np.errstate(all="ignore"):
        finite = np.isfinite(a)
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.array_equal(
            finite, np.isfinite(b)
        ):
            return False
        scale = np.max(np.abs(a[finite]), initial=0)
        return bool(np.all(np.abs(a[finite] - b[finite]) <= 1e4 * max(np.finfo(a.dtype).eps, least) * scale))
