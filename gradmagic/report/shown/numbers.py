"""How numbers are written, everywhere in a report: four digits that count, two more where four would say 1 of 1.0001.

In: numbers and `Value`s. Out: short plain strings, never markup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...engine.core.values import Value
from ...language import tr

BLOCKS = "▁▂▃▄▅▆▇█"


def number(x: object, digits: int = 4, point: bool = False) -> str:
    """Write one number with `digits` significant digits and no more than it needs.

    Parameters
    ----------
    x : number or str
        Text is handed on as it is.
    digits : int
        Significant digits.
    point : bool
        Whether a float that is whole keeps its point: `85.0`.

    Examples
    --------
    >>> number(0.1 + 0.2), number(85.0), number(85.0, point=True), number(3), number(-1.2344e-7)
    ('0.3', '85', '85.0', '3', '-1.234e-7')
    >>> number(1.0001), number(1.0000001)
    ('1.0001', '1')
    >>> number(float("nan")), number(1 - 2j), number(123456.7)
    ('NaN', '1-2j', '123457')
    """
    if isinstance(x, complex):
        imaginary = number(x.imag, digits)
        return f"{number(x.real, digits)}{'' if imaginary[0] == '-' else '+'}{imaginary}j"
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        return str(x)
    if isinstance(x, int) and abs(x) >= 10**9:
        return f"{x:.{digits - 1}e}" if abs(x) < 10**300 else f"{str(x)[:digits]}..."
    if isinstance(x, int):
        return str(x)
    if not math.isfinite(x):
        return "NaN" if x != x else "inf" if x > 0 else "-inf"
    if x == 0:
        return "0.0" if point else "0"
    size = abs(x)
    if not 1e-4 <= size < 1e7:
        mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
        return f"{_short(mantissa)}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = _short(f"{x:.{decimals}f}")
    if decimals and "." not in text and float(text) != x:  # 1.0001 is not 1
        text = _short(f"{x:.{decimals + 2}f}")
    return text + ".0" if point and "." not in text else text


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def factor(x: object) -> str:
    """Write a number as a factor of a product: in parentheses below zero.

    Examples
    --------
    >>> factor(2.0), factor(-3)
    ('2', '(-3)')
    """
    text = number(x)
    return f"({text})" if text.startswith("-") else text


def aligned(numbers: Sequence[Any], decimals: int | None = None) -> list[str]:
    """Write numbers that stand in one column or row: the same number of decimals, right-aligned.

    Examples
    --------
    >>> aligned([-2, 0.25, 10.125])
    ['-2.000', ' 0.250', '10.125']
    >>> aligned([1, -12])
    ['  1', '-12']
    """
    if any(isinstance(x, (str, complex)) for x in numbers):
        texts = [number(x) for x in numbers]
    else:
        places = decimals_of(numbers) if decimals is None else decimals
        texts = [_fixed(x, places) for x in numbers]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]


def _fixed(x: Any, places: int) -> str:
    if isinstance(x, bool) or x != x or abs(x) == math.inf:
        return number(x)
    if places < 0:
        return number(float(x), 3)
    text = f"{x:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def decimals_of(numbers: Iterable[Any]) -> int:
    """Tell how many decimals show all of `numbers` well: as few as are exact, at most four digits of the largest.

    -1 where only exponents do (the largest is tiny or huge).
    """
    known = [abs(x) for x in finite(x for x in numbers if not isinstance(x, (str, complex, bool)))]
    peak = max(known, default=0)
    if peak and not 1e-3 <= peak < 1e6:
        return -1
    most = 4 if peak < 10 else 3 if peak < 1e3 else 1
    if 0 < peak < 1:
        most = 3 - math.floor(math.log10(peak))
    for places in range(most):
        if all(abs(round(x, places) - x) <= 1e-6 * peak for x in known):
            return places
    return most


def brief(value: Value | None, room: int = 28, digits: int = 4) -> str:
    """Write a value in a few words: the number, the few numbers, or the range.

    Examples
    --------
    >>> import numpy as np
    >>> from gradmagic.engine.core.values import summarise
    >>> brief(summarise(np.arange(17.0))), brief(summarise(np.ones(4))), brief(summarise(2))
    ('0 .. 16', '1 everywhere', '2')
    >>> brief(summarise(np.array([[17, 11], [11, 13]])))
    '[[17, 11], [11, 13]]'
    >>> brief(summarise(np.array([1.0, np.nan, 3.0, 4.0, 5.0, 6.0, 7.0])))
    '1 .. 7, 1 of 7 NaN'
    """
    if value is None:
        return ""
    if not value.shape:
        return number(value.items, digits)
    if not value.size:
        return tr("empty")
    odd = ((value.nans, "NaN"), (value.infs, "inf"))
    for count, name in odd:
        if count == value.size:
            return tr("{value} everywhere", value=name)
    bad = [(count, name) for count, name in odd if count]
    if value.low is None or value.high is None:
        if value.norm is None:
            return tr("not numbers")
        return _with_odd(tr("norm {norm}", norm=number(value.norm, digits)), bad, value.size)
    if value.low == value.high and not bad:
        same = number(value.low, digits)
        return tr("{value} everywhere", value=same) if value.size > 1 else f"[{same}]"
    if value.size <= 6 and value.items is not None:
        listed = _listed(value.items, digits)
        if len(listed) <= room:
            return listed
    return _with_odd(f"{number(value.low, digits)} .. {number(value.high, digits)}", bad, value.size)


def _with_odd(text: str, odd: Sequence[tuple[int, str]], size: int) -> str:
    for n, name in odd:
        text = tr("{text}, {n} of {size} {name}", text=text, n=n, size=size, name=name)
    return text


def on_a_line(text: str) -> str:
    """Write a range with an ellipsis, and so that no line breaks in it.

    Examples
    --------
    >>> on_a_line("0 .. 16").split("\u00a0")
    ['0', '…', '16']
    """
    return text.replace(" .. ", "\u00a0…\u00a0")


def _listed(items: Any, digits: int) -> str:
    """Write nested tuples as NumPy prints arrays, on one line."""
    if not isinstance(items, tuple):
        return number(items, digits)
    return "[" + ", ".join(_listed(item, digits) for item in items) + "]"


def rows_of(items: Any, axes: int) -> list[list[str]]:
    """Write an array's nested elements row by row along the last axis, all to the same decimals.

    Examples
    --------
    >>> rows_of(((1, 2.5), (3, 4)), 2)
    [['1.0', '2.5'], ['3.0', '4.0']]
    """
    rows = [items]
    for _ in range(axes - 1):
        rows = [row for block in rows for row in block]
    texts = iter(aligned([x for row in rows for x in row]))
    return [[next(texts) for _ in row] for row in rows]


def shape_of(shape: tuple[int, ...]) -> str:
    """Write a shape as NumPy does; nothing for a number."""
    return str(shape) if shape else ""


def index_of(flat: int, shape: tuple[int, ...]) -> str:
    """Write the index of entry `flat` of an array, counted along the flattened array; nothing where there is none.

    Examples
    --------
    >>> index_of(5, (2, 4)), index_of(0, ()), index_of(0, (0, 3))
    ('[1,1]', '', '')
    """
    if not shape or not math.prod(shape):
        return ""
    return "[" + ",".join(str(i) for i in np.unravel_index(flat, shape)) + "]"


def sign(value: Value | None) -> str:
    """Tell the sign of a value: `+`, `-`, `0`, `±` (both), `!` (NaN or inf in it), or nothing where it is unknown."""
    if value is None or not value.size:
        return ""
    if value.nans or value.infs:
        return "!"
    if value.zeros == value.size:
        return "0"
    if value.low is None or value.high is None:
        return ""
    return "+" if value.low >= 0 else "-" if value.high <= 0 else "±"


def sparkline(numbers: Sequence[float | None], width: int = 64) -> str:
    """Draw numbers as a row of blocks between their own least and greatest; NaN and inf as `?`, None as a gap.

    Examples
    --------
    >>> sparkline([0, 1, 2, 3]), sparkline([None, 1, float("nan"), 3])
    ('▁▃▆█', ' ▁?█')
    """
    if len(numbers) > width:
        numbers = [numbers[i * (len(numbers) - 1) // max(1, width - 1)] for i in range(width)]
    known = finite(x for x in numbers if x is not None)
    low, high = min(known, default=0.0), max(known, default=0.0)
    # Halves first: the difference of two large floats may pass the largest.
    span, top = high / 2 - low / 2 or 1.0, len(BLOCKS) - 1
    blocks = (
        " " if x is None else BLOCKS[round((x / 2 - low / 2) / span * top)] if x - x == 0 else "?"
        for x in numbers
    )  # fmt: skip
    return "".join(blocks)


def finite(numbers: Iterable[float]) -> list[float]:
    """Leave out NaN and inf."""
    return [x for x in numbers if x - x == 0]


def samples(value: Value) -> tuple[float, ...]:
    """Give the numbers that picture a value: its elements in order when they are kept, else its samples."""
    if value.items is None or not value.shape:
        return value.picture
    flat = [value.items]
    for _ in value.shape:
        flat = [item for items in flat for item in items]
    return tuple(float(item) for item in flat if isinstance(item, (int, float)))
