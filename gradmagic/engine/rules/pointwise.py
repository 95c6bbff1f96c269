"""Functions that work entry by entry: `Elementwise`, and `Select`, which chooses among its arguments.

In: one partial for each argument. Out: a `Rule` that serves reverse and forward mode, edge labels and formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.interpreter import parameter_given
from ..core.masked import masked
from ..tape.nodes import Node
from .formulas import body_of, parameters_of, torch_name
from .rule import MINUS, SAME, ZERO, Partial, Rule, joined, kept_of


class Elementwise(Rule):
    """Each output entry depends on the entries at its own place: `partials[i](out, *args)` is d out / d args[i]."""

    kind = "elementwise"

    def __init__(self, function: Any, partials: tuple[Any, ...], torch: str = "") -> None:
        super().__init__(function, torch)
        self.partials = partials
        self.computes = not all(isinstance(p, Partial) for p in partials)
        self._kept = [kept_of(p, len(partials) + 1) for p in partials]
        self.keeps = [
            tuple(
                any(self._kept[i][k] for i in range(len(partials)) if mask >> i & 1)
                for k in range(len(partials) + 1)
            )
            for mask in range(1 << len(partials))
        ]
        self.twin = self._twin()

    def _twin(self) -> Elementwise:
        """The same rule for nodes whose inputs and output have one real aval: the sweep needs no other check."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.fast = True
        twin.moves = tuple(map(_move, self.partials))
        return twin

    def called(self, torch: str) -> Elementwise:
        """The same rule under another of PyTorch's names (`1 - x` shows RsubBackward1)."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, torch=torch_name(self.name, torch))
        other.twin = other._twin()
        return other

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        mask = sum(1 << i for i, node in enumerate(inputs) if node is not None)
        keep = self.keeps[mask]
        if not self.computes:
            return None
        return tuple(v if k else None for v, k in zip((out, *args), keep, strict=True))

    def partial(self, argument: int, saved: Any) -> Any:
        """Give d out / d args[argument] as a number or array."""
        p = self.partials[argument]
        if isinstance(p, Partial):
            return int(p.text)
        return p(*saved)

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        cotangents: list[Any] = []
        for source, p in zip(node.inputs, self.partials, strict=True):
            if source is None or p is ZERO:
                cotangents.append(None)
            elif p is SAME:
                cotangents.append(g)
            elif p is MINUS:
                cotangents.append(-g)
            else:
                d = p(*saved)
                cotangents.append(g * d if node.aval.real and source.aval.real else g * np.conj(d))
        return cotangents

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        total = None
        for t, p in zip(tangents, self.partials, strict=True):
            if t is None or p is ZERO:
                continue
            term = t if p is SAME else -t if p is MINUS else self.scaled(t, p(*saved))
            total = term if total is None else total + term
        return total

    @staticmethod
    def scaled(t: Any, partial: Any) -> Any:
        """Give the share of one argument's tangent in the output's."""
        return t * partial

    def wrapped(self, node: Node) -> Any:
        if node.saved is None:
            return None
        return tuple(joined(v, n) for v, n in zip(node.saved, (node, *node.inputs), strict=True))

    def formula(self, argument: int) -> tuple[str, tuple[str, ...]]:
        p = self.partials[argument]
        if isinstance(p, Partial):
            return p.text, ()
        return body_of(p), tuple(name.lstrip("_") for name in parameters_of(p))


class Select(Elementwise):
    """Elementwise by choosing among its arguments (where, maximum): what was not chosen gets 0, never 0 * inf = NaN."""

    def _twin(self) -> Elementwise:
        return self

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        return [
            None if source is None or p is ZERO else _chosen(g, p(*saved))
            for source, p in zip(node.inputs, self.partials, strict=True)
        ]

    scaled = staticmethod(lambda t, partial: _chosen(t, partial))


def _move(partial: Any) -> Any:
    """Give k for a partial that is the k-th saved value itself (x * y): `g * saved[k]` needs no call (70 ns)."""
    if isinstance(partial, Partial):
        return None if partial is ZERO else partial
    given = parameter_given(partial.__code__)
    return partial if given is None else given


def _chosen(g: Any, weight: Any) -> Any:
    chosen = masked(g, weight)
    return chosen if getattr(weight, "dtype", np.bool_) == np.bool_ else chosen * weight
