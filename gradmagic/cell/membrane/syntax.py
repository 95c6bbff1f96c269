"""What the hooks ask of a piece of syntax: how a target unpacks, who compiles a function, what a class lists.

In: a node of a syntax tree. Out: an answer; nothing changes.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

from ...engine.core.interpreter import parse
from ...language import tr


def unpacking(target: ast.expr) -> Any:
    """Give how a target unpacks: None for one that does not, "*" for the rest, else its parts."""
    if isinstance(target, ast.Starred):
        if isinstance(unpacking(target.value), tuple):
            raise NotImplementedError(tr("gradmagic does not know a starred target that is unpacked"))
        return "*"
    return tuple(map(unpacking, target.elts)) if isinstance(target, (ast.Tuple, ast.List)) else None


def unpacks(target: ast.expr, value: ast.expr | None = None) -> bool:
    """Tell whether a target unpacks something that may be an array: not of `a, b = c, d`, where both stand there."""
    parts = unpacking(target)
    if isinstance(value, (ast.Tuple, ast.List)):
        return parts is not None and any(isinstance(p, tuple) for p in parts)
    return parts is not None


_COMPILERS = frozenset("jit njit guvectorize stencil cfunc compile script".split())


def compiled_by(function: ast.AST) -> bool:
    """Tell whether a decorator of a function compiles it (numba's, torch.compile): then it gets no hooks."""
    for decorator in getattr(function, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in _COMPILERS or (name == "vectorize" and ast.unparse(called).startswith(("numba.", "nb."))):
            return True
    return False


def stores_of_self(function: ast.AST) -> list[ast.stmt]:
    """Give `self.x = None`, never run, for each attribute so stored: Python 3.13 lists them in the class."""
    changed = {n.target for n in ast.walk(function) if isinstance(n, ast.AugAssign)}  # these it does not list
    names = [
        n.attr
        for n in ast.walk(function)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and n not in changed
        if isinstance(n.value, ast.Name) and n.value.id == "self"
    ]
    if not names or sys.version_info < (3, 13):
        return []
    return parse("if False: " + "".join(f"self.{name} = " for name in names) + "None").body


def is_super(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
