"""A program as the text of one function for numba.

In: a simplified `Program`. Out: the text, its parameters, its constants, and what it gives; or `Unheld`: the reason.

Elementwise steps of one shape gather in a body (bodies.py) until somebody needs their results; sums and products wait
until somebody needs theirs: the way there and the way back of a mean are one loop. Everything else is written where it
stands. Around steps on memory that is written in place all bodies are closed: nothing moves past them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ....language import tr
from .. import known
from ..program import Program, Step
from . import calls, writes
from .bodies import Body
from .contracted import FUNCTIONS
from .indexed import is_basic
from .memory import Buffer, Lies, address, joined, rows
from .moved import moves
from .periods import Ref, Statement, Var
from .reduced import HALVES, PAIRWISE
from .scalars import Entry, Unheld, as_dtype, cast, entry, held, name_of

LONGEST = 1_500  # statements to compile
_FILLED = {np.zeros: 0, np.zeros_like: 0, np.ones: 1, np.ones_like: 1, np.empty_like: 0}


_HEAD = '''"""Written by gradmagic: a program of gm.replay, for numba."""
import math

import numpy as np
from numba import njit
from numpy import bool_, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64

from gradmagic.engine.replay.emit import Diverged
'''


class Kernel:
    """A program written for numba.

    Attributes
    ----------
    parameters : list of (str, object)
        What the function takes: names, and values like those that come.
    results : dict
        By the id of an output step: name in the function, and in which order its axes lie.
    lines : list of str
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lines: list[str] = []
        self.parameters: list[tuple[str, Any]] = []
        self.results: dict[int, tuple[str, tuple[int, ...] | None]] = {}
        self.size = 0  # statements
        self.refs: dict[int, Ref] = {}
        self._open: dict[tuple[int, ...], Body] = {}
        self._in: dict[int, Body] = {}
        self._waiting: dict[int, Step] = {}  # sums and products for which nobody has asked
        self._names = 0
        self._constants: dict[Any, str] = {}
        self._tables: dict[np.dtype[Any], list[Any]] = {}
        self._helpers = ""
        self._outputs = {id(o): o for o in program.outputs}
        self._by_id = {id(s): s for s in program.steps}
        self._users: dict[int, list[int]] = {}
        for step in program.steps:
            for s in step.needs():
                self._users.setdefault(id(s), []).append(id(step))
        for step in program.steps:
            self._step(step)
        self._close()
        for o in self._outputs.values():
            self._give(o)
        fails = any("raise IndexError" in line or "raise ArithmeticError" in line for line in self.lines)
        if fails and any(s.storage.written for s in program.inputs):
            raise Unheld(tr("what may fail beside a write into an argument"))  # NumPy would write once more
        if self.size > LONGEST:
            raise Unheld(tr("{size:,} statements are too many to compile", size=self.size))

    # -- names ------------------------------------------------------------------------------------
    def fresh(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    def constant(self, value: Any) -> str:
        """Name a number."""
        key = (value.dtype, value.tobytes())
        return self._constants.setdefault(key, f"c{len(self._constants)}")

    def table(self, values: Any) -> Lies:
        """Lay an array of constants out."""
        values = np.asarray(values)
        parts = self._tables.setdefault(held(values.dtype), [])
        offset = sum(p.size for p in parts)
        parts.append(values.ravel())
        return rows(
            Buffer(f"t_{values.dtype.name}", values.dtype, offset + values.size), values.shape, offset
        )

    def sums(self, n: int) -> str:
        """Give the function that adds up a row."""
        if PAIRWISE not in self._helpers:
            self._helpers = PAIRWISE + self._helpers
        if n > 128 and HALVES not in self._helpers:
            self._helpers += HALVES
        return "pairwise" if n > 128 else "block"

    def memory(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Lies:
        """Give memory of the kernel's own."""
        size = int(np.prod(shape))
        buffer = Buffer(self.fresh("b"), dtype, size)
        self.lines.append(f"{buffer.name} = np.empty({size}, {name_of(held(dtype))})")
        return rows(buffer, shape)

    def _result(self, step: Step, order: tuple[int, ...] | None = None) -> Lies:
        """Give memory for an array that leaves the kernel; its axes may lie in another order."""
        shape = step.shape if order is None else tuple(step.shape[i] for i in order)
        name = self.fresh("o")
        self.lines += [f"{name} = np.empty({shape}, {name_of(step.dtype)})", f"{name}f = {name}.flat"]
        lies = rows(Buffer(f"{name}f", step.dtype, step.value.size), shape)
        self.results[id(step)] = name, order
        if order is None:
            return lies
        strides = [0] * len(order)
        for i, axis in enumerate(order):
            strides[axis] = lies.strides[i]
        return Lies(lies.buffer, step.shape, tuple(strides))

    # -- values -----------------------------------------------------------------------------------
    def ref(self, value: Any, dtype: np.dtype[Any]) -> Any:
        """Give what stands for an argument outside of bodies: one that is static as a number of that dtype."""
        if type(value) is not Step:
            if np.ndim(value):
                return self.table(value)
            try:
                with np.errstate(all="ignore"):
                    return np.asarray(value).astype(dtype)[()]
            except OverflowError:
                raise Unheld(tr("{value} as {dtype}", value=value, dtype=dtype)) from None
        if id(value) in self._in:
            self._close(self._in[id(value)])
        if self._waiting.pop(id(value), None) is not None:
            (calls.product if value.op in FUNCTIONS else calls.reduce)(self, value)
        if id(value) not in self.refs:
            if value.kind != "constant":
                raise Unheld(known.name_of(value.op))
            held(value.dtype)
            self.refs[id(value)] = value.value[()] if not value.shape else self.table(value.value)
        return self.refs[id(value)]

    def lies(self, value: Any, dtype: Any = None, shape: Any = None) -> Lies:
        """Give where an argument lies in memory: a number is written out."""
        dtype = value.dtype if type(value) is Step else np.asarray(value).dtype if dtype is None else dtype
        ref = self.ref(value, dtype)
        shape = value.shape if shape is None else shape
        if type(ref) is Lies and ref.shape == shape:
            return ref
        made = self.memory(dtype, shape)
        self.fill(made, ref, dtype)
        return made

    def fill(self, target: Lies, ref: Ref, dtype: np.dtype[Any]) -> None:
        """Write the loop that puts a value everywhere, or array to array."""
        body = Body(target.shape, self.fresh("v"))
        body.add(Statement(cast(dtype, target.dtype), (ref,), target))
        body.divide([])
        self.lines += body.text(self)

    def whole(self, value: Any, size: int) -> Lies:
        """Give where an array of indices lies."""
        lies = self.lies(value, shape=np.shape(value) if type(value) is not Step else value.shape)
        if lies.dtype.kind not in "iu":
            raise Unheld(tr("an index of dtype {dtype}", dtype=lies.dtype))
        return lies

    # -- steps ------------------------------------------------------------------------------------
    def _step(self, step: Step) -> None:
        if step.value is not None and step.kind != "write" and not np.size(step.value):
            raise Unheld(tr("an array without entries"))
        if step.kind == "constant" and not step.storage.written:
            return
        touches = step.storage.written or any(s.storage.written for s in step.needs())
        if touches:
            self._close()
        getattr(self, f"_{step.kind}")(step)
        if touches:
            self._close()

    def _draw(self, step: Step) -> None:
        raise Unheld(tr("random numbers"))

    def _input(self, step: Step) -> None:
        held(step.dtype)
        if type(step.value) is not np.ndarray:
            self.parameters.append((str(step.op), step.value))
            self.refs[id(step)] = Var(str(step.op), step.dtype)
            return
        if step.storage.written and not (step.shape and step.value.flags.c_contiguous):
            raise Unheld(tr("an argument that is written in place and is not laid out row after row"))
        self.parameters.append((str(step.op), step.value))
        name = f"{step.op}f"
        if step.shape:
            self.lines.append(f"{name} = {step.op}.flat")
            self.refs[id(step)] = rows(Buffer(name, step.dtype, step.value.size, True), step.shape)
        else:
            self.lines.append(f"{name} = {step.op}[()]")
            self.refs[id(step)] = Var(name, step.dtype)

    def _constant(self, step: Step) -> None:
        if not step.shape:
            raise Unheld(tr("a number that is written in place"))
        self.refs[id(step)] = made = self.memory(step.dtype, step.shape)
        self.fill(made, self.table(step.value), step.dtype)

    def _item(self, step: Step) -> None:
        whole, i = step.args
        calls.view(self, step, whole, lambda a: whole.op(a, *whole.args[1:], **whole.kwargs)[i])

    def _guard(self, step: Step) -> None:
        value, expected = step.args
        if step.op is not None:
            raise Unheld(tr("a shape that hangs on values"))
        if not isinstance(expected, np.ndarray) or not expected.ndim:
            ref = self.ref(value, step.dtype)
            self.lines.append(
                f"if {self.text(ref)} != {self.constant(np.asarray(expected, value.dtype)[()])}: raise Diverged"
            )
            return
        lies = self.lies(value)
        table = self.table(expected)
        dims, strides = joined(lies.shape, [lies.strides, table.strides])
        names = [f"i{n}" for n in range(len(dims))]
        a, b = (
            f"{x.buffer.name}[{address(x.offset, s, names)}]"
            for x, s in zip((lies, table), strides, strict=True)
        )
        self.lines += [
            "    " * n + f"for {i} in range({d}):" for n, (i, d) in enumerate(zip(names, dims, strict=True))
        ]
        self.lines.append("    " * len(dims) + f"if {a} != {b}: raise Diverged")

    def text(self, ref: Ref) -> str:
        if type(ref) is Lies:
            return f"{ref.buffer.name}[{ref.offset}]"
        return ref.name if type(ref) is Var else self.constant(ref)

    def _call(self, step: Step) -> None:
        op = step.op
        if step.value is None:  # several results: each is an item
            if op not in known.VIEWS:
                raise Unheld(known.name_of(op))
        elif op is operator.getitem and not is_basic(step.args[1]):
            calls.gather(self, step, step.args[1])
        elif op is np.take_along_axis:
            calls.along(self, step)
        elif op is operator.getitem or op in known.VIEWS or op is known.window:
            calls.view(self, step, step, lambda a: op(a, *step.args[1:], **step.kwargs))
        elif known.reduction(op) or op in calls.REDUCED or op in FUNCTIONS:
            self._waiting[id(step)] = step
            if step.storage.written or any(s.storage.written for s in step.needs()):
                self.ref(step, step.dtype)
        elif op in (np.cumsum, np.add.accumulate):
            calls.cumulated(self, step)
        elif step.shape and moves(step):
            calls.move(self, step)
        elif op in _FILLED or op in (np.full, np.full_like):
            self.refs[id(step)] = made = self.own(step)
            number = _FILLED[op] if op in _FILLED else step.args[1]
            self.fill(made, self.ref(number, step.dtype), step.dtype)
        else:
            self._elementwise(step, entry(step), step.args)

    def _elementwise(self, step: Step, what: Entry, args: tuple[Any, ...]) -> None:
        if what.dtype != step.dtype:
            raise Unheld(tr("{name} to {dtype}", name=known.name_of(step.op), dtype=step.dtype))
        args = args[: len(what.casts)]  # a dtype, an order
        taken = [a for a in args if type(a) is Step]
        for a in taken:
            if id(a) in self._waiting:
                self.ref(a, a.dtype)
        body = self._open.get(step.shape)
        refs: list[Ref] = []
        for a in taken:
            if id(a) in self._in and self._in[id(a)] is not body:
                self._close(self._in[id(a)])
        for a, dtype in zip(args, what.casts, strict=True):
            inside = body is not None and type(a) is Step and id(a) in body.members
            refs.append(body.members[id(a)] if inside and body is not None else self.ref(a, dtype))
        if body is None:
            body = self._open[step.shape] = Body(step.shape, self.fresh("v"))
        body.members[id(step)] = body.add(Statement(what, tuple(refs)))
        self._in[id(step)] = body

    def own(self, step: Step) -> Lies:
        """Give memory for the result of a step: where it leaves the kernel, that which leaves."""
        if (
            id(step) in self._outputs
            and _order(step) is None
            and type(step.value) is np.ndarray
            and step.shape
        ):
            return self._result(step)
        return self.memory(step.dtype, step.shape)

    def _close(self, only: Body | None = None) -> None:
        """Write the bodies that are open, or one of them."""
        for shape, body in list(self._open.items()):
            if only is None or body is only:
                del self._open[shape]
                self._write_body(body)

    def _write_body(self, body: Body) -> None:
        steps = {index: key for key, index in body.members.items()}
        wanted = [
            index for index, key in steps.items()
            if key in self._outputs or any(u not in body.members for u in self._users.get(key, ()))
        ]  # fmt: skip
        body.divide(wanted)
        if body.shape:

            def own(dtype: np.dtype[Any], size: int, index: int | None) -> Lies:
                return self.memory(dtype, (size,)) if index is None else self.own(self._by_id[steps[index]])

            found: dict[int, Any] = dict(body.stores(wanted, own))
        else:
            found = {index: Var(body.var(index), body.statements[index].entry.dtype) for index in wanted}
        self.lines += body.text(self)
        self.size += body.length
        for index in wanted:
            self.refs[steps[index]] = found[index]
        for key in body.members:
            del self._in[key]

    def _write(self, step: Step) -> None:
        writes.write(self, step)

    # -- the whole --------------------------------------------------------------------------------
    def _give(self, step: Step) -> None:
        """See that an output leaves the kernel."""
        if id(step) in self.results or step.kind in ("input", "constant"):
            return
        others = [o for o in self._outputs.values() if o is not step and o.storage is step.storage]
        if step.shape and any(np.may_share_memory(step.value, o.value) for o in others):
            raise Unheld(tr("results that share memory"))
        if step.shape and any(step.storage is s.storage for s in self.program.inputs):
            raise Unheld(tr("a result that is a part of an argument"))
        ref = self.ref(step, step.dtype)
        if step.shape:
            made = self._result(step, _order(step))
            self.fill(made, ref, step.dtype)
        else:
            name = self.fresh("o")
            self.lines.append(f"{name} = {as_dtype(self.text(ref), ref.dtype, step.dtype)}")
            self.results[id(step)] = name, None

    def source(self) -> str:
        """Give the text of the module that holds the function."""
        head = [_HEAD]
        for (dtype, raw), name in self._constants.items():
            number = np.frombuffer(raw, dtype)[0]
            text = repr(number.item()) if dtype.kind != "f" or np.isfinite(number) else repr(str(number))
            head.append(f"{name} = {name_of(dtype)}({text})")
        names = [name for name, _ in self.parameters] + [f"t_{d.name}" for d in self._tables]
        body = [*self.lines, f"return ({', '.join(n for n, _ in self.results.values())},)"]
        return (
            "\n".join(head)
            + self._helpers
            + f"\n\ndef kernel({', '.join(names)}):\n    "
            + "\n    ".join(body)
            + "\n"
        )

    def tables(self) -> list[Any]:
        """Give the constants that the function takes after its parameters."""
        return [np.concatenate(parts) for parts in self._tables.values()]


def _order(step: Step) -> tuple[int, ...] | None:
    """Give the order in which the axes of an array lie, if it is not row after row."""
    if type(step.value) is not np.ndarray or step.value.flags.c_contiguous or step.value.ndim < 2:
        return None
    return tuple(sorted(range(step.value.ndim), key=lambda i: (-abs(step.value.strides[i]), i)))
