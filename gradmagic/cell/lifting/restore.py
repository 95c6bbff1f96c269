"""Putting back: other objects give way to the user's own in all that some values reach.

In: the values of the names that a cell reads or assigns, and what is to stand in place of a value. Out: the same
holders (dicts, lists, attributes, closures, generators ...), each with its own identity, holding the new objects. What
is looked at grows with what these names reach, through containers, attributes and functions; never with the heap.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from ...engine.core.places import users
from ...engine.tape.tracked import Tracked, is_a

Replace = Callable[[Any], Any]
_GENERATORS = {
    types.GeneratorType: "gi_frame",
    types.CoroutineType: "cr_frame",
    types.AsyncGeneratorType: "ag_frame",
}
_NUMBERS = frozenset({float, int, complex, bool, str, bytes, type(None), np.float64, np.int64, np.bool_})
_PASSED = _NUMBERS | {*weakref.ProxyTypes}  # a dead proxy answers nothing
_ENTRIES = (list, tuple, set, frozenset, deque)


def replace_in(roots: Iterable[Any], replace: Replace) -> Replace:
    """Put `replace(v)` in place of each value `v` that is held by what `roots` reach.

    What cannot be changed (a tuple, a bound method) is made anew, and its holders get the new one. Gives what stands
    for a value, so that the caller can do the same with the names themselves.
    """
    plain = _Plain(replace)
    for holder in held_by(roots):
        with suppress(
            AttributeError, TypeError, ValueError
        ):  # each alone: one that refuses leaves the others
            _replace_in(holder, plain)
    return plain


def held_by(roots: Iterable[Any]) -> list[Any]:
    """List what `roots` reach, themselves included: each object once."""
    todo, seen = list(roots), dict[int, Any]()
    while todo:
        value = todo.pop()
        if type(value) in _PASSED or id(value) in seen:
            continue
        seen[id(value)] = value
        todo += _held(value)
    return list(seen.values())


def _held(value: Any) -> Iterable[Any]:
    """Give what a value holds."""
    kind = type(value)
    if is_a(value, dict):
        return [*value, *value.values(), *_attributes(value)]
    if is_a(value, _ENTRIES):
        entries = () if _NUMBERS.issuperset(map(type, value)) else value
        return entries if kind in _ENTRIES else [*entries, *_attributes(value)]
    if kind is np.ndarray:
        return value.ravel().tolist() if value.dtype.hasobject else ()
    if kind is types.FunctionType:
        return [
            *(value.__closure__ or ()), *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(),
            value.__dict__,
        ]  # fmt: skip
    if kind is types.CellType:
        return [] if value == types.CellType() else [value.cell_contents]
    if kind is types.MethodType:
        return [value.__self__, value.__func__]
    if kind is partial:
        return [value.func, *value.args, *value.keywords.values()]
    if kind in _GENERATORS:
        frame = getattr(value, _GENERATORS[kind])
        return [] if frame is None else [*frame.f_locals.values()]
    if is_a(value, (type, types.ModuleType)):
        return [*vars(value).values()] if is_users(value) else ()
    if is_a(value, BaseException):
        return [*value.args, *_attributes(value)]
    if is_a(value, (Tracked, np.generic, types.BuiltinFunctionType)):
        return ()
    return _attributes(value)


def is_users(value: Any) -> bool:
    """Tell whether a class or module is the user's: others keep nothing of a cell's."""
    module = value if is_a(value, types.ModuleType) else sys.modules.get(value.__module__)
    file = getattr(module, "__file__", None)
    if value is module and module.__name__ == "__main__":
        return False  # its names are the cell's own: those that it uses are asked for one by one
    return (module is None or module.__name__ == "__main__") if file is None else users(file)


def _attributes(value: Any) -> list[Any]:
    attributes = getattr(value, "__dict__", None)
    held = list(attributes.values()) if type(attributes) is dict else []
    return held + [v for _, v in slots_of(value)]


def slots_of(value: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if type(kind.__dict__.get(slot)) is types.MemberDescriptorType:
                with suppress(AttributeError):
                    yield slot, getattr(value, slot)


class _Plain:
    """Gives what stands for a value: also for a tuple, a frozenset or a bound method that holds such values."""

    def __init__(self, replace: Replace) -> None:
        self._replace = replace
        self._made: dict[int, tuple[Any, Any]] = {}  # by id: what is made anew once, for all its holders

    def __call__(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PASSED:
            return self._replace(value) if kind in _NUMBERS else value
        made = self._made.get(id(value))
        if made is None:
            new = self._replace(value)
            made = self._made[id(value)] = value, self._anew(value) if new is value else new
        return made[1]

    def _anew(self, value: Any) -> Any:
        if is_a(value, (tuple, frozenset)):
            if _NUMBERS.issuperset(map(type, value)) and is_a(value, frozenset):
                return value
            parts = [self(v) for v in value]
            if all(a is b for a, b in zip(parts, value, strict=True)):
                return value
            if is_a(value, frozenset):
                return type(value)(parts)
            made: Any = tuple.__new__(type(value), parts)  # whatever its own `__new__` asks for
            if getattr(value, "__dict__", None):
                made.__dict__.update(value.__dict__)
            return made
        if type(value) is types.MethodType:
            owner = self(value.__self__)
            if owner is value.__self__:
                return value
            kind = type(value.__self__)
            name = next((n for n in dir(kind) if getattr(kind, n, None) is value.__func__), value.__name__)
            return getattr(owner, name, value)
        if type(value) is types.BuiltinMethodType:  # `x.sum`, kept for later
            owner = value.__self__
            given = owner if owner is None or isinstance(owner, types.ModuleType) else self(owner)
            return value if given is owner else getattr(given, value.__name__, value)
        return value


def _replace_in(holder: Any, plain: Replace) -> None:
    """Replace the values in one holder, in place."""
    if is_a(holder, dict):
        _replace_in_dict(holder, plain)
    elif is_a(holder, (list, deque)):
        for i, value in enumerate(list(holder)):
            if (new := plain(value)) is not value:
                holder[i] = new
    elif is_a(holder, set):
        members = [plain(v) for v in holder]
        if any(id(m) not in map(id, holder) for m in members):
            holder.clear()
            holder.update(members)
    elif type(holder) is np.ndarray and holder.dtype.hasobject:
        for i, value in enumerate(holder.flat):
            if (new := plain(value)) is not value:
                holder.flat[i] = new
    elif is_a(holder, types.CellType):
        if holder != types.CellType() and (new := plain(holder.cell_contents)) is not holder.cell_contents:
            holder.cell_contents = new
    elif is_a(holder, (types.ModuleType, type)):
        for key, value in list(vars(holder).items()) if is_users(holder) else ():
            if (new := plain(value)) is not value:
                setattr(holder, key, new)
    elif is_a(holder, types.FunctionType):
        holder.__defaults__ = plain(holder.__defaults__)  # closures are cells: holders of their own
        if holder.__kwdefaults__:
            _replace_in_dict(holder.__kwdefaults__, plain)
    elif type(holder) in _GENERATORS:
        frame = getattr(holder, _GENERATORS[type(holder)])
        if frame is not None:
            values = {n: plain(v) for n, v in frame.f_locals.items()}
            changed = {n: v for n, v in values.items() if v is not frame.f_locals[n]}
            if changed:
                assign_in(frame, changed)
    elif is_a(holder, BaseException):
        holder.args = plain(holder.args)
    elif type(holder) is partial:
        args, keywords = plain(holder.args), {k: plain(v) for k, v in holder.keywords.items()}
        holder.__setstate__((plain(holder.func), args, keywords, vars(holder)))  # type: ignore[attr-defined]
    if not is_a(holder, (types.ModuleType, type, types.FunctionType, Tracked)):
        _replace_attributes(holder, plain)


def _replace_in_dict(holder: dict[Any, Any], plain: Replace) -> None:
    keys = [plain(k) for k in holder]
    if any(a is not b for a, b in zip(keys, holder, strict=True)):
        items = [(k, plain(v)) for k, v in zip(keys, holder.values(), strict=True)]
        holder.clear()
        holder.update(items)
        return
    for key, value in list(holder.items()):
        if (new := plain(value)) is not value:
            dict.__setitem__(holder, key, new)


def _replace_attributes(holder: Any, plain: Replace) -> None:
    """Replace in an object's attributes: its `__dict__`, and the slots of its classes."""
    attributes = getattr(holder, "__dict__", None)
    if type(attributes) is dict:
        _replace_in_dict(attributes, plain)
    for slot, value in slots_of(holder):
        if (new := plain(value)) is not value:
            object.__setattr__(holder, slot, new)


def assign_in(frame: Any, values: dict[str, Any]) -> None:
    """Assign to variables of a frame that waits or calls us."""
    frame.f_locals.update(values)
    if sys.version_info < (3, 13):  # from 3.13 on, f_locals writes through (PEP 667)
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C wait until the block is done: half of the names put back would be worse than none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[Any] = []
    before = signal.getsignal(signal.SIGINT)
    if before is None:  # set by somebody outside Python
        yield
        return
    signal.signal(signal.SIGINT, lambda *args: pressed.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed and callable(before):
            before(*pressed[0])
