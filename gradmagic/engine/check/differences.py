"""Numerical derivatives that know how far they can be trusted.

In: a function of one real number, giving a vector. Out: its derivative at 0, a bound on the error of each entry, and
which entries have none (the two sides disagree), by central differences of 4th order, or by the complex step.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ...language import mark

Vector = np.ndarray[Any, Any]
_STEPS = 5  # 1, 1/10 ... of the first
_SETTLED = 1e-7  # of the derivative: no smaller step is tried below this error
_COMPLEX = 1e-30


class Slope(NamedTuple):
    """The derivative of a vector by one number.

    Attributes
    ----------
    value, error : ndarray
        Of the vector's shape; NaN where there is no number to give.
    kink : ndarray of bool
        Where the differences from the two sides disagree however small the step.
    step : float
        The first step tried.
    method : str
    """

    value: Vector
    error: Vector
    kink: Vector
    step: float
    method: str

    @property
    def usable(self) -> Vector:
        """Where there is a number that says something: finite, without a kink, and its error within a hundredth."""
        with np.errstate(all="ignore"):
            scale = np.max(np.abs(self.value[np.isfinite(self.value)]), initial=0.0)
            rough = self.error > np.maximum(1e-2 * np.abs(self.value) + 1e-3 * scale, 1e-6)
            return np.isfinite(self.value) & ~self.kink & ~rough


def slope(
    along: Callable[[float], Vector], at: Vector, size: float, rounding: float, scale: float = 0.0
) -> Slope:
    """Differentiate `along` at 0 by central differences.

    Parameters
    ----------
    along : function
        Of a step, giving the vector.
    at : ndarray
        `along(0)`.
    size : float
        Of the number that is moved: steps are relative to max(1, size), and smaller ones where those do not settle.
    rounding : float
        Relative error of the vector's entries: 2e-16 for float64.
    scale : float
        How large the numbers are that the vector is computed from: an entry that comes out as 0 has their rounding.

    Examples
    --------
    >>> found = slope(lambda s: np.array([np.exp(s), abs(s)]), np.array([1.0, 0.0]), 0.0, 2e-16)
    >>> abs(found.value[0] - 1) < 1e-11, found.kink
    (np.True_, array([False,  True]))
    """
    first = rounding**0.2 * max(1.0, size)
    slopes: list[Vector] = []
    errors: list[Vector] = []
    jumps: list[Vector] = []
    with np.errstate(all="ignore"):
        for k in range(_STEPS):
            h = first / 10**k
            a1, b1, a2, b2 = along(h), along(-h), along(2 * h), along(-2 * h)
            d1, d2 = (a1 - b1) / (2 * h), (a2 - b2) / (4 * h)
            noise = 4 * rounding * np.maximum(np.max(np.abs([a1, b1, a2, b2, at]), axis=0), scale) / h
            slopes.append((4 * d1 - d2) / 3)
            errors.append(np.nan_to_num(np.abs(slopes[-1] - d1) + noise, nan=np.inf))
            right, left = (4 * a1 - a2 - 3 * at) / (2 * h), (3 * at - 4 * b1 + b2) / (2 * h)
            jump = np.nan_to_num(np.abs(right - left), nan=np.inf)
            largest = np.max(np.abs(slopes[-1]), where=np.isfinite(slopes[-1]), initial=0.0)
            least = 1e-4 * (np.abs(right) + np.abs(left)) + 1e-6 * largest + 4 * noise
            jumps.append(np.where(jump <= least, 0.0, jump))
            settled = errors[-1] <= np.maximum(_SETTLED * np.abs(slopes[-1]), 2 * noise)
            if np.all(settled & (jumps[-1] == 0)):
                break
        # A step that is too large for the function may look settled: the next one tells.
        for k in range(len(slopes) - 1):
            apart = np.abs(slopes[k] - slopes[k + 1]) - errors[k + 1]
            errors[k] = np.maximum(errors[k], np.nan_to_num(apart, nan=0.0, posinf=np.inf))
    best = np.argmin(errors, axis=0)[None]
    value, error = (np.take_along_axis(np.array(v), best, 0)[0] for v in (slopes, errors))
    # The sides of a smooth function come together as h**2; a jump in the slope stays.
    kink = (jumps[0] > 0) & (len(jumps) > 2)
    for before, after in pairwise(jumps):
        kink &= (after > 0.5 * before) & (after > 0)
    return Slope(value, error, kink, first, mark("central differences"))


def complex_slope(along: Callable[[complex], Vector], near: Slope, at: Vector) -> Slope:
    """Refine `near` by the complex step, Im f(x + ih) / h with h = 1e-30: exact to rounding where f is analytic.

    Where its result is not that of the differences (`abs`, `real` are not analytic) the differences stay.
    Squire and Trapp, SIAM Review 40 (1998) 110.
    """
    moved = along(1j * _COMPLEX)
    with np.errstate(all="ignore"):
        exact = np.imag(moved) / _COMPLEX
        agree = np.abs(exact - near.value) <= 10 * near.error + 1e-6 * np.abs(near.value)
        agree &= np.abs(np.real(moved) - at) <= 1e-12 * (1 + np.abs(at))
    if not np.all(agree | ~np.isfinite(near.value)) or not np.any(agree):
        return near
    error = np.where(agree, 1e-13 * np.abs(exact), near.error)
    return near._replace(value=np.where(agree, exact, near.value), error=error, method=mark("complex step"))
