"""`Fit`: where a fit ended, how it got there, and why it stopped. It shows itself.

In: a course that has ended. Out: numbers, text, HTML.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from ..engine.core.values import summarise
from ..engine.replay import explained
from ..engine.replay.replay import Replayed
from ..language import tr
from ..report.descent import Called, Descent, Moved, Program
from .course import Course, Ending

KEPT = 150  # iterations whose loss a report shows
DRAWN = 60  # steps of a program that is drawn
FINE, COARSE = 61, 17  # places along one axis, and along each of two, at which the loss is drawn


class Fit:
    """The end of a fit, and the way there.

    Attributes
    ----------
    x : as `x0`
        The variables at the end; an optimiser's that diverged: at the best point before.
    fun : float
        The loss there.
    jac : as `x0`, or None
        The gradient there; None of methods that take none.
    success : bool
        Whether nothing moves any more, or SciPy's method has met its own tolerance.
    message : str
        Why it stopped.
    nit, nfev : int
        Iterations, and evaluations of the loss (with its gradient, where the method takes one).
    losses : ndarray
        The loss at the start and after each iteration.
    points : list
        The variables at the start and after each iteration; of many or large ones some, evenly spaced.
    at : list of int
        The iterations that `points` are of.
    method : str
    scipy : scipy.optimize.OptimizeResult or None
        What SciPy's method gave.
    program : Replayed or None
        What loss and gradient ran as, if it was recorded: of an optimiser's fit of a hundred iterations and more.
        `.explain()` says what became of it.

    Examples
    --------
    >>> import gradmagic as gm
    >>> fit = gm.minimize(lambda x: (x - 1.0) ** 2, 4.0, "sgd", lr=0.25, iterations=3)
    >>> fit.losses
    array([9.      , 2.25    , 0.5625  , 0.140625])
    >>> fit.points
    [4.0, 2.5, 1.75, 1.375]
    """

    def __init__(self, course: Course, method: str, ending: Ending, keeps: str = "") -> None:
        at, history = course.variables.at, course.history
        self._course, self._ending, self._keeps = course, ending, keeps
        self.method, self.message, self.success = method, ending.message, ending.success
        self.x, self.fun = at(ending.point), ending.loss
        self.jac = None if ending.gradient is None else at(ending.gradient)
        self.losses, self.at = np.array(history.losses), list(history.at)
        self.nit, self.nfev = len(history.losses) - 1, course.evaluations
        self.scipy, self.program = ending.told, course.loss.program

    @property
    def points(self) -> list[Any]:
        """The variables at the start and after each iteration, as far as they are kept."""
        return [self._course.variables.at(point) for point in self._course.history.points]

    @cached_property
    def descent(self) -> Descent:
        """The fit as plain data, as a report shows it.

        Of one number or two the loss is computed around the way, when this is first asked for.
        """
        course, ending = self._course, self._ending
        variables, history = course.variables, course.history
        moved = [
            Moved(
                n,
                summarise(a),
                summarise(b),
                None if ending.gradient is None else summarise(ending.gradient[i]),
            )
            for i, (n, a, b) in enumerate(zip(variables.names, variables.start, ending.point, strict=True))
        ]
        program = _told(self.program, self.nfev, variables.names)
        shown = _spread(self.nit, KEPT)
        axes = tuple(variables.called()) if variables.size <= 2 else ()
        kept = _spread(len(history.points) - 1, KEPT) if axes else []
        way = [variables.flat(history.points[i]).tolist() for i in kept]
        heights = [history.losses[history.at[i]] for i in kept]
        ticks = [_ticks([p[i] for p in way], FINE if len(axes) == 1 else COARSE) for i in range(len(axes))]
        return Descent(
            method=self.method, loss_name=course.loss.name, loss=self.fun, moved=tuple(moved),
            losses=tuple(history.losses[i] for i in shown), at=tuple(shown), message=self.message,
            success=self.success, iterations=self.nit, evaluations=self.nfev, axes=axes,
            way=tuple(map(tuple, way)), heights=tuple(heights), ticks=tuple(map(tuple, ticks)),
            field=self._field(ticks), keeps=self._keeps,
            recorded=program is not None, program=program,
        )  # fmt: skip

    def _field(self, ticks: list[list[float]]) -> tuple[tuple[float, ...], ...]:
        """Compute the loss on a grid; NaN where it has none."""
        if not ticks or not all(ticks):
            return ()
        pointed, value = self._course.variables.pointed, self._course.peek
        rows = ticks[1] if len(ticks) > 1 else [None]
        found = [value(pointed(np.array([x] if y is None else [x, y]))) for y, x in product(rows, ticks[0])]
        return tuple(tuple(found[i : i + len(ticks[0])]) for i in range(0, len(found), len(ticks[0])))

    # -- showing ----------------------------------------------------------------------------------
    def to_text(self, width: int | None = None, ascii: bool | None = None, color: bool | None = None) -> str:
        """Write the fit as text: its end, its variables, how the loss went."""
        from ..report.text.to_text import fit_text  # rich, with the first report

        return fit_text(self.descent, width, ascii, color)

    def to_html(self) -> str:
        """Write the fit as a piece of HTML: the same, with the loss as a curve and the way drawn on it."""
        from ..report.page.html import fit_html  # jinja2, with the first report

        return fit_html(self.descent)

    def save(self, path: Any) -> str:
        """Save the fit as a page (html) or text (txt), and give the path."""
        from ..report.model import ReportError
        from ..report.page.html import fit_page

        text = str(path)
        if not text.endswith((".html", ".txt")):
            raise ReportError(tr("a fit is saved as html or txt, not as {suffix!r}.", suffix=text))
        with open(path, "w", encoding="utf-8") as file:
            file.write(fit_page(self.descent) if text.endswith(".html") else self.to_text(80, color=False))
        return text

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    def __repr__(self) -> str:
        return tr(
            "<gradmagic fit: {name} = {loss:.6g} by {method}, {count} iterations>",
            name=self._course.loss.name, loss=self.fun, method=self.method, count=self.nit,
        )  # fmt: skip

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from ..report.report import active_types

        wanted = (set(include) if include is not None else active_types()) - set(exclude or ())
        made = {"text/plain": self.__str__, "text/html": self.to_html}
        return {kind: make() for kind, make in made.items() if kind in wanted}

    def _mime_(self) -> tuple[str, str]:
        """Give marimo, whose page runs no scripts of its outputs, HTML."""
        return "text/html", self.to_html()


def _told(replayed: Replayed | None, evaluations: int, names: Sequence[str]) -> Program | None:
    """Give the program of a fit as plain data; None where most evaluations were without one."""
    if replayed is None or 2 * replayed.served <= evaluations:
        return None
    steps = tuple(Called(*step) for step in explained.drawn(replayed, names))
    return Program(str(replayed.explain()), replayed.source, steps if len(steps) <= DRAWN else ())


def _spread(last: int, most: int) -> list[int]:
    """Choose numbers from 0 to `last`, evenly, both ends among them.

    Examples
    --------
    >>> _spread(3, 10), _spread(100, 3)
    ([0, 1, 2, 3], [0, 50, 100])
    """
    return list(range(last + 1)) if last < most else [i * last // (most - 1) for i in range(most)]


def _ticks(numbers: list[float], count: int) -> list[float]:
    """Choose places around the numbers, a quarter of their width beyond them."""
    known = [v for v in numbers if abs(v) < 1e100]
    if not known:
        return []
    low, high = min(known), max(known)
    room = 0.25 * (high - low) or max(1.0, abs(high)) * 0.5
    return np.linspace(low - room, high + room, count).tolist()
