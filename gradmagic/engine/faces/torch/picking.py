"""PyTorch's functions that pick entries out: indices, slices, splits, masks, diagonals. Each is a method too.

In: a Tensor and PyTorch's arguments. Out: Tensors, with PyTorch's names of what made them.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import DimensionError, ShapeError
from ....language import tr
from ...core.bounds import in_bounds
from ...dispatch.calls import call, call_linear
from ...dispatch.primitives import cast
from ...tape.tracked import Tracked, raw, raws
from . import defaults
from .arguments import along, at, together
from .math import OperandError, named

# ---- parts -------------------------------------------------------------------------------------------------------

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
                raise IndexError(tr(
                    "tensors used as indices must be long, int, byte or bool tensors: write index.long().",
                ))  # fmt: skip
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
        return tr(
            "too many indices for tensor of dimension {ndim}: write x[...] for all dims that are not named.",
            ndim=ndim,
        )
    if text.startswith("arrays used as indices must be of integer"):
        return tr("tensors used as indices must be long, int, byte or bool tensors: write index.long().")
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
            return tr(
                "The expanded size of the tensor ({length}) must match the existing size ({own}) at non-singleton "
                "dimension {dim}.  Target sizes: {target}.  Tensor sizes: {shape}: write a value of the shape of "
                "what it replaces.", length=here, own=given[-i], dim=max(len(there) - i, 0), target=list(there),
                shape=list(given),
            )  # fmt: skip
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
        raise OperandError(tr("split expects at least a 1-dimensional tensor. Write t.reshape(1) first."))
    length, sizes = np.shape(input.array)[dim], split_size_or_sections
    rule = _GET["Split"] if isinstance(sizes, int) else _SPLIT_SIZES
    sizes = [sizes] * -(-length // sizes) if isinstance(sizes, int) else list(sizes)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    if isinstance(split_size_or_sections, (list, tuple)) and sum(sizes) != length:
        raise ShapeError(tr(
            "split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at "
            "dimension {dim}), but got split_sizes={sizes}. Write sizes that add up to {length}.",
            length=length, dim=dim, sizes=sizes,
        ))  # fmt: skip
    parts = [along(dim, slice(a, a + n), np.ndim(input.array)) for a, n in zip(starts, sizes, strict=True)]
    return tuple(call_linear(rule, operator.getitem, (input, part)) for part in parts)


_SPLIT_SIZES = named(operator.getitem, "SplitWithSizesBackward0")


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.chunk`: `chunks` parts of equal size, the last perhaps smaller."""
    dim = at(dim, np.ndim(input.array))
    if not np.ndim(input.array):
        raise OperandError(tr("chunk expects at least a 1-dimensional tensor. Write t.reshape(1) first."))
    if chunks < 1:
        raise OperandError(tr(
            "chunk expects `chunks` to be greater than 0, got: {chunks}. It is the number of parts.",
            chunks=chunks,
        ))  # fmt: skip
    return split(input, max(-(-np.shape(input.array)[dim] // chunks), 1), dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.unbind`: the slices along `dim`, one by one."""
    ndim = np.ndim(input.array)
    dim = at(dim, ndim)
    if not ndim:
        raise DimensionError(tr(
            "Dimension specified as 0 but tensor has no dimensions. Write t.reshape(1) first.",
        ))  # fmt: skip
    length = np.shape(input.array)[dim]
    return tuple(
        call_linear(_GET["Unbind"], operator.getitem, (input, along(dim, i, ndim))) for i in range(length)
    )


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
    return input[along(dim, index, ndim)]


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
    return input[along(dim, slice(start, start + length), ndim)]


def index_select(input: Any, dim: int, index: Any) -> Any:
    """As `torch.index_select`: the slices at `index` along `dim`."""
    plain, ndim = raw(index), np.ndim(input.array)
    if np.ndim(plain) > 1:
        raise IndexError(tr(
            "index_select(): Index is supposed to be a vector. Write input[index] for other shapes.",
        ))  # fmt: skip
    if plain.dtype.kind not in "iu" or plain.dtype.itemsize < 4:
        raise OperandError(tr(
            "index_select(): Expected dtype int32 or int64 for index. Write index.long().",
        ))  # fmt: skip
    n = np.shape(input.array)[at(dim, ndim)] if ndim else 1
    in_bounds(plain, n, 0, f"index out of range in self: index is out of bounds for dimension with size {n}")
    if not ndim:
        return np.reshape(np.take(np.reshape(input, 1), np.reshape(plain, -1)), ())
    return np.take(input, np.reshape(plain, -1), at(dim, ndim))


def take(input: Any, index: Any) -> Any:
    """As `torch.take`: the entries at `index`, counted through all dims."""
    plain = raw(index)
    if plain.dtype.kind not in "iu":
        raise OperandError(tr(
            "take(): Expected a long tensor for index, but got another dtype. Write index.long().",
        ))  # fmt: skip
    in_bounds(
        plain,
        np.size(input.array),
        None,
        f"out of range: index is out of bounds for {np.size(input.array)} entries",
    )
    return call_linear(TAKE, np.take, (input, plain))


TAKE = named(np.take, "TakeBackward0")


def masked_select(input: Any, mask: Any) -> Any:
    """As `torch.masked_select`: the entries where `mask` holds, in a row."""
    mask = raw(mask)
    if mask.dtype != np.bool_:
        raise OperandError(tr(
            "masked_select: expected BoolTensor for mask. It is {dtype}: write mask.bool().",
            dtype=mask.dtype,
        ))  # fmt: skip
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
        raise OperandError(tr(
            "masked_fill_ only supports boolean masks, but got mask with dtype {dtype}: write mask.bool().",
            dtype=_C_NAMES.get(plain.dtype.name, plain.dtype.name),
        ))  # fmt: skip
    if np.ndim(kind):
        raise OperandError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {np.ndim(kind)} "
            "dimension(s)."
        )
    dtype = input.array.dtype
    if np.iscomplexobj(kind) and dtype.kind != "c":
        word = {"f": "float", "i": "int64_t", "u": "uint8_t", "b": "bool"}[dtype.kind]
        raise OperandError(tr(
            "value cannot be converted to type {dtype} without overflow: it is complex.", dtype=word,
        ))  # fmt: skip
    if not isinstance(value, Tracked):
        return dtype.type(value) if isinstance(value, (int, float, complex)) else value
    return value if getattr(kind, "dtype", None) == dtype else cast(value, dtype)


_C_NAMES = {
    "int64": "long int", "float32": "float", "float64": "double", "uint8": "unsigned char", "int8": "signed char",
}  # fmt: skip
_MASKED_FILL, _MASKED_FILL_BY = (named(np.where, f"MaskedFillBackward{i}") for i in (0, 1))


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """As `torch.where`: `input` where the condition holds, `other` elsewhere; the places alone without them."""
    if input is None:
        return tuple(condition.wrap(i, None) for i in np.nonzero(condition.array))
    return chosen(condition, input, other)


def chosen(condition: Any, input: Any, other: Any) -> Any:
    """Give `input` where the condition holds, `other` elsewhere, in the dtype that the two have together."""
    if getattr(raw(condition), "dtype", None) != np.bool_ and not isinstance(condition, bool):
        raise OperandError(tr("where expected condition to be a boolean tensor. Write condition != 0."))
    input, other = together("where", input, other)
    numbers = [raw(v).dtype for v in (input, other) if hasattr(raw(v), "dtype")]
    input, other = (_typed(v, numbers[:1]) for v in (input, other))
    return np.where(condition, input, other)


def _typed(value: Any, dtypes: list[np.dtype[Any]]) -> Any:
    """Give a number in the dtype of what it stands beside; one that is followed as a tensor alone would have it."""
    given = raw(value)
    if hasattr(given, "dtype"):
        return value
    if isinstance(value, Tracked):
        dtype = (
            dtypes[0]
            if dtypes
            else {float: defaults.float_dtype(), complex: defaults.complex_dtype()}.get(type(given))
        )
        return value if dtype is None else cast(value, dtype)
    return np.asarray(value, dtypes[0])[()] if dtypes else value


def diag(input: Any, diagonal: int = 0) -> Any:
    """As `torch.diag`: a matrix's diagonal, or the matrix with this diagonal."""
    if not 1 <= np.ndim(input.array) <= 2:
        raise OperandError(tr(
            "diag(): Supports 1D or 2D tensors. Got {ndim}D. Write t.diagonal() or gm.diag_embed(t).",
            ndim=np.ndim(input.array),
        ))  # fmt: skip
    return call_linear(_DIAG if np.ndim(input.array) > 1 else _DIAG_EMBED, np.diag, (input, diagonal))


_DIAG, _DIAG_EMBED = named(np.diag, "DiagonalBackward0_copy"), named(np.diag, "DiagEmbedBackward0")


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """As `torch.diagonal`: the diagonal in the plane of two dims."""
    ndim = np.ndim(input.array)
    first, second = at(dim1, ndim), at(dim2, ndim)
    if first == second:
        raise OperandError(tr(
            "diagonal dimensions cannot be identical {dim1}, {dim2}. They span a plane.", dim1=dim1,
            dim2=dim2,
        ))  # fmt: skip
    return np.diagonal(input, offset, first, second)


def tril(input: Any, diagonal: int = 0) -> Any:
    """As `torch.tril`: 0 above the diagonal."""
    if np.ndim(input.array) < 2:
        raise OperandError(tr(
            "tril: input tensor must have at least 2 dimensions. A matrix stands in the last two.",
        ))  # fmt: skip
    return np.tril(input, diagonal)


def triu(input: Any, diagonal: int = 0) -> Any:
    """As `torch.triu`: 0 below the diagonal."""
    if np.ndim(input.array) < 2:
        raise OperandError(tr(
            "triu: input tensor must have at least 2 dimensions. A matrix stands in the last two.",
        ))  # fmt: skip
    return np.triu(input, diagonal)


def clone(input: Any) -> Any:
    """As `torch.clone`: a copy that the gradient flows through."""
    return np.copy(input)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """As `torch.nonzero`: the places that are not 0, one in each row."""
    if as_tuple:
        return where(input)
    return input.wrap(np.argwhere(input.array), None)


def _where(input: Any, condition: Any, other: Any) -> Any:
    """As `torch.Tensor.where`: this tensor where the condition holds, `other` elsewhere."""
    return chosen(condition, input, other)


_FUNCTIONS = (
    "split chunk unbind select narrow index_select take masked_select masked_fill diag diagonal tril triu clone nonzero"
).split()
PICKING: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
METHODS: dict[str, Callable[..., Any]] = {"where": _where}
