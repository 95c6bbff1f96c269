"""The styles of the text report: what is muted, how a gradient's sign is coloured.

In: a `Value`. Out: a cell for typeset.grid.
"""

from __future__ import annotations

from ...engine.core.values import Value
from ..shown.numbers import brief, sign

HEAD, MUTED, NAME, WARN, BAD = "dim", "dim", "bold", "yellow", "bold red"
# Of the 256 colours, two that can be read on black and on white.
SIGNS = {"+": "color(68)", "-": "color(167)", "0": "dim", "!": BAD, "±": "", "": ""}


def colored(value: Value | None, room: int = 28, more: str = "") -> tuple[str, str]:
    """Write a gradient in the colour of its sign."""
    return brief(value, room) + more, SIGNS[sign(value)]
