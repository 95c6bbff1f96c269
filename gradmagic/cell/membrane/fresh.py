"""Numbers as objects of their own: a table that knows values by identity needs each input to be one object.

In: a number that Python may share (a constant of the code, a small int). Out: an equal one that nobody else holds.
"""

from __future__ import annotations

import marshal
from typing import Any

import numpy as np


def fresh(value: Any) -> Any:
    """Give an equal number of the same type, as an object of its own; anything else as it is.

    Examples
    --------
    >>> three = fresh(3)
    >>> three == 3, type(three), three is 3 + 0
    (True, <class 'int'>, False)
    """
    kind = type(value)
    if kind is float:
        return value * 1.0  # -0.0 and NaN stay what they are
    if kind is int:
        return _fresh_int(value)
    if kind is complex:
        return complex(value.real, value.imag)
    if isinstance(value, np.generic):
        return value.copy()
    return value


def _fresh_int(value: int) -> int:
    if not -(1 << 15) < value < 1 << 15:
        return marshal.loads(marshal.dumps(value))  # type: ignore[no-any-return]
    # Python keeps one object for each small int; its reader of long integers makes another (3.11 to 3.13).
    digits = (value > 0) - (value < 0)
    return marshal.loads(
        b"l" + digits.to_bytes(4, "little", signed=True) + abs(value).to_bytes(2 * abs(digits), "little")
    )  # type: ignore[no-any-return]
