"""The operations of a trace, however many: what alike ones have in common stands once, and each is made when asked for.

In: a long tape as columns of numbers (`Recorded`), or a tuple of `Operation`s. Out: one sequence for both; its
`Columns`, over which all operations are gone through at once; a `Selection` of them. An `Operation` with its edges
takes 500 bytes and 10 us, a row of the columns 20 bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any, Protocol, TypeVar, overload

import numpy as np

from ..engine.core.values import Value
from ..language import mark, tr
from .model import Edge, Operation, Place
from .signs import SIGN, at_ties

Numbers = np.ndarray[Any, np.dtype[Any]]
Label = TypeVar("Label", bound=Hashable)
CONSTANT = -1  # in `sources`
UNNAMED = mark("a constant")  # is written for one that has no text of the reader's


@dataclass(frozen=True, slots=True)
class Kind:
    """What alike operations have in common: the fields are `Operation`'s.

    Attributes
    ----------
    inputs : tuple of Edge
        A constant's as it is; of the others the argument, and the rule's own formula.
    parameters : tuple of tuple of str
        For each of `inputs` the names in that formula: of the result, then of each argument.
    """

    rule: str
    torch: str = ""
    inputs: tuple[Edge, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    names: tuple[str, ...] = ()
    place: Place | None = None
    parameters: tuple[tuple[str, ...], ...] = ()
    module: str = ""


class TooMany(Exception):
    """There are more derivatives than can be looked at."""


class Slopes(Protocol):
    """What computes the derivatives of single entries of large operations, while it is there."""

    def of(self, key: int, argument: int, flats: Numbers) -> tuple[Numbers, Numbers, Numbers] | None: ...
    def factor(self, key: int, argument: int, flat: int, out: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """The numbers that were kept, by key: a `Value` or None for each, for each input a tuple of them; `slopes`."""

    values: Mapping[int, Any] = field(default_factory=dict)
    grads: Mapping[int, Any] = field(default_factory=dict)
    locals: Mapping[int, Any] = field(default_factory=dict)
    flows: Mapping[int, Any] = field(default_factory=dict)
    jacobians: Mapping[int, Any] = field(default_factory=dict)
    slopes: Slopes | None = None


class Called(Protocol):
    """What formulas call the values of a tape: its operations by key, their constants by argument."""

    def formula(self, key: int, argument: int) -> str: ...
    def called(self, key: int) -> str: ...
    def within(self, key: int) -> bool: ...
    def key(self, sign: str) -> int | None: ...
    def constant(self, key: int, argument: int) -> str: ...
    def given(self, key: int, argument: int) -> Value | None: ...


class Recorded(Sequence[Operation]):
    """Operations whose keys are 0, 1, 2 ..., made of their kinds and of the numbers that were kept.

    Parameters
    ----------
    kinds : sequence of Kind
    codes : sequence of int
        Which kind each operation is of.
    sources : sequence of int
        The keys of what each takes, one operation after the other; `CONSTANT` for constants.
    kept : Kept
    naming : Called, optional
        What formulas call values.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        codes: Sequence[int] | Numbers,
        sources: Sequence[int] | Numbers,
        kept: Kept,
        naming: Called | None = None,
    ) -> None:
        self.kept, self.naming = kept, naming
        rows = np.array(codes, np.int32)
        taken = np.array([len(kind.inputs) for kind in kinds], np.int32)[rows]
        starts = np.concatenate([[0], np.cumsum(taken)]).astype(np.int32)
        valued = np.zeros(len(rows), bool)
        valued[list(kept.values)] = True
        self.columns = Columns(self, tuple(kinds), rows, starts, np.array(sources, np.int32), valued)

    def __len__(self) -> int:
        return len(self.columns.codes)

    @overload
    def __getitem__(self, at: int) -> Operation: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Operation, ...]: ...
    def __getitem__(self, at: int | slice) -> Operation | tuple[Operation, ...]:
        if isinstance(at, slice):
            return tuple(self[i] for i in range(*at.indices(len(self))))
        key, kept = range(len(self))[at], self.kept
        kind = self._kind(key)
        return Operation(
            key, kind.rule, kind.torch, self._edges(key, kind), kind.shape, kind.dtype,
            kept.values.get(key), kept.grads.get(key), kind.names, kind.place, module=kind.module,
            called=self.naming.called(key) if self.naming is not None else "",
            within=self.naming is not None and self.naming.within(key),
        )  # fmt: skip

    def _kind(self, key: int) -> Kind:
        return self.columns.kinds[self.columns.codes[key]]  # type: ignore[return-value]

    def _edges(self, key: int, kind: Kind) -> tuple[Edge, ...]:
        columns, kept, naming = self.columns, self.kept, self.naming
        sources = columns.sources[columns.starts[key] : columns.starts[key + 1]].tolist()
        numbers = [each.get(key) or () for each in (kept.locals, kept.flows, kept.jacobians)]
        made = []
        for i, (source, edge) in enumerate(zip(sources, kind.inputs, strict=True)):
            if source != CONSTANT:
                told = naming.formula(key, i) if naming is not None else edge.formula or edge.words
                formula, words = ("", told) if edge.words else (told, "")
                local, flow, matrix = (each[i] if i < len(each) else None for each in numbers)
                edge = Edge(
                    source, "", i, at_ties(formula, local), local, flow, jacobian=matrix or (), words=words
                )
            elif naming is not None:
                called = naming.constant(key, i)
                given = naming.given(key, i) if SIGN.fullmatch(called) else None
                edge = replace(edge, called=called, given=given)
            made.append(edge)
        return tuple(made)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, Recorded)) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return tr("<{n:,} operations of {kinds:,} kinds>", n=len(self), kinds=len(self.columns.kinds))

    @cached_property
    def unnamed(self) -> Recorded:
        """The same operations where only numbers are looked at: formulas are the rules own, and cost nothing."""
        other = copy(self)
        other.naming = None
        return other

    def with_numbers(self, **new: Any) -> Recorded:
        """Give the same operations with other numbers."""
        columns = self.columns
        kinds: Any = columns.kinds
        return Recorded(kinds, columns.codes, columns.sources, replace(self.kept, **new), self.naming)  # type: ignore[arg-type]


class Columns:
    """All operations at once.

    Attributes
    ----------
    operations : sequence of Operation
        They themselves.
    kinds : sequence of (Kind or Operation)
        In the order of the first of each.
    codes : array of int
        Which of `kinds` each operation is of.
    starts : array of int
        Where the edges of each begin in `sources`, and where the last one's end.
    sources : array of int
        At which position the source of an edge stands; `CONSTANT` for constants.
    kept : array of bool
        Whose value was kept.
    """

    def __init__(
        self, operations: Sequence[Operation], kinds: Sequence[Kind | Operation], codes: Numbers, starts: Numbers,
        sources: Numbers, kept: Numbers, keys: Numbers | None = None, counts: Numbers | None = None,
    ) -> None:  # fmt: skip
        self.operations, self.kinds, self.codes = operations, kinds, codes
        self.starts, self.sources, self.kept = starts, sources, kept
        self._keys, self._counts = keys, counts

    @classmethod
    def of(cls, operations: Sequence[Operation]) -> Columns:
        """Give the columns of operations: as they were recorded, or each its own kind."""
        if isinstance(operations, Recorded):
            return operations.columns
        known = {operation.key: i for i, operation in enumerate(operations)}
        at = defaultdict(count(len(known)).__next__, known)  # further ones: of what is not there
        starts = np.cumsum([0, *[len(operation.inputs) for operation in operations]])
        sources = [
            CONSTANT if edge.source is None else at[edge.source]
            for operation in operations
            for edge in operation.inputs
        ]
        return cls(
            operations, operations, np.arange(len(operations)), starts, np.array(sources, int),
            np.array([operation.value is not None for operation in operations], bool),
            np.array(list(at), int), np.array([operation.count for operation in operations], int),
        )  # fmt: skip

    @cached_property
    def keys(self) -> Numbers:
        """The key at each position; further ones are those of sources that are not among the operations."""
        return np.arange(len(self.codes)) if self._keys is None else self._keys

    def count(self, positions: Numbers) -> int:
        """Tell for how many operations those at `positions` stand."""
        return len(positions) if self._counts is None else int(self._counts[positions].sum())

    def numbered(self, what: Callable[[Kind | Operation], Label | None]) -> tuple[Numbers, list[Label]]:
        """Give for each operation the number of what is told of its kind, -1 for None; and what has these numbers."""
        labels: dict[Label, int] = defaultdict(count().__next__)
        numbers = [-1 if (w := what(kind)) is None else labels[w] for kind in self.kinds]
        return np.array(numbers, int)[self.codes], list(labels)

    @cached_property
    def marks(self) -> Numbers:
        """Numbers that alike operations share: those of one rule, place and shape. Inputs are never alike."""
        marks, labels = self.numbered(_mark)
        alone = np.flatnonzero(marks < 0)
        marks[alone] = len(labels) + np.arange(len(alone))
        return marks

    @cached_property
    def computed(self) -> Numbers:
        """Which are no inputs."""
        return np.array([kind.rule != "" for kind in self.kinds], bool)[self.codes]

    @cached_property
    def single(self) -> Numbers:
        """Which are single numbers."""
        return np.array([kind.shape == () for kind in self.kinds], bool)[self.codes]

    def edges(self, positions: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Give the edges into the operations at `positions`: each one's position, argument, place in `sources`."""
        starts, taken = self.starts[positions], self.starts[positions + 1] - self.starts[positions]
        argument = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
        return np.repeat(positions, taken), argument, np.repeat(starts, taken) + argument

    @cached_property
    def _constants(self) -> tuple[Numbers, Numbers]:
        texts: dict[str, int] = defaultdict(count().__next__)
        numbers = [texts[edge.constant] for kind in self.kinds for edge in kind.inputs]
        starts = np.cumsum([0, *[len(kind.inputs) for kind in self.kinds]])
        return np.array(numbers, int), starts

    def constants(self, positions: Numbers, argument: Numbers) -> Numbers:
        """Number the texts of constants: equal ones have one number."""
        numbers, starts = self._constants
        return numbers[starts[self.codes[positions]] + argument]

    def at(self, key: int | None) -> int | None:
        """Give the position of a key; None if there is no such operation."""
        if key is None:
            return None
        keys = self.keys[: len(self.codes)]
        position = int(np.searchsorted(keys, key))
        return position if position < len(keys) and keys[position] == key else None


def _mark(kind: Kind | Operation) -> Hashable:
    place = kind.place
    spot = (place.label, place.line, place.column, place.end_column) if place is not None else None
    return (kind.rule, spot, kind.shape) if kind.rule else None


class Selection(Sequence[Operation]):
    """Some operations, by position."""

    __slots__ = ("columns", "positions")

    def __init__(self, columns: Columns, positions: Sequence[int] | Numbers) -> None:
        self.columns, self.positions = columns, np.asarray(positions, int)

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, at: int) -> Operation: ...
    @overload
    def __getitem__(self, at: slice) -> Selection: ...
    def __getitem__(self, at: int | slice) -> Operation | Selection:
        if isinstance(at, slice):
            return Selection(self.columns, self.positions[at])
        return self.columns.operations[int(self.positions[at])]

    @property
    def keys(self) -> Numbers:
        """Their keys."""
        return self.columns.keys[self.positions]

    @property
    def total(self) -> int:
        """For how many they stand."""
        return self.columns.count(self.positions)

    @property
    def kinds(self) -> Iterator[Kind | Operation]:
        """Their kinds, each once, in the order of the first of each."""
        return (self.columns.kinds[code] for code in np.unique(self.columns.codes[self.positions]).tolist())

    def where(self, what: Callable[[Kind | Operation], Any]) -> Selection:
        """Select those whose kind is so."""
        codes = self.columns.codes[self.positions]
        so = [code for code in np.unique(codes).tolist() if what(self.columns.kinds[code])]
        return Selection(self.columns, self.positions[np.isin(codes, so)])

    @property
    def shown(self) -> Operation:
        """The last whose value was kept: numbers of a long loop's later turns may not have been; else the last."""
        kept = np.flatnonzero(self.columns.kept[self.positions])
        return self[int(kept[-1])] if len(kept) else self[-1]


def gathered(
    operations: Sequence[Operation], what: Callable[[Kind | Operation], Label | None]
) -> dict[Label, Selection]:
    """Put operations together by what is told of their kinds, in the order of the first; None: left out."""
    columns = Columns.of(operations)
    numbers, labels = columns.numbered(what)
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(len(labels) + 1))
    return {label: Selection(columns, order[ends[i] : ends[i + 1]]) for i, label in enumerate(labels)}


def called(operations: Sequence[Operation], sign: str) -> Operation | None:
    """Give the operation that formulas call by a sign."""
    if isinstance(operations, Recorded):
        key = operations.naming.key(sign) if operations.naming is not None else None
        return None if key is None else operations[key]
    return next((operation for operation in operations if operation.called == sign), None)


def hidden(
    operations: Sequence[Operation], of: Callable[[Any], Any], but: Collection[int] = ()
) -> Sequence[Operation]:
    """Give the operations without local derivatives, and with `of(value)` for each flow, and gradient but of some."""
    if isinstance(operations, Recorded):
        kept = operations.kept
        flows = {key: tuple(map(of, each)) for key, each in kept.flows.items()}
        grads = {key: grad if key in but else of(grad) for key, grad in kept.grads.items()}
        return operations.with_numbers(grads=grads, locals={}, flows=flows, slopes=None)
    return tuple(
        replace(
            o,
            grad=o.grad if o.key in but else of(o.grad),
            inputs=tuple(replace(e, local=None, flow=of(e.flow)) for e in o.inputs),
        )
        for o in operations
    )
