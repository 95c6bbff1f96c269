"""Small line charts as SVG, 1 KB each: x against y and against the slope, the loss against the sweeps.

In: numbers. Out: SVG text without ids, in the colours of the graph in svg.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from xml.sax.saxutils import escape, quoteattr

from ...language import tr
from ..shown.numbers import number

WIDTH, HEIGHT = 300, 150
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 22, 24
POINTS = 150  # a line that has more is thinned

STYLE = (
    "text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "fill:var(--gm-muted,#5b6875)}.t{fill:var(--gm-ink,#1f2933);font-weight:600;font-size:12px}"
    ".a{stroke:var(--gm-rule,#d5dbe1)}.l{fill:none;stroke:var(--gm-pos,#1d5fa8);stroke-width:1.8;stroke-linejoin:round}"
    ".p{fill:var(--gm-pos,#1d5fa8)}.n{stroke:var(--gm-bad,#b00020);stroke-width:2}.m{fill:var(--gm-bad,#b00020)}"
)


def chart(
    title: str, x: Sequence[float | None], y: Sequence[float | None], x_name: str, path: bool = False
) -> str:
    """Draw `y` against `x` as a complete SVG document; where y is no finite number, a cross on the axis and a gap.

    Where there is no y (None) is a gap alone. `path`: the points are steps on a way, each is marked, and the last one
    most.

    Examples
    --------
    >>> chart("y", [0, 1, 2], [0, 1, 4], "x").count("<circle")
    3
    >>> chart("y", [0, 1, 2], [0, float("nan"), 4], "x").count("<circle")
    2
    """
    known = [(float(a), b) for a, b in zip(x, y, strict=True) if a is not None and a - a == 0]
    gaps = [(a, b) for a, b in known if b is not None and b - b != 0]
    if len(known) > POINTS:
        known = [known[i * (len(known) - 1) // (POINTS - 1)] for i in range(POINTS)]
    pairs = [(a, float(b)) for a, b in known if b is not None and b - b == 0]
    low_x, high_x = _ends([a for a, _ in known])
    low, high = _ends([b for _, b in pairs])
    at_x = partial(_at, low_x, high_x, LEFT, WIDTH - RIGHT)
    at_y = partial(_at, low, high, HEIGHT - BOTTOM, TOP)
    points = [(at_x(a), at_y(b)) for a, b in pairs]
    sentence = tr(
        "{y} against {x}: from {low} to {high} over {first} to {last}",
        y=title, x=x_name, low=number(low), high=number(high), first=number(low_x), last=number(high_x),
    )  # fmt: skip
    if gaps:
        sentence = tr(
            "{sentence}, no finite number at {n} of {count} points", sentence=sentence, n=len(gaps), count=len(x)
        )  # fmt: skip
    if path and pairs:
        sentence = tr(
            "{sentence}, on the way from {x} = {first} to {last}",
            sentence=sentence, x=x_name, first=number(pairs[0][0]), last=number(pairs[-1][0]),
        )  # fmt: skip
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label={quoteattr(sentence)}><style>{STYLE}</style>',
        f'<text class="t" x="{LEFT}" y="13">{escape(title)}</text>',
    ]
    if low < 0 < high:
        pieces.append(f'<path class="a" d="M{LEFT} {at_y(0.0):.1f}H{WIDTH - RIGHT}"/>')
    pieces.append(f'<path class="a" fill="none" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    for text, left, top, anchor in (
        (number(high, 3), LEFT - 6, TOP + 4, "end"),
        (number(low, 3), LEFT - 6, HEIGHT - BOTTOM, "end"),
        (number(low_x, 3), LEFT, HEIGHT - 8, "start"),
        (x_name, (LEFT + WIDTH - RIGHT) // 2, HEIGHT - 8, "middle"),
        (number(high_x, 3), WIDTH - RIGHT, HEIGHT - 8, "end"),
    ):
        pieces.append(f'<text x="{left}" y="{top}" text-anchor="{anchor}">{escape(text)}</text>')
    if points:
        pieces.append(f'<path class="l" d="{_line(known, points)}"/>')
    for a, b in gaps[:POINTS]:
        cross, base = at_x(a), HEIGHT - BOTTOM
        pieces.append(f'<path class="n" d="M{cross - 4:.1f} {base - 4}l8 8m0 -8l-8 8"/>')
        if len(gaps) == 1:
            side = "start" if cross < WIDTH / 2 else "end"
            place = f'x="{cross:.1f}" y="{base - 8}" text-anchor="{side}"'
            pieces.append(f'<text class="m" {place}>{number(b)}</text>')
    if path or len(points) <= 40:
        last = len(points) - 1 if path else -1
        for i, (a, b) in enumerate(points):
            if i in (0, last) or (a, b) != points[i - 1]:
                pieces.append(f'<circle class="p" cx="{a:.1f}" cy="{b:.1f}" r="{4 if i == last else 2.4}"/>')
    return "".join(pieces) + "</svg>"


def _line(known: list[tuple[float, float | None]], points: list[tuple[float, float]]) -> str:
    """Join the points, but not across one that has no finite number."""
    sign, left, pieces = "M", iter(points), []
    for _, b in known:
        there = b is not None and b - b == 0
        if there:
            x, y = next(left)
            pieces.append(f"{sign}{x:.1f} {y:.1f}")
        sign = "L" if there else "M"
    return "".join(pieces)


def _ends(numbers: list[float]) -> tuple[float, float]:
    return min(numbers, default=0.0), max(numbers, default=0.0)


def _at(low: float, high: float, start: float, end: float, x: float) -> float:
    # Halves first: the difference of two large floats may pass the largest.
    span = high / 2 - low / 2
    return start + (end - start) * ((x / 2 - low / 2) / span if span else 0.5)
