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
    known = set(graph)
    kept = [
        (number, reading)
        for number, reading in recorder.turns.kept.items()
        if (reading.grad is not None or number in known)
        and reading.place is not None
        and all(m.turn <= m.run.count for m in _around(reading.moment))
    ]
    several = {m.run.scope for _, reading in kept for m in _around(reading.moment) if m.run.count > 1}
    if not several:
        return None
    found = _Found(several, shown, recorder.filename)
    places_of: dict[Any, Place] = {}
    series: dict[tuple[Any, str], list[tuple[int, int, Reading]]] = {}
    for order, (number, reading) in enumerate(kept):
        moment = found.moment(reading.moment)
        if moment is None:
            continue
        place, _ = at.of(reading.place, number)  # type: ignore[arg-type]
        places_of[id(place)] = place
        told = series.setdefault((id(place), reading.rule), [])
        if told and told[-1][0] == moment:
            told.pop()  # one call makes several, and the last is what it gives
        told.append((moment, order, reading))
    made = tuple(_series(places_of[place], rule, told, root, name) for (place, rule), told in series.items())
    return Turns(tuple(found.scopes), tuple(found.moments), made)


def _series(place: Place, rule: str, told: list[tuple[int, int, Reading]], root: Any, name: str) -> Series:
    moments, order, readings = zip(*told, strict=True)
    results = tuple(
        "" if r.root is None or r.root.place is root or r.root.name == name else r.root.name for r in readings
    )
    values, grads = Listed([_plain(r.value) for r in readings]), Listed([_plain(r.grad) for r in readings])
    return Series(place, rule, moments, order, values, grads, results if any(results) else ())


class _Found:
    """The scopes and moments, numbered as they come; those of scopes that never had two turns in a row are left out."""

    def __init__(self, several: set[Repeated], shown: Callable[[Place], Place], filename: str) -> None:
        self.scopes: list[Scope] = []
        self.moments: list[Moment] = []
        self._several, self._shown, self._filename = several, shown, filename
        self._numbers: dict[Repeated, int] = {}
        self._known: dict[Turn, int | None] = {}

    def moment(self, moment: Turn) -> int | None:
        missing = []
        for each in _around(moment):
            if each in self._known:
                break
            missing.append(each)
        for each in reversed(missing):
            within = None if each.within is None else self._known.get(each.within)
            if each.run.scope not in self._several:
                self._known[each] = within
                continue
            self._known[each] = len(self.moments)
            self.moments.append(Moment(self._scope(each.run.scope), each.turn, each.run.count, within))
        return self._known.get(moment)

    def _scope(self, scope: Repeated) -> int:
        if scope not in self._numbers:
            kind, line, end_line, column, end_column, _ = scope.mark
            name = scope.code.co_name
            label = places.label_of(scope.code.co_filename)
            function = name if not name.startswith("<") or name == "<lambda>" else None
            own = scope.code.co_filename == self._filename
            place = self._shown(Place(label, line, end_line, column, end_column, "", own, function=function))
            self._numbers[scope] = len(self.scopes)
            self.scopes.append(Scope(kind, label, line, end_line, place.function, place.inside))
        return self._numbers[scope]


def _around(moment: Turn) -> Iterable[Turn]:
    found: Turn | None = moment
    while found is not None and found.within is not None:  # without the cell itself
        yield found
        found = found.within


def _plain(kept: Any) -> Any:
    """Give what is kept without what a device holds, and without a picture."""
    kept = on_the_host(kept)
    return replace(kept, picture=()) if isinstance(kept, Value) and kept.picture else kept
