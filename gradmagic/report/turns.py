"""What a line that ran several times computed each time: turns of loops, calls of functions, as plain data.

In: what cell/telling/turned.py takes from a run. Out: what the annotated cell, the page's sliders and the text read.
A value is found by its moment: turn 3 of the inner loop within turn 2 of the outer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..engine.core.values import Value
from .place import Place


@dataclass(frozen=True, slots=True)
class Scope:
    """A loop, comprehension or function whose lines ran several times.

    Attributes
    ----------
    kind : str
        `"for"`, `"while"`, `"comprehension"` or `"function"`.
    label : str
        Of its source: `"In [3]"`.
    line, end_line : int
        From its head to its end, as the reader counts lines.
    function : str or None
        The function that it is, or is in; None at the top of a cell.
    inside : bool
        Whether it is in the traced source itself.
    """

    kind: str
    label: str
    line: int
    end_line: int
    function: str | None = None
    inside: bool = True

    @property
    def word(self) -> str:
        """What one of them is called: a turn, or a call."""
        return "call" if self.kind == "function" else "turn"


@dataclass(frozen=True, slots=True)
class Moment:
    """One turn of a loop, or one call of a function.

    Attributes
    ----------
    scope : int
        Which of `Turns.scopes`.
    turn, of : int
        Its number, from 1, and how many there were: of the loop from its start to its end, or of the function within
        the same moment. Of many only some are kept.
    within : int or None
        Which of `Turns.moments` it was in.
    """

    scope: int
    turn: int
    of: int
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one expression.

    Attributes
    ----------
    place : Place
        The expression.
    rule : str
        What made the values.
    moments : tuple of int
        Which of `Turns.moments`.
    order : tuple of int
        In which order they were made, among the values of all series: a function's line may be done after those of the
        calls within.
    values, grads : sequence of (Value or None)
        At each of them; large arrays without a picture.
    results : tuple of str
        Of what each gradient is, where that is another than the trace's result; `()` where it is the same for all.
    """

    place: Place
    rule: str
    moments: tuple[int, ...]
    order: tuple[int, ...]
    values: Sequence[Value | None]
    grads: Sequence[Value | None]
    results: tuple[str, ...] = ()


@dataclass(frozen=True)
class Turns:
    """All values of what ran several times, as far as they were kept.

    `moments` has those around before those within. An expression in a function has a series for each line of the cell
    that led there.
    """

    scopes: tuple[Scope, ...] = ()
    moments: tuple[Moment, ...] = ()
    series: tuple[Series, ...] = ()

    @cached_property
    def _numbers(self) -> dict[tuple[Any, ...], list[int]]:
        found: dict[tuple[Any, ...], list[int]] = {}
        for i, one in enumerate(self.series):
            found.setdefault(_mark(one.place, one.rule), []).append(i)
        return found

    def at(self, place: Place | None, rule: str, line: int | None = None) -> tuple[int, ...]:
        """Give the numbers of the series of an expression; with `line` of what that line of the cell led to."""
        found = self._numbers.get(_mark(place, rule), []) if place is not None else []
        return tuple(i for i in found if line is None or self.series[i].place.line_in_cell == line)

    def within(self, moment: int | None) -> list[int]:
        """List a moment and those around it, the outermost first."""
        found: list[int] = []
        while moment is not None:
            found.insert(0, moment)
            moment = self.moments[moment].within
        return found

    def at_top(self, moment: int) -> int | None:
        """Give the moment at which the top of the cell was, from where what ran at another was called."""
        last = None
        for each in self.within(moment):
            if self.scopes[self.moments[each].scope].kind == "function":
                break
            last = each
        return last


def _mark(place: Place, rule: str) -> tuple[Any, ...]:
    return place.label, place.line, place.column, place.end_line, place.end_column, place.function, rule
