"""Optimisers that measure each entry's gradient: `Adam` and its kin, `RMSprop`, `Adagrad`, `Adadelta`.

The numbers of a step are Python's, so that a kernel takes them as they come; the formulas work entry by entry.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .descent import decayed
from .moving import Moving


def _averages(mean: Any, square: Any, g: Any, b1: Any, b2: Any) -> tuple[Any, Any]:
    return b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * (g * g)


def _decay(group: dict[str, Any]) -> tuple[Any, Any]:
    """Give the parts of the parameter that shrink it directly, and that are added to its gradient."""
    decay = group["weight_decay"]
    return (group["lr"] * decay, None) if decay and group["decoupled_weight_decay"] else (None, decay or None)


class Adam(Moving):
    """Steps of about `lr`, whatever the size of the gradients (D. Kingma, J. Ba, "Adam", 2015).

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
    betas : tuple of float
        How slowly the averages of the gradient and of its square forget.
    eps : float
        Added to the denominator.
    weight_decay : float
        The part of the parameter that is added to its gradient.
    amsgrad : bool
        Divide by the largest average so far (S. Reddi and others, 2018).

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0], requires_grad=True)
    >>> optimizer = gm.optim.Adam([x], lr=0.1)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.9000], requires_grad=True)
    """

    _arguments = {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False,
        "decoupled_weight_decay": False,
    }  # fmt: skip
    _shown = "lr betas eps weight_decay amsgrad maximize foreach capturable differentiable fused decoupled_weight_decay"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0, "exp_avg_sq": 0} | ({"max_exp_avg_sq": 0} if group["amsgrad"] else {})

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        b1, b2 = group["betas"]
        rate, root = group["lr"] / (1 - b1**k), (1 - b2**k) ** 0.5
        return [*_decay(group), b1, b2, rate, root, group["eps"], bool(group["maximize"])]

    @staticmethod
    def _step(p: Any, mean: Any, square: Any, *rest: Any) -> tuple[Any, ...]:
        *most, g, shrink, decay, b1, b2, rate, root, eps, maximize = rest
        g = decayed(p, g, decay, maximize) if maximize or decay is not None else g
        mean, square = _averages(mean, square, g, b1, b2)
        largest = np.maximum(most[0], square) if most else square
        step = rate * mean / (np.sqrt(largest) / root + eps)
        step = step if shrink is None else step + shrink * p
        return (step, mean, square, largest) if most else (step, mean, square)


class AdamW(Adam):
    """`Adam` with a weight decay that shrinks the parameters directly (I. Loshchilov, F. Hutter, 2019)."""

    _arguments = Adam._arguments | {"weight_decay": 1e-2, "decoupled_weight_decay": True}


class Adamax(Moving):
    """`Adam` with the largest gradient of late in place of the mean square (D. Kingma, J. Ba, 2015)."""

    _arguments = {"lr": 2e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}
    _shown = "lr betas eps weight_decay foreach maximize differentiable capturable"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0, "exp_inf": 0}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        b1, b2 = group["betas"]
        rate = group["lr"] / (1 - b1**k)
        return [b1, b2, rate, group["eps"], group["weight_decay"] or None, bool(group["maximize"])]

    @staticmethod
    def _step(
        p: Any, mean: Any, most: Any, g: Any, b1: Any, b2: Any, rate: Any, eps: Any, decay: Any, maximize: bool
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(p, g, decay, maximize)
        mean, most = b1 * mean + (1 - b1) * g, np.maximum(b2 * most, np.absolute(g) + eps)
        return rate * mean / most, mean, most


class NAdam(Moving):
    """`Adam` that looks ahead by its momentum (T. Dozat, 2016)."""

    _arguments = {
        "lr": 2e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "momentum_decay": 4e-3,
        "decoupled_weight_decay": False,
    }  # fmt: skip
    _shown = (
        "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize foreach capturable "
        "differentiable"
    )

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0, "exp_avg_sq": 0}

    @staticmethod
    def _momentum(group: dict[str, Any], k: int) -> float:
        return group["betas"][0] * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"]))  # type: ignore[no-any-return]

    def _counted(self, kept: dict[str, Any], group: dict[str, Any]) -> None:
        super()._counted(kept, group)
        kept["mu_product"] = kept.get("mu_product", 1.0) * self._momentum(group, kept["step"])

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        (b1, b2), lr = group["betas"], group["lr"]
        now, after = self._momentum(group, k), self._momentum(group, k + 1)
        product = kept.get("mu_product", 1.0) * now
        rates = [lr * (1 - now) / (1 - product), lr * after / (1 - product * after)]
        return [*_decay(group), b1, b2, *rates, 1 - b2**k, group["eps"], bool(group["maximize"])]

    @staticmethod
    def _step(
        p: Any, mean: Any, square: Any, g: Any, shrink: Any, decay: Any, b1: Any, b2: Any, rate: Any, ahead: Any,
        rest: Any, eps: Any, maximize: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(p, g, decay, maximize)
        mean, square = _averages(mean, square, g, b1, b2)
        step = (rate * g + ahead * mean) / (np.sqrt(square / rest) + eps)
        return step if shrink is None else step + shrink * p, mean, square


class RAdam(Moving):
    """`Adam` that trusts the mean square only once it has seen enough (L. Liu and others, 2020)."""

    _arguments = {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "decoupled_weight_decay": False,
    }  # fmt: skip
    _shown = "lr betas eps weight_decay maximize foreach capturable decoupled_weight_decay differentiable"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0, "exp_avg_sq": 0}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        b1, b2 = group["betas"]
        rest, longest = 1 - b2**k, 2 / (1 - b2) - 1
        length = longest - 2 * k * b2**k / rest
        trust = None
        if length > 5:
            trust = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            trust = (trust * rest) ** 0.5
        return [
            *_decay(group),
            b1,
            b2,
            group["lr"] / (1 - b1**k),
            trust,
            group["eps"],
            bool(group["maximize"]),
        ]

    @staticmethod
    def _step(
        p: Any, mean: Any, square: Any, g: Any, shrink: Any, decay: Any, b1: Any, b2: Any, rate: Any, trust: Any,
        eps: Any, maximize: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(p, g, decay, maximize)
        mean, square = _averages(mean, square, g, b1, b2)
        step = rate * mean if trust is None else rate * trust * mean / (np.sqrt(square) + eps)
        return step if shrink is None else step + shrink * p, mean, square


class RMSprop(Moving):
    """Steps divided by the root of the mean square of the gradient (G. Hinton, 2012).

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
    alpha : float
        How slowly the mean square forgets.
    eps : float
        Added to the denominator.
    weight_decay, momentum : float
        As in `SGD`.
    centered : bool
        Take the mean of the gradient off its square first.
    """

    _arguments = {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0, "momentum": 0, "centered": False}
    _shown = "lr momentum alpha eps centered weight_decay capturable foreach maximize differentiable"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        more = {"momentum_buffer": group["momentum"], "grad_avg": group["centered"]}
        return {"square_avg": 0} | {k: 0 for k, wanted in more.items() if wanted}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        numbers = [group["lr"], group["alpha"], group["eps"], group["weight_decay"] or None]
        return [*numbers, group["momentum"] or None, bool(group["centered"]), bool(group["maximize"])]

    @staticmethod
    def _step(p: Any, square: Any, *rest: Any) -> tuple[Any, ...]:
        *more, g, lr, alpha, eps, decay, momentum, centered, maximize = rest
        g = decayed(p, g, decay, maximize)
        square = alpha * square + (1 - alpha) * (g * g)
        made, spread = [], square
        if centered:
            mean = alpha * more[-1] + (1 - alpha) * g
            made, spread = [mean], square - mean * mean
        step = g / (np.sqrt(spread) + eps)
        if momentum is not None:
            step = momentum * more[0] + step
            made = [step, *made]
        return lr * step, square, *made


class Adagrad(Moving):
    """Steps divided by the root of the sum of all squares so far (J. Duchi and others, 2011)."""

    _arguments = {
        "lr": 1e-2, "lr_decay": 0, "weight_decay": 0, "initial_accumulator_value": 0, "eps": 1e-10,
    }  # fmt: skip
    _shown = "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize differentiable fused"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"sum": group["initial_accumulator_value"]}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        rate = group["lr"] / (1 + (k - 1) * group["lr_decay"])
        return [rate, group["eps"], group["weight_decay"] or None, bool(group["maximize"])]

    @staticmethod
    def _step(p: Any, total: Any, g: Any, rate: Any, eps: Any, decay: Any, maximize: bool) -> tuple[Any, ...]:
        g = decayed(p, g, decay, maximize)
        total = total + g * g
        return rate * g / (np.sqrt(total) + eps), total


class Adadelta(Moving):
    """Steps in the units of the steps before (M. Zeiler, 2012)."""

    _arguments = {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0}
    _shown = "lr rho eps weight_decay maximize capturable foreach differentiable"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"square_avg": 0, "acc_delta": 0}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        return [
            group["lr"],
            group["rho"],
            group["eps"],
            group["weight_decay"] or None,
            bool(group["maximize"]),
        ]

    @staticmethod
    def _step(
        p: Any, square: Any, moved: Any, g: Any, lr: Any, rho: Any, eps: Any, decay: Any, maximize: bool
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(p, g, decay, maximize)
        square = rho * square + (1 - rho) * (g * g)
        step = np.sqrt(moved + eps) / np.sqrt(square + eps) * g
        return lr * step, square, rho * moved + (1 - rho) * (step * step)
