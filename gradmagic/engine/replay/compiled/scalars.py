"""What an operation does to one entry, as text for numba, in the dtypes in which NumPy computes it.

In: a step. Out: an `Entry`: an expression, the dtypes to which its operands are cast before, and the one that it gives.
What is not in the tables stays with NumPy. The answers are NumPy's also for NaN, infinities, signed zeros and wrapped
whole numbers, but for the last digits of the transcendental functions.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....language import tr
from .. import known
from ..program import Step


class Unheld(Exception):
    """A program that numba does not get: the message says why."""


@dataclass(frozen=True)
class Entry:
    """One entry's computation.

    Attributes
    ----------
    text : str
        With `{0}`, `{1}` for the operands.
    casts : tuple of dtype
        What the operands are before.
    dtype : dtype
        What it is.
    check : str
        When Python raises an error, or gives a complex number: then the kernel is left. `{v}` is the value.
    dear : bool
        NumPy computes it for several entries at once, numba by a call of the C library for each.
    """

    text: str
    casts: tuple[np.dtype[Any], ...]
    dtype: np.dtype[Any]
    check: str = ""
    dear: bool = False


_NUMBERS = {
    np.add: "{0} + {1}", np.subtract: "{0} - {1}", np.multiply: "{0} * {1}", np.negative: "-{0}",
    np.positive: "{0}", np.conjugate: "{0}", np.absolute: "abs({0})",
    np.square: "{0} * {0}", np.less: "{0} < {1}", np.less_equal: "{0} <= {1}",
    np.greater: "{0} > {1}", np.greater_equal: "{0} >= {1}", np.equal: "{0} == {1}", np.not_equal: "{0} != {1}",
    np.logical_not: "{0} == 0", np.logical_and: "({0} != 0) & ({1} != 0)", np.logical_or: "({0} != 0) | ({1} != 0)",
    np.logical_xor: "({0} != 0) ^ ({1} != 0)", np.maximum: "{0} if {0} > {1} or {0} != {0} else {1}",
    np.minimum: "{0} if {0} < {1} or {0} != {0} else {1}", np.fmax: "{0} if {0} > {1} or {1} != {1} else {1}",
    np.fmin: "{0} if {0} < {1} or {1} != {1} else {1}",
    np.sign: "{0} if {0} != {0} else {dtype}({0} > 0) - {dtype}({0} < 0)",
}  # fmt: skip
# No floor_divide and remainder: by numba's, the least whole number divided by -1 ends the process, and inf // 1 is inf.
_FLOATS = {
    np.divide: "{0} / {1}", np.fabs: "abs({0})", np.isnan: "{0} != {0}", np.isfinite: "math.isfinite({0})",
    np.isinf: "math.isinf({0})", np.floor: "np.floor({0})", np.ceil: "np.ceil({0})", np.trunc: "np.trunc({0})",
    np.rint: "np.rint({0})", np.sqrt: "math.sqrt({0})", np.copysign: "math.copysign({0}, {1})",
    np.signbit: "np.signbit({0})", np.reciprocal: "np.reciprocal({0})",
}  # fmt: skip
_DEAR = {
    np.exp: "math.exp({0})", np.log: "math.log({0})", np.log1p: "math.log1p({0})", np.expm1: "math.expm1({0})",
    np.sin: "math.sin({0})", np.cos: "math.cos({0})", np.tan: "math.tan({0})", np.tanh: "math.tanh({0})",
    np.sinh: "math.sinh({0})", np.cosh: "math.cosh({0})", np.arcsin: "math.asin({0})", np.arccos: "math.acos({0})",
    np.arctan: "math.atan({0})", np.arcsinh: "math.asinh({0})", np.arccosh: "math.acosh({0})",
    np.arctanh: "math.atanh({0})", np.arctan2: "math.atan2({0}, {1})", np.hypot: "math.hypot({0}, {1})",
    np.log2: "np.log2({0})", np.log10: "math.log10({0})", np.exp2: "np.exp2({0})",
    np.logaddexp: "np.logaddexp({0}, {1})",    np.logaddexp2: "np.logaddexp2({0}, {1})", np.power: "{0} ** {1}",
}  # fmt: skip
_WHOLE = {
    np.bitwise_and: "{0} & {1}",
    np.bitwise_or: "{0} | {1}",
    np.bitwise_xor: "{0} ^ {1}",
    np.invert: "~{0}",
}
_TRUTH = {
    np.add: "{0} | {1}", np.multiply: "{0} & {1}", np.maximum: "{0} | {1}", np.minimum: "{0} & {1}",
    np.bitwise_and: "{0} & {1}", np.bitwise_or: "{0} | {1}", np.bitwise_xor: "{0} ^ {1}", np.invert: "not {0}",
    np.logical_and: "{0} & {1}", np.logical_or: "{0} | {1}", np.logical_xor: "{0} ^ {1}", np.logical_not: "not {0}",
    np.equal: "{0} == {1}", np.not_equal: "{0} != {1}",
}  # fmt: skip
_PYTHON = {
    operator.add: "{0} + {1}", operator.sub: "{0} - {1}", operator.mul: "{0} * {1}", operator.truediv: "{0} / {1}",
    operator.neg: "-{0}", operator.pos: "{0}", operator.abs: "abs({0})", operator.pow: "{0} ** {1}",
    operator.lt: "{0} < {1}", operator.le: "{0} <= {1}", operator.gt: "{0} > {1}", operator.ge: "{0} >= {1}",
    operator.eq: "{0} == {1}", operator.ne: "{0} != {1}",
}  # fmt: skip
_RAISES = {operator.truediv: "{1} == 0", operator.pow: "not math.isfinite({v})"}
_HELD = "?bhilqBHILQfd"
TRUTH, DOUBLE = np.dtype(bool), np.dtype(float)


def entry(step: Step) -> Entry:
    """Give what a step does to one entry.

    Raises
    ------
    Unheld
        If numba is not given it.
    """
    op, args = step.op, step.args
    kwargs = dict(step.kwargs)
    dtype = kwargs.pop("dtype", None) if isinstance(op, np.ufunc) else None
    if kwargs:
        raise Unheld(tr("{name} with {options}", name=known.name_of(op), options=", ".join(step.kwargs)))
    if op is known.astype:
        return cast(_dtype(args[0]), step.dtype)
    if op is known.item:
        return cast(_dtype(args[0]), step.dtype)
    if op in (np.copy, np.positive):
        return cast(step.dtype, step.dtype)
    if op is np.where:
        return Entry("{1} if {0} else {2}", (TRUTH, held(step.dtype), step.dtype), step.dtype)
    if op is np.clip and len(args) == 3 and all(a is not None for a in args):
        most = "({0} if {0} > {1} or {0} != {0} else {1})"
        return Entry(
            f"{most} if {most} < {{2}} or {most} != {most} else {{2}}", (held(step.dtype),) * 3, step.dtype
        )
    if op in (operator.add, operator.sub) and step.python and step.dtype.kind == "i":  # a count
        return Entry(_PYTHON[op], (step.dtype, step.dtype), step.dtype, "abs({v}) > 2**60")
    if op in _PYTHON and all(_python(a) for a in args) and step.dtype.kind in "fb":
        dtype = (
            TRUTH
            if op in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
            else DOUBLE
        )
        return Entry(_PYTHON[op], (DOUBLE,) * len(args), dtype, _RAISES.get(op, ""), op is operator.pow)
    ufunc = np.power if op is operator.pow else op
    if not isinstance(ufunc, np.ufunc):
        raise Unheld(known.name_of(op))
    return of_ufunc(ufunc, tuple(weak(a) for a in args), dtype)


def of_ufunc(ufunc: np.ufunc, kinds: tuple[Any, ...], dtype: Any = None) -> Entry:
    """Give what a ufunc does to entries of these dtypes; Python's numbers stand as their types."""
    if ufunc.nout != 1 or ufunc.signature is not None:
        raise Unheld(known.name_of(ufunc))
    given: dict[str, Any] = {} if dtype is None else {"signature": (*[None] * ufunc.nin, np.dtype(dtype))}
    *casts, dtype = ufunc.resolve_dtypes((*kinds, None), **given)
    loops = {held(d).kind if d.kind != "u" else "i" for d in casts}
    table = _TRUTH if loops == {"b"} else _FLOATS | _NUMBERS | _DEAR if loops == {"f"} else _WHOLE | _NUMBERS
    if ufunc not in table or len(set(casts)) > 1:
        raise Unheld(tr("{name} of {dtype}", name=known.name_of(ufunc), dtype=casts[0]))
    text = table[ufunc].replace("{dtype}", name_of(dtype))
    if loops == {"i"} and dtype.kind in "iu":
        text = f"{name_of(dtype)}({text})"
    return Entry(text, tuple(casts), dtype, dear=ufunc in _DEAR)


def cast(of: np.dtype[Any], to: np.dtype[Any]) -> Entry:
    """Give the entry as one of another dtype."""
    held(of)
    return Entry("{0}", (held(to),), to)


def as_dtype(text: str, of: np.dtype[Any], to: np.dtype[Any]) -> str:
    """Write a value of one dtype as one of another."""
    if of == to:
        return text
    return f"({text} != 0)" if to == TRUTH else f"{name_of(to)}({text})"


def is_dear(op: Any) -> bool:
    return op in _DEAR


def held(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.char not in _HELD:
        raise Unheld(tr("numbers of dtype {dtype}", dtype=dtype))
    return dtype


def name_of(dtype: np.dtype[Any]) -> str:
    return "bool_" if dtype == TRUTH else dtype.name


def _python(value: Any) -> bool:
    return value.python if type(value) is Step else type(value) in (int, float)


def weak(value: Any) -> Any:
    if type(value) is Step:
        return type(value.value) if value.python else value.dtype
    return type(value) if type(value) in (int, float) else np.asarray(value).dtype


def _dtype(value: Any) -> np.dtype[Any]:
    return value.dtype if type(value) is Step else np.asarray(value).dtype
