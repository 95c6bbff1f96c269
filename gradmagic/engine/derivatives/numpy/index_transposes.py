"""The awkward transposes of indexing: picking by condition, and putting where one place is named twice.

In and out: as a rule gets them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dispatch.primitives import is_unique, scatter_add, set_item
from ...tape.tracked import raw
from .partials import aval, device_range


def placed(g: Any, index: Any, _value: Any, _x: Any) -> Any:
    """Give the cotangent of the values put at `index`: where a place is named twice, only the last value stayed."""
    if _x.dtype.kind in "biu" and not passes(_value.dtype, _x.dtype):
        return g[index] * 0
    if is_mask(index) and np.size(_value) == 1:  # without g[mask], which makes the host wait for a GPU
        return np.where(np.reshape(index, index.shape + (1,) * (len(g.shape) - len(index.shape))), g, 0)
    c = g[index]
    if is_unique(index):
        return c
    order = np.reshape(device_range(c.size, g), c.shape)
    stayed = set_item(np.zeros_like(raw(g), dtype=order.dtype), index, order)[index] == order
    return np.where(stayed, c, 0)


def passes(dtype: Any, other: Any) -> bool:
    """Tell whether entries of `dtype` go into an array of dtype `other` unrounded: floats into whole numbers do not."""
    other = np.dtype(other)
    return other.kind in "fc" or (np.dtype(dtype).kind in "biu" and other.kind in "iu")


def is_mask(index: Any) -> bool:
    """Tell whether the index is one array of truth values."""
    return getattr(index, "dtype", None) == np.bool_ and len(index.shape) > 0


def compress_vjp(g: Any, _y: Any, condition: Any, _a: Any, axis: Any = None, out: Any = None) -> Any:
    """Put g back at the places where the condition, which may be shorter than the axis, holds."""
    shape, at = ((_a.size,), 0) if axis is None or not _a.shape else (_a.shape, axis % len(_a.shape))
    mask = np.asarray(condition) if isinstance(condition, (list, tuple)) else condition
    mask = (mask != 0)[: shape[at]]
    mask = np.pad(mask, (0, shape[at] - mask.shape[0]))
    c = scatter_add(g, aval(shape, _a.dtype), (slice(None),) * at + (mask,))
    return np.reshape(c, _a.shape)
