"""The chain rule in LaTeX: sums over paths, the sweep where paths cannot be read, and balanced braces always."""

import re

import pytest

from gradmagic.report import Report, Trace
from tests.report import traces

ALL = ["product", "parabola", "network", "descent", "troubled", "markup"]


def balanced(text: str) -> bool:
    depth = 0
    for found in re.finditer(r"(?<!\\)[{}]", text.replace("\\\\", "")):
        depth += 1 if found[0] == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and text.count(r"\left") == text.count(r"\right")


@pytest.mark.parametrize("name", ALL)
def test_it_is_one_environment_that_can_be_read(name):
    text = Report(getattr(traces, name)()).to_latex()
    assert text.startswith("\\begin{align*}\n") and text.endswith("\n\\end{align*}")
    rows = text.split("\n")[1:-1]
    assert all(row.count("&") - row.count(r"\&") == 1 for row in rows)
    assert balanced(text)
    assert all(ord(c) > 31 for c in text.replace("\n", ""))


def test_a_sum_over_two_paths():
    text = Report(traces.product()).to_latex()
    q = text[text.index(r"\frac{\partial e}{\partial b}") :]
    assert q.split(" \\\\\n")[0] == (
        r"\frac{\partial e}{\partial b} &= \frac{\partial e}{\partial c}\,\frac{\partial c}{\partial b}"
        r" + \frac{\partial e}{\partial d}\,\frac{\partial d}{\partial b}"
    )
    assert r"&= 2 + 3 = 5" in q


def test_an_elementwise_function_is_a_product_of_formulas():
    text = Report(traces.parabola()).to_latex()
    assert r"&= 2 \cdot 2 \cdot x" in text


def test_a_network_is_told_as_its_sweep():
    text = Report(traces.network()).to_latex()
    assert r"^{\top}" in text and r"\partial" in text and "vdots" not in text


def test_a_long_graph_is_cut():
    text = Report(traces.chain(3000)).to_latex()
    assert len(text) < 20_000


def test_nothing_to_derive_is_nothing():
    assert Report(Trace("In [1]", "y = x")).to_latex() == ""
