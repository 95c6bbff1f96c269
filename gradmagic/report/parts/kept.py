"""How many bytes the expressions of a cell keep for the way back, with `--kept`: rows for the text and the page.

In: a `View`. Out: rows of text, the largest first, with a sum; memory that several keep counts once.
"""

from __future__ import annotations

from collections import defaultdict

from ...language import mark, tr
from ..model import Kept, Operation
from ..shown.naming import PARTS
from ..shown.view import View
from .timing import size

HEAD = (
    mark("line"), mark("expression"), mark("times"), mark("keeps"), mark("arrays"), mark("kept before"),
)  # fmt: skip
SHOWN = 12


def rows(view: View, most: int = SHOWN) -> list[tuple[str, ...]]:
    """Set what is kept in rows under `HEAD`, and a last row for all; empty without `--kept`."""
    kept = view.trace.kept
    if not kept:
        return []
    places: dict[tuple[str, str], list[Kept]] = defaultdict(list)
    for each in kept:
        operation = view.trace.operations[each.key]
        place = operation.place
        line = "" if place is None else str(place.line) if place.inside else f"{place.label}:{place.line}"
        places[line, view.expression(operation)].append(each)
    found = sorted(places.items(), key=lambda item: -sum(each.size for each in item[1]))
    made = [_row(*where, those) for where, those in found[:most]]
    if len(found) > most:
        made.append(("", tr("… {n} more", n=len(found) - most), "", "", "", ""))
    return [*made, (*_row("", tr("all"), kept)[:-1], "")]


def _row(line: str, text: str, kept: list[Kept] | tuple[Kept, ...]) -> tuple[str, ...]:
    new, shared, arrays = (sum(getattr(each, name) for each in kept) for name in ("size", "shared", "arrays"))
    before = size(shared) if shared else ""
    return line, text, f"{len(kept):,}", size(new), f"{arrays:,}", before


def summary(view: View) -> str:
    """Say the sum: `"1.2 KB in 7 arrays, of which 240 B are held by names anyway"`; "" without `--kept`."""
    kept = view.trace.kept
    if not kept:
        return ""
    own, arrays = sum(each.own for each in kept), sum(each.arrays for each in kept)
    told = tr(
        "{size} in {n:,} array{s}",
        size=size(sum(each.size for each in kept)),
        n=arrays,
        s="s" * (arrays != 1),
    )
    return tr("{what}, of which {own} are held by names anyway", what=told, own=size(own)) if own else told


def keeps(view: View, operation: Operation) -> str:
    """Say what one operation keeps, or all that is in a box: `"keeps 1.2 KB"`; "" where it is nothing."""
    if operation.rule in PARTS and operation.key not in view.parts:
        return ""  # what else is in it is not known here
    members = view.parts.get(operation.key) or (operation,)
    found = sum(view.kept.get(member.key, 0) for member in members)
    return tr("keeps {size}", size=size(found)) if found and operation.count == 1 else ""
