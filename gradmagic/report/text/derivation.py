"""Where the gradients come from, as text in columns: the annotated cell, the graph as lanes, the chain rule.

In: a `View` and the columns there are. Out: styled lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, zip_longest

from rich.text import Text

from ...language import tr
from ..model import Edge, Operation
from ..parts.annotated_cell import Line, Part, failure, lines, others
from ..parts.lanes import lanes
from ..parts.paths import at_first, sum_over_paths
from ..parts.steps import Step, modes, steps
from ..parts.turns import Earlier
from ..shown.numbers import brief, shape_of, sparkline
from ..shown.quiz import HIDDEN
from ..shown.typeset import Cell, broken, clip, grid, pad, text_of, width, wrap
from ..shown.view import View
from .styles import BAD, HEAD, MUTED, colored

SPARK = 8  # columns of a sparkline beside a value
SHORT = 20  # columns of a value: longer lists are written as ranges
STEPS = 12  # steps that are told one by one
SIGNS = 6  # that are told below the graph
LOCAL = 16  # columns that local derivatives have at least
INPUTS = 8  # that stand above the graph; the table has more


def cell(view: View, room: int, most: int | None = None) -> list[Text]:
    """Set the annotated cell: each line, and under it the exact sub-expressions, with value and gradient.

    `most`: only so many of its lines.
    """
    found = lines(view, most and 2 * most)[:most]
    if not found:
        return []
    digits = max(2, len(str(found[-1].number)))
    margin = min((len(line.text) - len(line.text.lstrip()) for line in found if line.text.strip()), default=0)
    head: list[Cell] = [" " * digits, (view.trace.label, HEAD), (tr("value"), HEAD), (_gradient(view), HEAD)]
    elsewhere = others(view)

    def rows(space: int) -> list[Sequence[Cell] | Text]:
        body: list[Sequence[Cell] | Text] = [head]
        for line in found:
            body += _line(line, digits, margin, space, room)
            if line.number == view.trace.failed:
                body.append(["", (failure(view.trace, line.text[margin:]), BAD)])
        for other in elsewhere:
            body.append(["", (other.label, HEAD)])
            for line in other.lines:
                body += _line(line, digits, 0, space, room)
        return body

    body = [row for row in rows(room) if not isinstance(row, Text)]
    widths = [max(width(text_of(row[i])) if i < len(row) else 0 for row in body) for i in range(4)]
    third = max(18, room // 3)
    space = max(16, room - 7 - digits - sum(min(taken, third) for taken in widths[2:]))
    return grid(rows(space), room, give=((1, space), (3, third), (2, 14), (3, 14)), fold=(2, 3))


def _gradient(view: View) -> str:
    return tr("gradient of {name}", name=view.result_name) if view.trace.result else ""


def _line(line: Line, digits: int, margin: int, space: int, room: int) -> list[Sequence[Cell] | Text]:
    """Set a line and the waves under its expressions.

    What is wider than `space` is broken and stands across all columns, above its numbers; then its expressions are
    written out.
    """
    number, text = str(line.number).rjust(digits), line.text[margin:]
    numbers = _numbers(line.main) if line.main else ()
    whole = width(text) <= space
    rows: list[Sequence[Cell] | Text] = [[(number, MUTED), text, *numbers]]
    if not whole:
        first, *more = (f"  {row}" for row in broken(text, room - digits - 4))
        rows = [
            Text(f" {number}", MUTED).append(first, "default"),
            *(Text(f" {' ' * digits}{row}") for row in more),
        ]
        rows += [["", "", *numbers]] if numbers else []
    if line.first is not None:
        rows.append(["", (f"  {tr('at {moment}', moment=line.first.label)}", MUTED), *_earlier(line.first)])
    for part in (*line.several, *line.parts):
        if part.value is None:
            continue
        start, end = (width(line.text[margin:at]) for at in (part.column, part.end))
        mark = " " * start + "~" * (end - start) if whole else f"    {part.text}"
        if width(mark) > space:
            rows.append(Text(f" {' ' * digits}  {clip(mark, room - digits - 4)}", MUTED))
            mark = ""
        rows.append(["", (mark, MUTED), *_numbers(part)])
    return rows


def _numbers(part: Part) -> tuple[Cell, ...]:
    value = f"{shape_of(part.value.shape)}  {brief(part.value, SHORT)}".strip() if part.value else ""
    times = f"  ×{part.count}" if part.count > 1 else ""
    return value + times, colored(part.grad, SHORT, f"   {tr('(start)')}" if part.start else "")


def _earlier(first: Earlier) -> tuple[Cell, ...]:
    """Set what a line gave at first, and how that went on."""
    value = f"{brief(first.value, SHORT)} {sparkline(first.values, SPARK)}".rstrip()
    more = f" {sparkline(first.grads, SPARK)}" if first.grads else ""
    return value, colored(first.grad, SHORT, more)


def graph(view: View, room: int) -> tuple[list[Text], int]:
    """Set the graph: the inputs, then one row for each operation with its lanes and local derivatives.

    What is wider than its column stands across all, above its numbers. Gives also how many lines the end takes.
    """
    rows = lanes(view)
    if not rows:
        return [], 0
    blank = " " * len(rows[0].lanes)
    inputs = [o for o in view.operations if not o.rule and o.names and o.key in view.users]
    titled = [(blank, blank, f"{o.names[0]}  {tr('input')} {shape_of(o.shape)}".rstrip(), o) for o in inputs]
    titled = titled if len(titled) <= INPUTS else []
    titled += [(row.lanes, row.below, view.title(row.operation, room), row.operation) for row in rows]
    head = (tr("operation"), tr("local derivative"), _gradient(view))
    taken = max(width(head[2]), *(width(brief(o.grad, SHORT)) for o in view.operations))
    taken = min(taken, max(18, room // 3))
    free = room - taken - 6
    longest = max(width(head[0]), *(width(f"{lanes} {title}") for lanes, _, title, _ in titled))
    limit = max(LOCAL, width(head[1]), free - min(longest, max(free // 2, 26)))
    told = [_locals(view, o, limit) for *_, o in titled]
    local = max(width(head[1]), *(width(piece) for pieces in told for piece in pieces))
    first = max(width(head[0]), min(longest, free - local))

    body: list[Sequence[Cell] | Text] = [[(text, HEAD) for text in head]]
    for (lanes_, below, title, operation), pieces in zip(titled, told, strict=True):
        text, begun = f"{lanes_} {title}", len(body)
        if width(text) > first:
            body.append(Text(clip(f" {text}", room)))
            text = below
        grad, style = colored(operation.grad, SHORT)
        for i, (piece, number) in enumerate(zip_longest(pieces, broken(grad, taken, hang=0), fillvalue="")):
            body.append([below if i else text, piece, (number, style)])
    found = grid(body, room, give=((0, first), (1, LOCAL), (2, 14)))
    end = len(body) - begun
    if view.scope:
        found.append(Text(f" {view.scope}", MUTED))
        end = 1
    for line in view.unsaid[:SIGNS]:
        found += [Text(f" {row}", MUTED) for row in broken(line, room - 2)]
    return found, end


def _locals(view: View, operation: Operation, limit: int) -> list[str]:
    """Write the local derivatives of an operation with their numbers, short ones together on a line."""
    joined: list[str] = []
    for silent, edges in groupby(operation.edges, key=lambda edge: not view.derivative(operation, edge)):
        those = [(view.numbers[operation.key, edge.argument], edge) for edge in edges]
        if silent and len(those) > 2:
            pieces = [f"({those[0][0]}) … ({those[-1][0]})"]
        else:
            pieces = [f"({i}) {_local(view, operation, edge, limit)}".rstrip() for i, edge in those]
        for piece in pieces:
            if joined and width(joined[-1]) + width(piece) + 2 <= limit:
                joined[-1] += f"  {piece}"
            else:
                joined += broken(piece, limit)
    return joined


def _local(view: View, operation: Operation, edge: Edge, limit: int) -> str:
    text = view.derivative(operation, edge, room=limit - 4)
    return view.derivative(operation, edge, room=2 * limit) if text.endswith("…") else text


def chain(view: View, room: int, every_step: bool = False, graph: bool = True) -> list[Text]:
    """Set the chain rule: the sweep's steps where all are numbers, else a product of formulas for each input.

    `every_step`: the steps in any case, all of them. Without the `graph` no product is written by its numbers alone.
    """
    reached = [entry for entry in view.trace.inputs if entry.reached]
    if reached and all(entry.grad is None for entry in reached):  # no sweep came through
        return []
    scalars = all(not operation.shape for operation in view.operations)
    told = every_step or (scalars and len(view.computed) <= STEPS)
    found = _steps(view, room) if told else _products(view, room, graph)
    slope = _slope(view) or modes(view)
    return [*found, *(Text(f" {row}", MUTED) for row in wrap(slope, room - 2) if row)]


def _steps(view: View, room: int) -> list[Text]:
    walked = steps(view)
    column = min(24, max((width(step.text) for step in walked), default=0))
    found = []
    for step in walked:
        columns = broken(step.text, column, hang=2), _told(step, room - column - 7)
        for i, (name, row) in enumerate(zip_longest(*columns, fillvalue="")):
            number = "" if i else step.number
            found.append(Text(f" {number:>2}  {pad(name, column)}  {row}".rstrip()))
    return found


def _told(step: Step, room: int) -> list[str]:
    """Tell a step in lines of at most `room` columns, breaking between one flow and the next where it can."""
    told = [tr("start with {gradient}", gradient=step.grad)] if step.start else []
    for flow in step.flows:
        text = tr("to {target}: {how}", target=flow.target, how=flow.how)
        text += f" = {flow.amount}" if flow.amount else ""
        if flow.total:
            before = tr(" and ").join(
                tr("step {i}'s {amount}", i=i, amount=amount) for i, amount in flow.after
            )
            text = tr("{flow}, with {before}: {total}", flow=text, before=before, total=flow.total)
        told.append(text)
    rows = [""]
    for i, text in enumerate(told):
        piece = text + ("; " if i < len(told) - 1 else "")
        if rows[-1] and width(rows[-1] + piece.rstrip()) > room:
            rows.append("")
        rows[-1] += piece
    return [line for row in rows for line in broken(row, room, hang=2)]


def _products(view: View, room: int, graph: bool) -> list[Text]:
    found = []
    for entry in view.trace.inputs[:6]:
        total = sum_over_paths(view, entry.key)
        if total is None or not (graph or (total.formulas and entry.grad is not HIDDEN)):
            continue
        name = view.slope(entry.name)
        told = total.formulas if entry.grad is not HIDDEN else ""  # in a quiz the formula is the answer
        text, formulas = f" {name} = {total.edges}", f"= {told}" if told else ""
        text = text if graph else f" {name}"
        point = at_first(view, entry.key)
        if width(text) + width(formulas) + 1 <= room:
            found.append(Text(f"{text} {formulas}".rstrip()))
            if point is not None:
                at = tr("at {point}:", point=point[0])
                found.append(Text(clip(f" {pad(at, width(text) + 1)} {point[1]}", room)))
        else:
            found += [Text(row) for row in broken(text, room, hang=width(name) + 3)]
            if formulas:
                found += [Text(row) for row in broken(f" {' ' * width(name)} {formulas}", room, hang=2)]
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
        return tr(
            "Each {y}[k] depends on {x}[k] only, so {slope}[k] is the slope of {y} at {x}[k].",
            x=x, y=y, slope=slope,
        )  # fmt: skip
    return tr(
        "Each element of {y} depends on its own element of {x} only, so {slope} is its slope there.",
        x=x, y=clip(y, 20), slope=slope,
    )  # fmt: skip
