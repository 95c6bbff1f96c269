"""The operations of a trace, however many: what alike ones have in common stands once, and each is made when asked for.

In: a long tape as columns of numbers (`Recorded`), or a tuple of `Operation`s. Out: one sequence for both; its
`Columns`, over which all operations are gone through at once; a `Selection` of them. An `Operation` with its edges
takes 500 bytes and 10 us, a row of the columns 20 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np

from .model import Edge, Operation, Place

Numbers = np.ndarray[Any, np.dtype[Any]]
Label = TypeVar("Label", bound=Hashable)
CONSTANT = -1  # in `sources`


@dataclass(frozen=True, slots=True)
class Kind:
    """What alike operations have in common: the fields are `Operation`'s.

    Attributes
    ----------
    inputs : tuple of Edge
        A constant's as it is; of the others the argument, and the rule's own formula.
    parameters : tuple of tuple of str
        For each of `inputs` the names in that formula: of the result, then of each argument.
    texts : tuple of str
        What stands for the names: for the result's, and for those of arguments that have no name themselves.
    """

    rule: str
    torch: str = ""
    inputs: tuple[Edge, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    names: tuple[str, ...] = ()
    place: Place | None = None
    parameters: tuple[tuple[str, ...], ...] = ()
    texts: tuple[str, ...] = ()


class Recorded(Sequence[Operation]):
    """Operations whose keys are 0, 1, 2 ..., made of their kinds and of the numbers that were kept.

    Parameters
    ----------
    kinds : sequence of Kind
    codes : sequence of int
        Which kind each operation is of.
    sources : sequence of int
        The keys of what each takes, one operation after the other; `CONSTANT` for constants.
    values, grads : mapping of int to Value
        Of those that were kept, by key.
    locals_, flows : mapping of int to tuple of (Value or None)
        For each of an operation's inputs.
    jacobians : mapping of int to tuple
    filled : function
        `filled(formula, parameters, texts)` puts the reader's names into a rule's formula.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        codes: Sequence[int],
        sources: Sequence[int],
        values: Mapping[int, Any],
        grads: Mapping[int, Any],
        locals_: Mapping[int, Any],
        flows: Mapping[int, Any],
        jacobians: Mapping[int, Any],
        filled: Callable[[str, tuple[str, ...], tuple[str, ...]], str],
    ) -> None:
        self._values, self._grads, self._filled = values, grads, filled
        self.locals, self.flows, self._jacobians = locals_, flows, jacobians
        taken = np.array([len(kind.inputs) for kind in kinds], int)
        rows = np.array(codes, np.int32)
        starts = np.zeros(len(rows) + 1, np.int32)
        np.cumsum(taken[rows], out=starts[1:])
        kept = np.zeros(len(rows), bool)
        kept[list(values)] = True
        self.columns = Columns(self, tuple(kinds), rows, starts, np.array(sources, np.int32), kept)

    def __len__(self) -> int:
        return len(self.columns.codes)

    @overload
    def __getitem__(self, at: int) -> Operation: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Operation, ...]: ...
    def __getitem__(self, at: int | slice) -> Operation | tuple[Operation, ...]:
        if isinstance(at, slice):
            return tuple(self[i] for i in range(*at.indices(len(self))))
        key = range(len(self))[at]
        kind = self.columns.kinds[self.columns.codes[key]]
        return Operation(
            key, kind.rule, kind.torch, self._edges(key, kind), kind.shape, kind.dtype,
            self._values.get(key), self._grads.get(key), kind.names, kind.place,
        )  # fmt: skip

    def _edges(self, key: int, kind: Kind) -> tuple[Edge, ...]:
        if not kind.inputs:
            return ()
        columns, none = self.columns, (None,) * len(kind.inputs)
        sources = columns.sources[columns.starts[key] : columns.starts[key + 1]].tolist()
        locals_, flows = self.locals.get(key) or none, self.flows.get(key) or none
        matrices = self._jacobians.get(key) or ((),) * len(none)
        texts = kind.texts
        if any(kind.parameters):
            names = [columns.kinds[columns.codes[s]].names if s >= 0 else () for s in sources]
            texts = (texts[0], *(own[-1] if own else text for own, text in zip(names, texts[1:], strict=True)))
        return tuple(
            edge
            if source == CONSTANT
            else Edge(
                source, "", edge.argument,
                self._filled(edge.formula, parameters, texts) if parameters else edge.formula,
                local, flow, None, matrix,
            )  # fmt: skip
            for source, edge, parameters, local, flow, matrix in zip(
                sources, kind.inputs, kind.parameters, locals_, flows, matrices, strict=False
            )
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, Recorded)) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self):,} operations of {len(self.columns.kinds):,} kinds>"

    def __reduce__(self) -> tuple[Any, ...]:
        c = self.columns
        numbers = (self._values, self._grads, self.locals, self.flows, self._jacobians)
        return Recorded, (c.kinds, c.codes, c.sources, *numbers, self._filled)

    def with_numbers(
        self, grads: Mapping[int, Any], locals_: Mapping[int, Any], flows: Mapping[int, Any]
    ) -> Recorded:
        """Give the same operations with other gradients, local derivatives and flows."""
        c = self.columns
        return Recorded(
            c.kinds, c.codes, c.sources, self._values, grads, locals_, flows, self._jacobians, self._filled  # type: ignore[arg-type]
        )  # fmt: skip

    @property
    def grads(self) -> Mapping[int, Any]:
        """The gradients that were kept, by key."""
        return self._grads


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
        at = {operation.key: i for i, operation in enumerate(operations)}
        starts = np.cumsum([0, *(len(operation.inputs) for operation in operations)])
        sources = [
            CONSTANT if edge.source is None else at.setdefault(edge.source, len(at))  # or of what is not there
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

    def told(self, what: Callable[[Kind | Operation], Any]) -> Numbers:
        """Give for each operation what is told of its kind."""
        return np.array([what(kind) for kind in self.kinds])[self.codes] if len(self.codes) else np.array([])

    def numbered(self, what: Callable[[Kind | Operation], Label | None]) -> tuple[Numbers, list[Label]]:
        """Give for each operation the number of what is told of its kind, -1 for None; and what has these numbers."""
        labels: dict[Label, int] = {}
        numbers = [-1 if (w := what(k)) is None else labels.setdefault(w, len(labels)) for k in self.kinds]
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
        return self.told(lambda kind: bool(kind.rule)).astype(bool)

    def edges(self, positions: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Give the edges into the operations at `positions`: (at which position, which argument, place in `sources`)."""
        starts, taken = self.starts[positions], self.starts[positions + 1] - self.starts[positions]
        argument = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
        return np.repeat(positions, taken), argument, np.repeat(starts, taken) + argument

    @cached_property
    def _constants(self) -> tuple[Numbers, Numbers]:
        texts: dict[str, int] = {}
        numbers = [texts.setdefault(edge.constant, len(texts)) for kind in self.kinds for edge in kind.inputs]
        starts = np.cumsum([0, *(len(kind.inputs) for kind in self.kinds)])
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
    def count(self) -> int:
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


def veiled(operations: Sequence[Operation], hidden: Callable[[Any], Any]) -> Sequence[Operation]:
    """Give the operations without local derivatives, and with `hidden` of each gradient and flow."""
    if isinstance(operations, Recorded):
        grads = {key: hidden(grad) for key, grad in operations.grads.items()}
        flows = {key: tuple(map(hidden, each)) for key, each in operations.flows.items()}
        return operations.with_numbers(grads, {}, flows)
    return tuple(
        replace(
            o,
            grad=hidden(o.grad),
            inputs=tuple(replace(e, local=None, flow=hidden(e.flow)) for e in o.inputs),
        )
        for o in operations
    )


def one_by_one(columns: Columns, positions: Iterable[int]) -> list[Selection]:
    """Select each by itself."""
    return [Selection(columns, [position]) for position in positions]
