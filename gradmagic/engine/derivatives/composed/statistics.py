"""Averages, covariances and histograms: computed, on tracked values, from functions that have a derivative.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dispatch.primitives import scatter_add
from ...dispatch.protocols import composed
from ...tape.tracked import Tracked, raw
from ..numpy.partials import aval, axes_of

# ---- sums and averages ----------------------------------------------------------------------------------------


composed(np.ptp)(
    lambda a, axis=None, out=None, keepdims=False:
        np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims))


@composed(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.size(a) / np.size(result) + 0 * result
    else:
        weights = np.asarray(weights) if isinstance(weights, (list, tuple)) else weights
        if np.shape(weights) != np.shape(a):  # one for each entry along the axes
            axes = axes_of(axis, np.ndim(a))
            weights = np.transpose(weights, np.argsort(np.argsort(axes)))
            weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(np.shape(a))])
        total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keepdims)
        result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, total) if returned else result


@composed(np.cov)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
        aweights: Any = None, *, dtype: Any = None) -> Any:  # fmt: skip
    x = _rows(m, rowvar) if y is None else np.concatenate([_rows(m, rowvar), _rows(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        d = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(np.matmul(d, np.conj(np.transpose(d))) / np.maximum(np.shape(x)[1] - ddof, 0.0))
    w: Any = np.asarray(fweights) * 1.0 if fweights is not None else 1.0
    aweights = np.asarray(aweights) if isinstance(aweights, (list, tuple)) else aweights
    w = w if aweights is None else w * aweights
    total = np.sum(w)
    d = x - np.expand_dims(np.sum(x * w, axis=1) / total, 1)
    over = total - (ddof if aweights is None else ddof * np.sum(w * aweights) / total)
    return np.squeeze(np.matmul(d, np.conj(np.transpose(d * w))) / over)


def _rows(m: Any, rowvar: bool) -> Any:
    if isinstance(m, (list, tuple)):
        m = np.stack(list(m)) if any(hasattr(r, "node") for r in m) else np.asarray(m)
    if np.ndim(m) < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar or np.shape(m)[0] == 1 else np.transpose(m)


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *_: Any, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    s = np.sqrt(np.real(np.diagonal(c)))
    return c / np.expand_dims(s, 1) / s


# ---- counting under weights -----------------------------------------------------------------------------------


@composed(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    plain = np.bincount(raw(x), None if weights is None else raw(weights), minlength)
    if weights is None:
        return plain
    return scatter_add(weights, aval(plain.shape, raw(weights).dtype), raw(x))


@composed(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """By its weights; counts and edges are steps."""
    counts, edges = np.histogram(raw(a), raw(bins), range, density, None if weights is None else raw(weights))
    if not isinstance(weights, Tracked):
        return counts, edges
    return _weighed([raw(a)], [edges], weights, density), edges


@composed(np.histogram2d)
def histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    plain = np.histogram2d(raw(x), raw(y), bins, range, density, None if weights is None else raw(weights))
    if not isinstance(weights, Tracked):
        return plain
    return (_weighed([raw(x), raw(y)], plain[1:], weights, density), *plain[1:])


@composed(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    plain, edges = np.histogramdd(raw(sample), bins, range, density, None if weights is None else raw(weights))
    if not isinstance(weights, Tracked):
        return plain, edges
    table = np.atleast_2d(np.asarray(raw(sample)))
    columns = list(table if isinstance(sample, (list, tuple)) else table.T)
    return _weighed(columns, edges, weights, density), edges


def _weighed(columns: Any, edges: Any, weights: Any, density: Any) -> Any:
    """Sum the weights in each bin; the last bin has both of its edges."""
    places, inside = [], True
    for x, e in zip(columns, edges, strict=True):
        x = np.ravel(x)
        places.append(np.minimum(np.searchsorted(e, x, "right") - 1, len(e) - 2))
        inside = inside & (x >= e[0]) & (x <= e[-1])
    shape = tuple(len(e) - 1 for e in edges)
    index = tuple(p[inside] for p in places)
    sums = scatter_add(np.ravel(weights)[inside], aval(shape, raw(weights).dtype), index)
    if not density:
        return sums
    volumes: Any = 1
    for e in edges:
        volumes = np.multiply.outer(volumes, np.diff(e))
    return sums / (np.sum(sums) * volumes)
