"""The one observer of the tape: what a report shows of one run, kept while it happens, in bounded memory.

In: every node made, every cotangent ready, every value that left the tape. Out: values, gradients, local derivatives
and flows by running number; the scalars of each sweep; the places where a gradient was cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import arrays
from .places import Place, place_of
from .rules.declare import Elementwise
from .tape import Leaf, Node, walk
from .tracked import Tracked
from .values import Value, summarise

_SMALL = 65_536  # constants up to this many bytes are copied when the tape keeps them, larger ones only compared


class Cut(NamedTuple):
    """A value that left the tape: which node, how (`float`, `asarray` ...), where."""

    node: Node
    how: str
    place: Place
    count: int


class SweepRecord(NamedTuple):
    """The scalars of one backward sweep: the result, and the parameters that are followed."""

    root: int
    result: float | None
    parameters: dict[str, float]


class Recorder:
    """Keeps what a report shows. Pass it to `tape.watch`.

    Parameters
    ----------
    limit : int
        So many operations are kept each with its value; of later ones the last at each place in the source.
    parameters : function, optional
        Gives the tracked values to follow from sweep to sweep, by name.

    Attributes
    ----------
    values, grads : dict of int to Value
        By a node's running number: its value, and its cotangent in the last sweep.
    locals, flows : dict of int to tuple of (Value or None)
        For each input: the local derivative (elementwise rules only), and what flowed back to it.
    sweeps : list of SweepRecord
        One for each backward sweep; thinned evenly past 2,000.
    cuts : dict
        (how, place) -> Cut.
    total : int
        Operations seen.
    """

    def __init__(self, limit: int = 500, parameters: Callable[[], dict[str, Tracked]] | None = None) -> None:
        self.limit, self.parameters = limit, parameters
        self.values: dict[int, Value] = {}
        self.grads: dict[int, Value] = {}
        self.locals: dict[int, tuple[Value | None, ...]] = {}
        self.flows: dict[int, tuple[Value | None, ...]] = {}
        self.sweeps: list[SweepRecord] = []
        self.cuts: dict[tuple[str, Place], Cut] = {}
        self.total = 0
        self.roots = 0
        self._tail: dict[Place | None, tuple[int, Any]] = {}
        self._kept: list[tuple[Node, Any, Any]] = []  # (node, large constant, its fingerprint)
        self._stride = 1

    # -- the observer's protocol -----------------------------------------------------------------
    def made(self, node: Node, array: Any, frame: Any) -> None:
        """A node was made, with its value."""
        if array is None:  # a leaf: its value belongs to who made it
            return
        self.total += 1
        if None in node.inputs and node.saved is not None:
            self._protect(node)
        if type(array) in (tuple, list):
            return
        if len(self.values) < self.limit:
            self.values[node.number] = summarise(array)
        else:
            small = type(array) is np.ndarray and array.nbytes <= 512
            self._tail[node.place] = (node.number, array.copy() if small else array)

    def began(self, root: Node) -> None:
        """A sweep begins: only the last sweep's graph is kept."""
        self._settle()
        self.roots += 1
        self.grads, self.locals, self.flows = {}, {}, {}
        self._check_kept()

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        """The cotangent of `node` is complete; `flows` are its contributions to the inputs."""
        number = node.number
        if node.rule is not None and number not in self.values and len(self.grads) >= self.limit:
            return
        if type(cotangent) is list:
            return
        self.grads[number] = summarise(_plain(cotangent))
        if node.rule is None:
            return
        self.flows[number] = tuple(None if c is None else summarise(_plain(c)) for c in flows)
        rule = node.rule
        if isinstance(rule, Elementwise):
            saved = node.saved
            self.locals[number] = tuple(
                None if source is None else summarise(_plain(rule.partial(i, saved))) for i, source in enumerate(node.inputs)
            )

    def ended(self, root: Node) -> None:
        """A sweep is over: keep its scalars, forget the nodes of earlier graphs."""
        if self.roots % self._stride == 0:
            value = self.values.get(root.number)
            result = value.items if value is not None and not value.shape and isinstance(value.items, (int, float)) else None
            self.sweeps.append(SweepRecord(root.number, result, self._followed()))
            if len(self.sweeps) >= 2000:
                self.sweeps = self.sweeps[::2]
                self._stride *= 2
        if self.roots > 1 or len(self.values) >= self.limit:
            reached = {node.number for node in walk(root)}
            self.values = {n: v for n, v in self.values.items() if n in reached}

    def cut(self, tracked: Tracked, how: str, frame: Any) -> None:
        """A tracked value was asked for as a plain one."""
        place = place_of(frame)
        before = self.cuts.get((how, place))
        if tracked.node is not None:
            self.cuts[how, place] = Cut(tracked.node, how, place, 1 + (before.count if before else 0))

    # -- keeping ---------------------------------------------------------------------------------
    def value_of(self, number: int) -> Value | None:
        """Give the value of a node, if it was kept."""
        self._settle()
        return self.values.get(number)

    def _settle(self) -> None:
        for number, array in self._tail.values():
            self.values[number] = summarise(array)
        self._tail = {}

    def _followed(self) -> dict[str, float]:
        found = {}
        for name, tracked in (self.parameters() if self.parameters else {}).items():
            value = arrays.to_host(tracked.array)
            for i, v in enumerate(np.ravel(value)[:4]) if np.size(value) <= 4 else ():
                found[name if not np.ndim(value) else f"{name}[{','.join(map(str, np.unravel_index(i, value.shape)))}]"] = float(
                    np.real(v)
                )
        return found

    def _protect(self, node: Node) -> None:
        """Copy the plain arrays that the node keeps: the cell may change them later (`buf[:] = k` in a loop)."""
        saved = node.saved
        if isinstance(node.rule, Elementwise):
            node.saved = tuple(
                self._copied(node, v) if i and node.inputs[i - 1] is None else v for i, v in enumerate(saved)
            )
        elif node.rule.kind == "rule" and not node.rule.sequence:
            out, args, kwargs = saved
            args = tuple(
                a if i < len(node.inputs) and node.inputs[i] is not None else self._copied(node, a)
                for i, a in enumerate(args)
            )
            node.saved = (out, args, kwargs)

    def _copied(self, node: Node, value: Any) -> Any:
        if not arrays.is_array(value) or not getattr(getattr(value, "flags", None), "writeable", True):
            return value
        if value.nbytes <= _SMALL:
            return value.copy()
        self._kept.append((node, value, _fingerprint(value)))
        return value

    def _check_kept(self) -> None:
        for node, value, before in self._kept:
            if _fingerprint(value) != before and node.rule is not None:
                from .inplace import changed

                changed(node, value)
        self._kept = []


def _fingerprint(array: Any) -> Any:
    host = arrays.to_host(array)
    return hash(memoryview(np.ascontiguousarray(host)).cast("B").tobytes())


def _plain(value: Any) -> Any:
    return value.array if isinstance(value, Tracked) else value


def leaves_of(root: Node) -> list[Leaf]:
    """List the inputs that `root` depends on, in the order of their making."""
    return [node for node in reversed(walk(root)) if isinstance(node, Leaf)]
