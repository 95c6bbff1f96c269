"""What a run needs of its host: IPython's shell in a notebook or terminal, or a plain file without one.

In: the cell's text. Out: a `Source` (parsed by the host's own rules, cached so that tracebacks find it), and errors
with a traceback of the user's frames only.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import tokenize
import traceback
import types
from functools import partial
from typing import Any

from ...engine.core import places
from ...engine.core.interpreter import parse
from ...errors import GradmagicError
from ..reading.source import Source


def cell_source(shell: Any, cell: str, frame: types.FrameType, first_line: int | None = None) -> Source:
    """Parse a cell as IPython would: by its own transforms, under a cached name, with the editor's line numbers."""
    number = cell_number(shell, frame)
    first = first_line or _first_line(shell, cell)
    body = shell.transform_cell(cell)
    lost = _blank(cell) - _blank(body)  # IPython takes blank lines away from the top
    text = "\n" * (first - 1 + lost) + body
    # A name of its own for each run: a cell run twice keeps both its labels.
    name = shell.compile.cache(text, number, raw_code=f"%%grad {number}\n{cell}")
    with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        tree = shell.compile.ast_parse(text, filename=name)
        tree = shell.transform_ast(tree)
    if shell.ast_node_interactivity == "last_expr_or_assign":
        tree.body += _shown_assignment(tree)

    def compiled(tree: Any, filename: str, mode: str) -> types.CodeType:
        with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
            return shell.compile(tree, filename, mode)

    return Source(cell.rstrip("\n"), tree, name, f"In [{number}]", first, compiled)


def _blank(text: str) -> int:
    """Count the blank lines that `text` begins with."""
    return text.count("\n", 0, len(text) - len(text.lstrip()))


def _first_line(shell: Any, cell: str) -> int:
    """Tell on which line of the editor the cell's text begins: 2, or more where other magics stand above it."""
    history = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None) or [""]
    raw, text = history[-1].rstrip(), cell.rstrip()
    at = raw.rfind(text)
    if text and text == raw:
        return 1  # an ordinary cell, under `%grad on`
    return raw.count("\n", 0, at) + 1 if text and at > 0 and at + len(text) == len(raw) else 2


def _shown_assignment(tree: ast.Module) -> list[ast.stmt]:
    last = tree.body[-1] if tree.body else None
    targets = last.targets if isinstance(last, ast.Assign) else [getattr(last, "target", None)]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return []
    name = ast.copy_location(ast.Name(targets[0].id, ast.Load()), targets[0])
    return [ast.copy_location(ast.Expr(name), targets[0])]


def cell_number(shell: Any, frame: types.FrameType | None) -> int:
    """Give the number of the cell that runs: IPython 9.18 raises `execution_count` before a cell runs, 8.x after it."""
    known = getattr(shell.compile, "_filename_map", {})
    while frame is not None:
        number = known.get(frame.f_code.co_filename)
        if number is not None:
            return int(number)
        frame = frame.f_back
    return int(shell.execution_count)


def file_source(path: str, label: str) -> Source:
    """Parse a Python file; its lines are counted from 1."""
    with tokenize.open(path) as file:  # by the file's own encoding declaration
        text = file.read()
    return text_source(text, path, label)


def text_source(text: str, filename: str, label: str) -> Source:
    """Parse a text as a file would be; `filename` is what tracebacks show."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    tree = parse(text, filename)
    return Source(text.rstrip("\n"), tree, filename, label, compile=partial(_compiled, _future_flags(tree)))


def _compiled(flags: int, tree: Any, filename: str, mode: str) -> types.CodeType:
    # Not with the `from __future__ import annotations` of this file, but with those of the user's.
    return compile(tree, filename, mode, flags, dont_inherit=True)


def _future_flags(tree: ast.Module) -> int:
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    names = [alias.name for n in imports for alias in n.names]
    return sum({getattr(__future__, name).compiler_flag for name in names})


def user_traceback(error: BaseException, filename: str) -> types.TracebackType | None:
    """Give the traceback from the cell's own frame on, without gradmagic's frames, nor NumPy's behind the user's."""
    frames = []
    found = False
    tb = error.__traceback__
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        found = found or name == filename
        if found and places.user_frame(tb.tb_frame) is tb.tb_frame:
            frames.append(tb)
        tb = tb.tb_next
    while frames and str(frames[-1].tb_frame.f_globals.get("__name__")).partition(".")[0] == "numpy":
        frames.pop()
    rest: types.TracebackType | None = None
    for tb in reversed(frames):
        rest = types.TracebackType(rest, tb.tb_frame, tb.tb_lasti, tb.tb_lineno)
    return rest


def shorten(shell: Any, error: BaseException, filename: str) -> None:
    """Let IPython show `error` with the user's frames only; the notebook stops at it as at any other."""
    user = user_traceback(error, filename)

    def render() -> list[str]:
        cause = error.__cause__
        lines: list[str] = []
        if cause is not None and type(cause).__module__.startswith("gradmagic"):
            # NumPy hides our message under "setting an array element with a sequence".
            lines += traceback.format_exception_only(type(cause), cause)
        if user is None and isinstance(
            error, GradmagicError
        ):  # the cell did not run: there is no line to point at
            return [*lines, *shell.InteractiveTB.get_exception_only(type(error), error)]
        try:
            lines += shell.InteractiveTB.structured_traceback(type(error), error, user, tb_offset=0)
        except Exception:  # a traceback formatter that changed: the plain one says the same
            lines += traceback.format_exception(type(error), error, user, chain=False)
        return lines

    error._render_traceback_ = render  # type: ignore[attr-defined]
    if user is not None:
        error.__traceback__ = user
