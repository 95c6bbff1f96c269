"""Where the hooks of turns stand: in each loop, comprehension and function of a tree that has the other hooks already.

In: the tree. Out: the same tree, in which each turn of a loop and each call of a function tells the run of itself
(telling/turn_log.py). What a loop goes over is left as it is: a turn is told of in its body.
"""

from __future__ import annotations

import ast
from typing import Any

from .syntax import compiled_by

TURN, AHEAD, EACH, CALL = (f"__gradmagic_{name}__" for name in ("turn", "ahead", "each", "entered"))


class _Turned(ast.NodeTransformer):
    def visit_For(self, node: Any) -> Any:
        self.generic_visit(node)
        node.body.insert(0, _statement(node.body[0], TURN, _mark("for", node)))
        return node

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> Any:
        self.generic_visit(node)
        mark = _mark("while", node)
        if not isinstance(
            node.test, ast.Constant
        ):  # what the test computes belongs to the turn that it lets begin
            node.test = ast.copy_location(
                ast.BoolOp(ast.And(), [_call(node.test, AHEAD, mark), node.test]), node.test
            )
        node.body.insert(0, _statement(node.body[0], TURN, mark))
        return node

    def _comprehension(self, node: Any) -> Any:
        self.generic_visit(node)
        for depth, part in enumerate(node.generators):
            if not part.is_async:
                part.iter = _call(part.iter, EACH, _mark("comprehension", node, depth), part.iter)
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_FunctionDef(self, node: Any) -> Any:
        if compiled_by(node):
            return node
        self.generic_visit(node)
        at = int(ast.get_docstring(node, clean=False) is not None)
        node.body.insert(at, _statement(node.body[0], CALL, _mark("function", node)))
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.generic_visit(node)
        told = _call(node.body, CALL, _mark("function", node))
        node.body = ast.copy_location(ast.BoolOp(ast.Or(), [told, node.body]), node.body)
        return node


def _mark(kind: str, node: Any, depth: int = 0) -> ast.expr:
    """Say what repeats and where it stands, as instructions tell where they do: lines, then columns in bytes."""
    mark: Any = (kind, node.lineno, node.end_lineno, node.col_offset, node.end_col_offset, depth)
    return ast.Constant(mark)


def _call(at: ast.AST, hook: str, *args: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(ast.Name(hook, ast.Load()), list(args), []), at)


def _statement(at: ast.stmt, hook: str, mark: ast.expr) -> ast.stmt:
    return ast.copy_location(ast.Expr(_call(at, hook, mark)), at)


def turned(tree: Any) -> Any:
    """Put the hooks of turns into a tree, in place.

    Examples
    --------
    >>> print(ast.unparse(turned(ast.parse("while x > 1:\\n    x = x / 2"))))
    while __gradmagic_ahead__(('while', 1, 2, 0, 13, 0)) and x > 1:
        __gradmagic_turn__(('while', 1, 2, 0, 13, 0))
        x = x / 2
    """
    return ast.fix_missing_locations(_Turned().visit(tree))
