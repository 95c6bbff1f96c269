"""One call's arguments: which of them are inputs of a program, and what its head asks of later calls.

In: arguments. Out: a `Call`; conditions as Python's text; copies to record on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ...language import tr
from ..core import arrays
from ..core.trees import is_container, leaves, rebuilt
from ..faces.torch.tensor import Tensor
from ..tape.nodes import Leaf
from ..tape.tracked import Tracked
from .recorded import Refused


class Call:
    """One call's arguments: which of them are inputs of a program, and what its head asks of later ones.

    Attributes
    ----------
    values : list of arrays and numbers
        The inputs, called x0, x1 ... in the program.
    checks : list of str
        Conditions on the arguments, called a0, a1 ... and k_name.
    held : list of (str, object)
        What the conditions call by name.
    objects : list
        Arguments that are no arrays, numbers or containers: what they reach is looked at.
    tensors : set of int
        Which inputs are arrays of tensors.
    leaves : list of (text, leaf, number)
        Arguments that want a gradient: the leaf of the tape, and which input its gradient is, if it has one.
    stand_ins : list of Tensor
        Those tensors as `given` has made them.
    containers : list of (container, text)
        Lists, tuples, dicts and objects among the arguments.
    same : list of str
        Conditions on which inputs are one object, of a function that asks for it by `is`.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs
        self._given = leaves((args, kwargs))
        self.values: list[Any] = []
        self.checks: list[str] = []
        self.held: list[tuple[str, Any]] = []
        self.objects: list[Any] = []
        self.tensors: set[int] = set()
        self.leaves: list[tuple[str, Any, int | None]] = []
        self.stand_ins: list[Any] = []
        self.containers: list[tuple[Any, str]] = []
        self.same: list[str] = []
        self.parameters = [f"a{i}" for i in range(len(args))] + [f"k_{name}" for name in kwargs]
        self._places: list[int | None] = []  # for each leaf of the arguments: which input it is
        for text, value in zip(self.parameters, [*args, *kwargs.values()], strict=True):
            self._enter(text, value)

    def bind(self, value: Any) -> str:
        """Give an object a name."""
        for name, known in self.held:
            if known is value:
                return name
        self.held.append((f"g{len(self.held)}", value))
        return self.held[-1][0]

    def _enter(self, text: str, value: Any) -> None:
        kind = type(value)
        if is_container(value):
            self.containers.append((value, text))
            self.checks.append(f"type({text}) is {self.bind(kind)}")
            self._beside(text, value)
            if is_dataclass(value):
                for f in fields(value):
                    self._enter(f"{text}.{f.name}", getattr(value, f.name))
                return
            ordered = isinstance(value, dict) and len(value) > 1
            self.checks.append(
                f"[*{text}] == {self.bind([*value])}" if ordered else f"len({text}) == {len(value)}"
            )
            for key, part in value.items() if isinstance(value, dict) else enumerate(value):
                self._enter(
                    f"{text}[{key!r}]" if isinstance(key, (str, int)) else f"{text}[{self.bind(key)}]", part
                )
            return
        self._places.append(None)
        if issubclass(kind, np.ndarray):
            if kind is not np.ndarray or value.dtype.kind not in "biufc" or not value.dtype.isnative:
                what = tr("a subclass of ndarray") if kind is not np.ndarray else value.dtype
                raise Refused(tr("an argument is {what}", what=what))
            self._input(text, value)
        elif issubclass(kind, Tracked):
            self._tensor(text, value)
        elif (issubclass(kind, np.generic) and value.dtype.kind in "biufc") or kind is float:
            self._input(text, value)
        elif kind in (int, bool, complex, str, bytes):
            self.checks.append(f"type({text}) is {kind.__name__} and {text} == {self.bind(value)}")
        elif value is None:
            self.checks.append(f"{text} is None")
        elif arrays.known(kind):
            raise Refused(tr("an argument lies on a device"))
        else:
            self.checks.append(f"{text} is {self.bind(value)}")
            self.objects.append(value)

    def _beside(self, text: str, value: Any) -> None:
        """Look at what a container of the user's has beside its entries: the methods of its class, attributes."""
        kind = type(value)
        if kind in (list, tuple, dict):
            return
        self.objects.append(kind)
        if hasattr(value, "default_factory"):
            self.objects.append(value.default_factory)
            self.checks.append(f"{text}.default_factory is {self.bind(value.default_factory)}")
        if (attributes := getattr(value, "__dict__", None)) is None:
            return
        named = [f.name for f in fields(value)] if is_dataclass(value) else []
        if more := [name for name in attributes if name not in named]:
            raise Refused(tr(
                "an argument, a {kind}, holds {name} beside its fields or entries", kind=kind.__name__, name=more[0],
            ))  # fmt: skip
        self.checks.append(f"len({text}.__dict__) == {len(attributes)}")

    def _tensor(self, text: str, value: Tracked) -> None:
        node = value.node
        if node is not None and type(node) is not Leaf:
            raise Refused(tr("an argument hangs on a tape"))
        wants = "is None" if node is None else "is not None"
        self.checks.append(f"type({text}) is {self.bind(type(value))} and {text}.node {wants}")
        self.tensors.add(len(self.values))
        self._input(f"{text}.array", value.array)
        if type(node) is Leaf:
            place = self._places[-1]
            self.leaves.append((text, node, None if node.grad is None else len(self.values)))
            if node.grad is None:
                self.checks.append(f"{text}.node.grad is None")
            else:
                self._input(f"{text}.node.grad.array", node.grad.array)
            self._places[-1] = place

    def _input(self, text: str, value: Any) -> None:
        self._places[-1] = len(self.values)
        name = f"x{len(self.values)}"
        self.checks.append(kind_of(name, text, value, self.bind))
        self.values.append(value)

    def rearranged(self) -> bool:
        """Tell whether a list, dict or object among the arguments holds something else than when the call began."""
        now = leaves((self.args, self.kwargs))
        return len(now) != len(self._given) or any(a is not b for a, b in zip(now, self._given, strict=True))

    def given(self, values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the arguments with others in place of the inputs."""
        whole: Any = (self.args, self.kwargs)
        at, wanting = iter(self._places), iter(self.leaves)
        self.stand_ins = []
        parts = []
        for leaf in leaves(whole):
            place = next(at)
            if place is None or not issubclass(type(leaf), Tracked):
                parts.append(leaf if place is None else values[place])
                continue
            made = type(leaf).blank()
            made.array, made.node = values[place], None
            if leaf.node is not None:
                made.requires_grad_()
                _, _, number = next(wanting)
                if number is not None:
                    made.node.grad = Tensor.wrap(values[number], None)
                self.stand_ins.append(made)
            parts.append(made)
        return rebuilt(whole, parts)

    def gradients(self) -> list[Any]:
        """Give the gradients' arrays of the arguments that want one, None where there is none."""
        return [getattr(node.grad, "array", None) for _, node, _ in self.leaves]


def kind_of(name: str, text: str, value: Any, bind: Callable[[Any], str]) -> str:
    """Write that what `text` reads, called `name` from here on, is of the kind of `value`."""
    if isinstance(value, np.ndarray):
        dtype = bind(value.dtype)  # an unpickled array has a dtype object of its own
        same = f"({name}.dtype is {dtype} or {name}.dtype == {dtype})"
        shaped = f"{name}.shape == {value.shape} and {same}"
        return f"type({name} := {text}) is ndarray and {shaped}"
    return f"type({name} := {text}) is {bind(type(value))}"


def copied(value: Any) -> Any:
    """Copy an array as it is laid out; hand on a number."""
    if not isinstance(value, np.ndarray):
        return value
    made = value.copy(order="K")
    if made.strides == value.strides or not value.size or 0 in value.strides:
        return made
    start, stop = np.lib.array_utils.byte_bounds(value)  # with its gaps
    at = value.__array_interface__["data"][0] - start
    made = np.ndarray(value.shape, value.dtype, np.empty(stop - start, np.uint8), at, value.strides)
    made[...] = value
    return made


def copied_once(*values: Any) -> list[Any]:
    """Copy arrays, each once: what is one object among them is one among the copies."""
    one: dict[int, Any] = {}
    return [one.setdefault(id(v), copied(v)) if _array(v) else v for v in values]


def same_objects(values: list[Any], held: list[Any]) -> list[str]:
    """Write which inputs of a program are one object: values are called x0, x1 ..., what is held s0, s1 ..."""
    named = [(f"x{i}", v) for i, v in enumerate(values)] + [(f"s{i}", v) for i, v in enumerate(held)]
    first: dict[int, str] = {}
    found = [f"{name} is {other}" for name, v in named
             if _array(v) and (other := first.setdefault(id(v), name)) != name]  # fmt: skip
    if len(first) > 1:
        found.append(f"len({{{', '.join(f'id({name})' for name in first.values())}}}) == {len(first)}")
    return found


def _array(value: Any) -> bool:
    return type(value) is np.ndarray
