"""PyTorch's address of `Parameter`: `from gradmagic.nn.parameter import Parameter`."""

from .parameters import Parameter

__all__ = ["Parameter"]
