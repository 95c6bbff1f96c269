"""Options under which a function that has a rule is computed another way: a tracked initial value, mean; an order.

In: the function's arguments, as NumPy takes them. Out: what NumPy gives, tracked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dispatch.primitives import cast
from ...dispatch.protocols import OPTIONS, valued
from ...tape.tracked import Tracked, raw
from ..numpy.partials import aval, axes_of, count, counted


def _tracked(value: Any) -> bool:
    return isinstance(value, Tracked)


def _beginning(function: Any, join: Any) -> Any:
    def reduced(a: Any, *args: Any, initial: Any, **kwargs: Any) -> Any:
        if function in (np.max, np.min):  # nothing at all has no largest
            bound = np.finfo(raw(a).dtype).min if function is np.max else np.finfo(raw(a).dtype).max
            kwargs["initial"] = bound
        return join(function(a, *args, **kwargs), initial)

    return reduced


for _function, _join in ((np.sum, np.add), (np.prod, np.multiply), (np.max, np.maximum), (np.min, np.minimum)):
    OPTIONS[_function, "initial"] = (_tracked, valued(_function, _beginning(_function, _join)))


def _var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False, *,
         where: Any = True, mean: Any = None, correction: Any = None) -> Any:  # fmt: skip
    ddof = ddof if correction is None else correction
    d = a - mean
    squares = np.real(d * np.conj(d))
    if where is True:
        return np.sum(squares, axis=axis, keepdims=keepdims) / (count(np.shape(a), axis) - ddof)
    n = counted(aval(np.shape(a), raw(a).dtype), axis, keepdims, where) - ddof
    return np.sum(squares, axis=axis, keepdims=keepdims, where=where) / n


OPTIONS[np.var, "mean"] = (_tracked, valued(np.var, _var))
OPTIONS[np.std, "mean"] = (_tracked, valued(np.std, lambda *args, **kwargs: np.sqrt(_var(*args, **kwargs))))


# ---- dtype=: what is cast to whole numbers is cast first --------------------------------------------------------


def _whole(dtype: Any) -> bool:
    return dtype is not None and np.dtype(dtype).kind in "biu"


def _cast_first(function: Any) -> Any:
    def summed(a: Any, *args: Any, dtype: Any, **kwargs: Any) -> Any:
        kwargs.pop("casting", None)
        parts = [cast(part, dtype) for part in a] if isinstance(a, (list, tuple)) else cast(a, dtype)
        return function(parts, *args, **kwargs)

    return summed


_summing: tuple[Any, ...] = (np.sum, np.prod, np.mean, np.cumsum, np.cumprod, np.trace, np.concatenate, np.stack)
for _f in _summing:
    OPTIONS[_f, "dtype"] = (_whole, valued(_f, _cast_first(_f)))


# ---- np.diff of what is put before and behind it ------------------------------------------------------------------


def _joined_diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    def rim(part: Any) -> Any:  # a number stands for a row of it
        shape = list(np.shape(a))
        shape[axis] = 1
        return part if np.ndim(part) else np.broadcast_to(part, tuple(shape))

    parts = [rim(p) if p is not a else p for p in (prepend, a, append) if p is not None]
    return np.diff(np.concatenate(parts, axis=axis), n, axis)


for _option in ("prepend", "append"):
    OPTIONS[np.diff, _option] = (_tracked, valued(np.diff, _joined_diff))


def _numbered(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    y = np.nan_to_num(x, nan=raw(nan), posinf=raw(posinf), neginf=raw(neginf))
    for value, there in ((nan, np.isnan(raw(x))), (posinf, np.isposinf(raw(x))), (neginf, np.isneginf(raw(x)))):
        if isinstance(value, Tracked):
            y = np.where(there, value, y)  # type: ignore[call-overload]
    return y


for _option in ("nan", "posinf", "neginf"):
    OPTIONS[np.nan_to_num, _option] = (_tracked, valued(np.nan_to_num, _numbered))

# ---- order="A" and "K": as the input lies in memory -------------------------------------------------------------


def _by_memory(order: Any) -> bool:
    return order in ("A", "K")


def _as_it_lies(x: Any) -> Any:
    flags = getattr(raw(x), "flags", None)
    return "F" if flags is not None and flags.f_contiguous and not flags.c_contiguous else "C"


def _ravel(a: Any, order: Any) -> Any:
    if order == "K" and np.ndim(a) > 1:
        axes = sorted(axes_of(None, np.ndim(a)), key=lambda i: -abs(raw(a).strides[i]))
        return np.reshape(np.transpose(a, axes), -1)
    return np.reshape(a, -1, order=_as_it_lies(a))


OPTIONS[np.ravel, "order"] = (_by_memory, _ravel)
OPTIONS[np.reshape, "order"] = (
    _by_memory, lambda a, /, shape=None, order="A", **options: np.reshape(a, shape, order=_as_it_lies(a)),
)  # fmt: skip
