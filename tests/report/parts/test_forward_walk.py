"""The walk forward: tangents against numbers worked out in plain NumPy, and what is said where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradmagic.report.parts.forward_walk import LONGEST, walk_forward
from gradmagic.report.shown.view import View
from tests.report import traces


def walk(trace, name: str, limit: int = 60):
    shown = View.of(trace, limit)
    return shown, walk_forward(shown, next(e.key for e in trace.inputs if e.name == name))


@pytest.mark.parametrize(("name", "tangents"), [("a", ["1", "2"]), ("b", ["1", "1", "5"])])
def test_the_last_tangent_is_the_derivative(name, tangents):
    _, pushes = walk(traces.product(), name)
    assert [push.tangent for push in pushes] == tangents


def test_a_push_says_the_edges_and_the_products():
    _, pushes = walk(traces.product(), "b")
    assert pushes[-1].how == "④·1 + ⑤·1 = 2·1 + 3·1"
    assert pushes[-1].edges == ((4, "2"), (5, "3"))


def test_an_array_moves_with_all_its_elements():
    _, pushes = walk(traces.parabola(), "x")
    # The sum of 4*x over a symmetric range.
    assert float(pushes[-1].tangent) == pytest.approx(0, abs=1e-6)
    assert pushes[0].tangent == "-4 .. 4"


def test_a_matrix_product_with_known_numbers_is_followed():
    trace = traces.network()
    _, pushes = walk(trace, "b1")
    grads = {entry.name: entry.array for entry in trace.inputs}
    # The mean's tangent for all elements at once is the sum of the gradient's entries.
    assert float(pushes[-1].tangent) == pytest.approx(np.sum(grads["b1"]), rel=1e-3)


def test_where_a_local_derivative_is_no_number_it_says_so_from_there_on():
    # X is a constant whose numbers the trace does not keep.
    _, pushes = walk(traces.network(), "W1")
    assert pushes[0].tangent == ""
    assert "no number" in pushes[0].how
    assert all(push.tangent == "" for push in pushes)
    assert "not known" in pushes[1].how


def test_a_tape_that_is_too_long_has_no_walk():
    trace = traces.chain(LONGEST + 10)
    assert walk(trace, "x")[1] == ()


def test_without_a_result_there_is_no_walk():
    assert walk(replace(traces.product(), result=None), "a")[1] == ()
