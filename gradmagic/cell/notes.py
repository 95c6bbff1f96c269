"""The notes of a report: where a gradient could not flow, in one sentence each, with name, line and what to write.

In: what the recorder saw leave the tape, and the inputs. Out: notes; none when all is well.
"""

from __future__ import annotations

import ast
from typing import Any

from ..engine.tape import Node
from ..report.model import Input, Note
from . import source

# A value that only goes to the eyes is no lost gradient.
_SHOWING = {
    "print", "display", "format", "str", "repr", "len", "isinstance", "assert_allclose", "append_display_data", "pprint",
    "plot", "scatter", "hist", "imshow", "bar", "savetxt", "title", "set_title", "xlabel", "ylabel", "legend", "log",
}  # fmt: skip
_INSTEAD = {
    "float": "keep {name} as it is instead of {text}",
    "int": "keep {name} as it is; a whole number has no gradient",
    "complex": "keep {name} as it is instead of {text}",
    "item": "keep {name} as it is instead of {text}",
    ".item()": "keep {name} as it is instead of {text}",
    ".tolist()": "keep {name} an array",
    "assignment": "collect the values in a list and write np.stack([...])",
    "asarray": "use {name} itself: it already is an array here",
    "pickle": "keep {name} in memory",
}


def cut_notes(recorder: Any, cell: Any, nodes: list[Node], names: dict[int, list[str]]) -> list[Note]:
    """Say where a tracked value became a plain one that the cell went on with."""
    notes: list[Note] = []
    tree = _tree(cell)
    for key, cut in recorder.cuts.items():
        line = recorder.cut_lines.get(key)
        if line is None or tree is None:
            place = source.resolve(cut.place, cell.filename)
            line = place.line if place.inside else None
        statement = _statement(tree, line)
        span = source.span_of(cut.place) if cut.place[0].co_filename == cell.filename else None
        if statement is None or _only_shown(statement, span):
            continue
        text = source.text_of(cut.place) if span is not None else (ast.unparse(statement))
        called = recorder.names.get(cut.node.number) or names.get(cut.node.number) or []
        name = called[-1] if called else _argument(text)
        instead = _INSTEAD.get(cut.how, f"use a function that has a derivative instead of {cut.how}")
        notes.append(
            Note(
                "cut",
                f"line {line}: {text} makes a plain value of {name}, and no gradient flows through it: "
                f"{instead.format(name=name, text=text)}.",
                line,
            )
        )
    return notes


def input_notes(inputs: tuple[Input, ...]) -> list[Note]:
    """Say which inputs the result does not depend on, and that whole numbers were used as floats."""
    notes = [
        Note("not reached", f"the result does not depend on {entry.name}: its gradient is zero.")
        for entry in inputs
        if not entry.reached
    ]
    whole = [entry.name for entry in inputs if entry.value.dtype.startswith(("int", "uint"))]
    if whole:
        verb = "is" if len(whole) == 1 else "are"
        listed = whole[0] if len(whole) == 1 else ", ".join(whole[:-1]) + " and " + whole[-1]
        kind = "int" if all(e.value.python for e in inputs if e.name in whole) else "of an int dtype"
        rest = "used as a float, given back as it was" if len(whole) == 1 else "used as floats, given back as they were"
        notes.append(Note("dtype", f"{listed} {verb} {kind}: {rest}."))
    return notes


def _tree(cell: Any) -> ast.Module | None:
    try:
        return ast.parse("\n" * (cell.first_line - 1) + cell.text)
    except SyntaxError:  # shell magics in the cell: the transformed text is another
        return None


def _statement(tree: ast.Module | None, line: int | None) -> ast.stmt | None:
    """Find the innermost statement at `line`."""
    found: ast.stmt | None = None
    if tree is None or line is None:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            if found is None or node.lineno >= found.lineno:
                found = node
    return found


def _only_shown(statement: ast.stmt, span: tuple[int, int, int, int] | None) -> bool:
    """Tell whether the value is only printed, compared or formatted by this statement."""
    if isinstance(statement, (ast.Assert, ast.Raise, ast.If, ast.While)):
        return True
    for node in ast.walk(statement):
        shows = isinstance(node, (ast.JoinedStr, ast.Compare)) or (
            isinstance(node, ast.Call) and _called(node.func) in _SHOWING
        )
        if shows and (span is None or _within(span, node)):
            return True
    # An expression whose value goes nowhere: unless a method keeps it (xs.append(float(x))).
    return isinstance(statement, ast.Expr) and not (
        isinstance(statement.value, ast.Call)
        and _called(statement.value.func) in ("append", "extend", "add", "insert", "update", "setdefault", "put", "fill")
    )


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _within(span: tuple[int, int, int, int], node: Any) -> bool:
    line, end, *_ = span
    return bool(node.lineno <= line and end <= node.end_lineno)


def _argument(text: str) -> str:
    found = source.argument_texts(text)
    return found[0] if found else text


