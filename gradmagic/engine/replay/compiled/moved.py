"""Functions that only move entries (concatenate, roll, tile, pad ...): NumPy moves their addresses once, beforehand.

In: a step. Out: loops that copy: by two tables of addresses, or without where entries lie evenly apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import Step, mapped, steps_in
from .memory import Lies, address
from .scalars import as_dtype

_NAMES = (
    "concatenate concat stack vstack hstack dstack column_stack block append tile repeat roll pad tril triu diag "
    "diagflat diagonal rot90 flip take reshape ravel resize"
)
FUNCTIONS = frozenset(getattr(np, n) for n in _NAMES.split())
_LARGEST = 1 << 14  # entries of a table
_PADS = ("constant", "edge", "reflect", "symmetric", "wrap")


def moves(step: Step) -> bool:
    """Tell whether each entry of the result is one of the arguments', or 0."""
    if step.op not in FUNCTIONS or step.value.size > _LARGEST:
        return False
    if step.op is np.pad:
        mode = step.args[2] if len(step.args) > 2 else step.kwargs.get("mode", "constant")
        return mode in _PADS and not set(step.kwargs) - {"mode"} and len(step.args) < 4
    return "dtype" not in step.kwargs and all(np.ndim(s.value) for s in _arrays(step))


def _arrays(step: Step) -> list[Step]:
    first = step.args if step.op is np.append else step.args[:1]
    return list({id(s): s for s in steps_in(first)}.values())


def move(kernel: Any, step: Step, made: Lies) -> bool:
    """Write the loops; False where arguments that say where to are no constants."""
    arrays = _arrays(step)
    if any(
        s.kind != "constant"
        for s in steps_in([*step.args, *step.kwargs.values()])
        if all(s is not a for a in arrays)
    ):
        return False
    first, places = 1, {}  # 0: no argument's
    for s in arrays:
        places[id(s)] = np.arange(first, first + s.value.size).reshape(s.shape)
        first += s.value.size
    number = lambda v: places.get(id(v), v.value) if type(v) is Step else v
    given = {k: mapped(number, v) for k, v in step.kwargs.items()}
    where = np.asarray(step.op(*mapped(number, step.args), **given)).ravel()
    to = np.asarray(_addresses(made)).ravel()
    if not where.all():
        kernel.fill(made, np.zeros((), step.dtype)[()], step.dtype)
    for s in arrays:
        lies = kernel.lies(s)
        start = places[id(s)].flat[0]
        mine = (where >= start) & (where < start + s.value.size)
        if mine.any():
            source = _addresses(lies).ravel()[where[mine] - start]
            texts = [_counted(kernel, v) for v in (to[mine], source)]
            entry = as_dtype(f"{lies.buffer.name}[{texts[1]}]", lies.dtype, step.dtype)
            kernel.lines += [
                f"for i in range({mine.sum()}):",
                f"    {made.buffer.name}[{texts[0]}] = {entry}",
            ]
    return True


def _addresses(lies: Lies) -> Any:
    """Give the address of each entry."""
    found = np.full(lies.shape, lies.offset)
    for axis, (n, stride) in enumerate(zip(lies.shape, lies.strides, strict=True)):
        found = found + (np.arange(n) * stride).reshape(
            [-1 if i == axis else 1 for i in range(len(lies.shape))]
        )
    return found


def _counted(kernel: Any, values: Any) -> str:
    """Write the i-th of some addresses."""
    steps = np.diff(values)
    if not steps.size or (steps == steps[0]).all():
        return address(int(values[0]), (int(steps[0]) if steps.size else 0,), ("i",))
    table = kernel.table(values.astype(np.int64))
    return f"{table.buffer.name}[{address(table.offset, (1,), ('i',))}]"
