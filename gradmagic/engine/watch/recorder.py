"""The one observer of the tape: what a report shows of one run, kept while it happens, in bounded memory.

In: every node made, every cotangent ready, every value that left the tape. Out: values, gradients, local derivatives
and flows by running number; the scalars of each sweep; the places where a gradient was cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core import arrays
from ..core.places import Place, place_of
from ..core.values import Summaries, small
from ..rules.kinds import General
from ..rules.pointwise import Elementwise
from ..rules.rule import PICK
from ..sweeps.jacobians import Entry, Pulled, is_small, jacobian, remembered, size_of
from ..sweeps.operations import Scattered
from ..tape.memory import changed
from ..tape.nodes import FREED, Node, tick, walk
from ..tape.tracked import Tracked, raw

_SMALL = (
    65_536  # constants up to this many bytes are copied when the tape keeps them, larger ones only compared
)
_NUMBERS = frozenset({float, int, bool, complex, np.float64, np.float32})  # the rest is looked at: 0.5 us
_CALLS = 10_000  # of modules
_ROWS = 400  # of all the Jacobians that may be asked for: some 10 us each
_ROOM = 16_000_000  # bytes of what the operations of one sweep had saved


class Cut(NamedTuple):
    """A value that left the tape: which node, how (`float`, `asarray` ...), where."""

    node: Node
    how: str
    place: Place
    times: int


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
    values, grads : Mapping of int to Value
        By a node's running number: its value, and its cotangent in the last sweep.
    locals, flows : Mapping of int to tuple of (Value or None)
        For each input: the local derivative (elementwise rules only), and what flowed back to it.
    saved : dict
        The operations of the last sweep with what they had saved, by running number: up to 16 MB of arrays.
    pulled : dict
        Those that are small and not entry by entry, for their Jacobians.
    sweeps : list of SweepRecord
        One for each backward sweep; thinned evenly past 2,000.
    cuts : dict
        (how, place) -> Cut.
    calls : list of (module or Step, int, int)
        Forwards and steps of modules that are over, inner ones first: all nodes of one have numbers between the two.
    total : int
        Operations seen.
    """

    def __init__(self, limit: int = 500, parameters: Callable[[], dict[str, Tracked]] | None = None) -> None:
        self.limit, self.parameters = limit, parameters
        self.values, self.grads, self.locals, self.flows = Summaries(), Summaries(), Summaries(), Summaries()
        self.raw: dict[int, Any] = {}  # the last sweep's gradients of leaves, whole
        self.saved: dict[int, Pulled] = {}
        self.pulled: dict[int, Pulled] = {}
        self._rows, self._room = _ROWS, _ROOM
        self.constants: dict[int, tuple[Any, ...]] = {}  # what the arguments were that are constants
        self.whole: set[int] = set()  # further nodes whose gradient is kept whole
        self.starts = Summaries()  # the values of lifted inputs when they were lifted
        self.sweeps: list[SweepRecord] = []
        self.cuts: dict[tuple[str, Place], Cut] = {}
        self.calls: list[tuple[Any, int, int]] = []
        self._open: list[int] = []
        self.detached_at: float = math.inf  # the least number of a node whose value was given as a constant
        self.total = 0
        self.roots = 0
        self._total_before = 0
        self.first = tick()  # nodes with smaller numbers were made before this run
        # The last value at each place, by its id: a code object is hashed by all that is in it (0.6 us).
        self._tail: dict[int, tuple[int, Any, Place | None]] = {}
        self.latest: Any = None  # what is kept of the value that was made last
        self._kept: list[tuple[Node, Any, Any]] = []  # (node, large constant, its fingerprint)
        self._stride = 1

    # -- the observer's protocol -----------------------------------------------------------------
    def made(self, node: Node, array: Any, frame: Any) -> None:
        """A node was made, with its value."""
        rule = node.rule
        if rule is None:
            return
        self.total += 1
        if node.saved is not None and (None in node.inputs or rule.kind == "linear"):
            self._protect(node)
        if isinstance(array, (tuple, list)):  # NumPy's EighResult is a tuple too
            return
        self.latest = small(raw(array))
        if len(self.values.kept) < self.limit:
            self.values.kept[node.number] = self.latest
        elif self.roots and self.total - self._total_before == 4 * self.limit:
            self.values.drop_all_but(set())  # a new long graph: the earlier one is not shown
        else:
            place = node.place
            self._tail[id(place)] = (node.number, self.latest, place)

    def began(self, root: Node) -> None:
        """A sweep begins: only the last sweep's graph is kept."""
        self.settle()
        self.roots += 1
        self.raw, self.saved, self.pulled, self.constants = {}, {}, {}, {}
        self._rows, self._room = _ROWS, _ROOM
        self.grads, self.locals, self.flows = Summaries(), Summaries(), Summaries()
        self._check_kept()

    def wants(self, node: Node) -> bool:
        """Tell whether the cotangent of `node` is to be kept: its value was, or it is of an earlier cell."""
        number = node.number
        return (
            number in self.values.kept
            or number in self.whole
            or node.rule is None
            or ((type(node.aval) is tuple or node.rule is PICK) and len(self.saved) < self.limit)
            or (number < self.first and len(self.grads.kept) < self.limit)
        )

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        """The cotangent of `node` is complete; `flows` are its contributions to the inputs."""
        number = node.number
        if type(cotangent) is list:
            self._save(node)
            return
        self.grads.keep(number, raw(cotangent))
        if node.rule is None or number in self.whole:
            self.raw[number] = raw(cotangent)
        rule = node.rule
        if rule is None:
            return
        if rule is PICK:  # what flows on is a list
            self._save(node)
            return
        spread = (
            c.alone(s.aval) if s is not None and type(c) is Scattered else c
            for c, s in zip(flows, node.inputs, strict=True)
        )
        self.flows.keep(number, tuple(map(raw, spread)))
        constant = None in node.inputs
        if isinstance(rule, Elementwise):
            kept: Any = rule.kept(node)
            if constant:
                self.constants[number] = constants_in(node, kept)
            with np.errstate(all="ignore"):  # the sweep has warned, or was not to
                slopes = [None if s is None else rule.partial(i, kept) for i, s in enumerate(node.inputs)]
            self.locals.keep(number, tuple(map(raw, slopes)))
        self._save(node)
        if self._rows > 0 and number in self.saved and is_small(node):
            self.pulled[number] = self.saved[number]
            self._rows -= node.aval.size
        asked = isinstance(rule, General) and (constant or rule.readings)
        if asked and (kept := rule.kept(node)) is not None:
            self.constants[number] = constants_in(node, kept)

    def _save(self, node: Node) -> None:
        """Keep what the node's derivative needs, while there is room."""
        if node.rule is None or node.saved is FREED or len(self.saved) >= self.limit:
            return
        size = size_of(node.saved)
        if size <= self._room:
            self._room -= size
            self.saved[node.number] = remembered(node)

    def ended(self, root: Node) -> None:
        """A sweep is over: keep its scalars, forget the nodes of earlier graphs."""
        if self.roots % self._stride == 0:
            value = self.values.get(root.number)
            result = (
                value.items
                if value is not None and not value.shape and isinstance(value.items, (int, float))
                else None
            )
            self.sweeps.append(SweepRecord(root.number, result, self._followed()))
            if len(self.sweeps) >= 2000:
                self.sweeps = self.sweeps[::2]
                self._stride *= 2
        if (
            self.roots > 1 and self.total - self._total_before < 4 * self.limit
        ):  # walking a long graph takes memory
            self.values.drop_all_but({node.number for node in walk(root)})
        self._total_before = self.total

    def detached(self, node: Node) -> None:
        """The value of `node` is given as a constant."""
        self.detached_at = min(self.detached_at, node.number)

    def cut(self, tracked: Tracked, how: str, frame: Any) -> None:
        """A tracked value was asked for as a plain one."""
        place = place_of(frame)
        before = self.cuts.get((how, place))
        if tracked.node is not None:
            self.cuts[how, place] = Cut(tracked.node, how, place, 1 + (before.times if before else 0))

    def jacobian(self, number: int) -> tuple[tuple[Entry, ...], ...]:
        """Give the Jacobian of an operation by each of its arguments, where it is small and not entry by entry."""
        operation = self.pulled.get(number)
        return () if operation is None else jacobian(operation)

    def entered(self, module: Any) -> None:
        """A module's forward begins."""
        self._open.append(tick())

    def left(self, module: Any) -> None:
        """The forward of the module that was entered last is over."""
        start = self._open.pop() if self._open else self.first
        if len(self.calls) < _CALLS:
            self.calls.append((module, start, tick()))

    # -- keeping ---------------------------------------------------------------------------------
    def settle(self) -> None:
        """Take the last values of the places that came after the limit among `values`."""
        for number, last, _ in self._tail.values():
            self.values.keep(number, last)
        self._tail = {}

    def _followed(self) -> dict[str, float]:
        found = {}
        for name, tracked in (self.parameters() if self.parameters else {}).items():
            value = arrays.to_host(tracked.array)
            for i, v in enumerate(np.ravel(value)[:4]) if np.size(value) <= 4 else ():
                found[
                    name
                    if not np.ndim(value)
                    else f"{name}[{','.join(map(str, np.unravel_index(i, value.shape)))}]"
                ] = float(np.real(v))
        return found

    def _protect(self, node: Node) -> None:
        """Copy the plain arrays that the node keeps: the cell may change them later (`buf[:] = k` in a loop)."""
        out, args, kwargs = node.rule.unpacked(node.saved)
        inputs, n = node.inputs, len(node.inputs)
        made = None
        for i, a in enumerate(args):
            if (i >= n or inputs[i] is None) and (copied := self._copied(node, a)) is not a:
                made = made or [*args]
                made[i] = copied
        if made is not None:
            node.saved = node.rule.packed(out, tuple(made), kwargs)

    def _copied(self, node: Node, value: Any) -> Any:
        if value is None or type(value) in _NUMBERS:
            return value
        if type(value) is tuple:  # an index: numbers, slices and arrays, which the cell may change later too
            return tuple([self._copied(node, v) for v in value])
        if not arrays.is_array(value) or not getattr(getattr(value, "flags", None), "writeable", True):
            return value
        if value.nbytes <= _SMALL or arrays.on_device(
            value
        ):  # a fingerprint of a device's would be waited for
            return np.copy(value, order="K")
        self._kept.append((node, value, _fingerprint(value)))
        return value

    def _check_kept(self) -> None:
        for node, value, before in self._kept:
            if _fingerprint(value) != before and node.rule is not None:
                changed(node, value)
        self._kept = []


def constants_in(node: Node, kept: Any) -> tuple[Any, ...]:
    """Give the arguments of an operation that are constants, small; None for the others. Then its settings by name."""
    found = tuple(
        small(a) if i >= len(node.inputs) or node.inputs[i] is None else None for i, a in enumerate(kept.args)
    )
    if not kept.kwargs or node.rule is None:
        return found
    return found + tuple(kept.kwargs.get(name.rstrip("_")) for name in node.rule.named[1 + len(found) :])


def _fingerprint(array: Any) -> Any:
    host = arrays.to_host(array)
    return hash(np.ascontiguousarray(host).tobytes())
