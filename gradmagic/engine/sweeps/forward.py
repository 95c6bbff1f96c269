"""Forward mode: an ascending sweep over recorded nodes, each handing on the tangent of its output.

In: the nodes of results, and a tangent for each input. Out: the tangents of the results.

Nothing is declared for it. An elementwise partial multiplies the tangent; a linear function is its own derivative; any
other rule has a vjp, which is linear in the cotangent, and whose transpose is taken by the tape itself. Working on
recorded nodes and not on dual numbers, nested calls cannot confuse their tangents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...errors import DeviceError
from ..core import arrays
from ..rules.pointwise import Elementwise
from ..rules.rule import Cotangent, Saved
from ..tape.memory import check_fresh
from ..tape.messages import freed, lacking_text
from ..tape.modes import enable_grad, settings, watch
from ..tape.node_at import SWEEPS, node_of
from ..tape.nodes import FREED, Aval, Leaf, Node, aval_of, walk, writes
from ..tape.tracked import Raw, Tracked, raw
from .operations import pulled
from .several import sweep_from, taken
from .unbroadcast import conform


def push(
    roots: Sequence[Node], tangents: Mapping[int, Cotangent], create_graph: bool = False
) -> list[Cotangent]:
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
    try:
        return _pushed(roots, tangents, create_graph)
    except TypeError as error:
        if text := lacking_text(error, node=node_of(error)):
            raise DeviceError(text) from None
        raise


def _pushed(roots: Sequence[Node], tangents: Mapping[int, Cotangent], create_graph: bool) -> list[Cotangent]:
    known: dict[int, Cotangent] = dict(tangents)
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
        if number < writes.last:
            check_fresh(node)
        if create_graph:
            saved = node.rule.wrapped(node)
        t = pushed(node, moved, saved, create_graph)
        if t is None:  # its derivative by all that moved is 0
            continue
        known[number] = t
        for guard in settings().guards:
            guard.pushed(node, moved, known[number])
    return [known.get(root.number) for root in roots]


SWEEPS.add(_pushed.__code__)


def pushed(node: Node, tangents: Sequence[Cotangent], saved: Saved, create_graph: bool = False) -> Cotangent:
    """Carry tangents over one node by its own rule, brought to its shape and dtype; a list for several outputs."""
    masked = settings().masking is not None and isinstance(node.rule, Elementwise)
    t = _masked(node, tangents, saved) if masked else node.rule.push(node, tangents, saved)
    if t is NotImplemented:
        t = _transposed(node, tangents, saved, create_graph)
    if t is None:
        return None
    return list(map(conform, t, node.aval)) if type(node.aval) is tuple else conform(t, node.aval)


def _masked(node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Cotangent:
    """Give the tangent of an elementwise node's output with 0 * inf counted as 0, argument by argument."""
    total = None
    with np.errstate(divide="ignore", invalid="ignore"):
        for i, t in enumerate(tangents):
            if t is None:
                continue
            alone = [None] * len(tangents)
            alone[i] = t
            term = node.rule.push(node, alone, saved)
            if term is not None:
                term = settings().masking.masked(node, t, term)
                total = term if total is None else total + term
    return total


def _transposed(node: Node, tangents: Sequence[Cotangent], saved: Saved, create_graph: bool) -> Any:
    """Give the tangent of a node's output (a list for several) by transposing its vjp, a linear function of g."""
    several = type(node.aval) is tuple
    avals: Any = node.aval if several else (node.aval,)

    def vjp(gs: Any) -> Any:
        return pulled(node, gs if several else gs[0], saved, create_graph=True)

    made = transposed(vjp, avals, tangents, create_graph)
    return made if several else made[0]


def transposed(
    linear: Callable[[list[Any]], Any],
    avals: Sequence[Aval],
    cotangents: Sequence[Cotangent],
    create_graph: bool,
) -> list[Cotangent]:
    """Apply the transpose of a linear function of several arrays, which the tape finds by running it once.

    `linear` gives the results from arrays of `avals`; `cotangents` has one for each result, or None.
    """
    proto = raw(next(c for c in cotangents if c is not None))
    with watch(None), enable_grad():
        xs: list[Any] = [_input(aval, proto) for aval in avals]
        with np.errstate(
            all="ignore"
        ):  # the values of these inputs are nobody's: only how they are used matters
            results = linear(xs)
        pairs = [
            (y.node, c)
            for y, c in zip(results, cotangents, strict=False)
            if c is not None and isinstance(y, Tracked) and y.node is not None
        ]
        nodes = [x.node for x in xs]
        found: list[Cotangent] = [None] * len(xs)
        if pairs:
            roots, given = zip(*pairs, strict=True)
            found = taken(sweep_from(roots, given, nodes, create_graph=create_graph), nodes)
    return [
        arrays.zeros(_like(aval), proto) if c is None else c for c, aval in zip(found, avals, strict=True)
    ]


def _input(aval: Aval, proto: Raw) -> Tracked:
    ones = arrays.ones(_like(aval), proto) if aval.shape or arrays.on_device(proto) else aval.tangent.type(1)
    return Tracked.joined(ones, Leaf(aval_of(ones)))


def _like(aval: Aval) -> Any:
    return SimpleNamespace(shape=aval.shape, dtype=aval.tangent)
