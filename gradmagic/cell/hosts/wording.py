"""What `%%grad` says, in the words of the hosts that have no such line: `gm.trace`, `python -m gradmagic`.

In: a message of the cell's. Out: the same, of what the reader has written.
"""

from __future__ import annotations

import re

Words = tuple[tuple[str, str], ...]  # patterns, and what stands in their place

TRACE: Words = (
    (r'%%grad \.\.\. --of ("[^"]*")', r"gm.trace(..., of=\1)"),
    ("on the %%grad line", "in gm.trace(...)"),
    ("define it in an earlier cell, or assign it in this one", "define it before the block"),
    (r"\(%%grad x y\)", '(gm.trace("x", "y"))'),
    ("--gradient V", "gradient=V"),
    ("--of ", "of="),
    ("the cell", "the code"),
)
COMMAND: Words = (
    (r"%%grad \.\.\. --of", "--of"),
    ("on the %%grad line", "on the command line"),
    ("define it in an earlier cell, or assign it in this one", "assign it in the file"),
    (", or define it in an earlier cell| before the cell", ""),
    (r"\(%%grad x y\)", "(python -m gradmagic FILE x y)"),
    ("the cell", "the file"),
)


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
