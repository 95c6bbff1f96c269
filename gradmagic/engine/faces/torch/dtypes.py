"""PyTorch's names for dtypes and shapes, as `Tensor` shows them: `torch.float32`, `torch.Size([2, 3])`.

In: NumPy's dtypes and tuples. Out: the same things with PyTorch's printing; NumPy takes them for its own. They print
with the word torch because programs `import gradmagic as torch`: what is printed can be typed in again.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class DType:
    """A dtype with PyTorch's name. `np.dtype(gm.float32)` is NumPy's.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.tensor([1.0]).dtype
    torch.float32
    >>> gm.tensor([1.0]).dtype == np.float32
    True
    """

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: Any) -> None:
        self.name, self.dtype = name, np.dtype(dtype)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __eq__(self, other: object) -> bool:
        try:
            return self.dtype == np.dtype(other)  # type: ignore[call-overload, no-any-return]
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce__(self) -> Any:
        return dtype_of, (self.dtype,)

    @property
    def is_floating_point(self) -> bool:
        """Whether its numbers are real and have a fraction."""
        return self.dtype.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Whether its numbers are complex."""
        return self.dtype.kind == "c"

    @property
    def itemsize(self) -> int:
        """Bytes a number."""
        return self.dtype.itemsize


_NAMES = "float16 float32 float64 complex64 complex128 uint8 int8 int16 int32 int64 bool uint16 uint32 uint64".split()
DTYPES: dict[str, DType] = {name: DType(name, name) for name in _NAMES}
# PyTorch's second names.
ALIASES = {
    "half": "float16", "float": "float32", "double": "float64", "cfloat": "complex64", "cdouble": "complex128",
    "short": "int16", "int": "int32", "long": "int64",
}  # fmt: skip
# As PyTorch speaks of them, in errors and in the names of types (torch.LongTensor).
SPOKEN = {
    "float32": "Float", "float64": "Double", "float16": "Half", "int64": "Long", "int32": "Int", "int16": "Short",
    "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip
_BY_DTYPE = {d.dtype: d for d in DTYPES.values()}


def dtype_of(dtype: Any) -> DType:
    """Give PyTorch's name for a NumPy dtype."""
    found = _BY_DTYPE.get(dtype)
    return found if found is not None else DType(str(dtype), dtype)


class Size(tuple[int, ...]):
    """A shape: a tuple that prints as PyTorch's.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.ones(2, 3).shape
    torch.Size([2, 3])
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def numel(self) -> int:
        """Give the number of entries of a tensor of this shape."""
        count = 1
        for n in self:
            count *= n
        return count


DEVICES: list[str | None] = [
    None
]  # where new tensors live: the default, and those of `with gm.device(...)` within


class Device(str):
    """Where a tensor lives, as PyTorch names it: "cpu" or "cuda:0".

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.device("cuda", 1)
    device(type='cuda', index=1)
    >>> gm.ones(1).device == "cpu"
    True
    """

    __slots__ = ()

    def __new__(cls, type: Any = "cpu", index: int | None = None) -> Device:
        return super().__new__(cls, type if index is None else f"{type}:{index}")

    @property
    def type(self) -> str:
        """The kind of device."""
        return str(self).partition(":")[0]

    @property
    def index(self) -> int | None:  # type: ignore[override]
        """Its number, None if it was not named."""
        number = str(self).partition(":")[2]
        return int(number) if number else None

    def __enter__(self) -> Device:
        DEVICES.append(str(self))
        return self

    def __exit__(self, *_: Any) -> None:
        DEVICES.pop()

    def __repr__(self) -> str:
        return (
            f"device(type={self.type!r})"
            if self.index is None
            else f"device(type={self.type!r}, index={self.index})"
        )
