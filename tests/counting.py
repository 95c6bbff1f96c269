"""Work counted, not timed: which functions are called, and how often, is the same on every machine and under load."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest


def calls(f: Callable[[], Any]) -> Counter[str]:
    """Count by name the calls of Python's functions and of C's that `f()` makes; NumPy's ufuncs are not among them.

    The garbage collector rests: what it calls, and for what others have left, is not of `f()`.
    """
    found: Counter[str] = Counter()

    def count(frame: Any, event: str, function: Any) -> None:
        if event == "call":
            found[frame.f_code.co_name] += 1
        elif event == "c_call":
            found[function.__name__] += 1

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(count)
    try:
        f()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return found


def work_on_device(f: Callable[[], Any]) -> dict[str, int]:
    """Count what `f()` asks of the device: kernels, copies either way, waits; skip the test where nothing counts."""
    emulation: Any = sys.modules.get("cupy_on_cpu") or pytest.skip("only an emulated device counts its work")
    before = emulation.tally()
    f()
    after = emulation.tally()
    return {kind: after[kind] - before[kind] for kind in ("launch", "d2h", "h2d", "sync")}


def launches(f: Callable[[], Any]) -> int:
    """Count the kernels that `f()` starts, and hold it to no copy and no wait."""
    found = work_on_device(f)
    assert found == {"launch": found["launch"], "d2h": 0, "h2d": 0, "sync": 0}
    return found["launch"]
