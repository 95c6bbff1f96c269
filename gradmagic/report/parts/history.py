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
    """One number over the sweeps; None where it was not there, or was no number."""

    name: str
    values: tuple[float | None, ...]

    @property
    def ends(self) -> tuple[float, float]:
        """What it was at first, and at last."""
        known = [value for value in self.values if value is not None]
        return known[0], known[-1]


@dataclass(frozen=True)
class History:
    """The series of a loop: the result first."""

    count: int
    series: tuple[Series, ...]

    def rows(self) -> list[tuple[int, tuple[str, ...]]]:
        """The first three sweeps and the last, with eight digits, as textbooks print them."""
        chosen = [*range(min(FIRST, self.count)), *range(max(FIRST, self.count - LAST), self.count)]
        return [(i, tuple(_written(series.values[i]) for series in self.series)) for i in chosen]


def history(trace: Trace) -> History | None:
    """Make the history of a trace, if there is one."""
    sweeps = trace.sweeps
    if len(sweeps) < LEAST:
        return None
    name = trace.result.name or trace.result.text or tr("result") if trace.result else tr("result")
    series = [Series(name, tuple(s.value for s in sweeps))]
    followed = dict.fromkeys(n for sweep in sweeps for n in sweep.inputs)
    series += [Series(n, tuple(sweep.inputs.get(n) for sweep in sweeps)) for n in list(followed)[:6]]
    known = tuple(s for s in series if any(v is not None and v == v for v in s.values))
    return History(len(sweeps), known) if known else None


def _written(value: float | None) -> str:
    return "–" if value is None else number(value, 8)
