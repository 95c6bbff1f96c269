"""What formulas call a value, so that a name stands for one value in a whole report, and each formula is true.

In: the columns of a tape, the values of its constants. Out: for an operation a name of the reader's; its expression, if
that is short and every name in it is known; else a sign (`h₂`, `u₃`). A rule's formula is filled with these.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from ...engine.core.values import Value, summarise
from ...engine.rules.formulas import Words
from ...engine.tape.tracked import is_a, raw
from ...report.model import Operation, Place
from ...report.operations import CONSTANT, Columns, Kind
from ...report.signs import MARK, marked, signed
from ..reading.source import compact, filled_in, parsed
from .expressions import (
    arguments_in,
    expression_of,
    fits,
    is_literal,
    is_value,
    literal,
    mark_of,
    readable,
    words_of,
)

LONGEST = 24  # an expression that stands in a formula for a value without a name
DEEP = 12  # expressions within an expression
MANY = 100  # operations of one call that are looked at for another value of it
DEEPEST = 60  # values that are asked for their names one for the other
_LETTERS = "u v w q s t r p".split()
_CONSTANT_LETTERS = "c k d m n".split()


class Naming:
    """What formulas call the values of a tape.

    Parameters
    ----------
    columns : Columns
    constants : mapping of int to tuple
        By an operation's key, the values of its arguments that are constants, as far as they are known.
    rebound : set of str
        Names that the source assigns more than once.
    namespace : mapping of str to object
        What the reader's names are after the run.
    """

    def __init__(
        self, columns: Columns, constants: Mapping[int, tuple[Any, ...]], rebound: set[str],
        namespace: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.columns, self.constants, self.rebound = columns, constants, rebound
        self.modules = {name for name, value in namespace.items() if is_a(value, ModuleType)}
        self._called: dict[int, str] = {}
        self._deep = 0
        self._ranks: dict[str, Any] = {}
        self._codes: dict[str, list[int]] = defaultdict(list)
        rules: dict[int, set[str]] = defaultdict(set)  # of a place
        self._followed: set[Any] = set()  # arguments, by their place, that are followed at some turn
        for code, kind in enumerate(columns.kinds):
            for name in kind.names:
                self._codes[name].append(code)
            rules[id(kind.place)].add(kind.rule)
            for edge in kind.inputs:
                if edge.source is not None:
                    self._followed.add((_spot(kind), edge.argument))
        # Where arrays are written into, a name may have another value at each line.
        self._in_place = any(
            kind.rule == "set_item" or (kind.place is not None and _AUGMENTED.search(kind.place.text))
            for kind in columns.kinds
        )
        self._several = {code for code, kind in enumerate(columns.kinds) if len(rules[id(kind.place)]) > 1}
        self._written = self._writes()
        self._variants = self._variants_of()
        self._held = {  # what constants are called now: the tape keeps no word of the reader's
            text: mark_of(raw(namespace[text])) for text in self._variants if text in namespace
        }
        for kind in columns.kinds:
            if kind.place is not None and any(len(names) > len(kind.inputs) + 1 for names in kind.parameters):  # type: ignore[union-attr]
                words = [word for word in words_of(kind.place.text) if word in namespace]
                self._held |= {word: mark_of(raw(namespace[word])) for word in words}
        used = self._codes.keys() | self._variants.keys()
        self._letter = next((c for c in _LETTERS if c not in used), "value")
        self._constant = next((c for c in _CONSTANT_LETTERS if c not in used | {self._letter}), "constant")

    # ---- what is asked for -----------------------------------------------------------------------------------------
    def formula(self, key: int, argument: int) -> str:
        """Give the local derivative of an operation by one argument."""
        kind = self._kind(key)
        edge, names = kind.inputs[argument], kind.parameters[argument]  # type: ignore[union-attr]
        formula = edge.formula or edge.words
        if not formula or not names:
            return formula
        used = words_of(formula)
        texts = tuple(self._argument(key, i - 1) if name in used else "" for i, name in enumerate(names))
        if any(name in used and not text for name, text in zip(names, texts, strict=True)):
            return ""  # of something that has no name
        if isinstance(formula, Words):
            put = zip(names, (text if text.isidentifier() else f"({text})" for text in texts), strict=True)
            return signed(formula.said(dict(put)))
        return signed(filled_in(formula, names, texts))

    def called(self, key: int) -> str:
        """Give what formulas call the value of an operation."""
        return signed(self._call(key))

    def constant(self, key: int, argument: int) -> str:
        """Give what formulas call a constant."""
        return signed(self._of_constant(key, argument))

    def key(self, sign: str) -> int | None:
        """Find the operation that a sign stands for."""
        base, _, number = marked(sign).partition(MARK)
        if not number:
            return None
        if base == self._letter:
            found = int(np.searchsorted(self._unnamed, int(number)))
        else:
            positions = self._positions(base)
            found = int(positions[int(number) - 1]) if int(number) <= len(positions) else -1
        return found if 0 <= found < len(self.columns.codes) and self.called(found) == sign else None

    def within(self, key: int) -> bool:
        """Tell whether a value was made on the way to that of the expression which stands at its place."""
        place = self._kind(key).place
        after = self.columns.codes[key + 1 : key + 2].tolist()
        tree = None if place is None else expression_of(place.text)
        if place is None or tree is None:  # `buf[:2] *= 3` is several operations, all of it
            return False
        if isinstance(tree, ast.Call) and self._entry(key, tree):
            return True
        shared = self.columns.codes[key] in self._several
        if after and self.columns.kinds[after[0]].place is place and shared:
            return True
        return self._kind(key).rule in _PARTS or _SEVERAL.search(place.text) is not None

    def _entry(self, key: int, tree: ast.Call) -> bool:
        """Tell whether a value is one of several that a call makes, or takes apart: `P(*x)`, `list(map(np.sin, x))`."""
        kind, kinds = self._kind(key), self.columns.kinds
        if kind.rule == "getitem":
            return not fits(kind.rule, tree)
        if arguments_in(tree, kind.rule, kind.torch, self.modules) is not None:
            return False  # a call of the operation itself, at some turn
        used: set[int] = set()
        for before in range(key, max(-1, key - MANY), -1):
            if kinds[self.columns.codes[before]].place is not kind.place:
                return False
            if before != key and before not in used:
                return True
            used.update(self._sources(before))
        return False

    def given(self, key: int, argument: int) -> Value | None:
        """Give the value of a constant, where it is known."""
        value = self._value(key, argument)
        return value if value is None or isinstance(value, Value) else summarise(value)

    # ---- values ----------------------------------------------------------------------------------------------------
    def _kind(self, key: int) -> Kind | Operation:
        return self.columns.kinds[self.columns.codes[key]]

    def _sources(self, key: int) -> list[int]:
        starts = self.columns.starts
        return self.columns.sources[starts[key] : starts[key + 1]].tolist()  # type: ignore[no-any-return]

    def _argument(self, key: int, argument: int) -> str:
        if argument < 0:
            return self._call(key)
        sources = self._sources(key)
        if argument < len(sources) and sources[argument] != CONSTANT:
            return self._call(sources[argument])
        return self._of_constant(key, argument)

    def _call(self, key: int) -> str:
        found = self._called.get(key)
        if found is None:
            # A value without a name has its sign while its expression is looked at; deep in a chain of such, always.
            found = self._called[key] = self._named(key) or self._sign(key)
            if found == self._sign(key) and self._deep < DEEPEST:
                self._deep += 1
                found = self._called[key] = self._expression(key) or found
                self._deep -= 1
        return found

    def _named(self, key: int) -> str:
        kind = self._kind(key)
        names = kind.names or self._written.get(key, ())
        plain = [name for name in names if name.replace(".", "").isidentifier() and readable(name)]
        only = [name for name in plain if self._count(name) == 1]
        if not kind.rule:  # as the table calls it; what is in a container has no other name
            return readable(next(iter([*only, *plain, *names]), ""))
        if only:
            return readable(only[-1])
        last = next((name for name in reversed(plain) if name.isidentifier()), "")
        return f"{last}{MARK}{self._rank(last, key)}" if last else ""

    def _sign(self, key: int) -> str:
        """Give the sign of a value without a name: its number among all that have none."""
        return f"{self._letter}{MARK}{int(self._unnamed[key])}"

    @property
    def _unnamed(self) -> Any:
        if "" not in self._ranks:
            kinds = self.columns.kinds
            named = [any(n.isidentifier() or (not k.rule and readable(n)) for n in k.names) for k in kinds]
            without = ~np.array(named, bool)
            without = without[self.columns.codes]
            self._ranks[""] = np.cumsum(without)
        return self._ranks[""]

    def _positions(self, name: str) -> Any:
        """Give the keys of all values that have this name."""
        if name not in self._ranks:
            found = np.flatnonzero(np.isin(self.columns.codes, self._codes.get(name, [])))
            more = [key for key, names in self._written.items() if name in names]
            self._ranks[name] = np.union1d(found, more).astype(int) if more else found
        return self._ranks[name]

    def _count(self, name: str) -> int:
        """Tell how many values have this name, constants among them."""
        return len(self._positions(name)) + len(self._variants.get(name, ()))

    def _rank(self, name: str, key: int) -> int:
        return int(np.searchsorted(self._positions(name), key)) + 1

    def _writes(self) -> dict[int, tuple[str, ...]]:
        """Give the names of what was written into, `u[0] = v`, where what comes of it has no name any more."""
        codes = [c for c, kind in enumerate(self.columns.kinds) if kind.rule == "set_item" and not kind.names]
        found: dict[int, tuple[str, ...]] = {}
        for key in np.flatnonzero(np.isin(self.columns.codes, codes)).tolist() if codes else ():
            before = self._sources(key)[0]
            names = found.get(before) or (self._kind(before).names if before != CONSTANT else ())
            if names:
                found[key] = names[-1:]
        return found

    # ---- expressions -----------------------------------------------------------------------------------------------
    def _expression(self, key: int) -> str:
        """Write a value as its expression, with the names that formulas have; "" if that is long, or not sure."""
        kind = self._kind(key)
        place = kind.place
        if place is None or not place.text or kind.rule in _NO_EXPRESSION or len(place.text) > LONGEST:
            return ""
        after = self.columns.codes[key + 1 : key + 2].tolist()
        if self.within(key) or (after and self.columns.kinds[after[0]].place is place):
            return ""
        tree = expression_of(place.text)
        if tree is None or not fits(kind.rule, tree):
            return ""
        known: dict[str, str] = {}
        if not self._names_in(key, tree, known, DEEP):
            return ""
        text = self._spelt(tree, known, place, key)
        return text if len(signed(text)) <= LONGEST else ""

    def _spelt(self, tree: ast.expr, known: Mapping[str, str], place: Place, key: int) -> str:
        """Put what formulas call the values into an expression; "" if one of its names is not sure."""
        if _ONCE.search(place.text):
            return ""
        functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        into: dict[str, ast.expr] = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Lambda, ast.comprehension, ast.NamedExpr, ast.Await, ast.JoinedStr)):
                return ""
            if not isinstance(node, ast.Name) or id(node) in functions or node.id in self.modules:
                continue
            if node.id in known:
                into[node.id] = expression_of(known[node.id]) or node
            elif not self._sure(node.id, place, key):
                return ""
        if not into:
            return compact(ast.unparse(tree))
        return filled_in(ast.unparse(tree), tuple(into), tuple(ast.unparse(part) for part in into.values()))

    def _sure(self, name: str, place: Place, key: int) -> bool:
        """Tell whether a name that no argument explains has one value in the whole report, known by then."""
        known = self._positions(name)
        if (
            name in self.rebound
            or self._count(name) > 1
            or (known > key).any()
            or (len(known) and self._in_place)
        ):
            return False
        return place.function is None  # in a function it may be one of its own

    def _names_in(self, key: int, tree: ast.expr, known: dict[str, str], deep: int) -> bool:
        """Find what the names in the expression of an operation are called; False where one would be two values."""
        kind = self._kind(key)
        parts = self._aligned(key, tree)
        if parts is None or not deep:
            return True
        for i, (part, source) in enumerate(zip(parts, self._sources(key), strict=False)):
            text = ast.unparse(part)
            if isinstance(part, ast.Name):
                called = self._argument(key, i)
                if source == CONSTANT and kind.place is not None and kind.place.function is not None:
                    called = literal(self._value(key, i))  # the function's own name, which nobody else knows
                    if not called:
                        return False
                if known.setdefault(part.id, called) != called:
                    return False
            elif source != CONSTANT and self._text(source) == text:  # its own names are within it
                sure = self._names_in(source, part, known, deep - 1)
                if not sure:
                    return False
        return True

    def _text(self, key: int) -> str:
        place = self._kind(key).place
        tree = expression_of(place.text) if place is not None else None
        return ast.unparse(tree) if tree is not None else ""

    def _aligned(self, key: int, tree: ast.AST) -> list[ast.expr] | None:
        """Give the expressions of an operation's arguments, where they are sure to be that."""
        kind = self._kind(key)
        if self.columns.codes[key] in self._several:
            return None
        return arguments_in(tree, kind.rule, kind.torch, self.modules)

    # ---- constants -------------------------------------------------------------------------------------------------
    def _value(self, key: int, argument: int) -> Any:
        values = self.constants.get(key, ())
        return values[argument] if argument < len(values) else None

    def _of_constant(self, key: int, argument: int) -> str:
        kind = self._kind(key)
        value = self._value(key, argument)
        text = kind.inputs[argument].constant if argument < len(kind.inputs) else ""
        written = literal(value)
        if argument >= len(kind.inputs):  # a setting, or what the rule takes for a constant
            return written or self._by_value(kind, value)
        tree = expression_of(text)
        own = value is not None and self._held.get(text) == mark_of(value)
        if tree is not None and (own or self._trusted(key, argument, text)):
            if is_literal(tree):
                return written if written and not is_value(tree, value) else text
            kinds = self._variants.get(text, {})
            if isinstance(tree, ast.Name):
                if self._count(text) <= 1 and (own or (_spot(kind), argument) not in self._followed):
                    return text
                rank = kinds.get(mark_of(value))
                if rank:
                    return f"{text}{MARK}{len(self._positions(text)) + rank}"
            elif len(kinds) <= 1 and len(text) <= LONGEST and kind.place is not None:
                spelt = self._spelt(tree, {}, kind.place, key)
                if spelt and len(spelt) <= LONGEST:
                    return spelt
        if written:
            return written
        rank = self._constant_ranks[self.columns.starts[key] + argument]
        return f"{self._constant}{MARK}{int(rank)}"

    @cached_property
    def _constant_ranks(self) -> Any:
        return np.cumsum(self.columns.sources == CONSTANT)

    def _by_value(self, kind: Kind | Operation, value: Any) -> str:
        """Find what the reader calls a constant: a name at the operation's place that has its value still."""
        text = kind.place.text if kind.place is not None else ""
        found = [
            word for word in words_of(text) if value is not None and self._held.get(word) == mark_of(value)
        ]
        return found[0] if len(found) == 1 else ""

    def _trusted(self, key: int, argument: int, text: str) -> bool:
        """Tell whether the text of a constant is sure to be its own."""
        kind = self._kind(key)
        tree = parsed(kind.place.text.strip()) if kind.place is not None else None
        if tree is None or not tree.body:
            return False
        body: Any = tree.body[0]
        parts = self._aligned(key, body if isinstance(body, ast.AugAssign) else getattr(body, "value", body))
        if parts is None or argument >= len(parts):
            return False
        own = expression_of(text)
        return own is not None and ast.unparse(parts[argument]) == ast.unparse(own)

    def _variants_of(self) -> dict[str, dict[str, int]]:
        """Number the values that each constant's text stands for."""
        found: dict[str, dict[str, int]] = {}
        for key in sorted(self.constants):
            kind, values = self._kind(key), self.constants[key]
            for edge, value in zip(kind.inputs, values, strict=False):
                if edge.source is None and value is not None and not _NUMBER.match(edge.constant):
                    known = found.setdefault(edge.constant, {})
                    known.setdefault(mark_of(value), len(known) + 1)
        return found


_NUMBER = re.compile(r"[-+\d.(]")
_AUGMENTED = re.compile(r"[-+*/@%]=(?!=)")
# What gives something else the next time.
_ONCE = re.compile(
    r"\b(next|pop\w*|input|random|rng|read\w*|send|normal|uniform|choice|rand\w*|perm\w*|time|get)\b"
)
# What gives several results, or writes, has no expression that is the value.
_PARTS = {"output"}
_SEVERAL = re.compile(r"\.(meshgrid|broadcast_arrays|\w*split|gradient|histogram\w*|unstack)\([^()]*\)$")
_NO_EXPRESSION = {"", "output", "set_item", "operations"}


def _spot(kind: Kind | Operation) -> tuple[Any, ...]:
    place = kind.place
    return () if place is None else (place.label, place.line, place.column, place.end_column)
