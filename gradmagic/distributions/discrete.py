"""Discrete distributions: `Bernoulli`, `Categorical`, `Poisson` and others. Their draws have no gradient.

Probabilities are given themselves (`probs=`) or by logits. Draws of Bernoulli, categorical and geometric distributions
are PyTorch's numbers, and so are those of Poisson and binomial ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..functions import as_tensor, bernoulli, multinomial, rand
from ..language import tr
from ..nn.functional import binary_cross_entropy_with_logits, one_hot
from ..special import gammaln as lgamma
from ..special import xlogy
from . import constraints as to_be
from .distribution import Distribution, broadcast
from .gammas import drawn_by


def _clamped(probs: Any) -> Any:
    eps = float(np.finfo(probs.array.dtype).eps)
    return probs.clamp(eps, 1 - eps)


class _ByProbability(Distribution):
    """One that is given by `probs` or by `logits`; `_vectors`: by a vector of them."""

    arg_constraints = {"probs": to_be.unit_interval, "logits": to_be.real}
    _vectors = False

    def _take(self, probs: Any, logits: Any) -> Any:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, value = ("probs", probs) if logits is None else ("logits", logits)
        if self._vectors:
            value = as_tensor(value)
            if value.ndim < 1:
                raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
            if name == "probs":
                value = value / value.sum(-1, True)
            else:
                value = value - value.logsumexp(-1, True)
        else:
            (value,) = broadcast(value)
        self.__dict__[name] = value
        return value

    def __getattr__(self, name: str) -> Any:
        held = self.__dict__
        if name == "logits" and "probs" in held:
            p = _clamped(held["probs"])
            return p.log() if self._vectors else p.log() - (-p).log1p()
        if name == "probs" and "logits" in held:
            return held["logits"].softmax(-1) if self._vectors else held["logits"].sigmoid()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Say that draws of whole numbers have no gradient."""
        raise NotImplementedError(tr(
            "{kind} has no rsample(): use sample(), and log_prob for the gradient.", kind=type(self).__name__,
        ))  # fmt: skip

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        return self._draw(self._shape(sample_shape))

    def _draw(self, shape: Any) -> Any:
        raise NotImplementedError

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.probs

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return self.probs * (1 - self.probs)


class _Counted(_ByProbability):
    """How often something comes in `total_count` draws."""

    total_count: Any

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.total_count * self.probs

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return self.total_count * self.probs * (1 - self.probs)


class Bernoulli(_ByProbability):
    """1 with a probability, else 0.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.distributions.Bernoulli(probs=0.25).log_prob(gm.tensor(1.0))
    tensor(-1.3863)
    """

    support = to_be.boolean

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(self._take(probs, logits).shape, (), validate_args)

    def _draw(self, shape: Any) -> Any:
        return bernoulli(self.probs.detach().expand(shape))

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        logits, value = broadcast(self.logits, self._value(value))
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Any:
        """Give the entropy."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")


class Geometric(_ByProbability):
    """How often one fails before the first success."""

    support = to_be.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(self._take(probs, logits).shape, (), validate_args)

    def _draw(self, shape: Any) -> Any:
        p = self.probs.detach()
        u = rand(shape, dtype=p.dtype).clamp(min=float(np.finfo(p.array.dtype).tiny)).to(p.device)
        return (u.log() / (-p).log1p()).floor()

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        value, p = broadcast(self._value(value), self.probs)
        return value * np.where((p.array == 1) & (value.array == 0), 0, (-p).log1p()) + p.log()  # type: ignore[call-overload]

    def entropy(self) -> Any:
        """Give the entropy."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return 1 / self.probs - 1

    @property
    def variance(self) -> Any:  # type: ignore[override]
        """The variance."""
        return (1 / self.probs - 1) / self.probs


class Binomial(_Counted):
    """How often `total_count` tries succeed."""

    arg_constraints = {"total_count": to_be.nonnegative_integer} | _ByProbability.arg_constraints

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        value = self._take(probs, logits)
        self.total_count, value = broadcast(as_tensor(total_count).to(value.dtype), value)
        self.__dict__["probs" if logits is None else "logits"] = value
        super().__init__(value.shape, (), validate_args)

    @property
    def support(self) -> Any:  # type: ignore[override]
        """From 0 to `total_count`."""
        return to_be.integer_interval(0, self.total_count.array)

    def _draw(self, shape: Any) -> Any:
        return drawn_by("binomial", shape, self.probs, self.total_count, self.probs)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        value, n, logits = self._value(value), self.total_count, self.logits
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        return ways + value * logits - n * (logits.clamp(min=0) + (-logits.abs()).exp().log1p())


class Categorical(_ByProbability):
    """A whole number below the length of the last dim, by its probability.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.distributions.Categorical(probs=gm.tensor([0.25, 0.75])).entropy()
    tensor(0.5623)
    """

    arg_constraints = {"probs": to_be.simplex, "logits": to_be.real_vector}
    _vectors = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        value = self._take(probs, logits)
        self._num_events = value.shape[-1]
        super().__init__(value.shape[:-1], (), validate_args)

    @property
    def support(self) -> Any:  # type: ignore[override]
        """The whole numbers below the number of categories."""
        return to_be.integer_interval(0, self._num_events - 1)

    def _draw(self, shape: Any) -> Any:
        number = int(np.prod(shape[: len(shape) - len(self._batch_shape)]))
        rows = self.probs.detach().reshape(-1, self._num_events)
        return multinomial(rows, number, True).t().reshape(shape)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        index = self._value(value).long().unsqueeze(-1)
        logits = self.logits
        shape = np.broadcast_shapes(index.shape[:-1], logits.shape[:-1])
        return logits.expand((*shape, self._num_events)).gather(-1, index.expand((*shape, 1))).squeeze(-1)

    def entropy(self) -> Any:
        """Give the entropy."""
        logits = self.logits.clamp(min=float(np.finfo(self.logits.array.dtype).min))
        return -(logits * self.probs).sum(-1)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """NaN: categories have none."""
        return self.probs[..., 0] * np.nan

    variance = mean

    @property
    def mode(self) -> Any:
        """The most probable one."""
        return self.probs.argmax(-1)


class OneHotCategorical(_ByProbability):
    """A vector with a 1 at the category, by its probability."""

    support = to_be.one_hot
    arg_constraints = Categorical.arg_constraints
    _vectors = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        value = self._take(probs, logits)
        self._categorical = Categorical(probs, logits, validate_args=False)
        super().__init__(value.shape[:-1], value.shape[-1:], validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        drawn = self._categorical.sample(sample_shape)
        return one_hot(drawn, self._event_shape[0]).to(self.probs.dtype)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        return self._categorical.log_prob(self._value(value).argmax(-1))

    def entropy(self) -> Any:
        """Give the entropy."""
        return self._categorical.entropy()


class Multinomial(_Counted):
    """How often each category comes in `total_count` draws."""

    support = to_be.Constraint("Multinomial()", lambda a: np.all(a >= 0, -1))
    arg_constraints = Categorical.arg_constraints
    _vectors = True

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:  # fmt: skip
        value = self._take(probs, logits)
        self.total_count, self._categorical = total_count, Categorical(probs, logits, validate_args=False)
        super().__init__(value.shape[:-1], value.shape[-1:], validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        drawn = self._categorical.sample((self.total_count, *tuple(sample_shape)))
        return one_hot(drawn, self._event_shape[0]).sum(0).to(self.probs.dtype)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        value = self._value(value)
        return lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1) + (value * self.logits).sum(-1)


class Poisson(Distribution):
    """How many events come in a unit of time, `rate` on average."""

    support = to_be.nonnegative_integer
    arg_constraints = {"rate": to_be.nonnegative}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, (), validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw, without a gradient."""
        return drawn_by("poisson", self._shape(sample_shape), self.rate, self.rate)

    def log_prob(self, value: Any) -> Any:
        """Give the logarithm of the probability."""
        value = self._value(value)
        return xlogy(value, self.rate) - self.rate - lgamma(value + 1)

    @property
    def mean(self) -> Any:  # type: ignore[override]
        """The mean."""
        return self.rate

    variance = mean
