"""The report as text: the same parts as on the page, for a terminal of 80 columns and more, at most 60 lines.

In: a `View`. Out: one string, with colours when asked for. The sections are set in sections.py; here they are put
together, and the longest give way until all fit.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ...language import tr
from ..descent import Descent
from ..shown.typeset import SYMBOLS, in_ascii
from ..shown.view import View
from .descent import descent_lines
from .hints import Hints
from .sections import Section, sections

LINES = 60
LEAST_WIDTH = 60


def to_text(
    view: View,
    width: int | None = None,
    ascii: bool | None = None,
    color: bool | None = None,
    explained: Sequence[Sequence[str]] = (),
    every_step: bool = False,
    hints: Hints | None = None,
    graph: bool = True,
) -> str:
    """Write the report.

    Parameters
    ----------
    view : View
    width : int, optional
        Columns; those of the terminal, 80 where there is none.
    ascii : bool, optional
        Only ASCII besides the reader's own names; by itself where stdout cannot encode more.
    color : bool, optional
        By itself in a terminal, unless NO_COLOR is set.
    explained : sequence of sequences of str
        Entries of gradients written out, each in lines.
    every_step : bool
        Whether all steps of the sweep are listed; the text may be longer by them.
    hints : Hints
        How the reader gets at what is left out.
    graph : bool
        Whether the graph is shown.
    """
    hints = hints or Hints()
    columns = max(LEAST_WIDTH, width if width is not None else _columns())
    parts = sections(view, columns - 1, explained, every_step, hints, graph)
    lines = _fitted(parts, LINES + sum(part.least for part in parts if part.whole), hints.page)
    return _written(lines, columns, ascii, color)


def fit_text(
    descent: Descent, width: int | None = None, ascii: bool | None = None, color: bool | None = None
) -> str:
    """Write a fit; the settings are those of `to_text`."""
    columns = max(LEAST_WIDTH, width if width is not None else _columns())
    return _written(descent_lines(descent, columns - 1), columns, ascii, color)


def _written(lines: list[Text], columns: int, ascii: bool | None, color: bool | None) -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8" if ascii is None else None
    if encoding is not None:
        ascii = not _encodes(encoding, SYMBOLS)
    for line in lines:
        line.truncate(columns - 1, overflow="ellipsis")
    text = _printed(lines, columns, _colorful() if color is None else color)
    text = in_ascii(text) if ascii else text
    return printable(text) if encoding and ascii else text


def printable(text: str) -> str:
    """Give a text that `sys.stdout` can write: a letter that it cannot becomes its number.

    Examples
    --------
    >>> printable("dz/dx")
    'dz/dx'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _fitted(parts: list[Section], most: int, page: str) -> list[Text]:
    """Cut the longest sections until all fit into `most` lines, an empty line after each."""
    parts = [part for part in parts if part.lines]
    room = most - (len(parts) - 1)
    sizes = [len(part.lines) for part in parts]
    cap = max(sizes, default=0)

    def needed() -> int:
        return sum(min(size, max(cap, part.least)) for size, part in zip(sizes, parts, strict=True))

    while cap > 3 and needed() > room:
        cap -= 1
    lines: list[Text] = []
    for part in parts:
        lines += [*([Text("")] if lines else []), *_cut(part, max(cap, part.least), page)]
    return lines[:most]


def _cut(part: Section, room: int, page: str) -> list[Text]:
    lines = part.lines
    if len(lines) <= room and not part.more:
        return lines
    last = part.tail if room > 3 + part.tail else 0
    kept = room - 1 - last
    count = len(lines) + part.more - kept - last
    gone = Text(f" {tr('… {n} lines more on the page: {page}', n=count, page=page)}", "dim")
    return [*lines[:kept], gone, *(lines[-last:] if last else [])]


def _printed(lines: list[Text], columns: int, color: bool) -> str:
    """Let rich turn styles into colours; without, only the text is left."""
    if not color:
        return "\n".join(line.plain.rstrip() for line in lines) + "\n"
    out = io.StringIO()
    console = Console(file=out, width=columns, force_terminal=True, color_system="256", highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    return out.getvalue()


def _columns() -> int:
    return min(120, shutil.get_terminal_size().columns)  # os has none of its own in Pyodide


def _encodes(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _colorful() -> bool:
    tty = getattr(sys.stdout, "isatty", None)
    return bool(tty and tty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")
