"""A limit to what the tape keeps: `gm.set_tape_limit("4GB")`, and one that suits the machine in `%%grad` cells.

In: the nodes as they are made. Out: a `TapeLimitError` that names the lines that keep the most. What is made is added
up (0.2 us an operation); only when the sum passes the limit is it counted exactly what is still kept.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NamedTuple

from ...errors import TapeLimitError
from ...language import tr
from ..core.amounts import in_bytes, shown_bytes
from ..core.places import Place, describe, line_of
from ..tape import modes
from ..tape.memory import arrays_in, base_of
from ..tape.nodes import Node, tick
from ..tape.observers import Observer
from ..tape.tracked import instances

_NODE = 320  # bytes of a node with its tuples
_SHARE = 0.75  # of the memory that is free when a cell begins
_GROUP = "/sys/fs/cgroup/memory"
# What was set in this context: the limit, and what holds the tape to it.
_SET: ContextVar[tuple[str | float | None, TapeLimit | None]] = ContextVar(
    "tape limit", default=("auto", None)
)


def set_tape_limit(limit: str | float | None) -> None:
    """Stop with an error when the tape keeps more than so much for the way back.

    Parameters
    ----------
    limit : str, number or None
        `"4GB"`, `"500 MiB"`, a number of bytes. None: no limit anywhere. `"auto"`, the setting at the start: three
        quarters of the memory that is free when a `%%grad` cell begins, within cells only.

    Raises
    ------
    ValueError
        If the limit is no amount of memory.

    Notes
    -----
    What counts is what only the tape keeps: results of recorded operations, and arrays that were made for one
    operation (a random mask). The user's own arrays do not. The error is a `TapeLimitError`, also a `MemoryError`.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.set_tape_limit("100MB")
    >>> h = gm.tensor(np.ones(1_000_000), requires_grad=True)
    >>> for step in range(1000):
    ...     h = np.sqrt(h)
    Traceback (most recent call last):
    gradmagic.errors.TapeLimitError: the tape keeps 104 MB for the way back, more than its limit of 100 MB...
    >>> step
    12
    >>> gm.set_tape_limit("auto")
    """
    number = limit if limit is None or limit == "auto" else in_bytes(limit)
    if number == 0:
        raise ValueError(
            tr("a limit of {limit} leaves no room for a tape: write None for no limit.", limit=limit)
        )
    guard = None
    if (before := _SET.get()[1]) is not None:
        modes.unguard(before)
    if isinstance(number, (int, float)):
        guard = TapeLimit(number, made=sum(size for _, _, size in _weights(_nodes(0))))
        modes.guard(guard)
    _SET.set((number, guard))


@contextmanager
def cell_limit() -> Iterator[None]:
    """Hold a cell to the limit that suits the machine, unless the user has set one (or None)."""
    room = free_memory() if _SET.get()[0] == "auto" else None
    if room is None:
        yield
        return
    guard = TapeLimit(_SHARE * room, since=tick())
    modes.guard(guard)
    try:
        yield
    finally:
        modes.unguard(guard)


def free_memory() -> float | None:
    """Tell how many bytes of memory this process can still have; None where that is not known."""
    rooms = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            rooms += [int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable")]
    except OSError:  # macOS says only how much there is in all; Windows not even that
        with suppress(AttributeError, ValueError, OSError):
            rooms.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    # A container may have less than the machine. ValueError: it says "max".
    with suppress(OSError, ValueError), open(f"{_GROUP}.max") as most, open(f"{_GROUP}.current") as now:
        rooms.append(int(most.read()) - int(now.read()))
    return float(min(rooms)) if rooms else None


class TapeLimit(Observer):
    """Adds up what is made; where that passes the limit, counts what is kept of it, and stops if that is too much.

    Parameters
    ----------
    limit : float
        In bytes.
    since : int
        Nodes with smaller numbers are not counted.
    made : float
        Bytes that are kept already.
    """

    def __init__(self, limit: float, since: int = 0, made: float = 0) -> None:
        self._limit, self._since, self._made = limit, since, made

    def made(self, node: Node, array: Any, frame: Any) -> None:
        if isinstance(array, (tuple, list)):
            self._made += sum(getattr(a, "nbytes", 0) for a in array) + _NODE
        else:
            self._made += getattr(array, "nbytes", 0) + _NODE
        if self._made > self._limit:
            self._count()

    def _count(self) -> None:
        kept = list(_weights(_nodes(self._since)))
        total = sum(size for _, _, size in kept)
        if total > self._limit:
            raise TapeLimitError(_message(total, self._limit, _heaviest(kept)))
        self._made = min(
            total, 0.95 * self._limit
        )  # so that a tape just below it is not counted at every operation


def _nodes(since: int) -> list[Node]:
    return [node for node in instances(Node) if node.number >= since]  # leaves keep nothing


class Weight(NamedTuple):
    """How much one operation keeps for the way back."""

    name: str
    place: Place | None
    size: int


def _weights(nodes: list[Node]) -> Iterator[Weight]:
    """Give what each operation keeps, an array that several keep counted once, one of the user's not at all."""
    left = _blocks(nodes)
    for node in sorted(nodes, key=lambda node: node.number):
        size = _NODE + sum(left.pop(id(base_of(value)), 0) for value, _ in _saved(node))
        yield Weight(node.rule.name if node.rule is not None else "", node.place, size)


def _blocks(nodes: list[Node]) -> dict[int, int]:
    """Give the bytes of the blocks of memory that only the tape keeps, by id."""
    held: dict[int, Any] = {}  # [block, how often nodes refer to it, whether a recorded operation made it]
    for node in nodes:
        for value, own in _saved(node):
            base = base_of(value)
            entry = held.setdefault(id(base), [base, 0, False])
            entry[1] += base is value
            entry[2] = entry[2] or own
    value = base = None
    # A constant that somebody else refers to as well is the user's own.
    return {
        key: block.nbytes
        for key, (block, times, own) in held.items()
        if own or sys.getrefcount(block) - _OURS <= times
    }


_OURS = 3  # references: by `held`, by `block`, by the call of getrefcount


def _saved(node: Node) -> Iterator[tuple[Any, bool]]:
    """Give the arrays that a node keeps, and whether each is the result of a recorded operation."""
    kept = node.rule.kept(node)
    if kept is None:
        return
    yield from ((value, True) for value in arrays_in(kept.out))
    for i, part in enumerate(kept.args):
        source = node.inputs[i] if i < len(node.inputs) else None
        own = source is not None and source.rule is not None
        yield from ((value, own) for value in arrays_in(part))


def _heaviest(kept: list[Weight]) -> list[tuple[Place | None, int, dict[str, int]]]:
    """List the places that keep the most: (place, bytes, operations by name)."""
    found: dict[Any, Any] = {}
    for name, place, size in kept:
        where = describe(place) if place is not None else ""
        entry = found.setdefault(where, [place, 0, {}])
        entry[1] += size
        entry[2][name] = entry[2].get(name, 0) + 1
    return sorted(map(tuple, found.values()), key=lambda entry: -entry[1])[:3]


def _message(total: float, limit: float, heaviest: list[tuple[Place | None, int, dict[str, int]]]) -> str:
    lines = []
    for place, size, names in heaviest:
        where = describe(place) if place is not None else tr("operations of unknown lines")
        many = sum(names.values())
        what = ", ".join(sorted(names, key=lambda name: -names[name])[:3])
        text = linecache.getline(place[0].co_filename, line_of(place)).strip() if place is not None else ""
        text = tr(", {code}", code=text) if 0 < len(text) <= 60 else ""
        lines.append(tr(
            "  {size} by {where}{text} ({names}; {count:,} operation{s})", size=shown_bytes(size), where=where,
            text=text, names=what, count=many, s="s" * (many != 1),
        ))  # fmt: skip
    return tr(
        "the tape keeps {size} for the way back, more than its limit of {limit}:\n{lines}\nNothing is lost: every name "
        "has its value. Go back after a part of the steps and detach (h = h.detach()), compute again instead of "
        'keeping (gm.checkpoint), or allow more (gm.set_tape_limit("{more}")).', size=shown_bytes(total),
        limit=shown_bytes(limit), lines="\n".join(lines), more=shown_bytes(2 * limit),
    )  # fmt: skip
