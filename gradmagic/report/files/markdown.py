"""The report as Markdown (GitHub's): for a README, a forum, a notebook's text cell, a pull request.

In: a `View`. Out: a heading, the notes, the table, the annotated cell and the graph as text, the steps as a list.
Names and values are escaped: what looks like markup stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.text import Text

from ...engine.core.values import Value
from ...language import tr
from ..parts.history import history
from ..parts.steps import Step, modes, steps
from ..parts.table import table
from ..shown.numbers import brief, rows_of, shape_of
from ..shown.typeset import sums
from ..shown.view import View, told
from ..text import derivation
from ..text.descent import descent_lines

COLUMNS = 100  # of the parts that are set as text
STEPS = 60
INPUTS = 60
_MARKUP = re.compile(r"([\\`*_<>|\[\]$~&#])")


def to_markdown(view: View, explained: Sequence[Sequence[str]] = (), graph: bool = True) -> str:
    """Write the report.

    Parameters
    ----------
    view : View
    explained : sequence of sequences of str
        Entries of gradients written out, each in lines.
    graph : bool
        Whether the graph is shown.
    """
    trace = view.trace
    parts: list[str] = []
    if trace.error is not None:
        parts.append(f"**{escaped(trace.error)}**")
    if trace.result is not None:
        parts.append(f"### {escaped(view.result_name)} = {escaped(view.result_value())}")
        operations, sweeps = view.counts
        counts = tr("{operations}, {sweeps}", operations=operations, sweeps=sweeps)
        parts.append(f"{escaped(trace.label)}: {counts}")
    parts += [f"> {escaped(told(note))}" for note in view.alerts]
    parts.append(_table(view))
    parts += [escaped(told(note)) for note in view.remarks]
    parts += [_fenced(sums(lines, COLUMNS)) for lines in explained]
    if trace.descent is not None:
        parts.append(_fenced(_texts(descent_lines(trace.descent, COLUMNS)), tr("Fit")))
    past = history(trace)
    if past is not None:
        head = [tr("sweep"), *(escaped(series.name) for series in past.series)]
        parts.append("\n".join(_rows([head, *([str(i), *numbers] for i, numbers in past.rows())])))
    parts += [
        _fenced(_texts(derivation.cell(view, COLUMNS)), tr("Cell")),
        _fenced(_texts(derivation.graph(view, COLUMNS)[0]), tr("Graph")) if graph else "",
        _steps(steps(view)),
        escaped(modes(view)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    r"""Write text so that Markdown shows it as it is.

    Examples
    --------
    >>> escaped("a|b <i> x_1*x_2")
    'a\\|b \\<i\\> x\\_1\\*x\\_2'
    """
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Write a piece of code; its own backticks get longer ones around."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{ticks}{space}{' '.join(text.split())}{space}{ticks}"


def _cell(text: str) -> str:
    """Write code within a table: a bar would end the cell even there."""
    return code(text).replace("|", "\\|")


def _rows(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    yield "| " + " | ".join(rows[0]) + " |"
    yield "|" + " --- |" * len(rows[0])
    yield from ("| " + " | ".join(row) + " |" for row in rows[1:])


def _table(view: View) -> str:
    found = list(table(view))
    if not found:
        return ""
    columns = {
        tr("name"): [_cell(row.name) for row in found],
        tr("shape"): [
            f"{shape_of(row.shape)} {row.dtype}".strip() if row.shape else row.dtype for row in found
        ],
        tr("value"): [_value(row.value) for row in found],
        f"∂{escaped(view.operand)}/∂{tr('name')}": [
            _value(row.grad) if row.grad else "–" * (view.trace.result is not None) for row in found
        ],
        tr("by differences"): [_value(row.numerical) for row in found],
        tr("sum over paths"): [
            escaped(f"{row.sum.edges} = {row.sum.values}") if row.sum and row.sum.values else ""
            for row in found
        ],
        "": [escaped(tr(row.flag)) for row in found],
    }
    kept = {head: cells for head, cells in columns.items() if any(cells)}
    rows = list(zip(*kept.values(), strict=True))
    body = [list(kept), *map(list, rows[:INPUTS])]
    more = "\n\n" + tr("{n} inputs more", n=len(rows) - INPUTS) if len(rows) > INPUTS else ""
    return "\n".join(_rows(body)) + more


def _value(value: Value | None) -> str:
    """Write a value: a small array whole, `[[2, 2], [3, 3]]`."""
    if value is None:
        return ""
    axes = len(value.shape)
    if value.items is None or not 1 < value.size <= 9 or axes not in (1, 2) or value.low == value.high:
        return escaped(brief(value))
    listed = ", ".join(f"[{', '.join(map(str.strip, row))}]" for row in rows_of(value.items, axes))
    return escaped(listed if axes == 1 else f"[{listed}]")


def _texts(lines: Iterable[Text]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


def _fenced(lines: Sequence[str], title: str = "") -> str:
    """Set lines as they stand."""
    if not lines:
        return ""
    longest = max((len(run) for run in re.findall("`{3,}", "\n".join(lines))), default=2)
    fence = "`" * (longest + 1)
    return (f"**{title}**\n\n" if title else "") + "\n".join([f"{fence}text", *lines, fence])


def _steps(listed: Sequence[Step]) -> str:
    if not listed:
        return ""
    rows = [tr("**Steps**, backward") + "\n"]
    for step in listed[:STEPS]:
        start = tr("start with {gradient}", gradient=step.grad)
        told = [start if step.start else tr("has {gradient}", gradient=step.grad)]
        for flow in step.flows:
            text = tr("to {target}: {how}", target=code(flow.target), how=escaped(flow.how))
            text += f" = **{escaped(flow.amount)}**" if flow.amount else ""
            if flow.total:
                before = tr(" and ").join(
                    tr("step {i}'s {amount}", i=i, amount=escaped(amount)) for i, amount in flow.after
                )
                total = f"**{escaped(flow.total)}**"
                text = tr("{flow}, with {before}: {total}", flow=text, before=before, total=total)
            told.append(text)
        rows.append(f"{step.number}. {code(step.text)} {'; '.join(told)}")
    if len(listed) > STEPS:
        rows.append("\n" + tr("{n} steps more", n=len(listed) - STEPS))
    return "\n".join(rows)
