"""What gives something else from call to call, and cannot be compared beforehand: clocks, files, iterators, weak links,
queues, data bases; and what a program would leave out.

In: what a function reaches. Out: whether a program may take what it gives for a constant.
"""

from __future__ import annotations

import decimal
import random
import sys
import threading
import types
import weakref
from contextvars import ContextVar
from typing import Any

import numpy as np

from ...language import tr
from ..core.generator import Stream
from ..core.places import PACKAGE, users

# What these give is not looked at, and may be another next time.
ASKING = frozenset(
    "getenv getpid getcwd cpu_count listdir exists isfile isdir is_file is_dir getsize getmtime stat today now utcnow "
    "localtime gmtime strftime ctime getcontext get_printoptions geterr geterrcall getbufsize getrecursionlimit "
    "getrefcount currentframe current_thread active_count get_ident gethostname import_module fromfile memmap "
    "loadtxt genfromtxt __subclasses__".split()
)
_ASKED = ("time", "posix", "nt", "_sqlite3")  # modules in C whose functions do so too
_PURE = ("sleep", "fspath")
SPEAKING = frozenset("print input open display write warn warning info pprint print_exc breakpoint".split())
LOGGING = frozenset("debug error exception critical fatal log".split())  # beside those, of a logger
_OF_CONTEXTS = (ContextVar, threading.local)
_WEAK = (weakref.ref, weakref.WeakValueDictionary, weakref.WeakKeyDictionary, weakref.WeakSet)
_DRAW = (
    np.random.Generator, np.random.RandomState, np.random.BitGenerator, np.random.SeedSequence, random.Random, Stream,
)  # fmt: skip
# Of the objects of Python's library that are written in C, those which stay as they are.
_FIXED = frozenset(
    "builtins types typing collections _collections functools operator _operator datetime zoneinfo re _struct _thread "
    "_abc".split()
)
_FUNCTIONS = (types.BuiltinFunctionType, types.FunctionType, types.MethodType)


def answers(value: Any) -> bool:
    """Tell whether it is a function of Python's library that asks the clock or the machine, by whatever name."""
    if not isinstance(value, _FUNCTIONS):
        return False
    if value.__module__ in _ASKED:
        return value.__name__ not in _PURE
    file = value.__code__.co_filename if hasattr(value, "__code__") else PACKAGE
    return value.__name__ in ASKING and not users(file)


def moves(kind: type, of_user: bool) -> str:
    """Say what an object of this class does that a number does not; "" if it gives what it holds."""
    if issubclass(kind, random.SystemRandom):
        return tr("moves on when it is read")
    if issubclass(kind, _OF_CONTEXTS):
        return tr("is another in each thread")
    if issubclass(kind, _WEAK):
        return tr("lets go of what it gives")
    if hasattr(kind, "__next__") and not of_user:
        return tr("moves on when it is read")
    return ""


def draws(kind: type) -> bool:
    """Tell whether objects of this class draw random numbers, from a state that can be compared."""
    return issubclass(kind, _DRAW) and not issubclass(kind, random.SystemRandom)


def hides(value: Any) -> bool:
    """Tell whether it is an object of Python's library whose content nobody sees: a queue, a data base, a writer."""
    kind = type(value)
    home = kind.__module__.partition(".")[0]
    if home == "multiprocessing":  # numbers in memory that another process writes
        return True
    if home in _FIXED or home not in sys.stdlib_module_names or isinstance(value, decimal.Decimal):
        return False
    return not hasattr(value, "__dict__") and not any("__slots__" in vars(k) for k in kind.__mro__)


def speaks(name: str, space: dict[str, Any]) -> bool:
    """Tell whether what a name stands for writes or shows something, unless it is the user's own."""
    value = space.get(name)
    if name not in SPEAKING or (value is not None and not callable(value)):
        return False
    file = value.__code__.co_filename if value is not None and hasattr(value, "__code__") else PACKAGE
    return value is None or (isinstance(value, _FUNCTIONS) and not users(file))


def logs(kind: type) -> bool:
    """Tell whether it is a logger's class of a library: logging, loguru, structlog."""
    return kind.__name__.endswith(("Logger", "LoggerAdapter"))
