"""The engine's own functions, those that call the user's, and what nobody knows.

In: a call. Out: what it gives; of what nobody knows, with a cut behind it.
"""

from __future__ import annotations

import operator
import os
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

import numpy as np

from ....engine.core.arrays import is_array, on_device, to_host
from ....engine.core.places import users
from ....engine.dispatch.primitives import cast
from ....engine.faces.numpy.array import Array
from ....engine.faces.torch.make import tensor
from ....engine.following.followers import follower_of
from ....engine.rules.rule import ZERO
from ....engine.tape.modes import OFF, mode_now
from ....engine.tape.nodes import tick
from ....engine.tape.tracked import Tracked, raws, tracked_in
from ....errors import ArgumentError
from ..enter import functions_in
from ..fresh import fresh
from ..libraries import holds_device
from ..membrane import Membrane, path_of
from ..memory import copied, plain
from ..table import NO_CUTS, Mark, joined, leaves
from .way import ONCE, as_text, engine_values, keeps, marks_of, named, wrapped


def engine(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function of gradmagic, or one of NumPy's that calls the user's: once, on values that the engine follows."""
    marks = marks_of(m, args, kwargs)
    if not marks and not m.reaches(args, kwargs):
        return function(*args, **kwargs)
    given, options = wrapped(m, args, kwargs)
    owner = getattr(function, "__self__", None)
    settings: list[Any] = [
        a for a in (*given, *options.values()) if isinstance(a, Array) and not is_array(a.array)
    ]
    settings = [] if function is tensor else settings  # which says so itself
    begun = tick() if settings else 0
    out = m.followed(function, given, options)
    if getattr(function, "__name__", "") in _LENDING and isinstance(out, Tracked):
        m.lent += [a for a in args[:1] if is_array(a)]
    if settings:
        taken = _taken(out, begun)
        for setting in settings:
            if setting.node.number not in taken and setting.node.aval.dtype.kind in "fc":
                setting.leave(named(function))  # F.elu(t, alpha=p): a number that has no derivative there
    return out if keeps(out, [function, owner, *args], kwargs) else m.unwrapped(out)


_LENDING = frozenset({"as_tensor", "asarray", "from_numpy"})


def _taken(made: Any, begun: int) -> set[int]:
    """Give the numbers of the nodes that a call's operations, which are younger than `begun`, have derivatives by.

    A setting whose derivative is declared as 0 (the slope of leaky_relu) is none of them.
    """
    todo: list[Any] = [t.node for t in tracked_in([made]) if t.node is not None]
    taken = {node.number for node in todo}
    while todo:
        made = todo.pop()
        partials = getattr(made.rule, "partials", ())
        for i, node in enumerate(made.inputs):
            if (
                node is not None
                and node.number not in taken
                and not (0 < i < len(partials) and partials[i] is ZERO)
            ):
                taken.add(node.number)
                if node.number > begun:
                    todo.append(node)
    return taken


def calling(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function that calls the user's, and is followed by what that gives: `integrate.quad(f, 0, a)`."""

    def seen(value: Any) -> Any:
        if not callable(value):
            return m.table.wrapped(value)
        run = m.called(value)

        def give(*values: Any, **options: Any) -> Any:
            out = run(*values, **options)
            lost.extend(mark for mark in m.table.marks((out,)) if mark.cuts)
            return m.table.wrapped(_at_home(m, out))

        return give

    lost: list[Mark] = []

    try:
        out = follower_of(function)(*map(seen, args), **{k: seen(v) for k, v in kwargs.items()})
    except ArgumentError:
        return opaque(m, function, args, kwargs)
    return out if keeps(out, args, kwargs) else m.losing(m.unwrapped(out), joined(lost))


def _at_home(m: Membrane, value: Any) -> Any:
    """Give a device's array as what calls the user's function takes it."""
    if not (is_array(value) and on_device(value)):
        return value
    host = to_host(value)
    return m.record(lambda x: x, (value,), {}, host if host.ndim else host[()], "move")


def vectorized(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function made by `np.vectorize`: NumPy calls the user's, once for each entry, and is watched at it."""
    m.entered.anything(function.pyfunc)
    marks = marks_of(m, args, kwargs)
    if not marks or engine_values(args, kwargs) or function.signature is not None:
        return (opaque if marks and not engine_values(args, kwargs) else _plainly)(m, function, args, kwargs)
    keys = [*range(len(args)), *kwargs]
    vary = [k for k in keys if k not in function.excluded]
    given = dict(enumerate(args)) | kwargs
    flat = [
        np.ravel(g)
        for g in m.made(lambda: np.broadcast_arrays(*(m.table.wrapped(given[k]) for k in vary)), (), {})
    ]
    outs: list[Any] = []
    pyfunc = function.pyfunc
    called_as = m.called(pyfunc)
    first = not function.otypes  # then NumPy computes the first entry once more, for the dtype

    def watched(*values: Any, **named: Any) -> Any:
        at = max(len(outs) - first, 0)
        new = dict(enumerate(values)) | named
        for k, source in zip(vary, flat, strict=True):
            if _is(source):
                new[k] = m.filed(
                    fresh(new[k]), m.made(operator.getitem, (source, at), {}), NO_CUTS, "getitem"
                )
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
    made = (
        tuple(m.made(joined_outs, (k,), {}) for k in range(len(out)))
        if several
        else m.made(joined_outs, (None,), {})
    )
    return m.filed(out, made, joined(marks), named(function), marks)


def _is(value: Any) -> bool:
    return issubclass(type(value), Tracked)


def _plainly(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    args, kwargs = wrapped(m, args, kwargs)
    return function(*args, **kwargs)


def on_the_host(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy's whose own code has hooks; a device's library has code of its own for it."""
    if function is np.piecewise and len(args) > 1 and not tracked_in([args[0], *args[2:], kwargs]):
        # NumPy would ask conditions that are tensors, and not run that code.
        args = (args[0], raws(args[1]), *args[2:])
    return (opaque if holds_device((*args, *kwargs.values())) else _call)(m, function, args, kwargs)


def looked_into(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What only looks into the memory of arrays, or compares it."""
    return function(*args, **kwargs)


def _call(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


def remembered(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A function with a cache: what it gave before this cell has no gradient."""
    hits = function.cache_info().hits
    out = function(*args, **kwargs)
    marks = marks_of(m, args, kwargs)
    if not marks or function.cache_info().hits == hits or m.table.mark(out) is not None:
        return out
    return as_text(m, out, marks, "cache")


def opened(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`open(path)`: a file that a tracked value was written to gives what has lost its gradient."""
    out = function(*args, **kwargs)
    if args and (mark := m.channels.get(path_of(args[0]))) is not None:
        m.taint_thing(out, mark.cuts)
    return out


def opaque(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What nobody knows: it runs, and what it gives or changes has lost its gradient, if it had any."""
    table = m.table
    spied: list[Mark] = []

    def spied_on(values: Any) -> Any:
        for value in values:
            spied.extend(table.marks((value,)))
            yield value

    args = tuple(spied_on(a) if type(a) in ONCE else a for a in args)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, ModuleType):
        owner = None
    if owner is None and not isinstance(function, _WITHOUT_STATE):
        owner = function  # an object that is called: a spline
    held = [leaf for value in (owner, *args, *kwargs.values()) for leaf in leaves(value)]
    arrays = [(a, _numbers_of(a)) for a in held if is_array(a) and not a.dtype.hasobject]
    before = table.filed
    out = function(*args, **kwargs)
    marks = [mark for leaf in held if (mark := table.mark(leaf)) is not None] + spied
    m.stands_before(out, [owner, *args, *kwargs.values()])
    for value in (*args, *kwargs.values()):
        asked = value if callable(value) else getattr(type(value), "__array__", None)
        for inner in functions_in(asked) if callable(asked) else ():
            marks += m.reached(inner)
    marks += [m.channels[p] for p in map(path_of, (owner, *args, *kwargs.values())) if p in m.channels]
    happened = table.filed != before
    if not marks and not happened:
        return out
    if mode_now() is OFF:
        return out
    node = next((k.node for k in marks if k.node is not None), None)
    name = (
        "source"
        if type(function) is FunctionType and users(function.__code__.co_filename)
        else named(function)
    )
    cuts = joined(marks) | ({m.cut(node, name)} if node is not None or happened else NO_CUTS)
    for array, numbers in arrays:
        if _bytes(array) != _bytes(numbers):
            table.memory.written(array, Mark(None, cuts), None)
    if not marks and table.mark(out) is not None:
        return out
    for thing in (owner, *args, *kwargs.values()):
        m.taint_thing(thing, cuts)
    for value in (owner, *args):
        known = isinstance(value, str) and table.mark(value) is not None  # a text that is written, no path
        if (path := path_of(value)) is not None and not known and os.path.exists(path):
            m.channels[path] = Mark(None, cuts)
    return m.taint(out, cuts, {id(leaf) for leaf in held})


_WITHOUT_STATE = (FunctionType, BuiltinFunctionType, MethodDescriptorType, type, np.ufunc)


def _numbers_of(array: Any) -> Any:
    """Keep what an array holds; of a device's, on the device: only if it counts the host waits for it."""
    return copied(array) if on_device(array) else plain(array).tobytes()


def _bytes(numbers: Any) -> bytes:
    return numbers if type(numbers) is bytes else plain(to_host(numbers)).tobytes()  # type: ignore[no-any-return]
