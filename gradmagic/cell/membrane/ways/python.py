"""Python's own functions: numbers made of numbers, text, containers, what goes through values in C.

In: a call. Out: what it gives, filed.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ....engine.core.arrays import is_array, on_device
from ....engine.dispatch.primitives import cast
from ....engine.tape.modes import OFF, mode_now
from ..libraries import is_number
from ..membrane import Membrane
from ..table import joined, leaves
from .methods import asked_of, specials
from .way import Way, as_text, engine_values, gone_through, kept, marks_of, named, wrapped


def again(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A pure function of Python's, which the engine's values go through: `sum(xs)`, `abs(a)`."""
    args = gone_through(m, args) if function is sum else kept(args)
    if engine_values(args, kwargs):
        args, kwargs = wrapped(m, args, kwargs)
        return function(*args, **kwargs)
    out = function(*args, **kwargs)
    if not marks_of(m, args, kwargs) or m.table.mark(out) is not None or isinstance(out, (bool, np.bool_)):
        return out
    return m.record(function, args, kwargs, out, named(function))


def chosen(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`max`, `min`, `sorted`: they give the objects that they were given."""
    if len(args) == 1:
        args = (m.entries(args[0]),)
    return function(*args, **_called_options(m, kwargs))


def _called_options(m: Membrane, kwargs: dict[str, Any]) -> dict[str, Any]:
    if callable(kwargs.get("key")):
        return kwargs | {"key": m.called(kwargs["key"])}
    return kwargs


_ITERATING = frozenset("extend extendleft update union intersection difference symmetric_difference fromkeys "
                       "__init__".split())  # fmt: skip


def entered_first(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What goes through its arguments in C and keeps the objects: `list(x)`, `zip(x, y)`, `map(f, x)`."""
    if function in (map, filter, itertools.starmap) and args:
        first = m.called(args[0]) if callable(args[0]) else args[0]
        args = (first, *args[1:])
    out = function(*map(m.entries, args), **kwargs)
    lost = [k for a in args if not is_array(a) and (k := m.table.mark(a)) is not None and k.node is None]
    return m.taint(out, joined(lost)) if lost and type(out) is not str else out


def container_method(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of a list, dict, set: what it is given or gives is the object itself."""
    if function.__name__ in _ITERATING:
        args = tuple(map(m.entries, args))
    return function(*args, **_called_options(m, kwargs))


def reduced(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`functools.reduce(f, xs)`."""
    return (
        function(m.called(args[0]), m.entries(args[1]), *args[2:])
        if len(args) > 1
        else function(*args, **kwargs)
    )


def accumulated(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`itertools.accumulate(xs)`: it adds in C."""
    if len(args) > 1 and args[1] is not None:
        args = (m.entries(args[0]), m.called(args[1]), *args[2:])
    elif args:
        step = kwargs.get("func")
        kwargs = kwargs | {"func": m.called(operator.add if step is None else step)}
        args = (m.entries(args[0]), *args[2:])
    return function(*args, **kwargs)


def number(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`float(v)`, `np.float32(v)`: the same number in another type; of `int(v)` the derivative is zero."""
    if engine_values(args, kwargs):
        return function(*args, **kwargs)
    out = function(*args, **kwargs)
    marks = marks_of(m, args, kwargs)
    if not marks or any(out is a for a in args) or mode_now() is OFF:
        return out
    args = (*args, *(kwargs.get(k, 0) for k in ("real", "imag")[len(args) :])) if kwargs else args
    value = next((a for a in args if (k := m.table.mark(a)) is not None and k.node is not None), args[0])
    mark = m.table.mark(value)
    if (
        (is_number(value) or isinstance(value, (np.generic, int)))
        and mark is not None
        and mark.node is not None
    ):
        dtype = np.asarray(out).dtype
        if dtype.kind not in "fc":
            if mark.node.aval.dtype.kind not in "iu":
                return out
            if type(out) is int:
                return m.table.file(out, mark)
            return m.record(lambda x: cast(x, dtype), (value,), {}, out, named(function))
        if (
            type(out) not in (float, complex)
            and isinstance(out, (float, complex))
            and not (out == value or out != out)
        ):
            return m.taint(
                out, joined((mark,)) | {m.cut(mark.node, named(function))}
            )  # its __new__ makes another of it
        if (
            mark.node.aval.dtype == dtype
            and not mark.node.aval.shape
            and len(args) == 1
            and not on_device(value)
        ):
            return m.table.file(out, mark)

        def way(x: Any, imag: Any = None) -> Any:
            x = np.reshape(x, np.shape(out)) if np.ndim(x) else x
            x = x if imag is None else x + 1j * imag
            return cast(x, dtype) if getattr(x, "dtype", None) != dtype else x

        return m.record(way, args, {}, out, named(function))
    if mark is not None or type(value) in (list, tuple):
        return m.record(
            lambda x: cast(np.stack(x), np.asarray(out).dtype), (value,), {}, out, named(function)
        )
    return m.taint(out, joined(marks))


def text(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`str(v)`, `format(v, ".2f")`: whether anybody reads it as a number again, its mark tells."""
    out = function(*args, **kwargs)
    return as_text(m, out, marks_of(m, args, kwargs))


def of_text(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of text or bytes."""
    args = kept(args)
    out = function(*args, **kwargs)
    return as_text(m, out, m.table.marks([function.__self__, *args, *kwargs.values()]))


def of_number(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of a Python number."""
    owner, name = function.__self__, function.__name__
    out = function(*args, **kwargs)
    marks = m.table.marks([owner, *args])
    if not marks or out is owner or isinstance(out, bool) or out is NotImplemented:
        return out
    if name == "conjugate" or (name.startswith("__") and name.endswith("__")):
        return m.record(asked_of(name), (owner, *args), {}, out, f".{name}()")
    return as_text(m, out, marks, f".{name}()")


def shown(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`print(x)`: for people; into a file of the user's, for whoever reads it."""
    out = function(*args, **kwargs)
    file = kwargs.get("file")
    if file is not None:
        marks = m.table.marks(args)
        if marks:
            node = next((k.node for k in marks if k.node is not None), None)
            m.taint_thing(file, joined(marks) | {m.cut(node, "print")})
    return out


def asked(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A question: its answer has no derivative."""
    return function(*args, **kwargs)


def copied(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`copy.copy`, `copy.deepcopy`: the copy of a tracked value is tracked."""
    out = function(*args, **kwargs)
    if not args or out is args[0]:
        return out
    return _as_copies(m, function, [*leaves(args[0])], [*leaves(out)], out)


def fields_copied(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`dataclasses.asdict`, `dataclasses.astuple`: the fields' values are copied, each in its place."""
    out = function(*args, **kwargs)
    given, made = ([v for v in leaves(of) if is_number(v)] for of in (args[0] if args else None, out))
    marks = m.table.marks(given)
    if marks and len(given) != len(made):
        node = next((k.node for k in marks if k.node is not None), None)
        return m.taint(out, joined(marks) | {m.cut(node, named(function))})
    return _as_copies(m, function, given, made, out)


def _as_copies(m: Membrane, function: Any, given: list[Any], made: list[Any], out: Any) -> Any:
    for old, new in zip(given, made, strict=False):
        mark = m.table.mark(old)
        if mark is None or new is old or m.table.mark(new) is not None:
            continue
        if is_array(old) and type(old) is type(new) and mark.node is not None:
            m.record(np.copy, (old,), {}, new, function.__name__)
        else:
            m.table.file(new, mark)
    return out


operators: dict[str, Way] = {}  # of the operator module


def _operator(hook: Callable[..., Any]) -> Way:
    def way(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
        return hook(*args, **kwargs)

    return way


def add_operators(hooks: dict[str, Callable[..., Any]]) -> None:
    """Let functions of the operator module be the hooks of the operators."""
    operators.update({name: _operator(hook) for name, hook in hooks.items()})
    specials.update(
        {f"__{name.strip('_')}__": hook for name, hook in hooks.items() if name not in ("concat",)}
    )
