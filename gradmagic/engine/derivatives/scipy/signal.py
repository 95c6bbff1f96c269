"""Derivatives of scipy.signal: convolutions and filters by signal and coefficients, from one bilinear map.

In: `FOLLOWED["scipy.signal"]`. A convolution's transpose is a correlation; a recursive filter's is the same filter over
the signal from its end. Values are SciPy's own. Loaded where scipy.signal is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from scipy import signal

from ....language import mark
from ...dispatch.calls import primitive
from ...rules.declare import rule
from ...tape.tracked import raw, tracked_in
from ..objects import as_array
from ..ordered import composes, follows, no_derivative

# ---- convolutions: bilinear ----------------------------------------------------------------------------------------


@primitive
def convolution(a: Any, b: Any, mode: str = "full", method: str = "auto") -> Any:
    return signal.convolve(a, b, mode, method)


def _full(g: Any, n: Any, m: Any, mode: str) -> Any:
    """Give a cotangent its place in that of the full convolution of arrays of shapes n and m."""
    widths = []
    for size, i, j in zip(np.shape(g), n, m, strict=True):
        before = (i + j - 1 - size) // 2  # `same`, and `valid`, are its middle
        widths.append((before, i + j - 1 - size - before))
    return g if mode == "full" else np.pad(g, widths)


def _correlated(g: Any, by: Any, of: Any, mode: str, method: str) -> Any:
    c = convolution(_full(g, np.shape(of), np.shape(by), mode), np.conj(np.flip(by)), "valid", method)
    return c if np.iscomplexobj(of) else np.real(c)


rule(convolution, lambda g, _y, a, b, mode="full", method="auto": _correlated(g, b, a, mode, method),
                  lambda g, _y, a, b, mode="full", method="auto": _correlated(g, a, b, mode, method),
     multilinear=True, torch="Convolution")


@follows(signal)
def convolve(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    in1, in2 = as_array(in1), as_array(in2)
    if np.ndim(in1) == np.ndim(in2) == 0:
        return in1 * in2
    return convolution(in1, in2, mode, method)


@composes(signal)
def correlate(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    return convolve(in1, np.conj(np.flip(as_array(in2))), mode, method)


def _cropped(y: Any, n: Any, m: Any, mode: str, axes: Any, later: int = 0) -> Any:
    """Give the part of a full convolution that a mode asks for; of one of even sizes the `later` middle."""
    for axis in axes if mode != "full" else ():
        i, j = n[axis], m[axis]
        size = i if mode == "same" else abs(i - j) + 1
        start = (i + j - 1 - size + later) // 2
        y = y[(slice(None),) * axis + (slice(start, start + size),)]
    return y


def _by_fourier(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    in1, in2 = as_array(in1), as_array(in2)
    n, m = np.shape(in1), np.shape(in2)
    axes = range(len(n)) if axes is None else [a % len(n) for a in np.atleast_1d(axes)]
    sizes = [n[a] + m[a] - 1 for a in axes]
    y = np.fft.ifftn(np.fft.fftn(in1, sizes, axes) * np.fft.fftn(in2, sizes, axes), sizes, axes)
    y = y if np.iscomplexobj(in1) or np.iscomplexobj(in2) else np.real(y)
    return _cropped(y, n, m, mode, axes)


@composes(signal)
def fftconvolve(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    return convolve(in1, in2, mode) if axes is None and np.ndim(in1) else _by_fourier(in1, in2, mode, axes)


@composes(signal)
def oaconvolve(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    return fftconvolve(in1, in2, mode, axes)


# Of SciPy's ways to continue an array: NumPy's names.
_WAYS = {"fill": "constant", "symm": "symmetric", "reflect": "symmetric", "grid-mirror": "symmetric",
         "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "grid-wrap": "wrap", "constant": "constant",
         "grid-constant": "constant"}  # fmt: skip


def continued(x: Any, widths: Any, mode: str, cval: Any) -> Any:
    """Continue an array beyond its ends, in one of SciPy's ways."""
    pad: Any = np.pad
    way = _WAYS[mode]
    return pad(x, widths, mode=way, **({"constant_values": cval} if way == "constant" else {}))


def _in_two(in1: Any, in2: Any, mode: Any, boundary: Any, fillvalue: Any, later: int) -> Any:
    n, m = np.shape(in1), np.shape(in2)
    if mode == "valid":
        return convolution(in1, in2, mode)
    wide = continued(in1, [(j - 1, j - 1) for j in m], boundary, fillvalue)
    return _cropped(convolution(wide, in2, "valid"), n, m, mode, (0, 1), later)


@composes(signal)
def convolve2d(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    return _in_two(as_array(in1), as_array(in2), mode, boundary, fillvalue, 0)


@composes(signal)
def correlate2d(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    return _in_two(as_array(in1), np.conj(np.flip(as_array(in2))), mode, boundary, fillvalue, 1)


# ---- filters along an axis -----------------------------------------------------------------------------------------


@primitive
def recursion(b: Any, a: Any, x: Any) -> Any:
    """Solve A y = B x along the last axis, from rest."""
    return signal.lfilter(b, a, x)


def _backwards(b: Any, a: Any, g: Any) -> Any:
    """The transpose of a filter: the same filter from the end."""
    return recursion(np.conj(b), np.conj(a), g[..., ::-1])[..., ::-1]


def _lags(g: Any, u: Any, like: Any) -> Any:
    """Give sum g[n] conj(u[n - k]) for each coefficient k."""
    size = np.shape(u)[-1]
    parts = [
        np.sum(g[..., k:] * np.conj(u[..., : size - k])) if k < size else 0.0 * np.sum(g)
        for k in range(np.shape(like)[0])
    ]
    made = np.stack(parts)
    return made if np.iscomplexobj(like) else np.real(made)


def _recursion_b(g: Any, y: Any, b: Any, a: Any, x: Any) -> Any:
    return _lags(g, recursion(np.ones(1), a, x), b)


def _recursion_a(g: Any, y: Any, b: Any, a: Any, x: Any) -> Any:
    return -_lags(g, recursion(np.ones(1), a, y), a)


def _recursion_x(g: Any, y: Any, b: Any, a: Any, x: Any) -> Any:
    c = _backwards(b, a, g)
    return c if np.iscomplexobj(x) else np.real(c)


rule(recursion, _recursion_b, _recursion_a, _recursion_x)


def _filtered(b: Any, a: Any, x: Any, zi: Any = None) -> Any:
    """Filter along the last axis, from a state if there is one."""
    y = recursion(b, a, x)
    if zi is None:
        return y
    # The state of SciPy's transposed form adds to the input of 1 / A, one entry for each step.
    size, order = np.shape(x)[-1], np.shape(zi)[-1]
    zi = zi[..., : min(size, order)]
    zi = np.concatenate([zi, np.zeros((*np.shape(zi)[:-1], size - np.shape(zi)[-1]))], axis=-1)
    return y + recursion(np.reshape(a[0], (1,)), a, zi)


def _state(b: Any, a: Any, x: Any, zi: Any) -> Any:
    """Give the state after x: what comes out of it, without further input, is state / A."""
    order = np.shape(zi)[-1]
    after = np.concatenate([x, np.zeros((*np.shape(x)[:-1], order))], axis=-1)
    return recursion(a / a[0], np.ones(1), _filtered(b, a, after, zi)[..., -order:]) if order else zi


@composes(signal)
def lfilter(b: Any, a: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    b, a, x, zi = (np.atleast_1d(as_array(v)) if v is not None else None for v in (b, a, x, zi))
    x = np.moveaxis(x, axis, -1)
    if zi is None:
        return np.moveaxis(_filtered(b, a, x), -1, axis)
    zi = np.moveaxis(zi, axis, -1)
    return np.moveaxis(_filtered(b, a, x, zi), -1, axis), np.moveaxis(_state(b, a, x, zi), -1, axis)


@composes(signal)
def sosfilt(sos: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    sos, x = as_array(sos), np.moveaxis(np.atleast_1d(as_array(x)), axis, -1)
    states = []
    for i in range(np.shape(sos)[0]):
        b, a = sos[i, :3], sos[i, 3:]
        state = None if zi is None else np.moveaxis(as_array(zi)[i], axis, -1)
        if state is not None:
            states.append(np.moveaxis(_state(b, a, x, state), -1, axis))
        x = _filtered(b, a, x, state)
    y = np.moveaxis(x, -1, axis)
    return y if zi is None else (y, np.stack(states))


def _extended(x: Any, kind: Any, n: int) -> Any:
    """Continue a signal at both ends of its last axis, as filtfilt does."""
    if kind is None or n < 1:
        return x
    first, last = x[..., n:0:-1], x[..., -2 : -n - 2 : -1]
    if kind == "odd":
        first, last = 2 * x[..., :1] - first, 2 * x[..., -1:] - last
    elif kind == "constant":
        first, last = x[..., :1] + 0 * first, x[..., -1:] + 0 * last
    return np.concatenate([first, x, last], axis=-1)


def _both_ways(once: Any, zi: Any, x: Any, axis: Any, kind: Any, n: int) -> Any:
    x = _extended(np.moveaxis(as_array(x), axis, -1), kind, n)
    y = once(x, zi, x[..., :1])[..., ::-1]
    y = once(y, zi, y[..., :1])[..., ::-1]
    return np.moveaxis(y[..., n : np.shape(y)[-1] - n] if kind is not None and n > 0 else y, -1, axis)


@composes(signal)
def filtfilt(b: Any, a: Any, x: Any, axis: Any = -1, padtype: Any = "odd", padlen: Any = None, method: Any = "pad",
             irlen: Any = None) -> Any:  # fmt: skip
    if method != "pad" or tracked_in([b, a]):
        why = mark("with method='gust'") if method != "pad" else mark("by b and a, on which its initial state depends")
        raise no_derivative("scipy.signal.filtfilt", why)
    b, a = np.atleast_1d(b), np.atleast_1d(a)
    n = 0 if padtype is None else 3 * max(len(a), len(b)) if padlen is None else padlen
    zi = signal.lfilter_zi(b, a)
    return _both_ways(lambda x, z, first: _filtered(b, a, x, z * first), zi, x, axis, padtype, n)


@composes(signal)
def sosfiltfilt(sos: Any, x: Any, axis: Any = -1, padtype: Any = "odd", padlen: Any = None) -> Any:
    if tracked_in([sos]):
        raise no_derivative("scipy.signal.sosfiltfilt", mark("by sos, on which its initial state depends"))
    sos = np.asarray(sos)
    count = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    n = 0 if padtype is None else 3 * count if padlen is None else padlen

    def once(x: Any, zi: Any, first: Any) -> Any:
        for section, state in zip(sos, zi, strict=True):
            x = _filtered(section[:3], section[3:], x, state * first)
        return x

    return _both_ways(once, signal.sosfilt_zi(sos), x, axis, padtype, int(n))


@composes(signal)
def savgol_filter(x: Any, window_length: Any, polyorder: Any, deriv: Any = 0, delta: Any = 1.0, axis: Any = -1,
                  mode: Any = "interp", cval: Any = 0.0) -> Any:  # fmt: skip
    x, w = np.moveaxis(as_array(x), axis, -1), window_length
    settings = {"deriv": deriv, "delta": delta}
    weights = signal.savgol_coeffs(w, polyorder, **settings)
    lead = (1,) * (np.ndim(x) - 1)
    if mode == "interp":  # polynomials at the ends: what SciPy makes of a window of unit vectors
        ends = signal.savgol_filter(np.eye(w), w, polyorder, axis=0, mode="interp", **settings)
        half = w // 2
        middle = convolution(x, np.reshape(weights, (*lead, w)), "valid")[..., 2 * half - w + 1 :]
        parts = [x[..., :w] @ ends[:half].T, middle, x[..., -w:] @ ends[w - half :].T]
        y = np.concatenate(parts, axis=-1)
    else:
        half = w // 2
        wide = continued(x, [(0, 0)] * (np.ndim(x) - 1) + [(w - 1 - half, half)], mode, cval)
        y = convolution(wide, np.reshape(weights, (*lead, w)), "valid")
    return np.moveaxis(y, -1, axis)


# ---- others ----------------------------------------------------------------------------------------------------------


@composes(signal)
def hilbert(x: Any, N: Any = None, axis: Any = -1) -> Any:
    x = as_array(x)
    size = np.shape(x)[axis] if N is None else N
    k = np.arange(size)
    weights = np.where((k == 0) | (2 * k == size), 1.0, np.where(2 * k < size, 2.0, 0.0))
    weights = np.moveaxis(np.reshape(weights, (1,) * (np.ndim(x) - 1) + (size,)), -1, axis)
    return np.fft.ifft(np.fft.fft(x, size, axis) * weights, size, axis)


@composes(signal)
def detrend(data: Any, axis: Any = -1, type: Any = "linear", bp: Any = 0) -> Any:
    x = np.moveaxis(as_array(data), axis, -1)
    if type in ("constant", "c"):
        return np.moveaxis(x - np.mean(x, axis=-1, keepdims=True), -1, axis)
    parts = []
    ends = np.unique(np.concatenate([[0], np.atleast_1d(bp), [np.shape(x)[-1]]])).astype(int)
    for low, high in pairwise(ends):
        lines = np.stack([np.ones(high - low), np.arange(1, high - low + 1) / (high - low)], axis=-1)
        part = x[..., low:high]
        parts.append(part - part @ np.linalg.pinv(lines).T @ lines.T)
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, axis)


@composes(signal)
def upfirdn(h: Any, x: Any, up: Any = 1, down: Any = 1, axis: Any = -1, mode: Any = "constant", cval: Any = 0) -> Any:
    if mode not in ("constant", None) or raw(cval) != 0:
        raise no_derivative("scipy.signal.upfirdn", mark("with mode={mode!r}"), mode=mode)
    h, x = as_array(h), np.moveaxis(as_array(x), axis, -1)
    size = np.shape(x)[-1]
    spread = np.pad(x[..., None], [(0, 0)] * np.ndim(x) + [(0, up - 1)])
    spread = np.reshape(spread, (*np.shape(x)[:-1], size * up))[..., : (size - 1) * up + 1]
    h = np.reshape(h, (1,) * (np.ndim(x) - 1) + (-1,))
    return np.moveaxis(convolution(spread, h, "full")[..., ::down], -1, axis)
