"""The activations that books use seldom, as functions of arrays; their derivatives stand in table.py.

In: arrays, tracked or not. Out: the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dispatch.calls import by_one_kernel, primitive
from ..numpy.partials import reads, sigmoid


@primitive
@by_one_kernel
def scaled_elu(x: Any, alpha: float, scale: float, inner: float) -> Any:
    """Give scale * x where x is positive, scale * alpha * (exp(inner * x) - 1) elsewhere."""
    return scale * np.maximum(x, 0) + scale * alpha * np.expm1(np.minimum(x, 0) * inner)


@reads("np.where(x > 0, scale, scale * alpha * inner * exp(inner * x))")
def scaled_elu_slope(_y: Any, x: Any, alpha: Any, scale: Any, inner: Any) -> Any:
    return np.where(x > 0, scale, scale * alpha * inner * np.exp(np.minimum(x, 0) * inner))


@primitive
@by_one_kernel
def hard_sigmoid(x: Any) -> Any:
    """Give (x + 3) / 6 held between 0 and 1."""
    return np.minimum(np.maximum(x + 3, 0), 6) / 6


@primitive
@by_one_kernel
def hard_swish(x: Any) -> Any:
    """Give x times `hard_sigmoid`."""
    return x * np.minimum(np.maximum(x + 3, 0), 6) / 6


@primitive
@by_one_kernel
def mish(x: Any) -> Any:
    """Give x * tanh(log(1 + exp(x)))."""
    return x * np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x))))


@reads("y / x + x * (1 - (y / x)**2) * sigmoid(x)")
def mish_slope(_y: Any, x: Any) -> Any:
    t = np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x))))
    return t + x * (1 - t * t) * sigmoid(x)


@primitive
@by_one_kernel
def soft_shrink(x: Any, lambd: float) -> Any:
    """Give x moved by `lambd` towards 0, and 0 where it is nearer than that."""
    return x - np.minimum(np.maximum(x, -lambd), lambd)


@primitive
@by_one_kernel
def hard_shrink(x: Any, lambd: float) -> Any:
    """Give x where it is further from 0 than `lambd`, 0 elsewhere."""
    return np.where((x > lambd) | (x < -lambd) | (x != x), x, 0)


@primitive
@by_one_kernel
def threshold(x: Any, limit: float, value: float) -> Any:
    """Give x where it is above `limit`, `value` elsewhere."""
    return np.where(x <= limit, value, x)


@primitive
@by_one_kernel
def prelu(x: Any, weight: Any) -> Any:
    """Give x where it is positive, weight * x elsewhere."""
    return np.maximum(x, 0) + weight * np.minimum(x, 0)
