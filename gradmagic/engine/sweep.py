"""The backward sweep: nodes by descending number, each handing its cotangent on to its inputs.

In: a root node and its cotangent. Out: the cotangents of the leaves (or of the nodes asked for).
Cotangents live here, not in the nodes, so sweeps may nest.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from . import arrays
from .errors import FreedError
from .inplace import check_fresh
from .places import describe
from .conform import conform
from .rules.declare import MINUS, PICK, SAME
from .tape import FREED, Node, between, state


class Swept(NamedTuple):
    """What a sweep gives: the nodes asked for, their cotangents by number, and which of those are fresh buffers."""

    nodes: list[Node]
    cotangents: dict[int, Any]
    owned: set[int]


def sweep(
    root: Node,
    cotangent: Any,
    *,
    inputs: Iterable[Node] | None = None,
    retain: bool = False,
    create_graph: bool = False,
) -> Swept:
    """Carry `cotangent` from `root` back to the leaves, or to `inputs` and only over what lies between.

    Parameters
    ----------
    root : Node
        Where to start.
    cotangent : array
        Of the root's shape and dtype.
    inputs : iterable of Node, optional
        Stop there; nothing that leads elsewhere is visited or freed.
    retain : bool
        Keep what the rules have saved for another sweep.
    create_graph : bool
        Record the sweep itself, so that its results can be differentiated again.

    Raises
    ------
    FreedError
        If an earlier sweep has given back what this one needs.
    StaleError
        If a saved value was changed in place since.
    """
    observer, hooks, written = state.observer, state.hooks, state.written
    retain = retain or create_graph
    wanted: dict[int, Node] = {}
    path: set[int] | None = None
    if inputs is not None:
        wanted = {node.number: node for node in inputs}
        path = between(root, wanted.values())
    found: list[Node] = []
    cotangents: dict[int, Any] = {root.number: cotangent}
    kept: dict[int, Any] = {}
    owned: set[int] = set()
    heap: list[tuple[int, Node]] = []
    if observer is not None:
        observer.began(root)
    if root.rule is None:
        found.append(root)
    elif path is None or root.number in path:
        heap.append((-root.number, root))

    while heap:
        number, node = heappop(heap)
        number = -number
        g = cotangents.pop(number)
        if hooks and number in hooks:
            g = _hooked(hooks[number], g)
        if number in wanted:
            kept[number] = g
            if not _beyond(node, path):
                continue
        saved, rule = node.saved, node.rule
        if saved is FREED:
            raise _freed(node)
        if number < written:
            check_fresh(node)
        if create_graph:
            saved = rule.wrapped(node)
        fast = rule.fast
        flows: list[Any] = []
        for source, c in zip(node.inputs, rule.partials if fast else rule.pull(node, g, saved), strict=False):
            if source is None or (path is not None and source.number not in path):
                flows.append(None)
                continue
            at = source.number
            old = cotangents.get(at)
            if fast:
                mine = c is not SAME
                c = g if c is SAME else -g if c is MINUS else g * c(*saved)
            elif c is None:
                flows.append(None)
                continue
            elif rule.into is not None and not create_graph:
                # x[i] in a loop: added into one buffer, or the loop would be quadratic.
                if old is None or at not in owned:
                    c = rule.into(arrays.zeros(source.aval, g) if old is None else np.copy(old), c, node)
                    cotangents[at] = c
                    owned.add(at)
                    if old is None:
                        found.append(source) if source.rule is None else heappush(heap, (-at, source))
                else:
                    rule.into(old, c, node)
                if observer is not None:
                    flows.append(rule.into(arrays.zeros(source.aval, g), c if old is not None else g, node))
                continue
            else:
                c = conform(c, source.aval)
                mine = c is not g and getattr(c, "base", None) is None
            if observer is not None:
                flows.append(c)
            if old is None:
                cotangents[at] = c
                if source.rule is None:
                    found.append(source)
                    if mine:
                        owned.add(at)
                else:
                    heappush(heap, (-at, source))
            elif at in owned and type(old) in arrays.KINDS and not create_graph:
                np.add(old, c, out=old)
            else:
                cotangents[at] = old + c
                owned.add(at)
        if observer is not None:
            observer.ready(node, g, tuple(flows))
        if not retain and rule.frees and saved is not None:
            node.saved = FREED
    if wanted:
        found = [node for node in found if node.number in wanted]
        found += [node for number, node in wanted.items() if number in kept]
    cotangents |= kept
    if hooks:
        for node in found:
            if node.rule is None and node.number in hooks:
                cotangents[node.number] = _hooked(hooks[node.number], cotangents[node.number])
    if observer is not None:
        for node in found:
            if node.rule is None:
                observer.ready(node, cotangents[node.number], ())
        observer.ended(root)
    return Swept(found, cotangents, owned)


def _beyond(node: Node, path: set[int] | None) -> bool:
    return path is None or any(source is not None and source.number in path for source in node.inputs)


def _hooked(functions: list[Any], g: Any) -> Any:
    for function in functions:
        changed = function(g)
        g = g if changed is None else changed
    return g


def _freed(node: Node) -> FreedError:
    where = describe(node.place)
    made = f" (made by {node.rule.name}, {where})" if where else f" (made by {node.rule.name})"
    return FreedError(
        "Trying to backward through the graph a second time, and what it had saved has been freed"
        f"{made}. Run {where.partition(' of ')[2] or 'the code that computes it'} again to compute it anew, "
        "or write backward(retain_graph=True) the first time."
    )
