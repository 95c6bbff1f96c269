"""A larger graph as cards: a run of operations whose values have one use each, a row for each operation.

In: a `View`. Out: `Cards`, plain data that pictures/ places and draws: the cards with their rows, threads between the
rows of one card, links between cards. A row reads: the operation's own part, its value, its gradient, and the local
derivative on the way to where the value goes.

`cards` makes arrows only where a value forks or branches join; `rows` makes one card of everything, with a lane for
each value that waits, as text does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from ...language import mark, tr
from ..model import Edge, Operation
from ..shown.naming import PARTS, circled
from ..shown.numbers import brief, number, shape_of, sign
from ..shown.typeset import clip, width
from ..shown.view import View
from .graph import CHARACTER, FONT, MODULES, Link, gradient_of, linked, sentence, short
from .kept import keeps

ROW = 20  # points
LANE = 10  # from one lane to the next
SMALL = FONT - 1  # of local derivatives
BACK = 9  # from one way back of a loop to the next, on the left of all cards
FAR = 12  # rows
ABSORBED = 2  # operations of a branch that stands in the card that takes it
WIDEST_VALUE = 20  # characters


@dataclass(frozen=True)
class Room:
    """How many characters there are for an operation, a derivative in its row, and one on an arrow."""

    name: int
    via: int
    label: int


ROOMS = (Room(26, 17, 14), Room(22, 13, 10), Room(18, 9, 8))
OPENS = "▸ "  # stands before what a click opens
HEADS = (mark("operation"), mark("value"), mark("gradient"), mark("local derivatives"))


@dataclass(frozen=True)
class Via:
    """The local derivative of one edge, as it stands in a row or on an arrow; `number` is the edge's.

    `name` is the source's, where it says more: numbers are for the edges of operations, which steps speak of.
    """

    number: int
    text: str
    sign: str
    name: str = ""

    @property
    def label(self) -> str:
        """The edge's number and, where there is one, its formula or number."""
        lead = f"{self.name}:" if self.name and self.text else self.name or circled(self.number)
        return f"{lead} {self.text}".rstrip()


@dataclass(frozen=True)
class Row:
    """One operation or input of a card: `kind` is input, operation or result; `lane` counts from the left, from 0."""

    key: int
    kind: str
    name: str
    value: str
    grad: str
    mood: str
    tip: str
    lane: int = 0
    vias: tuple[Via, ...] = ()
    parameter: bool = False  # of a module


@dataclass(frozen=True)
class Thread:
    """An edge between two rows of one card, by their positions there; a `far` one is cut: its end alone is drawn."""

    link: Link
    tail: int
    head: int
    far: bool = False


@dataclass(frozen=True)
class Card:
    """Rows one below the other, and the threads between them."""

    name: str
    rows: tuple[Row, ...]
    threads: tuple[Thread, ...] = ()
    heads: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """As a box's: `result` where the result is in it, `input` where there is nothing else."""
        if self.heads:
            return "operation"
        kinds = {row.kind for row in self.rows}
        return "result" if "result" in kinds else "input" if kinds == {"input"} else "operation"

    @cached_property
    def columns(self) -> tuple[float, float, float, float, float]:
        """Where name, value, gradient and derivatives begin, and where the card ends, in points from its left."""
        lanes = max(row.lane + self._beside(row) for row in self.rows)
        found = [16 + LANE * lanes + 12.0]
        for column, size in ((0, FONT), (1, FONT), (2, FONT), (3, SMALL)):
            texts = [(r.name, r.value, r.grad, "  ".join(v.label for v in r.vias))[column] for r in self.rows]
            widest = max(map(width, [*texts, *self.heads[column : column + 1]]))
            gap = (14, 14, 12, 10)[column] if widest else 0
            # A name is bold, which takes as much in a monospaced font; circled digits take two columns at most.
            extra = max((len(r.vias) for r in self.rows), default=0) * 4 if column == 3 and widest else 0
            found.append(found[-1] + widest * size * CHARACTER + gap + extra)
        return tuple(found)  # type: ignore[return-value]

    @property
    def width(self) -> float:
        """In points."""
        return self.columns[-1]

    @property
    def top(self) -> float:
        """Where the first row begins, in points from the card's upper edge."""
        return 3 + (ROW if self.heads else 0)

    @property
    def height(self) -> float:
        """In points."""
        return self.top + len(self.rows) * ROW + 3

    def middle(self, row: int) -> float:
        """In points from the card's upper edge."""
        return self.top + (row + 0.5) * ROW

    def dot(self, row: int) -> float:
        """Where a row's dot stands, in points from the card's left: an input that is used beside it, to the right."""
        one = self.rows[row]
        return 14 + LANE * one.lane + (7 if self._beside(one) else 0)

    def _beside(self, row: Row) -> bool:
        return not self.heads and self.kind != "input" and row.kind == "input"


@dataclass(frozen=True)
class Cards:
    """What is drawn, and one sentence that says it. The links lead from card to card, by the keys of rows."""

    cards: tuple[Card, ...]
    links: tuple[Link, ...]
    sentence: str

    @property
    def card_of(self) -> dict[int, str]:
        """The name of the card in which each key's row stands."""
        return {row.key: card.name for card in self.cards for row in card.rows}

    @property
    def backs(self) -> list[Link]:
        """The ways back of loops, within a card or between cards."""
        within = (thread.link for card in self.cards for thread in card.threads)
        return [link for link in (*self.links, *within) if link.back]


class Use(NamedTuple):
    """One edge between values that are shown; `back` is a loop's way back."""

    operation: Operation
    edge: Edge
    source: int
    back: bool


class _Shown:
    """What of a view is drawn: values by key, and who uses each."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.values = {o.key: o for o in view.operations if o.rule or o.key in view.users}
        self.into: dict[int, list[Use]] = {
            o.key: [
                Use(o, edge, edge.source, view.leads_back(o, edge))
                for edge in o.edges if edge.source is not None and edge.source in self.values
            ]
            for o in self.values.values()
        }  # fmt: skip
        self.uses: dict[int, list[Use]] = {key: [] for key in self.values}
        for use in chain.from_iterable(self.into.values()):
            self.uses[use.source].append(use)

    def once(self, key: int) -> bool:
        """Tell whether one operation alone uses a value."""
        return len({use.operation.key for use in self.uses[key]}) == 1

    def link(self, use: Use, label: str = "") -> Link:
        return replace(linked(self.view, use.operation, use.edge), label=label)

    def via(self, use: Use, room: int, by: bool = False) -> Via:
        """Write the local derivative of an edge in few characters; where there is none, with `by`, whose edge it is."""
        operation, edge = use.operation, use.edge
        mood = sign(edge.local) or sign(edge.flow)
        text, name = short(self.view, operation, edge, room), ""
        if by and operation.rule in PARTS:
            name = clip(self.view.name(use.source), room - 2 if not text else 12)
        elif by and not text:
            text = clip(tr("by {name}", name=self.view.name(use.source)), room)
        return Via(self.view.numbers[operation.key, edge.argument], text, mood, name)


def cards(view: View, room: Room = ROOMS[0]) -> Cards:
    """Lay the operations of a view out as cards."""
    shown = _Shown(view)
    runs = _runs(shown)
    lanes = _absorbed(shown, runs)
    order = {key: i for i, key in enumerate(shown.values)}
    runs.sort(key=lambda run: order[run[-1]])  # so all links but the ways back lead onwards
    home = {key: i for i, run in enumerate(runs) for key in run}
    made, between = [], []
    for i, run in enumerate(runs):
        rows, threads = [], []
        for key in run:
            inside = [use for use in shown.uses[key] if home[use.operation.key] == i]
            threads += [Thread(shown.link(u), run.index(key), run.index(u.operation.key)) for u in inside]
            outside = [use for use in shown.uses[key] if home[use.operation.key] != i]
            between += [shown.link(u, "" if u.back else shown.via(u, room.label).label) for u in outside]
            told = tuple(shown.via(u, room.via) for u in [*inside, *(u for u in outside if u.back)])
            rows.append(replace(row(view, shown.values[key], room, lanes.get(key, 0)), vias=told))
        made.append(Card(f"k{i}", tuple(rows), tuple(threads)))
    return Cards(tuple(made), tuple(between), sentence(view))


def _runs(shown: _Shown) -> list[list[int]]:
    """Put each operation behind the one whose value it alone uses, with the inputs that nothing else uses."""
    runs: list[list[int]] = []
    ends: dict[int, list[int]] = {}  # the run that a key ends
    for key, o in shown.values.items():
        if not o.rule:
            continue
        sources = list(dict.fromkeys(use.source for use in shown.into[key]))
        computed = [source for source in sources if shown.values[source].rule]
        run: list[int] | None = None
        if len(computed) == 1 and not any(use.back for use in shown.into[key]):
            (before,) = computed
            if shown.once(before) and shown.values[before].count == o.count:
                run = ends.pop(before, None)
        if run is None:
            run = []
            runs.append(run)
        run += [source for source in sources if not shown.values[source].rule and shown.once(source)]
        run.append(key)
        ends[key] = run
    placed = set(chain.from_iterable(runs))
    return [[key] for key in shown.values if key not in placed] + runs


def _absorbed(shown: _Shown, runs: list[list[int]]) -> dict[int, int]:
    """Let a short branch stand in the run that takes it, on a lane of its own; give the lanes of those."""
    home = {key: run for run in runs for key in run}
    lanes: dict[int, int] = {}
    for run in [*runs]:
        end = run[-1]
        others = any(home[use.source] is not run for key in run for use in shown.into[key])
        short = sum(bool(shown.values[key].rule) for key in run) <= ABSORBED
        if not shown.values[end].rule or not shown.once(end) or others or not short:
            continue
        use = shown.uses[end][0]
        taker = home[use.operation.key]
        if taker is run or use.back:
            continue
        at = taker.index(use.operation.key)
        beside = any(
            shown.values[other.source].rule and other.source != end for other in shown.into[use.operation.key]
        )
        if beside and any(lanes.get(key) for key in taker[:at]):
            continue  # one at a time: two beside one another could not be told apart
        for key in run:
            home[key] = taker
            lanes[key] = int(beside)
        taker[at:at] = run
        runs.remove(run)
    return lanes


def rows(view: View, room: Room = ROOMS[0]) -> Cards:
    """Lay everything out as one card, a lane for each value that waits: what cards cannot show without a tangle."""
    shown = _Shown(view)
    order = _in_order(shown)
    at = {key: i for i, key in enumerate(order)}
    threads = []
    for use in chain.from_iterable(shown.into.values()):
        tail, head = at[use.source], at[use.operation.key]
        # The text names what comes from far up; its lane would only be one more to follow.
        far = bool(shown.values[use.source].names) and head - tail > FAR
        threads.append(Thread(shown.link(use), tail, head, far))
    near = [(t.tail, t.head) for t in threads if not t.far and t.tail < t.head]
    lanes = _lanes(len(order), near)
    made = []
    for key in order:
        uses = shown.into[key]
        label = max(
            room.label, min(40, 3 * room.label // max(1, len(uses)) - 5)
        )  # what is alone has more room
        told = _told([shown.via(use, label, by=True) for use in uses], room)
        made.append(replace(row(view, shown.values[key], room, lanes[at[key]], shapes=True), vias=told))
    return Cards((Card("k0", tuple(made), tuple(threads), tuple(map(tr, HEADS))),), (), sentence(view))


def _told(vias: list[Via], room: Room) -> tuple[Via, ...]:
    """Let the last derivatives of a row be numbers of edges alone, where all would be too long."""
    left = 3 * room.label
    found = []
    for via in vias:
        left -= width(via.label) + 1
        found.append(via if left >= 0 else replace(via, text=""))
    return tuple(found)


def _in_order(shown: _Shown) -> list[int]:
    """Let each input stand before its first use."""
    order: dict[int, None] = {}
    for key, o in shown.values.items():
        if o.rule:
            inputs = (use.source for use in shown.into[key] if not shown.values[use.source].rule)
            order |= dict.fromkeys([*inputs, key])
    return [*order, *(key for key in shown.values if key not in order)]


def _lanes(number: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Give each row a lane that is free until its last use: that of what it is made of, where that ends with it."""
    sources: dict[int, list[int]] = {}
    last: dict[int, int] = {}
    for source, user in edges:
        sources.setdefault(user, []).append(source)
        last[source] = max(last.get(source, 0), user)
    until: list[int] = []  # by lane, the row up to which it is taken
    lanes: list[int] = []
    for i in range(number):
        ending = [lanes[source] for source in sources.get(i, ()) if until[lanes[source]] <= i]
        free = (lane for lane, end in enumerate(until) if end < i)
        lane = min(ending) if ending else next(free, len(until))
        if lane == len(until):
            until.append(i)
        lanes.append(lane)
        until[lane] = last.get(i, i)
    return lanes


def row(view: View, operation: Operation, room: Room, lane: int = 0, shapes: bool = False) -> Row:
    """Make the row of one operation or input, as yet without derivatives."""
    result = view.trace.result.key if view.trace.result else None
    value = operation.value
    about = ""
    if value is not None:
        about = brief(value, WIDEST_VALUE, digits=3) if value.shape else number(value.items)
        if shapes and value.shape:
            about = f"{shape_of(value.shape)} {about}"
    kind = "result" if operation.key == result else "operation" if operation.rule else "input"
    turn = "  ".join(filter(None, (view.turns.get(operation.key, ""), keeps(view, operation))))
    name = _title(view, operation, room.name) + (f"  {turn}" if turn else "")
    tip = "\n".join(filter(None, [
        view.title(operation, 200), tr("value: {value}", value=about) if about else "",
        gradient_of(view, operation) if operation.grad else "",
    ]))  # fmt: skip
    grad = brief(operation.grad, WIDEST_VALUE, digits=3)
    parameter = not operation.rule and operation.key in view.parameters
    return Row(operation.key, kind, name, about, grad, sign(operation.grad), tip, lane, parameter=parameter)


def _title(view: View, operation: Operation, room: int) -> str:
    """Write an operation's own part with its name: `p = 1 / ·`, where the dot stands for the row above."""
    times = f" ×{operation.count}" if operation.count > 1 else ""
    own = own_part(view, operation)
    text = view.title(operation, 200).removesuffix(f" {times}") if own is None else own
    opens = OPENS if operation.key in view.parts else ""
    return opens + clip(MODULES.sub("", text) if operation.rule else text, room - width(times)) + times


def own_part(view: View, operation: Operation) -> str | None:
    """Give the title of an operation, every part without a name that has a row of its own as its sign, or a dot.

    None where its text does not say it: source that is gone, a write, an augmented assignment.
    """
    place, name = operation.place, view.sign_of(operation) or "".join(operation.names[:1])
    if place is None or not operation.rule or operation.count > 1 or place.line != place.end_line:
        return None
    text = " ".join(place.text.split())
    lead = f"{name} = " if name else ""
    if len(place.text) != place.end_column - place.column or view.title(operation, 10_000) != lead + text:
        return None
    spans = {}
    for edge in operation.edges:
        source = view.by_key.get(edge.source)
        at = source.place if source is not None else None
        if source is None or at is None or not source.rule or source.names:
            continue
        here = (at.label, at.line, at.end_line, at.line_in_cell) == (
            place.label, place.line, place.line, place.line_in_cell
        )  # fmt: skip
        inside = place.column <= at.column and at.end_column <= place.end_column
        if here and inside and (at.column, at.end_column) != (place.column, place.end_column):
            span = at.column - place.column, at.end_column - place.column
            spans[span] = view.sign_of(source) or "·"
    return lead + " ".join(_replaced(place.text, spans).split())


def _replaced(text: str, spans: dict[tuple[int, int], str]) -> str:
    for (start, end), called in sorted(spans.items(), reverse=True):
        # Its own parentheses go with it, those of a call stay.
        while start and end < len(text) and text[start - 1] == "(" and text[end] == ")":
            before = text[: start - 1].rstrip()
            if before and (before[-1].isalnum() or before[-1] in "_])"):
                break
            start, end = start - 1, end + 1
        text = f"{text[:start]}{called}{text[end:]}"
    return text
