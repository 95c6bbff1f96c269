"""A recording run keeps to itself: the function's own call has printed and warned, and a file may change unseen.

In: nothing. Out: `alone`, a block within which the recorded function, and no other thread, says nothing and opens no
file.
"""

from __future__ import annotations

import builtins
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .recorded import NOW, running


def _said(*args: Any, **kwargs: Any) -> None:
    """Leave out what the function's own call has printed, or warned of."""


def _opened(*args: Any, **kwargs: Any) -> Any:
    running().refuse("it opens a file, which may hold something else at the next call")


_ELSEWHERE = (
    (builtins, "print", _said), (warnings, "warn", _said), (builtins, "open", _opened), (io, "open", _opened),
)  # fmt: skip


@contextmanager
def alone() -> Iterator[None]:
    """Keep the recorded function to itself, within the block."""

    def instead(here: Any, does: Any) -> Any:
        return lambda *args, **kwargs: (here if NOW.get() is None else does)(*args, **kwargs)

    found = [getattr(home, name) for home, name, _ in _ELSEWHERE]
    for (home, name, does), here in zip(_ELSEWHERE, found, strict=True):
        setattr(home, name, instead(here, does))
    try:
        with np.errstate(all="ignore"):  # NumPy has warned at the function's own call
            yield
    finally:
        for (home, name, _), here in zip(_ELSEWHERE, found, strict=True):
            setattr(home, name, here)
