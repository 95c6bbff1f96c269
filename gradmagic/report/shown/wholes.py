"""The graph by larger parts: each line of the cell as one operation, with the calls that it makes; or each module.

In: a `View`. Out: another, whose operations are the parts. The local derivative of a part by what it takes is the chain
rule within it: the sum over its paths of the products along them, in numbers. Where a factor does not work entry by
entry on values of the part's own shape there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from ...engine.core.values import Value, summarise
from ..model import Edge, Operation, Place
from .statements import Given, given_by
from .view import View

MODULES = 30  # that are shown at most
ENOUGH = 1.5  # times as many operations as parts, or the parts say little more


def by_statements(view: View) -> View:
    """Put what belongs to one line of the cell together, as far as its value alone goes on."""
    trace = view.trace
    texts, given = trace.source.split("\n"), given_by(trace.source, trace.first_line) or {}

    def value_of(operation: Operation) -> Given | None:
        """Find what a line gives, if the operation makes it."""
        if operation.place is None:
            return None
        found = given.get(_line(operation.place), [])
        named = (one for one in found if one.name in operation.names)
        alone = found[0] if len(found) == 1 and not found[0].name and operation.key == _result(view) else None
        return next(named, alone)

    def written(last: Operation, place: Place) -> str:
        one = value_of(last)
        if one is None or one.span[0] != one.span[2]:
            return place.text
        line, start, _, end = one.span
        text = texts[line - trace.first_line][start:end]
        return place.text if text == one.name else text  # one of several that a value is taken apart into

    def spot(operation: Operation) -> Hashable:
        """Where the cell itself is: there again, it is at the next turn of a loop."""
        place = operation.place
        if place is None or place.function is not None:
            return None
        return place.line, place.column, place.end_column, operation.rule

    def of(operation: Operation) -> Hashable:
        return None if operation.place is None else _line(operation.place)

    ends = {o.key for o in view.operations if o.names and value_of(o) is not None}
    return _put_together(view, "line", of, written, spot, ends)


def by_modules(view: View) -> View:
    """Put what was made in one module together: the innermost ones that leave a much smaller graph."""
    deepest = max((o.module.count(".") for o in view.operations), default=0)
    for depth in range(deepest + 1, 0, -1):
        made = _by_modules(view, depth)
        if len(made.computed) <= min(MODULES, len(view.computed) / ENOUGH):
            break
    return made


def _by_modules(view: View, depth: int) -> View:
    paths = {o.key: ".".join(o.module.split(".")[: depth + 1]) for o in view.operations}
    outer = {path.rpartition(".")[0] for path in paths.values()}  # what is done in them beside inner modules

    def of(operation: Operation) -> str | None:
        path = paths[operation.key]
        return path if path and path not in outer else None

    def spot(operation: Operation) -> Hashable:
        """What a module does: done again, it is the module's next call."""
        return operation.place, operation.rule, operation.module

    return _put_together(view, "module", of, lambda last, place: of(last) or place.text, spot, set())


def _result(view: View) -> int | None:
    return view.trace.result.key if view.trace.result is not None else None


def _line(place: Place) -> int:
    return place.line if place.line_in_cell is None else place.line_in_cell


def _put_together(
    view: View, rule: str, of: Callable[[Operation], Hashable], written: Callable[[Operation, Place], str],
    spot: Callable[[Operation], Hashable], ends: set[int],
) -> View:  # fmt: skip
    """Make one operation of neighbours of which `of` tells the same; None: nobody's neighbour.

    A part begins anew at a `spot` where it was before, and ends behind the keys in `ends`.
    """

    def part(operation: Operation) -> Hashable:
        found = of(operation) if operation.rule and operation.count == 1 else None
        return (operation.key,) if found is None else (rule, found)

    joined: list[Operation] = []
    parts: dict[int, tuple[Operation, ...]] = {}
    for mark, those in groupby(view.operations, key=part):
        members = list(those)
        if mark[0] != rule:  # type: ignore[index]
            joined += members
            continue
        for run in runs(view, members, spot, ends):
            joined.append(_joined(view, run, rule, written))
            if joined[-1].rule == rule and len(run) > 1:
                parts[joined[-1].key] = tuple(run)
    return View(view.trace, tuple(joined), parts=parts)


def runs(
    view: View, part: list[Operation], spot: Callable[[Operation], Hashable], ends: set[int]
) -> Iterator[list[Operation]]:
    """Cut a part where it begins anew, and behind every value that is used beyond its run."""
    cuts = {i + 1 for i, o in enumerate(part) if o.key in ends}
    seen: set[Hashable] = set()
    for i, at in enumerate(map(spot, part)):
        if at is not None and at in seen:
            cuts.add(i)
            seen.clear()
        seen.add(at)
    while True:
        bounds = sorted({0, len(part)} | {i for i in cuts if 0 < i < len(part)})
        pieces = [part[a:b] for a, b in pairwise(bounds)]
        found = set()
        for start, run in zip(bounds, pieces, strict=False):
            own = {o.key for o in run}
            for i, o in enumerate(run[:-1]):
                if any(user.key not in own for user, _ in view.users.get(o.key, ())):
                    found.add(start + i + 1)
        if found <= cuts:
            yield from pieces
            return
        cuts |= found


def _joined(
    view: View, run: list[Operation], rule: str, written: Callable[[Operation, Place], str]
) -> Operation:
    last = run[-1]
    place = last.place or Place("", 0, 0, 0, 0, "", inside=False)
    text = " ".join(written(last, place).split())
    if len(run) == 1 and (text == place.text or last.place is None):
        return last
    line = _line(place)
    there = Place(view.trace.label, line, line, 0, 0, text) if line else replace(place, text=text)
    return replace(last, rule=rule, place=there, inputs=edges_of(run))


def edges_of(run: list[Operation]) -> tuple[Edge, ...]:
    """Give an edge for each value from outside, with the derivative along all paths through the part."""
    inside = {o.key for o in run}
    last = run[-1]
    # Of the part's value by each of its own; None: not known. Between complex numbers it takes more than one number.
    real = not any(o.dtype.startswith("complex") for o in run)
    slopes: dict[int | None, Any] = {last.key: 1.0 if real else None}
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
            with np.errstate(all="ignore"):
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
    if len(flows) == 1 or any(flow is not None and isinstance(flow.items, str) for flow in flows):
        return flows[0]  # under a quiz all are hidden
    numbers = [_numbers(flow, shape) for flow in flows]
    return None if any(n is None for n in numbers) else summarise(sum(numbers))
