"""A sum of products as a reader writes it: common factors in front, equal terms counted, `/4` rather than `*0.25`.

In: terms, each the factors of one path from the result down to an entry. Out: the sum in names, or in numbers.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Hashable
from typing import NamedTuple

from ..signs import expression
from .numbers import number

TERMS = 12  # of a sum that are written out
_TRUTH = re.compile(r" [<>]=? | [=!]= |logical_not")


class Factor(NamedTuple):
    """A local derivative: where it is (operation and entry), its text (`""`: only a number), its number."""

    at: tuple[int, int]
    text: str
    value: float


Term = tuple[Factor, ...]  # from the result down


def written(terms: list[Term], named: bool) -> str:
    """Write the sum: what all paths begin with in front, equal ways through the same entries put together."""
    # A 1 without a name needs not be read.
    rest = [tuple(factor for factor in term if factor.text or factor.value != 1) for term in terms]
    before: list[Factor] = []
    while len(rest) > 1 and all(term and term[0] == rest[0][0] for term in rest):
        before.append(rest[0][0])
        rest = [term[1:] for term in rest]
    pieces = [_multiplied(count, term, named) for count, term in _collected(rest)]
    total = " + ".join(pieces).replace("+ -", "- ")
    if not before:
        return total
    below = [round(1 / f.value) for f in before if _divides(f)]
    above = [f for f in before if not _divides(f)]
    if len(pieces) > 1 or (below and re.search(r"[ /]", total)):
        total = f"({total})"
    if above:
        total = f"{_bracketed(_multiplied(1, tuple(above), named), False, True)}*{total}"
    return total + "".join(f"/{n}" for n in below)


def largest(terms: list[Term]) -> list[Term]:
    """Choose those terms that are written out: of many that differ the largest, in their order."""
    sums: dict[Hashable, float] = {}
    for term in terms:
        sums[_mark(term)] = sums.get(_mark(term), 0.0) + abs(math.prod(factor.value for factor in term))
    if len(sums) <= TERMS + 1:
        return terms
    chosen = set(sorted(sums, key=lambda mark: -sums[mark])[:TERMS])
    return [term for term in terms if _mark(term) in chosen]


def _mark(term: Term) -> Hashable:
    """Give what alike terms share: the same factors at the same entries, in any order."""
    return tuple(sorted(f.at for f in term)), tuple(sorted(f[1:] for f in term))


def _divides(factor: Factor) -> bool:
    """Tell whether a factor reads better as a division: the 1/4 of a mean."""
    value = factor.value
    return not factor.text and 0 < value < 1 and abs(1 / value - round(1 / value)) < 1e-5 / value


def _collected(terms: list[Term]) -> list[tuple[int, Term]]:
    """Count the terms that are alike: the same factors at the same entries, in any order."""
    found: dict[Hashable, list[Term]] = {}
    for term in sorted(terms, key=lambda term: [factor.at for factor in term]):
        found.setdefault(_mark(term), []).append(term)
    return [(len(alike), alike[0]) for alike in found.values()]


def _multiplied(count: int, term: Term, named: bool) -> str:
    texts = [f.text if named and f.text else number(float(f.value)) for f in term]
    minus = texts.count("-1") % 2 == 1
    # A 1 that has a name stays: each name has its number below it.
    shown = [t for t, f in zip(texts, term, strict=True) if t not in ("1", "-1") or (f.text and t == "1")]
    texts = ([str(count)] if count > 1 else []) + shown
    if named and texts and (minus or len(texts) == 1) and _TRUTH.search(texts[0]):
        texts = ["1", *texts]  # True + True is True, and -True is an error
    several = len(texts) > 1 or minus
    product = "*".join(_bracketed(text, i > 0 or minus, several) for i, text in enumerate(texts))
    return "-" * minus + (product or "1")


def _bracketed(text: str, later: bool, several: bool) -> str:
    """Put a sum into parentheses where it is a factor, and what begins with a minus where it is not the first."""
    try:
        tree = expression(text)
    except SyntaxError:
        return f"({text})" if several else text
    loose = isinstance(tree, (ast.IfExp, ast.Compare, ast.BoolOp)) or (
        isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Add, ast.Sub))
    )
    divided = later and isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Div, ast.FloorDiv, ast.Mod))
    negative = later and text.startswith("-")
    return f"({text})" if several and (loose or divided or negative) else text
