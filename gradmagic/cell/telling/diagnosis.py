"""What is odd about gradients: not finite; exactly zero, vanishing, exploding, too small or large for float16.

In: the operations, inputs and result of a trace. Out: notes that name operation and line; none when all is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from ...engine.core.values import Value
from ...language import mark, tr
from ...report.model import Edge, Input, Note, Operation, Result
from ...report.operations import CONSTANT, Kind, Recorded
from ...report.shown.numbers import brief, number

Step = TypeVar("Step")
TINY, HUGE = 1e-6, 1e6  # of a gradient's norm against the result's own
CHAIN = 5  # operations that a gradient passes before it is said to vanish or explode


def diagnosis(operations: Recorded, inputs: tuple[Input, ...], result: Result | None) -> list[Note]:
    """Look at each gradient that is finite; where it is odd, say where it became so."""
    if result is None:
        return []
    at = operations.columns.at(result.key)
    start = None if at is None else operations[at].grad
    seen = [entry for entry in inputs if entry.reached and _whole(entry.grad)]
    zero = [entry for entry in seen if _is_zero(entry.grad)]
    scaled = [entry for entry in seen if not _is_zero(entry.grad) and _far(entry, start)]
    told: dict[int, list[Note]] = {}
    if zero or scaled:
        ways = _Ways(operations, [entry.key for entry in (*zero, *scaled)])
        told = _zeros(zero, ways) | (_scales(scaled, start, ways) if start is not None else {})
    notes = []
    for entry in seen:
        notes += told.get(entry.key, [])
        grad = entry.grad
        if (
            grad is not None
            and grad.dtype == "float16"
            and not _is_zero(grad)
            and grad.norm
            and grad.norm < 1e-4
        ):
            notes.append(Note("dtype trouble", _half(entry)))
    return notes


def not_finite(inputs: tuple[Input, ...], result: Result | None) -> bool:
    """Tell whether the cell made a NaN or an infinity: none of the inputs has one, the result or a gradient has."""
    values = [entry.grad for entry in inputs] + [result.value if result is not None else None]
    return any(map(_odd, values)) and not any(_odd(entry.value) for entry in inputs)


def nan_notes(operations: Recorded, inputs: tuple[Input, ...], result: Result | None) -> list[Note]:
    """Say which operation made the first NaN or infinity, on the way forward or back; nothing where all is finite."""
    if not not_finite(inputs, result):
        return []
    kept = operations.kept
    for key in sorted(kept.values):
        if operations.columns.computed[key] and _odd(kept.values[key]):
            operation = operations[key]
            sources = [operations[edge.source] for edge in operation.inputs if edge.source is not None]
            given = ", ".join(f"{_name(s)} = {brief(s.value)}" for s in sources if s.value is not None)
            what = "NaN" if _odd(operation.value) == "NaN" else tr("an infinity")
            text = tr(_MADE_FROM if given else _MADE, name=_name(operation), what=what, given=given)
            return [note_at("nan", operation, text)]
    for key in sorted(kept.flows, reverse=True):
        if not any(map(_odd, kept.flows[key])):
            continue
        operation = operations[key]
        for edge in operation.inputs:
            if _odd(edge.flow) and not _odd(operation.grad) and edge.source is not None:
                masked = _odd(edge.flow) == "NaN" and _odd(edge.local) == "infinite"  # 0 * inf
                source_text = _name(operations[edge.source])
                by = tr(_BY_FORMULA if edge.formula else _BY, source=source_text, formula=edge.formula)
                text = tr(
                    _BACK_MASKED if masked else _BACK, name=_name(operation), source=source_text,
                    odd=tr(_odd(edge.flow)), by=by, local=tr(_odd(edge.local) or _NOT_FINITE),
                )  # fmt: skip
                return [note_at("nan", operation, text)]
    return []


_NOT_FINITE = mark("not finite")
_BY = mark("its derivative by {source}")
_BY_FORMULA = mark("its derivative by {source}, {formula},")
_MADE = mark("{name} makes {what}, the first in the cell")
_MADE_FROM = mark("{name} makes {what}, the first in the cell, from {given}")
_BACK = mark(
    "on the way back, {name} makes the gradient of {source} {odd}: {by} is {local} there. Keep such entries out before "
    "the operation: np.where(ok, v, 1.0) inside it, not around it"
)
_BACK_MASKED = mark(
    "on the way back, {name} makes the gradient of {source} {odd}: {by} is {local} there. Keep such entries out before "
    "the operation: np.where(ok, v, 1.0) inside it, not around it, or count 0 * inf as 0: %%grad --guard"
)


class _Ways:
    """Which operations depend on which inputs, for all inputs at once: bit i of a number stands for input i."""

    def __init__(self, operations: Recorded, keys: list[int]) -> None:
        self.operations = operations
        columns = operations.columns
        own = {key: 1 << i for i, key in enumerate(keys)}
        starts, sources = columns.starts.tolist(), columns.sources.tolist()
        self.bits: list[int] = []
        self.counts = np.zeros(len(keys), int)  # of the operations that depend on each
        for key in range(len(operations)):
            bits = own.get(key, 0)
            for source in sources[starts[key] : starts[key + 1]]:
                if source != CONSTANT:
                    bits |= self.bits[source]
            self.bits.append(bits)
        width = (len(keys) + 7) // 8
        for first in range(0, len(operations), _AT_ONCE):
            computed = columns.computed[first : first + _AT_ONCE]
            rows = b"".join(bits.to_bytes(width, "little") for bits in self.bits[first : first + _AT_ONCE])
            table = np.frombuffer(rows, np.uint8).reshape(-1, width)[computed]
            self.counts += np.unpackbits(table, axis=1, bitorder="little").sum(axis=0, dtype=int)[: len(keys)]

    def first(self, steps: Iterable[tuple[int, Step]], wanted: int) -> Iterator[tuple[int, Step]]:
        """Give for each wanted input the first of `steps`, each behind the key it comes from, that is on its way."""
        for source, step in steps:
            found = wanted & self.bits[source]
            wanted &= ~found
            while found:
                yield (found & -found).bit_length() - 1, step
                found &= found - 1
            if not wanted:
                return

    def flows(self) -> Iterator[tuple[int, Operation, Edge, Value]]:
        """Go through the edges whose flow was kept, in tape order: (source, operation, edge, flow)."""
        for key in sorted(self.operations.kept.flows):
            operation = self.operations.unnamed[key]
            for edge in operation.inputs:
                if edge.source is not None and edge.flow is not None:
                    yield edge.source, operation, edge, edge.flow


_ROUNDING = {kind: 64 * float(np.finfo(kind).eps) for kind in ("float32", "float64")}
_AT_ONCE = 1_000  # operations whose bits are counted together: 250 KB for 2,000 inputs


def _zeros(entries: list[Input], ways: _Ways) -> dict[int, list[Note]]:
    """Say at which operation, seen from the result, each gradient became zero on its way to an input."""
    steps = [(s, (o, e)) for s, o, e, flow in ways.flows() if _is_zero(flow) and not _is_zero(o.grad)]
    steps.sort(key=lambda step: -step[1][0].key)  # of one operation the first argument stays the first
    told = {
        entry.key: [Note("zero", tr("the gradient of {name} is exactly zero.", name=entry.name))]
        for entry in entries
    }
    for i, (operation, edge) in ways.first(steps, (1 << len(entries)) - 1):
        assert edge.source is not None
        source, operation = ways.operations[edge.source], ways.operations[operation.key]
        edge = operation.inputs[edge.argument]
        sentence = (
            _CANCELS if _cancels(operation, edge) else _FLAT_BY if edge.formula not in ("", "0") else _FLAT
        )
        text = tr(
            sentence,
            name=entries[i].name,
            operation=text_of(operation),
            source=text_of(source),
            formula=edge.formula,
        )
        told[entries[i].key] = [note_at("zero", operation, text)]
    return told


_CANCELS = mark(
    "the gradient of {name} is exactly zero: what {source} gets from each entry of {operation} adds up to 0"
)
_FLAT = mark(
    "the gradient of {name} is exactly zero: the derivative of {operation} by {source} is 0 everywhere"
)
_FLAT_BY = mark(
    "the gradient of {name} is exactly zero: the derivative of {operation} by {source} is 0 ({formula}) everywhere"
)


def _cancels(operation: Operation, edge: Edge) -> bool:
    """Tell whether a flow is 0 because entries were summed that cancel: a bias added to a batch of errors, mean 0."""
    summed = edge.flow is not None and operation.grad is not None and edge.flow.size < operation.grad.size
    return summed and edge.local is not None and not _is_zero(edge.local)


def _far(entry: Input, start: Value | None) -> bool:
    """Tell whether a gradient's norm is far from the result's own."""
    if start is None or not start.norm or entry.grad is None:
        return False
    return not TINY <= (entry.grad.norm or 0.0) / start.norm <= HUGE


def _scales(entries: list[Input], start: Value, ways: _Ways) -> dict[int, list[Note]]:
    """Say that gradients vanish or explode along a chain of operations, and where most of it happens."""
    factors = [
        (source, ((flow.norm or 0.0) / operation.grad.norm, operation))
        for source, operation, _, flow in ways.flows()
        if operation.grad is not None and operation.grad.norm
    ]
    # Sums that cancel but for rounding: a bias before a norm over the batch, whose gradient is 0 by nature.
    cancelled = {
        source
        for source, operation, _, flow in ways.flows()
        if operation.grad is not None
        and flow.size < operation.grad.size
        and (flow.norm or 0.0) < _ROUNDING.get(flow.dtype, 0.0) * (operation.grad.norm or 0.0)
    }
    before = len(ways.counts) - len(entries)  # the bits of those that are zero
    told: dict[int, list[Note]] = {}
    for small, word in ((True, "vanishes"), (False, "explodes")):
        whole, with_most = _SCALES[word]
        which = {
            before + i: entry
            for i, entry in enumerate(entries)
            if entry.key not in cancelled
            and ways.counts[before + i] >= CHAIN
            and ((entry.grad.norm or 0.0) < (start.norm or 0.0)) is small  # type: ignore[union-attr]
        }
        factors.sort(key=lambda step: step[1][0] if small else -step[1][0])
        fields = {
            i: {
                "name": entry.name, "start": number(start.norm), "count": int(ways.counts[i]),
                "end": number(entry.grad.norm or 0.0 if entry.grad is not None else 0.0),
            }
            for i, entry in which.items()
        }  # fmt: skip
        told |= {entry.key: [Note(word, tr(whole, **fields[i]))] for i, entry in which.items()}
        for i, (factor, worst) in ways.first(factors, sum(1 << i for i in which)):
            text = tr(with_most, **fields[i], worst=text_of(worst), factor=number(factor))
            told[which[i].key] = [note_at(word, worst, text)]
    return told


_SCALES = {
    "vanishes": (
        mark(
            "the gradient of {name} vanishes: its norm goes from {start} to {end} over {count:,} operations."
        ),
        mark(
            "the gradient of {name} vanishes: its norm goes from {start} to {end} over {count:,} operations, most at "
            "{worst} (times {factor})"
        ),
    ),
    "explodes": (
        mark(
            "the gradient of {name} explodes: its norm goes from {start} to {end} over {count:,} operations."
        ),
        mark(
            "the gradient of {name} explodes: its norm goes from {start} to {end} over {count:,} operations, most at "
            "{worst} (times {factor})"
        ),
    ),
}


def _whole(grad: Value | None) -> bool:
    return grad is not None and grad.size > 0 and not grad.nans and not grad.infs


def _odd(value: Value | None) -> str:
    """Name what is not finite in a value, in English: `tr` says it."""
    if value is None or not (value.nans or value.infs):
        return ""
    return "NaN" if value.nans else mark("infinite")


def _is_zero(value: Value | None) -> bool:
    return value is not None and value.size > 0 and value.zeros == value.size


def _half(entry: Input) -> str:
    return tr(
        "the gradient of {name} is float16, and {value} is near the smallest number that float16 has (6e-8): scale "
        "the result up before the sweep, or compute in float32 (--dtype float32).",
        name=entry.name, value=brief(entry.grad),
    )  # fmt: skip


def note_at(kind: str, operation: Operation | Kind, text: str) -> Note:
    """Make a note of what happens at an operation, with the line of the cell that it belongs to."""
    place = operation.place
    line = None if place is None else place.line if place.inside else place.line_in_cell
    if not line:
        return Note(kind, tr("{text}.", text=text))
    return Note(kind, tr("line {line}: {text}.", line=line, text=text), line)


def text_of(operation: Operation | Kind) -> str:
    """Write an operation as the reader wrote it; by its name where that is long, or says several operations."""
    place = operation.place
    if getattr(operation, "within", False):
        return _rule_of(operation)
    if place is not None and place.text and len(place.text) <= 40:
        return place.text
    return operation.names[-1] if operation.names else operation.rule


def _rule_of(operation: Operation | Kind) -> str:
    if not operation.module:
        return operation.rule
    return tr("{rule} in {module}", rule=operation.rule, module=operation.module)


def _name(operation: Operation) -> str:
    if operation.names:
        return operation.names[-1]
    if operation.within:
        return _rule_of(operation)
    return operation.place.text if operation.place is not None and operation.place.text else operation.rule
