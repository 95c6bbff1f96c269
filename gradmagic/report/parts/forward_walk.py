"""The walk forward as it is shown: the tangent of each shown operation when one entry of an input grows by 1.

In: a `View`, whose trace has the walks' numbers (cell/telling/walks.py). Out: `Way`s, one for each entry, in texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Input, Walk
from ..shown.numbers import brief, index_of
from ..shown.view import View


@dataclass(frozen=True)
class Step:
    """One operation of a way: its tangent, and what comes by each edge, from which key; `""`: all of the tangent."""

    key: int
    tangent: str
    edges: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class Way:
    """The walk from one entry of an input: `"[0,1]"`, `""` of a number."""

    entry: str
    steps: tuple[Step, ...]


def ways_from(view: View, source: Input) -> Iterator[Way]:
    """Give the walks from an input, the one to begin with first; none where the tape was too long for them."""
    for walk in view.trace.walks:
        if walk.source == source.key:
            yield Way(index_of(walk.entry, source.value.shape), tuple(_steps(view, walk)))


def _steps(view: View, walk: Walk) -> Iterator[Step]:
    for push in walk.pushes:
        operation = view.by_key.get(push.key)
        if operation is None:
            continue
        by_argument = {edge.argument: edge for edge in operation.edges}
        edges = []
        for part in push.parts:
            edge, mark = by_argument.get(part.argument), view.numbers.get((push.key, part.argument))
            if edge is not None and edge.source is not None and mark is not None:
                edges.append((mark, edge.source, "" if part.tangent is None else brief(part.tangent)))
        yield Step(push.key, brief(push.tangent), tuple(edges))
