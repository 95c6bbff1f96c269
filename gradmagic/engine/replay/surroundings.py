"""What a function sees besides its arguments: globals, closures, attributes of objects that it reaches.

In: functions and objects. Out: `Surroundings`: links (who holds what under which name), each compared at every call;
and places: what holds an array, a gradient or a number that moves. These are inputs of a program, read anew at every
call, and what the function leaves there the program puts there too.

An array in a tuple or among default arguments is a constant whose numbers are compared. An array that nobody here finds
(deep in an object of another library) is a constant of the program, if the function gives the same twice; so is what it
makes itself.
"""

from __future__ import annotations

import argparse
import functools
import gc
import sys
import types
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ...language import tr
from ..core.foreign import of_library
from ..core.places import users
from ..tape.nodes import Leaf
from ..tape.tracked import Tracked
from . import code as codes
from .compared import Compared
from .homes import functions_of, is_buffer, known, of_objects, of_user, replaceable, still, users_module
from .link import INDEXED, NUMBERS, PLAIN, Content, Link, plain
from .unsteady import ASKING, LOGGING, answers, draws, hides, logs, moves, speaks

_MOST = 5_000  # objects
# Of foreign objects, what is looked into.
_PARTS = (*NUMBERS, *INDEXED, tuple, set, np.ndarray, types.FunctionType, types.MethodType)
_GENERATED = ("__setattr__", "__delattr__")  # of a frozen dataclass
_READING = ("globals", "eval", "exec", "__import__")
_MADE = frozenset(
    "__init__ __repr__ __str__ __eq__ __hash__ __setattr__ __delattr__".split()
)  # of a dataclass
_NUMPYS = (np.ufunc, type(np.sum))  # functions that hold nothing of anybody's
_HOLDERS = (dict, list, tuple, set, deque, functools.partial, np.ndarray)
_CACHE = type(functools.lru_cache(len))
_VIEWS: tuple[type, ...] = tuple(map(type, ({}.keys(), {}.values(), {}.items())))
_SIZE = "len({0}.__dict__) - ('__slotnames__' in {0}.__dict__)"  # of a class; `copy` puts that name there


class TooMuch(Exception):
    """A function reaches more than can be compared at every call."""


class Surroundings(Compared):
    """All that functions and objects reach.

    Parameters
    ----------
    *what
        Where to begin.
    moving : set
        Places of numbers that are inputs, since they are others from call to call.

    Attributes
    ----------
    speaks : set of str
        Which functions it calls whose effect a program would leave out: `print` ...
    generators : list
        Of random numbers.
    compares : bool
        Whether it asks if one object `is` another.
    """

    def __init__(self, *what: Any, moving: frozenset[Any] = frozenset()) -> None:
        super().__init__()
        self.speaks: set[str] = set()
        self.generators: list[Any] = []
        self.compares = False
        self._moving = moving
        self._within = False  # an object of another library
        self._classes: set[int] = set()
        self._alive: list[Any] = []  # what is compared by where it lies
        self._words: set[str] = set()  # that functions use
        self._modules: list[tuple[types.ModuleType, str]] = []  # that objects hold
        self._named: set[tuple[int, str]] = set()  # names of modules, that have been looked at
        self._late: list[tuple[str, TooMuch | None]] = []  # refused if its name is used; of None: a logger
        for value in what:
            name = getattr(value, "__name__", type(value).__name__)
            self._words.add(name)
            self._look(value, name)
        self._by_words()

    # -- going through ----------------------------------------------------------------------------
    def _hold(self, holder: Any, key: Any, name: str, value: Any) -> None:
        link = Link(holder, key, name, value)
        array = type(value) is np.ndarray and value.dtype.kind in "biufc"
        if array and id(value) in self._seen:  # one array under two names stays one
            self.compares = True
        if array or (type(value) in (int, float) and link.spot in self._moving):
            self._seen[id(value)] = value
            self.places.append(link)
            return
        self.links.append(link)
        self._look(value, name)

    def _look(self, value: Any, name: str) -> None:
        kind = type(value)
        if kind is frozenset:
            for i, part in enumerate(value):
                self._look(part, f"{name}[{i}]")
        if id(value) in self._seen or plain(value) or (issubclass(kind, _NUMPYS) and not of_objects(value)):
            return
        if len(self._seen) >= _MOST:
            raise TooMuch(tr("it reaches more than {count:,} objects (by {name})", count=_MOST, name=name))
        self._seen[id(value)] = value
        if issubclass(kind, _HOLDERS) and of_user(kind):  # what it has beside its entries
            self._object(value, name)
        if issubclass(kind, _NUMPYS):  # of np.frompyfunc: nobody sees the function within
            raise _another(name, kind)
        if issubclass(kind, types.ModuleType):
            self._modules.append((value, f"{name}."))
        elif draws(kind):
            self.generators.append(value)
        elif issubclass(kind, np.ndarray):
            self.keep([value], name)
        elif answers(value):
            raise _asked(name)
        elif does := moves(kind, of_user(kind)):
            raise TooMuch(tr(
                "it reads {name}, a {kind}, which {does}: pass what it gives as an argument", name=name,
                kind=kind.__name__, does=does,
            ))  # fmt: skip
        elif issubclass(kind, types.FunctionType):
            self._function(value)
        elif issubclass(kind, types.BuiltinFunctionType):  # the method `get` of a dict
            self._look(value.__self__, name)
        elif issubclass(kind, type):
            self._class(value)
        elif issubclass(kind, _CACHE):
            self._cache(value, name)
        elif issubclass(kind, types.MethodType):
            self._look(value.__self__, name.rpartition(".")[0] or "self")
            self._look(value.__func__, name)
        elif issubclass(kind, functools.partial):
            for part in (value.func, *value.args, value.keywords):
                self._look(part, name)
        elif issubclass(kind, Tracked):
            self._tensor(value, name)
        elif issubclass(kind, types.MappingProxyType):
            self._look(gc.get_referents(value)[0], name)
        elif issubclass(kind, _VIEWS):
            self._look(value.mapping, name)
        elif value is sys.modules:
            raise TooMuch(tr("it reads {name}, whose modules are not seen: write import", name="sys.modules"))
        elif issubclass(kind, dict):
            self.sizes.append((value, len(value)))
            if len(value) > 1:
                self.kept.append(Content.now(value, "[*{}]", name))
            for key, part in value.items():
                self._look(key, f"{name}[...]")
                self._hold(value, key, f"{name}[{key!r}]" if type(key) in PLAIN else f"{name}[...]", part)
        elif issubclass(kind, (list, deque)):
            self.sizes.append((value, len(value)))
            for i, part in enumerate(value):
                self._hold(value, i, f"{name}[{i}]", part)
        elif issubclass(kind, (tuple, set)):
            if issubclass(kind, set):
                self.kept.append(Content(value, "{}", frozenset, frozenset(value), name))
            for i, part in enumerate(value):
                self._look(part, f"{name}[{i}]")
        elif hasattr(kind, "__replays__"):  # a replayed function within: what its own function reaches
            self._look(value.f, name)
        elif (
            known(kind) or is_dataclass(kind) or issubclass(kind, (types.SimpleNamespace, argparse.Namespace))
        ):
            self._object(value, name)
        elif of_library(value) is not None or is_buffer(value):
            raise TooMuch(tr(
                "it uses {name}, a {kind}, whose numbers may change unseen: pass them as an argument, an ndarray",
                name=name, kind=kind.__name__,
            ))  # fmt: skip
        elif not self._within and hides(value):
            self._late.append((name, _another(name, kind)))
        elif not self._within:
            if logs(kind):
                self._late.append((name, None))
            self._within = True
            self._object(value, name)
            self._within = False

    def keep(self, values: list[Any], name: str = "an array") -> None:
        """Let the content of arrays be compared at every call."""
        for value in [v for v in values if v.dtype.hasobject]:
            self._alive.append(value.copy())
            self.kept.append(Content.now(value, "[*map(id, {}.flat)]", name))
            for part in value.flat:
                self._look(part, f"{name}[...]")
        self.kept += [Content.now(v, "{}.tobytes()", name) for v in values if not v.dtype.hasobject]

    def _tensor(self, tensor: Tracked, name: str) -> None:
        node = tensor.node
        self.places.append(Link(tensor, "array", name, tensor.array))
        self.links.append(Link(tensor, "node", name, node))
        if type(node) is Leaf:
            self.places.append(Link(node, "grad", f"{name}.grad", node.grad))

    def _function(self, function: types.FunctionType) -> None:
        code = function.__code__
        own = users(code.co_filename)
        if own:
            self._words |= codes.words(code)
            self.compares = self.compares or codes.compares_objects(code)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if own and isinstance(value, types.ModuleType):
                self.links.append(Link(cell, "cell_contents", name, value))
                self._module(value, codes.words(code), f"{name}.")
            elif own or type(value) is np.ndarray:
                self._hold(cell, "cell_contents", name, value)
            else:  # of gradmagic's own functions (grad(f) holds f): nobody rebinds them
                self._look(value, name)
        for i, value in enumerate(function.__defaults__ or ()):
            self._look(value, code.co_varnames[i])
        if own:
            self._look(function.__kwdefaults__, function.__name__)
            for key in ("__code__", "__defaults__", "__kwdefaults__"):
                if (value := getattr(function, key)) is not None:
                    self.links.append(Link(function, key, f"{function.__name__}.{key}", value))
            self._names(function.__globals__, code)
            self.sizes.append((vars(function), len(vars(function))))
            for name, value in vars(function).items():
                self._hold(vars(function), name, f"{function.__name__}.{name}", value)
        else:
            for value in (function.__kwdefaults__ or {}).values():
                self._look(value, function.__name__)

    def _names(self, space: dict[str, Any], code: types.CodeType) -> None:
        """Go through the global names that a function uses."""
        used = codes.names(code)
        if code.co_name not in _GENERATED and codes.compares_types(code):
            raise TooMuch(
                tr("it compares type(...), which is another while it is recorded: write isinstance")
            )
        for name in _READING:
            if name in used and name not in space and name in codes.global_names(code):
                raise TooMuch(tr("it reads {name}(), whose names are not seen: write the name", name=name))
        if "id" in used and "id" not in space and "id" in codes.global_names(code):
            raise _asked("id")
        for name in sorted(ASKING & {n for n in used if n not in space or n not in codes.global_names(code)}):
            raise _asked(name)
        self.speaks |= {n for n in used if speaks(n, space)}
        for name in used:
            # What is not there may be imported within.
            value = space[name] if name in space else sys.modules.get(name)
            if name in space or value is not None:
                self._name(space, name, "", value, codes.words(code))
            elif name in codes.assigned(code):
                self.absent.append((space, name))
            if name not in space and name in codes.global_names(code) and name not in codes.assigned(code):
                self.missing.setdefault(id(space), (space, set()))[1].add(name)

    def _name(self, space: dict[str, Any], name: str, home: str, value: Any, used: Collection[str]) -> None:
        """Go through what a name stands for: of the user's modules all, of foreign ones data."""
        if answers(value):
            raise _asked(home + name)
        if isinstance(value, types.ModuleType):
            if name in space:
                self.links.append(Link(space, name, home + name, value))
            self._module(value, used, f"{home}{name}.")
        elif not home or users_module(space) or isinstance(value, (*_PARTS[:-2], Mapping)):
            self._hold(space, name, home + name, value)

    def _module(self, module: types.ModuleType, used: Collection[str], home: str) -> None:
        """Go through those names of a module that functions use."""
        if still(module):
            return
        if logs(type(module)) or module.__name__ in ("logging", "loguru"):
            self._late.append((home.rstrip("."), None))
        space = vars(module)
        for name in used:
            if name in space and (id(module), name) not in self._named:
                self._named.add((id(module), name))
                self._seen[id(module)] = module
                self._name(space, name, home, space[name], used)

    def _by_words(self) -> None:
        """Go through the modules that objects hold, by all that functions use; refuse what cannot be compared."""
        while True:
            words = sorted(self._words)
            for module, home in [*self._modules]:
                if module.__name__.partition(".")[0] not in sys.stdlib_module_names:
                    self._module(module, words, home)
            if words == sorted(self._words):
                break
        for name, error in self._late:
            last = name.rpartition(".")[2]
            if last in self._words or not last.isidentifier():
                if error is not None:
                    raise error
                self.speaks |= self._words & LOGGING

    def _cache(self, cache: Any, name: str) -> None:
        """Go through what a cache of functools holds, but for arrays: these are compared where they are used."""
        function = cache.__wrapped__
        self._look(function, name)
        if not isinstance(function, types.FunctionType) or not users(function.__code__.co_filename):
            return
        held = _cached(cache)
        self._alive.append(held)
        self.kept.append(Content(cache, "", _ids, _ids(cache), name))
        for value in held:
            if isinstance(value, bytearray):
                self.kept.append(Content.now(value, "bytes({})", name))
            elif not isinstance(value, np.ndarray):
                self._look(value, f"{name}(...)")

    def _object(self, value: Any, name: str) -> None:
        held, caches = getattr(value, "__dict__", {}), getattr(type(value), "_caches", ())
        if hasattr(value, "__dict__"):
            self.sizes.append((held, len(held)))
        for key, part in held.items():
            if key in caches:
                continue
            if not self._within or isinstance(part, _PARTS):
                self._hold(held, key, f"{name}.{key}", part)
                continue
            self.links.append(Link(held, key, f"{name}.{key}", part))
            if of_user(type(part)):
                self._within = False
                self._look(part, f"{name}.{key}")
                self._within = True
        if of_user(type(value)):
            self.kept.append(Content.now(value, "{}.__class__", f"{name}.__class__"))
        for kind in type(value).__mro__:
            if of_user(kind):
                self._class(kind)
                for key, member in vars(kind).items():  # of __slots__
                    if type(member) is types.MemberDescriptorType:
                        if hasattr(value, key) and isinstance(value, INDEXED):  # held by key are its entries
                            self._alive.append(getattr(value, key))
                            self.kept.append(Content.now(value, f"id({{}}.{key})", f"{name}.{key}"))
                        elif hasattr(value, key):
                            self._hold(value, key, f"{name}.{key}", getattr(value, key))
                        else:
                            self.kept.append(Content.now(value, f"hasattr({{}}, {key!r})", f"{name}.{key}"))

    def _class(self, kind: type) -> None:
        """Go through the methods and attributes of a class of the user's, those that it inherits, and its own class."""
        if id(kind) in self._classes:
            return
        self._classes.add(id(kind))
        inherited: list[type] = [*kind.__mro__[1:], *type.mro(type(kind))]
        for other in inherited:
            if of_user(other):
                self._class(other)
        if not of_user(kind):
            return
        self._seen[id(kind)] = kind
        self.kept.append(Content.now(kind, _SIZE, kind.__name__))
        for key, part in vars(kind).items():
            name = f"{kind.__name__}.{key}"
            if isinstance(part, classmethod):
                self.kept.append(Content.now(kind, f"{{}}.__dict__[{key!r}]", name))
            within = functions_of(part)
            for function in within:
                self._look(function, getattr(function, "__qualname__", name))
            if isinstance(part, (staticmethod, property)):
                self.links.append(Link(kind, key, name, getattr(kind, key)))
            elif isinstance(part, _PARTS) and (not key.startswith("__") or replaceable(key, part)):
                self._hold(kind, key, name, part)
            elif isinstance(part, types.FunctionType) or (not within and not key.startswith("__")):
                self._alive.append(part)  # what is compared by where it lies
                self.kept.append(Content.now(kind, f"id({{}}.__dict__[{key!r}])", name))
                self._look(part, name)


def _cached(cache: Any) -> list[Any]:
    """List what a cache of functools holds, keys of one with bounds among it."""
    held = [part for part in gc.get_referents(cache) if part is not vars(cache)]
    if cache.cache_info().maxsize is None:
        return [value for part in held if type(part) is dict for value in part.values()]
    return [part for part in held if type(part) is not dict or all(map(_no_link, part.values()))]


def _no_link(value: Any) -> bool:
    return type(value).__name__ != "_lru_list_elem"


def _ids(cache: Any) -> set[int]:
    return {*map(id, _cached(cache))}


def _another(name: str, kind: type) -> TooMuch:
    return TooMuch(tr(
        "it uses {name}, a {kind}, which may give something else next time: pass what it gives as an argument",
        name=name, kind=kind.__name__,
    ))  # fmt: skip


def _asked(name: str) -> TooMuch:
    return TooMuch(tr(
        "it asks {name}(), which may answer something else next time: make it an argument", name=name,
    ))  # fmt: skip
