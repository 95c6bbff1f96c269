"""Work counted, not timed: which functions are called, and how often, is the same on every machine and under load."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any


def calls(f: Callable[[], Any]) -> Counter[str]:
    """Count by name the calls of Python's functions and of C's that `f()` makes; NumPy's ufuncs are not among them."""
    found: Counter[str] = Counter()

    def count(frame: Any, event: str, function: Any) -> None:
        if event == "call":
            found[frame.f_code.co_name] += 1
        elif event == "c_call":
            found[function.__name__] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        f()
    finally:
        sys.setprofile(before)
    return found
