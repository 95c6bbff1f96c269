"""Fold a long tape until it can be shown: loops to one body `xN`, calls of functions, lines, then the first and last.

In: operations in tape order and how many may stay. Out: fewer operations, each standing for `count` alike ones, with
edges between them; an edge whose source comes later in the list is a loop's way back. While it folds, an operation is
its position: 100,000 take 0.1 s.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from ..model import Edge, Operation, Place
from ..operations import CONSTANT, Columns, Kind, Numbers, Selection

LONGEST = 256  # operations in a loop's body, at most
EASY = 24  # operations that are shown one by one, even in a loop
LEAST = 3  # repetitions that make a loop

Group = Sequence[int]


def grouped(operations: Sequence[Operation], limit: int) -> list[Selection]:
    """Put together what is shown as one: the loops, and more where about `limit` are not enough.

    Examples
    --------
    >>> operations = [Operation(0, ""), *(Operation(i, "multiply", inputs=(Edge(i - 1),)) for i in range(1, 1001))]
    >>> [(o.key, o.count) for o in joined(grouped(operations, 50))]
    [(0, 1), (1000, 1000)]
    """
    columns = Columns.of(operations)
    # Ranges: 100,000 lists take the garbage collector 0.4 s.
    groups: list[Group] = [range(position, position + 1) for position in range(len(operations))]
    # A loop of 50 turns reads better folded than as 100 small boxes; what does not repeat may take more room.
    if len(operations) > min(limit, EASY):
        groups = _loops(groups, columns.marks)
        if len(groups) > limit:
            groups = _neighbours(groups, columns.numbered(_call)[0])
        if len(groups) > limit:
            groups = _loops(_neighbours(groups, columns.numbered(_line)[0]), columns.marks)
        if len(groups) > limit:
            groups = _ends(groups, limit, columns)
    return [Selection(columns, group) for group in groups]


def looped(operations: Sequence[Operation], modules: bool = False) -> list[Selection]:
    """Put the turns of loops together, however few operations there are; with `modules`, those of one module."""
    columns = Columns.of(operations)
    marks = columns.marks
    if modules:
        paths, known = columns.numbered(lambda kind: kind.module)
        marks = marks * len(known) + paths
    groups: list[Group] = [range(position, position + 1) for position in range(len(operations))]
    return [Selection(columns, group) for group in _loops(groups, marks)]


def turns(groups: Sequence[Selection]) -> list[list[Selection]]:
    """List the folded loops: neighbours that stand for equally many alike operations are the body of one."""
    found: list[list[Selection]] = []
    before = 0
    for group in groups:
        alike = len(group) if len(group) > 1 and alike_all(group) else 0
        if alike and alike == before:
            found[-1].append(group)
        elif alike:
            found.append([group])
        before = alike
    return found


def taken_apart(groups: Sequence[Selection], chosen: Collection[int]) -> list[Selection]:
    """Let the operations whose keys are in `chosen` stand by themselves: the rest of a loop stays between its turns."""
    found: list[Selection] = []
    body: list[Selection] = []  # neighbours: the turns of a loop go through all of them
    keys = list(chosen)

    def in_order() -> list[Selection]:
        return sorted(body, key=lambda group: int(group.keys[-1]))

    for group in groups:
        alone = np.isin(group.keys, keys)
        if len(group) == 1 or not alone.any():
            found += [*in_order(), group]
            body = []
            continue
        body += [Selection(group.columns, [position]) for position in group.positions[alone]]
        if not alone.all():
            body.append(Selection(group.columns, group.positions[~alone]))
    return [*found, *in_order()]


def alike_all(group: Selection) -> bool:
    """Tell whether a group stands for the same operation many times."""
    marks = group.columns.marks[group.positions]
    return bool((marks == marks[0]).all())


def _loops(groups: list[Group], marks: Numbers) -> list[Group]:
    """Fold repeated bodies, inner loops first, until nothing repeats."""
    while True:
        codes = marks[[group[0] for group in groups]]
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
            folded.append([*chain.from_iterable(groups[offset:position:period])])
    return folded + groups[position:]


def _neighbours(groups: list[Group], spots: Numbers) -> list[Group]:
    """Put neighbours together that stand in the same place, as `spots` numbers them; -1 is nobody's neighbour."""
    folded: list[list[int]] = []
    before = -1
    for group, spot in zip(groups, spots[[group[-1] for group in groups]].tolist(), strict=True):
        if spot >= 0 and spot == before:
            folded[-1] += group
        else:
            folded.append([*group])
        before = spot
    return [*folded]


def _line(kind: Kind | Operation) -> Hashable:
    place = kind.place
    return None if place is None or not kind.rule else (place.label, place.line)


def _call(kind: Kind | Operation) -> Hashable:
    """Tell a function's call by the function and the line of the cell that led to it."""
    place = kind.place
    if place is None or place.inside or not place.function or not kind.rule:
        return None
    return place.label, place.function, place.line_in_cell


def _ends(groups: list[Group], limit: int, columns: Columns) -> list[Group]:
    """Keep the first and the last, and all between as one."""
    half = max(1, (limit - 1) // 2)
    between = groups[half:-half]
    # Inputs between stay: their gradients are what the reader came for. Only their number limits them.
    inputs = [group for group in between if not columns.computed[group[0]]][: limit // 4]
    kept = {id(group) for group in inputs}
    middle = [position for group in between if id(group) not in kept for position in group]
    return [*groups[:half], *inputs, *([middle] if middle else []), *groups[-half:]]


def joined(groups: Sequence[Selection]) -> tuple[Operation, ...]:
    """Make one operation of each group, and edges between groups of the edges between their members."""
    if not groups:
        return ()
    columns = groups[0].columns
    owner = np.arange(len(columns.keys))
    for group in groups:
        owner[group.positions] = group.positions[-1]
    folded = []
    for group in groups:
        last = group[-1]
        if len(group) == 1:
            edges = _moved(last.inputs, columns.sources[columns.edges(group.positions)[2]], columns, owner)
            folded.append(replace(last, inputs=edges) if last.inputs else last)
            continue
        named = group.where(lambda kind: kind.names)
        names = named[-1].names if len(named) else ()
        edges = _edges(group, owner)
        if alike_all(group):
            kept = group.shown
            folded.append(
                replace(last, inputs=edges, names=names, count=group.total, value=kept.value, grad=kept.grad)
            )
            continue
        # Derivatives of what is inside are not the group's: only what its last member makes of others is.
        edges = tuple(
            replace(edge, formula="", words="", local=None, jacobian=()) if edge.early or edge.part else edge
            for edge in edges if edge.source != last.key
        )  # fmt: skip
        text = f"… {group.total} operations"
        call = _call(last)
        if call is not None and last.place is not None and {_call(kind) for kind in group.kinds} == {call}:
            # Its name is what the call gives back, if anything of it has one.
            place = replace(last.place, text=f"{last.place.function}(…)  {text}")
            names = last.names
        elif last.place is not None and len({k.place.line if k.place else None for k in group.kinds}) == 1:
            place = replace(last.place, text=text)
        else:  # a stretch of the tape, nobody's line
            place, names = Place("", 0, 0, 0, 0, text, inside=False), ()
        folded.append(replace(last, rule="operations", inputs=edges, names=names, place=place))
    return tuple(folded)


def _edges(group: Selection, owner: Numbers) -> tuple[Edge, ...]:
    """Give the last member's edges, and one for every other value that a member takes."""
    columns = group.columns
    positions, argument, at = columns.edges(group.positions)
    sources = columns.sources[at]
    # How many members take each value: some take one twice.
    pairs = np.unique(positions * (len(owner) + 1) + sources + 1)
    taken = np.bincount(pairs % (len(owner) + 1))
    # What is one value to the reader: what stands in one group; constants that read alike.
    marks = np.where(
        sources == CONSTANT, CONSTANT - 1 - columns.constants(positions, argument), owner[sources]
    )
    own = int(group.positions[-1])
    others = positions != own
    distinct, first = np.unique(marks[others], return_index=True)
    new = ~np.isin(distinct, marks[~others])
    if len({kind.rule for kind in group.kinds}) > 1:
        new &= (
            distinct != own
        )  # a way back to itself is a loop's, but inside a line's group only its own thread

    def shown(position: int, arguments: Sequence[int]) -> tuple[Edge, ...]:
        inputs = columns.operations[position].inputs
        found = columns.sources[columns.starts[position] + np.asarray(arguments, int)]
        edges = (
            replace(inputs[i], part=True) if taken[source + 1] > 1 else inputs[i]
            for i, source in zip(arguments, found.tolist(), strict=True)
        )
        return _moved(tuple(edges), found, columns, owner)

    edges = [*shown(own, range(int(np.count_nonzero(~others))))]
    for i in np.sort(first[new]).tolist():
        (edge,) = shown(int(positions[others][i]), [int(argument[others][i])])
        edges.append(replace(edge, argument=len(edges), early=True))
    return tuple(edges)


def _moved(edges: tuple[Edge, ...], sources: Numbers, columns: Columns, owner: Numbers) -> tuple[Edge, ...]:
    """Let edges lead from the groups in which their sources stand."""
    moved = owner[sources]
    return tuple(
        edge if edge.source is None or to == source else replace(edge, source=int(columns.keys[to]))
        for edge, source, to in zip(edges, sources.tolist(), moved.tolist(), strict=True)
    )
