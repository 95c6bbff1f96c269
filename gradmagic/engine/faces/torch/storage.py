"""What PyTorch tells of the memory below a tensor: `t.untyped_storage().nbytes()`.

In: a tensor. Out: its whole memory, which views share, as far as it can be told without a word on entries.
"""

from __future__ import annotations

from typing import Any

from ...core import arrays
from ...tape import memory


class UntypedStorage:
    """The memory that a tensor and its views look into.

    Examples
    --------
    >>> import gradmagic as gm
    >>> t = gm.zeros(2, 3)
    >>> t.untyped_storage().nbytes(), t[1].untyped_storage().data_ptr() == t.data_ptr()
    (24, True)
    """

    def __init__(self, array: Any) -> None:
        self._array = array

    def nbytes(self) -> int:
        """Give its size in bytes."""
        return int(self._array.nbytes)

    size = __len__ = nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def data_ptr(self) -> int:
        """Give its address."""
        return arrays.address(self._array)


def untyped_storage(self: Any) -> UntypedStorage:
    """As `torch.Tensor.untyped_storage`: the memory below, all of it."""
    return UntypedStorage(memory.base_of(memory.materialise(self)))


METHODS = {"untyped_storage": untyped_storage}
