"""Functions of sampled curves, computed, on tracked values, from functions that have a derivative.

Each takes what the NumPy function of the same name takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import arrays
from ...dispatch.protocols import composed
from ...tape.tracked import raw
from ..numpy.partials import axes_of


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if x is not None:
        dx = np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
        if np.ndim(dx) == 1:
            shape = [1] * np.ndim(y)
            shape[axis] = -1
            dx = np.reshape(dx, shape)
    y = np.moveaxis(y, axis, 0)
    both = np.moveaxis(y[1:] + y[:-1], 0, axis)
    return np.sum(dx * both / 2.0, axis=axis)


def _float(v: Any) -> Any:
    """Give whole numbers and truth values as floats: their differences are not those of numbers."""
    v = np.asarray(v) if isinstance(v, (list, tuple)) else v
    return v * 1.0 if getattr(raw(v), "dtype", np.dtype(float)).kind in "biu" else v


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes, f = axes_of(axis, np.ndim(f)), _float(f)
    varargs = tuple(map(_float, varargs))
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    slopes = tuple(_slope(np.moveaxis(f, a, 0), h, a, edge_order) for a, h in zip(axes, spacings, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Differences along the first axis, of second order inside; the result's first axis goes back to `axis`."""
    if np.ndim(h) == 0:
        inner = (f[2:] - f[:-2]) / (2.0 * h)
        if edge_order == 1:
            first, last = (f[1] - f[0]) / h, (f[-1] - f[-2]) / h
        else:
            first = (-1.5 * f[0] + 2.0 * f[1] - 0.5 * f[2]) / h
            last = (0.5 * f[-3] - 2.0 * f[-2] + 1.5 * f[-1]) / h
    else:
        d = np.reshape(np.diff(h), (-1,) + (1,) * (np.ndim(f) - 1))
        a, b = d[:-1], d[1:]
        inner = -b / (a * (a + b)) * f[:-2] + (b - a) / (a * b) * f[1:-1] + a / (b * (a + b)) * f[2:]
        if edge_order == 1:
            first, last = (f[1] - f[0]) / d[0], (f[-1] - f[-2]) / d[-1]
        else:
            a, b = d[0], d[1]
            first = -(2 * a + b) / (a * (a + b)) * f[0] + (a + b) / (a * b) * f[1] - a / (b * (a + b)) * f[2]
            a, b = d[-2], d[-1]
            last = b / (a * (a + b)) * f[-3] - (a + b) / (a * b) * f[-2] + (2 * b + a) / (b * (a + b)) * f[-1]
    return np.moveaxis(np.concatenate([first[None], inner, last[None]]), 0, axis)


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    x, xp, fp = map(_float, (x, xp, fp))
    if period is not None:
        x, order = x % period, np.argsort(raw(xp) % period)
        xp, fp = (xp % period)[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    i = np.clip(np.searchsorted(raw(xp), raw(x), "right") - 1, 0, np.shape(xp)[0] - 2)
    y = fp[i] + (x - xp[i]) * (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i])
    y = np.where(x < xp[0], fp[0] if left is None else left, y)
    return np.where(x > xp[-1], fp[-1] if right is None else right, y)


@composed(np.linspace)
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
             dtype: Any = None, axis: int = 0) -> Any:  # fmt: skip
    parts = max(num - 1 if endpoint else num, 1)
    step = (stop - start) / parts
    k = arrays.from_host(np.arange(num), raw(step))
    y = start + np.reshape(k, (-1,) + (1,) * np.ndim(step)) * step
    y = np.moveaxis(y, 0, axis)
    return (y, step) if retstep else y


@composed(np.logspace)
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None,
             axis: int = 0) -> Any:  # fmt: skip
    shape = np.broadcast_shapes(np.shape(start), np.shape(stop), np.shape(base))
    y = linspace(np.broadcast_to(start, shape) + 0.0, np.broadcast_to(stop, shape) + 0.0, num, endpoint, axis=axis)
    return (np.expand_dims(base, axis) if np.ndim(base) else base) ** y


@composed(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    parts = max(num - 1 if endpoint else num, 1)
    ratio = stop / start
    k = np.reshape(arrays.from_host(np.arange(num) / parts, raw(ratio)), (-1,) + (1,) * np.ndim(ratio))
    return np.moveaxis(start * ratio**k, 0, axis)


@composed(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    return p + (np.unwrap(raw(p), discont, axis, period=period) - raw(p))  # it adds whole periods


def _mode(mode: Any) -> str:
    """Give the name of a mode that may have come as NumPy's number."""
    return mode if isinstance(mode, str) else ("valid", "same", "full")[int(mode)]


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = (x if np.ndim(x) else np.reshape(x, 1) for x in ((a, v) if np.size(a) >= np.size(v) else (v, a)))
    n, m = np.size(a), np.size(v)
    # Row k of the band holds a, moved by k: the convolution is v times the band.
    start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[_mode(mode)]
    padded = np.pad(a, m - 1)
    place = np.arange(length) + start + m - 1 - np.arange(m)[:, None]
    return np.matmul(v, padded[place])


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    swapped = np.size(a) < np.size(v)
    c = convolve(a, np.conj(np.flip(v)), mode)
    return np.flip(convolve(np.flip(a), np.conj(v), mode)) if swapped else c
