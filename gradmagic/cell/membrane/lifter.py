"""The inputs of a run under a membrane: the user's own objects, known to the table.

In: names of the magic's line, values. Out: the list of inputs. An array stays where it is; a number, which others may
hold too, is replaced by an equal one of its own under this name.
"""

from __future__ import annotations

import types
import weakref
from typing import Any

from ...engine.faces.torch.tensor import Tensor
from ..lifting.lift import Lifted, Lifter, kind_of
from .membrane import Membrane


class Inputs(Lifter):
    """As `Lifter`, of which it has the reading of names; nothing is put back."""

    def __init__(self, membrane: Membrane, namespace: dict[str, Any], device: str | None, dtype: Any) -> None:
        super().__init__(namespace, device, dtype)
        self._membrane = membrane
        self._numbers: list[tuple[str, Any, Any]] = []  # names whose number stands for another

    def value(self, name: str, value: Any) -> Any:
        if isinstance(value, Tensor):
            return super().value(name, value)
        table = self._membrane.table
        mark = table.mark(value)
        if mark is not None and mark.node is not None:
            known = next((e for e in self.lifted if e.node is mark.node), None)
            if known is not None:
                return value
            self.shared.append(name)  # a view of another input
            given = value
        else:
            given, _ = self._membrane.lift(value)
        tracked = table.tracked(given)
        # Nobody here holds the user's own array: `x.resize` counts who does.
        self.lifted.append(Lifted(name, tracked, tracked.array, kind_of(value), tracked.node))
        self.on_lift(tracked)
        return given

    def named(self, name: str, value: Any) -> None:
        new = self.any(name, value)
        if new is not value:
            self.namespace[name] = new
            self._numbers.append((name, new, value))

    def along(self, value: Any, depth: int = 0) -> Any:
        return value

    def put_back(self, *ours: Any) -> None:
        """Give the names that the cell has left alone the very object that they had."""
        for name, new, value in self._numbers:
            if self.namespace.get(name) is new:
                self.namespace[name] = value


def seen_in(membrane: Membrane, namespace: dict[str, Any]) -> dict[str, Any]:
    """Give a namespace as it would be if tracked values were the engine's: to find who is called what."""
    wrapped = membrane.table.wrapped
    found = {}
    for name, value in list(namespace.items()):
        if type(value) in weakref.ProxyTypes:  # a dead one answers nothing
            continue
        if isinstance(value, types.ModuleType) or name.startswith("__"):
            found[name] = value
        elif type(value) in (list, tuple, dict):
            found[name] = wrapped(value, 1) if len(value) <= 1000 else value
        else:
            found[name] = membrane.table.tracked(value)
    return found
