"""One call at least for every derivative that is declared, in the order of the tables of rules.

In: nothing. Out: `CASES`; rows.py says what a row means, the other two modules have more of them.
"""

from __future__ import annotations

import importlib.util
import operator

import numpy as np

from gradmagic.engine.derivatives.numpy import shape_transposes as moves
from gradmagic.engine.dispatch import primitives

from .rows import ABOVE, CASES, POSITIVE, UNIT, WIDE, Case, Like, case, here

__all__ = ["CASES", "Case"]

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
case(np.sign, kinds="c")
case(np.copysign, "any", call=lambda x: np.copysign(x, -1.0))
for f in (np.maximum, np.minimum, np.fmax, np.fmin):
    case(f, "pair")
case(np.where, "pair", kinds="fc", call=lambda x, y: np.where(np.real(x) > 0.3, x, y))
case(np.where, (2, 3), (2, 3), call=lambda x, y: np.where(here(x, [[0.5, 0.0, 2.0], [0.0, -3.0, 0.0]]), x, y))
case(np.where, (3,), (3,), call=lambda x, y: np.where([2, 0, 3], x, y), devices=False)
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
case(
    np.sum, (2, 3), call=lambda x: np.sum(x, axis=0, where=here(x, [[True, False, True]] * 2)), devices=False
)
case(np.prod, (2, 3), call=lambda x: np.prod(x, where=here(x, [[True, False, True]] * 2)), devices=False)
case(
    np.max,
    (2, 3),
    call=lambda x: np.max(x, initial=-9, where=here(x, [[True, False, True]] * 2)),
    devices=False,
)
case(np.var, kinds="fc", axes="many")
case(np.std, (2, 3), kinds="fc", axes="many")
case(np.var, (2, 3), call=lambda x: np.var(x, axis=(0, 1), ddof=1, keepdims=True))
case(np.std, (4,), call=lambda x: np.std(x, ddof=1))
for f in (np.var, np.std, np.nansum):
    case(f, (2, 3), call=lambda x, f=f: f(x, axis=1, where=here(x, [[True, False, True]] * 2)), devices=False)
for f in (np.cumsum, np.cumprod, np.nancumsum):
    case(f, kinds="fc", axes="one")
case(np.average, (2, 3), axes="many")
case(np.average, (2, 3), (3,), call=lambda x, w: np.average(x, axis=1, weights=w), domain=[WIDE, POSITIVE])
case(
    np.mean,
    (2, 3),
    call=lambda x: np.mean(x, axis=1, where=here(x, [[True, False, True]] * 2)),
    devices=False,
)
case(np.nanvar, kinds="fc", axes="many")
case(np.nanstd, (2, 3), kinds="fc", axes="many")
case(np.cov, (2, 4), kinds="fc")
case(np.cov, (4,), (4,), call=lambda x, y: np.cov(x, y, bias=True))
case(np.corrcoef, (2, 4))
case(np.unique, (2, 3))
case(np.unique, (2, 3), call=lambda x: np.unique(x, return_counts=True)[0])
case(np.bincount, (4,), call=lambda w: np.bincount(here(w, [1, 0, 1, 3]), w), low=False)
case(np.trapezoid, (2, 4), (4,), call=lambda y, x: np.trapezoid(y, x))
case(np.gradient, (4, 3))
case(np.gradient, (4, 3), call=lambda f: np.gradient(f, 0.5, axis=0, edge_order=2))
for order in (1, 2):
    case(np.gradient, (4, 3), (4,), call=lambda f, x, o=order: np.gradient(f, np.cumsum(x), axis=0, edge_order=o),
         domain=[WIDE, POSITIVE])  # fmt: skip
case(
    np.interp,
    (5,),
    (4,),
    (4,),
    call=lambda x, xp, fp: np.interp(x, np.cumsum(xp), fp),
    domain=[WIDE, POSITIVE, WIDE],
)
case(np.interp, (5,), (4,), call=lambda x, fp: np.interp(x, here(x, np.arange(4) / 2), fp, left=0.3))
case(
    np.interp,
    (5,),
    (4,),
    call=lambda x, fp: np.interp(x, here(x, np.arange(4) / 2.3), fp, period=2.1),
    devices=False,
)
case(np.polyval, (3,), (2, 2), kinds="fc")
case(np.vander, (3,), call=lambda x: np.vander(x, 4))
case(np.vander, (3,), call=lambda x: np.vander(x, increasing=True))
case(np.linspace, (), (), call=lambda a, b: np.linspace(a, b, 5))
case(np.linspace, (2,), (2,), call=lambda a, b: np.linspace(a, b, 3, endpoint=False, axis=1))
case(
    np.piecewise,
    call=lambda x: np.piecewise(x, [x < -1, x > 0.5], [np.exp, lambda t: t * t, 3.0]),
    devices=False,
)
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
case(moves.pad, (2, 3), call=lambda x: np.pad(x, 1, constant_values=2.0))
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
case(np.meshgrid, (2,), (3,), call=lambda x, y: np.meshgrid(x, y))
case(np.meshgrid, (2,), (3,), (2,), call=lambda *xs: np.meshgrid(*xs, indexing="ij", sparse=True))
case(np.resize, (2, 3), call=lambda x: np.resize(x, (4, 2)))
case(
    np.partition, (3, 4), call=lambda x: np.partition(x, 1), low=False
)  # float16 puts the rest in another order
case(np.choose, (3,), (3,), call=lambda x, y: np.choose(here(x, [0, 1, 0]), [x, y]), devices=False)
case(np.apply_along_axis, (2, 3, 2), call=lambda x: np.apply_along_axis(np.sum, 1, x))
case(np.apply_along_axis, (2, 3, 2), call=lambda x: np.apply_along_axis(lambda r: np.outer(r, r), 1, x))
case(np.trim_zeros, (3,), call=lambda x: np.trim_zeros(np.pad(x, 2)), devices=False)
for name in ("unstack", "cumulative_sum", "cumulative_prod"):
    if hasattr(np, name):
        case(getattr(np, name), (3,), devices=name != "unstack")
if hasattr(np, "cumulative_sum"):
    case(np.cumulative_sum, (2, 3), call=lambda x: np.cumulative_sum(x, axis=1, include_initial=True))
    case(np.cumulative_prod, (2, 3), call=lambda x: np.cumulative_prod(x, axis=0, include_initial=True))
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
case(
    primitives.scatter_add,
    (3, 2),
    call=lambda g: primitives.scatter_add(g, Like(g, (4, 2)), here(g, [0, 0, 3])),
)
case(primitives.set_item, (3, 4), (4,), call=lambda x, v: primitives.set_item(x, 1, v), kinds="fc")
case(primitives.set_item, (3, 4), (), call=lambda x, v: primitives.set_item(x, slice(None, None, 2), v))
case(primitives.set_item, (4,), (3,), call=lambda x, v: primitives.set_item(x, here(x, [0, 3, 1]), v))
case(
    primitives.set_item, (3, 4), (), call=lambda x, v: primitives.set_item(x, here(x, [True, False, True]), v)
)
case(np.compress, (3, 4), call=lambda x: np.compress([True, False, True], x, axis=0))
case(np.compress, (3, 2), call=lambda x: np.compress([True, False, True], x))
case(np.extract, (3, 2), call=lambda x: np.extract(x > 0.1, x))
case(primitives.cast, call=lambda x: primitives.cast(x, np.float64))

from . import cases_linalg, cases_methods, cases_networks, cases_statistics  # noqa: E402, F401  (their rows follow)

if importlib.util.find_spec("scipy"):
    from . import cases_scipy, cases_scipy_linalg  # noqa: F401
