"""The hook of a call: it gives what is to be called, so that a function of the user's is called from the user's code.

In: what the user's code calls. Out: the same, where it passes tracked values on or has hooks itself; or a stand-in
that calls it and files what came of it.
"""

from __future__ import annotations

from functools import partial
from types import FunctionType, MethodType
from typing import Any

from ...engine.core.arrays import KINDS
from ...engine.following import switch
from ...engine.following.followers import follower_of
from ...engine.tape.tracked import Tracked
from .known import way_of
from .membrane import Membrane, here
from .met import PLAIN, meet
from .placed import placed

_HEAP = 1 << 9  # a class that Python code has made


def called(function: Any) -> Any:
    """Give what is called in place of `function`."""
    m = here()
    if m is None:
        return function
    kind = type(function)
    if kind is FunctionType:
        if m.entered.function(function):
            return function
        m.entered.anything(function)  # a decorator of a library's may stand around the user's own
    elif kind is MethodType and type(function.__func__) is FunctionType:
        if m.entered.function(function.__func__):
            return function
        if issubclass(type(function.__self__), Tracked):
            return partial(_of_tracked, m, function)
    elif kind.__flags__ & _HEAP and not issubclass(kind, (type, partial, Tracked)) and not m.foreign(kind):
        m.entered.type(kind)  # an object of the user's that can be called
        mark = m.table.mark(function)
        return function if mark is None or not mark.cuts else partial(_of_lost, m, mark.cuts, function)
    if switch.here() is not None:  # gm.grad(f) runs here, and f's own code
        function = follower_of(function) or function
    way = way_of(m, function)
    if way is None:
        return function if m.stands is None else m.stands.asking(function)
    return partial(_call, m, way, function)


def _of_lost(m: Any, cuts: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    return m.losing(function(*args, **kwargs), cuts)


def _of_tracked(m: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
    table = m.table
    return function(*(table.wrapped(a) for a in args), **{k: table.wrapped(v) for k, v in kwargs.items()})


def _call(m: Any, way: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    if m.stands is not None:
        return placed(m, partial(_run, m), way, function, args, kwargs)
    return _run(m, way, function, args, kwargs)


def _run(m: Any, way: Any, function: Any, args: Any, kwargs: Any) -> Any:
    for a in (*args, *kwargs.values()):
        if type(a) not in PLAIN:
            meet(m, a)
            if callable(a):
                m.entered.anything(a)
    return way(m, function, args, kwargs)


def method(owner: Any, name: str) -> Any:
    """Give what is called in place of `owner.name`."""
    m = here()
    if m is None:
        return getattr(owner, name)
    if m.stands is not None:
        owner = m.stands.having(owner, name)
    kind = type(owner)
    if kind not in KINDS:
        m.entered.type(kind)
    return called(getattr(owner, name))


Membrane.called = staticmethod(called)  # type: ignore[assignment]
