"""A fit as text: its end, its variables, how the loss went, and the loss of one variable as a row of blocks.

In: a `Descent`. Out: styled lines.
"""

from __future__ import annotations

from rich.text import Text

from ...language import tr
from ..descent import Descent
from ..shown.numbers import brief, finite, number, shape_of, sparkline
from ..shown.typeset import Cell, clip, grid, pad, width, wrap
from .styles import HEAD, MUTED, NAME, WARN, colored

ROWS = 12  # variables that are written out


def descent_lines(descent: Descent, room: int) -> list[Text]:
    """Set a fit in columns."""
    lines = [Text(clip(descent.counts, room), NAME)]
    lines += [Text(f" {row}", MUTED if descent.success else WARN) for row in wrap(descent.end, room - 2)]
    head: list[Cell] = [
        (title, HEAD)
        for title in (
            tr("name"),
            tr("shape"),
            tr("start"),
            tr("end"),
            tr("gradient of {name}", name=descent.loss_name),
        )
    ]
    body: list[list[Cell]] = [
        [
            (m.name, NAME),
            (shape_of(m.end.shape), MUTED),
            brief(m.start),
            brief(m.end),
            colored(m.grad) if m.grad else "",
        ]
        for m in descent.moved[:ROWS]
    ]
    lines += grid([head, *body], room, give=((2, 12), (3, 12), (4, 12)))
    if len(descent.moved) > ROWS:
        lines.append(Text(f" {tr('… {n} variables more', n=len(descent.moved) - ROWS)}", MUTED))
    first, last = number(descent.losses[0]), number(descent.losses[-1])
    rows = [(descent.loss_name, descent.losses, tr("{first} to {last}", first=first, last=last))]
    if len(descent.axes) == 1:
        (x,), (y,) = descent.ticks, descent.field
        known = finite(y) or [float("nan")]
        remark = tr(
            "{low} .. {high}, from {first} to {last}",
            low=number(min(known)), high=number(max(known)), first=number(x[0]), last=number(x[-1]),
        )  # fmt: skip
        rows.append((tr("{y} over {x}", y=descent.loss_name, x=descent.axes[0]), y, remark))
    names = max(width(name) for name, *_ in rows)
    spare = room - names - max(width(remark) for *_, remark in rows) - 7
    for name, numbers, remark in rows:
        line = Text(" ").append(pad(name, names), NAME).append("  ")
        line.append(sparkline(numbers, max(8, min(50, spare))))
        lines.append(line.append(clip(f"  {remark}", max(8, room - width(line.plain))), MUTED))
    return lines
