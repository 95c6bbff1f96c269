"""Where gradients end and where they start: the node of an input, and the cotangent of a result.

In: an array, or a result and the user's `gradient=`. Out: a `Leaf`; the array that a sweep starts with.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, DeviceError, IntegerGradError, NonScalarError, ShapeError
from ...language import tr
from ..core import arrays
from ..core.foreign import foreign
from ..core.places import user_frame
from . import collector  # noqa: F401  (listens from the first tensor on)
from .messages import blame
from .nodes import Leaf, aval_of
from .tracked import Tracked, raw

ON_DEVICE: list[Callable[[], None]] = []  # what hears of the first tensor on a device


def tell_of_device(array: Any) -> None:
    """Tell of a tensor's array, if it is the first on a device."""
    if ON_DEVICE and arrays.on_device(array):
        ON_DEVICE.pop()()


def leaf(array: Any) -> Leaf:
    """Make the node of an input.

    Raises
    ------
    IntegerGradError
        If the dtype is neither floating point nor complex.
    """
    aval = aval_of(array)
    tell_of_device(array)
    if aval.dtype.kind not in "fc":
        raise IntegerGradError(tr(
            "Only Tensors of floating point and complex dtype can require gradients: this one is {dtype}. Write its "
            "numbers with a decimal point (1.0), or dtype=gm.float32.", dtype=aval.dtype,
        ))  # fmt: skip
    return Leaf(aval)


def seed(tensor: Tracked, gradient: Any) -> Any:
    """Give the cotangent that a sweep from `tensor` starts with.

    Raises
    ------
    NonScalarError
        If there is no `gradient` and the tensor has several entries.
    ShapeError
        If `gradient` is not of the tensor's shape.
    ArgumentError
        If `gradient` is no array of numbers, or complex for a real result.
    DeviceError
        If `gradient` lives on another device than the tensor.
    """
    node = tensor.node
    assert node is not None
    aval = node.aval
    if gradient is None:
        if aval.size != 1:
            raise NonScalarError(tr(
                "grad can be implicitly created only for scalar outputs: {value}, has {count} entries. "
                "Write .sum().backward() (or .mean()), or backward(gradient=...) with one weight for each entry.",
                value=blame(tensor, tr("the result")), count=aval.size,
            ))  # fmt: skip
        if not aval.real:
            raise NonScalarError(tr(
                "grad can be implicitly created only for real scalar outputs but got torch.{dtype}: {value}, is "
                "complex. Take a real number of it, such as np.real(...) or np.abs(...), or give "
                "backward(gradient=...).", dtype=aval.dtype, value=blame(tensor, tr("the result")),
            ))  # fmt: skip
        if aval.shape or arrays.on_device(tensor.array):
            return arrays.ones(aval, tensor.array)
        return arrays.like_recorded(aval.one, tensor.array)
    g = gradient if isinstance(gradient, Tracked) else _weights(gradient)
    shape = np.shape(raw(g))
    if tuple(shape) != aval.shape:
        raise ShapeError(tr(
            "Mismatch in shape: gradient= has a shape of {given} and the result has a shape of {shape}. Give one "
            "weight for each entry of the result.", given=tuple(shape), shape=aval.shape,
        ))  # fmt: skip
    plain = raw(g)
    if np.ndim(plain) and arrays.device_of(plain) != arrays.device_of(tensor.array):
        raise DeviceError(tr(
            'gradient= is on {given} and the result on {device}: write gm.tensor(gradient, device="{device}").',
            given=arrays.device_of(plain), device=arrays.device_of(tensor.array),
        ))  # fmt: skip
    if np.asarray(plain).dtype.kind == "c" if not arrays.on_device(plain) else plain.dtype.kind == "c":
        if aval.real:
            raise ArgumentError(tr(
                "gradient= is complex, and the result, {result}, is real: its gradient would lose a part. Write "
                "gradient.real, or the part that is meant.", result=aval,
            ))  # fmt: skip
    elif not arrays.on_device(plain) and not np.all(np.equal(plain, plain)):
        text = tr("gradient= holds NaN: every gradient that it meets on the way back is NaN.")
        warnings.warn(text, UserWarning, stacklevel=_stacklevel())
    if isinstance(g, Tracked):
        return Tracked.joined(g.array, g.node) if g.node is not None else g.array
    return g.astype(aval.tangent)


def _weights(gradient: Any) -> Any:
    if (words := foreign(gradient)) is not None:
        raise ArgumentError(tr(
            "gradient= is {what}: give one number for each entry. {advice}.", what=words,
            advice=words.advice("gradient"),
        ))  # fmt: skip
    return gradient if arrays.is_array(gradient) else np.asarray(gradient)


def _stacklevel() -> int:
    """Count the frames from the caller's to the user's."""
    frame, level, user = sys._getframe(1), 1, user_frame(sys._getframe(1))
    while frame is not None and frame is not user:
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level
