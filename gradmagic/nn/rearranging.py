"""PyTorch's functions that rearrange channels of images, and the normalisation over neighbouring channels.

In: Tensors (batch, channels, height, width), or more dims before these. Out: Tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.faces.torch.arguments import shown
from ..engine.faces.torch.math import OperandError
from ..functions import of_tensor
from ..language import tr


@of_tensor
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Give r * r channels as one of r times the height and width: (..., c*r*r, h, w) to (..., c, h*r, w*r)."""
    r, (*batch, c, h, w) = upscale_factor, _image("pixel_shuffle", input)
    if c % (r * r):
        raise OperandError(tr(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            "upscale_factor, but input.size(-3)={channels} is not divisible by {square}. Each square of r * "
            "r pixels is made of as many channels.", channels=c, square=r * r,
        ))  # fmt: skip
    n = len(batch)
    parts = np.reshape(input, (*batch, c // (r * r), r, r, h, w))
    moved = np.transpose(parts, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return shown(np.reshape(moved, (*batch, c // (r * r), h * r, w * r)), "PixelShuffleBackward0")


@of_tensor
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Give squares of r * r pixels as channels: (..., c, h*r, w*r) to (..., c*r*r, h, w)."""
    r, (*batch, c, h, w) = downscale_factor, _image("pixel_unshuffle", input)
    for word, size, at in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise OperandError(tr(
                "pixel_unshuffle expects {side} to be divisible by downscale_factor, but "
                "input.size({dim})={size} is not divisible by {r}. Pad it first.",
                side=word, dim=at, size=size, r=r,
            ))  # fmt: skip
    n = len(batch)
    parts = np.reshape(input, (*batch, c, h // r, r, w // r, r))
    moved = np.transpose(parts, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return shown(np.reshape(moved, (*batch, c * r * r, h // r, w // r)), "PixelUnshuffleBackward0")


def _image(name: str, input: Any) -> tuple[int, ...]:
    if input.ndim < 3:
        raise OperandError(tr(
            "{name} expects input to have at least 3 dimensions, but got input with {ndim} dimension(s). "
            "The last three are channels, height and width.", name=name, ndim=input.ndim,
        ))  # fmt: skip
    return tuple(input.shape)


@of_tensor
def channel_shuffle(input: Any, groups: int) -> Any:
    """Give the channels, those of all groups in turn: the first of each, then the second of each."""
    n, c, *rest = input.shape
    if c % groups:
        raise OperandError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    parts = np.swapaxes(np.reshape(input, (n, groups, c // groups, *rest)), 1, 2)
    return shown(np.reshape(parts, (n, c, *rest)), "NativeChannelShuffleBackward0")


@of_tensor
def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Give x divided by (k + alpha * the mean square over `size` neighbouring channels)**beta."""
    if input.ndim < 3:
        raise ValueError(tr(
            "Expected 3D or higher dimensionality input (got {ndim} dimensions): channels are dim 1.",
            ndim=input.ndim,
        ))  # fmt: skip
    square = np.pad(input * input, [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (input.ndim - 2))
    channels = input.shape[1]
    total = sum(square[:, i : i + channels] for i in range(size))
    return input / (total / size * alpha + k) ** beta


__all__ = ["channel_shuffle", "local_response_norm", "pixel_shuffle", "pixel_unshuffle"]
