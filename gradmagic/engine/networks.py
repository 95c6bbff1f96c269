"""The functions of neural networks that NumPy has not, as functions of arrays beside NumPy's in the table of rules.

In: arrays, tracked or not. Out: the same. Their derivatives stand in rules/networks.py; PyTorch's names, arguments and
messages in torch_math.py and nn/functional.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .dispatch import primitive

# ---- entry by entry -------------------------------------------------------------------------------------------


@primitive
def relu(x: Any) -> Any:
    """Give x where it is positive, 0 elsewhere."""
    return np.maximum(x, 0)


@primitive
def sigmoid(x: Any) -> Any:
    """Give 1 / (1 + exp(-x)), without overflow on either side."""
    e = np.exp(-np.absolute(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@primitive
def softplus(x: Any) -> Any:
    """Give log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))


@primitive
def rsqrt(x: Any) -> Any:
    """Give 1 / sqrt(x)."""
    return 1 / np.sqrt(x)


# Taylor's series of erf below 2 and Lentz's continued fraction of erfc above: accurate to 2e-16 with these numbers of
# terms (NumPy has no erf, and CuPy's own stands outside NumPy's protocols).
_TERMS, _FRACTIONS, _JOIN = 34, 64, 2.0


@primitive
def erf(x: Any) -> Any:
    """Give the error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to x."""
    a = np.absolute(x)
    near = np.minimum(a, _JOIN)
    square = near * near
    series = square * 0
    for n in range(_TERMS, 0, -1):  # erf(a) = 2/sqrt(pi) exp(-a^2) a (1 + 2a^2/3 (1 + 2a^2/5 (1 + ...)))
        series = (1 + series) * (2 * square / (2 * n + 1))
    small = 2 / math.sqrt(math.pi) * np.exp(-square) * near * (1 + series)
    far = np.maximum(a, _JOIN)
    tail = far * 0
    for n in range(
        _FRACTIONS, 0, -1
    ):  # erfc(a) = exp(-a^2)/sqrt(pi) / (a + (1/2)/(a + 1/(a + (3/2)/(a + ...))))
        tail = (n / 2) / (far + tail)
    large = 1 - np.exp(-far * far) / (math.sqrt(math.pi) * (far + tail))
    return np.sign(x) * np.where(a < _JOIN, small, np.minimum(large, 1))


# ---- along one axis -------------------------------------------------------------------------------------------


@primitive
def softmax(x: Any, axis: int) -> Any:
    """Give exp(x) divided by its sum along `axis`."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@primitive
def log_softmax(x: Any, axis: int) -> Any:
    """Give the logarithm of `softmax`, right where that underflows."""
    x = x - np.max(x, axis=axis, keepdims=True)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))


@primitive
def logsumexp(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Give log(sum(exp(x))) along `axis`, without overflow."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis)


@primitive
def along(x: Any, index: Any, axis: int, keepdims: bool = True) -> Any:
    """Give the entries of x at `index` along `axis` (`np.take_along_axis`), without that axis if it is of length 1."""
    picked = np.take_along_axis(x, index, axis)
    return picked if keepdims else np.squeeze(picked, axis)


# ---- losses: one number, or one for each entry (reduction "none"; then n is 1) ----------------------------------


def reduced(entries: Any, reduction: str) -> Any:
    """Average the losses of the entries ("mean"), add them ("sum"), or leave them ("none")."""
    if reduction == "none":
        return entries
    total = np.add.reduce(entries, None)
    return total / entries.size if reduction == "mean" else total


@primitive
def mse(x: Any, y: Any, reduction: str = "mean") -> Any:
    """Give (x - y)^2, reduced."""
    d = x - y
    return reduced(d * d, reduction)


@primitive
def bce_with_logits(z: Any, t: Any, reduction: str = "mean") -> Any:
    """Give the cross entropy between sigmoid(z) and the probabilities t, reduced, without overflow."""
    return reduced(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.absolute(z))), reduction)


@primitive
def bce(p: Any, t: Any, reduction: str = "mean") -> Any:
    """Give the cross entropy between the probabilities p and t, reduced; logarithms are held above -100."""
    return reduced(-(t * _held_log(p) + (1 - t) * _held_log(1 - p)), reduction)


def _held_log(p: Any) -> Any:
    # Held before and after: log(0) would warn, and a probability so small that its log is below -100 needs float64.
    tiny = np.finfo(p.dtype).tiny if p.dtype.kind == "f" else 0.0
    return np.where(p > 0, np.maximum(np.log(np.maximum(p, tiny)), -100), -100)


@primitive
def cross_entropy(z: Any, y: Any, p: Any) -> Any:
    """Give the mean of -log(softmax(z))[k, y[k]] over the rows; p is softmax(z), which the way back needs too."""
    raise NotImplementedError  # recorded by `nn.functional.cross_entropy`, which computes loss and p together


@primitive
def nll(logs: Any, y: Any, weight: Any, reduction: str = "mean") -> Any:
    """Give -weight * logs[k, y[k], ...] (classes along axis 1), reduced; the mean is over the weights."""
    picked = -np.squeeze(np.take_along_axis(logs, np.expand_dims(y, 1), 1), 1) * weight
    if reduction == "none":
        return picked
    total = np.add.reduce(picked, None)
    return total / np.add.reduce(weight, None) if reduction == "mean" else total


# ---- layers ---------------------------------------------------------------------------------------------------


@primitive
def dense(x: Any, w: Any, b: Any) -> Any:
    """Give x @ w.T + b for a matrix x."""
    y = np.matmul(x, np.transpose(w))
    y += b
    return y


@primitive
def layer_norm(x: Any, axes: Any, eps: float) -> Any:
    """Give x with mean 0 and variance 1 over `axes`."""
    d = x - np.mean(x, axis=axes, keepdims=True)
    return d / np.sqrt(np.mean(d * d, axis=axes, keepdims=True) + eps)
