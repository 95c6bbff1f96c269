"""The hooks that instrumented code calls: one for each kind of expression that may compute.

In: operands as the user's code has them. Out: what the user's own operation gives. Where no cell runs in this context,
or nothing is tracked, that is all. Otherwise the membrane is told.
"""

from __future__ import annotations

import builtins
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...engine.core.places import PACKAGE
from ...engine.dispatch.calls import gathered
from ...engine.dispatch.primitives import cast, set_item
from ...engine.faces.operators import Operators
from ...engine.faces.torch.tensor import Tensor
from ...engine.following.new_arrays import get_rows
from ...engine.following.patches import HOOKS, Replacement
from ...engine.rules.declare import RULES
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.memory import copy_of
from ...engine.tape.modes import OFF, mode_now
from ...engine.tape.tracked import Tracked
from .called import called, method
from .membrane import NUMBERS, Membrane, here
from .table import Mark, joined
from .tree import HOOK
from .ways import add_operators

_ATOMS = frozenset({
    float, int, complex, bool, str, bytes, type(None), list, tuple, dict, set, np.ndarray, np.float64, np.float32,
    np.int64, np.bool_, Tensor,
})  # fmt: skip

_QUICK = frozenset({np.ndarray, float, int, np.float64, np.float32})

# ---- operators -----------------------------------------------------------------------------------------------------

_BINARY: dict[str, tuple[Any, Any]] = {
    "Add": (operator.add, np.add), "Sub": (operator.sub, np.subtract), "Mult": (operator.mul, np.multiply),
    "Div": (operator.truediv, np.divide), "FloorDiv": (operator.floordiv, np.floor_divide),
    "Mod": (operator.mod, np.remainder),
    "Pow": (operator.pow, None), "MatMult": (operator.matmul, np.matmul), "LShift": (operator.lshift, None),
    "RShift": (operator.rshift, None), "BitAnd": (operator.and_, None), "BitOr": (operator.or_, None),
    "BitXor": (operator.xor, None),
}  # fmt: skip
_IN_PLACE = {
    "Add": operator.iadd, "Sub": operator.isub, "Mult": operator.imul, "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv, "Mod": operator.imod, "Pow": operator.ipow, "MatMult": operator.imatmul,
    "LShift": operator.ilshift, "RShift": operator.irshift, "BitAnd": operator.iand, "BitOr": operator.ior,
    "BitXor": operator.ixor,
}  # fmt: skip


def _binary(op: Callable[[Any, Any], Any], ufunc: Any) -> Callable[[Any, Any], Any]:
    rule = RULES.get(ufunc)
    fast = rule if isinstance(rule, Elementwise) else None

    def hook(a: Any, b: Any) -> Any:
        m = here()
        if m is None:
            return op(a, b)
        table = m.table
        kind, other = type(a), type(b)
        if fast is not None and kind in _QUICK and other in _QUICK:
            if not (
                id(a) in table.values or id(b) in table.values
                or (kind is np.ndarray and table.memory.seen(a) is not None)
                or (other is np.ndarray and table.memory.seen(b) is not None)
            ):  # fmt: skip
                return op(a, b)
            try:
                out = op(a, b)
            except (ValueError, TypeError) as error:
                m.explain(error, rule, (a, b))
                raise
            return m.elementwise(fast, (a, b), out)
        if kind not in _ATOMS or other not in _ATOMS:
            if issubclass(kind, Tracked) or issubclass(other, Tracked):
                return op(table.tracked(a), table.tracked(b)) if _mixed(m, a, b) else op(a, b)
            m.entered.type(kind)
            m.entered.type(other)
        try:
            out = op(a, b)
        except (ValueError, TypeError) as error:
            m.explain(error, rule, (a, b))
            raise
        mark, mark_b = table.mark(a), table.mark(b)
        if mark is None and mark_b is None:
            if kind is not np.ndarray and other is not np.ndarray:
                if kind is str and op is operator.mod:
                    return _texted(m, out, table.marks((b,)))
                return out
            if not table.marks((a, b)):
                return out
        if out is a or out is b or type(out) is bool or out is NotImplemented:
            return out
        if isinstance(out, NUMBERS) or type(out) is int or isinstance(out, np.generic):
            if fast is not None and type(a) not in (list, tuple) and type(b) not in (list, tuple):
                return m.elementwise(fast, (a, b), out)
            return m.record(op, (a, b), {}, out, op.__name__)
        if type(out) in (list, tuple):
            return out
        return m.taint(out, joined(table.marks((a, b))) | {m.cut(_node(table, a, b), _symbol(op))})

    return hook


def _mixed(m: Membrane, a: Any, b: Any) -> bool:
    return m.table.mark(a) is not None or m.table.mark(b) is not None


def _node(table: Any, *values: Any) -> Any:
    return next((m.node for m in table.marks(values) if m.node is not None), None)


def _symbol(op: Any) -> str:
    return str(op.__name__)


def _texted(m: Membrane, text: Any, marks: Any) -> Any:
    if not marks:
        return text
    node = next((mark.node for mark in marks if mark.node is not None), None)
    return m.taint(text, joined(marks) | ({m.cut(node, "text")} if node is not None else frozenset()))


def _unary(op: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def hook(a: Any) -> Any:
        m = here()
        if m is None:
            return op(a)
        if type(a) not in _ATOMS:
            if issubclass(type(a), Tracked):
                return op(a)
            m.entered.type(type(a))
        out = op(a)
        if out is a or m.table.mark(a) is None:
            return out
        return m.record(op, (a,), {}, out, op.__name__)

    return hook


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    op, plain, hook_plain = _IN_PLACE[name], _BINARY[name][0], binary[name]

    def hook(a: Any, b: Any) -> Any:
        m = here()
        if m is None:
            return op(a, b)
        if not isinstance(a, np.ndarray):
            if type(a) in _NUMBERS_ONLY:
                return hook_plain(a, b)
            if type(a) not in _ATOMS and not issubclass(type(a), Tracked):
                m.entered.type(type(a))
            if isinstance(a, (list, dict, set)):
                return op(a, b)
            if issubclass(type(a), Tracked) or issubclass(type(b), Tracked):
                return op(m.table.tracked(a), m.table.tracked(b))
            return op(a, b) if _defines(type(a), op) else hook_plain(a, b)
        if issubclass(type(b), Tracked):
            return op(a, b)

        def function(old: Any) -> Any:
            value = m.table.wrapped(_apart(b, a))
            return lambda: _like(plain(old, value), a)

        return m.write(a, function, lambda: op(a, b), (b,), name)

    return hook


_NUMBERS_ONLY = frozenset({float, int, complex, str, np.float64, np.float32})


def _defines(kind: type, op: Any) -> bool:
    return hasattr(kind, f"__{op.__name__}__")


def _like(made: Any, target: Any) -> Any:
    made = np.broadcast_to(made, target.shape) if np.shape(made) != target.shape else made
    return cast(made, target.dtype) if made.dtype != target.dtype else made


def _apart(value: Any, target: Any) -> Any:
    """Give a value that a write into `target` does not change."""
    if type(value) is np.ndarray and np.may_share_memory(value, target):
        m = here()
        return value if m.table.mark(value) is not None else copy_of(value)
    return value


binary = {name: _binary(op, ufunc) for name, (op, ufunc) in _BINARY.items()}
unary = {"USub": _unary(operator.neg), "UAdd": _unary(operator.pos), "Invert": _unary(operator.invert)}
in_place = {f"I{name}": _in_place(name) for name in _BINARY}

# ---- entries and attributes ----------------------------------------------------------------------------------------


def item(owner: Any, index: Any) -> Any:
    m = here()
    if m is None:
        return owner[index]
    kind = type(owner)
    if kind in (list, tuple, dict):
        return owner[index]
    if kind is np.ndarray:
        return m.entry(owner, index)
    if issubclass(kind, Tracked):
        return owner[index]
    if kind not in _ATOMS:
        m.entered.type(kind)
    if isinstance(owner, np.ndarray):
        return m.entry(owner, index)
    out = owner[index]
    table = m.table
    if isinstance(owner, np.flatiter):
        base = owner.base
        if table.mark(base) is not None:
            return m.record(lambda x: np.ravel(x)[index], (base,), {}, out, "flat")
        return out
    if owner is np.r_ or owner is np.c_:
        parts = index if isinstance(index, tuple) else (index,)
        if table.marks(parts):
            return m.record(get_rows, (owner, index), {}, out, "np.r_")
        return out
    mark = table.mark(owner)
    if mark is not None and mark.cuts and out is not owner:
        return m.taint(out, mark.cuts)
    return out


def attribute(owner: Any, name: str) -> Any:
    m = here()
    if m is None:
        return getattr(owner, name)
    kind = type(owner)
    if kind not in _ATOMS:
        m.entered.type(kind)
    out = getattr(owner, name)
    mark = m.table.mark(owner)
    if mark is None or issubclass(kind, Tracked):
        return out
    if isinstance(owner, (np.ndarray, np.generic, float, int, complex)):
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


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "T": np.transpose, "mT": np.matrix_transpose, "real": np.real, "imag": np.imag,
}  # fmt: skip
_LEAVING = ("data", "ctypes", "__array_interface__", "__array_struct__")


class Target:
    """Stands for an array, or an object of a library, where the user's code stores an entry or an attribute of it."""

    __slots__ = ("_membrane", "_owner")

    def __init__(self, m: Membrane, owner: Any) -> None:
        object.__setattr__(self, "_membrane", m)
        object.__setattr__(self, "_owner", owner)

    def __setitem__(self, index: Any, value: Any) -> None:
        stored(self._membrane, self._owner, index, value)

    def __setattr__(self, name: str, value: Any) -> None:
        attribute_stored(self._membrane, self._owner, name, value)


def target(owner: Any) -> Any:
    m = here()
    if m is None:
        return owner
    kind = type(owner)
    if kind in (list, dict):
        return owner
    if issubclass(kind, Tracked):
        return Target(m, owner)
    if kind not in _ATOMS:
        m.entered.type(kind)
    return Target(m, owner)


def stored(m: Membrane, owner: Any, index: Any, value: Any) -> None:
    """Do `owner[index] = value`."""
    if issubclass(type(owner), Tracked):
        owner[index] = m.table.wrapped(value)
    elif isinstance(owner, np.ndarray) and not issubclass(type(value), Tracked) and not owner.dtype.hasobject:

        def function(old: Any) -> Any:
            new = m.table.wrapped(_apart(value, owner))
            where = _indexed(index)
            return lambda: set_item(old, where, gathered(new))

        m.write(owner, function, lambda: operator.setitem(owner, index, value), (value,), "assignment")
    elif isinstance(owner, np.flatiter):
        m.write_flat(owner, index, value)
    else:
        owner[index] = value
        _takes(m, owner, value)


def _set_item(owner: Any, index: Any, value: Any) -> None:
    m = here()
    if m is None:
        owner[index] = value
    else:
        stored(m, owner, index, value)


def _indexed(index: Any) -> Any:
    """Give an index that stays what it is: its arrays may be changed later."""
    if type(index) is np.ndarray:
        return index.copy()
    if type(index) is tuple:
        return tuple(map(_indexed, index))
    return index


def _takes(m: Membrane, owner: Any, value: Any) -> None:
    """An object of a library that keeps things in its own way has taken a tracked value."""
    if isinstance(owner, (list, dict, np.ndarray)) or not m.foreign(type(owner)):
        return
    marks = m.table.marks((value,))
    if marks:
        node = next((k.node for k in marks if k.node is not None), None)
        m.taint_thing(owner, joined(marks) | {m.cut(node, type(owner).__name__)})


def attribute_stored(m: Membrane, owner: Any, name: str, value: Any) -> None:
    """Do `owner.name = value`."""
    if isinstance(owner, np.ndarray) and (name in ("imag", "flat") or (name == "real" and owner.dtype.kind == "c")):

        def function(old: Any) -> Any:
            new = m.table.wrapped(_apart(value, owner))
            if name == "flat":  # entries are taken again from the start where there are too few
                flat = np.ravel(np.asarray(new) if isinstance(new, (list, tuple)) else new)
                return lambda: _like(np.reshape(np.take(flat, np.arange(owner.size) % np.size(flat)), owner.shape), owner)
            parts = {"real": np.real(old), "imag": np.imag(old)} | {name: new}
            return lambda: _like(parts["real"] + 1j * parts["imag"], owner)

        m.write(owner, function, lambda: setattr(owner, name, value), (value,), name)
        return
    if isinstance(owner, np.ndarray) and name == "real":
        stored(m, owner, Ellipsis, value)
        return
    if isinstance(owner, np.ndarray) and (mark := m.table.mark(owner)) is not None:
        before = m.table.tracked(owner)
        setattr(owner, name, value)
        if name == "shape" and issubclass(type(before), Tracked):
            made = m.made(np.reshape, (before, owner.shape), {})
            m.table.memory.relaid(owner, mark._replace(node=made.node))
        elif name in ("dtype", "strides", "shape"):
            m.table.memory.relaid(owner, Mark(None, mark.cuts | {m.cut(mark.node, name)}))
        return
    setattr(owner, name, value)
    if not isinstance(owner, np.ndarray) and getattr(owner, name, value) is not value:
        _takes(m, owner, value)


def item_changed(owner: Any, index: Any, kind: str) -> Callable[[Any], None]:
    """Begin `owner[index] += value`: read what is there."""
    old = item(owner, index)

    def change(value: Any) -> None:
        new = in_place[kind](old, value)
        m = here()
        if m is None:
            owner[index] = new
        elif isinstance(owner, np.ndarray):
            stored(m, owner, index, new)
        else:
            t = target(owner)
            t[index] = new

    return change


def attribute_changed(owner: Any, name: str, kind: str) -> Callable[[Any], None]:
    """Begin `owner.name += value`: read what is there."""
    old = attribute(owner, name)

    def change(value: Any) -> None:
        new = in_place[kind](old, value)
        m = here()
        if m is None:
            setattr(owner, name, new)
        else:
            attribute_stored(m, owner, name, new)

    return change


# ---- iteration -----------------------------------------------------------------------------------------------------


def iterated(value: Any) -> Any:
    """Give what a loop goes over: of a tracked array its entries one by one, each filed."""
    m = here()
    if m is None:
        return value
    return m.entries(value)


def entries(value: Any) -> Any:
    """Give what is unpacked."""
    made = iterated(value)
    return value if made is value else tuple(made)


# ---- text ----------------------------------------------------------------------------------------------------------


def formatted(value: Any, conversion: int, spec: str) -> str:
    m = here()
    shown = value
    if m is not None and type(value) not in _ATOMS and not issubclass(type(value), Tracked):
        m.entered.type(type(value))
    if conversion != -1:
        shown = {115: str, 114: repr, 97: ascii}[conversion](value)
    text = format(shown, spec)
    if m is None:
        return text
    return _texted(m, text, m.table.marks((value,)))  # type: ignore[no-any-return]


def text(*parts: str) -> str:
    made = "".join(parts)
    m = here()
    if m is None:
        return made
    marks = m.table.marks(parts)
    return m.taint(made, joined(marks)) if marks else made  # type: ignore[no-any-return]


# ---- functions and errors ------------------------------------------------------------------------------------------


def defined(function: Any) -> Any:
    """Note a function that instrumented code has made: after the cell it has code without hooks."""
    m = here()
    if m is not None:
        m.made_here(function)
    return function


def caught() -> None:
    """Take our own frames out of the traceback of an error that the user's code has caught."""
    error = sys.exception()
    while error is not None:
        first = error.__traceback__
        tb = first
        while tb is not None:
            following = tb.tb_next
            while following is not None and following.tb_frame.f_code.co_filename.startswith(PACKAGE):
                following = following.tb_next
            if following is not tb.tb_next:
                tb.tb_next = following
            tb = following
        error = error.__context__ if error.__context__ is not error else None


_ALL: dict[str, Callable[..., Any]] = {
    **binary, **unary, **in_place, "item": item, "attribute": attribute, "target": target, "slice": slice,
    "item_changed": item_changed, "attribute_changed": attribute_changed, "iter": iterated, "entries": entries,
    "formatted": formatted, "text": text, "defined": defined, "caught": caught, "call": called, "method": method,
}  # fmt: skip
add_operators({
    **{op.__name__.strip("_"): binary[name] for name, (op, _) in _BINARY.items()},
    **{op.__name__: in_place[f"I{name}"] for name, op in _IN_PLACE.items()},
    "neg": unary["USub"], "pos": unary["UAdd"], "invert": unary["Invert"], "getitem": item, "setitem": _set_item,
})  # fmt: skip
_HOOKED = [Replacement(HOOKS).add(builtins, HOOK.format(name), hook) for name, hook in _ALL.items()]


def put_hooks() -> None:
    """Let the hooks stand among the builtins: functions that a cell has defined call them for the rest of the session."""
    for hooked in _HOOKED:
        hooked.once()
