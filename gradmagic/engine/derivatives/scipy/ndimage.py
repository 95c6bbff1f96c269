"""Derivatives of scipy.ndimage: filters, by image, weights and sigma; interpolation, by image and coordinates.

A filter is the array continued beyond its ends (`np.pad`) and a convolution of what is there (signal.py): the transpose
of both is known. Values are SciPy's own. In: `FOLLOWED["scipy.ndimage"]`. Loaded where scipy.ndimage is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from ....language import mark
from ...tape.tracked import raw, raws
from ..objects import as_array
from ..ordered import composes, no_derivative
from .signal import continued, convolution

# ---- correlations ------------------------------------------------------------------------------------------------


def _plain_output(name: str, output: Any, *inputs: Any) -> None:
    if output is not None:
        raise no_derivative(f"scipy.ndimage.{name}", mark("with output="))
    if any(raw(as_array(v)).dtype.kind not in "fc" for v in inputs if v is not None):
        raise no_derivative(f"scipy.ndimage.{name}", mark("of whole numbers, to which it rounds"))


def _each(value: Any, number: int) -> list[Any]:
    """Give a setting for each axis."""
    if isinstance(value, (str, int, float)) or np.ndim(value) == 0:
        return [value] * number
    return list(value)


def _axes(axes: Any, number: int) -> list[int]:
    return list(range(number)) if axes is None else [a % number for a in np.atleast_1d(axes)]


def _windowed(x: Any, weights: Any, mode: Any, cval: Any, origin: Any) -> Any:
    """Correlate with weights of as many dimensions; `mode` and `origin` are lists, one entry for each."""
    before = [w // 2 + o for w, o in zip(np.shape(weights), origin, strict=True)]
    after = [w - 1 - b for w, b in zip(np.shape(weights), before, strict=True)]
    for axis, widths in enumerate(zip(before, after, strict=True)):
        if any(widths):
            wide = [(0, 0)] * np.ndim(x)
            wide[axis] = widths
            x = continued(x, wide, mode[axis], cval)
    return convolution(x, np.flip(weights), "valid")


def _along(x: Any, weights: Any, axis: Any, mode: Any, cval: Any, origin: Any) -> Any:
    shape, origins = [1] * np.ndim(x), [0] * np.ndim(x)
    shape[axis], origins[axis] = -1, origin
    return _windowed(x, np.reshape(weights, shape), [mode] * np.ndim(x), cval, origins)


@composes(ndimage)
def correlate1d(input: Any, weights: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
                origin: Any = 0) -> Any:  # fmt: skip
    _plain_output("correlate1d", output, input)
    return _along(as_array(input), as_array(weights), axis, mode, cval, origin)


def _mirrored(weights: Any, origin: Any) -> Any:
    """Give the origin of a convolution as that of the correlation with flipped weights."""
    return [-o - (w % 2 == 0) for w, o in zip(np.shape(weights), origin, strict=True)]


@composes(ndimage)
def convolve1d(input: Any, weights: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
               origin: Any = 0) -> Any:  # fmt: skip
    _plain_output("convolve1d", output, input)
    weights = as_array(weights)
    return _along(as_array(input), np.flip(weights), axis, mode, cval, _mirrored(weights, [origin])[0])


def _over(x: Any, weights: Any, mode: Any, cval: Any, origin: Any, axes: Any, flip: bool) -> Any:
    x, weights, number = as_array(x), as_array(weights), np.ndim(x)
    axes = _axes(axes, number)
    modes, origins, shape = ["constant"] * number, [0] * number, [1] * number
    given = _each(origin, len(axes))
    given = _mirrored(weights, given) if flip else given
    for axis, m, o, size in zip(axes, _each(mode, len(axes)), given, np.shape(weights), strict=True):
        modes[axis], origins[axis], shape[axis] = m, o, size
    weights = np.flip(weights) if flip else weights
    return _windowed(x, np.reshape(weights, shape), modes, cval, origins)


@composes(ndimage)
def correlate(input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0,
              *, axes: Any = None) -> Any:  # fmt: skip
    _plain_output("correlate", output, input)
    return _over(input, weights, mode, cval, origin, axes, False)


@composes(ndimage)
def convolve(input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0,
             *, axes: Any = None) -> Any:  # fmt: skip
    _plain_output("convolve", output, input)
    return _over(input, weights, mode, cval, origin, axes, True)


@composes(ndimage)
def uniform_filter1d(input: Any, size: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect",
                     cval: Any = 0.0, origin: Any = 0) -> Any:  # fmt: skip
    _plain_output("uniform_filter1d", output, input)
    return _along(as_array(input), np.full(size, 1 / size), axis, mode, cval, origin)


@composes(ndimage)
def uniform_filter(input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
                   origin: Any = 0, *, axes: Any = None) -> Any:  # fmt: skip
    _plain_output("uniform_filter", output, input)
    x = as_array(input)
    axes = _axes(axes, np.ndim(x))
    for axis, n, m, o in zip(axes, *(_each(v, len(axes)) for v in (size, mode, origin)), strict=True):
        if n > 1:
            x = _along(x, np.full(int(n), 1 / int(n)), axis, m, cval, o)
    return x


def _gaussian(sigma: Any, order: int, radius: int) -> Any:
    """Give the weights of a Gaussian, or of its derivative: a polynomial times it."""
    x = np.arange(-radius, radius + 1)
    phi = np.exp(-0.5 / (sigma * sigma) * x**2)
    phi = phi / np.sum(phi)
    q: list[Any] = [1.0] + [0.0] * order  # (q phi)' = (q' - q x / sigma**2) phi
    for _ in range(order):
        slope = [(k + 1) * q[k + 1] for k in range(order)] + [0.0]
        q = [slope[k] - (q[k - 1] / (sigma * sigma) if k else 0.0) for k in range(order + 1)]
    return phi * sum(c * x**k for k, c in enumerate(q)) if order else phi


def _smooth(x: Any, sigma: Any, axis: int, order: Any, mode: Any, cval: Any, truncate: Any, radius: Any) -> Any:
    radius = int(truncate * float(raw(sigma)) + 0.5) if radius is None else radius
    return _along(x, _gaussian(sigma, order, radius)[::-1], axis, mode, cval, 0)


@composes(ndimage)
def gaussian_filter1d(input: Any, sigma: Any, axis: Any = -1, order: Any = 0, output: Any = None, mode: Any = "reflect",
                      cval: Any = 0.0, truncate: Any = 4.0, *, radius: Any = None) -> Any:  # fmt: skip
    _plain_output("gaussian_filter1d", output, input)
    return _smooth(as_array(input), sigma, axis, order, mode, cval, truncate, radius)


def _smooth_all(x: Any, sigma: Any, order: Any, mode: Any, cval: Any, truncate: Any, radius: Any, axes: Any) -> Any:
    axes = _axes(axes, np.ndim(x))
    settings = (_each(v, len(axes)) for v in (sigma, order, mode, radius))
    for axis, s, k, m, r in zip(axes, *settings, strict=True):
        if raw(s) > 1e-15:
            x = _smooth(x, s, axis, k, m, cval, truncate, r)
    return x


@composes(ndimage)
def gaussian_filter(input: Any, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
                    truncate: Any = 4.0, *, radius: Any = None, axes: Any = None) -> Any:  # fmt: skip
    _plain_output("gaussian_filter", output, input)
    return _smooth_all(as_array(input), sigma, order, mode, cval, truncate, radius, axes)


def _differences(weights: list[float]) -> Callable[..., Any]:
    def filtered(input: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
        _plain_output("sobel", output, input)
        x = as_array(input)
        modes, axis = _each(mode, np.ndim(x)), axis % np.ndim(x)
        x = _along(x, np.array([-1.0, 0.0, 1.0]), axis, modes[axis], cval, 0)
        for other in (a for a in range(np.ndim(x)) if a != axis):
            x = _along(x, np.array(weights), other, modes[other], cval, 0)
        return x

    return filtered


composes(ndimage, "sobel")(_differences([1.0, 2.0, 1.0]))
composes(ndimage, "prewitt")(_differences([1.0, 1.0, 1.0]))


@composes(ndimage)
def laplace(input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None) -> Any:
    _plain_output("laplace", output, input)
    x = as_array(input)
    axes = _axes(axes, np.ndim(x))
    modes = _each(mode, len(axes))
    parts = [_along(x, np.array([1.0, -2.0, 1.0]), a, m, cval, 0) for a, m in zip(axes, modes, strict=True)]
    return sum(parts[1:], parts[0])


def _second(x: Any, axis: int, sigma: Any, mode: Any, cval: Any, order: int, truncate: Any = 4.0) -> Any:
    orders = [0] * np.ndim(x)
    orders[axis] = order
    return _smooth_all(x, sigma, orders, mode, cval, truncate, None, None)


@composes(ndimage)
def gaussian_laplace(input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    _plain_output("gaussian_laplace", output, input)
    parts = [_second(as_array(input), axis, sigma, mode, cval, 2) for axis in range(np.ndim(input))]
    return sum(parts[1:], parts[0])


@composes(ndimage)
def gaussian_gradient_magnitude(input: Any, sigma: Any, output: Any = None, mode: Any = "reflect",
                                cval: Any = 0.0) -> Any:  # fmt: skip
    _plain_output("gaussian_gradient_magnitude", output, input)
    parts = [_second(as_array(input), axis, sigma, mode, cval, 1) ** 2 for axis in range(np.ndim(input))]
    return np.sqrt(sum(parts[1:], parts[0]))


# ---- ranks: each entry is one of those in its window -------------------------------------------------------------


def _ranked(x: Any, size: Any, footprint: Any, mode: Any, cval: Any, origin: Any, pick: Callable[[Any], Any]) -> Any:
    """Take from each window the entry that `pick(values)` numbers, of values with the window in the last axis."""
    x = as_array(x)
    if footprint is None:
        footprint = np.ones([int(s) for s in _each(size, np.ndim(x))], bool)
    footprint = np.asarray(footprint, bool)
    places = np.reshape(np.arange(x.size), x.shape)
    for axis, (w, o, m) in enumerate(zip(footprint.shape, _each(origin, x.ndim), _each(mode, x.ndim), strict=True)):
        widths = [(0, 0)] * x.ndim
        widths[axis] = (w // 2 + o, w - 1 - w // 2 - o)
        places = continued(places, widths, m, x.size)
    windows = np.lib.stride_tricks.sliding_window_view(places, footprint.shape)[..., footprint]
    entries = np.concatenate([np.ravel(x), np.reshape(cval, (1,)) + 0.0 * np.ravel(x)[:1]])
    chosen = pick(raw(entries)[windows])
    return entries[np.take_along_axis(windows, chosen[..., None], axis=-1)[..., 0]]


def _extreme(pick: Callable[[Any], Any]) -> Callable[..., Any]:
    def filtered(input: Any, size: Any = None, footprint: Any = None, output: Any = None, mode: Any = "reflect",
                 cval: Any = 0.0, origin: Any = 0) -> Any:  # fmt: skip
        _plain_output("maximum_filter", output, input)
        return _ranked(input, size, footprint, mode, cval, origin, pick)

    return filtered


composes(ndimage, "maximum_filter")(_extreme(lambda v: np.argmax(v, axis=-1)))
composes(ndimage, "minimum_filter")(_extreme(lambda v: np.argmin(v, axis=-1)))
composes(ndimage, "median_filter")(_extreme(lambda v: np.argsort(v, axis=-1, kind="stable")[..., v.shape[-1] // 2]))


# ---- interpolation: splines --------------------------------------------------------------------------------------
_MARGIN = 12  # SciPy continues an image by so many entries before it prepares the spline, where its end is flat


def _coefficients(x: Any, order: int, mode: str) -> Any:
    """Give the coefficients of the spline: along each axis a linear map, SciPy's of unit vectors."""
    for axis in range(np.ndim(x)):
        n = np.shape(x)[axis]
        if n > 1:
            units = ndimage.spline_filter1d(np.eye(n), order, axis=0, mode=mode)
            x = np.moveaxis(np.tensordot(units, x, ((1,), (axis,))), 0, axis)
    return x


def _basis(order: int, u: Any) -> list[Any]:
    """Give the B-splines that meet the point u, from the first knot on."""
    if order == 1:
        return [1 - u, u]
    if order == 2:  # u from -1/2 to 1/2 around the middle knot
        return [(0.5 - u) ** 2 / 2, 0.75 - u * u, (0.5 + u) ** 2 / 2]
    v = 1 - u
    return [v**3 / 6, (4 - 6 * u * u + 3 * u**3) / 6, (4 - 6 * v * v + 3 * v**3) / 6, u**3 / 6]


def _mirror(i: Any, n: int) -> Any:
    if n == 1:
        return 0 * i
    i = np.abs(i) % (2 * n - 2)
    return np.where(i >= n, 2 * n - 2 - i, i)


def _interpolated(x: Any, at: Any, order: int, mode: str, cval: Any, prefilter: bool) -> Any:
    if order not in (0, 1, 2, 3) or mode not in ("constant", "nearest", "mirror"):
        why = mark("with order={order}, mode={mode!r}")
        raise no_derivative("scipy.ndimage.map_coordinates", why, order=order, mode=mode)
    inside = np.array(True)
    if mode == "constant":
        for c, n in zip(at, np.shape(x), strict=True):
            inside = inside & (raw(c) >= 0) & (raw(c) <= n - 1)
    shift = 0
    if order > 1 and prefilter:
        if mode == "nearest":
            x, shift = np.pad(x, _MARGIN, mode="edge"), _MARGIN
        x = _coefficients(x, order, "nearest" if mode == "nearest" else "mirror")
    places, weights = [], []
    for c, n in zip(at, np.shape(x), strict=True):
        c = np.where(inside, c + shift, 0.0)
        if mode == "nearest":
            c = np.clip(c, 0, n - 1)
        elif mode == "mirror" and n > 1:
            period = 2.0 * (n - 1)
            turn = np.round(raw(c) / period)
            c = np.abs(c - turn * period)
        base = np.floor(raw(c) + (0.5 if order % 2 == 0 else 0.0))
        first = base.astype(int) - order // 2
        weights.append([1.0] if order == 0 else _basis(order, c - base))
        taps = [first + k for k in range(order + 1)]
        places.append([np.clip(t, 0, n - 1) if mode == "nearest" else _mirror(t, n) for t in taps])
    total: Any = 0.0
    for corner in itertools.product(range(order + 1), repeat=len(places)):
        term = x[tuple(p[k] for p, k in zip(places, corner, strict=True))]
        for w, k in zip(weights, corner, strict=True):
            term = term * w[k]
        total = total + term
    return np.where(inside, total, cval)


@composes(ndimage)
def map_coordinates(input: Any, coordinates: Any, output: Any = None, order: Any = 3, mode: Any = "constant",
                    cval: Any = 0.0, prefilter: Any = True) -> Any:  # fmt: skip
    _plain_output("map_coordinates", output, input)
    x = as_array(input)
    return _interpolated(x, [as_array(c) for c in coordinates], order, mode, cval, prefilter)


def _grid(shape: Any) -> list[Any]:
    return [g.astype(float) for g in np.indices(shape)]


@composes(ndimage)
def shift(input: Any, shift: Any, output: Any = None, order: Any = 3, mode: Any = "constant", cval: Any = 0.0,
          prefilter: Any = True) -> Any:  # fmt: skip
    _plain_output("shift", output, input)
    x = as_array(input)
    by = shift if not isinstance(shift, (list, tuple)) else as_array(shift)
    by = [by[i] if np.ndim(by) else by for i in range(np.ndim(x))]
    return _interpolated(x, [g - b for g, b in zip(_grid(np.shape(x)), by, strict=True)], order, mode, cval, prefilter)


@composes(ndimage)
def affine_transform(input: Any, matrix: Any, offset: Any = 0.0, output_shape: Any = None, output: Any = None,
                     order: Any = 3, mode: Any = "constant", cval: Any = 0.0, prefilter: Any = True) -> Any:
    _plain_output("affine_transform", output, input)
    x, matrix, offset = as_array(input), as_array(matrix), as_array(offset)
    number = np.ndim(x)
    if np.ndim(matrix) == 2 and np.shape(matrix)[1] == number + 1:
        matrix, offset = matrix[:number, :number], matrix[:number, number]
    grid = _grid(np.shape(x) if output_shape is None else output_shape)
    at = []
    for i in range(number):
        row = matrix[i] * grid[i] if np.ndim(matrix) == 1 else sum(matrix[i, j] * grid[j] for j in range(number))
        at.append(row + (offset[i] if np.ndim(offset) else offset))
    return _interpolated(x, at, order, mode, cval, prefilter)


# ---- sums over labels --------------------------------------------------------------------------------------------


def _labelled(name: str, weigh: Callable[[Any], Any]) -> None:
    def reduced(input: Any, labels: Any = None, index: Any = None) -> Any:
        _plain_output(name, None, input)
        x = as_array(input)
        if labels is None:
            return np.sum(x * weigh(np.ones(np.shape(x))))
        labels = np.broadcast_to(raws(labels), np.shape(x))
        if index is None:
            return np.sum(x * weigh(labels > 0))
        made = np.stack([np.sum(x * weigh(labels == i)) for i in np.ravel(index)])
        return np.reshape(made, np.shape(index))

    composes(ndimage, name)(reduced)


_labelled("sum_labels", lambda mask: mask * 1.0)
_labelled("sum", lambda mask: mask * 1.0)
_labelled("mean", lambda mask: mask / np.sum(mask))
