"""How a program's results are handed out: nested as the function's own, each of the kind that the function gives.

In: what the function gave in earnest, and what it gave on recording arrays. Out: the steps that leave the program, and
the text that puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ...language import tr
from ..core.arrays import address
from ..core.trees import is_container, leaves, same_structure
from ..tape.tracked import Tracked
from .program import Program, Step
from .recorded import Refused, is_recorded

Bind = Callable[[Any], str]
_STATIC = (int, bool, str, bytes, type(None), complex)


class Results:
    """What leaves a program.

    Attributes
    ----------
    steps : list of Step
        Of the recording; simplify.py may put others in their place.
    """

    def __init__(self, eager: Any, recorded: Any) -> None:
        if not same_structure(eager, recorded) or (type(eager) is not type(recorded) and is_container(eager)):
            raise Refused(tr("it gives something else on recording arrays"))
        self._eager = eager
        self.steps: list[Step] = []
        self._kinds: list[tuple[str, Any]] = []
        self._copies: dict[int, Any] = {}
        self._pairs = list(_pairs(eager, recorded))
        for e, r in self._pairs:
            self._kinds.append(self._enter(e, r))

    def _enter(self, eager: Any, recorded: Any) -> tuple[str, Any]:
        """Note one leaf: how it is written, with `{}` for the step's name."""
        kind = type(eager)
        if issubclass(kind, Tracked):
            if eager.node is not None:
                raise Refused(tr("its result hangs on a tape: write .detach(), or return numbers"))
            if type(recorded) is not kind or not is_recorded(recorded.array):
                return self._fixed(eager)
            self.steps.append(step := recorded.array.step)
            return "wrap", (kind, _of_kind(eager.array, step))
        if not is_recorded(recorded):
            return self._fixed(eager, recorded)
        step = recorded.step
        self.steps.append(step)
        if kind is float:
            return ("{}", None) if step.python else ("float({})", None)
        if kind is np.ndarray or isinstance(eager, np.generic):
            return _of_kind(eager, step), None
        raise Refused(tr("it gives a {name} that hangs on values", name=kind.__name__))

    def _fixed(self, eager: Any, recorded: Any = None) -> tuple[str, Any]:
        """Note a leaf that is the same at every call: an array as a copy, since the caller may write into it."""
        if isinstance(eager, Tracked):
            return "tensor", (type(eager), self._own(eager.array))
        if isinstance(eager, (np.ndarray, np.generic, float)):
            numbers = isinstance(recorded, (np.ndarray, np.generic, float))
            mine, its = np.asarray(eager), np.asarray(recorded)
            same = numbers and np.array_equal(mine, its, equal_nan=mine.dtype.kind in "fc")
            if recorded is not None and not same:
                raise Refused(tr("its result hangs on what the recording does not see"))
            return ("array", self._own(eager)) if isinstance(eager, np.ndarray) else ("value", eager)
        if isinstance(eager, _STATIC):
            if type(recorded) is not type(eager) or recorded != eager:
                raise Refused(tr("it gives a {kind} that hangs on values", kind=type(eager).__name__))
            return "value", eager
        if eager is recorded:
            return "value", eager
        raise Refused(tr("it gives a {kind}", kind=type(eager).__name__))

    def _own(self, array: Any) -> Any:
        """Copy an array that the first call gave, once."""
        return self._copies.setdefault(id(array), np.copy(array, "K") if type(array) is np.ndarray else array)

    # -- memory -----------------------------------------------------------------------------------
    def named(
        self, program: Program, eager_inputs: list[Any], left: list[Any], name: Callable[[Step], str]
    ) -> list[str]:
        """Write the results, copied where they must be: where a program has them in memory that the function's result
        does not share, that of an input, a constant or another result. The last ones are left, not given: `left` is
        what the function has left there. They are written first."""
        copies, arrays = self._owned(program, eager_inputs, left)
        given = len(arrays) - len(left)
        made: list[str] = []
        for i, (step, copy) in enumerate(zip(program.outputs, copies, strict=True)):
            text = name(step)
            if copy:
                text += ".copy('K')"
                twins = [j for j, o in enumerate(program.outputs) if o is step and arrays[j] is arrays[i]]
                if len(twins) > 1:  # one array, given twice
                    first = min(twins, key=lambda j: (j < given, j))
                    text = f"k{first}" if i != first else f"(k{i} := {text})"
            made.append(text)
        return made

    def _owned(
        self, program: Program, eager_inputs: list[Any], left: list[Any]
    ) -> tuple[list[bool], list[Any]]:
        arrays = [
            self._array(e) for (e, _), kind in zip(self._pairs, self._kinds, strict=True) if kind[0] in _STEPS
        ]
        arrays += left
        inputs = list(zip(program.inputs, eager_inputs, strict=False))
        found: list[bool] = []
        for i, step in enumerate(program.outputs):
            others = [
                *inputs,
                *((o, a) for o, a, c in zip(program.outputs, arrays, found, strict=False) if not c),
            ]
            shared = any(_meet(step, other) and not share(arrays[i], value) for other, value in others)
            found.append(type(step.value) is np.ndarray and (shared or _constant(step)))
        return found, arrays

    @staticmethod
    def _array(eager: Any) -> Any:
        return eager.array if issubclass(type(eager), Tracked) else eager

    # -- text -------------------------------------------------------------------------------------
    def text(self, given: Iterator[str], bind: Bind, containers: list[tuple[Any, str]]) -> str:
        """Write the result, its steps called as `given`; `containers` are those among the arguments."""
        parts: list[str] = []
        fixed: dict[int, str] = {}
        for form, value in self._kinds:
            if form == "wrap":
                parts.append(f"{bind(value[0].wrap)}({value[1].format(next(given))}, None)")
            elif form == "tensor":
                parts.append(f"{bind(value[0].wrap)}({bind(value[1])}.copy(), None)")
            elif form == "array":
                name = f"r{len(fixed)}"
                parts.append(fixed.get(id(value), f"({name} := {bind(value)}.copy('K'))"))
                fixed.setdefault(id(value), name)
            elif form == "value":
                parts.append(repr(value) if isinstance(value, (int, str, type(None))) else bind(value))
            else:
                parts.append(form.format(next(given)))
        return _nested(self._eager, iter(parts), bind, containers)


_STEPS = ("wrap", "{}", "float({})", "np.asarray({})", "{}[()]")


def _of_kind(eager: Any, step: Step) -> str:
    """Write a step as what the function gives: an array or a NumPy scalar, which the step's value may not be."""
    if type(eager) is np.ndarray:
        return "{}" if type(step.value) is np.ndarray else "np.asarray({})"
    return "{}" if type(step.value) is not np.ndarray else "{}[()]"


def _pairs(eager: Any, recorded: Any) -> Iterator[tuple[Any, Any]]:
    if not is_container(eager):
        yield eager, recorded
        return
    kind = type(eager)
    if issubclass(kind, dict):
        parts: Any = zip(eager.values(), recorded.values(), strict=True)
    elif is_dataclass(kind):
        parts = [(getattr(eager, f.name), getattr(recorded, f.name)) for f in fields(kind)]
    else:
        parts = zip(eager, recorded, strict=True)
    for e, r in parts:
        yield from _pairs(e, r)


def _nested(tree: Any, parts: Iterator[str], bind: Bind, containers: list[tuple[Any, str]]) -> str:
    """Write containers as they are nested in `tree`, and one that was given as it is."""
    if not is_container(tree):
        return next(parts)
    for container, text in containers:
        if container is tree:
            for _ in leaves(tree):
                next(parts)
            return text
    kind = type(tree)
    if kind is dict:
        inside = [f"{k!r}: " if isinstance(k, (str, int)) else f"{bind(k)}: " for k in tree]
        return (
            "{"
            + ", ".join(
                k + _nested(v, parts, bind, containers) for k, v in zip(inside, tree.values(), strict=True)
            )
            + "}"
        )
    if kind is list:
        return "[" + ", ".join(_nested(v, parts, bind, containers) for v in tree) + "]"
    if kind is tuple:
        return "(" + "".join(_nested(v, parts, bind, containers) + ", " for v in tree) + ")"
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return f"{bind(kind)}({', '.join(_nested(v, parts, bind, containers) for v in tree)})"
    plain = is_dataclass(kind) and not hasattr(kind, "__post_init__") and all(f.init for f in fields(kind))
    if plain and set(getattr(tree, "__dict__", ())) <= {f.name for f in fields(kind)}:
        inside = [f"{f.name}={_nested(getattr(tree, f.name), parts, bind, containers)}" for f in fields(kind)]
        return f"{bind(kind)}({', '.join(inside)})"
    raise Refused(tr("it gives a {name}: return a tuple, a list or a dict", name=kind.__name__))


def _roots(step: Step) -> set[int]:
    """Give the storages that a value may lie in."""
    found = {id(step.storage)}
    if _may_look(step):
        for s in step.needs():
            found |= _roots(s)
    return found


def _meet(a: Step, b: Step) -> bool:
    """Tell whether two values of a program share memory."""
    if not _roots(a) & _roots(b) or not type(a.value) is type(b.value) is np.ndarray:
        return False
    return share(*_beside(a.value, b.value))


def _beside(*values: Any) -> list[Any]:
    """Give arrays laid out in one piece of memory as these are in the memory of their owners."""
    ends, starts = [], []
    for value in values:
        owner = value
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        at = np.lib.array_utils.byte_bounds(owner)[0]
        ends.append(np.lib.array_utils.byte_bounds(value)[1] - at)
        starts.append(address(value) - at)
    room = np.empty(max(ends), np.uint8)
    return [np.ndarray(v.shape, v.dtype, room, at, v.strides) for v, at in zip(values, starts, strict=True)]


def _may_look(step: Step) -> bool:
    return step.kind in ("call", "item") and type(step.value) is np.ndarray and step.value.base is not None


def _constant(step: Step) -> bool:
    while True:
        if step.kind == "constant":
            return True
        first = next(iter(step.needs()), None)
        if first is None or not _may_look(step):
            return False
        step = first


def share(a: Any, b: Any) -> bool:
    """Tell whether two values have entries in common."""
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)):
        return False
    try:
        return np.shares_memory(a, b, 10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
