"""Computing recorded operations again with other inputs: a numerical gradient without running a cell twice.

In: a tape that was recorded under a `Recomputing`, its root and inputs. Out: derivatives by differences, at some
entries of each input. They check the rules; where the tape itself was cut, the replay is cut too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from ...language import tr
from ..core import arrays
from ..core.places import describe
from ..rules.declare import RULES
from ..rules.pointwise import Elementwise
from ..rules.rule import Rule
from ..tape.modes import guard, unguard
from ..tape.nodes import Node, aval_of, walk
from ..tape.observers import Observer

ENTRIES = 100  # of an input that are checked
WORK = 300_000  # operations that are computed again, in all
ROUNDINGS = 50  # of the result, that may add up on the way to it
STEP = 1e-3  # of an entry's size, at first; the differences are of fourth order
TOLERANCE = 1e-4
_COUNTING = (
    Lock()
)  # of the replays that run, in whatever thread: what others record keeps more meanwhile, no harm
# Constants that an operator has not kept, from its result and its other side.
_OTHER: dict[Any, Callable[[int, Any, Any], Any]] = {
    np.add: lambda i, z, other: z - other,
    np.subtract: lambda i, z, other: other - z if i else z + other,
    np.divide: lambda i, z, other: other / z if i else z * other,
}


class CannotRecompute(Exception):
    """An operation cannot be computed again: the message names it."""


@dataclass(frozen=True)
class CheckedEntry:
    """One entry of a gradient: what the tape says, what differences say.

    `kink`: the slopes on both sides differ; `edge`: the result is not finite there, or on one side of it; `noise`: how
    far the differences may be off, by the rounding of the result and by how much those of finer steps differ.
    """

    index: tuple[int, ...]
    tape: complex
    numerical: complex
    kink: bool
    edge: bool = False
    noise: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the two are the same to four digits."""
        if self.tape == self.numerical:
            return True
        scale = max(1.0, abs(self.tape), abs(self.numerical))
        return bool(np.isfinite(scale) and abs(self.tape - self.numerical) <= TOLERANCE * scale)

    @property
    def kind(self) -> str:
        """What there is to say: "agrees"; why not: "edge", "kink", "no number", "unsettled"; or "differs", and a
        rule is wrong."""
        if self.agrees:
            return "agrees"
        unsettled = bool(abs(self.tape - self.numerical) <= self.noise)
        reasons = {
            "edge": self.edge, "kink": self.kink, "no number": bool(np.isnan(self.tape)), "unsettled": unsettled,
        }  # fmt: skip
        return next((reason for reason, holds in reasons.items() if holds), "differs")


class Again(NamedTuple):
    """The way from the inputs to a result: called with other values, by number, it gives the result's."""

    root: int
    start: dict[int, Any]
    steps: list[tuple[int, Callable[[dict[int, Any]], Any]]]

    def __call__(self, changed: dict[int, Any]) -> Any:
        """Compute the result again."""
        known = {**self.start, **changed}
        for number, step in self.steps:
            known[number] = step(known)
        return known[self.root]


class Recomputing(Observer):
    """Keeps, within its block, all that the operations made there need to be computed again.

    Without a block it makes do with what the tape keeps for the sweep, and with the `values` it is given by number.
    """

    def __init__(self, values: Mapping[int, Any] | None = None) -> None:
        self._values: dict[int, Any] = dict(values or {})

    def __enter__(self) -> Recomputing:
        _keep_everything(+1)
        guard(self)
        return self

    def __exit__(self, *_: object) -> None:
        unguard(self)
        _keep_everything(-1)

    def made(self, node: Node, array: Any, frame: Any) -> None:
        self._values[node.number] = array.copy() if arrays.is_array(array) else array

    def check(
        self, root: Node, cotangent: Any, inputs: Sequence[tuple[Node, Any]], grads: Sequence[Any]
    ) -> list[list[CheckedEntry]]:
        """Hold gradients against differences.

        Parameters
        ----------
        root : Node
            What the gradients are of.
        cotangent : array
            The weight of each of its entries.
        inputs : sequence of (Node, value)
            The inputs and their values when they were used.
        grads : sequence of array
            Their gradients.

        Returns
        -------
        list of list of CheckedEntry
            For each input, at up to 100 of its entries.

        Raises
        ------
        CannotRecompute
            If an operation on the way cannot be computed again.
        """
        again = self.again(root, inputs)
        start = again.start
        weight = np.conj(arrays.to_host(cotangent))
        most = max(4, min(ENTRIES, WORK // max(1, 4 * len(again.steps))))

        def value(changed: dict[int, Any]) -> float:
            return float(np.real(np.sum(weight * again(changed))))

        with np.errstate(all="ignore"):
            return [
                [_entry(value, n.number, start[n.number], i, grad) for i in _chosen(n.aval.size, most)]
                for (n, _), grad in zip(inputs, grads, strict=True)
            ]

    def again(self, root: Node, inputs: Sequence[tuple[Node, Any]]) -> Again:
        """Give what computes `root` from other values of `inputs`; it outlives the tape.

        Raises
        ------
        CannotRecompute
            If an operation on the way cannot be computed again.
        """
        start = {node.number: _wide(value) for node, value in inputs}
        return Again(root.number, start, self._steps(root, start))

    def value(self, number: int) -> Any:
        """Give the value of a node, or None."""
        return self._values.get(number)

    def keep_only(self, numbers: set[int]) -> None:
        """Forget the values of other nodes: a loop's earlier turns."""
        self._values = {n: v for n, v in self._values.items() if n in numbers}

    def _steps(self, root: Node, start: dict[int, Any]) -> list[tuple[int, Callable[[dict[int, Any]], Any]]]:
        """Give, in order, how to compute each node that depends on an input."""
        moving, steps = set(start), []
        base = {**start}
        for node in reversed(walk(root)):
            if node.number in start or not any(n is not None and n.number in moving for n in node.inputs):
                continue
            moving.add(node.number)
            step = self._step(node, base)
            try:
                with np.errstate(all="ignore"):
                    made = step(base)
            except Exception as error:
                raise CannotRecompute(_named(node)) from error
            if not _alike(made, _home(self._values.get(node.number, made))):
                raise CannotRecompute(_named(node))
            base[node.number] = made
            steps.append((node.number, step))
        return steps

    def _step(self, node: Node, base: dict[int, Any]) -> Callable[[dict[int, Any]], Any]:
        rule, kept = node.rule, node.rule.kept(node)
        if kept is None or not kept.args:
            raise CannotRecompute(_named(node))
        sources = [(i, n.number) for i, n in enumerate(node.inputs) if n is not None and n.number in base]
        args, kwargs = [*map(_home, kept.args)], kept.kwargs
        if rule.function in _OTHER:
            self._recover(node, args, base)

        symmetric = rule.means_symmetric(kwargs)
        first = base[sources[0][1]] if symmetric else None

        def step(known: dict[int, Any]) -> Any:
            filled = [list(args[0]), *args[1:]] if rule.sequence else list(args)
            for i, number in sources:
                (filled[0] if rule.sequence else filled)[i] = known[number]
            if symmetric:  # it changes with both triangles
                change = filled[0] - first
                filled[0] = first + (change + np.conj(np.swapaxes(change, -1, -2))) / 2
            return _home(rule.function(*filled, **kwargs))

        return step

    def _recover(self, node: Node, args: list[Any], base: dict[int, Any]) -> None:
        """Fill in the constant that an operator did not keep: it follows from the result and the other side."""
        for i in (0, 1):
            source, mine = node.inputs[1 - i], node.inputs[i]
            constant = args[i] is None and (mine is None or mine.number not in base)
            if constant and source is not None and node.number in self._values:
                args[i] = _OTHER[node.rule.function](i, _home(self._values[node.number]), base[source.number])


def _keep_everything(more: int) -> None:
    """Count the replays that run: while there are any, rules keep all arguments, not only what derivatives need."""
    with _COUNTING:
        Rule.everything += more
        for rule in RULES.values():
            if isinstance(rule, Elementwise):
                rule.keep_all(Rule.everything > 0)


def _home(value: Any) -> Any:
    """Give a device's arrays, alone or in lists and tuples, on the host: there all is computed again."""
    if type(value) in (list, tuple):
        return type(value)(map(_home, value))
    return arrays.to_host(value) if arrays.is_array(value) else value


def _wide(value: Any) -> Any:
    """Give a value in double precision: differences of single precision would be noise."""
    kind = aval_of(value).dtype.kind
    wide = np.dtype(complex if kind == "c" else float)
    return value.astype(wide) if arrays.is_array(value) else wide.type(value)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(_alike, a, b))
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True))


def _named(node: Node) -> str:
    where = describe(node.place)
    return (
        tr("{operation} ({place})", operation=node.rule.name, place=where) if where else str(node.rule.name)
    )


def _chosen(size: int, most: int) -> list[int]:
    return list(range(size)) if size <= most else sorted({int(i) for i in np.linspace(0, size - 1, most)})


def _entry(value: Callable[[dict[int, Any]], float], number: int, x: Any, i: int, grad: Any) -> CheckedEntry:
    index = tuple(int(k) for k in np.unravel_index(i, np.shape(x)))
    here = x[index] if index else x
    h = STEP * max(1.0, abs(here))

    def at(step: complex) -> float:
        moved = np.array(x)
        moved[index] += step
        return value({number: moved if index else moved[()]})

    def slope(h: float, along: complex) -> float:
        return (8 * (at(h * along) - at(-h * along)) - (at(2 * h * along) - at(-2 * h * along))) / (12 * h)

    # Finer and finer: near a kink, or where the curvature jumps, a wide step sees both sides.
    tape, found = (grad[index] if index else grad).item(), []
    for step in (h, h * 1e-2, h * 1e-4):
        numerical: complex = slope(step, 1) + (1j * slope(step, 1j) if np.iscomplexobj(x) else 0)
        found.append(CheckedEntry(index, tape, numerical, kink=False))
        if found[-1].agrees:
            return found[-1]
    if np.isinf(tape) and _grows([e.numerical for e in found]) and tape.real * found[-1].numerical.real > 0:
        return CheckedEntry(index, tape, tape, kink=False)
    small = h * 1e-3
    left, middle, right = at(-small), at(0), at(small)
    edge = not np.all(np.isfinite([left, middle, right]))
    rounding = ROUNDINGS * np.finfo(np.float64).eps * max(abs(left), abs(middle), abs(right))
    bend = abs((right - middle) - (middle - left))
    kink = bool(bend > rounding and bend > 1e-2 * max(abs(right - middle), abs(middle - left), small * 1e-3))
    numerical = next((e.numerical for e in found if np.isfinite(e.numerical)), found[0].numerical)
    slopes = [e.numerical for e in found if np.isfinite(e.numerical)]
    spread = max((abs(a - b) for a, b in pairwise(slopes)), default=0.0)
    return CheckedEntry(index, tape, numerical, kink, edge, max(rounding / h, 2 * spread))


def _grows(slopes: list[complex]) -> bool:
    """Tell whether slopes by finer and finer steps grow, as those of an infinite one do."""
    return all(np.isfinite(b) and abs(b) > 1.2 * abs(a) for a, b in pairwise(slopes))
