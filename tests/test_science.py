"""Code as scientists write it, never meant to be differentiated: its gradients in every mode, and in a cell."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.array import Array


def pendulum(start):
    """Runge and Kutta's method, step by step into an array."""
    start = np.asarray(start, float)
    steps, h = 12, 0.1
    path = np.empty((steps, 2))
    path[0] = start
    f = lambda y: np.array([y[1], -np.sin(y[0]) - 0.1 * y[1]])
    for i in range(steps - 1):
        y = path[i]
        k1 = f(y)
        k2 = f(y + h / 2 * k1)
        k3 = f(y + h / 2 * k2)
        k4 = f(y + h * k3)
        path[i + 1] = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(path[-1] ** 2)


def gaussian_process(theta):
    """The negative logarithm of the marginal likelihood (Rasmussen and Williams, algorithm 2.1)."""
    x = np.linspace(0, 1, 8)[:, None]
    y = np.sin(6 * x[:, 0])
    k = np.exp(theta[0]) * np.exp(-0.5 * (x - x.T) ** 2 / np.exp(theta[1])) + np.exp(theta[2]) * np.eye(8)
    lower = np.linalg.cholesky(k)
    a = np.linalg.solve(lower.T, np.linalg.solve(lower, y))
    return 0.5 * y @ a + np.log(np.diag(lower)).sum()


def kalman(p):
    """The likelihood of a Kalman filter for position and speed."""
    x, cov = np.zeros(2), np.eye(2)
    step, look = np.array([[1, p[0]], [0, 1]]), np.array([[1.0, 0.0]])
    total = 0.0
    for z in (1.0, 1.2, 0.9, 1.4):
        x = step @ x
        cov = step @ cov @ step.T + p[1] * np.eye(2)
        s = look @ cov @ look.T + p[2]
        gain = cov @ look.T / s
        residue = z - (look @ x)[0]
        x = x + gain[:, 0] * residue
        cov = (np.eye(2) - gain @ look) @ cov
        total += -0.5 * (np.log(s[0, 0]) + residue**2 / s[0, 0])
    return total


def spline(c):
    """The bending of a natural cubic spline: a matrix filled row by row."""
    n = len(c)
    a, b = np.zeros((n, n)), np.zeros(n)
    for i in range(1, n - 1):
        a[i, i - 1 : i + 2] = [1, 4, 1]
        b[i] = 6 * (c[i + 1] - 2 * c[i] + c[i - 1])
    a[0, 0] = a[-1, -1] = 1
    return np.sum(np.linalg.solve(a, b) ** 2)


def heat(u):
    """The heat equation in place, with a copy of the last step."""
    u = np.array(u, dtype=float)
    for _ in range(5):
        last = u.copy()
        u[1:-1] = last[1:-1] + 0.2 * (last[2:] - 2 * last[1:-1] + last[:-2])
    return (u**2).sum()


def option(p):
    """The price of an option by simulation, with a generator made inside."""
    z = np.random.default_rng(0).standard_normal(100)
    end = p[0] * np.exp((0.05 - p[1] ** 2 / 2) + p[1] * z)
    return np.maximum(end - 1, 0).mean()


def regression(p):
    x = np.linspace(0, 1, 9)
    y = np.polyval(p, x)
    c = np.linalg.lstsq(np.vander(x, 3), y**2, rcond=None)[0]
    return np.sum(c**2)


def spectrum(x):
    f = np.fft.rfft(x)
    return np.sum(np.abs(f) ** 2 * np.arange(f.size))


def order(x):
    return np.median(x) + np.percentile(x, 30) + np.sort(x)[::-1][0]


def collected(x):
    parts = []
    for i, v in enumerate(x):
        parts.append(v * i)
    return np.sum(np.array(parts) ** 2) + sum(parts) + max(parts)


PROGRAMS = {
    pendulum: [0.5, 0.1], gaussian_process: [0.0, -2.0, -3.0], kalman: [1.0, 0.1, 0.2],
    spline: [0.0, 1.0, 0.5, 2.0, 1.0], heat: [0.0, 1.0, 0.5, 2.0, 1.0], option: [1.0, 0.2], regression: [1.0, 2.0, 0.5],
    spectrum: [1.0, 2.0, 0.5, 0.3, 0.1], order: [1.0, 2.0, 0.5, 0.3, 0.1], collected: [1.0, 2.0, 0.5],
}  # fmt: skip

each = pytest.mark.parametrize(("f", "at"), PROGRAMS.items(), ids=lambda v: getattr(v, "__name__", ""))


@each
def test_every_mode_and_order_agrees_with_numbers(f, at):
    x = np.array(at)
    value, gradient = gm.value_and_grad(f)(x)
    assert value == pytest.approx(f(x), rel=1e-14) and type(gradient) is np.ndarray
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gm.check_grads(f, (x,))


@each
def test_its_report_is_that_of_its_gradient(f, at):
    x = np.array(at)
    report = gm.trace(f)(x)
    ((_, gradient),) = report.grads.items()
    np.testing.assert_allclose(gradient, gm.grad(f)(x), rtol=1e-12)
    assert report.value == pytest.approx(f(x), rel=1e-14)
    assert [n.text for n in report._trace.notes if n.kind not in ("dtype", "agrees")] == []
    assert "1 sweep" in report.to_text(width=120, color=False) and "</div>" in report.to_html()
    assert not isinstance(x, Array)


def test_newtons_method_until_it_is_there():
    def root(x):
        r, k = x[0], 0
        while abs(r * r - x[0]) > 1e-12 and k < 50:
            r, k = 0.5 * (r + x[0] / r), k + 1
        return r

    np.testing.assert_allclose(gm.grad(root)(np.array([2.0])), [0.5 / np.sqrt(2)], rtol=1e-12)


def test_scipys_minimisers_take_gradients_and_hessians_as_they_are():
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
    start = np.zeros(3)
    by_gradient = optimize.minimize(gm.value_and_grad(gaussian_process), start, jac=True, method="BFGS")
    by_hessian = optimize.minimize(
        gaussian_process,
        start,
        jac=gm.grad(gaussian_process),
        hess=gm.hessian(gaussian_process),
        method="trust-ncg",
    )
    assert by_gradient.fun == pytest.approx(by_hessian.fun, rel=1e-3)
