"""Modules that hold others, or parameters, in order or by name: `Sequential`, `ModuleList`, `ParameterDict` ...

In: modules or parameters. Out: Python's lists and dicts of them, which a network registers as a whole.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any

from ..language import tr
from .modules import Module
from .parameters import Parameter


class _Ordered(Module):
    """Modules numbered from 0."""

    def _at(self, index: Any) -> str:
        i, n = operator.index(index), len(self)
        if not -n <= i < n:
            raise IndexError(tr("index {i} is out of range: it holds {n} modules.", i=i, n=n))
        return list(self._modules)[i]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._of(list(self._modules.items())[index])
        return self._modules[self._at(index)]

    def _of(self, pairs: list[tuple[str, Any]]) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Any) -> None:
        self._modules[self._at(index)] = module

    def __delitem__(self, index: Any) -> None:
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [self._at(index)]:
            del self._modules[name]
        self._renumber(list(self._modules.values()))

    def _renumber(self, modules: list[Any]) -> None:
        self._modules.clear()
        for i, module in enumerate(modules):
            self._modules[str(i)] = module

    def append(self, module: Any) -> Any:
        """Add one at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Any]) -> Any:
        """Add several at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Any) -> Any:
        """Add one before the one at `index`."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int = -1) -> Any:
        """Take one away, and give it."""
        module = self[key]
        del self[key]
        return module


class Sequential(_Ordered):
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

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0] if len(args) == 1 and isinstance(args[0], dict) else dict(enumerate(args))
        for name, module in named.items():
            self.add_module(str(name), module)

    def _of(self, pairs: list[tuple[str, Any]]) -> Any:
        return type(self)(dict(pairs))

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def forward(self, input: Any) -> Any:
        """Run them."""
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_Ordered):
    """A list of modules; it has no `forward` of its own."""

    def __init__(self, modules: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _of(self, pairs: list[tuple[str, Any]]) -> Any:
        return type(self)(module for _, module in pairs)

    def __add__(self, other: Iterable[Any]) -> ModuleList:
        return ModuleList([*self, *other])

    __iadd__ = _Ordered.extend

    def _inner(self) -> list[str]:
        """Give modules that read the same as one line, as PyTorch does."""
        runs: list[list[Any]] = []
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        return [f"({a}): {t}" if a == b else f"({a}-{b}): {b - a + 1} x {t}" for a, b, t in runs]


class _ByName(Module):
    """Values by name: Python's dict over `self._values()`."""

    def _values(self) -> dict[str, Any]:
        return self._modules

    def __init__(self, values: Any = None) -> None:
        super().__init__()
        if values is not None:
            self.update(values)

    def update(self, values: Any) -> None:
        """Take over the pairs of a dict, or of a list of pairs."""
        for k, v in values.items() if hasattr(values, "items") else values:
            self[k] = v

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.add_module(key, value)

    def __delitem__(self, key: str) -> None:
        del self._values()[key]

    def __len__(self) -> int:
        return len(self._values())

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __contains__(self, key: object) -> bool:
        return key in self._values()

    def keys(self) -> Any:
        """Give the names."""
        return self._values().keys()

    def values(self) -> Any:
        """Give what is held."""
        return self._values().values()

    def items(self) -> Any:
        """Give names with what is held."""
        return self._values().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Give what is held by this name, or the default."""
        return self._values().get(key, default)

    def pop(self, key: str) -> Any:
        """Take one away, and give it."""
        return self._values().pop(key)

    def clear(self) -> None:
        """Take all away."""
        self._values().clear()


class ModuleDict(_ByName):
    """Modules by name; it has no `forward` of its own.

    Examples
    --------
    >>> from gradmagic import nn
    >>> d = nn.ModuleDict({"a": nn.Linear(2, 1)})
    >>> d["b"] = nn.ReLU()
    >>> list(d)
    ['a', 'b']
    """


def _as_parameter(value: Any) -> Any:
    return value if isinstance(value, Parameter) or value is None else Parameter(value)


class _OfParameters(Module):
    _typed = False  # whether the type is printed, not the dtype: as PyTorch does

    def __repr__(self) -> str:
        lines = [
            f"  ({k}): Parameter containing: [{p.type() if self._typed else p.dtype} of size "
            f"{'x'.join(map(str, p.shape))}{f' ({p.device})' if str(p.device) != 'cpu' else ''}]"
            for k, p in self._parameters.items()
        ]
        return f"{type(self).__name__}(" + "\n".join(lines) + ")"


class ParameterDict(_OfParameters, _ByName):
    """Parameters by name."""

    _typed = True

    def _values(self) -> dict[str, Any]:
        return self._parameters

    def __setitem__(self, key: str, value: Any) -> None:
        self.register_parameter(str(key), _as_parameter(value))


class ParameterList(_OfParameters):
    """A list of parameters.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.nn.ParameterList([gm.zeros(2, 3)])
    ParameterList(  (0): Parameter containing: [torch.float32 of size 2x3])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def append(self, value: Any) -> Any:
        """Add one at the end."""
        self.register_parameter(str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> Any:
        """Add several at the end."""
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parameters.values())

    def __getitem__(self, index: Any) -> Any:
        found = list(self._parameters.values())[index]
        return type(self)(found) if isinstance(index, slice) else found

    def __setitem__(self, index: int, value: Any) -> None:
        self._parameters[list(self._parameters)[index]] = _as_parameter(value)
