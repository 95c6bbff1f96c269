"""PyTorch's methods and attributes for `Tensor`: the functions of the torch_*.py files by name, and what only a
method can be: size and dtype, writing in place, conversion, printing.

In: a Tensor and a method's arguments, as PyTorch takes them. Out: what PyTorch gives.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

import numpy as np

from ....errors import ConversionError
from ....language import tr
from ...core import arrays
from ...core.frames import asks_attribute, takes_entry
from ...dispatch.primitives import cast, move
from ...tape.ends import tell_of_device
from ...tape.memory import base_of, materialise
from ...tape.tracked import Tracked
from . import math as torch_math
from . import matrices, picking
from . import shapes as torch_shapes
from .arguments import at, shown
from .dtypes import SPOKEN, Device, DType, Size, dtype_of
from .math import OperandError
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
        shape = np.shape(self.array)
        return Size(shape) if dim is None else shape[at(dim, len(shape))]

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
            raise ConversionError(tr(
                "Can't get __cuda_array_interface__ on Variable that requires grad. Write np.f(t) for "
                "cp.f(t), or t.detach() if the gradient is not wanted.",
            ))  # fmt: skip
        return self.array.__cuda_array_interface__

    def on_host(self) -> Any:
        """Give the memory as a NumPy array; not that of a GPU, which would have to be copied without a word."""
        if self.is_cuda:
            raise ConversionError(
                f"can't convert {arrays.device_of(self.array)} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return materialise(self)  # type: ignore[arg-type]

    def __dlpack__(self, **options: Any) -> Any:
        if self.node is not None:
            raise BufferError(tr(
                "Can't export tensors that require gradient, use tensor.detach(): what is written elsewhere "
                "has none.",
            ))  # fmt: skip
        array = materialise(self)  # type: ignore[arg-type]
        return (array if arrays.is_array(array) else np.asarray(array)).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return (self.array if self.is_cuda else np.zeros(0)).__dlpack_device__()

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

    nelement, ndimension = numel, dim

    @property
    def itemsize(self) -> int:
        """The bytes of an entry."""
        return int(self.array.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """The bytes of all entries."""
        return int(np.size(self.array)) * self.itemsize

    def data_ptr(self) -> int:
        """Give the address of the first entry."""
        return arrays.address(materialise(self))  # type: ignore[arg-type]

    def storage_offset(self) -> int:
        """Give how many entries of its memory lie before the first."""
        array = materialise(self)  # type: ignore[arg-type]
        return (arrays.address(array) - arrays.address(base_of(array))) // int(array.dtype.itemsize)

    def is_signed(self) -> bool:
        """Tell whether the dtype has negative numbers."""
        return bool(self.array.dtype.kind in "ifc")

    def get_device(self) -> int:
        """Give the number of the GPU, -1 for the host."""
        return int(arrays.device_of(self.array).partition(":")[2] or -1)

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
        if np.ndim(self.array) < 2:
            raise OperandError(
                "tensor.mT is only supported on matrices or batches of matrices. Got "
                f"{np.ndim(self.array)}-D tensor."
            )
        return np.swapaxes(self, -1, -2)  # type: ignore[call-overload]

    @property
    def H(self) -> Any:
        """A matrix with its dims exchanged, conjugated."""
        if np.ndim(self.array) not in (0, 2):
            raise OperandError(tr(
                "tensor.H is only supported on matrices (2-D tensors). Got {ndim}-D tensor. Write t.mH for "
                "the last two dims.", ndim=np.ndim(self.array),
            ))  # fmt: skip
        return self.mH if np.ndim(self.array) else self

    @property
    def mH(self) -> Any:
        """With the last two dims exchanged, conjugated."""
        return np.conjugate(self.mT) if self.is_complex() else self.mT

    @property
    def real(self) -> Any:
        """The real parts; a real tensor itself."""
        return shown(np.real(self), "SelectBackward0") if self.array.dtype.kind == "c" else self

    @property
    def imag(self) -> Any:
        """The imaginary parts."""
        if self.array.dtype.kind != "c":
            raise OperandError(tr(
                "imag is not implemented for tensors with non-complex dtypes. It would be 0 everywhere.",
            ))  # fmt: skip
        return shown(np.imag(self), "SelectBackward0")

    def contiguous(self) -> Any:
        """Give a tensor whose entries lie in memory in their order."""
        return self if self.is_contiguous() else np.copy(self, order="C")  # type: ignore[call-overload]

    # -- kinds that are not here -------------------------------------------------------------------
    is_sparse = is_quantized = is_meta = is_mps = is_xla = is_xpu = is_sparse_csr = is_mkldnn = is_nested = (
        False
    )

    def _no(self) -> bool:
        """Tell that it is not: what PyTorch would still have to do, or shares with processes, is not here."""
        return False

    is_conj = is_neg = is_inference = is_pinned = is_shared = _no

    def share_memory_(self) -> Any:
        """Give the tensor; there are no worker processes to share it with."""
        return self

    def to_dense(self) -> Any:
        """Give the tensor, which is dense."""
        return self

    @property
    def is_cpu(self) -> bool:
        """Whether it lives on the host."""
        return not self.is_cuda

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
        return picking.clone(made) if copy and made is self else made

    def type(self, dtype: Any = None) -> Any:
        """Give this tensor in another dtype, or PyTorch's old name of its type."""
        if dtype is not None:
            name = dtype.removeprefix("torch.") if isinstance(dtype, str) else ""
            return self.to(_NAMED.get(name, name) or dtype)
        name = self.array.dtype.name
        return f"torch.{SPOKEN.get(name, name)}Tensor"

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

    def new_full(
        self,
        size: Any,
        fill_value: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Any:
        """Make a tensor of one value in this one's dtype, on its device."""
        made = np.full(size, fill_value, self.array.dtype if dtype is None else np.dtype(dtype))
        there = arrays.from_host(made, self.array) if device is None else arrays.to_device(made, device)
        return type(self).wrap(there, None).requires_grad_(requires_grad)  # type: ignore[attr-defined]

    def new_zeros(self, *size: Any, **options: Any) -> Any:
        """Make zeros in this one's dtype."""
        return self.new_full(_size(size, options), 0, **options)

    def new_ones(self, *size: Any, **options: Any) -> Any:
        """Make ones in this one's dtype."""
        return self.new_full(_size(size, options), 1, **options)

    new_empty = new_zeros

    # -- writing in place --------------------------------------------------------------------------
    def zero_(self) -> Any:
        """Set every entry to 0."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Any:
        """Set every entry to `value`."""
        return shown(self.assign(Ellipsis, value), f"FillBackward{1 + (not isinstance(value, Tracked))}")

    def copy_(self, src: Any) -> Any:
        """Take over the entries of `src`, from whatever device."""
        if isinstance(src, TorchMethods):
            moved = src if src.is_cuda == self.is_cuda else src.to(self.device)  # type: ignore[attr-defined]
            if self.array.dtype.kind not in "fc":
                moved = moved.detach()  # type: ignore[union-attr]
            return shown(self.assign(Ellipsis, moved), "CopyBackwards")
        return self.assign(Ellipsis, arrays.beside(src, self.array))

    def fill_diagonal_(self, fill_value: Any, wrap: bool = False) -> Any:
        """Set the entries of the diagonal to `fill_value`; `wrap`: it begins anew below a tall matrix."""
        shape = np.shape(self.array)
        if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
            raise OperandError(tr(
                "all dimensions of input must be of equal length, and there are two or more.",
            ))  # fmt: skip
        mask = np.zeros(shape, bool)
        np.fill_diagonal(mask, True, wrap)
        return self.assign(arrays.from_host(mask, self.array), fill_value)

    def detach_(self) -> Any:
        """Cut this tensor off from what made it."""
        self.node = None
        return self

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        """Set the entries where `mask` holds to `value`."""
        plain = np.broadcast_to(getattr(mask, "array", mask), np.shape(self.array))
        value = picking.fill_value(self, mask, value)
        return shown(self.assign(plain, value), f"MaskedFillBackward{int(isinstance(value, Tracked))}")

    # -- operators that PyTorch names otherwise than NumPy's functions --------------------------------
    __pow__ = torch_math.power
    __rpow__ = torch_math.power_of
    __getitem__ = picking.getitem

    def __len__(self) -> int:
        if not np.ndim(self.array):
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Any:
        if not np.ndim(self.array):
            raise TypeError("iteration over a 0-d tensor")
        return iter(picking.unbind(self))

    def __mod__(self, other: Any) -> Any:
        return torch_math.BINARY["remainder"](self, other)

    def __lshift__(self, other: Any) -> Any:
        return self.bitwise_left_shift(other)  # type: ignore[attr-defined]

    def __rshift__(self, other: Any) -> Any:
        return self.bitwise_right_shift(other)  # type: ignore[attr-defined]

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, (int, float, complex)):
            return NotImplemented
        return matrices.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return (
            matrices.matmul(other, self) if not isinstance(other, (int, float, complex)) else NotImplemented
        )

    # -- printing ------------------------------------------------------------------------------------
    def __repr__(self) -> str:
        text = tensor_text(arrays.to_host(self.array), self._suffixes(), arrays.device_of(self.array))
        return f"Parameter containing:\n{text}" if PARAMETERS.get(id(self)) is self else text

    def _suffixes(self) -> list[str]:
        if self.node is None:
            return []
        return [f"grad_fn=<{self.node.name()}>"] if self.node.rule is not None else ["requires_grad=True"]


_NAMED = {f"{spoken}Tensor": name for name, spoken in SPOKEN.items()}


def _is_there(array: Any, device: Any) -> bool:
    here = arrays.device_of(array)
    return here == str(device) or (str(device) == "cuda" and here.startswith("cuda"))


def _is_dtype(name: str) -> bool:
    try:
        return np.dtype(name) is not None
    except TypeError:
        return False


def _size(size: Any, options: dict[str, Any]) -> Any:
    size = size or (options.pop("size"),)
    return size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
