"""The annotated cell: each line, and each sub-expression by its exact columns, with value and gradient.

In: a `View`. Out: `Line`s with `Part`s. Operations that other cells made are listed after the cell's own lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...engine.core.values import Value
from ..model import Operation, Trace
from ..operations import Kind, Selection, gathered
from ..shown.view import View, one_line


@dataclass(frozen=True)
class Part:
    """One expression of a line: `text[column:end]` of the line, with value and gradient; `count` times in a loop."""

    key: int
    column: int
    end: int
    text: str
    value: Value | None
    grad: Value | None
    count: int
    start: bool  # the sweep starts here


@dataclass(frozen=True)
class Line:
    """One line of source. `main` is what it assigns or returns, `parts` are the expressions inside it.

    `first` is `main` at the first call, of a line in a function that was called several times.
    """

    number: int
    text: str
    main: Part | None
    parts: tuple[Part, ...]
    first: Part | None = None


@dataclass(frozen=True)
class Other:
    """Lines of another cell or file that the graph reaches, as far as their text is known."""

    label: str
    lines: tuple[Line, ...]


def lines(view: View, most: int | None = None) -> tuple[Line, ...]:
    """Annotate the traced source, line by line, of more than `most` lines the first and the last.

    Empty lines at the end are left out.
    """
    trace = view.trace
    at: dict[int, list[Selection]] = {}  # a loop makes the same expression many times
    for (line, *_), group in gathered(
        trace.operations, lambda kind: _span(kind) if _inside(kind) else None
    ).items():
        at.setdefault(line, []).append(group)
    called = gathered(
        trace.operations, lambda kind: kind.place.line_in_cell if kind.place and not _inside(kind) else None
    )
    texts = list(enumerate(trace.source.rstrip().split("\n"), trace.first_line))
    if most is not None and len(texts) > most:
        texts = texts[: most // 2] + texts[len(texts) - most // 2 :]
    return tuple(_line(trace, i, text, at.get(i, []), called.get(i)) for i, text in texts)


def others(view: View) -> tuple[Other, ...]:
    """List what other cells and called functions contributed, by where it stands, one entry for each of their lines."""

    def where(kind: Kind | Operation) -> tuple[str, int] | None:
        place = kind.place
        # Where an input was put into its place is nobody's line; where a tensor was made is the reader's.
        if (
            place is None
            or place.inside
            or not place.text
            or not (kind.rule or place.label.startswith("In ["))
        ):
            return None
        return f"{place.label}, in {place.function}" if place.function else place.label, place.line

    found: dict[str, list[tuple[int, Selection]]] = {}
    for (label, line), made in gathered(view.trace.operations, where).items():
        told = found.setdefault(label, [])
        # A line that made nothing but several inputs makes the parameters of a module, which the table lists.
        if len(made) == 1 or any(kind.rule for kind in made.kinds):
            told.append((line, made))
    return tuple(
        Other(label, tuple(_outer(view, line, made) for line, made in sorted(at, key=lambda pair: pair[0])))
        for label, at in found.items()
        if at
    )


def failure(trace: Trace, text: str) -> str:
    """Mark a line, written as `text`, as the one that ended the cell: what stands below it."""
    return f"{text[: len(text) - len(text.lstrip())]}^ {(trace.error or '').partition(':')[0]}"


def _line(trace: Trace, number: int, text: str, groups: list[Selection], called: Selection | None) -> Line:
    # What the line is about: what it gives a name, else its widest expression, else what its calls came to.
    named = [group for group in groups if group[-1].names]
    widest = max(groups, key=lambda group: _width(group[-1]), default=None)
    chosen = named[-1] if named else widest
    if chosen is None:
        if called is None:
            return Line(number, text, None, ())
        last = (called.where(lambda kind: kind.names) or called)[-1:]
        return Line(number, text, _part(trace, last, 0, len(text), text), ())
    parts = [_spanned(trace, group, text) for group in groups if group is not chosen]
    parts.sort(key=lambda part: (part.column - part.end, part.column))
    first = None
    if len(chosen) > 1 and chosen[-1].place is not None and chosen[-1].place.function is not None:
        first = _spanned(trace, chosen[:1], text)
    return Line(number, text, _spanned(trace, chosen, text), tuple(parts), first)


def _outer(view: View, number: int, made: Selection) -> Line:
    chosen = max(made.kinds, key=_width)
    alike = made.where(lambda kind: _span(kind) == _span(chosen))
    place, last = chosen.place, alike[-1]
    assert place is not None
    text = one_line(place.text)
    named = f"{last.names[0]} = {text}" if last.names and text != last.names[0] else text
    shown = place.code if text and text in place.code else named
    first = _part(view.trace, alike[:1], 0, len(shown), shown) if len(alike) > 1 else None
    return Line(number, shown, _part(view.trace, alike, 0, len(shown), shown), (), first)


def _inside(kind: Kind | Operation) -> bool:
    return kind.place is not None and kind.place.inside


def _span(operation: Kind | Operation) -> tuple[int, ...]:
    place = operation.place
    return (place.line, place.column, place.end_line, place.end_column) if place is not None else ()


def _width(operation: Kind | Operation) -> tuple[int, int]:
    place = operation.place
    return (place.end_line - place.line, place.end_column - place.column) if place is not None else (0, 0)


def _spanned(trace: Trace, group: Selection, text: str) -> Part:
    place = group[-1].place
    assert place is not None
    end = place.end_column if place.end_line == place.line else len(text.rstrip())
    return _part(trace, group, place.column, end, text[place.column : end])


def _part(trace: Trace, group: Selection, column: int, end: int, text: str) -> Part:
    # The last turn of a loop whose numbers were kept; the last sweep's graph is what is shown.
    shown = group.shown
    start = trace.result is not None and bool((group.keys == trace.result.key).any())
    return Part(int(group.keys[-1]), column, end, text, shown.value, shown.grad, group.total, start)
