"""The graph as DOT: a `graphviz.Digraph` that needs no Graphviz on the machine to be shown or rendered.

In: a `Picture`. Out: a `Graph`. Boxes have the size that their text takes in a monospaced font.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphviz

from ...language import tr
from ..model import ReportError
from ..parts.graph import FONT, Picture
from ..shown.naming import circled
from ..shown.typeset import width
from . import layout
from .colours import EDGE, FILLS, MUTED, SIGNS

STRETCHED = 1_000  # ranks that edges pass over, together: 2,000 take 0.4 s as curves and 0.1 straight
NEEDS_DOT = {"pdf", "ps", "eps", "gif", "webp", "tiff"}
_PIXELS = {"png", "jpg", "jpeg", "bmp", *NEEDS_DOT}  # kinds that have a font's glyphs in them, not its name
_PLAIN = set("±×→…−·∑√∞≤≥≠∂ℓ")  # what the layout program's font has besides Latin, Greek and Cyrillic
_CIRCLES = str.maketrans({circled(i): f"({i})" for i in range(1, 11)})
_TIP = re.compile(r'tooltip="(?:[^"\\]|\\.)*"')


class Graph(graphviz.Digraph):  # type: ignore[misc]
    """A `graphviz.Digraph`, rendered by the layout program that comes with gradmagic where there is no `dot`.

    `drawn` gives the graph of the source `made` as one of our own kinds, for where no program can be started, or its
    font has not all characters.
    """

    drawn: Callable[[str], bytes] | None = None
    made = ""

    def __repr__(self) -> str:
        size = len(self.source)
        return tr("<graph: {n:,} characters of DOT in .source; .render(name) draws it>", n=size)

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **kwargs: Any) -> Any:
        """Render to bytes, or to text where `encoding` is given: svg, png, jpg ...; pdf needs Graphviz's `dot`."""
        if layout.program("dot") is not None:
            return super().pipe(format, *args, encoding=encoding, **kwargs)
        found = self._rendered(format or self.format)
        return found if encoding is None else found.decode(encoding)

    def render(self, filename: Any = None, *args: Any, format: str | None = None, **kwargs: Any) -> str:
        """Write the DOT to `filename` and the picture beside it; give the picture's path."""
        if layout.program("dot") is not None:
            return str(super().render(filename, *args, format=format, **kwargs))
        kind = format or self.format
        source = Path(self.save(filename, directory=kwargs.get("directory")))
        path = Path(kwargs.get("outfile") or f"{source}.{kind}")
        path.write_bytes(self._rendered(kind))
        if kwargs.get("cleanup"):
            source.unlink()
        return str(path)

    def _rendered(self, kind: str) -> bytes:
        own = self.drawn if self.source == self.made else None
        strange = lacking(self.source) if kind in _PIXELS else ""
        if strange and kind == "png" and own is not None:
            return own(kind)
        try:
            found = rendered(self.source, kind)
        except ReportError:
            if kind != "svg" or own is None:
                raise
            return own(kind)
        if strange:
            warnings.warn(tr(
                "graphviz-pure's font has no {characters}, so the {kind} shows boxes there: install Graphviz's dot, or "
                'write report.save("graph.png").',
                characters=" ".join(strange[:12]), kind=kind,
            ), stacklevel=4)  # fmt: skip
        return found


def lacking(dot: str) -> str:
    """List the characters that are drawn and that the layout program's font has not."""
    drawn = _TIP.sub("", dot).translate(_CIRCLES)
    return "".join(dict.fromkeys(c for c in drawn if ord(c) >= 0x590 and c not in _PLAIN))


def rendered(dot: str, kind: str) -> bytes:
    """Draw `dot` as `kind`, by the wheel's program or the system's.

    Raises
    ------
    ReportError
        If neither can.
    """
    for engine in ("pure", "dot"):
        font = engine == "dot" or kind not in _PIXELS
        found = layout.render(dot if font else dot.translate(_CIRCLES), kind, engine)
        if found is not None:
            return found
    if layout.program("dot") is None and kind in NEEDS_DOT:
        raise ReportError(tr(
            '{kind} takes Graphviz\'s dot, which is not here; report.save("graph.svg") and html need nothing, and '
            'report.save("graph.pdf") takes matplotlib: pip install "gradmagic[plot]".',
            kind=kind,
        ))  # fmt: skip
    raise ReportError(tr(
        "nothing here draws {kind}: it takes a program that can be started (Graphviz's dot, graphviz-pure's). "
        'report.save("graph.svg"), html, txt and dot need none; png and pdf take matplotlib: '
        'pip install "gradmagic[plot]".',
        kind=kind,
    ))  # fmt: skip


def digraph(drawn: Picture) -> Graph:
    """Write a picture as DOT, from left to right."""
    graph = Graph("gradient")
    # nslimit: a 300-operation network takes 0.2 s instead of 4.2, with the same drawing.
    graph.attr(
        "graph", rankdir="LR", nslimit="1", nodesep="0.3", ranksep="0.45", tooltip=_escaped(drawn.sentence)
    )
    if _stretch(drawn) > STRETCHED:
        graph.attr("graph", splines="line")
    graph.attr(
        "node", shape="box", style="rounded,filled", fontname="Courier", fontsize=str(FONT), fixedsize="true"
    )
    graph.attr("edge", fontname="Courier", fontsize=str(FONT - 1), arrowsize="0.7")
    for box in drawn.boxes:
        label = "\\n".join(_escaped("".join(text for text, _ in line)) for line in box.lines)
        fill, line = FILLS[box.kind]
        graph.node(
            box.name, graphviz.nohtml(label), width=f"{box.width / 72:.3f}", height=f"{box.height / 72:.3f}",
            fillcolor=fill, color=line, tooltip=_escaped(box.tip), **_EXTRA.get(box.kind, {}),
        )  # fmt: skip
    for link in drawn.links:
        colour = SIGNS.get(link.sign, EDGE if link.sign == "0" else MUTED)
        more = {"constraint": "false"} if link.back else {}
        if link.dashed:
            more["style"] = "dashed"
        graph.edge(
            link.tail, link.head, graphviz.nohtml(_label(link.label)), id=link.name, color=colour, fontcolor=colour,
            penwidth=f"{link.weight:g}", tooltip=_escaped(link.tip), **more,
        )  # fmt: skip
    return graph


def _stretch(drawn: Picture) -> int:
    """Add up how many ranks the edges pass over: curves around what lies there take most of the layout's time."""
    ranks: dict[str, int] = {}
    links = [link for link in drawn.links if not link.back]
    into: dict[str, list[str]] = {}
    for link in links:
        into.setdefault(link.head, []).append(link.tail)
    for box in drawn.boxes:  # in tape order: what comes in stands before
        ranks[box.name] = max((ranks.get(tail, 0) + 1 for tail in into.get(box.name, ())), default=0)
    return sum(max(0, ranks.get(link.head, 0) - ranks.get(link.tail, 0) - 1) for link in links)


_EXTRA = {"constant": {"style": "rounded,dashed", "fontcolor": MUTED}, "result": {"penwidth": "2"}}


def _label(text: str) -> str:
    """Pad a label where it has full-width characters, which the layout program takes to be narrow."""
    return _escaped(text + " " * (width(text) - len(text))) + (" " if text else "")


def _escaped(text: str) -> str:
    escaped: str = graphviz.escape(text)
    return escaped.replace("\n", "\\n")
