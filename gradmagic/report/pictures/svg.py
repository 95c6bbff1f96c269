"""The graph as SVG, drawn from the layout's positions with a few tags a node: 0.5 KB where Graphviz's own takes 2.

In: a `Picture` and its `Layout`. Out: SVG text without ids, links or scripts; colours are CSS variables with light
fallbacks, so the same bytes serve as an image and, put into a page, in its theme.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from ..parts.graph import FONT, LINE, Box, Link, Picture, Row
from .colours import BAD, BOTH, EDGE, NEGATIVE, POSITIVE
from .layout import Layout, Point, Route

# White space is taken out below: here it is for the reader.
STYLE = re.sub(
    r"\n\s*",
    "",
    """
    text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;
    fill:var(--gm-ink,#1f2933);white-space:pre}
    .n rect{fill:var(--gm-card,#fff);stroke:var(--gm-edge,#6b7680)}
    .input rect{fill:var(--gm-input,#e8f1fb);stroke:var(--gm-pos,#1d5fa8)}
    .result rect{fill:var(--gm-result,#fdf3d7);stroke:var(--gm-gold,#8a6100);stroke-width:2}
    .constant rect{fill:none;stroke-dasharray:4 3}
    .n text{text-anchor:middle}
    .name{font-weight:600}
    .muted,.zero{fill:var(--gm-muted,#5b6875)}
    .pos{fill:var(--gm-pos,#1d5fa8)}
    .neg{fill:var(--gm-neg,#b3431a)}
    .bad{fill:var(--gm-bad,#b00020);font-weight:600}
    .s{fill:none;stroke-width:3;stroke:var(--c)}
    .e,.s{--c:var(--gm-edge,#6b7680)}
    .plus{--c:var(--gm-pos,#1d5fa8)}
    .minus{--c:var(--gm-neg,#b3431a)}
    .both{--c:var(--gm-both,#7a3e9d)}
    .bang{--c:var(--gm-bad,#b00020)}
    .e path{fill:none;stroke:var(--c)}
    .e polygon{fill:var(--c)}
    .e text{font-size:11px;fill:var(--c);text-anchor:middle;
    paint-order:stroke;stroke:var(--gm-bg,#fff);stroke-width:3px;stroke-linejoin:round}
    .nil path,.back path,.const path{stroke-dasharray:5 4}
    .dim{opacity:.3}
    .on rect{stroke-width:3}
    .later .g,.later .s{visibility:hidden}
    .now rect{stroke-width:3;stroke:var(--gm-gold,#8a6100);fill:var(--gm-result,#fdf3d7)}
    .now.e{--c:var(--gm-gold,#8a6100)}
    .wait{opacity:.45}
    .veil .s{visibility:hidden}
    .blind .e path{stroke-width:1.5}
    .f{font-weight:700;fill:var(--gm-gold,#8a6100);text-anchor:middle;
    paint-order:stroke;stroke:var(--gm-bg,#fff);stroke-width:4px;stroke-linejoin:round;pointer-events:none}
    .n:focus{outline:none}
    .n:focus-visible rect{stroke-width:3;stroke:var(--gm-ink,#1f2933)}
    [data-i],[data-k]{cursor:pointer}
    .h{fill:none!important;stroke:transparent!important;stroke-width:14px;pointer-events:stroke}
    """,
)

# Inkscape, librsvg and Qt know no variables, and Qt paints a halo over its text and takes :focus for all: a file that
# stands alone has neither, nor what answers to a pointer.
_HUES = {"": EDGE, ".plus": POSITIVE, ".minus": NEGATIVE, ".both": BOTH, ".bang": BAD}
_LIVE = r"(?<=\})(\.(dim|on|later|now|wait|veil|blind|f|h)\b|\.n:focus|\[data-)[^{}]*\{[^{}]*\}"
_HALO = r";?\s*paint-order:stroke;stroke:[^}]*round"
_FIXED = STYLE.replace("font:12px ", "font-size:12px;font-family:")
for _left_out in (_LIVE, r"[^{}]*\{--c:[^{}]*\}", r";?(stroke|fill):var\(--c\)", _HALO):
    _FIXED = re.sub(_left_out, "", _FIXED)
_ALONE = re.sub(r"var\(--gm-\w+,(#\w+)\)", r"\1", _FIXED) + "".join(
    f".s{kind},.e{kind} path{{stroke:{hue}}}.e{kind} polygon,.e{kind} text{{fill:{hue}}}"
    for kind, hue in _HUES.items()
)


def alone(document: str) -> str:
    """Give what `svg` drew in colours that every program reads: without CSS variables, for a file."""
    return document.replace(STYLE, _ALONE).replace("<svg ", '<svg xml:space="preserve" ', 1)


_CLASSES = {"+": "plus", "-": "minus", "±": "both", "!": "bang", "0": "nil", "constant": "const"}


def svg(picture: Picture, layout: Layout, tips: bool = True) -> str:
    """Draw `picture` as a complete SVG document, with what is said of each part when it is pointed at, or without."""
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label={quoteattr(picture.sentence)}><style>{STYLE}</style>',
    ]
    pieces += [
        _link(link, layout.edges[link.name], tips) for link in picture.links if link.name in layout.edges
    ]
    pieces += [_node(box, layout.nodes[box.name], tips) for box in picture.boxes if box.name in layout.nodes]
    return "".join(pieces) + "</svg>"


def _node(box: Box, at: Point, tips: bool) -> str:
    x, y = at
    left, top = x - box.width / 2, y - box.height / 2
    first = y - (len(box.lines) - 1) * LINE / 2 + FONT * 0.35
    key = "" if box.key is None else f' data-k="{box.key}"'
    rect = f'<rect x="{left:.0f}" y="{top:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="{box.radius}"/>'
    texts = "".join(
        _line(line, f'x="{x:.0f}" y="{first + i * LINE:.0f}"') for i, line in enumerate(box.lines)
    )
    tip = f"<title>{escape(box.tip)}</title>" if tips else ""
    # Along the lower edge, how large the gradient is beside the largest, in the colour of its sign.
    bar = f'<path class="s {_CLASSES.get(box.mood, "")}" d="M{left + 3:.0f} {top + box.height - 2:.0f}h{box.bar:.0f}"/>'
    return f'<g class="n {box.kind}"{key}>{tip}{rect}{bar if box.size else ""}{texts}</g>'


def _line(line: Row, at: str) -> str:
    if len(line) == 1:
        return f"<text {at}{_role(line[0][1])}>{escape(line[0][0])}</text>"
    spans = "".join(f"<tspan{_role(role)}>{escape(text)}</tspan>" for text, role in line)
    return f"<text {at}>{spans}</text>"


def _role(role: str) -> str:
    return f' class="{role}"' if role not in {"", "value", "ink"} else ""


def _link(link: Link, route: Route, tips: bool) -> str:
    # A curve is as good to the point; the arrow's corners, 7 apart, are not.
    first, *others = (f"{x:.0f},{y:.0f}" for x, y in route.points)
    path = f"M{first}C{' '.join(others)}"
    corners = " ".join(",".join(f"{x:.1f}".removesuffix(".0") for x in point) for point in route.arrow)
    head = f'<polygon points="{corners}"/>' if corners else ""
    label = ""
    if link.label and route.label is not None:
        x, y = route.label
        label = f'<text x="{x:.0f}" y="{y + 1:.0f}">{escape(link.label)}</text>'
    kind = " ".join(filter(None, ("e", _CLASSES.get(link.sign, ""), "back" if link.back else "")))
    ends = ""
    if link.sign != "constant":
        ends = f' data-i="{link.name[1:]}" data-s="{link.tail[1:]}" data-d="{link.head[1:]}"'
    tip = f"<title>{escape(link.tip)}</title>" if tips else ""
    return f'<g class="{kind}"{ends}>{tip}<path d="{path}" stroke-width="{link.weight:g}"/>{head}{label}</g>'
