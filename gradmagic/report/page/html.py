"""The report as HTML: static first, so that it survives an export, an untrusted notebook and a reader without scripts.

In: a `View`, and the drawn graph. Out: a piece of HTML, or a whole page. Jinja escapes every name and value. No ids, no
network, nothing random: two reports do not meet on one page, and the same trace gives the same bytes.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup, escape

from ...engine.core.values import SHOWN, Value
from ...language import get_language, tr
from ..descent import Descent
from ..parts import kept, timing
from ..parts.annotated_cell import Line, Part, failure, in_function, lines, others
from ..parts.curves import Curve, curve
from ..parts.explain import every
from ..parts.graph import roles
from ..parts.history import History, history
from ..parts.lanes import lanes
from ..parts.steps import Step, modes, steps
from ..parts.table import NUDGE, table
from ..pictures.charts import chart
from ..pictures.drawing import Drawn
from ..pictures.landscape import landscape
from ..pictures.program import drawn as program_drawn
from ..pictures.scene import Scene
from ..pictures.svg import still, svg
from ..shown.naming import circled
from ..shown.numbers import (
    aligned,
    brief,
    index_of,
    number,
    on_a_line,
    rows_of,
    samples,
    shape_of,
    sign,
    sparkline,
)
from ..shown.typeset import sums, width
from ..shown.view import View, told
from ..turns import Turns
from .assets import loader, packed, script, style, twins, version
from .latex import to_latex
from .marked_code import expressions, marked
from .script_data import Sheet, data, text_of
from .turn_data import Slots, turn_data

LIMIT = 200_000  # bytes of a report; in a notebook there are many
DRAWING = 150_000  # bytes of SVG, 8 % more in its image; a graph that is larger is shown as lanes
EXPLAINED = 60  # operations of a trace whose gradients are written out entry by entry
ENTRIES = 24  # of gradients that are
EXPLANATIONS = 2_500  # bytes of that
COLUMNS = 110  # of that
FORMULAS = 1_500  # bytes of LaTeX to be copied; more is had by `to_latex`
UNFOLDED = 40_000  # bytes of a drawing that unfolds a loop
LONG, SHORT = (
    60,
    24,
)  # columns of a line that stands whole on a page of 700 px, and of the room before parts of others
MAGNITUDES = 1_000  # a loss that falls by more is drawn by its logarithm
INLINE = 16  # elements of a matrix that is shown without being opened
WIDE = 6  # of its columns: value and gradient beside each other take no more than a page


@dataclass(frozen=True)
class Detail:
    """How much a page shows: rows of the table, elements of a grid, lines (with parts), steps; and a drawing or not."""

    rows: int
    elements: int
    lines: int
    parts: bool
    steps: int
    drawing: bool


@dataclass(frozen=True)
class Quiz:
    """What a page shows of a quiz without script: the graph `drawn` without gradients, and those of the keys `open`."""

    drawn: Scene | None = None
    open: Collection[int] = ()


DETAILS = (
    Detail(rows=300, elements=SHOWN, lines=400, parts=True, steps=60, drawing=True),
    Detail(rows=120, elements=INLINE, lines=120, parts=False, steps=20, drawing=True),
    Detail(rows=60, elements=0, lines=60, parts=False, steps=20, drawing=True),
    Detail(rows=60, elements=0, lines=60, parts=False, steps=0, drawing=False),
)


def to_html(
    view: View, drawn: Scene | None, unfolded: Sequence[Drawn] = (), quiz: Quiz | None = None,
    explained: Sequence[Sequence[str]] = (), every_step: bool = False, brings: bool = True,
) -> str:  # fmt: skip
    """Write the report as a piece of HTML, in as much detail as fits into 200 KB.

    Parameters
    ----------
    view : View
    drawn : Scene or None
        The graph as it is drawn; what is too large is shown as lanes. None: not at all.
    unfolded : sequence of Drawn
        The graph with one of its loops or calls unfolded, for a reader who asks; or in another form, which is named.
    quiz : Quiz, optional
        What is shown where the gradients are hidden until they are asked for: each is asked for by its question mark.
    explained : sequence of sequences of str
        Entries of gradients written out, each in lines.
    every_step : bool
        Whether the list of steps stands open, however long.
    brings : bool
        Whether the style and the script are in it; else it finds those of another report in the same document. Without
        them it is as it is where both are taken out: plain, and whole.
    """
    made = ""
    told = [sums(lines, COLUMNS) for lines in explained]
    for detail in DETAILS:
        shown = _shown(view, drawn, unfolded if detail.parts else (), detail, quiz)
        made = _template("report.html").render(
            **shown, quiz=quiz, explained=told, every_step=every_step, brings=brings
        )
        # No empty line, as names and messages may have: in Markdown it would be the end of the report.
        made = re.sub(r"\n(?=[ \t]*\n)", "&#10;", made)
        if len(made.encode()) <= LIMIT:
            break
    return made


def _shown(
    view: View, drawn: Scene | None, unfolded: Sequence[Drawn], detail: Detail, quiz: Quiz | None
) -> dict[str, Any]:
    """Give what the template shows, by the names that it has there."""
    trace = view.trace
    found = curve(view)
    past = history(trace)
    graph = _graph(view, drawn, detail, unfolded, quiz)
    annotated, elsewhere = lines(view, detail.lines), others(view)[:10]
    parts = [
        part
        for line in (*annotated, *(line for other in elsewhere for line in other.lines[: detail.lines]))
        for part in (line.main, *line.several, *(line.parts if detail.parts else ()))
        if part is not None
    ]
    tips = [part for line in annotated if not detail.parts for part in expressions(line)]
    told_by_turn, slots = turn_data(trace.turns, parts)
    listed = steps(view) if detail.steps else ()
    given = [_given(entry.name, entry.value) for entry in trace.inputs[:5]]
    return {
        "view": view, "trace": trace, "detail": detail, "start": ", ".join([*given[:4], *["…"][: len(given) > 4]]),
        "table": list(table(view)), "strip": _strip(found) if found and found.whole else None,
        "charts": _charts(found), "graph": graph, "others": elsewhere, "steps": listed, "slots": slots,
        "lines": _with_gaps(annotated, detail, slots, quiz),
        "heads": _heads(trace.turns) if slots else defaultdict(list),
        "data": _data(view, graph, unfolded, listed, parts, told_by_turn, _hidden(quiz, tips)),
        "tables": _tables(view),
        "descent_charts": descent_charts(trace.descent) if trace.descent else [],
        "modes": modes(view), "past": past, "past_charts": _past_charts(past) if past else [],
    }  # fmt: skip


def _tables(view: View) -> list[tuple[str, str, Sequence[str], list[tuple[str, ...]]]]:
    """Give the tables that were asked for: title, remark, heads, rows."""
    found = [
        (tr("Time"), tr("the slowest expressions"), timing.HEAD, timing.rows(view.trace)),
        (tr("Kept for the way back"), kept.summary(view), kept.HEAD, kept.rows(view)),
    ]
    return [(title, remark, [*map(tr, heads)], rows) for title, remark, heads, rows in found if rows]


def _data(
    view: View,
    graph: dict[str, Any] | None,
    unfolded: Sequence[Drawn],
    listed: Sequence[Step],
    parts: Sequence[Part],
    told_by_turn: dict[str, Any],
    hidden: dict[str, Any],
) -> str:
    """Write what the script needs, packed; nothing where there are no operations."""
    if not view.computed:
        return packed(text_of({"said": said})) if (said := twins()) else ""
    sheets = [Sheet(view, graph.get("whole", "") if graph is not None else "")]
    if graph is not None and "svg" in graph:
        sheets += [sheet for sheet in map(_sheet, unfolded) if len(sheet.svg) <= UNFOLDED]
    keys = [part.key for part in parts if part.key is not None]
    formulas = to_latex(view)
    formulas = formulas if len(formulas) <= FORMULAS else ""
    return packed(data(sheets, listed, keys, formulas, _explained(view), told_by_turn, hidden, twins()))


def _hidden(quiz: Quiz | None, parts: Iterable[Part]) -> dict[str, Any]:
    """Give what a quiz's script knows and its page hides: the gradients of tips; and which gradients are shown."""
    if quiz is None:
        return {}
    tips = {
        str(part.key): brief(part.grad) for part in parts if part.key is not None and part.grad is not None
    }
    return {"open": sorted(quiz.open), **({"tips": tips} if tips else {})}


def _sheet(drawn: Drawn) -> Sheet:
    # The script has style and name space from the first drawing, or needs none.
    drawing = re.sub(r' xmlns="[^"]*"|<style>.*?</style>', "", still(svg(drawn.scene, tips=False)))
    return Sheet(drawn.view, drawing, drawn.form, {key: _sheet(each) for key, each in drawn.inner.items()})


def _explained(view: View) -> dict[int, list[str]]:
    """Write out where the entries of small gradients come from, as many as there is room for."""
    operations = view.trace.operations
    if len(operations) > EXPLAINED:
        return {}
    found, room = {}, EXPLANATIONS
    for key, explained in every(View.whole(view.trace), ENTRIES, EXPLANATIONS).items():
        texts = ["\n".join(sums(one.lines, COLUMNS)) for one in explained]
        room -= sum(map(len, texts))
        if room < 0:
            break
        found[key] = texts
    return found


def _heads(turns: Turns | None) -> dict[int | str, list[int]]:
    """List the loops and functions by where they begin: a line of the cell, or what stands above another source's."""
    found: dict[int | str, list[int]] = defaultdict(list)
    for i, scope in enumerate(turns.scopes if turns is not None else ()):
        elsewhere = in_function(scope.label, scope.function)
        found[scope.line if scope.inside else elsewhere].append(i)
    return found


def _with_gaps(
    found: Sequence[Line], detail: Detail, slots: Slots, quiz: Quiz | None
) -> list[tuple[Line | None, Markup]]:
    """Give the lines of the cell with their code marked, and a gap where a long cell has some that are not shown."""
    made: list[tuple[Line | None, Markup]] = []
    for line in found:
        if made and made[-1][0] is not None and line.number > made[-1][0].number + 1:
            made.append((None, Markup("")))
        made.append((line, marked(line, not detail.parts, slots, None if quiz is None else quiz.open)))
    return made


def _past_charts(past: History) -> list[tuple[str, str]]:
    """Draw the history: each number over the sweeps, and of one parameter the way that it took on the curve."""
    sweeps, (result, *followed) = range(past.count), past.series
    made = [
        (
            chart(series.name, sweeps, series.values, tr("sweep")),
            tr("{name} over the sweeps", name=series.name),
        )
        for series in past.series[:4]
    ]
    if len(followed) == 1:
        x = followed[0]
        title = tr("{name}, step by step", name=result.name)
        way = chart(title, x.values, result.values, x.name, path=True)
        made.append((way, tr("the way of {name} on the curve of {result}", name=x.name, result=result.name)))
    return made


def descent_charts(descent: Descent) -> list[tuple[str, str]]:
    """Draw a fit: the loss over the iterations, and the way on the loss of one variable or two."""
    name = descent.loss_name
    losses, title = descent.losses, name
    if min(losses) > 0 and max(losses) > MAGNITUDES * min(losses):
        losses, title = (
            tuple(math.log10(v) if v - v == 0 else v for v in losses),
            tr("log10 of {name}", name=name),
        )
    made = [(chart(title, descent.at, losses, tr("iteration")), tr("{name} over the iterations", name=title))]
    way, axes = landscape(descent), descent.axes
    if not way:
        return made
    names = tr("{first} and {second}", first=axes[0], second=axes[1]) if len(axes) == 2 else axes[0]
    return [*made, (way, tr("the way of {names} on {loss}", names=names, loss=name))]


def fit_html(descent: Descent) -> str:
    """Write a fit as a piece of HTML that stands alone in any page."""
    return _template("fit.html").render(descent=descent, drawings=descent_charts(descent))


def fit_page(descent: Descent) -> str:
    """Write a fit as a page of its own."""
    title = f"{descent.loss_name}: {descent.method}"
    return _template("page.html").render(report=Markup(fit_html(descent)), title=title)


def page(report: str, view: View) -> str:
    """Put a report into a page of its own."""
    return _template("page.html").render(
        report=Markup(report), title=tr("{name}: gradients", name=view.result_name)
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("gradmagic.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        auto_reload=False,
    )  # fmt: skip
    made.filters.update({
        "brief": lambda value: on_a_line(brief(value)), "shape": shape_of, "spaced": on_a_line, "told": told,
        "number": number, "tone": lambda value: _TONES[sign(value)], "grid": _grid,
        "program": lambda steps: still(svg(program_drawn(steps), tips=False)),
        "spark": lambda value: sparkline(samples(value), 32), "image": _image, "circled": _circled,
        "line": lambda numbers: sparkline(numbers, 32),
        # Plain spaces alone in an element become one in nbconvert's HTML.
        "indent_to": _indent,
        "entry": lambda entry: entry.name + index_of(0, entry.value.shape),
        "failure": lambda trace, text: failure(trace, text).replace(" ", "\u00a0"),
        "filled": lambda sentence, **fields: escape(sentence).format(**fields),  # with markup
        "times": lambda text: Markup(str(escape(text)).replace("*", "<wbr>·")),  # a long product goes on below
    })  # fmt: skip
    made.globals.update(
        inline=INLINE, wide=WIDE, nudge=NUDGE, style=style(), script=script(), loader=loader(), of=version(), tr=tr,
        language=get_language,
    )  # fmt: skip
    return made


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


_IN_ADDRESS = str.maketrans({"%": "%25", "#": "%23", "<": "%3C", "\n": "%0A", "\t": "%09", "\r": "%0D"})
_EDGE = re.compile(r"\((\d+)\)")
_BARE = re.compile(r">(?:[①-⑩]|\(\d+\))<")  # the number of an edge and no derivative
_TONES = {"+": "gm-pos", "-": "gm-neg", "0": "gm-zero", "!": "gm-bad", "±": "gm-both", "": ""}


def _given(name: str, value: Value) -> str:
    return f"{name} {shape_of(value.shape)}" if value.shape else f"{name} = {brief(value)}"


def _circled(text: str, most: int = 0) -> str:
    """Write numbers of edges as circled digits, (4)(1) as ④①: all, or the first ones, and the rest is the reader's."""
    return _EDGE.sub(lambda match: circled(int(match[1])), text, count=most)


def _image(drawing: str, alt: str) -> Markup:
    """Put an SVG into an image, which stays where scripts and inline SVG are taken out."""
    # As text it takes 8 % more than it is, as base64 a third. Single quotes around it, for its own are double.
    data = drawing.translate(_IN_ADDRESS).replace("&", "&amp;").replace("'", "&#39;")
    size = re.match(r'<svg[^>]* width="(\d+)"', drawing)
    wide = int(size[1]) if size else 600
    # It shrinks to the page as far as it can still be read (cards have smaller letters); what is wider scrolls.
    least = wide * 11 // 12 if 'class="tall"' in drawing[:400] else max(300, wide * 3 // 4)
    style = f"width:{wide}px;max-width:100%;min-width:{min(wide, least)}px"
    made = Markup('<img class="gm-svg" alt="{}" style="{}" src=\'data:image/svg+xml,{}\'>')
    return made.format(alt, style, Markup(data))


def _grid(value: Value) -> list[list[tuple[str, str, str]]] | None:
    """Lay a small array of one or two dimensions out as rows of (text, tone, strength): 0 to 1, the size."""
    axes = len(value.shape)
    if value.items is None or not value.size or axes not in (1, 2):
        return None
    peak = max(abs(value.low or 0.0), abs(value.high or 0.0))
    long = -(-len(value.items) // -(-len(value.items) // WIDE))  # of a row of a vector: 10 are two rows of 5
    items = (
        value.items if axes == 2 else [value.items[i : i + long] for i in range(0, len(value.items), long)]
    )
    rows = zip(rows_of(items, 2), items, strict=True)
    return [[_cell(text.strip(), x, peak) for text, x in zip(*row, strict=True)] for row in rows]


def _cell(text: str, x: object, peak: float) -> tuple[str, str, str]:
    if not isinstance(x, (int, float)):
        return text, "", ""
    if x - x != 0:
        return text, "gm-bad", ""
    strength = f"{abs(x) / peak * 0.45:.2f}".removeprefix("0") if peak else "0"
    return text, "gm-zero" if x == 0 else "gm-pos" if x > 0 else "gm-neg", strength


def _strip(found: Curve) -> list[tuple[str, list[str], bool]]:
    rows = ((found.x_name, found.x), (found.y_name, found.y), (_partial(found.slope_name), found.slope))
    return [(name, [text.strip() for text in aligned(row)], row is found.slope) for name, row in rows]


def _partial(slope: str) -> str:
    """Write dz/dx as ∂z/∂x."""
    above, _, below = slope.rpartition("/d")
    return f"∂{above[1:]}/∂{below}"


def _charts(found: Curve | None) -> list[tuple[str, str]]:
    if found is None or not found.rising:
        return []
    drawn = ((found.y_name, found.y), (_partial(found.slope_name), found.slope))
    x, over = found.x, found.x_name
    return [(chart(name, x, y, over), tr("{name} against {over}", name=name, over=over)) for name, y in drawn]


def _indent(line: Line, part: Part) -> str:
    """Give the room before a part of a line, so that it stands below; of a long line, which may wrap, not all of it."""
    room = width(line.text[: part.column])
    return "\u00a0" * (room if width(line.text) <= LONG else min(room, SHORT))


def _graph(
    view: View, drawn: Scene | None, detail: Detail, unfolded: Iterable[Drawn], quiz: Quiz | None
) -> dict[str, Any] | None:
    if drawn is None or not view.computed:
        return None
    picture = svg(drawn, tips=False) if detail.drawing else ""
    if not picture or len(picture.encode()) > DRAWING:
        rows = lanes(view)[:80]
        text = "\n".join(f"{row.lanes} {view.title(row.operation)}" for row in rows)
        return {"lanes": text, "scope": view.scope, "signs": view.unsaid}
    forms = [*(d.view for d in unfolded), view]  # the graph's own words come last, and stay
    signs = {told.partition(" = ")[0]: told for form in forms for told in form.unsaid}
    said = {
        "scope": view.scope,
        "signs": list(signs.values()),
        "roles": roles(view),
        "bare": _BARE.search(picture),
    }
    if quiz is not None and quiz.drawn is not None:
        veiled = still(svg(quiz.drawn, tips=False))
        return {"svg": veiled, "whole": still(picture), "alt": drawn.sentence, **said}
    return {"svg": still(picture), "alt": drawn.sentence, **said}
