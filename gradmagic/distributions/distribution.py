"""What all distributions share: shapes, checks of parameters and values, and what follows from others' methods.

In: parameters as numbers or tensors, which are broadcast. Out: draws, logarithms of densities, moments.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.dtypes import Size
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.modes import no_grad
from ..functions import as_tensor
from ..language import tr
from .constraints import Constraint


def broadcast(*values: Any) -> list[Any]:
    """Give numbers and tensors as tensors of one shape and dtype."""
    given = next((v for v in values if isinstance(v, Tensor)), None)
    made: list[Any] = [
        v if isinstance(v, Tensor) else as_tensor(v, dtype=given.dtype if given is not None else None)
        for v in values
    ]
    made = [t if t.array.dtype.kind in "fc" else t.float() for t in made]
    shape = np.broadcast_shapes(*(t.shape for t in made))
    return [t if tuple(t.shape) == shape else t.expand(shape) for t in made]


class Distribution:
    """A distribution for each entry of `batch_shape`, whose draws have the shape `event_shape`.

    Parameters
    ----------
    batch_shape, event_shape : Size
    validate_args : bool, optional
        Whether parameters and values are checked (they are).
    """

    arg_constraints: dict[str, Constraint]
    support: Any
    has_rsample = False
    _validate_args = True

    def __init__(
        self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self.arg_constraints.items():
                value = self.__dict__.get(name)
                if value is not None and not np.all(arrays.to_host(constraint.check(value.array))):
                    raise ValueError(tr(
                        "Expected parameter {name} ({kind} of shape {shape}) of distribution "
                        "{distribution!r} to satisfy the constraint {constraint!r}, but found invalid "
                        "values:\n{value!r}\nMake it one that does, for instance by softplus or softmax.",
                        name=name, kind=type(value).__name__, shape=tuple(value.shape), distribution=self,
                        constraint=constraint, value=value,
                    ))  # fmt: skip

    @classmethod
    def set_default_validate_args(cls, value: bool) -> None:
        """Say whether parameters and values are checked."""
        Distribution._validate_args = value

    @property
    def batch_shape(self) -> Size:
        """The shape of the distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one draw."""
        return self._event_shape

    def _shape(self, sample_shape: Any) -> tuple[int, ...]:
        return (*tuple(sample_shape), *self._batch_shape, *self._event_shape)

    # -- what each says ------------------------------------------------------------------------------
    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        raise NotImplementedError(tr(
            "{kind} has no rsample(): use sample(), and log_prob for the gradient.", kind=type(self).__name__,
        ))  # fmt: skip

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the density, or of the probability, of `value`."""
        raise NotImplementedError

    def entropy(self) -> Any:
        """Give the entropy."""
        raise NotImplementedError(tr(
            "{kind} has no entropy(): average -log_prob over draws.", kind=type(self).__name__,
        ))  # fmt: skip

    def cdf(self, value: Any) -> Any:
        """Give the probability of what is not above `value`."""
        raise NotImplementedError(tr("{kind} has no cdf().", kind=type(self).__name__))

    def icdf(self, value: Any) -> Any:
        """Give the value whose `cdf` this is."""
        raise NotImplementedError(tr("{kind} has no icdf().", kind=type(self).__name__))

    mean: Any
    variance: Any

    # -- what follows --------------------------------------------------------------------------------
    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    @property
    def stddev(self) -> Any:
        """The root of the variance."""
        return self.variance.sqrt()

    def perplexity(self) -> Any:
        """Give exp(entropy)."""
        return self.entropy().exp()

    def expand(self, batch_shape: Any) -> Any:
        """Give the same distributions broadcast to another shape."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        before, shape = len(self._batch_shape), tuple(batch_shape)
        held: dict[str, Any] = self.__dict__
        for name, value in held.items():
            if isinstance(value, Tensor) and value.ndim >= before:
                made.__dict__[name] = as_tensor(value).expand((*shape, *value.shape[before:]))
            elif isinstance(value, Distribution):
                made.__dict__[name] = value.expand(shape)
        made._batch_shape = Size(shape)
        return made

    def _value(self, value: Any) -> Any:
        """Give the value as a tensor, checked."""
        if not isinstance(value, Tensor):
            raise ValueError(tr("The value argument to log_prob must be a Tensor: write gm.tensor(value)."))
        if self._validate_args:
            support = self.support
            if not np.all(arrays.to_host(support.check(value.array))):
                raise ValueError(tr(
                    "Expected value argument ({kind} of shape {shape}) to be within the support "
                    "({support!r}) of the distribution {distribution!r}, but found invalid values:\n"
                    "{value!r}\nGive values that it can draw, or validate_args=False.",
                    kind=type(value).__name__, shape=tuple(value.shape), support=support, distribution=self,
                    value=value,
                ))  # fmt: skip
        return value

    def __repr__(self) -> str:
        shown = [(k, self.__dict__[k]) for k in self.arg_constraints if self.__dict__.get(k) is not None]
        parts = [f"{k}: {v if v.numel() == 1 else v.shape}" for k, v in shown]
        return f"{type(self).__name__}({', '.join(parts)})"


class MixtureSameFamily(Distribution):
    """A mixture: the component is drawn by `mixture_distribution`, a Categorical; components are the last batch dim."""

    arg_constraints: dict[str, Constraint] = {}

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        batch = component_distribution.batch_shape[:-1]
        if mixture_distribution.probs.shape[-1] != component_distribution.batch_shape[-1]:
            raise ValueError(
                "`mixture_distribution component` does not equal `component_distribution.batch_shape[-1]`"
            )
        super().__init__(batch, component_distribution.event_shape, validate_args)

    @property
    def support(self) -> Any:  # type: ignore[override]
        """That of the components."""
        return self.component_distribution.support

    def _beside(self, value: Any) -> Any:
        """Give a value, or shares, a dim for the components."""
        return value.unsqueeze(-1 - len(self._event_shape))

    def _shares(self) -> Any:
        probs = self.mixture_distribution.probs
        return probs.reshape(*probs.shape, *[1] * len(self._event_shape))

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        with no_grad():
            chosen = self.mixture_distribution.sample(sample_shape)
            every = self.component_distribution.sample(sample_shape)
            at = chosen.reshape(*chosen.shape, *[1] * (1 + len(self._event_shape)))
            dim = -1 - len(self._event_shape)
            return every.gather(dim, at.expand(*chosen.shape, 1, *self._event_shape)).squeeze(dim)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the sum of the components' densities, each times its share."""
        logs = self.component_distribution.log_prob(self._beside(self._value(value)))
        return (logs + self.mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return (self._shares() * self.component_distribution.mean).sum(-1 - len(self._event_shape))

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        dim, shares, part = -1 - len(self._event_shape), self._shares(), self.component_distribution
        between = shares * (part.mean - self._beside(self.mean)) ** 2
        return (shares * part.variance).sum(dim) + between.sum(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"


class Independent(Distribution):
    """Another distribution, of whose batch the last dims count as one draw: `log_prob` sums over them."""

    arg_constraints: dict[str, Constraint] = {}

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        cut = len(base_distribution.batch_shape) - reinterpreted_batch_ndims
        if cut < 0:
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {len(base_distribution.batch_shape)}"
            )
        self.has_rsample = base_distribution.has_rsample
        super().__init__(shape[:cut], shape[cut:], validate_args)

    def _summed(self, value: Any) -> Any:
        n = self.reinterpreted_batch_ndims
        return value.sum(tuple(range(-n, 0))) if n else value

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that gradients reach the parameters."""
        return self.base_dist.rsample(sample_shape)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        return self.base_dist.sample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        """Give the sum of the logarithms."""
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Any:
        """Give the sum of the entropies."""
        return self._summed(self.base_dist.entropy())

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean of the other."""
        return self.base_dist.mean

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance of the other."""
        return self.base_dist.variance

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"
