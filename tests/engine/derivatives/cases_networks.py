"""One call at least for every derivative of the functions of neural networks and of images."""

from __future__ import annotations

import numpy as np

from gradmagic.engine.derivatives.nn import functions as nw
from gradmagic.engine.derivatives.nn import images as cv

from .rows import POSITIVE, case, here

# ---- neural networks ------------------------------------------------------------------------------------------
PROBABILITY = (0.1, 0.9)
for f in (nw.relu, nw.sigmoid, nw.log_sigmoid, nw.silu, nw.gelu, nw.gelu_tanh, nw.erf):
    case(f, low=f not in (nw.erf, nw.gelu))
case(nw.hardtanh, call=lambda x: nw.hardtanh(x, -0.6, 0.9))
for f in (nw.softplus, nw.leaky_relu, nw.elu):
    case(f, call=lambda x, f=f: f(x, 0.7))
case(nw.lerp, (2, 3), (3,), (2, 3))
for reduction in ("mean", "sum", "none"):
    for f in (nw.huber, nw.smooth_l1):
        case(f, (2, 3), (2, 3), call=lambda x, y, f=f, r=reduction: f(x, y, r, 0.7))
case(nw.rsqrt, domain=POSITIVE)
for f in (nw.softmax, nw.log_softmax):
    case(f, (2, 3), call=lambda x, f=f: f(x, 1))
    case(f, (2, 3, 2), call=lambda x, f=f: f(x, 1))
case(nw.logsumexp, (2, 3), call=lambda x: nw.logsumexp(x, 1))
case(nw.logsumexp, (2, 3), call=lambda x: nw.logsumexp(x, (0, 1), keepdims=True))
case(nw.along, (2, 3), call=lambda x: nw.along(x, here(x, [[2], [0]]), 1, keepdims=False))
for reduction in ("mean", "sum", "none"):
    case(nw.mse, (2, 3), (3,), call=lambda x, y, r=reduction: nw.mse(x, y, r))
    case(nw.bce_with_logits, (2, 3), (2, 3), call=lambda z, t, r=reduction: nw.bce_with_logits(z, t, r))
    case(nw.bce, (2, 3), (2, 3), call=lambda p, t, r=reduction: nw.bce(p, t, r), domain=PROBABILITY)
    case(
        nw.nll, (3, 4), call=lambda x, r=reduction: nw.nll(x, here(x, [0, 3, 1]), here(x, [1.0, 2.0, 0.5]), r)
    )
case(nw.dense, (4, 3), (2, 3), (2,))
case(nw.layer_norm, (3, 4), (4,), (4,), call=lambda x, w, b: nw.layer_norm(x, w, b, (1,), 1e-5))
case(nw.layer_norm, (2, 3, 2), call=lambda x: nw.layer_norm(x, None, None, (1, 2), 1e-5))

# ---- images: stride, padding, dilation, groups ------------------------------------------------------------------
for s, p, d, n in ((1, 1), (0, 0), (1, 1), 1), ((2, 1), (1, 2), (1, 2), 1), ((1, 2), (1, 0), (1, 1), 2):
    size = tuple(cv.out_size(m, 2, *settings) for m, *settings in zip((4, 5), s, p, d, strict=True))
    case(cv.convolve, (2, 2, 4, 5), (4, 2 // n, 2, 2), (4,),
         call=lambda x, w, b, s=s, p=p, d=d, n=n: cv.convolve(x, w, b, s, p, d, n))  # fmt: skip
    case(cv.spread_out, (2, 4, *size), (4, 2 // n, 2, 2),
         call=lambda g, w, s=s, p=p, d=d, n=n: cv.spread_out(g, w, (4, 5), s, p, d, n))  # fmt: skip
    case(cv.correlate, (1, 2, 4, 5), (1, 4, *size),
         call=lambda x, g, s=s, p=p, d=d, n=n: cv.correlate(x, g, (2, 2), s, p, d, n))  # fmt: skip
for k, s, p in ((2, 2), (2, 2), (0, 0)), ((3, 2), (2, 1), (1, 1)):
    size = tuple(cv.out_size(m, *settings) for m, *settings in zip((4, 5), k, s, p, strict=True))
    image = np.random.default_rng(0).permutation(40).reshape(1, 2, 4, 5) / 7
    top = cv.max_pool(image, k, s, p)
    case(cv.max_pool, (1, 2, 4, 5), call=lambda x, k=k, s=s, p=p: cv.max_pool(x, k, s, p))
    case(cv.avg_pool, (1, 2, 4, 5), call=lambda x, k=k, s=s, p=p: cv.avg_pool(x, k, s, p))
    case(cv.avg_unpool, (1, 2, *size), call=lambda g, k=k, s=s, p=p: cv.avg_unpool(g, (4, 5), k, s, p))
    case(cv.max_unpool, (1, 2, *size), low=False,
         call=lambda g, t=top, k=k, s=s, p=p: cv.max_unpool(g, here(g, image), here(g, t), k, s, p))  # fmt: skip
    case(cv.max_repool, (1, 2, 4, 5), low=False,
         call=lambda c, t=top, k=k, s=s, p=p: cv.max_repool(c, here(c, image), here(c, t), k, s, p))  # fmt: skip
