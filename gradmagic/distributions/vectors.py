"""Normal draws of vectors: `MultivariateNormal`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..functions import full, normal, zeros
from ..linalg import cholesky, solve_triangular
from . import constraints as to_be
from .distribution import Distribution


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
