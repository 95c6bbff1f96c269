"""What became of a recording, in words.

In: a replayed function. Out: text.
"""

from __future__ import annotations

from collections import Counter
from typing import Any


def source(replayed: Any) -> str:
    """Give the program that served last, as Python."""
    for made in replayed.programs:
        if made is getattr(replayed, "_last", None):
            return str(made.source)
    return (
        replayed.programs[-1].source if replayed.programs else "# not recorded yet: it is at the first call\n"
    )


def explain(replayed: Any) -> str:
    """Say what was recorded and what is left of it."""
    name = getattr(replayed.f, "__name__", "f")
    lines = [f"{name}: {len(replayed.programs)} programs, {replayed.eager} calls without one"]
    for made in replayed.programs:
        kinds = Counter(s.kind for s in made.program.steps)
        lines.append(
            f"  {made.recorded} steps recorded, {kinds['call'] + kinds['write']} left, {kinds['guard']} guards, "
            f"buffers of {made.bytes:,} bytes"
        )
    lines += [f"  refused: {why}" for why in replayed.refused]
    return "\n".join(lines)
