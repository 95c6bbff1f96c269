"""Derivatives of indexing: picking entries out of an array, and putting values into one.

g is the cotangent of the result; `like` has the shape and dtype of the array that was indexed.
"""

import operator

import numpy as np

from ...core.bounds import in_bounds, indexed
from ...dispatch.calls import INDEXING
from ...dispatch.primitives import add_into, cast, move, scatter_add, set_item
from ...rules.declare import linear, rule
from .index_transposes import compress_vjp, passes, placed

# ---- x[index], and x with x[index] = value -------------------------------------------------------------------
# A sweep adds x[i]'s cotangent into the buffer that it has for x; x[i] looks into x's memory.
linear(operator.getitem,  lambda g, like, index: scatter_add(g, like, index), torch="Select", view=True, into=add_into)
linear(scatter_add,       lambda g, like, target, index: g[index],                              torch="IndexPut")
rule(set_item,            lambda g, _y, _x, index, _value: set_item(g, index, 0),
                          None,
                          lambda g, _y, _x, index, _value: placed(g, index, _value, _x),
                                                                                    torch="CopySlices", edits=True)

# ---- by condition --------------------------------------------------------------------------------------------
rule(np.compress,         None, compress_vjp)
rule(np.extract,          None, lambda g, _y, condition, _a: compress_vjp(g, _y, np.ravel(condition), _a))

# ---- the same entries in another dtype, or elsewhere -----------------------------------------------------------
linear(cast,              lambda g, like, dtype: g * passes(like.dtype, dtype),              torch="ToCopy",
                    along=lambda t, like, dtype: t * passes(like.dtype, dtype))
linear(move,              lambda g, like, device, home: move(g, home, device),                  torch="ToCopy")

# ---- numbers out of bounds, on a device ------------------------------------------------------------------------
INDEXING[operator.getitem] = lambda x, index: indexed(x.shape, index)
INDEXING[set_item.__wrapped__] = lambda x, index, _value: indexed(x.shape, index)
INDEXING[np.take] = lambda a, indices, axis=None, **_: in_bounds(indices, a.size if axis is None else a.shape[axis])
INDEXING[np.take_along_axis] = lambda a, indices, axis=-1: in_bounds(indices, a.size if axis is None else a.shape[axis])
