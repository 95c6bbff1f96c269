"""Products of small arrays that are summed over shared axes, as loops: matmul, dot, outer, einsum and their kin.

In: a step. Out: a letter for each axis of each operand and of the result; and the loops.
"""

from __future__ import annotations

from itertools import count
from math import prod
from typing import Any

import numpy as np

from ..program import Step
from .memory import Lies, address
from .scalars import as_dtype

Axes = list[list[int]]  # for each operand: a number for each axis, the same for axes that go together
FUNCTIONS = (
    np.matmul,
    np.dot,
    np.inner,
    np.outer,
    np.vdot,
    np.vecdot,
    np.tensordot,
    np.einsum,
    np.linalg.outer,
)


def axes(step: Step) -> tuple[Axes, list[int]] | None:
    """Number the axes of the operands, and of the result; None where that is no such product."""
    op = step.op
    if op is np.einsum:
        return _einsum(step)
    if len(step.args) < 2 or (step.kwargs and op is not np.tensordot):
        return None
    a, b = (len(v.shape) if type(v) is Step else np.ndim(v) for v in step.args[:2])
    new = count()
    if not a or not b:
        return None
    if op is np.tensordot:
        return _tensordot(step, a, b)
    if op in (np.outer, np.linalg.outer):
        return ([[0], [1]], [0, 1]) if a == b == 1 else None
    if op is np.vdot and not a == b == 1:
        return None
    m = next(new)
    if op is np.matmul:
        batch = [next(new) for _ in range(max(a, b, 2) - 2)]
        rows, columns = ([next(new)] if a > 1 else []), ([next(new)] if b > 1 else [])
        left = [*batch[len(batch) - max(a - 2, 0) :], *rows, m]
        right = [*batch[len(batch) - max(b - 2, 0) :], m, *columns]
        return [left, right], [*batch, *rows, *columns]
    if op is np.vecdot:
        batch = [next(new) for _ in range(max(a, b) - 1)]
        return [[*batch[len(batch) - a + 1 :], m], [*batch[len(batch) - b + 1 :], m]], batch
    left = [next(new) for _ in range(a - 1)]
    right = [next(new) for _ in range(b - 1)]
    inner = [*right, m] if op is np.inner or b == 1 else [*right[:-1], m, right[-1]]
    return [[*left, m], inner], left + right


def _tensordot(step: Step, a: int, b: int) -> tuple[Axes, list[int]] | None:
    given = step.args[2] if len(step.args) > 2 else step.kwargs.get("axes", 2)
    if isinstance(given, (int, np.integer)):
        mine, theirs = list(range(a - int(given), a)), list(range(int(given)))
    else:
        mine, theirs = ([int(i) for i in np.atleast_1d(part)] for part in given)
    left = list(range(a))
    right = [a + i for i in range(b)]
    for i, j in zip(mine, theirs, strict=True):
        right[j] = left[i % a]
    summed = {left[i % a] for i in mine}
    return [left, right], [n for n in left + right if n not in summed]


def _einsum(step: Step) -> tuple[Axes, list[int]] | None:
    text = step.args[0]
    if not isinstance(text, str) or "." in text or set(step.kwargs) - {"optimize"}:
        return None
    inside, arrow, out = text.replace(" ", "").partition("->")
    parts = inside.split(",")
    if not arrow:
        out = "".join(sorted(c for c in set(inside) - {","} if inside.count(c) == 1))
    return [[ord(c) for c in part] for part in parts], [ord(c) for c in out]


def work(operands: list[Any], names: Axes) -> int:
    """Count the products."""
    return prod(_sizes(operands, names).values())


def _sizes(operands: list[Any], names: Axes) -> dict[int, int]:
    found: dict[int, int] = {}
    for x, axis in zip(operands, names, strict=True):
        for n, size in zip(axis, x.shape, strict=True):
            found[n] = size if found.get(n, 1) == 1 else found[n]
    return found


def contracted(
    kernel: Any, operands: list[Lies], names: Axes, result: list[int], out: Lies | str, dtype: np.dtype[Any]
) -> None:
    """Write the loops: the last axis of the result inside, where its entries lie side by side; else a running sum."""
    sizes = _sizes(operands, names)
    strides = [_strides(x, axis, sizes) for x, axis in zip(operands, names, strict=True)]
    summed = [n for n in sizes if n not in result]
    into = [] if isinstance(out, str) else [out.strides[result.index(n)] for n in result]
    texts = [
        as_dtype(f"{x.buffer.name}[{address(x.offset, s.values(), [f'i{n}' for n in s])}]", x.dtype, dtype)
        for x, s in zip(operands, strides, strict=True)
    ]
    target = (
        out
        if isinstance(out, str)
        else f"{out.buffer.name}[{address(out.offset, into, [f'i{n}' for n in result])}]"
    )
    term = " * ".join(texts)
    zero = kernel.constant(dtype.type(0))
    loop = lambda axes: [(f"for i{n} in range({sizes[n]}):") for n in axes]
    if not summed:
        kernel.lines += nested(loop(result), [f"{target} = {term}"])
    elif result and all(
        abs(s.get(result[-1], 0)) <= min((abs(s[n]) for n in summed if n in s), default=1) for s in strides
    ):
        last = loop(result[-1:])
        body = [
            *nested(last, [f"{target} = {zero}"]),
            *nested(loop(summed) + last, [f"{target} = {target} + {term}"]),
        ]
        kernel.lines += nested(loop(result[:-1]), body)
    else:
        name = kernel.fresh("s")
        body = [
            f"{name} = {zero}",
            *nested(loop(summed), [f"{name} = {name} + {term}"]),
            f"{target} = {name}",
        ]
        kernel.lines += nested(loop(result), body)


def _strides(x: Lies, axis: list[int], sizes: dict[int, int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for n, size, stride in zip(axis, x.shape, x.strides, strict=True):
        found[n] = found.get(n, 0) + (stride if size == sizes[n] else 0)
    return found


def nested(loops: list[str], body: list[str]) -> list[str]:
    """Write loops within each other around lines."""
    lines = ["    " * n + loop for n, loop in enumerate(loops)]
    return lines + ["    " * len(loops) + line for line in body]


def operands_of(step: Step) -> tuple[Any, ...]:
    """Give what is multiplied."""
    return step.args[1:] if step.op is np.einsum else step.args[:2]
