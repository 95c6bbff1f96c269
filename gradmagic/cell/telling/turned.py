"""From readings to `Turns`: what ran several times, with places and names as the reader has them.

In: the recorder's readings, the graph that is shown. Out: plain data; nothing of it where every line ran once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ...engine.core import places
from ...engine.core.values import Listed, Value, on_the_host
from ...report.model import Place
from ...report.turns import Moment, Scope, Series, Turns
from .cell_recorder import CellRecorder
from .readings import Reading
from .recorded import Places
from .turn_log import Moment as Turn
from .turn_log import Run
from .turn_log import Scope as Repeated


def turned(
    recorder: CellRecorder,
    graph: Iterable[int],
    root: Any,
    name: str,
    at: Places,
    shown: Callable[[Place], Place],
) -> Turns | None:
    """Tell of the turns and calls of a run.

    Parameters
    ----------
    recorder : CellRecorder
    graph : iterable of int
        Numbers of the nodes that the trace shows.
    root : (code, instruction) or None
        Where the trace's result was made.
    name : str
        What it is called.
    at : Places
        As which place a node's is shown.
    shown : function
        Tells of a `Place` in the traced file whether it is in the traced source itself; gives it so.
    """
    recorder.turns.settle()
    known = set(graph)
    kept = [(n, r) for n, r in recorder.turns.kept.items() if r.grad is not None or n in known]
    began: dict[Turn, int] = {}  # when, by the number of the first node
    for number, reading in sorted(kept, key=lambda pair: pair[0]):
        for moment in _around(reading.moment) if number > 0 else ():
            began.setdefault(moment, number)
    found = _Found(dict.fromkeys(reading.moment for _, reading in kept), began, shown, recorder.filename)
    places_of: dict[int, Place] = {}
    series: dict[tuple[int, str], list[tuple[int, int, Reading]]] = {}
    for order, (number, reading) in enumerate(kept if found.known else ()):
        at_moment = found.known.get(reading.moment)
        if at_moment is None or reading.place is None:
            continue
        place, _ = at.of(reading.place, number)
        places_of[id(place)] = place
        told = series.setdefault((id(place), reading.rule), [])
        if told and told[-1][0] == at_moment:
            told.pop()  # one call makes several, and the last is what it gives
        told.append((at_moment, order, reading))
    made = tuple(_series(places_of[place], rule, told, root, name) for (place, rule), told in series.items())
    return Turns(tuple(found.scopes), tuple(found.moments), made) if made else None


def _series(place: Place, rule: str, told: list[tuple[int, int, Reading]], root: Any, name: str) -> Series:
    moments, order, readings = zip(*told, strict=True)
    results = tuple(
        "" if r.root is None or r.root.place is root or r.root.name == name else r.root.name for r in readings
    )
    values, grads = Listed([_plain(r.value) for r in readings]), Listed([_plain(r.grad) for r in readings])
    return Series(place, rule, moments, order, values, grads, results if any(results) else ())


class _Found:
    """The scopes and moments, in the order of the source's run; scopes that had one turn only are left out.

    `known` has the number of each moment, or of the one around it; None where there is none, and for a turn that was
    told ahead and never began.
    """

    def __init__(
        self, moments: Iterable[Turn], when: dict[Turn, int], shown: Callable[[Place], Place], filename: str
    ) -> None:
        paths = {moment: _around(moment) for moment in moments}
        paths = {m: path for m, path in paths.items() if all(each.turn <= each.run.count for each in path)}
        scopes = list(dict.fromkeys(m.run.scope for path in paths.values() for m in path))
        several = {m.run.scope for path in paths.values() for m in path if m.run.count > 1}
        while True:
            # Where a loop of one turn is left out, what runs in it and beside it is counted on.
            runs: dict[Mark, dict[Run, int]] = {}
            marks = {m: _mark(path, several, scopes, runs) for m, path in paths.items()}
            more = {scopes[mark[-1]] for mark, found in runs.items() if len(found) > 1} - several
            if not more:
                break
            several |= more
        numbers = {scope: i for i, scope in enumerate(s for s in scopes if s in several)}
        self.scopes = [_scope(scope, shown, filename) for scope in numbers]
        turns: dict[Mark, Turn] = {}  # by what stands for a moment in the marks of all that is within
        for moment, mark in marks.items():
            path = [m for m in paths[moment] if m.run.scope in several]
            turns |= {mark[: 3 * n]: m for n, m in enumerate(path, 1)}
        found = sorted(turns)
        at = {mark: i for i, mark in enumerate(found)}
        began: dict[Mark, list[int]] = {}  # when the moments of several runs began
        for mark in found:
            if len(runs[mark[:-2]]) > 1:
                began.setdefault(mark[:-2], []).append(when.get(turns[mark], 0))
        self.moments = []
        for mark in found:
            counts = [run.count for run in runs[mark[:-2]]]
            turn, of = sum(counts[: mark[-2]]) + mark[-1], sum(counts)
            if (
                len(beside := began.get(mark[:-2], [])) == of
            ):  # in the order in which they began, where all are known
                turn = 1 + sorted(beside).index(when.get(turns[mark], 0))
            self.moments.append(Moment(numbers[scopes[mark[-3]]], turn, of, at.get(mark[:-3])))
        self.known = {moment: at[mark] for moment, mark in marks.items() if mark}


Mark = tuple[int, ...]


def _mark(
    path: list[Turn], several: set[Repeated], scopes: list[Repeated], runs: dict[Mark, dict[Run, int]]
) -> Mark:
    """Write a path as (which scope, which run of it there, which turn) for each moment, and number the runs."""
    mark: Mark = ()
    for m in path:
        scope = (*mark, scopes.index(m.run.scope))
        there = runs.setdefault(scope, {})
        run = there.setdefault(m.run, len(there))
        if m.run.scope in several:
            mark = (*scope, run, m.turn)
    return mark


def _scope(scope: Repeated, shown: Callable[[Place], Place], filename: str) -> Scope:
    kind, line, end_line, column, end_column, _ = scope.mark
    name, file = scope.code.co_name, scope.code.co_filename
    function = name if not name.startswith("<") or name == "<lambda>" else None
    label = places.label_of(file)
    place = shown(Place(label, line, end_line, column, end_column, "", file == filename, function=function))
    return Scope(kind, label, line, end_line, place.function, place.inside)


def _around(moment: Turn) -> list[Turn]:
    """List a moment and those that it is within, the outermost first, without the cell itself."""
    found: list[Turn] = []
    at: Turn | None = moment
    while at is not None and at.within is not None:
        found.append(at)
        at = at.within
    return found[::-1]


def _plain(kept: Any) -> Any:
    """Give what is kept without what a device holds, and without a picture."""
    kept = on_the_host(kept)
    return replace(kept, picture=()) if isinstance(kept, Value) and kept.picture else kept
