"""In which calls of functions, turns of loops and modules each operation was made, one within the other.

In: the nodes of a tape in tape order, the ways that led to them, the calls of modules. Out: `Scope`s, each with the
first and the last operation that was made in it. A loop is known by the backward jumps of its bytecode: going back
within one is its next turn, going back elsewhere another call.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ...engine.core.interpreter import by_code
from ...engine.core.places import Place as Spot
from ...engine.core.places import line_of
from ...engine.tape.nodes import Node
from ...engine.tape.observers import Step
from ...report.model import Place, Scope

MOST = 2_000  # operations of a tape that is told so: 5 us each
Loop = tuple[int, int]  # the first and the last instruction of its body
_OWN = {"forward", "__call__"}  # functions that are what a module does: the module's name says more


@by_code
def loops_of(code: Any) -> list[Loop]:
    """List the loops of a code object, outer ones first."""
    ends: dict[int, int] = {}
    for each in dis.get_instructions(code):
        if (each.opcode in dis.hasjrel or each.opcode in dis.hasjabs) and each.argval <= each.offset:
            ends[each.argval] = max(each.offset, ends.get(each.argval, 0))
    return sorted(ends.items(), key=lambda loop: (loop[0], -loop[1]))


def _around(code: Any, *spots: int) -> list[Loop]:
    return [loop for loop in loops_of(code) if all(loop[0] <= at <= loop[1] for at in spots)]


@dataclass
class _Open:
    """A call or a turn that may go on."""

    kind: str
    name: str = ""
    spot: Spot | None = None  # of the call
    root: Spot | None = None  # in the cell, where that is another
    loop: int = 0  # which run of a loop
    turn: int = 0
    first: int = -1
    last: int = -1


@dataclass
class _Level:
    """One frame: where it is, its call, and the turns of the loops around that place, outer ones first."""

    code: Any
    at: int
    call: _Open | None
    turns: list[tuple[Loop, _Open]] = field(default_factory=list)


class _Way:
    """Goes from operation to operation, and tells which calls and turns begin."""

    def __init__(self, chains: Iterable[Sequence[Spot]]) -> None:
        self.levels: list[_Level] = []
        self.made: list[_Open] = []
        self.runs = count(1)
        self.seen: set[str] = set()  # the rules at this place
        self.spots: dict[int, set[int]] = {}  # where the operations stand, by the code's id
        for code, at in {spot for chain in chains for spot in chain}:
            self.spots.setdefault(id(code), set()).add(at)

    def go(self, chain: Sequence[Spot], rule: str, key: int) -> None:
        """Come to the next operation, by the places of the frames that led to it."""
        pairs = zip(self.levels, chain, strict=False)
        same = next(
            (i for i, (a, b) in enumerate(pairs) if (a.code, a.at) != b), min(len(self.levels), len(chain))
        )
        if same < min(len(self.levels), len(chain)):
            level, (code, at) = self.levels[same], chain[same]
            if level.code is not code:
                self._again(same - 1)
            elif at > level.at:
                del self.levels[same + 1 :]
                self._move(level, at)
            elif inner := _around(code, level.at, at):
                del self.levels[same + 1 :]
                self._turn(level, inner[-1])
                self._move(level, at)
            else:
                self._again(same - 1)
        elif same == len(self.levels) == len(chain):
            if rule in self.seen and self._alone():
                self._again(same - 1)
                self.seen = set()
            self.seen.add(rule)
        else:
            del self.levels[len(chain) :]
        if same < len(chain):
            self.seen = {rule}
        for i in range(len(self.levels), len(chain)):
            code, at = chain[i]
            call = None
            if i and code.co_name[0] != "<":
                call = self._new(_Open("call", code.co_name, chain[i - 1], chain[0] if i > 1 else None))
            self.levels.append(level := _Level(code, at, call))
            self._move(level, at)
        for level in self.levels:
            for each in (level.call, *(turn for _, turn in level.turns)):
                if each is not None:
                    each.first, each.last = key if each.first < 0 else each.first, key

    def _new(self, opened: _Open) -> _Open:
        self.made.append(opened)
        return opened

    def _move(self, level: _Level, at: int) -> None:
        """Go on to another place of a frame: loops are left, others begin."""
        level.at, around = at, _around(level.code, at)
        kept = [pair for pair in level.turns if pair[0] in around]
        begun = around[len(kept) :]
        level.turns = kept + [
            (loop, self._new(_Open("turn", loop=next(self.runs), turn=1))) for loop in begun
        ]

    def _turn(self, level: _Level, loop: Loop) -> None:
        """Begin the next turn of a loop; loops within it begin anew."""
        i = next(i for i, (around, _) in enumerate(level.turns) if around == loop)
        before = level.turns[i][1]
        level.turns[i:] = [(loop, self._new(_Open("turn", loop=before.loop, turn=before.turn + 1)))]

    def _alone(self) -> bool:
        """Tell whether all of a loop's body stands where we are: else one expression makes several operations."""
        for level in reversed(self.levels):
            others = self.spots[id(level.code)]
            if around := _around(level.code, level.at):
                return sum(around[-1][0] <= at <= around[-1][1] for at in others) == 1
            if len(others) > 1:
                return False
        return False

    def _again(self, last: int) -> None:
        """Take the same way once more: what is the innermost loop on it has turned; without one, it is another call."""
        for i in range(last, -1, -1):
            level = self.levels[i]
            if around := _around(level.code, level.at):
                self._turn(level, around[-1])
                del self.levels[i + 1 :]
                return
        del self.levels[last + 1 :]


def _ordinals(numbers: Sequence[int], calls: Sequence[tuple[str, int, int, Any]]) -> dict[int, str]:
    """Name what modules make by its place among all that one call makes: two products of one call are no two turns."""
    found: dict[int, str] = {}
    until = -1
    for _, start, end, _ in sorted(calls, key=lambda call: (call[1], -call[2])):
        if start >= until:  # not within another
            until = end
            inside = [number for number in numbers if start <= number < end]
            found |= {number: f"module {i}" for i, number in enumerate(inside)}
    return found


def scopes(
    nodes: Sequence[Node],
    keys: Mapping[int, int],
    ways: Callable[[int], tuple[Spot, ...]],
    calls: Iterable[tuple[str, int, int, Step | None]],
    shown: Callable[[Spot, int | None], Place],
) -> tuple[Scope, ...]:
    """List the scopes of a tape, outer ones first; none of a long one.

    Parameters
    ----------
    nodes : sequence of Node
    keys : mapping of int to int
        The keys by the nodes' numbers.
    ways : function
        Gives, by a node's number, the places of the frames that led to its own from the cell's on.
    calls : iterable of (str, int, int, Step or None)
        The calls of modules and their steps: the path, and the numbers between which all is made in it.
    shown : function
        Gives a place as reports show it, with the line of the cell that led there.
    """
    if len(nodes) > MOST:
        return ()
    chains = [(n, (*ways(n.number), n.place)) for n in nodes if n.rule is not None and n.place is not None]
    way = _Way(chain for _, chain in chains)
    calls = list(calls)
    within = _ordinals([node.number for node, _ in chains], calls)
    for node, chain in chains:
        way.go(chain, within.get(node.number, node.rule.name), keys[node.number])
    turns: dict[int, int] = {}
    for each in way.made:
        turns[each.loop] = max(turns.get(each.loop, 0), each.turn)
    found = []
    for e in way.made:
        if e.first >= 0 and (e.kind == "call" or turns[e.loop] > 1):
            place = None if e.spot is None else shown(e.spot, None if e.root is None else line_of(e.root))
            found.append(
                Scope(e.kind, e.name, e.first, e.last, place, e.loop, e.turn, turns[e.loop] if e.loop else 0)
            )
    numbers = [node.number for node, _ in chains]
    loop = 0
    for path, start, end, step in calls:
        inside = [keys[number] for number in numbers if start <= number < end]
        loop -= step is not None and step.turn == 1
        if inside and step is None:
            found.append(Scope("module", path, inside[0], inside[-1]))
        elif inside and step is not None:
            name, turn = f"{path} {step.run}".rstrip(), (loop, step.turn, step.turns)
            states = tuple((keys[number], state) for number, state in step.states.items() if number in keys)
            found.append(Scope("step", name, inside[0], inside[-1], None, *turn, states))
    # Of those that hold the same operations, a module's own function is the innermost but for its step.
    order = {"module": 1, "step": 3}
    return tuple(sorted(found, key=lambda s: (s.first, -s.last, order.get(s.kind, 2 * (s.name in _OWN)))))
