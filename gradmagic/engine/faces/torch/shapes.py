"""PyTorch's functions that move entries about: shapes, axes, picking, joining. Each is a function and a method.

In: a Tensor (or several, for joining) and PyTorch's arguments. Out: Tensors, with PyTorch's names of what made them.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ....errors import DimensionError, ShapeError
from ...core import arrays
from ...core.bounds import in_bounds
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call, call_linear
from ...dispatch.primitives import scatter_add as _scatter
from ...dispatch.primitives import set_item
from ...tape.nodes import aval_of
from ...tape.tracked import Tracked, raw, raws
from .arguments import at, dims_of, shown, together
from .math import OperandError, named


def _shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    """Give `t.view(2, 3)` and `t.view((2, 3))` one form."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    return tuple(operator.index(n) for n in sizes)


def dims_by_name(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of `*dims` take them as `dims=(0, 1)` too."""

    @wraps(f)
    def function(input: Any, *given: Any, **words: Any) -> Any:
        if words:
            given += tuple(words.pop(w) for w in ("dims", "size", "sizes", "shape", "repeats") if w in words)
            if words:
                raise TypeError(f"{f.__name__}() got an unexpected keyword argument '{next(iter(words))}'")
        return f(input, *given)

    return function


# ---- shapes -----------------------------------------------------------------------------------------------------

_VIEW = named(np.reshape, "ViewBackward0")


def reshape(input: Any, *shape: Any, **named_shape: Any) -> Any:
    """As `torch.reshape`: the same entries in another shape; one size may be -1."""
    wanted = _shape(shape or tuple(named_shape.pop(w) for w in ("shape", "size") if w in named_shape))
    if named_shape:
        raise TypeError(f"reshape() got an unexpected keyword argument '{next(iter(named_shape))}'")
    try:
        return call_linear(_VIEW, np.reshape, (input, wanted))
    except ValueError:
        raise ShapeError(
            f"shape '{list(wanted)}' is invalid for input of size {np.size(input.array)}: the sizes of the new shape "
            f"must multiply to {np.size(input.array)}; write -1 for the one that is to be found."
        ) from None


def view(input: Any, *shape: Any) -> Any:
    """As `torch.Tensor.view`: the same memory in another shape; one size may be -1. Or in another dtype, bit by bit.

    Raises
    ------
    ShapeError
        If the entries do not lie so that it could be: `reshape` copies them.
    """
    if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list, np.integer, Tracked)):
        return input.wrap(np.atleast_1d(input.array).view(np.dtype(shape[0])), None)
    made = reshape(input, *shape)
    x, y = input.array, made.array
    if np.ndim(x) > 1 and np.size(x) and not x.flags.c_contiguous and arrays.address(x) != arrays.address(y):
        raise ShapeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return made


def view_as(input: Any, other: Any) -> Any:
    """As `torch.Tensor.view_as`: in the shape of `other`."""
    return reshape(input, np.shape(raw(other)))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """As `torch.flatten`: the dims from `start_dim` to `end_dim` as one."""
    shape = np.shape(input.array)
    if not shape:
        return reshape(input, 1)
    start, end = at(start_dim, len(shape)), at(end_dim, len(shape))
    if start > end:
        raise OperandError("flatten() has invalid args: start_dim cannot come after end_dim. Exchange them.")
    return input if start == end else reshape(input, (*shape[:start], -1, *shape[end + 1 :]))


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """As `torch.unflatten`: one dim as several of `sizes`."""
    shape = np.shape(input.array)
    dim = at(dim, len(shape))
    known = [n for n in sizes if n != -1]
    if -1 not in sizes and math.prod(known) != shape[dim]:
        raise OperandError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) in the "
            "input tensor. Write -1 for the one that is to be found."
        )
    return reshape(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


_SQUEEZE_DIMS = named(np.squeeze, "SqueezeBackward2")
_SQUEEZE, _SQUEEZE_DIM = named(np.squeeze, "SqueezeBackward0"), named(np.squeeze, "SqueezeBackward1")


def squeeze(input: Any, dim: Any = None) -> Any:
    """As `torch.squeeze`: without the dims of length 1; a `dim` of another length stays, where NumPy raises."""
    shape = np.shape(input.array)
    if dim is None:
        return call_linear(_SQUEEZE, np.squeeze, (input,))
    dims = dims_of(dim, len(shape))
    rule = _SQUEEZE_DIMS if isinstance(dim, (tuple, list)) else _SQUEEZE_DIM
    return call_linear(rule, np.squeeze, (input, tuple(d for d in dims if shape and shape[d] == 1)))


def unsqueeze(input: Any, dim: int) -> Any:
    """As `torch.unsqueeze`: with a new dim of length 1 at `dim`."""
    return np.expand_dims(input, at(dim, np.ndim(input.array) + 1))


@dims_by_name
def expand(input: Any, *sizes: Any) -> Any:
    """As `torch.Tensor.expand`: repeated along dims of length 1, without copying; -1 leaves a dim as it is."""
    wanted, shape = _shape(sizes), np.shape(input.array)
    extra = len(wanted) - len(shape)
    if extra < 0:
        raise OperandError(
            f"expand({_type_of(input)}{{{list(shape)}}}, size={list(wanted)}): the number of sizes provided ({len(wanted)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(shape)}). Name a size for each."
        )
    for i, n in enumerate(wanted):
        if n != -1 and i >= extra and shape[i - extra] not in (1, n):
            raise ShapeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({shape[i - extra]}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}: dims of length 1 are "
                "repeated, others stay."
            )
    return np.broadcast_to(input, tuple(shape[i - extra] if n == -1 else n for i, n in enumerate(wanted)))


def _type_of(input: Any) -> str:
    return str(input.type())


def expand_as(input: Any, other: Any) -> Any:
    """As `torch.Tensor.expand_as`: expanded to the shape of `other`."""
    return np.broadcast_to(input, np.shape(raw(other)))


@dims_by_name
def repeat(input: Any, *sizes: Any) -> Any:
    """As `torch.Tensor.repeat`: the whole tensor `sizes` times along each dim (NumPy's `tile`)."""
    return np.tile(input, _shape(sizes))


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None, *, output_size: Any = None) -> Any:
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
    ndim = np.ndim(input.array)
    first, second = at(dim0, ndim), at(dim1, ndim)
    return np.swapaxes(input, first, second) if ndim else input


@dims_by_name
def permute(input: Any, *dims: Any) -> Any:
    """As `torch.permute`: with the dims in another order (NumPy's `transpose`)."""
    order, ndim = _shape(dims), np.ndim(input.array)
    if len(order) != ndim:
        raise OperandError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}: name every dim "
            "once."
        )
    if len(set(order := dims_of(order, ndim))) < ndim:
        raise OperandError("permute(): duplicate dims are not allowed. Name every dim once.")
    return call_linear(_PERMUTE, np.transpose, (input, order))


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """As `torch.movedim`: with dims at other places."""
    ndim = np.ndim(input.array)
    places = [dims_of(d, ndim) for d in (source, destination)]
    if len(places[0]) != len(places[1]):
        raise OperandError(
            f"movedim: Invalid source or destination dims: source ({list(places[0])} dims) should contain the same number "
            f"of dims as destination ({list(places[1])} dims). Name as many."
        )
    for word, there in zip(("source", "destination"), places, strict=True):
        if len(set(there)) < len(there):
            raise OperandError(f"movedim: repeated dim in `{word}` ({list(there)}). Name each once.")
    return np.moveaxis(input, *places) if ndim else input


@dims_by_name
def flip(input: Any, *dims: Any) -> Any:
    """As `torch.flip`: in reverse order along `dims`."""
    axes = dims_of(_shape(dims), np.ndim(input.array))
    if len(set(axes)) < len(axes):
        raise OperandError(f"dim {axes[0]} appears multiple times in the list of dims. Name each once.")
    return np.flip(input, axes) if np.ndim(input.array) else input


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """As `torch.roll`: moved along `dims`, what leaves at the end coming in at the start."""
    if dims is not None:
        dims = dims_of(dims, np.ndim(input.array))
        shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
        if len(shifts) != len(dims):
            raise OperandError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    return np.roll(input, shifts, dims)


# ---- parts ------------------------------------------------------------------------------------------------------

_WORDS = "Select Slice Unsqueeze Index Alias Split Unbind MaskedSelect Embedding".split()
_GET = {word: named(operator.getitem, f"{word}Backward0") for word in _WORDS}
_SELECT, _ALL = _GET["Select"], slice(None)


def getitem(input: Any, index: Any) -> Any:
    """Give `input[index]`; PyTorch names it by the last thing that the index does."""
    try:
        if type(index) is int:
            return call_linear(_SELECT, operator.getitem, (input, index))
        if isinstance(index, slice):
            return call_linear(_GET["Slice"], operator.getitem, (input, index))
        if type(index) is tuple and (parts := in_turn(index)) is not None:
            return getitem(getitem(input, parts[0]), parts[1])
        for part in _parts_of(index):
            if isinstance(part, Tracked) and part.array.dtype.kind in "fc":
                raise IndexError(
                    "tensors used as indices must be long, int, byte or bool tensors: write index.long()."
                )
        return call(_GET[_word(index)], operator.getitem, (input, index), {})
    except IndexError as error:
        raise IndexError(said_of_index(error, input, index)) from None


def _word(index: Any) -> str:
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
                return "Index"
            word = "Select"
    return word


def in_turn(index: tuple[Any, ...]) -> tuple[Any, Any] | None:
    """Give the index as two, first numbers and slices, then tensors, where that is another than both at once.

    In PyTorch a number takes its slice before tensors index; NumPy counts it among these, so that `x[0, :, [0, 1]]`
    has the dim of the list first. None: no difference.
    """
    whole = [isinstance(p, (int, np.integer)) and not isinstance(p, bool) for p in index]
    picks = [not w and p is not None and p is not Ellipsis and not isinstance(p, slice) and np.ndim(raw(p)) > 0
             for w, p in zip(whole, index, strict=True)]  # fmt: skip
    if not (any(whole) and any(picks)):
        return None
    used = [i for i, (w, p) in enumerate(zip(whole, picks, strict=True)) if w or p]
    if used[-1] - used[0] == len(used) - 1:  # all beside each other
        return None
    masks = [getattr(raw(p), "ndim", 1) if k and getattr(raw(p), "dtype", None) == np.bool_ else 1
             for k, p in zip(picks, index, strict=True)]  # fmt: skip
    first = [part for k, p, n in zip(picks, index, masks, strict=True) for part in ([_ALL] * n if k else [p])]
    then = [
        _ALL if p is None or isinstance(p, slice) else p for w, p in zip(whole, index, strict=True) if not w
    ]
    return tuple(first), tuple(then)


def said_of_index(error: Exception, input: Any, index: Any) -> str:
    """Give what PyTorch says of an index that does not fit."""
    text, ndim = str(error), np.ndim(input.array)
    if not ndim and not isinstance(index, tuple):
        return (
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    if text.startswith("too many indices"):
        return (
            f"too many indices for tensor of dimension {ndim}: write x[...] for all dims that are not named."
        )
    if text.startswith("arrays used as indices must be of integer"):
        return "tensors used as indices must be long, int, byte or bool tensors: write index.long()."
    if found := _MASKS.search(text):
        axis, mask = (
            int(found[1]),
            next((m for m in _parts_of(index) if getattr(raw(m), "dtype", None) == np.bool_), None),
        )
        shape = list(np.shape(raw(mask))) if mask is not None else found[3]
        return (
            f"The shape of the mask {shape} at index {axis} does not match the shape of the indexed tensor "
            f"{list(np.shape(input.array))} at index {axis}"
        )
    return (
        text.replace("is out of bounds for axis", "is out of bounds for dimension")
        .replace("indexing arrays", "indexing tensors")
        .replace(
            "numpy.newaxis (`None`) and integer or boolean arrays are valid",
            "None and long or byte Variables are valid",
        )
    )


_MASKS = re.compile(
    r"boolean index did not match.*along axis (\d+); size of axis is (\d+).*boolean axis is (\d+)"
)


def _parts_of(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def said_of_value(error: Exception, input: Any, index: Any, value: Any) -> str:
    """Give what PyTorch says of a value that does not fit where it is to be written."""
    there, given = np.shape(input.array[raws(index)]), np.shape(raw(value))
    for i in range(1, len(given) + 1):
        if i > len(there) or given[-i] not in (1, there[-i]):
            here = there[-i] if i <= len(there) else 1
            return (
                f"The expanded size of the tensor ({here}) must match the existing size ({given[-i]}) at non-singleton "
                f"dimension {max(len(there) - i, 0)}.  Target sizes: {list(there)}.  Tensor sizes: {list(given)}: write a "
                "value of the shape of what it replaces."
            )
    return str(error)


def embedding(weight: Any, index: Any) -> Any:
    """Give the rows of `weight` at `index`."""
    rows = np.shape(weight.array)[0]
    in_bounds(raw(index), rows, 0, f"index out of range in self: index is out of bounds for {rows} rows")
    return call(_GET["Embedding"], operator.getitem, (weight, index), {})


def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.split`: parts of the given size, or of the given sizes."""
    dim = at(dim, np.ndim(input.array))
    if not np.ndim(input.array):
        raise OperandError("split expects at least a 1-dimensional tensor. Write t.reshape(1) first.")
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
    dim = at(dim, np.ndim(input.array))
    if not np.ndim(input.array):
        raise OperandError("chunk expects at least a 1-dimensional tensor. Write t.reshape(1) first.")
    if chunks < 1:
        raise OperandError(
            f"chunk expects `chunks` to be greater than 0, got: {chunks}. It is the number of parts."
        )
    return split(input, max(-(-np.shape(input.array)[dim] // chunks), 1), dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.unbind`: the slices along `dim`, one by one."""
    ndim = np.ndim(input.array)
    dim = at(dim, ndim)
    if not ndim:
        raise DimensionError(
            "Dimension specified as 0 but tensor has no dimensions. Write t.reshape(1) first."
        )
    length = np.shape(input.array)[dim]
    return tuple(
        call_linear(_GET["Unbind"], operator.getitem, (input, _at(dim, i, ndim))) for i in range(length)
    )


def _at(dim: int, index: Any, ndim: int) -> tuple[Any, ...]:
    return (slice(None),) * at(dim, ndim) + (index,)


def select(input: Any, dim: int, index: int) -> Any:
    """As `torch.select`: the slice at `index` along `dim`."""
    ndim = np.ndim(input.array)
    if not ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    index, n = operator.index(index), np.shape(input.array)[at(dim, ndim)]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(np.shape(input.array))} at dimension {dim}"
        )
    return input[_at(dim, index, ndim)]


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """As `torch.narrow`: `length` entries from `start` along `dim`."""
    ndim = np.ndim(input.array)
    if not ndim:
        raise OperandError("narrow() cannot be applied to a 0-dim tensor.")
    start, n = operator.index(start), np.shape(input.array)[at(dim, ndim)]
    if length < 0:
        raise OperandError("narrow(): length must be non-negative.")
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [-{n}, {n}], but got {start})")
    start += n if start < 0 else 0
    if start + length > n:
        raise OperandError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return input[_at(dim, slice(start, start + length), ndim)]


def index_select(input: Any, dim: int, index: Any) -> Any:
    """As `torch.index_select`: the slices at `index` along `dim`."""
    plain, ndim = raw(index), np.ndim(input.array)
    if np.ndim(plain) > 1:
        raise IndexError(
            "index_select(): Index is supposed to be a vector. Write input[index] for other shapes."
        )
    if plain.dtype.kind not in "iu" or plain.dtype.itemsize < 4:
        raise OperandError("index_select(): Expected dtype int32 or int64 for index. Write index.long().")
    n = np.shape(input.array)[at(dim, ndim)] if ndim else 1
    in_bounds(plain, n, 0, f"index out of range in self: index is out of bounds for dimension with size {n}")
    if not ndim:
        return np.reshape(np.take(np.reshape(input, 1), np.reshape(plain, -1)), ())
    return np.take(input, np.reshape(plain, -1), at(dim, ndim))


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
        raise OperandError(f"{name}(): Expected dtype int32/int64 for index. Write index.long().")
    if max(np.ndim(index), 1) != max(len(shape), 1) and np.size(index):
        words = "Index tensor must have the same number of dimensions as " + (
            "input" if name == "gather" else "self"
        )
        raise OperandError(f"{words} tensor. Write index.view(...) with a length of 1 in the others.")
    n = shape[dim] if shape else 1
    if not arrays.on_device(index):
        wrong = np.asarray(index)[(np.asarray(index) < 0) | (np.asarray(index) >= n)]
        if wrong.size:
            raise BoundsError(
                f"index {int(wrong.flat[0])} is out of bounds for dimension {dim} with size {n}. Entries are counted "
                f"from 0 to {n - 1}."
            )
    in_bounds(index, n, 0)
    return index, shape


class BoundsError(IndexError, OperandError):
    """PyTorch raises RuntimeError here, NumPy IndexError: this is both."""


def take(input: Any, index: Any) -> Any:
    """As `torch.take`: the entries at `index`, counted through all dims."""
    plain = raw(index)
    if plain.dtype.kind not in "iu":
        raise OperandError(
            "take(): Expected a long tensor for index, but got another dtype. Write index.long()."
        )
    in_bounds(
        plain,
        np.size(input.array),
        None,
        f"out of range: index is out of bounds for {np.size(input.array)} entries",
    )
    return call_linear(_TAKE, np.take, (input, plain))


_TAKE = named(np.take, "TakeBackward0")


def masked_select(input: Any, mask: Any) -> Any:
    """As `torch.masked_select`: the entries where `mask` holds, in a row."""
    mask = raw(mask)
    if mask.dtype != np.bool_:
        raise OperandError(
            f"masked_select: expected BoolTensor for mask. It is {mask.dtype}: write mask.bool()."
        )
    if mask.shape != np.shape(input.array):
        shape = np.broadcast_shapes(np.shape(input.array), mask.shape)
        input, mask = np.broadcast_to(input, shape), np.broadcast_to(mask, shape)
    return call(_GET["MaskedSelect"], operator.getitem, (input, mask), {})


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """As `torch.masked_fill`: `value` where `mask` holds, the entry elsewhere."""
    value = fill_value(input, mask, value)
    return call(
        _MASKED_FILL_BY if isinstance(value, Tracked) else _MASKED_FILL, np.where, (mask, value, input), {}
    )


def fill_value(input: Any, mask: Any, value: Any) -> Any:
    """Give the value of `masked_fill` in the tensor's dtype; the mask must be one."""
    plain, kind = raw(mask), raw(value)
    if getattr(plain, "dtype", None) != np.bool_:
        raise OperandError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {_C_NAMES.get(plain.dtype.name, plain.dtype.name)}: "
            "write mask.bool()."
        )
    if np.ndim(kind):
        raise OperandError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {np.ndim(kind)} dimension(s)."
        )
    dtype = input.array.dtype
    if np.iscomplexobj(kind) and dtype.kind != "c":
        word = {"f": "float", "i": "int64_t", "u": "uint8_t", "b": "bool"}[dtype.kind]
        raise OperandError(f"value cannot be converted to type {word} without overflow: it is complex.")
    if not isinstance(value, Tracked):
        return dtype.type(value) if isinstance(value, (int, float, complex)) else value
    return value if kind.dtype == dtype else value.to(input.dtype)


_C_NAMES = {
    "int64": "long int", "float32": "float", "float64": "double", "uint8": "unsigned char", "int8": "signed char",
}  # fmt: skip
_MASKED_FILL, _MASKED_FILL_BY = (named(np.where, f"MaskedFillBackward{i}") for i in (0, 1))


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
        from .indexing import scatter_reduce

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
    added = _scatter(src, aval_of(input.array), _places(index, at(dim, index.ndim)))
    return shown(input + added, "ScatterAddBackward0")


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """As `torch.where`: `input` where the condition holds, `other` elsewhere; the places alone without them."""
    if input is None:
        return tuple(condition.wrap(i, None) for i in np.nonzero(condition.array))
    return chosen(condition, input, other)


def chosen(condition: Any, input: Any, other: Any) -> Any:
    """Give `input` where the condition holds, `other` elsewhere, in the dtype that the two have together."""
    if getattr(raw(condition), "dtype", None) != np.bool_ and not isinstance(condition, bool):
        raise OperandError("where expected condition to be a boolean tensor. Write condition != 0.")
    input, other = together("where", input, other)
    numbers = [raw(v).dtype for v in (input, other) if hasattr(raw(v), "dtype")]
    input, other = (
        v if hasattr(raw(v), "dtype") or not numbers else np.asarray(v, numbers[0])[()]
        for v in (input, other)
    )
    return np.where(condition, input, other)


def diag(input: Any, diagonal: int = 0) -> Any:
    """As `torch.diag`: a matrix's diagonal, or the matrix with this diagonal."""
    if not 1 <= np.ndim(input.array) <= 2:
        raise OperandError(
            f"diag(): Supports 1D or 2D tensors. Got {np.ndim(input.array)}D. Write t.diagonal() or gm.diag_embed(t)."
        )
    return call_linear(_DIAG if np.ndim(input.array) > 1 else _DIAG_EMBED, np.diag, (input, diagonal))


_DIAG, _DIAG_EMBED = named(np.diag, "DiagonalBackward0_copy"), named(np.diag, "DiagEmbedBackward0")


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """As `torch.diagonal`: the diagonal in the plane of two dims."""
    ndim = np.ndim(input.array)
    first, second = at(dim1, ndim), at(dim2, ndim)
    if first == second:
        raise OperandError(f"diagonal dimensions cannot be identical {dim1}, {dim2}. They span a plane.")
    return np.diagonal(input, offset, first, second)


def tril(input: Any, diagonal: int = 0) -> Any:
    """As `torch.tril`: 0 above the diagonal."""
    if np.ndim(input.array) < 2:
        raise OperandError(
            "tril: input tensor must have at least 2 dimensions. A matrix stands in the last two."
        )
    return np.tril(input, diagonal)


def triu(input: Any, diagonal: int = 0) -> Any:
    """As `torch.triu`: 0 below the diagonal."""
    if np.ndim(input.array) < 2:
        raise OperandError(
            "triu: input tensor must have at least 2 dimensions. A matrix stands in the last two."
        )
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
def _where(input: Any, condition: Any, other: Any) -> Any:
    """As `torch.Tensor.where`: this tensor where the condition holds, `other` elsewhere."""
    return chosen(condition, input, other)


METHODS = SHAPES | {
    "where": _where,
    "view": view, "view_as": view_as, "reshape_as": view_as, "expand": expand, "expand_as": expand_as,
    "repeat": repeat,
}  # fmt: skip
