"""The user's source: where an operation stands in it, exactly, and which texts its arguments have.

In: interned places (code object, instruction). Out: `Place` with line, columns and text, and the words for labels.
`Source` is the text that is traced itself, made ready to run.
Everything here happens after the cell has run; while it runs only the pairs are kept.
"""

from __future__ import annotations

import ast
import linecache
import re
import types
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ...engine.core import places
from ...engine.core.interpreter import by_code, parse
from ...language import tr
from ...report.model import Place

_MARIMO = re.compile(r"__marimo__cell_(\w+?)_?(\.py)?$")
_LABELS: dict[str, str] = {}  # file name of a traced cell or file -> what the reader calls it


@dataclass
class Source:
    """The text of a cell, file, block or function, made ready to run."""

    text: str
    tree: ast.Module
    filename: str  # where Python finds the text
    label: str  # what the reader calls it: "In [3]"
    first_line: int = 1  # the number of the text's first line as the reader counts
    compile: Callable[[Any, str, str], types.CodeType] = (
        compile  # (tree, file name, mode), by the host's rules
    )
    scope: str = "<module>"  # the code that runs it, or the function that it is


@lru_cache(maxsize=64)
def parsed(text: str) -> ast.Module | None:
    """Parse Python, for reading only: the tree is shared; None for what is not Python."""
    try:
        return parse(text, "<text>", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # type: ignore[no-any-return]
    except (SyntaxError, ValueError):
        return None


def set_label(filename: str, label: str) -> None:
    """Call the source in `filename` `label` from now on."""
    _LABELS[filename] = label


def label_of(filename: str) -> str | None:
    """Give the label of a cell's temporary file: "In [3]", marimo's "cell vblA"; None for other files."""
    found = _LABELS.get(filename)
    if found is not None:
        return found
    if (of_marimo := _MARIMO.search(filename)) is not None:
        return tr("cell {name}", name=of_marimo[1])
    try:
        from IPython.core.getipython import get_ipython  # optional here: a plain script has no IPython
    except ImportError:
        return None
    compiler = getattr(get_ipython(), "compile", None)
    number = getattr(compiler, "_filename_map", {}).get(filename)
    return None if number is None else f"In [{number}]"


places.label_with(label_of)


def span_of(place: places.Place) -> tuple[int, int, int, int]:
    """Give (line, end line, column, end column), columns in characters from 0."""
    code = place[0]
    line, end, column, end_column = places.span_at(place) or (None, None, None, None)
    line = line or code.co_firstlineno
    end = end or line
    lines = linecache.getlines(code.co_filename)
    first = lines[line - 1] if line <= len(lines) else ""
    last = lines[end - 1] if end <= len(lines) else ""
    # CPython counts bytes of UTF-8; the reader counts characters.
    column = len(first.encode()[: column or 0].decode(errors="ignore"))
    end_column = (
        len(last.encode()[:end_column].decode(errors="ignore"))
        if end_column is not None
        else len(last.rstrip())
    )
    return line, end, column, end_column


def text_of(place: places.Place) -> str:
    """Give the sub-expression at `place` as it is written, on one line; empty where the source is gone."""
    line, end, column, end_column = span_of(place)
    lines = linecache.getlines(place[0].co_filename)[line - 1 : end]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    return " ".join(part.strip() for part in lines)


def target_of(place: places.Place) -> str | None:
    """Give the name that a function's own line assigns the value of `place` to: `u` in `u = v * k`."""
    span = places.span_at(place)
    return None if span is None else _targets(place[0]).get(span)


@by_code
def _targets(code: types.CodeType) -> dict[tuple[int | None, ...], str]:
    """Read a function's plain assignments: the span of the value, as the code object counts it, and the name."""
    first = code.co_firstlineno
    last = max((span[1] or 0 for span in places.spans_of(code)), default=0)
    lines = linecache.getlines(code.co_filename)[first - 1 : last]
    margin = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    tree = parsed("".join(line[margin:] or "\n" for line in lines))
    if tree is None:  # a lambda, a part of a statement: no names
        return {}
    found: dict[tuple[int | None, ...], str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = node.value
            span = (value.lineno, value.end_lineno, value.col_offset, value.end_col_offset)
            shifts = (first - 1, first - 1, margin, margin)
            found[tuple(a + b for a, b in zip(span, shifts, strict=True) if a is not None)] = node.targets[
                0
            ].id
    return found


def resolve(place: places.Place, inside: str = "", line_in_cell: int | None = None) -> Place:
    """Make the `Place` that a report shows.

    Parameters
    ----------
    place : (code, instruction)
    inside : str
        File name of the traced source.
    line_in_cell : int, optional
        The line of the traced source that led there.
    """
    code = place[0]
    line, end, column, end_column = span_of(place)
    own = code.co_filename == inside
    name = code.co_name if not code.co_name.startswith("<") or code.co_name == "<lambda>" else None
    return Place(
        label=places.label_of(code.co_filename),
        line=line,
        end_line=end,
        column=column,
        end_column=end_column,
        text=text_of(place),
        inside=own,
        line_in_cell=None if own and name is None else line_in_cell,
        function=name,
        code="" if own or name is None else linecache.getline(code.co_filename, line).strip()[:200],
    )


@lru_cache(maxsize=2048)
def argument_texts(text: str) -> tuple[str, ...]:
    """Give the texts of the arguments of an operation from its own text.

    Examples
    --------
    >>> argument_texts("2 * x**2"), argument_texts("np.maximum(a, 0)"), argument_texts("y.sum()"), argument_texts("-x")
    (('2', 'x**2'), ('a', '0'), ('y',), ('x',))
    """
    tree = parsed(text.strip())
    if tree is None or not tree.body:
        return ()
    node: Any = tree.body[0]
    parts = arguments_of(node if isinstance(node, ast.AugAssign) else getattr(node, "value", None))
    return texts_of(text.strip(), parts or ())


def texts_of(text: str, parts: Iterable[ast.expr]) -> tuple[str, ...]:
    """Give the texts of some expressions within a text."""
    return tuple(compact(ast.get_source_segment(text, part) or ast.unparse(part)) for part in parts)


MODULES = frozenset("np numpy gm gradmagic torch F nn cp cupy math cmath scipy".split())


def arguments_of(node: ast.AST | None, modules: Collection[str] = MODULES) -> list[ast.expr] | None:
    """Give the expressions of the arguments of an operation; None for what is no operation."""
    match node:
        case ast.AugAssign(target=target, value=added):
            return [target, added]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Compare(left=left, comparators=[right]):
            return [left, right]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.Subscript(value=base, slice=index):
            return [base, index]
        case ast.Attribute(value=base, attr="T" | "mT" | "real" | "imag"):
            return [base]
        case ast.Call(func=function, args=arguments):
            if isinstance(function, ast.Attribute) and not _is_module(function.value, modules):
                return [function.value, *arguments]
            return arguments
    return None


def _is_module(node: ast.AST, modules: Collection[str]) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and (node.id in MODULES or node.id in modules)


def compact(text: str) -> str:
    """Write products and powers without spaces: `2*x**2 + 1`."""
    return text.replace(" * ", "*").replace(" ** ", "**").replace(" / ", "/")


@lru_cache(maxsize=4096)
def filled_in(formula: str, names: tuple[str, ...], texts: tuple[str, ...]) -> str:
    """Put the reader's own expressions in place of a rule's parameter names.

    Examples
    --------
    >>> filled_in("y*x**(y - 1)", ("z", "x", "y"), ("c", "a + b", "3"))
    '3*(a + b)**(3 - 1)'
    """
    try:
        tree = parse(formula, mode="eval")
    except SyntaxError:  # words: no letter of the rule's may stay in them
        put = {
            name: text if text.isidentifier() else f"({text})"
            for name, text in zip(names, texts, strict=False)
        }
        return re.sub(r"[^\W\d]\w*", lambda word: put.get(word[0]) or word[0], formula)
    into = {}
    for name, text in zip(names, texts, strict=False):
        with suppress(SyntaxError):  # a statement (`x[0] *= 2`) is nothing to put into a formula
            into[name] = parse(text, mode="eval").body

    class _Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return into.get(node.id, node)

    return compact(ast.unparse(_Put().visit(tree)))
