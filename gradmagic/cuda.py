"""PyTorch's questions about GPUs: `gm.cuda.is_available()`. CuPy is imported when one is asked, not before.

Random numbers are drawn on the host: the seeds of the GPUs change nothing, and `gm.manual_seed` is theirs too.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

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


def is_initialized() -> bool:
    """Tell whether CuPy has been asked for."""
    return "cupy" in sys.modules


def current_device() -> int:
    """Give the number of the GPU in use.

    Raises
    ------
    DeviceError
        If there is none; so do the functions below that ask for one.
    """
    return int(arrays.cupy().cuda.Device().id)


def set_device(device: Any) -> None:
    """Use this GPU from now on: its number, or "cuda:1"."""
    arrays.cupy().cuda.Device(_index(device)).use()


def get_device_properties(device: Any = None) -> Any:
    """Give what CUDA tells of a GPU: `name`, `total_memory`, `major`, `minor`, `multi_processor_count`."""
    told = arrays.cupy().cuda.runtime.getDeviceProperties(_index(device))
    return SimpleNamespace(
        name=told["name"].decode(), total_memory=told["totalGlobalMem"], major=told["major"], minor=told["minor"],
        multi_processor_count=told["multiProcessorCount"],
    )  # fmt: skip


def get_device_name(device: Any = None) -> str:
    """Give the name of a GPU."""
    return str(get_device_properties(device).name)


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Give the number of a GPU's kind."""
    found = get_device_properties(device)
    return found.major, found.minor


def _index(device: Any) -> int:
    if device is None:
        return current_device()
    return device if isinstance(device, int) else int(str(device).partition(":")[2] or 0)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Give the bytes that are free, and all, of a GPU."""
    with arrays.cupy().cuda.Device(_index(device)):
        free, total = arrays.cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def memory_allocated(device: Any = None) -> int:
    """Give the bytes that arrays hold on the GPU; 0 without one."""
    return int(arrays.cupy().get_default_memory_pool().used_bytes()) if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Give the bytes that CuPy's pool has taken from the GPU; 0 without one."""
    return int(arrays.cupy().get_default_memory_pool().total_bytes()) if is_available() else 0


def empty_cache() -> None:
    """Give back what CuPy's pool holds and nobody uses."""
    if is_available():
        arrays.cupy().get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Do nothing: what is random on a GPU is drawn on the host, after `gm.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Do nothing: see `manual_seed`."""


def is_bf16_supported() -> bool:
    """Tell that there is no bfloat16: NumPy has none."""
    return False
