"""Schedules that move step length and momentum against one another: round and round, or once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...language import tr
from ..optimizer import Optimizer
from .schedule import LRScheduler, each


class _WithMomentum(LRScheduler):
    """A schedule that moves the momentum too, against the lr."""

    def _begin(self, optimizer: Optimizer, wanted: bool, low: Any, high: Any, last_epoch: int) -> None:
        self.cycle_momentum = wanted
        if not wanted:
            return
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(tr(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled: write "
                "cycle_momentum=False.",
            ))  # fmt: skip
        self.use_beta1 = "betas" in optimizer.defaults
        self.base_momentums, self.max_momentums = (
            each("base_momentum", optimizer, low), each("max_momentum", optimizer, high),
        )  # fmt: skip
        if last_epoch == -1:
            for least, most, group in zip(
                self.base_momentums, self.max_momentums, optimizer.param_groups, strict=True
            ):
                self._give(group, most)
                group["max_momentum"], group["base_momentum"] = most, least

    def _give(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """Up from `base_lr` to `max_lr` and down again, round and round (L. Smith, 2017)."""

    _unsaved = ("optimizer", "_scale")

    def __init__(
        self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up: int = 2000, step_size_down: Any = None,
        mode: str = "triangular", gamma: float = 1.0, scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle", cycle_momentum: bool = True, base_momentum: Any = 0.8, max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        lows = each("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for low, group in zip(lows, optimizer.param_groups, strict=True):
                group["lr"] = low
        self.max_lrs = each("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        scales: dict[str, Any] = {
            "triangular": lambda x: 1.0, "triangular2": lambda x: 1 / 2.0 ** (x - 1), "exp_range": lambda x: gamma**x,
        }  # fmt: skip
        if scale_fn is None and mode not in scales:
            raise ValueError(tr(
                "mode is invalid and scale_fn is None: write one of {names}.", names=", ".join(scales),
            ))  # fmt: skip
        self.mode, self.gamma = mode, gamma
        self._scale = scale_fn or scales[mode]
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self._begin(optimizer, cycle_momentum, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def get_lr(self) -> list[Any]:
        """Give the lr of each group after `last_epoch` steps."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height_scale = self._scale(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                self._give(group, high - (high - low) * height * height_scale)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height * height_scale for low, high in pairs]


class OneCycleLR(_WithMomentum):
    """Up to `max_lr` and down to almost nothing, once, in all steps of a training (L. Smith, N. Topin, 2018)."""

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        self.total_steps = total_steps if total_steps is not None else epochs * steps_per_epoch  # type: ignore[operator]
        if self.total_steps <= 0:
            raise ValueError(f"Expected positive integer total_steps, but got {self.total_steps}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._cosine = anneal_strategy == "cos"
        rise, last = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        # until which step, from which lr to which, from which momentum to which
        phases: list[tuple[float, str, str, str, str]] = [
            (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        ]
        if three_phase:
            fall = float(2 * pct_start * self.total_steps) - 2
            phases += [(fall, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                       (last, "initial_lr", "min_lr", "max_momentum", "max_momentum")]  # fmt: skip
        else:
            phases += [(last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        self._phases = phases
        if last_epoch == -1:
            for most, group in zip(each("max_lr", optimizer, max_lr), optimizer.param_groups, strict=True):
                group["initial_lr"], group["max_lr"] = most / div_factor, most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._begin(optimizer, cycle_momentum, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, part: float) -> float:
        return (
            end + (start - end) / 2 * (math.cos(math.pi * part) + 1)
            if self._cosine
            else (end - start) * part + start
        )

    def get_lr(self) -> list[Any]:
        """Give the lr of each group after `last_epoch` steps."""
        k = self.last_epoch
        if k > self.total_steps:
            raise ValueError(tr(
                "Tried to step {k} times. The specified number of total steps is {total_steps}: make the "
                "schedule as long as the training, and step it once a batch.",
                k=k, total_steps=self.total_steps,
            ))  # fmt: skip
        begin = 0.0
        for phase in self._phases:
            end, *names = phase
            if k <= end or phase is self._phases[-1]:
                break
            begin = end
        part, made = (k - begin) / (end - begin), []
        for group in self.optimizer.param_groups:
            lr_from, lr_to, momentum_from, momentum_to = names
            made.append(self._between(group[lr_from], group[lr_to], part))
            if self.cycle_momentum:
                self._give(group, self._between(group[momentum_from], group[momentum_to], part))
        return made
