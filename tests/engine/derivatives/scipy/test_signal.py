"""scipy.signal: convolutions and filters, by signal and coefficients."""

from __future__ import annotations

import numpy as np
import pytest

import gradmagic as gm

signal = pytest.importorskip("scipy.signal")

from gradmagic import errors  # noqa: E402

from .helpers import checked  # noqa: E402

rng = np.random.default_rng(0)
x, k, zi = rng.normal(size=30), rng.normal(size=4), rng.normal(size=3)
X, K, Y = rng.normal(size=(5, 6)), rng.normal(size=(3, 2)), rng.normal(size=(3, 40))
b, a = signal.butter(3, 0.3)
sos = signal.butter(4, 0.3, output="sos")

MODES = ["full", "same", "valid"]


@pytest.mark.parametrize("mode", MODES)
def test_convolutions(mode: str) -> None:
    checked(lambda u, v: signal.convolve(u, v, mode), x, k, order=2)
    checked(lambda u, v: signal.correlate(u, v, mode), x, k, order=2)
    for u, v in ((X, K), (K, X)):
        checked(lambda u, v: signal.convolve(u, v, mode), u, v)
        checked(lambda u, v: signal.correlate(u, v, mode), u, v)
    checked(lambda u, v: signal.fftconvolve(u, v, mode), X, K)
    checked(lambda u, v: signal.fftconvolve(u, v, mode, axes=1), X, K[:1])
    checked(lambda u, v: signal.oaconvolve(u, v, mode), X, K)
    checked(lambda u: signal.convolve(u, [1.0, 2.0], mode, "direct"), x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
def test_convolutions_in_two_dimensions(mode: str, boundary: str) -> None:
    checked(lambda u, v: signal.convolve2d(u, v, mode, boundary, 0.5), X, K)
    checked(lambda u, v: signal.correlate2d(u, v, mode, boundary), X, K)


def test_complex_signals() -> None:
    u, v = x[:9] + 1j * x[9:18], k + 1j * x[20:24]
    for call in (
        lambda u, v: signal.convolve(u, v),
        lambda u, v: signal.correlate(u, v),
        lambda u, v: signal.lfilter(v, a, u),
    ):
        gm.check_grads(lambda u, v, call=call: np.sum(np.abs(call(u, v)) ** 2), (u, v), order=1)


def test_recursive_filters() -> None:
    checked(lambda b, a, x: signal.lfilter(b, a, x), b, a * 2, x, order=2)
    checked(lambda x: signal.lfilter(b, a, x, axis=0), X)
    checked(lambda b, a, x, z: signal.lfilter(b, a, x, zi=z), b, a * 2, x, zi)
    checked(lambda x, z: signal.lfilter(b, a, x, zi=z), x[:2], zi)
    checked(lambda b, x: signal.lfilter(b, 1.0, x), k, x)


def test_sections_of_second_order() -> None:
    def whole(free: object) -> object:
        return np.concatenate([free, sos[:, 3:4], sos[:, 4:]], axis=1)

    checked(lambda s, x: signal.sosfilt(whole(s), x), sos[:, :3], Y)
    checked(lambda x, z: signal.sosfilt(sos, x, zi=z), x, rng.normal(size=(2, 2)))
    checked(lambda x: signal.sosfiltfilt(sos, x), Y)


@pytest.mark.parametrize("padtype", ["odd", "even", "constant", None])
def test_filters_both_ways(padtype: object) -> None:
    checked(lambda x: signal.filtfilt(b, a, x, padtype=padtype), Y)
    checked(lambda x: signal.filtfilt(b, a, x, axis=0, padtype=padtype, padlen=2 if padtype else None), X)


@pytest.mark.parametrize("mode", ["interp", "mirror", "nearest", "wrap", "constant"])
def test_savgol_filter(mode: str) -> None:
    checked(lambda x: signal.savgol_filter(x, 5, 2, mode=mode, cval=0.3), Y)
    checked(lambda x: signal.savgol_filter(x, 6, 2, deriv=1, delta=0.1, axis=0, mode=mode), Y.T)


def test_hilbert_detrend_upfirdn() -> None:
    checked(lambda x: signal.hilbert(x), x)
    checked(lambda x: signal.hilbert(x, N=8, axis=0), X)
    checked(lambda x: signal.detrend(x), Y)
    checked(lambda x: signal.detrend(x, type="constant", axis=0), Y)
    checked(lambda x: signal.detrend(x, bp=[7, 20]), Y)
    checked(lambda h, x: signal.upfirdn(h, x, 3, 2), k, Y)


def test_what_has_no_derivative_says_so() -> None:
    with pytest.raises(errors.ArgumentError, match=r"filtfilt has no derivative .*by b and a.*gm.numeric"):
        gm.grad(lambda b: np.sum(signal.filtfilt(b, a, x)))(b)
    with pytest.raises(errors.ConversionError, match=r"signal\.medfilt.*gm\.numeric"):
        gm.grad(lambda x: np.sum(signal.medfilt(x, 3)))(x)
