"""PyTorch's questions about GPUs: `gm.cuda.is_available()`. CuPy is imported when one is asked, not before."""

from __future__ import annotations

from .engine.core import arrays
from .errors import DeviceError


def is_available() -> bool:
    """Tell whether CuPy is installed and finds a GPU that it can use."""
    try:
        arrays.cupy()
    except DeviceError:
        return False
    return True


def device_count() -> int:
    """Give the number of GPUs."""
    return int(arrays.cupy().cuda.runtime.getDeviceCount()) if is_available() else 0


def synchronize() -> None:
    """Wait until the GPU has done what it was told, as one does before reading a clock."""
    if is_available():
        arrays.cupy().cuda.Device().synchronize()
