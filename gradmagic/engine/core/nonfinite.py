"""What is odd about a value: NaN or infinity in it; and a value in short, for messages.

In: an array of any device, a number, or a list of them. Out: two truths; a text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arrays


def oddness(value: Any) -> tuple[bool, bool]:
    """Tell whether there is NaN in a value, and whether there is infinity.

    Examples
    --------
    >>> oddness(np.array([1.0, -np.inf])), oddness(2)
    ((False, True), (False, False))
    """
    if isinstance(value, (list, tuple)):
        each = [oddness(v) for v in value if v is not None]
        return any(nan for nan, _ in each), any(infinite for _, infinite in each)
    if isinstance(value, (float, complex)) and not isinstance(value, np.generic):
        return value != value, value - value != 0 and value == value
    if getattr(getattr(value, "dtype", None), "kind", "") not in ("f", "c"):
        return False, False
    with np.errstate(all="ignore"):
        total = np.add.reduce(value, None)
        if arrays.to_host(total - total) == 0:  # one pass; a sum that overflows only brings in the exact test
            return False, False
    return bool(np.any(np.isnan(value))), bool(np.any(np.isinf(value)))


def in_short(value: Any) -> str:
    """Write a value in short.

    Examples
    --------
    >>> in_short(np.arange(100)), in_short(0.5)
    ('[ 0 1 2 ... 97 98 99]', '0.5')
    """
    value = arrays.to_host(value)
    if isinstance(value, np.generic):
        value = value.item()
    if not arrays.is_array(value):
        return f"{value:.6g}" if isinstance(value, (int, float, complex)) else str(value)
    text = np.array2string(value, threshold=6, edgeitems=3 if value.ndim < 2 else 2, precision=4)
    return " ".join(text.split())
