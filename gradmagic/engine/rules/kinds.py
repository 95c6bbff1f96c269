"""The kinds of derivatives: `Linear`, `General`, `Pick`, and `Elementwise` from pointwise.py; `declare` makes them.

In: a function and its derivative. Out: a `Rule`: what to keep for the way back, and how to pull a cotangent back.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..core import arrays
from ..tape.nodes import Node, aval_of
from ..tape.tracked import Tracked
from .formulas import keywords_of, parameters_of
from .pointwise import Elementwise, Select
from .rule import MINUS, SAME, ZERO, Rule, joined, kept_of

__all__ = [
    "CONSTANT",
    "MINUS",
    "PICK",
    "SAME",
    "ZERO",
    "Elementwise",
    "General",
    "Linear",
    "Rule",
    "Select",
    "pick",
]


class Linear(Rule):
    """Linear in its first argument; `transpose(g, like, *rest, **kwargs)`. Forward mode is the function itself.

    `affine` names the settings that add a constant to the result (a sum's `initial`); a tangent is moved without them.
    """

    kind = "linear"
    frees = False  # it keeps settings, no arrays of weight

    def __init__(
        self,
        function: Any,
        transpose: Callable[..., Any],
        torch: str,
        sequence: bool,
        affine: tuple[str, ...] = (),
    ) -> None:
        super().__init__(function, torch)
        self.transpose, self.sequence, self.affine = transpose, sequence, affine
        self.settings = keywords_of(transpose)

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        like = [aval_of(a) for a in args[0]] if self.sequence else aval_of(args[0])
        return like, args[1:], kwargs

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        like, rest, kwargs = saved
        c = self.transpose(g, like, *rest, **kwargs)
        return c if self.sequence else (c,)

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        like, rest, kwargs = saved
        if self.affine:
            names = parameters_of(self.transpose)[2:]
            rest = [self._moved(n, v) for n, v in zip(names, rest, strict=False)]
            kwargs = {n: self._moved(n, v) for n, v in kwargs.items()}
        if not self.sequence:
            return self.function(tangents[0], *rest, **kwargs)
        proto = next(t for t in tangents if t is not None)
        proto = proto.array if isinstance(proto, Tracked) else proto
        filled = [arrays.zeros(a, proto) if t is None else t for t, a in zip(tangents, like, strict=True)]
        return self.function(filled, *rest, **kwargs)

    def _moved(self, name: str, value: Any) -> Any:
        if name not in self.affine or value is None or value is np._NoValue:
            return value
        number = isinstance(value, (int, float, complex, np.number))
        return value * 0 if number else np.zeros_like(value)

    def wrapped(self, node: Node) -> Any:
        return node.saved


class General(Rule):
    """One vjp for each differentiable argument, or one function of the argument's index (`each`)."""

    kind = "rule"
    everything = False  # keep all arguments (replay.py), not only what the vjps name

    def __init__(
        self,
        function: Any,
        vjps: tuple[Callable[..., Any] | None, ...],
        each: Callable[..., Any] | None,
        multilinear: bool,
        torch: str,
        sequence: bool,
        outputs: int | str,
    ) -> None:
        super().__init__(function, torch)
        self.vjps, self.each, self.multilinear = vjps, each, multilinear
        self.sequence, self.outputs = sequence, outputs
        self.settings = keywords_of(each or next(vjp for vjp in vjps if vjp is not None))
        self.plain = each is None and not sequence and outputs == 1
        self._keeps: dict[tuple[int, int], list[bool]] = {}

    def keeps(self, mask: int, count: int) -> list[bool]:
        """Tell for (out, *args) of `count` arguments which are kept, if the arguments in `mask` are tracked."""
        if self.everything:
            return [True] * (count + 1)
        found = self._keeps.get((mask, count))
        if found is None:
            found = [False] * (count + 1)
            for i, function in enumerate(self.vjps):
                if mask >> i & 1 and function is not None:
                    kept = kept_of(function, count + 1, skip=1)
                    found = [a or b for a, b in zip(found, kept, strict=True)]
            self._keeps[mask, count] = found
        return found

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        if self.each is not None or self.sequence:
            return out, tuple(args), kwargs
        mask = sum(1 << i for i, node in enumerate(inputs) if node is not None)
        keep = self.keeps(mask, len(args))
        args = tuple(
            scalar(a) if mask >> i & 1 and type(a) in NUMBERS
            else a if k or not (isinstance(a, np.generic) or arrays.is_array(a))
            else aval_of(a)
            for i, (a, k) in enumerate(zip(args, keep[1:], strict=True))
        )
        return (out if keep[0] else None), args, kwargs

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        out, args, kwargs = saved
        if self.sequence:
            return self.vjps[0](g, out, *args, **kwargs)  # type: ignore[misc]
        if self.each is not None:
            return [
                None if source is None else self.each(g, i, out, *args, **kwargs)
                for i, source in enumerate(node.inputs)
            ]
        return [
            None if source is None or (vjp := self.vjps[i] if i < len(self.vjps) else None) is None
            else vjp(g, out, *args, **kwargs)
            for i, source in enumerate(node.inputs)
        ]  # fmt: skip

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        if not self.multilinear:
            return NotImplemented
        _, args, kwargs = saved
        terms = [
            self.function(*args[:i], t, *args[i + 1 :], **kwargs)
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return reduce(operator.add, terms)

    def wrapped(self, node: Node) -> Any:
        out, args, kwargs = node.saved
        if self.sequence:
            first = [joined(a, n) for a, n in zip(args[0], node.inputs, strict=True)]
            args = (first, *args[1:])
        else:
            args = tuple(
                joined(a, node.inputs[i] if i < len(node.inputs) else None) for i, a in enumerate(args)
            )
        if self.outputs == 1:
            out = joined(out, node)
        elif out is not None:
            out = tuple(joined(o, pick(node, i)) for i, o in enumerate(out))
        return out, args, kwargs


def scalar(a: Any) -> Any:
    """Give a Python number as NumPy's, which has a shape and a dtype."""
    return np.asarray(a)[()]


NUMBERS = frozenset({float, int, complex})


class Pick(Rule):
    """One output of a function with several: the sweep collects their cotangents in a list."""

    kind = "pick"
    frees = False

    def wrapped(self, node: Node) -> Any:
        return node.saved

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        return tangents[0][saved]


def pick(node: Node, index: int) -> Node:
    """Make the node of output `index` of a node with several outputs."""
    from ..tape.nodes import tick

    one = object.__new__(Node)
    one.rule, one.inputs, one.saved, one.place = PICK, (node,), index, node.place
    one.aval = node.aval[index]  # type: ignore[index]
    one.number = tick()
    return one


CONSTANT = Rule(lambda: None, "")  # functions without a derivative by nature
PICK = Pick(lambda outputs, index: outputs[index], "Select")
PICK.name = "output"
