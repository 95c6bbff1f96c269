"""The backward sweep as a numbered list, in words and numbers: where it is, and what flows to whom.

In: a `View`. Out: `Step`s with `Flow`s, from the result down, and one sentence on what forward mode would take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...engine.core.values import Value
from ...language import tr
from ..model import Edge, Operation
from ..shown.numbers import brief, factor
from ..shown.simplified import bracketed
from ..shown.view import View
from ..shown.words import summed
from .paths import broadcasts, of_complex


@dataclass(frozen=True)
class Flow:
    """What one step sends to one of its arguments.

    `how` is the product in words and numbers, `1*(4) = 1*d`; `amount` what it comes to; `after` who sent before, as
    (step, amount), and `total` the target's gradient when this completes it.
    """

    target: str
    key: int
    edge: int
    how: str
    amount: str
    after: tuple[tuple[int, str], ...]
    total: str


@dataclass(frozen=True)
class Step:
    """One operation of the sweep: its number, its text, its gradient when the sweep comes to it, what it sends on."""

    number: int
    key: int
    text: str
    grad: str
    start: bool
    flows: tuple[Flow, ...]


def steps(view: View) -> tuple[Step, ...]:
    """Walk the sweep from the result down."""
    result = view.trace.result
    if result is None or not any(operation.grad is not None for operation in view.operations):
        return ()
    found: list[Step] = []
    sent: dict[int | None, list[tuple[int, str]]] = {}  # who sent to a value so far
    for operation in reversed(view.computed):
        if operation.key > result.key or (operation.grad is None and operation.count == 1):
            continue
        i = len(found) + 1
        flows = []
        for edge in operation.edges:
            earlier = sent.setdefault(edge.source, [])
            flows.append(_flow(view, operation, edge, tuple(earlier)))
            earlier.append((i, flows[-1].amount))
        grad = brief(operation.grad) or tr("not kept")
        found.append(
            Step(i, operation.key, view.title(operation), grad, operation.key == result.key, tuple(flows))
        )
    return tuple(found)


def _flow(view: View, operation: Operation, edge: Edge, earlier: tuple[tuple[int, str], ...]) -> Flow:
    assert edge.source is not None
    i = view.numbers[operation.key, edge.argument]
    source = view.by_key.get(edge.source)
    amount = brief(edge.flow)
    # The sweep comes from behind: the first user sends last, by the last of its own edges.
    first = view.users[edge.source][0][0]
    last = first is operation and [e for user, e in view.users[edge.source] if user is first][-1] is edge
    total = brief(source.grad) if source is not None and last else ""
    if any(user.key <= edge.source for user, _ in view.users[edge.source]):
        total = ""  # a loop's way back: what is sent belongs to the turn before the one that is shown
    # Of a folded loop one turn is known, and what all gave.
    if edge.part or not all(sent for _, sent in earlier):
        amount, earlier, total = tr("{total} in all", total=total) if total else "", (), ""
    elif not earlier:
        total = ""
    # An earlier turn's derivative met its own gradient, not the one that is shown.
    how = "" if edge.early or of_complex(view, operation, edge) else _product(operation.grad, edge, i)
    how = how or f"({i}) {_local(view, operation, edge)}".rstrip()
    return Flow(view.name(edge.source), edge.source, i, how, amount, earlier, total)


def _local(view: View, operation: Operation, edge: Edge) -> str:
    """Write how an array's gradient goes on: `grad*2*x`, `h.T @ grad`, `1 for each y[k]`."""
    if edge.formula and edge.local is not None:
        formula = _conjugate(edge.formula) if of_complex(view, operation, edge) else edge.formula
        told = "grad" if formula == "1" else f"grad*{bracketed(formula)}"
        told = summed(told) if broadcasts(view, operation, edge) else told
        source = view.by_key.get(edge.source)
        turned = "complex" in operation.dtype and source is not None and "complex" not in source.dtype
        return tr("{formula}, the real part", formula=told) if turned else told
    if edge.formula:
        return f"grad*{bracketed(edge.formula)}"
    return view.words(operation, edge)


def _conjugate(formula: str) -> str:
    if formula.startswith("np.conj(") and formula.endswith(")"):
        return formula[len("np.conj(") : -1]
    return formula if re.fullmatch(r"[-\d.]+", formula) else f"np.conj({formula})"


def _product(grad: Value | None, edge: Edge, i: int) -> str:
    """Write gradient times local derivative: `1*(4) = 1*d`, or `3*(3) = 3*1` where there is no formula to name."""
    local = edge.local
    if grad is None or grad.shape or local is None or local.shape:
        return ""
    g = factor(grad.items)
    return f"{g}*({i}) = {g}*{bracketed(edge.formula) if edge.formula else factor(local.items)}"


def modes(view: View) -> str:
    """Say what one backward sweep gave, and what forward mode would have taken."""
    names = [entry.name for entry in view.trace.inputs if entry.reached and entry.grad is not None]
    if len(names) < 2:
        size = view.trace.inputs[0].value.size if len(view.trace.inputs) == 1 else 1
        if size < 2 or not names:
            return ""
        slope = view.slope(names[0])
        if size == 2:
            return tr(
                "One backward sweep gave both numbers of {slope}; forward mode takes 2 sweeps.", slope=slope
            )
        return tr(
            "One backward sweep gave all {n:,} numbers of {slope}; forward mode takes {n:,} sweeps.",
            n=size, slope=slope,
        )  # fmt: skip
    total = sum(entry.value.size for entry in view.trace.inputs if entry.name in names)
    if total == len(names) <= 4:
        each = tr(", ").join(tr("one for {name}", name=name) for name in names)
        if total == 2:
            return tr("One backward sweep gave both; forward mode takes {each}.", each=each)
        return tr("One backward sweep gave all; forward mode takes {each}.", each=each)
    return tr(
        "One backward sweep gave all {n:,} numbers; forward mode takes {n:,} sweeps, one for each.", n=total
    )
