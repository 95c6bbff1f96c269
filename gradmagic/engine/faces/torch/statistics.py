"""PyTorch's functions of many entries that books use seldom: statistics, orders, running extremes, counting.

In: a Tensor, `dim` and `keepdim`. Out: Tensors, or a named tuple of them where PyTorch gives several.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call_linear
from ...dispatch.primitives import cast
from ...tape.tracked import Tracked, raw
from . import math as torch_math
from . import picking, reductions
from .arguments import along, at, dims_of, named_results, shown
from .math import OperandError, floating, named, not_for, titled
from .reductions import _numpy_words as numpy_words
from .reductions import evenly

# ---- deviations and averages -------------------------------------------------------------------------------------


def _with_mean(name: str, spread: Any) -> Callable[..., Any]:
    @numpy_words
    def f(
        input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
    ) -> Any:  # fmt: skip
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if input.array.dtype.kind not in "fc":
            raise OperandError(tr(
                "{name} only support floating point and complex dtypes. Write t.float().{name}().",
                name=name,
            ))  # fmt: skip
        made = (
            spread(input, dim, unbiased, keepdim, correction=correction),
            reductions.mean(input, dim, keepdim),
        )
        return tuple(shown(m, f"{name.title().replace('_', '')}Backward0") for m in made)

    return titled(f, name, f"As `torch.{name}`: ({name[:3]}, mean) of all entries or along `dim`.")


std_mean, var_mean = _with_mean("std_mean", reductions.std), _with_mean("var_mean", reductions.var)


@numpy_words
def nanmean(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """As `torch.nanmean`: the mean of the entries that are numbers."""
    count = np.sum(
        np.logical_not(np.isnan(input.array)), axis=dims_of(dim, np.ndim(input.array)), keepdims=keepdim
    )
    return reductions.nansum(input, dim, keepdim) / input.wrap(count, None)


@numpy_words
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """As `torch.aminmax`: (min, max) of all entries or along `dim`."""
    made = reductions.amin(input, dim, keepdim), reductions.amax(input, dim, keepdim)
    return _AMINMAX(*(shown(m, "AminmaxBackward0") for m in made))


@numpy_words
def nanmedian(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """As `torch.nanmedian`: the median of the entries that are numbers."""
    flat: Any = np.reshape(input, -1) if dim is None or not np.ndim(input.array) else input
    axis = 0 if dim is None else at(dim, np.ndim(input.array))
    order = np.argsort(flat.array, axis=axis, kind="stable")  # NaN comes last
    count = np.sum(np.logical_not(np.isnan(flat.array)), axis=axis, keepdims=True)
    place = np.take_along_axis(order, np.maximum((count - 1) // 2, 0), axis)
    pair = _picked("nanmedian", flat, place, axis, keepdim and dim is not None and flat is input)
    return evenly(flat, pair.values, "NanmedianBackward0") if dim is None else pair


def _quantile(name: str, function: Any) -> Callable[..., Any]:
    @numpy_words
    def f(
        input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear"
    ) -> Any:
        if input.array.dtype.kind != "f":
            raise OperandError(tr(
                "{name}() input tensor must be either float or double dtype. Write t.float().", name=name,
            ))  # fmt: skip
        part = np.asarray(arrays.to_host(raw(q)))
        if part.size and not (part.min() >= 0 and part.max() <= 1):
            raise OperandError(tr(
                "{name}() q must be in the range [0, 1] but got {q}. It is a part of all entries.",
                name=name, q=raw(q),
            ))  # fmt: skip
        axis = None if dim is None else at(dim, np.ndim(input.array))
        x = np.reshape(input, 1) if dim is not None and not np.ndim(input.array) else input
        if getattr(q, "node", None) is not None:
            return _of_tracked(function, x, q, axis, keepdim, interpolation)
        made = function(x, part.astype(input.array.dtype), axis=axis, keepdims=keepdim, method=interpolation)
        return shown(np.reshape(made, part.shape) if x is not input else made, "SqueezeBackward4")

    return titled(f, name, f"As `torch.{name}`: the value below which the part `q` of the entries lies.")


def _of_tracked(function: Any, x: Any, q: Any, axis: Any, keepdim: bool, interpolation: str) -> Any:
    """Give quantiles with their slope by q: that of the straight line between two entries in order."""
    part = np.asarray(arrays.to_host(q.array))
    options = {"axis": axis, "keepdims": keepdim}
    low, high = (function(x, part, method=m, **options) for m in ("lower", "higher"))
    count = np.sum(np.logical_not(np.isnan(x.array)), **options) if function is np.nanquantile else None
    n = (
        (np.size(x.array) if axis is None else np.shape(x.array)[axis])
        if count is None
        else count.astype(x.array.dtype)
    )
    where = np.reshape(q, part.shape + (1,) * (np.ndim(low.array) - part.ndim)) * (n - 1)
    if interpolation != "linear":
        where = where.detach()  # type: ignore[union-attr]
        return function(x, part, method=interpolation, **options) + 0 * np.sum(where)
    return low + (high - low) * (where - np.floor(where.array))  # type: ignore[union-attr]


quantile, nanquantile = _quantile("quantile", np.quantile), _quantile("nanquantile", np.nanquantile)


def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """As `torch.cov`: the covariances of the rows; `fweights` say how often a column counts, `aweights` how much."""
    if input.ndim > 2:
        raise OperandError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim}."
        )
    if fweights is not None and raw(fweights).dtype.kind not in "iu":
        raise OperandError(tr(
            "cov(): expected fweights to have integral dtype but got another. Write fweights.long().",
        ))  # fmt: skip
    x = floating(input).reshape(1, -1) if input.ndim < 2 else floating(input)
    dtype = np.finfo(x.array.dtype).dtype
    weights = [cast(w, dtype) for w in (fweights, aweights) if w is not None]
    w = reduce(operator.mul, weights) if weights else None
    total = x.shape[1] if w is None else reductions.sum(w)
    mean = reductions.mean(x, 1, True) if w is None else reductions.sum(x * w, 1, True) / total
    apart = x - mean
    left = total - correction
    if correction and aweights is not None:
        left = total - correction * reductions.sum(w * weights[-1]) / total
    weighed = apart if w is None else apart * w
    made = weighed @ np.conjugate(apart).mT if apart.is_complex() else weighed @ apart.mT
    made = made / torch_math.clamp(left, min=0) if isinstance(left, Tracked) else made / max(left, 0)
    return made.reshape(()) if made.numel() == 1 else made


def corrcoef(input: Any) -> Any:
    """As `torch.corrcoef`: the correlations of the rows."""
    c = cov(input)
    if not c.ndim:
        return c / c
    scale = np.real(picking.diagonal(c)) ** 0.5
    return c / scale[:, None] / scale


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """As `torch.dist`: the norm of order `p` of the difference."""
    return shown(reductions.norm(input - other, p), "DistBackward0")


def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """As `torch.renorm`: slices along `dim` whose norm is above `maxnorm` scaled down to it."""
    axes = tuple(i for i in range(np.ndim(input.array)) if i != at(dim, np.ndim(input.array)))
    size = (
        reductions.amax(abs(input), axes, True)
        if p == np.inf
        else reductions.sum(abs(input) ** p, axes, True) ** (1 / p)
    )
    factor = np.where(raw(size) > maxnorm, maxnorm / (size + 1e-7), 1)
    return shown(input * factor, "RenormBackward0")


# ---- one entry of each slice -------------------------------------------------------------------------------------


def _picked(name: str, input: Any, index: Any, dim: int, keepdim: bool) -> Any:
    """Give the pair of the entries at `index`, which still has the axis `dim`, and of the indices."""
    if not np.ndim(input.array):
        input, index = np.reshape(input, 1), np.reshape(index, 1)
        keepdim = False
    values = call_linear(_RULES[name], nw.along.__wrapped__, (input, index, dim, keepdim))
    return _RESULTS[name](values, input.wrap(index if keepdim else np.squeeze(index, dim), None))


@numpy_words
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """As `torch.kthvalue`: (values, indices) of the k-th smallest entry along `dim`, counted from 1."""
    dim = at(dim, np.ndim(input.array))
    array = np.atleast_1d(input.array)
    if not 1 <= k <= array.shape[dim]:
        raise OperandError(tr(
            "kthvalue(): selected number k out of range for dimension {dim}. It runs from 1.", dim=dim,
        ))  # fmt: skip
    order = np.argsort(array, axis=dim, kind="stable")
    return _picked("kthvalue", input, np.take(order, [k - 1], dim), dim, keepdim)


@numpy_words
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """As `torch.mode`: (values, indices) of the most frequent entry along `dim`, the smallest of several."""
    dim = at(dim, np.ndim(input.array))
    array = np.atleast_1d(input.array)
    order = np.argsort(array, axis=dim, kind="stable")
    ranked = np.take_along_axis(array, order, dim)
    n = array.shape[dim]
    count = np.reshape(arrays.arange(n, array), (-1,) + (1,) * (array.ndim - dim - 1))
    starts = np.concatenate(
        [np.ones_like(np.take(ranked, [0], dim), bool), np.diff(ranked, axis=dim) != 0], dim
    )
    run = count - _running(np.where(starts, count, 0), dim, np.maximum)  # how many equal ones came before
    place = np.take_along_axis(order, np.expand_dims(np.argmax(run, dim), dim), dim)
    return _picked("mode", input, place, dim, keepdim)


def _running(x: Any, dim: int, combine: Any) -> Any:
    """Combine each entry with all before it along `dim`, in as many steps as its length has binary digits."""
    step, n = 1, np.shape(x)[dim] if np.ndim(x) else 1
    while step < n:
        ndim = np.ndim(x)
        first, rest, before = (
            x[along(dim, part, ndim)] for part in (slice(step), slice(step, None), slice(None, -step))
        )
        x = np.concatenate([first, combine(before, rest)], dim)
        step *= 2
    return x


def _extremes(name: str, beats: Any) -> Callable[..., Any]:
    @numpy_words
    def f(input: Any, dim: int) -> Any:
        dim = at(dim, np.ndim(input.array))
        array = np.atleast_1d(input.array)
        shape = (-1,) + (1,) * (array.ndim - dim - 1)
        index = np.broadcast_to(np.reshape(arrays.arange(array.shape[dim], array), shape), array.shape)

        def later(i: Any, j: Any) -> Any:  # the later one, where it is no worse
            a, b = np.take_along_axis(array, i, dim), np.take_along_axis(array, j, dim)
            return np.where(np.isnan(b) | (beats(b, a) & ~np.isnan(a)), j, i)

        index = _running(index, dim, later)
        if not np.ndim(input.array):
            return _RESULTS[name](input, input.wrap(index[0], None))
        return _picked(name, input, index, dim, True)

    return titled(
        f, name, f"As `torch.{name}`: (values, indices) of the extreme up to each entry along `dim`."
    )


cummax, cummin = _extremes("cummax", np.greater_equal), _extremes("cummin", np.less_equal)


@numpy_words
def logcumsumexp(input: Any, dim: int) -> Any:
    """As `torch.logcumsumexp`: log(cumsum(exp(input))) along `dim`, without overflow."""
    dim = at(dim, np.ndim(input.array))
    if input.array.dtype.kind not in "fc":
        raise not_for("logcumsumexp", input.array.dtype)
    return (
        shown(_running(input, dim, np.logaddexp), "LogcumsumexpBackward0") if np.ndim(input.array) else input
    )


@numpy_words
def msort(input: Any) -> Any:
    """As `torch.msort`: in order along the first dim."""
    return reductions.sort(input, 0).values


_RULES = {
    name: named(nw.along, f"{name.title()}Backward0")
    for name in "kthvalue mode cummax cummin nanmedian".split()
}
_RULES["nanmedian"] = named(nw.along, "NanmedianBackward1")
_RESULTS = {name: named_results(name, "values indices") for name in _RULES}
_AMINMAX = named_results("aminmax", "min max")

# ---- areas and slopes --------------------------------------------------------------------------------------------


@numpy_words
def trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """As `torch.trapezoid`: the area under y by straight lines between the points."""
    return reductions.sum(_areas(y, x, dx, dim), dim)


@numpy_words
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """As `torch.cumulative_trapezoid`: the area under y up to each point after the first."""
    return reductions.cumsum(_areas(y, x, dx, dim), dim)


def _areas(y: Any, x: Any, dx: float, dim: int) -> Any:
    ndim = np.ndim(y.array)
    left, right = (y[along(dim, part, ndim)] for part in (slice(None, -1), slice(1, None)))
    left, right = floating(left), floating(right)
    if x is None:
        return (left + right) / 2 * dx
    if np.ndim(raw(x)) == 1:
        x = np.reshape(x, (-1,) + (1,) * (ndim - at(dim, ndim) - 1))
    width = np.diff(x, axis=dim if np.ndim(raw(x)) == ndim else at(dim, ndim) - ndim)
    return (left + right) / 2 * (floating(width) if isinstance(width, Tracked) else width)


def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """As `torch.gradient`: the slopes along each dim, by central differences."""
    dims = dims_of(dim, np.ndim(input.array))
    if len(set(dims)) < len(dims):
        raise OperandError(tr(
            "dim {dim} appears multiple times in the list of dims. Name each once.", dim=dims[0],
        ))  # fmt: skip
    if edge_order not in (1, 2):
        raise OperandError(tr(
            "torch.gradient only supports edge_order=1 and edge_order=2. Write one of these.",
        ))  # fmt: skip
    spacing = 1 if spacing is None else spacing
    input = floating(input)
    steps = [raw(s) for s in spacing] if isinstance(spacing, (tuple, list)) else [raw(spacing)]
    if len(steps) not in (1, len(dims)):
        raise OperandError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the "
            f"same length, but got a spacing argument of length {len(steps)} and a dim argument of length {len(dims)}."
        )
    made = np.gradient(input, *steps, axis=dims, edge_order=edge_order)  # type: ignore[call-overload]
    return tuple(made) if isinstance(made, (list, tuple)) else (made,)


_FUNCTIONS = (
    "std_mean var_mean nanmean aminmax nanmedian quantile nanquantile cov corrcoef dist renorm kthvalue mode cummax "
    "cummin logcumsumexp msort"
).split()
STATISTICS: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
FUNCTIONS_ONLY: dict[str, Callable[..., Any]] = {
    n: globals()[n] for n in "trapezoid cumulative_trapezoid gradient".split()
}
FUNCTIONS_ONLY["trapz"] = trapezoid
