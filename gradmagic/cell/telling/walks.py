"""The walks forward: one entry of an input grows by 1, and each operation's own rule says what it makes of that.

In: the nodes of a tape, the inputs with their gradients, what the sweep's operations had saved. Out: `Walk`s as plain
data; the tangent that each ends with is the entry of the gradient, or it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.values import SHOWN, Value, summarise
from ...engine.sweeps.forward import pushed
from ...engine.sweeps.jacobians import Pulled, brought_home
from ...engine.tape import modes
from ...engine.tape.nodes import FREED, Node
from ...engine.watch.recorder import Recorder
from ...report.model import Input, Part, Push, Walk

LONGEST = 300  # operations of a tape that is walked
INPUTS = 6  # from which there is a walk
CHOICES = 4  # entries of each, and
FEW = 9  # of a small array all
PUSHES = 500  # operations of all walks together: 30 us each
NUMBERS = 10_000  # of their tangents that are kept
WORK = 20_000_000  # entries of all arrays that are gone over

Tangent = Any  # an array, a number, a list of them for several outputs; None: nothing comes this way


def walks(
    root: Node,
    nodes: Sequence[Node],
    keys: Mapping[int, int],
    inputs: Sequence[Input],
    sources: Sequence[Node],
    recorder: Recorder,
    own: bool,
) -> tuple[Walk, ...]:
    """Walk from some entries of each input to `root`.

    Parameters
    ----------
    root : Node
        The result.
    nodes : sequence of Node
        Those that it depends on, in tape order.
    keys : mapping of int to int
        The keys that the report knows the nodes by.
    inputs, sources : sequence
        The inputs, and their nodes.
    recorder : Recorder
        What the last sweep has kept.
    own : bool
        Whether the tape itself is still as the sweep had it.
    """
    if len(nodes) > LONGEST or isinstance(root.aval, tuple) or root.aval.tangent.kind != "f":
        return ()
    kept = saved_of(nodes, recorder)
    if own:
        kept |= {
            node.number: brought_home(Pulled(node, node.saved))
            for node in nodes
            if node.number not in kept and node.rule is not None and node.saved is not FREED
        }
    walker = _Walker(root, nodes, keys, kept, recorder.grads.get(root.number))
    rounds = [
        _chosen(entry, node) if entry.reached and entry.grad is not None else iter(())
        for entry, node in zip(inputs[:INPUTS], sources, strict=False)
    ]
    found: dict[int, list[Walk]] = {}
    with modes.watch(None), np.errstate(all="ignore"):
        for _ in range(max(CHOICES, FEW)):
            for i, entries in enumerate(rounds):
                if (flat := next(entries, None)) is not None:
                    walk = walker.walk(inputs[i], sources[i], flat)
                    if walk is not None:
                        found.setdefault(i, []).append(walk)
    return tuple(walk for i in sorted(found) for walk in found[i])


def saved_of(nodes: Sequence[Node], recorder: Recorder) -> dict[int, Pulled]:
    """Give what the last sweep's operations had saved, by number, on the host."""
    return {n.number: brought_home(recorder.saved[n.number]) for n in nodes if n.number in recorder.saved}


def _chosen(entry: Input, node: Node) -> Iterator[int]:
    """Choose entries: that with the largest gradient; then of a small array all, else the first, the last, the next."""
    size = node.aval.size
    if node.aval.dtype.kind == "c" or entry.array is None or np.size(entry.array) != size or not size:
        return
    large = np.nan_to_num(np.abs(np.ravel(np.asarray(entry.array, float))), nan=np.inf)
    first = int(np.argmax(large))
    others = (
        range(size) if size <= FEW else [0, size - 1, *np.argsort(-large, kind="stable")[:CHOICES].tolist()]
    )
    chosen = list(dict.fromkeys([first, *others]))
    yield from chosen if size <= FEW else chosen[:CHOICES]


class _Walker:
    """Walks within its budget, which all walks share."""

    def __init__(
        self,
        root: Node,
        nodes: Sequence[Node],
        keys: Mapping[int, int],
        kept: Mapping[int, Pulled],
        weight: Value | None,
    ) -> None:
        self.root, self.nodes, self.keys, self.kept, self.weight = root, nodes, keys, kept, weight
        self.pushes, self.numbers, self.work = PUSHES, NUMBERS, WORK
        self.counts: dict[int, int] = {}

    def walk(self, entry: Input, source: Node, flat: int) -> Walk | None:
        """Walk from one entry; None where a number on the way is not to be had, or there is no room left."""
        start = np.zeros(source.aval.shape, source.aval.tangent)
        start.reshape(-1)[flat] = 1
        tangents: dict[int, Tangent] = {source.number: start if start.shape else start[()]}
        self.pushes -= self._count(source)
        if self.pushes < 0:
            return None
        found: list[Push] = []
        for node in self.nodes:
            moving = [i for i, s in enumerate(node.inputs) if s is not None and s.number in tangents]
            if not moving or node.number in tangents:
                continue
            operation = self.kept.get(node.number)
            self.work -= sum(map(_size, (node, *(node.inputs[i] for i in moving))))
            if operation is None or self.work < 0:
                return None
            try:
                tangents[node.number], parts = self._pushed(operation, moving, tangents)
            except (
                Exception
            ):  # a rule of the user's that does not transpose: the report stands without the walk
                return None
            if isinstance(node.aval, tuple):
                continue  # its outputs follow, each as a value of its own
            # What moves a value to a device moves its tangent there as well; what the others have saved is on the host.
            tangents[node.number] = _home(tangents[node.number])
            value = _summary(tangents[node.number], node)
            told = tuple(Part(i, _summary(part, node) if len(parts) > 1 else None) for i, part in parts)
            self.numbers -= sum(
                min(v.size, SHOWN) + 8 for v in (value, *(p.tangent for p in told if p.tangent))
            )
            found.append(Push(self.keys[node.number], value, told))
        if self.numbers < 0 or not found or not self._agrees(entry, flat, tangents.get(self.root.number)):
            return None
        return Walk(self.keys[source.number], flat, tuple(found))

    def _pushed(
        self, operation: Pulled, moving: list[int], tangents: Mapping[int, Tangent]
    ) -> tuple[Tangent, list[tuple[int, Tangent]]]:
        """Carry what comes over one operation: all of it, and by each argument alone where they are several."""
        node, saved = operation
        coming: dict[int, Tangent] = {}
        for i in moving:
            source = node.inputs[i]
            if source is not None and tangents[source.number] is not None:
                coming[i] = tangents[source.number]
        given = [coming.get(i) for i in range(len(node.inputs))]
        if len(coming) < 2:
            whole = pushed(node, given, saved) if coming else None
            return whole, [(i, whole if i in coming else None) for i in moving]
        if isinstance(node.aval, tuple):
            return pushed(node, given, saved), []
        alone = {
            i: pushed(node, [t if i == j else None for j in range(len(given))], saved)
            for i, t in coming.items()
        }
        there = [part for part in alone.values() if part is not None]
        return (reduce(add, there) if there else None), [(i, alone.get(i)) for i in moving]

    def _count(self, source: Node) -> int:
        """Count the operations that depend on an input, once for all its entries."""
        if source.number not in self.counts:
            found = {source.number}
            for node in self.nodes:
                if any(s is not None and s.number in found for s in node.inputs):
                    found.add(node.number)
            self.counts[source.number] = len(found) - 1
        return self.counts[source.number]

    def _agrees(self, entry: Input, flat: int, tangent: Tangent) -> bool:
        """Tell whether the walk ends with what the sweep gave: a hook or an option may have changed what flowed."""
        if self.weight is None or self.weight.items is None:
            return True
        weighted = np.sum(np.asarray(self.weight.items, float) * (0.0 if tangent is None else tangent))
        grads = np.ravel(np.asarray(entry.array, float))
        finite = np.abs(grads[np.isfinite(grads)])
        near = 1e-3 * float(np.max(finite, initial=0.0))
        return bool(np.isclose(weighted, grads[flat], rtol=1e-2, atol=near, equal_nan=True))


def _size(node: Node | None) -> int:
    aval: Any = () if node is None else node.aval
    return sum(a.size for a in (aval if isinstance(aval, tuple) else (aval,)))


def _home(tangent: Tangent) -> Tangent:
    return np.asarray(arrays.to_host(tangent)) if arrays.is_array(tangent) else tangent


def _summary(tangent: Tangent, node: Node) -> Value:
    if tangent is None:
        tangent = np.zeros(node.aval.shape, node.aval.tangent)
    host = _home(tangent)
    return summarise(np.broadcast_to(host, node.aval.shape)[()] if node.aval.shape else np.ravel(host)[0])
