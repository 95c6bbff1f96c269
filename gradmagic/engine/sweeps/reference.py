"""Reverse mode, plain: what the backward sweep computes, in twenty lines, to be read first.

A result remembers how it was made: its node has the rule of the operation, the nodes of the inputs, and what the rule
has kept. The cotangent of a value says how much the result changes with each of its entries. Nodes are numbered as they
are made, so whatever used a value has a larger number than its own: going by descending number, a value's cotangent is
complete when its turn comes. The rule pulls it back to the inputs (`pull`, the vector-Jacobian product); where a value
was used several times, what comes back adds up. What arrives at the leaves are the gradients.

In: the node of a result, and its cotangent. Out: the cotangents of the leaves, by number. `backward.py` gives the same
faster, and can be watched, stopped and recorded; the tests hold it against this one, on every rule and on programs
drawn at random.
"""

from __future__ import annotations

from typing import Any

from ..rules.rule import Cotangent
from ..tape.nodes import Node, walk
from .unbroadcast import conform


def gradients(root: Node, cotangent: Cotangent) -> dict[int, Cotangent]:
    """Give the cotangent of each leaf that `root` depends on, by its number; nothing is freed.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor(3.0, requires_grad=True)
    >>> float(gradients((x * x).node, 1.0)[x.node.number])
    6.0
    """
    cotangents = {root.number: cotangent}
    for node in walk(root):  # by descending number
        if node.rule is None or node.number not in cotangents:
            continue
        g = cotangents.pop(node.number)
        for source, c in zip(node.inputs, node.rule.pull(node, g, node.saved), strict=False):
            if source is not None and c is not None:
                c = _conformed(c, source.aval)
                cotangents[source.number] = (
                    _sum(cotangents[source.number], c) if source.number in cotangents else c
                )
    return cotangents


def _conformed(c: Any, aval: Any) -> Any:
    """Undo broadcasting and promotion; of several outputs, one by one."""
    return tuple(map(conform, c, aval)) if type(aval) is tuple else conform(c, aval)


def _sum(a: Any, b: Any) -> Any:
    return tuple(map(_sum, a, b)) if type(a) is tuple else a + b
