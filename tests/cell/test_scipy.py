"""Cells that compute with SciPy: distributions, splines, filters; what is not followed is named in one sentence."""

import numpy as np
import pytest

pytest.importorskip("scipy")

SETUP = """
import numpy as np
from scipy import integrate, interpolate, ndimage, optimize, signal, stats
x = np.linspace(0.1, 2, 9) ** 1.1
y = np.sin(x)
a = 1.3
w = np.array([0.2, 0.5, 0.3])
im = np.arange(30.0).reshape(5, 6) ** 0.5
C = np.array([[2.0, 0.3], [0.3, 1.0]])
buf = np.zeros((5, 6))
plain = interpolate.CubicSpline(x, y)
"""

FOLLOWED = {
    "a density": ("z = stats.norm.logpdf(x, a, scale=w[1]).sum()", "x a w"),
    "frozen": ("d = stats.norm(a, w[0])\nz = d.logpdf(x).sum() + d.cdf(0.4)", "x a w"),
    "a held method": ("lp = stats.gamma(a, scale=w[1]).logpdf\nz = sum(lp(v) for v in x)", "x a w"),
    "in a function": ("def nll(p):\n    return -stats.t(4, p[0], np.exp(p[1])).logpdf(x).sum()\nz = nll(w)", "w"),
    "counts": ("z = stats.poisson(a).logpmf([1, 4]).sum() + stats.binom.logpmf(3, 7, w[0])", "a w"),
    "several dimensions": ("z = stats.multivariate_normal(w[:2], C).logpdf([[0.1, 0.2], [1.0, 0.0]]).sum()", "w"),
    "a spline": ("s = interpolate.CubicSpline(x, y)\nz = s(0.7) * s(a, 1) + s.integrate(0.2, a)", "x y a"),
    "a plain spline": ("z = plain(a) + plain.derivative()(a)", "a"),
    "a table": ("f = interpolate.interp1d(x, y, kind='cubic')\nz = f(a)", "y a"),
    "B-splines": ("z = interpolate.make_interp_spline(x, y)(a)", "y a"),
    "filters": ("z = (signal.convolve(x, w, 'same') * y).sum() + signal.lfilter(w, [1.0, 0.2], x)[-1]", "x w y"),
    "images": ("z = (ndimage.gaussian_filter(im, a) * im).sum() + ndimage.maximum_filter(im, 3)[0, 0]", "im a"),
    "an integral": ("z = integrate.quad(lambda t: np.sin(a * t) * w[1], w[0], a)[0]", "a w"),
    "of a density": ("z = integrate.quad(stats.norm(a, w[1]).pdf, 0, 2)[0]", "a w"),
    "samples": ("z = integrate.simpson(y, x=x) + integrate.trapezoid(y * y, x)", "x y"),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "names"), FOLLOWED.values(), ids=FOLLOWED)
def test_the_gradient_is_right_and_nothing_is_said(run, cell, names):
    run(SETUP)
    run(cell)
    z = run.names["z"]
    report = run(f"%%grad {names} --check\n{cell}")
    assert [(n.kind, n.text) for n in report._trace.notes if n.kind != "agrees"] == []
    assert [n.kind for n in report._trace.notes] == ["agrees"]
    assert run.names["z"] == z and type(run.names["z"]) is type(z)


NAMED = {
    "a double integral": "z = integrate.dblquad(lambda s, t: t * a, 0, 1, 0, 1)[0] + a",
    "near to singular": "z = integrate.quad(lambda t: a / np.sqrt(t), 0, 1)[0] + a",
    "an integral with weight": "z = integrate.quad(lambda t: a * t, 0, 1, weight='cos', wvar=2.0)[0] + a",
    "solve_ivp": "z = integrate.solve_ivp(lambda t, u: -a * u, (0, 1), [1.0]).y[0, -1] + a",
    "minimize": "z = optimize.minimize(lambda p: ((p - a)**2).sum(), [0.0]).x[0] + a",
    "root": "z = optimize.root(lambda p: p - a, [0.0]).x[0] + a",
    "a shape of a cdf": "z = stats.gamma.cdf(0.2, a) + a",
    "another distribution": "z = stats.skewnorm.logpdf(0.2, a) + a",
    "a moment": "z = stats.norm(a, 2.0).std() + a",
    "a density handed on": "z = optimize.minimize_scalar(stats.norm(a).pdf, bounds=(0, 1)).x + a",
    "roots of a spline": "s = interpolate.CubicSpline(x, y - 0.5 * a)\nz = s.roots()[0] + a",
    "its coefficients": "s = interpolate.CubicSpline(x, y * a)\nz = s.c[0, 0] + a",
    "an object that was changed": "m = np.array([a, a])\nd = stats.norm(m)\nm += 1\nz = d.logpdf(0.3).sum() + a",
    "output=": "ndimage.gaussian_filter(im * a, 1.0, output=buf)\nz = buf.sum() + a",
    "output by position": "ndimage.gaussian_filter(im * a, 1.0, 0, buf)\nz = buf.sum() + a",
    "ranks": "z = signal.medfilt(y * a, 3).sum() + a",
}


@pytest.mark.parametrize("cell", NAMED.values(), ids=NAMED)
def test_what_is_not_followed_is_named_once_with_numeric(run, cell):
    run(SETUP)
    report = run(f"%%grad a\n{cell}")
    cuts = [n.text for n in report._trace.notes if n.kind == "cut"]
    assert len(cuts) == 1 and cuts[0].count("gm.numeric") == 1


def test_what_does_not_reach_the_result_is_no_matter(run):
    run(SETUP)
    report = run("%%grad a\nprint(stats.norm(a).mean(), optimize.brentq(lambda t: t - a, 0, 2))\nz = a * a")
    assert report._trace.notes == ()


def test_the_users_objects_are_scipys(run):
    run(SETUP)
    run("%%grad y\ns = interpolate.CubicSpline(x, y)\nd = stats.norm(y[0])\nz = s(1.0) + d.pdf(0.1)")
    stats, interpolate = run.names["stats"], run.names["interpolate"]
    assert type(run.names["s"]) is interpolate.CubicSpline and type(run.names["d"]) is type(stats.norm())
    assert type(run.names["d"].args[0]) is np.float64
    assert isinstance(run.names["s"](0.3), np.ndarray)


def test_a_gradient_within_the_cell(run):
    run(SETUP)
    run(
        "def nll(p):\n    return -stats.norm(p[0], p[1]).logpdf(x).sum() + interpolate.CubicSpline(x, p[0] * y)(a)"
    )
    report = run("%%grad w\ng = gm.grad(nll)(w)\nz = (g * w).sum()")
    gm = run.names["gm"]
    expected = gm.grad(lambda w: np.sum(gm.grad(run.names["nll"])(w) * w))(run.names["w"])
    np.testing.assert_allclose(report.grads["w"], expected)
