"""More of PyTorch's activations as functions: rows over derivatives/nn/activations.py, and those made of others.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors). Out: Tensors. `inplace=True`, and the names with a
trailing underscore, write into the tensor itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.generator import stream
from ..engine.derivatives.nn import activations as ac
from ..engine.derivatives.nn import functions as nw
from ..engine.dispatch.calls import call_elementwise
from ..engine.faces.torch import draws, reductions
from ..engine.faces.torch.arguments import at, fits, shown
from ..engine.faces.torch.math import OperandError, floating
from ..engine.rules.declare import RULES
from ..engine.tape.modes import OFF, mode_now
from ..engine.tape.tracked import raw
from ..functions import as_tensor, of_tensor
from ..language import tr

_RELU6 = RULES[nw.hardtanh]


def writing(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function of one tensor the keyword `inplace`, which writes the result into the tensor itself."""

    @wraps(f)
    def function(input: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        if not inplace:
            return f(input, *args, **kwargs)
        made = f(input if mode_now() is OFF else input.as_value(), *args, **kwargs)
        fits(input, made)
        return input.assign(Ellipsis, made) if mode_now() is OFF else _written(input, made)

    return of_tensor(function)


def _written(input: Any, made: Any) -> Any:
    from ..engine.faces.inplace import assign

    return assign(input, Ellipsis, made, fresh=made is not input)


def in_place(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Make `F.relu_` from `F.relu`."""

    @wraps(f)
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        return f(input, *args, inplace=True, **kwargs)

    function.__name__ = function.__qualname__ = name
    return function


@writing
def relu6(input: Any) -> Any:
    """Give the entries held between 0 and 6."""
    return call_elementwise(_RELU6, (input, 0, 6))


@writing
def celu(input: Any, alpha: float = 1.0) -> Any:
    """Give x where it is positive, alpha * (exp(x / alpha) - 1) elsewhere."""
    return shown(ac.scaled_elu(input, alpha, 1.0, 1 / alpha), "CeluBackward0")


@writing
def selu(input: Any) -> Any:
    """Give scale * elu(x, alpha) with the two numbers that keep mean 0 and variance 1 (Klambauer et al., 2017)."""
    return ac.scaled_elu(input, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0)


@writing
def mish(input: Any) -> Any:
    """Give x * tanh(softplus(x))."""
    return ac.mish(input)


@writing
def hardswish(input: Any) -> Any:
    """Give x * relu6(x + 3) / 6."""
    return ac.hard_swish(input)


@writing
def hardsigmoid(input: Any) -> Any:
    """Give relu6(x + 3) / 6."""
    return ac.hard_sigmoid(input)


@writing
def threshold(input: Any, threshold: float, value: float) -> Any:
    """Give x where it is above `threshold`, `value` elsewhere."""
    return ac.threshold(input, threshold, value)


@of_tensor
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """Give x moved by `lambd` towards 0, and 0 where it is nearer than that."""
    if lambd < 0:
        raise OperandError(tr(
            "lambda must be in range [0, 3.40282e+38] for input dtype Float, but found {lambd}. Write a "
            "positive one.", lambd=lambd,
        ))  # fmt: skip
    return ac.soft_shrink(input, lambd)


@of_tensor
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """Give x where it is further from 0 than `lambd`, 0 elsewhere."""
    return ac.hard_shrink(input, lambd)


@of_tensor
def tanhshrink(input: Any) -> Any:
    """Give x - tanh(x)."""
    return input - input.tanh()


@of_tensor
def softsign(input: Any) -> Any:
    """Give x / (1 + |x|)."""
    return input / (abs(input) + 1)


@of_tensor
def softmin(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """Give the softmax of -x along `dim`."""
    return reductions.softmax(-input, dim, dtype=dtype)


@of_tensor
def prelu(input: Any, weight: Any) -> Any:
    """Give x where it is positive, weight * x elsewhere; of several weights one for each channel, along dim 1."""
    weight = as_tensor(weight)
    if weight.numel() > 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.numel() != channels:
            raise OperandError(tr(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = {weights} "
                "and channel size = {channels}. Give one weight, or one for each channel.",
                weights=weight.numel(), channels=channels,
            ))  # fmt: skip
        weight = np.reshape(weight, (-1,) + (1,) * (input.ndim - 2)) if input.ndim > 1 else weight
    elif weight.ndim:
        weight = np.reshape(weight, (1,) * max(input.ndim, 0))
    return ac.prelu(input, weight)


@of_tensor
def glu(input: Any, dim: int = -1) -> Any:
    """Give one half of the entries along `dim` times sigmoid of the other half."""
    n = input.shape[at(dim, input.ndim)] if input.ndim else 1
    if n % 2:
        raise OperandError(tr(
            "Halving dimension must be even, but dimension {dim} is size {n}. Pad it.",
            dim=at(dim, input.ndim), n=n,
        ))  # fmt: skip
    a, b = input.chunk(2, dim)
    return shown(a * b.sigmoid(), "GluBackward0")


@writing
def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """Give x where it is positive, elsewhere times a slope: drawn between the two in training, else their mean."""
    if not training:
        return shown(nw.leaky_relu(input, (lower + upper) / 2), "RreluWithNoiseBackward0")
    below = np.asarray(arrays.to_host(input.array)) <= 0
    slope = np.ones(below.shape, input.array.dtype)
    slope[below] = stream().uniform(int(below.sum()), np.float64, lower, upper)  # drawn for these alone
    return input * input.wrap(arrays.from_host(slope, input.array), None)


@of_tensor
def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """Give draws of classes that a gradient passes through: softmax((logits + Gumbel's noise) / tau)."""
    noise = -np.log(draws.exponential(floating(logits).array))
    soft = reductions.softmax((logits + logits.wrap(noise, None)) / tau, dim)
    if not hard:
        return soft
    top = np.equal(soft.array, np.max(raw(soft), axis=dim, keepdims=True)).astype(soft.array.dtype)
    return soft.wrap(top - soft.array, None) + soft


_NAMES = (
    "relu6 celu selu mish hardswish hardsigmoid threshold softshrink hardshrink tanhshrink softsign softmin prelu glu "
    "rrelu gumbel_softmax"
).split()
celu_, selu_, threshold_, rrelu_ = (in_place(f, f"{f.__name__}_") for f in (celu, selu, threshold, rrelu))
__all__ = [*_NAMES, "celu_", "rrelu_", "selu_", "threshold_"]
