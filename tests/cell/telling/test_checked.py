"""`--check`: a numerical gradient beside the tape's, by the same operations, without running the cell twice."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.telling import kinds
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.sweeps.recomputed import CheckedEntry


def notes(report):
    return [(note.kind, note.text) for note in report._trace.notes if note.kind not in ("dtype", "zero")]


def test_all_well_is_one_remark_and_a_column(run):
    report = run(
        "%%grad x --check\nran = ran + 1 if 'ran' in globals() else 1\ny = 2 * x**2 + 2\nz = y.sum()"
    )
    assert run.names["ran"] == 1  # the cell ran once
    ((kind, text),) = notes(report)
    assert kind == "agrees" and text.startswith("dz/dx at all 17 entries: checked by differences.")
    assert "lost in both" in text
    (entry,) = report._trace.inputs
    np.testing.assert_allclose(entry.numerical.items, 4 * run.names["x"], rtol=1e-6, atol=1e-8)


@pytest.fixture
def _fresh_formulas():
    kinds._read.cache_clear()
    yield
    kinds._read.cache_clear()


@pytest.mark.usefixtures("_fresh_formulas")
def test_a_wrong_rule_is_named_with_its_entry(run, monkeypatch):
    monkeypatch.setattr(RULES[np.sin].twin, "partials", (lambda _y, x: np.cos(x) + (x > 0),))
    monkeypatch.setattr(RULES[np.sin].twin, "moves", (lambda _y, x: np.cos(x) + (x > 0),))
    report = run("%%grad x --check\nz = np.sin(x).sum()")
    kind, text = notes(report)[0]
    assert kind == "differs" and text.startswith(
        "dz/dx[9] is 1.96891, and differences give 0.968912 (8 of 17 entries)."
    )


def test_a_kink_is_said_to_be_one(run):
    report = run("%%grad w --check\nw = 0.0\nz = gm.nn.functional.relu(w)")  # PyTorch's slope at 0 is 0
    assert [kind for kind, _ in notes(report)] == ["kink"]
    assert "slopes on both sides" in notes(report)[0][1]


@pytest.mark.parametrize(
    ("at", "cell"),
    [
        (0.0, "np.maximum(w, 0)**2"),  # the curvature jumps
        (0.0, "np.abs(w)**3"),
        (0.0, "np.abs(w)**1.5"),  # it is infinite
        (1e-5, "np.maximum(w, 0)"),  # beside a kink
        (-3e-4, "np.abs(w)"),
        (1 + 2e-6, "np.clip(w, 0, 1)"),
    ],
)
def test_a_right_gradient_beside_a_rough_place_is_no_fault(run, at, cell):
    report = run(f"%%grad w --check\nw = {at!r}\nz = {cell}")
    assert [kind for kind, _ in notes(report)] == ["agrees"]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("np.sqrt(w).sum()", "edge"),  # no number on the left
        ("(w**1.5).sum()", "edge"),
        ("np.sum(1 / w)", "edge"),  # no finite number there
        ("np.where(w > 0, np.sqrt(w), 0).sum()", "no number"),
        ("np.cbrt(w).sum()", "agrees"),  # infinite, as the differences: they grow
    ],
)
def test_where_nothing_can_be_compared_no_rule_is_called_wrong(run, cell, kind):
    report = run(f"%%grad w --check\nw = np.array([0.0, 4.0])\nz = {cell}")
    said = dict(notes(report))
    assert kind in said and "differs" not in said and "a rule is wrong" not in " ".join(said.values())


def test_an_infinite_gradient_does_not_agree_with_any_number():
    entry = CheckedEntry((), np.inf, 3.0, kink=False)
    assert not entry.agrees and entry.kind == "differs"


def test_the_check_is_guarded_as_the_cell_is(run):
    report = run(
        "%%grad w --check --guard\nw = np.array([-1.0, 0.0, 4.0])\nz = np.where(w > 0, np.sqrt(w), 0).sum()"
    )
    assert [kind for kind, _ in notes(report)] == ["guard", "agrees"]
    assert "at 2 entries" in notes(report)[0][1]  # of one sweep


@pytest.mark.parametrize(
    ("at", "cell"),
    [
        ("np.array([1e6, 1e-3, 1.0])", "(w**2).sum()"),
        ("1.0", "1e13 + w * w"),
        ("1.0", "(w + 1e12) - 1e12"),
        ("np.array([-1.0, 0.0, 1.0])", "np.exp(w * 30).sum()"),
        ("np.array([1e8, 1.0], np.float32)", "(w**2).sum()"),
        ("0.0", "np.maximum(w, 0)**2 + np.abs(w - 1e-5)"),  # two kinks, within a step
    ],
)
def test_a_right_gradient_of_a_large_result_is_no_fault(run, at, cell):
    report = run(f"%%grad w --check\nw = {at}\nz = {cell}")
    assert {kind for kind, _ in notes(report)} <= {"agrees", "unsettled"}


def test_tensors_and_loops_of_sweeps(run):
    run("w = gm.tensor([1.0, 2.0], requires_grad=True)")
    report = run("%%grad --check\nloss = ((w - 3)**2).sum()")
    assert notes(report)[0][0] == "agrees" and run.names["w"].grad is None
    report = run(
        "%%grad --check\nfor _ in range(3):\n    loss = ((w - 3)**2).sum()\n    loss.backward()\n"
        "    with gm.no_grad():\n        w -= 0.1 * w.grad\n        w.grad = None"
    )
    assert "checked by differences at the first sweep" in notes(report)[0][1]
    np.testing.assert_allclose(run.names["w"].detach().numpy(), [1.976, 2.488], rtol=1e-5)


def test_large_inputs_are_checked_at_some_entries(run):
    run("big = np.linspace(-1, 1, 5000)")
    report = run("%%grad big --check\nz = np.tanh(big).sum()")
    assert "dz/dbig at 100 of 5,000 entries" in notes(report)[0][1]
    assert report._trace.inputs[0].numerical is None


def test_what_cannot_be_computed_again_is_said(run):
    report = run("%%grad x --check\nz = gm.checkpoint(lambda v: (v * v).sum())(x)")
    assert notes(report)[0][0] == "unchecked" and "cannot be computed again" in notes(report)[0][1]
    np.testing.assert_allclose(gm.last().grads["x"], 2 * run.names["x"])


@pytest.mark.parametrize(
    "cell", ["z = (x[::2] * 3).sum()", "x[0] = 5.0\nz = (x**2).sum()", "z = np.sort(x)[::-1][:3].sum()"]
)
def test_indexing_and_writes_are_computed_again(run, cell):
    report = run(f"%%grad x --check\n{cell}")
    assert [kind for kind, _ in notes(report)] == ["agrees"]


def test_of_a_sweep_with_weights_it_says_that_it_is_not_checked(run):
    run("t = gm.tensor([1.0, 2.0], requires_grad=True)")
    report = run("%%grad --check\ny = t * 2\ny.backward(gm.ones(2))")
    assert notes(report)[0][0] == "unchecked" and "a result with 2 entries" in notes(report)[0][1]


def test_the_numerical_column_and_the_times_are_in_text_and_page(run):
    run("a, b = 2.0, 3.0")
    report = run("%%grad a b --check --time\nc = a * b + a")
    text, page = report.to_text(width=100, color=False), report.to_html()
    assert "by differences" in text and "by differences" in page and page.count("by differences") >= 1
    rows = [line.split() for line in text.split("\n") if line.startswith((" a ", " b "))]
    assert [row[2:4] for row in rows] == [["4", "4"], ["2", "2"]]
    assert ">expression</th>" in page and ">a * b</code>" in page
    assert "by differences</th>" not in run("%%grad a b\nc = a * b").to_html()


def test_quiz_starts_hidden(run):
    run("a = 2.0")
    assert run("%%grad a --quiz\nc = a * a").to_html() != run("%%grad a\nc = a * a").to_html()
