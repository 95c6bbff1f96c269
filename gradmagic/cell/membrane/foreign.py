"""Classes of libraries: what they do with a value that they are given, nobody here knows.

In: a class. Out: whether it is written in C, or in Python outside the user's files.
"""

from __future__ import annotations

import functools
import sys
import types

from ...engine.core.places import users


@functools.cache
def foreign(kind: type) -> bool:
    """Tell whether a class is a library's or written in C: it may keep what it is given in a way of its own."""
    if kind in (types.SimpleNamespace, types.ModuleType, type):
        return False
    for held in vars(kind).values():
        code = getattr(getattr(held, "__func__", held), "__code__", None)
        if code is not None and not code.co_filename.startswith("<"):
            return not users(code.co_filename)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if kind.__module__ in sys.modules and kind.__module__ != "__main__":
        return file is None or not users(file)
    return False
