"""The code of a line with its expressions marked by their exact columns, one inside the other.

In: a `Line`. Out: markup; with a tip for each expression where the page has no row for it.
"""

from __future__ import annotations

from collections.abc import Collection

from markupsafe import Markup, escape

from ...language import tr
from ..parts.annotated_cell import Line, Part
from ..shown.numbers import brief
from ..shown.typeset import clip
from .turn_data import Slots

WIDEST = 300  # columns of a line of code


def marked(line: Line, tips: bool, slots: Slots, told: Collection[int] | None = None) -> Markup:
    """Mark the expressions of a line. Tips tell gradients: all, or only those of the keys `told`."""
    parts = expressions(line)
    parts.sort(key=lambda part: (part.column, -part.end))
    return _marked(line.text, 0, min(WIDEST, len(line.text)), parts, tips, slots, told)


def expressions(line: Line) -> list[Part]:
    """List the parts of a line that are marked."""
    found = (line.main, *line.several, *line.parts)
    return [part for part in found if part is not None and part.end > part.column]


def _marked(
    text: str, start: int, end: int, parts: list[Part], tips: bool, slots: Slots, told: Collection[int] | None
) -> Markup:
    done, at = Markup(""), start
    i = 0
    while i < len(parts):
        part = parts[i]
        inside = [p for p in parts[i + 1 :] if p.column >= part.column and p.end <= part.end]
        if part.column >= at and part.end <= end:
            body = _marked(text, part.column, part.end, inside, tips, slots, told)
            tip = clip(part.text, 80)
            tip += "\n" + tr("value {value}", value=brief(part.value))
            if told is None or part.key in told:
                tip += "\n" + tr("gradient {grad}", grad=brief(part.grad) or tr("none"))
            given = {
                "data-k": part.key,
                "title": tip if tips else None,
                "data-t": slots.get((part.series, part.top)) if tips else None,
            }
            done += escape(text[at : part.column])
            done += Markup('<span class="gm-x"')
            done += Markup("").join(
                Markup(' {}="{}"').format(k, v) for k, v in given.items() if v is not None
            )
            done += Markup(">{}</span>").format(body)
            at = part.end
        i += 1 + len(inside)
    return done + escape(text[at:end])
