"""Functions of NumPy, SciPy and math that the user's code holds: under an imported name, in a closure, a default
argument, a dict or an attribute. They are called without asking a module, so what follows them has to stand there.

In: what is to be traced. Out: the places, found from the names that the code looks up, through the functions, classes
and modules of the user's that they lead to; installed packages are not entered. A place counts only if all code that
is reached does nothing with it but call what is there: then nobody can tell, in any thread.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import numpy as np

from ..core.interpreter import Uses, uses
from ..core.places import users
from .dot_calls import rewritten
from .followers import follower_of
from .patches import CODE, HELD, Patch

_Key = tuple[Any, ...]
_DATA = frozenset({int, float, complex, bool, str, bytes, type(None), np.ndarray, np.float64, np.float32})
_ENDS = frozenset({GetSetDescriptorType, MemberDescriptorType, BuiltinFunctionType, np.ufunc, type(np.sum)})
_FUNCTIONS = frozenset({FunctionType, MethodType, functools.partial})
_MOST = 64  # entries of a container that are looked at; more are data


class Reached:
    """What the code that is to be traced reaches.

    The walk is made at each traced call, since names may be bound anew, and costs about 1 us a function. What the code
    does with the names is asked only where a function is held.

    Attributes
    ----------
    stored : list
        Dicts of global names, and those of their names that hold what follows a function for a while.
    modules : set
        The names of the modules that the code itself imports.
    """

    def __init__(self, what: tuple[Any, ...]) -> None:
        self.stored: list[tuple[dict[str, Any], frozenset[str]]] = []
        self.modules: set[str] = set()
        # How it is reached, whether as an entry of what is there, its owner and name, what follows it.
        self._found: list[tuple[_Key, bool, Any, Any, Any]] = []
        self._codes: list[tuple[Uses, dict[str, Any]]] = []
        self._functions: list[tuple[FunctionType, Uses]] = []
        self._seen: dict[int, Any] = {}  # by id; kept alive, so that no id comes twice
        self._namespaces: list[dict[str, Any]] = []
        self._waiting: list[Any] = [w for w in what if type(w) not in _DATA]
        while self._waiting or (self._namespaces and self._by_attributes()):
            value = self._waiting.pop()
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                _ENTER.get(type(value), Reached._other)(self, value)

    # -- the result ------------------------------------------------------------------------------
    def places(self) -> Iterator[tuple[Patch, Any, Any, Any]]:
        """Give (kind, owner, name, what shall stand there) of each place, once."""
        if self._found:
            kept, entries_kept = self._kept
            spaces = {id(names) for names in self._namespaces}
            shown = set()
            for key, entry, owner, name, _ in self._found:
                among = entries_kept if entry else kept
                if key in among or (key[0] == "global" and key[1] in spaces and ("attr", key[2]) in among):
                    shown.add((id(owner), name))
            for _, _, owner, name, follows in self._found:
                if (id(owner), name) not in shown:
                    yield HELD, owner, name, follows
        for function, found in self._functions:
            if any(not issubclass(type(function.__globals__.get(name)), ModuleType) for name in found.dots):
                code = rewritten(function.__code__)
                if code is not None:
                    yield CODE, function, "__code__", code
        for kept_alive in (self._seen, self._found, self._functions):
            kept_alive.clear()  # what the traced code deletes shall be gone

    def shows(self, names: dict[str, Any], name: str) -> bool:
        """Tell whether the value of a global name is neither only called nor only a table of what is."""
        return all(("global", id(names), name) in kept for kept in self._kept)

    @functools.cached_property
    def _kept(self) -> tuple[set[_Key], set[_Key]]:
        """What is reached and then not, or whose entries are not, only called."""
        both: tuple[set[_Key], set[_Key]] = set(), set()
        for found, names in self._codes:
            for kept, of in zip(both, (found.kept, found.entries_kept), strict=True):
                for kind, name, base in of:
                    if kind == "global":
                        kept.add((kind, id(names), name))
                    elif kind == "attr" and issubclass(type(module := names.get(base)), ModuleType):
                        kept.add(("global", id(vars(module)), name))
                    elif kind == "attr":
                        kept.add((kind, name))
        for function, found in self._functions:
            of_cells = {name: id(cell) for name, cell in _cells(function)}
            for kept, of in zip(both, (found.kept, found.entries_kept), strict=True):
                for kind, name, _ in of:
                    if kind == "local":
                        kept.add(("local", of_cells.get(name, (id(function), name))))
        return both

    # -- going through ---------------------------------------------------------------------------
    def _code(self, code: CodeType, names: dict[str, Any]) -> Uses:
        found = uses(code)
        self._codes.append((found, names))
        for name in found.globals:
            if type(value := names.get(name)) not in _DATA:
                self._look(value, names, name, ("global", id(names), name))
        if found.stored:
            self.stored.append((names, found.stored))
        if found.modules:
            self.modules |= found.modules
            self._waiting += [sys.modules[m] for m in found.modules if m in sys.modules]
        return found

    def _function(self, function: FunctionType) -> None:
        if "__wrapped__" in function.__dict__:
            self._waiting.append(function.__wrapped__)  # type: ignore[attr-defined]
        file, name = function.__code__.co_filename, function.__code__.co_name
        if file == "<string>" and name.startswith("__") and name != "__call__":
            return  # dataclasses wrote it: it shows and compares attributes, and calls none
        if not users(file):  # a decorator's, or ours around the user's
            self._waiting += [v for _, cell in _cells(function) for v in _contents(cell) if _leads_on(v)]
            return
        found = self._code(function.__code__, function.__globals__)
        if not (function.__closure__ or function.__defaults__ or function.__kwdefaults__ or found.dots):
            return
        self._functions.append((function, found))
        for _, cell in _cells(function):
            for held in _contents(cell):
                self._look(held, cell, "cell_contents", ("local", id(cell)))
        if function.__defaults__:
            self._defaults(function, found)
        for name, held in list((function.__kwdefaults__ or {}).items()):
            self._look(held, function.__kwdefaults__, name, ("local", (id(function), name)))

    def _defaults(self, function: FunctionType, found: Uses) -> None:
        defaults: Any = function.__defaults__
        code, made = function.__code__, list(defaults)
        names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
        for i, (name, held) in enumerate(zip(names, defaults, strict=True)):
            if (follows := follower_of(held)) is None:
                self._look(held, None, None, ("local", (id(function), name)))
            elif ("local", name, "") not in found.kept:
                made[i] = follows
        if any(follower_of(v) is not None for v in made):
            self._found.append((("defaults",), False, function, "__defaults__", tuple(made)))

    def _class(self, kind: type) -> None:
        if not _of_user(kind.__module__):
            return
        for name, held in dict(vars(kind)).items():
            if type(held) in _DATA:
                continue
            inner = held.__func__ if type(held) is staticmethod else held
            follows = follower_of(inner)
            if follows is None:
                self._look(held, kind, name, ("attr", name))
            else:  # compiled functions do not bind, a function of Python does
                binds = held is inner and hasattr(type(inner), "__get__")
                follows = follows if binds else staticmethod(follows)
                self._found.append((("attr", name), False, kind, name, follows))
        self._waiting += [base for base in kind.__bases__ if base is not object]

    def _other(self, value: Any) -> None:
        kind = type(value)
        if issubclass(kind, type):
            self._class(value)
        elif issubclass(kind, ModuleType):
            if _of_user(value.__name__):
                self._namespaces.append(vars(value))
        elif _of_user(kind.__module__):
            self._waiting.append(kind)
            if len(names := _attributes(value)) <= _MOST:
                for name, held in names.copy().items():
                    self._look(held, names, name, ("attr", name))
        else:  # np.vectorize, functools.lru_cache
            self._waiting += [v for v in _attributes(value).copy().values() if type(v) in _FUNCTIONS]

    def _entries(self, value: Any) -> None:
        if type(value) is tuple and value and type(value[0]) is CodeType:
            self._code(*value)
        elif len(value) <= _MOST:
            entries = list(value.values()) if type(value) is dict else list(value)
            self._waiting += [v for v in entries if type(v) not in _DATA]

    def _frame(self, frame: FrameType) -> None:
        self._code(frame.f_code, frame.f_globals)
        self._waiting += [v for v in frame.f_locals.values() if type(v) not in _DATA]

    def _partial(self, value: Any) -> None:
        self._waiting += [value.func, *value.args, *value.keywords.values()]

    def _by_attributes(self) -> bool:
        """Look up, in the user's modules that are reached, the attributes that any code asks for."""
        asked = frozenset().union(*(found.attributes for found, _ in self._codes))
        for names in self._namespaces:
            for name in asked:
                if id(value := names.get(name)) not in self._seen:
                    self._look(value, names, name, ("global", id(names), name))
        self._waiting = [v for v in self._waiting if id(v) not in self._seen]
        return bool(self._waiting)

    def _look(self, value: Any, owner: Any, name: Any, key: _Key) -> None:
        kind = type(value)
        if kind in _DATA:
            return
        if (follows := follower_of(value)) is not None:
            self._found.append((key, False, owner, name, follows))
        if follows is not None or kind in _ENDS:
            return
        if kind in (dict, list) and len(value) <= _MOST:
            for entry, held in list(value.items() if kind is dict else enumerate(value)):
                if (follows := follower_of(held)) is not None:
                    self._found.append((key, True, value, entry, follows))
        elif kind is tuple and owner is not None and len(value) <= _MOST:
            made = [follower_of(v) for v in value]
            if any(v is not None for v in made):
                made = [old if new is None else new for old, new in zip(value, made, strict=True)]
                self._found.append((key, True, owner, name, tuple(made)))
        self._waiting.append(value)


_ENTER: dict[type, Callable[[Reached, Any], None]] = {
    FunctionType: Reached._function, type: Reached._class, dict: Reached._entries, list: Reached._entries,
    tuple: Reached._entries, FrameType: Reached._frame, functools.partial: Reached._partial,
    MethodType: lambda reached, method: reached._waiting.extend((method.__func__, method.__self__)),
    staticmethod: lambda reached, held: reached._waiting.append(held.__func__),
    classmethod: lambda reached, held: reached._waiting.append(held.__func__),
    property: lambda reached, held: reached._waiting.append(held.fget),
    functools.cached_property: lambda reached, held: reached._waiting.append(held.func),
}  # fmt: skip


def _cells(function: FunctionType) -> Iterator[tuple[str, CellType]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _contents(cell: CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # not assigned yet
        return []


def _attributes(value: Any) -> dict[str, Any]:
    try:
        return object.__getattribute__(value, "__dict__")  # type: ignore[no-any-return]  # nothing of the user's runs
    except AttributeError:
        return {}


def _leads_on(value: Any) -> bool:
    return type(value) in _FUNCTIONS or _of_user(type(value).__module__)


_users: dict[str, bool] = {"builtins": False, "__main__": True}


def _of_user(module: str) -> bool:
    found = _users.get(module)
    if found is None:
        file = getattr(sys.modules.get(module), "__file__", None)
        if not isinstance(file, str):
            return False
        found = _users[module] = users(file)
    return found
