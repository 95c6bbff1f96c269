"""Continuous distributions whose draws have a gradient: `Normal`, `Uniform`, `Laplace` and others.

Draws are PyTorch's numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..functions import empty, full, normal, rand, zeros
from . import constraints as to_be
from .distribution import Distribution, broadcast

_EULER = 0.57721566490153286060


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
