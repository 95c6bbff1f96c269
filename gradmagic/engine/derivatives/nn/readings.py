"""What the derivatives of losses and layers read as: text for labels and steps, beside the rules of table.py.

What a reading is stands in numpy/readings.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....language import mark
from ...rules.formulas import Words
from ..numpy.readings import Text, read
from . import functions as nw
from . import images as cv
from . import table  # noqa: F401  (the rules are declared there)


def _mean(formula: str, at: int) -> Text:
    """Divide by the number of entries, if argument `at`, the reduction, is a mean."""

    def text(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
        reduction = args[at] if at < len(args) else "mean" if args else None
        sizes = {s if s is not None else getattr(a, "shape", None) for s, a in zip(shapes[:2], args, strict=False)}
        if reduction is None or len(sizes) != 1 or None in sizes:
            return ""  # not known, or one is broadcast
        shape: Any = sizes.pop()
        return f"({formula})/{math.prod(shape)}" if reduction == "mean" else formula

    return text


def _plain(text: Text, *weights: int) -> Text:
    """Say nothing where one of these arguments, a weight, is given."""

    def unweighted(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
        if not args or any(at < len(args) and args[at] is not None for at in weights):
            return ""
        return text(shapes, args) if callable(text) else text

    return unweighted


def _along(formula: str, at: int) -> Text:
    """Put in the axis, argument `at`."""
    return lambda _shapes, args: formula.replace("AXIS", str(args[at])) if at < len(args) else ""


def _logsumexp(_shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
    axis = args[1] if len(args) > 1 else None
    keepdims = len(args) > 2 and args[2]
    if not args or isinstance(axis, tuple):
        return ""
    if axis is None:
        return "np.exp(x - y)"
    kept = ("grad", "y") if keepdims else (f"np.expand_dims(grad, {axis})", f"np.expand_dims(y, {axis})")
    return f"{kept[0]}*np.exp(x - {kept[1]})"


def _layer_norm(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
    if len(args) != 5 or any(args[i] is not None or shapes[i] is not None for i in (1, 2)):
        scaled = mark("grad, times the {weight}, centred along {x} and scaled")
        return Words(scaled, weight="weight", x="x") if args else ""
    axes = args[3] if len(args[3]) > 1 else args[3][0]
    mean = f"axis={axes}, keepdims=True"
    return f"(grad - np.mean(grad, {mean}) - y*np.mean(grad*y, {mean}))/np.sqrt(np.var(x, {mean}) + {args[4]:g})"


def _normed(formula: str) -> Text:
    """Read the derivative by weight or bias, which each row met; N is the input with mean 0 and variance 1."""

    def text(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
        if len(args) != 5 or shapes[0] is None:
            return ""
        axes, rows = args[3] if len(args[3]) > 1 else args[3][0], tuple(range(len(shapes[0]) - len(args[3])))
        mean = f"axis={axes}, keepdims=True"
        normed = f"(x - np.mean(x, {mean}))/np.sqrt(np.var(x, {mean}) + {args[4]:g})"
        own = formula.replace("N", normed)
        return f"np.sum({own}, axis={rows})" if rows else own

    return text


def _nll(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
    """Read the derivative by logarithms (rows, classes), where all rows count the same."""
    weight = args[2] if len(args) > 3 else None
    if weight is None or shapes[0] is None or len(shapes[0]) != 2 or not _ones(weight):
        return ""
    rows, classes = shapes[0]
    ways = {"mean": f"-one_hot(y, {classes})/{rows}", "sum": f"-one_hot(y, {classes})"}
    return ways.get(args[3], f"-np.expand_dims(grad, 1)*one_hot(y, {classes})")


def _ones(weight: Any) -> bool:
    """Tell whether an array, or what is kept of one, is 1 everywhere."""
    low, high = getattr(weight, "low", None), getattr(weight, "high", None)
    return bool(low == high == 1) if hasattr(weight, "items") else bool(np.all(weight == 1))


def _cross_entropy(rows: int, classes: int) -> str:
    return f"(softmax(z) - one_hot(y, {classes}))/{rows}"


def _of_all_rows(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
    total = getattr(args[4], "items", args[4]) if len(args) > 4 else None
    return _cross_entropy(*shapes[0]) if total is not None and float(total) == shapes[0][0] else ""


# ---- along one axis ------------------------------------------------------------------------------------------
read(nw.softmax,         "y x axis",              _along("y*(grad - np.sum(grad*y, axis=AXIS, keepdims=True))", 1))
read(nw.log_softmax,     "y x axis",              _along("grad - np.exp(y)*np.sum(grad, axis=AXIS, keepdims=True)", 1))
read(nw.logsumexp,       "y x axis keepdims",     _logsumexp)

# ---- losses --------------------------------------------------------------------------------------------------
read(nw.mse,             "l x y",                 _mean("2*(x - y)", 2), _mean("2*(y - x)", 2))
read(nw.huber,           "l x y r delta",         _mean("np.clip(x - y, -delta, delta)", 2),
                                                  _mean("np.clip(y - x, -delta, delta)", 2))
read(nw.smooth_l1,       "l x y r beta",          _mean("np.clip((x - y)/beta, -1, 1)", 2),
                                                  _mean("np.clip((y - x)/beta, -1, 1)", 2))
read(nw.bce_with_logits, "l z t",                 _plain(_mean("sigmoid(z) - t", 2), 4, 5),
                                                  _plain(_mean("-z", 2), 4, 5))
read(nw.bce,             "l p t",                 _mean("(p - t)/(p*(1 - p))", 2),
                                                  _mean("np.log(1 - p) - np.log(p)", 2))
read(nw.cross_entropy,   "l z y",                 lambda shapes, _args: _cross_entropy(*shapes[0]))
read(nw.nll,             "l logs y",              _nll)
read(nw.cross_entropy_there, "l z y",             _of_all_rows)

# ---- layers --------------------------------------------------------------------------------------------------
read(nw.layer_norm,      "y x weight bias axes",  _layer_norm, _normed("grad*N"), _normed("grad"))
read(nw.weighted_along,  "y x weights",           Words(mark("grad, spread by the {weights}"), weights="weights"))
read(cv.convolve,        "y x w b",               Words(mark("grad, spread out again by {w}"), w="w"),
                                                  Words(mark("grad, correlated with {x}"), x="x"),
                                                  lambda shapes, _args: _over_channels(*shapes[:1]))
read(cv.spread_out,      "y x w b",               Words(mark("grad, correlated with {x}"), x="w"),
                                                  Words(mark("{x}, correlated with grad"), x="x"),
                                                  lambda shapes, _args: _over_channels(*shapes[:1]))
read(cv.max_pool,        "y x",                   Words(mark("1 at the largest of each window, else 0")))
read(cv.avg_pool,        "y x k",                 lambda _shapes, args: _window(args))


def _window(args: tuple[Any, ...]) -> str:
    if len(args) < 2:
        return ""
    divisor = args[6] if len(args) > 6 else None
    return Words(mark("1/{number} for each of a window"), number=divisor or math.prod(args[1]))


def _over_channels(shape: Any = ()) -> str:
    return f"np.sum(grad, axis={(0, *range(2, len(shape)))})" if shape else ""
