"""Where gradients end and where they start: the node of an input, and the cotangent of a result.

In: an array, or a result and the user's `gradient=`. Out: a `Leaf`; the array that a sweep starts with.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arrays
from .errors import IntegerGradError, NonScalarError, ShapeError
from .messages import blame
from .tape import Leaf, aval_of
from .tracked import Tracked


def leaf(array: Any) -> Leaf:
    """Make the node of an input.

    Raises
    ------
    IntegerGradError
        If the dtype is neither floating point nor complex.
    """
    aval = aval_of(array)
    if aval.dtype.kind not in "fc":
        raise IntegerGradError(
            "Only Tensors of floating point and complex dtype can require gradients, "
            f"and this one is {aval.dtype}. Write its numbers with a decimal point (1.0), or dtype=gm.float32."
        )
    return Leaf(aval)


def seed(tensor: Tracked, gradient: Any) -> Any:
    """Give the cotangent that a sweep from `tensor` starts with.

    Raises
    ------
    NonScalarError
        If there is no `gradient` and the tensor has several entries.
    ShapeError
        If `gradient` is not of the tensor's shape.
    """
    node = tensor.node
    assert node is not None
    aval = node.aval
    if gradient is None:
        if aval.size != 1:
            name = blame(tensor, "the result")
            raise NonScalarError(
                f"grad can be implicitly created only for scalar outputs: {name}, has {aval.size} entries. "
                "Write .sum().backward() (or .mean()), or backward(gradient=...) with one weight for each entry."
            )
        return arrays.ones(aval, tensor.array) if aval.shape or arrays.on_device(tensor.array) else aval.one
    g = (
        gradient
        if isinstance(gradient, Tracked)
        else np.asarray(gradient)
        if not arrays.is_array(gradient)
        else gradient
    )
    shape = np.shape(g.array) if isinstance(g, Tracked) else g.shape
    if tuple(shape) != aval.shape:
        raise ShapeError(
            f"Mismatch in shape: gradient= has a shape of {tuple(shape)} and the result has a shape of {aval.shape}. "
            "Give one weight for each entry of the result."
        )
    if isinstance(g, Tracked):
        return Tracked.joined(g.array, g.node) if g.node is not None else g.array
    return g.astype(aval.tangent)
