"""SciPy's functions of plain arrays as functions of arrays that may be tracked: each calls SciPy for its value.

In: arrays, then settings, all by position. Out: bit for bit what SciPy gives. Their rules stand in linalg.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg, special

from ...core import arrays
from ...dispatch.calls import primitive


def _primitive(name: str, function: Callable[..., Any]) -> Any:
    function.__name__ = function.__qualname__ = name
    return primitive(arrays.whole(function))


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _scalar(y: Any, like: Any) -> Any:
    """A number that SciPy gives as Python's in the precision that it was computed in."""
    return np.real(like).dtype.type(y) if type(y) is float else y


inv = _primitive("inv", lambda a: linalg.inv(a))
det = _primitive("det", lambda a: linalg.det(a))
pinv = _primitive("pinv", lambda a, atol=None, rtol=None: linalg.pinv(a, atol=atol, rtol=rtol))
solve = _primitive("solve", lambda a, b, lower=False, assume_a=None, transposed=False:
                   linalg.solve(a, b, lower=lower, transposed=transposed, **_given(assume_a=assume_a)))  # fmt: skip
triangular = _primitive("solve_triangular", lambda a, b, trans=0, lower=False, unit_diagonal=False:
                        linalg.solve_triangular(a, b, trans, lower, unit_diagonal))  # fmt: skip
sylvester = _primitive("solve_sylvester", lambda a, b, q: linalg.solve_sylvester(a, b, q))
lyapunov = _primitive("solve_continuous_lyapunov", lambda a, q: linalg.solve_continuous_lyapunov(a, q))
residues = _primitive("lstsq_residues", lambda a, b, cond=None: linalg.lstsq(a, b, cond)[1])
least_squares = _primitive("lstsq", lambda a, b, cond=None: linalg.lstsq(a, b, cond)[0])
cholesky = _primitive("cholesky", lambda a, lower=False: linalg.cholesky(a, lower))
cho_factor = _primitive("cho_factor", lambda a, lower=False: linalg.cho_factor(a, lower)[0])
cho_solve = _primitive("cho_solve", lambda c, b, lower=False: linalg.cho_solve((c, lower), b))
eigh = _primitive("eigh", lambda a, UPLO="L": linalg.eigh(a, lower=UPLO == "L"))
eigvalsh = _primitive("eigvalsh", lambda a, UPLO="L": linalg.eigvalsh(a, lower=UPLO == "L"))
svd = _primitive("svd", lambda a: linalg.svd(a, full_matrices=False))
svdvals = _primitive("svdvals", lambda a: linalg.svdvals(a))
qr = _primitive("qr", lambda a: linalg.qr(a, mode="economic"))
norm = _primitive("norm", lambda a, ord=None, axis=None, keepdims=False:
                  _scalar(linalg.norm(a, ord, axis, keepdims), a))  # fmt: skip

# Functions of matrices f(A) = sum c_k A**k with real c_k.
MATRIX_FUNCTIONS = {
    name: _primitive(name, lambda a, name=name: getattr(linalg, name)(a))
    for name in "expm logm sqrtm cosm sinm tanm coshm sinhm tanhm".split()
}

lse = _primitive("logsumexp", lambda a, b=None, axis=None, keepdims=False, sign=None:
                 special.logsumexp(a, axis, b, keepdims) if sign is None
                 else special.logsumexp(a, axis, b, keepdims, True)[0])  # fmt: skip
softmax = _primitive("softmax", lambda x, axis=None: special.softmax(x, axis))
log_softmax = _primitive("log_softmax", lambda x, axis=None: special.log_softmax(x, axis))
multigammaln = _primitive("multigammaln", lambda a, d: special.multigammaln(a, d))
lambertw = _primitive("lambertw", lambda z, k=0, tol=1e-8: special.lambertw(z, k, tol))
