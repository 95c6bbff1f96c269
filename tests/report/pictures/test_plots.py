"""Pictures of functions: what is drawn, what is said beside it, and where there is nothing to draw."""

from __future__ import annotations

import importlib.util
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from gradmagic.engine.core.values import summarise
from gradmagic.report import Report, ReportError
from gradmagic.report.files.json import from_json, to_json
from gradmagic.report.model import Points, Sweep
from gradmagic.report.parts.curves import ordered, points_of
from tests.report import traces

pytestmark = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")


def titles(figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def longest(axes):
    """The line with the most points: the curve itself."""
    return max(axes.lines, key=lambda line: len(line.get_xdata())).get_xydata()


def said(figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def number(value=2.0, **more):
    s = traces.Sketch("z = a**2")
    k = s.input("a", value, 2 * value, "float")
    s.step("power", "a**2", value**2, 1.0, (k, "2*a", 2 * value, 2 * value), ("2",), name="z")
    return s.trace("z", value**2, **more)


def curve(f, slope, at=2.0, **more):
    x = np.linspace(-1, 5, 121)
    with np.errstate(all="ignore"):
        return Points(
            "a", "z", tuple(x), tuple(f(x)), tuple(slope(x)), (at, float(f(at)), float(slope(at))), **more
        )


def test_a_varying_array_is_drawn_with_its_slope():
    figure = Report(traces.parabola()).plot()
    assert titles(figure) == ["y over x", "dy/dx = dz/dx over x"]
    x = np.arange(-2, 2.25, 0.25)
    np.testing.assert_allclose(longest(figure.axes[0]), np.column_stack([x, 2 * x**2 + 2]))
    np.testing.assert_allclose(longest(figure.axes[1]), np.column_stack([x, 4 * x]))
    assert figure.axes[0].get_xlabel() == "x" and figure.axes[1].get_ylabel() == "dy/dx"


def test_the_tangent_touches_the_curve_with_its_slope():
    figure = Report(traces.parabola()).plot()
    (text,) = (t.get_text() for t in figure.axes[0].texts)
    slope, x = (float(part.split(" ")[0]) for part in (text.split("slope ")[1], text.split("= ")[1]))
    assert slope == 4 * x and x in np.arange(-2, 2.25, 0.25)
    tangent = next(
        line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_linewidth() > 2
    )
    (a, b), (c, d) = tangent.get_xydata()
    assert (d - b) / (c - a) == pytest.approx(slope)
    assert (b + d) / 2 == pytest.approx(2 * x**2 + 2) and (a + c) / 2 == pytest.approx(x)


def test_entries_are_sorted_by_x_before_they_are_joined():
    x = np.random.default_rng(1).permutation(np.linspace(-2, 2, 50))
    found, joined = ordered(
        Points("x", "y", tuple(x), tuple(np.tanh(x)), tuple(1 - np.tanh(x) ** 2), size=50)
    )
    assert joined and list(found.x) == sorted(x)
    np.testing.assert_allclose(found.y, np.tanh(sorted(x)))


def test_what_is_no_curve_is_not_joined_to_one():
    x, c = np.random.default_rng(2).standard_normal((2, 50))
    assert not ordered(Points("x", "y", tuple(x), tuple(c * x), tuple(c), size=50))[1]
    dense = np.linspace(0, 200, 64)  # 64 samples of many waves: a line through them would be another function
    assert not ordered(Points("x", "y", tuple(dense), tuple(np.sin(dense)), tuple(np.cos(dense)), size=5000))[
        1
    ]


def test_a_mean_shows_the_slope_of_y_not_of_the_mean():
    x = np.linspace(1, 2, 8)
    s = traces.Sketch("y = x**2\nz = y.mean()")
    k = s.input("x", x, 2 * x / 8)
    y = s.step("power", "x**2", x**2, np.full(8, 1 / 8), (k, "2*x", 2 * x, 2 * x / 8), ("2",), name="y")
    s.step("mean", "y.mean()", np.mean(x**2), 1.0, (y, "", None, np.full(8, 1 / 8)), name="z")
    figure = Report(s.trace("z", np.mean(x**2), elementwise=True)).plot()
    assert titles(figure)[1] == "dy/dx over x"
    np.testing.assert_allclose(longest(figure.axes[1]), np.column_stack([x, 2 * x]))


def test_a_number_alone_has_its_tangent_and_is_told_of_the_option():
    figure = Report(number()).plot()
    assert titles(figure) == ["z over a"]
    assert "only the tangent: put --plot on the %%grad line" in said(figure)
    assert [t.get_text() for t in figure.axes[0].texts] == ["slope 4 at a = 2"]


def test_a_curve_says_that_it_was_computed_again():
    figure = Report(number(plots=(curve(np.square, lambda x: 2 * x),))).plot()
    assert titles(figure) == ["z over a", "dz/da over a"]
    assert said(figure) == (
        "Curves: the recorded operations computed again at other values; branches are those of this run."
    )


def test_over_a_pole_nothing_is_joined():
    points = curve(lambda x: 1 / (x - 1.01), lambda x: -1 / (x - 1.01) ** 2)
    figure = Report(number(plots=(points,))).plot()
    line = longest(figure.axes[0])
    left, right = line[:, 0] < 1.01, line[:, 0] > 1.01
    gaps = np.isnan(line[:, 0])
    assert gaps.any() and line[left].size and line[right].size
    jump = np.flatnonzero((line[:-1, 1] < 0) & (line[1:, 1] > 0))
    assert not jump.size  # between the two arms there is a gap
    low, high = figure.axes[0].get_ylim()
    assert high - low < 100  # the arms do not flatten the rest


def test_a_loop_shows_its_way():
    trace = traces.descent()
    figure = Report(trace).plot()
    way = longest(figure.axes[0])
    np.testing.assert_allclose(way[:, 1], [s.value for s in trace.sweeps])
    assert "sweep 1" in [t.get_text() for t in figure.axes[0].texts]


def test_the_point_is_where_the_last_gradient_was_taken():
    moved = replace(number(1.5), sweeps=(Sweep(4.0, {"a": 2.0}),))  # the cell ended with a step: a is 1.5 now
    (points,), _ = points_of(moved)
    assert points.at[:2] == (2.0, 4.0)


def test_a_loss_that_changed_is_told_below():
    points = curve(np.square, lambda x: 2 * x, path=((1.0, 5.0), (2.0, 4.0)), alike=False)
    figure = Report(number(plots=(points,))).plot()
    assert "each dot is the result of its own sweep; the curve is that of the last" in said(figure)


def test_several_inputs_have_a_row_each_and_the_rest_is_named():
    s = traces.Sketch("z = a * b + W.sum()")
    a, b = s.input("a", 2.0, 3.0, "float"), s.input("b", 3.0, 2.0, "float")
    w = s.input("W", np.ones((2, 2)), np.ones((2, 2)))
    m = s.step("multiply", "a * b", 6.0, 1.0, (a, "b", 3.0, 3.0), (b, "a", 2.0, 2.0))
    n = s.step("sum", "W.sum()", 4.0, 1.0, (w, "", None, np.ones((2, 2))))
    s.step("add", "a * b + W.sum()", 10.0, 1.0, (m, "1", 1.0, 1.0), (n, "1", 1.0, 1.0), name="z")
    figure = Report(s.trace("z", 10.0)).plot()
    assert titles(figure) == ["z over a", "z over b"]
    assert "Not drawn: W is an array of shape (2, 2), and z is not the sum or mean" in said(figure)


def test_more_inputs_than_rows_are_counted():
    s = traces.Sketch("z = " + " + ".join("abcdefgh"))
    keys = [s.input(name, 1.0, 1.0, "float") for name in "abcdefgh"]
    s.step("f", s.source[4:], 8.0, 1.0, *[(k, "1", 1.0, 1.0) for k in keys], name="z")
    figure = Report(s.trace("z", 8.0)).plot()
    assert len(figure.axes) == 6 and "The first 6 of 8 inputs." in said(figure)


@pytest.mark.parametrize(
    ("trace", "why"),
    [
        (traces.network(), r"W1 is an array of shape \(3, 4\), and loss is not the sum or mean of a function"),
        (replace(number(), result=None), "no curve to plot"),
        (replace(number(), inputs=()), "there is no input"),
        (replace(number(), inputs=(replace(number().inputs[0], reached=False),)), "z does not depend on a"),
        (replace(number(), inputs=(replace(number().inputs[0], value=summarise(1 + 2j)),)), "a has no real numbers"),
    ],
)  # fmt: skip
def test_where_there_is_no_curve_the_error_says_why(trace, why):
    with pytest.raises(ReportError, match=why):
        Report(trace).plot()


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *a: None)
    with pytest.raises(ReportError, match=r'pip install "gradmagic\[plot\]"'):
        Report(traces.parabola()).plot()


def test_a_figure_shows_itself_once_and_says_what_it_shows():
    from matplotlib import _pylab_helpers

    before = dict(_pylab_helpers.Gcf.figs)
    figure = Report(traces.parabola()).plot()
    data, about = figure._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and set(data) == {"image/png", "text/plain"}
    assert about["image/png"]["alt"] == "y over x from -2 to 2: 2 to 10, with slopes from -8 to 8"
    assert about["image/png"]["alt"].encode() in data["image/png"]
    assert set(figure._repr_mimebundle_(include={"text/plain"})[0]) == {"text/plain"}
    assert dict(_pylab_helpers.Gcf.figs) == before  # pyplot would show what it knows a second time


def test_the_same_report_gives_the_same_picture():
    one, two = (Report(traces.parabola()).plot()._repr_mimebundle_()[0] for _ in range(2))
    assert one == two


def test_white_stays_white_under_a_dark_style():
    import matplotlib

    with matplotlib.rc_context({"axes.facecolor": "black", "figure.facecolor": "black", "text.color": "white",
                                "axes.edgecolor": "white", "savefig.facecolor": "black"}):  # fmt: skip
        made = Report(traces.parabola()).plot()._repr_mimebundle_()[0]["image/png"]
    from matplotlib.image import imread

    assert (imread(io.BytesIO(made), format="png")[:, :, :3].min(axis=2) > 0.95).mean() > 0.8


def test_names_that_look_like_mathematics_are_text():
    trace = number()
    named = replace(
        trace, inputs=(replace(trace.inputs[0], name="p['$a$']"),), result=replace(trace.result, name="z_$x$")
    )
    figure = Report(named).plot()
    assert titles(figure) == ["z_$x$ over p['$a$']"]
    figure.savefig(io.BytesIO(), format="png")  # an unmatched $ would be an error here


def test_points_survive_json():
    trace = number(plots=(curve(np.sqrt, lambda x: 0.5 / np.sqrt(x), path=((1.0, 0.0), (2.0, 0.7))),))
    again = from_json(to_json(trace))
    assert json.loads(to_json(again)) == json.loads(to_json(trace))
    np.testing.assert_array_equal(again.plots[0].y, trace.plots[0].y)
    assert titles(Report(again).plot()) == ["z over a", "dz/da over a"]
