"""scipy.interpolate: splines and grids, by the data and by the points that are asked for."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as gm

interpolate = pytest.importorskip("scipy.interpolate")

from gradmagic import errors  # noqa: E402

from .helpers import checked  # noqa: E402

rng = np.random.default_rng(2)
xs, ys, YS = np.sort(rng.uniform(0, 5, 9)), rng.normal(size=9), rng.normal(size=(9, 2))
q = rng.uniform(xs[0] + 0.01, xs[-1] - 0.01, size=(2, 3))
beyond = np.append(q.ravel(), [-0.5, 6.0])


@pytest.mark.parametrize(
    "bc", ["not-a-knot", "natural", "clamped", ((1, 0.3), (2, 0.4)), ("natural", "not-a-knot")], ids=str
)
def test_cubic_spline_by_knots_data_and_points(bc: object) -> None:
    checked(lambda x, y, t: interpolate.CubicSpline(x, y, bc_type=bc)(t), xs, ys, beyond)
    checked(lambda y, t: interpolate.CubicSpline(xs, y, bc_type=bc)(t, 1), ys, q)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_cubic_splines_of_few_points(n: int) -> None:
    checked(lambda x, y, t: interpolate.CubicSpline(x, y)(t), xs[:n], ys[:n], q)


def test_cubic_spline_periodic_along_an_axis_and_second_order() -> None:
    closed = lambda y: np.concatenate([y, y[:1]])
    checked(lambda y, t: interpolate.CubicSpline(xs, closed(y), bc_type="periodic")(t), ys[:-1], beyond)
    checked(lambda y, t: interpolate.CubicSpline(xs, y, axis=1)(t), YS.T, q, order=2)
    checked(lambda y, t: np.nan_to_num(interpolate.CubicSpline(xs, y, extrapolate=False)(t)), ys, beyond)


def test_what_is_made_of_a_spline() -> None:
    checked(lambda y, t: interpolate.CubicSpline(xs, y).derivative()(t), YS, q)
    checked(lambda y, t: interpolate.CubicSpline(xs, y).antiderivative()(t), YS, q)
    checked(lambda y, a, b: interpolate.CubicSpline(xs, y).integrate(a, b), YS, 1.0, 2.0)


def test_objects_of_plain_values_are_followed_by_their_points() -> None:
    for spline in (
        interpolate.CubicSpline(xs, YS), interpolate.PchipInterpolator(xs, ys), interpolate.make_interp_spline(xs, YS),
        interpolate.Akima1DInterpolator(xs, ys), interpolate.interp1d(xs, YS, axis=0),
        interpolate.interp1d(xs, YS, axis=0, kind="cubic"), interpolate.interp1d(xs, ys, kind="previous"),
    ):  # fmt: skip
        checked(lambda t, spline=spline: spline(t), q)
    cubic = interpolate.CubicSpline(xs, YS)
    checked(lambda a: cubic.integrate(0.5, a), 2.0)


def test_other_pieces() -> None:
    rising = np.cumsum(ys**2)
    checked(lambda x, y, t: interpolate.PchipInterpolator(x, y)(t), xs, ys, beyond)
    checked(lambda x, y, t: interpolate.PchipInterpolator(x, y)(t), xs, rising, q)
    checked(lambda x, y, t: interpolate.pchip_interpolate(x, y, t), xs, YS, q)
    checked(lambda x, y, t: interpolate.Akima1DInterpolator(x, y)(t), xs, ys, q)
    checked(lambda x, y, s, t: interpolate.CubicHermiteSpline(x, y, s)(t), xs, YS, YS * 2, q)
    checked(lambda c, x, t: interpolate.PPoly(c, x)(t), rng.normal(size=(3, 8)), xs, q)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_b_splines(k: int) -> None:
    checked(lambda y, t: interpolate.make_interp_spline(xs, y, k)(t), YS, q)
    spline = interpolate.make_interp_spline(xs, ys, k)
    checked(lambda c, t: interpolate.BSpline(spline.t, c, k)(t), spline.c, q)
    checked(lambda t: interpolate.splev(t, interpolate.splrep(xs, ys, k=k)), q.ravel())


def test_natural_b_spline_along_an_axis() -> None:
    checked(lambda y, t: interpolate.make_interp_spline(xs, y, bc_type="natural", axis=1)(t), YS.T, beyond)


@pytest.mark.parametrize("kind", ["linear", "cubic", "quadratic", "slinear", "nearest", "previous", "next"])
def test_interp1d(kind: str) -> None:
    checked(lambda y, t: interpolate.interp1d(xs, y, kind=kind)(t), YS.T, q)


def test_interp1d_beyond_its_ends_and_by_its_knots() -> None:
    checked(lambda x, y, t: interpolate.interp1d(x[::-1], y)(t), xs, ys, q)
    checked(lambda y, t: interpolate.interp1d(xs, y, fill_value="extrapolate")(t), ys, beyond)
    checked(
        lambda y, t: interpolate.interp1d(xs, y, bounds_error=False, fill_value=(1.0, 2.0))(t), ys, beyond
    )


@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_grids(method: str) -> None:
    grid, values = (np.arange(5.0), np.arange(6.0) * 0.5), rng.normal(size=(5, 6))
    points = np.stack([rng.uniform(0, 4, 7), rng.uniform(0, 2.5, 7)], axis=1)
    checked(lambda v, p: interpolate.RegularGridInterpolator(grid, v, method=method)(p), values, points)
    checked(lambda v, p: interpolate.interpn(grid, v, p, method=method), values, points)
    plain = interpolate.RegularGridInterpolator(grid, values, method=method)
    checked(lambda p: plain(p), points)
    places, data = rng.uniform(0, 1, size=(20, 2)), rng.normal(size=20)
    inside = rng.uniform(0.3, 0.7, size=(5, 2))
    checked(lambda v, p: np.nan_to_num(interpolate.griddata(places, v, p, method=method)), data, inside)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: interpolate.make_interp_spline(x, ys)(1.0),
        lambda x: interpolate.griddata(np.stack([x, np.sin(x * 3)], axis=1), ys, (2.0, 0.1)),
        lambda x: interpolate.CubicSpline(xs, x).roots()[0],
        lambda x: interpolate.BarycentricInterpolator(xs)(x),
    ],
)
def test_what_has_no_derivative_says_so(call: object) -> None:
    with pytest.raises(errors.ArgumentError, match=r"scipy\.interpolate\..* has no derivative .*gm\.numeric"):
        gm.grad(lambda x: np.sum(call(x)))(xs)
