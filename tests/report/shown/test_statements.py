"""Lines as operations: their derivatives are those along all paths through the line."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gradmagic.report.shown.statements import RULE, by_statements
from gradmagic.report.shown.view import View
from tests.cell.helpers import fresh, traced

SETUP = "def sigmoid(z):\n    e = np.exp(-z)\n    return 1 / (1 + e)\n"
TERMS = [
    "a * b",
    "np.sin(a) * c",
    "sigmoid(a * c) + a",
    "(b + c) * (b - 1.5)",
    "np.exp(-a) / (c * c + 1)",
    "a",
]


def lines_of(cell, setup=SETUP):
    trace = traced(cell, fresh(setup))
    return by_statements(View.of(trace, len(trace.operations)))


@st.composite
def cells(draw):
    names, lines = ["x", "y", "w"], []
    for i in range(draw(st.integers(1, 6))):
        terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3))
        text = " + ".join(f"({term})" for term in terms)
        for letter in "abc":
            text = text.replace(f"{letter} ", f"{draw(st.sampled_from(names))} ").replace(
                f"{letter})", f"{draw(st.sampled_from(names))})"
            )
        lines.append(f"v{i} = {text}")
        names.append(f"v{i}")
    return "\n".join([*lines, f"loss = np.sum({' * '.join(names[-2:])})"])


@settings(max_examples=25)
@given(cell=cells(), array=st.booleans())
def test_the_derivative_of_a_line_carries_its_gradient(cell, array):
    """In reverse mode a line hands its gradient on times its local derivative: so each must be the other's."""
    values = (
        "np.array([0.3, -0.8]), np.array([1.1, 0.4]), np.array([-0.6, 0.9])" if array else "0.3, 1.1, -0.6"
    )
    view = lines_of(cell, f"{SETUP}x, y, w = {values}\n")
    for operation in view.operations:
        if operation.rule != RULE or operation.grad is None:
            continue
        assert len({edge.source for edge in operation.edges}) == len(operation.edges)
        for edge in operation.edges:
            if operation.shape == view.by_key[edge.source].shape:
                expected = np.asarray(operation.grad.items) * np.asarray(edge.local.items)
                np.testing.assert_allclose(edge.flow.items, expected, rtol=1e-9, atol=1e-12)
    for key in view.by_key:  # what arrives at a value is its gradient
        flows = [edge.flow for _, edge in view.users.get(key, ())]
        if flows and all(f is not None and f.items is not None for f in flows) and view.by_key[key].grad:
            total = sum(np.asarray(f.items) for f in flows)
            np.testing.assert_allclose(total, view.by_key[key].grad.items, rtol=1e-9, atol=1e-12)


def test_a_line_is_one_operation_with_the_calls_in_it():
    view = lines_of("h = sigmoid(w * x + b)\nloss = (h - t)**2", f"{SETUP}w, x, b, t = 0.5, 2.0, 0.1, 1.0\n")
    assert [view.title(o) for o in view.computed] == ["h = sigmoid(w * x + b)", "loss = (h - t)**2"]
    h = view.computed[0]
    y = 1 / (1 + np.exp(-1.1))
    slopes = {view.name(edge.source): edge.local.items for edge in h.edges}
    assert slopes == pytest.approx({"w": y * (1 - y) * 2, "x": y * (1 - y) * 0.5, "b": y * (1 - y)})


def test_a_line_is_cut_behind_what_is_used_beyond_it():
    view = lines_of("a, b = x * 2, np.sin(x * 3)\nloss = a * b + a", "x = 0.5\n")
    assert [o.names for o in view.computed] == [("a",), ("b",), ("loss",)]


def test_what_is_no_product_entry_by_entry_has_no_derivative():
    view = lines_of(
        "h = np.tanh(X @ W)\nloss = np.sum(h * h)", "X, W = np.ones((2, 3)), np.full((3, 2), 0.1)\n"
    )
    h, _ = view.computed
    assert all(edge.local is None for edge in h.edges)
    assert {view.name(edge.source) for edge in h.edges} == {"X", "W"}
