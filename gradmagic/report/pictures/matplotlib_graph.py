"""The graph as PNG and PDF, drawn by matplotlib from the layout's positions, with every installed font at hand.

In: a `Scene`. Out: bytes. matplotlib is optional (`gradmagic[plot]`): it draws both kinds without a
program of the system, a PDF's text can be searched, and a name that its own font lacks is written in another.
Without it the layout program draws the PNG, in the one Latin font that it brings.
"""

from __future__ import annotations

import importlib.util
import io
import warnings
from typing import TYPE_CHECKING

from ...language import tr
from ..model import ReportError
from ..parts.graph import CHARACTER
from ..shown.typeset import width
from .colours import BAD, EDGE, FILLS, GOLD, INK, MUTED, NEGATIVE, POSITIVE, SIGNS
from .dot import lacking, rendered
from .fonts import families, unlogged
from .scene import Dot, Group, Rect, Scene, Stroke, Text
from .svg import alone, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 144
PIXELS = 40_000_000  # a wider picture is drawn less fine
PAGE = 14_400  # points that a side of a PDF page may have

_ROLES = {"muted": MUTED, "zero": MUTED, "pos": POSITIVE, "neg": NEGATIVE, "bad": BAD}
EXTRA = 'pip install "gradmagic[plot]"'


def pictured(scene: Scene, dot: str, kind: str, note: str = "") -> bytes:
    """Draw the graph as `kind`, `"svg"`, `"png"` or `"pdf"`: by matplotlib, or without it by the layout program.

    An SVG is our own. The `note` is said in a warning, unless another is.

    Raises
    ------
    ReportError
        If nothing here can draw it, or write its names; the message says what to install.
    """
    if kind == "svg":
        return alone(svg(scene)).encode()
    if importlib.util.find_spec("matplotlib") is not None:
        return drawn(scene, kind, note)
    strange = lacking(dot)
    if strange and kind == "png":
        raise ReportError(tr(
            "{characters} cannot be written into a png without matplotlib: {command}, or save as svg or html.",
            characters=" ".join(strange[:12]), command=EXTRA,
        ))  # fmt: skip
    found = rendered(dot, kind)
    if note:
        warnings.warn(note, stacklevel=5)
    return found


def drawn(scene: Scene, kind: str, note: str = "") -> bytes:
    """Draw `scene` as `kind`, `"png"` or `"pdf"`; a character that no installed font has is warned of.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    from matplotlib.figure import Figure  # optional, 0.2 s

    texts = (shape for group in scene.groups for shape in group.shapes if isinstance(shape, Text))
    fonts, missing = families("".join(words for text in texts for words, _ in text.words))
    wide, high = scene.width, scene.height
    scale = min(1.0, PAGE / max(wide, high)) if kind == "pdf" else 1.0
    figure = Figure(figsize=(wide * scale / 72, high * scale / 72), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(high, 0))
    axes.set_axis_off()
    hand = _Hand(axes, fonts, scale)
    for group in scene.groups:
        hand.draw(group)
    with warnings.catch_warnings(), unlogged():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # said below, once
        found = _saved(figure, kind, min(DPI, (PIXELS / (wide * high)) ** 0.5 * 72), scene.sentence)
    if missing or note:  # whoever asked the report to save itself
        warnings.warn(unwritten(missing, kind) if missing else note, stacklevel=6)
    return found


def unwritten(missing: str, kind: str) -> str:
    """Say which characters have no glyph, and what to do."""
    return tr(
        "no font on this machine has {characters}, so the {kind} shows boxes there: install a font that has them "
        "(Noto Sans CJK for Chinese, Japanese and Korean), or save as svg or html, which a browser writes in its own "
        "fonts.",
        characters=" ".join(missing[:12]) + (" ..." if len(missing) > 12 else ""), kind=kind,
    )  # fmt: skip


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
    """Draws shapes into axes whose unit is a point."""

    def __init__(self, axes: Axes, fonts: list[str], scale: float) -> None:
        self._axes, self._fonts, self._scale = axes, fonts, scale

    def draw(self, group: Group) -> None:
        """Draw a group's shapes, one over the other."""
        color = SIGNS.get(group.kind if group.what == "e" else group.mood, EDGE)
        for shape in group.shapes:
            match shape:
                case Rect(role="catch"):
                    pass
                case Rect():
                    self._rect(shape)
                case Dot():
                    self._dot(shape)
                case Stroke():
                    self._stroke(shape, color)
                case Text():
                    self._text(shape, color if group.what == "e" else INK, halo=group.what == "e")

    def _rect(self, shape: Rect) -> None:
        from matplotlib.patches import FancyBboxPatch

        strip, _, kind = shape.role.rpartition(" ")
        fill, line = ("none", EDGE) if kind == "constant" else FILLS[kind]
        self._axes.add_patch(FancyBboxPatch(
            (shape.x, shape.y), shape.width, shape.height, facecolor=fill, edgecolor="none" if strip else line,
            boxstyle=f"round,pad=0,rounding_size={shape.radius}" if shape.radius else "square,pad=0",
            linewidth=(2 if kind == "result" else 1) * self._scale,
            linestyle=(0, (4, 3)) if kind == "constant" else "-",
        ))  # fmt: skip

    def _dot(self, shape: Dot) -> None:
        from matplotlib.patches import Circle

        fill = {"input": POSITIVE, "result": GOLD}.get(shape.role, "white")
        for size, inside, line in (
            ((4, fill, EDGE),) if not shape.ring else ((6, "none", fill), (3, fill, EDGE))
        ):
            self._axes.add_patch(
                Circle(
                    (shape.x, shape.y),
                    size,
                    facecolor=inside,
                    edgecolor=line,
                    linewidth=self._scale,
                    zorder=3,
                )
            )

    def _stroke(self, shape: Stroke, color: str) -> None:
        from matplotlib.patches import PathPatch, Polygon
        from matplotlib.path import Path

        points = [(float(x), float(y)) for x, y in shape.points]
        codes = [Path.MOVETO] + [Path.LINETO if shape.bar else Path.CURVE4] * (len(points) - 1)
        self._axes.add_patch(PathPatch(
            Path(points, codes), fill=False, edgecolor=color, linewidth=shape.weight * self._scale,
            linestyle=(0, (5 / shape.weight, 4 / shape.weight)) if shape.dashed else "-", capstyle="butt",
        ))  # fmt: skip
        if shape.arrow:
            self._axes.add_patch(Polygon(shape.arrow, closed=True, facecolor=color, edgecolor="none"))

    def _text(self, shape: Text, color: str, halo: bool) -> None:
        """Write words one behind the other, each in its colour."""
        from matplotlib.patheffects import Stroke as Outline

        advance = shape.size * CHARACTER
        x = shape.x - (
            sum(width(text) for text, _ in shape.words) * advance / 2 if shape.anchor == "middle" else 0
        )
        one = len(shape.words) == 1 and shape.anchor == "middle"
        for text, role in shape.words:
            own = next((_ROLES[part] for part in role.split() if part in _ROLES), color)
            # The halo by itself: a text that has one is drawn as outlines, and could not be searched.
            for effects in ([Outline(linewidth=3 * self._scale, foreground="white")], []) if halo else ([],):
                self._axes.text(
                    shape.x if one else x, shape.y - shape.size / 3, text, color=own, family=self._fonts,
                    fontsize=shape.size * self._scale, ha="center" if one else "left", va="center_baseline",
                    weight="bold" if role == "name" else "normal", parse_math=False, usetex=False, zorder=4,
                    path_effects=effects,
                )  # fmt: skip
            x += width(text) * advance
