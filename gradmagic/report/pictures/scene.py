"""What is drawn, as shapes: the one thing that SVG, PNG and PDF are made of.

In: a `Picture` or `Cards`, and a `Layout`. Out: a `Scene`: groups of shapes, each a box, a row or an edge with what is
said of it. Colours are roles, which the page's theme or colours.py turns into colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..parts.cards import BACK, ROW, SMALL, Card, Cards, Row, Thread
from ..parts.graph import FONT, LINE, ROLES, Box, Link, Picture
from .layout import Layout, Point, Route

Words = tuple[tuple[str, str], ...]  # (text, role); the role `via 5 pos` is a derivative's, of edge 5


@dataclass(frozen=True)
class Rect:
    """A rectangle; `role` is a kind of box, `row input` (a strip in a card) or `catch` (unseen, to be pointed at)."""

    x: float
    y: float
    width: float
    height: float
    role: str = "operation"
    radius: float = 0.0


@dataclass(frozen=True)
class Dot:
    """Where a row's value stands on its lane; `role` is a kind of row; a parameter's has a ring."""

    x: float
    y: float
    role: str
    ring: bool = False


@dataclass(frozen=True)
class Text:
    """Words on one line, `y` its baseline; `anchor` is start or middle."""

    x: float
    y: float
    words: Words
    size: int = FONT
    anchor: str = "start"


@dataclass(frozen=True)
class Stroke:
    """A line: the points of a Bézier curve, in the group's colour; `bar` is a gradient's size along a box."""

    points: tuple[Point, ...]
    weight: float
    dashed: bool = False
    bar: bool = False
    arrow: tuple[Point, ...] = ()


Shape = Rect | Dot | Text | Stroke


@dataclass(frozen=True)
class Group:
    """Shapes that belong together: a node by its `key`, an edge by its number and its ends, or a card's frame.

    `kind` is a box's or row's kind; of an edge it is its sign.
    """

    what: str
    kind: str
    shapes: tuple[Shape, ...]
    tip: str = ""
    key: int | None = None
    edge: tuple[int, int, int] | None = None
    mood: str = ""


@dataclass(frozen=True)
class Scene:
    """All that is drawn, in points, and one sentence that says it."""

    width: float
    height: float
    sentence: str
    groups: tuple[Group, ...]
    tall: bool = False  # cards: as wide as a column, and shown at their own size


# ---- boxes from left to right -----------------------------------------------------------------------------------


def of_boxes(picture: Picture, layout: Layout) -> Scene:
    """Draw boxes and arrows."""
    groups = [_edge(link, layout.edges[link.name]) for link in picture.links if link.name in layout.edges]
    groups += [_box(box, layout.nodes[box.name]) for box in picture.boxes if box.name in layout.nodes]
    return Scene(layout.width, layout.height, picture.sentence, tuple(groups))


def _box(box: Box, at: Point) -> Group:
    x, y = at
    left, top = x - box.width / 2, y - box.height / 2
    shapes: list[Shape] = [Rect(left, top, box.width, box.height, box.kind, box.radius)]
    if box.size:
        # Along the lower edge, how large the gradient is beside the largest, in the colour of its sign.
        under = top + box.height - 2
        shapes.append(Stroke(((left + 3, under), (left + 3 + box.bar, under)), 3, bar=True))
    first = y - (len(box.lines) - 1) * LINE / 2 + FONT * 0.35
    shapes += [Text(x, first + i * LINE, line, anchor="middle") for i, line in enumerate(box.lines)]
    return Group("n", box.kind, tuple(shapes), box.tip, box.key, mood=box.mood)


def _edge(link: Link, route: Route) -> Group:
    shapes: list[Shape] = [Stroke(route.points, link.weight, link.dashed, arrow=route.arrow)]
    if link.label and route.label is not None:
        x, y = route.label
        shapes.append(Text(x, y + 1, ((link.label.rstrip(), ""),), SMALL, "middle"))
    return _of_link(link, shapes)


def _of_link(link: Link, shapes: Sequence[Shape]) -> Group:
    ends = None if link.sign == "constant" else (int(link.name[1:]), int(link.tail[1:]), int(link.head[1:]))
    return Group("e", link.sign, tuple(shapes), link.tip, edge=ends, mood="back" if link.back else "")


# ---- cards ------------------------------------------------------------------------------------------------------


def of_cards(drawn: Cards, layout: Layout) -> Scene:
    """Draw cards: the arrows between them, their frames, then their rows with the threads."""
    corners = {
        card.name: (layout.nodes[card.name][0] - card.width / 2, layout.nodes[card.name][1] - card.height / 2)
        for card in drawn.cards
    }
    groups = [_edge(link, layout.edges[link.name]) for link in drawn.links if link.name in layout.edges]
    spots = {
        row.key: (corners[card.name][0], corners[card.name][1] + card.middle(i))
        for card in drawn.cards for i, row in enumerate(card.rows)
    }  # fmt: skip
    outside = min((x for x, _ in corners.values()), default=0.0)
    for i, link in enumerate(drawn.backs):
        ends = spots[int(link.tail[1:])], spots[int(link.head[1:])]
        groups.append(_of_link(link, [_back(*ends, outside - BACK * (i + 1), link.weight)]))
    for card in drawn.cards:
        groups += _card(card, *corners[card.name])
    return Scene(layout.width, layout.height, drawn.sentence, tuple(groups), tall=True)


def _back(tail: Point, head: Point, x: float, weight: float) -> Stroke:
    """Draw a loop's way back, on the left of all cards."""
    (x0, y0), (x1, y1) = tail, head
    if y0 == y1:  # of one row: out below, and in above
        y0, y1 = y0 + 6, y1 - 6
    tip = (x1 - 1, y1)
    points = (
        (x0, y0),
        (x, y0),
        (x, y0),
        (x, y0 - 8),
        (x, y0 - 8),
        (x, y1 + 8),
        (x, y1 + 8),
        (x, y1),
        (x, y1),
        (x1 - 8, y1),
    )
    return Stroke(points, weight, dashed=True, arrow=Route((*points[:-1], (x1 - 8, y1)), tip, None).arrow)


def _card(card: Card, left: float, top: float) -> list[Group]:
    frame: list[Shape] = [Rect(left, top, card.width, card.height, card.kind, 4)]
    columns = [left + x for x in card.columns]
    if card.heads:
        baseline = top + 3 + ROW / 2 + 4
        frame += [
            Text(x, baseline, ((head, "muted"),), SMALL) for x, head in zip(columns, card.heads, strict=False)
        ]
    if card.kind != "input":
        frame += [
            Rect(left + 1, top + card.top + i * ROW, card.width - 2, ROW, f"row {row.kind}")
            for i, row in enumerate(card.rows) if row.kind in ({"input", "result"} if card.heads else {"input"})
        ]  # fmt: skip
    groups = [Group("c", card.kind, tuple(frame))]
    groups += [_thread(card, thread, left, top) for thread in card.threads if not thread.link.back]
    groups += [_row(card, i, row, left, top, columns) for i, row in enumerate(card.rows)]
    return groups


def _thread(card: Card, thread: Thread, left: float, top: float) -> Group:
    x0, y0 = left + card.dot(thread.tail), top + card.middle(thread.tail)
    x1, y1 = left + card.dot(thread.head), top + card.middle(thread.head)
    turn = y1 - ROW / 2
    if thread.far:  # its end alone
        return _of_link(
            thread.link,
            [Stroke(((x1 - 7, turn), (x1 - 7, turn + 4), (x1 - 4, y1 - 4), (x1, y1)), thread.link.weight)],
        )
    points: tuple[Point, ...] = ((x0, y0), (x0, y0), (x0, y1), (x0, y1))
    if x0 != x1:  # down on its own lane, then over to where it is used
        points = ((x0, y0), (x0, y0), (x0, turn), (x0, turn), (x0, y1 - 3), (x1, turn + 3), (x1, y1))
    return _of_link(thread.link, [Stroke(points, thread.link.weight)])


def _row(card: Card, i: int, row: Row, left: float, top: float, columns: Sequence[float]) -> Group:
    y = top + card.middle(i)
    shapes: list[Shape] = [
        Rect(left + 1, y - ROW / 2, card.width - 2, ROW, "catch"), Dot(left + card.dot(i), y, row.kind, row.parameter),
        Text(columns[0], y + 4, ((row.name, "name"),)), Text(columns[1], y + 4, ((row.value, "muted"),)),
    ]  # fmt: skip
    if row.grad:
        shapes.append(Text(columns[2], y + 4, ((row.grad, f"g {ROLES.get(row.mood, 'ink')}"),)))
    if row.vias:
        words = tuple(
            (("  " if j else "") + via.label, f"via {via.number} {ROLES.get(via.sign, 'muted')}")
            for j, via in enumerate(row.vias)
        )
        shapes.append(Text(columns[3], y + 4, words, SMALL))
    return Group("n", row.kind, tuple(shapes), row.tip, row.key)
