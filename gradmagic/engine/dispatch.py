"""From NumPy's protocols to the tape: find the rule of a function, compute, record; let nothing pass in silence.

In: a NumPy function with tracked arguments. Out: its result, tracked where a gradient can flow through it.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .calls import (
    call,
    call_binary,
    call_elementwise,
    call_linear,
    call_unary,
    flat,
    plain_settings,
    primitive,
    raw_of,
    record,
    wrapped,
)
from .errors import ArgumentError, UnknownFunctionError
from .messages import blame, mismatch
from .primitives import cast
from .rules.declare import RULES, Elementwise, Linear
from .tape import OFF, state
from .tracked import Tracked

__all__ = [
    "COMPOSED",
    "array_function",
    "array_ufunc",
    "blame",
    "call",
    "call_binary",
    "call_elementwise",
    "call_linear",
    "call_unary",
    "composed",
    "mismatch",
    "primitive",
    "record",
    "unknown",
]


def array_ufunc(self: Tracked, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Serve a ufunc called on tracked values (NumPy's `__array_ufunc__`)."""
    out = kwargs.pop("out", None) if kwargs else None
    if out is not None and method != "at":
        fresh = sys.getrefcount(out[0]) <= _FRESH
        mask = kwargs.pop("where", True)
        if mask is not True:
            inputs = tuple(np.where(mask, x, _SAFE.get(ufunc, 1)) for x in inputs)
        result = getattr(ufunc, method)(*inputs, **kwargs)
        return _written(result if mask is True else np.where(mask, result, out[0]), out[0], fresh)
    if method == "__call__":
        rule = RULES.get(ufunc)
        if type(rule) is Elementwise and not kwargs:
            return call_elementwise(rule, inputs) if len(inputs) > 1 else call_unary(rule, ufunc, self)
        if rule is None:
            if ufunc not in COMPOSED and _scipy_loaded():
                return array_ufunc(self, ufunc, method, *inputs, **kwargs)
            composed = COMPOSED.get(ufunc)
            return composed(*inputs, **kwargs) if composed is not None else unknown(ufunc, inputs, kwargs)
        if kwargs:
            try:
                return _with_options(ufunc, inputs, dict(kwargs))
            except ArgumentError as error:
                return unknown(ufunc, inputs, kwargs, error=error)
        if (detached := getattr(rule, "detached", None)) is not None:  # orders, by which there is no derivative
            inputs = detached(inputs)
        return call(rule, ufunc, inputs, kwargs)
    if method == "outer":
        a, b = inputs
        return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **kwargs)
    if method == "reduce" and ufunc in _REDUCTIONS:
        x, *rest = inputs
        options = dict(zip(("axis", "dtype"), rest, strict=False)) | kwargs
        return _REDUCTIONS[ufunc](
            x, **{"axis": 0} | {k: v for k, v in options.items() if v is not np._NoValue}
        )
    if method == "accumulate" and ufunc in _ACCUMULATIONS:
        x, *rest = inputs
        options = dict(zip(("axis", "dtype"), rest, strict=False)) | kwargs
        return _ACCUMULATIONS[ufunc](x, **{"axis": 0} | options)
    if method == "at" and not any(isinstance(a, Tracked) and a.node is not None for a in inputs):
        return getattr(ufunc, method)(*raw_of(inputs), **raw_of(kwargs))
    if method == "at" and ufunc is np.add:
        from .rules.writes import add_at  # stands on this module

        return add_at(*inputs)
    return unknown(f"np.{ufunc.__name__}.{method}", inputs, kwargs, getattr(ufunc, method))


def array_function(self: Tracked, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Serve any other NumPy function called on tracked values (NumPy's `__array_function__`)."""
    rule = RULES.get(function)
    if len(args) > 2 and len(args) > (at := _out_of(function)[0]):
        kwargs = kwargs | dict(zip(_out_of(function)[1], args[at:], strict=False))
        args = args[:at]
    if kwargs:
        out = kwargs.get("out")
        kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue and k != "out"}
        if out is not None:
            return _written(function(*args, **kwargs), out[0] if isinstance(out, tuple) else out)
    elif type(rule) is Linear and not rule.sequence and plain_settings(args):
        return call_linear(rule, function, args)
    try:
        if rule is not None:
            if kwargs and (wrong := rule.refuses(_settings(kwargs))):
                raise ArgumentError(
                    f"{_qualified(function)}(..., {wrong}=...) has no derivative in gradmagic."
                )
            return call(rule, function, args, kwargs)
        if function in COMPOSED:
            return COMPOSED[function](*args, **kwargs)
    except ArgumentError as error:
        return unknown(function, args, kwargs, error=error)
    return unknown(function, args, kwargs)


def _scipy_loaded() -> bool:
    """Load the rules of SciPy's ufuncs, once one may have been called; tell whether that was now.

    Not before: gradmagic does not depend on SciPy, and its import takes longer than NumPy's.
    """
    name = f"{__package__}.rules.special"
    if "scipy.special" not in sys.modules or name in sys.modules:
        return False
    importlib.import_module(name)
    return True


@cache
def _out_of(function: Any) -> tuple[int, list[str]]:
    """Give the place of `out` among the positional arguments of a function, and the names from there on."""
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [q.name for q in parameters if q.kind <= q.POSITIONAL_OR_KEYWORD]  # einsum's comes after *operands
    except ValueError:  # C functions of NumPy 2.0
        names = ["a", "b", "out"] if function is np.dot else []
    at = names.index("out") if "out" in names else len(names) + 99
    return at, names[at:]


# Functions computed from others that have rules: function -> the same function written with those.
COMPOSED: dict[Any, Callable[..., Any]] = {}


def composed(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare that `functions` are computed, on tracked values, by the decorated function of the same signature."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        for f in functions:
            COMPOSED[f] = function
        return function

    return declare


def unknown(function: Any, args: Any, kwargs: Any, raw: Any = None, error: Exception | None = None) -> Any:
    """A function without a rule, or `error` on its arguments: an error on Tensors; on lifted Arrays a note.

    Those get the plain result: a cell computes what it computes without the magic.
    """
    name = function if isinstance(function, str) else _qualified(function)
    tracked = [a for a in flat((args, kwargs)) if isinstance(a, Tracked)]
    if not any(a.node is not None for a in tracked) or state.mode is OFF:
        return wrapped((raw or function)(*raw_of(args), **raw_of(kwargs)), type(tracked[0]))
    first = next(a for a in tracked if a.node is not None)
    if type(first) is Tracked.inner and not first.wanted:
        first.leave(name)
        return (raw or function)(*raw_of(args), **raw_of(kwargs))
    if error is not None:
        raise error
    raise UnknownFunctionError(
        f"{name} has no derivative in gradmagic: it was called on {blame(first)}. "
        f"Compute it outside the gradient"
        f"{'' if type(first) is Tracked.inner else f' ({name}(t.detach().numpy()))'}, or from functions that have one."
    )


def _settings(kwargs: dict[str, Any]) -> list[str]:
    """The keyword arguments that hold no tracked values; the others move to their positions."""
    return [name for name, value in kwargs.items() if not any(isinstance(v, Tracked) for v in flat(value))]


def _qualified(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module if module.startswith('np') else 'np'}.{getattr(function, '__name__', function)}"


_REDUCTIONS: dict[Any, Any] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
_ACCUMULATIONS: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


# In place of what where= leaves out, so that neither the value nor its derivative warns or is NaN there; 1 elsewhere.
_SAFE: dict[Any, float] = {np.arcsin: 0.5, np.arccos: 0.5, np.arctanh: 0.5, np.arccosh: 2}


def _with_options(ufunc: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc with `dtype=`: its inputs are cast first. The other options have no rule."""
    dtype = kwargs.pop("dtype", None)
    idle = {"where": True, "casting": "same_kind", "order": "K", "subok": True}
    kwargs = {k: v for k, v in kwargs.items() if v is not None and not (k in idle and v is idle[k])}
    if kwargs:
        raise ArgumentError(
            f"np.{ufunc.__name__}(..., {', '.join(kwargs)}=...) has no derivative in gradmagic for "
            f"{blame(next(a for a in inputs if isinstance(a, Tracked)))}: write np.where(mask, f(x), other) instead."
        )
    if dtype is not None:
        inputs = tuple(cast(a, dtype) if isinstance(a, Tracked) else a for a in inputs)
    return ufunc(*inputs)


class _Probe:
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> int:
        return sys.getrefcount(kwargs.pop("out", None)[0])


def _references() -> int:
    named = np.empty(0)
    fresh: Any = np.add(_Probe(), 0, out=np.empty(0))  # type: ignore[call-overload]
    return fresh if fresh < np.add(_Probe(), 0, out=named) else 0  # type: ignore[call-overload, no-any-return]


# How many references np.add(x, y, out=np.empty(n)) holds to an array that nobody else has; 0 where that cannot be told.
_FRESH = _references()


def _written(result: Any, out: Any, fresh: bool = False) -> Any:
    """Serve `out=`: write the result into a tracked value in place, or into a plain array where it cannot flow.

    A `fresh` array is one that only this call knows (`out=np.zeros(n)`): the result is the only way to it, and flows.
    """
    if isinstance(out, Tracked):
        return out.assign(Ellipsis, result)
    if fresh and isinstance(result, Tracked):
        out[...] = result.array
        return type(result).wrap(out, result.node)
    if isinstance(result, Tracked):
        out[...] = result.leave("out=", strict_text="out = np.f(...) without out=")
    else:
        out[...] = result
    return out
