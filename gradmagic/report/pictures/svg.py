"""The graph as SVG, drawn from the layout's positions with a few tags a node: 0.5 KB where Graphviz's own takes 2.

In: a `Scene`. Out: SVG text without ids, links or scripts; colours are CSS variables with light
fallbacks, so the same bytes serve as an image and, put into a page, in its theme.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from ...language import get_language
from .colours import BAD, BOTH, EDGE, NEGATIVE, POSITIVE
from .scene import Dot, Group, Rect, Scene, Shape, Stroke, Text, Words

# White space is taken out below: here it is for the reader.
STYLE = re.sub(
    r"\n\s*",
    "",
    """
    text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;
    fill:var(--gm-ink,#1f2933);white-space:pre}
    .n rect,.c rect,circle{fill:var(--gm-card,#fff);stroke:var(--gm-edge,#6b7680)}
    .input rect{fill:var(--gm-input,#e8f1fb);stroke:var(--gm-pos,#1d5fa8)}
    .result rect{fill:var(--gm-result,#fdf3d7);stroke:var(--gm-gold,#8a6100);stroke-width:2}
    .constant rect{fill:none;stroke-dasharray:4 3}
    .n text{text-anchor:middle}
    .row text{text-anchor:start}
    .row .d{font-size:11px}
    .w.w.w,.r.r.r{fill:var(--gm-input,#e8f1fb);stroke:none}
    .w.w.z{fill:var(--gm-result,#fdf3d7)}
    .r.r.r{fill:transparent}
    .input circle{fill:var(--gm-pos,#1d5fa8)}
    .o.o{fill:none;stroke:var(--gm-pos,#1d5fa8)}
    .result circle{fill:var(--gm-gold,#8a6100)}
    .c text{font-size:11px}
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
    .veil.e{--c:var(--gm-edge,#6b7680)}
    .veil.d{fill:var(--gm-ink,#1f2933)}
    .now.e{--c:var(--gm-gold,#8a6100)}
    .on.row .r,.now.row .r{fill:var(--gm-gold,#8a6100);fill-opacity:.2}
    .wait{opacity:.45}
    .veil .s{visibility:hidden}
    .blind .e path{stroke-width:1.5}
    .blind .g.g{fill:var(--gm-ink,#1f2933)}
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
_STILL = re.sub(r"var\(--gm-\w+,(#\w+)\)", r"\1", re.sub(_LIVE, "", STYLE))
_FIXED = STYLE.replace("font:12px ", "font-size:12px;font-family:")
for _left_out in (_LIVE, r"[^{}]*\{--c:[^{}]*\}", r";?(stroke|fill):var\(--c\)", _HALO):
    _FIXED = re.sub(_left_out, "", _FIXED)
_ALONE = re.sub(r"var\(--gm-\w+,(#\w+)\)", r"\1", _FIXED) + "".join(
    f".s{kind},.e{kind} path{{stroke:{hue}}}.e{kind} polygon,.e{kind} text{{fill:{hue}}}"
    for kind, hue in _HUES.items()
)


def still(document: str) -> str:
    """Give what `svg` drew as the image of a page: without what answers to a pointer and what is not in it.

    The style was half of a small drawing; the page's script has it whole, once for all, makes a row's field to be
    pointed at, knows the ends of an edge, and takes the sentence from the image's `alt`.
    """
    bare = re.sub(r"""(<svg [^>]*?) aria-label=("[^"]*"|'[^']*')""", r"\1", document, count=1)
    bare = re.sub(r'<rect class="r"[^>]*/>|(<g [^>]*) data-s="\d+" data-d="\d+"', r"\1", bare)
    used = set(re.findall(r"(?<=<)\w+", bare)).union(*map(str.split, re.findall(r' class="([^"]*)"', bare)))
    kept = (
        f"{selectors}{{{body}}}"
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", _STILL)
        if any(used.issuperset(re.findall(r"\w+", selector)) for selector in selectors.split(","))
    )
    return bare.replace(STYLE, "".join(kept), 1)


def alone(document: str) -> str:
    """Give what `svg` drew in colours that every program reads: without CSS variables, for a file.

    Its language says in whose shapes Chinese characters are to be written, which differ.
    """
    spoken = get_language()
    written = "" if spoken == "en" else f' xml:lang="{spoken}"'
    return document.replace(STYLE, _ALONE).replace("<svg ", f'<svg xml:space="preserve"{written} ', 1)


_CLASSES = {"+": "plus", "-": "minus", "±": "both", "!": "bang", "0": "nil", "constant": "const"}


def svg(scene: Scene, tips: bool = True) -> str:
    """Draw a scene as a complete SVG document, with what is said of each part when it is pointed at, or without."""
    width, height = f"{scene.width:.0f}", f"{scene.height:.0f}"
    kind = ' class="tall"' if scene.tall else ""
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"{kind} aria-label={quoteattr(scene.sentence)}><style>{STYLE}</style>'
    )
    return start + "".join(_group(group, tips) for group in scene.groups) + "</svg>"


def _group(group: Group, tips: bool) -> str:
    kind = _CLASSES.get(group.kind, "") if group.what == "e" else group.kind.removeprefix("operation")
    row = "row" if any(isinstance(shape, Dot) for shape in group.shapes) else ""
    classes = " ".join(filter(None, (group.what, kind, row, group.mood if group.what == "e" else "")))
    marks = "" if group.key is None else f' data-k="{group.key}"'
    if group.edge is not None:
        marks = ' data-i="{}" data-s="{}" data-d="{}"'.format(*group.edge)
    tip = f"<title>{escape(group.tip)}</title>" if tips and group.tip else ""
    shapes = "".join(_shape(shape, _CLASSES.get(group.mood, "")) for shape in group.shapes)
    return f'<g class="{classes}"{marks}>{tip}{shapes}</g>'


def _shape(shape: Shape, mood: str) -> str:
    match shape:
        case Rect():
            kind = {"row input": ' class="w"', "row result": ' class="w z"', "catch": ' class="r"'}.get(
                shape.role, ""
            )
            corner = f' rx="{shape.radius:g}"' if shape.radius else ""
            x, y, wide, high = shape.x, shape.y, shape.width, shape.height
            return f'<rect{kind} x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{high:.0f}"{corner}/>'
        case Dot():
            at = f'cx="{shape.x:.0f}" cy="{shape.y:.0f}"'
            return (
                f'<circle {at} r="{3 if shape.ring else 4}"/>'
                + shape.ring * f'<circle class="o" {at} r="6"/>'
            )
        case Stroke(bar=True):
            (x, y), (end, _) = shape.points
            return f'<path class="s {mood}" d="M{x:.0f} {y:.0f}h{end - x:.0f}"/>'
        case Stroke():
            # A curve is as good to the point; the arrow's corners, 7 apart, are not.
            first, *others = (f"{x:.0f},{y:.0f}" for x, y in shape.points)
            way = f"L{others[-1]}" if {*others} <= {first, others[-1]} else f"C{' '.join(others)}"
            corners = " ".join(
                ",".join(f"{x:.1f}".removesuffix(".0") for x in point) for point in shape.arrow
            )
            head = f'<polygon points="{corners}"/>' if corners else ""
            return f'<path d="M{first}{way}" stroke-width="{shape.weight:g}"/>{head}'
        case Text():
            return _text(shape.words, f'x="{shape.x:.0f}" y="{shape.y:.0f}"')


def _text(words: Words, at: str) -> str:
    if len(words) == 1 and not words[0][1].startswith("via "):
        return f"<text {at}{_role(words[0][1])}>{escape(words[0][0])}</text>"
    spans = "".join(f"<tspan{_role(role)}>{escape(text)}</tspan>" for text, role in words)
    return f"<text {at}>{spans}</text>"


def _role(role: str) -> str:
    if role.startswith("via "):
        _, number, mood = role.split()
        return f' class="d {mood}" data-i="{number}"'
    return f' class="{role}"' if role not in {"", "value", "ink"} else ""
