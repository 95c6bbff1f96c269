"""A layered layout in plain Python: no process, and the same on every machine.

In: boxes with their sizes, edges, and how large their labels are. Out: a `Layout`. Boxes stand in ranks from the top
down (or from left to right: the same, turned), no rank wider than there is room for; the order within the ranks is
improved until fewer edges cross (barycentres and exchanges: Sugiyama, Tagawa and Toda 1981); then every box moves as
near to its neighbours as the order allows, by isotonic regression; long edges go through the ranks between on places
of their own, as smooth curves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .labels import HEAD, Frame, Labels, Size, curve, sampled
from .layout import MARGIN, Layout, Point, Route

BESIDE = 18.0  # points between boxes of one rank
BETWEEN = 38.0  # points between ranks, at least
THROUGH = 14.0  # what an edge takes that passes a rank
PORTS = 40.0  # points between the edges of one side of a box, at most
_ORDERINGS, _TRANSPOSITIONS, _MOVES = 12, 4, 16

Spot = str | tuple[str, int]  # a box, or where an edge passes a rank


class Wire(NamedTuple):
    """An edge to be placed: its label's size is (0, 0) without one."""

    name: str
    tail: str
    head: str
    label: Size = (0.0, 0.0)


def ranked(
    sizes: Mapping[str, Size], wires: Sequence[Wire], room: float, turned: bool = False, indent: float = 0.0
) -> Layout:
    """Place boxes and edges.

    Parameters
    ----------
    sizes : mapping of str to (float, float)
        Width and height of each box in points. Every edge leads from an earlier to a later one.
    wires : sequence of Wire
    room : float
        How wide the drawing may be, in points; a box that is wider makes it wider.
    turned : bool
        From left to right instead of from the top down; then `room` is not kept.
    indent : float
        Points that stay free on the left.
    """
    if turned:
        flipped = {name: (high, wide) for name, (wide, high) in sizes.items()}
        return _flipped(
            _Ranks(flipped, [w._replace(label=w.label[::-1]) for w in wires], float("inf")).layout()
        )
    return _Ranks(sizes, wires, room - 2 * MARGIN - indent, indent).layout()


def _flipped(placed: Layout) -> Layout:
    def flip(point: Point | None) -> Point:
        return (point[1], point[0]) if point is not None else (0.0, 0.0)

    edges = {
        name: Route(
            tuple(map(flip, route.points)), flip(route.tip), flip(route.label) if route.label else None
        )
        for name, route in placed.edges.items()
    }
    nodes = {name: flip(at) for name, at in placed.nodes.items()}
    return Layout(placed.height, placed.width, nodes, edges, placed.clashes)


class _Ranks:
    """The boxes in ranks, with the places at which long edges pass."""

    def __init__(
        self, sizes: Mapping[str, Size], wires: Sequence[Wire], room: float, indent: float = 0.0
    ) -> None:
        self.sizes, self.wires, self.room, self.indent = sizes, wires, room, indent
        self.half: dict[Spot, float] = {name: wide / 2 for name, (wide, _) in sizes.items()}
        self.up: dict[Spot, list[Spot]] = {name: [] for name in sizes}
        self.down: dict[Spot, list[Spot]] = {name: [] for name in sizes}
        self.paths: dict[str, list[Spot]] = {}
        rank = self._levels()
        self.rows: list[list[Spot]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
        for name in sizes:
            self.rows[rank[name]].append(name)
        for wire in wires:
            self._pass(wire, rank)
        self._order()
        self.x = self._positions()

    def _levels(self) -> dict[str, int]:
        """Give each box its rank: from the end upwards, as late as its users and the room allow."""
        heads: dict[str, list[str]] = {name: [] for name in self.sizes}
        for wire in self.wires:
            heads[wire.tail].append(wire.head)
        level: dict[str, int] = {}
        used: dict[int, float] = {}
        for name in reversed(list(self.sizes)):
            wide = self.sizes[name][0] + BESIDE
            least = at = max((level[head] + 1 for head in heads[name]), default=0)
            while used.get(at, 0.0) and used[at] + wide > self.room + BESIDE:
                at += 1
            level[name] = at
            used[at] = used.get(at, 0.0) + wide
            for passed in range(min((level[head] for head in heads[name]), default=least) + 1, at):
                used[passed] = used.get(passed, 0.0) + THROUGH + BESIDE
        ranks = {at: i for i, at in enumerate(sorted(set(level.values()), reverse=True))}
        return {name: ranks[at] for name, at in level.items()}

    def _pass(self, wire: Wire, rank: dict[str, int]) -> None:
        path: list[Spot] = [wire.tail]
        for at in range(rank[wire.tail] + 1, rank[wire.head]):
            spot = (wire.name, at)
            self.half[spot], self.up[spot], self.down[spot] = THROUGH / 2, [], []
            self.rows[at].append(spot)
            path.append(spot)
        path.append(wire.head)
        for a, b in pairwise(path):
            self.down[a].append(b)
            self.up[b].append(a)
        self.paths[wire.name] = path

    def _order(self) -> None:
        """Order the ranks so that few edges cross."""
        best, kept = self._crossings(), [row[:] for row in self.rows]
        for turn in range(_ORDERINGS):
            if not best:
                break
            downwards = turn % 2 == 0
            near = self.up if downwards else self.down
            ranks = range(1, len(self.rows)) if downwards else range(len(self.rows) - 2, -1, -1)
            for r in ranks:
                other = {spot: i for i, spot in enumerate(self.rows[r - 1 if downwards else r + 1])}
                own = {spot: i for i, spot in enumerate(self.rows[r])}
                self.rows[r].sort(key=lambda s, own=own, other=other: (  # type: ignore[misc]
                    sum(other[n] for n in near[s]) / len(near[s]) if near[s] else own[s], own[s]
                ))  # fmt: skip
            self._exchange()
            found = self._crossings()
            if found < best:
                best, kept = found, [row[:] for row in self.rows]
        self.rows = kept

    def _exchange(self) -> None:
        """Exchange neighbours while that helps."""
        for _ in range(_TRANSPOSITIONS):
            at = {spot: i for row in self.rows for i, spot in enumerate(row)}
            better = False
            for row in self.rows:
                for i in range(len(row) - 1):
                    one, other = row[i : i + 2]
                    ends = [
                        (at[a], at[b])
                        for near in (self.up, self.down) for a in near[one] for b in near[other]
                    ]  # fmt: skip
                    if sum(a > b for a, b in ends) > sum(a < b for a, b in ends):
                        row[i], row[i + 1] = other, one
                        at[one], at[other] = i + 1, i
                        better = True
            if not better:
                return

    def _crossings(self) -> int:
        """Count the crossings between neighbouring ranks."""
        found = 0
        for upper, lower in pairwise(self.rows):
            at = {spot: i for i, spot in enumerate(lower)}
            seen: list[int] = []
            for spot in upper:
                ends = sorted(at[below] for below in self.down[spot])
                found += sum(1 for b in ends for a in seen if a > b)
                seen += ends
        return found

    @property
    def _middle(self) -> float:
        return self.room / 2 if self.room < float("inf") else 0.0

    def _positions(self) -> dict[Spot, float]:
        """Move every box near to its neighbours; long edges rather straight than short."""
        x: dict[Spot, float] = {}
        for row in self.rows:
            x |= self._spread(row, [self._middle] * len(row), [1.0] * len(row))
        for turn in range(_MOVES):
            downwards, last = turn % 2 == 0, turn >= _MOVES - 4
            for row in self.rows if downwards else self.rows[::-1]:
                wanted, weights = [], []
                for spot in row:
                    near = self.up[spot] * (downwards or last) + self.down[spot] * (not downwards or last)
                    pull = [4.0 if type(spot) is tuple and type(n) is tuple else 1.0 for n in near]
                    weights.append(sum(pull) or 0.2)
                    drawn = sum(x[n] * w for n, w in zip(near, pull, strict=True))
                    wanted.append(drawn / weights[-1] if near else x[spot])
                x |= self._spread(row, wanted, weights)
        left = min((x[spot] - self.half[spot] for spot in x), default=0.0)
        return {spot: MARGIN + self.indent + at - left for spot, at in x.items()}

    def _spread(
        self, row: Sequence[Spot], wanted: Sequence[float], weights: Sequence[float]
    ) -> dict[Spot, float]:
        half = [self.half[spot] for spot in row]
        found = spread(wanted, half, weights, BESIDE)
        # Within the room, as far as that goes: from the right, then from the left.
        edge = self.room
        for i in reversed(range(len(found))):
            found[i] = min(found[i], edge - half[i])
            edge = found[i] - half[i] - BESIDE
        edge = 0.0
        for i, h in enumerate(half):
            found[i] = max(found[i], edge + h)
            edge = found[i] + h + BESIDE
        return dict(zip(row, found, strict=True))

    def layout(self) -> Layout:
        """Give the positions, with a margin around, and the edges as curves."""
        high = [max((self.sizes[s][1] for s in row if isinstance(s, str)), default=0.0) for row in self.rows]
        rank = {spot: r for r, row in enumerate(self.rows) for spot in row}
        gaps = [BETWEEN] * len(self.rows)
        for wire in self.wires:
            gaps[rank[wire.tail]] = max(gaps[rank[wire.tail]], wire.label[1] + 2 * HEAD + 6)
        tops, y = [], float(MARGIN)
        for h, gap in zip(high, gaps, strict=True):
            tops.append(y)
            y += h + gap
        nodes = {name: (self.x[name], tops[rank[name]] + high[rank[name]] / 2) for name in self.sizes}
        ports = self._ports()
        stops = {}
        for name, path in self.paths.items():
            tail, *passed, head = path
            found = [(ports[name, "tail"], nodes[tail][1] + self.sizes[tail][1] / 2)]  # type: ignore[index]
            for spot in passed:
                top = tops[rank[spot]]
                found += [(self.x[spot], top), (self.x[spot], top + high[rank[spot]])]
            found.append((ports[name, "head"], nodes[head][1] - self.sizes[head][1] / 2 - HEAD))  # type: ignore[index]
            stops[name] = found
        lines = {name: sampled(curve(found)) for name, found in stops.items()}
        labels = Labels(lines)
        for wire in self.wires:
            if any(wire.label):
                r = rank[wire.tail]
                labels.add(wire.name, wire.label, tops[r] + high[r], gaps[r])
        edges = {
            name: Route(curve(found), (found[-1][0], found[-1][1] + HEAD), labels.at.get(name))
            for name, found in stops.items()
        }
        right = max((self.x[spot] + self.half[spot] for spot in self.x), default=0.0)
        right = max([right, *(label.right for label in labels.taken)])
        bottom = y - (gaps[-1] if gaps else 0)
        left = min([float(MARGIN), *(label.left for label in labels.taken)])
        return _moved(Layout(right + MARGIN, bottom + MARGIN, nodes, edges, labels.clashes), MARGIN - left)

    def _ports(self) -> dict[tuple[str, str], float]:
        """Let the edges of one side leave and come in in the order of their other ends, their labels beside them."""
        ports: dict[tuple[str, str], float] = {}
        wide = {wire.name: wire.label[0] + 12 if any(wire.label) else 0.0 for wire in self.wires}
        for side, own, next_ in (("tail", 0, 1), ("head", -1, -2)):
            ends: dict[Spot, list[tuple[float, str]]] = {}
            for name, path in self.paths.items():
                ends.setdefault(path[own], []).append((self.x[path[next_]], name))
            for box, those in ends.items():
                names = [name for _, name in sorted(those)]
                steps = [max(PORTS, wide[name] if side == "tail" else 0.0) for name in names[:-1]]
                room = 2 * self.half[box] - 24
                scale = min(1.0, room / sum(steps)) if steps and room > 0 else 1.0
                at = self.x[box] - sum(steps) * scale / 2
                for name, step in zip(names, [*steps, 0.0], strict=True):
                    ports[name, side] = at
                    at += step * scale
        return ports


def _moved(layout: Layout, right: float) -> Layout:
    """Make room on the left."""
    if not right:
        return layout

    def moved(point: Point) -> Point:
        return point[0] + right, point[1]

    nodes = {name: moved(at) for name, at in layout.nodes.items()}
    edges = {
        name: Route(
            tuple(map(moved, route.points)),
            route.tip and moved(route.tip),
            route.label and moved(route.label),
        )
        for name, route in layout.edges.items()
    }
    return Layout(layout.width + right, layout.height, nodes, edges, layout.clashes)


def crossings(layout: Layout) -> int:
    """Count the pairs of edges of a layout that cross, each as often as they do."""
    lines = [sampled(route.points) for route in layout.edges.values()]
    boxes = [Frame.around(line) for line in lines]
    pairs = ((i, j) for i in range(len(lines)) for j in range(i) if boxes[i].meets(boxes[j]))
    return sum(_cross(a, b) for i, j in pairs for a in pairwise(lines[i]) for b in pairwise(lines[j]))


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    (a, b), (c, d) = one, other
    return side(a, b, c) * side(a, b, d) < -1e-9 and side(c, d, a) * side(c, d, b) < -1e-9


def spread(
    wanted: Sequence[float], half: Sequence[float], weights: Sequence[float], gap: float
) -> list[float]:
    """Give positions in this order, at least `gap` apart, the nearest to those wanted in weighted least squares.

    By pooling adjacent violators (Ayer et al. 1955).

    Examples
    --------
    >>> spread([0, 0], [5, 5], [1, 1], 2)
    [-6.0, 6.0]
    """
    offsets, at = [], 0.0
    for i, h in enumerate(half):
        at += half[i - 1] + gap + h if i else 0.0
        offsets.append(at)
    pools: list[tuple[float, float, int]] = []  # position, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        pools.append((want - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (b, v, m), (a, w, n) = pools.pop(), pools.pop()
            pools.append(((a * w + b * v) / (w + v), w + v, n + m))
    positions = [position for position, _, number in pools for _ in range(number)]
    return [position + offset for position, offset in zip(positions, offsets, strict=True)]
