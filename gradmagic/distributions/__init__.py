"""PyTorch's probability distributions: `Normal(0.0, 1.0).log_prob(x)`, `Categorical(logits=z).sample()`.

A reader starts at `distribution` (what all share), then `continuous`, `discrete`, `divergence`.
"""

from typing import Any

from ..missing import missing
from . import constraints
from .continuous import (
    Cauchy,
    Exponential,
    Gumbel,
    HalfNormal,
    Laplace,
    LogNormal,
    Normal,
    Uniform,
)
from .discrete import Bernoulli, Binomial, Categorical, Geometric, Multinomial, OneHotCategorical, Poisson
from .distribution import Distribution, Independent, MixtureSameFamily
from .divergence import kl_divergence, register_kl
from .gammas import Beta, Dirichlet, Gamma, StudentT
from .vectors import MultivariateNormal

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Dirichlet", "Distribution", "Exponential", "Gamma",
    "Geometric", "Gumbel", "HalfNormal", "Independent", "Laplace", "LogNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "Normal", "OneHotCategorical", "Poisson", "StudentT", "Uniform", "constraints",
    "kl_divergence", "register_kl",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing("distributions", name, __all__)
