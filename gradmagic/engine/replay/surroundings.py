"""What a function sees besides its arguments: globals, closures, attributes of objects that it reaches.

In: functions and objects. Out: `Surroundings`: links (who holds what under which name), each compared at every call;
and places: what holds an array, a gradient or a number that moves. These are inputs of a program, read anew at every
call, and what the function leaves there the program puts there too.

An array in a tuple or among default arguments is a constant whose numbers are compared. An array that nobody here finds
(deep in an object of another library) is a constant of the program, if the function gives the same twice; so is what it
makes itself.
"""

from __future__ import annotations

import dis
import functools
import gc
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ...language import tr
from ..core.foreign import of_library
from ..core.generator import Stream
from ..core.places import PACKAGE, users
from ..tape.nodes import Leaf
from ..tape.tracked import Tracked
from .link import INDEXED, NUMBERS, PLAIN, Link
from .unsteady import ASKING, answers, moves

_MOST = 5_000  # objects
# Of foreign objects, what is looked into.
_PARTS = (*NUMBERS, *INDEXED, tuple, set, np.ndarray, types.FunctionType, types.MethodType)
_STILL = ("numpy", "scipy", "math", "cmath", "gradmagic", "builtins")  # modules whose numbers nobody changes
_SPEAKING = frozenset("print input open display write warn warning info".split())
_GENERATED = ("__setattr__", "__delattr__")  # of a frozen dataclass
_COMPARES = frozenset({"IS_OP", "COMPARE_OP", "CONTAINS_OP"})
_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random, Stream)


class TooMuch(Exception):
    """A function reaches more than can be compared at every call."""


class Surroundings:
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
    links : list of Link
        What must be as it was.
    places : list of Link
        Inputs: arrays, the gradients of leaves, numbers that move.
    sizes : list of (container, int)
        Lists and dicts that were gone through, and how long they were.
    kept : list of (value, text, object, name)
        Arrays and sets that no name leads to, or none that could be put elsewhere: how their content is read, and what
        it was.
    """

    def __init__(self, *what: Any, moving: frozenset[Any] = frozenset()) -> None:
        self.links: list[Link] = []
        self.places: list[Link] = []
        self.sizes: list[tuple[Any, int]] = []
        self.kept: list[tuple[Any, str, Any, str]] = []
        self.absent: list[tuple[dict[str, Any], str]] = []  # global names that it assigns and nobody has yet
        self.speaks: set[str] = set()
        self.generators: list[Any] = []
        self._moving = moving
        self._within = False  # an object of another library
        self._seen: dict[int, Any] = {}
        for value in what:
            self._look(value, getattr(value, "__name__", type(value).__name__))

    # -- going through ----------------------------------------------------------------------------
    def _hold(self, holder: Any, key: Any, name: str, value: Any) -> None:
        link = Link(holder, key, name, value)
        array = type(value) is np.ndarray and value.dtype.kind in "biufc" and id(value) not in self._seen
        if array or (type(value) in (int, float) and link.spot in self._moving):
            self._seen[id(value)] = value
            self.places.append(link)
            return
        self.links.append(link)
        self._look(value, name)

    def _look(self, value: Any, name: str) -> None:
        kind = type(value)
        if id(value) in self._seen or issubclass(kind, (*NUMBERS, types.ModuleType)):
            return
        if len(self._seen) >= _MOST:
            raise TooMuch(tr("it reaches more than {count:,} objects (by {name})", count=_MOST, name=name))
        self._seen[id(value)] = value
        if issubclass(kind, _GENERATORS):
            self.generators.append(value)
        elif issubclass(kind, np.ndarray):
            self.keep([value], name)
        elif answers(value):
            raise _asked(name)
        elif does := moves(kind, _users(kind)):
            raise TooMuch(tr(
                "it reads {name}, a {kind}, which {does}: pass what it gives as an argument", name=name,
                kind=kind.__name__, does=does,
            ))  # fmt: skip
        elif issubclass(kind, types.FunctionType):
            self._function(value)
        elif issubclass(kind, types.BuiltinFunctionType):  # the method `get` of a dict
            self._look(value.__self__, name)
        elif issubclass(kind, type):
            if _users(value):
                self._class(value)
        elif issubclass(kind, types.MethodType):
            self._look(value.__self__, name.rpartition(".")[0] or "self")
            self._look(value.__func__, name)
        elif issubclass(kind, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._look(part, name)
        elif issubclass(kind, Tracked):
            self._tensor(value, name)
        elif issubclass(kind, types.MappingProxyType):
            self._look(gc.get_referents(value)[0], name)
        elif issubclass(kind, dict):
            self.sizes.append((value, len(value)))
            for key, part in value.items():
                self._hold(value, key, f"{name}[{key!r}]" if type(key) in PLAIN else f"{name}[...]", part)
        elif issubclass(kind, (list, deque)):
            self.sizes.append((value, len(value)))
            for i, part in enumerate(value):
                self._hold(value, i, f"{name}[{i}]", part)
        elif issubclass(kind, (tuple, set)):
            if issubclass(kind, set):
                self.kept.append((value, "{}", frozenset(value), name))
            for i, part in enumerate(value):
                self._look(part, f"{name}[{i}]")
        elif hasattr(kind, "__replays__"):  # a replayed function within: what its own function reaches
            self._look(value.f, name)
        elif _known(kind) or is_dataclass(kind):
            self._object(value, name)
        elif of_library(value) is not None or _is_buffer(value):
            raise TooMuch(tr(
                "it uses {name}, a {kind}, whose numbers may change unseen: pass them as an argument, an ndarray",
                name=name, kind=kind.__name__,
            ))  # fmt: skip
        elif not self._within:
            self._within = True
            self._object(value, name)
            self._within = False

    def keep(self, values: list[Any], name: str = "an array") -> None:
        """Let the content of arrays be compared at every call."""
        self.kept += [(v, "{}.tobytes()", v.tobytes(), name) for v in values if not v.dtype.hasobject]

    def _tensor(self, tensor: Tracked, name: str) -> None:
        node = tensor.node
        self.places.append(Link(tensor, "array", name, tensor.array))
        self.links.append(Link(tensor, "node", name, node))
        if type(node) is Leaf:
            self.places.append(Link(node, "grad", f"{name}.grad", node.grad))

    def _function(self, function: types.FunctionType) -> None:
        own = users(function.__code__.co_filename)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if own and isinstance(value, types.ModuleType):
                self._module(value, function.__code__, f"{name}.")
            elif own or type(value) is np.ndarray:
                self._hold(cell, "cell_contents", name, value)
            else:  # of gradmagic's own functions (grad(f) holds f): nobody rebinds them
                self._look(value, name)
        for i, value in enumerate(function.__defaults__ or ()):
            self._look(value, function.__code__.co_varnames[i])
        for value in (function.__kwdefaults__ or {}).values():
            self._look(value, function.__name__)
        if own:
            self._names(function.__globals__, function.__code__, "")
            self.sizes.append((vars(function), len(vars(function))))
            for name, value in vars(function).items():
                self._hold(vars(function), name, f"{function.__name__}.{name}", value)

    def _names(self, space: dict[str, Any], code: types.CodeType, home: str) -> None:
        """Go through the global names that a function uses, and those of modules; of foreign ones, their data."""
        if not home:
            if code.co_name not in _GENERATED and _compares_types(code):
                raise TooMuch(tr(
                    "it compares type(...), which is another while it is recorded: write isinstance",
                ))  # fmt: skip
            if "globals" in _names(code) and "globals" not in space:
                raise TooMuch(tr("it reads globals(), whose names are not seen: write the name"))
            for name in sorted(ASKING & {n for n in _names(code) if n not in space}):
                raise _asked(name)
            self.speaks |= {n for n in _names(code) if n in _SPEAKING and n not in space}
        for name in _names(code):
            # What is not there may be imported within.
            value = space[name] if name in space else None if home else sys.modules.get(name)
            if name not in space and value is None:
                if name in _assigned(code):
                    self.absent.append((space, name))
                continue
            if answers(value):
                raise _asked(home + name)
            if isinstance(value, types.ModuleType):
                self._module(value, code, f"{home}{name}.")
            elif (
                users(space.get("__file__") or PACKAGE)
                or not home
                or isinstance(value, (*_PARTS[:-2], Mapping))
            ):
                self._hold(space, name, home + name, value)

    def _module(self, module: types.ModuleType, code: types.CodeType, home: str) -> None:
        if id(module) not in self._seen and module.__name__.partition(".")[0] not in _STILL:
            self._seen[id(module)] = module
            self._names(vars(module), code, home)

    def _object(self, value: Any, name: str) -> None:
        held, caches = getattr(value, "__dict__", {}), getattr(type(value), "_caches", ())
        if hasattr(value, "__dict__"):
            self.sizes.append((held, len(held)))
        for key, part in held.items():
            if key not in caches and (not self._within or isinstance(part, _PARTS)):
                self._hold(held, key, f"{name}.{key}", part)
        if _users(type(value)):
            self.links.append(Link(value, "__class__", f"{name}.__class__", type(value)))
        for kind in type(value).__mro__:
            if _users(kind):
                self._class(kind)
                for key, member in vars(kind).items():  # of __slots__
                    if type(member) is types.MemberDescriptorType and hasattr(value, key):
                        self._hold(value, key, f"{name}.{key}", getattr(value, key))

    def _class(self, kind: type) -> None:
        """Go through the methods and attributes of a class of the user's."""
        self.sizes.append((vars(kind), len(vars(kind))))
        for key, part in vars(kind).items():
            if isinstance(part, (staticmethod, classmethod, functools.cached_property, property)):
                part = next((f for n in ("__func__", "fget", "func") if (f := getattr(part, n, None))), None)
            if isinstance(part, _PARTS) and part is vars(kind)[key] and not key.startswith("__"):
                self._hold(kind, key, f"{kind.__name__}.{key}", part)
            elif isinstance(part, types.FunctionType):
                self._look(part, part.__qualname__)
            elif not key.startswith("__"):
                self._look(part, f"{kind.__name__}.{key}")

    # -- at a call --------------------------------------------------------------------------------
    def read(self) -> list[Any]:
        """Give what is in the places: of a gradient its array, or None."""
        found = []
        for link in self.places:
            value = link.read()
            found.append(getattr(value, "array", value) if link.key == "grad" else value)
        return found

    @contextmanager
    def holding(self, values: list[Any]) -> Iterator[None]:
        """Put values in the places, within the block."""
        before = [link.read() for link in self.places]
        try:
            for link, value in zip(self.places, values, strict=True):
                if link.key == "grad" and value is not None:
                    value = type(link.value).wrap(value, None)
                link.put(value)
            yield
        finally:
            for link, value in zip(self.places, before, strict=True):
                link.put(value)
            for link in self.links:  # what a recording has left there is nobody's
                if not link.same():
                    link.put(link.value)

    def changed(self) -> list[Link]:
        """List what is not what it was."""
        found = [link for link in self.links if not link.same()]
        for container, size in self.sizes:
            if len(container) != size:
                name = next((n.name for n in self.links if n.value is container), "a container")
                found.append(Link(None, None, name, None))
        found += [Link(None, None, name, None) for space, name in self.absent if name in space]
        for value, text, before, name in self.kept:
            if (value.tobytes() if text != "{}" else value) != before:
                found.append(Link(None, None, name, None))
        return found

    def guards(self, bind: Callable[[Any], str]) -> list[str]:
        """Write the comparisons as Python: each a condition that holds as long as all is as it was."""
        found = []
        for link in self.links:
            text, value = link.text(bind), link.value
            if value is None or isinstance(value, bool):
                found.append(f"{text} is {value}")
            elif isinstance(value, NUMBERS):
                same = f"{text} == {bind(value)}" if value == value else f"{text} != {text}"
                if value == 0 and isinstance(value, (float, np.floating)):  # 0.0 == -0.0
                    same = f"repr({text}) == {repr(value)!r}"
                found.append(f"type({text}) is {bind(type(value))} and {same}")
            else:
                found.append(f"{text} is {bind(value)}")
        found += [f"len({bind(container)}) == {size}" for container, size in self.sizes]
        return found + [
            f"{text.format(bind(value))} == {bind(before)}" for value, text, before, _ in self.kept
        ]


def _asked(name: str) -> TooMuch:
    return TooMuch(tr(
        "it asks {name}(), which may answer something else next time: make it an argument", name=name,
    ))  # fmt: skip


def _file(kind: type) -> str | None:
    return getattr(sys.modules.get(kind.__module__), "__file__", None)


def _users(kind: type) -> bool:
    """Tell whether it is a class of the user's."""
    return users(_file(kind) or PACKAGE) or kind.__module__ == "__main__"


def _known(kind: type) -> bool:
    """Tell whether objects of this class are looked into: the user's, and gradmagic's."""
    file = _file(kind)
    if file is None:
        return kind.__module__ == "__main__" or kind.__module__ not in sys.builtin_module_names
    return users(file) or file.startswith(PACKAGE)


def _is_buffer(value: Any) -> bool:
    try:
        return memoryview(value) is not None
    except TypeError:
        return False


def _assigned(code: types.CodeType) -> set[str]:
    """List the global names that a function's code, and functions within it, assign."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    return found.union(*(_assigned(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _compares_types(code: types.CodeType) -> bool:
    """Tell whether a function's code, or functions within it, compare what `type` gives, some instructions later."""
    if "type" not in _names(code):
        return False
    found = list(dis.get_instructions(code))
    compared = (
        i.argval == "type" and i.opname == "LOAD_GLOBAL" and _COMPARES & {n.opname for n in found[k : k + 10]}
        for k, i in enumerate(found)
    )  # fmt: skip
    return any(compared) or any(_compares_types(c) for c in code.co_consts if isinstance(c, types.CodeType))


def _names(code: types.CodeType) -> list[str]:
    """List the names that a function's code and the functions written within it use."""
    found = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += [n for n in _names(constant) if n not in found]
    return found
