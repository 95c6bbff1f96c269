"""A recorded run opens no file or folder, whose content may be another at the next call, and starts no thread, which
would not record; of numbers NumPy has warned before.

In: nothing. Out: `alone`, a block within which that holds, for the recorded function and for no other thread.
"""

from __future__ import annotations

import builtins
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...language import tr
from .recorded import NOW


@contextmanager
def alone() -> Iterator[None]:
    """Refuse a recorded function that opens a file or starts a thread, within the block."""
    plain, start = io.open, threading.Thread.start

    def opening(*args: Any, **kwargs: Any) -> Any:
        if (now := NOW.get()) is not None:
            now.refuse(tr("it opens a file, which may hold something else at the next call"))
        return plain(*args, **kwargs)

    def starting(self: threading.Thread) -> None:
        if (now := NOW.get()) is not None:
            now.refuse(tr("it starts a thread, whose work is not recorded"))
        start(self)

    listing = {name: getattr(os, name) for name in ("scandir", "listdir")}

    def looking(name: str) -> Any:
        def look(*args: Any, **kwargs: Any) -> Any:
            if (now := NOW.get()) is not None:
                now.refuse(tr("it lists a folder, which may hold something else at the next call"))
            return listing[name](*args, **kwargs)

        return look

    for name in listing:
        setattr(os, name, looking(name))
    builtins.open = io.open = opening  # type: ignore[assignment]
    threading.Thread.start = starting  # type: ignore[method-assign]
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        builtins.open = io.open = plain
        threading.Thread.start = start  # type: ignore[method-assign]
        for name, function in listing.items():
            setattr(os, name, function)
