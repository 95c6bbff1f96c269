"""PyTorch's layers and losses as modules: `nn.Linear(3, 2)`, `nn.ReLU()`, `nn.MSELoss()`.

In: sizes and settings. Out: modules whose call is the function of the same name in functional.py. Parameters start
with PyTorch's distributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..functions import as_tensor, empty, randn
from . import functional as F
from . import init
from .convolution import pair
from .modules import Module
from .parameters import Parameter

__all__ = [
    "ELU", "GELU", "AvgPool2d", "BCELoss", "BCEWithLogitsLoss", "Conv2d", "CrossEntropyLoss", "Dropout", "Embedding",
    "Flatten", "HuberLoss", "Identity", "KLDivLoss", "L1Loss", "LayerNorm", "LeakyReLU", "Linear", "LogSoftmax",
    "MSELoss", "MaxPool2d", "NLLLoss", "ReLU", "SiLU", "Sigmoid", "SmoothL1Loss", "Softmax", "Softplus", "Tanh",
]  # fmt: skip


def _drawn(module: Any, shape: tuple[int, ...], bias: bool) -> None:
    """Give a layer its weight, and a bias of one entry for each of the weight's first dim, drawn as PyTorch draws."""
    module.weight = init.kaiming_uniform_(Parameter(empty(shape)), a=math.sqrt(5))
    module.register_parameter("bias", Parameter(empty(shape[:1])) if bias else None)
    inputs = math.prod(shape[1:])
    if bias and inputs:
        init.uniform_(module.bias, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))


class Linear(Module):
    """x @ weight.T + bias; weight and bias drawn evenly within 1/sqrt(in_features), as PyTorch does.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> layer = nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(gm.ones(4, 3)).shape
    torch.Size([4, 2])
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        _drawn(self, (out_features, in_features), bias)

    def forward(self, input: Any) -> Any:
        """Give input @ weight.T + bias."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Name the sizes."""
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"


class Conv2d(Module):
    """Convolution of images (batch, channels, height, width); drawn as PyTorch draws."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = pair(kernel_size), pair(stride), pair(dilation)
        self.padding = padding if isinstance(padding, str) else pair(padding)
        _drawn(self, (out_channels, in_channels // groups, *self.kernel_size), bias)

    def forward(self, input: Any) -> Any:
        """Give the convolution of the images."""
        settings = (self.stride, self.padding, self.dilation, self.groups)
        return F.conv2d(input, self.weight, self.bias, *settings)

    def extra_repr(self) -> str:
        """Name the sizes."""
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        for name, silent in (("padding", (0, 0)), ("dilation", (1, 1)), ("groups", 1)):
            if getattr(self, name) != silent:
                text += f", {name}={getattr(self, name)}"
        return text + (", bias=False" if self.bias is None else "")


class Embedding(Module):
    """A row of numbers for each whole number, drawn from the normal distribution."""

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = Parameter(randn(num_embeddings, embedding_dim))

    def forward(self, input: Any) -> Any:
        """Give the rows."""
        return F.embedding(input, self.weight)

    def extra_repr(self) -> str:
        """Name the sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}"


class LayerNorm(Module):
    """The last dims with mean 0 and variance 1, times `weight` plus `bias`."""

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-05, elementwise_affine: bool = True, bias: bool = True
    ) -> None:  # fmt: skip
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        biased, ones = elementwise_affine and bias, np.ones(shape, np.float32)
        self.register_parameter("weight", Parameter(ones) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(np.zeros(shape, np.float32)) if biased else None)

    def forward(self, input: Any) -> Any:
        """Give the normalised input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Name the settings."""
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class Flatten(Module):
    """All dims from `start_dim` on as one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """Give the input with fewer dims."""
        return as_tensor(input).flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Name the dims."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """A part `p` of the entries, drawn at random, set to 0 while training."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """Give the input with some entries dropped."""
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """Name the settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Identity(Module):
    """The input itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """Give the input."""
        return input


# ---- modules that are a function with settings -------------------------------------------------------------------


def _of_function(name: str, function: Callable[..., Any], settings: dict[str, Any], shown: str = "") -> Any:
    """Make a module from a function and its settings, in PyTorch's order and with PyTorch's defaults."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        Module.__init__(self)
        given = dict(zip(settings, args, strict=False)) | kwargs
        unknown = set(given) - set(settings)
        if unknown or len(args) > len(settings):
            raise TypeError(
                f"{name}() has no setting {', '.join(unknown) or 'number ' + str(len(args))}: it has "
                f"{', '.join(settings) or 'none'}."
            )
        self.__dict__["_settings"] = made = settings | given
        if "stride" in made and made["stride"] is None:  # of a pool: PyTorch shows what it comes to
            made["stride"] = made["kernel_size"]
        self.__dict__.update({k: v for k, v in self._settings.items() if k != "weight"})

    def forward(self: Any, *inputs: Any) -> Any:
        return function(*inputs, **{k: v for k, v in self._settings.items() if k != "inplace"})

    def extra_repr(self: Any) -> str:
        inplace = "inplace=True" if self._settings.get("inplace") else ""
        return ", ".join(filter(None, (shown.format(**self._settings), inplace)))

    doc = f"`F.{function.__name__}` as a module."
    body = {"__init__": __init__, "forward": forward, "extra_repr": extra_repr, "__doc__": doc}
    return type(name, (Module,), body | {"__module__": __name__})


_REDUCTION = {"reduction": "mean"}
ReLU = _of_function("ReLU", F.relu, {"inplace": False})
Sigmoid = _of_function("Sigmoid", F.sigmoid, {})
Tanh = _of_function("Tanh", F.tanh, {})
SiLU = _of_function("SiLU", F.silu, {"inplace": False})
GELU = _of_function("GELU", F.gelu, {"approximate": "none"}, "approximate={approximate!r}")
ELU = _of_function("ELU", F.elu, {"alpha": 1.0, "inplace": False}, "alpha={alpha}")
Softplus = _of_function(
    "Softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}, "beta={beta}, threshold={threshold}"
)
LeakyReLU = _of_function(
    "LeakyReLU", F.leaky_relu, {"negative_slope": 0.01, "inplace": False}, "negative_slope={negative_slope}"
)
Softmax = _of_function("Softmax", F.softmax, {"dim": None}, "dim={dim}")
LogSoftmax = _of_function("LogSoftmax", F.log_softmax, {"dim": None}, "dim={dim}")
MaxPool2d = _of_function(
    "MaxPool2d", F.max_pool2d, {"kernel_size": 2, "stride": None, "padding": 0},
    "kernel_size={kernel_size}, stride={stride}, padding={padding}, dilation=1, ceil_mode=False",
)  # fmt: skip
AvgPool2d = _of_function(
    "AvgPool2d", F.avg_pool2d, {"kernel_size": 2, "stride": None, "padding": 0},
    "kernel_size={kernel_size}, stride={stride}, padding={padding}",
)  # fmt: skip
MSELoss = _of_function("MSELoss", F.mse_loss, _REDUCTION)
L1Loss = _of_function("L1Loss", F.l1_loss, _REDUCTION)
HuberLoss = _of_function("HuberLoss", F.huber_loss, _REDUCTION | {"delta": 1.0})
SmoothL1Loss = _of_function("SmoothL1Loss", F.smooth_l1_loss, _REDUCTION | {"beta": 1.0})
KLDivLoss = _of_function("KLDivLoss", F.kl_div, _REDUCTION | {"log_target": False})
BCELoss = _of_function("BCELoss", F.binary_cross_entropy, {"weight": None} | _REDUCTION)
BCEWithLogitsLoss = _of_function(
    "BCEWithLogitsLoss", F.binary_cross_entropy_with_logits,
    {"weight": None} | _REDUCTION | {"pos_weight": None},
)  # fmt: skip
NLLLoss = _of_function("NLLLoss", F.nll_loss, {"weight": None, "ignore_index": -100} | _REDUCTION)
CrossEntropyLoss = _of_function(
    "CrossEntropyLoss", F.cross_entropy,
    {"weight": None, "ignore_index": -100} | _REDUCTION | {"label_smoothing": 0.0},
)  # fmt: skip
