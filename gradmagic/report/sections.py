"""The sections of the text report, each set in columns: heading, notes, table, pictures, history, cell, graph, chain rule.

In: a `View` and the columns there are. Out: `Section`s of styled lines; text.py puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ..engine.values import Value
from .history import history
from .lanes import lanes
from .model import Operation
from .numbers import aligned, brief, number, shape_of, sign, sparkline
from .paths import at_first, sum_over_paths
from .source import Line, Part, lines, others
from .steps import Step, modes, steps
from .strips import pictures, strips
from .table import NUDGE, Row, remarks, table
from .typeset import Cell, clip, grid, pad, width, wrap
from .view import View

HEAD, MUTED, NAME = "dim", "dim", "bold"
SIGNS = {"+": "blue", "-": "red", "0": "dim", "!": "bold red", "±": "magenta", "": ""}
FLAGS = {"zero": "yellow", "not reached": "yellow"}


@dataclass(frozen=True)
class Section:
    """Some lines that belong together; at least `least` of them stay, and the last one where `tail`."""

    lines: list[Text]
    least: int = 4
    tail: bool = False


def sections(view: View, room: int) -> list[Section]:
    """Set all sections of the report, in reading order."""
    return [
        Section(_heading(view, room), least=3),
        Section(_notes(view, room), least=8),
        Section(strips(view, room) or _table(view, room), least=6),
        Section(pictures(view, room), least=3),
        Section(_history(view, room), least=9),
        Section(_cell(view, room)),
        Section(_graph(view, room), tail=True),
        Section(_chain(view, room)),
        Section(_footer(view, room), least=1),
    ]


def colored(value: Value | None, text: str | None = None, flow: str = "") -> Cell:
    """Write a gradient in the colour of its sign."""
    shown = brief(value) if text is None else text
    return shown + flow, SIGNS[sign(value)]


def _heading(view: View, room: int) -> list[Text]:
    trace = view.trace
    found = []
    if trace.error is not None:
        found += [
            Text(f"! {row}" if i == 0 else f"  {row}", "bold red")
            for i, row in enumerate(wrap(trace.error, room - 2))
        ]
    if trace.result is None:
        return found or [Text("no result", NAME)]
    value = trace.result.value
    shown = (
        number(value.items, 6, point=True) if not value.shape else f"{shape_of(value.shape)}  {brief(value)}"
    )
    left = f"{view.result_name} = {shown}"
    slopes = [f"d{view.result_name}/d{entry.name}" for entry in trace.inputs]
    sweeps, count = max(1, len(trace.sweeps)), view.total
    notes = len(trace.notes)
    right = f"{sweeps:,} sweep{'s' * (sweeps > 1)}, {count:,} operation{'s' * (count != 1)}, "
    right += f"{notes} note{'s' * (notes > 1)}" if notes else "no notes"
    what = ", ".join(slopes) if 0 < len(slopes) <= 3 else f"{len(slopes)} gradients"
    if width(left) + width(what) + width(right) + 5 <= room:
        right = f"{what}: {right}"
    line = Text(clip(left, max(20, room - width(right) - 2)), NAME)
    line.append(" " * max(2, room - width(line.plain) - width(right)))
    line.append(right, MUTED)
    return [*found, line]


def _notes(view: View, room: int) -> list[Text]:
    found = []
    for note in view.trace.notes:
        where = f"line {note.line}: " if note.line else ""
        rows = wrap(where + note.text, room - 4)
        found.append(Text(" ! ", "bold yellow").append(rows[0], "yellow"))
        found += [Text("   ").append(row, "yellow") for row in rows[1:]]
    return found


def _table(view: View, room: int) -> list[Text]:
    """Set the gradient table, and small matrices in full below it."""
    rows = list(table(view))
    if not rows:
        return []
    result = view.result_name
    shapes = any(row.shape for row in rows)
    paths = any(row.sum and row.sum.values for row in rows)
    grows = any(row.grows for row in rows) and not shapes
    head: list[Cell] = [
        ("name", HEAD),
        ("shape" if shapes else "", HEAD),
        ("value", HEAD),
        (f"d{result}/dname", HEAD),
    ]
    head += [("sum over paths" if paths else "", HEAD), (f"+{NUDGE} adds to {result}" if grows else "", HEAD)]
    body: list[list[Cell]] = [head]
    for row in rows:
        body.append([
            (row.name, NAME),
            (shape_of(row.shape), MUTED),
            brief(row.value),
            colored(row.grad, None if row.grad else "-"),
            _paths(row),
            row.grows if grows else "",
            (row.flag, FLAGS.get(row.flag, "bold red")),
        ])  # fmt: skip
    found = grid(body, room, right=() if shapes else (2, 3), give=4)
    found += [Text(f"   {row.name}: {row.note}", "yellow") for row in rows if row.note]
    found += [Text(" " + text, MUTED) for text in remarks(view)]
    for row in rows:
        found += _matrix(row, result, room)
    return found


def _paths(row: Row) -> str:
    return f"{row.sum.edges} = {row.sum.values}" if row.sum and row.sum.values else ""


def _matrix(row: Row, result: str, room: int) -> list[Text]:
    """Set a small gradient in full, in the shape of its array; a large one as a row of blocks."""
    grad = row.grad
    if grad is None or not grad.shape or not grad.size:
        return []
    label = f"d{result}/d{row.name}"
    if grad.items is None:
        picture = sparkline(grad.picture, min(48, room - width(label) - 30))
        spread = f"norm {number(grad.norm)}, mean {number(grad.mean)}"
        return [Text(" ").append(label, NAME).append(f"  {picture}  ").append(spread, MUTED)]
    if len(grad.shape) > 2 or (len(grad.shape) == 1 and grad.size <= 4):
        return []
    table_rows = grad.items if len(grad.shape) == 2 else (grad.items,)
    flat = aligned([x for r in table_rows for x in r])
    columns = len(table_rows[0])
    entries = [flat[i : i + columns] for i in range(0, len(flat), columns)]
    space = width(label) + 3
    fits = max(1, (room - space) // (len(flat[0]) + 1))
    found = []
    for i, entry in enumerate(entries[:10]):
        line = Text(" ").append(pad(label if i == 0 else "", space - 1), NAME)
        cut = len(entry) > fits
        for text, x in zip(entry[: fits - 1 if cut else fits], table_rows[i], strict=False):
            line.append(
                " " + text,
                SIGNS["!" if x != x else "0" if x == 0 else ""] if not isinstance(x, complex) else "",
            )
        found.append(line.append(" …") if cut else line)
    if len(entries) > 10:
        found.append(Text(" " * space + f"… {len(entries) - 10} rows more", MUTED))
    return found


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
        line.append(sparkline(series.values, min(50, room - names - 30)))
        found.append(line.append(f"  {number(series.values[0])} to {number(series.values[-1])}", MUTED))
    return found


def _cell(view: View, room: int) -> list[Text]:
    found = lines(view)
    if not found:
        return []
    digits = max(2, len(str(found[-1].number)))
    code = max(18, min(max(width(line.text) for line in found), room - digits - 36))
    head: list[Cell] = [
        (pad("", digits), HEAD),
        (pad(view.trace.label, code), HEAD),
        ("value", HEAD),
        ("", ""),
    ]
    body: list[list[Cell]] = [[*head[:3], (f"gradient of {view.result_name}", HEAD)]]
    for line in found:
        body += _line(line, digits, code)
    for other in others(view):
        body.append([(pad("", digits), HEAD), (other.label, HEAD)])
        for line in other.lines:
            body += _line(line, digits, code)
    return grid(body, room, give=1)


def _line(line: Line, digits: int, code: int) -> list[list[Cell]]:
    number_, text = (str(line.number).rjust(digits), MUTED), clip(line.text, code)
    rows: list[list[Cell]] = [[number_, text, *(_numbers(line.main) if line.main else ())]]
    for part in line.parts:
        start, end = width(line.text[: part.column]), width(line.text[: part.end])
        if start < code and part.value is not None:
            rows.append(["", (" " * start + "~" * (min(end, code) - start), MUTED), *_numbers(part)])
    return rows


def _numbers(part: Part) -> tuple[Cell, ...]:
    value = f"{shape_of(part.value.shape)}  {brief(part.value)}".strip() if part.value else ""
    times = f"  ×{part.count}" if part.count > 1 else ""
    return value + times, colored(part.grad, flow="   (start)" if part.start else "")


def _graph(view: View, room: int) -> list[Text]:
    rows = lanes(view)
    if not rows:
        return []
    result = view.result_name
    head: list[Cell] = [("operation", HEAD), ("local derivative", HEAD), (f"gradient of {result}", HEAD)]
    body: list[list[Cell]] = [head]
    space = len(rows[0].lanes)
    titles = {row.operation.key: f"{row.lanes} {view.title(row.operation, 36)}" for row in rows}
    widest = max(map(width, titles.values())) + max(width(brief(o.grad)) for o in view.operations)
    limit = max(20, room - widest - 6)
    for operation in view.operations:
        if not operation.rule and operation.names and operation.key in view.users:
            label = f"{operation.names[0]}  input {shape_of(operation.shape)}".rstrip()
            body.append(
                [pad("", space + 1) + label if space > 1 else "  " + label, "", colored(operation.grad)]
            )
    for row in rows:
        pieces = _locals(view, row.operation, limit)
        body.append([titles[row.operation.key], pieces[0] if pieces else "", colored(row.operation.grad)])
        body += [[row.below, piece] for piece in pieces[1:]]
    found = grid(body, room, give=1)
    if view.scope:
        found.append(Text(f" {view.scope}", MUTED))
    return found


def _locals(view: View, operation: Operation, limit: int) -> list[str]:
    """Write the local derivatives of an operation with their numbers, short ones together on a line."""
    pieces = []
    for edge in operation.inputs:
        if edge.source is not None:
            number_ = view.numbers[operation.key, edge.argument]
            pieces.append(f"({number_}) {view.derivative(operation, edge, room=limit - 4)}".rstrip())
    joined: list[str] = []
    for piece in pieces:
        if joined and width(joined[-1]) + width(piece) + 2 <= limit:
            joined[-1] += f"  {piece}"
        else:
            joined.append(piece)
    return joined


def _chain(view: View, room: int) -> list[Text]:
    """Write the chain rule: the sweep's steps where all are numbers, else a product of formulas for each input."""
    found: list[Text] = []
    if all(not operation.shape for operation in view.operations) and len(view.steps) <= 12:
        walked = steps(view)
        column = min(24, max((width(step.text) for step in walked), default=0)) + 7
        for step in walked:
            rows = _told(step, room - column)
            found.append(Text(pad(f" {step.number:>2}  {clip(step.text, 24)}", column)).append(rows[0]))
            found += [Text(" " * column + row) for row in rows[1:]]
    else:
        for entry in view.trace.inputs[:6]:
            total = sum_over_paths(view, entry.key)
            if total is None:
                continue
            name = f"d{view.result_name}/d{entry.name}"
            found.append(
                Text(f" {name} = {total.edges}" + (f" = {total.formulas}" if total.formulas else ""))
            )
            point = at_first(view, entry.key)
            if point is not None:
                found.append(Text(f" {pad(f'at {point[0]}:', width(name + total.edges) + 5)} {point[1]}"))
    if view.trace.elementwise and len(view.trace.inputs) == 1:
        name, y = view.trace.inputs[0].name, _summed(view)
        if y:
            found.append(Text(
                f" Each {y}[k] depends on {name}[k] only, so d{view.result_name}/d{name}[k] is the slope of {y} at {name}[k].",
                MUTED,
            ))  # fmt: skip
    elif modes(view):
        found.append(Text(" " + modes(view), MUTED))
    for line in found:
        line.truncate(room, overflow="ellipsis")
    return found


def _summed(view: View) -> str:
    result = view.by_key.get(view.trace.result.key) if view.trace.result else None
    sources = [edge.source for edge in result.inputs if edge.source is not None] if result else []
    return view.name(sources[0]) if len(sources) == 1 else ""


def _told(step: Step, room: int) -> list[str]:
    """Tell a step in lines of at most `room` columns, breaking between one flow and the next where it can."""
    told = [f"start with {step.grad}"] if step.start else []
    for flow in step.flows:
        text = (
            f"to {flow.target}: {flow.how} = {flow.amount}"
            if flow.amount
            else f"to {flow.target}: {flow.how}"
        )
        if flow.total:
            text += (
                ", with "
                + " and ".join(f"step {i}'s {amount}" for i, amount in flow.after)
                + f": {flow.total}"
            )
        told.append(text)
    rows = [""]
    for i, text in enumerate(told):
        piece = text + ("; " if i < len(told) - 1 else "")
        if rows[-1] and width(rows[-1] + piece.rstrip()) > room:
            rows.append("")
        rows[-1] += piece
    return [line for row in rows for line in wrap(row, room)]


def _footer(view: View, room: int) -> list[Text]:
    names = [entry.name for entry in view.trace.inputs]
    if not names:
        return []
    left, right = f'gradients: gm.last().grads["{names[0]}"]', 'page: gm.last().save("report.html")'
    return [Text(clip(f" {left}      {right}", room), MUTED)]
