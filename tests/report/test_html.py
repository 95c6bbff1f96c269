"""The page: static first, escaped, the same bytes every time, within its budget, alone on its page or not."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from gradmagic.report import Report, layout
from gradmagic.report.model import Trace

from . import traces

ALL = ["product", "parabola", "network", "descent", "chain", "troubled", "markup"]
VOID = {"img", "meta", "br", "link", "input", "hr"}


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


def drawings(page: Page) -> list[str]:
    sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    return [base64.b64decode(source.split(",")[1]).decode() for source in sources]


@pytest.mark.parametrize("name", ALL)
def test_every_tag_is_closed_and_every_drawing_is_svg(name):
    page = Page(html(getattr(traces, name)()))
    for drawing in drawings(page):
        root = ElementTree.fromstring(drawing)
        assert root.tag.endswith("svg")
        assert root.get("role") == "img"
        assert root.get("aria-label")


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
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.values("src"))
    assert not re.search(r"https?://", made)
    for drawing in drawings(page):
        assert not re.search(r"""\b(id|href)=|url\(""", drawing)


def test_the_style_stays_within_the_report():
    style = re.search(r"<style>(.*?)</style>", html(traces.product()), re.S)[1]
    rules = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^}]*\})*)\}", r"\1", style)
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", rules) for part in rule.split(",")]
    assert selectors
    assert all(".gradmagic.gradmagic" in s or s == ".gradmagic-page" for s in selectors), selectors


def test_names_values_and_notes_that_are_markup_stay_text():
    evil = '<script>alert("x")</script>&amp;$x$'
    for made in (html(traces.markup()), Report(traces.markup())._svg()):
        assert "<script>alert" not in made
        assert "<b>" not in made.split("# ")[-1].split("</code>")[0]
    page = Page(html(traces.markup()))
    assert evil in "".join(page.texts)
    assert page.tags["script"] == 1
    assert page.tags["style"] == 1


@pytest.mark.parametrize("name", ALL)
def test_a_typical_report_is_small(name):
    assert len(html(getattr(traces, name)()).encode()) <= 50_000


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
    assert page.tags["script"] == 2
    assert not page.values("id")


def test_a_screen_reader_is_told():
    page = Page(html(traces.network()))
    assert all(page.values("alt"))
    assert len(page.values("alt")) == page.tags["img"]
    assert page.tags["th"] == len([1 for tag, name, _ in page.attributes if (tag, name) == ("th", "scope")])
    assert any("Computation graph from W1" in alt for alt in page.values("alt"))


def test_without_script_and_style_the_numbers_are_all_there():
    """An untrusted notebook strips scripts, styles and svg."""
    made = re.sub(r"<(style|script)>.*?</\1>", "", html(traces.network()), flags=re.S)
    assert "-0.2385" in Page(made).text


def test_the_graph_can_be_left_out():
    assert "Graph" not in Page(html(traces.product(), graph=False)).text


def test_a_layout_that_takes_too_long_is_replaced_by_lanes(monkeypatch, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 20\n")
    slow.chmod(0o755)
    monkeypatch.setattr(layout, "program", lambda engine="pure": str(slow))
    monkeypatch.setattr("gradmagic.report.report.SECONDS", 0.2)
    text = "".join(Page(html(traces.product())).texts)
    assert "│ ● d = b + 1\n╰─▼ e = c * d" in text


@pytest.mark.parametrize("program", [None, "/bin/false", "/nowhere/dot"])
def test_without_a_layout_program_there_are_lanes(monkeypatch, program):
    monkeypatch.setattr(layout, "program", lambda engine="pure": program)
    assert "╰─▼ e = c * d" in "".join(Page(html(traces.product())).texts)


def test_a_loop_says_how_much_is_shown():
    assert "showing 3 of 10,001 operations" in Page(html(traces.chain())).text
    assert "the graph of the last sweep" in Page(html(traces.descent())).text


def test_small_matrices_are_grids_and_larger_ones_open():
    page = html(traces.network())
    assert page.count('<table class="gm-grid">') == 6
    assert page.count("<summary>") == 3
    assert Page(html(traces.parabola())).text.count("-1.75") == 2


def test_mathjax_leaves_the_report_alone():
    """An exported page runs MathJax over every dollar sign that is not told to be left alone."""
    assert 'class="gradmagic tex2jax_ignore mathjax_ignore"' in html(traces.markup())
