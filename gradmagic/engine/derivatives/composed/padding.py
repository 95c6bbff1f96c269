"""np.pad in all of its modes but a function of the user's.

In: what np.pad takes. Out: the same as NumPy's. Rims of one value or of the array's own entries are one linear
operation (shape_transposes.pad); the other rims are computed from the entries of each axis in turn, as NumPy does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...core import arrays
from ...dispatch.primitives import cast
from ...dispatch.protocols import composed
from ...tape.tracked import raw
from ..numpy import shape_transposes

_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median,
}  # fmt: skip


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if mode == "constant" and not np.ndim(options.get("constant_values", 0)):
        return shape_transposes.pad(array, pad_width, mode, options.get("constant_values", 0))
    if mode in ("edge", "reflect", "symmetric", "wrap") and options.get("reflect_type", "even") == "even":
        return shape_transposes.pad(array, pad_width, mode)
    if not isinstance(mode, str):
        raise ArgumentError(tr(
            "np.pad(..., mode=function) has no derivative in gradmagic: write np.concatenate([left, x, right]).",
        ))  # fmt: skip
    widths = shape_transposes.pad_widths(pad_width, np.ndim(array))
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = np.moveaxis(array, axis, 0)
            array = np.moveaxis(_RIMS.get(mode, _of_statistic)(x, axis, before, after, mode, options), 0, axis)
    return array


def _joined(x: Any, before: Any, after: Any) -> Any:
    return np.concatenate([cast(before, raw(x).dtype), x, cast(after, raw(x).dtype)])


def _each(value: Any, ndim: int, axis: int) -> Any:
    """Give the two settings (before, after) of an axis from one number, a pair, or a pair for each axis."""
    if isinstance(value, dict):
        value = value.get(axis, value.get(axis - ndim, 0))
        return (value, value) if not np.ndim(value) else tuple(value)
    if np.ndim(value) == 0:
        return value, value
    if np.ndim(value) == 1:
        return (value[0], value[0]) if np.shape(value)[0] == 1 else (value[0], value[1])
    row = value[0 if np.shape(value)[0] == 1 else axis]
    return (row[0], row[0]) if np.shape(row)[0] == 1 else (row[0], row[1])


def _filled(x: Any, value: Any, n: int) -> Any:
    return np.broadcast_to(value, (n, *np.shape(x)[1:]))


def _of_constants(x: Any, axis: int, before: int, after: int, _mode: str, options: Any) -> Any:
    left, right = _each(options.get("constant_values", 0), np.ndim(x), axis)
    return _joined(x, _filled(x, left, before), _filled(x, right, after))


def _of_ramp(x: Any, axis: int, before: int, after: int, _mode: str, options: Any) -> Any:
    ends = _each(options.get("end_values", 0), np.ndim(x), axis)
    column = (-1,) + (1,) * (np.ndim(x) - 1)

    def ramp(end: Any, edge: Any, n: int) -> Any:
        share = np.reshape(arrays.from_host(np.arange(n) / max(n, 1), raw(x)), column)
        return end + (edge - end) * share

    return _joined(x, ramp(ends[0], x[:1], before), np.flip(ramp(ends[1], x[-1:], after), 0))


def _of_statistic(x: Any, axis: int, before: int, after: int, mode: str, options: Any) -> Any:
    lengths = options.get("stat_length")
    n = np.shape(x)[0]
    first, last = (n, n) if lengths is None else _each(lengths, np.ndim(x), axis)
    f = _STATISTICS[mode]
    left, right = f(x[: min(first, n)], axis=0, keepdims=True), f(x[n - min(last, n) :], axis=0, keepdims=True)
    return _joined(x, _filled(x, left, before), _filled(x, right, after))


def _of_mirror(x: Any, _axis: int, before: int, after: int, mode: str, _options: Any) -> Any:
    """Mirror the entries through the edge (reflect_type="odd"): a product with the matrix that does it."""
    n = np.shape(x)[0]
    matrix = np.pad(np.eye(n), ((0, 0), (before, after)), mode, reflect_type="odd")  # type: ignore[call-overload]
    matrix = arrays.from_host(matrix.T.astype(raw(x).dtype), raw(x))
    return np.tensordot(matrix, x, axes=1)


_RIMS: dict[str, Callable[..., Any]] = {
    "constant": _of_constants, "empty": _of_constants, "linear_ramp": _of_ramp,
    "reflect": _of_mirror, "symmetric": _of_mirror,
}  # fmt: skip
