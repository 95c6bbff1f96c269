"""Derivatives of linear algebra: products of arrays, inverses and equations, decompositions, norms.

g: the cotangent of the result; for several results a tuple of theirs. The formulas are those of M. Giles, "Collected
matrix derivative results for forward and reverse mode algorithmic differentiation" (2008), unless said otherwise.
"""

import numpy as np

from ...rules.declare import linear, rule

from .decompositions import (  # isort: skip
    apart, apart_d, cholesky_vjp, det_vjp, eig_vjp, eigh_vjp, eigvals_vjp, eigvalsh_vjp, pinv_vjp, qr, qr_vjp,
    slogdet_vjp, solve_a, solve_b, svd, svd_vjp, svdvals, svdvals_vjp,
)
from .norms import norm_vjp
from .partials import swap
from .products import dot_a, dot_b, einsum_vjp, inner_a, inner_b, tensordot_a, tensordot_b, undo_trace

# ---- products of arrays --------------------------------------------------------------------------------------
rule(np.dot,               dot_a,                                      dot_b,      multilinear=True, torch="Dot")
rule(np.inner,             inner_a,                                    inner_b,    multilinear=True)
rule(np.outer,             lambda g, _z, _a, b, out=None: np.reshape(g @ np.conj(np.ravel(b)), np.shape(_a)),
                           lambda g, _z, a, _b, out=None: np.reshape(np.conj(np.ravel(a)) @ g, np.shape(_b)),
                                                                                                multilinear=True)
rule(np.vdot,              lambda g, _z, _a, b: np.reshape(np.conj(g) * np.ravel(b), _a.shape),
                           lambda g, _z, a, _b: np.reshape(g * np.ravel(a), _b.shape),          multilinear=True)
rule(np.tensordot,         tensordot_a,                                tensordot_b, multilinear=True)
rule(np.einsum,            each=einsum_vjp,                                     multilinear=True)
linear(np.trace,           undo_trace)

# ---- inverses and equations ----------------------------------------------------------------------------------
rule(np.linalg.inv,        lambda g, y, _a: -swap(y) @ g @ swap(y),           torch="LinalgInvEx")
rule(np.linalg.pinv,       pinv_vjp,                            symmetric="hermitian")
rule(np.linalg.solve,      solve_a,                                    solve_b,  torch="LinalgSolveEx")
rule(np.linalg.det,        det_vjp,                                           torch="LinalgDet")
rule(np.linalg.slogdet,    slogdet_vjp,                                       outputs=2, torch="LinalgSlogdet")

# ---- decompositions ------------------------------------------------------------------------------------------
rule(np.linalg.cholesky,   cholesky_vjp,                        symmetric=True,    torch="LinalgCholeskyEx")
rule(apart,                lambda g, _y, _x, d, size=0.0: apart(g, np.conj(d)), apart_d)
rule(np.linalg.eigh,       eigh_vjp,              symmetric=True, partly=True, outputs=2, torch="LinalgEigh")
rule(np.linalg.eigvalsh,   eigvalsh_vjp,                        symmetric=True,    torch="LinalgEigh")
rule(np.linalg.eig,        eig_vjp,                             partly=True,  outputs=2, torch="LinalgEig")
rule(np.linalg.eigvals,    eigvals_vjp,                                       torch="LinalgEig")
rule(svd,                  svd_vjp,                             partly=True,  outputs=3, torch="LinalgSvd")
rule(svdvals,              svdvals_vjp,                                       torch="LinalgSvd")
rule(qr,                   qr_vjp,                                            outputs=2, torch="LinalgQr")

# ---- norms ---------------------------------------------------------------------------------------------------
rule(np.linalg.norm,       norm_vjp,                                          torch="LinalgVectorNorm")
