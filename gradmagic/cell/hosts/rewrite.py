"""What `%%grad` does to a cell's text before IPython runs it: `await`, syntax errors, ordinary cells under `%grad on`.

In: the lines of a cell. Out: the lines that IPython runs instead.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

from IPython.core.getipython import get_ipython

from ...engine.core.interpreter import parse
from ..reading.names import base_of, usage


def rewrite(lines: list[str]) -> list[str]:
    """Hand a `%%grad` cell to Python itself where a magic cannot run it.

    Under `%grad on` an ordinary cell gets the magic's line. A cell that awaits becomes `await ...`; a cell with a
    syntax error is compiled as it is, so that the error is Python's own, with the right line.
    """
    shell = get_ipython()
    if shell is None or _BUSY.get() or not lines:
        return lines
    if not lines[0].startswith("%%"):
        lines = _traced(lines, shell)
    if not lines[0].startswith("%%grad") or lines[0][6:7] not in ("", " ", "\n", "\t"):
        return lines
    line, cell = lines[0][6:].strip(), "".join(lines[1:])
    if not cell:  # IPython would advise against the second %
        return [f"%%grad {line}\n", "\n"]
    try:
        with as_it_is():
            text = shell.transform_cell(cell)
        tree = compile(
            text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        with warnings.catch_warnings():  # they come when the cell is compiled to be run
            warnings.simplefilter("ignore")
            compile(tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError:
        return lines[1:] if "--always" in line else ["\n", *lines[1:]]
    if _awaits(tree):
        return [f"await get_ipython().find_cell_magic('grad').__self__.grad_async({line!r}, {cell!r})\n"]
    return lines


# IPython asks whether a line is complete by its transforms too: under `%grad on` Enter is to run `y = x**2` as ever.
rewrite.has_side_effects = True  # type: ignore[attr-defined]

_BUSY: ContextVar[bool] = ContextVar("%%grad transforms a cell", default=False)


@contextmanager
def as_it_is() -> Iterator[None]:
    """Let IPython transform what stands below the magic's line without us."""
    before = _BUSY.set(True)
    try:
        yield
    finally:
        _BUSY.reset(before)


def _awaits(tree: ast.AST) -> bool:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
        ) and _awaits(node):
            return True
    return False


def _traced(lines: list[str], shell: Any) -> list[str]:
    """Put the magic's line above an ordinary cell, if `%grad on` is set and the cell uses what it names."""
    magic = shell.find_cell_magic("grad")
    names = getattr(getattr(magic, "__self__", None), "always", None)
    code = [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "%", "!", "?"))]
    if names is None or not code or _of_a_magic():
        return lines
    try:
        with as_it_is():
            uses = usage(parse(shell.transform_cell("".join(lines))))
    except SyntaxError:
        return lines
    known = [
        n
        for n in names
        if (base := base_of(n)) in uses.assigns or (base in uses.reads and base in shell.user_ns)
    ]
    if names and not known:
        return lines
    return [f"%%grad --always {' '.join(known)}\n", *lines]


def _of_a_magic() -> bool:
    """Tell whether a magic transforms a text of its own (%timeit), not IPython a cell."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in ("run_line_magic", "run_cell_magic"):
            return True
        frame = frame.f_back
    return False
