"""PyTorch's functions that write at indices and give a new tensor: index_*, scatter_*, put, *_scatter; and windows.

In: a Tensor, a dim, whole numbers that index it, and what is written. Out: Tensors. Each is a method too, and written
with a trailing underscore writes in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ShapeError
from ....language import tr
from ...core import arrays
from ...core.bounds import in_bounds
from ...derivatives.nn import functions as nw
from ...derivatives.numpy.partials import aval
from ...dispatch.calls import call, call_linear
from ...dispatch.primitives import cast, set_item
from ...dispatch.primitives import scatter_add as _added_at
from ...tape.nodes import aval_of
from ...tape.tracked import Tracked, raw
from .arguments import along, at, shown
from .math import OperandError, named


class BoundsError(IndexError, OperandError):
    """PyTorch raises RuntimeError here, NumPy IndexError: this is both."""


# ---- whole slices along a dim ------------------------------------------------------------------------------------


def _checked(name: str, input: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """Give the place of `index` along `dim`, whose numbers must be there."""
    plain = raw(index)
    if plain.dtype.kind not in "iu":
        raise OperandError(tr(
            "{name}(): Expected dtype int32/int64 for index. Write index.long().", name=name,
        ))  # fmt: skip
    shape = np.shape(input.array)
    n = shape[at(dim, len(shape))] if shape else 1
    if not arrays.on_device(plain) and plain.size and not -n <= plain.min() <= plain.max() < n:
        wrong = int(plain.max() if plain.max() >= n else plain.min())
        raise BoundsError(f"index {wrong} is out of bounds for dimension {at(dim, len(shape))} with size {n}")
    in_bounds(plain, n)
    return along(dim, np.reshape(plain, -1), len(shape)) if shape else (Ellipsis,)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """As `torch.index_fill`: `value` in the slices at `index`."""
    return call(_INDEX_FILL, set_item, (input, _checked("index_fill", input, dim, index), value), {})


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """As `torch.index_copy`: the slices at `index` taken from `source`."""
    place = _checked("index_copy", input, dim, index)
    return call(_INDEX_COPY, set_item, (input, place, _same(input, source, "index_copy")), {})


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """As `torch.index_add`: the slices of `source` times `alpha` added at `index`."""
    source = _same(input, source, "index_add")
    place = _checked("index_add", input, dim, index)
    return shown(input + _added(input, source if alpha == 1 else source * alpha, place), "IndexAddBackward0")


def _same(input: Any, source: Any, name: str) -> Any:
    mine, other = input.array.dtype, raw(source).dtype
    if mine != other:
        raise OperandError(tr(
            "{name}(): self and source expected to have the same dtype, but got (self) {own} and (source) "
            "{other}. Write source.to(input.dtype).", name=name, own=mine, other=other,
        ))  # fmt: skip
    return source


def _added(like: Any, values: Any, place: tuple[Any, ...]) -> Any:
    """Give zeros like a tensor with the values added at a place; whole numbers stay whole."""
    made = _added_at(
        values if isinstance(values, Tracked) else like.wrap(values, None), aval_of(like.array), place
    )
    return made if raw(made).dtype == like.array.dtype else cast(made, like.array.dtype)


def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """As `torch.Tensor.index_put`: `values` at the entries that the tensors of `indices` name together."""
    place = tuple(slice(None) if i is None else raw(i) for i in indices)
    if accumulate:
        shape = np.shape(input.array[place])
        spread = np.broadcast_to(values, shape) if np.shape(raw(values)) != shape else values
        return shown(input + _added(input, spread, place), "IndexPutBackward0")
    return call(_INDEX_PUT, set_item, (input, place, values), {})


def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """As `torch.put`: entries of `source` at `index`, which counts through all dims."""
    shape = np.shape(input.array)
    in_bounds(raw(index), np.size(input.array))
    flat = np.reshape(input, -1)
    made = index_put(flat, (np.reshape(raw(index), -1),), np.reshape(source, -1), accumulate)
    return shown(np.reshape(made, shape), "PutBackward0")


def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """As `torch.masked_scatter`: the entries of `source`, one after the other, where `mask` holds."""
    mask = raw(mask)
    if mask.dtype != np.bool_:
        raise OperandError(tr(
            "masked_scatter_ only supports boolean masks, but got mask with dtype {dtype}. Write mask.bool().",
            dtype=mask.dtype,
        ))  # fmt: skip
    shape = np.broadcast_shapes(np.shape(input.array), mask.shape)
    if shape != np.shape(input.array):
        input = np.broadcast_to(input, shape)
    mask = np.broadcast_to(mask, shape)
    count = int(np.sum(mask))
    if count > np.size(raw(source)):
        raise OperandError(tr(
            "masked_scatter: expected self and source to have same dtypes and source to have at least "
            "{count} entries, one for each place where the mask holds.", count=count,
        ))  # fmt: skip
    values = np.reshape(source, -1)[:count]
    return call(_MASKED_SCATTER, set_item, (input, mask, values), {})


_INDEX_FILL, _INDEX_COPY = named(set_item, "IndexFillBackward0"), named(set_item, "IndexCopyBackward0")
_INDEX_PUT, _MASKED_SCATTER = named(set_item, "IndexPutBackward0"), named(set_item, "MaskedScatterBackward0")

# ---- entry by entry along a dim ----------------------------------------------------------------------------------


def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """As `torch.gather`: along `dim` the entry at `index`, each at its own place in the other dims."""
    index, shape = _index("gather", input, dim, index)
    dim = at(dim, len(shape))
    if not index.ndim or not shape:
        flat = np.take(np.reshape(input, -1), np.reshape(index, -1))
        return np.reshape(flat, np.shape(index))
    if not index.size and index.ndim != len(shape):
        return np.reshape(np.reshape(input, -1)[:0], index.shape)
    for i, (n, m) in enumerate(zip(index.shape, shape, strict=True)):
        if i != dim and n > m:
            raise OperandError(
                f"Size does not match at dimension {i} expected index {list(index.shape)} to be no larger than self "
                f"{list(shape)} apart from dimension {dim}"
            )
    trimmed = tuple(slice(None) if i == dim else slice(n) for i, n in enumerate(index.shape))
    source = input if shape == index.shape else input[trimmed]
    return nw.along(source, index, dim)


def _index(name: str, input: Any, dim: int, index: Any) -> tuple[Any, tuple[int, ...]]:
    """Give the index, which has whole numbers that are there along `dim`, and as many dims as the tensor."""
    index, shape = raw(index), tuple(np.shape(input.array))
    dim = at(dim, len(shape))
    if index.dtype.kind not in "iu":
        raise OperandError(tr(
            "{name}(): Expected dtype int32/int64 for index. Write index.long().", name=name,
        ))  # fmt: skip
    if max(np.ndim(index), 1) != max(len(shape), 1) and np.size(index):
        raise OperandError(tr(
            "Index tensor must have the same number of dimensions as {which} tensor. Write index.view(...) "
            "with a length of 1 in the others.", which="input" if name == "gather" else "self",
        ))  # fmt: skip
    n = shape[dim] if shape else 1
    if not arrays.on_device(index):
        wrong = np.asarray(index)[(np.asarray(index) < 0) | (np.asarray(index) >= n)]
        if wrong.size:
            raise BoundsError(tr(
                "index {index} is out of bounds for dimension {dim} with size {length}. Entries are counted from 0 "
                "to {last}.", index=int(wrong.flat[0]), dim=dim, length=n, last=n - 1,
            ))  # fmt: skip
    in_bounds(index, n, 0)
    return index, shape


def _places(index: Any, dim: int) -> tuple[Any, ...]:
    places: list[Any] = list(np.ix_(*(np.arange(n) for n in index.shape)))
    places[dim] = index
    return tuple(places)


def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Any:
    """As `torch.scatter`: a copy with the entries of `src`, or a number, put at `index` along `dim`."""
    src = value if src is None else src
    index, shape = _index("scatter", input, dim, index)
    if reduce is not None:
        word = {"add": "sum", "multiply": "prod"}.get(reduce)
        if word is None:
            raise OperandError("reduce argument must be either add or multiply.")
        spread = (
            src if np.ndim(raw(src)) else np.broadcast_to(np.asarray(src, input.array.dtype), index.shape)
        )
        return scatter_reduce(input, dim, index, spread, word)
    if not shape or not np.ndim(index):
        made = call(_SCATTER, set_item.__wrapped__, (np.reshape(input, -1), np.reshape(index, -1), src), {})
        return np.reshape(made, shape)
    if np.ndim(raw(src)):
        src = src[tuple(slice(n) for n in index.shape)]
    rule = _SCATTER if isinstance(src, Tracked) else _SCATTER_NUMBER
    return call(rule, set_item.__wrapped__, (input, _places(index, dim % index.ndim), src), {})


_SCATTER, _SCATTER_NUMBER = named(set_item, "ScatterBackward0"), named(set_item, "ScatterBackward1")


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """As `torch.scatter_add`: a copy with the entries of `src` added at `index` along `dim`."""
    index, shape = _index("scatter_add", input, dim, index)
    if not shape or not np.ndim(index):
        return input + np.reshape(np.sum(src), shape)
    src = src[tuple(slice(n) for n in index.shape)]
    added = _added_at(src, aval_of(input.array), _places(index, at(dim, index.ndim)))
    return shown(input + added, "ScatterAddBackward0")


# ---- gathered by a reduction -------------------------------------------------------------------------------------


def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """As `torch.scatter_reduce`: the entries of `src` put at `index` along `dim`, reduced where several meet.

    `reduce` is "sum", "prod", "mean", "amax" or "amin"; without `include_self` the entries of `input` count only where
    nothing is put.
    """
    index = raw(index)
    src = src[tuple(slice(n) for n in index.shape)] if np.ndim(raw(src)) else src
    dim = at(dim, np.ndim(input.array))
    in_bounds(index, np.shape(input.array)[dim] if np.ndim(input.array) else 1, 0)
    places: list[Any] = [arrays.from_host(i, index) for i in np.ix_(*(np.arange(n) for n in index.shape))]
    if places:
        places[dim] = index
    return shown(
        _reduced(input, tuple(places) or (Ellipsis,), src, reduce, include_self), "ScatterReduceBackward0"
    )


def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:  # fmt: skip
    """As `torch.index_reduce`: the slices of `source` at `index` along `dim`, reduced where several meet."""
    place = _checked("index_reduce", input, dim, index)
    return shown(_reduced(input, place, source, reduce, include_self), "IndexReduceBackward0")


def _reduced(x: Any, place: Any, src: Any, reduce: str, include_self: bool) -> Any:
    if reduce not in _REDUCTIONS:
        raise OperandError(tr(
            "reduce argument must be either sum, prod, mean, amax or amin, got {reduce}. Write one of these.",
            reduce=reduce,
        ))  # fmt: skip
    shape, dtype = np.shape(x.array), x.array.dtype
    ones = arrays.ones(aval(np.shape(raw(src)), np.int64), x.array)
    hit = _added_at.__wrapped__(ones, aval(shape, np.int64), place)  # how many come to each place
    kept = np.asarray(True) if include_self else hit == 0
    if reduce in ("sum", "mean"):
        total = (x if include_self else np.where(kept, x, 0)) + _added(x, src, place)
        if reduce == "sum":
            return total
        number = np.maximum(hit + int(include_self), 1)
        return total / number.astype(dtype) if dtype.kind in "fc" else total // x.wrap(number, None)
    if reduce == "prod":
        return _multiplied(x if include_self else np.where(kept, x, 1), place, src)
    extreme = np.maximum if reduce == "amax" else np.minimum
    edge = np.full(shape, _EDGES[reduce](dtype), dtype) if not include_self else np.copy(x.array)
    top = arrays.from_host(edge, x.array)
    arrays.extreme_at(extreme, top, place, raw(src))
    top = np.where(hit == 0, x.array, top)
    if x.node is None and getattr(src, "node", None) is None:
        return x.wrap(top, None)
    mine = (x.array == top) & (True if include_self else hit == 0)
    theirs = raw(src) == top[place]
    ties = mine + _added_at.__wrapped__(theirs.astype(np.int64), aval(shape, np.int64), place)
    ties = np.maximum(ties, 1).astype(dtype)
    made = np.where(mine, x, 0) / ties + _added(x, np.where(theirs, src, 0) / ties[place], place)
    return x.wrap(top, made.node)  # the extreme itself, without what sharing it among ties rounds


def _multiplied(x: Any, place: Any, src: Any) -> Any:
    """Multiply into x at a place, one turn for each entry that comes to the same one."""
    shape = np.shape(raw(src))
    flat = np.arange(np.size(x.array)).reshape(np.shape(x.array))
    targets = np.broadcast_to(
        flat[tuple(arrays.to_host(p) if arrays.is_array(p) else p for p in place)], shape
    )
    order = np.argsort(targets, axis=None, kind="stable")
    ordered = np.reshape(targets, -1)[order]
    first = np.searchsorted(ordered, ordered)
    turn = np.empty(ordered.shape, np.int64)
    turn[order] = np.arange(len(ordered)) - first
    result, values = np.reshape(x, -1), np.reshape(src, -1)
    for k in range(int(turn.max(initial=-1)) + 1):
        now = np.flatnonzero(turn == k)
        at_now = np.reshape(targets, -1)[now]
        result = set_item(result, at_now, result[at_now] * values[now])
    return np.reshape(result, np.shape(x.array))


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")
_EDGES = {
    "amax": lambda d: -np.inf if d.kind == "f" else np.iinfo(d).min if d.kind != "b" else False,
    "amin": lambda d: np.inf if d.kind == "f" else np.iinfo(d).max if d.kind != "b" else True,
}

# ---- a part taken from another tensor ----------------------------------------------------------------------------


def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """As `torch.select_scatter`: the slice at `index` along `dim` taken from `src`."""
    return call(_SELECT_SCATTER, set_item, (input, along(dim, index, np.ndim(input.array)), src), {})


def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:  # fmt: skip
    """As `torch.slice_scatter`: the slices from `start` to `end` by `step` taken from `src`."""
    place = along(dim, slice(start, end, step), np.ndim(input.array))
    shape = np.shape(input.array[place])
    if np.shape(raw(src)) != shape:
        raise ShapeError(tr(
            "expected src to have a size equal to the slice of self. src size = {shape}, slice size = "
            "{wanted}: give src the shape of what it replaces.", shape=list(np.shape(raw(src))),
            wanted=list(shape),
        ))  # fmt: skip
    return call(_SLICE_SCATTER, set_item, (input, place, src), {})


def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """As `torch.diagonal_scatter`: the diagonal in the plane of two dims taken from `src`."""
    n, m = (np.shape(input.array)[at(d, np.ndim(input.array))] for d in (dim1, dim2))
    moved = np.moveaxis(input, (dim1, dim2), (-2, -1))
    made = call(_DIAGONAL_SCATTER, set_item, (moved, (..., *_diagonal(n, m, offset)), src), {})
    return shown(np.moveaxis(made, (-2, -1), (dim1, dim2)), "DiagonalScatterBackward0")


def _diagonal(n: int, m: int, offset: int) -> tuple[Any, Any]:
    rows = np.arange(max(min(n + min(offset, 0), m - max(offset, 0)), 0))
    return rows - min(offset, 0), rows + max(offset, 0)


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """As `torch.diag_embed`: matrices with these diagonals, in the plane of two new dims."""
    shape = np.shape(input.array)
    n = shape[-1] + abs(offset)
    place = (..., *_diagonal(n, n, offset))
    made = _added_at(input, aval((*shape[:-1], n, n), input.array.dtype), place)
    return shown(np.moveaxis(made, (-2, -1), (dim1, dim2)), "DiagEmbedBackward0")


def diagflat(input: Any, offset: int = 0) -> Any:
    """As `torch.diagflat`: the matrix with the entries on its diagonal."""
    return diag_embed(np.reshape(input, -1), offset)


_SELECT_SCATTER, _SLICE_SCATTER = (named(set_item, f"{n}ScatterBackward0") for n in ("Select", "Slice"))
_DIAGONAL_SCATTER = named(set_item, "DiagonalScatterBackward0")

# ---- picking -----------------------------------------------------------------------------------------------------


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """As `torch.take_along_dim`: the entries at `indices` along `dim`; the other dims are broadcast."""
    indices = raw(indices)
    if dim is None:
        in_bounds(indices, np.size(input.array))
        return np.take_along_axis(np.reshape(input, -1), np.reshape(indices, -1), 0)
    dim, shape = at(dim, np.ndim(input.array)), np.shape(input.array)
    in_bounds(indices, shape[dim])
    common = np.broadcast_shapes(
        tuple(1 if i == dim else n for i, n in enumerate(shape)),
        tuple(1 if i == dim else n for i, n in enumerate(indices.shape)),
    )
    wide, places = ((*common[:dim], n, *common[dim + 1 :]) for n in (shape[dim], indices.shape[dim]))
    source = input if shape == wide else np.broadcast_to(input, wide)
    return nw.along(source, np.broadcast_to(indices, places), dim)


def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """As `torch.Tensor.unfold`: windows of `size` along a dim, `step` apart, along a new last dim."""
    dim = at(dimension, np.ndim(input.array))
    length = np.shape(input.array)[dim] if np.ndim(input.array) else 1
    if size > length:
        raise OperandError(tr(
            "maximum size for tensor at dimension {dim} is {length} but size is {size}: a window is no "
            "longer than the dim.", dim=dim, length=length, size=size,
        ))  # fmt: skip
    source = input if np.ndim(input.array) else np.reshape(input, 1)
    if not np.ndim(input.array):
        return source[:size]
    windows = call_linear(_UNFOLD, np.lib.stride_tricks.sliding_window_view, (source, size, dim))
    return (
        windows
        if step == 1
        else shown(windows[along(dim, slice(None, None, step), windows.ndim)], "UnfoldBackward0")
    )


_UNFOLD = named(np.lib.stride_tricks.sliding_window_view, "UnfoldBackward0")

_FUNCTIONS = (
    "gather scatter scatter_add index_fill index_copy index_add index_put put masked_scatter scatter_reduce "
    "index_reduce select_scatter "
    "slice_scatter diagonal_scatter diag_embed diagflat take_along_dim"
).split()
INDEXING: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
METHODS: dict[str, Callable[..., Any]] = {"unfold": unfold}
