"""What every kind of derivative has: `Rule`; what a node keeps for it: `Kept`; partials that need no computing.

In: a function and its derivative. Out: a `Rule`, whose subclasses stand in pointwise.py and kinds.py.

What a node keeps. When an operation is recorded, `Rule.keep` chooses what the way back needs, in a shape of the rule's
own, quick to make and to take apart: dispatch/calls.py and faces/operators.py write the common shapes out, the sweeps
hand `node.saved` to `pull` and `push` as it is, and `_everyday` reads the two shapes that it computes with itself.
Everybody else reads it by `rule.kept(node)`, a `Kept`, and writes it by `rule.packed(*kept)`; or walks through its
arrays, whatever their places, by tape/memory.py's `arrays_in`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..core import arrays
from ..tape.nodes import FREED, Node, tick
from ..tape.tracked import Raw, Tracked, raw
from .formulas import name_of, parameters_of, torch_name

Saved = Any  # what a rule keeps in `node.saved`, in its own shape; `FREED` once a sweep has given it back
# A Raw, or tracked while the sweep itself is recorded; a list of them for several outputs; None stands for zero. A
# tangent is the same.
Cotangent = Any


class Partial:
    """A derivative that needs no computing; the backward sweep looks for these by identity."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


SAME = Partial("1")
MINUS = Partial("-1")
ZERO = Partial("0")


class Kept(NamedTuple):
    """What a node has kept of its operation, in one shape for all rules.

    Attributes
    ----------
    out : array, number, tuple of them, or None
        The result (of several a tuple); None where the derivative does not need it. Of a checkpoint its results, of an
        autograd.Function what it has saved.
    args : sequence
        An entry for each argument, in the order of the call: its value; its `Aval`, where only shape and dtype are
        kept; None, where nothing is. `args[i]` belongs to `node.inputs[i]`, with `rule.sequence` `args[0][i]` does.
        Empty where the function's arguments are not the operation's inputs (checkpoint, autograd.Function).
    kwargs : dict
        The settings that were given by keyword.
    """

    out: Any
    args: Sequence[Any]
    kwargs: dict[str, Any]


Unpacked = tuple[Any, Sequence[Any], dict[str, Any]]


class Rule:
    """The derivative of one function. Subclasses say how it is declared."""

    kind: ClassVar[str] = ""
    everything: ClassVar[int] = 0  # how many replays run: they want all arguments kept
    fast = False  # the sweep itself multiplies: g * partial
    lean = False  # one output, a vjp for each argument: the sweep itself calls them
    frees = True  # what it keeps are arrays, given back after a sweep
    sequence = False  # the first argument is a sequence of arrays
    outputs: int | str = 1  # a number of outputs, or "list"
    into: Callable[..., Any] | None = None  # (buffer, g, *settings): adds the cotangent in place (getitem)
    edits = False  # the first input's cotangent is the output's, edited in place where a sweep may (set_item)
    symmetric: bool | str = (
        False  # it means changes of both triangles together; or the setting that makes it so
    )
    partly = False  # of several outputs' cotangents those that are zero may come as None
    view = False  # the output may share the first argument's memory
    partials: tuple[Any, ...] = ()
    settings: frozenset[str] | None = frozenset()  # keyword arguments that the derivative knows; None: any
    # What the derivatives read as, and the names in that, of rules that are not entry by entry: nn/readings.py.
    readings: tuple[Any, ...] = ()
    named: tuple[str, ...] = ()
    moves: tuple[Any, ...] = ()  # the partials as the sweep takes them, see _move

    def __init__(self, function: Any, torch: str, unnamed: str = "") -> None:
        self.function = function
        self.name = name_of(function, unnamed)
        self.torch = torch_name(self.name, torch)

    def __repr__(self) -> str:
        return f"<{self.kind} rule of {self.name}>"

    def called(self, torch: str) -> Any:
        """Give the same rule under another of PyTorch's names (`1 - x` shows RsubBackward1)."""
        other = copy.copy(self)
        other.torch = torch_name(self.name, torch)
        return other

    def keep(self, out: Raw, args: Sequence[Any], kwargs: dict[str, Any], mask: int) -> Saved:
        """Give what the node saves; bit i of `mask` says whether argument i is tracked."""
        raise NotImplementedError

    def packed(self, out: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Saved:
        """Give what `node.saved` is to be for it to read as `Kept(out, args, kwargs)`."""
        raise NotImplementedError

    def unpacked(self, saved: Saved) -> Unpacked:
        """Give the (out, args, kwargs) that were packed; see `Kept`, which takes 0.3 us more to make."""
        return None, (), {}

    def kept(self, node: Node) -> Kept | None:
        """Give what a node of this rule has kept; None if a sweep has given it back."""
        return None if node.saved is FREED else Kept(*self.unpacked(node.saved))

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        """Give the cotangents of the inputs from the cotangent `g` of the output (vjp)."""
        raise NotImplementedError

    def push(self, node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Any:
        """Give the tangent of the output from the tangents of the inputs (jvp); None stands for zero.

        NotImplemented: forward mode takes the transpose of `pull`, which is linear in the cotangent (forward.py).
        """
        return NotImplemented

    def wrapped(self, node: Node) -> Saved:
        """Give `node.saved` with its arrays joined to their nodes again, to differentiate the sweep itself."""
        out, args, kwargs = self.unpacked(node.saved)
        inputs = (*node.inputs, *[None] * (len(args) - len(node.inputs)))
        args = tuple(joined(a, n) for a, n in zip(args, inputs, strict=False))
        if self.outputs == 1:
            out = joined(out, node)
        elif out is not None:
            out = tuple(joined(o, pick(node, i)) for i, o in enumerate(out))
        return self.packed(out, args, kwargs)

    def refuses(self, options: Iterable[str]) -> str:
        """Name the first of these keyword arguments that the derivative does not know; "" if it knows all."""
        if self.settings is None:
            return ""
        return next((option for option in options if option not in self.settings), "")

    def means_symmetric(self, kwargs: dict[str, Any]) -> bool:
        """Tell whether the derivative by the first argument is that along symmetric (Hermitian) changes."""
        kind = self.symmetric
        return bool(kwargs.get(kind, False)) if isinstance(kind, str) else kind

    def reading(
        self, argument: int, shapes: tuple[Any, ...], args: tuple[Any, ...]
    ) -> tuple[str, tuple[str, ...]]:
        """Give what the derivative reads as, which may hang on the arguments, and the names in it."""
        text = self.readings[argument] if argument < len(self.readings) else ""
        return (text(shapes, args) if callable(text) else text), self.named

    def formula(self, argument: int, of_complex: bool = False) -> tuple[str, tuple[str, ...]]:
        """Give the source text of the derivative by one argument, and the names that it uses for out and arguments.

        Examples
        --------
        >>> import numpy as np
        >>> from gradmagic.engine.rules.declare import RULES
        >>> RULES[np.multiply].formula(0)
        ('y', ('z', 'x', 'y'))
        """
        return "", ()


class Pick(Rule):
    """One output of a function with several; it keeps which. The sweep collects their cotangents without zeros."""

    kind = "pick"
    frees = False

    def packed(self, out: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Saved:
        return args[1]

    def unpacked(self, saved: Saved) -> Unpacked:
        return None, (None, saved), {}

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        avals: Any = node.inputs[0].aval  # type: ignore[union-attr]
        return (tuple(g if i == saved else arrays.zeros(aval, raw(g)) for i, aval in enumerate(avals)),)

    def push(self, node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Any:
        return tangents[0][saved]


PICK = Pick(lambda outputs, index: outputs[index], "Select", "output")
CONSTANT = Rule(lambda: None, "")  # functions without a derivative by nature


def pick(node: Node, index: int) -> Node:
    """Make the node of output `index` of a node with several outputs."""
    one = object.__new__(Node)
    one.rule, one.inputs, one.saved, one.place = PICK, (node,), index, node.place
    one.aval = node.aval[index]  # type: ignore[index]
    one.number = tick()
    return one


def wants(function: Any, length: int, skip: int = 0) -> list[bool]:
    """Tell for (out, *args) which of them `function` wants kept, by the names of its parameters."""
    if isinstance(function, Partial) or function is None:
        return [False] * length
    names = parameters_of(function)[skip:]
    rest = bool(function.__code__.co_flags & 0x04)  # *args keeps all that follows
    return [
        (i >= len(names) and rest) or (i < len(names) and not names[i].startswith("_")) for i in range(length)
    ]


def joined(value: Raw, node: Node | None) -> Any:
    """Join an array that was saved to the node that made it; anything else stays."""
    if value is None or node is None:
        return value
    if not (arrays.is_array(value) or isinstance(value, (np.generic, float, complex))):
        return value
    return Tracked.joined(value, node)
