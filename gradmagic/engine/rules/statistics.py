"""Averages, variances and quantiles that are computed, on tracked values, from functions that have a derivative.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arrays
from ..dispatch import composed
from ..errors import ArgumentError
from ..primitives import cast, scatter_add
from .helpers import aval, axes_of, raw

# ---- sums and averages ----------------------------------------------------------------------------------------


@composed(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composed(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.size(a) / np.size(result)
    else:
        if np.ndim(weights) == 1 < np.ndim(a):
            shape = [1] * np.ndim(a)
            shape[axis] = -1
            weights = np.reshape(weights, shape)
        weights = weights * np.ones_like(a)
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, total) if returned else result


@composed(np.nanmean)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    there = cast(np.logical_not(np.isnan(raw(a))), raw(a).dtype)
    return np.nansum(a, axis=axis, keepdims=keepdims) / np.sum(there, axis=axis, keepdims=keepdims)


@composed(np.nanprod)
def nanprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, keepdims=keepdims)


@composed(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0, a), axis=axis)


@composed(np.median)
def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return quantile(a, 0.5, axis=axis, keepdims=keepdims)


@composed(np.percentile)
def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    return quantile(a, np.true_divide(q, 100), *args, **kwargs)


@composed(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    if method != "linear":
        raise ArgumentError(f"np.quantile(..., method={method!r}) has no derivative in gradmagic: use 'linear'.")
    axes = axes_of(axis, np.ndim(a))
    first = np.moveaxis(a, axes, range(len(axes)))
    rest = np.shape(first)[len(axes) :]
    x = np.sort(np.reshape(first, (-1, *rest)), axis=0)
    place = np.asarray(q, dtype=float) * (np.shape(x)[0] - 1)
    low = np.floor(place).astype(int)
    part = np.reshape(place - low, np.shape(place) + (1,) * len(rest)).astype(raw(a).dtype)
    part = arrays.from_host(part, raw(a))
    y = x[low] * (1 - part) + x[np.ceil(place).astype(int)] * part
    if keepdims:
        y = np.reshape(y, np.shape(place) + tuple(1 if i in axes else n for i, n in enumerate(np.shape(a))))
    return y


@composed(np.nanvar)
def nanvar(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    d = np.where(np.isnan(a), 0, a - nanmean(a, axis=axis, keepdims=True))
    n = np.sum(cast(np.logical_not(np.isnan(raw(a))), raw(a).dtype), axis=axis, keepdims=keepdims)
    return np.sum(np.real(d * np.conj(d)), axis=axis, keepdims=keepdims) / (n - ddof)


@composed(np.nanstd)
def nanstd(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    return np.sqrt(nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims))


@composed(np.cov)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    x = _rows(m, rowvar) if y is None else np.concatenate([_rows(m, rowvar), _rows(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    d = x - np.mean(x, axis=1, keepdims=True)
    return np.squeeze(np.matmul(d, np.conj(np.transpose(d))) / (np.shape(x)[1] - ddof))


def _rows(m: Any, rowvar: bool) -> Any:
    if np.ndim(m) < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar or np.shape(m)[0] == 1 else np.transpose(m)


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    s = np.sqrt(np.real(np.diagonal(c)))
    return c / np.expand_dims(s, 1) / s


@composed(np.unique)
def unique(ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
           axis: Any = None, **options: Any) -> Any:  # fmt: skip
    if axis is not None:
        raise ArgumentError("np.unique(..., axis=...) has no derivative in gradmagic: leave axis= out.")
    _, first, inverse, counts = np.unique(raw(ar), True, True, True, **options)
    parts = [np.take(ar, first)]
    asked = (return_index, return_inverse, return_counts)
    parts += [part for part, wanted in zip((first, inverse, counts), asked, strict=True) if wanted]
    return tuple(parts) if len(parts) > 1 else parts[0]


@composed(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    plain = np.bincount(raw(x), None if weights is None else raw(weights), minlength)
    return plain if weights is None else scatter_add(weights, aval(plain.shape, plain.dtype), raw(x))
