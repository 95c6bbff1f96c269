"""Calls that are no elementwise steps (moves, indices, sums, products): each is written where it stands.

In: a kernel and a step. Out: the kernel has the loops, and knows where the result is.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ....language import tr
from .. import known
from ..program import Step, steps_in
from . import moved
from .contracted import axes, contracted, nested, operands_of, work
from .indexed import Gathered
from .memory import Lies, address, viewed
from .periods import Var
from .reduced import reduced
from .scalars import Unheld, as_dtype, held

LARGEST = 64**3  # multiplications of a matrix product that loops are as good for as BLAS
_ASSOCIATIVE = (
    np.add,
    np.multiply,
    np.maximum,
    np.minimum,
    np.fmax,
    np.fmin,
    np.logical_and,
    np.logical_or,
    np.bitwise_and,
    np.bitwise_or,
)
REDUCED = {np.sum: np.add, np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and}


def view(kernel: Any, step: Step, made: Step, how: Any) -> None:
    """Give a view as a way of counting entries; `made` is the step that has the arguments."""
    x, *rest = made.args
    if (
        type(x) is not Step
        or any(True for _ in steps_in(tuple(rest)))
        or any(True for v in made.kwargs.values() for _ in steps_in(v))
    ):
        raise Unheld(tr("{name} of several arrays", name=known.name_of(made.op)))
    ref = kernel.ref(x, x.dtype)
    if type(ref) is not Lies:
        if made.op in (np.diag, np.diagonal) or step.storage.written or step.dtype != x.dtype:
            raise Unheld(tr("{name} of a number", name=known.name_of(made.op)))
        kernel.refs[id(step)] = ref
        return
    if step.op is operator.getitem and step is made:
        index = rest[0] if type(rest[0]) is tuple else (rest[0],)
        whole = index if any(p is Ellipsis for p in index) else (*index, ...)
        lies = viewed(ref, lambda a: a[whole])
    else:
        lies = viewed(ref, how)
    if (
        lies is None
        and not step.storage.written
        and step.op in (np.reshape, np.ravel, np.ascontiguousarray)
        and not step.kwargs
    ):
        order = rest[-1] if rest and isinstance(rest[-1], str) else "C"
        if order == "C":
            copy = kernel.memory(x.dtype, x.shape)
            kernel.fill(copy, ref, x.dtype)
            lies = viewed(copy, how)
    if lies is None and step is made and not step.storage.written and step.shape and moved.moves(step):
        move(kernel, step)
        return
    if (
        lies is None
        or lies.shape != step.shape
        or (step.storage.written and step.storage is not x.storage and type(step.value) is np.ndarray)
    ):
        raise Unheld(tr("{name} with memory of its own", name=known.name_of(made.op)))
    kernel.refs[id(step)] = lies
    if x.storage.written and type(step.value) is not np.ndarray:  # the number as it is now
        name = kernel.fresh("n")
        kernel.lines.append(f"{name} = {kernel.text(lies)}")
        kernel.refs[id(step)] = Var(name, step.dtype)


def move(kernel: Any, step: Step) -> None:
    kernel.refs[id(step)] = made = kernel.own(step)
    if not moved.move(kernel, step, made):
        raise Unheld(tr("{name} to where values say", name=known.name_of(step.op)))


def along(kernel: Any, step: Step) -> None:
    x, index, *axis = step.args
    axis = axis[0] if axis else step.kwargs.get("axis", -1)
    n = len(x.shape)
    if axis is None or len(index.shape) != n:
        raise Unheld(tr("np.take_along_axis in this form"))
    others = [
        np.arange(size).reshape([-1 if i == k else 1 for i in range(n)]) for k, size in enumerate(x.shape)
    ]
    gather(kernel, step, tuple(index if k == axis % n else other for k, other in enumerate(others)))


def cumulated(kernel: Any, step: Step) -> None:
    given = dict(zip(("axis", "dtype"), step.args[1:], strict=False)) | step.kwargs
    x = kernel.lies(step.args[0])
    n = len(x.shape)
    axis = given.pop("axis", None if step.op is np.cumsum else 0)
    if (
        given.pop("dtype", None) not in (None, step.dtype)
        or given
        or (axis is None and n != 1)
        or step.dtype.kind == "b"
    ):
        raise Unheld(tr("{name} in this form", name=known.name_of(step.op)))
    axis = 0 if axis is None else axis % n
    kernel.refs[id(step)] = made = kernel.own(step)
    names = [f"i{k}" for k in range(n)]
    total = kernel.fresh("s")
    entry = as_dtype(f"{x.buffer.name}[{address(x.offset, x.strides, names)}]", x.dtype, step.dtype)
    loops = [f"for i{k} in range({x.shape[k]}):" for k in range(n) if k != axis]
    zero = kernel.constant(np.array(-0.0 if step.dtype.kind == "f" else 0, step.dtype)[()])
    row = [
        f"{total} = {total} + {entry}",
        f"{made.buffer.name}[{address(made.offset, made.strides, names)}] = {total}",
    ]
    kernel.lines += nested(
        loops, [f"{total} = {zero}", *nested([f"for i{axis} in range({x.shape[axis]}):"], row)]
    )


def gather(kernel: Any, step: Step, index: Any) -> None:
    x = kernel.lies(step.args[0])
    seen = Gathered(kernel, x, index)
    if seen.shape != step.shape:
        raise Unheld(tr("an index of this form"))
    if not step.shape:
        name = kernel.fresh("n")
        seen.loops(kernel, lambda entry, _: [f"{name} = {entry}"])
        kernel.refs[id(step)] = Var(name, step.dtype)
        return
    kernel.refs[id(step)] = made = kernel.own(step)
    seen.loops(
        kernel,
        lambda entry, at: [f"{made.buffer.name}[{address(made.offset, made.strides, at)}] = {entry}"],
    )


def reduce(kernel: Any, step: Step) -> None:
    ufunc = known.reduction(step.op) or REDUCED[step.op]
    given = dict(zip(("axis", "dtype", "out", "keepdims"), step.args[1:], strict=False)) | step.kwargs
    if given.get("dtype", step.dtype) == step.dtype:
        given.pop("dtype", None)
    if set(given) - {"axis", "keepdims"} or ufunc not in _ASSOCIATIVE:
        raise Unheld(tr("{name} with {options}", name=known.name_of(step.op), options=", ".join(given)))
    x = kernel.lies(step.args[0])
    axis = given.get("axis")
    n = len(x.shape)
    over = (
        tuple(range(n))
        if axis is None
        else tuple(a % n for a in (axis if isinstance(axis, tuple) else (axis,)))
    )
    out: Lies | str = kernel.fresh("n")
    if step.shape:
        kernel.refs[id(step)] = made = kernel.own(step)
        kept = (
            tuple(s for i, s in enumerate(made.strides) if i not in over)
            if given.get("keepdims")
            else made.strides
        )
        out = Lies(made.buffer, tuple(x.shape[i] for i in range(n) if i not in over), kept)
    else:
        kernel.refs[id(step)] = Var(str(out), step.dtype)
    reduced(kernel, x, over, ufunc, out, held(step.dtype))
    kernel.size += 4


def product(kernel: Any, step: Step) -> None:
    operands = operands_of(step)
    named = axes(step)
    if named is None or step.dtype.kind not in "f":
        raise Unheld(tr(
            "{name} of {dtype} in this form", name=known.name_of(step.op), dtype=step.dtype,
        ))  # fmt: skip
    if work(list(operands), named[0]) > LARGEST:
        raise Unheld(tr(
            "{name} of {shapes}, which BLAS does better", name=known.name_of(step.op),
            shapes=tr(" and ").join(str(v.shape) for v in operands),
        ))  # fmt: skip
    lies = [kernel.lies(v) for v in operands]
    out: Lies | str = kernel.fresh("n")
    if step.shape:
        kernel.refs[id(step)] = out = kernel.own(step)
    else:
        kernel.refs[id(step)] = Var(str(out), step.dtype)
    contracted(kernel, lies, *named, out, step.dtype)
    kernel.size += 4
