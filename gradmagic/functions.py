"""PyTorch's functions by their names: `gm.zeros(2, 3)`, `gm.randn(3)`, `gm.matmul(a, b)`, `gm.max(t)`.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors) and PyTorch's arguments. Out: Tensors. Those that
are methods too, and those that make new tensors, come from the tables of engine/faces/torch/; here stands what takes
other things for tensors, and what joins several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np

from .engine.core import arrays
from .engine.dispatch.calls import call
from .engine.dispatch.primitives import cast
from .engine.faces.torch import random
from .engine.faces.torch.arguments import into, together
from .engine.faces.torch.creation import CREATION
from .engine.faces.torch.defaults import (
    get_default_device,
    get_default_dtype,
    set_default_device,
    set_default_dtype,
)
from .engine.faces.torch.dtypes import ALIASES, DTYPES, Device, DType, Size
from .engine.faces.torch.exchange import from_dlpack, to_dlpack
from .engine.faces.torch.joining import JOINING
from .engine.faces.torch.make import tensor
from .engine.faces.torch.math import OperandError, named
from .engine.faces.torch.picking import chosen
from .engine.faces.torch.picking import where as _where
from .engine.faces.torch.printing import set_printoptions
from .engine.faces.torch.special import polygamma as _polygamma
from .engine.faces.torch.table import FUNCTIONS, FUNCTIONS_ONLY
from .engine.faces.torch.tensor import Tensor
from .engine.faces.torch.types import TYPES, set_default_tensor_type
from .engine.faces.torch.windows import WINDOWS
from .engine.tape.ends import tell_of_device
from .engine.tape.modes import no_grad
from .engine.tape.tracked import Tracked
from .errors import ArgumentError, ShapeError
from .language import tr


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """Give `data` as a Tensor; without copying if it is one, or an array.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.as_tensor(np.ones(2))
    tensor([1., 1.], dtype=torch.float64)
    """
    if isinstance(data, Tensor):
        made = data
    elif isinstance(data, Tracked):
        given = data.array
        typed = data if arrays.is_typed(given) else cast(data, tensor(given, dtype=dtype).array.dtype)
        made = Tensor.wrap(typed.array, typed.node)
    elif isinstance(data, np.generic) or arrays.is_array(data):
        made = Tensor.wrap(data, None)
        tell_of_device(data)
    elif not isinstance(data, (list, tuple, int, float)) and hasattr(data, "__dlpack__"):
        made = from_dlpack(data)
    else:
        return tensor(data, dtype=dtype, device=device)
    return made if dtype is None and device is None else made.to(dtype=dtype, device=device)


def of_tensor(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let `f` take as its first argument whatever a tensor can be made of, and `out=`, where the result is written."""

    @wraps(f)
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        if type(input) is not Tensor:
            if type(input) in _NO_TENSORS and f.__name__ not in _NUMBER_FIRST:
                raise TypeError(tr(
                    "{name}(): argument 'input' (position 1) must be Tensor, not {kind}: write "
                    "gm.tensor(data).", name=f.__name__, kind=type(input).__name__,
                ))  # fmt: skip
            input = as_tensor(input)
        out = kwargs.pop("out", None) if kwargs else None
        made = f(input, *args, **kwargs)
        return made if out is None else into(out, made, f.__name__, (input, args))

    return function


# What PyTorch takes for no tensor, and the functions that take a number first.
_NO_TENSORS = (list, tuple, str, type(None), bool, int, float, complex)
_NUMBER_FIRST = (
    "pow xlogy float_power remainder bitwise_and bitwise_or bitwise_xor zeta xlog1py where rsub power".split()
)


def from_numpy(ndarray: Any) -> Tensor:
    """Make a tensor over the memory of a NumPy array: what is written to one is seen in the other.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.from_numpy(np.arange(3))
    tensor([0, 1, 2])
    """
    if isinstance(ndarray, Tracked) and ndarray.soft and type(ndarray.array) is np.ndarray:
        return as_tensor(ndarray)  # followed, over the copy that the tape has
    if type(ndarray) is not np.ndarray:
        raise TypeError(tr(
            "expected np.ndarray (got {kind}): write gm.tensor(data).", kind=type(ndarray).__name__,
        ))  # fmt: skip
    return Tensor.wrap(ndarray, None)


def is_tensor(obj: Any) -> bool:
    """Tell whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Any) -> bool:
    """Tell whether the entries are real and have a fraction."""
    return bool(input.array.dtype.kind == "f")


def numel(input: Any) -> int:
    """Give the number of entries."""
    return int(np.size(input.array))


def finfo(type: Any) -> Any:
    """Give the limits of a floating dtype (`eps`, `max`, `min`, `tiny`, `bits`), as Python's numbers."""
    limits = np.finfo(np.dtype(type))
    numbers = {name: float(getattr(limits, name)) for name in ("eps", "max", "min", "tiny", "resolution")}
    return SimpleNamespace(**numbers, smallest_normal=numbers["tiny"], bits=limits.bits)


def iinfo(type: Any) -> Any:
    """Give the limits of a whole dtype (`min`, `max`)."""
    return np.iinfo(np.dtype(type))


# ---- several tensors into one -----------------------------------------------------------------------------------

_CAT, _STACK = named(np.concatenate, "CatBackward0"), named(np.stack, "StackBackward0")


def _several(args: tuple[Any, ...]) -> Any:
    """Give `f(a, b)` and `f([a, b])` one form."""
    return args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def _tensors(tensors: Any) -> list[Any]:
    return [as_tensor(t) for t in tensors]


def cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """As `torch.cat`: one after the other along `dim`.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.cat([gm.zeros(2), gm.ones(1)])
    tensor([0., 0., 1.])
    """
    given = _tensors(tensors)
    if any(t.array.shape == (0,) for t in given):  # PyTorch lets an empty one stand beside others of any dims
        given = [t for t in given if t.array.shape != (0,)] or given[:1]
    if any(not np.ndim(t.array) for t in given):
        raise OperandError(tr(
            "zero-dimensional tensor (at position 0) cannot be concatenated: write gm.stack(tensors).",
        ))  # fmt: skip
    dim = dim if axis is None else axis
    first = given[0].array.shape
    for i, t in enumerate(given):
        shape = t.array.shape
        if len(shape) != len(first):
            raise ShapeError(tr(
                "Tensors must have same number of dimensions: got {first} and {other}. gm.stack makes a new "
                "dim.", first=len(first), other=len(shape),
            ))  # fmt: skip
        wrong = [
            k for k, (a, b) in enumerate(zip(first, shape, strict=True)) if a != b and k != dim % len(first)
        ]
        if wrong and -len(first) <= dim < len(first):
            raise ShapeError(
                f"Sizes of tensors must match except in dimension {dim % len(first)}. Expected size "
                f"{first[wrong[0]]} but "
                f"got size {shape[wrong[0]]} for tensor number {i} in the list."
            )
    if len({t.array.dtype for t in given}) > 1:
        given = list(together("cat", *given))
    return call(_CAT, np.concatenate, (given, dim), {})


def stack(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """As `torch.stack`: along a new dim.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.stack([gm.tensor(1.0), gm.tensor(2.0)])
    tensor([1., 2.])
    """
    given = _tensors(tensors)
    if len({tuple(t.array.shape) for t in given}) > 1:
        i = next(k for k, t in enumerate(given) if t.array.shape != given[0].array.shape)
        raise ShapeError(tr(
            "stack expects each tensor to be equal size, but got {first} at entry 0 and {other} at entry "
            "{i}: gm.cat joins along a dim that is there.",
            first=list(given[0].array.shape), other=list(given[i].array.shape), i=i,
        ))  # fmt: skip
    return call(_STACK, np.stack, (given, dim if axis is None else axis), {})


def hstack(tensors: Any) -> Any:
    """As `torch.hstack`: side by side."""
    return np.hstack(_tensors(tensors))


def vstack(tensors: Any) -> Any:
    """As `torch.vstack`: one below the other."""
    return np.vstack(_tensors(tensors))


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """As `torch.where`: `input` where the condition holds, `other` elsewhere; the places alone without them."""
    if input is None:
        return _where(as_tensor(condition))
    if not (isinstance(input, Tracked) or isinstance(other, Tracked)):
        input = as_tensor(input)
    return chosen(as_tensor(condition), input, other)


def einsum(equation: str, *operands: Any) -> Any:
    """As `torch.einsum`: sums of products by the names of dims.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.einsum("ij->i", gm.ones(2, 3))
    tensor([3., 3.])
    """
    factors: Any = _tensors(_several(operands))
    try:
        return np.einsum(equation, *factors)
    except (ArgumentError, ValueError):
        try:
            np.einsum(equation, *[f.array for f in factors])
        except ValueError as error:
            raise ShapeError(tr("einsum(): {error}. Each letter stands for one size.", error=error)) from None
        raise


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """As `torch.tensordot`: the sums of products over `dims`."""
    return np.tensordot(as_tensor(a), as_tensor(b), dims)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """As `torch.meshgrid`: the coordinates of a grid."""
    axes = [np.reshape(t, -1) for t in _tensors(_several(tensors))]
    order = [1, 0, *range(2, len(axes))] if indexing == "xy" and len(axes) > 1 else list(range(len(axes)))
    sizes = tuple(len(axes[i]) for i in order)
    along = [np.reshape(x, tuple(-1 if k == i else 1 for k in order)) for i, x in enumerate(axes)]
    return tuple(np.broadcast_to(x, sizes) for x in along)


@wraps(_polygamma)
def of_order(n: int, input: Any) -> Any:
    return _polygamma(n, as_tensor(input))


# ---- the names ----------------------------------------------------------------------------------------------------


# Names that Python has too (sum, max, float ...) stand in a table, not in this module, whose code means Python's.
_TABLE: dict[str, Any] = {
    **DTYPES, **{name: DTYPES[of] for name, of in ALIASES.items()}, "dtype": DType, "Size": Size, "device": Device,
    "inference_mode": no_grad,
    "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan,
    **{name: of_tensor(f) for name, f in (FUNCTIONS | FUNCTIONS_ONLY).items()}, **JOINING, **WINDOWS,
    "polygamma": of_order,
    **CREATION, **random.FUNCTIONS, **TYPES,
}  # fmt: skip
_TABLE |= {"concat": cat, "concatenate": cat, "row_stack": vstack}


def typename(obj: Any) -> str:
    """Give the name of a type, as `torch.typename`: that of a tensor by its dtype."""
    return str(obj.type()) if isinstance(obj, Tensor) else f"{type(obj).__module__}.{type(obj).__qualname__}"


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: Any = None, requires_grad: bool = False
) -> Any:
    """As `torch.asarray`: over the memory of an array, a tensor or a buffer, if it can be."""
    made = as_tensor(obj, dtype, device)
    made = made.clone() if copy else made
    return made.detach().requires_grad_() if requires_grad and not made.requires_grad else made


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Any:
    """As `torch.frombuffer`: a tensor over the memory of a buffer."""
    return Tensor.wrap(np.frombuffer(buffer, np.dtype(dtype), count, offset), None).requires_grad_(
        requires_grad
    )


def __getattr__(name: str) -> Any:
    try:
        return _TABLE[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


__all__ = [
    *(name for name in _TABLE if name != "trace"),  # gm.trace is cell/hosts/block.py's, which hands matrices on to ours
    "as_tensor", "asarray", "cat", "einsum", "finfo", "frombuffer", "from_dlpack", "from_numpy",
    "get_default_device", "get_default_dtype", "hstack", "iinfo", "is_floating_point", "is_tensor",
    "meshgrid", "numel", "set_default_device", "set_default_dtype",
    "set_default_tensor_type", "set_printoptions", "stack", "to_dlpack",
    "tensordot", "typename", "vstack", "where",
]  # fmt: skip
