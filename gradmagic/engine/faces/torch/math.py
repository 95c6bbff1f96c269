"""PyTorch's functions of numbers, entry by entry, and its products. Each is a function and a method of Tensor.

In: a Tensor and PyTorch's arguments. Out: Tensors, with PyTorch's names of what made them (`ClampBackward1`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import GradmagicError
from ...derivatives.nn import functions as nw
from ...dispatch.calls import call, call_elementwise, call_unary
from ...dispatch.primitives import cast, clip
from ...rules.declare import RULES
from ...rules.pointwise import Elementwise
from ...tape.tracked import Tracked, raw

_FLOAT32 = np.dtype(np.float32)


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
    f.__name__ = f.__qualname__ = name
    f.__doc__ = text
    return f


def floating(x: Any) -> Any:
    """Give whole numbers as float32, as PyTorch does before a function that has no whole results."""
    return x if x.array.dtype.kind in "fc" else cast(x, _FLOAT32)


# ---- entry by entry -------------------------------------------------------------------------------------------


def _unary(name: str, function: Any, floats: bool) -> Callable[..., Any]:
    rule = RULES[function]
    if isinstance(rule, Elementwise):

        def f(input: Any) -> Any:
            return call_unary(rule, function, floating(input) if floats else input)
    else:

        def f(input: Any) -> Any:
            return input.wrap(function(input.array), None)

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
}


def _level(_y: Any, _x: Any) -> Any:
    return 0


def _step(name: str, function: Any) -> Callable[..., Any]:
    rule = Elementwise(function, (_level,), f"{name.title()}Backward0")

    def f(input: Any) -> Any:
        return call_unary(rule, function, input)

    text = f"As `torch.{name}`; its gradient is 0 everywhere, where NumPy's function ends the graph."
    return titled(f, name, text)


def _sign(x: Any) -> Any:
    """Give NumPy's sign, and 0 for NaN as PyTorch does."""
    return np.sign(np.fmax(x, 0) + np.fmin(x, 0))


UNARY |= {name: _step(name, getattr(np, name)) for name in ("floor", "ceil", "trunc")} | {
    "sign": _step("sign", _sign)
}
_ROUND, _ROUND_TO = (Elementwise(np.round, (_level,), f"RoundBackward{i}") for i in (0, 1))


def _binary(name: str, op: Any, function: Any) -> Callable[..., Any]:
    rule = RULES[function]

    def f(input: Any, other: Any) -> Any:
        return input.operate(rule, op, (input, other))

    return titled(f, name, f"As `torch.{name}`: {function.__name__} of the entries of two tensors.")


_BINARY_FUNCTIONS: dict[str, Any] = {
    **{n: getattr(np, n) for n in "maximum minimum fmax fmin hypot logaddexp remainder fmod floor_divide".split()},
    **{n: getattr(np, n) for n in "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor".split()},
    "atan2": np.arctan2, "arctan2": np.arctan2,
}  # fmt: skip
_COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
BINARY: dict[str, Callable[..., Any]] = {
    **{name: _binary(name, function, function) for name, function in _BINARY_FUNCTIONS.items()},
    **{name: _binary(name, getattr(operator, name), getattr(np, f)) for name, f in _COMPARISONS.items()},
    **{f: _binary(f, getattr(operator, name), getattr(np, f)) for name, f in _COMPARISONS.items() if name != "eq"},
    "mul": operator.mul, "multiply": operator.mul, "true_divide": operator.truediv, "pow": operator.pow,
}  # fmt: skip


def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """As `torch.add`: input + alpha * other."""
    return input + (other if alpha == 1 else alpha * other)


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """As `torch.sub`: input - alpha * other."""
    return input - (other if alpha == 1 else alpha * other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """As `torch.div`: input / other, as it is, or rounded to "trunc" or "floor"."""
    if rounding_mode is None:
        return input / other
    return (np.trunc if rounding_mode == "trunc" else np.floor)(input / other)


def rsub(input: Any, other: Any) -> Any:
    """As `torch.rsub`: other - input."""
    return other - input


_POWER, _POWER_OF = named(np.power, "PowBackward1"), named(np.power, "PowBackward2")
_SQUARE = RULES[np.square]


def power(input: Any, exponent: Any) -> Any:
    """Give `input ** exponent`; PyTorch names it by whether the exponent is a tensor."""
    if type(exponent) is int and exponent == 2 and type(input.array) is np.ndarray:
        return call_unary(_SQUARE, np.square, input)
    rule = _POWER if isinstance(exponent, Tracked) and not exponent.soft else RULES[np.power]
    return input.operate(rule, operator.pow, (input, exponent))


def power_of(input: Any, base: Any) -> Any:
    """Give `base ** input`."""
    return input.operate(_POWER_OF, operator.pow, (base, input))


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """As `torch.clamp`: the entries held between `min` and `max`."""
    rule = _CLAMP if isinstance(min, Tracked) or isinstance(max, Tracked) else _CLAMP_NUMBERS
    return call_elementwise(rule, (input, min, max)) if not (min is max is None) else input


_CLAMP, _CLAMP_NUMBERS = RULES[clip], named(clip, "ClampBackward1")


def round(input: Any, *, decimals: int = 0) -> Any:
    """As `torch.round`: to the nearest even whole number, or to `decimals` places."""
    return call_unary(_ROUND_TO if decimals else _ROUND, lambda x: np.round(x, decimals), input)


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """As `torch.isclose`: whether entries differ by no more than atol + rtol * |other|."""
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
    return call(_LERP, nw.lerp.__wrapped__, (input, end, weight), {})


_LERP = RULES[nw.lerp]


# ---- products -------------------------------------------------------------------------------------------------

_MATMUL = {
    (1, 1): named(np.matmul, "DotBackward0"), (2, 1): named(np.matmul, "MvBackward0"),
    (2, 2): named(np.matmul, "MmBackward0"), (1, 2): named(np.matmul, "SqueezeBackward4"),
}  # fmt: skip
_MATMUL_BATCH, _BMM = named(np.matmul, "UnsafeViewBackward0"), named(np.matmul, "BmmBackward0")


def matmul(input: Any, other: Any) -> Any:
    """As `torch.matmul`: the product of vectors, matrices and batches of matrices (`input @ other`)."""
    a, b = _same_dtypes(input, other)
    ndims = np.ndim(raw(a)), np.ndim(raw(b))
    return call(_MATMUL.get(ndims, _MATMUL_BATCH), np.matmul, (a, b), {})


def _product(name: str, ndims: tuple[int, int], rule: Any) -> Callable[..., Any]:
    def f(input: Any, other: Any) -> Any:
        for x, ndim, word in zip((input, other), ndims, ("self", name[-1:] + "2"), strict=True):
            if np.ndim(raw(x)) != ndim:
                raise OperandError(
                    f"{name}: {word} must be a {('vector', 'matrix', 'batch of matrices')[ndim - 1]}, and it has "
                    f"shape {tuple(np.shape(raw(x)))}. Write a @ b for products of other shapes."
                )
        return call(rule, np.matmul, _same_dtypes(input, other), {})

    text = f"As `torch.{name}`: the product `input @ other` of {ndims[0]} and {ndims[1]} dimensions."
    return titled(f, name, text)


PRODUCTS = {
    "mm": _product("mm", (2, 2), _MATMUL[2, 2]), "mv": _product("mv", (2, 1), _MATMUL[2, 1]),
    "dot": _product("dot", (1, 1), _MATMUL[1, 1]), "bmm": _product("bmm", (3, 3), _BMM),
}  # fmt: skip


def _same_dtypes(a: Any, b: Any) -> tuple[Any, Any]:
    x, y = raw(a), raw(b)
    if all(isinstance(v, Tracked) and not v.soft for v in (a, b)) and x.dtype != y.dtype:
        raise OperandError(
            f"expected m1 and m2 to have the same dtype, but got: {x.dtype} != {y.dtype}. "
            f"Write b.to(a.dtype), or make both with one dtype."
        )
    return a, b


def outer(input: Any, vec2: Any) -> Any:
    """As `torch.outer`: each entry of one vector times each of the other."""
    return input[:, None] * vec2


def inner(input: Any, other: Any) -> Any:
    """As `torch.inner`: the sums of products along the last axes."""
    return np.inner(input, other)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """As `torch.addmm`: beta * input + alpha * (mat1 @ mat2)."""
    if beta == 1 and alpha == 1:
        return call(RULES[nw.dense], nw.dense.__wrapped__, (mat1, np.swapaxes(mat2, -1, -2), input), {})
    return beta * input + alpha * PRODUCTS["mm"](mat1, mat2)


def trace(input: Any) -> Any:
    """As `torch.trace`: the sum of a matrix's diagonal."""
    return np.trace(input)


def det(input: Any) -> Any:
    """As `torch.det`: the determinant."""
    return np.linalg.det(input)


def inverse(input: Any) -> Any:
    """As `torch.inverse`: the inverse of a matrix."""
    return np.linalg.inv(input)
