"""What a recording is: a flat list of steps, each one call of NumPy's with what it needs of those before it.

In: calls that the recording arrays see (recorded.py). Out: a `Program`, which simplify.py makes smaller and emit.py
writes as Python.

Values are in static single assignment: a step is one value for ever. The exception is memory that is written in place:
its `Storage` is marked, and nothing that touches it is moved, merged or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.places import Place

_SMALL = 1024  # bytes


class Storage:
    """One block of memory that values lie in: of an input, a constant, or made by a step.

    Attributes
    ----------
    viewed : bool
        More than one value looks into it.
    written : bool
        Something is written into it in place.
    laid : bool
        How it is laid out has been asked.
    """

    __slots__ = ("laid", "viewed", "written")

    def __init__(self) -> None:
        self.viewed = self.written = self.laid = False


class Step:
    """One value of a program and how it is made.

    Attributes
    ----------
    kind : str
        "input", "constant", "call", "write" (a call for its effect on memory), "draw" (random numbers), "item" (one of
        several results), "guard" (a value that must be as it was when it was recorded).
    op : function or str or None
        What is called, as known.py has normed it; of an input its text in the program's head.
    args, kwargs
        Steps and static values, in lists, tuples and slices.
    value : array, number or None
        What it gave while it was recorded: its shape and dtype count, of a constant the value itself.
    storage : Storage
        The memory that the value lies in; views share it.
    place : tuple or None
        The user's line.
    """

    __slots__ = ("args", "kind", "kwargs", "number", "op", "place", "storage", "value")

    def __init__(
        self, kind: str, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any,
        storage: Storage | None = None, place: Place | None = None,
    ) -> None:  # fmt: skip
        self.kind, self.op, self.args, self.kwargs, self.value = kind, op, args, kwargs, value
        self.storage = storage or Storage()
        self.place = place
        self.number = -1

    def forget(self) -> None:
        """Keep of the value how it is laid out, and not its memory; a constant is its value."""
        if type(self.value) is np.ndarray and self.kind != "constant" and self._large:
            one = np.empty(1, self.value.dtype)
            self.value = np.lib.stride_tricks.as_strided(
                one, self.value.shape, self.value.strides, writeable=False
            )

    @property
    def _large(self) -> bool:
        """Whether the value's memory is worth the time of letting go of it."""
        return self.value.nbytes > _SMALL or self.value.base is not None

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype if hasattr(self.value, "dtype") else np.dtype(type(self.value))

    @property
    def python(self) -> bool:
        """Whether the value is a number of Python's, which takes the dtype of what it meets."""
        return type(self.value) in (float, int)

    @property
    def pure(self) -> bool:
        """Whether it may be left out where nobody needs it, and be one with its equals."""
        return self.kind in ("call", "item", "constant") and not self.storage.written

    def needs(self) -> list[Step]:
        """List the steps among its arguments."""
        found: list[Step] = []
        for value in (*self.args, *self.kwargs.values()) if self.kwargs else self.args:
            if type(value) is Step:
                found.append(value)
            elif type(value) in _NESTED:
                found += steps_in(value)
        return found

    def __repr__(self) -> str:
        name = self.op if isinstance(self.op, str) else getattr(self.op, "__name__", self.op)
        inside = ", ".join(f"%{n.number}" for n in self.needs())
        return f"%{self.number} = {self.kind} {name or ''}({inside}) {self.dtype}{list(self.shape)}"


def steps_in(value: Any) -> Iterator[Step]:
    """Find the steps in a value, in the lists, tuples and slices of an index among them."""
    if type(value) is Step:
        yield value
    elif type(value) in (tuple, list):
        for part in value:
            yield from steps_in(part)
    elif type(value) is slice:
        yield from steps_in((value.start, value.stop, value.step))


def mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """Give `value` with `change` done to whatever is no list, tuple or slice in it."""
    kind = type(value)
    if kind is tuple or kind is list:
        return kind([mapped(change, part) if type(part) in _NESTED else change(part) for part in value])
    if kind is slice:
        return slice(*(mapped(change, part) for part in (value.start, value.stop, value.step)))
    return change(value)


_NESTED = frozenset({tuple, list, slice})


@dataclass
class Program:
    """A recording: steps in the order in which they came, the inputs among them, and what comes out.

    Attributes
    ----------
    steps, inputs : list of Step
    outputs : list of Step
        One for each array or number of the result.
    brief : bool
        The values of its steps are not kept: it is there to be compared with another.
    refused : str
        Why it cannot be replayed; "" if it can.
    """

    steps: list[Step] = field(default_factory=list)
    inputs: list[Step] = field(default_factory=list)
    outputs: list[Step] = field(default_factory=list)
    refused: str = ""
    brief: bool = False

    def add(self, step: Step) -> Step:
        step.number = len(self.steps)
        if self.brief:
            step.forget()
        self.steps.append(step)
        return step
