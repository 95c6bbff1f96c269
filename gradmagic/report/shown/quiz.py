"""A trace with its gradients hidden, for the quiz in text: what a reader is to work out is a question mark.

In: a `Trace`. Out: the same trace without the numbers that the sweep gave; values and formulas stay.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...engine.core.values import Value
from ..descent import Descent
from ..model import Edge, Operation, Trace
from ..operations import hidden
from ..turns import Turns

ANSWERS = {"zero", "vanishes", "explodes", "dtype trouble", "flat"}
HIDDEN = Value((), "", False, 1, "?", None, None, None, None, 0, 0, 0)


def veiled(trace: Trace, but: Collection[int] = (), arrows: Collection[tuple[int, int]] = ()) -> Trace:
    """Hide the gradients of a trace, and what would tell them: flows, local numbers, slopes, differences.

    The gradients of the keys in `but` are shown. Of `arrows`, by an operation's key and an argument's position, the
    formula is hidden, too.

    Examples
    --------
    >>> veiled(Trace("In [1]", "y = x")).inputs
    ()
    """
    operations = hidden(trace.operations, _hidden, but)
    if arrows:
        operations = tuple(
            replace(o, inputs=tuple(_unsaid(o, e, arrows) for e in o.inputs)) for o in operations
        )
    inputs = tuple(
        replace(entry, grad=entry.grad if entry.key in but else _hidden(entry.grad), numerical=None)
        for entry in trace.inputs
    )
    turns = None if trace.turns is None else _of_turns(trace.turns)
    descent = None if trace.descent is None else _of_descent(trace.descent)
    return replace(
        trace, operations=operations, inputs=inputs, elementwise=False, walks=(), turns=turns, descent=descent
    )


def _unsaid(operation: Operation, edge: Edge, arrows: Collection[tuple[int, int]]) -> Edge:
    return replace(edge, formula="?", words="") if (operation.key, edge.argument) in arrows else edge


def _of_descent(descent: Descent) -> Descent:
    return replace(descent, moved=tuple(replace(one, grad=_hidden(one.grad)) for one in descent.moved))


def _of_turns(turns: Turns) -> Turns:
    series = (replace(one, grads=tuple(_hidden(grad) for grad in one.grads)) for one in turns.series)
    return replace(turns, series=tuple(series))


def _hidden(value: Value | None) -> Value | None:
    return None if value is None else HIDDEN


def unsaid(trace: Trace) -> Trace:
    """Say of a gradient that it is not what was expected, and not what it is; on a page the rest is hidden there.

    Notes about gradients that are zero, vanish or explode are answers, and are left out.
    """
    told = (note for note in trace.notes if note.kind not in ANSWERS)
    return replace(trace, notes=tuple(replace(note, text=note.veiled or note.text) for note in told))
