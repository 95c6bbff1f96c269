"""A fit as plain data: where its variables began and ended, how the loss went, and the loss around the way.

In: what `gradmagic.fitting` makes of a fit. Out: what page, text and files show.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.core.values import Value
from ..language import mark, tr


@dataclass(frozen=True, slots=True)
class Moved:
    """One variable of a fit: its start, its end, and the loss's gradient by it there, if there is one."""

    name: str
    start: Value
    end: Value
    grad: Value | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """One step of a recorded program: what is called, the kind of value it gives, the steps (s0, s1 ...) it needs.

    `kind` is input, constant, call, item, write, draw or guard.
    """

    name: str
    text: str
    value: str
    needs: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Program:
    """The recorded program that loss and gradient ran as.

    Attributes
    ----------
    told : str
        What became of the recording, in words: some lines.
    source : str
        The program as Python.
    steps : tuple of Called
        None of a long one, which is not drawn.
    """

    told: str
    source: str
    steps: tuple[Called, ...] = ()


@dataclass(frozen=True, slots=True)
class Descent:
    """A fit.

    Attributes
    ----------
    method : str
    loss_name : str
        What the reader calls the loss.
    loss : float
        At the end.
    moved : tuple of Moved
    losses : tuple of float
        Of some iterations, evenly spaced, the first and the last among them; `at` has their numbers.
    at : tuple of int
    message : str
        Why it ended.
    success : bool
        Whether nothing better is to be had from there.
    iterations, evaluations : int
    axes : tuple of str
        The names of the numbers that were moved, where there are one or two; else empty, as is what follows.
    way : tuple of tuples of float
        Where they were: for each point a number for each axis.
    heights : tuple of float
        The loss at the points of the way.
    ticks : tuple of tuples of float
        The places along each axis at which the loss was computed.
    field : tuple of tuples of float
        The loss there: one row, or a row for each place along the second axis.
    keeps : str
        What a cell's variables are afterwards: `"start"`, `"end"`; `""` where there is no cell.
    recorded : bool
        Whether loss and gradient ran as a recorded program, at most points.
    program : Program, optional
        That program.
    """

    method: str
    loss_name: str
    loss: float
    moved: tuple[Moved, ...]
    losses: tuple[float, ...]
    at: tuple[int, ...]
    message: str
    success: bool
    iterations: int
    evaluations: int
    axes: tuple[str, ...] = ()
    way: tuple[tuple[float, ...], ...] = ()
    heights: tuple[float, ...] = ()
    ticks: tuple[tuple[float, ...], ...] = ()
    field: tuple[tuple[float, ...], ...] = ()
    keeps: str = ""
    recorded: bool = False
    program: Program | None = None

    @property
    def counts(self) -> str:
        """Say how much it took."""
        steps, calls = self.iterations, self.evaluations
        took = {
            "method": self.method, "loss": self.loss_name,
            "iterations": tr("{n:,} iteration{s}", n=steps, s="s" * (steps != 1)),
            "evaluations": tr("{n:,} evaluation{s}", n=calls, s="s" * (calls != 1)),
        }  # fmt: skip
        if self.recorded:
            return tr("{method}: {iterations}, {evaluations} of {loss}, by a recorded program", **took)
        return tr("{method}: {iterations}, {evaluations} of {loss}", **took)

    @property
    def end(self) -> str:
        """Say how it ended, and what is left where."""
        message = self.message if self.success else tr("Not converged: {message}", message=self.message)
        return tr(_KEPT[self.keeps], message=message)


_KEPT = {
    "": mark("{message}."),
    "start": mark("{message}; the names are as they were before."),
    "end": mark("{message}; the names have the end."),
}
