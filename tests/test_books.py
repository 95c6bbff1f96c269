"""Programs in the manner of the books on PyTorch run with only their import lines changed, and print the same.

golden/books has the programs and beside each what PyTorch 2.13 prints on the CPU (`python -m tests.golden.make_books`
with an interpreter that has it). Each is also run under `%%grad`, which changes nothing.
"""

import contextlib
import io
import warnings
from pathlib import Path

import pytest

from gradmagic.errors import NoResultError

from .cell.helpers import traced
from .golden.compare import same_print
from .golden.programs import with_gradmagic

BOOKS = sorted((Path(__file__).parent / "golden" / "books").glob("*.py"))


def _same(printed: str, program: Path) -> None:
    lines, theirs = printed.splitlines(), program.with_suffix(".txt").read_text().splitlines()
    assert len(lines) == len(theirs)
    for mine, line in zip(lines, theirs, strict=True):
        same_print(mine, line)


@pytest.mark.parametrize("program", BOOKS, ids=lambda p: p.stem)
def test_prints_what_pytorch_prints(program):
    printed, source = io.StringIO(), with_gradmagic(program.read_text())
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(source, f"<{program.stem}>", "exec"), {"__name__": "__main__"})
    _same(printed.getvalue(), program)


@pytest.mark.slow
@pytest.mark.parametrize("program", BOOKS, ids=lambda p: p.stem)
def test_the_magic_changes_nothing(program):
    printed, source = io.StringIO(), with_gradmagic(program.read_text())
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(NoResultError):  # what ends in no number has no report
            traced(source, {"__name__": "__main__"})
    _same(printed.getvalue(), program)
