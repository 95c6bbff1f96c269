"""Distributions whose draws have no gradient here: `Gamma` and its kin (`Beta`, `Dirichlet`, `StudentT`).

Draws are PyTorch's numbers, taken one at a time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch import draws
from ..engine.faces.torch.tensor import Tensor
from ..functions import as_tensor
from ..special import digamma
from ..special import gammaln as lgamma
from . import constraints as to_be
from .distribution import Distribution, broadcast


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
