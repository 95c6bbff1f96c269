"""Arrays as sets: what comes out is picked from what goes in, and each entry has the gradient of its first place.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...dispatch.protocols import composed
from ...tape.tracked import raw


@composed(np.unique)
def unique(ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
           axis: Any = None, **options: Any) -> Any:  # fmt: skip
    if axis is None:
        ar, axis = np.ravel(ar), 0
    found = np.unique(raw(ar), True, True, True, axis, **options)
    asked = (return_index, return_inverse, return_counts)
    parts = [np.take(ar, found[1], axis), *(part for part, wanted in zip(found[1:], asked, strict=True) if wanted)]
    return tuple(parts) if len(parts) > 1 else parts[0]


composed(np.unique_all)(lambda x, /: unique(x, True, True, True, equal_nan=False))
composed(np.unique_counts)(lambda x, /: unique(x, return_counts=True, equal_nan=False))
composed(np.unique_inverse)(lambda x, /: unique(x, return_inverse=True, equal_nan=False))
composed(np.union1d)(lambda ar1, ar2: unique(np.concatenate([np.ravel(ar1), np.ravel(ar2)])))


@composed(np.unique_values)
def unique_values(x: Any, /) -> Any:
    x = np.ravel(x)
    return np.take(x, _places(np.unique_values(raw(x)), raw(x)))


@composed(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    _, first, second = np.intersect1d(raw(ar1), raw(ar2), assume_unique, True)
    common = np.take(np.ravel(ar1), first)
    return (common, first, second) if return_indices else common


@composed(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1 = np.ravel(ar1)
    return np.take(ar1, _places(np.setdiff1d(raw(ar1), raw(ar2), assume_unique), raw(ar1)))


@composed(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    both = np.concatenate([np.ravel(ar1), np.ravel(ar2)])
    return np.take(both, _places(np.setxor1d(raw(ar1), raw(ar2), assume_unique), raw(both)))


def _places(values: Any, among: Any) -> Any:
    """Give where in `among`, which has all of them, each of the values stands first."""
    order = np.argsort(among, kind="stable")
    return order[np.searchsorted(among[order], values)]


@composed(np.sort_complex)
def sort_complex(a: Any) -> Any:
    if np.ndim(a) == 0:
        raise ArgumentError(tr("np.sort_complex of one number: write the number itself."))
    plain = raw(a)
    order = np.lexsort((np.imag(plain), np.real(plain)), axis=-1)
    return np.take_along_axis(a, order, -1) * (1 + 0j)
