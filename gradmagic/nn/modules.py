"""PyTorch's `Module`, which holds parameters, buffers and other modules by name.

In: attributes set in `__init__`. Out: `parameters()`, `state_dict()`, and a call that runs `forward` and its hooks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..engine.core import arrays
from ..engine.core.handles import RemovableHandle
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.ends import leaf
from ..engine.tape.modes import no_grad, settings
from ..errors import StateError
from ..functions import as_tensor
from ..language import tr
from . import hooks
from .holding import Holding
from .parameters import Parameter, Unsized


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found to differ."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module(Holding):
    """What layers, losses and networks are made from.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.by = nn.Parameter(gm.tensor(2.0))
    ...     def forward(self, x):
    ...         return x * self.by
    >>> model = Scale()
    >>> model(gm.tensor([1.0, 2.0]))
    tensor([2., 4.], grad_fn=<MulBackward0>)
    >>> [name for name, _ in model.named_parameters()]
    ['by']
    """

    # -- calling -----------------------------------------------------------------------------------
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; each module says how."""
        raise NotImplementedError(tr(
            'Module [{kind}] is missing the required "forward" function: define forward(self, x), or, for a '
            "list of modules, loop over it.", kind=type(self).__name__,
        ))  # fmt: skip

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        d = self.__dict__
        hooked = (
            d["_forward_hooks"] or d["_forward_pre_hooks"] or d["_backward_hooks"] or d["_backward_pre_hooks"]
        )
        observer = settings().observer
        if observer is None:
            return hooks.called(self, args, kwargs) if hooked else self.forward(*args, **kwargs)
        observer.entered(self)
        try:
            return hooks.called(self, args, kwargs) if hooked else self.forward(*args, **kwargs)
        finally:
            observer.left(self)

    # -- saving and loading ----------------------------------------------------------------------------
    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Give all parameters and buffers, detached, in an OrderedDict by their dotted names."""
        made = OrderedDict() if destination is None else destination
        for kind in ("_parameters", "_buffers"):
            for k, t in self.__dict__[kind].items():
                if t is not None and k not in self._non_persistent_buffers_set:
                    made[prefix + k] = t if keep_vars else t.detach()
        for k, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=made, prefix=f"{prefix}{k}.", keep_vars=keep_vars)
        return made

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Copy values into the parameters and buffers of these names; with `assign` take the tensors themselves.

        Raises
        ------
        StateError
            If a shape differs, or if names are missing or unknown, and `strict`.
        """
        mine = self.state_dict(keep_vars=True)
        missing = [k for k in mine if k not in state_dict]
        unexpected = [k for k in state_dict if k not in mine]
        wrong = []
        if strict and unexpected:
            wrong.append(f"Unexpected key(s) in state_dict: {_listed(unexpected)}. ")
        if strict and missing:
            wrong.append(f"Missing key(s) in state_dict: {_listed(missing)}. ")
        values = {k: as_tensor(state_dict[k]) for k in mine if k in state_dict}
        for k, value in values.items():
            if isinstance(mine[k], Unsized):
                mine[k].materialise(value)
            elif value.shape != mine[k].shape:
                wrong.append(
                    f"size mismatch for {k}: copying a param with shape {value.shape} from checkpoint, the shape in "
                    f"current model is {mine[k].shape}."
                )
        if wrong:
            lines = "\n\t".join(wrong)
            raise StateError(tr(
                "Error(s) in loading state_dict for {kind}:\n\t{lines}\nLoad it into a model of the same "
                "structure, or pass strict=False to leave other names alone.",
                kind=type(self).__name__, lines=lines,
            ))  # fmt: skip
        with no_grad():
            for k, value in values.items():
                if assign:
                    path, _, name = k.rpartition(".")
                    module = self.get_submodule(path)
                    is_parameter = name in module._parameters
                    kept = Parameter(value, mine[k].requires_grad) if is_parameter else value
                    module.__dict__["_parameters" if is_parameter else "_buffers"][name] = kept
                else:
                    mine[k].copy_(value)
        return IncompatibleKeys(missing, unexpected)

    # -- hooks -----------------------------------------------------------------------------------------
    def register_forward_pre_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False
    ) -> Any:
        """Call `hook(module, args)` before `forward`; what it gives, if it is not None, stands in for the arguments."""
        return RemovableHandle(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Any:  # fmt: skip
        """Call `hook(module, args, output)` after `forward`; what it gives, if it is not None, is the output."""
        return RemovableHandle(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are there; it may give others."""
        return RemovableHandle(self._backward_hooks, (hook,), prepend)

    register_backward_hook = register_full_backward_hook

    def register_full_backward_pre_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(module, grad_output)` when the outputs' gradients are there; it may give others."""
        return RemovableHandle(self._backward_pre_hooks, (hook,), prepend)

    # -- all of it at once ---------------------------------------------------------------------------
    def train(self, mode: bool = True) -> Any:
        """Say whether this is training (dropout drops) or not."""
        if not isinstance(mode, bool):
            raise ValueError(tr("training mode is expected to be boolean: write train(True), or eval()."))
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Say that this is not training."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else Tensor.wrap(np.zeros_like(p.grad.array), None)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for the gradients of all parameters, or no longer."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def apply(self, fn: Callable[[Any], Any]) -> Any:
        """Call `fn` with every module within and this one, inner ones first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> Any:
        """Move all parameters and buffers to another dtype or device, or to those of a tensor, in place."""
        for a in args:
            if isinstance(a, Tensor):
                device, dtype = a.device, a.dtype
            elif isinstance(a, bool):
                continue
            elif str(a).partition(":")[0] in ("cpu", "cuda"):
                device = a
            else:
                dtype = a
        if dtype is not None and np.dtype(dtype).kind not in "fc":
            raise TypeError(tr(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}: "
                "parameters need a gradient.", dtype=dtype,
            ))  # fmt: skip
        for t in [*self.parameters(), *self.buffers()]:
            array = t.array
            if dtype is not None and array.dtype.kind in "fc":
                array = array.astype(np.dtype(dtype), copy=False)
            if device is not None:
                array = arrays.to_device(array, device)
            if array is not t.array:
                grad = t.grad
                t.array, t.node = array, leaf(array) if t.requires_grad else None
                if grad is not None:
                    t.grad = grad.to(dtype=t.dtype, device=t.device)
        return self

    def double(self) -> Any:
        """Make all parameters float64."""
        return self.to(np.float64)

    def float(self) -> Any:
        """Make all parameters float32."""
        return self.to(np.float32)

    def half(self) -> Any:
        """Make all parameters float16."""
        return self.to(np.float16)

    def type(self, dst_type: Any) -> Any:
        """Make all parameters of this dtype."""
        return self.to(dst_type)

    def cpu(self) -> Any:
        """Move all parameters to the host."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Any:
        """Move all parameters to a GPU."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    # -- printing ------------------------------------------------------------------------------------
    def extra_repr(self) -> str:
        """Give what stands between the brackets of this module's own line."""
        return ""

    def _get_name(self) -> str:
        return self.__class__.__name__

    def _inner(self) -> list[str]:
        return [f"({k}): {m!r}" for k, m in self._modules.items()]

    def __repr__(self) -> str:
        extra = self.extra_repr()
        own, inner = (
            extra.split("\n") if extra else [],
            [line.replace("\n", "\n  ") for line in self._inner()],
        )
        if len(own) == 1 and not inner:
            return f"{self._get_name()}({extra})"
        if not own and not inner:
            return f"{self._get_name()}()"
        return "\n  ".join([f"{self._get_name()}(", *own, *inner]) + "\n)"


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
