"""Whose a class, an object or a module is: the user's, gradmagic's, or another library's.

In: classes and modules. Out: whether surroundings.py looks into them, and into which of their parts.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

from ..core.places import PACKAGE, users

_STILL = ("numpy", "scipy", "math", "cmath", "gradmagic", "builtins")  # modules whose numbers nobody changes
_MADE = frozenset(
    "__init__ __repr__ __str__ __eq__ __hash__ __setattr__ __delattr__".split()
)  # of a dataclass


def file_of(kind: type) -> str | None:
    return getattr(sys.modules.get(kind.__module__), "__file__", None)


def of_user(kind: type) -> bool:
    """Tell whether it is a class of the user's."""
    return users(file_of(kind) or PACKAGE) or kind.__module__ == "__main__"


def known(kind: type) -> bool:
    """Tell whether objects of this class are looked into: the user's, and gradmagic's."""
    file = file_of(kind)
    if file is None:
        return kind.__module__ == "__main__" or kind.__module__ not in sys.builtin_module_names
    return users(file) or file.startswith(PACKAGE)


def is_buffer(value: Any) -> bool:
    try:
        return memoryview(value) is not None
    except TypeError:
        return False


def users_module(space: dict[str, Any]) -> bool:
    """Tell whether a module is the user's, by its names: of a file of theirs, or of none (`types.ModuleType`)."""
    file, name = space.get("__file__"), str(space.get("__name__"))
    return users(file) if file else name.partition(".")[0] not in sys.stdlib_module_names


def of_objects(ufunc: Any) -> bool:
    """Tell whether a ufunc is one of np.frompyfunc, which calls a function of Python for each entry."""
    return all(set(kinds) <= set("O->") for kinds in getattr(ufunc, "types", ["d->d"]))


def still(module: types.ModuleType) -> bool:
    return module.__name__.partition(".")[0] in _STILL


def functions_of(part: Any) -> list[Any]:
    """List the functions in what a class puts around them: `property`, `classmethod` ..."""
    if isinstance(part, property):
        return [f for f in (part.fget, part.fset, part.fdel) if f is not None]
    if isinstance(part, functools.cached_property):
        return [part.func]
    return [part.__func__] if isinstance(part, (staticmethod, classmethod)) else []


def replaceable(key: str, part: Any) -> bool:
    return isinstance(part, types.FunctionType) and key not in _MADE
