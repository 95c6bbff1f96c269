"""Calls of quantiles, functions without NaN, sets, histograms, polynomials and rims, one at least for each option."""

from __future__ import annotations

import numpy as np

from .rows import ABOVE, POSITIVE, WIDE, case, here

HALF = np.array([[True, False, True], [True, True, False]])


def holed(x: object) -> object:
    """Put NaN where the second row begins."""
    return np.where(here(x, np.arange(np.size(x)).reshape(np.shape(x)) % 5 == 3), here(x, np.nan), x)


def divided(u: object, v: object) -> object:
    """Divide; of the remainder what is left in exact numbers too (NumPy cuts what is below 1e-8 off its front)."""
    quotient, rest = np.polydiv(u, v)
    return quotient, rest[-2:]


# ---- quantiles ------------------------------------------------------------------------------------------------
METHODS = (
    "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull linear "
    "median_unbiased normal_unbiased lower higher midpoint nearest"
).split()
for method in METHODS:
    case(np.quantile, (4, 3), call=lambda x, m=method: np.quantile(x, [0.3, 0.62], axis=0, method=m))
case(np.quantile, (4, 3), (), call=lambda x, q: np.quantile(x, q, axis=0), domain=[WIDE, (0.1, 0.9)])
case(np.quantile, (2, 3, 2), call=lambda x: np.quantile(x, [[0.1], [1.0]], axis=(0, -1), keepdims=True))
case(np.percentile, (4, 3), call=lambda x: np.percentile(x, 35.0, axis=1, method="lower"))
WEIGHTS = np.arange(1.0, 13.0).reshape(4, 3) % 5 + 0.5
for f in (np.quantile, np.nanquantile):
    case(
        f,
        (4, 3),
        call=lambda x, f=f: f(x, [0.2, 0.7], axis=0, method="inverted_cdf", weights=WEIGHTS),
        devices=False,
    )
case(np.nanmedian, (3, 4), axes="many", devices=False)
case(np.nanmedian, (3, 4), call=lambda x: np.nanmedian(holed(x), axis=1), devices=False)
case(np.nanquantile, (3, 4), call=lambda x: np.nanquantile(holed(x), [0.2, 0.7], axis=0), devices=False)
case(np.nanpercentile, (3, 4), call=lambda x: np.nanpercentile(holed(x), 40, method="hazen"), devices=False)

# ---- without NaN ----------------------------------------------------------------------------------------------
for f in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd):
    case(f, (3, 4), call=lambda x, f=f: f(holed(x), axis=1))
for f in (np.nanmax, np.nanmin):
    case(f, (3, 4), call=lambda x, f=f: f(holed(x), axis=0))
for f in (np.nancumsum, np.nancumprod):
    case(f, (3, 4), call=lambda x, f=f: f(holed(x), axis=1))
case(np.nancumprod, kinds="fc", axes="one")
case(np.nanvar, (3, 4), call=lambda x: np.nanvar(holed(x), axis=1, ddof=1, keepdims=True))
for f in (np.nanmean, np.nanvar, np.nanstd):
    case(f, (2, 3), call=lambda x, f=f: f(x, axis=1, where=here(x, HALF)), devices=False)
case(
    np.nanprod, (2, 3), call=lambda x: np.nanprod(x, axis=1, initial=3.0, where=here(x, HALF)), devices=False
)

# ---- averages and covariances ---------------------------------------------------------------------------------
case(np.average, (2, 3), (2, 3), call=lambda x, w: np.average(x, axis=1, weights=w, returned=True),
     domain=[WIDE, POSITIVE])  # fmt: skip
case(np.average, (2, 3, 2), (2, 2), call=lambda x, w: np.average(x, axis=(2, 0), weights=w, keepdims=True),
     domain=[WIDE, POSITIVE])  # fmt: skip
case(np.average, (2, 3), call=lambda x: np.average(x, axis=0, returned=True)[0])
case(np.cov, (2, 4), (4,), call=lambda x, w: np.cov(x, aweights=w), domain=[WIDE, POSITIVE], low=False)
case(
    np.cov,
    (4, 2),
    call=lambda x: np.cov(x, rowvar=False, fweights=[1, 2, 1, 3], ddof=0),
    devices=False,
    low=False,
)
case(np.cov, (2, 4), (4,), call=lambda x, w: np.cov(x, fweights=np.array([1, 2, 1, 3]), aweights=w),
     domain=[WIDE, POSITIVE], devices=False, low=False)  # fmt: skip
case(np.corrcoef, (4,), (4,), call=np.corrcoef)
case(np.corrcoef, (4, 2), call=lambda x: np.corrcoef(x, rowvar=False))

# ---- sets -----------------------------------------------------------------------------------------------------
case(np.unique, (3, 2), call=lambda x: np.unique(x, axis=0))
case(
    np.unique, (4,), call=lambda x: np.unique(here(x, [1, 1, 0, 1]) * x, return_index=True)[0], devices=False
)
for f in (np.unique_all, np.unique_counts, np.unique_inverse):
    case(f, (2, 3), call=lambda x, f=f: f(x)[0], devices=False)
case(np.unique_values, (2, 3), devices=False)
case(np.union1d, (3,), (2,), devices=False)
case(np.intersect1d, (3,), call=lambda x: np.intersect1d(x, x[1:]), devices=False)
case(np.setdiff1d, (4,), call=lambda x: np.setdiff1d(x, x[1:2]), devices=False)
case(np.setxor1d, (3,), (2,), call=np.setxor1d, devices=False)
case(np.sort_complex, (2, 3), kinds="fc", devices=False, low=False)

# ---- histograms -----------------------------------------------------------------------------------------------
X, Y = np.array([0.1, 0.7, 1.0, 0.4, -3.0]), np.array([0.3, 0.2, 0.9, 0.6, 0.1])
case(np.histogram, (5,), call=lambda w: np.histogram(X, 3, (0, 1), weights=w)[0], devices=False, low=False)
case(np.histogram, (5,), call=lambda w: np.histogram(X, [0.0, 0.5, 0.8], density=True, weights=w)[0],
     domain=POSITIVE, devices=False, low=False)  # fmt: skip
case(
    np.histogram2d, (5,), call=lambda w: np.histogram2d(X, Y, (2, 3), weights=w)[0], devices=False, low=False
)
case(np.histogramdd, (5,), call=lambda w: np.histogramdd([X, Y], 2, weights=w, density=True)[0],
     domain=POSITIVE, devices=False, low=False)  # fmt: skip

# ---- polynomials ----------------------------------------------------------------------------------------------
for f in (np.polyadd, np.polysub, np.polymul):
    case(f, (3,), (4,), kinds="fc", devices=False)
case(np.polydiv, (5,), (3,), call=lambda u, v: divided(u, v + here(v, [6.0, 0.0, 0.0])), domain=[WIDE, POSITIVE],
     devices=False, low=False)  # fmt: skip
case(np.polyder, (5,), devices=False)
case(np.polyder, (5,), call=lambda p: np.polyder(p, 2), devices=False)
case(np.polyint, (3,), call=lambda p: np.polyint(p, 2, [1.0, 2.0]), devices=False)
case(np.polyint, (3,), (1,), call=lambda p, k: np.polyint(p, 1, k), devices=False)
case(np.poly, (3,), kinds="fc", devices=False, low=False)
case(
    np.poly, (3, 3), call=lambda a: np.poly(a + here(a, np.diag([0.0, 5.0, 10.0]))), devices=False, low=False
)
case(
    np.roots,
    (3,),
    call=lambda p: np.roots(p + here(p, [0.0, 9.0, 0.0])),
    domain=POSITIVE,
    devices=False,
    low=False,
)
case(np.roots, (4,), call=lambda p: np.roots(np.append(p, 0.0)), domain=ABOVE, devices=False, low=False)
case(np.polyfit, (5,), (5,), call=lambda x, y: np.polyfit(np.cumsum(x), y, 2), domain=[POSITIVE, WIDE], devices=False,
     low=False)  # fmt: skip
case(np.polyfit, (5,), (5, 2), (5,), call=lambda x, y, w: np.polyfit(np.cumsum(x), y, 1, w=w),
     domain=[POSITIVE, WIDE, POSITIVE], devices=False, low=False)  # fmt: skip
if hasattr(np.polynomial.polynomial.polyval2d, "_implementation"):
    case(np.polynomial.polynomial.polyval2d, (2,), (2,), (3, 2), devices=False)
    case(np.polynomial.polynomial.polygrid2d, (2,), (3,), (3, 2), devices=False)
if hasattr(np.polynomial.polynomial, "polyvalnd"):  # since NumPy 2.5
    case(
        np.polynomial.polynomial.polyvalnd, (2,), (2,), (2,), (2, 3, 2, 2),
        call=lambda x, y, z, c: np.polynomial.polynomial.polyvalnd((x, y, z), c), devices=False,
    )  # fmt: skip

# ---- rims -----------------------------------------------------------------------------------------------------
for mode in ("mean", "median", "maximum", "minimum"):
    case(np.pad, (3, 4), call=lambda x, m=mode: np.pad(x, ((1, 2), (0, 3)), mode=m), devices=False, low=False)
    case(
        np.pad,
        (3, 4),
        call=lambda x, m=mode: np.pad(x, 1, m, stat_length=((2, 1), (3, 2))),
        devices=False,
        low=False,
    )
case(
    np.pad,
    (3, 2),
    call=lambda x: np.pad(x, (1, 2), "linear_ramp", end_values=(3.0, -1.0)),
    devices=False,
    low=False,
)
case(np.pad, (3, 2), call=lambda x: np.pad(x, 1, constant_values=((1.0, 2.0), (3.0, 4.0))), devices=False)
case(np.pad, (3,), (2,), call=lambda x, v: np.pad(x, 2, constant_values=v), devices=False)
for mode in ("reflect", "symmetric"):
    case(
        np.pad,
        (3, 2),
        call=lambda x, m=mode: np.pad(x, ((2, 1), (1, 3)), m, reflect_type="odd"),
        devices=False,
    )
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    case(np.pad, (3, 2), call=lambda x: np.pad(x, {-1: (1, 2)}, "mean"), devices=False)
