"""What the page's script knows: values and derivatives of the drawings in full, the walks, drawings to unfold.

In: `View`s and their pictures. Out: one JSON text that may stand in a `<script type="application/json">`. Without
script nothing of it is missed: the static page says the same in its tables, its image and its list of steps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from ...engine.core.values import SHOWN, Value, summarise
from ...language import tr
from ..model import Edge, Operation
from ..parts.answers import given_away
from ..parts.forward_walk import Way, ways_from
from ..parts.steps import Step
from ..shown.naming import PARTS, circled, kind_of
from ..shown.numbers import brief, index_of, number, rows_of, shape_of, sign
from ..shown.simplified import operand
from ..shown.view import View

BUDGET = 6_000  # bytes of the numbers of arrays; larger arrays give way first
ASKED = 30  # inputs of which the page says how to ask where an entry of their gradient comes from
LARGE, MANY = 24, 60  # values, from which on boxes of meaning are shown first, or lines
AHEAD = 6_000  # bytes of the walks forward beyond the first; the last of each input give way


@dataclass(frozen=True)
class Sheet:
    """One drawing: its view, its SVG, and what its boxes and arrows say in full.

    `form` names another form of the whole graph (`"lines"`); without one it unfolds a part of the first. `inner` has,
    by key, what a box opens to.
    """

    view: View
    svg: str
    form: str = ""
    inner: Mapping[int, Sheet] = field(default_factory=dict)


def data(
    sheets: Sequence[Sheet],
    steps: Sequence[Step],
    keys: Iterable[int],
    latex: str = "",
    entries: Mapping[int, Sequence[str]] | None = None,
    turns: Mapping[str, Any] | None = None,
    hidden: Mapping[str, Any] | None = None,
    said: Mapping[str, str] | None = None,
) -> str:
    """Write what the script needs; the first sheet's drawing is the page's own image, the others unfold it.

    A quiz's first sheet has a drawing, for its page's image is without gradients.

    Parameters
    ----------
    sheets : sequence of Sheet
    steps : sequence of Step
        The walk backward, as the page lists it.
    keys : iterable of int
        Keys that the page's own elements bear: each is given the key that the first sheet shows it by.
    latex : str
        The chain rule, to be copied.
    entries : mapping of int to sequence of str, optional
        By an input's key, where each entry of its gradient comes from.
    turns : mapping, optional
        What lines gave at each turn (turn_data.py).
    hidden : mapping, optional
        What a quiz knows besides: gradients of tips, and which are shown.
    said : mapping, optional
        The script's sentences in another language than English.
    """
    view = sheets[0].view
    values = _Values()
    found: dict[str, Any] = {
        "of": view.result_name,
        "sheets": _sheets(sheets, values),
        "values": values.within(BUDGET),
    }
    forms = [sheet.form for sheet in sheets]
    if "boxes" in forms and len(view.trace.operations) > LARGE:
        found["begin"] = forms.index("boxes")
    elif "lines" in forms and len(view.operations) > MANY:
        found["begin"] = forms.index("lines")
    wanted = set(chain(keys, *(_shown_in(sheet) for sheet in sheets[1:])))
    shown = view.standing_for(wanted)
    found["own"] = {str(key): shown[key] for key in sorted(shown) if shown[key] != key}
    found["back"] = _backward(view, steps)
    found["ahead"] = _ahead(view)
    if latex:
        found["latex"] = latex
    if turns:
        found["turns"] = turns
    if entries:
        found["entries"] = {str(key): list(told) for key, told in entries.items()}
    others = [
        e
        for e in view.trace.inputs
        if e.reached and e.grad is not None and e.grad.size and e.key not in (entries or {})
    ]
    if others:
        found["ask"] = {str(e.key): e.name + index_of(0, e.value.shape) for e in others[:ASKED]}
    return text_of(found | dict(hidden or {}) | ({"said": said} if said else {}))


def text_of(found: Mapping[str, Any]) -> str:
    """Write what the script needs as JSON that may stand in an element."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    # Nothing in it may end the element or begin a comment.
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _shown_in(sheet: Sheet) -> list[int]:
    return [*(o.key for o in sheet.view.operations), *chain(*map(_shown_in, sheet.inner.values()))]


class _Values:
    """The values that are said in full, each once: [shape, in words, sign, rows of texts]."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.sizes: list[int] = []
        self.at: dict[str, int] = {}
        self.known: dict[int, tuple[Value, int]] = {}  # by id: a value is shown in several drawings

    def add(self, value: Value | None) -> int | None:
        if value is None:
            return None
        if id(value) not in self.known:
            self.known[id(value)] = value, self._add(value)
        return self.known[id(value)][1]

    def _add(self, value: Value) -> int:
        words = brief(value) if value.shape else number(value.items, 10)
        rows = self._rows(value)
        row = [shape_of(value.shape), words, sign(value), *([rows] if rows else [])]
        mark = json.dumps(row)
        if mark not in self.at:
            self.at[mark] = len(self.rows)
            self.rows.append(row)
            self.sizes.append(value.size)
        return self.at[mark]

    def within(self, budget: int) -> list[list[Any]]:
        """Give the rows, without the elements of the larger arrays where all would be too long."""
        rows = self.rows
        for elements in (SHOWN, 36, 9, 0):
            sized = zip(self.rows, self.sizes, strict=True)
            rows = [row if size <= elements else row[:3] for row, size in sized]
            if len(json.dumps(rows)) <= budget:
                break
        return rows

    def _rows(self, value: Value) -> list[list[str]]:
        if not value.shape or value.items is None or not 1 < value.size <= SHOWN:
            return []
        if value.low is not None and value.low == value.high and not value.nans and not value.infs:
            return []  # the words say it all
        return [list(map(str.strip, row)) for row in rows_of(value.items, len(value.shape))]


def _sheets(sheets: Sequence[Sheet], values: _Values) -> list[dict[str, Any]]:
    view = sheets[0].view
    first: dict[str, Any] = {
        "nodes": {
            str(o.key): _node(view, o, values) for o in view.operations if o.rule or o.key in view.users
        },
        "edges": {
            str(i): _derivative(view, view.by_key[key], argument, values)
            for (key, argument), i in view.numbers.items()
        },
    }
    if sheets[0].svg:
        first["svg"] = sheets[0].svg
    found = [first, *(_further(sheet, values, view, first) for sheet in sheets[1:])]
    for said, sheet in zip(found, sheets, strict=True):
        if arrows := given_away(sheet.view):
            numbers = sheet.view.numbers
            said["arrows"] = {str(numbers[edge]): keys for edge, keys in arrows.items() if edge in numbers}
    return found


def _further(sheet: Sheet, values: _Values, before: View, first: dict[str, Any]) -> dict[str, Any]:
    """Write a further drawing: what the first sheet says of a value or an edge stands there alone."""
    view = sheet.view
    nodes, edges = {}, {}
    for o in view.operations:
        if o.rule or o.key in view.users:
            told = _node(view, o, values)
            if told != first["nodes"].get(str(o.key)):
                nodes[str(o.key)] = told
    for (key, argument), i in view.numbers.items():
        told = _derivative(view, view.by_key[key], argument, values)
        if before.numbers.get((key, argument)) != i or told != first["edges"][str(i)]:
            edges[str(i)] = told
    unfolds = sorted(before.standing_for(_shown_in(sheet)) if sheet.form == "boxes" else view.turns)
    more: dict[str, Any] = {"svg": sheet.svg, "keys": unfolds, "nodes": nodes, "edges": edges}
    if sheet.form:
        more["form"] = sheet.form
    if view.scope:
        more["scope"] = view.scope
    if sheet.inner:
        more["inner"] = {str(k): _further(each, values, before, first) for k, each in sheet.inner.items()}
    return more


def _node(view: View, operation: Operation, values: _Values) -> list[Any]:
    place = operation.place
    where = ""
    if place is not None and place.line:
        told = {"file": place.label, "line": place.line}
        where = tr("{file}, line {line}", **told)
        if place.function:
            where = tr("{file}, line {line}, in {function}", function=place.function, **told)
    if operation.module:
        where = tr("{where}, in {module}", where=where, module=operation.module)
    about = " ".join(filter(None, (view.turns.get(operation.key, ""), operation.dtype)))
    numbers = values.add(operation.value), values.add(operation.grad)
    inside = [min(o.key for o in view.parts[operation.key])] if operation.key in view.parts else []
    return [view.title(operation, 120), where, about, kind_of(operation), *numbers, operation.count, *inside]


def _derivative(view: View, operation: Operation, argument: int, values: _Values) -> list[Any]:
    edge = next(edge for edge in operation.edges if edge.argument == argument)
    i = view.numbers[operation.key, edge.argument]
    above, below = view.name(operation.key), view.name(edge.source)
    partial = f"∂{operand(above)}/∂{operand(below)}"
    formula = edge.formula or view.words(operation, edge)
    local = edge.local or _matrix(view, operation, edge)
    ends = edge.source, operation.key
    return [
        "" if operation.rule in PARTS else circled(i),
        partial,
        formula,
        below,
        values.add(local),
        values.add(edge.flow),
        *ends,
    ]


def _matrix(view: View, operation: Operation, edge: Edge) -> Value | None:
    """Give a small Jacobian whole: a row for each entry of the result, a column for each of the source."""
    source = view.by_key.get(edge.source)
    if not edge.jacobian or source is None:
        return None
    rows, columns = math.prod(operation.shape), math.prod(source.shape)
    if any(out >= rows or entry >= columns for out, entry, *_ in edge.jacobian):
        return None  # it is of another operation than the one that stands for all of a folded stretch
    found = np.zeros((rows, columns))
    for out, entry, value, _ in edge.jacobian:
        found[out, entry] = value
    return summarise(found)


def _backward(view: View, steps: Sequence[Step]) -> list[Any]:
    """List the steps as [key, [[edge, target, what flows, what the target has now, whether that is all]]]."""
    have: dict[int, Value] = {}
    waits: dict[int | None, int] = {key: len(uses) for key, uses in view.users.items()}
    found = []
    for step in steps:
        flows = []
        for edge, flow in zip(view.by_key[step.key].edges, step.flows, strict=False):
            waits[flow.key] = waits.get(flow.key, 1) - 1
            source = view.by_key.get(flow.key)
            done = waits[flow.key] <= 0
            now = brief(source.grad) if done and source is not None else _so_far(have, flow.key, edge.flow)
            flows.append([flow.edge, flow.key, flow.amount, now, done])
        found.append([step.key, flows])
    return found


def _ahead(view: View) -> list[dict[str, Any]]:
    """List the walks forward by input: the steps once, and for each entry its texts in their order.

    A step is [key, [[edge, source] ...]]; its texts are the tangent, and where it has several edges what each adds.
    """
    found: list[dict[str, Any]] = []
    sizes = {entry.key: entry.value.size for entry in view.trace.inputs}
    waiting = [(entry, list(ways_from(view, entry))) for entry in view.trace.inputs]
    room = AHEAD
    for turn in range(max((len(ways) for _, ways in waiting), default=0)):
        for entry, ways in waiting:
            if turn >= len(ways) or not ways[turn].steps:
                continue
            steps = [[s.key, [[i, source] for i, source, _ in s.edges]] for s in ways[turn].steps]
            known = next((each for each in found if each["key"] == entry.key), None)
            texts = _texts(ways[turn])
            size = len(json.dumps(texts)) + (0 if known else len(json.dumps(steps)))
            if found and size > room:
                continue
            room -= size
            if known is None:
                known = {"name": entry.name, "key": entry.key, "steps": steps, "from": []}
                found.append(known)
            known["from"].append([ways[turn].entry, texts])
    for each in found:
        if left := sizes[each["key"]] - len(each["from"]):
            each["more"] = left
    return sorted(found, key=lambda each: [entry.key for entry in view.trace.inputs].index(each["key"]))


def _texts(way: Way) -> list[str]:
    return [
        text
        for step in way.steps
        for text in (step.tangent, *(part for *_, part in step.edges if len(step.edges) > 1))
    ]


def _so_far(have: dict[int, Value], key: int, flow: Value | None) -> str:
    """Add up what came to a number so far; of arrays there is no sum to be had."""
    if flow is None or flow.shape or not isinstance(flow.items, (int, float)):
        return ""
    before = have.get(key)
    have[key] = flow if before is None else summarise(float(before.items) + float(flow.items))
    return brief(have[key])
