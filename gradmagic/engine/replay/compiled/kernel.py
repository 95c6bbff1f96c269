"""A program as the text of one function for numba.

In: a simplified `Program`. Out: the text, its parameters, its constants, and what it gives; or `Unheld`, with the reason.

Elementwise steps of one shape gather in a body (bodies.py) until somebody needs their results; everything else is written
where it stands. Around steps on memory that is written in place all bodies are closed: nothing moves past them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...core import arrays
from .. import known
from ..program import Program, Step, steps_in
from .bodies import Body
from .contracted import FUNCTIONS, axes, contracted, nested, operands_of, work
from .indexed import Gathered, is_basic
from .moved import move, moves
from .memory import Buffer, Lies, address, joined, rows, viewed
from .periods import Ref, Statement, Var
from .reduced import HALVES, PAIRWISE, reduced
from .scalars import Entry, Unheld, as_dtype, cast, entry, held, name_of, of_ufunc

LARGEST = 64**3  # multiplications of a matrix product that loops are as good for as BLAS
LONGEST = 1_500  # statements to compile
_FILLED = {np.zeros: 0, np.zeros_like: 0, np.ones: 1, np.ones_like: 1, np.empty_like: 0}
_ASSOCIATIVE = (np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and, np.logical_or, np.bitwise_and, np.bitwise_or)
_REDUCED = {np.sum: np.add, np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and}


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
        self._refs: dict[int, Ref] = {}
        self._open: dict[tuple[int, ...], Body] = {}
        self._in: dict[int, Body] = {}
        self._names = 0
        self._constants: dict[Any, str] = {}
        self._tables: dict[np.dtype[Any], list[Any]] = {}
        self._helpers = ""
        self._outputs = {id(o): o for o in program.outputs}
        self._users: dict[int, list[int]] = {}
        for step in program.steps:
            for s in step.needs():
                self._users.setdefault(id(s), []).append(id(step))
        for step in program.steps:
            self._step(step)
        self._close()
        for o in self._outputs.values():
            self._give(o)
        if self.size > LONGEST:
            raise Unheld(f"{self.size:,} statements are too many to compile")

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
        return rows(Buffer(f"t_{values.dtype.name}", values.dtype, offset + values.size), values.shape, offset)

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
    def _ref(self, value: Any, dtype: np.dtype[Any]) -> Ref:
        """Give what stands for an argument outside of bodies: one that is static as a number of that dtype."""
        if type(value) is not Step:
            with np.errstate(all="ignore"):
                try:
                    return np.asarray(value).astype(dtype)[()] if np.ndim(value) == 0 else self.table(np.asarray(value))
                except OverflowError:
                    raise Unheld(f"{value} as {dtype}") from None
        if id(value) in self._in:
            self._close(self._in[id(value)])
        if id(value) not in self._refs:
            if value.kind != "constant":
                raise Unheld(known.name_of(value.op))
            held(value.dtype)
            self._refs[id(value)] = value.value[()] if not value.shape else self.table(value.value)
        return self._refs[id(value)]

    def lies(self, value: Any, dtype: Any = None, shape: Any = None) -> Lies:
        """Give where an argument lies in memory: a number is written out."""
        dtype = value.dtype if type(value) is Step else np.asarray(value).dtype if dtype is None else dtype
        ref = self._ref(value, dtype)
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
            raise Unheld(f"an index of dtype {lies.dtype}")
        return lies

    # -- steps ------------------------------------------------------------------------------------
    def _step(self, step: Step) -> None:
        if step.value is not None and step.kind != "write" and not np.size(step.value):
            raise Unheld("an array without entries")
        if step.kind == "constant" and not step.storage.written:
            return
        touches = step.storage.written or any(s.storage.written for s in step.needs())
        if touches:
            self._close()
        getattr(self, f"_{step.kind}")(step)
        if touches:
            self._close()

    def _input(self, step: Step) -> None:
        held(step.dtype)
        if type(step.value) is not np.ndarray:
            self.parameters.append((str(step.op), step.value))
            self._refs[id(step)] = Var(str(step.op), step.dtype)
            return
        if step.storage.written and not (step.shape and step.value.flags.c_contiguous):
            raise Unheld("an argument that is written in place and is not laid out row after row")
        self.parameters.append((str(step.op), step.value))
        name = f"{step.op}f"
        if step.shape:
            self.lines.append(f"{name} = {step.op}.flat")
            self._refs[id(step)] = rows(Buffer(name, step.dtype, step.value.size, True), step.shape)
        else:
            self.lines.append(f"{name} = {step.op}[()]")
            self._refs[id(step)] = Var(name, step.dtype)

    def _constant(self, step: Step) -> None:
        if not step.shape:
            raise Unheld("a number that is written in place")
        self._refs[id(step)] = made = self.memory(step.dtype, step.shape)
        self.fill(made, self.table(step.value), step.dtype)

    def _item(self, step: Step) -> None:
        whole, i = step.args
        self._view(step, whole, lambda a: whole.op(a, *whole.args[1:], **whole.kwargs)[i])

    def _guard(self, step: Step) -> None:
        value, expected = step.args
        if step.op is not None:
            raise Unheld("a shape that hangs on values")
        if not isinstance(expected, np.ndarray) or not expected.ndim:
            ref = self._ref(value, step.dtype)
            self.lines.append(f"if {self._text(ref)} != {self.constant(np.asarray(expected, value.dtype)[()])}: raise Diverged")
            return
        lies = self.lies(value)
        table = self.table(expected)
        dims, strides = joined(lies.shape, [lies.strides, table.strides])
        names = [f"i{n}" for n in range(len(dims))]
        a, b = (f"{x.buffer.name}[{address(x.offset, s, names)}]" for x, s in zip((lies, table), strides, strict=True))
        self.lines += ["    " * n + f"for {i} in range({d}):" for n, (i, d) in enumerate(zip(names, dims, strict=True))]
        self.lines.append("    " * len(dims) + f"if {a} != {b}: raise Diverged")

    def _text(self, ref: Ref) -> str:
        if type(ref) is Lies:
            return f"{ref.buffer.name}[{ref.offset}]"
        return ref.name if type(ref) is Var else self.constant(ref)

    def _call(self, step: Step) -> None:
        op = step.op
        if step.value is None:  # several results: each is an item
            if op not in known.VIEWS:
                raise Unheld(known.name_of(op))
        elif op is operator.getitem and not is_basic(step.args[1]):
            self._gather(step, step.args[1])
        elif op is np.take_along_axis:
            self._along(step)
        elif op is operator.getitem or op in known.VIEWS or op is known.window:
            self._view(step, step, lambda a: op(a, *step.args[1:], **step.kwargs))
        elif known.reduction(op) or op in _REDUCED:
            self._reduce(step)
        elif op in FUNCTIONS:
            self._product(step)
        elif op in (np.cumsum, np.add.accumulate):
            self._cumulated(step)
        elif step.shape and moves(step):
            self._move(step)
        elif op in _FILLED or op in (np.full, np.full_like):
            self._refs[id(step)] = made = self._own(step)
            number = _FILLED[op] if op in _FILLED else step.args[1]
            self.fill(made, self._ref(number, step.dtype), step.dtype)
        else:
            self._elementwise(step, entry(step), step.args)

    def _elementwise(self, step: Step, what: Entry, args: tuple[Any, ...]) -> None:
        if what.dtype != step.dtype:
            raise Unheld(f"{known.name_of(step.op)} to {step.dtype}")
        args = args[: len(what.casts)]  # a dtype, an order
        taken = [a for a in args if type(a) is Step]
        body = self._open.get(step.shape)
        refs: list[Ref] = []
        for a in taken:
            if id(a) in self._in and self._in[id(a)] is not body:
                self._close(self._in[id(a)])
        for a, dtype in zip(args, what.casts, strict=True):
            inside = body is not None and type(a) is Step and id(a) in body.members
            refs.append(body.members[id(a)] if inside and body is not None else self._ref(a, dtype))
        if body is None:
            body = self._open[step.shape] = Body(step.shape, self.fresh("v"))
        body.members[id(step)] = body.add(Statement(what, tuple(refs)))
        self._in[id(step)] = body

    def _own(self, step: Step) -> Lies:
        """Give memory for the result of a step: where it leaves the kernel, that which leaves."""
        if id(step) in self._outputs and _order(step) is None and type(step.value) is np.ndarray and step.shape:
            return self._result(step)
        return self.memory(step.dtype, step.shape)

    def _close(self, only: Body | None = None) -> None:
        """Write the bodies that are open."""
        for shape, body in list(self._open.items()):
            if only is not None and body is not only:
                continue
            del self._open[shape]
            steps = {index: key for key, index in body.members.items()}
            by_id = {id(s): s for s in self.program.steps} if body.shape else {}
            wanted = [
                index for index, key in steps.items()
                if key in self._outputs or any(u not in body.members for u in self._users.get(key, ()))
            ]  # fmt: skip
            body.divide(wanted)
            stored = body.stores(wanted, lambda dtype, size, index: self._own(by_id[steps[index]]) if index is not None else self.memory(dtype, (size,))) if body.shape else {}
            self.lines += body.text(self)
            self.size += body.length
            for index in wanted:
                self._refs[steps[index]] = stored[index] if body.shape else Var(body.var(index), body.statements[index].entry.dtype)
            for key in body.members:
                del self._in[key]

    # -- views ------------------------------------------------------------------------------------
    def _view(self, step: Step, made: Step, view: Any) -> None:
        """Give a view as a way of counting entries; `made` is the step that has the arguments."""
        x, *rest = made.args
        if type(x) is not Step or any(True for _ in steps_in(tuple(rest))) or any(True for v in made.kwargs.values() for _ in steps_in(v)):
            raise Unheld(f"{known.name_of(made.op)} of several arrays")
        ref = self._ref(x, x.dtype)
        if type(ref) is not Lies:
            if made.op in (np.diag, np.diagonal) or step.storage.written or step.dtype != x.dtype:
                raise Unheld(f"{known.name_of(made.op)} of a number")
            self._refs[id(step)] = ref
            return
        if step.op is operator.getitem and step is made:
            index = rest[0] if type(rest[0]) is tuple else (rest[0],)
            whole = index if any(p is Ellipsis for p in index) else (*index, ...)
            lies = viewed(ref, lambda a: a[whole])
        else:
            lies = viewed(ref, view)
        if lies is None and not step.storage.written and step.op in (np.reshape, np.ravel, np.ascontiguousarray) and not step.kwargs:
            order = rest[-1] if rest and isinstance(rest[-1], str) else "C"
            if order == "C":
                copy = self.memory(x.dtype, x.shape)
                self.fill(copy, ref, x.dtype)
                lies = viewed(copy, view)
        if lies is None and step is made and not step.storage.written and step.shape and moves(step):
            self._move(step)
            return
        if lies is None or lies.shape != step.shape or (step.storage.written and step.storage is not x.storage and type(step.value) is np.ndarray):
            raise Unheld(f"{known.name_of(made.op)} with memory of its own")
        self._refs[id(step)] = lies
        if x.storage.written and type(step.value) is not np.ndarray:  # the number as it is now
            name = self.fresh("n")
            self.lines.append(f"{name} = {self._text(lies)}")
            self._refs[id(step)] = Var(name, step.dtype)

    def _move(self, step: Step) -> None:
        self._refs[id(step)] = made = self._own(step)
        if not move(self, step, made):
            raise Unheld(f"{known.name_of(step.op)} to where values say")

    def _along(self, step: Step) -> None:
        x, index, *axis = step.args
        axis = axis[0] if axis else step.kwargs.get("axis", -1)
        n = len(x.shape)
        if axis is None or len(index.shape) != n:
            raise Unheld("np.take_along_axis in this form")
        others = [np.arange(size).reshape([-1 if i == k else 1 for i in range(n)]) for k, size in enumerate(x.shape)]
        self._gather(step, tuple(index if k == axis % n else other for k, other in enumerate(others)))

    def _cumulated(self, step: Step) -> None:
        given = dict(zip(("axis", "dtype"), step.args[1:], strict=False)) | step.kwargs
        x = self.lies(step.args[0])
        n = len(x.shape)
        axis = given.pop("axis", None if step.op is np.cumsum else 0)
        if given.pop("dtype", None) not in (None, step.dtype) or given or (axis is None and n != 1) or step.dtype.kind == "b":
            raise Unheld(f"{known.name_of(step.op)} in this form")
        axis = 0 if axis is None else axis % n
        self._refs[id(step)] = made = self._own(step)
        names = [f"i{k}" for k in range(n)]
        total = self.fresh("s")
        entry = as_dtype(f"{x.buffer.name}[{address(x.offset, x.strides, names)}]", x.dtype, step.dtype)
        loops = [f"for i{k} in range({x.shape[k]}):" for k in range(n) if k != axis]
        zero = self.constant(np.array(-0.0 if step.dtype.kind == "f" else 0, step.dtype)[()])
        row = [f"{total} = {total} + {entry}", f"{made.buffer.name}[{address(made.offset, made.strides, names)}] = {total}"]
        self.lines += nested(loops, [f"{total} = {zero}", *nested([f"for i{axis} in range({x.shape[axis]}):"], row)])

    def _gather(self, step: Step, index: Any) -> None:
        x = self.lies(step.args[0])
        seen = Gathered(self, x, index)
        if seen.shape != step.shape:
            raise Unheld("an index of this form")
        if not step.shape:
            name = self.fresh("n")
            seen.loops(self, lambda entry, _: [f"{name} = {entry}"])
            self._refs[id(step)] = Var(name, step.dtype)
            return
        self._refs[id(step)] = made = self._own(step)
        seen.loops(self, lambda entry, at: [f"{made.buffer.name}[{address(made.offset, made.strides, at)}] = {entry}"])

    # -- reductions and products ------------------------------------------------------------------
    def _reduce(self, step: Step) -> None:
        ufunc = known.reduction(step.op) or _REDUCED[step.op]
        given = dict(zip(("axis", "dtype", "out", "keepdims"), step.args[1:], strict=False)) | step.kwargs
        if given.get("dtype", step.dtype) == step.dtype:
            given.pop("dtype", None)
        if set(given) - {"axis", "keepdims"} or ufunc not in _ASSOCIATIVE:
            raise Unheld(f"{known.name_of(step.op)} with {', '.join(given)}")
        x = self.lies(step.args[0])
        axis = given.get("axis")
        n = len(x.shape)
        axes = tuple(range(n)) if axis is None else tuple(a % n for a in (axis if isinstance(axis, tuple) else (axis,)))
        out: Lies | str = self.fresh("n")
        if step.shape:
            self._refs[id(step)] = made = self._own(step)
            kept = tuple(s for i, s in enumerate(made.strides) if i not in axes) if given.get("keepdims") else made.strides
            out = Lies(made.buffer, tuple(x.shape[i] for i in range(n) if i not in axes), kept)
        else:
            self._refs[id(step)] = Var(str(out), step.dtype)
        reduced(self, x, axes, ufunc, out, held(step.dtype))
        self.size += 4

    def _product(self, step: Step) -> None:
        operands = operands_of(step)
        named = axes(step)
        if named is None or step.dtype.kind not in "f":
            raise Unheld(f"{known.name_of(step.op)} of {step.dtype} in this form")
        if work(list(operands), named[0]) > LARGEST:
            raise Unheld(f"{known.name_of(step.op)} of {' and '.join(str(v.shape) for v in operands)}, which BLAS does better")
        lies = [self.lies(v) for v in operands]
        out: Lies | str = self.fresh("n")
        if step.shape:
            self._refs[id(step)] = out = self._own(step)
        else:
            self._refs[id(step)] = Var(str(out), step.dtype)
        contracted(self, lies, *named, out, step.dtype)
        self.size += 4

    # -- writes -----------------------------------------------------------------------------------
    def _write(self, step: Step) -> None:
        op = step.op
        if op is operator.setitem:
            target, index, value = step.args
            if not is_basic(index):
                self._scatter(step, target, index, value, None)
                return
            lies = self._ref(target, target.dtype)
            parts = index if type(index) is tuple else (index,)
            whole = parts if any(p is Ellipsis for p in parts) else (*parts, ...)
            lies = viewed(lies, lambda a: a[whole]) if type(lies) is Lies else None
            self._assign(lies, cast(_dtype(value, target), _dtype(value, target)), (value,))
        elif op is np.copyto and len(step.args) == 2 and not step.kwargs:
            target, value = step.args
            ref = self._ref(target, target.dtype)
            self._assign(ref, cast(_dtype(value, target), _dtype(value, target)), (value,))
        elif op is arrays.add_at:
            self._scatter(step, *step.args, np.add)
        elif getattr(op, "__name__", "") == "at" and len(step.args) == 3 and not step.kwargs:
            self._scatter(step, *step.args, op.__self__)
        elif isinstance(op, np.ufunc) and set(step.kwargs) == {"out"}:
            target = step.kwargs["out"]
            kinds = tuple(type(a.value) if type(a) is Step and a.python else _dtype(a, target) if type(a) is Step else type(a) if type(a) in (int, float) else np.asarray(a).dtype for a in step.args)
            self._assign(self._ref(target, target.dtype), of_ufunc(op, kinds), step.args)
        else:
            raise Unheld(f"{known.name_of(op)} into an array")

    def _assign(self, target: Any, what: Entry, args: tuple[Any, ...]) -> None:
        """Write entries computed from others; by way of other memory where they lie across each other."""
        if type(target) is not Lies:
            raise Unheld("a write into a number")
        refs = tuple(self._ref(a, c) for a, c in zip(args, what.casts, strict=True))
        lie = [r for r in refs if type(r) is Lies]
        if what.text == "{0}" and what.dtype == target.dtype and lie == [target]:
            return
        across = any((r.buffer == target.buffer and r.spread(target.shape) != target) or (r.buffer.input and target.buffer.input and r.buffer != target.buffer) for r in lie)
        into = self.memory(target.dtype, target.shape) if across else target
        body = Body(target.shape, self.fresh("v"))
        index = body.add(Statement(what, refs))
        body.add(Statement(cast(what.dtype, target.dtype), (index,), into))
        body.divide([])
        self.lines += body.text(self)
        self.size += 2
        if across:
            self.fill(target, into, target.dtype)

    def _scatter(self, step: Step, target: Step, index: Any, value: Any, ufunc: Any) -> None:
        """Write to, or add to, the entries that arrays of indices name."""
        lies = self._ref(target, target.dtype)
        if type(lies) is not Lies or lies.buffer.input or any(s.storage.written and s.kind == "input" for s in self.program.inputs):
            raise Unheld("indices into an argument that is written in place")
        seen = Gathered(self, lies, index)
        ref = self._ref(value, target.dtype)
        if type(ref) is Lies and ref.buffer == lies.buffer:
            raise Unheld("a write into what is read")
        dtype = ref.dtype
        how = None if ufunc is None else of_ufunc(ufunc, (target.dtype, target.dtype))
        if how is not None and how.dtype != target.dtype:
            raise Unheld(f"{known.name_of(step.op)} of {target.dtype}")

        def body(entry: str, at: list[str]) -> list[str]:
            text = self._text(ref)
            if type(ref) is Lies:
                wide = ref.spread(seen.shape)
                text = f"{ref.buffer.name}[{address(wide.offset, wide.strides, at)}]"
            text = as_dtype(text, dtype, target.dtype)
            return [f"{entry} = {text if how is None else how.text.format(entry, text)}"]

        if type(ref) is Lies and np.broadcast_shapes(ref.shape, seen.shape) != seen.shape:
            raise Unheld("a value with more dimensions than where it goes")
        seen.loops(self, body)
        self.size += 2

    # -- the whole --------------------------------------------------------------------------------
    def _give(self, step: Step) -> None:
        """See that an output leaves the kernel."""
        if id(step) in self.results or step.kind in ("input", "constant"):
            return
        others = [o for o in self._outputs.values() if o is not step and o.storage is step.storage]
        if step.shape and any(np.may_share_memory(step.value, o.value) for o in others):
            raise Unheld("results that share memory")
        if step.shape and any(step.storage is s.storage for s in self.program.inputs):
            raise Unheld("a result that is a part of an argument")
        ref = self._ref(step, step.dtype)
        if step.shape:
            made = self._result(step, _order(step))
            self.fill(made, ref, step.dtype)
        else:
            name = self.fresh("o")
            self.lines.append(f"{name} = {as_dtype(self._text(ref), ref.dtype, step.dtype)}")
            self.results[id(step)] = name, None

    def source(self) -> str:
        """Give the text of the module that holds the function."""
        head = ['"""Written by gradmagic: a program of gm.replay, for numba."""', "import math", "", "import numpy as np"]
        head += ["from numba import njit", "from numpy import bool_, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64", ""]
        head += ["from gradmagic.engine.replay.emit import Diverged", ""]
        for (dtype, raw), name in self._constants.items():
            number = np.frombuffer(raw, dtype)[0]
            text = repr(number.item()) if dtype.kind != "f" or np.isfinite(number) else repr(str(number))
            head.append(f"{name} = {name_of(dtype)}({text})")
        names = [name for name, _ in self.parameters] + [f"t_{d.name}" for d in self._tables]
        body = [*self.lines, f"return ({', '.join(n for n, _ in self.results.values())},)"]
        return "\n".join(head) + self._helpers + f"\n\ndef kernel({', '.join(names)}):\n    " + "\n    ".join(body) + "\n"

    def tables(self) -> list[Any]:
        """Give the constants that the function takes after its parameters."""
        return [np.concatenate(parts) for parts in self._tables.values()]


def _order(step: Step) -> tuple[int, ...] | None:
    """Give the order in which the axes of an array lie, if it is not row after row."""
    if type(step.value) is not np.ndarray or step.value.flags.c_contiguous or step.value.ndim < 2:
        return None
    return tuple(sorted(range(step.value.ndim), key=lambda i: (-abs(step.value.strides[i]), i)))


def _dtype(value: Any, target: Step) -> np.dtype[Any]:
    if type(value) is Step:
        return value.dtype
    return target.dtype if type(value) in (int, float) else np.asarray(value).dtype
