"""The sections of the text report, set in columns: heading, notes, table, pictures, history, and the derivation.

In: a `View` and the columns there are. Out: `Section`s of styled lines; to_text.py puts them together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rich.text import Text

from ...engine.core.values import Value
from ...language import mark, tr
from ..parts import kept, timing
from ..parts.history import history
from ..parts.table import NUDGE, Row, table
from ..shown.numbers import brief, number, rows_of, shape_of, sparkline
from ..shown.typeset import Cell, clip, grid, pad, sums, text_of, width, wrap
from ..shown.view import View, told
from .curves import sparklines, strips
from .derivation import cell, chain
from .derivation import graph as lanes
from .descent import descent_lines
from .hints import Hints
from .styles import BAD, HEAD, MUTED, NAME, SIGNS, WARN, colored

ROWS = 10  # of a matrix that is shown in full
LINES = 60  # of a cell that are set: a report shows fewer
LONGEST = 24  # columns of a head that has the result's name in it
BESIDES = 47  # columns that a sum over paths leaves to the others
_HARMLESS = {mark("zero"), mark("not reached")}  # flags of the table


@dataclass(frozen=True)
class Section:
    """Some lines that belong together; at least `least` of them stay, and the last `tail` ones.

    `whole`: they were asked for, and all stay. `more`: lines that were not even set.
    """

    lines: list[Text]
    least: int = 4
    tail: int = 0
    whole: bool = False
    more: int = 0


def sections(
    view: View,
    room: int,
    explained: Sequence[Sequence[str]],
    every_step: bool,
    hints: Hints,
    graph: bool = True,
) -> list[Section]:
    """Set all sections of the report, in reading order."""
    steps = chain(view, room, every_step, graph)
    points = strips(view, room)
    drawn, end = lanes(view, room) if graph else ([], 0)
    source = view.trace.source.rstrip()
    return [
        Section(_heading(view, room), least=3),
        Section(_notes(view, room), least=8),
        Section([*(points or _table(view, room)), *_remarks(view, room)], least=6),
        *(_asked_for([Text(f" {row}") for row in sums(lines, room - 2)]) for lines in explained),
        Section(sparklines(view, room), least=3),
        Section(descent_lines(view.trace.descent, room) if view.trace.descent else [], least=9),
        Section(_history(view, room), least=9),
        Section(_times(view, room), least=6, tail=1),
        Section(cell(view, room, LINES), more=max(0, source.count("\n") + 1 - LINES)),
        Section(drawn, tail=end),
        _asked_for(steps) if every_step else Section(steps),
        Section([Text(clip(f" {row}", room), MUTED) for row in hints.foot(view, room)], least=2),
    ]


def _asked_for(lines: list[Text]) -> Section:
    return Section(lines, least=len(lines), whole=True)


def _heading(view: View, room: int) -> list[Text]:
    trace = view.trace
    rows = wrap(trace.error, room - 2) if trace.error is not None else []
    found = [Text(f"{'  ' if i else '! '}{row}", BAD) for i, row in enumerate(rows)]
    if trace.result is None:
        return found or [Text(tr("no result"), NAME)]
    left = f"{view.result_name} = {view.result_value('  ')}"
    operations, sweeps = view.counts
    many, notes = len(view.alerts), tr("no notes")
    if many:
        notes = tr("{n} note{s}", n=many, s="s" * (many > 1))
    right = tr("{sweeps}, {operations}, {notes}", sweeps=sweeps, operations=operations, notes=notes)
    slopes = [view.slope(entry.name) for entry in trace.inputs]
    what = ", ".join(slopes) if 0 < len(slopes) <= 3 else tr("{n} gradients", n=len(slopes))
    if width(left) + width(what) + width(right) + 5 <= room:
        right = f"{what}: {right}"
    line = Text().append(clip(left, max(20, room - width(right) - 2)), NAME)
    line.append(" " * max(2, room - width(line.plain) - width(right)))
    return [*found, line.append(right, MUTED)]


def _notes(view: View, room: int) -> list[Text]:
    notes = [wrap(told(note), room - 4) for note in view.alerts]
    return [Text(f" {' ' if i else '!'} {row}", WARN) for rows in notes for i, row in enumerate(rows)]


def _remarks(view: View, room: int) -> list[Text]:
    return [Text(f" {row}", MUTED) for note in view.remarks for row in wrap(told(note), room - 2)]


def _times(view: View, room: int) -> list[Text]:
    """Set what the expressions took, with `--time`, and what they keep, with `--kept`."""
    found: list[Text] = []
    if rows := timing.rows(view.trace):
        head: list[Cell] = [(title, HEAD) for title in map(tr, timing.HEAD)]
        found += grid([head, *map(list, rows)], room, right=(0, 2, 3, 4, 5, 6), give=((1, 12),))
    if rows := kept.rows(view):
        head = [(title, HEAD) for title in map(tr, kept.HEAD)]
        told = tr("kept for the way back: {summary}", summary=kept.summary(view))
        found += [Text("")] * bool(found) + [Text(f" {told}")]
        found += grid([head, *map(list, rows)], room, right=(0, 2, 3, 4, 5), give=((1, 12),))
    return found


def _table(view: View, room: int) -> list[Text]:
    """Set the gradient table, and small matrices in full below it."""
    rows = list(table(view))
    if not rows:
        return []
    result, swept = view.result_name, view.trace.result is not None
    shapes = any(row.shape for row in rows)
    grows = any(row.grows for row in rows) and not shapes
    slope, adds = view.slope(tr("name")), tr("+{step} adds to {result}", step=NUDGE, result=result)
    head = [
        tr("name"), tr("shape"), tr("value"), (slope if width(slope) <= LONGEST else tr("gradient")) if swept else "",
        tr("by differences"), tr("sum over paths"), adds if width(adds) <= LONGEST else tr("+{step} adds", step=NUDGE),
        "",
    ]  # fmt: skip
    body: list[list[Cell]] = []
    for row in rows:
        grad: Cell = colored(row.grad) if row.grad else "-"
        body.append([
            (row.name, NAME), (shape_of(row.shape), MUTED), brief(row.value), grad if swept else "",
            brief(row.numerical), _paths(row, room), row.grows if grows else "",
            (tr(row.flag), WARN if row.flag in _HARMLESS else BAD),
        ])  # fmt: skip
    used = [any(text_of(row[i]) for row in body) for i in range(len(head))]
    titles: list[Cell] = [(title if use else "", HEAD) for title, use in zip(head, used, strict=True)]
    right = () if shapes else (2, 3, 4)
    found = grid([titles, *body], room, right, give=((5, 16), (2, 12), (3, 12), (4, 12)), fold=(2, 3))
    for row in rows:
        if row.note:
            found += [Text(f"   {part}", WARN) for part in wrap(f"{row.name}: {row.note}", room - 4)]
    for row in rows:
        found += _matrix(row.grad, view.slope(row.name), room)
    return found


def _paths(row: Row, room: int) -> str:
    if row.sum is None or not row.sum.values:
        return ""
    text, count = f"{row.sum.edges} = {row.sum.values}", len(row.sum.paths)
    if width(text) <= max(16, room - BESIDES):
        return text
    return tr("over {n} path{s}", n=count, s="s" * (count > 1))


def _matrix(grad: Value | None, label: str, room: int) -> list[Text]:
    """Set a small gradient in full, in the shape of its array; a large one as a row of blocks."""
    if grad is None or not grad.shape or not grad.size:
        return []
    if grad.items is None:
        return [_large(label, grad, room)]
    axes, same = len(grad.shape), grad.low == grad.high and not grad.nans
    if axes > 2 or (axes == 1 and grad.size <= 4) or same:
        return []
    rows = rows_of(grad.items, axes)
    space = width(label) + 3
    fits = max(1, (room - space - 2) // (len(rows[0][0]) + 1))
    found = []
    for i, (row, numbers) in enumerate(
        zip(rows[:ROWS], grad.items if axes == 2 else [grad.items], strict=False)
    ):
        line = Text(" ").append(pad(label if i == 0 else "", space - 1), NAME)
        for text, x in zip(row[:fits], numbers, strict=False):
            line.append(f" {text}", SIGNS["!" if x != x else "0" if x == 0 else ""])
        found.append(line.append(" …") if len(row) > fits else line)
    if len(rows) > ROWS:
        found.append(Text(" " * space + tr("… {n} rows more", n=len(rows) - ROWS), MUTED))
    return found


def _large(label: str, grad: Value, room: int) -> Text:
    line = Text(" ").append(label, NAME)
    line.append(f"  {sparkline(grad.picture, max(8, min(48, room - width(label) - 34)))}  ")
    if grad.mean is None:
        return line.append(tr("norm {norm}", norm=number(grad.norm)), MUTED)
    return line.append(tr("norm {norm}, mean {mean}", norm=number(grad.norm), mean=number(grad.mean)), MUTED)


def _history(view: View, room: int) -> list[Text]:
    past = history(view.trace)
    if past is None:
        return []
    columns = [(tr("sweep"), *(str(i) for i, _ in past.rows()))]
    columns += zip((series.name for series in past.series), *(texts for _, texts in past.rows()), strict=True)
    taken = list(accumulate(max(map(width, column)) + 3 for column in columns))
    many = bisect_right(taken, room + 1)  # columns that fit; of the others the pictures say how they went
    body: list[list[Cell]] = [[(column[0], HEAD) for column in columns[:many]]]
    before = -1
    for i, texts in past.rows():
        if i > before + 1:
            body.append([("…", MUTED)])
        body.append([str(i), *texts[: many - 1]])
        before = i
    found = grid(body, room, right=range(many), gap=3)
    names = max(width(series.name) for series in past.series)
    for series in past.series:
        line = Text(" ").append(pad(series.name, names), NAME).append("  ")
        line.append(sparkline(series.values, max(8, min(50, room - names - 30))))
        first, last = map(number, series.ends)
        found.append(line.append(f"  {tr('{first} to {last}', first=first, last=last)}", MUTED))
    return found
