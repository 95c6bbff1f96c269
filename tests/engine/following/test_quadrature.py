"""scipy.integrate.quad: by its limits, by what the integrand is made of, over ranges without end."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as gm

integrate = pytest.importorskip("scipy.integrate")

from scipy.interpolate import CubicSpline  # noqa: E402

from gradmagic import errors  # noqa: E402

W = np.array([0.2, 0.5, 0.3])
CASES = {
    "a closure": (lambda p: integrate.quad(lambda t: np.exp(-p * t * t) * np.sin(3 * t), 0, 2)[0], (0.7,)),
    "args": (lambda p, q: integrate.quad(lambda t, p, q: np.cos(p * t) * q, 0, 3, args=(p, q))[0], (0.7, 1.3)),
    "one argument": (lambda p: integrate.quad(lambda t, p: t**p, 0.5, 1, args=p)[0], (1.7,)),
    "limits": (lambda a, b: integrate.quad(lambda t: np.exp(-t * t), a, b)[0], (0.3, 1.9)),
    "limits and more": (lambda p, b: integrate.quad(lambda t: np.sin(p * t), p, b)[0], (0.6, 1.9)),
    "turned round": (lambda p, b: integrate.quad(lambda t: np.sin(p * t), 2.0, b)[0], (0.6, 0.2)),
    "many intervals": (lambda p: integrate.quad(lambda t: np.abs(t - 0.3) * np.exp(p * t), 0, 4)[0], (0.8,)),
    "to infinity": (lambda p, a: integrate.quad(lambda t: np.exp(-p * t) * t, a, np.inf)[0], (0.8, 0.4)),
    "from minus infinity": (lambda p, b: integrate.quad(lambda t: np.exp(p * t), -np.inf, b)[0], (0.8, 0.4)),
    "both ways": (lambda p: integrate.quad(lambda t: np.exp(-p * (t - p) ** 2), -np.inf, np.inf)[0], (0.8,)),
    "an array": (lambda w: integrate.quad(lambda t: np.sum(w * t ** np.arange(3)) ** 2, 0, 1)[0], (W,)),
}  # fmt: skip


@pytest.mark.parametrize(("function", "args"), CASES.values(), ids=CASES)
def test_derivatives_of_both_orders_and_scipys_value(function: object, args: tuple[object, ...]) -> None:
    gm.check_grads(function, args, order=2, rtol=1e-5)
    values = []
    gm.grad(lambda *a: values.append(function(*a)) or values[-1])(*args)
    assert values[0].array == function(*args) and type(values[0].array) is type(function(*args))


def test_a_gradient_that_is_rougher_than_the_value() -> None:
    kinked = gm.grad(lambda p: integrate.quad(lambda t: np.exp(p * np.abs(t - 0.3)), 0, 1)[0])
    assert kinked(0.0) == pytest.approx((0.3**2 + 0.7**2) / 2, rel=1e-5)  # the value is that of 1
    with pytest.raises(errors.ArgumentError, match="near to singular"):
        gm.grad(lambda p: integrate.quad(lambda t: 1 + p * np.abs(t - 0.3) ** -0.9, 0, 1)[0])(0.0)


def test_a_spline_by_its_data() -> None:
    x = np.linspace(0, 1, 6)
    by_rule = gm.grad(lambda y: integrate.quad(CubicSpline(x, y), 0, 1)[0])(np.exp(x))
    by_piece = gm.grad(lambda y: CubicSpline(x, y).integrate(0, 1))(np.exp(x))
    np.testing.assert_allclose(by_rule, by_piece, rtol=1e-5)


def test_third_order_by_a_limit() -> None:
    third = gm.grad(gm.grad(gm.grad(lambda b: integrate.quad(lambda t: t**4, 0, b)[0])))(1.5)
    assert third == pytest.approx(12 * 1.5**2)


def test_the_integrand_is_asked_as_often_as_without() -> None:
    asked = []

    def integral(p: object) -> object:
        return integrate.quad(lambda t: asked.append(t) or np.exp(p * t), 0, 1)[0]

    integral(1.0)
    plain = len(asked)
    gm.grad(integral)(1.0)
    assert len(asked) == 2 * plain


def test_all_that_quad_gives() -> None:
    p = 0.7
    plain = integrate.quad(lambda t: np.exp(p * t), 0, 1, full_output=1)

    def f(p: object) -> object:
        y, error, info = integrate.quad(lambda t: np.exp(p * t), 0, 1, full_output=1)
        assert error == plain[1] and info["neval"] == plain[2]["neval"]
        return y

    assert gm.grad(f)(p) == pytest.approx((np.exp(p) * (p - 1) + 1) / p**2)
    with pytest.warns(integrate.IntegrationWarning):
        gm.grad(lambda p: integrate.quad(lambda t: p * np.sin(1 / t), 0.001, 1, limit=2)[0])(1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: integrate.quad(lambda t: p * t, 0, 1, weight="cos", wvar=2.0)[0],
        lambda p: integrate.quad(lambda t: p * t, 0, 1, points=[0.5])[0],
        lambda p: integrate.quad(lambda t: p / np.sqrt(t), 0, 1)[0],
    ],
)
def test_what_is_not_followed_says_so(call: object) -> None:
    with pytest.raises(errors.ArgumentError, match=r"scipy\.integrate\.quad has no derivative .*gm\.numeric"):
        gm.grad(call)(1.5)
