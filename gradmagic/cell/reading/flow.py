"""Which plain values matter: whether what `float(x)` gave goes on into the result, or only to the reader's eyes.

In: a syntax tree, and the spans of expressions that gave plain values. Out: the names that depend on them. Order is
not looked at: a name that is ever computed from such a value counts as depending on it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

Span = tuple[int, int, int, int]  # line, end line, column, end column, columns in characters

# What these give is text, a truth value or nothing: no gradient could flow through it.
_NO_NUMBERS = set("print display pprint str repr format len isinstance type id hash assert_allclose".split())
# np. functions that write into their first argument.
_WRITING = set("copyto put place putmask at fill_diagonal put_along_axis".split())


class Flow:
    """The names of a tree that depend on the expressions at `spans`."""

    def __init__(self, tree: ast.AST, spans: Iterable[Span], text: str, modules: Iterable[str] = ()) -> None:
        self._spans = set(spans)
        self._lines = text.splitlines()
        self._modules = set(modules)
        self._sources: set[int] = set()
        self.names: set[str] = set()
        self._mark(tree)
        self._statements = [
            n for n in ast.walk(tree) if isinstance(n, (ast.stmt, ast.NamedExpr, ast.comprehension))
        ]
        self._owners = _owners(tree)
        before = -1
        while len(self.names) > before:
            before = len(self.names)
            for statement in self._statements:
                self._follow(statement)

    def _mark(self, tree: ast.AST) -> None:
        """Find the expressions at the spans; where none has exactly that span, the smallest around it."""
        nodes = [(self._span(n), n) for n in ast.walk(tree) if isinstance(n, (ast.expr, ast.AugAssign))]
        for span in self._spans:
            inside = [(s, n) for s, n in nodes if _contains(s, span)]
            if not inside:
                continue
            node = min(inside, key=lambda pair: _size(pair[0]))[1]
            if isinstance(node, ast.AugAssign):
                self.names.update(_bases(node.target))  # out += x, of a plain array
            elif isinstance(getattr(node, "ctx", None), ast.Store):
                self.names.update(_bases(node))  # out[i] = x[i]: out took in the plain value
            else:
                self._sources.add(id(node))

    def _span(self, node: Any) -> Span:
        return (
            node.lineno, node.end_lineno, self._column(node.lineno, node.col_offset),
            self._column(node.end_lineno, node.end_col_offset),
        )  # fmt: skip

    def _column(self, line: int, byte: int) -> int:
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        return byte if text.isascii() else len(text.encode()[:byte].decode(errors="ignore"))

    def holds(self, node: ast.AST | None) -> bool:
        """Tell whether the value of `node` depends on one of the expressions."""
        if node is None or isinstance(node, (ast.JoinedStr, ast.Compare)):
            return False
        if id(node) in self._sources:
            return True
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Call) and _called(node.func) in _NO_NUMBERS:
            return False
        if isinstance(node, ast.IfExp):
            return self.holds(node.body) or self.holds(node.orelse)
        return any(self.holds(child) for child in ast.iter_child_nodes(node))

    def _follow(self, node: ast.AST) -> None:
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
            if self.holds(node.value):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self.names.update(_bases(target))
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            if self.holds(node.iter):
                self.names.update(_bases(node.target))
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None and self.holds(item.context_expr):
                    self.names.update(_bases(item.optional_vars))
        elif isinstance(node, ast.Return) and self.holds(node.value):
            self.names.update(self._owners.get(id(node), ()))
        elif isinstance(node, ast.Expr):
            self._follow_call(node)

    def _follow_call(self, statement: ast.Expr) -> None:
        """A call for its effect: `xs.append(value)` changes xs, `np.copyto(out, value)` changes out."""
        value = statement.value
        if isinstance(value, (ast.Yield, ast.YieldFrom)) and self.holds(value.value):
            self.names.update(self._owners.get(id(statement), ()))
        if not isinstance(value, ast.Call) or _called(value.func) in _NO_NUMBERS:
            return
        if id(value) in self._sources:
            self.names.update(n for k in value.keywords if k.arg == "out" for n in _bases(k.value))
        if not any(self.holds(argument) for argument in [*value.args, *(k.value for k in value.keywords)]):
            return
        bases = set(_bases(value.func)) if isinstance(value.func, ast.Attribute) else set()
        if not bases & self._modules:
            self.names.update(bases)
            if isinstance(value.func, ast.Name):  # a function of the user's may change what it is given
                self.names.update(n for a in value.args for n in _bases(a))
        elif _called(value.func) in _WRITING and value.args:
            self.names.update(_bases(value.args[0]))


def _owners(tree: ast.AST) -> dict[int, list[str]]:
    """Give, for each `return` and `yield` statement, the name of its function."""
    found: dict[int, list[str]] = {}
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, (ast.Return, ast.Expr)):
                    found.setdefault(id(node), []).append(function.name)
    return found


def _bases(node: ast.AST) -> list[str]:
    """Give the names whose objects change when `node` is assigned: x of `x[0].y`."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    if isinstance(node, (ast.Tuple, ast.List)):
        return [name for entry in node.elts for name in _bases(entry)]
    return [node.id] if isinstance(node, ast.Name) else []


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _contains(outer: Span, inner: Span) -> bool:
    return (outer[0], outer[2]) <= (inner[0], inner[2]) and (inner[1], inner[3]) <= (outer[1], outer[3])


def _size(span: Span) -> tuple[int, int]:
    return span[1] - span[0], span[3] - span[2] if span[0] == span[1] else 0
