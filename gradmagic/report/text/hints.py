"""What the text report says at its end, and where it leaves something out: how the reader gets at more of it.

In: how the reader's code calls the report. Out: lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...language import tr
from ..shown.numbers import index_of
from ..shown.typeset import width
from ..shown.view import View


@dataclass(frozen=True)
class Hints:
    """`handle` is what the reader writes for the report; empty where that is a command and no code."""

    handle: str = "gm.last()"
    quiz: bool = False

    @property
    def page(self) -> str:
        """How the page is had."""
        return f'{self.handle}.save("report.html")' if self.handle else "--save report.html"

    def foot(self, view: View, room: int) -> list[str]:
        """Say what else there is, in a line if it fits."""
        names = [entry.name for entry in view.trace.inputs]
        if not names or view.trace.result is None:
            return []
        pieces = [tr("page: {code}", code=self.page)]
        if self.handle and self.quiz:
            entry = names[0] + index_of(0, view.trace.inputs[0].value.shape)
            pieces = [
                tr("answer: {code}", code=f'{self.handle}.answer("{entry}", 1.0)'),
                tr("reveal: {code}", code=f"{self.handle}.reveal()"),
            ]
        elif self.handle:
            pieces = [tr("gradients: {code}", code=f'{self.handle}.grads["{names[0]}"]'), *pieces]
        line = (" " * 6).join(pieces)
        return [line] if width(line) < room else pieces
