"""Lifting with wrappers: tracked values stand in place of the user's while a block runs.

In: names of a block. Out: leaves by name; afterwards a namespace that holds what it would hold without us, and so does
all that its names reach. Only for code that cannot get hooks: see hosts/lifted_block.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.faces.numpy.array import Array
from ...engine.faces.numpy.buffer import Buffer, Buffers
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape import memory
from ...engine.tape.nodes import Leaf, walk
from .aliases import share, view_along
from .lift import Lifted, Lifter, kind_of
from .restore import held_by, replace_in, uninterrupted

_MOST = 1000  # entries of a container that are looked at


class Wrappers(Lifter):
    """Lifts the values of one block, each object once however many names it has, and puts them back."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        super().__init__(namespace)
        self._by_id: dict[int, Array] = {}
        self._originals: dict[
            int, tuple[Any, Any]
        ] = {}  # by id of what stands for it: itself, the user's object
        self.buffers: Buffers = Buffers()  # new arrays of the block that may get a gradient

    def value(self, name: str, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.tensor(name, value)
        known = self._by_id.get(id(value)) if arrays.is_array(value) else None
        if known is None:
            known = self._view(value) if arrays.is_array(value) else None
            if known is not None:
                self.shared.append(name)
            else:
                known = Array.lift(value)
            self._by_id[id(value)] = known
            self._originals[id(known)] = known, value
            self.lifted.append(Lifted(name, known, value, kind_of(value), known.node))
            self.on_lift(known)
        return known

    def along(self, value: Any, depth: int = 0) -> Any:
        """Give what stands for a value that the block reads besides: the arrays in it that are, or share memory with, a
        lifted one are replaced, so that the gradient through them is not lost.
        """
        if id(value) in self._by_id:
            return self._by_id[id(value)]
        if type(value) is np.ndarray:
            view = self._view(value)
            if view is not None:
                self._by_id[id(value)] = view
                self._originals[id(view)] = view, value
            return value if view is None else view
        if depth < 3 and type(value) in (dict, list) and len(value) <= _MOST:
            for key in list(value) if type(value) is dict else range(len(value)):
                value[key] = self.along(value[key], depth + 1)
        elif depth < 3 and type(value) is tuple and len(value) <= _MOST:
            new = [self.along(entry, depth + 1) for entry in value]
            return self._tuple(value, new)
        return value

    def _view(self, value: Any) -> Any:
        for entry in self.lifted:
            owner = entry.original
            if type(owner) is np.ndarray and type(entry.tracked) is Array and share(owner, value):
                return view_along(entry.tracked, owner, value)
        return None

    def instead(self, value: tuple[Any, ...], made: tuple[Any, ...]) -> None:
        self._originals[id(made)] = made, value

    # -- putting back ----------------------------------------------------------------------------
    def put_back(self, used: Iterable[str] = (), shown: list[Any] | None = None) -> None:
        """Replace every Array that this run has made by the plain value, in all that the names reach.

        The names are those that the block writes, and further names of what was lifted.
        """
        if not self._originals and not self.buffers:
            return
        with uninterrupted():
            written = set(used)
            names = {n: v for n, v in self.namespace.items() if n in written or id(v) in self._originals}
            held = held_by([*names.values(), shown])
            ours = self._ours(held)
            new = {id(o): (o, self._original(o)) for o in ours} | self._originals
            plain = replace_in([*names.values(), shown], lambda v: new[id(v)][1] if id(v) in new else v)
            for name, value in names.items():
                if (given := plain(value)) is not value:
                    self.namespace[name] = given
            self._untrack(held)
            for entry in self.lifted:
                if isinstance(entry.node, Leaf):
                    entry.node.watcher = None
                if type(entry.tracked) is Array and arrays.is_array(entry.tracked.array):
                    memory.memory_of(entry.tracked.array).owner = None

    def _original(self, tracked: Any) -> Any:
        """Give what the user's code would hold in place of an Array."""
        array = tracked.array
        if id(tracked) in self._originals:
            value = self._originals[id(tracked)][1]
            if type(value) is np.ndarray and type(array) is np.ndarray:
                if value.shape != array.shape and value.size == array.size:
                    value.shape = array.shape  # the block has set it
                if value.flags.writeable != array.flags.writeable:
                    value.flags.writeable = array.flags.writeable
            return value
        if type(array) is np.ndarray:
            base = memory.base_of(array)
            found = memory.memory_of(base)
            owner, whole = found.owner, found.whole(base)
            if owner is not None and owner.strides == whole.strides and owner.dtype == whole.dtype:
                return memory.same_view(array, whole, owner)  # a view made there looks into the user's array
        return array

    def _ours(self, held: list[Any]) -> list[Any]:
        """Give the Arrays that come from what this run has lifted, and its buffers; others are other threads'."""
        tracked = [o for o in held if type(o) in (Array, Buffer) and o.node is not None]
        reached = {entry.node.number for entry in self.lifted}
        for node in reversed(walk(*(o.node for o in tracked))):
            if any(source is not None and source.number in reached for source in node.inputs):
                reached.add(node.number)
        mine = {id(o): o for o in tracked if o.node.number in reached}
        mine |= {id(entry.tracked): entry.tracked for entry in self.lifted if type(entry.tracked) is Array}
        return list((mine | dict(self.buffers)).values())

    def _untrack(self, held: list[Any]) -> None:
        """Tensors that carry a gradient only because they met a lifted array carry none without the magic."""
        ours = {entry.node.number for entry in self.lifted if type(entry.tracked) is Array}
        tensors = [
            t for t in held if isinstance(t, Tensor) and t.node is not None and t.node.rule is not None
        ]
        tensors = [t for t in tensors if t.node.number > min(ours, default=0)]
        only_ours = set(ours)
        for node in reversed(walk(*(t.node for t in tensors))):
            sources = [n.number for n in node.inputs if n is not None]
            if sources and only_ours.issuperset(sources):
                only_ours.add(node.number)
        for tensor in tensors:
            if tensor.node.number in only_ours:
                tensor.node = None
