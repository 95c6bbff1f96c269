"""A report in a notebook that nbconvert exports, to HTML, Markdown, LaTeX and PDF: nothing is lost or taken apart."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from gradmagic.report import Report
from gradmagic.report.model import Trace
from gradmagic.report.page import sharing
from gradmagic.report.shown.notation import upright
from tests.report import traces

nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed (pip install '.[test]')")
bs4 = pytest.importorskip("bs4")  # comes with it
nbformat = pytest.importorskip("nbformat")
Config = pytest.importorskip("traitlets.config").Config

ALL = ["product", "parabola", "network", "chain", "troubled", "markup"]


def exported(exporter: str, *names: str, known: bool = False, **settings: object) -> str:
    """Export a notebook with the reports of these traces as outputs; `known`: as JupyterLab's kernels make them."""
    cells = []
    for name in names:
        bundle = made(getattr(traces, name)(), known)
        output = nbformat.v4.new_output("execute_result", bundle, execution_count=1)
        cells.append(nbformat.v4.new_code_cell("%%grad", outputs=[output], execution_count=1))
    notebook = nbformat.v4.new_notebook(cells=cells)
    return nbconvert.get_exporter(exporter)(**settings).from_notebook_node(notebook)[0]


def made(trace: Trace, known: bool) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharing, "_cell", lambda: ("session", "cell") if known else None)
        return Report(trace)._repr_mimebundle_()


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
    lead = re.search(r'<tr class="gm-part".*?<code>(\s*)<span class="gm-x">2 \* x\*\*2</span>', made)[1]
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


def test_markdown_is_markdown_where_it_is_preferred():
    """nbconvert takes HTML for Markdown unless it is told; Quarto and MyST take this by themselves."""
    made = exported(
        "markdown",
        "network",
        known=True,
        config=Config(NbConvertBase={"display_data_priority": ["text/markdown"]}),
    )
    assert "| name | shape | value |" in made
    assert "<div" not in made


@pytest.mark.parametrize("name", ALL)
def test_latex_of_a_notebook_has_tables_and_the_graph(name):
    made = exported("latex", name, known=True)
    report = Report(getattr(traces, name)())
    assert made.count(r"\begin{longtable}") == 2  # the gradients, and the cell
    assert (r"\begin{pgfpicture}" in made) == bool(report._view.computed)
    for entry in report.table:
        assert rf"\texttt{{{upright(entry.name)}}}".replace(" ", "~") in made


@pytest.mark.skipif(
    shutil.which("xelatex") is None, reason="no TeX on this machine (apt-get install texlive-xetex)"
)
def test_a_pdf_is_built(tmp_path: Path):
    styles = subprocess.run(
        ["kpsewhich", "tcolorbox.sty", "ulem.sty", "adjustbox.sty"], capture_output=True, text=True
    )
    if len(styles.stdout.split()) < 3:
        pytest.skip("this TeX lacks what nbconvert's template needs (apt-get install texlive-plain-generic)")
    (tmp_path / "report.tex").write_text(exported("latex", *ALL, known=True), encoding="utf-8")
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    missing = set(re.findall(r"There is no (.) \(U", done.stdout))
    assert all(c >= "\u2e80" for c in missing), (
        missing
    )  # its fonts are Latin ones, for the cell's code as well
    assert not re.findall(r"Overfull .hbox \((\d{3,})", done.stdout)  # points beyond the page
