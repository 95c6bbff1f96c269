"""What was computed at each turn of a loop and in each call of a function, in bounded memory.

In: nodes and their values as they are made, cotangents as sweeps pass. Out: `Reading`s by a node's running number. When
there are too many, every other turn of the longest loop gives way: what is left are its first turn, its last, and evenly
spaced ones between. Arrays are copies of small ones or summaries: none is kept alive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.core.places import Place
from ...engine.core.values import Value
from ...engine.tape.nodes import Node
from .turn_log import Moment, TurnLog

ROOM = 1_000_000  # bytes of all readings, about: 5,000 numbers with their gradients
_READING, _SUMMARY = 200, 900  # of one, and of what is kept of a large array


class Reading:
    """A value that was computed at one moment; its gradient, and the root that it is the gradient of."""

    __slots__ = ("grad", "moment", "place", "root", "rule", "size", "value")

    def __init__(self, moment: Moment, place: Place | None, rule: str, value: Any) -> None:
        self.moment, self.place, self.rule, self.value = moment, place, rule, value
        self.grad: Any = None
        self.root: Root | None = None
        self.size = _READING + 2 * _bytes(value)  # the gradient is as large


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
        self._latest: dict[tuple[int, str], int] = {}  # by place and rule
        self._leaves = 0  # numbers of leaves' readings, below those of all nodes
        self._size = 0
        self._full = False

    def made(self, node: Node, value: Any, frame: Any) -> None:
        """Take note of a node; of what is in no turn and no call there is nothing to say."""
        moment = self.now(frame)
        if moment is self.root or self._full:
            return
        self._keep(node.number, Reading(moment, node.place, node.rule.name, value))

    def leaf(self, place: Place, value: Any, grad: Any, frame: Any) -> None:
        """Take note of what a leaf is at the sweep that ends: the same leaf is another value in each turn."""
        moment = self.now(frame)
        if moment is self.root or self._full:
            return
        self._leaves -= 1
        reading = Reading(moment, place, "", value)
        reading.grad, reading.root = grad, self.root_of_sweep
        self._keep(self._leaves, reading)

    def _keep(self, number: int, reading: Reading) -> None:
        moment = reading.moment
        mark = (id(reading.place), reading.rule)
        before = self._latest.get(mark)
        if before is not None and (old := self.kept.get(before)) is not None:
            now = old.moment
            # What one call makes at once is one value; the last of an earlier loop stays where all around it does.
            if now is moment or not (_stays(now) or (now.run is not moment.run and _stays(now.within))):
                self._drop(before)
        self._latest[mark] = number
        self.kept[number] = reading
        self._size += reading.size
        if self._size > ROOM:
            self._thin()

    def ready(self, number: int, grad: Any) -> None:
        """Take the cotangent of a node, as it is kept."""
        reading = self.kept.get(number)
        if reading is not None and self.root_of_sweep is not None:
            reading.grad, reading.root = grad, self.root_of_sweep

    def _thin(self) -> None:
        """Let every other turn of the longest scope go, until half is left; code without turns fills the room."""
        while self._size > ROOM / 2:
            scope = max(self.scopes, key=lambda scope: scope.longest / scope.stride)
            self._full = scope.longest / scope.stride <= 2
            if self._full:
                return
            scope.stride *= 2
            for number, reading in list(self.kept.items()):
                moment = reading.moment
                last = (
                    moment.turn >= moment.run.count or self._latest[id(reading.place), reading.rule] == number
                )
                if not _stays(moment) and not (last and _stays(moment.within)):
                    self._drop(number)

    def _drop(self, number: int) -> None:
        self._size -= self.kept.pop(number).size


def _stays(moment: Moment | None) -> bool:
    """Tell whether a moment is one that is kept: by its own turn, and by all that it is within."""
    while moment is not None:
        if (moment.turn - 1) % moment.run.scope.stride:
            return False
        moment = moment.within
    return True


def _bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.nbytes) + 100
    return _SUMMARY if isinstance(value, Value) else 0 if isinstance(value, (int, float, complex)) else 100
