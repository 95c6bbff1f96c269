"""What each line of a source gives: the values it assigns, returns or leaves, and where they stand.

In: the text of a cell. Out: for each line its `Given`s, as the reader counts lines.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from ...engine.core.interpreter import parse


@dataclass(frozen=True)
class Given:
    """A value that a statement gives.

    Attributes
    ----------
    name : str
        What it is assigned to; `""` where it is returned, or an expression by itself.
    span : tuple of int
        (line, column, end line, end column) of the expression, columns in characters; of a whole `x += 1`.
    mark : tuple of int
        The span that is marked in its line: that of the name, where several are assigned at once.
    called : bool
        Whether the expression is a call.
    """

    name: str
    span: tuple[int, int, int, int]
    mark: tuple[int, int, int, int]
    called: bool


@lru_cache(maxsize=8)  # a report asks several times
def given_by(source: str, first_line: int) -> dict[int, list[Given]] | None:
    """List by line what statements give; None for what is not Python by itself.

    Examples
    --------
    >>> {line: [g.name for g in found] for line, found in given_by("a, b = 1, x\\nc = a; return_(c)", 2).items()}
    {2: ['a', 'b'], 3: ['c', '']}
    """
    try:
        tree = parse(source, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return None
    texts = source.split("\n")

    def span(node: ast.AST) -> tuple[int, int, int, int]:
        line, end = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        first, last = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        columns = [len(texts[i - 1].encode()[:at].decode()) for i, at in ((line, first), (end, last))]
        return line + first_line - 1, columns[0], end + first_line - 1, columns[1]

    found: dict[int, list[Given]] = defaultdict(list)
    for node in ast.walk(tree):
        for target, value, whole in _values(node):
            name = ast.unparse(_base(target)) if target is not None else ""
            several = target is not None and value is None
            place = span(target if several else whole or value)  # type: ignore[arg-type]
            calls = several or isinstance(value, (ast.Call, ast.Await))
            found[place[0]].append(Given(name, place, span(target) if several else place, calls))  # type: ignore[arg-type]
    return dict(found)


def _values(node: ast.AST) -> list[tuple[ast.expr | None, ast.expr | None, ast.AST | None]]:
    """Give (target, value, the statement where it is marked as a whole); the value None where it is taken apart."""
    match node:
        case ast.Assign(value=ast.Lambda(body=value)):
            return [(None, value, None)]
        case ast.Assign(targets=[*_, (ast.Tuple() | ast.List()) as target], value=value):
            elements = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            if len(elements) == len(target.elts):
                return [(t, v, None) for t, v in zip(target.elts, elements, strict=True)]
            return [(t, None, None) for t in target.elts]
        case ast.Assign(targets=[*_, target], value=value):
            return [(target, value, None)]
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return [(target, value, None)]
        case ast.AugAssign(target=target, value=value):
            return [(target, value, node)]
        case ast.Return(value=ast.expr() as value) | ast.Expr(value=value):
            return [(None, value, None)]
        case ast.If(test=value) | ast.While(test=value) | ast.For(iter=value) | ast.Assert(test=value):
            return [(None, value, None)]
    return []


def _base(target: ast.expr) -> ast.expr:
    """Give what a target writes into: `buf` of `buf[0] = v`."""
    while isinstance(target, (ast.Subscript, ast.Starred)):
        target = target.value
    return target
