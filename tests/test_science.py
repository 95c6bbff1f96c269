"""Code as scientists write it, never meant to be differentiated: its gradients in every mode, and in a cell."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from numpy import array, linspace

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array


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


def burgers(u):
    """Burgers' equation with periodic ends: a stencil in place, its first and last entry by hand."""
    u, dt, dx, nu = u.copy(), 0.01, 0.1, 0.07
    for _ in range(4):
        un = u.copy()
        u[1:-1] = un[1:-1] - un[1:-1] * dt / dx * (un[1:-1] - un[:-2]) + nu * dt / dx**2 * np.diff(un, 2)
        u[0] = un[0] - un[0] * dt / dx * (un[0] - un[-2])
        u[-1] = u[0]
    return np.mean(u**2)


def gravity(positions):
    """Bodies that attract each other: broadcasting, and a diagonal that is filled."""
    r, v, m = positions.reshape(3, 2), np.zeros((3, 2)), np.array([1.0, 2.0, 0.5])
    for _ in range(2):
        d = r[None] - r[:, None]
        squares = (d**2).sum(-1)
        np.fill_diagonal(squares, 1.0)
        inverse = squares**-1.5
        np.fill_diagonal(inverse, 0)
        v += 0.05 * (d * inverse[..., None] * m[None, :, None]).sum(1)
        r = r + 0.05 * v
    return 0.5 * np.sum(m * (v**2).sum(1))


def hidden_markov(w):
    """The forward algorithm, entry by entry, scaled as it goes."""
    a, b = np.exp(w[:4]).reshape(2, 2), np.exp(w[4:]).reshape(2, 2)
    a /= a.sum(1)[:, np.newaxis]
    b = b / b.sum(1, keepdims=True)
    seen = [0, 1, 1, 0]
    alpha, scale = np.zeros((4, 2)), np.zeros(4)
    alpha[0] = 0.5 * b[:, seen[0]]
    scale[0] = alpha[0].sum()
    alpha[0] /= scale[0]
    for t in range(1, 4):
        for k in range(2):
            alpha[t, k] = b[k, seen[t]] * np.sum(alpha[t - 1] * a[:, k])
        scale[t] = alpha[t].sum()
        alpha[t] /= scale[t]
    return np.log(scale).sum()


def clusters(centres):
    """Soft k-means: every point belongs a little to every centre."""
    points, c = np.random.RandomState(1).randn(12, 2), centres.reshape(2, 2)
    for _ in range(2):
        w = np.exp(-2 * ((points[:, None, :] - c[None, :, :]) ** 2).sum(-1))
        w /= w.sum(axis=1, keepdims=True)
        c = (w[:, :, None] * points[:, None, :]).sum(0) / w.sum(0)[:, None]
    return np.sum(c**2)


def tridiagonal(b):
    """Thomas' algorithm, in place in what were the coefficients."""
    n = len(b)
    a, c, d, b = -np.ones(n), -np.ones(n), np.arange(1.0, n + 1), b.copy()
    for i in range(1, n):
        w = a[i] / b[i - 1]
        b[i] -= w * c[i - 1]
        d[i] -= w * d[i - 1]
    x = d
    x[-1] = d[-1] / b[-1]
    for i in reversed(range(n - 1)):
        x[i] = (d[i] - c[i] * x[i + 1]) / b[i]
    return x.sum()


def gram_schmidt(x):
    v = x.reshape(2, 2)
    q = np.empty_like(v)
    for j in range(2):
        column = v[:, j].copy()
        for k in range(j):
            column -= (q[:, k] @ column) * q[:, k]
        q[:, j] = column / np.linalg.norm(column)
    return np.sum(q[0] * [1.0, 2.0]) + q[1, 0]


def soft_alignment(x):
    """Soft dynamic time warping: a table of prices, each from the three before it."""
    y = np.array([0.2, 0.9])
    r = np.full((len(x) + 1, len(y) + 1), np.inf)
    r[0, 0] = 0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            before = np.array([r[i - 1, j - 1], r[i - 1, j], r[i, j - 1]])
            before = before[np.isfinite(before)]
            r[i, j] = (x[i - 1] - y[j - 1]) ** 2 - 0.5 * np.log(np.sum(np.exp(-before / 0.5)))
    return r[-1, -1]


def volatility(p):
    """The likelihood of a GARCH(1, 1) model."""
    r = np.sin(np.arange(8) * 2.1)
    s2 = np.empty(8)
    s2[0] = np.var(r)
    for t in range(1, 8):
        s2[t] = p[0] + p[1] * r[t - 1] ** 2 + p[2] * s2[t - 1]
    return 0.5 * np.sum(np.log(2 * np.pi * s2) + r**2 / s2)


def kepler(p):
    """Newton's method on all anomalies at once, in place."""
    mean = np.linspace(0.1, 3, 5)
    e = mean.copy()
    for _ in range(8):
        e -= (e - p[0] * np.sin(e) - mean) / (1 - p[0] * np.cos(e))
    return (p[1] * (1 - p[0] * np.cos(e))).sum()


def thin_film(d):
    """The reflectance of two layers of glass: complex matrices in a loop."""
    m, n = np.eye(2, dtype=complex), [1.0, 1.38, 2.3, 1.52]
    for k in (1, 2):
        phase = 2 * np.pi * n[k] * d[k - 1] / 5.5
        s, c = np.sin(phase), np.cos(phase)
        m = m @ np.array([[c, 1j * s / n[k]], [1j * n[k] * s, c]])
    b, c = m @ np.array([1, n[3]])
    return abs((n[0] * b - c) / (n[0] * b + c)) ** 2


def attention(w):
    x = np.sin(np.arange(6.0)).reshape(3, 2)
    q, k, v = (x @ part for part in w.reshape(3, 2, 2))
    s = np.where(np.tril(np.ones((3, 3))) == 1, q @ k.T / np.sqrt(2), -1e9)
    s -= s.max(axis=-1, keepdims=True)
    a = np.exp(s)
    a /= a.sum(-1, keepdims=True)
    return ((a @ v) ** 2).sum()


@np.vectorize
def pressure(height, scale):
    """A function of numbers, by Python's math, made an array's by a decorator."""
    return math.exp(-height / scale) if height > 0 else 1.0 - math.tanh(height)


def barometer(p):
    return (pressure(linspace(-1, 3, 5) * p[0], p[1]) * array([1.0, p[0], 2.0, 3.0, p[1]])).sum()


PROGRAMS = {
    pendulum: [0.5, 0.1], gaussian_process: [0.0, -2.0, -3.0], kalman: [1.0, 0.1, 0.2],
    spline: [0.0, 1.0, 0.5, 2.0, 1.0], heat: [0.0, 1.0, 0.5, 2.0, 1.0], option: [1.0, 0.2], regression: [1.0, 2.0, 0.5],
    spectrum: [1.0, 2.0, 0.5, 0.3, 0.1], order: [1.0, 2.0, 0.5, 0.3, 0.1], collected: [1.0, 2.0, 0.5],
    burgers: [2.0, 2.6, 2.9, 2.2, 1.7], gravity: [0.0, 1.0, 0.5, 2.0, 1.2, -0.4], clusters: [0.1, 0.2, -0.5, 0.9],
    hidden_markov: [0.1, 0.9, -0.4, 0.3, 0.8, -0.7, 0.2, 0.5], tridiagonal: [2.5, 3.0, 2.7],
    gram_schmidt: [1.0, 0.4, -0.3, 0.8],
    soft_alignment: [0.1, 0.8, 0.3], volatility: [0.1, 0.3, 0.5], kepler: [0.3, 1.2], thin_film: [0.9, 0.6],
    attention: [0.1, 0.9, -0.4, 0.3, 0.8, -0.7, 0.2, 0.5, 0.6, -0.2, 1.1, 0.4], barometer: [0.7, 1.3],
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


@pytest.mark.slow
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
