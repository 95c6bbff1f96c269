"""`gm.tensor`: from numbers, lists and arrays to a Tensor.

In: data and where it shall live. Out: a leaf.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ....errors import ArgumentError, ConversionError
from ....language import tr
from ...core import arrays
from ...core.foreign import Foreign, foreign, is_lazy
from ...core.places import name_of
from ...core.trees import leaves
from ...tape.ends import leaf, tell_of_device
from ...tape.tracked import Tracked, raws, tracked_in
from . import defaults
from .tensor import Tensor


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor from numbers, lists or arrays; the data are copied.

    Parameters
    ----------
    data : array_like
        Python floats become float32 and ints int64, as in PyTorch; arrays and NumPy scalars keep their dtype.
    dtype : dtype, optional
        Of the result, by NumPy's or gradmagic's name (`gm.float64`).
    device : str, optional
        "cpu" (the default), "cuda" or "cuda:0".
    requires_grad : bool
        Whether `backward` computes a gradient for it.

    Returns
    -------
    Tensor
        Of the data's shape.

    Raises
    ------
    ArgumentError
        If the data are no numbers, or lie under a mask.
    IntegerGradError
        If a gradient is wanted for whole numbers.
    DeviceError
        If the device cannot be used here.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.tensor([[1.0, 2.0]], requires_grad=True)
    tensor([[1., 2.]], requires_grad=True)
    """
    array: Any
    if not isinstance(data, (Tracked, list, tuple)) and (words := foreign(data)) is not None:
        data = _admitted(data, words)
    given = data
    if isinstance(data, Tracked) and data.soft:
        data = data.leave("gm.tensor", "gm.as_tensor(data)")
    if isinstance(data, Tracked):
        array = np.copy(data.array)
    elif arrays.is_array(data):
        array = data.copy()
    elif isinstance(data, np.generic):
        array = data
    else:
        array = _from_python(data, dtype)
    if dtype is not None:
        array = array.astype(np.dtype(dtype), copy=False)
    place = defaults.device() if device is None and not isinstance(given, Tracked) else device
    if place is not None:
        array = arrays.to_device(array, place)
    tell_of_device(array)
    if type(array) is np.ndarray and not array.ndim:
        array = array[()]  # NumPy scalars inside: see Tracked
    return Tensor.wrap(array, leaf(array) if requires_grad else None)


def _admitted(data: Any, words: Foreign) -> Any:
    """Give the numbers of a subclass of ndarray or of a Series, asked for by name; none under a mask, none lazy."""
    array = (
        np.asarray(data)
        if hasattr(type(data), "__array__") and not isinstance(data, np.ma.MaskedArray) and not is_lazy(data)
        else None
    )
    if array is None or array.dtype.kind not in "biufc":
        called = name_of(data, sys._getframe(1)) if data is not None else ""
        which = tr("{name!r}, {what}", name=called, what=words) if called else words
        raise ArgumentError(tr(
            "gm.tensor() needs numbers, and got {what}. {advice}.", what=which,
            advice=words.advice(called or "data"),
        ))  # fmt: skip
    return array


def _from_python(data: Any, dtype: Any) -> Any:
    for v in (followed := [v for v in tracked_in(data) if v.soft]):
        v.leave("gm.tensor", "gm.stack([...])")
    if followed:
        data = raws(data)
    if any(v.node is not None for v in tracked_in(data)):
        raise ConversionError(tr(
            "gm.tensor([...]) of tensors that require grad would lose their gradients: write gm.stack([...]).",
        ))  # fmt: skip
    if (words := foreign(data)) is not None:
        raise ArgumentError(tr(
            "gm.tensor() needs numbers, and got {what}. {advice}.", what=words,
            advice=words.advice("data"),
        ))  # fmt: skip
    array: Any = np.array(data)
    if dtype is None and not any(isinstance(v, (np.ndarray, np.generic)) for v in leaves(data)):
        made: dict[str, Any] = {"f": defaults.float_dtype(), "c": defaults.complex_dtype()}
        array = array.astype(made.get(array.dtype.kind, array.dtype))
    return array
