"""Where a cell rounds: what is left of its inputs is whole numbers, which have no slope.

In: the source of a run and the names of its inputs. Out: a sentence for the error that nothing depends on them.
"""

from __future__ import annotations

import ast
from typing import Any

from ...engine.core import arrays
from ...language import tr
from ..reading.flow import Flow
from ..reading.names import base_of
from ..reading.source import parsed
from .run_record import RunRecord

# Methods and functions that are constant between steps, or give places in an array.
_STEPS = frozenset(
    "floor ceil rint round around fix trunc sign heaviside floor_divide argmax argmin argsort searchsorted digitize "
    "int bool count_nonzero".split()
)
_WHOLE = frozenset("int bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 intp bool_".split())


def rounded(run: RunRecord) -> str:
    """Say on which line an input was rounded that the last value was computed from; empty if none was."""
    text = "\n" * (run.cell.first_line - 1) + run.cell.text
    tree, wanted = parsed(text), parsed(run.last_text if run.shown else next(reversed(run.assigned), ""))
    if tree is None or wanted is None or not wanted.body:
        return ""
    inputs = {entry.name for entry in run.lifted}
    reads = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and n.id in inputs and isinstance(n.ctx, ast.Load)
    ]
    taken = Flow(tree, map(_span, reads), text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)) and taken.holds(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in {base_of(ast.unparse(t)) for t in targets if isinstance(t, ast.Subscript)}:
                array: Any = run.namespace.get(name)
                if of_whole_numbers(array):
                    return tr(
                        " Line {line}: {name} is of {dtype}, so what is stored in it loses its fraction and its "
                        "gradient: make {name} of floats.", line=node.lineno, name=name, dtype=array.dtype,
                    )  # fmt: skip
        if isinstance(node, ast.expr) and (instead := _instead(node)) and taken.holds(node):
            goes_on = Flow(tree, [_span(node)], text).holds(wanted.body[0])
            if goes_on or node.lineno == tree.body[-1].lineno:
                return tr(
                    " Line {line}: {text} rounds to whole numbers or picks places, and its slope is 0 wherever it has "
                    "one: {instead}.", line=node.lineno, text=ast.unparse(node), instead=instead,
                )  # fmt: skip
    return ""


def of_whole_numbers(value: Any) -> bool:
    """Tell whether a value is an array of whole numbers or truth values."""
    return arrays.is_array(value) and value.dtype.kind in "iub"


def _span(node: ast.expr) -> tuple[int, int, int, int]:
    return (
        node.lineno,
        node.end_lineno or node.lineno,
        node.col_offset,
        node.end_col_offset or node.col_offset,
    )


def _instead(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        return tr("write {code}", code=ast.unparse(ast.BinOp(node.left, ast.Div(), node.right)))
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "astype" and node.args and _last(node.args[0]) in _WHOLE:
        return tr("write .astype(float), or leave it out")
    return tr("leave {name} out on the way to the result", name=name) if name in _STEPS else ""


def _last(node: ast.expr) -> str:
    """Give the name of a dtype: `np.int64`, `int`, `"int32"`."""
    return str(getattr(node, "attr", getattr(node, "id", getattr(node, "value", ""))))
