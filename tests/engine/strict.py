"""A stand-in for CuPy on a machine without a GPU: as strict as CuPy where NumPy is lenient, and it counts waiting.

In: host arrays, by `asarray`. Out: `StrictArray`, which serves NumPy's protocols as CuPy's arrays do: no function that
CuPy lacks, no mixing with host arrays or lists, 0-d arrays from reductions, no way to the host but by a call that is
counted (`synchronised`). `arrays.register(StrictArray, strict.module)` makes the engine take it for a device.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

synchronised: list[str] = []  # what has made the host wait, in order

# What CuPy 14 does not have, of what NumPy 2 dispatches.
LACKING = {
    "block", "busday_count", "busday_offset", "datetime_as_string", "histogram_bin_edges", "insert",
    "is_busday", "isnat", "polyder", "polydiv", "polyint", "einsum_path", "geomspace", "vecdot", "matvec",
    "vecmat", "unstack", "nanquantile", "nanpercentile", "linalg.outer", "linalg.trace", "linalg.diagonal",
    "linalg.tensordot", "linalg.vecdot", "linalg.matrix_norm", "linalg.vector_norm", "linalg.multi_dot",
    "linalg.svdvals", "spacing",
}  # fmt: skip
LACKING_OPTIONS = {
    "sum": {"where", "initial"}, "mean": {"where"}, "prod": {"where", "initial"}, "max": {"where", "initial"},
    "min": {"where", "initial"}, "amax": {"where", "initial"}, "amin": {"where", "initial"}, "clip": {"min", "max"},
    "var": {"where", "mean", "correction"}, "std": {"where", "mean", "correction"}, "nansum": {"where", "initial"},
    "nanmax": {"where", "initial"}, "nanmin": {"where", "initial"},
    "linalg.svd": {"hermitian"}, "linalg.pinv": {"hermitian", "rtol"}, "linalg.cholesky": {"upper"},
    "take": {"mode"}, "sort": {"order", "stable"}, "argsort": {"order", "stable"},
    "reshape": {"copy"}, "copy": {"subok"},
}  # fmt: skip
SETTINGS = {"compress", "take", "delete"}  # which entries to pick may be said by the host
COUNTING = {
    "nonzero",
    "flatnonzero",
    "argwhere",
    "unique",
    "compress",
    "extract",
}  # the size of the result is data
SCATTERED = "iIlLqQefd"  # dtypes that add.at knows: no complex numbers


class StrictArray:
    """An array that behaves as if it lived on another device."""

    __slots__ = ("__weakref__", "_a", "base")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, a: np.ndarray, base: Any = None) -> None:
        self._a, self.base = a, base

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    strides = property(lambda self: self._a.strides)
    T = property(lambda self: _wrap(self._a.T))
    real = property(lambda self: _wrap(self._a.real, self))
    imag = property(lambda self: _wrap(self._a.imag, self))
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    flags = property(lambda self: self._a.flags)
    data = property(lambda self: types.SimpleNamespace(ptr=self._a.__array_interface__["data"][0], mem=None))

    def copy(self) -> StrictArray:
        return _wrap(self._a.copy())

    def astype(self, dtype: Any, copy: bool = True) -> StrictArray:
        return _wrap(self._a.astype(dtype))

    # ---- ways to the host: all of them wait ----

    def _wait(self, how: str) -> np.ndarray:
        synchronised.append(how)
        return self._a

    def get(self) -> np.ndarray:
        return self._wait("get").copy()

    def item(self) -> Any:
        return self._wait("item").item()

    def tolist(self) -> Any:
        return self._wait("tolist").tolist()

    def __float__(self) -> float:
        return float(self._wait("float"))

    def __int__(self) -> int:
        return int(self._wait("int"))

    def __complex__(self) -> complex:
        return complex(self._wait("complex"))

    def __bool__(self) -> bool:
        return bool(self._wait("bool"))

    def __index__(self) -> int:
        return self._wait("index").__index__()

    def __repr__(self) -> str:
        return repr(self._wait("repr"))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    # ---- indexing ----

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> StrictArray:
        for part in index if isinstance(index, tuple) else (index,):
            if getattr(part, "dtype", None) == np.bool_:
                synchronised.append("mask")  # how many entries come out is known to the device only
        return _wrap(self._a[_host(index)], self)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, (np.ndarray, list)):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._a[_host(index)] = _host(value)

    # ---- NumPy's protocols ----

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc.__name__ in LACKING:
            return NotImplemented
        for x in (*inputs, *(kwargs.get("out") or ())):
            if isinstance(x, (np.ndarray, list, tuple)):
                raise TypeError(f"Unsupported type {type(x)}")
            if not isinstance(x, (StrictArray, np.generic, int, float, complex)):
                return NotImplemented
        if set(kwargs) - {"out", "dtype", "casting", "axis", "keepdims"}:
            raise TypeError(f"Wrong arguments {sorted(kwargs)}")
        if method == "at":
            module.add.at(*inputs)
            return None
        given = kwargs.pop("out", None)
        if given is not None:
            kwargs["out"] = tuple(_host(x) for x in given)
        result = getattr(ufunc, method)(*(_host(x) for x in inputs), **kwargs)
        return given[0] if given is not None else _wrapped(result, None)

    def __array_function__(self, function: Any, kinds: Any, args: Any, kwargs: Any) -> Any:
        name = ".".join([*function.__module__.split(".")[1:], function.__name__])
        if name in LACKING:
            return NotImplemented
        if wrong := set(kwargs) & LACKING_OPTIONS.get(name, set()):
            raise TypeError(f"{name}() got an unexpected keyword argument {sorted(wrong)}")
        settings = function.__name__ in SETTINGS
        if not settings and any(issubclass(kind, np.ndarray) for kind in kinds):
            raise TypeError(f"Unsupported type {np.ndarray}")
        if not settings and args and isinstance(args[0], list) and StrictArray not in map(type, args[0]):
            raise TypeError(f"Unsupported type {list}")
        if name in COUNTING:
            synchronised.append(name)
        result = function(*_host(args), **_host(kwargs))
        return _wrapped(result, next((x for x in args if isinstance(x, StrictArray)), None))

    def _operator(ufunc: Any, swapped: bool = False) -> Any:  # type: ignore[misc]
        def method(self: StrictArray, other: Any) -> Any:
            if not isinstance(other, (StrictArray, np.generic, np.ndarray, int, float, complex)):
                return NotImplemented
            return ufunc(other, self) if swapped else ufunc(self, other)

        return method

    __add__, __radd__ = _operator(np.add), _operator(np.add, True)
    __sub__, __rsub__ = _operator(np.subtract), _operator(np.subtract, True)
    __mul__, __rmul__ = _operator(np.multiply), _operator(np.multiply, True)
    __truediv__, __rtruediv__ = _operator(np.divide), _operator(np.divide, True)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide), _operator(np.floor_divide, True)
    __mod__, __rmod__ = _operator(np.remainder), _operator(np.remainder, True)
    __pow__, __rpow__ = _operator(np.power), _operator(np.power, True)
    __matmul__, __rmatmul__ = _operator(np.matmul), _operator(np.matmul, True)
    __lt__, __le__, __gt__, __ge__ = map(_operator, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = _operator(np.equal), _operator(np.not_equal)  # type: ignore[assignment]
    __and__, __rand__ = _operator(np.bitwise_and), _operator(np.bitwise_and, True)
    __or__, __ror__ = _operator(np.bitwise_or), _operator(np.bitwise_or, True)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __pos__(self) -> Any:
        return np.positive(self)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __iadd__(self, other: Any) -> Any:
        return np.add(self, other, out=self)


def _wrap(a: Any, base: Any = None) -> StrictArray:
    a = np.asarray(a)
    return StrictArray(a, base if base is not None and a.base is not None else None)


def _wrapped(result: Any, base: Any) -> Any:
    if isinstance(result, (np.ndarray, np.generic)):
        return _wrap(result, base)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*(_wrapped(r, base) for r in result))
    if isinstance(result, (tuple, list)):
        return type(result)(_wrapped(r, base) for r in result)
    return result


def _host(x: Any) -> Any:
    if isinstance(x, StrictArray):
        return x._a
    if type(x) in (tuple, list):
        return type(x)(_host(y) for y in x)
    return {k: _host(v) for k, v in x.items()} if type(x) is dict else x


def _add_at(target: StrictArray, index: Any, values: Any) -> None:
    if target.dtype.char not in SCATTERED:
        raise TypeError(f"add.at does not support {target.dtype}")
    np.add.at(target._a, _host(index), _host(values))


def _asnumpy(x: Any) -> Any:
    return x._wait("asnumpy").copy() if isinstance(x, StrictArray) else np.asarray(x)


def asarray(x: Any) -> StrictArray:
    """Copy a host array to the device."""
    return x if isinstance(x, StrictArray) else _wrap(np.array(x))


# What the engine's seam asks of an array library.
module = types.SimpleNamespace(
    __name__="strict",
    ndarray=StrictArray,
    asarray=asarray,
    array=asarray,
    asnumpy=_asnumpy,
    zeros=lambda shape, dtype=float: _wrap(np.zeros(shape, dtype)),
    ones=lambda shape, dtype=float: _wrap(np.ones(shape, dtype)),
    full=lambda shape, value, dtype=None: _wrap(np.full(shape, _host(value), dtype)),
    empty=lambda shape, dtype=float: _wrap(np.full(shape, 77, dtype)),
    arange=lambda *args, **kwargs: _wrap(np.arange(*args, **kwargs)),
    add=types.SimpleNamespace(at=_add_at),
)
