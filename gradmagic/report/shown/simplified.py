"""Local derivatives made readable: `2*x**(2 - 1)` as `2*x`, and their numbers where only what flowed was recorded.

In: operations. Out: the same operations with tidier edges.
"""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import replace
from functools import lru_cache

from ...engine.core.values import summarise
from ..model import Edge, Operation

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


def tidied(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Tidy the formulas of all edges, and fill in local derivatives that follow from the numbers."""
    return tuple(
        replace(o, inputs=tuple(_edge(o, edge) for edge in o.inputs)) if o.inputs else o for o in operations
    )


def _edge(operation: Operation, edge: Edge) -> Edge:
    if edge.source is None:
        return edge
    local = edge.local
    grad, flow = operation.grad, edge.flow
    # A number from a number: the local derivative is what flows on, over what came.
    if (
        not edge.early
        and local is None
        and grad is not None
        and flow is not None
        and not (operation.shape or flow.shape)
    ):
        above, below = flow.items, grad.items
        if (
            isinstance(above, (int, float))
            and isinstance(below, (int, float))
            and below
            and below - below == 0
        ):
            local = summarise(float(above) / float(below))
    formula = tidy(edge.formula)
    return (
        edge
        if local is edge.local and formula == edge.formula
        else replace(edge, local=local, formula=formula)
    )


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
        tree = ast.parse(formula, mode="eval")
    except SyntaxError:
        return formula
    folder = _Folder()
    found = folder.visit(tree)
    if not folder.changed:
        return formula
    text = ast.unparse(found)
    for sign in ("**", "*", "/"):
        text = text.replace(f" {sign} ", sign)
    return text


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
