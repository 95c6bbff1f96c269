"""Sizes of windows and strides as PyTorch takes them: one number for all dims, or one for each.

In: a number or several. Out: a tuple.
"""

from __future__ import annotations

from typing import Any


def sizes_of(value: Any, n: int) -> tuple[int, ...]:
    """Give 3, (3,) and (3, 3) one form: a number for each of n dims."""
    if isinstance(value, int):
        return (value,) * n
    given = tuple(map(int, value))
    return given * n if len(given) == 1 else given
