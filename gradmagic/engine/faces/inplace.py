"""Writes in place on tracked values: legal, refused, or told to the tape.

In: a tracked value and what is written to it. Out: the memory changed as NumPy changes it, and the tape told.

Views (x[1:], x.T) are noted when they are made; when one of them is written, what was written flows through the others
too, entry by entry. Where that cannot be told (a view of other numbers: x.real), a sweep that needs one of them stops
with `StaleError`, naming variable and line.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ...errors import LeafWriteError
from ...language import tr
from ..core import arrays, bounds
from ..core.places import describe, name_of, place_of, user_frame
from ..dispatch.calls import call, gathered
from ..dispatch.primitives import set_item
from ..rules.declare import RULES
from ..tape.memory import base_of, materialise, memory_of, poison, same_view, written
from ..tape.modes import OFF, mode_now
from ..tape.nodes import Leaf, aval_of, tick
from ..tape.tracked import Raw, Tracked, raw, raws


def assign(target: Tracked, index: Any, value: Any, fresh: bool = False) -> Tracked:
    """Do `target[index] = value` on a Tensor: write the memory and record where a gradient flows.

    `fresh`: nobody else has `value`. Written to the whole target, its node becomes the target's own, as in `y += w`.

    Raises
    ------
    LeafWriteError
        If the target is a leaf that requires a gradient, and operations are recorded.
    """
    frame = sys._getframe(1)
    recording = mode_now() is not OFF
    source = value.node if isinstance(value, Tracked) and recording else None
    plain = raw(value)
    if recording and target.node is not None and arrays.is_array(target.array):
        _refuse_view_of_leaf(target, frame)
    if target.node is not None and recording and isinstance(target.node, Leaf):
        name = name_of(target, frame) or "x"
        raise LeafWriteError(tr(
            "a leaf Variable that requires grad is being used in an in-place operation. It is {name!r}, "
            "{place}. Write `with gm.no_grad():` around it, or make a new tensor ({name} = {name} + ...).",
            name=name, place=describe(place_of(user_frame(frame))),
        ))  # fmt: skip
    index = raws(index)
    materialise(target)
    if arrays.on_device(target.array):
        bounds.indexed(target.array.shape, index)
    if (target.node is None and source is None) or not recording:
        target.array[index] = plain
        written(target, frame)
        return target
    _record(target, index, value, plain, frame, fresh)
    return target


def _refuse_view_of_leaf(target: Tracked, frame: Any) -> None:
    for other in memory_of(target.array).others(target):
        if isinstance(other.node, Leaf) and not other.soft:
            name, view = name_of(other, frame) or "x", name_of(target, frame) or tr("a part of it")
            raise LeafWriteError(tr(
                "a view of a leaf Variable that requires grad is being used in an in-place operation. It is "
                "{view} of {name!r}, {place}. Write `with gm.no_grad():` around the update, or make a new "
                "tensor from {name}.", view=view, name=name, place=describe(place_of(user_frame(frame))),
            ))  # fmt: skip


def _record(target: Tracked, index: Any, value: Any, plain: Raw, frame: Any, fresh: bool) -> None:
    fresh = fresh and index is Ellipsis and getattr(value.node, "aval", None) is aval_of(target.array)
    # The functional twin gives node and checks; then the memory itself is written, as every view expects.
    made = value if fresh else call(RULES[set_item], lambda x, i, v: x, (target, index, value), {})
    target.array[index] = plain
    written(target, frame)
    memory = memory_of(target.array)
    if made.node is not None and not fresh:
        made.node.number = tick()  # younger than the write: what it saved is no older than it
    target.node = made.node
    for other in memory.others(target):
        if not _follow(other, target):
            name = name_of(other, frame) or tr("a view")
            poison(other, tr(
                "{name} shares memory with a tensor that was written after it was made: {where}. Write to a copy "
                "(t = t.clone()), or make the view again after the write.", name=name, where=memory.change,
            ))  # fmt: skip


def assign_lifted(target: Tracked, index: Any, value: Any) -> Tracked:
    """Do `target[index] = value` on a lifted Array: legal, seen by all views and by the user's own array.

    What the tape has saved stays as it was: the write goes to a copy, and every view moves to the copy.
    """
    frame = sys._getframe(1)
    value = gathered(value)
    plain, index = raw(value), raws(index)
    if arrays.on_device(target.array):
        bounds.indexed(target.array.shape, index)
    if type(target.array) is np.ndarray and not target.array.flags.writeable:
        raise ValueError("assignment destination is read-only")  # NumPy's words
    if _alone(target):
        return _written_alone(target, index, value, plain)
    old = base_of(target.array)
    memory = memory_of(old)
    memory.add(target)
    new = np.copy(old, order="K")
    made = call(RULES[set_item], set_item, (target, index, value), {})
    moved = memory_of(new)
    moved.owner, moved.where, moved.leaf = memory.owner, memory.where, memory.leaf
    for member in list(memory.members.values()):
        if base_of(member.array) is old:
            member.array = same_view(member.array, old, new)
        moved.add(member)
        del memory.members[id(member)]
    target.array[index] = plain
    name = name_of(target, frame) or tr("an array")
    moved.where = (name, place_of(user_frame(frame)))
    target.node = made.node if isinstance(made, Tracked) else None
    _settled(target)
    for member in moved.others(target):
        if not _follow(member, target):
            other = name_of(member, frame) or tr("a view")
            poison(member, tr(
                "the gradient through {other} is not available: it shares memory with an array that was written "
                "after it was made ({where}). Write to a copy ({name} = {name}.copy()), or make {other} again "
                "after the write.", other=other, where=moved.change, name=name,
            ))  # fmt: skip
    if moved.owner is not None:
        whole = moved.whole(new)
        moved.owner[...] = whole if arrays.on_device(moved.owner) else arrays.to_host(whole)
    return target


def _references(target: Tracked) -> int:
    array = target.array
    return sys.getrefcount(array)


def _baseline() -> int:
    one = object.__new__(Tracked)
    one.array = np.empty(1)
    return _references(one)


_ALONE = _baseline()  # how many references there are to an array that only its tracked value holds


def _alone(target: Tracked) -> bool:
    """Tell whether nobody else looks into the memory: no view, nothing that the tape has saved. Then no copy is made.

    So a loop over out[i] = f(x[i]) takes time in proportion to its length, not to its square.
    """
    array = target.array
    if type(array) is not np.ndarray or array.base is not None or RULES[set_item].everything:
        return False
    del array
    memory = memory_of(target.array)
    owner = memory.owner
    if owner is not None and (memory.leaf is not None or owner.shape != target.array.shape):
        return False
    return _references(target) <= _ALONE and not memory.others(target)


def _written_alone(target: Tracked, index: Any, value: Any, plain: Raw) -> Tracked:
    """Write in place: the node before the write stands for the old value, the new one for the new."""
    array = target.array
    array[index] = plain
    owner = memory_of(array).owner
    if owner is not None:
        owner[index] = plain
    if target.node is not None or (isinstance(value, Tracked) and value.node is not None):
        made = call(RULES[set_item], lambda x, i, v: x, (target, index, value), {})
        target.node = made.node if isinstance(made, Tracked) else None
        _settled(target)
    return target


def _settled(target: Tracked) -> None:
    """Make an Array of a Buffer that carries a gradient now."""
    if target.soft and target.node is not None and type(target) is not Tracked.inner:
        _CLASS.__set__(target, Tracked.inner)


_CLASS: Any = object.__dict__["__class__"]  # the class itself; Array says that it is what it stands for


def _follow(other: Tracked, target: Tracked) -> bool:
    """Let what was written into `target` flow through `other` where the two share memory; False where that is unknown.

    `other` is what it was, with the entries that it shares replaced by those of `target`.
    """
    if other.node is None and target.node is None:
        return True
    found = shared_entries(other.array, target.array)
    if found is None:
        return False
    here, there = found
    if not here.any():
        return True
    here, there = arrays.from_host(here, target.array), arrays.from_host(there, target.array)
    part: Any = target if target.node is not None else target.array
    part = (
        call(RULES[np.take], np.take, (part, there), {}) if target.node is not None else np.take(part, there)
    )
    made = call(RULES[set_item], lambda x, i, v: x, (other, here, part), {})
    made.node.number = tick()  # younger than the write: what it saved is no older than it
    other.node = made.node
    _settled(other)
    return True


def shared_entries(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Give which entries of `a` lie in `b`'s memory, as a mask, and where in `b` (counted in C order) each of them is.

    By a table over the memory, one write and one look-up an entry: sorting addresses would take 20 times as long.
    """
    if not arrays.known(type(a)) or type(a) is not type(b) or a.dtype != b.dtype or not a.dtype.itemsize:
        return None
    base = arrays.address(a)
    places = []
    for array in (a, b):
        at: Any = np.asarray(arrays.address(array) - base)
        for n, step in zip(array.shape, array.strides, strict=True):
            at = at[..., None] + np.arange(n) * step
        if np.any(at % a.dtype.itemsize):
            return None
        places.append(at // a.dtype.itemsize)
    low = min((int(p.min()) for p in places if p.size), default=0)
    high = max((int(p.max()) for p in places if p.size), default=0)
    table = np.full(high - low + 1, -1)
    table[places[1] - low] = np.arange(b.size).reshape(b.shape)
    found = table[places[0] - low]
    here = found >= 0
    return here, found[here]
