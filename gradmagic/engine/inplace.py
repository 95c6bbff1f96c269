"""Writes in place: who shares memory with whom, which saved values a write has made stale.

In: a tracked value and what is written to it. Out: the memory changed as NumPy changes it, and the tape told.

A write takes a running number. A node older than the last write to memory that it saved from is stale; no operation
pays for this, only the sweep over nodes older than the last write. Views (x[1:], x.T) are noted when they are made;
when one of them is written, what was written flows through the others too, entry by entry. Where that cannot be told
(a view of other numbers: x.real), a sweep that needs one of them stops with `StaleError`, naming variable and line.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import WeakValueDictionary, ref

import numpy as np

from . import arrays
from .errors import LeafWriteError, StaleError
from .places import describe, name_of, place_of, user_frame
from .tape import OFF, Leaf, Node, state, tick
from .tracked import Tracked


class Memory:
    """One block of memory: the tracked values that look into it, and the user's own array behind a lifted one."""

    __slots__ = ("__weakref__", "members", "owner", "where", "written")

    def __init__(self) -> None:
        self.members: WeakValueDictionary[int, Tracked] = WeakValueDictionary()
        self.owner: Any = None
        self.written = -1
        self.where = ""

    def add(self, member: Tracked) -> None:
        """Note that `member` looks into this memory (by id: values compare entry by entry and have no hash)."""
        self.members[id(member)] = member

    def others(self, member: Tracked) -> list[Tracked]:
        """List who else looks into it."""
        return [m for m in self.members.values() if m is not member]


_MEMORY: dict[int, tuple[Any, Memory]] = {}


def base_of(array: Any) -> Any:
    """Give the array that owns the memory of `array`."""
    while isinstance(base := getattr(array, "base", None), type(array)):
        array = base
    return array


def memory_of(array: Any) -> Memory:
    """Give the record of the memory behind `array`, made at the first call."""
    base = base_of(array)
    key = id(base)
    found = _MEMORY.get(key)
    if found is None or found[0]() is not base:
        found = _MEMORY[key] = (ref(base, lambda _: _MEMORY.pop(key, None)), Memory())
    return found[1]


def shares(view: Tracked, of: Tracked) -> None:
    """Note that `view` looks into the memory of `of`."""
    memory = memory_of(view.array)
    memory.add(view)
    memory.add(of)


class _Poison:
    """The rule of a value whose memory was written through another name: it has no way back."""

    name, torch, kind, fast, frees, into, outputs = (
        "stale view",
        "StaleBackward0",
        "rule",
        False,
        False,
        None,
        1,
    )

    def pull(self, node: Node, g: Any, saved: Any) -> Any:
        raise StaleError(saved)

    push = wrapped = replay = pull


_POISON = _Poison()


def _poison(other: Tracked, message: str) -> None:
    if other.node is None:
        return
    node = object.__new__(Node)
    node.rule, node.inputs, node.saved, node.aval = _POISON, (other.node,), message, other.node.aval
    node.number, node.place = tick(), other.node.place
    other.node = node


def written(tracked: Tracked, frame: Any) -> None:
    """Tell the tape that the memory of `tracked` has just been changed."""
    memory = memory_of(tracked.array)
    memory.written = state.written = tick()
    place = place_of(user_frame(frame))
    name = name_of(tracked, frame)
    memory.where = f"{name or 'a tensor'} was changed in place, {describe(place)}"


def check_fresh(node: Node) -> None:
    """Raise `StaleError` if a value that `node` has saved was changed after it was saved."""
    for value in _arrays(node.saved):
        found = _MEMORY.get(id(base_of(value)))
        if found is not None and found[1].written > node.number and found[0]() is base_of(value):
            at = f" ({describe(node.place)})" if node.place else ""
            raise StaleError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{found[1].where}, after {node.rule.name}{at} had used it. Write a new value instead of changing "
                "the old one (y = y + 1, not y += 1), or change a copy (y = y.clone())."
            )


def _arrays(saved: Any) -> Any:
    if arrays.is_array(saved):
        yield saved
    elif isinstance(saved, (tuple, list)):
        for part in saved:
            yield from _arrays(part)


def assign(target: Tracked, index: Any, value: Any) -> Tracked:
    """Do `target[index] = value` on a Tensor: write the memory and record where a gradient flows.

    Raises
    ------
    LeafWriteError
        If the target is a leaf that requires a gradient, and operations are recorded.
    """
    frame = sys._getframe(1)
    recording = state.mode is not OFF
    source = value.node if isinstance(value, Tracked) and recording else None
    raw = value.array if isinstance(value, Tracked) else value
    if recording and target.node is not None and arrays.is_array(target.array):
        _refuse_view_of_leaf(target, frame)
    if target.node is not None and recording and isinstance(target.node, Leaf):
        name = name_of(target, frame) or "x"
        raise LeafWriteError(
            "a leaf Variable that requires grad is being used in an in-place operation: "
            f"{name!r}, {describe(place_of(user_frame(frame)))}. Make a new tensor ({name} = {name} + ...), or write "
            f"`with gm.no_grad():` around the update."
        )
    if isinstance(index, Tracked):
        index = index.array
    materialise(target)
    if (target.node is None and source is None) or not recording:
        target.array[index] = raw
        written(target, frame)
        return target
    _record(target, index, value, raw, frame)
    return target


def _refuse_view_of_leaf(target: Tracked, frame: Any) -> None:
    for other in memory_of(target.array).others(target):
        if isinstance(other.node, Leaf) and not other.soft:
            name, view = name_of(other, frame) or "x", name_of(target, frame) or "a part of it"
            raise LeafWriteError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation: "
                f"{view} of {name!r}, {describe(place_of(user_frame(frame)))}. Make a new tensor from {name}, or write "
                f"`with gm.no_grad():` around the update."
            )


def _record(target: Tracked, index: Any, value: Any, raw: Any, frame: Any) -> None:
    from .dispatch import call
    from .primitives import set_item
    from .rules.declare import RULES

    # The functional twin gives node and checks; then the memory itself is written, as every view expects.
    made = call(RULES[set_item], lambda x, i, v: x, (target, index, value), {})
    target.array[index] = raw
    written(target, frame)
    memory = memory_of(target.array)
    if made.node is not None:
        made.node.number = tick()  # younger than the write: what it saved is no older than it
    target.node = made.node
    for other in memory.others(target):
        if not _follow(other, target):
            name = name_of(other, frame) or "a view"
            _poison(
                other,
                f"{name} shares memory with a tensor that was written after it was made: {memory.where}. "
                "Write to a copy (t = t.clone()), or make the view again after the write.",
            )


def materialise(tracked: Tracked) -> Any:
    """Give the array of `tracked` as memory that can be written and shared: a scalar becomes a 0-d array."""
    if not arrays.is_array(tracked.array):
        tracked.array = np.array(tracked.array)
    return tracked.array


def assign_lifted(target: Tracked, index: Any, value: Any) -> Tracked:
    """Do `target[index] = value` on a lifted Array: legal, seen by all views and by the user's own array.

    What the tape has saved stays as it was: the write goes to a copy, and every view moves to the copy.
    """
    frame = sys._getframe(1)
    raw = value.array if isinstance(value, Tracked) else value
    if isinstance(index, Tracked):
        index = index.array
    old = base_of(target.array)
    memory = memory_of(old)
    memory.add(target)
    new = np.copy(old, order="K")
    from .dispatch import call
    from .primitives import set_item
    from .rules.declare import RULES

    made = call(RULES[set_item], set_item, (target, index, value), {})
    moved = memory_of(new)
    moved.owner, moved.where = memory.owner, memory.where
    for member in list(memory.members.values()):
        if base_of(member.array) is old:
            member.array = same_view(member.array, old, new)
        moved.add(member)
        del memory.members[id(member)]
    target.array[index] = raw
    name = name_of(target, frame) or "an array"
    moved.where = f"{name} was changed in place, {describe(place_of(user_frame(frame)))}"
    target.node = made.node if isinstance(made, Tracked) else None
    for member in moved.others(target):
        if not _follow(member, target):
            other = name_of(member, frame) or "a view"
            _poison(
                member,
                f"the gradient through {other} is not available: it shares memory with an array that was written "
                f"after it was made ({moved.where}). Write to a copy ({name} = {name}.copy()), or make {other} again "
                "after the write.",
            )
    if moved.owner is not None:
        moved.owner[...] = arrays.to_host(new)
    return target


def _follow(other: Tracked, target: Tracked) -> bool:
    """Let what was written into `target` flow through `other` where the two share memory; False where that is unknown.

    `other` is what it was, with the entries that it shares replaced by those of `target`.
    """
    if other.node is None:
        return True
    found = _shared_entries(other.array, target.array)
    if found is None:
        return False
    here, there = found
    if not here.any():
        return True
    from .dispatch import call
    from .primitives import set_item
    from .rules.declare import RULES

    part: Any = target if target.node is not None else target.array
    part = (
        call(RULES[np.take], np.take, (part, there), {}) if target.node is not None else np.take(part, there)
    )
    made = call(RULES[set_item], lambda x, i, v: x, (other, here, part), {})
    made.node.number = tick()  # younger than the write: what it saved is no older than it
    other.node = made.node
    return True


def _shared_entries(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Give which entries of `a` lie in `b`'s memory, as a mask, and where in `b` (counted in C order) each of them is.

    By a table over the memory, one write and one look-up an entry: sorting addresses would take 20 times as long.
    """
    if type(a) is not np.ndarray or type(b) is not np.ndarray or a.dtype != b.dtype or not a.itemsize:
        return None
    base = a.__array_interface__["data"][0]
    places = []
    for array in (a, b):
        at: Any = np.asarray(array.__array_interface__["data"][0] - base)
        for n, step in zip(array.shape, array.strides, strict=True):
            at = at[..., None] + np.arange(n) * step
        if np.any(at % a.itemsize):
            return None
        places.append(at // a.itemsize)
    low = min((int(p.min()) for p in places if p.size), default=0)
    high = max((int(p.max()) for p in places if p.size), default=0)
    table = np.full(high - low + 1, -1)
    table[places[1] - low] = np.arange(b.size).reshape(b.shape)
    found = table[places[0] - low]
    here = found >= 0
    return here, found[here]


def same_view(view: Any, old: Any, new: Any) -> Any:
    """Give the part of `new` that `view` is of `old`; the two have the same strides."""
    if view is old:
        return new
    offset = view.__array_interface__["data"][0] - old.__array_interface__["data"][0]
    return np.ndarray(view.shape, view.dtype, new, offset, view.strides)


def lift_memory(tracked: Tracked, owner: Any) -> None:
    """Let writes to the lifted `tracked` reach `owner`, the user's own array."""
    memory = memory_of(tracked.array)
    memory.owner = owner
    memory.add(tracked)


def poisoned(node: Node | None) -> bool:
    """Tell whether no gradient flows through `node` because its memory was written through another name."""
    return node is not None and node.rule is _POISON


def changed(node: Node, array: Any) -> None:
    """A plain array that `node` has kept was changed behind the tape's back: no gradient through this node."""
    rule = node.rule
    node.saved = (
        f"the gradient through {rule.name} ({describe(node.place)}) is not available: an array that it used was "
        "changed afterwards. Use a new array instead of changing the old one (buf = buf + 1, not buf[:] = ...)."
    )
    node.rule = _POISON
