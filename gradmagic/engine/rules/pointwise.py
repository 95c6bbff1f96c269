"""Functions that work entry by entry: `Elementwise`, and `Select`, which chooses among its arguments.

In: one partial for each argument. Out: a `Rule` that serves reverse and forward mode, edge labels and formulas.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import fused
from ..core.interpreter import parameter_given
from ..core.masked import masked
from ..tape.nodes import Node
from ..tape.tracked import Raw
from .formulas import body_of, parameters_of
from .rule import MINUS, SAME, ZERO, Cotangent, Kept, Partial, Rule, Saved, Unpacked, joined, wants


class Elementwise(Rule):
    """Each output entry depends on the entries at its own place: `partials[i](out, *args)` is d out / d args[i]."""

    kind = "elementwise"

    def __init__(self, function: Any, partials: tuple[Any, ...], torch: str = "") -> None:
        super().__init__(function, torch)
        self.partials = partials
        self.computes = not all(isinstance(p, Partial) for p in partials)
        number = len(partials)
        wanted = [wants(p, number + 1) for p in partials]
        # By the mask of the arguments that are tracked: which of (out, *args) are kept.
        self.keeps: list[tuple[Any, ...]] = [
            tuple(any(wanted[i][k] for i in range(number) if mask >> i & 1) for k in range(number + 1))
            for mask in range(1 << number)
        ]
        if number == 1 and hasattr(partials[0], "asks"):  # instead of True: what tells it of large arrays
            self.keeps[1] = (self.keeps[1][0], partials[0].asks)
        self._needed = tuple(self.keeps)
        self.twin = self._twin()

    def _twin(self) -> Elementwise:
        """The same rule for nodes whose inputs and output have one real aval: the sweep needs no other check."""
        twin = copy.copy(self)
        twin.fast = True
        twin.moves = tuple(map(_move, self.partials))
        return twin

    def called(self, torch: str) -> Elementwise:
        other: Elementwise = super().called(torch)
        other.twin = other._twin()
        return other

    def keep(self, out: Raw, args: Sequence[Any], kwargs: dict[str, Any], mask: int) -> Saved:
        if not self.computes:
            return None
        # A list, and no strict=: 0.3 us less than what they would be besides.
        return tuple(
            [
                v if k and (k is True or getattr(v, "size", 1) <= FEW or k(out, v)) else None
                for v, k in zip((out, *args), self.keeps[mask])  # noqa: B905
            ]
        )

    def keep_all(self, on: bool) -> None:
        """Keep out and all arguments, or only what the derivative needs: in the table, for `call_unary` looks at it."""
        self.keeps[:] = [(True,) * len(row) for row in self._needed] if on else self._needed

    def packed(self, out: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Saved:
        return out, *args

    def unpacked(self, saved: Saved) -> Unpacked:
        return (None, (None,) * len(self.partials), {}) if saved is None else (saved[0], saved[1:], {})

    def partial(self, argument: int, kept: Kept) -> Raw:
        """Give d out / d args[argument] as a number or array."""
        p = self.partials[argument]
        return int(p.text) if isinstance(p, Partial) else p(kept.out, *kept.args)

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        cotangents: list[Cotangent] = []
        for source, p in zip(node.inputs, self.partials, strict=True):
            if source is None or p is ZERO:
                cotangents.append(None)
            elif p is SAME:
                cotangents.append(g)
            elif p is MINUS:
                cotangents.append(-g)
            else:
                real = node.aval.real and source.aval.real
                share = fused_share(p, g, saved) if real and type(g) not in HOST else NotImplemented
                if share is NotImplemented:
                    d = p(*saved)
                    share = g * d if real else g * np.conj(d)
                cotangents.append(share)
        return cotangents

    def push(self, node: Node, tangents: Sequence[Cotangent], saved: Saved) -> Any:
        total = None
        for t, p in zip(tangents, self.partials, strict=True):
            if t is None or p is ZERO:
                continue
            term = t if p is SAME else -t if p is MINUS else self.scaled(t, p(*saved))
            total = term if total is None else total + term
        return total

    def wrapped(
        self, node: Node
    ) -> Saved:  # as Rule's; what that does for all kinds took a Hessian 11 % more
        saved = node.saved
        return saved and tuple([joined(v, n) for v, n in zip(saved, (node, *node.inputs), strict=True)])

    @staticmethod
    def scaled(t: Any, partial: Any) -> Any:
        """Give the share of one argument's tangent in the output's."""
        return t * partial

    def formula(self, argument: int, of_complex: bool = False) -> tuple[str, tuple[str, ...]]:
        p = self.partials[argument]
        if isinstance(p, Partial):
            return p.text, ()
        return body_of(p, of_complex), tuple(name.lstrip("_") for name in parameters_of(p))


FEW = 1 << 15  # entries of an array: of fewer, asking whether to keep it takes longer than keeping


class Select(Elementwise):
    """Elementwise by choosing among its arguments (where, maximum): what was not chosen gets 0, never 0 * inf = NaN."""

    def _twin(self) -> Elementwise:
        return self

    def pull(self, node: Node, g: Cotangent, saved: Saved) -> Sequence[Cotangent]:
        cotangents: list[Cotangent] = []
        for source, p in zip(node.inputs, self.partials, strict=True):
            if source is None or p is ZERO:
                cotangents.append(None)
                continue
            share = fused_share(p, g, saved, _chosen) if type(g) not in HOST else NotImplemented
            cotangents.append(_chosen(g, p(*saved)) if share is NotImplemented else share)
        return cotangents

    scaled = staticmethod(lambda t, partial: _chosen(t, partial))


HOST = frozenset(
    {np.ndarray, int, float, complex, *(np.dtype(c).type for c in "efdFD")}
)  # never for a kernel


def of_tables(p: Any) -> bool:
    """Tell whether a partial is of gradmagic's own; one of the user's may give something else the next time."""
    return getattr(p, "__closure__", "") is None and p.__module__.startswith(_TABLES)


def fused_share(p: Any, g: Cotangent, saved: Saved, product: Any = operator.mul) -> Any:
    """Give `product(g, p(*saved))` by one kernel, on a device; NotImplemented if that cannot be."""
    if not of_tables(p):
        return NotImplemented
    key = (p, product)
    if key not in _SHARES:
        _SHARES[key] = lambda g, *saved: product(g, p(*saved))
    return fused.applied(key, _SHARES[key], g, *saved)


_SHARES: dict[Any, Any] = {}
_TABLES = "gradmagic.engine.derivatives."


def _move(partial: Any) -> Any:
    """Give k for a partial that is the k-th saved value itself (x * y): `g * saved[k]` needs no call (70 ns)."""
    if isinstance(partial, Partial):
        return None if partial is ZERO else partial
    given = parameter_given(partial.__code__)
    return partial if given is None else given


def _chosen(g: Any, weight: Any) -> Any:
    chosen = masked(g, weight)
    return chosen if getattr(weight, "dtype", np.bool_) == np.bool_ else chosen * weight
