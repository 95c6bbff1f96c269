"""Derivatives of SciPy's universal functions, grouped as the manual of scipy.special groups them.

Loaded when a tracked value first meets a function of scipy.special, never before: gradmagic does not import SciPy.
One `partial(out, *args)` for each argument; None: an order or a count, by which there is no derivative. The formulas
are those of the Digital Library of Mathematical Functions (DLMF, https://dlmf.nist.gov); a chapter stands at its group.
"""

from math import log, pi, sqrt

import numpy as np
from scipy import special as sp

from scipy.special import (  # isort: skip
    digamma, erf, eval_jacobi, expit, hyp0f1, hyp1f1, hyp2f1, hyperu, i0, i0e, i1, i1e, iv, ive, j0, j1, jv, jve,
    k0, k0e, k1, k1e, ndtri, y0, y1, yv, yve,
)

from ....language import mark
from ...rules.declare import constant, elementwise, rule
from ...rules.rule import SAME
from ..numpy.partials import power_x, power_y, reads
from ..ordered import ordered, refused

from .elliptic import (  # isort: skip
    agm_a, ellipe_m, ellipeinc_m, ellipj_vjp_m, ellipj_vjp_u, ellipk_m, ellipkinc_m, elliprd_x, elliprd_z,
    elliprg_x, elliprj_p, elliprj_x,
)
from .special_partials import (  # isort: skip
    SQRT_2PI, SQRT_PI, airy_vjp, airye_vjp, beta_density, binomial_density, boxcox_slope, chi2_density,
    dawsn_slope, digamma_step, erfcx_slope, expn_slope, exprel_slope, f_density, fresnel_vjp, gamma_density,
    gegenbauer, hurwitz, it2_vjp, itairy_vjp, kelvin_vjp, kl_div_x, kolmogorov_density, log_ndtr_slope,
    modfresnel_vjp, ncx2_density, normal_density, over_x, polygamma, pseudo_huber_d, ratio, real, rel_entr_x,
    rgamma_slope, sinc, sinhc, spence_slope, struve_term, t_density, trigamma, voigt_gamma, voigt_sigma, voigt_x,
    wofz_slope, xlog1py_x, xlogy_x,
)

# ---- the logistic function ------------------------------------------------------------------------------------
# y * (1 - y) in the far tail, where 1 - y is 0:
elementwise(sp.expit,        reads("y * (1 - y)")(lambda y, x: y * expit(-x)),              torch="Sigmoid")
elementwise(sp.logit,        lambda _y, x: 1 / (x * (1 - x)),                               torch="Logit")
elementwise(sp.log_expit,    lambda _y, x: expit(-x),                                       torch="LogSigmoid")

# ---- powers, logarithms, angles in degrees --------------------------------------------------------------------
elementwise(sp.exp2,         lambda y, _x: y * log(2))
elementwise(sp.exp10,        lambda y, _x: y * log(10))
elementwise(sp.expm1,        lambda _y, x: np.exp(x))
elementwise(sp.exprel,       lambda _y, x: exprel_slope(x))
elementwise(sp.log1p,        lambda _y, x: 1 / (1 + x))
elementwise(sp.cbrt,         lambda y, _x: 1 / (3 * y * y))
elementwise(sp.powm1,        power_x,                             reads("(z + 1) * log(x)")(
                                 lambda _z, x, y: power_y(x**y, x, y)))
elementwise(sp.cosm1,        lambda _y, x: -np.sin(x))
elementwise(sp.sindg,        lambda _y, x: pi / 180 * sp.cosdg(x))
elementwise(sp.cosdg,        lambda _y, x: -pi / 180 * sp.sindg(x))
elementwise(sp.tandg,        lambda y, _x: pi / 180 * (1 + y * y))
elementwise(sp.cotdg,        lambda y, _x: -pi / 180 * (1 + y * y))
ordered(sp.radian,           lambda _y, _d, _m, _s: pi / 180,     lambda _y, _d, _m, _s: pi / 10800,
                             lambda _y, _d, _m, _s: pi / 648000)
elementwise(sp.boxcox,       lambda _z, x, lmbda: x ** (lmbda - 1), lambda _z, x, lmbda: boxcox_slope(np.log(x), lmbda))
elementwise(sp.boxcox1p,     lambda _z, x, lmbda: (1 + x) ** (lmbda - 1),
                             lambda _z, x, lmbda: boxcox_slope(np.log1p(x), lmbda))
elementwise(sp.inv_boxcox,   lambda z, y, lmbda: z / (1 + lmbda * y),
                             lambda z, y, lmbda: -boxcox_slope(np.log(z), lmbda) * (z / (1 + lmbda * y)))
elementwise(sp.inv_boxcox1p, lambda z, y, lmbda: (1 + z) / (1 + lmbda * y),
                             lambda z, y, lmbda: -boxcox_slope(np.log1p(z), lmbda) * ((1 + z) / (1 + lmbda * y)))
elementwise(sp.agm,          lambda z, a, b: agm_a(z, a, b),      lambda z, a, b: agm_a(z, b, a))

# ---- entropies and losses: 0 where x is 0 ---------------------------------------------------------------------
elementwise(sp.xlogy,        xlogy_x,                             lambda _z, x, y: ratio(x, y),         torch="Xlogy")
elementwise(sp.xlog1py,      xlog1py_x, lambda _z, x, y: ratio(x, 1 + y), torch="SpecialXlog1Py")
elementwise(sp.entr,         lambda _y, x: -np.log(x) - 1,                                       torch="SpecialEntr")
ordered(sp.rel_entr,         rel_entr_x,                          lambda _z, x, y: -ratio(x, y))
ordered(sp.kl_div,           kl_div_x,                            lambda _z, x, y: 1 - ratio(x, y))
elementwise(sp.huber,        lambda _z, d, r: np.maximum(np.absolute(r) - d, 0), lambda _z, d, r: np.clip(r, -d, d))
elementwise(sp.pseudo_huber, pseudo_huber_d,                      lambda _z, d, r: r / np.hypot(1, r / d))

# ---- gamma and its kin: DLMF 5, 8 -----------------------------------------------------------------------------
elementwise(sp.gamma,        lambda y, x: y * digamma(x))
elementwise(sp.rgamma,       rgamma_slope)
elementwise(sp.gammaln,      lambda _y, x: digamma(x),                                           torch="Lgamma")
elementwise(sp.loggamma,     lambda _y, x: digamma(x),                                           torch="Lgamma")
ordered(sp.digamma,          trigamma,                                                           torch="Digamma")
ordered(polygamma,           None,                                lambda _y, n, x: polygamma(n + 1, x))
ordered(hurwitz,             None,                                lambda _y, s, q: -s * hurwitz(s + 1, q))
ordered(sp.beta,             lambda z, a, b: -z * digamma_step(a, b), lambda z, a, b: -z * digamma_step(b, a))
ordered(sp.betaln,           lambda _z, a, b: -digamma_step(a, b),    lambda _z, a, b: -digamma_step(b, a))
ordered(sp.binom,            lambda z, n, k: z * digamma_step(n - k + 1, k),
                             lambda z, n, k: z * (digamma(n - k + 1) - digamma(k + 1)))
ordered(sp.poch,             lambda y, z, m: y * digamma_step(z, m), lambda y, z, m: y * digamma(z + m))
ordered(sp.gammainc,         None, lambda _y, a, x: gamma_density(a, x))
ordered(sp.gammaincc,        None, lambda _y, a, x: -gamma_density(a, x))
ordered(sp.gammaincinv,      None, lambda y, a, _p: 1 / gamma_density(a, y))
ordered(sp.gammainccinv,     None, lambda y, a, _p: -1 / gamma_density(a, y))
ordered(sp.betainc,          None, None, lambda _y, a, b, x: beta_density(a, b, x))
ordered(sp.betaincinv,       None, None, lambda y, a, b, _p: 1 / beta_density(a, b, y))
if hasattr(sp, "betaincc"):
    ordered(sp.betaincc,     None, None, lambda _y, a, b, x: -beta_density(a, b, x))
    ordered(sp.betainccinv,  None, None, lambda y, a, b, _p: -1 / beta_density(a, b, y))

# ---- error functions, Fresnel and exponential integrals: DLMF 6, 7, 25.12 ---------------------------------------
elementwise(sp.erf,          lambda _y, x: 2 / SQRT_PI * np.exp(-x * x),                         torch="Erf")
elementwise(sp.erfc,         lambda _y, x: -2 / SQRT_PI * np.exp(-x * x),                        torch="Erfc")
elementwise(sp.erfcx,        erfcx_slope,                                                        torch="SpecialErfcx")
elementwise(sp.erfi,         lambda _y, x: 2 / SQRT_PI * np.exp(x * x))
elementwise(sp.dawsn,        dawsn_slope)
rule(sp.wofz,                lambda g, y, z: g * np.conj(wofz_slope(y, z)))  # of real numbers complex: no `elementwise`
elementwise(sp.erfinv,       lambda y, _x: SQRT_PI / 2 * np.exp(y * y),                          torch="Erfinv")
elementwise(sp.erfcinv,      lambda y, _x: -SQRT_PI / 2 * np.exp(y * y))
elementwise(sp.voigt_profile, voigt_x, voigt_sigma, voigt_gamma)
rule(sp.fresnel,             fresnel_vjp,                                                        outputs=2)
rule(sp.modfresnelp,         modfresnel_vjp(1),                                                  outputs=2)
rule(sp.modfresnelm,         modfresnel_vjp(-1),                                                 outputs=2)
elementwise(sp.exp1,         lambda _y, x: -np.exp(-x) / x)
elementwise(sp.expi,         lambda _y, x: np.exp(x) / x)
ordered(sp.expn,             None, expn_slope)
rule(sp.sici,                lambda g, _out, x: g[0] * np.conj(sinc(x)) + g[1] * np.conj(np.cos(x) / x),   outputs=2)
rule(sp.shichi,              lambda g, _out, x: g[0] * np.conj(sinhc(x)) + g[1] * np.conj(np.cosh(x) / x), outputs=2)
elementwise(sp.spence,       spence_slope)

# ---- Bessel functions: DLMF 10, 11; by the argument, not by the order -------------------------------------------
elementwise(sp.j0,           lambda _y, x: -j1(x), torch="SpecialBesselJ0")
elementwise(sp.j1,           reads("j0(x) - y / x")(lambda _y, x: (j0(x) - jv(2, x)) / 2), torch="SpecialBesselJ1")
elementwise(sp.y0,           lambda _y, x: -y1(x), torch="SpecialBesselY0")
elementwise(sp.y1,           lambda y, x: y0(x) - y / x, torch="SpecialBesselY1")
elementwise(sp.i0,           lambda _y, x: i1(x),                                                torch="I0Backward0")
elementwise(sp.i1,           reads("i0(x) - y / x")(lambda _y, x: (i0(x) + iv(2, x)) / 2),       torch="SpecialI1")
elementwise(sp.i0e,          lambda y, x: i1e(x) - np.sign(x) * y,                               torch="SpecialI0E")
elementwise(sp.i1e,          reads("i0e(x) - y / x - sign(x) * y")(
                                 lambda y, x: (i0e(x) + ive(2, x)) / 2 - np.sign(x) * y),
                                                                                                 torch="SpecialI1E")
elementwise(sp.k0,           lambda _y, x: -k1(x), torch="SpecialModifiedBesselK0")
elementwise(sp.k1,           lambda y, x: -k0(x) - y / x, torch="SpecialModifiedBesselK1")
elementwise(sp.k0e,          lambda y, x: y - k1e(x), torch="SpecialScaledModifiedBesselK0")
elementwise(sp.k1e,          lambda y, x: y - k0e(x) - y / x, torch="SpecialScaledModifiedBesselK1")
ordered(sp.jv,               None, lambda _y, v, x: (jv(v - 1, x) - jv(v + 1, x)) / 2)
ordered(sp.jve,              None, lambda _y, v, x: (jve(v - 1, real(x, "jve")) - jve(v + 1, x)) / 2)
ordered(sp.yv,               None, lambda _y, v, x: (yv(v - 1, x) - yv(v + 1, x)) / 2)
ordered(sp.yve,              None, lambda _y, v, x: (yve(v - 1, real(x, "yve")) - yve(v + 1, x)) / 2)
ordered(sp.yn,               None, lambda _y, n, x: (sp.yn(np.trunc(n) - 1, x) - sp.yn(n + 1, x)) / 2)
ordered(sp.iv,               None, lambda _y, v, x: (iv(v - 1, x) + iv(v + 1, x)) / 2)
ordered(sp.ive,              None, lambda y, v, x: (ive(v - 1, real(x, "ive")) + ive(v + 1, x)) / 2 - np.sign(x) * y)
ordered(sp.kv,               None, lambda _y, v, x: -(sp.kv(v - 1, x) + sp.kv(v + 1, x)) / 2)
ordered(sp.kve,              None, lambda y, v, x: y - (sp.kve(v - 1, x) + sp.kve(v + 1, x)) / 2)
ordered(sp.kn,               None, lambda _y, n, x: -(sp.kn(abs(np.trunc(n) - 1), x) + sp.kn(n + 1, x)) / 2)
ordered(sp.hankel1,          None, lambda _y, v, z: (sp.hankel1(v - 1, z) - sp.hankel1(v + 1, z)) / 2)
ordered(sp.hankel2,          None, lambda _y, v, z: (sp.hankel2(v - 1, z) - sp.hankel2(v + 1, z)) / 2)
ordered(sp.hankel1e,         None, lambda y, v, z: (sp.hankel1e(v - 1, z) - sp.hankel1e(v + 1, z)) / 2 - y * 1j)
ordered(sp.hankel2e,         None, lambda y, v, z: (sp.hankel2e(v - 1, z) - sp.hankel2e(v + 1, z)) / 2 + y * 1j)
ordered(sp.struve,           None, lambda _y, v, x: (sp.struve(v - 1, x) - sp.struve(v + 1, x) + struve_term(v, x)) / 2)
ordered(sp.modstruve,        None,
                             lambda _y, v, x: (sp.modstruve(v - 1, x) + sp.modstruve(v + 1, x) + struve_term(v, x)) / 2)
ordered(sp.itstruve0,        lambda _y, x: sp.struve(0, x))
ordered(sp.it2struve0,       lambda _y, x: -sp.struve(0, x) / x)
ordered(sp.itmodstruve0,     lambda _y, x: sp.modstruve(0, x))
rule(sp.itj0y0,              lambda g, _out, x: g[0] * j0(x) + g[1] * y0(x),                     outputs=2)
rule(sp.iti0k0,              lambda g, _out, x: g[0] * i0(x) + g[1] * k0(x),                     outputs=2)
rule(sp.it2j0y0,             it2_vjp(lambda x: over_x(1 - j0(x), x, 0.0), y0),                   outputs=2)
rule(sp.it2i0k0,             it2_vjp(lambda x: over_x(i0(x) - 1, x, 0.0), k0),                   outputs=2)
ordered(sp.besselpoly,       lambda _y, a, l, n: sp.besselpoly(a, l + 1, n - 1) - sp.besselpoly(a, l + 1, n + 1),
                             None, None)
rule(sp.airy,                airy_vjp,                                                           outputs=4)
rule(sp.airye,               airye_vjp,                                                          outputs=4)
rule(sp.itairy,              itairy_vjp,
                                                                                                 outputs=4)
rule(sp.kelvin,              kelvin_vjp,                                                         outputs=4)
elementwise(sp.ber,          lambda _y, x: sp.berp(x))
elementwise(sp.bei,          lambda _y, x: sp.beip(x))
elementwise(sp.ker,          lambda _y, x: sp.kerp(x))
elementwise(sp.kei,          lambda _y, x: sp.keip(x))
elementwise(sp.berp,         reads("-bei(x) - y / x")(lambda y, x: -sp.bei(x) - over_x(y, x, 0.0)))
elementwise(sp.beip,         reads("ber(x) - y / x")(lambda y, x: sp.ber(x) - over_x(y, x, 0.5)))
elementwise(sp.kerp,         lambda y, x: -sp.kei(x) - y / x)
elementwise(sp.keip,         lambda y, x: sp.ker(x) - y / x)

# ---- elliptic integrals and functions: DLMF 19, 22 --------------------------------------------------------------
elementwise(sp.ellipk,       reads("(E(m) - (1 - m)*K(m)) / (2*m*(1 - m))")(lambda _y, m: ellipk_m(m)))
elementwise(sp.ellipkm1,     lambda _y, p: -sp.elliprd(0.0, 1.0, p) / 6)
elementwise(sp.ellipe,       reads("(E(m) - K(m)) / (2*m)")(lambda _y, m: ellipe_m(m)))
elementwise(sp.ellipkinc,    lambda _y, phi, m: 1 / np.sqrt(1 - m * np.sin(phi) ** 2),
                             lambda _y, phi, m: ellipkinc_m(phi, m))
elementwise(sp.ellipeinc,    lambda _y, phi, m: np.sqrt(1 - m * np.sin(phi) ** 2),
                             lambda _y, phi, m: ellipeinc_m(phi, m))
elementwise(sp.elliprc,      lambda _r, x, y: -sp.elliprd(y, y, x) / 6, lambda _r, x, y: -sp.elliprd(x, y, y) / 3)
elementwise(sp.elliprf,      lambda _r, x, y, z: -sp.elliprd(y, z, x) / 6, lambda _r, x, y, z: -sp.elliprd(x, z, y) / 6,
                             lambda _r, x, y, z: -sp.elliprd(x, y, z) / 6)
elementwise(sp.elliprd,      lambda r, x, y, z: elliprd_x(r, x, y, z),         lambda r, x, y, z: elliprd_x(r, y, x, z),
                             lambda r, x, y, z: elliprd_z(r, x, y, z))
elementwise(sp.elliprg,      lambda _r, x, y, z: elliprg_x(x, y, z),           lambda _r, x, y, z: elliprg_x(y, x, z),
                             lambda _r, x, y, z: elliprg_x(z, x, y))
elementwise(sp.elliprj,      lambda r, x, y, z, p: elliprj_x(r, x, y, z, p),
                             lambda r, x, y, z, p: elliprj_x(r, y, x, z, p),
                             lambda r, x, y, z, p: elliprj_x(r, z, x, y, p),
                             lambda r, x, y, z, p: elliprj_p(r, x, y, z, p))
rule(sp.ellipj,              ellipj_vjp_u, ellipj_vjp_m,                                         outputs=4)

# ---- hypergeometric, parabolic cylinder and other functions: DLMF 10.46, 12, 13, 15 -----------------------------
ordered(sp.hyp0f1,           None, lambda _y, v, z: hyp0f1(v + 1, z) / v)
ordered(sp.hyp1f1,           None, None, lambda _y, a, b, x: a / b * hyp1f1(a + 1, b + 1, x))
ordered(sp.hyp2f1,           None, None, None, lambda _y, a, b, c, z: a * b / c * hyp2f1(a + 1, b + 1, c + 1, z))
ordered(sp.hyperu,           None, None, lambda _y, a, b, x: -a * hyperu(a + 1, b + 1, x))
rule(sp.pbdv,                None, lambda g, out, v, x: g[0] * out[1] + g[1] * (x * x / 4 - v - 0.5) * out[0],
                             outputs=2)
rule(sp.pbvv,                None, lambda g, out, v, x: g[0] * out[1] + g[1] * (x * x / 4 - v - 0.5) * out[0],
                             outputs=2)
rule(sp.pbwa,                None, lambda g, out, a, x: g[0] * out[1] + g[1] * (a - x * x / 4) * out[0], outputs=2)
ordered(sp.lpmv,             None, None, lambda y, m, v, x: ((v + m) * sp.lpmv(m, v - 1, x) - v * x * y) / (1 - x * x))
ordered(sp.wright_bessel,    None, None, lambda _y, a, b, x: sp.wright_bessel(a, a + b, x))
elementwise(sp.wrightomega,  lambda y, _z: y / (1 + y))
if hasattr(sp, "log_wright_bessel"):
    ordered(sp.log_wright_bessel, None, None, lambda y, a, b, x: np.exp(sp.log_wright_bessel(a, a + b, x) - y))

# ---- orthogonal polynomials: DLMF 18.9 ------------------------------------------------------------------------
ordered(sp.eval_chebyt,      None, lambda _y, n, x: n * sp.eval_chebyu(n - 1, x))
ordered(sp.eval_chebyu,      None, lambda _y, n, x: 2 * gegenbauer(n - 1, 2, x))
ordered(sp.eval_chebyc,      None, lambda _y, n, x: n * sp.eval_chebys(n - 1, x))
ordered(sp.eval_chebys,      None, lambda _y, n, x: gegenbauer(n - 1, 2, x / 2))
ordered(sp.eval_sh_chebyt,   None, lambda _y, n, x: 2 * n * sp.eval_sh_chebyu(n - 1, x))
ordered(sp.eval_sh_chebyu,   None, lambda _y, n, x: 4 * gegenbauer(n - 1, 2, 2 * x - 1))
ordered(sp.eval_legendre,    None, lambda _y, n, x: (n + 1) / 2 * eval_jacobi(n - 1, 1, 1, x))
ordered(sp.eval_sh_legendre, None, lambda _y, n, x: (n + 1) * eval_jacobi(n - 1, 1, 1, 2 * x - 1))
ordered(sp.eval_gegenbauer,  None, None, lambda _y, n, a, x: 2 * a * gegenbauer(n - 1, a + 1, x))
ordered(sp.eval_jacobi,      None, None, None,
                             lambda _y, n, a, b, x: (n + a + b + 1) / 2 * eval_jacobi(n - 1, a + 1, b + 1, x))
ordered(sp.eval_sh_jacobi,   None, None, None,
        lambda _y, n, p, q, x: (n + p) * eval_jacobi(n - 1, p - q + 1, q, 2 * x - 1) / sp.binom(2 * n + p - 1, n))
ordered(sp.eval_laguerre,    None, lambda _y, n, x: -sp.eval_genlaguerre(n - 1, 1, x))
ordered(sp.eval_genlaguerre, None, None, lambda _y, n, a, x: -sp.eval_genlaguerre(n - 1, a + 1, x))
ordered(sp.eval_hermite,     None, lambda _y, n, x: 2 * n * sp.eval_hermite(np.maximum(n - 1, 0), x))
ordered(sp.eval_hermitenorm, None, lambda _y, n, x: n * sp.eval_hermitenorm(np.maximum(n - 1, 0), x))

# ---- distributions: a density, or one over it -------------------------------------------------------------------
elementwise(sp.ndtr,         lambda _y, x: np.exp(-x * x / 2) / sqrt(2 * pi),                    torch="SpecialNdtr")
elementwise(sp.log_ndtr,     log_ndtr_slope,                                                     torch="SpecialLogNdtr")
elementwise(sp.ndtri,        lambda y, _p: SQRT_2PI * np.exp(y * y / 2),                         torch="SpecialNdtri")
elementwise(sp.ndtri_exp,    lambda y, x: SQRT_2PI * np.exp(x + y * y / 2))
elementwise(sp.nrdtrimn,     lambda _y, p, sd, _x: -sd / normal_density(ndtri(p)),  lambda _y, p, _sd, _x: -ndtri(p),
                             SAME)
elementwise(sp.nrdtrisd,     lambda _y, _m, p, _x: -1 / ndtri(p),
                             lambda y, _m, p, _x: -y / (ndtri(p) * normal_density(ndtri(p))),
                             lambda _y, _m, p, _x: 1 / ndtri(p))
ordered(sp.stdtr,            None, lambda _y, df, t: t_density(df, t))
ordered(sp.stdtrit,          None, lambda y, df, _p: 1 / t_density(df, y))
ordered(sp.chdtr,            None, lambda _y, v, x: chi2_density(v, x))
ordered(sp.chdtrc,           None, lambda _y, v, x: -chi2_density(v, x))
ordered(sp.chdtri,           None, lambda y, v, _p: -1 / chi2_density(v, y))
ordered(sp.chndtr,           lambda _y, x, k, nc: ncx2_density(x, k, nc), None,
                             lambda _y, x, k, nc: -ncx2_density(x, k + 2, nc))
ordered(sp.chndtrix,         lambda y, _p, k, nc: 1 / ncx2_density(y, k, nc), None,
                             lambda y, _p, k, nc: ncx2_density(y, k + 2, nc) / ncx2_density(y, k, nc))
ordered(sp.chndtrinc,        lambda y, x, k, _p: ncx2_density(x, k, y) / ncx2_density(x, k + 2, y), None,
                             lambda y, x, k, _p: -1 / ncx2_density(x, k + 2, y))
ordered(sp.fdtr,             None, None, lambda _y, n, d, x: f_density(n, d, x))
ordered(sp.fdtrc,            None, None, lambda _y, n, d, x: -f_density(n, d, x))
ordered(sp.fdtri,            None, None, lambda y, n, d, _p: 1 / f_density(n, d, y))
ordered(sp.gdtr,             lambda _y, a, b, x: x * gamma_density(b, a * x), None,
                             lambda _y, a, b, x: a * gamma_density(b, a * x))
ordered(sp.gdtrc,            lambda _y, a, b, x: -x * gamma_density(b, a * x), None,
                             lambda _y, a, b, x: -a * gamma_density(b, a * x))
ordered(sp.gdtria,           lambda y, _p, b, x: 1 / (x * gamma_density(b, x * y)), None, lambda y, _p, _b, x: -y / x)
ordered(sp.gdtrix,           lambda y, a, _b, _p: -y / a, None, lambda y, a, b, _p: 1 / (a * gamma_density(b, a * y)))
ordered(sp.pdtr,             None, lambda _y, k, m: -gamma_density(np.floor(k) + 1, m))
ordered(sp.pdtrc,            None, lambda _y, k, m: gamma_density(np.floor(k) + 1, m))
ordered(sp.pdtri,            None, lambda y, k, _p: -1 / gamma_density(np.floor(k) + 1, y))
ordered(sp.bdtr,             None, None, lambda _y, k, n, p: -binomial_density(k, n, p))
ordered(sp.bdtrc,            None, None, lambda _y, k, n, p: binomial_density(k, n, p))
ordered(sp.bdtri,            None, None, lambda y, k, n, _p: -1 / binomial_density(k, n, y))
ordered(sp.nbdtr,            None, None, lambda _y, k, n, p: beta_density(np.trunc(n), np.trunc(k) + 1, p))
ordered(sp.nbdtrc,           None, None, lambda _y, k, n, p: -beta_density(np.trunc(n), np.trunc(k) + 1, p))
ordered(sp.nbdtri,           None, None, lambda y, k, n, _p: 1 / beta_density(np.trunc(n), np.trunc(k) + 1, y))
ordered(sp.tklmbda,          lambda y, _x, l: 1 / (y ** (l - 1) + (1 - y) ** (l - 1)), None)
elementwise(sp.owens_t,      lambda _y, h, a: -np.exp(-h * h / 2) * erf(a * h / sqrt(2)) / (2 * SQRT_2PI),
                             lambda _y, h, a: np.exp(-h * h * (1 + a * a) / 2) / (2 * pi * (1 + a * a)))
elementwise(sp.kolmogorov,   lambda _y, x: -kolmogorov_density(x))
elementwise(sp.kolmogi,      lambda y, _p: -1 / kolmogorov_density(y))

# ---- steps: no derivative -------------------------------------------------------------------------------------
constant(sp.gammasgn, sp.round)

# ---- without a derivative in closed form ------------------------------------------------------------------------
_SHAPE = mark("it solves for a shape parameter, whose derivative has no closed form")
refused(_SHAPE, sp.btdtria, sp.btdtrib, sp.gdtrib, sp.chdtriv, sp.pdtrik, sp.bdtrik, sp.bdtrin, sp.nbdtrik, sp.nbdtrin)
refused(_SHAPE, sp.stdtridf, sp.fdtridfd, sp.chndtridf, sp.nctdtridf, sp.nctdtrinc, sp.ncfdtridfd,
        sp.ncfdtridfn, sp.ncfdtrinc)
refused(mark("the densities of the non-central t and F have no closed form"), sp.nctdtr, sp.nctdtrit, sp.ncfdtr,
        sp.ncfdtri)
refused(mark("the density of Smirnov's statistic is a sum of its own"), sp.smirnov, sp.smirnovi)
refused(mark("the derivative of Riemann's zeta function has no closed form"), sp.zetac)
refused(mark("the characteristic values of Mathieu's equation have no derivative in closed form"), sp.mathieu_a,
        sp.mathieu_b)
refused(mark("the functions of Mathieu come with their own derivative, the second result, and not by q"),
        sp.mathieu_cem, sp.mathieu_sem, sp.mathieu_modcem1, sp.mathieu_modcem2, sp.mathieu_modsem1,
        sp.mathieu_modsem2)
refused(mark("the spheroidal functions come with their own derivative, the second result, and not by c"),
        sp.obl_ang1, sp.obl_rad1, sp.obl_rad2, sp.obl_ang1_cv, sp.obl_rad1_cv, sp.obl_rad2_cv, sp.pro_ang1, sp.pro_rad1,
        sp.pro_rad2, sp.pro_ang1_cv, sp.pro_rad1_cv, sp.pro_rad2_cv)
refused(mark("characteristic values of spheroidal functions have no derivative in closed form"), sp.obl_cv, sp.pro_cv)
if hasattr(sp, "sph_harm"):  # until SciPy 1.16
    refused(mark("it is complex and of two angles: sph_harm of real and imaginary part has to be written out"),
            sp.sph_harm)
