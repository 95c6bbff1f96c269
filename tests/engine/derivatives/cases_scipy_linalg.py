"""One call at least for every derivative of SciPy's plain functions, through the functions that stand in for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # noqa: F401  (first: without SciPy nobody comes here)

from gradmagic.engine.derivatives.scipy import linalg as scipy_linalg
from gradmagic.engine.derivatives.scipy import primitives as scipy_values
from gradmagic.engine.derivatives.scipy import special_partials as special_formulas

from .rows import POSITIVE, WIDE, case, definite, hermitian, pairs, projectors, regular

linalg, special = scipy_linalg.FOLLOWED["scipy.linalg"], scipy_linalg.FOLLOWED["scipy.special"]


def row(rule: Any, *shapes: Any, call: Any, **options: Any) -> None:
    case(rule, *shapes, call=call, low=False, devices=False, **options)


def lower(a: Any) -> Any:
    return np.tril(regular(a))


# ---- inverses and equations -----------------------------------------------------------------------------------
for name in "inv", "det":
    row(getattr(scipy_values, name), (3, 3), call=lambda a, f=linalg[name]: f(regular(a)), kinds="fc")
for shape in (3, 3), (3, 2), (2, 3):
    row(scipy_values.pinv, shape, call=lambda a: linalg["pinv"](regular(a)), kinds="fc")
    row(
        scipy_values.least_squares,
        shape,
        shape[:1],
        call=lambda a, b: linalg["lstsq"](regular(a), b)[0],
        kinds="fc",
    )
for shape in (3,), (3, 2):
    row(scipy_values.residues, (3, 2), shape, call=lambda a, b: linalg["lstsq"](regular(a), b)[1], kinds="fc")
row(
    scipy_values.least_squares,
    (3, 2),
    (3, 2),
    call=lambda a, b: (lambda x, r, _, s: (x, r, s))(*linalg["lstsq"](regular(a), b)),
)
for shape in (3,), (3, 2):
    row(scipy_values.solve, (3, 3), shape, call=lambda a, b: linalg["solve"](regular(a), b), kinds="fc")
    row(scipy_values.solve, (3, 3), shape, call=lambda a, b: linalg["solve"](regular(a), b, transposed=True))
    row(
        scipy_values.solve,
        (3, 3),
        shape,
        call=lambda a, b: linalg["solve"](definite(a), b, assume_a="pos"),
        kinds="fc",
    )
    row(
        scipy_values.solve,
        (3, 3),
        shape,
        call=lambda a, b: linalg["solve"](hermitian(a) + a[0, 0] + 5, b, lower=True, assume_a="sym"),
    )
    for trans in "NTC":
        for low in False, True:
            row(scipy_values.triangular, (3, 3), shape, kinds="fc", call=lambda a, b, t=trans, low=low:
                linalg["solve_triangular"](regular(a), b, trans=t, lower=low))  # fmt: skip
    row(scipy_values.triangular, (3, 3), shape,
        call=lambda a, b: linalg["solve_triangular"](a, b, lower=True, unit_diagonal=True))  # fmt: skip
    for low in False, True:
        row(scipy_values.cho_solve, (3, 3), shape, kinds="fc", call=lambda a, b, low=low:
            linalg["cho_solve"](linalg["cho_factor"](definite(a), lower=low), b))  # fmt: skip
row(scipy_values.sylvester, (3, 3), (2, 2), (3, 2), kinds="fc",
    call=lambda a, b, q: linalg["solve_sylvester"](regular(a), regular(b), q))  # fmt: skip
row(scipy_values.lyapunov, (3, 3), (3, 3), kinds="fc",
    call=lambda a, q: linalg["solve_continuous_lyapunov"](regular(a), q))  # fmt: skip

# ---- decompositions -------------------------------------------------------------------------------------------
for low in False, True:
    row(
        scipy_values.cholesky,
        (3, 3),
        call=lambda a, low=low: linalg["cholesky"](definite(a), lower=low),
        kinds="fc",
    )
    row(
        scipy_values.cho_factor,
        (3, 3),
        call=lambda a, low=low: linalg["cho_factor"](definite(a), low)[0],
        kinds="fc",
    )
    row(
        scipy_values.eigh,
        (3, 3),
        call=lambda a, low=low: projectors(*linalg["eigh"](hermitian(a), lower=low)),
        kinds="fc",
    )
    row(
        scipy_values.eigvalsh,
        (3, 3),
        call=lambda a, low=low: linalg["eigvalsh"](hermitian(a), lower=low),
        kinds="fc",
    )
row(scipy_values.eigvalsh, (3, 3), call=lambda a: linalg["eigh"](hermitian(a), eigvals_only=True))
for shape in (3, 3), (3, 2), (2, 3):
    row(
        scipy_values.svd,
        shape,
        call=lambda a: pairs(*linalg["svd"](regular(a), full_matrices=False)),
        kinds="fc",
    )
    row(scipy_values.svdvals, shape, call=lambda a: linalg["svdvals"](regular(a)), kinds="fc")
    row(scipy_values.qr, shape, call=lambda a: linalg["qr"](regular(a), mode="economic"), kinds="fc")
row(scipy_values.svdvals, (3, 2), call=lambda a: linalg["svd"](regular(a), compute_uv=False))
row(scipy_values.qr, (3, 2), call=lambda a: linalg["qr"](regular(a), mode="economic")[1])

# ---- functions of matrices, norms, special matrices -------------------------------------------------------------
for name, f in scipy_values.MATRIX_FUNCTIONS.items():
    domain = (-0.6, 0.6)
    kinds = "fc" if name not in ("logm", "sqrtm") else "f"
    scale = 8 if name == "tanm" else 2  # a tangent of matrices has poles nearby
    call = lambda a, name=name, scale=scale: linalg[name](regular(a) / scale)
    row(f, (3, 3), call=call, domain=domain, kinds=kinds)
row(scipy_values.norm, (2, 3), call=linalg["norm"], kinds="fc", axes="many")
for order in 1, -np.inf, "fro", 2:
    row(scipy_values.norm, (3, 2), call=lambda x, p=order: np.positive(linalg["norm"](regular(x), p)))
row(np.block, (2, 2), (1, 3), (), call=lambda a, b, c: linalg["block_diag"](a, b, c))
row(np.take, (3,), (4,), call=lambda c, r: linalg["toeplitz"](c, r), kinds="fc")
row(np.take, (3,), call=lambda c: linalg["toeplitz"](c), kinds="fc")
row(np.take, (3,), (4,), call=lambda c, r: linalg["hankel"](c, r))
row(np.take, (3,), call=lambda c: linalg["circulant"](c))

# ---- scipy.special --------------------------------------------------------------------------------------------
for name in "softmax", "log_softmax":
    row(getattr(scipy_values, name), (2, 3), call=special[name], axes="one")
row(scipy_values.lse, (2, 3), call=special["logsumexp"], axes="many", kinds="fc")
row(
    scipy_values.lse,
    (2, 3),
    (3,),
    call=lambda a, b: special["logsumexp"](a, axis=-1, b=b),
    domain=[WIDE, POSITIVE],
)
row(scipy_values.lse, (2, 3), (2, 1), call=lambda a, b: special["logsumexp"](a, b=b, axis=1, return_sign=True)[0],
    domain=[WIDE, (-3.0, -0.3)])  # fmt: skip
row(special_formulas.polygamma, "any", call=lambda x: special["polygamma"](2, x), domain=POSITIVE)
row(special_formulas.hurwitz, "any", call=lambda q: special["zeta"](2.5, q), domain=POSITIVE)
row(scipy_values.multigammaln, "any", call=lambda a: special["multigammaln"](a, 3), domain=(1.5, 4.0))
row(scipy_values.lambertw, "any", call=lambda z: special["lambertw"](z), domain=POSITIVE, kinds="fc")
