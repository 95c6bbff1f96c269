"""One view of a trace, shared by all parts of a report, so that an edge has one number and a value one name everywhere.

In: a `Trace` and how many operations may be shown. Out: a `View`: the operations after folding, the numbers of the
edges, and how each value is called and written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

import numpy as np

from ...engine.core.values import Value
from ..model import Edge, Note, Operation, Trace
from ..operations import UNNAMED, Columns, Kind, Selection, called
from ..signs import DIGITS, SIGN
from .fold import alike_all, grouped, joined, looped, taken_apart, turns
from .numbers import brief, number, shape_of
from .simplified import operand, tidied
from .typeset import clip, width
from .words import SIMPLE, TRANSPOSED, WORDS, of_dense, of_product

_AUGMENTED = re.compile(r"[\w.\[\]:'\", -]+(\*\*|//|>>|<<|[-+*/%@&|^])=(?!=)")

PARTS = {"line", "module", "call", "turn"}  # rules of what stands for its operations (wholes.py)
# Kinds of notes that are no cause for concern.
REMARKS = {"dtype", "guard", "numeric", "agrees", "sum", "unchanged", "unused"}


def told(note: Note) -> str:
    """Write a note with its line in front, once."""
    lead = f"line {note.line}: " if note.line else ""
    return note.text if note.text.startswith(lead) else lead + note.text


@dataclass(frozen=True)
class View:
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
                choices.append({int(g.keys[i]): f"turn {i + 1:,} of {count:,}" for g in body for i in shown})
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

    @cached_property
    def by_key(self) -> dict[int | None, Operation]:
        """The shown operations by key; no operation has the key None, as the source of a constant is."""
        return {operation.key: operation for operation in self.operations}

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
        """Say what part is shown: `"showing 40 of 10,000 operations"`, or nothing when it is all."""
        loop = len(self.trace.sweeps) > 1  # its own count is another thing than the last graph's
        shown, total = len(self.computed), self._recorded if loop else self.total
        part = f"showing {shown:,} of {total:,} operations" if shown < total else ""
        if any(operation.rule in PARTS for operation in self.operations):
            part = f"showing {total:,} operations as {shown:,} lines or modules"
        return ", ".join(piece for piece in ("the graph of the last sweep" if loop else "", part) if piece)

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
        return f"{self.total:,} operation{'s' * (self.total != 1)}", f"{sweeps:,} sweep{'s' * (sweeps > 1)}"

    @property
    def alerts(self) -> tuple[Note, ...]:
        """The notes that the reader must not miss."""
        return tuple(note for note in self.trace.notes if note.kind not in REMARKS)

    @property
    def remarks(self) -> tuple[Note, ...]:
        """The notes that are only good to know: they stand below the table."""
        return tuple(note for note in self.trace.notes if note.kind in REMARKS)

    @property
    def operand(self) -> str:
        """The result's name to stand behind a d: `z`, `(a**2)`."""
        return operand(self.result_name)

    @property
    def result_name(self) -> str:
        """What the result is called: its name, or the text of the expression."""
        result = self.trace.result
        return (result.name or clip(result.text, 20) or "result") if result else "result"

    def result_value(self, gap: str = " ") -> str:
        """Write the result in a few words: a number with more digits than elsewhere, an array's shape and range."""
        value = self.trace.result.value if self.trace.result else None
        if value is None or not value.shape:
            return number(value.items, 6, point=True) if value else ""
        return f"{shape_of(value.shape)}{gap}{brief(value)}"

    def slope(self, name: str) -> str:
        """Write the result's derivative by an input: `dz/dx`."""
        return f"d{self.operand}/d{name}"

    def name(self, key: int | None, room: int = 24) -> str:
        """Call a value: by the reader's name, or by its expression."""
        operation = self.by_key.get(key)
        if operation is None:
            return "?"
        if operation.names:
            return own_sign(operation) or operation.names[0]
        text = self.expression(operation)
        return text if width(text) <= room else self._sign(operation) or clip(text, room)

    def called(self, edge: Edge) -> str:
        """Give what formulas call the value that an edge brings, and no other value."""
        if edge.source is None:
            return edge.called or edge.constant
        operation = self.by_key.get(edge.source)
        if operation is None:
            return "?"
        return operation.called or (operation.names[-1] if operation.names else self.expression(operation))

    def _operand(self, edge: Edge) -> str:
        """Call what an edge brings; a constant that only a sign could tell, as it is written."""
        unknown = edge.source is None and edge.given is None and SIGN.fullmatch(edge.called)
        return edge.constant if unknown else self.called(edge)

    @cached_property
    def signs(self) -> set[str]:
        """The signs that stand in the formulas of this view, and those of its values."""
        told = (edge.formula or self.words(o, edge) for o in self.operations for edge in o.edges)
        own = (own_sign(operation) for operation in self.operations)
        calls = (
            self.expression(o) for o in self.operations if o.within or o.place is None or not o.place.text
        )
        return {sign for text in (*told, *own, *calls) for sign in SIGN.findall(text)}

    @cached_property
    def _names(self) -> set[str]:
        """The names that values and constants have anywhere."""
        return {name for kind in Columns.of(self.trace.operations).kinds for name in _names(kind)}

    def _at_any_turn(self, text: str) -> str:
        """Write `h` for what is `h₂₀` at the last turn of a folded loop."""
        return SIGN.sub(
            lambda sign: base if (base := sign[0].rstrip(DIGITS)) in self._names else sign[0], text
        )

    def _of_any_turn(self, operation: Operation) -> Operation:
        if operation.count == 1 or not any(SIGN.search(edge.formula) for edge in operation.inputs):
            return operation
        inputs = (replace(edge, formula=self._at_any_turn(edge.formula)) for edge in operation.inputs)
        return replace(operation, inputs=tuple(inputs))

    def _sign(self, operation: Operation) -> str:
        """Give the sign by which formulas call an operation; "" where none does."""
        return operation.called if operation.count == 1 and operation.called in self.signs else ""

    def legend(self, texts: Iterable[str]) -> list[str]:
        """Say what the signs in some texts stand for: `"u₃ = 1 + np.exp(-x), line 2"`."""
        wanted = dict.fromkeys(sign for text in texts for sign in SIGN.findall(text))
        return [f"{sign} = {self.legends[sign]}" for sign in wanted if sign in self.legends]

    @cached_property
    def legends(self) -> dict[str, str]:
        """What each sign stands for: the expression and the line, of a constant the value."""
        found: dict[str, str] = {}
        for operation in self.operations:
            if SIGN.fullmatch(operation.called):
                found[operation.called] = self._told(operation)
            for edge in operation.inputs:
                if SIGN.fullmatch(edge.called):
                    found.setdefault(edge.called, _constant(operation, edge))
        for sign in self.signs - found.keys():  # of what a box stands for with others
            inner = called(self.trace.operations, sign)
            if inner is not None:
                found[sign] = self._told(inner)
        return found

    @property
    def unsaid(self) -> list[str]:
        """What the signs in this view's formulas stand for, where no title of an operation says it."""
        titled = {own_sign(o) or self._sign(o) for o in self.operations if o.rule}
        return self.legend(sorted(self.signs - titled))

    def _told(self, operation: Operation) -> str:
        place = operation.place
        line = f", line {place.line}" if place is not None and place.line else ""
        where = f" in {place.function}" if line and place is not None and place.function else ""
        turn = f", the last of {operation.count:,}" if operation.count > 1 else ""
        return f"{clip(self.expression(operation), 60)}{line}{where}{turn}"

    def expression(self, operation: Operation) -> str:
        """Write the operation as the reader wrote it, or as a call when the source is not known."""
        place = operation.place
        if place is not None and place.text and (operation.rule in PARTS or not operation.within):
            return one_line(place.text)
        if not operation.rule:
            return operation.names[0] if operation.names else "input"
        return f"{operation.rule}({', '.join(clip(self._operand(edge), 16) for edge in operation.inputs)})"

    def sign_of(self, operation: Operation) -> str:
        """Give the sign by which this report calls a value; "" where it has none."""
        return own_sign(operation) or self._sign(operation)

    def title(self, operation: Operation, room: int = 60) -> str:
        """Write the operation with its name: `c = a + b`."""
        text = self.expression(operation)
        sign = self.sign_of(operation)
        name = sign or (operation.names[0] if operation.names else "")
        if operation.rule == "set_item" and SIMPLE.fullmatch(text):
            text = f"write {text}"  # `buf[0] = v` makes another value of buf
            text = f"{sign}: {text}" if sign else text
        elif name and operation.rule and _AUGMENTED.match(text):
            text = f"{sign}: {text}" if sign else text
        elif name and operation.rule and text != name:
            text = f"{name} = {text}"
        elif not operation.rule and operation.names:
            text = operation.names[0]
        times = f"  ×{operation.count}" if operation.count > 1 else ""
        return clip(text, room - width(times)) + times

    def derivative(self, operation: Operation, edge: Edge, sign: str | None = "d", room: int = 40) -> str:
        """Write an edge's local derivative: `de/dc = d = 2`, `2*x`, `1 for each y[k]`; without a sign only `d = 2`."""
        text, local = edge.formula or self.words(operation, edge), edge.local
        if width(text) > room:  # what is cut off says nothing: the number does
            text = "" if local is not None or edge.formula or edge.words else clip(text, room)
        if local is not None and not local.shape and not operation.shape:
            shown = number(local.items)
            if not _is_number(text, local.items):
                text = f"{text} = {shown}" if text and text != shown else shown
            if operation.count > 1 and not _is_number(text, local.items):
                text = f"{text} ({'first' if edge.early else 'last'})"
        elif not text and (local is not None or (not operation.shape and _is_one(operation.grad))):
            text = brief(local or edge.flow, 24)
        source = self.by_key.get(edge.source)
        if local is not None and source is not None and math.prod(source.shape) < math.prod(operation.shape):
            text += ", summed"  # over what broadcasting repeated
        above, below = self.name(operation.key), self.name(edge.source)
        readable = len(above) + len(below) <= 20 and SIMPLE.fullmatch(above) and SIMPLE.fullmatch(below)
        of_numbers = local is not None and not local.shape and not operation.shape
        if text and sign is not None and readable and of_numbers and above != below:
            return f"{sign}{above}/{sign}{below} = {text}"
        return text

    def _of_product(self, operation: Operation, edge: Edge, source: Operation) -> str:
        if edge.early:
            return ""  # of an earlier turn: its other operands are not known any more
        others = [self.called(e) for e in operation.inputs]
        if operation.count > 1:
            others = [self._at_any_turn(other) for other in others]
        if operation.rule == "dense":
            return of_dense(operation, edge.argument, others) if len(operation.shape) <= 2 else ""
        two = len(others) == 2
        return of_product(operation, edge.argument, source.shape, others[1 - edge.argument]) if two else ""

    def words(self, operation: Operation, edge: Edge) -> str:
        """Put a local derivative in words where it is no formula of one element."""
        source = self.by_key.get(edge.source)
        if source is None:
            return ""
        if edge.words:
            return self._at_any_turn(edge.words) if operation.count > 1 else edge.words
        name = self.called(edge)
        each = f"{name}[k]" if len(source.shape) == 1 and name.isidentifier() else "element"
        size, out = math.prod(source.shape), math.prod(operation.shape)
        if operation.rule in {"sum", "add.reduce"}:
            if not operation.shape and edge.flow is not None and edge.flow.low != edge.flow.high:
                return "1 where summed, else 0"
            return f"1 for each {each}"
        if operation.rule == "mean" and out:
            return f"1/{size // out} for each {each}"
        if operation.rule in {"matmul", "dot", "dense"}:
            return self._of_product(operation, edge, source)
        if operation.rule == "transpose" and len(source.shape) < 2:
            return "1"
        if operation.rule == "transpose" and len(source.shape) == 2:
            return "grad.T" if TRANSPOSED.search(self.expression(operation)) else WORDS["transpose"]
        if operation.rule == "set_item":
            return "1 where written" if edge.argument else "1 where kept, else 0"
        return WORDS.get(operation.rule, "")


def _names(kind: Kind | Operation) -> list[str]:
    return [*kind.names, *(edge.constant for edge in kind.inputs if edge.source is None)]


def own_sign(operation: Operation) -> str:
    """Give the sign that tells a value from others of the same name: `h₂`; "" where there are none."""
    single = operation.names and operation.count == 1
    return operation.called if single and SIGN.fullmatch(operation.called) else ""


_NUMBER = re.compile(r"-?[\d.]+(e[-+]\d+)?")


def _constant(operation: Operation, edge: Edge) -> str:
    place = operation.place
    line = f", line {place.line}" if place is not None and place.line else ""
    value = brief(edge.given)
    if edge.constant == UNNAMED or (
        value and edge.given is not None and edge.given.shape and _NUMBER.fullmatch(edge.constant)
    ):
        return f"{value + ', ' if value else ''}{UNNAMED}{line}"
    return f"{edge.constant}{f' = {value}' if value and value != edge.constant else ''}{line}"


def _is_one(value: Value | None) -> bool:
    return value is not None and not value.shape and value.items == 1


def _is_number(text: str, value: object) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False


def one_line(text: str) -> str:
    """Put a piece of source on one line."""
    return " ".join(text.split())


def circled(i: int) -> str:
    """Write an edge's number as a circled digit; past 10, which DejaVu and Liberation lack, in parentheses."""
    return chr(ord("①") + i - 1) if 1 <= i <= 10 else f"({i})"
