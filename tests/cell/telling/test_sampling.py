"""`--plot`: the recorded operations computed again at other values, the way of a loop, the figure below the report."""

import importlib.util

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.sweeps.recomputed import Recomputing
from gradmagic.report import ReportError
from tests.cell.helpers import fresh, traced

plots = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")

LOOP = """for _ in range(20):
    loss = (w - 1)**2 + 0.5
    loss.backward()
    with gm.no_grad():
        w -= 0.1 * w.grad
        w.grad = None"""
TENSOR = "w = gm.tensor(3.0, requires_grad=True)"


def only(trace):
    (points,) = trace.plots
    return points


@pytest.mark.parametrize(
    ("formula", "f", "slope"),
    [
        ("x**3 - 2*x", lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2),
        ("np.exp(-x) * np.sin(2*x)", lambda x: np.exp(-x) * np.sin(2 * x),
         lambda x: np.exp(-x) * (2 * np.cos(2 * x) - np.sin(2 * x))),
        ("5 - 3/(x*x + 1)", lambda x: 5 - 3 / (x * x + 1), lambda x: 6 * x / (x * x + 1) ** 2),
        ("np.sum((t*x - 1)**2)", lambda x: 30 * x**2 - 20 * x + 5, lambda x: 60 * x - 20),
        ("np.linalg.det(np.stack([t[:2]*x, t[1:3]]))", lambda x: x * (0 * 2 - 1 * 1), lambda x: -1 + 0 * x),
    ],
)  # fmt: skip
def test_a_number_has_its_curve_and_slope_around_it(formula, f, slope):
    found = only(traced(f"z = {formula}", fresh("x = 1.5; t = np.arange(5.0)"), "x", plot=True))
    x = np.array(found.x)
    assert x[0] < 1.5 < x[-1] and len(x) >= 41 and found.at[0] == 1.5
    np.testing.assert_allclose(found.y, f(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.slope, slope(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.at[1:], (f(1.5), slope(1.5)), rtol=1e-12)


def test_the_cell_runs_once_and_leaves_what_it_leaves_without():
    cell = "runs.append(1)\nz = x * x * k"
    plain, plotted = fresh("x = 3; k = 2.0; runs = []"), fresh("x = 3; k = 2.0; runs = []")
    traced(cell, plain, "x")
    found = only(traced(cell, plotted, "x", plot=True))
    assert plotted["runs"] == [1] == plain["runs"]
    assert (plotted["x"], plotted["z"], type(plotted["x"])) == (3, 18.0, int)
    assert found.at == (3.0, 18.0, 12.0)


def test_each_of_several_numbers_is_varied_by_itself():
    a, b = traced("e = (a + b) * (b + 1)", fresh("a = 2; b = 1"), "a b", plot=True).plots
    np.testing.assert_allclose(a.y, (np.array(a.x) + 1) * 2)
    np.testing.assert_allclose(b.y, (2 + np.array(b.x)) * (np.array(b.x) + 1))
    assert (a.name, b.name, a.y_name) == ("a", "b", "e")


def test_outside_its_domain_a_curve_has_gaps():
    found = only(traced("z = np.log(x)", fresh("x = 2.0"), "x"))
    x, y = np.array(found.x), np.array(found.y)
    assert (x < 0).any() and np.isnan(y[x < 0]).all() and np.isfinite(y[x > 0]).all()


def test_short_programs_of_numbers_have_their_curve_unasked_and_longer_ones_do_not():
    assert len(only(traced("z = x**2 + 1", fresh("x = 3.0"), "x")).x) == 81
    assert traced("z = x\nfor i in range(200):\n    z = z * 0.9 + i", fresh("x = 3.0"), "x").plots == ()
    assert traced("z = x\nfor i in range(200):\n    z = z * 0.9 + i", fresh("x = 3.0"), "x", plot=True).plots


def test_a_loop_over_backward_has_its_way_on_the_curve_of_the_last_sweep():
    found = only(traced(LOOP, fresh(TENSOR), plot=True))
    w, way = 3.0, []
    for _ in range(20):
        way.append((w, (w - 1) ** 2 + 0.5))
        w -= 0.2 * (w - 1)
    np.testing.assert_allclose(found.path, way, rtol=1e-5)
    np.testing.assert_allclose(found.y, (np.array(found.x) - 1) ** 2 + 0.5, rtol=1e-6)
    np.testing.assert_allclose(found.at, (*way[-1], 2 * (way[-1][0] - 1)), rtol=1e-5)
    assert found.alike and min(found.x) < way[-1][0] and max(found.x) > 3


def test_a_loss_that_is_another_at_each_sweep_is_told():
    cell = LOOP.replace("for _", "for i").replace("(w - 1)", "(w - i)")
    assert not only(traced(cell, fresh(TENSOR), plot=True)).alike


def test_a_loop_keeps_only_its_last_turn(monkeypatch):
    kept = []
    keep_only = Recomputing.keep_only

    def counted(self, numbers):
        kept.append(len(self._values))
        keep_only(self, numbers)

    monkeypatch.setattr(Recomputing, "keep_only", counted)
    traced(LOOP.replace("20", "50"), fresh(TENSOR), plot=True)
    assert len(kept) == 50 and kept[-1] == kept[5] < 20


def test_long_arrays_keep_points_enough_for_a_picture():
    found = only(
        traced("y = np.sin(x)\nz = y.mean()", fresh("x = np.linspace(0, 100, 10_001)"), "x", plot=True)
    )
    x = np.array(found.x)
    assert (len(x), found.size, found.y_name, found.equal) == (2_000, 10_001, "y", "")
    np.testing.assert_allclose(found.y, np.sin(x))
    np.testing.assert_allclose(found.slope, np.cos(x))  # dy/dx, not dz/dx, which is a 10,001st of it


@pytest.mark.parametrize("cell", ["z = np.cumsum(x).sum()", "z = (x[::-1] * x).sum()", "z = np.sort(x)[0]"])
def test_arrays_whose_entries_mix_have_no_curve(cell):
    assert traced(cell, fresh("x = np.linspace(0, 1, 200)"), "x", plot=True).plots == ()


def test_what_cannot_be_computed_again_is_named():
    setup = """class Twice(gm.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * 2
w = gm.tensor(3.0, requires_grad=True)"""
    found = only(traced("z = Twice.apply(w)", fresh(setup), plot=True))
    assert found.x == () and "Twice" in found.note and "cannot be computed again" in found.note


@plots
def test_a_terminal_is_told_how_to_see_it(run, monkeypatch):
    monkeypatch.setattr(run.shell.display_formatter, "active_types", ["text/plain"])
    report = run("%%grad a --plot\na = 2.0\nz = a**2")
    assert type(report).__name__ == "Report" and not run.displayed
    assert 'gm.last().plot().savefig("plot.png")' in run.out


@plots
def test_a_notebook_gets_report_then_figure(run, monkeypatch):
    formatter = run.shell.display_formatter
    monkeypatch.setattr(formatter, "active_types", [*formatter.active_types, "text/html", "image/png"])
    for name in ("text/html", "image/png"):
        monkeypatch.setattr(formatter.formatters[name], "enabled", True)
    run("%%grad a --plot\na = 2.0\nz = a**2")
    figures = [o for o in run.displayed if "image/png" in o.data]
    (figure,) = figures
    assert figure.metadata["image/png"]["alt"] == "z = 4 at a = 2, with the slope 4"
    run("1 + 1")
    assert not any("image/png" in o.data for o in run.displayed)  # once
    run("%%grad a --plot --quiet\na = 2.0\nz = a**2")
    assert not run.displayed


@plots
def test_what_has_no_curve_is_said_and_the_report_stands(run):
    report = run("%%grad W --plot\nW = np.eye(2)\nz = np.linalg.det(W)")
    assert "--plot: there is no curve to plot: W is an array of shape (2, 2)" in run.out
    assert "W + t * direction" in run.out and report.grads["W"].shape == (2, 2)
    with pytest.raises(ReportError, match="no curve"):
        report.plot()


def test_without_matplotlib_the_cell_does_not_run(run, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "matplotlib" else find(n, *a))
    shown = run.fails("%%grad a --plot\na = ran = 2.0\nz = a**2")
    assert 'pip install "gradmagic[plot]"' in shown and "ran" not in run.names


def test_consoles_without_html_get_a_picture_on_request(run, monkeypatch):
    formatter = run.shell.display_formatter
    monkeypatch.setattr(formatter, "active_types", ["text/plain", "text/html", "image/png", "image/svg+xml"])
    cell = "a = 2.0\nz = a**2"
    assert set(run(f"%%grad a\n{cell}")._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert set(run(f"%%grad a --image png\n{cell}")._repr_mimebundle_()) == {
        "text/plain",
        "text/html",
        "image/png",
    }
    run("%config GradMagic.image = 'svg'")
    try:
        assert "image/svg+xml" in run(f"%%grad a\n{cell}")._repr_mimebundle_()
    finally:
        run("%config GradMagic.image = 'none'")


@plots
def test_a_traced_function_keeps_its_curve_on_request():
    def f(w):
        return np.sum((np.arange(5.0) * w - 1) ** 2)

    assert len(gm.trace(f)(3.0).plot().axes) == 1  # the tangent
    left, right = gm.trace(f, plot=True)(3.0).plot().axes
    curve = max(right.lines, key=lambda line: len(line.get_xdata())).get_xydata()
    np.testing.assert_allclose(curve[:, 1], 60 * curve[:, 0] - 20, rtol=1e-5, atol=1e-4)
    w = 3.0
    with gm.trace("w", plot=True) as traced_block:
        z = np.sum((np.arange(5.0) * w - 1) ** 2)
    assert len(traced_block.report.plot().axes) == 2 and z == 215 and left.get_xlabel() == "w"
