"""Local derivatives made readable: `2*x**(2 - 1)` as `2*x`, and their numbers where only what flowed was recorded.

In: operations. Out: the same operations with tidier edges.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from ...engine.core.values import Value, summarise
from ..model import Edge, Operation
from ..signs import expression, signed

_FOLDED = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
_SIMPLE = re.compile(r"[^\W\d][\w.]*(\[[^\[\]]*\])*")


def operand(name: str) -> str:
    """Write what is differentiated, to stand behind a d: in parentheses, unless it is one name or one entry.

    Examples
    --------
    >>> operand("z"), operand("w['a']"), operand("a**2")
    ('z', "w['a']", '(a**2)')
    """
    return name if _SIMPLE.fullmatch(name) else f"({name})"


def tidied(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Tidy the formulas of all edges, and fill in local derivatives that follow from the numbers."""
    return tuple(
        replace(o, inputs=tuple(_tidied(o, edge) for edge in o.inputs)) if o.inputs else o for o in operations
    )


def _tidied(operation: Operation, edge: Edge) -> Edge:
    if edge.source is None:
        return edge
    local, formula = edge.local, tidy(edge.formula)
    # A number from a number: the local derivative is what flows on, over what came.
    if local is None and not edge.early:
        above, below = _number(edge.flow), _number(operation.grad)
        if above is not None and below and below - below == 0:
            local = summarise(float(above) / float(below))
    if local is edge.local and formula == edge.formula:
        return edge
    return replace(edge, local=local, formula=formula)


def _number(value: Value | None) -> float | None:
    return value.items if value is not None and isinstance(value.items, (int, float)) else None


@lru_cache(maxsize=4096)
def tidy(formula: str) -> str:
    """Work out what is plain in a formula: whole numbers, a factor or a power of one, a term of zero.

    Examples
    --------
    >>> tidy("2*x**(2 - 1)"), tidy("3*x**(3 - 1)"), tidy("1*np.exp(x)"), tidy("x + 1")
    ('2*x', '3*x**2', 'np.exp(x)', 'x + 1')
    """
    if not formula:
        return formula
    try:
        tree = expression(formula)
    except SyntaxError:
        return formula
    folder = _Folder()
    found = folder.visit(tree)
    return unparsed(found) if folder.changed else formula


def unparsed(tree: ast.AST) -> str:
    """Write a formula without spaces around the signs of its products."""
    text = signed(ast.unparse(tree))
    for sign in ("**", "*", "/"):
        text = text.replace(f" {sign} ", sign)
    return text


def bracketed(formula: str) -> str:
    """Write a formula as a factor of a product: in parentheses, unless it is one name or number."""
    return formula if formula.replace(".", "").isalnum() or formula == "?" else f"({formula})"


class _Folder(ast.NodeTransformer):
    changed = False

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        kept = self._folded(node)
        self.changed |= kept is not node
        return kept

    def _folded(self, node: ast.BinOp) -> ast.expr:
        left, right = _whole(node.left), _whole(node.right)
        fold = _FOLDED.get(type(node.op))
        if left is not None and right is not None and fold is not None:
            return ast.Constant(fold(left, right))
        if right == 1 and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow)):
            return node.left
        if left == 1 and isinstance(node.op, ast.Mult):
            return node.right
        if right == 0 and isinstance(node.op, (ast.Add, ast.Sub)):
            return node.left
        return node


def _whole(node: ast.expr) -> int | None:
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None
