"""The report on one cell: table, graph, annotated source, steps and history, as HTML and as text.

In: a `Trace` (model.py). Out: a `Report`. The way through the folder: fold and view (what is shown, how it is called);
table, source, steps, history, graph (what each part says, as plain data); sections and text (a terminal), drawing and
html (a page).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .model import Edge, Input, Note, Operation, Place, ReportError, Result, Sweep, Trace

if TYPE_CHECKING:
    from .report import Report


# jinja2, rich and graphviz are imported with the first report, not with %load_ext (0.1 s).
def __getattr__(name: str) -> Any:
    if name == "Report":
        return importlib.import_module(".report", __name__).Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Edge", "Input", "Note", "Operation", "Place", "Report", "ReportError", "Result", "Sweep", "Trace"]
