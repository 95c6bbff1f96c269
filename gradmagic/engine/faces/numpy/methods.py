"""ndarray's methods and attributes for `Array`: thin names over NumPy's functions, which dispatch to the tape.

In: an Array and a method's arguments, as ndarray takes them. Out: what ndarray gives, tracked where a gradient flows.
What a lifted Python number does not have (`x.sum()` of a float) it does not have here either. Special methods stand in
special_methods.py, memory (`flags`, `flat`, `base`) in layout.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from ....errors import ArgumentError, GradmagicError
from ....language import tr
from ...core import arrays
from ...core.places import raised_by_user
from ...dispatch.calls import call, gathered
from ...dispatch.primitives import cast
from ...rules.declare import RULES
from ...tape.tracked import Tracked, raw, raws
from .layout import Flags, Flat, base_of, read_only, set_shape
from .special_methods import Protocols


class _Method:
    """A method that exists where the lifted value has it: `hasattr(x, "sum")` is False for a lifted float."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function, self._name = function, name
        self.__doc__ = f"As `ndarray.{name}`."

    def __get__(self, x: Any, owner: Any = None) -> Any:
        if x is None:
            return self._function
        kind = type(x.array)  # an AttributeError with the words of the value's own type
        getattr(kind if kind is np.ndarray else arrays.kind_of(x.array), self._name)
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
        getattr(arrays.kind_of(x.array), self._name)
        return self._function(x)

    def __set__(self, x: Any, value: Any) -> None:
        if self._write is None or not arrays.is_array(x.array):
            if not isinstance(x.array, np.ndarray) or self._name not in _SETTABLE:
                setattr(x.array, self._name, value)  # raises what it raises without the magic
            raise AttributeError(tr(
                "attribute {name!r} of a lifted {kind} cannot be written: make a new array instead (x = "
                "x.reshape(...), x = x.astype(...)).", name=self._name, kind=type(x.array).__name__,
            ))  # fmt: skip
        self._write(x, value)


_SETTABLE = ("data", "dtype", "strides")


# ---- in the order of NumPy's manual: shapes, picking, ordering, arithmetic, writing in place, leaving ----------


def _reshape(x: Any, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0]) if isinstance(shape[0], (tuple, list)) else (operator.index(shape[0]),)
    if copy is False:
        x.array.reshape(shape, order=order, copy=False)  # raises where the memory cannot be shared
    if copy:
        x = np.copy(x)
    if order == "A":
        order = _laid_out(x, order)[1]
    return np.reshape(x, shape, order=order) if order != "C" else np.reshape(x, shape)


def _laid_out(x: Any, order: Any) -> tuple[Any, str]:
    """Turn the orders A and K, which ask how an array lies in memory, into C or F of an array with turned axes."""
    flags = getattr(x.array, "flags", None)
    if order not in ("A", "K") or flags is None:
        return x, order
    if flags.c_contiguous or flags.f_contiguous or order == "A":
        return x, "F" if flags.fnc else "C"
    steps = [-abs(step) for step in x.array.strides]
    return np.transpose(x, sorted(range(len(steps)), key=steps.__getitem__)), "C"


def _ravel(x: Any, order: Any = "C") -> Any:
    if order != "C":
        x, order = _laid_out(x, order)
    return np.ravel(x) if order == "C" else np.ravel(x, order)


def _transpose(x: Any, *axes: Any) -> Any:
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return np.transpose(x, axes or None)


def _flatten(x: Any, order: Any = "C") -> Any:
    return np.copy(_ravel(x, order))


def _copy(x: Any, order: Any = "C") -> Any:
    return np.copy(x, order=order) if arrays.is_array(x.array) else +x


def _view(x: Any, dtype: Any = None, type: Any = None) -> Any:
    if not arrays.is_array(x.array):
        return x.leave("view").view(*(a for a in (dtype, type) if a is not None))
    kind = (
        dtype if type is None and isinstance(dtype, builtin_type) and issubclass(dtype, np.ndarray) else type
    )
    dtype = None if kind is dtype else dtype
    if kind in (None, np.ndarray) and (dtype is None or np.dtype(dtype) == x.array.dtype):
        return np.reshape(x, np.shape(x.array))
    plain = x.leave("view")
    plain = plain if dtype is None else plain.view(dtype)
    return read_only(plain if kind is None else plain.view(kind))


def _getfield(x: Any, dtype: Any, offset: int = 0) -> Any:
    field = x.leave("view").getfield(dtype, offset)
    return read_only(field) if isinstance(field, np.ndarray) else field


def _astype(
    x: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    if not np.can_cast(x.array.dtype, dtype, casting):
        return x.array.astype(dtype, order, casting)  # raises as NumPy does
    if x.array.dtype == dtype:
        made = _copy(x, "K") if copy else x
    elif np.dtype(dtype).kind not in "biufc":
        return x.leave("tolist").astype(dtype, order)  # objects and text carry numbers on, and no gradient
    elif x.array.dtype.kind in "fc" and np.dtype(dtype).kind not in "fc":
        return x.array.astype(dtype, order)  # a step, as np.trunc: its derivative is zero
    else:
        made = cast(x, dtype)
    return made if order == "K" or not arrays.is_array(made.array) else _ordered(made, order)


def _ordered(x: Any, order: str) -> Any:
    flags = x.array.flags
    if flags.c_contiguous if order == "C" else flags.f_contiguous if order == "F" else flags.forc:
        return x
    return np.copy(x, order=order)  # type: ignore[call-overload]


def _compress(x: Any, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return _into(out, np.compress(condition, x, axis))


def _clip(x: Any, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Any:
    return _into(out, np.clip(x, min, max, **options))


def _into(out: Any, value: Any) -> Any:
    if out is None:
        return value
    if isinstance(out, Tracked):
        return out.assign(Ellipsis, value)  # type: ignore[attr-defined]
    out[...] = value
    return out


def _conjugate(x: Any) -> Any:
    if isinstance(x.array, (int, float)) and not isinstance(x.array, np.generic):
        return +x  # a Python number stays one
    if x.array.dtype.kind != "c" if hasattr(x.array, "dtype") else False:
        return x  # the array itself, as NumPy gives it
    return call(
        RULES[np.conjugate], np.conjugate if hasattr(x.array, "dtype") else complex.conjugate, (x,), {}
    )


def _fill(x: Any, value: Any, plain: Any) -> None:
    x.assign(Ellipsis, value if np.ndim(raw(value)) == 0 else plain)


def _put(x: Any, indices: Any, values: Any, mode: Any = "raise", *, plain: Any) -> None:
    if not np.size(raws(values)) or not np.size(raws(indices)):
        return
    values = gathered(values)
    places = raws(indices)
    places = arrays.to_host(places) if arrays.is_array(places) else places
    flat = np.arange(np.size(x.array)).take(places, mode=mode)
    if np.size(flat):
        where = np.unravel_index(flat.ravel(), np.shape(x.array)) if np.ndim(x.array) else ()
        x.assign(where, np.resize(values, flat.size) if where else np.ravel(values)[0])


def _sort(
    x: Any, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None, plain: Any
) -> None:
    _permute(x, plain, axis)


def _partition(
    x: Any, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None, *, plain: Any
) -> None:
    _permute(x, plain, axis)


def _permute(x: Any, plain: Any, axis: int) -> None:
    """Write `plain`, the same entries of each row in another order, so that the gradient follows them."""
    if not np.ndim(plain):
        return
    begin, end = (np.argsort(a, axis, kind="stable") for a in (x.array, plain))
    places = np.empty_like(begin)
    np.put_along_axis(places, end, begin, axis)
    x.assign(Ellipsis, np.take_along_axis(x, places, axis))


def _rewritten(x: Any, *args: Any, plain: Any, **kwargs: Any) -> None:
    """Numbers written bit by bit: constants from here on, and the reader is told."""
    x.leave("view")
    x.assign(Ellipsis, plain)


def _byteswap(x: Any, inplace: bool = False) -> Any:
    if not inplace or not arrays.is_array(x.array):
        return x.leave("view").byteswap(inplace)
    _writing("byteswap", _rewritten)(x, inplace)
    return x


def _write_real(x: Any, value: Any) -> None:
    _write_part(x, "real", value, value + 1j * np.imag(x) if x.array.dtype.kind == "c" else value)


def _write_imag(x: Any, value: Any) -> None:
    _write_part(x, "imag", value, np.real(x) + 1j * value if x.array.dtype.kind == "c" else value)


def _write_part(x: Any, name: str, value: Any, made: Any) -> None:
    plain = np.copy(x.array, order="K")
    setattr(plain, name, raws(value))  # raises: a real array has no imaginary part to write
    if isinstance(made, Tracked) and np.shape(made.array) == plain.shape:
        made.array = plain  # bit for bit: 0 + -0j is 0
    x.assign(Ellipsis, made)


def _write_flat(x: Any, value: Any) -> None:
    x.flat[...] = value


def _setflags(x: Any, *args: Any, **kwargs: Any) -> None:
    x.array.setflags(*args, **kwargs)


def _to_device(x: Any, device: Any, *, stream: Any = None) -> Any:
    x.array.to_device(device, stream=stream)  # raises for any but NumPy's own
    return x


def _reading(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method as NumPy's of this name: its errors are NumPy's own; what has no rule gives the plain result."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(self, *args, **kwargs)
        except GradmagicError:
            raise
        except Exception as error:
            if raised_by_user(error) or not isinstance(self.array, (np.ndarray, np.generic)):
                raise
            kept = np.copy(self.array, order="K")
            try:
                made = getattr(kept if np.ndim(kept) else self.array, name)(*raws(args), **raws(kwargs))
            except Exception as own:  # NumPy's: the reader is told once, and not how it came about here
                raise own.with_traceback(None) from None
            self.leave(f".{name}()")
            return made

    return method


def _writing(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that writes: tried on a copy first, so that an error comes before anything is written."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        plainly, options = raws(args), raws(kwargs)
        if not arrays.is_array(self.array):
            return getattr(self.array, name)(*plainly, **options)  # of a scalar: NumPy writes to a copy
        plain = np.copy(self.array, order="K")
        if hasattr(plain, name):  # of a device's arrays not all that NumPy's have
            getattr(plain, name)(*plainly, **options)
        function(self, *args, **kwargs, plain=plain)
        return None

    return method


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.array, np.generic):
            return getattr(self.array, name)(*args, **kwargs)
        raise ArgumentError(tr(
            ".{name}() of a lifted array would change it where no gradient can follow: write {instead} "
            "instead.", name=name, instead=instead,
        ))  # fmt: skip

    return method


def _leaving(name: str, how: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.leave(how), name)(*args, **kwargs)

    return method


builtin_type = type
# Methods that are the NumPy function of the same name, with the array first.
_SAME = (
    "all any argmax argmin argpartition argsort choose cumprod cumsum diagonal dot max mean min nonzero prod "
    "repeat round searchsorted squeeze std sum swapaxes take trace var"
).split()
_OWN: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "ravel": _ravel, "transpose": _transpose, "flatten": _flatten, "view": _view,
    "astype": _astype, "copy": _copy, "compress": _compress, "clip": _clip, "conj": _conjugate, "conjugate": _conjugate,
    "getfield": _getfield, "byteswap": _byteswap, "to_device": _to_device, "setflags": _setflags,
}  # fmt: skip
_WRITING: dict[str, Callable[..., Any]] = {
    "fill": _fill, "put": _put, "sort": _sort, "partition": _partition, "setfield": _rewritten,
}  # fmt: skip
# A method that changes an array behind the tape's back.
_REFUSED = {"resize": "x = np.resize(x, shape)"}
# Methods that give plain values: a gradient may end there, and the observer is told.
_LEAVING = {
    "item": "item", "tolist": "tolist", "tobytes": "tobytes", "tofile": "tobytes", "dump": "pickle", "dumps": "pickle",
}  # fmt: skip
_PROPERTIES: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {
    "T": (np.transpose, None), "mT": (np.matrix_transpose, None), "flat": (Flat, _write_flat),
    "real": (np.real, _write_real), "imag": (np.imag, _write_imag),
    "shape": (lambda x: x.array.shape, set_shape), "dtype": (lambda x: x.array.dtype, None),
    "strides": (lambda x: x.array.strides, None), "base": (base_of, None),
    "flags": (lambda x: Flags(x) if arrays.is_array(x.array) else x.array.flags, None),
    "data": (lambda x: memoryview(x.leave("data")).toreadonly(), None),
    "ctypes": (lambda x: x.leave("ctypes").ctypes, None),
}  # fmt: skip


class NumpyMethods(Protocols):
    """ndarray's methods and attributes; those that are not here are read from the value itself, by `Array`."""

    __slots__ = ()
    array: Any

    @property
    def ndim(self) -> int:
        """As `ndarray.ndim`."""
        return self.array.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """As `ndarray.size`."""
        return self.array.size  # type: ignore[no-any-return]


for _name in _SAME:
    setattr(NumpyMethods, _name, _Method(_reading(_name, getattr(np, _name)), _name))
for _name, _function in _OWN.items():
    setattr(NumpyMethods, _name, _Method(_reading(_name, _function), _name))
for _name, _function in _WRITING.items():
    setattr(NumpyMethods, _name, _Method(_writing(_name, _function), _name))
for _name, _how in _LEAVING.items():
    setattr(NumpyMethods, _name, _Method(_leaving(_name, _how), _name))
for _name, _instead in _REFUSED.items():
    setattr(NumpyMethods, _name, _Method(_refused(_name, _instead), _name))
for _name, (_read, _write) in _PROPERTIES.items():
    setattr(NumpyMethods, _name, _Property(_read, _name, _write))
