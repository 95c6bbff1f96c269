"""Arrays that a recording took for constants, and that somebody else holds too: a cache, an object of another library.

In: arrays. Out: those that live on when the recording is over, so that they may be written later. A program of theirs
compares them at every call.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np


def held_elsewhere(table: Mapping[Any, tuple[Any, Any]]) -> list[Any]:
    """List the arrays of a table (array, something) that others hold too, or whose memory others look into."""
    return [
        array for array, counts in _counts(table)
        if counts[0] > _ALONE[0] or any(count > _ALONE[1] for count in counts[1:])
    ]  # fmt: skip


def _counts(table: Mapping[Any, tuple[Any, Any]]) -> list[tuple[Any, list[int]]]:
    """Count how many hold each array, and each object whose memory it looks into."""
    found = []
    for array, _ in table.values():
        counts, owner = [], array
        while owner is not None:
            counts.append(sys.getrefcount(owner))
            owner = owner.obj if isinstance(owner, memoryview) else getattr(owner, "base", None)
        found.append((array, counts))
    return found


_ALONE = _counts({0: (np.empty(2)[1:], None)})[0][1]
