"""What a line gave at each turn or call, and how that went on, for readers who have no slider.

In: a trace's `Turns`, the numbers of some of its series. Out: a line's `Told`s by moment; `Earlier` for the static page
and the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ...engine.core.values import Value
from ...language import mark, tr
from ..turns import Turns


class Told(NamedTuple):
    """What a line gave at one moment; `result` is that of which `grad` is the gradient, where it is another."""

    moment: int
    value: Value | None
    grad: Value | None
    result: str


@dataclass(frozen=True)
class Earlier:
    """What a line gave at the first moment, or where that is what is shown, at the last.

    `values` and `grads` are what it gave at all that were kept, as one number each: an array's norm.
    """

    label: str
    value: Value | None
    grad: Value | None
    values: tuple[float, ...] = ()
    grads: tuple[float, ...] = ()


def told(turns: Turns, series: Iterable[int], top: bool) -> list[Told]:
    """Give the values of a line by moment, in their order; with `top`, of a line at the top of the cell."""
    found: dict[int, tuple[int, Told]] = {}
    for one in (turns.series[i] for i in series):
        for i, (moment, order) in enumerate(zip(one.moments, one.order, strict=True)):
            at = turns.at_top(moment) if top else moment
            if at is not None and order >= found.get(at, (0,))[0]:
                result = one.results[i] if one.results else ""
                found[at] = order, Told(at, one.values[i], one.grads[i], result)
    return [found[moment][1] for moment in sorted(found)]


def earlier(turns: Turns, found: list[Told], value: Value | None, grad: Value | None) -> Earlier | None:
    """Give what a line gave at another moment than the one that is shown; None where there is no other."""
    if len(found) < 2 and value is not None:
        return None
    chosen = found[0] if (found[0].value, found[0].grad) != (value, grad) else found[-1]
    values = _moving([_measure(one.value) for one in found])
    grads = _moving([_measure(one.grad) for one in found])
    return Earlier(called(turns, chosen.moment), chosen.value, chosen.grad, values, grads)


def called(turns: Turns, moment: int) -> str:
    """Call a moment: `"turn 3 of 100, call 1 of 2"`."""
    around = [turns.moments[each] for each in turns.within(moment)]
    said = [tr(_ONE_OF[turns.scopes[m.scope].word], turn=m.turn, turns=m.of) for m in around if m.of > 1]
    return tr(", ").join(said)


_ONE_OF = {"turn": mark("turn {turn:,} of {turns:,}"), "call": mark("call {turn:,} of {turns:,}")}


def _measure(value: Value | None) -> float | None:
    if value is None:
        return None
    number = not value.shape and isinstance(value.items, (int, float))
    return float(value.items) if number else value.norm


def _moving(numbers: list[float | None]) -> tuple[float, ...]:
    """Give numbers that are all known, and not all the same."""
    known = tuple(x for x in numbers if x is not None)
    return known if len(known) == len(numbers) > 2 and len(set(known)) > 1 else ()
