"""Random numbers in a program: it draws anew at every call, from the stream that the function draws from, in its order.

In: what a function reaches, before its first call. Out: `Streams`, which go back to where they were for each recording
and each trial of the program, so that all of them draw what the function drew. Only gradmagic's own draws are seen
(faces/torch/draws.py); what draws from NumPy's or Python's generators is refused.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

from ...language import tr
from ..core import generator
from ..core.generator import Stream
from .recorded import Refused, is_recorded
from .surroundings import Surroundings


class Draw:
    """One draw, which a program calls: `make()` gives an array. Two are equal if they draw the same way."""

    __name__ = "draw"

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.settings = settings_of(make)

    def __call__(self) -> Any:
        return self.make()

    def __eq__(self, other: object) -> bool:
        return type(other) is Draw and self.settings == other.settings

    __hash__ = object.__hash__


def settings_of(function: FunctionType | Any) -> tuple[Any, ...]:
    """Give code and settings of a function that draws, and of those which it holds."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    values = [settings_of(v) if isinstance(v, FunctionType) else v for v in cells]
    return function.__code__, *(v.tobytes() if type(v) is np.ndarray else v for v in values)


def hangs_on_values(settings: Any) -> bool:
    """Tell whether a setting of a draw is a value of the recording."""
    return is_recorded(settings) or (type(settings) is tuple and any(map(hangs_on_values, settings)))


class Streams:
    """The streams that a function may draw from: gradmagic's, and those of others.

    Attributes
    ----------
    drew : bool
        Whether the function drew from gradmagic's.
    """

    def __init__(self, around: Surroundings) -> None:
        self._began = not generator.started()
        self._own = [s for s in around.generators if type(s) is Stream]
        if not self._began:
            self._own.append(generator.stream())
        self._foreign: list[Callable[[], Any]] = [random.getstate, _of_numpy]
        self._foreign += [_stated(source) for source in around.generators if type(source) is not Stream]
        self._before, self._others = self._states(), [state() for state in self._foreign]
        self.drew = False

    def ended(self) -> str:
        """Look at what the function's own call has drawn; say why there is no program, or ""."""
        if any(state() != before for state, before in zip(self._foreign, self._others, strict=True)):
            return tr(
                "it draws random numbers of NumPy's or Python's: draw them by gm.rand or gm.randn, or outside"
            )
        self._after = self._states()
        self.drew = self._after != self._before
        return ""

    @property
    def new(self) -> bool:
        """Whether the common stream began in the function's call: nobody knows where it was before."""
        return self._began and generator.started()

    @contextmanager
    def again(self) -> Iterator[None]:
        """Let the block draw what the function drew.

        Raises
        ------
        Refused
            If it drew something else.
        """
        if not self.drew:
            yield
            return
        now = self._states()
        self._go_to(self._before)
        try:
            yield
            if self._states() != self._after:
                raise Refused(tr("it draws random numbers in a way that is not recorded"))
        finally:
            self._go_to(now)

    def _states(self) -> list[bytes]:
        return [stream.state().tobytes() for stream in self._own]

    def _go_to(self, states: list[bytes]) -> None:
        for stream, state in zip(self._own, states, strict=True):
            stream.go_to(np.frombuffer(state, np.uint8))


def _of_numpy() -> Any:
    """Give the state of `np.random` to be compared: pickling that of its usual generator takes four times as long."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002  (it is looked at, not drawn from)
    inner = state["state"]
    if set(inner) != {"key", "pos"}:  # np.random.set_bit_generator was called
        return pickle.dumps(state)
    return inner["key"].tobytes(), inner["pos"], state["has_gauss"], state["gauss"]


def _stated(source: Any) -> Callable[[], Any]:
    """Give what tells the state of a generator of whatever library, to be compared."""
    if isinstance(source, random.Random):
        return source.getstate
    if isinstance(source, np.random.Generator):
        return lambda: pickle.dumps(source.bit_generator.state)
    if isinstance(source, np.random.RandomState):
        return lambda: pickle.dumps(source.get_state())
    return lambda: pickle.dumps(source.state)  # what generators are made of
