"""`w.dot(t)` of a plain array: its method asks no protocol, so what calls it asks for the function of the same meaning.

In: the syntax tree of a cell, or the code of a user's function whose source is there. Out: the same, with `w.dot` asked
of a hook, which gives w's own method wherever nothing is traced.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import linecache
from functools import partial
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from ..core.arrays import known
from ..core.interpreter import by_code, parse, parts
from .followers import follower_of
from .patches import HOOKS, Replacement
from .switch import traces

_DOT = "__gradmagic_dot__"


class Dots(ast.NodeTransformer):
    """Turn `w.dot(...)` into `hook(w)(...)`, at the same place in the source."""

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "dot":
            call = ast.Call(ast.Name(_DOT, ast.Load()), [node.func.value], [])
            node.func = ast.fix_missing_locations(ast.copy_location(call, node.func))
        return node


def _dot(owner: Any) -> Any:
    """Give `owner.dot`; of a plain array the function, to which a tracked argument is no array."""
    if traces():
        if known(type(owner)):
            return partial(follower_of(np.dot), owner)
        if isinstance(owner, ModuleType):
            return follower_of(owner.dot) or owner.dot
    return owner.dot


hook = Replacement(HOOKS).add(builtins, _DOT, _dot)


@by_code
def rewritten(code: CodeType) -> CodeType | None:
    """Give the code with its `.dot(...)` asked of the hook; None where its source is gone, or is another by now."""
    if _DOT in code.co_names:
        return code
    text = "".join(linecache.getlines(code.co_filename))
    flags = code.co_flags & _FUTURES

    def compiled(tree: ast.Module) -> list[CodeType]:
        return list(parts(compile(tree, code.co_filename, "exec", flags, dont_inherit=True)))

    try:
        before, after = compiled(parse(text)), compiled(Dots().visit(parse(text)))
    except (SyntaxError, ValueError):  # magics among the lines
        return None
    found = [new for old, new in zip(before, after, strict=True) if old == code]
    return found[0] if found else None


_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag
