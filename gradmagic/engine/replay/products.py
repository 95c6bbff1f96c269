"""Products of matrices in batches as one product, where the batch is only more rows.

In: a simplified program. Out: the same with fewer and larger products; sums are added up in another order.

    x[b, i, k] w[k, j]                    one product of all rows of x
    sum over b of  x[b, k, i] y[b, k, j]  one product along all rows of x and y
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import known
from .program import Program, Step, mapped


def flattened(program: Program) -> Program:
    """Give the program with such products flat."""
    if not any(s.op is np.matmul for s in program.steps):
        return program
    users: dict[int, int] = {}
    for step in program.steps:
        for s in step.needs():
            users[id(s)] = users.get(id(s), 0) + 1
    for step in program.outputs:
        users[id(step)] = users.get(id(step), 0) + 1
    instead: dict[int, Step] = {}
    made = Program(inputs=program.inputs)

    def current(value: Any) -> Any:
        return instead.get(id(value), value) if type(value) is Step else value

    def call(op: Any, args: tuple[Any, ...], value: Any, place: Any) -> Step:
        new = Step("call", op, args, {}, value, place=place)
        if op is not np.matmul and value.base is not None:
            new.storage = args[0].storage
        return made.add(new)

    def rows(x: Step, place: Any) -> Step:
        shape = (-1, x.shape[-1])
        return call(np.reshape, (x, shape), x.value.reshape(shape), place)

    for step in program.steps:
        step.args = mapped(current, step.args)
        step.kwargs = {k: mapped(current, v) for k, v in step.kwargs.items()}
        if _of_rows(step):
            x, w = step.args
            flat = rows(x, step.place)
            product = call(np.matmul, (flat, w), step.value.reshape(-1, step.shape[-1]), step.place)
            instead[id(step)] = call(
                np.reshape, (product, step.shape), product.value.reshape(step.shape), step.place
            )
        elif (pair := _summed(step, users)) is not None:
            x, y = (rows(s, step.place) for s in pair)
            turned = call(np.swapaxes, (x, -1, -2), x.value.swapaxes(-1, -2), step.place)
            instead[id(step)] = call(np.matmul, (turned, y), step.value, step.place)
        else:
            made.add(step)
    made.outputs = [current(o) for o in program.outputs]
    return _needed(made)


def _of_rows(step: Step) -> bool:
    """Tell whether a step multiplies a batch of matrices by one matrix."""
    if step.op is not np.matmul or step.kwargs or step.kind != "call" or step.storage.written:
        return False
    x, w = step.args
    return (
        type(x) is Step and type(w) is Step and len(x.shape) > 2 and len(w.shape) == 2 and _lies(x)
        and step.value.flags.c_contiguous and step.value.size > 0 and not w.storage.written
    )  # fmt: skip


def _summed(step: Step, users: dict[int, int]) -> tuple[Step, Step] | None:
    """Give x and y of a sum over a batch of x turned, times y, which nobody else needs."""
    if known.reduction(step.op) is not np.add or step.kwargs != {"axis": (0,), "keepdims": False}:
        return None
    product = step.args[0]
    if type(product) is not Step or product.op is not np.matmul or len(product.shape) != 3:
        return None
    if users.get(id(product)) != 1 or product.storage.written or product.kwargs or step.storage.written:
        return None
    turned, y = product.args
    if (
        type(turned) is not Step
        or turned.op is not np.swapaxes
        or set(turned.args[1:]) not in ({-1, -2}, {1, 2})
    ):
        return None
    x = turned.args[0]
    return (x, y) if type(y) is Step and len(x.shape) == len(y.shape) == 3 and _lies(x) and _lies(y) else None


def _lies(x: Step) -> bool:
    """Tell whether an array lies as one table of rows, for good."""
    return (
        type(x.value) is np.ndarray
        and x.value.flags.c_contiguous
        and x.value.size > 0
        and not x.storage.written
    )


def _needed(program: Program) -> Program:
    """Leave out the products that nobody needs any more."""
    used = {id(o) for o in program.outputs}
    kept = []
    for step in reversed(program.steps):
        if step.kind != "call" or not step.pure or id(step) in used:
            kept.append(step)
            used |= {id(s) for s in step.needs()}
    program.steps = []
    for step in reversed(kept):
        program.add(step)
    return program
