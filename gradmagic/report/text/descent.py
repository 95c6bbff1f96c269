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
        (t, HEAD) for t in ("name", "shape", "start", "end", tr("gradient of {name}", name=descent.loss_name))
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
        lines.append(Text(f" … {len(descent.moved) - ROWS} variables more", MUTED))
    rows = [
        (descent.loss_name, descent.losses, f"{number(descent.losses[0])} to {number(descent.losses[-1])}")
    ]
    if len(descent.axes) == 1:
        (x,), (y,) = descent.ticks, descent.field
        known = finite(y) or [float("nan")]
        remark = f"{number(min(known))} .. {number(max(known))}, from {number(x[0])} to {number(x[-1])}"
        rows.append((f"{descent.loss_name} over {descent.axes[0]}", y, remark))
    names = max(width(name) for name, *_ in rows)
    spare = room - names - max(width(remark) for *_, remark in rows) - 7
    for name, numbers, remark in rows:
        line = Text(" ").append(pad(name, names), NAME).append("  ")
        line.append(sparkline(numbers, max(8, min(50, spare))))
        lines.append(line.append(clip(f"  {remark}", max(8, room - width(line.plain))), MUTED))
    return lines
