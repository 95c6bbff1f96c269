"""NumPy's functions that write into their first argument: `np.put`, `np.copyto`, `np.fill_diagonal`, `np.add.at`.

In: a tracked target and what is written. Out: None, as NumPy gives; the target and the user's own array are written,
and the gradient of an entry that was overwritten ends there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calls import raw_of
from ..dispatch import composed
from ..primitives import scatter_add
from ..tape import aval_of
from ..tracked import Tracked


def _written(function: Any) -> Any:
    def write(target: Any, *args: Any, **kwargs: Any) -> None:
        values = [v for v in (*args, *kwargs.values()) if isinstance(v, Tracked) and v.node is not None]
        for v in values:
            assert v.node is not None
            if v.node.aval.tangent is v.node.aval.dtype:
                v.leave(f"np.{function.__name__}", strict_text="t[index] = value")
        args, kwargs = raw_of(args), raw_of(kwargs)
        if not isinstance(target, Tracked):
            function(target, *args, **kwargs)
            return
        # What these functions write does not depend on the target: where it comes out the same over zeros and over
        # ones, it was written.
        over_zeros, over_ones = np.zeros_like(target.array), np.ones_like(target.array)
        function(over_zeros, *args, **kwargs)
        function(over_ones, *args, **kwargs)
        kept = (over_zeros == 0) & (over_ones == 1)
        new: Any = np.where(kept, target, over_zeros)  # type: ignore[call-overload]
        target.assign(Ellipsis, new)

    return write


WRITES = (np.put, np.copyto, np.putmask, np.place, np.put_along_axis, np.fill_diagonal)
for _function in WRITES:
    composed(_function)(_written(_function))


def add_at(target: Any, index: Any, values: Any) -> None:
    """Do `np.add.at(target, index, values)`: an entry that `index` names twice gets both."""
    index = raw_of(index)
    if not isinstance(target, Tracked):
        np.add.at(target, index, values.leave("np.add.at", strict_text="target = target + ..."))
        return
    shape = np.shape(target.array[index])
    if not isinstance(values, Tracked):
        values = np.asarray(values, target.array.dtype)
    spread = np.broadcast_to(values, shape)
    target.assign(Ellipsis, target + scatter_add(spread, aval_of(target.array), index))


