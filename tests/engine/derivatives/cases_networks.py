"""One call at least for every derivative of the functions of neural networks and of images."""

from __future__ import annotations

import numpy as np

from gradmagic.engine.derivatives.nn import activations as ac
from gradmagic.engine.derivatives.nn import functions as nw
from gradmagic.engine.derivatives.nn import images as cv
from gradmagic.engine.derivatives.numpy.triangles import lu

from .rows import POSITIVE, case, here

# ---- neural networks ------------------------------------------------------------------------------------------
PROBABILITY = (0.1, 0.9)
for f in (nw.relu, nw.sigmoid, nw.log_sigmoid, nw.silu, nw.gelu, nw.gelu_tanh, nw.erf):
    case(f, low=f not in (nw.erf, nw.gelu))
case(nw.hardtanh, call=lambda x: nw.hardtanh(x, -0.6, 0.9))
for f in (nw.softplus, nw.leaky_relu, nw.elu):
    case(f, call=lambda x, f=f: f(x, 0.7))
for f in (ac.hard_sigmoid, ac.hard_swish, ac.mish):
    case(f)
case(ac.scaled_elu, call=lambda x: ac.scaled_elu(x, 0.7, 1.3, 0.9))
for f in (ac.soft_shrink, ac.hard_shrink):
    case(f, call=lambda x, f=f: f(x, 0.4))
case(ac.threshold, call=lambda x: ac.threshold(x, 0.3, 0.5))
case(ac.prelu, (2, 3), (3,))
case(lu, (3, 3), call=lambda a: lu(a + here(a, 4 * np.eye(3))), low=False)
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
case(
    nw.layer_norm,
    (3, 2, 2),
    (2,),
    (2,),
    call=lambda x, w, b: nw.layer_norm(x, w, b, (0, 2), 1e-5, None, (1, -1, 1)),
)
case(nw.layer_norm, (2, 4, 2), (4,), (4,),
     call=lambda x, w, b: nw.layer_norm(x, w, b, (2,), 1e-5, (2, 2, 4), (1, -1, 1)))  # fmt: skip
case(nw.normalise_by, (3, 2, 2), (2,), (2,),
     call=lambda x, w, b: nw.normalise_by(x, w, b, here(x, [0.5, 1.0]), here(x, [2.0, 0.5]), 1e-5, (1, -1, 1)),
)  # fmt: skip

case(
    nw.weighted_along,
    (2, 3, 2),
    call=lambda x: nw.weighted_along(x, here(x, [[0.5, 0.5, 0.0], [0.0, 0.0, 2.0]]), 1),
)

# ---- images in one, two and three dims: stride, padding, dilation, groups ---------------------------------------
for sides, s, p, d, n in (
    ((4, 5), (1, 1), (0, 0), (1, 1), 1), ((4, 5), (2, 1), (1, 2), (1, 2), 1), ((4, 5), (1, 2), (1, 0), (1, 1), 2),
    ((5,), (2,), (1,), (2,), 1), ((3, 2, 3), (1, 2, 1), (1, 0, 0), (1, 1, 2), 2),
):  # fmt: skip
    kernel = (2,) * len(sides)
    size = tuple(cv.out_size(m, 2, *walk) for m, *walk in zip(sides, s, p, d, strict=True))
    case(cv.convolve, (2, 2, *sides), (4, 2 // n, *kernel), (4,),
         call=lambda x, w, b, s=s, p=p, d=d, n=n: cv.convolve(x, w, b, s, p, d, n))  # fmt: skip
    case(cv.spread_out, (2, 4, *size), (4, 2 // n, *kernel), (2,),
         call=lambda g, w, b, z=sides, s=s, p=p, d=d, n=n: cv.spread_out(g, w, b, z, s, p, d, n))  # fmt: skip
    case(cv.correlate, (1, 2, *sides), (1, 4, *size),
         call=lambda x, g, k=kernel, s=s, p=p, d=d, n=n: cv.correlate(x, g, k, s, p, d, n))  # fmt: skip
walk = ((2, 3), (2, 1), (1, 0), (1, 1))
case(cv.unfold, (2, 2, 4, 5), call=lambda x: cv.unfold(x, *walk))
case(cv.fold, (2, 12, 9), call=lambda c: cv.fold(c, (4, 5), *walk))
for sides, k, s, p, d, c in (
    ((4, 5), (2, 2), (2, 2), (0, 0), (1, 1), False), ((4, 5), (3, 2), (2, 1), (1, 1), (1, 1), False),
    ((4, 5), (2, 2), (3, 2), (0, 1), (2, 1), True), ((7,), (3,), (2,), (1,), (1,), True),
    ((2, 3, 3), (2, 2, 1), (1, 1, 2), (1, 0, 0), (1, 1, 1), False),
):  # fmt: skip
    size = tuple(cv.out_size(m, *walk, c) for m, *walk in zip(sides, k, s, p, d, strict=True))
    whole = int(np.prod(sides))
    image = np.random.default_rng(0).permutation(2 * whole).reshape(1, 2, *sides) / 7
    top = cv.max_pool(image, k, s, p, d, c)
    case(cv.max_pool, (1, 2, *sides), call=lambda x, w=(k, s, p, d, c): cv.max_pool(x, *w))
    case(cv.max_unpool, (1, 2, *size), low=False,
         call=lambda g, i=image, t=top, w=(k, s, p, d): cv.max_unpool(g, here(g, i), here(g, t), *w))  # fmt: skip
    case(cv.max_repool, (1, 2, *sides), low=False,
         call=lambda g, i=image, t=top, w=(k, s, p, d): cv.max_repool(g, here(g, i), here(g, t), *w))  # fmt: skip
    if set(d) == {1}:
        for rim, divisor in ((False, None), *([(True, None), (True, 3)] if k == (2, 2) else [])):
            w = (k, s, p, c, rim, divisor)
            case(cv.avg_pool, (1, 2, *sides), call=lambda x, w=w: cv.avg_pool(x, *w))
            case(cv.avg_unpool, (1, 2, *size), call=lambda g, z=sides, w=w: cv.avg_unpool(g, z, *w))
