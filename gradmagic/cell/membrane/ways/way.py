"""What all ways have in common: marks of arguments, values as the engine takes them, names for notes.

In: a membrane and the arguments of a call. Out: what a way asks of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import GeneratorType
from typing import Any

import numpy as np

from ....engine.core.arrays import KINDS, is_array
from ....engine.derivatives.objects import Made
from ....engine.dispatch.primitives import cast
from ....engine.faces.numpy.array import Array
from ....engine.faces.numpy.buffer import Buffer
from ....engine.tape.memory import copy_of
from ....engine.tape.modes import OFF, mode_now
from ....engine.tape.tracked import Tracked, raws, tracked_in
from ..libraries import may_share
from ..membrane import Membrane
from ..table import FLAT, NO_CUTS, VIEWS, Mark, joined

Way = Callable[[Membrane, Any, tuple[Any, ...], dict[str, Any]], Any]


def marks_of(m: Membrane, args: Any, kwargs: Any) -> list[Mark]:
    return m.table.marks((*args, *kwargs.values()) if kwargs else args)


def wrapped(
    m: Membrane, args: Any, kwargs: Any, beside: Any = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give arguments as the engine takes them; where the array `beside` lies, if one is given."""
    wrapped = m.table.wrapped if beside is None else lambda value: m.beside(m.table.wrapped(value), beside)
    return tuple(map(wrapped, args)), {k: wrapped(v) for k, v in kwargs.items()}


def engine_values(args: Any, kwargs: Any) -> bool:
    """Tell whether values of the engine's own are among the arguments: tensors, or those of a gm.grad(f) that runs."""
    given = [*args, *kwargs.values()]
    looked_at = [a for a in given if type(a) not in (list, tuple) or not FLAT.issuperset(map(type, a))]
    return bool(looked_at and tracked_in(looked_at)) or any(type(value) is Made for value in given)


def keeps(made: Any, args: Any, kwargs: Any) -> bool:
    """Tell whether what the engine gave stays as it is: it was given its own values. Tensors alone leave no Array."""
    own = tracked_in([*args, *kwargs.values()])
    if not any(a.soft for a in own) and own:
        return not any(a.soft for a in tracked_in([made]))
    return engine_values(args, kwargs)


def as_theirs(made: Any, args: Any, kwargs: Any) -> Any:
    """Give what the engine made of a call with tensors as tensors: NumPy hands the call on to them, not to an Array."""
    if not any(t.soft for t in tracked_in([made])):
        return made
    face = next((type(t) for t in tracked_in([*args, *kwargs.values()]) if not t.soft), None)
    return made if face is None else _faced(made, face)


def _faced(made: Any, face: Any) -> Any:
    if type(made) in (list, tuple):
        return type(made)(_faced(each, face) for each in made)
    return face.wrap(made.array, made.node) if isinstance(made, Tracked) and made.soft else made


def as_settings(function: Any, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]] | None:
    """Give arguments with plain arrays in place of tensors that only set something: a mask, an axis, indices.

    None where a tensor stands in an array's place: NumPy asks it then, and the result is a tensor too.
    """
    tensors = tracked_in([*args, *kwargs.values()])
    if not tensors or any(t.soft or t.node is not None for t in tensors):
        return None
    return None if _asks_for_one(function, args, kwargs) else (raws(tuple(args)), raws(kwargs))


def _asks_for_one(function: Any, args: Any, kwargs: Any) -> bool:
    """Tell whether a function of NumPy's hands the call on to a tensor among its arguments."""
    if isinstance(function, np.ufunc):
        return bool(tracked_in([*args, kwargs.get("out")]))
    if function in WRITERS:
        return bool(tracked_in(args[:1]))
    owner, name = getattr(function, "__self__", None), function.__name__
    if isinstance(owner, np.ufunc):
        return bool(tracked_in([args[0] if name in _REDUCTIONS else [*args], kwargs.get("out")]))
    if owner is not None:  # a method of an array's
        return name == "clip" or bool(tracked_in([kwargs.get("out")]))
    try:
        asked = function(*map(_asked, args), **{k: _asked(v) for k, v in kwargs.items() if k != "where"})
    except Exception:  # it has begun to compute with them, or to look at them
        return True
    return not isinstance(asked, frozenset) or _AskedTensor in asked


WRITERS = frozenset({
    np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis,
})  # fmt: skip
_REDUCTIONS = ("reduce", "accumulate", "reduceat")


class _Asked:
    """Stands for an argument, to see which of them NumPy asks: no function computes with it."""

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return frozenset(types)


class _AskedTensor(_Asked):
    pass


def _asked(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(map(_asked, value))
    if isinstance(value, Tracked):
        return _AskedTensor()
    return _Asked() if is_array(value) or isinstance(value, (np.generic, float, complex)) else value


def named(function: Any) -> str:
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__name__", None) or type(function).__name__
    if isinstance(function, np.ufunc) or module.partition(".")[0] == "numpy":
        return (
            f"np.{module.partition('.')[2]}.{name}".replace("..", ".") if module.count(".") else f"np.{name}"
        )
    owner = getattr(function, "__self__", None)
    if owner is not None and type(owner).__name__ != "module":
        return f".{name}()"
    return name if module in ("builtins", "") else f"{module}.{name}"


def kept(args: Any) -> Any:
    """Give arguments that can be gone through twice."""
    return tuple(list(a) if type(a) in ONCE else a for a in args)


def gone_through(m: Membrane, args: Any) -> Any:
    """As `kept`, where Python itself goes through all of the first argument: `sum(xs)`."""
    if not args or type(args[0]) in _KEPT or is_array(args[0]) or not hasattr(type(args[0]), "__iter__"):
        return kept(args)
    return list(m.entries(args[0])), *args[1:]


_KEPT = frozenset({list, tuple, dict, set, frozenset, np.ndarray, str, bytes, range}) | VIEWS
ONCE = frozenset({GeneratorType, map, zip, filter, enumerate, reversed, *(
    kind for kind in vars(itertools).values() if isinstance(kind, type))})  # fmt: skip


def apart(m: Membrane, args: Any, target: Any) -> Any:
    return [
        copy_of(a) if type(a) in KINDS and m.table.mark(a) is None and may_share(a, target) else a
        for a in args
    ]


def fitted(made: Any, target: Any) -> Any:
    if np.shape(made) != target.shape:
        made = np.broadcast_to(made, target.shape)
    return cast(made, target.dtype) if made.dtype != target.dtype else made


def mutable(old: Any) -> Any:
    """Give what a write by the engine changes, over memory of its own."""
    if issubclass(type(old), Tracked):
        return Array.wrap(copy_of(old.array), old.node)
    if type(old) is np.ndarray:
        return Buffer.wrap(copy_of(old), None)
    one = Buffer()
    one.array, one.node = copy_of(old), None
    return one


def as_text(m: Membrane, out: Any, marks: list[Mark], how: str = "text") -> Any:
    if not marks or mode_now() is OFF:
        return out
    node = next((k.node for k in marks if k.node is not None), None)
    return m.taint(out, joined(marks) | ({m.cut(node, how)} if node is not None else NO_CUTS))


def partial(inner: Way) -> Way:
    """A `functools.partial` of what has a way."""

    def way(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
        return inner(m, function.func, (*function.args, *args), {**function.keywords, **kwargs})

    return way


def objects_of(m: Membrane, args: Any, out: Any) -> Any:
    """Give what the engine has for the entries of an array of objects: each an entry of the array it was made from."""
    of: Any = m.table.tracked(args[0]) if args else None
    if not issubclass(type(of), Tracked) or np.shape(of) != out.shape:
        return TypeError("objects")
    made = np.empty(out.shape, object)
    for at in np.ndindex(out.shape):
        made[at] = of[at]
    return made


def answers(args: Any) -> bool:
    """Tell whether NumPy asks an argument, or what a list of them holds, for an array that Python code makes."""
    for a in args:
        if type(a) in (list, tuple) and len(a) <= _MOST and answers(a):
            return True
        if hasattr(type(a), "__array__") and not isinstance(a, (np.generic, Tracked)) and not is_array(a):
            return True
    return False


_MOST = 1000
