"""The hooks of operators: `a * b`, `-a`, `a += b`.

In: operands. Out: what Python gives; where one of them is tracked, filed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.core.arrays import KINDS, is_array, on_device
from ...engine.core.foreign import foreign
from ...engine.dispatch.primitives import cast
from ...engine.rules.declare import RULES
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.memory import copy_of
from ...engine.tape.tracked import Tracked
from .libraries import has_objects, is_number, may_share
from .membrane import Membrane, here
from .table import joined

ATOMS = frozenset({
    float, int, complex, bool, str, bytes, type(None), list, tuple, dict, set, np.ndarray, np.float64, np.float32,
    np.int64, np.bool_,
})  # fmt: skip

_QUICK = frozenset({np.ndarray, float, int, np.float64, np.float32})

# ---- operators -----------------------------------------------------------------------------------------------------

BINARY: dict[str, tuple[Any, Any]] = {
    "Add": (operator.add, np.add), "Sub": (operator.sub, np.subtract), "Mult": (operator.mul, np.multiply),
    "Div": (operator.truediv, np.divide), "FloorDiv": (operator.floordiv, np.floor_divide),
    "Mod": (operator.mod, np.remainder),
    "Pow": (operator.pow, None), "MatMult": (operator.matmul, np.matmul), "LShift": (operator.lshift, None),
    "RShift": (operator.rshift, None), "BitAnd": (operator.and_, None), "BitOr": (operator.or_, None),
    "BitXor": (operator.xor, None),
}  # fmt: skip
IN_PLACE = {
    "Add": operator.iadd, "Sub": operator.isub, "Mult": operator.imul, "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv, "Mod": operator.imod, "Pow": operator.ipow, "MatMult": operator.imatmul,
    "LShift": operator.ilshift, "RShift": operator.irshift, "BitAnd": operator.iand, "BitOr": operator.ior,
    "BitXor": operator.ixor,
}  # fmt: skip


def _binary(op: Callable[[Any, Any], Any], ufunc: Any) -> Callable[[Any, Any], Any]:
    rule = RULES.get(ufunc)
    fast = rule if isinstance(rule, Elementwise) else None

    def hook(a: Any, b: Any, placed: bool = False) -> Any:
        m = here()
        if m is None:
            return op(a, b)
        if m.stands is not None and not placed:
            a, b = m.stands.along(a, b)
            try:
                return hook(a, b, True)
            except (ValueError, TypeError):
                x, y = m.stands.home(a), m.stands.home(b)
                if x is a and y is b:
                    raise
                # The device's library lacks it; or NumPy says what is wrong in its own words.
                return hook(x, y, True)
        table = m.table
        kind, other = type(a), type(b)
        if fast is not None and kind in _QUICK and other in _QUICK:
            x, y = table.known(a), table.known(b)
            if x is None and y is None and not _holds_objects(a, b):
                return op(a, b)
            try:
                out = op(a, b)
            except (ValueError, TypeError) as error:
                m.explain(error, rule, (a, b))
                raise
            return m.elementwise(fast, (a, b), out, (x, y))
        if kind not in ATOMS or other not in ATOMS:
            if issubclass(kind, Tracked) or issubclass(other, Tracked):
                return _met(op, ufunc, table.tracked(a), table.tracked(b)) if _mixed(m, a, b) else op(a, b)
            m.entered.type(kind)
            m.entered.type(other)
        try:
            out = op(a, b)
        except (ValueError, TypeError) as error:
            m.explain(error, rule, (a, b))
            raise
        mark, mark_b = table.mark(a), table.mark(b)
        if mark is None and mark_b is None and type(out) not in ATOMS and m.foreign(type(out)):
            if marks := table.marks((a, b)):  # Counter + Counter
                return m.taint(out, joined(marks) | {m.cut(_node(table, a, b), _symbol(op))})
            return out
        if mark is None and mark_b is None:
            if kind not in KINDS and other not in KINDS:
                if kind is str and op is operator.mod:
                    return texted(m, out, table.marks((b,)))
                return out
            if not table.marks((a, b)):
                return out
        if out is a or out is b or type(out) is bool or out is NotImplemented:
            return out
        if is_number(out) or type(out) is int or isinstance(out, np.generic):
            if fast is not None and type(a) not in (list, tuple) and type(b) not in (list, tuple):
                return m.elementwise(fast, (a, b), out)
            return m.record(_engines(op, ufunc, out), (a, b), {}, out, op.__name__)
        if type(out) in (list, tuple):
            return out
        met = foreign(b if table.marks((a,)) else a)  # a table, a sparse matrix
        return m.taint(out, joined(table.marks((a, b))) | {m.cut(_node(table, a, b), met or _symbol(op))})

    return hook


def _engines(op: Any, ufunc: Any, out: Any) -> Any:
    """Give an operator as the engine computes it: CuPy's own takes no operand of the engine's."""
    if not on_device(out):
        return op
    return np.power if op is operator.pow else ufunc or op


def _holds_objects(a: Any, b: Any) -> bool:
    return has_objects(a) or has_objects(b)


def _met(op: Any, ufunc: Any, a: Any, b: Any) -> Any:
    """Give `a op b`, where what stands for an array or a number leaves the answer to a tensor, as they do."""
    if getattr(a, "soft", False) and isinstance(b, Tracked) and not b.soft:
        if type(a.array) in KINDS or isinstance(a.array, np.generic):
            function: Any = np.power if op is operator.pow else ufunc or op
            return function(a, b)
        answer = getattr(type(b), f"__r{_symbol(op).rstrip('_')}__", None)
        if answer is not None and (out := answer(b, a)) is not NotImplemented:
            return out
    return op(a, b)


def _mixed(m: Membrane, a: Any, b: Any) -> bool:
    return m.table.mark(a) is not None or m.table.mark(b) is not None


def _node(table: Any, *values: Any) -> Any:
    return next((m.node for m in table.marks(values) if m.node is not None), None)


def _symbol(op: Any) -> str:
    return str(op.__name__)


def texted(m: Membrane, text: Any, marks: Any) -> Any:
    if not marks:
        return text
    node = next((mark.node for mark in marks if mark.node is not None), None)
    return m.taint(text, joined(marks) | ({m.cut(node, "text")} if node is not None else frozenset()))


def _unary(op: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def hook(a: Any) -> Any:
        m = here()
        if m is None:
            return op(a)
        if m.stands is not None:
            a = m.stands.now(a)
        if type(a) not in ATOMS:
            if issubclass(type(a), Tracked):
                return op(a)
            m.entered.type(type(a))
        out = op(a)
        if out is a or m.table.mark(a) is None:
            return out
        return m.record(op, (a,), {}, out, op.__name__)

    return hook


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    op, (plain, ufunc), hook_plain = IN_PLACE[name], BINARY[name], binary[name]
    rule = RULES.get(ufunc)

    def hook(a: Any, b: Any) -> Any:
        m = here()
        if m is None:
            return op(a, b)
        if m.stands is not None:
            a, b = m.stands.into(a, b)
            if m.stands.is_number(a):
                return hook_plain(a, b)
        if not is_array(a):
            if type(a) in _NUMBERS_ONLY:
                return hook_plain(a, b)
            if type(a) not in ATOMS and not issubclass(type(a), Tracked):
                m.entered.type(type(a))
            if type(a) is list and is_array(b):  # the array answers, as for `a + b`
                return hook_plain(a, b)
            if isinstance(a, (list, dict, set)):
                return op(a, b)
            if issubclass(type(a), Tracked) or issubclass(type(b), Tracked):
                return op(m.table.tracked(a), m.table.tracked(b))
            return op(a, b) if _defines(type(a), op) else hook_plain(a, b)
        if issubclass(type(b), Tracked):
            return op(a, b)

        def function(old: Any) -> Any:
            value = m.beside(m.table.wrapped(apart(b, a)), a)
            return lambda: fitted(_engines(plain, ufunc, a)(old, value), a)

        def do() -> Any:
            try:
                return op(a, b)
            except (ValueError, TypeError) as error:
                m.explain(error, rule, (a, b))
                raise

        return m.write(a, function, do, (b,), name)

    return hook


_NUMBERS_ONLY = frozenset({float, int, complex, str, np.float64, np.float32})


def _defines(kind: type, op: Any) -> bool:
    return hasattr(kind, f"__{op.__name__}__")


def fitted(made: Any, target: Any) -> Any:
    made = np.broadcast_to(made, target.shape) if np.shape(made) != target.shape else made
    return cast(made, target.dtype) if made.dtype != target.dtype else made


def apart(value: Any, target: Any) -> Any:
    """Give a value that a write into `target` does not change."""
    if type(value) in KINDS and may_share(value, target):
        m = here()
        return value if m.table.mark(value) is not None else copy_of(value)
    return value


binary = {name: _binary(op, ufunc) for name, (op, ufunc) in BINARY.items()}
unary = {"USub": _unary(operator.neg), "UAdd": _unary(operator.pos), "Invert": _unary(operator.invert)}
in_place = {f"I{name}": _in_place(name) for name in BINARY}
