"""PyTorch's special functions: `gm.lgamma(x)`, `gm.special.i0e(x)`; rows over those of scipy.special.

In: Tensors. Out: Tensors, with the derivatives of derivatives/scipy. SciPy is imported with the first of them; without
it a sentence says so. `erf`, `expit`, `logit`, `xlogy` and `softmax` need none.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import MissingError
from ....language import tr
from ...core import arrays
from ...dispatch.primitives import cast
from ...tape.tracked import raw
from . import math as torch_math
from . import pointwise, reductions
from .arguments import shown, together
from .math import OperandError, floating, not_for, titled


def _scipy(name: str, torch: str) -> Any:
    try:
        return getattr(importlib.import_module("scipy.special"), name)
    except ImportError:
        raise MissingError(tr(
            "gm.{torch} needs SciPy, which is not installed. Write: pip install scipy.", torch=torch,
        )) from None  # fmt: skip


def _row(torch: str, name: str, number: int, node: str) -> Callable[..., Any]:
    """Make a function of `number` arguments."""

    def f(input: Any, *others: Any) -> Any:
        if len(others) != number - 1:
            raise TypeError(f"{torch}() takes {number} positional arguments but {len(others) + 1} were given")
        args = (floating(input),) if number == 1 else together(torch, input, *others, floats=True)
        args = tuple(np.asarray(a, np.float32) if isinstance(a, float) else a for a in args)
        if any(np.iscomplexobj(raw(a)) for a in args):
            raise not_for(torch, "complex")
        made = _scipy(name, torch)(*args)
        dtype = next(raw(a).dtype for a in args if hasattr(a, "node"))
        if raw(made).dtype != dtype:  # SciPy has no float16
            made = cast(made, dtype)
        return shown(made, node) if node else made

    return titled(f, torch, f"As `torch.special.{torch}`, by scipy.special.{name}.")


# PyTorch's name, SciPy's where it is another; PyTorch's node.
_UNARY = """
digamma|psi digamma|lgamma gammaln|gammaln|erfc|erfinv|erfcx|entr|log_ndtr|ndtr|ndtri|i0|i0e|i1|i1e|bessel_j0 j0|
bessel_j1 j1|bessel_y0 y0|bessel_y1 y1|modified_bessel_i0 i0|modified_bessel_i1 i1|modified_bessel_k0 k0|
modified_bessel_k1 k1|scaled_modified_bessel_k0 k0e|scaled_modified_bessel_k1 k1e
"""
_BINARY = "gammainc|gammaincc|igamma gammainc|igammac gammaincc|xlog1py"


def _rows(text: str, number: int) -> dict[str, Callable[..., Any]]:
    rows = [row.split() for row in text.replace("\n", "").split("|")]
    return {r[0]: _row(r[0], r[-1], number, _NODES.get(r[0], "")) for r in rows}


_NODES = {
    "igamma": "IgammaBackward0",
    "igammac": "IgammacBackward0",
    "ndtri": "SpecialNdtriBackward0",
    "log_ndtr": "SpecialLogNdtrBackward0",
    "i1": "SpecialI1Backward0",
}
SPECIAL: dict[str, Callable[..., Any]] = {**_rows(_UNARY, 1), **_rows(_BINARY, 2)}


def polygamma(n: int, input: Any) -> Any:
    """As `torch.polygamma`: the n-th derivative of the digamma function.

    (-1)**(n+1) * n! * zeta(n + 1, x): DLMF 5.15.1; by zeta the derivative is of the same kind.
    """
    if n < 0:
        raise OperandError(tr(
            "polygamma(n, x) does not support negative n. The derivative's number is 0 or more.",
        ))  # fmt: skip
    if n == 0:
        return shown(SPECIAL["digamma"](input), "PolygammaBackward0")
    x = floating(input)
    zeta_of_x = _zeta(n + 1, x)
    zeta_of_x = zeta_of_x if hasattr(zeta_of_x, "node") else x.wrap(zeta_of_x, None)
    made = zeta_of_x * ((-1) ** (n + 1) * math.factorial(n))
    return shown(
        made if raw(made).dtype == x.array.dtype else cast(made, x.array.dtype), "PolygammaBackward0"
    )


def _of_order(input: Any, n: int) -> Any:
    return polygamma(n, input)


def _zeta(s: Any, q: Any) -> Any:
    _scipy("zeta", "zeta")
    formulas = importlib.import_module("gradmagic.engine.derivatives.scipy.special")
    return formulas.hurwitz(s, q)


def zeta(input: Any, other: Any) -> Any:
    """As `torch.special.zeta`: the Hurwitz zeta function, with a derivative by `other`."""
    s, q = together("zeta", input, other, floats=True)
    return (
        cast(_zeta(raw(s), q), raw(q).dtype)
        if hasattr(q, "node")
        else s.wrap(_scipy("zeta", "zeta")(raw(s), q), None)
    )


def mvlgamma(input: Any, p: int) -> Any:
    """As `torch.mvlgamma`: the logarithm of the multivariate gamma function of dimension p."""
    x = floating(input)
    halves = arrays.from_host(np.arange(p, dtype=x.array.dtype) / 2, x.array)
    terms = SPECIAL["lgamma"](np.expand_dims(x, -1) - halves)
    return shown(np.sum(terms, axis=-1) + p * (p - 1) / 4 * math.log(math.pi), "MvlgammaBackward0")


def airy_ai(input: Any) -> Any:
    """As `torch.special.airy_ai`: the Airy function Ai."""
    return _scipy("airy", "airy_ai")(floating(input))[0]


def spherical_bessel_j0(input: Any) -> Any:
    """As `torch.special.spherical_bessel_j0`: sin(x) / x."""
    return torch_math.UNARY["sinc"](floating(input) / math.pi)


SPECIAL |= {name: globals()[name] for name in "polygamma zeta mvlgamma airy_ai spherical_bessel_j0".split()}


def _polynomial(torch: str, name: str) -> Callable[..., Any]:
    def f(input: Any, n: Any) -> Any:
        return _scipy(name, torch)(raw(n), floating(input))

    return titled(
        f, torch, f"As `torch.special.{torch}`: the polynomial of degree n, by scipy.special.{name}."
    )


SPECIAL |= {
    f"{torch}polynomial_{kind}": _polynomial(f"{torch}polynomial_{kind}", f"eval_{name}")
    for torch, kind, name in (
        ("chebyshev_", "t", "chebyt"), ("chebyshev_", "u", "chebyu"), ("hermite_", "h", "hermite"),
        ("hermite_", "he", "hermitenorm"), ("laguerre_", "l", "laguerre"), ("legendre_", "p", "legendre"),
        ("shifted_chebyshev_", "t", "sh_chebyt"), ("shifted_chebyshev_", "u", "sh_chebyu"),
    )
}  # fmt: skip
SPECIAL |= {
    "multigammaln": mvlgamma, "xlogy": pointwise.xlogy, "logit": pointwise.logit, "softmax": reductions.softmax,
    "log_softmax": reductions.log_softmax, "logsumexp": reductions.logsumexp, "round": torch_math.round,
    "expit": torch_math.UNARY["sigmoid"], **{n: torch_math.UNARY[n] for n in "erf exp2 expm1 log1p sinc".split()},
}  # fmt: skip
# What PyTorch has as methods too, and as functions of torch itself.
METHODS: dict[str, Callable[..., Any]] = {
    n: SPECIAL[n] for n in "digamma lgamma erfc erfinv igamma igammac i0 mvlgamma".split()
}
METHODS["polygamma"] = titled(_of_order, "polygamma", "As `torch.polygamma`, of this tensor.")
