"""From NumPy's protocols to the tape: find the rule of a function, compute, record; let nothing pass in silence.

In: a NumPy function with tracked arguments. Out: its result, tracked where a gradient can flow through it.
"""

from __future__ import annotations

from collections.abc import Callable
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
        return _written(array_ufunc(self, ufunc, method, *inputs, **kwargs), out[0])
    if method == "__call__":
        rule = RULES.get(ufunc)
        if type(rule) is Elementwise and not kwargs:
            return call_elementwise(rule, inputs) if len(inputs) > 1 else call_unary(rule, ufunc, self)
        if rule is None:
            composed = COMPOSED.get(ufunc)
            return composed(*inputs, **kwargs) if composed is not None else unknown(ufunc, inputs, kwargs)
        if kwargs:
            return _with_options(ufunc, inputs, kwargs)
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
    return unknown(f"np.{ufunc.__name__}.{method}", inputs, kwargs, getattr(ufunc, method))


def array_function(self: Tracked, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Serve any other NumPy function called on tracked values (NumPy's `__array_function__`)."""
    rule = RULES.get(function)
    if rule is None:
        composed = COMPOSED.get(function)
        return composed(*args, **kwargs) if composed is not None else unknown(function, args, kwargs)
    if kwargs:
        out = kwargs.get("out")
        kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue and k != "out"}
        if out is not None:
            return _written(call(rule, function, args, kwargs), out[0] if isinstance(out, tuple) else out)
    elif type(rule) is Linear and not rule.sequence and plain_settings(args):
        return call_linear(rule, function, args)
    return call(rule, function, args, kwargs)


# Functions computed from others that have rules: function -> the same function written with those.
COMPOSED: dict[Any, Callable[..., Any]] = {}


def composed(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare that `functions` are computed, on tracked values, by the decorated function of the same signature."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        for f in functions:
            COMPOSED[f] = function
        return function

    return declare


def unknown(function: Any, args: Any, kwargs: Any, raw: Any = None) -> Any:
    """A function without a rule: an error on Tensors; on lifted Arrays a plain result and a note."""
    name = function if isinstance(function, str) else _qualified(function)
    tracked = [a for a in flat((args, kwargs)) if isinstance(a, Tracked)]
    if not any(a.node is not None for a in tracked) or state.mode is OFF:
        return wrapped((raw or function)(*raw_of(args), **raw_of(kwargs)), type(tracked[0]))
    first = next(a for a in tracked if a.node is not None)
    if type(first) is Tracked.inner and not first.wanted:
        first.leave(name)
        return (raw or function)(*raw_of(args), **raw_of(kwargs))
    raise UnknownFunctionError(
        f"{name} has no derivative in gradmagic: it was called on {blame(first)}. "
        f"Compute it outside the gradient"
        f"{'' if type(first) is Tracked.inner else f' ({name}(t.detach().numpy()))'}, or from functions that have one."
    )


def _qualified(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module if module.startswith('np') else 'np'}.{getattr(function, '__name__', function)}"


_REDUCTIONS: dict[Any, Any] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
_ACCUMULATIONS: dict[Any, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


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
        from .primitives import cast

        inputs = tuple(cast(a, dtype) if isinstance(a, Tracked) else a for a in inputs)
    return ufunc(*inputs)


def _written(result: Any, out: Any) -> Any:
    """Serve `out=`: write the result into a tracked value in place, or into a plain array where it cannot flow."""
    if isinstance(out, Tracked):
        return out.assign(Ellipsis, result)
    if isinstance(result, Tracked):
        out[...] = result.leave("out=", strict_text="out = np.f(...) without out=")
    else:
        out[...] = result
    return out
