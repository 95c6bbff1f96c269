"""The recorder of a cell: what the engine's recorder keeps, and what the reader calls each value.

In: the tape's events while the cell runs. Out: names by node, the cell's lines behind operations in functions, cuts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from itertools import islice
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ...engine.core.places import Place, place_of, text_of, user_frame, users
from ...engine.core.values import small
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.messages import beyond_libraries
from ...engine.tape.nodes import Node
from ...engine.tape.tracked import Tracked, raw
from ...engine.transforms.of_results import grad_of
from ...engine.watch.recorder import Recorder
from ...report.model import Kept
from .flat import Flat, flat
from .readings import Readings, Root
from .training import Training

_MOST_NAMES = 5_000
_MOST_ENTRIES = 100_000  # of a parameter whose value is noted at each sweep
_MOST_FLAT = 60  # operations that are measured: 6 us each


class CellRecorder(Recorder):
    """A recorder that knows the cell: names of values, and the cell's line behind an operation in a function."""

    def __init__(self, filename: str, scope: str = "<module>", **settings: Any) -> None:
        super().__init__(**settings)
        self.filename, self.scope = filename, scope
        self.names: dict[int, list[str]] = {}
        self.lines: dict[int, int] = {}
        # The places of the frames that led to an operation in a function, of the graph that is made and the one before.
        self.ways: dict[int, tuple[Place, ...]] = {}
        self.ways_before: dict[int, tuple[Place, ...]] = {}
        # Where in the cell the way to a cut begins.
        self.cut_places: dict[tuple[str, Place], Place] = {}
        self.root_node: Node | None = None
        self.counting = True
        # Called before each sweep of the user's, with whether it is the first.
        self.before_sweep: Callable[[Node, bool], None] | None = None
        # With --kept: measures what a graph keeps, and what it found last.
        self.measures: Callable[[Node], dict[int, Kept]] | None = None
        self.kept: dict[int, Kept] = {}
        self.membrane: Any = None
        self.swept = False  # whether a sweep went through, so that a missing gradient is zero
        self.training = Training()  # what the user's own sweeps meet
        self._leaves: dict[int, Place | None] = {}  # that the sweep has come to, by number
        self.turns = Readings()  # what loops and functions computed each time
        self.flat: dict[int, tuple[Flat, ...]] = {}  # how flat the last sweep's operations are, by number

    def name(self, node: Node, name: str) -> None:
        """The value of `node` was assigned to `name`."""
        held = self.names.get(node.number)
        if held is None:
            self.names[node.number] = [name]
            if len(self.names) > 2 * _MOST_NAMES:
                self._drop_names()
        elif name not in held:
            held.append(name)

    def _drop_names(self) -> None:
        """Forget the oldest, many at once: to the first key of a dict the way is long when keys before it are gone."""
        self.names = dict(islice(self.names.items(), max(0, len(self.names) - _MOST_NAMES), None))

    def settle(self) -> None:
        self._drop_names()
        super().settle()

    def made(self, node: Node, array: Any, frame: FrameType) -> None:
        super().made(node, array, frame)
        if self.turns.begun and node.rule is not None and not isinstance(array, (tuple, list)):
            self.turns.made(node, self.latest, frame)
        code = frame.f_code
        own = code.co_filename == self.filename and code.co_name == self.scope
        if not own and len(self.lines) < self.limit:
            found = self._in_cell(frame, self.scope)
            if found is not None:
                self.lines[node.number] = found.f_lineno
        if not own and len(self.ways) < self.limit:
            self.ways[node.number] = self._way(frame)

    def cut(self, tracked: Tracked, how: str, frame: FrameType) -> None:
        if self.membrane is not None and self.membrane.left(tracked, how):
            return
        frame = beyond_libraries(frame)
        super().cut(tracked, how, frame)
        found = self._in_cell(frame)
        if found is not None:
            self.cut_places[how, place_of(frame)] = place_of(found)

    def way(self, number: int) -> tuple[Place, ...]:
        """Give the places of the frames that led to an operation from the cell's own on, without its own."""
        return self.ways.get(number) or self.ways_before.get(number, ())

    def _way(self, frame: FrameType) -> tuple[Place, ...]:
        found, outer = [], frame.f_back
        while outer is not None:
            code = outer.f_code
            if users(code.co_filename):
                found.append(place_of(outer))
                if code.co_filename == self.filename and code.co_name == self.scope:
                    return tuple(reversed(found))
            outer = outer.f_back
        return ()

    def _in_cell(self, frame: FrameType | None, scope: str = "") -> FrameType | None:
        """Walk out of the functions that the cell has called; `scope`: of the cell's own as well."""
        while frame is not None:
            code = frame.f_code
            if code.co_filename == self.filename and scope in ("", code.co_name):
                break
            frame = frame.f_back
        return frame

    @property
    def then(self) -> dict[int, Any]:
        """The tensors' values at the last sweep, by number: an optimizer's step changes them."""
        return {found.number: found.value for found in self.training.followed.values()}

    def began(self, root: Node) -> None:
        asked, frame = _asked() if self.counting else (None, None)
        if asked is not None and self.before_sweep is not None:
            self.before_sweep(root, not self.roots)
        if not self.counting or asked is not None:
            super().began(root)
            self.flat = {}
            if self.measures is not None:
                self.kept = self.measures(root)
            if self.turns.kept:
                self.turns.root_of_sweep = Root(root.place, self._called(root))
        if asked is not None and self.parameters is not None:
            line = self._in_cell(frame)
            self.training.began(
                self.parameters(), line.f_lineno if line is not None else None, asked is _ADDS
            )

    def wants(self, node: Node) -> bool:
        return node.number in self.turns.kept or super().wants(node)

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        number = node.number
        if number in self.turns.kept:
            if not super().wants(node):
                self.turns.ready(number, small(raw(cotangent)))
                return
            super().ready(node, cotangent, flows)
            self.turns.ready(number, self.grads.kept.get(number))
        else:
            super().ready(node, cotangent, flows)
        if node.rule is not None and len(self.flat) < _MOST_FLAT and (measured := flat(node)):
            self.flat[node.number] = measured
        if node.rule is None and self.turns.begun:
            self._leaves[number] = node.place
        if node.rule is None and self.counting and node.number in self.raw:
            self.raw[node.number] = copy(
                self.raw[node.number]
            )  # `.grad` takes the buffer over, and may be zeroed

    def _called(self, root: Node) -> str:
        names = self.names.get(root.number)
        return names[-1] if names else text_of(root.place) if root.place is not None else ""

    def _take_leaves(self, frame: Any) -> None:
        """Note what the tensors that gradients collect in are at this sweep, as their lines gave them."""
        for found in self.training.followed.values():
            place = self._leaves.get(found.number)
            if place is not None and np.size(found.value) <= _MOST_ENTRIES:
                self.turns.leaf(place, small(found.value), self.grads.kept.get(found.number), frame)
        self._leaves = {}

    def ended(self, root: Node) -> None:
        if not self.counting:
            self.turns.root_of_sweep = None
            return
        asked, frame = _asked()
        if asked is not None:
            super().ended(root)
            if self.ways:
                self.ways_before, self.ways = self.ways, {}
            if self.turns.begun:
                self._take_leaves(frame)
                self.turns.root_of_sweep = None
            self.root_node = root
            self.swept = True
            last = self.sweeps[-1]
            value = last.result if last.root == root.number else None
            self.training.ended(self.raw, value, root.place, asked is _ADDS)


_ADDS = Tensor.backward.__code__  # to `.grad`


def _asked() -> tuple[CodeType | None, Any]:
    """Tell by which of `backward()` and `autograd.grad()` the sweep that runs was asked for, and give the frame there.

    None of them: it is one within `gm.grad(f)`.
    """
    frame: Any = sys._getframe(2)
    while user_frame(frame) is not frame:
        if frame.f_code in (_ADDS, grad_of.__code__):
            return frame.f_code, frame
        frame = frame.f_back
    return None, None
