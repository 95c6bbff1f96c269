"""PyTorch's methods and attributes for `Tensor`: the functions of the torch_*.py files by name, and what only a
method can be: size and dtype, writing in place, conversion, printing.

In: a Tensor and a method's arguments, as PyTorch takes them. Out: what PyTorch gives.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ConversionError
from ...core import arrays
from ...core.frames import asks_attribute, takes_entry
from ...dispatch.primitives import cast, move
from ...tape.ends import tell_of_device
from ...tape.memory import materialise
from ...tape.modes import OFF, mode_now
from ...tape.tracked import Tracked
from .. import inplace
from . import math as torch_math
from . import reductions as torch_reductions
from . import shapes as torch_shapes
from .dtypes import ALIASES, DTYPES, Device, DType, Size, dtype_of
from .printing import tensor_text

# What `nn.Parameter` made, by id: a Parameter is a Tensor that prints differently, and no subclass of it, so that the
# operators meet one type only (two would take the slow way through promotion: 3 us for 0.4).
PARAMETERS: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


class TorchMethods:
    """PyTorch's methods; gradients, `backward`, `item` and conversion to NumPy stand in tensor.py."""

    __slots__ = ()
    array: Any
    node: Any
    assign: Any  # of tensor.py, as `requires_grad_`

    # -- what it is ------------------------------------------------------------------------------
    @property
    def shape(self) -> Size:
        """The sizes of the dims; prints as `torch.Size([2, 3])`."""
        return Size(np.shape(self.array))

    def size(self, dim: int | None = None) -> Any:
        """Give the shape, or the size of one dim."""
        return Size(np.shape(self.array)) if dim is None else np.shape(self.array)[dim]

    @property
    def dtype(self) -> DType:
        """The dtype; prints as `torch.float32`, and equals NumPy's."""
        return dtype_of(self.array.dtype)

    @property
    def device(self) -> Device:
        """Where it lives: "cpu" or "cuda:0"."""
        return Device(arrays.device_of(self.array))

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU."""
        return arrays.on_device(self.array)

    @property
    def __cuda_array_interface__(self) -> Any:
        # CuPy and others read the memory by it: cp.asarray(t), c[t]. To CuPy's operators (c @ t) it says nothing: they
        # would take the tensor for an array, and their compiled functions refuse it.
        frame = sys._getframe(1)
        asked = asks_attribute(frame) or takes_entry(frame)
        if not (asked or frame.f_globals.get("__name__", "").startswith("cupy.")) or not self.is_cuda:
            raise AttributeError("__cuda_array_interface__")
        if self.node is not None:
            raise ConversionError(
                "Can't get __cuda_array_interface__ on Variable that requires grad. Write np.f(t) for cp.f(t), or "
                "t.detach() if the gradient is not wanted."
            )
        return self.array.__cuda_array_interface__

    def on_host(self) -> Any:
        """Give the memory as a NumPy array; not that of a GPU, which would have to be copied without a word."""
        if self.is_cuda:
            raise ConversionError(
                f"can't convert {arrays.device_of(self.array)} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return materialise(self)  # type: ignore[arg-type]

    @property
    def ndim(self) -> int:
        """The number of dims."""
        return int(np.ndim(self.array))

    def dim(self) -> int:
        """Give the number of dims."""
        return int(np.ndim(self.array))

    def numel(self) -> int:
        """Give the number of entries."""
        return int(np.size(self.array))

    nelement = numel

    def element_size(self) -> int:
        """Give the bytes of an entry."""
        return int(self.array.dtype.itemsize)

    def stride(self, dim: int | None = None) -> Any:
        """Give how many entries apart neighbours along each dim are in memory."""
        strides = tuple(s // self.array.dtype.itemsize for s in getattr(self.array, "strides", ()))
        return strides if dim is None else strides[dim]

    def is_contiguous(self) -> bool:
        """Tell whether the entries lie in memory in their order."""
        return not np.ndim(self.array) or bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        """Tell whether the entries are real and have a fraction."""
        return bool(self.array.dtype.kind == "f")

    def is_complex(self) -> bool:
        """Tell whether the entries are complex."""
        return bool(self.array.dtype.kind == "c")

    # -- views of it -----------------------------------------------------------------------------
    @property
    def T(self) -> Any:
        """With all dims in reverse order."""
        return torch_shapes.permute(self, *range(np.ndim(self.array) - 1, -1, -1))

    @property
    def mT(self) -> Any:
        """With the last two dims exchanged."""
        return np.swapaxes(self, -1, -2)  # type: ignore[call-overload]

    @property
    def real(self) -> Any:
        """The real parts; a real tensor itself."""
        return np.real(self) if self.array.dtype.kind == "c" else self  # type: ignore[call-overload]

    @property
    def imag(self) -> Any:
        """The imaginary parts."""
        return np.imag(self)  # type: ignore[call-overload]

    def conj(self) -> Any:
        """Give the complex conjugate; a real tensor itself."""
        return np.conjugate(self) if self.array.dtype.kind == "c" else self  # type: ignore[call-overload]

    def angle(self) -> Any:
        """Give the angles in the complex plane."""
        return np.angle(self)  # type: ignore[call-overload]

    def contiguous(self) -> Any:
        """Give a tensor whose entries lie in memory in their order."""
        return self if self.is_contiguous() else np.copy(self, order="C")  # type: ignore[call-overload]

    # -- conversion ------------------------------------------------------------------------------
    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Any:
        """Give this tensor in another dtype, on another device, or as another tensor is.

        Examples
        --------
        >>> import gradmagic as gm
        >>> gm.tensor([1.0, 2.5]).to(gm.float64)
        tensor([1.0000, 2.5000], dtype=torch.float64)
        """
        for a in args:
            if isinstance(a, Tracked):
                dtype, device = a.array.dtype, arrays.device_of(a.array)
            elif isinstance(a, str) and not _is_dtype(a):
                device = a
            elif not isinstance(a, bool):
                dtype = a
        made: Any = self
        if dtype is not None and (kind := np.dtype(dtype)) != self.array.dtype:
            # Whole numbers carry no gradient.
            made = cast(made, kind) if kind.kind in "fc" else made.wrap(self.array.astype(kind), None)
        if device is not None and not _is_there(made.array, device):
            made = move(made, str(device), arrays.device_of(made.array))
            tell_of_device(made.array)
        return torch_shapes.clone(made) if copy and made is self else made

    def type(self, dtype: Any = None) -> Any:
        """Give this tensor in another dtype, or PyTorch's old name of its type."""
        if dtype is not None:
            return self.to(dtype)
        return f"torch.{_TENSOR_TYPES.get(self.array.dtype.name, self.array.dtype.name)}"

    def type_as(self, other: Any) -> Any:
        """Give this tensor in the dtype of `other`."""
        return self.to(other.array.dtype)

    def cpu(self) -> Any:
        """Give this tensor on the host."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Any:
        """Give this tensor on a GPU."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    def tolist(self) -> Any:
        """Give the values as Python numbers in nested lists."""
        self.lent("tolist")  # type: ignore[attr-defined]
        return np.asarray(arrays.to_host(self.array)).tolist()

    # -- new tensors like it -----------------------------------------------------------------------
    def new_tensor(self, data: Any, **options: Any) -> Any:
        """Make a tensor of `data` in this one's dtype."""
        made: Any = type(self).wrap(np.array(data, self.array.dtype), None)  # type: ignore[attr-defined]
        return made.requires_grad_(options.get("requires_grad", False))

    def new_zeros(self, *size: Any) -> Any:
        """Make zeros in this one's dtype."""
        return _new(self, 0, size)

    def new_ones(self, *size: Any) -> Any:
        """Make ones in this one's dtype."""
        return _new(self, 1, size)

    # -- writing in place --------------------------------------------------------------------------
    def zero_(self) -> Any:
        """Set every entry to 0."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Any:
        """Set every entry to `value`."""
        return self.assign(Ellipsis, value)

    def copy_(self, src: Any) -> Any:
        """Take over the entries of `src`, from whatever device."""
        if isinstance(src, TorchMethods):
            moved = src if src.is_cuda == self.is_cuda else src.to(self.device)  # type: ignore[attr-defined]
            return self.assign(Ellipsis, moved)
        return self.assign(Ellipsis, arrays.beside(src, self.array))

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        """Set the entries where `mask` holds to `value`."""
        return self.assign(mask, value)

    def normal_(self, mean: float = 0, std: float = 1) -> Any:
        """Draw every entry from a normal distribution."""
        return self.assign(Ellipsis, _drawn("standard_normal", self) * std + mean)

    def uniform_(self, a: float = 0, b: float = 1) -> Any:
        """Draw every entry evenly between `a` and `b`."""
        return self.assign(Ellipsis, _drawn("random", self) * (b - a) + a)

    # -- operators that PyTorch names otherwise than NumPy's functions --------------------------------
    __pow__ = torch_math.power
    __rpow__ = torch_math.power_of
    __getitem__ = torch_shapes.getitem

    def __matmul__(self, other: Any) -> Any:
        return torch_math.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return torch_math.matmul(other, self)

    # -- printing ------------------------------------------------------------------------------------
    def __repr__(self) -> str:
        text = tensor_text(arrays.to_host(self.array), self._suffixes(), arrays.device_of(self.array))
        return f"Parameter containing:\n{text}" if PARAMETERS.get(id(self)) is self else text

    def _suffixes(self) -> list[str]:
        if self.node is None:
            return []
        return [f"grad_fn=<{self.node.name()}>"] if self.node.rule is not None else ["requires_grad=True"]


_TENSOR_TYPES = {
    "float32": "FloatTensor", "float64": "DoubleTensor", "float16": "HalfTensor", "int64": "LongTensor",
    "int32": "IntTensor", "int16": "ShortTensor", "int8": "CharTensor", "uint8": "ByteTensor", "bool": "BoolTensor",
    "complex64": "ComplexFloatTensor", "complex128": "ComplexDoubleTensor",
}  # fmt: skip


def _is_there(array: Any, device: Any) -> bool:
    here = arrays.device_of(array)
    return here == str(device) or (str(device) == "cuda" and here.startswith("cuda"))


def _is_dtype(name: str) -> bool:
    try:
        return np.dtype(name) is not None
    except TypeError:
        return False


def _new(like: Any, value: Any, size: Any) -> Any:
    shape = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return like.wrap(np.full(shape, value, like.array.dtype), None)


def _drawn(kind: str, like: Any) -> Any:
    from ...core.generator import generator  # here: it is loaded with the first draw only

    drawn = np.asarray(getattr(generator(), kind)(np.shape(like.array)), like.array.dtype)
    return arrays.from_host(drawn, like.array)


def _in_place(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Make `t.f_(...)` from `t.f(...)`: the result is written to t's own memory."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = function(self if mode_now() is OFF else self.as_value(), *args, **kwargs)
        return inplace.assign(self, Ellipsis, made, fresh=made is not self)

    text = f"As `torch.Tensor.{name}`: `{name[:-1]}`, written into the tensor itself."
    return torch_math.titled(method, name, text)


def _to(name: str) -> Callable[..., Any]:
    dtype = DTYPES[ALIASES.get(name, name)]

    def method(self: Any) -> Any:
        return self.to(dtype)

    return torch_math.titled(method, name, f"Give this tensor as {dtype!r}.")


_MATH = (
    "add sub div clamp round isclose allclose equal lerp matmul outer inner addmm trace det inverse"
).split()
MATH: dict[str, Callable[..., Any]] = {name: getattr(torch_math, name) for name in _MATH}
MATH |= {"divide": torch_math.div, "subtract": torch_math.sub, "clip": torch_math.clamp}
# Every function of PyTorch's that is a method too.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **torch_math.UNARY, **torch_math.BINARY, **torch_math.PRODUCTS, **MATH, **torch_reductions.REDUCTIONS,
    **torch_shapes.SHAPES,
}  # fmt: skip
_WRITING = (
    "add sub mul div pow clamp neg abs exp log sqrt sin cos tanh sigmoid relu floor ceil round reciprocal square "
    "lerp squeeze unsqueeze"
).split()

for _name, _function in (FUNCTIONS | torch_shapes.METHODS).items():
    setattr(TorchMethods, _name, _function)
for _name in ("mul", "multiply", "true_divide", "pow"):  # built-in functions do not bind
    setattr(TorchMethods, _name, lambda self, other, _f=torch_math.BINARY[_name]: _f(self, other))
for _name in _WRITING:
    setattr(TorchMethods, _name + "_", _in_place(getattr(TorchMethods, _name), _name + "_"))
for _name in ("float", "double", "half", "long", "int", "short", "bool"):
    setattr(TorchMethods, _name, _to(_name))
