"""Methods of arrays and of NumPy's numbers.

In: a call of a bound method. Out: what it gives, filed; of those that write, the array itself.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from ....engine.core.arrays import from_host, is_array
from ....engine.dispatch.primitives import set_item
from ....engine.tape.modes import OFF, mode_now
from ....engine.tape.tracked import Tracked
from ..membrane import Membrane, path_of
from ..table import Mark, joined
from .functions import into
from .others import opaque
from .way import apart, as_settings, engine_values, marks_of, mutable, objects_of, wrapped

METHODS_THAT_WRITE = frozenset(
    "fill put sort partition itemset setfield resize set scatter_add scatter_max scatter_min".split()
)


_METHODS_THAT_LEAVE = frozenset(
    "tobytes tofile dump dumps hex tostring __reduce__ __reduce_ex__ __array_interface__".split()
)


_METHODS_THAT_ASK = frozenset("__len__ __bool__ all any argmax argmin argsort argpartition nonzero searchsorted "
                              "setflags __contains__ is_integer as_integer_ratio".split())  # fmt: skip


def method(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """A method of an array, or of NumPy's numbers."""
    if function.__name__ == "resize" and is_array(function.__self__):
        return _resized(m, function, args, kwargs)
    owner, name = function.__self__, function.__name__
    if (special := specials.get(name)) is not None:
        return special(owner, *args)  # x.__setitem__(0, v): as the operator
    if engine_values(args, kwargs):
        if (given := as_settings(function, args, kwargs)) is not None:
            return method(m, function, *given)
        args, kwargs = wrapped(m, args, kwargs)
        same = getattr(np, name, None)
        return same(m.table.tracked(owner), *args, **kwargs) if callable(same) else function(*args, **kwargs)
    if name in METHODS_THAT_WRITE and is_array(owner):
        return _method_writes(m, function, owner, name, args, kwargs)
    outs = kwargs.get("out")
    if outs is None and name in OUT_AT and len(args) > OUT_AT[name]:
        outs = args[OUT_AT[name]]
    if outs is not None and (is_array(owner) or isinstance(owner, np.generic)):
        rest = {k: v for k, v in kwargs.items() if k != "out"}
        given = args[: OUT_AT.get(name, len(args))]
        outs = outs if isinstance(outs, tuple) else (outs,)
        return into(m, _as_function(name), (owner, *given), rest, outs, lambda: function(*args, **kwargs))
    mark = m.table.mark(owner)
    marks = marks_of(m, args, kwargs)
    if is_array(owner) and owner.dtype.hasobject:
        marks = [*m.table.marks((owner,)), *marks]  # its entries may be tracked
    out = function(*args, **kwargs)
    if (mark is None and not marks) or out is owner or mode_now() is OFF or name in _METHODS_THAT_ASK:
        return out
    all_marks = [*([mark] if mark is not None else []), *marks]
    if name in _METHODS_THAT_LEAVE:
        node = next((k.node for k in all_marks if k.node is not None), None)
        if name in ("tofile", "dump") and args and isinstance(args[0], (str, os.PathLike)):
            m.channels[path_of(args[0])] = Mark(None, joined(all_marks) | {m.cut(node, f".{name}()")})
        return m.taint(out, joined(all_marks) | {m.cut(node, f".{name}()")})
    if name == "tolist" or name == "item":
        return _numbers(m, owner, mark, out, name, args)
    if is_array(out) and out.dtype.hasobject:
        return m.filed(out, objects_of(m, (owner,), out), joined(all_marks), f".{name}()")
    tracked = mark is not None and mark.node is not None
    return m.record(
        asked_of(name) if tracked else _as_function(name), (owner, *args), kwargs, out, f".{name}()"
    )


OUT_AT = {
    "sum": 2, "prod": 2, "mean": 2, "std": 2, "var": 2, "cumsum": 2, "cumprod": 2, "max": 1, "min": 1, "ptp": 1,
    "trace": 4, "take": 2, "choose": 1, "clip": 2, "dot": 1, "round": 1, "compress": 2, "argmax": 1, "argmin": 1,
}  # fmt: skip


def asked_of(name: str) -> Callable[..., Any]:
    def ask(x: Any, *args: Any, **kwargs: Any) -> Any:
        if name == "get":  # of a device's array: it is taken to the host when it is filed
            return x
        return getattr(x, name)(*args, **kwargs)

    ask.__name__ = name
    return ask


def _as_function(name: str) -> Callable[..., Any]:
    """Give NumPy's function of a method's name, for a plain array that meets tracked ones."""
    return getattr(np, name, None) or asked_of(name)


def _method_writes(m: Membrane, function: Any, owner: Any, name: str, args: Any, kwargs: Any) -> Any:
    def thunk(old: Any) -> Any:
        given, options = wrapped(m, apart(m, args, owner), kwargs, owner)

        def compute() -> Any:
            new = mutable(old)
            if name == "scatter_add":  # a method of CuPy's alone
                np.add.at(new, *given, **options)
            elif name == "set":
                return set_item(old, Ellipsis, from_host(args[0], owner))
            else:
                getattr(new, name)(*given, **options)
            return new

        return compute

    return m.write(owner, thunk, lambda: function(*args, **kwargs), (*args, *kwargs.values()), f".{name}()")


def _resized(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`x.resize(n)`: the entries stay, zeros follow.

    NumPy counts who refers to the array, weakly too: meanwhile nobody here does but `function` itself.
    """
    table = m.table
    mark, before = table.mark(function.__self__), table.tracked(function.__self__)
    table.memory.forget(function.__self__)
    try:
        out = function(*args, **kwargs)
    except BaseException:
        if mark is not None:
            table.file(function.__self__, mark)
        raise
    if mark is not None:
        owner = function.__self__

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
            way: Any = lambda x: x[index] if isinstance(index, tuple) else np.ravel(x)[index]
        else:
            way = lambda x: np.reshape(x, ())
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
    return m.called(bound)(*args[1:], **kwargs)


specials: dict[str, Callable[..., Any]] = {}  # of arrays: methods with two underscores


def _rewinding(owner: Any) -> Callable[[], None]:
    """Give what sets a generator of random numbers back to where it is now."""
    if isinstance(owner, np.random.Generator):
        bits, state = owner.bit_generator, owner.bit_generator.state
        return lambda: setattr(bits, "state", state)
    if isinstance(owner, random.Random):
        own = owner.getstate()
        return lambda: owner.setstate(own)
    legacy = owner.get_state()
    return lambda: owner.set_state(legacy)  # type: ignore[no-any-return]


def drawn(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`rng.choice(x)`, `rng.permutation(x)`: entries of x; which, is found by drawing from their numbers alike."""
    owner = function.__self__
    source: Any = args[0] if args else None
    axis = kwargs.get("axis", 0)
    given = [*args[1:], *kwargs.values()]
    if not is_array(source) or not source.ndim or m.table.mark(source) is None or m.table.marks(given):
        return opaque(m, function, args, kwargs)
    rewind = _rewinding(owner)
    out = function(*args, **kwargs)
    after = _rewinding(owner)
    rewind()
    places = function(
        np.arange(source.shape[axis]), *args[1:], **{k: v for k, v in kwargs.items() if k != "axis"}
    )
    after()

    def take(x: Any) -> Any:
        made = np.take(x, places, axis=axis)
        if np.asarray(made.array).tobytes() != np.asarray(out).tobytes():
            raise ValueError("other entries")
        return made

    return m.record(take, (source,), {}, out, f".{function.__name__}()")


def shuffled(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`rng.shuffle(x)`: the same entries in another order, which is found by shuffling their numbers alike.

    Python's makes two of a row of NumPy's, and one goes: there each entry has a number.
    """
    owner = function.__self__
    target: Any = args[0] if args else None
    if not is_array(target) or m.table.mark(target) is None or not target.size or not target.ndim:
        return function(*args, **kwargs)
    axis = None if isinstance(owner, random.Random) else kwargs.get("axis", args[1] if len(args) > 1 else 0)
    rewind = _rewinding(owner)
    order: Any = (
        np.arange(target.size).reshape(target.shape) if axis is None else np.arange(target.shape[axis])
    )

    def thunk(old: Any) -> Any:
        def compute() -> Any:
            made = np.take(old, order, axis=axis)
            if made.array.tobytes() != target.tobytes():
                raise ValueError("another order")
            return made

        return compute

    def do() -> Any:
        if axis is None:
            function(order)
            rewind()
            return function(*args, **kwargs)
        shape = [1] * target.ndim
        shape[axis] = -1
        numbers = np.broadcast_to(order.reshape(shape), target.shape).astype(target.dtype, order="C")
        function(numbers, *args[1:], **kwargs)
        order[:] = (
            np.moveaxis(numbers, axis, -1).reshape(-1, target.shape[axis])[0] if numbers.size else order
        )
        rewind()
        return function(*args, **kwargs)

    return m.write(target, thunk, do, (), ".shuffle()")
