"""Normal numbers in float32 from even ones, by PyTorch's own polynomials: the same bits as on a machine with AVX2.

In: pairs of even draws. Out: pairs of normal ones, by the method of G. Box and M. Muller (1958). The logarithm, sine
and cosine are those of S. Moshier's Cephes library as J. Pommier wrote them for vectors (`avx_mathfun.h`); a product
and a sum are rounded once, as the machine's fused instruction does. NumPy's own functions, which are as accurate,
differ in the last digit in one number of seven.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_F, _D = np.float32, np.float64


def _single(*numbers: float) -> tuple[float, ...]:
    return tuple(float(_F(c)) for c in numbers)


_LOG = _single(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_LN2 = _single(-2.12194440e-4, 0.693359375)  # in two parts, the larger exact
_QUARTER = _single(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)  # -pi/4, in three
_SIN = _single(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _single(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_HALF_ROOT, _OCTANTS, _TURN = _single(0.707106781186547524, 1.27323954473516, 2 * np.pi)


def rounded(x: Any) -> Any:
    """Give float64 numbers that float32 has. All is kept in float64: a cast at each step takes 1.5 times as long."""
    return x.astype(_F).astype(_D)


def _fused(a: Any, b: Any, c: Any) -> Any:
    """Give a * b + c rounded once (but for one in 2**29): the product of two float32 is exact in float64."""
    x = a * b
    x += c
    return rounded(x)


def _polynomial(coefficients: Any, x: Any) -> Any:
    y: Any = coefficients[0]
    for c in coefficients[1:]:
        y = _fused(y, x, c)
    return y


def _log(x: Any) -> Any:
    m, e = np.frexp(x)
    small = m < _HALF_ROOT
    e = e - small
    m = rounded(m - 1 + np.where(small, m, 0))
    z = rounded(m * m)
    y = _fused(rounded(_polynomial(_LOG, m) * m), z, rounded(e * _LN2[0]))
    return _fused(e, _LN2[1], rounded(m + _fused(-z, 0.5, y)))


def _sine_and_cosine(x: Any) -> tuple[Any, Any]:
    octant = (rounded(x * _OCTANTS).astype(np.int32) + 1) & ~1
    for part in _QUARTER:
        x = _fused(octant, part, x)
    z = rounded(x * x)
    c = rounded(_fused(rounded(_polynomial(_COS, z) * z), z, z * -0.5) + 1)
    s = _fused(rounded(_polynomial(_SIN, z) * z), x, x)
    turned = octant & 2 != 0
    sine, cosine = np.where(turned, c, s), np.where(turned, s, c)
    return np.where(octant & 4, -sine, sine), np.where((octant - 2) & 4, cosine, -cosine)


def normal_blocks(u: Any) -> Any:
    """Give normal numbers from even ones, float32 (n, 2, 8): eight pairs a block, as PyTorch's vectors hold them."""
    radius = rounded(np.sqrt(-2 * _log(1 - u[:, 0].astype(_D))))
    sine, cosine = _sine_and_cosine(rounded(_TURN * u[:, 1].astype(_D)))
    return np.stack([radius * cosine, radius * sine], 1).astype(_F)
