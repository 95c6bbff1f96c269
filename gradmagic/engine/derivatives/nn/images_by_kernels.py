"""Convolution and pooling on a device: one kernel for what images.py does in a loop over the places of a kernel.

In: images (batch, channels, *sizes) on a device that compiles kernels, and images.py's settings. Out: what the
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

Sizes = tuple[int, ...]


def compiles(*images: Any) -> bool:
    """Tell whether all lie on one device that compiles kernels, and are real and floating-point."""
    module = arrays.module_of(images[0])
    return hasattr(module, "ElementwiseKernel") and all(
        arrays.module_of(a) is module and a.dtype.char in "efd" for a in images
    )


# The settings of every kernel, with a number for each dim behind. h: the image without its rim; m: the places of the
# kernel along it; k, s, p, d: kernel, stride, padding, dilation.
_SIZES = "hmkspd"


def _each(n: int, text: str, between: str = " ") -> str:
    """Write `text` for each dim, its number in place of `#`."""
    return between.join(text.replace("#", str(a)) for a in range(n))


def _split(n: int, what: str, size: str, of: str, rest: str) -> str:
    """Write down how the number `of` falls into coordinates (the last dim first) and what is left of it."""
    text = f"ptrdiff_t left_{rest} = {of};"
    for a in reversed(range(n)):
        text += f" const ptrdiff_t {what}{a} = left_{rest} % {size}{a}; left_{rest} /= {size}{a};"
    return text + f" const ptrdiff_t {rest} = left_{rest};"


def _at(n: int, first: str, what: str, size: str) -> str:
    """Write down the number of an entry."""
    for a in range(n):
        first = f"({first} * {size}{a} + {what}{a})"
    return first


@cache
def _texts(n: int) -> dict[str, tuple[tuple[str, ...], str]]:
    """Give, for images of n dims, the arrays that come in, and the text; `real` is the type that sums are made in."""
    outside = _each(n, "y# < 0 || y# >= h#", " || ")
    of_image, of_places = _split(n, "y", "h", "i", "plane"), _split(n, "q", "m", "i", "plane")
    kernel = _each(n, "for (ptrdiff_t u# = 0; u# < k#; ++u#)")
    met = _each(n, "const ptrdiff_t y# = q# * s# - p# + u# * d#;")
    # For each place u in the kernel at q: `at`, the entry of the image that it meets.
    each_met = f"{kernel} {{ {met} if ({outside}) continue; const ptrdiff_t at = {_at(n, 'plane', 'y', 'h')};"
    # For each place u in the kernel: where q the kernel lies when that place meets y.
    meeting = _each(n, "ptrdiff_t q# = y# + p# - u# * d#; if (q# < 0 || q# % s# || (q# /= s#) >= m#) continue;")
    each_meeting = f"{kernel} {{ {meeting} const ptrdiff_t at = {_at(n, 'plane', 'q', 'm')};"
    earlier = _each(n, "const ptrdiff_t z# = q# * s# - p# + v# * d#;")
    beyond = _each(n, "z# < 0 || z# >= h#", " || ")
    return {
        "columns": (("image",), f"""
            {_split(n, "q", "m", "i", "r")} const ptrdiff_t b = r % batch;
            {_split(n, "u", "k", "(r / batch)", "c")} {met}
            out = {outside} ? (real)0 : (real)image[{_at(n, "(b * channels + c)", "y", "h")}];"""),
        "image": (("columns",), f"""
            {of_image} const ptrdiff_t b = plane / channels, c = plane % channels; real total = 0;
            {each_meeting} total += columns[{_at(n, f"({_at(n, 'c', 'u', 'k')} * batch + b)", "q", "m")}]; }}
            out = total;"""),
        "max_pool": (("image",), f"""
            {of_places} real best = -1.0 / 0.0;  // NVRTC does not know INFINITY
            {each_met} const real here = image[at]; if (here > best || isnan(here)) best = here; }}
            out = best;"""),
        "max_unpool": (("g", "image", "best"), f"""
            {of_image} const real here = image[i]; real total = 0;
            const bool nan = isnan(here);  // of several the last is taken
            {each_meeting}
                if (!nan && here != (real)best[at]) continue;
                bool taken = true;
                const ptrdiff_t me = {_at(n, "0", "u", "k")}, end = nan ? {_each(n, "k#", " * ")} : me;
                for (ptrdiff_t e = nan ? me + 1 : 0; taken && e < end; ++e) {{
                    {_split(n, "v", "k", "e", "none")} {earlier}
                    if ({beyond}) continue;
                    const real other = image[{_at(n, "plane", "z", "h")}];
                    taken = nan ? !isnan(other) : here != other;
                }}
                if (taken) total += g[at];
            }}
            out = total;"""),
        "max_repool": (("c", "image", "best"), f"""
            {of_places} const real wanted = best[i]; real found = 0; bool free = true;
            {each_met}
                const real here = image[at];
                if (isnan(wanted) ? isnan(here) : free && here == wanted) {{ found = c[at]; free = false; }}
            }}
            out = found;"""),
        "avg_pool": (("image",), f"""
            {of_places} real total = 0;
            {each_met} total += image[at]; }}
            out = total / number;"""),
        "avg_unpool": (("g",), f"""
            {of_image} real total = 0;
            {each_meeting} total += (real)g[at] / number; }}
            out = total;"""),
    }  # fmt: skip


@cache
def _kernel(module: Any, name: str, n: int, kinds: tuple[Any, ...]) -> Any:  # by dtypes: their names take 1 us each
    names, text = _texts(n)[name]
    dtypes = [kind.name for kind in kinds]
    arrays_in = [f"raw {dtype} {array}" for dtype, array in zip(dtypes, names, strict=True)]
    settings = [f"{size}{a}" for size in _SIZES for a in range(n)] + ["batch", "channels", "number"]
    sizes = "".join(f"const ptrdiff_t {size} = sizes[{k}];" for k, size in enumerate(settings) if size in text)
    real = "double" if "float64" in dtypes else "float"
    return module.ElementwiseKernel(
        ", ".join([*arrays_in, "raw int64 sizes"]),
        f"{dtypes[0]} out",
        f"typedef {real} real;{sizes}{text}",
        f"gradmagic_{name}_{n}",
    )


@lru_cache(256)
def _sizes(module: Any, device: str, *sizes: int) -> Any:
    """Give the settings as one array of the device: 14 numbers take CuPy 14 us at every launch."""
    return module.asarray(sizes)


def _run(
    name: str, shape: tuple[int, ...], images: tuple[Any, ...], image: Any, places: Any, kernel: Sizes, stride: Sizes,
    padding: Sizes, dilation: Sizes | None = None, batch: tuple[int, int] = (0, 0), number: int = 1,
) -> Any:  # fmt: skip
    """Launch one kernel; `image` and `places` end in the sizes of the image and of the places of the kernel."""
    module, n = arrays.module_of(images[0]), len(kernel)
    made = _kernel(module, name, n, tuple([a.dtype for a in images]))
    numbers = (*image[-n:], *places[-n:], *kernel, *stride, *padding, *(dilation or (1,) * n), *batch, number)
    sizes = _sizes(module, arrays.device_of(images[0]), *numbers)
    return made(*images, sizes, module.empty(shape, images[0].dtype))


# ---- convolution: patches as columns (channels, *kernel, batch, *places), and one product for the whole batch -----


def _columns(x: Any, kernel: Sizes, places: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
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
    x: Any, w: Any, b: Any, places: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:  # fmt: skip
    """Give the sums of products of every patch with every kernel, plus b unless it is None."""
    patches = _columns(x, w.shape[2:], places, stride, padding, dilation)
    y = _product(_grouped(w, groups, 1), _grouped(patches, groups, 1 + len(places)))
    y = np.swapaxes(np.reshape(y, (len(w), len(x), *places)), 0, 1)
    return y.copy() if b is None else np.add(y, np.reshape(b, (-1, *[1] * len(places))), out=arrays.empty(y, y))


def spread_out(
    g: Any, w: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
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
    x: Any, g: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:  # fmt: skip
    """Give for each place in the kernels the sum of x there times g."""
    patches = _grouped(_columns(x, kernel, g.shape[2:], stride, padding, dilation), groups, 1 + len(kernel))
    total = _product(_grouped(np.swapaxes(g, 0, 1), groups, 1), np.swapaxes(patches, 1, 2))
    return np.reshape(total, (g.shape[1], x.shape[1] // groups, *kernel))


# ---- pooling --------------------------------------------------------------------------------------------------


def max_pool(x: Any, places: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Give the largest entry of every patch; NaN if one is."""
    return _run("max_pool", (*x.shape[:2], *places), (x,), x.shape, places, kernel, stride, padding, dilation)


def max_unpool(
    g: Any, x: Any, y: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Any:  # fmt: skip
    """Give zeros with g added where x is the first of its patch to hold the largest entry y, or the last NaN."""
    return _run("max_unpool", x.shape, (g, x, y), x.shape, y.shape, kernel, stride, padding, dilation)


def max_repool(
    c: Any, x: Any, y: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Any:  # fmt: skip
    """Give the entries of c where x is the first of each patch to hold the largest."""
    return _run("max_repool", y.shape, (c, x, y), x.shape, y.shape, kernel, stride, padding, dilation)


def avg_pool(x: Any, places: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, number: int) -> Any:
    """Give the sum of every patch divided by `number`, the rim counting as zeros."""
    return _run("avg_pool", (*x.shape[:2], *places), (x,), x.shape, places, kernel, stride, padding, number=number)


def avg_unpool(g: Any, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, number: int) -> Any:
    """Give each entry of g, divided by `number`, at all entries of its patch."""
    return _run("avg_unpool", (*g.shape[:2], *size), (g,), size, g.shape, kernel, stride, padding, number=number)
