"""Derivatives of the functions of neural networks (functions.py, images.py), grouped as there.

y: the result; x, z: the input; g: the cotangent of y; t: targets.
"""

from math import pi, sqrt

import numpy as np

from ...rules.declare import elementwise, linear, rule
from ...rules.rule import ZERO
from ...tape.tracked import raw
from ..numpy.partials import as_rows, conj
from . import activations as ac
from . import functions as nw
from . import images as cv

from .cotangents import (  # isort: skip
    along_transpose, bce_p, bce_t, bce_z, bce_zt, beside, between, cross_entropy_there, cross_entropy_vjp,
    elu_slope, entries, gelu_slope, gelu_tanh_slope, held_difference, layer_norm_bias, layer_norm_weight,
    layer_norm_x, log_softmax_vjp, logsumexp_vjp, mse_x, mse_y, nll_transpose, normalised_weight, normalised_x,
    over_channels, positive, relu_slope, share, sigmoid_slope, softmax_vjp,
)

# ---- entry by entry ------------------------------------------------------------------------------------------
elementwise(nw.relu,          relu_slope,                                                               selects=True)
elementwise(nw.hardtanh,      lambda _y, x, lo, hi: between(x, lo, hi), ZERO, ZERO,                        selects=True)
elementwise(nw.sigmoid,       sigmoid_slope)
elementwise(nw.softplus,      lambda _y, x, beta: nw.sigmoid(beta * x), ZERO)
elementwise(nw.log_sigmoid,   lambda _y, x: nw.sigmoid(-x))
elementwise(nw.leaky_relu,    lambda _y, x, slope: slope + (1 - slope) * positive(x), ZERO)
elementwise(nw.elu,           elu_slope, ZERO)
elementwise(nw.silu,          lambda y, x: nw.sigmoid(x) * (1 + (x - y)))
elementwise(nw.gelu,          gelu_slope,                                                               torch="Gelu")
elementwise(nw.gelu_tanh,     gelu_tanh_slope,                                                          torch="Gelu")
elementwise(ac.scaled_elu,    ac.scaled_elu_slope, ZERO, ZERO, ZERO,                                   torch="Elu")
elementwise(ac.hard_sigmoid,  lambda _y, x: positive(x + 3) * positive(3 - x) / 6,              torch="Hardsigmoid")
elementwise(ac.hard_swish,    lambda _y, x: np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1)),
                                                                                                torch="Hardswish")
elementwise(ac.mish,          ac.mish_slope,                                                            torch="Mish")
elementwise(ac.soft_shrink,   lambda y, _x, _l: y != 0, ZERO,              torch="Softshrink", selects=True)
elementwise(ac.hard_shrink,   lambda y, _x, _l: y != 0, ZERO,              torch="Hardshrink", selects=True)
elementwise(ac.threshold,     lambda _y, x, t, _v: x > t, ZERO, ZERO,       torch="Threshold", selects=True)
elementwise(ac.prelu,         lambda _y, x, w: np.where(x > 0, 1, w),
                              lambda _y, x, _w: np.minimum(x, 0),                       torch="PreluKernel")
elementwise(nw.lerp,          lambda _z, _x, _y, w: 1 - w, lambda _z, _x, _y, w: w, lambda _z, x, y, _w: y - x)
elementwise(nw.rsqrt,         lambda y, x: -y / (2 * x))
elementwise(nw.erf,           lambda _y, x: 2 / sqrt(pi) * np.exp(-x * x))

# ---- along one axis ------------------------------------------------------------------------------------------
rule(nw.softmax,              softmax_vjp)
rule(nw.log_softmax,          log_softmax_vjp)
rule(nw.logsumexp,            logsumexp_vjp)
linear(nw.along,              along_transpose,                                                  torch="Gather")

# ---- losses --------------------------------------------------------------------------------------------------
rule(nw.mse,                  mse_x, mse_y,                                                     torch="MseLoss")
rule(nw.huber,                lambda g, _y, x, y, r, d: held_difference(share(g, entries(x, y), r), x, y, d),
                              lambda g, _y, x, y, r, d: held_difference(share(g, entries(x, y), r), y, x, d),
                                                                                                torch="HuberLoss")
rule(nw.smooth_l1,            lambda g, _y, x, y, r, b: share(g, entries(x, y), r) * nw.hardtanh((x - y) / b, -1, 1),
                              lambda g, _y, x, y, r, b: share(g, entries(x, y), r) * nw.hardtanh((y - x) / b, -1, 1),
                                                                                                torch="SmoothL1Loss")
rule(nw.bce_with_logits,      bce_z, bce_zt,                                       torch="BinaryCrossEntropyWithLogits")
rule(nw.bce,                  bce_p, bce_t,                                        torch="BinaryCrossEntropy")
rule(nw.cross_entropy,        cross_entropy_vjp,                                                torch="NllLoss")
rule(nw.cross_entropy_there,  cross_entropy_there,                                              torch="NllLoss")
linear(nw.nll,                nll_transpose,                                                    torch="NllLoss")

# ---- layers --------------------------------------------------------------------------------------------------
rule(nw.dense,                lambda g, _y, _x, w, _b: g @ conj(w),
                              lambda g, _y, x, _w, _b: np.transpose(as_rows(g)) @ as_rows(conj(x)),
                              lambda g, _y, _x, _w, _b: g,                                      torch="Addmm")
rule(nw.layer_norm,           layer_norm_x, layer_norm_weight, layer_norm_bias,                 torch="NativeLayerNorm")
rule(nw.normalise_by,         normalised_x, normalised_weight,
                              lambda g, _y, _x, _w, _b, _m, _v, eps, rim: beside(g, rim),
                                                                                         torch="NativeBatchNorm")
linear(nw.weighted_along,     lambda g, like, matrix, axis: nw.weighted_along(g, np.transpose(matrix), axis))

# ---- images: s, p, d are stride, padding, dilation; k the kernel's size, n the groups, c: ceil ----------------------
rule(cv.convolve,             lambda g, _y, _x, w, _b, s, p, d, n: cv.spread_out(g, w, None, _x.shape[2:], s, p, d, n),
                              lambda g, _y, x, _w, _b, s, p, d, n: cv.correlate(x, g, _w.shape[2:], s, p, d, n),
                              lambda g, _y, _x, _w, _b, s, p, d, n: over_channels(g),             torch="Convolution")
rule(cv.spread_out,           lambda c, _y, _g, w, _b, size, s, p, d, n: cv.convolve(c, w, None, s, p, d, n),
                              lambda c, _y, g, _w, _b, size, s, p, d, n: cv.correlate(c, g, _w.shape[2:], s, p, d, n),
                              lambda c, _y, _g, _w, _b, size, s, p, d, n: over_channels(c),       torch="Convolution")
rule(cv.correlate,            lambda c, _y, _x, g, k, s, p, d, n: cv.spread_out(g, c, None, _x.shape[2:], s, p, d, n),
                              lambda c, _y, x, _g, k, s, p, d, n: cv.convolve(x, c, None, s, p, d, n))
linear(cv.unfold,             lambda g, like, k, s, p, d: cv.fold(g, like.shape[2:], k, s, p, d),       torch="Im2Col")
linear(cv.fold,               lambda c, like, size, k, s, p, d: cv.unfold(c, k, s, p, d),               torch="Col2Im")
rule(cv.max_pool,             lambda g, y, x, k, s, p, d, c=False: cv.max_unpool(g, raw(x), raw(y), k, s, p, d),
                                                                                         torch="MaxPool2DWithIndices")
linear(cv.max_unpool,         lambda c, like, x, y, k, s, p, d: cv.max_repool(c, x, y, k, s, p, d))
linear(cv.max_repool,         lambda g, like, x, y, k, s, p, d: cv.max_unpool(g, x, y, k, s, p, d))
linear(cv.avg_pool,           lambda g, like, *walk: cv.avg_unpool(g, like.shape[2:], *walk),       torch="AvgPool2D")
linear(cv.avg_unpool,         lambda c, like, size, *walk: cv.avg_pool(c, *walk))
