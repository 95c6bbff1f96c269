"""Python's and NumPy's protocols for `Array`: what `len`, `in`, `math.floor`, `copy`, `pickle` or `np.asarray` ask for.

In: an Array and what the protocol hands over. Out: what the plain value gives; numbers and bytes leave the tape with a
note. What the plain value has not, it refuses with the plain value's own words.
"""

from __future__ import annotations

import copy
import math
import operator
import sys
from collections.abc import Callable
from functools import cache
from types import MethodType
from typing import Any
from weakref import finalize

import numpy as np

from ...core import arrays
from ...core.foreign import foreign
from ...core.frames import asks_attribute, assigns_entry
from ...dispatch.calls import call, call_elementwise, gathered, held
from ...dispatch.non_numbers import PLAIN, failed, outside
from ...rules.declare import RULES
from ...rules.pointwise import Elementwise
from ...rules.rule import CONSTANT
from ...tape.memory import copy_of
from ...tape.tracked import Tracked, raws
from ..operators import Operators


class Missing(AttributeError, TypeError):
    """What `len(x)` of a lifted float is, and `x.__len__`: a TypeError to the one, no such attribute to the other."""


class Special:
    """A special method that exists where the lifted value has it: `hasattr(x, "__len__")` is False for a float."""

    def __init__(self, function: Callable[..., Any], name: str, ask: Callable[[Any], Any]) -> None:
        self._function, self._name, self._ask = function, name, ask
        self.__doc__ = f"As `ndarray.{name}`."

    def __get__(self, x: Any, owner: Any = None) -> Any:
        if x is None:
            return self._function
        if hasattr(x.array, self._name):
            return MethodType(self._function, x)
        try:
            self._ask(x.array)
        except (TypeError, AttributeError) as error:  # with the words of the value's own type
            raise Missing(str(error)) from None
        raise Missing(self._name)


# Special methods that nothing but their own type needs: read from the value, where they leave the tape if called.
PASSED = frozenset(
    "__array_finalize__ __array_namespace__ __array_wrap__ __class_getitem__ __dlpack_device__ __getformat__ "
    "__getnewargs__ __setstate__".split()
)


class Protocols(Operators):
    """Special methods of ndarray, NumPy's scalars and Python's numbers."""

    __slots__ = ()

    # -- operators off the fast path ------------------------------------------------------------------------------
    def operate(self, rule: Any, op: Callable[..., Any], args: tuple[Any, ...], shown: Any = None) -> Any:
        """Compute an operator as NumPy does, whatever stands on the other side."""
        other = args[1] if args[0] is self else args[0]
        kind = type(other)
        if kind in PLAIN:
            if kind is np.ndarray and other.dtype.kind not in "biufc":
                return self._operate_oddly(rule, op, args, other)
        elif not issubclass(kind, Tracked):
            return self._operate_oddly(rule, op, args, other)
        if op is operator.matmul and not arrays.is_array(self.array):
            return op(*raws(args)) if issubclass(kind, Tracked) else NotImplemented
        if type(rule) is Elementwise:
            return call_elementwise(rule, args, op, shown)
        return self.compare(op, args) if rule is CONSTANT else call(rule, rule.function, args, {})

    def _operate_oddly(self, rule: Any, op: Callable[..., Any], args: tuple[Any, ...], other: Any) -> Any:
        """Compute an operator with a list, or with a value that no gradient passes through."""
        kind = type(other)
        array = arrays.is_array(self.array)
        if kind in (list, tuple, range):
            if type(self.array) in (int, float, complex, bool):
                return NotImplemented  # [0] * n repeats the list
            made = op(*raws(args))  # of a NumPy scalar: n * [0] repeats it too
            if not isinstance(made, (np.ndarray, np.generic)) or np.asarray(made).dtype.kind not in "biufc":
                return made
            other_array = gathered(other) if held(other) else np.asarray(other)
            return self.operate(rule, op, tuple(other_array if a is other else a for a in args))
        if foreign(other) is None:  # an array of another library or device
            return super().operate(rule, op, args)
        text = rule is CONSTANT and (other is None or isinstance(other, str))  # x == None: entry by entry
        if getattr(kind, "__array_ufunc__", 0) is None or not (
            array or text or isinstance(other, np.ndarray)
        ):
            return NotImplemented  # it may know how to go on: Python asks it next
        try:
            made = op(*raws(args))
        except TypeError as error:  # in a cell it is raised as without the magic
            raise failed(error, rule, args) from None
        return made if made is NotImplemented or rule is CONSTANT else outside(rule.name, args, made)

    def __lshift__(self, other: Any) -> Any:
        return self.operate(RULES[np.left_shift], operator.lshift, (self, other))

    def __rlshift__(self, other: Any) -> Any:
        return self.operate(RULES[np.left_shift], operator.lshift, (other, self))

    def __rshift__(self, other: Any) -> Any:
        return self.operate(RULES[np.right_shift], operator.rshift, (self, other))

    def __rrshift__(self, other: Any) -> Any:
        return self.operate(RULES[np.right_shift], operator.rshift, (other, self))

    def __divmod__(self, other: Any) -> Any:
        return _divided(self, other, self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return _divided(self, other, other, self)

    # -- numbers --------------------------------------------------------------------------------------------------
    def __float__(self) -> float:
        assigned = assigns_entry(sys._getframe(1))
        return float(self.leave("assignment" if assigned else "float"))

    def __int__(self) -> int:
        return int(self.leave("int"))

    def __complex__(self) -> complex:
        return complex(self.leave("complex"))

    def __bool__(self) -> bool:
        return bool(self.array)

    def __index__(self) -> int:
        return operator.index(self.array)

    def __round__(self, *digits: Any) -> Any:
        return round(self.array, *digits)

    def __trunc__(self) -> Any:
        return math.trunc(self.array)

    def __floor__(self) -> Any:
        return math.floor(self.array)

    def __ceil__(self) -> Any:
        return math.ceil(self.array)

    def __hash__(self) -> int:
        return hash(self.array)

    def __bytes__(self) -> bytes:
        return bytes(self.leave("tobytes"))

    # -- containers -----------------------------------------------------------------------------------------------
    __len__: Any = Special(lambda x: len(x.array), "__len__", len)

    def __iter__(self) -> Any:
        if not np.ndim(self.array):
            return iter(self.array)  # raises, in the words of its type
        return (self[i] for i in range(len(self.array)))

    def __contains__(self, value: Any) -> bool:
        return raws(value) in self.array

    def __delitem__(self, index: Any) -> None:
        del self.array[index]  # raises: no array can lose an entry

    # -- copies ---------------------------------------------------------------------------------------------------
    def __copy__(self) -> Any:
        x: Any = self
        return np.copy(x, order="K") if arrays.is_array(self.array) else self

    def __deepcopy__(self, memo: Any) -> Any:
        return copy.copy(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        value = self.leave("pickle")
        if isinstance(value, (np.ndarray, np.generic)):
            return value.__reduce_ex__(protocol)
        return type(value), (value,)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __sizeof__(self) -> int:
        # sys.getsizeof adds what the garbage collector keeps of this object and, of a number, would not.
        return max(0, sys.getsizeof(self.array) - _collected(type(self)))  # type: ignore[arg-type]  # it is hashable

    # -- memory ---------------------------------------------------------------------------------------------------
    @property
    def __array_interface__(self) -> Any:
        # np.asarray(x) asks for this first, and shall take __array__, which tells the tape.
        if not asks_attribute(sys._getframe(1)):
            raise AttributeError("__array_interface__")
        array = self.leave("asarray")
        found = array.__array_interface__
        finalize(self, lambda kept: None, array)  # who holds this Array may hold its memory
        return found | {"data": (found["data"][0], True)}  # to read: a write would pass the tape

    __dlpack__: Any = Special(
        lambda x, **options: copy_of(x.leave("asarray")).__dlpack__(**options),
        "__dlpack__",
        np.from_dlpack,
    )

    def __dir__(self) -> list[str]:
        return dir(self.array)


@cache
def _collected(kind: type) -> int:
    """Tell how many bytes stand before an object of this kind: the garbage collector's, and references."""
    empty = type("Empty", (kind,), {"__slots__": (), "__sizeof__": lambda _: 0})
    return sys.getsizeof(object.__new__(empty))


def _divided(x: Any, other: Any, left: Any, right: Any) -> Any:
    plain = raws(other)
    if not (arrays.is_typed(plain) or isinstance(plain, (int, float, complex))):
        return NotImplemented
    divmod(raws(left), raws(right))  # raises where NumPy does
    return left // right, left % right
