"""The derivatives of elliptic integrals and functions that take more than a line: by Carlson's integrals (DLMF 19.25).

In: values and arguments as NumPy arrays. Out: derivatives; Carlson's forms cancel nowhere.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from scipy import special


def ellipk_m(m: Any) -> Any:
    """dK/dm = R_D(0, 1, 1 - m) / 6."""
    return special.elliprd(0.0, 1.0, 1 - m) / 6


def ellipe_m(m: Any) -> Any:
    """dE/dm = -R_D(0, 1 - m, 1) / 6."""
    return -special.elliprd(0.0, 1 - m, 1.0) / 6


def ellipkinc_m(phi: Any, m: Any) -> Any:
    turns = np.round(phi / pi)  # F(phi + n pi) = F(phi) + 2 n K
    s, c = np.sin(phi), np.cos(phi)
    s = s * (1 - 2 * np.remainder(turns, 2))
    return s**3 * special.elliprd(c * c, 1.0, 1 - m * s * s) / 6 + 2 * turns * ellipk_m(m)


def ellipeinc_m(phi: Any, m: Any) -> Any:
    turns = np.round(phi / pi)
    s, c = np.sin(phi), np.cos(phi)
    s = s * (1 - 2 * np.remainder(turns, 2))
    return -(s**3) * special.elliprd(c * c, 1 - m * s * s, 1.0) / 6 + 2 * turns * ellipe_m(m)


def elliprd_x(y: Any, x: Any, b: Any, z: Any) -> Any:
    """d R_D(x, b, z) / dx = (R_D(b, z, x) - R_D(x, b, z)) / (2 (x - z)) (DLMF 19.18.4); its limit where x is z."""
    close = np.absolute(x - z) < 1e-5 * np.absolute(z)
    apart = (special.elliprd(b, z, np.where(close, 2 * z, x)) - np.where(close, 0.0, y)) / (
        2 * np.where(close, 1.0, x - z)
    )
    w = (x + z) / 2
    same = np.absolute(b - w) < 1e-3 * np.absolute(w)
    far = np.where(same, 2 * w, b)
    first = (special.elliprd(w, w, far + (far == 0)) - special.elliprd(far, w, w)) / (2 * (far - w))  # times far
    limit = (-1.5 * special.elliprd(far, w, w) - far * first) / (4 * w)
    e = (b - w) / w  # R_{-5/2}(1/2, 3; b, w) near b = w: its first terms
    near = -0.3 * w**-2.5 * (1 - 5 / 14 * e + 5 / 24 * e * e - 25 / 176 * e**3)
    return np.where(close, np.where(same, near, limit), apart)


def elliprd_z(y: Any, x: Any, b: Any, z: Any) -> Any:
    """By homogeneity: x d/dx + b d/db + z d/dz = -3/2."""
    parts = [v * elliprd_x(y, v + (v == 0), o, z) for v, o in ((x, b), (b, x))]  # v d/dv is 0 at v = 0
    return -(1.5 * y + parts[0] + parts[1]) / z


def elliprg_x(x: Any, y: Any, z: Any) -> Any:
    return (special.elliprf(x, y, z) - x * special.elliprd(y, z, x) / 3) / 4


def elliprj_x(r: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    return (special.elliprd(y, z, x) - r) / (2 * (x - p))


def elliprj_p(r: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    parts = x * elliprj_x(r, x, y, z, p) + y * elliprj_x(r, y, x, z, p) + z * elliprj_x(r, z, x, y, p)
    return -(1.5 * r + parts) / p


def agm_a(z: Any, a: Any, b: Any) -> Any:
    """From agm(a, b) = pi (a + b) / (4 K(m)), m = ((a - b) / (a + b))**2 (DLMF 19.8.5)."""
    s, d = a + b, a - b
    m = (d / s) ** 2
    return z / s - z * ellipk_m(m) / special.ellipk(m) * 4 * b * d / s**3


def ellipj_vjp_u(g: Any, out: Any, _u: Any, m: Any) -> Any:
    sn, cn, dn, _ = out  # DLMF 22.13.1-3
    return g[0] * cn * dn - g[1] * sn * dn - g[2] * m * sn * cn + g[3] * dn


def ellipj_vjp_m(g: Any, out: Any, _u: Any, m: Any) -> Any:
    sn, cn, dn, ph = out
    slope = -dn * ellipkinc_m(ph, m)  # u = F(ph, m) stays what it is
    by_dn = -(sn * sn + 2 * m * sn * cn * slope) / (2 * dn)
    return (g[0] * cn - g[1] * sn + g[3]) * slope + g[2] * by_dn
