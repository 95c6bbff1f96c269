"""What a function reaches, at a call: what is read, put there, and compared with what it was.

In: links, places, contents, as surroundings.py finds them. Out: values; what has changed; conditions as Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .link import Content, Link, plain


class Compared:
    """Links, places and contents.

    Attributes
    ----------
    links : list of Link
        What must be as it was.
    places : list of Link
        Inputs: arrays, the gradients of leaves, numbers that move.
    sizes : list of (container, int)
        Lists and dicts that were gone through, and how long they were.
    kept : list of Content
        Arrays and sets that no name leads to, or none that could be put elsewhere; the keys of dicts.
    """

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.places: list[Link] = []
        self.sizes: list[tuple[Any, int]] = []
        self.kept: list[Content] = []
        self.absent: list[tuple[dict[str, Any], str]] = []  # global names that it assigns and nobody has yet
        # By id of a module's names: those that are not there, or are Python's.
        self.missing: dict[int, tuple[dict[str, Any], set[str]]] = {}
        self._seen: dict[int, Any] = {}

    def read(self) -> list[Any]:
        """Give what is in the places: of a gradient its array, or None."""
        found = []
        for link in self.places:
            value = link.read()
            found.append(getattr(value, "array", value) if link.key == "grad" else value)
        return found

    @contextmanager
    def holding(self, values: list[Any]) -> Iterator[None]:
        """Put values in the places, within the block."""
        before = [link.read() for link in self.places]
        try:
            for link, value in zip(self.places, values, strict=True):
                if link.key == "grad" and value is not None:
                    value = type(link.value).wrap(value, None)
                link.put(value)
            yield
        finally:
            for link, value in zip(self.places, before, strict=True):
                link.put(value)
            for link in self.links:  # what a recording has left there is nobody's
                if not link.same():
                    link.put(link.value)

    def holds(self, value: Any) -> bool:
        """Tell whether an object is among what the functions reach."""
        return id(value) in self._seen

    def changed(self) -> list[Link]:
        """List what is not what it was."""
        found = [link for link in self.links if not link.same()]
        for container, size in self.sizes:
            if len(container) != size:
                name = next((n.name for n in self.links if n.value is container), "a container")
                found.append(Link(None, None, name, None))
        found += [Link(None, None, name, None) for space, name in self.absent if name in space]
        for space, names in self.missing.values():
            found += [Link(None, None, name, None) for name in names if name in space]
        found += [Link(None, None, c.name, None) for c in self.kept if c.read(c.of) != c.before]
        return found

    def guards(self, bind: Callable[[Any], str]) -> list[str]:
        """Write the comparisons as Python: each a condition that holds as long as all is as it was."""
        found = []
        for link in self.links:
            text, value = link.text(bind), link.value
            if value is None or isinstance(value, bool):
                found.append(f"{text} is {value}")
            elif plain(value):
                same = f"{text} == {bind(value)}" if value == value else f"{text} != {text}"
                if value == 0 and isinstance(value, (float, np.floating)):  # 0.0 == -0.0
                    same = f"repr({text}) == {repr(value)!r}"
                found.append(f"type({text}) is {bind(type(value))} and {same}")
            else:
                found.append(f"{text} is {bind(value)}")
        found += [f"len({bind(container)}) == {size}" for container, size in self.sizes]
        for space, names in self.missing.values():
            found.append(f"{bind(space.keys())}.isdisjoint({bind(names)})")
        return found + [c.guard(bind) for c in self.kept]
