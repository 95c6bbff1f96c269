"""`gm.minimize`: a loss goes down, by an optimiser of gradmagic's or by a method of SciPy's, in one line.

In: a function of variables that gives one number, and where they start. Out: a `Fit`. What is asked for is looked at
before the loss is computed; the loss at the start is looked at before the first step.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from os import PathLike
from typing import Any

from ..errors import MinimizeError
from ..language import tr
from ..optim import Optimizer
from . import by_optim, by_scipy
from .bounding import bounded
from .checkpoints import Checkpoint, read
from .course import Course, Ending, Method
from .evaluating import Evaluator, evaluator
from .fit import Fit
from .progress import bar
from .variables import Variables

RECORDED = 100  # iterations from which a fit is worth a recorded program


def minimize(
    f: Callable[..., Any],
    x0: Any,
    method: str | type[Optimizer] = "L-BFGS-B",
    *,
    args: Any = (),
    lr: float | None = None,
    iterations: int | None = None,
    tol: float | None = None,
    bounds: Any = None,
    progress: bool | None = None,
    checkpoint: str | PathLike[str] | None = None,
    every: int = 100,
    **settings: Any,
) -> Fit:
    """Find variables at which `f` is least, by its exact derivatives.

    Parameters
    ----------
    f : function
        Of the variables, in the form of `x0`, and of `args`; it gives one number.
    x0 : array, number, tensor, or a list, tuple, dict or dataclass of them
        Where the fit begins; it stays as it is. Numbers have a decimal point. A list is a container: `f` gets a list.
    method : str or class
        An optimiser of `gm.optim`, by name ("sgd", "adam", "lbfgs", ...) or class; or a method of
        `scipy.optimize.minimize` ("L-BFGS-B", "BFGS", "Newton-CG", "trust-ncg", "Nelder-Mead", ...), which gets
        gradients by `gm.value_and_grad` and, where it takes them, Hessian products by `gm.hvp`.
    args : tuple
        What `f` takes after the variables; it is not moved.
    lr : float, optional
        The step length of an optimiser; its own default if not given.
    iterations : int, optional
        How many at most: 1,000 for an optimiser, else the method's own number.
    tol : float, optional
        An optimiser stops when ten times in a row no number moves by more than `tol` (1e-8) times `min(lr, 1)`,
        relative to numbers above 1. Of SciPy's methods it is their own `tol`.
    bounds : pair, or nested as `x0`, optional
        `(low, high)` for all numbers, or for each variable, numbers, arrays or None; a dict may leave some out. For one
        vector also a pair for each entry, or a `scipy.optimize.Bounds`.
    progress : bool, optional
        A progress bar (tqdm). By itself in a terminal or notebook, if tqdm is there.
    checkpoint : path, optional
        A file that is written every `every` iterations and at the end, whole or not at all. If it is there, the fit
        goes on from it: with an optimiser to the very bits of a fit without a break, with SciPy's methods from the
        last point, their memory anew.
    every : int
    **settings
        Of the optimiser (`momentum=0.9`), or SciPy's `options` of the method (`gtol=1e-10`).

    Returns
    -------
    Fit
        `x`, `fun`, `jac`, `success`, `message`, `nit`, `nfev` as SciPy names them, `losses` and `points`. It shows
        itself.

    Raises
    ------
    MinimizeError
        If the method is unknown or does not take what is asked for, or the loss at the start is not finite.
    NonScalarError, NoGradError, IntegerGradError, ArgumentError
        If `f` gives more than one number, or does not depend on `x0`; if `x0` is whole numbers, or no numbers.
    ModuleNotFoundError
        For a method of SciPy's without SciPy.

    Warns
    -----
    DivergedWarning
        Where loss or gradient of an optimiser became NaN or inf: then `x` is the best point before.

    Notes
    -----
    What `f` itself raises on the way has the `fit` so far, as a Ctrl-C has: in a notebook `sys.last_value.fit`.

    A loss in float32 has seven digits: SciPy's default tolerances are made for float64.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> fit = gm.minimize(lambda x: (x - 3.0) ** 2, 0.0, "sgd", lr=0.1)
    >>> round(fit.x, 6), fit.success
    (3.0, True)
    >>> line = {"slope": 0.0, "at 0": 0.0}
    >>> t, y = np.arange(4.0), 2 * np.arange(4.0) + 1
    >>> fit = gm.minimize(lambda p: np.sum((p["slope"] * t + p["at 0"] - y) ** 2), line, "adam", lr=0.1)
    >>> round(fit.x["slope"], 3), round(fit.x["at 0"], 3)
    (2.0, 1.0)
    """
    if not callable(f):
        raise MinimizeError(tr(
            "gm.minimize takes a function first, and this is a {kind}: write f, x0.", kind=type(f).__name__,
        ))  # fmt: skip
    variables = Variables(x0)
    given = args if isinstance(args, tuple) else (args,)
    return fitted(
        evaluator(f, given), variables, method, lr=lr, iterations=iterations, tol=tol, bounds=bounds,
        progress=progress, checkpoint=checkpoint, every=every, settings=settings,
    )  # fmt: skip


def fitted(
    loss: Evaluator, variables: Variables, method: str | type[Optimizer], *, lr: float | None = None,
    iterations: int | None = None, tol: float | None = None, bounds: Any = None, progress: bool | None = None,
    checkpoint: str | PathLike[str] | None = None, every: int = 100, settings: dict[str, Any] | None = None,
    keeps: str = "",
) -> Fit:  # fmt: skip
    """Fit the variables of a loss that is asked in whatever way; see `minimize`."""
    if iterations is not None and (type(iterations) is not int or iterations < 0):
        raise MinimizeError(tr(
            "iterations={iterations!r}: write how many at most, a whole number such as 1000.",
            iterations=iterations,
        ))  # fmt: skip
    if checkpoint is not None and (type(every) is not int or every < 1):
        raise MinimizeError(tr(
            "every={every!r}: write after how many iterations the file is written, such as 100.",
            every=every,
        ))  # fmt: skip
    limits = None if bounds is None else bounded(variables, bounds)
    steps = chosen(method, lr, iterations, tol, limits, settings or {}, loss)
    steps.prepare(variables)
    if isinstance(steps, by_optim.OptimSteps) and (steps.iterations or 0) >= RECORDED:
        loss = loss.recorded()
    course = Course(loss, variables)
    if checkpoint is not None:
        course.checkpoint = Checkpoint(checkpoint, every, steps.about(variables))
        read(course)
    course.begin(steps.differentiates)
    with bar(progress, steps.name, steps.iterations, len(course.history.losses)) as course.bar:
        try:
            ending = steps.run(course)
        except BaseException as error:  # a Ctrl-C, too: what there is so far is not lost
            if len(losses := course.history.losses) > 1:
                so_far = Ending(
                    course.point, losses[-1], None, tr("ended by {kind}", kind=type(error).__name__), False
                )
                error.fit = Fit(course, steps.name, so_far, keeps)  # type: ignore[attr-defined]
                error.add_note(tr("The fit so far is sys.last_value.fit."))
            raise
    return Fit(course, steps.name, ending, keeps)


def slip(method: str, lr: float | None, iterations: int | None) -> str:
    """Tell what is wrong with a method and its settings, before there is a loss; `""` if nothing is."""
    cell = Evaluator(tr("the cell"), float, lambda point: (0.0, point))
    try:
        chosen(method, lr, iterations, None, None, {}, cell)
    except MinimizeError as error:
        return str(error).rstrip(".")
    if iterations is None or iterations >= 0:
        return ""
    return tr("iterations={iterations}: write 1000, say", iterations=iterations)


def chosen(
    method: Any, lr: float | None, iterations: int | None, tol: float | None, limits: Any, settings: dict[str, Any],
    loss: Evaluator,
) -> Method:  # fmt: skip
    """Find who takes the steps.

    Raises
    ------
    MinimizeError
        If there is no such method, or it does not take what is asked for.
    """
    ours = by_optim.named(method)
    if ours is not None:
        if limits is not None:
            raise MinimizeError(tr(
                "{name} knows no bounds: write method={method!r}, or another of SciPy's {names}; or let f "
                "compute with np.exp(x), say, of an x without bounds.", name=ours.__name__,
                method=by_scipy.BOUNDED[0], names=", ".join(by_scipy.BOUNDED[1:]),
            ))  # fmt: skip
        return by_optim.OptimSteps(ours, lr, iterations, tol, settings)
    theirs = by_scipy.named(method)
    if theirs is None:
        known = [*by_optim.NAMES, *by_scipy.METHODS]
        said = method if isinstance(method, str) else getattr(method, "__name__", type(method).__name__)
        near = difflib.get_close_matches(said.lower(), [name.lower() for name in known], 1)
        meant = next(
            (tr("did you mean {name!r}? ", name=n) for n in known if near and n.lower() == near[0]), ""
        )
        raise MinimizeError(tr(
            "method={method!r} is unknown: {meant}There are gradmagic's {ours}, and SciPy's {theirs}.",
            method=said, meant=meant, ours=", ".join(by_optim.NAMES), theirs=", ".join(by_scipy.METHODS),
        ))  # fmt: skip
    if lr is not None:
        raise MinimizeError(tr(
            "{name} takes no lr, it chooses its steps itself: leave lr={lr} out, or write 'sgd'.",
            name=theirs, lr=lr,
        ))  # fmt: skip
    return by_scipy.SciPySteps(theirs, iterations, tol, limits, settings, loss)
