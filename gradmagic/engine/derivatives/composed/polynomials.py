"""NumPy's functions of polynomials, coefficients from the highest power down.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...core import arrays
from ...dispatch.protocols import composed
from ...tape.tracked import raw


@composed(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    p, x = _array(p), _array(x)
    y = x * 0
    for i in range(np.shape(p)[0]):
        y = y * x + p[i]
    return y


@composed(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    n = np.shape(x)[0] if N is None else N
    powers = np.arange(n) if increasing else np.arange(n)[::-1]
    return np.expand_dims(_array(x), 1) ** arrays.from_host(powers, raw(x))


def _array(p: Any) -> Any:
    """Give a polynomial's coefficients, or points, as an array of at least one entry."""
    if isinstance(p, np.poly1d):
        return p.coeffs
    if isinstance(p, (list, tuple)):
        return np.stack(list(p)) if any(hasattr(c, "node") for c in p) else np.asarray(p)
    return p


def _row(p: Any) -> Any:
    return np.atleast_1d(_array(p))


def _aligned(a: Any, b: Any) -> Any:
    """Give the two with zeros in front of the shorter."""
    a, b = _row(a), _row(b)
    n, m = np.shape(a)[0], np.shape(b)[0]
    return np.pad(a, (max(m - n, 0), 0)), np.pad(b, (max(n - m, 0), 0))


composed(np.polyadd)(lambda a1, a2: np.add(*_aligned(a1, a2)))
composed(np.polysub)(lambda a1, a2: np.subtract(*_aligned(a1, a2)))
composed(np.polymul)(lambda a1, a2: np.convolve(_trimmed(_row(a1)), _trimmed(_row(a2))))


def _trimmed(p: Any) -> Any:
    filled = np.flatnonzero(raw(p))
    return p[filled[0] if filled.size else np.size(p) - 1 :]


@composed(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    rest, v = _row(u) + 0.0, _row(v) + 0.0
    n = np.shape(v)[0]
    count = max(np.shape(rest)[0] - n + 1, 1)
    parts = []
    for k in range(np.shape(rest)[0] - n + 1):
        part = rest[k] / v[0]
        rest = rest - np.pad(part * v, (k, np.shape(rest)[0] - n - k))
        parts.append(part)
    quotient = np.stack(parts) if parts else np.zeros(count)
    left, _ = np.polydiv(raw(_row(u)), raw(_row(v)))[::-1]  # NumPy cuts zeros off the front of the remainder
    return quotient, rest[np.shape(rest)[0] - np.size(left) :]


@composed(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    y = _row(p)
    for _ in range(m):
        powers = np.arange(np.shape(y)[0] - 1, 0, -1)
        y = y[:-1] * arrays.from_host(powers, raw(y))
    return y


@composed(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    y = _row(p)
    constants = [0.0] * m if k is None else [k] * m if np.ndim(k) == 0 else _array(k)
    constants = [constants[0]] * m if np.ndim(constants) and np.shape(constants)[0] == 1 else constants
    for i in range(m):
        powers = np.arange(np.shape(y)[0], 0, -1)
        y = np.concatenate([y / arrays.from_host(powers, raw(y)), np.reshape(constants[i], (1,))])
    return y


@composed(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    zeros = _row(seq_of_zeros)
    if np.ndim(zeros) == 2:
        zeros = np.linalg.eigvals(zeros)
    y: Any = np.ones(1)
    for i in range(np.shape(zeros)[0]):
        y = np.concatenate([y, np.zeros(1)]) - zeros[i] * np.concatenate([np.zeros(1), y])
    paired = raw(zeros)
    whole = np.iscomplexobj(paired) and np.all(np.sort(paired) == np.sort(np.conj(paired)))
    return np.real(y) if whole else y


@composed(np.roots)
def roots(p: Any) -> Any:
    p = _row(p)
    filled = np.flatnonzero(raw(p))
    if not filled.size:
        return np.zeros(0)
    last = np.shape(p)[0] - 1 - filled[-1]
    p = p[filled[0] : filled[-1] + 1]
    n = np.shape(p)[0] - 1
    if n < 1:
        return np.zeros(last)
    companion = np.concatenate([np.expand_dims(-p[1:] / p[0], 0), np.eye(n - 1, n)])
    return np.pad(np.linalg.eigvals(companion), (0, last))


@composed(np.polyfit)
def polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    if full or cov:
        raise ArgumentError(tr(
            "np.polyfit(..., {option}=True) has no derivative in gradmagic: leave it out, and compute the residuals "
            "from the coefficients.", option="full" if full else "cov",
        ))  # fmt: skip
    x, y = _array(x) + 0.0, _array(y) + 0.0
    powers = np.vander(x, deg + 1)
    if w is not None:
        w = _array(w)
        powers = powers * np.expand_dims(w, 1)
        y = y * (w if np.ndim(y) == 1 else np.expand_dims(w, 1))
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    c = np.linalg.lstsq(powers / scale, y, rcond)[0]
    return c / (scale if np.ndim(c) == 1 else np.expand_dims(scale, 1))


# ---- np.polynomial.polynomial, coefficients from the lowest power up: two and more dimensions dispatch-----


def _grid(c: Any, x: Any) -> Any:
    """Give the polynomials of the first axis of c at x: one axis less, those of x more, at the end."""
    y: Any = 0
    for i in reversed(range(np.shape(c)[0])):
        y = y * x + np.reshape(c[i], np.shape(c[i]) + (1,) * np.ndim(x))
    return y


def polyvalnd(pts: Any, c: Any) -> Any:
    x, *others = pts
    made = _grid(_array(c), _array(x))
    for y in others:
        rows, made = made, 0
        for j in reversed(range(np.shape(rows)[0])):
            made = made * y + rows[j]
    return made


def polyval2d(x: Any, y: Any, c: Any) -> Any:
    return polyvalnd((x, y), c)


def polygrid2d(x: Any, y: Any, c: Any) -> Any:
    return _grid(_grid(_array(c), _array(x)), _array(y))


for _way in (polyval2d, polygrid2d, polyvalnd):  # the last since NumPy 2.5
    if hasattr(_function := getattr(np.polynomial.polynomial, _way.__name__, None), "_implementation"):
        composed(_function)(_way)
