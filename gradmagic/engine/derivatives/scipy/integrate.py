"""Derivatives of scipy.integrate: rules over samples, composed of what has a derivative; the rest is named.

In: `FOLLOWED["scipy.integrate"]`. Values are SciPy's own. Loaded where scipy.integrate is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate

from ..objects import as_array
from ..ordered import composes, follows_not


def _spacing(y: Any, x: Any, dx: Any) -> Any:
    """Give the steps along the last axis, one or all; x of one dimension serves every row."""
    return dx if x is None else np.diff(x, axis=-1)


def _lasting(y: Any, x: Any, axis: Any) -> tuple[Any, Any]:
    """Give samples and places with `axis` as their last."""
    y, x = as_array(y), as_array(x)
    return np.moveaxis(y, axis, -1), x if x is None or np.ndim(x) == 1 else np.moveaxis(x, axis, -1)


def _pairs(y: Any, x: Any, dx: Any) -> Any:
    return _spacing(y, x, dx) * (y[..., 1:] + y[..., :-1]) / 2.0


@composes(integrate)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    y, x = _lasting(y, x, axis)
    return np.sum(_pairs(y, x, dx), axis=-1)


@composes(integrate)
def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1, initial: Any = None) -> Any:
    y, x = _lasting(y, x, axis)
    made = np.cumsum(_pairs(y, x, dx), axis=-1)
    if initial is not None:
        made = np.concatenate([np.zeros((*np.shape(made)[:-1], 1)) + initial, made], axis=-1)
    return np.moveaxis(made, -1, axis)


def _simpson(y: Any, h: Any) -> Any:
    """Integrate over an odd number of samples; h has the steps."""
    h0, h1 = h[..., 0::2], h[..., 1::2]
    both, ratio = h0 + h1, h0 / h1
    first, middle, last = y[..., 0:-2:2], y[..., 1:-1:2], y[..., 2::2]
    parts = first * (2.0 - 1.0 / ratio) + middle * (both * (both / (h0 * h1))) + last * (2.0 - ratio)
    return np.sum(both / 6.0 * parts, axis=-1)


@composes(integrate)
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: Any = -1) -> Any:
    y, x = _lasting(y, x, axis)
    n = np.shape(y)[-1]
    h = np.diff(x, axis=-1) if x is not None else dx * np.ones(n - 1)
    if n % 2:
        return _simpson(y, h)
    if n == 2:
        return h[..., 0] * (y[..., 0] + y[..., 1]) / 2.0
    a, b = h[..., -2], h[..., -1]  # Cartwright's parabola over the last interval
    over = (2 * b**2 + 3 * a * b) / (6 * (b + a)) * y[..., -1] + (b**2 + 3 * a * b) / (6 * a) * y[..., -2]
    return _simpson(y[..., :-1], h[..., :-1]) + over - b**3 / (6 * a * (a + b)) * y[..., -3]


@composes(integrate)
def romb(y: Any, dx: Any = 1.0, axis: Any = -1, show: Any = False) -> Any:
    y, _ = _lasting(y, None, axis)
    n = np.shape(y)[-1] - 1
    row: list[Any] = []
    for k in range(n.bit_length()):  # trapezoids of steps n, n / 2, ... 1, and Richardson's table over them
        step = n >> k
        new = [_pairs(y[..., ::step], None, dx * step).sum(axis=-1)]
        for m, before in enumerate(row, 1):
            new.append(new[-1] + (new[-1] - before) / (4**m - 1))
        row = new
    return row[-1]


follows_not(integrate, "quad_vec dblquad tplquad nquad fixed_quad cubature tanhsinh solve_ivp odeint solve_bvp "
            "cumulative_simpson newton_cotes nsum qmc_quad")  # fmt: skip
