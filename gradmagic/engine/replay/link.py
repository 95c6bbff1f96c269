"""One name under which something is held: how it is read, written, compared, and spelled in a program.

In: who holds what. Out: `Link`; and `Content`, what a container or an array holds as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

NUMBERS = (int, float, complex, bool, str, bytes, type(None), np.generic, np.dtype, slice, range, frozenset)
INDEXED = (dict, list, deque)
PLAIN = (str, int)  # keys that Python writes as they are


def plain(value: Any) -> bool:
    """Tell whether it is a number or text without attributes of its own: equal ones are the same."""
    return isinstance(value, NUMBERS) and not hasattr(value, "__dict__")


@dataclass(slots=True)
class Link:
    """One name under which something is held.

    Attributes
    ----------
    holder : object
        A cell, a dict, a list, a tensor, a leaf of a tape.
    key : object
        Of a dict or list; of others the attribute.
    name : str
        What the user calls it.
    value : object
        What was there when it was looked at.
    """

    holder: Any
    key: Any
    name: str
    value: Any

    def read(self) -> Any:
        """Give what is there now."""
        if isinstance(self.holder, INDEXED):
            return self.holder[self.key]
        return getattr(self.holder, self.key)

    def put(self, value: Any) -> None:
        """Put something else there."""
        if isinstance(self.holder, INDEXED):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)

    def text(self, bind: Callable[[Any], str]) -> str:
        """Write it as Python."""
        holder = bind(self.holder)
        if not isinstance(self.holder, INDEXED):
            return f"{holder}.{self.key}"
        return f"{holder}[{self.key!r}]" if type(self.key) in PLAIN else f"{holder}[{bind(self.key)}]"

    def now(self) -> Any:
        """As `read`; the link itself where nothing is there any more."""
        try:
            return self.read()
        except (LookupError, ValueError, AttributeError):
            return self

    def same(self) -> bool:
        """Tell whether there is what was: of numbers, down to the sign of 0.0."""
        now = self.now()
        if now is self.value or type(now) is not type(self.value):
            return now is self.value
        return plain(self.value) and bool(now == self.value or now != now) and repr(now) == repr(self.value)

    @property
    def spot(self) -> tuple[int, Any]:
        """Say which place it is."""
        return id(self.holder), self.key


@dataclass(slots=True)
class Content:
    """What something holds as a whole, compared at every call.

    Attributes
    ----------
    of : object
    text : str
        How it is read, as Python; "" where only `read` says so.
    read : function
    before : object
        What it was.
    name : str
        What the user calls it.
    """

    of: Any
    text: str
    read: Callable[[Any], Any]
    before: Any
    name: str

    @classmethod
    def now(cls, of: Any, text: str, name: str) -> Content:
        """Give what is there now, read as `text` says of `{}`."""
        read = _reader(text)
        return cls(of, text, read, read(of), name)

    def guard(self, bind: Callable[[Any], str]) -> str:
        """Write the comparison as Python."""
        text = self.text.format(bind(self.of)) if self.text else f"{bind(self.read)}({bind(self.of)})"
        return f"{text} == {bind(self.before)}"


@lru_cache(512)
def _reader(text: str) -> Callable[[Any], Any]:
    return eval(f"lambda x: {text.format('x')}")  # type: ignore[no-any-return]
