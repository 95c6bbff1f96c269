"""PyTorch's functions that move entries about: shapes and axes. Each is a function and a method.

In: a Tensor and PyTorch's arguments. Out: Tensors, with PyTorch's names of what made them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ....errors import ShapeError
from ....language import tr
from ...core import arrays
from ...dispatch.calls import call_linear
from ...tape.tracked import Tracked, raw
from .arguments import at, dims_of
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


# ---- shapes ------------------------------------------------------------------------------------------------------

_VIEW = named(np.reshape, "ViewBackward0")


def reshape(input: Any, *shape: Any, **named_shape: Any) -> Any:
    """As `torch.reshape`: the same entries in another shape; one size may be -1."""
    wanted = _shape(shape or tuple(named_shape.pop(w) for w in ("shape", "size") if w in named_shape))
    if named_shape:
        raise TypeError(f"reshape() got an unexpected keyword argument '{next(iter(named_shape))}'")
    try:
        return call_linear(_VIEW, np.reshape, (input, wanted))
    except ValueError:
        raise ShapeError(tr(
            "shape '{wanted}' is invalid for input of size {size}: the sizes of the new shape must multiply "
            "to {size}; write -1 for the one that is to be found.", wanted=list(wanted),
            size=np.size(input.array),
        )) from None  # fmt: skip


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
        raise OperandError(tr(
            "flatten() has invalid args: start_dim cannot come after end_dim. Exchange them.",
        ))  # fmt: skip
    return input if start == end else reshape(input, (*shape[:start], -1, *shape[end + 1 :]))


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """As `torch.unflatten`: one dim as several of `sizes`."""
    shape = np.shape(input.array)
    dim = at(dim, len(shape))
    known = [n for n in sizes if n != -1]
    if -1 not in sizes and math.prod(known) != shape[dim]:
        raise OperandError(tr(
            "unflatten: Provided sizes {sizes} don't multiply up to the size of dim {dim} ({length}) in the "
            "input tensor. Write -1 for the one that is to be found.", sizes=list(sizes), dim=dim,
            length=shape[dim],
        ))  # fmt: skip
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
        raise OperandError(tr(
            "expand({type}{{{shape}}}, size={wanted}): the number of sizes provided ({given}) must be "
            "greater or equal to the number of dimensions in the tensor ({ndim}). Name a size for each.",
            type=_type_of(input), shape=list(shape), wanted=list(wanted), given=len(wanted),
            ndim=len(shape),
        ))  # fmt: skip
    for i, n in enumerate(wanted):
        if n != -1 and i >= extra and shape[i - extra] not in (1, n):
            raise ShapeError(tr(
                "The expanded size of the tensor ({length}) must match the existing size ({own}) at "
                "non-singleton dimension {dim}.  Target sizes: {target}.  Tensor sizes: {shape}: dims of "
                "length 1 are repeated, others stay.", length=n, own=shape[i - extra], dim=i,
                target=list(wanted), shape=list(shape),
            ))  # fmt: skip
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


# ---- axes --------------------------------------------------------------------------------------------------------

_T, _PERMUTE = named(np.transpose, "TBackward0"), named(np.transpose, "PermuteBackward0")


def t(input: Any) -> Any:
    """As `torch.t`: a matrix's transpose."""
    if np.ndim(input.array) > 2:
        raise ShapeError(tr(
            "t() expects a tensor with <= 2 dimensions, but self is {ndim}D: write t.mT for the last two "
            "dims, t.transpose(a, b) or t.permute(...).", ndim=np.ndim(input.array),
        ))  # fmt: skip
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
        raise OperandError(tr(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
            "desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {given}: "
            "name every dim once.", ndim=ndim, given=len(order),
        ))  # fmt: skip
    if len(set(order := dims_of(order, ndim))) < ndim:
        raise OperandError(tr("permute(): duplicate dims are not allowed. Name every dim once."))
    return call_linear(_PERMUTE, np.transpose, (input, order))


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """As `torch.movedim`: with dims at other places."""
    ndim = np.ndim(input.array)
    places = [dims_of(d, ndim) for d in (source, destination)]
    if len(places[0]) != len(places[1]):
        raise OperandError(tr(
            "movedim: Invalid source or destination dims: source ({source} dims) should contain the same "
            "number of dims as destination ({destination} dims). Name as many.", source=list(places[0]),
            destination=list(places[1]),
        ))  # fmt: skip
    for word, there in zip(("source", "destination"), places, strict=True):
        if len(set(there)) < len(there):
            raise OperandError(tr(
                "movedim: repeated dim in `{word}` ({dims}). Name each once.", word=word,
                dims=list(there),
            ))  # fmt: skip
    return np.moveaxis(input, *places) if ndim else input


@dims_by_name
def flip(input: Any, *dims: Any) -> Any:
    """As `torch.flip`: in reverse order along `dims`."""
    axes = dims_of(_shape(dims), np.ndim(input.array))
    if len(set(axes)) < len(axes):
        raise OperandError(tr(
            "dim {dim} appears multiple times in the list of dims. Name each once.", dim=axes[0],
        ))  # fmt: skip
    return np.flip(input, axes) if np.ndim(input.array) else input


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """As `torch.roll`: moved along `dims`, what leaves at the end coming in at the start."""
    if dims is not None:
        dims = dims_of(dims, np.ndim(input.array))
        shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
        if len(shifts) != len(dims):
            raise OperandError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    return np.roll(input, shifts, dims)


_FUNCTIONS = (
    "reshape flatten unflatten squeeze unsqueeze repeat_interleave t transpose permute movedim flip roll"
).split()
SHAPES: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
SHAPES |= {
    "swapaxes": transpose, "swapdims": transpose, "moveaxis": movedim, "tile": repeat, "broadcast_to": expand,
}  # fmt: skip
# What is a method only.
METHODS: dict[str, Callable[..., Any]] = {
    "view": view, "view_as": view_as, "reshape_as": view_as, "expand": expand, "expand_as": expand_as,
    "repeat": repeat,
}  # fmt: skip
