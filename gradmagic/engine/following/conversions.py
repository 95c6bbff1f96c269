"""NumPy's `asarray`, `array` and their kin followed while a traced call runs; new arrays stand in new_arrays.py.

In: a value, or nested lists of values. Out: one tracked array, where NumPy asks only `__array__` and `__float__`, so
that nothing dispatches; of anything else what NumPy gives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..core import arrays
from ..dispatch.calls import held, stacked
from ..tape.tracked import Tracked, raws, tracked_in
from .switch import traces


def tracked(value: Any) -> bool:
    """Tell whether it is a lifted value, or computed from one."""
    return isinstance(value, Tracked) and value.soft and value.node is not None


def held_in_list(value: Any) -> bool:
    """Tell whether it is a list or tuple with tracked values in it."""
    return type(value) in (list, tuple) and held(value)


def _convert(original: Any, value: Any, dtype: Any, order: Any, copy: Any) -> Any:
    """Give `value`, an Array or nested lists that hold some, as one array of dtype and order."""
    made: Any
    if type(value) is Tracked.inner:
        made = value if arrays.is_array(value.array) else np.reshape(value, ())  # type: ignore[call-overload]
    else:
        # NumPy finds dtype and shape, or says what is wrong (ragged lists).
        given = raws(value)
        first = next(iter(tracked_in(value)))
        plain = original(_without_numbers(given) if arrays.on_device(first.array) else given)
        if plain.dtype.kind not in "fciu":
            return NotImplemented
        made = stacked(value)
        dtype = plain.dtype if dtype is None else np.dtype(dtype)
        if dtype.kind in "iu":  # whole numbers have gradients as long as they stay what they are
            return made if made.array.dtype == dtype else NotImplemented
        copy = False
    dtype = made.array.dtype if dtype is None else np.dtype(dtype)
    return made.astype(dtype, order=order or "K", copy=bool(copy))


def _without_numbers(value: Any) -> Any:
    """Give nested lists with arrays of a device as ones of the host, of the same shapes and dtypes."""
    if type(value) in (list, tuple):
        return [_without_numbers(v) for v in value]
    return np.zeros(value.shape, value.dtype) if arrays.on_device(value) else value


def converting(original: Any, copies: bool = False, order: str | None = None) -> Callable[..., Any]:
    """Follow a conversion, which may copy, and may give an order of its own."""

    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        value = args[0] if args else None
        if not ((type(value) is Tracked.inner and value.node is not None) or held(value)) or not traces():  # type: ignore[union-attr]
            return original(*args, **kwargs)
        options = dict(kwargs)
        if len(args) > 1:
            options["dtype"] = args[1]
        if len(args) > 2:
            options["order"] = args[2]
        ndmin = options.pop("ndmin", 0)
        options.pop("subok", None)
        if len(args) > 3 or set(options) - {"dtype", "order", "copy"}:
            return original(*args, **kwargs)  # device=, like=: as without following, with its note or error
        copy = options.get("copy", copies)
        if copy is False and "copy" in options:
            return original(*args, **kwargs)
        made = _convert(original, value, options.get("dtype"), options.get("order") or order, copy)
        if made is NotImplemented:
            return original(*args, **kwargs)
        if np.ndim(made) < ndmin:
            made = np.reshape(made, (1,) * (ndmin - np.ndim(made)) + np.shape(made))
        if order and not np.ndim(made):
            made = np.reshape(made, (1,))  # as NumPy's ascontiguousarray and asfortranarray
        return made

    return follower


as_array = converting(np.array, copies=True)  # one array of tracked values in lists


def gathered(value: Any) -> Any:
    """Give a list with tracked values in it as one array; anything else as it is."""
    return as_array(value) if held_in_list(value) else value
