"""Stand-ins: the inputs of a cell in another dtype, or on a device, while it runs (`--dtype`, `--device`).

In: the user's arrays and numbers. Out: what stands in for them, and for arrays that look into their memory; where they
meet others: meeting.py. A device's array whose memory somebody at home looks into
(`x.view(Mine)`, np.nditer) is settled there: from then on it is computed with on the host. Afterwards `own` gives the
user's own objects back: what was written into a stand-in is written into the user's array, other arrays of the device
come home.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.arrays import is_array, on_device
from ...engine.tape.memory import copy_of
from .libraries import base_of, is_flat, may_share, piece_of
from .same_part import same_part
from .table import FLAT

WIDEST = 16  # of a larger array only the part stands somewhere else
DEEP = 4  # lists in lists that are looked into


class Standing:
    """What stands in for the user's values during one run, and the user's own again afterwards."""

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
            or owner.nbytes > WIDEST * value.nbytes
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

    def now_in(self, value: Any, depth: int = DEEP) -> Any:
        """`now` of a value, or of what lists, tuples and dicts hold."""
        kind = type(value)
        if kind in (list, tuple) and depth and not FLAT.issuperset(map(type, value)):
            return same_or_new(value, [self.now_in(v, depth - 1) for v in value])
        if kind is dict and depth:
            new = {k: self.now_in(v, depth - 1) for k, v in value.items()}
            return value if all(a is b for a, b in zip(new.values(), value.values(), strict=True)) else new
        return self.now(value)

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
            made = numbers(value)
        else:
            view = same_part(value, base, np.asarray(self._brought(base, base)))
            made = numbers(value) if view is None else view
        self._home[id(value)] = value, made
        return made


def same_or_new(value: Any, new: list[Any]) -> Any:
    return value if all(a is b for a, b in zip(new, value, strict=True)) else type(value)(new)


def numbers(array: Any) -> Any:
    """Give an array of a device as the host computes it: NumPy's reductions give scalars, a device's 0-d arrays."""
    host = arrays.to_host(array)
    return host if host.ndim else host[()]
