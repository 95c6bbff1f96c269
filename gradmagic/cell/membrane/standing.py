"""Stand-ins: the inputs of a cell in another dtype, or on a device, while it runs (`--dtype`, `--device`).

In: the user's arrays and numbers. Out: what stands in for them, and for arrays that look into their memory; host arrays
that meet a device's are taken along to it, and counted. A device's array whose memory somebody at home looks into
(`x.view(Mine)`, np.nditer) is settled there: from then on it is computed with on the host. Afterwards `own` gives the
user's own objects back: what was written into a stand-in is written into the user's array, other arrays of the device
come home.
"""

from __future__ import annotations

import collections
import sys
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.arrays import is_array, on_device
from ...engine.core.places import describe, name_of, place_of, user_frame
from ...engine.tape.memory import copy_of
from ...engine.tape.tracked import Tracked
from ...errors import DeviceError
from .libraries import base_of, is_flat, may_share, piece_of
from .same_part import same_part
from .table import FLAT

_WIDEST = 16  # of a larger array only the part stands somewhere else
_SMALL = 1 << 16  # bytes that may come home for any part of them
_DEEP = 4  # lists in lists that are looked into
_HOLDERS = frozenset(
    {list, dict, tuple, set, collections.deque, collections.defaultdict, collections.OrderedDict}
)
_MOVED = "biufc"


class StandIns:
    """What stands in for the user's values during one run."""

    def __init__(self, membrane: Any, device: str | None, dtype: Any) -> None:
        self.device = device
        self.dtype = dtype
        self.taken = 0  # how many arrays of the host were taken along
        self.first: Any = None  # where the first of them was
        self.unheard: Any = None  # where errors of arithmetic are asked for that a device does not raise
        self._membrane = membrane
        self._stands: dict[
            int, tuple[Any, Any]
        ] = {}  # by id of the user's own: itself, what stands in for it
        self._owns: dict[
            int, tuple[Any, Any, Any]
        ] = {}  # by id of a stand-in: itself, the user's own, as it was
        self._moved: dict[
            int, tuple[Any, Any, Any]
        ] = {}  # constants: the user's, a copy of its numbers, on the device
        self._home: dict[
            int, tuple[Any, Any]
        ] = {}  # by id of a device's array: itself, and its numbers at home
        # By id of a device's memory that is settled at home: itself, the array that has it, and what that is there.
        self._settled: dict[int, tuple[Any, Any, Any]] = {}
        self._numbers: dict[int, Any] = {}  # 0-d arrays that are arrays to the user, no numbers
        self._read_only: dict[
            int, Any
        ] = {}  # arrays of the device that are read-only to the user: CuPy knows none
        self._theirs: dict[int, Any] = {}  # arrays of a device that were the user's before

    def stand_in(self, value: Any) -> Any:
        """Give what stands in for an input: one object for each of the user's."""
        known = self._stands.get(id(value)) if is_array(value) else None  # a number may be many a name's
        if known is not None:
            return known[1]
        made = value
        if self.dtype is None and (not is_array(value) or on_device(value) is not (self.device == "cpu")):
            return value  # a number goes with what it meets; an array may lie there already
        if is_array(value):
            found = self._view(value)
            if found is None and self._of_owner(value):
                found = self._view(value)
            if found is not None:
                return found
            made = copy_of(value)
        if self.dtype is not None:
            made = made.astype(self.dtype) if hasattr(made, "astype") else np.dtype(self.dtype).type(made)
        if self.device is not None and is_array(made):
            made = arrays.to_device(made, self.device)
        if type(value) is np.ndarray and is_array(made) and not value.flags.writeable:
            self.read_only(made)
        if made is not value:
            self.keep(value, made, copy_of(made) if is_array(made) else None)
        return made

    def _of_owner(self, value: Any) -> bool:
        """Let something stand in for the array that `value` is a part of: others may be parts of it, too."""
        owner = base_of(value)
        if (
            type(owner) is not type(value)
            or owner.dtype != value.dtype
            or owner.nbytes > _WIDEST * value.nbytes
        ):
            return False
        return owner.size > value.size and self.stand_in(owner) is not owner

    def keep(self, value: Any, made: Any, before: Any = None) -> None:
        """Note that `made` stands in for `value`; `before` is what `made` holds now, if it may be written."""
        self._stands[id(value)] = value, made
        self._owns[id(made)] = made, value, before

    def _view(self, value: Any) -> Any:
        """Give the view of a stand-in that `value` is of the user's own array; None if it is none."""
        for own, made in list(self._stands.values()):
            if is_array(own) and own is not value and type(own) is type(value) and may_share(own, value):
                view = same_part(value, own, made)
                if view is not None:
                    self.keep(value, view)
                    return view
        return None

    def leave_alone(self, values: list[Any]) -> None:
        """Note arrays of a device that were the user's before: they do not come home."""
        self._theirs.update({id(v): v for v in values if is_array(v) and on_device(v)})

    # -- while the cell runs -----------------------------------------------------------------------
    def now(self, value: Any) -> Any:
        """Give what stands in for one value, or is the same part of what does."""
        if self._settled and is_array(value) and id(piece_of(value)) in self._settled:
            return self._at_home(value)
        if type(value) is not np.ndarray and not (self.device == "cpu" and on_device(value)):
            return value
        known = self._stands.get(id(value))
        if known is not None:
            return known[1]
        if value.base is None or id(value) in self._owns:
            return value
        view = self._view(value)
        return value if view is None else view

    def settle(self, value: Any, here: Any) -> None:
        """Let an array that has its memory on the device be `here` from now on: with all that look into its memory."""
        base = value
        _, own, before = self._owns.get(id(base), (None, here, None))
        self._settled[id(piece_of(base))] = piece_of(base), base, here
        self._home[id(base)] = base, here
        for key, (array, held) in list(self._stands.items()):
            if is_array(held) and piece_of(held) is piece_of(base):
                self._stands[key] = array, array if own is here else self._at_home(held)
        if own is not here:
            self._owns[id(here)] = here, own, None if before is None else arrays.to_host(before)
        for made, users, _ in list(self._owns.values()):
            if piece_of(made) is piece_of(base):
                self._owns[id(made)] = made, users, None  # it is no more what the cell writes into

    def _at_home(self, value: Any) -> Any:
        """Give a device's array where it is settled."""
        known = self._home.get(id(value))
        if known is None:
            _, base, here = self._settled[id(piece_of(value))]
            view = same_part(value, base, here)
            known = self._home[id(value)] = value, arrays.to_host(value) if view is None else view
        return known[1]

    def now_in(self, value: Any, depth: int = _DEEP) -> Any:
        """`now` of a value, or of what lists, tuples and dicts hold."""
        kind = type(value)
        if kind in (list, tuple) and depth and not FLAT.issuperset(map(type, value)):
            return _same_or_new(value, [self.now_in(v, depth - 1) for v in value])
        if kind is dict and depth:
            new = {k: self.now_in(v, depth - 1) for k, v in value.items()}
            return value if all(a is b for a, b in zip(new.values(), value.values(), strict=True)) else new
        return self.now(value)

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

    def on_device(self, values: Any, depth: int = _DEEP) -> bool:
        """Tell whether a device's array is among values, or in lists, tuples and dicts of them."""
        for value in values:
            kind = type(value)
            if kind in (list, tuple, dict) and depth:
                if self.on_device(value.values() if kind is dict else value, depth - 1):
                    return True
            elif is_array(value) and on_device(value):
                return True
        return False

    def moved(self, value: Any, depth: int = _DEEP) -> Any:
        """Give a host array, or lists of them, on the device: what is tracked stays so."""
        kind = type(value)
        if kind in (list, tuple) and depth:
            return _same_or_new(value, [self.moved(v, depth - 1) for v in value])
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

    def home(self, value: Any, depth: int = _DEEP, came: list[Any] | None = None) -> Any:
        """Give a device's array, alone or in lists, tuples and dicts, on the host: what is tracked stays so.

        `came` takes down what came: (the array, what it is at home, the bytes of that). Of a view it is a view.
        """
        kind = type(value)
        if kind in (list, tuple) and depth:
            return _same_or_new(value, [self.home(v, depth - 1, came) for v in value])
        if kind is dict and depth:
            return {k: self.home(v, depth - 1, came) for k, v in value.items()}
        value = self.now(value)
        if not (is_array(value) and on_device(value)):
            return value
        for there, here, _ in came or ():
            if there is value:
                return here
        base, out = base_of(value), None
        if base is not value and value.ndim and base.nbytes <= max(_WIDEST * value.nbytes, _SMALL):
            out = same_part(value, base, self.home(base, came=came))
        if out is None:
            out, known = _numbers(value), self._owns.get(id(value))
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

    def read_only(self, out: Any) -> Any:
        """Note that an array is read-only to the user."""
        if type(out) is np.ndarray:
            out.flags.writeable = False
        elif is_array(out):
            self._read_only[id(out)] = out
        return out

    def written(self, target: Any) -> None:
        """Refuse, as NumPy does, a write into a device's array that is read-only to the user."""
        if id(target) in self._read_only or id(base_of(target)) in self._read_only:
            raise ValueError("assignment destination is read-only")

    def stays_array(self, out: Any) -> Any:
        """Note that a 0-d array was made by `np.array`: afterwards it is one."""
        if is_array(out) and not out.ndim:
            self._numbers[id(out)] = out
        return out

    # -- afterwards --------------------------------------------------------------------------------
    def write_back(self) -> None:
        """Write what the cell has written into stand-ins into the user's own arrays."""
        for made, own, before in list(self._owns.values()):
            if before is None or not is_array(own):
                continue
            now, was = arrays.to_host(made), arrays.to_host(before)
            if made.shape != own.shape and made.size == own.size:
                own.shape = made.shape  # the cell has set it
            if now.tobytes() == was.tobytes() or now.size != was.size:
                continue
            changed = now.reshape(own.shape) != was.reshape(own.shape)
            if on_device(own):
                own[...] = np.where(arrays.from_host(changed, own), made.astype(own.dtype), own)
            else:
                own[changed] = now[changed].astype(own.dtype)

    def own(self, value: Any) -> Any:
        """Give the user's own object in place of a stand-in; another device's array at home; anything else as it is."""
        if self._settled and is_array(value) and id(piece_of(value)) in self._settled:
            value = self._at_home(value)
        known = self._owns.get(id(value))
        if known is not None:
            return known[1]
        if is_flat(value) and type(value) is not np.flatiter:
            return self.own(value.base).flat
        if id(value) in self._read_only:
            del self._read_only[id(value)]
            return self.read_only(self.own(value))
        if not is_array(value) or id(value) in self._theirs:
            return value
        if type(value) not in arrays.KINDS:
            return value  # a masked array over the same memory
        base = base_of(value)
        if base is value and (piece := piece_of(value)) is not None:  # CuPy's as_strided has no base
            base = next((made for made, *_ in self._owns.values() if piece_of(made) is piece), value)
        stands = self._owns.get(id(base))
        if stands is not None and is_array(stands[1]) and (value.ndim or not on_device(value)):
            view = same_part(value, base, stands[1])
            if view is not None:
                return view
        if self.device is None or not on_device(value):
            return value
        if id(value) in self._numbers:
            return arrays.to_host(value)
        return self._brought(value, base)

    def _brought(self, value: Any, base: Any) -> Any:
        known = self._home.get(id(value))
        if known is not None:
            return known[1]
        if base is value or not value.ndim:
            made = _numbers(value)
        else:
            view = same_part(value, base, np.asarray(self._brought(base, base)))
            made = _numbers(value) if view is None else view
        self._home[id(value)] = value, made
        return made


def _not_resized(owner: Any) -> str:
    frame = user_frame(sys._getframe(1))
    name = name_of(owner, frame) or "x"
    return (
        f"{name}.resize() changes the memory of an array, which one on a device has no way to, "
        f"{describe(place_of(frame))}: write {name} = np.resize({name}, shape), which repeats the entries where "
        "x.resize puts zeros, or run the cell without --device."
    )


_ADDRESSES = (
    "ctypes",
    "data",
    "__array_interface__",
    "__array_struct__",
)  # who asks may look into the memory
_NUMPYS_OWN = ("flags", *_ADDRESSES)  # a device's array has others


def _itself(x: Any) -> Any:
    return x


def _same_or_new(value: Any, new: list[Any]) -> Any:
    return value if all(a is b for a, b in zip(new, value, strict=True)) else type(value)(new)


def _numbers(array: Any) -> Any:
    """Give an array of a device as the host computes it: NumPy's reductions give scalars, a device's 0-d arrays."""
    host = arrays.to_host(array)
    return host if host.ndim else host[()]
