"""Calls of the methods of ufuncs, of their options, and of functions that call back or widen to complex numbers."""

from __future__ import annotations

import numpy as np

from gradmagic.engine.derivatives.numpy import partials as helpers

from .rows import ABOVE, POSITIVE, SMALL, WIDE, case, here

MASK = np.array([[True, False, True], [False, True, True]])

# ---- reduce, accumulate, reduceat, outer ------------------------------------------------------------------------
FOLDED = (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp,
          np.logaddexp2, np.hypot, np.arctan2)  # fmt: skip


def reduces(f: np.ufunc) -> bool:
    """Tell whether NumPy itself reduces rightly by f: its AVX-512 loops of power and arctan2 take all lanes at once.

    With NumPy 2.4.6 on such a processor np.power.reduce([2.0, 3.0, 2.0]) is 4.0, not 64.0; the differences of a wrong
    value are nothing to hold a derivative against.
    """
    return bool(np.isclose(f.reduce(np.array([2.0, 3.0, 2.0])), f(f(2.0, 3.0), 2.0)))


for f in FOLDED:
    domain = POSITIVE if f in (np.divide, np.arctan2) else WIDE
    if reduces(f):
        case(f, (3, 4), call=lambda x, f=f: f.reduce(x, axis=1), domain=domain, devices=False, low=False)
        case(
            f,
            (5, 2),
            call=lambda x, f=f: f.reduceat(x, [0, 3, 1, 4]),
            domain=domain,
            devices=False,
            low=False,
        )
    case(f, (3, 4), call=lambda x, f=f: f.accumulate(x, axis=-1), domain=domain, devices=False, low=False)
    case(f, (2,), (3, 2), call=lambda x, y, f=f: f.outer(x, y), domain=domain, devices=False, low=False)
case(np.logaddexp, (2, 3, 2), call=lambda x: np.logaddexp.reduce(x, axis=(0, -1), keepdims=True), low=False)
case(np.logaddexp, (3, 2), call=lambda x: np.logaddexp.reduce(x, initial=0.5), devices=False)
case(
    np.add,
    (2, 3),
    call=lambda x: np.add.reduce(x, axis=None, initial=2.0, where=here(x, MASK)),
    devices=False,
)
case(np.multiply, (2, 3), call=lambda x: np.multiply.reduce(x, 0, where=here(x, MASK)), devices=False)
case(np.maximum, (2, 3), call=lambda x: np.maximum.reduce(x, (0, 1), initial=-5.0), devices=False)
case(np.add, (2, 4), call=lambda x: np.add.reduceat(x, np.array([1, 3]), axis=1), kinds="fc", devices=False)
if reduces(np.power):
    case(np.power, (3,), call=lambda x: np.power.reduce(x), domain=POSITIVE, devices=False, low=False)

case(np._core.umath.clip, (3,), (), call=lambda x, low: np._core.umath.clip(x, low, 1.01), domain=[WIDE, (-1.0, -0.5)],
     devices=False)  # fmt: skip

# ---- options ----------------------------------------------------------------------------------------------------
case(np.multiply, "pair", call=lambda x, y: np.multiply(x, y, dtype=np.float64, order="F"), devices=False)
case(np.exp, call=lambda x: np.exp(x, casting="same_kind"), devices=False)
case(
    np.matmul,
    (2, 3, 4),
    (3, 2),
    call=lambda a, b: np.matmul(a, b, axes=[(2, 1), (0, 1), (-1, 0)]),
    devices=False,
)
case(np.vecdot, (3, 2), (3, 2), call=lambda a, b: np.vecdot(a, b, axis=0), kinds="fc", devices=False)
case(np.vecdot, (2, 3), (3,), call=lambda a, b: np.vecdot(a, b, keepdims=True), devices=False)
case(np.linalg.vecdot, (3, 2), (3, 2), call=lambda a, b: np.linalg.vecdot(a, b, axis=0), devices=False)
if hasattr(np, "matvec"):
    case(np.matvec, (2, 3), (3,), call=lambda a, b: np.matvec(a, b, axes=[(0, 1), 0, 0]), devices=False)
    case(np.matvec, (3, 2), (3,), call=lambda a, b: np.matvec(a, b, axes=[(1, 0), 0, 0]), devices=False)
for f in (np.sum, np.prod):
    case(f, (2, 3), (), call=lambda x, i, f=f: f(x, axis=1, initial=i, where=here(x, MASK)), devices=False)
for f in (np.max, np.min):
    case(f, (2, 3), call=lambda x, f=f: f(x, axis=(0, 1), initial=0.1, where=here(x, MASK)), devices=False)
case(np.sum, (2, 3), call=lambda x: np.sum(x, axis=(-1,), dtype=np.float64, keepdims=True))
case(np.mean, (2, 3), call=lambda x: np.mean(x, axis=-1, dtype=np.float64))
case(np.prod, (2, 3), call=lambda x: np.prod(x, axis=-1, dtype=np.float64))
case(np.cumsum, (2, 3), call=lambda x: np.cumsum(x, axis=-1, dtype=np.float64))
case(np.var, (2, 3), call=lambda x: np.var(x, axis=1, correction=1), devices=False)
for f in (np.var, np.std):
    case(f, (2, 3), call=lambda x, f=f: f(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), devices=False)
case(np.einsum, (2, 3), (3, 2), call=lambda a, b: np.einsum("ij,jk", a, b, dtype=np.float64, optimize="greedy"),
     devices=False)  # fmt: skip
PATH = ["einsum_path", (0, 1), (0, 1)]
case(np.einsum, (2, 3), (3, 2), (2,), call=lambda *xs: np.einsum(
    "ij,jk,k", *xs, optimize=PATH, order="F", casting="same_kind"), devices=False)  # fmt: skip
case(np.ravel, (2, 3), call=lambda x: np.ravel(np.copy(x, order="C").T, order="A"), devices=False)
case(np.reshape, (2, 3), call=lambda x: np.reshape(np.copy(x, order="C").T, (2, 3), order="A"), devices=False)
case(np.nan_to_num, (3,), (), call=lambda x, v: np.nan_to_num(x, nan=v, posinf=1.0) * v, devices=False)
case(
    np.concatenate,
    (2, 3),
    (2, 3),
    call=lambda x, y: np.concatenate([x, y], dtype=np.float64, casting="same_kind"),
)

# ---- frexp, i0, unwrap, spacings ----------------------------------------------------------------------------------
case(np.frexp, call=lambda x: np.frexp(x)[0], domain=(0.55, 0.95), devices=False)
case(np.i0, devices=False)
case(helpers.i1, devices=False, low=False)
case(np.unwrap, (5,), call=lambda x: np.unwrap(4 * x), devices=False)
case(np.unwrap, (2, 4), call=lambda x: np.unwrap(x, axis=0, period=1.3), devices=False, low=False)
case(np.logspace, (), (), call=lambda a, b: np.logspace(a, b, 4), domain=SMALL, devices=False, low=False)
case(np.logspace, (2,), (), (2,), call=lambda a, b, base: np.logspace(a, b, 3, base=base, axis=-1),
     domain=[SMALL, WIDE, POSITIVE], devices=False, low=False)  # fmt: skip
case(np.geomspace, (), (), call=lambda a, b: np.geomspace(a, b, 4), domain=POSITIVE, devices=False, low=False)
case(np.geomspace, (2,), (2,), call=lambda a, b: np.geomspace(a, b, 3, endpoint=False, axis=1), domain=POSITIVE,
     devices=False, low=False)  # fmt: skip
case(np.linspace, (2,), (), call=lambda a, b: np.linspace(a, b, 4, retstep=True), devices=False)
case(np.trapezoid, (3, 4), (3,), call=lambda y, x: np.trapezoid(y, x, axis=0), devices=False)
case(np.trapezoid, (3,), (), call=lambda y, dx: np.trapezoid(y, dx=dx), devices=False)

# ---- functions of functions, windows, conditions ------------------------------------------------------------------
case(np.apply_over_axes, (2, 3, 2), call=lambda x: np.apply_over_axes(np.sum, x, [0, -1]))
case(np.lib.stride_tricks.sliding_window_view, (4, 3),
     call=lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)), devices=False)  # fmt: skip
case(np.lib.stride_tricks.sliding_window_view, (2, 5),
     call=lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, axis=-1), devices=False)  # fmt: skip
case(
    np.piecewise,
    (4,),
    call=lambda x: np.piecewise(x, [x > 1], [lambda t: np.log(t), 2.0]),
    domain=(0.55, 1.9),
    devices=False,
)
case(
    np.piecewise,
    (),
    call=lambda x: np.piecewise(x, x > 0, [np.exp, np.negative]),
    domain=POSITIVE,
    devices=False,
)
case(
    np.select,
    (3,),
    (3,),
    call=lambda x, y: np.select([x > 0, y > 0], [x, y * y], default=x * y),
    devices=False,
)
case(np.ix_, (2,), (3,), devices=False)
case(np.insert, (4,), (2,), call=lambda x, v: np.insert(x, slice(0, 2), v), devices=False)
case(np.delete, (4, 2), call=lambda x: np.delete(x, slice(None, None, 2), axis=0))
if hasattr(np, "astype"):
    # NumPy 2.0 takes arrays only, no number.
    numbers_too = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
    case(np.astype, "any" if numbers_too else (2, 3), call=lambda x: np.astype(x, np.float64), devices=False)
case(np.real_if_close, kinds="fc", devices=False)

# ---- complex where the real function ends -------------------------------------------------------------------------
for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10):
    case(
        f,
        (3,),
        call=lambda x, f=f: f(x * here(x, [1.0, -1.0, 1.0])),
        domain=POSITIVE,
        devices=False,
        low=False,
    )
for f in (np.emath.arcsin, np.emath.arccos, np.emath.arctanh):
    case(f, (3,), call=lambda x, f=f: f(x), domain=ABOVE, devices=False, low=False)
    case(f, (3,), call=lambda x, f=f: f(x), domain=SMALL, devices=False, low=False)
for f in (lambda x: np.emath.logn(3.0, x), lambda x: np.emath.power(x, 1.5)):
    case(
        np.emath.logn if "logn" in f.__code__.co_names else np.emath.power,
        (3,),
        call=lambda x, f=f: f(x * here(x, [1.0, -1.0, 1.0])),
        domain=POSITIVE,
        devices=False,
        low=False,
    )
case(np.hypot, (1, 2), call=lambda x: np.hypot.reduce(x))

# ---- arrays made by like= -----------------------------------------------------------------------------------------
for f in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require):
    case(f, (3,), call=lambda x, f=f: f([x, x], like=x) if hasattr(x, "node") else f([x, x]), devices=False)
case(
    np.full,
    (3,),
    call=lambda x: np.full((2, 3), x, **({"like": x} if hasattr(x, "node") else {})),
    devices=False,
)
