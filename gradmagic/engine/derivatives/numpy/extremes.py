"""The awkward reductions: products with zeros among the factors, extremes with ties, variances.

Where there is no derivative, or more than one, it is PyTorch's; all such places (tests: test_conventions.py):

    max, min, norm(x, inf)          entries that tie share evenly; a NaN that is the result gets all
    maximum, minimum                two that tie get half each; beside NaN both get all
    fmax, fmin                      two that tie: the first gets all; a NaN gets nothing
    maximum.accumulate, minimum     of entries that tie, the last gets all
    sort, partition, median         equal entries keep their order
    clip                            1 at a bound that is just reached; bounds get what lies beyond them only
    where, maximum ... (selects)    what was not chosen gets 0, never 0 * inf
    absolute, sign, norm, hypot     0 at 0 (hypot: NaN in PyTorch); of complex numbers too
    std, arctan2(0, 0), angle(0)    0
    sqrt, log, 1/x, x**0.5 at 0     inf, as computed
    x**0, 0**x                      0 at x = 0; 0 for y > 0, and at y = 0
    prod, cumprod with zeros        exact: the product of the others
    sinc at 0                       0, and the right second derivative
    copysign(0, y), sign, floor     0
    remainder, fmod                 1 by x, minus the quotient by y, also where it steps
    nan_to_num, nansum ...          0 at what was replaced or left out
    equal eigen- or singular values NaN from the pair, with a warning, where vectors matter (decompositions.py)
    second derivatives of norm, hypot, std, |z| at 0: NaN, with a warning
    logaddexp(-inf, -inf)           0; of two infinities half each
    det of a singular matrix        the adjugate
    x[i] twice, x[i] = v twice      read: the sum; written: the last
    complex inputs                  df/dRe + i df/dIm, uphill

In and out: as a rule gets them. Nothing here looks at a value to decide what to do: a GPU would have to wait for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import arrays
from ...tape.tracked import raw
from .partials import aval, away, axes_of, count, counted, held, nonzero, spread, summed_in, with_dims, within


def _shifted(x: Any, step: int, fill: int) -> Any:
    """Give x moved by `step` places along the first axis, towards the end if positive, with `fill` coming in."""
    n = x.shape[0]
    edge = np.full_like(raw(x)[: min(abs(step), n)], fill)
    return np.concatenate([edge, x[: n - step]] if step > 0 else [x[-step:], edge])


def _factors(x: Any, axis: Any) -> Any:
    """Give x with the axes to be multiplied over as one first axis."""
    axes = axes_of(axis, len(x.shape))
    x = np.moveaxis(x, axes, range(len(axes)))
    return np.reshape(x, (count(x.shape, tuple(range(len(axes)))), *x.shape[len(axes) :]))


def _unfactors(c: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Undo `_factors`."""
    axes = axes_of(axis, len(shape))
    moved = tuple(shape[a] for a in axes) + tuple(n for i, n in enumerate(shape) if i not in axes)
    return np.moveaxis(np.reshape(c, moved), range(len(axes)), axes)


def _others(f: Any) -> Any:
    """Give for each entry along the first axis the product of the others."""
    before = np.cumprod(_shifted(f, 1, 1), 0)
    after = np.flip(np.cumprod(_shifted(np.flip(f, 0), 1, 1), 0), 0)
    return before * after


def prod_vjp(
    g: Any, _y: Any, x: Any, axis: Any = None, dtype: Any = None, out: Any = None,
    keepdims: bool = False, initial: Any = 1, where: Any = True,
) -> Any:  # fmt: skip
    axis = axis if np.shape(x) else None
    # For each factor the product of those before times that of those after: no division, so zeros are no case.
    f = _factors(x if where is True else np.where(where, x, 1), axis)
    others = _others(f)
    plain = raw(others)
    if type(plain) is np.ndarray and x.dtype.kind == "f" and not np.all(np.isfinite(plain) & (plain != 0)):
        # It may have left the range on the way, or come to 0 * inf: powers of 2 apart.
        powers = np.frexp(np.where(np.isfinite(raw(f)), raw(f), 1))[1]
        others = np.ldexp(_others(f * np.ldexp(np.ones_like(raw(f)), -powers)), np.sum(powers, axis=0) - powers)
    others = _unfactors(np.conj(others), x.shape, axis)
    return within(where, with_dims(g * initial, len(x.shape), axis, keepdims) * others)


def cumprod_vjp(g: Any, _y: Any, x: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    # s[i] = sum over k >= i of g[k] * x[i+1] * ... * x[k]; doubling gives all of them in log2(n) steps, and again
    # without dividing by a factor that may be 0.
    axis = axis if np.shape(x) else None
    f = np.reshape(x, -1) if axis is None else np.moveaxis(x, axis, 0)
    s = np.reshape(g, -1) if axis is None else np.moveaxis(g, axis, 0)
    w = _shifted(np.conj(f), -1, 0)
    step = 1
    while step < f.shape[0]:
        s = s + w * _shifted(s, -step, 0)
        w = w * _shifted(w, -step, 0)
        step *= 2
    c = np.conj(np.cumprod(_shifted(f, 1, 1), 0)) * s
    return np.reshape(c, x.shape) if axis is None else np.moveaxis(c, 0, axis)


def extreme_vjp(
    g: Any, y: Any, x: Any, axis: Any = None, out: Any = None,
    keepdims: bool = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    ndim = np.ndim(x)
    at = x == with_dims(y, ndim, axis, keepdims)
    if arrays.on_device(raw(y)) or np.any(raw(y) != raw(y)):  # of a NaN among them it is the value
        at = np.logical_or(at, np.logical_and(raw(x) != raw(x), with_dims(raw(y) != raw(y), ndim, axis, keepdims)))
    if where is not True:
        at = np.logical_and(at, where)
    ties = np.sum(at, axis=axis, keepdims=True, dtype=summed_in(y))
    return within(at, with_dims(g, ndim, axis, keepdims) / nonzero(ties))


def var_vjp(
    g: Any, _y: Any, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: bool = False, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    ddof = ddof if correction is None else correction
    if mean is not None:  # a constant: no gradient flows through it
        n = counted(aval(x.shape, x.dtype), axis, True, where) - ddof
        return within(where, with_dims(g, len(x.shape), axis, keepdims) * ((x - mean) * 2 / n))
    if where is True:
        n = held(max(count(x.shape, axis) - ddof, 0), x)
        return spread(g, x, axis, keepdims) * ((x - np.mean(x, axis=axis, keepdims=True)) * 2 / n)
    n = counted(aval(x.shape, x.dtype), axis, True, where) - ddof
    d = x - np.mean(x, axis=axis, keepdims=True, where=where)
    return within(where, with_dims(g, len(x.shape), axis, keepdims) * (d * 2 / n))


def std_vjp(
    g: Any, y: Any, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: bool = False, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    # At y = 0 all entries are equal and x - mean is 0: the gradient is 0, as in PyTorch.
    return var_vjp(g / (2 * away(y)), y, x, axis, dtype, out, ddof, keepdims, where, mean, correction)
