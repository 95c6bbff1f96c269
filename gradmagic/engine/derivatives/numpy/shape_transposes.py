"""The awkward transposes of functions that move entries about: joining, padding, repeating, diagonals, picking.

In: the cotangent of the result and the aval of the input (`like`). Out: the cotangent of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...core import arrays
from ...dispatch.calls import primitive
from ...dispatch.primitives import scatter_add
from ...tape.nodes import Aval
from ...tape.tracked import raw
from .partials import aval, axes_of, device_range, summed_in


def settled(order: str) -> Any:
    """Give C or F; the other orders depend on how the input lay in memory, which is not kept."""
    if order not in ("C", "F"):
        raise ArgumentError(tr("order={order!r} has no derivative in gradmagic: say 'C' or 'F'.", order=order))
    return order


def invert(axes: Any) -> Any:
    """Give the permutation that undoes `axes`; None, the reversal, undoes itself."""
    if axes is None:
        return None
    back = [0] * len(axes)
    for i, a in enumerate(axes):
        back[int(a) % len(axes)] = i
    return back


def minus(shift: Any) -> Any:
    """Give -shift, of a number or of each of several."""
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


def _slice(ndim: int, axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (slice(None),) * (axis % ndim) + (slice(start, stop),)


def deal(g: Any, like: Sequence[Aval], axis: int | None, least: int = 0, column: bool = False) -> list[Any]:
    """Cut the cotangent of a concatenation into the parts' own; parts were raised to `least` dimensions before."""
    parts, start = [], 0
    for part in like:
        if axis is None:
            shape: tuple[int, ...] = (part.size,)
        elif part.ndim >= least:
            shape = part.shape
        elif column:
            shape = (part.size, 1)
        else:  # as atleast_1d, atleast_2d and atleast_3d do it
            shape = {0: (1,) * least, 1: (1, part.size) + (1,) * (least - 2), 2: (*part.shape, 1)}[part.ndim]
        stop = start + shape[axis or 0]
        parts.append(np.reshape(g[_slice(len(g.shape), axis or 0, start, stop)], part.shape))
        start = stop
    return parts


def untile(g: Any, like: Aval, reps: Any) -> Any:
    """Sum over the copies that np.tile made."""
    reps = (reps,) if not isinstance(reps, (tuple, list, np.ndarray)) else tuple(int(r) for r in reps)
    ndim = max(len(reps), like.ndim)
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - like.ndim) + like.shape
    g = np.reshape(g, tuple(n for pair in zip(reps, shape, strict=True) for n in pair))
    return np.reshape(np.sum(g, axis=tuple(range(0, 2 * ndim, 2)), dtype=summed_in(g)), like.shape)


def repeat_transpose(g: Any, like: Aval, repeats: Any, axis: int | None = None) -> Any:
    """Sum over the copies of each entry that np.repeat made."""
    shape, at = ((like.size,), 0) if axis is None or not like.ndim else (like.shape, axis % like.ndim)
    if np.size(repeats) == 1:
        times = int(np.reshape(np.asarray(repeats), ())) if isinstance(repeats, (list, tuple)) else int(repeats)
        rows = np.reshape(g, (*shape[: at + 1], times, *shape[at + 1 :]))
        c = np.sum(rows, axis=at + 1, dtype=summed_in(g))
    else:
        repeats = raw(repeats)
        entries = device_range(shape[at], g) if arrays.on_device(repeats) else np.arange(shape[at])
        source = arrays.from_host(np.repeat(entries, repeats), raw(g))
        c = scatter_add(g, aval(shape, like.dtype), (slice(None),) * at + (source,))
    return np.reshape(c, like.shape)


@primitive
def pad(array: Any, pad_width: Any, mode: str, values: Any = 0) -> Any:
    """Give `array` with a rim of constant values, or of its own entries again."""
    options = {"constant_values": values} if mode == "constant" else {}
    return np.pad(array, pad_width, mode, **options)  # type: ignore[call-overload]


def unpad(g: Any, like: Aval, pad_width: Any, mode: Any, values: Any = 0) -> Any:
    """Cut the rim off; where the rim repeats entries, add it to those."""
    shape = like.shape
    widths = pad_widths(pad_width, len(shape))
    if mode == "constant":
        return g[tuple(slice(before, before + n) for (before, _), n in zip(widths, shape, strict=True))]
    index = []
    for i, (n, width) in enumerate(zip(shape, widths, strict=True)):
        source = np.pad(device_range(n, g), width, mode=mode)
        index.append(np.reshape(source, (1,) * i + (-1,) + (1,) * (len(shape) - i - 1)))
    return scatter_add(g, aval(shape, like.dtype), tuple(index))


def pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """Give how much np.pad adds before and after each axis."""
    if isinstance(pad_width, dict):
        pairs = {a % ndim: w if isinstance(w, (tuple, list)) else (w, w) for a, w in pad_width.items()}
        return [tuple(pairs.get(i, (0, 0))) for i in range(ndim)]  # type: ignore[misc]
    return [(int(a), int(b)) for a, b in np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()]


def undiff(g: Any, n: int, axis: int) -> Any:
    """Undo n differences: each entry was added once and subtracted once."""
    for _ in range(n):
        rim = [(0, 0)] * len(g.shape)
        ahead, behind = list(rim), list(rim)
        ahead[axis], behind[axis] = (1, 0), (0, 1)
        g = pad(g, ahead, "constant") - pad(g, behind, "constant")
    return g


def crop(g: Any, like: Aval, axis: int, prepend: Any) -> Any:
    """Leave out what np.diff was told to prepend and append."""
    before = 0 if prepend is None else np.shape(prepend)[axis] if np.ndim(prepend) else 1
    return g[_slice(like.ndim, axis, before, before + like.shape[axis])]


def unslide(g: Any, like: Aval, window_shape: Any, axis: Any = None) -> Any:
    """Add up the windows in which each entry stands."""
    window = tuple(window_shape) if isinstance(window_shape, (tuple, list)) else (window_shape,)
    axes = axes_of(axis, like.ndim)
    total: Any = None
    for offset in np.ndindex(*window):
        widths = [(0, 0)] * like.ndim
        for k, a, n in zip(offset, axes, window, strict=True):
            before, after = widths[a]  # an axis may be named twice
            widths[a] = (before + k, after + n - 1 - k)
        part = pad(g[(..., *offset)], widths, "constant")
        total = part if total is None else total + part
    return total


def undiagonal(g: Any, like: Aval, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Put the entries of g on a diagonal of zeros of `like.shape`."""
    axis1, axis2 = axis1 % like.ndim, axis2 % like.ndim
    rest = tuple(n for i, n in enumerate(like.shape) if i not in (axis1, axis2))
    along = device_range(g.shape[-1], g)
    index = (..., along + max(-offset, 0), along + max(offset, 0))
    moved = scatter_add(g, aval((*rest, like.shape[axis1], like.shape[axis2]), like.dtype), index)
    return np.moveaxis(moved, (-2, -1), (axis1, axis2))


def diag_transpose(g: Any, like: Aval, k: int = 0) -> Any:
    return np.diagonal(g, k) if like.ndim == 1 else undiagonal(g, like, k)


def take_transpose(
    g: Any, like: Aval, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    shape, at = ((like.size,), 0) if axis is None or not like.ndim else (like.shape, axis % like.ndim)
    indices = indices if np.ndim(indices) == 0 else raw(indices)
    if isinstance(indices, (list, tuple)):
        indices = np.asarray(indices)
    if mode == "wrap":
        indices = indices % shape[at]
    elif mode == "clip":
        indices = np.clip(indices, 0, shape[at] - 1)
    c = scatter_add(g, aval(shape, like.dtype), (slice(None),) * at + (indices,))
    return np.reshape(c, like.shape)


def take_along_transpose(g: Any, like: Aval, indices: Any, axis: int | None = -1) -> Any:
    shape, at = ((like.size,), 0) if axis is None else (like.shape, axis % like.ndim)
    ndim = len(shape)
    index = []
    for i in range(ndim):
        along = device_range(shape[i], g)
        index.append(indices if i == at else np.reshape(along, (1,) * i + (-1,) + (1,) * (ndim - i - 1)))
    return np.reshape(scatter_add(g, aval(shape, like.dtype), tuple(index)), like.shape)


def sort_vjp(
    g: Any, _y: Any, a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, stable: Any = None
) -> Any:
    """Give each entry the cotangent of the place it was sorted to."""
    x, at = (np.reshape(a, -1), 0) if axis is None else (a, axis)
    place = np.argsort(np.argsort(raw(x), axis=at, kind="stable"), axis=at)
    return np.reshape(np.take_along_axis(g, place, at), a.shape)


def partition_vjp(
    g: Any, y: Any, a: Any, kth: Any, axis: int | None = -1, kind: Any = None, order: Any = None
) -> Any:
    """Give each entry the cotangent of the place it was moved to: found by sorting what came out and what went in."""
    x, at = (np.reshape(a, -1), 0) if axis is None else (a, axis)
    came = np.argsort(raw(y), axis=at, kind="stable")
    rank = np.argsort(np.argsort(raw(x), axis=at, kind="stable"), axis=at)
    return np.reshape(np.take_along_axis(np.take_along_axis(g, came, at), rank, at), a.shape)
