"""From NumPy's protocols to the tape: find the rule of a function, compute, record; let nothing pass in silence.

In: a NumPy function with tracked arguments. Out: its result, tracked where a gradient can flow through it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

import numpy as np

from . import arrays, inplace
from .errors import ArgumentError, ShapeError, UnknownFunctionError
from .places import describe, name_of, place_of, user_frame
from .rules.declare import CONSTANT, RULES, Elementwise, Linear, Rule, pick
from .tape import OFF, Node, aval_of, state, tick
from .tracked import Tracked


def record(rule: Rule, array: Any, inputs: tuple[Node | None, ...], saved: Any, aval: Any = None) -> Node:
    """Put one operation on the tape and give its node."""
    node = Node()
    node.rule, node.inputs, node.saved = rule, inputs, saved
    node.aval = aval if aval is not None else aval_of(array)
    node.number = tick()
    node.place = None
    mode = state.mode
    if mode is not None and mode is not OFF:
        mode(node, array, sys._getframe(1))
    return node


def call_elementwise(rule: Elementwise, args: Sequence[Any], function: Any = None, shown: Any = None) -> Any:
    """Compute an elementwise function (by `function`, if the operator differs from the ufunc) and record it."""
    face: Any = None
    raws, nodes, tracked = [], [], False
    for a in args:
        node = None
        if isinstance(a, Tracked):
            if face is None or face is Tracked.inner:
                face = type(a)
            node, a = a.node, a.array
            tracked = tracked or node is not None
        elif isinstance(a, (list, tuple)):
            a = np.asarray(a)
        raws.append(a)
        nodes.append(node)
    try:
        out = (function or rule.function)(*raws)
    except ValueError as error:
        raise mismatch(error, rule, shown or args) from None
    if out is NotImplemented or face is None:
        return out
    if not tracked or state.mode is OFF:
        return face.wrap(out, None)
    aval = aval_of(out)
    if aval.fast and all(node is None or node.aval is aval for node in nodes):
        rule = rule.twin
    inputs = tuple(nodes)
    return face.wrap(out, record(rule, out, inputs, rule.keep(out, raws, {}, inputs), aval))


def call_unary(rule: Elementwise, function: Any, x: Tracked) -> Any:
    """Compute an elementwise function of one argument: `call_elementwise` without its loops (1.2 for 2.9 us)."""
    n, mode = x.node, state.mode
    if n is None or mode is OFF or not (aval := n.aval).fast or aval.python is not None:
        return call_elementwise(rule, (x,), function)
    array = x.array
    out = function(array)
    keep_out, keep_x = rule.keeps[1]
    node = Node()
    node.rule, node.inputs = rule.twin, (n,)
    node.saved = (out if keep_out else None, array if keep_x else None)
    node.aval, node.number, node.place = aval, tick(), None
    if mode is not None:
        mode(node, out, sys._getframe(1))
    made = type(x)()
    made.array, made.node = out, node
    return made


def call_linear(rule: Linear, function: Any, args: Sequence[Any]) -> Any:
    """Compute a linear function with positional settings only: `call` without its generality (2.5 for 6 us)."""
    x = args[0]
    n, mode = x.node, state.mode
    array = x.array
    if len(args) == 1 and function in QUICK and type(array) is np.ndarray and array.dtype.char in "fd":
        out = QUICK[function](array)
    else:
        out = function(array, *args[1:])
    if n is None or mode is OFF:
        return _wrap_outputs(out, type(x))
    node = Node()
    node.rule, node.inputs, node.saved = rule, (n,), (n.aval, args[1:], _NO_OPTIONS)
    node.aval, node.number, node.place = aval_of(out), tick(), None
    if mode is not None:
        mode(node, out, sys._getframe(1))
    made = type(x).wrap(out, node)
    if getattr(out, "base", None) is not None and rule.view:
        inplace.shares(made, x)
    return made


# What np.sum and np.mean come down to for a whole float array: 0.8 and 1.1 us for 2.1 and 3.7, bit for bit the same.
QUICK: dict[Any, Callable[[Any], Any]] = {
    np.sum: lambda x: np.add.reduce(x, None),
    np.mean: lambda x: np.add.reduce(x, None) / x.size,
}
_NO_OPTIONS: dict[str, Any] = {}
_PRODUCTS = ("matmul", "dot", "inner", "tensordot", "vdot", "solve")


def call(rule: Rule, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute `function` and record it by its rule, whatever its kind."""
    if rule is CONSTANT:
        face = _face_of((args, kwargs))
        return _wrap_outputs(function(*_raw(args), **_raw(kwargs)), face)
    if kwargs and (isinstance(rule, Elementwise) or any(isinstance(v, Tracked) for v in kwargs.values())):
        args, kwargs = _positional(function, args, kwargs)
    if isinstance(rule, Elementwise):
        if kwargs:
            raise ArgumentError(
                f"{rule.name}() on a tracked value does not take {', '.join(kwargs)}=: leave it out, or compute "
                f"the part that needs it from t.detach().numpy()."
            )
        if len(args) < len(rule.partials):
            args, kwargs = _positional(function, args, kwargs, fill=True)
        return call_elementwise(rule, args)
    face = _face_of(args)
    if rule.sequence:
        parts = list(args[0])
        nodes = [a.node if isinstance(a, Tracked) else None for a in parts]
        first = [
            a if isinstance(a, (np.generic, int, float)) or arrays.is_array(a) else np.asarray(a)
            for a in _raw(parts)
        ]
        raws = [first, *(_constant(a, rule, i) for i, a in enumerate(args[1:], 1))]
    else:
        last = 1 if isinstance(rule, Linear) else len(args) if rule.each else len(rule.vjps)  # type: ignore[attr-defined]
        nodes = [a.node if isinstance(a, Tracked) and i < last else None for i, a in enumerate(args)]
        raws = [_raw(a) if i < last else _constant(a, rule, i) for i, a in enumerate(args)]
        if not isinstance(rule, Linear) and not rule.each:  # type: ignore[attr-defined]
            nodes = nodes[:last]
            raws[:last] = [
                np.asarray(a) if isinstance(a, (list, tuple)) and i == 0 else a
                for i, a in enumerate(raws[:last])
            ]
        elif isinstance(rule, Linear):
            nodes = nodes[:1]
    try:
        out = function(*raws, **kwargs)
    except ValueError as error:
        if rule.name not in _PRODUCTS:
            raise
        raise mismatch(error, rule, args) from None
    if state.mode is OFF or not any(node is not None for node in nodes):
        return _wrap_outputs(out, face)
    inputs = tuple(nodes)
    if rule.outputs == 1:
        return face.wrap(out, record(rule, out, inputs, rule.keep(out, raws, kwargs, inputs)))
    avals = tuple(aval_of(o) for o in out)
    node = record(rule, out, inputs, rule.keep(tuple(out), raws, kwargs, inputs), avals)
    made = [face.wrap(o, pick(node, i)) for i, o in enumerate(out)]
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return type(out)(*made)
    return type(out)(made)


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
            return unknown(ufunc, inputs, kwargs)
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
        return getattr(ufunc, method)(*_raw(inputs), **_raw(kwargs))
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
    elif type(rule) is Linear and not rule.sequence and _plain(args):
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


def primitive(function: Callable[..., Any]) -> Any:
    """Make `function` of arrays a function that stands in the table of rules beside NumPy's."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if isinstance(a, Tracked) or (type(a) is list and any(isinstance(b, Tracked) for b in a)):
                return call(RULES[wrapper], function, args, kwargs)
        return function(*args, **kwargs)

    return wrapper


def unknown(function: Any, args: Any, kwargs: Any, raw: Any = None) -> Any:
    """A function without a rule: an error on Tensors; on lifted Arrays a plain result and a note."""
    name = function if isinstance(function, str) else _qualified(function)
    tracked = [a for a in _flat((args, kwargs)) if isinstance(a, Tracked)]
    if not any(a.node is not None for a in tracked) or state.mode is OFF:
        return _wrap_outputs((raw or function)(*_raw(args), **_raw(kwargs)), type(tracked[0]))
    first = next(a for a in tracked if a.node is not None)
    if type(first) is Tracked.inner:
        first.leave(name)
        return (raw or function)(*_raw(args), **_raw(kwargs))
    raise UnknownFunctionError(
        f"{name} has no derivative in gradmagic: it was called on {blame(first)}. "
        f"Compute it outside the gradient ({name}(t.detach().numpy())), or from functions that have one."
    )


def blame(tracked: Tracked, noun: str = "a tracked value") -> str:
    """Name a value for a message: the user's name for it, its shape and the line that uses it."""
    frame = sys._getframe(1)
    name = name_of(tracked, frame)
    shape = f"of shape {tuple(np.shape(tracked.array))}"
    return (
        f"{name!r} ({shape})" * bool(name)
        + f"{noun} {shape}" * (not name)
        + f", {describe(place_of(user_frame(frame)))}"
    )


def _qualified(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module if module.startswith('np') else 'np'}.{getattr(function, '__name__', function)}"


def mismatch(error: ValueError, rule: Rule, args: Sequence[Any]) -> ShapeError:
    """Say which operands do not fit each other, by name, shape and line; the first sentence stays NumPy's."""
    frame = sys._getframe(2)
    words = []
    for a in args:
        raw = a.array if isinstance(a, Tracked) else a
        if isinstance(a, Tracked) or arrays.is_array(a):
            words.append(f"{name_of(a, frame) or 'a value'} of shape {tuple(np.shape(raw))}")
    where = describe(place_of(user_frame(frame)))
    return ShapeError(
        f"{str(error).strip()}: {rule.name} of {' and '.join(words)}, {where}. "
        + (
            "The last axis of the first must be as long as the first (or last but one) of the second: "
            "transpose or reshape one of them."
            if rule.name in ("matmul", "dot")
            else "Axes are matched from the right and must be equal or 1: write x[:, None] or x.reshape(...) on one."
        )
    )


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


def _face_of(args: Any) -> Any:
    faces = {type(a) for a in _flat(args) if isinstance(a, Tracked)}
    if len(faces) > 1:
        faces.discard(Tracked.inner)
    return faces.pop() if faces else Tracked.inner


def _flat(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        for v in value:
            yield from _flat(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _flat(v)
    else:
        yield value


def _raw(value: Any) -> Any:
    if isinstance(value, Tracked):
        return value.array
    if type(value) in (list, tuple):
        return type(value)(_raw(v) for v in value)
    if type(value) is dict:
        return {k: _raw(v) for k, v in value.items()}
    return value


def _constant(value: Any, rule: Rule, position: int) -> Any:
    """An argument through which the rule has no gradient: whole numbers and settings pass, tracked floats do not."""
    for a in _flat(value) if type(value) in (list, tuple) else (value,):
        if isinstance(a, Tracked) and a.node is not None and a.node.aval.tangent is a.node.aval.dtype:
            if state.mode is not OFF and not a.soft:
                raise ArgumentError(
                    f"np.{rule.name} has no derivative by its argument number {position + 1}, {blame(a)}: "
                    "pass a constant there (t.detach().numpy())."
                )
            a.leave(f"np.{rule.name}")
    return _raw(value)


def _wrap_outputs(out: Any, face: Any) -> Any:
    if isinstance(out, np.generic) or arrays.is_array(out):
        return face.wrap(out, None)
    if type(out) in (list, tuple):
        return type(out)(_wrap_outputs(o, face) for o in out)
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return type(out)(*(_wrap_outputs(o, face) for o in out))
    return out


def _plain(args: Sequence[Any]) -> bool:
    """Tell whether only the first argument is tracked."""
    return isinstance(args[0], Tracked) and (
        len(args) == 1 or not any(isinstance(a, Tracked) for rest in args[1:] for a in _flat(rest))
    )


@cache
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _positional(
    function: Any, args: Sequence[Any], kwargs: dict[str, Any], fill: bool = False
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Move keyword arguments to their positions, so that tracked ones among them get their derivative."""
    try:
        bound = _signature(function).bind(*args, **kwargs)
    except ValueError:  # no signature: C functions of old
        return args, kwargs
    if fill:
        bound.apply_defaults()
    return [None if a is np._NoValue else a for a in bound.args], bound.kwargs
