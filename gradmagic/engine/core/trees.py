"""Nested containers of arrays: lists, tuples, named tuples, dicts, dataclasses. Anything else is one leaf.

In: a container. Out: its leaves in order; the same container with others in their place. A library such as optree does
this for more kinds, in C++; for parameters of functions these few lines do, and the core needs no further dependency.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any


def is_container(tree: Any) -> bool:
    """Tell whether `tree` is looked into."""
    kind: Any = type(tree)  # isinstance() would believe a lifted value, which says that it is an ndarray
    return _is_container(kind)


@cache
def _is_container(kind: Hashable) -> bool:
    return isinstance(kind, type) and (issubclass(kind, (list, tuple, dict)) or is_dataclass(kind))


def leaves(tree: Any) -> list[Any]:
    """List the leaves, a dict's in the order of its keys as it stands.

    Examples
    --------
    >>> leaves({"W": [1.0, 2.0], "b": 3.0})
    [1.0, 2.0, 3.0]
    """
    return list(_leaves(tree)) if is_container(tree) else [tree]


def _leaves(tree: Any) -> Iterator[Any]:
    if not is_container(tree):
        yield tree
        return
    for part in _parts(tree):
        yield from _leaves(part)


def _parts(tree: Any) -> Iterable[Any]:
    if issubclass(type(tree), dict):
        return tree.values()  # type: ignore[no-any-return]
    if issubclass(type(tree), (list, tuple)):
        return tree  # type: ignore[no-any-return]
    return [getattr(tree, f.name) for f in fields(tree)]


def containers(tree: Any) -> Iterator[Any]:
    """Give the containers in a nested one that can be written, itself among them.

    Examples
    --------
    >>> list(containers(([1.0, {}], 2.0)))
    [[1.0, {}], {}]
    """
    if is_container(tree):
        if not issubclass(type(tree), tuple):
            yield tree
        for part in _parts(tree):
            yield from containers(part)


def places(tree: Any, name: str) -> list[str]:
    """Write each leaf as the reader would, in the order of `leaves(tree)`; the container itself is `name`.

    Examples
    --------
    >>> places({"W": [1.0, 2.0], "b": 3.0}, "p")
    ["p['W'][0]", "p['W'][1]", "p['b']"]
    """
    if not is_container(tree):
        return [name]
    if issubclass(type(tree), dict):
        written = [f"{name}[{key!r}]" for key in tree]
    elif issubclass(type(tree), (list, tuple)):
        fields_ = getattr(tree, "_fields", None)
        written = (
            [f"{name}.{field}" for field in fields_]
            if fields_
            else [f"{name}[{i}]" for i in range(len(tree))]
        )
    else:
        written = [f"{name}.{f.name}" for f in fields(tree)]
    return [place for part, text in zip(_parts(tree), written, strict=True) for place in places(part, text)]


def rebuilt(tree: Any, values: Iterable[Any]) -> Any:
    """Give the same containers with `values`, in the order of `leaves(tree)`, in place of the leaves.

    Examples
    --------
    >>> rebuilt({"W": [1.0, 2.0], "b": 3.0}, "xyz")
    {'W': ['x', 'y'], 'b': 'z'}
    """
    return _rebuilt(tree, iter(values)) if is_container(tree) else next(iter(values))


def _rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    kind = type(tree)
    if not is_container(tree):
        return next(values)
    parts = [_rebuilt(part, values) for part in _parts(tree)]
    if issubclass(kind, dict):
        made = copy.copy(tree)  # keeps a defaultdict's factory, an OrderedDict's order
        made.update(zip(tree, parts, strict=True))
        return made
    if issubclass(kind, tuple):
        return kind(*parts) if hasattr(kind, "_fields") else tuple(parts)
    if issubclass(kind, list):
        return parts
    made = copy.copy(tree)
    for f, part in zip(fields(tree), parts, strict=True):
        object.__setattr__(made, f.name, part)  # frozen dataclasses too
    return made


def same_structure(a: Any, b: Any) -> bool:
    """Tell whether two containers are nested alike."""
    if not is_container(a) or not is_container(b):
        return not is_container(a) and not is_container(b)
    if issubclass(type(a), dict) != issubclass(type(b), dict):
        return False
    if issubclass(type(a), dict) and list(a) != list(b):
        return False
    mine, other = list(_parts(a)), list(_parts(b))
    return len(mine) == len(other) and all(map(same_structure, mine, other))
