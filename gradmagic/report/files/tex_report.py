r"""The report as a piece of LaTeX, which nbconvert puts into a document or a PDF: headline, tables, the drawn graph.

In: a `View`, and the drawn graph. Out: LaTeX for its template: `longtable` and `booktabs`, and pgf where it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ...engine.core.values import Value
from ...language import tr
from ..descent import Descent
from ..parts.annotated_cell import Line, Part, lines
from ..parts.table import table
from ..pictures.pgf import picture
from ..pictures.scene import Scene
from ..shown.notation import upright
from ..shown.numbers import brief, rows_of, shape_of
from ..shown.typeset import clip, width
from ..shown.view import View, told

ROWS = 60  # of a table
COLUMNS = 48  # of code; values beside it take as much of a page
DRAWING = 12_000  # bytes of a picture; one that takes more could not be read on a page

_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]")
# The fonts of nbconvert's template are Latin ones, and what they have no letter for would be lost. So XeTeX is told
# which letters are Japanese (class 1; 0 are the others, 4095 is no letter), and writes those in the first font that
# there is. A document that has fonts of its own for them, by xeCJK, is left alone.
_JAPANESE = r"""\begingroup
\ifcsname XeTeXinterchartoks\endcsname\ifcsname newfontfamily\endcsname\ifcsname CJKfamily\endcsname\else
\def\gtry#1{\ifcsname gjapanese\endcsname\else\IfFontExistsTF{#1}{\newfontfamily\gjapanese{#1}}{}\fi}%%
\gtry{Noto Sans CJK JP}\gtry{Source Han Sans JP}\gtry{IPAexGothic}\gtry{Hiragino Sans}\gtry{Yu Gothic}\gtry{MS Gothic}%%
\ifcsname gjapanese\endcsname
\def\gclass#1{\ifx#1\relax\else\XeTeXcharclass`#1=1 \expandafter\gclass\fi}\gclass %s\relax
\XeTeXinterchartoks 0 1={\begingroup\gjapanese}\XeTeXinterchartoks 4095 1={\begingroup\gjapanese}%%
\XeTeXinterchartoks 1 0={\endgroup}\XeTeXinterchartoks 1 4095={\endgroup}\XeTeXinterchartokenstate=1
\XeTeXlinebreaklocale "ja"\XeTeXlinebreakskip=0pt plus 1pt
\else\PackageWarning{gradmagic}{%s}\fi\fi\fi\fi
"""


def to_tex_report(view: View, drawn: Scene | None) -> str:
    """Write the report.

    Parameters
    ----------
    view : View
    drawn : Scene or None
        The graph as it is drawn.
    """
    trace = view.trace
    parts: list[str] = []
    if trace.error is not None:
        parts.append(rf"\noindent\textbf{{{upright(' '.join(trace.error.split()))}}}")
    if trace.result is not None:
        head = f"{view.result_name} = {view.result_value()}"
        operations, sweeps = view.counts
        counts = tr("{operations}, {sweeps}", operations=operations, sweeps=sweeps)
        parts.append(rf"\noindent\textbf{{\texttt{{{upright(head)}}}}}\quad {upright(counts)}")
    parts += [rf"\noindent {upright(told(note))}" for note in (*view.alerts, *view.remarks)]
    parts.append(_gradients(view))
    if trace.descent is not None:
        parts += [
            rf"\noindent {upright(f'{trace.descent.counts}. {trace.descent.end}')}",
            _fit(trace.descent),
        ]
    if drawn is not None and view.computed:
        made = picture(drawn)
        parts.append("\\noindent\n" + made if len(made) <= DRAWING else "")
    parts.append(_cell(view))
    made = "\n\n".join(part for part in parts if part) + "\n"
    wide = "".join(dict.fromkeys(_WIDE.findall(made)))
    if not wide:
        return made
    lost = tr(
        "no Japanese font was found, so those letters are lost: install Noto Sans CJK JP or IPAexGothic"
    )
    return _JAPANESE % (wide, lost) + made + "\\endgroup\n"


def _gradients(view: View) -> str:
    found = list(table(view))
    columns = {
        tr("name"): [_code(row.name) for row in found],
        tr("shape"): [upright(shape_of(row.shape)) if row.shape else "" for row in found],
        tr("value"): [_value(row.value) for row in found],
        f"∂{view.operand}/∂{tr('name')}": [_value(row.grad) for row in found]
        if view.trace.result is not None
        else [],
        "": [upright(tr(row.flag)) for row in found],
    }
    kept = {upright(head): cells for head, cells in columns.items() if any(cells)}
    return _table(list(kept), zip(*kept.values(), strict=True)) if found else ""


def _fit(descent: Descent) -> str:
    heads = [upright(head) for head in (tr("name"), tr("start"), tr("end"), tr("gradient"))]
    return _table(
        heads, ((_code(m.name), _value(m.start), _value(m.end), _value(m.grad)) for m in descent.moved)
    )


def _cell(view: View) -> str:
    of_result = tr("gradient of {name}", name=view.result_name) if view.trace.result else ""
    heads = ["", "", upright(tr("value")), upright(of_result)]
    return _table(heads, (row for line in lines(view, ROWS) for row in _line(line)), r"\ttfamily")


def _line(line: Line) -> Iterable[Sequence[str]]:
    yield str(line.number), _code(line.text), *_said(line.main)
    for part in (*line.several, *line.parts):
        if part.value is not None:
            before = width(line.text[: part.column])
            yield "", _code(" " * before + part.text), *_said(part)


def _said(part: Part | None) -> tuple[str, str]:
    if part is None:
        return "", ""
    return upright(brief(part.value)), upright(brief(part.grad))


def _code(text: str) -> str:
    """Write code on one line, its spaces kept."""
    return rf"\texttt{{{upright(clip(text, COLUMNS)).replace(' ', '~')}}}"


def _value(value: Value | None) -> str:
    """Write a value: a small matrix by its rows."""
    if value is None:
        return ""
    whole = (
        value.items is not None and 1 < value.size <= 9 and len(value.shape) == 2 and value.low != value.high
    )
    rows = [", ".join(map(str.strip, row)) for row in rows_of(value.items, 2)] if whole else [brief(value)]
    if len(rows) == 1:
        return upright(rows[0])
    return r"\begin{tabular}[t]{@{}r@{}}" + r" \\ ".join(map(upright, rows)) + r"\end{tabular}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], font: str = "") -> str:
    listed = [" & ".join(row) + r" \\" for row in rows]
    if not listed:
        return ""
    more = len(listed) - ROWS
    listed[ROWS:] = [rf"$\ldots$ & {upright(tr('{n} more', n=more))} \\"] if more > 0 else []
    head = " & ".join(heads) + r" \\ \midrule \endhead"
    kind = (
        rf"{{\footnotesize\tabcolsep4pt{font}\begin{{longtable}}[l]{{@{{}}{'l' * len(heads)}@{{}}}}\toprule"
    )
    return "\n".join([kind, head, *listed, r"\bottomrule\end{longtable}}"])
