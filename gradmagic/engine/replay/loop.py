"""`gm.loop`: a step x -> x replayed n times within one compiled function.

In: a step, where it begins, how often. Out: what the last turn gives, as if the step had been called n times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .compiled.choice import may_loop
from .replay import Replayed, replay
from .whole import MISS, Made

X = TypeVar("X")


def loop(step: Callable[[X], X], x: X, n: int, *, backend: str | None = None) -> X:
    """Give what `for _ in range(n): x = step(x)` leaves in `x`.

    The step is recorded as by `gm.replay`. Where numba is installed and n turns are worth compiling, they run in
    one call of a compiled function, but for those that record; else NumPy replays each.

    Parameters
    ----------
    step : function
        Of `x`, to a value like `x`: an array, a number, or a tuple, list or dict of them. `gm.replay(step)` keeps the
        program from one `gm.loop` to the next.
    x : array, number or container
    n : int
        0 gives `x` itself.
    backend : {"numpy", "numba"}, optional
        As in `gm.replay`.

    Returns
    -------
    array, number or container
        Bit for bit what n calls of `gm.replay(step, backend=...)` on the same back end give.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> slope = gm.grad(lambda x: np.sum((x**2 - 2) ** 2))
    >>> gm.loop(lambda x: x - 0.01 * slope(x), np.array([1.0]), 200).round(6)
    array([1.414214])
    """
    turned = (
        step
        if isinstance(step, Replayed) and backend in (None, step.backend)
        else replay(step, backend=backend)
    )
    for done in range(n):
        last = turned._last
        if done < 3 and last is not None and (run := _looped(turned, last, n)) is not None:
            out = run(x, n - done)
            if out is not MISS:  # the first call records, and may give another kind of number than it got
                return out  # type: ignore[no-any-return]
        x = turned(x)
    return x


def _looped(turned: Replayed, made: Made, n: int) -> Callable[[Any, int], Any] | None:
    """Give a program's loop, compiled at the first demand that is worth it; None where there is none."""

    def plain(turns: int, x: Any) -> Any:
        for _ in range(turns):
            x = turned(x)
        return x

    return made.choice.loop(plain) if may_loop(made.program, turned.backend, n) else None  # type: ignore[no-any-return]
