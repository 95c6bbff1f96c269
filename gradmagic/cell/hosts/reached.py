"""What a function reads besides its arguments: tensors in it are leaves of the graph, and have names there.

In: a function of the reader's. Out: values by the names that its code has for them.
"""

from __future__ import annotations

import inspect
import types
from contextlib import suppress
from functools import partial
from typing import Any

_DEEP = 3  # functions that call functions


def reached_by(f: Any, deep: int = _DEEP) -> dict[str, Any]:
    """Give what a function finds in its closure, among its globals, in what is bound to it; outer names win.

    Examples
    --------
    >>> b = 2.0
    >>> reached_by(lambda x: x * b)["b"]
    2.0
    """
    if isinstance(f, partial):
        bound: dict[str, Any] = {}
        with suppress(TypeError, ValueError):
            bound = inspect.signature(f.func).bind_partial(*f.args, **f.keywords).arguments
        return {**reached_by(f.func, deep), **bound}
    if isinstance(f, types.MethodType):
        return {**reached_by(f.__func__, deep), **_of_self(f.__self__)}
    if not isinstance(f, types.FunctionType):
        call = inspect.getattr_static(type(f), "__call__", None)
        inner = reached_by(call, deep) if isinstance(call, types.FunctionType) else {}
        return {**inner, **_of_self(f)}
    f = inspect.unwrap(f)
    found = {name: f.__globals__[name] for name in _names(f.__code__) if name in f.__globals__}
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        with suppress(ValueError):  # a variable that has no value yet
            found[name] = cell.cell_contents
    if deep:
        for called in [value for value in found.values() if isinstance(value, types.FunctionType)]:
            if called.__globals__ is f.__globals__:
                found = {**reached_by(called, deep - 1), **found}
    return found


def _names(code: types.CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _of_self(owner: Any) -> dict[str, Any]:
    return {f"self.{name}": value for name, value in getattr(owner, "__dict__", {}).items()}
