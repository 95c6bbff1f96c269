"""Schedules that multiply the step length: by steps, by a factor, down a line or a power, or as a function says.

`_factor` says by what each step multiplies, as PyTorch computes it, and `_share` what of the first `lr` is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ...language import tr
from ..optimizer import Optimizer
from .schedule import LRScheduler


class _Multiplying(LRScheduler):
    def _factor(self, k: int) -> float:
        """Give by what step k multiplies."""
        raise NotImplementedError

    def _share(self, k: int) -> float:
        """Give what of the first lr is left after k steps."""
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        """Give the lr of each group after `last_epoch` steps."""
        factor = self._factor(self.last_epoch)
        return [rate * factor for rate in self._now()]

    def _anew(self) -> list[Any]:
        share = self._share(self.last_epoch)
        return [base * share for base in self.base_lrs]


class StepLR(_Multiplying):
    """Times `gamma` every `step_size` steps."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, k: int) -> float:
        return self.gamma if k and k % self.step_size == 0 else 1

    def _share(self, k: int) -> float:
        return self.gamma ** (k // self.step_size)


class MultiStepLR(_Multiplying):
    """Times `gamma` at each of the `milestones`."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:  # fmt: skip
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, k: int) -> float:
        return self.gamma ** self.milestones[k] if k in self.milestones else 1

    def _share(self, k: int) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), k)


class ExponentialLR(_Multiplying):
    """Times `gamma` every step."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, k: int) -> float:
        return 1 if self._initial else self.gamma

    def _share(self, k: int) -> float:
        return self.gamma**k


class ConstantLR(_Multiplying):
    """Times `factor` until step `total_iters`."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:  # fmt: skip
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, k: int) -> float:
        return self.factor if k == 0 else 1 / self.factor if k == self.total_iters else 1

    def _share(self, k: int) -> float:
        return 1 if k >= self.total_iters else self.factor


class LinearLR(_Multiplying):
    """Times a factor that goes from `start_factor` to `end_factor` in `total_iters` steps."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if not 0 < start_factor <= 1:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1."
            )
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, k: int) -> float:
        if k == 0:
            return self.start_factor
        if self._initial or k > self.total_iters:
            return 1
        way = self.end_factor - self.start_factor
        return 1 + way / (self.total_iters * self.start_factor + (k - 1) * way)

    def _share(self, k: int) -> float:
        way = self.end_factor - self.start_factor
        return self.start_factor + way * min(self.total_iters, k) / self.total_iters


class PolynomialLR(_Multiplying):
    """Down to 0 in `total_iters` steps, as a power of what is left."""

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:  # fmt: skip
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _factor(self, k: int) -> float:
        if self._initial or k > self.total_iters:
            return 1
        return float(((1 - k / self.total_iters) / (1 - (k - 1) / self.total_iters)) ** self.power)

    def _share(self, k: int) -> float:
        return float((1 - min(self.total_iters, k) / self.total_iters) ** self.power)


class LambdaLR(LRScheduler):
    """Times what `lr_lambda(step)` gives; a list of functions: one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(tr(
                "Expected {groups} lr_lambdas, but got {given}: give one for each group.",
                groups=groups, given=len(self.lr_lambdas),
            ))  # fmt: skip
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Give the lr of each group after `last_epoch` steps."""
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LambdaLR):
    """Times what `lr_lambda(step)` gives, again at every step."""

    def get_lr(self) -> list[Any]:
        """Give the lr of each group after `last_epoch` steps."""
        if self._initial:
            return self._now()
        return [rate * f(self.last_epoch) for f, rate in zip(self.lr_lambdas, self._now(), strict=True)]
