"""PyTorch's convolution and pooling of images: `F.conv2d`, `F.max_pool2d`, `F.avg_pool2d`.

In: images (batch, channels, height, width), or one image without a batch, and PyTorch's arguments. Out: images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.derivatives.nn import images as cv
from ..errors import ShapeError
from ..functions import as_tensor


def pair(value: Any) -> tuple[int, int]:
    """Give 3 and (3, 3) one form."""
    return (value, value) if isinstance(value, int) else tuple(value)  # type: ignore[return-value]


def _places(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any = (1, 1)) -> list[int]:
    return [cv.out_size(*sizes) for sizes in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)]


def _of_batch(f: Callable[[Any], Any], input: Any, name: str) -> Any:
    input = as_tensor(input)
    if input.ndim == 3:
        return f(input.unsqueeze(0)).squeeze(0)
    if input.ndim != 4:
        raise ShapeError(
            f"Expected 3D (unbatched) or 4D (batched) input to {name}, but got input of size: {list(input.shape)}. "
            "Reshape it to (batch, channels, height, width)."
        )
    return f(input)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:  # fmt: skip
    """Give the sums of products of every patch of the images with every kernel.

    Parameters
    ----------
    input : Tensor
        (batch, channels, height, width), or without the batch.
    weight : Tensor
        (out_channels, channels / groups, kernel height, kernel width).
    bias : Tensor, optional
        (out_channels,).
    stride, padding, dilation : int or pair of int
        Padding may be "same" (for stride 1) or "valid" too.
    groups : int
        Into how many independent groups the channels fall.

    Raises
    ------
    ShapeError
        If the numbers of channels differ.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.conv2d(gm.ones(1, 1, 3, 3), gm.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    weight = as_tensor(weight)
    kernel, dilation = weight.shape[2:], pair(dilation)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if any(t % 2 for t in total):
            rim = [(0, 0), (0, 0), *((t // 2, t - t // 2) for t in total)]
            input, total = np.pad(as_tensor(input), rim), [0, 0]  # type: ignore[call-overload]
        padding = tuple(t // 2 for t in total)
    settings = (pair(stride), pair(0 if padding == "valid" else padding), dilation, groups)
    if min(settings[0]) <= 0:
        raise ShapeError("non-positive stride is not supported: a stride is at least 1.")
    if min(settings[1]) < 0:
        raise ShapeError(
            "negative padding is not supported: cut the image by its index, x[:, :, 1:-1, 1:-1]."
        )

    def run(x: Any) -> Any:
        if x.shape[1] != weight.shape[1] * groups:
            raise ShapeError(
                f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
                f"{weight.shape[1] * groups} channels, but got {x.shape[1]} channels instead. "
                "Channels stand in dim 1 of the input: permute or unsqueeze it."
            )
        padded = [size + 2 * rim for size, rim in zip(x.shape[2:], settings[1], strict=True)]
        reach = [d * (size - 1) + 1 for size, d in zip(kernel, dilation, strict=True)]
        if any(size < most for size, most in zip(padded, reach, strict=True)):
            raise ShapeError(
                f"Calculated padded input size per channel: ({padded[0]} x {padded[1]}). Kernel size: "
                f"({reach[0]} x {reach[1]}). Kernel size can't be greater than actual input size: "
                "make the kernel smaller, or the image larger by padding."
            )
        return cv.convolve(x, weight, bias, *settings)

    return _of_batch(run, input, "conv2d")


def _pool(name: str, function: Any) -> Callable[..., Any]:
    def f(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
        kernel = pair(kernel_size)
        settings = (kernel, kernel if stride is None else pair(stride), pair(padding))
        if min(*kernel, *settings[1]) <= 0:
            raise ShapeError("stride should not be zero: kernel_size and stride are at least 1.")
        for rim, size in zip(settings[2], kernel, strict=True):
            if not 0 <= 2 * rim <= size:
                raise ShapeError(
                    f"pad should be at most half of effective kernel size, but got pad={rim}, kernel_size={size} and "
                    "dilation=1. A patch would see nothing but the rim."
                    if rim > 0
                    else f"pad must be non-negative, but got pad: {rim}. Cut the image by its index instead."
                )

        def run(x: Any) -> Any:
            places, channels = _places(x, *settings), x.shape[1]
            if min(places) <= 0:
                raise ShapeError(
                    f"Given input size: ({channels}x{x.shape[2]}x{x.shape[3]}). Calculated output size: "
                    f"({channels}x{places[0]}x{places[1]}). Output size is too small: the kernel is larger than the "
                    "image. Make the kernel smaller, or the image larger by padding."
                )
            return function(x, *settings)

        return _of_batch(run, input, name)

    f.__name__ = f.__qualname__ = name
    return f


max_pool2d = _pool("max_pool2d", cv.max_pool)
max_pool2d.__doc__ = "Give the largest entry of every patch; the gradient goes to the first that holds it."
avg_pool2d = _pool("avg_pool2d", cv.avg_pool)
avg_pool2d.__doc__ = "Give the average of every patch."
