"""The language that gradmagic speaks: English stands in the code, where it is said; its twins stand in a table.

In: an English sentence, with fields in braces and what they hold. Out: the sentence in the reader's language. The
table of a language is `<language>/LC_MESSAGES/gradmagic.po`, gettext's form, English and translation side by side;
`python -m tests.language.catalogue` brings it up to date with the code and compiles it (`.mo`).

What can be typed stays as it is in every language, and so do the sentences that readers know of PyTorch and NumPy.
"""

from __future__ import annotations

import gettext
import locale
import os
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ja")
_TABLES = Path(__file__).parent


def tr(sentence: str, /, **fields: Any) -> str:
    """Say an English sentence in the reader's language, its fields filled in as by `str.format`.

    Examples
    --------
    >>> tr("gradient of {name}", name="y")
    'gradient of y'
    >>> set_language("ja")
    >>> tr("gradient of {name}", name="y")
    'yの勾配'
    >>> set_language("en")
    """
    if _twins is not None and sentence:  # the empty one is the table's header
        sentence = _twins.gettext(sentence)
    return sentence.format(**fields) if fields else sentence


def in_each(sentence: str, /, **fields: Any) -> tuple[str, ...]:
    """Say an English sentence in every language: what was said in one is known again in another.

    Examples
    --------
    >>> in_each("gradient of {name}", name="y")
    ('gradient of y', 'yの勾配')
    """
    tables = (gettext.translation("gradmagic", _TABLES, [one]) for one in LANGUAGES[1:])
    return tuple(said.format(**fields) for said in (sentence, *(table.gettext(sentence) for table in tables)))


def mark(sentence: str) -> str:
    """Mark a sentence of a table as one that will be said: the table keeps it English, `tr` says it."""
    return sentence


def capital(text: str) -> str:
    """Let a text begin a sentence: English ones with a capital letter, Japanese ones as they are, code or not."""
    return text[:1].upper() + text[1:] if _twins is None else text


def set_language(language: str | None = None) -> None:
    """Choose the language of reports, notes, help and errors.

    Parameters
    ----------
    language : {"en", "ja"}, optional
        English or Japanese. Without it, what the environment says: `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` or `LANG`, in
        this order, then the system's locale; English where that is none of them.

    Raises
    ------
    ValueError
        For a language that gradmagic does not speak.

    Notes
    -----
    In a notebook, `%config GradMagic.language = "ja"` does the same. What has been said stays in its language.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.set_language("en")
    >>> gm.get_language()
    'en'
    """
    global _language, _twins
    if language is None:
        language = _of_environment()
    if language not in LANGUAGES:
        raise ValueError(tr(
            "{language!r} is no language of gradmagic: write {known}.",
            language=language, known=tr(" or ").join(map(repr, LANGUAGES)),
        ))  # fmt: skip
    _twins = None if language == "en" else gettext.translation("gradmagic", _TABLES, [language])
    _language = language


def get_language() -> str:
    """Give the language that gradmagic speaks: "en" or "ja"."""
    return _language


def _of_environment() -> str:
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    said = (
        next((value for name in names if (value := os.environ.get(name))), None)
        or locale.getlocale()[0]
        or ""
    )
    # "ja_JP.UTF-8", "ja:en", and Windows' "Japanese_Japan"
    wanted = [
        locale.normalize(one.partition("_")[0].partition(".")[0]).partition("_")[0] for one in said.split(":")
    ]
    return next((one for one in wanted if one in LANGUAGES), "en")


_language = "en"
_twins: gettext.NullTranslations | None = None
set_language()
