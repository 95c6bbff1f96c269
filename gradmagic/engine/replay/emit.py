"""A program written as straight-line Python over NumPy: results into buffers by lifetime, views made once.

In: a simplified `Program`, and the text of its head (guards and inputs) and tail (the results). Out: the text, and the
function compiled from it.

All buffers of one call are one set: a call takes a set, or makes one, and gives it back. So a program may run in
several threads at once.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from . import known
from .blocks import Run, in_blocks
from .buffers import Buffers
from .program import Program, Step
from .sink import sunk

_INFIX = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**"} | {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.pow: "**",
    operator.floordiv: "//", operator.mod: "%",
}  # fmt: skip
_NAMED = frozenset({np.maximum, np.minimum})  # they take an array to write into by name only
_BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}
_MASKED = 128  # entries, above which masking by bits is faster
_FILLED: dict[Any, int | None] = {np.zeros: 0, np.ones: 1, np.full: None}
_WORTH = 2048  # entries: below, np.where with memory of its own is faster than two copies into a buffer


class Diverged(Exception):
    """A guarded value is not what it was when the program was recorded."""


class Written(Buffers):
    """A program as text.

    Parameters
    ----------
    program : Program
    whole : Written, optional
        What this is a part of: a block of a stretch.
    targets : dict, optional
        By step: the array that its value goes to.
    donated : int
        How many of the first results may lie in buffers.
    """

    again = ""  # what is called instead where a step raises; nothing where that cannot be

    def __init__(
        self,
        program: Program,
        whole: Written | None = None,
        targets: dict[int, str] | None = None,
        donated: int = 0,
    ) -> None:
        groups = sunk(program)
        names = {"np": np, "Diverged": Diverged} if whole is None else whole.names
        super().__init__(program, names, {} if whole is None else whole._bound, targets or {}, donated)
        self.parts: list[str] = [] if whole is None else whole.parts  # functions that it calls
        self.lines: list[str] = []
        self._made = 0
        self._emit(0, len(program.steps), groups)

    def name(self, step: Step) -> str:
        return self._text[id(step)]

    def _emit(self, begin: int, end: int, groups: dict[int, Step]) -> None:
        """Write the steps from number `begin` to `end`; what only one choice of a `where` needs under an `if`."""
        while begin < end:
            where = groups.get(begin)
            if where is not None and where.number < end:
                outer, self.lines = self.lines, []
                self._emit(begin, where.number, {k: w for k, w in groups.items() if w is not where})
                inner, self.lines = self.lines, outer
                self._at = where.number
                self._chosen(where, inner)
                begin = where.number
            else:
                self._at = begin
                step = self.program.steps[begin]
                getattr(self, f"_{step.kind}")(step)
            self._release()
            begin += 1

    def _chosen(self, step: Step, inner: list[str]) -> None:
        """Write a `where` after what only its first choice needs."""
        mask, first, other = step.args
        asked = self.arg(mask) if not np.ndim(getattr(mask, "value", mask)) else f"{self.arg(mask)}.any()"
        indented = ["    " + line for line in inner]
        if not step.shape:
            a, b = self._number_of(first, step), self._number_of(other, step)
            name = self._text[id(step)] = self._new("t")
            self.lines += [f"if {asked}:", *indented, f"    {name} = {a}", f"else: {name} = {b}"]
        elif self._buffered(step):
            held = self._taken_over(step, other)
            buffer = held or self._buffer(step)
            fill = [f"    np.copyto({buffer}, {self.arg(other)})"] if held is None else []
            chosen = f"    np.copyto({buffer}, {self.arg(first)}, where={self.arg(mask)})"
            self.lines += [f"if {asked}:", *indented, *fill, chosen, *(["else:", *fill] if fill else [])]
        else:
            name = self._text[id(step)] = self._new("t")
            text = f"np.where({self.arg(mask)}, {self.arg(first)}, {self.arg(other)})"
            like = f"np.array(np.broadcast_to({self.arg(other)}, {step.shape}), {self.bind(step.dtype)})"
            self.lines += [f"if {asked}:", *indented, f"    {name} = {text}", f"else: {name} = {like}"]

    def _number_of(self, value: Any, step: Step) -> str:
        """Write a choice of a `where` of numbers, in the dtype of the result."""
        if type(value) is Step and value.dtype == step.dtype and not value.python:
            return self.arg(value)
        return f"{self.bind(step.dtype.type)}({self.arg(value)})"

    # -- steps ------------------------------------------------------------------------------------
    def _input(self, step: Step) -> None:
        self._text[id(step)] = step.op

    def _constant(self, step: Step) -> None:
        if step.storage.written:
            self._line(step, f"{self.bind(step.value)}.copy('K')")
        else:
            self._text[id(step)] = self.number(step.value)

    def _guard(self, step: Step) -> None:
        value, expected = step.args
        if step.op is not None:
            asked = f"{self.function(step.op)}({self.name(value)})"
            self.lines.append(f"if {asked} != {self.bind(expected)}: raise Diverged")
        elif isinstance(expected, np.ndarray):
            self.lines.append(
                f"if not np.array_equal({self.name(value)}, {self.bind(expected)}): raise Diverged"
            )
        elif isinstance(expected, (bool, np.bool_)):
            self.lines.append(f"if {'not ' if expected else ''}{self.name(value)}: raise Diverged")
        else:
            self.lines.append(f"if {self.name(value)} != {self.number(expected)}: raise Diverged")

    def _item(self, step: Step) -> None:
        whole, i = step.args
        self._line(step, f"{self.name(whole)}[{i}]")

    def _run(self, step: Run) -> None:  # type: ignore[override]
        """Write a stretch that is done in blocks: a function of one block, and its call."""
        outs = []
        for out in step.outs:
            if self._buffered(out):
                outs.append(self._buffer(out, fresh=True))
            else:
                self._line(out, f"np.empty({out.shape}, {self.bind(out.dtype)})")
                outs.append(self.name(out))
        number = len(self.parts)
        targets = {id(o): f"o{i}" for i, o in enumerate(step.body.outputs)}
        body = Written(step.body, self, targets)
        self.bytes += body.bytes * 2
        inputs = [s.op for s in step.body.inputs]
        self.parts.append(body.source([], ", ".join([*inputs, *targets.values()]), "None", str(number)))
        sliced = (*step.sliced, *[True] * len(outs))
        arrays = "".join(f"{self.arg(a)}, " for a in [*step.args]) + "".join(f"{o}, " for o in outs)
        self.names["in_blocks"] = in_blocks
        self.lines.append(f"in_blocks(program{number}, {step.rows}, {step.block}, {sliced}, ({arrays}))")

    def _write(self, step: Step) -> None:
        if step.op is operator.setitem:
            target, index, value = step.args
            self.lines.append(f"{self.arg(target)}[{self.index(index)}] = {self.arg(value)}")
        else:
            self.lines.append(f"{self.function(step.op)}({self.arguments(step)})")

    def _draw(self, step: Step) -> None:
        self._line(step, f"{self.bind(step.op)}()")

    def _call(self, step: Step) -> None:
        numbers = not step.shape and not step.kwargs and all(map(_is_number, step.args))
        if numbers and step.op in _INFIX and len(step.args) == 2:
            a, b = (self.scalar(x) for x in step.args)
            self._line(step, f"{a} {_INFIX[step.op]} {b}")
        elif not step.shape and step.op in (np.negative, operator.neg) and _is_number(step.args[0]):
            self._line(step, f"-{self.scalar(step.args[0])}")
        elif step.op is operator.getitem or step.op in known.VIEWS or step.op in (known.window, known.view):
            self._view(step)
        elif step.op is np.where and len(step.args) == 3 and self._masks(step):
            pass
        elif step.op is np.where and len(step.args) == 3 and step.value.size > _WORTH and self._copies(step):
            buffer = self._buffer(step)
            self.lines.append(f"np.copyto({buffer}, {self.arg(step.args[2])})")
            self.lines.append(
                f"np.copyto({buffer}, {self.arg(step.args[1])}, where={self.arg(step.args[0])})"
            )
        elif step.op in _FILLED and not step.kwargs and self._buffered(step):
            value = step.args[1] if step.op is np.full else _FILLED[step.op]
            self.lines.append(f"{self._buffer(step, fresh=True)}.fill({self.arg(value)})")
        elif step.op is known.astype and self._buffered(step):
            self.lines.append(f"np.copyto({self._buffer(step)}, {self.arg(step.args[0])}, casting='unsafe')")
        elif _takes_out(step) and self._buffered(step):
            values = [self.arg(a) for a in step.args]
            buffer = self._buffer(step)
            if known.reduction(step.op):
                keep = f", {step.kwargs['keepdims']}" if step.kwargs["keepdims"] else ""
                call = f"{values[0]}, {self._axis(step)}, None, {buffer}{keep}"
            else:
                out = f"out={buffer}" if step.op in _NAMED else buffer
                call = ", ".join([*values, out])
            self.lines.append(f"{self.function(step.op)}({call})")
        elif known.reduction(step.op) and not step.shape and _takes_out(step) and step.args[0].shape:
            cell = self._cell(step.dtype)  # a number of its own takes NumPy 0.3 us more
            self.lines.append(f"{self.function(step.op)}({self.arg(step.args[0])}, None, None, {cell})")
            self._line(step, f"{cell}[()]")
        elif known.reduction(step.op) and set(step.kwargs) == {"axis", "keepdims"}:
            keep = ", None, None, True" if step.kwargs["keepdims"] else ""
            self._line(step, f"{self.function(step.op)}({self.arg(step.args[0])}, {self._axis(step)}{keep})")
        elif step.op is known.astype:
            self._line(step, f"{self.arg(step.args[0])}.astype({self.bind(step.args[1])})")
        else:
            self._line(step, f"{self.function(step.op)}({self.arguments(step)})")

    def _copies(self, step: Step) -> bool:
        """Tell whether a `where` can be two copies into a buffer."""
        return self._buffered(step) and getattr(step.args[0], "dtype", None) == np.bool_

    def _masks(self, step: Step) -> bool:
        """Write `where(mask, x, 0)` of floats as the bits of x times 0 or 1, as core/masked.py does."""
        mask, x, other = step.args
        bits = _BITS.get(step.dtype)
        if bits is None or not self._buffered(step) or step.value.size <= _MASKED or not _is_zero(other):
            return False
        same = type(x) is Step and type(mask) is Step and x.shape == mask.shape == step.shape
        if not same or x.dtype != step.dtype or mask.dtype != np.bool_:
            return False
        given, by = self._as(self.arg(x), bits), self._as(self.arg(mask), np.dtype(np.int8))
        buffer = self._taken_over(step, x) or self._buffer(step)
        self.lines.append(f"multiply({given}, {by}, {self._as(buffer, bits)})")
        self.names["multiply"] = np.multiply
        return True

    @staticmethod
    def _axis(step: Step) -> str:
        axis = step.kwargs["axis"]
        return repr(axis[0] if axis is not None and len(axis) == 1 else axis)

    def _view(self, step: Step) -> None:
        x = self.arg(step.args[0]) if step.args else ""
        number = (
            step.args and type(step.args[0]) is Step and step.args[0].python
        )  # it has no methods of arrays
        if step.op is operator.getitem:
            text = f"{x}[{self.index(step.args[1])}]"
        elif number:
            text = f"{self.function(step.op)}({self.arguments(step)})"
        elif step.op is np.reshape and len(step.args) == 2 and not step.kwargs:
            text = f"{x}.reshape({self.arg(step.args[1])})"
        elif step.op is np.swapaxes and not step.kwargs:
            text = f"{x}.swapaxes({step.args[1]}, {step.args[2]})"
        elif step.op is np.transpose and not step.kwargs:
            text = f"{x}.transpose({', '.join(self.arg(a) for a in step.args[1:])})"
        else:
            text = f"{self.function(step.op)}({self.arguments(step)})"
        first = step.args[0] if step.args else None
        base = self._base(first) if type(first) is Step else None
        if (
            base is not None and type(step.value) is np.ndarray and sum(1 for _ in step.needs()) == 1
            and _looks_into(step, base)
        ):  # fmt: skip
            name = self._new("v")
            self.making.append(f"{name} = {text}")
            self.work.append(name)
            self._still.add(name)
            self._layout[name] = _applied(step, base)
            self._text[id(step)] = name
            return
        own = step.storage.written and type(step.value) is np.ndarray and step.value.base is None
        self._line(step, f"np.array({text})" if own else text)

    def _base(self, step: Step) -> Any:
        """Give an array laid out as what a step's name means for good; None where it is made anew at every call."""
        name = self._text[id(step)]
        return self._layout[name] if name in self._still else None

    def _new(self, letter: str) -> str:
        self._made += 1
        return f"{letter}{self._made}"

    # -- text -------------------------------------------------------------------------------------
    def _line(self, step: Step, text: str) -> None:
        name = self._text[id(step)] = self._new("t")
        self.lines.append(f"{name} = {text}")

    def arguments(self, step: Step) -> str:
        return ", ".join(
            [self.arg(a) for a in step.args] + [f"{k}={self.arg(v)}" for k, v in step.kwargs.items()]
        )

    def arg(self, value: Any) -> str:
        """Write an argument."""
        if type(value) is Step:
            return self._text[id(value)]
        if type(value) is tuple:
            return f"({''.join(self.arg(v) + ', ' for v in value)})"
        if type(value) is list:
            return f"[{', '.join(map(self.arg, value))}]"
        if value is Ellipsis:
            return "..."
        if type(value) is slice:
            return f"slice({self.arg(value.start)}, {self.arg(value.stop)}, {self.arg(value.step)})"
        if value is None or type(value) in (int, bool, str):
            return repr(value)
        return self.number(value)

    def index(self, value: Any) -> str:
        """Write what stands in brackets."""
        if type(value) is slice:
            parts = ["" if p is None else self.arg(p) for p in (value.start, value.stop, value.step)]
            return ":".join(parts if value.step is not None else parts[:2])
        if type(value) is tuple and value:
            return ", ".join(map(self.index, value)) + ("," if len(value) == 1 else "")
        return self.arg(value)

    def number(self, value: Any) -> str:
        """Write a constant: in its own words where these give it back, else by a name."""
        if type(value) is float and value == value and abs(value) != np.inf:
            return repr(value)
        return self.bind(value)

    def scalar(self, value: Any) -> str:
        """Write a number of a scalar step: a 0-d array as NumPy's scalar."""
        if type(value) is Step and value.kind == "constant":
            value = value.value
        if isinstance(value, np.ndarray):
            value = value[()]
        if type(value) is int or (type(value) is float and value < 0):
            return f"({value!r})"
        return self.arg(value)

    def function(self, op: Any) -> str:
        """Write the name of a function, and see that it means it."""
        owner = getattr(op, "__self__", None)
        if isinstance(owner, np.ufunc):
            return self._ufunc(owner, f"{owner.__name__}_{op.__name__}", op)
        return self._ufunc(op, op.__name__, op)

    def _ufunc(self, of: Any, name: str, op: Any) -> str:
        name = name if name.isidentifier() else "f"
        while self.names.setdefault(name, op) is not op and self.names[name] != op:
            name += "_"
        return name

    # -- the whole --------------------------------------------------------------------------------
    def source(self, head: list[str], parameters: str, result: str, number: str = "") -> str:
        """Give the text of the function, and of the function that makes its buffers; of a block, with a number."""
        lines = list(head)
        body = list(self.lines)
        if self.work:
            names = ", ".join(self.work) + ("," if len(self.work) == 1 else "")
            lines += [
                f"try: work = free{number}.pop()",
                f"except IndexError: work = make{number}()",
                f"{names} = work",
            ]
            body.append(f"free{number}.append(work)")
            self.names[f"free{number}"] = []
        body.append(f"return {result}")
        if self.again:
            caught = ["except Diverged: raise", f"except Exception: return {self.again}"]
            body = ["try:", *("    " + line for line in body), *caught]
        text = "\n    ".join([*lines, *body])
        making = "\n    ".join(
            [*self.making, f"return ({', '.join(self.work)},)" if self.work else "return ()"]
        )
        parts = "\n\n".join(self.parts) + "\n\n" if not number and self.parts else ""
        return (
            f"{parts}def make{number}():\n    {making}\n\n\ndef program{number}({parameters}):\n    {text}\n"
        )


def _is_number(value: Any) -> bool:
    if type(value) is Step:
        return not value.shape and (value.kind == "constant" or type(value.value) is not np.ndarray)
    return isinstance(value, (int, float, np.generic)) and not isinstance(value, bool)


def _is_zero(value: Any) -> bool:
    """Tell whether a constant is 0.0 everywhere, and not -0.0."""
    if type(value) is Step:
        value = value.value if value.kind == "constant" else None
    if value is None or not isinstance(value, (int, float, np.number, np.ndarray)):
        return False
    return not np.any(value) and not np.any(np.signbit(value))


def _takes_out(step: Step) -> bool:
    if known.reduction(step.op):
        return set(step.kwargs) == {"axis", "keepdims"}
    return isinstance(step.op, np.ufunc) and step.op.nout == 1 and not step.kwargs


def _applied(step: Step, base: Any) -> Any:
    """Make the view of a step of an array laid out as its argument."""
    return step.op(base, *step.args[1:], **step.kwargs)


def _looks_into(step: Step, base: Any) -> bool:
    made = _applied(step, base)
    return isinstance(made, np.ndarray) and np.may_share_memory(made, base)
