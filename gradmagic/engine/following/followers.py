"""What is followed: functions of NumPy, CuPy, SciPy and math, and what stands in their place while a traced call runs.

In: `follow(names, make)` of the modules beside this one. Out: the class of each followed module, whose attributes are
NumPy's own functions to everybody, and to the user's own code where it calls them while it is traced, what follows
them; and the table in both directions.

A function that is not called on the spot is NumPy's own, so that `np.sum is f`, `==`, dictionaries of functions and
pickling hold in a traced call. Installed packages and the standard library are not followed: they may keep arrays, or
hand them to C. Where a class serves, its method is replaced (`np.vectorize`, `np.r_`), and the object itself stays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from ..core.interpreter import only_called
from ..core.places import users
from .patches import CUPY, METHODS, MODULES, Replacement
from .switch import here

STANDING = Replacement(MODULES), Replacement(METHODS), Replacement(CUPY)  # what every traced call puts on
_FOLLOWERS: dict[int, Any] = {}  # what follows a function, by the function's id and by its own
_ORIGINALS: dict[int, Any] = {}  # the function, by the id of what follows it
_classes: dict[str, Any] = {}  # by a module's name: what its class is meanwhile
# Modules that are followed once they are imported, and the table that has what follows them.
_TABLES = {f"scipy.{name}": f"..derivatives.scipy.{table}" for name, table in {
    "linalg": "linalg", "special": "linalg", "stats": "stats", "integrate": "integrate", "signal": "signal",
    "ndimage": "ndimage", "interpolate": "interpolate", "optimize": "optimize",
}.items()}  # fmt: skip
_TABLES["scipy.integrate"] += " .quadrature"
FOLLOWING: dict[str, Callable[[Any], None]] = {}  # of other modules, what follows their functions
later = set(_TABLES)


def follow(
    names: str,
    make: Callable[[Any, str], Any],
    module: str = "numpy",
    outside: Callable[[Any, str], Any] | None = None,
) -> None:
    """Let `make(original, name)` follow functions of a module, and `outside(...)` where nothing is traced."""
    of = import_module(module)
    if module not in _classes:
        _classes[module] = type("Followed", (ModuleType,), {
            "__doc__": "A module while a traced call runs.",
            "__reduce__": lambda of: (import_module, (of.__name__,)),  # for cloudpickle, in any thread
        })  # fmt: skip
        STANDING[2 if module.startswith("cupy") else 0].add(of, "__class__", _classes[module])
    for name in names.split():
        original = getattr(of, name)
        made = make(original, name)
        _FOLLOWERS[id(original)] = _FOLLOWERS[id(made)] = made
        _ORIGINALS[id(made)] = original
        beyond = None if outside is None else outside(original, name)
        setattr(_classes[module], name, _attribute(of, name, original, made, beyond))


def follow_method(kind: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Let `make(original)` follow a method of a class of NumPy's."""
    STANDING[1].add(kind, name, make(vars(kind)[name]))


def follow_late() -> None:
    """Follow CuPy's functions, and what does not dispatch in SciPy's modules, where they have been imported since."""
    for module in [name for name in later if name in sys.modules]:
        later.discard(module)
        if module in FOLLOWING:
            FOLLOWING[module](sys.modules[module])
            continue
        from ..derivatives.objects import OF_CLASSES  # with SciPy only
        from ..derivatives.ordered import FOLLOWED

        for table in _TABLES[module].split():
            import_module(table, __package__)
        ours = FOLLOWED.get(module, {})
        follow(" ".join(ours), partial(_ours, ours), module)
        for (kind, name), made in OF_CLASSES.get(module, {}).items():
            method = getattr(kind, name)
            _FOLLOWERS[id(method)] = _FOLLOWERS[id(made)] = made
            STANDING[1].add(kind, name, made)


def _ours(table: dict[str, Any], original: Any, name: str) -> Any:
    return table[name]


def follower_of(value: Any) -> Any:
    """Give what follows a function of NumPy, SciPy or math, or a method of SciPy's objects; None for anything else."""
    found = _FOLLOWERS.get(id(value))
    if found is None and type(value) is MethodType:
        found = _FOLLOWERS.get(id(value.__func__))
        return None if found is None else MethodType(found, value.__self__)
    return found


def follower_of_object(value: Any) -> Any:
    """Give what follows the call of an object: `stats.norm(mu, s)`, `spline(x)`; None for anything else."""
    found = _FOLLOWERS.get(id(getattr(type(value), "__call__", None)))  # noqa: B004  (the method itself)
    return None if found is None else MethodType(found, value)


def plain(value: Any) -> Any:
    """Give the function for what follows it, also in what holds it: a dict, list, tuple, or default arguments."""
    if id(value) in _ORIGINALS:
        return _ORIGINALS[id(value)]
    if type(value) in (dict, list):
        for key, held in list(value.items() if type(value) is dict else enumerate(value)):
            if id(held) in _ORIGINALS:
                value[key] = plain(held)
    elif type(value) is tuple and any(id(v) in _ORIGINALS for v in value):
        return tuple(map(plain, value))
    elif type(value) is FunctionType and value.__defaults__:
        value.__defaults__ = plain(value.__defaults__)
    return value


def _attribute(of: ModuleType, name: str, original: Any, follows: Any, outside: Any) -> property:
    names = vars(of)

    def get(module: Any) -> Any:
        found = names[name]
        block = here()
        if found is not original or (block is None and outside is None):
            return found
        frame = sys._getframe(1)
        stored = _called_by(frame)
        if stored is None or (stored and (block is None or not block.puts_back(frame, stored))):
            return original
        return outside if block is None else follows

    return property(
        get, lambda module, value: names.__setitem__(name, value), lambda module: names.__delitem__(name)
    )


_answers: dict[int, tuple[CodeType, frozenset[str] | None]] = {}
_MOST = 65_536


def _called_by(frame: Any) -> frozenset[str] | None:
    """Tell whether the user's code asks at this place for what it calls; if so, give the global names between."""
    code, at = frame.f_code, frame.f_lasti
    key = (id(code) << 24) | at
    found = _answers.get(key)
    if found is None or found[0] is not code:
        if len(_answers) >= _MOST:
            _answers.clear()
        found = _answers[key] = code, only_called(code, at) if users(code.co_filename) else None
    return found[1]
