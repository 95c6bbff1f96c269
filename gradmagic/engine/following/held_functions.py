"""Functions of NumPy, SciPy and math that the user's code holds: under an imported name, in a closure, a default
argument, a dict or an attribute. They are called without asking a module, so what follows them has to stand there.

In: what is to be traced. Out: the places, found from the names that the code looks up, through the functions, classes
and modules of the user's that they lead to; installed packages are not entered. A place counts only if all code that
is reached does nothing with it but call what is there: then nobody can tell, in any thread.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from types import CellType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..core.interpreter import uses
from ..core.places import users
from .dot_calls import rewritten
from .followers import follower_of
from .patches import CODE, HELD, Patch

_Key = tuple[Any, ...]
_DATA = frozenset({int, float, complex, bool, str, bytes, type(None), np.ndarray, np.float64, np.float32})
_FUNCTIONS = frozenset({FunctionType, MethodType, functools.partial})
_WRAPPERS = {
    staticmethod: "__func__", classmethod: "__func__", property: "fget", functools.cached_property: "func"
}  # fmt: skip
_MOST = 64  # entries of a container that are looked at; more are data


def nothing_held(what: tuple[Any, ...]) -> bool:
    """Tell at one glance (0.5 us) that functions reach nothing but data and installed modules: everyday."""
    for function in what:
        if type(function) in _DATA:
            continue
        if (
            type(function) is not FunctionType
            or function.__defaults__
            or function.__kwdefaults__
            or vars(function)
        ):
            return False
        found, names = uses(function.__code__), function.__globals__
        if found.modules or found.dots or found.stored:
            return False
        for value in [names.get(n) for n in found.globals] + [
            v for c in function.__closure__ or () for v in _contents(c)
        ]:
            if type(value) not in _DATA and not (
                isinstance(value, ModuleType) and not _of_user(value.__name__)
            ):
                return False
    return True


class Reached:
    """What the code that is to be traced reaches.

    Attributes
    ----------
    shown : set
        Global names ("global", the id of their dict, the name) whose value is neither only called nor only a table.
    stored : list
        Dicts of global names, and those of their names that hold what follows a function for a while.
    """

    def __init__(self, what: tuple[Any, ...]) -> None:
        self._kept: set[_Key] = set()
        self.stored: list[tuple[dict[str, Any], frozenset[str]]] = []
        self.modules: set[str] = set()
        self._entries_kept: set[_Key] = set()
        # How it is reached, whether as an entry of what is there, its owner and name, what follows it.
        self._found: list[tuple[_Key, bool, Any, Any, Any]] = []
        self._codes: list[tuple[FunctionType, CodeType]] = []
        self._attributes: set[str] = set()
        self._seen: dict[int, Any] = {}  # by id; kept alive, so that no id comes twice
        self._looked: set[tuple[int, str]] = set()
        self._namespaces: list[dict[str, Any]] = []
        self._waiting: list[Any] = [w for w in what if type(w) not in _DATA]
        while self._waiting or self._by_attributes():
            while self._waiting:
                value = self._waiting.pop()
                if id(value) not in self._seen:
                    self._seen[id(value)] = value
                    self._enter(value)
        self.shown = self._kept & self._entries_kept

    def places(self) -> Iterator[tuple[Patch, Any, Any, Any]]:
        """Give (kind, owner, name, what shall stand there) of each place."""
        spaces = {id(names) for names in self._namespaces}
        shown = set()
        for key, entry, owner, name, _ in self._found:
            kept = self._entries_kept if entry else self._kept
            if key in kept or (key[0] == "global" and key[1] in spaces and ("attr", key[2]) in kept):
                shown.add((id(owner), name))
        for _, _, owner, name, follows in self._found:
            if (id(owner), name) not in shown:
                yield HELD, owner, name, follows
        for function, code in self._codes:
            yield CODE, function, "__code__", code

    # -- going through ---------------------------------------------------------------------------
    def _enter(self, value: Any) -> None:
        kind = type(value)
        if kind is FunctionType:
            self._function(value)
        elif kind is MethodType:
            self._waiting += [value.__func__, value.__self__]
        elif kind is functools.partial:
            self._waiting += [value.func, *value.args, *value.keywords.values()]
        elif kind in _WRAPPERS:
            self._waiting.append(getattr(value, _WRAPPERS[kind]))
        elif kind is tuple and len(value) == 2 and type(value[0]) is CodeType:
            self._code(*value)
        elif kind in (dict, list, tuple):
            if len(value) <= _MOST:
                entries = value.values() if kind is dict else value
                self._waiting += [v for v in entries if type(v) not in _DATA]
        elif kind is FrameType:
            self._code(value.f_code, value.f_globals)
            self._waiting += [v for v in value.f_locals.values() if type(v) not in _DATA]
        elif issubclass(kind, ModuleType):
            if _of_user(value.__name__):
                self._namespaces.append(vars(value))
        elif issubclass(kind, type):
            if _of_user(value.__module__):
                self._class(value)
        else:
            self._instance(value)

    def _code(self, code: CodeType, names: dict[str, Any]) -> None:
        found = uses(code)
        for kept, of in ((self._kept, found.kept), (self._entries_kept, found.entries_kept)):
            for kind, name, base in of:
                if kind == "global":
                    kept.add((kind, id(names), name))
                elif kind == "attr" and isinstance(module := names.get(base), ModuleType):
                    kept.add(("global", id(vars(module)), name))
                elif kind == "attr":
                    kept.add((kind, name))
        self._attributes |= found.attributes
        self.modules |= found.modules
        if found.stored:
            self.stored.append((names, found.stored))
        for name in found.globals:
            if name in names:
                self._look(names[name], names, name, ("global", id(names), name))
        self._waiting += [sys.modules[m] for m in found.modules if m in sys.modules]

    def _function(self, function: FunctionType) -> None:
        code = function.__code__
        if "__wrapped__" in function.__dict__:
            self._waiting.append(function.__wrapped__)  # type: ignore[attr-defined]
        if not users(code.co_filename):  # a decorator's, or ours around the user's
            for cell in function.__closure__ or ():
                self._waiting += [
                    v for v in _contents(cell) if type(v) in _FUNCTIONS or _of_user(type(v).__module__)
                ]
            return
        self._code(code, function.__globals__)
        found = uses(code)
        if any(not isinstance(function.__globals__.get(name), ModuleType) for name in found.dots):
            made = rewritten(code)
            if made is not None:
                self._codes.append((function, made))

        def local(name: str, key: _Key) -> _Key:
            if ("local", name, "") in found.kept:
                self._kept.add(key)
            if ("local", name, "") in found.entries_kept:
                self._entries_kept.add(key)
            return key

        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            for held in _contents(cell):
                self._look(held, cell, "cell_contents", local(name, ("cell", id(cell))))
        if function.__defaults__:
            names = code.co_varnames[: code.co_argcount][-len(function.__defaults__) :]
            followed = {}
            for i, (name, held) in enumerate(zip(names, function.__defaults__, strict=True)):
                if follower_of(held) is None:
                    self._look(held, None, None, local(name, ("local", id(function), name)))
                elif ("local", name, "") not in found.kept:
                    followed[i] = follower_of(held)
            if followed:
                defaults = tuple(followed.get(i, v) for i, v in enumerate(function.__defaults__))
                self._found.append((("defaults",), False, function, "__defaults__", defaults))
        for name, held in (function.__kwdefaults__ or {}).items():
            self._look(held, function.__kwdefaults__, name, local(name, ("local", id(function), name)))

    def _class(self, kind: type) -> None:
        for name, held in vars(kind).items():
            inner = held.__func__ if type(held) is staticmethod else held
            follows = follower_of(inner)
            if follows is None:
                self._look(held, kind, name, ("attr", name))
            else:  # compiled functions do not bind, a function of Python does
                binds = held is inner and hasattr(type(inner), "__get__")
                follows = follows if binds else staticmethod(follows)
                self._found.append((("attr", name), False, kind, name, follows))
        self._waiting += kind.__bases__

    def _instance(self, value: Any) -> None:
        kind = type(value)
        try:
            names = object.__getattribute__(value, "__dict__")  # nothing of the user's runs
        except AttributeError:
            names = {}
        if _of_user(kind.__module__):
            self._waiting.append(kind)
            for name, held in names.items() if len(names) <= _MOST else ():
                self._look(held, names, name, ("attr", name))
        else:  # np.vectorize, functools.lru_cache
            self._waiting += [v for v in names.values() if type(v) in _FUNCTIONS]

    def _by_attributes(self) -> bool:
        """Look up, in the user's modules that are reached, the attributes that any code asks for."""
        for names in self._namespaces:
            for name in self._attributes & names.keys():
                if (id(names), name) not in self._looked:
                    self._looked.add((id(names), name))
                    self._look(names[name], names, name, ("global", id(names), name))
        return bool(self._waiting)

    def _look(self, value: Any, owner: Any, name: Any, key: _Key) -> None:
        kind = type(value)
        if kind in _DATA:
            return
        if (follows := follower_of(value)) is not None:
            self._found.append((key, False, owner, name, follows))
            return
        if kind in (dict, list) and len(value) <= _MOST:
            for entry, held in value.items() if kind is dict else enumerate(value):
                if (follows := follower_of(held)) is not None:
                    self._found.append((key, True, value, entry, follows))
        elif kind is tuple and owner is not None and len(value) <= _MOST:
            made = [follower_of(v) for v in value]
            if any(v is not None for v in made):
                made = [old if new is None else new for old, new in zip(value, made, strict=True)]
                self._found.append((key, True, owner, name, tuple(made)))
        self._waiting.append(value)


def _contents(cell: CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # not assigned yet
        return []


def _of_user(module: str) -> bool:
    if module in ("builtins", "numpy"):
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return module == "__main__" or (isinstance(file, str) and users(file))
