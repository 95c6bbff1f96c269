"""PyTorch's old ways to make a tensor: `gm.Tensor([1, 2])`, `gm.FloatTensor(2, 3)`, `autograd.Variable(t)`.

In: sizes, or data. Out: a tensor of the dtype that the name says; `isinstance(t, gm.LongTensor)` asks for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from ...core.foreign import is_lazy
from ...tape.tracked import Tracked, raw
from . import defaults
from .dtypes import SPOKEN, dtype_of
from .make import tensor
from .tensor import Tensor


def _old(cls: type[Tensor], *args: Any, dtype: Any = None, device: Any = None) -> Any:
    """Make a tensor of sizes (its numbers are 0; PyTorch's are what memory held) or of data.

    Raises
    ------
    TypeError
        If it is neither.
    """
    kind = np.dtype(dtype) if dtype is not None else defaults.float_dtype()
    if all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in args):
        array = np.zeros(args if args else (0,), kind)  # type: ignore[arg-type]
    elif len(args) != 1 or isinstance(args[0], (float, bool, str, type(None))):
        got = ", ".join(type(a).__name__ for a in args)
        raise TypeError(tr(
            "new(): data must be a sequence (got {got}): write gm.tensor(...) for numbers.", got=got,
        ))  # fmt: skip
    elif isinstance(args[0], Tracked):
        if dtype is not None and raw(args[0]).dtype != kind:
            raise TypeError(tr(
                "expected {kind} (got {dtype}): write t.to({wanted!r}).", kind=kind,
                dtype=raw(args[0]).dtype, wanted=dtype_of(kind),
            ))  # fmt: skip
        return Tensor.wrap(raw(args[0]), None)
    elif is_lazy(args[0]):
        return tensor(args[0])  # which says what to write
    else:
        array = np.array(args[0]).astype(kind)
    place = defaults.device() if device is None else device
    made = cls.blank()
    made.array, made.node = array if place is None else arrays.to_device(array, place), None
    return made


# Tensors are made by `wrap` and by the operators, which go around the constructor: it is for users alone.
Tensor.__new__ = staticmethod(_old)  # type: ignore[method-assign, assignment]


class _OfDtype(type):
    dtype: Any

    def __call__(cls, *args: Any, **options: Any) -> Any:
        return _old(Tensor, *args, dtype=cls.dtype, **options)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor) and value.array.dtype == cls.dtype


TYPES: dict[str, Any] = {
    f"{name}Tensor": _OfDtype(
        f"{name}Tensor",
        (),
        {
            "dtype": np.dtype(dtype),
            "__module__": "torch",
            "__doc__": f"A tensor of {dtype}, by PyTorch's old name.",
        },
    )
    for dtype, name in SPOKEN.items()
    if not name.startswith("Complex")
}


def set_default_tensor_type(t: Any, /) -> None:
    """Make floats as this type from now on: `gm.DoubleTensor` or its name."""
    name = t.rpartition(".")[2] if isinstance(t, str) else getattr(t, "__name__", "")
    if name not in TYPES:
        raise TypeError(tr("invalid type object: {t!r}: write gm.set_default_dtype(gm.float64).", t=t))
    defaults.set_default_dtype(TYPES[name].dtype)


class _IsTensor(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_IsTensor):
    """A tensor, as it was called in PyTorch before 0.4.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.autograd import Variable
    >>> Variable(gm.ones(2), requires_grad=True)
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        return data.detach().requires_grad_(requires_grad)
