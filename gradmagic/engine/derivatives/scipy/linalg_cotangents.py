"""The cotangents behind the table of scipy.linalg: equations, triangles, functions of matrices, sums of exponentials.

In and out: as a rule gets them; matrices stand in the last two dimensions. Formulas as in `decompositions` (M. Giles,
"Collected matrix derivative results", 2008), unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ...tape.tracked import raw
from ..numpy.decompositions import _column, cholesky_vjp, pinv_vjp
from ..numpy.partials import swap, with_dims
from . import primitives as values


def _times(x: Any, b: Any) -> Any:
    """x as a matrix: a right-hand side of one dimension is a column."""
    return _column(x) if len(np.shape(b)) == 1 else x


def _matched(c: Any, assume_a: Any) -> Any:
    """Where a matrix is read as symmetric or Hermitian, its cotangent is so too."""
    if assume_a in ("sym", "symmetric"):
        return (c + np.swapaxes(c, -1, -2)) / 2
    if assume_a in ("her", "hermitian", "pos", "positive definite"):
        return (c + swap(c)) / 2
    return c


def solve_b(
    g: Any, _x: Any, a: Any, b: Any, lower: Any = False, assume_a: Any = None, transposed: Any = False
) -> Any:
    return values.solve(np.conj(a) if transposed else swap(_matched_value(a, lower, assume_a)), g)


def solve_a(
    g: Any, x: Any, a: Any, b: Any, lower: Any = False, assume_a: Any = None, transposed: Any = False
) -> Any:
    c = -_times(solve_b(g, x, a, b, lower, assume_a, transposed), b) @ swap(_times(x, b))
    return _matched(np.swapaxes(c, -1, -2) if transposed else c, assume_a)


def _matched_value(a: Any, lower: Any, assume_a: Any) -> Any:
    """The matrix that SciPy takes `a` for, which it reads in one triangle."""
    if assume_a is None or assume_a in ("gen", "general"):
        return a
    half = np.tril(a) if lower else np.triu(a)
    rest = np.tril(a, -1) if lower else np.triu(a, 1)
    return half + (np.swapaxes(rest, -1, -2) if assume_a in ("sym", "symmetric") else swap(rest))


_TRANS = {"N": 0, "T": 1, "C": 2}


def triangular_b(
    g: Any, _x: Any, a: Any, b: Any, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False
) -> Any:
    trans = _TRANS.get(trans, trans)
    if trans == 0:
        return values.triangular(a, g, 2, lower, unit_diagonal)
    return values.triangular(a if trans == 2 else np.conj(a), g, 0, lower, unit_diagonal)


def triangular_a(
    g: Any, x: Any, a: Any, b: Any, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False
) -> Any:
    c = -_times(triangular_b(g, x, a, b, trans, lower, unit_diagonal), b) @ swap(_times(x, b))
    trans = _TRANS.get(trans, trans)
    c = c if trans == 0 else np.swapaxes(c, -1, -2) if trans == 1 else swap(c)
    return np.tril(c, -1 if unit_diagonal else 0) if lower else np.triu(c, 1 if unit_diagonal else 0)


def sylvester_q(g: Any, _x: Any, a: Any, b: Any, _q: Any) -> Any:
    return values.sylvester(swap(a), swap(b), g)


def sylvester_a(g: Any, x: Any, a: Any, b: Any, _q: Any) -> Any:
    return -sylvester_q(g, x, a, b, _q) @ swap(x)


def sylvester_b(g: Any, x: Any, a: Any, b: Any, _q: Any) -> Any:
    return -swap(x) @ sylvester_q(g, x, a, b, _q)


def lyapunov_q(g: Any, _x: Any, a: Any, _q: Any) -> Any:
    return values.lyapunov(swap(a), g)  # a x + x a^H = q


def lyapunov_a(g: Any, x: Any, a: Any, _q: Any) -> Any:
    c = lyapunov_q(g, x, a, _q)
    return -c @ swap(x) - swap(c) @ x


def residues_b(g: Any, _r: Any, a: Any, b: Any, _cond: Any = None) -> Any:
    return 2 * g * (b - a @ values.least_squares(a, b, _cond))


def residues_a(g: Any, _r: Any, a: Any, b: Any, _cond: Any = None) -> Any:
    x = values.least_squares(a, b, _cond)  # what its own change does to the residues is 0: it is the best
    return -_times(2 * g * (b - a @ x), b) @ swap(_times(x, b))


def lstsq_a(g: Any, _x: Any, a: Any, b: Any, _cond: Any = None) -> Any:
    return pinv_vjp(_times(g, b) @ swap(_times(b, b)), values.pinv(a, None, _cond), a)  # x = pinv(a) @ b


def lstsq_b(g: Any, _x: Any, a: Any, b: Any, _cond: Any = None) -> Any:
    c = swap(values.pinv(a, None, _cond)) @ _times(g, b)
    return np.squeeze(c, -1) if len(np.shape(b)) == 1 else c


def cho_factor_vjp(g: Any, c: Any, a: Any, lower: Any = False) -> Any:
    """The triangle that the factor leaves is what the matrix had there."""
    if lower:
        return cholesky_vjp(np.tril(g), np.tril(c), a) + np.triu(g, 1)
    return cholesky_vjp(np.triu(g), np.triu(c), a, upper=True) + np.tril(g, -1)


def cho_solve_b(g: Any, _x: Any, c: Any, _b: Any, lower: Any = False) -> Any:
    return values.cho_solve(c, g, lower)


def cho_solve_c(g: Any, x: Any, c: Any, b: Any, lower: Any = False) -> Any:
    by_a = -_times(cho_solve_b(g, x, c, b, lower), b) @ swap(_times(x, b))
    by_a = by_a + swap(by_a)
    return np.tril(by_a @ np.tril(c)) if lower else np.triu(np.triu(c) @ by_a)


def matrix_function_vjp(name: str) -> Callable[..., Any]:
    """f of [[A, E], [0, A]] has the derivative of f at A along E in its corner.

    R. Mathias, "A chain rule for matrix functions and applications", SIAM J. Matrix Anal. Appl. 17 (1996). Its
    adjoint is the derivative at A^H.
    """

    def vjp(g: Any, y: Any, a: Any) -> Any:
        if name == "logm" and _has_negative_eigenvalues(a):
            return _logm_vjp(g, y, a)
        n, h = a.shape[-1], swap(a)
        both = np.concatenate([np.concatenate([h, g], -1), np.concatenate([h * 0, h], -1)], -2)
        return values.MATRIX_FUNCTIONS[name](both)[..., :n, n:]

    def unkept(g: Any, _y: Any, a: Any) -> Any:
        return vjp(g, None, a)

    return sqrtm_vjp if name == "sqrtm" else vjp if name == "logm" else unkept


def sqrtm_vjp(g: Any, y: Any, _a: Any) -> Any:
    return values.sylvester(swap(y), swap(y), g)  # y dy + dy y = da, on whichever branch y is


def _has_negative_eigenvalues(a: Any) -> bool:
    w = np.linalg.eigvals(raw(a))
    return bool(np.any((w.real < 0) & (np.abs(w.imag) <= 1e-9 * np.abs(w))))


def _logm_vjp(g: Any, y: Any, a: Any) -> Any:
    """By eigenvectors: log(A^H) lies on another branch than log(A)^H."""
    w, v = np.linalg.eig(a)
    inverse = np.linalg.inv(v)
    logs = np.diagonal(inverse @ y @ v, axis1=-2, axis2=-1)  # on y's branch
    apart, logs_apart = (np.expand_dims(x, -1) - np.expand_dims(x, -2) for x in (w, logs))
    same = raw(apart) == 0
    slopes = np.where(same, np.expand_dims(1 / w, -1), logs_apart / np.where(same, 1, apart))
    return swap(inverse) @ (np.conj(slopes) * (swap(v) @ g @ swap(inverse))) @ swap(v)


# ---- sums of exponentials ---------------------------------------------------------------------------------------


def _weights(y: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """exp(a - y); 0 where nothing was summed but exp(-inf)."""
    y = with_dims(y, len(a.shape), axis, keepdims)
    return np.exp(a - np.where(y == -np.inf, 0.0, y))


def lse_a(
    g: Any, y: Any, a: Any, b: Any = None, axis: Any = None, keepdims: Any = False, sign: Any = None
) -> Any:
    weights = _weights(y, a, axis, keepdims)
    weights = weights if b is None else weights * b
    g = g if sign is None else g * sign
    return with_dims(g, len(a.shape), axis, keepdims) * np.conj(weights)


def lse_b(
    g: Any, y: Any, a: Any, b: Any = None, axis: Any = None, keepdims: Any = False, sign: Any = None
) -> Any:
    g = g if sign is None else g * sign
    return with_dims(g, len(a.shape), axis, keepdims) * np.conj(_weights(y, a, axis, keepdims))


def softmax_vjp(g: Any, y: Any, _x: Any, axis: Any = None) -> Any:
    return y * (g - np.sum(g * y, axis, keepdims=True))


def log_softmax_vjp(g: Any, y: Any, _x: Any, axis: Any = None) -> Any:
    return g - np.exp(y) * np.sum(g, axis, keepdims=True)


def multigammaln_slope(_y: Any, a: Any, d: Any) -> Any:
    return sum(special.digamma(a - j / 2) for j in range(d))
