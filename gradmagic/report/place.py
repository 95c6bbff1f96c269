"""Where in a source something stands, as the reader counts.

In: what cell/reading/source.py resolves. Out: plain data.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the source an operation was made.

    Attributes
    ----------
    label : str
        What the reader calls the source: `"In [3]"`, a file name.
    line, end_line : int
        As the reader counts them.
    column, end_column : int
        In characters, from 0, so that `line_text[column:end_column]` is the sub-expression when it is on one line.
    text : str
        The sub-expression as it is written; `""` where the source is gone.
    inside : bool
        Whether it is in the traced source itself (not in another cell, not in a module).
    line_in_cell : int or None
        The line of the traced source that led here, when the operation was made inside a called function.
    function : str or None
        The called function it is in; None at the top of a cell.
    code : str
        The function's whole line, where that is not in the traced source.
    """

    label: str
    line: int
    end_line: int
    column: int
    end_column: int
    text: str
    inside: bool = True
    line_in_cell: int | None = None
    function: str | None = None
    code: str = ""
