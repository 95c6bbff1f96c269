"""Functions that need no derivative of their own: on tracked values they are computed from those that have one.

Each takes what the NumPy function of the same name takes. CuPy lacks some of them; written this way it has them too.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from .. import arrays
from ..dispatch import composed
from ..errors import ArgumentError
from ..primitives import cast, clip
from . import decompositions, moves
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


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    condlist = condlist if isinstance(condlist, list) and np.ndim(raw(condlist[0])) == np.ndim(x) else [condlist]
    values = [f(x, *args, **kwargs) if callable(f) else f for f in funclist]
    y = values[len(condlist)] if len(values) > len(condlist) else 0
    for condition, value in zip(condlist, values, strict=False):
        y = np.where(condition, value, y)
    return y


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if mode == "constant" and not np.ndim(options.get("constant_values", 0)):
        return moves.pad(array, pad_width, mode, options.get("constant_values", 0))
    if mode not in ("edge", "reflect", "symmetric", "wrap") or options:
        raise ArgumentError(
            f"np.pad(..., {mode!r}) has a derivative in gradmagic with mode= constant (of one value), edge, reflect, "
            "symmetric and wrap only, without further options."
        )
    return moves.pad(array, pad_width, mode)


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


@composed(np.apply_along_axis)
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


@composed(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb") -> Any:
    filled = np.flatnonzero(raw(filt))
    if filled.size == 0:
        return filt[:0]
    start = filled[0] if "f" in trim.lower() else 0
    stop = filled[-1] + 1 if "b" in trim.lower() else None
    return filt[start:stop]


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


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    if p is None or p == 2 or p == -2:
        s = decompositions.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


@composed(np.linalg.vecdot, np.vecdot)
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


@composed(np.fft.rfft2, np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    axes = list(range(-2, 0) if axes is None and s is None else range(-len(s), 0) if axes is None else axes)
    a = np.fft.rfft(a, n=None if s is None else s[-1], axis=axes[-1], norm=norm)
    return np.fft.fftn(a, None if s is None else s[:-1], axes[:-1], norm)


# ---- what newer versions of NumPy have ------------------------------------------------------------------------

if hasattr(np, "unstack"):

    @composed(np.unstack)
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

if hasattr(np, "matvec"):

    @composed(np.matvec)
    def matvec(x1: Any, x2: Any, /) -> Any:
        return np.squeeze(np.matmul(x1, np.expand_dims(x2, -1)), -1)

    @composed(np.vecmat)
    def vecmat(x1: Any, x2: Any, /) -> Any:
        return np.squeeze(np.matmul(np.conj(np.expand_dims(x1, -2)), x2), -2)
