"""`--time`: how long each expression of a cell took, forward and on the way back, and how many bytes its values have.

In: the tape's events, handed on to the recorder. Out: `Timing`s by expression, the slowest first. What the recorder
itself takes is not counted; the time of the Python code between two operations is, with the second of them.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from ...engine.core.places import Place
from ...engine.tape.nodes import Node
from ...engine.tape.observers import Chain
from ...engine.watch.recorder import Recorder
from ...report.model import Timing
from ..reading import source

_MOST = 100  # expressions that are told


class Clock(Chain):
    """Stands before a recorder and takes the time between the events."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder, ())
        self._last = perf_counter()
        self._spent: dict[tuple[Place | None, str], list[float]] = {}

    def start(self) -> None:
        """Count from here."""
        self._last = perf_counter()

    def made(self, node: Node, array: Any, frame: Any) -> None:
        if node.rule is not None:
            self._count(node, 1, 0, _bytes(array))
        super().made(node, array, frame)
        self._last = perf_counter()

    def began(self, root: Node) -> None:
        super().began(root)
        self._last = perf_counter()

    def wants(self, node: Node) -> bool:
        return True

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        if node.rule is not None:
            self._count(node, 0, 1, 0)
        super().ready(node, cotangent, flows)
        self._last = perf_counter()

    def _count(self, node: Node, forward: int, backward: int, size: int) -> None:
        spent = perf_counter() - self._last
        found = self._spent.setdefault((node.place, node.rule.name), [0, 0.0, 0.0, 0])
        found[0] += forward
        found[1 if forward else 2] += spent
        found[3] += size

    def timings(self, filename: str) -> tuple[Timing, ...]:
        """List what each expression took, the slowest first."""
        made = []
        for (place, rule), (count, forward, backward, size) in self._spent.items():
            at = source.resolve(place, filename) if place is not None else None
            text = at.text if at is not None and at.text else rule
            made.append(Timing(text, rule, at, int(count), forward, backward, int(size)))
        made.sort(key=lambda timing: -(timing.forward + timing.backward))
        return tuple(made[:_MOST])


def _bytes(array: Any) -> int:
    if isinstance(array, (tuple, list)):
        return sum(map(_bytes, array))
    return int(getattr(array, "nbytes", 0))
