"""Where the gradients come from, as text in columns: the annotated cell, the graph as lanes, the chain rule.

In: a `View` and the columns there are. Out: styled lines.
"""

from __future__ import annotations

from rich.text import Text

from ..model import Operation
from ..parts.annotated_cell import Line, Part, failure, lines, others
from ..parts.lanes import lanes
from ..parts.paths import at_first, sum_over_paths
from ..parts.steps import Step, modes, steps
from ..parts.turns import Earlier
from ..shown.numbers import brief, shape_of, sparkline
from ..shown.typeset import Cell, clip, grid, pad, text_of, width, wrap
from ..shown.view import View
from .styles import BAD, HEAD, MUTED, colored

SPARK = 8  # columns of a sparkline beside a value
SHORT = 20  # columns of a value: longer lists are written as ranges
STEPS = 12  # steps that are told one by one
SIGNS = 6  # that are told below the graph
TITLE = 36  # columns of an operation


def cell(view: View, room: int, most: int | None = None) -> list[Text]:
    """Set the annotated cell: each line, and under it the exact sub-expressions, with value and gradient.

    `most`: only so many of its lines.
    """
    found = lines(view, most and 2 * most)[:most]
    if not found:
        return []
    digits = max(2, len(str(found[-1].number)))
    head: list[Cell] = [" " * digits, (view.trace.label, HEAD), ("value", HEAD), (_gradient(view), HEAD)]
    elsewhere = others(view)

    def rows(space: int | None = None) -> list[list[Cell]]:
        body = [head]
        for line in found:
            body += _line(line, digits, space)
            if line.number == view.trace.failed:
                body.append(["", (failure(view.trace, line.text), BAD)])
        for other in elsewhere:
            body.append(["", (other.label, HEAD)])
            for line in other.lines:
                body += _line(line, digits, space)
        return body

    body = rows()
    widths = [max(width(text_of(row[i])) if i < len(row) else 0 for row in body) for i in range(4)]
    space = max(24, room - 7 - digits - widths[2] - widths[3])
    if widths[1] > space:
        body = rows(space)
    return grid(body, room, give=((1, 24), (2, 20), (1, 12)))


def _gradient(view: View) -> str:
    return f"gradient of {view.result_name}" if view.trace.result else ""


def _line(line: Line, digits: int, space: int | None) -> list[list[Cell]]:
    """Set a line and the waves under its expressions; those whose waves `space` would cut off are written out."""
    rows: list[list[Cell]] = [
        [(str(line.number).rjust(digits), MUTED), line.text, *(_numbers(line.main) if line.main else ())]
    ]
    if line.first is not None:
        rows.append(["", (f"  at {line.first.label}", MUTED), *_earlier(line.first)])
    for part in (*line.several, *line.parts):
        start, end = width(line.text[: part.column]), width(line.text[: part.end])
        if part.value is not None:
            mark = " " * start + "~" * (end - start)
            if space is not None and end > space:
                mark = f"    {clip(part.text, space - 4)}"
            rows.append(["", (mark, MUTED), *_numbers(part)])
    return rows


def _numbers(part: Part) -> tuple[Cell, ...]:
    value = f"{shape_of(part.value.shape)}  {brief(part.value, SHORT)}".strip() if part.value else ""
    times = f"  ×{part.count}" if part.count > 1 else ""
    return value + times, colored(part.grad, SHORT, "   (start)" if part.start else "")


def _earlier(first: Earlier) -> tuple[Cell, ...]:
    """Set what a line gave at first, and how that went on."""
    value = f"{brief(first.value, SHORT)} {sparkline(first.values, SPARK)}".rstrip()
    more = f" {sparkline(first.grads, SPARK)}" if first.grads else ""
    return value, colored(first.grad, SHORT, more)


def graph(view: View, room: int) -> list[Text]:
    """Set the graph: the inputs, then one row for each operation with its lanes and local derivatives."""
    rows = lanes(view)
    if not rows:
        return []
    space = len(rows[0].lanes) + 1
    gradient = _gradient(view)
    body: list[list[Cell]] = [[("operation", HEAD), ("local derivative", HEAD), (gradient, HEAD)]]
    titles = [f"{row.lanes} {view.title(row.operation, TITLE)}" for row in rows]
    grads = [width(gradient), *(width(brief(o.grad, SHORT)) for o in view.operations)]
    limit = max(22, room - max(map(width, titles)) - max(grads) - 6)
    for operation in view.operations:
        if not operation.rule and operation.names and operation.key in view.users:
            label = f"{operation.names[0]}  input {shape_of(operation.shape)}".rstrip()
            body.append([" " * space + label, "", colored(operation.grad, SHORT)])
    for row, title in zip(rows, titles, strict=True):
        pieces = _locals(view, row.operation, limit) or [""]
        body.append([title, pieces[0], colored(row.operation.grad, SHORT)])
        body += [[row.below, piece] for piece in pieces[1:]]
    found = grid(body, room, give=((0, 26), (1, 18), (0, 12)))
    if view.scope:
        found.append(Text(f" {view.scope}", MUTED))
    found += [Text(f" {line}", MUTED) for line in view.unsaid[:SIGNS]]
    return found


def _locals(view: View, operation: Operation, limit: int) -> list[str]:
    """Write the local derivatives of an operation with their numbers, short ones together on a line."""
    joined: list[str] = []
    for edge in operation.edges:
        i = view.numbers[operation.key, edge.argument]
        piece = f"({i}) {view.derivative(operation, edge, room=limit - 4)}".rstrip()
        if joined and width(joined[-1]) + width(piece) + 2 <= limit:
            joined[-1] += f"  {piece}"
        else:
            joined.append(piece)
    return joined


def chain(view: View, room: int, every_step: bool = False) -> list[Text]:
    """Set the chain rule: the sweep's steps where all are numbers, else a product of formulas for each input.

    `every_step`: the steps in any case, all of them.
    """
    reached = [entry for entry in view.trace.inputs if entry.reached]
    if reached and all(entry.grad is None for entry in reached):  # no sweep came through
        return []
    scalars = all(not operation.shape for operation in view.operations)
    told = every_step or (scalars and len(view.computed) <= STEPS)
    found = _steps(view, room) if told else _products(view, room)
    slope = _slope(view) or modes(view)
    return [*found, *(Text(f" {row}", MUTED) for row in wrap(slope, room - 2) if row)]


def _steps(view: View, room: int) -> list[Text]:
    walked = steps(view)
    column = min(24, max((width(step.text) for step in walked), default=0)) + 7
    found = []
    for step in walked:
        rows = _told(step, room - column)
        found.append(Text(pad(f" {step.number:>2}  {clip(step.text, 24)}", column)).append(rows[0]))
        found += [Text(" " * column + row) for row in rows[1:]]
    return found


def _told(step: Step, room: int) -> list[str]:
    """Tell a step in lines of at most `room` columns, breaking between one flow and the next where it can."""
    told = [f"start with {step.grad}"] if step.start else []
    for flow in step.flows:
        text = f"to {flow.target}: {flow.how}" + (f" = {flow.amount}" if flow.amount else "")
        if flow.total:
            before = " and ".join(f"step {i}'s {amount}" for i, amount in flow.after)
            text += f", with {before}: {flow.total}"
        told.append(text)
    rows = [""]
    for i, text in enumerate(told):
        piece = text + ("; " if i < len(told) - 1 else "")
        if rows[-1] and width(rows[-1] + piece.rstrip()) > room:
            rows.append("")
        rows[-1] += piece
    return [line for row in rows for line in wrap(row, room)]


def _products(view: View, room: int) -> list[Text]:
    found = []
    for entry in view.trace.inputs[:6]:
        total = sum_over_paths(view, entry.key)
        if total is None:
            continue
        name = view.slope(entry.name)
        text, formulas = f" {name} = {total.edges}", f"= {total.formulas}" if total.formulas else ""
        point = at_first(view, entry.key)
        if width(text) + width(formulas) + 1 <= room:
            found.append(Text(clip(f"{text} {formulas}".rstrip(), room)))
            if point is not None:
                found.append(Text(clip(f" {pad(f'at {point[0]}:', width(text) + 1)} {point[1]}", room)))
        else:
            found.append(Text(clip(text, room)))
            if formulas and width(name) + width(formulas) + 2 <= room:
                found.append(Text(f" {' ' * width(name)} {formulas}"))
    return found


def _slope(view: View) -> str:
    """Say that the gradient is the slope, where each element of y depends on its own element of x only."""
    trace = view.trace
    result = view.by_key.get(trace.result.key) if trace.result else None
    if not trace.elementwise or len(trace.inputs) != 1 or result is None or len(result.edges) != 1:
        return ""
    x, y = trace.inputs[0].name, view.name(result.edges[0].source)
    slope = view.slope(x)
    if len(trace.inputs[0].value.shape) == 1 and y.isidentifier():
        return f"Each {y}[k] depends on {x}[k] only, so {slope}[k] is the slope of {y} at {x}[k]."
    return f"Each element of {clip(y, 20)} depends on its own element of {x} only, so {slope} is its slope there."
