"""A recorded run opens no file, whose content may be another at the next call; of numbers NumPy has warned before.

In: nothing. Out: `alone`, a block within which that holds, for the recorded function and for no other thread.
"""

from __future__ import annotations

import builtins
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...language import tr
from .recorded import NOW


@contextmanager
def alone() -> Iterator[None]:
    """Refuse a recorded function that opens a file, within the block."""
    plain = io.open

    def opening(*args: Any, **kwargs: Any) -> Any:
        if (now := NOW.get()) is not None:
            now.refuse(tr("it opens a file, which may hold something else at the next call"))
        return plain(*args, **kwargs)

    builtins.open = io.open = opening  # type: ignore[assignment]
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        builtins.open = io.open = plain
