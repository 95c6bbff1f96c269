"""What `%%grad` says, in the words of the hosts that have no such line: `gm.trace`, `python -m gradmagic`.

In: a message of the cell's. Out: the same, of what the reader has written.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...report.model import Trace

Words = tuple[tuple[str, str], ...]  # patterns, and what stands in their place

TRACE: Words = (
    (" below %%grad", " in the block"),
    (r'%%grad \.\.\. --of ("[^"]*")', r"gm.trace(..., of=\1)"),
    ("on the %%grad line", "in gm.trace(...)"),
    ("define it in an earlier cell, or assign it in this one", "define it before the block"),
    (r"\(%%grad x y\)", '(gm.trace("x", "y"))'),
    ("--gradient V", "gradient=V"),
    ("--of ", "of="),
    ("the cell", "the code"),
)
LINE: Words = (
    (
        r"nothing that the cell computes depends on (.*?): assign the result .*?\(%%grad x y\)\.",
        r"the expression computes nothing of \1: write one that does, such as %grad (x**2).sum().",
    ),
)
OPTION: Words = (
    ('device="([^"]*)"', r"--device \1"),
    (r"device '([^']*)'", r"--device \1"),
    ("device=", "--device"),
)
COMMAND: Words = (
    (" below %%grad", ""),
    (r"%%grad \.\.\. --of", "--of"),
    ("on the %%grad line", "on the command line"),
    ("write on the line", "write there"),
    ("define it in an earlier cell, or assign it in this one", "assign it in the file"),
    (", or define it in an earlier cell| before the cell", ""),
    (r"\(%%grad x y\)", "(python -m gradmagic FILE x y)"),
    ("the cell", "the file"),
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
    for pattern, instead in words:
        text = re.sub(pattern, instead, text)
    return text
