"""NumPy's functions that write into their first argument: `np.put`, `np.copyto`, `np.fill_diagonal`.

In: a tracked target and what is written. Out: None, as NumPy gives; the target and the user's own array are written,
and the gradient of an entry that was overwritten ends there.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ...core import arrays
from ...core.bounds import in_bounds
from ...dispatch.calls import gathered
from ...dispatch.protocols import composed
from ...tape.tracked import Tracked, raws, tracked_in


def _written(function: Any) -> Any:
    def write(target: Any, *args: Any, **kwargs: Any) -> None:
        values = [v for v in tracked_in((args, kwargs)) if v.node is not None and _floats(v)]
        if not isinstance(target, Tracked):
            for v in values:
                v.leave(f"np.{function.__name__}", strict_text="t[index] = value")
            function(target, *raws(args), **raws(kwargs))
            return
        # These functions only move values: what they write of the values' numbers 0, 1, 2 ... into an array of -1 tells
        # which value goes where, and what stays.
        names = _NAMES.get(function) or list(inspect.signature(function).parameters)[1:]
        given = dict(zip(names, args, strict=False)) | kwargs
        moved = next(n for n in _VALUES if n in given)
        put: Any = gathered(given[moved])
        given = raws(given)
        if arrays.on_device(target.array) and given.get("mode", "raise") == "raise":
            _INDICES.get(function, lambda a, **_: None)(target.array, **given)
        number = np.reshape(arrays.arange(np.size(given[moved]), target.array), np.shape(given[moved]))
        came = arrays.module_of(target.array).full(np.shape(target.array), -1)
        function(came, **{n: number if n == moved else v for n, v in given.items() if n != "casting"})
        if isinstance(put, Tracked):
            flat_put: Any = np.reshape(put, -1)  # type: ignore[call-overload]
            chosen: Any = np.take(flat_put, np.maximum(came, 0)) if np.size(number) else target
        else:
            chosen = np.copy(target.array)  # in the target's dtype, as NumPy writes
            function(chosen, **given)
        target.assign(Ellipsis, np.where(came >= 0, chosen, target))  # type: ignore[call-overload]

    return write


# What picks by numbers, which a device does not check.
_INDICES: dict[Any, Any] = {
    np.put: lambda a, ind, **_: in_bounds(ind, a.size),
    np.put_along_axis: lambda a, indices, axis, **_: in_bounds(indices, a.size if axis is None else a.shape[axis]),
}


# Functions in C, which say nothing of their parameters in older versions of NumPy.
_NAMES = {np.copyto: ["src", "casting", "where"], np.putmask: ["mask", "values"]}
_VALUES = ("v", "src", "values", "vals", "val")  # NumPy's names of what is written


def _floats(v: Any) -> bool:
    return v.node.aval.tangent is v.node.aval.dtype


WRITES = (np.put, np.copyto, np.putmask, np.place, np.put_along_axis, np.fill_diagonal)
for _function in WRITES:
    composed(_function, exact=True)(_written(_function))
