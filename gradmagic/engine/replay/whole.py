"""The function around a program: what it asks of a call before it runs, what it reads, what it leaves behind.

In: the text of a program, a call and the surroundings that it was recorded in. Out: a Python function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from ...language import tr
from ..faces.torch.defaults import OF_KIND
from ..tape.memory import memory_of
from ..tape.modes import OFF, UNSEEN, mode_now
from ..tape.nodes import HOOKS, number_write
from ..tape.tracked import Tracked
from . import known
from .call import Call, kind_of
from .emit import Written
from .link import Link
from .program import Program, Step
from .recorded import Refused
from .surroundings import Surroundings

MISS = object()  # what a program gives for a call that is not of its kind
NONE = object()  # an argument that is not given


class Made:
    """A program that serves calls of one kind.

    Attributes
    ----------
    run : function
        Of the arguments as they are passed; gives MISS for a call of another kind.
    source : str
    program : Program
        As it runs.
    around : Surroundings
        What the function saw when it was recorded.
    kind : tuple
        Of calls: how many arguments, which by name, whether operations are recorded.
    recorded : int
        How many steps there were before simplify.py.
    bytes : int
        Of the buffers of a call.
    choice : Choice
        Which back end runs it.
    leaves : bool
        Whether it puts something else into places.
    """

    def __init__(
        self, f: Any, call: Call, around: Surroundings, written: Written, result: str, recorded: int
    ) -> None:
        self.around, self.program, self.recorded, self.bytes = (
            around,
            written.program,
            recorded,
            written.bytes,
        )
        self.kind = (len(call.args), tuple(call.kwargs), mode_now() is OFF)
        self._calls = [0]
        self.choice: Any = None
        self.leaves = False
        guards = [
            f"mode_now() {'is OFF' if self.kind[2] else 'in UNSEEN'}",
            f"{call.bind(OF_KIND)}[2] is {call.bind(OF_KIND[2])}",  # the default dtype
            *call.checks,
            *around.guards(call.bind),
        ]
        guards += [_read(link, f"s{i}", call.bind) for i, link in enumerate(around.places)]
        guards += call.same
        if wants_gradients(call, around):
            guards.append(f"not {call.bind(HOOKS)}")
        guards += [
            f"{name}.strides == {value.strides}" for name, value in _laid(written.program, call, around)
        ]
        guards += _apart_guard(written, call)
        parameters, missed = ", ".join(call.parameters), "miss()"
        if not call.kwargs:  # then it is what is called, whatever comes
            guards[:0] = ["not more", "not named"]
            parameters = ", ".join([*(f"{a}=NONE" for a in call.parameters), "*more", "**named"])
            missed = f"miss({', '.join([*call.parameters, '*more', '**named'])})"
        head = [
            "try:",
            "    if not (" + "\n            and ".join(guards) + f"): return {missed}",
            f"except (LookupError, AttributeError, ValueError, TypeError): return {missed}",
        ]
        written.lines.append("calls[0] += 1")
        if not _writes_outside(written.program):
            given = [p.removeprefix("k_") + "=" + p if p in call.parameters[len(call.args) :] else p
                     for p in call.parameters]  # fmt: skip
            written.again = f"again({', '.join(given)})"
        self.source = written.source(head, parameters, result)
        space = {
            **written.names,
            **dict(call.held),
            "ndarray": np.ndarray,
            "NONE": NONE,
            "OFF": OFF,
            "UNSEEN": UNSEEN,
        }
        self._space = space | {"mode_now": mode_now, "calls": self._calls, "miss": lambda *_, **__: MISS}
        self._f, self._space["again"] = f, _raised
        exec(compile(self.source, f"<replay of {getattr(f, '__name__', 'f')}>", "exec"), self._space)
        self.run: Callable[..., Any] = self._space["program"]
        self._calls[0] = 0

    @property
    def served(self) -> int:
        """How many calls it has served."""
        return self._calls[0]

    def settle(self) -> None:
        """Count calls from here on, and let go of what was computed while it was recorded.

        What raises runs as it is from now on: the user's own `except` and lines are there.
        """
        self._calls[0], self._space["again"] = 0, self._f
        for step in self.program.steps:
            step.forget()

    def facing(self, otherwise: Callable[..., Any]) -> Callable[..., Any]:
        """Give the program as what a caller calls: what is not its kind goes `otherwise`."""

        def miss(*args: Any, **kwargs: Any) -> Any:
            return otherwise(tuple(a for a in args if a is not NONE), kwargs)

        run: Any = self.run
        return FunctionType(run.__code__, self._space | {"miss": miss}, run.__name__, run.__defaults__)


def _raised(*args: Any, **kwargs: Any) -> Any:
    raise  # what the program that calls it has caught


def _writes_outside(program: Program) -> bool:
    """Tell whether a program writes into its inputs, or draws: what it has begun cannot be done again."""
    return _first_trace(program) is not None


def _first_trace(program: Program) -> int | None:
    """Give the number of the first step that leaves something behind: it writes into an input, or draws."""
    outside = {id(s.storage) for s in program.inputs}
    steps = enumerate(program.steps)
    return next(
        (i for i, s in steps if s.kind == "draw" or (s.kind == "write" and id(s.storage) in outside)), None
    )


def _laid(program: Program, call: Call, around: Surroundings) -> Iterator[tuple[str, Any]]:
    """List the inputs whose layout counts: of what was asked for its layout, or of what follows theirs."""
    asked: set[int] = set()
    for step in reversed(program.steps):
        if step.storage.laid or id(step) in asked:
            step.storage.laid = True
            if known.elementwise(step.op) or step.op in (known.astype, np.copy, np.zeros_like, np.ones_like):
                asked |= {id(s) for s in step.needs()}
    given = {f"x{i}": value for i, value in enumerate(call.values)}
    given |= {f"s{i}": getattr(n.value, "array", n.value) for i, n in enumerate(around.places)}
    for step in program.inputs:
        value = given[step.op]
        if step.storage.laid and type(value) is np.ndarray and value.size and value.ndim:
            yield step.op, value


def _apart_guard(written: Written, call: Call) -> list[str]:
    """Write that what the program writes into is memory of no other input: it was recorded so."""
    program = written.program
    into = {id(s.storage) for s in program.steps if s.kind == "write"}
    arrays = [*{id(s.storage): s for s in reversed(program.inputs) if type(s.value) is np.ndarray}.values()]
    names = [s.op for s in arrays if id(s.storage) in into]
    if not names or len(arrays) == 1:
        return []
    others = [s.op for s in arrays if id(s.storage) not in into]
    return [f"{call.bind(_apart)}({len(names)}, {', '.join(names + others)})"]


def _apart(n: int, *arrays: Any) -> bool:
    """Tell whether none of the first `n` arrays shares memory with another one."""
    if len(set(map(id, arrays))) == len(arrays) and all(a.base is None for a in arrays):
        return True
    pairs = ((a, b) for i, a in enumerate(arrays[:n]) for b in arrays[i + 1 :])
    return not any(a is b or np.may_share_memory(a, b) for a, b in pairs)


def wants_gradients(call: Call, around: Surroundings) -> bool:
    """Tell whether there are leaves that a `backward()` would reach, and whose hooks it would call."""
    return bool(call.leaves) or any(link.key == "grad" for link in around.places)


def _read(link: Link, name: str, bind: Callable[[Any], str]) -> str:
    """Write how the value of a place is read, and what it must be."""
    text, value = link.text(bind), link.value
    if link.key != "grad":
        return kind_of(name, text, value, bind)
    return f"{text} is None" if value is None else kind_of(name, f"{text}.array", value.array, bind)


def tell_the_tape(written: Written, program: Program, call: Call, around: Surroundings) -> None:
    """Let the program say which tensors' memory it has written into: what tapes have saved of it is stale."""
    into = {id(s.storage) for s in program.steps if s.kind == "write"}
    names = [f"x{i}" for i in call.tensors]
    names += [f"s{i}" for i, link in enumerate(around.places) if issubclass(type(link.holder), Tracked)]
    wrote = [s.op for s in program.inputs if s.op in names and id(s.storage) in into]
    if wrote:
        written.names["told"] = _told
        written.lines.append(f"told({', '.join(wrote)})")


def _told(*arrays: Any) -> None:
    number = number_write()
    for array in arrays:
        memory = memory_of(array)
        memory.written, memory.where = number, tr("a replayed function has written into it")


def guarded_first(program: Program) -> None:
    """Put guards before what is written into inputs and before draws: a program that is left has changed nothing.

    Raises
    ------
    Refused
        If a guard hangs on what was written or drawn.
    """
    first = _first_trace(program)
    if first is None:
        return
    late = [s for s in program.steps[first:] if s.kind == "guard"]
    if not late:
        return
    wanted: set[int] = set()
    stack = list(late)
    while stack:
        step = stack.pop()
        if id(step) not in wanted:
            wanted.add(id(step))
            stack += step.needs()
    head, tail = program.steps[:first], program.steps[first:]
    moved = [s for s in tail if id(s) in wanted]
    if any(s.kind in ("write", "draw") or _touched(s) for s in moved):
        raise Refused(tr("it asks for a value after it has written into an argument or drawn random numbers"))
    program.steps[:] = head + moved + [s for s in tail if id(s) not in wanted]


def _touched(step: Step) -> bool:
    return any(s.storage.written for s in step.needs())
