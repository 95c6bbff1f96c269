"""PyTorch's functions by their names: `gm.zeros(2, 3)`, `gm.randn(3)`, `gm.matmul(a, b)`, `gm.max(t)`.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors) and PyTorch's arguments. Out: Tensors. Those that
are methods too come from the tables of engine/faces/torch/; here stand what makes tensors and what joins several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np

from .engine.core import arrays
from .engine.core.generator import generator, manual_seed
from .engine.dispatch.calls import call
from .engine.dispatch.primitives import cast
from .engine.faces.torch.dtypes import ALIASES, DTYPES, Device, DType, Size, dtype_of
from .engine.faces.torch.make import tensor
from .engine.faces.torch.math import named, titled
from .engine.faces.torch.methods import FUNCTIONS
from .engine.faces.torch.printing import set_printoptions
from .engine.faces.torch.shapes import where as _where
from .engine.faces.torch.tensor import Tensor
from .engine.tape.ends import leaf, tell_of_device
from .engine.tape.modes import no_grad
from .engine.tape.tracked import Tracked, raw

_FLOAT = [np.dtype(np.float32)]


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
    else:
        return tensor(data, dtype=dtype, device=device)
    return made if dtype is None and device is None else made.to(dtype=dtype, device=device)


def of_tensor(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let `f` take as its first argument whatever a tensor can be made of."""

    @wraps(f)
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        return f(input if type(input) is Tensor else as_tensor(input), *args, **kwargs)

    return function


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
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__}): write gm.tensor(data).")
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


# ---- new tensors ------------------------------------------------------------------------------------------------


def _sizes(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size


def _made(array: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    if dtype is not None:
        array = array.astype(np.dtype(dtype), copy=False)
    if device is not None:
        array = arrays.to_device(array, device)
        tell_of_device(array)
    return Tensor.wrap(array, leaf(array) if requires_grad else None)


def _filled(name: str, value: float) -> Callable[..., Tensor]:
    def f(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Tensor:
        return _made(np.full(_sizes(size), value, np.dtype(dtype or _FLOAT[0])), None, device, requires_grad)

    return titled(f, name, f"As `torch.{name}`: a tensor of the given size.")


def _like(name: str) -> Callable[..., Tensor]:
    def f(input: Any, *args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        array = raw(input)
        shape, kind = np.shape(array), array.dtype if dtype is None else dtype
        made = _TABLE[name] if name in _TABLE else globals()[name]
        if name in ("randint",):
            args, shape = (*args, shape), ()
        elif name == "full":
            args, shape = (shape, *args), ()
        return made(*args, *shape, dtype=kind, device=device or arrays.device_of(array), **options)

    f.__name__ = f.__qualname__ = f"{name}_like"
    f.__doc__ = f"As `torch.{name}_like`: as `{name}`, of the size, dtype and device of `input`."
    return f


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:  # fmt: skip
    """As `torch.full`: a tensor of one value.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.full((2,), 3.5)
    tensor([3.5000, 3.5000])
    """
    value = raw(fill_value)
    kind = _FLOAT[0] if isinstance(value, float) else None
    return _made(
        np.full(size, value, kind if dtype is None else np.dtype(dtype)), None, device, requires_grad
    )


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """As `torch.eye`: ones on the diagonal."""
    return _made(np.eye(n, m, dtype=np.dtype(dtype or _FLOAT[0])), None, device, requires_grad)


def arange(
    *args: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **words: Any
) -> Tensor:
    """As `torch.arange`: from `start` (0) up to but not including `end` by `step` (1); whole if all three are.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    values: list[Any] = [a.item() if isinstance(a, Tensor) else a for a in args]
    values = [0, *values, 1] if len(values) == 1 else [*values, 1][:3]
    start, end, step = (
        words.get(k, v) for k, v in zip(("start", "end", "step"), values or [0, 0, 1], strict=True)
    )
    whole = all(isinstance(v, int) for v in (start, end, step))
    count = max(math.ceil((end - start) / step), 0)
    kind = np.dtype(dtype) if dtype is not None else np.dtype(np.int64) if whole else _FLOAT[0]
    array = start + np.arange(count) * step  # as PyTorch: every entry from its number, not by adding up
    return _made(array.astype(kind), None, device, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:  # fmt: skip
    """As `torch.linspace`: `steps` numbers from `start` to `end`, both included."""
    return _made(np.linspace(start, end, steps), dtype or _FLOAT[0], device, requires_grad)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:  # fmt: skip
    """As `torch.logspace`: `base` to powers from `start` to `end`."""
    return _made(np.logspace(start, end, steps, base=base), dtype or _FLOAT[0], None, requires_grad)


# ---- random tensors ---------------------------------------------------------------------------------------------


def _draw(name: str, method: str) -> Callable[..., Tensor]:
    def f(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Tensor:
        kind = np.dtype(dtype or _FLOAT[0])
        source = kind if kind.char in "fd" else np.dtype(np.float32)
        array = getattr(generator(), method)(_sizes(size), dtype=source)
        return _made(np.asarray(array), kind, device, requires_grad)

    text = f"As `torch.{name}`: draws of NumPy's generator ({method}), which `manual_seed` starts anew."
    return titled(f, name, text)


def randint(
    low: int, high: Any, size: Any = None, *, dtype: Any = np.int64, device: Any = None, requires_grad: bool = False
) -> Tensor:  # fmt: skip
    """As `torch.randint`: whole numbers from `low` (0) up to but not including `high`."""
    if size is None:
        low, high, size = 0, low, high
    return _made(generator().integers(low, high, tuple(size)), dtype, device, requires_grad)


def randperm(n: int, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """As `torch.randperm`: 0 ... n-1 in random order."""
    return _made(generator().permutation(n), dtype, device, False)


def normal(mean: Any, std: Any, size: Any = None, **options: Any) -> Tensor:
    """As `torch.normal`: draws from normal distributions with these means and standard deviations."""
    mean, std = raw(mean), raw(std)
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else tuple(size)
    there = mean if arrays.on_device(mean) else std
    drawn = arrays.from_host(np.asarray(generator().standard_normal(shape)), there)
    return _made(
        np.add(drawn * std, mean), **{"dtype": _FLOAT[0], "device": None, "requires_grad": False} | options
    )


def bernoulli(input: Any) -> Tensor:
    """As `torch.bernoulli`: 1 with the probability that each entry says, else 0."""
    array = input.array
    drawn = arrays.from_host(np.asarray(generator().random(np.shape(array))), array)
    return Tensor.wrap((drawn < array).astype(array.dtype), None)


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
    return call(_CAT, np.concatenate, (_tensors(tensors), dim if axis is None else axis), {})


def stack(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """As `torch.stack`: along a new dim.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.stack([gm.tensor(1.0), gm.tensor(2.0)])
    tensor([1., 2.])
    """
    return call(_STACK, np.stack, (_tensors(tensors), dim if axis is None else axis), {})


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
    return np.where(as_tensor(condition), input, other)  # type: ignore[call-overload]


def einsum(equation: str, *operands: Any) -> Any:
    """As `torch.einsum`: sums of products by the names of dims.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.einsum("ij->i", gm.ones(2, 3))
    tensor([3., 3.])
    """
    factors: Any = _tensors(_several(operands))
    return np.einsum(equation, *factors)


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """As `torch.tensordot`: the sums of products over `dims`."""
    return np.tensordot(as_tensor(a), as_tensor(b), dims)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """As `torch.meshgrid`: the coordinates of a grid."""
    axes = _tensors(_several(tensors))
    order = [1, 0, *range(2, len(axes))] if indexing == "xy" and len(axes) > 1 else list(range(len(axes)))
    sizes = tuple(len(axes[i]) for i in order)
    along = [np.reshape(x, tuple(-1 if k == i else 1 for k in order)) for i, x in enumerate(axes)]
    return tuple(np.broadcast_to(x, sizes) for x in along)


def unique(input: Any, **options: Any) -> Any:
    """As `torch.unique`: the different entries, sorted."""
    return Tensor.wrap(np.unique(as_tensor(input).array), None)


# ---- the names ----------------------------------------------------------------------------------------------------


# Names that Python has too (sum, max, float ...) stand in a table, not in this module, whose code means Python's.
_TABLE: dict[str, Any] = {
    **DTYPES, **{name: DTYPES[of] for name, of in ALIASES.items()}, "dtype": DType, "Size": Size, "device": Device,
    "inference_mode": no_grad,
    "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan,
    **{name: of_tensor(f) for name, f in FUNCTIONS.items()},
    "zeros": _filled("zeros", 0), "ones": _filled("ones", 1), "empty": _filled("empty", 0),
    "rand": _draw("rand", "random"), "randn": _draw("randn", "standard_normal"),
}  # fmt: skip
_TABLE |= {f"{name}_like": _like(name) for name in "zeros ones empty full rand randn randint".split()}
_TABLE |= {"concat": cat, "concatenate": cat, "row_stack": vstack}


def set_default_dtype(d: Any) -> None:
    """Make floats in another dtype than float32 from now on."""
    _FLOAT[0] = np.dtype(d)


def get_default_dtype() -> DType:
    """Give the dtype that floats are made in.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.get_default_dtype()
    torch.float32
    """
    return dtype_of(_FLOAT[0])


def __getattr__(name: str) -> Any:
    try:
        return _TABLE[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


__all__ = [
    *(name for name in _TABLE if name != "trace"),  # gm.trace is cell/hosts/block.py's, which hands matrices on to ours
    "arange", "as_tensor", "bernoulli", "cat", "einsum", "eye", "finfo", "from_numpy", "full", "get_default_dtype",
    "hstack", "iinfo", "is_floating_point", "is_tensor", "linspace", "logspace", "manual_seed", "meshgrid", "normal",
    "numel", "randint", "randperm", "set_default_dtype", "set_printoptions", "stack", "tensordot", "unique", "vstack",
    "where",
]  # fmt: skip
