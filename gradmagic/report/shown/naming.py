"""What values are called in a view, and how their derivatives are written: names, signs, titles, words.

In: the shown operations of a trace. Out: texts, in which a name or a sign stands for one value throughout the report.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from ...engine.core.values import Value
from ...language import mark, tr
from ..model import Edge, Operation, Trace
from ..operations import UNNAMED, Columns, Kind, called
from ..signs import DIGITS, SIGN
from .numbers import brief, number, shape_of
from .simplified import operand
from .typeset import clip, width
from .words import SIMPLE, TRANSPOSED, WORDS, of_dense, of_product, summed

_AUGMENTED = re.compile(r"[\w.\[\]:'\", -]+(\*\*|//|>>|<<|[-+*/%@&|^])=(?!=)")
PARTS = {
    mark("line"),
    mark("module"),
    mark("call"),
    mark("turn"),
    mark("step"),
}  # rules of what stands for its operations (wholes.py)


class Naming:
    """What a view calls and writes; `View` has the operations."""

    trace: Trace
    operations: tuple[Operation, ...]

    @cached_property
    def by_key(self) -> dict[int | None, Operation]:
        """The shown operations by key; no operation has the key None, as the source of a constant is."""
        return {operation.key: operation for operation in self.operations}

    @property
    def operand(self) -> str:
        """The result's name to stand behind a d: `z`, `(a**2)`."""
        return operand(self.result_name)

    @property
    def result_name(self) -> str:
        """What the result is called: its name, or the text of the expression."""
        result = self.trace.result
        return (result.name or clip(result.text, 20) or tr("result")) if result else tr("result")

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
            return edge.called or _written(edge.constant)
        operation = self.by_key.get(edge.source)
        if operation is None:
            return "?"
        return operation.called or (operation.names[-1] if operation.names else self.expression(operation))

    def _operand(self, edge: Edge) -> str:
        """Call what an edge brings; a constant that only a sign could tell, as it is written."""
        unknown = edge.source is None and edge.given is None and SIGN.fullmatch(edge.called)
        return _written(edge.constant) if unknown else self.called(edge)

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
        told = clip(self.expression(operation), 60)
        if place is not None and place.line and place.function:
            told = tr(
                "{what}, line {line} in {function}", what=told, line=place.line, function=place.function
            )
        elif place is not None and place.line:
            told = tr("{what}, line {line}", what=told, line=place.line)
        return tr("{what}, the last of {n:,}", what=told, n=operation.count) if operation.count > 1 else told

    def expression(self, operation: Operation) -> str:
        """Write the operation as the reader wrote it, or as a call when the source is not known."""
        place = operation.place
        if place is not None and place.text and (operation.rule in PARTS or not operation.within):
            return one_line(place.text)
        if not operation.rule:
            return operation.names[0] if operation.names else tr("input")
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
            text = tr("write {text}", text=text)  # `buf[0] = v` makes another value of buf
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
                text = tr("{text} (first)", text=text) if edge.early else tr("{text} (last)", text=text)
        elif not text and (local is not None or (not operation.shape and _is_one(operation.grad))):
            text = brief(local or edge.flow, 24)
        source = self.by_key.get(edge.source)
        if local is not None and source is not None and math.prod(source.shape) < math.prod(operation.shape):
            text = summed(text)  # over what broadcasting repeated
        above, below = self.name(operation.key), self.name(edge.source)
        readable = len(above) + len(below) <= 20 and SIMPLE.fullmatch(above) and SIMPLE.fullmatch(below)
        of_numbers = local is not None and not local.shape and not operation.shape
        if text and sign is not None and readable and of_numbers and above != below:
            return f"{sign}{above}/{sign}{below} = {text}"
        return text

    def product(self, operation: Operation, edge: Edge) -> tuple[str, bool]:
        """Write a local derivative that is a product with the gradient, `X.T @ grad`; "" where there is none.

        Tell also whether it is summed over what was repeated.
        """
        source = self.by_key.get(edge.source)
        if operation.rule not in {"matmul", "dot", "dense"} or source is None or edge.words or edge.early:
            return "", False  # of an earlier turn the other operands are not known any more
        others = [self.called(e) for e in operation.inputs]
        if operation.count > 1:
            others = [self._at_any_turn(other) for other in others]
        if operation.rule == "dense":
            return of_dense(operation, edge.argument, others) if len(operation.shape) <= 2 else ("", False)
        if len(others) != 2:
            return "", False
        return of_product(operation, edge.argument, source.shape, others[1 - edge.argument])

    def words(self, operation: Operation, edge: Edge) -> str:
        """Put a local derivative in words where it is no formula of one element."""
        source = self.by_key.get(edge.source)
        if source is None:
            return ""
        if edge.words:
            return self._at_any_turn(edge.words) if operation.count > 1 else edge.words
        name = self.called(edge)
        each = f"{name}[k]" if len(source.shape) == 1 and name.isidentifier() else tr("element")
        size, out = math.prod(source.shape), math.prod(operation.shape)
        if operation.rule in {"sum", "add.reduce"}:
            if not operation.shape and edge.flow is not None and edge.flow.low != edge.flow.high:
                return tr("1 where summed, else 0")
            return tr("1 for each {entry}", entry=each)
        if operation.rule == "mean" and out:
            return tr("1/{n} for each {entry}", n=size // out, entry=each)
        if operation.rule in {"matmul", "dot", "dense"}:
            product, is_summed = self.product(operation, edge)
            return summed(product) if is_summed else product
        if operation.rule == "transpose" and len(source.shape) < 2:
            return "1"
        if operation.rule == "transpose" and len(source.shape) == 2:
            return "grad.T" if TRANSPOSED.search(self.expression(operation)) else tr(WORDS["transpose"])
        if operation.rule == "set_item":
            return tr("1 where written") if edge.argument else tr("1 where kept, else 0")
        return tr(WORDS[operation.rule]) if operation.rule in WORDS else ""


def _names(kind: Kind | Operation) -> list[str]:
    return [*kind.names, *(edge.constant for edge in kind.inputs if edge.source is None)]


def kind_of(operation: Operation) -> str:
    """Name an operation's rule, or the kind of part that it stands for."""
    return tr(operation.rule) if operation.rule in PARTS else operation.rule


def own_sign(operation: Operation) -> str:
    """Give the sign that tells a value from others of the same name: `h₂`; "" where there are none."""
    single = operation.names and operation.count == 1
    return operation.called if single and SIGN.fullmatch(operation.called) else ""


_NUMBER = re.compile(r"-?[\d.]+(e[-+]\d+)?")


def _constant(operation: Operation, edge: Edge) -> str:
    place = operation.place
    value = brief(edge.given)
    if edge.constant == UNNAMED or (
        value and edge.given is not None and edge.given.shape and _NUMBER.fullmatch(edge.constant)
    ):
        told = tr("{value}, a constant", value=value) if value else tr(UNNAMED)
    else:
        told = f"{edge.constant}{f' = {value}' if value and value != edge.constant else ''}"
    return tr("{what}, line {line}", what=told, line=place.line) if place is not None and place.line else told


def _written(constant: str) -> str:
    return tr(constant) if constant == UNNAMED else constant


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
