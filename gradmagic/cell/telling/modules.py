"""In which module each operation was made, by the path that the reader would write.

In: the calls of modules that the recorder saw, the reader's namespace. Out: a path for a node's number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from ...engine.tape.observers import Step
from ...engine.tape.tracked import is_a
from ...nn.modules import Module
from ..reading.names import is_shells
from .holders import modules_in

Call = tuple[Any, int, int]  # a module or one of its steps, and the numbers between which all is made in it


def path_of(calls: Iterable[Call], namespace: dict[str, Any]) -> Callable[[int], str]:
    """Give the function that tells the path of the innermost module that made a node: `"net.blocks.0.fc1"`.

    A module that no name leads to is called by its class.
    """
    # From each number on, what is the innermost: inner calls are over first, so outer ones are laid below.
    starts, told = [0], [""]
    for path, start, end, _ in named((call for call in calls if not isinstance(call[0], Step)), namespace):
        around = told[bisect_right(starts, start) - 1]
        at, after = bisect_right(starts, start), bisect_right(starts, end)
        starts[at:after], told[at:after] = [start, end], [path, around]
    return lambda number: told[bisect_right(starts, number) - 1]


def named(calls: Iterable[Call], namespace: dict[str, Any]) -> list[tuple[str, int, int, Step | None]]:
    """Give the calls with the paths of the modules, in the order in which they began; of steps also which they are."""
    paths: dict[int, str] = {}
    for name, value in list(namespace.items()):
        if not is_shells(name) and is_a(value, Module):
            for path, module in modules_in(value, name):
                paths.setdefault(id(module), path)
    found = []
    for part, start, end in sorted(calls, key=lambda call: (call[1], -call[2])):
        module, step = (part.module, part) if isinstance(part, Step) else (part, None)
        found.append((paths.get(id(module), type(module).__name__), start, end, step))
    return found
