"""The graph by larger parts: each line of the cell as one operation, with the calls that it makes; or each module.

In: a `View`. Out: another, whose operations are the parts. The local derivative of a part by what it takes is the chain
rule within it: the sum over its paths of the products along them, in numbers. Where a factor does not work entry by
entry on values of the part's own shape there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from ...engine.core.values import Value, summarise
from ..model import Edge, Operation, Place
from .view import PART, View

MODULES = 30  # that are shown at most
ENOUGH = 1.5  # times as many operations as parts, or the parts say little more


def by_statements(view: View) -> View:
    """Put what belongs to one line of the cell together, as far as its value alone goes on."""
    source = view.trace.source.split("\n")

    def written(last: Operation, place: Place) -> str:
        line = _line(place)
        at = line - view.trace.first_line
        text = source[at].strip() if 0 <= at < len(source) else place.text
        return text.removeprefix(f"{last.names[0]} = ") if last.names else text

    def of(operation: Operation) -> object:
        return None if operation.place is None else _line(operation.place)

    return _put_together(view, of, written)


def by_modules(view: View) -> View:
    """Put what was made in one module together: the innermost ones that leave a much smaller graph."""
    deepest = max((o.module.count(".") for o in view.operations), default=0)
    for depth in range(deepest + 1, 0, -1):
        paths = {o.key: ".".join(o.module.split(".")[: depth + 1]) for o in view.operations}
        outer = {
            path.rpartition(".")[0] for path in paths.values()
        }  # what is done in them beside inner modules

        def of(operation: Operation, paths: dict[int, str] = paths, outer: set[str] = outer) -> str | None:
            path = paths[operation.key]
            return path if path and path not in outer else None

        made = _put_together(view, of, lambda last, place, of=of: of(last) or place.text)  # type: ignore[misc]
        if len(made.computed) <= min(MODULES, len(view.computed) / ENOUGH):
            break
    return made


def _line(place: Place) -> int:
    return place.line if place.line_in_cell is None else place.line_in_cell


def _put_together(
    view: View, of: Callable[[Operation], object], written: Callable[[Operation, Place], str]
) -> View:
    """Make one operation of neighbours of which `of` tells the same; None: nobody's neighbour."""

    def part(operation: Operation) -> object:
        found = of(operation) if operation.rule and operation.count == 1 else None
        return operation.key if found is None else ("part", found)

    joined = []
    for mark, those in groupby(view.operations, key=part):
        for run in _runs(view, list(those)):
            joined.append(run[-1] if len(run) == 1 and type(mark) is int else _joined(run, written))
    return View(view.trace, tuple(joined))


def _runs(view: View, part: list[Operation]) -> Iterator[list[Operation]]:
    """Cut a part behind every value that is used beyond it."""
    own = {o.key for o in part}
    run: list[Operation] = []
    for o in part:
        run.append(o)
        if any(user.key not in own for user, _ in view.users.get(o.key, ())):
            yield run
            run = []
    if run:
        yield run


def _joined(run: list[Operation], written: Callable[[Operation, Place], str]) -> Operation:
    last = run[-1]
    place = last.place or Place("", 0, 0, 0, 0, "", inside=False)
    text = written(last, place)
    if len(run) == 1 and (text == place.text or last.place is None):
        return last
    line = _line(place)
    place = replace(place, line=line, end_line=line, column=0, end_column=0, text=text, function=None)
    return replace(last, rule=PART, place=place, inputs=_edges(run))


def _edges(run: list[Operation]) -> tuple[Edge, ...]:
    """Give an edge for each value from outside, with the derivative along all paths through the line."""
    inside = {o.key for o in run}
    last = run[-1]
    slopes: dict[int | None, Any] = {last.key: 1.0}  # of the line's value by each of its own; None: not known
    outside: dict[int, Any] = {}
    flows: dict[int, list[Value | None]] = {}
    constants = {e.constant: e for o in run for e in o.inputs if e.source is None}
    for o in reversed(run):
        above = slopes.get(o.key, 0.0)
        for edge in o.edges:
            assert edge.source is not None
            factor = _numbers(edge.local, last.shape)
            known = slopes if edge.source in inside else outside
            before = known.get(edge.source, 0.0)
            unknown = above is None or factor is None or before is None
            known[edge.source] = None if unknown else before + above * factor
            if edge.source not in inside:
                flows.setdefault(edge.source, []).append(edge.flow)
    edges = [
        Edge(source, "", i, local=None if slope is None else summarise(slope), flow=_sum(flows[source], last.shape))
        for i, (source, slope) in enumerate(sorted(outside.items()))
    ]  # fmt: skip
    return (*edges, *(replace(e, argument=len(edges) + i) for i, e in enumerate(constants.values())))


def _numbers(value: Value | None, shape: tuple[int, ...]) -> Any:
    """Give a value's numbers where it has this shape, or is one for all; None where they were not kept."""
    if value is None or value.items is None or value.shape not in ((), shape):
        return None
    return np.asarray(value.items) if value.shape else value.items


def _sum(flows: list[Value | None], shape: tuple[int, ...]) -> Value | None:
    if len(flows) == 1:
        return flows[0]
    numbers = [_numbers(flow, shape) for flow in flows]
    return None if any(n is None for n in numbers) else summarise(sum(numbers))
