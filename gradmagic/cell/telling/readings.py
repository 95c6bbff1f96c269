"""What was computed at each turn of a loop and in each call of a function, in bounded memory.

In: nodes and their values as they are made, cotangents as sweeps pass. Out: `Reading`s by a node's running number.
When there are too many, every other turn of the longest loop gives way: what is left are its first turn, its last, and
evenly spaced ones between. Arrays are copies of small ones or summaries: none is kept alive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.core.places import Place
from ...engine.tape.nodes import Node
from .turn_log import Moment, TurnLog

ROOM = 400_000  # bytes of all readings, about: 2,000 numbers with their gradients
_READING, _COPY, _SUMMARY = (
    200,
    400,
    2_000,
)  # of one: of a number, of a small array besides its entries, of a large one


class Reading:
    """A value that was computed at one moment; its gradient, and the root that it is the gradient of."""

    __slots__ = ("grad", "moment", "number", "place", "root", "rule", "size", "value")

    moment: Moment
    number: int  # of the node
    size: int  # bytes, about

    def __init__(self, place: Place | None, rule: str) -> None:
        self.place, self.rule = place, rule
        self.value: Any = None
        self.grad: Any = None
        self.root: Root | None = None


class Root:
    """Where a sweep began: the place of the node, and its name."""

    __slots__ = ("name", "place")

    def __init__(self, place: Place | None, name: str) -> None:
        self.place, self.name = place, name


class Readings(TurnLog):
    """Keeps what is computed in turns and calls."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[int, Reading] = {}
        self.root_of_sweep: Root | None = None  # while a sweep of the user's or the magic's runs
        self._latest: dict[tuple[int, str], Reading] = {}  # by place and rule
        self._leaves = 0  # numbers of leaves' readings, below those of all nodes
        self._size = 0
        self._thinned = self._full = False

    def made(self, node: Node, value: Any, frame: Any) -> None:
        """Take note of a node; of what is in no turn and no call there is nothing to say."""
        moment = self.now(frame)
        if moment is not self.root and not self._full:
            self._keep(node.number, moment, node.place, node.rule.name, value)

    def leaf(self, place: Place, value: Any, grad: Any, frame: Any) -> None:
        """Take note of what a leaf is at the sweep that ends: the same leaf is another value in each turn."""
        moment = self.now(frame)
        if moment is not self.root and not self._full:
            self._leaves -= 1
            reading = self._keep(self._leaves, moment, place, "", value)
            reading.grad, reading.root = grad, self.root_of_sweep

    def _keep(self, number: int, moment: Moment, place: Place | None, rule: str, value: Any) -> Reading:
        mark, latest, kept = (id(place), rule), self._latest, self.kept
        kind = type(value)
        size = _READING if kind in _NUMBERS else _COPY + 2 * value.nbytes if kind is np.ndarray else _SUMMARY
        found = latest.get(mark)
        if found is not None:
            # What one call makes at once is one value; the last turn so far gives way to the next.
            if found.moment is moment or (self._thinned and not _stays(found.moment)):
                if found.number in kept:
                    del kept[found.number]
                    self._size -= found.size
            else:
                found = None
        if found is None:
            found = latest[mark] = Reading(place, rule)
        found.number, found.moment, found.value, found.size, found.grad = number, moment, value, size, None
        kept[number] = found
        self._size += size
        if self._size > ROOM:
            self._thin()
        return found

    def ready(self, number: int, grad: Any) -> None:
        """Take the cotangent of a node, as it is kept."""
        reading = self.kept.get(number)
        if reading is not None and self.root_of_sweep is not None:
            reading.grad, reading.root = grad, self.root_of_sweep

    def settle(self) -> None:
        """Let go what only seemed to be of a last turn."""
        self.kept = {n: reading for n, reading in self.kept.items() if _stays(reading.moment)}

    def _thin(self) -> None:
        """Let every other turn of the longest scope go, until half is left; code without turns fills the room."""
        self._thinned = True
        while self._size > ROOM / 2:
            scope = max(self.scopes, key=lambda scope: scope.longest / scope.stride)
            self._full = scope.longest / scope.stride <= 2
            if self._full:
                return
            scope.stride *= 2
            self.settle()
            self._size = sum(reading.size for reading in self.kept.values())


def _stays(moment: Moment | None) -> bool:
    """Tell whether a moment is kept: each turn that it is within is one of those to be kept, or the last so far."""
    while moment is not None:
        run, turn = moment.run, moment.turn
        if turn < run.count and (turn - 1) % run.scope.stride:
            return False
        moment = moment.within
    return True


_NUMBERS = frozenset((float, int, np.float64, np.float32))
