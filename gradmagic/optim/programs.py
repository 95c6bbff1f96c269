"""A step of an optimiser as a recorded program, for all parameters of a group, once it has run often enough to pay.

In: the formula of an optimiser, and rows of arrays. Out: the parameters moved, and what has collected for them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.replay.replay import Replayed

# Adam's step of 100,000 entries: 143 us for 237; of 1,000,000: 1.9 ms for 3.1; of 50: 30 for 30.
_LEAST = 20_000  # entries
_ENTRIES = 10**7  # moved in all steps together, after which recording (some 5 ms) has been paid for
_NEVER = sys.maxsize


class Steps:
    """Counts the steps of a group, and records one when it is time.

    Parameters
    ----------
    formula : function
        (p, *collected, gradient, *numbers) -> by how much p falls, and what the collected become.
    entries : int
        Of all parameters.
    """

    def __init__(self, formula: Callable[..., tuple[Any, ...]], entries: int) -> None:
        self._left = _ENTRIES // entries if entries >= _LEAST else _NEVER

        def move(rows: list[Any], numbers: list[Any]) -> list[Any]:
            collected = []
            for (p, *held, g), terms in zip(rows, numbers, strict=True):
                step, *new = formula(p, *held, g, *terms)
                np.subtract(p, step, out=p)
                collected.append(new)
            return collected

        self.replayed = Replayed(move, quiet=True, backend="numpy")

    def due(self) -> bool:
        """Count a step, and tell whether there were enough."""
        self._left -= 1
        return self._left < 0 and not self.replayed.refused

    def moved(self, rows: list[Any], numbers: list[Any]) -> list[Any] | None:
        """Move the first array of each row in place, and give the new collected ones of each; None if it cannot be."""
        return self.replayed(rows, numbers) if _plain(rows) else None


def _plain(rows: Sequence[Sequence[Any]]) -> bool:
    """Tell whether all are real arrays of the host, each as large as its parameter."""
    return all(
        type(a) is np.ndarray and a.shape == row[0].shape and a.dtype.kind == "f" for row in rows for a in row
    )
