"""The operators of recording arrays: as NumPy's ufuncs do them, or Python where both sides are Python's numbers.

In: `Recorded`. Out: the same class, with operators.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..tape.tracked import Tracked
from .recorded import Recorded, RecordedFloat, RecordedInt, running

_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "divmod": np.divmod, "matmul": np.matmul, "lshift": np.left_shift, "rshift": np.right_shift,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip
_COMPARED = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def _numbers(*values: Any) -> bool:
    """Tell whether all are Python's numbers, which Python computes with."""
    return all(type(v) in (RecordedFloat, RecordedInt, float, int, bool, complex) for v in values)


def _operators(name: str, ufunc: Any) -> None:
    """Give `Recorded` the operator of that name, as NumPy's ufunc does it, or Python where all are Python's numbers."""
    python = getattr(operator, name if name != "and" and name != "or" else name + "_", divmod)

    def forward(self: Any, other: Any) -> Any:
        if _numbers(self, other):
            return running().call(python, (self, other))
        return ufunc(self, other) if _fits(self, other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        if _numbers(self, other):
            return running().call(python, (other, self))
        return ufunc(other, self) if _fits(self, other) else NotImplemented

    def in_place(self: Any, other: Any) -> Any:
        if type(self.value) is not np.ndarray:
            return forward(self, other)
        return ufunc(self, other, out=(self,)) if _fits(self, other) else NotImplemented

    setattr(Recorded, f"__{name}__", forward)
    if name not in _COMPARED:
        setattr(Recorded, f"__r{name}__", reflected)
        setattr(Recorded, f"__i{name}__", in_place)


def _fits(self: Any, other: Any) -> bool:
    """Tell whether NumPy computes with both: a list times a number of Python's is a longer list."""
    python = _numbers(self) and isinstance(other, (list, tuple, bytes))
    return other is not None and not isinstance(other, str) and not python


def _unary(name: str, ufunc: Any) -> None:
    python = getattr(operator, name)

    def act(self: Any) -> Any:
        return running().call(python, (self,)) if _numbers(self) else ufunc(self)

    setattr(Recorded, f"__{name}__", act)


def _power(self: Any, other: Any) -> Any:
    if isinstance(other, Tracked):
        return np.power(self, other)  # type: ignore[call-overload]
    return running().call(operator.pow, (self, other))


for _name, _ufunc in {**_BINARY, **_COMPARED}.items():
    _operators(_name, _ufunc)
for _name, _ufunc in _UNARY.items():
    _unary(_name, _ufunc)
setattr(Recorded, "__pow__", _power)  # noqa: B010
setattr(Recorded, "__rpow__", lambda self, other: running().call(operator.pow, (other, self)))  # noqa: B010


def _in_place_power(self: Any, other: Any) -> Any:
    if type(self.value) is not np.ndarray:
        return _power(self, other)
    return np.power(self, other, out=(self,))


Recorded.__ipow__ = _in_place_power  # type: ignore[attr-defined]
