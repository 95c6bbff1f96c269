"""What the sweeps of a cell meet and do: gradients that are still held, steps that are taken, a loss that grows.

In: each `backward()` of the user's, before and after, with the tensors that require grad. Out: what mistakes.py tells.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...engine.core import arrays
from ...engine.core.places import Place
from ...engine.core.values import Value, summarise
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.nodes import Leaf
from ...engine.tape.tracked import is_a

_LATEST = 100  # sweeps that are looked at for growth


@dataclass
class Followed:
    """A tensor that gradients collect in, from sweep to sweep."""

    number: int = -1  # of its node
    value: Any = None  # at the last sweep
    grad: Any = None  # of the last sweep that reached it
    before: Value | None = None  # what `.grad` held when the cell's first sweep began
    held: bool = False  # whether `.grad` held something when the last sweep began
    old: bool = False  # whether what it held was there before a step
    mixed: bool = False  # whether `.grad` is of both sides of a step
    mixed_steps: int = 0  # steps that were taken by such a gradient
    steps: int = 0
    reached: int = 0  # sweeps that reached it
    summed: int = 0  # of these, those whose sum `.grad` is


class Swept(NamedTuple):
    """One sweep: the result and where it was made; products over all that is followed."""

    value: float
    place: Place | None
    along: float  # of the step before it and the gradient before that: negative against the gradient
    turned: float  # of its gradient and the gradient before: negative where it points back


@dataclass
class Training:
    """All sweeps of a cell."""

    followed: dict[str, Followed] = field(default_factory=dict)
    latest: deque[Swept] = field(default_factory=lambda: deque(maxlen=_LATEST))
    reached: set[int] = field(default_factory=set)  # the leaves that any sweep reached, by number
    line: int | None = None  # of the cell's first backward()
    _along: float = 0.0

    def began(self, tensors: Mapping[str, Any], line: int | None, adds: bool) -> None:
        """A sweep begins, which adds to `.grad` or not: see what is held, and what was changed since the one before."""
        if self.line is None and adds:
            self.line = line
        with np.errstate(all="ignore"):
            self._along = self._stepped(tensors)
            self._meet(tensors, adds)

    def _meet(self, tensors: Mapping[str, Any], adds: bool) -> None:
        for name, tensor in _leaves(tensors):
            found = self.followed.setdefault(name, Followed())
            found.number, found.value = tensor.node.number, copy(tensor.array)
            if not adds:
                continue
            grad = tensor.node.grad
            found.held = grad is not None and _any(grad.array)
            if found.held and not found.reached:
                found.before = summarise(arrays.to_host(copy(grad.array)))
            if not found.held:
                found.old = found.mixed = False

    def ended(self, grads: Mapping[int, Any], value: float | None, place: Place | None, adds: bool) -> None:
        """A sweep is over; `grads` are what it brought, by the leaves' numbers."""
        turned = 0.0
        self.reached |= grads.keys()
        with np.errstate(all="ignore"):
            for found in self.followed.values():
                grad = grads.get(found.number)
                if grad is not None:
                    before = found.grad
                    self._add(found, grad, adds)
                    turned += _product(found.grad, before)
        self.latest.append(Swept(math.nan if value is None else value, place, self._along, turned))

    def _add(self, found: Followed, grad: Any, adds: bool) -> None:
        found.grad = grad if hasattr(grad, "ndim") else np.float64(grad)
        if not adds:
            return
        found.reached += 1
        if found.reached == 1 and not found.held:
            found.before = None
        found.summed = found.summed + 1 if found.held else 1
        found.mixed |= found.held and found.old

    def close(self, tensors: Mapping[str, Any]) -> None:
        """The cell is over: a last step may have been taken."""
        with np.errstate(all="ignore"):
            self._stepped(tensors)

    def _stepped(self, tensors: Mapping[str, Any]) -> float:
        """Count what was changed since the last sweep; give the product of the changes and the gradients before."""
        along = 0.0
        for name, tensor in _leaves(tensors):
            found = self.followed.get(name)
            if found is None or found.value.shape != tensor.array.shape:
                continue
            now, before = _together(tensor.array, found.value)
            change = now - before
            if _any(change):
                along += _product(change, found.grad)
                found.steps += 1
                found.mixed_steps += found.mixed
                found.old = True
        return along

    def growth(self) -> tuple[float, float, int, Place | None] | None:
        """Give from where to where the result grew in the last sweeps, over how many, and where it is made.

        Only where each step went against the gradient and past the minimum, so that the next gradient points back:
        another sample, or a step along the gradient, makes a result grow as well.
        """
        swept = list(self.latest)
        while swept and not math.isfinite(swept[-1].value):
            swept.pop()
        count = 0
        for before, after in zip(swept[-2::-1], swept[::-1], strict=False):
            if not (after.value > before.value and after.along < 0 and after.turned < 0):
                break
            count += 1
        if count < 3 or len({id(s.place) for s in swept}) > 1:
            return None
        return swept[-1 - count].value, swept[-1].value, count + 1, swept[-1].place


def _leaves(tensors: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, t) for name, t in tensors.items() if is_a(t, Tensor) and type(t.node) is Leaf]


def _together(a: Any, b: Any) -> tuple[Any, Any]:
    """Give two arrays where they can be reckoned with: on the host, if the cell has moved one of them."""
    if arrays.device_of(a) == arrays.device_of(b):
        return a, b
    return arrays.to_host(a), arrays.to_host(b)


def _any(a: Any) -> bool:
    """Tell whether an entry is not 0; a NaN that stays is no change."""
    if not a.ndim:
        return bool(abs(a) > 0)
    return bool(np.any(np.abs(a) > 0))


def _product(a: Any, b: Any) -> float:
    """Multiply entry by entry and add up; 0 where one of them is not there."""
    if b is None or a.shape != b.shape:
        return 0.0
    a, b = _together(a, b)
    found = (a * b.conj()).real if not a.ndim else np.vdot(a, b).real
    return 0.0 if found != found else float(found)
