"""A replayed function's program as DOT: what is called, on what, in the order of the calls.

In: its steps as plain data (name, text, kind of value, needs, kind of step). Out: a `Graph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphviz

from ...errors import NoResultError
from ...language import tr
from .colours import EDGE, FILLS, MUTED
from .dot import Graph

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
