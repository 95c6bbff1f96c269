"""The awkward transposes of indexing: picking by condition, and putting where one place is named twice.

In and out: as a rule gets them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitives import is_unique, scatter_add, set_item
from .helpers import aval, device_range, raw


def placed(g: Any, index: Any) -> Any:
    """Give the cotangent of the values put at `index`: where a place is named twice, only the last value stayed."""
    c = g[index]
    if is_unique(index):
        return c
    order = np.reshape(device_range(c.size, g), c.shape)
    stayed = set_item(np.zeros_like(raw(g), dtype=order.dtype), index, order)[index] == order
    return np.where(stayed, c, 0)


def compress_vjp(g: Any, _y: Any, condition: Any, _a: Any, axis: Any = None, out: Any = None) -> Any:
    """Put g back at the places where the condition, which may be shorter than the axis, holds."""
    shape, at = ((_a.size,), 0) if axis is None else (_a.shape, axis % len(_a.shape))
    picked = np.flatnonzero(np.asarray(condition) if isinstance(condition, (list, tuple)) else condition)
    c = scatter_add(g, aval(shape, _a.dtype), (slice(None),) * at + (picked,))
    return np.reshape(c, _a.shape)
