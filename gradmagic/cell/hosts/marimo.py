"""marimo's names: `_a`, which is a cell's own there, is called `_cell_Hbol_a` in the code that runs.

In: a frame, a name. Out: names as the reader writes them, and what they are called where they are held.
"""

from __future__ import annotations

import re
from types import CodeType

_PRIVATE = re.compile(r"_cell_[\w-]+?(_\w*)")


def private_names(code: CodeType) -> dict[str, str]:
    """Give what the names of a cell that begin with _ are called in its code; nothing outside marimo."""
    return {as_written(name): name for name in code.co_names if _PRIVATE.fullmatch(name)}


def as_written(name: str) -> str:
    """Give a name as the reader writes it.

    Examples
    --------
    >>> as_written("_cell_Hbol_a"), as_written("_cell"), as_written("loss")
    ('_a', '_cell', 'loss')
    """
    found = _PRIVATE.fullmatch(name)
    return found[1] if found else name
