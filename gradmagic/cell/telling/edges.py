"""The edges of the graph: which argument came from where, and the local derivative in the reader's own names.

In: a node, the recorder, names and place. Out: `Edge`s; and whether a result depends on its inputs entry by entry.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ...engine.core import arrays
from ...engine.rules.kinds import General, LinearMap
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.memory import poisoned
from ...engine.tape.nodes import Node, walk
from ...report.model import Edge, Place
from ..reading import source
from .cell_recorder import CellRecorder


@cache
def _read(rule: Elementwise, argument: int) -> tuple[str, tuple[str, ...]]:
    """Read a formula from its source once (60 us), not for each of 10,000 operations of a loop."""
    return rule.formula(argument)


def edges_of(
    node: Node,
    keys: dict[int, int],
    recorder: CellRecorder,
    names: dict[int, list[str]],
    place: Place | None,
    called: tuple[str, ...],
) -> tuple[Edge, ...]:
    """Give the edges into a node: formulas in the reader's own names, the local derivatives, what flowed back."""
    texts = source.argument_texts(place.text) if place is not None else ()
    matrices = recorder.jacobian(node.number)
    locals_, flows = recorder.locals.get(node.number), recorder.flows.get(node.number)
    edges = []
    for i, origin in enumerate(node.inputs):
        if origin is None:
            text = texts[i] if i < len(texts) else _constant(node, i)
            edges.append(Edge(None, text, i, shape=_shape(node, i)))
            continue
        edges.append(
            Edge(
                keys[origin.number],
                "",
                i,
                _formula(node, i, texts, names, place, called),
                locals_[i] if locals_ is not None and i < len(locals_) else None,
                flows[i] if flows is not None and i < len(flows) else None,
                jacobian=matrices[i] if i < len(matrices) else (),
            )
        )
    return tuple(edges)


def _constant(node: Node, i: int) -> str:
    kept = node.rule.kept(node)
    if kept is not None and isinstance(node.rule, Elementwise):
        value = kept.args[i]
        if value is not None and np.size(value) == 1:
            return f"{np.asarray(arrays.to_host(value)).item():g}" if np.isrealobj(value) else str(value)
    return "constant"


def _shape(node: Node, i: int) -> tuple[int, ...] | None:
    """Tell a constant's shape, where the tape has it."""
    kept = node.rule.kept(node)
    if kept is None or not isinstance(node.rule, (Elementwise, General)):
        return None
    value = kept.args[i]
    shape = getattr(value, "shape", () if isinstance(value, (int, float, complex)) else None)
    return None if shape is None else tuple(shape)


def _formula(
    node: Node,
    i: int,
    texts: tuple[str, ...],
    names: dict[int, list[str]],
    place: Place | None,
    called: tuple[str, ...],
) -> str:
    if poisoned(node):
        return ""
    rule = node.rule
    text, parameters = _read(rule, i) if isinstance(rule, Elementwise) else rule.formula(i)
    if not text or not parameters:
        return text  # type: ignore[no-any-return]
    short = place is not None and len(place.text) <= 24
    filled = [called[-1] if called else f"({place.text})" if place is not None and short else ""]
    for k, origin in enumerate(node.inputs):
        own = names.get(origin.number, ()) if origin is not None else ()
        filled.append(own[-1] if own else texts[k] if k < len(texts) and len(texts[k]) <= 24 else "")
    return source.filled_in(text, parameters, tuple(filled))


def depends_entry_by_entry(root: Node, inputs: list[Node]) -> bool:
    """Tell whether entry k of what is summed up last depends on entry k of each input only."""
    shapes = {node.aval.shape for node in inputs}
    if len(shapes) != 1 or not next(iter(shapes)):
        return False
    (shape,) = shapes
    numbers = {node.number for node in inputs}
    reached = set(numbers)
    for node in reversed(walk(root)):
        if not any(s is not None and s.number in reached for s in node.inputs):
            continue
        reached.add(node.number)
        if (
            node is root
            and isinstance(node.rule, LinearMap)
            and node.rule.name in ("sum", "mean")
            and not node.aval.shape
        ):
            continue
        if not isinstance(node.rule, Elementwise) or node.aval.shape != shape:
            return False
        if any(s is not None and s.number in reached and s.aval.shape != shape for s in node.inputs):
            return False
    # Of a sum only: then the gradient is the slope. And of something computed, or there is no slope to speak of.
    summed = root.inputs[0] if root.inputs else None
    if root.aval.shape or summed is None or summed.number in numbers:
        return root.aval.shape != () and root.number in reached and root.number not in numbers
    return root.number in reached
