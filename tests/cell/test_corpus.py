"""A hundred ordinary cells, and sixty that are not: corpus/*.txt, judged as the fuzzer judges its programs.

In the ordinary ones every gradient is right, and nothing of a value that is printed, logged, plotted, formatted or
compared reaches the result: a note there is one too many. In those of borders.txt values do leave; each is right or
noted.
"""

import functools
import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ..fuzz.judge import Finding, judge
from ..fuzz.running import Program, read_all

FILES = sorted(Path(__file__).with_name("corpus").glob("*.txt"))
PROGRAMS = {p.stem: read_all(p.read_text(encoding="utf-8")) for p in FILES}
BORDERS = PROGRAMS.pop("borders", {})
ORDINARY = {title: program for of_style in PROGRAMS.values() for title, program in of_style.items()}
MOST_UNNEEDED = 3

KNOWN: dict[str, str] = {}  # title: why; strict


def _runs(program: Program) -> bool:
    """Whether the libraries that it imports are there."""
    for name in re.findall(r"^(?:import|from) (\w+)", program.setup, flags=re.M):
        try:
            importlib.import_module(name)
        except ImportError:
            return False
    return True


@functools.cache
def _judged(program: Program) -> list[Finding]:
    return judge(program, functions=False)


def _marked(titles: Iterable[str]) -> list[Any]:
    xfail = lambda title: pytest.mark.xfail(reason=KNOWN[title], strict=True)
    return [pytest.param(t, marks=xfail(t)) if t in KNOWN else t for t in titles]


def test_known_faults_are_in_the_corpus():
    assert KNOWN.keys() <= ORDINARY.keys() | BORDERS.keys()


@pytest.mark.parametrize("title", _marked(ORDINARY))
def test_an_ordinary_cell_has_right_gradients_and_leaves_what_it_leaves(title):
    if not _runs(ORDINARY[title]):
        pytest.skip("a library that it imports is missing")
    (found,) = _judged(ORDINARY[title])
    assert found.verdict in ("right", "step", "unneeded"), found


def test_unneeded_notes_are_rare():
    told = {}
    for title, program in ORDINARY.items():
        if _runs(program):
            notes = [f.detail for f in _judged(program) if f.verdict in ("unneeded", "step", "noted")]
            told |= dict.fromkeys([title] if notes else [], notes)
    assert len(told) <= MOST_UNNEEDED, told


@pytest.mark.parametrize("title", _marked(BORDERS))
def test_at_the_borders_a_gradient_is_right_or_noted(title):
    found = _judged(BORDERS[title])
    assert [f.verdict for f in found] in (["right"], ["noted"], ["step"]), found
