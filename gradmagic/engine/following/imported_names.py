"""Names that the user's modules have imported from NumPy (`from numpy import zeros`), followed as np.zeros is.

In: a function that is to be traced, or the names of a cell. Out: within an `imported(...)` block these names, in the
module of the function and in the user's modules that it knows, stand for what follows; afterwards for what they were.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from threading import Lock
from typing import Any

from ..core.places import users
from .new_arrays import follower_of, original_of

Names = dict[str, Any]

_lock = Lock()
_depth: dict[int, int] = {}  # id of a module's names -> how many blocks hold them
# By the id of a module's names: how many they were, which are followed, which modules they lead to.
_known: dict[int, tuple[int, list[tuple[str, Any, Any]], list[str]]] = {}
_MOST = 1024  # modules that are remembered


class imported:
    """Follow imported names within the block. Blocks may nest, in one thread and across threads.

    Parameters
    ----------
    of : function or dict
        What is to be traced: a function, or the names of a cell or module.
    """

    __slots__ = ("_held", "_of")

    def __init__(self, of: Any) -> None:
        self._of = of
        self._held: list[tuple[Names, list[tuple[str, Any, Any]]]] = []

    def __enter__(self) -> None:
        # Everyday: a function that holds nothing, in a module where nothing is to be followed.
        if type(self._of) is types.FunctionType and self._of.__closure__ is None:
            known = _known.get(id(names := self._of.__globals__))
            if known is not None and known[0] == len(names) and not known[1] and not known[2]:
                return
        for module in _reached([self._of] if type(self._of) is dict else globals_of(self._of)):
            found = _found(module)[1]
            if found:
                self._hold(module, found)

    def __exit__(self, *_: object) -> None:
        for module, found in self._held:
            with _lock:
                left = _depth[id(module)] - 1
                if left:
                    _depth[id(module)] = left
                    continue
                del _depth[id(module)]
                for name, original, follows in found:
                    if module.get(name) is follows:
                        module[name] = original
        self._held = []

    def _hold(self, module: Names, found: list[tuple[str, Any, Any]]) -> None:
        with _lock:
            depth = _depth[id(module)] = _depth.get(id(module), 0) + 1
            self._held.append((module, found))
            for name, original, follows in found if depth == 1 else ():
                if module.get(name) is original:
                    module[name] = follows


def globals_of(function: Any, depth: int = 0) -> list[Names]:
    """Give the names of the modules in which a function is defined, and the functions that it holds in its closure."""
    for _ in range(100):
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "__func__"):
            function = function.__func__
        else:
            break
    if not isinstance(function, types.FunctionType):
        function = getattr(type(function), "__call__", None)  # noqa: B004  (of an object that is called)
        if not isinstance(function, types.FunctionType):
            return []
    found = [function.__globals__]
    if depth < _DEEP and function.__closure__:
        for cell in function.__closure__:
            try:
                held = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            if isinstance(held, (types.FunctionType, types.MethodType, functools.partial)):
                found += globals_of(held, depth + 1)
            elif isinstance(held, types.ModuleType):
                found.append(vars(held))
            elif (module := type(held).__module__) in sys.modules:  # an object whose methods may be called
                found.append(vars(sys.modules[module]))
    return found


_DEEP = 4  # functions in closures of functions


def _found(names: Names) -> tuple[int, list[tuple[str, Any, Any]], list[str]]:
    """Look through a module's names: those to follow, and the user's modules that they lead to. Again when it grows."""
    known = _known.get(id(names))
    if known is not None and known[0] == len(names):
        return known
    follow, modules = [], set()
    file = names.get("__file__")
    for name, value in list(names.items()) if file is None or users(file) else ():
        original = original_of(value)
        follows = follower_of(original)
        if follows is not None:
            follow.append((name, original, follows))
        elif isinstance(value, types.ModuleType):
            modules.add(value.__name__)
        elif isinstance(value, (types.FunctionType, type)):
            modules.add(value.__module__)
        else:
            modules.add(type(value).__module__)  # an object whose methods may be called
    modules.discard(str(names.get("__name__")))
    if len(_known) >= _MOST:
        _known.clear()
    known = _known[id(names)] = (len(names), follow, [m for m in modules if _of_user(m)])
    return known


def _of_user(module: str) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return module == "__main__" or (file is not None and users(file))


def _reached(waiting: list[Names]) -> Iterator[Names]:
    """Go through the names of modules, and of the user's modules that they know, each once."""
    seen = set()
    while waiting:
        names = waiting.pop()
        if id(names) in seen:
            continue
        seen.add(id(names))
        yield names
        waiting += [vars(sys.modules[module]) for module in _found(names)[2] if module in sys.modules]
