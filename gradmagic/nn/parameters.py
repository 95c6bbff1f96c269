"""`Parameter`: a Tensor that a Module registers, also one whose size is not known yet.

In: data. Out: a Tensor, marked: `isinstance(p, nn.Parameter)` holds, `type(p) is Tensor`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.faces.torch.methods import PARAMETERS
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.ends import leaf
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


class Unsized(Tensor):
    """A parameter of a lazy module before its first input, which says how large it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<UninitializedParameter>"

    def materialise(self, value: Any) -> None:
        """Become an ordinary parameter with this value."""
        self.array = value.array
        if self.node is not None:
            self.node = leaf(self.array)
        object.__setattr__(self, "__class__", Tensor)


def unsized(requires_grad: bool = True) -> Any:
    """Make a parameter without a size."""
    made = Unsized.wrap(np.zeros(0, np.float32), None)
    PARAMETERS[id(made)] = made
    return made.requires_grad_() if requires_grad else made
