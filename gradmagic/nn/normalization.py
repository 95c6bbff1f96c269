"""PyTorch's normalisations, as functions (`F.batch_norm`) and modules (`nn.BatchNorm2d`).

In: tensors (batch, channels, ...) and statistics to keep. Out: the input with mean 0 and variance 1 over some of its
dims. One rule serves layers, batches, groups and instances; another what is normalised by kept statistics.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..engine.derivatives.nn import functions as nw
from ..engine.dispatch.calls import call
from ..engine.faces.torch.math import named
from ..engine.faces.torch.tensor import Tensor
from ..engine.rules.declare import RULES
from ..engine.tape.modes import no_grad
from ..errors import ShapeError
from ..functions import as_tensor, ones, zeros
from ..language import tr
from .modules import Module
from .parameters import Parameter

_LAYER, _BY = RULES[nw.layer_norm], RULES[nw.normalise_by]
_BATCH, _GROUP, _INSTANCE = (
    named(nw.layer_norm, f"Native{kind}NormBackward0") for kind in ("Batch", "Group", "Batch")
)
_BATCH.name, _GROUP.name, _INSTANCE.name = "batch_norm", "group_norm", "instance_norm"  # as reports call them
_layer_norm, _by = nw.layer_norm.__wrapped__, nw.normalise_by.__wrapped__


def _dims(normalized_shape: Any, input: Any) -> tuple[int, ...]:
    dims = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if tuple(input.shape[input.ndim - len(dims) :]) != dims:
        raise ShapeError(tr(
            "Given normalized_shape={normalized_shape}, expected input with shape [*, {sizes}], but got "
            "input of size{shape}: name the sizes of the input's last dims.",
            normalized_shape=list(dims), sizes=", ".join(map(str, dims)), shape=list(input.shape),
        ))  # fmt: skip
    return dims


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Any:  # fmt: skip
    """Give the input with mean 0 and variance 1 over its last dims, times `weight` plus `bias` (J. Ba, 2016)."""
    input = as_tensor(input)
    dims = _dims(normalized_shape, input)
    return call(
        _LAYER, _layer_norm, (input, weight, bias, tuple(range(-len(dims), 0)), eps, None, None, []), {}
    )


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Give the input divided by the root of the mean square over its last dims, times `weight` (B. Zhang, 2019)."""
    input = as_tensor(input)
    axes = tuple(range(-len(_dims(normalized_shape, input)), 0))
    eps = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    y = input * ((input * input).mean(axes, True) + eps).rsqrt()
    return y if weight is None else y * weight


def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-05,
) -> Any:  # fmt: skip
    """Give the input with mean 0 and variance 1 in each channel (S. Ioffe, C. Szegedy, 2015).

    Parameters
    ----------
    input : Tensor
        (batch, channels, ...).
    running_mean, running_var : Tensor or None
        (channels,): in training they move towards the batch's, by `momentum`; otherwise they are what is used.
    weight, bias : Tensor, optional
        (channels,).
    training : bool
    momentum, eps : float

    Raises
    ------
    ValueError
        If in training a channel has one value only.
    """
    input = as_tensor(input)
    rim = (1, -1, *[1] * (input.ndim - 2))
    if not training:
        return call(_BY, _by, (input, weight, bias, running_mean, running_var, eps, rim), {})
    axes = (0, *range(2, input.ndim))
    number = math.prod(input.shape[a] for a in axes)
    if number == 1:
        raise ValueError(tr(
            "Expected more than 1 value per channel when training, got input size {shape}: give a larger "
            "batch, or call eval() first.", shape=input.shape,
        ))  # fmt: skip
    kept: list[Any] = []
    y = call(_BATCH, partial(_layer_norm, keep=kept), (input, weight, bias, axes, eps, None, rim, []), {})
    _remember(running_mean, running_var, kept, number, momentum)
    return y


def _remember(running_mean: Any, running_var: Any, kept: list[Any], number: int, momentum: float) -> None:
    """Let the running statistics move towards those of this batch; the variance's is the unbiased one."""
    for running, now, factor in zip(
        (running_mean, running_var), kept, (1, number / max(number - 1, 1)), strict=True
    ):
        if running is not None:
            with no_grad():
                running.mul_(1 - momentum).add_(Tensor.wrap(np.reshape(now, -1) * (momentum * factor), None))


def instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-05,
) -> Any:  # fmt: skip
    """Give each image with mean 0 and variance 1 in each channel (D. Ulyanov and others, 2016)."""
    input = as_tensor(input)
    rim = (1, -1, *[1] * (input.ndim - 2))
    if not use_input_stats:
        return call(_BY, _by, (input, weight, bias, running_mean, running_var, eps, rim), {})
    number = math.prod(input.shape[2:])
    if number == 1:
        raise ValueError(tr(
            "Expected more than 1 spatial element when training, got input size {shape}: give a larger "
            "image, or call eval() first.", shape=input.shape,
        ))  # fmt: skip
    kept: list[Any] = []
    settings: tuple[Any, ...] = (tuple(range(2, input.ndim)), eps, None, rim, [])
    y = call(_INSTANCE, partial(_layer_norm, keep=kept), (input, weight, bias, *settings), {})
    if running_mean is not None:
        _remember(running_mean, running_var, [np.mean(k, axis=0) for k in kept], number, momentum)
    return y


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-05) -> Any:
    """Give each group of channels with mean 0 and variance 1 (Y. Wu, K. He, 2018)."""
    input = as_tensor(input)
    batch, channels = input.shape[:2]
    if channels % num_groups:
        raise ShapeError(tr(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            "{shape} and num_groups={num_groups}: write a number that divides {channels}.",
            shape=list(input.shape), num_groups=num_groups, channels=channels,
        ))  # fmt: skip
    view = (batch, num_groups, math.prod(input.shape[1:]) // num_groups)
    rim = (1, -1, *[1] * (input.ndim - 2))
    return call(_GROUP, _layer_norm, (input, weight, bias, (2,), eps, view, rim, []), {})


# ---- modules ----------------------------------------------------------------------------------------------------


class _Affine(Module):
    """A weight of ones and a bias of zeros, if wished."""

    def _affine(self, shape: Any, weight: bool, bias: bool, dtype: Any, device: Any) -> None:
        made = {"weight": ones if weight else None, "bias": zeros if bias else None}
        for name, start in made.items():
            value = None if start is None else Parameter(start(shape, dtype=dtype, device=device))
            self.register_parameter(name, value)

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        with no_grad():
            for name, value in (("weight", 1), ("bias", 0)):
                if getattr(self, name, None) is not None:
                    getattr(self, name).fill_(value)


class LayerNorm(_Affine):
    """`F.layer_norm` with a weight and a bias of its own, 1 and 0 at first."""

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-05, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self._affine(shape, elementwise_affine, elementwise_affine and bias, dtype, device)

    def forward(self, input: Any) -> Any:
        """Give the normalised input."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Name the settings."""
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(_Affine):
    """`F.rms_norm` with a weight of its own, 1 at first."""

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self._affine(shape, elementwise_affine, False, dtype, device)
        del self._parameters["bias"]

    def forward(self, input: Any) -> Any:
        """Give the normalised input."""
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Name the settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """`F.group_norm` with a weight and a bias of its own, 1 and 0 at first."""

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-05, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._affine(num_channels, affine, affine and bias, dtype, device)

    def forward(self, input: Any) -> Any:
        """Give the normalised input."""
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Name the settings."""
        sizes = f"{self.num_groups}, {self.num_channels}, eps={self.eps}"
        return f"{sizes}, affine={self.affine}, bias={self.bias is not None}"


class _Running(_Affine):
    """A normalisation that keeps running statistics; `_dims` says how many dims its input has."""

    _dims: tuple[int, ...]
    _affine_by_default = _tracks_by_default = True

    def __init__(
        self, num_features: int, eps: float = 1e-05, momentum: float | None = 0.1, affine: bool | None = None,
        track_running_stats: bool | None = None, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine = self._affine_by_default if affine is None else affine
        self.track_running_stats = (
            self._tracks_by_default if track_running_stats is None else track_running_stats
        )
        self._affine(num_features, self.affine, self.affine and bias, dtype, device)
        kept = self.track_running_stats
        self.register_buffer(
            "running_mean", zeros(num_features, dtype=dtype, device=device) if kept else None
        )
        self.register_buffer("running_var", ones(num_features, dtype=dtype, device=device) if kept else None)
        self.register_buffer("num_batches_tracked", as_tensor(0, device=device) if kept else None)

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
                getattr(self, name).fill_(value)

    def reset_parameters(self) -> None:
        """Forget the running statistics, set weight to 1 and bias to 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_dims(self, input: Any) -> Any:
        input = as_tensor(input)
        if input.ndim not in self._dims:
            wanted = " or ".join(f"{d}D" for d in self._dims)
            raise ValueError(tr(
                "expected {wanted} input (got {ndim}D input): reshape it to (batch, channels, ...).",
                wanted=wanted, ndim=input.ndim,
            ))  # fmt: skip
        return input

    def extra_repr(self) -> str:
        """Name the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Running):
    def forward(self, input: Any) -> Any:
        """Give the normalised input; in training the running statistics move."""
        input = self._check_dims(input)
        mean, variance = self.running_mean, self.running_var
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1 / float(self.num_batches_tracked)
        training = self.training or mean is None
        if not self.training or self.track_running_stats:
            statistics = (mean, variance)
        else:
            statistics = (None, None)
        return batch_norm(input, *statistics, self.weight, self.bias, training, momentum, self.eps)


class _InstanceNorm(_Running):
    _affine_by_default = _tracks_by_default = False

    def forward(self, input: Any) -> Any:
        """Give the normalised input; in training the running statistics move, if there are any."""
        input = self._check_dims(input)
        alone = input.ndim == self._dims[0]
        x = input.unsqueeze(0) if alone else input
        settings = (self.training or not self.track_running_stats, self.momentum or 0.0, self.eps)
        y = instance_norm(x, self.running_mean, self.running_var, self.weight, self.bias, *settings)
        return y.squeeze(0) if alone else y


class BatchNorm1d(_BatchNorm):
    """`F.batch_norm` of (batch, channels) or (batch, channels, length)."""

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """`F.batch_norm` of (batch, channels, height, width)."""

    _dims = (4,)


class BatchNorm3d(_BatchNorm):
    """`F.batch_norm` of (batch, channels, depth, height, width)."""

    _dims = (5,)


class InstanceNorm1d(_InstanceNorm):
    """`F.instance_norm` of (batch, channels, length), or without the batch."""

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """`F.instance_norm` of (batch, channels, height, width), or without the batch."""

    _dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """`F.instance_norm` of (batch, channels, depth, height, width), or without the batch."""

    _dims = (4, 5)


__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]
MODULES = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "LayerNorm", "RMSNorm",
]  # fmt: skip
