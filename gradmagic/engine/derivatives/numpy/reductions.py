"""Derivatives of the functions that take many entries together: sums, products, extremes, averages.

y: the result; x, a: the input; g: the cotangent of y.
"""

import numpy as np

from ...rules.declare import constant, linear, rule
from .extremes import cumprod_vjp, extreme_vjp, prod_vjp, std_vjp, var_vjp
from .partials import counted, spread, summed_in, within

# ---- sums and products ---------------------------------------------------------------------------------------
linear(np.sum,     lambda g, like, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True:
                       within(where, spread(g, like, axis, keepdims)), affine=("initial",))
linear(np.mean,    lambda g, like, axis=None, dtype=None, out=None, keepdims=False, where=True:
                       within(where, spread(g / counted(like, axis, keepdims, where), like, axis, keepdims)))
linear(np.cumsum,  lambda g, like, axis=None, dtype=None, out=None:
                       np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis or 0, summed_in(g)), axis), like.shape))
rule(np.prod,      prod_vjp)
rule(np.cumprod,   cumprod_vjp)
rule(np.nansum,    lambda g, _y, x, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True:
                       within(np.logical_and(where, np.logical_not(np.isnan(x))), spread(g, x, axis, keepdims)))

# ---- extremes: entries that tie share evenly -----------------------------------------------------------------
rule(np.max,       extreme_vjp, torch="MaxBackward1")
rule(np.min,       extreme_vjp, torch="MinBackward1")
rule(np.amax,      extreme_vjp, torch="Amax")
rule(np.amin,      extreme_vjp, torch="Amin")
rule(np.nanmax,    extreme_vjp)
rule(np.nanmin,    extreme_vjp)

# ---- averages and variances ----------------------------------------------------------------------------------
rule(np.var,       var_vjp)
rule(np.std,       std_vjp)

# ---- places, counts and answers: no derivative ---------------------------------------------------------------
constant(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere, np.lexsort)
constant(np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize)
constant(np.any, np.all, np.shape, np.ndim, np.size, np.result_type, np.min_scalar_type)
if hasattr(np, "in1d"):
    constant(np.in1d)  # noqa: NPY201
constant(np.may_share_memory, np.shares_memory, np.isin)
constant(np.linalg.matrix_rank, np.array_repr, np.array_str, np.array2string, np.common_type)
