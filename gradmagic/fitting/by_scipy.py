"""Steps by `scipy.optimize.minimize`: one vector of float64, with exact gradients and Hessian products.

In: a method's name and options. Out: `SciPySteps`. SciPy is optional: `pip install "gradmagic[fit]"`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import MinimizeError
from ..language import mark, tr
from .bounding import Limits
from .checkpoints import agree
from .course import Course, Ending
from .evaluating import Evaluator
from .variables import Variables

# What each takes: the gradient, Hessian products, or the whole Hessian; bounds.
METHODS = {
    "L-BFGS-B": "jac bounds", "BFGS": "jac", "CG": "jac", "Newton-CG": "jac hessp", "TNC": "jac bounds",
    "SLSQP": "jac bounds", "trust-constr": "jac hessp bounds", "trust-ncg": "jac hessp", "trust-krylov": "jac hessp",
    "trust-exact": "jac hess", "dogleg": "jac hess", "Nelder-Mead": "bounds", "Powell": "bounds", "COBYLA": "bounds",
    "COBYQA": "bounds",
}  # fmt: skip
BOUNDED = [name for name, takes in METHODS.items() if "bounds" in takes]
_WITHOUT = {"Newton-CG", "trust-constr"}  # they make do with gradients where there are no Hessian products
_BARE = {
    "TNC",
    "SLSQP",
    "COBYLA",
    "COBYQA",
}  # their callback is told the point alone, in some versions of SciPy


def named(method: Any) -> str | None:
    """Find the method by its name, in small letters or large."""
    return next((n for n in METHODS if isinstance(method, str) and n.lower() == method.lower()), None)


class _Enough(Exception):
    """The iterations are done."""


class SciPySteps:
    """The steps of one method."""

    def __init__(
        self, name: str, iterations: int | None, tol: float | None, limits: Limits | None, settings: dict[str, Any],
        loss: Evaluator,
    ) -> None:  # fmt: skip
        self.name, self.iterations = name, iterations
        self._tol, self._limits, self._settings = tol, limits, settings
        self._takes = set(METHODS[name].split())
        self.differentiates = "jac" in self._takes
        if limits is not None and "bounds" not in self._takes:
            raise MinimizeError(tr(
                "{name} takes no bounds: write method= one of {names}.", name=name,
                names=", ".join(BOUNDED),
            ))  # fmt: skip
        if loss.product is None and self._takes & {"hess", "hessp"} and name not in _WITHOUT:
            raise MinimizeError(tr(
                "{name} takes Hessians, which a cell has none of: write L-BFGS-B, or gm.minimize(f, x0, "
                "{name!r}) for a function.", name=name,
            ))  # fmt: skip

    def prepare(self, variables: Variables) -> None:
        """See to it that SciPy is there.

        Raises
        ------
        ModuleNotFoundError
            If it is not.
        """
        try:
            from scipy import optimize  # optional
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                tr(
                    "method={name!r} is SciPy's, which is not installed: pip install "
                    '"gradmagic[fit]"; or write method="lbfgs", which is gradmagic\'s own.',
                    name=self.name,
                ),
                name="scipy",
            ) from None
        self._optimize = optimize

    def about(self, variables: Variables) -> dict[str, Any]:
        """Tell what a checkpoint must agree in."""
        shapes = [
            f"{n} {np.shape(a)} {a.dtype}" for n, a in zip(variables.names, variables.start, strict=True)
        ]
        limits = "none" if self._limits is None else repr([v.tolist() for v in self._limits])
        settings = [f"{k}={v!r}" for k, v in sorted(self._settings.items())]
        about = {mark("method"): self.name, mark("settings"): settings, mark("variables"): shapes}
        return {**about, mark("bounds"): limits}

    def run(self, course: Course) -> Ending:
        """Let SciPy go down, and note where it has been."""
        flat, pointed = course.variables.flat, course.variables.pointed
        lately: dict[bytes, float] = {}
        done = len(course.history.losses)
        start = flat(course.point)

        def value(vector: np.ndarray) -> float:
            known = begun.pop() if begun and np.array_equal(vector, start) else None
            loss = course.value(pointed(vector)) if known is None else known
            return remembered(vector, loss)

        def both(vector: np.ndarray) -> tuple[float, np.ndarray]:
            loss, gradient = course.both(pointed(vector))
            course.known = course.known[-3:]
            return remembered(vector, loss), flat(gradient)

        def remembered(vector: np.ndarray, loss: float) -> float:
            if self.name in _BARE:
                while len(lately) > 8:
                    del lately[next(iter(lately))]
                lately[vector.tobytes()] = loss
            return loss

        def product(vector: np.ndarray, direction: np.ndarray, *_: Any) -> np.ndarray:
            return flat(course.product(pointed(vector), pointed(direction)))

        def hessian(vector: np.ndarray) -> np.ndarray:
            return np.stack([product(vector, unit) for unit in np.eye(vector.size)])

        def noted(vector: np.ndarray, loss: float | None = None) -> None:
            if loss is None:
                loss = lately.get(vector.tobytes())
            course.point = pointed(vector)
            if loss is None:
                loss = course.both(course.point)[0] if self.differentiates else course.value(course.point)
            k = course.note(loss, course.point)
            if course.checkpoint is not None and k % course.checkpoint.every == 0:
                course.checkpoint.write(course, {})
            if self.iterations is not None and k >= self.iterations:
                raise _Enough

        def told(intermediate_result: Any) -> None:
            noted(intermediate_result.x, float(intermediate_result.fun))

        loss, gradient = course.first
        begun = [loss]  # it is asked for once more
        agree(course, loss)
        course.note(loss, course.point)
        if self.iterations is not None and done >= self.iterations:
            return Ending(
                course.point, loss, gradient, tr("all {count:,} iterations are done", count=done), False
            )
        options: dict[str, Any] = dict(self._settings)
        if self.iterations is not None and self.name not in ("TNC", "COBYLA"):
            options["maxiter"] = self.iterations - done
        asked: dict[str, Any] = {
            "jac": True if self.differentiates else None,
            "hessp": product if "hessp" in self._takes and course.loss.product is not None else None,
            "hess": hessian if "hess" in self._takes else None,
            "bounds": None if self._limits is None else self._optimize.Bounds(*self._limits),
        }
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", self._optimize.OptimizeWarning)
                found = self._optimize.minimize(
                    both if self.differentiates else value, start, method=self.name, tol=self._tol,
                    callback=noted if self.name in _BARE else told, options=options,
                    **{k: v for k, v in asked.items() if v is not None},
                )  # fmt: skip
        except self._optimize.OptimizeWarning as warning:
            raise MinimizeError(tr(
                "{name}: {warning}. Its options are those of scipy.optimize.", name=self.name,
                warning=warning,
            )) from None  # fmt: skip
        except ValueError as error:
            if not str(error).startswith("Unknown solver"):
                raise
            raise MinimizeError(tr(
                "{name} is not in this SciPy: pip install -U scipy, or another method.", name=self.name,
            )) from None  # fmt: skip
        except _Enough:
            count = len(course.history.losses) - 1
            return self._ended(
                course, start, tr("all {count:,} iterations are done", count=count), False, None
            )
        return self._ended(course, found.x, str(found.message), bool(found.success), found)

    def _ended(self, course: Course, x: np.ndarray, message: str, success: bool, found: Any) -> Ending:
        point, loss = course.point, course.history.losses[-1]
        if found is not None:
            point, loss = course.variables.pointed(x), float(np.reshape(found.fun, ()))
        # Not found.jac, which may be of the point before.
        gradient = course.both(point)[1] if self.differentiates else None
        if course.checkpoint is not None:
            course.checkpoint.write(course, {})
        return Ending(point, loss, gradient, message.rstrip("."), success, found)
