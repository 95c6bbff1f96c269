"""PyTorch's functions of several tensors, and those that take one apart: stacks, blocks, grids, splits, turns.

In: tensors, or arrays, which are taken for tensors. Out: Tensors. `JOINING` holds functions of several; `PARTS` those
of one, which are methods too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ....errors import ShapeError
from ...core import arrays
from ...dispatch.calls import call_linear
from ...tape import memory
from ...tape.tracked import Tracked, raw
from . import shapes
from .arguments import along, at, shown
from .math import OperandError, matmul, titled

# ---- several into one -------------------------------------------------------------------------------------------------


def several(args: tuple[Any, ...]) -> list[Any]:
    """Give `f(a, b)` and `f([a, b])` one form: a list of Tensors."""
    from .tensor import Tensor  # which has these functions as methods

    given = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
    return [
        t if isinstance(t, Tracked) else Tensor.wrap(np.asarray(t) if not arrays.is_typed(t) else t, None)
        for t in given
    ]


def _stacked(name: str, function: Any) -> Callable[..., Any]:
    def f(tensors: Any) -> Any:
        return function(several((tensors,)))

    return titled(f, name, f"As `torch.{name}`: several tensors beside each other.")


def _raised(name: str, function: Any) -> Callable[..., Any]:
    def f(*tensors: Any) -> Any:
        made = [function(t) for t in several(tensors)]
        return made[0] if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)) else tuple(made)

    return titled(f, name, f"As `torch.{name}`: with dims of length 1 up to that many.")


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """As `torch.broadcast_tensors`: all expanded to one shape."""
    given = several(tensors)
    shape = np.broadcast_shapes(*(np.shape(t.array) for t in given))
    return tuple(np.broadcast_to(t, shape) for t in given)


def block_diag(*tensors: Any) -> Any:
    """As `torch.block_diag`: the matrices along the diagonal, 0 elsewhere."""
    blocks = [np.atleast_2d(t) for t in several(tensors)]
    widths = [np.shape(b)[1] for b in blocks]
    rows = [np.pad(b, ((0, 0), (sum(widths[:i]), sum(widths[i + 1 :])))) for i, b in enumerate(blocks)]
    return shown(np.concatenate(rows), "BlockDiagBackward0")


def cartesian_prod(*tensors: Any) -> Any:
    """As `torch.cartesian_prod`: every combination of one entry of each, one in each row."""
    axes = several(tensors)
    if len(axes) == 1:
        return axes[0]
    sizes = tuple(np.shape(a)[0] for a in axes)
    grids = [
        np.broadcast_to(np.reshape(a, tuple(-1 if k == i else 1 for k in range(len(axes)))), sizes)
        for i, a in enumerate(axes)
    ]
    return np.stack([np.reshape(g, -1) for g in grids], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """As `torch.combinations`: every choice of `r` entries, one in each row."""
    x = several((input,))[0] if not isinstance(input, Tracked) else input
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(np.shape(x)[0]), r)), np.int64).reshape(-1, r)
    return shown(x[rows], "StackBackward0")


def chain_matmul(*matrices: Any) -> Any:
    """As `torch.chain_matmul`: the product of all, one after the other."""
    return reduce(matmul, several(matrices))


JOINING: dict[str, Callable[..., Any]] = {
    "column_stack": _stacked("column_stack", np.column_stack), "dstack": _stacked("dstack", np.dstack),
    **{f"atleast_{n}d": _raised(f"atleast_{n}d", getattr(np, f"atleast_{n}d")) for n in (1, 2, 3)},
    "broadcast_tensors": broadcast_tensors, "block_diag": block_diag, "cartesian_prod": cartesian_prod,
    "combinations": combinations, "chain_matmul": chain_matmul,
}  # fmt: skip

# ---- one into several -------------------------------------------------------------------------------------------------


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """As `torch.tensor_split`: that many parts, the first ones longer by 1, or parts that begin at the indices."""
    shape = np.shape(input.array)
    if not shape:
        raise OperandError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims."
        )
    n = shape[at(dim, len(shape))]
    cuts = raw(indices_or_sections)
    if isinstance(cuts, (list, tuple)) or np.ndim(cuts):
        ends = [*(int(c) for c in cuts), n]
    else:
        count, more = divmod(n, int(cuts))
        ends = [count * (i + 1) + min(i + 1, more) for i in range(int(cuts))]
    starts = [0, *ends[:-1]]
    return tuple(input[along(dim, slice(a, b), len(shape))] for a, b in zip(starts, ends, strict=True))


def _split(name: str, dims: tuple[int, int]) -> Callable[..., Any]:
    def f(input: Any, indices_or_sections: Any) -> Any:
        ndim = np.ndim(input.array)
        least = dims[1] + 1 if dims[0] != dims[1] else max(dims[0] + 1, 1)
        if ndim < {"hsplit": 1, "vsplit": 2, "dsplit": 3}[name]:
            raise OperandError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {ndim} "
                "dimensions! Reshape it first."
            )
        dim = dims[0] if ndim == 1 else dims[1]
        n = np.shape(input.array)[dim]
        if isinstance(indices_or_sections, int) and n % indices_or_sections:
            raise ShapeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {n} is not "
                f"divisible by the split_size {indices_or_sections}! gm.tensor_split takes any number."
            )
        return tensor_split(input, indices_or_sections, dim)

    return titled(f, name, f"As `torch.{name}`: parts along one dim.")


def _moved(name: str, function: Any) -> Callable[..., Any]:
    def f(input: Any) -> Any:
        return function(input)

    return titled(f, name, f"As `torch.{name}`: in reverse order along one dim.")


def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """As `torch.rot90`: turned by k quarters in the plane of two dims."""
    return shown(np.rot90(input, k, tuple(dims)), "Rot90Backward0")


def ravel(input: Any) -> Any:
    """As `torch.ravel`: all entries in a row."""
    return shapes.reshape(input, -1)


def adjoint(input: Any) -> Any:
    """As `torch.adjoint`: the last two dims exchanged, and conjugated."""
    made = np.swapaxes(input, -1, -2)
    return np.conjugate(made) if input.is_complex() else made


def sum_to_size(input: Any, *size: Any) -> Any:
    """As `torch.Tensor.sum_to_size`: summed to a shape that broadcasts to this one."""
    wanted = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    shape = np.shape(input.array)
    extra = len(shape) - len(wanted)
    over = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(wanted) if n == 1 != shape[i + extra])
    if extra < 0 or any(n not in (1, shape[i + extra]) for i, n in enumerate(wanted)):
        raise ShapeError(
            f"size {{{list(shape)}}} is not expandable to size {{{list(wanted)}}}: sizes must be 1 or equal."
        )
    return np.reshape(np.sum(input, axis=over, keepdims=True), wanted) if over else input


def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """As `torch.as_strided`: entries of the memory at any strides, as a tensor of its own (PyTorch's is a view)."""
    array = memory.materialise(input)
    base = memory.base_of(array)
    first = (arrays.address(array) - arrays.address(base)) // array.dtype.itemsize
    wanted = _places(size, stride, first if storage_offset is None else storage_offset)
    own = _places(array.shape, [s // array.dtype.itemsize for s in array.strides], first)
    order = np.argsort(own, axis=None, kind="stable")
    at_most = np.minimum(np.searchsorted(np.reshape(own, -1)[order], wanted), max(own.size - 1, 0))
    index = order[at_most]
    if np.any(np.reshape(own, -1)[index] != wanted):
        raise OperandError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {storage_offset or 0} reach entries "
            "that are not the tensor's. Write it of the tensor whose memory it is."
        )
    return shown(
        call_linear(_TAKE, np.take, (input, arrays.from_host(index, input.array))), "AsStridedBackward0"
    )


def _places(size: Any, stride: Any, first: int) -> Any:
    place: Any = np.asarray(first)
    for n, step in zip(size, stride, strict=True):
        place = place[..., None] + np.arange(n) * step
    return place


_TAKE = shapes._TAKE


PARTS: dict[str, Callable[..., Any]] = {
    "tensor_split": tensor_split,
    "hsplit": _split("hsplit", (0, 1)), "vsplit": _split("vsplit", (0, 0)), "dsplit": _split("dsplit", (2, 2)),
    "fliplr": _moved("fliplr", np.fliplr), "flipud": _moved("flipud", np.flipud),
    "rot90": rot90, "ravel": ravel, "adjoint": adjoint, "as_strided": as_strided,
}  # fmt: skip
PARTS |= {"unsafe_chunk": shapes.chunk, "unsafe_split": shapes.split}
METHODS: dict[str, Callable[..., Any]] = {"sum_to_size": sum_to_size}
