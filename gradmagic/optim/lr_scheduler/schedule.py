"""What all schedules share: the optimiser, how many steps were taken, and what `lr` they come to."""

from __future__ import annotations

import types
import warnings
from functools import wraps
from typing import Any
from weakref import ref

from ...language import tr
from ..optimizer import Optimizer


def _told_when_stepped(optimizer: Optimizer) -> None:
    """Let the optimiser note that its `step` was called: a schedule that goes first would skip its first value."""
    if hasattr(optimizer.step, "_noted"):
        return
    function, me = type(optimizer).step, ref(optimizer)

    @wraps(function)
    def step(*args: Any, **kwargs: Any) -> Any:
        one: Any = me()
        one._opt_called = True
        return function(one, *args, **kwargs)

    step._noted = True  # type: ignore[attr-defined]
    optimizer.step = step  # type: ignore[method-assign]


def each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Give one value for each group."""
    groups = optimizer.param_groups
    if not isinstance(value, (list, tuple)):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
            f"param_groups has {len(groups)}."
        )
    return list(value)


class LRScheduler:
    """What all schedules share; one of your own defines `get_lr`, which gives the lr of each group.

    Parameters
    ----------
    optimizer : Optimizer
    last_epoch : int
        The number of steps already taken; -1 to begin.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.ones(1, requires_grad=True)
    >>> optimizer = gm.optim.SGD([x], lr=1.0)
    >>> schedule = gm.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    >>> round(optimizer.param_groups[0]["lr"], 6), schedule.last_epoch
    (0.01, 4)
    """

    _unsaved: tuple[str, ...] = ("optimizer",)
    _initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(tr(
                "{kind} is not an Optimizer: give the optimizer that is to be changed.",
                kind=type(optimizer).__name__,
            ))  # fmt: skip
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(tr(
                    "param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state first, or leave last_epoch out.", i=i,
                ))  # fmt: skip
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        _told_when_stepped(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._initial = True
        self.step()
        self._initial = False

    def get_lr(self) -> list[Any]:
        """Give the lr of each group after `last_epoch` steps."""
        raise NotImplementedError(tr(
            "{kind} has no get_lr(): define it to give the lr of each group.", kind=type(self).__name__,
        ))  # fmt: skip

    def get_last_lr(self) -> list[Any]:
        """Give the lr of each group now."""
        return self._last_lr

    def step(self, epoch: Any = None) -> None:
        """Go on by one step."""
        if self._step_count == 1 and not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(tr(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                "should call them in the opposite order: the first value of the schedule is skipped otherwise.",
            ), UserWarning, stacklevel=2)  # fmt: skip
        self._step_count += 1
        if epoch is not None:
            warnings.warn(tr(
                "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
                "Write scheduler.step().",
            ), UserWarning, stacklevel=2)  # fmt: skip
        self._update(epoch)

    def _update(self, epoch: Any = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._take(self.get_lr() if epoch is None else self._anew())

    def _anew(self) -> list[Any]:
        """Give the lr of each group without a look at what it is now."""
        return self.get_lr()

    def _take(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._note()

    def _now(self) -> list[Any]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _note(self) -> None:
        self._last_lr = self._now()

    def state_dict(self) -> dict[str, Any]:
        """Give all that this schedule is, without the optimiser."""
        return {k: _plain(v) for k, v in self.__dict__.items() if k not in self._unsaved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        kept = {k: v for k, v in state_dict.items() if not _is_function(getattr(self, k, None))}
        inner = kept.pop("_schedulers", [])
        self.__dict__.update(kept)
        for one, state in zip(getattr(self, "_schedulers", ()), inner, strict=False):
            one.load_state_dict(state)


def _is_function(value: Any) -> bool:
    """Tell whether it is a function, or a list of some: PyTorch's states leave these out."""
    values = value if isinstance(value, list) and value else [value]
    return all(isinstance(v, types.FunctionType) for v in values)


def _plain(value: Any) -> Any:
    if _is_function(value):
        return [None] * len(value) if isinstance(value, list) else None
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, LRScheduler) for v in value):
        return [v.state_dict() for v in value]
    return value
