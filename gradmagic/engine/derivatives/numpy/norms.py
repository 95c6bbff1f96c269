"""The derivative of np.linalg.norm, for every `ord` of vectors and matrices.

Where a norm is 0, so is its gradient.
In: the cotangent of the norm, the norm, its input. Out: the cotangent of the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .decompositions import svd
from .partials import away, axes_of, nonzero, sgn, summed_in, with_dims, within


def norm_vjp(g: Any, y: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    ndim = len(x.shape)
    g, y = with_dims(g, ndim, axis, keepdims), with_dims(y, ndim, axis, keepdims)
    axes = axes_of(axis, ndim)
    if ord is None or ord in ("fro", "f") or (ord == 2 and len(axes) == 1):
        return g / away(y) * x
    return _of_vectors(g, y, x, ord, axes) if len(axes) == 1 else _of_matrices(g, y, x, ord, axes)


def _of_vectors(g: Any, y: Any, x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    sign = np.conj(sgn(None, x))
    if ord == 0:
        return None  # a count has no derivative
    if ord == 1:
        return g * sign
    if abs(ord) == np.inf:
        return _shared(g, np.absolute(x) == y, axes, summed_in(y)) * sign
    return g * sign * (np.absolute(x) / away(y)) ** (ord - 1)


def _of_matrices(g: Any, y: Any, x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    if ord in (1, -1, np.inf, -np.inf):
        summed, chosen = axes if abs(ord) == 1 else axes[::-1]
        at = np.sum(np.absolute(x), axis=summed, keepdims=True) == y
        return _shared(g, at, (chosen,), summed_in(y)) * np.conj(sgn(None, x))
    u, s, vh = svd(np.moveaxis(x, axes, (-2, -1)))
    if ord == "nuc":
        at = (s > 0) * 1
    else:
        at = s == (np.max if ord == 2 else np.min)(s, axis=-1, keepdims=True)
        at = at / np.sum(at, axis=-1, keepdims=True, dtype=y.dtype)
    return g * np.moveaxis((u * np.expand_dims(at, -2)) @ vh, (-2, -1), axes)


def _shared(g: Any, at: Any, axes: tuple[int, ...], dtype: Any) -> Any:
    """Share g evenly among the entries at which the extreme is reached."""
    return within(at, g / nonzero(np.sum(at, axis=axes, keepdims=True, dtype=dtype)))
