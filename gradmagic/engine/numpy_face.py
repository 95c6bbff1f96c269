"""ndarray's methods and attributes for `Array`: thin names over NumPy's functions, which dispatch to the tape.

In: an Array and a method's arguments, as ndarray takes them. Out: what ndarray gives, tracked where a gradient flows.
What a lifted Python number does not have (`x.sum()` of a float) it does not have here either.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import numpy as np

from . import arrays
from .dispatch import call
from .errors import ArgumentError
from .primitives import cast
from .rules.declare import RULES
from .tracked import Tracked


class _Method:
    """A method that exists where the lifted value has it: `hasattr(x, "sum")` is False for a lifted float."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function, self._name = function, name
        self.__doc__ = f"As `ndarray.{name}`."

    def __get__(self, x: Any, owner: Any = None) -> Any:
        if x is None:
            return self._function
        getattr(type(x.array), self._name)  # an AttributeError with the words of the value's own type
        return MethodType(self._function, x)


class _Property(_Method):
    """An attribute that is computed from the values, and so is tracked."""

    def __init__(
        self, function: Callable[..., Any], name: str, write: Callable[..., Any] | None = None
    ) -> None:
        super().__init__(function, name)
        self._write = write

    def __get__(self, x: Any, owner: Any = None) -> Any:
        if x is None:
            return self
        getattr(type(x.array), self._name)
        return self._function(x)

    def __set__(self, x: Any, value: Any) -> None:
        if self._write is None or not arrays.is_array(x.array):
            raise AttributeError(
                f"attribute {self._name!r} of a lifted {type(x.array).__name__} cannot be written: "
                f"make a new array instead (x = x.reshape(...), x = x.astype(...))."
            )
        self._write(x, value)


class Flat:
    """`x.flat`: the entries in a row, to read, to write and to walk over."""

    def __init__(self, x: Any) -> None:
        self.base = x

    def _place(self, index: Any) -> Any:
        shape = np.shape(self.base.array)
        return np.unravel_index(np.arange(np.size(self.base.array))[index], shape)

    def __getitem__(self, index: Any) -> Any:
        return np.ravel(self.base)[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.base.assign(self._place(index), value)

    def __iter__(self) -> Iterator[Any]:
        return iter(np.ravel(self.base))

    def __len__(self) -> int:
        return int(np.size(self.base.array))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(np.ravel(self.base), dtype)

    def copy(self) -> Any:
        """Give the entries as an array of one dimension."""
        return np.ravel(np.copy(self.base))


# ---- in the order of NumPy's manual: shapes, picking, ordering, arithmetic, writing in place, leaving ----------


def _reshape(x: Any, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0]) if isinstance(shape[0], (tuple, list)) else (operator.index(shape[0]),)
    return np.reshape(x, shape, order=order) if order != "C" else np.reshape(x, shape)  # type: ignore[call-overload]


def _transpose(x: Any, *axes: Any) -> Any:
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return np.transpose(x, axes or None)


def _flatten(x: Any, order: str = "C") -> Any:
    return np.copy(np.ravel(x, order) if order != "C" else np.ravel(x))  # type: ignore[call-overload]


def _view(x: Any, dtype: Any = None, type: Any = None) -> Any:
    if dtype is None or dtype is np.ndarray or np.dtype(dtype) == x.array.dtype:
        return np.reshape(x, np.shape(x.array))
    return x.leave(".view()").view(dtype)


def _astype(
    x: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    if not np.can_cast(x.array.dtype, dtype, casting):  # type: ignore[arg-type]
        return x.array.astype(dtype, order, casting)  # raises as NumPy does
    if x.array.dtype == dtype:
        return np.copy(x) if copy else x
    if x.array.dtype.kind in "fc" and np.dtype(dtype).kind not in "fc":
        return x.array.astype(dtype)  # a step, as np.trunc: its derivative is zero
    return cast(x, dtype)


def _compress(x: Any, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return np.compress(condition, x, axis)


def _clip(x: Any, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Any:
    made = np.clip(x, min, max, **options)
    return made if out is None else _into(out, made)


def _into(out: Any, value: Any) -> Any:
    if isinstance(out, Tracked):
        return out.assign(Ellipsis, value)  # type: ignore[attr-defined]
    out[...] = value
    return out


def _conjugate(x: Any) -> Any:
    if isinstance(x.array, (int, float)) and not isinstance(x.array, np.generic):
        return +x  # a Python number stays one
    return call(
        RULES[np.conjugate], np.conjugate if hasattr(x.array, "dtype") else complex.conjugate, (x,), {}
    )


def _fill(x: Any, value: Any) -> None:
    x.assign(Ellipsis, value)


def _put(x: Any, indices: Any, values: Any, mode: str = "raise") -> None:
    flat = np.arange(np.size(x.array)).take(indices, mode=mode)  # type: ignore[call-overload]
    if np.size(flat):
        x.assign(np.unravel_index(flat.ravel(), np.shape(x.array)), np.resize(values, flat.size))


def _sort(x: Any, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
    x.assign(Ellipsis, np.sort(x, axis))


def _partition(x: Any, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None) -> None:
    x.assign(Ellipsis, np.take_along_axis(x, np.argpartition(x.array, kth, axis), axis))


def _write_real(x: Any, value: Any) -> None:
    x.assign(Ellipsis, value if x.array.dtype.kind != "c" else value + 1j * np.imag(x))


def _write_imag(x: Any, value: Any) -> None:
    x.assign(Ellipsis, np.real(x) + 1j * value)


def _write_flat(x: Any, value: Any) -> None:
    shape, size = np.shape(x.array), np.size(x.array)
    x.assign(Ellipsis, np.reshape(np.resize(value, size), shape))


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise ArgumentError(
            f".{name}() of a lifted array would change it where no gradient can follow: write {instead} instead."
        )

    return method


def _leaving(name: str, how: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.leave(how), name)(*args, **kwargs)

    return method


# Methods that are the NumPy function of the same name, with the array first.
_SAME = (
    "all any argmax argmin argpartition argsort choose copy cumprod cumsum diagonal dot max mean min nonzero prod "
    "ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
).split()
_OWN: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "transpose": _transpose, "flatten": _flatten, "view": _view, "astype": _astype,
    "compress": _compress, "clip": _clip, "conj": _conjugate, "conjugate": _conjugate,
    "fill": _fill, "put": _put, "sort": _sort, "partition": _partition,
}  # fmt: skip
# Methods that change an array behind the tape's back.
_REFUSED = {
    "resize": "x = np.resize(x, shape)", "setfield": "x = np.where(...)", "byteswap": "x = x.astype(dtype)",
}  # fmt: skip
# Methods that give plain values: a gradient may end there, and the observer is told.
_LEAVING = "item tolist tobytes".split()
_PROPERTIES: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {
    "T": (np.transpose, None), "mT": (np.matrix_transpose, None), "flat": (Flat, _write_flat),
    "real": (np.real, _write_real), "imag": (np.imag, _write_imag),
}  # fmt: skip


class NumpyMethods:
    """ndarray's methods and attributes; those that are not here are read from the value itself, by `Array`."""

    __slots__ = ()
    array: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """As `ndarray.shape`, to read."""
        return self.array.shape  # type: ignore[no-any-return]

    @shape.setter
    def shape(self, value: Any) -> None:
        raise AttributeError("the shape of a lifted array cannot be set: write x = x.reshape(...) instead.")

    @property
    def dtype(self) -> np.dtype[Any]:
        """As `ndarray.dtype`."""
        return self.array.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """As `ndarray.ndim`."""
        return self.array.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """As `ndarray.size`."""
        return self.array.size  # type: ignore[no-any-return]

    def __round__(self, *digits: int) -> Any:
        return round(self.array, *digits)

    def __trunc__(self) -> Any:
        return self.array.__trunc__()

    def __floor__(self) -> Any:
        return self.array.__floor__()

    def __ceil__(self) -> Any:
        return self.array.__ceil__()

    def __dir__(self) -> list[str]:
        return dir(self.array)


for _name in _SAME:
    setattr(NumpyMethods, _name, _Method(_same(getattr(np, _name)), _name))
for _name, _function in _OWN.items():
    setattr(NumpyMethods, _name, _Method(_function, _name))
for _name in _LEAVING:
    setattr(NumpyMethods, _name, _Method(_leaving(_name, _name), _name))
for _name, _instead in _REFUSED.items():
    setattr(NumpyMethods, _name, _Method(_refused(_name, _instead), _name))
for _name, (_read, _write) in _PROPERTIES.items():
    setattr(NumpyMethods, _name, _Property(_read, _name, _write))
