"""`Buffer`: what NumPy's creation functions give while a traced call runs, an array that is yet to get a gradient.

In: a plain array that user code has just made (`out = np.zeros(n)`). Out: the same to everybody, until something
tracked is written into it (`out[i] = f(x[i])`); from then on it carries a gradient as any lifted array does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ...core import arrays
from ...tape import memory
from ...tape.nodes import Node
from .array import Array

Buffers = WeakValueDictionary[int, "Buffer"]  # by id: values compare entry by entry and have no hash
_made: ContextVar[Buffers | None] = ContextVar("gradmagic buffers", default=None)


@contextmanager
def listed(into: Buffers) -> Iterator[None]:
    """List the buffers that are made in the block: at a cell's end arrays are put in their places."""
    before = _made.get()
    _made.set(into)
    try:
        yield
    finally:
        _made.set(before)


class Buffer(Array):
    """An array of the user's code that may come to carry a gradient. What is computed from it alone is one too."""

    __slots__ = ()

    @classmethod
    def wrap(cls, array: Any, node: Node | None) -> Any:
        """Make one; numbers stay plain, whole numbers too: a gradient cannot be written into them."""
        if node is not None:
            return Array.wrap(array, node)
        if not arrays.known(type(array)) or array.dtype.kind not in "fc":
            return array
        one = cls()
        one.array, one.node = array, None
        memory.memory_of(array).add(one)
        if (known := _made.get()) is not None:
            known[id(one)] = one
        return one

    def leave(self, how: str, strict_text: str = "") -> Any:
        """Give the plain array; as long as it carries no gradient, nothing is lost."""
        return self.array if self.node is None else Array.leave(self, how, strict_text)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.node is not None:
            return Array.__array__(self, dtype, copy)
        return np.array(self.array, dtype, copy=copy) if dtype is not None or copy else self.array

    def __buffer__(self, flags: int) -> memoryview:  # asked by Python 3.12 and later
        return memoryview(self.array)

    def resize(self, *shape: Any, refcheck: bool = True) -> None:
        """As `ndarray.resize`, as long as no gradient flows; on a copy: the tape refers to the memory itself."""
        if self.node is not None:
            return Array.resize(self, *shape, refcheck=refcheck)  # type: ignore[attr-defined]
        if memory.memory_of(self.array).others(self):
            return self.array.resize(*shape)  # raises what NumPy raises
        array = self.array.copy()
        array.resize(*shape, refcheck=False)
        self.array = array
        memory.memory_of(array).add(self)

    def _shown(self) -> Any:
        return self.array if self.node is None else Array._shown(self)


def untracked(value: Any) -> bool:
    """Tell whether it is a Buffer that carries no gradient."""
    return type(value) is Buffer and value.node is None


def plain(value: Any) -> Any:
    """Give the array of a Buffer that carries no gradient; also in lists, tuples and dicts of them."""
    if untracked(value):
        return value.array
    if type(value) in (list, tuple) and any(map(untracked, value)):
        return type(value)(map(plain, value))
    if type(value) is dict and any(map(untracked, value.values())):
        return {k: plain(v) for k, v in value.items()}
    return value
