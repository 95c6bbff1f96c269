"""What is written in place: into views, by ufuncs with `out=`, to where indices say.

In: a kernel and a step. Out: the kernel has the loops.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from .. import known
from ..program import Step
from .bodies import Body
from .indexed import Gathered, is_basic
from .memory import Lies, address, viewed
from .periods import Statement
from .scalars import Entry, Unheld, as_dtype, cast, of_ufunc, weak


def write(kernel: Any, step: Step) -> None:
    op = step.op
    if op is operator.setitem:
        target, index, value = step.args
        if not is_basic(index):
            scatter(kernel, step, (target, index, value, None))
            return
        lies = kernel.ref(target, target.dtype)
        parts = index if type(index) is tuple else (index,)
        whole = parts if any(p is Ellipsis for p in parts) else (*parts, ...)
        lies = viewed(lies, lambda a: a[whole]) if type(lies) is Lies else None
        assign(kernel, lies, cast(_dtype(value, target), _dtype(value, target)), (value,))
    elif op is np.copyto and len(step.args) == 2 and not step.kwargs:
        target, value = step.args
        ref = kernel.ref(target, target.dtype)
        assign(kernel, ref, cast(_dtype(value, target), _dtype(value, target)), (value,))
    elif op is arrays.add_at:
        scatter(kernel, step, (*step.args, np.add))
    elif getattr(op, "__name__", "") == "at" and len(step.args) == 3 and not step.kwargs:
        scatter(kernel, step, (*step.args, op.__self__))
    elif isinstance(op, np.ufunc) and set(step.kwargs) == {"out"}:
        target = step.kwargs["out"]
        kinds = tuple(weak(a) for a in step.args)
        assign(kernel, kernel.ref(target, target.dtype), of_ufunc(op, kinds), step.args)
    else:
        raise Unheld(tr("{name} into an array", name=known.name_of(op)))


def assign(kernel: Any, target: Any, what: Entry, args: tuple[Any, ...]) -> None:
    """Write entries computed from others; by way of other memory where they lie across each other."""
    if type(target) is not Lies:
        raise Unheld(tr("a write into a number"))
    refs = tuple(kernel.ref(a, c) for a, c in zip(args, what.casts, strict=True))
    lie = [r for r in refs if type(r) is Lies]
    if what.text == "{0}" and what.dtype == target.dtype and lie == [target]:
        return
    across = any(
        (r.buffer == target.buffer and r.spread(target.shape) != target)
        or (r.buffer.input and target.buffer.input and r.buffer != target.buffer)
        for r in lie
    )
    into = kernel.memory(target.dtype, target.shape) if across else target
    body = Body(target.shape, kernel.fresh("v"))
    index = body.add(Statement(what, refs))
    body.add(Statement(cast(what.dtype, target.dtype), (index,), into))
    body.divide([])
    kernel.lines += body.text(kernel)
    kernel.size += 2
    if across:
        kernel.fill(target, into, target.dtype)


def scatter(kernel: Any, step: Step, args: tuple[Any, ...]) -> None:
    """Write to, or add to, the entries that arrays of indices name."""
    target, index, value, ufunc = args
    lies = kernel.ref(target, target.dtype)
    if (
        type(lies) is not Lies
        or lies.buffer.input
        or any(s.storage.written and s.kind == "input" for s in kernel.program.inputs)
    ):
        raise Unheld(tr("indices into an argument that is written in place"))
    seen = Gathered(kernel, lies, index)
    ref = kernel.ref(value, target.dtype)
    if type(ref) is Lies and ref.buffer == lies.buffer:
        raise Unheld(tr("a write into what is read"))
    dtype = ref.dtype
    how = None if ufunc is None else of_ufunc(ufunc, (target.dtype, target.dtype))
    if how is not None and how.dtype != target.dtype:
        raise Unheld(tr("{name} of {dtype}", name=known.name_of(step.op), dtype=target.dtype))

    def body(entry: str, at: list[str]) -> list[str]:
        text = kernel.text(ref)
        if type(ref) is Lies:
            wide = ref.spread(seen.shape)
            text = f"{ref.buffer.name}[{address(wide.offset, wide.strides, at)}]"
        text = as_dtype(text, dtype, target.dtype)
        return [f"{entry} = {text if how is None else how.text.format(entry, text)}"]

    if type(ref) is Lies and np.broadcast_shapes(ref.shape, seen.shape) != seen.shape:
        raise Unheld(tr("a value with more dimensions than where it goes"))
    seen.loops(kernel, body)
    kernel.size += 2


def _dtype(value: Any, target: Step) -> np.dtype[Any]:
    if type(value) is Step:
        return value.dtype
    return target.dtype if type(value) in (int, float) else np.asarray(value).dtype
