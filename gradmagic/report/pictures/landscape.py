"""The way of a fit on its loss, as SVG: on the curve of one variable, on the contour lines of two.

In: a `Descent`. Out: SVG text without ids, in the frame and the colours of the charts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from ...language import tr
from ..descent import Descent
from ..shown.numbers import finite, number
from .charts import BOTTOM, HEIGHT, LEFT, POINTS, RIGHT, STYLE, TOP, WIDTH, _at

TALL = 230  # of contour lines
LINES = 9  # contour lines
# In the elements themselves: a page's script draws all charts with one style, which knows none of these.
_CONTOUR = "fill:none;stroke:var(--gm-muted,#5b6875);stroke-width:.8"
_PATH, _DOT = "fill:none;stroke:var(--gm-gold,#b8860b);stroke-width:1.4", "fill:var(--gm-gold,#b8860b)"
_END = "fill:var(--gm-neg,#b3541e)"


def landscape(descent: Descent) -> str:
    """Draw the way on the loss; `""` where there are more than two numbers, or none that can be drawn."""
    axes = len(descent.axes)
    columns = [finite(column) for column in descent.ticks]
    if not axes or any(len(set(column)) < 2 for column in columns) or not any(map(finite, descent.field)):
        return ""
    return _curve(descent) if axes == 1 else _contours(descent)


def _curve(descent: Descent) -> str:
    x, y = descent.ticks[0], descent.field[0]
    known = finite([*y, *descent.heights])
    low, high = min(known), _top(known, descent.heights)
    at_x = partial(_at, x[0], x[-1], LEFT, WIDTH - RIGHT)
    at_y = partial(_at, low, high, HEIGHT - BOTTOM, TOP)
    pieces = _frame(descent, HEIGHT, (x[0], x[-1]), (low, high), descent.axes[0], "")
    pieces.append(
        f'<path class="l" d="{_joined(x, [v if low <= v <= high else float("nan") for v in y], at_x, at_y)}"/>'
    )
    way = [(a, b) for (a,), b in zip(descent.way, descent.heights, strict=True)]
    return "".join([*pieces, *_way(way, at_x, at_y)]) + "</svg>"


def _contours(descent: Descent) -> str:
    (x, y), field = descent.ticks, descent.field
    at_x = partial(_at, x[0], x[-1], LEFT, WIDTH - RIGHT)
    at_y = partial(_at, y[0], y[-1], TALL - BOTTOM, TOP)
    pieces = _frame(descent, TALL, (x[0], x[-1]), (y[0], y[-1]), *descent.axes)
    drawn = []
    for level in levels(field):
        drawn += [
            f"M{at_x(a):.0f} {at_y(b):.0f}L{at_x(c):.0f} {at_y(d):.0f}"
            for (a, b), (c, d) in lines(x, y, field, level)
        ]
    pieces.append(f'<path style="{_CONTOUR}" d="{"".join(drawn)}"/>')
    return "".join([*pieces, *_way([(a, b) for a, b in descent.way], at_x, at_y)]) + "</svg>"


def levels(field: Sequence[Sequence[float]], count: int = LINES) -> list[float]:
    """Choose the heights of contour lines: between each two as many of the field's points.

    Examples
    --------
    >>> levels([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], 2)
    [2.0, 4.0]
    """
    known = sorted(finite(v for row in field for v in row))
    return list(dict.fromkeys(known[(i + 1) * len(known) // (count + 1)] for i in range(count)))


def lines(
    x: Sequence[float], y: Sequence[float], field: Sequence[Sequence[float]], level: float
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Give the pieces of one contour line, square by square (marching squares: Lorensen and Cline, 1987, in the plane).

    Examples
    --------
    >>> list(lines([0.0, 1.0], [0.0, 1.0], [[0.0, 2.0], [0.0, 2.0]], 1.0))
    [((0.5, 0.0), (0.5, 1.0))]
    """
    for (y0, low), (y1, high) in pairwise(zip(y, field, strict=True)):
        for i, (x0, x1) in enumerate(pairwise(x)):
            corners = [(x0, y0, low[i]), (x1, y0, low[i + 1]), (x1, y1, high[i + 1]), (x0, y1, high[i])]
            if any(v - v != 0 for *_, v in corners):
                continue
            met = []
            for (a, b, v), (c, d, w) in zip(corners, [*corners[1:], corners[0]], strict=True):
                if (v < level) != (w < level):
                    part = (level - v) / (w - v)
                    met.append((a + part * (c - a), b + part * (d - b)))
            if len(met) == 4 and (sum(v for *_, v in corners) / 4 < level) == (corners[0][2] < level):
                met = [met[1], met[2], met[3], met[0]]  # a saddle: the middle says which two belong together
            yield from zip(met[::2], met[1::2], strict=True)


def _top(known: list[float], heights: Sequence[float]) -> float:
    """Choose how high the picture is: the way, with some room, and all where that is not much more."""
    most = max(finite(heights), default=max(known))
    return min(max(known), most + 0.35 * (most - min(known)) or max(known))


def _frame(
    descent: Descent, tall: int, x: tuple[float, float], y: tuple[float, float], x_name: str, y_name: str
) -> list[str]:
    (low_x, high_x), (low, high) = x, y
    title = tr("{y} over {x}", y=descent.loss_name, x=tr(" and ").join(descent.axes))
    first, last = (", ".join(map(number, point)) for point in (descent.way[0], descent.way[-1]))
    sentence = tr(
        "{title}, with the way of {method} from {first} to {last}",
        title=title, method=descent.method, first=first, last=last,
    )  # fmt: skip
    base = tall - BOTTOM
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" width="{WIDTH}" height="{tall}" '
        f'role="img" aria-label={quoteattr(sentence)}><style>{STYLE}</style>',
        f'<text class="t" x="{LEFT}" y="13">{escape(title)}</text>',
        f'<path class="a" fill="none" d="M{LEFT} {TOP}V{base}H{WIDTH - RIGHT}"/>',
    ]
    for text, left, top, anchor in (
        (number(high, 3), LEFT - 6, TOP + 4, "end"), (number(low, 3), LEFT - 6, base, "end"),
        (y_name, LEFT - 6, (TOP + base) // 2, "end"), (number(low_x, 3), LEFT, tall - 8, "start"),
        (x_name, (LEFT + WIDTH - RIGHT) // 2, tall - 8, "middle"), (number(high_x, 3), WIDTH - RIGHT, tall - 8, "end"),
    ):  # fmt: skip
        if text:
            pieces.append(f'<text x="{left}" y="{top}" text-anchor="{anchor}">{escape(text)}</text>')
    return pieces


def _way(way: list[tuple[float, float]], at_x: partial[float], at_y: partial[float]) -> list[str]:
    known = [(a, b) for a, b in way if a - a == 0 and b - b == 0]
    if len(known) > POINTS:
        known = [known[i * (len(known) - 1) // (POINTS - 1)] for i in range(POINTS)]
    if not known:
        return []
    at = list(dict.fromkeys((f"{at_x(a):.1f}", f"{at_y(b):.1f}") for a, b in known))
    few = "".join(f'<circle cx="{a}" cy="{b}" r="2"/>' for a, b in at[:: 1 + len(at) // 40])
    (a, b), (c, d) = at[0], (f"{at_x(known[-1][0]):.1f}", f"{at_y(known[-1][1]):.1f}")
    return [
        f'<path style="{_PATH}" d="M{"L".join(f"{a} {b}" for a, b in at)}"/>',
        f'<g style="{_DOT}">{few}<circle cx="{a}" cy="{b}" r="3.4"/></g>',
        f'<circle style="{_END}" cx="{c}" cy="{d}" r="4"/>',
    ]


def _joined(x: Sequence[float], y: Sequence[float], at_x: partial[float], at_y: partial[float]) -> str:
    pieces, sign = [], "M"
    for a, b in zip(x, y, strict=True):
        if b - b == 0:
            pieces.append(f"{sign}{at_x(a):.1f} {at_y(b):.1f}")
        sign = "L" if b - b == 0 else "M"
    return "".join(pieces)
