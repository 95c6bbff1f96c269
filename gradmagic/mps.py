"""PyTorch's questions about Apple's GPUs, which gradmagic does not use."""

from .backends.mps import is_available

__all__ = ["device_count", "is_available"]


def device_count() -> int:
    """Give the number of such devices: none."""
    return 0
