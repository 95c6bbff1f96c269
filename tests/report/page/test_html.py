"""The page: static first, escaped, the same bytes every time, within its budget, alone on its page or not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from base64 import b64decode
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from gradmagic.report import Report
from gradmagic.report.model import Trace
from gradmagic.report.page.html import page
from gradmagic.report.pictures import layout
from gradmagic.report.pictures.svg import still, svg
from tests.cell.helpers import fresh, traced
from tests.report import traces

ALL = ["product", "parabola", "network", "descent", "chain", "troubled", "markup"]
VOID = {"img", "meta", "br", "wbr", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects tags and text, and fails on a tag that is not closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def html(trace: Trace, **settings: object) -> str:
    return Report(trace, **settings).to_html()


def data_of(made: str) -> str:
    """What the page's script unpacks."""
    return zlib.decompress(b64decode(re.search(r'class="gm-data">(.*?)</script>', made, re.S)[1])).decode()


def known(made: str) -> dict:
    """What the page's script knows."""
    return json.loads(data_of(made))


def drawings(page: Page) -> list[str]:
    sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    return [unquote(source.partition(",")[2]) for source in sources]


@pytest.mark.parametrize("name", ALL)
def test_every_tag_is_closed_and_every_drawing_is_svg(name):
    page = Page(html(getattr(traces, name)()))
    for drawing in drawings(page):
        root = ElementTree.fromstring(drawing)
        assert root.tag.endswith("svg")
        assert root.get("role") == "img"  # what it shows is said by the image's `alt`


def test_the_page_says_what_the_terminal_says():
    page = Page(html(traces.product()))
    for words in (
        "e = 6", "from a = 2, b = 1", "3 operations, 1 sweep", "④② + ⑤③ = 2·1 + 3·1", "by 0.05",
        "2c = a + b32", "with step 2’s 3: 5", "One backward sweep gave both",
    ):  # fmt: skip
        assert words in page.text, words


@pytest.mark.parametrize("name", ALL)
def test_there_are_no_ids_no_links_and_no_network(name):
    made = Report(getattr(traces, name)()).to_html()
    page = Page(made)
    assert not page.values("id")
    assert not page.values("href")
    assert all(source.startswith("data:image/svg+xml,%3Csvg ") for source in page.values("src"))
    assert not re.search(r"https?://", made.replace('xmlns="http://www.w3.org/2000/svg"', ""))  # a name
    for drawing in drawings(page):
        assert not re.search(r"""\b(id|href)=|url\(""", drawing)


def test_the_style_stays_within_the_report():
    style = re.search(r"<style>(.*?)</style>", html(traces.product()), re.S)[1]
    assert style.count("{") == style.count("}")
    depth, selectors = 0, []
    for text, brace in re.findall(r"([^{}]*)([{}])", re.sub(r"@media[^{]*\{(.*)\}", r"\1", style)):
        if brace == "{" and depth == 0:  # what is nested belongs to what it stands in
            selectors += [part.strip() for part in text.split(",")]
        depth += 1 if brace == "{" else -1
    assert selectors
    assert all(".gradmagic.gradmagic" in s or s == ".gradmagic-page" for s in selectors), selectors


def test_names_values_and_notes_that_are_markup_stay_text():
    evil = '<script>alert("x")</script>&amp;$x$'
    for made in (html(traces.markup()), Report(traces.markup())._svg()):
        assert "<script>alert" not in made
        assert "<b>" not in made.split("# ")[-1].split("</code>")[0]
    page = Page(html(traces.markup()))
    assert evil in "".join(page.texts)
    assert page.tags["script"] == 3  # the numbers, what makes them alive, and what unpacks both
    assert page.tags["style"] == 1
    assert not set("<>&") & set(data_of(html(traces.markup())))
    assert evil in json.dumps(known(html(traces.markup())), ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize("name", ALL)
def test_the_image_has_every_word_of_the_drawing_and_the_look_of_its_shapes(name):
    """What is left out of it the script adds: nothing that is read or seen."""
    whole = svg(Report(getattr(traces, name)())._scene)
    plain = still(whole)
    for drawing in (whole, plain):
        ElementTree.fromstring(drawing)
    words = [re.findall(r"<(?:text|tspan)[^>]*>([^<]+)", drawing) for drawing in (whole, plain)]
    assert words[0] == words[1]
    style = re.search("<style>(.*?)</style>", plain)[1]
    for found in set(" ".join(re.findall(r' class="([^"]*)"', plain)).split()) & {
        "input",
        "result",
        "pos",
        "neg",
        "row",
    }:
        assert f".{found}" in style
    assert "var(--gm" not in style


def test_attributes_that_are_only_text_stay_in_the_image():
    text = 'd(" aria-label="x" data-s="1" data-d="2"")'
    drawing = '<svg aria-label="y" width="1"><style>text{}</style><g class="e" data-i="1" data-s="1" data-d="2"></g>'
    assert text in still(f"{drawing}<text>{text}</text></svg>")


@pytest.mark.parametrize("name", ALL)
def test_a_typical_report_is_small(name):
    """Fifty of them are in a notebook; where style and script are in each, too, twice as much is allowed."""
    report = Report(getattr(traces, name)())
    assert len(report._html(brings=False).encode()) <= 25_000
    assert len(report.to_html().encode()) <= 50_000


def test_the_largest_report_stays_within_its_budget():
    source = "\n".join(f"v{i} = np.sin(w{i % 40}) * {i}" for i in range(400))
    s = traces.Sketch(source)
    keys = [
        s.input(f"w{i}", np.random.default_rng(i).random((10, 10)), np.ones((10, 10)) * i) for i in range(40)
    ]
    for i in range(400):
        k = s.step("sin", f"np.sin(w{i % 40})", 1.0, 1.0, (keys[i % 40], "np.cos(w)", 1.0, 1.0), line=i + 2)
        s.step(
            "multiply", f"np.sin(w{i % 40}) * {i}", 1.0, 1.0, (k, str(i), i, 1.0), name=f"v{i}", line=i + 2
        )
    assert len(html(s.trace("v399", 1.0)).encode()) <= 300_000


def test_the_same_trace_gives_the_same_bytes_in_another_process():
    script = (
        "import hashlib, sys; sys.path.insert(0, '.');"
        "from tests.report import traces; from gradmagic.report import Report;"
        "reports = [Report(f()) for f in (traces.network, traces.descent, traces.chain, traces.troubled)];"
        "made = [r.to_html() + r.to_text(width=80) + r.graph.source for r in reports];"
        "print([hashlib.sha256(text.encode()).hexdigest() for text in made])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(runs) == 1


def test_two_reports_stand_on_one_page():
    both = html(traces.product()) + html(traces.parabola())
    page = Page(both)
    assert page.tags["script"] == 6
    assert not page.values("id")


def test_a_screen_reader_is_told():
    page = Page(html(traces.network()))
    assert all(page.values("alt"))
    assert len(page.values("alt")) == page.tags["img"]
    assert page.tags["th"] == len([1 for tag, name, _ in page.attributes if (tag, name) == ("th", "scope")])
    assert any("Computation graph from W1" in alt for alt in page.values("alt"))


def test_without_script_and_style_the_numbers_are_all_there():
    """An untrusted notebook strips scripts, styles and svg."""
    made = re.sub(r"<(style|script)\b.*?</\1>", "", html(traces.network()), flags=re.S)
    assert "-0.2385" in Page(made).text


def test_the_graph_can_be_left_out():
    assert "Graph" not in Page(html(traces.product(), graph=False)).text


def test_a_program_that_takes_too_long_is_stood_in_for(monkeypatch, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 20\n")
    slow.chmod(0o755)
    monkeypatch.setattr(layout, "program", lambda engine="pure": str(slow))
    monkeypatch.setattr(layout, "SECONDS", 0.2)
    assert html(traces.product(), layout="dot") == html(traces.product())


def test_where_curves_take_too_long_the_edges_are_straight(monkeypatch):
    run = layout.subprocess.run

    def slow_with_curves(command, *, input, timeout, **options):
        if b"splines=line" not in input:
            raise subprocess.TimeoutExpired(command, timeout)
        return run(command, input=input, timeout=timeout, **options)

    monkeypatch.setattr(layout.subprocess, "run", slow_with_curves)
    (drawing,) = drawings(Page(html(traces.product(), layout="graphviz-pure")))
    assert drawing.count("<polygon") == 5


def test_a_graph_with_many_long_edges_has_straight_ones():
    """A sum that comes back to the first value 60 times: 60 edges over up to 60 ranks."""
    s = traces.Sketch("\n".join(f"y = y * x  # {i}" for i in range(60)))
    first = key = s.input("x", 1.0, 1.0)
    for i in range(60):
        key = s.step("multiply", "y * x", 1.0, 1.0, (key, "x", 1.0, 1.0), (first, "y", 1.0, 1.0), line=i + 2)
    long, short = Report(s.trace("", 1.0), max_nodes=130).graph.source, Report(traces.chain()).graph.source
    assert "splines=line" in long
    assert "splines" not in short


@pytest.mark.parametrize("program", [None, "/bin/false", "/nowhere/dot"])
def test_without_a_layout_program_the_graph_is_the_same(monkeypatch, program):
    expected = html(traces.product())
    monkeypatch.setattr(layout, "program", lambda engine="pure": program)
    monkeypatch.setattr(layout.subprocess, "run", None)  # no process can be started, as in a browser
    assert html(traces.product()) == expected
    monkeypatch.undo()
    monkeypatch.setattr(layout, "program", lambda engine="pure": program)
    assert html(traces.product(), layout="dot") == expected


def test_a_loop_says_how_much_is_shown():
    assert "10,001 operations, put together to 3" in Page(html(traces.chain())).text
    assert "the graph of the last sweep" in Page(html(traces.descent())).text


def test_small_matrices_are_grids_and_larger_ones_open():
    page = html(traces.network())
    assert page.count('<table class="gm-grid">') == 6
    assert page.count("<summary>") == 3
    assert Page(html(traces.parabola())).text.count("-1.75") == 2


def test_a_vector_stands_in_rows_so_that_its_gradient_is_beside_it():
    page = html(traced("z = (v**2).sum()", fresh("v = np.arange(10.0)"), "v"))
    rows = [re.findall("<td[^>]*>([^<]*)</td>", row) for row in re.findall("<tr align.*?</tr>", page)]
    assert rows[:2] == [["0", "1", "2", "3", "4"], ["5", "6", "7", "8", "9"]]
    assert rows[2:4] == [["0", "2", "4", "6", "8"], ["10", "12", "14", "16", "18"]]
    wide = html(traced("z = (v**2).sum()", fresh("v = np.arange(10.0)[None]"), "v"))
    assert "<summary>" in wide.split("</tbody>")[0]  # a matrix keeps its rows, and opens


def test_mathjax_leaves_the_report_alone():
    """An exported page runs MathJax over every dollar sign that is not told to be left alone."""
    assert 'class="gradmagic tex2jax_ignore mathjax_ignore"' in html(traces.markup())


# -- what the script knows -------------------------------------------------------------------------
def test_the_walk_backward_says_what_each_value_has_by_then():
    found = known(html(traces.product()))
    keys = {said[0]: int(key) for key, said in found["sheets"][0]["nodes"].items()}
    b = keys["b"]
    sent = {(step, flow[1]): flow[2:] for step, (_, flows) in enumerate(found["back"]) for flow in flows}
    assert sent[1, b] == ["3", "3", False]
    assert sent[2, b] == ["2", "5", True]


def test_an_arrow_says_its_local_derivative_and_what_it_carries_entry_by_entry():
    found = known(html(traces.network()))
    edge = next(e for e in found["sheets"][0]["edges"].values() if e[2] == "1 - h*h")
    shape, words, sign, *rows = found["values"][edge[4]]
    assert (shape, sign) == ("(8, 4)", "+")
    assert ".." in words
    assert [len(row) for row in rows[0]] == [4] * 8 if rows else True


def test_a_folded_loop_can_be_unfolded_to_its_first_and_last_turns():
    found = known(html(traces.chain(400)))
    titles = [said[2] for said in found["sheets"][1]["nodes"].values()]
    assert any(title.startswith("turn 1 of ") for title in titles)
    unfolded = found["sheets"][1]
    assert unfolded["svg"].startswith("<svg")
    # Each of its boxes belongs to a box of the folded drawing.
    folded = set(found["sheets"][0]["nodes"])
    assert {str(found["own"].get(key, key)) for key in unfolded["nodes"]} <= folded


@pytest.mark.parametrize("name", ALL)
def test_every_key_of_the_page_is_a_box_of_the_graph(name):
    made = html(getattr(traces, name)())
    found = known(made)
    keys = {str(found["own"].get(key, key)) for key in Page(made).values("data-k")}
    assert keys <= set(found["sheets"][0]["nodes"]) | {str(e.key) for e in getattr(traces, name)().inputs}


LONG = "y = x\n" + "\n".join(f"y = np.sin(y * w + x) * 1.0{i}7" for i in range(160)) + "\nz = y.sum()"
QUIZZES = {
    "numbers": "c = a * w\nd = np.exp(c * 0.3)\nz = d * a + np.log(w)",
    "arrays": "y = np.tanh(A @ A) * x[0]\nz = (y * 0.713).sum()",
    "curve": "y = 1.37 * x**3 + 0.29 * x\nz = y.sum()",
    "turns": "s = a * 1.0\nfor k in range(7):\n    s = np.sin(s) * 0.913 + w\nz = s",
    "zeros": "u = A * 0.0\nz = u.sum() + (a * w)**3",
    "long": LONG,
}


class Unopened(Page):
    """What is seen without script and style while nothing is opened: texts, tips and drawings."""

    def __init__(self, html: str) -> None:
        self.seen: list[str] = []
        self.shut: list[int] = []  # what hides what is in it, by how deep it stands
        super().__init__(re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.S))

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        given = dict(attrs)
        if "hidden" in given or (tag == "details" and "open" not in given):
            self.shut.append(len(self.open))
        elif not self.shut:
            self.seen += [unquote(given.get(name) or "") for name in ("title", "alt", "src", "aria-label")]

    def handle_endtag(self, tag):
        if self.shut and self.shut[-1] == len(self.open):
            self.shut.pop()
        super().handle_endtag(tag)

    def handle_data(self, data):
        if not self.shut:
            self.seen.append(data)


def quizzed(name: str, **settings: object) -> Report:
    values = fresh(
        "a = 0.7\nw = 1.3\nx = np.array([0.31, -1.2, 2.6])\nA = np.array([[0.2, 1.4], [-0.6, 0.9]])"
    )
    return Report(traced(QUIZZES[name], values), quiz=True, **settings)


def answers(report: Report) -> set[str]:
    """The texts of all gradients that nothing but an answer would be."""
    trace = report._whole
    found = [*(o.grad for o in trace.operations), *(entry.grad for entry in trace.inputs)]
    found += [grad for series in (trace.turns.series if trace.turns else ()) for grad in series.grads]
    numbers = {item for value in found if value is not None for item in np.ravel(value.items or ()).tolist()}
    values = [o.value for o in trace.operations if o.value is not None]
    known = {
        text for value in values for item in np.ravel(value.items or ()).tolist() for text in digits(item)
    }
    known |= set(re.findall(r"[\d.]+", trace.source))
    return {text for item in numbers for text in digits(item)} - known


def digits(item: float) -> set[str]:
    return {text for n in (3, 4) if len((text := f"{abs(item):.{n}g}").strip("0.")) >= 3 or "." in text}


@pytest.mark.parametrize("name", QUIZZES)
def test_a_quiz_keeps_its_answers_where_scripts_and_styles_are_taken_out(name):
    report = quizzed(name)
    told = answers(report)
    assert len(told) > 3
    seen = Unopened(report.to_html()).seen
    assert told & numbers_in(seen) == set()
    assert "zero" not in seen and any("gm.last().reveal()" in text for text in seen)
    # They are there for those who open them, and once it is over for all.
    assert told & numbers_in([Page(report.to_html()).text])
    made = report.reveal().to_html()
    assert len(told & numbers_in(Unopened(made).seen)) > 3 and "<summary>?" not in made


def numbers_in(texts: list[str]) -> set[str]:
    return set(re.findall(r"\d[\d.]*(?:e[-+]\d+)?", "\n".join(texts)))


def test_what_a_long_quiz_hides_of_its_tips_its_script_knows():
    made = quizzed("long").to_html()
    tips = [tip for tip in Page(made).values("title") if "value" in tip]
    assert tips and not any("gradient" in tip for tip in tips)
    assert len(known(made)["tips"]) == len({*re.findall(r'class="gm-x" data-k="(\d+)"', made)}) > 20


def test_what_was_answered_in_a_quiz_is_shown_on_its_page():
    report = Report(traces.product(), quiz=True)
    report.answer("b", 5)
    made = report.to_html()
    rows = re.findall(r"<tr data-k.*?</tr>", made, re.S)
    assert "<details" in rows[0] and "<details" not in rows[1] and "2·1 + 3·1" in Page(rows[1]).text
    assert known(made)["open"] == [1] and "grad 5" in drawings(Page(made))[0]
    assert "grad 5" in known(made)["sheets"][0]["svg"] and "grad 2" not in drawings(Page(made))[0]


def test_a_quiz_begins_hidden_and_no_other_report():
    plain, quiz = html(traces.product()), html(traces.product(), quiz=True)
    assert "data-quiz" in quiz.split(">")[0] and "gm-q" in quiz
    assert (
        "data-quiz" not in plain.split(">")[0]
        and "<summary>?" not in plain
        and "svg" not in known(plain)["sheets"][0]
    )


@pytest.mark.parametrize(
    ("cell", "names", "hidden"),
    [
        ("z = a**3", "a", {"1": [0]}),
        ("z = a*w", "a w", {"1": [0], "2": [1]}),
        ("z = (x**2).sum()", "x", {"1": [0]}),
        ("z = a*w + b", "a w b", {"1": [0], "2": [1], "4": [2]}),
        ("z = np.sin(a**2) + w**2", "a w", {"3": [1]}),
        ("z = np.sin(a**2)", "a", {}),
        ("z = (2*x**2).sum()", "x", {}),
        ("c = a + b\nd = b + 1\nz = c*d", "a b", {}),
        ("z = a*a", "a", {}),
        ("z = (a + w)**2", "a w", {"3": [0, 1]}),
        ("y = a\nfor k in range(6):\n    y = np.sin(y)*y\nz = y*w", "a w", {"20": [1]}),  # and 64 paths to a
    ],
)
def test_an_arrow_that_is_the_answer_is_no_help(cell, names, hidden):
    trace = traced(cell, fresh("a = 0.7\nw = 1.3\nb = 2.5\nx = np.array([0.31, -1.2, 2.6])"), names)
    assert known(html(trace))["sheets"][0].get("arrows", {}) == hidden
    report = Report(trace, quiz=True)
    drawing = drawings(Page(report.to_html()))[-1]
    assert drawing.count(" ?</text>") + drawing.count(" ?</tspan>") >= len(hidden)
    assert report.to_text(100, False, False).count(") ?") >= len(hidden)
    for name in names.split():
        report.reveal(name)
    assert ") ?" not in report.to_text(100, False, False)


# -- contrast --------------------------------------------------------------------------------------
def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, share: float, ground: str) -> str:
    pairs = ((int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def themes() -> dict[str, dict[str, str]]:
    report = Report(traces.product())
    style = "".join(re.findall(r"<style>(.*?)</style>", page(report.to_html(), report._view), re.S)[::-1])
    sets = re.findall(r"\{(--gm-ink:[^}]*)", style)
    assert len(sets) == 3  # light, dark by the host, dark by the reader's system
    read = [dict(re.findall(r"--gm-(\w+):(?:var\([^,]*,)?(#[0-9a-f]{3,6})", text)) for text in sets]
    full = [
        {k: c if len(c) == 7 else "#" + "".join(x * 2 for x in c[1:]) for k, c in found.items()}
        for found in read
    ]
    assert full[1] == full[2]
    return {"light": full[0], "dark": full[1]}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "muted", "pos", "neg", "both", "bad", "gold"])
def test_every_ink_can_be_read_on_every_ground(theme, ink):
    colours = themes()[theme]
    grounds = {name: colours[name] for name in ("bg", "card", "soft", "input", "result")}
    # A line that is lit is a little golden.
    grounds["lit"] = mixed(colours["gold"], 0.12, colours["bg"])
    for name, ground in grounds.items():
        assert contrast(colours[ink], ground) >= 4.5, (theme, ink, name, contrast(colours[ink], ground))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_can_be_read_on_tinted_cells_and_lines_be_seen(theme):
    colours = themes()[theme]
    for tint in ("pos", "neg"):
        assert contrast(colours["ink"], mixed(colours[tint], 0.27, colours["bg"])) >= 4.5
    assert contrast(colours["edge"], colours["bg"]) >= 3
