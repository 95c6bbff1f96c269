"""How a lifted array lies in memory, as ndarray shows it: `flat`, `flags`, `base`, `data`, `ctypes`, `shape`.

In: an Array. Out: what ndarray gives; writes go the way of `x[...] = v`, so that tape and user's array see them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...core import arrays
from ...dispatch.calls import gathered
from ...tape import memory
from ...tape.tracked import Tracked, raw


class Flat:
    """`x.flat`: the entries in a row, to read, to write and to walk over."""

    def __init__(self, x: Any) -> None:
        self.base = x
        self.index = 0

    @property
    def coords(self) -> tuple[int, ...]:
        """Where in the array the next entry is."""
        shape = np.shape(self.base.array)
        return tuple(map(int, np.unravel_index(self.index, shape))) if len(self) else (0,) * len(shape)

    def __getitem__(self, index: Any) -> Any:
        return np.ravel(self.base)[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        value = gathered(value)
        x, plain = self.base, raw(value)
        if not arrays.is_array(x.array):
            x.array.flat[index] = plain  # of a scalar: NumPy writes to a copy
            return
        if type(x.array) is np.ndarray:
            np.copy(x.array).flat[index] = plain  # an error of NumPy's comes before anything is written
        places = np.arange(np.size(x.array))[index]
        if not np.size(places):
            return
        if np.shape(plain) != () and np.shape(plain) != np.shape(places):
            value = np.resize(value, np.shape(places))  # repeated, as NumPy does
        if not np.ndim(x.array) and np.ndim(places):
            value = np.ravel(value)[0]
        x.assign(np.unravel_index(places, np.shape(x.array)) if np.ndim(x.array) else (), value)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.index >= len(self):
            raise StopIteration
        self.index += 1
        return np.ravel(self.base)[self.index - 1]

    def __len__(self) -> int:
        return int(np.size(self.base.array))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(np.ravel(self.base), dtype)

    def copy(self) -> Any:
        """Give the entries as an array of one dimension."""
        return np.ravel(np.copy(self.base))

    __hash__ = None  # type: ignore[assignment]


def _compared(op: Callable[[Any, Any], Any]) -> Callable[[Flat, Any], Any]:
    return lambda flat, other: op(np.ravel(flat.base), other)


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Flat, f"__{_name}__", _compared(getattr(operator, _name)))


class Flags:
    """`x.flags`: those of the array, which `x.flags.writeable = False` changes."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        object.__setattr__(self, "_x", x)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._x.array.flags, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._x.array.flags, name, value)

    def __getitem__(self, name: str) -> Any:
        return self._x.array.flags[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._x.array.flags[name] = value

    def __eq__(self, other: object) -> Any:
        return self._x.array.flags == (other._x.array.flags if isinstance(other, Flags) else other)

    def __hash__(self) -> int:
        return hash(self._x.array.flags)

    def __repr__(self) -> str:
        return repr(self._x.array.flags)


def base_of(x: Any) -> Any:
    """Give the array whose memory `x` looks into, None if it is its own: `x.base`."""
    if not isinstance(x.array.base, np.ndarray):
        return x.array.base
    whole, block = memory.base_of(x.array), memory.memory_of(x.array)
    if block.owner is not None and block.owner.base is not None:
        return block.owner.base  # x is a view of a view
    for member in block.members.values():
        if member is not x and member.array is whole:
            return member
    return x.array.base


def read_only(array: Any) -> Any:
    """Give a plain array that looks at a lifted one's memory: a write to it is an error, as it would pass the tape."""
    view = array.view()
    view.flags.writeable = False
    return view


def set_shape(x: Any, shape: Any) -> None:
    """Do `x.shape = shape`: the same memory with other axes."""
    view = x.array.view()
    view.shape = shape  # raises where NumPy does
    if view.shape == x.array.shape:
        return
    made = np.reshape(x, view.shape)
    block = memory.memory_of(x.array)
    x.array = view
    block.add(x)
    if isinstance(made, Tracked):
        x.node = made.node
