"""Setting text in columns of a terminal: how wide it is, padding, clipping, and a table of styled cells.

In: text and how many columns there are. Out: text, or lines of rich's. A name like 勾配 is four columns wide, a
combining accent none; `len` knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from wcwidth import wcswidth, wcwidth

from .. import signs
from . import kinsoku

Cell = tuple[str, str] | str  # text with a style of rich, or without

SYMBOLS = "●▼│╰├─┴┼╎▁▂▃▄▅▆▇█…×∂·–"
_TIE = "\ue000"  # a space where a line is not broken
_ASCII = str.maketrans(SYMBOLS, "ov|`+-++:_.-:=+*#~xd.-")


def width(text: str) -> int:
    """Tell how many columns of a terminal `text` takes.

    Examples
    --------
    >>> width("勾配"), width("x")
    (4, 1)
    """
    found: int = wcswidth(text)
    return found if found >= 0 else len(text)


def text_of(cell: Cell) -> str:
    """Give a cell without its style."""
    return cell if isinstance(cell, str) else cell[0]


def pad(text: str, columns: int, right: bool = False) -> str:
    """Fill `text` up with spaces, on the left when it is to stand right."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


def clip(text: str, columns: int) -> str:
    """Shorten `text` to `columns`, with an ellipsis.

    Examples
    --------
    >>> clip("abcdef", 4), clip("勾配勾配", 6), clip("abc", 3)
    ('abc…', '勾配…', 'abc')
    """
    if width(text) <= columns:
        return text
    taken, room = "", columns - 1
    for character in text:
        room -= max(0, wcwidth(character))
        if room < 0:
            break
        taken += character
    return taken + "…"


def wrap(text: str, columns: int) -> list[str]:
    """Break `text` into lines of at most `columns`: at spaces, and between the characters of Japanese.

    Examples
    --------
    >>> wrap("one two three", 7), wrap("xの勾配は、2です。", 8)
    (['one two', 'three'], ['xの勾配', 'は、2で', 'す。'])
    """
    lines = [""]
    for word in text.split():
        space = " "
        for piece in kinsoku.pieces(word):
            if lines[-1] and width(lines[-1] + space + piece) > columns:
                lines.append("")
            lines[-1] += (space if lines[-1] else "") + clip(piece, columns)
            space = ""
    return lines


def broken(text: str, columns: int, hang: int = 4) -> list[str]:
    """Break code into lines of at most `columns`: at a space, else behind a sign, else anywhere; the rest hangs.

    Japanese prose is broken between its characters.

    Examples
    --------
    >>> broken("  h = np.tanh(X @ W)", 14), broken("a + b", 9), broken("勾配の名前", 6, hang=0)
    (['  h = np.tanh(', '      X @ W)'], ['a + b'], ['勾配の', '名前'])
    """
    indent = len(text) - len(text.lstrip())
    lead = " " * min(indent + hang, columns // 2)
    lines, start, rest = [], text[:indent], text[indent:]
    while len(rest) > 1 and width(start + rest) > columns:
        fits = clip(rest, columns - len(start) + 1)[:-1] or rest[0]
        at = _break(rest, len(fits))
        lines.append(start + rest[:at].rstrip())
        start, rest = lead, rest[at:].lstrip()
    return [*lines, start + rest]


def _break(rest: str, fits: int) -> int:
    """Choose where `rest` is broken, of which so many characters fit."""
    if rest[fits] == " ":
        return fits
    least = fits // 3
    space = rest.rfind(" ", least, fits)
    behind = (
        at for at in range(fits - 1, least - 1, -1) if rest[at] in ",.([{*/+-=" and not _in_number(rest, at)
    )
    signs = next(behind, -1)
    between = next((at for at in range(fits, 0, -1) if kinsoku.parts(rest[at - 1], rest[at])), 0)
    if kinsoku.is_sentence(rest[:fits]) and between > max(space, least):
        return between
    return space if space > 0 else signs + 1 if signs > 0 else between or fits


def _in_number(text: str, at: int) -> bool:
    """Tell whether the sign at a place is a number's point, comma or minus, or its exponent's sign."""
    before, behind = text[:at][-2:], text[at + 1 : at + 2]
    if not behind.isdigit():
        return False
    if text[at] in ".,":
        return before[-1:].isdigit()
    exponent = before[:1].isdigit() and before[-1:] == "e"
    return text[at] in "+-" and (exponent or width(before[-1:]) == 2)


def sums(lines: Sequence[str], columns: int) -> list[str]:
    """Break lines like `name = a + b`: after the equal sign the rest hangs, and a sum is broken before a sign.

    Examples
    --------
    >>> print(*sums(["dz/dx = (a*b + c*d)/2"], 18), sep="\\n")
    dz/dx = (a*b
              + c*d)/2
    """
    found = []
    for line in lines:
        start = line.find("= ") + 2 if "= " in line else 0
        room = columns - start - 2
        first, *more = wrap(_tied(line[start:], room), room)
        found += [line[:start] + first, *(" " * (start + 2) + row for row in more)]
    return [row.replace(_TIE, " ") for row in found]


def _tied(text: str, columns: int) -> str:
    """Tie the words of each term together; where a term is too long, it is broken at any space."""
    most = 1 if text.startswith("(") else 0  # the sum itself may stand in parentheses
    tied, depth = "", 0
    for i, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        between = depth <= most and text[i + 1 : i + 3] in ("+ ", "- ")
        tied += _TIE if c == " " and not between else c
    return " ".join(
        piece if width(piece) <= columns else piece.replace(_TIE, " ") for piece in tied.split(" ")
    )


def in_ascii(text: str) -> str:
    """Replace our own symbols by ASCII ones of the same width; the reader's names stay."""
    return signs.in_ascii(text).translate(_ASCII)


def grid(
    rows: Sequence[Sequence[Cell] | Text], room: int, right: Sequence[int] = (),
    give: Sequence[tuple[int, int]] = (), gap: int = 2, fold: Sequence[int] = (),
) -> list[Text]:  # fmt: skip
    """Set rows of cells in columns.

    Parameters
    ----------
    rows : sequence of rows of cells
        Rows may be shorter than the longest. A `Text` in place of one stands across all columns.
    room : int
        Columns of the terminal.
    right : sequence of int
        Columns that are set right.
    give : sequence of (int, int)
        When the table is too wide: which column is clipped, down to what width, in this order; then the last.
    gap : int
        Spaces between columns. One stands before the first.
    fold : sequence of int
        Columns whose cells are broken into several lines where they are too wide, not clipped.
    """
    if not rows:
        return []
    texts = [[] if isinstance(row, Text) else list(map(text_of, row)) for row in rows]
    count = max(map(len, texts))
    widths = [max((width(row[i]) for row in texts if i < len(row)), default=0) for i in range(count)]
    used = [i for i in range(count) if widths[i]]
    spare = room - 1 - sum(widths) - gap * (len(used) - 1)
    for i, least in (*give, (count - 1, 8)):
        if spare < 0:
            taken = min(-spare, max(0, widths[i] - least))
            widths[i] -= taken
            spare += taken
    lines = []
    for row, styled in zip(texts, rows, strict=True):
        if isinstance(styled, Text):
            lines.append(styled)
            continue
        pieces = {
            i: broken(row[i], widths[i], hang=0) if i in fold else [clip(row[i], widths[i])]
            for i in used
            if i < len(row)
        }
        for k in range(max(map(len, pieces.values()), default=1)):
            line = Text(" ")
            for i, parts in pieces.items():
                style = "" if isinstance(styled[i], str) else styled[i][1]
                text = parts[k] if k < len(parts) else ""
                line.append(pad(text, widths[i], i in right), style).append(" " * gap)
            line.rstrip()
            line.truncate(room)
            lines.append(line)
    return lines
