"""PyTorch's functions that take a tensor apart or turn it: splits, quarter turns, strides. Each is a method too.

In: a Tensor. Out: Tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ShapeError
from ....language import tr
from ...core import arrays
from ...dispatch.calls import call_linear
from ...tape import memory
from ...tape.tracked import raw
from . import picking, shapes
from .arguments import along, at, shown
from .math import OperandError, titled

# ---- one into several --------------------------------------------------------------------------------------------


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
            raise OperandError(tr(
                "torch.{name} requires a tensor with at least {least} dimension, but got a tensor with "
                "{ndim} dimensions! Reshape it first.", name=name, least=least, ndim=ndim,
            ))  # fmt: skip
        dim = dims[0] if ndim == 1 else dims[1]
        n = np.shape(input.array)[dim]
        if isinstance(indices_or_sections, int) and n % indices_or_sections:
            raise ShapeError(tr(
                "torch.{name} attempted to split along dimension {dim}, but the size of the dimension {length} is "
                "not divisible by the split_size {parts}! gm.tensor_split takes any number.",
                name=name, dim=dim, length=n, parts=indices_or_sections,
            ))  # fmt: skip
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
        raise ShapeError(tr(
            "size {{{shape}}} is not expandable to size {{{wanted}}}: sizes must be 1 or equal.",
            shape=list(shape), wanted=list(wanted),
        ))  # fmt: skip
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
        raise OperandError(tr(
            "setStorage: sizes {size}, strides {stride}, storage offset {offset} reach entries that are not "
            "the tensor's. Write it of the tensor whose memory it is.", size=list(size),
            stride=list(stride), offset=storage_offset or 0,
        ))  # fmt: skip
    return shown(
        call_linear(_TAKE, np.take, (input, arrays.from_host(index, input.array))), "AsStridedBackward0"
    )


def _places(size: Any, stride: Any, first: int) -> Any:
    place: Any = np.asarray(first)
    for n, step in zip(size, stride, strict=True):
        place = place[..., None] + np.arange(n) * step
    return place


_TAKE = picking.TAKE


PARTS: dict[str, Callable[..., Any]] = {
    "tensor_split": tensor_split,
    "hsplit": _split("hsplit", (0, 1)), "vsplit": _split("vsplit", (0, 0)), "dsplit": _split("dsplit", (2, 2)),
    "fliplr": _moved("fliplr", np.fliplr), "flipud": _moved("flipud", np.flipud),
    "rot90": rot90, "ravel": ravel, "adjoint": adjoint, "as_strided": as_strided,
}  # fmt: skip
PARTS |= {"unsafe_chunk": picking.chunk, "unsafe_split": picking.split}
METHODS: dict[str, Callable[..., Any]] = {"sum_to_size": sum_to_size}
