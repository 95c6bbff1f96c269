"""What a hook tells of: the run of one cell in this context, its table, and what it makes of an operation that ran.

In: an operation of the user's that has just been done on the user's objects. Out: its result in the table, with the
node that the engine makes of it; or with a cut, where the engine knows no way. No error of ours reaches the user.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import wraps
from threading import RLock
from types import CellType, ModuleType
from typing import Any
from weakref import ref

import numpy as np

from ...engine.core.arrays import is_array
from ...engine.core.interpreter import parts
from ...engine.dispatch.primitives import set_item
from ...engine.faces.numpy.array import Array
from ...engine.following import switch
from ...engine.tape.modes import OFF, mode_now
from ...engine.tape.nodes import Leaf, aval_of
from .enter import Entered, plain_code
from .foreign import foreign
from .fresh import fresh
from .libraries import base_of, find_devices, is_flat
from .memory import places
from .recording import FOLLOWS, FUNCTIONS, Recording, set_settings, settings_here
from .table import FLAT, NO_CUTS, Cut, Mark

_HERE: ContextVar[Any] = ContextVar("gradmagic_membrane", default=None)
here = _HERE.get
_FRAMES = 100  # more of Python's frames than our own work needs


def path_of(value: Any) -> str | None:
    """Give the full path that a text or a `Path` is; None for anything else."""
    if not isinstance(value, (str, os.PathLike)):
        return None
    path = os.fspath(value)
    return os.path.abspath(path) if isinstance(path, str) else None


class _Room:
    """Room for our own frames: a recursion that just fits without hooks fits with them, in every thread."""

    def __init__(self) -> None:
        self._lock, self._runs, self._limit = RLock(), set[int](), 0

    def make(self, run: object) -> None:
        with self._lock:
            if not self._runs:
                self._limit = sys.getrecursionlimit()
                sys.setrecursionlimit(self._limit + _FRAMES)
            self._runs.add(id(run))

    def give_back(self, run: object) -> None:
        with self._lock:
            if self._runs == {id(run)} and sys.getrecursionlimit() == self._limit + _FRAMES:
                sys.setrecursionlimit(self._limit)
            self._runs.discard(id(run))


_room = _Room()


class Entries:
    """An array's entries as a sequence: what C code goes through one by one, in the way it goes through the array."""

    __slots__ = ("_array", "_membrane")

    def __init__(self, membrane: Membrane, array: Any) -> None:
        self._membrane, self._array = membrane, array

    def __getitem__(self, index: int) -> Any:
        return self._membrane.entry(self._array, index)

    def __len__(self) -> int:
        return len(self._array)


class Membrane(Recording):
    """One run of one cell: `with membrane:` hooks in this context tell it of what they did."""

    called: Callable[[Any], Any]  # the hook of a call: set by called.py

    def __init__(self, filename: str) -> None:
        super().__init__(filename)
        find_devices()
        self.turns: Any = None  # what is told of turns of loops and calls of functions (telling/turn_log.py)
        self.channels: dict[str | None, Mark] = {}  # files that a tracked value was written to, by path
        self.entered = Entered()
        self.sources: dict[int, tuple[Any, Any]] = {}  # of compile(): by id, the code and the same with hooks
        self._defined: list[Any] = []
        self._behind: dict[int, list[Any]] = {}  # by id of an object, those that it hands things on to
        self._things: list[Any] = []

    def __enter__(self) -> Membrane:
        self._outside, self._settings = _HERE.get(), settings_here()
        _HERE.set(self)
        _room.make(self)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._leave()
        except BaseException:  # an alarm that rings in the middle of it
            self._leave()
            raise

    def _leave(self) -> None:
        """Set everything back; a second time does no harm."""
        _HERE.set(self._outside)
        set_settings(*self._settings)
        _room.give_back(self)
        self.entered.leave()
        for held in self._defined:
            function = held()
            if function is not None:
                function.__code__ = plain_code(function.__code__)
        self._defined = []

    def close(self) -> None:
        """Know nothing any more: tasks, threads and generators that the cell has begun may go on after it."""
        super().__init__(self.filename)
        self.turns = None

    def made_here(self, function: Any) -> None:
        """Instrumented code has made a function: it gets its code without hooks when the cell ends."""
        self._defined.append(ref(function))

    def foreign(self, kind: type) -> bool:
        """Tell whether objects of a class may keep what they are given in a way of their own."""
        return foreign(kind)

    # -- inputs ----------------------------------------------------------------------------------
    def lift(self, value: Any) -> tuple[Any, Leaf]:
        """Make an input of a value: gives the object that stands for it, an equal one, and its node."""
        value = fresh(value)
        leaf = Leaf(aval_of(value))
        return self.table.file(value, Mark(leaf)), leaf

    # -- what is gone through, what calls back -------------------------------------------------------
    def entries(self, value: Any) -> Any:
        """Give what is gone through in place of `value`: of a tracked array its entries, each filed when it comes."""
        kind = type(value)
        if kind in (list, tuple, dict, set, str, range):
            return value
        if self.stands is not None:
            value = self.stands.now(value)
        if is_array(value):
            return Entries(self, value) if value.ndim and self.table.mark(value) is not None else value
        if is_flat(value):
            return self._of_flat(value) if self.table.mark(value.base) is not None else value
        if kind is np.ndenumerate:
            return self._enumerated(value) if self.table.mark(value.iter.base) is not None else value
        if kind is np.nditer:
            return self._stepped(value)
        if kind not in (map, zip, filter, enumerate):
            self.entered.type(kind)
        return value

    def steps(self, value: Any) -> Any:
        """Give what Python itself goes through in place of `value`: what lost its gradient gives what has lost it."""
        mark = None if type(value) in FLAT else self.table.mark(value)
        if mark is not None and mark.cuts and mark.node is None and not is_array(value):
            return (self.taint(one, mark.cuts) for one in value)
        return self.entries(value)

    def entry(self, array: Any, index: Any) -> Any:
        """Give `array[index]` of a tracked array, filed."""
        out = array[index]
        if self.stands is not None:
            out = self.stands.number(out)
        if here() is not self:  # an iterator that the cell has made, and a later one goes through
            return out if self.stands is None else self.stands.own(out)
        mark = self.table.mark(array)
        if mark is not None and array.dtype.names:
            return self.taint(out, mark.cuts)
        if mark is None or mode_now() is OFF or array.dtype.hasobject:
            return out
        if mark.node is None:
            return self.taint(out, mark.cuts)
        return self.record(operator.getitem, (array, index), {}, out, "getitem")

    def _of_flat(self, flat: Any) -> Iterator[Any]:
        base = flat.base
        for index in np.ndindex(*base.shape):
            yield self.entry(base, index)

    def _enumerated(self, pairs: Any) -> Iterator[Any]:
        base = pairs.iter.base
        for index, _ in pairs:
            yield index, self.entry(base, index)

    def _stepped(self, steps: Any) -> Iterator[Any]:
        """Give what `np.nditer` gives: over the memory of its operands, or of a buffer, of which nothing is known."""
        for step in steps:
            parts = step if isinstance(step, tuple) else (step,)
            for operand, part in zip(steps.operands, parts, strict=True):
                mark = self.table.mark(operand)
                if mark is None or mode_now() is OFF:
                    continue
                owner = base_of(operand)
                at = places(owner, part) if owner.flags.forc else None
                if at is None or self.table.mark(owner) is None:
                    self.table.file(part, self._lost(operand, "np.nditer", mark))
                else:
                    made = self.made(np.take, (self.table.tracked(owner), at), {})
                    self.filed(part, made, mark.cuts, "take", (mark,))
            known = [self.table.mark(part) for part in parts]
            yield step
            for operand, part, old in zip(steps.operands, parts, known, strict=True):
                new = self.table.mark(part)  # written by `v[...] = u * u`: what stands there is the operand's
                if new is not None and new is not old and operand is not None:
                    self.table.memory.written(operand, self._lost(part, "np.nditer", new), None)

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that runs under this membrane in whatever thread it is called, as long as the cell runs."""
        context = copy_context()

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            return (
                function(*args, **kwargs) if here() is self else context.copy().run(function, *args, **kwargs)
            )

        return run

    def followed(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function of the engine's once: what it calls back has hooks, and gets values of the engine's."""
        block = switch.block()
        try:
            switch.enter(FOLLOWS)
            return function(*args, **kwargs)
        finally:
            switch.enter(block)

    @contextmanager
    def collecting(self) -> Iterator[list[tuple[Any, str]]]:
        """Collect what the engine gives as plain values within the block: (node, how)."""
        before, left = settings_here(), list[tuple[Any, str]]()
        set_settings(*before[:2], left)
        try:
            yield left
        finally:
            set_settings(*before)

    def unwrapped(self, made: Any) -> Any:
        """Give what the engine has made as the user's code has it: plain, and filed."""
        kind = type(made)
        if issubclass(kind, Array):
            out = made.array
            out = np.copy(out, order="K") if is_array(out) else fresh(out)
            return out if made.node is None else self.table.file(out, Mark(made.node), made.array)
        if kind in (list, tuple):
            return kind(self.unwrapped(v) for v in made)
        if isinstance(made, tuple) and hasattr(made, "_fields"):
            return kind(*(self.unwrapped(v) for v in made))
        if kind is dict:
            return {k: self.unwrapped(v) for k, v in made.items()}
        return made

    def reaches(self, args: Any, kwargs: Any) -> bool:
        """Tell whether functions among the arguments may reach tracked values by their names."""
        return any(callable(a) for a in (*args, *kwargs.values()))

    def reached(self, function: Any) -> list[Mark]:
        """List the marks of what a function reads by name: globals, variables around it, default arguments."""
        names = function.__globals__
        held = [names[n] for code in parts(function.__code__) for n in code.co_names if n in names]
        held += [c.cell_contents for c in function.__closure__ or () if c != CellType()]
        return self.table.marks([*held, *(function.__defaults__ or ())])

    def taint_thing(self, thing: Any, cuts: frozenset[Cut]) -> None:
        """Note cuts behind an object that has taken tracked values in: a stream, a connection, a table of pandas."""
        if not _is_thing(thing):
            return
        known = self.table.mark(thing)
        self.table.file(thing, Mark(None, cuts | (known.cuts if known is not None else NO_CUTS)))
        if (path := path_of(getattr(thing, "name", None))) is not None:
            self.channels[path] = Mark(None, cuts)
        for other in self._behind.pop(id(thing), ()):  # csv.writer(stream): the stream has it
            self.taint_thing(other, cuts)

    def stands_before(self, thing: Any, others: Iterable[Any]) -> None:
        """Note that an object of a library was made from others, to which it may hand on what it is given."""
        held = [o for o in others if _is_thing(o)]
        if held and _is_thing(thing):
            self._behind[id(thing)] = held
            self._things.append(thing)

    def write_flat(self, flat: Any, index: Any, value: Any) -> None:
        """Do `x.flat[index] = value`."""
        base = flat.base
        at = np.unravel_index(np.arange(base.size)[index], base.shape)

        def thunk(old: Any) -> Any:
            new = self.beside(self.table.wrapped(value), base)
            return lambda: set_item(old, at, new)

        self.write(base, thunk, lambda: operator.setitem(flat, index, value), (value,), "assignment")


def _is_thing(value: Any) -> bool:
    """Tell whether it is an object that may keep what it is given."""
    if is_array(value) or isinstance(
        value, (float, complex, np.generic, int, str, bytes, type(None), type, tuple, range, slice, np.dtype)
    ):
        return False
    return not isinstance(value, (ModuleType, *FUNCTIONS))  # a connection of sqlite3 can be called
