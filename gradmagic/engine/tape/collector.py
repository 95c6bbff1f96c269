"""Python's garbage collector beside a tape that grows: it looks through all of it less often.

A node has no cycle, and nothing for the collector to find. But nodes live, and CPython (up to 3.13) looks at every
object there is whenever a quarter more than at the last time have lived through two younger collections: of 100,000
operations it looks at each some five times, 0.9 us an operation of 1.8. Here such a full collection waits until the
blocks that Python has allocated are three times as many as after the last one, while it is the tape that grows. The
younger collections, where nearly all cycles are found, go on; no setting changes, in no thread.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

from .nodes import tick
from .tracked import Tracked

FACTOR = 3  # more blocks than after the last full collection, before there is another
LEAST, MOST = 1 / 8, 1 / 1.5  # nodes to an object that the collector counts, where it is a tape that grows


class Waiting:
    """Puts full collections off, as a callback of the collector."""

    def __init__(self) -> None:
        self._blocks, self._number = sys.getallocatedblocks(), tick()

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        """Hear of the beginning and the end of a collection."""
        if phase != "stop" or not info["generation"]:
            return
        if info["generation"] == 2:
            self._blocks, self._number = sys.getallocatedblocks(), tick()
            return
        first, second, third = gc.get_threshold()
        if gc.get_count()[2] < third:  # the next will not be a full one
            return
        number = tick()
        made, self._number = number - self._number, number
        counted = first * (second + 1) * third  # objects more than were freed
        if (
            grows(made, counted)
            and sys.getallocatedblocks() < FACTOR * self._blocks
            and not gc.get_freeze_count()
        ):
            # All objects to the side and back: of old ones there have been no collections since, says the count then.
            gc.freeze()
            gc.unfreeze()


def grows(made: int, counted: int) -> bool:
    """Tell whether so many numbers of nodes are a tape that grows, and not one that is freed step by step, or small.

    Examples
    --------
    >>> grows(30_800, 77_000), grows(900_000, 77_000), grows(50, 77_000)
    (True, False, False)
    """
    return LEAST * counted <= made <= MOST * counted


def by_generations() -> bool:
    """Tell whether the collector is the one described above."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    return sys.implementation.name == "cpython" and sys.version_info < (3, 14) and locked


if by_generations():
    Tracked.at_first(lambda: gc.callbacks.append(Waiting()))
