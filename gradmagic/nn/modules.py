"""PyTorch's modules: `Module`, which holds parameters and other modules by name, its containers, and `Parameter`.

In: attributes set in `__init__`. Out: `parameters()`, `state_dict()`, and a call that runs `forward`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.methods import PARAMETERS
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.ends import leaf
from ..engine.tape.modes import no_grad, settings
from ..errors import ShapeError
from ..functions import as_tensor


class _IsParameter(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return PARAMETERS.get(id(value)) is value


class Parameter(metaclass=_IsParameter):
    """A Tensor that a Module registers when it is set as its attribute; it requires a gradient.

    It is a Tensor, marked: `isinstance(p, nn.Parameter)` holds, `type(p) is Tensor`.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.nn.Parameter(gm.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        made = as_tensor(np.zeros(0, np.float32) if data is None else data).detach()
        PARAMETERS[id(made)] = made
        return made.requires_grad_(requires_grad)


class _Loaded(list[Any]):
    def __repr__(self) -> str:
        return "<All keys matched successfully>" if not self else super().__repr__()


class Module:
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

    training: bool
    forward: Callable[..., Any]

    def __init__(self) -> None:
        names = ("_parameters", "_buffers", "_modules")
        self.__dict__.update({name: {} for name in names}, training=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        observer = settings().observer
        if observer is None:
            return self.forward(*args, **kwargs)
        observer.entered(self)
        try:
            return self.forward(*args, **kwargs)
        finally:
            observer.left(self)

    # -- attributes --------------------------------------------------------------------------------
    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"cannot assign {name!r} before Module.__init__() call: write super().__init__() first in __init__."
            )
        held = (self._parameters, self._buffers, self._modules)
        for kind in held:
            if name in kind and not isinstance(value, (Parameter, Module)):
                kind[name] = value
                return
        for kind in held:
            kind.pop(name, None)
        if isinstance(value, Parameter):
            self._parameters[name] = value
        elif isinstance(value, Module):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        for kind in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(kind, {})
            if name in found:
                return found[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for kind in (self._parameters, self._buffers, self._modules):
            if kind.pop(name, self) is not self:
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for p in self._parameters.values():  # copies of parameters are parameters
            if p is not None:
                PARAMETERS[id(p)] = p

    def register_parameter(self, name: str, param: Any) -> None:
        """Hold a parameter (or None) by this name."""
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Any) -> None:
        """Hold a tensor that is saved with the parameters and not trained."""
        self._buffers[name] = tensor

    def add_module(self, name: str, module: Any) -> None:
        """Hold a module by this name."""
        self._modules[name] = module

    # -- what it holds -----------------------------------------------------------------------------
    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Give this module and all within, each once, with their dotted names."""
        seen: set[int] = set()
        stack = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            inner = [(f"{name}.{k}" if name else k, m) for k, m in module._modules.items() if m is not None]
            stack += reversed(inner)

    def _named(self, kind: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for name, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for k, value in getattr(module, kind).items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{name}.{k}" if name else k), value

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        """Give the parameters with their dotted names."""
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """Give the parameters."""
        return (p for _, p in self._named("_parameters", "", recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        """Give the buffers with their dotted names."""
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Any]:
        """Give the buffers."""
        return (b for _, b in self._named("_buffers", "", recurse))

    def modules(self) -> Iterator[Module]:
        """Give this module and all within."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Give the modules held by this one itself, with their names."""
        return ((k, m) for k, m in self._modules.items() if m is not None)

    def children(self) -> Iterator[Module]:
        """Give the modules held by this one itself."""
        return (m for _, m in self.named_children())

    def state_dict(self) -> dict[str, Any]:
        """Give all parameters and buffers, detached, by their dotted names."""
        every = [*self.named_parameters(), *self.named_buffers()]
        return {name: t.detach() for name, t in every}

    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True) -> Any:
        """Copy values into the parameters and buffers of these names.

        Raises
        ------
        KeyError
            If names are missing or unknown, and `strict`.
        ShapeError
            If a shape differs.
        """
        mine = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        odd = [f"missing: {k}" for k in mine if k not in state_dict]
        odd += [f"unexpected: {k}" for k in state_dict if k not in mine]
        if odd and strict:
            raise KeyError(
                f"Error(s) in loading state_dict for {type(self).__name__}: {'; '.join(odd)}. "
                "Load it into a model of the same structure, or pass strict=False to leave these alone."
            )
        with no_grad():
            for name, t in mine.items():
                if name in state_dict:
                    value = as_tensor(state_dict[name])
                    if value.shape != t.shape:
                        raise ShapeError(
                            f"size mismatch for {name}: copying a param with shape {value.shape}, the shape in "
                            f"current model is {t.shape}. Make the model with the sizes that were saved."
                        )
                    t.copy_(value)
        return _Loaded(odd)

    # -- all of it at once ---------------------------------------------------------------------------
    def train(self, mode: bool = True) -> Any:
        """Say whether this is training (dropout drops) or not."""
        for module in self.modules():
            module.__dict__["training"] = mode
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

    def apply(self, fn: Callable[[Module], Any]) -> Any:
        """Call `fn` with every module within and this one, inner ones first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, dtype: Any = None, device: Any = None) -> Any:
        """Move all parameters and buffers to another dtype or device, in place."""
        for a in args:
            if isinstance(a, str) and (a == "cpu" or a.startswith("cuda")):
                device = a
            else:
                dtype = a
        for t in [*self.parameters(), *self.buffers()]:
            array = t.array
            if dtype is not None and array.dtype.kind in "fc":
                array = array.astype(np.dtype(dtype))
            if device is not None:
                array = arrays.to_device(array, device)
            if array is not t.array:
                t.array, t.node = array, leaf(array) if t.requires_grad else None
        return self

    def double(self) -> Any:
        """Make all parameters float64."""
        return self.to(np.float64)

    def float(self) -> Any:
        """Make all parameters float32."""
        return self.to(np.float32)

    def cpu(self) -> Any:
        """Move all parameters to the host."""
        return self.to("cpu")

    def cuda(self) -> Any:
        """Move all parameters to a GPU."""
        return self.to("cuda")

    # -- printing ------------------------------------------------------------------------------------
    def extra_repr(self) -> str:
        """Give what stands between the brackets of this module's own line."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        inner = [f"({k}): " + repr(m).replace("\n", "\n  ") for k, m in self._modules.items()]
        if not inner:
            return f"{type(self).__name__}({extra})"
        return "\n  ".join([f"{type(self).__name__}({extra}", *inner]) + "\n)"


class Sequential(Module):
    """Modules one after the other.

    Examples
    --------
    >>> from gradmagic import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], dict) else dict(enumerate(modules))
        for name, module in named.items():
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        """Run them."""
        for module in self._modules.values():
            input = module(input)
        return input

    def append(self, module: Module) -> Any:
        """Add one at the end."""
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        found = list(self._modules.values())[index]
        return type(self)(*found) if isinstance(index, slice) else found


class ModuleList(Sequential):
    """A list of modules; it has no `forward` of its own."""

    def __getitem__(self, index: Any) -> Any:
        found = list(self._modules.values())[index]
        return type(self)(found) if isinstance(index, slice) else found

    def __init__(self, modules: Any = ()) -> None:
        super().__init__(*modules)

    def forward(self, input: Any) -> Any:
        """Say that a list of modules cannot be called."""
        raise NotImplementedError(
            'Module [ModuleList] is missing the required "forward" function: loop over it.'
        )
