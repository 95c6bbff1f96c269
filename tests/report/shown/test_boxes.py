"""Boxes of meaning: what a call, a turn or a module says is the chain rule within it, and all is in some box."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gradmagic.report import Report
from gradmagic.report.model import Edge, Operation
from gradmagic.report.shown import boxes as module
from gradmagic.report.shown.boxes import Boxed, boxed, opened
from gradmagic.report.shown.naming import PARTS
from gradmagic.report.shown.recognised import FORMULAS, recognised
from gradmagic.report.shown.view import View
from gradmagic.report.shown.wholes import by_statements
from tests.cell.helpers import fresh, traced
from tests.draws import draws
from tests.report.page.test_html import known
from tests.report.shown.test_wholes import NET

SETUP = (
    "def sigmoid(t):\n    e = np.exp(-t)\n    return 1 / (1 + e)\n"
    "def layer(a, b):\n    return sigmoid(a * b) + np.tanh(a - b) * 0.5\n"
    "def pair(t):\n    u = np.sin(t) * t\n    return u, np.cos(u) + t\n"
    "def times(t, n=3):\n    for i in range(n):\n        t = t * 0.9 + np.sin(t)\n    return t\n"
)
LINES = [
    "y = sigmoid(y * x)", "y = layer(y, x)", "u, v = pair(y)\ny = u * v + y", "y = times(y)", "y = y * w + x",
    "for i in range(2):\n    y = layer(y, w) * x", "for i in range(9):\n    y = np.tanh(y * 1.1)", "y = sigmoid(y)",
    "y = (lambda t: np.exp(-t * t))(y)", "y = sum(sigmoid(y * k) for k in (1.0, 2.0))",
]  # fmt: skip


def every(one: Boxed) -> list[View]:
    return [one.view, *(view for inner in one.inner.values() for view in every(inner))]


def forms(trace) -> list[Boxed]:
    view = View.of(trace, 400)
    found = [opened(by_statements(View.of_loops(trace)), view)]
    return found + [one for one in (boxed(view),) if one is not None]


def is_true(view: View) -> None:
    """What an edge carries is the gradient times its derivative; a formula has the number beside it."""
    for operation in view.operations:
        for edge in operation.edges:
            local, flow, grad, value = (
                None if v is None or v.items is None else np.asarray(v.items)
                for v in (edge.local, edge.flow, operation.grad, operation.value)
            )
            if operation.count > 1 or local is None:
                continue
            if flow is not None and grad is not None and flow.shape == grad.shape:
                np.testing.assert_allclose(flow, grad * local, rtol=1e-7, atol=1e-10)
            if edge.formula and operation.rule in PARTS:
                name = operation.called or operation.names[-1]
                told = eval(edge.formula.replace(name, "y"), {"np": np, "y": value})
                np.testing.assert_allclose(np.broadcast_to(told, local.shape), local, rtol=1e-7, atol=1e-10)


@settings(max_examples=draws(20), deadline=None)
@given(lines=st.lists(st.sampled_from(LINES), min_size=2, max_size=5), array=st.booleans())
def test_drawn_cells(lines, array):
    values = "np.array([0.3, -0.8]), np.array([1.1, 0.4])" if array else "0.3, 1.1"
    cell = "\n".join(["y = x * w", *lines, "z = np.sum(y * y)"])
    trace = traced(cell, fresh(f"{SETUP}x, w = {values}\n"), "x w")
    own = {(o.key, e.argument): i for o, e, i in numbered(View.of(trace, 400))}
    for form in forms(trace):
        views = every(form)
        for view in views:
            is_true(view)
        # At the top all that comes to a value is its gradient.
        for operation in form.view.operations:
            users = form.view.users.get(operation.key, ())
            flows = [edge.flow for user, edge in users if user.count == 1 == operation.count]
            if (
                len(flows) == len(users) > 0
                and operation.grad is not None
                and all(f is not None and f.items is not None for f in flows)
            ):
                total = sum(np.asarray(flow.items) for flow in flows)
                np.testing.assert_allclose(total, operation.grad.items, rtol=1e-7, atol=1e-10)
        # Each operation is shown once, or is in a box that is too large to open; an edge has one number.
        shown = [o.key for view in views for o in view.computed if o.rule not in PARTS]
        assert len(shown) == len(set(shown))
        numbers = [i for view in views for i in view.numbers.values()]
        assert len(numbers) == len(set(numbers))
        folded = any(o.count > 1 for o in View.of(trace, 400).operations)
        for view in () if folded else views:
            for o, edge, i in numbered(view):
                assert o.rule in PARTS or o.count > 1 or own[o.key, edge.argument] == i


def numbered(view: View):
    return [(o, e, view.numbers[o.key, e.argument]) for o in view.operations for e in o.edges]


def of(cell: str, setup: str = SETUP, names: str = "") -> Boxed:
    found = boxed(View.of(traced(cell, fresh(setup), names), 400))
    assert found is not None
    return found


def titles(view: View) -> list[str]:
    return [view.title(o) for o in view.computed]


def test_a_function_is_one_box_with_its_own_derivative_and_opens():
    found = of(
        "h = sigmoid(w * x + b)\ng = sigmoid(h * w)\nloss = (g - 1)**2", f"{SETUP}w, x, b = 0.5, 2.0, 0.1\n"
    )
    h = next(o for o in found.view.computed if o.names == ("h",))
    assert found.view.title(h) == "h = sigmoid(w * x + b)"
    (edge,) = h.edges
    y = 1 / (1 + np.exp(-1.1))
    assert found.view.derivative(h, edge, None) == f"h*(1 - h) = {y * (1 - y):.4g}"
    inside = found.inner[h.key].view
    assert [o.rule for o in inside.computed] == ["negative", "exp", "add", "divide"]
    assert [inside.title(o) for o in inside.operations if not o.rule] == ["w * x + b"]


def test_calls_within_calls_open_one_after_the_other():
    found = of("y = layer(x, w)\nz = layer(y, w) * x", f"{SETUP}w, x = 0.5, 2.0\n")
    first = min(found.inner)
    assert found.view.by_key[first].rule == "call"
    (inner,) = found.inner[first].inner
    assert found.inner[first].view.by_key[inner].rule == "call"
    assert [o.rule for o in found.inner[first].inner[inner].view.computed] == [
        "negative",
        "exp",
        "add",
        "divide",
    ]


def test_of_a_loop_each_turn_is_a_box_and_of_a_long_one_the_turns_between_are_one():
    setup = f"{SETUP}w, x = 0.9, 0.5\n"
    found = of("y = x\nfor k in range(20):\n    y = np.sin(y) * w + y * 0.1\nz = y * y", setup, "x w")
    told = [t.partition(" = ")[2] for t in titles(found.view)]
    ends = [f"turn {i} of 20" for i in (1, 2, 3, 18, 19, 20)]
    assert told[:7] == [*ends[:3], "turns 4 … 17 of 20", *ends[3:]]
    between = found.view.computed[3]
    y, slope = 0.5, 1.0
    for turn in range(17):
        slope *= np.cos(y) * 0.9 + 0.1 if turn > 2 else 1.0
        y = np.sin(y) * 0.9 + y * 0.1
    before = found.view.computed[2].key
    assert next(e for e in between.edges if e.source == before).local.items == pytest.approx(slope)


def test_modules_are_boxes_by_their_paths_with_their_parameters_inside():
    found = of("z = net(x)\nloss = F.cross_entropy(z, y)\nloss.backward()", NET)
    told = titles(found.view)
    assert "net.blocks.0" in " ".join(told) and "net.blocks.1" in " ".join(told)
    block = next(o for o in found.view.computed if "net.blocks.0" in found.view.title(o))
    assert found.view.turns[block.key] == "4 parameters"
    inside = found.inner[block.key].view
    assert {"net.blocks.0.fc1.weight", "net.blocks.0.fc2.bias"} <= {
        o.names[0] for o in inside.operations if not o.rule
    }


def test_what_is_one_value_of_several_is_not_called_the_whole():
    setup = f"{SETUP}x = 0.5\n"
    view = of("a, b = pair(x * 2)\nc, d = pair(a * b)\nz = c * d + a", setup).view
    told = " / ".join(titles(view))
    assert "a = pair" not in told and "b = pair" not in told and "c = pair" not in told
    view = of("a, _ = pair(x * 2)\nc, _ = pair(a * x)\nz = sigmoid(c * a) * x", setup).view
    assert not any(title.startswith(("a = pair", "c = pair")) for title in titles(view))


def test_boxes_need_scopes_and_are_worth_it(monkeypatch):
    assert boxed(View.of(traced("y = x * 2\nz = y * y", fresh("x = 1.0")), 100)) is None
    trace = traced("y = sigmoid(x) + sigmoid(x * 2)\nz = y * y", fresh(f"{SETUP}x = 1.0"))
    monkeypatch.setattr(module, "ROOM", 5)  # of the operations in boxes: what is more does not open
    assert len(boxed(View.of(trace, 100)).inner) == 1


# -- formulas ------------------------------------------------------------------------------------------------------
UNARY = ("negative", "exp", "tanh", "sin", "log1p", "sqrt", "square", "reciprocal", "expm1", "log", "arctan")
BINARY = ("add", "multiply", "divide", "subtract")


@settings(max_examples=draws(60), deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.sampled_from(UNARY),
            st.tuples(st.sampled_from(BINARY), st.sampled_from(("1", "2", "0.5")), st.booleans()),
        ), min_size=1, max_size=5,
    )
)  # fmt: skip
def test_a_formula_that_is_recognised_holds_at_other_points(steps):
    part = []
    for key, step in enumerate(steps):
        if isinstance(step, str):
            inputs: tuple[Edge, ...] = (Edge(key),)
        else:
            inputs = (
                (Edge(key), Edge(None, step[1], 1)) if step[2] else (Edge(None, step[1]), Edge(key, "", 1))
            )
        part.append(Operation(key + 1, step if isinstance(step, str) else step[0], inputs=inputs))
    formula = recognised(part, 0, "y")

    def at(x):
        for operation in part:
            args = [x if e.source is not None else float(e.constant) for e in operation.inputs]
            x = getattr(np, operation.rule)(*args)
        return x

    with np.errstate(all="ignore"):
        x = np.array([0.6, 0.9, 1.4, 3.2])
        y, slope = at(x), (at(x + 1e-6) - at(x - 1e-6)) / 2e-6
        if formula and np.isfinite(slope).all():
            told = np.broadcast_to(eval(formula, {"np": np, "y": y}), x.shape)
            np.testing.assert_allclose(told, slope, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "formula"),
    [
        ("1 / (1 + np.exp(-t))", "{y}*(1 - {y})"),
        ("np.exp(t) / (1 + np.exp(t))", "{y}*(1 - {y})"),
        ("(np.exp(t) - np.exp(-t)) / (np.exp(t) + np.exp(-t))", "1 - {y}*{y}"),
        ("np.log(1 + np.exp(t))", "1 - np.exp(-{y})"),
        ("2 * np.exp(t) / 2", "{y}"), ("np.exp(-t) + 0", "-{y}"), ("1 / (t + 0)", "-{y}*{y}"),
        ("np.sqrt(t + 0) + 0", "0.5/{y}"),
        ("np.sin(t) * 2", ""), ("np.maximum(t, 0) + 0", ""), ("t * t + 0", ""),
    ],
)  # fmt: skip
def test_well_known_slopes_are_written_in_the_value(body, formula):
    trace = traced("y = f(x)\nw = f(y)\nz = f(w) + y", fresh(f"def f(t):\n    return {body}\nx = 0.5\n"))
    found = boxed(View.of(trace, 100))
    y = next(o for o in found.view.computed if o.names == ("y",))
    (edge,) = y.edges
    assert edge.formula == formula.format(y="y")
    assert formula == "" or formula in FORMULAS


def test_the_page_begins_with_boxes_where_the_graph_is_large():
    setup = f"{SETUP}w, x = 0.5, 2.0\n"
    for calls, begins in ((2, None), (6, "boxes")):
        calls_of = [f"y{i} = layer({f'y{i - 1}' if i else 'y'}, w)" for i in range(calls)]
        cell = "\n".join(["y = x * w", *calls_of, f"z = y{calls - 1}**2"])
        found = known(Report(traced(cell, fresh(setup))).to_html())
        sheet = found["sheets"][found.get("begin", 0)]
        assert sheet.get("form") == begins
        if begins:
            assert len(sheet["inner"]) == calls and all("▸" in sheet["svg"] for _ in sheet["inner"])


# -- steps of recurrent networks -------------------------------------------------------------------
RECURRENT = "import gradmagic as gm\nfrom gradmagic import nn\ngm.manual_seed(0)\n"
STEPS = {
    "LSTM": (
        "net = nn.LSTM(3, 5)\nx = gm.randn(4, 2, 3)", "out, _ = net(x)\nz = (out**2).mean()",
        [f"{part}, step {i}/4 of net" for i in (1, 2, 3) for part in ("part", "c", "h")] + ["step 4/4 of net"],
    ),
    "GRU": (
        "net = nn.GRU(3, 5, num_layers=2)\nx = gm.randn(3, 2, 3)", "out, _ = net(x)\nz = (out**2).mean()",
        [f"{layer}, step {i}/3 of net" for layer in ("l0", "l1") for i in (1, 2, 3)],
    ),
    "many": (
        "net = nn.RNN(3, 5)\nx = gm.randn(30, 2, 3)", "out, h = net(x)\nz = (h**2).mean()",
        [*(f"step {i}/30 of net" for i in (1, 2, 3)), "steps 4 … 27/30 of net",
         *(f"step {i}/30 of net" for i in (28, 29, 30))],
    ),
    "cell": (
        "cell = nn.LSTMCell(3, 5)\nx = gm.randn(3, 2, 3)\nh = c = gm.zeros(2, 5)",
        "for t in range(3):\n    h, c = cell(x[t], (h, c))\nz = (h**2).mean()",
        ["part of cell", "c₁ = c of cell", "h₁ = h of cell", "part of cell", "c₂ = c of cell", "h₂ = h of cell"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_the_steps_of_a_recurrent_network_are_boxes_that_say_which_they_are(name):
    setup, cell, titles = STEPS[name]
    trace = traced(cell, fresh(RECURRENT + setup), "")
    found = boxed(View.of(trace, 130), View.whole(trace))
    said = [found.view.title(o) for o in found.view.computed]
    start = next(i for i, title in enumerate(said) if title.endswith(titles[0]))
    steps = [title for title in said[start:] if "step" in title or "of cell" in title]
    assert [
        title.partition(" = ")[2] if " = " in title and name != "cell" else title
        for title in steps[: len(titles)]
    ] == titles
    text = Report(trace).to_text(100, False, False)
    assert (
        all(title in text for title in titles[:3]) and f" operations in {len(said)} rows" in found.view.scope
    )
    nodes = next(sheet for sheet in known(Report(trace).to_html())["sheets"] if sheet.get("form") == "boxes")[
        "nodes"
    ]
    assert {title.split(" = ")[-1] for title in titles} <= {
        node[0].split(" = ")[-1] for node in nodes.values()
    }


def test_a_step_adds_up_to_what_the_network_gives():
    setup, cell, _ = STEPS["GRU"]
    trace = traced(cell, fresh(RECURRENT + setup), "")
    for view in (each for one in forms(trace) for each in every(one)):
        assert len({o.key for o in view.operations}) == len(view.operations)
        is_true(view)
