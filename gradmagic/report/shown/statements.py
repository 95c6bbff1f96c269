"""The graph by statements: each line of the cell as one operation, with the calls that it makes, and its derivatives.

In: a `View`. Out: another, whose operations are the lines. The local derivative of a line by what it takes is the chain
rule within the line: the sum over its paths of the products along them, in numbers. Where a factor does not work entry
by entry on values of the line's own shape there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from ...engine.core.values import Value, summarise
from ..model import Edge, Operation, Trace
from .view import View

RULE = "statement"


def by_statements(view: View) -> View:
    """Put what belongs to one line of the cell together, as far as its value alone goes on."""
    lines = (list(those) for _, those in groupby(view.operations, key=_line))
    joined = [_joined(view.trace, run) for line in lines for run in _runs(view, line)]
    return View(view.trace, tuple(joined))


def _line(operation: Operation) -> object:
    place = operation.place
    if not operation.rule or operation.count > 1 or place is None:
        return operation.key
    return ("line", place.line if place.line_in_cell is None else place.line_in_cell)


def _runs(view: View, line: list[Operation]) -> Iterator[list[Operation]]:
    """Cut a line behind every value that is used beyond it."""
    own = {o.key for o in line}
    run: list[Operation] = []
    for o in line:
        run.append(o)
        if any(user.key not in own for user, _ in view.users.get(o.key, ())):
            yield run
            run = []
    if run:
        yield run


def _joined(trace: Trace, run: list[Operation]) -> Operation:
    last = run[-1]
    place = last.place
    if len(run) == 1 or place is None:
        return last
    line = place.line if place.line_in_cell is None else place.line_in_cell
    source = trace.source.split("\n")
    text = (
        source[line - trace.first_line].strip() if 0 <= line - trace.first_line < len(source) else place.text
    )
    name = last.names[0] if last.names else ""
    if name and text.startswith(f"{name} = "):
        text = text.removeprefix(f"{name} = ")
    place = replace(place, line=line, end_line=line, column=0, end_column=0, text=text, function=None)
    return replace(last, rule=RULE, place=place, inputs=_edges(run))


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
