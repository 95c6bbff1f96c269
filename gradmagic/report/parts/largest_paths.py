"""The largest of all paths from one entry up to the result, however many there are, and what the others come to.

In: a `View` of all operations, an input's key and entry. Out: `Largest`: the paths as hops from the entry on, how many
paths there are, and their sum. The entries that are reached are followed forward once, with the number of ways to each
and their sum; then the largest product from each to the result is known, and the paths are taken in their order.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ...language import tr
from ..model import Edge, Operation, ReportError
from ..operations import Numbers, Recorded, TooMany
from ..shown.view import View

# Entries of one value that are followed: those that the largest product leads to. Fewer, where these are too many.
REACHED = (10_000, 1_000, 100, 10)


class Hop(NamedTuple):
    """One step up: which entry of the result of `user` depends on which entry of the edge's source, and how much."""

    user: Operation
    edge: Edge
    source: int
    out: int
    value: float


@dataclass(frozen=True)
class Largest:
    """The largest paths, each from the entry up, with the weight of the entry of the result that it ends in.

    `ways` counts all paths and `total` is their sum; both None where some were left behind on the way.
    """

    paths: tuple[tuple[tuple[Hop, ...], float], ...]
    ways: float | None
    total: float | None


class _Reached(NamedTuple):
    """Entries of one value: by each the largest product, the sum and the number of ways to it."""

    flats: Numbers
    largest: Numbers
    sums: Numbers
    ways: Numbers


class _Link(NamedTuple):
    """The derivatives of one operation by one argument: entry of it, entry of the result, number."""

    user: Operation
    edge: Edge
    sources: Numbers
    outs: Numbers
    numbers: Numbers


def largest_paths(view: View, key: int, flat: int, most: int) -> Largest:
    """Find the `most` largest paths.

    Raises
    ------
    ReportError
        If the derivatives of an operation on the way are not to be had entry by entry.
    """
    assert view.trace.result is not None
    goal = view.trace.result.key
    with np.errstate(all="ignore"):
        reached, links, whole = _as_far_as_can_be(view, key, flat)
        if goal not in reached:
            return Largest((), 0, 0.0)
        weights = _weights(view, reached[goal].flats)
        best = _best(reached, links, goal, weights)
        paths = _taken(reached, links, best, (key, flat), goal, weights, most)
        counted = reached[goal].ways[weights != 0].sum() if whole else None
        total = float((reached[goal].sums * weights).sum()) if whole else None
    return Largest(paths, counted, total)


_Followed = tuple[dict[int, _Reached], dict[int, list[_Link]], bool]


def _as_far_as_can_be(view: View, key: int, flat: int) -> _Followed:
    for most in REACHED:
        try:
            return _followed(view, key, flat, most)
        except TooMany:
            continue
    raise ReportError(tr("its paths lead through arrays that are too large. Explain a smaller example."))


def _followed(view: View, key: int, flat: int, most: int) -> _Followed:
    """Follow what depends on an entry, in the tape's order; whether nothing was left behind."""
    waiting: dict[int, list[_Reached]] = {key: [_Reached(np.array([flat]), *np.ones((3, 1)))]}
    reached: dict[int, _Reached] = {}
    links: dict[int, list[_Link]] = {}
    whole = True
    for operation in view.operations:
        parts = waiting.pop(operation.key, None)
        if parts is None:
            continue
        here, all_of_it = _joined(parts, most)
        whole = whole and all_of_it
        reached[operation.key] = here
        for user, edge in view.users.get(operation.key, []):
            link = _Link(user, edge, *slopes(view, user, edge, here.flats))
            if not len(link.outs):
                continue
            links.setdefault(operation.key, []).append(link)
            at = np.searchsorted(here.flats, link.sources)
            along = (here.largest[at] * _size(link.numbers), here.sums[at] * link.numbers, here.ways[at])
            waiting.setdefault(user.key, []).append(_Reached(link.outs, *along))
    return reached, links, whole


def _joined(parts: list[_Reached], most: int) -> tuple[_Reached, bool]:
    """Put together what leads to the same entries; of very many those that the largest product leads to."""
    every, largest, sums, ways = (np.concatenate(column) for column in zip(*parts, strict=True))
    flats, at = np.unique(every, return_inverse=True)
    high = np.zeros(len(flats))
    np.maximum.at(high, at, largest)
    made = _Reached(flats, high, *(np.bincount(at, weights=w, minlength=len(flats)) for w in (sums, ways)))
    if len(flats) <= most:
        return made, True
    chosen = np.sort(np.argsort(-high, kind="stable")[:most])
    return _Reached(*(column[chosen] for column in made)), False


def _size(numbers: Numbers) -> Numbers:
    return np.nan_to_num(np.abs(numbers), nan=np.inf, posinf=np.inf)


def _weights(view: View, flats: Numbers) -> Numbers:
    """Give the weight of entries of the result: 1 of a number."""
    result = view.by_key[view.trace.result.key]  # type: ignore[union-attr]
    if result.grad is None or not result.grad.shape:
        return np.ones(len(flats))
    if result.grad.items is None:
        low, high = result.grad.low, result.grad.high
        if low is None or low != high:
            raise ReportError(tr(
                "the weights of {name}'s {n:,} entries are not kept: explain the gradient of a number, say of its "
                "sum.", name=view.name(result.key), n=result.grad.size,
            ))  # fmt: skip
        return np.full(len(flats), low)
    return np.ravel(np.array(result.grad.items, float))[flats]


def _best(
    reached: dict[int, _Reached], links: dict[int, list[_Link]], goal: int, weights: Numbers
) -> dict[int, Numbers]:
    """Give by each reached entry the largest product from there to the result."""
    best = {key: np.zeros(len(each.flats)) for key, each in reached.items()}
    best[goal] = np.maximum(best[goal], _size(weights))
    for key in sorted(links, reverse=True):
        for link in links[key]:
            if link.user.key not in reached:
                continue
            onward = _at(reached[link.user.key].flats, best[link.user.key], link.outs)
            product = np.where(onward == 0, 0, _size(link.numbers) * onward)
            np.maximum.at(best[key], np.searchsorted(reached[key].flats, link.sources), product)
    return best


def _at(flats: Numbers, numbers: Numbers, wanted: Numbers) -> Numbers:
    """Look up numbers by entry; 0 where one was left behind."""
    at = np.minimum(np.searchsorted(flats, wanted), len(flats) - 1)
    return np.where(flats[at] == wanted, numbers[at], 0)


def _taken(
    reached: dict[int, _Reached], links: dict[int, list[_Link]], best: dict[int, Numbers], start: tuple[int, int],
    goal: int, weights: Numbers, most: int,
) -> tuple[tuple[tuple[Hop, ...], float], ...]:  # fmt: skip
    """Take paths by what they can still come to, so that the largest is done first."""
    found: list[tuple[tuple[Hop, ...], float]] = []
    number = count()
    heap: list[Any] = [(-math.inf, next(number), start, 1.0, ())]
    while heap and len(found) < most:
        _, _, (key, flat), product, hops = heapq.heappop(heap)
        if key == goal:
            weight = float(_at(reached[goal].flats, weights, np.array([flat]))[0])
            if weight:
                found.append((hops, weight))
            continue
        onward = []
        for link in links.get(key, []):
            if link.user.key not in reached:
                continue
            mine = np.flatnonzero(link.sources == flat)
            outs, numbers = link.outs[mine], link.numbers[mine]
            rest = _at(reached[link.user.key].flats, best[link.user.key], outs)
            size = np.where(rest == 0, 0, _size(numbers) * rest)
            for i in np.argsort(-size, kind="stable")[:most].tolist():
                if size[i]:
                    onward.append((size[i], Hop(link.user, link.edge, flat, int(outs[i]), float(numbers[i]))))
        for size, hop in heapq.nlargest(most, onward, key=lambda each: each[0]):
            more = (hop.user.key, hop.out), product * abs(hop.value), (*hops, hop)
            heapq.heappush(heap, (-product * size, next(number), *more))
    return tuple(found)


def slopes(view: View, user: Operation, edge: Edge, flats: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Give an operation's derivatives by some entries of an argument, without zeros.

    Raises
    ------
    ReportError
        If they are not kept, or complex.
    """
    if edge.jacobian:
        outs, sources, numbers = (np.array(column) for column in list(zip(*edge.jacobian, strict=True))[:3])
        chosen = np.isin(sources, flats) & (numbers != 0)
        return sources[chosen], outs[chosen], numbers[chosen]
    found = None
    local = edge.local
    if local is not None and (local.items is not None or _alike(local)):
        source = view.by_key[edge.source]
        given = local.items if local.items is not None else local.low
        numbers = np.ravel(np.broadcast_to(np.array(given) * 1.0, user.shape))
        entries = np.ravel(
            np.broadcast_to(np.arange(math.prod(source.shape)).reshape(source.shape), user.shape)
        )
        outs = np.flatnonzero(np.isin(entries, flats) & (numbers != 0))
        found = entries[outs], outs, numbers[outs]
    elif edge.flow is not None and edge.flow.size and edge.flow.zeros == edge.flow.size:
        none = np.zeros(0, int)
        return none, none, np.zeros(0)
    else:
        operations = view.trace.operations
        kept = operations.kept.slopes if isinstance(operations, Recorded) else None
        found = None if kept is None else kept.of(user.key, edge.argument, flats)
    if found is None:
        raise ReportError(tr(
            "the derivatives of {operation} entry by entry are not kept: its arrays are too large, it was not "
            "computed in this cell, or the report is not one of the latest. Run the cell again, or explain a "
            "smaller example.", operation=view.title(user, 40),
        ))  # fmt: skip
    if np.iscomplexobj(found[2]):
        raise ReportError(complex_numbers(view, user))
    return found


def complex_numbers(view: View, user: Operation) -> str:
    """Say why no entry is explained through an operation between complex numbers."""
    return tr(
        "the derivatives of {operation} are complex numbers: only real ones are explained entry by entry.",
        operation=view.title(user, 40),
    )  # fmt: skip


def factor_of(view: View, hop: Hop) -> int:
    """Tell which entry of a product's other operand a hop's derivative is, or -1."""
    for out, source, _, k in hop.edge.jacobian:
        if (out, source) == (hop.out, hop.source):
            return k
    operations = view.trace.operations
    kept = operations.kept.slopes if isinstance(operations, Recorded) else None
    if kept is None or hop.edge.jacobian or hop.edge.local is not None:
        return -1
    return kept.factor(hop.user.key, hop.edge.argument, hop.source, hop.out)


def _alike(value: Any) -> bool:
    """Tell whether an array is the same everywhere."""
    return value.low is not None and value.low == value.high and not value.nans and not value.infs
