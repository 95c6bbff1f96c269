"""What a call does with tracked values, by what is called: one table.

In: a callable. Out: its way, a function of (membrane, callable, args, kwargs) that runs the user's own call and files
what came of it (ways/); or None, where the objects themselves are passed on and there is nothing to file.
What stands in no table is opaque: its results count as lost, with a note where the report's result depends on them.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import dataclasses
import functools
import heapq
import itertools
import math
import operator
import random
import sys
import threading
import types
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np

from ...engine.core.arrays import KINDS, is_array
from ...engine.core.places import PACKAGE, users
from ...engine.derivatives.numpy.constants import FILES
from ...engine.following.followers import follow_late, follower_of, follower_of_object, later
from ...engine.tape.tracked import Tracked
from ...fitting import minimize
from .libraries import numpys
from .ways import code, functions, methods, others, python
from .ways.way import Way
from .ways.way import partial as partial_of

_BOUND = (types.BuiltinMethodType, types.MethodWrapperType)
_DISPATCHER = type(np.sum)  # NumPy's functions that dispatch
_KEPT: Way | None = None

# Calls that pass objects on as they are, or say something of them that has no derivative.
_PASSES: tuple[Any, ...] = (
    isinstance, issubclass, type, id, callable, hasattr, getattr, setattr, delattr, vars, dir, globals, locals,
    range, slice, input, super,
    threading.Thread, threading.Timer, collections.namedtuple, sys._getframe,
    ThreadPoolExecutor, ThreadPool, property, staticmethod, classmethod, object,
    breakpoint, __import__, chr, ord, memoryview.release, contextlib.suppress, contextlib.nullcontext,
    functools.partial, functools.lru_cache, functools.cache, functools.wraps, copy.Error, np.shape, np.ndim, np.size,
    np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast, np.dtype, np.finfo, np.iinfo, np.errstate,
    np.seterr, np.set_printoptions, np.printoptions, np.get_printoptions,
    math.isnan, math.isinf, math.isfinite, math.isclose, math.floor, math.ceil, math.trunc, types.SimpleNamespace,
    types.MappingProxyType, np.broadcast_shapes, np.ndindex, np.vectorize, np.frompyfunc,
)  # fmt: skip
_BY_FUNCTION: dict[int, Way | None] = {id(f): None for f in _PASSES}
_HELD = list(_PASSES)  # so that their ids stay theirs


def _know(way: Way | None, *functions: Any) -> None:
    for function in functions:
        _BY_FUNCTION[id(function)] = way
        _HELD.append(function)


_know(python.entered_first, iter, list, tuple, set, frozenset, dict, zip, map, filter, enumerate, reversed,
      collections.deque, collections.OrderedDict, collections.defaultdict, collections.ChainMap, *(
          f for f in vars(itertools).values() if isinstance(f, type) and f is not itertools.accumulate))  # fmt: skip
_know(python.again, sum, abs, pow, divmod, round)
_know(python.chosen, max, min, sorted)
_know(python.number, float, int, complex)
_know(python.text, str, repr, format, ascii, bytes)
_know(python.text, np.array2string, np.array_str, np.array_repr)
_know(others.opaque, *FILES, minimize)
_know(others.opened, open)
_know(others.looked_into, np.nditer, np.ndenumerate, np.shares_memory, np.may_share_memory, np.isscalar)
_know(python.entered_first, *(f for f in vars(heapq).values() if callable(f)))
_know(code.executed, eval, exec)
_know(code.compiled, compile)
_know(python.shown, print)
_know(python.reduced, functools.reduce)
_know(python.accumulated, itertools.accumulate)
_know(python.copied, copy.copy, copy.deepcopy)
_know(python.fields_copied, dataclasses.asdict, dataclasses.astuple)
_know(python.asked, len, bool, next, hash, any, all, math.isclose, np.array_equal, np.allclose, np.isclose)
_know(methods.shuffled, np.random.shuffle, random.shuffle)
_know(methods.drawn, np.random.choice, np.random.permutation)

# Methods that pass objects on, by the type of their owner.
_CONTAINERS = (list, dict, set, frozenset, tuple, collections.deque, collections.OrderedDict, collections.defaultdict,
               collections.Counter, collections.ChainMap, types.MappingProxyType)  # fmt: skip


def way_of(m: Any, function: Any) -> Way | None:
    """Give the way of a callable that is no function of the user's; None if it needs none."""
    found = _BY_FUNCTION.get(id(function), _UNKNOWN)
    if found is not _UNKNOWN:
        return found
    if later:
        follow_late()
    if (same := numpys(function)) is not None:
        return _of_twin(same)
    if getattr(function, "__name__", "") == "asnumpy" and function.__module__ == "cupy":
        return functions.home
    kind = type(function)
    if isinstance(function, np.ufunc):
        return functions.ufunc
    if kind is _DISPATCHER:
        if function in _CALLING:  # they call the user's functions: with hooks in them, all is seen
            m.entered.numpys(function._implementation)
            return others.on_the_host
        return functions.array_function
    if kind in _BOUND:
        return _of_bound(m, function)
    if kind is types.MethodType and type(function.__self__) in KINDS:
        return methods.method  # CuPy's `view` is none of C's
    if isinstance(function, type):
        return _of_class(m, function)
    own = getattr(getattr(function, "__func__", function), "__code__", None)
    if (own is not None and own.co_filename.startswith(PACKAGE)) or _is_ours(kind):
        return others.engine
    if (
        kind is types.FunctionType
        and function.__code__.co_filename.startswith("<string>")
        and _made(function)
    ):
        return None  # __new__ of a named tuple, __init__ of a data class: they keep what they are given
    if kind is types.FunctionType and users(function.__code__.co_filename):
        return others.opaque  # its source is gone
    if kind is np.vectorize:
        return others.vectorized
    if (follower := follower_of(function)) is not None:
        if getattr(follower, "opaque", False):
            return others.opaque
        if getattr(follower, "calls", False):
            return others.calling
        return functions.followed if kind is not types.MethodType else functions.of_object
    if follower_of_object(function) is not None:
        return functions.of_object
    if (
        kind in (types.FunctionType, types.MethodType)
        and (function.__module__ or "").partition(".")[0] in _FRAMES
    ):
        return None
    if kind is types.MethodType and isinstance(function.__self__, tuple):
        return None  # _replace of a named tuple
    if kind in (types.MethodDescriptorType, types.WrapperDescriptorType):
        return None if function.__objclass__ is object else methods.unbound
    if kind is functools._lru_cache_wrapper:
        m.entered.anything(function)
        return others.remembered
    if kind is functools.partial:
        m.entered.anything(function)
        inner = way_of(m, function.func) if not m.entered.anything(function.func) else None
        return None if inner is None else partial_of(inner)
    if kind is operator.itemgetter or kind is operator.attrgetter or kind is operator.methodcaller:
        return python.again
    if kind is types.MethodType:
        owner, name = function.__self__, function.__name__
        if name == "run_line_magic" and hasattr(owner, "user_ns"):
            return code.line_magic
        if isinstance(owner, (np.random.Generator, np.random.RandomState)) and name in _DRAWING:
            return _DRAWING[name]  # Cython's methods are bound as Python's are
        if function.__func__ is random.Random.shuffle and not isinstance(owner, random.SystemRandom):
            return methods.shuffled
        if isinstance(owner, threading.Thread) and name == "start":
            return code.in_a_thread
        if isinstance(owner, (ThreadPoolExecutor, ThreadPool)) and name in _IN_THREADS:
            return code.in_a_thread
        if isinstance(owner, (threading.Thread, Executor, ThreadPool, Future)):
            return _KEPT
    return others.opaque


_UNKNOWN: Any = object()
_DRAWING: dict[str, Way] = {
    "shuffle": methods.shuffled, "choice": methods.drawn, "permutation": methods.drawn,
}  # fmt: skip
_CALLING = frozenset({np.apply_along_axis, np.apply_over_axes, np.piecewise})
# Python's modules whose functions look at who calls them, and keep or only show what they are given.
_FRAMES = frozenset(
    "bisect _bisect warnings _warnings logging inspect typing enum dataclasses abc unittest pytest traceback "
    "contextlib".split()
)
_IN_THREADS = frozenset("submit map imap imap_unordered starmap apply apply_async map_async".split())


def _made(function: Any) -> bool:
    name = function.__name__
    return name.startswith("__") and name.endswith("__")


def _is_ours(kind: type) -> bool:
    return any(k.__module__.partition(".")[0] == "gradmagic" for k in kind.__mro__)


# The ways of methods written in C, by the type of their owner; NumPy's float64 is Python's float, too.
_BY_OWNER: tuple[tuple[Any, Way | None], ...] = (
    (np.ndarray, methods.method),
    (Tracked, others.engine),
    (np.ufunc, functions.ufunc_method),
    (np.generic, methods.method),
    (_CONTAINERS, python.container_method),
    ((float, complex, int), python.of_number),
    ((str, bytes), python.of_text),
    (types.GeneratorType, None),
)


def _of_twin(same: Any) -> Way | None:
    """Give the way of a function of CuPy's, by that of NumPy's after which it is named."""
    if id(same) in _BY_FUNCTION:
        return _BY_FUNCTION[id(same)]
    if isinstance(same, np.ufunc):
        return functions.ufunc
    if isinstance(getattr(same, "__self__", None), np.ufunc):
        return functions.ufunc_method
    if type(same) is _DISPATCHER and same not in _CALLING:
        return functions.array_function
    return functions.followed if follower_of(same) is not None else others.opaque


def _of_bound(m: Any, function: Any) -> Way | None:
    """Give the way of a method written in C, or of a function of a module written in C."""
    owner, name = function.__self__, function.__name__
    if isinstance(owner, types.ModuleType) or owner is None:
        if function.__module__ == "_operator":
            return python.operators.get(name, python.again)
        if follower_of(function) is not None:
            return functions.followed
        return None if function.__module__ in _FRAMES else others.opaque
    if is_array(owner):
        return methods.method
    for kinds, way in _BY_OWNER:
        if isinstance(owner, kinds):
            return way
    if isinstance(owner, (np.random.Generator, np.random.RandomState)) and name in _DRAWING:
        return _DRAWING[name]
    if isinstance(owner, type) and issubclass(owner, _CONTAINERS):
        return None
    return others.opaque


def _of_class(m: Any, kind: type) -> Way | None:
    """Give the way of making an object of a class."""
    if issubclass(kind, Tracked) or _is_ours(kind):
        return others.engine
    if issubclass(kind, np.generic):
        return python.number
    if issubclass(kind, np.ndarray):
        return others.opaque
    if issubclass(kind, BaseException):
        return None
    if issubclass(kind, _CONTAINERS):
        m.entered.type(kind)
        return None if hasattr(kind, "_fields") else python.entered_first
    if follower_of(kind) is not None:
        return functions.followed
    if not m.foreign(kind):
        m.entered.type(kind)
        return (
            python.number
            if issubclass(kind, (float, complex, int))
            else python.text
            if issubclass(kind, str)
            else None
        )
    return others.opaque
