"""Functions of our own that stand beside NumPy's in the table of rules: where NumPy has a method or a statement.

In: arrays, tracked or not. Out: the same. Each has a rule like any NumPy function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import arrays
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
    if arrays.on_device(x) and np.size(value) == 1 and (found := _mask_in(index)) is not None and x.ndim:
        value = np.reshape(value, ()) if np.ndim(value) else value
        return np.where(_against(x, *found), value, x).astype(x.dtype, copy=False)
    out = x.copy() if arrays.is_array(x) else np.array(x)
    out[index] = value
    return out


@primitive
def scatter_add(g: Any, like: Any, index: Any) -> Any:
    """Give zeros of `like.shape` with `g` added at `index`: the transpose of `x[index]`; in a dtype that holds g."""
    unique = is_unique(index)
    dtype = gathered_in(like.dtype, g.dtype, unique)
    if arrays.on_device(g) and g.size and (found := _mask_in(index)) is not None:
        return _spread(g, *found).astype(dtype, copy=False)
    out = arrays.home_of(g, index).zeros(like.shape, dtype)
    if unique:
        out[index] = g
        return out
    out = add_into(out, g, index)
    return out if out.dtype != np.float32 or g.dtype != np.float16 else out.astype(g.dtype)


def _mask_in(index: Any) -> tuple[int, Any] | None:
    """Give axis and mask of `x[mask]`, `x[:, mask]` ...; None of any other index."""
    *before, mask = (index or (None,)) if isinstance(index, tuple) else (index,)
    whole = all(type(part) is slice and part == slice(None) for part in before)
    return (len(before), mask) if whole and getattr(mask, "dtype", None) == np.bool_ and mask.ndim else None


def _spread(g: Any, axis: int, mask: Any) -> Any:
    """Give g's rows where the mask holds, else 0: a device would wait to count the places of `out[mask] = g`."""
    mask = arrays.from_host(mask, g)
    picked = np.take(g, np.reshape(np.cumsum(mask) - 1, mask.shape), axis)
    return np.where(_against(picked, axis, mask), picked, 0)


def _against(x: Any, axis: int, mask: Any) -> Any:
    """Give a mask of axes of `x` from `axis` on in a shape that broadcasts against x."""
    mask = arrays.from_host(mask, x)
    return np.reshape(mask, mask.shape + (1,) * (x.ndim - axis - mask.ndim))


def gathered_in(dtype: Any, other: Any, unique: bool) -> Any:
    """Give the dtype in which entries of dtype `other` are gathered for an array of `dtype`.

    Whole numbers hold no cotangent; float16, added up one by one, sticks at 2048.
    """
    wide = dtype if dtype is other or dtype == other else np.result_type(dtype, other)
    return wide if unique or wide != np.float16 else np.dtype(np.float32)


def add_into(out: Any, g: Any, index: Any) -> Any:
    """Add `g` to `out[index]` in place and give `out`; an entry that `index` names twice gets both."""
    if type(index) is slice and type(out) is np.ndarray:
        part = out[index]
        part += g  # out[index] += g would write the part to its place again
    elif not is_unique(index):
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
    if type(index) is slice or type(index) is int:
        return True
    parts = index if isinstance(index, tuple) else (index,)
    return all(is_view(p) or getattr(p, "dtype", None) == np.bool_ for p in parts)


def is_view(index: Any) -> bool:
    """Tell whether `x[index]` is basic indexing: numbers, slices, None and ... only."""
    if type(index) is slice or type(index) is int:
        return True
    parts = index if isinstance(index, tuple) else (index,)
    return all(p is None or p is Ellipsis or isinstance(p, (int, np.integer, slice)) for p in parts)
