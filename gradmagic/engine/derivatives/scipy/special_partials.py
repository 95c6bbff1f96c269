"""The awkward formulas behind the table of scipy.special: densities, series near removable singularities, real only.

In: outputs and arguments as a partial gets them (raw arrays, or tracked ones when the sweep is recorded).
Out: partials. DLMF is the Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

from __future__ import annotations

import importlib
from math import factorial, pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from ....errors import ArgumentError
from ....language import tr
from ...core import arrays
from ...dispatch.calls import primitive
from ..numpy.partials import nonzero, reads

SQRT_PI, SQRT_2PI = sqrt(pi), sqrt(2 * pi)


@primitive
@arrays.whole
def polygamma(n: Any, x: Any) -> Any:
    """Give the n-th derivative of digamma at x (scipy.special.polygamma, which takes plain arrays only)."""
    return _special(x).polygamma(arrays.from_host(np.asarray(n), x), x)[()]


@primitive
def hurwitz(s: Any, q: Any) -> Any:
    """Give the sum over k of 1 / (q + k)**s (scipy.special.zeta, a plain function)."""
    return _special(q).zeta(s, q)


def _special(x: Any) -> Any:
    """Give the functions that take x: CuPy has its own where SciPy's are no ufuncs."""
    return importlib.import_module("cupyx.scipy.special") if arrays.on_device(x) else special


def real(x: Any, name: str) -> Any:
    """Give x, if it is real: of complex numbers the function is not holomorphic, or has no formula."""
    if np.iscomplexobj(x):
        raise ArgumentError(tr(
            "scipy.special.{name} has no derivative in gradmagic by a complex number: by a real one it has.", name=name,
        ))  # fmt: skip
    return x


def poly(coefficients: Any, x: Any) -> Any:
    """Evaluate a polynomial by Horner's scheme, the constant term first."""
    y = 0.0 * x
    for c in reversed(coefficients):
        y = y * x + c
    return y


# ---- gamma ----------------------------------------------------------------------------------------------------


@reads("polygamma(1, x)")
def trigamma(_y: Any, x: Any) -> Any:
    return polygamma(1, real(x, "digamma"))


def digamma_step(x: Any, h: Any) -> Any:
    """digamma(x + h) - digamma(x); for a small step its series, where the difference would cancel."""
    near = (x > 0) & (np.absolute(h) < 0.03 * np.absolute(x))
    at, step = np.where(near, x, 1.0), np.where(near, h, 0.0)
    series = sum(polygamma(k, at) * step**k / factorial(k) for k in range(1, 7))
    return np.where(near, series, special.digamma(x + h) - special.digamma(x))


@reads("-y * digamma(x)")
def rgamma_slope(y: Any, x: Any) -> Any:
    # At the poles of gamma, x = -n, y is 0 and digamma infinite; their product has the limit (-1)**n n!.
    if np.iscomplexobj(x):
        return -y * special.digamma(x)
    pole = (x <= 0) & (x == np.floor(x))
    n = np.where(pole, -x, 0.0)
    limit = special.gamma(n + 1) * (1 - 2 * np.remainder(n, 2))
    return np.where(pole, limit, -y * special.digamma(np.where(pole, 1.0, x)))


def gamma_density(a: Any, x: Any) -> Any:
    """d gammainc(a, x) / dx (DLMF 8.8.13)."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """d betainc(a, b, x) / dx (DLMF 8.17.1)."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def binomial_density(k: Any, n: Any, p: Any) -> Any:
    """d bdtrc(k, n, p) / dp (DLMF 8.17.5); SciPy takes whole numbers of trials, and of successes."""
    return beta_density(np.floor(k) + 1, np.trunc(n) - np.floor(k), p)


def gegenbauer(n: Any, a: Any, x: Any) -> Any:
    """The Gegenbauer polynomial, 0 for a degree below 0, where SciPy's is NaN for complex numbers."""
    none = (n < 0) & (n == np.floor(n))
    return np.where(none, 0.0, special.eval_gegenbauer(np.where(none, 0, n), a, x))


# ---- distributions --------------------------------------------------------------------------------------------


def normal_density(x: Any) -> Any:
    return np.exp(-x * x / 2) / SQRT_2PI


def t_density(df: Any, t: Any) -> Any:
    return np.exp(-(df + 1) / 2 * np.log1p(t * t / df) - special.betaln(df / 2, 0.5)) / np.sqrt(df)


def f_density(n: Any, d: Any, x: Any) -> Any:
    s = d + n * x
    return beta_density(n / 2, d / 2, n * x / s) * n * d / (s * s)


def chi2_density(k: Any, x: Any) -> Any:
    return gamma_density(k / 2, x / 2) / 2


def ncx2_density(x: Any, k: Any, nc: Any) -> Any:
    # The non-central chi-squared density with 0F1 in place of the Bessel function: right at nc = 0 too.
    return chi2_density(k, x) * np.exp(-nc / 2) * special.hyp0f1(k / 2, nc * x / 4)


@reads("exp(-x**2/2) / (sqrt(2*pi) * ndtr(x))")
def log_ndtr_slope(_y: Any, x: Any) -> Any:
    return sqrt(2 / pi) / special.erfcx(-real(x, "log_ndtr") / sqrt(2))  # exact in the tail, where ndtr is 0


def kolmogorov_density(x: Any) -> Any:
    """-d kolmogorov(x) / dx, from the two series that are each other's theta transform (DLMF 20.7.32)."""
    small = x < 1
    u, v = np.where(small, 1.0, x), np.where(small & (x > 0), x, 1.0)
    above = sum(8 * (-1) ** (k - 1) * k * k * u * np.exp(-2 * k * k * u * u) for k in range(1, 7))
    below = sum((c / v**2 - 1) * np.exp(-c / (2 * v**2)) for c in ((2 * k - 1) ** 2 * pi**2 / 4 for k in range(1, 6)))
    return np.where(small, np.where(x > 0, SQRT_2PI / v**2 * below, 0.0), above)


# ---- error functions ------------------------------------------------------------------------------------------

_ODD = [1.0]
for _n in range(1, 9):
    _ODD.append(_ODD[-1] * (2 * _n + 1))  # (2n + 1)!!


@reads("2 * x * y - 2 / sqrt(pi)")
def erfcx_slope(y: Any, x: Any) -> Any:
    # The difference cancels for large x: there the asymptotic series (DLMF 7.12.1).
    if np.iscomplexobj(x):
        return 2 * x * y - 2 / SQRT_PI
    far = x > 25
    q = 1 / np.where(far, 2 * x * x, 2500.0)
    tail = -2 / SQRT_PI * q * poly([(-1) ** n * c for n, c in enumerate(_ODD)], q)
    return np.where(far, tail, 2 * np.where(far, 0.0, x) * y - 2 / SQRT_PI)


@reads("1 - 2 * x * y")
def dawsn_slope(y: Any, x: Any) -> Any:
    if np.iscomplexobj(x):
        return 1 - 2 * x * y
    far = np.absolute(x) > 25
    q = 1 / np.where(far, 2 * x * x, 2500.0)
    return np.where(far, -q * poly(_ODD, q), 1 - 2 * np.where(far, 0.0, x) * y)


@reads("-2 * z * y + 2j / sqrt(pi)")
def wofz_slope(y: Any, z: Any) -> Any:
    return -2 * z * y + 2j / SQRT_PI


def fresnel_vjp(g: Any, _out: Any, z: Any) -> Any:
    u = pi / 2 * z * z
    return g[0] * np.conj(np.sin(u)) + g[1] * np.conj(np.cos(u))


def voigt_parts(x: Any, sigma: Any, gamma: Any) -> tuple[Any, Any, Any]:
    """Give z, the Faddeeva function w(z) and w'(z) behind the Voigt profile Re w(z) / (sigma sqrt(2 pi))."""
    z = (x + gamma * 1j) / (sigma * sqrt(2))
    w = special.wofz(z)
    return z, w, wofz_slope(w, z)


def voigt_x(_y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    return np.real(voigt_parts(x, sigma, gamma)[2]) / (2 * SQRT_PI * sigma * sigma)


def voigt_sigma(y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    z, _, slope = voigt_parts(x, sigma, gamma)
    return -y / sigma - np.real(slope * z) / (SQRT_2PI * sigma * sigma)


def voigt_gamma(_y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    return -np.imag(voigt_parts(x, sigma, gamma)[2]) / (2 * SQRT_PI * sigma * sigma)


# ---- entropies: 0 where x is 0, as the values are ---------------------------------------------------------------


@reads("log(y)")
def xlogy_x(_z: Any, x: Any, y: Any) -> Any:
    none = (x == 0) & (y == 0)  # PyTorch's convention
    return np.log(np.where(none, 1.0, y))


@reads("log1p(y)")
def xlog1py_x(_z: Any, x: Any, y: Any) -> Any:
    none = (x == 0) & (y == -1)
    return np.log1p(np.where(none, 0.0, y))


def ratio(x: Any, y: Any) -> Any:
    """x / y; 0 where x is 0, also for y = 0."""
    return x / np.where(x == 0, 1.0, y)


@reads("log(x / y) + 1")
def rel_entr_x(_z: Any, x: Any, y: Any) -> Any:
    none = (x == 0) & (y == 0)
    return _log_ratio(np.where(none, 1.0, x), np.where(none, 1.0, y)) + np.where(none, 0.0, 1.0)


@reads("log(x / y)")
def kl_div_x(_z: Any, x: Any, y: Any) -> Any:
    none = (x == 0) & (y == 0)
    return _log_ratio(np.where(none, 1.0, x), np.where(none, 1.0, y))


def _log_ratio(x: Any, y: Any) -> Any:
    """log(x / y), also where the quotient overflows or vanishes; the difference of logarithms cancels near x = y."""
    near = (x < 2 * y) & (y < 2 * x)
    return np.where(near, np.log(np.where(near, x, 1.0) / np.where(near, y, 1.0)), np.log(x) - np.log(y))


@reads("2 * z / d - r * r / (d * sqrt(1 + (r / d)**2))")
def pseudo_huber_d(_z: Any, d: Any, r: Any) -> Any:
    q = r / d
    s = np.hypot(1, q)
    above = q * (q / (1 + s))  # s - 1
    return d * above * (above / s)


# ---- powers ---------------------------------------------------------------------------------------------------

_EXPREL = [(k + 1) / factorial(k + 2) for k in range(18)]


def exprel_slope(u: Any) -> Any:
    """(u exp(u) - expm1(u)) / u**2, the derivative of expm1(u) / u; near 0 its series."""
    near = np.absolute(u) < 0.7
    far = np.where(near, 1.0, u)
    beyond = np.exp(far) * ((far - 1) / (far * far)) + 1 / (far * far)
    return np.where(near, poly(_EXPREL, np.where(near, u, 0.0)), beyond)


def boxcox_slope(logarithm: Any, lmbda: Any) -> Any:
    """d (x**lmbda - 1) / lmbda / d lmbda, from log(x)."""
    none = np.isneginf(logarithm) & (lmbda > 0)  # of x = 0 it is the limit
    finite = np.where(none, 0.0, logarithm)
    return np.where(none, 1 / np.where(none, lmbda * lmbda, 1.0), finite * finite * exprel_slope(lmbda * finite))


_SPENCE = [(-1) ** (n + 1) / (n + 1) for n in range(9)]


@reads("log(x) / (1 - x)")
def spence_slope(_y: Any, x: Any) -> Any:
    near = np.absolute(x - 1) < 0.01
    u = np.where(near, 2.0, x)
    return np.where(near, poly(_SPENCE, np.where(near, x - 1, 0.0)), np.log(u) / (1 - u))


def sinhc(x: Any) -> Any:
    """sinh(x) / x, 1 at 0."""
    near = np.absolute(x) < 0.3
    u = np.where(near, 1.0, x)
    series = poly([1 / factorial(2 * k + 1) for k in range(8)], np.where(near, x * x, 0.0))
    return np.where(near, series, np.sinh(u) / u)


def sinc(x: Any) -> Any:
    """sin(x) / x, 1 at 0."""
    near = np.absolute(x) < 0.3
    u = np.where(near, 1.0, x)
    series = poly([(-1) ** k / factorial(2 * k + 1) for k in range(8)], np.where(near, x * x, 0.0))
    return np.where(near, series, np.sin(u) / u)


@reads("-expn(n - 1, x)")
def expn_slope(y: Any, n: Any, x: Any) -> Any:
    # E_0(x) = exp(-x) / x stands outside of the recurrence (DLMF 8.19.12): E_-1 has a formula of its own.
    n = np.trunc(n)  # as SciPy does
    return np.where(n == 0, -y * (1 + 1 / x), -special.expn(np.maximum(n - 1, 0), x))


# ---- Bessel functions and their kin -----------------------------------------------------------------------------


def airy_vjp(g: Any, out: Any, z: Any) -> Any:
    ai, aip, bi, bip = map(np.conj, out)  # w'' = z w (DLMF 9.2.1)
    zc = np.conj(z)
    return g[0] * aip + g[1] * zc * ai + g[2] * bip + g[3] * zc * bi


def itairy_vjp(g: Any, _out: Any, x: Any) -> Any:
    ai, _, bi, _ = special.airy(x)
    minus_ai, _, minus_bi, _ = special.airy(-x)
    return g[0] * ai + g[1] * bi + g[2] * minus_ai + g[3] * minus_bi


def airye_vjp(g: Any, out: Any, z: Any) -> Any:
    ai, aip, bi, bip = out
    x = real(z, "airye")
    right = x > 0
    root = np.where(right, np.sqrt(np.where(right, x, 1.0)), 0.0)
    ai, aip = np.where(x >= 0, ai, 0.0), np.where(x >= 0, aip, 0.0)  # NaN on the left, by definition
    first = g[0] * (aip + root * ai) + g[1] * (x * ai + root * aip)
    return first + g[2] * (bip - root * bi) + g[3] * (x * bi - root * bip)


def struve_term(v: Any, x: Any) -> Any:
    """(x/2)**v / (sqrt(pi) gamma(v + 3/2)), of the recurrences of Struve's functions (DLMF 11.4.25)."""
    return (x / 2) ** v * special.rgamma(v + 1.5) / SQRT_PI


def over_x(y: Any, x: Any, at_zero: complex) -> Any:
    """y / x, with its limit at 0."""
    return np.where(x == 0, at_zero, y / nonzero(x))


def kelvin_vjp(g: Any, out: Any, x: Any) -> Any:
    be, ke, bep, kep = out  # w'' = i w - w' / x (DLMF 10.61.3)
    parts = (bep, kep, 1j * be - over_x(bep, x, 0.5j), 1j * ke - kep / x)
    return sum(np.real(c * np.conj(d)) for c, d in zip(g, parts, strict=True))


def modfresnel_vjp(sign: int) -> Any:
    """dF/dx = -exp(+-i x**2), dK/dx = -+2i x K - exp(-+i pi/4) / sqrt(pi) (DLMF 7.2.6, 7.2.10)."""

    def vjp(g: Any, out: Any, x: Any) -> Any:
        slope = -np.exp(x * x * (sign * 1j))
        scaled = out[1] * x * (-2j * sign) - np.exp(-sign * 1j * pi / 4) / SQRT_PI
        return np.real(g[0] * np.conj(slope)) + np.real(g[1] * np.conj(scaled))

    return vjp




def it2_vjp(first: Any, last: Any) -> Any:
    """Of the integrals from 0 of (1 - f)/t and from x of h/t."""
    return lambda g, _out, x: g[0] * first(x) - g[1] * last(x) / x
