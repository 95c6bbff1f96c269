"""Arrays that record: each stands for a real array, and writes every call of NumPy's on it into the program.

In: a real array, and the step that gives it. Out: to the engine one more array type of `arrays.KINDS`, so that tape,
rules and sweeps run on it as they are. What asks for its numbers is refused by name, or becomes a guard: nothing that
was computed once gets into a program as if it were so for ever.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from ..core import arrays
from ..core.places import PACKAGE, describe, place_of, user_frame, users
from ..tape.nodes import _AVALS, aval_of
from ..tape.tracked import Tracked
from . import known
from .program import Program, Step, mapped


class CannotRecord(Exception):
    """A call, or a question for a value, that a program cannot hold: the message names it and its line."""


class Recording:
    """One run of a function: the program as it grows, and what is known of the arrays that it meets."""

    def __init__(self) -> None:
        self.program = Program()
        self._known: dict[int, bool] = {}  # by id of a step: whether it hangs on constants only
        self._constants: dict[
            int, tuple[Any, Step]
        ] = {}  # by id: the array itself, so that the id stays its own

    def refuse(self, why: str) -> NoReturn:
        """Say why there is no program; also where the user's own `except` takes the error."""
        text = f"{why} ({describe(place_of(_users_frame(sys._getframe(2))))})"
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
        made: Any = object.__new__(_NUMBERS.get(type(value), Recorded))
        made.value, made.step, made.owner = value, step, None
        return made

    def refer(self, value: Any) -> Any:
        """Give the step of a value, or a static value as it is."""
        if is_recorded(value):
            return value.step
        if isinstance(value, np.ndarray):
            return self.constant(value)
        if isinstance(value, Tracked):
            self.refuse("a tracked value is handed to a plain function")
        return value

    def constant(self, array: Any) -> Step:
        """Give the step of an array that the function did not get as an argument: as it is now."""
        found = self._constants.get(id(array))
        if found is not None and np.array_equal(found[1].value, array, equal_nan=array.dtype.kind in "fc"):
            return found[1]
        step = self.program.add(Step("constant", None, (), {}, array.copy()))
        self._constants[id(array)] = array, step
        return step

    # -- calls ------------------------------------------------------------------------------------
    def call(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """Compute `op` on the real values and write it down."""
        kwargs = kwargs or {}
        plain = mapped(value_of, args)
        value = op(*plain, **{k: mapped(value_of, v) for k, v in kwargs.items()})
        return self.made(op, args, kwargs, value)

    def made(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> Any:
        """Write down that `op` gave `value`."""
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
            self.refuse(f"{known.name_of(op)} gives a {kind.__name__}")
        referred = mapped(self.refer, args)
        settings = {k: mapped(self.refer, v) for k, v in kwargs.items()}
        place = place_of(user_frame(sys._getframe(2)))
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
                return a
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
        return self.call(op, *_settled(self, op, args, kwargs))

    def write(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], target: Recorded) -> None:
        """Do what changes the memory of `target`, and write it down."""
        if not is_recorded(target):
            self.refuse(f"{known.name_of(op)} writes into an array that the recording did not make")
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


_CONVERSIONS = (np.asarray, np.asanyarray, np.array, np.ascontiguousarray, np.asfortranarray)
NOW = arrays.RECORDING


def is_recorded(value: Any) -> bool:
    """Tell whether `value` records (by its real class: it says that it is an ndarray)."""
    kind = type(value)
    return kind is Recorded or kind is RecordedFloat or kind is RecordedInt


def value_of(value: Any) -> Any:
    return value.value if is_recorded(value) else value


def recorded_in(value: Any) -> Iterator[Any]:
    """Find what records in lists, tuples and dicts."""
    if is_recorded(value):
        yield value
    elif type(value) in (tuple, list):
        for part in value:
            yield from recorded_in(part)
    elif type(value) is dict:
        yield from recorded_in(list(value.values()))


def _users_frame(frame: Any) -> Any:
    """Walk out of gradmagic's and of other libraries' files to the code that called them."""
    found = user_frame(frame)
    while found is not None and not users(found.f_code.co_filename):
        found = found.f_back
    return found if found is not None else user_frame(frame)


def _now() -> Recording:
    now = NOW.get()
    if now is None:
        raise CannotRecord(
            "an array of a recording is used after it: keep results, not what a recorded run has left"
        )
    return now


def _asked(what: str, answer: Any = None) -> Any:
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        now = _now()
        if answer is not None and (self.value_kind in "iub" or now.constant_now(self.step)):
            return answer(now.fixed(self), *args, **kwargs)
        _now().refuse(f"{what} asks for a value")

    return ask


class Recorded:
    """A real array, or a NumPy scalar, that writes down what is done with it."""

    __slots__ = ("__weakref__", "owner", "step", "value")

    value: Any
    step: Step
    owner: Any  # what owns the memory of a view
    __array_priority__ = 100

    # isinstance(x, np.ndarray) in the user's code is what it is without; the engine is told what it is.
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        ours = sys._getframe(1).f_code.co_filename.startswith(PACKAGE)
        return type(self) if ours else type(self.value)

    @staticmethod
    def whole_call(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """As `arrays.whole`."""
        now = _now()
        made = now.call(function, *_settled(now, function, args, kwargs))
        for part in recorded_in(made):
            now.formed(part)
        return made

    @staticmethod
    def constant(number: Any) -> Any:
        """As `arrays.like_recorded`."""
        now = _now()
        return now.wrap(number, now.program.add(Step("constant", None, (), {}, number)))

    # -- what the engine asks of an array ---------------------------------------------------------
    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    nbytes = property(lambda self: self.value.nbytes)
    itemsize = property(lambda self: self.value.itemsize)
    strides = property(lambda self: self._laid().strides)
    flags = property(lambda self: self._laid().flags)
    base = property(lambda self: self.owner)
    device = "cpu"
    T = property(lambda self: _now().call(np.transpose, (self,)))
    mT = property(lambda self: _now().call(np.swapaxes, (self, -1, -2)))
    real = property(lambda self: _now().call(np.real, (self,)) if self.value.dtype.kind == "c" else self)
    imag = property(lambda self: _now().call(np.imag, (self,)))

    def _laid(self) -> Any:
        self.step.storage.laid = True
        return self.value

    value_kind = property(lambda self: (getattr(self.value, "dtype", None) or np.dtype(type(self.value))).kind)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.value)))

    def __getitem__(self, index: Any) -> Any:
        now = _now()
        made = now.call(operator.getitem, (self, steady(now, index)))
        return now.formed(made) if _masks(index) and is_recorded(made) else made

    def __setitem__(self, index: Any, value: Any) -> None:
        now = _now()
        if type(value) is Recorded and value.owner is not None and _is_part(value.value, self.value, index):
            return  # `x[i] += 1` ends in x[i] = x[i]
        now.write(operator.setitem, (self, steady(now, index), value), {}, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, Tracked) for a in inputs):
            return NotImplemented
        now, op = _now(), ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            now.write(op, (inputs[0], steady(now, inputs[1]), *inputs[2:]), kwargs, inputs[0])
            return None
        out = kwargs.pop("out", None)
        if out is None:
            return now.call(op, inputs, kwargs)
        return _into(now, op, inputs, kwargs, out)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Tracked) for kind in types):
            return NotImplemented
        now = _now()
        kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
        if function is np.where and len(args) == 1:
            function = np.nonzero
        if function in known.OF_SHAPES:
            return function(*mapped(value_of, args), **{k: mapped(value_of, v) for k, v in kwargs.items()})
        if (why := known.refused(function)) is not None:
            now.refuse(why)
        if function is np.copy and type(args[0]) is Recorded and type(args[0].value) is not np.ndarray:
            return args[0]  # a number has no memory; NumPy would make an array of it
        out = kwargs.pop("out", None)
        args, kwargs = _settled(now, function, args, kwargs)
        if out is not None:
            return _into(now, function, args, kwargs, out)
        if function in known.WRITES:
            return now.write(function, args, kwargs, args[0])
        return now.call(function, args, kwargs)

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        if not copy and self.value.dtype == dtype:
            return self
        return _now().call(known.astype, (self, np.dtype(dtype)))

    def copy(self, order: str = "C") -> Any:
        return _now().call(np.copy, (self, order))

    def view(self, dtype: Any = None) -> Any:
        return _now().call(known.view, (self, self.value.dtype if dtype is None else np.dtype(dtype)))

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return _now().call(np.reshape, (self, wanted, *([order] if order != "C" else [])))

    def transpose(self, *axes: Any) -> Any:
        wanted = axes[0] if len(axes) == 1 else axes or None
        return _now().call(np.transpose, (self, *([] if wanted is None else [wanted])))

    def fill(self, value: Any) -> None:
        self[...] = value

    def __bool__(self) -> bool:
        return bool(_now().fixed(self if self.value_kind == "b" else self != 0))

    def _whole(self) -> int:
        now = _now()
        if self.value_kind not in "iub" and not now.constant_now(self.step):
            now.refuse("int() asks for a value")
        return int(now.fixed(self))

    __int__ = _whole

    def __index__(self) -> int:
        if self.value_kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")  # NumPy's words
        return int(_now().fixed(self))

    __float__, __complex__ = _asked("float()", float), _asked("complex()", complex)
    __format__, __str__, __repr__ = map(_asked, ("a text", "str()", "repr()"))

    def __round__(self, ndigits: int | None = None) -> Any:
        return int(np.rint(self)) if ndigits is None else np.round(self, ndigits)

    tolist, tobytes = _asked(".tolist()", lambda value: value.tolist()), _asked(".tobytes()")

    def item(self) -> Any:
        """Give the number, which records on: it may be what the function returns."""
        if self.value.dtype.kind != "f":
            return self.value.dtype.type(0).item().__class__(_now().fixed(self))
        return _now().call(known.item, (self,))

    __hash__ = object.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        now = _now()
        if self.value_kind not in "iub" and not now.constant_now(self.step):
            now.refuse("np.asarray of a recorded array, or compiled code, asks for its values")
        return np.array(now.fixed(self), dtype)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        if name in known.METHODS_THAT_WRITE:
            return lambda *args, **kwargs: _now().write(getattr(known, name), (self, *args), kwargs, self)
        function = known.METHODS.get(name)
        if function is None:
            _now().refuse(f".{name} of a recorded array is not one of the functions that replay knows")
        return lambda *args, **kwargs: function(self, *args, **kwargs)


def steady(now: Recording, index: Any) -> Any:
    """Give an index whose slices have ends that are numbers as they are now, guarded: on these a shape hangs."""
    if type(index) in (tuple, list):
        return type(index)([steady(now, part) for part in index])
    if type(index) is slice:
        ends = (index.start, index.stop, index.step)
        return slice(*(operator.index(end) if is_recorded(end) else end for end in ends))
    return index


def _is_part(part: Any, whole: Any, index: Any) -> bool:
    """Tell whether `whole[index]` is `part`, in the same memory."""
    there = whole[mapped(value_of, index)]
    return type(there) is np.ndarray and there.__array_interface__ == part.__array_interface__


def _masks(index: Any) -> bool:
    """Tell whether an array of truth values picks, so that the shape hangs on them."""
    return any(a.value.dtype.kind == "b" for a in recorded_in(index))


def _settled(now: Recording, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Give the arguments with settings that are whole numbers as they are now, guarded: on these a shape may hang."""

    def settled(part: Any) -> Any:
        if is_recorded(part) and type(part) is not RecordedFloat and part.value.dtype.kind in "iub":
            return now.fixed(part) if part.value.ndim else operator.index(part)
        return part

    if function in known.OF_NUMBERS:
        return args, kwargs
    data = 0 if function in known.CREATIONS else 1
    return (*args[:data], *mapped(settled, tuple(args[data:]))), {
        k: mapped(settled, v) for k, v in kwargs.items()
    }


def _into(now: Recording, op: Any, inputs: Any, kwargs: dict[str, Any], out: Any) -> Any:
    """Serve `out=`: a new value of the same name where nobody else looks into its memory, else a write."""
    target = out[0] if isinstance(out, tuple) else out
    if type(target) is not Recorded or (isinstance(out, tuple) and len(out) > 1):
        now.refuse(f"out= of {known.name_of(op)} is an array that the recording did not make")
    step = target.step
    if step.kind in ("call", "item") and not step.storage.viewed and not step.storage.written and not kwargs:
        made = now.call(op, inputs)
        if (
            is_recorded(made)
            and made.value.shape == target.value.shape
            and made.value.dtype == target.value.dtype
        ):
            if made is not target and made.owner is None and type(made.value) is np.ndarray:
                target.step, target.value = made.step, made.value
                return target
    now.write(op, inputs, {**kwargs, "out": target}, target)
    return target


class RecordedFloat(Recorded):
    """A float of Python's that writes down what is done with it; it takes the dtype of what it meets, as a float."""

    __slots__ = ()
    __class__ = property(lambda self: float)  # type: ignore[assignment]  # to the engine too

    def __getattribute__(self, name: str) -> Any:
        if name in _OF_ARRAYS:
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def __bool__(self) -> bool:
        return bool(self != 0)

    def is_integer(self) -> NoReturn:
        _now().refuse(".is_integer() asks for a value")

    real = property(lambda self: self)
    imag = property(lambda self: 0.0)

    def conjugate(self) -> Any:
        return self


class RecordedInt(RecordedFloat):
    """A whole number of Python's that writes down what is done with it: a count that each call moves on."""

    __slots__ = ()
    __class__ = property(lambda self: int)  # type: ignore[assignment]
    imag = property(lambda self: 0)

    def _whole(self) -> int:
        return int(_now().fixed(self))

    __int__ = __index__ = _whole


_NUMBERS = {float: RecordedFloat, int: RecordedInt}
_OF_ARRAYS = frozenset("shape dtype ndim size nbytes itemsize strides flags base T mT astype view".split())
_AVALS[RecordedFloat], _AVALS[RecordedInt] = aval_of(0.0), aval_of(0)

_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "divmod": np.divmod, "matmul": np.matmul, "lshift": np.left_shift, "rshift": np.right_shift,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip
_COMPARED = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def _numbers(*values: Any) -> bool:
    """Tell whether all are Python's numbers, which Python computes with."""
    return all(type(v) in (RecordedFloat, RecordedInt, float, int, bool, complex) for v in values)


def _operators(name: str, ufunc: Any) -> None:
    """Give `Recorded` the operator of that name, as NumPy's ufunc does it, or Python where all are Python's numbers."""
    python = getattr(operator, name if name != "and" and name != "or" else name + "_", divmod)

    def forward(self: Any, other: Any) -> Any:
        if _numbers(self, other):
            return _now().call(python, (self, other))
        return ufunc(self, other) if _fits(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        if _numbers(self, other):
            return _now().call(python, (other, self))
        return ufunc(other, self) if _fits(other) else NotImplemented

    def in_place(self: Any, other: Any) -> Any:
        if type(self.value) is not np.ndarray:
            return forward(self, other)
        return ufunc(self, other, out=(self,)) if _fits(other) else NotImplemented

    setattr(Recorded, f"__{name}__", forward)
    if name not in _COMPARED:
        setattr(Recorded, f"__r{name}__", reflected)
        setattr(Recorded, f"__i{name}__", in_place)


def _fits(other: Any) -> bool:
    return other is not None and not isinstance(other, str)


def _unary(name: str, ufunc: Any) -> None:
    python = getattr(operator, name)

    def act(self: Any) -> Any:
        return _now().call(python, (self,)) if _numbers(self) else ufunc(self)

    setattr(Recorded, f"__{name}__", act)


def _power(self: Any, other: Any) -> Any:
    if isinstance(other, Tracked):
        return np.power(self, other)  # type: ignore[call-overload]
    return _now().call(operator.pow, (self, other))


for _name, _ufunc in {**_BINARY, **_COMPARED}.items():
    _operators(_name, _ufunc)
for _name, _ufunc in _UNARY.items():
    _unary(_name, _ufunc)
Recorded.__pow__ = _power  # type: ignore[attr-defined]
setattr(Recorded, "__rpow__", lambda self, other: _now().call(operator.pow, (other, self)))  # noqa: B010


def _in_place_power(self: Any, other: Any) -> Any:
    if type(self.value) is not np.ndarray:
        return _power(self, other)
    return np.power(self, other, out=(self,))


Recorded.__ipow__ = _in_place_power  # type: ignore[attr-defined]
