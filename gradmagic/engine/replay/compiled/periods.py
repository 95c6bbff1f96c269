"""A long list of statements as loops: a chain of 10,000 equal operations is two lines for the compiler.

In: statements and what each takes. Out: `Run`s: from where, how many statements a turn has, how many turns. From turn
to turn an operand stays, or moves by the same distance: a result of this turn or the one before, an entry further on
in memory, another number of a table, a result of an earlier run (which a sweep takes in reverse order).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .memory import Lies
from .scalars import Entry

_LEAST = 16  # statements that a run must save
_TRIED = 24  # periods


@dataclass(frozen=True)
class Var:
    """A number with a name."""

    name: str
    dtype: np.dtype[Any]


# What a statement takes: a result of the same list by its index, an entry of memory, a name, a constant.
Ref = int | Lies | Var | np.generic


@dataclass
class Statement:
    """One operation on one entry.

    Attributes
    ----------
    entry : Entry
    refs : tuple of Ref
    out : Lies or None
        Where the result is stored.
    """

    entry: Entry
    refs: tuple[Ref, ...]
    out: Lies | None = None


@dataclass(frozen=True)
class Run:
    """Statements from `start` on: `turns` times `period` of them."""

    start: int
    period: int = 1
    turns: int = 1

    @property
    def stop(self) -> int:
        return self.start + self.period * self.turns

    @property
    def last(self) -> int:
        """The first statement of the last turn."""
        return self.stop - self.period


def runs(statements: list[Statement]) -> list[Run]:
    """Divide statements into what repeats and what stands alone."""
    signs = [_sign(s, statements) for s in statements]
    where: dict[Hashable, list[int]] = {}
    for i, sign in enumerate(signs):
        where.setdefault(sign, []).append(i)
    place = {i: n for found in where.values() for n, i in enumerate(found)}
    made: list[Run] = []
    start = 0
    while start < len(statements):
        best = Run(start)
        same = where[signs[start]]
        here = place[start]
        for other in same[here + 1 : here + 1 + _TRIED]:
            period = other - start
            if best.turns > 1 and period % best.period == 0:
                continue
            turns = _turns(statements, signs, made, start, period)
            if turns > 2 and period * (turns - 1) >= max(_LEAST, best.period * (best.turns - 1) + 1):
                best = Run(start, period, turns)
            if best.stop - start > 0.9 * (len(statements) - start):
                break
        made.append(best)
        start = best.stop
    return made


def run_of(made: list[Run], index: int) -> Run:
    """Find the run in which a statement is."""
    low, high = 0, len(made)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if made[middle].start <= index else (low, middle)
    return made[low]


def _sign(statement: Statement, statements: list[Statement]) -> Hashable:
    kinds = tuple(
        (type(r).__name__ if not isinstance(r, np.generic) else "number", dtype_of(r, statements))
        for r in statement.refs
    )
    return statement.entry, kinds


def dtype_of(ref: Ref, statements: list[Statement]) -> np.dtype[Any]:
    return statements[ref].entry.dtype if isinstance(ref, int) else ref.dtype


def moved(a: Ref, b: Ref) -> int | None:
    """Give by how much an operand moves from one turn to the next; None if it is not the same kind of thing."""
    if type(a) is int and type(b) is int:
        return b - a
    if type(a) is Lies and type(b) is Lies:
        return (
            b.offset - a.offset if (a.buffer, a.strides, a.shape) == (b.buffer, b.strides, b.shape) else None
        )
    if isinstance(a, np.generic) and isinstance(b, np.generic):
        return 0
    return 0 if a == b else None


def _turns(
    statements: list[Statement], signs: list[Hashable], made: list[Run], start: int, period: int
) -> int:
    """Count the turns of a period that begins at a statement."""
    steps: list[int | None] = []
    for at in range(start, start + period):
        if at + period >= len(statements) or signs[at] != signs[at + period]:
            return 1
        steps += map(moved, statements[at].refs, statements[at + period].refs)
    if None in steps:
        return 1
    for turn in range((len(statements) - start) // period):
        known = iter(steps)
        for at in range(start + turn * period, start + (turn + 1) * period):
            if turn and signs[at] != signs[at - period]:
                return turn
            for n, ref in enumerate(statements[at].refs):
                step = next(known)
                if turn and moved(statements[at - period].refs[n], ref) != step:
                    return turn
                if type(ref) is int and not _reaches(ref, step, at, start, period, turn, made):
                    return turn
    return (len(statements) - start) // period


def _reaches(
    ref: int, step: int | None, at: int, start: int, period: int, turn: int, made: list[Run]
) -> bool:
    """Tell whether a turn can take that result."""
    if step == period and start + (turn - 1) * period <= ref < at:
        return True
    if ref >= start or not step:
        return ref < start
    earlier = run_of(made, ref)
    return (
        earlier.turns > 1 and step % earlier.period == 0 and earlier.start <= ref - turn * step < earlier.stop
    )
