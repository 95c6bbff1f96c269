r"""The graph in LaTeX, for a notebook that becomes a PDF: drawn with pgf, which nbconvert's template has.

In: a `Scene`. Out: a `pgfpicture` in a group of its own; 0.2 KB a box where a PNG of the graph would be 40 KB in all.
"""

from __future__ import annotations

from ..parts.graph import CHARACTER, FONT
from ..shown.notation import upright
from ..shown.typeset import width
from .colours import BAD, BOTH, EDGE, FILLS, GOLD, INK, MUTED, NEGATIVE, POSITIVE, SIGNS
from .scene import Dot, Group, Rect, Scene, Shape, Stroke, Text

_ROLES = {"muted": MUTED, "zero": MUTED, "pos": POSITIVE, "neg": NEGATIVE, "bad": BAD}
_NAMES = {hue: chr(ord("a") + i) for i, hue in enumerate(
    (INK, MUTED, EDGE, POSITIVE, NEGATIVE, BOTH, BAD, GOLD, *(fill for fill, _ in FILLS.values()), FILLS["constant"][1])
)}  # fmt: skip
# Colours have a letter each. A box with its line, a strip, a dot; the pieces of a line; texts from the left and around
# their middle, in two sizes. All at points of the page.
_MACROS = (
    "".join(rf"\definecolor{{g{name}}}{{HTML}}{{{hue[1:]}}}" for hue, name in _NAMES.items())
    + r"""%
\def\gp#1#2{\pgfpoint{#1bp}{#2bp}}\def\gf#1{\pgfsetfillcolor{g#1}}\def\gq#1{\pgfsetstrokecolor{g#1}}%
\def\gr#1#2#3#4#5{\gf#1\pgfpathrectangle{\gp{#2}{#3}}{\gp{#4}{#5}}\pgfusepath{fill}}%
\def\gb#1#2#3#4#5#6{\gf#1\gq#2\pgfpathrectangle{\gp{#3}{#4}}{\gp{#5}{#6}}\pgfusepath{fill,stroke}}%
\def\go#1#2#3#4{\gf#1\gq#2\pgfpathcircle{\gp{#3}{#4}}{4bp}\pgfusepath{fill,stroke}}%
\def\gm#1#2{\pgfpathmoveto{\gp{#1}{#2}}}\def\gl#1#2{\pgfpathlineto{\gp{#1}{#2}}}%
\def\gk#1#2#3#4#5#6{\pgfpathcurveto{\gp{#1}{#2}}{\gp{#3}{#4}}{\gp{#5}{#6}}}%
\def\gs#1#2{\gq#1\pgfsetlinewidth{#2bp}\pgfusepath{stroke}\pgfsetlinewidth{1bp}}\def\ga#1{\gf#1\pgfusepath{fill}}%
\def\gz#1#2#3#4#5#6{\pgftext[base,#1x=#3bp,y=#4bp]{\color{g#5}\fontsize{#2}{#2}\selectfont\ttfamily#6}}%
\def\gt{\gz{left,}{12}}\def\gu{\gz{left,}{11}}\def\gT{\gz{}{12}}\def\gU{\gz{}{11}}%
"""
)


def picture(scene: Scene) -> str:
    r"""Draw a scene, as wide as it is or as wide as the page.

    A document without pgf is left without the picture.
    """
    drawn = "%\n".join(filter(None, (_group(scene, group) for group in scene.groups)))
    whole = rf"{{\gp00}}{{\gp{{{scene.width:.0f}}}{{{scene.height:.0f}}}}}"
    size = rf"\pgfpathrectangle{whole}\pgfusepath{{use as bounding box}}"
    return (
        "\\ifcsname pgfpicture\\endcsname{%\n" + _MACROS
        + "\\begin{adjustbox}{max width=\\linewidth,max totalheight=.85\\textheight}\\begin{pgfpicture}%\n"
        + "\\pgfsetlinewidth{1bp}" + size + "%\n" + drawn + "%\n\\end{pgfpicture}\\end{adjustbox}}\\fi\n"
    )  # fmt: skip


def _group(scene: Scene, group: Group) -> str:
    at = _At(scene.height)
    edge = group.what == "e"
    color = SIGNS.get(group.kind if edge else group.mood, EDGE)
    return "".join(_shape(shape, at, color, color if edge else INK) for shape in group.shapes)


def _shape(shape: Shape, at: _At, color: str, ink: str) -> str:
    match shape:
        case Rect(role="catch"):
            return ""
        case Rect():
            strip, _, kind = shape.role.rpartition(" ")
            fill, line = (_NAMES[hue] for hue in FILLS.get(kind, FILLS["operation"]))
            ends = f"{at(shape.x, shape.y + shape.height)}{{{shape.width:.0f}}}{{{shape.height:.0f}}}"
            return rf"\gr {fill}{ends}" if strip else rf"\gb {fill}{line}{ends}"
        case Dot():
            fill = {"input": POSITIVE, "result": GOLD}.get(shape.role, FILLS["operation"][0])
            return rf"\go {_NAMES[fill]}{_NAMES[EDGE]}{at(shape.x, shape.y)}"
        case Stroke():
            return _stroke(shape, at, _NAMES[color])
        case Text():
            return _text(shape, at, ink)


def _stroke(shape: Stroke, at: _At, color: str) -> str:
    first, *others = (at(x, y) for x, y in shape.points)
    if shape.bar or {*others} <= {first, others[-1]}:
        way = rf"\gl{others[-1]}"
    else:
        way = "".join(rf"\gk{''.join(others[i : i + 3])}" for i in range(0, len(others), 3))
    drawn = rf"\gm{first}{way}\gs {color}{{{shape.weight:g}}}"
    corners = r"\gl".join(at(x, y) for x, y in shape.arrow)
    return drawn + (rf"\gm{corners}\ga {color}" if corners else "")


def _text(shape: Text, at: _At, ink: str) -> str:
    """Write words one behind the other, each in its colour."""
    advance, middle = shape.size * CHARACTER, shape.anchor == "middle"
    x = shape.x
    if middle and len(shape.words) > 1:
        x -= sum(width(text) for text, _ in shape.words) * advance / 2
    macro = (
        ("gT" if shape.size == FONT else "gU")
        if middle and len(shape.words) == 1
        else ("gt" if shape.size == FONT else "gu")
    )
    written = []
    for text, role in shape.words:
        hue = next((_ROLES[part] for part in role.split() if part in _ROLES), ink)
        lead = (len(text) - len(text.lstrip(" "))) * advance
        said = (r"\bfseries " if role == "name" else " ") + upright(text.strip(" ")).replace(" ", "~")
        written.append(rf"\{macro}{at(x + lead, shape.y)}{_NAMES[hue]}{{{said}}}")
        x += width(text) * advance
    return "".join(written)


class _At:
    """Writes points, up from the lower edge."""

    def __init__(self, height: float) -> None:
        self._height = height

    def __call__(self, x: float, y: float) -> str:
        return f"{{{x:.0f}}}{{{self._height - y:.0f}}}"
