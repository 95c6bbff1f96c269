"""Inverses, determinants and matrix decompositions: what their cotangents are.

In and out: as a rule gets them; matrices stand in the last two dimensions, all others are a batch. Where the input is
taken to be Hermitian, so is its cotangent. Where singular values or eigenvalues coincide, the vectors that belong to
them are not unique. What depends on values alone, or on vectors in a way that no choice changes, has its derivative;
what depends on the choice, or on values and vectors together (there the pair's share is 0 / 0), gets NaN and a warning.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....language import mark
from ...core import arrays
from ...dispatch.calls import primitive
from ...tape.tracked import Tracked, raw
from .partials import device_range, nonzero, swap, told


@primitive
def apart(x: Any, d: Any, size: Any = 0.0) -> Any:
    """Give x / d, entry by entry in matrices; where d is 0, NaN, or 0 if x is 0 up to rounding beside `size`."""
    met = d == 0
    if type(met) is np.ndarray and not np.any(met):
        return x / d
    size = np.maximum(np.sum(np.absolute(x), axis=(-2, -1), keepdims=True), size)
    none = np.absolute(x) <= 64 * np.finfo(x.dtype).eps * size
    return np.where(met, np.where(none, 0, np.nan), x / nonzero(d))


def apart_d(g: Any, y: Any, _x: Any, d: Any, size: Any = 0.0) -> Any:
    return np.where(d == 0, np.nan, -g * np.conj(y / nonzero(d)))


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


def _gaps(w: Any, sign: int = -1) -> Any:
    """Give w[j] - w[i] (or their sums) as a matrix, 0 where they are equal up to rounding, 1 on the diagonal."""
    d = _row(w) + sign * _column(w)
    plain = np.absolute(raw(w))
    least = 8 * plain.shape[-1] * np.finfo(plain.dtype).eps * np.sum(plain, axis=-1, keepdims=True)
    along = device_range(plain.shape[-1], plain)
    if sign < 0:
        d = np.where(np.equal(_column(along), along), 1, d)
    return np.where(np.absolute(raw(d)) <= _column(least), 0, d)


def _skew(x: Any) -> Any:
    return x - swap(x)


def _largest(x: Any) -> Any:
    return np.sum(np.absolute(raw(x)), axis=(-2, -1), keepdims=True)


_EQUAL = mark(
    "of equal eigenvalues or singular values (and of a singular value 0) the vectors are a choice, and what depends on "
    "both the values and the vectors, or on the choice, has no derivative that they tell"
)


def _undecided(gw: Any, d: Any) -> Any:
    """Give NaN for the pairs of equal values that a cotangent of values and one of vectors both reach; else 0.

    A constant for the tape: forward mode, which transposes, has the change of the matrix itself to decide by.
    """
    plain, met = raw(gw), raw(d) == 0
    reached = np.logical_and(met, np.logical_or(_row(plain != 0), _column(plain != 0)))
    return np.where(reached, np.nan, 0.0)


def _told(g: Any, c: Any) -> Any:
    """Give c, with a word if it holds NaN that did not come in."""
    if type(raw(c)) is np.ndarray and not isinstance(c, Tracked):
        came = any(np.any(np.isnan(raw(part))) for part in g if part is not None)
        told(not came and np.any(np.isnan(c)), _EQUAL)
    return c


def _over(x: Any, d: Any) -> Any:
    """Divide; 0 where d is 0."""
    return np.where(d == 0, 0, x / nonzero(d))


# ---- inverses and equations -----------------------------------------------------------------------------------


def pinv_vjp(g: Any, y: Any, a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    # G. Golub, V. Pereyra, "The differentiation of pseudo-inverses", SIAM J. Numer. Anal. 10 (1973).
    h, p = swap(g), swap(y)
    left, right = h @ y @ p, p @ y @ h
    c = left - a @ (y @ left) - p @ g @ p + right - (right @ y) @ a
    return (c + swap(c)) / 2 if hermitian else c


def solve_b(g: Any, _x: Any, a: Any, _b: Any) -> Any:
    if len(np.shape(_b)) > 1:
        return np.linalg.solve(swap(a), g)
    return np.squeeze(np.linalg.solve(swap(a), _column(g)), -1)


def solve_a(g: Any, x: Any, a: Any, _b: Any) -> Any:
    c = solve_b(g, x, a, _b)
    return -_column(c) * _row(np.conj(x)) if len(np.shape(_b)) == 1 else -c @ swap(x)


def det_vjp(g: Any, y: Any, a: Any) -> Any:
    if isinstance(a, Tracked) and a.array.shape[-1] <= _MINORS and _near_singular(a.array):
        return _column(_column(g)) * np.conj(_cofactors(a))  # where y * inv cancels at the second order
    try:
        return _column(_column(g * np.conj(y))) * swap(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        # Singular: the adjugate from the singular values, each left out once.
        u, s, vh = svd(a)
        along = device_range(s.shape[-1], s)
        others = np.prod(np.where(np.equal(_column(along), along), 1, _row(s)), axis=-1)
        c = g * np.conj(np.linalg.det(u) * np.linalg.det(vh))
        return _column(_column(c)) * ((u * _row(others)) @ vh)


_MINORS = 8  # beyond, so many determinants take longer than is worth it


def _near_singular(a: Any) -> bool:
    if arrays.on_device(a):  # it would have to wait for the answer
        return False
    try:
        return bool(np.any(np.sum(np.absolute(a)) * np.absolute(np.linalg.inv(a)) > 1e5))
    except np.linalg.LinAlgError:
        return True


def _cofactors(a: Any) -> Any:
    n = np.shape(a)[-1]
    if n == 1:
        return a * 0 + 1
    rest = [[k for k in range(n) if k != i] for i in range(n)]
    rows = [
        [np.linalg.det(a[..., rest[i], :][..., :, rest[j]]) * (-1) ** (i + j) for j in range(n)] for i in range(n)
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


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
    middle = 0.0 if gw is None else _diagonal(gw)
    if gv is not None:
        inner, gaps = swap(v) @ gv, _gaps(w)
        middle = middle + apart(_skew(inner) / 2, gaps, _largest(inner))
        if gw is not None:
            middle = middle + _undecided(gw, gaps)
    c = v @ middle @ swap(v)
    return _told(g, (c + swap(c)) / 2)


def eigvalsh_vjp(g: Any, _w: Any, a: Any, UPLO: Any = "L") -> Any:
    _, v = np.linalg.eigh(a, UPLO)
    return (v * _row(g)) @ swap(v)


def eig_vjp(g: Any, out: Any, _a: Any) -> Any:
    # M. Giles (2008), 3.1; LAPACK gives each vector length 1 and the phase that makes its largest entry real.
    (gw, gv), (w, v) = g, out
    if gv is None:
        made = np.linalg.solve(swap(v), _diagonal(gw) @ swap(v))
        return made if _a.dtype.kind == "c" else np.real(made)
    if v.dtype.kind == "c":
        plain = raw(v)
        size = np.where(np.imag(plain) == 0, np.absolute(plain), 0)
        along = np.expand_dims(device_range(size.shape[-2], size), -1)
        real = np.equal(along, np.expand_dims(np.argmax(size, axis=-2), -2))
        turned = np.sum(np.imag(np.conj(gv) * v), axis=-2, keepdims=True)
        gv = gv + np.where(real, turned / nonzero(np.real(v)), 0) * 1j
    inner = swap(v) @ gv
    inner = inner - swap(v) @ (v * _row(np.real(np.diagonal(inner, 0, -2, -1))))
    gaps = _gaps(w)
    diagonal = _diagonal(np.diagonal(inner, 0, -2, -1))
    c = apart(inner - diagonal, np.conj(gaps), _largest(inner))
    if gw is not None:
        c = c + _diagonal(gw) + _undecided(gw, gaps)
    made = np.linalg.solve(swap(v), c @ swap(v))
    return _told(g, made if _a.dtype.kind == "c" else np.real(made))


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
    if gu is None and gvh is None:
        return (u * _row(gs)) @ vh
    v = swap(vh)
    gu = np.zeros_like(raw(u)) if gu is None else gu
    gv = np.zeros_like(raw(v)) if gvh is None else swap(gvh)
    in_u, in_v = swap(u) @ gu, swap(v) @ gv
    skew_u, skew_v = _skew(in_u), _skew(in_v)
    # By s[j] - s[i] for what turns u and v alike, by s[j] + s[i] for what turns them against each other.
    size, gaps = np.maximum(_largest(in_u), _largest(in_v)), _gaps(s)
    alike, against = skew_u + skew_v, skew_u - skew_v
    sums = _gaps(s, 1)
    if u.dtype.kind == "c":  # on the diagonal the common phase of a pair of vectors, which is a choice
        alike = alike - _diagonal(np.diagonal(alike, 0, -2, -1))
    middle = (apart(alike, gaps, size) + apart(against, sums, size)) / 2
    if gs is not None:
        middle = middle + _diagonal(gs) + _undecided(gs, gaps)
    c = u @ middle @ vh
    if u.shape[-2] > s.shape[-1]:
        c = c + apart(gu - u @ in_u, _some(s, u), size) @ vh
    if vh.shape[-1] > s.shape[-1]:
        c = c + u @ swap(apart(gv - v @ in_v, _some(s, v), size))
    return _told(g, c)


def _some(s: Any, u: Any) -> Any:
    """Give the singular values in rows as many as u has, 0 where they are that up to rounding."""
    plain = raw(s)
    least = 8 * np.shape(u)[-2] * np.finfo(plain.dtype).eps * np.sum(plain, axis=-1, keepdims=True)
    return np.broadcast_to(_row(np.where(plain <= least, 0, s)), np.shape(u))


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
