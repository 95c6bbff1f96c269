"""Operands that PyTorch's operators do not take, where NumPy's would: truth values subtracted, complex numbers ordered.

In: an operator, its operands and the same in their common dtype. Out: nothing, or the error.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from ...tape.tracked import raw
from .math import OperandError, not_for


def _no_bools(op: Any, args: Any, cast: Any) -> None:
    if any(getattr(raw(a), "dtype", np.dtype(type(raw(a)))).kind == "b" for a in args):
        raise OperandError(tr(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert "
            "a mask, use the `~` or `logical_not()` operator instead: write a ^ b for where they differ.",
        ))  # fmt: skip


def _no_complex(op: Any, args: Any, cast: Any) -> None:
    if any(np.iscomplexobj(raw(a)) for a in cast):
        raise not_for(getattr(op, "__name__", str(op)), "complex")


def _no_zeros(op: Any, args: Any, cast: Any) -> None:
    if all(getattr(raw(a), "dtype", np.dtype(type(raw(a)))).kind == "b" for a in cast):
        raise not_for(getattr(op, "__name__", str(op)), np.dtype(bool))
    plain = raw(cast[1])
    kinds = [getattr(raw(a), "dtype", np.dtype(type(raw(a)))).kind for a in cast]
    if all(k in "iub" for k in kinds) and not arrays.on_device(plain) and not np.all(plain):
        raise OperandError(tr(
            "ZeroDivisionError: a divisor is 0, and whole numbers have no infinity. Write t.float().",
        ))  # fmt: skip
    _no_complex(op, args, cast)


REFUSED: dict[Any, Any] = {
    operator.sub: _no_bools,
    **dict.fromkeys((operator.lt, operator.le, operator.gt, operator.ge), _no_complex),
    **dict.fromkeys((np.maximum, np.minimum, np.fmax, np.fmin), _no_complex),
    **dict.fromkeys((operator.floordiv, operator.mod, np.floor_divide, np.remainder, np.fmod), _no_zeros),
}  # fmt: skip
