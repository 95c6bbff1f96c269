"""PyTorch's `utils.dlpack`: tensors handed on without copying."""

from ..functions import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
