"""PyTorch's lazy modules, which take a size from their first input: `nn.LazyLinear(3)`.

In: the settings without the size of the input. Out: modules that are ordinary ones from their first call on.
"""

from __future__ import annotations

from typing import Any

from ..functions import get_rng_state, set_rng_state
from . import convolution, layers, normalization
from .modules import Module
from .parameters import Unsized, unsized

_OF: dict[str, tuple[Any, str, int]] = {  # the module, the name of its size, the dim that tells it
    "LazyLinear": (layers.Linear, "in_features", -1),
    **{f"Lazy{name}": (getattr(convolution, name), "in_channels", -int(name[-2]) - 1)
       for name in convolution.MODULES if name.startswith("Conv")},
    **{f"Lazy{name}": (getattr(normalization, name), "num_features", 1)
       for name in normalization.MODULES if name.endswith("d")},
}  # fmt: skip


class _Lazy(Module):
    """A module whose parameters have no size until its first input."""

    _kind: Any
    _size: str
    _dim: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        state = get_rng_state()  # what is drawn here is drawn again at the first input
        made = self._kind(1 if self._size == "num_features" else kwargs.get("groups", 1), *args, **kwargs)
        set_rng_state(state)
        Module.__init__(self)
        self.__dict__.update(made.__dict__)
        setattr(self, self._size, 0)
        for name, p in self._parameters.items():
            if p is not None:
                self._parameters[name] = unsized(p.requires_grad)
        self.__dict__["_given"] = (args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.initialize_parameters(*args)
        return self(*args, **kwargs)

    def has_uninitialized_params(self) -> bool:
        """Tell whether the size is not known yet."""
        return any(isinstance(p, Unsized) for p in self._parameters.values())

    def initialize_parameters(self, input: Any, *_: Any) -> None:
        """Take the size from an input; from now on this is an ordinary module."""
        args, kwargs = self.__dict__.pop("_given")
        made = self._kind(input.shape[self._dim], *args, **kwargs)
        for name, p in self._parameters.items():
            if p is not None:
                p.materialise(made._parameters[name])
        for name, b in made._buffers.items():
            if b is not None:
                self._buffers[name] = b.to(input.device)
        setattr(self, self._size, input.shape[self._dim])
        if str(input.device) != "cpu":
            self.to(input.device)
        object.__setattr__(self, "__class__", self._kind)


for _name, (_kind, _size, _dim) in _OF.items():
    _doc = f"`nn.{_kind.__name__}` that takes `{_size}` from its first input."
    _body = {"_kind": _kind, "_size": _size, "_dim": _dim, "__doc__": _doc, "__module__": __name__}
    globals()[_name] = type(_name, (_Lazy, _kind), _body)
MODULES = list(_OF)
