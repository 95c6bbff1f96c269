"""PyTorch's address of what registering a hook gives: `from gradmagic.utils.hooks import RemovableHandle`."""

from ..engine.core.handles import RemovableHandle

__all__ = ["RemovableHandle"]
