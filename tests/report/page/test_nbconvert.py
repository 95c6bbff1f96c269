"""A report in a notebook that nbconvert exports: to HTML, Markdown and LaTeX nothing of it is lost or taken apart."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from gradmagic.report import Report
from tests.report import traces

nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed (pip install '.[test]')")
bs4 = pytest.importorskip("bs4")  # comes with it
nbformat = pytest.importorskip("nbformat")

ALL = ["product", "parabola", "network", "chain", "troubled", "markup"]


def exported(exporter: str, *names: str) -> str:
    """Export a notebook with the reports of these traces as outputs."""
    cells = []
    for name in names:
        bundle = Report(getattr(traces, name)())._repr_mimebundle_(include={"text/html", "text/plain"})
        output = nbformat.v4.new_output("execute_result", bundle, execution_count=1)
        cells.append(nbformat.v4.new_code_cell("%%grad", outputs=[output], execution_count=1))
    notebook = nbformat.v4.new_notebook(cells=cells)
    return nbconvert.get_exporter(exporter)().from_notebook_node(notebook)[0]


def test_html_keeps_the_reports_apart_and_their_drawings_whole():
    made = exported("html", *ALL)
    assert len(re.findall(r'<div class="gradmagic ', made)) == len(ALL)
    sources = [image["src"] for image in bs4.BeautifulSoup(made, "html.parser").select("img.gm-svg")]
    assert len(sources) >= len(ALL)
    for source in sources:
        assert ElementTree.fromstring(unquote(source.partition(",")[2])).tag.endswith("svg")


def test_html_keeps_an_expression_below_its_place_in_the_line():
    """nbconvert reads and writes the page anew: spaces that stand alone in an element become one."""
    made = exported("html", "parabola")
    lead = re.search(
        r'<tr class="gm-part".*?<code>(\s*)<span class="gm-x">2 \* x\*\*2</span>', made
    )[1]
    assert len(lead) == len("y = ")


@pytest.mark.parametrize("name", ALL)
def test_markdown_has_each_report_as_one_block(name):
    """An empty line ends a block of HTML in Markdown: what comes after it would be read as Markdown."""
    made = exported("markdown", name)
    start, end = made.index('<div class="gradmagic '), made.rindex("</div>")
    assert not re.search(r"\n[ \t]*\n", made[start:end])


def test_an_error_of_several_paragraphs_stays_in_its_block():
    s = traces.Sketch("y = x")
    s.input("x", np.ones(2), None)
    trace = replace(s.trace("x", 1.0), error="no\n\n  good\n \nat all")
    assert not re.search(r"\n[ \t]*\n", Report(trace).to_html())
    assert "no\n\n  good\n \nat all" in Report(trace).to_html().replace("&#10;", "\n")


@pytest.mark.parametrize("name", ALL)
def test_latex_has_the_text_line_by_line(name):
    made = exported("latex", name)
    assert "<div" not in made
    plain = made.replace(r"\textasciitilde{}", "~")
    for line in Report(getattr(traces, name)()).to_text(width=80, color=False).splitlines():
        if not set("\\{}_^#$%&<>~'`-") & set(line):  # what LaTeX writes in another way
            assert line in plain, line
