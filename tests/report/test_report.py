"""`Report`: its numbers, its files, and what it gives a notebook and a terminal."""

from __future__ import annotations

import re
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wcwidth import wcswidth

import gradmagic as gm
from gradmagic.report import Report, ReportError
from gradmagic.report.model import Note
from gradmagic.report.parts.graph import picture
from gradmagic.report.pictures import drawing, layout
from gradmagic.report.shown.view import View

from ..counting import calls
from . import traces


def test_what_has_no_name_is_called_as_it_is_written():
    report = gm.trace(lambda w: np.sum(w**2))(np.array([1.0, 2.0, 3.0]))
    assert report.to_text(width=80).splitlines()[3].split() == ["w**2", "1", "4", "9"]


def test_the_numbers_are_at_hand():
    report = Report(traces.parabola())
    assert report.value == 85.0
    np.testing.assert_array_equal(report.grads["x"], 4 * np.arange(-2, 2.25, 0.25))
    assert [row.name for row in report.table] == ["x"]
    assert repr(report) == "<gradmagic report: dz/dx>"


def test_a_gradient_that_does_not_exist_is_none():
    assert Report(traces.troubled()).grads["v"] is None


@pytest.mark.parametrize(
    ("ending", "start"),
    [
        ("html", b"<!DOCTYPE html>"),
        ("txt", b"e = 6"),
        ("svg", b"<svg "),
        ("dot", b"digraph"),
        ("md", b"### e = 6"),
        ("tex", b"\\begin{align*}"),
        ("json", b'{"schema": "gradmagic-trace/1"'),
        ("png", b"\x89PNG"),
    ],
)
def test_a_report_saves_itself(ending, start, tmp_path):
    path = tmp_path / f"product.{ending}"
    assert Report(traces.product()).save(path) == str(path)
    assert path.read_bytes().startswith(start)


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(
        ReportError, match=r"saved as html, txt, md, tex, json, svg, png, pdf or dot, not as '.docx'"
    ):
        Report(traces.product()).save(tmp_path / "product.docx")


def test_a_report_is_read_back_from_json(tmp_path):
    report = Report(traces.network())
    again = Report.load(report.save(tmp_path / "a.json"), ascii=True, handle="gm.last()")
    assert again.to_html() == report.to_html()
    assert again.to_text(80, True, False) == report.to_text(80, True, False)
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(ReportError, match="of schema None"):
        Report.load(tmp_path / "b.json")


def test_a_quiz_hides_the_gradients_in_text_and_not_the_values():
    text = Report(traces.product(), quiz=True).to_text(80, False, False)
    table = text.split("\n\n")[1]
    assert table.splitlines()[1:] == [" a         2         ?", " b         1         ?"]
    assert "e = 6" in text and "2*1 + 3*1" not in text and "3: 5" not in text
    assert "3: 5" in Report(traces.product()).to_text(80, False, False)
    network = Report(traces.network(), quiz=True).to_text(100, False, False)
    for entry in traces.network().inputs:
        assert f"{entry.grad.high:.4g}" not in network


def test_all_steps_are_listed_when_asked_for():
    plain, walked = (Report(traces.network(), steps=steps) for steps in (False, True))
    assert "start with 1" not in plain.to_text(80, False, False)
    text = walked.to_text(80, False, False)
    count = len(walked._as_text.computed)
    assert "start with 1" in text and f"\n {count:>2}  " in text
    assert "<details open><summary>Steps" in walked.to_html()


def test_a_saved_page_shows_no_path(tmp_path):
    path = tmp_path / "page.html"
    Report(traces.product()).save(path)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


def shell(monkeypatch, *active):
    running = types.SimpleNamespace(display_formatter=types.SimpleNamespace(active_types=list(active)))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: running))


def test_a_notebook_gets_html_and_text(monkeypatch):
    shell(monkeypatch, "text/plain", "text/html", "image/svg+xml", "text/latex")
    bundle = Report(traces.product())._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}


def test_a_terminal_gets_text_and_no_page_is_built(monkeypatch):
    shell(monkeypatch, "text/plain")
    report = Report(traces.product())
    monkeypatch.setattr(report, "to_html", lambda: pytest.fail("a page was built for a terminal"))
    assert set(report._repr_mimebundle_()) == {"text/plain"}


def test_what_is_asked_for_is_given(monkeypatch):
    report = Report(traces.product())
    assert set(report._repr_mimebundle_(include={"text/html"})) == {"text/html"}
    assert set(report._repr_mimebundle_(include={"text/html", "text/plain"}, exclude={"text/html"})) == {
        "text/plain"
    }


# -- the graph -----------------------------------------------------------------------------------
def test_the_graph_is_graphviz_dot_with_names_values_and_derivatives():
    graph = Report(traces.product()).graph
    assert "rankdir=LR" in graph.source
    for words in ("c = a + b", "grad 5", "④ ∂e/∂c = d = 2", "③ ∂d/∂b = 1"):
        assert words in graph.source, words


def test_the_graph_shows_itself_without_graphviz(monkeypatch, tmp_path):
    pure = layout.program("pure")
    monkeypatch.setattr(layout, "program", lambda engine="pure": pure if engine == "pure" else None)
    graph = Report(traces.product()).graph
    assert "<svg" in graph.pipe("svg", encoding="utf-8")
    assert "<svg" in graph._repr_mimebundle_()["image/svg+xml"]
    path = graph.render(str(tmp_path / "graph"), format="png", cleanup=True)
    assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_kinds_of_nodes_are_distinct():
    kinds = {box.lines[0][0][0]: box.kind for box in picture(View.of(traces.network(), 60)).boxes}
    assert (kinds["W1"], kinds["X"], kinds["X @ W1"]) == ("input", "constant", "operation")
    assert kinds["loss = ((out - t)**2).mean()"] == "result"


def test_sign_is_said_by_colour_and_by_the_number():
    s = traces.Sketch("y = -x")
    k = s.input("x", 1.0, -1.0, "float")
    s.step("negative", "-x", -1.0, 1.0, (k, "-1", -1.0, -1.0), name="y")
    (link,) = picture(View.of(s.trace("y", -1.0), 60)).links
    assert (link.sign, link.label) == ("-", "① ∂y/∂x = -1")


def test_boxes_are_wide_enough_for_japanese():
    boxes = {box.lines[0][0][0]: box for box in picture(View.of(traces.troubled(), 60)).boxes}
    assert boxes["勾配 = 0"].width > 8 * 7


def test_names_may_hold_what_dot_would_read_as_its_own(tmp_path):
    s = traces.Sketch(r'y = f("a\nb", "<b>", "{x|y}")')
    k = s.input("x", 1.0, 1.0, "float")
    s.step("f", r'f("a\nb", "<b>", "{x|y}")', 1.0, 1.0, (k, r'"\N"', 1.0, 1.0), name="y")
    report = Report(s.trace("y", 1.0))
    assert r"y = f(&quot;a\nb&quot;" in report._svg() or r'y = f("a\nb"' in report._svg()
    report.save(tmp_path / "x.png")


def test_a_long_chain_is_drawn_as_small_as_a_short_one():
    def cost(length):
        trace = traces.chain(length)
        assert len(Report(trace)._svg()) < 60_000
        return calls(lambda: Report(trace)._svg()).total()

    assert cost(10) < 25_000
    assert (
        cost(10_000) - cost(1_000) < 9_000 * 12
    )  # what is folded away costs its folding, 10 calls an operation


def test_dot_that_is_asked_for_and_not_there_is_stood_in_for(monkeypatch):
    pure = layout.program("pure")
    monkeypatch.setattr(drawing, "program", lambda engine="pure": pure if engine == "pure" else None)
    monkeypatch.setattr(layout, "program", lambda engine="pure": pure if engine == "pure" else None)
    assert Report(traces.product(), layout="dot")._svg() != Report(traces.product())._svg()


def test_an_expression_stands_in_parentheses_behind_a_d():
    report = Report(replace(traces.parabola(), result=replace(traces.parabola().result, name="a**2 / b")))
    for shown in (report.to_text(width=100), str(report.table), repr(report)):
        assert "d(a**2 / b)/d" in shown and "da**2" not in shown
    assert "∂(a**2 / b)/∂name" in report.to_html() and "∂(a**2 / b)/∂name" in report.to_markdown().replace(
        "\\", ""
    )
    assert "∂(a**2 / b)/∂x" in report.to_html()


def test_tiny_slopes_are_not_written_as_zeros():
    report = gm.trace(lambda x: np.sum(1e-7 * x))(np.array([1.5, 2.5, 3.5]))
    assert "1e-7" in report.to_text(width=80) and "0.0000" not in report.to_text(width=80)


def test_an_explanation_is_read_as_it_is_shown():
    from IPython.lib.pretty import pretty

    explained = gm.trace(lambda 勾配: np.sum(np.sin(勾配)))(np.array([1.0, 2.0])).explain("勾配[0]")
    assert pretty(explained) == str(explained) and pretty(explained).endswith("= 0.5403")
    assert {wcswidth(line[: line.index("=")]) for line in explained.lines} == {wcswidth(explained.slope) + 1}


def test_a_quiz_keeps_notes_that_are_answers_to_itself():
    notes = (
        Note("vanishes", "the gradient of x vanishes: its norm goes from 1 to 4.083e-10 over 16 operations."),
        Note("cut", "line 2: float(y) is a plain number: the gradient ends there."),
    )
    trace = replace(traces.product(), notes=notes)
    assert "4.083e-10" in Report(trace).to_html()
    for shown in (Report(trace, quiz=True).to_html(), Report(trace, quiz=True).to_text(width=100)):
        assert "4.083e-10" not in shown and "the gradient ends there" in shown


def test_a_quiz_is_answered_and_revealed_in_text():
    report = Report(traces.product(), quiz=True)

    def table() -> list[str]:
        return [
            line.split()[:3]
            for line in report.to_text(80, False, False).splitlines()
            if line[:3] in (" a ", " b ")
        ][:2]

    assert table() == [["a", "2", "?"], ["b", "1", "?"]]
    assert (
        report.answer("b", 3)
        == "not yet: de/db is not 3. Multiply along each path, and add them up: (4)(2) + (5)(3)."
    )
    assert report.answer("a", -2.0) == "not yet: de/da has the other sign." and table()[0][2] == "?"
    assert report.hides("a") and report.hides("b")
    assert repr(report.answer("a", 2.0)) == "right: de/da is 2.0"
    assert not report.hides("a") and report.hides("b")
    assert table() == [["a", "2", "2"], ["b", "1", "?"]]
    text = report.to_text(80, False, False)
    assert (
        text.splitlines()[-1].strip() == 'answer: gm.last().answer("a", 1.0)      reveal: gm.last().reveal()'
    )
    assert report.answer("d", 3) == "right: de/dd is 3"
    assert report.reveal("b") is report and table() == [["a", "2", "2"], ["b", "1", "5"]]
    assert "start with ?" in report.to_text(80, False, False)
    assert report.reveal().to_text(80, False, False) == Report(traces.product()).to_text(80, False, False)
    assert not report.hides("c")


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("q", 1, "there is no gradient by 'q' to work out. This quiz asks for"),
        ("W1", "two", "'two' is no answer: give a number, or an array of the gradient's shape."),
        ("W1[0]", 1, r"there is no entry W1\[0\]"),
    ],
)
def test_an_answer_to_nothing_is_refused(name, answer, said):
    report = Report(traces.network(), quiz=True)
    with pytest.raises(ReportError, match=said):
        report.answer(name, answer)
    assert "has the shape" in report.answer("W1", 1.0)


def test_answers_are_held_against_arrays_and_entries():
    report = Report(traces.network(), quiz=True)
    true = report.grads["W1"]
    assert report.answer("W1", -true) == "not yet: dloss/dW1 has the other sign."
    assert report.answer("W1[0,1]", true[0, 1] * 1.01).startswith("right: dloss/dW1[0,1] is")
    off = true.copy()
    off[0, 0] += 1
    assert (
        report.answer("W1", off) == f"not yet: {true.size - 1} of {true.size} entries of dloss/dW1 are right."
    )
    assert report.answer("W1", true.round(3)).startswith("right")


@pytest.mark.parametrize(
    "trace", [traces.product(), traces.network(), traces.parabola()], ids=["product", "network", "parabola"]
)
def test_without_the_graph_text_has_none_and_no_number_of_its_arrows_alone(trace):
    for text in (
        Report(trace, graph=False).to_text(80, False, False),
        Report(trace, graph=False).to_markdown(),
    ):
        assert "local derivative" not in text and "●" not in text
        assert not re.search(r"= (\(\d+\))+$", text, re.M)
