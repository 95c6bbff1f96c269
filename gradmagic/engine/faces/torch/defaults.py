"""What a tensor is made of, and where, if nothing is said: float32 on the host, until somebody says otherwise.

In: `set_default_dtype`, `set_default_device`, or `with gm.device(...)`. Out: a dtype, and a device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....language import tr
from .dtypes import DEVICES, Device, DType, dtype_of

# Of truth values, whole numbers, floats and complex numbers: what Python's numbers become.
OF_KIND: dict[int, Any] = {
    i: np.dtype(kind) for i, kind in enumerate(("bool", "int64", "float32", "complex64"))
}
_COMPLEX: dict[str, Any] = {
    "e": np.dtype(np.complex64),
    "f": np.dtype(np.complex64),
    "d": np.dtype(np.complex128),
}


def float_dtype() -> np.dtype[Any]:
    """Give NumPy's dtype of new floats."""
    return OF_KIND[2]  # type: ignore[no-any-return]


def complex_dtype() -> np.dtype[Any]:
    """Give NumPy's dtype of new complex numbers: of two floats as they are made."""
    return OF_KIND[3]  # type: ignore[no-any-return]


def device() -> Any:
    """Give the device of new tensors; None: the host."""
    return DEVICES[-1]


def set_default_dtype(d: Any, /) -> None:
    """Make floats in another dtype than float32 from now on.

    Raises
    ------
    TypeError
        If the dtype is no floating one.
    """
    kind = np.dtype(d)
    if kind.kind != "f":
        raise TypeError(tr(
            "only floating-point types are supported as the default type: {dtype!r} has no fraction.",
            dtype=dtype_of(kind),
        ))  # fmt: skip
    OF_KIND[2], OF_KIND[3] = kind, _COMPLEX[kind.char]


def get_default_dtype() -> DType:
    """Give the dtype that floats are made in.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.get_default_dtype()
    torch.float32
    """
    return dtype_of(OF_KIND[2])


def set_default_device(device: Any) -> None:
    """Make tensors on another device than the host from now on; None: on the host again."""
    DEVICES[0] = None if device is None else str(Device(device))


def get_default_device() -> Device:
    """Give the device that tensors are made on.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.get_default_device()
    device(type='cpu')
    """
    return Device(DEVICES[-1] or "cpu")
