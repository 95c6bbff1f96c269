"""Derivatives of scipy.stats: densities, distribution functions and quantiles, by x and by all parameters.

One line for each distribution: the score d log p(y) / dy of the standardised y = (x - loc) / scale, d log p / d shape
for each shape, and d cdf / d shape, where it has a closed form. All methods follow from these (`_Method`); of a
discrete distribution there is no score: by k and loc it moves in steps, whose derivative is 0. Outside of the support
every derivative is 0, as that of a constant. Values are SciPy's own. Loaded where scipy.stats is.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from scipy.special import digamma, gammaln, xlogy

from ....language import mark
from ...dispatch.calls import primitive
from ...rules.declare import RULES
from ...rules.rule import SAME, ZERO
from ...tape.tracked import raw, raws, tracked_in
from ..objects import Made, as_array, follows_methods
from ..ordered import Ordered, no_derivative
from .special_partials import beta_density, binomial_density, normal_density, ratio

Formula = Callable[..., Any]


class Density(NamedTuple):
    """A line of the table: functions of the standardised y and the shapes."""

    name: str
    dist: Any
    score: Formula | None  # None: discrete
    by: tuple[Formula | None, ...]
    cdf: tuple[Formula | None, ...]
    last: Formula | None  # the greatest k, where a shape says so


_DENSITIES: dict[type, Density] = {}  # by the class of the distribution
_FUNCTIONS: dict[tuple[type, str], Any] = {}  # class, method -> a function of (x, *shapes, loc, scale) with a rule


def density(name: str, score: Formula | None, *by: Formula | None, cdf: Any = (), last: Formula | None = None) -> None:
    """Declare a distribution of scipy.stats by its name there."""
    dist = getattr(stats, name)
    cdf = cdf or (None,) * len(by)
    _DENSITIES[type(dist)] = Density(name, dist, score, by, cdf if isinstance(cdf, tuple) else (cdf,), last)


def _gammas(a: Any, b: Any) -> Any:
    return digamma(a) - digamma(b)


def _t_score(y: Any, df: Any) -> Any:
    r = np.hypot(np.sqrt(df), y)
    return -(df + 1) * (y / r / r)


def _t_df(y: Any, df: Any) -> Any:
    q = y * y / df
    return (_gammas((df + 1) / 2, df / 2) - np.log1p(q) + ((df + 1) * q / (1 + q) - 1) / df) / 2


def _f_n(y: Any, n: Any, m: Any) -> Any:
    s = m + n * y
    return (1 + np.log(n * y / s) - (n + m) * y / s + _gammas((n + m) / 2, n / 2)) / 2


def _f_m(y: Any, n: Any, m: Any) -> Any:
    s = m + n * y
    return (1 + np.log(m / s) - (n + m) / s + _gammas((n + m) / 2, m / 2)) / 2


# ---- of shape one: by y ------------------------------------------------------------------------------------------
density("norm",        lambda y: -y)
density("uniform",     lambda y: 0 * y)
density("expon",       lambda y: 0 * y - 1)
density("laplace",     lambda y: -np.sign(y))
density("logistic",    lambda y: -np.tanh(y / 2))
density("cauchy",      lambda y: -2 * y / (1 + y * y))
density("halfnorm",    lambda y: -y)
density("halfcauchy",  lambda y: -2 * y / (1 + y * y))
density("rayleigh",    lambda y: 1 / y - y)
density("gumbel_r",    lambda y: np.exp(-y) - 1)
density("gumbel_l",    lambda y: 1 - np.exp(y))

# ---- with shapes: by y; by each shape; the cdf by each shape -----------------------------------------------------
density("t",           _t_score,                                        _t_df)
density("gamma",       lambda y, a: ratio(a - 1, y) - 1,                lambda y, a: np.log(y) - digamma(a))
density("invgamma",    lambda y, a: (1 / y - a - 1) / y,                lambda y, a: -np.log(y) - digamma(a))
density("chi2",        lambda y, k: (ratio(k - 2, y) - 1) / 2, lambda y, k: (np.log(y / 2) - digamma(k / 2)) / 2)
density("beta",        lambda y, a, b: ratio(a - 1, y) - ratio(b - 1, 1 - y),
                       lambda y, a, b: np.log(y) - _gammas(a, a + b),
                       lambda y, a, b: np.log1p(-y) - _gammas(b, a + b))
density("f",           lambda y, n, m: ratio(n / 2 - 1, y) - (n + m) / 2 * n / (m + n * y), _f_n, _f_m)
density("lognorm",     lambda y, s: -(1 + np.log(y) / (s * s)) / y,     lambda y, s: (np.log(y) ** 2 / (s * s) - 1) / s,
                       cdf=lambda y, s: -normal_density(np.log(y) / s) * np.log(y) / (s * s))
density("weibull_min", lambda y, c: ratio(c - 1, y) - c * y ** (c - 1), lambda y, c: 1 / c + np.log(y) - xlogy(y**c, y),
                       cdf=lambda y, c: np.exp(-(y**c)) * xlogy(y**c, y))
density("pareto",      lambda y, b: -(b + 1) / y,                       lambda y, b: 1 / b - np.log(y),
                       cdf=lambda y, b: y**-b * np.log(y))

# ---- of counts: by each shape; the cdf by each shape, at whole numbers -------------------------------------------
density("poisson",     None, lambda k, mu: ratio(k, mu) - 1,
                       cdf=lambda k, mu: -np.exp(xlogy(k, mu) - mu - gammaln(k + 1)))
density("bernoulli",   None, lambda k, p: ratio(k, p) - ratio(1 - k, 1 - p),
                       cdf=lambda k, p: -(1 - np.clip(k, 0, 1)),                              last=lambda p: 1)
density("binom",       None, None, lambda k, n, p: ratio(k, p) - ratio(n - k, 1 - p),
                       cdf=(None, lambda k, n, p: np.where(k < n, -binomial_density(np.minimum(k, n - 1), n, p), 0)),
                       last=lambda n, p: n)
density("geom",        None, lambda k, p: 1 / p - ratio(k - 1, 1 - p),  cdf=lambda k, p: k * (1 - p) ** (k - 1))
density("nbinom",      None, lambda k, n, p: _gammas(k + n, n) + np.log(p), lambda k, n, p: n / p - ratio(k, 1 - p),
                       cdf=(None, lambda k, n, p: beta_density(n, k + 1, p)))


# ---- from a line of the table to the rules of all methods --------------------------------------------------------
_METHODS = "pdf logpdf cdf logcdf sf logsf ppf isf".split()
_OF_COUNTS = "pmf logpmf cdf logcdf sf logsf".split()


class _OfDistribution(Ordered):
    """The rule of a method of a distribution."""

    texts: tuple[str, ...]
    names: tuple[str, ...]

    def formula(self, argument: int, of_complex: bool = False) -> tuple[str, tuple[str, ...]]:
        return self.texts[argument], self.names


def _inside(line: Density, y: Any, shapes: Any) -> tuple[Any, Any]:
    """Tell where y lies in the support; give y there, and a point of the support elsewhere."""
    low, high = line.dist.a, line.dist.b
    if line.last is not None:
        high = line.last(*shapes)
    y_ = raw(y)
    inside = (y_ >= low) & (y_ <= raw(high))
    if line.score is None:
        return inside, np.where(inside, y, low)
    middle = 0.0 if np.isinf(low) else low + 1.0 if np.isinf(high) else (low + high) / 2
    return inside, np.where(inside, y, middle)


def _where(inside: Any, out: Any, slope: Any) -> Any:
    """Give 0 outside of the support, and NaN where the value is NaN: of parameters that are none."""
    return np.where(np.isnan(raw(out)), np.nan, np.where(inside, slope, 0.0))


class _Method:
    """The partials of one method of a distribution, each a function of (out, x, *shapes, loc, scale).

    p and F are the density and the distribution function of y: the methods are p / scale, F, 1 - F, their logarithms,
    and what solves F(y) = q.
    """

    def __init__(self, line: Density, name: str) -> None:
        self.line, self.name, self.kind, self.number = line, name, type(line.dist), len(line.by)
        self.continuous = line.score is not None
        self.inverse, self.dense = name in ("ppf", "isf"), name in ("pdf", "logpdf", "pmf", "logpmf")
        self.sign = -1 if name in ("sf", "logsf", "isf") else 1

    def standard(self, out: Any, args: Any) -> tuple[Any, Any, Any, Any]:
        """Give y, the shapes, the scale, and where y lies in the support."""
        shapes, loc = args[1 : self.number + 1], args[self.number + 1]
        scale = args[self.number + 2] if self.continuous else 1
        y = ((out if self.inverse else args[0]) - loc) / scale
        if self.continuous:
            inside, y = _inside(self.line, y, shapes)
        else:
            whole = raw(y) == np.floor(raw(y))
            inside, y = _inside(self.line, np.floor(y), shapes)
            inside = inside & whole if self.dense else inside
        return y, shapes, scale, inside

    def of_density(self, out: Any, slope: Any) -> Any:
        """From d log p."""
        return slope if self.name.startswith("log") else out * slope

    def along(self, out: Any, args: Any) -> Any:
        """Give d method / dx of a cumulative one: the density; of its logarithm, the density over it."""
        if self.name.startswith("log"):  # right in the tails, where both are 0
            return self.sign * np.exp(_FUNCTIONS[self.kind, "logpdf"](*args) - out)
        return self.sign * _FUNCTIONS[self.kind, "pdf"](*args)

    def by_x(self, out: Any, *args: Any) -> Any:
        if self.inverse:
            return self.sign / _FUNCTIONS[self.kind, "pdf"](out, *args[1:])
        y, shapes, scale, inside = self.standard(out, args)
        if self.dense:
            return _where(inside, out, self.of_density(out, self.line.score(y, *shapes) / scale))  # type: ignore[misc]
        return _where(inside, out, self.along(out, args))

    def by_loc(self, out: Any, *args: Any) -> Any:
        return -self.by_x(out, *args)

    def by_scale(self, out: Any, *args: Any) -> Any:
        if self.inverse:
            return (out - args[-2]) / args[-1]
        y, shapes, scale, inside = self.standard(out, args)
        if self.dense:
            slope = -(1 + y * self.line.score(y, *shapes)) / scale  # type: ignore[misc]
            return _where(inside, out, self.of_density(out, slope))
        return _where(inside, out, -y * self.along(out, args))

    def by_shape(self, formula: Formula | None) -> Any:
        if formula is None:
            return None

        def partial(out: Any, *args: Any) -> Any:
            y, shapes, _, inside = self.standard(out, args)
            slope = formula(y, *shapes)
            if self.dense:
                return _where(inside, out, self.of_density(out, slope))
            if self.inverse:
                return _where(inside, out, -slope / _FUNCTIONS[self.kind, "pdf"](out, *args[1:]))
            if self.name.startswith("log"):
                some = raw(slope) != 0  # where F is 0, so is its slope
                slope = np.where(some, slope * np.exp(-np.where(some, out, 0.0)), 0.0)
            return _where(inside, out, self.sign * slope)

        return partial

    def partials(self) -> tuple[Any, ...]:
        shapes = [self.by_shape(f) for f in (self.line.by if self.dense else self.line.cdf)]
        if not self.continuous:
            return (ZERO, *shapes, ZERO)
        return (self.by_x, *shapes, SAME if self.inverse else self.by_loc, self.by_scale)

    def texts(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Give the formula of each partial for the reader: the density, where it is that; else what is asked for."""
        texts = [f"d {self.line.name}.{self.name} / d {name}" for name in names[1:]]
        density = f"{self.line.name}.pdf(x, {', '.join(names[2:])})"
        sign = "-" if self.sign < 0 else ""
        if self.inverse:
            texts[0] = f"{sign}1 / {density.replace('(x', '(y')}"
            texts[-2:] = ["1", "(y - loc) / scale"]
        elif self.name in ("cdf", "sf"):
            texts[0] = f"{sign}{density}"
        return tuple(texts)


def _declare(line: Density) -> None:
    kind = type(line.dist)
    for name in _METHODS if line.score is not None else _OF_COUNTS:
        method = getattr(line.dist, name)

        def function(*args: Any, method: Any = method) -> Any:
            return method(*args)

        function.__name__ = function.__qualname__ = f"{line.name}.{name}"
        made = primitive(function)
        shapes = (line.dist.shapes or "").split(", ") if line.by else []
        rule = _OfDistribution(made, _Method(line, name).partials(), "LogProb", "scipy.stats")
        rule.names = ("y", "x", *shapes, "loc", *(["scale"] if line.score is not None else []))
        rule.texts = _Method(line, name).texts(rule.names)
        RULES[made] = rule
        _FUNCTIONS[kind, name] = made


for _line in _DENSITIES.values():
    _declare(_line)


# ---- the methods of SciPy's objects ------------------------------------------------------------------------------
_FIRST = ("x", "k", "q")


@follows_methods(stats.rv_continuous, *_METHODS, home="scipy.stats", exact=True)
@follows_methods(stats.rv_discrete, *_OF_COUNTS, home="scipy.stats", exact=True)
def method(name: str, self: Any, *args: Any, **kwds: Any) -> Any:
    function = _FUNCTIONS.get((type(self), name))
    if function is None:
        raise no_derivative(f"scipy.stats.{self.name}.{name}")
    continuous = _DENSITIES[type(self)].score is not None
    first = next((kwds.pop(k) for k in _FIRST if k in kwds), None) if not args else args[0]
    names = [*(self.shapes.split(", ") if self.shapes else ()), "loc", *(["scale"] if continuous else [])]
    given = dict(zip(names, args[1:], strict=False)) | kwds
    defaults = {"loc": 0, "scale": 1}
    missing = any(n not in given and n not in defaults for n in names)
    if first is None or len(args) > len(names) + 1 or set(kwds) - set(names) or missing:
        return getattr(self, name)(*raws(args), **raws(kwds))  # SciPy says what is missing
    values = [as_array(v) for v in (first, *(given.get(n, defaults.get(n)) for n in names))]
    rule = RULES[function]
    for i in rule.fixed:
        if any(a.node is not None and a.node.aval.tangent is a.node.aval.dtype for a in tracked_in(values[i])):
            why = mark("by {name}: it has no closed form")
            raise no_derivative(f"scipy.stats.{self.name}.{name}", why, name=names[i - 1])
    return function(*(raws(v) if i in rule.fixed else v for i, v in enumerate(values)))


@follows_methods(type(stats.norm).__mro__[-2], "__call__", "freeze", home="scipy.stats", exact=True)
def freeze(name: str, self: Any, *args: Any, **kwds: Any) -> Any:
    return Made(self.freeze(*raws(args), **raws(kwds)), dist=self, args=args, kwds=kwds)


@follows_methods(type(stats.norm()), *_METHODS, home="scipy.stats", exact=True)
@follows_methods(type(stats.poisson(1)), *_OF_COUNTS, home="scipy.stats", exact=True)
def of_frozen(name: str, self: Any, *args: Any, **kwds: Any) -> Any:
    return method(name, self.dist, *args, *self.args, **kwds, **self.kwds)


# ---- of several variables: composed of what has rules ------------------------------------------------------------


def _points(x: Any, dim: int) -> Any:
    """Give quantiles as rows."""
    if np.ndim(x) == 0:
        return np.reshape(x, (1, 1))
    return x if np.ndim(x) > 1 else np.reshape(x, (-1, 1) if dim == 1 else (1, -1))


def _normal(x: Any, mean: Any, cov: Any) -> Any:
    mean, cov, x = as_array(mean), as_array(cov), as_array(x)
    dim = max(np.size(mean) if mean is not None else 1, np.shape(cov)[0] if np.ndim(cov) else 1)
    mean = np.zeros(dim) if mean is None else np.reshape(mean, (-1,))
    cov = cov * np.eye(dim) if np.ndim(cov) < 2 else cov
    apart = _points(x, dim) - mean
    maha = np.sum(apart * np.linalg.solve(cov, apart[..., None])[..., 0], axis=-1)
    made = -(dim * np.log(2 * pi) + np.linalg.slogdet(cov)[1] + maha) / 2
    return np.squeeze(made)


_normal_gen, _dirichlet_gen = type(stats.multivariate_normal), type(stats.dirichlet)


@follows_methods(_normal_gen, "logpdf", "pdf", home="scipy.stats")
def of_normal(name: str, self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: Any = False) -> Any:
    if allow_singular or isinstance(cov, stats.Covariance):
        raise no_derivative(f"scipy.stats.multivariate_normal.{name}", mark("of a singular or factored covariance"))
    made = _normal(x, mean, cov)
    return np.exp(made) if name == "pdf" else made


def _dirichlet(x: Any, alpha: Any) -> Any:
    x, alpha = as_array(x), as_array(alpha)
    if np.shape(x)[0] + 1 == np.shape(alpha)[0]:
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    weight = np.reshape(alpha - 1, np.shape(alpha) + (1,) * (np.ndim(x) - 1))
    made = np.sum(xlogy(weight, x), axis=0) - (np.sum(gammaln(alpha)) - gammaln(np.sum(alpha)))
    return np.squeeze(made)


@follows_methods(_dirichlet_gen, "logpdf", "pdf", home="scipy.stats")
def of_dirichlet(name: str, self: Any, x: Any, alpha: Any) -> Any:
    made = _dirichlet(x, alpha)
    return np.exp(made) if name == "pdf" else made


@follows_methods(_normal_gen, "__call__", home="scipy.stats", exact=True)
def freeze_normal(name: str, self: Any, mean: Any = None, cov: Any = 1, allow_singular: Any = False, *rest: Any,
                  **options: Any) -> Any:  # fmt: skip
    frozen = self(raws(mean), raws(cov), allow_singular, *rest, **options)
    return Made(frozen, mean=mean, cov=cov, allow_singular=allow_singular)


@follows_methods(type(stats.multivariate_normal()), "logpdf", "pdf", home="scipy.stats")
def of_frozen_normal(name: str, self: Any, x: Any) -> Any:
    return of_normal(name, self, x, self.mean, self.cov, self.allow_singular)


@follows_methods(_dirichlet_gen, "__call__", home="scipy.stats", exact=True)
def freeze_dirichlet(name: str, self: Any, alpha: Any, *rest: Any, **options: Any) -> Any:
    return Made(self(raws(alpha), *rest, **options), alpha=alpha)


@follows_methods(type(stats.dirichlet([1, 1])), "logpdf", "pdf", home="scipy.stats")
def of_frozen_dirichlet(name: str, self: Any, x: Any) -> Any:
    return of_dirichlet(name, self, x, self.alpha)
