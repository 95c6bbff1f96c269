"""Graphviz's layout, for those who ask for it: a layout program in a child process, with a time limit.

In: DOT text. Out: positions, or a picture as bytes; None when there is no program or it took too long. The program is
`graphviz-pure`, which comes as a wheel and places alike on every machine; the system's `dot` serves on request.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

# Then the edges are straight, and then the graph is shown as lanes. 130 nodes take 0.05 to 0.2 s where nothing else
# runs; a busy machine shall still give the same bytes.
SECONDS = 0.6
MARGIN = 8  # points around the drawing
PURE = "graphviz-pure"

Point = tuple[float, float]


@dataclass(frozen=True)
class Route:
    """One edge: the points of its Bézier curve, the tip of its arrow, the middle of its label."""

    points: tuple[Point, ...]
    tip: Point | None
    label: Point | None

    @property
    def arrow(self) -> tuple[Point, ...]:
        """The corners of the arrow's head, 7 points wide; none without a tip."""
        if self.tip is None:
            return ()
        x, y = self.points[-1]
        dx, dy = self.tip[0] - x, self.tip[1] - y
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        nx, ny = -dy / length * 3.5, dx / length * 3.5
        return self.tip, (x + nx, y + ny), (x - nx, y - ny)


@dataclass(frozen=True)
class Layout:
    """Where everything is, in points, y downwards, a margin around. Nodes by name, edges by their `id`.

    `clashes` counts the labels that found no place of their own.
    """

    width: float
    height: float
    nodes: dict[str, Point]
    edges: dict[str, Route]
    clashes: int = 0


@cache
def program(engine: str = "pure") -> str | None:
    """Find the layout program: the wheel's (`"pure"`) or the system's (`"dot"`).

    The wheel's own list of files is asked, because the PATH of a kernel often lacks the environment's bin.
    """
    if engine == "dot":
        return shutil.which("dot")
    try:
        files = importlib.metadata.files(PURE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name in {PURE, f"{PURE}.exe"}:
            found = file.locate()
            if shutil.which(str(found)):
                return str(found)
    return None


def render(dot: str, kind: str, engine: str = "pure", seconds: float = 30.0) -> bytes | None:
    """Draw `dot` as `kind` (`"json0"`, `"png"` ...); None without a program, when it fails, or takes too long."""
    found = program(engine)
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, f"-T{kind}"], input=dot.encode(), capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def lay_out(dot: str, engine: str = "pure") -> Layout | None:
    """Place the nodes and edges of `dot`; with straight edges where curves, which cost most, take too long."""
    seconds = SECONDS
    straight = dot.replace("graph [", "graph [splines=line ", 1)
    text = render(dot, "json0", engine, seconds) or render(straight, "json0", engine, seconds / 2)
    if text is None:
        return None
    found = json.loads(text)
    left, low, right, high = map(float, found["bb"].split(","))

    def point(x: str) -> Point:
        a, b = x.split(",")[-2:]
        return float(a) - left + MARGIN, high - float(b) + MARGIN

    nodes = {o["name"]: point(o["pos"]) for o in found.get("objects", ()) if "pos" in o}
    edges = {}
    for edge in (edge for edge in found.get("edges", ()) if "pos" in edge):
        pieces = edge["pos"].split()
        tip = next((point(piece) for piece in pieces if piece.startswith("e,")), None)
        points = tuple(point(piece) for piece in pieces if not piece.startswith(("e,", "s,")))
        edges[edge["id"]] = Route(points, tip, point(edge["lp"]) if "lp" in edge else None)
    return Layout(right - left + 2 * MARGIN, high - low + 2 * MARGIN, nodes, edges)
