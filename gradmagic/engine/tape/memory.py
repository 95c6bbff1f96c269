"""Memory: who looks into which, and which saved values a write has made stale.

In: arrays and the tracked values over them. Out: records by memory block; `StaleError` where a sweep would use what
was changed.

A write takes a running number. A node older than the last write to memory that it saved from is stale; no operation
pays for this, only the sweep over nodes older than the last write.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from threading import RLock
from typing import Any
from weakref import WeakValueDictionary, ref

import numpy as np

from ...errors import StaleError
from ...language import tr
from ..core import arrays
from ..core.places import Place, describe, name_of, place_of, user_frame
from .nodes import Node, number_write, tick
from .tracked import Tracked


class Memory:
    """One block of memory: the tracked values that look into it, and the user's own array behind a lifted one."""

    __slots__ = ("__weakref__", "leaf", "members", "owner", "where", "written")

    def __init__(self) -> None:
        self.members: WeakValueDictionary[int, Tracked] = WeakValueDictionary()
        self.owner: Any = None
        self.leaf: Any = None  # where in the block the lifted array lies: shape, dtype, offset, strides
        self.written = -1
        # What wrote into it last: a sentence, or its name and place; said when it is asked for.
        self.where: str | tuple[str, Place | None] = ""

    @property
    def change(self) -> str:
        """What wrote into it last, as a part of a sentence."""
        if isinstance(self.where, str):
            return tr(self.where)
        name, place = self.where
        return tr("{name} was changed in place, {place}", name=name or tr("a tensor"), place=describe(place))

    def add(self, member: Tracked) -> None:
        """Note that `member` looks into this memory (by id: values compare entry by entry and have no hash)."""
        self.members[id(member)] = member

    def whole(self, base: Any) -> Any:
        """Give the part of the block `base` that stands for all of the user's own array."""
        return base if self.leaf is None else np.ndarray(self.leaf[0], self.leaf[1], base, *self.leaf[2:])

    def others(self, member: Tracked) -> list[Tracked]:
        """List who else looks into it."""
        return [m for m in self.members.values() if m is not member]


_MEMORY: dict[int, tuple[Any, Memory]] = {}
_VIEWS: deque[tuple[ref[Tracked], ref[Tracked]]] = deque()  # noted, and not filed yet
_MOST_VIEWS = 256
_making = RLock()  # again by the same thread: the collector may run meanwhile, and what it frees comes here


def base_of(array: Any) -> Any:
    """Give the array that owns the memory of `array`."""
    while isinstance(base := getattr(array, "base", None), type(array)):
        array = base
    return array


def memory_of(array: Any) -> Memory:
    """Give the record of the memory behind `array`, made at the first call."""
    if _VIEWS:
        _file_views()
    return _record_of(base_of(array))


def _record_of(base: Any) -> Memory:
    key = id(base)
    found = _MEMORY.get(key)
    if found is None or found[0]() is not base:
        with _making:  # one record for a block, whichever thread asks first
            found = _MEMORY.get(key)
            if found is None or found[0]() is not base:
                found = _MEMORY[key] = (ref(base, partial(_MEMORY.pop, key)), Memory())
    return found[1]


def shares(view: Tracked, of: Tracked) -> None:
    """Note that `view` looks into the memory of `of`.

    They are filed when somebody asks for a record: most views are dead by then (x[1:] takes 0.9 us for 2.4).
    """
    _VIEWS.append((ref(view), ref(of)))
    if len(_VIEWS) > _MOST_VIEWS:
        _file_views()


def _file_views() -> None:
    with _making:  # who asks meanwhile waits: a view is taken from the list only when it is filed
        while _VIEWS:
            pair = _VIEWS[0]
            for member in pair:
                one = member()
                if one is not None and arrays.is_array(one.array):
                    _record_of(base_of(one.array)).add(one)
            if _VIEWS and _VIEWS[0] is pair:
                _VIEWS.popleft()


class _Poison:
    """The rule of a value whose memory was written through another name: it has no way back."""

    name, torch, kind, outputs = "stale view", "StaleBackward0", "rule", 1
    fast = lean = frees = edits = False
    into = None

    def pull(self, node: Node, g: Any, saved: Any) -> Any:
        raise StaleError(saved)

    push = wrapped = pull

    def kept(self, node: Node) -> None:
        """Nothing: see `Rule.kept`."""


_POISON = _Poison()


def poison(other: Tracked, message: str) -> None:
    if other.node is None:
        return
    node = object.__new__(Node)
    node.rule, node.inputs, node.saved, node.aval = _POISON, (other.node,), message, other.node.aval
    node.number, node.place = tick(), other.node.place
    other.node = node


def written(tracked: Tracked, frame: Any) -> None:
    """Tell the tape that the memory of `tracked` has just been changed."""
    memory = memory_of(tracked.array)
    memory.written = number_write()
    memory.where = (name_of(tracked, frame), place_of(user_frame(frame)))


def check_fresh(node: Node) -> None:
    """Raise `StaleError` if a value that `node` has saved was changed after it was saved."""
    for value in arrays_in(node.saved):
        found = _MEMORY.get(id(base_of(value)))
        if found is not None and found[1].written > node.number and found[0]() is base_of(value):
            raise StaleError(tr(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                "{where}, after {name}{at} had used it. Write a new value instead of changing the old one "
                "(y = y + 1, not y += 1), or change a copy (y = y.clone()).", where=found[1].change,
                name=node.rule.name, at=tr(" ({place})", place=describe(node.place)) if node.place else "",
            ))  # fmt: skip


def arrays_in(value: Any) -> Iterator[Any]:
    """Go through the arrays in lists and tuples: in what a node has saved, whatever its rule makes of it."""
    if arrays.is_array(value):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from arrays_in(part)


def materialise(tracked: Tracked) -> Any:
    """Give the array of `tracked` as memory that can be written and shared: a scalar becomes a 0-d array."""
    if not arrays.is_memory(tracked.array):
        tracked.array = arrays.module_of(tracked.array).array(tracked.array)
    return tracked.array


def same_view(view: Any, old: Any, new: Any) -> Any:
    """Give the part of `new` that `view` is of `old`; the two have the same strides."""
    if view is old:
        return new
    offset = arrays.address(view) - arrays.address(old)
    if type(new) is not np.ndarray:
        return arrays.window(new, view, offset)
    if new.flags.forc:
        made = np.ndarray(view.shape, view.dtype, new, offset, view.strides)
    else:
        made = np.asarray(_Window(view, new, offset))
    if not view.flags.writeable:
        made.flags.writeable = False
    return made


class _Window:
    """A part of an array with gaps, for NumPy to make an array of: `np.ndarray(buffer=)` takes none with gaps."""

    def __init__(self, view: Any, new: Any, offset: int) -> None:
        place = (arrays.address(new) + offset, not new.flags.writeable)
        self.__array_interface__ = view.__array_interface__ | {"data": place, "strides": view.strides}
        self.base = new


def copy_of(value: Any) -> Any:
    """Copy an array as it is laid out, gaps included (`x[:, ::2]`), so that what is a view of it stays one."""
    made = np.copy(value, order="K")
    if type(value) is not np.ndarray:
        return made
    if made.strides != value.strides and value.size > 1:
        ends = [(n - 1) * step for n, step in zip(value.shape, value.strides, strict=True)]
        low, high = sum(e for e in ends if e < 0), sum(e for e in ends if e > 0) + value.itemsize
        apart = all(step for n, step in zip(value.shape, value.strides, strict=True) if n > 1)
        if apart and high - low <= _WIDEST * value.nbytes:
            made = np.ndarray(value.shape, value.dtype, np.zeros(high - low, np.uint8), -low, value.strides)
            made[...] = value
    if value.base is not None and made.base is None:
        made = made.view()  # it looks into another array, as the user's does
    if not value.flags.writeable:
        made.flags.writeable = False
    return made


_WIDEST = 16  # a column of a matrix with more columns is copied without its gaps


def lift_memory(tracked: Tracked, owner: Any) -> None:
    """Let writes to the lifted `tracked` reach `owner`, the user's own array."""
    memory, array = memory_of(tracked.array), tracked.array
    memory.owner = owner
    if type(array) is np.ndarray and array.base is not None:
        memory.leaf = (
            array.shape,
            array.dtype,
            arrays.address(array) - arrays.address(base_of(array)),
            array.strides,
        )
    memory.add(tracked)


def poisoned(node: Node | None) -> bool:
    """Tell whether no gradient flows through `node` because its memory was written through another name."""
    return node is not None and node.rule is _POISON


def changed(node: Node, array: Any) -> None:
    """A plain array that `node` has kept was changed behind the tape's back: no gradient through this node."""
    rule = node.rule
    node.saved = tr(
        "the gradient through {name} ({place}) is not available: an array that it used was changed afterwards. Use a "
        "new array instead of changing the old one (buf = buf + 1, not buf[:] = ...).",
        name=rule.name, place=describe(node.place),
    )  # fmt: skip
    node.rule = _POISON
