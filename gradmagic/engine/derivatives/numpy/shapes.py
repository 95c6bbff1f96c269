"""Derivatives of the functions that move entries about: shapes, axes, joining, splitting, repeating, sorting.

Nearly all are linear: g is the cotangent of the result, `like` has the input's shape and dtype.
"""

import numpy as np

from ...rules.declare import constant, linear, rule

from .shape_transposes import (  # isort: skip
    crop, deal, diag_transpose, invert, minus, pad, partition_vjp, repeat_transpose, settled, sort_vjp,
    take_along_transpose, take_transpose, undiagonal, undiff, unpad, unslide, untile,
)

# ---- shapes: `view`, where the result may look into the memory of the input ------------------------------------
linear(np.reshape,        lambda g, like, shape=None, order="C", newshape=None, copy=None:
                              np.reshape(g, like.shape, order=settled(order)),                  torch="View", view=True)
linear(np.ravel,          lambda g, like, order="C": np.reshape(g, like.shape, settled(order)), torch="View", view=True)
linear(np.squeeze,        lambda g, like, axis=None: np.reshape(g, like.shape),                               view=True)
linear(np.expand_dims,    lambda g, like, axis: np.reshape(g, like.shape),                 torch="Unsqueeze", view=True)
linear(np.broadcast_to,   lambda g, like, shape, subok=False: g,                              torch="Expand", view=True)
linear(np.copy,           lambda g, like, order="K", subok=False: g,                           torch="Clone")

# ---- axes ----------------------------------------------------------------------------------------------------
linear(np.transpose,      lambda g, like, axes=None: np.transpose(g, invert(axes)),          torch="Permute", view=True)
linear(np.swapaxes,       lambda g, like, axis1, axis2: np.swapaxes(g, axis1, axis2),      torch="Transpose", view=True)
linear(np.moveaxis,       lambda g, like, source, destination: np.moveaxis(g, destination, source),
                                                                                             torch="Permute", view=True)
linear(np.flip,           lambda g, like, axis=None: np.flip(g, axis),                                        view=True)
linear(np.fliplr,         lambda g, like: np.fliplr(g),                                         torch="Flip", view=True)
linear(np.flipud,         lambda g, like: np.flipud(g),                                         torch="Flip", view=True)
linear(np.roll,           lambda g, like, shift, axis=None: np.roll(g, minus(shift), axis))
linear(np.rot90,          lambda g, like, k=1, axes=(0, 1): np.rot90(g, -k, axes),                            view=True)

linear(np.lib.stride_tricks.sliding_window_view,
       lambda g, like, window_shape, axis=None, subok=False, writeable=False: unslide(g, like, window_shape, axis),
                                                                                                              view=True)

# ---- joining and splitting -----------------------------------------------------------------------------------
linear(np.concatenate,    lambda g, like, axis=0, out=None, dtype=None, casting=None:
                              deal(g, like, axis),                                  torch="Cat",   sequence=True)
linear(np.stack,          lambda g, like, axis=0, out=None, dtype=None, casting=None:
                              [np.take(g, i, axis) for i in range(len(like))],      torch="Stack", sequence=True)
linear(np.vstack,         lambda g, like, dtype=None, casting=None: deal(g, like, 0, 2), torch="Cat", sequence=True)
linear(np.hstack,         lambda g, like, dtype=None, casting=None:
                              deal(g, like, int(like[0].ndim > 1), 1),              torch="Cat",   sequence=True)
linear(np.dstack,         lambda g, like, dtype=None, casting=None: deal(g, like, 2, 3), torch="Cat", sequence=True)
linear(np.column_stack,   lambda g, like: deal(g, like, 1, 2, column=True),         torch="Cat",   sequence=True)
rule(np.split,            lambda g, _out, _x, sections, axis=0: np.concatenate(g, axis),          outputs="list")
rule(np.array_split,      lambda g, _out, _x, sections, axis=0: np.concatenate(g, axis),          outputs="list")
rule(np.hsplit,           lambda g, _out, _x, sections: np.concatenate(g, int(len(_x.shape) > 1)), outputs="list")
rule(np.vsplit,           lambda g, _out, _x, sections: np.concatenate(g, 0),                     outputs="list")
rule(np.dsplit,           lambda g, _out, _x, sections: np.concatenate(g, 2),                     outputs="list")

# ---- repeating and padding -----------------------------------------------------------------------------------
linear(np.tile,           untile,                                                               torch="Repeat")
linear(np.repeat,         repeat_transpose,                                                     torch="Repeat")
linear(pad,               unpad, affine=("values",),                                            torch="ConstantPadNd")
linear(np.diff,           lambda g, like, n=1, axis=-1, prepend=None, append=None:
                              crop(undiff(g, n, axis), like, axis, prepend), affine=("prepend", "append"))

# ---- parts of matrices ---------------------------------------------------------------------------------------
linear(np.triu,           lambda g, like, k=0: np.triu(g, k))
linear(np.tril,           lambda g, like, k=0: np.tril(g, k))
linear(np.diag,           diag_transpose)
linear(np.diagonal,       undiagonal,                                                                         view=True)

# ---- picking and ordering ------------------------------------------------------------------------------------
linear(np.take,           take_transpose,                                                       torch="IndexSelect")
linear(np.take_along_axis, take_along_transpose,                                                torch="Gather")
rule(np.sort,             sort_vjp)
rule(np.partition,        partition_vjp)

# ---- new arrays like old ones --------------------------------------------------------------------------------
constant(np.zeros_like, np.ones_like, np.empty_like)
