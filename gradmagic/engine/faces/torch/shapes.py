"""PyTorch's functions that move entries about: shapes, axes, picking, joining. Each is a function and a method.

In: a Tensor (or several, for joining) and PyTorch's arguments. Out: Tensors, with PyTorch's names of what made them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....errors import ShapeError
from ...core.bounds import in_bounds
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call, call_linear
from ...dispatch.primitives import scatter_add as _scatter
from ...dispatch.primitives import set_item
from ...tape.nodes import aval_of
from ...tape.tracked import Tracked, raw
from .math import named


def _shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    """Give `t.view(2, 3)` and `t.view((2, 3))` one form."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    return tuple(operator.index(n) for n in sizes)


# ---- shapes -----------------------------------------------------------------------------------------------------

_VIEW = named(np.reshape, "ViewBackward0")


def reshape(input: Any, *shape: Any) -> Any:
    """As `torch.reshape`: the same entries in another shape; one size may be -1."""
    wanted = _shape(shape)
    try:
        return call_linear(_VIEW, np.reshape, (input, wanted))
    except ValueError:
        raise ShapeError(
            f"shape '{list(wanted)}' is invalid for input of size {np.size(input.array)}: the sizes of the new shape "
            f"must multiply to {np.size(input.array)}; write -1 for the one that is to be found."
        ) from None


def view_as(input: Any, other: Any) -> Any:
    """As `torch.Tensor.view_as`: in the shape of `other`."""
    return reshape(input, np.shape(raw(other)))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """As `torch.flatten`: the dims from `start_dim` to `end_dim` as one."""
    shape = np.shape(input.array)
    if not shape:
        return reshape(input, 1)
    start, end = start_dim % len(shape), end_dim % len(shape)
    return input if start == end else reshape(input, (*shape[:start], -1, *shape[end + 1 :]))


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """As `torch.unflatten`: one dim as several of `sizes`."""
    shape = np.shape(input.array)
    dim %= len(shape)
    return reshape(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


_SQUEEZE, _SQUEEZE_DIM = named(np.squeeze, "SqueezeBackward0"), named(np.squeeze, "SqueezeBackward1")


def squeeze(input: Any, dim: Any = None) -> Any:
    """As `torch.squeeze`: without the dims of length 1; a `dim` of another length stays, where NumPy raises."""
    shape = np.shape(input.array)
    if dim is None:
        return call_linear(_SQUEEZE, np.squeeze, (input,))
    dims = [d % max(len(shape), 1) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    return call_linear(_SQUEEZE_DIM, np.squeeze, (input, tuple(d for d in dims if shape and shape[d] == 1)))


def unsqueeze(input: Any, dim: int) -> Any:
    """As `torch.unsqueeze`: with a new dim of length 1 at `dim`."""
    return np.expand_dims(input, dim)


def expand(input: Any, *sizes: Any) -> Any:
    """As `torch.Tensor.expand`: repeated along dims of length 1, without copying; -1 leaves a dim as it is."""
    wanted, shape = _shape(sizes), np.shape(input.array)
    extra = len(wanted) - len(shape)
    return np.broadcast_to(input, tuple(shape[i - extra] if n == -1 else n for i, n in enumerate(wanted)))


def expand_as(input: Any, other: Any) -> Any:
    """As `torch.Tensor.expand_as`: expanded to the shape of `other`."""
    return np.broadcast_to(input, np.shape(raw(other)))


def repeat(input: Any, *sizes: Any) -> Any:
    """As `torch.Tensor.repeat`: the whole tensor `sizes` times along each dim (NumPy's `tile`)."""
    return np.tile(input, _shape(sizes))


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Any:
    """As `torch.repeat_interleave`: each entry `repeats` times (NumPy's `repeat`)."""
    return call_linear(_VIEW_REPEATS, np.repeat, (input, raw(repeats), dim))


_VIEW_REPEATS = named(np.repeat, "ViewBackward0")


# ---- axes -------------------------------------------------------------------------------------------------------

_T, _PERMUTE = named(np.transpose, "TBackward0"), named(np.transpose, "PermuteBackward0")


def t(input: Any) -> Any:
    """As `torch.t`: a matrix's transpose."""
    if np.ndim(input.array) > 2:
        raise ShapeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {np.ndim(input.array)}D: "
            "write t.mT for the last two dims, t.transpose(a, b) or t.permute(...)."
        )
    return call_linear(_T, np.transpose, (input,))


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """As `torch.transpose`: with two dims exchanged."""
    return np.swapaxes(input, dim0, dim1)


def permute(input: Any, *dims: Any) -> Any:
    """As `torch.permute`: with the dims in another order (NumPy's `transpose`)."""
    return call_linear(_PERMUTE, np.transpose, (input, _shape(dims)))


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """As `torch.movedim`: with dims at other places."""
    return np.moveaxis(input, source, destination)


def flip(input: Any, *dims: Any) -> Any:
    """As `torch.flip`: in reverse order along `dims`."""
    return np.flip(input, _shape(dims))


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """As `torch.roll`: moved along `dims`, what leaves at the end coming in at the start."""
    return np.roll(input, shifts, dims)


# ---- parts ------------------------------------------------------------------------------------------------------

_WORDS = "Select Slice Unsqueeze Index Alias Split Unbind MaskedSelect Embedding".split()
_GET = {word: named(operator.getitem, f"{word}Backward0") for word in _WORDS}
_SELECT, _ALL = _GET["Select"], slice(None)


def getitem(input: Any, index: Any) -> Any:
    """Give `input[index]`; PyTorch names it by the last thing that the index does."""
    if type(index) is int:
        return call_linear(_SELECT, operator.getitem, (input, index))
    if isinstance(index, slice):
        return call_linear(_GET["Slice"], operator.getitem, (input, index))
    word = "Alias"
    for part in index if isinstance(index, tuple) else (index,):
        if part is None:
            word = "Unsqueeze"
        elif isinstance(part, slice):
            word = word if part == _ALL else "Slice"
        elif part is not Ellipsis:
            whole = isinstance(part, (int, np.integer)) and not isinstance(part, bool)
            if not whole and (
                np.ndim(plain := raw(part)) or getattr(plain, "dtype", np.dtype(type(plain))) == np.bool_
            ):
                word = "Index"
                break
            word = "Select"
    return call(_GET[word], operator.getitem, (input, index), {})


def embedding(weight: Any, index: Any) -> Any:
    """Give the rows of `weight` at `index`."""
    return call(_GET["Embedding"], operator.getitem, (weight, index), {})


def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.split`: parts of the given size, or of the given sizes."""
    length, sizes = np.shape(input.array)[dim], split_size_or_sections
    rule = _GET["Split"] if isinstance(sizes, int) else _SPLIT_SIZES
    sizes = [sizes] * -(-length // sizes) if isinstance(sizes, int) else list(sizes)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    if isinstance(split_size_or_sections, (list, tuple)) and sum(sizes) != length:
        raise ShapeError(
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
            f"{dim}), but got split_sizes={sizes}. Write sizes that add up to {length}."
        )
    parts = [_at(dim, slice(a, a + n), np.ndim(input.array)) for a, n in zip(starts, sizes, strict=True)]
    return tuple(call_linear(rule, operator.getitem, (input, part)) for part in parts)


_SPLIT_SIZES = named(operator.getitem, "SplitWithSizesBackward0")


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.chunk`: `chunks` parts of equal size, the last perhaps smaller."""
    return split(input, -(-np.shape(input.array)[dim] // chunks), dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.unbind`: the slices along `dim`, one by one."""
    ndim, length = np.ndim(input.array), np.shape(input.array)[dim]
    return tuple(
        call_linear(_GET["Unbind"], operator.getitem, (input, _at(dim, i, ndim))) for i in range(length)
    )


def _at(dim: int, index: Any, ndim: int) -> tuple[Any, ...]:
    return (slice(None),) * (dim % ndim) + (index,)


def select(input: Any, dim: int, index: int) -> Any:
    """As `torch.select`: the slice at `index` along `dim`."""
    return input[_at(dim, index, np.ndim(input.array))]


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """As `torch.narrow`: `length` entries from `start` along `dim`."""
    return input[_at(dim, slice(start, start + length), np.ndim(input.array))]


def index_select(input: Any, dim: int, index: Any) -> Any:
    """As `torch.index_select`: the slices at `index` along `dim`."""
    return np.take(input, raw(index), dim)


def gather(input: Any, dim: int, index: Any) -> Any:
    """As `torch.gather`: along `dim` the entry at `index`, each at its own place in the other dims."""
    index = raw(index)
    in_bounds(index, np.shape(input.array)[dim])
    trimmed = tuple(slice(None) if i == dim % index.ndim else slice(n) for i, n in enumerate(index.shape))
    source = input if np.shape(input.array) == index.shape else input[trimmed]
    return nw.along(source, index, dim)


def take(input: Any, index: Any) -> Any:
    """As `torch.take`: the entries at `index`, counted through all dims."""
    return call_linear(_TAKE, np.take, (input, raw(index)))


_TAKE = named(np.take, "TakeBackward0")


def masked_select(input: Any, mask: Any) -> Any:
    """As `torch.masked_select`: the entries where `mask` holds, in a row."""
    mask = raw(mask)
    if mask.shape != np.shape(input.array):
        shape = np.broadcast_shapes(np.shape(input.array), mask.shape)
        input, mask = np.broadcast_to(input, shape), np.broadcast_to(mask, shape)
    return call(_GET["MaskedSelect"], operator.getitem, (input, mask), {})


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """As `torch.masked_fill`: `value` where `mask` holds, the entry elsewhere."""
    return call(_MASKED_FILL, np.where, (mask, value, input), {})


_MASKED_FILL = named(np.where, "MaskedFillBackward0")


def _places(index: Any, dim: int) -> tuple[Any, ...]:
    places: list[Any] = list(np.ix_(*(np.arange(n) for n in index.shape)))
    places[dim] = index
    return tuple(places)


def scatter(input: Any, dim: int, index: Any, src: Any) -> Any:
    """As `torch.scatter`: a copy with the entries of `src` put at `index` along `dim`."""
    index = raw(index)
    if np.ndim(raw(src)):
        src = src[tuple(slice(n) for n in index.shape)]
    rule = _SCATTER if isinstance(src, Tracked) else _SCATTER_NUMBER
    return call(rule, set_item.__wrapped__, (input, _places(index, dim % index.ndim), src), {})


_SCATTER, _SCATTER_NUMBER = named(set_item, "ScatterBackward0"), named(set_item, "ScatterBackward1")


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """As `torch.scatter_add`: a copy with the entries of `src` added at `index` along `dim`."""
    index = raw(index)
    src = src[tuple(slice(n) for n in index.shape)]
    in_bounds(index, np.shape(input.array)[dim])
    return input + _scatter(src, aval_of(input.array), _places(index, dim % index.ndim))


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """As `torch.where`: `input` where the condition holds, `other` elsewhere; the places alone without them."""
    if input is None:
        return tuple(condition.wrap(i, None) for i in np.nonzero(condition.array))
    return np.where(condition, input, other)


def diag(input: Any, diagonal: int = 0) -> Any:
    """As `torch.diag`: a matrix's diagonal, or the matrix with this diagonal."""
    return call_linear(_DIAG if np.ndim(input.array) > 1 else _DIAG_EMBED, np.diag, (input, diagonal))


_DIAG, _DIAG_EMBED = named(np.diag, "DiagonalBackward0_copy"), named(np.diag, "DiagEmbedBackward0")


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """As `torch.diagonal`: the diagonal in the plane of two dims."""
    return np.diagonal(input, offset, dim1, dim2)


def tril(input: Any, diagonal: int = 0) -> Any:
    """As `torch.tril`: 0 above the diagonal."""
    return np.tril(input, diagonal)


def triu(input: Any, diagonal: int = 0) -> Any:
    """As `torch.triu`: 0 below the diagonal."""
    return np.triu(input, diagonal)


def clone(input: Any) -> Any:
    """As `torch.clone`: a copy that the gradient flows through."""
    return np.copy(input)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """As `torch.nonzero`: the places that are not 0, one in each row."""
    if as_tuple:
        return where(input)
    return input.wrap(np.argwhere(input.array), None)


_FUNCTIONS = (
    "reshape flatten unflatten squeeze unsqueeze repeat_interleave t transpose permute movedim flip roll split chunk "
    "unbind select narrow index_select gather take masked_select masked_fill scatter scatter_add diag diagonal tril "
    "triu clone nonzero"
).split()
SHAPES: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
SHAPES |= {
    "swapaxes": transpose, "swapdims": transpose, "moveaxis": movedim, "tile": repeat, "broadcast_to": expand,
}  # fmt: skip
# What is a method only.
METHODS = SHAPES | {
    "view": reshape, "view_as": view_as, "reshape_as": view_as, "expand": expand, "expand_as": expand_as,
    "repeat": repeat,
}  # fmt: skip
