"""The awkward derivatives of the functions of neural networks: losses with a reduction, normalisation.

In and out: as a rule gets them (raw arrays, or tracked ones when the sweep is recorded).
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from ...core import arrays
from ...dispatch.calls import by_one_kernel
from ...tape.nodes import Aval
from ...tape.tracked import Tracked, raw
from ..numpy.partials import asks, aval, cancelled, conj, count, held, reads, with_dims
from ..numpy.shape_transposes import take_along_transpose
from . import functions as nw
from .kernels import cross_entropy_share

# ---- entry by entry -------------------------------------------------------------------------------------------


def positive(x: Any) -> Any:
    """Give 1 where x > 0 and 0 elsewhere, in x's dtype."""
    return np.sign(np.fmax(x, 0))


@reads("y > 0")
def relu_slope(y: Any, _x: Any) -> Any:
    return y != 0  # as PyTorch, which lets through what is NaN


def between(x: Any, low: Any, high: Any) -> Any:
    """Tell where low < x < high, or x is NaN: PyTorch's hardtanh has no slope at its bounds, unlike clamp."""
    return np.logical_not((x <= low) | (x >= high))


@asks(lambda y: 1 - y)
@reads("y * (1 - y)")
def sigmoid_slope(y: Any, x: Any) -> Any:
    d = arrays.constant(1, y) - y
    gone = cancelled(d, x)
    return y * d if gone is None else y * np.where(gone, nw.sigmoid(-x), d)


@reads("np.where(x <= 0, alpha * exp(x), 1)")
def elu_slope(_y: Any, x: Any, alpha: Any) -> Any:
    return np.where(x <= 0, alpha * np.exp(np.where(x < 0, x, 0)), 1)


@reads("Phi(x) + x*phi(x)")
def gelu_slope(_y: Any, x: Any) -> Any:
    return (1 + nw.erf(x * sqrt(0.5))) / 2 + x * np.exp(-x * x / 2) / sqrt(2 * pi)


@reads(
    "(1 + tanh(0.79788*(x + 0.044715*x**3)))/2"
    " + 0.39894*x*(1 - tanh(0.79788*(x + 0.044715*x**3))**2)*(1 + 0.134145*x**2)"
)
def gelu_tanh_slope(_y: Any, x: Any) -> Any:
    k = sqrt(2 / pi)
    x = np.clip(x, -20, 20)  # beyond, 1 - t * t is 0, and x**3 may be infinite
    t = np.tanh(k * (x + 0.044715 * x**3))
    return (1 + t) / 2 + x / 2 * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x)


def logsumexp_vjp(g: Any, y: Any, x: Any, axis: Any, keepdims: bool = False) -> Any:
    g, y = (with_dims(v, np.ndim(x), axis, keepdims) for v in (g, y))
    return g * conj(np.exp(x - y))


def softmax_vjp(g: Any, y: Any, _x: Any, axis: int) -> Any:
    return _softmax_share(g, y, sum_of_products(g, y, axis))


@by_one_kernel
def _softmax_share(g: Any, y: Any, total: Any) -> Any:
    d = g - total
    return np.multiply(y, d, d) if type(d) is np.ndarray and d.dtype is y.dtype else y * d


def log_softmax_vjp(g: Any, y: Any, _x: Any, axis: int) -> Any:
    return _log_softmax_share(g, y, np.sum(g, axis=axis, keepdims=True))


@by_one_kernel
def _log_softmax_share(g: Any, y: Any, total: Any) -> Any:
    return g - np.exp(y) * total


def along_transpose(g: Any, like: Aval, index: Any, axis: int, keepdims: bool = True) -> Any:
    return take_along_transpose(with_dims(g, like.ndim, axis, keepdims), like, index, axis)


# ---- losses ---------------------------------------------------------------------------------------------------


def share(g: Any, like: Any, reduction: str) -> Any:
    """Give the cotangent of each entry's loss."""
    return g / held(max(like.size, 1), g) if reduction == "mean" else g


def entries(x: Any, y: Any) -> Any:
    """Give the shape of the entries that x and y come to together."""
    return (
        x if np.shape(x) == np.shape(y) else aval(np.broadcast_shapes(np.shape(x), np.shape(y)), np.float32)
    )


def mse_x(g: Any, _out: Any, x: Any, y: Any, reduction: str = "mean") -> Any:
    n = held(max(entries(x, y).size, 1), g) if reduction == "mean" else None
    return _mse_share(g, x, y, n)


def mse_y(g: Any, _out: Any, x: Any, y: Any, reduction: str = "mean") -> Any:
    return mse_x(g, _out, y, x, reduction)


@by_one_kernel
def _mse_share(g: Any, x: Any, y: Any, n: Any) -> Any:
    return 2 * (g if n is None else g / n) * (x - y)


@by_one_kernel
def held_difference(g: Any, x: Any, y: Any, most: float) -> Any:
    """Give g * (x - y), the difference held between -most and most: what huber and smooth_l1 hand on."""
    return g * nw.hardtanh(x - y, -most, most)


def bce_z(
    g: Any, _out: Any, z: Any, t: Any, reduction: str = "mean", e: Any = None, weight: Any = None,
    pos_weight: Any = None,
) -> Any:  # fmt: skip
    if isinstance(z, Tracked):  # to be differentiated again: e must depend on z
        e = None
    return _bce_share(share(g, z, reduction), z, t, e, weight, pos_weight)


@by_one_kernel
def _bce_share(g: Any, z: Any, t: Any, e: Any, weight: Any, pos_weight: Any) -> Any:
    p = nw.sigmoid(z) if e is None else nw.sigmoid_by(z, e)  # e = exp(-|z|), if the loss has kept it
    d = p - t if pos_weight is None else (1 - t) * p - pos_weight * t * (1 - p)
    return g * (d if weight is None else d * weight)


def bce_zt(
    g: Any, _out: Any, z: Any, _t: Any, reduction: str = "mean", e: Any = None, weight: Any = None,
    pos_weight: Any = None,
) -> Any:  # fmt: skip
    d = -z if pos_weight is None else (pos_weight - 1) * nw.softplus(-z, 1.0) - z
    return share(g, d, reduction) * (d if weight is None else d * weight)


def bce_p(g: Any, _out: Any, p: Any, t: Any, reduction: str = "mean") -> Any:
    return _bce_p_share(share(g, p, reduction), p, t)


@by_one_kernel
def _bce_p_share(g: Any, p: Any, t: Any) -> Any:
    # PyTorch holds the denominator above 1e-12, so that p = 0 and p = 1 give large numbers, not infinity.
    return g * (p - t) / np.maximum(p * (1 - p), 1e-12)


def bce_t(g: Any, _out: Any, p: Any, _t: Any, reduction: str = "mean") -> Any:
    return share(g, p, reduction) * np.maximum(np.log(1 - p), -100) - share(g, p, reduction) * np.maximum(
        np.log(p), -100
    )


def cross_entropy_vjp(g: Any, _out: Any, z: Any, y: Any, p: Any) -> Any:
    number = len(y)
    if isinstance(z, Tracked):  # to be differentiated again: p must depend on z, and nothing may be written
        p = nw.softmax(z, 1)
        return g / held(number, g) * (p - np.equal(np.arange(np.shape(z.array)[1]), np.expand_dims(y, 1)))
    each = g / held(number, g)
    c = p * each
    c[np.arange(number), y] -= each
    return c


def cross_entropy_there(
    g: Any, _out: Any, z: Any, y: Any, top: Any, logs: Any, total: Any, ignored: int
) -> Any:  # fmt: skip
    """As `cross_entropy_vjp`; `top` and `logs` are what log(softmax(z)) takes from z, `total` the rows that count."""
    tracked = isinstance(z, Tracked) or isinstance(g, Tracked)
    if not tracked and arrays.on_device(z):  # z is at home where a report asks again
        return cross_entropy_share(g, z, y, top, logs, total, ignored)
    p, y = nw.softmax(z, 1), np.expand_dims(y, 1)  # to be differentiated again: p must depend on z
    columns = arrays.arange(np.shape(raw(z))[1], y)
    return np.where(np.not_equal(y, ignored), g / total * (p - np.equal(columns, y)), 0 * p)


def nll_transpose(g: Any, like: Aval, y: Any, weight: Any, reduction: str = "mean", _there: Any = None) -> Any:
    if reduction == "mean":
        total = np.add.reduce(weight, None)
        g = g / (total + (total == 0))  # where no row counts the mean is NaN, and each row's share of it 0
    return take_along_transpose(np.expand_dims(-g * weight, 1), like, np.expand_dims(y, 1), 1)


# ---- layers ---------------------------------------------------------------------------------------------------


def _normal(x: Any, axes: Any, eps: float, normal: Any) -> tuple[Any, Any]:
    if normal and not isinstance(x, Tracked):  # as the forward pass has left it; else it must depend on x
        return normal  # type: ignore[no-any-return]
    d = x - nw.averaged(x, axes)
    scale = np.sqrt(nw.averaged(d * d, axes) + eps)
    return d / scale, scale


def layer_norm_x(
    g: Any, _y: Any, x: Any, weight: Any, _bias: Any, axes: Any, eps: float, view: Any = None, rim: Any = None,
    normal: Any = None,
) -> Any:  # fmt: skip
    shape = np.shape(x)
    if weight is not None:
        g = g * (weight if rim is None else np.reshape(weight, rim))
    if view is not None:
        x, g = np.reshape(x, view), np.reshape(g, view)
    y, scale = _normal(x, axes, eps, normal)
    n = count(np.shape(x), axes)
    mean = np.sum(g, axis=axes, keepdims=True) / n
    c = _centred(g, mean, y, sum_of_products(g, y, axes) / n, scale)
    return c if view is None else np.reshape(c, shape)


@by_one_kernel
def _centred(g: Any, mean: Any, y: Any, along: Any, scale: Any) -> Any:
    return (g - mean - y * along) / scale


def sum_of_products(a: Any, b: Any, axis: Any) -> Any:
    """Give the sum of a * b along `axis`, which is kept: without the products, a fifth of the time, where it can be."""
    if type(a) is np.ndarray and type(b) is np.ndarray and a.dtype.char in "fd" and axis in (-1, (-1,)):
        return np.vecdot(a, b)[..., None]
    return np.sum(a * b, axis=axis, keepdims=True)


def layer_norm_weight(
    g: Any, _y: Any, x: Any, _weight: Any, _bias: Any, axes: Any, eps: float, view: Any = None, rim: Any = None,
    normal: Any = None,
) -> Any:  # fmt: skip
    if view is None:
        return beside(g * _normal(x, axes, eps, normal)[0], rim)
    return beside(g * np.reshape(_normal(np.reshape(x, view), axes, eps, normal)[0], np.shape(x)), rim)


def layer_norm_bias(
    g: Any, _y: Any, _x: Any, _weight: Any, _bias: Any, axes: Any, eps: float, view: Any = None, rim: Any = None,
    _normal: Any = None,
) -> Any:  # fmt: skip
    return beside(g, rim)


def beside(g: Any, rim: Any) -> Any:
    """Give the sum over the axes along which what had the shape `rim` was spread."""
    return g if rim is None else np.sum(g, axis=tuple(i for i, n in enumerate(rim) if i != 1))


def normalised_x(
    g: Any, _y: Any, _x: Any, weight: Any, _b: Any, _mean: Any, variance: Any, eps: float, rim: Any
) -> Any:  # fmt: skip
    g = g if weight is None else g * np.reshape(weight, rim)
    return g / np.reshape(np.sqrt(variance + eps), rim)


def normalised_weight(
    g: Any, _y: Any, x: Any, _weight: Any, _b: Any, mean: Any, variance: Any, eps: float, rim: Any
) -> Any:  # fmt: skip
    y = (x - np.reshape(mean, rim)) / np.reshape(np.sqrt(variance + eps), rim)
    return beside(g * y, rim)


def over_channels(g: Any) -> Any:
    """Give the sum over all but the channels: what reaches the bias of a convolution."""
    return np.sum(g, axis=(0, *range(2, np.ndim(g))))
