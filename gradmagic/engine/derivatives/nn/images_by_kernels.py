"""Convolution and pooling on a device: one kernel for what images.py does in a loop over the places of a kernel.

In: images (batch, channels, height, width) on a device that compiles kernels, and images.py's settings. Out: what the
loops there give. Each entry of the result gathers what it comes from: nothing is scattered, no atomics, no zeros first.
A convolution is one product of matrices each way, for the whole batch; on the host it is one for each image, whose
patches stay in the caches (1.7 times as fast on 32 images of 28x28). The tests hold each kernel to its loop.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import prod
from typing import Any

import numpy as np

from ...core import arrays

Pair = tuple[int, int]


def compiles(*images: Any) -> bool:
    """Tell whether all lie on one device that compiles kernels, and are real and floating-point."""
    module = arrays.module_of(images[0])
    return hasattr(module, "ElementwiseKernel") and all(
        arrays.module_of(a) is module and a.dtype.char in "efd" for a in images
    )


# The settings of every kernel. (h, w): the image without its rim; (m, o): the places of the kernel (kh, kw) along it.
_SIZES = ("h", "w", "m", "o", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw", "batch", "channels")

# Entry i of an image or of places: its plane (batch and channel), row and column.
_OF_IMAGE = "const ptrdiff_t plane = i / (h * w), y = i / w % h, x = i % w;"
_OF_PLACES = "const ptrdiff_t plane = i / (m * o), p = i / o % m, q = i % o;"

# For each place (u, v) in the kernel at (p, q): `at`, the entry of the image that it meets.
_EACH_MET = """
    for (ptrdiff_t u = 0; u < kh; ++u) for (ptrdiff_t v = 0; v < kw; ++v) {
        const ptrdiff_t y = p * sh - ph + u * dh, x = q * sw - pw + v * dw;
        if (y < 0 || y >= h || x < 0 || x >= w) continue;
        const ptrdiff_t at = (plane * h + y) * w + x;"""
# For each place (u, v) in the kernel: where (p, q) the kernel lies when that place meets (y, x).
_EACH_MEETING = """
    for (ptrdiff_t u = 0; u < kh; ++u) for (ptrdiff_t v = 0; v < kw; ++v) {
        ptrdiff_t p = y + ph - u * dh, q = x + pw - v * dw;
        if (p < 0 || p % sh || (p /= sh) >= m || q < 0 || q % sw || (q /= sw) >= o) continue;
        const ptrdiff_t at = (plane * m + p) * o + q;"""

# Arrays that come in, and the text; `real` is the type that sums are made in.
_TEXTS = {
    "columns": (("image",), """
        ptrdiff_t r = i;
        const ptrdiff_t q = r % o; r /= o; const ptrdiff_t p = r % m; r /= m;
        const ptrdiff_t b = r % batch; r /= batch; const ptrdiff_t v = r % kw; r /= kw;
        const ptrdiff_t u = r % kh, c = r / kh, y = p * sh - ph + u * dh, x = q * sw - pw + v * dw;
        out = y < 0 || y >= h || x < 0 || x >= w ? (real)0 : (real)image[((b * channels + c) * h + y) * w + x];"""),
    "image": (("columns",), _OF_IMAGE + """
        const ptrdiff_t b = plane / channels, c = plane % channels;
        real total = 0;""" + _EACH_MEETING + """
            total += columns[((((c * kh + u) * kw + v) * batch + b) * m + p) * o + q];
        }
        out = total;"""),
    "max_pool": (("image",), _OF_PLACES + """
        real best = -1.0 / 0.0;  // NVRTC does not know INFINITY""" + _EACH_MET + """
            const real here = image[at];
            if (here > best || isnan(here)) best = here;
        }
        out = best;"""),
    "max_unpool": (("g", "image", "best"), _OF_IMAGE + """
        const real here = image[i];
        const bool nan = isnan(here);  // of several the last is taken
        real total = 0;""" + _EACH_MEETING + """
            if (!nan && here != (real)best[at]) continue;
            bool taken = true;
            const ptrdiff_t me = u * kw + v, end = nan ? kh * kw : me;
            for (ptrdiff_t k = nan ? me + 1 : 0; taken && k < end; ++k) {
                const ptrdiff_t a = p * sh - ph + k / kw, b = q * sw - pw + k % kw;
                if (a < 0 || a >= h || b < 0 || b >= w) continue;
                const real other = image[(plane * h + a) * w + b];
                taken = nan ? !isnan(other) : here != other;
            }
            if (taken) total += g[at];
        }
        out = total;"""),
    "max_repool": (("c", "image", "best"), _OF_PLACES + """
        const real wanted = best[i];
        real found = 0;
        bool free = true;""" + _EACH_MET + """
            const real here = image[at];
            if (isnan(wanted) ? isnan(here) : free && here == wanted) { found = c[at]; free = false; }
        }
        out = found;"""),
    "avg_pool": (("image",), _OF_PLACES + """
        real total = 0;""" + _EACH_MET + """
            total += image[at];
        }
        out = total / (kh * kw);"""),
    "avg_unpool": (("g",), _OF_IMAGE + """
        real total = 0;""" + _EACH_MEETING + """
            total += (real)g[at] / (kh * kw);
        }
        out = total;"""),
}  # fmt: skip


@cache
def _kernel(module: Any, name: str, kinds: tuple[Any, ...]) -> Any:  # by dtypes: their names take 1 us each
    names, text = _TEXTS[name]
    dtypes = [kind.name for kind in kinds]
    arrays_in = [f"raw {dtype} {array}" for dtype, array in zip(dtypes, names, strict=True)]
    sizes = "".join(f"const ptrdiff_t {size} = sizes[{k}];" for k, size in enumerate(_SIZES))
    real = "double" if "float64" in dtypes else "float"
    return module.ElementwiseKernel(
        ", ".join([*arrays_in, "raw int64 sizes"]),
        f"{dtypes[0]} out",
        f"typedef {real} real;{sizes}{text}",
        f"gradmagic_{name}",
    )


@lru_cache(256)
def _sizes(module: Any, device: str, *sizes: int) -> Any:
    """Give the settings as one array of the device: 14 numbers take CuPy 14 us at every launch."""
    return module.asarray(sizes)


def _run(
    name: str, shape: tuple[int, ...], images: tuple[Any, ...], image: Any, places: Any, kernel: Pair, stride: Pair,
    padding: Pair, dilation: Pair = (1, 1), batch: tuple[int, int] = (0, 0),
) -> Any:  # fmt: skip
    """Launch one kernel; `image` and `places` end in the sizes of the image and of the places of the kernel."""
    module = arrays.module_of(images[0])
    made = _kernel(module, name, tuple([a.dtype for a in images]))
    numbers = (*image[-2:], *places[-2:], *kernel, *stride, *padding, *dilation, *batch)
    sizes = _sizes(module, arrays.device_of(images[0]), *numbers)
    return made(*images, sizes, module.empty(shape, images[0].dtype))


# ---- convolution: patches as columns (channels, *kernel, batch, *places), and one product for the whole batch -----


def _columns(x: Any, kernel: Pair, places: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Any:
    shape = (x.shape[1], *kernel, len(x), *places)
    return _run("columns", shape, (x,), x.shape, places, kernel, stride, padding, dilation, x.shape[:2])


def _grouped(a: Any, groups: int, dims: int) -> Any:
    """Give a matrix for each group: the first `dims` of a are its rows, the others its columns."""
    rows, columns = prod(a.shape[:dims]), prod(a.shape[dims:])
    return np.reshape(a, (groups, rows // groups, columns))


def _product(a: Any, b: Any) -> Any:
    """Give the product of each group's matrices; one group's as such, which needs no copy of what is transposed."""
    return a @ b if len(a) > 1 else a[0] @ b[0]


def convolve(
    x: Any, w: Any, b: Any, places: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:  # fmt: skip
    """Give the sums of products of every patch with every kernel, plus b unless it is None."""
    patches = _columns(x, w.shape[2:], places, stride, padding, dilation)
    y = _product(_grouped(w, groups, 1), _grouped(patches, groups, 3))
    y = np.swapaxes(np.reshape(y, (len(w), len(x), *places)), 0, 1)
    return y.copy() if b is None else np.add(y, np.reshape(b, (-1, 1, 1)), out=arrays.empty(y, y))


def spread_out(
    g: Any, w: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:  # fmt: skip
    """Give images of `size` with each entry of g times the kernels added where they lay."""
    parts = _product(np.swapaxes(_grouped(w, groups, 1), 1, 2), _grouped(np.swapaxes(g, 0, 1), groups, 1))
    n, channels, kernel = len(g), w.shape[1] * groups, w.shape[2:]
    columns = np.reshape(parts, (channels, *kernel, n, *g.shape[2:]))
    shape = (n, channels, *size)
    return _run(
        "image", shape, (columns,), size, g.shape, kernel, stride, padding, dilation, (n, channels)
    )


def correlate(
    x: Any, g: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:  # fmt: skip
    """Give for each place in the kernels the sum of x there times g."""
    patches = _grouped(_columns(x, kernel, g.shape[2:], stride, padding, dilation), groups, 3)
    total = _product(_grouped(np.swapaxes(g, 0, 1), groups, 1), np.swapaxes(patches, 1, 2))
    return np.reshape(total, (g.shape[1], x.shape[1] // groups, *kernel))


# ---- pooling --------------------------------------------------------------------------------------------------


def max_pool(x: Any, places: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give the largest entry of every patch; NaN if one is."""
    return _run("max_pool", (*x.shape[:2], *places), (x,), x.shape, places, kernel, stride, padding)


def max_unpool(g: Any, x: Any, y: Any, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give zeros with g added where x is the first of its patch to hold the largest entry y, or the last NaN."""
    return _run("max_unpool", x.shape, (g, x, y), x.shape, y.shape, kernel, stride, padding)


def max_repool(c: Any, x: Any, y: Any, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give the entries of c where x is the first of each patch to hold the largest."""
    return _run("max_repool", y.shape, (c, x, y), x.shape, y.shape, kernel, stride, padding)


def avg_pool(x: Any, places: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give the average of every patch, the rim counting as zeros."""
    return _run("avg_pool", (*x.shape[:2], *places), (x,), x.shape, places, kernel, stride, padding)


def avg_unpool(g: Any, size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Any:
    """Give each entry of g, shared, at all entries of its patch."""
    return _run("avg_unpool", (*g.shape[:2], *size), (g,), size, g.shape, kernel, stride, padding)
