"""scipy.integrate's rules over samples; what integrate and optimize solve is named, with gm.numeric."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as gm

integrate = pytest.importorskip("scipy.integrate")
optimize = pytest.importorskip("scipy.optimize")

from gradmagic import errors  # noqa: E402

from .helpers import checked  # noqa: E402

rng = np.random.default_rng(3)
xs, ys, YS = np.sort(rng.uniform(0, 5, 9)), rng.normal(size=9), rng.normal(size=(9, 2))


@pytest.mark.parametrize("n", [2, 3, 8, 9])
def test_rules_over_samples(n: int) -> None:
    y, x = rng.normal(size=(3, n)), np.sort(rng.uniform(0, 3, n))
    checked(lambda y, x: integrate.trapezoid(y, x=x), y, x, order=2)
    checked(lambda y, x: integrate.simpson(y, x=x), y, x, order=2)
    checked(lambda y, d: integrate.simpson(y, dx=d), y, 0.3)


def test_along_an_axis() -> None:
    wide = np.stack([xs, xs * 2], axis=1)
    checked(lambda y, x: integrate.trapezoid(y, x, axis=0), YS, wide)
    checked(lambda y, x: integrate.simpson(y, x=x, axis=0), YS, wide)
    checked(lambda y, x: integrate.cumulative_trapezoid(y, x, axis=0, initial=0), YS, xs)
    checked(lambda y, d: integrate.cumulative_trapezoid(y, dx=d), ys, 0.2)
    checked(lambda y, d: integrate.romb(y, d, axis=0), YS, 0.3)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: integrate.dblquad(lambda s, t: t * a, 0, 1, 0, 1)[0],
        lambda a: integrate.fixed_quad(lambda t: t * a, 0, 1)[0],
        lambda a: integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [1.0]).y[0, -1],
        lambda a: integrate.solve_ivp(lambda t, y: -y, (0, 1), [a]).y[0, -1],
        lambda a: optimize.minimize(lambda p: np.sum((p - a) ** 2), [0.0]).x[0],
        lambda a: optimize.root(lambda p: p - a, [0.0]).x[0],
        lambda a: optimize.brentq(lambda p: p**3 - a, 0.0, 2.0),
        lambda a: optimize.curve_fit(lambda t, p: p * t, xs, ys * a)[0][0],
    ],
)
def test_what_is_solved_or_searched_for_says_so(call: object) -> None:
    with pytest.raises(
        errors.ArgumentError, match=r"^scipy\.\w+\.\w+ has no derivative in gradmagic: .*gm\.numeric"
    ):
        gm.grad(call)(1.5)
    np.testing.assert_allclose(
        gm.grad(gm.numeric(call, step=1e-3))(1.5), slope(call, 1.5), rtol=1e-3, atol=1e-6
    )


def slope(call: object, a: float) -> float:
    return (call(a + 1e-3) - call(a - 1e-3)) / 2e-3


def test_what_is_solved_beside_the_gradient_is_no_matter() -> None:
    def f(a: object) -> object:
        start = optimize.minimize(lambda p: np.sum((p - 2.0) ** 2), [0.0]).x
        return a * np.round(start[0]) + integrate.quad(np.cos, 0, 1)[0]

    np.testing.assert_allclose(gm.grad(f)(1.0), 2.0)
