"""Putting back: replace objects by others wherever they are held, so that nothing tracked outlives its cell.

In: the objects to replace, by id. Out: the same holders (names, lists, attributes, closures, generators ...), each with
its own identity, holding the new objects. Holders are found by the garbage collector, so that no place is forgotten;
only arrays of objects are looked for by name, because NumPy's arrays are unknown to the collector.
"""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

_ROUNDS = 8  # so deep may tuples in tuples be nested
_GENERATORS = {
    types.GeneratorType: "gi_frame",
    types.CoroutineType: "cr_frame",
    types.AsyncGeneratorType: "ag_frame",
}


def replace_everywhere(old: list[Any], new: dict[int, Any], namespace: dict[str, Any], *ours: Any) -> None:
    """Put `new[id(o)]` in place of each `o` of `old`, whoever holds it; `ours` are holders to be left as they are.

    What cannot be changed (a tuple, a bound method) is made anew, and then replaced in its own holders.
    """
    for held in list(namespace.values()):
        if type(held) is np.ndarray and held.dtype == object:
            for i, value in enumerate(held.flat):
                if id(value) in new:
                    held.flat[i] = new[id(value)]
    alive = [old]  # nobody's id may be given away while we look for holders
    for _ in range(_ROUNDS):
        if not old:
            return
        skip = {id(o) for o in (*ours, *alive, alive, new)}
        remade = []
        for holder in gc.get_referrers(*old):
            if id(holder) in skip or isinstance(holder, types.FrameType) or id(holder) in new:
                continue
            again = _made_anew(holder, new)
            if again is not None:
                remade.append(holder)
                new[id(holder)] = again
            elif not isinstance(holder, tuple):
                _replace_in(holder, lambda value: new.get(id(value), value), new)
        old = remade
        alive.append(old)


def _made_anew(holder: Any, new: dict[int, Any]) -> Any:
    """Give what stands for an unchangeable holder; None for one that can be changed, or holds nothing of ours."""
    if isinstance(holder, tuple) and any(id(e) in new for e in holder):
        parts = [new.get(id(e), e) for e in holder]
        kind: Any = type(holder)
        return kind(*parts) if hasattr(holder, "_fields") else kind(parts)
    if isinstance(holder, frozenset):
        return type(holder)(new.get(id(e), e) for e in holder)
    if isinstance(holder, types.MethodType) and id(holder.__self__) in new:
        kind = type(holder.__self__)
        name = next((n for n in dir(kind) if getattr(kind, n, None) is holder.__func__), holder.__name__)
        return getattr(new[id(holder.__self__)], name, None)
    return None


def _replace_in(holder: Any, plain: Callable[[Any], Any], new: dict[int, Any]) -> None:
    """Replace the old objects in one holder, in place."""
    if isinstance(holder, dict):
        _replace_in_dict(holder, plain, new)
    elif isinstance(holder, (list, deque)):
        for i, value in enumerate(list(holder)):
            if id(value) in new:
                holder[i] = plain(value)
    elif isinstance(holder, set):
        members = [plain(v) for v in holder]
        holder.clear()
        holder.update(members)
    elif isinstance(holder, types.CellType):
        holder.cell_contents = plain(holder.cell_contents)
    elif isinstance(holder, (types.ModuleType, type)):
        for key, value in list(vars(holder).items()):
            if id(value) in new:
                setattr(holder, key, plain(value))
    elif isinstance(holder, types.FunctionType):
        holder.__defaults__ = plain(holder.__defaults__)  # closures are cells: holders of their own
    elif type(holder) in _GENERATORS:
        _replace_in_frame(getattr(holder, _GENERATORS[type(holder)]), plain, new)
    elif isinstance(holder, partial):
        holder.__setstate__((plain(holder.func), plain(holder.args), holder.keywords, vars(holder)))  # type: ignore[attr-defined]
    else:
        _replace_attributes(holder, plain, new)


def _replace_in_dict(holder: dict[Any, Any], plain: Callable[[Any], Any], new: dict[int, Any]) -> None:
    if any(id(key) in new for key in holder):
        items = [(plain(k), plain(v)) for k, v in holder.items()]
        holder.clear()
        holder.update(items)
        return
    # Python remembers looked-up attributes of classes; setattr tells it, a write into the class's dict would not.
    kind = None
    if "__module__" in holder and "__doc__" in holder:
        kind = next(
            (k for k in gc.get_referrers(holder) if isinstance(k, type) and "__mro__" not in holder), None
        )
    for key, value in list(holder.items()):
        if id(value) in new and kind is not None:
            setattr(kind, key, plain(value))
        elif id(value) in new:
            dict.__setitem__(holder, key, plain(value))


def _replace_in_frame(frame: Any, plain: Callable[[Any], Any], new: dict[int, Any]) -> None:
    """Replace among the variables of a generator that waits."""
    if frame is None:
        return
    assign_in(frame, {name: plain(value) for name, value in frame.f_locals.items() if id(value) in new})


def assign_in(frame: Any, values: dict[str, Any]) -> None:
    """Assign to variables of a frame that waits or calls us."""
    frame.f_locals.update(values)
    if sys.version_info < (3, 13):  # from 3.13 on, f_locals writes through (PEP 667)
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))


def _replace_attributes(holder: Any, plain: Callable[[Any], Any], new: dict[int, Any]) -> None:
    """Replace in an object's attributes: its `__dict__`, and the slots of its classes."""
    attributes = getattr(holder, "__dict__", None)
    if isinstance(attributes, dict):
        for key, value in list(attributes.items()):
            if id(value) in new:
                attributes[key] = plain(value)
    for kind in type(holder).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            value = getattr(holder, slot, None)
            if value is not None and id(value) in new:
                object.__setattr__(holder, slot, plain(value))


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
