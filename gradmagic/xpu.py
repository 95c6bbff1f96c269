"""PyTorch's questions about Intel's GPUs, which gradmagic does not use."""

__all__ = ["device_count", "is_available"]


def is_available() -> bool:
    """Tell that there is no such device."""
    return False


def device_count() -> int:
    """Give the number of such devices: none."""
    return 0
