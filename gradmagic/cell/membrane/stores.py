"""The hooks of entries and attributes: `x[i]`, `x[i] = v`, `x.T`, `x.shape = ...`.

In: owners, indices, names, values. Out: what is there, filed; what was written, filed anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...engine.core.arrays import KINDS, from_host, is_array
from ...engine.dispatch.calls import gathered
from ...engine.dispatch.primitives import cast, set_item
from ...engine.following.new_arrays import get_rows
from ...engine.tape.modes import OFF, mode_now
from ...engine.tape.tracked import Tracked
from .libraries import is_flat, numpys
from .membrane import Membrane, here
from .memory import copied
from .operators import ATOMS, apart, fitted, in_place
from .table import Mark, joined

# ---- entries and attributes ----------------------------------------------------------------------------------------


def item(owner: Any, index: Any) -> Any:
    m = here()
    if m is None:
        return owner[index]
    if m.stands is not None:
        owner, index = m.stands.at(owner, index)
    kind = type(owner)
    if kind in (list, tuple, dict):
        return owner[index]
    if kind in KINDS:
        return m.entry(owner, index)
    if issubclass(kind, Tracked):
        return owner[index]
    if kind not in ATOMS:
        m.entered.type(kind)
    if is_array(owner):
        return m.entry(owner, index)
    out = owner[index]
    table = m.table
    if is_flat(owner):
        base = owner.base
        if table.mark(base) is not None:
            return m.record(lambda x: np.ravel(x)[index], (base,), {}, out, "flat")
        return out
    if owner is np.r_ or owner is np.c_ or numpys(owner) is not None:
        parts = index if isinstance(index, tuple) else (index,)
        if table.marks(parts):
            rows = get_rows if numpys(owner) is None else partial(_rows_of_a_device, out)
            return m.record(rows, (owner, index), {}, out, "np.r_")
        return out
    mark = table.mark(owner)
    if mark is not None and mark.cuts and out is not owner:
        return m.taint(out, mark.cuts)
    return out


def attribute(owner: Any, name: str) -> Any:
    m = here()
    if m is None:
        return getattr(owner, name)
    if m.stands is not None:
        owner = m.stands.having(owner, name)
    kind = type(owner)
    if kind not in ATOMS:
        m.entered.type(kind)
    out = getattr(owner, name)
    if name in _INDEXERS and m.foreign(kind):
        m.stands_before(out, [owner])  # what is stored by it is stored in the table
    mark = m.table.mark(owner)
    if mark is None or issubclass(kind, Tracked):
        return out
    if isinstance(owner, (np.generic, float, int, complex)) or is_array(owner):
        if name in _VIEWS and mode_now() is not OFF:
            if mark.node is None:
                return m.taint(out, mark.cuts)
            return m.record(_VIEWS[name], (owner,), {}, out, name)
        if name in _LEAVING:
            return m.taint(out, mark.cuts | {m.cut(mark.node, name)})
        return out
    if mark.cuts and not callable(out) and m.table.mark(out) is None:
        return m.taint(out, mark.cuts)
    return out


def _rows_of_a_device(out: Any, owner: Any, index: Any) -> Any:
    parts = [
        p if is_array(p) or issubclass(type(p), Tracked) else from_host(np.asarray(p), out)
        for p in (index if isinstance(index, tuple) else (index,))
    ]
    joined_parts = (
        np.column_stack(parts)
        if numpys(owner) is np.c_
        else np.concatenate([np.atleast_1d(p) for p in parts])
    )
    return cast(joined_parts, out.dtype)


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "T": np.transpose, "mT": np.matrix_transpose, "real": np.real, "imag": np.imag,
}  # fmt: skip
_INDEXERS = frozenset({"loc", "iloc", "at", "iat"})  # of pandas
_LEAVING = ("data", "ctypes", "__array_interface__", "__array_struct__")


class Target:
    """Stands for an array, or an object of a library, where the user's code stores an entry or an attribute of it."""

    __slots__ = ("_membrane", "_owner")

    _membrane: Membrane
    _owner: Any

    def __init__(self, m: Membrane, owner: Any) -> None:
        object.__setattr__(self, "_membrane", m)
        object.__setattr__(self, "_owner", owner)

    def __setitem__(self, index: Any, value: Any) -> None:
        stored(self._membrane, self._owner, index, value)

    def __setattr__(self, name: str, value: Any) -> None:
        attribute_stored(self._membrane, self._owner, name, value)


def part(owner: Any) -> Any:
    """Give what stands for an object of which a part is stored: a list takes what it is given one by one."""
    m = here()
    return Target(m, owner) if m is not None and type(owner) is list else target(owner)


def target(owner: Any) -> Any:
    m = here()
    if m is None:
        return owner
    kind = type(owner)
    if kind in (list, dict):
        return owner
    if issubclass(kind, Tracked):
        return Target(m, owner)
    if kind not in ATOMS:
        m.entered.type(kind)
    return Target(m, owner)


def stored(m: Membrane, owner: Any, index: Any, value: Any) -> None:
    """Do `owner[index] = value`."""
    if m.stands is not None:
        owner, value = m.stands.into(owner, value)
        owner, index = m.stands.at(owner, index)
    if issubclass(type(owner), Tracked):
        owner[index] = m.table.wrapped(value)
    elif is_array(owner) and not issubclass(type(value), Tracked) and not owner.dtype.hasobject:

        def function(old: Any) -> Any:
            new = m.table.wrapped(apart(value, owner))
            where = _indexed(index)
            return lambda: set_item(old, where, m.beside(gathered(new), owner))

        array: Any = owner
        m.write(array, function, lambda: operator.setitem(array, index, value), (value,), "assignment")
    elif is_flat(owner):
        m.write_flat(owner, index, value)
    else:
        owner[index] = m.entries(value) if type(index) is slice and type(owner) is list else value
        _takes(m, owner, value)


def set_entry(owner: Any, index: Any, value: Any) -> None:
    m = here()
    if m is None:
        owner[index] = value
    else:
        stored(m, owner, index, value)


def _indexed(index: Any) -> Any:
    """Give an index that stays what it is: its arrays may be changed later."""
    if type(index) in KINDS:
        return copied(index)
    if type(index) is tuple:
        return tuple(map(_indexed, index))
    return index


def _takes(m: Membrane, owner: Any, value: Any) -> None:
    """An object of a library that keeps things in its own way has taken a tracked value."""
    if isinstance(owner, (list, dict)) or is_array(owner) or not m.foreign(type(owner)):
        return
    marks = m.table.marks((value,))
    if marks:
        node = next((k.node for k in marks if k.node is not None), None)
        m.taint_thing(owner, joined(marks) | {m.cut(node, type(owner).__name__)})


def attribute_stored(m: Membrane, owner: Any, name: str, value: Any) -> None:
    """Do `owner.name = value`."""
    if m.stands is not None and is_array(owner):
        numbers = name in ("real", "imag", "flat")
        owner, value = m.stands.into(owner, value) if numbers else (m.stands.now(owner), value)
    if is_array(owner) and (name in ("imag", "flat") or (name == "real" and owner.dtype.kind == "c")):

        def function(old: Any) -> Any:
            new = m.beside(m.table.wrapped(apart(value, owner)), owner)
            if name == "flat":  # entries are taken again from the start where there are too few
                flat = np.ravel(np.asarray(new) if isinstance(new, (list, tuple)) else new)
                return lambda: fitted(
                    np.reshape(np.take(flat, np.arange(owner.size) % np.size(flat)), owner.shape), owner
                )
            parts = {"real": np.real(old), "imag": np.imag(old)} | {name: new}
            return lambda: fitted(parts["real"] + 1j * parts["imag"], owner)

        m.write(owner, function, lambda: setattr(owner, name, value), (value,), name)
        return
    if is_array(owner) and name == "real":
        stored(m, owner, Ellipsis, value)
        return
    if is_array(owner) and (mark := m.table.mark(owner)) is not None:
        before = m.table.tracked(owner)
        setattr(owner, name, value)
        if name == "shape" and issubclass(type(before), Tracked):
            made = m.made(np.reshape, (before, owner.shape), {})
            m.table.memory.relaid(owner, mark._replace(node=made.node))
        elif name in ("dtype", "strides", "shape"):
            m.table.memory.relaid(owner, Mark(None, mark.cuts | {m.cut(mark.node, name)}))
        return
    setattr(owner, name, value)
    if not is_array(owner) and getattr(owner, name, value) is not value:
        _takes(m, owner, value)


def item_changed(owner: Any, index: Any, kind: str) -> Callable[[Any], None]:
    """Begin `owner[index] += value`: read what is there."""
    old = item(owner, index)

    def change(value: Any) -> None:
        target(owner)[index] = in_place[kind](old, value)

    return change


def attribute_changed(owner: Any, name: str, kind: str) -> Callable[[Any], None]:
    """Begin `owner.name += value`: read what is there."""
    old = attribute(owner, name)

    def change(value: Any) -> None:
        setattr(target(owner), name, in_place[kind](old, value))

    return change
