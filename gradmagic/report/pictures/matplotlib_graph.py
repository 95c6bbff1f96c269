"""The graph as PNG and PDF, drawn by matplotlib from the layout's positions, with every installed font at hand.

In: a `Picture` and its `Layout`. Out: bytes. matplotlib is optional (`gradmagic[plot]`): it draws both kinds without a
program of the system, a PDF's text can be searched, and a name that its own font lacks is written in another.
Without it the layout program draws the PNG, in the one Latin font that it brings.
"""

from __future__ import annotations

import importlib.util
import io
import warnings
from typing import TYPE_CHECKING

from ..model import ReportError
from ..parts.graph import CHARACTER, FONT, LINE, Box, Link, Picture, Row
from ..shown.typeset import width
from ..shown.view import circled
from .colours import BAD, EDGE, FILLS, INK, MUTED, NEGATIVE, POSITIVE, SIGNS
from .dot import rendered
from .fonts import families
from .layout import Layout, Point, Route
from .svg import alone, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 144
PIXELS = 40_000_000  # a wider picture is drawn less fine
PAGE = 14_400  # points that a side of a PDF page may have

_ROLES = {"muted": MUTED, "zero": MUTED, "pos": POSITIVE, "neg": NEGATIVE, "bad": BAD}
EXTRA = 'pip install "gradmagic[plot]"'
_PLAIN = set("±×→…−·∑√∞≤≥≠∂ℓ")  # what the layout program's font has besides Latin, Greek and Cyrillic
_CIRCLES = str.maketrans({circled(i): f"({i})" for i in range(1, 51)})


def pictured(picture: Picture, layout: Layout | None, dot: str, kind: str) -> bytes:
    """Draw the graph as `kind`, `"svg"`, `"png"` or `"pdf"`: by matplotlib, or without it by the layout program.

    An SVG is our own.

    Raises
    ------
    ReportError
        If nothing here can draw it, or write its names; the message says what to install.
    """
    if kind == "svg" or importlib.util.find_spec("matplotlib") is not None:
        if layout is None:
            raise ReportError(
                "the graph could not be laid out in time: save it as dot, or as txt with its lanes."
            )
        return alone(svg(picture, layout)).encode() if kind == "svg" else drawn(picture, layout, kind)
    dot = dot.translate(_CIRCLES)
    strange = "".join(dict.fromkeys(c for c in dot if ord(c) >= 0x590 and c not in _PLAIN))
    if strange and kind == "png":
        raise ReportError(
            f"{' '.join(strange[:12])} cannot be written into a png without matplotlib: {EXTRA}, "
            "or save as svg or html."
        )
    return rendered(dot, kind)


def drawn(picture: Picture, layout: Layout, kind: str) -> bytes:
    """Draw `picture` as `kind`, `"png"` or `"pdf"`; a character that no installed font has is warned of.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    from matplotlib.figure import Figure  # optional, 0.2 s

    text = "".join(t for box in picture.boxes for line in box.lines for t, _ in line)
    fonts, missing = families(text + "".join(link.label for link in picture.links))
    wide, high = layout.width, layout.height
    scale = min(1.0, PAGE / max(wide, high)) if kind == "pdf" else 1.0
    figure = Figure(figsize=(wide * scale / 72, high * scale / 72), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(high, 0))
    axes.set_axis_off()
    hand = _Hand(axes, fonts, scale)
    for link in picture.links:
        if link.name in layout.edges:
            hand.link(link, layout.edges[link.name])
    for box in picture.boxes:
        if box.name in layout.nodes:
            hand.box(box, layout.nodes[box.name])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # said below, once
        found = _saved(figure, kind, min(DPI, (PIXELS / (wide * high)) ** 0.5 * 72), picture.sentence)
    if missing:
        warnings.warn(unwritten(missing, kind), stacklevel=4)
    return found


def unwritten(missing: str, kind: str) -> str:
    """Say which characters have no glyph, and what to do."""
    return (
        f"no font on this machine has {' '.join(missing[:12])}{' ...' if len(missing) > 12 else ''}, so the {kind} "
        "shows boxes there: install a font that has them (Noto Sans CJK for Chinese, Japanese and Korean), "
        "or save as svg or html, which a browser writes in its own fonts."
    )


def _saved(figure: Figure, kind: str, dpi: float, sentence: str) -> bytes:
    from matplotlib import rc_context

    # No date and no version: the same graph gives the same bytes.
    about = {"Title": sentence, "CreationDate": None, "Producer": None, "Creator": "gradmagic"}
    if kind == "png":
        about = {"Description": sentence, "Software": None}
    held = io.BytesIO()
    # Type 3 embeds every font as outlines that can be searched; 42 would not do for Noto's.
    with rc_context({"text.usetex": False, "pdf.fonttype": 3}):
        figure.savefig(held, format=kind, dpi=dpi, metadata=about, facecolor="white")
    return held.getvalue()


class _Hand:
    """Draws boxes and edges into axes whose unit is a point."""

    def __init__(self, axes: Axes, fonts: list[str], scale: float) -> None:
        self._axes, self._fonts, self._scale = axes, fonts, scale

    def box(self, box: Box, at: Point) -> None:
        from matplotlib.patches import FancyBboxPatch

        x, y = at
        left, top = x - box.width / 2, y - box.height / 2
        fill, line = ("none", EDGE) if box.kind == "constant" else FILLS[box.kind]
        self._axes.add_patch(FancyBboxPatch(
            (left, top), box.width, box.height, boxstyle=f"round,pad=0,rounding_size={box.radius}", facecolor=fill,
            edgecolor=line, linewidth=(2 if box.kind == "result" else 1) * self._scale,
            linestyle=(0, (4, 3)) if box.kind == "constant" else "-",
        ))  # fmt: skip
        if box.size:
            self._axes.plot(
                [left + 3, left + 3 + box.bar], [top + box.height - 2] * 2, color=SIGNS.get(box.mood, EDGE),
                linewidth=3 * self._scale, solid_capstyle="butt",
            )  # fmt: skip
        first = y - (len(box.lines) - 1) * LINE / 2
        for i, row in enumerate(box.lines):
            self._row(row, x, first + i * LINE)

    def _row(self, row: Row, x: float, y: float) -> None:
        """Write a row in the middle of its box, each piece in its colour."""
        if len(row) == 1:
            self._text(row[0][0], x, y, row[0][1], "center")
            return
        x -= sum(width(text) for text, _ in row) * FONT * CHARACTER / 2
        for text, role in row:
            self._text(text, x, y, role, "left")
            x += width(text) * FONT * CHARACTER

    def _text(self, text: str, x: float, y: float, role: str, side: str) -> None:
        color = next((_ROLES[part] for part in role.split() if part in _ROLES), INK)
        self._axes.text(
            x, y, text, color=color, family=self._fonts, fontsize=FONT * self._scale, ha=side, parse_math=False,
            va="center_baseline", usetex=False, weight="bold" if role == "name" else "normal",
        )  # fmt: skip

    def link(self, link: Link, route: Route) -> None:
        from matplotlib.patches import PathPatch, Polygon
        from matplotlib.path import Path
        from matplotlib.patheffects import Stroke

        color = SIGNS.get(link.sign, EDGE)
        codes = [Path.MOVETO] + [Path.CURVE4] * (len(route.points) - 1)
        self._axes.add_patch(PathPatch(
            Path(route.points, codes), fill=False, edgecolor=color, linewidth=link.weight * self._scale,
            linestyle=(0, (5 / link.weight, 4 / link.weight)) if link.dashed else "-", capstyle="butt",
        ))  # fmt: skip
        if route.arrow:
            self._axes.add_patch(Polygon(route.arrow, closed=True, facecolor=color, edgecolor="none"))
        if link.label and route.label is not None:
            x, y = route.label
            # The halo by itself: a text that has one is drawn as outlines, and could not be searched.
            for effects in ([Stroke(linewidth=3 * self._scale, foreground="white")], []):
                self._axes.text(
                    x, y - 3, link.label.rstrip(), color=color, family=self._fonts, path_effects=effects,
                    fontsize=(FONT - 1) * self._scale, ha="center", va="center_baseline", parse_math=False,
                    usetex=False,
                )  # fmt: skip
