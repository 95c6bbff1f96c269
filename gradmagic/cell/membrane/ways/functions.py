"""NumPy's functions, called with tracked values: ufuncs and their methods, functions that dispatch, those that do not.

In: a call. Out: what NumPy gives, filed; arrays that it writes into are filed anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ....engine.core.arrays import is_array, on_device
from ....engine.dispatch.calls import stacked
from ....engine.dispatch.primitives import cast
from ....engine.dispatch.protocols import COMPOSED, late_tables_loaded, out_of
from ....engine.following.followers import follower_of, follower_of_object
from ....engine.rules.declare import RULES
from ....engine.rules.pointwise import Elementwise
from ....engine.tape.modes import OFF, mode_now
from ..libraries import numpys
from ..membrane import Membrane
from ..table import NO_CUTS, Mark, joined
from .others import opaque
from .way import (
    WRITERS,
    answers,
    apart,
    as_settings,
    as_theirs,
    engine_values,
    fitted,
    gone_through,
    kept,
    marks_of,
    mutable,
    named,
    objects_of,
    wrapped,
)


def ufunc(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.exp(x)`, with or without `out=`."""
    same = numpys(function) or function
    if engine_values(args, kwargs):
        if (settled := as_settings(same, args, kwargs)) is None:
            args, kwargs = wrapped(m, args, kwargs)
            return function(*args, **kwargs)
        args, kwargs = settled
    outs = args[same.nin :] or kwargs.get("out")
    if outs is not None:
        outs = outs if isinstance(outs, tuple) else (outs,)
        return into(m, same, args[: same.nin], {k: v for k, v in kwargs.items() if k != "out"}, outs,
                     lambda: function(*args, **kwargs))  # fmt: skip
    rule = RULES.get(same)
    if answers(args) or (rule is None and same not in COMPOSED and not late_tables_loaded()):
        return opaque(m, function, args, kwargs)  # of np.frompyfunc, of another library
    try:
        out = function(*args, **kwargs)
    except (ValueError, TypeError) as error:
        m.explain(error, rule, args)
        raise
    if not marks_of(m, args, kwargs) or mode_now() is OFF:
        return out
    if type(rule) is Elementwise and not kwargs and not any(type(a) in (list, tuple) for a in args):
        return m.elementwise(rule, args, out)
    return m.record(same, args, kwargs, out, named(function))


def into(m: Membrane, function: Any, args: Any, kwargs: Any, outs: Any, do: Callable[[], Any]) -> Any:
    """A call that writes its result into arrays: `outs`, one for each result, or None."""
    targets = [o for o in outs if is_array(o)]
    if len(outs) != 1 or not targets:
        marks = marks_of(m, args, kwargs)
        out = do()
        for target in targets:
            _lost_in(m, target, marks, named(function))
        return out
    (target,) = targets

    def thunk(old: Any) -> Any:
        given, options = wrapped(m, apart(m, args, target), kwargs, target)
        mask = (
            options.pop("where", True) if isinstance(function, np.ufunc) else True
        )  # else it is a reduction's

        def compute() -> Any:
            made = function(*given, **options)
            if mask is not True:
                made = np.where(mask, made, old)
            return fitted(made, target)

        return compute

    return m.write(target, thunk, do, (*args, *kwargs.values()), named(function))


def _lost_in(m: Membrane, target: Any, marks: list[Mark], name: str) -> None:
    """Something that depends on tracked values was written into an array in a way that is not followed."""
    old = m.table.mark(target)
    if not marks and old is None:
        return
    node = next((k.node for k in marks if k.node is not None), None)
    cuts = joined(marks) | (old.cuts if old is not None else NO_CUTS) | {m.cut(node, name)}
    m.table.memory.written(target, Mark(None, cuts), None)


# They give each of their arguments back: an array as an array, a tensor as a tensor.
_EACH = frozenset({np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays, np.ix_})


def array_function(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.sum(x)`, and those that write into their first argument."""
    same = numpys(function) or function
    if engine_values(args, kwargs):
        if (settled := as_settings(same, args, kwargs)) is None:
            args, kwargs = wrapped(m, args, kwargs)
            out = function(*args, **kwargs)
            return m.unwrapped(out) if same in _EACH else as_theirs(out, args, kwargs)
        args, kwargs = settled
    if same in WRITERS:
        return _writing(m, function, args, kwargs)
    if answers(args) or (same not in RULES and same not in COMPOSED):  # np.save: once is enough
        return opaque(m, function, args, kwargs)
    if same is np.sum:
        args = kept(args)  # the one that takes a generator
    at, names = out_of(same)
    if len(args) > at:
        given = dict(zip(names, args[at:], strict=False))
        outs = given.pop("out", None)
    else:
        given, outs = {}, kwargs.get("out")
    if outs is not None:
        outs = outs if isinstance(outs, tuple) else (outs,)
        rest = {k: v for k, v in kwargs.items() if k != "out"} | given
        return into(m, same, args[:at], rest, outs, lambda: function(*args, **kwargs))
    try:
        out = function(*args, **kwargs)
    except (ValueError, TypeError) as error:
        m.explain(error, RULES.get(same), args)
        raise
    if not marks_of(m, args, kwargs) or mode_now() is OFF or any(out is a for a in args):
        return out
    return m.record(follower_of(same) or same, args, kwargs, out, named(function))


def _writing(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A call that changes its first argument: the engine does the same to a copy."""
    if not args or not is_array(args[0]):
        return function(*args, **kwargs)
    target, same = args[0], numpys(function) or function

    def thunk(old: Any) -> Any:
        given, options = wrapped(m, apart(m, args[1:], target), kwargs, target)

        def compute() -> Any:
            new = mutable(old)
            same(new, *given, **options)
            return new

        return compute

    return m.write(
        target, thunk, lambda: function(*args, **kwargs), (*args[1:], *kwargs.values()), named(function)
    )


def ufunc_method(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`np.add.reduce(x)`, `np.add.at(x, i, v)`."""
    if engine_values(args, kwargs):
        if (settled := as_settings(numpys(function) or function, args, kwargs)) is None:
            args, kwargs = wrapped(m, args, kwargs)
            return function(*args, **kwargs)
        args, kwargs = settled
    if function.__name__ == "at":
        return _writing(m, function, args, kwargs)
    if kwargs.get("out") is not None:
        outs = kwargs["out"] if isinstance(kwargs["out"], tuple) else (kwargs["out"],)
        rest = {k: v for k, v in kwargs.items() if k != "out"}
        return into(m, numpys(function) or function, args, rest, outs, lambda: function(*args, **kwargs))
    out = function(*args, **kwargs)
    if not marks_of(m, args, kwargs):
        return out
    same = numpys(function) or function
    return m.record(same, args, kwargs, out, f"np.{same.__self__.__name__}.{function.__name__}")


_GOING_THROUGH = frozenset({math.fsum, math.prod, np.fromiter})


def _made_of_entries(shape: Any, dtype: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
    return cast(np.reshape(stacked(value), shape), dtype)


def _made_full(shape: Any, dtype: Any, /, like: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
    return cast(np.copy(np.broadcast_to(fill_value, shape)), dtype)


# Of a device's new arrays: NumPy's own functions, asked for shape and dtype on the host, refuse what is in them.
MADE: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray), _made_of_entries),
    np.full: _made_full, np.full_like: _made_full,
}  # fmt: skip


def followed(m: Membrane, function: Any, args: Any, kwargs: Any, follower: Any = None) -> Any:
    """A function that does not dispatch, and has one that stands for it: `np.array([x[0], 1.0])`, `math.sin(a)`."""
    same = numpys(function)
    follower = follower or follower_of(same or function)
    if engine_values(args, kwargs):
        args, kwargs = wrapped(m, args, kwargs)
        return follower(*args, **kwargs)
    args = gone_through(m, args) if function in _GOING_THROUGH else kept(args)
    if answers(args) or (any(map(callable, args)) and not marks_of(m, args, kwargs)):
        return opaque(
            m, function, args, kwargs
        )  # it calls the user's function, which may have all that counts
    out = function(*args, **kwargs)
    if not (marks := marks_of(m, args, kwargs)) or mode_now() is OFF:
        return out
    if any(out is a for a in args):
        if function.__module__.startswith("scipy"):  # it was given what to write into by position
            _lost_in(m, out, marks, named(function))
        return out
    if is_array(out) and out.dtype.hasobject:
        return m.filed(out, objects_of(m, args, out), joined(marks_of(m, args, kwargs)), named(function))
    if is_array(out) and out.base is not None and m.table.mark(out) is not None:
        return out  # a view of what is known
    if same in MADE and on_device(out):
        follower = partial(MADE[same], out.shape, out.dtype)
    return m.record(follower, args, kwargs, out, named(function))


def of_object(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method, or the call, of an object of SciPy's: it computes with what the object was made of, too."""
    owner = getattr(function, "__self__", function)
    made = m.stand_ins.get(owner)
    if made is None or mode_now() is OFF or engine_values(args, kwargs):
        out = followed(m, function, args, kwargs, follower_of_object(function))
        mark = m.table.mark(owner)  # made of what has lost its gradient
        return out if mark is None else m.losing(out, mark.cuts)
    out = function(*args, **kwargs)
    name = "__call__" if owner is function else function.__name__
    given, options = wrapped(m, args, kwargs)
    cuts = joined(marks_of(m, args, kwargs))
    return m.of_made(out, m.made(getattr(made, name), given, options), made, cuts, named(function))


def home(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`cp.asnumpy(x)`: the same on the host."""
    out = function(*args, **kwargs)
    return (
        out
        if any(out is a for a in args)
        else m.record(lambda x, *_, **__: x, args, kwargs, out, "cp.asnumpy")
    )
