"""The sections of the text report, set in columns: heading, notes, table, pictures, history, and the derivation.

In: a `View` and the columns there are. Out: `Section`s of styled lines; text.py puts them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from ...engine.core.values import Value
from ..parts import timing
from ..parts.curves import pictures, strips
from ..parts.history import history
from ..parts.table import NUDGE, Row, table
from ..shown.numbers import aligned, brief, number, shape_of, sparkline
from ..shown.typeset import Cell, clip, grid, pad, sums, width, wrap
from ..shown.view import View, told
from .derivation import cell, chain, graph
from .styles import BAD, HEAD, MUTED, NAME, SIGNS, WARN, colored

ROWS = 10  # of a matrix that is shown in full
LINES = 60  # of a cell that are set: a report shows fewer
BESIDES = 47  # columns that a sum over paths leaves to the others


@dataclass(frozen=True)
class Section:
    """Some lines that belong together; at least `least` of them stay, and the last one where `tail`.

    `whole`: they were asked for, and all stay. `more`: lines that were not even set.
    """

    lines: list[Text]
    least: int = 4
    tail: bool = False
    whole: bool = False
    more: int = 0


def sections(
    view: View, room: int, explained: Sequence[Sequence[str]] = (), walk: bool = False
) -> list[Section]:
    """Set all sections of the report, in reading order."""
    steps = chain(view, room, walk)
    points = strips(view, room)
    source = view.trace.source.rstrip()
    return [
        Section(_heading(view, room), least=3),
        Section(_notes(view, room), least=8),
        Section([*(points or _table(view, room)), *_remarks(view, room)], least=6),
        *(_asked_for([Text(f" {row}") for row in sums(lines, room - 2)]) for lines in explained),
        Section(pictures(view, room), least=3),
        Section(_history(view, room), least=9),
        Section(_times(view, room), least=6, tail=True),
        Section(cell(view, room, LINES), more=max(0, source.count("\n") + 1 - LINES)),
        Section(graph(view, room), tail=True),
        _asked_for(steps) if walk else Section(steps),
        Section(_footer(view, room), least=1),
    ]


def _asked_for(lines: list[Text]) -> Section:
    return Section(lines, least=len(lines), whole=True)


def _heading(view: View, room: int) -> list[Text]:
    trace = view.trace
    rows = wrap(trace.error, room - 2) if trace.error is not None else []
    found = [Text(f"{'  ' if i else '! '}{row}", BAD) for i, row in enumerate(rows)]
    if trace.result is None:
        return found or [Text("no result", NAME)]
    value = trace.result.value
    shown = (
        number(value.items, 6, point=True) if not value.shape else f"{shape_of(value.shape)}  {brief(value)}"
    )
    left = f"{view.result_name} = {shown}"
    sweeps = max(1, len(trace.sweeps))
    notes = f"{len(view.alerts)} note{'s' * (len(view.alerts) > 1)}" if view.alerts else "no notes"
    right = (
        f"{sweeps:,} sweep{'s' * (sweeps > 1)}, {view.total:,} operation{'s' * (view.total != 1)}, {notes}"
    )
    slopes = [f"d{view.operand}/d{entry.name}" for entry in trace.inputs]
    what = ", ".join(slopes) if 0 < len(slopes) <= 3 else f"{len(slopes)} gradients"
    if width(left) + width(what) + width(right) + 5 <= room:
        right = f"{what}: {right}"
    line = Text().append(clip(left, max(20, room - width(right) - 2)), NAME)
    line.append(" " * max(2, room - width(line.plain) - width(right)))
    return [*found, line.append(right, MUTED)]


def _notes(view: View, room: int) -> list[Text]:
    found = []
    for note in view.alerts:
        rows = wrap(told(note), room - 4)
        found += [Text(f" {' ' if i else '!'} {row}", WARN) for i, row in enumerate(rows)]
    return found


def _remarks(view: View, room: int) -> list[Text]:
    return [Text(f" {row}", MUTED) for note in view.remarks for row in wrap(told(note), room - 2)]


def _times(view: View, room: int) -> list[Text]:
    """Set what the expressions took, with `--time`."""
    rows = timing.rows(view.trace)
    head: list[Cell] = [(title, HEAD) for title in timing.HEAD]
    return grid([head, *map(list, rows)], room, right=(0, 2, 3, 4, 5, 6), give=((1, 12),)) if rows else []


def _table(view: View, room: int) -> list[Text]:
    """Set the gradient table, and small matrices in full below it."""
    rows = list(table(view))
    if not rows:
        return []
    result, swept = view.result_name, view.trace.result is not None
    shapes = any(row.shape for row in rows)
    grows = any(row.grows for row in rows) and not shapes
    head = [
        "name",
        "shape",
        "value",
        f"d{view.operand}/dname" if swept else "",
        "by differences",
        "sum over paths",
        f"+{NUDGE} adds to {result}",
        "",
    ]
    body: list[list[Cell]] = []
    for row in rows:
        grad: Cell = colored(row.grad) if row.grad else "-"
        body.append([
            (row.name, NAME), (shape_of(row.shape), MUTED), brief(row.value), grad if swept else "",
            brief(row.numerical), _paths(row, room), row.grows if grows else "",
            (row.flag if swept else "", _flag(row)),
        ])  # fmt: skip
    used = [any(_text(row[i]) for row in body) for i in range(len(head))]
    titles: list[Cell] = [(title if use else "", HEAD) for title, use in zip(head, used, strict=True)]
    found = grid(
        [titles, *body], room, right=() if shapes else (2, 3, 4), give=((5, 16), (2, 12), (3, 12), (4, 12))
    )
    for row in rows:
        if row.note:
            found += [Text(f"   {part}", WARN) for part in wrap(f"{row.name}: {row.note}", room - 4)]
    for row in rows:
        found += _matrix(row, view.operand, room)
    return found


def _text(cell_: Cell) -> str:
    return cell_ if isinstance(cell_, str) else cell_[0]


def _flag(row: Row) -> str:
    return WARN if row.flag in {"zero", "not reached"} else BAD


def _paths(row: Row, room: int) -> str:
    if row.sum is None or not row.sum.values:
        return ""
    text = f"{row.sum.edges} = {row.sum.values}"
    return (
        text
        if width(text) <= max(16, room - BESIDES)
        else f"over {len(row.sum.paths)} path{'s' * (len(row.sum.paths) > 1)}"
    )


def _matrix(row: Row, result: str, room: int) -> list[Text]:
    """Set a small gradient in full, in the shape of its array; a large one as a row of blocks."""
    grad = row.grad
    if grad is None or not grad.shape or not grad.size:
        return []
    label = f"d{result}/d{row.name}"
    if grad.items is None:
        return [_large(label, grad, room)]
    if (
        len(grad.shape) > 2
        or (len(grad.shape) == 1 and grad.size <= 4)
        or (grad.low == grad.high and not grad.nans)
    ):
        return []
    numbers: Sequence[Sequence[Any]] = grad.items if len(grad.shape) == 2 else (grad.items,)
    columns = len(numbers[0])
    texts = aligned([x for row_ in numbers for x in row_])
    space = width(label) + 3
    fits = max(1, (room - space - 2) // (len(texts[0]) + 1))
    found = []
    for i, row_ in enumerate(numbers[:ROWS]):
        line = Text(" ").append(pad(label if i == 0 else "", space - 1), NAME)
        for text, x in zip(texts[i * columns : i * columns + min(columns, fits)], row_, strict=False):
            line.append(f" {text}", SIGNS["!" if x != x else "0" if x == 0 else ""])
        found.append(line.append(" …") if columns > fits else line)
    if len(numbers) > ROWS:
        found.append(Text(" " * space + f"… {len(numbers) - ROWS} rows more", MUTED))
    return found


def _large(label: str, grad: Value, room: int) -> Text:
    line = Text(" ").append(label, NAME)
    line.append(f"  {sparkline(grad.picture, max(8, min(48, room - width(label) - 34)))}  ")
    mean = f", mean {number(grad.mean)}" if grad.mean is not None else ""
    return line.append(f"norm {number(grad.norm)}{mean}", MUTED)


def _history(view: View, room: int) -> list[Text]:
    past = history(view.trace)
    if past is None:
        return []
    body: list[list[Cell]] = [[("sweep", HEAD), *((series.name, HEAD) for series in past.series)]]
    before = -1
    for i, texts in past.rows():
        if i > before + 1:
            body.append([("…", MUTED)])
        body.append([str(i), *texts])
        before = i
    found = grid(body, room, right=range(len(past.series) + 1), gap=3)
    names = max(width(series.name) for series in past.series)
    for series in past.series:
        line = Text(" ").append(pad(series.name, names), NAME).append("  ")
        line.append(sparkline(series.values, max(8, min(50, room - names - 30))))
        found.append(line.append(f"  {number(series.values[0])} to {number(series.values[-1])}", MUTED))
    return found


def _footer(view: View, room: int) -> list[Text]:
    names = [entry.name for entry in view.trace.inputs]
    if not names or view.trace.result is None:
        return []
    left, right = f'gradients: gm.last().grads["{names[0]}"]', 'page: gm.last().save("report.html")'
    return [Text(clip(f" {left}      {right}", room), MUTED)]
