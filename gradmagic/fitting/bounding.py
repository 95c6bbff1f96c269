"""Bounds as SciPy takes them, from bounds that are nested as the variables.

In: `(low, high)`, or a container of such pairs. Out: two vectors, of the lowest and of the highest values.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..engine.core.trees import is_container, leaves
from ..errors import MinimizeError
from ..language import tr
from .variables import Variables

Limits = tuple[np.ndarray, np.ndarray]


def bounded(variables: Variables, bounds: Any) -> Limits:
    """Bring bounds to the order of the vector.

    Raises
    ------
    MinimizeError
        If they are not nested as the variables, no pair, or the start lies outside of them.
    """
    if any(map(np.iscomplexobj, variables.start)):
        raise MinimizeError(tr("bounds= is for real variables: complex numbers have no order."))
    given = _Given(variables)
    given.walk(variables.tree, bounds)
    low, high = np.concatenate(given.low), np.concatenate(given.high)
    start, names = variables.flat(variables.start), variables.called()
    for outside, bound, side in ((start < low, low, tr("below")), (start > high, high, tr("above"))):
        if outside.any():
            i = int(np.argmax(outside))
            raise MinimizeError(tr(
                "{name} begins at {start:.6g}, {side} its bound {bound:.6g}: write a start within bounds=.",
                name=names[i], start=start[i], side=side, bound=bound[i],
            ))  # fmt: skip
    if (low > high).any():
        i = int(np.argmax(low > high))
        raise MinimizeError(tr(
            "the bounds of {name} leave nothing: {low:.6g} is above {high:.6g}.", name=names[i],
            low=low[i], high=high[i],
        ))  # fmt: skip
    return low, high


class _Given:
    """The bounds of the variables, one after the other."""

    def __init__(self, variables: Variables) -> None:
        self._next = iter(zip(variables.names, variables.start, strict=True))
        self._moved = iter(variables.moved)
        self.low: list[np.ndarray] = []
        self.high: list[np.ndarray] = []

    def walk(self, tree: Any, bounds: Any) -> None:
        if not is_container(tree):
            if next(self._moved):
                self._leaf(bounds)
            return
        pair = bounds is not None and _is_pair(bounds) and not _is_nested(bounds)
        for key, part in _items(tree):
            self.walk(part, bounds if pair else _found(bounds, key, tree))

    def _leaf(self, bounds: Any) -> None:
        name, array = next(self._next)
        low, high = self._pair(name, array, bounds)
        for held, value, rest in ((self.low, low, -np.inf), (self.high, high, np.inf)):
            try:
                filled = np.array(rest if value is None else value, np.float64)
                held.append(np.broadcast_to(filled, np.shape(array)).ravel())
            except (TypeError, ValueError):
                raise MinimizeError(tr(
                    "the bounds of {name} do not fit its shape {shape}: write (low, high), each a number, "
                    "None, or an array of that shape.", name=name, shape=np.shape(array),
                )) from None  # fmt: skip

    def _pair(self, name: str, array: Any, bounds: Any) -> tuple[Any, Any]:
        if bounds is None:
            return None, None
        if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
            return bounds.lb, bounds.ub
        if np.ndim(array) == 1 and _are_pairs(bounds, len(array)):
            columns = list(zip(*bounds, strict=True))
            return tuple(  # type: ignore[return-value]
                [rest if v is None else v for v in column]
                for column, rest in zip(columns, (-np.inf, np.inf), strict=True)
            )
        if not _is_pair(bounds):
            raise MinimizeError(tr(
                "the bounds of {name} are no pair: write (low, high), with None where there is none.",
                name=name,
            ))  # fmt: skip
        return bounds[0], bounds[1]


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list, np.ndarray)) and len(value) == 2


def _are_pairs(bounds: Any, count: int) -> bool:
    """Tell whether there is a pair for each entry of a vector, as SciPy takes them."""
    if isinstance(bounds, np.ndarray):
        return bounds.shape == (count, 2)
    rows = bounds if isinstance(bounds, (list, tuple)) else ()
    return len(rows) == count and all(isinstance(row, (list, tuple)) and len(row) == 2 for row in rows)


def _is_nested(bounds: Any) -> bool:
    return any(isinstance(value, (tuple, list)) or value is None for value in bounds) and not all(
        value is None or np.isscalar(value) for value in bounds
    )


def _items(tree: Any) -> list[tuple[Any, Any]]:
    if isinstance(tree, dict):
        return list(tree.items())
    if is_dataclass(tree):
        return [(f.name, getattr(tree, f.name)) for f in fields(tree)]
    return list(enumerate(tree))


def _found(bounds: Any, key: Any, tree: Any) -> Any:
    """Give the bounds of one part of a container."""
    if bounds is None:
        return None
    if isinstance(bounds, dict):
        unknown = set(bounds) - {k for k, _ in _items(tree)}
        if unknown:
            raise MinimizeError(tr(
                "bounds= has {name!r}, which x0 has not: write its names.", name=sorted(map(str, unknown))[0],
            ))  # fmt: skip
        return bounds.get(key)
    if is_dataclass(bounds) and isinstance(key, str):
        return getattr(bounds, key)
    if isinstance(bounds, (list, tuple)) and isinstance(key, int) and len(bounds) == len(tree):
        return bounds[key]
    raise MinimizeError(tr(
        "bounds= is not nested as x0, a {kind} of {count}: write one pair (low, high) for all, or one for "
        "each.", kind=type(tree).__name__, count=len(leaves(tree)),
    ))  # fmt: skip
