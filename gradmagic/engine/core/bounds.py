"""Indices and labels on a device: CuPy wraps what is out of range, silently; here it is an IndexError, as on the host.

In: what indexes, and the size of the axis that it indexes. Out: nothing, or the error: at once where the host knows the
numbers; for numbers of a device when its values are next brought to the host, as PyTorch's assertions are, since
nothing waits for them here. One small kernel an index: it sets a flag that stands for the place in the user's code.
"""

from __future__ import annotations

import sys
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from ...language import tr
from . import arrays
from .places import describe, place_of, user_frame

_flags: dict[Any, Any] = {}  # by device, a truth value for each place
_places: dict[Any, int] = {}  # which of them
_texts: list[str] = []
_MOST = 256
_lock = Lock()


def in_bounds(index: Any, size: int, low: int | None = None, what: str = "", but: int | None = None) -> None:
    """Expect the entries of `index`, `but` for this number, from `low` (`-size`) up to but not including `size`.

    Raises
    ------
    IndexError
        If one is not; for an array of a device, when values are next brought to the host.
    """
    low = -size if low is None else low
    text = what or f"index is out of bounds for axis with size {size}"  # NumPy's words
    if not arrays.on_device(index):
        numbers = index if arrays.is_array(index) else np.asarray(index)
        numbers = numbers if but is None else numbers[numbers != but]
        if numbers.dtype.kind in "iu" and numbers.size and not low <= numbers.min() <= numbers.max() < size:
            place = describe(place_of(user_frame(sys._getframe(1))))
            raise IndexError(tr("{text}, {place}", text=text, place=place))
        return
    if index.dtype.kind not in "iu" or not index.size:
        return
    slot, flags = flag_for(index, text)
    _noting(arrays.module_of(index))(index, low, size, low if but is None else but, slot, flags)


def flag_for(index: Any, text: str) -> tuple[int, Any]:
    """Give the flag that a kernel is to set where `index`, of a device, is out of bounds: its number, and all flags."""
    place = place_of(user_frame(sys._getframe(1)))
    if len(_texts) >= _MOST:
        settle()
    with _lock:
        slot = _places.setdefault((place, text), len(_texts))
        if slot == len(_texts):
            _texts.append(tr(
                "{text}, {place} (the device found it, and was asked now)", text=text, place=describe(place),
            ))  # fmt: skip
        where = (arrays.module_of(index), arrays.device_of(index))
        if where not in _flags:
            _flags[where] = where[0].zeros(2 * _MOST, np.bool_)  # several threads may be just below
        flags = _flags[where]
    return slot, flags


def indexed(shape: tuple[int, ...], index: Any) -> None:
    """Expect that `index`, as in `x[index]`, is in the bounds of an array of this shape; numbers are left to CuPy."""
    parts = [p for p in (index if isinstance(index, tuple) else (index,)) if p is not None]
    parts = [np.asarray(p) if isinstance(p, (list, tuple)) else p for p in parts]
    takes = [p.ndim if getattr(p, "dtype", None) == np.bool_ else int(p is not Ellipsis) for p in parts]
    axis = 0
    for part, n in zip(parts, takes, strict=True):
        axis += len(shape) - sum(takes) if part is Ellipsis else 0
        if hasattr(part, "dtype") and part.dtype.kind in "iu" and axis < len(shape):
            in_bounds(part, shape[axis])
        axis += n


@cache
def _noting(module: Any) -> Any:
    if not hasattr(module, "ElementwiseKernel"):

        def note(index: Any, low: int, size: int, but: int, slot: int, flags: Any) -> None:
            flags[slot] = np.logical_or(
                flags[slot], np.any(((index < low) | (index >= size)) & (index != but))
            )

        return note
    return module.ElementwiseKernel(
        "T at, int64 low, int64 size, int64 but, int64 slot",
        "raw bool flags",
        "if (((long long)at < low || (long long)at >= size) && (long long)at != but) flags[slot] = true",
        "gradmagic_out_of_bounds",
    )


def settle() -> None:
    """Ask the devices what they found, and start anew.

    Raises
    ------
    IndexError
        For the first place where an index was out of bounds.
    """
    if not _texts:
        return
    with _lock:
        texts, flags = _texts[:], list(_flags.values())
        _texts.clear()
        _places.clear()
        _flags.clear()
    for found in flags:
        for slot in np.flatnonzero(arrays.to_host(found)):
            raise IndexError(texts[slot])


arrays.BEFORE_TRANSFERS.append(settle)
