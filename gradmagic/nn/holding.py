"""What a module holds by name: parameters, buffers and other modules, set as attributes or registered.

In: `self.name = value`. Out: walks through all that is held, also by the modules within.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..engine.faces.torch.methods import PARAMETERS
from ..engine.faces.torch.tensor import Tensor
from ..language import tr
from .parameters import Parameter

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_HELD = ("_parameters", "_buffers", "_modules")


class Holding:
    """The names of a `Module`."""

    training: bool

    def __init__(self) -> None:
        held: dict[str, Any] = {name: {} for name in (*_HELD, *_HOOKS)}
        self.__dict__.update(held, _non_persistent_buffers_set=set(), training=True)

    # -- attributes --------------------------------------------------------------------------------
    def __setattr__(self, name: str, value: Any) -> None:
        d = self.__dict__
        if "_parameters" not in d:
            if isinstance(value, (Parameter, Holding)):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(tr(
                    "cannot assign {what} before Module.__init__() call: write super().__init__() first in "
                    "__init__.", what=kind,
                ))  # fmt: skip
            object.__setattr__(self, name, value)
            return
        parameter, module = isinstance(value, Parameter), isinstance(value, Holding)
        if not (parameter or module):
            for kind in ("_parameters", "_modules"):
                if name in d[kind]:
                    if value is not None:
                        raise TypeError(
                            tr("cannot assign {typename!r} as parameter {name!r} (torch.nn.Parameter or None "
                               "expected): wrap it in nn.Parameter(...), or write into it: with gm.no_grad(): "
                               "module.{name}.copy_(...).", typename=_typename(value), name=name)
                            if kind == "_parameters"
                            else tr("cannot assign {typename!r} as child module {name!r} (torch.nn.Module or None "
                                    "expected): give a module.", typename=_typename(value), name=name)
                        )  # fmt: skip
                    d[kind][name] = value
                    return
            if name in d["_buffers"]:
                d["_buffers"][name] = value
                return
            object.__setattr__(self, name, value)
            return
        mine = "_parameters" if parameter else "_modules"
        for kind in _HELD:
            if kind != mine:
                d[kind].pop(name, None)
        d.pop(name, None)
        d[mine][name] = value

    def __getattr__(self, name: str) -> Any:
        for kind in _HELD:
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
        self.__dict__.update({name: {} for name in _HOOKS} | {"_non_persistent_buffers_set": set()} | state)
        for p in self._parameters.values():  # copies of parameters are parameters
            if p is not None:
                PARAMETERS[id(p)] = p

    # -- what is held by name ------------------------------------------------------------------------
    def _checked(self, kind: str, what: str, name: Any) -> str:
        if "_parameters" not in self.__dict__:
            raise AttributeError(tr(
                "cannot assign {what} before Module.__init__() call: write super().__init__() first in "
                "__init__.", what=what,
            ))  # fmt: skip
        if not isinstance(name, str):
            raise TypeError(tr(
                "{what} name should be a string. Got {kind}: write str(name).",
                what=what, kind=type(name).__name__,
            ))  # fmt: skip
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[kind]:
            raise KeyError(f"attribute {name!r} already exists")
        return name

    def register_parameter(self, name: str, param: Any) -> None:
        """Hold a parameter (or None) by this name."""
        self._checked("_parameters", "parameter", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(tr(
                "cannot assign {typename!r} object to parameter {name!r} (torch.nn.Parameter or None "
                "required): wrap it in nn.Parameter(...).", typename=_typename(param), name=name,
            ))  # fmt: skip
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Hold a tensor that is saved with the parameters (if `persistent`) and not trained."""
        self._checked("_buffers", "buffer", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(tr(
                "cannot assign {typename!r} object to buffer {name!r} (torch Tensor or None required): make "
                "it with gm.tensor(...).", typename=_typename(tensor), name=name,
            ))  # fmt: skip
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(
            name
        )

    def add_module(self, name: str, module: Any) -> None:
        """Hold a module (or None) by this name."""
        if module is not None and not isinstance(module, Holding):
            raise TypeError(tr(
                "{typename} is not a Module subclass: give an nn.Module.", typename=_typename(module),
            ))  # fmt: skip
        self._checked("_modules", "module", name)
        self._modules[name] = module

    register_module = add_module

    def get_submodule(self, target: str) -> Any:
        """Give the module of a dotted name."""
        module: Any = self
        for part in target.split(".") if target else ():
            if not hasattr(module, part):
                raise AttributeError(f"{type(module).__name__} has no attribute `{part}`")
            module = getattr(module, part)
            if not isinstance(module, Holding):
                raise AttributeError(f"`{part}` is not an nn.Module")
        return module

    def _got(self, target: str, kind: str, what: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module.__dict__[kind]:
            raise AttributeError(
                f"{type(module).__name__} has no attribute `{name}`"
                if not hasattr(module, name)
                else f"`{name}` is not {what}"
            )
        return module.__dict__[kind][name]

    def get_parameter(self, target: str) -> Any:
        """Give the parameter of a dotted name."""
        return self._got(target, "_parameters", "an nn.Parameter")

    def get_buffer(self, target: str) -> Any:
        """Give the buffer of a dotted name."""
        return self._got(target, "_buffers", "a buffer")

    # -- what it holds -----------------------------------------------------------------------------
    def named_modules(
        self, memo: Any = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Give this module and all within, each once, with their dotted names."""
        seen = set() if memo is None else memo
        stack: list[tuple[str, Holding]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if remove_duplicate:
                if module in seen:
                    continue
                seen.add(module)
            yield name, module
            inner = [(f"{name}.{k}" if name else k, m) for k, m in module._modules.items() if m is not None]
            stack += reversed(inner)

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool = True) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        inner = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for name, module in inner:
            for k, value in module.__dict__[kind].items():
                if value is not None and not (once and id(value) in seen):
                    seen.add(id(value))
                    yield (f"{name}.{k}" if name else k), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        """Give the parameters with their dotted names."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """Give the parameters."""
        return (p for _, p in self._named("_parameters", "", recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        """Give the buffers with their dotted names."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Any]:
        """Give the buffers."""
        return (b for _, b in self._named("_buffers", "", recurse))

    def modules(self) -> Iterator[Any]:
        """Give this module and all within."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """Give the modules held by this one itself, each once, with their names."""
        first = {id(m): k for k, m in reversed(self._modules.items())}
        return ((k, m) for k, m in self._modules.items() if m is not None and first[id(m)] == k)

    def children(self) -> Iterator[Any]:
        """Give the modules held by this one itself."""
        return (m for _, m in self.named_children())


def _typename(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(value.type())
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
