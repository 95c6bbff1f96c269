"""`Report`: what a `%%grad` cell returns. It shows itself, hands out its numbers, and saves itself.

In: a `Trace`. Out: text, HTML, files. Parts are made when they are first asked for: in a terminal no page is built.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .dot import Graph, ReportError, digraph, rendered
from .explain import Explanation, explain
from .graph import MOST, Picture, picture
from .html import page, to_html
from .layout import SECONDS, Layout, place, program
from .model import Trace
from .table import Table, table
from .text import to_text
from .view import View

UNFOLDED = 100  # operations that drawings with an unfolded loop show, together
TEXT_NODES = 24  # operations that the text shows, besides the inputs


class Report:
    """The gradients of one cell, and where they come from.

    Parameters
    ----------
    trace : Trace
        What the cell recorded.
    max_nodes : int, optional
        Nodes that the graph shows; more are folded. 130 by default.
    graph : bool
        Whether the page has the graph.
    ascii : bool, optional
        Whether text is plain ASCII; by itself where stdout cannot encode more.
    layout : {"pure", "dot"}
        The layout program: the one that comes with gradmagic, or the system's Graphviz.
    quiz : bool
        Whether the page hides the gradients until the reader asks for them.
    explain : sequence of str
        Entries of gradients that are written out: `"a[0,0]"`.

    Examples
    --------
    In a notebook, after a `%%grad` cell::

        report = gm.last()
        report.grads["x"]
        report.save("parabola.html")
    """

    def __init__(
        self,
        trace: Trace,
        *,
        max_nodes: int | None = None,
        graph: bool = True,
        ascii: bool | None = None,
        layout: str = "pure",
        quiz: bool = False,
        explain: Sequence[str] = (),
    ) -> None:
        self._trace, self._ascii, self._draws, self._quiz = trace, ascii, graph, quiz
        self._asked = tuple(explain)
        self._limit, self._engine = max_nodes or MOST, layout

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

    @cached_property
    def table(self) -> Table:
        """The gradient table: rows with name, shape, value, gradient and flag."""
        return table(self._view)

    @property
    def graph(self) -> Graph:
        """The computation graph as a `graphviz.Digraph`."""
        return digraph(self._picture)

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
            If there is no such entry, or it takes more than is kept: arrays of more than 100 entries, or 500 paths.
        """
        return explain(View.of(self._trace, len(self._trace.operations)), entry)

    @cached_property
    def _explained(self) -> list[tuple[str, ...]]:
        """Write out what was asked for; where that cannot be done, why."""
        found = []
        for entry in self._asked:
            try:
                found.append(self.explain(entry).lines)
            except ReportError as error:
                found.append((f"--explain {entry}: {error}",))
        return found

    @cached_property
    def _view(self) -> View:
        return View.of(self._trace, self._limit)

    @cached_property
    def _picture(self) -> Picture:
        return picture(self._view)

    @cached_property
    def _layout(self) -> Layout | None:
        return self._placed(self._picture)

    def _placed(self, drawn: Picture) -> Layout | None:
        engine = self._engine if program(self._engine) else "pure"
        return place(digraph(drawn).source, engine, SECONDS)

    def to_text(self, width: int | None = None, ascii: bool | None = None, color: bool | None = None) -> str:
        """Write the report as text, at most 60 lines; see `gradmagic.report.text.to_text`."""
        limit = min(self._limit, TEXT_NODES + len(self._trace.inputs))
        plain = self._ascii if ascii is None else ascii
        return to_text(View.of(self._trace, limit), width, plain, color, self._explained)

    def to_html(self) -> str:
        """Write the report as a piece of HTML that stands in any page."""
        drawn = (self._picture, self._layout) if self._draws else None
        return to_html(self._view, drawn, self._unfolded, self._quiz, self._explained)

    @cached_property
    def _unfolded(self) -> list[tuple[View, tuple[Picture, Layout | None]]]:
        if not self._draws or self._layout is None:
            return []
        found = [(view, picture(view)) for view in self._view.unfolded(UNFOLDED)]
        return [(view, (drawn, self._placed(drawn))) for view, drawn in found]

    def save(self, path: str | Path) -> str:
        """Save the report: a page (html), the text (txt), or the graph alone (svg, png, pdf, dot).

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
        kind = path.suffix.lower().removeprefix(".")
        if kind in {"html", "htm"}:
            content = page(self.to_html(), self._view).encode()
        elif kind == "txt":
            content = self.to_text(width=80, ascii=bool(self._ascii), color=False).encode()
        elif kind in {"dot", "gv"}:
            content = self.graph.source.encode()
        elif kind == "svg":
            content = self._svg().encode()
        elif kind in {"png", "pdf"}:
            content = rendered(self.graph.source, kind)
        else:
            raise ReportError(
                f"a report is saved as html, txt, svg, png, pdf or dot, not as {path.suffix or path.name!r}."
            )
        path.write_bytes(content)
        return str(path)

    def _svg(self) -> str:
        from .drawing import svg  # beside the other formats, the only one drawn here

        if self._layout is None:
            raise ReportError(
                "the graph could not be laid out in time: save it as dot, or as txt with its lanes."
            )
        return svg(self._picture, self._layout)

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    def __repr__(self) -> str:
        names = ", ".join(f"d{self._view.result_name}/d{entry.name}" for entry in self._trace.inputs)
        return f"<gradmagic report: {names or 'no gradients'}>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Give IPython text, and HTML where it can be shown: a terminal asks with `include=None` too."""
        wanted = set(include) if include is not None else _active_types()
        wanted -= set(exclude or ())
        bundle = {}
        if "text/plain" in wanted:
            bundle["text/plain"] = str(self)
        if "text/html" in wanted:
            bundle["text/html"] = self.to_html()
        return bundle


def _active_types() -> set[str]:
    """List what the running IPython can show; all of ours without one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    formatter = getattr(shell, "display_formatter", None)
    active = getattr(formatter, "active_types", None)
    return set(active) if active else {"text/plain", "text/html"}
