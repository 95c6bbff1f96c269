"""PyTorch's functions of neural networks: activations, losses, layers. `import gradmagic.nn.functional as F`.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors) and PyTorch's arguments. Out: Tensors.
"""

from __future__ import annotations

import math
import warnings
from functools import wraps
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.bounds import in_bounds
from ..engine.derivatives.nn import functions as nw
from ..engine.dispatch.calls import call, call_elementwise, call_unary
from ..engine.faces.torch import math as torch_math
from ..engine.faces.torch import matrices
from ..engine.faces.torch import reductions as torch_reductions
from ..engine.faces.torch.arguments import shown
from ..engine.faces.torch.indexing import BoundsError
from ..engine.faces.torch.math import OperandError, named
from ..engine.faces.torch.random import dropped
from ..engine.faces.torch.tensor import Tensor
from ..engine.rules.declare import RULES
from ..engine.tape.tracked import raw
from ..errors import ShapeError
from ..functions import as_tensor, of_tensor
from ..language import tr
from ..missing import missing
from . import (
    activations,
    attending,
    convolution,
    distances,
    dropping,
    embedding_rows,
    normalization,
    pooling,
    rearranging,
    resizing,
)
from .activations import *  # noqa: F403
from .activations import in_place, writing
from .attending import *  # noqa: F403
from .convolution import *  # noqa: F403
from .distances import *  # noqa: F403
from .dropping import *  # noqa: F403
from .embedding_rows import *  # noqa: F403
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
from .normalization import *  # noqa: F403
from .pooling import *  # noqa: F403
from .rearranging import *  # noqa: F403
from .resizing import *  # noqa: F403

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
    if inplace:
        return input.relu_()
    return call_unary(_RELU, _relu, input if type(input) is Tensor else as_tensor(input))


sigmoid = of_tensor(torch_math.UNARY["sigmoid"])
tanh = of_tensor(torch_math.UNARY["tanh"])


def _along_some_dim(f: Any) -> Any:
    """Let a softmax be called without a dim, as books of old do: PyTorch warns, and takes the first or second."""

    @wraps(f)
    def function(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        if dim is None:
            warnings.warn(
                f"Implicit dimension choice for {f.__name__} has been deprecated. Change the call to include dim=X "
                "as an "
                "argument.",
                stacklevel=2,
            )
            dim = 0 if np.ndim(raw(input)) in (0, 1, 3) else 1
        return f(input, dim, dtype=dtype)

    return of_tensor(function)


softmax, log_softmax = map(_along_some_dim, (torch_reductions.softmax, torch_reductions.log_softmax))


@writing
def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """Give the entries, those that are not positive times `negative_slope`."""
    return nw.leaky_relu(input, negative_slope)


@writing
def elu(input: Any, alpha: float = 1.0) -> Any:
    """Give x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    return nw.elu(input, alpha)


@writing
def silu(input: Any) -> Any:
    """Give x * sigmoid(x)."""
    return nw.silu(input)


@of_tensor
def gelu(input: Any, approximate: str = "none") -> Any:
    """Give x times the normal distribution function at x; "tanh" for its well-known approximation."""
    if approximate not in ("none", "tanh"):
        raise OperandError(tr("approximate argument must be either none or tanh. Write one of these."))
    return nw.gelu_tanh(input) if approximate == "tanh" else nw.gelu(input)


@of_tensor
def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Give log(1 + exp(beta * x)) / beta, without overflow, and x itself where beta * x is above `threshold`."""
    made = nw.softplus(input, beta)
    return (
        made
        if threshold == 20
        else shown(np.where(input.array * beta > threshold, input, made), "SoftplusBackward0")
    )


@of_tensor
def logsigmoid(input: Any) -> Any:
    """Give log(sigmoid(x)), without overflow."""
    return nw.log_sigmoid(input)


@writing
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """Give x held between `min_val` and `max_val`."""
    if min_val > max_val:
        raise ValueError(tr("min_val cannot be greater than max_val: exchange them."))
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
        raise ShapeError(tr(
            "mat1 and mat2 shapes cannot be multiplied ({rows}x{columns} and {features}x{outputs}): linear "
            "wants {features} features in the last dim of its input. Reshape the input, or make the layer "
            "with as many in_features as it has.", rows=math.prod(x.shape[:-1]),
            columns=x.shape[-1] if x.ndim else 1, features=w.shape[-1], outputs=w.shape[0],
        ))  # fmt: skip
    if bias is None:
        return matrices.matmul(input, as_tensor(weight).t())
    return call(_DENSE if x.ndim == 2 else _DENSE_VIEW, _dense, (input, weight, bias), {})


@of_tensor
def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Give 0 in place of a part `p` of the entries, drawn at random, and the others divided by 1 - p."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}.")
    if not training or p == 0:
        return input
    return input * Tensor.wrap(dropped(input.array, p), None)


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
    if not arrays.on_device(y) and y.size and y.max() >= classes:
        raise BoundsError(tr(
            "Class values must be smaller than num_classes. They run from 0 to {last}.", last=classes - 1,
        ))  # fmt: skip
    in_bounds(
        y, classes, 0, tr("Class values run from 0 to num_classes - 1, which is {last}", last=classes - 1)
    )
    return Tensor.wrap(np.equal(np.expand_dims(y, -1), arrays.arange(classes, y)).astype(np.int64), None)


relu_ = in_place(relu, "relu_")
elu_, hardtanh_, leaky_relu_ = (in_place(f, f"{f.__name__}_") for f in (elu, hardtanh, leaky_relu))
__all__ = [
    *(name for file in (activations, attending, convolution, distances, dropping, embedding_rows, normalization,
                        pooling, rearranging, resizing) for name in file.__all__),
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "elu", "elu_", "gelu",
    "hardtanh", "hardtanh_", "huber_loss", "kl_div", "l1_loss", "leaky_relu", "leaky_relu_", "linear", "log_softmax",
    "logsigmoid", "mse_loss", "nll_loss", "normalize", "one_hot", "relu", "relu_", "sigmoid", "silu", "smooth_l1_loss",
    "softmax", "softplus", "tanh",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing("nn.functional", name, __all__)
