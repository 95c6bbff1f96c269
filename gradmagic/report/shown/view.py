"""One view of a trace, shared by all parts of a report, so that an edge has one number and a value one name everywhere.

In: a `Trace` and how many operations may be shown. Out: a `View`: the operations after folding, the numbers of the
edges, and how each value is called and written.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

import numpy as np

from ...language import in_each, tr
from ..model import Edge, Note, Operation, Trace
from ..operations import Columns, Selection
from .fold import alike_all, grouped, joined, looped, taken_apart, turns
from .naming import PARTS, Naming
from .simplified import tidied

# Kinds of notes that are no cause for concern.
REMARKS = {"dtype", "guard", "numeric", "agrees", "sum", "unchanged", "unused"}


def told(note: Note) -> str:
    """Write a note with its line in front, once: the note may be of a reader of another language."""
    if not note.line or note.text.startswith(in_each("line {line}: ", line=note.line)):
        return note.text
    return tr("line {line}: ", line=note.line) + note.text


@dataclass(frozen=True)
class View(Naming):
    """A trace as it is shown: `operations` are what is left after folding, in tape order, inputs among them.

    `groups` has what each of them stands for, where some are folded, `turns` what is said of single ones:
    `"turn 1 of 40"`; `parts` the operations of each line or box that opens, by its key. `known` are the numbers that
    edges have in another view; further ones begin with `least`.
    """

    trace: Trace
    operations: tuple[Operation, ...]
    groups: tuple[Selection, ...] = field(default=(), compare=False)
    turns: dict[int, str] = field(default_factory=dict, compare=False)
    parts: dict[int, tuple[Operation, ...]] = field(default_factory=dict, compare=False)
    known: dict[tuple[int, int], int] = field(default_factory=dict, compare=False)
    least: int = 1

    @classmethod
    def of(cls, trace: Trace, limit: int) -> View:
        """Fold `trace` to about `limit` operations."""
        groups = grouped(trace.operations, limit)
        if len(groups) == len(trace.operations):
            return cls(trace, tidied(trace.operations))  # nothing is folded
        return cls._of_groups(trace, groups, {})

    @classmethod
    def whole(cls, trace: Trace) -> View:
        """Show every operation, also the turns of loops."""
        return cls(trace, tidied(trace.operations))

    @classmethod
    def of_loops(cls, trace: Trace, modules: bool = False) -> View:
        """Fold the loops and nothing else; with `modules`, what one module does again, not what another does."""
        return cls._of_groups(trace, looped(trace.operations, modules), {})

    @classmethod
    def _of_groups(cls, trace: Trace, groups: list[Selection], turns: dict[int, str]) -> View:
        view = cls(trace, tidied(joined(groups)), tuple(groups), turns)
        return replace(view, operations=tuple(map(view._of_any_turn, view.operations)))

    def unfolded(self, limit: int) -> list[View]:
        """Unfold the loops and calls one at a time, as far as it can be read: of a loop the first and last turns.

        Parameters
        ----------
        limit : int
            Operations that all the views together may show.
        """
        groups = self.groups
        if not groups or limit < len(groups):
            return []
        choices: list[dict[int, str]] = []
        for body in turns(groups):
            count = len(body[0])
            ends = max(1, min(3, 6 // len(body)))
            shown = range(count) if count <= 2 * ends else [*range(ends), *range(count - ends, count)]
            if len(shown) * len(body) <= 40:
                said = {i: tr("turn {turn:,} of {turns:,}", turn=i + 1, turns=count) for i in shown}
                choices.append({int(g.keys[i]): said[i] for g in body for i in shown})
        choices += [
            dict.fromkeys(group.keys.tolist(), "")
            for group in groups
            if 1 < len(group) <= 40 and not alike_all(group)
        ]
        found: list[View] = []
        for choice in choices:
            pieces = taken_apart(groups, choice)
            if len(pieces) <= limit:
                limit -= len(pieces)
                found.append(View._of_groups(self.trace, pieces, choice))
        return found

    def standing_for(self, keys: Collection[int]) -> dict[int, int]:
        """Tell which folded operation stands for each of these keys, where one does."""
        found: dict[int, int] = {}
        for group in self.groups:
            if len(group) > 1:
                own = np.intersect1d(group.keys, list(keys)).tolist()
                found |= dict.fromkeys(own, int(group.keys[-1]))
        return found

    def leads_back(self, operation: Operation, edge: Edge) -> bool:
        """Tell whether an edge is a loop's way back: its source stands in the same place, or later."""
        return self._positions.get(edge.source, -1) >= self._positions[operation.key]

    @cached_property
    def _positions(self) -> dict[int | None, int]:
        return {operation.key: i for i, operation in enumerate(self.operations)}

    @cached_property
    def numbers(self) -> dict[tuple[int, int], int]:
        """The number of each edge, 1, 2 ... in tape order, by the operation's key and the argument's position."""
        edges = [(o, (o.key, e.argument)) for o in self.operations for e in o.edges]
        further = count(self.least)
        return {
            edge: (self.known.get(edge) if o.rule not in PARTS and o.count == 1 else None) or next(further)
            for o, edge in edges
        }

    @cached_property
    def parameters(self) -> set[int]:
        """The keys of the parameters of modules among the inputs."""
        return {entry.key for entry in self.trace.inputs if entry.kind == "Parameter"}

    @cached_property
    def kept(self) -> dict[int, int]:
        """The bytes that each operation keeps for the way back, by key, with `--kept`."""
        return {each.key: each.size for each in self.trace.kept}

    @cached_property
    def users(self) -> dict[int | None, list[tuple[Operation, Edge]]]:
        """Who uses a value: (operation, edge) by the key of the source."""
        found: dict[int | None, list[tuple[Operation, Edge]]] = {}
        for operation in self.operations:
            for edge in operation.edges:
                found.setdefault(edge.source, []).append((operation, edge))
        return found

    @cached_property
    def strongest(self) -> float:
        """The norm of the largest contribution that an edge carries; 0 where none was kept."""
        flows = (edge.flow for o in self.operations for edge in o.inputs)
        return max((flow.norm or 0.0 for flow in flows if flow is not None), default=0.0)

    @property
    def computed(self) -> tuple[Operation, ...]:
        """The shown operations without the inputs."""
        return tuple(operation for operation in self.operations if operation.rule)

    @property
    def scope(self) -> str:
        """Say what is shown: `"10,000 operations, put together to 40"`, or nothing when it is all as it is."""
        loop = len(self.trace.sweeps) > 1  # its own count is another thing than the last graph's
        shown, total = len(self.computed), self._recorded if loop else self.total
        part = tr("showing {shown:,} of {n:,} operations", shown=shown, n=total) if shown < total else ""
        if shown < sum(o.count for o in self.computed) == total:
            part = tr("{n:,} operations, put together to {shown:,}", n=total, shown=shown)
        if any(operation.rule in PARTS for operation in self.operations):
            part = tr(
                "{n:,} operations in {shown:,} rows", n=total, shown=shown
            )  # or in boxes that stand as rows
        if not loop:
            return part
        if not part:
            return tr("the graph of the last sweep")
        return tr("the graph of the last sweep, {part}", part=part)

    @property
    def _recorded(self) -> int:
        return int(np.count_nonzero(Columns.of(self.trace.operations).computed))

    @property
    def total(self) -> int:
        """How many operations there were."""
        return max(self.trace.total, self._recorded)

    @property
    def counts(self) -> tuple[str, str]:
        """How many operations and sweeps there were: `("2 operations", "1 sweep")`."""
        sweeps = max(1, len(self.trace.sweeps))
        return (
            tr("{n:,} operation{s}", n=self.total, s="s" * (self.total != 1)),
            tr("{n:,} sweep{s}", n=sweeps, s="s" * (sweeps > 1)),
        )

    @property
    def alerts(self) -> tuple[Note, ...]:
        """The notes that the reader must not miss."""
        return tuple(note for note in self.trace.notes if note.kind not in REMARKS)

    @property
    def remarks(self) -> tuple[Note, ...]:
        """The notes that are only good to know: they stand below the table."""
        return tuple(note for note in self.trace.notes if note.kind in REMARKS)
