"""scipy.ndimage: filters in every boundary mode, ranks, interpolation, sums over labels."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as gm

ndimage = pytest.importorskip("scipy.ndimage")

from gradmagic import errors  # noqa: E402

from .helpers import checked  # noqa: E402

rng = np.random.default_rng(1)
X, K, k, Y = rng.normal(size=(5, 6)), rng.normal(size=(3, 2)), rng.normal(size=4), rng.normal(size=(3, 9))
MODES = ["reflect", "mirror", "nearest", "wrap", "constant"]


@pytest.mark.parametrize("mode", MODES)
def test_correlations(mode: str) -> None:
    checked(lambda x, w: ndimage.correlate1d(x, w, mode=mode, cval=0.7), Y, k, order=2)
    checked(lambda x, w: ndimage.convolve1d(x, w, axis=0, mode=mode, origin=1), X, k)
    checked(lambda x, w: ndimage.correlate(x, w, mode=mode, origin=(0, -1)), X, K)
    checked(lambda x, w: ndimage.convolve(x, w, mode=mode, origin=(1, 0)), X, K)


@pytest.mark.parametrize("mode", MODES)
def test_filters(mode: str) -> None:
    checked(lambda x: ndimage.uniform_filter(x, (4, 3), mode=[mode, "wrap"], cval=0.2), X)
    checked(lambda x, s: ndimage.gaussian_filter(x, s, mode=mode), X, 0.8)
    checked(lambda x: ndimage.sobel(x, axis=0, mode=mode), X)
    checked(lambda x: ndimage.prewitt(x, mode=mode), X)
    checked(lambda x: ndimage.laplace(x, mode=mode), X)


@pytest.mark.parametrize("mode", MODES)
def test_ranks(mode: str) -> None:
    checked(lambda x: ndimage.maximum_filter(x, 3, mode=mode), X)
    checked(lambda x: ndimage.minimum_filter(x, (2, 3), mode=mode), X)
    checked(lambda x: ndimage.median_filter(x, (3, 2), mode=mode), X)
    checked(lambda x: ndimage.maximum_filter(x, footprint=[[1, 0], [1, 1]], mode=mode, origin=(-1, 0)), X)


@pytest.mark.parametrize("order", range(4))
def test_gaussian_by_sigma_too(order: int) -> None:
    checked(lambda x, s: ndimage.gaussian_filter1d(x, s, order=order), X, 1.1, order=2 if order < 2 else 1)


def test_combined_filters() -> None:
    checked(lambda x: ndimage.uniform_filter1d(x, 4), X)
    checked(lambda x: ndimage.gaussian_filter(x, (1, 0.5), order=(0, 1), axes=(1, 0)), X)
    checked(lambda x, s: ndimage.gaussian_laplace(x, s), X, 0.9)
    checked(lambda x, s: ndimage.gaussian_gradient_magnitude(x, s), X, 0.9)


@pytest.mark.filterwarnings("ignore::gradmagic.errors.NotDifferentiableWarning")
@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("mode", ["constant", "nearest", "mirror"])
def test_interpolation(order: int, mode: str) -> None:
    wide, inside = rng.uniform(-3.1, 7.9, size=(2, 7)), rng.uniform(0.1, 3.9, size=(2, 7))
    checked(lambda x, c: ndimage.map_coordinates(x, c, order=order, mode=mode, cval=0.4), X, wide)
    checked(lambda x, c: ndimage.map_coordinates(x, c, order=order, mode=mode, prefilter=False), X, inside)
    checked(lambda x, s: ndimage.shift(x, s, order=order, mode=mode), X, np.array([0.3, -1.2]))


@pytest.mark.filterwarnings("ignore::gradmagic.errors.NotDifferentiableWarning")
def test_affine_maps() -> None:
    matrix, offset = np.array([[0.9, 0.1], [-0.2, 0.8]]), np.array([0.95, 0.2])
    checked(lambda x, m, o: ndimage.affine_transform(x, m, o, mode="nearest"), X, matrix, offset)
    checked(
        lambda x, d: ndimage.affine_transform(x, d, order=1, output_shape=(3, 4)), X, np.array([0.9, 1.1])
    )


def test_sums_over_labels() -> None:
    labels = np.arange(30).reshape(5, 6) % 3
    checked(lambda x: ndimage.sum_labels(x, labels, [0, 1, 2]), X)
    checked(lambda x: ndimage.mean(x, labels, [0, 1]), X)
    checked(lambda x: ndimage.mean(x, labels), X)
    checked(lambda x: ndimage.sum(x), X)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ndimage.gaussian_filter(x, 1.0, output=np.zeros((5, 6))),
        lambda x: ndimage.map_coordinates(x, [[1.0], [2.0]], order=5),
        lambda x: ndimage.map_coordinates(x, [[1.0], [2.0]], mode="grid-wrap"),
    ],
)
def test_what_has_no_derivative_says_so(call: object) -> None:
    with pytest.raises(errors.ArgumentError, match=r"scipy\.ndimage\..* has no derivative .*gm\.numeric"):
        gm.grad(lambda x: np.sum(call(x)))(X)
