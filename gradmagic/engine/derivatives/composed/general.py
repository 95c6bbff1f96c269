"""Functions that need no derivative of their own: on tracked values they are computed from those that have one.

Each takes what the NumPy function of the same name takes. CuPy lacks some of them; written this way it has them too.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from ...core.arrays import noted
from ...core.trees import leaves
from ...dispatch.primitives import cast, clip, set_item
from ...dispatch.protocols import COMPOSED, composed, valued
from ...tape.tracked import raw
from ..numpy.partials import away, axes_of

# ---- entry by entry -------------------------------------------------------------------------------------------


@composed(np.clip, exact=True)
def clipped(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    return clip(a, a_min if min is None else min, a_max if max is None else max)


composed(getattr(np, "_core").umath.clip, exact=True)(clip)  # noqa: B009  (what an array's method calls: a.clip(t))


@composed(np.sign)
def sign(x: Any) -> Any:
    return x / away(np.absolute(x)) if np.iscomplexobj(raw(x)) else np.sign(raw(x))  # of real numbers a step


@composed(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = np.where(condition, choice, default)
    return default


@composed(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None
) -> Any:
    fill = np.broadcast_to(fill_value, np.shape(a) if shape is None else shape)
    return cast(fill, raw(a).dtype if dtype is None else dtype)


@composed(np.piecewise, exact=True)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    several = isinstance(condlist, (list, tuple)) or np.ndim(raw(condlist)) > 0
    if not several or (np.ndim(raw(condlist[0])) == 0 and np.ndim(x) != 0):
        condlist = [condlist]
    conditions = [np.asarray(c, bool) if isinstance(c, (list, tuple, bool)) else raw(c) != 0 for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(np.logical_not(reduce(np.logical_or, conditions)))
    elif len(funclist) != len(conditions):
        np.piecewise(raw(x), raw(condlist), [0] * len(funclist))  # raises what NumPy raises
    y: Any = np.zeros_like(raw(x))
    for condition, f in zip(conditions, funclist, strict=True):
        if np.ndim(x) == 0:
            if condition:
                y = f(np.reshape(x, (1,)), *args, **kwargs) if callable(f) else f
                y = set_item(np.zeros_like(raw(x)), Ellipsis, np.reshape(y, ()))
        elif not callable(f):
            y = set_item(y, condition, f)
        elif np.size(chosen := x[condition]):
            y = set_item(y, condition, f(chosen, *args, **kwargs))
    return y


@composed(np.real_if_close, exact=True)
def real_if_close(a: Any, tol: float = 100) -> Any:
    return np.real(a) if np.iscomplexobj(raw(a)) and not np.iscomplexobj(np.real_if_close(raw(a), tol)) else a


if hasattr(np, "astype"):

    @composed(np.astype, exact=True)
    def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return cast(x, dtype) if copy or raw(x).dtype != dtype else x


# ---- square roots and logarithms that turn complex below 0 ------------------------------------------------------


def _widened(function: Any, inside: Any) -> Any:
    """Give the function of complex numbers where one entry lies outside its real domain."""

    def f(*args: Any) -> Any:
        *rest, x = args
        return function(*rest, x if inside(raw(x)) else cast(x, np.result_type(raw(x), np.complex64)))

    return f


def _log_of(n: Any, x: Any) -> Any:
    return _log(x) / _log(n)


_log = _widened(np.log, lambda x: np.iscomplexobj(x) or np.all(x >= 0))
composed(np.emath.log)(_log)
composed(np.emath.logn)(_log_of)
composed(np.emath.sqrt)(_widened(np.sqrt, lambda x: np.iscomplexobj(x) or np.all(x >= 0)))
composed(np.emath.log2)(_widened(np.log2, lambda x: np.iscomplexobj(x) or np.all(x >= 0)))
composed(np.emath.log10)(_widened(np.log10, lambda x: np.iscomplexobj(x) or np.all(x >= 0)))
composed(np.emath.arccos)(_widened(np.arccos, lambda x: np.iscomplexobj(x) or np.all(np.absolute(x) <= 1)))
composed(np.emath.arcsin)(_widened(np.arcsin, lambda x: np.iscomplexobj(x) or np.all(np.absolute(x) <= 1)))
composed(np.emath.arctanh)(_widened(np.arctanh, lambda x: np.iscomplexobj(x) or np.all(np.absolute(x) <= 1)))


@composed(np.emath.power)
def emath_power(x: Any, p: Any) -> Any:
    outside = not np.iscomplexobj(raw(x)) and np.any(raw(x) < 0)
    return np.power(cast(x, complex) if outside else x, p)


# ---- shapes ---------------------------------------------------------------------------------------------------


def _at_least(ndim: int) -> Any:
    def raised(*arys: Any) -> Any:
        made = []
        for a in arys:
            shape = np.shape(a)
            if len(shape) < ndim:
                shape = {0: (1,) * ndim, 1: (1, *shape) + (1,) * (ndim - 2), 2: (*shape, 1)}[len(shape)]
            made.append(np.reshape(a, shape))
        return made[0] if len(made) == 1 else tuple(made)

    return raised


composed(np.atleast_1d, exact=True)(_at_least(1))
composed(np.atleast_2d, exact=True)(_at_least(2))
composed(np.atleast_3d, exact=True)(_at_least(3))


@composed(np.broadcast_arrays, exact=True)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


composed(np.matrix_transpose, np.linalg.matrix_transpose, exact=True)(lambda x, /: np.swapaxes(x, -1, -2))
composed(np.diagflat)(lambda v, k=0: np.diag(np.ravel(v), k))


@composed(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    n = len(xi)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    grids = [np.reshape(x, (1,) * order[i] + (-1,) + (1,) * (n - order[i] - 1)) for i, x in enumerate(xi)]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


@composed(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    shape = (new_shape,) if isinstance(new_shape, int) else tuple(new_shape)
    return np.reshape(np.take(a, np.resize(np.arange(np.size(a)), math.prod(shape))), shape)


@composed(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    picked = np.choose(raw(a), [np.broadcast_to(i, np.shape(a)) for i in range(len(choices))], mode=mode)
    y: Any = 0
    for i in range(len(choices)):
        y = np.where(picked == i, choices[i], y)
    return y


@composed(np.apply_over_axes, exact=True)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in axes if np.ndim(axes) else [axes]:
        axis = axis % np.ndim(a)
        made = func(a, axis)
        a = made if np.ndim(made) == np.ndim(a) else np.expand_dims(made, axis)
    return a


@composed(np.ix_, exact=True)
def ix_(*args: Any) -> Any:
    parts = [a if getattr(raw(a), "dtype", None) != np.bool_ else np.flatnonzero(raw(a)) for a in args]
    return tuple(np.reshape(p, (1,) * i + (-1,) + (1,) * (len(parts) - i - 1)) for i, p in enumerate(parts))


@composed(np.apply_along_axis, exact=True)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    first = np.moveaxis(arr, axis, -1)
    shape = np.shape(first)
    rows = np.reshape(first, (-1, shape[-1]))
    made = np.stack([func1d(rows[i], *args, **kwargs) for i in range(np.shape(rows)[0])])
    made = np.reshape(made, shape[:-1] + np.shape(made)[1:])
    extra = np.ndim(made) - len(shape) + 1
    if not extra:
        return made
    start = axis % len(shape)
    return np.moveaxis(made, range(len(shape) - 1, len(shape) - 1 + extra), range(start, start + extra))


@composed(np.trim_zeros, exact=True)
def trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    np.trim_zeros(raw(filt), trim, **({} if axis is None else {"axis": axis}))  # raises what NumPy raises
    filled, axes = np.nonzero(raw(filt)), axes_of(axis, np.ndim(filt))
    if filled[0].size == 0:
        return filt[tuple(slice(0) if i in axes else slice(None) for i in range(np.ndim(filt)))]
    ends = [(f.min() if "f" in trim.lower() else None, f.max() + 1 if "b" in trim.lower() else None) for f in filled]
    return filt[tuple(slice(*end) if i in axes else slice(None) for i, end in enumerate(ends))]


@composed(np.rollaxis, exact=True)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axis, start = axis % np.ndim(a), start + np.ndim(a) if start < 0 else start
    return np.moveaxis(a, axis, start - (axis < start))


@composed(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(arr), np.ravel(values)])
    return np.concatenate([arr, values], axis)


@composed(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, axis)
    return np.take(arr, np.delete(np.arange(np.shape(arr)[axis]), obj), axis)


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, axis % np.ndim(arr))
    shape = np.shape(arr)
    places = np.arange(shape[axis])[obj] if isinstance(obj, slice) else np.asarray(obj)
    places = places if places.size else places.astype(int)  # an empty list is one of floats
    one = places.ndim == 0
    if one:  # as NumPy: values stand for the whole slice, or for several that go to one place
        values = np.reshape(values, (1,) * (len(shape) - np.ndim(values)) + np.shape(values))
        values = np.moveaxis(values, 0, axis)
        number = np.shape(values)[axis]
    else:
        several = np.ndim(values) == len(shape) and places.size == 1
        number = np.shape(values)[axis] if several else places.size
    new = np.broadcast_to(values, (*shape[:axis], number, *shape[axis + 1 :]))
    order = np.insert(np.arange(shape[axis]), places, shape[axis] + np.arange(number))
    return np.take(np.concatenate([arr, cast(new, raw(arr).dtype)], axis), order, axis)


@composed(np.block)
def block(parts: Any) -> Any:
    def depth(part: Any) -> int:
        return 1 + max(depth(p) for p in part) if isinstance(part, list) else 0

    ndim = max(depth(parts), max(np.ndim(a) for a in leaves(parts)))

    def join(part: Any, axis: int) -> Any:
        if isinstance(part, list):
            return np.concatenate([join(p, axis + 1) for p in part], axis)
        return np.reshape(part, (1,) * (ndim - np.ndim(part)) + np.shape(part))

    return join(parts, -depth(parts))


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = (to_begin, np.diff(np.ravel(ary)), to_end)
    return np.concatenate([np.ravel(p) for p in parts if p is not None])


# ---- what newer versions of NumPy have ------------------------------------------------------------------------

if hasattr(np, "unstack"):

    @composed(np.unstack, exact=True)
    def unstack(x: Any, /, *, axis: int = 0) -> Any:
        x = np.moveaxis(x, axis, 0)
        return tuple(x[i] for i in range(np.shape(x)[0]))


if hasattr(np, "cumulative_sum"):

    def _cumulative(function: Any, start: int) -> Any:
        def cumulative(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None,
                       include_initial: bool = False) -> Any:  # fmt: skip
            y = function(x, 0 if axis is None else axis)
            if include_initial:
                widths = [(0, 0)] * np.ndim(x)
                widths[axis or 0] = (1, 0)
                y = np.pad(y, widths, constant_values=start)
            return y

        return cumulative

    composed(np.cumulative_sum)(_cumulative(np.cumsum, 0))
    composed(np.cumulative_prod)(_cumulative(np.cumprod, 1))

# ---- arrays made of arrays: they dispatch by like= --------------------------------------------------------------


def _as_array(a: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    if isinstance(a, (list, tuple)):
        a = np.stack([_as_array(part) for part in a])
    return np.copy(a) if dtype is None or raw(a).dtype == dtype else cast(a, dtype)


for _function in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require):
    COMPOSED[_function] = valued(noted(_function), _as_array)
COMPOSED[np.full] = valued(
    noted(np.full), lambda shape, fill_value, *_, **__: np.copy(np.broadcast_to(fill_value, shape))
)
