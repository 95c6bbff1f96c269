"""Stand-ins where they meet: operands of one operation, all on the device; and what is asked of a device's array.

In: the values of one operation of the cell, some on a device. Out: the same where they can be computed with: host
arrays are taken along to the device, and counted. What only an array of NumPy's can answer is answered at home.
"""

from __future__ import annotations

import collections
import sys
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.arrays import is_array, on_device
from ...engine.core.places import describe, name_of, place_of, user_frame
from ...engine.tape.tracked import Tracked
from ...errors import DeviceError
from ...language import tr
from .libraries import base_of
from .same_part import same_part
from .standing import DEEP, WIDEST, Standing, numbers, same_or_new

_SMALL = 1 << 16  # bytes that may come home for any part of them
_HOLDERS = frozenset(
    {list, dict, tuple, set, collections.deque, collections.defaultdict, collections.OrderedDict}
)
_MOVED = "biufc"


class StandIns(Standing):
    """What stands in for the user's values during one run, and meets others there."""

    def along(self, *values: Any) -> tuple[Any, ...]:
        """Give operands as they meet: what stands in for them, all on the device if one of them is."""
        values = tuple(map(self.now, values))
        if self.device is None or not any(is_array(v) and on_device(v) for v in values):
            return values
        # Values of the engine's, as of an integrand, are the host's where they are not the device's.
        if self.device == "cpu" or any(
            issubclass(type(v), Tracked) and not on_device(v.array) for v in values
        ):
            return tuple(map(self.home, values))
        return tuple(self.moved(self._array(v)) for v in values)

    def called(self, function: Any) -> Any:
        """Give what is called in place of a function, as in the user's code."""
        return self._membrane.called(function)

    def _array(self, value: Any) -> Any:
        """Give a list as an operator takes it."""
        return self.called(np.array)(value) if type(value) in (list, tuple) else value

    def number(self, out: Any) -> Any:
        """Give one entry of a device's array as an array of its own: NumPy's is a number, which no write changes."""
        return (
            out.copy()
            if self.device is not None and is_array(out) and not out.ndim and on_device(out)
            else out
        )

    def is_number(self, value: Any) -> bool:
        """Tell whether a device's 0-d array stands for a number: `a += 1` makes another one of it."""
        if self.device is None or not is_array(value) or value.ndim or not on_device(value):
            return False
        return (
            id(value) not in self._numbers and id(value) not in self._theirs and not self._is_own_array(value)
        )

    def _is_own_array(self, value: Any) -> bool:
        known = self._owns.get(id(value))
        return known is not None and is_array(known[1])

    def into(self, target: Any, value: Any) -> tuple[Any, Any]:
        """Give what is written into, and a value where that lies."""
        target, value = self.now(target), self.now(value)
        if self.device is None:
            return target, value
        if not is_array(target):
            outside = type(target) not in _HOLDERS and self._membrane.foreign(type(target))
            return target, self.home(value) if outside else value
        return target, self.moved(self._array(value)) if on_device(target) else self.home(value)

    def at(self, owner: Any, index: Any) -> tuple[Any, Any]:
        """Give what is indexed, and an index where that lies: of what is no array, on the host."""
        owner = self.now(owner)
        if self.device is None:
            return owner, index
        return owner, self.moved(index) if is_array(owner) and on_device(owner) else self.home(index)

    def having(self, owner: Any, name: str) -> Any:
        """Give what is asked for an attribute: a device's array may lack what the user's own has."""
        owner = self.now(owner)
        if self.device is None or not is_array(owner) or not on_device(owner):
            return owner
        if name == "resize":
            raise DeviceError(_not_resized(owner))
        if name in _ADDRESSES:
            self.settle(base_of(owner), self.home(base_of(owner)))
        return owner if hasattr(owner, name) and name not in _NUMPYS_OWN else self.home(owner)

    def class_of(self, value: Any) -> type:
        """Tell of which class a value is without us: a device's arrays are arrays of NumPy's, or numbers."""
        if not (is_array(value) and on_device(value)) or id(value) in self._theirs:
            return type(value)
        if self._is_own_array(value):
            return type(self._owns[id(value)][1])
        return value.dtype.type if self.is_number(value) else np.ndarray  # type: ignore[no-any-return]

    def asking(self, function: Any) -> Any:
        """Give what is called in place of a function that passes objects on: what asks for a class gets NumPy's."""
        if function is type:
            return lambda *args: self.class_of(*args) if len(args) == 1 else type(*args)
        if function is isinstance:
            return lambda value, kinds: isinstance(value, kinds) or issubclass(self.class_of(value), kinds)
        if function is np.errstate or function is np.seterr:
            return self._of_errors(function)
        return function

    def _of_errors(self, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.device not in (None, "cpu") and not {"raise", "call"}.isdisjoint(
                (*args, *kwargs.values())
            ):
                self.unheard = self.unheard or place_of(user_frame(sys._getframe(1)))
            return function(*args, **kwargs)

        return call

    def on_device(self, values: Any, depth: int = DEEP) -> bool:
        """Tell whether a device's array is among values, or in lists, tuples and dicts of them."""
        for value in values:
            kind = type(value)
            if kind in (list, tuple, dict) and depth:
                if self.on_device(value.values() if kind is dict else value, depth - 1):
                    return True
            elif is_array(value) and on_device(value):
                return True
        return False

    def moved(self, value: Any, depth: int = DEEP) -> Any:
        """Give a host array, or lists of them, on the device: what is tracked stays so."""
        kind = type(value)
        if kind in (list, tuple) and depth:
            return same_or_new(value, [self.moved(v, depth - 1) for v in value])
        value = self.now(value)
        if type(value) is not np.ndarray or value.dtype.kind not in _MOVED or self.device == "cpu":
            return value
        marked = self._membrane.table.mark(value)
        known = self._moved.get(id(value))
        if known is not None and marked is None and known[1] == (value.shape, value.tobytes()):
            return known[2]
        made = arrays.to_device(value, self.device)
        self.taken += 1
        if self.first is None:
            self.first = place_of(user_frame(sys._getframe(1)))
        if marked is None:
            self._moved[id(value)] = value, (value.shape, value.tobytes()), made
            return made
        return self._membrane.record(_itself, (value,), {}, made, "move")

    def home(self, value: Any, depth: int = DEEP, came: list[Any] | None = None) -> Any:
        """Give a device's array, alone or in lists, tuples and dicts, on the host: what is tracked stays so.

        `came` takes down what came: (the array, what it is at home, the bytes of that). Of a view it is a view.
        """
        kind = type(value)
        if kind in (list, tuple) and depth:
            return same_or_new(value, [self.home(v, depth - 1, came) for v in value])
        if kind is dict and depth:
            return {k: self.home(v, depth - 1, came) for k, v in value.items()}
        value = self.now(value)
        if not (is_array(value) and on_device(value)):
            return value
        for there, here, _ in came or ():
            if there is value:
                return here
        base, out = base_of(value), None
        if base is not value and value.ndim and base.nbytes <= max(WIDEST * value.nbytes, _SMALL):
            out = same_part(value, base, self.home(base, came=came))
        if out is None:
            out, known = numbers(value), self._owns.get(id(value))
            if known is not None and known[1].dtype == value.dtype and known[1].shape == value.shape:
                out = known[1]  # the user's own, as it is now
                if out.tobytes() != arrays.to_host(value).tobytes():
                    out[...] = arrays.to_host(value)
                self._membrane.table.memory.forget(out)
            out = self._membrane.record(_itself, (value,), {}, out, "move")
        if id(value) in self._read_only and type(out) is np.ndarray:
            out.flags.writeable = False
        if came is not None:
            came.append((value, out, out.tobytes()))
        return out


def _not_resized(owner: Any) -> str:
    frame = user_frame(sys._getframe(1))
    name = name_of(owner, frame) or "x"
    return tr(
        "{name}.resize() changes the memory of an array, which one on a device has no way to, {place}: write {name} = "
        "np.resize({name}, shape), which repeats the entries where x.resize puts zeros, or run the cell without "
        "--device.", name=name, place=describe(place_of(frame)),
    )  # fmt: skip


_ADDRESSES = (
    "ctypes",
    "data",
    "__array_interface__",
    "__array_struct__",
)  # who asks may look into the memory
_NUMPYS_OWN = ("flags", *_ADDRESSES)  # a device's array has others


def _itself(x: Any) -> Any:
    return x
