"""The annotated cell: each line, and each sub-expression by its exact columns, with value and gradient.

In: a `View`. Out: `Line`s with `Part`s. Operations that other cells made are listed after the cell's own lines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...engine.core.values import Value
from ...language import tr
from ..model import Operation, Trace
from ..operations import Columns, Kind, Selection, gathered
from ..shown.naming import one_line
from ..shown.statements import Given, given_by
from ..shown.view import View
from ..turns import Series
from .turns import Earlier, earlier, told


@dataclass(frozen=True)
class Part:
    """One expression of a line: `text[column:end]` of the line, with value and gradient; `count` times in a loop.

    `series` are the numbers of those that have its values at each turn and call, where it ran several times; `top`
    tells that a line at the top of the cell led there. What only earlier turns of a loop around `backward` gave has no
    key.
    """

    key: int | None
    column: int
    end: int
    text: str
    value: Value | None
    grad: Value | None
    count: int
    start: bool  # the sweep starts here
    series: tuple[int, ...] = ()
    top: bool = False


@dataclass(frozen=True)
class Line:
    """One line of source. `main` is what it assigns or returns, `parts` are the expressions inside it.

    `first` is `main` at the first turn or call, of a line that ran several times; `several` are the values of a line
    that gives more than one, `a, b = 1, 2`.
    """

    number: int
    text: str
    main: Part | None
    parts: tuple[Part, ...]
    first: Earlier | None = None
    several: tuple[Part, ...] = ()


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
    called = gathered(trace.operations, lambda kind: kind.place.line_in_cell if kind.place else None)
    texts = list(enumerate(trace.source.rstrip().split("\n"), trace.first_line))
    if most is not None and len(texts) > most:
        texts = texts[: most // 2] + texts[len(texts) - most // 2 :]
    given = given_by(trace.source, trace.first_line) if trace.source.strip() else None
    none: list[Given] | None = None if given is None else []
    gone = _gone(trace, {_span(group[-1]) for groups in at.values() for group in groups})
    return tuple(
        _with_gone(
            trace, _line(trace, i, text, at.get(i, []), called.get(i), (given or {}).get(i, none)), gone
        )
        for i, text in texts
    )


def _gone(trace: Trace, there: set[tuple[int, ...]]) -> dict[int, list[Series]]:
    """List by line what only earlier turns of a loop around `backward` gave: the graph that is shown has none of it."""
    found: dict[int, list[Series]] = {}
    for series in trace.turns.series if trace.turns is not None else ():
        if series.place.inside and _span(series) not in there:
            found.setdefault(series.place.line, []).append(series)
    return found


def _with_gone(trace: Trace, line: Line, gone: dict[int, list[Series]]) -> Line:
    """Add to a line what only earlier turns gave."""
    if line.number not in gone or trace.turns is None:
        return line
    parts = {}
    for series in gone[line.number]:
        place = series.place
        end = place.end_column if place.end_line == place.line else len(line.text.rstrip())
        parts[_span(series)] = Part(
            None, place.column, end, line.text[place.column : end], None, None, 0, False,
            trace.turns.at(place, series.rule),
        )  # fmt: skip
    main, *rest = sorted(parts.values(), key=lambda part: (part.column - part.end, part.column))
    if line.main is not None or line.several:
        return replace(line, parts=(*line.parts, main, *rest))
    return replace(line, main=main, parts=(*line.parts, *rest), first=_first(trace, main))


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
        return in_function(place.label, place.function), place.line

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


def in_function(label: str, function: str | None) -> str:
    """Name a source, and the function in it."""
    return tr("{file}, in {function}", file=label, function=function) if function else label


def failure(trace: Trace, text: str) -> str:
    """Mark a line, written as `text`, as the one that ended the cell: what stands below it."""
    return f"{text[: len(text) - len(text.lstrip())]}^ {(trace.error or '').partition(':')[0]}"


def _line(
    trace: Trace, number: int, text: str, groups: list[Selection], called: Selection | None,
    given: list[Given] | None,
) -> Line:  # fmt: skip
    found = _own(trace, text, groups, called, given)
    shown = [_marked(trace, number, own, text, mark) for own, mark in found if len(own)]
    taken = {part.key for part in shown}
    parts = [_spanned(trace, group, text) for group in groups if not taken & set(group.keys.tolist())]
    parts.sort(key=lambda part: (part.column - part.end, part.column))
    if len(found) != 1 or not shown:
        return Line(number, text, None, tuple(parts), several=tuple(shown))
    return Line(number, text, shown[0], tuple(parts), _first(trace, shown[0]))


def _first(trace: Trace, part: Part) -> Earlier | None:
    """Give what a line gave at its first turn or call, where it ran several times."""
    if trace.turns is None or not part.series:
        return None
    return earlier(trace.turns, told(trace.turns, part.series, part.top), part.value, part.grad)


def _own(
    trace: Trace, text: str, groups: list[Selection], called: Selection | None, given: list[Given] | None
) -> list[tuple[Selection, tuple[int, int] | None]]:
    """Give what a line is about: what its statements give, each with the columns at which it is marked.

    Of a line in the midst of an expression it is the part that fills it.
    """
    if given is None:  # not Python by itself: magics, say
        named = [group for group in groups if group[-1].names]
        widest = max(groups, key=lambda group: _width(group[-1]), default=None)
        chosen = named[-1] if named else widest
        if chosen is None and called is not None:
            chosen = (called.where(lambda kind: kind.names) or called)[-1:]
        return [] if chosen is None else [(chosen, None)]
    if not given:
        whole = text.strip().strip("()[]{},")
        filled = [
            group for group in groups if _spanned(trace, group, text).text.strip().strip("()[]{},") == whole
        ]
        return [(group, None) for group in filled[:1]]
    found = []
    for value in given:
        line, column, end_line, end = value.mark
        mark = (column, end if end_line == line else len(text.rstrip())) if len(given) > 1 else None
        found.append((_given(trace, groups, called, value), mark))
    return found


def _given(trace: Trace, groups: list[Selection], called: Selection | None, value: Given) -> Selection:
    """Find the operation whose value a statement gives; none where it is not sure."""
    fitting = [group for group in groups if _span(group[-1]) == value.span]
    if fitting and len({kind.rule for kind in fitting[0].kinds}) == 1:
        return fitting[0]
    for group in fitting or (groups if value.called else []):
        named = group.where(lambda kind: value.name in kind.names)
        if value.name and len(named):
            return named
    if fitting:  # one call makes several operations, and the last is what it gives
        last = fitting[0][-1]
        return fitting[0].where(lambda kind: kind.rule == last.rule)
    none = Selection(Columns.of(trace.operations), [])
    if called is None or not value.called:
        return none
    if value.name:
        return called.where(lambda kind: value.name in kind.names)
    result = trace.result.key if trace.result is not None else -1
    at = (called.keys == result).nonzero()[0]
    return Selection(called.columns, called.positions[at])


def _marked(trace: Trace, number: int, group: Selection, text: str, mark: tuple[int, int] | None) -> Part:
    place = group[-1].place
    elsewhere = place is not None and (place.line != number or not place.inside)
    if mark is not None or elsewhere:
        start, end = mark or (len(text) - len(text.lstrip()), len(text.rstrip()))
        return _part(trace, group, start, end, text[start:end], number if elsewhere else None)
    return _spanned(trace, group, text)


def _outer(view: View, number: int, made: Selection) -> Line:
    chosen = max(made.kinds, key=_width)
    alike = made.where(lambda kind: _span(kind) == _span(chosen))
    place, last = chosen.place, alike[-1]
    assert place is not None
    text = one_line(place.text)
    named = f"{last.names[0]} = {text}" if last.names and text != last.names[0] else text
    shown = place.code if text and text in place.code else named
    part = _part(view.trace, alike, 0, len(shown), shown)
    return Line(number, shown, part, (), _first(view.trace, part))


def _inside(kind: Kind | Operation) -> bool:
    return kind.place is not None and kind.place.inside


def _span(operation: Kind | Operation | Series) -> tuple[int, ...]:
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


def _part(trace: Trace, group: Selection, column: int, end: int, text: str, line: int | None = None) -> Part:
    """Make a part; `line` is that of the cell that led to it, where it stands elsewhere."""
    # The last turn of a loop whose numbers were kept; the last sweep's graph is what is shown.
    shown = group.shown
    start = trace.result is not None and bool((group.keys == trace.result.key).any())
    series: tuple[int, ...] = ()
    if trace.turns is not None:
        alike = [shown] if line is None else group.kinds
        series = tuple(i for kind in alike for i in trace.turns.at(kind.place, kind.rule, line))
    return Part(
        int(group.keys[-1]), column, end, text, shown.value, shown.grad, group.total, start, series, line is not None
    )  # fmt: skip
