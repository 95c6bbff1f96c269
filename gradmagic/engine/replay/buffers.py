"""Where the values of a program lie: buffers, each from the step that fills it to the last one that needs it.

In: a program whose steps are written one after the other. Out: the name of the memory that a step fills: an argument's
that nobody needs any more, a buffer that is free, or a new one.

A buffer that is free goes to the next value of its shape, dtype and layout. What leaves a program is memory of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import known
from .blocks import Run
from .program import Program, Step


class Buffers:
    """The memory of one call of a program.

    Attributes
    ----------
    names : dict
        What the program's text calls by name: functions, constants, dtypes.
    making, work : list of str
        How the set of buffers is made, and how its parts are called.
    bytes : int
        Of the buffers of one call.
    """

    def __init__(
        self,
        program: Program,
        names: dict[str, Any],
        bound: dict[int, str],
        targets: dict[int, str],
        donated: int,
    ) -> None:
        self.program, self.names, self._bound = program, names, bound
        self.making: list[str] = []
        self.work: list[str] = []
        self.bytes = 0
        self._targets = targets
        self._text: dict[int, str] = {}  # by step: how its value is called
        self._free: dict[Any, list[str]] = {}
        self._holds: dict[int, str] = {}  # by storage: the buffer that it lies in
        self._layout: dict[str, Any] = {}
        self._still: set[str] = (
            set()
        )  # names that mean the same memory for as long as the set of buffers lives
        self._ends, self._lives = _lifetimes(program)
        # What leaves the program is memory of its own, but for the first results, if they are donated.
        self._leaves = {r for o in program.outputs[donated:] for r in self._lives[id(o)]}
        self._at = 0  # the number of the step that is being written

    def bind(self, value: Any) -> str:
        """Give an object a name."""
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = f"c{len(self._bound)}"
            self.names[name] = value
        return name

    def _buffered(self, step: Step) -> bool:
        return id(step) in self._targets or (
            type(step.value) is np.ndarray and not (self._lives[id(step)] & self._leaves)
        )

    def _buffer(self, step: Step, fresh: bool = False) -> str:
        """Give the name of the buffer that a step fills: that of an argument which dies here, or a free one."""
        if (target := self._targets.get(id(step))) is not None:
            self._text[id(step)] = target
            return target
        key = _layout_of(step.value)
        if not fresh and isinstance(step.op, np.ufunc) and step.op.signature is None:
            for a in step.needs():
                if (name := self._taken_over(step, a)) is not None:
                    return name
        found = None
        if self._free.get(key):
            found = self._free[key].pop()
        if found is None:
            found = f"b{len(self._layout)}"
            self._layout[found] = np.empty_like(step.value)
            self.bytes += step.value.nbytes
            like = self.bind(_Like(step.value))
            self.making.append(f"{found} = {like}()")
            self.work.append(found)
            self._still.add(found)
        self._text[id(step)] = found
        self._holds[id(step.storage)] = found
        return found

    def _taken_over(self, step: Step, value: Any) -> str | None:
        """Give the buffer of an argument that nobody needs after this step, if it is like the step's own value."""
        name = self._text.get(id(value)) if type(value) is Step and id(step) not in self._targets else None
        if (
            name is None
            or self._holds.get(id(value.storage)) != name
            or self._ends.get(id(value.storage)) != self._at
        ):
            return None
        others = [
            s
            for s in step.needs()
            if s is not value and self._lives.get(id(s), set()) & self._lives[id(value)]
        ]
        if others or _layout_of(self._layout[name]) != _layout_of(step.value):
            return None
        del self._holds[id(value.storage)]
        self._text[id(step)] = name
        self._holds[id(step.storage)] = name
        return name

    def _release(self) -> None:
        """Give back the buffers whose values nobody needs any more."""
        for root in [r for r in self._holds if self._ends.get(r, -1) <= self._at]:
            name = self._holds.pop(root)
            self._free.setdefault(_layout_of(self._layout[name]), []).append(name)

    def _cell(self, dtype: Any) -> str:
        """Give the name of a 0-d array into which numbers are written, to be taken out at once."""
        name = f"n_{dtype.name}"
        if name not in self._still:
            self._still.add(name)
            self.making.append(f"{name} = np.empty((), {self.bind(dtype)})")
            self.work.append(name)
        return name

    def _as(self, name: str, dtype: Any) -> str:
        """Write a value as one of another dtype of the same size; what stays in its place, once."""
        text = f"{name}.view({self.bind(dtype)})"
        if name not in self._still:
            return text
        seen = f"{name}_{dtype.char}"
        if seen not in self._still:
            self._still.add(seen)
            self.making.append(f"{seen} = {text}")
            self.work.append(seen)
        return seen


class _Like:
    """Makes arrays laid out as one that need not be kept."""

    def __init__(self, value: Any) -> None:
        self._shape, self._dtype = value.shape, value.dtype
        self._order = sorted(range(value.ndim), key=lambda i: (-abs(value.strides[i]), i))

    def __call__(self) -> Any:
        made = np.empty([self._shape[i] for i in self._order], self._dtype)
        return made.transpose(np.argsort(self._order)) if made.ndim > 1 else made


def _layout_of(value: Any) -> tuple[Any, ...]:
    return value.shape, value.dtype, np.empty_like(value).strides if value.ndim > 1 else ()


def _lifetimes(program: Program) -> tuple[dict[int, int], dict[int, set[int]]]:
    """Give where each storage is needed last, and the storages that a step's value may lie in.

    A function of NumPy's that is none of those whose results are known to be memory of their own may give a view.
    """
    lives: dict[int, set[int]] = {}
    ends: dict[int, int] = {}
    for at, step in enumerate(program.steps):
        found = {id(step.storage)}
        own = known.elementwise(step.op) or known.reduction(step.op) or step.op is np.matmul
        if step.kind in ("call", "item") and not own and type(step.value) in (np.ndarray, type(None)):
            for s in step.needs():
                found |= lives.get(id(s), set())
        lives[id(step)] = found
        for out in step.outs if type(step) is Run else ():
            lives[id(out)] = {id(out.storage)}
        for s in step.needs():
            for root in lives.get(id(s), {id(s.storage)}):
                ends[root] = at
    for o in program.outputs:
        for root in lives[id(o)]:
            ends[root] = len(program.steps)
    return ends, lives
