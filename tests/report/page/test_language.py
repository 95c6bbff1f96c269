"""The page speaks the reader's language: all of its words, those that its script says later too."""

from __future__ import annotations

import re

import pytest

import gradmagic as gm
from gradmagic.report import Report
from gradmagic.report.page import assets
from gradmagic.report.page.html import fit_html, page
from tests.cell.helpers import fresh, traced
from tests.language import catalogue
from tests.report import traces
from tests.report.page.test_html import ALL, Page, drawings, html, known

CELLS = {
    "loops": ("h = w\nfor i in range(9):\n    h = np.sin(h)*w\nz = h*2", "w = 0.9", "w"),
    "calls": (
        "def f(u):\n    return np.tanh(u @ A)\nh = f(f(x))\nq = np.concatenate([h, h*2])\nz = q.max() + h[0].sum()",
        "x = np.ones((2, 2)); A = np.array([[1.0, 2.0], [0.5, -1.0]])",
        "x A",
    ),
    "curve": ("y = x**2 + 1\nz = y.sum()", "x = np.linspace(-2, 2, 9)", "x"),
    "nothing": ("u = unused*0\nz = x*2", "x = 3.0; unused = 1.0", "x unused"),
}
# What is the same in both: what can be typed, names of formats, of NumPy's and of Python's.
SAME = {
    "LaTeX", "Python", "NaN", "inf", "In", "gm", "last", "grads", "save", "report", "html", "svg", "png", "pdf", "md",
    "tex", "json", "grad", "float", "int", "tensor", "outer", "log", "answer", "reveal",
}  # fmt: skip


def said(made: str) -> str:
    """All that a page says: its text, tooltips and labels, the words of its drawings, and what its script knows."""
    shown = Page(made)
    told = [*shown.texts, *shown.values("title"), *shown.values("alt"), *shown.values("aria-label")]
    for drawing in drawings(shown):
        told += re.findall(r">([^<>]+)<", re.sub("<style>.*?</style>", "", drawing))
    return "\n".join([*told, *_texts({k: v for k, v in known(made).items() if k not in KEYS})])


NAME = re.compile(r"[^\W\d]\w*", re.ASCII)
KEYS = {"said", "latex"}
NAMES = {"form", "svg", "scopes"}  # are read by the script


def _texts(data) -> list[str]:
    if isinstance(data, dict):
        return [text for key, value in data.items() if key not in NAMES for text in _texts(value)]
    if isinstance(data, list):
        return [text for value in data for text in _texts(value)]
    return [data] if isinstance(data, str) else []


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text))


def english(made: str, trace) -> set[str]:
    """The words of a page that are not the reader's, and not NumPy's: of the code, the names, rules and dtypes."""
    found = [trace.source, trace.error or ""]
    for o in trace.operations:
        found += [o.rule, o.dtype, *o.names, o.place.text if o.place else "", *(e.constant for e in o.inputs)]
        found += [f"{e.formula} {e.words}" for e in o.inputs]
    found += [note.text for note in trace.notes] + [f"{entry.name} {entry.note}" for entry in trace.inputs]
    own = set(NAME.findall(" ".join(found)))
    return words(NAME.sub(lambda m: "" if {m[0], m[0][1:]} & own else m[0], said(made))) - SAME


@pytest.mark.parametrize("name", sorted({*ALL} - {"markup"}))
def test_a_japanese_page_has_no_english_word_of_ours(japanese, name):
    trace = getattr(traces, name)()
    made = html(trace)
    assert not english(made, trace)
    assert 'lang="ja"' in made.partition("<style>")[0]


@pytest.mark.parametrize("name", CELLS)
def test_nor_has_the_page_of_a_cell(japanese, name):
    text, setup, names = CELLS[name]
    trace = traced(text, fresh(setup), names)
    for quiz in (False, True):
        assert not english(html(trace, quiz=quiz), trace)


def test_the_table_has_all_that_scripts_say():
    """Babel finds no sentence in a text with `${...}` in it."""
    assert set(assets._sentences()) <= {m.id for m in catalogue.extracted() if m.id}


def test_scripts_say_nothing_but_by_the_table():
    for name in assets.SCRIPTS:
        script = re.sub(r"/\*.*?\*/", "", assets._source(name), flags=re.S)
        for call in re.findall(r'\bbutton\(((?:"[^"]*"|[^",()]+), "[^"]+)', script):
            pytest.fail(f"{name}: {call}")
        labels = re.findall(
            r'(?:"aria-label": |title: |\.title = |textContent = |h\("b", {}, )["`]([^"`]*)', script
        )
        assert not [label for label in labels if words(re.sub(r"\$\{[^}]*\}", "", label))], name
        sentences = re.findall(r'(?<!tr\()(["`])([A-Za-z]+(?: [a-z]+)+[^"`]*)\1', script)
        assert not [text for _, text in sentences if not re.match("gm-|translate|row|div", text)], name


def test_english_stands_in_the_script_alone():
    assert "said" not in known(html(traces.product()))
    assert "lang=" not in html(traces.product()).partition("<style>")[0]
    assert '<html lang="en">' in page("", Report(traces.product())._view)


def test_a_japanese_page_brings_what_the_script_says(japanese):
    said = known(html(traces.product()))["said"]
    assert said.keys() == set(assets._sentences())
    assert said["show the gradient"] == "勾配を表示"
    assert len(Report(traces.product())._html(brings=False).encode()) < 12_000
    assert '<html lang="ja">' in page("", Report(traces.product())._view)


def test_a_page_without_operations_does_too(japanese):
    s = traces.Sketch("y = x")
    s.input("x", 1.0, 1.0)
    assert set(known(html(s.trace("x", 1.0)))) == {"said"}


def test_one_script_serves_reports_of_both_languages():
    english = assets.script()
    gm.set_language("ja")
    try:
        assert (assets.script(), assets.version()) == (english, assets.version())
    finally:
        gm.set_language("en")


def test_a_fit_speaks_japanese(japanese):
    fit = gm.minimize(lambda a: (a - 1) ** 2 + 2, 3.0, "adam", lr=0.1, iterations=9)
    shown = Page(fit_html(fit.descent))
    assert "反復" in shown.text
    assert not words(shown.text) - SAME - {"Adam", "lambda"}


def test_a_quiz_answers_in_japanese(japanese):
    report = Report(traces.product(), quiz=True)
    assert str(report.answer("b", 5)) == "正解: de/dbは5です。"
    assert "経路" in str(report.answer("b", 4)) and "符号" in str(report.answer("a", -2))
    with pytest.raises(ValueError, match="問題は"):
        report.answer("nothing", 4)
