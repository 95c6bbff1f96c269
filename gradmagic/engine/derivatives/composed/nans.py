"""Quantiles, and the reductions that leave NaN out: computed, on tracked values, from functions that have a derivative.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import arrays
from ...dispatch.primitives import cast
from ...dispatch.protocols import composed
from ...tape.tracked import Tracked, raw
from ..numpy.partials import axes_of

# ---- quantiles ------------------------------------------------------------------------------------------------


@composed(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None, nan: bool = False,
) -> Any:  # fmt: skip
    if isinstance(a, (list, tuple)):
        a = np.stack(list(a))
    axes = axes_of(axis, np.ndim(a))
    first = np.moveaxis(a, axes, range(len(axes)))
    rest = np.shape(first)[len(axes) :]
    rows = np.reshape(first, (-1, *rest))
    shape = np.shape(raw(q))
    if weights is not None:
        y = _weighted(rows, a, raw(q), axis, method, weights, axes, nan)
    else:
        y = _interpolated(np.sort(rows, axis=0), q, method, nan)
    kept = tuple(1 if i in axes else n for i, n in enumerate(np.shape(a))) if keepdims else rest
    return np.reshape(y, (*shape, *kept))


def _interpolated(x: Any, q: Any, method: str, nan: bool) -> Any:
    """Give the quantiles of each column of x, which is sorted: what stands between two of its entries."""
    plain, ndim = raw(x), np.ndim(x)
    given = np.reshape(np.asarray(arrays.to_host(raw(q)), float), -1)
    n = plain.shape[0]
    if n == 0:  # of nothing it is NaN
        return np.broadcast_to(np.sum(x, axis=0) * np.nan, (given.size, *plain.shape[1:]))
    if nan:  # NaN stand last; the columns have as many entries as they have numbers
        number = arrays.to_host(np.sum(~np.isnan(plain), axis=0))
    else:
        number = np.full(plain.shape[1:], n)
    # The place that a quantile of 0, 1, 2 ... names is the place in any sorted column of as many entries.
    place = np.zeros((given.size, *number.shape))
    for k in np.unique(number[number > 0]):
        found = np.quantile(np.arange(float(k)), given, method=method)  # type: ignore[call-overload]
        place[:, number == k] = found[:, None]
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(number - 1, 0))
    part: Any = arrays.from_host((place - low).astype(plain.dtype), plain)
    if isinstance(q, Tracked) and method == "linear":
        column: Any = np.reshape(q, (-1,) + (1,) * (ndim - 1))  # type: ignore[call-overload]
        part = column * arrays.from_host(np.maximum(number - 1, 0), plain) - arrays.from_host(low, plain)
    below = np.take_along_axis(x, arrays.from_host(low, plain), 0)
    above = np.take_along_axis(x, arrays.from_host(high, plain), 0)
    return below * (1 - part) + above * part


def _weighted(rows: Any, a: Any, q: Any, axis: Any, method: str, weights: Any, axes: Any, nan: bool) -> Any:
    """Give quantiles under weights, each of which is one of the entries."""
    f: Any = np.nanquantile if nan else np.quantile
    found = np.reshape(f(raw(a), q, axis=axis, method=method, weights=raw(weights)), (-1, *np.shape(rows)[1:]))
    at = np.argmax(raw(rows)[None] == found[:, None], axis=1)
    return np.take_along_axis(rows, at, 0)


composed(np.percentile)(lambda a, q, *args, **kwargs: quantile(a, np.true_divide(q, 100), *args, **kwargs))
composed(np.nanpercentile)(
    lambda a, q, *args, **kwargs: quantile(a, np.true_divide(q, 100), *args, nan=True, **kwargs))
composed(np.nanquantile)(lambda a, q, *args, **kwargs: quantile(a, q, *args, nan=True, **kwargs))
composed(np.median)(
    lambda a, axis=None, out=None, overwrite_input=False, keepdims=False: quantile(a, 0.5, axis, keepdims=keepdims))
composed(np.nanmedian)(
    lambda a, axis=None, out=None, overwrite_input=False, keepdims=False:
        quantile(a, 0.5, axis, keepdims=keepdims, nan=True))


# ---- sums, averages and variances without NaN ------------------------------------------------------------------


def _number(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """Give how many numbers are taken together."""
    there = np.logical_and(np.logical_not(np.isnan(raw(a))), raw(where))
    return np.sum(cast(there, np.real(raw(a)).dtype), axis=axis, keepdims=keepdims)


def _without(a: Any, filler: Any, where: Any = True) -> Any:
    return np.where(np.logical_or(np.isnan(raw(a)), np.logical_not(raw(where))), filler, a)


@composed(np.nanmean)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *,
            where: Any = True) -> Any:  # fmt: skip
    return np.sum(_without(a, 0, where), axis=axis, keepdims=keepdims) / _number(a, axis, keepdims, where)


composed(np.nanprod)(
    lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True:
        np.prod(_without(a, 1, where), axis=axis, keepdims=keepdims) * initial)
composed(np.nancumsum)(lambda a, axis=None, dtype=None, out=None: np.cumsum(_without(a, 0), axis=axis))
composed(np.nancumprod)(lambda a, axis=None, dtype=None, out=None: np.cumprod(_without(a, 1), axis=axis))


@composed(np.nanvar)
def nanvar(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False, *,
           where: Any = True, mean: Any = None, correction: Any = None) -> Any:  # fmt: skip
    ddof = ddof if correction is None else correction
    middle = nanmean(a, axis=axis, keepdims=True, where=where) if mean is None else mean
    d = _without(a, middle, where) - middle
    n = _number(a, axis, keepdims, where) - ddof
    return np.sum(np.real(d * np.conj(d)), axis=axis, keepdims=keepdims) / np.where(n > 0, n, np.nan)


@composed(np.nanstd)
def nanstd(a: Any, *args: Any, **kwargs: Any) -> Any:
    variance = nanvar(a, *args, **kwargs)
    return np.where(variance == 0, 0, np.sqrt(np.where(variance == 0, 1, variance)))  # flat at 0, as std
