"""The methods of ufuncs on tracked values: `np.add.reduce`, `accumulate`, `reduceat`, `outer`, `at`; and `axes=`.

In: a ufunc and its method's arguments. Out: what NumPy gives, tracked. Sums, products and extremes have rules; every
other ufunc is folded, entry by entry along the axis, from itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...core import arrays
from ...core.bounds import indexed
from ...dispatch.calls import constantly, face_of, gathered, wrapped
from ...dispatch.primitives import cast, scatter_add, set_item
from ...dispatch.protocols import METHODS, OPTIONS, valued
from ...rules.declare import RULES
from ...rules.rule import CONSTANT
from ...tape.tracked import Tracked, raw
from ..numpy.partials import aval, axes_of

# ---- reduce -----------------------------------------------------------------------------------------------------

_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
}  # fmt: skip


def reduce(ufunc: Any, x: Any, axis: Any = 0, **options: Any) -> Any:
    options = {k: v for k, v in options.items() if k != "dtype" or v is not None} | {"axis": axis}
    if RULES.get(ufunc) is CONSTANT:
        return wrapped(constantly(ufunc.reduce, [x], options), face_of((x, options)))
    if ufunc not in _REDUCTIONS:
        _binary(ufunc, "reduce")
        return valued(ufunc.reduce, partial(_folded, ufunc))(x, **options)
    function = _REDUCTIONS[ufunc]
    if isinstance(options.get("initial"), Tracked):  # as NumPy's dispatch does it where x is tracked too
        return OPTIONS[function, "initial"][1](x, **options)
    if function in (np.max, np.min) and "dtype" in options:
        x = cast(x, options.pop("dtype"))
    return function(x, **options)


def _folded(ufunc: Any, x: Any, axis: Any = 0, dtype: Any = None, keepdims: bool = False, initial: Any = None,
            where: Any = True) -> Any:  # fmt: skip
    """Take the entries along the axis one by one; those that the mask leaves out change nothing."""
    neutral = ufunc.identity
    if where is not True and neutral is not None:
        where = np.broadcast_to(where, np.shape(x))
        none = np.logical_not(np.any(where, axis=axis, keepdims=True))  # there all are taken, and the result is not
        filler = np.clip(neutral, np.finfo(raw(x).dtype).min, None)  # no infinity that the cell has not made
        y = _folded(ufunc, np.where(np.logical_or(where, none), x, filler), axis, dtype, True, initial)
        y = np.where(none, neutral if initial is None else initial, y)
        return y if keepdims else np.squeeze(y, axis=axes_of(axis, np.ndim(x)))
    rows = _rows(x, axis)
    if ufunc in _CLOSED and initial is None and where is True:
        y = _CLOSED[ufunc](rows)
    else:
        masks = None if where is True else _rows(np.broadcast_to(where, np.shape(x)), axis)
        y = rows[0] if initial is None else initial
        for i in range(initial is None, np.shape(rows)[0]):
            y = ufunc(y, rows[i]) if masks is None else np.where(masks[i], ufunc(y, rows[i]), y)
    return np.expand_dims(y, axes_of(axis, np.ndim(x))) if keepdims else y


def _rows(x: Any, axis: Any) -> Any:
    """Give x with the axes that are reduced as one first axis."""
    axes = axes_of(axis, np.ndim(x))
    first = np.moveaxis(x, axes, range(len(axes)))
    return np.reshape(first, (int(np.prod([np.shape(x)[a] for a in axes])), *np.shape(first)[len(axes) :]))


def _log_of_sums(log: Any, exp: Any) -> Any:
    def reduced(x: Any) -> Any:
        top = np.max(raw(x), axis=0)
        top = np.where(np.isfinite(top), top, 0)
        return log(np.sum(exp(x - top), axis=0)) + top

    return reduced


# Functions of several entries at once; the others are folded.
_CLOSED: dict[Any, Callable[[Any], Any]] = {
    np.subtract: lambda x: x[0] - np.sum(x[1:], axis=0),
    np.divide: lambda x: x[0] / np.prod(x[1:], axis=0),
    np.hypot: lambda x: np.linalg.norm(x, axis=0),
    np.logaddexp: _log_of_sums(np.log, np.exp),
    np.logaddexp2: _log_of_sums(np.log2, np.exp2),
    np.fmax: lambda x: np.nanmax(x, axis=0),
    np.fmin: lambda x: np.nanmin(x, axis=0),
}


# ---- accumulate, reduceat -----------------------------------------------------------------------------------------


def accumulate(ufunc: Any, x: Any, axis: Any = 0, dtype: Any = None, *_: Any, **options: Any) -> Any:
    if ufunc in (np.add, np.multiply):
        return (np.cumsum if ufunc is np.add else np.cumprod)(x, axis=axis, dtype=dtype)
    _binary(ufunc, "accumulate")
    way = _running if ufunc in (np.maximum, np.minimum) else _accumulated
    return valued(lambda x: ufunc.accumulate(x, axis=axis, dtype=dtype), lambda x: way(ufunc, x, axis))(x)


def _running(ufunc: Any, x: Any, axis: int) -> Any:
    """Give the largest (smallest) so far; of entries that tie, the last, as in PyTorch's cummax."""
    plain = raw(x)
    shape = [1] * plain.ndim
    shape[axis] = -1
    place = np.reshape(np.arange(plain.shape[axis]), shape)
    at = np.where((plain == ufunc.accumulate(plain, axis=axis)) | np.isnan(plain), place, 0)
    return np.take_along_axis(x, np.maximum.accumulate(at, axis=axis), axis)


def _accumulated(ufunc: Any, x: Any, axis: int) -> Any:
    rows = np.moveaxis(x, axis, 0)
    made = [rows[i : i + 1] for i in range(min(1, np.shape(rows)[0]))]
    for i in range(1, np.shape(rows)[0]):
        made.append(ufunc(made[-1], rows[i : i + 1]))
    return np.moveaxis(np.concatenate(made), 0, axis) if made else x


def reduceat(ufunc: Any, x: Any, indices: Any, axis: Any = 0, dtype: Any = None, *_: Any, **options: Any) -> Any:
    _binary(ufunc, "reduceat")
    starts = np.asarray(raw(indices))

    def way(x: Any) -> Any:
        rows = np.moveaxis(x, axis, 0)
        stops = np.append(starts[1:], np.shape(rows)[0])
        stops = np.where(stops > starts, stops, starts + 1)
        if ufunc is np.add:
            segment = np.repeat(np.arange(starts.size), stops - starts)
            within = np.arange(segment.size) - np.repeat(np.cumsum(stops - starts) - (stops - starts), stops - starts)
            like = aval((starts.size, *np.shape(rows)[1:]), raw(x).dtype)
            y = scatter_add(np.take(rows, starts[segment] + within, axis=0), like, segment)
        else:
            # A segment of one entry is that entry itself; np.hypot.reduce would give its size.
            y = np.stack([
                rows[a] if b == a + 1 else reduce(ufunc, rows[a:b]) for a, b in zip(starts, stops, strict=True)
            ])  # fmt: skip
        return np.moveaxis(y, 0, axis)

    return valued(lambda x: ufunc.reduceat(x, starts, axis=axis, dtype=dtype), way)(x)


def _binary(ufunc: Any, method: str) -> None:
    if ufunc.nin != 2 or ufunc.nout != 1 or ufunc.signature is not None:
        raise ArgumentError(tr(
            "np.{name}.{method} does not exist: the function does not take two entries.",
            name=ufunc.__name__, method=method,
        ))  # fmt: skip


# ---- outer, at ----------------------------------------------------------------------------------------------------


def outer(ufunc: Any, a: Any, b: Any, **options: Any) -> Any:
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **options)


def at(ufunc: Any, target: Any, index: Any, *values: Any) -> None:
    """Do `ufunc.at(target, index, values)`: an entry that `index` names twice is changed twice, in order."""
    index = raw(index) if not isinstance(index, tuple) else tuple(raw(i) for i in index)
    if arrays.on_device(raw(target)):
        indexed(np.shape(raw(target)), index)
    values = tuple(map(gathered, values))
    live = [v for v in values if isinstance(v, Tracked) and v.node is not None]
    if not isinstance(target, Tracked) or (target.node is None and not live):
        for v in live:
            v.leave(f"np.{ufunc.__name__}.at", strict_text="target = target + ...")
        ufunc.at(raw(target), index, *(raw(v) for v in values))
        return
    x = target.array
    places = np.reshape(arrays.arange(x.size, x), x.shape)[index]
    arrayed: Any = (v if isinstance(v, Tracked) or arrays.is_array(v) else np.asarray(v) for v in values)
    spread = [np.reshape(np.broadcast_to(v, places.shape), -1) for v in arrayed]
    places = places.reshape(-1)
    if ufunc in (np.add, np.subtract):
        given = [v if isinstance(v, Tracked) else arrays.from_host(v.astype(x.dtype), x) for v in spread]
        added = np.reshape(scatter_add(given[0], aval((x.size,), x.dtype), places), x.shape)
        made: Any = target + added if ufunc is np.add else target - added
    else:
        # The k-th time that a place is named is the k-th round.
        order = np.argsort(places, kind="stable")
        first = np.searchsorted(places[order], places[order])
        turn = np.empty_like(places)
        turn[order] = np.arange(places.size) - first
        made = np.reshape(target, -1)  # type: ignore[call-overload]
        for k in range(int(turn.max(initial=-1)) + 1):
            now = np.flatnonzero(turn == k)
            new = ufunc(made[places[now]], *(v[now] for v in spread))
            made = set_item(made, places[now], new if raw(new).dtype == x.dtype else cast(new, x.dtype))
        made = np.reshape(made, x.shape)
    if arrays.on_device(x):  # not in the same order twice, anyway
        target.assign(Ellipsis, made)
        return
    exact = x.copy()
    ufunc.at(exact, index, *(raw(v) for v in values))
    target.assign(Ellipsis, valued(lambda _: exact, lambda _: made)(made) if isinstance(made, Tracked) else exact)


# ---- axes of functions of vectors and matrices --------------------------------------------------------------------


def with_axes(ufunc: Any, inputs: Any, axis: Any = None, axes: Any = None, keepdims: bool = False) -> Any:
    """Compute np.matmul, np.vecdot ... over other axes than the last."""
    cores = [len([c for c in part.strip("()").split(",") if c]) for part in _parts(ufunc.signature)]
    inner = cores[: ufunc.nin]
    if axis is not None:
        axes = [(axis,) * n for n in cores]
    named = None if axes is None else [(a,) if isinstance(a, int) else tuple(a) for a in axes]
    if named is not None:
        inputs = [np.moveaxis(x, a, range(-len(a), 0)) if a else x for x, a in zip(inputs, named, strict=False)]
    y = ufunc(*inputs)
    if keepdims:
        back = (-1,) * inner[0] if named is None else named[0]
        return np.expand_dims(y, back)
    if named is not None and len(named) > ufunc.nin and named[-1] and cores[-1]:
        y = np.moveaxis(y, range(-cores[-1], 0), named[-1])
    return y


def _parts(signature: str) -> list[str]:
    left, _, right = signature.partition("->")
    return [p + ")" for side in (left, right) for p in side.rstrip(")").split("),")]


METHODS.update(reduce=reduce, accumulate=accumulate, reduceat=reduceat, outer=outer, at=at, axes=with_axes)
