"""What parameters and values of distributions must be: a test, and PyTorch's words for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Constraint(NamedTuple):
    """A test of raw arrays, entry by entry (or vector by vector), and how it prints."""

    text: str
    check: Callable[[Any], Any]

    def __repr__(self) -> str:
        return self.text


def _whole(a: Any) -> Any:
    return a == np.floor(a)


def greater_than(low: Any) -> Constraint:
    """Give the constraint of numbers above `low`."""
    return Constraint(f"GreaterThan(lower_bound={low})", lambda a: a > low)


def less_than(high: Any) -> Constraint:
    """Give the constraint of numbers below `high`."""
    return Constraint(f"LessThan(upper_bound={high})", lambda a: a < high)


def interval(low: Any, high: Any) -> Constraint:
    """Give the constraint of numbers from `low` to `high`."""
    return Constraint(f"Interval(lower_bound={low}, upper_bound={high})", lambda a: (a >= low) & (a <= high))


def integer_interval(low: Any, high: Any) -> Constraint:
    """Give the constraint of whole numbers from `low` to `high`."""
    text = f"IntegerInterval(lower_bound={low}, upper_bound={high})"
    return Constraint(text, lambda a: _whole(a) & (a >= low) & (a <= high))


real = Constraint("Real()", lambda a: a == a)
real_vector = Constraint("IndependentConstraint(Real(), 1)", lambda a: np.all(a == a, -1))
positive, nonnegative = greater_than(0.0), Constraint("GreaterThanEq(lower_bound=0.0)", lambda a: a >= 0)
unit_interval = interval(0.0, 1.0)
boolean = Constraint("Boolean()", lambda a: (a == 0) | (a == 1))
nonnegative_integer = Constraint("IntegerGreaterThan(lower_bound=0)", lambda a: _whole(a) & (a >= 0))
simplex = Constraint("Simplex()", lambda a: np.all(a >= 0, -1) & (np.absolute(np.sum(a, -1) - 1) < 1e-6))
one_hot = Constraint("OneHot()", lambda a: np.all((a == 0) | (a == 1), -1) & (np.sum(a, -1) == 1))
lower_cholesky = Constraint("LowerCholesky()", lambda a: np.all(np.diagonal(a, axis1=-2, axis2=-1) > 0, -1))
