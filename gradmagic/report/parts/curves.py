"""Functions of one varying array: x, y and the slope in columns, and both as pictures in text.

In: a `View` whose elements depend on their own element only. Out: styled lines; none for other graphs.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ..model import Operation
from ..shown.numbers import aligned, decimals_of, number, samples, sparkline
from ..shown.typeset import clip, pad, width
from ..shown.view import View

MOST = 60  # elements that are written out
LONGEST = 16  # columns of an expression that stands for a name


@dataclass(frozen=True)
class Curve:
    """x, y = f(x) and the slope dy/dx, as plain numbers: all of them where `whole`, else even samples."""

    x_name: str
    y_name: str
    slope_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    slope: tuple[float, ...]
    whole: bool

    @property
    def rising(self) -> bool:
        """Whether x rises, so that y can be drawn over it."""
        return all(a < b for a, b in zip(self.x, self.x[1:], strict=False))


def curve(view: View) -> Curve | None:
    """Find x, y and the slope where the result sums up an elementwise function of one array."""
    trace = view.trace
    if not trace.elementwise or len(trace.inputs) != 1 or trace.result is None:
        return None
    entry = trace.inputs[0]
    result = view.by_key.get(trace.result.key)
    sources = [edge.source for edge in result.inputs if edge.source is not None] if result else []
    y = view.by_key.get(sources[0]) if result and not result.shape and len(sources) == 1 else result
    if y is None or y.key == entry.key or y.shape != entry.value.shape or len(y.shape) != 1 or y.shape[0] < 3:
        return None
    values = [value for value in (entry.value, y.value, entry.grad) if value is not None]
    if len(values) < 3 or any(value.dtype.startswith("complex") for value in values):
        return None
    x, height, slope = (samples(value) for value in values)
    name = f"d{view.operand}/d{entry.name}"
    height_name = called(y, entry.name)
    return Curve(entry.name, height_name, name, x, height, slope, entry.value.items is not None)


def called(y: Operation, x: str) -> str:
    """Call what is drawn over `x`: by its name, by what is written for it, `f(x)` where that is long."""
    text = y.place.text if y.place is not None else ""
    return y.names[0] if y.names else text if text and width(text) <= LONGEST else f"f({x})"


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


def pictures(view: View, room: int) -> list[Text]:
    """Draw y and the slope over x as rows of blocks, with where y is lowest and the slope zero."""
    found = curve(view)
    if found is None:
        return []
    over = found.x_name if found.rising else "k"
    names = (f"{found.y_name} over {over}", f"{found.slope_name} over {over}")
    label = max(map(width, names))
    lines = []
    for name, numbers, remark in (
        (names[0], found.y, _lowest(found) if found.rising else ""),
        (names[1], found.slope, _zero(found) if found.rising else ""),
    ):
        finite = [x for x in numbers if x - x == 0] or [numbers[0]]
        spread = f"{number(min(finite))} .. {number(max(finite))}"
        if len(finite) < len(numbers):
            remark = f"? is {' or '.join(sorted({number(x) for x in numbers if x - x != 0}))}"
        picture = sparkline(numbers, min(64, room - label - 34))
        line = Text(" ").append(pad(name, label), "bold").append(f"  {picture}   ")
        lines.append(
            line.append(clip(f"{pad(spread, 10)}  {remark}".rstrip(), room - width(line.plain)), "dim")
        )
    return lines


def _lowest(found: Curve) -> str:
    low = min(found.y)
    return (
        f"lowest at {found.x_name} = {number(found.x[found.y.index(low)])}" if found.y.count(low) == 1 else ""
    )


def _zero(found: Curve) -> str:
    zeros = [x for x, slope in zip(found.x, found.slope, strict=True) if slope == 0]
    return f"zero at {found.x_name} = {number(zeros[0])}" if len(zeros) == 1 else ""
