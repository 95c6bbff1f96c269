"""Optimisers that go down by a rate or by signs: `SGD`, `Rprop`, `ASGD`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.nodes import constant_for, number_write
from ..language import tr
from .moving import Moving


def decayed(p: Any, g: Any, decay: Any, maximize: bool) -> Any:
    """Give the gradient, turned round to climb, plus a part of the parameter."""
    g = -g if maximize else g
    return g if decay is None else g + decay * p


class SGD(Moving):
    """Gradient descent: p -= lr * gradient, with momentum if wished.

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
        The step for a gradient of 1.
    momentum : float
        The part of the last step that is done again.
    dampening : float
        The part of the gradient that momentum leaves out.
    weight_decay : float
        The part of the parameter that is added to its gradient.
    nesterov : bool
        Look ahead by the momentum (Y. Nesterov, 1983).
    maximize : bool
        Climb instead.

    Examples
    --------
    >>> import gradmagic as gm
    >>> x = gm.tensor([1.0], requires_grad=True)
    >>> optimizer = gm.optim.SGD([x], lr=0.1)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.8000], requires_grad=True)
    """

    _arguments = {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}
    _shown = "lr momentum dampening weight_decay nesterov maximize foreach differentiable fused"
    _steps = False

    def _check(self, made: dict[str, Any]) -> None:
        super()._check(made)
        if made["nesterov"] and (made["momentum"] <= 0 or made["dampening"] != 0):
            raise ValueError(tr(
                "Nesterov momentum requires a momentum and zero dampening: write momentum=0.9 beside "
                "nesterov=True.",
            ))  # fmt: skip

    def _move_group(self, group: dict[str, Any]) -> None:
        if group["momentum"] or group["weight_decay"] or group["maximize"]:
            super()._move_group(group)
            return
        memories, lr = self._memories.get, group["lr"]
        there: list[tuple[Tensor, Any]] = []
        for p in group["params"]:
            node = p.node
            if (grad := p.grad if node is None else node.grad) is None:
                continue
            g, array = grad.array, p.array
            found = memories(id(p)) if node is not None else None
            constants = node.aval.constants if node is not None else None
            if found is None or found[0] is not array or constants is None or type(g) is not np.ndarray:
                there.append((p, g)) if arrays.on_device(g) else self._move(p, g, group, {})
                continue
            # The everyday step, by hand: a tenth of the loop to the root of 2.
            c = constants.get(lr)
            step = g * (constant_for(node.aval, lr) if c is None else c)
            if array.size == 1:  # NumPy looks for overlap: 1.1 us in place, 0.5 this way
                array[...] = array - step
            else:
                array -= step
            found[1].written = number_write()
        if there:
            self._move_together(there, group)

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": None} if group["momentum"] else {}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        numbers = [group[n] or None for n in ("weight_decay", "momentum", "dampening")]
        return [group["lr"], *numbers, bool(group["nesterov"]), bool(group["maximize"])]

    @staticmethod
    def _step(p: Any, *rest: Any) -> tuple[Any, ...]:
        *collected, g, lr, decay, momentum, dampening, nesterov, maximize = rest
        g = decayed(p, g, decay, maximize)
        if not collected:
            return (lr * g,)
        buffer = collected[0]
        if buffer is None:
            buffer = np.copy(g)
        else:
            buffer = momentum * buffer + (1 - (0 if dampening is None else dampening)) * g
        return lr * (g + momentum * buffer if nesterov else buffer), buffer


class Rprop(Moving):
    """Steps by the sign of the gradient, longer while it stays the same (M. Riedmiller, H. Braun, 1993).

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
        The first length of a step.
    etas : tuple of float
        By what a step shrinks when the sign turns, and grows when it stays.
    step_sizes : tuple of float
        The shortest step and the longest.
    """

    _arguments = {"lr": 1e-2, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50)}
    _shown = "lr etas step_sizes foreach maximize differentiable capturable"

    def _check(self, made: dict[str, Any]) -> None:
        super()._check(made)
        less, more = made["etas"]
        if not 0 < less < 1 < more:
            raise ValueError(tr(
                "Invalid eta values: {less}, {more}: write one below 1 and one above, as (0.5, 1.2).",
                less=less, more=more,
            ))  # fmt: skip

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"prev": 0, "step_size": group["lr"]}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        return [*map(float, (*group["etas"], *group["step_sizes"])), bool(group["maximize"])]

    @staticmethod
    def _step(
        p: Any, before: Any, size: Any, g: Any, less: Any, more: Any, least: Any, most: Any, maximize: bool
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(p, g, None, maximize)
        way = g * before
        factor = np.where(way > 0, more, np.where(way < 0, less, 1 + 0 * way))
        size = np.minimum(np.maximum(size * (factor + 0 * size), least), most)
        g = np.where(way < 0, 0 * g, g)
        return np.sign(g) * size, g, size


class ASGD(Moving):
    """Gradient descent that keeps the average of where it was in `state[p]["ax"]` (B. Polyak, A. Juditsky, 1992).

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
    lambd, alpha : float
        How the step shrinks: lr / (1 + lambd * lr * steps)**alpha.
    t0 : float
        The step at which averaging begins.
    weight_decay : float
        The part of the parameter that is added to its gradient.
    """

    _arguments = {"lr": 1e-2, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0}
    _shown = "lr lambd alpha t0 weight_decay foreach maximize differentiable capturable"

    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"ax": 0}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        lr, lambd = group["lr"], group["lambd"]
        eta = lr / (1 + lambd * lr * (k - 1)) ** group["alpha"]
        part = 1 / max(1.0, k - 1 - group["t0"])
        return [lambd * eta, eta, part, group["weight_decay"] or None, bool(group["maximize"])]

    @staticmethod
    def _step(
        p: Any, average: Any, g: Any, shrink: Any, eta: Any, part: Any, decay: Any, maximize: bool
    ) -> tuple[Any, ...]:  # fmt: skip
        step = shrink * p + eta * decayed(p, g, decay, maximize)
        return step, average + part * (p - step - average)
