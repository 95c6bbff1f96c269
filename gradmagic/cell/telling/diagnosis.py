"""What is odd about gradients: not finite; exactly zero, vanishing, exploding, too small or large for float16.

In: the operations, inputs and result of a trace. Out: notes that name operation and line; none when all is well.
"""

from __future__ import annotations

from ...engine.core.values import Value
from ...report.model import Input, Note, Operation, Result
from ...report.shown.numbers import brief, number

TINY, HUGE = 1e-6, 1e6  # of a gradient's norm against the result's own
CHAIN = 5  # operations that a gradient passes before it is said to vanish or explode


def diagnosis(
    operations: tuple[Operation, ...], inputs: tuple[Input, ...], result: Result | None
) -> list[Note]:
    """Look at each gradient that is finite; where it is odd, say where it became so."""
    if result is None:
        return []
    by_key = {operation.key: operation for operation in operations}
    start = by_key.get(result.key)
    notes = []
    for entry in inputs:
        grad = entry.grad
        if not entry.reached or grad is None or not grad.size or grad.nans or grad.infs:
            continue
        if grad.zeros == grad.size:
            notes += _zero(entry, operations, by_key)
        elif start is not None and start.grad is not None:
            notes += _scaled(entry, start.grad, operations, by_key)
        if grad.dtype == "float16" and grad.zeros < grad.size and grad.norm and grad.norm < 1e-4:
            notes.append(Note("dtype trouble", _half(entry)))
    return notes


def nan_notes(
    operations: tuple[Operation, ...], inputs: tuple[Input, ...], result: Result | None
) -> list[Note]:
    """Say which operation made the first NaN or infinity, on the way forward or back; nothing where all is finite."""
    values = [entry.grad for entry in inputs] + [result.value if result is not None else None]
    if not any(_odd(value) for value in values) or any(_odd(entry.value) for entry in inputs):
        return []
    by_key = {operation.key: operation for operation in operations}
    for operation in operations:
        if operation.rule and _odd(operation.value):
            sources = [by_key[edge.source] for edge in operation.inputs if edge.source in by_key]
            given = ", ".join(f"{_name(s)} = {brief(s.value)}" for s in sources if s.value is not None)
            what = f"{_name(operation)} makes {'NaN' if _odd(operation.value) == 'NaN' else 'an infinity'}"
            return [
                _note("nan", operation, f"{what}, the first in the cell{f', from {given}' if given else ''}")
            ]
    for operation in reversed(operations):
        for edge in operation.inputs:
            if _odd(edge.flow) and not _odd(operation.grad) and edge.source in by_key:
                masked = _odd(edge.flow) == "NaN" and _odd(edge.local) == "infinite"  # 0 * inf
                source_text = _name(by_key[edge.source])
                by = f", {edge.formula}," if edge.formula else ""
                return [_note(
                    "nan", operation,
                    f"on the way back, {_name(operation)} makes the gradient of {source_text} {_odd(edge.flow)}: "
                    f"its derivative by {source_text}{by} is {_odd(edge.local) or 'not finite'} there. "
                    "Keep such entries out before the operation: np.where(ok, v, 1.0) inside it, not around it"
                    f"{', or count 0 * inf as 0: %%grad --guard' if masked else ''}",
                )]  # fmt: skip
    return []


def _zero(entry: Input, operations: tuple[Operation, ...], by_key: dict[int, Operation]) -> list[Note]:
    """Say at which operation, seen from the result, a gradient became zero on its way to an input."""
    ways = _ways(entry.key, operations)
    for operation in reversed(operations):
        if operation.key not in ways or _is_zero(operation.grad):
            continue
        for edge in operation.inputs:
            if edge.source in ways and _is_zero(edge.flow):
                what = _text(by_key[edge.source]) if edge.source in by_key else "its argument"
                why = f"the derivative of {_text(operation)} by {what} is 0"
                if edge.formula and edge.formula != "0":
                    why += f" ({edge.formula})"
                return [
                    _note(
                        "zero", operation, f"the gradient of {entry.name} is exactly zero: {why} everywhere"
                    )
                ]
    return [Note("zero", f"the gradient of {entry.name} is exactly zero.")]


def _scaled(
    entry: Input, start: Value, operations: tuple[Operation, ...], by_key: dict[int, Operation]
) -> list[Note]:
    """Say that a gradient vanishes or explodes along a chain of operations, and where most of it happens."""
    assert entry.grad is not None
    ways = _ways(entry.key, operations)
    chain = [o for o in operations if o.key in ways and o.rule]
    if not start.norm or sum(o.count for o in chain) < CHAIN:
        return []
    ratio = (entry.grad.norm or 0.0) / start.norm
    if TINY <= ratio <= HUGE:
        return []
    small = ratio < TINY
    factors = [
        ((edge.flow.norm or 0.0) / operation.grad.norm, operation)
        for operation in chain
        for edge in operation.inputs
        if edge.source in ways
        and edge.flow is not None
        and operation.grad is not None
        and operation.grad.norm
    ]
    word = "vanishes" if small else "explodes"
    text = (
        f"the gradient of {entry.name} {word}: its norm goes from {number(start.norm)} to "
        f"{number(entry.grad.norm or 0.0)} over {sum(o.count for o in chain):,} operations"
    )
    if not factors:
        return [Note(word, text + ".")]
    factor, worst = (min if small else max)(factors, key=lambda pair: pair[0])
    return [_note(word, worst, f"{text}, most at {_text(worst)} (times {number(factor)})")]


def _ways(key: int, operations: tuple[Operation, ...]) -> set[int]:
    """Give the keys of the operations that depend on an input, and its own."""
    found = {key}
    for operation in operations:  # in tape order
        if any(edge.source in found for edge in operation.inputs):
            found.add(operation.key)
    return found


def _odd(value: Value | None) -> str:
    """Name what is not finite in a value."""
    if value is None or not (value.nans or value.infs):
        return ""
    return "NaN" if value.nans else "infinite"


def _is_zero(value: Value | None) -> bool:
    return value is not None and value.size > 0 and value.zeros == value.size


def _half(entry: Input) -> str:
    return (
        f"the gradient of {entry.name} is float16, and {brief(entry.grad)} is near the smallest number that float16 "
        "has (6e-8): scale the result up before the sweep, or compute in float32 (--dtype float32)."
    )


def _note(kind: str, operation: Operation, text: str) -> Note:
    place = operation.place
    line = None if place is None else place.line if place.inside else place.line_in_cell
    return Note(kind, f"line {line}: {text}." if line else f"{text}.", line)


def _text(operation: Operation) -> str:
    place = operation.place
    if place is not None and place.text and len(place.text) <= 40:
        return place.text
    return operation.names[-1] if operation.names else operation.rule


def _name(operation: Operation) -> str:
    if operation.names:
        return operation.names[-1]
    return operation.place.text if operation.place is not None and operation.place.text else operation.rule
