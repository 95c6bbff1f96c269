"""scipy.integrate.quad, followed: its value as a sum over the points at which it asked for the integrand.

In: the call. Out: SciPy's own result; where the integrand gave tracked values, with the node of that sum. QUADPACK's
value is the sum of a Gauss-Kronrod rule over its last intervals (of 21 points; of 15 over a range without end, which
it maps to (0, 1]), so the integrand is not called again; but where its gradient is rougher than its value, as the two
rules of an interval tell, at the points of halved intervals. A limit adds the integral from where it is to where it
moves.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from scipy import integrate

from ...errors import ArgumentError
from ...language import mark
from ..derivatives.ordered import FOLLOWED, no_derivative
from ..dispatch.protocols import unknown
from ..sweeps.reference import gradients
from ..tape.modes import OFF, mode_now
from ..tape.tracked import raw, raws, tracked_in

# Points and weights of QUADPACK's Gauss-Kronrod rules (R. Piessens et al., QUADPACK, 1983), from 1 down to 0.
_RULES = {
    21: ((0.995657163025808080735527280689003, 0.973906528517171720077964012084452, 0.930157491355708226001207180059508,
          0.865063366688984510732096688423493, 0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
          0.562757134668604683339000099272694, 0.433395394129247190799265943165784, 0.294392862701460198131126603103866,
          0.148874338981631210884826001129720, 0.0),
         (0.011694638867371874278064396062192, 0.032558162307964727478818972459390, 0.054755896574351996031381300244580,
          0.075039674810919952767043140916190, 0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
          0.123491976262065851077958109831074, 0.134709217311473325928054001771707, 0.142775938577060080797094273138717,
          0.147739104901338491374841515972068, 0.149445554002916905664936468389821)),
    15: ((0.991455371120812639206854697526329, 0.949107912342758524526189684047851, 0.864864423359769072789712788640926,
          0.741531185599394439863864773280788, 0.586087235467691130294144838258730, 0.405845151377397166906606412076961,
          0.207784955007898467600689403773245, 0.0),
         (0.022935322010529224963732008058970, 0.063092092629978553290700663189204, 0.104790010322250183839876322541518,
          0.140653259715525918745189590510238, 0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
          0.204432940075298892414161999234649, 0.209482141084727828012999174891714)),
}  # fmt: skip
_GAUSS = tuple(zip(*np.polynomial.legendre.leggauss(3), strict=True))


_HALVED, _SURE = 6, 1e-8  # how often at most; the relative error of the gradient that is good enough at once


def _rule(number: int) -> tuple[Any, Any, Any]:
    """Give the points from -1 to 1, the weights of all of them, and those of the Gauss rule over every other one."""
    x, w = map(np.array, _RULES[number])
    few = np.zeros(number)
    few[1::2] = np.polynomial.legendre.leggauss(number // 2)[1]
    return np.concatenate([-x, x[-2::-1]]), np.concatenate([w, w[-2::-1]]), few


def _points(low: Any, high: Any, a: float, b: float) -> tuple[Any, Any, Any]:
    """Give QUADPACK's points over its intervals, and the weights of both rules."""
    finite = np.isfinite(a) and np.isfinite(b)
    x, *both = _rule(21 if finite else 15)
    half = (high - low)[:, None] / 2
    at = (low + high)[:, None] / 2 + half * x
    weights = [half * w for w in both]
    if not finite:
        weights = [w / at**2 for w in weights]
        at = (1 - at) / at
        at = a + at if np.isfinite(a) else b - at if np.isfinite(b) else np.stack([at, -at])
        weights = [np.broadcast_to(w, at.shape) for w in weights]
    return np.ravel(at), np.ravel(weights[0]), np.ravel(weights[1])


def _asked(seen: dict[float, Any], at: Any) -> Any:
    """Give the places at which the integrand was asked for, next to those of the rule; None if they are others."""
    places = np.array(sorted(seen))
    nearest = np.clip(np.searchsorted(places, at), 1, len(places) - 1)
    nearest -= at - places[nearest - 1] < places[nearest] - at
    near = np.abs(places[nearest] - at) <= 1e-9 * (np.abs(at) + 1e-300)
    return places[nearest] if np.all(near) else None


def _rough(total: Any, apart: Any) -> float:
    """Estimate the relative error of the gradient of `total`, as QUADPACK does that of a value.

    By the leaves: by a spline's coefficients, each of one piece, it would be rough, and is not by the data.
    """
    if total.node is None or apart.node is None:
        return 0.0
    whole, part = (
        max((float(np.linalg.norm(np.ravel(c))) for c in gradients(node, 1.0).values()), default=0.0)
        for node in (total.node, apart.node)
    )
    return 0.0 if part == 0 else min(1.0, (200 * part / whole) ** 1.5) if whole else 1.0


def _moved(func: Callable[..., Any], args: Any, limit: Any) -> Any:
    """Integrate from the value of a limit to the limit: nothing, but for its derivatives (right to the sixth)."""
    start = raw(limit)
    step = limit - start
    return sum(step * (w / 2) * func(start + step * ((x + 1) / 2), *args) for x, w in _GAUSS)


_signature = inspect.signature(integrate.quad)


@wraps(integrate.quad)
def quad(*given: Any, **settings: Any) -> Any:
    bound = _signature.bind(*given, **settings)
    bound.apply_defaults()
    func, a, b, args, full = (bound.arguments[k] for k in ("func", "a", "b", "args", "full_output"))
    args = args if isinstance(args, tuple) else (args,)
    seen: dict[float, Any] = {}

    def watched(t: float, *rest: Any) -> Any:
        out = seen[t] = func(t, *rest)
        return raw(out)

    bound.arguments |= {"func": watched, "a": raw(a), "b": raw(b), "full_output": 1}
    result = integrate.quad(*bound.args, **bound.kwargs)
    if not full and len(result) > 3:
        warnings.warn(result[3], integrate.IntegrationWarning, stacklevel=2)
    shown = result if full else result[:2]
    tracked = [t for t in tracked_in([a, b, *seen.values()]) if t.node is not None]
    if not tracked or mode_now() is OFF:
        return raws(shown)
    try:
        made = _followed(func, a, b, args, seen, bound.arguments, result)
    except ArgumentError as error:
        return unknown("scipy.integrate.quad", (tracked,), {}, lambda *_, **__: shown, error)
    return (type(made).wrap(result[0], made.node), *shown[1:])


def _followed(func: Any, a: Any, b: Any, args: Any, seen: Any, settings: Any, result: Any) -> Any:
    if settings["weight"] is not None or settings["points"] is not None or settings["complex_func"]:
        raise no_derivative("scipy.integrate.quad", mark("with weight, points or complex_func"))
    total: Any = 0.0
    if any(t.node is not None for t in tracked_in(list(seen.values()))) and raw(a) != raw(b):
        total = _summed(func, raw(a), raw(b), args, seen, result)
    for limit, way in ((b, 1.0), (a, -1.0)):
        if tracked_in([limit]):
            total = total + way * _moved(func, args, limit)
    return total


def _summed(func: Any, a: Any, b: Any, args: Any, seen: Any, result: Any) -> Any:
    """Give the integral as the sum of what the integrand gave, with a gradient that is as sure as the value."""
    value, error, info = result[:3]
    sign = 1.0 if a < b else -1.0
    low, high = info["alist"][: info["last"]], info["blist"][: info["last"]]
    for halved in range(_HALVED + 1):
        at, weights, few = _points(low, high, min(a, b), max(a, b))
        places = at if halved else _asked(seen, at)
        if places is None:
            break
        outs = [seen[t] if t in seen else seen.setdefault(t, func(t, *args)) for t in places.tolist()]
        stacked = np.stack([np.reshape(out, ()) for out in outs])
        total, apart = np.sum(sign * weights * stacked), np.sum(sign * (weights - few) * stacked)
        if not halved and not abs(raw(total) - value) <= max(10 * error, 1e-9 * abs(value)):
            break  # the value is extrapolated
        rough = _rough(total, apart)
        if rough <= _SURE or (halved == _HALVED and rough * abs(value) <= max(1e-5 * abs(value), 10 * error)):
            return total
        middle = (low + high) / 2
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    raise no_derivative("scipy.integrate.quad", mark("of an integrand so near to singular"))


quad.calls = True  # type: ignore[attr-defined]  # the user's function, once: what it gives counts
FOLLOWED.setdefault("scipy.integrate", {})["quad"] = quad
