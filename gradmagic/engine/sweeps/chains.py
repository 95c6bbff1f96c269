"""Chains of elementwise operations on a device, carried back by one kernel: each is the only use of the one before it.

In: a node of the everyday sweep, and its cotangent. Out: the node before the chain, and the cotangent that arrives
there. A kernel takes a tenth of a second to compile, so a chain gets its own when it comes for the third time: in a
loop, not in a cell that runs once.
"""

from __future__ import annotations

from typing import Any

from ..core import fused
from ..rules.pointwise import Elementwise, of_tables
from ..rules.rule import MINUS, SAME, ZERO, Cotangent
from ..tape.memory import check_fresh
from ..tape.nodes import FREED, Node

_LONGEST = 10  # what a kernel is told of its arrays has to fit into 4 KB
_TIMES = 3
_MOST = 4096
_KNOWN: dict[Any, Any] = {}  # by chain: how often it came, then the function of g and of all that was saved

# Of one node: how its partial meets the cotangent, the partial, and how many values it has saved.
Step = tuple[Any, Any, int]


def _step(node: Node) -> tuple[Step, Node] | None:
    """Give the step through the only tracked input of a node, and that input; None where a chain ends."""
    rule = node.rule
    tracked = [i for i, source in enumerate(node.inputs) if source is not None]
    if len(tracked) != 1 or not isinstance(rule, Elementwise):
        return None
    partial, source = rule.partials[tracked[0]], node.inputs[tracked[0]]
    if source.aval is not node.aval or not node.aval.real:  # type: ignore[union-attr]
        return None
    if partial is ZERO or not (partial is SAME or partial is MINUS or of_tables(partial)):
        return None
    return (rule.scaled, partial, len(node.saved or ())), source  # type: ignore[return-value]


def carried_back(
    node: Node, g: Cotangent, heap: list[Any], waiting: dict[int, Cotangent], retain: bool, written: int
) -> tuple[Node, Cotangent] | None:
    """Carry g back through the chain that ends in `node`; None if there is none, or it is not to be one kernel yet.

    `heap` holds the nodes whose turn comes later, `waiting` the cotangents that have arrived somewhere.
    """
    key: list[Step] = []
    passed: list[Node] = []
    at = node
    while len(passed) < _LONGEST and at.saved is not FREED and (found := _step(at)) is not None:
        step, source = found
        key.append(step)
        passed.append(at)
        at = source
        if at.number in waiting or (heap and heap[0][0] < -at.number):
            break  # more comes to it than this
    if len(passed) < 2 or (function := _function(tuple(key))) is None:
        return None
    for one in passed:
        if one.number < written:
            check_fresh(one)
    out = fused.applied(function, function, g, *(value for one in passed for value in one.saved or ()))
    if out is NotImplemented:
        return None
    for one in () if retain else passed:
        if one.saved is not None and one.rule.frees:
            one.saved = FREED
    return at, out


def _function(key: tuple[Step, ...]) -> Any:
    """Give the function of a chain: g and all that its nodes have saved to what arrives; None before its time."""
    known = _KNOWN.get(key, 0)
    if type(known) is not int:
        return known
    if len(_KNOWN) >= _MOST:
        _KNOWN.clear()
    _KNOWN[key] = function = known + 1 if known + 1 < _TIMES else _composed(key)
    return None if type(function) is int else function


def _composed(key: tuple[Step, ...]) -> Any:
    def function(g: Any, *saved: Any) -> Any:
        k = 0
        for scaled, partial, number in key:
            if partial is MINUS:
                g = -g
            elif partial is not SAME:
                g = scaled(g, partial(*saved[k : k + number]))
            k += number
        return g

    return function
