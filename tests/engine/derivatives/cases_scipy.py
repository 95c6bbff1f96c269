"""One call at least for every derivative of SciPy's functions; cases.py takes them where SciPy is installed."""

from __future__ import annotations

from typing import Any

import scipy.special as sp

from gradmagic.engine.derivatives.scipy import special
from gradmagic.engine.derivatives.scipy import special_partials as special_formulas

from .rows import case

assert special  # its table is loaded

LOW, HIGH, PART = (-2.0, -0.3), (1.3, 4.0), (0.1, 0.9)  # PART: a probability
MINUS, POSITIVE, WIDE = (-3.0, -0.4), (0.4, 3.0), (-2.0, 2.0)


def row(function: Any, *domain: Any, kinds: str = "f", shapes: Any = None, **fixed: Any) -> None:
    """Add a case: `domain` has an interval for each argument that is tracked, a value for each that is constant."""
    tracked = [d for d in domain if isinstance(d, tuple)] or [WIDE]
    domain = domain or (WIDE,)

    def call(*xs: Any, domain: Any = domain) -> Any:
        rest = iter(xs)
        return function(*(next(rest) if isinstance(d, tuple) else d for d in domain))

    shapes = shapes or (
        ("any",) if len(tracked) == 1 else ("pair",) if len(tracked) == 2 else ((2, 3),) * len(tracked)
    )
    case(function, *shapes, call=call, domain=list(tracked), kinds=kinds, low=False, devices=False)


# ---- the logistic function, powers, angles --------------------------------------------------------------------
for f in sp.expit, sp.log_expit, sp.exp2, sp.exp10, sp.exprel, sp.cosm1, sp.sindg, sp.cosdg:
    row(f)
for f in sp.expm1, sp.erf, sp.erfc, sp.erfcx, sp.erfi, sp.dawsn, sp.log1p:
    row(f, POSITIVE, kinds="fc")
row(sp.logit, PART)
row(sp.cbrt, POSITIVE)
row(sp.tandg, (20.0, 60.0))
row(sp.cotdg, (20.0, 60.0))
row(sp.radian, POSITIVE, POSITIVE, POSITIVE)
for f in sp.boxcox, sp.boxcox1p, sp.powm1:
    row(f, POSITIVE, WIDE)
for f in sp.inv_boxcox, sp.inv_boxcox1p:
    row(f, POSITIVE, (0.2, 2.0))
row(sp.agm, POSITIVE, POSITIVE)

# ---- entropies and losses -------------------------------------------------------------------------------------
for f in sp.xlogy, sp.xlog1py:
    row(f, WIDE, POSITIVE, kinds="fc")
row(sp.entr, POSITIVE)
for f in sp.rel_entr, sp.kl_div:
    row(f, POSITIVE, POSITIVE)
row(sp.huber, 1.01, (-2.0, 2.0))
row(sp.huber, (0.3, 0.8), (1.0, 2.0))
row(sp.huber, (2.3, 2.8), (-2.0, 2.0))
row(sp.pseudo_huber, POSITIVE, WIDE)

# ---- gamma ----------------------------------------------------------------------------------------------------
for f in sp.gamma, sp.rgamma, sp.loggamma:
    row(f, POSITIVE)
for f in sp.gamma, sp.rgamma, sp.gammaln, sp.digamma:
    row(f, POSITIVE)
    row(f, (-0.8, -0.2))
row(special_formulas.polygamma, 2, POSITIVE)
row(special_formulas.hurwitz, 2.5, POSITIVE)
for f in sp.beta, sp.betaln, sp.poch:
    row(f, POSITIVE, POSITIVE)
row(sp.binom, (4.1, 6.0), (0.3, 2.0))
for f in sp.gammainc, sp.gammaincc:
    row(f, 2.5, POSITIVE)
for f in sp.gammaincinv, sp.gammainccinv:
    row(f, 2.5, PART)
for name in "betainc betaincc betaincinv betainccinv".split():
    if hasattr(sp, name):
        row(getattr(sp, name), 2.5, 1.5, PART)

# ---- error functions and integrals ----------------------------------------------------------------------------
row(sp.erfcx, (22.0, 40.0))
row(sp.dawsn, (22.0, 40.0))
case(sp.wofz, kinds="c", low=False, devices=False)
row(sp.erfinv, (-0.8, 0.8))
row(sp.erfcinv, (0.2, 1.8))
row(sp.voigt_profile, WIDE, POSITIVE, POSITIVE)
for f in sp.fresnel, sp.sici, sp.shichi:
    row(f, POSITIVE, kinds="fc")
for f in sp.modfresnelp, sp.modfresnelm:
    row(f, POSITIVE)  # at negative numbers SciPy's values jump
for f in sp.exp1, sp.expi:
    row(f, POSITIVE, kinds="fc")
for n in 0, 1, 3:
    row(sp.expn, n, POSITIVE)
row(sp.spence, (0.98, 1.02))
row(sp.spence, POSITIVE, kinds="fc")

# ---- Bessel functions -----------------------------------------------------------------------------------------
for f in sp.j0, sp.j1, sp.i0, sp.i1, sp.ber, sp.bei, sp.berp, sp.beip:
    row(f)
for f in (
    sp.y0,
    sp.y1,
    sp.k0,
    sp.k1,
    sp.k0e,
    sp.k1e,
    sp.ker,
    sp.kei,
    sp.kerp,
    sp.keip,
    sp.kelvin,
    sp.it2struve0,
):
    row(f, POSITIVE)
for f in sp.i0e, sp.i1e, sp.ive:
    rest = (1.5,) if f is sp.ive else ()
    row(f, *rest, POSITIVE)
    if f is not sp.ive:
        row(f, MINUS)
for f in sp.jv, sp.yv, sp.iv, sp.kv, sp.kve:
    row(f, 1.5, POSITIVE, kinds="fc")
    row(f, 0, POSITIVE)
for f in sp.hankel1, sp.hankel2, sp.hankel1e, sp.hankel2e:
    row(f, 1.5, POSITIVE, kinds="c")
for f in sp.jve, sp.yve, sp.struve, sp.modstruve:
    row(f, 1.5, POSITIVE)
for f in sp.yn, sp.kn:
    for n in 0, 2:
        row(f, n, POSITIVE)
for f in sp.itstruve0, sp.itmodstruve0, sp.itj0y0, sp.iti0k0, sp.it2j0y0, sp.it2i0k0:
    row(f, POSITIVE)
row(sp.besselpoly, POSITIVE, 1.5, 2.0)
row(sp.airy, WIDE, kinds="fc")
row(sp.airye, POSITIVE)
case(sp.airye, call=lambda x: sp.airye(x)[2:], domain=MINUS, low=False, devices=False)
row(sp.itairy, (0.2, 0.9))  # above 1 SciPy's values are good to 1e-7

# ---- elliptic functions ---------------------------------------------------------------------------------------
for f in sp.ellipk, sp.ellipe:
    row(f, (-1.0, 0.9))
row(sp.ellipkm1, (0.1, 0.9))
for f in sp.ellipkinc, sp.ellipeinc:
    row(f, (-1.4, 1.4), (-1.0, 0.8))
    row(f, (1.8, 4.5), (-1.0, 0.8))
row(sp.ellipj, (-3.0, 3.0), (0.1, 0.8))
row(sp.elliprc, POSITIVE, POSITIVE)
for f in sp.elliprf, sp.elliprd, sp.elliprg:
    row(f, (0.3, 0.9), (1.1, 1.9), (2.1, 3.0))
row(sp.elliprj, (0.3, 0.9), (1.1, 1.9), (2.1, 3.0), (3.2, 4.0))

# ---- hypergeometric and other functions -----------------------------------------------------------------------
row(sp.hyp0f1, 1.5, WIDE, kinds="fc")
row(sp.hyp1f1, 1.2, 2.3, WIDE, kinds="fc")
row(sp.hyp2f1, 1.2, 0.7, 2.3, (-0.8, 0.8), kinds="f")
row(sp.hyperu, 1.2, 2.3, POSITIVE)
for f in sp.pbdv, sp.pbvv:
    row(f, 1.5, POSITIVE)
row(sp.pbwa, 0.5, (0.4, 2.0))
row(sp.lpmv, 1, 2.0, (-0.8, 0.8))
row(sp.wright_bessel, 0.7, 1.2, POSITIVE)
row(sp.wrightomega, WIDE, kinds="fc")
if hasattr(sp, "log_wright_bessel"):
    row(sp.log_wright_bessel, 0.7, 1.2, POSITIVE)

# ---- orthogonal polynomials -----------------------------------------------------------------------------------
for n in 0, 1, 4:
    for f in (
        sp.eval_chebyt,
        sp.eval_chebyu,
        sp.eval_chebyc,
        sp.eval_chebys,
        sp.eval_legendre,
        sp.eval_laguerre,
    ):
        row(f, n, (-0.8, 0.8), kinds="fc")
    for f in sp.eval_sh_chebyt, sp.eval_sh_chebyu, sp.eval_sh_legendre:
        row(f, n, PART)
    for f in sp.eval_hermite, sp.eval_hermitenorm:
        row(f, n, WIDE)
    row(sp.eval_gegenbauer, n, 1.5, (-0.8, 0.8))
    row(sp.eval_genlaguerre, n, 1.5, POSITIVE)
    row(sp.eval_jacobi, n, 1.5, 0.5, (-0.8, 0.8))
    row(sp.eval_sh_jacobi, n, 2.5, 1.5, PART)
row(sp.eval_legendre, 2.5, (-0.8, 0.8))

# ---- distributions --------------------------------------------------------------------------------------------
for f in sp.ndtr, sp.log_ndtr:
    row(f)
row(sp.ndtri, PART)
row(sp.ndtri_exp, (-3.0, -0.2))
row(sp.nrdtrimn, (0.1, 0.4), POSITIVE, WIDE)
row(sp.nrdtrisd, (3.1, 4.0), (0.1, 0.4), (1.0, 3.0))
row(sp.stdtr, 3.5, WIDE)
row(sp.stdtrit, 3.5, PART)
for f in sp.chdtr, sp.chdtrc:
    row(f, 3.5, POSITIVE)
row(sp.chdtri, 3.5, PART)
row(sp.chndtr, POSITIVE, 3.5, POSITIVE)
row(sp.chndtrix, PART, 3.5, POSITIVE)
row(sp.chndtrinc, (1.0, 3.0), 2.5, (0.1, 0.2))
for f in sp.fdtr, sp.fdtrc:
    row(f, 3.5, 4.5, POSITIVE)
row(sp.fdtri, 3.5, 4.5, PART)
for f in sp.gdtr, sp.gdtrc:
    row(f, POSITIVE, 2.5, POSITIVE)
row(sp.gdtria, PART, 2.5, POSITIVE)
row(sp.gdtrix, POSITIVE, 2.5, PART)
for f in sp.pdtr, sp.pdtrc:
    row(f, 2, POSITIVE)
row(sp.pdtri, 2, PART)
for f in sp.bdtr, sp.bdtrc, sp.bdtri, sp.nbdtr, sp.nbdtrc, sp.nbdtri:
    row(f, 2, 5, PART)
row(sp.tklmbda, (-0.8, 0.8), 0.7)
row(sp.owens_t, WIDE, WIDE)
row(sp.kolmogorov, (0.5, 1.6))
row(sp.kolmogi, (0.2, 0.8))
