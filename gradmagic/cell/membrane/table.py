"""The table of a membrane: which node made a value of the user's, and what of it was lost on the way.

In: values by identity, arrays by the memory that they look into (memory.py). Out: marks. Of a value without a mark
nothing is known: it comes from no input.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from contextlib import suppress
from functools import partial
from types import MethodType, ModuleType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ...engine.core.arrays import KINDS, is_array
from ...engine.faces.numpy.array import Array
from ...engine.tape.nodes import Node
from ...engine.tape.tracked import Tracked, is_a
from .fresh import fresh
from .memory import Memory

_FIRST = 4096  # scalars, before the first look for those that nobody has any more
_DEEP = 5  # how far containers are looked into
_SHORT = 8  # of a longer list all entries are looked up at once: 60 ns each


class Cut(NamedTuple):
    """Where a value became plain: of which node, how (`float`, `json.dumps`), and the place in the source."""

    node: Node | None
    how: str
    place: Any  # of the user's code that did it
    here: Any  # of the cell's own line that led there


NO_CUTS: frozenset[Cut] = frozenset()


class Mark(NamedTuple):
    """What is known of a value: its node, if it has one, and the cuts that lie behind it."""

    node: Node | None
    cuts: frozenset[Cut] = NO_CUTS


class Table:
    """Marks by value. One for each run of a cell."""

    def __init__(self) -> None:
        self.values: dict[int, tuple[Any, Mark]] = {}  # by id; the value, so that its id is nobody else's
        self.memory = Memory()
        self.cuts: dict[int, frozenset[Cut]] = {}  # by the number of a node, where there are any
        self.filed = 0  # how many marks were given: whether anything happened meanwhile
        self._most = _FIRST

    # -- looking up ------------------------------------------------------------------------------
    def mark(self, value: Any) -> Mark | None:
        """Give what is known of one value."""
        found = self.values.get(id(value))
        if found is not None:
            return found[1]
        if is_array(value):
            seen = self.memory.seen(value)
            return None if seen is None else seen.mark
        return None

    def known(self, value: Any) -> tuple[Mark, Any] | None:
        """Give what is known of a number or an array, and its value over memory that nobody writes to."""
        found = self.values.get(id(value))
        if found is not None:
            return found[1], value
        if type(value) in KINDS:
            seen = self.memory.seen(value)
            if seen is not None:
                return seen.mark, seen.copy
        return None

    def tracked(self, value: Any) -> Any:
        """Give a tracked value as the engine takes it, over a copy that nobody writes to; another as it is."""
        found = self.values.get(id(value))
        if found is not None:
            node = found[1].node
            if node is None:
                return value
            return type(value).wrap(value.array, node) if is_a(value, Tracked) else Array.wrap(value, node)
        if is_array(value):
            seen = self.memory.seen(value)
            if seen is not None and seen.mark.node is not None:
                return Array.wrap(seen.copy, seen.mark.node)
        return value

    def wrapped(self, value: Any, depth: int = _DEEP) -> Any:
        """Give the same with what is tracked in it, in lists, tuples, dicts and slices, as the engine takes it."""
        kind = type(value)
        if kind in _ATOMS or not depth:
            return self.tracked(value)
        if kind in VIEWS or issubclass(kind, (list, tuple, set, frozenset)):
            if self._nothing_in(value):
                return value
            new = [self.wrapped(v, depth - 1) for v in value]
            if all(a is b for a, b in zip(new, value, strict=True)):
                return value
            return tuple.__new__(kind, new) if issubclass(kind, tuple) else new
        if issubclass(kind, dict):
            return {k: self.wrapped(v, depth - 1) for k, v in value.items()}
        if kind is np.ndarray and value.dtype == object:
            new = np.empty_like(value)
            for at in np.ndindex(value.shape):
                new[at] = self.wrapped(value[at], depth - 1)
            return new
        return self.tracked(value)

    def marks(self, values: Iterable[Any], depth: int = _DEEP) -> list[Mark]:
        """List the marks of values, and of what lists, tuples, dicts and sets among them hold."""
        found = []
        for value in values:
            mark = self.mark(value)
            if mark is not None:
                found.append(mark)
                continue
            kind = type(value)
            if kind in _ATOMS or not depth:
                continue
            if kind is np.ndarray:
                if value.dtype == object:
                    found += self.marks(value.ravel().tolist(), depth - 1)
            elif kind in _HOLDERS or issubclass(kind, (list, tuple)):
                if not self._nothing_in(value):
                    found += self.marks(list(value), depth - 1)
            elif issubclass(kind, dict):
                found += self.marks(([*value], [*value.values()]), depth)
        return found

    def _nothing_in(self, holder: Any) -> bool:
        """Tell of a long list, at C's speed, that it has only numbers and text, none of them tracked."""
        if len(holder) <= _SHORT or not FLAT.issuperset(map(type, holder)):
            return False
        return self.values.keys().isdisjoint(map(id, holder))

    # -- filing ----------------------------------------------------------------------------------
    def file(self, value: Any, mark: Mark, copy: Any = None) -> Any:
        """Note what is known of a value, and give it: a number that others may hold as an object of its own.

        `copy` has the value of an array for the engine alone.
        """
        self.filed += 1
        if mark.cuts and mark.node is not None:
            self.cuts[mark.node.number] = mark.cuts
        if is_array(value):
            self.memory.file(value, mark, copy)
            return value
        if type(value) is int:
            value = fresh(value)
        self._keep(value, mark)
        return value

    def made(self, array: Any, mark: Mark, copy: Any) -> Any:
        """`file` for an array that an operation has just made, of which `copy` is one."""
        self.filed += 1
        if mark.cuts and mark.node is not None:
            self.cuts[mark.node.number] = mark.cuts
        self.memory.made(array, mark, copy)
        return array

    def node(self, value: Any) -> Node | None:
        """Give the node of a value, as far as it is known without a look at its memory."""
        found = self.values.get(id(value))
        if found is None and type(value) in KINDS:
            seen = self.memory.at_hand(value)
            return None if seen is None else seen.mark.node  # type: ignore[no-any-return]
        return None if found is None else found[1].node

    def _keep(self, value: Any, mark: Mark) -> None:
        key = id(value)
        held: Any = value
        if type(value) not in _ATOMS and not issubclass(type(value), np.generic):
            with suppress(TypeError):  # not kept alive by us: files close, objects end as they would
                held = ref(value, partial(self.values.pop, key))  # C's own: no interrupt is lost in it
        self.values[key] = held, mark
        if len(self.values) > self._most:
            self._forget()

    def _forget(self) -> None:
        """Drop the values that only this table holds."""
        for key, (held, _) in list(self.values.items()):
            if sys.getrefcount(held) <= _ALONE and not isinstance(held, ref):
                del self.values[key]
        self._most = max(_FIRST, 2 * len(self.values))


_ATOMS = frozenset({float, int, complex, bool, str, bytes, type(None), range, type, np.dtype, slice})
FLAT = _ATOMS | {np.dtype(c).type for c in "?" + np.typecodes["AllInteger"] + np.typecodes["AllFloat"]}
# Other containers, which are gone through as lists are.
VIEWS = frozenset({type({}.keys()), type({}.values()), type({}.items()), deque, KeysView, ValuesView, ItemsView,
                   type(OrderedDict().values()), type(OrderedDict().items())})  # fmt: skip
_HOLDERS = VIEWS | {list, tuple, set, frozenset}


def _alone() -> int:
    kept = {0: (object(), None)}
    return next(sys.getrefcount(held) for _, (held, _) in list(kept.items()))


_ALONE = _alone()


def joined(marks: Iterable[Mark]) -> frozenset[Cut]:
    """Give all the cuts behind some values."""
    cuts = [m.cuts for m in marks if m.cuts]
    return NO_CUTS.union(*cuts) if cuts else NO_CUTS


def leaves(value: Any, depth: int = _DEEP) -> Iterator[Any]:
    """Go through what a value holds: entries of containers, attributes of objects of classes written in Python."""
    kind = type(value)
    if kind in _ATOMS or not depth:
        yield value
    elif kind in VIEWS or issubclass(kind, (list, tuple, set, frozenset)):
        for entry in list(value):
            yield from leaves(entry, depth - 1)
        if kind not in _HOLDERS:
            yield value
    elif kind is np.ndarray and value.dtype == object:
        for entry in value.ravel().tolist():
            yield from leaves(entry, depth - 1)
    elif issubclass(kind, dict):
        for entry in list(value.values()):
            yield from leaves(entry, depth - 1)
        if kind is not dict:
            yield value
    elif kind is MethodType:
        yield from leaves(value.__self__, depth - 1)
    else:
        yield value
        held = getattr(value, "__dict__", None)
        if type(held) is dict and not is_a(value, (type, ModuleType, np.ndarray, Tracked)):
            for entry in list(held.values()):
                yield from leaves(entry, depth - 1)
