"""A block in which the user's code is followed: around a cell, or around a function that a transform runs.

In: what is to be traced. Out: in this context, within the block, what the table has is followed; afterwards all is as
it was.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from . import cupy_functions, iterators, new_arrays, python_math, shuffles  # noqa: F401  (they fill the table)
from .dot_calls import hook
from .followers import STANDING, follow_late, later, plain
from .held_functions import Reached
from .numpy_warnings import show_for_the_user
from .patches import CODE, Replacement, hold
from .switch import allowed, block, enter


class following:
    """Follow the user's code within the block. Blocks may nest, in one context and across threads.

    Parameters
    ----------
    *what
        What is traced: functions, with their arguments, frames, or pairs of code and its global names.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.grad(lambda x: np.sum(np.array([x[0], x[1] * 3]) ** 2))(np.array([1.0, 2.0]))
    array([ 2., 36.])
    """

    __slots__ = ("_before", "_held", "_reached", "_stored", "_what", "open")

    def __init__(self, *what: Any) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._before = block()
        self.open = allowed()
        if not self.open:
            return
        self._held: list[Replacement] = []
        self._stored: dict[int, tuple[dict[str, Any], set[str]]] = {}
        try:
            self._put_on()
        except BaseException:
            self.__exit__()
            raise
        enter(self)

    def _put_on(self) -> None:
        show_for_the_user()
        if later:
            follow_late()
        self._reached = reached = Reached(self._what)
        for names, stored in reached.stored:
            self._note(names, stored)
        if later and reached.modules:
            self._import(later & reached.modules)
        for standing in STANDING:
            self._held.append(standing.put_on())
        for patch, owner, name, ours in reached.places():
            if patch is CODE:
                hook.once()
            self._held.append(hold(patch, owner, name, ours))

    def __exit__(self, *_: object) -> None:
        enter(self._before)
        if not self.open:
            return
        self.open = False
        for held in self._held:
            held.take_off()
        for names, stored in self._stored.values():
            for name in {name.removesuffix("()") for name in stored} & names.keys():
                names[name] = plain(names[name])

    def puts_back(self, frame: Any, stored: frozenset[str]) -> bool:
        """Note that names of a frame's module hold what follows a function for a while; False if that would show."""
        names = frame.f_globals
        if any(self._reached.shows(names, name) for name in stored):
            return False
        if (
            not frame.f_code.co_flags & _OPTIMIZED and frame.f_locals is not names
        ):  # exec with names of its own
            return False
        self._note(names, stored)
        return True

    def _import(self, modules: set[str]) -> None:
        """Import what the traced code would import, since only then it is followed at once."""
        for module in modules:
            if find_spec(module) is not None:
                import_module(module)
        follow_late()

    def _note(self, names: dict[str, Any], stored: frozenset[str]) -> None:
        self._stored.setdefault(id(names), (names, set()))[1].update(stored)


_OPTIMIZED = 1  # inspect.CO_OPTIMIZED: the code of a function
