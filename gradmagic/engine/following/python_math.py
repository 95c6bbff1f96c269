"""Python's `math` and `cmath`, followed: `math.sin(t)` of a tracked number has the derivative of `np.sin`.

In: calls of the user's code while a traced call runs. Out: math's own value, bit for bit, which remembers how it was
made. What has no derivative (`math.floor`, `math.isclose`) is math's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from typing import Any

import numpy as np

from ..core import arrays
from ..dispatch.primitives import cast
from ..tape.tracked import raws
from .conversions import held_in_list, tracked
from .followers import follow
from .switch import traces

_OF_MATH: dict[str, Callable[..., Any]] = {
    "sqrt": np.sqrt, "cbrt": np.cbrt, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "log": lambda x, *base: np.log(x) / np.log(*base) if base else np.log(x),
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "pow": np.power, "fabs": np.abs, "copysign": np.copysign, "fmod": np.fmod,
    "degrees": np.degrees, "radians": np.radians, "ldexp": np.ldexp,
    "hypot": lambda *xs: np.sqrt(np.sum(np.square(_stack(xs)))) if len(xs) != 2 else np.hypot(*xs),
    "dist": lambda p, q: np.linalg.norm(_stack(p) - _stack(q)),
    "fsum": lambda xs: np.sum(_stack(xs)), "prod": lambda xs, start=1: np.prod(_stack(xs)) * start,
    "sumprod": lambda p, q: np.sum(_stack(p) * _stack(q)),
}  # fmt: skip
_OF_CMATH: dict[str, Callable[..., Any]] = {
    "sqrt": np.sqrt, "exp": np.exp, "log": _OF_MATH["log"], "log10": np.log10, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "phase": np.angle,
}  # fmt: skip


def _stack(values: Any) -> Any:
    return np.stack([np.reshape(v, ()) for v in values])


def _number(value: Any) -> Any:
    """Give a tracked value as math's functions take it: in double precision."""
    if not tracked(value):
        return value
    narrow = getattr(value.array, "dtype", _DOUBLE).itemsize < _DOUBLE.itemsize
    return cast(value, _DOUBLE) if narrow else value


_DOUBLE = np.dtype(float)


def _given(value: Any) -> Any:
    """Give what math's own function gets."""
    return arrays.to_host(raw) if arrays.is_array(raw := raws(value)) else raw


def _followed(original: Any, numpy: Callable[..., Any], widen: bool = False) -> Callable[..., Any]:
    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        if not traces():
            return original(*args, **kwargs)
        args = tuple(list(a) if isinstance(a, Iterator) else a for a in args)  # math.fsum(v * v for v in x)
        if not any(tracked(a) or held_in_list(a) for a in args):
            return original(*args, **kwargs)
        value = original(*map(_given, args), **kwargs)
        with np.errstate(all="ignore"):  # what is wrong, math has said
            numbers = map(_number, args)
            made: Any = numpy(*(a + 0j if widen and tracked(a) else a for a in numbers), **kwargs)
        made = np.reshape(made, ()) if np.ndim(made) else made  # math.sin of an array of one entry
        # Without a derivative the number that math asks for is noted as one.
        return type(made).wrap(value, made.node) if tracked(made) else original(*args, **kwargs)

    return follower


def _of_special(name: str) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        try:
            import scipy.special as special  # optional; only math's erf and gamma need it
        except ImportError:
            return None
        return getattr(special, name)(x)

    return function


_SPECIAL = {"erf": "erf", "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln"}  # math's names and SciPy's
_OF_MATH.update({name: _of_special(scipys) for name, scipys in _SPECIAL.items()})


def _asked(original: Any, name: str) -> Callable[..., Any]:
    """A question about a number: its answer loses no gradient."""

    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        return original(*map(_given, args), **kwargs)

    return follower


def _follow(module: str, table: dict[str, Callable[..., Any]]) -> None:
    def make(original: Any, name: str) -> Callable[..., Any]:
        return _followed(arrays.whole(original), table[name], widen=module == "cmath" and name != "phase")

    def beyond(original: Any, name: str) -> Callable[..., Any]:  # what records writes down the call itself
        return arrays.whole(original)

    there = vars(import_module(module))
    follow("isnan isinf isfinite isclose", lambda f, name: _asked(arrays.whole(f), name), module, beyond)
    follow(
        " ".join(name for name in table if name in there), make, module, beyond
    )  # sumprod came with Python 3.12


_follow("math", _OF_MATH)
_follow("cmath", _OF_CMATH)
