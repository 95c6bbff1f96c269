"""Derivatives of the discrete Fourier transforms: the transpose of each is the transform back, scaled the other way.

g is the cotangent of the result; `like` has the input's shape and dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules.declare import linear
from .partials import device_range

linear(np.fft.fft,        lambda g, like, n=None, axis=-1, norm=None, out=None:
                              fitted(np.fft.ifft(g, axis=axis, norm=other(norm)), like.shape[axis], axis))
linear(np.fft.ifft,       lambda g, like, n=None, axis=-1, norm=None, out=None:
                              fitted(np.fft.fft(g, axis=axis, norm=other(norm)), like.shape[axis], axis))
linear(np.fft.rfft,       lambda g, like, n=None, axis=-1, norm=None, out=None:
                              np.real(fitted(np.fft.ifft(fitted(g, n or like.shape[axis], axis), axis=axis,
                                                         norm=other(norm)), like.shape[axis], axis)))
linear(np.fft.irfft,      lambda g, like, n=None, axis=-1, norm=None, out=None:
                              fitted(doubled(np.fft.rfft(g, axis=axis, norm=other(norm)), g.shape[axis], axis),
                                     like.shape[axis], axis))
linear(np.fft.fftshift,   lambda g, like, axes=None: np.fft.ifftshift(g, axes))
linear(np.fft.ifftshift,  lambda g, like, axes=None: np.fft.fftshift(g, axes))



def other(norm: str | None) -> Any:
    """Give the scaling of the transpose: what one direction divides by n, the other does not."""
    return {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}[norm]


def fitted(x: Any, n: int, axis: int) -> Any:
    """Cut x to n entries along the axis, or fill it up with zeros."""
    have = x.shape[axis]
    if have > n:
        return x[(slice(None),) * (axis % len(x.shape)) + (slice(n),)]
    widths = [(0, 0)] * len(x.shape)
    widths[axis] = (0, n - have)
    return np.pad(x, widths) if have < n else x


def doubled(x: Any, n: int, axis: int) -> Any:
    """Double what stands for two frequencies of a real signal of n entries: all but 0 and, for even n, n/2."""
    k = device_range(x.shape[axis], x)
    twice = np.logical_and(k > 0, 2 * k < n)
    shape = [1] * len(x.shape)
    shape[axis] = -1
    return np.where(np.reshape(twice, shape), 2 * x, x)
