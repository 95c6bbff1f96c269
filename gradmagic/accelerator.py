"""PyTorch's questions about whatever GPU there is: `gm.accelerator.is_available()`."""

from __future__ import annotations

from typing import Any

from . import cuda
from .cuda import device_count, is_available, synchronize
from .engine.faces.torch.dtypes import Device

__all__ = ["current_accelerator", "current_device_index", "device_count", "is_available", "synchronize"]


def current_accelerator(check_available: bool = False) -> Any:
    """Give the kind of device, None if there is no GPU.

    Examples
    --------
    >>> import gradmagic as gm
    >>> device = gm.accelerator.current_accelerator() if gm.accelerator.is_available() else gm.device("cpu")
    """
    return Device("cuda") if is_available() else None


def current_device_index() -> int:
    """Give the number of the GPU in use."""
    return cuda.current_device()
