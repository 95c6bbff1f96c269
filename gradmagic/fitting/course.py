"""A fit under way: what it asks of the loss, and what it notes of each iteration. All methods share it.

In: an evaluator and variables. Out: losses and gradients as plain numbers and arrays, counted; a history; a checkpoint.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..engine.core import arrays
from ..engine.core.foreign import foreign
from ..engine.tape.tracked import Tracked, raw
from ..errors import ArgumentError, MinimizeError, NoGradError, NonScalarError
from ..language import tr
from .checkpoints import Checkpoint
from .evaluating import Evaluator
from .history import History
from .variables import Point, Variables, differentiated


@dataclass(frozen=True)
class Ending:
    """How a fit ended: where, why, and whether there is no more to be had."""

    point: Point
    loss: float
    gradient: Point | None
    message: str
    success: bool
    told: Any = None  # SciPy's own result


class Method(Protocol):
    """Who takes the steps."""

    name: str
    iterations: int | None
    differentiates: bool

    def prepare(self, variables: Variables) -> None:
        """Look at what is asked for, before the loss is computed."""

    def about(self, variables: Variables) -> dict[str, Any]:
        """Tell what a checkpoint must agree in."""

    def run(self, course: Course) -> Ending:
        """Take the steps."""


class Course:
    """One fit."""

    def __init__(self, loss: Evaluator, variables: Variables) -> None:
        self.loss, self.variables = loss, variables
        self.history = History()
        self.evaluations = 0
        self.point: Point = variables.start  # where it goes on from
        self.kept: dict[str, Any] = {}  # of the method, in the checkpoint that it goes on from
        self.checkpoint: Checkpoint | None = None
        self.bar: Any = None
        self.again: float | None = None  # the loss that is expected where it goes on
        self.first: tuple[float, Point | None] = (np.nan, None)  # where it begins
        self.known: list[
            tuple[Point, float, Point]
        ] = []  # what has just been asked, so that it is not asked twice

    # -- asking -----------------------------------------------------------------------------------
    def value(self, point: Point) -> float:
        """Compute the loss."""
        with self._evaluating(point):
            return self._number(self.loss.value(self.variables.at(point)))

    def both(self, point: Point) -> tuple[float, Point]:
        """Compute the loss and its gradient."""
        for at, loss, gradient in reversed(self.known):
            if all(map(np.array_equal, at, point)):
                return loss, gradient
        with self._evaluating(point):
            value, found = self.loss.both(self.variables.at(point))
        loss, gradient = self._number(value), self.variables.parts(found)
        self.known.append((point, loss, gradient))
        return loss, gradient

    @contextmanager
    def _evaluating(self, point: Point) -> Iterator[None]:
        """Count an evaluation; what it raises on the way says where."""
        self.evaluations += 1
        try:
            yield
        except Exception as error:
            if self.history.losses:
                error.add_note(tr(
                    "{name} was to be minimised: this is iteration {i}, at {point}, with a loss of {loss:.6g} before.",
                    name=self.loss.name, i=len(self.history.losses), point=self._told(point),
                    loss=self.history.losses[-1],
                ))  # fmt: skip
            raise

    def peek(self, point: Point) -> float:
        """Compute the loss for a picture: NaN where there is none."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return self._number(self.loss.value(self.variables.at(point)))
            except Exception:  # the reader's function, outside of where it is defined
                return float("nan")

    def product(self, point: Point, direction: Point) -> Point:
        """Compute the Hessian times a direction."""
        assert self.loss.product is not None
        at = self.variables.at
        return self.variables.parts(self.loss.product(at(point), at(direction, moving=True)))

    def _number(self, value: Any) -> float:
        if type(value) is float:
            return value
        if isinstance(value, Tracked) and differentiated(value):
            raise ArgumentError(tr(
                "{name} depends on what gm.grad differentiates by, and no gradient flows through a fit: "
                "write gm.stop_gradient(...) of that, or gm.numeric of the function that fits.",
                name=self.loss.name,
            ))  # fmt: skip
        array = arrays.to_host(raw(value))
        odd = foreign(value)
        if odd is not None and not isinstance(value, (list, tuple, dict)):
            raise ArgumentError(tr(
                "{name} gave {what}, and a loss is one number. End it with return and the number.",
                name=self.loss.name, what=odd,
            ))  # fmt: skip
        if np.size(array) != 1 or isinstance(value, (list, tuple, dict)):
            what = (
                tr("an array of shape {shape}", shape=np.shape(array))
                if arrays.is_array(array)
                else tr("a {kind}", kind=type(value).__name__)
            )
            raise NonScalarError(tr(
                "{name} gave {what}, and a loss is one number: give np.sum(...) of it.",
                name=self.loss.name, what=what,
            ))  # fmt: skip
        array = np.reshape(array, ())
        if array.dtype.kind == "c":
            raise NonScalarError(tr(
                "{name} gave a complex number: give np.real(...) or np.abs(...) of it.",
                name=self.loss.name,
            ))  # fmt: skip
        return float(array)

    # -- beginning --------------------------------------------------------------------------------
    def begin(self, differentiates: bool) -> None:
        """Look at the loss where the fit begins.

        Raises
        ------
        MinimizeError
            If it is not finite.
        NoGradError
            If the loss does not depend on the variables.
        """
        try:
            loss, gradient = self.both(self.point) if differentiates else (self.value(self.point), None)
        except (TypeError, AttributeError) as error:
            if type(self.variables.tree) is list and all(np.ndim(a) == 0 for a in self.variables.start):
                error.add_note(tr(
                    "x0 is a list, and so is what the function gets: write x0=np.array([...]) for a vector."
                ))  # fmt: skip
            raise
        self.first = loss, gradient
        names = self.variables.names
        if not np.isfinite(loss):
            raise MinimizeError(tr(
                "{name} is {loss} where the fit begins ({point}): begin at a point where it is a finite "
                "number.", name=self.loss.name, loss=loss, point=self._told(self.point),
            ))  # fmt: skip
        odd = [n for n, g in zip(names, gradient or [], strict=False) if not np.all(np.isfinite(g))]
        if odd:
            raise MinimizeError(tr(
                "the gradient by {variable} is not finite where the fit begins ({point}): begin at another point; "
                "with gm.detect_anomaly(): it is shown where NaN is made.", variable=odd[0],
                point=self._told(self.point),
            ))  # fmt: skip
        flat = gradient is not None and not any(np.any(g) for g in gradient)
        if flat and not self.loss.reaches(self.variables.at(self.point)):
            raise NoGradError(tr(
                "{name} does not depend on {variables}: compute its result from what it is given.",
                name=self.loss.name, variables=tr(" or ").join(names[:3]),
            ))  # fmt: skip

    def _told(self, point: Point) -> str:
        """Write a point in few words: its first numbers."""
        first = np.ravel(arrays.to_host(point[0]))
        text = (
            f"{first[0]:.6g}"
            if first.size == 1
            else f"[{', '.join(f'{v:.6g}' for v in first[:3])}{', ...' * (first.size > 3)}]"
        )
        return f"{self.variables.names[0]} = {text}"

    # -- noting -----------------------------------------------------------------------------------
    def note(self, loss: float, point: Point) -> int:
        """Note an iteration, and give its number; the start is 0."""
        self.history.add(loss, point)
        if self.bar is not None:
            self.bar.set_postfix_str(tr("loss {loss:.6g}", loss=loss), refresh=False)
            self.bar.update(len(self.history.losses) > 1)
        return len(self.history.losses) - 1
