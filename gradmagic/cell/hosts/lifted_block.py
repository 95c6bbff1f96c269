"""The run of a `with gm.trace("x"):` block: the values that it names are lifted, put back when it ends.

A block is code that runs already when it is entered: its instructions cannot be exchanged for others with hooks, as
those of a cell and of a function can before they run. So wrappers stand in place of the user's values, and the engine
follows the frame. What they reach is put back from the frame's names, as from a cell's.

In: a frame, the block's source, the options. Out: as of any run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.faces.numpy.buffer import listed
from ...engine.following.block import following
from ...language import tr
from ...report.model import Note
from ..lifting.aliases import share
from ..lifting.unnamed import globals_of
from ..lifting.wrappers import Wrappers
from ..options import Options
from ..reading.source import Source
from ..tracing import Tracing


class BlockRun(Tracing):
    """One run of one block, whose code runs in `frame`."""

    def __init__(self, cell: Source, namespace: dict[str, Any], options: Options, frame: Any) -> None:
        self._lifts = Wrappers(namespace)
        super().__init__(cell, namespace, options, self._lifts)
        self._frame = frame

    def _around(self) -> tuple[Any, ...]:
        return listed(self._lifts.buffers), following(self._frame)

    def used(self) -> set[str]:
        """List the names that the block reads or assigns; all, where its source is gone."""
        return super().used() if self.cell.tree.body else {*self.namespace}

    def _lift_along(self) -> None:
        """Other names of a lifted array, and arrays that share its memory, stand for the same input."""
        super()._lift_along()
        if not self._lifts.lifted:
            return
        names = {n: self.namespace[n] for n in self.record.uses.reads if n in self.namespace}
        for name, value in (names | globals_of(names, self.namespace)).items():
            new = self._lifts.along(value)
            if new is not value:
                self.namespace[name] = new
            elif type(value) is np.ndarray:
                self._warn_of_alias(name, value)

    def _warn_of_alias(self, name: str, value: np.ndarray) -> None:
        for entry in self._lifts.lifted:
            if type(entry.original) is np.ndarray and share(value, entry.original):
                text = tr(
                    "{name} shares memory with {other}, but is no part of it: no gradient flows through it. "
                    "Name {name} on the %%grad line instead, or make it from {other} inside the cell.",
                    name=name, other=entry.name,
                )  # fmt: skip
                self.notes.append(Note("alias", text, self.record.uses.reads.get(name)))
