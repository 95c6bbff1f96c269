"""The functions of neural networks that NumPy has not, as functions of arrays beside NumPy's in the table of rules.

In: arrays, tracked or not. Out: the same. Their derivatives stand in table.py; PyTorch's names, arguments and
messages in faces/torch/math.py and nn/functional.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....language import tr
from ...dispatch.calls import by_one_kernel, primitive
from ..numpy.partials import sigmoid as sigmoid
from ..numpy.partials import sigmoid_by as sigmoid_by

# ---- entry by entry -------------------------------------------------------------------------------------------


@primitive
def relu(x: Any) -> Any:
    """Give x where it is positive, 0 elsewhere."""
    return np.maximum(x, 0)


@primitive
@by_one_kernel
def hardtanh(x: Any, low: Any, high: Any) -> Any:
    """Give x held between `low` and `high`."""
    return np.minimum(np.maximum(x, low), high)


@primitive
@by_one_kernel
def softplus(x: Any, beta: float) -> Any:
    """Give log(1 + exp(beta*x)) / beta, without overflow."""
    z = x * beta
    return (np.maximum(z, 0) + np.log1p(np.exp(-np.absolute(z)))) / beta


@primitive
@by_one_kernel
def log_sigmoid(x: Any) -> Any:
    """Give log(sigmoid(x)), without overflow."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


@primitive
@by_one_kernel
def leaky_relu(x: Any, slope: float) -> Any:
    """Give x where it is positive, slope * x elsewhere."""
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


@primitive
@by_one_kernel
def elu(x: Any, alpha: float) -> Any:
    """Give x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


@primitive
@by_one_kernel
def silu(x: Any) -> Any:
    """Give x * sigmoid(x)."""
    return x * sigmoid(x)


@primitive
@by_one_kernel
def gelu(x: Any) -> Any:
    """Give x times the normal distribution function at x."""
    return x * (1 + erf(x * math.sqrt(0.5))) / 2


@primitive
@by_one_kernel
def gelu_tanh(x: Any) -> Any:
    """Give a well-known approximation of `gelu`."""
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


@primitive
@by_one_kernel
def lerp(x: Any, end: Any, weight: Any) -> Any:
    """Give x + weight * (end - x)."""
    return x + weight * (end - x)


@primitive
@by_one_kernel
def rsqrt(x: Any) -> Any:
    """Give 1 / sqrt(x)."""
    return 1 / np.sqrt(x)


# Taylor's series of erf below 2 and Lentz's continued fraction of erfc above: accurate to 2e-16 with these numbers of
# terms (NumPy has no erf, and CuPy's own stands outside NumPy's protocols).
_TERMS, _FRACTIONS, _JOIN = 34, 64, 2.0


@primitive
@by_one_kernel
def erf(x: Any) -> Any:
    """Give the error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to x."""
    a = np.absolute(x)
    near = np.minimum(a, _JOIN)
    square = near * near
    series = 0.0
    for n in range(_TERMS, 0, -1):  # erf(a) = 2/sqrt(pi) exp(-a^2) a (1 + 2a^2/3 (1 + 2a^2/5 (1 + ...)))
        series = (1 + series) * (2 * square / (2 * n + 1))
    small = 2 / math.sqrt(math.pi) * np.exp(-square) * near * (1 + series)
    far = np.maximum(a, _JOIN)
    tail = 0.0
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
    if not x.size:
        return x * 1
    e = _exp_below(x, np.max(x, axis=axis, keepdims=True))
    total = np.sum(e, axis=axis, keepdims=True)
    if type(e) is not np.ndarray:
        return e / total
    e /= total
    return e


@by_one_kernel
def _exp_below(x: Any, top: Any) -> Any:
    d = x - top
    return np.exp(d, d) if type(d) is np.ndarray and d.dtype.kind in "fc" else np.exp(d)


@primitive
def log_softmax(x: Any, axis: int) -> Any:
    """Give the logarithm of `softmax`, right where that underflows."""
    if not x.size:
        return x * 1
    x = x - np.max(x, axis=axis, keepdims=True)
    return _log_share(x, np.sum(np.exp(x), axis=axis, keepdims=True))


@by_one_kernel
def _log_share(x: Any, total: Any) -> Any:
    return x - np.log(total)


@primitive
def logsumexp(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Give log(sum(exp(x))) along `axis`, without overflow."""
    top = np.max(np.real(x) if x.dtype.kind == "c" else x, axis=axis, keepdims=True)
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
    meant(reduction)
    total = np.add.reduce(entries, None)
    return total / entries.size if reduction == "mean" else total


def meant(reduction: str) -> None:
    """Expect a reduction that there is."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(tr(
            '{reduction} is not a valid value for reduction: write "mean", "sum" or "none".', reduction=reduction,
        ))  # fmt: skip


@primitive
def mse(x: Any, y: Any, reduction: str = "mean") -> Any:
    """Give (x - y)^2, reduced."""
    return reduced(_squared(x, y), reduction)


@by_one_kernel
def _squared(x: Any, y: Any) -> Any:
    d = x - y
    return d * d


@primitive
def huber(x: Any, y: Any, reduction: str, delta: float) -> Any:
    """Give (x - y)^2 / 2 up to |x - y| = delta and a straight line from there on, reduced."""
    return reduced(_rounded(x, y, delta), reduction)


@by_one_kernel
def _rounded(x: Any, y: Any, delta: Any) -> Any:
    d = np.absolute(x - y)
    near = np.minimum(d, delta)
    return near * (d - near / 2)


@primitive
def smooth_l1(x: Any, y: Any, reduction: str, beta: float) -> Any:
    """Give `huber` divided by its delta, here called beta."""
    return reduced(_rounded(x, y, beta) / beta, reduction)


@primitive
def bce_with_logits(
    z: Any, t: Any, reduction: str = "mean", e: Any = None, weight: Any = None, pos_weight: Any = None
) -> Any:  # fmt: skip
    """Give the cross entropy between sigmoid(z) and the probabilities t, reduced, without overflow.

    `e` may hold exp(-|z|) for the way back; `weight` is what each entry counts, `pos_weight` what its t counts.
    """
    return reduced(_bce_with_logits(z, t, weight, pos_weight), reduction)


@by_one_kernel
def _bce_with_logits(z: Any, t: Any, weight: Any, pos_weight: Any) -> Any:
    tail = np.log1p(np.exp(-np.absolute(z)))
    if pos_weight is None:
        entries = (1 - t) * z + np.maximum(-z, 0) + tail
    else:
        entries = (1 - t) * z + (1 + (pos_weight - 1) * t) * (tail + np.maximum(-z, 0))
    return entries if weight is None else entries * weight


@primitive
def bce(p: Any, t: Any, reduction: str = "mean") -> Any:
    """Give the cross entropy between the probabilities p and t, reduced; logarithms are held above -100."""
    return reduced(_bce(p, t), reduction)


@by_one_kernel
def _bce(p: Any, t: Any) -> Any:
    return -(t * _held_log(p) + (1 - t) * _held_log(1 - p))


def _held_log(p: Any) -> Any:
    # Held before and after: log(0) would warn, and a probability so small that its log is below -100 needs float64.
    tiny = np.finfo(p.dtype).tiny if p.dtype.kind == "f" else 0.0
    return np.where(p > 0, np.maximum(np.log(np.maximum(p, tiny)), -100), -100)


@primitive
def cross_entropy(z: Any, y: Any, p: Any) -> Any:
    """Give the mean of -log(softmax(z))[k, y[k]] over the rows; p is softmax(z), which the way back needs too."""
    raise NotImplementedError  # recorded by `nn.functional.cross_entropy`, which computes loss and p together


@primitive
def cross_entropy_there(z: Any, y: Any, top: Any, logs: Any, total: Any, ignored: int) -> Any:
    """Give `cross_entropy` on a device, without the rows whose y is `ignored`; see kernels.py."""
    raise NotImplementedError  # recorded as `cross_entropy` is


@primitive
def nll(logs: Any, y: Any, weight: Any, reduction: str = "mean", there: Any = None) -> Any:
    """Give -weight * logs[k, y[k], ...] (classes along axis 1), reduced; the mean is over the weights.

    What is not `there`, if that is given, counts nothing, whatever stands in its row.
    """
    meant(reduction)
    picked = -np.squeeze(np.take_along_axis(logs, np.expand_dims(y, 1), 1), 1) * weight
    picked = picked if there is None else np.where(there, picked, 0)
    if reduction == "none":
        return picked
    total = np.add.reduce(picked, None)
    return total / np.add.reduce(weight, None) if reduction == "mean" else total


# ---- layers ---------------------------------------------------------------------------------------------------


@primitive
def dense(x: Any, w: Any, b: Any) -> Any:
    """Give x @ w.T + b for a matrix w and an x of any dims."""
    return x @ np.transpose(w) + b  # on a device 5 us; by np.matmul, through NumPy's protocol, 9


@primitive
def layer_norm(
    x: Any, weight: Any, bias: Any, axes: Any, eps: float, view: Any = None, rim: Any = None,
    normal: Any = None, keep: Any = None,
) -> Any:  # fmt: skip
    """Give x with mean 0 and variance 1 over `axes`, times weight plus bias (None: without).

    With `view` these are the axes of x in that shape; `rim` is the shape that weight and bias get to stand beside x.
    `keep`, a list, is handed mean and variance; `normal`, an empty one, what the way back needs: (x - mean) / scale and
    scale.
    """
    d = x if view is None else np.reshape(x, view)
    mean = averaged(d, axes)
    d = d - mean
    variance = averaged(d * d, axes)
    if keep is not None:
        keep += [mean, variance]
    if normal == [] and type(d) is np.ndarray and d.dtype.kind == "f":
        scale = np.sqrt(variance + eps)
        d /= scale
        normal += [d, scale]
        d = d if view is None else np.reshape(d, x.shape)
        weight, bias = (None if a is None else np.reshape(a, rim or np.shape(a)) for a in (weight, bias))
        y = d.copy() if weight is None else d * weight
        return y if bias is None else np.add(y, bias, y)
    if rim is not None:
        weight, bias = (None if a is None else np.reshape(a, rim) for a in (weight, bias))
    if view is None:
        return _scaled(d, variance, weight, bias, eps)
    y = np.reshape(_scaled(d, variance, None, None, eps), x.shape)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def averaged(x: Any, axes: Any) -> Any:
    """Give `np.mean` with its axes kept, by what that comes down to: 2 us for 5."""
    if type(x) is not np.ndarray or x.dtype.char not in "fd":
        return np.mean(x, axis=axes, keepdims=True)
    total = np.add.reduce(x, axes, keepdims=True)
    return total / (x.size // max(total.size, 1))


@primitive
def normalise_by(x: Any, weight: Any, bias: Any, mean: Any, variance: Any, eps: float, rim: Any) -> Any:
    """Give x less `mean`, divided by the root of `variance`, times weight plus bias: all of these of shape `rim`."""
    weight, bias, mean, variance = (None if a is None else np.reshape(a, rim) for a in (weight, bias, mean, variance))
    return _scaled(x - mean, variance, weight, bias, eps)


@primitive
def weighted_along(x: Any, matrix: Any, axis: int) -> Any:
    """Give sums of x along an axis: a row of the matrix has what each old entry counts in a new one."""
    return np.moveaxis(np.moveaxis(x, axis, -1) @ np.transpose(matrix), -1, axis)


@by_one_kernel
def _scaled(d: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    y = d / np.sqrt(variance + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias
