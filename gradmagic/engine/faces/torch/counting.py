"""PyTorch's functions that count and search: histograms, different entries, places in an order. None has a gradient.

In: a Tensor. Out: Tensors, or a named tuple of them.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tape.tracked import raw
from .arguments import named_results


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """As `torch.bincount`: how often each whole number comes, or the sum of its weights."""
    return input.wrap(np.bincount(input.array, raw(weights), minlength), None)


def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """As `torch.histc`: how many entries lie in each of `bins` equal parts from `min` to `max` (of the data: 0, 0)."""
    array = input.array
    if min == max == 0:
        min, max = float(array.min()), float(array.max())
    if min == max:
        min, max = min - 1, max + 1
    counts, _ = np.histogram(array, bins, (min, max))
    return input.wrap(counts.astype(array.dtype), None)


def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """As `torch.histogram`: (hist, bin_edges)."""
    dtype = input.array.dtype
    hist, edges = np.histogram(np.reshape(input.array, -1), raw(bins), range, density, _flat(weight))
    return _HISTOGRAM(*(input.wrap(a.astype(dtype), None) for a in (hist, edges)))


def _flat(weight: Any) -> Any:
    return None if weight is None else np.reshape(raw(weight), -1)


_HISTOGRAM = named_results("histogram", "hist bin_edges")


def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Any:  # fmt: skip
    """As `torch.searchsorted`: where each entry would have to be put to keep the order of the sequence."""
    line, values = raw(sorted_sequence), raw(input)
    if sorter is not None:
        line = np.take_along_axis(line, raw(sorter), -1)
    word = side or ("right" if right else "left")
    if line.ndim == 1:
        found = np.searchsorted(line, values, word)  # type: ignore[call-overload]
    else:
        before = np.less_equal if word == "right" else np.less
        found = np.sum(before(np.expand_dims(line, -2), np.expand_dims(values, -1)), axis=-1)
    return sorted_sequence.wrap(found.astype(np.int32 if out_int32 else np.int64), None)


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """As `torch.bucketize`: the number of the bucket between `boundaries` in which each entry lies."""
    face = boundaries if hasattr(boundaries, "node") else input.wrap(np.asarray(boundaries), None)
    return searchsorted(face, input, out_int32=out_int32, right=right)


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:  # fmt: skip
    """As `torch.unique`: the different entries, or slices along `dim`, in order; also where each entry has gone."""
    array = input.array
    found = np.unique(array, False, return_inverse, return_counts, dim)  # type: ignore[call-overload]
    parts = builtins.list(found) if isinstance(found, tuple) else [found]
    if return_inverse:
        parts[1] = np.reshape(parts[1], array.shape if dim is None else -1)
    made = tuple(input.wrap(p, None) for p in parts)
    return made if len(made) > 1 else made[0]


def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:  # fmt: skip
    """As `torch.unique_consecutive`: without the entries, or slices along `dim`, that equal the one before."""
    array = np.reshape(input.array, -1) if dim is None else np.moveaxis(input.array, dim, 0)
    new = np.any(np.reshape(array[1:] != array[:-1], (max(len(array) - 1, 0), array[:1].size)), 1)
    first = np.concatenate([np.ones_like(new, shape=(min(len(array), 1),)), new])
    kept = array[first]
    parts = [kept if dim is None else np.moveaxis(kept, 0, dim)]
    number = np.cumsum(first) - 1
    if return_inverse:
        parts.append(np.reshape(number, np.shape(input.array) if dim is None else -1))
    if return_counts:
        parts.append(np.bincount(number))
    made = tuple(input.wrap(p, None) for p in parts)
    return made if len(made) > 1 else made[0]


def argwhere(input: Any) -> Any:
    """As `torch.argwhere`: the places that are not 0, one in each row."""
    return input.wrap(np.argwhere(input.array), None)


_FUNCTIONS = "bincount histc histogram unique unique_consecutive argwhere".split()
COUNTING: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
FUNCTIONS_ONLY: dict[str, Callable[..., Any]] = {"searchsorted": searchsorted, "bucketize": bucketize}
