"""Forward mode: an ascending sweep over recorded nodes, each handing on the tangent of its output.

In: the nodes of results, and a tangent for each input. Out: the tangents of the results.

Nothing is declared for it. An elementwise partial multiplies the tangent; a linear function is its own derivative; any
other rule has a vjp, which is linear in the cotangent, and whose transpose is taken by the tape itself. Working on
recorded nodes and not on dual numbers, nested calls cannot confuse their tangents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import arrays
from .joint import sweep_from
from .memory import check_fresh
from .primitives import cast
from .sweep import freed, pulled
from .tape import FREED, Aval, Leaf, Node, aval_of, enable_grad, state, walk, watch
from .tracked import Tracked


def push(roots: Sequence[Node], tangents: Mapping[int, Any], create_graph: bool = False) -> list[Any]:
    """Carry tangents from inputs forward to `roots`.

    Parameters
    ----------
    roots : sequence of Node
        The results.
    tangents : mapping of int to array
        The tangent of each input by its node's number, of the input's shape.
    create_graph : bool
        Record the sweep itself, so that its results can be differentiated again.

    Returns
    -------
    list of (array or None)
        The tangent of each root; None where it depends on no input.

    Raises
    ------
    FreedError, StaleError
        As a backward sweep.
    """
    known: dict[int, Any] = dict(tangents)
    for node in reversed(walk(*roots)):
        number = node.number
        if number in known:
            continue
        moved = [None if source is None else known.get(source.number) for source in node.inputs]
        if all(t is None for t in moved):
            continue
        saved = node.saved
        if saved is FREED:
            raise freed(node)
        if number < state.written:
            check_fresh(node)
        if create_graph:
            saved = node.rule.wrapped(node)
        t = node.rule.push(node, moved, saved)
        if t is NotImplemented:
            t = _transposed(node, moved, saved, create_graph)
        several = type(node.aval) is tuple
        known[number] = list(map(_fitted, t, node.aval)) if several else _fitted(t, node.aval)  # type: ignore
    return [known.get(root.number) for root in roots]


def _fitted(t: Any, aval: Aval) -> Any:
    """Bring a tangent to the shape and dtype of its value: what was broadcast has one for every entry."""
    have = t.node.aval if isinstance(t, Tracked) and t.node is not None else aval_of(getattr(t, "array", t))
    if have is aval:
        return t
    if have.shape != aval.shape:
        t = np.broadcast_to(t, aval.shape)
    if have.dtype != aval.tangent:
        if aval.tangent.kind == "f" and have.dtype.kind == "c":
            t = np.real(t)
        t = cast(t, aval.tangent)
    return t


def _transposed(node: Node, tangents: Sequence[Any], saved: Any, create_graph: bool) -> Any:
    """Give the tangent of a node's output (a list for several) by transposing its vjp, a linear function of g."""
    proto = next(t for t in tangents if t is not None)
    proto = getattr(proto, "array", proto)
    several = type(node.aval) is tuple
    avals: Any = node.aval if several else (node.aval,)
    with watch(None), enable_grad():
        gs: list[Any] = [_cotangent(aval, proto) for aval in avals]
        with np.errstate(all="ignore"):  # the values of this g are nobody's: only how the vjp uses it matters
            cotangents = pulled(node, gs if several else gs[0], saved, create_graph=True)
        pairs = [
            (c.node, t)
            for c, t in zip(cotangents, tangents, strict=False)
            if t is not None and isinstance(c, Tracked) and c.node is not None
        ]
        found: dict[int, Any] = {}
        if pairs:
            nodes, moved = zip(*pairs, strict=True)
            inputs = [g.node for g in gs]
            reached, swept, _ = sweep_from(nodes, moved, inputs, create_graph=create_graph)
            found = {n.number: swept[n.number] for n in reached}
    made = [
        found[g.node.number] if g.node.number in found else arrays.zeros(_like(aval), proto)
        for g, aval in zip(gs, avals, strict=True)
    ]
    return made if several else made[0]


def _cotangent(aval: Aval, proto: Any) -> Tracked:
    ones = arrays.ones(_like(aval), proto) if aval.shape or arrays.on_device(proto) else aval.tangent.type(1)
    return Tracked.joined(ones, Leaf(aval_of(ones)))


def _like(aval: Aval) -> Any:
    return SimpleNamespace(shape=aval.shape, dtype=aval.tangent)
