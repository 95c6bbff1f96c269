"""`gm.minimize`: each method against who it is of, each form of variables, and what is refused."""

import dataclasses
import html
import sys
import warnings
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy
from scipy import optimize

import gradmagic as gm
from gradmagic.errors import DivergedWarning, IntegerGradError, MinimizeError
from gradmagic.fitting import by_optim, by_scipy
from gradmagic.fitting.evaluating import Evaluator
from gradmagic.fitting.minimising import fitted
from gradmagic.fitting.variables import Variables
from gradmagic.report.files.json import from_json, to_json
from gradmagic.report.model import Trace
from gradmagic.report.pictures.program import drawn as program_drawn
from gradmagic.report.pictures.svg import svg

START = np.array([-1.2, 1.0, 0.7])
THERE = [
    m
    for m in by_scipy.METHODS
    if m != "COBYQA" or tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 14)
]
BOUNDED = [m for m in by_scipy.BOUNDED if m in THERE]
DERIVATIVES = [m for m, takes in by_scipy.METHODS.items() if "jac" in takes]


def rosen(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x):
    return np.sum((x - np.array([3.0, -1.0])) ** 2 * np.array([1.0, 5.0]))


class TestSciPysMethods:
    @pytest.mark.parametrize("method", THERE)
    def test_gives_what_scipy_gives_with_the_same_derivatives(self, method):
        takes, n, given = by_scipy.METHODS[method].split(), START.size, {}
        if "jac" in takes:
            given["jac"] = gm.grad(rosen)
        if "hessp" in takes:
            given["hessp"] = lambda x, p: gm.hvp(rosen, (x,), (p,))[0]
        if "hess" in takes:
            given["hess"] = lambda x: np.stack([gm.hvp(rosen, (x,), (e,))[0] for e in np.eye(n)])
        options = {"maxiter": 30} if method != "TNC" else {"maxfun": 60}
        expected = optimize.minimize(rosen, START, method=method, options=options, **given)
        fit = gm.minimize(rosen, START, method.lower(), **options)
        assert np.array_equal(fit.x, expected.x) and fit.fun == expected.fun
        assert (fit.success, fit.method) == (expected.success, method)
        assert fit.losses[0] == rosen(START) and fit.losses[-1] <= fit.losses[0]
        assert fit.nit == len(fit.losses) - 1 and fit.at == list(range(fit.nit + 1))
        assert np.array_equal(fit.points[0], START)
        if method != "COBYLA":  # in SciPy 1.13 its callback is told points that were asked for long ago
            assert fit.nfev - expected.nfev in (
                0,
                1,
            )  # the gradient at the end, where SciPy has not asked for it

    @pytest.mark.parametrize("method", DERIVATIVES)
    def test_finds_the_minimum_with_a_gradient_that_vanishes(self, method):
        fit = gm.minimize(rosen, np.array([0.8, 0.6]), method, tol=1e-9)
        np.testing.assert_allclose(fit.x, [1, 1], atol=1e-3)
        np.testing.assert_allclose(fit.jac, optimize.rosen_der(fit.x), rtol=1e-6, atol=1e-11)

    def test_iterations_end_it(self):
        for method in ("BFGS", "TNC", "Newton-CG", "L-BFGS-B"):
            fit = gm.minimize(rosen, START, method, iterations=4)
            assert fit.nit == 4 and not fit.success, method

    def test_options_are_the_methods_own(self):
        assert gm.minimize(rosen, START, "BFGS", gtol=1.0).nit < gm.minimize(rosen, START, "BFGS").nit
        with pytest.raises(MinimizeError, match=r"BFGS: Unknown solver options: gtool"):
            gm.minimize(rosen, START, "BFGS", gtool=1.0)

    def test_without_scipy_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "scipy", None)
        with pytest.raises(
            ModuleNotFoundError, match=r'pip install "gradmagic\[fit\]"; or write method="lbfgs"'
        ):
            gm.minimize(rosen, START)
        assert gm.minimize(bowl, np.zeros(2), "lbfgs").success


class TestOptimisers:
    @pytest.mark.parametrize("name", by_optim.NAMES)
    def test_steps_are_those_of_the_loop_by_hand(self, name):
        kind = by_optim.NAMES[name]
        settings = {} if name == "lbfgs" else {"lr": 0.05}
        fit = gm.minimize(bowl, np.array([0.0, 0.5]), name, iterations=25, tol=0, **settings)
        x = gm.tensor(np.array([0.0, 0.5]), requires_grad=True)
        optimizer = kind([x], **(by_optim._LBFGS if name == "lbfgs" else {}), **settings)

        def closure():
            optimizer.zero_grad()
            loss = bowl(x)
            loss.backward()
            return loss

        for k in range(fit.nit):
            assert np.array_equal(fit.points[k], x.detach().numpy()), k
            optimizer.step(closure)
        assert np.array_equal(fit.x, x.detach().numpy()) and fit.method == kind.__name__
        assert fit.nit == (25 if name != "lbfgs" else len(fit.losses) - 1) and fit.losses[
            -1
        ] == fit.fun == bowl(fit.x)

    def test_a_class_and_its_settings(self):
        by_class = gm.minimize(bowl, np.zeros(2), gm.optim.SGD, lr=0.02, momentum=0.5, iterations=20)
        assert by_class.fun == gm.minimize(bowl, np.zeros(2), "SGD", lr=0.02, momentum=0.5, iterations=20).fun
        with pytest.raises(TypeError, match="momentun"):
            gm.minimize(bowl, np.zeros(2), "sgd", momentun=0.5)
        with pytest.raises(ValueError, match="learning rate"):
            gm.minimize(bowl, np.zeros(2), "sgd", lr=-0.5)

    def test_stops_when_nothing_moves(self):
        fit = gm.minimize(bowl, np.zeros(2), "sgd", lr=0.05, iterations=100_000)
        assert fit.success and fit.nit < 1000 and fit.message.startswith("nothing moves any more")
        np.testing.assert_allclose(fit.x, [3, -1], atol=1e-6)
        assert np.all(np.abs(np.diff(fit.points[-10:], axis=0)) <= 0.05e-8 * 3.1)

    def test_a_short_step_length_is_no_standstill(self):
        fit = gm.minimize(bowl, np.zeros(2), "sgd", lr=1e-12, iterations=50)
        assert not fit.success and fit.nit == 50

    def test_momentum_that_turns_round_is_no_standstill(self):
        fit = gm.minimize(lambda x: x**2, 1.0, "sgd", lr=0.01, momentum=0.95, iterations=3000)
        assert fit.success and abs(fit.x) < 1e-6

    def test_diverging_gives_the_best_point_and_says_so(self):
        with pytest.warns(
            DivergedWarning, match=r"when x0 was .* away from its start.*write lr=1\b"
        ) as caught:
            fit = gm.minimize(lambda x: np.sum(x**4), np.array([1.0, 2.0]), "sgd", lr=10.0)
        assert caught[-1].filename == __file__
        assert not fit.success and np.array_equal(fit.x, [1.0, 2.0]) and fit.fun == 17.0
        assert not np.isfinite(fit.losses[-1]) and len(fit.losses) == fit.nit + 1
        assert "write lr=1" in fit.message

    def test_a_gradient_that_is_not_finite_is_named(self):
        def f(p):
            return np.sqrt(p["a"] ** 2 + 0.0) + p["b"] ** 2

        with (
            pytest.warns(DivergedWarning, match=r"the gradient by x0\['a'\] is not finite in iteration 1"),
            np.errstate(all="ignore"),
        ):
            fit = gm.minimize(f, {"a": 0.5, "b": 0.5}, "sgd", lr=0.5)
        assert fit.x == {"a": 0.5, "b": 0.5} and fit.fun == 0.75


Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass(frozen=True)
class Model:
    weight: np.ndarray
    bias: float
    kind: str = "linear"


FORMS = {
    "number": (4.0, lambda x: (x - 1.0) ** 2),
    "numpy scalar": (np.float64(4.0), lambda x: (x - 1.0) ** 2),
    "0-d": (np.array(4.0), lambda x: (x - 1.0) ** 2),
    "matrix": (np.full((2, 3), 4.0), lambda x: np.sum((x - 1.0) ** 2)),
    "not contiguous": (np.full(6, 4.0)[::2], lambda x: np.sum((x - 1.0) ** 2)),
    "list": ([4.0, np.full(2, 4.0)], lambda x: (x[0] - 1.0) ** 2 + np.sum((x[1] - 1.0) ** 2)),
    "tuple": (Pair(4.0, np.full(2, 4.0)), lambda x: (x.a - 1.0) ** 2 + np.sum((x.b - 1.0) ** 2)),
    "dict": ({"w": np.full(2, 4.0), "deep": {"b": 4.0}},
             lambda x: np.sum((x["w"] - 1.0) ** 2) + (x["deep"]["b"] - 1.0) ** 2),
    "dataclass": (Model(np.full(2, 4.0), 4.0), lambda x: np.sum((x.weight - 1.0) ** 2) + (x.bias - 1.0) ** 2),
    "tensor": (gm.tensor([4.0, 4.0], dtype=gm.float64, requires_grad=True), lambda x: ((x - 1.0) ** 2).sum()),
    "float32": (np.full(2, 4.0, np.float32), lambda x: np.sum((x - np.float32(1.0)) ** 2)),
    "complex": (np.full(2, 4.0 + 3j), lambda x: np.sum(np.abs(x - 1.0) ** 2)),
}  # fmt: skip


def flat(tree):
    found = gm.engine.core.trees.leaves(tree)
    return [np.asarray(getattr(v, "array", v)) for v in found if not isinstance(v, str)]


class TestVariables:
    @pytest.mark.parametrize("method", ["sgd", "L-BFGS-B", "Newton-CG", "Nelder-Mead"])
    @pytest.mark.parametrize("form", FORMS)
    def test_come_back_in_the_form_that_they_had(self, form, method):
        start, f = FORMS[form]
        before = [np.copy(a) for a in flat(start)]
        fit = gm.minimize(f, start, method, **({"lr": 0.2} if method == "sgd" else {}))
        assert type(fit.x) is type(start) and type(fit.points[0]) is type(start)
        for got, was, now in zip(flat(fit.x), before, flat(start), strict=True):
            np.testing.assert_allclose(got, np.ones_like(was), atol=1e-3)
            assert (got.dtype, got.shape) == (was.dtype, was.shape)
            assert np.array_equal(was, now)  # the start is as it was
        assert fit.fun == pytest.approx(0, abs=1e-5)
        if form == "dataclass":
            assert fit.x.kind == "linear" and type(fit.x.bias) is float

    def test_no_point_is_written_to_afterwards(self):
        seen = []
        fit = gm.minimize(
            lambda x: (seen.append(x), np.sum(x**2))[1], np.ones(2), "sgd", lr=0.25, iterations=3
        )
        assert [p.tolist() for p in fit.points] == [[1, 1], [0.5, 0.5], [0.25, 0.25], [0.125, 0.125]]

    def test_further_arguments_stay(self):
        fit = gm.minimize(lambda x, a, b: (x - a) ** 2 + b, 0.0, "Newton-CG", args=(2, 3))
        assert fit.x == pytest.approx(2) and fit.fun == pytest.approx(3)
        assert gm.minimize(lambda x, a: (x - a) ** 2, 0.0, "sgd", args=2, lr=0.5).x == 2.0

    @pytest.mark.parametrize(
        ("x0", "error", "words"),
        [
            (3, IntegerGradError, r"x0 is the whole number 3, .*write 3\.0"),
            (np.array([1, 2]), IntegerGradError, r"x0 is whole numbers \(int64\).*write x0\.astype\(float\)"),
            ({"w": 1.0, "n": 2}, IntegerGradError, r"x0\['n'\] is the whole number 2.*args="),
            (gm.tensor([1, 2]), IntegerGradError, r"x0\.float\(\)"),
            (np.array(["a"]), gm.errors.ArgumentError, "x0 is an array of text"),
            ({}, MinimizeError, "x0 holds no number"),
            (["a", None], MinimizeError, "x0 holds no number"),
            (np.ones(0), MinimizeError, "x0 holds no number"),
            ([1.0, lambda: 1], gm.errors.ArgumentError, r"x0\[1\] is a function"),
        ],
    )
    def test_what_cannot_be_moved_is_named(self, x0, error, words):
        with pytest.raises(error, match=words):
            gm.minimize(lambda x: 0.0, x0, "sgd")

    def test_a_list_that_was_meant_as_a_vector_is_told(self):
        with pytest.raises(TypeError) as caught:
            gm.minimize(lambda x: np.sum(x**2), [1.0, 2.0], "sgd")
        assert "write x0=np.array([...])" in caught.value.__notes__[0]


class TestRefusals:
    def test_a_loss_that_is_no_number(self):
        with pytest.raises(gm.errors.NonScalarError, match=r"shape \(3,\)"):
            gm.minimize(lambda x: x**2, START, "sgd")
        with pytest.raises(gm.errors.NonScalarError, match=r"gave an array of shape \(3,\)"):
            gm.minimize(lambda x: x**2, START, "Nelder-Mead")
        with pytest.raises(gm.errors.ArgumentError, match="None"):
            gm.minimize(lambda x: None, START, "Powell")

    def test_a_loss_that_does_not_depend_on_the_variables(self):
        with pytest.raises(gm.errors.NoGradError, match="the loss does not depend on x0"):
            gm.minimize(lambda x: 3.0, START, "adam")
        flat = gm.minimize(lambda x: np.sum(0 * x), START, "adam", lr=0.1)
        assert flat.success and np.array_equal(flat.x, START)

    def test_a_start_where_the_loss_is_not_finite(self):
        with (
            pytest.raises(MinimizeError, match=r"the loss is inf where the fit begins \(x0 = 0\)"),
            np.errstate(all="ignore"),
        ):
            gm.minimize(lambda x: 1 / np.abs(x), np.float64(0.0))

    @pytest.mark.parametrize(
        ("method", "words"),
        [
            ("adm", "did you mean 'adam'"),
            ("l-bfgs", "unknown: "),
            (7, "'int' is unknown"),
            (gm.optim.Optimizer, "unknown"),
        ],
    )
    def test_an_unknown_method(self, method, words):
        with pytest.raises(MinimizeError, match=words):
            gm.minimize(bowl, np.zeros(2), method)

    def test_what_a_method_does_not_take(self):
        with pytest.raises(MinimizeError, match="BFGS takes no lr"):
            gm.minimize(bowl, np.zeros(2), "BFGS", lr=0.1)
        with pytest.raises(MinimizeError, match=r"Adam knows no bounds: write method='L-BFGS-B'"):
            gm.minimize(bowl, np.zeros(2), "adam", bounds=(0, 1))
        with pytest.raises(MinimizeError, match="CG takes no bounds"):
            gm.minimize(bowl, np.zeros(2), "CG", bounds=(0, 1))
        with pytest.raises(MinimizeError, match="maximize"):
            gm.minimize(bowl, np.zeros(2), "sgd", maximize=True)
        with pytest.raises(MinimizeError, match="iterations=1"):
            gm.minimize(bowl, np.zeros(2), "sgd", iterations=1.5)
        with pytest.raises(MinimizeError, match="a function first"):
            gm.minimize(np.zeros(2), bowl)

    def test_an_error_on_the_way_says_where(self):
        def f(x):
            if x < 0.3:
                raise ValueError("too small")
            return x**2

        with pytest.raises(ValueError, match="too small") as caught:
            gm.minimize(f, 1.0, "sgd", lr=0.25)
        assert "iteration 2, at x0 = 0.25, with a loss of 0.25 before" in caught.value.__notes__[0]
        assert caught.value.fit.losses.tolist() == [1.0, 0.25] and caught.value.fit.x == 0.5
        assert "sys.last_value.fit" in caught.value.__notes__[1] and "ValueError" in str(caught.value.fit)

    def test_an_interrupt_has_the_fit_so_far(self):
        left = [30]

        def f(x):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return rosen(x)

        for method in ("adam", "BFGS", "TNC", "Nelder-Mead"):
            left[0] = 30
            with pytest.raises(KeyboardInterrupt) as caught:
                gm.minimize(f, START, method)
            fit = caught.value.fit
            assert fit.nit > 1 and fit.fun == fit.losses[-1] == rosen(fit.x), method


class TestBounds:
    @pytest.mark.parametrize("method", BOUNDED)
    def test_hold(self, method):
        fit = gm.minimize(bowl, np.array([0.5, 0.5]), method, bounds=(0.0, 1.0))
        np.testing.assert_allclose(fit.x, [1, 0], atol=1e-3)
        assert np.all(fit.x >= -1e-12) and np.all(fit.x <= 1 + 1e-12)

    @pytest.mark.parametrize(
        "bounds",
        [
            [(0, 1), (0, None)],
            optimize.Bounds([0, 0], [1, np.inf]),
            (np.zeros(2), np.array([1, 5])),
            ((0, 1), (0, 9)),
        ],
    )
    def test_of_a_vector(self, bounds):
        np.testing.assert_allclose(
            gm.minimize(bowl, np.array([0.5, 0.5]), bounds=bounds).x, [1, 0], atol=1e-6
        )

    def test_of_a_container(self):
        def f(p):
            return np.sum((p["w"] - 3) ** 2) + (p["b"] + 2) ** 2

        start = {"w": np.ones((2, 2)), "b": 0.0}
        fit = gm.minimize(f, start, bounds={"w": (None, 2.0)})
        np.testing.assert_allclose(fit.x["w"], 2)
        assert fit.x["b"] == pytest.approx(-2)
        fit = gm.minimize(f, start, bounds={"w": (0, np.array([[1, 2], [3, 4]])), "b": (-1, 1)})
        np.testing.assert_allclose(fit.x["w"], [[1, 2], [3, 3]])
        assert fit.x["b"] == pytest.approx(-1)
        fit = gm.minimize(lambda p: (p[0] - 3) ** 2 + (p[1] + 3) ** 2, [0.0, 0.0], bounds=[(-1, 1), None])
        assert fit.x == pytest.approx([1, -3])
        fit = gm.minimize(lambda p: (p[0] - 3) ** 2 + (p[1] + 3) ** 2, [0.0, 0.0], bounds=(-1.0, 1.0))
        assert fit.x == pytest.approx([1, -1])

    @pytest.mark.parametrize(
        ("bounds", "words"),
        [
            ((2.0, 3.0), r"x0\[0\] begins at 0\.5, below its bound 2"),
            ([(0, 1), (1, 0)], r"x0\[1\] begins at 0\.5, below its bound 1"),
            (5.0, "are no pair"),
            ((np.zeros(3), None), r"do not fit its shape \(2,\)"),
        ],
    )
    def test_that_do_not_fit_are_named(self, bounds, words):
        with pytest.raises(MinimizeError, match=words):
            gm.minimize(bowl, np.array([0.5, 0.5]), bounds=bounds)
        with pytest.raises(MinimizeError, match="bounds= has 'v'"):
            gm.minimize(lambda p: p["w"] ** 2, {"w": 1.0}, bounds={"v": (0, 1)})


class TestFit:
    def test_many_points_are_thinned_evenly(self, monkeypatch):
        monkeypatch.setattr("gradmagic.fitting.history.MOST", 160)
        fit = gm.minimize(bowl, np.zeros(2), "sgd", lr=1e-3, iterations=64)
        assert len(fit.losses) == 65 and fit.at == list(range(0, 65, fit.at[1])) and 4 <= len(fit.at) <= 10
        assert all(bowl(p) == fit.losses[k] for k, p in zip(fit.at, fit.points, strict=True))

    def test_shows_itself_as_text(self):
        text = gm.minimize(bowl, np.zeros(2), "sgd", lr=0.05, iterations=3).to_text(
            80, ascii=False, color=False
        )
        assert text.startswith("SGD: 3 iterations, 4 evaluations of bowl\n")
        assert "all 3 iterations are done" in text and "gradient of bowl" in text
        assert any(
            line.startswith(" bowl  █") and line.endswith("14 to 4.861") for line in text.split("\n")
        ), text
        one = str(gm.minimize(lambda x: x**2, 1.0, "sgd", lr=0.25, iterations=2))
        assert "the loss over x0" in one and all(len(line) < 80 for line in one.split("\n"))
        many = gm.minimize(lambda x: sum(v**2 for v in x), [1.0] * 20, "sgd", iterations=1).to_text(80)
        assert "8 variables more" in many

    def test_shows_itself_as_a_page(self, tmp_path):
        fit = gm.minimize(bowl, np.zeros(2), "sgd", lr=0.05, iterations=30)
        html = fit.to_html()
        assert html.count("<img") == 2 and "bowl over x0[0] and x0[1]" in html and len(html) < 40_000
        assert fit._repr_mimebundle_(include=["text/html"])["text/html"] == html
        page = fit.save(tmp_path / "fit.html")
        assert Path(page).read_text("utf-8").startswith("<!DOCTYPE html>")
        assert Path(fit.save(tmp_path / "fit.txt")).read_text("utf-8").startswith("SGD: 30")
        with pytest.raises(gm.report.ReportError, match="html or txt"):
            fit.save(tmp_path / "fit.png")
        three = gm.minimize(rosen, START, iterations=5).to_html()
        assert three.count("<img") == 1

    def test_the_loss_around_the_way_is_its_own(self):
        fit = gm.minimize(lambda x: (x - 1) ** 2, 4.0, "sgd", lr=0.25, iterations=5)
        d = fit.descent
        assert d.axes == ("x0",) and d.way[0] == (4.0,) and d.heights[0] == 9.0
        assert all(y == (x - 1) ** 2 for x, y in zip(d.ticks[0], d.field[0], strict=True))
        assert d.ticks[0][0] < min(d.way)[0] and d.ticks[0][-1] > 4
        d = gm.minimize(bowl, np.zeros(2), "sgd", lr=0.05, iterations=5).descent
        assert all(
            d.field[j][i] == bowl(np.array([x, y]))
            for j, y in enumerate(d.ticks[1])
            for i, x in enumerate(d.ticks[0])
        )

    def test_where_the_loss_is_not_defined_there_is_a_gap(self):
        def f(x):
            if x < -0.5:
                raise ValueError
            return np.log(x) ** 2 if x > 0 else float("nan")

        fit = gm.minimize(f, 0.4, "sgd", lr=0.01, iterations=40)
        assert "NaN" not in fit.to_text(80) and "<img" in fit.to_html()

    def test_the_seam_takes_any_evaluator(self):
        asked = []

        def both(point):
            asked.append(point)
            return point**2, 2 * point

        fit = fitted(Evaluator("mine", lambda x: x**2, both), Variables(1.0), "sgd", lr=0.25, iterations=3)
        assert fit.points == [1.0, 0.5, 0.25, 0.125] == asked and fit.descent.loss_name == "mine"

    def test_a_loss_that_is_one_operation(self):
        op = gm.custom(lambda x: np.sum((x - 2.0) ** 2), vjp=lambda g, y, x: g * 2 * (x - 2.0))
        np.testing.assert_allclose(gm.minimize(lambda x: op(x) + np.sum(x * x), np.zeros(3)).x, 1, atol=1e-6)


class TestProgress:
    def test_a_bar_is_shown_when_asked_for(self, capsys):
        gm.minimize(bowl, np.zeros(2), "sgd", lr=0.05, iterations=20, progress=True)
        assert "SGD" in (err := capsys.readouterr().err) and "/20" in err

    def test_silent_without_a_terminal(self, capsys):
        gm.minimize(bowl, np.zeros(2), "sgd", lr=0.05, iterations=20)
        assert capsys.readouterr() == ("", "")

    def test_without_tqdm(self, monkeypatch):
        monkeypatch.setattr("gradmagic.fitting.progress.find_spec", lambda name: None)
        assert gm.minimize(bowl, np.zeros(2), "sgd", iterations=2).nit == 2
        with pytest.raises(ModuleNotFoundError, match=r'pip install "gradmagic\[fit\]"'):
            gm.minimize(bowl, np.zeros(2), "sgd", progress=True)


def test_no_warning_where_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("sgd", "lbfgs", *THERE):
            gm.minimize(bowl, np.zeros(2), method, iterations=None if method in by_scipy.METHODS else 5)


class TestPrograms:
    def test_a_long_fit_by_an_optimiser_runs_as_a_program(self) -> None:
        data = np.linspace(0, 1, 20)

        def loss(p: Any) -> Any:
            return np.mean((p["a"] * data + p["b"] - 2 * data) ** 2)

        fit = gm.minimize(loss, {"a": 0.0, "b": np.ones(20)}, "adam", lr=0.1, iterations=150, progress=False)
        short = gm.minimize(loss, {"a": 0.0, "b": np.ones(20)}, "adam", lr=0.1, iterations=20, progress=False)
        assert fit.program is not None and fit.program.served == fit.nfev
        assert "by a recorded program" in str(fit)
        assert short.program is None and "program" not in str(short)
        np.testing.assert_allclose(fit.losses[:20], short.losses[:20], rtol=1e-12)

    def test_a_report_shows_the_program(self) -> None:
        data = np.linspace(0, 1, 20)
        fit = gm.minimize(
            lambda p: np.mean((p * data - 2 * data) ** 2), 0.0, "adam", lr=0.1, iterations=150, progress=False
        )
        program, page = fit.descent.program, html.unescape(fit.to_html())
        assert program is not None and program.source == fit.program.source
        assert program.told == str(fit.program.explain()) and program.told in page and program.source in page
        assert {step.text for step in program.steps} >= {"x0", "data", "np.subtract", "np.add.reduce"}
        drawn = svg(program_drawn(program.steps))
        assert drawn.count('class="n') == len(program.steps)
        assert drawn.count('class="e') == sum(len(step.needs) for step in program.steps)
        assert f"the program: {len(program.steps)} steps" in page
        trace = Trace("In [1]", "", descent=fit.descent)
        assert from_json(to_json(trace)).descent == trace.descent

    def test_a_fit_whose_programs_were_hardly_ever_used_names_none(self) -> None:
        places = np.linspace(-1.0, 1.0, 400)

        def loss(x: Any) -> Any:  # another mask at almost every point
            return np.sum((x - places) ** 2, where=np.abs(x - places) < 0.3)

        fit = gm.minimize(loss, 5.0 / 6, "adam", lr=0.01, iterations=120, progress=False)
        assert fit.program is not None and fit.program.programs and 2 * fit.program.served < fit.nfev
        assert (
            "program" not in str(fit) and fit.descent.program is None and "def program" not in fit.to_html()
        )

    def test_a_long_program_is_not_drawn(self) -> None:
        def loss(p: Any) -> Any:
            for _ in range(40):
                p = np.sin(p) + 0.1
            return p * p

        fit = gm.minimize(loss, 0.5, "sgd", lr=0.1, iterations=120, progress=False)
        assert fit.descent.program is not None and not fit.descent.program.steps
        assert fit.program.source in html.unescape(fit.to_html())

    def test_data_that_change_on_the_way_are_seen(self) -> None:
        data = {"y": 1.0}

        def loss(x: Any) -> Any:
            return (x - data["y"]) ** 2

        first = gm.minimize(loss, 0.0, "sgd", lr=0.3, iterations=100, progress=False)
        data["y"] = 5.0
        assert abs(first.x - 1) < 1e-6
        assert abs(gm.minimize(loss, 0.0, "sgd", lr=0.3, iterations=100, progress=False).x - 5) < 1e-6

    def test_what_a_loss_prints_is_printed_each_time(self, capsys: pytest.CaptureFixture[str]) -> None:
        def loss(x: Any) -> Any:
            print("asked")
            return x * x

        fit = gm.minimize(loss, 1.0, "sgd", lr=0.1, iterations=120, progress=False)
        assert capsys.readouterr().out.count("asked") == fit.nfev
        assert fit.program is not None and not fit.program.served

    def test_random_numbers_are_drawn_each_time(self) -> None:
        def loss(x: Any) -> Any:
            return np.mean((x - rng.normal(size=4)) ** 2)

        rng = np.random.default_rng(0)
        fit = gm.minimize(loss, 1.0, "sgd", lr=0.1, iterations=120, progress=False)
        rng, x = np.random.default_rng(0), 1.0
        for _ in range(5):
            x = x - 0.1 * 2 * np.mean(x - rng.normal(size=4))
        np.testing.assert_allclose(fit.points[5], x)
