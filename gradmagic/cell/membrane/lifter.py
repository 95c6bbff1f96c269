"""The inputs of a run under a membrane: the user's own objects, known to the table.

In: names of the magic's line, values. Out: the list of inputs. An array stays where it is; a number, which others may
hold too, is replaced by an equal one of its own under this name. With `--device` and `--dtype` something else stands in
for either (standing.py), until the cell has ended.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Iterable
from typing import Any

from ...engine.core.arrays import is_array
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.tracked import is_a
from ..lifting.lift import Lifted, Lifter, kind_of
from ..lifting.restore import held_by, replace_in, uninterrupted
from .meeting import StandIns
from .membrane import Membrane


class Inputs(Lifter):
    """As `Lifter`, of which it has the reading of names."""

    def __init__(self, membrane: Membrane, namespace: dict[str, Any], device: str | None, dtype: Any) -> None:
        super().__init__(namespace)
        self._membrane = membrane
        self._numbers: list[tuple[str, Any, Any]] = []  # names whose number stands for another
        self._stands = StandIns(membrane, device, dtype) if device or dtype else None
        membrane.stands = self._stands

    def value(self, name: str, value: Any) -> Any:
        if is_a(value, Tensor):
            return self.tensor(name, value)
        table, own, stands = self._membrane.table, value, self._stands
        if stands is not None:
            value = stands.stand_in(own)
        mark = table.mark(value)
        if mark is not None and mark.node is not None:
            known = next((e for e in self.lifted if e.node is mark.node), None)
            if known is not None:
                return value
            self.shared.append(name)  # a view of another input
            given = value
        else:
            given, _ = self._membrane.lift(value)
        if stands is not None and given is not value:
            stands.keep(own, given)
        tracked = table.tracked(given)
        # Nobody here holds the user's own array: `x.resize` counts who does.
        self.lifted.append(Lifted(name, tracked, tracked.array, kind_of(own), tracked.node))
        self.on_lift(tracked)
        return given

    def named(self, name: str, value: Any) -> None:
        new = self.any(name, value)
        if new is not value:
            self.namespace[name] = new
            self._numbers.append((name, new, value))

    def instead(self, value: tuple[Any, ...], made: tuple[Any, ...]) -> None:
        if self._stands is not None:
            self._stands.keep(value, made)

    def begin(self, used: Iterable[str]) -> None:
        """Note what names of the cell hold before it runs."""
        if self._stands is not None and self._stands.device is not None:
            self._stands.leave_alone(held_by([self.namespace[n] for n in used if n in self.namespace]))

    def put_back(self, used: Iterable[str] = (), shown: list[Any] | None = None) -> None:
        """Give the names that the cell has left alone the very object that they had; see `StandIns` for the rest.

        `used` are the names that the cell reads or assigns, `shown` is the list of what it shows.
        """
        for name, new, value in self._numbers:
            if self.namespace.get(name) is new:
                self.namespace[name] = value
        if self._stands is None:
            return
        with uninterrupted():
            self._stands.write_back()
            names = {n: self.namespace[n] for n in used if n in self.namespace}
            names |= {n: v for n, v in list(self.namespace.items()) if is_array(v)}
            plain = replace_in([*names.values(), shown], self._stands.own)
            for name, value in names.items():
                if (new := plain(value)) is not value:
                    self.namespace[name] = new


def seen_in(membrane: Membrane, namespace: dict[str, Any]) -> dict[str, Any]:
    """Give a namespace as it would be if tracked values were the engine's: to find who is called what."""
    wrapped = membrane.table.wrapped
    now = membrane.stands.now_in if membrane.stands is not None else lambda value: value
    found = {}
    for name, value in list(namespace.items()):
        if type(value) in weakref.ProxyTypes:  # a dead one answers nothing
            continue
        if is_a(value, types.ModuleType) or name.startswith("__"):
            found[name] = value
        elif type(value) in (list, tuple, dict):
            found[name] = wrapped(now(value), 1) if len(value) <= 1000 else value
        else:
            found[name] = membrane.table.tracked(now(value))
    return found
