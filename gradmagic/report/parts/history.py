"""The history of a loop over backward: the result and the numbers that were followed, sweep by sweep.

In: a `Trace`. Out: a `History` of series; none when the cell ran fewer than three sweeps, or met no number.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...language import tr
from ..model import Trace
from ..shown.numbers import number

LEAST = 3  # sweeps that make a history
FIRST, LAST = 3, 1  # rows of it that are written out


@dataclass(frozen=True)
class Series:
    """One number over the sweeps; NaN where it was not a number."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class History:
    """The series of a loop: the result first."""

    count: int
    series: tuple[Series, ...]

    def rows(self) -> list[tuple[int, tuple[str, ...]]]:
        """The first three sweeps and the last, with eight digits, as textbooks print them."""
        chosen = [*range(min(FIRST, self.count)), *range(max(FIRST, self.count - LAST), self.count)]
        return [(i, tuple(number(series.values[i], 8) for series in self.series)) for i in chosen]


def history(trace: Trace) -> History | None:
    """Make the history of a trace, if there is one."""
    sweeps = trace.sweeps
    if len(sweeps) < LEAST:
        return None
    name = trace.result.name or trace.result.text or tr("result") if trace.result else tr("result")
    nan = float("nan")
    series = [Series(name, tuple(nan if s.value is None else s.value for s in sweeps))]
    followed = dict.fromkeys(n for sweep in sweeps for n in sweep.inputs)
    series += [Series(n, tuple(sweep.inputs.get(n, nan) for sweep in sweeps)) for n in list(followed)[:6]]
    known = tuple(s for s in series if any(v == v for v in s.values))
    return History(len(sweeps), known) if known else None
