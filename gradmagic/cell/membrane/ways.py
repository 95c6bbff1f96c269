"""The ways of calls: each runs the user's own call on the user's own objects, and files what came of it.

In: a membrane, what is called, its arguments. Out: what the call gives.
"""

from __future__ import annotations

import ast
import itertools
import operator
import os
import sys
from collections.abc import Callable
from threading import Thread
from types import CodeType, GeneratorType, ModuleType
from typing import Any

import numpy as np

from ...engine.core.places import user_frame
from ...engine.derivatives.objects import Made
from ...engine.dispatch.primitives import cast
from ...engine.dispatch.protocols import COMPOSED, late_tables_loaded, out_of
from ...engine.faces.numpy.array import Array
from ...engine.faces.numpy.buffer import Buffer
from ...engine.following.block import following
from ...engine.following.followers import follower_of, follower_of_object
from ...engine.rules.declare import RULES
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.memory import copy_of
from ...engine.tape.modes import OFF, mode_now
from ...engine.tape.tracked import Tracked, tracked_in
from .enter import FUTURES, functions_in
from .fresh import fresh
from .membrane import NUMBERS, Membrane
from .memory import plain
from .table import NO_CUTS, Mark, joined, leaves
from .tree import instrument

Way = Callable[[Membrane, Any, tuple[Any, ...], dict[str, Any]], Any]


def _marks(m: Membrane, args: Any, kwargs: Any) -> list[Mark]:
    return m.table.marks((*args, *kwargs.values()) if kwargs else args)


def _wrapped(m: Membrane, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    wrapped = m.table.wrapped
    return tuple(map(wrapped, args)), {k: wrapped(v) for k, v in kwargs.items()}


def _engine_values(args: Any, kwargs: Any) -> bool:
    """Tell whether values of the engine's own are among the arguments: tensors, or those of a gm.grad(f) that runs."""
    values = [*args, *kwargs.values()]
    return bool(tracked_in(values)) or any(type(value) is Made for value in values)


def _named(function: Any) -> str:
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__name__", None) or type(function).__name__
    if isinstance(function, np.ufunc) or module.partition(".")[0] == "numpy":
        return f"np.{module.partition('.')[2]}.{name}".replace("..", ".") if module.count(".") else f"np.{name}"
    owner = getattr(function, "__self__", None)
    if owner is not None and type(owner).__name__ != "module":
        return f".{name}()"
    return name if module in ("builtins", "") else f"{module}.{name}"


# ---- NumPy ---------------------------------------------------------------------------------------------------------


def ufunc(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.exp(x)`, with or without `out=`."""
    if _engine_values(args, kwargs):
        args, kwargs = _wrapped(m, args, kwargs)
        return function(*args, **kwargs)
    outs = args[function.nin :] or kwargs.get("out")
    if outs is not None:
        outs = outs if isinstance(outs, tuple) else (outs,)
        return _into(m, function, args[: function.nin], {k: v for k, v in kwargs.items() if k != "out"}, outs,
                     lambda: function(*args, **kwargs))  # fmt: skip
    rule = RULES.get(function)
    if rule is None and function not in COMPOSED and not late_tables_loaded():
        return opaque(m, function, args, kwargs)  # of np.frompyfunc, of another library
    try:
        out = function(*args, **kwargs)
    except (ValueError, TypeError) as error:
        m.explain(error, rule, args)
        raise
    if not _marks(m, args, kwargs) or mode_now() is OFF:
        return out
    if type(rule) is Elementwise and not kwargs and not any(type(a) in (list, tuple) for a in args):
        return m.elementwise(rule, args, out)
    return m.record(function, args, kwargs, out, _named(function))


def _into(m: Membrane, function: Any, args: Any, kwargs: Any, outs: Any, do: Callable[[], Any]) -> Any:
    """A call that writes its result into arrays: `outs`, one for each result, or None."""
    targets = [o for o in outs if isinstance(o, np.ndarray)]
    if len(outs) != 1 or not targets:
        marks = _marks(m, args, kwargs)
        out = do()
        for target in targets:
            _lost_in(m, target, marks, _named(function))
        return out
    (target,) = targets

    def thunk(old: Any) -> Any:
        given, options = _wrapped(m, _apart(m, args, target), kwargs)
        mask = options.pop("where", True)

        def compute() -> Any:
            made = function(*given, **options)
            if mask is not True:
                made = np.where(mask, made, old)
            return _fitted(made, target)

        return compute

    return m.write(target, thunk, do, (*args, *kwargs.values()), _named(function))


def _apart(m: Membrane, args: Any, target: Any) -> Any:
    return [
        copy_of(a) if type(a) is np.ndarray and m.table.mark(a) is None and np.may_share_memory(a, target) else a
        for a in args
    ]


def _fitted(made: Any, target: Any) -> Any:
    if np.shape(made) != target.shape:
        made = np.broadcast_to(made, target.shape)
    return cast(made, target.dtype) if made.dtype != target.dtype else made


def _lost_in(m: Membrane, target: Any, marks: list[Mark], name: str) -> None:
    """Something that depends on tracked values was written into an array in a way that is not followed."""
    old, copy = m.table.memory.before(target) if False else (m.table.mark(target), None)
    if not marks and old is None:
        return
    node = next((k.node for k in marks if k.node is not None), None)
    cuts = joined(marks) | (old.cuts if old is not None else NO_CUTS) | {m.cut(node, name)}
    m.table.memory.written(target, Mark(None, cuts), copy)


_WRITERS = frozenset({
    np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis,
})  # fmt: skip


def array_function(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.sum(x)`, and those that write into their first argument."""
    if _engine_values(args, kwargs):
        args, kwargs = _wrapped(m, args, kwargs)
        return function(*args, **kwargs)
    if function in _WRITERS:
        return _writing(m, function, args, kwargs)
    if function not in RULES and function not in COMPOSED:  # np.save: once is enough
        return opaque(m, function, args, kwargs)
    args = _kept(args)
    at, names = out_of(function)
    if len(args) > at:
        given = dict(zip(names, args[at:], strict=False))
        outs = given.pop("out", None)
    else:
        given, outs = {}, kwargs.get("out")
    if outs is not None:
        outs = outs if isinstance(outs, tuple) else (outs,)
        rest = {k: v for k, v in kwargs.items() if k != "out"} | given
        return _into(m, function, args[:at], rest, outs, lambda: function(*args, **kwargs))
    try:
        out = function(*args, **kwargs)
    except (ValueError, TypeError) as error:
        m.explain(error, RULES.get(function), args)
        raise
    if not _marks(m, args, kwargs) or mode_now() is OFF or any(out is a for a in args):
        return out
    return m.record(follower_of(function) or function, args, kwargs, out, _named(function))


def _kept(args: Any) -> Any:
    """Give arguments that can be gone through twice."""
    return tuple(list(a) if type(a) in _ONCE else a for a in args)


_ONCE = frozenset({GeneratorType, map, zip, filter, enumerate, reversed, *(
    kind for kind in vars(itertools).values() if isinstance(kind, type))})  # fmt: skip


def _mutable(old: Any) -> Any:
    """Give what a write by the engine changes, over memory of its own."""
    if issubclass(type(old), Tracked):
        return Array.wrap(copy_of(old.array), old.node)
    return Buffer.wrap(copy_of(old), None)


def _writing(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A call that changes its first argument: the engine does the same to a copy."""
    if not args or not isinstance(args[0], np.ndarray):
        return function(*args, **kwargs)
    target = args[0]

    def thunk(old: Any) -> Any:
        given, options = _wrapped(m, _apart(m, args[1:], target), kwargs)

        def compute() -> Any:
            new = _mutable(old)
            function(new, *given, **options)
            return new

        return compute

    return m.write(target, thunk, lambda: function(*args, **kwargs), (*args[1:], *kwargs.values()), _named(function))


def ufunc_method(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.add.reduce(x)`, `np.add.at(x, i, v)`."""
    if _engine_values(args, kwargs):
        args, kwargs = _wrapped(m, args, kwargs)
        return function(*args, **kwargs)
    if function.__name__ == "at":
        return _writing(m, function, args, kwargs)
    if kwargs.get("out") is not None:
        outs = kwargs["out"] if isinstance(kwargs["out"], tuple) else (kwargs["out"],)
        rest = {k: v for k, v in kwargs.items() if k != "out"}
        return _into(m, function, args, rest, outs, lambda: function(*args, **kwargs))
    out = function(*args, **kwargs)
    if not _marks(m, args, kwargs):
        return out
    return m.record(function, args, kwargs, out, f"np.{function.__self__.__name__}.{function.__name__}")


def followed(m: Membrane, function: Any, args: Any, kwargs: Any, follower: Any = None) -> Any:
    """A function that does not dispatch, and has one that stands for it: `np.array([x[0], 1.0])`, `math.sin(a)`."""
    follower = follower or follower_of(function)
    if _engine_values(args, kwargs):
        args, kwargs = _wrapped(m, args, kwargs)
        return follower(*args, **kwargs)
    args = _kept(args)
    out = function(*args, **kwargs)
    if not (marks := _marks(m, args, kwargs)) or mode_now() is OFF:
        return out
    if any(out is a for a in args):
        if function.__module__.startswith("scipy"):  # SciPy's functions take what they write into by position, too
            _lost_in(m, out, marks, _named(function))
        return out
    if isinstance(out, np.ndarray) and out.dtype.hasobject:
        return out
    if isinstance(out, np.ndarray) and out.base is not None and m.table.mark(out) is not None:
        return out  # a view of what is known
    return m.record(follower, args, kwargs, out, _named(function))


def of_object(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method, or the call, of an object of SciPy's: it computes with what the object was made of, too."""
    owner = getattr(function, "__self__", function)
    made = m.stand_ins.get(owner)
    if made is None or mode_now() is OFF or _engine_values(args, kwargs):
        return followed(m, function, args, kwargs, follower_of_object(function))
    out = function(*args, **kwargs)
    name = "__call__" if owner is function else function.__name__
    given, options = _wrapped(m, args, kwargs)
    return m.of_made(out, m.made(getattr(made, name), given, options), made, joined(_marks(m, args, kwargs)), _named(function))


_METHODS_THAT_WRITE = frozenset("fill put sort partition itemset setfield resize".split())
_METHODS_THAT_LEAVE = frozenset("tobytes tofile dump dumps hex tostring __reduce__ __reduce_ex__ __array_interface__".split())
_METHODS_THAT_ASK = frozenset("__len__ __bool__ all any argmax argmin argsort argpartition nonzero searchsorted setflags "
                              "__contains__ is_integer as_integer_ratio".split())  # fmt: skip


def method(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of an array, or of NumPy's numbers."""
    owner, name = function.__self__, function.__name__
    if _engine_values(args, kwargs):
        args, kwargs = _wrapped(m, args, kwargs)
        same = getattr(np, name, None)
        return same(m.table.tracked(owner), *args, **kwargs) if callable(same) else function(*args, **kwargs)
    if name in _METHODS_THAT_WRITE and isinstance(owner, np.ndarray):
        return _method_writes(m, function, owner, name, args, kwargs)
    outs = kwargs.get("out")
    if outs is None and name in _OUT_AT and len(args) > _OUT_AT[name]:
        outs = args[_OUT_AT[name]]
    if outs is not None and isinstance(owner, np.ndarray | np.generic):
        rest = {k: v for k, v in kwargs.items() if k != "out"}
        given = args[: _OUT_AT.get(name, len(args))]
        outs = outs if isinstance(outs, tuple) else (outs,)
        return _into(m, _as_function(name), (owner, *given), rest, outs, lambda: function(*args, **kwargs))
    mark = m.table.mark(owner)
    marks = _marks(m, args, kwargs)
    out = function(*args, **kwargs)
    if (mark is None and not marks) or out is owner or mode_now() is OFF or name in _METHODS_THAT_ASK:
        return out
    all_marks = [*([mark] if mark is not None else []), *marks]
    if name in _METHODS_THAT_LEAVE:
        node = next((k.node for k in all_marks if k.node is not None), None)
        if name in ("tofile", "dump") and args and isinstance(args[0], (str, os.PathLike)):
            m.channels[os.fspath(args[0])] = Mark(None, joined(all_marks) | {m.cut(node, f".{name}()")})
        return m.taint(out, joined(all_marks) | {m.cut(node, f".{name}()")})
    if name == "tolist" or name == "item":
        return _numbers(m, owner, mark, out, name, args)
    if isinstance(out, np.ndarray) and (out.dtype.hasobject or out.dtype.names):
        return out
    tracked = mark is not None and mark.node is not None
    return m.record(_asked_of(name) if tracked else _as_function(name), (owner, *args), kwargs, out, f".{name}()")


_OUT_AT = {
    "sum": 2, "prod": 2, "mean": 2, "std": 2, "var": 2, "cumsum": 2, "cumprod": 2, "max": 1, "min": 1, "ptp": 1,
    "trace": 4, "take": 2, "choose": 1, "clip": 2, "dot": 1, "round": 1, "compress": 2, "argmax": 1, "argmin": 1,
}  # fmt: skip


def _asked_of(name: str) -> Callable[..., Any]:
    def ask(x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, name)(*args, **kwargs)

    ask.__name__ = name
    return ask


def _as_function(name: str) -> Callable[..., Any]:
    """Give NumPy's function of a method's name, for a plain array that meets tracked ones."""
    return getattr(np, name, None) or _asked_of(name)


def _method_writes(m: Membrane, function: Any, owner: Any, name: str, args: Any, kwargs: Any) -> Any:
    if name == "resize":
        return _resized(m, function, owner, args, kwargs)

    def thunk(old: Any) -> Any:
        given, options = _wrapped(m, _apart(m, args, owner), kwargs)

        def compute() -> Any:
            new = _mutable(old)
            getattr(new, name)(*given, **options)
            return new

        return compute

    return m.write(owner, thunk, lambda: function(*args, **kwargs), (*args, *kwargs.values()), f".{name}()")


def _resized(m: Membrane, function: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    """`x.resize(n)`: the entries stay, zeros follow."""
    mark = m.table.mark(owner)
    before = m.table.tracked(owner)
    out = function(*args, **kwargs)
    if mark is not None:
        m.table.memory.forget(owner)

        def again() -> Any:
            flat, n = np.ravel(before), owner.size
            have = min(n, flat.size)
            return np.reshape(np.concatenate([flat[:have], np.zeros(n - have, owner.dtype)]), owner.shape)

        m.filed(owner, m.made(again, (), {}), mark.cuts, ".resize()")
    return out


def _numbers(m: Membrane, owner: Any, mark: Any, out: Any, name: str, args: Any) -> Any:
    """`x.item()`, `x.tolist()`: each number is an entry."""
    if mark is None:
        return out
    if mark.node is None:
        return m.taint(out, mark.cuts)
    if type(out) is not list:
        if args:
            index = args if len(args) > 1 else args[0]
            way: Any = lambda x: x[index] if isinstance(index, tuple) else np.ravel(x)[index]  # noqa: E731
        else:
            way = lambda x: np.reshape(x, ())  # noqa: E731
        return m.record(way, (owner,), {}, out, name)

    def each(values: list[Any], at: tuple[int, ...]) -> None:
        for i, value in enumerate(values):
            if type(value) is list:
                each(value, (*at, i))
            else:
                values[i] = m.record(lambda x, at=(*at, i): x[at], (owner,), {}, value, name)

    each(out, ())
    return out


def unbound(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.ndarray.sum(x)`: as the method of the first argument."""
    if not args or issubclass(type(args[0]), Tracked):
        return function(*args, **kwargs)
    try:
        bound = function.__get__(args[0])
    except TypeError:
        return function(*args, **kwargs)  # raises, in Python's words
    from .known import way_of

    way = way_of(m, bound)
    return bound(*args[1:], **kwargs) if way is None else way(m, bound, args[1:], kwargs)


# ---- Python's own --------------------------------------------------------------------------------------------------


def again(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A pure function of Python's, which the engine's values go through: `sum(xs)`, `abs(a)`."""
    args = _kept(args)
    if _engine_values(args, kwargs):
        args, kwargs = _wrapped(m, args, kwargs)
        return function(*args, **kwargs)
    out = function(*args, **kwargs)
    if not _marks(m, args, kwargs) or m.table.mark(out) is not None or isinstance(out, (bool, np.bool_)):
        return out
    return m.record(function, args, kwargs, out, _named(function))


def chosen(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`max`, `min`, `sorted`: they give the objects that they were given."""
    if len(args) == 1:
        args = (m.entries(args[0]),)
    return function(*args, **_called_options(m, kwargs))


def _called_options(m: Membrane, kwargs: dict[str, Any]) -> dict[str, Any]:
    from .calls import called

    if callable(kwargs.get("key")):
        return kwargs | {"key": called(kwargs["key"])}
    return kwargs


_ITERATING = frozenset("extend extendleft update union intersection difference symmetric_difference fromkeys "
                       "__init__".split())  # fmt: skip


def entered_first(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What goes through its arguments in C and keeps the objects: `list(x)`, `zip(x, y)`, `map(f, x)`."""
    from .calls import called

    if function in (map, filter) and args:
        first = called(args[0]) if callable(args[0]) else args[0]
        args = (first, *args[1:])
    return function(*map(m.entries, args), **kwargs)


def executed(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`eval(text)`, `exec(text)`: the text gets hooks as the cell has them."""
    frame = user_frame(sys._getframe(1))
    source, *spaces = args
    names = dict(zip(("globals", "locals"), spaces, strict=False)) | kwargs
    if names.get("globals") is None:
        names = {"globals": frame.f_globals, "locals": names.get("locals", frame.f_locals)}
    if isinstance(source, CodeType):
        known = m.sources.get(id(source))
        code = known[1] if known is not None else source
    else:
        code = _with_hooks(source, "<string>", "eval" if function is eval else "exec", frame.f_code.co_flags) or source
    given = [names[k] for k in ("globals", "locals") if names.get(k) is not None]
    out = function(code, *given, **{k: v for k, v in kwargs.items() if k == "closure"})
    marks = m.table.marks((source,))
    return m.taint(out, joined(marks)) if marks else out


def compiled(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`compile(text, name, mode)`: what it makes is the user's; `exec` will find the same with hooks."""
    code = function(*args, **kwargs)
    if isinstance(code, CodeType) and isinstance(args[0], str) and len(args) >= 3:
        hooked = _with_hooks(args[0], args[1], args[2], sys._getframe(2).f_code.co_flags)
        if hooked is not None:
            m.sources[id(code)] = code, hooked
    return code


def _with_hooks(source: Any, filename: str, mode: str, flags: int) -> CodeType | None:
    if not isinstance(source, str):
        return None
    futures = flags & FUTURES
    try:
        text = source.lstrip(" \t") if mode == "eval" else source
        tree = compile(text, filename, mode, ast.PyCF_ONLY_AST | futures, dont_inherit=True)
        return compile(instrument(tree), filename, mode, futures, dont_inherit=True)
    except (SyntaxError, ValueError, NotImplementedError):
        return None  # Python itself says what is wrong


def in_a_thread(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What another thread is to run, it runs under the same membrane: `pool.submit(f, x)`, `thread.start()`."""
    owner = function.__self__
    if isinstance(owner, Thread):
        carried = m.carried(owner.run)

        def run() -> None:
            del owner.run
            carried()

        owner.run = run  # type: ignore[method-assign]
        return function(*args, **kwargs)
    rest = args[1:] if function.__name__ in ("submit", "apply", "apply_async") else tuple(map(m.entries, args[1:]))
    return function(m.carried(args[0]), *rest, **kwargs)


def container_method(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of a list, dict, set: what it is given or gives is the object itself."""
    if function.__name__ in _ITERATING:
        args = tuple(map(m.entries, args))
    return function(*args, **_called_options(m, kwargs))


def reduced(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`functools.reduce(f, xs)`."""
    from .calls import called

    return function(called(args[0]), m.entries(args[1]), *args[2:]) if len(args) > 1 else function(*args, **kwargs)


def accumulated(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`itertools.accumulate(xs)`: it adds in C."""
    from .calls import called
    from .hooks import binary

    if len(args) > 1 and args[1] is not None:
        args = (m.entries(args[0]), called(args[1]), *args[2:])
    elif args:
        step = kwargs.get("func")
        kwargs = kwargs | {"func": binary["Add"] if step is None else called(step)}
        args = (m.entries(args[0]), *args[2:])
    return function(*args, **kwargs)


def number(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`float(v)`, `np.float32(v)`: the same number in another type; of `int(v)` the derivative is zero."""
    if _engine_values(args, kwargs):
        return function(*args, **kwargs)
    out = function(*args, **kwargs)
    marks = _marks(m, args, kwargs)
    if not marks or any(out is a for a in args) or mode_now() is OFF:
        return out
    value = args[0]
    mark = m.table.mark(value)
    if isinstance(value, (*NUMBERS, np.generic, int)) and mark is not None and mark.node is not None:
        dtype = np.asarray(out).dtype
        if dtype.kind not in "fc":
            if mark.node.aval.dtype.kind not in "iu":
                return out
            if type(out) is int:
                return m.table.file(out, mark)
            return m.record(lambda x: cast(x, dtype), (value,), {}, out, _named(function))
        if mark.node.aval.dtype == dtype and not mark.node.aval.shape and len(args) == 1:
            return m.table.file(out, mark)

        def way(x: Any, imag: Any = None) -> Any:
            x = np.reshape(x, np.shape(out)) if np.ndim(x) else x
            x = x if imag is None else x + 1j * imag
            return cast(x, dtype) if getattr(x, "dtype", None) != dtype else x

        return m.record(way, args, {}, out, _named(function))
    if mark is not None or type(value) in (list, tuple):
        return m.record(lambda x: cast(np.stack(x), np.asarray(out).dtype), (value,), {}, out, _named(function))
    return m.taint(out, joined(marks))


def text(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`str(v)`, `format(v, ".2f")`: whether anybody reads it as a number again, its mark tells."""
    out = function(*args, **kwargs)
    return _as_text(m, out, _marks(m, args, kwargs))


def _as_text(m: Membrane, out: Any, marks: list[Mark], how: str = "text") -> Any:
    if not marks or mode_now() is OFF:
        return out
    node = next((k.node for k in marks if k.node is not None), None)
    return m.taint(out, joined(marks) | ({m.cut(node, how)} if node is not None else NO_CUTS))


def of_text(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of text or bytes."""
    args = _kept(args)
    out = function(*args, **kwargs)
    return _as_text(m, out, m.table.marks([function.__self__, *args, *kwargs.values()]))


def of_number(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of a Python number."""
    owner, name = function.__self__, function.__name__
    out = function(*args, **kwargs)
    marks = m.table.marks([owner, *args])
    if not marks or out is owner or isinstance(out, bool) or out is NotImplemented:
        return out
    if name == "conjugate" or (name.startswith("__") and name.endswith("__")):
        return m.record(_asked_of(name), (owner, *args), {}, out, f".{name}()")
    return _as_text(m, out, marks, f".{name}()")


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
    for old, new in zip(leaves(args[0]), leaves(out), strict=False):
        mark = m.table.mark(old)
        if mark is None or new is old or m.table.mark(new) is not None:
            continue
        if isinstance(old, np.ndarray) and type(old) is type(new) and mark.node is not None:
            m.record(np.copy, (old,), {}, new, function.__name__)
        else:
            m.table.file(new, mark)
    return out


def shuffled(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`rng.shuffle(x)`: the same entries in another order, which is found by shuffling their numbers alike."""
    owner = function.__self__
    target = args[0] if args else None
    if not isinstance(target, np.ndarray) or m.table.mark(target) is None:
        return function(*args, **kwargs)
    axis = kwargs.get("axis", args[1] if len(args) > 1 else 0)
    holder = owner.bit_generator if isinstance(owner, np.random.Generator) else None
    state = holder.state if holder is not None else owner.get_state()
    order: Any = np.arange(target.shape[axis])

    def rewind() -> None:
        if holder is not None:
            holder.state = state
        else:
            owner.set_state(state)

    def thunk(old: Any) -> Any:
        def compute() -> Any:
            made = np.take(old, order, axis=axis)
            if made.array.tobytes() != target.tobytes():
                raise ValueError("another order")
            return made

        return compute

    def do() -> Any:
        shape = [1] * target.ndim
        shape[axis] = -1
        numbers = np.broadcast_to(order.reshape(shape), target.shape).astype(target.dtype, order="C")
        function(numbers, *args[1:], **kwargs)
        order[:] = np.moveaxis(numbers, axis, -1).reshape(-1, target.shape[axis])[0] if numbers.size else order
        rewind()
        return function(*args, **kwargs)

    return m.write(target, thunk, do, (), ".shuffle()")


def partial(inner: Way) -> Way:
    """A `functools.partial` of what has a way."""

    def way(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
        return inner(m, function.func, (*function.args, *args), {**function.keywords, **kwargs})

    return way


# ---- the engine's own, and others ----------------------------------------------------------------------------------


def engine(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function of gradmagic, or one of NumPy's that calls the user's: once, on values that the engine follows."""
    marks = _marks(m, args, kwargs)
    if not marks and not m.reaches(args, kwargs):
        return function(*args, **kwargs)
    given, options = _wrapped(m, args, kwargs)
    owner = getattr(function, "__self__", None)
    own = _engine_values([function, owner, *args], kwargs)
    out = m.followed(function, given, options)
    return out if own else m.unwrapped(out)


def vectorized(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function made by `np.vectorize`: NumPy calls the user's, once for each entry, and is watched at it."""
    m.entered.anything(function.pyfunc)
    marks = _marks(m, args, kwargs)
    if not marks or _engine_values(args, kwargs) or function.signature is not None:
        return (opaque if marks and not _engine_values(args, kwargs) else _plainly)(m, function, args, kwargs)
    keys = [*range(len(args)), *kwargs]
    vary = [k for k in keys if k not in function.excluded]
    given = dict(enumerate(args)) | kwargs
    flat = [np.ravel(g) for g in m.made(lambda: np.broadcast_arrays(*(m.table.wrapped(given[k]) for k in vary)), (), {})]
    outs: list[Any] = []
    pyfunc = function.pyfunc
    called_as = m.called(pyfunc)
    first = not function.otypes  # then NumPy computes the first entry once more, for the dtype

    def watched(*values: Any, **named: Any) -> Any:
        at = max(len(outs) - first, 0)
        new = dict(enumerate(values)) | named
        for k, source in zip(vary, flat, strict=True):
            if _is(source):
                new[k] = m.filed(fresh(new[k]), m.made(operator.getitem, (source, at), {}), NO_CUTS, "getitem")
        out = called_as(*(new[i] for i in range(len(values))), **{k: new[k] for k in named})
        outs.append(m.table.wrapped(out))
        return out

    function.pyfunc = watched
    try:
        out = function(*args, **kwargs)
    finally:
        function.pyfunc = pyfunc
    outs = outs[first:] if len(outs) > flat[0].shape[0] else outs

    def joined_outs(k: int | None) -> Any:
        column = [o if k is None else o[k] for o in outs]
        shape, dtype = np.shape(out if k is None else out[k]), (out if k is None else out[k]).dtype
        return cast(np.reshape(np.stack([np.reshape(o, ()) for o in column]), shape), dtype)

    several = isinstance(out, tuple)
    tracked = any(_is(v) for o in outs for v in (o if several else (o,)))
    if not tracked:
        return m.taint(out, joined(marks)) if joined(marks) else out
    made = tuple(m.made(joined_outs, (k,), {}) for k in range(len(out))) if several else m.made(joined_outs, (None,), {})
    return m.filed(out, made, joined(marks), _named(function), marks)


def _is(value: Any) -> bool:
    return issubclass(type(value), Tracked)


def _plainly(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    args, kwargs = _wrapped(m, args, kwargs)
    return function(*args, **kwargs)


def by_values(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function of the user's whose source is gone: it runs once, on values that the engine follows."""
    if not _marks(m, args, kwargs) and not m.reached(function):
        return function(*args, **kwargs)
    given, options = _wrapped(m, args, kwargs)
    with following(function, *args, *kwargs.values()):
        out = function(*given, **options)
    return out if _engine_values(args, kwargs) else m.unwrapped(out)


def opaque(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What nobody knows: it runs, and what it gives or changes has lost its gradient, if it had any."""
    table = m.table
    spied: list[Mark] = []

    def spied_on(values: Any) -> Any:
        for value in values:
            spied.extend(table.marks((value,)))
            yield value

    args = tuple(spied_on(a) if type(a) in _ONCE else a for a in args)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, ModuleType):
        owner = None
    held = [leaf for value in (owner, *args, *kwargs.values()) for leaf in leaves(value)]
    arrays = [(a, plain(a).tobytes()) for a in held if isinstance(a, np.ndarray) and not a.dtype.hasobject]
    before = table.filed
    out = function(*args, **kwargs)
    marks = [mark for leaf in held if (mark := table.mark(leaf)) is not None] + spied
    m.stands_before(out, [owner, *args, *kwargs.values()])
    for value in (*args, *kwargs.values()):
        for inner in functions_in(value) if callable(value) else ():
            marks += m.reached(inner)
    happened = table.filed != before
    if not marks and not happened:
        return out
    if mode_now() is OFF:
        return out
    node = next((k.node for k in marks if k.node is not None), None)
    name = _named(function)
    cuts = joined(marks) | ({m.cut(node, name)} if node is not None or happened else NO_CUTS)
    for array, bytes_before in arrays:
        if plain(array).tobytes() != bytes_before:
            table.memory.written(array, Mark(None, cuts), None)
    if not marks and table.mark(out) is not None:
        return out
    for thing in (owner, *args, *kwargs.values()):
        m.taint_thing(thing, cuts)
    for value in args:
        if isinstance(value, (str, os.PathLike)) and table.mark(value) is None and os.path.exists(value):
            m.channels[os.fspath(value)] = Mark(None, cuts)
    return m.taint(out, cuts, {id(leaf) for leaf in held})


operators: dict[str, Way] = {}


def _operator(hook: Callable[..., Any]) -> Way:
    def way(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
        return hook(*args, **kwargs)

    return way


def add_operators(hooks: dict[str, Callable[..., Any]]) -> None:
    """Let functions of the operator module be the hooks of the operators."""
    operators.update({name: _operator(hook) for name, hook in hooks.items()})

