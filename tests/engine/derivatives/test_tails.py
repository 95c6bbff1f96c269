"""Derivatives where they are small, and where squares overflow: right to 1e-6 over the range of double precision.

Held against mpmath, by differences at hundreds of digits, wherever the function itself is right. Not held: what is
below the smallest normal number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.derivatives.nn import functions as nw
from gradmagic.engine.dispatch.protocols import late_tables_loaded
from gradmagic.engine.rules.declare import RULES

special = pytest.importorskip("scipy.special")
late_tables_loaded()

LEAST, MOST = float(np.finfo(float).tiny), float(np.finfo(float).max)
ENDS = [-300, -200, -160, -150, -100, -30, -16, -8, -3]
SMALL = [10.0**k for k in ENDS]
MIDDLE = [
    0.3,
    0.7,
    0.999,
    1 - 1e-10,
    1 - 1e-14,
    1 - 2.0**-53,
    1.0,
    1 + 1e-14,
    1.1,
    2.0,
    5.0,
    10.0,
    19.0,
    22.0,
    37.0,
]
LARGE = [40.0, 100.0, 350.0, 700.0, 709.0, 745.0, 1e3, 1e8, 1e16, 1e30, 1e100, 1e154, 1e160, 1e200, 1e300]
POINTS = [0.0, *SMALL, *MIDDLE, *LARGE]
POINTS += [-x for x in POINTS[1:]]
COARSE = [1e-300, 1e-160, 1e-8, 0.3, 1.0, 7.0, 40.0, 1e10, 1e160, 1e300]
PAIRS = [(a * s, b * t) for a in COARSE for b in COARSE for s, t in ((1, 1), (1, -1), (-1, 1))]


def logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def log_sum(x: Any, y: Any) -> Any:
    return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


# function of NumPy's (or ours) -> the same in mpmath
ONE: dict[Any, Callable[..., Any]] = {
    np.exp: mp.exp, np.expm1: mp.expm1, np.log: mp.log, np.log1p: mp.log1p, np.sqrt: mp.sqrt,
    np.exp2: lambda x: mp.mpf(2) ** x, np.log2: lambda x: mp.log(x, 2), np.log10: mp.log10,
    np.cbrt: lambda x: mp.sign(x) * mp.cbrt(abs(x)), np.reciprocal: lambda x: 1 / x, np.square: lambda x: x * x,
    np.sin: mp.sin, np.cos: mp.cos, np.tan: mp.tan, np.arcsin: mp.asin, np.arccos: mp.acos, np.arctan: mp.atan,
    np.sinh: mp.sinh, np.cosh: mp.cosh, np.tanh: mp.tanh, np.arcsinh: mp.asinh, np.arccosh: mp.acosh,
    np.arctanh: mp.atanh, np.sinc: mp.sincpi, np.deg2rad: lambda x: x * mp.pi / 180,
    nw.sigmoid: logistic, nw.log_sigmoid: lambda x: -mp.log1p(mp.exp(-x)), nw.silu: lambda x: x * logistic(x),
    nw.gelu: lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, nw.erf: mp.erf, nw.rsqrt: lambda x: 1 / mp.sqrt(x),
    nw.gelu_tanh:
        lambda x: x * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))) / 2,
}  # fmt: skip
TWO: dict[Any, Callable[..., Any]] = {
    np.divide: lambda x, y: x / y, np.hypot: mp.hypot, np.arctan2: mp.atan2, np.logaddexp: log_sum,
    np.logaddexp2: lambda x, y: log_sum(x * mp.log(2), y * mp.log(2)) / mp.log(2),
    nw.elu: lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    nw.softplus: lambda x, beta: mp.log1p(mp.exp(beta * x)) / beta,
}  # fmt: skip
SPECIAL: dict[str, Callable[..., Any]] = {
    "expit": logistic, "log_expit": lambda x: -mp.log1p(mp.exp(-x)), "expm1": mp.expm1, "erf": mp.erf,
    "erfc": mp.erfc, "exprel": lambda x: mp.expm1(x) / x, "ndtr": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    "log_ndtr": lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), "ellipkm1": lambda p: mp.ellipk(1 - p),
    "cosm1": lambda x: mp.cos(x) - 1, "loggamma": mp.loggamma,
}  # fmt: skip
SPECIAL_TWO: dict[str, Callable[..., Any]] = {
    "rel_entr": lambda x, y: x * mp.log(x / y), "pseudo_huber": lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1),
    "xlogy": lambda x, y: x * mp.log(y), "powm1": lambda x, y: x**y - 1,
}  # fmt: skip


def slope(f: Callable[..., Any], at: tuple[Any, ...], i: int) -> Any:
    """Differentiate by differences, with a step of 60 digits below the number."""
    step = min(abs(at[i]), 1) * mp.mpf(10) ** -60 if at[i] else mp.mpf(10) ** -400
    up, down = (tuple(x + s * step * (k == i) for k, x in enumerate(at)) for s in (1, -1))
    return (f(*up) - f(*down)) / (2 * step)


def right(got: float, wanted: Any) -> bool:
    if abs(wanted) < LEAST:
        return abs(got) <= 2 * LEAST
    if abs(wanted) > MOST:
        return bool(np.isinf(got))
    return bool(np.isfinite(got)) and abs(mp.mpf(got) - wanted) <= 1e-6 * abs(wanted)


def wrong(
    function: Any, exact: Callable[..., Any], points: list[tuple[float, ...]], digits: int = 1000
) -> list[Any]:
    """List the points where a partial is wrong and the function itself is right."""
    rule, found = RULES[function], []
    with mp.workdps(digits), np.errstate(all="ignore"):
        for point in points:
            at = tuple(map(mp.mpf, point))
            try:
                value, slopes = exact(*at), [slope(exact, at, i) for i in range(len(at))]
            except (ValueError, ZeroDivisionError, OverflowError):
                continue
            if not all(isinstance(v, mp.mpf) and mp.isfinite(v) for v in (value, *slopes)):
                continue  # outside the real domain
            args = tuple(map(np.float64, point))
            out = function(*args)
            if not right(float(out), value):
                continue
            for i, partial in enumerate(rule.partials):
                if callable(partial) and not right(float(partial(out, *args)), slopes[i]):
                    found.append((point, i, float(partial(out, *args)), mp.nstr(slopes[i], 8)))
    return found


@pytest.mark.parametrize("function", ONE, ids=lambda f: f.__name__)
def test_one_argument(function):
    points = [(x,) for x in POINTS if x or function is not np.cbrt]  # its slope at 0 is infinite
    assert wrong(function, ONE[function], points) == []


@pytest.mark.parametrize("function", TWO, ids=lambda f: f.__name__)
def test_two_arguments(function):
    assert wrong(function, TWO[function], PAIRS) == []


@pytest.mark.parametrize("name", SPECIAL)
def test_scipys_functions(name):
    points = [(x,) for x in POINTS if abs(x) < 1e6]
    assert wrong(getattr(special, name), SPECIAL[name], points, digits=700) == []


@pytest.mark.parametrize("name", SPECIAL_TWO)
def test_scipys_functions_of_two_arguments(name):
    most = 40 if name == "powm1" else 1e160  # a step of 1e-60 is a large one for x**1e160
    points = [(abs(a), b) for a, b in PAIRS if abs(a) <= most and abs(b) <= most]
    assert wrong(getattr(special, name), SPECIAL_TWO[name], points) == []


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_narrow_dtypes_have_half_of_their_digits(dtype):
    x = np.linspace(-8, 8, 65).astype(dtype)
    for function in (np.tanh, nw.sigmoid, np.expm1, np.arcsinh, nw.silu):
        got, wanted = gm.elementwise_grad(function)(x), gm.elementwise_grad(function)(x.astype(float))
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=4 * float(np.finfo(dtype).eps) ** 0.5)


@pytest.mark.parametrize("function", [np.tanh, nw.sigmoid, np.expm1], ids=lambda f: f.__name__)
def test_second_derivatives_of_tails(function):
    at = 25.0 if function is not np.expm1 else -45.0
    with mp.workdps(400):
        wanted = slope(lambda x: slope(ONE[function], (x,), 0), (mp.mpf(at),), 0)
        assert right(gm.grad(gm.grad(function))(at), wanted)
        assert right(gm.jvp(gm.grad(function), (at,), (1.0,))[1], wanted)


def test_infinities_share():
    both = gm.grad(np.logaddexp, (0, 1))
    assert both(-np.inf, -np.inf) == (0.0, 0.0)  # nothing was added to nothing
    assert both(-np.inf, 1.0) == (0.0, 1.0)
    assert both(np.inf, np.inf) == (0.5, 0.5)
    assert gm.grad(gm.grad(np.logaddexp))(1.0, 1.0) == 0.25
    rows = gm.grad(lambda x: np.logaddexp.reduce(np.array([-np.inf, -np.inf, 0.0]) + x))(1.0)
    assert rows == 1.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("function", [np.tanh, nw.sigmoid], ids=lambda f: f.__name__)
def test_of_a_large_array_x_is_kept_only_where_y_does_not_tell_the_derivative(function, dtype):
    x = np.linspace(-2, 2, 40_000).astype(dtype)
    tails = x.copy()
    tails[7:9] = 11, np.nan
    for values, kept in (x, False), (tails, True):
        t = gm.tensor(values, requires_grad=True)
        y = function(t)
        assert (y.node.saved[1] is values or y.node.saved[1] is t.array) is kept
        (slope,) = gm.autograd.grad(y, t, np.ones_like(values), create_graph=True)
        few = gm.tensor(values[:100], requires_grad=True)
        (same,) = gm.autograd.grad(function(few), few, np.ones_like(values[:100]), create_graph=True)
        np.testing.assert_array_equal(slope.detach().numpy()[:100], same.detach().numpy())
        (second,) = gm.autograd.grad(slope[:100].sum(), t)
        (right,) = gm.autograd.grad(same.sum(), few)
        np.testing.assert_array_equal(second.numpy()[:100], right.numpy())
