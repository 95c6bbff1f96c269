"""Parts of arrays: the view of one array that has the entries which another is of a third.

In: a part, its whole, another array with as many entries. Out: the same part of that one, over its memory; NumPy's and
a device's arrays alike, of any dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.arrays import on_device
from .libraries import address


def same_part(part: Any, whole: Any, other: Any) -> Any:
    """Give the view of `other` that has the entries which `part` has of `whole`; None where there is none.

    Examples
    --------
    >>> whole = np.arange(6.0).reshape(2, 3)
    >>> same_part(whole[:, 1:], whole, np.arange(10, 16).reshape(2, 3))
    array([[11, 12],
           [14, 15]])
    """
    if not part.size or whole.size != other.size:
        return None
    offset, size = address(part) - address(whole), whole.itemsize
    if part.dtype != whole.dtype:
        return _of_bytes(part, whole, other, offset)
    if on_device(other):
        sliced = _sliced(part, whole, other, offset)
        if sliced is not None:
            return sliced  # which knows its base, as what as_strided gives does not
    if not (whole.flags.c_contiguous and other.flags.c_contiguous):
        return _same_slice(part, whole, other, offset)
    if not _within(part, whole, offset) or any(step % size for step in (offset, *part.strides)):
        return None
    scale = other.itemsize
    return _view(other, part.shape, offset // size * scale, [step // size * scale for step in part.strides])


def _within(part: Any, whole: Any, offset: int) -> bool:
    """Tell whether the entries of `part` lie in the memory of `whole`, an array without gaps."""
    ends = [(n - 1) * step for n, step in zip(part.shape, part.strides, strict=True)]
    low, high = offset + sum(e for e in ends if e < 0), offset + sum(e for e in ends if e > 0)
    return low >= 0 and high + part.itemsize <= whole.nbytes


def _of_bytes(part: Any, whole: Any, other: Any, offset: int) -> Any:
    """`same_part` of other numbers in the same memory, of NumPy's arrays: real parts, `x.view(dtype)`."""
    alike = whole.dtype == other.dtype and whole.flags.c_contiguous and other.flags.c_contiguous
    if not alike or on_device(other) or not _within(part, whole, offset):
        return None
    return np.ndarray(part.shape, part.dtype, other, offset, part.strides)


def _sliced(part: Any, whole: Any, other: Any, offset: int) -> Any:
    """`same_part` by an index and a transposition, or by another shape of it all."""
    contiguous = part.flags.c_contiguous and whole.flags.c_contiguous and other.flags.c_contiguous
    if contiguous and part.size == whole.size:
        return other.reshape(part.shape)
    start = _index(offset, whole)
    if start is None or whole.shape != other.shape:
        return None
    index: list[Any] = list(start)
    moved: list[int] = []  # which axis of the whole each axis of the part goes along
    for n, step in zip(part.shape, part.strides, strict=True):
        if n == 1:
            continue
        last = _index(offset + step * (n - 1), whole) if step else None
        along = [k for k in range(whole.ndim) if last is not None and last[k] != start[k]]
        if (
            len(along) != 1
            or along[0] in moved
            or last is None
            or (last[along[0]] - start[along[0]]) % (n - 1)
        ):
            return None
        (k,) = along
        by = (last[k] - start[k]) // (n - 1)
        end = last[k] + by
        index[k] = slice(start[k], None if end < 0 else end, by)
        moved.append(k)
    ranks = sorted(moved)
    made = other[tuple(index)].transpose([ranks.index(k) for k in moved])
    return made.reshape(part.shape) if 1 in part.shape else made


def _same_slice(part: Any, whole: Any, other: Any, offset: int) -> Any:
    """`same_part` of arrays with gaps, or in another order: a part that slices give."""
    start = _index(offset, whole)
    if start is None or whole.shape != other.shape:
        return None
    strides, corner = [], list(start)
    for n, step in zip(part.shape, part.strides, strict=True):
        if n == 1 or not step:
            strides.append(0)
            continue
        last = _index(offset + step * (n - 1), whole)
        by = [] if last is None else [(b - a) / (n - 1) for a, b in zip(start, last, strict=True)]
        if sum(b * s for b, s in zip(by, whole.strides, strict=False)) != step:
            return None
        corner = [c + b * (n - 1) for c, b in zip(corner, by, strict=True)]
        strides.append(int(sum(b * s for b, s in zip(by, other.strides, strict=True))))
    if any(not 0 <= c < n for c, n in zip(corner, whole.shape, strict=True)):
        return None
    first = sum(i * s for i, s in zip(start, other.strides, strict=True))
    return _view(other, part.shape, first, strides)


def _index(offset: int, whole: Any) -> list[int] | None:
    """Give the index of the entry that lies so many bytes behind the first."""
    found = [0] * whole.ndim
    for k in sorted(range(whole.ndim), key=lambda k: -abs(whole.strides[k])):
        if whole.shape[k] > 1 and whole.strides[k] > 0:
            found[k], offset = divmod(offset, whole.strides[k])
    return None if offset or any(not 0 <= i < n for i, n in zip(found, whole.shape, strict=True)) else found


def _view(of: Any, shape: Any, offset: int, strides: list[int]) -> Any:
    if on_device(of):
        flat = of.ravel()[offset // of.itemsize :]  # of an array without gaps: a view
        return arrays.module_of(of).lib.stride_tricks.as_strided(flat, shape, strides)
    if of.flags.forc:
        return np.ndarray(shape, of.dtype, of, offset, strides)
    return np.asarray(_Window(of, shape, offset, strides))


class _Window:
    """A part of an array with gaps, for NumPy to make an array of: `np.ndarray(buffer=)` takes none with gaps."""

    def __init__(self, of: Any, shape: Any, offset: int, strides: list[int]) -> None:
        place = (address(of) + offset, not of.flags.writeable)
        self.__array_interface__ = of.__array_interface__ | {
            "data": place, "shape": tuple(shape), "strides": tuple(strides),
        }  # fmt: skip
        self.base = of
