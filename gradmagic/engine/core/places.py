"""Places in the user's source: which instruction of which code object made a value.

In: frames. Out: interned (code, instruction) pairs, cheap to keep (0.1 us), and their words for error messages.
Exact spans and the reader's own labels are resolved later, by the cell.
"""

from __future__ import annotations

import csv
import glob
import linecache
import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from ...language import tr
from .interpreter import by_code

Place = tuple[Any, int]
Span = tuple[
    int | None, int | None, int | None, int | None
]  # line, end line, column, end column; in bytes of UTF-8

PACKAGE = (
    os.path.abspath(os.path.join(__file__, "..", "..", "..")) + os.sep
)  # these frames are not the user's
_PLACES: dict[int, Place] = {}
_room = [4_096]  # places, before those of code that is gone are dropped
# The cell puts its own here: "In [3]" is a better name of a cell than its temporary file.
_labels: list[Callable[[str], str | None]] = []


@cache
def users(filename: str) -> bool:
    """Tell whether code of this file is the user's: not ours, no installed package, no standard library.

    NumPy and SciPy are known by where the imported modules lie; other packages by the name of a folder around them, or
    by the list of files that their installer left beside them (`pip install --target`). A package that is installed
    for development (`pip install -e`) lies among its sources, and is the user's. What Cython has compiled is nobody's:
    it says where it comes from by no full path.
    """
    homes = [_home(sys.modules[name]) for name in ("os", "numpy", "scipy") if sys.modules.get(name)]
    return not (
        filename.startswith((PACKAGE, "<frozen ", *homes))
        or filename.endswith(_CYTHON)
        or not {"site-packages", "dist-packages"}.isdisjoint(filename.split(os.sep))
        or any(
            filename.startswith(folder + os.sep)
            and filename[len(folder) + 1 :].split(os.sep)[0] in _installed(folder)
            for folder in map(os.path.abspath, filter(None, sys.path))
        )
    )


_CYTHON = (".pyx", ".pxd", ".pxi")


def _home(module: Any) -> str:
    return os.path.join(os.path.dirname(module.__file__), "")


@cache
def _installed(folder: str) -> frozenset[str]:
    """Give the files and folders at the top of `folder` that installers have listed there."""
    found = set()
    for record in glob.glob(os.path.join(glob.escape(folder), "*.dist-info", "RECORD")):
        with open(record, encoding="utf-8", newline="") as file:
            found |= {row[0].split("/")[0] for row in csv.reader(file) if row}
    return frozenset(found)


def user_frame(frame: Any) -> Any:
    """Walk out of gradmagic's own files to the code that called it."""
    found = frame
    while found is not None and found.f_code.co_filename.startswith(PACKAGE):
        found = found.f_back
    return found if found is not None else frame


def place_of(frame: Any) -> Place:
    """Give the place that `frame` is at as (code, index of the instruction), the same object every time.

    Interned, so that a loop of 10,000 operations keeps a few places, not 10,000 of 64 bytes each.
    """
    code, at = frame.f_code, frame.f_lasti
    key = (id(code) << 24) | at
    place = _PLACES.get(key)
    if place is None:
        if len(_PLACES) >= _room[0]:
            _drop_dead()
        place = _PLACES[key] = (code, at)
    return place


def _drop_dead() -> None:
    """Drop the places of code that nobody else has: of cells that ran once. It can never run again."""
    known = list(_PLACES.items())
    held = Counter(id(place[0]) for _, place in known)
    # Besides its places it is referred to by `code`, and by the call of getrefcount.
    dead = {id(code) for _, (code, _) in known if sys.getrefcount(code) <= held[id(code)] + 2}
    for key, place in known:
        if id(place[0]) in dead:
            _PLACES.pop(key, None)
    _room[0] = max(4_096, 2 * len(_PLACES))


@by_code
def spans_of(code: Any) -> list[Span]:
    """List where each instruction of a code object stands in its file.

    A host may have compiled an indented cell without its margin, as marimo does with the cells in its files: then
    columns point into the margin, and are moved behind it.
    """
    spans: list[Span] = list(code.co_positions())
    lines, margin = linecache.getlines(code.co_filename), 0
    for line, _, start, end in spans:
        if line and start is not None and (start or end) and line <= len(lines):
            text = lines[line - 1]
            margin = max(margin, len(text) - len(text.lstrip()) - start)
    if not margin:
        return spans
    return [(a, b, c if c is None else c + margin, d if d is None else d + margin) for a, b, c, d in spans]


def span_at(place: Place) -> Span | None:
    """Give where `place` stands in its file; None for what is not there."""
    code, at = place
    spans = spans_of(code)
    return spans[at // 2] if at // 2 < len(spans) else None


def line_of(place: Place) -> int:
    """Give the line number of `place` in its file."""
    span = span_at(place)
    return (span[0] if span is not None else None) or int(place[0].co_firstlineno)


def text_of(place: Place) -> str:
    """Give the sub-expression at `place` as it is written; an empty text if it is long, or its source is gone."""
    code, positions = place[0], span_at(place)
    if positions is None or None in positions or positions[0] != positions[1]:
        return ""
    line, _, start, end = positions
    text = linecache.getline(code.co_filename, line or 0).encode()[start:end].decode(errors="replace")
    return text if len(text) <= 40 else ""


def statement_of(place: Place) -> str:
    """Give the sub-expression at `place` as it is written, however long; an empty text if its source is gone."""
    code, positions = place[0], span_at(place)
    if positions is None or None in positions:
        return ""
    line, last, start, end = positions
    lines = [text.encode() for text in linecache.getlines(code.co_filename)[line - 1 : last]]  # type: ignore[operator]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")


def label_with(function: Callable[[str], str | None]) -> None:
    """Let `function` turn file names into labels ("In [3]"); it gives None for a file that it does not know."""
    _labels[:] = [function]


def label_of(filename: str) -> str:
    """Name a file as the reader knows it: its cell's label, or its base name."""
    for function in _labels:
        found = function(filename)
        if found is not None:
            return found
    return os.path.basename(filename)


def describe(place: Place | None) -> str:
    """Say where `place` is, for a message: "line 3 of In [4]"; an empty text if it is not known."""
    if place is None:
        return ""
    return tr("line {line} of {file}", line=line_of(place), file=label_of(place[0].co_filename))


def raised_by_user(error: BaseException) -> bool:
    """Tell whether the user's own code raised an error: the handler of an alarm, say, that rang while ours worked."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb is not None and users(tb.tb_frame.f_code.co_filename)


def name_of(value: Any, frame: Any) -> str:
    """Find the name that the user's code at `frame` has for `value`; an empty text if it has none."""
    frame = user_frame(frame)
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name, held in list(names.items()):
                if held is value and name.isidentifier() and not name.startswith("_"):
                    return str(name)
        frame = (
            frame.f_back
            if frame.f_code.co_name.startswith("<") and frame.f_code.co_name != "<module>"
            else None
        )
    return ""
