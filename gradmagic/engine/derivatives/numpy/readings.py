"""What the derivatives of reductions and norms read as: text for labels and steps, beside their rules.

A reading is a formula in the names of the rule (the result's, then the arguments'), or a function that gives it of the
arguments' shapes and values. Where `grad` stands in it, it says how the gradient goes on; else it is the derivative.
A name that ends in `_` is a setting, by position or by keyword.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...rules.declare import RULES
from . import linalg, reductions  # noqa: F401  (the rules are declared there)
from .partials import axes_of

Text = str | Callable[[tuple[Any, ...], tuple[Any, ...]], str]


def read(function: Any, names: str, *texts: Text) -> None:
    """Give the rule of a function its readings, one for each argument."""
    rule = RULES[function]
    rule.readings, rule.named = texts, tuple(names.split())


def _settings(args: tuple[Any, ...], *names: str) -> dict[str, Any]:
    return dict(zip(names, (*args[1:], *[None] * len(names)), strict=False))


def _kept(axis: Any, keepdims: Any) -> tuple[str, str]:
    """Write the gradient and the result with the axes that were reduced."""
    return ("grad", "y") if keepdims else (f"np.expand_dims(grad, {axis})", f"np.expand_dims(y, {axis})")


def _spread(of_all: str, along: str) -> Text:
    """Read a variance, of all entries or along an axis: d is what it is divided by, m the mean, g and y kept whole."""

    def text(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
        given = _settings(args, "axis", "dtype", "out", "ddof", "keepdims", "where", "correction", "mean")
        if not args or shapes[0] is None or any(given[n] is not None for n in ("where", "correction", "mean")):
            return ""
        axis = given["axis"]
        d = math.prod(shapes[0][a] for a in axes_of(axis, len(shapes[0]))) - (given["ddof"] or 0)
        if axis is None:
            return of_all.format(d=f"{d:g}") if not given["keepdims"] else ""
        g, y = _kept(axis, given["keepdims"])
        return along.format(d=f"{d:g}", m=f"np.mean(x, axis={axis}, keepdims=True)", g=g, y=y)

    return text


def _norm(shapes: tuple[Any, ...], args: tuple[Any, ...]) -> str:
    given = _settings(args, "ord", "axis", "keepdims")
    if not args or shapes[0] is None or (given["axis"] is None and given["keepdims"]):
        return ""
    axes, order = axes_of(given["axis"], len(shapes[0])), given["ord"]
    grad, y = ("", "y") if given["axis"] is None else _kept(given["axis"], given["keepdims"])
    grad = grad and f"{grad}*"
    if order is None or order in ("fro", "f") or (order == 2 and len(axes) == 1):
        return f"{grad}x/{y}"
    if len(axes) != 1 or isinstance(order, str) or order == 0 or math.isinf(order):
        return ""
    return f"{grad}np.sign(x)" + ("" if order == 1 else f"*(np.abs(x)/{y})**{order - 1:g}")


VARIANCE = "y x axis_ dtype_ out_ ddof_ keepdims_ where_ correction_ mean_"
read(np.var, VARIANCE, _spread("2*(x - np.mean(x))/{d}", "{g}*2*(x - {m})/{d}"))
read(np.std, VARIANCE, _spread("(x - np.mean(x))/({d}*y)", "{g}*(x - {m})/({d}*{y})"))
read(np.linalg.norm, "y x ord_ axis_ keepdims_", _norm)
