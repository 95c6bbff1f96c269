"""Names of a cell: which it reads, which it assigns, and the instrumenting that tells what each value is called.

In: the cell's syntax tree. Out: sets of names, and the tree with each assignment reported to the run.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

HOOK = "__gradmagic_named__"


class _Usage(ast.NodeVisitor):
    """Names that a cell reads before it assigns them itself, and names that it assigns at its top level, in order."""

    def __init__(self) -> None:
        self.read: dict[str, int] = {}
        self.assigned: dict[str, int] = {}
        self._depth = 0

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            if node.id not in self.assigned or self._depth:
                self.read.setdefault(node.id, node.lineno)
        elif not self._depth:
            self.assigned.setdefault(node.id, node.lineno)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)  # the value is read before the target is assigned
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and node.target.id not in self.assigned:
            self.read.setdefault(node.target.id, node.lineno)
        self.visit(node.value)
        self.visit(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        for part in (node.target, *node.body, *node.orelse):
            self.visit(part)

    def _scope(self, node: Any) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_FunctionDef(self, node: Any) -> None:
        if not self._depth:
            self.assigned.setdefault(node.name, node.lineno)
        self._scope(node)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef
    visit_Lambda = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _scope


def usage(tree: ast.AST) -> tuple[dict[str, int], dict[str, int]]:
    """Give the names that `tree` reads from outside and those that it assigns, each with its first line.

    Examples
    --------
    >>> usage(ast.parse("y = 2*x + 1\\nz = y.sum()"))
    ({'x': 1}, {'y': 1, 'z': 2})
    """
    found = _Usage()
    found.visit(tree)
    return found.read, found.assigned


def simple_values(tree: ast.Module) -> dict[str, ast.expr]:
    """Give, for names first assigned by `name = value` at the top level, that value."""
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                pairs = [(target, statement.value)]
                if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                    pairs = list(zip(target.elts, statement.value.elts, strict=False))
                for name, value in pairs:
                    if isinstance(name, ast.Name):
                        found.setdefault(name.id, value)
    return found


class _Namer(ast.NodeTransformer):
    """Wrap each assigned value in a call of the hook, at the value's own position, so that tracebacks stay exact."""

    def __init__(self) -> None:
        self._depth = 0

    def _call(self, name: str, value: ast.expr, top: bool) -> ast.expr:
        args: list[ast.expr] = [ast.Constant(name), value, ast.Constant(top)]
        call = ast.Call(ast.Name(HOOK, ast.Load()), args, [])
        return ast.fix_missing_locations(ast.copy_location(call, value))

    def _after(self, statement: ast.stmt, targets: list[ast.expr]) -> list[ast.stmt]:
        """Statements that report names which cannot be wrapped: tuple targets, loop targets, `x += y`."""
        made: list[ast.stmt] = []
        for name in _names_in(targets):
            top = not self._depth
            call = self._call(name.id, ast.copy_location(ast.Name(name.id, ast.Load()), name), top)
            new = ast.Assign([ast.Name(name.id, ast.Store())], call) if top else ast.Expr(call)
            made.append(ast.fix_missing_locations(ast.copy_location(new, name)))
        return made

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            node.value = self._call(node.targets[0].id, node.value, not self._depth)
            return node
        return [node, *self._after(node, node.targets)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self.generic_visit(node)
        if node.value is not None and isinstance(node.target, ast.Name):
            node.value = self._call(node.target.id, node.value, not self._depth)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        return [node, *self._after(node, [node.target])]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        self.generic_visit(node)
        node.value = self._call(node.target.id, node.value, False)
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        node.body[:0] = self._after(node, [node.target])
        return node

    def _function(self, node: Any) -> Any:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = _function
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _function


def _names_in(targets: list[ast.expr]) -> list[ast.Name]:
    found: list[ast.Name] = []
    for target in targets:
        if isinstance(target, ast.Name):
            found.append(target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            found += _names_in(target.elts)
        elif isinstance(target, ast.Starred):
            found += _names_in([target.value])
    return found


def instrument(tree: ast.Module) -> ast.Module:
    """Let each assignment of `tree` report (name, value, whether at the top level) to the hook."""
    return _Namer().visit(tree)  # type: ignore[no-any-return]


# The run that listens now. Functions defined in a traced cell call the hook for the rest of the session; without a run
# it hands the value through. It lives in builtins, where no namespace of the user's shows it.
_listeners: list[Callable[[str, Any, bool], Any]] = []


def _named(name: str, value: Any, top: bool = False) -> Any:
    return _listeners[-1](name, value, top) if _listeners else value


setattr(builtins, HOOK, _named)


class listening:
    """Let `listener(name, value, top)` hear of assignments within the block; its result is what is assigned."""

    def __init__(self, listener: Callable[[str, Any, bool], Any]) -> None:
        self._listener = listener

    def __enter__(self) -> None:
        _listeners.append(self._listener)

    def __exit__(self, *_: object) -> None:
        _listeners.remove(self._listener)


def parse_names(words: list[str]) -> list[str]:
    """Split the names on the magic's line, at spaces and commas, Western or Japanese; brackets keep together.

    Examples
    --------
    >>> parse_names(["x,y", "params['W']", "a\\u3000b\\u3001c"])
    ['x', 'y', "params['W']", 'a', 'b', 'c']
    """
    found, word, depth = [], "", 0
    for c in " ".join(words):
        depth += (c in "[(") - (c in "])")
        if c in " ,\t\u3000\u3001\uff0c" and not depth:
            found.append(word)
            word = ""
        else:
            word += c
    return list(dict.fromkeys(name for name in [*found, word] if name))
