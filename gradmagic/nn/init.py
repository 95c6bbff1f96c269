"""PyTorch's ways to draw the first values of parameters, in place: `nn.init.xavier_uniform_(layer.weight)`.

In: a parameter, and a Generator if not the common one. Out: the same, filled with the numbers that PyTorch draws; the
tape does not see it.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch import draws
from ..engine.faces.torch.random import randperm
from ..engine.tape.modes import no_grad
from ..language import tr
from ..missing import missing


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Draw evenly between `a` and `b`.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.manual_seed(0)
    >>> gm.nn.init.uniform_(gm.empty(3))
    tensor([0.4963, 0.7682, 0.0885])
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Draw from the normal distribution."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Any:  # fmt: skip
    """Draw from the normal distribution, again where a number falls outside `a` to `b`."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    within = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    drawn = (_redrawn if within > 0.3 else _rejected)(draws.beside(tensor.array), mean, std, a, b, generator)
    with no_grad():
        return tensor.copy_(arrays.from_host(drawn, tensor.array))


def _redrawn(like: Any, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    made = draws.normal(like, mean, std, generator)
    low, high = like.dtype.type(a), like.dtype.type(b)
    while (outside := (made < low) | (made > high)).any():
        made = np.where(outside, draws.normal(like, mean, std, generator), made)
    return made


def _rejected(like: Any, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    """Draw evenly and keep each with the probability that its density says; sooner done where few would fall within."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    made: Any = None
    pending: Any = True
    while np.any(pending):
        candidates = draws.uniform(like, a, b, generator)
        made = candidates if made is None else np.where(pending, candidates, made)
        density = ((candidates - mean) / std) ** 2 * -0.5 - peak
        with np.errstate(divide="ignore"):
            pending = pending & (np.log(draws.uniform(like, generator=generator)) > density)
    return made


def constant_(tensor: Any, val: float) -> Any:
    """Fill with one value."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Any) -> Any:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Any:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def _written(tensor: Any, values: Any) -> Any:
    with no_grad():
        return tensor.copy_(arrays.from_host(values, tensor.array))


def eye_(tensor: Any) -> Any:
    """Fill a matrix with ones on its diagonal, 0 elsewhere: a layer that gives its input."""
    if tensor.ndim != 2:
        raise ValueError(tr(
            "Only tensors with 2 dimensions are supported: this one has {ndim}.", ndim=tensor.ndim,
        ))  # fmt: skip
    return _written(tensor, np.eye(*tensor.shape, dtype=tensor.array.dtype))


def dirac_(tensor: Any, groups: int = 1) -> Any:
    """Fill the kernels of a convolution so that it gives its input, in each group of channels."""
    shape = tensor.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(tr(
            "Only tensors with 3, 4, or 5 dimensions are supported: this one has {ndim}.", ndim=len(shape),
        ))  # fmt: skip
    if shape[0] % groups:
        raise ValueError(tr(
            "dim 0 must be divisible by groups: {channels} channels, {groups} groups.",
            channels=shape[0], groups=groups,
        ))  # fmt: skip
    values = np.zeros(shape, tensor.array.dtype)
    out = shape[0] // groups
    d = np.arange(min(out, shape[1]))
    for g in range(groups):
        values[(g * out + d, d, *(n // 2 for n in shape[2:]))] = 1
    return _written(tensor, values)


def _fans(tensor: Any) -> tuple[int, int]:
    """Give how many inputs an output has, and how many outputs an input."""
    if tensor.ndim < 2:
        raise ValueError(tr(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: use uniform_ "
            "or normal_.",
        ))  # fmt: skip
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Draw evenly so that variances stay the same both ways (X. Glorot, Y. Bengio, 2010)."""
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / sum(_fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Draw from a normal distribution so that variances stay the same both ways (X. Glorot, Y. Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


_LINEAR = "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d sigmoid".split()
_GAINS = dict.fromkeys(_LINEAR, 1.0) | {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Give by how much the deviation of weights before this function should be larger.

    Raises
    ------
    ValueError
        If the function is none of those that it knows.
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(tr(
            "Unsupported nonlinearity {nonlinearity}: write one of leaky_relu, {names}.",
            nonlinearity=nonlinearity, names=", ".join(_GAINS),
        ))  # fmt: skip
    return _GAINS[nonlinearity]


def _deviation(tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return calculate_gain(nonlinearity, a) / math.sqrt(_fans(tensor)[modes.index(mode.lower())])


def _is_empty(tensor: Any) -> bool:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return 0 in tensor.shape


def kaiming_uniform_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:  # fmt: skip
    """Draw evenly so that variances stay the same through relu (K. He and others, 2015)."""
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _deviation(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:  # fmt: skip
    """Draw from a normal distribution so that variances stay the same through relu (K. He and others, 2015)."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0, _deviation(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Any, gain: float = 1, generator: Any = None) -> Any:
    """Draw a matrix whose rows (or columns) are orthogonal (A. Saxe and others, 2013); dims after the first are one."""
    if tensor.ndim < 2:
        raise ValueError(tr(
            "Only tensors with 2 or more dimensions are supported: this one has {ndim}.", ndim=tensor.ndim,
        ))  # fmt: skip
    if not tensor.numel():
        return tensor
    shape = (tensor.shape[0], tensor.numel() // tensor.shape[0])
    drawn = draws.normal(np.empty(shape, tensor.array.dtype), generator=generator)
    q, r = np.linalg.qr(drawn.T if shape[0] < shape[1] else drawn)
    q *= np.sign(np.diagonal(r))  # even over all such matrices: F. Mezzadri, 2007
    return _written(
        tensor, (q.T if shape[0] < shape[1] else q).reshape(tensor.shape) * tensor.array.dtype.type(gain)
    )


def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Any = None) -> Any:
    """Draw a matrix from the normal distribution and set a part of each column to 0 (J. Martens, 2010)."""
    if tensor.ndim != 2:
        raise ValueError(tr(
            "Only tensors with 2 dimensions are supported: this one has {ndim}.", ndim=tensor.ndim,
        ))  # fmt: skip
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    values = draws.normal(draws.beside(tensor.array), 0, std, generator)
    for column in range(columns):
        values[randperm(rows).array[:zeros], column] = 0
    return _written(tensor, values)


def __getattr__(name: str) -> Any:
    raise missing("nn.init", name, list(globals()))
