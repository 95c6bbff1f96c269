"""What a row of the table of cases says: what to call, on what shapes, in which domain.

In: `case(...)`, once a row. Out: `CASES`. The tests draw shapes ("any", "pair"), axes and values; a row says only
what cannot be drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmagic.engine.core import arrays

# Where to draw values. Entries are distinct, no two arguments tie, and none is 0: kinks have tests of their own.
WIDE, POSITIVE, UNIT, ABOVE, SMALL = (-2.0, 2.0), (0.3, 3.0), (-0.8, 0.8), (1.2, 3.0), (-0.3, 0.3)


@dataclass(frozen=True)
class Case:
    """`call(*arrays, **settings)` exercises the rule of `rule`; see `case` for the fields."""

    rule: Any
    call: Callable[..., Any]
    shapes: tuple[Any, ...]
    domains: tuple[tuple[float, float], ...]
    kinds: str
    axes: str
    low: bool
    devices: bool
    name: str

    def __repr__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(
    rule: Any, *shapes: Any, call: Any = None, domain: Any = WIDE, kinds: str = "f", axes: str = "", low: bool = True,
    devices: bool = True,
) -> None:  # fmt: skip
    """Add a row.

    Parameters
    ----------
    rule : function
        Whose derivative is exercised.
    shapes : tuple of int, "any" or "pair"
        One for each array; "any" is drawn, "pair" stands for two that broadcast together.
    call : function, optional
        Of the arrays, if not `rule` itself.
    domain : (low, high) or a list of them
    kinds : "f" or "fc"
        Whether complex numbers make sense too.
    axes : "one", "many" or ""
        Draw `axis` (one also None; many also a tuple); with "many" `keepdims` too.
    low : bool
        Whether float16 is possible.
    devices : bool
        Whether CuPy has the function and the options called.
    """
    shapes = shapes or ("any",)
    number = sum(2 if s == "pair" else 1 for s in shapes)
    domains = tuple(domain) if isinstance(domain, list) else (domain,) * number
    name = getattr(rule, "__name__", str(rule))
    same = sum(c.name.partition(" ")[0] == name for c in CASES)
    name = f"{name} {same + 1}" if same else name
    CASES.append(Case(rule, call or rule, shapes, domains, kinds, axes, low, devices, name))


def here(x: Any, host: Any) -> Any:
    """Give the host's array on the device of x, in x's dtype, or its real counterpart for real and whole ones."""
    x = getattr(x, "array", x)
    host = np.asarray(host)
    dtype = host.dtype if host.dtype.kind in "ib" else x.dtype
    return arrays.module_of(x).asarray(host.astype(dtype))


def definite(a: Any) -> Any:
    """Make a positive definite matrix from any."""
    return np.matmul(a, np.conj(np.swapaxes(a, -1, -2))) + here(a, 2 * np.eye(a.shape[-1]))


def hermitian(a: Any) -> Any:
    """Make a Hermitian matrix with eigenvalues well apart from any."""
    return (a + np.conj(np.swapaxes(a, -1, -2))) / 8 + here(a, np.diag(np.arange(a.shape[-1])))


def regular(a: Any) -> Any:
    """Make a matrix with singular values well apart from any."""
    return a / 4 + here(a, np.eye(*a.shape[-2:]) * np.arange(1, a.shape[-1] + 1))


class Like:
    """The shape and dtype that scatter_add is asked for."""

    def __init__(self, of: Any, shape: tuple[int, ...]) -> None:
        self.shape, self.dtype = shape, of.dtype


def pairs(u: Any, s: Any, vh: Any) -> Any:
    """What of a singular value decomposition is unique: s, and the products of the vectors that belong together."""
    return s, np.einsum("...ik,...kj->...kij", u, vh)


def projectors(w: Any, v: Any) -> Any:
    """What of an eigendecomposition is unique: w, and the projectors on the eigenvectors."""
    return w, np.einsum("...ik,...jk->...kij", v, np.conj(v))
