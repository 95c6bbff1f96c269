"""PyTorch's optimisers: `SGD` and `Adam`. Give them parameters; after each `backward()`, `step()` moves these.

In: Tensors with `.grad`. Out: the same tensors, changed in place, unseen by the tape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .engine.core import arrays, fused
from .engine.faces.torch.tensor import Tensor
from .engine.tape.memory import Memory, memory_of
from .engine.tape.modes import enable_grad
from .engine.tape.nodes import constant_for, number_write


class Optimizer:
    """What all optimisers share: groups of parameters with their settings, and `zero_grad`.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        The tensors to move, or groups `{"params": [...], "lr": ...}` with settings of their own.
    defaults : dict
        The settings of groups that say nothing else.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor: "
                "write [x] for one tensor."
            )
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list: give it model.parameters() or [x].")
        self.defaults = defaults
        self.state: dict[Any, dict[str, Any]] = {}
        self.param_groups: list[dict[str, Any]] = []
        self._memories: dict[int, tuple[Any, Memory]] = {}
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Move these parameters too.

        Raises
        ------
        TypeError
            If one is no Tensor.
        ValueError
            If one is the result of an operation: its `.grad` stays None.
        """
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}."
                )
            if not p.is_leaf:
                raise ValueError(
                    "can't optimize a non-leaf Tensor: give the tensor made with requires_grad=True, "
                    "not one computed from it."
                )
        self.param_groups.append({**self.defaults, **group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, so that the next `backward()` starts from nothing; or set them to 0."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    node = p.node
                    if node is not None:
                        node.grad = None
                elif p.grad is not None:
                    p.grad = Tensor.wrap(np.zeros_like(p.grad.array), None)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter once by its gradient; `closure` computes the loss anew first."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            there: list[tuple[Tensor, Any]] = []
            for p in group["params"]:
                node = p.node
                if node is not None and (grad := node.grad) is not None:
                    g = grad.array
                    host = type(g) is np.ndarray or not arrays.on_device(g)
                    self._move(p, g, group) if host else there.append((p, g))
            self._move_together(there, group)
        return loss

    def _move(self, p: Tensor, g: Any, group: dict[str, Any]) -> None:
        raise NotImplementedError

    def _terms(self, kept: dict[str, Any], group: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Give what has collected, None for what has not yet, and the settings, as `_moved` takes them."""
        raise NotImplementedError

    # (p, *collected, gradient, *settings): what p and the collected become, entry by entry
    _moved: Callable[..., tuple[Any, ...]]

    def _move_together(self, there: list[tuple[Tensor, Any]], group: dict[str, Any]) -> None:
        """Move what is on a device by one kernel for all; the rest, and what takes its first step, one by one."""
        batches: dict[Any, list[Any]] = {}
        seen: set[int] = set()
        for p, g in there:
            array, memory = p.array, id(memory_of(p.array))
            if memory in seen:  # twice the same memory: one after the other
                self._launch(batches, group)
            seen.add(memory)
            collected, settings = self._terms(self.state.get(id(p), {}), group)
            if g.shape != array.shape or not arrays.on_device(array) or any(c is None for c in collected):
                self._move(p, g, group)
                continue
            row = (array, *collected, g)
            batch = (
                arrays.device_of(array),
                *[a.dtype for a in row],
                *settings,
            )  # a generator takes 0.2 us more
            batches.setdefault(batch, [settings]).append((p, row))
        self._launch(batches, group)

    def _launch(self, batches: dict[Any, list[Any]], group: dict[str, Any]) -> None:
        for settings, *moving in batches.values():
            rows = [row for _, row in moving]
            if fused.moved(type(self), type(self)._moved, rows, len(rows[0]) - 1, settings):
                for p, _ in moving:
                    _written(p, p.array, self._memories)
                    if "step" in (kept := self.state.get(id(p), {})):
                        kept["step"] += 1
            else:
                for p, row in moving:
                    self._move(p, row[-1], group)
        batches.clear()

    def state_dict(self) -> dict[str, Any]:
        """Give the settings and what has collected, by the numbers of the parameters."""
        every = [p for group in self.param_groups for p in group["params"]]
        number = {id(p): i for i, p in enumerate(every)}
        groups = [{**g, "params": [number[id(p)] for p in g["params"]]} for g in self.param_groups]
        state = {number[k]: _copied(v) for k, v in self.state.items() if k in number}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        every = [p for group in self.param_groups for p in group["params"]]
        self.state = {
            id(p): {k: arrays.beside(v, p.array) for k, v in _copied(collected).items()}
            for p, collected in ((every[i], v) for i, v in state_dict["state"].items())
        }
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({k: v for k, v in saved.items() if k != "params"})

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {group[k]}" for k in sorted(group) if k != "params"]
        return "\n".join([*lines, ")"])


def _copied(collected: dict[str, Any]) -> dict[str, Any]:
    """Give what has collected; on a device, where steps write it in place, copies."""
    return {k: np.copy(v) if arrays.on_device(v) else v for k, v in collected.items()}


def _scaled(p: Tensor, g: Any, factor: float) -> Any:
    """Give g * factor, the factor as the cached 0-d array of p's dtype (0.3 us; from a Python float 0.6)."""
    if type(g) is np.ndarray and p.node is not None and (cache := p.node.aval.constants) is not None:
        c = cache.get(factor)
        return g * (constant_for(p.node.aval, factor) if c is None else c)
    return factor * g


def _take(p: Tensor, step: Any, memories: dict[int, tuple[Any, Memory]]) -> None:
    """Do p -= step in p's own memory."""
    array = p.array
    if isinstance(array, np.generic):
        p.array = array.dtype.type(array - step)  # nothing shares a scalar's memory
        return
    np.subtract(array, step, out=array)
    _written(p, array, memories)


def _written(p: Tensor, array: Any, memories: dict[int, tuple[Any, Memory]]) -> None:
    """Tell the tape that what it has saved of p is stale."""
    found = memories.get(id(p))
    if found is None or found[0] is not array:
        memory = memory_of(array)
        memory.where = "a parameter was moved by step() of an optimizer"
        memories[id(p)] = found = (array, memory)
    found[1].written = number_write()


class SGD(Optimizer):
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

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        if lr < 0:
            raise ValueError(f"Invalid learning rate: {lr}: it must not be negative; maximize=True climbs.")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening.")
        settings = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, settings)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter once by its gradient; `closure` computes the loss anew first."""
        if closure is not None:
            return super().step(closure)
        memories = self._memories.get
        for group in self.param_groups:
            plain = not (group["momentum"] or group["weight_decay"] or group["maximize"])
            lr = group["lr"]
            there: list[tuple[Tensor, Any]] = []
            for p in group["params"]:
                node = p.node
                if node is None or (grad := node.grad) is None:
                    continue
                g, array = grad.array, p.array
                found = memories(id(p)) if plain else None
                constants = node.aval.constants
                if found is None or found[0] is not array or constants is None or type(g) is not np.ndarray:
                    there.append((p, g)) if arrays.on_device(g) else self._move(p, g, group)
                    continue
                # The everyday step, by hand: a tenth of the loop to the root of 2.
                c = constants.get(lr)
                step = g * (constant_for(node.aval, lr) if c is None else c)
                if array.size == 1:  # NumPy looks for overlap: 1.1 us in place, 0.5 this way
                    array[...] = array - step
                else:
                    array -= step
                found[1].written = number_write()
            self._move_together(there, group)
        return None

    def _move(self, p: Tensor, g: Any, group: dict[str, Any]) -> None:
        kept = self.state.setdefault(id(p), {}) if group["momentum"] else {}
        collected, (lr, *settings) = self._terms(kept, group)
        g, buffer = _descent(p.array, collected[0] if collected else None, g, *settings)
        if buffer is not None:
            kept["momentum_buffer"] = buffer
        _take(p, _scaled(p, g, lr), self._memories)

    def _terms(self, kept: dict[str, Any], group: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        collected = [kept.get("momentum_buffer")] if group["momentum"] else []
        numbers = [group[k] or None for k in ("weight_decay", "momentum", "dampening")]
        return collected, [group["lr"], *numbers, bool(group["nesterov"]), bool(group["maximize"])]

    @staticmethod
    def _moved(p: Any, *rest: Any) -> tuple[Any, ...]:
        *collected, g, lr = rest[:-5]
        g, buffer = _descent(p, collected[0] if collected else None, g, *rest[-5:])
        return (p - lr * g, buffer) if collected else (p - lr * g,)


def _descent(
    p: Any, buffer: Any, g: Any, decay: Any, momentum: Any, dampening: Any, nesterov: bool, maximize: bool
) -> tuple[Any, Any]:
    """Give the direction in which SGD moves p, and what momentum has collected."""
    if maximize:
        g = -g
    if decay is not None:
        g = g + decay * p
    if momentum is not None:
        if buffer is None:
            buffer = np.copy(g)
        else:
            buffer = momentum * buffer + (1 - (0 if dampening is None else dampening)) * g
        g = g + momentum * buffer if nesterov else buffer
    return g, buffer


class Adam(Optimizer):
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

    _decoupled = False

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        for i, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(
                    f"Invalid beta parameter at index {i}: {beta}: write a number from 0 to below 1."
                )
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def _move(self, p: Tensor, g: Any, group: dict[str, Any]) -> None:
        kept = self.state.setdefault(id(p), {"step": 0})
        (mean, square), (shrink, *settings) = self._terms(kept, group)
        kept["step"] += 1
        if shrink is not None:
            _take(p, shrink * p.array, self._memories)
        step, kept["exp_avg"], kept["exp_avg_sq"] = _adaptive(p.array, mean, square, g, *settings)
        _take(p, step, self._memories)

    def _terms(self, kept: dict[str, Any], group: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        (b1, b2), k = group["betas"], kept.get("step", 0) + 1
        lr, decay, apart = group["lr"], group["weight_decay"], self._decoupled
        shrink, decay = (lr * decay if decay and apart else None), (decay if decay and not apart else None)
        rate, root = lr / (1 - b1**k), math.sqrt(1 - b2**k)
        settings = [shrink, decay, b1, b2, rate, root, group["eps"], bool(group["maximize"])]
        return [kept.get("exp_avg"), kept.get("exp_avg_sq")], settings

    @staticmethod
    def _moved(p: Any, mean: Any, square: Any, g: Any, shrink: Any, *settings: Any) -> tuple[Any, ...]:
        if shrink is not None:
            p = p - shrink * p
        step, mean, square = _adaptive(p, mean, square, g, *settings)
        return p - step, mean, square


def _adaptive(
    p: Any, mean: Any, square: Any, g: Any, decay: Any, b1: Any, b2: Any, rate: Any, root: Any, eps: Any, maximize: bool
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Give the step of Adam, and the averages of the gradient and of its square."""
    if maximize:
        g = -g
    if decay is not None:
        g = g + decay * p
    if mean is None:
        mean, square = 0 * g, 0 * np.absolute(g)
    mean = b1 * mean + (1 - b1) * g
    square = b2 * square + (1 - b2) * np.real(g * np.conj(g))
    return rate * mean / (np.sqrt(square) / root + eps), mean, square


class AdamW(Adam):
    """`Adam` with a weight decay that shrinks the parameters directly (I. Loshchilov, F. Hutter, 2019)."""

    _decoupled = True

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
