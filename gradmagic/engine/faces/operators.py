"""Python's operators on tracked values: straight to the tape, by hand, because they are the hot path.

In: two operands. Out: a tracked result. Where both sides have one aval (or the other side is a Python number) a
node is made here, in about 0.4 us; everything else goes through `dispatch`.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import arrays
from ..derivatives import tables  # noqa: F401  (all rules are declared from here on)
from ..dispatch.calls import call, call_binary, call_elementwise, call_linear, call_unary, constantly
from ..dispatch.non_numbers import failed
from ..dispatch.protocols import array_function, array_ufunc, cupy_kernel
from ..rules.declare import RULES
from ..rules.pointwise import Elementwise
from ..tape.modes import OFF, mode_now
from ..tape.nodes import Node, constant_for, tick
from ..tape.tracked import Tracked, raw

_frame = sys._getframe
_ndarray = np.ndarray
# The making of a node is written out at each place: a call of a function for it costs 36 ns on every operation, and
# `_binary` and `_reflected` as one function, with one making of a node at its end, 20 to 45 ns: 3 to 6 %.
# Node() and Tensor() without arguments: 71 ns; object.__new__(Node) 99, a Python __init__ 270.


def _binary(op: Callable[[Any, Any], Any], ufunc: Any, blank: Any = None) -> Callable[[Any, Any], Any]:
    rule = RULES[ufunc]
    fast = rule.twin
    _, left, _, both = rule.keeps
    out_l, x_l, y_l = left
    out_b, x_b, y_b = both
    keep_left, keep_both = any(left), any(both)

    def method(self: Any, other: Any) -> Any:
        n = self.node
        mode = mode_now()
        if n is not None and mode is not OFF and (aval := n.aval).fast:
            kind = type(other)
            x = self.array
            if kind is type(self):
                m = other.node
                if m is not None and m.aval is aval:
                    y = other.array
                    try:
                        out = op(x, y)
                    except TypeError as error:
                        raise failed(error, rule, (self, other)) from None
                    node = Node()
                    node.rule = fast
                    node.inputs = (n, m)
                    node.saved = (
                        (out if out_b else None, x if x_b else None, y if y_b else None)
                        if keep_both
                        else None
                    )
                    node.aval = aval
                    node.number = tick()
                    node.place = None
                    made = blank()
                    made.array = out
                    made.node = node
                    if mode is not None:
                        mode(node, out, _frame(1))
                    return made
                if m is not None and m.aval.dtype is aval.dtype and m.aval.fast:  # other shapes, no promotion
                    return call_binary(rule, op, self, other)
            else:
                if kind is float or kind is int or (kind is aval.number and aval.python is None):
                    if type(x) is _ndarray and (cache := aval.constants) is not None:
                        y = cache.get(other)
                        if y is None:
                            y = constant_for(aval, other)
                    else:
                        y = other
                elif kind is _ndarray and type(x) is _ndarray and x.dtype is other.dtype:  # no promotion
                    if other.shape != aval.shape:
                        return call_elementwise(rule, (self, other), op)
                    y = other
                else:
                    return self.operate(rule, op, (self, other))
                out = op(x, y)
                node = Node()
                node.rule = fast
                node.inputs = (n, None)
                node.saved = (
                    (out if out_l else None, x if x_l else None, y if y_l else None) if keep_left else None
                )
                node.aval = aval
                node.number = tick()
                node.place = None
                made = blank()
                made.array = out
                made.node = node
                if mode is not None:
                    mode(node, out, _frame(1))
                return made
        return self.operate(rule, op, (self, other))

    return method


def _reflected(
    op: Callable[[Any, Any], Any], ufunc: Any, torch: str = "", blank: Any = None
) -> Callable[[Any, Any], Any]:
    rule = RULES[ufunc]
    rule = rule.called(torch) if torch else rule
    fast = rule.twin
    out_r, x_r, y_r = rule.keeps[2]
    keep_right = any(rule.keeps[2])

    def method(self: Any, other: Any) -> Any:
        n = self.node
        mode = mode_now()
        kind = type(other)
        if (
            n is not None
            and mode is not OFF
            and (aval := n.aval).fast
            and (kind is float or kind is int or (kind is aval.number and aval.python is None))
        ):
            y = self.array
            x = other
            if type(y) is _ndarray and (cache := aval.constants) is not None:
                x = cache.get(other)
                if x is None:
                    x = constant_for(aval, other)
            out = op(x, y)
            node = Node()
            node.rule = fast
            node.inputs = (None, n)
            node.saved = (
                (out if out_r else None, x if x_r else None, y if y_r else None) if keep_right else None
            )
            node.aval = aval
            node.number = tick()
            node.place = None
            made = blank()
            made.array = out
            made.node = node
            if mode is not None:
                mode(node, out, _frame(1))
            return made
        return self.operate(rule, op, (other, self))

    return method


def _plain(op: Callable[[Any, Any], Any], ufunc: Any, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """An operator off the hot path."""

    def method(self: Any, other: Any) -> Any:
        args = (other, self) if swapped else (self, other)
        return self.operate(RULES[ufunc], op, args)

    return method


def _unary(op: Callable[[Any], Any], ufunc: Any) -> Callable[[Any], Any]:
    rule = RULES[ufunc]

    def method(self: Any) -> Any:
        return call_unary(rule, op, self)

    return method


_SQUARE = RULES[np.square]
_general_power = _plain(operator.pow, np.power)


def _power(self: Any, exponent: Any, modulus: Any = None) -> Any:
    # x**2 is NumPy's square, in NumPy too; everything else is left to NumPy's own choice (sqrt for 0.5 ...).
    if modulus is not None:  # of whole numbers: steps
        return pow(*map(raw, (self, exponent, modulus)))
    if type(exponent) is int and exponent == 2 and type(self.array) is _ndarray:
        return call_unary(_SQUARE, np.square, self)
    return _general_power(self, exponent)


# The fast operators, made for each class with what makes a blank one of it: `self.blank()` takes 60 ns more.
_FAST: dict[str, Callable[[Any], Any]] = {
    "__add__": lambda blank: _binary(operator.add, np.add, blank),
    "__radd__": lambda blank: _reflected(operator.add, np.add, "", blank),
    "__sub__": lambda blank: _binary(operator.sub, np.subtract, blank),
    "__rsub__": lambda blank: _reflected(operator.sub, np.subtract, "RsubBackward1", blank),
    "__mul__": lambda blank: _binary(operator.mul, np.multiply, blank),
    "__rmul__": lambda blank: _reflected(operator.mul, np.multiply, "", blank),
    "__truediv__": lambda blank: _binary(operator.truediv, np.divide, blank),
    "__rtruediv__": lambda blank: _reflected(
        operator.truediv, np.divide, "MulBackward0", blank
    ),  # 1 / y, times x
}


class Operators(Tracked):
    """The operators that both faces share; `operate` is the face's own way for unequal dtypes."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, make in _FAST.items():
            there = getattr(cls, name, None)
            if there is None or hasattr(there, "fast"):  # not what a user's class says otherwise
                method: Any = make(cls.blank)
                method.fast = True
                method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
                setattr(cls, name, method)

    def operate(
        self, rule: Elementwise, op: Callable[..., Any], args: tuple[Any, ...], shown: Any = None
    ) -> Any:
        """Compute an operator that the fast path does not cover; a message names the operands `shown`."""
        for a in args:
            if not (isinstance(a, _OPERANDS) or arrays.known(type(a))):
                return NotImplemented
        if type(self.array) is int and any(type(a) is list for a in args):
            return NotImplemented  # [0] * n repeats the list
        if not isinstance(rule, Elementwise):
            return call(rule, rule.function, args, {}) if rule is not _CONSTANT else self.compare(op, args)
        return call_elementwise(rule, args, op, shown)

    def compare(self, op: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Compute an operator without a derivative."""
        return self.wrap(constantly(op, args, {}), None)

    if TYPE_CHECKING:
        __add__: Any
        __radd__: Any
        __sub__: Any
        __rsub__: Any
        __mul__: Any
        __rmul__: Any
        __truediv__: Any
        __rtruediv__: Any
    __pow__: Any = _power
    __rpow__ = _plain(operator.pow, np.power, swapped=True)
    __mod__ = _plain(operator.mod, np.remainder)
    __rmod__ = _plain(operator.mod, np.remainder, swapped=True)
    __floordiv__ = _plain(operator.floordiv, np.floor_divide)
    __rfloordiv__ = _plain(operator.floordiv, np.floor_divide, swapped=True)
    __matmul__ = _plain(operator.matmul, np.matmul)
    __rmatmul__ = _plain(operator.matmul, np.matmul, swapped=True)
    __neg__ = _unary(operator.neg, np.negative)
    __pos__ = _unary(operator.pos, np.positive)
    __abs__ = _unary(operator.abs, np.absolute)
    __lt__ = _plain(operator.lt, np.less)
    __le__ = _plain(operator.le, np.less_equal)
    __gt__ = _plain(operator.gt, np.greater)
    __ge__ = _plain(operator.ge, np.greater_equal)
    __eq__ = _plain(operator.eq, np.equal)
    __ne__ = _plain(operator.ne, np.not_equal)
    __and__ = _plain(operator.and_, np.bitwise_and)
    __or__ = _plain(operator.or_, np.bitwise_or)
    __xor__ = _plain(operator.xor, np.bitwise_xor)
    __rand__ = _plain(operator.and_, np.bitwise_and, swapped=True)
    __ror__ = _plain(operator.or_, np.bitwise_or, swapped=True)
    __rxor__ = _plain(operator.xor, np.bitwise_xor, swapped=True)

    def __invert__(self) -> Any:
        return self.wrap(operator.invert(self.array), None)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    __array_ufunc__ = array_ufunc
    __array_function__ = array_function
    __array_priority__ = 1000
    __cupy_override_elementwise_kernel__ = cupy_kernel

    def __getitem__(self, index: Any) -> Any:
        rule = RULES[operator.getitem]
        if isinstance(index, (int, slice)):
            return call_linear(rule, operator.getitem, (self, index))
        return call(rule, operator.getitem, (self, index), {})

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Any:
        if not np.ndim(self.array):
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self.array)))

    def __contains__(self, value: Any) -> bool:
        return bool((self.array == raw(value)).any())


_CONSTANT = RULES[np.less]
_OPERANDS = (Tracked, _ndarray, np.generic, int, float, complex, list)
