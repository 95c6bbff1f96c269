"""Signs for values that have no name of their own in a formula: `u₃` for a long expression, `h₂` for the second h.

No name of Python's has a subscript digit, so a sign is never taken for the reader's. Where a formula is parsed a sign
is written as a name with `MARK` in it.
"""

from __future__ import annotations

import ast
import re

from ..engine.core.interpreter import parse
from ..engine.core.values import Value

MARK = "ᛜ"  # a letter, so that Python reads it, and none that a program is written with
SIGN = re.compile(r"[^\W\d][^\W₀-₉]*[₀-₉]+")
DIGITS = "₀₁₂₃₄₅₆₇₈₉"
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_PLAIN = {ord(sub): digit for sub, digit in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)}


def sign(base: str, number: int) -> str:
    """Make a sign.

    Examples
    --------
    >>> sign("h", 12)
    'h₁₂'
    """
    return base + str(number).translate(_DIGITS)


def marked(text: str) -> str:
    """Write the signs in a text as names that Python reads."""
    return re.sub("[₀-₉]+", lambda digits: MARK + digits[0].translate(_PLAIN), text)


def signed(text: str) -> str:
    """Undo `marked`."""
    return re.sub(f"{MARK}(\\d+)", lambda mark: mark[1].translate(_DIGITS), text)


def in_ascii(text: str) -> str:
    """Write signs so that they are no names either: `h₂` as `h#2`; where there is room, columns stay where they are.

    Examples
    --------
    >>> in_ascii("h₂*w   = 3"), in_ascii("h₂ = 3")
    ('h#2*w  = 3', 'h#2 = 3')
    """
    found = []
    for line in text.split("\n"):
        more = 0
        pieces = re.split("([₀-₉]+| {2,})", line)
        for i, piece in enumerate(pieces):
            if i % 2 and piece[0] != " ":
                pieces[i] = "#" + piece.translate(_PLAIN)
                more += 1
            elif i % 2 and more:
                cut = min(more, len(piece) - 1)
                pieces[i] = piece[cut:]
                more -= cut
        found.append("".join(pieces))
    return "\n".join(found)


def at_ties(formula: str, local: Value | None) -> str:
    """Write a choice, `a > b`, so that it is right where both are equal, if they are anywhere."""
    choice = _CHOICE.fullmatch(formula)
    halves = local is not None and "0.5" in re.findall(r"[\d.]+", repr(local.items))
    return f"({formula}) + ({choice[1]} == {choice[2]})/2" if choice and halves else formula


_CHOICE = re.compile(r"(.+) [<>] (.+)")


def expression(text: str) -> ast.expr:
    """Parse an expression with signs in it; the names of signs have a mark.

    Raises
    ------
    SyntaxError, ValueError
        If it is not an expression.
    """
    tree: ast.expr = parse(marked(text.strip()), mode="eval").body
    return tree
