"""One operation carried back: by its rule, in the buffer of its cotangent, or not yet spread over its input.

In: a node, the cotangent of its result, and what it has saved. Out: the cotangents of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import arrays
from ..core.arrays import home_of, module_of
from ..dispatch.primitives import is_unique
from ..rules.rule import PICK, Cotangent, Saved
from ..tape.nodes import Aval, Node
from ..tape.tracked import Raw, Tracked, raw
from .unbroadcast import conform


def pulled(
    node: Node, g: Cotangent, saved: Saved, create_graph: bool, masking: Any = None
) -> Sequence[Cotangent]:
    """Give the cotangents of the inputs by the node's own rule, each brought to its input's shape and dtype."""
    rule = node.rule
    if rule.lean and masking is None:
        out, args, kwargs = saved
        return [
            None if source is None or vjp is None or (c := vjp(g, out, *args, **kwargs)) is None
            else conform(c, source.aval)
            for source, vjp in zip(node.inputs, rule.vjps, strict=False)
        ]  # fmt: skip
    if rule is PICK:
        bundle: list[Cotangent] = [None] * len(node.inputs[0].aval)  # type: ignore[union-attr, arg-type]
        bundle[saved] = g
        return (bundle,)
    if (
        rule.into is not None
        and not create_graph
        and not isinstance(g, Tracked)
        and (not saved[0].narrow or is_unique(*saved[1]))  # else scatter_add, which gathers in float32
    ):
        return (Scattered(rule.into, g, saved[1]),)
    if rule.outputs != 1 and not rule.partly:
        proto = raw(next(c for c in g if c is not None))
        g = tuple(arrays.zeros(a, proto) if c is None else c for c, a in zip(g, node.aval, strict=True))  # type: ignore
    parts = rule.pull(node, g, saved)
    if masking is not None:
        parts = [masking.masked(node, g, c) for c in parts]
    return [
        c if source is None or c is None or type(c) is list else conform(c, source.aval)
        for source, c in zip(node.inputs, parts, strict=False)
    ]


def edited(node: Node, g: Raw, saved: Saved) -> Sequence[Cotangent]:
    """Do the vjp of `x[index] = value` in the buffer of g itself, so that many writes into one array copy nothing."""
    _, (x, index, value, *_), _ = saved
    c = None
    if node.inputs[2] is not None:
        c = conform(module_of(g).array(node.rule.vjps[2](g, None, x, index, value)), node.inputs[2].aval)
    g[index] = 0
    return g, None, c


class Scattered:
    """The cotangent of `x[index]`, not yet spread over zeros of x's shape."""

    __slots__ = ("_add", "_rest", "g")

    def __init__(self, add: Any, g: Raw, rest: Any) -> None:
        self._add, self.g, self._rest = add, g, rest

    def alone(self, aval: Aval) -> Raw:
        """Give it as an array of its own."""
        return self.into(home_of(self.g, self._rest[0]).zeros(aval.shape, aval.tangent))

    def into(self, buffer: Raw) -> Raw:
        """Add it to `buffer` in place."""
        self._add(buffer, self.g, *self._rest)
        return buffer
