"""What a function sees besides its arguments: globals, closures, attributes of objects that it reaches.

In: functions and objects. Out: `Surroundings`: a list of links (who holds what under which name), each compared at
every call, and of places that hold arrays, which are inputs of the program: read anew at every call.

Arrays that hang in tuples, sets or objects of other libraries cannot be entered as inputs; a function that uses one is
refused when the array meets the program.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np

from ..core.places import PACKAGE, users
from ..tape.tracked import Tracked

_MOST = 5_000  # objects
_NUMBERS = (int, float, complex, bool, str, bytes, type(None), np.generic, np.dtype, slice, range, frozenset)


class TooMuch(Exception):
    """A function reaches more than can be compared at every call."""


@dataclass
class Link:
    """One name under which something is held.

    Attributes
    ----------
    holder : object
        A cell, a dict, a list or an object.
    text : str
        How Python reads it from the holder: `{}["w"]`.
    name : str
        What the user calls it.
    value : object
        What was there when it was looked at.
    """

    holder: Any
    text: str
    name: str
    value: Any

    def read(self) -> Any:
        """Give what is there now."""
        if type(self.holder) is types.CellType:
            return self.holder.cell_contents
        if type(self.holder) in (dict, list) or isinstance(self.holder, (dict, list)):
            return self.holder[self.key]
        return getattr(self.holder, self.key)

    key: Any = None

    def put(self, value: Any) -> None:
        """Put something else there."""
        if type(self.holder) is types.CellType:
            self.holder.cell_contents = value
        elif isinstance(self.holder, (dict, list)):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)

    def same(self) -> bool:
        """Tell whether there is what was."""
        try:
            now = self.read()
        except (LookupError, ValueError, AttributeError):
            return False
        if now is self.value:
            return True
        if isinstance(self.value, _NUMBERS):
            return type(now) is type(self.value) and bool(now == self.value or (now != now and self.value != self.value))
        return False


class Surroundings:
    """All that functions and objects reach.

    Attributes
    ----------
    links : list of Link
        What must be as it was; of an array that is an input only that it is one.
    arrays : list of Link
        What holds an array, or the tensor that does: inputs of a program.
    sizes : list of (container, int)
        Lists and dicts that were gone through, and how long they were.
    """

    def __init__(self, *what: Any) -> None:
        self.links: list[Link] = []
        self.arrays: list[Link] = []
        self.sizes: list[tuple[Any, int]] = []
        self._seen: dict[int, Any] = {}
        for value in what:
            self._look(value, getattr(value, "__name__", type(value).__name__))

    # -- going through ----------------------------------------------------------------------------
    def _hold(self, holder: Any, key: Any, text: str, name: str, value: Any) -> None:
        link = Link(holder, text, name, value, key)
        if type(value) is np.ndarray and value.dtype.kind in "biufc":
            if all(a.value is not value for a in self.arrays):
                self.arrays.append(link)
            else:
                self.links.append(link)
            return
        self.links.append(link)
        self._look(value, name)

    def _look(self, value: Any, name: str) -> None:
        if isinstance(value, _NUMBERS) or id(value) in self._seen or isinstance(value, (type, types.BuiltinFunctionType)):
            return
        if len(self._seen) >= _MOST:
            raise TooMuch(f"it reaches more than {_MOST:,} objects (by {name})")
        self._seen[id(value)] = value
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._look(value.__func__, name)
            self._look(value.__self__, name.rpartition(".")[0] or "self")
        elif isinstance(value, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._look(part, name)
        elif issubclass(type(value), Tracked):
            if not any(link.value is value for link in self.arrays):
                self.arrays.append(Link(value, "{}.array", name, value, "array"))
        elif issubclass(type(value), dict):
            self.sizes.append((value, len(value)))
            for key, part in value.items():
                if isinstance(key, (str, int)):
                    self._hold(value, key, f"{{}}[{key!r}]", f"{name}[{key!r}]", part)
        elif issubclass(type(value), list):
            self.sizes.append((value, len(value)))
            for i, part in enumerate(value):
                self._hold(value, i, f"{{}}[{i}]", f"{name}[{i}]", part)
        elif issubclass(type(value), (tuple, set)):
            for i, part in enumerate(value):
                self._look(part, f"{name}[{i}]")
        elif not isinstance(value, types.ModuleType) and (_known(type(value)) or is_dataclass(value)):
            self._object(value, name)

    def _function(self, function: types.FunctionType) -> None:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if users(function.__code__.co_filename) or type(value) is np.ndarray:
                self._hold(cell, None, "{}.cell_contents", name, value)
            else:  # of gradmagic's own functions (grad(f) holds f): nobody rebinds them
                self._look(value, name)
        for i, value in enumerate(function.__defaults__ or ()):
            self._look(value, function.__code__.co_varnames[i])
        if not users(function.__code__.co_filename):
            return
        for name in _names(function.__code__):
            if name in function.__globals__:
                value = function.__globals__[name]
                if isinstance(value, types.ModuleType):
                    if users(getattr(value, "__file__", None) or PACKAGE):
                        self._module(value, function.__code__)
                    continue
                self._hold(function.__globals__, name, f"{{}}[{name!r}]", name, value)

    def _module(self, module: types.ModuleType, code: types.CodeType) -> None:
        for name in _names(code):
            if name in vars(module):
                self._hold(vars(module), name, f"{{}}[{name!r}]", f"{module.__name__}.{name}", vars(module)[name])

    def _object(self, value: Any, name: str) -> None:
        held = getattr(value, "__dict__", {})
        self.sizes.append((held, len(held)))
        for key, part in held.items():
            self._hold(held, key, f"{{}}[{key!r}]", f"{name}.{key}", part)
        for kind in type(value).__mro__:
            if users(getattr(__import__("sys").modules.get(kind.__module__), "__file__", None) or PACKAGE):
                for part in vars(kind).values():
                    if isinstance(part, types.FunctionType):
                        self._look(part, part.__qualname__)

    # -- at a call --------------------------------------------------------------------------------
    def changed(self) -> str:
        """Name what is not what it was; "" if all is."""
        for link in self.links:
            if not link.same():
                return link.name
        for container, size in self.sizes:
            if len(container) != size:
                return next((n.name for n in self.links if n.value is container), "a container")
        return ""

    @contextmanager
    def holding(self, values: list[Any]) -> Iterator[None]:
        """Put values in place of the arrays, within the block."""
        before = [link.read() for link in self.arrays]
        try:
            for link, value in zip(self.arrays, values, strict=True):
                link.put(value)
            yield
        finally:
            for link, value in zip(self.arrays, before, strict=True):
                link.put(value)

    def guards(self, bind: Callable[[Any], str]) -> list[str]:
        """Write the comparisons as Python: each a condition that holds as long as all is as it was."""
        found = []
        for link in self.links:
            text = link.text.format(bind(link.holder))
            value = link.value
            if value is None or isinstance(value, bool):
                found.append(f"{text} is {value}")
            elif isinstance(value, _NUMBERS):
                same = f"{text} == {bind(value)}" if value == value else f"{text} != {text}"
                found.append(f"type({text}) is {bind(type(value))} and {same}")
            else:
                found.append(f"{text} is {bind(value)}")
        found += [f"len({bind(container)}) == {size}" for container, size in self.sizes]
        return found


def _known(kind: type) -> bool:
    """Tell whether objects of this class are looked into: the user's, and gradmagic's."""
    import sys

    home = sys.modules.get(kind.__module__)
    file = getattr(home, "__file__", None)
    if kind.__module__ == "__main__" or (file is None and kind.__module__ != "builtins"):
        return True
    return file is not None and (users(file) or file.startswith(PACKAGE))


def _names(code: types.CodeType) -> set[str]:
    """List the names that a function's code and the functions written within it use."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found
