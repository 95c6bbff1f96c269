"""Tensors that require grad only because an array or number of the cell is followed: without the magic they would not.

In: what the cell's names hold when it ends. Out: the same tensors, which require grad as they would without us.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.nodes import FREED, walk
from .restore import held_by


def part_with_inputs(roots: Iterable[Any]) -> None:
    """Take those tensors off the tape which hang on watched inputs alone."""
    tensors = [v for v in held_by(roots) if issubclass(type(v), Tensor) and v.node is not None]
    borrowed = set[int]()
    for node in reversed(walk(*[t.node for t in tensors])):
        sources = [n for n in node.inputs if n is not None]
        watched = node.rule is None and node.watcher is not None
        if watched or (
            sources and node.saved is not FREED and borrowed.issuperset(n.number for n in sources)
        ):
            borrowed.add(node.number)
    for tensor in tensors:
        if tensor.node.number in borrowed:
            tensor.node = None
