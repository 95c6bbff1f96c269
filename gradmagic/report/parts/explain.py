"""One entry of a gradient, expanded down to the inputs: `dc/da[0,0] = (2*a[0,0] + a[0,1] + a[0,1])/4 = 2`.

In: a `Trace`, and an entry as the reader writes it. Out: an `Explanation`: the sum over the paths from
the result to that entry, in the reader's names, and the same in numbers.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Never

import numpy as np

from ...engine.core.values import Value
from ...language import tr
from ..model import Edge, Input, Operation, ReportError, Trace
from ..shown.numbers import index_of, number
from ..shown.simplified import unparsed
from ..shown.terms import TERMS, Factor, Term, largest, written
from ..shown.typeset import sums, width
from ..shown.view import View
from ..signs import expression
from .largest_paths import complex_numbers, factor_of, largest_paths

LEAST = 40  # characters that a path takes, in names and in numbers
PATHS = 500  # that are all written down, or counted; of more the largest are looked for
OPERATIONS = 10_000  # of a tape
COLUMNS = 100  # of an explanation that is printed; a longer one is broken before a sign
LONGEST = 32  # characters of a factor; a longer one is written as its number


@dataclass(frozen=True)
class Explanation:
    """An entry of a gradient as a sum over paths.

    Attributes
    ----------
    slope : str
        What is explained: `"dc/da[0,0]"`.
    formula, numbers : str
        The sum in the reader's names, and with the names' values; equal where nothing has a name.
    value : str
        What it comes to.
    note : str
        What else must be said; `""` mostly.
    legend : tuple of str
        What the signs in the formula stand for.
    rest : str
        What the last number of the sum is, where only the largest paths are written out.
    """

    slope: str
    formula: str
    numbers: str
    value: str
    note: str = ""
    legend: tuple[str, ...] = ()
    rest: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The explanation in one to three lines that belong under each other."""
        formula = self.formula if self.formula not in ("", self.value) else ""
        numbers = self.numbers if self.numbers not in (self.formula, self.value) else ""
        told = [f"{self.slope} = {formula}"] if formula else []
        indent = " " * width(self.slope)
        told += [f"{indent if told else self.slope} = {numbers}"] if numbers else []
        told += [f"{indent if told else self.slope} = {self.value}"]
        return (*told, *self._below)

    @property
    def _below(self) -> tuple[str, ...]:
        return (*filter(None, (self.rest,)), *self.legend, *filter(None, (self.note,)))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self) -> str:
        below = self._below
        told = self.lines[: len(self.lines) - len(below)]
        line = " = ".join(line.strip().removeprefix("= ") for line in told)
        return "\n".join([line, *below] if width(line) <= COLUMNS else sums(self.lines, COLUMNS))


def explain(trace: Trace, entry: str) -> Explanation:
    """Expand one entry of a gradient.

    Parameters
    ----------
    trace : Trace
    entry : str
        An input's name and an index: `"a[0,0]"`; of a number the name alone.

    Raises
    ------
    ReportError
        If there is no such entry, or the derivatives on the way are not kept.
    """
    found, index = entry_of(trace, entry)
    if len(trace.operations) > OPERATIONS:
        raise ReportError(tr(
            "the gradient goes through {n:,} operations, and an entry is written out through at most {most:,}: "
            "take fewer turns of the loop.", n=len(trace.operations), most=OPERATIONS,
        ))  # fmt: skip
    flat = int(np.ravel_multi_index(index, found.value.shape)) if index else 0
    return _of_entry(_Paths(View.whole(trace)), found, flat, far=True)


def every(view: View, most: int, room: int) -> dict[int, list[Explanation]]:
    """Expand all entries of small gradients, `most` altogether; by the inputs' keys, along the flattened arrays.

    What is written may have so many characters; the first entry of a gradient tells whether all have room.
    """
    found: dict[int, list[Explanation]] = {}
    paths = _Paths(view, room // LEAST)
    for entry in view.trace.inputs:
        size = entry.value.size
        if not entry.reached or entry.grad is None or not 0 < size <= most:
            continue
        try:
            first = _of_entry(paths, entry, 0)
            room -= size * sum(map(len, first.lines))
            if room < 0:
                break
            found[entry.key] = [first, *(_of_entry(paths, entry, i) for i in range(1, size))]
        except ReportError:
            continue  # too large to be written down: the page says nothing of it
        most -= size
    return found


def _of_entry(paths: _Paths, entry: Input, flat: int, far: bool = False) -> Explanation:
    """Expand entry `flat` of the gradient by an input; with `far` also through large arrays and by very many paths."""
    view = paths.view
    name = entry.name + index_of(flat, entry.value.shape)
    slope = f"d{view.operand}/d{name}"
    try:
        terms, ways, total = paths.to(entry.key, flat), None, None
    except ReportError:
        if not far:
            raise
        terms, ways, total = paths.largest(entry, flat)
    if not terms:
        note = tr("{result} does not depend on {name}.", result=view.result_name, name=name)
        return Explanation(slope, "", "", "0", note)
    shown = largest(terms)
    if total is None:
        total = sum(math.prod(factor.value for factor in term) for term in terms)
        ways = len(terms)
    left = total - sum(math.prod(factor.value for factor in term) for term in shown)
    formula, numbers, rest = written(shown, True), written(shown, False), ""
    if ways is None or ways > len(shown):
        rest = _rest(number(left), None if ways is None else ways - len(shown))
        formula, numbers = (f"{text} + {number(left)}".replace("+ -", "- ") for text in (formula, numbers))
    grad, note = _whole(entry, flat), ""
    if grad is not None and not np.isclose(total, grad, rtol=1e-3, atol=1e-6, equal_nan=True):
        note = tr("The sweep gave {grad}: a hook or an option changed what flowed.", grad=number(grad))
    legend = tuple(view.legend([formula]))
    return Explanation(slope, formula, numbers, number(float(total)), note, legend, rest)


def _rest(left: str, ways: float | None) -> str:
    """Say what the paths that are not written out come to, as many as they are."""
    if ways is None:
        return tr("{left}: all other paths together.", left=left)
    if ways == 1:
        return tr("{left}: one more path, together.", left=left)
    n = f"{ways:,.0f}" if ways < 1e15 else number(ways)
    return tr("{left}: {n} more paths, together.", left=left, n=n)


def _whole(entry: Input, flat: int) -> float | None:
    """Give an entry of a gradient, where that was kept."""
    kept = entry.array
    if entry.grad is None:
        return None
    if kept is None and entry.grad.items is not None:
        kept = np.array(entry.grad.items)
    if kept is None or np.iscomplexobj(kept):
        return None
    return float(np.ravel(np.asarray(kept))[flat])


def entry_of(trace: Trace, text: str) -> tuple[Input, tuple[int, ...]]:
    """Find the input, and its entry, that the reader means."""
    text = str(text).strip()
    for entry in sorted(trace.inputs, key=lambda entry: -len(entry.name)):
        rest = text.removeprefix(entry.name)
        if rest == text or not re.fullmatch(r"(\s*\[[-\d\s,]*\])*", rest):
            continue
        index = tuple(int(i) for i in re.findall(r"-?\d+", rest))
        shape = entry.value.shape
        if len(index) != len(shape) or any(not -n <= i < n for i, n in zip(index, shape, strict=True)):
            raise ReportError(_no_entry(text, entry))
        return entry, tuple(i % n for i, n in zip(index, shape, strict=True))
    names = ", ".join(entry.name for entry in trace.inputs[:8]) or tr("none")
    raise ReportError(tr(
        "there is no input {text!r} to explain. The inputs of this report: {names}.", text=text, names=names,
    ))  # fmt: skip


def _no_entry(text: str, entry: Input) -> str:
    shape = entry.value.shape
    first = entry.name + index_of(0, shape)
    told = {"text": text, "name": entry.name, "shape": shape, "first": first}
    if not shape:
        return tr("there is no entry {text}: {name} is a number. Write {first!r}, say.", **told)
    if not entry.value.size:
        return tr("there is no entry {text}: {name} has the shape {shape}.", **told)
    return tr("there is no entry {text}: {name} has the shape {shape}. Write {first!r}, say.", **told)


class _Paths:
    """The paths from the result down to an entry, each a product of local derivatives."""

    def __init__(self, view: View, most: int = PATHS) -> None:
        self.view, self.result, self.most = view, view.trace.result, most

    def to(self, key: int, flat: int) -> list[Term]:
        """Follow all paths up from an entry; the factors of each stand from the result down."""
        found: list[Term] = []
        stack: list[tuple[int, int, Term]] = [(key, flat, ())]
        while stack:
            key, flat, term = stack.pop()
            if self.result is not None and key == self.result.key:
                found += self._begun(flat, term)
            uses = self.view.users.get(key, [])
            factors = [factor for user, edge in uses for factor in self._factors(user, edge, flat)]
            stack += [(*factor.at, (factor, *term)) for factor in reversed(factors)]
            if len(found) + len(stack) > self.most:
                raise ReportError(tr(
                    "more than {most} paths lead to this entry: too many to write down. Explain an entry of a "
                    "value nearer to the result, or a smaller example.", most=self.most,
                ))  # fmt: skip
        return found

    def largest(self, entry: Input, flat: int) -> tuple[list[Term], float | None, float]:
        """Give the largest paths, how many there are (None: not known), and what all come to."""
        found = largest_paths(self.view, entry.key, flat, TERMS)
        total = found.total if found.total is not None else _whole(entry, flat)
        if total is None:
            raise ReportError(tr(
                "the gradient by {name} is not kept, which the many paths to it are held against.", name=entry.name,
            ))  # fmt: skip
        terms = []
        for hops, weight in found.paths:
            term: Term = ()
            for hop in hops:
                k = factor_of(self.view, hop)
                text = (
                    self._other(hop.user, hop.edge, k)
                    if k >= 0
                    else self._formula(hop.user, hop.edge, hop.out)
                )
                term = (Factor((hop.user.key, hop.out), text, hop.value), *term)
            assert self.result is not None
            terms.append(term if weight == 1 else (Factor((self.result.key, -1), "", weight), *term))
        return terms, found.ways, total

    def _begun(self, flat: int, term: Term) -> list[Term]:
        """Begin a path at the result: with its weight where it is an array."""
        assert self.result is not None
        operation = self.view.by_key.get(self.result.key)
        grad = operation.grad if operation is not None else None
        if grad is None or not grad.shape:
            return [term]
        weight = float(_entries(grad, self.view.name(self.result.key)).flat[flat])
        return [(Factor((self.result.key, -1), "", weight), *term)] if weight else []

    def _factors(self, user: Operation, edge: Edge, flat: int) -> list[Factor]:
        """Give the derivatives of those entries of `user` that depend on entry `flat` of the edge's source."""
        if edge.jacobian:
            return [
                Factor((user.key, out), self._other(user, edge, k) if k >= 0 else "", value)
                for out, source, value, k in edge.jacobian
                if source == flat
            ]
        if edge.local is None:
            if edge.flow is not None and edge.flow.zeros == edge.flow.size:
                return []
            raise ReportError(tr(
                "the derivatives of {operation} entry by entry are not kept: its arrays are too large, or it was "
                "not computed in this cell. Explain a smaller example.", operation=self.view.title(user, 40),
            ))  # fmt: skip
        source = self.view.by_key[edge.source]
        numbers = np.broadcast_to(_entries(edge.local, self.view.name(user.key)), user.shape).ravel()
        if np.iscomplexobj(numbers) or "complex" in user.dtype or "complex" in source.dtype:
            raise ReportError(complex_numbers(self.view, user))
        entries = np.arange(math.prod(source.shape)).reshape(source.shape)
        return [
            Factor((user.key, out), self._formula(user, edge, out), float(numbers[out]))
            for out in np.flatnonzero(np.broadcast_to(entries, user.shape) == flat).tolist()
        ]

    def _other(self, user: Operation, edge: Edge, k: int) -> str:
        """Call entry `k` of the other operand of a product."""
        others = [e for e in user.inputs if e.argument != edge.argument and (e.source is not None or e.shape)]
        if len(others) != 1:
            return ""
        (other,) = others
        if other.source is None:
            text = other.called or other.constant
            plain = _PLAIN.fullmatch(text) and other.shape is not None
            return text + index_of(k, other.shape or ()) if plain else ""
        return self._called(other.source, k)

    def _called(self, key: int, k: int) -> str:
        """Call an entry of a value by the reader's name; through views to what they show."""
        operation = self.view.by_key[key]
        while not operation.names:
            origin = _origin(operation, k)
            if origin is None or self.view.by_key[origin[0]].dtype.startswith(
                "complex"
            ):  # of which it may be a part
                break
            operation, k = self.view.by_key[origin[0]], origin[1]
        text = operation.called or (
            operation.names[-1] if operation.names else self.view.expression(operation)
        )
        text = (text if _PLAIN.fullmatch(text) else f"({text})") + index_of(k, operation.shape)
        return text if len(text) <= LONGEST else ""

    def _formula(self, user: Operation, edge: Edge, out: int) -> str:
        """Write an elementwise derivative for one entry: `2*x` as `2*x[3]`; `""` where that cannot be told."""
        if not edge.formula:
            return ""
        known = {}
        for e in user.inputs:
            if e.source is None:
                known[_normal(e.called or e.constant)] = _Operand(e.shape)
        for operation in (user, *(self.view.by_key[e.source] for e in user.edges)):
            texts = (
                [operation.called]
                if operation.called
                else [*operation.names, self.view.expression(operation)]
            )
            for text in texts:
                known[_normal(text)] = _Operand(operation.shape, operation.key)
        index = np.unravel_index(out, user.shape) if user.shape else ()
        try:
            tree = _Indexed(known, index, self._called).visit(expression(edge.formula))
        except (SyntaxError, LookupError):
            return ""
        if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
            return ""
        text = re.sub(r"\[[-\d, ]+\]", lambda match: match[0].replace(" ", ""), unparsed(tree))
        return text if len(text) <= LONGEST else ""


_PLAIN = re.compile(r"[^\W\d]\w*")


class _Operand(NamedTuple):
    """What a piece of a formula stands for: its shape (None: not known), and the operation that made it."""

    shape: tuple[int, ...] | None
    key: int | None = None


def _normal(text: str) -> str:
    try:
        return ast.unparse(expression(text))
    except (SyntaxError, ValueError):
        return text


class _Indexed(ast.NodeTransformer):
    """Gives the operands of a formula the index of one entry of the result; LookupError where that cannot be told."""

    def __init__(
        self, known: dict[str, _Operand], index: tuple[Any, ...], called: Callable[[int, int], str]
    ) -> None:
        self.known, self.index, self.called = known, index, called

    def visit(self, node: ast.AST) -> Any:
        found = self.known.get(ast.unparse(node)) if isinstance(node, ast.expr) else None
        if found is None or isinstance(node, ast.Constant):
            return super().visit(node)
        shape, key = found
        if shape is None or len(shape) > len(self.index):
            raise LookupError(ast.unparse(node))
        last = self.index[len(self.index) - len(shape) :]
        at = tuple(0 if n == 1 else int(i) for i, n in zip(last, shape, strict=True))
        if key is not None:
            text = self.called(key, int(np.ravel_multi_index(at, shape)) if shape else 0)
        else:
            text = ast.unparse(node)
            text = text if not at or _PLAIN.fullmatch(text) else f"({text})"
            text += f"[{','.join(map(str, at))}]" if at else ""
        if not text:
            raise LookupError(ast.unparse(node))
        return expression(text)

    def visit_Name(self, node: ast.Name) -> Never:
        raise LookupError(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> Never:
        raise LookupError(node.attr)

    def visit_Call(self, node: ast.Call) -> ast.Call:  # a function keeps its name: np.exp
        node.args = [self.visit(argument) for argument in node.args]
        return node


def _origin(operation: Operation, k: int) -> tuple[int, int] | None:
    """Tell which entry of what value entry `k` simply is: of a transpose, a reshape, a part."""
    edges = operation.edges
    row = [entry for entry in edges[0].jacobian if entry[0] == k] if len(edges) == 1 else []
    plain = len(row) == 1 and row[0][2] == 1 and row[0][3] < 0
    return (edges[0].source or 0, row[0][1]) if plain else None


def _entries(value: Value, name: str) -> np.ndarray[Any, Any]:
    if value.items is None:
        raise ReportError(tr(
            "{name} has {n:,} entries, and a report keeps each of at most 100: explain a smaller example.",
            name=name, n=value.size,
        ))  # fmt: skip
    return np.array(value.items)
