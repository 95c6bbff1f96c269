"""Derivatives by differences, to hold the rules against, and the values that they are taken at.

In: a `Case`. Out: drawn arguments; cotangents by the tape; the same by differences of fourth order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.sweeps.backward import sweep
from gradmagic.engine.tape.tracked import Tracked

from .rows import Case

_CELLS = 64


def values(
    rng: np.random.Generator, shape: tuple[int, ...], domain: tuple[float, float], argument: int
) -> Any:
    """Draw float64 entries from the domain, all distinct, never 0, never equal to another argument's."""
    low, high = domain
    n = int(np.prod(shape))
    count = max(_CELLS, n)
    cells = rng.permutation(count)[:n] + (2 * argument + 1) / 9
    return np.reshape(low + (high - low) * cells / count, shape)


def shapes_of(case: Case, draw: Any, empty: bool = True) -> list[tuple[int, ...]]:
    """Draw the shapes that the case leaves open: up to three dimensions of at most three, none, one, empty."""
    shapes: list[tuple[int, ...]] = []
    least = 0 if empty else 1
    for shape in case.shapes:
        if shape == "any":
            shapes.append(draw(array_shapes(min_dims=0, max_dims=3, min_side=least, max_side=3)))
        elif shape == "pair":
            pair = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=least, max_side=3))
            shapes += pair.input_shapes
        else:
            shapes.append(shape)
    return shapes


def settings_of(case: Case, draw: Any, ndim: int) -> dict[str, Any]:
    """Draw axis and keepdims for a reduction."""
    if not case.axes:
        return {}
    axis = st.none() if ndim == 0 else st.none() | st.integers(-ndim, ndim - 1)
    if case.axes == "many" and ndim:
        several = st.lists(st.integers(0, ndim - 1), min_size=1, max_size=ndim, unique=True)
        signed = several.map(lambda axes: tuple(a - ndim if i % 2 else a for i, a in enumerate(axes)))
        axis = axis | (signed.filter(lambda axes: len(axes) <= 2) if case.rule is np.linalg.norm else signed)
    settings: dict[str, Any] = {"axis": draw(axis)}
    if case.axes == "many":
        settings["keepdims"] = draw(st.booleans())
    return settings


def arguments_of(case: Case, shapes: Sequence[tuple[int, ...]], seed: int, kind: str = "f") -> list[Any]:
    """Draw the arguments of a case, in float64 or complex128."""
    rng = np.random.default_rng(seed)
    made = []
    for i, (shape, domain) in enumerate(zip(shapes, case.domains, strict=True)):
        x = values(rng, shape, domain, i)
        if kind == "c":
            x = x + 1j * values(rng, shape, (0.1, 0.8), i)
        made.append(x)
    return made


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda x: x,
    "Fortran": lambda x: np.asarray(x, order="F"),
    "every other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "reversed": lambda x: np.flip(np.flip(x).copy()) if x.ndim else x,
}


def outputs(result: Any) -> list[Any]:
    """List the arrays that a call gave."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def weights(like: Sequence[Any], seed: int) -> list[Any]:
    """Draw a cotangent for each output, as a host array of its dtype."""
    rng = np.random.default_rng(seed + 1)
    made = []
    for y in like:
        shape, dtype = np.shape(y), np.dtype(y.dtype)
        w = rng.uniform(-1, 1, shape)
        if dtype.kind == "c":
            w = w + 1j * rng.uniform(-1, 1, shape)
        made.append(np.asarray(w).astype(dtype))
    return made


def loss(ys: Sequence[Any], ws: Sequence[Any]) -> Any:
    """Give the real number sum Re(conj(w) y), whose gradient by y is w."""
    total: Any = 0
    for y, w in zip(ys, ws, strict=True):
        total = total + np.sum(np.real(np.conj(w) * y))
    return total


def raw(x: Any) -> Any:
    return x.array if isinstance(x, Tracked) else x


def pulled(call: Callable[..., Any], args: Sequence[Any], make_weights: Callable[[list[Any]], list[Any]],
           create_graph: bool = False) -> tuple[list[Any], list[Any], list[Any]]:  # fmt: skip
    """Compute `call(*args)` on the tape and its cotangents: the lifted arguments, the outputs, the cotangents."""
    lifted = [Array.lift(a, share=False) for a in args]
    ys = outputs(call(*lifted))
    ws = make_weights([raw(y) for y in ys])
    return lifted, ys, cotangents(loss(ys, ws), lifted, create_graph)


def cotangents(total: Any, lifted: Sequence[Any], create_graph: bool = False) -> list[Any]:
    """Sweep back from a number to the lifted arguments; None for one that it does not depend on."""
    if not isinstance(total, Tracked) or total.node is None:
        return [None] * len(lifted)
    one = np.ones_like(raw(total))
    nodes = [a.node for a in lifted]
    found, swept, _ = sweep(total.node, one, inputs=nodes, create_graph=create_graph)
    reached = {node.number for node in found}
    return [swept[node.number] if node.number in reached else None for node in nodes]


def differences(f: Callable[..., Any], args: Sequence[Any], step: float = 1e-3) -> list[Any]:
    """Give the gradient of the real number f(*args) by central differences of fourth order, entry by entry.

    For complex arguments df/dRe + i df/dIm, as the tape gives it.
    """
    grads = []
    for i, x in enumerate(args):
        g = np.zeros(x.shape, x.dtype)
        for place in np.ndindex(*x.shape):
            for direction in (1, 1j) if x.dtype.kind == "c" else (1,):

                def at(k: float, i: int = i, place: Any = place, direction: Any = direction) -> float:
                    moved = [np.array(a) for a in args]
                    moved[i][place] += k * step * direction
                    return float(f(*moved))

                g[place] += direction * (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
        grads.append(g)
    return grads


def slope(f: Callable[..., Any], args: Sequence[Any], along: Sequence[Any], step: float = 1e-3) -> float:
    """Give the derivative of the real number f(*args) along a direction, by central differences of fourth order."""

    def at(k: float) -> float:
        return float(f(*(a + k * step * d for a, d in zip(args, along, strict=True))))

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
