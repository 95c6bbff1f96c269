"""One call at least for every derivative that is declared: what to call, on what shapes, in which domain.

In: nothing. Out: `CASES`, rows of `Case`, in the order of the tables of rules. The tests draw shapes ("any", "pair"),
axes and values; a row says only what cannot be drawn.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmagic.engine import arrays, primitives
from gradmagic.engine.rules import decompositions

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
    CASES.append(Case(rule, call or rule, shapes, domains, kinds, axes, low, devices, f"{name} {same + 1}" if same else name))


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


def _pairs(u: Any, s: Any, vh: Any) -> Any:
    """What of a singular value decomposition is unique: s, and the products of the vectors that belong together."""
    return s, np.einsum("...ik,...kj->...kij", u, vh)


def _projectors(w: Any, v: Any) -> Any:
    """What of an eigendecomposition is unique: w, and the projectors on the eigenvectors."""
    return w, np.einsum("...ik,...jk->...kij", v, np.conj(v))


# ---- ufuncs ---------------------------------------------------------------------------------------------------
for f in (np.add, np.subtract, np.multiply):
    case(f, "pair", kinds="fc")
case(np.divide, "pair", kinds="fc", domain=[WIDE, POSITIVE])
case(np.power, "pair", kinds="fc", domain=[POSITIVE, WIDE])
case(np.power, call=lambda x: np.power(x, 3), kinds="fc")
case(np.power, call=lambda x: x**-2.0, domain=POSITIVE)
case(np.power, call=lambda x: x**0)
case(np.power, call=lambda x: 2**x)
case(np.float_power, "pair", domain=[POSITIVE, WIDE], low=False)
case(np.remainder, "pair", domain=[WIDE, (2.5, 3.0)])
case(np.fmod, "pair", domain=[WIDE, (2.5, 3.0)])
for f in (np.negative, np.positive, np.square):
    case(f, kinds="fc")
case(np.reciprocal, kinds="fc", domain=POSITIVE)
case(np.sqrt, kinds="fc", domain=POSITIVE)
case(np.cbrt, domain=POSITIVE)
case(np.hypot, "pair")
case(np.ldexp, call=lambda x: np.ldexp(x, 3))
case(np.divmod, "pair", domain=[WIDE, (2.5, 3.0)])
case(np.modf)
for f in (np.exp, np.exp2, np.expm1):
    case(f, kinds="fc" if f is not np.exp2 else "f")
for f in (np.log, np.log2, np.log10, np.log1p):
    case(f, kinds="fc", domain=POSITIVE)
case(np.logaddexp, "pair")
case(np.logaddexp2, "pair")
for f in (np.sin, np.cos, np.sinh, np.cosh, np.tanh):
    case(f, kinds="fc")
case(np.tan, kinds="fc", domain=UNIT)
for f in (np.arcsin, np.arccos, np.arctanh, np.arctan):
    case(f, kinds="fc", domain=UNIT)
case(np.arcsinh, kinds="fc", domain=UNIT)
case(np.arccosh, kinds="fc", domain=ABOVE)
case(np.arctan2, "pair")
for f in (np.deg2rad, np.rad2deg, np.degrees, np.radians, np.sinc, np.absolute, np.fabs):
    case(f, kinds="fc" if f is np.absolute else "f")
case(np.copysign, "any", call=lambda x: np.copysign(x, -1.0))
for f in (np.maximum, np.minimum, np.fmax, np.fmin):
    case(f, "pair")
case(np.where, "pair", kinds="fc", call=lambda x, y: np.where(np.real(x) > 0.3, x, y))
case(primitives.clip, call=lambda x: np.clip(x, -1.03, 1.01))
case(np.clip, call=lambda x: np.clip(x, a_min=None, a_max=1.01))
case(np.clip, "any", (), (), call=np.clip, domain=[WIDE, (-1.0, -0.5), (0.5, 1.0)])
for f in (np.conjugate, np.real, np.imag, np.angle, np.nan_to_num):
    case(f, kinds="f" if f is np.nan_to_num else "fc")
case(np.angle, call=lambda z: np.angle(z, deg=True), kinds="fc")
case(np.select, "pair", call=lambda x, y: np.select([x > 1, y > 0], [x * y, x], 0.5))

for shapes in (
    [(3,), (3,)], [(2, 3), (3, 2)], [(3,), (3, 2)], [(2, 3), (3,)], [(2, 1, 2, 3), (4, 3, 2)], [(3,), (2, 3, 2)],
    [(2, 2, 3), (3,)], [(0, 3), (3, 2)], [(2, 0), (0, 3)], [(3, 2, 3), (3, 1)],
):  # fmt: skip
    case(np.matmul, *shapes, kinds="fc")

# ---- reductions -----------------------------------------------------------------------------------------------
for f in (np.sum, np.mean, np.prod, np.nansum, np.nanprod):
    case(f, kinds="fc", axes="many")
for f in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin, np.ptp):
    case(f, axes="many")
case(np.nanmean, axes="many")
case(np.sum, (2, 3), call=lambda x: np.sum(x, axis=0, where=here(x, [[True, False, True]] * 2)), devices=False)
case(np.prod, (2, 3), call=lambda x: np.prod(x, where=here(x, [[True, False, True]] * 2)), devices=False)
case(np.max, (2, 3), call=lambda x: np.max(x, initial=-9, where=here(x, [[True, False, True]] * 2)), devices=False)
case(np.var, kinds="fc", axes="many")
case(np.std, (2, 3), kinds="fc", axes="many")
case(np.var, (2, 3), call=lambda x: np.var(x, axis=(0, 1), ddof=1, keepdims=True))
case(np.std, (4,), call=lambda x: np.std(x, ddof=1))
for f in (np.cumsum, np.cumprod, np.nancumsum):
    case(f, kinds="fc", axes="one")
case(np.average, (2, 3), axes="many")
case(np.average, (2, 3), (3,), call=lambda x, w: np.average(x, axis=1, weights=w), domain=[WIDE, POSITIVE])
case(np.trapezoid, (2, 4), (4,), call=lambda y, x: np.trapezoid(y, x))
case(np.median, (3, 4), axes="many")
case(np.quantile, (3, 4), call=lambda x: np.quantile(x, 0.3, axis=1))
case(np.percentile, (3, 4), call=lambda x: np.percentile(x, [20, 70], axis=0))

# ---- shapes ---------------------------------------------------------------------------------------------------
case(np.reshape, (2, 3), call=lambda x: np.reshape(x, (3, -1)), kinds="fc")
case(np.reshape, (2, 3), call=lambda x: np.reshape(x, 6, order="F"))
case(np.ravel, kinds="fc")
case(np.ravel, (2, 3), call=lambda x: np.ravel(x, order="F"))
case(np.squeeze, (1, 3, 1), axes="")
case(np.squeeze, (1, 3, 1), call=lambda x: np.squeeze(x, axis=-1))
case(np.expand_dims, call=lambda x: np.expand_dims(x, (0, -1)))
case(np.broadcast_to, (3, 1), call=lambda x: np.broadcast_to(x, (2, 3, 4)), kinds="fc")
case(np.broadcast_arrays, "pair")
case(np.copy, kinds="fc")
case(np.transpose)
case(np.transpose, (2, 3, 4), call=lambda x: np.transpose(x, (1, -1, 0)))
case(np.swapaxes, (2, 3, 1), call=lambda x: np.swapaxes(x, 0, -1))
case(np.moveaxis, (2, 3, 4), call=lambda x: np.moveaxis(x, (0, 1), (-1, 0)))
case(np.rollaxis, (2, 3, 4), call=lambda x: np.rollaxis(x, 2))
case(np.matrix_transpose, (2, 3, 4))
case(np.flip)
case(np.flip, (2, 3), call=lambda x: np.flip(x, (0, -1)))
case(np.fliplr, (2, 3))
case(np.flipud, (2, 3))
case(np.roll, (2, 3), call=lambda x: np.roll(x, 2))
case(np.roll, (2, 3), call=lambda x: np.roll(x, (1, -1), (0, 1)))
case(np.rot90, (2, 3))
case(np.rot90, (2, 3, 2), call=lambda x: np.rot90(x, 3, (1, 2)))
case(np.concatenate, (2, 3), (1, 3), call=lambda x, y: np.concatenate([x, y]), kinds="fc")
case(np.concatenate, (2, 3), (2, 0), (2, 1), call=lambda *xs: np.concatenate(xs, axis=-1))
case(np.concatenate, (2, 3), (2,), call=lambda x, y: np.concatenate((x, y), axis=None))
case(np.stack, (2, 3), (2, 3), call=lambda x, y: np.stack([x, y], axis=-1), kinds="fc")
case(np.vstack, (3,), (2, 3), call=lambda x, y: np.vstack([x, y]))
case(np.hstack, (3,), (2,), call=lambda x, y: np.hstack([x, y]))
case(np.hstack, (2, 3), (2, 1), call=lambda x, y: np.hstack([x, y]))
case(np.dstack, (3,), (1, 3), (1, 3, 2), call=lambda *xs: np.dstack(xs))
case(np.column_stack, (3,), (3, 2), call=lambda x, y: np.column_stack([x, y]))
case(np.block, (2, 2), (2, 1), (1, 3), call=lambda a, b, c: np.block([[a, b], [c]]))
case(np.append, (2, 3), (2, 1), call=lambda x, y: np.append(x, y, axis=1))
case(np.append, (2,), (), call=lambda x, y: np.append(x, y))
case(np.delete, (4,), call=lambda x: np.delete(x, [0, 2]))
case(np.insert, (4,), (2,), call=lambda x, v: np.insert(x, [1, 3], v))
case(np.insert, (2, 3), (2,), call=lambda x, v: np.insert(x, 1, v, axis=1))
case(np.split, (6, 2), call=lambda x: np.split(x, 3))
case(np.split, (2, 5), call=lambda x: np.split(x, [1, 3], axis=-1))
case(np.array_split, (5,), call=lambda x: np.array_split(x, 2))
case(np.hsplit, (2, 4), call=lambda x: np.hsplit(x, 2))
case(np.vsplit, (4, 2), call=lambda x: np.vsplit(x, 2))
case(np.dsplit, (1, 2, 4), call=lambda x: np.dsplit(x, 2))
for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    case(f)
case(np.tile, (2, 3), call=lambda x: np.tile(x, (2, 1, 2)))
case(np.tile, call=lambda x: np.tile(x, 3))
case(np.repeat, (2, 3), call=lambda x: np.repeat(x, 2, axis=1))
case(np.repeat, (3,), call=lambda x: np.repeat(x, [1, 0, 3]))
case(np.pad, (2, 3), call=lambda x: np.pad(x, ((1, 0), (2, 1))), kinds="fc")
for mode in ("edge", "reflect", "symmetric", "wrap"):
    case(np.pad, (3, 4), call=lambda x, mode=mode: np.pad(x, ((1, 2), (0, 3)), mode=mode))
case(np.diff, (3, 4), call=lambda x: np.diff(x, n=2, axis=-1))
case(np.diff, (3, 2), call=lambda x: np.diff(x, axis=0, prepend=0.5))
case(np.ediff1d, (4,))
case(np.triu, (3, 3), call=lambda x: np.triu(x, 1))
case(np.triu, (3,))
case(np.tril, (2, 3, 4))
case(np.diag, (3,), call=lambda x: np.diag(x, -1), kinds="fc")
case(np.diag, (3, 4), call=lambda x: np.diag(x, 1))
case(np.diagflat, (2, 2))
case(np.diagonal, (3, 2, 4), call=lambda x: np.diagonal(x, -1, 0, 2), kinds="fc")
case(np.take, (4, 2), call=lambda x: np.take(x, [0, 0, -1], axis=0), kinds="fc")
case(np.take, (2, 3), call=lambda x: np.take(x, here(x, [[0, 5], [2, 2]])))
case(np.take, (2, 3), call=lambda x: np.take(x, [4, -7], axis=1, mode="wrap"), devices=False)
case(np.take_along_axis, (2, 3), call=lambda x: np.take_along_axis(x, here(x, [[0, 0], [2, 1]]), axis=1))
case(np.sort, (3, 4))
case(np.sort, (3, 4), call=lambda x: np.sort(x, axis=None))
case(np.full_like, (2, 3), (), call=lambda x, v: np.full_like(x, v) * x)

# ---- indexing -------------------------------------------------------------------------------------------------
for index in (1, -1, slice(None, None, -2), (0, Ellipsis, None), (slice(1), 2), Ellipsis):
    case(operator.getitem, (3, 4), call=lambda x, index=index: x[index], kinds="fc")
case(operator.getitem, (3, 4), call=lambda x: x[here(x, [0, 0, 2])], kinds="fc")
case(operator.getitem, (3, 4), call=lambda x: x[here(x, [0, 0, 2]), here(x, [1, 1, 3])])
case(operator.getitem, (2, 3, 4), call=lambda x: x[:, here(x, [0, 2, 2]), 1])
case(operator.getitem, (3, 4), call=lambda x: x[x > 0.2])
case(operator.getitem, (3, 4), call=lambda x: x[here(x, [True, False, True])])
case(operator.getitem, (), call=lambda x: x[()])
case(primitives.scatter_add, (3, 2), call=lambda g: primitives.scatter_add(g, Like(g, (4, 2)), here(g, [0, 0, 3])))
case(primitives.set_item, (3, 4), (4,), call=lambda x, v: primitives.set_item(x, 1, v), kinds="fc")
case(primitives.set_item, (3, 4), (), call=lambda x, v: primitives.set_item(x, slice(None, None, 2), v))
case(primitives.set_item, (4,), (3,), call=lambda x, v: primitives.set_item(x, here(x, [0, 3, 1]), v))
case(primitives.set_item, (3, 4), (), call=lambda x, v: primitives.set_item(x, here(x, [True, False, True]), v))
case(np.compress, (3, 4), call=lambda x: np.compress([True, False, True], x, axis=0))
case(np.compress, (3, 2), call=lambda x: np.compress([True, False, True], x))
case(np.extract, (3, 2), call=lambda x: np.extract(x > 0.1, x))
case(primitives.cast, call=lambda x: primitives.cast(x, np.float64))


# ---- linear algebra -------------------------------------------------------------------------------------------
for shapes in [(), (2, 3)], [(3,), (3,)], [(2, 3), (3, 2)], [(2, 3), (3,)], [(3,), (2, 3, 2)], [(2, 1, 3), (2, 3, 2)]:
    case(np.dot, *shapes, kinds="fc")
for shapes in [(), (3,)], [(3,), (3,)], [(2, 3), (4, 3)], [(2, 1, 3), (3,)]:
    case(np.inner, *shapes, kinds="fc")
for shapes in [(2,), (3,)], [(2, 2), (3,)], [(), (2,)]:
    case(np.outer, *shapes, kinds="fc")
case(np.linalg.outer, (2,), (3,))
case(np.vdot, (3,), (3,), kinds="fc")
case(np.vdot, (2, 3), (3, 2), kinds="fc")
case(np.tensordot, (2, 3, 4), (3, 4, 2), kinds="fc")
case(np.tensordot, (2, 3, 4), (4, 2), call=lambda a, b: np.tensordot(a, b, axes=([2, 0], [0, 1])), kinds="fc")
case(np.tensordot, (2, 3, 4), (2, 4), call=lambda a, b: np.tensordot(a, b, axes=([-1, 0], [1, 0])))
case(np.tensordot, (2,), (3,), call=lambda a, b: np.tensordot(a, b, axes=0))
case(np.linalg.tensordot, (2, 3), (3, 2), call=lambda a, b: np.linalg.tensordot(a, b, axes=1))
for formula, *shapes in (
    ["ij,jk->ik", (2, 3), (3, 2)], ["ij,jk", (2, 3), (3, 2)], ["ij->ji", (2, 3)], ["ba", (2, 3)], ["ii->i", (3, 3)],
    ["ii", (3, 3)], ["ij->", (2, 3)], ["ij->j", (2, 3)], ["iij,j->i", (2, 2, 3), (3,)], ["i,i->i", (3,), (3,)],
    ["i,j,k->kij", (2,), (3,), (2,)], ["...ij,...jk->...ik", (2, 1, 2, 3), (2, 3, 2)], ["...i->...", (2, 3)],
    ["i...,i...->...", (2, 3), (2, 1)], ["ij , jk -> ki", (2, 3), (3, 2)], [",i->i", (), (3,)], ["iii->i", (2, 2, 2)],
    ["ij,ij", (2, 3), (1, 3)], ["...,...", (2, 3), (3,)],
):  # fmt: skip
    case(np.einsum, *shapes, call=lambda *xs, formula=formula: np.einsum(formula, *xs), kinds="fc")
case(np.einsum, (2, 3), (3, 2), call=lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]))
case(np.einsum, (2, 3), (3, 2), call=lambda a, b: np.einsum(a, [0, 1], b, [1, 2]))
case(np.einsum, (2, 3), call=lambda a: np.einsum(a, [Ellipsis, 0], [0, Ellipsis]))
case(np.einsum, (2, 3), (3, 2), (2, 2), call=lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True))
case(np.kron, (2, 3), (2, 2), kinds="fc")
case(np.kron, (2,), (2, 2))
case(np.cross, (2, 3), (3,), kinds="fc")
case(np.cross, (3, 2), (2, 3), call=lambda a, b: np.cross(a, b, axisa=0))
case(np.linalg.cross, (3,), (3,))
case(np.convolve, (5,), (3,), kinds="fc")
case(np.convolve, (3,), (5,), call=lambda a, v: np.convolve(a, v, "same"))
case(np.convolve, (5,), (2,), call=lambda a, v: np.convolve(a, v, "valid"))
case(np.trace, (3, 3), kinds="fc")
case(np.trace, (2, 3, 4), call=lambda x: np.trace(x, 1, axis1=2, axis2=0))
case(np.linalg.trace, (2, 3, 3))
case(np.linalg.diagonal, (2, 3, 3))
case(np.linalg.matmul, (2, 3), (3, 2))
case(np.linalg.vecdot, (2, 3), (3,), kinds="fc")
case(np.linalg.matrix_transpose, (2, 3))
case(np.linalg.inv, (2, 3, 3), call=lambda a: np.linalg.inv(regular(a)), kinds="fc", low=False)
case(np.linalg.solve, (3, 3), (3,), call=lambda a, b: np.linalg.solve(regular(a), b), kinds="fc", low=False)
case(np.linalg.solve, (2, 3, 3), (3, 2), call=lambda a, b: np.linalg.solve(regular(a), b), kinds="fc", low=False)
case(np.linalg.det, (2, 3, 3), call=lambda a: np.linalg.det(regular(a)), kinds="fc", low=False)
case(np.linalg.slogdet, (2, 3, 3), call=lambda a: np.linalg.slogdet(regular(a)), kinds="fc", low=False)
for shape in (3, 3), (2, 3), (2, 3, 2):
    case(np.linalg.pinv, shape, call=lambda a: np.linalg.pinv(regular(a)), kinds="fc", low=False)
    case(decompositions.svd, shape, call=lambda a: _pairs(*decompositions.svd(regular(a))), kinds="fc", low=False)
    case(decompositions.svdvals, shape, call=lambda a: decompositions.svdvals(regular(a)), kinds="fc", low=False)
    case(decompositions.qr, shape, call=lambda a: decompositions.qr(regular(a)), kinds="fc", low=False)
case(np.linalg.svd, (3, 2), call=lambda a: np.linalg.svd(regular(a), compute_uv=False), low=False)
case(np.linalg.svd, (2, 2), call=lambda a: np.linalg.svd(regular(a))[1], low=False)
case(np.linalg.svdvals, (3, 2), call=lambda a: np.linalg.svdvals(regular(a)), low=False)
case(np.linalg.qr, (3, 2), call=lambda a: np.linalg.qr(regular(a), "r"), low=False)
case(np.linalg.cholesky, (2, 3, 3), call=lambda a: np.linalg.cholesky(definite(a)), kinds="fc", low=False)
case(np.linalg.eigh, (2, 3, 3), call=lambda a: _projectors(*np.linalg.eigh(hermitian(a))), kinds="fc", low=False)
case(np.linalg.eigvalsh, (3, 3), call=lambda a: np.linalg.eigvalsh(hermitian(a)), kinds="fc", low=False)
case(np.linalg.matrix_power, (2, 2), call=lambda a: np.linalg.matrix_power(a, 5), low=False)
case(np.linalg.matrix_power, (2, 2), call=lambda a: np.linalg.matrix_power(regular(a), -2), low=False)
case(np.linalg.multi_dot, (2,), (2, 3), (3, 2), call=lambda *xs: np.linalg.multi_dot(xs))
case(np.linalg.norm, (2, 3), kinds="fc", axes="many")
for order in (0, 1, 2, np.inf, -np.inf, 3, 1.5):
    domain = WIDE if order != 1.5 else ABOVE  # differences are too coarse where |x|**1.5 bends
    case(np.linalg.norm, (2, 3), call=lambda x, p=order: np.linalg.norm(x, p, axis=-1), kinds="fc", domain=domain)
for order in (1, -1, np.inf, -np.inf, "fro"):
    case(np.linalg.norm, (2, 3), call=lambda x, p=order: np.linalg.norm(x, p), kinds="fc")
for order in (2, -2, "nuc"):
    case(np.linalg.norm, (3, 2), call=lambda x, p=order: np.linalg.norm(regular(x), p), kinds="fc", low=False)
case(np.linalg.norm, (2, 3, 2), call=lambda x: np.linalg.norm(x, 2, axis=(0, 2), keepdims=True), low=False)
case(np.linalg.vector_norm, (2, 3), call=lambda x: np.linalg.vector_norm(x, axis=(0, 1), keepdims=True))
case(np.linalg.matrix_norm, (2, 3, 2))

# ---- Fourier transforms ---------------------------------------------------------------------------------------
for f in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft):
    for n in (None, 3, 6):
        case(f, (2, 5), call=lambda x, f=f, n=n: f(x, n), kinds="f" if f is np.fft.rfft else "fc", low=False)
    case(f, (5, 2), call=lambda x, f=f: f(x, axis=0, norm="ortho"), low=False)
for f in (np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn, np.fft.fftshift, np.fft.ifftshift):
    case(f, (2, 3), kinds="fc", low=False)

