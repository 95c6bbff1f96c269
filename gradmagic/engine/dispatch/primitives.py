"""Functions of our own that stand beside NumPy's in the table of rules: where NumPy has a method or a statement.

In: arrays, tracked or not. Out: the same. Each has a rule like any NumPy function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import arrays
from ..core.arrays import module_of
from .calls import primitive


@primitive
def cast(x: Any, dtype: Any) -> Any:
    """Give `x` in another dtype (the method `astype`)."""
    return x.astype(dtype) if hasattr(x, "astype") else np.dtype(dtype).type(x)


@primitive
def move(x: Any, device: str, home: str) -> Any:
    """Give `x`, which lives at `home`, on `device` (PyTorch's `to`)."""
    made = arrays.to_device(x, device)
    return (
        made[()] if type(made) is np.ndarray and made is not x and not made.ndim else made
    )  # a number again


@primitive
def clip(x: Any, low: Any, high: Any) -> Any:
    """Give `x` held between `low` and `high` (`np.clip`, whose many spellings come down to this); None is no bound."""
    return np.clip(x, low, high)


@primitive
def set_item(x: Any, index: Any, value: Any) -> Any:
    """Give a copy of `x` with `value` at `index` (the statement `x[index] = value`)."""
    out = x.copy() if arrays.is_array(x) else np.array(x)
    out[index] = value
    return out


@primitive
def scatter_add(g: Any, like: Any, index: Any) -> Any:
    """Give zeros of `like.shape` with `g` added at `index`: the transpose of `x[index]`; in a dtype that holds g."""
    unique = is_unique(index)
    out = module_of(g).zeros(like.shape, gathered_in(like.dtype, g.dtype, unique))
    if unique:
        out[index] = g
        return out
    out = add_into(out, g, index)
    return out if out.dtype != np.float32 or g.dtype != np.float16 else out.astype(g.dtype)


def gathered_in(dtype: Any, other: Any, unique: bool) -> Any:
    """Give the dtype in which entries of dtype `other` are gathered for an array of `dtype`.

    Whole numbers hold no cotangent; float16, added up one by one, sticks at 2048.
    """
    wide = dtype if dtype is other or dtype == other else np.result_type(dtype, other)
    return wide if unique or wide != np.float16 else np.dtype(np.float32)


def add_into(out: Any, g: Any, index: Any) -> Any:
    """Add `g` to `out[index]` in place and give `out`; an entry that `index` names twice gets both."""
    if not is_unique(index):
        arrays.add_at(out, index, g)
    elif arrays.on_device(out) and not is_view(index):
        out += scatter_add(
            g, out, index
        )  # reading by a mask makes the host wait for its count; writing does not
    else:
        out[index] += g
    return out


def is_unique(index: Any) -> bool:
    """Tell whether `index` can name no entry twice: numbers, slices, None, ... and masks, but no arrays of numbers."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(is_view(p) or getattr(p, "dtype", None) == np.bool_ for p in parts)


def is_view(index: Any) -> bool:
    """Tell whether `x[index]` is basic indexing: numbers, slices, None and ... only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(p is None or p is Ellipsis or isinstance(p, (int, np.integer, slice)) for p in parts)
