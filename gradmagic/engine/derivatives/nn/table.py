"""Derivatives of the functions of neural networks (functions.py, images.py), grouped as there.

y: the result; x, z: the input; g: the cotangent of y; t: targets.
"""

from math import pi, sqrt

import numpy as np

from ...rules.declare import elementwise, linear, rule
from ...rules.rule import ZERO
from ...tape.tracked import raw
from ..numpy.partials import as_rows
from . import functions as nw
from . import images as cv

from .cotangents import (  # isort: skip
    along_transpose, bce_p, bce_t, bce_z, bce_zt, between, cross_entropy_there, cross_entropy_vjp, elu_slope, entries,
    gelu_slope, gelu_tanh_slope, held_difference, layer_norm_weight, layer_norm_x, log_softmax_vjp, logsumexp_vjp,
    mse_x, mse_y, nll_transpose, positive, relu_slope, share, sigmoid_slope, softmax_vjp,
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
rule(nw.dense,                lambda g, _y, _x, w, _b: g @ w,
                              lambda g, _y, x, _w, _b: np.transpose(as_rows(g)) @ as_rows(x),
                              lambda g, _y, _x, _w, _b: g,                                      torch="Addmm")
rule(nw.layer_norm,           layer_norm_x, layer_norm_weight, lambda g, _y, _x, _w, _b, axes, eps: g,
                                                                                         torch="NativeLayerNorm")

# ---- images: s, p, d are stride, padding, dilation ---------------------------------------------------------------
rule(cv.convolve,             lambda g, _y, _x, w, _b, s, p, d, n: cv.spread_out(g, w, _x.shape[2:], s, p, d, n),
                              lambda g, _y, x, _w, _b, s, p, d, n: cv.correlate(x, g, _w.shape[2:], s, p, d, n),
                              lambda g, _y, _x, _w, _b, s, p, d, n: np.sum(g, axis=(0, 2, 3)),
                                                                                                torch="Convolution")
rule(cv.spread_out,           lambda c, _y, _g, w, size, s, p, d, n: cv.convolve(c, w, None, s, p, d, n),
                              lambda c, _y, g, _w, size, s, p, d, n: cv.correlate(c, g, _w.shape[2:], s, p, d, n))
rule(cv.correlate,            lambda c, _y, _x, g, k, s, p, d, n: cv.spread_out(g, c, _x.shape[2:], s, p, d, n),
                              lambda c, _y, x, _g, k, s, p, d, n: cv.convolve(x, c, None, s, p, d, n))
rule(cv.max_pool,             lambda g, y, x, k, s, p: cv.max_unpool(g, raw(x), raw(y), k, s, p),
                                                                                         torch="MaxPool2DWithIndices")
linear(cv.max_unpool,         lambda c, like, x, y, k, s, p: cv.max_repool(c, x, y, k, s, p))
linear(cv.max_repool,         lambda g, like, x, y, k, s, p: cv.max_unpool(g, x, y, k, s, p))
linear(cv.avg_pool,           lambda g, like, k, s, p: cv.avg_unpool(g, like.shape[2:], k, s, p), torch="AvgPool2D")
linear(cv.avg_unpool,         lambda c, like, size, k, s, p: cv.avg_pool(c, k, s, p))
