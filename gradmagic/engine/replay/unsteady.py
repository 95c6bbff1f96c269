"""What gives something else from call to call, and cannot be compared beforehand: clocks, files, iterators, weak links.

In: what a function reaches. Out: whether a program may take what it gives for a constant.
"""

from __future__ import annotations

import threading
import types
import weakref
from contextvars import ContextVar
from typing import Any

from ...language import tr
from ..core.places import PACKAGE, users

# What these give is not looked at, and may be another next time.
ASKING = frozenset(
    "getenv getpid getcwd cpu_count listdir exists isfile isdir is_file is_dir getsize getmtime stat today now utcnow "
    "localtime gmtime strftime ctime getcontext get_printoptions".split()
)
_OF_CONTEXTS = (ContextVar, threading.local)
_WEAK = (weakref.ref, weakref.WeakValueDictionary, weakref.WeakKeyDictionary, weakref.WeakSet)
_FUNCTIONS = (types.BuiltinFunctionType, types.FunctionType, types.MethodType)


def answers(value: Any) -> bool:
    """Tell whether it is a function of Python's library that asks the clock or the machine, by whatever name."""
    if not isinstance(value, _FUNCTIONS):
        return False
    if value.__module__ == "time":
        return value.__name__ != "sleep"
    file = value.__code__.co_filename if hasattr(value, "__code__") else PACKAGE
    return value.__name__ in ASKING and not users(file)


def moves(kind: type, of_user: bool) -> str:
    """Say what an object of this class does that a number does not; "" if it gives what it holds."""
    if issubclass(kind, _OF_CONTEXTS):
        return tr("is another in each thread")
    if issubclass(kind, _WEAK):
        return tr("lets go of what it gives")
    if hasattr(kind, "__next__") and not of_user:
        return tr("moves on when it is read")
    return ""
