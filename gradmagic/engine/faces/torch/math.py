"""PyTorch's functions of numbers, entry by entry, and its products. Each is a function and a method of Tensor.

In: a Tensor and PyTorch's arguments. Out: Tensors, with PyTorch's names of what made them (`ClampBackward1`).
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import DTypeError, GradmagicError
from ....language import tr
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call, call_elementwise, call_unary
from ...dispatch.primitives import cast, clip
from ...rules.declare import RULES
from ...rules.pointwise import Elementwise
from ...tape.tracked import Tracked, raw
from .defaults import float_dtype
from .promotion import promoted


class OperandError(GradmagicError, RuntimeError):
    """Operands that PyTorch does not take: two dtypes in a product, a mean of whole numbers, a probability of 2.

    Wrong::

        gm.tensor([1, 2]).mean()

    Right::

        gm.tensor([1, 2]).float().mean()
    """


def named(function: Any, torch: str) -> Any:
    """Give the rule of `function` under the name that PyTorch shows for it here."""
    return RULES[function].called(torch)


def titled(f: Any, name: str, text: str) -> Any:
    """Give a function that was made from another its name and its docstring."""
    f.__doc__ = text
    inner = f
    while inner is not None:  # a wrapped one says its name in the errors of its own arguments
        inner.__name__ = inner.__qualname__ = name
        inner = getattr(inner, "__wrapped__", None)
    return f


def floating(x: Any) -> Any:
    """Give whole numbers as float32, as PyTorch does before a function that has no whole results."""
    return x if x.array.dtype.kind in "fc" else cast(x, float_dtype())


# ---- entry by entry ----------------------------------------------------------------------------------------------


# Dtypes that PyTorch's functions do not take, where NumPy's would; by kind.
REFUSED_KINDS = {"sign": "c", "relu": "bc", "erf": "c", "round": "c", "trunc": "b", "floor": "b", "ceil": "b"}


def not_for(name: str, dtype: Any) -> DTypeError:
    """Make the error of a function that PyTorch has not for a dtype."""
    if name == "sign":
        return DTypeError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )
    return DTypeError(tr(
        "\"{name}\" not implemented for '{dtype}': write t.to(dtype) first.", name=name, dtype=dtype,
    ))  # fmt: skip


def _unary(name: str, function: Any, floats: bool, torch: str = "") -> Callable[..., Any]:
    rule = named(function, torch) if torch else RULES[function]
    if isinstance(rule, Elementwise):
        kinds = REFUSED_KINDS.get(name, "")

        def f(input: Any) -> Any:
            if kinds and input.array.dtype.kind in kinds:
                raise not_for(name, input.array.dtype)
            if floats and (kind := input.array.dtype.kind) != "f":
                if kind == "c" and name == "sigmoid":  # ours is real, for the sake of its tails
                    return 1 / (np.exp(-input) + 1)
                input = floating(input)
            elif name == "square" and input.array.dtype.kind == "b":
                input = cast(input, np.int64)
            return call_unary(rule, function, input)
    else:

        def f(input: Any) -> Any:
            array = input.array
            return input.wrap(np.equal(array, 0) if function is np.logical_not else function(array), None)

    return titled(f, name, f"As `torch.{name}`: {function.__name__} of each entry.")


_FLOATS: dict[str, Any] = {
    **{n: getattr(np, n) for n in "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan sinh cosh tanh sinc".split()},
    **{n: getattr(np, n) for n in "arcsin arccos arctan arcsinh arccosh arctanh deg2rad rad2deg reciprocal".split()},
    **{n: getattr(np, "arc" + n[1:]) for n in "asin acos atan asinh acosh atanh".split()},
    "sigmoid": nw.sigmoid, "rsqrt": nw.rsqrt, "erf": nw.erf,
}  # fmt: skip
_KINDLESS: dict[str, Any] = {
    **{n: getattr(np, n) for n in "square isnan isinf isfinite logical_not signbit".split()},
    "abs": np.absolute, "absolute": np.absolute, "neg": np.negative, "negative": np.negative, "relu": nw.relu,
}  # fmt: skip
UNARY: dict[str, Callable[..., Any]] = {
    **{name: _unary(name, function, True) for name, function in _FLOATS.items()},
    **{name: _unary(name, function, False) for name, function in _KINDLESS.items()},
    "deg2rad": _unary("deg2rad", np.deg2rad, True, "Deg2RadBackward0"),
    "rad2deg": _unary("rad2deg", np.rad2deg, True, "Rad2DegBackward0"),
}


def _level(_y: Any, _x: Any) -> Any:
    return 0


def _step(name: str, function: Any) -> Callable[..., Any]:
    rule = Elementwise(function, (_level,), f"{name.title()}Backward0")

    def f(input: Any) -> Any:
        kind = input.array.dtype.kind
        if kind in REFUSED_KINDS.get(name, ""):
            raise not_for(name, input.array.dtype)
        return (
            call_unary(rule, function, input) if kind != "b" else input
        )  # NumPy's have no loop for truth values

    text = f"As `torch.{name}`; its gradient is 0 everywhere, where NumPy's function ends the graph."
    return titled(f, name, text)


def _sign(x: Any) -> Any:
    """Give NumPy's sign, and 0 for NaN as PyTorch does."""
    return np.sign(np.fmax(x, 0) + np.fmin(x, 0))


UNARY |= {name: _step(name, getattr(np, name)) for name in ("floor", "ceil", "trunc")} | {
    "sign": _step("sign", _sign)
}
_ROUND, _ROUND_TO = (Elementwise(np.round, (_level,), f"RoundBackward{i}") for i in (0, 1))


_FLOATS_OF_TWO = ("atan2", "arctan2", "logaddexp", "hypot")
_SCALAR_TOO = (
    "fmod remainder floor_divide bitwise_and bitwise_or bitwise_xor eq ne lt le gt ge not_equal less less_equal "
    "greater "
    "greater_equal"
).split()


def is_tensor_in(name: str, other: Any, position: int = 2, word: str = "other") -> None:
    """Expect a tensor, or an array, where PyTorch takes no number."""
    if isinstance(other, (int, float, str, builtins.complex, list, tuple, type(None))) and not isinstance(
        other, np.generic
    ):
        raise TypeError(tr(
            "{name}(): argument '{argument}' (position {position}) must be Tensor, not {kind}: write "
            "gm.tensor(number).", name=name, argument=word, position=position, kind=type(other).__name__,
        ))  # fmt: skip


def _binary(name: str, op: Any, function: Any, torch: str = "") -> Callable[..., Any]:
    rule, number = RULES[function], name in _SCALAR_TOO
    of_tensor = rule.called(torch) if torch else rule

    def f(input: Any, other: Any) -> Any:
        if not number:
            is_tensor_in(name, other)
        if name.startswith("logical") and (input.is_complex() or np.iscomplexobj(raw(other))):
            input, other = input != 0, other != 0  # CuPy has no loop for them
        if name in _FLOATS_OF_TWO:
            if (
                name != "atan2"
                and name != "arctan2"
                and raw(input).dtype.kind in "iub"
                and raw(other).dtype.kind in "iub"
            ):
                raise not_for(name, raw(input).dtype)
            input, other = floating(input), floating(other) if isinstance(other, Tracked) else other
        return input.operate(of_tensor if isinstance(other, Tracked) else rule, op, (input, other))

    return titled(f, name, f"As `torch.{name}`: {function.__name__} of the entries of two tensors.")


_BINARY_FUNCTIONS: dict[str, Any] = {
    **{n: getattr(np, n) for n in "maximum minimum fmax fmin hypot logaddexp remainder fmod floor_divide".split()},
    **{n: getattr(np, n) for n in "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor".split()},
    "atan2": np.arctan2, "arctan2": np.arctan2,
}  # fmt: skip
_COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
_OF_TENSOR = {"fmod": "FmodBackward1", "remainder": "RemainderBackward1"}
BINARY: dict[str, Callable[..., Any]] = {
    **{n: _binary(n, f, f, _OF_TENSOR.get(n, "")) for n, f in _BINARY_FUNCTIONS.items()},
    **{name: _binary(name, getattr(operator, name), getattr(np, f)) for name, f in _COMPARISONS.items()},
    **{f: _binary(f, getattr(operator, name), getattr(np, f)) for name, f in _COMPARISONS.items() if name != "eq"},
    "mul": operator.mul, "multiply": operator.mul, "true_divide": operator.truediv,
}  # fmt: skip


def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """As `torch.add`: input + alpha * other."""
    return input + (other if alpha == 1 else alpha * other)


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """As `torch.sub`: input - alpha * other."""
    return input - (other if alpha == 1 else alpha * other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """As `torch.div`: input / other, as it is, or rounded to "trunc" or "floor"; whole numbers rounded stay whole."""
    if rounding_mode is None:
        return input / other
    if rounding_mode not in _ROUNDED:
        raise OperandError(tr(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'. "
            "Write one of these.", rounding_mode=rounding_mode,
        ))  # fmt: skip
    return input.operate(_DIV, _ROUNDED[rounding_mode], (input, other))


def _truncated(x: Any, y: Any) -> Any:
    if np.result_type(x, y).kind == "f":
        return np.trunc(x / y)
    quotient = np.floor_divide(x, y)
    return quotient + ((quotient < 0) & (quotient * y != x))


_ROUNDED = {"trunc": _truncated, "floor": np.floor_divide}
_DIV = Elementwise(div, (lambda _z, _x, _y: 0,) * 2, "DivBackward2")


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """As `torch.rsub`: other - alpha * input."""
    return other - (input if alpha == 1 else alpha * input)


_POWER, _POWER_OF = named(np.power, "PowBackward1"), named(np.power, "PowBackward2")
_SQUARE = RULES[np.square]


def power(input: Any, exponent: Any) -> Any:
    """Give `input ** exponent`; PyTorch names it by whether the exponent is a tensor."""
    if input.array.dtype.kind in "iub" and (
        raw(exponent).dtype.kind in "iub" if isinstance(exponent, Tracked) else type(exponent) is int
    ):
        return _whole_power(input, exponent)
    if type(exponent) is int and exponent == 2 and type(input.array) is np.ndarray:
        return call_unary(_SQUARE, np.square, input)
    rule = _POWER if isinstance(exponent, Tracked) and not exponent.soft else RULES[np.power]
    return input.operate(rule, operator.pow, (input, exponent))


def _whole_power(input: Any, exponent: Any) -> Any:
    """Give powers of whole numbers: below 0 they are 0 but for 1 and -1, as in PyTorch."""
    if not isinstance(exponent, Tracked):
        if exponent < 0:
            raise OperandError(tr(
                "Integers to negative integer powers are not allowed. Write t.float() ** n.",
            ))  # fmt: skip
        return input.wrap(input.array**exponent, None)
    x, n = (raw(a) for a in promoted(operator.add, (input, exponent)))
    low = np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (n % 2), 0))
    return input.wrap(np.where(n < 0, low, x ** np.maximum(n, 0)).astype(np.result_type(x, n))[()], None)


BINARY["pow"] = lambda input, exponent: input**exponent
titled(BINARY["pow"], "pow", "As `torch.pow`: input ** exponent.")


def power_of(input: Any, base: Any) -> Any:
    """Give `base ** input`."""
    return input.operate(_POWER_OF, operator.pow, (base, input))


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """As `torch.clamp`: the entries held between `min` and `max`."""
    if min is max is None:
        raise OperandError(tr("torch.clamp: At least one of 'min' or 'max' must not be None. Name a bound."))
    if not (isinstance(min, Tracked) or isinstance(max, Tracked)):
        if input.array.dtype.kind in "iub" and (isinstance(min, float) or isinstance(max, float)):
            input = floating(input)
        return call_elementwise(_CLAMP_NUMBERS, (input, min, max))
    given = promoted(clip, tuple(v for v in (input, min, max) if v is not None))
    if given is NotImplemented:
        raise TypeError(tr("clamp(): min and max must be numbers or Tensors."))
    input, *bounds = given
    min, max = (bounds.pop(0) if v is not None else None for v in (min, max))
    return call_elementwise(_CLAMP, (input, min, max))


_CLAMP, _CLAMP_NUMBERS = RULES[clip], named(clip, "ClampBackward1")


def round(input: Any, *, decimals: int | None = None) -> Any:
    """As `torch.round`: to the nearest even whole number, or to `decimals` places."""
    if input.array.dtype.kind == "c":
        raise not_for("round", input.array.dtype)
    return call_unary(
        _ROUND_TO if decimals is not None else _ROUND, lambda x: np.round(x, decimals or 0), input
    )


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """As `torch.isclose`: whether entries differ by no more than atol + rtol * |other|."""
    for word, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise OperandError(tr(
                "{name} must be greater than or equal to zero, but got {tolerance}. Write a size.",
                name=word, tolerance=tolerance,
            ))  # fmt: skip
    return input.wrap(np.isclose(input.array, raw(other), rtol, atol, equal_nan), None)


def allclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """As `torch.allclose`: whether all entries are close."""
    return bool(np.all(isclose(input, other, rtol, atol, equal_nan).array))


def equal(input: Any, other: Any) -> bool:
    """As `torch.equal`: whether shapes and all entries are the same."""
    return bool(np.array_equal(input.array, raw(other)))


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """As `torch.lerp`: input + weight * (end - input)."""
    rule = _LERP_TENSOR if isinstance(weight, Tracked) else _LERP
    return call(rule, nw.lerp.__wrapped__, (input, end, weight), {})


_LERP, _LERP_TENSOR = RULES[nw.lerp], named(nw.lerp, "LerpBackward1")
