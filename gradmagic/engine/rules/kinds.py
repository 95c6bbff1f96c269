"""Two kinds of derivatives: `LinearMap`, by a transpose, and `General`, by a vjp for each argument.

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
from ..tape.tracked import Raw, raw
from .formulas import keywords_of, parameters_of
from .rule import Cotangent, Rule, Saved, Unpacked, wants


class LinearMap(Rule):
    """Linear in its first argument; `transpose(g, like, *rest, **kwargs)`. Forward mode is the function itself."""

    kind = "linear"
    frees = False  # it keeps settings, no arrays of weight

    def __init__(
        self,
        function: Any,
        transpose: Callable[..., Any],
        torch: str,
        affine: tuple[str, ...],
        sequence: bool,
        view: bool,
        into: Callable[..., Any] | None,
        along: Callable[..., Any] | None,
    ) -> None:
        super().__init__(function, torch)
        self.transpose, self.affine, self.along = transpose, affine, along
        self.sequence, self.view, self.into = sequence, view, into
        self.settings = keywords_of(transpose)

    def keep(self, out: Raw, args: Sequence[Any], kwargs: dict[str, Any], mask: int) -> Saved:
        if not self.sequence:
            return aval_of(args[0]), args[1:], kwargs
        # All that a transpose asks of a part is its shape and dtype: the part itself has them too.
        like = [aval_of(a) if not self.everything else a if hasattr(a, "shape") else scalar(a) for a in args[0]]
        return like, args[1:], kwargs

    def packed(self, out: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Saved:
        return args[0], args[1:], kwargs

    def unpacked(self, saved: Saved) -> Unpacked:
        like, rest, kwargs = saved
        return None, (like, *rest), kwargs

    def wrapped(self, node: Node) -> Saved:
        return node.saved  # no arrays

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        like, rest, kwargs = saved
        c = self.transpose(g, like, *rest, **kwargs)
        return c if self.sequence else (c,)

    def push(self, node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Any:
        like, rest, kwargs = saved
        if self.along is not None:
            return self.along(tangents[0], like, *rest, **kwargs)
        if self.affine:
            names = parameters_of(self.transpose)[2:]
            rest = [self._moved(n, v) for n, v in zip(names, rest, strict=False)]
            kwargs = {n: self._moved(n, v) for n, v in kwargs.items()}
        if not self.sequence:
            return self.function(tangents[0], *rest, **kwargs)
        proto = raw(next(t for t in tangents if t is not None))
        filled = [arrays.zeros(a, proto) if t is None else t for t, a in zip(tangents, like, strict=True)]
        return self.function(filled, *rest, **kwargs)

    def _moved(self, name: str, value: Any) -> Any:
        if name not in self.affine or value is None or value is np._NoValue:
            return value
        number = isinstance(value, (int, float, complex, np.number))
        return value * 0 if number else np.zeros_like(value)


class General(Rule):
    """One vjp for each differentiable argument, or one function of the argument's index (`each`)."""

    kind = "rule"

    def __init__(
        self,
        function: Any,
        vjps: tuple[Callable[..., Any] | None, ...],
        each: Callable[..., Any] | None,
        multilinear: bool,
        torch: str,
        outputs: int | str,
        edits: bool,
        partly: bool,
        symmetric: bool | str,
    ) -> None:
        super().__init__(function, torch)
        self.vjps, self.each, self.multilinear = vjps, each, multilinear
        self.outputs, self.edits, self.partly, self.symmetric = outputs, edits, partly, symmetric
        self.lean = each is None and outputs == 1
        self.settings = keywords_of(each or next(vjp for vjp in vjps if vjp is not None))
        self._keeps: dict[tuple[int, int], tuple[bool, list[bool] | None]] = {}

    def keeps(self, mask: int, count: int) -> tuple[bool, list[bool] | None]:
        """Tell for the output and for `count` arguments which are kept (None: all), if those in `mask` are tracked."""
        if self.everything:
            return True, None
        found = self._keeps.get((mask, count))
        if found is None:
            wanted = [False] * (count + 1)
            for i, function in enumerate(self.vjps):
                if mask >> i & 1 and function is not None:
                    wanted = [a or b for a, b in zip(wanted, wants(function, count + 1, skip=1), strict=True)]
            out, *args = wanted
            found = self._keeps[mask, count] = out, None if all(args) else args
        return found

    def keep(self, out: Raw, args: Sequence[Any], kwargs: dict[str, Any], mask: int) -> Saved:
        if self.each is not None:
            return out, tuple(args), kwargs
        keep_out, keep = self.keeps(mask, len(args))
        if keep is not None:
            args = [  # a list, not a generator: 0.2 us less
                a if k or not arrays.is_typed(a) else aval_of(a)
                for a, k in zip(args, keep, strict=True)
            ]
        return (out if keep_out else None), tuple(args), kwargs

    def packed(self, out: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Saved:
        return out, args, kwargs

    def unpacked(self, saved: Saved) -> Unpacked:
        return saved  # type: ignore[no-any-return]

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        out, args, kwargs = saved
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

    def push(self, node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Any:
        if not self.multilinear:
            return NotImplemented
        _, args, kwargs = saved
        terms = [
            self.function(*args[:i], t, *args[i + 1 :], **kwargs)
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return reduce(operator.add, terms)


def scalar(a: Any) -> Any:
    """Give a Python number as NumPy's, which has a shape and a dtype."""
    return np.asarray(a)[()]


NUMBERS = frozenset({float, int, complex})
