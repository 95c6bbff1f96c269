"""The Kullback-Leibler divergence between two distributions: a row for each pair that has a formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..language import tr
from ..linalg import solve_triangular
from ..nn.functional import softplus
from ..special import digamma
from ..special import gammaln as lgamma
from .continuous import Exponential, HalfNormal, Laplace, LogNormal, Normal, Uniform
from .discrete import Bernoulli, Categorical, Geometric, OneHotCategorical, Poisson
from .distribution import Distribution, Independent
from .gammas import Beta, Dirichlet, Gamma
from .vectors import MultivariateNormal


def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


def _half_normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio - 1 - ratio.log())


def _bernoulli(p: Any, q: Any) -> Any:
    made: Any = 0
    for a, b, sign in ((p.probs, q.probs, -1), (1 - p.probs, 1 - q.probs, 1)):
        part = a * (softplus(sign * q.logits) - softplus(sign * p.logits))
        made = made + np.where(a.array == 0, 0.0, np.where(b.array == 0, math.inf, part))  # type: ignore[call-overload]
    return made


def _categorical(p: Any, q: Any) -> Any:
    terms = p.probs * (p.logits - q.logits)
    zero, impossible = p.probs.array == 0, q.probs.array == 0
    return np.where(zero, 0.0, np.where(impossible, math.inf, terms)).sum(-1)  # type: ignore[call-overload]


def _uniform(p: Any, q: Any) -> Any:
    made = ((q.high - q.low) / (p.high - p.low)).log()
    return np.where((q.low > p.low).array | (q.high < p.high).array, math.inf, made)  # type: ignore[call-overload]


def _laplace(p: Any, q: Any) -> Any:
    ratio, far = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + far / q.scale + ratio * (-far / p.scale).exp() - 1


def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    first = b * (p.rate / q.rate).log() + lgamma(b) - lgamma(a)
    return first + (a - b) * digamma(a) + (q.rate - p.rate) * (a / p.rate)


def _beta(p: Any, q: Any) -> Any:
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    first = lgamma(c) + lgamma(d) + lgamma(a + b) - lgamma(c + d) - lgamma(a) - lgamma(b)
    return first + (a - c) * digamma(a) + (b - d) * digamma(b) + (c + d - a - b) * digamma(a + b)


def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    first = lgamma(total) - lgamma(b.sum(-1)) - (lgamma(a) - lgamma(b)).sum(-1)
    return first + ((a - b) * (digamma(a) - digamma(total).unsqueeze(-1))).sum(-1)


def _vectors(p: Any, q: Any) -> Any:
    logs = [d.scale_tril.diagonal(0, -2, -1).log().sum(-1) for d in (p, q)]
    ratio = solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    far = solve_triangular(q.scale_tril, (p.loc - q.loc).unsqueeze(-1), upper=False).squeeze(-1)
    spread = (ratio**2).sum((-2, -1)) + (far**2).sum(-1)
    return logs[1] - logs[0] + 0.5 * (spread - p.event_shape[0])


def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(tr("the two Independent distributions sum over other numbers of dims."))
    return p._summed(kl_divergence(p.base_dist, q.base_dist))


_RULES: dict[tuple[type, type], Callable[[Any, Any], Any]] = {
    (Normal, Normal): _normal, (LogNormal, LogNormal): _normal, (HalfNormal, HalfNormal): _half_normal,
    (Bernoulli, Bernoulli): _bernoulli, (Categorical, Categorical): _categorical, (Beta, Beta): _beta,
    (OneHotCategorical, OneHotCategorical): lambda p, q: _categorical(p._categorical, q._categorical),
    (Uniform, Uniform): _uniform, (Laplace, Laplace): _laplace, (Gamma, Gamma): _gamma,
    (Dirichlet, Dirichlet): _dirichlet, (MultivariateNormal, MultivariateNormal): _vectors,
    (Independent, Independent): _independent,
    (Exponential, Exponential): lambda p, q: q.rate / p.rate - (q.rate / p.rate).log() - 1,
    (Poisson, Poisson): lambda p, q: p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate),
    (Geometric, Geometric): lambda p, q: -p.entropy() - (-q.probs).log1p() / p.probs - q.logits,
}  # fmt: skip


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Declare the divergence between two kinds of distributions: a decorator."""

    def declare(f: Any) -> Any:
        _RULES[type_p, type_q] = f
        return f

    return declare


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """Give the divergence of q from p: the mean under p of log p - log q.

    Raises
    ------
    NotImplementedError
        If there is no formula for the two kinds.

    Examples
    --------
    >>> import gradmagic as gm
    >>> d = gm.distributions
    >>> d.kl_divergence(d.Normal(0.0, 1.0), d.Normal(1.0, 1.0))
    tensor(0.5000)
    """
    for a in type(p).__mro__:
        for b in type(q).__mro__:
            if (a, b) in _RULES:
                return _RULES[a, b](p, q)
    raise NotImplementedError(tr(
        "No KL(p || q) is implemented for p type {p} and q type {q}: average p.log_prob(x) - q.log_prob(x) "
        "over draws x of p, or declare a formula by register_kl.", p=type(p).__name__, q=type(q).__name__,
    ))  # fmt: skip
