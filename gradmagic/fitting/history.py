"""Where a fit has been: the loss of every iteration, and the points, thinned where they would take much memory.

In: points, one after the other. Out: lists of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .variables import Point

MOST = 16_000_000  # bytes of points; past that every second one goes


@dataclass
class History:
    """The losses of all iterations, and the points of each `every`-th; `at` has the iterations of these."""

    losses: list[float] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    every: int = 1

    def add(self, loss: float, point: Point) -> None:
        """Note the next iteration, at a point that nobody writes to; the first is the start."""
        k = len(self.losses)
        self.losses.append(loss)
        if k % self.every:
            return
        self.points.append(point)
        self.at.append(k)
        if len(self.points) > 2 and len(self.points) * sum(array.nbytes for array in point) > MOST:
            self.every *= 2
            self.points, self.at = self.points[::2], self.at[::2]
