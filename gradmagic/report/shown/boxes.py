"""Boxes of meaning: each call of a function, turn of a loop and module as one operation, with what is in it.

In: a trace with its scopes, or a view of lines. Out: `Boxed`: a view, and for each box in it what it opens to, which is
a `Boxed` again. The local derivative of a box is the chain rule within it (wholes.py), and has a formula where it comes
to one in the box's own value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from ...language import tr
from ..model import Edge, Operation, Place, Scope
from .recognised import recognised
from .statements import given_by
from .view import View
from .wholes import ENOUGH, MODULES, edges_of, runs
from .words import SIMPLE

ENDS = 3  # turns of a long loop that stand by themselves, at its start and its end
LARGEST = 60  # operations of a box that opens
ROOM = 130  # operations that all boxes of a view open to, together
OWN = {"forward", "__call__"}  # functions that are what a module does: its path says more


@dataclass(frozen=True)
class Boxed:
    """A view, and by key what its boxes open to."""

    view: View
    inner: dict[int, Boxed] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many operations it shows."""
        return len(self.view.computed)


def boxed(view: View, whole: View | None = None) -> Boxed | None:
    """Put calls, turns and modules together: the innermost that leave a much smaller graph; None where none does.

    `view` is the graph as it is shown by operations: its edges have their numbers here too; `whole` is all of it.
    """
    whole, trace = whole or View.whole(view.trace), view.trace
    boxes = _Boxes(view, whole)
    deepest = max(map(len, boxes.paths.values()), default=0)
    most = min(MODULES, len(whole.computed) / ENOUGH)
    for depth in range(deepest, 0, -1):
        groups, *_ = boxes.groups(whole.operations, 0, depth)
        if sum(bool(inside[0].rule) for _, inside in groups) > most:
            continue
        shown, parts = boxes.grouped(whole.operations, 0, depth)
        computed = sum(bool(operation.rule) for operation in shown)
        if parts and 1 < computed <= most:
            used = {edge.source for operation in shown for edge in operation.edges}
            return boxes.made(View(trace, tuple(o for o in shown if o.rule or o.key in used)), parts)
    return None


def opened(lines: View, view: View, whole: View | None = None) -> Boxed:
    """Let lines open to what they are made of; the others as for `boxed`."""
    return _Boxes(view, whole or View.whole(view.trace)).made(
        lines, {key: (part, 0) for key, part in lines.parts.items()}
    )


Mark = tuple[Any, ...]  # of neighbours: a key alone, or a scope and how many levels it lies below
# By key: the operations of a box, and how deep its scope lies.
Parts = dict[int, tuple[Sequence[Operation], int]]


class _Boxes:
    """Finds the boxes of a trace."""

    def __init__(self, view: View, whole: View) -> None:
        self.trace, self.whole = view.trace, whole
        self.scopes = [scope for scope in whole.trace.scopes if scope.name not in OWN]
        self.paths: dict[int, list[int]] = {o.key: [] for o in whole.operations if o.rule}
        for i, scope in enumerate(self.scopes):
            for key in range(scope.first, scope.last + 1):
                if key in self.paths:
                    self.paths[key].append(i)
        self.given = given_by(self.trace.source, self.trace.first_line) or {}
        self.known = {edge: i for edge, i in view.numbers.items() if view.by_key[edge[0]].count == 1}
        self.numbered = len(view.numbers)  # edges that have their numbers
        self.room = ROOM
        self.own: dict[int, int] = {}  # how many of a module's parameters stand within its box alone
        self.inputs = {o.key: o.names[0] for o in whole.operations if not o.rule and o.names}

    def made(self, view: View, parts: Parts) -> Boxed:
        """Number the edges of a view, then those within its boxes: no two have the same."""
        held: dict[int, tuple[Operation, ...]] = {}
        for key, (members, _) in parts.items():
            if len(members) <= min(LARGEST, self.room):
                self.room -= len(members)
                held[key] = tuple(members)
        counts = {
            o.key: self.own[o.key] for o in view.operations if self.own.get(o.key) and o.rule == "module"
        }
        notes = {key: tr("{n} parameter{s}", n=n, s="s" * (n > 1)) for key, n in counts.items()}
        view = replace(
            view, parts=held, turns={**view.turns, **notes}, known=self.known, least=self.numbered + 1
        )
        self.numbered = max(self.numbered, *view.numbers.values(), 0)
        inner: dict[int, Boxed] = {}
        for key, members in held.items():
            shown, further = self.grouped(members, parts[key][1], 1)
            inner[key] = self.made(View(self.trace, (*self._from_outside(members), *shown)), further)
        return Boxed(view, inner)

    def _from_outside(self, members: Sequence[Operation]) -> Iterator[Operation]:
        """Give what a box takes as inputs."""
        own = {o.key for o in members}
        taken = {e.source for o in members for e in o.edges if e.source not in own}
        for operation in self.whole.operations:
            if operation.key in taken:
                name = self.whole.name(operation.key, 40)
                yield replace(operation, rule="", inputs=(), names=(name,), count=1)

    def grouped(self, members: Sequence[Operation], depth: int, levels: int) -> tuple[list[Operation], Parts]:
        """Put together what lies in one scope, `levels` of them below `depth`; give also what the boxes hold."""
        groups, paths, depth = self.groups(members, depth, levels)
        shown: list[Operation] = []
        parts: Parts = {}
        for mark, inside in groups:
            if len(mark) == 1 or len(inside) == 1:
                shown += inside
                continue
            pieces = list(runs(self.whole, inside, lambda o: None, set()))
            for piece in pieces:
                if len(piece) == 1:
                    shown += piece
                    continue
                scope = self.scopes[paths[piece[-1].key][-1]]
                shown.append(self._box(piece, scope, len(pieces) == 1))
                parts[piece[-1].key] = piece, depth + mark[1]
        return shown, parts

    def groups(
        self, members: Sequence[Operation], depth: int, levels: int
    ) -> tuple[list[tuple[Mark, list[Operation]]], dict[int, list[int]], int]:
        """Find neighbours of one scope; give with them each operation's path below, and the depth that it begins at."""
        paths = {o.key: self.paths.get(o.key, [])[depth:] if o.rule and o.count == 1 else [] for o in members}
        while (
            all(paths.values()) and len({path[0] for path in paths.values()}) == 1
        ):  # it would be the same box
            paths, depth = {key: path[1:] for key, path in paths.items()}, depth + 1
        paths = {key: path[:levels] for key, path in paths.items()}
        outer = {scope for path in paths.values() for scope in path[:-1]}

        def scope_of(operation: Operation) -> Mark:
            path = paths[operation.key]
            if not path or path[-1] in outer:
                return (operation.key,)
            scope = self.scopes[path[-1]]
            if scope.turns > 2 * ENDS + 1 and ENDS < scope.turn <= scope.turns - ENDS:
                return scope.loop, len(path)
            return path[-1], len(path), ""

        return [(mark, list(those)) for mark, those in groupby(members, key=scope_of)], paths, depth

    def _box(self, members: Sequence[Operation], scope: Scope, whole: bool) -> Operation:
        last = members[-1]
        there = self._place(last, scope, whole, {o.key for o in members})
        name = last.called or "".join(last.names[-1:])
        edges = edges_of(list(members))
        if scope.kind == "module":
            kept = tuple(e for e in edges if not self._within(e, scope, members))
            self.own[last.key] = len(edges) - len(kept)
            edges = kept
        if SIMPLE.fullmatch(name):
            edges = tuple(self._told(members, edge, name) for edge in edges)
        return replace(last, rule=scope.kind, place=there, inputs=edges, within=False)

    def _within(self, edge: Edge, scope: Scope, members: Sequence[Operation]) -> bool:
        """Tell whether an edge brings a parameter of a module that nothing else uses."""
        own = {o.key for o in members}
        return self.inputs.get(-1 if edge.source is None else edge.source, "").startswith(
            f"{scope.name}."
        ) and all(user.key in own for user, _ in self.whole.users.get(edge.source, ()))

    @staticmethod
    def _told(members: Sequence[Operation], edge: Edge, name: str) -> Edge:
        if edge.source is None or edge.local is None:
            return edge
        return replace(edge, formula=recognised(members, edge.source, name))

    def _place(self, last: Operation, scope: Scope, whole: bool, own: set[int]) -> Place:
        at = last.place or Place("", 0, 0, 0, 0, "", inside=False)
        if scope.kind == "turn":
            same = [
                s.turn for s in self.scopes if s.loop == scope.loop and own & set(range(s.first, s.last + 1))
            ]
            text = tr("turn {turn} of {turns}", turn=scope.turn, turns=scope.turns)
            if len(same) > 1:
                text = tr(
                    "turns {first} … {last} of {turns}", first=min(same), last=max(same), turns=scope.turns
                )
            own_line = (
                self.scopes[self.paths[last.key][-1]] is scope
            )  # not that of a function which the turn calls
            if own_line and at.function and at.function not in OWN:
                text = tr("{part} in {whole}", part=text, whole=at.function)
            return replace(at, text=text, column=0, end_column=0)
        if scope.kind == "step":
            return replace(at, text=self._of_step(last, scope, whole, own), column=0, end_column=0)
        text = scope.name if scope.place is None else scope.place.text or f"{scope.name}(…)"
        if not whole:  # its value is one of several that the box gives
            text = tr("{part} in {whole}", part=" ".join(at.text.split()), whole=scope.name)
            return replace(at, text=text, column=0, end_column=0)
        if scope.place is None:
            return replace(at, text=text, column=0, end_column=0)
        if last.names and scope.place.function is None and not self._is_all(scope.place, last.names):
            return replace(scope.place, text=tr("part of {text}", text=text), column=0, end_column=0)
        return replace(scope.place, text=text)

    def _of_step(self, last: Operation, scope: Scope, whole: bool, own: set[int]) -> str:
        """Say which step of a module a box is, or which of the values that it gives: `"c, step 1/4 of lstm"`.

        What tells it from others comes first: where there is little room the end is cut off.
        """
        steps = [s for s in self.scopes if s.loop == scope.loop and own & set(range(s.first, s.last + 1))]
        module, _, layer = scope.name.partition(" ")
        states = dict(pair for s in steps for pair in s.states)
        part = "" if whole else states.get(last.key) or tr("part")
        told = {"part": f"{layer} {part}".strip(), "module": module, "turns": scope.turns}
        if scope.turns == 1:
            return tr("{part} of {module}", **told) if told["part"] else module
        if len(steps) > 1:
            told |= {"first": min(s.turn for s in steps), "last": max(s.turn for s in steps)}
            if told["part"]:
                return tr("{part}, steps {first} … {last}/{turns} of {module}", **told)
            return tr("steps {first} … {last}/{turns} of {module}", **told)
        told["turn"] = scope.turn
        if told["part"]:
            return tr("{part}, step {turn}/{turns} of {module}", **told)
        return tr("step {turn}/{turns} of {module}", **told)

    def _is_all(self, place: Place, names: Sequence[str]) -> bool:
        """Tell whether a call in the cell is all that its line gives one of these names."""
        span = place.line, place.column, place.end_line, place.end_column
        found = [one for one in self.given.get(place.line, ()) if one.name in names]
        return all(one.span == span for one in found)
