"""Derivatives of scipy.interpolate: by the data, and by the points that are asked for.

A spline that is made of tracked values is a `Made` with tracked coefficients: piecewise polynomials (piecewise.py) with
those of their pieces; B-splines with SciPy's own linear map from the data. Values are SciPy's own. Loaded where
scipy.interpolate is.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import interpolate
from scipy.spatial import Delaunay, cKDTree

from ....language import mark
from ...dispatch.calls import primitive
from ...tape.tracked import raw, raws, tracked_in
from ..objects import Made, as_array, follows_methods, real
from ..ordered import composes, follows, no_derivative, ordered
from .piecewise import HOME, on_axis, wide

# ---- B-splines -------------------------------------------------------------------------------------------------------


@primitive
def basis(x: Any, t: Any, k: int, nu: int, extrapolate: Any) -> Any:
    """Give the B-splines over the knots t at x, whose last axis has length 1: one entry for each in its place."""
    number = len(t) - k - 1
    return interpolate.BSpline(t, np.eye(number), k, extrapolate)(x[..., 0], nu)


ordered(basis, lambda _y, x, t, k, nu, extrapolate: basis(x, t, k, nu + 1, extrapolate), None, None, None, None,
        home=HOME)  # fmt: skip


@follows_methods(interpolate.BSpline, "__call__", home=HOME)
def evaluate_spline(name: str, self: Any, x: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
    own, at = real(self), as_array(x)
    extrapolate = own.extrapolate if extrapolate is None else extrapolate
    number = len(own.t) - own.k - 1
    c = self.c[:number]
    made = np.tensordot(basis(np.reshape(at, (*np.shape(at), 1)) + 0.0, own.t, own.k, int(nu), extrapolate), c, 1)
    return on_axis(made, at, own.axis)


@follows(interpolate)
def BSpline(t: Any, c: Any, k: Any, extrapolate: Any = True, axis: Any = 0) -> Any:
    if tracked_in([t]):
        raise no_derivative(f"{HOME}.BSpline", mark("by its knots"))
    own = interpolate.BSpline(t, raws(c), k, extrapolate, axis)
    return Made(own, c=np.moveaxis(as_array(c), axis, 0))


def _spline_of(x: Any, y: Any, k: int, t: Any = None, bc_type: Any = None, axis: int = 0) -> Any:
    if tracked_in([x, t]):
        raise no_derivative(f"{HOME}.make_interp_spline", mark("by x, which places its knots"))
    if bc_type not in (None, "not-a-knot", "natural", "clamped"):
        raise no_derivative(f"{HOME}.make_interp_spline", mark("with bc_type={bc_type!r}"), bc_type=bc_type)
    settings = {"t": t, "bc_type": bc_type}
    own = interpolate.make_interp_spline(x, raws(y), k, axis=axis, **settings)
    to_c = interpolate.make_interp_spline(x, np.eye(len(x)), k, **settings).c
    return Made(own, c=np.tensordot(to_c, np.moveaxis(as_array(y), axis, 0), 1))


@follows(interpolate)
def make_interp_spline(x: Any, y: Any, k: Any = 3, t: Any = None, bc_type: Any = None, axis: Any = 0) -> Any:
    return _spline_of(x, y, k, t, bc_type, axis)


# ---- interp1d --------------------------------------------------------------------------------------------------------
_ORDERS = {"slinear": 1, "quadratic": 2, "cubic": 3}


@follows(interpolate)
def interp1d(x: Any, y: Any, kind: Any = "linear", axis: Any = -1, copy: Any = True, bounds_error: Any = None,
             fill_value: Any = np.nan, assume_sorted: Any = False) -> Any:  # fmt: skip
    if tracked_in([fill_value]):
        raise no_derivative(f"{HOME}.interp1d", mark("by fill_value"))
    own = interpolate.interp1d(raws(x), raws(y), kind, axis, copy, bounds_error, fill_value, assume_sorted)
    x, y = as_array(x), as_array(y)
    if not assume_sorted:
        order = np.argsort(raw(x), kind="mergesort")
        x, y = x[order], np.take(y, order, axis=axis)
    return Made(own, x=x, y=y, order=_ORDERS.get(kind, kind))


@follows_methods(interpolate.interp1d, "__call__", home=HOME)
def evaluate_interp1d(name: str, self: Any, x: Any) -> Any:
    own, at = real(self), as_array(x) + 0.0
    axis = own.axis % np.ndim(self.y)
    y = np.moveaxis(self.y, axis, 0)
    # `_kind`: SciPy keeps it for itself, and says "spline" of several.
    order = self.order if type(self) is Made else getattr(own, "_kind", "linear")
    knots = raw(self.x)
    if order == "spline":
        made = evaluate_spline(name, own._spline, at)
        made = np.reshape(made, np.shape(at) + np.shape(y)[1:])
    elif isinstance(order, int) and order > 0:
        spline = _spline_of(self.x, y, order)
        made = evaluate_spline(name, spline, at)
    elif order == "linear":
        i = np.clip(np.searchsorted(knots, raw(at)), 1, len(knots) - 1)
        low, high = self.x[i - 1], self.x[i]
        slope = (y[i] - y[i - 1]) / wide(high - low, y[i])
        made = slope * wide(at - low, slope) + y[i - 1]
    else:  # steps: which entry it is, SciPy says
        places = interpolate.interp1d(knots, np.arange(float(len(knots))), order, fill_value="extrapolate")
        made = y[places(raw(at)).astype(int)]
    fill = own.fill_value
    if not isinstance(fill, str):
        below, above = fill if isinstance(fill, tuple) and len(fill) == 2 else (fill, fill)
        made = np.where(wide(raw(at) < knots[0], made), below, made)
        made = np.where(wide(raw(at) > knots[-1], made), above, made)
    return on_axis(made, at, axis)


# ---- in several dimensions -------------------------------------------------------------------------------------------


def _points(xi: Any) -> Any:
    """Give points as rows, out of a tuple of coordinates or an array."""
    if isinstance(xi, tuple):
        xi = np.stack(np.broadcast_arrays(*(as_array(v) + 0.0 for v in xi)), axis=-1)
    return as_array(xi) + 0.0


def _on_a_grid(grid: Any, values: Any, xi: Any, method: str, fill: Any) -> Any:
    """Interpolate linearly, or take the nearest, on a rectangular grid; outside it is `fill`, unless that is None."""
    at = _points(xi)
    number = len(grid)
    if np.ndim(at) == 1 and number > 1:
        at = at[None]
    elif np.shape(at)[-1:] != (number,):
        at = at[..., None]
    where, shares, outside = [], [], np.zeros(np.shape(at)[:-1], bool)
    for k, knots in enumerate(grid):
        c = at[..., k]
        i = np.clip(np.searchsorted(raw(knots), raw(c), "right") - 1, 0, len(knots) - 2)
        where.append(i)
        shares.append((c - knots[i]) / (knots[i + 1] - knots[i]))
        outside = outside | (raw(c) < raw(knots[0])) | (raw(c) > raw(knots[-1]))
    if method == "nearest":
        made = values[tuple(np.where(raw(s) <= 0.5, i, i + 1) for i, s in zip(where, shares, strict=True))]
    else:
        made = 0.0
        for corner in itertools.product((0, 1), repeat=number):
            entry = values[tuple(i + e for i, e in zip(where, corner, strict=True))]
            for s, e in zip(shares, corner, strict=True):
                entry = entry * wide(s if e else 1 - s, entry)
            made = made + entry
    return made if fill is None else np.where(wide(outside, made), fill, made)


@follows(interpolate)
def RegularGridInterpolator(points: Any, values: Any, method: Any = "linear", bounds_error: Any = True,
                            fill_value: Any = np.nan) -> Any:  # fmt: skip
    own = interpolate.RegularGridInterpolator(raws(points), raws(values), method, bounds_error, fill_value)
    return Made(own, grid=tuple(map(as_array, points)), values=as_array(values))


@follows_methods(interpolate.RegularGridInterpolator, "__call__", home=HOME)
def evaluate_grid(name: str, self: Any, xi: Any, method: Any = None) -> Any:
    own = real(self)
    method = own.method if method is None else method
    if method not in ("linear", "nearest"):
        raise no_derivative(f"{HOME}.RegularGridInterpolator", mark("with method={method!r}"), method=method)
    return _on_a_grid(self.grid, self.values, xi, method, own.fill_value)


@composes(interpolate)
def interpn(points: Any, values: Any, xi: Any, method: Any = "linear", bounds_error: Any = True,
            fill_value: Any = np.nan) -> Any:  # fmt: skip
    if method not in ("linear", "nearest"):
        raise no_derivative(f"{HOME}.interpn", mark("with method={method!r}"), method=method)
    return _on_a_grid(list(map(as_array, points)), as_array(values), xi, method, fill_value)


def _barycentric(triangles: Any, values: Any, xi: Any, fill: Any) -> Any:
    """Interpolate linearly over the triangles that SciPy has found."""
    at, number = _points(xi), triangles.ndim
    simplex = triangles.find_simplex(raw(at))
    turn = triangles.transform[simplex]
    first = np.sum(turn[..., :number, :] * (at - turn[..., number, :])[..., None, :], axis=-1)
    shares = np.concatenate([first, 1 - np.sum(first, axis=-1, keepdims=True)], axis=-1)
    corners = values[triangles.simplices[simplex]]
    made = np.sum(np.reshape(shares, np.shape(shares) + (1,) * (np.ndim(values) - 1)) * corners, axis=np.ndim(at) - 1)
    return np.where(wide(simplex < 0, made), fill, made)


@composes(interpolate)
def griddata(points: Any, values: Any, xi: Any, method: Any = "linear", fill_value: Any = np.nan,
             rescale: Any = False) -> Any:  # fmt: skip
    places = as_array(points) if not isinstance(points, tuple) else _points(points)
    if tracked_in([places]) or rescale or method == "cubic" or np.ndim(places) < 2 or np.shape(places)[-1] == 1:
        why = mark("but by values and xi, in two dimensions or more, linear or nearest")
        raise no_derivative(f"{HOME}.griddata", why)
    if method == "nearest":
        return as_array(values)[cKDTree(places).query(raw(_points(xi)))[1]]
    return _barycentric(Delaunay(places), as_array(values), xi, fill_value)


# ---- FITPACK's functions ---------------------------------------------------------------------------------------------


@composes(interpolate)
def splev(x: Any, tck: Any, der: Any = 0, ext: Any = 0) -> Any:
    t, c, k = (tck.t, tck.c, tck.k) if isinstance(tck, interpolate.BSpline) else tck
    if tracked_in([t]) or ext != 0 or isinstance(c, (list, tuple)):
        raise no_derivative(f"{HOME}.splev", mark("but by x and coefficients, with ext=0"))
    at, number = as_array(x) + 0.0, len(t) - k - 1
    return np.tensordot(basis(np.reshape(at, (*np.shape(at), 1)), t, k, der, True), c[:number], 1)
