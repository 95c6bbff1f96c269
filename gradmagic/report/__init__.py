"""The report on one cell: table, graph, annotated source, steps and history, as HTML and as text.

In: a `Trace` (model.py). Out: a `Report`. The way through the folder: fold and view (what is shown, how it is called);
table, source, steps, history, graph (what each part says, as plain data); sections and text (a terminal), drawing and
html (a page).
"""

from .dot import ReportError
from .model import Edge, Input, Note, Operation, Place, Result, Sweep, Trace
from .report import Report

__all__ = ["Edge", "Input", "Note", "Operation", "Place", "Report", "ReportError", "Result", "Sweep", "Trace"]
