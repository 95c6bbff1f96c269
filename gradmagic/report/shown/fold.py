"""Fold a long tape until it can be shown: loops to one body `xN`, calls of functions, lines, then the first and last.

In: operations in tape order and how many may stay. Out: fewer operations, each standing for `count` alike ones, with
edges between them; an edge whose source comes later in the list is a loop's way back. 10,000 operations take 0.1 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import replace

import numpy as np

from ..model import Edge, Operation, Place

LONGEST = 256  # operations in a loop's body, at most
EASY = 24  # operations that are shown one by one, even in a loop
LEAST = 3  # repetitions that make a loop

Group = list[Operation]


def grouped(operations: Sequence[Operation], limit: int) -> list[Group]:
    """Put together what is shown as one: the loops, and more where about `limit` are not enough.

    Examples
    --------
    >>> operations = [Operation(0, ""), *(Operation(i, "multiply", inputs=(Edge(i - 1),)) for i in range(1, 1001))]
    >>> [(o.key, o.count) for o in joined(grouped(operations, 50))]
    [(0, 1), (1000, 1000)]
    """
    groups = [[operation] for operation in operations]
    # A loop of 50 turns reads better folded than as 100 small boxes; what does not repeat may take more room.
    if len(operations) <= min(limit, EASY):
        return groups
    groups = _loops(groups)
    if len(groups) > limit:
        groups = _neighbours(groups, _call)
    if len(groups) > limit:
        groups = _loops(_neighbours(groups, _line))
    if len(groups) > limit:
        groups = _ends(groups, limit)
    return groups


def turns(groups: Sequence[Group]) -> list[list[Group]]:
    """List the folded loops: neighbours that stand for equally many alike operations are the body of one."""
    found: list[list[Group]] = []
    before = 0
    for group in groups:
        alike = len(group) if len(group) > 1 and alike_all(group) else 0
        if alike and alike == before:
            found[-1].append(group)
        elif alike:
            found.append([group])
        before = alike
    return found


def taken_apart(groups: Sequence[Group], chosen: Container[int]) -> list[Group]:
    """Let the operations whose keys are in `chosen` stand by themselves: the rest of a loop stays between its turns."""
    found: list[Group] = []
    body: list[Group] = []  # neighbours: the turns of a loop go through all of them

    def in_order() -> list[Group]:
        return sorted(body, key=lambda group: group[-1].key)

    for group in groups:
        alone = [[operation] for operation in group if operation.key in chosen]
        if not alone or len(group) == 1:
            found += [*in_order(), group]
            body = []
            continue
        rest = [operation for operation in group if operation.key not in chosen]
        body += [*alone, *([rest] if rest else [])]
    return [*found, *in_order()]


def alike_all(group: Group) -> bool:
    """Tell whether a group stands for the same operation many times."""
    return len({_mark([o]) for o in group}) == 1


def _mark(group: Group) -> Hashable:
    """What makes two operations alike: rule, place and shape."""
    first = group[0]
    place = first.place
    spot = (place.label, place.line, place.column, place.end_column) if place is not None else None
    # Inputs are never alike: each has its own row in the table.
    return (first.rule, spot, first.shape) if first.rule else first.key


def _loops(groups: list[Group]) -> list[Group]:
    """Fold repeated bodies, inner loops first, until nothing repeats."""
    while True:
        marks: dict[Hashable, int] = {}
        codes = np.array([marks.setdefault(_mark(group), len(marks)) for group in groups])
        for period in range(1, min(LONGEST, len(groups) // LEAST) + 1):
            same = codes[period:] == codes[:-period]
            if np.count_nonzero(same) < (LEAST - 1) * period:
                continue
            runs = _runs(same, (LEAST - 1) * period)
            if runs:
                groups = _fold_runs(groups, runs, period)
                break
        else:
            return groups


def _runs(same: np.ndarray[tuple[int], np.dtype[np.bool_]], least: int) -> list[tuple[int, int]]:
    """List the stretches of True that are at least `least` long, as (start, length)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False]))))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= least]


def _fold_runs(groups: list[Group], runs: list[tuple[int, int]], period: int) -> list[Group]:
    folded: list[Group] = []
    position = 0
    for start, length in runs:
        if start < position:  # overlaps the run before
            continue
        folded += groups[position:start]
        repetitions = length // period + 1
        position = start + repetitions * period
        for offset in range(start, start + period):
            folded.append([operation for group in groups[offset:position:period] for operation in group])
    return folded + groups[position:]


def _neighbours(groups: list[Group], where: Callable[[Operation], Hashable]) -> list[Group]:
    """Put neighbours together that stand in the same place, as `where` tells it; None is nobody's neighbour."""
    folded: list[Group] = []
    before: Hashable = None
    for group in groups:
        last = group[-1]
        spot = where(last) if last.rule else None
        if spot is not None and spot == before:
            folded[-1] = folded[-1] + group
        else:
            folded.append(group)
        before = spot
    return folded


def _line(operation: Operation) -> Hashable:
    place = operation.place
    return None if place is None else (place.label, place.line)


def _call(operation: Operation) -> Hashable:
    """Tell a function's call by the function and the line of the cell that led to it."""
    place = operation.place
    if place is None or place.inside or not place.function:
        return None
    return place.label, place.function, place.line_in_cell


def _ends(groups: list[Group], limit: int) -> list[Group]:
    """Keep the first and the last, and all between as one."""
    half = max(1, (limit - 1) // 2)
    inputs = [group for group in groups[half:-half] if not group[0].rule]
    # Inputs between stay: their gradients are what the reader came for. Only their number limits them.
    inputs = inputs[: limit // 4]
    kept = {id(group) for group in inputs}
    middle = [o for group in groups[half:-half] if id(group) not in kept for o in group]
    return [*groups[:half], *inputs, *([middle] if middle else []), *groups[-half:]]


def joined(groups: Sequence[Group]) -> tuple[Operation, ...]:
    """Make one operation of each group, and edges between groups of the edges between their members."""
    owner = {operation.key: group[-1].key for group in groups for operation in group}
    folded = []
    for group in groups:
        last = group[-1]
        if len(group) == 1:
            edges = tuple(_moved(edge, owner) for edge in last.inputs)
            folded.append(replace(last, inputs=edges) if last.inputs else last)
            continue
        names = next((o.names for o in reversed(group) if o.names), ())
        edges = _edges(group, owner)
        if alike_all(group):
            # Numbers of a long loop's later turns may not have been kept: the last ones that were.
            kept = next((o for o in reversed(group) if o.value is not None), last)
            count = sum(o.count for o in group)
            folded.append(
                replace(last, inputs=edges, names=names, count=count, value=kept.value, grad=kept.grad)
            )
            continue
        text = f"… {sum(o.count for o in group)} operations"
        call = _call(last)
        if call is not None and last.place is not None and {_call(o) for o in group} == {call}:
            # Its name is what the call gives back, if anything of it has one.
            place = replace(last.place, text=f"{last.place.function}(…)  {text}")
            names = last.names
        elif last.place is not None and len({o.place.line if o.place else None for o in group}) == 1:
            place = replace(last.place, text=text)
        else:  # a stretch of the tape, nobody's line
            place, names = Place("", 0, 0, 0, 0, text, inside=False), ()
        folded.append(replace(last, rule="operations", inputs=edges, names=names, place=place))
    return tuple(folded)


def _edges(group: Group, owner: dict[int, int]) -> tuple[Edge, ...]:
    """Give the last member's edges, and one for every other value that a member takes."""
    last = group[-1]
    uses = Counter(source for o in group for source in {edge.source for edge in o.inputs})

    def shown(edge: Edge) -> Edge:
        return _moved(replace(edge, part=True) if uses[edge.source] > 1 else edge, owner)

    edges = [shown(edge) for edge in last.inputs]
    found = {edge.source if edge.source is not None else edge.constant for edge in edges}
    alike = all(operation.rule == last.rule for operation in group)
    for operation in group[:-1]:
        for edge in operation.inputs:
            mark = edge.constant if edge.source is None else owner.get(edge.source, edge.source)
            # A way back to itself is a loop's, but inside a line's group only its own thread.
            if mark not in found and (alike or mark != owner[last.key]):
                found.add(mark)
                edges.append(replace(shown(edge), argument=len(edges), early=True))
    return tuple(edges)


def _moved(edge: Edge, owner: dict[int, int]) -> Edge:
    if edge.source is None or owner.get(edge.source, edge.source) == edge.source:
        return edge
    return replace(edge, source=owner[edge.source])
