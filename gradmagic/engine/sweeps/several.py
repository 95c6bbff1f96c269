"""One sweep from several results: a node over all of them, whose cotangents are given.

In: nodes, and the cotangent of each. Out: what `sweep` gives from one root; `taken`, what the caller may keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..core.arrays import KINDS
from ..rules.rule import Cotangent, Rule, Saved
from ..tape.nodes import Node, aval_of, tick
from .backward import Swept, sweep


class _Joint(Rule):
    """Hands each input the cotangent that was saved for it."""

    kind = "joint"
    frees = False

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        return saved  # type: ignore[no-any-return]

    def wrapped(self, node: Node) -> Saved:
        return node.saved


_JOINT = _Joint(lambda *results: results, "Joint")
_ONE = 1.0


def sweep_from(
    roots: Sequence[Node],
    cotangents: Sequence[Cotangent],
    inputs: Iterable[Node] | None,
    retain: bool = False,
    create_graph: bool = False,
) -> Swept:
    """Carry the cotangents of several results back to `inputs` (None: to all leaves) in one sweep; see `sweep`."""
    if len(roots) == 1:
        return sweep(roots[0], cotangents[0], inputs, retain, create_graph)
    node = Node()
    node.rule, node.inputs, node.saved = _JOINT, tuple(roots), tuple(cotangents)
    node.aval, node.number, node.place = aval_of(_ONE), tick(), None
    return sweep(node, _ONE, inputs, retain, create_graph)


def taken(swept: Swept, nodes: Sequence[Node]) -> list[Cotangent]:
    """Give the cotangents of `nodes` from a sweep, each in memory of its own; None where none arrived."""
    reached, found, owned = swept
    numbers = {node.number for node in reached}
    return [
        None if n not in numbers else c.copy() if type(c := found[n]) in KINDS and n not in owned else c
        for n in (node.number for node in nodes)
    ]
