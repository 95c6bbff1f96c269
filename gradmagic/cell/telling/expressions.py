"""What an expression says: which operation it is, which names are in it, which number it is.

In: the text or the tree of an expression, an operation's rule, a value. Out: answers for naming.py, which puts names
into expressions only where these are sure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np

from ...engine.core.values import Value, summarise
from ...report.shown.numbers import number
from ..reading.source import MODULES, arguments_of, parsed, texts_of


@lru_cache(maxsize=2048)
def words_of(formula: str) -> set[str]:
    return set(re.findall(r"[^\W\d]\w*", formula))


_OPERATORS: dict[type[ast.AST], set[str]] = {
    ast.Add: {"add"}, ast.Sub: {"subtract"}, ast.Mult: {"multiply"}, ast.Div: {"divide", "true_divide"},
    ast.Pow: {"power", "square", "float_power", "sqrt", "reciprocal"}, ast.MatMult: {"matmul", "dot"},
    ast.Mod: {"remainder", "mod", "fmod"}, ast.FloorDiv: {"floor_divide"}, ast.USub: {"negative"},
}  # fmt: skip


def fits(rule: str, tree: ast.AST) -> bool:
    """Tell whether an operation is what an expression says, not one that was made to read what it names."""
    match tree:
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) | ast.AugAssign(op=op):
            return rule in _OPERATORS.get(type(op), ())
        case ast.Subscript():
            return rule == "getitem"
        case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)) if rule == "getitem":
            return called in ("item", "min", "max", "next", "getitem", "__getitem__")  # not list(x), f(*x)
        case ast.Attribute(attr="T" | "mT"):
            return rule in ("transpose", "matrix_transpose", "swapaxes", "permute")
        case ast.Attribute(attr=attr):
            return attr == rule
    return isinstance(tree, (ast.Call, ast.Compare, ast.BoolOp, ast.IfExp))


# What PyTorch's layers as functions are called, and the rule that each is.
_CALLED = {"linear": "dense", "conv2d": "convolve"}
_TURNED = {"maskedfill", "addmm"}  # whose arguments stand in another order than the rule's


def arguments_in(
    tree: ast.AST, rule: str, torch: str, modules: Collection[str] = MODULES
) -> list[ast.expr] | None:
    """Give the expressions of the arguments of an operation, where they are sure to be that; else None.

    `torch` is PyTorch's name of what the rule makes. A call of another function may compute anything of its arguments.
    """
    if not fits(rule, tree):
        return None
    if isinstance(tree, ast.Call):
        function = tree.func
        called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        torch = re.sub(r"Backward\d?$", "", torch).lower()
        own = (rule, rule.rpartition(".")[2])
        torchs = called.replace("_", "") == torch not in _TURNED
        if called not in own and _CALLED.get(called) not in own and not torchs:
            return None
        if any(isinstance(argument, ast.Starred) for argument in tree.args):
            return None
    return arguments_of(tree, modules)


@lru_cache(maxsize=2048)
def own_texts(text: str, rule: str, torch: str, sequence: bool) -> tuple[str, ...] | None:
    """Give the texts of an operation's arguments, where they are sure to be that; else None.

    A `sequence` is an operation on the entries of its first argument.

    Examples
    --------
    >>> own_texts("np.where(m, a, 0)", "where", "", False), own_texts("np.choose(m, [a, 0])", "where", "", False)
    (('m', 'a', '0'), None)
    >>> own_texts("np.stack([a, 1.5])", "stack", "", True), own_texts("np.stack(rows)", "stack", "", True)
    (('a', '1.5'), None)
    """
    tree = parsed(text.strip())
    node: Any = tree.body[0] if tree is not None and tree.body else ast.Pass()
    parts = arguments_in(
        node if isinstance(node, ast.AugAssign) else getattr(node, "value", node), rule, torch
    )
    if parts is None or not sequence:
        return None if parts is None else texts_of(text.strip(), parts)
    entries = getattr(parts[0], "elts", None) if parts else None
    if entries is None or any(isinstance(entry, ast.Starred) for entry in entries):
        return None
    return texts_of(text.strip(), entries)


def readable(name: str) -> str:
    """Write a name as an expression: `net.0.weight` as `net[0].weight`; "" if it is none.

    Examples
    --------
    >>> readable("net.0.weight"), readable("p['W']"), readable("tensor 1")
    ('net[0].weight', "p['W']", '')
    """
    text = re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", name)
    return text if expression_of(text) is not None else ""


def expression_of(text: str) -> ast.expr | None:
    tree = parsed(text.strip())
    only = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    return only.value if isinstance(only, ast.Expr) else None


def is_literal(tree: ast.expr) -> bool:
    try:
        ast.literal_eval(tree)
    except ValueError:
        return False
    return True


def is_value(tree: ast.expr, value: Any) -> bool:
    try:
        return bool(np.all(np.isclose(ast.literal_eval(tree), value, rtol=1e-6, atol=0)))
    except (TypeError, ValueError):
        return True


def literal(value: Any) -> str:
    """Write a constant that is a number; "" for all else."""
    value = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, (int, float)) and value - value == 0:  # an int may be larger than any of NumPy's
        return number(value)
    return ""


def mark_of(value: Any) -> str:
    """Give what equal constants have in common."""
    if not isinstance(value, (Value, int, float, complex, np.generic)) and not hasattr(value, "dtype"):
        return f"{type(value).__name__} {id(value)}"
    try:
        known = value if isinstance(value, Value) or value is None else summarise(value)
    except (TypeError, ValueError):
        return repr(type(value))
    return "" if known is None else repr(known.items if known.items is not None else known)
