"""CuPy's functions followed, once CuPy is imported: `cp.dot(c, t)`, `cp.concatenate([t, c])`.

In: CuPy's functions. Out: of tracked values NumPy's of the same name, which dispatches to the tape, and by it to CuPy;
of anything else CuPy's own. Elementwise functions (`cp.exp(t)`) need none of this: they ask a protocol of CuPy's.
Tensors meet them outside of traced calls, too: from the first one of a device on they are followed everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..tape.ends import ON_DEVICE
from ..tape.tracked import tracked_in
from .followers import FOLLOWING, STANDING, follow, follow_late, later
from .new_arrays import conversion, copying, creation, ranged
from .switch import traces


def _as_numpys(numpys: Any) -> Callable[[Any, str], Any]:
    def make(original: Any, name: str) -> Callable[..., Any]:
        @wraps(original)
        def follower(*args: Any, **kwargs: Any) -> Any:
            met = tracked_in((args, kwargs))
            follows = met and (traces() or not all(t.soft for t in met))
            return (getattr(numpys, name) if follows else original)(*args, **kwargs)

        return follower

    return make


def _follow_cupy(cupy: Any) -> None:
    """Follow the functions that NumPy dispatches, and what makes new arrays."""
    for home, module in (np, "cupy"), (np.linalg, "cupy.linalg"), (np.fft, "cupy.fft"):
        theirs = getattr(cupy, module.partition(".")[2], cupy)
        names = [n for n in vars(home) if type(getattr(home, n)) is _DISPATCHED and n in vars(theirs)]
        numpys = _as_numpys(home)
        follow(" ".join(n for n in names if n not in (*_MAKING, "copy")), numpys, module, numpys)
    follow("matmul", _as_numpys(np), "cupy", _as_numpys(np))
    follow("zeros empty ones full eye identity", creation, "cupy")
    follow(" ".join(_MAKING), creation, "cupy", _as_numpys(np))
    follow("arange", ranged, "cupy")
    follow("copy", copying, "cupy", _as_numpys(np))
    follow("asarray asanyarray", conversion(), "cupy")
    follow("array", conversion(copies=True), "cupy")
    follow("ascontiguousarray", conversion(order="C"), "cupy")
    follow("asfortranarray", conversion(order="F"), "cupy")


_DISPATCHED: Any = type(np.sum)
_MAKING = ("zeros_like", "empty_like", "ones_like", "full_like")
FOLLOWING["cupy"] = _follow_cupy
later.add("cupy")


def _for_tensors() -> None:
    """Follow CuPy's functions for good."""
    follow_late()
    STANDING[2].put_on()


ON_DEVICE.append(_for_tensors)
