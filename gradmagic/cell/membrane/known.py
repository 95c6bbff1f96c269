"""What a call does with tracked values, by what is called: one table.

In: a callable. Out: its way, a function of (membrane, callable, args, kwargs) that runs the user's own call and files
what came of it (ways.py); or None, where the objects themselves are passed on and there is nothing to file.
What stands in no table is opaque: its results count as lost, with a note where the report's result depends on them.
"""

from __future__ import annotations

import cmath
import collections
import contextlib
import copy
import functools
import itertools
import math
import operator
import sys
import threading
import types
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np

from ...engine.core.places import PACKAGE, users
from ...engine.derivatives.numpy.constants import FILES
from ...engine.following.followers import follow_scipy, follower_of, follower_of_object, later
from ...engine.tape.tracked import Tracked
from . import ways
from .ways import Way

_BOUND = (types.BuiltinMethodType, types.MethodWrapperType)
_DISPATCHER = type(np.sum)  # NumPy's functions that dispatch
_KEPT: Way | None = None

# Calls that pass objects on as they are, or say something of them that has no derivative.
_PASSES: tuple[Any, ...] = (
    isinstance, issubclass, type, id, len, callable, hasattr, getattr, setattr, delattr, vars, dir, globals, locals,
    range, slice, bool, next, open, input, super, threading.Thread, threading.Timer, collections.namedtuple, sys._getframe, ThreadPoolExecutor, ThreadPool, property, staticmethod, classmethod, object,
    breakpoint, __import__, hash, chr, ord, memoryview.release, contextlib.suppress, contextlib.nullcontext,
    functools.partial, functools.lru_cache, functools.cache, functools.wraps, copy.Error, np.shape, np.ndim, np.size,
    np.iscomplexobj, np.isrealobj, np.isscalar, np.result_type, np.can_cast, np.dtype, np.finfo, np.iinfo, np.errstate,
    np.seterr, np.shares_memory, np.may_share_memory, np.set_printoptions, np.printoptions, np.get_printoptions,
    math.isnan, math.isinf, math.isfinite, math.isclose, math.floor, math.ceil, math.trunc, types.SimpleNamespace,
    types.MappingProxyType, np.broadcast_shapes, np.ndindex, np.ndenumerate, np.nditer, np.vectorize, np.frompyfunc,
)  # fmt: skip
_BY_FUNCTION: dict[int, Way | None] = {id(f): None for f in _PASSES}
_HELD = list(_PASSES)  # so that their ids stay theirs


def _know(way: Way | None, *functions: Any) -> None:
    for function in functions:
        _BY_FUNCTION[id(function)] = way
        _HELD.append(function)


_know(ways.entered_first, iter, list, tuple, set, frozenset, dict, zip, map, filter, enumerate, reversed, collections.deque,
      collections.OrderedDict, collections.defaultdict, collections.ChainMap, *(
          f for f in vars(itertools).values() if isinstance(f, type) and f is not itertools.accumulate))  # fmt: skip
_know(ways.again, sum, abs, pow, divmod, round)
_know(ways.chosen, max, min, sorted)
_know(ways.number, float, int, complex)
_know(ways.text, str, repr, format, ascii, bytes)
_know(ways.text, np.array2string, np.array_str, np.array_repr)
_know(ways.opaque, *FILES)
_know(ways.executed, eval, exec)
_know(ways.compiled, compile)
_know(ways.shown, print)
_know(ways.reduced, functools.reduce)
_know(ways.accumulated, itertools.accumulate)
_know(ways.copied, copy.copy, copy.deepcopy)
_know(ways.asked, any, all, math.isclose, np.array_equal, np.allclose, np.isclose)
_know(ways.shuffled, np.random.shuffle)

# Methods that pass objects on, by the type of their owner.
_CONTAINERS = (list, dict, set, frozenset, tuple, collections.deque, collections.OrderedDict, collections.defaultdict,
               collections.Counter, collections.ChainMap, types.MappingProxyType)  # fmt: skip


def way_of(m: Any, function: Any) -> Way | None:
    """Give the way of a callable that is no function of the user's; None if it needs none."""
    found = _BY_FUNCTION.get(id(function), _UNKNOWN)
    if found is not _UNKNOWN:
        return found
    if later:
        follow_scipy()
    kind = type(function)
    if isinstance(function, np.ufunc):
        return ways.ufunc
    if kind is _DISPATCHER:
        if function in _CALLING:  # they call the user's functions: with hooks in them, all is seen
            m.entered.numpys(function._implementation)
            return None
        return ways.array_function
    if kind in _BOUND:
        return _of_bound(m, function)
    if isinstance(function, type):
        return _of_class(m, function)
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if (code is not None and code.co_filename.startswith(PACKAGE)) or _is_ours(kind):
        return ways.engine
    if kind is types.FunctionType and function.__code__.co_filename.startswith("<string>") and _made(function):
        return None  # __new__ of a named tuple, __init__ of a data class: they keep what they are given
    if kind is types.FunctionType and users(function.__code__.co_filename):
        return ways.by_values
    if kind is np.vectorize:
        return ways.vectorized
    if (follower := follower_of(function)) is not None:
        if getattr(follower, "opaque", False):
            return ways.opaque
        return ways.followed if kind is not types.MethodType else ways.of_object
    if follower_of_object(function) is not None:
        return ways.of_object
    if kind in (types.FunctionType, types.MethodType) and (function.__module__ or "").partition(".")[0] in _FRAMES:
        return None
    if kind is types.MethodType and isinstance(function.__self__, tuple):
        return None  # _replace of a named tuple
    if kind in (types.MethodDescriptorType, types.WrapperDescriptorType):
        return None if function.__objclass__ is object else ways.unbound
    if kind is functools._lru_cache_wrapper:
        m.entered.anything(function)
        return None
    if kind is functools.partial:
        m.entered.anything(function)
        inner = way_of(m, function.func) if not m.entered.anything(function.func) else None
        return None if inner is None else ways.partial(inner)
    if kind is operator.itemgetter or kind is operator.attrgetter or kind is operator.methodcaller:
        return ways.again
    if kind is types.MethodType:
        owner, name = function.__self__, function.__name__
        if isinstance(owner, threading.Thread) and name == "start":
            return ways.in_a_thread
        if isinstance(owner, (ThreadPoolExecutor, ThreadPool)) and name in _IN_THREADS:
            return ways.in_a_thread
        if isinstance(owner, (threading.Thread, Executor, ThreadPool, Future)):
            return _KEPT
    return ways.opaque


_UNKNOWN: Any = object()
_CALLING = frozenset({np.apply_along_axis, np.apply_over_axes, np.piecewise})
# Python's modules whose functions look at who calls them, and keep or only show what they are given.
_FRAMES = frozenset("bisect _bisect heapq _heapq warnings logging inspect typing enum dataclasses abc unittest pytest traceback contextlib".split())
_IN_THREADS = frozenset("submit map imap imap_unordered starmap apply apply_async map_async".split())


def _made(function: Any) -> bool:
    name = function.__name__
    return name.startswith("__") and name.endswith("__")


def _is_ours(kind: type) -> bool:
    return any(k.__module__.partition(".")[0] == "gradmagic" for k in kind.__mro__)


def _of_bound(m: Any, function: Any) -> Way | None:
    """Give the way of a method written in C, or of a function of a module written in C."""
    owner, name = function.__self__, function.__name__
    if isinstance(owner, types.ModuleType) or owner is None:
        if function.__module__ == "_operator":
            return ways.operators.get(name, ways.again)
        if follower_of(function) is not None:
            return ways.followed
        return None if function.__module__ in _FRAMES else ways.opaque
    if isinstance(owner, np.ndarray):
        return ways.method
    if isinstance(owner, Tracked):
        return ways.engine
    if isinstance(owner, np.ufunc):
        return ways.ufunc_method
    if isinstance(owner, np.generic):
        return ways.method
    if isinstance(owner, _CONTAINERS):
        return ways.container_method
    if isinstance(owner, (float, complex, int)):
        return ways.of_number
    if isinstance(owner, (str, bytes)):
        return ways.of_text
    if isinstance(owner, types.GeneratorType):
        return None
    if isinstance(owner, (np.random.Generator, np.random.RandomState)) and name == "shuffle":
        return ways.shuffled
    if isinstance(owner, type) and issubclass(owner, _CONTAINERS):
        return None
    return ways.opaque


def _of_class(m: Any, kind: type) -> Way | None:
    """Give the way of making an object of a class."""
    if issubclass(kind, Tracked) or _is_ours(kind):
        return ways.engine
    if issubclass(kind, np.generic):
        return ways.number
    if issubclass(kind, np.ndarray):
        return ways.opaque
    if issubclass(kind, BaseException):
        return None
    if issubclass(kind, _CONTAINERS):
        m.entered.type(kind)
        return None if hasattr(kind, "_fields") else ways.entered_first
    if follower_of(kind) is not None:
        return ways.followed
    if not m.foreign(kind):
        m.entered.type(kind)
        return ways.number if issubclass(kind, (float, complex, int)) else ways.text if issubclass(kind, str) else None
    return ways.opaque
