"""The graph as text: one row for each operation in tape order, with lanes on the left for values that are used later.

In: a `View`. Out: rows of (lanes, operation). Inputs have no lanes; the expressions name them.

    ● c = a + b
    │ ● d = b + 1
    ╰─▼ e = c * d
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Operation
from ..shown.view import View

WIDEST = 8  # lanes; a graph that needs more is shown without


@dataclass(frozen=True)
class Row:
    """One row: the drawing of the lanes, how they go on below it, and the operation."""

    lanes: str
    below: str
    operation: Operation


def lanes(view: View) -> tuple[Row, ...]:
    """Draw the lanes of a view's operations, without its inputs."""
    last_use = {source: users[-1][0].key for source, users in view.users.items()}
    open_: list[int | None] = []  # the value that each lane carries
    drawn: list[tuple[str, str]] = []
    steps = view.computed
    for operation in steps:
        wanted = {edge.source for edge in operation.inputs if edge.source != operation.key}
        taken = [i for i, key in enumerate(open_) if key is not None and key in wanted]
        ending = [i for i in taken if last_use.get(open_[i] or 0, -1) <= operation.key]
        # A value takes the lane of its last argument when that ends here, else a new one to the right of its arguments.
        after = taken[-1] if taken else -1
        free = (i for i in range(after + 1, len(open_)) if open_[i] is None)
        at = after if after in ending else next(free, len(open_))
        if at == len(open_):
            open_.append(None)
        row = _row(open_, taken, ending, at)
        for i in ending:
            open_[i] = None
        open_[at] = operation.key if operation.key in last_use else None
        while open_ and open_[-1] is None:
            open_.pop()
        drawn.append((row, "".join("  " if key is None else "│ " for key in open_).rstrip()))
    width = max((len(row) for row, _ in drawn), default=1)
    if width > 2 * WIDEST:
        drawn, width = [("●", "")] * len(drawn), 1
    return tuple(
        Row(row.ljust(width), below.ljust(width), step)
        for (row, below), step in zip(drawn, steps, strict=True)
    )


def _row(open_: list[int | None], taken: list[int], ending: list[int], at: int) -> str:
    sources = [i for i in taken if i != at]
    first = min(sources, default=at)
    cells = []
    for i, key in enumerate(open_):
        if i == at:
            mark = "▼" if sources else "●"
        elif i in sources:
            start = i == first
            mark = ("╰" if i in ending else "├") if start else ("┴" if i in ending else "┼")
        else:
            # A lane that only passes: broken where another crosses it.
            mark = " " if key is None else "╎" if first < i < at else "│"
            mark = "─" if mark == " " and first < i < at else mark
        cells.append(mark)
        cells.append("─" if first <= i < at else " ")
    return "".join(cells).rstrip()
