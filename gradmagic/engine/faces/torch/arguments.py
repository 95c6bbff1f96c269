"""What PyTorch asks of arguments before it computes: dims in range, one dtype for all, room for what is written.

In: arguments as the user passed them. Out: the same, made fit, or PyTorch's error.
"""

from __future__ import annotations

import operator
import warnings
from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np

from ....errors import DimensionError, ShapeError
from ....language import tr
from ...core import arrays
from ...tape.modes import OFF, mode_now
from ...tape.tracked import Tracked, raw, tracked_in
from .dtypes import SPOKEN, dtype_of
from .math import OperandError
from .promotion import promoted


def at(dim: Any, ndim: int) -> int:
    """Give `dim` counted from the front, for a tensor of `ndim` dims; one of none counts as of one.

    Raises
    ------
    DimensionError
        If there is no such dim.

    Examples
    --------
    >>> at(-1, 3)
    2
    """
    dim, n = operator.index(dim), max(ndim, 1)
    if not -n <= dim < n:
        raise DimensionError(dim, n)
    return dim % n


def dims_of(dim: Any, ndim: int) -> tuple[int, ...]:
    """Give a dim or several, None for all, counted from the front."""
    if dim is None:
        return tuple(range(ndim))
    return tuple(at(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))


def along(dim: int, index: Any, ndim: int) -> tuple[Any, ...]:
    """Give the index that takes `index` along one dim."""
    return (slice(None),) * at(dim, ndim) + (index,)


def together(name: str, *args: Any, floats: bool = False) -> Any:
    """Give several operands in PyTorch's common dtype; `floats`: whole numbers become float32."""
    cast = promoted(operator.truediv if floats else operator.add, args)
    if cast is NotImplemented:
        kinds = ", ".join("Tensor" if isinstance(a, Tracked) else type(a).__name__ for a in args)
        raise TypeError(tr(
            "{name}(): arguments must be Tensors or numbers, not ({kinds}).", name=name, kinds=kinds,
        ))  # fmt: skip
    return cast


def shown(made: Any, torch: str) -> Any:
    """Let the last operation of a composed function be shown under PyTorch's name of the whole."""
    node = made.node
    if node is not None and node.rule is not None and node.rule.torch != torch:
        node.rule = _called(node.rule, torch)
    return made


@cache
def _called(rule: Any, torch: str) -> Any:
    return rule.called(torch)


def named_results(name: str, fields: str) -> Any:
    """Make the class of a function's several results: a named tuple that prints as PyTorch's.

    Examples
    --------
    >>> named_results("aminmax", "min max")(1, 2)
    torch.return_types.aminmax(
    min=1,
    max=2)
    """
    base: Any = namedtuple(name, fields)  # type: ignore[misc]

    def text(self: Any) -> str:
        parts = ",\n".join(f"{k}={getattr(self, k)!r}" for k in self._fields)
        return f"torch.return_types.{name}(\n{parts})"

    doc = f"What `torch.{name}` gives."
    return type(name, (base,), {"__slots__": (), "__repr__": text, "__doc__": doc})


# ---- what is written ---------------------------------------------------------------------------------------------

_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def holds(dtype: Any, other: Any) -> None:
    """Expect that entries of `other` may be written into a tensor of `dtype`: no fraction into whole numbers."""
    if _KINDS.get(other.kind, 0) > _KINDS.get(dtype.kind, 0):
        raise OperandError(tr(
            "result type {own} can't be cast to the desired output type {wanted}: write t = "
            "t.to({dtype!r}) first, or a function that makes a new tensor.", own=spoken(other),
            wanted=spoken(dtype), dtype=dtype_of(other),
        ))  # fmt: skip


def spoken(dtype: Any) -> str:
    return SPOKEN.get(dtype.name, dtype.name.title())


def fits(target: Any, made: Any) -> None:
    """Expect that a result may be written over `target`: its shape, or one that broadcasts to it, and its kind."""
    here, there = np.shape(raw(target)), np.shape(raw(made))
    if here != there and np.broadcast_shapes(here, there) != here:
        raise ShapeError(tr(
            "output with shape {shape} doesn't match the broadcast shape {wanted}: write a new "
            "tensor (y = f(x)) instead of writing into the old one.", shape=list(here),
            wanted=list(np.broadcast_shapes(here, there)),
        ))  # fmt: skip
    if arrays.is_typed(raw(made)):
        holds(raw(target).dtype, raw(made).dtype)


def into(out: Any, made: Any, name: str, args: Any) -> Any:
    """Serve `out=`: write what was made over `out` and give it; of another shape, `out` is resized, as in PyTorch.

    Raises
    ------
    OperandError
        If an argument or `out` requires a gradient, or `out` is of a narrower kind.
    """
    if isinstance(made, tuple):
        parts = [into(o, m, name, args) for o, m in zip(out, made, strict=True)]
        return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
    wanting = mode_now() is not OFF and any(t.node is not None for t in tracked_in((args, out)))
    if wanting:
        raise OperandError(tr(
            "{name}(): functions with out=... arguments don't support automatic differentiation, but one of "
            "the arguments requires grad. Leave out= away, or write with gm.no_grad():.", name=name,
        ))  # fmt: skip
    plain = raw(made)
    holds(out.array.dtype, plain.dtype)
    if np.shape(out.array) != np.shape(plain):
        if np.size(out.array):
            warnings.warn(tr(
                "An output with one or more elements was resized since it had shape {shape}, which does not "
                "match the required output shape {wanted}. Give out= a tensor of that shape.",
                shape=list(np.shape(out.array)), wanted=list(np.shape(plain)),
            ), UserWarning, stacklevel=3)  # fmt: skip
        out.array = arrays.module_of(out.array).empty(np.shape(plain), out.array.dtype)
    return out.assign(Ellipsis, made)
