"""The derivatives of single entries of recorded operations, whatever their size, computed when they are asked for.

In: what the last sweep's operations had saved. Out: numbers, by the keys of a report. The tape itself is not held, only
copies of what was saved, up to 16 MB; those of the four latest reports, of earlier ones they are let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ...engine.core import arrays
from ...engine.rules.kinds import General, LinearMap
from ...engine.rules.pointwise import Elementwise
from ...engine.rules.rule import PICK, Kept
from ...engine.sweeps.forward import pushed
from ...engine.sweeps.jacobians import Pulled
from ...engine.sweeps.operations import Scattered, pulled
from ...engine.tape import modes
from ...engine.tape.nodes import Node
from ...report.operations import Numbers, TooMany

REPORTS = 4
WORK = 200_000_000  # entries that all unit tangents or cotangents of one operation go over: a second
FOUND = 2_000_000  # derivatives of one operation
_latest: list[ref[Slopes]] = []


class Slopes:
    """The derivatives of the operations of one report, entry by entry.

    Parameters
    ----------
    kept : mapping of int to Pulled
        By key, the operations and what they had saved, on the host.
    """

    def __init__(self, kept: Mapping[int, Pulled]) -> None:
        known = (Elementwise, LinearMap, General)
        self._kept = {
            key: Pulled(_alone(node), saved)
            for key, (node, saved) in kept.items()
            if isinstance(node.rule, known) or node.rule is PICK
        }
        _latest[:] = [held for held in _latest if held() is not None]
        _latest.append(ref(self))
        while len(_latest) > REPORTS:
            earliest = _latest.pop(0)()
            if earliest is not None:
                earliest._kept = {}

    def __reduce__(self) -> Any:  # rules are functions: a report that is sent on goes without
        return Slopes, ({},)

    def of(self, key: int, argument: int, flats: Numbers) -> tuple[Numbers, Numbers, Numbers] | None:
        """Give the derivatives by some entries of an argument: (entry of it, entry of the result, number), no zeros.

        All count along the flattened arrays; several results stand one after the other. None where they were not kept.

        Raises
        ------
        TooMany
            If there are more of them than can be looked at.
        """
        operation = self._kept.get(key)
        if operation is None:
            return None
        node: Any = operation.node
        saved = operation.saved
        with modes.watch(None), np.errstate(all="ignore"):
            if node.rule is PICK:
                return _picked(node, saved, flats)
            if isinstance(node.rule, Elementwise):
                return _by_entry(node, saved, argument, flats)
            source = node.inputs[argument]
            several = type(node.aval) is tuple
            size = sum(aval.size for aval in node.aval) if several else node.aval.size
            if (len(flats) if several else min(len(flats), size)) * (size + source.aval.size) > WORK:
                raise TooMany
            if several or len(flats) <= size:
                outs, numbers = _nonzero(_column(node, saved, argument, flat) for flat in flats.tolist())
                return np.repeat(flats, list(map(len, outs))), np.concatenate(outs), np.concatenate(numbers)
            at, numbers = _nonzero(_row(node, saved, argument, out)[flats] for out in range(size))
            return (
                flats[np.concatenate(at)],
                np.repeat(np.arange(size), list(map(len, at))),
                np.concatenate(numbers),
            )

    def factor(self, key: int, argument: int, flat: int, out: int) -> int:
        """Tell which entry of the other operand of a product a derivative is; -1 where it is none."""
        node, saved = self._kept[key]
        rule = node.rule
        if not (isinstance(rule, General) and rule.multilinear) or rule.sequence:
            return -1
        result, args, kwargs = rule.unpacked(saved)
        others = [k for k, a in enumerate(args) if k != argument and arrays.is_array(a)]
        if len(others) != 1:
            return -1
        other = args[others[0]]
        numbers = np.arange(1.0, other.size + 1).reshape(other.shape)
        marked = rule.packed(
            result, tuple(numbers if k == others[0] else a for k, a in enumerate(args)), kwargs
        )
        with modes.watch(None), np.errstate(all="ignore"):
            index = round(float(np.real(_column(node, marked, argument, flat, np.float64)[out]))) - 1
            value = _column(node, saved, argument, flat)[out]
        return index if 0 <= index < other.size and np.ravel(other)[index] == value else -1


def _nonzero(lines: Iterable[Numbers]) -> tuple[list[Numbers], list[Numbers]]:
    """Give of each column or row where it is not 0, and what it is there."""
    places, numbers, room = [], [], FOUND
    for line in lines:
        at = np.flatnonzero(line)
        room -= len(at)
        if room < 0:
            raise TooMany
        places.append(at)
        numbers.append(line[at])
    return places, numbers


class _Alone(NamedTuple):
    """What a rule asks of a node: not how its inputs were made, so that no tape is held."""

    rule: Any
    inputs: tuple[Any, ...]
    aval: Any
    number: int
    saved: Any = None
    place: Any = None


def _alone(node: Node) -> Any:
    inputs = tuple(None if s is None else _Alone(None, (), s.aval, s.number) for s in node.inputs)
    return _Alone(node.rule, inputs, node.aval, node.number)


def _column(node: Any, saved: Any, argument: int, flat: int, dtype: Any = None) -> Numbers:
    """Push a unit tangent: how all entries of the result depend on one of an argument."""
    source = node.inputs[argument]
    tangent = np.zeros(source.aval.shape, dtype or source.aval.tangent)
    tangent.reshape(-1)[flat] = 1
    given = [tangent[()] if i == argument else None for i in range(len(node.inputs))]
    if dtype is None:
        t = pushed(node, given, saved)
    else:  # numbers of entries are exact in double precision only
        t = node.rule.push(node, given, saved)
    avals = node.aval if type(node.aval) is tuple else (node.aval,)
    parts = t if type(t) is list else [t]
    return np.concatenate([
        np.zeros(aval.size) if part is None else np.ravel(np.broadcast_to(part, aval.shape))
        for part, aval in zip(parts if t is not None else [None] * len(avals), avals, strict=True)
    ])  # fmt: skip


def _row(node: Any, saved: Any, argument: int, out: int) -> Numbers:
    """Pull a unit cotangent back: how one entry of the result depends on all of an argument."""
    g = np.zeros(node.aval.shape, node.aval.tangent)
    g.reshape(-1)[out] = 1
    part = pulled(node, g[()], saved, False)[argument]
    source = node.inputs[argument]
    if part is None:
        return np.zeros(source.aval.size)
    whole = part.alone(source.aval) if type(part) is Scattered else part
    return np.ravel(np.broadcast_to(whole, source.aval.shape))


def _by_entry(node: Any, saved: Any, argument: int, flats: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Give the partial of an elementwise rule at the places that the entries are broadcast to."""
    rule, source, shape = node.rule, node.inputs[argument], node.aval.shape
    partial = rule.partial(argument, Kept(*rule.unpacked(saved)))
    numbers = np.ravel(np.broadcast_to(np.asarray(partial) * 1.0, shape))
    entries = np.ravel(np.broadcast_to(np.arange(source.aval.size).reshape(source.aval.shape), shape))
    outs = np.flatnonzero(np.isin(entries, flats) & (numbers != 0))
    return entries[outs], outs, numbers[outs]


def _picked(node: Any, saved: Any, flats: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Choose one of several results."""
    avals = node.inputs[0].aval
    start = sum(aval.size for aval in avals[:saved])
    found = flats[(flats >= start) & (flats < start + node.aval.size)]
    return found, found - start, np.ones(len(found))
