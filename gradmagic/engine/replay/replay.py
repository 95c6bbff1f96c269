"""`gm.replay`: a function that is recorded at its first call and runs as a program from then on.

In: a function. Out: one that gives the same, sooner. Here is which program serves a call, what a new kind of call gets,
and what happens where there can be none: the function runs as it is, and that is said once.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any, overload

import numpy as np

from ...errors import ReplayWarning
from ..core.places import user_frame
from ..core.trees import leaves
from ..tape.modes import OFF, mode_now
from ..tape.nodes import HOOKS
from ..tape.tracked import tracked_in
from . import explained
from .blocks import blocked
from .compiled.choice import Choice, asked
from .emit import Diverged, Written
from .program import Program
from .recorded import NOW
from .recording import Call, Refused, close, copied, randomness, record, same_program, seen
from .results import Results
from .simplify import simplified
from .surroundings import Surroundings
from .whole import MISS, compiled, guarded_first, tell_the_tape, wants_gradients

_KINDS = 8  # programs for one function: shapes, settings and branches
_TRIES = 3  # calls that may change what the function reaches before that counts as its way
_recording = RLock()


class Made:
    """A program that serves calls of one kind.

    Attributes
    ----------
    run : function
        Of the arguments as they are passed; gives MISS for a call of another kind.
    source : str
    program : Program
        As it runs.
    recorded : int
        How many steps there were before simplify.py.
    bytes : int
        Of the buffers of a call.
    kind : tuple
        Of calls: how many arguments, which by name, whether operations are recorded.
    choice : Choice
        Which back end runs it.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        source: str,
        program: Program,
        recorded: int,
        size: int,
        around: Surroundings,
    ) -> None:
        self.run, self.source, self.program, self.recorded, self.bytes = run, source, program, recorded, size
        self.around = around
        self.kind: Any = None
        self.choice: Choice
        self.write: Callable[..., Any]  # it for another back end
        self.looped: Any = None  # many turns of it in one call; False where that cannot be


class Replayed:
    """A function and its programs; see `replay`.

    Attributes
    ----------
    served, eager : int
        How many calls a program has served, and how many the function itself.
    """

    __replays__ = True

    def __init__(self, f: Callable[..., Any], backend: str | None = None) -> None:
        functools.update_wrapper(self, f)
        self.f = f
        self.backend = backend
        self.programs: list[Made] = []
        self.refused: list[str] = []
        self._last: Any = None  # the program that served the last call, and how many arguments it takes
        self._count = -1
        self._tries = 0
        self._off = False
        self.served = self.eager = 0
        self._moving: set[Any] = set()  # places of numbers that are others from call to call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == self._count and not kwargs and mode_now() is None and NOW.get() is None:
            try:
                out = self._last(*args)
            except Diverged:
                return self._otherwise(args, kwargs)
            if out is not MISS:
                self.served += 1
                return out
        return self._otherwise(args, kwargs)

    # -- calls that the last program does not serve ------------------------------------------------
    def _otherwise(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        mode = mode_now()
        if self._off or NOW.get() is not None or mode not in (None, OFF) or _traced(args, kwargs):
            self.eager += 1
            return self.f(*args, **kwargs)
        kind = (len(args), tuple(kwargs), mode)
        for made in self.programs:
            if made.kind != kind:
                continue
            try:
                out = made.run(*args, *kwargs.values())
            except Diverged:
                continue
            if out is not MISS:
                self.served += 1
                self._prefer(made)
                return out
        for made in self.programs[
            -1:
        ]:  # what somebody else has changed (a learning rate) is an input from now on
            self._moving |= {n.spot for n in made.around.links if type(n.value) is float and not n.same()}
        if len(self.programs) >= _KINDS:
            self._give_up(f"{_KINDS} kinds of calls have come (shapes,  branches taken by values)")
            return self.f(*args, **kwargs)
        with _recording:
            return self._first(args, kwargs)

    def _prefer(self, made: Made) -> None:
        if made.kind[1:] == ((), None):
            self._last, self._count = made.run, made.kind[0]

    def _give_up(self, why: str) -> None:
        """Run the function as it is from now on, and say why."""
        self._off = True
        self.refused.append(why)
        name = getattr(self.f, "__name__", "f")
        level = _stacklevel()
        warnings.warn(
            f"gm.replay: {name} runs as it is, without a program: {why}.", ReplayWarning, stacklevel=level
        )

    def _first(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Serve a call of a new kind: by the function itself; then make the program for the next ones."""
        self.eager += 1
        try:
            call = Call(args, kwargs)
            around = seen(self.f, call, frozenset(self._moving))
            values, held = list(map(copied, call.values)), list(map(copied, around.read()))
            if HOOKS and wants_gradients(call, around):
                raise Refused("tensors have hooks, which see each gradient")
        except Refused as error:
            out = self.f(*args, **kwargs)
            self._give_up(str(error))
            return out
        before = randomness()
        out = self.f(*args, **kwargs)
        if randomness() != before:
            self._give_up("it draws random numbers")
            return out
        if call.rearranged():
            self._give_up("it puts something else into a list, dict or object among its arguments")
            return out
        if not self._settled(around):
            return out
        try:
            made = self._made(call, around, values, held, out)
        except Refused as error:
            self._give_up(str(error))
            return out
        made.kind = (len(args), tuple(kwargs), mode_now())
        self.programs.append(made)
        self._prefer(made)
        return out

    def _settled(self, around: Surroundings) -> bool:
        """Tell whether the call left all that the function reaches as it was, but for arrays and gradients.

        Numbers that it changes (a count of steps) are inputs from the next call on. A first call may make what later
        ones find: it is not recorded.
        """
        if not (changed := around.changed()):
            return True
        counts = [n for n in changed if n.holder is not None and type(n.value) in (int, float)]
        counts = [n for n in counts if type(n.read()) is type(n.value)]
        self._moving |= {n.spot for n in counts}
        self._tries += 1
        if self._tries >= _TRIES:
            others = [n for n in changed if n not in counts] or changed
            self._give_up(f"it changes {others[0].name}, which a program cannot")
        return False

    def _made(self, call: Call, around: Surroundings, values: list[Any], held: list[Any], eager: Any) -> Made:
        """Record the function, twice, and hold the program against what the function gave."""
        program, out, effects = record(self.f, call, around, values, held)
        again, _, _ = record(self.f, call, around, values, held)
        if why := same_program(program, again):
            raise Refused(why)
        results = Results(eager, out)
        left = [e.step for e in effects if e.step is not None]
        program.outputs = results.steps + left
        recorded = len(program.steps)
        guarded_first(program)
        short = simplified(program)
        now = [v for v, before in zip(around.read(), held, strict=True) if before is not None]

        def write(writer: Callable[[Program], Any]) -> tuple[Any, str, Any]:
            """Write the program, by NumPy or another back end, with all that is around it."""
            written = writer(short)
            names = results.named(short, [*call.values, *now], len(left), written.name)
            result = results.text(iter(names[: len(results.steps)]), written.bind)
            at = iter(names[len(results.steps) :])
            written.lines += [
                f"{e.place} = {e.form.format(next(at)) if e.step is not None else e.form}" for e in effects
            ]
            tell_the_tape(written, short, call, around)
            return written, *compiled(self.f, call, around, written, result)

        def plain(program: Program) -> Written:
            written = Written(blocked(program))
            choice.watch(written, lambda: self._compile(made, check))
            return written

        def check() -> None:
            self._checked(made, call, around, values, held, eager)

        choice = Choice(self.backend, short)
        written, source, run = write(plain)
        made = Made(run, source, short, recorded, written.bytes, around)
        made.choice, made.write = choice, write
        check()
        if self.backend == "numba":
            self._compile(made, check)
        return made

    def _compile(self, made: Made, check: Callable[[], None]) -> None:
        """Let numba run a program from now on, if it takes it and gives the same."""
        with _recording:
            before = made.run, made.source
            if (found := made.choice.compile(made.write, made.run)) is None:
                return
            made.source, made.run = found
            try:
                check()
            except Refused as error:
                made.run, made.source = before
                made.choice.text = f"by NumPy: with numba {error}"
            if self._last is before[0]:
                self._last = made.run

    def _checked(
        self, made: Made, call: Call, around: Surroundings, values: list[Any], held: list[Any], eager: Any
    ) -> None:
        """Run the program on what the first call got: it gives what the function gave, and leaves what it left."""
        once = {id(given): copied(v) for given, v in zip(call.values, values, strict=True)}
        mine, others = [once[id(given)] for given in call.values], list(map(copied, held))
        args, kwargs = call.given(mine)
        try:
            with around.holding(others), np.errstate(all="ignore"):
                out = made.run(*args, *kwargs.values())
                left = around.read()
        except Exception as error:
            raise Refused(f"its program raised {type(error).__name__}: {error}") from error
        if out is MISS:
            raise Refused(
                "it writes into memory that two of its arrays share, or its program does not take its own call"
            )
        for a, b in zip(_arrays(eager), _arrays(out), strict=True):
            if type(a) is not type(b) or not close(a, b):
                raise Refused("its program gives other numbers")
        if _sharing([*call.values, *around.read()], eager) != _sharing([*mine, *left], out):
            raise Refused("its results share memory in a way that its program's do not")
        gradients = [getattr(t.node.grad, "array", None) for t in call.stand_ins]
        now = [*call.values, *call.gradients(), *around.read()]
        for a, b in zip(now, [*mine, *gradients, *left], strict=True):
            if (a is None) is not (b is None) or (a is not None and not close(a, b)):
                raise Refused("its program leaves other numbers in its arguments, or in what it reaches")

    # -- to read ----------------------------------------------------------------------------------
    @property
    def source(self) -> str:
        """The program that served last, as Python."""
        return explained.source(self)

    def explain(self) -> str:
        """Say what was recorded, what is left of it, what was refused, how often it ran, and in how many bytes."""
        return explained.explain(self)

    def __repr__(self) -> str:
        return f"<replay of {getattr(self.f, '__name__', self.f)}: {len(self.programs)} programs>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


@overload
def replay(f: Callable[..., Any], *, backend: str | None = None) -> Replayed: ...
@overload
def replay(f: None = None, *, backend: str | None = None) -> Callable[[Callable[..., Any]], Replayed]: ...
def replay(f: Any = None, *, backend: str | None = None) -> Any:
    """Make a function that gives what `f` gives, by a recorded program from its second call on.

    The first call for given shapes, dtypes and settings runs `f`, records every array operation of it, those of a
    gradient among them, and writes them as straight-line Python over NumPy. Later calls run that.

    Parameters
    ----------
    f : function
        Of arrays, numbers, tensors and containers of them: one of yours, `gm.value_and_grad(f)`, `gm.hvp`, a step of
        an optimiser. Whole numbers, text, `None` and functions among its arguments are settings: another value gets
        another program.

    Returns
    -------
    Replayed
        A function of the same arguments. `.source` is the program, `.explain()` says what became of the recording.

    Notes
    -----
    Results are equal to those of `f` but for the last digits (a sum may be added up in another order). What a
    program cannot hold is refused: numbers asked for on the way (`float(t)`), random numbers, shapes that hang on
    values. Then `f` runs as it is, and a `ReplayWarning` says so once, with the line. `if t > 0:` is a guard: the
    other branch gets a program of its own. Arrays and numbers that `f` reaches by its closure, globals and
    attributes are read anew, or compared, at every call. What `f` prints or appends happens only while it is recorded.
    numba's exponentials and sums may differ from NumPy's in the last digits, and NumPy's warnings (overflow, division by
    zero) are not given.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> slope = gm.replay(gm.value_and_grad(lambda x: np.sum(2 * x**2 + 2)))
    >>> x = np.array([1.0, 2.0])
    >>> slope(x), slope(x + 1)
    ((14.0, array([4., 8.])), (30.0, array([ 8., 12.])))
    """
    asked(backend)
    if f is None:
        return functools.partial(replay, backend=backend)
    if not callable(f):
        raise TypeError(
            f"gm.replay takes a function, not a {type(f).__name__}: write gm.replay(f), not gm.replay(f(x))."
        )
    if isinstance(f, Replayed):
        return f if backend in (None, f.backend) else Replayed(f.f, backend)
    return Replayed(f, backend)


def _arrays(tree: Any) -> Iterable[Any]:
    return [
        getattr(v, "array", v)
        for v in leaves(tree)
        if isinstance(getattr(v, "array", v), (np.ndarray, np.generic, float))
    ]


def _sharing(inputs: list[Any], out: Any) -> list[tuple[int, int]]:
    """List which results share memory with which inputs and results before them."""
    held = [*inputs, *_arrays(out)]
    return [
        (i, j)
        for i in range(len(inputs), len(held))
        for j in range(i)
        if type(held[i]) is type(held[j]) is np.ndarray and np.may_share_memory(held[i], held[j])
    ]


def _traced(args: Any, kwargs: Any) -> bool:
    """Tell whether a tape is being recorded through the arguments: then the function is part of it."""
    return any(t.node is not None and (t.soft or t.node.rule is not None) for t in tracked_in((args, kwargs)))


def _stacklevel() -> int:
    import sys

    frame: Any = sys._getframe(1)
    level, user = 1, user_frame(frame)
    while frame is not None and frame is not user:
        frame, level = frame.f_back, level + 1
    return level


__all__ = ["OFF", "Replayed", "replay"]
