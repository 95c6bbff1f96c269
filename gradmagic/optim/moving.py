"""Optimisers that are a formula: each entry of a parameter moves by its gradient and what has collected for it.

In: a table of settings and a formula entry by entry. Out: an optimiser. On the host each parameter is moved by itself,
on a device all by one kernel that is made of the formula.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from ..engine.core import arrays, fused
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.memory import Memory, memory_of
from ..engine.tape.modes import enable_grad
from ..engine.tape.nodes import number_write
from ..errors import ArgumentError
from ..language import mark, tr
from .optimizer import Optimizer
from .programs import Steps

# Settings that say how PyTorch computes. They are taken and shown, and change nothing here.
_FLAGS = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False, "fused": None}


class Moving(Optimizer):
    """An optimiser whose step is a formula; a subclass is `_arguments`, `_shown`, `_collected`, `_terms`, `_step`."""

    _arguments: ClassVar[dict[str, Any]]  # the settings by position, with PyTorch's defaults
    _shown: ClassVar[str]  # the order in which PyTorch's groups hold them
    _steps: ClassVar[bool] = True  # it counts its steps
    _caches = frozenset({"_memories", "_programs"})  # what gm.replay need not look at

    def __init_subclass__(cls) -> None:
        flags = {k: _FLAGS[k] for k in cls._shown.split() if k in _FLAGS}
        word = inspect.Parameter
        parameters = [word("params", word.POSITIONAL_OR_KEYWORD)]
        parameters += [word(k, word.POSITIONAL_OR_KEYWORD, default=v) for k, v in cls._arguments.items()]
        parameters += [word(k, word.KEYWORD_ONLY, default=v) for k, v in flags.items()]
        cls.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]

    def __init__(self, params: Iterable[Any], *args: Any, **kwargs: Any) -> None:
        name, signature = type(self).__name__, type(self).__signature__  # type: ignore[attr-defined]
        try:
            given = signature.bind(params, *args, **kwargs)
        except TypeError as error:
            settings = ", ".join(list(signature.parameters)[1:])
            raise TypeError(tr(
                "{name}.__init__() {error}: its settings are {settings}.",
                name=name, error=error, settings=settings,
            )) from None  # fmt: skip
        given.apply_defaults()
        made = {k: given.arguments[k] for k in self._shown.split() if k in given.arguments}
        self._check(made)
        self._memories: dict[int, tuple[Any, Memory]] = {}
        self._programs: dict[int, Steps] = {}  # by group
        super().__init__(params, made)

    def _check(self, made: dict[str, Any]) -> None:
        """Refuse settings that no formula is right for."""
        checks = (("lr", "learning rate"), ("eps", "epsilon value"), ("weight_decay", "weight_decay value"),
                  ("momentum", "momentum value"), ("alpha", "alpha"), ("lr_decay", "lr_decay value"))  # fmt: skip
        for k, word in checks:
            if made.get(k, 0) < 0:
                raise ValueError(
                    tr(
                        "Invalid learning rate: {lr}: it must not be negative; maximize=True climbs.",
                        lr=made[k],
                    )
                    if k == "lr"
                    else tr(
                        "Invalid {setting}: {value}: it must not be negative.", setting=word, value=made[k]
                    )
                )
        for i, beta in enumerate(made.get("betas", ())):
            if not 0 <= beta < 1:
                raise ValueError(tr(
                    "Invalid beta parameter at index {i}: {beta}: write a number from 0 to below 1.",
                    i=i, beta=beta,
                ))  # fmt: skip
        if not 0 <= made.get("rho", 0) <= 1:
            raise ValueError(tr("Invalid rho value: {rho}: write a number from 0 to 1.", rho=made["rho"]))
        if made.get("differentiable"):
            raise ArgumentError(tr(
                "differentiable=True is not there: step() moves parameters unseen by the tape. Write the "
                "update yourself (w = w - lr * g) to differentiate through it.",
            ))  # fmt: skip

    # -- what a subclass says --------------------------------------------------------------------------
    def _collected(self, group: dict[str, Any]) -> dict[str, Any]:
        """Give the names of what collects for each entry, and what each starts with (None: with nothing yet)."""
        return {}

    def _terms(self, kept: dict[str, Any], group: dict[str, Any], k: int) -> list[Any]:
        """Give the numbers that the formula takes in step `k`, counted from 1."""
        raise NotImplementedError

    # (p, *collected, gradient, *numbers): by how much p falls, and what the collected become, entry by entry
    _step: Callable[..., tuple[Any, ...]]

    def _counted(self, kept: dict[str, Any], group: dict[str, Any]) -> None:
        kept["step"] = kept.get("step", 0) + 1

    # -- a step ----------------------------------------------------------------------------------------
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter once by its gradient; `closure` computes the loss anew first."""
        if self._hooks["pre"] or self._hooks["post"]:
            return self._hooked(closure)
        return self._moved_by(closure)

    def _hooked(self, closure: Callable[[], Any] | None) -> Any:
        for hook in [*self._hooks["pre"].values()]:
            hook(self, (closure,), {})
        loss = self._moved_by(closure)
        for hook in [*self._hooks["post"].values()]:
            hook(self, (closure,), {})
        return loss

    def _moved_by(self, closure: Callable[[], Any] | None) -> Any:
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._move_group(group)
        return loss

    def _move_group(self, group: dict[str, Any]) -> None:
        here: list[tuple[Tensor, Any]] = []
        there: list[tuple[Tensor, Any]] = []
        names = self._collected(group)
        for p in group["params"]:
            node = p.node
            if (grad := p.grad if node is None else node.grad) is not None:
                g = grad.array
                (here if type(g) is np.ndarray or not arrays.on_device(g) else there).append((p, g))
        steps = self._programs.get(id(group))
        if steps is None:
            steps = self._programs[id(group)] = Steps(
                self._step, sum(np.size(p.array) for p in group["params"])
            )
        if not (steps.due() and self._replayed(steps, here, group, names)):
            for p, g in here:
                self._move(p, g, group, names)
        if there:
            self._move_together(there, group)

    def _replayed(
        self, steps: Steps, here: list[tuple[Tensor, Any]], group: dict[str, Any], names: Any
    ) -> bool:
        """Move parameters by the group's program; False if there is none for these."""
        kept = [self.state[p] if names or self._steps else {} for p, _ in here]
        if not all(names.keys() <= k.keys() for k in kept):
            return False
        rows = [[p.array, *[k[n].array for n in names], g] for (p, g), k in zip(here, kept, strict=True)]
        numbers = [self._terms(k, group, k.get("step", 0) + 1) for k in kept]
        if (made := steps.moved(rows, numbers)) is None:
            return False
        for (p, _), k, new in zip(here, kept, made, strict=True):
            for n, value in zip(names, new, strict=True):
                k[n].array = value
            if self._steps:
                self._counted(k, group)
            _written(p, p.array, self._memories)
        return True

    @property
    def replayed(self) -> list[Any]:
        """The programs that the groups' steps run as, once they are worth it (see `gm.replay`): `.explain()` each."""
        return [steps.replayed for steps in self._programs.values() if steps.replayed.programs]

    def _move(self, p: Tensor, g: Any, group: dict[str, Any], names: dict[str, Any]) -> None:
        kept = self.state[p] if names or self._steps else {}
        numbers = self._terms(kept, group, kept.get("step", 0) + 1)
        if g.dtype.kind == "c" or not names.keys() <= kept.keys():
            step = self._first(p.array, g, kept, names, numbers)
        else:
            held = [kept[n] for n in names]
            step, *new = self._step(p.array, *[h.array for h in held], g, *numbers)
            for h, value in zip(held, new):  # noqa: B905  (0.2 us)
                h.array = value
        if self._steps:
            self._counted(kept, group)
        _take(p, step, self._memories)

    def _first(
        self, array: Any, g: Any, kept: dict[str, Any], names: dict[str, Any], numbers: list[Any]
    ) -> Any:
        """Give the step of a parameter for which nothing has collected yet, or that is complex."""
        complex_ = g.dtype.kind == "c"
        unit = 1 + 1j if complex_ else 1
        collected: list[Any] = [
            kept[n].array if n in kept else None if start is None else np.full_like(g, start * unit)
            for n, start in names.items()
        ]
        if complex_:  # PyTorch moves real and imaginary parts as numbers of their own
            array, *collected, g = (None if a is None else _parts(a) for a in (array, *collected, g))
        step, *new = self._step(array, *collected, g, *numbers)
        for name, value in zip(names, new, strict=True):
            kept[name] = Tensor.wrap(_whole(value) if complex_ else value, None)
        return _whole(step) if complex_ else step

    def _move_together(self, there: list[tuple[Tensor, Any]], group: dict[str, Any]) -> None:
        """Move what is on a device by one kernel for all; the rest, and what takes its first step, one by one."""
        batches: dict[Any, list[Any]] = {}
        seen: set[int] = set()
        names = self._collected(group)
        for p, g in there:
            array, memory = p.array, id(memory_of(p.array))
            if memory in seen:  # twice the same memory: one after the other
                self._launch(batches, group)
            seen.add(memory)
            kept = self.state[p] if names or self._steps else {}
            if g.shape != array.shape or not arrays.on_device(array) or any(n not in kept for n in names):
                self._move(p, g, group, names)
                continue
            numbers = self._terms(kept, group, kept.get("step", 0) + 1)
            row = (array, *[kept[n].array for n in names], g)
            batch = (arrays.device_of(array), *[a.dtype for a in row], *numbers)  # a generator: 0.2 us more
            batches.setdefault(batch, [numbers]).append((p, row))
        self._launch(batches, group)

    def _launch(self, batches: dict[Any, list[Any]], group: dict[str, Any]) -> None:
        for numbers, *moving in batches.values():
            rows = [row for _, row in moving]
            if fused.moved(type(self), self._fallen, rows, len(rows[0]) - 1, numbers):
                for p, _ in moving:
                    _written(p, p.array, self._memories)
                    if self._steps:
                        self._counted(self.state[p], group)
            else:
                for p, row in moving:
                    self._move(p, row[-1], group, self._collected(group))
        batches.clear()

    def _put(self, p: Tensor, array: Any) -> None:
        """Write new values into a parameter's own memory."""
        if isinstance(p.array, np.generic):
            p.array = array
        else:
            p.array[...] = array
            _written(p, p.array, self._memories)

    def _fallen(self, p: Any, *rest: Any) -> tuple[Any, ...]:
        step, *collected = self._step(p, *rest)
        return (p - step, *collected)


def _parts(a: Any) -> Any:
    """Give real and imaginary parts along a last axis of length 2."""
    return np.stack([np.real(a), np.imag(a)], -1)


def _whole(parts: Any) -> Any:
    return parts[..., 0] + 1j * parts[..., 1]


def _take(p: Tensor, step: Any, memories: dict[int, tuple[Any, Memory]]) -> None:
    """Do p -= step in p's own memory."""
    array = p.array
    if isinstance(array, np.generic):
        p.array = (array - step).astype(array.dtype)  # nothing shares a scalar's memory
        return
    np.subtract(array, step, out=array)
    _written(p, array, memories)


def _written(p: Tensor, array: Any, memories: dict[int, tuple[Any, Memory]]) -> None:
    """Tell the tape that what it has saved of p is stale."""
    found = memories.get(id(p))
    if found is None or found[0] is not array:
        memory = memory_of(array)
        memory.where = mark("a parameter was moved by step() of an optimizer")
        memories[id(p)] = found = (array, memory)
    found[1].written = number_write()
