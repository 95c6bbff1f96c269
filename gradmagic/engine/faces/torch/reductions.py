"""PyTorch's functions of many entries: sums, averages, extremes, orders. Each is a function and a method of Tensor.

In: a Tensor, `dim` and `keepdim` (NumPy's `axis` and `keepdims` mean the same). Out: Tensors; where PyTorch gives
values and indices, a named tuple of both. Extremes along a dim send their gradient to the one index that they give,
as in PyTorch; `max()` and `amax()` share it evenly among ties.
"""

from __future__ import annotations

import builtins
from collections import namedtuple
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ....errors import DimensionError
from ....language import tr
from ...core import arrays
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call, call_linear
from ...dispatch.non_numbers import in_torch_words
from ...rules.declare import RULES
from ...tape.tracked import Tracked
from .arguments import at, shown
from .math import OperandError, floating, named, titled


def _numpy_words(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let `f` take `axis` and `keepdims` for `dim` and `keepdim`."""

    @wraps(f)
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for numpy_word, word in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpy_word in kwargs:
                    kwargs[word] = kwargs.pop(numpy_word)
        try:
            return f(input, *args, **kwargs)
        except (DimensionError, np.exceptions.AxisError) as error:
            if not _names_its_dim(input, args, kwargs):
                raise in_torch_words(error, (input,)) from None
            return _as_vector(f, input, args, kwargs)

    return function


def _names_its_dim(input: Any, args: Any, kwargs: Any) -> bool:
    """Tell whether a tensor of no dims is asked for its dim 0 or -1, as PyTorch allows."""
    given = [*args, *(v for k, v in kwargs.items() if k.startswith("dim"))]
    dims = [d for a in given for d in (a if isinstance(a, (tuple, list)) else (a,))]
    return not np.ndim(input.array) and builtins.any(type(d) is int and d in (0, -1) for d in dims)


def _as_vector(f: Any, input: Any, args: Any, kwargs: Any) -> Any:
    """Compute of a tensor of no dims what is computed of one of one entry."""
    made = f(np.reshape(input, 1), *args, **kwargs)
    if isinstance(made, tuple):
        parts = [np.reshape(m, ()) for m in made]
        return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
    return np.reshape(made, ())


def _axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _all(input: Any, axis: Any) -> None:
    """Give None, for all dims, where an empty list of dims means that, and check those of a tensor that has none."""
    for dim in axis if isinstance(axis, tuple) else () if axis is None else (axis,):
        if dim not in (0, -1):
            raise DimensionError(dim, 1)


_SUM, _MEAN = RULES[np.sum], RULES[np.mean]
_SUM_DIM, _MEAN_DIM = named(np.sum, "SumBackward1"), named(np.mean, "MeanBackward1")


# `sum` and `mean` spell out NumPy's words: they are in every training loop, and a wrapper would take 0.3 us.
def sum(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:  # fmt: skip
    """As `torch.sum`: over all entries or along `dim`."""
    if dtype is not None:
        input = input.to(dtype)
    if dim is None and axis is None and not (keepdim or keepdims):
        return call_linear(_SUM, np.sum, (input,))
    kind = np.int64 if input.array.dtype.kind == "u" else None
    axis = _axis(dim if axis is None else axis)
    if axis == () or not np.ndim(input.array):  # PyTorch: all entries; a tensor of no dims has a dim 0
        axis = _all(input, axis)  # type: ignore[func-returns-value]
    return call_linear(_SUM_DIM, np.sum, (input, axis, kind, None, keepdim or keepdims))


def mean(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:  # fmt: skip
    """As `torch.mean`: over all entries or along `dim`."""
    if dtype is not None:
        input = input.to(dtype)
    if input.array.dtype.kind not in "fc":
        raise OperandError(tr(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
            "dtype. Got: {dtype}. Write t.float().mean().", dtype=input.array.dtype,
        ))  # fmt: skip
    if dim is None and axis is None and not (keepdim or keepdims):
        return call_linear(_MEAN, np.mean, (input,))
    axis = _axis(dim if axis is None else axis)
    if axis == () or not np.ndim(input.array):
        axis = _all(input, axis)  # type: ignore[func-returns-value]
    return call_linear(_MEAN_DIM, np.mean, (input, axis, None, None, keepdim or keepdims))


def _reduction(name: str, function: Any, torch: str, torch_dim: str = "") -> Callable[..., Any]:
    whole, along = named(function, torch), named(function, torch_dim or torch)

    @_numpy_words
    def f(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        if dtype is not None:
            input = input.to(dtype)
        if dim is None and not keepdim:
            return call(whole, function, (input,), {})
        return call(along, function, (input,), {"axis": _axis(dim), "keepdims": keepdim})

    return titled(f, name, f"As `torch.{name}`: over all entries or along `dim`.")


def _constant(name: str, function: Any) -> Callable[..., Any]:
    @_numpy_words
    def f(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return input.wrap(function(input.array, axis=_axis(dim), keepdims=keepdim), None)

    return titled(f, name, f"As `torch.{name}`: over all entries or along `dim`.")


prod = _reduction("prod", np.prod, "ProdBackward0", "ProdBackward1")
amax = _reduction("amax", np.amax, "AmaxBackward0")
amin = _reduction("amin", np.amin, "AminBackward0")
nansum = _reduction("nansum", np.nansum, "NansumBackward0")
argmax = _constant("argmax", np.argmax)
argmin = _constant("argmin", np.argmin)
all = _constant("all", np.all)
any = _constant("any", np.any)
# Summed: np.count_nonzero gives a Python int up to NumPy 2.2, and waits for a device.
count_nonzero = _constant(
    "count_nonzero", lambda x, *args, **kwargs: np.sum(np.not_equal(x, 0), *args, **kwargs)
)


def _spread(name: str, function: Any) -> Callable[..., Any]:
    rule = RULES[function]

    @_numpy_words
    def f(
        input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
    ) -> Any:  # fmt: skip
        if input.array.dtype.kind not in "fc":
            raise OperandError(tr(
                "std and var only support floating point and complex dtypes. Write t.float().std().",
            ))  # fmt: skip
        if isinstance(dim, bool):  # t.std(False)
            dim, unbiased = None, dim
        ddof = int(unbiased) if correction is None else correction
        return call(rule, function, (input,), {"axis": _axis(dim), "ddof": ddof, "keepdims": keepdim})

    text = (
        f"As `torch.{name}`: unbiased (divided by n - 1) unless told otherwise, where NumPy's divides by n."
    )
    return titled(f, name, text)


std, var = _spread("std", np.std), _spread("var", np.var)


@_numpy_words
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """As `torch.norm`: the square root of the sum of squares, or the norm of order `p`."""
    input = input if dtype is None else input.to(dtype)
    if isinstance(p, (tuple, list)):
        raise TypeError(tr(
            "norm(): argument 'p' must be a number or a word, not {kind}.", kind=type(p).__name__,
        ))  # fmt: skip
    if input.array.dtype.kind not in "fc":
        raise OperandError(tr(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {dtype}. Write "
            "t.float().norm().", dtype=input.type()[6:-6],
        ))  # fmt: skip
    axis = _axis(dim)
    if p in ("fro", 2, 2.0, None):
        if isinstance(axis, tuple) and len(axis) == 1:
            axis = axis[0]
        return np.linalg.norm(input, axis=axis, keepdims=keepdim)
    if p == "nuc":
        pair = tuple(range(-2, 0)) if axis is None else axis
        return shown(np.linalg.norm(input, "nuc", pair, keepdim), "SumBackward1")
    if axis is None:
        y = np.linalg.norm(np.reshape(input, -1), ord=p)
        return np.reshape(y, (1,) * np.ndim(input.array)) if keepdim else y
    return np.linalg.norm(input, ord=p, axis=axis, keepdims=keepdim)


# ---- values with their indices -----------------------------------------------------------------------------------


class _Pair:
    __slots__ = ()

    def __repr__(self) -> str:
        fields = ",\n".join(f"{k}={getattr(self, k)!r}" for k in ("values", "indices"))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _pair(name: str) -> Any:
    base: Any = namedtuple(name, ["values", "indices"])  # type: ignore[misc]
    return type(name, (_Pair, base), {"__slots__": (), "__doc__": f"What `torch.{name}` gives along a dim."})


_PAIRS = {name: _pair(name) for name in ("max", "min", "median", "sort", "topk", "cummax", "cummin")}
_PICK = {
    "max": "MaxBackward0", "min": "MinBackward0", "median": "MedianBackward1", "sort": "SortBackward0",
    "topk": "TopkBackward0",
}  # fmt: skip
_PICK_RULES = {name: named(nw.along, torch) for name, torch in _PICK.items()}


def _picked(name: str, input: Any, index: Any, dim: int, keepdim: bool) -> Any:
    """Give the pair of the entries at `index`, which still has the axis `dim`, and of the indices."""
    values = call_linear(_PICK_RULES[name], nw.along.__wrapped__, (input, index, dim, keepdim))
    if not keepdim:
        index = np.squeeze(index, dim)
    return _PAIRS[name](values, input.wrap(index, None))


def _extreme(name: str, function: Any, place: Any, other_function: Any) -> Callable[..., Any]:
    @_numpy_words
    def f(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, Tracked) or other is not None:
            return input.operate(
                RULES[other_function], other_function, (input, dim if other is None else other)
            )
        if dim is None:
            return call(RULES[function], function, (input,), {})
        if not np.ndim(input.array):
            input = np.reshape(input, 1)
            pair = f(input, 0, False)
            return pair
        index = np.expand_dims(place(input.array, dim), dim)
        return _picked(name, input, index, dim, keepdim)

    text = f"As `torch.{name}`: of all entries; (values, indices) along `dim`; or of two tensors, entry by entry."
    return titled(f, name, text)


max = _extreme("max", np.max, np.argmax, np.maximum)
min = _extreme("min", np.min, np.argmin, np.minimum)


@_numpy_words
def median(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """As `torch.median`: the lower of the two middle entries where their number is even."""
    if dim is None:
        flat: Any = np.reshape(input, -1)
        place = np.argsort(flat.array, kind="stable")[(np.size(flat.array) - 1) // 2]
        return evenly(
            flat, call_linear(_MEDIAN, nw.along.__wrapped__, (flat, place[None], 0, False)), "MedianBackward0"
        )
    order = np.argsort(input.array, axis=dim, kind="stable")
    if np.ndim(input.array) != np.ndim(order):
        raise DimensionError(0, 0)
    middle = (order.shape[dim] - 1) // 2
    return _picked("median", input, np.take(order, [middle], dim), dim, keepdim)


def evenly(x: Any, value: Any, torch: str) -> Any:
    """Give a value of x whose gradient is shared evenly among the entries that are equal to it."""
    if value.node is None:
        return value
    there = x.array == value.array
    count = np.sum(there, dtype=x.array.dtype)
    if not arrays.on_device(count) and count == 1:
        return shown(value, torch)
    shared = np.sum(np.where(there, x, 0)) / count
    return shown(value.wrap(value.array, shared.node), torch)


_MEDIAN = named(nw.along, "MedianBackward0")


@_numpy_words
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """As `torch.argsort`: the indices that put the entries in order along `dim`."""
    return input.wrap(_order(input.array, dim, descending), None)


def _order(array: Any, dim: int, descending: bool) -> Any:
    if not np.ndim(array):
        raise DimensionError(0, 0)
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    # Equal entries stay in their order: sorted from the back, and counted from the back.
    last = array.shape[dim] - 1
    return np.flip(last - np.argsort(np.flip(array, dim), axis=dim, kind="stable"), dim)


@_numpy_words
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """As `torch.sort`: (values, indices) in order along `dim`; NumPy's method sorts in place instead."""
    return _picked("sort", input, _order(input.array, dim, descending), dim, True)


@_numpy_words
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """As `torch.topk`: (values, indices) of the `k` largest or smallest entries along `dim`."""
    if not 0 <= k <= (np.shape(input.array)[at(dim, np.ndim(input.array))] if np.ndim(input.array) else 1):
        raise OperandError(tr("selected index k out of range. It counts the entries that are wanted."))
    return _picked("topk", input, np.take(_order(input.array, dim, largest), range(k), dim), dim, True)


# ---- along one axis ----------------------------------------------------------------------------------------------


@_numpy_words
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """As `torch.cumsum`: the sums of the entries up to each, along `dim`."""
    return np.cumsum(_with_dims(input if dtype is None else input.to(dtype)), axis=dim)


@_numpy_words
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """As `torch.cumprod`: the products of the entries up to each, along `dim`."""
    return np.cumprod(_with_dims(input if dtype is None else input.to(dtype)), axis=dim)


def _with_dims(input: Any) -> Any:
    """Give the tensor, which has dims; NumPy counts on as if it had."""
    if not np.ndim(input.array):
        raise DimensionError(0, 0)
    return input


@_numpy_words
def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """As `torch.softmax`: exp(input) divided by its sum along `dim`."""
    dim = at(dim, np.ndim(input.array)) if type(dim) is not int else dim
    return nw.softmax(input if dtype is None else input.to(dtype), dim)


@_numpy_words
def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """As `torch.log_softmax`: the logarithm of `softmax`, right where that underflows."""
    dim = at(dim, np.ndim(input.array)) if type(dim) is not int else dim
    return nw.log_softmax(input if dtype is None else input.to(dtype), dim)


@_numpy_words
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """As `torch.logsumexp`: log(sum(exp(input))) along `dim`, without overflow."""
    return nw.logsumexp(floating(input), _axis(dim), keepdim)


@_numpy_words
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """As `torch.diff`: each entry minus the one before it along `dim`, after `prepend` and before `append`."""
    if n < 0:
        raise OperandError(tr("order must be non-negative but got {n}. Write n=1 for differences.", n=n))
    if not np.ndim(input.array):
        raise OperandError(tr(
            "diff expects input to be at least one-dimensional. Write gm.stack([...]) of several.",
        ))  # fmt: skip
    parts = [p for p in (prepend, input, append) if p is not None]
    joined: Any = np.concatenate(parts, dim) if len(parts) > 1 and n else input
    if joined.array.dtype.kind == "b":  # PyTorch: whether neighbours differ
        return input.wrap(np.diff(joined.array, n, dim), None)
    return call_linear(_DIFF, np.diff, (joined, n, dim))


_DIFF = named(np.diff, "SubBackward0")


_FUNCTIONS = (
    "sum mean prod amax amin nansum argmax argmin all any count_nonzero std var norm max min median argsort sort topk "
    "cumsum cumprod softmax log_softmax logsumexp diff"
).split()
REDUCTIONS: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _FUNCTIONS}
