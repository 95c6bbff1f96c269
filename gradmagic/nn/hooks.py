"""Hooks of modules: functions that a module calls before and after `forward`, and when gradients pass it.

In: a module and its inputs. Out: its output, as the hooks leave it. A module without hooks never comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.core.trees import leaves, rebuilt
from ..engine.faces.torch.tensor import Tensor
from ..engine.transforms.autograd_function import Function


class BackwardHookFunction(Function):
    """The inputs (or outputs) of a module, told of their gradients all at once."""

    @staticmethod
    def forward(ctx: Any, tell: Callable[[Any], Any], *tensors: Any) -> Any:
        """Give the tensors."""
        ctx.tell = tell
        return tuple(Tensor.wrap(t.array, None) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Tell of the gradients, and give what they are to be."""
        return (None, *ctx.tell(gradients))


def _passed(value: Any, tell: Callable[[Any], Any]) -> tuple[Any, bool]:
    """Give the value with its tensors passed through `BackwardHookFunction`; whether one carries a gradient."""
    tensors = [v for v in leaves(value) if isinstance(v, Tensor)]
    moving = [t for t in tensors if t.requires_grad]
    if not moving:
        return value, False

    def heard(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        given = iter(gradients)
        every = tuple(next(given) if t.requires_grad else None for t in tensors)
        found = tell(every)
        return tuple(g for g, t in zip(found, tensors, strict=True) if t.requires_grad)

    made = dict(zip(map(id, moving), BackwardHookFunction.apply(heard, *moving), strict=True))
    return rebuilt(value, [made.get(id(v), v) for v in leaves(value)]), True


def called(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run `module.forward` with its hooks around it."""
    for hook, with_kwargs in [*module._forward_pre_hooks.values()]:
        if with_kwargs:
            found = hook(module, args, kwargs)
            if found is not None:
                args, kwargs = found
        else:
            found = hook(module, args)
            if found is not None:
                args = found if isinstance(found, tuple) else (found,)
    backward = [h for h, *_ in module._backward_hooks.values()]
    before = [h for h, *_ in module._backward_pre_hooks.values()]
    of_outputs: list[Any] = [None]

    def inputs_done(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in backward:
            found = hook(module, gradients, of_outputs[0])
            if found is not None:
                gradients = found if isinstance(found, tuple) else (found,)
        return gradients

    def outputs_done(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in before:
            found = hook(module, gradients)
            if found is not None:
                gradients = found if isinstance(found, tuple) else (found,)
        of_outputs[0] = gradients
        if not joined:
            inputs_done((None,) * sum(isinstance(a, Tensor) for a in args))
        return gradients

    joined = False
    if backward:
        args, joined = _passed(args, inputs_done)
    failed: BaseException | None = None
    out = None
    try:
        out = module.forward(*args, **kwargs)
    except BaseException as error:
        failed = error
    for hook, with_kwargs, always in [*module._forward_hooks.values()]:
        if failed is None or always:
            found = hook(module, args, kwargs, out) if with_kwargs else hook(module, args, out)
            out = out if found is None else found
    if failed is not None:
        raise failed
    if backward or before:
        out, _ = _passed(out, outputs_done)
    return out
