"""More of PyTorch's functions of numbers, entry by entry: those that books use seldom, as rows over NumPy's.

In: Tensors and PyTorch's arguments. Out: Tensors. Each is a function, a method and, where PyTorch has it, a method
that writes in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from ...dispatch.calls import call, call_elementwise, call_unary, constantly
from ...dispatch.primitives import cast
from ...rules.declare import RULES
from ...rules.pointwise import Elementwise
from ...rules.rule import CONSTANT
from ...tape.tracked import raw
from . import math as torch_math
from .arguments import named_results, shown, spoken, together
from .math import OperandError, floating, named, titled

# ---- of one tensor -----------------------------------------------------------------------------------------------


def _constant(name: str, function: Any) -> Callable[..., Any]:
    def f(input: Any) -> Any:
        return input.wrap(function(input.array), None)

    return titled(f, name, f"As `torch.{name}`, of each entry.")


UNARY: dict[str, Callable[..., Any]] = {
    name: _constant(name, getattr(np, name)) for name in ("isposinf", "isneginf", "isreal")
}


def sgn(input: Any) -> Any:
    """As `torch.sgn`: the sign; of a complex number z it is z/|z|."""
    return shown(np.sign(input) if input.is_complex() else torch_math.UNARY["sign"](input), "SgnBackward0")


def frac(input: Any) -> Any:
    """As `torch.frac`: what is behind the point."""
    if input.array.dtype.kind != "f":
        raise torch_math.not_for("frac", input.array.dtype)
    return call_unary(_FRAC, lambda x: x - np.trunc(x), input)


_FRAC = named(np.positive, "FracBackward0")


def positive(input: Any) -> Any:
    """As `torch.positive`: the tensor itself."""
    if input.array.dtype.kind == "b":
        raise OperandError(tr("The `+` operator, on a bool tensor is not supported. Write t.int()."))
    return input


def bitwise_not(input: Any) -> Any:
    """As `torch.bitwise_not`: every bit turned; of truth values the opposite."""
    return ~input


def angle(input: Any) -> Any:
    """As `torch.angle`: the angle in the complex plane; of a real number 0, or pi below 0."""
    if input.is_complex():
        return np.angle(input)  # type: ignore[call-overload]
    rule, x = _ANGLE, floating(input)
    return call_unary(rule, lambda a: np.where(np.isnan(a), a, np.where(a < 0, a.dtype.type(math.pi), 0)), x)


_ANGLE = Elementwise(np.angle, (lambda _y, _x: 0,), "AngleBackward0")


def conj(input: Any) -> Any:
    """As `torch.conj`: the complex conjugate; a real tensor itself."""
    return shown(np.conjugate(input), "ConjBackward0") if input.is_complex() else input


def itself(input: Any) -> Any:
    """Give the tensor: what PyTorch would still have to conjugate or negate is done here at once."""
    return input


def nan_to_num(input: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Any:
    """As `torch.nan_to_num`: numbers in place of NaN (0) and of infinities (the largest ones)."""
    return np.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)  # type: ignore[call-overload]


def logit(input: Any, eps: float | None = None) -> Any:
    """As `torch.logit`: log(x / (1 - x)); `eps` holds x between eps and 1 - eps."""
    x = floating(input)
    x = x if eps is None else torch_math.clamp(x, eps, 1 - eps)
    return call_unary(_LOGIT, lambda p: np.log(p / (1 - p)), x)


_LOGIT = Elementwise(logit, (lambda _y, x: 1 / (x * (1 - x)),), "LogitBackward0")


def frexp(input: Any) -> Any:
    """As `torch.frexp`: (mantissa, exponent) with input = mantissa * 2**exponent."""
    mantissa, exponent = np.frexp(floating(input))
    return _FREXP(mantissa, exponent.wrap(exponent.array.astype(np.int32), None))


# ---- of two ------------------------------------------------------------------------------------------------------


def _binary(
    name: str, function: Any, floats: bool, rule: Any = None, same: bool = False
) -> Callable[..., Any]:
    rule, number = rule or RULES.get(function, CONSTANT), name in _SCALAR_TOO
    of_number = rule.called("CopysignBackward1") if name == "copysign" else rule

    def f(input: Any, other: Any) -> Any:
        if not number:
            torch_math.is_tensor_in(name, other)
        if same and raw(input).dtype != raw(other).dtype:
            raise OperandError(tr(
                "{name} is not yet implemented for tensors with different dtypes. Write b.to(a.dtype).",
                name=name,
            ))  # fmt: skip
        args = together(name, input, other, floats=floats)
        if "shift" in name and all(getattr(raw(a), "dtype", np.dtype(bool)).kind == "b" for a in args):
            raise torch_math.not_for(name, np.dtype(bool))
        if rule is CONSTANT:
            return input.wrap(constantly(function, args, {}), None)
        return call_elementwise(rule if hasattr(other, "node") else of_number, args, function)

    return titled(f, name, f"As `torch.{name}`, of the entries of two tensors.")


_FLOATS = ("copysign", "logaddexp2", "nextafter")
_SCALAR_TOO = ("copysign", "bitwise_left_shift", "bitwise_right_shift")
BINARY: dict[str, Callable[..., Any]] = {
    **{n: _binary(n, getattr(np, n), n in _FLOATS) for n in "copysign gcd lcm logaddexp2 nextafter".split()},
    "heaviside": _binary("heaviside", lambda x, v: np.where(x == 0, v, x > 0).astype(v.dtype), False, same=True),
    "bitwise_left_shift": _binary("bitwise_left_shift", np.left_shift, False),
    "bitwise_right_shift": _binary("bitwise_right_shift", np.right_shift, False),
}  # fmt: skip


def logaddexp(input: Any, other: Any) -> Any:
    """As `torch.logaddexp`: log(exp(x) + exp(y)), without overflow; of complex numbers too."""
    if not (input.is_complex() or np.iscomplexobj(raw(other))):
        return torch_math.BINARY["logaddexp"](input, other)
    x, y = together("logaddexp", input, other, floats=True)
    top = np.maximum(np.real(raw(x)), np.real(raw(y)))
    return shown(np.log(np.exp(x - top) + np.exp(y - top)) + top, "LogaddexpBackward0")


def float_power(input: Any, exponent: Any) -> Any:
    """As `torch.float_power`: the power in double precision."""
    wide = [_double(a) for a in (input, exponent)]
    return shown(wide[0] ** wide[1], f"PowBackward{int(hasattr(exponent, 'node'))}")


def _double(a: Any) -> Any:
    plain = raw(a)
    if not arrays.is_typed(plain):
        return float(a) if isinstance(a, (int, float)) else a
    return cast(a, np.complex128 if plain.dtype.kind == "c" else np.float64)


def ldexp(input: Any, other: Any) -> Any:
    """As `torch.ldexp`: input * 2**other."""
    torch_math.is_tensor_in("ldexp", other)
    return shown(input * 2.0**other, "LdexpBackward0")


def xlogy(input: Any, other: Any) -> Any:
    """As `torch.xlogy`: x * log(y), 0 where x is 0."""
    x, y = together("xlogy", input, other, floats=True)
    number, dtype = not hasattr(y, "node"), raw(x if hasattr(x, "node") else y).dtype
    if dtype.kind == "c":
        raise torch_math.not_for("xlogy", dtype)
    x, y = (v if hasattr(raw(v), "dtype") else np.asarray(v, dtype)[()] for v in (x, y))
    return call_elementwise(_XLOGY_NUMBER if number else _XLOGY, (x, y), _xlogy)


def _xlogy(x: Any, y: Any) -> Any:
    there = np.logical_or(x != 0, np.isnan(y))
    return np.where(there, x * np.log(np.where(there, y, 1)), x)


_XLOGY = Elementwise(
    xlogy,
    (
        lambda _z, x, y: np.log(np.where((x == 0) & (y <= 0), 1, y)),
        lambda _z, x, y: x / y,
    ),
    "XlogyBackward0",
)  # fmt: skip


_XLOGY_NUMBER = _XLOGY.called("XlogyBackward2")

# ---- of three ----------------------------------------------------------------------------------------------------


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """As `torch.addcmul`: input + value * tensor1 * tensor2."""
    product = tensor1 * tensor2
    return shown(input + (product if value == 1 else value * product), "AddcmulBackward0")


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """As `torch.addcdiv`: input + value * tensor1 / tensor2."""
    if all(raw(t).dtype.kind in "iub" for t in (tensor1, tensor2)):
        raise OperandError(tr(
            "Integer division with addcdiv is no longer supported, and in a future release addcdiv will "
            "perform a true division of tensor1 and tensor2. Write gm.addcdiv(input, tensor1.float(), "
            "tensor2).",
        ))  # fmt: skip
    quotient = tensor1 / tensor2
    return shown(input + (quotient if value == 1 else value * quotient), "AddcdivBackward0")


def clamp_min(input: Any, min: Any) -> Any:
    """As `torch.clamp_min`: the entries held above `min`."""
    return shown(torch_math.clamp(input, min=min), f"ClampMinBackward{int(hasattr(min, 'node'))}")


def clamp_max(input: Any, max: Any) -> Any:
    """As `torch.clamp_max`: the entries held below `max`."""
    return shown(torch_math.clamp(input, max=max), f"ClampMaxBackward{int(hasattr(max, 'node'))}")


# ---- complex numbers and their parts -----------------------------------------------------------------------------


def complex(real: Any, imag: Any) -> Any:
    """As `torch.complex`: real + 1j * imag."""
    torch_math.is_tensor_in("complex", imag, 2, "imag")
    first, second = raw(real).dtype, raw(imag).dtype
    if {first.kind, second.kind} != {"f"}:
        raise OperandError(tr(
            "Expected both inputs to be Half, Float or Double tensors but got {first} and {second}. Write "
            "t.float().", first=spoken(first), second=spoken(second),
        ))  # fmt: skip
    if first != second:
        raise OperandError(tr(
            "Expected object of scalar type {first} but got scalar type {second} for second argument. "
            "Write imag.to(real.dtype).", first=spoken(first), second=spoken(second),
        ))  # fmt: skip
    unit = np.result_type(raw(real).dtype, np.complex64).type(1j)
    return shown(real + unit * imag, "ComplexBackward0")


def polar(abs: Any, angle: Any) -> Any:
    """As `torch.polar`: abs * exp(1j * angle)."""
    return shown(complex(abs * np.cos(angle), abs * np.sin(angle)), "PolarBackward0")


def view_as_real(input: Any) -> Any:
    """As `torch.view_as_real`: real and imaginary parts along a new last dim."""
    if not input.is_complex():
        raise OperandError(tr(
            "view_as_real is only supported for complex tensors. Write gm.stack([x, 0 * x], -1).",
        ))  # fmt: skip
    return call(_VIEW_AS_REAL, np.stack, ([np.real(input), np.imag(input)], -1), {})


def view_as_complex(input: Any) -> Any:
    """As `torch.view_as_complex`: pairs along the last dim, which is 2, as complex numbers."""
    shape = np.shape(input.array)
    if not shape or shape[-1] != 2:
        raise OperandError(tr(
            "Tensor must have a last dimension of size 2. It holds real and imaginary parts.",
        ))  # fmt: skip
    return shown(complex(input[..., 0], input[..., 1]), "ViewAsComplexBackward0")


_VIEW_AS_REAL = named(np.stack, "ViewAsRealBackward0")


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """As `torch.isin`: whether each entry is among `test_elements`."""
    face = elements if hasattr(elements, "node") else test_elements
    return face.wrap(np.isin(raw(elements), raw(test_elements), invert=invert), None)


_FREXP = named_results("frexp", "mantissa exponent")
_FUNCTIONS = (
    "logaddexp sgn frac positive bitwise_not angle conj nan_to_num logit frexp float_power ldexp xlogy addcmul addcdiv "
    "clamp_min clamp_max isin view_as_real view_as_complex"
).split()
POINTWISE: dict[str, Callable[..., Any]] = {
    **UNARY,
    **BINARY,
    **{name: globals()[name] for name in _FUNCTIONS},
}
POINTWISE |= {
    "fix": torch_math.UNARY["trunc"], "conj_physical": conj, "resolve_conj": itself, "resolve_neg": itself,
}  # fmt: skip
FUNCTIONS_ONLY: dict[str, Callable[..., Any]] = {"complex": complex, "polar": polar, "rsub": torch_math.rsub}
