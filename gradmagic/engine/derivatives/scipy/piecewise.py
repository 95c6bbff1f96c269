"""Piecewise polynomials of scipy.interpolate (PPoly, CubicSpline, PCHIP, Akima): by the data, and by the points.

One that is made of tracked values is a `Made` with the tracked coefficients of its pieces, computed here as SciPy
computes them. Values are SciPy's own. Loaded by interpolate.py.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from scipy import interpolate

from ....language import mark
from ...tape.tracked import raw, raws, tracked_in
from ..objects import Made, as_array, follows_methods, real
from ..ordered import composes, follows, no_derivative

HOME = "scipy.interpolate"


def on_axis(made: Any, at: Any, axis: int) -> Any:
    """Move the axes of the points, which come first, to where the data had theirs."""
    n = np.ndim(at)
    order = list(range(np.ndim(made)))
    return np.transpose(made, order[n : n + axis] + order[:n] + order[n + axis :]) if axis else made


def wide(x: Any, like: Any) -> Any:
    """Give x with an axis of length 1 for each further one of `like`."""
    return np.reshape(x, np.shape(x) + (1,) * (np.ndim(like) - np.ndim(x)))


def _evaluated(c: Any, x: Any, at: Any, nu: int, extrapolate: Any) -> Any:
    """Evaluate sum c[m, i] (at - x[i])**(k - m), or its derivative of order nu."""
    at = at + 0.0
    if isinstance(extrapolate, str):  # periodic
        at = at - np.floor((raw(at) - raw(x[0])) / (raw(x[-1]) - raw(x[0]))) * (x[-1] - x[0])
    i = np.clip(np.searchsorted(raw(x), raw(at), "right") - 1, 0, np.shape(x)[0] - 2)
    top = np.shape(c)[0] - 1
    rows = [c[m, i] * (factorial(top - m) / factorial(top - m - nu)) for m in range(top - nu + 1)]
    if not rows:
        return 0.0 * c[0, i]
    d = wide(at - x[i], rows[0])
    y = rows[0]
    for row in rows[1:]:
        y = y * d + row
    if extrapolate is False:
        outside = (raw(at) < raw(x[0])) | (raw(at) > raw(x[-1]))
        y = np.where(wide(outside, y), np.nan, y)
    return y


@follows_methods(interpolate.PPoly, "__call__", home=HOME)
def evaluate(name: str, self: Any, x: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
    own, at = real(self), as_array(x)
    if nu < 0:
        raise no_derivative(f"{HOME}.{type(own).__name__}", mark("with nu < 0"))
    extrapolate = own.extrapolate if extrapolate is None else extrapolate
    return on_axis(_evaluated(self.c, self.x, at, int(nu), extrapolate), at, own.axis)


@follows_methods(interpolate.PPoly, "derivative", home=HOME, exact=True)
def derived(name: str, self: Any, nu: Any = 1) -> Any:
    if type(self) is not Made or tracked_in([nu]):
        raise no_derivative(f"{HOME}.PPoly.derivative", mark("by its order"))
    if nu < 0:
        return antiderived(name, self, -nu)
    c, top = self.c, np.shape(self.c)[0] - 1
    factors = np.array([factorial(k) / factorial(k - nu) for k in range(top, nu - 1, -1)])
    made = wide(factors, c) * c[: top + 1 - nu] if top >= nu else 0.0 * c[:1]
    return Made(self.real.derivative(nu), c=made, x=self.x)


@follows_methods(interpolate.PPoly, "antiderivative", home=HOME, exact=True)
def antiderived(name: str, self: Any, nu: Any = 1) -> Any:
    own, c, x = self.real.antiderivative(nu), self.c, self.x
    for _ in range(nu):
        top = np.shape(c)[0]
        c = c / wide(np.arange(top, 0, -1.0), c)
        steps = wide(np.diff(x), c[0])
        whole = 0.0 * c[0]
        for row in c:
            whole = (whole + row) * steps
        begins = np.concatenate([0.0 * whole[:1], np.cumsum(whole[:-1], axis=0)])
        c = np.concatenate([c, begins[None]])
    return Made(own, c=c, x=x)


@follows_methods(interpolate.PPoly, "integrate", home=HOME)
def integrated(name: str, self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    own = real(self)
    extrapolate = own.extrapolate if extrapolate is None else extrapolate
    if isinstance(extrapolate, str):
        raise no_derivative(f"{HOME}.{type(own).__name__}.integrate", mark("of a periodic one"))
    self = self if type(self) is Made else Made(own, c=self.c, x=self.x)
    whole = antiderived(name, self)
    ends = [_evaluated(whole.c, whole.x, as_array(t), 0, extrapolate) for t in (b, a)]
    return ends[0] - ends[1]


def _hermite(x: Any, y: Any, s: Any) -> Any:
    """Give the coefficients of the cubic pieces with values y and slopes s."""
    h = wide(np.diff(x), y)
    slope = np.diff(y, axis=0) / h
    t = (s[:-1] + s[1:] - 2 * slope) / h
    return np.stack([t / h, (slope - s[:-1]) / h - t, s[:-1], y[:-1]])


def _cubic_slopes(x: Any, y: Any, bc: Any) -> Any:
    """Solve for the slopes of a cubic spline at its knots, with SciPy's conditions at the ends."""
    n = np.shape(x)[0]
    h = np.diff(x)
    slope = np.diff(y, axis=0) / wide(h, y)
    if isinstance(bc, str):
        bc = (bc, bc)
    bc = [{"clamped": (1, 0.0), "natural": (2, 0.0)}.get(b, b) if isinstance(b, str) else b for b in bc]
    zero = 0.0 * h[0]

    def row(entries: dict[int, Any], size: int) -> Any:
        return np.stack([entries.get(k, 0.0) + zero for k in range(size)])

    if bc[0] == "periodic":
        m = n - 1
        entries: list[dict[int, Any]] = [{} for _ in range(m)]
        for i in range(m):
            for k, value in ((i - 1, h[i]), (i, 2 * (h[i - 1] + h[i])), ((i + 1), h[i - 1])):
                entries[i][k % m] = entries[i].get(k % m, 0.0) + value
        right = [3 * (h[i] * slope[i - 1] + h[i - 1] * slope[i]) for i in range(m)]
        s = _solved([row(e, m) for e in entries], right)
        return np.concatenate([s, s[:1]])
    if n == 2:
        bc = [(1, slope[0]) if b == "not-a-knot" else b for b in bc]
    rows, right = [], []
    for i in range(1, n - 1):
        rows.append(row({i - 1: h[i], i: 2 * (h[i - 1] + h[i]), i + 1: h[i - 1]}, n))
        right.append(3 * (h[i] * slope[i - 1] + h[i - 1] * slope[i]))
    for end, b in enumerate(bc):
        at, by, near, far = (0, 1, 0, 1) if end == 0 else (n - 1, n - 2, -1, -2)
        if b == "not-a-knot" and n == 3 and bc[0] == bc[1]:
            made, value = {at: 1.0, by: 1.0}, 2 * slope[near]
        elif b == "not-a-knot":
            d = h[near] + h[far]
            made = {at: h[far], by: d}
            value = ((h[near] + 2 * d) * h[far] * slope[near] + h[near] ** 2 * slope[far]) / d
        elif b[0] == 1:
            made, value = {at: 1.0}, b[1] + 0.0 * slope[0]
        else:
            made = {at: 2 * h[near], by: h[near]}
            value = (1 if end else -1) * 0.5 * b[1] * h[near] ** 2 + 3 * slope[near] * h[near]
        rows.insert(0 if end == 0 else n, row(made, n))
        right.insert(0 if end == 0 else n, value)
    return _solved(rows, right)


def _solved(rows: Any, right: Any) -> Any:
    b = np.stack(right)
    return np.reshape(np.linalg.solve(np.stack(rows), np.reshape(b, (np.shape(b)[0], -1))), np.shape(b))


def _pchip_end(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    wrong = np.sign(raw(d)) != np.sign(raw(m0))
    steep = (np.sign(raw(m0)) != np.sign(raw(m1))) & (np.abs(raw(d)) > 3.0 * np.abs(raw(m0)))
    return np.where(wrong, 0.0, np.where(steep, 3.0 * m0, d))


def _pchip_slopes(x: Any, y: Any) -> Any:
    h = wide(np.diff(x), y)
    m = np.diff(y, axis=0) / h
    if np.shape(y)[0] == 2:
        return np.concatenate([m, m])
    flat = (np.sign(raw(m[1:])) != np.sign(raw(m[:-1]))) | (raw(m[1:]) == 0) | (raw(m[:-1]) == 0)
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    before, after = np.where(flat, 1.0, m[:-1]), np.where(flat, 1.0, m[1:])
    inner = np.where(flat, 0.0, (w1 + w2) / (w1 / before + w2 / after))
    ends = [_pchip_end(h[0], h[1], m[0], m[1]), _pchip_end(h[-1], h[-2], m[-1], m[-2])]
    return np.concatenate([ends[0][None], inner, ends[1][None]])


def _akima_slopes(x: Any, y: Any, method: str) -> Any:
    m = np.diff(y, axis=0) / wide(np.diff(x), y)
    first = 2 * m[0] - m[1] if np.shape(m)[0] > 1 else m[0]
    last = 2 * m[-1] - m[-2] if np.shape(m)[0] > 1 else m[0]
    m = np.concatenate([(2 * first - m[0])[None], first[None], m, last[None], (2 * last - m[-1])[None]])
    change = np.abs(np.diff(m, axis=0))
    if method == "makima":
        change = change + 0.5 * np.abs(m[1:] + m[:-1])
    f1, f2 = change[2:], change[:-2]
    both = f1 + f2
    some = raw(both) > 1e-9 * np.max(raw(both), initial=-np.inf)
    weighed = m[1:-2] + np.where(some, f2, 0.0) / np.where(some, both, 1.0) * (m[2:-1] - m[1:-2])
    return np.where(some, weighed, 0.5 * (m[3:] + m[:-3]))


def _pieces(kind: Any, slopes: Any) -> None:
    def made(x: Any, y: Any, axis: Any = 0, *rest: Any, **options: Any) -> Any:
        own = kind(raws(x), raws(y), axis, *raws(rest), **raws(options))
        x, y = as_array(x), np.moveaxis(as_array(y) + 0.0, axis, 0)
        return Made(own, c=_hermite(x, y, slopes(x, y, *rest, **options)), x=x)

    made.__name__ = kind.__name__
    follows(interpolate)(made)


_pieces(interpolate.CubicSpline, lambda x, y, bc_type="not-a-knot", extrapolate=None: _cubic_slopes(x, y, bc_type))
_pieces(interpolate.PchipInterpolator, lambda x, y, extrapolate=None: _pchip_slopes(x, y))
_pieces(interpolate.Akima1DInterpolator,
        lambda x, y, *, method="akima", extrapolate=None: _akima_slopes(x, y, method))  # fmt: skip


@follows(interpolate)
def CubicHermiteSpline(x: Any, y: Any, dydx: Any, axis: Any = 0, extrapolate: Any = None) -> Any:
    own = interpolate.CubicHermiteSpline(raws(x), raws(y), raws(dydx), axis, extrapolate)
    x, y, s = as_array(x), np.moveaxis(as_array(y), axis, 0), np.moveaxis(as_array(dydx), axis, 0)
    return Made(own, c=_hermite(x, y, s), x=x)


@follows(interpolate)
def PPoly(c: Any, x: Any, extrapolate: Any = None, axis: Any = 0) -> Any:
    if axis:
        raise no_derivative(f"{HOME}.PPoly", mark("with axis"))
    return Made(interpolate.PPoly(raws(c), raws(x), extrapolate, axis), c=as_array(c), x=as_array(x))


@composes(interpolate)
def pchip_interpolate(xi: Any, yi: Any, x: Any, der: Any = 0, axis: Any = 0) -> Any:
    xi, yi, at = as_array(xi), np.moveaxis(as_array(yi), axis, 0), as_array(x)
    return on_axis(_evaluated(_hermite(xi, yi, _pchip_slopes(xi, yi)), xi, at, der, None), at, axis)
