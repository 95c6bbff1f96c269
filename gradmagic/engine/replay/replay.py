"""`gm.replay`: a function that is recorded at its first call and runs as a program from then on.

In: a function. Out: one that gives the same, sooner. Here is which program serves a call, what a new kind of call gets,
and what happens where there can be none: the function runs as it is, and that is said once.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any, overload

import numpy as np

from ...errors import ReplayWarning
from ...language import tr
from ..core.places import user_frame
from ..core.trees import containers, leaves
from ..tape.modes import OFF, UNSEEN, mode_now
from ..tape.nodes import HOOKS
from ..tape.tracked import tracked_in
from . import explained
from .alike import close, coarsest, same_program
from .blocks import blocked
from .call import Call, copied_once, same_objects
from .compiled.choice import Choice, asked
from .drawing import Streams
from .emit import Diverged, Written
from .products import flattened
from .recorded import NOW, Refused
from .recording import record, seen
from .results import Results, share
from .simplify import simplified
from .surroundings import Surroundings
from .whole import MISS, Made, guarded_first, tell_the_tape, wants_gradients

_KINDS = 8  # programs for one function: shapes, settings and branches
_TRIES = 3  # calls that may change what the function reaches before that counts as its way
_recording = RLock()


class Replayed:
    """A function and its programs; see `replay`.

    Attributes
    ----------
    served, eager : int
        How many calls a program has served, and how many the function itself.
    """

    __replays__ = True

    def __init__(
        self, f: Callable[..., Any], quiet: bool = False, backend: str | None = None, donate: bool = False
    ) -> None:
        functools.update_wrapper(self, f)
        self.f = f
        self.donate = donate
        self.backend = backend
        self._quiet = quiet  # of gradmagic's own: that there is no program is nothing to tell
        self.programs: list[Made] = []
        self.refused: list[str] = []
        self.eager = 0
        self._faces: dict[Made, type[Replayed]] = {}
        self._last: Made | None = None  # whose face it has
        self._tries = 0
        self._off = False
        self._moving: set[Any] = set()  # places of numbers that are others from call to call

    @property
    def served(self) -> int:
        return sum(made.served for made in self.programs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._otherwise(args, kwargs)

    def _prefer(self, made: Made) -> None:
        """Let a program be what is called: a class of its own has it as `__call__`, without a step in between."""
        if not made.kind[1]:
            if made not in self._faces:
                face = _guarded(made.facing(self._otherwise), self._otherwise, made)
                self._faces[made] = type("Replayed", (Replayed,), {"__call__": staticmethod(face)})
            self.__class__, self._last = self._faces[made], made

    # -- calls that the last program does not serve ------------------------------------------------
    def _otherwise(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        mode = mode_now()
        watched = mode is not OFF and mode not in UNSEEN
        if self._off or NOW.get() is not None or watched or _traced(args, kwargs):
            self.eager += 1
            return self.f(*args, **kwargs)
        kind = (len(args), tuple(kwargs), mode is OFF)
        if (out := self._served(kind, args, kwargs)) is not MISS:
            return out
        # what somebody else has changed (a learning rate) is an input from now on
        for made in self.programs[-1:]:
            self._moving |= {n.spot for n in made.around.links if type(n.value) is float and not n.same()}
        with _recording:
            if (
                out := self._served(kind, args, kwargs)
            ) is not MISS:  # another thread has made the program meanwhile
                return out
            if len(self.programs) >= _KINDS and not self._off:
                self._give_up(tr(
                    "{count} kinds of calls have come (shapes, settings, branches taken by values)", count=_KINDS
                ))  # fmt: skip
            if self._off:
                self.eager += 1
                return self.f(*args, **kwargs)
            return self._first(args, kwargs)

    def _served(self, kind: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Serve a call by one of the programs; MISS if it is of none's kind."""
        for made in self.programs:
            if made.kind != kind:
                continue
            try:
                out = made.run(*args, *kwargs.values())
            except Diverged:
                continue
            if out is not MISS:
                self._prefer(made)
                return out
        return MISS

    def _give_up(self, why: str) -> None:
        """Run the function as it is from now on, and say why."""
        self._off = True
        self.refused.append(why)
        if self._quiet:
            return
        name = getattr(self.f, "__name__", "f")
        level = _stacklevel()
        told = tr("gm.replay: {name} runs as it is, without a program: {why}.", name=name, why=why)
        warnings.warn(told, ReplayWarning, stacklevel=level)

    def _first(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Serve a call of a new kind: by the function itself; then make the program for the next ones."""
        self.eager += 1
        try:
            call = Call(args, kwargs)
            around = seen(self.f, call, frozenset(self._moving))
            if around.speaks:
                name = min(around.speaks)
                raise Refused(tr(
                    "it calls {name}(), which a program would leave out: return what {name}() is to have",
                    name=name,
                ))  # fmt: skip
            stood = around.read()
            once = copied_once(*call.values, *stood)
            values, held = once[: len(call.values)], once[len(call.values) :]
            call.same = same_objects(call.values, stood) if around.compares else []
            if HOOKS and wants_gradients(call, around):
                raise Refused(tr("tensors have hooks, which see each gradient"))
        except Refused as error:
            out = self.f(*args, **kwargs)
            self._give_up(str(error))
            return out
        streams = Streams(around)
        out = self.f(*args, **kwargs)
        if why := streams.ended():
            self._give_up(why)
            return out
        if streams.new:  # the next call is recorded
            return out
        if call.rearranged():
            self._give_up(tr("it puts something else into a list, dict or object among its arguments"))
            return out
        if not self._settled(around):
            return out
        try:
            made = self._made(call, around, streams, values, held, [v for v in stood if v is not None], out)
        except Refused as error:
            self._give_up(str(error))
            return out
        made.settle()
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
        counts = [n for n in counts if type(n.now()) is type(n.value)]
        self._moving |= {n.spot for n in counts}
        self._tries += 1
        if self._tries >= _TRIES:
            others = [n for n in changed if n not in counts] or changed
            self._give_up(tr("it changes {name}, which a program cannot", name=others[0].name))
        return False

    def _made(
        self,
        call: Call,
        around: Surroundings,
        streams: Streams,
        values: list[Any],
        held: list[Any],
        stood: list[Any],
        eager: Any,
    ) -> Made:
        """Record the function, twice, and hold the program against what the function gave."""
        with streams.again():
            program, out, effects = record(self.f, call, around, values, held)
        with streams.again():
            again, _, _ = record(self.f, call, around, values, held, brief=True)
        if why := same_program(program, again):
            raise Refused(why)
        results = Results(eager, out)
        given = {id(container) for container, _ in call.containers}
        inside = [part for part in containers(eager) if id(part) not in given]
        if any(map(around.holds, inside)):
            raise Refused(tr("it gives a container that it also keeps: return a copy"))
        if len(set(map(id, inside))) < len(inside):
            raise Refused(tr("it gives one list, dict or object twice"))
        left = [e for e in effects if e.step is not None]
        program.outputs = results.steps + [e.step for e in left if e.step is not None]
        recorded = len(program.steps)
        guarded_first(program)
        short = simplified(program)
        short = flattened(short)
        forms = results.named(short, [*call.values, *stood], [e.read() for e in left], lambda step: "{}")

        def write(written: Any, checks: bool = True) -> Made:
            names = [form.format(written.name(o)) for form, o in zip(forms, short.outputs, strict=True)]
            result = results.text(iter(names[: len(results.steps)]), written.bind, call.containers)
            at = iter(names[len(results.steps) :])
            written.lines += [
                f"{e.place} = {e.form.format(next(at)) if e.step is not None else e.form}" for e in effects
            ]
            tell_the_tape(written, short, call, around)
            made = Made(self.f, call, around, written, result, recorded)
            made.choice, made.leaves = choice, bool(effects)
            if checks:
                with streams.again():
                    self._checked(made, call, around, values, held, eager)
                made.settle()
            return made

        choice = Choice(self.backend, short, write)
        written = Written(blocked(short), donated=len(results.steps) if self.donate else 0)
        choice.watch(written, lambda: self._compile(made))
        made = write(written)
        return choice.compiled(made) if self.backend == "numba" else made

    def _compile(self, made: Made) -> None:
        """Let numba run a program from now on, if it takes it and gives the same."""
        with _recording:
            if made in self.programs:
                new = made.choice.compiled(made)
                self.programs[self.programs.index(made)] = new
                if self._last is made:
                    self._prefer(new)

    def _checked(
        self, made: Made, call: Call, around: Surroundings, values: list[Any], held: list[Any], eager: Any
    ) -> None:
        """Run the program on what the first call got: it gives what the function gave, and leaves what it left."""
        once = copied_once(*values, *held)
        mine, others = once[: len(values)], once[len(values) :]
        args, kwargs = call.given(mine)
        try:
            with around.holding(others), np.errstate(all="ignore"):
                out = made.run(*args, *kwargs.values())
                left = around.read()
        except Exception as error:
            raise Refused(tr(
                "its program raised {kind}: {error}", kind=type(error).__name__, error=error,
            )) from error  # fmt: skip
        if out is MISS:
            raise Refused(tr(
                "it writes into memory that two of its arrays share, or its program does not take its own "
                "call",
            ))  # fmt: skip
        least = coarsest(made.program)
        for a, b in zip(_arrays(eager), _arrays(out), strict=True):
            if type(a) is not type(b) or not close(a, b, least):
                raise Refused(tr("its program gives other numbers"))
        if _sharing([*call.values, *around.read()], eager) != _sharing([*mine, *left], out):
            raise Refused(tr("its results share memory in a way that its program's do not"))
        gradients = [getattr(t.node.grad, "array", None) for t in call.stand_ins]
        now = [*call.values, *call.gradients(), *around.read()]
        for a, b in zip(now, [*mine, *gradients, *left], strict=True):
            if (a is None) is not (b is None) or (a is not None and not close(a, b, least)):
                raise Refused(tr(
                    "its program leaves other numbers in its arguments, or in what it reaches",
                ))  # fmt: skip

    # -- to read ----------------------------------------------------------------------------------
    @property
    def source(self) -> str:
        """The program that served last, as Python."""
        return explained.source(self)

    def explain(self) -> explained.Explanation:
        """Say what was recorded, what is left of it, what was refused, how often it ran, and in how many bytes."""
        return explained.explain(self)

    def __repr__(self) -> str:
        number = len(self.programs)
        return tr(
            "<replay of {name}: {number} program{s}>", name=getattr(self.f, "__name__", self.f), number=number,
            s="s" * (number != 1),
        )  # fmt: skip

    def __reduce__(self) -> Any:
        """Be copied and pickled as the function is, without programs: by name what a module has under its name."""
        name = getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(str(getattr(self, "__module__", ""))), name, None) is self:
            return name
        return Replayed, (self.f, self._quiet, self.backend, self.donate)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


@overload
def replay(f: Callable[..., Any], *, backend: str | None = None, donate: bool = False) -> Replayed: ...
@overload
def replay(
    f: None = None, *, backend: str | None = None, donate: bool = False
) -> Callable[[Callable[..., Any]], Replayed]: ...
def replay(f: Any = None, *, backend: str | None = None, donate: bool = False) -> Any:
    """Make a function that gives what `f` gives, by a recorded program from its second call on.

    The first call for given shapes, dtypes and settings runs `f`, records every array operation of it, those of a
    gradient among them, and writes them as straight-line Python over NumPy. Later calls run that.

    Parameters
    ----------
    f : function
        Of arrays, numbers, tensors and containers of them: one of yours, `gm.value_and_grad(f)`, `gm.hvp`, a step of
        an optimiser. Whole numbers, text, `None` and functions among its arguments are settings: another value gets
        another program.
    backend : {"numpy", "numba"}, optional
        What runs the program: NumPy's calls, or one function that numba compiles (`pip install "gradmagic[jit]"`),
        for small arrays and many operations. Without it NumPy does, and numba takes over where it is installed and the
        program has run so often that compiling (0.3 to 1 s, less from the file in which it is kept) has paid. What
        numba is not given (linear algebra, sorting, complex numbers, large products) stays with NumPy, which
        `.explain()` says.
    donate : bool
        The arrays of the result may lie in buffers that the next call writes over: none are allocated, and what is to
        be kept has to be copied.

    Returns
    -------
    Replayed
        A function of the same arguments. `.source` is the program, `.explain()` says what became of the recording.

    Notes
    -----
    Results are equal to those of `f` but for the last digits (a sum may be added up in another order). What a program
    cannot hold is refused: numbers asked for on the way (`float(t)`), NumPy's random numbers, shapes that hang on
    values. Then `f` runs as it is, and a `ReplayWarning` says so once, with the line where a value is asked for. `if
    t > 0:` is a guard: the other branch gets a program of its own. Dropout, `gm.randn` and their like are drawn anew
    at every call. Arrays and numbers that `f` reaches by its closure, globals and attributes are read anew, or
    compared, at every call.
    While a call is recorded, what `f` reaches holds recording arrays: no other thread may use it until that is over.
    numba's exponentials and sums may differ from NumPy's in the last digits, and NumPy's warnings (overflow, division
    by zero) are not given.

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
        return functools.partial(replay, backend=backend, donate=donate)
    if not callable(f):
        raise TypeError(tr(
            "gm.replay takes a function, not a {kind}: write gm.replay(f), not gm.replay(f(x)).",
            kind=type(f).__name__,
        ))  # fmt: skip
    if isinstance(f, Replayed):
        same = backend in (None, f.backend) and donate in (False, f.donate)
        return f if same else Replayed(f.f, backend=backend or f.backend, donate=donate or f.donate)
    return Replayed(f, backend=backend, donate=donate)


def _guarded(face: Callable[..., Any], otherwise: Callable[..., Any], made: Made) -> Callable[..., Any]:
    """Let a program that diverges go `otherwise`; one without guards is as it is."""
    if not any(s.kind == "guard" for s in made.program.steps):
        return face

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return face(*args, **kwargs)
        except Diverged:
            return otherwise(args, kwargs)

    return call


def _arrays(tree: Any) -> Iterable[Any]:
    return [
        getattr(v, "array", v)
        for v in leaves(tree)
        if isinstance(getattr(v, "array", v), (np.ndarray, np.generic, float))
    ]


def _sharing(inputs: list[Any], out: Any) -> list[tuple[int, int]]:
    """List which results share memory with which inputs and results before them."""
    held = [*inputs, *_arrays(out)]
    return [(i, j) for i in range(len(inputs), len(held)) for j in range(i) if share(held[i], held[j])]


def _traced(args: Any, kwargs: Any) -> bool:
    """Tell whether a tape is being recorded through the arguments: then the function is part of it."""
    return any(t.node is not None and (t.soft or t.node.rule is not None) for t in tracked_in((args, kwargs)))


def _stacklevel() -> int:
    frame: Any = sys._getframe(1)
    level, user = 1, user_frame(frame)
    while frame is not None and frame is not user:
        frame, level = frame.f_back, level + 1
    return level


__all__ = ["Replayed", "replay"]
