"""Continuous distributions: `Normal`, `Uniform`, `Beta`, `MultivariateNormal` and others.

Draws are PyTorch's numbers; those of the gamma distribution and its kin have no gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch import draws
from ..engine.faces.torch.tensor import Tensor
from ..functions import as_tensor, empty, full, normal, rand, zeros
from ..linalg import cholesky, solve_triangular
from ..special import digamma
from ..special import gammaln as lgamma
from . import constraints as to_be
from .distribution import Distribution, broadcast

_EULER = 0.57721566490153286060


def drawn_by(name: str, shape: Any, like: Any, *parameters: Any) -> Any:
    """Draw by one of PyTorch's algorithms, without a gradient."""
    kind = like.array.dtype
    given = [np.broadcast_to(arrays.to_host(p.array), shape).astype(kind, order="C") for p in parameters]
    return Tensor.wrap(arrays.from_host(_DRAWS[name](*given), like.array), None)


def _dirichlet(concentration: Any) -> Any:
    gammas = draws.standard_gamma(concentration.astype(np.float64))
    made = (gammas / gammas.sum(-1, keepdims=True)).astype(concentration.dtype)
    kind = made.dtype.type
    return np.clip(made, np.finfo(kind).tiny, np.nextafter(kind(1), kind(0)))


_DRAWS: dict[str, Any] = {
    "gamma": draws.standard_gamma, "dirichlet": _dirichlet,
    "beta": lambda a, b: _dirichlet(np.stack([a, b], -1))[..., 0],
    "standard_t": lambda df: draws.normal(df) / np.sqrt(draws.standard_gamma(df / 2) / (df.dtype.type(0.5) * df)),
    "binomial": draws.binomial, "poisson": draws.poisson,
}  # fmt: skip


class _Scaled(Distribution):
    """A place and a width: draws are loc + scale times draws of a standard one."""

    has_rsample = True
    support = to_be.real
    arg_constraints = {"loc": to_be.real, "scale": to_be.positive}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    def _standard(self, shape: Any) -> Any:
        raise NotImplementedError

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        return self.loc + self._standard(self._shape(sample_shape)) * self.scale

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.loc

    mode = mean

    def _scaled(self, value: Any) -> Any:
        return (self._value(value) - self.loc) / self.scale


class Normal(_Scaled):
    """The normal distribution with mean `loc` and standard deviation `scale`.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.distributions.Normal(0.0, 1.0).log_prob(gm.tensor(0.0))
    tensor(-0.9189)
    """

    def _standard(self, shape: Any) -> Any:
        return normal(zeros(shape, dtype=self.loc.dtype), full(shape, 1.0, dtype=self.loc.dtype)).to(
            self.loc.device
        )

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        shape = self._shape(sample_shape)
        return normal(self.loc.detach().expand(shape), self.scale.detach().expand(shape))

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        d = self._value(value) - self.loc
        return -(d**2) / (2 * self.scale**2) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def entropy(self) -> Any:
        """Give the entropy."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        return 0.5 * (1 + (self._scaled(value) / math.sqrt(2)).erf())

    def icdf(self, value: Any) -> Any:
        """Give the value whose `cdf` this is."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return self.scale**2

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return self.scale


class LogNormal(Normal):
    """The exponential of a normal draw."""

    support = to_be.positive

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        return super().rsample(sample_shape).exp()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        return super().sample(sample_shape).exp()

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        logs = self._value(value).log()
        return Normal(self.loc, self.scale).log_prob(logs) - logs

    def entropy(self) -> Any:
        """Give the entropy."""
        return super().entropy() + self.loc

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        return Normal(self.loc, self.scale).cdf(value.log())

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return (self.loc + self.scale**2 / 2).exp()

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        square = self.scale**2
        return square.expm1() * (2 * self.loc + square).exp()

    stddev = Distribution.stddev


class HalfNormal(Distribution):
    """The size of a normal draw with mean 0."""

    has_rsample = True
    support = to_be.nonnegative
    arg_constraints = {"scale": to_be.positive}

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast(scale)
        self._normal = Normal(0.0, self.scale, validate_args=False)
        super().__init__(self.scale.shape, (), validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        return self._normal.rsample(sample_shape).abs()

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        return self._normal.log_prob(self._value(value)) + math.log(2)

    def entropy(self) -> Any:
        """Give the entropy."""
        return self._normal.entropy() - math.log(2)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return self.scale**2 * (1 - 2 / math.pi)


class Laplace(_Scaled):
    """The distribution whose logarithm falls as |x - loc| / scale."""

    def _standard(self, shape: Any) -> Any:
        eps = float(np.finfo(self.loc.array.dtype).eps)
        u = empty(shape, dtype=self.loc.dtype).uniform_(eps - 1, 1).to(self.loc.device)
        return -u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        return -(2 * self.scale).log() - self._scaled(value).abs()

    def entropy(self) -> Any:
        """Give the entropy."""
        return 1 + (2 * self.scale).log()

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        d = self._scaled(value)
        return 0.5 - 0.5 * d.sign() * (-d.abs()).expm1()

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return 2 * self.scale**2


class Gumbel(_Scaled):
    """The distribution of the largest of many draws."""

    def _standard(self, shape: Any) -> Any:
        limits = np.finfo(self.loc.array.dtype)
        u = (
            empty(shape, dtype=self.loc.dtype)
            .uniform_(float(limits.tiny), float(1 - limits.eps))
            .to(self.loc.device)
        )
        return -(-u.log()).log()

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        y = -self._scaled(value)
        return (y - y.exp()) - self.scale.log()

    def entropy(self) -> Any:
        """Give the entropy."""
        return self.scale.log() + (1 + _EULER)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.loc + self.scale * _EULER

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return (math.pi / math.sqrt(6) * self.scale) ** 2


class Cauchy(_Scaled):
    """The distribution of a quotient of two normal draws; it has neither mean nor variance."""

    def _standard(self, shape: Any) -> Any:
        return empty(shape, dtype=self.loc.dtype).cauchy_().to(self.loc.device)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        return -math.log(math.pi) - self.scale.log() - (self._scaled(value) ** 2).log1p()

    def entropy(self) -> Any:
        """Give the entropy."""
        return math.log(4 * math.pi) + self.scale.log()

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        return self._scaled(value).atan() / math.pi + 0.5

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """NaN: there is none."""
        return self.loc * math.nan

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """Infinite."""
        return self.loc * 0 + math.inf


class Uniform(Distribution):
    """Even draws from `low` up to but not including `high`."""

    has_rsample = True
    arg_constraints = {"low": to_be.real, "high": to_be.real}

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast(low, high)
        self.arg_constraints = {
            "low": to_be.less_than(self.high.array),
            "high": to_be.greater_than(self.low.array),
        }
        super().__init__(self.low.shape, (), validate_args)

    @property
    def support(self) -> Any:  # type: ignore[override]
        """From `low` to `high`."""
        return to_be.interval(self.low.array, self.high.array)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        u = rand(self._shape(sample_shape), dtype=self.low.dtype).to(self.low.device)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        value = self._value(value)
        inside = ((self.low <= value) & (self.high > value)).type_as(self.low)
        with np.errstate(divide="ignore"):
            return inside.log() - (self.high - self.low).log()

    def entropy(self) -> Any:
        """Give the entropy."""
        return (self.high - self.low).log()

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Any) -> Any:
        """Give the value whose `cdf` this is."""
        return value * (self.high - self.low) + self.low

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return (self.high + self.low) / 2

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return (self.high - self.low) ** 2 / 12


class Exponential(Distribution):
    """Waiting times, `rate` of them in a unit of time."""

    has_rsample = True
    support = to_be.nonnegative
    arg_constraints = {"rate": to_be.positive}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, (), validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        return (
            empty(self._shape(sample_shape), dtype=self.rate.dtype).exponential_().to(self.rate.device)
            / self.rate
        )

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        return self.rate.log() - self.rate * self._value(value)

    def entropy(self) -> Any:
        """Give the entropy."""
        return 1 - self.rate.log()

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        return 1 - (-self.rate * value).exp()

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.rate.reciprocal()

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return self.rate**-2


class _Drawn(Distribution):
    """One whose draws have no gradient here."""

    def _draw(self, shape: Any) -> Any:
        raise NotImplementedError

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        return self._draw(self._shape(sample_shape))


class Gamma(_Drawn):
    """The gamma distribution; sums of `concentration` waiting times for a whole number."""

    support = to_be.nonnegative
    arg_constraints = {"concentration": to_be.positive, "rate": to_be.positive}

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast(concentration, rate)
        super().__init__(self.rate.shape, (), validate_args)

    def _draw(self, shape: Any) -> Any:
        return drawn_by("gamma", shape, self.rate, self.concentration) / self.rate.detach()

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        value, a = self._value(value), self.concentration
        return a * self.rate.log() + (a - 1) * value.log() - self.rate * value - lgamma(a)

    def entropy(self) -> Any:
        """Give the entropy."""
        a = self.concentration
        return a - self.rate.log() + lgamma(a) + (1 - a) * digamma(a)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.concentration / self.rate

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return self.concentration / self.rate**2


class Beta(_Drawn):
    """The beta distribution of probabilities."""

    support = to_be.unit_interval
    arg_constraints = {"concentration1": to_be.positive, "concentration0": to_be.positive}

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast(concentration1, concentration0)
        super().__init__(self.concentration1.shape, (), validate_args)

    def _draw(self, shape: Any) -> Any:
        return drawn_by("beta", shape, self.concentration1, self.concentration1, self.concentration0)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        value, (a, b) = self._value(value), (self.concentration1, self.concentration0)
        return (a - 1) * value.log() + (b - 1) * (1 - value).log() + lgamma(a + b) - lgamma(a) - lgamma(b)

    def entropy(self) -> Any:
        """Give the entropy."""
        a, b = self.concentration1, self.concentration0
        beta = lgamma(a) + lgamma(b) - lgamma(a + b)
        return beta - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total**2 * (total + 1))


class Dirichlet(_Drawn):
    """The Dirichlet distribution of vectors of probabilities."""

    support = to_be.simplex
    arg_constraints = {"concentration": to_be.positive}

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        self.concentration = as_tensor(concentration)
        super().__init__(self.concentration.shape[:-1], self.concentration.shape[-1:], validate_args)

    def _draw(self, shape: Any) -> Any:
        return drawn_by("dirichlet", shape, self.concentration, self.concentration)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        a = self.concentration
        return ((a - 1) * self._value(value).log()).sum(-1) + lgamma(a.sum(-1)) - lgamma(a).sum(-1)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))


class StudentT(_Drawn):
    """Student's t distribution with `df` degrees of freedom."""

    support = to_be.real
    arg_constraints = {"df": to_be.positive, "loc": to_be.real, "scale": to_be.positive}

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast(df, loc, scale)
        super().__init__(self.df.shape, (), validate_args)

    def _draw(self, shape: Any) -> Any:
        return self.loc.detach() + self.scale.detach() * drawn_by("standard_t", shape, self.df, self.df)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        y = (self._value(value) - self.loc) / self.scale
        half = 0.5 * self.df
        z = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + lgamma(half)
            - lgamma(half + 0.5)
        )
        return -(half + 0.5) * (y**2 / self.df).log1p() - z

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean; NaN where there is none."""
        return np.where(self.df.array > 1, self.loc, math.nan)  # type: ignore[call-overload]

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance; infinite or NaN where there is none."""
        df, above = self.df, self.df.array > 2
        safe = np.where(above, df, 3.0)  # type: ignore[call-overload]
        rest = np.where(df.array > 1, math.inf, math.nan)
        return np.where(above, self.scale**2 * safe / (safe - 2), rest)  # type: ignore[call-overload]


class MultivariateNormal(Distribution):
    """Normal draws of vectors, with a covariance: one of the matrix, its inverse, or its lower Cholesky factor."""

    has_rsample = True
    support = to_be.real_vector
    arg_constraints = {"loc": to_be.real_vector, "scale_tril": to_be.lower_cholesky}

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = {
            "covariance_matrix": covariance_matrix,
            "scale_tril": scale_tril,
            "precision_matrix": precision_matrix,
        }
        if sum(v is not None for v in given.values()) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        if precision_matrix is not None:
            covariance_matrix = precision_matrix.inverse()
        factor = cholesky(covariance_matrix) if scale_tril is None else scale_tril
        batch = np.broadcast_shapes(factor.shape[:-2], loc.shape[:-1])
        self.loc, self.scale_tril = (
            loc.expand((*batch, *loc.shape[-1:])),
            factor.expand((*batch, *factor.shape[-2:])),
        )
        super().__init__(batch, self.loc.shape[-1:], validate_args)

    @property
    def covariance_matrix(self) -> Any:
        """The matrix of the covariances."""
        return self.scale_tril @ self.scale_tril.transpose(-2, -1)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        shape = self._shape(sample_shape)
        eps = normal(zeros(shape, dtype=self.loc.dtype), full(shape, 1.0, dtype=self.loc.dtype)).to(
            self.loc.device
        )
        return self.loc + (self.scale_tril @ eps.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density."""
        d = self._value(value) - self.loc
        y = solve_triangular(self.scale_tril, d.unsqueeze(-1), upper=False)
        half = self.scale_tril.diagonal(0, -2, -1).log().sum(-1)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + (y.squeeze(-1) ** 2).sum(-1)) - half

    def entropy(self) -> Any:
        """Give the entropy."""
        half = self.scale_tril.diagonal(0, -2, -1).log().sum(-1)
        return 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + half

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.loc

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variances."""
        return (self.scale_tril**2).sum(-1)

    def __repr__(self) -> str:
        parts = f"loc: {self.loc.shape}, scale_tril: {self.scale_tril.shape}"
        return f"MultivariateNormal({parts})"
