"""Lines as operations: their derivatives are those along all paths through the line."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gradmagic.report import Report
from gradmagic.report.shown.naming import PARTS
from gradmagic.report.shown.view import View
from gradmagic.report.shown.wholes import by_modules, by_statements
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
        if operation.rule not in PARTS or operation.grad is None:
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


PAIR = "def f(t):\n    return np.sin(t)*t, np.cos(t)*t + 1\n"
CELLS = {
    "pairs of one inner value": (
        f"{PAIR}x = 0.5\n", "a, b = f(x*2)\nc, d = f(a*b)\ne, g = f(c*d)\nk, m = f(e*g)\nloss = k*m + a",
    ),
    "calls of a sum": (
        "def f(t):\n    return np.sin(t)*t + np.cos(t)*2\nx, b, v = 0.5, 0.3, 0.1\n",
        "\n".join([*(f"v{i} = f({'v' if i == 0 else f'v{i - 1}'} + x)*0.5 + b" for i in range(22)), "loss = v21**2"]),
    ),
    "Newton": ("x = 1.5\n", "y = x\nfor i in range(3):\n    y = y - (y**2 - 2)/(2*y)\nz = y**2"),
    "two turns": ("x = 1.5\n", "y = x\nfor i in range(2): y = y*y + x\nz = y**2"),
    "calls in two turns": (f"{SETUP}x = 1.5\n", "y = x\nfor i in range(2):\n    y = sigmoid(y*x)\nz = y**2"),
    "long lines": (
        "x, b = 0.7, 0.2\n",
        "\n".join([*(f"v{i} = np.sin({f'v{i - 1}' if i else 'x'}*1.1)*b + x" for i in range(45)), "loss = v44*v40"]),
    ),
    "complex between": ("x, a = np.array([0.3, 0.5]), 2.0\n", "y = np.abs(np.exp(1j*x)*a + x)**2\nloss = y.sum()"),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_in_every_view_what_an_edge_carries_is_the_gradient_times_its_derivative(name):
    setup, cell = CELLS[name]
    trace = traced(cell, fresh(setup))
    views = [View.of(trace, limit) for limit in (8, 20, 60, 400)]
    views += [fold(View.of_loops(trace, fold is by_modules)) for fold in (by_statements, by_modules)]
    views += [by_statements(View.of(trace, 60))]
    for view in views:
        for operation in view.operations:
            for edge in operation.edges:
                known = all(
                    v is not None and v.items is not None for v in (operation.grad, edge.local, edge.flow)
                )
                if known and operation.count == 1 and edge.flow.shape == operation.shape:
                    carried = np.asarray(operation.grad.items) * np.conj(edge.local.items)
                    if not view.by_key[edge.source].dtype.startswith("complex"):
                        carried = carried.real
                    np.testing.assert_allclose(edge.flow.items, carried, rtol=1e-9, atol=1e-12)
        if any(operation.count > 1 or operation.rule == "operations" for operation in view.operations):
            continue  # of a loop the numbers are those of one turn, of a stretch of the tape those of its last value
        for operation in view.operations:
            flows = [edge.flow for _, edge in view.users.get(operation.key, ())]
            if (
                flows
                and operation.grad is not None
                and all(f is not None and f.items is not None for f in flows)
            ):
                total = sum(np.asarray(flow.items) for flow in flows)
                np.testing.assert_allclose(total, operation.grad.items, rtol=1e-9, atol=1e-12)


def test_each_turn_of_a_loop_is_a_line_of_its_own():
    for name, turns in (("two turns", 2), ("calls in two turns", 2), ("Newton", 1)):
        setup, cell = CELLS[name]
        view = by_statements(View.of_loops(traced(cell, fresh(setup))))
        made = [o for o in view.computed if "y" in o.names]
        assert len(made) == turns, name


def test_turns_whose_values_have_no_name_are_told_apart():
    setup, cell = (
        "x, made = 0.5, []\n",
        "for i in range(2):\n    made.append(np.sin(x * 2 + i) * x)\nz = made[0] * made[1]",
    )
    view = by_statements(View.of_loops(traced(cell, fresh(setup))))
    turns = [o for o in view.computed if o.place.line == 2]
    assert len(turns) == 2
    for turn, i in zip(turns, range(2), strict=True):
        (edge,) = turn.edges
        assert edge.local.items == pytest.approx(np.cos(1.0 + i) * 2 * 0.5 + np.sin(1.0 + i))


def test_a_line_is_written_without_its_name_however_it_is_spaced():
    view = lines_of(
        "out=x*2+y\nz: float = out*y - x\na, b = z*x + 1, z*y\nz *= a*b + x\nloss = z", "x, y = 0.5, 2.0\n"
    )
    titles = [view.title(o) for o in view.computed]
    assert titles == ["out = x*2+y", "z₁ = out*y - x", "a = z*x + 1", "b = z*y", "z *= a*b + x"]


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


NET = """
from gradmagic import nn
from gradmagic.nn import functional as F
gm.manual_seed(0)
class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, d), nn.Linear(d, d)
    def forward(self, x):
        return x + self.fc2(F.relu(self.fc1(x)))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.blocks, self.out = nn.Linear(4, 8), nn.Sequential(Block(8), Block(8)), nn.Linear(8, 3)
    def forward(self, x):
        return self.out(self.blocks(F.relu(self.inp(x))))
net, x, y = Net(), gm.randn(5, 4), gm.tensor([0, 1, 2, 1, 0])
"""


def test_each_operation_knows_its_module():
    trace = traced("z = net(x)\nloss = F.cross_entropy(z * 2, y)", fresh(NET))
    made = [(o.rule, o.module) for o in trace.operations if o.rule]
    block = [("dense", ".fc1"), ("relu", ""), ("dense", ".fc2"), ("add", "")]
    assert made == [
        ("dense", "net.inp"), ("relu", "net"),
        *[(rule, f"net.blocks.{i}{part}") for i in range(2) for rule, part in block],
        ("dense", "net.out"), ("multiply", ""), ("cross_entropy", ""),
    ]  # fmt: skip


def test_a_module_without_a_name_is_called_by_its_class():
    trace = traced("loss = nn.Sequential(nn.Linear(4, 2), nn.Tanh())(x).sum()", fresh(NET))
    assert [o.module for o in trace.operations if o.rule] == ["Linear", "Tanh", ""]


def test_modules_are_parts_with_their_parameters():
    trace = traced("z = net(x)\nloss = F.cross_entropy(z * 2, y)", fresh(NET))
    view = by_modules(View.of_loops(trace, modules=True))
    titles = [view.title(o) for o in view.computed]
    assert titles == [
        "net.inp", "u₂ = F.relu(self.inp(x))", "net.blocks.0", "net.blocks.1", "z = net.out", "z * 2",
        "loss = F.cross_entropy(z * 2, y)",
    ]  # fmt: skip
    taken = {view.title(o): {view.name(edge.source, 60) for edge in o.edges} for o in view.computed}
    assert {f"net.blocks.1.{part}" for part in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")} <= taken[
        "net.blocks.1"
    ]
    assert taken["net.inp"] == {"net.inp.weight", "net.inp.bias"}


def test_where_modules_are_many_the_outer_ones_are_shown():
    many = NET + "net = nn.Sequential(*(Block(4) for _ in range(12)))\n"
    trace = traced("loss = (net(x)**2).sum()", fresh(many))
    view = by_modules(View.of_loops(trace, modules=True))
    titles = [view.title(o) for o in view.computed][:12]
    assert [title.rpartition(" = ")[2] for title in titles] == [f"net.{i}" for i in range(12)]


def test_a_module_that_fails_is_left():
    namespace = fresh(NET)
    with pytest.raises(Exception, match="shape"):
        traced("loss = net(gm.ones(5, 7)).sum()", namespace)
    trace = traced("loss = (x * 2 + net(x).sum()).sum()", namespace)
    assert [o.module for o in trace.operations if o.rule][-2:] == ["", ""]


def test_text_shows_a_large_cell_by_its_lines():
    """In a terminal there is room for some twenty operations: lines say more than a gap."""
    lines = [f"h{i} = sigmoid(w{i} * x + 0.1 * {i})" for i in range(20)]
    names = [f"w{i}" for i in range(20)]
    setup = f"{SETUP}x = 0.4\n{', '.join(names)} = np.linspace(-1, 1, 20)\n"
    total = " + ".join(f"h{i}" for i in range(20))
    trace = traced("\n".join([*lines, f"loss = {total}"]), fresh(setup), " ".join(names))
    text = Report(trace).to_text(width=120, color=False)
    assert "operations in 21 rows" in text
    assert "dloss/dw3 = (24)(4)" in text  # through two lines, not through seven operations
