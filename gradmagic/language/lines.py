"""Breaking a text into lines of a terminal, also where its language sets no spaces between words.

In: text and how many columns there are. Out: lines. A Japanese character is two columns wide; a line ends behind any
of them, but for those that no line may end or begin with. Words and code in Latin letters stay whole.
"""

from __future__ import annotations

from unicodedata import category, east_asian_width

_OPEN = frozenset("（「『【〈《")  # no line ends with them
_CLOSE = frozenset(
    "、。，．：；）」』】〉》！？ーぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥・"
)  # none begins with them


def columns_of(text: str) -> int:
    """Tell how many columns of a terminal `text` takes.

    Examples
    --------
    >>> columns_of("勾配"), columns_of("x")
    (4, 1)
    """
    return sum(2 if _wide(c) else category(c) not in ("Mn", "Me", "Cf") for c in text)


def lines_of(text: str, columns: int) -> list[str]:
    """Break `text` into lines of at most `columns`; what is longer and has no place to break stays whole.

    Examples
    --------
    >>> lines_of("xによる勾配です。np.dotの勾配", 11)
    ['xによる勾配', 'です。', 'np.dotの勾', '配']
    """
    made = [""]
    space = ""
    for unit in _units(" ".join(text.split())):
        if unit == " ":
            space = unit
            continue
        if made[-1] and columns_of(made[-1] + space + unit) > columns:
            made.append("")
            space = ""
        made[-1] += space + unit
        space = ""
    return made


def _units(text: str) -> list[str]:
    """Take a text apart into what no line's end may divide."""
    units: list[str] = []
    for c in text:
        last = units[-1][-1] if units else ""
        whole = " " not in (c, last) and (
            c in _CLOSE or last in _OPEN or (bool(last) and not _wide(c) and not _wide(last))
        )
        if units and whole:
            units[-1] += c
        else:
            units.append(c)
    return units


def _wide(c: str) -> bool:
    return east_asian_width(c) in "WF"
