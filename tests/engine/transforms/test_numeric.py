"""gm.numeric: an opaque function is one operation; its derivatives are differences, in every mode."""

import math

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.hosts.host import text_source
from gradmagic.cell.options import Options
from gradmagic.cell.run import Run
from gradmagic.report import Report

X = np.array([0.3, 1.0, -2.0])
T = np.array([1.0, 2.0, 3.0])
PAIRS = {  # an opaque function and the same in NumPy: of the array x and the number a
    "array to number": (
        lambda x, a: math.fsum(math.exp(float(v)) * a for v in x),
        lambda x, a: np.sum(np.exp(x) * a),
    ),
    "array to array": (
        lambda x, a: np.array([math.sin(v * a) for v in x.tolist()]),
        lambda x, a: np.sin(x * a),
    ),
    "to a matrix": (
        lambda x, a: np.array([[u * v**3 * a for u in x.tolist()] for v in x.tolist()]),
        lambda x, a: np.outer(x**3, x) * a,
    ),
    "large and small": (
        lambda x, a: np.array([math.sin(1e-3 * v) + v * v * 1e4 * a for v in x.tolist()]),
        lambda x, a: np.sin(1e-3 * x) + x * x * 1e4 * a,
    ),
}


@pytest.mark.parametrize("what", PAIRS)
def test_all_derivatives(what):
    opaque, known = PAIRS[what]
    f = gm.numeric(opaque)
    np.testing.assert_array_equal(f(X, 0.7), opaque(X, 0.7))
    for mode in ("reverse", "forward"):
        for found, expected in zip(
            gm.jacobian(f, (0, 1), mode)(X, 0.7), gm.jacobian(known, (0, 1))(X, 0.7), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=2e-9, atol=1e-9 * np.abs(expected).max())
    _, t = gm.jvp(f, (X, 0.7), (T, 0.1))
    np.testing.assert_allclose(t, gm.jvp(known, (X, 0.7), (T, 0.1))[1], rtol=1e-8)
    total, known_total = (lambda x, g=g: np.sum(np.tanh(g(x, 0.7) / 1e4)) * 1e4 for g in (f, known))
    np.testing.assert_allclose(gm.grad(total)(X), gm.grad(known_total)(X), rtol=1e-8, atol=1e-8)
    expected = gm.hessian(known_total)(X)
    np.testing.assert_allclose(gm.hessian(total)(X), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(
        gm.jvp(gm.grad(total), (X,), (T,))[1], expected @ T, rtol=1e-5, atol=1e-5 * np.abs(expected).max()
    )
    np.testing.assert_allclose(
        gm.grad(lambda x: gm.jvp(total, (x,), (T,))[1])(X),
        expected @ T,
        rtol=1e-5,
        atol=1e-5 * np.abs(expected).max(),
    )


def test_complex_arguments_and_results():
    f = gm.numeric(lambda z: z * z * np.conj(z) + 2j)
    known = lambda z: z * z * np.conj(z) + 2j
    z, g, t = np.array([1 + 2j, -0.5j]), np.array([0.3 - 1j, 2j]), np.array([1j, 1 - 1j])
    np.testing.assert_allclose(gm.vjp(f, z)[1](g)[0], gm.vjp(known, z)[1](g)[0], rtol=1e-9)
    np.testing.assert_allclose(gm.jvp(f, (z,), (t,))[1], gm.jvp(known, (z,), (t,))[1], rtol=1e-9)


def test_containers_in_any_argument_and_in_the_result():
    def model(x, params, power=2):
        return {"y": x**power * params["w"], "rest": [float(np.sum(x)) * params["b"], "text", None, 3]}

    def loss(model):
        def f(x, params):
            out = model(x, params, power=3)
            assert out["rest"][1:3] == ["text", None]
            return np.sum(out["y"] ** 2) * out["rest"][0] + out["rest"][3]

        return f

    params = {"w": T, "b": 0.5, "name": "linear"}
    by_x, by_params = gm.grad(loss(gm.numeric(model)), (0, 1))(X, params)
    expected_x, expected = gm.grad(loss(lambda x, p, power: model_in_numpy(x, p, power)), (0, 1))(X, params)
    np.testing.assert_allclose(by_x, expected_x, rtol=1e-8)
    np.testing.assert_allclose(by_params["w"], expected["w"], rtol=1e-8, atol=1e-9)
    assert by_params["b"] == pytest.approx(expected["b"], rel=1e-9) and by_params["name"] is None


def model_in_numpy(x, params, power):
    return {"y": x**power * params["w"], "rest": [np.sum(x) * params["b"], "text", None, 3]}


def test_the_function_gets_plain_copies_and_is_called_once_forward():
    seen = []

    @gm.numeric
    def f(x, a, t):
        seen.append([type(x), type(a), type(t)])
        x[:] = 0  # as Fortran may
        return np.float64(np.sum(t) * a)

    x, t = X.copy(), gm.tensor([1.0, 2.0], requires_grad=True)
    y = f(x, np.float64(2.0), t)
    assert seen == [[np.ndarray, np.float64, np.ndarray]] and x.tolist() == X.tolist()
    y.backward()
    assert len(seen) == 1 + 2 * 2
    assert t.grad.tolist() == pytest.approx([2.0, 2.0], abs=1e-3) and t.tolist() == [1.0, 2.0]
    gm.grad(lambda a: f(X, a, T))(3.0)
    assert seen[-1] == [np.ndarray, float, np.ndarray]


def test_a_jacobian_row_by_row_costs_no_more_calls():
    calls = []

    @gm.numeric
    def f(x):
        calls.append(1)
        return np.outer(x, x)

    gm.jacobian(f, mode="reverse")(X)
    assert len(calls) == 1 + 2 * 3


def test_float32_stays_float32():
    f = gm.numeric(lambda x: np.sin(x))
    x = X.astype(np.float32)
    found = gm.elementwise_grad(f)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.cos(x), atol=1e-4)
    t = gm.jvp(f, (x,), (np.ones_like(x),))[1]
    assert t.dtype == np.float32
    np.testing.assert_allclose(t, np.cos(x), atol=1e-4)


def test_whole_numbers_are_moved_as_floats():
    assert gm.grad(gm.numeric(lambda n: n**2 * 1.0))(3) == pytest.approx(6.0)


def test_a_step_for_a_solver_that_is_not_exact():
    def solver(x):
        return round(math.sin(x), 6)  # a tolerance of 1e-6

    assert abs(gm.grad(gm.numeric(solver))(1.0) - math.cos(1.0)) > 1e-3
    assert gm.grad(gm.numeric(solver, step=1e-2))(1.0) == pytest.approx(math.cos(1.0), abs=1e-4)
    decorated = gm.numeric(step=1e-2)(solver)
    assert gm.grad(decorated)(1.0) == pytest.approx(math.cos(1.0), abs=1e-4)
    assert decorated.__name__ == "solver"


def test_without_gradients_it_is_the_function():
    f = gm.numeric(lambda x: x * 2)
    assert type(f(X)) is np.ndarray and f(3) == 6 and type(f(3)) is int
    with gm.no_grad():
        t = gm.tensor([1.0], requires_grad=True)
        assert isinstance(f(t), gm.Tensor) and not f(t).requires_grad


def test_errors_say_where():
    def f(x):
        if x[1] > 1.0:
            raise ArithmeticError("too large")
        return x.sum()

    with pytest.raises(ArithmeticError) as caught:
        gm.grad(gm.numeric(f))(X)
    assert caught.value.__notes__[0] == "while gm.numeric took the difference of f by its argument 1 at [1]"
    with pytest.raises(
        TypeError, match=r"<lambda>|f gave a str: gm.numeric differentiates functions that give arrays"
    ):
        gm.grad(gm.numeric(lambda x: "text"))(X)
    with pytest.raises(ValueError, match="step=0"):
        gm.numeric(f, step=0)


def test_scipys_solver_where_it_is_installed():
    integrate = pytest.importorskip("scipy.integrate")

    @gm.numeric
    def solve(rate, start):
        return integrate.solve_ivp(lambda t, y: -rate * y, (0, 1), start, rtol=1e-10, atol=1e-12).y[:, -1]

    by_rate, by_start = gm.grad(lambda r, y: np.sum(solve(r, y)), (0, 1))(0.7, np.array([1.0, 2.0]))
    assert by_rate == pytest.approx(-3 * math.exp(-0.7), rel=1e-5)
    np.testing.assert_allclose(by_start, math.exp(-0.7), rtol=1e-5)


def test_the_report_marks_it():
    cell = text_source("y = solve(x)\nz = (y * y).sum()\n", "<cell>", "In [1]")
    namespace = {"np": np, "x": X, "solve": gm.numeric(named)}
    report = Report(Run(cell, namespace, Options(("x",))).execute())
    text = report.to_text()
    assert "by differences" in report.graph.source and "(1) by differences" in text
    assert (
        "line 1: named is not traced but called: its derivative is by central differences, step 6e-06 (float32: 5e-03) "
        "times max(1, |x|)."
    ) in " ".join(text.split())
    np.testing.assert_allclose(report.grads["x"], 3 * X**5 * 2, rtol=1e-8)
    assert "no notes" in text  # it is no cause for concern


def named(x):
    return np.array([v**3 for v in x.tolist()])
