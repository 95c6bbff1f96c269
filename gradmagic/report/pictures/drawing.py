"""Which drawing a graph gets, and that drawing.

In: a `View`. Out: a `Scene`. Up to eight boxes stand from left to right, where they fit into a column at their own
size. What is larger stands as cards from the top down; where cards would be a tangle, as rows with lanes. What has
boxes that open stands in one column, so that what is below can make room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..parts.cards import BACK, ROOMS, SMALL, Cards, Room, cards, rows
from ..parts.graph import CHARACTER, Picture, picture
from ..shown.boxes import Boxed
from ..shown.typeset import width
from ..shown.view import View
from .dot import digraph
from .layout import Layout, lay_out, program
from .ranked import Wire, crossings, ranked
from .scene import Scene, of_boxes, of_cards

COLUMN = 780.0  # points that a drawing may be wide
BOXES = 8  # that stand from left to right
WIDE = Room(30, 24, 24)  # of a column
INDENT = 48.0  # of a drawing within another
MOST_CARDS, MOST_CROSSINGS, HIGHEST = 16, 3, 1_400.0  # of cards; what is more stands as rows


@dataclass(frozen=True)
class Drawn:
    """A view with its drawing, and by key what its boxes open to; `form` names another form of the whole graph."""

    view: View
    scene: Scene
    form: str = ""
    inner: dict[int, Drawn] = field(default_factory=dict)


def opening(boxed: Boxed, form: str = "", room: float = COLUMN) -> Drawn:
    """Draw what has boxes that open, and what they open to."""
    inner = {key: opening(each, "", room - INDENT) for key, each in boxed.inner.items()}
    return Drawn(boxed.view, (_column if inner else drawing)(boxed.view, room=room), form, inner)


def _column(view: View, room: float) -> Scene:
    for least in (WIDE, *ROOMS):
        made = rows(view, least)
        layout = of_top_down(made)
        if layout.width <= room:
            break
    return of_cards(made, layout)


def drawing(view: View, engine: str = "own", room: float = COLUMN) -> Scene:
    """Draw a view in the form that shows it best; by an `engine` of Graphviz, where there is one, as boxes."""
    if engine != "own":
        boxes = picture(view)
        placed = lay_out(digraph(boxes).source, engine if program(engine) else "pure")
        if placed is not None:
            return of_boxes(boxes, placed)
    for compact in (False, True):
        boxes = picture(view, compact)
        if len(boxes.boxes) > BOXES:
            break
        layout = of_left_to_right(boxes)
        if layout.width <= room:
            return of_boxes(boxes, layout)
    best: tuple[Cards, Layout] | None = None
    for made, layout in _tried(view, room):
        if best is None or layout.width < best[1].width:
            best = made, layout
        if layout.width <= room:
            break
    assert best is not None
    return of_cards(*best)


def _tried(view: View, column: float) -> Iterator[tuple[Cards, Layout]]:
    """Lay a view out as cards, unless they are a tangle, then as rows, each in less and less room."""
    for room in ROOMS:
        made = cards(view, room)
        if len(made.cards) > MOST_CARDS:
            break
        layout = of_top_down(made, column)
        if layout.height > HIGHEST or layout.clashes > MOST_CROSSINGS or crossings(layout) > MOST_CROSSINGS:
            break
        yield made, layout
    for room in ROOMS:
        yield (made := rows(view, room)), of_top_down(made)


def of_left_to_right(drawn: Picture) -> Layout:
    """Place boxes from left to right."""
    wires = [
        Wire(link.name, link.tail, link.head, _size(link.label)) for link in drawn.links if not link.back
    ]
    return ranked({box.name: (box.width, box.height) for box in drawn.boxes}, wires, COLUMN, turned=True)


def of_top_down(drawn: Cards, room: float = COLUMN) -> Layout:
    """Place cards from the top down, in a column."""
    home = drawn.card_of
    wires = [
        Wire(link.name, home[int(link.tail[1:])], home[int(link.head[1:])], _size(link.label))
        for link in drawn.links if not link.back
    ]  # fmt: skip
    sizes = {card.name: (card.width, card.height) for card in drawn.cards}
    indent = BACK * len(drawn.backs) + (6 if drawn.backs else 0)
    return ranked(sizes, wires, room, indent=indent)


def _size(label: str) -> tuple[float, float]:
    return (width(label) * SMALL * CHARACTER, 14.0) if label else (0.0, 0.0)
