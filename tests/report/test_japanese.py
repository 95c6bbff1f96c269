"""Reports in Japanese: columns under each other, lines broken as Japanese is, no box in place of a letter."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import warnings
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth, wcwidth

import gradmagic as gm
from gradmagic.report import Report
from gradmagic.report.parts.graph import CHARACTER, FONT, picture
from gradmagic.report.pictures import dot, fonts, layout
from gradmagic.report.shown import kinsoku
from gradmagic.report.shown.typeset import broken, wrap
from tests.draws import draws
from tests.report import traces

HAS = importlib.util.find_spec("matplotlib") is not None
drawn = pytest.mark.skipif(not HAS, reason="needs matplotlib")
ALL = ["product", "parabola", "network", "descent", "chain", "troubled", "markup"]
NOT_FIRST, NOT_LAST = set("、。」）』】，．：；？！ーっゃゅょッャュョ々"), set("「（『【")
LETTERS = re.compile("[ぁ-ヿ一-鿿]")


pytestmark = pytest.mark.usefixtures("japanese")


@pytest.fixture
def bare(monkeypatch):
    """A machine without matplotlib and without Graphviz."""
    find, pure = importlib.util.find_spec, layout.program("pure")
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "matplotlib" else find(n, *a))
    monkeypatch.setattr(layout, "program", lambda engine="pure": pure if engine == "pure" else None)


def _bundled(installed=fonts._installed):
    """What matplotlib brings itself, and no machine lacks."""
    return (each for each in installed() if each[0].startswith("DejaVu"))


def network():
    """Names of both kinds, matrices, long expressions, several paths."""

    def f(入力, 重み, b):
        隠れ層 = np.tanh(入力 @ 重み + b)
        出力の誤差 = (隠れ層 - 0.5) ** 2
        return np.mean(出力の誤差) + 0.01 * np.sum(重み**2)

    x, w = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]), np.array([[0.1, 0.2], [0.3, -0.4]])
    return gm.trace(f)(x, w, np.array([0.5, -0.5]))


def loop():
    def f(学習率, x):
        for _ in range(6):
            x = x - 学習率 * 2 * x
        return x * x

    return gm.trace(f)(0.1, 3.0)


MADE = {name: lambda name=name: Report(getattr(traces, name)()) for name in ALL} | {
    "network of the reader's": network, "loop": loop
}  # fmt: skip


def tables(text):
    """Give the blocks of lines that have a head in Japanese: what stands in columns."""
    heads = ("名前", "演算")
    return [block for block in text.split("\n\n") if block.split()[:1] and block.split()[0] in heads]


def cells(line, columns):
    """Spread a line over the columns of a terminal: a wide character stands in two."""
    spread = "".join(c if wcwidth(c) < 2 else c + "\0" for c in line if wcwidth(c) > 0)
    return spread.ljust(columns)


# -- terminals -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_none_breaks_where_japanese_does_not(name, columns):
    text = MADE[name]().to_text(width=columns, ascii=False, color=False)
    assert LETTERS.search(text)
    lines = text.splitlines()
    assert len(lines) <= 60
    assert max(map(wcswidth, lines)) < columns
    assert not [line for line in lines if line.strip() and line.strip()[0] in NOT_FIRST]
    assert not [line for line in lines if line.rstrip() and line.rstrip()[-1] in NOT_LAST]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_columns_of_each_table_stand_under_their_heads(name, columns):
    found = tables(MADE[name]().to_text(width=columns, ascii=False, color=False))
    assert found
    for block in found:
        rows = block.splitlines()
        head = cells(rows[0], columns)
        starts = [m.start() for m in re.finditer(r"(?<=  )\S|(?<=^ )\S", head)]
        assert len(starts) > 1
        # A column's cells begin where its head does, or (numbers) end where it ends: no row may run over the gap.
        named = [row for row in rows[1:] if re.match(r" [^\W\d]\w* ", row)] if "名前" in head else []
        for row in named:
            spread = cells(row, columns)
            for at in starts:
                assert spread[at - 1] == " ", (head, spread)


def test_the_head_of_a_table_of_words_is_as_wide_as_its_rows():
    (block, *_) = tables(network().to_text(width=80, ascii=False, color=False))
    head, *rows = block.splitlines()
    at = wcswidth(head[: head.index("値")])
    for name, value in (("入力", "[[1, 2]"), ("重み", "[[0.1,"), ("b", "[0.5,")):
        (row,) = (row for row in rows if row.startswith(f" {name} "))
        assert wcswidth(row[: row.index(value)]) == at


# -- lines -----------------------------------------------------------------------------------------
PROSE = st.text("あの勾配は、。「」（）ーっx1= .np", max_size=80).map(lambda text: text + "です。")


@settings(max_examples=draws(50))
@given(PROSE, st.integers(12, 40))
def test_wrapped_prose_fits_loses_nothing_and_observes_kinsoku(prose, columns):
    rows = wrap(prose, columns)
    assert all(wcswidth(row) <= columns for row in rows)
    if not any(row.endswith("…") for row in rows):
        assert "".join("".join(rows).split()) == "".join(prose.split())
    for above, below in pairwise(rows):
        a, b = above[-1], below[0]
        assert kinsoku.parts(a, b) or a + " " + b in " ".join(prose.split()), (above, below)


@settings(max_examples=draws(50))
@given(PROSE, st.integers(12, 40), st.integers(0, 4))
def test_broken_prose_fits_and_loses_nothing(prose, columns, hang):
    rows = broken(prose, columns, hang)
    assert "".join("".join(rows).split()) == "".join(prose.split())
    assert all(wcswidth(row) <= columns for row in rows) or len(prose) - len(prose.lstrip()) > columns - 2


def test_prose_fills_its_lines_and_names_and_code_stay_whole():
    prose = '損失の勾配を求めるには、report.grads["x"]と書いてください。（「出力」は3個です。）'
    assert wrap(prose, 30) == [
        "損失の勾配を求めるには、",
        'report.grads["x"]と書いてくだ',
        "さい。（「出力」は3個です。）",
    ]
    assert wrap("a name like 隠れ層 or 損失関数 stays", 16) == ["a name like", "隠れ層 or", "損失関数 stays"]


def test_a_number_of_a_sum_over_steps_is_not_parted():
    text = (
        "aへ: 5.062*(1) = 5.062*1 = 5.062、"
        + "と".join(f"ステップ{i}の-5.062" for i in range(1, 6))
        + "と合わせて、25.31"
    )
    for columns in range(20, 60):
        rows = broken(text, columns)
        assert sum(row.count("-5.062") for row in rows) == 5, rows


def test_english_is_wrapped_as_before():
    assert wrap("one two, three (four) five", 9) == ["one two,", "three", "(four)", "five"]


# -- pictures --------------------------------------------------------------------------------------
def test_boxes_are_as_wide_as_wide_characters():
    for box in picture(network()._view).boxes:
        for line in box.lines:
            assert sum(wcswidth(text) for text, _ in line) * FONT * CHARACTER <= box.width - 10


def test_ids_of_dot_and_keys_of_json_are_the_same_in_both_languages(tmp_path):
    said = {}
    for language in ("en", "ja"):
        gm.set_language(language)
        report = Report(traces.troubled())
        nodes = re.findall(r"^\t(\S+)(?: -> (\S+))? \[", report.graph.source, re.M)
        said[language] = nodes, json.loads(Path(report.save(tmp_path / "a.json")).read_text())
    assert said["en"] == said["ja"]


def has_fonts():
    return HAS and not fonts.families("勾配、あア")[1]


@drawn
@pytest.mark.skipif(not has_fonts(), reason="no Japanese font is installed")
def test_where_fonts_are_png_and_pdf_are_in_japanese_and_nothing_is_warned_of(tmp_path, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("png", "pdf"):
            network().save(tmp_path / f"a.{kind}")
    assert not caplog.records  # of fonts that have no bold letters
    assert re.search(rb"/FontName /[A-Z]{6}\+(?!DejaVu)", (tmp_path / "a.pdf").read_bytes())


@drawn
def test_without_fonts_a_picture_is_the_english_one_and_one_warning_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_installed", _bundled)
    made = {}
    for kind in ("png", "pdf"):
        with pytest.warns(UserWarning, match="日本語フォント") as said:
            made[kind] = Path(Report(traces.network()).save(tmp_path / f"ja.{kind}")).read_bytes()
        (only,) = said
        assert only.filename == __file__
        assert gm.get_language() == "ja"
    gm.set_language("en")
    for kind, found in made.items():
        assert found == Path(Report(traces.network()).save(tmp_path / f"en.{kind}")).read_bytes()


@drawn
def test_without_fonts_a_name_that_none_has_is_warned_of_and_nothing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_installed", _bundled)
    for kind in ("png", "pdf"):
        with pytest.warns(UserWarning, match=r"重.*四角") as said:
            network().save(tmp_path / f"a.{kind}")
        assert len(said) == 1


@pytest.mark.usefixtures("bare")
def test_without_matplotlib_the_words_are_english_and_no_letter_is_a_box(tmp_path):
    with pytest.warns(UserWarning, match="日本語フォント"):
        found = Path(Report(traces.network()).save(tmp_path / "ja.png")).read_bytes()
    gm.set_language("en")
    assert found == Path(Report(traces.network()).save(tmp_path / "en.png")).read_bytes()


@drawn
def test_a_graph_is_not_rendered_with_boxes_either(tmp_path, monkeypatch):
    pure = layout.program("pure")
    monkeypatch.setattr(layout, "program", lambda engine="pure": pure if engine == "pure" else None)
    graph = network().graph
    assert dot.lacking(graph.source)
    monkeypatch.setattr(dot, "rendered", lambda *_: pytest.fail("graphviz-pure has no such font"))
    assert Path(graph.render(tmp_path / "graph", format="png")).read_bytes().startswith(b"\x89PNG")


def test_tooltips_are_no_reason_to_refuse_a_picture():
    assert not dot.lacking(r'graph [tooltip="計算\"グラフ"] a [label="(1) x" tooltip="勾配"]')
    assert dot.lacking(r'a [label="①勾配" tooltip="x"]') == "勾配"


@drawn
def test_a_plot_writes_its_words_in_a_font_that_has_them(monkeypatch):
    report = gm.trace(lambda x: np.sin(x) * x, plot=True)(2.0)
    if has_fonts():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = report.plot()
            figure.canvas.draw()
        assert LETTERS.search(figure.axes[0].get_title())
    monkeypatch.setattr(fonts, "_installed", _bundled)
    with pytest.warns(UserWarning, match="日本語フォント") as said:
        figure = report.plot()
    assert said[0].filename == __file__
    assert not LETTERS.search(figure.axes[0].get_title())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()


def test_svg_is_in_japanese_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_installed", _bundled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = Path(network().save(tmp_path / "a.svg")).read_text()
    assert "重み" in made and 'xml:lang="ja"' in made
    assert ElementTree.fromstring(made).tag.endswith("svg")


# -- LaTeX -----------------------------------------------------------------------------------------
def test_latex_says_which_of_its_letters_are_japanese_and_only_then():
    made = network()._tex()
    assert made.startswith("\\begingroup\n") and made.endswith("\\endgroup\n")
    (told,) = re.findall(r"\\gclass (\S+?)\\relax\n", made)
    assert set(told) >= set(LETTERS.findall(made.partition("PackageWarning")[2].partition("\n")[2]))
    gm.set_language("en")
    assert "begingroup" not in Report(traces.network())._tex()


@pytest.mark.skipif(
    shutil.which("xelatex") is None or not has_fonts(), reason="no TeX, or no Japanese font on this machine"
)
def test_a_pdf_by_latex_lacks_no_letter(tmp_path):
    wanted = ("fontspec", "pgf", "adjustbox", "longtable", "booktabs", "amsmath")
    files = [f"{name}.sty" for name in wanted]
    if subprocess.run(["kpsewhich", *files], capture_output=True, text=True).stdout.count("\n") < len(files):
        pytest.skip("this TeX lacks a package")
    used = "".join(f"\\usepackage{{{name}}}\n" for name in wanted) + "\\usepackage{textcomp}\n"
    document = f"\\documentclass{{article}}\n{used}\\begin{{document}}\n{network()._tex()}\\end{{document}}\n"
    (tmp_path / "a.tex").write_text(document, encoding="utf-8")
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
    assert not re.findall(r"There is no (.) \(U", done.stdout)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_note_of_a_reader_of_another_language_has_its_line_once(tmp_path, language):
    gm.set_language(language)
    x = np.array([0.0, 4.0])
    with gm.trace("x") as made:
        y = np.sqrt(x).sum()  # noqa: F841
    saved = made.report.save(str(tmp_path / "a.json"))
    for other in ("ja", "en"):
        gm.set_language(other)
        (note,) = re.findall(r"^ ! .*", Report.load(saved).to_text(), re.M)
        assert len(re.findall(r"line \d+:|\d+行目:", note)) == 1, note


def test_a_report_that_was_shown_in_english_is_japanese_afterwards():
    pages = {}
    for languages in (["ja"], ["en", "ja"]):
        report = Report(traces.network())
        for language in languages:
            gm.set_language(language)
            pages[len(languages)] = [
                report.to_html(),
                report.to_text(),
                report.to_markdown(),
                str(report.graph),
            ]
            assert report.table is report.table
    assert pages[1] == pages[2]


def test_what_a_quiz_has_shown_is_in_its_table():
    report = Report(traces.parabola(), quiz=True)
    before = report.table
    report.reveal()
    assert report.table is not before
