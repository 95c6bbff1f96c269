"""The report on one cell: table, graph, annotated cell, steps and history, as a page, as text, as files.

In: a `Trace` (model.py). Out: a `Report` (report.py). The way through the rooms: shown/ (what is shown, and how it is
called and written), parts/ (what each part says, as plain data), pictures/ and text/, page/ and files/; each imports
only from those before it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .model import ReportError, Trace

if TYPE_CHECKING:
    from .report import Report

__all__ = ["Report", "ReportError", "Trace"]


# jinja2, rich and graphviz are imported with the first report, not with %load_ext (0.1 s).
def __getattr__(name: str) -> Any:
    if name == "Report":
        return importlib.import_module(".report", __name__).Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
