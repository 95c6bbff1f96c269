"""The chain rule as a sum over paths: from the result down to an input, edge by edge.

In: a `View`. Out: paths, and the same written with the edges' numbers, their values and their formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...engine.core.values import Value
from ..model import Edge, Operation
from ..shown.numbers import factor, number
from ..shown.simplified import bracketed
from ..shown.view import View
from ..shown.words import summed

MOST = 20  # paths that are written out
LONGEST = 12  # edges of a path that is written out

Path = tuple[tuple[Operation, Edge], ...]


@dataclass(frozen=True)
class Sum:
    """A gradient written as a sum over paths.

    `edges` has the numbers of the edges, `(4)(2) + (5)(3)`; `values` what they multiply to, `2*1 + 3*1`, where all are
    numbers; `formulas` the same with the reader's formulas, `1 * 1 * 2 * (2*x)`, where every edge has one.
    """

    paths: tuple[Path, ...]
    edges: str
    values: str
    formulas: str


def paths_to(view: View, key: int) -> tuple[Path, ...] | None:
    """List the paths from the result to `key`, or None when there are more than 20 or one is longer than 12 edges."""
    result = view.trace.result
    if result is None:
        return None
    found: list[Path] = []

    def climb(at: int, path: Path) -> bool:
        if at == result.key:
            found.append(path)
            return len(found) <= MOST
        if len(path) >= LONGEST:
            return False
        uses = view.users.get(at, [])
        # A way back in a folded loop has no end.
        return all(user.key > at and climb(user.key, ((user, edge), *path)) for user, edge in uses)

    return tuple(found) if climb(key, ()) else None


def sum_over_paths(view: View, key: int) -> Sum | None:
    """Write the gradient with respect to the input `key` as a sum over paths, where that can be read."""
    paths = paths_to(view, key)
    if not paths or not all(paths) or any(user.count > 1 for path in paths for user, _ in path):
        return None
    edges = " + ".join(
        "".join(f"({view.numbers[user.key, e.argument]})" for user, e in path) for path in paths
    )
    values = formulas = ""
    if any(of_complex(view, user, edge) for path in paths for user, edge in path):
        return Sum(paths, edges, "", "")  # its factors are conjugated, and of some only the real part goes on
    if all(edge.local is not None and not edge.local.shape for path in paths for _, edge in path):
        products = ("*".join(factor(e.local.items) for _, e in path if e.local is not None) for path in paths)
        values = " + ".join(products)
    if len(paths) <= 4 and all(edge.formula or sums_up(user) for path in paths for user, edge in path):
        formulas = " + ".join(" * ".join(bracketed(e.formula or "1") for _, e in path) for path in paths)
        if any(broadcasts(view, user, edge) for path in paths for user, edge in path):
            formulas = summed(formulas) if len(paths) == 1 else ""
    return Sum(paths, edges, values, formulas)


def sums_up(operation: Operation) -> bool:
    """Tell whether the local derivative is 1 for every element: a sum hands its gradient on as it is."""
    whole = all(edge.flow is None or edge.flow.low == edge.flow.high for edge in operation.edges)
    return operation.rule in {"sum", "add.reduce"} and not operation.shape and whole  # where= leaves some out


def broadcasts(view: View, operation: Operation, edge: Edge) -> bool:
    """Tell whether an operation repeats what an edge brings, so that the gradient is summed over that again."""
    source = view.by_key.get(edge.source)
    return (
        source is not None and edge.local is not None and math.prod(source.shape) < math.prod(operation.shape)
    )


def of_complex(view: View, operation: Operation, edge: Edge) -> bool:
    """Tell whether an edge carries complex numbers: the gradient goes on times the conjugate of its derivative."""
    source = view.by_key.get(edge.source)
    return "complex" in operation.dtype or (source is not None and "complex" in source.dtype)


def at_first(view: View, key: int) -> tuple[str, str] | None:
    """Put the first element's numbers into a product of elementwise edges: `("x[0] = -2", "1 * 1 * 2 * -4 = -8")`."""
    paths = paths_to(view, key) if view.trace.elementwise else None
    operation = view.by_key.get(key)
    if not paths or len(paths) != 1 or operation is None or len(operation.shape) != 1:
        return None
    x, slope = (_first(value) for value in (operation.value, operation.grad))
    factors = [1 if sums_up(user) else _first(edge.local) for user, edge in paths[0]]
    if x is None or slope is None or None in factors:
        return None
    return f"{view.name(key)}[0] = {number(x)}", f"{' * '.join(map(factor, factors))} = {number(slope)}"


def _first(value: Value | None) -> Any:
    """Give the first element, a truth as the number that it counts as; None where there is none."""
    if value is None or value.items is None or not value.size:
        return None
    first = value.items
    for _ in value.shape:
        first = first[0]
    return int(first) if isinstance(first, bool) else first
