"""One run of a function on recording arrays: its arguments and surroundings in, a program out, as Python.

In: a function, a call's arguments, and what the function sees besides. Out: a `Program` and what the function gave, on
recording arrays; or `Refused`, with the reason.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..core import arrays, generator
from ..core.trees import is_container, leaves, rebuilt
from ..tape.nodes import Leaf
from ..tape.tracked import Tracked
from .program import Program, Step
from .recorded import NOW, CannotRecord, Recorded, Recording
from .seam import SEAM
from .surroundings import Surroundings, TooMuch

arrays.KINDS[Recorded] = SEAM

class Refused(Exception):
    """There is no program for this call: the message says why."""


def _numeric(array: Any) -> bool:
    return array.dtype.kind in "biufc" and array.dtype.isnative


class Call:
    """One call's arguments: which of them are inputs of a program, and what its head asks of later ones."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], fixed: frozenset[int] = frozenset()) -> None:
        self.args, self.kwargs = args, kwargs
        self.values: list[Any] = []  # arrays and numbers that are inputs
        self.texts: list[str] = []
        self.checks: list[str] = []
        self.held: list[tuple[str, Any]] = []  # what the checks call by name
        self.objects: list[Any] = []  # that are looked into
        self.tensors: list[Any] = []
        self._fixed = fixed  # numbers that are not inputs, by their place
        self.parameters = [f"a{i}" for i in range(len(args))] + [f"k_{name}" for name in kwargs]
        self._places: list[int | None] = []  # for each leaf of the arguments: which input it is
        for text, value in zip(self.parameters, [*args, *kwargs.values()], strict=True):
            self._enter(text, value)

    def bind(self, value: Any) -> str:
        for name, known in self.held:
            if known is value:
                return name
        self.held.append((f"g{len(self.held)}", value))
        return self.held[-1][0]

    def _enter(self, text: str, value: Any) -> None:
        kind = type(value)
        if is_container(value):
            self.checks.append(f"type({text}) is {self.bind(kind)}")
            if is_dataclass(value):
                for f in fields(value):
                    self._enter(f"{text}.{f.name}", getattr(value, f.name))
                return
            self.checks.append(f"len({text}) == {len(value)}")
            for key, part in value.items() if isinstance(value, dict) else enumerate(value):
                self._enter(f"{text}[{key!r}]" if isinstance(key, (str, int)) else f"{text}[{self.bind(key)}]", part)
            return
        self._places.append(None)
        if kind is np.ndarray or issubclass(kind, np.ndarray):
            if kind is not np.ndarray or not _numeric(value):
                raise Refused(f"an argument is {'a subclass of ndarray' if kind is not np.ndarray else value.dtype}")
            self._input(text, value, "array")
        elif issubclass(kind, Tracked):
            if value.node is not None and type(value.node) is not Leaf:
                raise Refused("an argument hangs on a tape")
            wants = "is None" if value.node is None else "is not None"
            self.checks.append(f"type({text}) is {self.bind(kind)} and {text}.node {wants}")
            self.tensors.append(value)
            self._input(f"{text}.array", value.array, "array")
        elif isinstance(value, np.generic) and _numeric(value):
            self._input(text, value, "scalar")
        elif kind is float and len(self.values) not in self._fixed:
            self._input(text, value, "scalar")
        elif kind in (int, bool, float, complex, str, bytes):
            self.checks.append(f"type({text}) is {kind.__name__} and {text} == {self.bind(value)}")
        elif value is None:
            self.checks.append(f"{text} is None")
        else:
            self.checks.append(f"{text} is {self.bind(value)}")
            self.objects.append(value)

    def _input(self, text: str, value: Any, what: str) -> None:
        self._places[-1] = len(self.values)
        name = f"x{len(self.values)}"
        kind = self.bind(type(value)) if type(value) is not float else "float"
        if isinstance(value, np.ndarray):
            self.checks.append(
                f"type({name} := {text}) is {kind} and {name}.shape == {value.shape} and {name}.dtype is {self.bind(value.dtype)}"
            )
        else:
            self.checks.append(f"type({name} := {text}) is {kind}")
        self.values.append(value)
        self.texts.append(name)

    def given(self, values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the arguments with others in place of the inputs."""
        whole = (self.args, self.kwargs)
        at = iter(self._places)
        parts = []
        for leaf in leaves(whole):
            place = next(at)
            parts.append(leaf if place is None else _like(leaf, values[place]))
        return rebuilt(whole, parts)


def _like(leaf: Any, value: Any) -> Any:
    """Give a value the face of the argument that it stands for."""
    if not issubclass(type(leaf), Tracked):
        return value
    made = type(leaf).blank()
    made.array, made.node = value, None
    return made.requires_grad_() if leaf.node is not None else made


def _copied(value: Any) -> Any:
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def randomness() -> tuple[Any, ...]:
    """Give the state of the generators that anybody may draw from."""
    legacy: Any = np.random.get_state()
    ours = generator.stream().state().tobytes() if generator.started() else b""
    return random.getstate(), legacy[1].tobytes(), legacy[2:], ours


def seen(f: Callable[..., Any], call: Call) -> Surroundings:
    """Look at what a function reaches.

    Raises
    ------
    Refused
        If it is too much.
    """
    try:
        return Surroundings(f, *call.objects)
    except TooMuch as error:
        raise Refused(str(error)) from None


def record(f: Callable[..., Any], call: Call, around: Surroundings, values: list[Any], held: list[Any]) -> tuple[Program, Any]:
    """Run `f` on recording arrays with these values, and give the program and what `f` gave."""
    now = Recording()
    token = NOW.set(now)
    try:
        given = [now.enter(_copied(v), t) for v, t in zip(values, call.texts, strict=True)]
        inside = [now.enter(_copied(v), f"s{i}") for i, v in enumerate(held)]
        args, kwargs = call.given(given)
        with around.holding(inside):
            out = f(*args, **kwargs)
    except CannotRecord as error:
        raise Refused(now.program.refused or str(error)) from None
    except Exception as error:
        if now.program.refused:
            raise Refused(now.program.refused) from None
        raise Refused(f"recording raised {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
    finally:
        NOW.reset(token)
    if now.program.refused:
        raise Refused(now.program.refused)
    return now.program, out


def same_program(a: Program, b: Program) -> str:
    """Say where two recordings of one call differ; "" if they do not."""
    if len(a.steps) != len(b.steps):
        return "it does not do the same each time"
    for s, t in zip(a.steps, b.steps, strict=True):
        if s.kind != t.kind or s.op != t.op:
            return "it does not do the same each time"
        for one, other in zip(_statics(s), _statics(t), strict=False):
            if not _equal(one, other):
                return f"a number changes from call to call in {s.op if isinstance(s.op, str) else s.kind}"
    return ""


def _statics(step: Step) -> list[Any]:
    if step.kind == "constant":
        return [step.value]
    return [v for v in leaves([list(step.args), step.kwargs]) if type(v) is not Step]


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    return bool(a is b or a == b or a != a)


def close(a: Any, b: Any) -> bool:
    """Tell whether two values are the same but for rounding."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc" or not a.size:
        return bool(np.array_equal(a, b))
    with np.errstate(all="ignore"):
        finite = np.isfinite(a)
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.array_equal(finite, np.isfinite(b)):
            return False
        scale = np.max(np.abs(a[finite]), initial=0)
        return bool(np.all(np.abs(a[finite] - b[finite]) <= 1e4 * np.finfo(a.dtype).eps * scale))
