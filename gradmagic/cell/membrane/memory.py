"""Arrays of a membrane, by the memory that they look into: views of it, and what writes do to them.

In: the user's arrays, marks, writes. Out: for each array its mark and a copy of its value that nobody else has, so that
what the tape saves stays what it was. A block is the memory of one array that owns it; its views are parts of it. A
write gives the block a new value; what looks into it takes its part of that when it is next asked for.
An array whose memory is not what it was has been written to by what no hook saw: it has lost its gradient, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from ...engine.core.arrays import KINDS, from_host, on_device
from ...engine.dispatch.primitives import set_item
from ...engine.faces.numpy.array import Array
from ...engine.tape.memory import copy_of
from ...engine.tape.tracked import Tracked
from .libraries import address, base_of, borrowed, piece_of


class Seen:
    """An array of the user's over tracked memory: what is known of it, as of a version of its block."""

    __slots__ = ("array", "block", "copy", "mark", "raw", "version")

    def __init__(self, block: Block | None, mark: Any, copy: Any, version: int) -> None:
        self.array: Any = None  # a weak reference
        self.block, self.mark, self.copy, self.version = block, mark, copy, version
        # Of a small array its bytes: whether it still has them takes 0.1 us.
        self.raw = copy.tobytes() if type(copy) is np.ndarray and copy.nbytes <= _SMALL else None


_SMALL = 4096


class Block:
    """The memory of one array, and those that look into it; made once a second one does, or a write comes."""

    __slots__ = ("_most", "base", "root", "seen", "version")

    def __init__(self, base: Any) -> None:
        self.base = base  # a weak reference
        self.version = 0
        self.root: tuple[Any, Any] | None = None  # mark and copy of all of it, once somebody asked
        self.seen: dict[int, Seen] = {}
        self._most = _FEW

    def keep(self, key: int, seen: Seen) -> None:
        self.seen[key] = seen
        if len(self.seen) > self._most:
            self.seen = {k: s for k, s in self.seen.items() if s.array() is not None}
            self._most = max(_FEW, 2 * len(self.seen))


_FEW = 16  # views, before the first look for those that nobody has any more


def _ref(value: Any, known: dict[int, Any]) -> Any:
    """Refer to a value weakly; when it goes, so does what is known by its id.

    By C's own function: an interrupt that comes while Python runs a callback of ours would be lost.
    """
    return ref(value, partial(known.pop, id(value)))


class Memory:
    """What is known of arrays, of one run."""

    def __init__(self) -> None:
        self._seen: dict[int, Seen] = {}
        self._blocks: dict[int, Block] = {}
        self._owners: dict[int, Any] = {}  # by id of a device's piece of memory: who has it, weakly
        # What a value is from which something was lost: (array, how) -> mark.
        self.lost: Callable[[Any, str, Any], Any] = lambda array, how, mark: mark

    # -- looking up ------------------------------------------------------------------------------
    def seen(self, array: Any) -> Seen | None:
        """Give what is known of an array as it is now; None if nothing tracked is in its memory."""
        found = self._seen.get(id(array))
        if found is None:
            block = self._block(array)
            if block is None or array.dtype.hasobject:
                return None
            found = Seen(block, None, None, -1)
            self._keep(array, found)
        if found.block is not None and found.version != found.block.version:
            self._renew(array, found)
        if (type(array) is not np.ndarray or found.raw != array.tobytes()) and not _same(array, found.copy):
            self._unseen(array, found)
        return found

    def at_hand(self, array: Any) -> Seen | None:
        """Give what was known of an array when it was last asked for, if that still holds."""
        found = self._seen.get(id(array))
        if found is not None and (found.block is None or found.version == found.block.version):
            return found
        return self.seen(array)

    def _block(self, array: Any) -> Block | None:
        """Find the block that an array looks into."""
        base = array if array.base is None else base_of(array)
        found = self._blocks.get(id(base))
        if found is not None:
            return found
        known = self._seen.get(id(base))
        if known is not None:  # what has come by a protocol was found in the block of its owner
            return known.block or self._made_block(base)
        piece = None if type(base) is np.ndarray else piece_of(base)
        if (
            piece is not None and (owned := self._owners.get(id(piece))) is not None
        ):  # CuPy's as_strided has no base
            owner = owned()
            if owner is not None and owner is not base and piece_of(owner) is piece:
                return self._block(owner)
        if borrowed(base):
            at = address(array)
            for seen in list(self._seen.values()):
                owner = seen.array()
                if owner is None or owner.base is not None or on_device(owner) != on_device(array):
                    continue
                if address(owner) <= at < address(owner) + max(owner.nbytes, 1):
                    return self._block(owner)
        return None

    def _made_block(self, base: Any) -> Block:
        block = self._blocks[id(base)] = Block(_ref(base, self._blocks))
        known = self._seen.get(id(base))
        if known is not None:
            known.block = block
            block.keep(id(base), known)
        return block

    def _keep(self, array: Any, seen: Seen) -> None:
        key = id(array)
        seen.array = _ref(array, self._seen)
        self._seen[key] = seen
        if type(array) is not np.ndarray:
            self._own(array)
        if seen.block is not None:
            seen.block.keep(key, seen)

    def _own(self, array: Any) -> None:
        """Note who has a piece of a device's memory."""
        piece = piece_of(array)
        if piece is None:
            return
        known = self._owners.get(id(piece))
        owner = None if known is None else known()
        if owner is None or piece_of(owner) is not piece:
            self._owners[id(piece)] = ref(base_of(array))

    def _renew(self, array: Any, seen: Seen) -> None:
        """Take the array's part of the block as it is now."""
        block: Any = seen.block
        base = block.base()
        seen.version = block.version
        mark, whole = self._root(block, base)
        if array is base:
            seen.mark, seen.copy, seen.raw = mark, whole, None
            return
        seen.copy, seen.raw = copied(array), None
        at = None if mark.node is None else places(base, array)
        if mark.node is None:
            seen.mark = mark
        elif at is None:
            seen.mark = self._of_other_numbers(array, base, mark, whole)
        else:
            part: Any = np.take(Array.wrap(whole, mark.node), from_host(at, base))
            seen.mark = mark._replace(node=part.node if isinstance(part, Tracked) else None)

    def _of_other_numbers(self, array: Any, base: Any, mark: Any, whole: Any) -> Any:
        """The mark of a view whose entries are not those of its base: of the real parts, or of the bytes."""
        if base.dtype.kind == "c" and array.dtype == base.real.dtype:
            tracked = Array.wrap(whole, mark.node)
            both = np.stack([np.real(tracked), np.imag(tracked)], axis=-1)
            numbers = np.empty((*base.shape, 2), array.dtype) if base.flags.c_contiguous else None
            at = None if numbers is None else places(base.view(array.dtype).reshape(numbers.shape), array)
            if at is not None:
                return mark._replace(node=np.take(both, at).node)
        return self.lost(array, "view", mark)

    def _root(self, block: Block, base: Any) -> tuple[Any, Any]:
        """Give mark and value of all of a block; at first put together from the parts that are known."""
        if block.root is not None:
            return block.root
        whole = copied(base)
        mark: Any = None
        made: Any = whole
        for seen in sorted(
            block.seen.values(), key=lambda s: s.mark.node.number if s.mark and s.mark.node else -1
        ):
            array = seen.array()
            if array is None or seen.mark is None or seen.version != block.version:
                continue
            if array is base:
                block.root = seen.mark, seen.copy
                return block.root
            mark = seen.mark if mark is None else mark._replace(cuts=mark.cuts | seen.mark.cuts)
            at = places(base, array)
            if seen.mark.node is not None and at is not None and (base.ndim or not at.ndim):
                index = _index(at, base)
                made = set_item(made, index, Array.wrap(seen.copy, seen.mark.node))
            elif seen.mark.node is not None:
                mark = self.lost(array, "view", mark)
        node = made.node if isinstance(made, Tracked) else None
        if mark is None:  # the part that was known is gone
            mark = self.lost(base, "view", None)
        block.root = mark._replace(node=node), whole
        return block.root

    def _unseen(self, array: Any, seen: Seen) -> None:
        """The memory was written by what no hook saw."""
        block = seen.block or self._made_block(array)
        base = block.base()
        mark = self.lost(array, "written", seen.mark)
        block.version += 1
        block.root = mark, copied(base)
        seen.version, seen.mark, seen.copy, seen.raw = block.version, mark, copied(array), None

    # -- filing and writing ----------------------------------------------------------------------
    def file(self, array: Any, mark: Any, copy: Any = None) -> None:
        """Note what made an array; `copy` is its value for the engine alone, made if it is not the same."""
        if copy is None or not _same(array, copy) or copy.strides != array.strides:
            if array.dtype.hasobject:
                return
            copy = array.copy("K") if type(array) is np.ndarray and array.base is None else copied(array)
        block = None
        if array.base is not None or id(array) in self._blocks:
            block = self._block(array) or self._made_block(base_of(array))
        self._keep(array, Seen(block, mark, copy, 0 if block is None else block.version))

    def made(self, array: Any, mark: Any, copy: Any) -> None:
        """`file` for an array that has just been made, and looks into no other."""
        seen = Seen(None, mark, copy, 0)
        seen.array = _ref(array, self._seen)
        self._seen[id(array)] = seen
        if type(array) is not np.ndarray:
            self._own(array)

    def forget(self, array: Any) -> None:
        """Know nothing of an array any more: its memory is another."""
        self._seen.pop(id(array), None)
        self._blocks.pop(id(array), None)

    def relaid(self, array: Any, mark: Any) -> None:
        """Note that an array has another shape now, over the same memory."""
        block = self._block(array)
        if block is not None:
            block.root = None
            self._keep(array, Seen(block, mark, copied(array), block.version))

    def before(self, array: Any) -> tuple[Any, Any]:
        """Give mark (or None) and value of an array that is about to be written."""
        seen = self.seen(array)
        return (None, copied(array)) if seen is None else (seen.mark, seen.copy)

    def written(self, array: Any, mark: Any, before: Any) -> None:
        """Note that `array` has just been written, and what it is now; `before` is what it was."""
        block = self._block(array)
        base = None if block is None else block.base()
        base = base_of(array) if base is None else base
        if mark.node is not None and any(
            not step and n > 1 for n, step in zip(array.shape, array.strides, strict=True)
        ):
            mark = self.lost(array, "view", mark)  # np.broadcast_arrays: one entry stands for several
        if block is None:
            if mark.node is None and not mark.cuts:
                return
            if array is base:
                self.file(array, mark)
                return
            block = self._made_block(base)  # the view may die at once: d.ravel()[0] = v
        copy = copied(array)
        if array is base:
            root = mark, copy
        else:
            if block.root is not None or block.seen:
                old, whole = self._root(block, base)
            else:  # the rest of the block is what it was: no gradient
                old, whole = mark._replace(node=None), copied(base)
            new = copied(base)
            at = places(base, array)
            made: Any = whole if old.node is None else Array.wrap(whole, old.node)
            node = old.node
            cuts = old.cuts | mark.cuts
            if at is None:
                if old.node is not None or mark.node is not None:
                    lost = self.lost(array, "view", old if old.node is not None else mark)
                    node, cuts = None, cuts | lost.cuts
            elif at.size != np.unique(at).size:  # np.broadcast_to: one entry stands for several
                node, cuts = (
                    None,
                    cuts | self.lost(array, "view", mark if mark.node is not None else old).cuts,
                )
            elif old.node is not None or mark.node is not None:
                part = copy if mark.node is None else Array.wrap(copy, mark.node)
                made = set_item(made, _index(at, base), part)
                node = made.node if isinstance(made, Tracked) else None
            root = mark._replace(node=node, cuts=cuts), new
        block.version += 1
        block.root = root
        self._keep(array, Seen(block, mark, copy, block.version))


def plain(array: Any) -> Any:
    """Give a masked array, a matrix and their kin as the array that they are."""
    return array if type(array) in KINDS else np.asarray(array)


def copied(array: Any) -> Any:
    """Copy the numbers of an array, as they are laid out."""
    return copy_of(plain(array))


def _same(array: Any, copy: Any) -> bool:
    array = plain(array)
    if copy is None or array.shape != copy.shape or array.dtype != copy.dtype:
        return False
    # Of a device's memory nobody asks what it is now: the host would wait for it.
    return on_device(array) or bool(array.tobytes() == copy.tobytes())


def places(base: Any, part: Any) -> Any:
    """Give, for each entry of `part`, its place in `base`, an array without gaps, counted in C order; None if unclear.

    Examples
    --------
    >>> base = np.zeros((2, 3))
    >>> places(base, base.T[1:])
    array([[1, 4],
           [2, 5]])
    """
    size = base.itemsize
    offset = address(part) - address(base)
    if part.dtype != base.dtype or not size or offset % size or any(step % size for step in part.strides):
        return None
    order = sorted(range(base.ndim), key=lambda k: -abs(base.strides[k]))
    numbers = (
        np.arange(base.size).reshape(base.shape).transpose(order).reshape(-1)
    )  # in the order of the memory
    at: Any = np.asarray(offset // size)
    for n, step in zip(part.shape, part.strides, strict=True):
        at = at[..., None] + np.arange(n) * (step // size)
    if at.size and (at.min() < 0 or at.max() >= base.size):
        return None
    return numbers[at]


def _index(at: Any, base: Any) -> Any:
    """Give places as an index of `base`."""
    return tuple(from_host(i, base) for i in np.unravel_index(at, base.shape)) if base.ndim else ()
