"""Who holds a value: the names, containers and modules of the user's in which a tracked value is found.

In: a namespace, nodes. Out: names by node number, tracked values by name; the tracked value of one node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.nodes import Node
from ...engine.tape.tracked import Tracked, is_a
from ...nn.modules import Module
from ..lifting.lift import entry_names
from ..reading.names import is_shells

_MOST = 1000  # entries of a container that are looked at


def tracked_in(namespace: dict[str, Any]) -> Iterator[tuple[str, Tracked]]:
    """Give what is tracked in a namespace, its containers and its modules, by the name that the reader would write."""
    for name, value in list(namespace.items()):
        inner: Iterable[tuple[str, Any]] = ()
        if is_shells(name):
            continue
        if is_a(value, Tracked):
            inner = [(name, value)]
        elif is_a(value, Module):
            inner = parameters_in(value, name)
        elif type(value) is dict and len(value) <= _MOST and any(is_a(v, Tracked) for v in value.values()):
            inner = zip(entry_names(name, value), value.values(), strict=True)
        elif type(value) in (list, tuple) and len(value) <= _MOST:
            inner = ((f"{name}[{i}]", entry) for i, entry in enumerate(value))
        for text, entry in inner:
            if is_a(entry, Tracked):
                yield text, entry


def modules_in(module: Module, name: str) -> Iterator[tuple[str, Module]]:
    """Give a module and all within, each once, by the names that the reader would write.

    As `named_modules` does, without calling what is the reader's: a class may have its own, and may not be ready.
    """
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [(name, module)]
    while stack:
        path, found = stack.pop()
        if is_a(found, Module) and id(found) not in seen:
            seen.add(id(found))
            yield path, found
            inner = [(f"{path}.{part}", held) for part, held in _held(found, "_modules")]
            stack += reversed(inner)


def parameters_in(module: Module, name: str) -> Iterator[tuple[str, Tensor]]:
    """Give the parameters of a module and of all within, as `modules_in` does."""
    for path, found in modules_in(module, name):
        for part, held in _held(found, "_parameters"):
            if is_a(held, Tensor):
                yield f"{path}.{part}", held


def _held(thing: object, name: str) -> Iterable[tuple[str, Any]]:
    return list(attributes_of(thing).get(name, {}).items())


def attributes_of(thing: object) -> dict[str, Any]:
    """Give what an object holds by name, without asking it."""
    return object.__getattribute__(thing, "__dict__")  # type: ignore[no-any-return]


def names_in(
    namespace: dict[str, Any], nodes: Iterable[Node], heard: dict[int, list[str]]
) -> dict[int, list[str]]:
    """Give names by node number: those heard at assignments, then those that the namespace has for it now."""
    numbers = {node.number for node in nodes}
    found = {number: list(names) for number, names in heard.items() if number in numbers}
    for name, value in tracked_in(namespace):
        if value.node is not None and value.node.number in numbers:
            held = found.setdefault(value.node.number, [])
            # l[0] only where there is no plainer name
            if name not in held and (name.isidentifier() or not held):
                held.append(name)
    return found


def leaves_in(namespace: dict[str, Any]) -> dict[str, Tracked]:
    """Give the user's own leaves, the tensors that require grad, by the plainest of their names."""
    found: dict[int, tuple[str, Tracked]] = {}
    for name, value in tracked_in(namespace):
        if is_a(value, Tensor) and value.requires_grad and value.is_leaf:
            known = found.get(id(value))
            if known is None or (name.isidentifier() and not known[0].isidentifier()):
                found[id(value)] = name, value
    return dict(found.values())


def holder(namespace: dict[str, Any], node: Node) -> Any:
    """Find the tracked value of a node among the user's: by name, in a container, in a module; None if it is gone."""
    return next((value for value in _tracked(namespace.values(), 2) if value.node is node), None)


def holders(namespace: dict[str, Any], nodes: Iterable[Node]) -> dict[int, Tracked]:
    """Find the tracked values of many nodes as `holder` does, by the nodes' numbers, in one walk."""
    wanted = {node.number for node in nodes}
    found: dict[int, Tracked] = {}
    for value in _tracked(namespace.values(), 2) if wanted else ():
        if value.node is not None and value.node.number in wanted:
            found.setdefault(value.node.number, value)
    return found


def _tracked(values: Iterable[Any], depth: int) -> Iterator[Tracked]:
    for value in list(values):
        inner: Iterable[Any] = ()
        if is_a(value, Tracked):
            yield value
        elif depth and is_a(value, Module):
            inner = (p for _, p in parameters_in(value, ""))
        elif depth and type(value) in (list, tuple, dict) and len(value) <= _MOST:
            inner = value.values() if type(value) is dict else value
        if depth:
            yield from _tracked(inner, depth - 1)
