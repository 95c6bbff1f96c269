"""What `%%grad` says, in the words of the hosts that have no such line: `gm.trace`, `python -m gradmagic`.

In: a message of the cell's. Out: the same, of what the reader has written.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from string import Formatter

from ...language import mark, tr
from ...report.model import Trace

# Words, and what stands in their place: in each language as its table has them; a field is whatever stands there.
Words = tuple[tuple[str, str], ...]

TRACE: Words = (
    (mark(" below %%grad"), mark(" in the block")),
    ('%%grad ... --of "{result}"', 'gm.trace(..., of="{result}")'),
    (mark("on the %%grad line"), mark("in gm.trace(...)")),
    (mark("define it in an earlier cell, or assign it in this one"), mark("define it before the block")),
    ("%%grad x y", 'gm.trace("x", "y")'),
    ("--gradient V", "gradient=V"),
    ("--of ", "of="),
    (mark("the cell"), mark("the code")),
)
LINE: Words = (
    (
        mark(
            "nothing that the cell computes depends on {inputs}: assign the result to a name or end the cell with "
            "it, or name what it does depend on (%%grad x y)."
        ),
        mark("the expression computes nothing of {inputs}: write one that does, such as %grad (x**2).sum()."),
    ),
)
OPTION: Words = (
    ('device="{device}"', "--device {device}"),
    (mark("device '{device}'"), "--device {device}"),
    ("device=", "--device"),
)
COMMAND: Words = (
    (mark(" below %%grad"), ""),
    ("%%grad ... --of", "--of"),
    (mark("on the %%grad line"), mark("on the command line")),
    (mark("define it in an earlier cell, or assign it in this one"), mark("assign it in the file")),
    (mark("{names} on the line, or define it in an earlier cell"), mark("{names} on the line")),
    (mark(" before the cell"), ""),
    ("%%grad x y", "python -m gradmagic FILE x y"),
    (mark("the cell"), mark("the file")),
)


def notes_in_words(trace: Trace, words: Words) -> Trace:
    """Say the notes of a trace in these words."""
    return replace(trace, notes=tuple(replace(note, text=in_words(note.text, words)) for note in trace.notes))


def in_words(text: str, words: Words) -> str:
    """Say it in these words.

    Examples
    --------
    >>> in_words("name 'q' on the %%grad line is not defined", COMMAND)
    "name 'q' on the command line is not defined"
    """
    for said, instead in words:
        new = tr(instead) if instead else ""
        text = re.sub(found(tr(said)), partial(_filled, new), text)
    return text


def _filled(new: str, match: re.Match[str]) -> str:
    held = match.groupdict()
    return new.format(**held) if held else new


def found(said: str) -> str:
    """Give the pattern of words with fields.

    Examples
    --------
    >>> found("write {name}.sum()"), found("(x)")
    ('write\\\\ (?P<name>.*?)\\\\.sum\\\\(\\\\)', '\\\\(x\\\\)')
    """
    parts = Formatter().parse(said)
    return "".join(
        re.escape(plain) + (f"(?P<{field}>.*?)" if field is not None else "") for plain, field, _, _ in parts
    )
