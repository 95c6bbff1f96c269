"""The report as Markdown: read by a Markdown parser, everything is where it belongs and nothing is markup by chance."""

import numpy as np
import pytest
from markdown_it import MarkdownIt  # rich brings it
from markdown_it.tree import SyntaxTreeNode

from gradmagic.report import Report
from tests.report import traces

ALL = ["product", "parabola", "network", "descent", "troubled", "markup"]
MARKUP = {"html_block", "html_inline", "link", "image", "em", "hr"}


def parsed(text: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(text))


def texts(node: SyntaxTreeNode) -> str:
    own = node.content if node.type in ("text", "code_inline", "fence") else ""
    return own + "".join(map(texts, node.children))


def named(node: SyntaxTreeNode, kind: str) -> list[SyntaxTreeNode]:
    return [child for child in node.walk() if child.type == kind]


@pytest.mark.parametrize("name", ALL)
def test_a_parser_reads_a_heading_a_table_and_code(name):
    report = Report(getattr(traces, name)())
    found = parsed(report.to_markdown())
    assert not {node.type for node in found.walk()} & MARKUP
    rows = named(found, "table")[0]
    names = [texts(row.children[0]) for row in named(rows, "tr")[1:]]
    assert names == [entry.name for entry in report._trace.inputs]
    assert len({len(row.children) for row in named(rows, "tr")}) == 1
    assert named(found, "fence")
    assert [texts(head).split(" = ")[0] for head in named(found, "heading")] == [report._view.result_name]


def test_the_steps_are_a_numbered_list_with_its_numbers():
    (steps,) = named(parsed(Report(traces.product()).to_markdown()), "ordered_list")
    items = [texts(item) for item in named(steps, "list_item")]
    assert len(items) == 3 and items[0].startswith("e = c * d start with 1; to c:")
    assert items[-1].endswith("with step 2's 3: 5")


def test_what_looks_like_markup_stays_text():
    trace = traces.markup()
    shown = texts(parsed(Report(trace).to_markdown()))
    for entry in trace.inputs:
        assert entry.name in shown


def test_a_small_matrix_is_written_whole():
    s = traces.Sketch("b = a")
    s.input("a", np.array([[1.0, 3.0], [4.0, 2.0]]), np.array([[2.0, 2.0], [3.0, 3.0]]))
    shown = texts(parsed(Report(s.trace("a", 1.0)).to_markdown()))
    assert "[[1, 3], [4, 2]][[2, 2], [3, 3]]" in shown


def test_a_quiz_has_no_gradient():
    text = Report(traces.product(), quiz=True).to_markdown()
    assert "5" not in texts(named(parsed(text), "table")[0]) and "?" in text
