"""One run of one program: plainly, or under `%%grad`. The way a cell is run with the magic is `with_magic`, only here.

In: a program (what earlier cells ran, names on the line, the cell). Out: what the run left, printed, gave or raised.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import random
import re
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from gradmagic.cell.run import Failed
from gradmagic.errors import GradmagicError

from ..cell.helpers import traced

EARLIER, CELL = "<an earlier cell>", "<cell of a test>"  # the second as in tests/cell/helpers.py


@dataclass(frozen=True)
class Program:
    """What earlier cells ran, the names on the `%%grad` line, the cell; `of` what it is about, if its end says not."""

    setup: str
    names: str
    cell: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.setup}\n\n%%grad {self.names}\n{self.cell}\n"

    @property
    def result(self) -> str:
        """What the cell is about: its last expression, or what its last line assigns."""
        if self.of:
            return self.of
        last = ast.parse(self.cell).body[-1]
        if isinstance(last, ast.Expr):
            return ast.unparse(last.value)
        return ast.unparse(last.targets[0]) if isinstance(last, ast.Assign) else "z"


def read(text: str, of: str = "") -> Program:
    """Read a program as `str` writes it."""
    setup, line, cell = re.split(r"^%%grad(.*)\n", text, maxsplit=1, flags=re.M)
    return Program(setup.strip("\n"), line.strip(), cell.strip("\n"), of)


def read_all(text: str) -> dict[str, Program]:
    """Read programs with titles: `=== title`, or `=== title -> name` of what the cell is about."""
    found = {}
    for part in re.split(r"^=== ", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        title, _, of = head.partition(" -> ")
        found[title] = read(body, of.strip())
    return found


@dataclass
class Ran:
    """What a run left: names; what it printed; what its last expression gave; what it raised.

    `refused` is an error about the report, not the cell's: the cell itself ran to its end.
    """

    names: dict[str, Any]
    printed: str = ""
    value: Any = None
    error: BaseException | None = None
    refused: GradmagicError | None = None
    trace: Any = field(default=None, repr=False)


@lru_cache(maxsize=64)
def _compiled(text: str, filename: str) -> tuple[types.CodeType, types.CodeType | None]:
    """Compile a text: statements, and its last expression or None."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    tree = ast.parse(text, filename)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = _code(ast.Expression(tree.body.pop().value), filename, "eval")  # type: ignore[attr-defined]
    return _code(tree, filename), last


def _code(tree: Any, filename: str, mode: str = "exec") -> types.CodeType:
    return compile(tree, filename, mode, dont_inherit=True)  # without this file's own __future__


def earlier(program: Program) -> dict[str, Any]:
    """Give the namespace that earlier cells left."""
    names: dict[str, Any] = {"__name__": "__main__", "np": np}
    text = program.setup
    linecache.cache[EARLIER] = (len(text), None, text.splitlines(keepends=True), EARLIER)
    np.random.seed(0)  # noqa: NPY002  (what programs draw from, the same in each run)
    random.seed(0)
    exec(_code(text, EARLIER), names)
    return names


@contextlib.contextmanager
def _quiet(out: io.StringIO) -> Iterator[None]:
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def plainly(program: Program, names: dict[str, Any] | None = None) -> Ran:
    """Run the cell without the magic, in `names` or what earlier cells left."""
    out = io.StringIO()
    with _quiet(out):
        ran = Ran(earlier(program) if names is None else names)
        statements, last = _compiled(program.cell, CELL)
        try:
            exec(statements, ran.names)
            if last is not None:
                value = eval(last, ran.names)
                ran.value = None if program.of else value
        except Exception as error:
            ran.error = error
    ran.printed = out.getvalue()
    return ran


def with_magic(program: Program, **options: Any) -> Ran:
    """Run the cell under `%%grad names`, with options of the magic."""
    out = io.StringIO()
    with _quiet(out):
        ran = Ran(earlier(program))
        try:
            ran.trace = traced(program.cell, ran.names, program.names, **options)
        except Failed as failed:
            ran.error = failed.__cause__
        except GradmagicError as refused:
            ran.refused = refused
        except Exception as error:
            ran.error = error
    ran.printed = out.getvalue()
    return ran


def told(error: BaseException | None) -> str:
    """Write an exception's class and message, addresses left out."""
    return "" if error is None else re.sub(r"0x[0-9a-f]+", "0x", f"{type(error).__name__}: {error}")
