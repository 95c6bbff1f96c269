"""The turns of loops and the calls of functions while a cell runs: at which moment what was computed.

In: the hooks of turns (membrane/turned.py), the frames of nodes that are made. Out: the `Moment` of each.
"""

from __future__ import annotations

from itertools import islice
from sys import _getframe
from types import CodeType, FrameType
from typing import Any

from ...engine.core.interpreter import by_code, takes_next

# (kind, first line, last line, first column, last column in bytes, depth), a constant of the code with hooks
Mark = tuple[str, int, int, int, int, int]
_OWN_FRAME = frozenset(("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"))


class Scope:
    """A loop, comprehension or function in a source. Of its turns each `stride`-th is kept."""

    __slots__ = ("code", "longest", "mark", "stride")

    def __init__(self, mark: Mark, code: CodeType) -> None:
        self.mark, self.code, self.stride, self.longest = mark, code, 1, 0


class Run:
    """The turns of a loop from its start to its end, or the calls of a function at one moment around them."""

    __slots__ = ("count", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope, self.count = scope, 0

    def counted(self) -> None:
        """One more has begun."""
        self.count += 1
        if self.count > self.scope.longest:
            self.scope.longest = self.count


class Moment:
    """One turn of a loop or call of a function, within another. Past its run's count it is none yet."""

    __slots__ = ("calls", "run", "turn", "within")

    def __init__(self, run: Run, turn: int, within: Moment | None) -> None:
        self.run, self.turn, self.within = run, turn, within
        self.calls: dict[int, Run] | None = None  # by the id of a function's code


class _Frame:
    """How far a frame of code with hooks has come: `base` is its call, `top` the innermost turn that began last."""

    __slots__ = ("base", "code", "mark", "top")

    def __init__(self, code: CodeType, base: Moment) -> None:
        self.code, self.base, self.top = code, base, base
        self.mark = id(code) << 24

    def around(self, mark: Mark) -> Moment:
        """Give the innermost moment that a loop is in, or its own turn if it has had one there."""
        top = self.top
        while top is not self.base and top.run.scope.mark is not mark and not _holds(top, mark[1:5]):
            top = top.within  # type: ignore[assignment]
        return top


class TurnLog:
    """Knows at which turn of which loop, in which call, the cell is."""

    def __init__(self) -> None:
        self.root = Moment(Run(Scope(("cell", 0, 0, 0, 0, 0), (lambda: None).__code__)), 1, None)
        self.begun = False  # whether there was any turn or call: until then nothing costs anything
        self.unbegun = 0  # comprehensions that nobody has gone over yet
        self._cell: CodeType | None = None
        self._scopes: dict[tuple[int, Mark], Scope] = {}
        self._frames: dict[int, _Frame] = {}  # by the id of a frame, which may be that of an earlier one
        self._spots: dict[int, tuple[tuple[Mark, ...], Mark | None]] = {}

    def starts(self, cell: CodeType) -> None:
        """The cell's own code begins: other code tells by itself that it is called."""
        self._cell = cell
        self.begun = self.begun or bool(_marks_in(cell))

    @property
    def scopes(self) -> list[Scope]:
        """All that had a turn."""
        return list(self._scopes.values())

    def turn(self, mark: Mark, frame: FrameType) -> None:
        """A turn of a loop begins, unless it was told ahead: then it is one from now on."""
        state = self._frames.get(id(frame))
        if state is not None and state.code is frame.f_code:
            top = state.top
            run = top.run
            if (
                run.scope.mark is mark and top.turn == run.count and top is not state.base
            ):  # the next of the same
                run.counted()
                state.top = Moment(run, run.count, top.within)
                return
        self.ahead(mark, frame).run.counted()

    def ahead(self, mark: Mark, frame: FrameType) -> Moment:
        """A turn is to begin: it is none before `turn` says so."""
        state = self._state(frame)
        top = state.around(mark)
        if top is state.base or top.run.scope.mark is not mark:
            state.top = Moment(Run(self._scope(mark, state.code)), 1, top)
        elif top.turn <= top.run.count:
            state.top = Moment(top.run, top.run.count + 1, top.within)
        else:
            state.top = top
        return state.top

    def each(self, mark: Mark, values: Any) -> Any:
        """Give what a comprehension goes over, with each value a turn. None of our frames is around the next value."""
        run: Run | None = None
        within = self.root
        self.unbegun += 1

        def ahead() -> bool:
            nonlocal run, within
            frame = _getframe(1)
            if run is None:
                self.unbegun -= 1
                if mark[-1] == 0 and frame.f_code.co_name in _OWN_FRAME:
                    self._frames.pop(id(frame), None)  # of an earlier one
                run, within = Run(self._scope(mark, frame.f_code)), self._state(frame).around(mark)
            self._state(frame).top = Moment(run, run.count + 1, within)
            return True

        def begins(_: bool, value: Any) -> Any:
            if run is not None:
                run.counted()
            return value

        return map(begins, iter(ahead, None), values)

    def called(self, mark: Mark, frame: FrameType) -> None:
        """A function is called. A recursion is no nesting: its calls are counted with the outermost."""
        code = frame.f_code
        found: Moment | None = self.now(frame.f_back)
        within = found
        while found is not None:
            if found.run.scope.mark is mark and found.run.scope.code is code:
                within = found.within
            found = found.within
        assert within is not None
        if within.calls is None:
            within.calls = {}
        run = within.calls.get(id(code))
        if run is None:
            run = within.calls[id(code)] = Run(self._scope(mark, code))
        run.counted()
        self._frames[id(frame)] = _Frame(code, Moment(run, run.count, within))

    def now(self, frame: FrameType | None) -> Moment:
        """Give the moment at which the user's frame is: the turn of the loop that its instruction stands in."""
        frames, spots = self._frames, self._spots
        while frame is not None:
            key = id(frame)
            if key in frames and (state := frames[key]).code is frame.f_code:
                break
            if frame.f_code is self._cell:  # before its first turn
                state = self._state(frame)
                break
            frame = frame.f_back
        else:
            return self.root
        spot = state.mark | frame.f_lasti
        inside, coming = spots[spot] if spot in spots else self._spot(state, frame.f_lasti)
        if coming is not None:  # an entry of what is gone through belongs to the turn that it begins
            return self.ahead(coming, frame)
        moment = state.top
        while moment is not state.base and moment.run.scope.mark not in inside:
            moment = moment.within  # type: ignore[assignment]
        return moment

    def _state(self, frame: FrameType) -> _Frame:
        state = self._frames.get(id(frame))
        if state is None or state.code is not frame.f_code:
            state = self._frames[id(frame)] = _Frame(frame.f_code, self.now(frame.f_back))
        return state

    def _scope(self, mark: Mark, code: CodeType) -> Scope:
        self.begun = True
        found = self._scopes.get((id(code), mark))
        if found is None:
            found = self._scopes[id(code), mark] = Scope(mark, code)  # which keeps the code, and its id
        return found

    def _spot(self, state: _Frame, at: int) -> tuple[tuple[Mark, ...], Mark | None]:
        """Tell which loops an instruction stands in, and which it steps on."""
        span: Any = next(islice(state.code.co_positions(), at // 2, None), (None,) * 4)
        inside, coming, moment = [], None, state.top
        if span[0] is not None:
            span = span[0], span[1] or span[0], span[2] or 0, span[3] or 0
            while moment is not state.base:
                if _holds(moment, span):
                    inside.append(moment.run.scope.mark)
                moment = moment.within  # type: ignore[assignment]
            if takes_next(state.code, at):
                loops = [mark for mark in _marks_in(state.code) if _within(span, mark)]
                least = max(loops, key=lambda mark: (mark[1], mark[3]), default=None)
                coming = least if least is not None and least[0] == "for" else None
        found = self._spots[state.mark | at] = tuple(inside), coming
        return found


def _holds(moment: Moment, span: tuple[int, int, int, int]) -> bool:
    return _within(span, moment.run.scope.mark)


def _within(span: tuple[int, int, int, int], mark: Mark) -> bool:
    _, first, last, start, end, _ = mark
    return (first, start) <= (span[0], span[2]) and (span[1], span[3]) <= (last, end)


@by_code
def _marks_in(code: CodeType) -> list[Mark]:
    return [c for c in code.co_consts if type(c) is tuple and len(c) == 6 and c[0] in _LOOPS]


_LOOPS = ("for", "while", "comprehension")
