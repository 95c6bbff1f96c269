"""Convolution and pooling of images, as functions of arrays beside NumPy's in the table of rules.

In: images (batch, channels, height, width) and settings as pairs (height, width). Out: images. Patches are copied out
slice by slice, one for each place in the kernel, and multiplied as matrices; the way back adds them slice by slice.
On a device, images_by_kernels.py does the same in one kernel for all slices. Every function here is linear in each
array, and their transposes are one another: derivatives of every order close among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core import arrays
from ...core.masked import masked
from ...dispatch.calls import primitive
from ...tape.nodes import Aval
from . import images_by_kernels as by_kernels

Pair = tuple[int, int]


def out_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Give how many places a kernel has along an axis of `size`."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _places(shape: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)) -> Pair:
    return tuple(out_size(*s) for s in zip(shape[2:], kernel, stride, padding, dilation, strict=True))  # type: ignore[return-value]


def _slices(kernel: Pair, stride: Pair, dilation: Pair, out: Pair) -> Iterator[tuple[int, int, Any]]:
    """For each place in the kernel, the part of the padded image that it meets."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = slice(i * dilation[0], i * dilation[0] + stride[0] * (out[0] - 1) + 1, stride[0])
            columns = slice(j * dilation[1], j * dilation[1] + stride[1] * (out[1] - 1) + 1, stride[1])
            yield i, j, (slice(None), slice(None), rows, columns)


def _padded(x: Any, padding: Pair, value: float = 0) -> Any:
    if padding == (0, 0):
        return x
    rim = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
    return np.pad(x, rim, constant_values=value)


def _like(shape: tuple[int, ...], proto: Any) -> Any:
    return arrays.zeros(Aval(shape, proto.dtype, None), proto)


def _patches(
    x: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Any, Pair]:
    """Give (batch, groups, channels of a group * kernel, places), and the size of the output."""
    n, c = x.shape[:2]
    out = _places(x.shape, kernel, stride, padding, dilation)
    x = _padded(x, padding)
    made = _like((n, c, *kernel, *out), x)
    for i, j, part in _slices(kernel, stride, dilation, out):
        made[:, :, i, j] = x[part]
    return np.reshape(made, (n, groups, c // groups * kernel[0] * kernel[1], out[0] * out[1])), out


def _matrix(w: Any, groups: int) -> Any:
    return np.reshape(w, (groups, w.shape[0] // groups, -1))


@primitive
def convolve(x: Any, w: Any, b: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """Give the sums of products of every patch of x with every kernel of w (out, channels of a group, ...), plus b."""
    if by_kernels.compiles(x, w):
        out = _places(x.shape, w.shape[2:], stride, padding, dilation)
        return by_kernels.convolve(x, w, b, out, stride, padding, dilation, groups)
    patches, out = _patches(x, w.shape[2:], stride, padding, dilation, groups)
    y = np.reshape(np.matmul(_matrix(w, groups), patches), (x.shape[0], w.shape[0], *out))
    if b is not None:
        y += np.reshape(b, (-1, 1, 1))
    return y


@primitive
def spread_out(
    g: Any, w: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:  # fmt: skip
    """Give an image of `size` with each entry of g times the kernels added where they lay: `convolve` transposed."""
    if by_kernels.compiles(g, w):
        return by_kernels.spread_out(g, w, size, stride, padding, dilation, groups)
    n, o, h, v = g.shape
    kernel, c = w.shape[2:], w.shape[1] * groups
    parts = np.matmul(np.swapaxes(_matrix(w, groups), -1, -2), np.reshape(g, (n, groups, o // groups, h * v)))
    parts = np.reshape(parts, (n, c, *kernel, h, v))
    image = _like((n, c, size[0] + 2 * padding[0], size[1] + 2 * padding[1]), g)
    for i, j, part in _slices(kernel, stride, dilation, (h, v)):
        image[part] += parts[:, :, i, j]
    return image[:, :, padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]]


@primitive
def correlate(
    x: Any, g: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:  # fmt: skip
    """Give for each place in the kernels the sum of x there times g: the cotangent of `convolve`'s kernels."""
    if by_kernels.compiles(x, g):
        return by_kernels.correlate(x, g, kernel, stride, padding, dilation, groups)
    patches, _ = _patches(x, kernel, stride, padding, dilation, groups)
    n, o, h, v = g.shape
    rows = np.reshape(g, (n, groups, o // groups, h * v))
    total = np.sum(np.matmul(rows, np.swapaxes(patches, -1, -2)), axis=0)
    return np.reshape(total, (o, x.shape[1] // groups, *kernel))


# ---- pooling: kernel, stride and padding as pairs ---------------------------------------------------------------


@primitive
def max_pool(x: Any, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give the largest entry of every patch."""
    if by_kernels.compiles(x):
        return by_kernels.max_pool(x, _places(x.shape, kernel, stride, padding), kernel, stride, padding)
    out = _places(x.shape, kernel, stride, padding)
    padded = _padded(x, padding, -np.inf)
    best = None
    for _, _, part in _slices(kernel, stride, (1, 1), out):
        best = padded[part].copy() if best is None else np.maximum(best, padded[part], out=best)
    return best


def _winners(x: Any, y: Any, kernel: Pair, stride: Pair, padding: Pair) -> Iterator[tuple[Any, Any]]:
    """For each place in the kernel, its part of the padded image and where it is the first to hold the largest.

    As in PyTorch the rim holds nothing, also where all the rest is -inf, and of several NaN the last is taken.
    """
    padded = _padded(x, padding, -np.inf)
    parts = [part for *_, part in _slices(kernel, stride, (1, 1), y.shape[2:])]
    if arrays.on_device(y) or (y.size and not np.isfinite(np.min(y))):  # a device would have to be waited for
        yield from _odd_winners(padded, _padded(np.ones_like(x, bool), padding, False), y, parts)
        return
    free = None
    for part in parts:
        here = padded[part] == y
        if free is not None:
            here &= free
        free = ~here if free is None else np.logical_and(free, ~here, out=free)
        yield part, here


def _odd_winners(padded: Any, real: Any, y: Any, parts: list[Any]) -> Iterator[tuple[Any, Any]]:
    """As `_winners`; `real` tells the image from its rim."""
    later, lasts = np.zeros_like(y, bool), []
    for part in reversed(parts):
        nan = np.isnan(padded[part])
        lasts.append(nan & ~later)
        later = later | nan
    free = np.ones_like(y, bool)
    for part, last in zip(parts, reversed(lasts), strict=True):
        here = (padded[part] == y) & real[part] & free
        free = free & ~here
        yield part, here | last


@primitive
def max_unpool(g: Any, x: Any, y: Any, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give zeros with g added where x held the largest entry y: `max_pool` transposed."""
    if by_kernels.compiles(g, x, y):
        return by_kernels.max_unpool(g, x, y, kernel, stride, padding)
    (h, w), (p, q) = x.shape[2:], padding
    image = _like((*x.shape[:2], h + 2 * p, w + 2 * q), g)
    for part, here in _winners(x, y, kernel, stride, padding):
        image[part] += masked(g, here)
    return image[:, :, p : p + h, q : q + w]


@primitive
def max_repool(c: Any, x: Any, y: Any, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give the entries of c where x held the largest of each patch: `max_unpool` transposed."""
    if by_kernels.compiles(c, x, y):
        return by_kernels.max_repool(c, x, y, kernel, stride, padding)
    padded, total = _padded(c, padding), 0
    for part, here in _winners(x, y, kernel, stride, padding):
        total = total + masked(padded[part], here)
    return total


@primitive
def avg_pool(x: Any, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give the average of every patch, the rim counting as zeros."""
    if by_kernels.compiles(x):
        return by_kernels.avg_pool(x, _places(x.shape, kernel, stride, padding), kernel, stride, padding)
    out = _places(x.shape, kernel, stride, padding)
    padded, total = _padded(x, padding), 0
    for _, _, part in _slices(kernel, stride, (1, 1), out):
        total = total + padded[part]
    return total / (kernel[0] * kernel[1])


@primitive
def avg_unpool(g: Any, size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give each entry of g, shared, at all entries of its patch: `avg_pool` transposed."""
    if by_kernels.compiles(g):
        return by_kernels.avg_unpool(g, size, kernel, stride, padding)
    (h, w), (p, q) = size, padding
    image, share = _like((*g.shape[:2], h + 2 * p, w + 2 * q), g), g / (kernel[0] * kernel[1])
    for _, _, part in _slices(kernel, stride, (1, 1), g.shape[2:]):
        image[part] += share
    return image[:, :, p : p + h, q : q + w]
