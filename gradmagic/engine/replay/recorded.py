"""Arrays that record: each stands for a real array, and writes every call of NumPy's on it into the program.

In: a real array, and the step that gives it. Out: to the engine one more array type of `arrays.KINDS`, so that tape,
rules and sweeps run on it as they are. What asks for its numbers is refused by name, or becomes a guard: nothing that
was computed once gets into a program as if it were so for ever.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...language import mark, tr
from ..core import arrays
from ..core.places import PACKAGE, user_frame, users
from ..dispatch.protocols import out_of
from ..tape.nodes import _AVALS, aval_of
from ..tape.tracked import Tracked
from . import known
from .program import Step, mapped


class CannotRecord(Exception):
    """A call, or a question for a value, that a program cannot hold: the message names it and its line."""


class Refused(Exception):
    """There is no program for this call: the message says why."""


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


def users_frame(frame: Any) -> Any:
    """Walk out of gradmagic's and of other libraries' files to the code that called them."""
    found = user_frame(frame)
    while found is not None and not users(found.f_code.co_filename):
        found = found.f_back
    return found if found is not None else user_frame(frame)


def _ours(frame: Any) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)  # type: ignore[no-any-return]


def running() -> Any:
    now = NOW.get()
    if now is None:
        raise CannotRecord(tr(
            "an array of a recording is used after it: keep results, not what a recorded run has left",
        ))  # fmt: skip
    return now


def _asked(what: str, answer: Any = None, instead: str = "") -> Any:
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        now = running()
        if answer is not None and (self.value_kind in "iub" or now.constant_now(self.step)):
            return answer(now.fixed(self), *args, **kwargs)
        running().refuse(tr("{what} asks for a value", what=tr(what)) + tr(instead) * bool(instead))

    return ask


class Recorded:
    """A real array, or a NumPy scalar, that writes down what is done with it."""

    __slots__ = ("__weakref__", "owner", "step", "value")

    value: Any
    step: Step
    owner: Any  # what owns the memory of a view
    __array_priority__ = 100

    # isinstance(x, np.ndarray) in the user's code is what it is without; the engine is told what it is.
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self) if _ours(sys._getframe(1)) else type(self.value)

    @staticmethod
    def whole_call(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """As `arrays.whole`."""
        now = running()
        made = now.call(function, *settled(now, function, args, kwargs))
        for part in recorded_in(made):
            if type(part) is Recorded:
                now.formed(part)
        return made

    @staticmethod
    def constant(number: Any) -> Any:
        """As `arrays.like_recorded`."""
        now = running()
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

    @property
    def base(self) -> Any:
        """What owns its memory; a number that is broadcast has none to write into either: then an array of NumPy's."""
        still = type(self.value) is np.ndarray and not self.value.flags.writeable
        return self.value if self.owner is None and still else self.owner

    device = "cpu"
    T = property(lambda self: running().call(np.transpose, (self,)))
    mT = property(lambda self: running().call(np.swapaxes, (self, -1, -2)))
    real = property(lambda self: running().call(np.real, (self,)) if self.value.dtype.kind == "c" else self)
    imag = property(lambda self: running().call(np.imag, (self,)))

    def _laid(self) -> Any:
        self.step.storage.laid = True
        return self.value

    value_kind = property(
        lambda self: (getattr(self.value, "dtype", None) or np.dtype(type(self.value))).kind
    )

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.value)))

    def __getitem__(self, index: Any) -> Any:
        now = running()
        made = now.call(operator.getitem, (self, steady(now, index)))
        return now.formed(made) if _masks(index) and is_recorded(made) else made

    def __setitem__(self, index: Any, value: Any) -> None:
        now = running()
        if type(value) is Recorded and value.owner is not None and _is_part(value.value, self.value, index):
            return  # `x[i] += 1` ends in x[i] = x[i]
        now.write(operator.setitem, (self, steady(now, index), value), {}, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, Tracked) for a in inputs):
            return NotImplemented
        now, op = running(), ufunc if method == "__call__" else getattr(ufunc, method)
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
        now = running()
        kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
        if function is np.where and len(args) == 1:
            function = np.nonzero
        if function in known.OF_SHAPES:
            return function(*mapped(value_of, args), **{k: mapped(value_of, v) for k, v in kwargs.items()})
        if (why := known.refused(function)) is not None:
            now.refuse(why)
        if function is np.copy and type(args[0]) is Recorded and type(args[0].value) is not np.ndarray:
            return args[0]  # a number has no memory; NumPy would make an array of it
        if len(args) > 2 and len(args) > (at := out_of(function)[0]):  # np.cumsum(x, 0, None, out)
            kwargs, args = kwargs | dict(zip(out_of(function)[1], args[at:], strict=False)), args[:at]
        if function is np.nan_to_num and (args[1:2] == (False,) or kwargs.get("copy") is False):
            now.write(function, args, kwargs, args[0])
            return args[0]
        out = kwargs.pop("out", None)
        args, kwargs = settled(now, function, args, kwargs)
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
        return running().call(known.astype, (self, np.dtype(dtype)))

    def copy(self, order: str = "C") -> Any:
        return running().call(np.copy, (self, order))

    def view(self, dtype: Any = None) -> Any:
        return running().call(known.view, (self, self.value.dtype if dtype is None else np.dtype(dtype)))

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return running().call(np.reshape, (self, wanted, *([order] if order != "C" else [])))

    def transpose(self, *axes: Any) -> Any:
        wanted = axes[0] if len(axes) == 1 else axes or None
        return running().call(np.transpose, (self, *([] if wanted is None else [wanted])))

    flat = property(lambda self: _Flat(self))

    def fill(self, value: Any) -> None:
        self[...] = value

    def __bool__(self) -> bool:
        return bool(running().fixed(self if self.value_kind == "b" else self != 0))

    def _whole(self) -> int:
        now = running()
        if self.value_kind not in "iub" and not now.constant_now(self.step):
            now.refuse(tr("{what} asks for a value", what="int()"))
        return int(now.fixed(self))

    __int__ = _whole

    def __index__(self) -> int:
        if self.value_kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")  # NumPy's words
        return int(running().fixed(self))

    __float__ = _asked("float()", float, mark(": of a result write .item()"))
    __complex__ = _asked("complex()", complex)
    __format__, __str__, __repr__ = map(_asked, (mark("a text"), "str()", "repr()"))

    def __round__(self, ndigits: int | None = None) -> Any:
        return int(np.rint(self)) if ndigits is None else np.round(self, ndigits)

    tolist, tobytes = _asked(".tolist()", lambda value: value.tolist()), _asked(".tobytes()")

    def item(self) -> Any:
        """Give the number, which records on: it may be what the function returns."""
        if self.value.dtype.kind != "f":
            return self.value.dtype.type(0).item().__class__(running().fixed(self))
        return running().call(known.item, (self,))

    _key = _asked(mark("a key of a dict or set"), hash)

    def __hash__(self) -> int:
        return object.__hash__(self) if _ours(sys._getframe(1)) else self._key()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        now = running()
        if self.value_kind not in "iub" and not now.constant_now(self.step):
            now.refuse(tr("np.asarray of a recorded array, or compiled code, asks for its values"))
        return np.array(now.fixed(self), dtype)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(type(self.value), name):
            raise AttributeError(f"{type(self.value).__name__!r} object has no attribute {name!r}")
        if name in known.METHODS_THAT_WRITE:
            return lambda *args, **kwargs: running().write(getattr(known, name), (self, *args), kwargs, self)
        function = known.METHODS.get(name)
        if function is None:
            return running().refuse(
                tr(
                    "{name} is not one of the functions that replay knows",
                    name=tr(".{name} of a recorded array", name=name),
                )
            )
        return lambda *args, **kwargs: function(self, *args, **kwargs)


def steady(now: Any, index: Any) -> Any:
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
    return any(a.value_kind == "b" for a in recorded_in(index))


def settled(now: Any, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Give the arguments with settings that are whole numbers as they are now, guarded: on these a shape may hang."""

    def fixed(part: Any) -> Any:
        if not is_recorded(part) or part.value_kind not in "iub":
            return part
        return now.fixed(part) if np.ndim(part.value) or part.value_kind == "b" else operator.index(part)

    if function in known.OF_NUMBERS:
        return args, kwargs
    data = 0 if function in known.CREATIONS else 1
    return (*args[:data], *mapped(fixed, tuple(args[data:]))), {
        k: mapped(fixed, v) for k, v in kwargs.items()
    }


def _into(now: Any, op: Any, inputs: Any, kwargs: dict[str, Any], out: Any) -> Any:
    """Serve `out=`: a new value of the same name where nobody else looks into its memory, else a write."""
    target = out[0] if isinstance(out, tuple) else out
    if type(target) is not Recorded or (isinstance(out, tuple) and len(out) > 1):
        now.refuse(tr("out= of {name} is an array that the recording did not make", name=known.name_of(op)))
    step = target.step
    if step.kind in ("call", "item") and not step.storage.viewed and not step.storage.written and not kwargs:
        made = now.call(op, inputs)
        own = type(made) is Recorded and made is not target and made.owner is None
        if own and type(made.value) is np.ndarray and known.form(made.value) == known.form(target.value):
            target.step, target.value = made.step, made.value
            return target
    now.write(op, inputs, {**kwargs, "out": target}, target)
    return target


class _Flat:
    """`x.flat`: what is read is a copy, what is written goes into x."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __len__(self) -> int:
        return int(self._of.size)

    def __getitem__(self, index: Any) -> Any:
        found = self._of.reshape(-1)[index]
        return found.copy() if type(found.value) is np.ndarray else found

    def __setitem__(self, index: Any, value: Any) -> None:
        if not self._of.flags.c_contiguous:
            running().refuse(tr("a write into .flat of an array that is not laid out row by row"))
        self._of.reshape(-1)[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self._of.reshape(-1))


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

    is_integer = _asked(".is_integer()")
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
        return int(running().fixed(self))

    __int__ = __index__ = _whole


NUMBERS = {float: RecordedFloat, int: RecordedInt}
_OF_ARRAYS = frozenset("shape dtype ndim size nbytes itemsize strides flags base T mT astype view".split())
_AVALS[RecordedFloat], _AVALS[RecordedInt] = aval_of(0.0), aval_of(0)
