"""The points of pictures: what a number's result is at other places, and the entries of long arrays.

In: what a run has recorded, its root and inputs. Out: `Points` as plain data. Elsewhere a result is what the recorded
operations give when they are computed again: the branches are those that this run took. The cell itself runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.values import SHOWN
from ...engine.rules.pointwise import Elementwise
from ...engine.sweeps.recomputed import Again, CannotRecompute, Recomputing
from ...engine.tape import modes
from ...engine.tape.nodes import Node, between, more_than, walk
from ...engine.watch.recorder import Recorder
from ...language import tr
from ...report.model import Input, Points
from ...report.shown.simplified import operand

POINTS = 201  # of a curve; odd, so that the middle one is where the cell was
FEW = 81  # of one that takes long, or that nobody asked for
WORK = 300_000  # operations of a thousand elements that a picture may compute again
UNASKED = 60  # operations on numbers that are computed again without `--plot`: 1 ms
KEPT = 2_000  # entries of a long array


class Sampling:
    """Finds the points for one run.

    Parameters
    ----------
    recorder : Recorder
    value_of : function
        Gives an input's value as the sweep has it, before the loop's next step changes it; None where it is gone.
    begun : dict
        The inputs' values as they were lifted, by number, where they are kept.
    replay : Recomputing or None
        With `--plot`: what has kept all that computing again needs.
    """

    def __init__(
        self,
        recorder: Recorder,
        value_of: Callable[[Node], Any],
        begun: dict[int, Any],
        replay: Recomputing | None,
    ) -> None:
        self._recorder, self._value_of, self._begun, self._replay = recorder, value_of, begun, replay
        self._root: Node | None = None
        self._again: Again | None = None
        self._summed: Node | None = None
        self._failed = ""  # why there is no curve, with `--plot`
        self._count = 0  # points of a curve
        self._together = False  # whether all of them are computed at once

    def before_sweep(self, root: Node) -> None:
        """Take what is needed from the tape, which the sweep from `root` may free."""
        self._root, self._again, self._summed, self._failed = root, None, None, ""
        recorder, asked = self._recorder, self._replay is not None
        if not asked and more_than(2 * UNASKED, root):
            return
        nodes = walk(root)
        leaves = [n for n in nodes if n.rule is None]
        inputs = [(n, arrays.to_host(v)) for n in leaves if (v := self._value_of(n)) is not None]
        moving = between(root, [n for n, _ in inputs])
        numbers = [(n, v) for n, v in inputs if not np.shape(v) and np.isrealobj(v)]
        if self._replay is not None:
            self._replay.keep_only({node.number for node in nodes})
            self._summed = summed_up(root, moving)
            if self._summed is not None:
                recorder.whole.add(self._summed.number)
        steps = [node for node in nodes if node.rule is not None and node.number in moving]
        self._together = all(isinstance(n.rule, Elementwise) and not n.aval.shape for n in steps)
        work = 3 * sum(max(1.0, _size(node) / 1e3) for node in steps)
        self._count = POINTS if asked and (self._together or work * POINTS <= WORK) else FEW
        if not numbers or root.aval.size != 1 or not (asked or (self._together and len(steps) <= UNASKED)):
            return
        if not self._together and work * FEW > WORK:
            self._failed = tr("it takes too long to compute the recorded operations again")
            return
        known = {n.number: recorder.values[n.number].items for n in steps if n.number in recorder.values}
        replay = self._replay or Recomputing(known)
        try:
            with modes.watch(None), np.errstate(all="ignore"):
                self._again = replay.again(root, numbers)
        except CannotRecompute as error:
            self._failed = tr("{operation} cannot be computed again", operation=error)
        except Exception as error:  # a picture must not cost the reader the cell
            kind = type(error).__name__
            self._failed = tr("the operations cannot be computed again: {kind}", kind=kind)

    def points(
        self,
        root: Node,
        inputs: Sequence[Input],
        nodes: Sequence[Node],
        names: dict[int, list[str]],
        result: str,
        by_entry: bool,
    ) -> tuple[Points, ...]:
        """Give the points of each input that has some; `nodes` are the inputs' own.

        `by_entry`: whether entry k of what is summed up depends on entry k of the inputs only.
        """
        if root is not self._root:
            if self._recorder.sweeps:
                return ()  # the graph is freed
            self.before_sweep(root)
        found = []
        with modes.watch(None), np.errstate(all="ignore"):
            for entry, node in zip(inputs, nodes, strict=True):
                if self._again is not None and node.number in self._again.start:
                    found.append(self._curve(self._again, entry, node.number, result))
                elif self._replay is not None and self._failed and not entry.value.shape:
                    found.append(Points(entry.name, result, (), (), (), note=self._failed))
                elif by_entry and self._summed is not None and node.aval.size > SHOWN:
                    found += self._entries(
                        entry, node, names.get(self._summed.number, []), [i.name for i in inputs], result
                    )
        return tuple(found)

    # -- numbers -----------------------------------------------------------------------------------
    def _curve(self, again: Again, entry: Input, number: int, result: str) -> Points:
        here = float(again.start[number])
        path = self._path(entry.name) if len(again.start) == 1 else ()
        x = _span(here, [a for a, _ in path], self._count)
        step = 1e-5 * np.maximum(np.abs(x), (x[-1] - x[0]) / 10)
        y, above, below = (self._along(again, number, at) for at in (x, x + step, x - step))
        middle = self._along(again, number, np.array([here]))[0]
        grad = entry.grad.items if entry.grad is not None else None
        at = (here, float(middle), float(grad) if isinstance(grad, (int, float)) else np.nan)
        sums = np.array([b for _, b in path])
        given = self._along(again, number, np.array([a for a, _ in path])) if path else sums
        near = 1e-3 * float(np.max(np.abs(sums), initial=0))
        alike = bool(np.all(np.abs(given - sums) <= near)) if path else True
        slope = (above - below) / (2 * step)
        return Points(entry.name, result, _plain(x), _plain(y), _plain(slope), at, path, alike=alike)

    def _along(self, again: Again, number: int, x: Any) -> Any:
        """Give the result at each of `x`: at once where all operations are of numbers, entry by entry."""
        if self._together:
            try:
                return np.broadcast_to(np.real(again({number: x})), x.shape).astype(float)
            except Exception:  # what takes a number only
                self._together = False
        return np.array([_at(again, number, at) for at in x])

    def _path(self, name: str) -> tuple[tuple[float, float], ...]:
        sweeps = self._recorder.sweeps
        known = [(s.parameters.get(name), s.result) for s in sweeps]
        found = [(x, float(y)) for x, y in known if x is not None and y is not None]
        found = [(x, y) for x, y in found if np.isfinite(x) and np.isfinite(y)]
        if len(found) > POINTS:
            found = [found[i * (len(found) - 1) // (POINTS - 1)] for i in range(POINTS)]
        return tuple(found) if len(found) > 1 else ()

    # -- long arrays -------------------------------------------------------------------------------
    def _entries(
        self, entry: Input, node: Node, called: list[str], inputs: list[str], result: str
    ) -> list[Points]:
        """Give evenly spaced entries of x, of the array that is summed up and of its slope."""
        assert self._summed is not None and self._replay is not None
        number, raw = self._summed.number, self._recorder.raw
        held = [
            self._begun.get(node.number),
            self._replay.value(number),
            raw.get(node.number),
            raw.get(number),
        ]
        if any(a is None or np.iscomplexobj(a) for a in held) or np.shape(held[1]) != node.aval.shape:
            return []
        chosen = np.linspace(0, node.aval.size - 1, min(KEPT, node.aval.size)).astype(int)
        x, y, grad, weight = (
            np.ravel(np.broadcast_to(arrays.to_host(a), node.aval.shape))[chosen].astype(float) for a in held
        )
        name = called[0] if called else f"f({', '.join(inputs)})"
        equal = f"d{operand(result)}/d{entry.name}" if bool(np.all(weight == 1)) else ""
        slope = grad / np.where(weight == 0, np.nan, weight)
        return [
            Points(entry.name, name, _plain(x), _plain(y), _plain(slope), size=node.aval.size, equal=equal)
        ]


def summed_up(root: Node, moving: set[int]) -> Node | None:
    """Find the array that a number sums up: y of `z = y.sum()`, of `z = 2 * y.mean() + 1`."""
    node = root
    while not node.aval.shape:
        sources = {n.number: n for n in node.inputs if n is not None and n.number in moving}
        if len(sources) != 1:
            return None
        (node,) = sources.values()
    return node if node.rule is not None else None


def _at(again: Again, number: int, x: Any) -> float:
    """Give the result at x; NaN where the operations fail there, as the inverse of a singular matrix does."""
    try:
        return float(np.real(np.ravel(arrays.to_host(again({number: x})))[0]))
    except Exception:
        return np.nan


def _span(here: float, path: list[float], count: int) -> Any:
    """Choose where the curve is drawn: around the point, or as far as the path goes."""
    if path:
        low, high = min(path), max(path)
        room = 0.2 * (high - low) or max(1.0, abs(here))
        return np.linspace(low - room, high + room, count)
    wide = 1.5 * abs(here) if 0 < abs(here) < 0.01 else max(1.5 * abs(here), 1.0 if here else 2.0)
    return np.linspace(here - wide, here + wide, count)


def _size(node: Node) -> int:
    aval = node.aval[0] if isinstance(node.aval, tuple) else node.aval
    return int(aval.size)


def _plain(x: Any) -> tuple[float, ...]:
    return tuple(np.where(np.isfinite(x), x, np.nan).tolist())
