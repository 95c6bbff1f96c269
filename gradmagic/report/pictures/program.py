"""A replayed function's program as a picture: what is called, on what, in the order of the calls.

In: its steps as plain data (name, text, kind of value, needs, kind of step). Out: a `Graph`, or a `Scene`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphviz

from ...errors import NoResultError
from ...language import tr
from ..parts.graph import Box, Link, Picture
from .colours import EDGE, FILLS, MUTED
from .dot import Graph
from .drawing import COLUMN
from .ranked import Wire, ranked
from .scene import Scene, of_boxes

_KINDS = {"input": "input", "constant": "constant", "guard": "result", "write": "result"}


def of_program(steps: Sequence[Any], name: str) -> Graph:
    """Draw a program.

    Raises
    ------
    NoResultError
        If there is none yet.
    """
    if not steps:
        raise NoResultError(tr("{name} has no program yet: it is recorded at its first call.", name=name))
    graph = Graph("program")
    tip = tr("the program of {name}", name=name)
    graph.attr("graph", rankdir="TB", nslimit="1", nodesep="0.25", ranksep="0.3", tooltip=tip)
    graph.attr("node", shape="box", style="rounded,filled", fontname="Courier", fontsize="10")
    graph.attr("edge", color=EDGE, arrowsize="0.6")
    for step in steps:
        fill, line = FILLS[_KINDS.get(step.kind, "operation")]
        label = graphviz.escape(f"{step.text}\n{step.value}" if step.value else step.text)
        style = {"style": "rounded,dashed", "fontcolor": MUTED} if step.kind == "constant" else {}
        graph.node(step.name, label, fillcolor=fill, color=line, **style)
        for need in step.needs:
            graph.edge(need, step.name)
    return graph


def drawn(steps: Sequence[Any]) -> Scene:
    """Draw the steps of a program from the top down."""
    boxes = [_box(step) for step in steps]
    links = [
        Link(f"e{i}", need, step.name, "", "", "", 1.0, back=False)
        for i, (step, need) in enumerate((step, need) for step in steps for need in step.needs)
    ]
    sentence = tr("the program: {count} steps", count=len(steps))
    layout = ranked(
        {b.name: (b.width, b.height) for b in boxes}, [Wire(e.name, e.tail, e.head) for e in links], COLUMN
    )
    return of_boxes(Picture(tuple(boxes), tuple(links), sentence), layout)


def _box(step: Any) -> Box:
    lines = [((step.text, ""),), ((step.value, "muted"),)] if step.value else [((step.text, ""),)]
    return Box(step.name, None, _KINDS.get(step.kind, "operation"), tuple(lines), "")
