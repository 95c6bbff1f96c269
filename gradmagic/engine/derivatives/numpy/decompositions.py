"""Inverses, determinants and matrix decompositions: what their cotangents are.

In and out: as a rule gets them; matrices stand in the last two dimensions, all others are a batch. Where the input is
taken to be Hermitian, so is its cotangent. Where singular values or eigenvalues coincide, the vectors that belong to
them are not unique: what depends on a choice among them has no derivative, and gets 0 from the pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dispatch.calls import primitive
from ...tape.tracked import raw
from .partials import device_range, nonzero, swap


@primitive
def svd(a: Any) -> Any:
    """Give u, s, vh with `a = u @ diag(s) @ vh`, u and vh no larger than `a`."""
    return np.linalg.svd(a, full_matrices=False)


@primitive
def svdvals(a: Any) -> Any:
    """Give the singular values of `a`, largest first."""
    return np.linalg.svd(a, compute_uv=False)


@primitive
def qr(a: Any) -> Any:
    """Give q, r with `a = q @ r`, q no larger than `a`."""
    return np.linalg.qr(a)


def _column(x: Any) -> Any:
    return np.expand_dims(x, -1)


def _row(x: Any) -> Any:
    return np.expand_dims(x, -2)


def _diagonal(x: Any) -> Any:
    """Put the last dimension on the diagonal of a matrix."""
    along = device_range(x.shape[-1], x)
    return _column(x) * np.equal(_column(along), along)


def _half_diagonal(x: Any) -> Any:
    """Halve the diagonal."""
    along = device_range(x.shape[-1], x)
    return np.where(np.equal(_column(along), along), x / 2, x)


def _over(x: Any, d: Any) -> Any:
    """Divide; 0 where d is 0."""
    return np.where(d == 0, 0, x / nonzero(d))


# ---- inverses and equations -----------------------------------------------------------------------------------


def pinv_vjp(g: Any, y: Any, a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    # G. Golub, V. Pereyra, "The differentiation of pseudo-inverses", SIAM J. Numer. Anal. 10 (1973).
    h, p = swap(g), swap(y)
    left, right = h @ y @ p, p @ y @ h
    return left - a @ (y @ left) - p @ g @ p + right - (right @ y) @ a


def solve_b(g: Any, _x: Any, a: Any, _b: Any) -> Any:
    if len(np.shape(_b)) > 1:
        return np.linalg.solve(swap(a), g)
    return np.squeeze(np.linalg.solve(swap(a), _column(g)), -1)


def solve_a(g: Any, x: Any, a: Any, _b: Any) -> Any:
    c = solve_b(g, x, a, _b)
    return -_column(c) * _row(np.conj(x)) if len(np.shape(_b)) == 1 else -c @ swap(x)


def det_vjp(g: Any, y: Any, a: Any) -> Any:
    try:
        return _column(_column(g * np.conj(y))) * swap(np.linalg.inv(a))
    except np.linalg.LinAlgError:  # singular: the adjugate from the singular values, each left out once
        u, s, vh = svd(a)
        along = device_range(s.shape[-1], s)
        others = np.prod(np.where(np.equal(_column(along), along), 1, _row(s)), axis=-1)
        c = g * np.conj(np.linalg.det(u) * np.linalg.det(vh))
        return _column(_column(c)) * ((u * _row(others)) @ vh)


def slogdet_vjp(g: Any, out: Any, a: Any) -> Any:
    sign, _ = out
    c = g[1] - np.imag(np.conj(g[0]) * sign) * 1j if a.dtype.kind == "c" else g[1]
    return _column(_column(c)) * swap(np.linalg.inv(a))


# ---- decompositions -------------------------------------------------------------------------------------------


def cholesky_vjp(g: Any, y: Any, _a: Any, upper: bool = False) -> Any:
    # I. Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10.
    low, g = (swap(y), swap(g)) if upper else (y, g)
    inverse = np.linalg.inv(low)
    c = swap(inverse) @ _half_diagonal(np.tril(swap(low) @ g)) @ inverse
    return (c + swap(c)) / 2


def eigh_vjp(g: Any, out: Any, _a: Any, UPLO: str = "L") -> Any:
    (gw, gv), (w, v) = g, out
    c = v @ (_diagonal(gw) + _over(swap(v) @ gv, _row(w) - _column(w))) @ swap(v)
    return (c + swap(c)) / 2


def eigvalsh_vjp(g: Any, _w: Any, a: Any, UPLO: Any = "L") -> Any:
    _, v = np.linalg.eigh(a, UPLO)
    return (v * _row(g)) @ swap(v)


def eig_vjp(g: Any, out: Any, _a: Any) -> Any:
    # M. Giles (2008), 3.1; LAPACK gives each vector length 1 and the phase that makes its largest entry real.
    (gw, gv), (w, v) = g, out
    if v.dtype.kind == "c":
        plain = raw(v)
        size = np.where(np.imag(plain) == 0, np.absolute(plain), 0)
        along = np.expand_dims(device_range(size.shape[-2], size), -1)
        real = np.equal(along, np.expand_dims(np.argmax(size, axis=-2), -2))
        turned = np.sum(np.imag(np.conj(gv) * v), axis=-2, keepdims=True)
        gv = gv + np.where(real, turned / nonzero(np.real(v)), 0) * 1j
    inner = swap(v) @ gv
    inner = inner - swap(v) @ (v * _row(np.real(np.diagonal(inner, 0, -2, -1))))
    c = _diagonal(gw) + _over(inner, np.conj(_row(w) - _column(w)))
    made = np.linalg.solve(swap(v), c @ swap(v))
    return made if _a.dtype.kind == "c" else np.real(made)


def eigvals_vjp(g: Any, _w: Any, a: Any) -> Any:
    _, v = np.linalg.eig(a)
    made = np.linalg.solve(swap(v), _diagonal(g) @ swap(v))
    return made if a.dtype.kind == "c" else np.real(made)


def svdvals_vjp(g: Any, _s: Any, a: Any) -> Any:
    u, _, vh = svd(a)
    return (u * _row(g)) @ vh


def svd_vjp(g: Any, out: Any, _a: Any) -> Any:
    # J. Townsend, "Differentiating the singular value decomposition" (2016).
    (gu, gs, gvh), (u, s, vh) = g, out
    v, gv = swap(vh), swap(gvh)
    in_u, in_v = swap(u) @ gu, swap(v) @ gv
    skew_u, skew_v = in_u - swap(in_u), in_v - swap(in_v)
    gaps = _row(s * s) - _column(s * s)
    middle = _over(skew_u, gaps) * _row(s) + _column(s) * _over(skew_v, gaps) + _diagonal(gs)
    if u.dtype.kind == "c":  # the common phase of a pair of vectors
        middle = middle + _diagonal(_over(np.diagonal(skew_u, 0, -2, -1), 2 * s))
    c = u @ middle @ vh
    if u.shape[-2] > s.shape[-1]:
        c = c + _over(gu - u @ in_u, _row(s)) @ vh
    if vh.shape[-1] > s.shape[-1]:
        c = c + u @ swap(_over(gv - v @ in_v, _row(s)))
    return c


def qr_vjp(g: Any, out: Any, a: Any) -> Any:
    # S. F. Walter, L. Lehmann, "Algorithmic differentiation of linear algebra functions" (2010).
    (gq, gr), (q, r) = g, out
    m = q.shape[-1]
    if r.shape[-1] == m:
        return _qr_square(gq, gr, q, r)
    rest, gr_rest = a[..., m:], gr[..., m:]
    first = _qr_square(gq + rest @ swap(gr_rest), gr[..., :m], q, r[..., :m])
    return np.concatenate([first, q @ gr_rest], axis=-1)


def _qr_square(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    m = np.triu(gr @ swap(r) - swap(q) @ gq)
    c = gq + q @ _half_diagonal(m + swap(m))
    return swap(np.linalg.solve(r, swap(c)))
