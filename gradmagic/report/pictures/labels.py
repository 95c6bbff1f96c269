"""Curves through stops, and places for the labels of edges: beside the edge, on no other label and no other edge.

In: points. Out: Bézier curves, points along them; where each label's middle stands, and how many found no free place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .layout import MARGIN, Point

HEAD = 7.0  # the length of an arrow's head
Size = tuple[float, float]


def curve(stops: Sequence[Point]) -> tuple[Point, ...]:
    """Make a Bézier curve through the stops that is upright at each."""
    points = [stops[0]]
    for (x0, y0), (x1, y1) in pairwise(stops):
        middle = (y0 + y1) / 2
        points += [(x0, middle), (x1, middle), (x1, y1)]
    return tuple(points)


def sampled(points: Sequence[Point]) -> list[Point]:
    """List points of a curve, some for each of its pieces."""
    found = [points[0]]
    for i in range(0, len(points) - 1, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[i : i + 4]
        for k in range(1, 13):
            t, u = k / 12, 1 - k / 12
            a, b, c, d = u**3, 3 * u * u * t, 3 * u * t * t, t**3
            found.append((a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy))
    return found


class Frame(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, points: Sequence[Point]) -> Frame:
        x, y = zip(*points, strict=True)
        return cls(min(x), min(y), max(x), max(y))

    def meets(self, other: Frame) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom


class Labels:
    """Finds a place for each label beside its edge: where no other label and no other edge is, if there is such."""

    def __init__(self, lines: Mapping[str, Sequence[Point]]) -> None:
        self.lines = lines
        self.boxes = {name: Frame.around(line) for name, line in lines.items()}
        self.taken: list[Frame] = []
        self.clashes = 0
        self.at: dict[str, Point] = {}

    def add(self, name: str, size: Size, top: float, gap: float) -> None:
        """Place a label in the gap below a rank, which begins at `top`."""
        wide, high = size
        line = self.lines[name]
        found: tuple[float, Frame] | None = None
        for share in (0.0, 0.5, 1.0):
            y = top + high / 2 + 1 + share * max(0.0, gap - HEAD - high - 2)
            across = [x for x, at in line if abs(at - y) <= high / 2 + 2] or [line[0][0]]
            for side, edge in ((1, max(across)), (-1, min(across))):
                middle = edge + side * (wide / 2 + 4)
                box = Frame(middle - wide / 2, y - high / 2, middle + wide / 2, y + high / 2)
                bad = (max(across) - min(across)) / 60 + 3 * sum(box.meets(other) for other in self.taken)
                met = (self.lines[name] for name, around in self.boxes.items() if around.meets(box))
                bad += 2 * (box.left < MARGIN) + sum(any(map(box.holds, other)) for other in met)
                if found is None or bad < found[0]:
                    found = bad, box
        assert found is not None
        box = found[1]
        self.clashes += any(box.meets(other) for other in self.taken)
        self.taken.append(box)
        self.at[name] = (box.left + box.right) / 2, (box.top + box.bottom) / 2
