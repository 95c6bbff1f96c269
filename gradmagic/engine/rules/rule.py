"""What every kind of derivative has: `Rule`; partials that need no computing; what parameter names say is kept.

In: a function and its derivative. Out: a `Rule`, whose subclasses stand in pointwise.py and kinds.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..core import arrays
from ..tape.nodes import Node
from ..tape.tracked import Tracked
from .formulas import name_of, parameters_of, torch_name


class Partial:
    """A derivative that needs no computing; the backward sweep looks for these by identity."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


SAME = Partial("1")
MINUS = Partial("-1")
ZERO = Partial("0")


class Rule:
    """The derivative of one function. Subclasses say how it is declared."""

    kind: ClassVar[str] = ""
    fast = False  # the sweep itself multiplies: g * partial
    frees = True  # what it keeps are arrays, given back after a sweep
    sequence = False  # the first argument is a sequence of arrays
    outputs: int | str = 1  # a number of outputs, or "list"
    into: Callable[[Any, Any, Any], Any] | None = (
        None  # (buffer, g, saved): adds the cotangent in place (getitem)
    )
    edits = (
        False  # its first input's cotangent is the output's, edited in place where the sweep may (set_item)
    )
    everything = False  # keep all arguments, see General
    view = False  # the output may share the first argument's memory
    partials: tuple[Any, ...] = ()
    settings: frozenset[str] | None = (
        frozenset()
    )  # the keyword arguments that the derivative knows; None: any
    moves: tuple[Any, ...] = ()  # the partials as the sweep takes them, see _move

    def __init__(self, function: Any, torch: str) -> None:
        self.function = function
        self.name = name_of(function)
        self.torch = torch_name(self.name, torch)

    def __repr__(self) -> str:
        return f"<{self.kind} rule of {self.name}>"

    def keep(
        self, out: Any, args: Sequence[Any], kwargs: dict[str, Any], inputs: Sequence[Node | None]
    ) -> Any:
        """Give what the node saves."""
        raise NotImplementedError

    def pull(self, node: Node, g: Any, saved: Any) -> Sequence[Any]:
        """Give the cotangents of the inputs from the cotangent `g` of the output (vjp)."""
        raise NotImplementedError

    def push(self, node: Node, tangents: Sequence[Any], saved: Any) -> Any:
        """Give the tangent of the output from the tangents of the inputs (jvp); None stands for zero.

        NotImplemented: forward mode takes the transpose of `pull`, which is linear in the cotangent (forward.py).
        """
        return NotImplemented

    def wrapped(self, node: Node) -> Any:
        """Give `node.saved` with its arrays joined to their nodes again, to differentiate the sweep itself."""
        raise NotImplementedError

    def replay(self, node: Node, values: Sequence[Any]) -> Any:
        """Compute the function again with `values` in place of the inputs that are tracked."""
        raise NotImplementedError

    def refuses(self, options: Iterable[str]) -> str:
        """Name the first of these keyword arguments that the derivative does not know; "" if it knows all."""
        if self.settings is None:
            return ""
        return next((option for option in options if option not in self.settings), "")

    def formula(self, argument: int) -> tuple[str, tuple[str, ...]]:
        """Give the source text of the derivative by one argument, and the names that it uses for out and arguments.

        Examples
        --------
        >>> import numpy as np
        >>> from gradmagic.engine.rules.declare import RULES
        >>> RULES[np.multiply].formula(0)
        ('y', ('z', 'x', 'y'))
        """
        return "", ()

    def conformed(self, c: Any) -> Any:
        return c


def kept_of(function: Any, length: int, skip: int = 0) -> list[bool]:
    """Tell for (out, *args) which of them `function` wants kept, by the names of its parameters."""
    if isinstance(function, Partial) or function is None:
        return [False] * length
    names = parameters_of(function)[skip:]
    rest = bool(function.__code__.co_flags & 0x04)  # *args keeps all that follows
    return [
        (i >= len(names) and rest) or (i < len(names) and not names[i].startswith("_")) for i in range(length)
    ]


def joined(value: Any, node: Node | None) -> Any:
    """Join an array that was saved to the node that made it; anything else stays."""
    if (
        node is None
        or value is None
        or not (arrays.is_array(value) or isinstance(value, (np.generic, float, complex)))
    ):
        return value
    return Tracked.joined(value, node)
