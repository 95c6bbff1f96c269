"""Derivatives of scipy.linalg and of scipy.special's plain functions; these take plain arrays only, ours stand in.

In: `FOLLOWED[module][name]`, functions of the same arguments, which are SciPy's own where nothing is tracked and record
where something is. Loaded only where SciPy is. Where a matrix is taken to be Hermitian, so is its cotangent.
"""

from typing import Any

import numpy as np
from scipy import linalg, special

from ....errors import ArgumentError
from ....language import tr
from ...core.arrays import whole
from ...rules.declare import rule
from ...tape.tracked import raw

from ..numpy.decompositions import (  # isort: skip
    cholesky_vjp, det_vjp, eigh_vjp, eigvalsh_vjp, pinv_vjp, qr_vjp, svd_vjp, svdvals_vjp,
)
from ..numpy.norms import norm_vjp
from ..numpy.partials import axes_of, swap
from ..ordered import FOLLOWED, detached, follows, ordered
from . import linalg_cotangents as f
from . import primitives as values
from . import special_partials as special_formulas

__all__ = ["FOLLOWED"]

# ---- inverses and equations ------------------------------------------------------------------------------------
rule(values.inv,           lambda g, y, _a: -swap(y) @ g @ swap(y),                               torch="LinalgInvEx")
rule(values.det,           det_vjp,                                                               torch="LinalgDet")
rule(values.pinv,          lambda g, y, a, _atol, _rtol: pinv_vjp(g, y, a))
rule(values.solve,         f.solve_a,                           f.solve_b,                        torch="LinalgSolveEx")
rule(values.triangular,    f.triangular_a,                      f.triangular_b, torch="LinalgSolveTriangular")
rule(values.sylvester,     f.sylvester_a,                       f.sylvester_b,    f.sylvester_q)
rule(values.lyapunov,      f.lyapunov_a,                        f.lyapunov_q)
rule(values.residues,      f.residues_a,                        f.residues_b)
rule(values.least_squares, f.lstsq_a,                           f.lstsq_b,                        torch="LinalgLstsq")
rule(values.cho_solve,     f.cho_solve_c,                       f.cho_solve_b,                    torch="CholeskySolve")

# ---- decompositions --------------------------------------------------------------------------------------------
rule(values.cholesky, lambda g, y, _a, lower=False: cholesky_vjp(g, y, None, upper=not lower),
                           symmetric=True,                                                 torch="LinalgCholeskyEx")
rule(values.cho_factor,    f.cho_factor_vjp, symmetric=True, torch="LinalgCholeskyEx")
rule(values.eigh,          eigh_vjp,                     symmetric=True, partly=True,  outputs=2, torch="LinalgEigh")
rule(values.eigvalsh,      eigvalsh_vjp,                        symmetric=True,                   torch="LinalgEigh")
rule(values.svd,           svd_vjp,                                     partly=True,  outputs=3, torch="LinalgSvd")
rule(values.svdvals,       svdvals_vjp,                                                           torch="LinalgSvd")
rule(values.qr,            qr_vjp,                                                    outputs=2, torch="LinalgQr")

# ---- functions of matrices, norms ------------------------------------------------------------------------------
for _name, _function in values.MATRIX_FUNCTIONS.items():
    rule(_function,        f.matrix_function_vjp(_name), torch="Linalg" + _name.title())
rule(values.norm,          norm_vjp, torch="LinalgVectorNorm")

# ---- scipy.special's plain functions ----------------------------------------------------------------------------
rule(values.lse,           f.lse_a,                             f.lse_b,                          torch="Logsumexp")
rule(values.softmax,       f.softmax_vjp,                                                         torch="Softmax")
rule(values.log_softmax,   f.log_softmax_vjp,                                                     torch="LogSoftmax")
ordered(values.multigammaln, f.multigammaln_slope, None)
ordered(values.lambertw,   lambda w, _z, _k, _tol: np.exp(-w) / (1 + w), None, None)


# ---- what SciPy's signatures come down to: the same one ------------------------------------------------------------
for _function in (values.det, values.triangular, values.sylvester, values.lyapunov, values.cholesky, values.svdvals,
                  values.norm, *values.MATRIX_FUNCTIONS.values()):  # fmt: skip
    follows(linalg)(_function)
for _function in (values.softmax, values.log_softmax, values.multigammaln):
    follows(special)(_function)

# ---- or another ----------------------------------------------------------------------------------------------------


def _only(function: str, setting: str, value: Any, *allowed: Any) -> None:
    if not any(value is a or (type(value) is type(a) and value == a) for a in allowed):
        shown = repr(value) if isinstance(value, (str, bool)) else "..."
        raise ArgumentError(tr(
            "scipy.linalg.{function}(..., {setting}={value}) has no derivative in gradmagic: it has with "
            "{setting}={allowed!r}.", function=function, setting=setting, value=shown, allowed=allowed[0],
        ))  # fmt: skip


@follows(linalg)
def inv(a: Any, assume_a: Any = None, lower: Any = False) -> Any:
    _only("inv", "assume_a", assume_a, None, "gen", "general")
    return values.inv(a)


@follows(linalg)
def pinv(a: Any, atol: Any = None, rtol: Any = None, return_rank: Any = False) -> Any:
    _only("pinv", "return_rank", return_rank, False)
    return values.pinv(a, atol, rtol)


@follows(linalg)
def solve(a: Any, b: Any, lower: Any = False, assume_a: Any = None, transposed: Any = False) -> Any:
    _only("solve", "assume_a", assume_a, None, "gen", "general", "sym", "symmetric", "her", "hermitian",
          "pos", "positive definite")
    return values.solve(a, b, lower, assume_a, transposed)


@follows(linalg)
def lstsq(a: Any, b: Any, cond: Any = None) -> Any:
    _, residues, rank, _ = whole(linalg.lstsq)(raw(a), raw(b), cond)
    x = values.least_squares(a, b, cond)
    if np.size(residues):
        residues = values.residues(a, b, cond)
    return x, residues, rank, values.svdvals(a)


@follows(linalg)
def cho_factor(a: Any, lower: Any = False) -> Any:
    return values.cho_factor(a, lower), lower


@follows(linalg)
def cho_solve(c_and_lower: Any, b: Any) -> Any:
    return values.cho_solve(c_and_lower[0], b, c_and_lower[1])


@follows(linalg)
def eigh(a: Any, b: Any = None, lower: Any = True, eigvals_only: Any = False) -> Any:
    _only("eigh", "b", b, None)
    return (values.eigvalsh if eigvals_only else values.eigh)(a, "L" if lower else "U")


@follows(linalg)
def eigvalsh(a: Any, b: Any = None, lower: Any = True) -> Any:
    _only("eigvalsh", "b", b, None)
    return values.eigvalsh(a, "L" if lower else "U")


@follows(linalg)
def svd(a: Any, full_matrices: Any = True, compute_uv: Any = True) -> Any:
    if not compute_uv:
        return values.svdvals(a)
    if np.shape(a)[-1] != np.shape(a)[-2]:  # the further columns of u or vh are not unique
        _only("svd", "full_matrices", full_matrices, False)
    return values.svd(a)


@follows(linalg)
def qr(a: Any, mode: Any = "full", pivoting: Any = False) -> Any:
    _only("qr", "pivoting", pivoting, False)
    if np.shape(a)[-2] > np.shape(a)[-1]:
        _only("qr", "mode", mode, "economic")
    _only("qr", "mode", mode, "economic", "full", "r")
    q, r = values.qr(a)
    return (r,) if mode == "r" else (q, r)


# ---- special matrices: places, no arithmetic --------------------------------------------------------------------


@follows(linalg)
def block_diag(*arrs: Any) -> Any:
    blocks = [np.atleast_2d(a) for a in arrs]
    return np.block([[a if i == j else np.zeros((np.shape(b)[0], np.shape(a)[1]), raw(a).dtype)
                      for j, a in enumerate(blocks)] for i, b in enumerate(blocks)])


def _ramp(n: Any, m: Any, sign: Any) -> Any:
    return np.arange(n)[:, None] * sign + np.arange(m)


@follows(linalg)
def toeplitz(c: Any, r: Any = None) -> Any:
    c = np.ravel(c)
    r = np.conj(c) if r is None else np.ravel(r)
    n, m = np.shape(c)[0], np.shape(r)[0]
    return np.concatenate([c[::-1], r[1:]])[_ramp(n, m, -1) + n - 1]


@follows(linalg)
def hankel(c: Any, r: Any = None) -> Any:
    c = np.ravel(c)
    r = c * 0 if r is None else np.ravel(r)
    return np.concatenate([c, r[1:]])[_ramp(np.shape(c)[0], np.shape(r)[0], 1)]


@follows(linalg)
def circulant(c: Any) -> Any:
    c = np.asarray(c) if isinstance(c, (list, tuple)) else c
    n = np.shape(c)[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % n]


# ---- scipy.special ---------------------------------------------------------------------------------------------


@follows(special)
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False) -> Any:
    if axis is not None:
        axis = axes_of(axis, np.ndim(a))
    sign = None
    if return_sign:
        _, sign = whole(special.logsumexp)(raw(a), axis, raw(b), keepdims, True)
        if np.iscomplexobj(sign):
            raise ArgumentError(tr(
                "scipy.special.logsumexp(..., return_sign=True) of complex numbers has no derivative.",
            ))  # fmt: skip
    y = values.lse(a, b, axis, keepdims, sign)
    return (y, sign) if return_sign else y


@follows(special)
def polygamma(n: Any, x: Any) -> Any:
    return special_formulas.polygamma(*detached(special_formulas.polygamma, n, x))


@follows(special)
def zeta(x: Any, q: Any = None) -> Any:
    if q is None:
        raise ArgumentError(tr(
            "scipy.special.zeta(x) has no derivative by x in closed form: zeta(x, q) has by q.",
        ))  # fmt: skip
    return special_formulas.hurwitz(*detached(special_formulas.hurwitz, x, q))


@follows(special)
def lambertw(z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    return values.lambertw(z, k, tol)
