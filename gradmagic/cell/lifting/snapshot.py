"""What a cell may change, kept and put back: the names, and the contents of all that they reach.

In: a namespace, and the names that a cell uses. Out: a `Snapshot`; after `restore()` every object is the same one and
holds what it held, and random numbers are drawn again as they were.
"""

from __future__ import annotations

import random
import types
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.faces.torch.generators import Generator, default_generator
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.tracked import is_a
from .restore import held_by, is_users, slots_of, uninterrupted

Restore = Callable[[], Any]


class Snapshot:
    """The state of a namespace and of what some of its names reach."""

    def __init__(self, namespace: dict[str, Any], used: Iterable[str]) -> None:
        self._namespace, self._names = namespace, dict(namespace)
        self.reached = held_by([namespace[n] for n in used if n in namespace])
        common = [random._inst, np.random.mtrand._rand, default_generator]  # type: ignore[attr-defined]
        found = [_restore_of(value) for value in [*self.reached, *common]]
        self._restores = [restore for restore in found if restore is not None]

    def restore(self) -> None:
        """Put everything back."""
        with uninterrupted():
            for restore in self._restores:
                restore()
            names, before = self._namespace, self._names
            for name in [n for n in names if n not in before]:
                del names[name]
            for name, value in before.items():
                if name not in names or names[name] is not value:
                    names[name] = value

    def taken_up(self) -> Any:
        """Give what is reached and cannot be put back: a generator, an iterator; None if there is none."""
        kinds = ("builtins", "itertools")
        return next(
            (v for v in self.reached if hasattr(type(v), "__next__") and type(v).__module__ in kinds), None
        )


def _restore_of(value: Any) -> Restore | None:
    """Give what puts one object's contents back; None where it has none of its own."""
    if is_a(value, Tensor):
        return _of_tensor(value)
    if is_a(value, np.ndarray) or arrays.is_array(value):
        return _of_array(value)
    if is_a(value, dict):
        return _together(_of_dict(value), _of_attributes(value))
    if is_a(value, (list, deque, bytearray)):
        return _together(_of_entries(value), _of_attributes(value))
    if is_a(value, set):
        return _together(_of_set(value), _of_attributes(value))
    if is_a(value, types.CellType):
        held = None if value == types.CellType() else value.cell_contents
        return None if value == types.CellType() else lambda: setattr(value, "cell_contents", held)
    if is_a(value, random.Random):
        state = value.getstate()
        return lambda: value.setstate(state)
    if is_a(value, np.random.RandomState):
        legacy = value.get_state()
        return lambda: value.set_state(legacy)
    if is_a(value, (np.random.Generator, np.random.BitGenerator)):
        bits = value if is_a(value, np.random.BitGenerator) else value.bit_generator
        drawn = bits.state
        return lambda: setattr(bits, "state", drawn)
    if is_a(value, Generator):
        stream = value.get_state()
        return lambda: value.set_state(stream)
    if is_a(value, (type, types.ModuleType)):
        return _of_names(value) if is_users(value) else None
    return _of_attributes(value)


def _of_tensor(value: Any) -> Restore:
    array, node, grad, written = value.array, value.node, value.grad, _of_array(value.array)
    collected = None if grad is None else _of_array(grad.array)

    def restore() -> None:
        value.array = array
        if value.node is not node:
            value.node = node
        for each in (written, collected):
            if each is not None:
                each()
        value.grad = grad

    return restore


def _of_array(array: Any) -> Restore | None:
    if not np.ndim(array) and not arrays.is_array(array):
        return None
    kept = array.copy()

    def restore() -> None:
        if array.shape != kept.shape:
            array.shape = kept.shape
        if array.flags.writeable if isinstance(array, np.ndarray) else True:
            array[...] = kept

    return restore


def _of_dict(holder: dict[Any, Any]) -> Restore:
    kept = dict(holder)

    def restore() -> None:
        if len(holder) != len(kept) or any(
            a is not b or holder[a] is not kept[b] for a, b in zip(holder, kept, strict=True)
        ):
            dict.clear(holder)
            dict.update(holder, kept)

    return restore


def _of_entries(holder: Any) -> Restore:
    kept = list(holder)

    def restore() -> None:
        if len(holder) != len(kept) or any(a is not b for a, b in zip(holder, kept, strict=True)):
            holder.clear()
            holder.extend(kept)

    return restore


def _of_set(holder: set[Any]) -> Restore:
    kept = set(holder)

    def restore() -> None:
        holder.clear()
        holder.update(kept)

    return restore


def _of_names(holder: Any) -> Restore:
    """Of a class or module of the user's."""
    kept = dict(vars(holder))

    def restore() -> None:
        for name in [n for n in vars(holder) if n not in kept]:
            delattr(holder, name)
        for name, value in kept.items():
            if vars(holder).get(name) is not value:
                setattr(holder, name, value)

    return restore


def _of_attributes(value: Any) -> Restore | None:
    attributes = getattr(value, "__dict__", None)
    slots = dict(slots_of(value))
    if type(attributes) is not dict and not hasattr(type(value), "__slots__"):
        return None
    held = _of_dict(attributes) if type(attributes) is dict else None

    def restore() -> None:
        if held is not None:
            held()
        now = dict(slots_of(value)) if slots or held is None else {}
        for slot in now.keys() - slots.keys():
            object.__delattr__(value, slot)
        for slot, kept in slots.items():
            if slot not in now or now[slot] is not kept:
                object.__setattr__(value, slot, kept)

    return restore


def _together(*restores: Restore | None) -> Restore:
    there = [restore for restore in restores if restore is not None]

    def restore() -> None:
        for each in there:
            each()

    return restore
