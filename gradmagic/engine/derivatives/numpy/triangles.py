"""The decomposition of a matrix into two triangles without exchanging rows: `lu`; its rule.

In and out: as a rule gets them; matrices stand in the last two dimensions, all others are a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import arrays
from ...dispatch.calls import primitive
from ...rules.declare import rule
from ...tape.tracked import raw
from .partials import swap


@primitive
def lu(a: Any) -> Any:
    """Give L, of ones on the diagonal, and U with `a = L @ U`."""
    n, m = a.shape[-2:]
    k = min(n, m)
    u, low = a.copy(), arrays.zeros(_Like((*a.shape[:-1], k), a.dtype), a)
    for i in range(k):
        low[..., i, i] = 1
        if i + 1 < n:
            factor = u[..., i + 1 :, i] / u[..., i : i + 1, i]
            low[..., i + 1 :, i] = factor
            u[..., i + 1 :, :] -= factor[..., None] * u[..., i : i + 1, :]
    return low, np.triu(u[..., :k, :])


class _Like:
    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = shape, dtype


def pivots(a: Any) -> Any:
    """Give the order of rows in which each step of `lu` divides by the largest entry left; of plain arrays."""
    a = np.array(a)
    n, m = a.shape[-2:]
    order = np.broadcast_to(np.arange(n), a.shape[:-1]).copy()
    for i in range(min(n, m)):
        size = a[..., i:, i]
        size = np.absolute(np.real(size)) + np.absolute(np.imag(size)) if a.dtype.kind == "c" else np.absolute(size)
        best = np.argmax(size, axis=-1)[..., None] + i
        swaps = np.broadcast_to(np.arange(n), order.shape).copy()
        np.put_along_axis(swaps, best, i, -1)
        swaps[..., i : i + 1] = best
        order = np.take_along_axis(order, swaps, -1)
        a = np.take_along_axis(a, swaps[..., None], -2)
        top = np.where(a[..., i, i] == 0, 1, a[..., i, i])
        a[..., i + 1 :, :] -= (a[..., i + 1 :, i] / top[..., None])[..., None] * a[..., i : i + 1, :]
    return order


def lu_vjp(g: Any, out: Any, _a: Any) -> Any:
    """Give L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H of a square matrix.

    A wider or taller one is a square block and the rest, which follows it: U2 = L^-1 A2, L2 = A2 U^-1.
    """
    (low, up), (gl, gu) = out, g
    n, m = np.shape(low)[-2], np.shape(up)[-1]
    k = min(n, m)
    low1, up1, gl1, gu1 = low[..., :k, :], up[..., :, :k], gl[..., :k, :], gu[..., :, :k]
    parts = np.tril(swap(low1) @ gl1, -1) + np.triu(gu1 @ swap(up1))
    rest = None
    if m > k:
        gu2, up2 = gu[..., :, k:], up[..., :, k:]
        parts = parts - np.tril(gu2 @ swap(up2), -1)
        rest = np.linalg.solve(swap(low1), gu2)
    if n > k:
        gl2, low2 = gl[..., k:, :], low[..., k:, :]
        parts = parts - np.triu(swap(low2) @ gl2)
        rest = swap(np.linalg.solve(up1, swap(gl2)))
    square = np.linalg.solve(swap(low1), swap(np.linalg.solve(up1, swap(parts))))
    return square if rest is None else np.concatenate([square, rest], -1 if m > k else -2)


rule(lu, lu_vjp, outputs=2, torch="LinalgLuFactorEx")


def ordered(a: Any) -> tuple[Any, Any]:
    """Give the order of rows that `pivots` finds, and the rows in it."""
    order = arrays.from_host(pivots(arrays.to_host(raw(a))), raw(a))
    return order, np.take_along_axis(a, order[..., None], -2)
