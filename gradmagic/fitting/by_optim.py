"""Steps by the optimisers of `gm.optim`: a gradient, a step, until nothing moves.

In: an optimiser's class and settings. Out: `OptimSteps`.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from .. import optim
from ..engine.core import arrays
from ..engine.faces.torch.tensor import Tensor
from ..errors import DivergedWarning, MinimizeError
from ..language import mark, tr
from ..optim import LBFGS, Optimizer
from .checkpoints import agree
from .course import Course, Ending
from .variables import Point, Variables

NAMES: dict[str, type[Optimizer]] = {
    name.lower(): kind
    for name in optim.__all__
    if isinstance(kind := getattr(optim, name), type) and kind is not Optimizer
}
ITERATIONS, TOLERANCE = 1000, 1e-8
PATIENCE = 10  # iterations without a move; momentum stands still for one where it turns round
# One direction a step, so that each is an iteration; the line search that PyTorch leaves out by default; and it is
# `tol` that says when to stop.
_LBFGS: dict[str, Any] = {
    "max_iter": 1, "max_eval": 26, "line_search_fn": "strong_wolfe", "tolerance_grad": 0, "tolerance_change": 1e-20,
}  # fmt: skip


def named(method: Any) -> type[Optimizer] | None:
    """Find the optimiser by name or class; None if it is none."""
    if isinstance(method, type):
        return method if issubclass(method, Optimizer) and method is not Optimizer else None
    return NAMES.get(method.lower()) if isinstance(method, str) else None


class OptimSteps:
    """The steps of one optimiser."""

    differentiates = True

    def __init__(
        self, kind: type[Optimizer], lr: float | None, iterations: int | None, tol: float | None,
        settings: dict[str, Any],
    ) -> None:  # fmt: skip
        self.name, self._kind = kind.__name__, kind
        self.iterations: int | None = ITERATIONS if iterations is None else iterations
        self._tol = TOLERANCE if tol is None else tol
        self._settings = (_LBFGS if issubclass(kind, LBFGS) else {}) | settings
        self._settings |= {} if lr is None else {"lr": lr}

    def prepare(self, variables: Variables) -> None:
        """Make the optimiser: its settings are looked at."""
        if self._settings.get("maximize"):
            raise MinimizeError(tr("maximize=True climbs, and gm.minimize goes down: give it -f instead."))
        self._params = [Tensor.wrap(np.copy(a)[()], None).requires_grad_() for a in variables.start]
        self._optimizer = self._kind(self._params, **self._settings)
        self._lr = float(self._optimizer.param_groups[0].get("lr", 1.0))

    def about(self, variables: Variables) -> dict[str, Any]:
        """Tell what a checkpoint must agree in."""
        shapes = [
            f"{n} {np.shape(a)} {a.dtype}" for n, a in zip(variables.names, variables.start, strict=True)
        ]
        settings = [f"{k}={v!r}" for k, v in sorted(self._settings.items())]
        return {mark("method"): self.name, mark("settings"): settings, mark("variables"): shapes}

    def run(self, course: Course) -> Ending:
        """Step until nothing moves, or the iterations are done, or a number is not finite."""
        params, optimizer = self._params, self._optimizer
        for p, array in zip(params, course.point, strict=True):
            p.array = np.copy(array)[()]
        still = course.kept.get("still", 0)
        best: tuple[float, Point] = (np.inf, course.point)
        if course.kept:
            optimizer.load_state_dict(course.kept["optimizer"])
            best = course.kept["best"][0], course.kept["best"][1]
        while True:
            point = [np.copy(p.array)[()] for p in params]
            loss, gradient = course.both(point)
            agree(course, loss)
            course.known, course.point = [(point, loss, gradient)], point
            k = course.note(loss, point)
            if (ending := self._diverged(course, k, loss, gradient, best)) is not None:
                return ending
            if loss <= best[0]:
                best = loss, point
            message = self._over(k, still)
            checkpoint = course.checkpoint
            if checkpoint is not None and (message or k % checkpoint.every == 0):
                kept = {"optimizer": optimizer.state_dict(), "still": still, "best": [best[0], best[1]]}
                checkpoint.write(course, kept)
            if message:
                return Ending(point, loss, gradient, message, still >= PATIENCE)
            self._step(course, gradient)
            still = still + 1 if self._stands(point) else 0

    def _over(self, k: int, still: int) -> str:
        if still >= PATIENCE:
            return tr(
                "nothing moves any more: {count} steps in a row were within tol={tol:g}", count=PATIENCE, tol=self._tol
            )  # fmt: skip
        return tr("all {count:,} iterations are done", count=k) if k >= (self.iterations or 0) else ""

    def _step(self, course: Course, gradient: Point) -> None:
        params, optimizer = self._params, self._optimizer
        self._give(gradient)
        if not isinstance(optimizer, LBFGS):
            optimizer.step()
            return

        def closure() -> float:
            loss, gradient = course.both([np.copy(p.array)[()] for p in params])
            self._give(gradient)
            return loss

        optimizer.step(closure)

    def _give(self, gradient: Point) -> None:
        for p, g in zip(self._params, gradient, strict=True):
            p.grad = Tensor.wrap(g, None)

    def _stands(self, before: Point) -> bool:
        """Tell whether the last step has moved nothing."""
        least = self._tol * min(1.0, self._lr)
        return all(
            bool(np.all(np.abs(p.array - old) <= least * np.maximum(1.0, np.abs(old))))
            for p, old in zip(self._params, before, strict=True)
        )

    def _diverged(
        self, course: Course, k: int, loss: float, gradient: Point, best: tuple[float, Point]
    ) -> Ending | None:
        names = course.variables.names
        odd = [n for n, g in zip(names, gradient, strict=True) if not np.all(np.isfinite(g))]
        if np.isfinite(loss) and not odd:
            return None
        what = (
            tr("the gradient by {name} is not finite", name=odd[0]) if np.isfinite(loss)
            else tr("{name} is {value}", name=course.loss.name, value=loss)
        )  # fmt: skip
        start = course.variables.start
        moved = [_farthest(a, b) for a, b in zip(course.point, start, strict=True)]
        farthest = names[int(np.argmax(np.nan_to_num(moved, nan=np.inf)))]
        message = tr(
            "{what} in iteration {i}, when {name} was {far:.3g} away from its start: a step length of lr={lr:g} is too "
            "long; write lr={shorter:g}, or begin elsewhere", what=what, i=k, name=farthest, far=max(moved),
            lr=self._lr, shorter=self._lr / 10,
        )  # fmt: skip
        told = tr(
            "gm.minimize: {message}. The fit gives the best point before, with a loss of {loss:.6g}.",
            message=message, loss=best[0],
        )  # fmt: skip
        warnings.warn(told, DivergedWarning, stacklevel=_outside())
        return Ending(best[1], best[0], None, message, False)


def _farthest(a: Any, b: Any) -> float:
    return float(arrays.to_host(np.max(np.abs(a - b)))) if np.size(a) else 0.0


def _outside() -> int:
    """Count the frames up to the reader's."""
    frame, level = sys._getframe(1), 1
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("gradmagic."):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level - 1
