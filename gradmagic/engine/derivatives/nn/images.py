"""Convolution and pooling in any number of dims, as functions of arrays beside NumPy's in the table of rules.

In: images (batch, channels, *sizes) and settings as tuples, one entry for each size. Out: images. Patches are copied
out slice by slice, one for each place in the kernel, and multiplied as matrices; the way back adds them slice by slice.
On a device, images_by_kernels.py does the same in one kernel for all slices. Every function here is linear in each
array, and their transposes are one another: derivatives of every order close among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, reduce
from math import prod
from typing import Any

import numpy as np

from ...core import arrays
from ...core.masked import masked
from ...dispatch.calls import primitive
from ...tape.nodes import Aval
from . import images_by_kernels as by_kernels

Sizes = tuple[int, ...]


def out_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil: bool = False) -> int:
    """Give how many places a kernel has along an axis of `size`; with `ceil` one may jut out at the end."""
    n = (size + 2 * padding - dilation * (kernel - 1) - 1 + (stride - 1 if ceil else 0)) // stride + 1
    return n - 1 if ceil and (n - 1) * stride >= size + padding else n


@lru_cache(1024)
def _places(
    shape: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil: bool = False
) -> Sizes:
    return tuple([out_size(*s, ceil) for s in zip(shape[2:], kernel, stride, padding, dilation, strict=True)])


@lru_cache(256)  # a small net with Adam takes 1.04 of its time without
def _slices(kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes) -> list[tuple[Sizes, Any]]:
    """For each place in the kernel, the part of the padded image that it meets."""
    return [
        (
            place,
            (
                slice(None),
                slice(None),
                *[
                    slice(i * d, i * d + s * (n - 1) + 1, s)
                    for i, s, d, n in zip(place, stride, dilation, out, strict=True)
                ],
            ),
        )
        for place in np.ndindex(*kernel)
    ]


@lru_cache(256)
def _frame(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, out: Sizes
) -> tuple[Sizes, Any]:
    """Give the sizes of an image with its rim as far as kernels reach, and where the image lies in it."""
    reach = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(out, stride, dilation, kernel, strict=True)]
    whole = tuple([max(p + n, r) for p, n, r in zip(padding, size, reach, strict=True)])
    inside = [slice(p, p + n) for p, n in zip(padding, size, strict=True)]
    return whole, (slice(None), slice(None), *inside)


def _like(shape: tuple[int, ...], proto: Any) -> Any:
    return arrays.zeros(Aval(shape, proto.dtype, None), proto)


def _padded(x: Any, walk: tuple[Any, ...], out: Sizes, value: float = 0) -> Any:
    """Give the image with its rim; walk: kernel, stride, padding, dilation."""
    kernel, stride, padding, dilation = walk
    whole, inside = _frame(x.shape[2:], kernel, stride, padding, dilation, out)
    if whole == x.shape[2:]:
        return x
    made = arrays.full(Aval((*x.shape[:2], *whole), x.dtype, None), value, x)
    made[inside] = x
    return made


def _patches(
    x: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> tuple[Any, Sizes]:
    """Give (batch, groups, channels of a group * kernel, places), and the size of the output."""
    n, c = x.shape[:2]
    out = _places(x.shape, kernel, stride, padding, dilation)
    x = _padded(x, (kernel, stride, padding, dilation), out)
    made = _like((n, c, *kernel, *out), x)
    for place, part in _slices(kernel, stride, dilation, out):
        made[(slice(None), slice(None), *place)] = x[part]
    return np.reshape(made, (n, groups, c // groups * prod(kernel), prod(out))), out


def _matrix(w: Any, groups: int) -> Any:
    return np.reshape(w, (groups, w.shape[0] // groups, prod(w.shape[1:])))


def _biased(y: Any, b: Any) -> Any:
    if b is not None:
        y += np.reshape(b, (-1, *[1] * (y.ndim - 2)))
    return y


@primitive
def convolve(x: Any, w: Any, b: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """Give the sums of products of every patch of x with every kernel of w (out, channels of a group, ...), plus b."""
    if by_kernels.compiles(x, w):
        out = _places(x.shape, w.shape[2:], stride, padding, dilation)
        return by_kernels.convolve(x, w, b, out, stride, padding, dilation, groups)
    patches, out = _patches(x, w.shape[2:], stride, padding, dilation, groups)
    return _biased(np.reshape(np.matmul(_matrix(w, groups), patches), (x.shape[0], w.shape[0], *out)), b)


@primitive
def spread_out(
    g: Any, w: Any, b: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:  # fmt: skip
    """Give an image of `size`: each entry of g times the kernels, added where they lay; `convolve` transposed."""
    if by_kernels.compiles(g, w):
        return _biased(by_kernels.spread_out(g, w, size, stride, padding, dilation, groups), b)
    (n, o, *out), kernel, c = g.shape, w.shape[2:], w.shape[1] * groups
    parts: Any = np.matmul(
        np.swapaxes(_matrix(w, groups), -1, -2), np.reshape(g, (n, groups, o // groups, prod(out)))
    )
    parts = np.reshape(parts, (n, c, *kernel, *out))
    whole, inside = _frame(size, kernel, stride, padding, dilation, tuple(out))
    image = _like((n, c, *whole), g)
    for place, part in _slices(kernel, stride, dilation, tuple(out)):
        image[part] += parts[(slice(None), slice(None), *place)]
    return _biased(image[inside], b)


@primitive
def correlate(
    x: Any, g: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:  # fmt: skip
    """Give for each place in the kernels the sum of x there times g: the cotangent of `convolve`'s kernels."""
    if by_kernels.compiles(x, g):
        return by_kernels.correlate(x, g, kernel, stride, padding, dilation, groups)
    patches, _ = _patches(x, kernel, stride, padding, dilation, groups)
    n, o, *out = g.shape
    rows = np.reshape(g, (n, groups, o // groups, prod(out)))
    total = np.sum(np.matmul(rows, np.swapaxes(patches, -1, -2)), axis=0)
    return np.reshape(total, (o, x.shape[1] // groups, *kernel))


@primitive
def unfold(x: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Give every patch as a column: (batch, channels * kernel, places)."""
    return _patches(x, kernel, stride, padding, dilation, 1)[0][:, 0]


@primitive
def fold(columns: Any, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Give images of `size` with every column added where its patch lay: `unfold` transposed."""
    n, c = columns.shape[0], columns.shape[1] // prod(kernel)
    out = _places((n, c, *size), kernel, stride, padding, dilation)
    parts: Any = np.reshape(columns, (n, c, *kernel, *out))
    whole, inside = _frame(size, kernel, stride, padding, dilation, out)
    image = _like((n, c, *whole), columns)
    for place, part in _slices(kernel, stride, dilation, out):
        image[part] += parts[(slice(None), slice(None), *place)]
    return image[inside]


# ---- pooling: kernel, stride, padding and dilation as tuples; `ceil`: patches may jut out at the end -------------


@primitive
def max_pool(
    x: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil: bool = False
) -> Any:
    """Give the largest entry of every patch."""
    out = _places(x.shape, kernel, stride, padding, dilation, ceil)
    if by_kernels.compiles(x):
        return by_kernels.max_pool(x, out, kernel, stride, padding, dilation)
    padded = _padded(x, (kernel, stride, padding, dilation), out, -np.inf)
    best = None
    for _, part in _slices(kernel, stride, dilation, out):
        best = padded[part].copy() if best is None else np.maximum(best, padded[part], out=best)
    return best


def _winners(
    x: Any, y: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Iterator[tuple[Sizes, Any, Any]]:
    """For each place in the kernel, its part of the padded image and where it is the first to hold the largest.

    As in PyTorch the rim holds nothing, also where all the rest is -inf, and of several NaN the last is taken.
    """
    walk, out = (kernel, stride, padding, dilation), y.shape[2:]
    padded, parts = _padded(x, walk, out, -np.inf), _slices(kernel, stride, dilation, out)
    if arrays.on_device(y) or (y.size and not np.isfinite(np.min(y))):  # a device would have to be waited for
        yield from _odd_winners(padded, _padded(np.ones_like(x, bool), walk, out), y, parts)
        return
    free = None
    for place, part in parts:
        here = padded[part] == y
        if free is not None:
            here &= free
        free = ~here if free is None else np.logical_and(free, ~here, out=free)
        yield place, part, here


def _odd_winners(
    padded: Any, real: Any, y: Any, parts: list[tuple[Sizes, Any]]
) -> Iterator[tuple[Sizes, Any, Any]]:
    """As `_winners`; `real` tells the image from its rim."""
    later, lasts = np.zeros_like(y, bool), []
    for _, part in reversed(parts):
        nan = np.isnan(padded[part])
        lasts.append(nan & ~later)
        later = later | nan
    free = np.ones_like(y, bool)
    for (place, part), last in zip(parts, reversed(lasts), strict=True):
        here = (padded[part] == y) & real[part] & free
        free = free & ~here
        yield place, part, here | last


@primitive
def max_unpool(g: Any, x: Any, y: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Give zeros with g added where x held the largest entry y: `max_pool` transposed."""
    if by_kernels.compiles(g, x, y):
        return by_kernels.max_unpool(g, x, y, kernel, stride, padding, dilation)
    whole, inside = _frame(x.shape[2:], kernel, stride, padding, dilation, y.shape[2:])
    image = _like((*x.shape[:2], *whole), g)
    for _, part, here in _winners(x, y, kernel, stride, padding, dilation):
        image[part] += masked(g, here)
    return image[inside]


@primitive
def max_repool(c: Any, x: Any, y: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Give the entries of c where x held the largest of each patch: `max_unpool` transposed."""
    if by_kernels.compiles(c, x, y):
        return by_kernels.max_repool(c, x, y, kernel, stride, padding, dilation)
    padded, total = _padded(c, (kernel, stride, padding, dilation), y.shape[2:]), 0
    for _, part, here in _winners(x, y, kernel, stride, padding, dilation):
        total = total + masked(padded[part], here)
    return total


def winners(x: Any, y: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Give where in its image, counted in C order, the largest entry of each patch lies."""
    size, out = x.shape[2:], y.shape[2:]
    made: Any = 0
    starts = [arrays.arange(n, x) * s - p for n, s, p in zip(out, stride, padding, strict=True)]
    for place, _, here in _winners(x, y, kernel, stride, padding, dilation):
        at: Any = 0
        for axis, (start, i, d) in enumerate(zip(starts, place, dilation, strict=True)):
            along = np.reshape(start + i * d, [-1 if k == axis else 1 for k in range(len(out))])
            at = at * size[axis] + along
        made = made + np.where(here, at, 0)
    return made


@lru_cache(256)
def _counts(size: Sizes, out: Sizes, walk: tuple[Sizes, Sizes, Sizes], rim: bool, divisor: int | None) -> Any:
    """Give by what the sums of the patches are divided: one number where it is the same for all, else an array."""
    if divisor is not None:
        return divisor
    along = []
    for n, m, k, s, p in zip(size, out, *walk, strict=True):
        start = np.arange(m) * s - p
        end = np.minimum(start + k, n + p)
        along.append(end - start if rim else np.minimum(end, n) - np.maximum(start, 0))
    made = reduce(np.multiply.outer, along)
    return int(made.flat[0]) if made.size and np.all(made == made.flat[0]) else made


def _divided(total: Any, counts: Any) -> Any:
    return total / (
        counts if isinstance(counts, int) else arrays.from_host(counts.astype(total.dtype), total)
    )


@primitive
def avg_pool(
    x: Any, kernel: Sizes, stride: Sizes, padding: Sizes, ceil: bool = False, rim: bool = True, divisor: Any = None
) -> Any:  # fmt: skip
    """Give the average of every patch; with `rim` the zeros around the image count; `divisor` counts instead of all."""
    dilation = (1,) * len(kernel)
    out = _places(x.shape, kernel, stride, padding, dilation, ceil)
    counts = _counts(x.shape[2:], out, (kernel, stride, padding), rim, divisor)
    if by_kernels.compiles(x):
        number = counts if isinstance(counts, int) else 1
        total = by_kernels.avg_pool(x, out, kernel, stride, padding, number)
        return total if isinstance(counts, int) else _divided(total, counts)
    padded, total = _padded(x, (kernel, stride, padding, dilation), out), 0
    for _, part in _slices(kernel, stride, dilation, out):
        total = total + padded[part]
    return _divided(total, counts)


@primitive
def avg_unpool(
    g: Any, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, ceil: bool = False, rim: bool = True,
    divisor: Any = None,
) -> Any:  # fmt: skip
    """Give each entry of g, shared, at all entries of its patch: `avg_pool` transposed."""
    dilation, out = (1,) * len(kernel), g.shape[2:]
    counts = _counts(size, out, (kernel, stride, padding), rim, divisor)
    if by_kernels.compiles(g):
        if not isinstance(counts, int):
            g, counts = _divided(g, counts), 1
        return by_kernels.avg_unpool(g, size, kernel, stride, padding, counts)
    whole, inside = _frame(size, kernel, stride, padding, dilation, out)
    image, share = _like((*g.shape[:2], *whole), g), _divided(g, counts)
    for _, part in _slices(kernel, stride, dilation, out):
        image[part] += share
    return image[inside]
