"""PyTorch's functions of neural networks: activations, losses, layers. `import gradmagic.nn.functional as F`.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors) and PyTorch's arguments. Out: Tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.bounds import in_bounds
from ..engine.core.generator import generator
from ..engine.derivatives.nn import functions as nw
from ..engine.dispatch.calls import call, call_elementwise, call_unary
from ..engine.faces.torch import math as torch_math
from ..engine.faces.torch import reductions as torch_reductions
from ..engine.faces.torch import shapes as torch_shapes
from ..engine.faces.torch.math import named
from ..engine.faces.torch.tensor import Tensor
from ..engine.rules.declare import RULES
from ..engine.tape.tracked import raw
from ..errors import ShapeError
from ..functions import as_tensor, of_tensor
from .convolution import avg_pool2d, conv2d, max_pool2d
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)

# ---- activations ------------------------------------------------------------------------------------------------

_RELU = RULES[nw.relu]
_relu = nw.relu.__wrapped__


def relu(input: Any, inplace: bool = False) -> Any:
    """Give the entries that are positive, 0 for the others.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.relu(gm.tensor([-1.0, 2.0], requires_grad=True))
    tensor([0., 2.], grad_fn=<ReluBackward0>)
    """
    return call_unary(_RELU, _relu, input if type(input) is Tensor else as_tensor(input))


sigmoid = of_tensor(torch_math.UNARY["sigmoid"])
tanh = of_tensor(torch_math.UNARY["tanh"])
softmax = of_tensor(torch_reductions.softmax)
log_softmax = of_tensor(torch_reductions.log_softmax)


@of_tensor
def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """Give the entries, those that are not positive times `negative_slope`."""
    return nw.leaky_relu(input, negative_slope)


@of_tensor
def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Give x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    return nw.elu(input, alpha)


@of_tensor
def silu(input: Any, inplace: bool = False) -> Any:
    """Give x * sigmoid(x)."""
    return nw.silu(input)


@of_tensor
def gelu(input: Any, approximate: str = "none") -> Any:
    """Give x times the normal distribution function at x; "tanh" for its well-known approximation."""
    return nw.gelu_tanh(input) if approximate == "tanh" else nw.gelu(input)


@of_tensor
def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Give log(1 + exp(beta * x)) / beta, without overflow; x itself where beta * x is above `threshold`."""
    soft = nw.softplus(input, beta)
    return soft if threshold >= _STRAIGHT else np.where(input * beta > threshold, input, soft)


_STRAIGHT = 20.0  # beyond, log(1 + exp(z)) is z but for 2e-9


@of_tensor
def logsigmoid(input: Any) -> Any:
    """Give log(sigmoid(x)), without overflow."""
    return nw.log_sigmoid(input)


@of_tensor
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Give x held between `min_val` and `max_val`."""
    return call_elementwise(_HARDTANH, (input, min_val, max_val))


_HARDTANH = RULES[nw.hardtanh]


@of_tensor
def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """Give x divided by its norm along `dim`."""
    return input / torch_math.clamp(torch_reductions.norm(input, p, dim, True), min=eps)


# ---- layers -----------------------------------------------------------------------------------------------------

_DENSE, _dense = RULES[nw.dense], nw.dense.__wrapped__
_DENSE_VIEW = named(nw.dense, "ViewBackward0")


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """Give input @ weight.T + bias.

    Parameters
    ----------
    input : Tensor
        (..., in_features).
    weight : Tensor
        (out_features, in_features).
    bias : Tensor, optional
        (out_features,).

    Raises
    ------
    ShapeError
        If the numbers of features differ.
    """
    input = as_tensor(input)
    x, w = input.array, raw(weight)
    if not x.ndim or x.shape[-1] != w.shape[-1]:
        raise ShapeError(
            f"mat1 and mat2 shapes cannot be multiplied ({tuple(x.shape)} and {tuple(w.shape[::-1])}): linear "
            f"wants {w.shape[-1]} features in the last dim of its input. "
            "Reshape the input, or make the layer with as many in_features as it has."
        )
    if bias is None:
        return torch_math.matmul(input, as_tensor(weight).t())
    return call(_DENSE if x.ndim == 2 else _DENSE_VIEW, _dense, (input, weight, bias), {})


@of_tensor
def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Give 0 in place of a part `p` of the entries, drawn at random, and the others divided by 1 - p."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}.")
    if not training or p == 0:
        return input
    drawn = generator().random(np.shape(input.array), dtype=np.float32)
    kept = arrays.from_host(np.asarray(drawn >= p), input.array)
    scale = 1 / (1 - p) if p < 1 else 0.0
    return input * Tensor.wrap(kept * input.array.dtype.type(scale), None)


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Any:  # fmt: skip
    """Give the input with mean 0 and variance 1 over its last dims, times `weight` plus `bias`."""
    input = as_tensor(input)
    dims = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if tuple(input.shape[input.ndim - len(dims) :]) != dims:
        raise ShapeError(
            f"Given normalized_shape={list(dims)}, expected input with shape [*, {', '.join(map(str, dims))}], but got "
            f"input of size{list(input.shape)}: name the sizes of the input's last dims."
        )
    return nw.layer_norm(input, weight, bias, tuple(range(-len(dims), 0)), eps)


def embedding(input: Any, weight: Any) -> Any:
    """Give the row of `weight` at each number of `input`."""
    return torch_shapes.embedding(as_tensor(weight), as_tensor(input))


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Give a row of 0s with a 1 at the class for each entry.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.one_hot(gm.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    y = raw(as_tensor(tensor))
    classes = int(np.max(y)) + 1 if num_classes < 0 else num_classes
    in_bounds(y, classes, 0, f"Class values run from 0 to num_classes - 1, which is {classes - 1}")
    return Tensor.wrap(np.equal(np.expand_dims(y, -1), arrays.arange(classes, y)).astype(np.int64), None)


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """Give the input with a rim: `pad` names how many entries before and after, the last dim first."""
    input = as_tensor(input)
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    word = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    options = {"constant_values": value or 0} if mode == "constant" else {}
    return np.pad(input, widths, mode=word, **options)  # type: ignore[call-overload]


__all__ = [
    "avg_pool2d", "binary_cross_entropy", "binary_cross_entropy_with_logits", "conv2d", "cross_entropy", "dropout",
    "elu", "embedding", "gelu", "hardtanh", "huber_loss", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear",
    "log_softmax", "logsigmoid", "max_pool2d", "mse_loss", "nll_loss", "normalize", "one_hot", "pad", "relu", "sigmoid",
    "silu", "smooth_l1_loss", "softmax", "softplus", "tanh",
]  # fmt: skip
