"""Schedules of schedules, and the one that looks at what was measured."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ...language import tr
from ..optimizer import Optimizer
from .schedule import LRScheduler, each


def _check_parts(name: str, schedulers: Sequence[Any], optimizer: Optimizer | None) -> None:
    if len(schedulers) < 1:
        raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
    for i, one in enumerate(schedulers):
        if isinstance(one, ReduceLROnPlateau):
            raise ValueError(tr(
                "{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to "
                "be specified when calling `step`, but got one at index {i}: step it by itself.",
                name=name, i=i,
            ))  # fmt: skip
        if one.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                f"{type(one).__name__} at index {i} of another."
            )


class SequentialLR(LRScheduler):
    """One schedule after the other; `milestones` says at which steps the next begins."""

    def __init__(
        self, optimizer: Optimizer, schedulers: list[Any], milestones: list[int], last_epoch: int = -1
    ) -> None:  # fmt: skip
        _check_parts("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch, self.optimizer = last_epoch + 1, optimizer
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self._undo(schedulers)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _undo(self, schedulers: Sequence[Any]) -> None:
        """Take back the step that each schedule took when it was made."""
        for one in schedulers:
            if hasattr(one, "_schedulers"):
                self._undo(one._schedulers)
            else:
                one.last_epoch -= 1

    def step(self, epoch: Any = None) -> None:
        """Go on by one step."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        one = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            one._update(0)
        else:
            one.step()
        self._last_lr = one.get_last_lr()


class ChainedScheduler(LRScheduler):
    """Several schedules at once: each goes on from what the one before it made."""

    def __init__(self, schedulers: Sequence[Any], optimizer: Optimizer | None = None) -> None:
        _check_parts(
            "ChainedScheduler", schedulers, optimizer or (schedulers[0].optimizer if schedulers else None)
        )
        self._schedulers, self.optimizer = list(schedulers), optimizer or schedulers[0].optimizer
        self._note()

    def step(self, epoch: Any = None) -> None:
        """Go on by one step."""
        for one in self._schedulers:
            one.step()
        self._note()


class ReduceLROnPlateau(LRScheduler):
    """Times `factor` when what is measured has not become better for more than `patience` steps.

    Parameters
    ----------
    optimizer : Optimizer
    mode : {"min", "max"}
        Which way is better.
    factor : float
    patience : int
    threshold : float
        By how much it must become better to count.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is a part of the best so far.
    cooldown : int
        How many steps to wait after a change.
    min_lr : float or list of float
    eps : float
        The smallest change that is made.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: Any = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(tr(
                "{kind} is not an Optimizer: give the optimizer that is to be changed.",
                kind=type(optimizer).__name__,
            ))  # fmt: skip
        if mode not in ("min", "max"):
            raise ValueError(tr('mode {mode} is unknown! Write "min" or "max".', mode=mode))
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(tr(
                'threshold mode {threshold_mode} is unknown! Write "rel" or "abs".',
                threshold_mode=threshold_mode,
            ))  # fmt: skip
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = (
            threshold,
            threshold_mode,
            cooldown,
            eps,
        )
        self.min_lrs = each("min_lr", optimizer, min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.cooldown_counter = self.num_bad_epochs = 0
        self._note()

    def _is_better(self, now: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        relative = self.threshold_mode == "rel"
        bound = self.best * (1 + sign * self.threshold) if relative else self.best + sign * self.threshold
        return now > bound if sign > 0 else now < bound

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        """Look at what was measured, and go on by one step."""
        now = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(now):
            self.best, self.num_bad_epochs = now, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                new = max(group["lr"] * self.factor, least)
                if group["lr"] - new > self.eps:
                    group["lr"] = new
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._note()
