"""The awkward derivatives of the functions of neural networks: losses with a reduction, normalisation.

In and out: as a rule gets them (raw arrays, or tracked ones when the sweep is recorded).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import networks as nw
from ..tape import Aval
from ..tracked import Tracked
from .helpers import aval, count, kept, reads
from .moves import take_along_transpose


@reads("sigmoid(x)")
def softplus_slope(_y: Any, x: Any) -> Any:
    return nw.sigmoid(x)


def along_transpose(g: Any, like: Aval, index: Any, axis: int, keepdims: bool = True) -> Any:
    return take_along_transpose(kept(g, like.ndim, axis, keepdims), like, index, axis)


# ---- losses ---------------------------------------------------------------------------------------------------


def _share(g: Any, like: Any, reduction: str) -> Any:
    """Give the cotangent of each entry's loss."""
    return g / max(like.size, 1) if reduction == "mean" else g


def _entries(x: Any, y: Any) -> Any:
    """Give the shape of the entries that x and y come to together."""
    return x if np.shape(x) == np.shape(y) else aval(np.broadcast_shapes(np.shape(x), np.shape(y)), np.float32)


def mse_x(g: Any, _out: Any, x: Any, y: Any, reduction: str = "mean") -> Any:
    return 2 * _share(g, _entries(x, y), reduction) * (x - y)


def mse_y(g: Any, _out: Any, x: Any, y: Any, reduction: str = "mean") -> Any:
    return 2 * _share(g, _entries(x, y), reduction) * (y - x)


def bce_z(g: Any, _out: Any, z: Any, t: Any, reduction: str = "mean", e: Any = None) -> Any:
    # e = exp(-|z|), if the loss has kept it; to be differentiated again, it must depend on z.
    if e is None or isinstance(z, Tracked):
        p = nw.sigmoid(z)
    else:
        p = np.where(z >= 0, 1, e) / (1 + e)
    return _share(g, z, reduction) * (p - t)


def bce_zt(g: Any, _out: Any, z: Any, _t: Any, reduction: str = "mean", e: Any = None) -> Any:
    return _share(g, z, reduction) * -z


def bce_p(g: Any, _out: Any, p: Any, t: Any, reduction: str = "mean") -> Any:
    # PyTorch holds the denominator above 1e-12, so that p = 0 and p = 1 give large numbers, not infinity.
    return _share(g, p, reduction) * (p - t) / np.maximum(p * (1 - p), 1e-12)


def bce_t(g: Any, _out: Any, p: Any, _t: Any, reduction: str = "mean") -> Any:
    return _share(g, p, reduction) * np.maximum(np.log(1 - p), -100) - _share(g, p, reduction) * np.maximum(
        np.log(p), -100
    )


def cross_entropy_vjp(g: Any, _out: Any, z: Any, y: Any, p: Any) -> Any:
    rows = len(y)
    if isinstance(z, Tracked):  # to be differentiated again: p must depend on z, and nothing may be written
        p = nw.softmax(z, 1)
        return g / rows * (p - np.equal(np.arange(np.shape(z.array)[1]), np.expand_dims(y, 1)))
    c = p * (g / rows)
    c[np.arange(rows), y] -= g / rows
    return c


def nll_transpose(g: Any, like: Aval, y: Any, weight: Any, reduction: str = "mean") -> Any:
    if reduction == "mean":
        g = g / np.add.reduce(weight, None)
    return take_along_transpose(np.expand_dims(-g * weight, 1), like, np.expand_dims(y, 1), 1)


# ---- layers ---------------------------------------------------------------------------------------------------


def layer_norm_vjp(g: Any, y: Any, x: Any, axes: Any, eps: float) -> Any:
    n = count(x.shape, axes)
    d = x - np.mean(x, axis=axes, keepdims=True)
    scale = np.sqrt(np.mean(d * d, axis=axes, keepdims=True) + eps)
    mean = np.sum(g, axis=axes, keepdims=True) / n
    return (g - mean - y * (np.sum(g * y, axis=axes, keepdims=True) / n)) / scale
