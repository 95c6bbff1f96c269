"""The walk forward from one input: its tangent, operation by operation, from the local derivatives in the trace.

In: a `View` and an input. Out: `Push`es in tape order. All elements of an array grow by one together. Where a local
derivative is no number (it was not kept, or is not elementwise) the tangent is not known from there on, and it says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.core.values import Value, summarise
from ..model import Edge, Operation
from ..shown.numbers import brief, factor
from ..shown.simplified import tidied
from ..shown.view import View, circled
from .paths import sums_up

LONGEST = 400  # operations of a tape that is walked

Tangent = Any  # an array or a number; None where it is not known
Tangents = dict[int | None, Tangent]


@dataclass(frozen=True)
class Push:
    """One operation of the walk: its tangent as text, `""` where it is not known, and how it came about."""

    key: int
    tangent: str
    how: str
    edges: tuple[tuple[int, str], ...]  # by which edges, and what each adds


def walk_forward(view: View, key: int) -> tuple[Push, ...]:
    """Walk from the input `key` to the result.

    Returns
    -------
    tuple of Push
        One for each shown operation that depends on the input; none where the tape is too long or the input unknown.
    """
    start = view.by_key.get(key)
    result = view.trace.result
    operations = view.trace.operations
    if start is None or result is None or len(operations) > LONGEST:
        return ()
    tangents: Tangents = {key: np.ones(start.shape)}
    values: dict[int | None, Value | None] = {o.key: o.value for o in operations}
    found = []
    with np.errstate(all="ignore"):
        for operation in tidied(operations):
            uses = [edge for edge in operation.inputs if edge.source in tangents]
            if not uses or operation.key > result.key:
                continue
            parts = [_pushed(operation, edge, tangents[edge.source], values) for edge in uses]
            unknown = any(part is None for part in parts)
            tangents[operation.key] = None if unknown else sum(parts[1:], parts[0])
            if operation.key in view.by_key:
                found.append(_push(view, operation, uses, tangents, parts))
    return tuple(found)


def _push(
    view: View, operation: Operation, uses: list[Edge], tangents: Tangents, parts: list[Tangent]
) -> Push:
    marks = [view.numbers.get((operation.key, edge.argument), 0) for edge in uses]
    terms = []
    for edge, i, part in zip(uses, marks, parts, strict=True):
        before = tangents[edge.source]
        if part is None:
            why = "what comes is not known" if before is None else "its local derivative is no number here"
            terms.append(f"{circled(i)} {why}")
        elif np.ndim(part) or np.ndim(before):
            words = edge.formula or view.words(operation, edge)
            how = "" if re.search(r"\bgrad\b", words) else words  # which says how a gradient goes back
            terms.append(f"{circled(i)} {how}: {_text(part)}" if how else f"{circled(i)} {_text(part)}")
        else:
            product = _product(edge, before) if len(parts) == 1 else ""
            terms.append(f"{circled(i)}·{_text(before)}" + (f" = {product}" if product else ""))
    how = " + ".join(terms)
    products = [_product(edge, tangents[edge.source]) for edge in uses]
    if len(uses) > 1 and all(products):
        how = f"{how} = {' + '.join(products)}"
    edges = tuple((i, _text(part)) for i, part in zip(marks, parts, strict=True) if i)
    return Push(operation.key, _text(tangents[operation.key]), how, edges)


def _product(edge: Edge, tangent: Tangent) -> str:
    """Write a local derivative times what comes, where both are numbers: `2·1`."""
    if tangent is None or np.ndim(tangent) or edge.local is None or edge.local.shape:
        return ""
    return f"{factor(edge.local.items)}·{factor(_text(tangent))}"


def _pushed(
    operation: Operation, edge: Edge, tangent: Tangent, values: dict[int | None, Value | None]
) -> Tangent:
    """Carry a tangent over one edge; None where the numbers for it are not there."""
    if tangent is None:
        return None
    if edge.local is not None:
        local = _array(edge.local)
        try:
            return None if local is None else np.broadcast_to(local * tangent, operation.shape)
        except ValueError:
            return None
    if sums_up(operation):
        return np.sum(tangent)
    if operation.rule == "mean" and not operation.shape:
        return np.mean(tangent)
    if operation.rule in {"matmul", "dot"} and len(operation.inputs) == 2:
        other = next(e for e in operation.inputs if e.argument != edge.argument)
        array = _array(values.get(other.source))
        if array is not None:
            return tangent @ array if edge.argument == 0 else array @ tangent
    return None


def _array(value: Value | None) -> Tangent:
    """Give a value's numbers as an array; an array that is the same everywhere needs no elements."""
    if value is None:
        return None
    if value.items is not None:
        made = np.asarray(value.items)
        return made if made.dtype.kind in "fiub" else None
    if value.low is not None and value.low == value.high and not value.nans and not value.infs:
        return np.full(value.shape, value.low)
    return None


def _text(tangent: Tangent) -> str:
    return "" if tangent is None else brief(summarise(tangent if np.ndim(tangent) else float(tangent)))
