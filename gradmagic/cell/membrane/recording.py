"""From an operation of the user's to a node: what has just been done on plain objects, the engine does for the tape.

In: an operation, its operands and its result. Out: the result in the table, with the node that the engine makes of it;
or with a cut, where the engine knows no way. No error of ours reaches the user.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable
from contextvars import ContextVar
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, MethodWrapperType
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from ...engine.core.arrays import HOSTS, KINDS, device_of, is_array, on_device, to_host
from ...engine.core.places import place_of, raised_by_user, user_frame
from ...engine.derivatives.objects import Made
from ...engine.dispatch.calls import call_elementwise, record
from ...engine.dispatch.non_numbers import failed
from ...engine.dispatch.primitives import move
from ...engine.faces.numpy.array import Array
from ...engine.following import switch
from ...engine.following.numpy_warnings import QUIET
from ...engine.rules.declare import RULES
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.memory import copy_of
from ...engine.tape.modes import OFF, mode_now
from ...engine.tape.nodes import Node, aval_of
from ...engine.tape.tracked import Tracked, tracked_in
from ...errors import AnomalyError, TapeLimitError
from .libraries import has_objects, holds_device, is_number
from .memory import copied
from .table import NO_CUTS, Cut, Mark, Table, joined, leaves

_QUICK_NUMBERS = frozenset({float, int, np.float64, np.float32})


class _Follows:
    """The engine follows what it is given, and nobody else's calls."""

    open = True

    def puts_back(self, frame: Any, stored: Any) -> bool:
        return False


FOLLOWS = _Follows()
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, MethodWrapperType, partial, np.ufunc, ref)
# What the engine gives as plain values while it computes for us: (node, how); None while it does not.
_LEFT: ContextVar[list[tuple[Node | None, str]] | None] = ContextVar("gradmagic_left", default=None)


class Left(Exception):
    """The engine gave a plain value: of which node, and how."""

    def __init__(self, node: Node | None, how: str) -> None:
        super().__init__(how)
        self.node, self.how = node, how


class Recording:
    """The table of one run, and how operations come into it."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        # What stands in for the user's values (standing.py), with --device and --dtype.
        self.stands: Any = None
        self.lent: list[
            Any
        ] = []  # arrays that tensors of the cell have copies of, where they would share memory
        self.written_after: Any = None  # where such an array was written then
        self.table = Table()
        self.table.memory.lost = self._lost
        self.stand_ins: WeakKeyDictionary[Any, Made] = (
            WeakKeyDictionary()
        )  # of objects made of tracked values

    def record(self, function: Callable[..., Any], args: Any, kwargs: Any, out: Any, name: str = "") -> Any:
        """File `out`, which is `function(*args, **kwargs)` of the user's values, and give it."""
        table = self.table
        marks = table.marks((*args, *kwargs.values()) if kwargs else args)
        if not marks or mode_now() is OFF:
            return out
        cuts, name = joined(marks), name or str(getattr(function, "__name__", function))
        if not [m for m in marks if m.node is not None]:
            return self.lost(out, cuts)
        given = [table.wrapped(a) for a in args]
        options = {k: table.wrapped(v) for k, v in kwargs.items()}
        if len(KINDS) > len(HOSTS):  # there are devices
            given = [self.beside(a, out) for a in given]
            options = {k: self.beside(v, out) for k, v in options.items()}
        made = self.made(function, given, options)
        if isinstance(made, Exception) and type(made) is not Left and holds_device([given, options]):
            made = self.made(function, *self._at_home([given, options]))  # what CuPy lacks, the host has
        if not isinstance(made, Exception) and not _holds_tracked([*given, *options.values()]):
            made = TypeError(name)  # what is tracked lies where the engine does not look
        return self.filed(out, made, cuts, name, marks)

    def _at_home(self, value: Any) -> Any:
        """Give a device's arrays, tracked or not, in lists, tuples and dicts, on the host."""
        if isinstance(value, (list, tuple)):
            return type(value)(map(self._at_home, value))
        if type(value) is dict:
            return {k: self._at_home(v) for k, v in value.items()}
        if issubclass(type(value), Tracked):
            if not on_device(value.array):
                return value
            return self.made(move, (value, "cpu", device_of(value.array)), {})
        return to_host(value) if is_array(value) else value

    def lost(self, out: Any, cuts: frozenset[Cut]) -> Any:
        """Note the cuts behind a result that can be a number again."""
        if isinstance(out, (bool, np.bool_)) or (is_array(out) and out.dtype.kind == "b"):
            return out
        return self.taint(out, cuts)

    def made(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Let the engine compute the same; an exception is what it gives where it cannot."""
        before = settings_here()  # whole before anything changes: an alarm may ring between two lines
        try:
            set_settings(FOLLOWS, True, [])
            with np.errstate(all="ignore"):  # the user's own operation has warned
                made = function(*args, **kwargs)
            if (left := _LEFT.get()) and not tracked_in([made]):
                return Left(*left[-1])
            return made
        except (AnomalyError, TapeLimitError):
            raise  # what watches the tape stops the cell
        except Exception as error:  # the user's own operation went through
            if raised_by_user(error):
                raise
            return error
        finally:
            set_settings(*before)

    def elementwise(self, rule: Elementwise, args: Any, out: Any, known: Any = None) -> Any:
        """File the result of a function that has a rule entry by entry: nothing is computed twice.

        `known` has what the table knows of the arguments. Values of one dtype are recorded here; what is left is
        `call_elementwise`'s.
        """
        if mode_now() is OFF:
            return out
        table = self.table
        plainly = type(out) is np.ndarray
        if not (plainly or isinstance(out, (np.generic, float, int, complex)) or is_array(out)):
            return self.record(rule.function, args, {}, out)  # by an __array_wrap__ of the user's
        copy = out.copy("K") if plainly else copied(out) if on_device(out) else out
        aval = aval_of(out)
        plain, nodes, cuts, mask, bit, quick = [], [], NO_CUTS, 0, 1, aval.fast
        device = not plainly and on_device(out)
        for a, found in zip(args, map(table.known, args) if known is None else known, strict=True):
            kind = type(a)
            node = None
            if found is not None:
                mark, a = found
                node = mark.node
                if mark.cuts:
                    cuts = cuts | mark.cuts
                if node is not None and kind not in KINDS and device:
                    a, node = self._number(a, node, out)
            if node is not None:
                mask |= bit
                quick = quick and node.aval is aval
            elif kind in KINDS:
                quick = quick and a.dtype == aval.dtype
            elif kind not in _QUICK_NUMBERS:
                quick = False
            bit <<= 1
            plain.append(a)
            nodes.append(node)
        if quick and mask:
            twin = rule.twin
            node = record(twin, copy, tuple(nodes), twin.keep(copy, plain, {}, mask), aval)
            if (plainly or is_array(out)) and out.base is None:
                return table.made(out, Mark(node, cuts), copy)
            return table.file(out, Mark(node, cuts))
        tracked = [self.beside(table.tracked(a), out) for a in args]
        made = self.made(call_elementwise, (rule, tracked, lambda *_: copy), {})
        return self.filed(out, made, cuts, rule.name, table.marks(args))

    def beside(self, value: Any, out: Any) -> Any:
        """Give a tracked value where `out` lies: a number that has met a device's arrays, a device's on the host.

        A cotangent comes back to where its value lies.
        """
        if len(KINDS) == len(HOSTS):
            return value
        if type(value) in (list, tuple):
            return type(value)([self.beside(v, out) for v in value])
        if not issubclass(type(value), Tracked):
            return value
        if on_device(out):
            return (
                value
                if is_array(value.array)
                else type(value).wrap(*self._number(value.array, value.node, out))
            )
        if on_device(value.array) and (is_array(out) or not value.array.ndim):  # math.sin(x[0])
            made = self.made(move, (value, "cpu", device_of(value.array)), {})
            return (
                type(made).wrap(made.array if made.array.ndim else made.array[()], made.node)
                if issubclass(type(made), Tracked)
                else value
            )
        return value

    def _number(self, value: Any, node: Any, out: Any) -> tuple[Any, Any]:
        if node.rule is None:  # an input: what is made of its gradient is asked for at the end
            return value, node
        made = self.made(move, (Array.wrap(value, node), device_of(out), "cpu"), {})
        return (made.array, made.node) if issubclass(type(made), Tracked) else (value, node)

    def filed(self, out: Any, made: Any, cuts: frozenset[Cut], name: str, marks: Iterable[Mark] = ()) -> Any:
        """Note for `out` what the engine made of it; entries of tuples and lists each alone. Gives `out`."""
        kind = type(out)
        if (
            len(KINDS) > len(HOSTS)
            and issubclass(type(made), Tracked)
            and on_device(made.array) is not on_device(out)
        ):
            made = self.made(move, (made, device_of(out), device_of(made.array)), {})
        if isinstance(made, Left):
            return self.cut_off(out, cuts, made.how, made.node)
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
        if has_objects(out):
            return self._objects_filed(out, made, cuts, name, marks)
        if issubclass(type(made), Tracked) and made.node is not None:
            if is_number(out) or isinstance(out, (int, np.integer)):
                node = made.node
                if tuple(node.aval.shape) != np.shape(out):
                    return self.cut_off(out, cuts, name)
                copy = made.array if kind in KINDS and type(made.array) is kind else None
                return self.table.file(out, Mark(node, cuts), copy)
            if issubclass(kind, Tracked):
                return self.table.file(out, Mark(made.node, cuts))
            return self.cut_off(out, cuts, name)
        if cuts:
            return self.lost(out, cuts)
        return out  # a function whose derivative is zero by nature

    def of_made(self, out: Any, made: Any, stand_in: Made, cuts: frozenset[Cut], name: str) -> Any:
        """Note for `out` what a method of an object's stand-in gave: the object may be another since."""
        node = stand_in.tracked[0].node
        if issubclass(type(made), Tracked):
            if np.shape(made.array) != np.shape(out) or not np.allclose(
                made.array, out, 1e-9, 0, equal_nan=True
            ):
                return self.cut_off(out, cuts, name, node)
            made = type(made).wrap(copy_of(out), made.node)
        return self.filed(out, made, cuts, name, [Mark(node)])

    def _objects_filed(
        self, out: Any, made: Any, cuts: frozenset[Cut], name: str, marks: Iterable[Mark]
    ) -> Any:
        """File what an array of objects holds."""
        if np.shape(made) != out.shape:
            return self.cut_off(out, cuts, name, next((m.node for m in marks if m.node is not None), None))
        for at in np.ndindex(out.shape):
            if self.table.mark(out[at]) is None:
                out[at] = self.filed(out[at], made[at], cuts, name, marks)
        return out

    def cut_off(self, out: Any, cuts: frozenset[Cut], name: str, node: Node | None = None) -> Any:
        """Note that what was tracked is lost in `out`, and all that it holds. Gives `out`."""
        return self.taint(out, cuts | {self.cut(node, name)})

    def taint(self, out: Any, cuts: frozenset[Cut], given: Container[int] = ()) -> Any:
        """Note cuts behind a value that has no mark of its own, and behind what it holds, but for `given` ids."""
        table = self.table
        mark = Mark(None, cuts)
        if type(out) is tuple and int in map(
            type, out
        ):  # each is everybody's: (n, m) of a.as_integer_ratio()
            out = tuple(table.file(v, mark) if type(v) is int and id(v) not in given else v for v in out)
        inside = list(leaves(out))
        whole = inside[-1] is out and isinstance(out, (list, tuple, dict, set, frozenset))
        if whole and all(id(leaf) in given or table.mark(leaf) is not None for leaf in inside[:-1]):
            return out  # it only holds what was there before
        for leaf in inside:
            kind = type(leaf)
            if id(leaf) in given:
                continue
            if kind is bool or leaf is None or isinstance(leaf, (type, np.bool_, *FUNCTIONS)):
                continue
            if leaf is out or kind is not int:  # a small int inside a list is everybody's
                if kind in KINDS and leaf.dtype.kind in "bO":
                    continue
                if table.mark(leaf) is None:
                    made = table.file(leaf, mark)
                    if leaf is out:
                        out = made
        return out

    def losing(self, out: Any, cuts: frozenset[Cut]) -> Any:
        """Note cuts behind a value that may have a gradient by another way as well."""
        if not cuts:
            return out
        mark = self.table.mark(out)
        if mark is not None and mark.node is not None:
            return self.table.file(out, mark._replace(cuts=mark.cuts | cuts))
        if type(out) is tuple:
            return tuple(self.losing(one, cuts) for one in out)
        return self.taint(out, cuts)

    def cut(self, node: Node | None, how: str, frame: Any = None) -> Cut:
        """Make the record of a cut at the user's code that runs."""
        while node is not None and node.rule is RULES[move]:  # a copy between devices is what it is a copy of
            node = node.inputs[0]
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
        better = failed(error, rule, args)  # the user's own objects: they are found by name
        if better is not error:
            error.add_note(str(better).removeprefix(f"{str(error).strip()}: "))

    def left(self, tracked: Any, how: str) -> bool:
        """The engine gives a value as a plain one; True if it does so for us."""
        if (left := _LEFT.get()) is not None:
            left.append((tracked.node, how))
        return left is not None

    def _lost(self, value: Any, how: str, mark: Mark) -> Mark:
        cuts = mark.cuts if mark is not None else NO_CUTS
        return Mark(None, cuts | {self.cut(mark.node if mark is not None else None, how)})

    def unseen(self, target: Any, do: Callable[[], Any]) -> None:
        """Do a write whose source is not known: what was tracked there is lost."""
        old, copy = self.table.memory.before(target)
        do()
        if old is not None:
            self.table.memory.written(target, self._lost(target, "written", old), copy)

    def write(
        self,
        target: Any,
        function: Callable[[Any], Any],
        do: Callable[[], Any],
        values: Iterable[Any],
        name: str,
    ) -> Any:
        """Do a write into an array of the user's, and file what the array is then.

        `function` computes the same from the target as the engine takes it; `do` is the write itself.
        """
        table = self.table
        if self.stands is not None:
            self.stands.written(target)
        if self.lent and any(np.may_share_memory(target, array) for array in self.lent if is_array(target)):
            self.written_after = self.written_after or self.cut(None, name)
        marks = table.marks(values)
        old, copy = table.memory.before(target)
        if (old is None and not marks) or mode_now() is OFF:
            out = do()
            if old is not None:
                table.memory.written(target, old, copy)
            return out
        before = copy if old is None or old.node is None else Array.wrap(copy, old.node)
        cuts = joined(marks) | (old.cuts if old is not None else NO_CUTS)
        given = self.made(function, (before,), {}) if target.dtype.kind in "fc" else None
        overlaps = any(type(v) is np.ndarray and np.may_share_memory(v, target) for v in values)
        out = do()
        made: Any = self.made(given, (), {}) if callable(given) else given
        node = made.node if isinstance(made, Tracked) else None
        if node is not None and (tuple(node.aval.shape) != target.shape or node.aval.dtype != target.dtype):
            made, node = TypeError(name), None
        if node is not None and overlaps and not np.allclose(made.array, target, 1e-3, 0, equal_nan=True):
            made, node = TypeError(name), None  # it reads what it has written already: np.place
        if given is None and target.dtype.kind not in "biuO":
            made = TypeError(name)  # a field of a structured array
        if isinstance(made, Exception):
            known = [m.node for m in marks] + ([old.node] if old is not None else [])
            lost = next((node for node in known if node is not None), None)
            cuts = cuts | {self.cut(lost, name)}
        table.memory.written(target, Mark(node, cuts), copy)
        return out


def _holds_tracked(values: list[Any]) -> bool:
    return bool(tracked_in(values)) or any(map(has_objects, values))


def settings_here() -> tuple[Any, bool, Any]:
    """Give what the engine's work for a membrane changes in this context: who is followed, warnings, what left."""
    return switch.block(), QUIET.get(), _LEFT.get()


def set_settings(block: Any, quiet: bool, left: Any) -> None:
    """Set that."""
    switch.enter(block)
    QUIET.set(quiet)
    _LEFT.set(left)
