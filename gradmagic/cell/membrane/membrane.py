"""What a hook tells of: the run of one cell in this context, its table, and what it makes of an operation that ran.

In: an operation of the user's that has just been done on the user's objects. Out: its result in the table, with the
node that the engine makes of it; or with a cut, where the engine knows no way. No error of ours reaches the user.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextvars import ContextVar, copy_context
from functools import wraps
from threading import RLock
from types import CellType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from ...engine.core.interpreter import parts
from ...engine.core.places import place_of, user_frame
from ...engine.derivatives.objects import Made
from ...engine.dispatch.calls import call_elementwise, record
from ...engine.dispatch.non_numbers import failed
from ...engine.dispatch.primitives import set_item
from ...engine.faces.numpy.array import Array
from ...engine.following import switch
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.memory import copy_of
from ...engine.tape.modes import OFF, mode_now
from ...engine.tape.nodes import Leaf, Node, aval_of
from ...engine.tape.tracked import Tracked, tracked_in
from ...errors import AnomalyError, TapeLimitError
from .enter import Entered, plain_code
from .foreign import foreign
from .fresh import fresh
from .table import NO_CUTS, Cut, Mark, Table, joined, leaves

_HERE: ContextVar[Any] = ContextVar("gradmagic_membrane", default=None)
here = _HERE.get
_QUICK_NUMBERS = frozenset({float, int, np.float64, np.float32})
NUMBERS = (float, np.ndarray, np.inexact, complex)


class _Follows:
    """The engine follows what it is given, and nobody else's calls."""

    open = True

    def puts_back(self, frame: Any, stored: Any) -> bool:
        return False


_FOLLOWS = _Follows()


class Entries:
    """An array's entries as a sequence: what C code goes through one by one, in the way it goes through the array."""

    __slots__ = ("_array", "_membrane")

    def __init__(self, membrane: Membrane, array: Any) -> None:
        self._membrane, self._array = membrane, array

    def __getitem__(self, index: int) -> Any:
        return self._membrane.entry(self._array, index)

    def __len__(self) -> int:
        return len(self._array)


class Membrane:
    """One run of one cell: `with membrane:` hooks in this context tell it of what they did."""

    def __init__(self, filename: str) -> None:
        self.table = Table()
        self.table.memory.lost = self._lost
        self.filename = filename
        self.channels: dict[str, Mark] = {}  # files that a tracked value was written to, by path
        self._left: list[tuple[Node | None, str]] = []  # what the engine has given as a plain value just now
        self._recording = False
        self.entered = Entered()
        self.sources: dict[int, tuple[Any, Any]] = {}  # of compile(): by id, the code and the same with hooks
        self._defined: list[Any] = []
        self._behind: dict[int, list[Any]] = {}  # by id of an object, those that it hands things on to
        self._things: list[Any] = []
        self.stand_ins: WeakKeyDictionary[Any, Made] = WeakKeyDictionary()  # of objects made of tracked values

    def __enter__(self) -> Membrane:
        self._token = _HERE.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _HERE.reset(self._token)
        self.entered.leave()
        for held in self._defined:
            function = held()
            if function is not None:
                function.__code__ = plain_code(function.__code__)
        self._defined = []

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

    # -- operations ------------------------------------------------------------------------------
    def record(self, function: Callable[..., Any], args: Any, kwargs: Any, out: Any, name: str = "") -> Any:
        """File `out`, which is `function(*args, **kwargs)` of the user's values, and give it."""
        table = self.table
        marks = table.marks((*args, *kwargs.values()) if kwargs else args)
        if not marks or mode_now() is OFF:
            return out
        cuts, name = joined(marks), name or _name(function)
        if all(m.node is None for m in marks):
            return self.lost(out, cuts)
        given = [table.wrapped(a) for a in args]
        options = {k: table.wrapped(v) for k, v in kwargs.items()}
        made = self.made(function, given, options)
        if not self._left and not tracked_in([*given, *options.values()]):
            made = TypeError(name)  # what is tracked lies where the engine does not look
        return self.filed(out, made, cuts, name, marks)

    def lost(self, out: Any, cuts: frozenset[Cut]) -> Any:
        """Note the cuts behind a result that can be a number again."""
        if isinstance(out, (bool, np.bool_)) or (isinstance(out, np.ndarray) and out.dtype.kind == "b"):
            return out
        return self.taint(out, cuts)

    def made(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Let the engine compute the same; an exception is what it gives where it cannot."""
        self._left = []
        self._recording, before = True, self._recording
        block = switch.block()
        switch.enter(_FOLLOWS)
        try:
            with np.errstate(all="ignore"):  # the user's own operation has warned
                return function(*args, **kwargs)
        except (AnomalyError, TapeLimitError):
            raise  # what watches the tape stops the cell
        except Exception as error:  # the user's own operation went through
            return error
        finally:
            switch.enter(block)
            self._recording = before

    def elementwise(self, rule: Elementwise, args: Any, out: Any) -> Any:
        """File the result of a function that has a rule entry by entry: nothing is computed twice.

        Values of one dtype are recorded here; what is left is `call_elementwise`'s.
        """
        if mode_now() is OFF:
            return out
        table = self.table
        copy = out.copy("K") if type(out) is np.ndarray else out
        aval = aval_of(out)
        values, plain, nodes, cuts, mask = table.values, [], [], NO_CUTS, 0
        quick = aval.fast
        for i, a in enumerate(args):
            node = None
            kind = type(a)
            if (found := values.get(id(a))) is not None:
                node = found[1].node
                cuts = cuts | found[1].cuts if found[1].cuts else cuts
                quick = quick and (kind in _QUICK_NUMBERS)
            elif kind is np.ndarray:
                if (seen := table.memory.seen(a)) is not None:
                    node, a = seen.mark.node, seen.copy
                    cuts = cuts | seen.mark.cuts if seen.mark.cuts else cuts
                elif a.dtype is not aval.dtype:
                    quick = False
            elif kind not in _QUICK_NUMBERS:
                quick = False
            if node is not None:
                mask |= 1 << i
                quick = quick and node.aval is aval
            plain.append(a)
            nodes.append(node)
        if quick and mask:
            twin = rule.twin
            node = record(twin, copy, tuple(nodes), twin.keep(copy, plain, {}, mask), aval)
            return table.file(out, Mark(node, cuts), copy if copy is not out else None)
        self._left = []
        self._recording = True
        try:
            made = call_elementwise(rule, [table.tracked(a) for a in args], lambda *_: copy)
        except (AnomalyError, TapeLimitError):
            raise
        except Exception as error:
            made = error
        finally:
            self._recording = False
        marks = table.marks(args)
        return self.filed(out, made, cuts, rule.name, marks)

    def filed(self, out: Any, made: Any, cuts: frozenset[Cut], name: str, marks: Iterable[Mark] = ()) -> Any:
        """Note for `out` what the engine made of it; entries of tuples and lists each alone. Gives `out`."""
        kind = type(out)
        if isinstance(made, Exception):
            return self.cut_off(out, cuts, name, next((m.node for m in marks if m.node is not None), None))
        if kind in (tuple, list) or (isinstance(out, tuple) and hasattr(out, "_fields")):
            if not isinstance(made, (tuple, list)) or len(made) != len(out):
                return self.cut_off(out, cuts, name)
            parts = [self.filed(o, m, cuts, name, marks) for o, m in zip(out, made, strict=True)]
            if all(a is b for a, b in zip(parts, out, strict=True)):
                return out
            if kind is list:
                out[:] = parts
                return out
            return kind(*parts) if hasattr(out, "_fields") else kind(parts)
        if type(made) is Made and type(made.real) is kind:
            self.stand_ins[out] = made
            if any(leaf is not out and self.table.mark(leaf) for leaf in leaves(out)):
                return out  # it holds what it was made of: who takes it apart finds that
            # For those who do not ask its methods.
            return self.table.file(out, Mark(None, cuts | {self.cut(made.tracked[0].node, name)}))
        if issubclass(type(made), Tracked) and made.node is not None:
            if kind is np.ndarray or isinstance(out, NUMBERS) or kind is int:
                node = made.node
                if tuple(node.aval.shape) != np.shape(out):
                    return self.cut_off(out, cuts, name)
                copy = made.array if kind is np.ndarray and type(made.array) is np.ndarray else None
                return self.table.file(out, Mark(node, cuts), copy)
            if issubclass(kind, Tracked):
                return self.table.file(out, Mark(made.node, cuts))
            return self.cut_off(out, cuts, name)
        if self._left:
            return self.cut_off(out, cuts, name)
        if cuts:
            return self.lost(out, cuts)
        return out  # a function whose derivative is zero by nature

    def of_made(self, out: Any, made: Any, stand_in: Made, cuts: frozenset[Cut], name: str) -> Any:
        """Note for `out` what a method of an object's stand-in gave: the object may be another since."""
        node = stand_in.tracked[0].node
        if issubclass(type(made), Tracked):
            if np.shape(made.array) != np.shape(out) or not np.allclose(made.array, out, 1e-9, 0, equal_nan=True):
                return self.cut_off(out, cuts, name, node)
            made = type(made).wrap(copy_of(out), made.node)
        return self.filed(out, made, cuts, name, [Mark(node)])

    def cut_off(self, out: Any, cuts: frozenset[Cut], name: str, node: Node | None = None) -> Any:
        """Note that what was tracked is lost in `out`, and all that it holds. Gives `out`."""
        if self._left:
            node, name = self._left[-1]
        return self.taint(out, cuts | {self.cut(node, name)})

    def taint(self, out: Any, cuts: frozenset[Cut], given: Container[int] = ()) -> Any:
        """Note cuts behind a value that has no mark of its own, and behind what it holds, but for `given` ids."""
        table = self.table
        mark = Mark(None, cuts)
        inside = list(leaves(out))
        whole = inside[-1] is out and isinstance(out, (list, tuple, dict, set, frozenset))
        if whole and all(id(leaf) in given or table.mark(leaf) is not None for leaf in inside[:-1]):
            return out  # it only holds what was there before
        for leaf in inside:
            kind = type(leaf)
            if id(leaf) in given:
                continue
            if kind is bool or leaf is None or isinstance(leaf, (type, np.bool_)) or callable(leaf):
                continue
            if leaf is out or kind is not int:  # a small int inside a list is everybody's
                if kind is np.ndarray and leaf.dtype.kind in "bO":
                    continue
                if table.mark(leaf) is None:
                    made = table.file(leaf, mark)
                    if leaf is out:
                        out = made
        return out

    def cut(self, node: Node | None, how: str, frame: Any = None) -> Cut:
        """Make the record of a cut at the user's code that runs."""
        frame = user_frame(frame or sys._getframe(1))
        within = frame
        while within is not None and within.f_code.co_filename != self.filename:
            within = within.f_back
        return Cut(node, how, place_of(frame), None if within is None else place_of(within))

    def explain(self, error: Exception, rule: Any, args: Any) -> None:
        """Add to an error of the user's operation whose shapes they are, and where: its class and words stay."""
        table = self.table
        if rule is None or not table.marks(args):
            return
        better = failed(error, rule, [table.tracked(a) for a in args])
        if better is not error:
            error.add_note(str(better))

    def left(self, tracked: Any, how: str) -> bool:
        """The engine gives a value as a plain one; True if it does so for us."""
        if self._recording:
            self._left.append((tracked.node, how))
        return self._recording

    def _lost(self, value: Any, how: str, mark: Mark) -> Mark:
        cuts = mark.cuts if mark is not None else NO_CUTS
        return Mark(None, cuts | {self.cut(mark.node if mark is not None else None, how)})

    # -- what is gone through, what calls back -------------------------------------------------------
    def entries(self, value: Any) -> Any:
        """Give what is gone through in place of `value`: of a tracked array its entries, each filed when it comes."""
        kind = type(value)
        if kind in (list, tuple, dict, set, str, range):
            return value
        if isinstance(value, np.ndarray):
            return Entries(self, value) if value.ndim and self.table.mark(value) is not None else value
        if isinstance(value, np.flatiter):
            return self._of_flat(value) if self.table.mark(value.base) is not None else value
        if kind is np.ndenumerate:
            return self._enumerated(value) if self.table.mark(value.iter.base) is not None else value
        mark = self.table.mark(value)
        if mark is not None and mark.cuts:
            return (self.taint(one, mark.cuts) for one in value)
        if kind not in (map, zip, filter, enumerate):
            self.entered.type(kind)
        return value

    def entry(self, array: Any, index: Any) -> Any:
        """Give `array[index]` of a tracked array, filed."""
        out = array[index]
        if here() is not self:
            return out  # an iterator that the cell has made, and a later one goes through
        mark = self.table.mark(array)
        if mark is None or mode_now() is OFF or array.dtype.hasobject or array.dtype.names:
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

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give what is called in place of a function, as the hook of a call does."""
        from .calls import called  # which builds on this module

        return called(function)  # type: ignore[no-any-return]

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that runs under this membrane in whatever thread it is called, as long as the cell runs."""
        context = copy_context()

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs) if here() is self else context.copy().run(function, *args, **kwargs)

        return run

    def followed(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function of the engine's once: what it calls back has hooks, and gets values of the engine's."""
        block = switch.block()
        switch.enter(_FOLLOWS)
        try:
            return function(*args, **kwargs)
        finally:
            switch.enter(block)

    def unwrapped(self, made: Any) -> Any:
        """Give what the engine has made as the user's code has it: plain, and filed."""
        kind = type(made)
        if issubclass(kind, Array):
            out = made.array
            out = np.array(out, order="K") if isinstance(out, np.ndarray) else fresh(out)
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
        path = getattr(thing, "name", None)
        if isinstance(path, str):
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
            new = self.table.wrapped(value)
            return lambda: set_item(old, at, new)

        self.write(base, thunk, lambda: operator.setitem(flat, index, value), (value,), "assignment")

    # -- writes ----------------------------------------------------------------------------------
    def write(self, target: Any, function: Callable[[Any], Any], do: Callable[[], Any], values: Iterable[Any], name: str) -> Any:
        """Do a write into an array of the user's, and file what the array is then.

        `function` computes the same from the target as the engine takes it; `do` is the write itself.
        """
        table = self.table
        marks = table.marks(values)
        old, copy = table.memory.before(target)
        if (old is None and not marks) or mode_now() is OFF:
            out = do()
            if old is not None:
                table.memory.written(target, old, copy)
            return out
        before = copy if old is None or old.node is None else Array.wrap(copy, old.node)
        cuts = joined(marks) | (old.cuts if old is not None else NO_CUTS)
        given = function(before) if target.dtype.kind in "fc" else None
        out = do()
        made = self.made(given, (), {}) if given is not None else None
        node = made.node if issubclass(type(made), Tracked) else None
        if node is not None and (tuple(node.aval.shape) != target.shape or node.aval.dtype != target.dtype):
            made, node = TypeError(name), None
        if isinstance(made, Exception) or self._left:
            lost = next((m.node for m in marks if m.node is not None), old.node if old else None)
            cuts = cuts | {self.cut(lost, name)}
        table.memory.written(target, Mark(node, cuts), copy)
        return out




def _is_thing(value: Any) -> bool:
    """Tell whether it is an object that may keep what it is given."""
    if isinstance(value, (*NUMBERS, np.generic, int, str, bytes, type(None), type, tuple, range, slice, np.dtype)):
        return False
    return not isinstance(value, ModuleType) and not callable(value)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", function))
