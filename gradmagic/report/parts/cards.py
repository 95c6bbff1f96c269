"""A larger graph as cards: a run of operations whose values have one use each, a row for each operation.

In: a `View`. Out: `Cards`, plain data that pictures/ places and draws: the cards with their rows, threads between the
rows of one card, links between cards. A row reads: the operation's own part, its value, its gradient, and the local
derivative on the way to where the value goes.

`cards` makes arrows only where a value forks or branches join; `rows` makes one card of everything, with a lane for
each value that waits, as text does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..model import Edge, Operation
from ..shown.numbers import brief, number, shape_of, sign
from ..shown.typeset import clip, width
from ..shown.view import View, circled
from .graph import CHARACTER, FONT, MODULES, Link, linked, sentence, short

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
HEADS = ("operation", "value", "gradient", "local derivatives")


@dataclass(frozen=True)
class Via:
    """The local derivative of one edge, as it stands in a row or on an arrow; `number` is the edge's."""

    number: int
    text: str
    sign: str

    @property
    def label(self) -> str:
        """The edge's number and, where there is one, its formula or number."""
        return f"{circled(self.number)} {self.text}".rstrip()


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

    @property
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


def cards(view: View, room: Room = ROOMS[0]) -> Cards:
    """Lay the operations of a view out as cards."""
    shown = {o.key: o for o in view.operations if o.rule or o.key in view.users}
    uses = {key: [(o, e) for o, e in view.users.get(key, ()) if o.key in shown] for key in shown}
    runs = _runs(shown, uses)
    lanes = _absorbed(view, shown, uses, runs)
    runs.sort(key=lambda run: next((key for key in run if shown[key].rule), run[0]))
    home = {key: i for i, run in enumerate(runs) for key in run}
    links = {
        (o.key, e.argument): linked(view, o, e) for o in shown.values() for e in o.edges if e.source in shown
    }
    made = []
    for i, run in enumerate(runs):
        threads = [
            Thread(links[o.key, e.argument], run.index(key), run.index(o.key))
            for key in run for o, e in uses[key] if home[o.key] == i
        ]  # fmt: skip
        leaving = {
            key: tuple(via(view, o, e, room.via) for o, e in uses[key] if home[o.key] == i or o.key <= key)
            for key in run
        }
        rows = [replace(row(view, shown[key], room, lanes.get(key, 0)), vias=leaving[key]) for key in run]
        made.append(Card(f"k{i}", tuple(rows), tuple(threads)))
    between = [
        replace(links[o.key, e.argument], label=via(view, o, e, room.label).label)
        for o in shown.values() for e in o.edges if e.source in shown and home[e.source] != home[o.key]
    ]  # fmt: skip
    return Cards(tuple(made), tuple(between), sentence(view))


Uses = dict[int, list[tuple[Operation, Edge]]]


def _used_once(uses: Uses, key: int) -> bool:
    return len({o.key for o, _ in uses[key]}) == 1


def _runs(shown: dict[int, Operation], uses: Uses) -> list[list[int]]:
    """Put each operation behind the one whose value it alone uses, with the inputs that nothing else uses."""
    runs: list[list[int]] = []
    ends: dict[int, list[int]] = {}  # the run that a key ends
    for o in shown.values():
        if not o.rule:
            continue
        sources = [e.source for e in o.edges if e.source in shown]
        computed = {key for key in sources if shown[key].rule}
        run: list[int] | None = None
        if len(computed) == 1:
            (before,) = computed
            if before < o.key and _used_once(uses, before) and shown[before].count == o.count:
                run = ends.pop(before, None)
        if run is None:
            run = []
            runs.append(run)
        run += [key for key in dict.fromkeys(sources) if not shown[key].rule and _used_once(uses, key)]
        run.append(o.key)
        ends[o.key] = run
    placed = {key for run in runs for key in run}
    return [[key] for key in shown if key not in placed] + runs


def _absorbed(view: View, shown: dict[int, Operation], uses: Uses, runs: list[list[int]]) -> dict[int, int]:
    """Let a short branch stand in the run that takes it, on a lane of its own; give the lanes of those."""
    home = {key: run for run in runs for key in run}
    lanes: dict[int, int] = {}
    for run in [*runs]:
        end = run[-1]
        others = any(e.source in shown and home[e.source] is not run for key in run for e in shown[key].edges)
        if not shown[end].rule or not _used_once(uses, end) or others:
            continue
        user = uses[end][0][0].key
        taker = home[user]
        short = sum(bool(shown[key].rule) for key in run) <= ABSORBED
        if taker is run or not short or user <= end:
            continue
        at = taker.index(user)
        beside = [
            e.source
            for e in shown[user].edges
            if e.source in shown and shown[e.source].rule and e.source != end
        ]
        lane = 1 if beside else 0
        if any(lanes.get(key) == lane for key in taker[:at] if lane):
            continue  # one at a time: two beside one another could not be told apart
        for key in run:
            home[key] = taker
            lanes[key] = lane
        taker[at:at] = run
        runs.remove(run)
    return lanes


def rows(view: View, room: Room = ROOMS[0]) -> Cards:
    """Lay everything out as one card, a lane for each value that waits: what cards cannot show without a tangle."""
    shown = {o.key: o for o in view.operations if o.rule or o.key in view.users}
    order = _in_order(shown)
    at = {key: i for i, key in enumerate(order)}
    edges = [(o, e) for o in shown.values() for e in o.edges if e.source in shown]
    # The text names what comes from far up; its lane would only be one more to follow.
    far = {(o.key, e.argument) for o, e in edges if shown[e.source].names and at[o.key] - at[e.source] > FAR}  # type: ignore[index]
    lanes = _lanes(
        order, [(e.source, o.key) for o, e in edges if (o.key, e.argument) not in far and e.source < o.key]
    )  # type: ignore[misc, operator]
    threads = tuple(
        Thread(linked(view, o, e), at[e.source], at[o.key], (o.key, e.argument) in far) for o, e in edges  # type: ignore[index]
    )  # fmt: skip
    made = []
    for key in order:
        vias = tuple(via(view, shown[key], e, room.label) for e in shown[key].edges if e.source in shown)
        made.append(replace(row(view, shown[key], room, lanes[key], shapes=True), vias=vias))
    return Cards((Card("k0", tuple(made), threads, HEADS),), (), sentence(view))


def _in_order(shown: dict[int, Operation]) -> list[int]:
    """Let each input stand before its first use."""
    order: dict[int, None] = {}
    for o in shown.values():
        if o.rule:
            order |= dict.fromkeys(e.source for e in o.edges if e.source in shown and e.source <= o.key)  # type: ignore[misc]
            order[o.key] = None
    return [*order, *(key for key in shown if key not in order)]


def _lanes(order: Sequence[int], edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Give each value a lane that is free until its last use: that of what it is made of, where that ends with it."""
    sources: dict[int, list[int]] = {}
    last: dict[int, int] = {}
    at = {key: i for i, key in enumerate(order)}
    for source, user in edges:
        sources.setdefault(user, []).append(source)
        last[source] = max(last.get(source, 0), at[user])
    until: list[int] = []  # by lane, the row up to which it is taken
    lanes: dict[int, int] = {}
    for i, key in enumerate(order):
        own = [lanes[source] for source in sources.get(key, ())]
        ending = [lane for lane in own if until[lane] <= i]
        free = (lane for lane, end in enumerate(until) if end < i)
        lane = min(ending) if ending else next(free, len(until))
        if lane == len(until):
            until.append(i)
        lanes[key], until[lane] = lane, last.get(key, i)
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
    turn = view.turns.get(operation.key, "")
    name = _title(view, operation, room.name) + (f"  {turn}" if turn else "")
    tip = "\n".join(filter(None, [
        view.title(operation, 200), about and f"value: {about}",
        operation.grad and f"gradient of {view.result_name}: {brief(operation.grad)}",
    ]))  # fmt: skip
    return Row(
        operation.key, kind, name, about, brief(operation.grad, WIDEST_VALUE, digits=3), sign(operation.grad), tip, lane
    )  # fmt: skip


def via(view: View, operation: Operation, edge: Edge, room: int) -> Via:
    """Write the local derivative of an edge in few characters: a formula, or else its number alone."""
    text = short(view, operation, edge, room)
    return Via(view.numbers[operation.key, edge.argument], text, sign(edge.local) or sign(edge.flow))


def _title(view: View, operation: Operation, room: int) -> str:
    """Write an operation's own part with its name: `p = 1 / ·`, where the dot stands for the row above."""
    times = f" ×{operation.count}" if operation.count > 1 else ""
    if not operation.rule:
        text = view.title(operation, room)
    else:
        own = own_part(view, operation)
        text = MODULES.sub(
            "", own if own is not None else view.title(operation, 200).removesuffix(f" {times}")
        )
        if own is not None and operation.names:
            text = f"{operation.names[0]} = {text}"
    return clip(text, room - width(times)) + times


def own_part(view: View, operation: Operation) -> str | None:
    """Give the text of an operation, a middle dot for every part without a name that has a row of its own.

    None where its text does not say it: source that is gone, a write, an augmented assignment.
    """
    place = operation.place
    title = view.title(operation, 10_000)
    if place is None or not place.text or "\n" in place.text or place.line != place.end_line:
        return None
    if len(place.text) != place.end_column - place.column or operation.count > 1:
        return None
    if operation.names and title != f"{operation.names[0]} = {' '.join(place.text.split())}":
        return None
    spans = set()
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
            spans.add((at.column - place.column, at.end_column - place.column))
    return " ".join(_dotted(place.text, spans).split())


def _dotted(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        # Its own parentheses go with it, those of a call stay.
        while start and end < len(text) and text[start - 1] == "(" and text[end] == ")":
            before = text[: start - 1].rstrip()
            if before and (before[-1].isalnum() or before[-1] in "_])"):
                break
            start, end = start - 1, end + 1
        text = f"{text[:start]}·{text[end:]}"
    return text
