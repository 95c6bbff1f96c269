"""Functions where they are flat: a sigmoid or tanh in saturation, a ReLU that lets nothing through.

In: operations as the sweep passes them. Out: how much of each is flat; notes of what mostly is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...engine.core import arrays
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.nodes import Node
from ...language import tr
from ...report.model import Note
from ...report.operations import Recorded
from .diagnosis import note_at, text_of

SLOPE = 1e-6  # a sigmoid's at 14, a tanh's at 8
MOST = 0.9  # of the entries that are flat; a few are nothing odd
ROWS = 8  # samples from which on a unit that is 0 for all of them is told: of two, a quarter of all units is

_SIGMOIDS = frozenset({"tanh", "sigmoid", "expit"})
_CUTS = frozenset({"relu", "maximum", "clip", "where"})


class Flat(NamedTuple):
    """`count` of `size` entries or units; numbers of a device are counted there."""

    kind: str  # "saturated", "dead" of entries, "dead units"
    count: Any
    size: int


def flat(node: Node) -> tuple[Flat, ...]:
    """Measure how flat an operation is; of others than sigmoids and ReLUs nothing is said."""
    rule = node.rule
    if not isinstance(rule, Elementwise) or not node.aval.size or not node.aval.real:
        return ()
    kept: Any = rule.kept(node)
    with np.errstate(all="ignore"):
        if rule.name in _SIGMOIDS:
            return _saturated(rule.partial(0, kept))
        if rule.name == "divide" and _written_out(node) and (y := kept.args[1]) is not None:
            return _saturated((1 - 1 / y) / y)
        if rule.name in _CUTS:
            tracked = [i for i, source in enumerate(node.inputs) if source is not None]
            if len(tracked) == 1:
                return _dead(node.aval.shape, rule, kept, tracked[0])
    return ()


def _saturated(slope: Any) -> tuple[Flat, ...]:
    return (Flat("saturated", np.count_nonzero(np.abs(slope) < SLOPE), int(np.size(slope))),)


def _written_out(node: Node) -> bool:
    """Tell whether an operation is 1 / (1 + np.exp(...)) as it stands in textbooks."""
    below = node.inputs[1]
    if node.inputs[0] is not None or below is None or below.rule is None or below.rule.name != "add":
        return False
    return sorted(s.rule.name if s is not None and s.rule is not None else "" for s in below.inputs) == [
        "",
        "exp",
    ]


def _dead(shape: tuple[int, ...], rule: Elementwise, kept: Any, argument: int) -> tuple[Flat, ...]:
    if rule.name != "relu" and not _at_zero(rule.name, kept.args, argument):
        return ()
    shut = rule.partial(argument, kept) == 0
    size = int(np.size(shut))
    found = [Flat("dead", np.count_nonzero(shut), size)]
    if len(shape) in (2, 4) and shape[0] >= ROWS and shape[1] > 1:
        units = np.all(shut, axis=0 if len(shape) == 2 else (0, 2, 3))
        found.append(Flat("dead units", np.count_nonzero(units), shape[1]))
    return tuple(found)


def _at_zero(name: str, args: Any, argument: int) -> bool:
    """Tell whether what stands beside the argument is the 0 of a ReLU: np.maximum(z, 0), np.clip(z, 0, None)."""
    beside = args[1 - argument] if name == "maximum" else args[1] if name == "clip" else args[3 - argument]
    return beside is not None and not arrays.on_device(beside) and np.size(beside) == 1 and not np.any(beside)


def flat_notes(
    found: Mapping[int, tuple[Flat, ...]],
    keys: Mapping[int, int],
    operations: Recorded,
    told: set[int | None],
) -> list[Note]:
    """Say where most of a sigmoid is saturated and where ReLUs are dead; `told`: lines of gradients that are zero."""
    columns, notes = operations.columns, dict[Any, Note]()
    for number, measured in found.items():
        for what, count, size in measured:
            if number not in keys or not _much(what, int(count), size):
                continue
            kind = columns.kinds[columns.codes[keys[number]]]
            if what == "dead" and _summed_up(operations, keys[number]):
                continue  # a hinge that nothing violates, and no layer
            note = note_at("flat", kind, _sentence(what, int(count), size, text_of(kind)))
            if note.line not in told:
                notes.setdefault((kind.place, what), note)
                told = told | {note.line} if what == "dead" else told
    return list(notes.values())


def _much(what: str, count: int, size: int) -> bool:
    if what == "saturated":
        return count >= MOST * size
    return count == size > 1 if what == "dead" else size > count >= size / 2


def _summed_up(operations: Recorded, key: int) -> bool:
    """Tell whether a value is only added up, to a loss."""
    columns = operations.columns
    uses = np.flatnonzero(columns.sources == key)
    users = np.searchsorted(columns.starts, uses, "right") - 1
    rules = {columns.kinds[code].rule for code in columns.codes[users].tolist()}
    return rules <= {"sum", "mean", "add.reduce"}


def _sentence(what: str, count: int, size: int, text: str) -> str:
    if what == "saturated":
        if size == 1:
            return tr(
                "{text} is saturated: its derivative is below {least:g}, and hardly any gradient passes: make its "
                "argument smaller, by smaller weights or inputs", text=text, least=SLOPE,
            )  # fmt: skip
        return tr(
            "{text} is saturated: at {count:,} of {size:,} entries its derivative is below {least:g}, and hardly any "
            "gradient passes: make its argument smaller, by smaller weights or inputs",
            text=text, count=count, size=size, least=SLOPE,
        )  # fmt: skip
    if what == "dead":
        return tr(
            "{text} is 0 at all {size:,} entries, and no gradient passes: its argument is nowhere above 0",
            text=text, size=size,
        )  # fmt: skip
    return tr(
        "{count:,} of {size:,} units of {text} are 0 for every sample, and no gradient passes there: take smaller "
        "steps or other starting weights", count=count, size=size, text=text,
    )  # fmt: skip
