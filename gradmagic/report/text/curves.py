"""Functions of one array as text: x, y and the slope in columns, and both as rows of blocks.

In: a `View` and the columns there are. Out: styled lines; none where the graph is no such function.
"""

from __future__ import annotations

from rich.text import Text

from ...language import tr
from ..parts.curves import Curve, curve
from ..shown.numbers import aligned, decimals_of, finite, number, sparkline
from ..shown.typeset import clip, pad, width
from ..shown.view import View

MOST = 60  # elements that are written out


def strips(view: View, room: int) -> list[Text]:
    """Write x, y and the slope under each other, as many columns as fit."""
    found = curve(view)
    if found is None or not found.whole or len(found.x) > MOST:
        return []
    rows = ((found.x_name, found.x), (found.y_name, found.y), (found.slope_name, found.slope))
    places = max(decimals_of(numbers) for _, numbers in rows)
    # A row whose numbers are all tiny or huge is written by itself, not as a row of 0.0000.
    texts = [aligned(numbers, places if decimals_of(numbers) >= 0 else None) for _, numbers in rows]
    cell = max(len(row[0]) for row in texts)
    label = max(width(name) for name, _ in rows)
    fits = max(1, (room - label - 2) // (cell + 1))
    pieces = -(-len(found.x) // fits)
    fits = -(-len(found.x) // pieces)  # rows of the same length look better than a full one and a rest
    lines: list[Text] = []
    for start in range(0, len(found.x), fits):
        if lines:
            lines.append(Text(""))
        for (name, _), row in zip(rows, texts, strict=True):
            shown = " ".join(text.rjust(cell) for text in row[start : start + fits])
            style = "color(68)" if name == found.slope_name else ""
            lines.append(Text(" ").append(pad(name, label), "bold").append(" ").append(shown, style))
    return lines


def sparklines(view: View, room: int) -> list[Text]:
    """Draw y and the slope over x as rows of blocks, with where y is lowest and the slope zero."""
    found = curve(view)
    if found is None:
        return []
    over = found.x_name if found.rising else "k"
    rows = [
        (tr("{y} over {x}", y=found.y_name, x=over), found.y, _lowest(found)),
        (tr("{y} over {x}", y=found.slope_name, x=over), found.slope, _zero(found)),
    ]
    label = max(width(name) for name, *_ in rows)
    lines = []
    for name, numbers, remark in rows:
        known = finite(numbers) or [numbers[0]]
        spread = f"{number(min(known))} .. {number(max(known))}"
        if len(known) < len(numbers):
            strange = tr(" or ").join(sorted({number(x) for x in numbers if x - x != 0}))
            remark = tr("? is {what}", what=strange)
        line = Text(" ").append(pad(name, label), "bold")
        line.append(f"  {sparkline(numbers, min(64, room - label - 34))}   ")
        lines.append(
            line.append(clip(f"{pad(spread, 10)}  {remark}".rstrip(), room - width(line.plain)), "dim")
        )
    return lines


def _lowest(found: Curve) -> str:
    x = _only(found, min(found.y), found.y)
    return tr("lowest at {name} = {x}", name=found.x_name, x=x) if x else ""


def _zero(found: Curve) -> str:
    x = _only(found, 0, found.slope)
    return tr("zero at {name} = {x}", name=found.x_name, x=x) if x else ""


def _only(found: Curve, value: float, numbers: tuple[float, ...]) -> str:
    """Give the x at which the numbers have this value, where x rises and there is only one."""
    if not found.rising or numbers.count(value) != 1:
        return ""
    return number(found.x[numbers.index(value)])
