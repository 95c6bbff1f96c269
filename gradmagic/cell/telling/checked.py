"""`--check`: the gradients of a cell held against differences of its recorded operations, computed again.

In: what was recorded under a `Recomputing`, its root. Out: notes, and the numerical gradients by input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.values import Value, summarise
from ...engine.sweeps.backward import sweep
from ...engine.sweeps.recomputed import CannotRecompute, CheckedEntry, Recomputing
from ...engine.tape import modes
from ...engine.tape.nodes import Node, walk
from ...language import mark, tr
from ...report.model import Note
from ...report.shown.simplified import operand


@dataclass
class Findings:
    """What was found for each input, by the number of its node; or why nothing could be."""

    entries: dict[int, list[CheckedEntry]] = field(default_factory=dict)
    sizes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    failed: str = ""


def check(root: Node, cotangent: Any, replay: Recomputing, value_of: Callable[[Node], Any]) -> Findings:
    """Compute the numerical gradient of `root` by each input, and compare; the user's `.grad` stays as it is.

    `value_of` gives the value that an input had when the operations were made; None where it is gone.
    """
    leaves = [node for node in walk(root) if node.rule is None]
    inputs = [(node, value) for node in leaves if (value := value_of(node)) is not None]
    if not inputs:
        return Findings(failed=tr("no input has a value to start from"))
    try:
        with modes.watch(None), np.errstate(all="ignore"):
            reached, swept, _ = sweep(
                root, cotangent, inputs=[n for n, _ in inputs], retain=True, hooks=False
            )
            numbers = {node.number for node in reached}
            zeros = {n.number: np.zeros(n.aval.shape, n.aval.tangent) for n, _ in inputs}
            grads = [arrays.to_host(swept[k]) if k in numbers else zero for k, zero in zeros.items()]
            hosts = [(n, arrays.to_host(v)) for n, v in inputs]
            found = replay.check(root, cotangent, hosts, [np.asarray(g) for g in grads])
    except CannotRecompute as error:
        return Findings(failed=tr("{operation} cannot be computed again", operation=error))
    numbers_of = [node.number for node, _ in inputs]
    return Findings(dict(zip(numbers_of, found, strict=True)), {n.number: n.aval.shape for n, _ in inputs})


def check_notes(findings: Findings, names: dict[int, str], result: str, sweeps: int) -> list[Note]:
    """Say what the check has found: where the two differ on top, that they agree below the table."""
    if findings.failed:
        return [Note("unchecked", tr("--check: no numerical gradient: {why}.", why=findings.failed))]
    notes, agreed = [], []
    for number, entries in findings.entries.items():
        name = names.get(number)
        if name is None or not entries:
            continue
        slope = f"d{operand(result)}/d{name}"
        odd = [e for e in entries if e.kind != "agrees"]
        for kind in _TEXTS:
            if found := [e for e in odd if e.kind == kind]:
                notes.append(_note(slope, found[0], kind, len(found), len(entries)))
        if not odd:
            size, checked = int(np.prod(findings.sizes[number])), len(entries)
            sentence = _SOME if checked < size else _ALL
            agreed.append(tr(sentence, slope=slope, checked=checked, size=size) if size > 1 else slope)
    if agreed:
        notes.append(Note("agrees", tr(_FIRST if sweeps > 1 else _AGREES, slopes=", ".join(agreed))))
    return notes


_SOME, _ALL = mark("{slope} at {checked:,} of {size:,} entries"), mark("{slope} at all {size:,} entries")
_AGREES = mark(
    "{slopes}: checked by differences. It computes the recorded operations again: a gradient that was lost on the way "
    "is lost in both."
)
_FIRST = mark(
    "{slopes}: checked by differences at the first sweep. It computes the recorded operations again: a gradient that "
    "was lost on the way is lost in both."
)


def _note(slope: str, entry: CheckedEntry, kind: str, count: int, of: int) -> Note:
    place = f"[{', '.join(map(str, entry.index))}]" if entry.index else ""
    fields = {
        "slope": slope + place, "tape": _number(entry.tape), "numerical": _number(entry.numerical),
        "many": tr(" ({count:,} of {of:,} entries)", count=count, of=of) if of > 1 else "",
    }  # fmt: skip
    text, veiled = _TEXTS[kind]
    return Note(kind, tr(text, **fields), veiled=tr(veiled, **fields))


_TEXTS = {  # in the order in which they are said
    "differs": (
        mark(
            "{slope} is {tape}, and differences give {numerical}{many}. The same operations were computed again, so a "
            "rule is wrong: please report it."
        ),
        mark(
            "{slope} is not what differences give{many}. The same operations were computed again, so a rule is wrong: "
            "please report it."
        ),
    ),
    "no number": (
        mark(
            "{slope} is {tape}, and differences give {numerical}{many}. Something on the way back gives NaN, as 0 * "
            "inf does behind np.where: --guard counts that as 0."
        ),
        mark(
            "{slope} is not what differences give{many}. Something on the way back gives NaN, as 0 * inf does behind "
            "np.where: --guard counts that as 0."
        ),
    ),
    "unsettled": (
        mark(
            "{slope} is {tape}, and there are no differences to hold it against{many}: by finer and finer steps they "
            "do not settle, as where rounding is large, or kinks are near."
        ),
        mark(
            "There are no differences to hold {slope} against{many}: by finer and finer steps they do not settle, as "
            "where rounding is large, or kinks are near."
        ),
    ),
    "edge": (
        mark(
            "{slope} is {tape}, and there are no differences to hold it against{many}: the result is not finite there, "
            "or not on both sides of it."
        ),
        mark(
            "There are no differences to hold {slope} against{many}: the result is not finite there, or not on both "
            "sides of it."
        ),
    ),
    "kink": (
        mark(
            "{slope} is {tape}, and differences give {numerical}{many}: there is a kink, the slopes on both sides of "
            "it differ."
        ),
        mark(
            "{slope} is not what differences give{many}: there is a kink, the slopes on both sides of it differ."
        ),
    ),
}


def _number(value: complex) -> str:
    return f"{value:.6g}"


def numerical(findings: Findings, number: int) -> Value | None:
    """Give the numerical gradient of an input, where all of its entries were computed."""
    entries, shape = findings.entries.get(number), findings.sizes.get(number)
    if entries is None or shape is None or len(entries) != int(np.prod(shape)):
        return None
    values = np.array([e.numerical for e in entries]).reshape(shape)
    return summarise(values if shape else values[()])
