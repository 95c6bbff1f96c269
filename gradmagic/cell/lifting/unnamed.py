"""Which values `%%grad` without names differentiates by: those that the cell reads, or first assigns from numbers.

In: what the cell does with names. Out: its inputs lifted, and the rule by which values that the cell assigns are
lifted as they come.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.tracked import is_a
from ...language import tr
from ...report.model import Note
from ..reading.names import Usage
from .lift import Lifter, is_float, liftable

MOST = 100_000  # arrays with more entries are lifted only by name


def lift_unnamed(
    lifter: Lifter, tree: ast.Module, uses: Usage, values: dict[str, ast.expr]
) -> tuple[Callable[[str, Any], bool], list[Note]]:
    """Lift the float arrays and numbers that the cell reads; ints if there is nothing else.

    A program of tensors says itself where gradients are wanted: there, nothing is lifted. `values` are the cell's
    simple assignments. Gives whether a value that the cell assigns is to be lifted, and what is to be said.
    """
    namespace = lifter.namespace
    read = {name: namespace[name] for name in uses.reads if name in namespace}
    read |= globals_of(read, namespace)
    if any(_uses_tensors(value) for value in read.values()) or _imports_gradmagic(tree):
        return lambda name, value: False, []
    candidates = {n: v for n, v in read.items() if liftable(v) and not n.startswith("_")}
    notes = []
    for name in [n for n, v in candidates.items() if np.size(v) > MOST]:
        size = np.size(candidates.pop(name))
        text = tr(
            "{name} has {size:,} entries: its gradient is taken only by name (%%grad {name}).",
            name=name,
            size=size,
        )
        notes.append(Note("large", text, uses.reads.get(name)))
    floats = {n: v for n, v in candidates.items() if is_float(v)}
    first = {n: v for n, v in values.items() if n in uses.first}
    derived = uses.assigns | candidates
    ints_only = not floats and all(_is_int(v) for v in first.values() if not _mentions(v, derived))
    for name, value in (candidates if ints_only else floats).items():
        lifter.named(name, value)
    seen: set[str] = set()

    def wanted(name: str, value: Any) -> bool:
        if name not in first or name in seen or not liftable(value):
            return False
        seen.add(name)
        return (is_float(value) or ints_only) and np.size(value) <= MOST

    return wanted, notes


def globals_of(read: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """Give the globals that the user's own functions, called by the cell, read."""
    found: dict[str, Any] = {}
    todo = [v for v in read.values() if is_a(v, types.FunctionType)]
    seen: set[int] = set()
    while todo:
        function = todo.pop()
        if id(function) in seen or function.__globals__ is not namespace:
            continue
        seen.add(id(function))
        for name in _code_names(function.__code__):
            if name in namespace and name not in read:
                found[name] = namespace[name]
                if is_a(namespace[name], types.FunctionType):
                    todo.append(namespace[name])
    return found


def _code_names(code: types.CodeType) -> set[str]:
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*map(_code_names, inner))


def _uses_tensors(value: Any, depth: int = 0) -> bool:
    if is_a(value, Tensor):
        return True
    if is_a(value, types.ModuleType):
        return value.__name__.split(".")[0] == "gradmagic"
    if is_a(value, (types.FunctionType, type)):
        return (getattr(value, "__module__", "") or "").split(".")[0] == "gradmagic"
    if depth < 3 and is_a(value, (list, tuple)):
        return any(_uses_tensors(v, depth + 1) for v in value[:1000])
    if depth < 3 and is_a(value, dict):
        return any(_uses_tensors(v, depth + 1) for v in list(value.values())[:1000])
    return any(kind.__module__.split(".")[0] == "gradmagic" for kind in type(value).__mro__)


def _imports_gradmagic(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(n.split(".")[0] == "gradmagic" for n in names):
            return True
    return False


def _is_int(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    return isinstance(value, ast.Constant) and type(value.value) in (int, str, bool, type(None))


def _mentions(value: ast.expr, names: dict[str, Any]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(value))
