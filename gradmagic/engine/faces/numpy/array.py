"""`Array`, the tracked object as NumPy users know it: what `%%grad names` and `gm.grad(f)` put in place of a value.

In: the user's ndarray or number. Out: something that behaves as it does, and remembers how it was used. A lifted
Python number stays a Python number inside. Methods named as ndarray names them stand in methods.py.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from ....errors import ConversionError, ConversionWarning
from ....language import mark, tr
from ...core import arrays
from ...core.frames import asks_kind, assigns_entry
from ...core.places import line_of, place_of, statement_of, user_frame
from ...tape import memory
from ...tape.messages import beyond_libraries, blame, only_shown, taken_by
from ...tape.modes import LOST, OFF, differentiating, mode_now, settings
from ...tape.nodes import WANTED, Leaf, Node, aval_of, walk, watchers
from ...tape.tracked import Tracked, raw, raws
from .. import inplace
from .methods import NumpyMethods
from .special_methods import PASSED


class Array(NumpyMethods):
    """A lifted ndarray, NumPy scalar or Python number. It exists only where a gradient flows."""

    __slots__ = ()
    soft = True

    @classmethod
    def wrap(cls, array: Any, node: Node | None) -> Any:
        """Make one; what carries no gradient stays the plain array or number that it is."""
        if node is None:
            return array
        made = object.__new__(cls)
        made.array = array
        made.node = node
        return made

    @classmethod
    def lift(cls, value: Any, *, share: bool = True, device: str | None = None, dtype: Any = None) -> Array:
        """Put a user's array or number on the tape as an input, on `device` and in `dtype` if they are given.

        The Array works on a copy: writes reach it and, with `share`, the user's own array too, while what the tape
        has saved stays as it was when it was used. The gradient is with respect to the value at this moment.
        """
        array = memory.copy_of(value) if arrays.is_array(value) else value
        if dtype is not None:
            array = array.astype(dtype) if hasattr(array, "astype") else np.dtype(dtype).type(array)
        if device is not None:
            array = arrays.to_device(array, device)
        made: Array = cls.wrap(array, Leaf(aval_of(array)))
        if share and arrays.is_array(value):
            memory.lift_memory(made, value)
        return made

    @property
    def __class__(self) -> Any:
        # isinstance(x, np.ndarray) and isinstance(a, float) hold, as they do without the magic. Not to libraries that
        # hand such arrays on to C code (pandas, sparse), or keep them in arrays of theirs (dask, xarray): these shall
        # ask for __array__ or leave the operator to us; nor to CuPy's operators, which are compiled and would take
        # what says so for memory of theirs.
        kind = type(self.array)
        if kind is np.ndarray:
            home = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
            return Array if home in _KEEPING else kind
        if arrays.on_device(self.array) and not asks_kind(sys._getframe(1)):
            return Array
        return (
            arrays.kind_of(self.array) if hasattr(kind, "whole_call") else kind
        )  # one that records (engine/replay)

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError(tr("the class of a lifted value cannot be changed"))

    def leave(self, how: str, strict_text: str = "") -> Any:
        """Give the plain value and tell the observer that a gradient may be lost here.

        Under `gm.grad` there is no report to say so: a number is given with a warning, anything else is an error.
        """
        if mode_now() is OFF:
            return self.array
        self._tell(how, user_frame(sys._getframe(1)))
        if self.wanted and not only_shown(sys._getframe(1)):
            frame, called, instead = beyond_libraries(sys._getframe(1)), "", ""
            if how == "asarray" or frame is not user_frame(sys._getframe(1)):
                called, instead = taken_by(statement_of(place_of(frame)))
            text = tr(
                "{value}, becomes plain {way} inside a function that gm.grad differentiates: what is computed from "
                "the plain value has no gradient. {instead}",
                value=blame(self), way=tr("in {call}", call=called) if called else tr("by {how}", how=tr(how)),
                instead=instead or tr(_INSTEAD.get(how, _INSTEAD[""])),
            )  # fmt: skip
            if how not in _NUMBERS:
                raise ConversionError(tr("{text}.", text=text))
            lost(text, frame)
        return self.array

    def _tell(self, how: str, frame: Any) -> None:
        """Tell who watches that the value is asked for as a plain one: in another thread, the cells that lifted it."""
        observer = settings().observer
        if observer is not None:
            observer.cut(self, how, frame)
        elif self.node is not None:
            for watcher in watchers(self.node) - {None, WANTED}:
                watcher.cut(self, how, frame)

    @property
    def wanted(self) -> bool:
        if self.node is None or (settings().observer is not None and not differentiating()):
            return False
        return any(node.watcher is WANTED for node in walk(self.node))

    def _shown(self) -> Any:
        # Text is there to be read by people; whether float(f"{x}") reads it again, the observer's reader can tell.
        if mode_now() is not OFF:
            frame = user_frame(sys._getframe(2))
            self._tell("text", frame)
            if (noted := LOST.get()) is not None and self.wanted:
                noted.append(
                    ("", place_of(frame))
                )  # a text is there to be read: it only counts if nothing else came
        return self.array

    def __format__(self, spec: str) -> str:
        return format(self._shown(), spec)

    def __repr__(self) -> str:
        return repr(self._shown())

    def __str__(self) -> str:
        return str(self._shown())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        assigned = assigns_entry(sys._getframe(1))  # a[:] = t of an older array
        array = arrays.to_host(self.leave("assignment" if assigned else "asarray"))
        if dtype is not None or copy:
            return np.array(array, dtype, copy=copy)
        return memory.copy_of(array) if type(array) is np.ndarray else np.array(array)

    def __setitem__(self, index: Any, value: Any) -> None:
        if not arrays.is_array(self.array):
            self.array[index] = value  # a number: raises what it raises without the magic
        inplace.assign_lifted(self, index, value)

    def assign(self, index: Any, value: Any) -> Array:
        """Write `value` to `self[index]` in place and give this array."""
        return inplace.assign_lifted(self, index, value)  # type: ignore[return-value]

    def _in_place(name: str) -> Any:  # type: ignore[misc]
        plainly = f"__i{name[2:]}"

        def method(self: Array, other: Any) -> Any:
            made = getattr(Array, name)(self, other)
            if not arrays.is_array(self.array) or issubclass(arrays.kind_of(self.array), np.generic):
                return made  # a number, or one that records (engine/replay)
            plain = raw(made)
            if made is NotImplemented or not np.can_cast(
                getattr(plain, "dtype", object), self.array.dtype, "same_kind"
            ):
                return getattr(np.copy(self.array), plainly)(raws(other))  # raises what NumPy raises
            if np.shape(plain) != np.shape(self.array):
                getattr(np.copy(self.array), plainly)(raws(other))
            return inplace.assign_lifted(self, Ellipsis, made)

        return method

    __iadd__, __isub__, __imul__, __itruediv__, __ipow__, __ifloordiv__, __imod__, __imatmul__ = map(
        _in_place,
        "__add__ __sub__ __mul__ __truediv__ __pow__ __floordiv__ __mod__ __matmul__".split(),
    )
    __iand__, __ior__, __ixor__, __ilshift__, __irshift__ = map(
        _in_place, "__and__ __or__ __xor__ __lshift__ __rshift__".split()
    )

    def __getattr__(self, name: str) -> Any:
        # What NumpyMethods does not have: attributes of Python's numbers (is_integer, hex), or an AttributeError
        # with the words of the value's own type.
        if name.startswith("__") and name not in PASSED:
            raise AttributeError(name)
        found = getattr(object.__getattribute__(self, "array"), name)
        if callable(found) and not name.startswith("__"):
            self.leave(f".{name}()")
        return found


def lost(text: str, frame: Any) -> None:
    """Note for the end of the `gm.grad` that runs that a value became plain; in other threads, say it at once."""
    place, noted = place_of(frame), LOST.get()
    if noted is not None:
        noted.append((text, place))
    else:
        say_lost(text, place)


def say_lost(text: str, place: Any) -> None:
    """Warn at a place of the user's that a number was taken out of what `gm.grad` follows."""
    message = tr("{text}; if only the number is wanted, this is no harm.", text=text)
    # With a registry of its own: `warnings` would say it once a line, and then be silent.
    warnings.warn_explicit(message, ConversionWarning, place[0].co_filename, line_of(place), registry={})


_KEEPING = frozenset({"pandas", "sparse", "dask", "xarray"})
# What to write instead, by how a value becomes plain.
_INSTEAD = {
    mark("assignment"): mark(
        "Make the array that it is written into inside the function, by np.zeros(...) or np.copy(...), or write "
        "np.stack([...]) of the values"
    ),
    "asarray": mark(
        "Use the value itself; for several write np.stack([...]). np.asarray(...) and np.array([...]) are followed "
        "where your own code says np.asarray"
    ),
    "": mark("Use NumPy's functions on the value itself"),
}
# Ways out that people take to print or to decide.
_NUMBERS = (
    "float",
    "int",
    "complex",
    ".item()",
    ".tolist()",
    "item",
    "tolist",
    "tobytes",
    "pickle",
    mark("file"),
)

Tracked.inner = Array
