"""What PyTorch has and gradmagic has not: names that are refused, each with the nearest thing that there is.

In: a module's name and the name that was asked for. Out: an error that says what to write, or suggests a spelling.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .errors import MissingError

REFUSED: dict[str, dict[str, str]] = {}


def missing(module: str, name: str, there: Iterable[str]) -> AttributeError:
    """Make the error of a name that a module has not.

    Examples
    --------
    >>> missing("fft", "rftt", ["fft", "rfft"])
    AttributeError("module 'gradmagic.fft' has no attribute 'rftt': did you mean 'rfft'?")
    """
    full = f"gradmagic.{module}" if module else "gradmagic"
    if name in (refused := REFUSED.get(module, {})):
        return MissingError(f"PyTorch's {name} is not in {full}: {refused[name]}.")
    near = [] if name.startswith("_") else difflib.get_close_matches(name, [*there, *refused], 1, 0.75)
    return AttributeError(
        f"module {full!r} has no attribute {name!r}" + (f": did you mean {near[0]!r}?" if near else "")
    )
