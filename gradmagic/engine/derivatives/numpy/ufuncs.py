"""Derivatives of NumPy's universal functions, grouped as NumPy's manual groups them.

One `partial(out, *args)` for each argument: d out / d argument, entry by entry. z, y: the output; x, y: the inputs.
"""

from math import log, pi

import numpy as np

from ...dispatch.primitives import clip
from ...rules.declare import constant, elementwise, linear, rule
from ...rules.rule import MINUS, SAME, ZERO
from ...tape.tracked import raw

from .partials import (  # isort: skip
    angle_vjp, arccos_x, arcsin_x, arcsinh_x, arctan2_x, arctan2_y, away, away_slope, beats, divide_x, divmod_x,
    divmod_y, holds, i1, inside, le, logaddexp2_x, logaddexp2_y, logaddexp_x, logaddexp_y, lt, matmul_a,
    matmul_b, nonzero, over, power_x, power_y, reads, sgn, sinc_slope, tanh_x,
)

# ---- arithmetic ----------------------------------------------------------------------------------------------
elementwise(np.add,         SAME,                                SAME,                           torch="Add")
elementwise(np.subtract,    SAME,                                MINUS,                          torch="Sub")
elementwise(np.multiply,    lambda _z, _x, y: y,                 lambda _z, x, _y: x,            torch="Mul")
elementwise(np.divide,      divide_x,                            lambda z, _x, y: -z / y,        torch="Div")
elementwise(np.power,       power_x,                             power_y,                        torch="Pow")
elementwise(np.float_power, power_x,                             power_y,                        torch="Pow")
elementwise(np.remainder,   SAME,                                lambda _z, x, y: -np.floor_divide(x, y))
elementwise(np.fmod,        SAME,                                lambda _z, x, y: -np.trunc(over(x, y)))
elementwise(np.negative,    MINUS,                                                               torch="Neg")
elementwise(np.positive,    SAME,                                                                torch="Alias")
elementwise(np.reciprocal,  lambda y, _x: -y * y)
elementwise(np.square,      lambda _y, x: x + x,                                                 torch="Pow")
elementwise(np.sqrt,        lambda y, _x: 0.5 / y)
elementwise(np.cbrt,        lambda y, _x: 1 / (3 * y * y))
elementwise(np.hypot,       reads("x / z")(lambda z, x, _y: x / away(z)), reads("y / z")(lambda z, _x, y: y / away(z)))
elementwise(away,           away_slope)
elementwise(np.ldexp,       lambda _z, x, i: np.ldexp(x * 0 + 1, i), ZERO)
rule(np.frexp,              lambda g, out, _x: g[0] * np.ldexp(1.0, -raw(out[1])),              outputs=2)
rule(np.divmod,             divmod_x,                            divmod_y,                              outputs=2)
rule(np.modf,               lambda g, _out, _x: g[0],                                                   outputs=2)
rule(np.matmul,             matmul_a,                            matmul_b,      multilinear=True, torch="Mm")

# ---- exponents and logarithms --------------------------------------------------------------------------------
elementwise(np.exp,         lambda y, _x: y)
elementwise(np.exp2,        lambda y, _x: y * log(2),                                            torch="Exp2Backward0")
elementwise(np.expm1,       lambda _y, x: np.exp(x),                                             torch="Expm1Backward0")
elementwise(np.log,         reads("1 / x")(lambda _y, x: over(1, x)))
elementwise(np.log2,        lambda _y, x: over(1, x * log(2)),                                   torch="Log2Backward0")
elementwise(np.log10,       lambda _y, x: over(1, x * log(10)),                                  torch="Log10Backward0")
elementwise(np.log1p,       lambda _y, x: over(1, 1 + x),                                        torch="Log1PBackward0")
elementwise(np.logaddexp,   logaddexp_x,                         logaddexp_y)
elementwise(np.logaddexp2,  logaddexp2_x,                        logaddexp2_y)

# ---- trigonometry --------------------------------------------------------------------------------------------
elementwise(np.sin,         lambda _y, x: np.cos(x))
elementwise(np.cos,         lambda _y, x: -np.sin(x))
elementwise(np.tan,         lambda y, _x: 1 + y * y)
elementwise(np.arcsin,      arcsin_x,                                                            torch="Asin")
elementwise(np.arccos,      arccos_x,                                                            torch="Acos")
elementwise(np.arctan,      lambda _y, x: over(1, 1 + x * x),                                    torch="Atan")
elementwise(np.arctan2,     arctan2_y,                           arctan2_x,                      torch="Atan2Backward0")
elementwise(np.deg2rad,     lambda _y, _x: pi / 180,                                             torch="Mul")
elementwise(np.radians,     lambda _y, _x: pi / 180,                                             torch="Mul")
elementwise(np.rad2deg,     lambda _y, _x: 180 / pi,                                             torch="Mul")
elementwise(np.degrees,     lambda _y, _x: 180 / pi,                                             torch="Mul")
elementwise(np.sinc,        sinc_slope)
elementwise(np.i0,          lambda _y, x: i1(x))
elementwise(i1,             lambda y, x: np.i0(x) - np.where(x == 0, 0.5, y / nonzero(x)))

# ---- hyperbolic functions ------------------------------------------------------------------------------------
elementwise(np.sinh,        lambda _y, x: np.cosh(x))
elementwise(np.cosh,        lambda _y, x: np.sinh(x))
elementwise(np.tanh,        tanh_x)
elementwise(np.arcsinh,     arcsinh_x,                                                           torch="Asinh")
elementwise(np.arccosh,     lambda _y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),                 torch="Acosh")
elementwise(np.arctanh,     reads("1 / (1 - x * x)")(lambda _y, x: over(1, (1 - x) * (1 + x))),     torch="Atanh")

# ---- size and sign -------------------------------------------------------------------------------------------
elementwise(np.absolute,    sgn,                                                                 torch="Abs")
elementwise(np.fabs,        sgn,                                                                 torch="Abs")
elementwise(np.copysign,    lambda z, x, _y: np.sign(z) * np.sign(x), ZERO)

# ---- the larger, the smaller, the chosen: where a partial is 0 no gradient passes, not even an infinite one --
elementwise(np.maximum,     lambda _z, x, y: beats(x, y),        lambda _z, x, y: beats(y, x),          selects=True)
elementwise(np.minimum,     lambda _z, x, y: beats(y, x),        lambda _z, x, y: beats(x, y),          selects=True)
elementwise(np.fmax,        lambda _z, x, y: le(y, x) | np.isnan(y),
                            lambda _z, x, y: ~(le(y, x) | np.isnan(y)),                                 selects=True)
elementwise(np.fmin,        lambda _z, x, y: le(x, y) | np.isnan(y),
                            lambda _z, x, y: ~(le(x, y) | np.isnan(y)),                                 selects=True)
elementwise(np.where, ZERO, lambda _z, c, _x, _y: holds(c),      lambda _z, c, _x, _y: np.logical_not(c), selects=True)
elementwise(clip,           lambda _z, x, lo, hi: inside(x, lo, hi),
                            lambda _z, x, lo, hi: lt(x, lo) & (hi is None or le(lo, hi)),
                            lambda _z, x, lo, hi: lt(hi, x) | (lo is not None and lt(hi, lo)),
            torch="Clamp", selects=True)

# ---- complex numbers -----------------------------------------------------------------------------------------
linear(np.conjugate,        lambda g, like: np.conjugate(g),                                     torch="Conj")
linear(np.real,             lambda g, like: g,                                                          view=True)
linear(np.imag,             lambda g, like: g * 1j,                                                     view=True)
rule(np.angle,              angle_vjp)
rule(np.nan_to_num,         lambda g, _y, x, copy=True, nan=0.0, posinf=None, neginf=None:
                                np.where(np.isfinite(x), g, 0))

# ---- steps: no derivative ------------------------------------------------------------------------------------
constant(np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round, np.around, np.heaviside, np.floor_divide)
constant(np.spacing, np.signbit, np.isfinite, np.isinf, np.isnan, np.isclose, np.allclose, np.array_equal)
constant(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.array_equiv)
constant(np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
constant(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm)
constant(np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj, np.isposinf, np.isneginf)
