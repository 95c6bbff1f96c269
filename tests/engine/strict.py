"""A stand-in for CuPy on a machine without a GPU: as strict as CuPy where NumPy is lenient, and it counts waiting.

In: host arrays, by `asarray`. Out: `StrictArray`, which serves NumPy's protocols as CuPy's arrays do: no function that
CuPy lacks, no mixing with host arrays or lists, 0-d arrays from reductions, no way to the host but by a call that is
counted (`synchronised`). Its operators take whatever `isinstance` calls one of its own for memory of its own, as CuPy's
compiled ones do. The engine finds its home, the module "strict_cupy", as it finds CuPy: by the first array.
"""

from __future__ import annotations

import sys
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


_says_it_is = isinstance  # asked by compiled code: no line of the caller's says isinstance


class StrictArray:
    """An array that behaves as if it lived on another device."""

    __slots__ = ("__weakref__", "_a", "base")
    __module__ = "strict_cupy"
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, a: np.ndarray, base: Any = None) -> None:
        self._a, self.base = a, base

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    strides = property(lambda self: self._a.strides)
    T = property(lambda self: _wrap(self._a.T, self))
    real = property(lambda self: _wrap(self._a.real, self))
    imag = property(lambda self: _wrap(self._a.imag, self))
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    flags = property(lambda self: self._a.flags)
    data = property(lambda self: types.SimpleNamespace(ptr=self._a.__array_interface__["data"][0], mem=None))

    __cuda_array_interface__ = property(lambda self: {"data": self._a.__array_interface__["data"]})

    flags = property(lambda self: self._a.flags)

    def reshape(self, *shape: Any) -> StrictArray:
        return _wrap(self._a.reshape(*shape), self)

    def view(self, *dtype: Any) -> StrictArray:
        return _wrap(self._a.view(*dtype), self)

    def _set_shape_and_strides(self, shape: Any, strides: Any, *_: bool) -> None:
        self._a = np.lib.stride_tricks.as_strided(self._a, shape, strides)

    def fill(self, value: Any) -> None:
        self._a.fill(_host(value))

    def sort(self) -> None:
        self._a.sort()

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
        return _wrap(self._a[_around(index, self.shape)], self)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, (np.ndarray, list)):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._a[_around(index, self.shape)] = _host(value)

    # ---- NumPy's protocols ----

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc.__name__ in LACKING:
            return NotImplemented
        for x in (*inputs, *(kwargs.get("out") or ())):
            if isinstance(x, (list, tuple)) or issubclass(type(x), np.ndarray):
                raise TypeError(f"Unsupported type {type(x)}")
            if not issubclass(type(x), (StrictArray, np.generic, int, float, complex)):
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
        if name in LACKING or not all(issubclass(kind, (StrictArray, np.ndarray)) for kind in kinds):
            return NotImplemented
        if wrong := set(kwargs) & LACKING_OPTIONS.get(name, set()):
            raise TypeError(f"{name}() got an unexpected keyword argument {sorted(wrong)}")
        settings = function.__name__ in SETTINGS
        if not settings and any(issubclass(kind, np.ndarray) for kind in kinds):
            raise TypeError(f"Unsupported type {np.ndarray}")
        if not settings and args and isinstance(args[0], list) and StrictArray not in map(type, args[0]):
            raise TypeError(f"Unsupported type {list}")
        if name in REFUSED:
            REFUSED[name](*args, **kwargs)
        if name in COUNTING:
            synchronised.append(name)
        given, options = _host(args), _host(kwargs)
        if name == "take":
            options["mode"] = "wrap"
        if name == "take_along_axis":
            axis = options.get("axis", given[2] if len(given) > 2 else -1)
            given = [given[0], given[1] % given[0].shape[axis], axis]
            options = {}
        result = function(*given, **options)
        return _wrapped(result, next((x for x in args if isinstance(x, StrictArray)), None))

    def _operator(ufunc: Any, swapped: bool = False) -> Any:  # type: ignore[misc]
        def method(self: StrictArray, other: Any) -> Any:
            if _says_it_is(other, StrictArray):
                return _kernel(ufunc, self, other) if not swapped else _kernel(ufunc, other, self)
            if getattr(other, "__array_ufunc__", other) is None:
                return NotImplemented
            return ufunc(other, self) if swapped else ufunc(self, other)

        return method

    def _in_place(ufunc: Any) -> Any:  # type: ignore[misc]
        return lambda self, other: _kernel(ufunc, self, other, self)

    __add__, __radd__ = _operator(np.add), _operator(np.add, True)
    __sub__, __rsub__ = _operator(np.subtract), _operator(np.subtract, True)
    __mul__, __rmul__ = _operator(np.multiply), _operator(np.multiply, True)
    __truediv__, __rtruediv__ = _operator(np.divide), _operator(np.divide, True)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide), _operator(np.floor_divide, True)
    __mod__, __rmod__ = _operator(np.remainder), _operator(np.remainder, True)
    __divmod__, __rdivmod__ = _operator(np.divmod), _operator(np.divmod, True)
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

    __iadd__, __isub__, __imul__, __itruediv__ = map(_in_place, (np.add, np.subtract, np.multiply, np.divide))


class _Kernel:
    """A function of CuPy's: no protocol is asked, but that of elementwise kernels."""

    __module__ = "strict_cupy"

    def __init__(self, ufunc: Any) -> None:
        self.name, self.nin, self._ufunc = f"cupy_{ufunc.__name__}", ufunc.nin, ufunc

    def __call__(self, *args: Any) -> Any:
        for x in args if self._ufunc.signature is None else ():
            if hasattr(x, "__cupy_override_elementwise_kernel__"):
                return x.__cupy_override_elementwise_kernel__(self, *args)
        for x in args:
            if not issubclass(type(x), (StrictArray, np.generic, int, float, complex)):
                raise TypeError(f"Unsupported type {type(x)}")
        found = self._ufunc(*map(_host, args))
        return args[-1] if len(args) > self.nin else _wrapped(found, None)


_Kernel.__name__ = "ufunc"  # as CuPy's class of them


def _kernel(ufunc: Any, *args: Any) -> Any:
    kernel = vars(module).get(ufunc.__name__)
    if kernel is None:
        kernel = _Kernel(ufunc)
        setattr(module, ufunc.__name__, kernel)
    return kernel(*args)


def _no_axes_of_numbers(a: Any, b: Any, axes: Any = 2) -> None:
    if not (a.ndim and b.ndim) and axes not in (0, ((), ())):
        raise ValueError("An input is zero-dim while axes has dimensions")


def _no_broadcasting(a: Any, b: Any) -> None:
    if b.ndim > 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")


REFUSED: dict[str, Any] = {"tensordot": _no_axes_of_numbers, "linalg.solve": _no_broadcasting}


def _wrap(a: Any, base: Any = None) -> StrictArray:
    a = np.asarray(a)
    if base is not None:
        base = None if a.base is None else base if base.base is None else base.base
    return StrictArray(a, base)


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


def _around(index: Any, shape: Any) -> Any:
    """Give an index as the host takes it: CuPy goes around where numbers of an array are out of range."""
    parts = _host(index if isinstance(index, tuple) else (index,))
    parts = [np.asarray(p) if isinstance(p, list) else p for p in parts]
    takes = [
        p.ndim if getattr(p, "dtype", None) == np.bool_ else int(p is not None and p is not ...)
        for p in parts
    ]
    axis = 0
    for k, (part, n) in enumerate(zip(parts, takes, strict=True)):
        axis += len(shape) - sum(takes) if part is ... else 0
        if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and shape[axis]:
            parts[k] = part % shape[axis]
        axis += n
    return tuple(parts) if isinstance(index, tuple) else parts[0]


def _at(ufunc: np.ufunc) -> Any:
    def at(target: StrictArray, index: Any, values: Any) -> None:
        if target.dtype.char not in SCATTERED:
            raise TypeError(f"{ufunc.__name__}.at does not support {target.dtype}")
        ufunc.at(target._a, _around(index, target.shape), _host(values))

    return at


def _asnumpy(x: Any) -> Any:
    return x._wait("asnumpy").copy() if isinstance(x, StrictArray) else np.asarray(x)


def asarray(x: Any) -> StrictArray:
    """Copy a host array to the device."""
    return x if isinstance(x, StrictArray) else _wrap(np.array(x))


# What the engine's seam asks of an array library.
module: Any = types.ModuleType("strict_cupy")
vars(module).update(
    ndarray=StrictArray,
    asarray=asarray,
    array=lambda x: _wrap(np.array(_host(x))),
    asnumpy=_asnumpy,
    zeros=lambda shape, dtype=float: _wrap(np.zeros(shape, dtype)),
    ones=lambda shape, dtype=float: _wrap(np.ones(shape, dtype)),
    full=lambda shape, value, dtype=None: _wrap(np.full(shape, _host(value), dtype)),
    empty=lambda shape, dtype=float: _wrap(np.full(shape, 77, dtype)),
    arange=lambda *args, **kwargs: _wrap(np.arange(*args, **kwargs)),
)
for _ufunc in (np.add, np.maximum, np.minimum):
    setattr(module, _ufunc.__name__, _Kernel(_ufunc))
    getattr(module, _ufunc.__name__).at = _at(_ufunc)
sys.modules["strict_cupy"] = module
