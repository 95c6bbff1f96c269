"""A language that only tests speak: every sentence of the table in letters with marks, one for one, so wide as before.

Whoever reads a shown text in it sees at once what did not come from the table: it is in plain letters.
"""

import builtins
import gettext
import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from string import Formatter

import numpy as np

import gradmagic as gm
from gradmagic import language

from . import catalogue

_MARKED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "àƀćđèƒǧħìĵķłɱńòƥɋŕšťùṽŵẋýžÀƁĆĐÈƑǦĦÌĴĶŁṀŃÒƤɊŔŠŤÙṼŴẊÝŽ",
)
# A word of prose: not a part of a name, of a call, a path, an option or a quoted text.
_WORD = re.compile(r"(?<![\w.\-/=$\\@%'\"`<{\[])[A-Za-z]?[a-z]{2,}(?![\w(=\\'\"`>}\]/]|\.\w|-\w)")


class Twins(gettext.NullTranslations):
    """The table of this language: made of the sentences themselves."""

    def gettext(self, message: str) -> str:
        return marked(message)


def marked(sentence: str) -> str:
    """Give a sentence in this language, its fields as they are."""
    try:
        parts = list(Formatter().parse(sentence))
    except ValueError:  # braces that are no fields
        return sentence.translate(_MARKED)
    made = []
    for text, name, spec, conversion in parts:
        made.append(text.translate(_MARKED).replace("{", "{{").replace("}", "}}"))
        if name is not None:
            how = ("!" + conversion if conversion else "") + (":" + spec if spec else "")
            made.append("{" + name + how + "}")
    return "".join(made)


@contextmanager
def spoken() -> Iterator[None]:
    """Speak this language for a while."""
    before = language._twins, language._language
    language._twins, language._language = Twins(), "pseudo"
    try:
        yield
    finally:
        language._twins, language._language = before


@cache
def vocabulary() -> frozenset[str]:
    """The words of our sentences that are not names of Python, NumPy, PyTorch or gradmagic too."""
    words: set[str] = set()
    for message in catalogue.table("ja"):
        if message.id:
            words |= {word.lower() for word in _WORD.findall(re.sub(r"{.*?}", " ", message.id))}
    names = {*dir(np), *dir(np.ndarray), *dir(np.linalg), *dir(gm), *dir(gm.nn), *dir(gm.nn.functional)}
    names |= {*dir(gm.optim), *dir(gm.Tensor), *dir(builtins), *keyword.kwlist, *keyword.softkwlist}
    return frozenset(words - {name.lower() for name in names})


def plain_words(shown: str, *codes: str) -> list[str]:
    """Give the words of ours that a shown text has in plain letters; those of the user's code are the user's."""
    of_user = {word.lower() for code in codes for word in re.findall(r"[A-Za-z]+", code)}
    return sorted({w for w in _WORD.findall(shown) if w.lower() in vocabulary() and w.lower() not in of_user})


class _Read(HTMLParser):
    """What is read of a page: its text, and what shows up over it or is read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style", "code", "pre")
        self.texts += [
            value for name, value in attrs if value and name in ("title", "aria-label", "alt", "placeholder")
        ]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "code", "pre")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def read_of(page: str) -> str:
    """Give what is read of an HTML page or an SVG."""
    reader = _Read()
    reader.feed(page)
    return "\n".join(reader.texts)
