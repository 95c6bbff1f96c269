"""Functions of SciPy that take an order, or have no derivative at all: `ordered`, `refused`; and whose they are.

In: a ufunc and partials as for `elementwise`, with None for an argument that has no derivative (the order of a Bessel
function). Out: its rule. A tracked value in such a place is an error on a Tensor and a note on a lifted Array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dispatch import COMPOSED, unknown
from ..errors import ArgumentError
from ..messages import blame
from ..tape import OFF, state
from ..tracked import Tracked
from .declare import RULES, ZERO, Elementwise

REFUSED: dict[Any, str] = {}  # function -> why it has no derivative


class Ordered(Elementwise):
    """Elementwise, with arguments that have no derivative; `home` is the module that a message names."""

    def __init__(self, function: Any, partials: tuple[Any, ...], torch: str, home: str) -> None:
        super().__init__(function, tuple(ZERO if p is None else p for p in partials), torch)
        self.fixed = tuple(i for i, p in enumerate(partials) if p is None)
        self.home = home

    def _twin(self) -> Elementwise:
        return self  # an order in double precision makes a partial double: it needs the sweep's cast

    def detached(self, args: Sequence[Any]) -> list[Any]:
        """Give the arguments with those that have no derivative as plain values; complain of tracked floats there."""
        given = list(args)
        for i in self.fixed:
            a = args[i]
            if not isinstance(a, Tracked):
                continue
            if a.node is not None and a.node.aval.tangent is a.node.aval.dtype and state.mode is not OFF:
                if not a.soft:
                    raise ArgumentError(
                        f"{self.home}.{self.name} has no derivative by its argument number {i + 1}, {blame(a)}: "
                        "pass a constant there (t.detach().numpy())."
                    )
                a.leave(f"{self.home}.{self.name}")
            given[i] = a.array
        return given


def ordered(function: Any, *partials: Any, torch: str = "", home: str = "scipy.special") -> Any:
    """Declare a function that works entry by entry; None stands for an argument without a derivative.

    Also, without None, for partials that may come out in double precision where the arguments are in single.
    """
    RULES[function] = Ordered(function, partials, torch, home)
    return function


def refused(why: str, *functions: Any, home: str = "scipy.special") -> None:
    """Declare functions whose derivative nobody has in closed form: a message names them and says why."""
    for function in functions:
        REFUSED[function] = why
        COMPOSED[function] = _refusing(function, why, home)


def _refusing(function: Any, why: str, home: str) -> Any:
    name = f"{home}.{function.__name__}"

    def refuse(*args: Any, **kwargs: Any) -> Any:
        error = ArgumentError(
            f"{name} has no derivative in gradmagic: {why}. Compute it outside the gradient "
            f"({name}(t.detach().numpy())), or write gm.numeric(f), which takes differences."
        )
        return unknown(name, args, kwargs, function, error)

    return refuse
