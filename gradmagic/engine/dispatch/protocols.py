"""From NumPy's protocols to the tape: find the rule of a function, compute, record; let nothing pass in silence.

In: a NumPy function with tracked arguments. Out: its result, tracked where a gradient can flow through it.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError, GradmagicError, UnknownFunctionError
from ...language import tr
from ..core import arrays
from ..rules.declare import RULES
from ..rules.kinds import NUMBERS, LinearMap, scalar
from ..rules.pointwise import Elementwise
from ..rules.rule import CONSTANT
from ..tape.messages import blame
from ..tape.modes import OFF, mode_now
from ..tape.nodes import aval_of
from ..tape.tracked import Tracked, raws, tracked_in
from .calls import (
    call,
    call_elementwise,
    call_linear,
    call_unary,
    constantly,
    face_of,
    plain_settings,
    wrapped,
)
from .non_numbers import in_torch_words
from .primitives import cast


def array_ufunc(self: Tracked, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Serve a ufunc called on tracked values (NumPy's `__array_ufunc__`)."""
    if kwargs and isinstance(mask := kwargs.get("where"), Tracked):
        kwargs["where"] = mask.array  # NumPy takes bools only: no gradient flows through a mask
        if not tracked_in((inputs, kwargs)):
            return constantly(getattr(ufunc, method), inputs, kwargs)
    out = kwargs.pop("out", None) if kwargs else None
    if out is not None and method != "at":
        if len(out) > 1:
            results = getattr(ufunc, method)(*inputs, **kwargs)
            return tuple(r if o is None else _written(r, o) for r, o in zip(results, out, strict=True))
        fresh = sys.getrefcount(out[0]) <= _FRESH
        given = inputs, dict(kwargs)
        mask = kwargs.pop("where", True) if method == "__call__" else True
        if mask is not True:
            inputs = tuple(np.where(mask, x, _SAFE.get(ufunc, 1)) for x in inputs)
        result = getattr(ufunc, method)(*inputs, **kwargs)
        room = _room(result, out[0], getattr(ufunc, method), *given) if mask is True else None
        return _written(result if mask is True else np.where(mask, result, out[0]), out[0], fresh, room)
    if method == "__call__":
        rule = RULES.get(ufunc)
        if type(rule) is Elementwise and not kwargs:
            return call_elementwise(rule, inputs) if len(inputs) > 1 else call_unary(rule, ufunc, self)
        if rule is None and ufunc not in COMPOSED:
            if late_tables_loaded():
                return array_ufunc(self, ufunc, method, *inputs, **kwargs)
            return unknown(ufunc, inputs, kwargs)
        if kwargs and rule is not CONSTANT:
            try:
                return _with_options(ufunc, inputs, dict(kwargs))
            except ArgumentError as error:
                return unknown(ufunc, inputs, kwargs, error=error)
        if rule is None:
            return COMPOSED[ufunc](*inputs)
        if (
            detached := getattr(rule, "detached", None)
        ) is not None:  # orders, by which there is no derivative
            inputs = detached(inputs)
        return call(rule, ufunc, inputs, kwargs)
    try:
        return METHODS[method](ufunc, *inputs, **{k: v for k, v in kwargs.items() if v is not np._NoValue})
    except ArgumentError as error:
        return unknown(f"np.{ufunc.__name__}.{method}", inputs, kwargs, getattr(ufunc, method), error)


def array_function(self: Tracked, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Serve any other NumPy function called on tracked values (NumPy's `__array_function__`)."""
    rule = RULES.get(function)
    if len(args) > 2 and len(args) > (at := out_of(function)[0]):
        kwargs = kwargs | dict(zip(out_of(function)[1], args[at:], strict=False))
        args = args[:at]
    if kwargs:
        if isinstance(mask := kwargs.get("where"), Tracked):
            kwargs = kwargs | {"where": mask.array}
            if not tracked_in((args, kwargs)):
                return constantly(function, args, kwargs)
        out = kwargs.get("out")
        kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue and k != "out"}
        if out is not None:
            out = out[0] if isinstance(out, tuple) else out
            result = function(*args, **kwargs)
            return _written(result, out, room=_room(result, out, function, args, kwargs))
        for name, value in kwargs.items():
            if (other := OPTIONS.get((function, name))) is not None and other[0](value):
                return other[1](*args, **kwargs)
        if (
            type(rule) is LinearMap
            and not rule.sequence
            and args
            and plain_settings((*args, *kwargs.values()))
            and (rule.settings is None or rule.settings.issuperset(kwargs))
        ):
            return call_linear(rule, function, args, kwargs)
    elif type(rule) is LinearMap and not rule.sequence and plain_settings(args):
        return call_linear(rule, function, args)
    if rule is CONSTANT and function in SAVING:
        for a in tracked_in((args, kwargs)):
            if a.soft and a.node is not None:
                a.leave("file")
    try:
        if rule is not None:
            if kwargs and rule is not CONSTANT and (wrong := rule.refuses(_settings(kwargs))):
                raise ArgumentError(tr(
                    "{name}(..., {option}=...) has no derivative in gradmagic.",
                    name=_qualified(function), option=wrong,
                ))  # fmt: skip
            return call(rule, function, args, kwargs)
        if function in COMPOSED:
            return COMPOSED[function](*args, **kwargs)
    except ArgumentError as error:
        return unknown(function, args, kwargs, error=error)
    except ValueError as error:
        raise in_torch_words(error, (args, kwargs)) from None
    if late_tables_loaded():
        return array_function(self, function, types, args, kwargs)
    return unknown(function, args, kwargs)


def late_tables_loaded() -> bool:
    """Load the tables of rules in `LATE` whose module somebody has imported; tell whether there were any."""
    wanted = [module for module in LATE if module in sys.modules]
    for module in wanted:
        importlib.import_module(LATE.pop(module))
    return bool(wanted)


@cache
def _named(kernel: Any) -> Any:
    """Give NumPy's or SciPy's function that CuPy's kernel stands for; None where there is none.

    By where the kernel stands: the names that kernels have of themselves may be another's (ellipk and ellipkm1).
    """
    if kernel.name == "cupy_where":
        return np.where
    home = type(kernel).__module__.partition(".")[0]
    for theirs, ours in (home, "numpy"), ("cupyx.scipy.special", "scipy.special"):
        for name, value in vars(sys.modules[theirs]).items() if theirs in sys.modules else ():
            if value is kernel and importlib.util.find_spec(ours.partition(".")[0]):
                return getattr(importlib.import_module(ours), name, None)
    return None


def cupy_kernel(self: Tracked, kernel: Any, *args: Any, **kwargs: Any) -> Any:
    """Serve an elementwise function of CuPy's (`c += t`, `cp.exp(t)`) as NumPy's or SciPy's of that name, or refuse."""
    function = _named(kernel) if type(kernel).__name__ == "ufunc" else None
    if function is None:
        return unknown(tr("CuPy's kernel {name}", name=kernel.name), args, kwargs, kernel)
    out = args[kernel.nin :] if len(args) > kernel.nin else kwargs.pop("out", None)
    if out is not None:
        kwargs["out"] = out if type(out) is tuple else (out,)
    if isinstance(function, np.ufunc):  # straight on: NumPy would ask CuPy first, again
        return array_ufunc(self, function, "__call__", *args[: kernel.nin], **kwargs)
    return function(*args[: kernel.nin], **kwargs)


@cache
def out_of(function: Any) -> tuple[int, list[str]]:
    """Give the place of `out` among the positional arguments of a function, and the names from there on."""
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [
            q.name for q in parameters if q.kind <= q.POSITIONAL_OR_KEYWORD
        ]  # einsum's comes after *operands
    except ValueError:  # C functions of NumPy 2.0
        names = ["a", "b", "out"] if function is np.dot else []
    at = names.index("out") if "out" in names else len(names) + 99
    return at, names[at:]


# Functions computed from others that have rules: function -> the same function written with those.
# A module -> the table of rules for it, which is loaded when a function without a rule comes (derivatives/tables.py):
# gradmagic does not depend on SciPy, and its import takes longer than NumPy's.
LATE: dict[str, str] = {}
COMPOSED: dict[Any, Callable[..., Any]] = {}
# Functions that write numbers into a file: what comes back from there has no gradient.
SAVING: set[Any] = set()
# Methods of ufuncs on tracked values, by name: functions of the ufunc and the arguments (composed/ufunc_methods.py).
METHODS: dict[str, Callable[..., Any]] = {}
# Options that call for another way: (function, option) -> when it is taken, and the function computed that way.
OPTIONS: dict[tuple[Any, str], tuple[Callable[[Any], bool], Callable[..., Any]]] = {}


def composed(*functions: Any, exact: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare that `functions` are computed, on tracked values, by the decorated function of the same signature.

    The values are NumPy's own, bit for bit; the decorated function gives the way back. `exact`: its values are NumPy's
    already, since it only moves entries or calls the user's functions: nothing is computed twice.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        for f in functions:
            COMPOSED[f] = function if exact else valued(f, function)
        return function

    return declare


def valued(function: Callable[..., Any], way: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function with the values of `function`, which is NumPy's, and the gradients of `way`."""

    @wraps(way)
    def call_both(*args: Any, **kwargs: Any) -> Any:
        given = tracked_in((args, kwargs))
        if any(arrays.on_device(a.array) for a in given):
            return way(*args, **kwargs)
        value = function(*raws(args), **raws(kwargs))
        if mode_now() is OFF or all(a.node is None for a in given):
            return wrapped(value, face_of(given))
        try:
            with np.errstate(all="ignore"):  # NumPy has warned already
                made = way(*(_shaped(a) for a in args), **kwargs)
            return _settled(made, value, face_of(given), {id(a.node) for a in given})
        except (
            ValueError,
            TypeError,
            LookupError,
            ArithmeticError,
        ) as error:  # NumPy has a value all the same
            if isinstance(error, GradmagicError):
                raise
            name = _qualified(function) if hasattr(function, "__name__") else tr("this")
            raise ArgumentError(tr(
                "{name} of these arguments has no derivative in gradmagic: {error}.", name=name, error=error,
            )) from error  # fmt: skip

    return call_both


def _shaped(a: Any) -> Any:
    """Give a tracked Python number as NumPy's, which has a shape and a dtype; float16 as float32, as NumPy adds it."""
    if not isinstance(a, Tracked):
        return a
    if type(a.array) in NUMBERS:
        return type(a).wrap(scalar(a.array), a.node)
    return cast(a, np.float32) if a.array.dtype == np.float16 else a


def _settled(made: Any, value: Any, face: Any, inputs: set[int]) -> Any:
    """Give `value` the nodes of `made`, which is the same but for the last bits, or for the dtype."""
    if isinstance(value, (tuple, list)):
        parts = [_settled(m, v, face, inputs) for m, v in zip(made, value, strict=True)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if not isinstance(made, Tracked) or made.node is None:
        return wrapped(value, face)
    if made.node.aval is not aval_of(value) or id(made.node) in inputs:
        made = cast(made, value.dtype)
    return type(made).wrap(value, made.node)


def unknown(function: Any, args: Any, kwargs: Any, raw: Any = None, error: Exception | None = None) -> Any:
    """A function without a rule, or `error` on its arguments: an error on Tensors; on lifted Arrays a note.

    Those get the plain result: a cell computes what it computes without the magic.
    """
    name = function if isinstance(function, str) else _qualified(function)
    tracked = tracked_in((args, kwargs))
    if not any(a.node is not None for a in tracked) or mode_now() is OFF:
        return wrapped((raw or function)(*raws(args), **raws(kwargs)), type(tracked[0]))
    first = next(a for a in tracked if a.node is not None)
    if type(first) is Tracked.inner and not first.wanted:
        first.leave(name)
        return (raw or function)(*raws(args), **raws(kwargs))
    if error is not None:
        raise error
    code = "" if type(first) is Tracked.inner else tr(" ({code})", code=f"{name}(t.detach().numpy())")
    raise UnknownFunctionError(tr(
        "{name} has no derivative in gradmagic: it was called on {value}. Compute it outside the gradient{call}, or "
        "from functions that have one.", name=name, value=blame(first), call=code,
    ))  # fmt: skip


def _settings(kwargs: dict[str, Any]) -> list[str]:
    """The keyword arguments that hold no tracked values; the others move to their positions."""
    return [name for name, value in kwargs.items() if not tracked_in(value)]


def _qualified(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    home = module.replace("numpy", "np", 1) if module.startswith("numpy") else module
    return f"{home}.{getattr(function, '__name__', function)}"


# In place of what where= leaves out, so that neither the value nor its derivative warns or is NaN there; 1 elsewhere.
_SAFE: dict[Any, float] = {np.arcsin: 0.5, np.arccos: 0.5, np.arctanh: 0.5, np.arccosh: 2}


def _with_options(ufunc: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc with options: `dtype=` casts its inputs first; `axes=` moves them; `order=` and `casting=` are free."""
    given = {k: v for k, v in kwargs.items() if v is not None and not (k == "where" and v is True)}
    if other := sorted(set(given) - {"dtype", "casting", "order", "subok", "axis", "axes", "keepdims"}):
        raise ArgumentError(tr(
            "np.{name}(..., {options}=...) has no derivative in gradmagic for {value}: write np.where(mask, "
            "f(x), other) instead.", name=ufunc.__name__, options=", ".join(other),
            value=blame(next(a for a in inputs if isinstance(a, Tracked))),
        ))  # fmt: skip
    dtype, places = given.get("dtype"), {k: given[k] for k in ("axis", "axes", "keepdims") if k in given}

    def plainly(*xs: Any) -> Any:
        if dtype is not None:
            xs = tuple(cast(x, dtype) if isinstance(x, Tracked) else x for x in xs)
        return METHODS["axes"](ufunc, xs, **places) if places else ufunc(*xs)

    return valued(lambda *xs: ufunc(*xs, **given), plainly)(*inputs)


class _Probe:
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> int:
        return sys.getrefcount(kwargs.pop("out", None)[0])


def _references() -> int:
    named = np.empty(0)
    fresh: Any = np.add(_Probe(), 0, out=np.empty(0))  # type: ignore[call-overload]
    return fresh if fresh < np.add(_Probe(), 0, out=named) else 0  # type: ignore[call-overload, no-any-return]


# How many references np.add(x, y, out=np.empty(n)) holds to an array that nobody else has; 0 where that cannot be told.
_FRESH = _references()


_RUNNING = "accumulate cumsum cumprod cumulative_sum cumulative_prod nancumsum nancumprod".split()


def _room(result: Any, out: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """Give what NumPy writes into an array like `out` that is not like the result; None if it is like it.

    It computes in the dtype of `out` where it can, and raises where shape, dtype or read-only memory do not fit.
    """
    plain, target = raws(result), raws(out)
    if not (arrays.is_typed(plain) and isinstance(target, np.ndarray)) or arrays.on_device(plain):
        return None
    if plain.shape == target.shape and plain.dtype == target.dtype and target.flags.writeable:
        return None
    if not target.ndim and plain.ndim == 1 and function.__name__ in _RUNNING:
        return None  # np.cumsum(np.zeros(3), 0, out=np.zeros(())) is a crash of NumPy 2.4; writing it is an error
    room = np.empty_like(target, subok=False)
    room.flags.writeable = target.flags.writeable
    function(*raws(args), **raws(kwargs), out=room)
    return room


def _written(result: Any, out: Any, fresh: bool = False, room: Any = None) -> Any:
    """Serve `out=`: write the result into a tracked value in place, or into a plain array where it cannot flow.

    A `fresh` array is one that only this call knows (`out=np.zeros(n)`): the result is the only way to it, and flows.
    """
    if isinstance(out, Tracked):
        return out.assign(Ellipsis, result)
    if fresh and isinstance(result, Tracked):
        out[...] = result.array
        return type(result).wrap(out, result.node)
    if isinstance(result, Tracked):
        plain = (
            result.array
            if result.node is None
            else result.leave("out=", strict_text=tr("out = np.f(...) without out="))
        )
        out[...] = plain if room is None else room
    else:
        out[...] = result
    return out
