"""Tensors handed to other libraries and taken over from them without copying, by the protocol DLPack.

In: a Tensor, or another library's. Out: the other's over the same memory. What is written to one is seen in the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from ...tape.ends import tell_of_device
from .tensor import Tensor

_CUDA = (2, 13)  # DLPack's numbers of devices: a GPU's memory, and memory that a GPU and the host share


class _Held:
    """An old capsule, which says nothing of itself, as an object that numpy.from_dlpack takes."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def array_over(x: Any) -> Any:
    """Give an array over the memory of another library's.

    Raises
    ------
    RuntimeError
        If it does not speak DLPack.
    """
    if type(x).__name__ == "PyCapsule":
        x = _Held(x)
    if not hasattr(x, "__dlpack__"):
        raise RuntimeError(tr(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once; "
            "a {kind} has no __dlpack__: write gm.tensor(data).", kind=type(x).__name__,
        ))  # fmt: skip
    kind = x.__dlpack_device__()[0]
    return arrays.cupy().from_dlpack(x) if kind in _CUDA else np.from_dlpack(x)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Make a tensor over the memory of another library's (PyTorch's, CuPy's, JAX's ...), by DLPack.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> a = np.zeros(3)
    >>> gm.from_dlpack(a)[0] = 5.0
    >>> a
    array([5., 0., 0.])
    """
    array = array_over(ext_tensor)
    if device is not None:
        array = arrays.to_device(array, device)
    tell_of_device(array)
    return Tensor.wrap(np.copy(array) if copy else array, None)  # type: ignore[no-any-return]


def to_dlpack(tensor: Any) -> Any:
    """Give a capsule of DLPack over the memory of a tensor; newer libraries take the tensor itself."""
    return tensor.__dlpack__()
