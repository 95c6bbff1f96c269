"""CuPy's functions followed while a traced call runs, once CuPy is imported: `cp.dot(c, t)`, `cp.concatenate([t, c])`.

In: CuPy's functions. Out: of tracked values NumPy's of the same name, which dispatches to the tape, and by it to CuPy;
of anything else CuPy's own. Elementwise functions (`cp.exp(t)`) need none of this: they ask a protocol of CuPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..tape.tracked import tracked_in
from .followers import FOLLOWING, follow, later
from .new_arrays import conversion, copying, creation, ranged
from .switch import traces


def _as_numpys(numpys: Any) -> Callable[[Any, str], Any]:
    def make(original: Any, name: str) -> Callable[..., Any]:
        @wraps(original)
        def follower(*args: Any, **kwargs: Any) -> Any:
            met = tracked_in((args, kwargs)) and traces()
            return (getattr(numpys, name) if met else original)(*args, **kwargs)

        return follower

    return make


def _follow_cupy(cupy: Any) -> None:
    """Follow the functions that NumPy dispatches, and what makes new arrays."""
    for home, module in (np, "cupy"), (np.linalg, "cupy.linalg"), (np.fft, "cupy.fft"):
        theirs = getattr(cupy, module.partition(".")[2], cupy)
        names = [n for n in vars(home) if type(getattr(home, n)) is _DISPATCHED and n in vars(theirs)]
        follow(" ".join(n for n in names if n not in (*_MAKING, "copy")), _as_numpys(home), module)
    follow("matmul", _as_numpys(np), "cupy")
    follow("zeros empty ones full eye identity " + " ".join(_MAKING), creation, "cupy")
    follow("arange", ranged, "cupy")
    follow("copy", copying, "cupy")
    follow("asarray asanyarray", conversion(), "cupy")
    follow("array", conversion(copies=True), "cupy")
    follow("ascontiguousarray", conversion(order="C"), "cupy")
    follow("asfortranarray", conversion(order="F"), "cupy")


_DISPATCHED: Any = type(np.sum)
_MAKING = ("zeros_like", "empty_like", "ones_like", "full_like")
FOLLOWING["cupy"] = _follow_cupy
later.add("cupy")
