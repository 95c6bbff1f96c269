"""The report in a terminal: golden at 80 and 120 columns, at most 60 lines, aligned, plain where it must be.

After a wanted change, `GRADMAGIC_GOLDEN=1 pytest tests/report/test_to_text.py` writes the golden files anew:
read the diff.
"""

from __future__ import annotations

import io
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from gradmagic.engine.core.values import summarise
from gradmagic.report import Report
from gradmagic.report.model import Note, Trace
from gradmagic.report.shown.typeset import broken, clip, grid, pad, width, wrap
from tests.draws import draws
from tests.report import traces

GOLDEN = Path(__file__).parent / "golden"
ALL = ["product", "parabola", "network", "descent", "chain", "troubled", "markup"]


def text(trace: Trace, columns: int = 80, **options: bool) -> str:
    return Report(trace).to_text(width=columns, **{"ascii": False, "color": False, **options})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("columns", [80, 120])
def test_the_text_is_the_golden_one(name, columns):
    made = text(getattr(traces, name)(), columns)
    path = GOLDEN / (f"{name}.txt" if columns == 80 else f"{name}-{columns}.txt")
    if os.environ.get("GRADMAGIC_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("columns", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal_and_sixty_are_enough(name, columns):
    lines = text(getattr(traces, name)(), columns).splitlines()
    assert len(lines) <= 60
    assert max(map(wcswidth, lines)) < columns


def big() -> Trace:
    """Everything at once: many inputs, many lines, many notes, a history."""
    source = "\n".join(f"v{i} = np.sin(w{i % 30}) * {i}" for i in range(200)) + "\nz = sum(v)"
    s = traces.Sketch(source)
    keys = [s.input(f"w{i}", np.arange(12.0).reshape(3, 4), np.ones((3, 4))) for i in range(30)]
    for i in range(200):
        k = s.step(
            "sin", f"np.sin(w{i % 30})", np.ones((3, 4)), np.ones((3, 4)), (keys[i % 30], "cos"), line=i + 2
        )
        s.step("multiply", f"np.sin(w{i % 30}) * {i}", 1.0, 1.0, (k, "2"), name=f"v{i}", line=i + 2)
    notes = tuple(
        Note("cut", f"line {i}: a note that is rather long and goes on and on " * 2, i) for i in range(20)
    )
    return replace(s.trace("v199", 1.0), notes=notes, sweeps=traces.descent().sweeps)


def test_sixty_lines_are_enough_for_everything_at_once():
    lines = text(big()).splitlines()
    assert len(lines) <= 60
    assert any("lines more on the page" in line for line in lines)
    assert lines[-1].lstrip().startswith("gradients:")


def test_the_lines_that_are_left_out_of_a_long_cell_are_counted():
    s = traces.Sketch("\n".join(f"y = y * {i}" for i in range(5000)))
    key = s.input("y", 1.0, 1.0)
    for i in range(5000):
        key = s.step("multiply", f"y * {i}", 1.0, 1.0, (key, "2"), name="y", line=i + 2)
    lines = text(s.trace("y", 1.0)).splitlines()
    start = next(i for i, line in enumerate(lines) if "In [4]" in line)
    gone = next(i for i, line in enumerate(lines) if "lines more on the page" in line)
    assert f" {5000 - (gone - start - 1)} lines more" in lines[gone]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("name", ["np.cos", "余弦"])
def test_a_long_line_is_broken_at_words_and_its_expressions_are_written_out(columns, name):
    source = "z = np.sin(x) + " + " + ".join(f"{name}({i} * x)" for i in range(8))
    s = traces.Sketch(source)
    x = s.input("x", 1.0, 1.0)
    first = s.step("sin", "np.sin(x)", 0.84, 1.0, (x, "np.cos(x)"))
    last = s.step("cos", f"{name}(7 * x)", 0.75, 1.0, (x, "-np.sin(x)"))
    s.step("add", source.removeprefix("z = "), 1.6, 1.0, (first, "1"), (last, "1"), name="z")
    lines = text(s.trace("z", 1.6), columns).splitlines()
    assert max(map(wcswidth, lines)) < columns
    start = next(i for i, line in enumerate(lines) if line.startswith("  2  z = "))
    rows = [lines[start][5:]]
    while " ".join(rows) != source and len(rows) < 6:
        rows.append(lines[start + len(rows)].strip())
    assert " ".join(rows) == source and len(rows) > 1
    assert lines[start + len(rows)].split() == ["1.6", "1", "(start)"]
    (written,) = (line for line in lines if line.split()[-2:] == ["0.75", "1"])
    assert written.strip().startswith(f"{name}(7 * x)")
    assert any(line.split() == ["np.sin(x)", "0.84", "1"] for line in lines)


@settings(max_examples=draws(25))
@given(st.text("ab 勾(,*=", max_size=60), st.integers(4, 30), st.integers(0, 6))
def test_broken_code_fits_and_loses_nothing(code, columns, hang):
    rows = broken(code, columns, hang)
    assert "".join("".join(rows).split()) == "".join(code.split())
    assert all(wcswidth(row) <= columns for row in rows) or len(code) - len(code.lstrip()) > columns - 2


def test_japanese_names_are_aligned():
    lines = text(traces.troubled()).splitlines()
    (row,) = (line for line in lines if line.startswith(" 勾配 "))
    (head,) = (line for line in lines if line.startswith(" name"))
    assert wcswidth(row[: row.index("0")]) == wcswidth(head[: head.index("value")])


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"troubled"}])
def test_plain_text_is_ascii_and_as_wide(name):
    fancy, plain = (text(getattr(traces, name)(), ascii=flag).splitlines() for flag in (False, True))
    assert "".join(plain).isascii()
    assert [len(line) for line in plain] == [len(line) for line in fancy]


def test_the_readers_names_stay_in_plain_text():
    assert "勾配" in text(traces.troubled(), ascii=True)


class Stdout(io.StringIO):
    def __init__(self, encoding: str, tty: bool = False) -> None:
        super().__init__()
        self._encoding, self._tty = encoding, tty

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._tty


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_text_is_plain_by_itself_where_stdout_cannot_encode_more(encoding, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Stdout(encoding))
    for name in ALL:
        Report(getattr(traces, name)()).to_text().encode(encoding)


def test_there_is_no_colour_in_a_pipe_and_some_in_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    report = Report(traces.product())
    monkeypatch.setattr(sys, "stdout", Stdout("utf-8"))
    assert "\x1b" not in report.to_text(width=80)
    monkeypatch.setattr(sys, "stdout", Stdout("utf-8", tty=True))
    colored = report.to_text(width=80)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == text(traces.product())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in report.to_text(width=80)


def test_a_failed_cell_shows_shapes_and_no_gradients():
    trace = traces.network()
    bare = tuple(replace(o, grad=None) for o in trace.operations[:6])
    inputs = tuple(replace(entry, grad=None, reached=False) for entry in trace.inputs[:2])
    failed = replace(
        trace, operations=bare, inputs=inputs, result=None, error="ShapeError: (8, 4) and (3, 4)"
    )
    made = text(failed)
    assert made.startswith("! ShapeError: (8, 4) and (3, 4)")
    assert "gradient" not in made
    assert "not reached" not in made


def test_large_arrays_are_summarised_in_one_line():
    x = np.linspace(0, 1, 100_000)
    s = traces.Sketch("z = np.sin(x).sum()")
    k = s.input("x", x, np.cos(x))
    k = s.step("sin", "np.sin(x)", np.sin(x), np.ones_like(x), (k, "np.cos(x)", np.cos(x), np.cos(x)))
    s.step("sum", "np.sin(x).sum()", 1.0, 1.0, (k,), name="z")
    (line,) = (
        line for line in text(s.trace("z", np.sin(x).sum())).splitlines() if line.startswith(" dz/dx  ")
    )
    assert re.fullmatch(r" dz/dx  [▁-█]+  norm [\d.]+, mean 0\.8415", line)


def test_a_matrix_is_set_in_its_shape():
    lines = text(traces.network()).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(" dloss/dW1"))
    assert [len(line.split()) for line in lines[start : start + 3]] == [5, 4, 4]


# -- setting ---------------------------------------------------------------------------------------
def test_width_counts_columns():
    assert [width(x) for x in ("x", "勾配", "é", "")] == [1, 4, 1, 0]
    assert pad("勾", 4) == "勾  "
    assert pad("x", 3, right=True) == "  x"
    assert [clip("勾配勾配", n) for n in (8, 7, 3, 2)] == ["勾配勾配", "勾配勾…", "勾…", "…"]


def test_wrapping_breaks_at_spaces_and_clips_what_cannot_be_broken():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefgh", 5) == ["abcd…"]


def test_a_grid_that_is_too_wide_gives_where_it_may():
    rows = [["a" * 30, "b" * 30], ["c", "d"]]
    lines = [line.plain for line in grid(rows, 50, give=((0, 10),))]
    assert lines[0] == " " + "a" * 16 + "…  " + "b" * 30
    assert all(len(line) <= 50 for line in lines)


def test_a_result_that_is_an_array_shows_its_shape():
    trace = traces.parabola()
    trace = replace(trace, result=replace(trace.result, value=summarise(np.arange(3.0))))
    assert text(trace).splitlines()[0].startswith("z = (3,)  [0, 1, 2]")
