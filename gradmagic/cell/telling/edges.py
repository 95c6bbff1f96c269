"""Whether a result depends on its inputs entry by entry, so that its gradient is the slope of a function.

In: the root of a tape and its inputs. Out: yes or no.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...engine.rules.kinds import LinearMap
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.nodes import Node, walk


def depends_entry_by_entry(root: Node, inputs: list[Node], nodes: Iterable[Node] | None = None) -> bool:
    """Tell whether entry k of what is summed up last depends on entry k of each input only.

    `nodes` are those that `root` depends on, in tape order, where they are known.
    """
    shapes = {node.aval.shape for node in inputs}
    if len(shapes) != 1 or not next(iter(shapes)):
        return False
    (shape,) = shapes
    numbers = {node.number for node in inputs}
    reached = set(numbers)
    for node in reversed(walk(root)) if nodes is None else nodes:
        for source in node.inputs:
            if source is not None and source.number in reached:
                break
        else:
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
        for source in node.inputs:
            if source is not None and source.aval.shape != shape and source.number in reached:
                return False
    # Of a sum only: then the gradient is the slope. And of something computed, or there is no slope to speak of.
    summed = root.inputs[0] if root.inputs else None
    if root.aval.shape or summed is None or summed.number in numbers:
        return root.aval.shape != () and root.number in reached and root.number not in numbers
    return root.number in reached
