"""Generator expressions that a cell leaves before their first value: each goes over what it would without the magic.

One that has begun has what it goes over on its stack, where nobody reaches; it gives the same values.

In: what names reach. Out: the same generators, without the hook of turns.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from ..lifting.restore import assign_in, held_by
from .turn_log import TurnLog

_HOOK = f"{TurnLog.each.__qualname__}.<locals>.begins"


def free_unbegun(roots: Iterable[Any]) -> None:
    """Take the hook of turns out of the generators that `roots` reach."""
    for value in held_by(roots):
        if type(value) is GeneratorType and inspect.getgeneratorstate(value) == inspect.GEN_CREATED:
            frame: Any = value.gi_frame
            plain = without_hook(frame.f_locals.get(".0"))
            if plain is not None:
                assign_in(frame, {".0": plain})


def without_hook(over: Any) -> Any:
    """Give what a hook of turns (`TurnLog.each`) goes over; None of anything else."""
    if type(over) is not map:
        return None
    held = gc.get_referents(over)
    if not any(getattr(part, "__qualname__", "") == _HOOK for part in held):
        return None
    return next(part[1] for part in held if type(part) is tuple)
