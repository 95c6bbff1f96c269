"""Functions that need no derivative of their own: on tracked values they are computed from those that have one.

Each takes what the NumPy function of the same name takes. CuPy lacks some of them; written this way it has them too.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .. import arrays
from ..dispatch import composed
from ..errors import ArgumentError
from ..primitives import cast, clip
from . import decompositions
from .helpers import axes_of, raw

# ---- entry by entry -------------------------------------------------------------------------------------------


@composed(np.clip)
def clipped(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    return clip(a, a_min if min is None else min, a_max if max is None else max)


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


# ---- sums and averages ----------------------------------------------------------------------------------------


@composed(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composed(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.size(a) / np.size(result)
    else:
        if np.ndim(weights) == 1 < np.ndim(a):
            shape = [1] * np.ndim(a)
            shape[axis] = -1
            weights = np.reshape(weights, shape)
        weights = weights * np.ones_like(a)
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, total) if returned else result


@composed(np.nanmean)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    there = cast(np.logical_not(np.isnan(raw(a))), raw(a).dtype)
    return np.nansum(a, axis=axis, keepdims=keepdims) / np.sum(there, axis=axis, keepdims=keepdims)


@composed(np.nanprod)
def nanprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, keepdims=keepdims)


@composed(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0, a), axis=axis)


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if x is not None:
        dx = np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
        if np.ndim(dx) == 1:
            shape = [1] * np.ndim(y)
            shape[axis] = -1
            dx = np.reshape(dx, shape)
    y = np.moveaxis(y, axis, 0)
    both = np.moveaxis(y[1:] + y[:-1], 0, axis)
    return np.sum(dx * both / 2.0, axis=axis)


@composed(np.median)
def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return quantile(a, 0.5, axis=axis, keepdims=keepdims)


@composed(np.percentile)
def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    return quantile(a, np.true_divide(q, 100), *args, **kwargs)


@composed(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    if method != "linear":
        raise ArgumentError(f"np.quantile(..., method={method!r}) has no derivative in gradmagic: use 'linear'.")
    axes = axes_of(axis, np.ndim(a))
    first = np.moveaxis(a, axes, range(len(axes)))
    rest = np.shape(first)[len(axes) :]
    x = np.sort(np.reshape(first, (-1, *rest)), axis=0)
    place = np.asarray(q, dtype=float) * (np.shape(x)[0] - 1)
    low = np.floor(place).astype(int)
    part = np.reshape(place - low, np.shape(place) + (1,) * len(rest)).astype(raw(a).dtype)
    part = arrays.from_host(part, raw(a))
    y = x[low] * (1 - part) + x[np.ceil(place).astype(int)] * part
    if keepdims:
        y = np.reshape(y, np.shape(place) + tuple(1 if i in axes else n for i, n in enumerate(np.shape(a))))
    return y


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


composed(np.atleast_1d)(_at_least(1))
composed(np.atleast_2d)(_at_least(2))
composed(np.atleast_3d)(_at_least(3))


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    return np.swapaxes(x, -1, -2)


@composed(np.rollaxis)
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

    ndim = max(depth(parts), max(np.ndim(a) for a in _leaves(parts)))

    def join(part: Any, axis: int) -> Any:
        if isinstance(part, list):
            return np.concatenate([join(p, axis + 1) for p in part], axis)
        return np.reshape(part, (1,) * (ndim - np.ndim(part)) + np.shape(part))

    return join(parts, -depth(parts))


def _leaves(part: Any) -> Any:
    if isinstance(part, list):
        for p in part:
            yield from _leaves(p)
    else:
        yield part


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = (to_begin, np.diff(np.ravel(ary)), to_end)
    return np.concatenate([np.ravel(p) for p in parts if p is not None])


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


# ---- linear algebra -------------------------------------------------------------------------------------------


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    ndim = max(np.ndim(a), np.ndim(b))
    of_a, of_b = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    a = np.reshape(a, tuple(n for m in of_a for n in (m, 1)))
    b = np.reshape(b, tuple(n for m in of_b for n in (1, m)))
    return np.reshape(a * b, tuple(n * m for n, m in zip(of_a, of_b, strict=True)))


@composed(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, 0), np.moveaxis(b, axisb, 0)
    if np.shape(a)[0] != 3 or np.shape(b)[0] != 3:
        raise ArgumentError("np.cross has a derivative in gradmagic for vectors of 3: add a zero to those of 2.")
    c = np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
    return np.moveaxis(c, 0, axisc)


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = (a, v) if np.size(a) >= np.size(v) else (v, a)
    n, m = np.size(a), np.size(v)
    # Row k of the band holds a, moved by k: the convolution is v times the band.
    start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    padded = np.pad(a, m - 1)
    place = np.arange(length) + start + m - 1 - np.arange(m)[:, None]
    return np.matmul(v, padded[place])


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if not compute_uv:
        return decompositions.svdvals(a)
    if full_matrices and np.shape(a)[-1] != np.shape(a)[-2]:
        raise ArgumentError(
            "np.linalg.svd of a matrix that is not square has a derivative with full_matrices=False only: "
            "the further columns of u or vh are not unique."
        )
    return decompositions.svd(a)


@composed(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    return decompositions.svdvals(x)


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "r"):
        raise ArgumentError(f"np.linalg.qr(..., mode={mode!r}) has no derivative in gradmagic: use 'reduced' or 'r'.")
    return decompositions.qr(a) if mode == "reduced" else decompositions.qr(a)[1]


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 0:
        return np.zeros_like(a) + arrays.from_host(np.eye(np.shape(a)[-1], dtype=raw(a).dtype), raw(a))
    power = None
    while n:  # squares, multiplied where n has a bit
        if n & 1:
            power = a if power is None else np.matmul(power, a)
        n >>= 1
        a = np.matmul(a, a) if n else a
    return power


@composed(np.linalg.multi_dot)
def multi_dot(factors: Any, *, out: Any = None) -> Any:
    return reduce(np.dot, factors)


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    shape, axes = np.shape(x), axes_of(axis, np.ndim(x))
    first = np.moveaxis(x, axes, range(len(axes)))
    y = np.linalg.norm(np.reshape(first, (-1, *np.shape(first)[len(axes) :])), ord=ord, axis=0)
    return np.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(shape))) if keepdims else y


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)


@composed(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, axis1=-2, axis2=-1)


@composed(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, axis1=-2, axis2=-1)


@composed(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    return np.outer(x1, x2)


@composed(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@composed(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes=axes)


@composed(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.sum(np.conj(x1) * x2, axis=axis)


# ---- Fourier transforms over several axes -----------------------------------------------------------------------


def _over_axes(transform: Any, default: Any) -> Any:
    def several(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        if axes is None:
            axes = range(np.ndim(a)) if s is None else range(-len(s), 0)
        for i, axis in enumerate(axes):
            a = transform(a, n=None if s is None else s[i], axis=axis, norm=norm)
        return a

    return several


composed(np.fft.fftn)(_over_axes(np.fft.fft, None))
composed(np.fft.ifftn)(_over_axes(np.fft.ifft, None))
composed(np.fft.fft2)(_over_axes(np.fft.fft, (-2, -1)))
composed(np.fft.ifft2)(_over_axes(np.fft.ifft, (-2, -1)))
