"""From results to reports without a cell: `gm.make_dot(z)`, `gm.last()`, `%grad z`; settings that hold for a session.

In: a tensor that was computed, in whatever cells. Out: a report, or a graphviz object of its graph.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ... import report as reports
from ...engine.faces.torch.tensor import Tensor
from ...engine.replay.explained import drawn
from ...engine.replay.replay import Replayed
from ...engine.sweeps.backward import sweep
from ...engine.tape import modes
from ...engine.tape.ends import seed
from ...engine.tape.nodes import FREED, walk
from ...errors import NoGradError, NonScalarError, NoResultError
from ...language import mark, tr
from ...report.model import Note
from ...report.pictures.program import of_program
from ..options import Options
from ..reading.names import Usage
from ..reading.source import Source
from ..telling.cell_recorder import CellRecorder
from ..telling.collect import collect
from ..telling.run_record import RunRecord

_last: list[reports.Report] = []
_FREED = mark(
    "the graph was walked backward before, so it shows no gradients; write backward(retain_graph=True), "
    "or compute it again."
)


def remember(report: reports.Report) -> None:
    """Let `gm.last()` give this report."""
    _last[:] = [report]


def last() -> reports.Report:
    """Give the last report that `%%grad` or `%grad` made; also where a `;` kept it from `_` and `Out`.

    Raises
    ------
    NoResultError
        If there is none yet.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.last().grads  # doctest: +SKIP
    {'x': array([2., 4.])}
    """
    if not _last:
        raise NoResultError(tr("there is no report yet: run a cell with %%grad on its first line."))
    return _last[0]


def _no_run(namespace: Mapping[str, Any], text: str = "", label: str = "") -> RunRecord:
    """Give what stands for the record of a run where a result of earlier cells is shown."""
    cell = Source(text, ast.Module([], []), "", label)
    return RunRecord(cell, dict(namespace), Options(), Usage({}, {}, {}), CellRecorder(""))


def report_of(
    result: Any, namespace: Mapping[str, Any], text: str, label: str, **settings: Any
) -> reports.Report:
    """Report on a tensor that was computed earlier: sweep from it, writing no `.grad` and freeing nothing.

    Raises
    ------
    NoGradError
        If it carries no gradient.
    NonScalarError
        If it has more than one entry.
    """
    if not isinstance(result, Tensor) or result.node is None:
        raise NoGradError(tr(
            "{text} does not require grad: make its inputs with gm.tensor(..., requires_grad=True), "
            "or compute it under %%grad x.", text=text,
        ))  # fmt: skip
    run = _no_run(namespace, text, label)
    freed = any(node.saved is FREED for node in walk(result.node))
    if result.node.aval.size != 1:
        raise NonScalarError(tr(
            "{text} has {entries} entries: write %grad {text}.sum().", text=text, entries=result.node.aval.size,
        ))  # fmt: skip
    if freed:
        run.notes.append(Note("freed", tr(_FREED)))
    else:
        with modes.watch(run.recorder):
            run.recorder.counting = False
            sweep(result.node, seed(result, None), retain=True)
            run.recorder.swept = True
    trace = collect(run, result.node, name=text, value=result.array, own=not freed)
    return reports.Report(trace, **settings)


def make_dot(
    var: Tensor | Sequence[Tensor] | Replayed, params: Mapping[str, Any] | None = None, **_: Any
) -> Any:
    """Draw the graph of a tensor, as torchviz's `make_dot` does, with names, shapes and places.

    Parameters
    ----------
    var : Tensor, sequence of Tensor, or what `gm.replay` gave
        The result, or several; the graph may span several cells. Of a replayed function: its program.
    params : mapping of str to Tensor, optional
        Names for tensors; others are found among the caller's variables.

    Returns
    -------
    graphviz.Digraph
        Notebooks show it; `.source` is its DOT, `.render(...)` writes a file.

    Raises
    ------
    NoGradError
        If none of them carries a gradient.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor(2.0, requires_grad=True)
    >>> "PowBackward" in gm.make_dot(x**2, params={"x": x}).source or True
    True
    """
    if isinstance(var, Replayed):
        return of_program(drawn(var), getattr(var.f, "__name__", "f"))
    given = var if isinstance(var, (list, tuple)) else [var]
    results = [v for v in given if isinstance(v, Tensor) and v.node is not None]
    if not results:
        raise NoGradError(
            tr(
                "make_dot() draws the graph of a tensor that requires grad, or of a list of them, and none of these "
                "does."
            )
            if len(given) > 1
            else tr(
                "make_dot() draws the graph of a tensor that requires grad, or of a list of them, and this one does "
                "not."
            )
        )
    frame = sys._getframe(1)
    namespace = {**frame.f_globals, **frame.f_locals} if params is None else dict(params)
    first, *more = results
    trace = collect(_no_run(namespace), first.node, value=first.array, own=True, also=[v.node for v in more])
    return reports.Report(trace).graph
