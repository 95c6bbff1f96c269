"""Derivatives of SciPy's functions against PyTorch's and JAX's on the same points. For developers: needs both of them.

    PYTHONPATH=. python tests/outside/compare_scipy.py

Prints the largest relative difference of each function, first and second derivative; exits with 1 if one is above 1e-6.
"""

from __future__ import annotations

import sys

import jax
import numpy as np
import scipy.special as sp
import torch

import gradmagic as gm
from gradmagic.engine.derivatives.scipy.linalg import FOLLOWED

jax.config.update("jax_enable_x64", True)
js, jl = jax.scipy.special, jax.scipy.linalg
fl, fs = FOLLOWED["scipy.linalg"], FOLLOWED["scipy.special"]
WIDE, POSITIVE, PART = np.linspace(-2.9, 2.9, 24), np.linspace(0.2, 4.0, 24), np.linspace(0.02, 0.98, 24)
FAR = np.array([-30.0, -8.0, 8.0, 30.0])

UNARY = {
    "log_ndtr ndtr erf erfc i0 i1 i0e i1e": (WIDE, FAR),
    "expit": (WIDE,),  # far out JAX and PyTorch lose it: 1 - y is rounded
    "gammaln digamma gamma entr exp1 expi": (POSITIVE,),
    "logit ndtri": (PART,),
}
BINARY = {"xlogy": (POSITIVE, POSITIVE[::-1]), "xlog1py": (POSITIVE, POSITIVE[::-1]), "rel_entr": (PART, POSITIVE),
          "kl_div": (PART, POSITIVE), "betaln": (POSITIVE, POSITIVE[::-1])}  # fmt: skip
TORCH = {"expit": "expit", "log_ndtr": "log_ndtr", "ndtr": "ndtr", "ndtri": "ndtri", "erf": "erf", "erfc": "erfc",
         "erfcx": "erfcx", "erfinv": "erfinv", "gammaln": "gammaln", "entr": "entr", "logit": "logit",
         "i0": "i0", "i1": "i1", "i0e": "i0e", "i1e": "i1e"}  # fmt: skip
MATRIX = np.array([[2.0, 0.3, -0.2], [0.1, 1.0, 0.4], [0.3, -0.1, 1.5]])
SPREAD = MATRIX @ MATRIX.T


def torch_slope(name: str, x: np.ndarray) -> np.ndarray:
    t = torch.tensor(x, requires_grad=True)
    getattr(torch.special, name)(t).sum().backward()
    return t.grad.numpy()


def main() -> int:
    worst: list[tuple[float, str]] = []

    def compare(name: str, ours: object, theirs: object) -> None:
        a, b = np.asarray(ours), np.asarray(theirs)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        worst.append((float(np.max(np.where(same, 0, np.abs(a - b) / (np.abs(b) + 1e-300)))), name))

    for names, grids in UNARY.items():
        for name in names.split():
            for x in grids:
                f, g = getattr(sp, name), getattr(js, name)
                compare(f"jax {name}", gm.elementwise_grad(f)(x), jax.vmap(jax.grad(g))(x))
                if x is grids[0] and name != "exp1":  # JAX fails
                    second = gm.elementwise_grad(gm.elementwise_grad(f))(x)
                    compare(f"jax {name}''", second, jax.vmap(jax.grad(jax.grad(g)))(x))
    for name, (x, y) in BINARY.items():
        for i in (0, 1):
            ours = gm.elementwise_grad(getattr(sp, name), i)(x, y)
            compare(f"jax {name} {i}", ours, jax.vmap(jax.grad(getattr(js, name), i))(x, y))
    for name, torch_name in TORCH.items():
        x = PART if name in ("ndtri", "erfinv", "logit") else POSITIVE
        compare(f"torch {name}", gm.elementwise_grad(getattr(sp, name))(x), torch_slope(torch_name, x))
    for name in ("inv", "det", "expm", "sqrtm", "cholesky", "eigh", "norm"):
        a = SPREAD if name in ("cholesky", "eigh", "sqrtm") else MATRIX
        f = (
            (lambda m: np.sum(fl["eigh"](m)[0] ** 2))
            if name == "eigh"
            else (lambda m, f=fl[name]: np.sum(np.exp(f(m))))
        )
        g = {"inv": jl.inv, "det": jl.det, "expm": jl.expm, "sqrtm": jl.sqrtm, "norm": jax.numpy.linalg.norm,
             "cholesky": jl.cholesky, "eigh": lambda m: jl.eigh(m)[0]}[name]  # fmt: skip
        try:
            theirs = jax.grad(
                lambda m, g=g, name=name: jax.numpy.sum(g(m) ** 2 if name == "eigh" else jax.numpy.exp(g(m)))
            )(a)
        except NotImplementedError:  # JAX has no derivative of sqrtm
            continue
        ours = gm.grad(f)(a)
        if name in ("cholesky", "eigh"):
            ours, theirs = ours + ours.T, np.asarray(theirs) + np.asarray(theirs).T
        compare(f"jax {name}", ours, theirs)
    for name in ("logsumexp", "softmax", "log_softmax"):
        g = jax.nn.__dict__[name] if name != "logsumexp" else js.logsumexp
        w = np.arange(9.0).reshape(3, 3) if name != "logsumexp" else np.arange(3.0)
        ours = gm.grad(lambda m, f=fs[name], w=w: np.sum(w * f(m, axis=1)))(MATRIX)
        compare(f"jax {name}", ours, jax.grad(lambda m, g=g, w=w: jax.numpy.sum(w * g(m, axis=1)))(MATRIX))
    for difference, name in sorted(worst, reverse=True):
        print(f"{difference:9.1e}  {name}")
    return int(max(worst)[0] > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
