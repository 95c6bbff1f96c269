"""Distributions of scipy.stats: values bit for bit, derivatives by x and every parameter against differences."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gradmagic as gm
from tests.draws import draws

stats = pytest.importorskip("scipy.stats")

from gradmagic import errors  # noqa: E402
from gradmagic.engine.derivatives.scipy import stats as table  # noqa: E402

SHAPES = {
    "t": (4.3,), "gamma": (2.4,), "invgamma": (2.7,), "chi2": (3.4,), "beta": (2.3, 3.1), "f": (4.2, 6.5),
    "lognorm": (0.7,), "weibull_min": (1.8,), "pareto": (2.6,), "poisson": (3.4,), "bernoulli": (0.3,),
    "binom": (7, 0.35), "geom": (0.3,), "nbinom": (4.5, 0.4),
}  # fmt: skip
CLOSED = {"t", "gamma", "invgamma", "chi2", "beta", "f"}  # whose cdf has no derivative by a shape
LINES = {line.name: line for line in table._DENSITIES.values()}
METHODS = "pdf logpdf cdf logcdf sf logsf ppf isf".split()
COUNTS = "pmf logpmf cdf logcdf sf logsf".split()


def points(name: str, method: str) -> np.ndarray:
    """Points inside the support, at location 0.2 and scale 1.5."""
    p = np.array([0.12, 0.88])
    dist = getattr(stats, name)
    if method in ("ppf", "isf"):
        return p
    if LINES[name].score is None:
        return dist.ppf(p, *SHAPES[name])
    return dist.ppf(p, *SHAPES.get(name, ()), loc=0.2, scale=1.5)


CASES = [
    (name, method)
    for name, line in LINES.items()
    for method in (METHODS if line.score is not None else COUNTS)
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_by_x_and_every_parameter(name: str, method: str) -> None:
    dist, shapes, continuous = getattr(stats, name), SHAPES.get(name, ()), LINES[name].score is not None
    x = points(name, method)
    fixed = (method not in ("pdf", "logpdf", "pmf", "logpmf") and name in CLOSED) * len(shapes)
    if name in ("binom",) or (name == "nbinom" and method not in ("pmf", "logpmf")):
        fixed = 1  # the number of trials
    if continuous:
        args = (x, *shapes, 0.2, 1.5)
        free = [0, *range(1 + fixed, len(args))]
    else:
        args, free = (x, *shapes), list(range(1 + fixed, 1 + len(shapes)))

    def of(*values: object) -> object:
        given = list(args)
        for i, v in zip(free, values, strict=True):
            given[i] = v
        return dist_method(dist, method, *given)

    gm.check_grads(of, tuple(args[i] for i in free), order=2)
    got: list[object] = []

    def seen(*values: object) -> object:
        got.append(of(*values))
        return np.sum(got[-1])

    gm.grad(seen)(*(args[i] for i in free))
    np.testing.assert_array_equal(got[0].array, of(*(args[i] for i in free)))


def dist_method(dist: object, method: str, *args: object) -> object:
    """Call a method by name: what follows it is asked of the object."""
    return {
        "pdf": lambda: dist.pdf(*args), "logpdf": lambda: dist.logpdf(*args), "cdf": lambda: dist.cdf(*args),
        "logcdf": lambda: dist.logcdf(*args), "sf": lambda: dist.sf(*args), "logsf": lambda: dist.logsf(*args),
        "ppf": lambda: dist.ppf(*args), "isf": lambda: dist.isf(*args), "pmf": lambda: dist.pmf(*args),
        "logpmf": lambda: dist.logpmf(*args),
    }[method]()  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=draws(20), deadline=None)
@given(st.sampled_from(sorted(LINES)), st.integers(0, 10**6), st.sampled_from([(), (3,), (2, 1), (2, 3)]))
def test_drawn_parameters_and_shapes(name: str, seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    dist, continuous = getattr(stats, name), LINES[name].score is not None
    probability = {"bernoulli", "binom", "geom", "nbinom"}
    shapes = [
        rng.uniform(0.1, 0.9, shape) if key == "p" and name in probability
        else rng.integers(3, 9, shape).astype(float) if key == "n" and name == "binom"
        else np.exp(rng.uniform(-0.7, 2.0, shape))
        for key in (dist.shapes or "").split(", ") if key
    ]  # fmt: skip
    loc, scale = rng.normal(size=(2, 1)), np.exp(rng.uniform(-1, 1, 3))
    where = {"loc": loc, "scale": scale} if continuous else {}
    x = dist.ppf(rng.uniform(0.05, 0.95, (2, 3)), *shapes, **where)
    if continuous:
        gm.check_grads(lambda x, l, s: dist.logpdf(x, *shapes, l, s), (x, loc, scale), order=1)
        gm.check_grads(lambda x, l, s: dist.cdf(x, *shapes, l, s), (x, loc, scale), order=1)
    free = [i for i, by in enumerate(LINES[name].by) if by is not None]
    for i in free:

        def of(value: object, i: int = i) -> object:
            drawn = [*shapes[:i], value, *shapes[i + 1 :]]
            return dist.logpdf(x, *drawn, **where) if continuous else dist.logpmf(x, *drawn)

        gm.check_grads(of, (shapes[i],), order=1)
        if LINES[name].cdf[i] is not None:
            gm.check_grads(
                lambda v, i=i: dist.sf(x, *shapes[:i], v, *shapes[i + 1 :], **where), (shapes[i],), order=1
            )


def test_parameters_broadcast_with_x_and_are_taken_by_name() -> None:
    x, loc, scale = np.linspace(-1, 2, 4)[:, None], np.array([0.1, 0.5, -0.3]), np.array([1.0, 0.7, 2.0])
    gm.check_grads(lambda x, m, s: stats.norm.logpdf(x, scale=s, loc=m), (x, loc, scale), order=2)
    gm.check_grads(lambda a, s: stats.gamma.logpdf(np.abs(x) + 0.1, a=a, scale=s), (loc + 2, scale), order=1)


def test_frozen_distributions_hold_what_they_were_made_of() -> None:
    x = np.array([0.3, 1.2, -0.5])
    for make in (
        lambda m, s: stats.norm(m, s),
        lambda m, s: stats.norm(loc=m, scale=s),
        lambda m, s: stats.norm.freeze(m, scale=s),
    ):
        frozen = gm.grad(lambda m, s, make=make: np.sum(make(m, s).logpdf(x)), (0, 1))(0.1, 2.0)
        assert frozen == gm.grad(lambda m, s: np.sum(stats.norm.logpdf(x, m, s)), (0, 1))(0.1, 2.0)
    plain = stats.t(4, 0.1, 2.0)
    np.testing.assert_array_equal(
        gm.grad(lambda x: np.sum(plain.logcdf(x)))(x),
        gm.grad(lambda x: np.sum(stats.t.logcdf(x, 4, 0.1, 2.0)))(x),
    )
    assert gm.grad(lambda mu: stats.poisson(mu).logpmf(3))(2.0) == 0.5


@pytest.mark.parametrize("method", ["logpdf", "pdf"])
def test_normal_in_several_dimensions(method: str) -> None:
    def call(x: object, mean: object, cov: object) -> object:
        cov = (cov + np.swapaxes(cov, 0, 1)) / 2 if np.ndim(cov) == 2 else cov
        dist = stats.multivariate_normal
        return dist.logpdf(x, mean, cov) if method == "logpdf" else dist.pdf(x, mean=mean, cov=cov)

    x, mean = np.array([[0.2, 0.1], [1.0, -0.4], [0.0, 0.3]]), np.array([0.1, 0.4])
    for cov in (np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([2.0, 0.7]), 1.3):
        gm.check_grads(call, (x, mean, cov), order=2)
        gm.check_grads(call, (x[0], mean, cov), order=1)
    gm.check_grads(
        lambda x, v: stats.multivariate_normal(0.3, v).logpdf(x), (np.array([0.2, 1.0, 3.0]), 1.7), order=1
    )
    cov = np.array([[2.0, 0.3], [0.3, 1.0]])
    frozen = gm.grad(lambda m: np.sum(dist_method(stats.multivariate_normal(m, cov=cov), method, x)))(mean)
    np.testing.assert_allclose(frozen, gm.grad(lambda m: np.sum(call(x, m, cov)))(mean))


def test_dirichlet() -> None:
    alpha = np.array([1.5, 2.5, 3.0])
    gm.check_grads(lambda x, a: stats.dirichlet.logpdf(x, a), (np.array([0.2, 0.5]), alpha), order=2)
    gm.check_grads(lambda a: stats.dirichlet(a).pdf([0.2, 0.5, 0.3]), (alpha,), order=1)


@pytest.mark.filterwarnings("ignore")
def test_outside_of_the_support_and_at_its_ends() -> None:
    outside = {"gamma": -1.0, "beta": 1.5, "expon": -0.1, "uniform": 2.0, "lognorm": -2.0, "pareto": 0.5}
    for name, x in outside.items():
        dist, shapes = getattr(stats, name), SHAPES.get(name, ())
        for method in ("pdf", "logpdf", "cdf", "logcdf"):
            found = gm.grad(lambda *a, d=dist, m=method: dist_method(d, m, *a), 0)(x, *shapes)
            assert found == 0.0, (name, method)
    assert gm.grad(lambda x: stats.expon.pdf(x))(0.0) == -1.0  # one-sided, from within
    assert gm.grad(lambda x: stats.gamma.logpdf(x, 1.0))(0.0) == -1.0
    assert gm.grad(lambda x: stats.uniform.logpdf(x))(1.0) == 0.0
    assert gm.grad(lambda p: stats.binom.pmf(3, 3, p))(1.0) == 3.0
    assert gm.grad(lambda p: stats.bernoulli.logsf(1, p))(0.3) == 0.0
    assert np.isnan(gm.grad(lambda s: stats.norm.logpdf(0.3, 0.0, s))(-1.0))  # no scale
    assert np.isnan(gm.grad(lambda a: stats.gamma.logpdf(0.3, a))(-1.0))
    assert gm.grad(lambda p: stats.norm.ppf(p))(0.0) == np.inf


def test_tails_are_right() -> None:
    assert gm.grad(lambda x: stats.norm.logcdf(x))(-40.0) == pytest.approx(40.024968847207266, rel=1e-12)
    assert gm.grad(lambda x: stats.norm.logsf(x))(40.0) == pytest.approx(-40.024968847207266, rel=1e-12)
    assert gm.grad(lambda x: stats.t.logpdf(x, 3.0))(1e200) == pytest.approx(-4e-200, rel=1e-12)
    assert gm.grad(lambda x: stats.norm.logpdf(x))(1e200) == -1e200


def test_counts_move_in_steps() -> None:
    assert gm.grad(lambda k: stats.poisson.logpmf(k, 2.0))(3.0) == 0.0
    assert gm.grad(lambda mu: stats.poisson.pmf(2.5, mu))(3.0) == 0.0  # no count


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda a: stats.gamma.cdf(0.2, a), r"scipy.stats.gamma.cdf has no derivative in gradmagic \(by a"),
        (lambda a: stats.skewnorm.logpdf(0.2, a), "scipy.stats.skewnorm.logpdf has no derivative"),
        (lambda a: stats.norm(a).mean(), "mean has no derivative"),
        (lambda a: stats.multivariate_normal.logpdf([0.1], [a], [[1.0]], True), "has no derivative"),
    ],
)
def test_what_has_none_says_so_and_names_numeric(call: object, text: str) -> None:
    with pytest.raises(errors.ArgumentError, match=f"{text}.*gm.numeric"):
        gm.grad(call)(1.0)


def test_scipy_itself_says_what_is_missing() -> None:
    with pytest.raises(TypeError):
        gm.grad(lambda x: stats.gamma.logpdf(x))(1.0)
    with pytest.raises(TypeError):
        gm.grad(lambda x: stats.norm.logpdf(x, scales=2))(1.0)


def test_formulas_are_readable() -> None:
    rule = table.RULES[table._FUNCTIONS[type(stats.norm), "cdf"]]
    assert rule.formula(0) == ("norm.pdf(x, loc, scale)", ("y", "x", "loc", "scale"))
