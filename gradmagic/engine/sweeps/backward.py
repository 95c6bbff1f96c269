"""The backward sweep: nodes by descending number, each handing its cotangent on to its inputs.

`reference.py` is the same in twenty lines; here it stands twice, for speed: `_everyday` and `_watched`.
In: a root node and its cotangent. Out: the cotangents of the leaves (or of the nodes asked for).
Cotangents live here, not in the nodes, so sweeps may nest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush, heappushpop
from math import inf
from typing import Any

import numpy as np

from ...errors import DeviceError
from ..core import arrays
from ..core.arrays import KINDS, SCALARS, filled
from ..rules.kinds import LinearMap
from ..rules.pointwise import HOST, fused_share
from ..rules.rule import MINUS, SAME, Cotangent
from ..tape.memory import check_fresh
from ..tape.messages import freed, lacking_text
from ..tape.modes import settings
from ..tape.node_at import SWEEPS, blamed, node_of
from ..tape.nodes import FREED, HOOKS, Node, all_leaves, between, writes
from ..tape.tracked import Tracked
from .chains import carried_back
from .operations import Scattered, edited, pulled
from .unbroadcast import conform

_ndarray = np.ndarray
_SMALL = 4096  # adding in place pays for large arrays only: NumPy looks for overlap first (0.4 to 1.5 us)

# What a sweep gives: the nodes asked for, the cotangents by number, and the numbers of those that are fresh buffers.
# A plain tuple: a NamedTuple takes 0.4 us to make, a tenth of a small sweep.
Swept = tuple[list[Node], dict[int, Cotangent], set[int]]


def sweep(
    root: Node,
    cotangent: Cotangent,
    inputs: Iterable[Node] | None = None,
    retain: bool = False,
    create_graph: bool = False,
    hooks: bool = True,
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
    hooks : bool
        Call the hooks of the user's (`register_hook`, `retain_grad`).

    Raises
    ------
    FreedError
        If an earlier sweep has given back what this one needs.
    StaleError
        If a saved value was changed in place since.
    """
    try:
        now = settings()
        if now.masking is not None:
            with np.errstate(divide="ignore", invalid="ignore"):  # what is masked is reported by its line
                return _watched(root, cotangent, inputs, retain, create_graph, hooks)
        if now.observer is None and not (HOOKS and hooks):
            inputs = inputs if inputs is None else list(inputs)
            if inputs is None or all_leaves(root, inputs):
                return _everyday(root, cotangent, retain, create_graph)
        return _watched(root, cotangent, inputs, retain, create_graph, hooks)
    except (ArithmeticError, Warning) as error:
        blamed(error)
        raise
    except TypeError as error:
        if text := lacking_text(error, node=node_of(error)):
            raise DeviceError(text) from None
        raise


def _everyday(root: Node, g: Cotangent, retain: bool, create_graph: bool) -> Swept:
    """The sweep that nobody watches, to all leaves. What `_watched` does besides costs a quarter more a node.

    The cotangent of the next node of a chain is carried along; only what has to wait goes to the heap. One that is the
    same at every entry (a sum's) is carried as that number, until something else than a product asks for it.
    """
    retain = retain or create_graph
    written = writes.last
    looked_at = inf if create_graph else written
    found: list[Node] = []
    cotangents: dict[int, Cotangent] = {}
    cotangent_at = cotangents.get
    owned: set[int] = set()
    heap: list[tuple[int, Node]] = []
    spare: Cotangent = None  # the last cotangent that a write has given back, which only `spare_of` has
    spare_of: Node | None = None
    node = root
    host = create_graph or type(g) in HOST
    numbers = False  # whether one may be carried in place of an array
    if root.rule is None:
        return [root], {root.number: g}, owned
    while True:
        rule, saved = node.rule, node.saved
        if saved is FREED:
            raise freed(node)
        if node.number < looked_at:
            if node.number < written:
                check_fresh(node)
            if create_graph:
                saved = rule.wrapped(node)
        fast, inputs = rule.fast, node.inputs
        parts: Sequence[Any]
        if not host and (passed := carried_back(node, g, heap, cotangents, retain, written)) is not None:
            fast, inputs, parts = False, passed[:1], passed[1:]
        elif fast:
            parts = rule.moves
        else:
            if type(g) in SCALARS and node.aval.shape:
                g = filled(g, node.aval)
            if type(rule) is LinearMap and rule.into is None and not rule.sequence:
                like, rest, kwargs = saved
                c = rule.transpose(g, like, *rest, **kwargs)
                if type(c) is like.number:
                    numbers = numbers or like.ndim > 0
                else:
                    c = conform(c, like)
                parts = (c,)
            else:
                edits = rule.edits and g is spare and node is spare_of and not create_graph
                parts = edited(node, g, saved) if edits else pulled(node, g, saved, create_graph)
                if rule.edits:
                    spare, spare_of = parts[0], inputs[0]
        following: Node | None = None
        carried: Cotangent = None
        for source, c in zip(inputs, parts):  # noqa: B905  (strict= costs time on every node)
            if source is None or c is None:
                continue
            if fast:
                if c is SAME:
                    c = g
                elif c is MINUS:
                    c = -g
                elif numbers and type(g) in SCALARS:
                    c = saved[c] if type(c) is int else c(*saved)
                    if create_graph and isinstance(c, Tracked):  # not by way of NumPy: 0.9 us for 2.5
                        c = c.__rmul__(g)  # type: ignore[attr-defined]
                    elif type(c) is _ndarray and not c.ndim:
                        c = g * c[()]  # two numbers 32 ns, a number and a 0-d array 330
                    else:
                        c = g * c
                    if type(c) is not source.aval.number and c.shape != source.aval.shape:
                        c = conform(c, source.aval)  # the slope is the same for many entries
                elif type(c) is int:
                    c = g * saved[c]
                elif host or (share := fused_share(c, g, saved)) is NotImplemented:
                    c = g * c(*saved)
                else:
                    c = share
            at = source.number
            if source is following:
                carried = _merged(carried, c, at, owned, source)
                continue
            old = cotangent_at(at) if cotangents else None
            if old is not None:
                cotangents[at] = _merged(old, c, at, owned, source)
                continue
            if type(c) is Scattered:
                c = c.alone(source.aval)
                owned.add(at)
            if source.rule is None:
                if type(c) in SCALARS and source.aval.shape:
                    c = filled(c, source.aval)
                cotangents[at] = c
                found.append(source)
                if c is not g and type(c) in KINDS and c.base is None:
                    owned.add(at)
            elif following is None:
                following, carried = source, c
            else:
                cotangents[at] = c
                heappush(heap, (-at, source))
        if not retain and saved is not None and rule.frees:
            node.saved = FREED
        if following is None:
            if not heap:
                return found, cotangents, owned
            node = heappop(heap)[1]
            g = cotangents.pop(node.number)
        elif heap and heap[0][0] < -following.number:
            cotangents[following.number] = carried
            node = heappushpop(heap, (-following.number, following))[1]
            g = cotangents.pop(node.number)
        else:
            node, g = following, carried


def _merged(old: Cotangent, c: Cotangent, at: int, owned: set[int], source: Node) -> Cotangent:
    """Add a further contribution to the cotangent of node `at`, in place where the sweep owns the buffer."""
    if type(c) is Scattered:  # x[i] in a loop: into one buffer, or the loop would be quadratic
        if type(old) in SCALARS:
            old = conform(old, source.aval)
        if at not in owned:
            old = np.copy(old)
            owned.add(at)
        return c.into(old)
    if type(old) is list:
        return [a if b is None else b if a is None else a + b for a, b in zip(old, c, strict=True)]
    if at in owned and type(c) in KINDS and c.size > _SMALL and type(old) in KINDS:
        old += c
        return old
    try:
        c = old + c
    except TypeError:  # a number of the host's that was computed with there, and with arrays of a device
        c = old + arrays.beside(c, old)
    if type(c) in KINDS:
        owned.add(at)
    return c


def _watched(
    root: Node,
    cotangent: Cotangent,
    inputs: Iterable[Node] | None,
    retain: bool,
    create_graph: bool,
    hooked: bool,
) -> Swept:
    """The sweep with an observer, hooks, inputs to stop at, 0 * inf as 0, or recorded itself; otherwise `_everyday`."""
    observer, masking, written = settings().observer, settings().masking, writes.last
    hooks = HOOKS if hooked else {}
    retain = retain or create_graph
    wanted: dict[int, Node] = {}
    path: set[int] | None = None
    if inputs is not None:
        wanted = {node.number: node for node in inputs}
        path = between(root, wanted.values())
    found: list[Node] = []
    cotangents: dict[int, Cotangent] = {root.number: cotangent}
    cotangent_at = cotangents.get
    kept: dict[int, Cotangent] = {}
    owned: set[int] = set()  # whose cotangent is a buffer that the sweep made, and may add to
    heap: list[tuple[int, Node]] = []
    spare: Cotangent = None
    spare_of: Node | None = None
    node: Node | None = root
    if observer is not None:
        observer.began(root)
    if root.rule is None or (path is not None and root.number not in path):
        found += [root] if root.rule is None and (path is None or root.number in wanted) else []
        node = None

    while node is not None:
        number, rule, saved = node.number, node.rule, node.saved
        g = cotangents.pop(number)
        flows: list[Cotangent] | None = None
        if number in hooks:
            g = _hooked(hooks[number], g)
        if number in wanted:
            kept[number] = g
        if create_graph and saved is not FREED:
            saved = rule.wrapped(node)
        if observer is not None and observer.wants(node):
            flows = []
        if saved is FREED:
            raise freed(node)
        if number < written:
            check_fresh(node)
        fast = rule.fast
        if fast:
            parts = rule.moves
        else:
            # Nobody looks at g, and nobody else has it: it may be changed.
            free = (
                g is spare
                and node is spare_of
                and flows is None
                and number not in wanted
                and number not in hooks
            )
            edits = rule.edits and free and masking is None and not create_graph
            parts = edited(node, g, saved) if edits else pulled(node, g, saved, create_graph, masking)
            if rule.edits:
                spare, spare_of = parts[0], node.inputs[0]
        following = None
        for source, c in zip(node.inputs, parts):  # noqa: B905  (strict= costs time on every node)
            if source is None or c is None or (path is not None and source.number not in path):
                if flows is not None:
                    flows.append(None)
                continue
            if not fast:
                mine = c is not g and getattr(c, "base", None) is None
            elif c is SAME:
                c, mine = g, False
            elif c is MINUS:
                c, mine = -g, True
            elif type(c) is int:
                c, mine = g * saved[c], True
            else:
                share = NotImplemented if type(g) in HOST else fused_share(c, g, saved)
                c, mine = g * c(*saved) if share is NotImplemented else share, True
            if masking is not None and fast:
                c = masking.masked(node, g, c)
            if flows is not None:
                flows.append(c if type(c) is Scattered else np.copy(c) if type(c) in KINDS else c)
            at = source.number
            old = cotangent_at(at)
            if old is None:
                if type(c) is Scattered:  # x[i] in a loop: into one buffer, or the loop would be quadratic
                    c = cotangents[at] = c.alone(source.aval)
                    owned.add(at)
                else:
                    cotangents[at] = c
                if source.rule is None:
                    found.append(source)
                    if mine and type(c) in KINDS:
                        owned.add(at)
                elif following is None:
                    following = source
                else:
                    heappush(heap, (-at, source))
            else:
                cotangents[at] = _merged(old, c, at, owned, source)
        if flows is not None:
            observer.ready(node, g, tuple(flows))
        if not retain and saved is not None and rule.frees:
            node.saved = FREED
        if not heap:
            node = following
        elif following is None:
            node = heappop(heap)[1]
        else:
            node = heappushpop(heap, (-following.number, following))[1]

    found = _finish(found, wanted, kept, cotangents, hooks)
    if observer is not None:
        observer.ended(root)
    return found, cotangents, owned


SWEEPS.update((_everyday.__code__, _watched.__code__))


def _finish(
    found: list[Node],
    wanted: dict[int, Node],
    kept: dict[int, Cotangent],
    cotangents: dict[int, Cotangent],
    hooks: dict[int, Any],
) -> list[Node]:
    observer = settings().observer
    if wanted:
        found = [node for node in found if node.number in wanted]
        found += [node for number, node in wanted.items() if number in kept]
    cotangents |= kept
    for node in found:
        if node.rule is None:
            if node.number in hooks:
                cotangents[node.number] = _hooked(hooks[node.number], cotangents[node.number])
            if observer is not None:
                observer.ready(node, cotangents[node.number], ())
    return found


def _hooked(functions: list[Any], g: Cotangent) -> Cotangent:
    for function in functions:
        changed = function(g)
        g = g if changed is None else changed
    return g
