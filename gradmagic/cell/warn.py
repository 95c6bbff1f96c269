"""Warnings of a traced cell under the reader's own line, as without the magic.

NumPy's RuntimeWarnings (a root of a negative number) name the Python line that called NumPy: with tracked values, a
line of the engine. In: such a warning. Out: the same one, issued anew from the user's line.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..engine.places import user_frame


@contextmanager
def of_users_lines() -> Iterator[None]:
    """Let warnings that the engine's lines issue within the block come from the lines that called the engine."""
    before = warnings.showwarning
    for name, module in list(sys.modules.items()):
        if name.startswith("gradmagic."):
            vars(module).pop("__warningregistry__", None)

    def show(
        message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: str | None = None
    ) -> None:
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != filename:
            frame = frame.f_back
        user: Any = user_frame(frame) if frame is not None else None
        if frame is None or user is frame:
            before(message, category, filename, lineno, file, line)
            return
        # Shown once for a line of the engine, it would be missing at the reader's next line.
        frame.f_globals.get("__warningregistry__", {}).clear()
        names = user.f_globals
        registry = names.setdefault("__warningregistry__", {})
        name = names.get("__name__") or "<unknown>"
        warnings.warn_explicit(message, category, user.f_code.co_filename, user.f_lineno, name, registry)

    warnings.showwarning = show
    try:
        yield
    finally:
        if warnings.showwarning is show:
            warnings.showwarning = before
