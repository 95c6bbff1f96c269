"""A recording made smaller: what nobody needs, what is computed twice, what is the same for every call, exact algebra.

In: a `Program` as it was recorded. Out: the same with fewer steps and the same numbers, bit for bit: `x * 1` is `x`,
but `x + 0` is not (of -0.0 it is 0.0). Nothing that touches memory which is written is merged or left out.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from . import known
from .program import Program, Step, Storage, mapped


def simplified(program: Program) -> Program:
    """Give the program without what is not needed."""
    steps = _Rewriting().run(program.steps)
    made = Program(inputs=program.inputs)
    made.outputs = [steps.of(o) for o in program.outputs]
    for step in _alive(steps.kept, made.outputs):
        made.add(step)
    return made


def _alive(steps: list[Step], outputs: list[Step]) -> list[Step]:
    """List the steps on which the outputs, the guards and what is written into inputs depend."""
    writes: dict[int, list[Step]] = {}
    outside = {id(s.storage) for s in steps if s.kind == "input"}
    for step in steps:
        if step.kind == "write":
            writes.setdefault(id(step.storage), []).append(step)
    stack = outputs + [
        s for s in steps if s.kind in ("guard", "draw") or (s.kind == "write" and id(s.storage) in outside)
    ]
    alive: set[int] = set()
    while stack:
        step = stack.pop()
        if id(step) in alive:
            continue
        alive.add(id(step))
        stack += step.needs()
        stack += writes.pop(id(step.storage), ())
    return [s for s in steps if id(s) in alive or s.kind == "input"]


class _Rewriting:
    """One pass over the steps in their order."""

    def __init__(self) -> None:
        self.kept: list[Step] = []
        self._instead: dict[int, Step] = {}
        self._known: dict[Any, Step] = {}

    def of(self, step: Step) -> Step:
        """Give the step that stands for one of the recording."""
        return self._instead.get(id(step), step)

    def run(self, steps: list[Step]) -> _Rewriting:
        for step in steps:
            step.args = mapped(self._current, step.args)
            step.kwargs = {k: mapped(self._current, v) for k, v in step.kwargs.items()}
            other = self._rewritten(step)
            if other is not step:
                self._instead[id(step)] = other
        return self

    def _current(self, value: Any) -> Any:
        return self._instead.get(id(value), value) if type(value) is Step else value

    def _rewritten(self, step: Step) -> Step:
        """Keep a step, or give another that is the same value."""
        if step.kind == "call":
            step.op, step.args, step.kwargs = known.normed(step.op, step.args, step.kwargs, _shapes)
        needs = step.needs()
        if not step.pure or any(s.storage.written for s in needs):
            self.kept.append(step)
            return step
        if step.kind == "call" and step.value is not None:
            if all(s.kind == "constant" for s in needs):
                step.kind, step.op, step.args, step.kwargs = "constant", None, (), {}
                step.value = step.value.copy("K") if isinstance(step.value, np.ndarray) else step.value
                step.storage = Storage()
            elif (other := self._algebra(step)) is not None:
                return other
        key = (step.op, _key(step.args), tuple((k, _key(v)) for k, v in sorted(step.kwargs.items())))
        if step.kind == "constant":
            key = ("constant", *_constant_key(step.value))
        try:
            found = self._known.setdefault(key, step)
        except TypeError:  # a setting without a hash
            found = step
        if found is step:
            self.kept.append(step)
        return found

    # -- algebra that is exact --------------------------------------------------------------------
    def _algebra(self, step: Step) -> Step | None:
        """Make a call cheaper, in place, or give the step that it equals; None if it stays a step of its own."""
        op = step.op
        if op is operator.pow or op is np.power:
            self._power(step)
            if step.kind == "constant":
                return None
        elif op is np.square and step.dtype.kind == "f":
            step.op, step.args = np.multiply, (step.args[0], step.args[0])
        elif op is np.mean:
            self._mean(step)
        elif (op in known.VIEWS and _stays(step)) or (
            op is np.copy and type(step.value) is type(step.args[0].value)
        ):
            return step.args[0]
        elif op is known.astype and step.args[0].dtype == step.dtype and not step.args[0].python:
            return step.args[0] if type(step.value) is type(step.args[0].value) else None
        if not known.elementwise(step.op) or step.kwargs:
            return None
        if step.shape:
            step.args = _thin(step)
        return _neutral(step)

    def _power(self, step: Step) -> None:
        x, exponent = step.args
        number = _uniform(exponent)
        if type(x) is not Step or not step.shape or step.dtype.kind != "f" or x.dtype != step.dtype:
            return
        if number == 2:
            step.op, step.args = np.multiply, (x, x)
        elif number == 1:
            step.op, step.args = np.positive, (x,)
        elif number == 0:  # of NaN too
            step.kind, step.op, step.args, step.value = "constant", None, (), np.ones_like(step.value)
        elif number == 0.5 and type(exponent) is float:
            step.op, step.args = np.sqrt, (x,)
        else:
            step.op = np.power

    def _mean(self, step: Step) -> None:
        """Write a mean as NumPy computes it: a sum, divided."""
        x = step.args[0]
        given = dict(zip(("axis", "dtype", "out", "keepdims"), step.args[1:], strict=False)) | step.kwargs
        if (
            set(given) - {"axis", "keepdims"}
            or x.dtype.char not in "fdFD"
            or step.dtype != x.dtype
            or not x.value.size
        ):
            return
        axis, keep = given.get("axis"), bool(given.get("keepdims", False))
        value = np.sum(x.value, axis=axis, keepdims=keep)
        args = known.normed(np.add.reduce, (x,), {"axis": axis, "keepdims": keep}, _shapes)
        total = self._rewritten(Step("call", *args, value, place=step.place))
        count = x.value.size // max(np.size(value), 1)
        step.op, step.args, step.kwargs = np.divide, (total, float(count)), {}


def _shapes(a: Any) -> tuple[tuple[int, ...], Any]:
    return (a.shape, a.dtype) if type(a) is Step else (np.shape(a), getattr(a, "dtype", None))


def _stays(step: Step) -> bool:
    """Tell whether a view is all of what it looks at, as it lies there."""
    x = step.args[0]
    if (
        type(x) is not Step
        or x.value is None
        or x.python
        or (step.op is np.transpose and len(step.shape) > 1)
    ):
        return False
    same = step.op in (
        np.reshape,
        np.expand_dims,
        np.squeeze,
        np.broadcast_to,
        np.ravel,
        np.atleast_1d,
        np.asarray,
    )
    if x.dtype != step.dtype or getattr(x.value, "strides", None) != getattr(step.value, "strides", None):
        return False  # np.asarray(x, float), order="F"
    return (same or step.op is np.transpose) and x.shape == step.shape and type(x.value) is type(step.value)


def _uniform(value: Any) -> float | None:
    """Give the number that a constant is at every entry; None of anything else."""
    if type(value) is Step:
        if value.kind != "constant":
            return None
        value = value.value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number, np.ndarray)):
        return None
    array = np.asarray(value)
    if not array.size or array.dtype.kind not in "fiu":
        return None
    first = array.flat[0]
    if array.size > 1 and not (array == first).all():
        return None
    if first == 0 and array.size > 1 and np.signbit(array).any() != np.signbit(array).all():
        return None
    return float(first)


def _thin(step: Step) -> tuple[Any, ...]:
    """Give the arguments of an elementwise step without what broadcasting does anyway."""
    thin: list[Any] = []
    for a in step.args:
        if type(a) is Step and not a.storage.written:
            while a.op is np.broadcast_to and a.kind == "call" and not a.kwargs and _typed(a.args[0]):
                a = a.args[0]
            if a.kind == "constant" and np.ndim(a.value) and a.dtype.kind == "f":
                number = _uniform(a)
                if number is not None:
                    a = np.array(a.value.flat[0], a.dtype)
        elif type(a) in (int, float) and (dtype := _common(step)) is not None:
            a = _of_dtype(a, dtype)
        thin.append(a)
    shapes = [a.shape if type(a) is Step else np.shape(a) for a in thin]
    return tuple(thin) if np.broadcast_shapes(*shapes) == step.shape else step.args


def _common(step: Step) -> np.dtype[Any] | None:
    """Give the one dtype of all arrays that a step takes, if it is a float's and Python's numbers take it too."""
    found = {a.dtype for a in step.args if type(a) is Step and not a.python}
    if len(found) != 1 or (dtype := found.pop()).kind != "f":
        return None
    if isinstance(step.op, np.ufunc):  # eval_hermite takes a whole number, ldexp a C int
        kinds = [
            a.dtype if type(a) is Step and not a.python else float if type(a) is Step else type(a)
            for a in step.args
        ]
        if any(d != dtype for d in step.op.resolve_dtypes((*kinds, *[None] * step.op.nout))[: step.op.nin]):
            return None
    return dtype


def _of_dtype(number: float, dtype: np.dtype[Any]) -> Any:
    """Give a number of Python's as a 0-d array, which NumPy takes in half the time; as it is if it does not fit."""
    with np.errstate(all="ignore"):
        array = np.array(number, dtype)
    if not np.isfinite(array) and np.isfinite(number):
        return number
    return array


def _typed(value: Any) -> bool:
    return type(value) is Step and not value.python and not value.storage.written


def _neutral(step: Step) -> Step | None:
    """Give the argument that an elementwise step leaves as it is; None if it changes it."""
    op, args = step.op, step.args
    if len(args) == 2 and op in (
        np.multiply,
        np.divide,
        np.subtract,
        operator.mul,
        operator.truediv,
        operator.sub,
    ):
        for i in (0, 1):
            x, number = args[1 - i], _uniform(args[i])
            if number is None or (i == 0 and op not in (np.multiply, operator.mul)):
                continue
            none = (
                number == 0 and not math.copysign(1, number) < 0
                if op in (np.subtract, operator.sub)
                else number == 1
            )
            if none and _same(x, step):
                return x
            if (
                op is np.multiply
                and type(x) is Step
                and x.op is np.multiply
                and _doubles(number)
                and _same(x, step)
            ):
                for j in (0, 1):
                    inner = _uniform(x.args[j])
                    if inner is not None and _doubles(inner) and _same(x.args[1 - j], step):
                        step.args = (x.args[1 - j], np.array(number * inner, step.dtype))
                        return None
    if op is np.positive and _same(args[0], step):
        return args[0]
    if (
        op is np.negative
        and type(args[0]) is Step
        and args[0].op is np.negative
        and _same(args[0].args[0], step)
    ):
        return args[0].args[0]
    return None


def _doubles(number: float) -> bool:
    """Tell whether a factor only adds to the exponent: 2 * (4 * x) is 8 * x, at the ends of the range as well."""
    return abs(number) >= 1 and math.isfinite(number) and math.frexp(abs(number))[0] == 0.5


def _same(x: Any, step: Step) -> bool:
    return (
        type(x) is Step and x.value is not None and not x.storage.written and x.shape == step.shape
        and type(x.value) is type(step.value) and x.dtype == step.dtype
    )  # fmt: skip


def _key(value: Any) -> Any:
    """Give what two equal arguments have in common."""
    if type(value) is Step:
        return ("step", id(value))
    if type(value) in (tuple, list):
        return (type(value).__name__, *map(_key, value))
    if type(value) is slice:
        return ("slice", _key(value.start), _key(value.stop), _key(value.step))
    if isinstance(value, (float, np.floating)):
        return (type(value), repr(value))  # 0.0 == -0.0
    if isinstance(value, np.ndarray):
        return _constant_key(value)
    return (type(value), value)


def _constant_key(value: Any) -> tuple[Any, ...]:
    array = np.asarray(value)
    if array.nbytes > 512 or array.dtype.hasobject:
        return (object(),)
    return type(value), array.dtype, array.shape, array.strides, array.tobytes()
