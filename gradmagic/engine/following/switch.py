"""Whether what is outside NumPy's protocols is followed here: in this thread, asyncio task or other context.

In: blocks that trace (block.py), and the user's `gm.set_following`. Out: `here()`, which every replacement asks.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ..tape.modes import OFF, mode_now


class _Off:
    """Stands for the block `before` while following is switched off."""

    open = False

    def __init__(self, before: Any) -> None:
        self.before = before


# The innermost block that traces, None, or an _Off. A new thread starts with None. A task inherits the block of the
# code that made it, and stops following when that block ends.
_block: ContextVar[Any] = ContextVar("gradmagic_following", default=None)
block, enter = _block.get, _block.set


def here() -> Any:
    """Give the block that traces here; None if nothing is followed."""
    found = block()
    return found if found is not None and found.open else None


def traces() -> bool:
    """Tell whether a traced call records here."""
    return mode_now() is not OFF and here() is not None


def allowed() -> bool:
    """Tell whether following is not switched off here."""
    return not isinstance(block(), _Off)


class unfollowed:
    """Give NumPy's own functions again within the block: to what is called with plain arrays."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = block()
        if allowed():
            enter(None)

    def __exit__(self, *_: object) -> None:
        enter(self._before)


class set_following:
    """Switch on or off that gradmagic replaces functions while it traces: from here on, or for a `with` block.

    Switched off, `%%grad`, `gm.grad` and their kin replace nothing of NumPy, SciPy, math or the user's modules: what
    NumPy's protocols do not reach (`np.array([t, u])`, a write into `np.zeros(n)`, `math.sin(t)`) is an error or noted.
    The setting is that of the thread, asyncio task or other context that made it; `gm.patched()` says what is replaced.

    Parameters
    ----------
    mode : bool
        Whether to follow.

    Examples
    --------
    >>> import math
    >>> import gradmagic as gm
    >>> gm.grad(math.sin)(0.0)
    1.0
    >>> with gm.set_following(False):
    ...     gm.grad(lambda x: 2 * x + len(gm.patched()[:0]))(0.0)
    2.0
    """

    def __init__(self, mode: bool) -> None:
        self._before = block()
        if mode != allowed():
            enter(self._before.before if mode else _Off(self._before))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        enter(self._before)
