"""`--kept`: how many bytes each operation of the last sweep's graph keeps for the way back.

In: the root of a sweep that is about to begin. Out: `Kept`s by the nodes' numbers. Memory counts once, at the first
operation in tape order that keeps it, and as a whole: a view keeps all of the array that it is a part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.tape.nodes import FREED, Node, walk
from ...engine.tape.tracked import Tracked
from ...report.model import Kept


def kept_by(root: Node, held: Iterable[Any]) -> dict[int, Kept]:
    """Measure what the graph of `root` keeps; `held` are the values that the reader has anyway."""
    anyway = {id(owner) for value in held for owner, _ in _owners(value)}
    seen: set[int] = set()
    found: dict[int, Kept] = {}
    for node in reversed(walk(root)):
        if node.rule is None or node.saved is None or node.saved is FREED:
            continue
        new = own = shared = number = 0
        here: set[int] = set()
        for owner, size in _owners(node.saved):
            if id(owner) in here:
                continue
            here.add(id(owner))
            if id(owner) in seen:
                shared += size
                continue
            seen.add(id(owner))
            number, new, own = number + 1, new + size, own + size * (id(owner) in anyway)
        if here:
            found[node.number] = Kept(0, new, own, shared, number)
    return found


def _owners(saved: Any) -> Iterator[tuple[Any, int]]:
    """Go through the memory in what a node has saved: what owns it, and its bytes. Python's own numbers take none."""
    todo = [saved]
    while todo:
        value = todo.pop()
        if isinstance(value, (tuple, list)):
            todo += value
        elif isinstance(value, Mapping):
            todo += value.values()
        elif isinstance(value, Tracked):
            todo.append(value.array)
        elif arrays.is_array(value):
            owner = value
            while arrays.is_array(getattr(owner, "base", None)):
                owner = owner.base
            yield owner, int(owner.nbytes)
        elif isinstance(value, np.generic):
            yield value, int(value.nbytes)
