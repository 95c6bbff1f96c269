"""The awkward products of arrays: dot, tensordot and einsum, whose cotangents are products of the same kind.

In and out: as a rule gets them. Every function is linear in each factor: the vjp multiplies g by the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....language import tr
from ...tape.nodes import Aval
from .partials import device_range
from .shape_transposes import undiagonal

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


# ---- tensordot and the products that are cases of it ----------------------------------------------------------


def _axes(axes: Any, a: Any, b: Any) -> tuple[list[int], list[int]]:
    """Give the axes of a and of b that tensordot sums over."""
    ndim_a, ndim_b = np.ndim(a), np.ndim(b)
    if isinstance(axes, (int, np.integer)):
        return list(range(ndim_a - int(axes), ndim_a)), list(range(int(axes)))
    of_a, of_b = ([x] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
    return [int(x) % ndim_a for x in of_a], [int(x) % ndim_b for x in of_b]


# Axes as tuples: of a 0-d array CuPy takes no others than ((), ()).
def tensordot_a(g: Any, _z: Any, _a: Any, b: Any, axes: Any = 2) -> Any:
    of_a, of_b = _axes(axes, _a, b)
    free_a = [i for i in range(len(_a.shape)) if i not in of_a]
    free_b = [i for i in range(np.ndim(b)) if i not in of_b]
    c = np.tensordot(g, np.conj(b), (tuple(range(len(free_a), len(g.shape))), tuple(free_b)))
    # c has the free axes of a, then the summed axes in b's order.
    order = free_a + [of_a[of_b.index(i)] for i in sorted(of_b)]
    return np.transpose(c, [order.index(i) for i in range(len(order))])


def tensordot_b(g: Any, _z: Any, a: Any, _b: Any, axes: Any = 2) -> Any:
    of_a, of_b = _axes(axes, a, _b)
    free_a = [i for i in range(np.ndim(a)) if i not in of_a]
    free_b = [i for i in range(len(_b.shape)) if i not in of_b]
    c = np.tensordot(np.conj(a), g, (tuple(free_a), tuple(range(len(free_a)))))
    order = [of_b[of_a.index(i)] for i in sorted(of_a)] + free_b
    return np.transpose(c, [order.index(i) for i in range(len(order))])


def _dot_axes(a: Any, b: Any) -> Any:
    return (-1,), (-1 if len(b.shape) == 1 else -2,)


def _scaled(g: Any, x: Any) -> Any:
    return g * np.conj(x)


def dot_a(g: Any, z: Any, _a: Any, b: Any, out: Any = None) -> Any:
    scalar = not _shape(_a) or not _shape(b)
    return _scaled(g, b) if scalar else tensordot_a(g, z, _a, b, _dot_axes(_a, b))


def dot_b(g: Any, z: Any, a: Any, _b: Any, out: Any = None) -> Any:
    scalar = not _shape(a) or not _shape(_b)
    return _scaled(g, a) if scalar else tensordot_b(g, z, a, _b, _dot_axes(a, _b))


def inner_a(g: Any, z: Any, _a: Any, b: Any) -> Any:
    return _scaled(g, b) if not _shape(_a) or not _shape(b) else tensordot_a(g, z, _a, b, (-1, -1))


def inner_b(g: Any, z: Any, a: Any, _b: Any) -> Any:
    return _scaled(g, a) if not _shape(a) or not _shape(_b) else tensordot_b(g, z, a, _b, (-1, -1))


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def undo_trace(
    g: Any, like: Aval, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    n, m = like.shape[axis1], like.shape[axis2]
    length = max(min(n + min(offset, 0), m - max(offset, 0)), 0)
    along = np.broadcast_to(np.expand_dims(g, -1), (*g.shape, length))
    return undiagonal(along, like, offset, axis1, axis2)


# ---- einsum ---------------------------------------------------------------------------------------------------


def _terms(operands: Sequence[Any]) -> tuple[list[str], str | None, list[Any], list[int]]:
    """Give the labels of each factor and of the result (None if not given), the factors, and their positions."""
    if isinstance(operands[0], str):
        left, arrow, right = operands[0].replace(" ", "").partition("->")
        return left.split(","), right if arrow else None, list(operands[1:]), list(range(1, len(operands)))
    pairs = len(operands) // 2
    named = ["".join("..." if k is Ellipsis else _LETTERS[k] for k in operands[2 * i + 1]) for i in range(pairs)]
    result = None
    if len(operands) % 2:
        result = "".join("..." if k is Ellipsis else _LETTERS[k] for k in operands[-1])
    return named, result, [operands[2 * i] for i in range(pairs)], [2 * i for i in range(pairs)]


def explicit(operands: Sequence[Any]) -> tuple[list[str], str, list[Any], list[int]]:
    """Write out an einsum: one letter for each axis, no ellipsis, the result given.

    Examples
    --------
    >>> a = np.ones((2, 3, 4))
    >>> explicit(("...ij,...jk", a, a))[:2]
    (['aij', 'ajk'], 'aik')
    """
    terms, result, factors, positions = _terms(operands)
    used = {c for t in (*terms, result or "") for c in t}
    spare = [c for c in _LETTERS if c not in used]
    pairs = list(zip(terms, factors, strict=True))
    dots = [len(np.shape(x)) - len(t.replace("...", "")) if "..." in t else 0 for t, x in pairs]
    rest = "".join(spare[: max(dots, default=0)])
    del spare[: len(rest)]
    if result is None:
        flat = "".join(terms).replace(".", "")
        once = "".join(sorted(c for c in set(flat) if flat.count(c) == 1))
        result = ("..." if any("..." in t for t in terms) else "") + once
    written = [t.replace("...", rest[len(rest) - n :]) for t, n in zip(terms, dots, strict=True)]
    return written, result.replace("...", rest), factors, positions


def einsum_vjp(g: Any, i: int, _out: Any, *operands: Any, optimize: Any = False, **options: Any) -> Any:
    terms, result, factors, positions = explicit(operands)
    k = positions.index(i)
    mine, shape = terms[k], factors[k].shape
    others = [np.conj(x) for j, x in enumerate(factors) if j != k]
    labels = [t for j, t in enumerate(terms) if j != k]
    # A label named twice is a diagonal: the second gets a letter of its own, and an identity joins the two.
    spare = [c for c in _LETTERS if c not in set("".join([*terms, result]))]
    seen: list[str] = []
    full = ""
    for axis, c in enumerate(mine):
        if c in seen:
            if not spare:
                raise ArgumentError(tr("this einsum has more than 52 labels; split it in two."))
            new = spare.pop()
            along = device_range(shape[axis], g)
            others.append(np.equal(np.expand_dims(along, 1), along))
            labels.append(c + new)
            full += new
        else:
            seen.append(c)
            full += c
    # A label of this factor alone was summed over: the cotangent is the same all along it.
    reached = set("".join([result, *labels]))
    target = "".join(c for c in full if c in reached)
    made: Any = np.einsum(",".join([result, *labels]) + "->" + target, g, *others, optimize=optimize)
    if target != full:
        alone = tuple(axis for axis, label in enumerate(full) if label not in reached)
        made = np.expand_dims(made, alone)
        sizes = [shape[axis] if axis in alone else made.shape[axis] for axis in range(len(full))]
        made = np.broadcast_to(made, tuple(sizes))
    return made


