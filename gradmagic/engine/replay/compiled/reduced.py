"""Sums, products, maxima over axes as loops, in NumPy's order: sums of floats by pairs along the last axis.

In: where the operand lies, the axes, a ufunc. Out: lines of text, and where the result lies.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .contracted import nested
from .memory import Lies, address, joined
from .scalars import as_dtype, of_ufunc

# NumPy's pairwise sum: eight running sums within 128 entries, halves above that.
PAIRWISE = """
@njit(error_model="numpy")
def block(a, at, step, n):
    s0, s1, s2, s3 = a[at], a[at + step], a[at + 2 * step], a[at + 3 * step]
    s4, s5, s6, s7 = a[at + 4 * step], a[at + 5 * step], a[at + 6 * step], a[at + 7 * step]
    for i in range(at + 8 * step, at + (n - n % 8) * step, 8 * step):
        s0 += a[i]
        s1 += a[i + step]
        s2 += a[i + 2 * step]
        s3 += a[i + 3 * step]
        s4 += a[i + 4 * step]
        s5 += a[i + 5 * step]
        s6 += a[i + 6 * step]
        s7 += a[i + 7 * step]
    total = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for i in range(n - n % 8, n):
        total += a[at + i * step]
    return total
"""
HALVES = """
@njit(error_model="numpy")
def pairwise(a, at, step, n):
    if n <= 128:
        return block(a, at, step, n)
    # The halves that wait, by hand: a function that calls itself crashes when numba reads it from its file.
    starts, sizes = np.empty(64, np.int64), np.empty(64, np.int64)
    left, waits = np.empty(64, a.dtype), np.empty(64, np.bool_)
    top, starts[0], sizes[0] = 0, at, n
    while True:
        while sizes[top] > 128:
            waits[top] = False
            starts[top + 1], sizes[top + 1] = starts[top], sizes[top] // 2 - sizes[top] // 2 % 8
            top += 1
        total = block(a, starts[top], step, sizes[top])
        top -= 1
        while top >= 0 and waits[top]:
            total = left[top] + total
            top -= 1
        if top < 0:
            return total
        left[top], waits[top] = total, True
        half = sizes[top] // 2 - sizes[top] // 2 % 8
        starts[top + 1], sizes[top + 1] = starts[top] + half * step, sizes[top] - half
        top += 1
"""
_START = {
    np.add: np.float64(-0.0),
    np.multiply: np.float64(1),
}  # of the others: the first entry, which may come twice


def reduced(
    kernel: Any, x: Lies, axes: tuple[int, ...], ufunc: np.ufunc, out: Lies | str, dtype: np.dtype[Any]
) -> None:
    """Write the loops of a reduction into a kernel.

    Parameters
    ----------
    out : Lies or str
        Where the result lies (without the axes), or the name of the number that it is.
    """
    combine = of_ufunc(ufunc, (dtype, dtype))
    kept = [i for i in range(len(x.shape)) if i not in axes]
    inner, (along,) = joined(tuple(x.shape[a] for a in axes), [tuple(x.strides[a] for a in axes)])
    to = out.strides if isinstance(out, Lies) else ()
    outer, (across, to) = joined(tuple(x.shape[a] for a in kept), [tuple(x.strides[a] for a in kept), to])
    over = [f"i{n}" for n in range(len(outer))]
    into = [f"j{n}" for n in range(len(inner))]
    result = out if isinstance(out, str) else f"{out.buffer.name}[{address(out.offset, to, over)}]"

    def item(names_over: list[str], names_into: list[str]) -> str:
        where = address(x.offset, (*across, *along), (*names_over, *names_into))
        return as_dtype(f"{x.buffer.name}[{where}]", x.dtype, dtype)

    start = (
        item(over, ["0"] * len(inner))
        if ufunc not in _START
        else kernel.constant(_START[ufunc].astype(dtype))
    )
    pairs = ufunc is np.add and dtype.kind == "f" and x.dtype == dtype
    lines = kernel.lines
    if not inner:
        lines += _loops(over, outer, [f"{result} = {item(over, [])}"])
    elif outer and min(map(abs, across)) < min(map(abs, along)):
        lines += _loops(over, outer, [f"{result} = {start}"])
        lines += _loops(
            [*into, *over], (*inner, *outer), [f"{result} = {combine.text.format(result, item(over, into))}"]
        )
    else:
        body = [f"s = {start}"]
        if pairs and inner[-1] >= 8:
            where = address(x.offset, (*across, *along[:-1]), (*over, *into[:-1]))
            row = f"{kernel.sums(inner[-1])}({x.buffer.name}, {where}, {along[-1]}, {inner[-1]})"
            body = (
                [f"s = {row}"]
                if len(inner) == 1
                else [*body, *_loops(into[:-1], inner[:-1], [f"s = s + {row}"])]
            )
        else:
            body += _loops(into, inner, [f"v = {item(over, into)}", f"s = {combine.text.format('s', 'v')}"])
        name = kernel.fresh("s")
        lines += _renamed(_loops(over, outer, [*body, f"{result} = s"]), name)


def _renamed(lines: list[str], name: str) -> list[str]:
    """Give the running number a name of its own: its dtype is another in each reduction."""
    return [re.sub(r"\b([sv])\b", rf"{name}\1", line) for line in lines]


def _loops(names: list[str], sizes: tuple[int, ...], body: list[str]) -> list[str]:
    return nested([f"for {name} in range({size}):" for name, size in zip(names, sizes, strict=True)], body)
