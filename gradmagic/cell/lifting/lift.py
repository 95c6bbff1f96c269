"""The inputs of a run: what names on the magic's line stand for, and what of it a gradient can be taken by.

In: the user's namespace and names. Out: inputs by name, each lifted by who runs the source: under a membrane the user's
own objects (membrane/lifter.py), in a block wrappers of them (wrappers.py).
"""

from __future__ import annotations

import ast
import difflib
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.foreign import foreign
from ...engine.core.interpreter import parse
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.tracked import Tracked, is_a
from ...errors import NameOnLineError, NotLiftableError
from ...language import mark, tr
from ..options import OPTIONS
from ..reading.names import base_of


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
    """Reads names and lifts what they hold."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.lifted: list[Lifted] = []
        self.shared: list[str] = []  # inputs that are parts of other inputs
        self.numbers: list[str] = []  # float numbers beside lifted arrays, in a container
        self.on_lift: Callable[[Any], None] = lambda tracked: None

    # -- lifting ---------------------------------------------------------------------------------
    def value(self, name: str, value: Any) -> Any:
        """Give what stands for `value` while the source runs, and remember it as the input `name`."""
        raise NotImplementedError

    def tensor(self, name: str, value: Tensor) -> Tensor:
        """Remember a tensor as the input `name`."""
        if value.node is not None:
            self.lifted.append(Lifted(name, value, value, "Tensor", value.node))
            self.on_lift(value)
        return value

    def put_back(self, used: Iterable[str] = (), shown: list[Any] | None = None) -> None:
        """Give every name what it would have without us.

        `used` are the names that the source reads or assigns; `shown` is a list of what it shows.
        """

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
            raise NameOnLineError(tr(
                "{name!r} on the %%grad line is not a name: write names such as x, W or params['W'].", name=name
            )) from None  # fmt: skip
        base = next((n.id for n in ast.walk(expression) if isinstance(n, ast.Name)), None)
        if base is None:
            raise NameOnLineError(tr(
                "{name!r} on the %%grad line is not a name: write the name of a variable.", name=name
            ))  # fmt: skip
        if not isinstance(expression, (ast.Name, ast.Attribute, ast.Subscript)):
            raise NameOnLineError(tr(
                "{name!r} on the %%grad line is an expression: give it a name before the cell, u = ..., and write u.",
                name=name,
            ))  # fmt: skip
        if isinstance(expression, ast.Name):
            if name not in self.namespace:
                if name in known:
                    return False
                raise NameOnLineError(_unknown(name, self.namespace, known))
            self.named(name, self.namespace[name])
            return True
        if base not in self.namespace and base in known:
            raise NameOnLineError(tr(
                "{name} on the %%grad line is a part of what the cell assigns to {base}: write {base} on the line, or "
                "define it in an earlier cell.", name=name, base=base,
            ))  # fmt: skip
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
        try:
            owner, value = (
                eval(compile(ast.Expression(node), "%%grad", "eval"), scope)
                for node in (expression.value, expression)  # type: ignore[attr-defined]
            )
        except Exception as error:
            raise NameOnLineError(tr(
                "{name} on the %%grad line cannot be read ({kind}: {error}): write the name of a variable, or of what "
                "{base} holds.", name=name, kind=type(error).__name__, error=error, base=base_of(name),
            )) from None  # fmt: skip
        if arrays.is_array(owner) or is_a(owner, Tracked):
            array = ast.unparse(expression.value)  # type: ignore[attr-defined]
            raise NotLiftableError(tr(
                "{name} on the %%grad line is a part of the array {array}: write {array} on the line; the gradient by "
                "{name} is the same part of its gradient.", name=name, array=array,
            ))  # fmt: skip
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
        if is_a(value, Tensor):
            if value.node is None:
                raise NotLiftableError(tr(
                    "{name} on the %%grad line is a Tensor that does not require grad: write {name}.requires_grad_() "
                    "before the cell, or make it with requires_grad=True.", name=name,
                ))  # fmt: skip
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
        elif is_a(value, dict):
            for text, key in zip(entry_names(name, value), list(value), strict=True):
                value[key] = self._entry(text, value[key])
        elif type(value) is list:
            value[:] = [self._entry(f"{name}[{i}]", entry) for i, entry in enumerate(value)]
        elif is_a(value, tuple):
            new = [self._entry(f"{name}[{i}]", entry) for i, entry in enumerate(value)]
            return self._tuple(value, new)
        return value

    def _entry(self, name: str, value: Any) -> Any:
        if is_a(value, Tensor) or (arrays.is_array(value) and liftable(value)):
            return self.value(name, value)
        if is_a(value, (dict, list, tuple)):
            return self._container(name, value)
        if liftable(value) and is_float(value):
            self.numbers.append(name)
        return value

    def _tuple(self, value: tuple[Any, ...], new: list[Any]) -> tuple[Any, ...]:
        """Give a tuple with other entries; nothing else in its place where they are the same."""
        if all(a is b for a, b in zip(new, value, strict=True)):
            return value
        kind: Any = type(value)
        made: tuple[Any, ...] = kind(*new) if hasattr(value, "_fields") else kind(new)
        self.instead(value, made)
        return made

    def instead(self, value: tuple[Any, ...], made: tuple[Any, ...]) -> None:
        """Note that a new tuple stands for one of the user's."""


def entry_names(name: str, held: dict[Any, Any]) -> list[str]:
    """Write the entries of a dict as the reader would; by the key's class and place where it has no text of its own.

    Examples
    --------
    >>> entry_names("p", {"W": 1, 2: 3, object(): 4})
    ["p['W']", 'p[2]', 'p[<object 3>]']
    """
    return [f"{name}[{_key(key, i)}]" for i, key in enumerate(held, 1)]


def _key(key: Any, i: int) -> str:
    if type(key).__repr__ is not object.__repr__:  # that is an address, which is another each time
        try:
            return repr(key)
        except Exception:  # the user's own, whatever it does
            pass
    return f"<{type(key).__name__} {i}>"


def kind_of(value: Any) -> str:
    """Name the kind of a user's value, as the report shows it."""
    if issubclass(type(value), np.generic):
        return "numpy scalar"
    return "ndarray" if arrays.is_array(value) else type(value).__name__


def liftable(value: Any) -> bool:
    """Tell whether `value` is an array or number that a gradient can be taken by."""
    if type(value) in (float, int, complex):
        return True
    return (issubclass(type(value), np.generic) or arrays.known(type(value))) and value.dtype.kind in "fciu"


def is_float(value: Any) -> bool:
    """Tell whether it is of floating point or complex kind."""
    return type(value) in (float, complex) or getattr(getattr(value, "dtype", None), "kind", "-") in "fc"


def _stored(expression: ast.expr) -> ast.expr:
    expression.ctx = ast.Store()  # type: ignore[attr-defined]
    return expression


def _unknown(name: str, namespace: dict[str, Any], known: dict[str, int]) -> str:
    usable = [n for n, v in namespace.items() if liftable(v) or isinstance(v, (Tensor, dict, list, tuple))]
    candidates = [n for n in (*known, *usable) if not n.startswith("_")]
    near = [flag for flag in OPTIONS if flag == f"--{name}"] or difflib.get_close_matches(name, candidates, 1)
    text = tr(
        "name {name!r} on the %%grad line is not defined: define it in an earlier cell, or assign it in this one.",
        name=name,
    )  # fmt: skip
    return text + (tr(" Did you mean {name}?", name=near[0]) if near else "")


def _not_liftable(name: str, value: Any) -> str:
    kind = type(value).__name__
    words = foreign(value)
    if hasattr(value, "named_parameters"):
        return tr(
            "{name} on the %%grad line is a {kind} without parameters: write the name of what goes into it.",
            name=name, kind=kind,
        )  # fmt: skip
    text = is_a(value, (str, bytes, bytearray))
    what = tr("a {kind}", kind=kind) if text or words is None else words
    if text:
        sentence = _TEXT
    elif words is not None and not is_a(value, (dict, types.ModuleType)):
        sentence = _WRITTEN if words.rewritten else _FOREIGN
    elif is_a(value, (list, tuple)):
        sentence = _SEQUENCE
    elif is_a(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b":
        sentence = _TRUTH
    else:
        sentence = _MODULE if is_a(value, types.ModuleType) else _OTHER
    instead = "" if words is None else words.of(name).instead
    return tr(sentence, name=name, what=what, kind=kind, instead=instead)


_TEXT = mark(
    "{name} on the %%grad line is {what}, and no gradient can be taken by text: write the name of an array or a number."
)
_FOREIGN = mark("{name} on the %%grad line is {what}, and no gradient can be taken by it: {instead}.")
_WRITTEN = mark(
    "{name} on the %%grad line is {what}, and no gradient can be taken by it: {instead}, under a name of its own "
    "before the cell."
)
_SEQUENCE = mark(
    "{name} on the %%grad line is {what}, and no gradient can be taken by a {kind} of numbers: write {name} = "
    "np.array({name}) before the cell."
)
_TRUTH = mark(
    "{name} on the %%grad line is {what}, and no gradient can be taken by truth values: write {name} = "
    "np.where({name}, 1.0, 0.0) for numbers."
)
_MODULE = mark(
    "{name} on the %%grad line is {what}, and no gradient can be taken by a module: write the names of arrays and "
    "numbers, separated by spaces."
)
_OTHER = mark(
    "{name} on the %%grad line is {what}, and no gradient can be taken by it: write the name of an array, a number, a "
    "tensor, or a dict or list of arrays."
)
