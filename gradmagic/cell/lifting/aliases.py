"""Arrays that share memory with a lifted one (`xs = x[1:]` of an earlier cell): lifted along, as views of it.

In: a lifted array, the user's own behind it, and the other array of the user's. Out: a tracked view over the same
memory, from which the gradient flows on to the lifted array; None where the one is no part of the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.faces.numpy.array import Array
from ...engine.tape import memory


def view_along(lifted: Array, owner: Any, other: Any) -> Array | None:
    """Give the view of `lifted` that `other` is of `owner`.

    Examples
    --------
    >>> owner = np.arange(6.0).reshape(2, 3)
    >>> view_along(Array.lift(owner), owner, owner.T[1:])
    array([[1., 4.],
           [2., 5.]])
    """
    index = _places(owner, other)
    if index is None or lifted.array.strides != owner.strides:
        return None
    view: Any = np.take(lifted, index)
    view.array = memory.same_view(other, owner, lifted.array)
    view.node.place = None  # the user has written it in another cell, if at all
    memory.shares(view, lifted)
    return view  # type: ignore[no-any-return]


def share(a: Any, b: Any) -> bool:
    """Tell whether two arrays share memory; where that is hard to tell, whether it could be."""
    try:
        return bool(np.shares_memory(a, b, max_work=10_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _places(owner: Any, other: Any) -> Any:
    """Give, for each entry of `other`, its place in `owner` when that is counted in C order."""
    numbers = np.empty_like(owner, np.intp)  # laid out as the owner is, if it has no gaps
    size, offset = owner.itemsize, _address(other) - _address(owner)
    if owner.dtype != other.dtype or offset % size or any(step % size for step in other.strides):
        return None
    scale = numbers.itemsize
    if tuple(step // size * scale for step in owner.strides) != numbers.strides:
        return None
    low, high = np.lib.array_utils.byte_bounds(other)
    begin, end = np.lib.array_utils.byte_bounds(owner)
    if low < begin or high > end:
        return None
    if not numbers.flags.forc:  # axes in an order of its own: rare, and not worth the lines
        return None
    numbers[...] = np.arange(owner.size).reshape(owner.shape)
    flat = numbers.reshape(-1, order="A")
    steps = tuple(step // size * scale for step in other.strides)
    return np.ndarray(other.shape, np.intp, flat, offset // size * scale, steps)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
