"""The part of a report that a quiz needs: answers are given, and gradients are shown one by one.

In: names, and what the reader thinks their gradients are. Out: what is said of that; the report shows more.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..language import said
from .model import Trace
from .parts.answers import Said, found_in, judged
from .shown.view import View

# What a report reckons is none of the reader's operations: it neither warns nor raises, whatever np.seterr says.
quietly = np.errstate(all="ignore")


class Quizzed:
    """What a `Report` can be asked while its gradients are hidden."""

    _whole: Trace  # with all answers
    _trace: Trace  # as it is shown
    _limit: int
    _quiz: bool
    _open: frozenset[int] = frozenset()  # keys whose gradients are shown

    def slope(self, name: str) -> str:
        """Write the result's derivative by `name`: `"dz/dx"`."""
        return View.of(self._whole, self._limit).slope(name)

    @quietly
    def answer(self, name: str, value: Any) -> Said:
        """Answer a quiz: say whether this is the gradient by `name`, and if it is, show it from then on.

        Parameters
        ----------
        name : str
            An input or another value with a name; `"a[0,0]"` for one entry of an input.
        value : number or array
            The answer; a fiftieth of the gradient's largest entry more or less is right too.

        Returns
        -------
        str
            What is to be said of it: `"right: dz/da is 2"`, or what to look at.

        Raises
        ------
        ReportError
            If there is no gradient by that name, or the answer is no number.
        """
        told, key = judged(View.of(self._whole, self._limit), name, value)
        if key is not None:
            self._uncovered(self._open | {key})
        return told

    def hides(self, name: str) -> bool:
        """Tell whether a quiz still hides the gradient by an input or another value with a name."""
        return self._quiz and found_in(View.of(self._whole, self._limit), name)[0] not in self._open

    @quietly
    def reveal(self, name: str = "") -> Self:
        """Show the gradient by one name that a quiz hides; without a name all of them, and end the quiz.

        Returns
        -------
        Report
            This one, so that it is shown.

        Raises
        ------
        ReportError
            If there is no gradient by that name.
        """
        if name:
            self._uncovered(self._open | {found_in(View.of(self._whole, self._limit), name)[0]})
        else:
            self._quiz, self._trace = False, self._whole
            self._uncovered(frozenset())
        return self

    def _uncovered(self, keys: frozenset[int]) -> None:
        self._open = keys
        said.forget(self)
