"""Linear algebra and Fourier transforms that need no derivative of their own: computed from those that have one.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...core import arrays
from ...dispatch.protocols import composed
from ...tape.tracked import raw
from ..numpy import decompositions, fft
from ..numpy.partials import axes_of

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
    a, b = np.moveaxis(_array(a), axisa, 0), np.moveaxis(_array(b), axisb, 0)
    n, m = np.shape(a)[0], np.shape(b)[0]
    if 2 in (n, m):
        np.cross(raw(a), raw(b), 0, 0)  # NumPy warns of two dimensions, and from 2.5 on takes none
    if n == m == 2:
        return a[0] * b[1] - a[1] * b[0]
    a, b = (np.pad(x, [(0, 3 - np.shape(x)[0])] + [(0, 0)] * (np.ndim(x) - 1)) for x in (a, b))
    c = np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
    return np.moveaxis(c, 0, axisc)


def _array(a: Any) -> Any:
    return np.asarray(a) if isinstance(a, (list, tuple)) else a


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = (_array(v) for v in (a, b))
    a, b = (v * 1.0 if raw(v).dtype.kind in "biu" else v for v in (a, b))
    n, m = np.shape(a)
    rank = np.linalg.lstsq(raw(a), raw(b), rcond)[2]
    cut = np.finfo(raw(a).dtype).eps * max(n, m) if rcond is None else rcond
    x = np.matmul(np.linalg.pinv(a, rcond=cut), b)
    d = b - np.matmul(a, x)
    left = np.sum(np.real(d * np.conj(d)), axis=0) if rank == m and n > m else np.zeros(0)
    return x, np.reshape(left, (-1,)), rank, decompositions.svdvals(a)


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        a = np.moveaxis(a, axes, range(np.ndim(a) - len(axes), np.ndim(a)))
    shape = np.shape(a)[np.ndim(b) :]
    n = math.prod(shape)
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.reshape(b, (-1,))), shape)


@composed(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    shape = np.shape(a)
    n = math.prod(shape[ind:])
    return np.reshape(np.linalg.inv(np.reshape(a, (n, n))), shape[ind:] + shape[:ind])


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:  # as NumPy does it: by eigenvalues, along symmetric changes
        w, v = np.linalg.eigh(a)
        order = np.argsort(np.absolute(raw(w)), axis=-1)[..., ::-1]
        w, signs = np.take_along_axis(w, order, -1), np.take_along_axis(np.sign(raw(w)), order, -1)
        if not compute_uv:
            return np.absolute(w)
        v = np.take_along_axis(v, np.expand_dims(order, -2), -1)
        vh = np.conj(np.swapaxes(v * np.expand_dims(signs, -2), -1, -2))
        return v, np.absolute(w), vh
    if not compute_uv:
        return decompositions.svdvals(a)
    if full_matrices and np.shape(a)[-1] != np.shape(a)[-2]:
        raise ArgumentError(tr(
            "np.linalg.svd of a matrix that is not square has a derivative with full_matrices=False only: "
            "the further columns of u or vh are not unique.",
        ))  # fmt: skip
    return decompositions.svd(a)


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    square = mode == "complete" and np.shape(a)[-2] <= np.shape(a)[-1]  # the same as the reduced one
    mode = "reduced" if square else mode
    if mode not in ("reduced", "r"):
        raise ArgumentError(tr(
            "np.linalg.qr(..., mode={mode!r}) has no derivative in gradmagic: use 'reduced' or 'r'.", mode=mode,
        ))  # fmt: skip
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


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    shape, axes = np.shape(x), axes_of(axis, np.ndim(x))
    first = np.moveaxis(x, axes, range(len(axes)))
    y = np.linalg.norm(np.reshape(first, (-1, *np.shape(first)[len(axes) :])), ord=ord, axis=0)
    return np.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(shape))) if keepdims else y


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    if p is None or p == 2 or p == -2:
        s = decompositions.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


composed(np.linalg.svdvals)(decompositions.svdvals)
composed(np.linalg.multi_dot)(lambda factors, *, out=None: reduce(np.dot, factors))
composed(np.linalg.vecdot, np.vecdot)(lambda x1, x2, /, *, axis=-1: np.sum(np.conj(x1) * x2, axis=axis))
composed(np.linalg.outer, exact=True)(lambda x1, x2, /: np.outer(x1, x2))
composed(np.linalg.matmul, exact=True)(lambda x1, x2, /: np.matmul(x1, x2))
composed(np.linalg.tensordot, exact=True)(lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes=axes))
composed(np.linalg.diagonal, exact=True)(lambda x, /, *, offset=0: np.diagonal(x, offset, axis1=-2, axis2=-1))
composed(np.linalg.trace, exact=True)(
    lambda x, /, *, offset=0, dtype=None: np.trace(x, offset, axis1=-2, axis2=-1, dtype=dtype))
composed(np.linalg.matrix_norm, exact=True)(
    lambda x, /, *, keepdims=False, ord="fro": np.linalg.norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims))
if hasattr(np, "matvec"):  # since NumPy 2.2
    composed(np.matvec)(lambda x1, x2, /: np.squeeze(np.matmul(x1, np.expand_dims(x2, -1)), -1))
    composed(np.vecmat)(lambda x1, x2, /: np.squeeze(np.matmul(np.conj(np.expand_dims(x1, -2)), x2), -2))


# ---- Fourier transforms over several axes -----------------------------------------------------------------------


def _over_axes(transform: Any, default: Any) -> Any:
    def several(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        for i, axis in enumerate(_axes(a, s, axes)):
            a = transform(a, n=_length(s, i), axis=axis, norm=norm)
        return a

    return several


composed(np.fft.fftn)(_over_axes(np.fft.fft, None))
composed(np.fft.ifftn)(_over_axes(np.fft.ifft, None))
composed(np.fft.fft2)(_over_axes(np.fft.fft, (-2, -1)))
composed(np.fft.ifft2)(_over_axes(np.fft.ifft, (-2, -1)))


@composed(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    axes = _axes(a, s, axes)
    a = np.fft.rfft(a, n=_length(s, -1), axis=axes[-1], norm=norm)
    return np.fft.fftn(a, None if s is None else s[:-1], axes[:-1], norm)


@composed(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    axes = _axes(a, s, axes)
    a = np.fft.ifftn(a, None if s is None else s[:-1], axes[:-1], norm)
    return np.fft.irfft(a, n=_length(s, -1), axis=axes[-1], norm=norm)


def _axes(a: Any, s: Any, axes: Any) -> list[int]:
    return list(axes if axes is not None else range(np.ndim(a)) if s is None else range(-len(s), 0))


def _length(s: Any, i: int) -> Any:
    """Give a length that was asked for; -1, as None, is the input's own."""
    return None if s is None or s[i] == -1 else s[i]


composed(np.fft.rfft2)(lambda a, s=None, axes=(-2, -1), norm=None, out=None: rfftn(a, s, axes, norm))
composed(np.fft.irfft2)(lambda a, s=None, axes=(-2, -1), norm=None, out=None: irfftn(a, s, axes, norm))
composed(np.fft.hfft)(
    lambda a, n=None, axis=-1, norm=None, out=None: np.fft.irfft(np.conj(a), n, axis, fft.other(norm)))
composed(np.fft.ihfft)(
    lambda a, n=None, axis=-1, norm=None, out=None: np.conj(np.fft.rfft(a, n, axis, fft.other(norm))))
