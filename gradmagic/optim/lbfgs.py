"""`LBFGS`: steps by a model of the curvature from the last gradients, for smooth losses without noise.

In: parameters, and a `closure` that computes the loss and its gradients anew. The direction is the two-loop recursion
(J. Nocedal, S. Wright, "Numerical Optimization", algorithm 7.4), the line search theirs for the strong Wolfe conditions
(3.5 and 3.6), with PyTorch's choices of what is left open there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.tape.modes import enable_grad, no_grad
from ..language import tr
from .moving import Moving


@dataclass
class _Point:
    """A place along a line: how far, the loss there, its gradient, and its slope along the line."""

    t: float
    loss: float
    g: Any
    slope: float


def _cubic(a: _Point, b: _Point, low: float, high: float) -> float:
    """Give the lowest point of the cubic through both losses and slopes, held between `low` and `high`."""
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    if a.t > b.t:
        a, b = b, a
    bottom = b.slope - a.slope + 2 * d2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / bottom) if bottom else math.nan
    return min(max(t, low), high)


def _strong_wolfe(
    at: Callable[[float], _Point], start: _Point, t: float, size: float, tolerance: float, most: int
) -> tuple[_Point, int]:  # fmt: skip
    """Find a place where the loss has fallen enough and the slope is small; and how often `at` was asked."""
    c1, c2 = 1e-4, 0.9

    def high(p: _Point) -> bool:
        return p.loss > start.loss + c1 * p.t * start.slope

    def flat(p: _Point) -> bool:
        return abs(p.slope) <= -c2 * start.slope

    before, now, asked, turns = start, at(t), 1, 0
    bracket: list[_Point] = []
    while turns < most:
        if high(now) or (turns > 1 and now.loss >= before.loss):
            bracket = [before, now]
            break
        if flat(now):
            return now, asked
        if now.slope >= 0:
            bracket = [before, now]
            break
        t = _cubic(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10)
        before, now = now, at(t)
        asked, turns = asked + 1, turns + 1
    bracket = bracket or [start, now]
    stuck = False
    low = 0 if bracket[0].loss <= bracket[1].loss else 1
    while turns < most and abs(bracket[1].t - bracket[0].t) * size >= tolerance:
        left, right = sorted(p.t for p in bracket)
        t, margin = _cubic(bracket[0], bracket[1], left, right), 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # close to an end: twice, or at it, is too close
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        now = at(t)
        asked, turns = asked + 1, turns + 1
        if high(now) or now.loss >= bracket[low].loss:
            bracket[1 - low] = now
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        if not flat(now) and now.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = now
        if flat(now):
            break
    return bracket[low], asked


class LBFGS(Moving):
    """Quasi-Newton steps with a memory of the last `history_size` gradients (J. Nocedal, 1980).

    Parameters
    ----------
    params : iterable of Tensor
        One group only.
    lr : float
    max_iter, max_eval : int
        How many directions a step takes at most, and how often it calls the closure.
    tolerance_grad, tolerance_change : float
        It ends where gradient or change are smaller.
    history_size : int
    line_search_fn : {None, "strong_wolfe"}

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([3.0], requires_grad=True)
    >>> optimizer = gm.optim.LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((x - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> x
    tensor([1.], requires_grad=True)
    """

    _arguments = {
        "lr": 1, "max_iter": 20, "max_eval": None, "tolerance_grad": 1e-7, "tolerance_change": 1e-9,
        "history_size": 100, "line_search_fn": None,
    }  # fmt: skip
    _shown = "lr max_iter max_eval tolerance_grad tolerance_change history_size line_search_fn"

    def __init__(self, params: Iterable[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(params, *args, **kwargs)
        if len(self.param_groups) != 1:
            raise ValueError(tr(
                "LBFGS doesn't support per-parameter options (parameter groups): give it one list of "
                "parameters.",
            ))  # fmt: skip

    def _check(self, made: dict[str, Any]) -> None:
        super()._check(made)
        if made["max_eval"] is None:
            made["max_eval"] = made["max_iter"] * 5 // 4

    # -- all parameters as one vector -------------------------------------------------------------------
    def _gradient(self) -> Any:
        parts = [p.array if p.grad is None else p.grad.array for p in self.param_groups[0]["params"]]
        zero = [p.grad is None for p in self.param_groups[0]["params"]]
        return np.concatenate([np.reshape(0 * g if z else g, -1) for g, z in zip(parts, zero, strict=True)])

    def _add(self, t: float, direction: Any) -> None:
        at = 0
        for p in self.param_groups[0]["params"]:
            self._put(p, p.array + t * np.reshape(direction[at : at + np.size(p.array)], np.shape(p.array)))
            at += np.size(p.array)

    def _along(self, closure: Callable[[], Any], direction: Any, t: float) -> _Point:
        """Give loss and gradient at a place along the direction; the parameters stay where they are."""
        params = self.param_groups[0]["params"]
        here = [np.copy(p.array) for p in params]
        self._add(t, direction)
        loss = float(closure())
        g = self._gradient()
        for p, array in zip(params, here, strict=True):
            self._put(p, array)
        return _Point(t, loss, g, _dot(g, direction))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` directions; `closure` computes the loss and its gradients anew, and gives the loss."""
        if closure is None:
            raise TypeError(tr(
                "LBFGS.step() missing 1 required positional argument: 'closure': a function that calls "
                "zero_grad() and backward(), and gives the loss.",
            ))  # fmt: skip

        def anew() -> Any:
            with enable_grad():
                return closure()

        with no_grad():
            return self._search(anew)

    def _search(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        lr, change, search = group["lr"], group["tolerance_change"], group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(tr(
                "only 'strong_wolfe' is supported: write line_search_fn=\"strong_wolfe\", or leave it out.",
            ))  # fmt: skip
        first = closure()
        loss, g, evaluations = float(first), self._gradient(), 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        if _most(g) <= group["tolerance_grad"]:
            return first
        for i in range(1, group["max_iter"] + 1):
            state["n_iter"] = state.get("n_iter", 0) + 1
            if state["n_iter"] == 1:
                state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
                d, t = -g, min(1.0, 1.0 / float(np.sum(np.absolute(g)))) * lr
            else:
                d, t = self._direction(state, g, group["history_size"]), lr
            state["prev_flat_grad"], state["prev_loss"], state["d"] = np.copy(g), loss, d
            slope = _dot(g, d)
            if slope > -change:
                state["t"] = t
                break
            asked = 0
            if search is not None:
                start, most = _Point(0, loss, g, slope), group["max_eval"] - evaluations
                along = lambda t, d=d: self._along(closure, d, t)
                found, asked = _strong_wolfe(along, start, t, _most(d), change, most)
                loss, g, t = found.loss, found.g, found.t
                self._add(t, d)
            else:
                self._add(t, d)
                if i != group["max_iter"]:  # a last look would be of no use
                    loss, asked = float(closure()), 1
                    g = self._gradient()
            state["t"] = t
            evaluations += asked
            state["func_evals"] += asked
            if evaluations >= group["max_eval"] or _most(g) <= group["tolerance_grad"]:
                break
            if _most(d) * abs(t) <= change or abs(loss - state["prev_loss"]) < change:
                break
        return first

    @staticmethod
    def _direction(state: dict[str, Any], g: Any, most: int) -> Any:
        """Give minus the inverse Hessian, as the memory has it, times the gradient."""
        y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
        ys = _dot(y, s)
        changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        if ys > 1e-10:
            if len(changes) == most:
                for kept in (changes, steps, ro):
                    kept.pop(0)
            changes.append(y)
            steps.append(s)
            ro.append(1 / ys)
            state["H_diag"] = ys / _dot(y, y)
        q, shares = -g, [0.0] * len(changes)
        for i in reversed(range(len(changes))):
            shares[i] = _dot(steps[i], q) * ro[i]
            q = q - shares[i] * changes[i]
        r = q * state["H_diag"]
        for i in range(len(changes)):
            r = r + (shares[i] - _dot(changes[i], r) * ro[i]) * steps[i]
        return r


def _dot(a: Any, b: Any) -> float:
    return float(arrays.to_host(np.dot(a, b)))


def _most(a: Any) -> float:
    return float(arrays.to_host(np.max(np.absolute(a)))) if a.size else 0.0
