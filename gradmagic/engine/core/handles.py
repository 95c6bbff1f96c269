"""What registering a hook gives, in modules and optimisers alike."""

from __future__ import annotations

from typing import Any


class RemovableHandle:
    """A hook's place among others: `remove()` takes the hook away, and so does the end of a `with` block.

    Examples
    --------
    >>> held = {}
    >>> with RemovableHandle(held, print):
    ...     list(held.values())
    [<built-in function print>]
    >>> held
    {}
    """

    _number = 0

    def __init__(self, held: dict[int, Any], hook: Any, prepend: bool = False) -> None:
        RemovableHandle._number += 1
        self.id, self._held = RemovableHandle._number, held
        others = dict(held) if prepend else {}
        if prepend:
            held.clear()
        held[self.id] = hook
        held.update(others)

    def remove(self) -> None:
        """Take the hook away."""
        self._held.pop(self.id, None)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()
