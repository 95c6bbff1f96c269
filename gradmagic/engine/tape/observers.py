"""Observers of the tape: who may see every node made and every cotangent ready, and several of them as one.

In: the tape's events. Out: the same events, for a report's recorder (watch/recorder.py) and for guards, which look for
what must not happen and stop it: NaN (anomaly.py), a tape that grows too large (memory_limit.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .nodes import Node


@dataclass(slots=True)
class Step:
    """One step of a module that takes several: `turn` of `turns` of its `run`, a layer in one direction, say.

    `states` are what it gives, by their nodes' running numbers: `"h"`, `"c"`.
    """

    module: Any
    run: str = ""
    turn: int = 1
    turns: int = 1
    states: dict[int, str] = field(default_factory=dict)

    def gave(self, **states: Any) -> None:
        """Take note of what the step gave."""
        for name, state in states.items():
            if getattr(state, "node", None) is not None:
                self.states[state.node.number] = name


class Observer:
    """What an observer is asked; each of these does nothing. Guards override what they look at."""

    def made(self, node: Node, array: Any, frame: Any) -> None:
        """A node was made, with its value; `frame` is the user's."""

    def began(self, root: Node) -> None:
        """A sweep begins."""

    def wants(self, node: Node) -> bool:
        """Tell whether `ready` is to be called for `node`."""
        return False

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        """The cotangent of `node` is complete; `flows` are its contributions to the inputs."""

    def ended(self, root: Node) -> None:
        """A sweep is over."""

    def pushed(self, node: Node, tangents: Sequence[Any], tangent: Any) -> None:
        """In forward mode the tangent of `node` was made from those of its inputs; only guards are told."""

    def cut(self, tracked: Any, how: str, frame: Any) -> None:
        """A tracked value was asked for as a plain one."""

    def detached(self, node: Node) -> None:
        """The value of `node` is given as a constant: `detach()`, `stop_gradient()`."""

    def entered(self, module: Any) -> None:
        """A module's forward begins, or a `Step` of it; `left` tells that it is over, also by an exception."""

    def left(self, module: Any) -> None:
        """The forward of the module that was entered last is over."""


class Chain(Observer):
    """A recorder (or None) and the guards behind it, as one observer.

    The recorder comes first: a report of what went wrong has the operation at which a guard raised.
    """

    def __init__(self, first: Any, guards: tuple[Observer, ...]) -> None:
        self._first = first if first is not None else Observer()
        self._guards = guards

    def made(self, node: Node, array: Any, frame: Any) -> None:
        self._first.made(node, array, frame)
        for guard in self._guards:
            guard.made(node, array, frame)

    def entered(self, module: Any) -> None:
        self._first.entered(module)

    def left(self, module: Any) -> None:
        self._first.left(module)

    def began(self, root: Node) -> None:
        self._first.began(root)
        for guard in self._guards:
            guard.began(root)

    def wants(self, node: Node) -> bool:
        if self._first.wants(node):
            return True
        for guard in self._guards:  # noqa: SIM110  (any(...) would make a generator: 0.4 us a node)
            if guard.wants(node):
                return True
        return False

    def ready(self, node: Node, cotangent: Any, flows: tuple[Any, ...]) -> None:
        if node.rule is None or self._first.wants(node):
            self._first.ready(node, cotangent, flows)
        for guard in self._guards:
            if guard.wants(node):
                guard.ready(node, cotangent, flows)

    def ended(self, root: Node) -> None:
        self._first.ended(root)
        for guard in self._guards:
            guard.ended(root)

    def cut(self, tracked: Any, how: str, frame: Any) -> None:
        self._first.cut(tracked, how, frame)

    def detached(self, node: Node) -> None:
        self._first.detached(node)
