"""Lifting: put tracked values in place of the user's for the time of one cell, and put everything back.

In: the user's namespace and the names on the magic's line. Out: leaves by name; afterwards a namespace that holds what
it would hold without the magic, wherever the cell has put its results: names, lists, attributes, closures.
"""

from __future__ import annotations

import ast
import difflib
import types
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.foreign import foreign
from ...engine.core.interpreter import parse
from ...engine.faces.numpy.array import Array
from ...engine.faces.numpy.buffer import Buffer, Buffers
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape import memory
from ...engine.tape.nodes import Leaf, walk
from ...engine.tape.tracked import Tracked, instances
from ...errors import NameOnLineError, NotLiftableError
from .aliases import share, view_along
from .restore import replace_everywhere, uninterrupted

_alone = RLock()  # one run at a time puts back: it would replace in the list of what another has just found
_MOST = 1000  # entries of a container that are looked at


@dataclass
class Lifted:
    """One input: its name, the tracked value that stands for it, the user's own object, and the input's own node.

    (The node is kept: a write in place gives the tracked value another one.)
    """

    name: str
    tracked: Any
    original: Any
    kind: str
    node: Any


class Lifter:
    """Lifts the values of one run, each object once however many names it has, and puts them back."""

    def __init__(self, namespace: dict[str, Any], device: str | None = None, dtype: Any = None) -> None:
        self.namespace, self.device, self.dtype = namespace, device, dtype
        self.lifted: list[Lifted] = []
        self._by_id: dict[int, Array] = {}
        self._originals: dict[int, Any] = {}  # id of a leaf Array -> the user's object
        self._tuples: list[tuple[Any, ...]] = []
        self._elsewhere: list[Any] = []  # constants of the cell, for the time of the run on another device
        self.shared: list[str] = []  # inputs that are parts of other inputs
        self.buffers: Buffers = Buffers()  # new arrays of the cell that may get a gradient
        self.on_lift: Callable[[Tracked], None] = lambda tracked: None

    # -- lifting ---------------------------------------------------------------------------------
    def value(self, name: str, value: Any) -> Any:
        """Give what stands for `value` while the cell runs, and remember it as the input `name`."""
        if isinstance(value, Tensor):
            if value.node is not None:
                self.lifted.append(Lifted(name, value, value, "Tensor", value.node))
                self.on_lift(value)
            return value
        known = self._by_id.get(id(value)) if arrays.is_array(value) else None
        if known is None:
            known = self._view(value) if arrays.is_array(value) else None
            if known is not None:
                self.shared.append(name)
            else:
                known = Array.lift(value, device=self.device, dtype=self.dtype)
            self._by_id[id(value)] = known
            self._originals[id(known)] = value
            self.lifted.append(Lifted(name, known, value, kind_of(value), known.node))
            self.on_lift(known)
        return known

    def name(self, name: str, line: int, known: dict[str, int]) -> bool:
        """Lift a name of the magic's line; False if the cell is yet to assign it.

        Raises
        ------
        NameOnLineError
            If nothing of that name is defined or assigned in the cell.
        NotLiftableError
            If no gradient can be taken by it.
        """
        try:
            expression = parse(name, mode="eval").body
        except SyntaxError:
            raise NameOnLineError(
                f"{name!r} on the %%grad line is not a name: write names such as x, W or params['W']."
            ) from None
        base = next((n.id for n in ast.walk(expression) if isinstance(n, ast.Name)), None)
        if base is None:
            raise NameOnLineError(f"{name!r} on the %%grad line is not a name: write the name of a variable.")
        if isinstance(expression, ast.Name):
            if name not in self.namespace:
                if name in known:
                    return False
                raise NameOnLineError(_unknown(name, self.namespace, known))
            self.named(name, self.namespace[name])
            return True
        if base not in self.namespace:
            raise NameOnLineError(_unknown(base, self.namespace, known))
        self._member(name, expression)
        return True

    def named(self, name: str, value: Any) -> None:
        """Lift `value` under all its names; `name` is the one that the report uses."""
        new = self.any(name, value)
        if new is not value:
            for other, held in list(self.namespace.items()):
                if held is value:
                    self.namespace[other] = new  # a second name of the same object is the same input

    def _member(self, name: str, expression: ast.expr) -> None:
        """Lift `params['W']`, `model.weight`, `xs[0]`: one entry of a container."""
        scope = self.namespace
        value = eval(compile(ast.Expression(expression), "%%grad", "eval"), scope)
        new = self.any(name, value)
        if new is not value:
            target = ast.fix_missing_locations(
                ast.Module([ast.Assign([_stored(expression)], ast.Name("__gradmagic_new__", ast.Load()))], [])
            )
            exec(compile(target, "%%grad", "exec"), {**scope, "__gradmagic_new__": new})

    def any(self, name: str, value: Any) -> Any:
        """Lift an array, a number, a tensor, or what a container holds of these.

        Raises
        ------
        NotLiftableError
            If there is nothing that a gradient can be taken by.
        """
        if isinstance(value, Tensor):
            if value.node is None:
                raise NotLiftableError(
                    f"{name} on the %%grad line is a Tensor that does not require grad: write "
                    f"{name}.requires_grad_() before the cell, or make it with requires_grad=True."
                )
            return self.value(name, value)
        if liftable(value):
            return self.value(name, value)
        found = len(self.lifted)
        new = self._container(name, value)
        if len(self.lifted) == found:
            raise NotLiftableError(_not_liftable(name, value))
        return new

    def _container(self, name: str, value: Any) -> Any:
        """Lift the arrays and tensors in a dict, list, tuple or module; the container itself stays the user's."""
        if hasattr(value, "named_parameters"):
            for part, parameter in value.named_parameters():
                self.value(f"{name}.{part}", parameter)
        elif isinstance(value, dict):
            for key, entry in value.items():
                value[key] = self._entry(f"{name}[{key!r}]", entry)
        elif type(value) is list:
            value[:] = [self._entry(f"{name}[{i}]", entry) for i, entry in enumerate(value)]
        elif isinstance(value, tuple):
            new = [self._entry(f"{name}[{i}]", entry) for i, entry in enumerate(value)]
            return self._tuple(value, new)
        return value

    def _entry(self, name: str, value: Any) -> Any:
        if isinstance(value, Tensor) or (arrays.is_array(value) and liftable(value)):
            return self.value(name, value)
        if isinstance(value, (dict, list, tuple)):
            return self._container(name, value)
        return value

    def along(self, value: Any, depth: int = 0) -> Any:
        """Give what stands for a value that the cell reads besides: the arrays in it that are, or share memory with, a
        lifted one are replaced, so that the gradient through them is not lost.
        """
        if id(value) in self._by_id:
            return self._by_id[id(value)]
        if type(value) is np.ndarray and self.device is not None and value.dtype.kind in "biufc":
            return self._moved(value)
        if type(value) is np.ndarray:
            view = self._view(value)
            if view is not None:
                self._by_id[id(value)] = view
                self._originals[id(view)] = value
            return value if view is None else view
        if depth < 3 and type(value) in (dict, list) and len(value) <= _MOST:
            for key in list(value) if type(value) is dict else range(len(value)):
                value[key] = self.along(value[key], depth + 1)
        elif depth < 3 and type(value) is tuple and len(value) <= _MOST:
            new = [self.along(entry, depth + 1) for entry in value]
            return self._tuple(value, new)
        return value

    def _view(self, value: Any) -> Any:
        for entry in self.lifted:
            owner = entry.original
            if type(owner) is np.ndarray and type(entry.tracked) is Array and share(owner, value):
                return view_along(entry.tracked, owner, value)
        return None

    def _moved(self, value: Any) -> Any:
        """Give a constant of the cell on the device of the inputs: the two do not mix."""
        moved = arrays.to_device(value, self.device)
        if moved is not value:
            self._by_id[id(value)] = moved
            self._originals[id(moved)] = value
            self._elsewhere.append(moved)
        return moved

    def _tuple(self, value: tuple[Any, ...], new: list[Any]) -> tuple[Any, ...]:
        if all(a is b for a, b in zip(new, value, strict=True)):
            return value
        kind: Any = type(value)
        made: tuple[Any, ...] = kind(*new) if hasattr(value, "_fields") else kind(new)
        self._originals[id(made)] = value
        self._tuples.append(made)
        return made

    # -- putting back ----------------------------------------------------------------------------
    def original(self, tracked: Any) -> Any:
        """Give what the user's code would hold in place of an Array."""
        array = tracked.array
        if id(tracked) in self._originals:
            value = self._originals[id(tracked)]
            if type(value) is np.ndarray and type(array) is np.ndarray:
                if value.shape != array.shape and value.size == array.size:
                    value.shape = array.shape  # the cell has set it
                if value.flags.writeable != array.flags.writeable:
                    value.flags.writeable = array.flags.writeable
            return value
        if arrays.on_device(array):
            return _home(array)
        if arrays.is_array(array):
            base = memory.base_of(array)
            found = memory.memory_of(base)
            owner, whole = found.owner, found.whole(base)
            if owner is not None and owner.strides == whole.strides and owner.dtype == whole.dtype:
                return memory.same_view(
                    array, whole, owner
                )  # a view made in the cell looks into the user's array
        return array

    def put_back(self, *ours: Any) -> None:
        """Replace every Array that this run has made, and that is alive, by the plain value, whoever holds it.

        Arrays are found among the objects of the garbage collector, and their holders by who refers to them: names,
        dicts, lists, sets, attributes, closures, tuples. `ours` are holders of the run itself, left as they are.
        """
        if not self._originals and not self.buffers:
            return
        with uninterrupted(), _alone:
            self._put_back(ours)

    def _put_back(self, ours: tuple[Any, ...]) -> None:
        old = self._ours()
        new = {id(o): self.original(o) for o in old}
        for made in [*self._tuples, *self._elsewhere]:
            old.append(made)
            new[id(made)] = self._originals[id(made)]
        mine = (
            self,
            self.__dict__,
            self._originals,
            self._by_id,
            self._tuples,
            self._elsewhere,
            *self.lifted,
        )
        if self.device is not None:
            for value in self.namespace.values():  # computed from constants only
                if arrays.is_array(value) and arrays.on_device(value) and id(value) not in new:
                    old.append(value)
                    new[id(value)] = _home(value)
        replace_everywhere(old, new, self.namespace, *mine, *ours)
        self._untrack()
        for entry in self.lifted:
            if isinstance(entry.node, Leaf):
                entry.node.watcher = None
            if type(entry.tracked) is Array and arrays.is_array(entry.tracked.array):
                memory.memory_of(entry.tracked.array).owner = None

    def _ours(self) -> list[Any]:
        """Give the Arrays that come from what this run has lifted, and its buffers; others are other threads'."""
        tracked = [o for o in instances(Array, Buffer) if o.node is not None]
        reached = {entry.node.number for entry in self.lifted}
        for node in reversed(walk(*(o.node for o in tracked))):
            if any(source is not None and source.number in reached for source in node.inputs):
                reached.add(node.number)
        mine = {id(o): o for o in tracked if o.node.number in reached}
        return list((mine | dict(self.buffers)).values())

    def _untrack(self) -> None:
        """Tensors that carry a gradient only because they met a lifted array carry none without the magic."""
        ours = {entry.node.number for entry in self.lifted if type(entry.tracked) is Array}
        tensors = [
            t
            for t in instances(*_with_subclasses(Tensor))
            if t.node is not None and t.node.rule is not None and t.node.number > min(ours, default=0)
        ]
        only_ours = set(ours)
        for node in reversed(walk(*(t.node for t in tensors))):
            sources = [n.number for n in node.inputs if n is not None]
            if sources and only_ours.issuperset(sources):
                only_ours.add(node.number)
        for tensor in tensors:
            if tensor.node.number in only_ours:
                tensor.node = None


def _with_subclasses(kind: type) -> list[type]:
    return sum(map(_with_subclasses, kind.__subclasses__()), [kind])


def _home(array: Any) -> Any:
    """Give an array of a device as the host computes it: NumPy's reductions give scalars, a device's 0-d arrays."""
    host = arrays.to_host(array)
    return host if host.ndim else host[()]


def kind_of(value: Any) -> str:
    """Name the kind of a user's value, as the report shows it."""
    if isinstance(value, np.generic):
        return "numpy scalar"
    return "ndarray" if arrays.is_array(value) else type(value).__name__


def liftable(value: Any) -> bool:
    """Tell whether `value` is an array or number that a gradient can be taken by."""
    if type(value) in (float, int, complex):
        return True
    return (isinstance(value, np.generic) or arrays.known(type(value))) and value.dtype.kind in "fciu"


def is_float(value: Any) -> bool:
    """Tell whether it is of floating point or complex kind."""
    return type(value) in (float, complex) or getattr(getattr(value, "dtype", None), "kind", "-") in "fc"


def _stored(expression: ast.expr) -> ast.expr:
    expression.ctx = ast.Store()  # type: ignore[attr-defined]
    return expression


def _unknown(name: str, namespace: dict[str, Any], known: dict[str, int]) -> str:
    usable = [n for n, v in namespace.items() if liftable(v) or isinstance(v, (Tensor, dict, list, tuple))]
    candidates = [n for n in (*known, *usable) if not n.startswith("_")]
    near = difflib.get_close_matches(name, candidates, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f"name {name!r} on the %%grad line is not defined: "
        f"define it in an earlier cell, or assign it in this one.{hint}"
    )


def _not_liftable(name: str, value: Any) -> str:
    kind = type(value).__name__
    start = f"{name} on the %%grad line is a {kind}, and no gradient can be taken by "
    if isinstance(value, str):
        return f"{start}text: write the name of an array or a number."
    if (words := foreign(value)) is not None and not isinstance(value, (dict, types.ModuleType)):
        return f"{start}it: {words.instead.format(name=name)}, under a name of its own before the cell."
    if isinstance(value, (list, tuple)):
        return f"{start}a {kind} of numbers: write {name} = np.array({name}) before the cell."
    if isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b":
        return f"{start}truth values: write {name} = np.where({name}, 1.0, 0.0) for numbers."
    if isinstance(value, types.ModuleType):
        return f"{start}a module: write the names of arrays and numbers, separated by spaces."
    return f"{start}it: write the name of an array, a number, a tensor, or a dict or list of arrays."
