"""A trace with its gradients hidden, for the quiz in text: what a reader is to work out is a question mark.

In: a `Trace`. Out: the same trace without the numbers that the sweep gave; values and formulas stay.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...engine.core.values import Value
from ..model import Edge, Input, Note, Operation, Trace

_DIFFERS = re.compile(r" is \S+, and (.+?) (gives?) \S+?(?=\.? |\.?$)")
HIDDEN = Value((), "", False, 1, "?", None, None, None, None, 0, 0, 0)


def veiled(trace: Trace) -> Trace:
    """Hide the gradients of a trace, and what would tell them: flows, local numbers, slopes, differences.

    Examples
    --------
    >>> veiled(Trace("In [1]", "y = x")).inputs
    ()
    """
    return replace(
        trace,
        operations=tuple(map(_operation, trace.operations)),
        inputs=tuple(map(_input, trace.inputs)),
        elementwise=False,
    )


def unsaid(trace: Trace) -> Trace:
    """Say of a gradient that it is not what was expected, and not what it is; on a page the rest is hidden there."""
    return replace(trace, notes=tuple(map(_note, trace.notes)))


def _note(note: Note) -> Note:
    differs = note.kind in {"differs", "kink"}
    return replace(note, text=_DIFFERS.sub(r" is not what \1 \2", note.text)) if differs else note


def _operation(operation: Operation) -> Operation:
    grad = HIDDEN if operation.grad is not None else None
    return replace(operation, grad=grad, inputs=tuple(map(_edge, operation.inputs)))


def _edge(edge: Edge) -> Edge:
    return replace(edge, local=None, flow=HIDDEN if edge.flow is not None else None)


def _input(entry: Input) -> Input:
    return replace(entry, grad=HIDDEN if entry.grad is not None else None, numerical=None)
