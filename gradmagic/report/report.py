"""`Report`: what a `%%grad` cell returns. It shows itself, hands out its numbers, and saves itself.

In: a `Trace`. Out: text, HTML, files. Parts are made when they are first asked for: in a terminal no page is built.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..language import mark, said, tr
from .files.json import from_json, to_json
from .files.markdown import to_markdown
from .files.tex_report import to_tex_report
from .model import ReportError, Trace
from .page.html import Quiz, page, to_html
from .page.latex import to_latex
from .page.sharing import brings, in_document
from .parts.answers import given_away
from .parts.explain import Explanation, explain
from .parts.graph import MOST, picture
from .parts.table import Table, table
from .pictures.dot import Graph, digraph
from .pictures.drawing import Drawn, drawing, opening
from .pictures.fonts import words_for
from .pictures.matplotlib_graph import pictured
from .pictures.plots import plot
from .pictures.scene import Scene
from .quizzed import Quizzed, quietly
from .shown.boxes import Boxed, boxed, opened
from .shown.naming import PARTS
from .shown.quiz import unsaid, veiled
from .shown.view import View
from .shown.wholes import ENOUGH, by_modules, by_statements
from .text.hints import Hints
from .text.to_text import to_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..fitting import Fit

WHOLE = 400  # operations of which the modules are told apart, also where loops are folded
FEW = 10  # operations that are no more to read than their lines
OPENING = 15  # operations past which boxes open; up to these all can be read at once
UNFOLDED = 100  # operations that drawings with an unfolded loop show, together
_IMAGES = ("image/png", "image/svg+xml")
STEPS = 60  # operations that the text shows when it lists the steps
TEXT_NODES = 24  # operations that the text shows, besides the inputs
FORMATS = mark("html, txt, md, tex, json, svg, png, pdf or dot")
_KINDS = {kind: kind for kind in FORMATS.replace(" or", ",").split(", ")}
_KINDS |= {"htm": "html", "markdown": "md", "gv": "dot"}


def kind_of(path: str | Path) -> str:
    """Tell from a path's ending as what a report is saved there.

    Raises
    ------
    ReportError
        If the ending is unknown.
    """
    path = Path(path)
    kind = _KINDS.get(path.suffix.lower().removeprefix("."))
    if kind is None:
        raise ReportError(tr(
            "a report is saved as {formats}, not as {ending!r}.",
            formats=tr(FORMATS), ending=path.suffix or path.name,
        ))  # fmt: skip
    return kind


class Report(Quizzed):
    """The gradients of one cell, and where they come from.

    Parameters
    ----------
    trace : Trace
        What the cell recorded.
    max_nodes : int, optional
        Nodes that the graph shows; more are folded. 130 by default.
    graph : bool
        Whether page and text have the graph.
    ascii : bool, optional
        Whether text is plain ASCII; by itself where stdout cannot encode more.
    layout : {"own", "graphviz-pure", "dot"}
        Who places the graph: gradmagic itself, as boxes, cards or rows, whichever shows it best; or always boxes from
        left to right, by the Graphviz that comes with gradmagic or by the system's.
    quiz : bool
        Whether the gradients are hidden: on the page until the reader asks for each, in text altogether.
    explain : sequence of str
        Entries of gradients that are written out: `"a[0,0]"`.
    steps : bool
        Whether the steps of the sweep are listed one by one where they are many, too.
    image : {"", "png", "svg"}
        As what front ends that show no HTML (qtconsole, Spyder's console) get the graph besides the text.
    handle : str
        What the text calls the report where it says how more is had; `""` for a reader who writes commands, not code.

    Examples
    --------
    In a notebook, after a `%%grad` cell::

        report = gm.last()
        report.grads["x"]
        report.save("parabola.html")
    """

    def __init__(
        self, trace: Trace, *, max_nodes: int | None = None, graph: bool = True, ascii: bool | None = None,
        layout: str = "own", quiz: bool = False, explain: Sequence[str] = (), steps: bool = False, image: str = "",
        handle: str = "gm.last()",
    ) -> None:  # fmt: skip
        self._ascii, self._draws, self._quiz, self._handle = ascii, graph, quiz, handle
        self._whole = trace
        self._trace = unsaid(trace) if quiz else trace
        self._asked, self._every_step = tuple(explain), steps
        self._limit, self._engine = max_nodes or MOST, layout
        self.fit: Fit | None = None  # what --minimize gave
        self._image = {"png": "image/png", "svg": "image/svg+xml"}.get(image, "")

    @classmethod
    def load(cls, path: str | Path, **settings: Any) -> Report:
        """Read a report that was saved as json.

        Parameters
        ----------
        path : str or Path
        **settings
            Those of `Report`.

        Raises
        ------
        ReportError
            If the file is not a report's JSON.
        """
        return cls(from_json(Path(path).read_bytes()), **{"handle": "report", **settings})

    @property
    def value(self) -> Any:
        """The result's value: a number, or an array where it was small enough to be kept; None without a result."""
        result = self._trace.result
        if result is None:
            return None
        return np.array(result.value.items, result.value.dtype) if result.value.shape else result.value.items

    @property
    def grads(self) -> dict[str, Any]:
        """The gradients by name; None where the result does not depend on the input."""
        return {entry.name: entry.array for entry in self._trace.inputs}

    @said
    def table(self) -> Table:
        """The gradient table: rows with name, shape, value, gradient and flag."""
        return table(self._view)

    @property
    def graph(self) -> Graph:
        """The computation graph as a `graphviz.Digraph`."""
        made = digraph(picture(self._view))
        made.drawn, made.made = self._drawn, made.source
        return made

    @quietly
    def explain(self, entry: str) -> Explanation:
        """Expand one entry of a gradient down to the inputs, in your names and in numbers.

        Parameters
        ----------
        entry : str
            An input with an index, `"a[0,0]"`; of a number the name alone.

        Returns
        -------
        Explanation
            It prints as `dc/da[0,0] = (2*a[0,0] + a[0,1] + a[0,1])/4 = (2*1 + 3 + 3)/4 = 2`.

        Raises
        ------
        ReportError
            If there is no such entry, or it takes more than is kept: of arrays with more than 100 entries the four
            latest reports hold 16 MB each, and none that was saved.

        Notes
        -----
        Of many paths the largest are written out, and one number stands for the others.
        """
        return explain(self._trace, entry)

    @quietly
    def to_markdown(self) -> str:
        """Write the report as GitHub's Markdown: tables, the annotated cell and the graph as text, the steps.

        Returns
        -------
        str
        """
        return to_markdown(self._as_text, () if self._quiz else self._explained, self._draws)

    @quietly
    def to_latex(self) -> str:
        r"""Write the chain rule in LaTeX, an `align*` environment for MathJax, KaTeX and amsmath.

        Where all paths can be read, each gradient is a sum over paths, in partial derivatives, formulas and numbers;
        else each gradient of the sweep is written by those above it.

        Returns
        -------
        str
            `""` where there is no gradient.
        """
        return to_latex(self._view)

    @said
    def _explained(self) -> list[tuple[str, ...]]:
        """Write out what was asked for; where that cannot be done, why."""
        found = []
        for entry in self._asked:
            try:
                found.append(self.explain(entry).lines)
            except ReportError as error:
                found.append((f"--explain {entry}: {error}",))
        return found

    @said
    def _view(self) -> View:
        return View.of(self._trace, self._limit)

    @said
    def _scene(self) -> Scene:
        return drawing(self._view, self._engine)

    @quietly
    def to_text(self, width: int | None = None, ascii: bool | None = None, color: bool | None = None) -> str:
        """Write the report as text, at most 60 lines; see `gradmagic.report.text.to_text.to_text`."""
        ascii = self._ascii if ascii is None else ascii
        explained = () if self._quiz else self._explained
        hints = Hints(self._handle, self._quiz)
        return to_text(self._as_text, width, ascii, color, explained, self._every_step, hints, self._draws)

    @said
    def _as_text(self) -> View:
        """The view that text and Markdown show: smaller, and under a quiz without the gradients."""
        trace = self._hidden if self._quiz else self._trace
        limit = TEXT_NODES if not self._every_step else STEPS
        view = View.of(trace, min(self._limit, limit + len(trace.inputs)))
        if len(trace.operations) <= WHOLE and sum(bool(o.rule) for o in trace.operations) > len(
            view.computed
        ):
            # What is folded anyway says more by modules or by lines, with derivatives of their own; each turn of a loop
            # and each call of a function by itself, where they are few.
            whole = View.whole(trace)
            wholes = [] if self._every_step else [by_statements(whole)]
            boxes = boxed(view, whole) if wholes else None
            if boxes is not None and len(boxes.view.computed) != len(wholes[0].computed):
                wholes.insert(0, boxes.view)  # a turn that is one line says more as that line
            modules, lines = (
                fold(self._unfolded_for(trace, view, fold)) for fold in (by_modules, by_statements)
            )
            steps = any(
                scope.kind == "step" for scope in trace.scopes
            )  # a network's, which modules do not tell
            for parts in (*wholes, modules, lines) if steps else (modules, *wholes, lines):
                if 1 < len(parts.computed) <= limit and any(o.rule in PARTS for o in parts.computed):
                    return parts
        return view

    @staticmethod
    def _unfolded_for(trace: Trace, view: View, fold: Callable[[View], View]) -> View:
        """Give what is put together by modules or lines: all but the turns of loops, where that is not too much."""
        return View.of_loops(trace, fold is by_modules) if len(trace.operations) <= WHOLE else view

    @quietly
    def to_html(self) -> str:
        """Write the report as a piece of HTML that stands in any page, alone or with others."""
        return self._html(brings=True)

    def _html(self, brings: bool) -> str:
        drawn, quiz = self._scene if self._draws else None, None
        if self._quiz:
            quiz = Quiz(drawing(self._still, self._engine) if self._draws else None, self._open)
        return to_html(self._view, drawn, self._unfolded, quiz, self._explained, self._every_step, brings)

    def _tex(self) -> str:
        drawn = drawing(self._still, self._engine) if self._draws else None
        return to_tex_report(self._still, drawn)

    @said
    def _unfolded(self) -> list[Drawn]:
        if not self._draws:
            return []
        few = len(self._trace.operations) <= WHOLE
        whole = View.whole(self._trace) if few and len(self._trace.operations) > OPENING else None
        parts = boxed(self._view, whole) if whole is not None else None
        found = [] if parts is None else [opening(parts, "boxes")]
        if parts is None:
            found += [Drawn(view, drawing(view, self._engine)) for view in self._view.unfolded(UNFOLDED)]
        of = self._unfolded_for(self._trace, self._view, by_statements)
        view = by_statements(of)
        if len(of.computed) > max(FEW, ENOUGH * len(view.computed)) and len(view.computed) > 1:
            opens = whole is not None and len(of.computed) > OPENING
            lines = opened(view, self._view, whole) if opens else Boxed(replace(view, parts={}))
            found.append(opening(lines, "lines"))
        return found

    @quietly
    def plot(self) -> Figure:
        """Draw the function itself: x against y with a tangent, and x against dy/dx, for each input that has a curve.

        An array has one where the result sums up a function of each entry, a number where it is the result's input:
        then the recorded operations are computed again at other values, which `%%grad --plot` keeps for every program
        and a plain `%%grad` only for short ones; without them it is the tangent alone. After a loop over `backward`
        with one parameter the way of the sweeps is on the curve.

        Returns
        -------
        matplotlib.figure.Figure
            Notebooks show it; `savefig` saves it.

        Raises
        ------
        ReportError
            Without matplotlib (`pip install "gradmagic[plot]"`), or where there is no curve; the message says why.

        Examples
        --------
        >>> import numpy as np
        >>> import gradmagic as gm
        >>> report = gm.trace(lambda x: np.sum(2 * x**2 + 2))(np.arange(-2, 2.25, 0.25))
        >>> [axes.get_ylabel() for axes in report.plot().axes]
        ['2 * x**2 + 2', 'd(2 * x**2 + 2)/dx']
        """
        return plot(self._trace)

    @quietly
    def save(self, path: str | Path) -> str:
        """Save the report: a page (html), text (txt, md), the graph alone (svg, png, pdf, dot), and more.

        `tex` is the chain rule in LaTeX; `json` all that the report knows, see `Report.load`.

        Parameters
        ----------
        path : str or Path
            Where; its ending says as what.

        Returns
        -------
        str
            The path.

        Raises
        ------
        ReportError
            If the ending is unknown, or needs a program that is not there.
        """
        path = Path(path)
        kind = kind_of(path)
        texts: dict[str, Callable[[], str]] = {
            "html": lambda: page(self.to_html(), self._view),
            "txt": lambda: self.to_text(width=80, ascii=bool(self._ascii), color=False),
            "md": self.to_markdown,
            "tex": self.to_latex,
            "json": lambda: to_json(self._trace),
            "dot": lambda: digraph(picture(self._still)).source,
        }
        path.write_bytes(texts[kind]().encode() if kind in texts else self._drawn(kind))
        return str(path)

    @said
    def _still(self) -> View:
        """The view that a picture shows: under a quiz without the gradients, which nobody could uncover there."""
        return self._view if not self._quiz else self._new()

    def _new(self) -> View:
        return View.of(self._hidden if self._quiz else self._trace, self._limit)

    @property
    def _hidden(self) -> Trace:
        """The trace as a quiz shows it: without gradients, and without the arrows that are one."""
        arrows = given_away(self._view)
        return veiled(self._trace, self._open, [end for end, keys in arrows.items() if {*keys} - self._open])

    def _svg(self) -> str:
        return self._drawn("svg").decode()

    def _drawn(self, kind: str) -> bytes:
        with words_for(kind) as note:
            view = self._new() if note else self._still  # which may have Japanese words by now
            scene, dot = drawing(view, self._engine), digraph(picture(view)).source
        return pictured(scene, dot, kind, note)

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    def __repr__(self) -> str:
        names = ", ".join(self._view.slope(entry.name) for entry in self._trace.inputs)
        return tr("<gradmagic report: {names}>", names=names or tr("no gradients"))

    @quietly
    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Give IPython text, and HTML where it can be shown: a terminal asks with `include=None` too.

        The graph as a picture only when asked for: by `include`, or for the session (`%config GradMagic.image`).
        """
        wanted = set(include) if include is not None else active_types() - (set(_IMAGES) - {self._image})
        wanted -= set(exclude or ())
        bundle: dict[str, Any] = {}
        if "text/plain" in wanted:
            bundle["text/plain"] = str(self)
        if "text/html" in wanted:
            bundle["text/html"] = self._html(include is not None or brings())
            if include is None and in_document():
                # For exports alone: to LaTeX and PDF nbconvert takes this, Quarto and MyST take Markdown.
                bundle["text/latex"], bundle["text/markdown"] = self._tex(), self.to_markdown()
        for kind in _IMAGES:
            if kind in wanted:
                with suppress(ReportError):  # the text says what there is
                    bundle[kind] = self._svg() if "svg" in kind else self._drawn("png")
        return bundle

    def _mime_(self) -> tuple[str, str]:
        """Give marimo, whose page runs no scripts of its outputs, a page in a frame."""
        marimo: Any = sys.modules["marimo"]  # it asks
        return marimo.iframe(page(self.to_html(), self._view))._mime_()


def active_types() -> set[str]:
    """List what the running IPython can show; all of ours without one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    formatter = getattr(shell, "display_formatter", None)
    active = getattr(formatter, "active_types", None)
    return set(active) if active else {"text/plain", "text/html"}
