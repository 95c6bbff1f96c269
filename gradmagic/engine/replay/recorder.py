"""One run of a function: the program as it grows, and what is known of the arrays that it meets.

In: calls, as recording arrays (recorded.py) see them. Out: steps of a `Program`, and recording arrays of their results.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from ...language import tr
from ..core.places import describe, place_of, user_frame
from ..tape.tracked import Tracked
from . import known
from .drawing import Draw, hangs_on_values
from .program import Program, Step, mapped
from .recorded import (
    NUMBERS,
    CannotRecord,
    Recorded,
    RecordedInt,
    is_recorded,
    recorded_in,
    settled,
    users_frame,
    value_of,
)

_CONVERSIONS = (np.asarray, np.asanyarray, np.array, np.ascontiguousarray, np.asfortranarray)


class Recording:
    """One run of a function: the program as it grows, and what is known of the arrays that it meets."""

    def __init__(self) -> None:
        self.program = Program()
        self._known: dict[int, bool] = {}  # by id of a step: whether it hangs on constants only
        # By id: the array itself, so that the id stays its own.
        self.constants: dict[int, tuple[Any, Step]] = {}

    def refuse(self, why: str) -> NoReturn:
        """Say why there is no program; also where the user's own `except` takes the error."""
        text = tr("{why} ({place})", why=why, place=describe(place_of(users_frame(sys._getframe(2)))))
        self.program.refused = self.program.refused or text
        raise CannotRecord(text)

    # -- values -----------------------------------------------------------------------------------
    def enter(self, array: Any, text: str) -> Any:
        """Give the recording array for an input whose value is `array`, which the program's head calls `text`."""
        step = self.program.add(Step("input", text, (), {}, array))
        self.program.inputs.append(step)
        return self.wrap(array, step)

    @staticmethod
    def wrap(value: Any, step: Step) -> Any:
        made: Any = object.__new__(NUMBERS.get(type(value), Recorded))
        made.value, made.step, made.owner = value, step, None
        return made

    def refer(self, value: Any) -> Any:
        """Give the step of a value, or a static value as it is."""
        if is_recorded(value):
            return value.step
        if isinstance(value, np.ndarray):
            return self.constant(value)
        if isinstance(value, Tracked):
            self.refuse(tr("a tracked value is handed to a plain function"))
        return value

    def constant(self, array: Any) -> Step:
        """Give the step of an array that the function did not get as an argument: as it is now."""
        found = self.constants.get(id(array))
        if found is not None and np.array_equal(found[1].value, array, equal_nan=array.dtype.kind in "fc"):
            return found[1]
        step = self.program.add(Step("constant", None, (), {}, array.copy("K")))
        self.constants[id(array)] = array, step
        return step

    # -- calls ------------------------------------------------------------------------------------
    def call(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Compute `op` on the real values and write it down."""
        kwargs = kwargs or {}
        plain = mapped(value_of, args)
        try:
            value = op(*plain, **{k: mapped(value_of, v) for k, v in kwargs.items()})
        except (np.linalg.LinAlgError, ArithmeticError) as error:  # others have other ways out of it
            with suppress(CannotRecord):
                self.refuse(tr("{name} raises {kind}", name=known.name_of(op), kind=type(error).__name__))
            raise
        return self.made(op, args, kwargs, value)

    def made(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> Any:
        """Write down that `op` gave `value`."""
        if "raise" in np.geterr().values():
            self.refuse(tr(
                "it lets NumPy raise (np.errstate), which a program does not: set that around the call"
            ))  # fmt: skip
        kind = type(value)
        if kind is bool or (
            kind is int and not any(type(a) is RecordedInt for a in args)
        ):  # of Python's numbers
            return self.fixed(self.made(op, args, kwargs, np.asarray(value)[()]), kind)
        if not (
            isinstance(value, (np.ndarray, np.generic))
            or kind in (float, int, tuple, list)
            or hasattr(value, "_fields")
        ):
            self.refuse(tr("{name} gives a {kind}", name=known.name_of(op), kind=kind.__name__))
        if getattr(getattr(value, "dtype", None), "hasobject", False):
            self.refuse(tr("{name} gives an array of objects", name=known.name_of(op)))
        referred = mapped(self.refer, args)
        settings = {k: mapped(self.refer, v) for k, v in kwargs.items()}
        place = None if self.program.brief else place_of(user_frame(sys._getframe(2)))
        if kind in (tuple, list) or hasattr(value, "_fields"):
            whole = self.program.add(Step("call", op, referred, settings, None, place=place))
            parts = [
                self._part(Step("item", operator.getitem, (whole, i), {}, v, place=place), v, args)
                for i, v in enumerate(value)
            ]
            made = kind(*parts) if hasattr(value, "_fields") else kind(parts)
        else:
            made = self._one(Step("call", op, referred, settings, value, place=place), value, args)
        if op in known.LAID or op in (known.view, known.window):
            for a in recorded_in(args):
                a.step.storage.laid = True
        if op in known.SHAPED:
            for part in recorded_in(made):
                self.formed(part)
        return made

    def formed(self, recorded: Any) -> Any:
        """Guard shape and dtype of a value: they hang on values. Gives it back."""
        form, place = known.form(recorded.value), place_of(user_frame(sys._getframe(2)))
        self.program.add(Step("guard", known.form, (recorded.step, form), {}, None, place=place))
        return recorded

    def _part(self, step: Step, value: Any, args: Any) -> Any:
        """As `_one`, of one of several results: a list of arrays, a whole number of Python's, guarded."""
        if type(value) is list:
            whole = self.program.add(step)
            return [self._part(Step("item", operator.getitem, (whole, i), {}, v, place=step.place), v, args)
                    for i, v in enumerate(value)]  # fmt: skip
        if type(value) in (int, bool):
            step.value = np.asarray(value)[()]
            return self.fixed(self._one(step, step.value, args), type(value))
        return self._one(step, value, args)

    def _one(self, step: Step, value: Any, args: Any) -> Any:
        """Put a step into the program, and say into whose memory its value looks."""
        if type(value) is not np.ndarray:
            return self.wrap(value, self.program.add(step))
        of = None
        for a in recorded_in(args):
            if value is a.value:
                if len([*recorded_in(args)]) == 1:
                    return a
                of = a  # the other may be a number on which it hangs: np.diff(x, 0)
            if of is None and value.base is not None and np.may_share_memory(value, a.value):
                of = a
        made = self.wrap(value, self.program.add(step))
        if of is not None:
            made.owner = of if of.owner is None else of.owner
            step.storage = made.owner.step.storage
            step.storage.viewed = True
        elif value.base is not None and step.kind == "item":
            step.storage = step.args[0].storage
            step.storage.viewed = True
        return made

    def creation(self, op: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Do what makes an array without asking a protocol: `np.zeros(n)`, `np.array([x[0], 1.0])`."""
        given = list(recorded_in([list(args), kwargs]))
        if not given:
            made = op(*args, **kwargs)
            if (
                type(made) is not np.ndarray
                or made.dtype.kind not in "biufc"
                or (op in _CONVERSIONS and type(args[0] if args else None) not in (list, tuple))
            ):
                return made
            if op in _CONVERSIONS:
                return self.wrap(made, self.constant(made))
        if op is np.empty:  # what is never filled is the same each time
            op = np.zeros
        return self.call(op, *settled(self, op, args, kwargs))

    def draw(self, make: Callable[[], Any]) -> Any:
        """Draw random numbers, now and at every call of the program."""
        op = Draw(make)
        if hangs_on_values(op.settings):
            self.refuse(tr("a distribution that it draws from hangs on a value"))
        value = make()
        place = None if self.program.brief else place_of(user_frame(sys._getframe(2)))
        return self.wrap(value, self.program.add(Step("draw", op, (), {}, value, place=place)))

    def write(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], target: Recorded) -> None:
        """Do what changes the memory of `target`, and write it down."""
        if not is_recorded(target):
            self.refuse(
                tr("{name} writes into an array that the recording did not make", name=known.name_of(op))
            )
        op(*mapped(value_of, args), **{k: mapped(value_of, v) for k, v in kwargs.items()})
        target.step.storage.written = True
        settings = {k: mapped(self.refer, v) for k, v in kwargs.items()}
        place = place_of(user_frame(sys._getframe(2)))
        step = Step("write", op, mapped(self.refer, args), settings, None, target.step.storage, place)
        self.program.add(step)

    def constant_now(self, step: Step) -> bool:
        """Tell whether a value hangs on constants only."""
        if step.storage.written or step.kind not in ("constant", "call", "item"):
            return False
        if id(step) not in self._known:
            self._known[id(step)] = all(self.constant_now(s) for s in step.needs())
        return self._known[id(step)]

    def fixed(self, recorded: Any, kind: Any = None) -> Any:
        """Give the real value of a truth value, a whole number or an array of them, and guard it: a later call for
        which it is another gets another program."""
        value = value_of(recorded)
        if self.constant_now(recorded.step):
            return value if kind is None else kind(value)
        place = place_of(user_frame(sys._getframe(2)))
        kept = value.copy() if isinstance(value, np.ndarray) else value
        self.program.add(Step("guard", None, (recorded.step, kept), {}, None, place=place))
        return kept if kind is None else kind(kept)
