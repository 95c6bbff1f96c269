"""The chain rule as a sum over paths: from the result down to an input, edge by edge.

In: a `View`. Out: paths, and the same written with the edges' numbers, their values and their formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Edge, Operation
from ..shown.numbers import number
from ..shown.view import View

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
    factors = [[_number(edge) for _, edge in path] for path in paths]
    values = ""
    if all(factor is not None for path in factors for factor in path):
        values = " + ".join("*".join(map(str, path)) for path in factors)
    formulas = ""
    if len(paths) <= 4 and all(edge.formula or _ones(user, edge) for path in paths for user, edge in path):
        formulas = " + ".join(" * ".join(_factor(user, edge) for user, edge in path) for path in paths)
    return Sum(paths, edges, values, formulas)


def _number(edge: Edge) -> str | None:
    if edge.local is None or edge.local.shape:
        return None
    text = number(edge.local.items)
    return f"({text})" if text.startswith("-") else text


def _ones(operation: Operation, edge: Edge) -> bool:
    """Tell whether the local derivative is 1 for every element: a sum hands its gradient on as it is."""
    return operation.rule in {"sum", "add.reduce"} and not operation.shape


def _factor(operation: Operation, edge: Edge) -> str:
    text = edge.formula or "1"
    return text if text.replace(".", "").isalnum() else f"({text})"


def at_first(view: View, key: int) -> tuple[str, str] | None:
    """Put the first element's numbers into a product of elementwise edges: `("x[0] = -2", "1 * 1 * 2 * -4 = -8")`."""
    paths = paths_to(view, key)
    operation = view.by_key.get(key)
    if (
        not view.trace.elementwise
        or not paths
        or len(paths) != 1
        or operation is None
        or len(operation.shape) != 1
    ):
        return None
    if (
        operation.value is None
        or not operation.value.items
        or operation.grad is None
        or not operation.grad.items
    ):
        return None
    factors = []
    for user, edge in paths[0]:
        if _ones(user, edge):
            factors.append("1")
        elif edge.local is not None and edge.local.items is not None:
            local = edge.local.items[0] if edge.local.shape else edge.local.items
            factors.append(number(int(local) if isinstance(local, bool) else local))  # x > 0 counts as 1 or 0
        else:
            return None
    product = " * ".join(f"({f})" if f.startswith("-") else f for f in factors)
    point = f"{view.name(key)}[0] = {number(operation.value.items[0])}"
    return point, f"{product} = {number(operation.grad.items[0])}"
