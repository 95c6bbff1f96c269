"""Nodes: how a value was made. A value's node and those of its inputs, and theirs, are its tape.

In: operations that `dispatch` and the faces' operators record. Out: what the sweeps go over.
No node points to a tensor: a graph has no cycles and dies with its last reader.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from ...language import tr
from ..core.heap import NOTED, keep_usual
from .modes import OFF, Sentinel, mode_now


class Aval:
    """Shape and dtype of a value ("abstract value"), interned: equal avals are one object.

    Comparing two avals with `is` replaces comparing shapes and dtypes on every operation and in every sweep.
    """

    __slots__ = (
        "constants",
        "dtype",
        "fast",
        "narrow",
        "ndim",
        "number",
        "odd",
        "one",
        "python",
        "quick",
        "real",
        "shape",
        "size",
        "tangent",
    )

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], python: type | None) -> None:
        self.shape, self.dtype, self.python = shape, dtype, python
        self.ndim = len(shape)
        self.size = 1
        for n in shape:
            self.size *= n
        self.real = dtype.kind != "c"
        # Whole numbers get a float gradient; the others one of their own dtype.
        self.tangent = dtype if dtype.kind in "fc" else np.dtype(np.float64)
        self.number = self.tangent.type  # what a cotangent that is the same at every entry may be
        self.one = self.number(1)  # where a sweep starts
        # Between equal avals of this kind the result and all cotangents have the same aval again.
        self.fast = dtype.kind == "f"
        self.odd = dtype.kind not in "biufc"  # objects, text, dates: no gradient passes
        self.narrow = dtype.char == "e"  # added up one by one it sticks at 2048: cotangents are, in float32
        self.quick = dtype.char in "fd"  # NumPy averages float16 in float32
        self.constants = _CONSTANTS.setdefault(dtype, {}) if self.fast and python is None and shape else None
        if self.size * dtype.itemsize >= NOTED:
            keep_usual()

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


_AVALS: dict[Any, Aval] = {}
# Python numbers as 0-d arrays of one dtype: x * 2.0 takes 581 ns, x * <0-d array of x's dtype> 290.
_CONSTANTS: dict[np.dtype[Any], dict[float, np.ndarray]] = {}
_PYTHON_DTYPES = {float: "d", int: "q", bool: "?", complex: "D"}
_MOST_CONSTANTS = 512
_ndarray = np.ndarray


def aval_of(value: Any) -> Aval:
    """Give the aval of an array, a NumPy scalar or a Python number."""
    kind = type(value)
    found = _AVALS.get(kind)  # scalars: one aval for each type; .shape and .dtype would take 0.2 us
    if found is None:
        key = (value.shape, value.dtype) if hasattr(value, "shape") else kind
        found = _AVALS.get(key)
    if found is None:
        if isinstance(key, tuple):
            found = Aval(*key, None)
            if isinstance(value, np.generic):
                _AVALS[kind] = found
        else:
            number = next((k for k in (bool, int, float, complex) if isinstance(value, k)), None)
            if number is None:
                raise TypeError(tr("a {kind} is neither an array nor a number", kind=key.__name__))
            found = Aval((), np.dtype(_PYTHON_DTYPES[number]), number)
        found = _AVALS.setdefault(key, found)  # another thread may have been faster
    return found


def aval_like(value: Any, aval: Aval) -> Aval:
    """Give the aval of a value that is likely to have `aval` (0.1 us, as against 0.25)."""
    if type(value) is _ndarray and value.dtype is aval.dtype and value.shape == aval.shape:
        return aval
    return aval_of(value)


def constant_for(aval: Aval, value: float) -> Any:
    """Give the Python number `value` as a cached 0-d array of the aval's dtype, or as it is where that could differ.

    Not cached: zero (0.0 == -0.0, and they are not the same factor), NaN, and what does not fit the dtype.
    """
    cache = aval.constants
    if cache is None or not value or value != value:
        return value
    try:
        array = np.array(value, aval.dtype)
    except OverflowError:
        return value
    if not np.isfinite(array):
        return value
    if len(cache) >= _MOST_CONSTANTS:
        cache.clear()
    array.flags.writeable = False
    cache[value] = array
    return array


class Node:
    """How one value was made: the rule, the nodes of its inputs, what the rule kept for the way back.

    Attributes
    ----------
    rule : Rule or None
        None for a leaf.
    inputs : tuple of (Node or None)
        One for each array argument; None where the argument is a constant.
    saved : tuple or None
        What the rule kept; `FREED` once a sweep has given it back.
    number : int
        Running number; ascending in the order of creation.
    aval : Aval
        Shape and dtype of the value; its cotangents have them too.
    place : tuple or None
        Where in the source: (code object, index of the instruction), interned; None if nobody watches.
    """

    __slots__ = ("__weakref__", "aval", "inputs", "number", "place", "rule", "saved")

    rule: Any
    inputs: tuple[Node | None, ...]
    saved: Any
    number: int
    aval: Aval
    place: tuple[Any, int] | None
    grad: Any = None
    watcher: Any = None

    def name(self) -> str:
        """Give the name that PyTorch shows: `AddBackward0`, or `AccumulateGrad` for a leaf."""
        if self.rule is None:
            return "AccumulateGrad"
        return self.rule.torch if self.rule.kind != "pick" else self.inputs[0].name()  # type: ignore[union-attr]

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, each with the index of the output used, as in PyTorch."""
        if (
            self.rule is not None and self.rule.kind == "pick"
        ):  # an output of several: PyTorch has one node for all
            return self.inputs[0].next_functions  # type: ignore[union-attr]
        inputs = self.inputs
        if self.rule is not None and inputs and None in inputs:
            name = self.rule.torch
            if name in ("MulBackward0", "AddBackward0") and inputs[0] is None:  # 2 * x is x * 2
                inputs = inputs[::-1]
            elif name in _OF_ONE:  # its number is no input
                inputs = tuple(n for n in inputs if n is not None)
        return tuple((node and as_pytorch(node), 0) for node in inputs)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


# Whose other operands are numbers, kept in the node.
_OF_ONE = frozenset(
    "RsubBackward1 PowBackward0 PowBackward2 ClampBackward1 RemainderBackward0 FmodBackward0 HardtanhBackward0 "
    "LeakyReluBackward0 EluBackward0 SoftplusBackward0 MaskedFillBackward0".split()
)


def as_pytorch(node: Node) -> Node:
    """Give a node with the class that PyTorch shows for it: `type(y.grad_fn).__name__` is "AddBackward0"."""
    if type(node) is Node:
        node.__class__ = _class_of(node.name())
    return node


@cache
def _class_of(name: str) -> type[Node]:
    return type(name, (Node,), {"__slots__": (), "__doc__": Node.__doc__})


class Leaf(Node):
    """The node of a value that nothing recorded made: an input. Its gradient collects in `.grad`.

    `watcher` is the observer of the cell that lifted it, told of cuts in threads that have none of their own; or
    `WANTED`, while a `gm.grad` differentiates by it.
    """

    __slots__ = ("grad", "watcher")

    def __init__(self, aval: Aval) -> None:
        self.rule, self.inputs, self.saved, self.place, self.grad, self.watcher = (
            None,
            (),
            None,
            None,
            None,
            None,
        )
        self.aval = aval
        self.number = tick()
        mode = mode_now()
        if mode is not None and mode is not OFF:
            mode(self, None, sys._getframe(1))


WANTED = Sentinel("WANTED")  # in Leaf.watcher
FREED = Sentinel("FREED")  # in Node.saved: a sweep has given the buffers back
tick = count().__next__  # of all threads: nodes and writes are in one order
HOOKS: dict[int, list[Callable[[Any], Any]]] = {}  # by the number of a node: what is to see its cotangent


class _Writes:
    """Writes in place, of all threads: `last` is the number of the last; only older nodes can hold changed values."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = -1


writes = _Writes()


def number_write() -> int:
    """Give a write in place its number."""
    number = tick()
    if (
        number > writes.last
    ):  # threads take turns at calls, not between this line and the next: none sets `last` back
        writes.last = number
    return number


def walk(*roots: Node) -> list[Node]:
    """List the nodes that `roots` depend on, themselves included, latest first."""
    seen = {root.number: root for root in roots}
    stack = list(seen.values())
    while stack:
        node: Node | None = stack.pop()
        while node is not None:  # along a chain without the stack: 0.17 us a node, with it 0.26
            following = None
            for source in node.inputs:
                if source is not None and source.number not in seen:
                    seen[source.number] = source
                    if following is None:
                        following = source
                    else:
                        stack.append(source)
            node = following
    return [seen[number] for number in sorted(seen, reverse=True)]


def watchers(root: Node) -> set[Any]:
    """Give who watches the inputs that `root` depends on: None for inputs of the user's own, or no longer known."""
    return {
        None if node.saved is FREED else node.watcher
        for node in walk(root)
        if node.rule is None or node.saved is FREED
    }


def more_than(most: int, root: Node) -> bool:
    """Tell whether `root` depends on more than `most` nodes, itself included; no more of them are looked at."""
    seen, stack = {root.number}, [root]
    while stack and len(seen) <= most:
        for node in stack.pop().inputs:
            if node is not None and node.number not in seen:
                seen.add(node.number)
                stack.append(node)
    return len(seen) > most


def all_leaves(root: Node, inputs: Sequence[Node]) -> bool:
    """Tell whether `inputs` are all the leaves that `root` depends on, and perhaps others; itself it is none."""
    wanted, seen, stack = {node.number for node in inputs if node.rule is None}, set(), [root]
    if len(wanted) < len(inputs) or root.rule is None:
        return False
    while stack:
        for source in stack.pop().inputs:
            if source is not None and (number := source.number) not in seen:
                seen.add(number)
                if source.rule is not None:
                    stack.append(source)
                elif number not in wanted:
                    return False
    return True


def between(root: Node, inputs: Iterable[Node]) -> set[int]:
    """Give the numbers of the nodes that lie on a path from `inputs` to `root`."""
    found = {node.number for node in inputs}
    for node in reversed(walk(root)):
        for source in node.inputs:  # any(...) would make a generator: 0.4 us a node
            if source is not None and source.number in found:
                found.add(node.number)
                break
    return found
