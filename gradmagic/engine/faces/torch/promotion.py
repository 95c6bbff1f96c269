"""PyTorch's type promotion for the operators of Tensor: a number never widens a tensor of its own kind.

In: the operands of an operator. Out: the same operands, cast where NumPy would promote otherwise.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import arrays
from ...tape.tracked import Tracked, raw
from .defaults import OF_KIND as _DEFAULTS

_KINDS = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def promoted(op: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Cast operands to PyTorch's common dtype.

    Operands with dimensions count most, then 0-d ones, then numbers; a lower rank decides only by its kind
    (whole, floating, complex), never by its width.
    """
    if len(args) == 2:
        x, y = raw(args[0]), raw(args[1])
        if type(x) is np.ndarray and type(y) is np.ndarray and x.dtype is y.dtype and x.dtype.kind in "fc":
            return args  # most of all: 4 of 6 us
    ranks: list[list[Any]] = [[], [], []]  # dtypes: numbers, 0-d, with dimensions
    given = []
    for a in args:
        if isinstance(a, (list, tuple)):
            a = np.asarray(a)
        given.append(a)
        plain = raw(a)
        if isinstance(plain, np.generic) and not (isinstance(a, Tracked) and not a.soft):
            ranks[0].append(_DEFAULTS[_KINDS[plain.dtype.kind]])  # NumPy's scalars are numbers, as in PyTorch
        elif arrays.is_typed(plain):
            if plain.dtype.kind not in _KINDS:
                return NotImplemented
            ranks[2 if plain.ndim else 1].append(plain.dtype)
        elif isinstance(plain, (bool, int, float, complex)):
            ranks[0].append(
                _DEFAULTS[_KINDS[np.dtype(type(plain) if type(plain) in _PYTHON else float).kind]]
            )
        else:
            return NotImplemented
    result = None
    for dtypes in reversed(ranks):
        for dtype in dtypes[:1] if len(dtypes) == 1 else [common(dtypes)] if dtypes else []:
            if result is None:
                result = dtype
            elif (
                _KINDS[dtype.kind] > _KINDS[result.kind]
            ):  # the width stays that of the higher rank, if it has one
                result = np.result_type(result, np.complex64) if result.kind == "f" else dtype
    assert result is not None
    if op is operator.truediv and _KINDS[result.kind] < 2:
        result = _DEFAULTS[2]
    return tuple(_cast(a, result) for a in given)


def common(dtypes: list[np.dtype[Any]]) -> np.dtype[Any]:
    """Give the dtype of several of one rank: whole numbers do not widen floats, floats widen complex numbers.

    Examples
    --------
    >>> common([np.dtype("int64"), np.dtype("float32")])
    dtype('float32')
    """
    top = max(_KINDS[d.kind] for d in dtypes)
    return np.result_type(*(d for d in dtypes if _KINDS[d.kind] >= (2 if top == 3 else top)))


_PYTHON = (bool, int, float, complex)


def _cast(a: Any, dtype: np.dtype[Any]) -> Any:
    if not isinstance(a, Tracked):
        if isinstance(a, (bool, int, float, complex)) and not isinstance(a, np.generic):
            return a if dtype.kind in "fc" or isinstance(a, int) else dtype.type(a)
        return a.astype(dtype, copy=False)
    if type(a.array) in _PYTHON or a.array.dtype == dtype:  # a lifted Python number stays weak
        return a
    from ...dispatch.primitives import cast

    return cast(a, dtype)
