"""Where a value lies: a flat buffer, an offset and strides, all in entries and known beforehand.

In: views as NumPy makes them. Out: the same as arithmetic on indices, which costs nothing when the kernel runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Buffer:
    """Memory of a kernel: of an input, of a result, of its own, or of all constants of one dtype."""

    name: str
    dtype: np.dtype[Any]
    size: int
    input: bool = False


@dataclass(frozen=True)
class Lies:
    """An array in a buffer.

    Attributes
    ----------
    shape, strides : tuple of int
    offset : int
        Of its first entry.
    """

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.buffer.dtype

    def spread(self, shape: tuple[int, ...]) -> Lies:
        """Give it broadcast to a shape."""
        missing = len(shape) - len(self.shape)
        own = [0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)]
        return replace(self, shape=shape, strides=(0,) * missing + tuple(own))

    def array(self) -> Any:
        """Make an array that lies so, to ask NumPy of its views."""
        whole = np.empty(self.buffer.size, self.dtype)
        size = self.dtype.itemsize
        return np.ndarray(
            self.shape, self.dtype, whole, self.offset * size, tuple(s * size for s in self.strides)
        )


def rows(buffer: Buffer, shape: tuple[int, ...], offset: int = 0) -> Lies:
    """Lay an array out row after row."""
    return Lies(buffer, shape, tuple(prod(shape[i + 1 :]) for i in range(len(shape))), offset)


def viewed(lies: Lies, view: Any) -> Lies | None:
    """Give what `view` makes of an array that lies so; None if it has memory of its own."""
    base = lies.array()
    made = view(base)
    if not np.may_share_memory(made, base) or made.dtype != lies.dtype:
        return None
    size = lies.dtype.itemsize
    first = made.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return Lies(lies.buffer, made.shape, tuple(s // size for s in made.strides), lies.offset + first // size)


def joined(
    shape: tuple[int, ...], strides: list[tuple[int, ...]]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Make one dimension of neighbours that all arrays go through in one step."""
    dims: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for i, n in enumerate(shape):
        if n == 1:
            continue
        if dims and all(k[-1] == s[i] * n for k, s in zip(steps, strides, strict=True)):
            dims[-1] *= n
            for k, s in zip(steps, strides, strict=True):
                k[-1] = s[i]
        else:
            dims.append(n)
            for k, s in zip(steps, strides, strict=True):
                k.append(s[i])
    return tuple(dims), [tuple(k) for k in steps]


def address(offset: int, strides: Iterable[int], names: Iterable[str]) -> str:
    """Write where an entry is."""
    terms = [n if s == 1 else f"{s}*{n}" for s, n in zip(strides, names, strict=True) if s]
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms)
