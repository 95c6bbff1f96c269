"""What the page's sliders know: the values of lines that ran several times, turn by turn, as texts.

In: a trace's `Turns`, the parts of lines that the page shows. Out: plain data for JSON, and which of its rows a part
has. Where all would be too much there are fewer turns: of each loop the first, the last and evenly spaced ones between.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ..parts.annotated_cell import Part
from ..parts.turns import Told, told
from ..shown.numbers import brief, on_a_line, shape_of, sign
from ..turns import Turns

BUDGET = 24_000  # bytes, a third of it when packed
_EACH = 14  # bytes of a value and its gradient, about

Slots = dict[tuple[tuple[int, ...], bool], int]


def turn_data(turns: Turns | None, parts: Iterable[Part]) -> tuple[dict[str, Any], Slots]:
    """Write the values of parts by turn; and give for each part's series which row of the data it has.

    Returns
    -------
    dict
        `scopes`: [what a turn is called, line, source ("" for the cell itself)]. `moments`: [scope, turn, of how many,
        within which moment or -1]. `rows`: [which of `lists` has its moments, values, gradients, shapes, and of what
        each gradient is, where it is of another result]; texts stand behind bars, an empty one is as the one before,
        a gradient's has its sign before it. `{}` where nothing ran several times.
    dict
        The row by `(part.series, part.top)`.
    """
    if turns is None:
        return {}, {}
    found = {(part.series, part.top): told(turns, part.series, part.top) for part in parts if part.series}
    found = {mark: readings for mark, readings in found.items() if readings}
    strides: dict[int, int] = defaultdict(lambda: 1)
    data: dict[str, Any] = {}
    while found:
        kept, longest = _kept(turns, strides)
        count = sum(reading.moment in kept for readings in found.values() for reading in readings)
        if count * _EACH <= BUDGET:
            data = _written(turns, list(found.values()), kept)
            if len(json.dumps(data)) <= BUDGET:
                break
        scope = max(longest, key=lambda scope: longest[scope])
        if longest[scope] <= 2:  # the longest lists of lines are not shown by turns
            return {}, {}
        strides[scope] *= 2
    return data, {mark: i for i, mark in enumerate(found)} if data else {}


def _kept(turns: Turns, strides: dict[int, int]) -> tuple[set[int], dict[int, int]]:
    """Choose the moments that are shown: of each loop every so many, and the last; and how many those are of each."""
    siblings: dict[tuple[int, int | None], list[int]] = {}
    for i, moment in enumerate(turns.moments):
        siblings.setdefault((moment.scope, moment.within), []).append(i)
    chosen: set[int] = set()
    longest: dict[int, int] = {}
    for (scope, _), several in siblings.items():
        some = {*several[:: strides[scope]], several[-1]}
        chosen |= some
        longest[scope] = max(longest.get(scope, 0), len(some))
    kept: set[int] = set()
    for i, moment in enumerate(turns.moments):  # those around come first
        if i in chosen and (moment.within is None or moment.within in kept):
            kept.add(i)
    return kept, longest


def _written(turns: Turns, found: list[list[Told]], kept: set[int]) -> dict[str, Any]:
    rows: list[list[Any]] = []
    lists: dict[tuple[int, ...], int] = {}
    number = {moment: i for i, moment in enumerate(sorted(kept))}
    for readings in found:
        some = [reading for reading in readings if reading.moment in kept]
        at = lists.setdefault(tuple(number[r.moment] for r in some), len(lists))
        shapes = [shape_of(r.value.shape) if r.value is not None else "" for r in some]
        values = [on_a_line(brief(r.value)) for r in some]
        grads = [(sign(r.grad) or " ") + on_a_line(brief(r.grad)) for r in some]
        row: list[Any] = [at, _joined(values), _joined(grads), _joined(shapes)]
        rows.append([*row, _joined([r.result for r in some])] if any(r.result for r in some) else row)
    moments = [turns.moments[i] for i in sorted(kept)]
    return {
        "scopes": [[s.word, s.line, "" if s.inside else s.label] for s in turns.scopes],
        "moments": [[m.scope, m.turn, m.of, -1 if m.within is None else number[m.within]] for m in moments],
        "lists": list(map(list, lists)),
        "rows": rows,
    }


def _joined(texts: list[str]) -> str:
    """Join texts by bars, each that is as the one before left out."""
    before, some = "", []
    for text in texts:
        text = text.replace("|", "¦")
        some.append("" if text == before else text)
        before = text
    return "|".join(some).rstrip("|")
