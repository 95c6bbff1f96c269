"""Whether what a report says of derivatives is true: every formula is evaluated and compared with the number beside it.

In: a program (what earlier cells ran, the names on the `%%grad` line, the cell). Out: a list of what is not true. A
formula's names are taken as the report calls its values, and what is a constant as the cell itself has it at that line.
"""

from __future__ import annotations

import ast
import builtins
import random
import re
import sys
import warnings
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special

from gradmagic.engine.core.values import Value
from gradmagic.engine.tape.tracked import raw
from gradmagic.report.model import Edge, Operation, ReportError, Trace
from gradmagic.report.page.latex import to_latex
from gradmagic.report.parts.explain import every
from gradmagic.report.parts.paths import at_first, sum_over_paths
from gradmagic.report.parts.steps import steps
from gradmagic.report.shown.notation import latex, name
from gradmagic.report.shown.view import View
from gradmagic.report.signs import MARK, SIGN, marked
from tests.cell.helpers import fresh, traced

CELL = "<cell of a test>"
TOLERANCE = {"rtol": 2e-3, "atol": 1e-6}  # numbers are shown with four digits

# What is said in words, and means no formula.
PROSE = re.compile(
    r"1(/\d+)? for each .*|1, .*|1 where .*|1 at the .*|grad where .*|grad, .*|.* of each .*|not elementwise|"
    r"-?d \S+ / d .*|the (inverse|transpose|gradient|cotangent).*|.*: see .*"
)


def _softmax(z: Any, axis: int = -1) -> Any:
    return scipy.special.softmax(z, axis=axis)


def _one_hot(y: Any, classes: int) -> Any:
    return np.eye(classes)[np.asarray(y, int)]


FUNCTIONS: dict[str, Any] = {
    **{name: getattr(scipy.special, name) for name in scipy.special.__all__},
    **{name: getattr(builtins, name) for name in "float int bool abs complex len max min sum".split()},
    "np": np, "outer": np.outer, "softmax": _softmax, "one_hot": _one_hot, "sigmoid": scipy.special.expit,
    "Phi": scipy.special.ndtr, "digamma": scipy.special.digamma, "scipy": scipy, "special": scipy.special,
    "relu": lambda x: np.maximum(x, 0),
    "max_": lambda *a: np.maximum(*a) if len(a) > 1 else np.max(a[0]),
    "min_": lambda *a: np.minimum(*a) if len(a) > 1 else np.min(a[0]),
    "phi": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
}  # fmt: skip


class Untrue(Exception):
    """What is wrong with a formula."""


@dataclass
class Plain:
    """The cell run plainly: what each name was before and after each line, at every turn."""

    before: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    after: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    final: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def run(cls, setup: str, cell: str) -> Plain:
        found = cls(final=fresh(setup))
        last: dict[int, tuple[str, int]] = {}

        def follow(frame: Any, event: str, arg: Any) -> Any:
            if frame.f_code.co_filename not in ("<plain>", *_earlier(setup)):
                return None
            now = {n: _copied(v) for n, v in frame.f_locals.items() if not n.startswith("__")}
            where = (frame.f_code.co_name, frame.f_lineno)
            if id(frame) in last:
                found.after[last[id(frame)]].append(now)
            if event == "line":
                found.before[where].append(now)
                last[id(frame)] = where
            return follow

        code = compile(cell, "<plain>", "exec", dont_inherit=True)
        sys.settrace(follow)
        try:
            exec(code, found.final)
        except Exception:  # a partial report is true as well
            pass
        finally:
            sys.settrace(None)
        return found

    def of(self, name: str, operation: Operation) -> list[Any]:
        """Give the values of a name at the line of an operation, at every turn; [] if it has none there."""
        place = operation.place
        if place is None:
            states = [*self.before.values(), *self.after.values(), [self.final]]
            return [names[name] for found in states for names in found if name in names]
        spots = [(place.function or "<module>", line) for line in range(place.line, place.end_line + 1)]
        if place.line_in_cell is not None:
            spots += [(function, line) for function, line in self.before if line == place.line_in_cell]
        for spot in spots:
            for when in (self.before, self.after):
                values = [names[name] for names in when.get(spot, ()) if name in names]
                if values:
                    return values + [n[name] for n in self.after.get(spot, ()) if name in n]
        return [self.final[name]] if name in self.final else []


def _earlier(setup: str) -> tuple[str, ...]:
    return (f"<earlier cell {hash(setup)}>",)


def _copied(value: Any) -> Any:
    try:
        value = raw(value)
        return deepcopy(value) if not callable(value) and sys.getsizeof(value) < 10_000 else value
    except Exception:
        return value


def _array(value: Value | None) -> Any:
    """Give a value's numbers; None where they are not kept."""
    if value is None:
        return None
    if value.items is not None:
        made = np.array(value.items)
        return made if made.dtype.kind in "biufc" else None
    if value.low is not None and value.low == value.high and not value.nans and not value.infs:
        return np.full(value.shape, value.low)
    return None


def _like(array: Any, shape: tuple[int, ...]) -> Any:
    """Sum up over what broadcasting has repeated."""
    array = np.asarray(array)
    extra = array.ndim - len(shape)
    array = array.sum(axis=tuple(range(extra))) if extra > 0 else array
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and array.shape[i] != 1)
    return array.sum(axis=axes, keepdims=True) if axes else array


def _close(a: Any, b: Any) -> bool:
    """Tell whether two are equal, or one stands for every entry of the other."""
    try:
        a, b = np.broadcast_arrays(a, b)
    except ValueError:
        return False
    return bool(np.allclose(a, b, equal_nan=True, **TOLERANCE))


class Judge:
    """Holds what a trace says against its numbers."""

    def __init__(self, trace: Trace, plain: Plain, limit: int = 10**6) -> None:
        self.trace, self.plain = trace, plain
        self.view = View.of(trace, limit)
        self.faults: list[str] = []
        self.judged = 0
        self.values: dict[str, Any] = {}  # by what formulas call them
        self.owner: dict[str, Operation] = {}
        for o in self.view.operations:
            text = _normal(o.called or (o.names[-1] if o.names else ""))
            if text and (o.names or SIGN.fullmatch(o.called)):
                if text in self.owner:
                    self.faults.append(f"{o.called} are two values: {o.key}, {self.owner[text].key}")
                self.owner[text] = o
                value = _array(o.value)
                self.values[text] = value * 1 if value is not None and value.dtype == bool else value
        for o in trace.operations if self.view.groups else ():  # what is folded away is told in the legend
            if o.called in self.view.legends and _normal(o.called) not in self.values:
                self.values[_normal(o.called)] = _array(o.value)
                self.owner[_normal(o.called)] = o
        self.takers: dict[str, list[Operation]] = defaultdict(list)  # of a constant, by the names in it
        for o in trace.operations:
            for edge in o.inputs:
                for word in re.findall(r"[^\W\d]\w*", edge.called if edge.source is None else edge.formula):
                    self.takers[word].append(o)
                if edge.source is None and edge.called and SIGN.fullmatch(edge.called) and edge.given:
                    given = _array(edge.given)
                    self.values[_normal(edge.called)] = given if given is None else given * 1

    # ---- evaluating ------------------------------------------------------------------------------------------------
    def evaluated(self, text: str, operation: Operation, grad: Any = None) -> Any:
        """Evaluate a formula that stands at an operation; None where a value is not known."""
        try:
            tree = ast.parse(marked(text), mode="eval")
        except SyntaxError:
            raise Untrue(f"{text!r} is no formula") from None
        names: dict[str, Any] = {"grad": grad}
        judge = self

        class Put(ast.NodeTransformer):
            def visit(self, node: ast.AST) -> Any:
                if isinstance(node, ast.Call):  # the name of a function is no value
                    if isinstance(node.func, ast.Attribute):
                        base = node.func.value
                        names_a_module = isinstance(base, ast.Name) and base.id not in judge.values
                        node.func.value = base if names_a_module else self.visit(base)
                        if names_a_module:
                            names[base.id] = FUNCTIONS.get(base.id) or judge.constant(
                                base.id, operation, text
                            )
                    elif isinstance(node.func, ast.Name):
                        names[node.func.id] = FUNCTIONS.get(node.func.id) or judge.constant(
                            node.func.id, operation, text
                        )
                    node.args = [self.visit(argument) for argument in node.args]
                    for keyword in node.keywords:
                        keyword.value = self.visit(keyword.value)
                    return node
                own = ast.unparse(node) if isinstance(node, ast.expr) else ""
                if own in judge.values:
                    judge.at_line(own, operation, text)
                    names[f"v{len(names)}_"] = judge.values[own]
                    return ast.Name(f"v{len(names) - 1}_", ast.Load())
                if isinstance(node, ast.Name) and node.id in ("float", "int", "bool", "complex"):
                    return node
                if isinstance(node, ast.Name) and node.id not in ("grad", "np", "True", "False"):
                    names[node.id] = judge.constant(node.id, operation, text)
                if isinstance(node, ast.Name) and node.id == "np":
                    names["np"] = np
                if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                    names["not_"] = np.logical_not
                    return ast.Call(ast.Name("not_", ast.Load()), [self.visit(node.operand)], [])
                if isinstance(node, ast.Compare) and len(node.ops) > 1:
                    names["and_"] = np.logical_and
                    (a, b), (x, y, z) = node.ops, (node.left, *node.comparators)
                    x, y, z = self.visit(x), self.visit(y), self.visit(z)
                    both = [ast.Compare(x, [a], [y]), ast.Compare(y, [b], [z])]
                    return ast.Call(ast.Name("and_", ast.Load()), both, [])
                return self.generic_visit(node)

        tree = ast.fix_missing_locations(Put().visit(tree))
        if any(value is None for name, value in names.items() if name != "grad"):
            return None
        if grad is None and "grad" in {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}:
            return None
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return np.asarray(raw(eval(compile(tree, "<formula>", "eval"), dict(names)))) * 1
            except Exception as error:
                raise Untrue(f"{text!r} raises {type(error).__name__}: {error}") from None

    def constant(self, name: str, operation: Operation, text: str) -> Any:
        if MARK in name:
            return None if name in self.values else self._unknown(f"the sign {name} in {text!r}")
        users = [operation] if operation.place is not None else self.takers.get(name, [operation])
        values = [value for user in users for value in self.plain.of(name, user)]
        if not values:
            self._unknown(f"{name!r} in {text!r}, which is nobody's name at line {_line(operation)}")
        first = values[0]
        if callable(first) or not isinstance(
            first, (int, float, complex, np.ndarray, np.generic, list, tuple)
        ):
            return first
        if any(not _alike(first, other) for other in values):
            if operation.place is None or operation.place.function is not None:
                return None  # at one of the function's calls it was right
            raise Untrue(f"{name!r} in {text!r} had several values at line {_line(operation)}")
        return first

    def _unknown(self, what: str) -> Any:
        raise Untrue(f"nothing is known of {what}")

    def at_line(self, name: str, operation: Operation, text: str) -> None:
        """A reader's name must have this value at the operation's own line."""
        value = self.values[name]
        if MARK in name or not name.isidentifier() or value is None or self.owner[name].rule == "":
            return
        there = self.plain.of(name, operation)
        if there and not any(_alike(value, other) for other in there):
            raise Untrue(f"{name!r} in {text!r} is another value at line {_line(operation)}")

    # ---- judging ---------------------------------------------------------------------------------------------------
    def told(self, what: str, operation: Operation, check: Any) -> None:
        self.judged += 1
        try:
            check()
        except Untrue as untrue:
            self.faults.append(f"{what} at {operation.key} {self.view.title(operation)!r}: {untrue}")

    def all(self) -> list[str]:
        for o in self.view.operations:
            for edge in o.edges:
                self.told(
                    "edge",
                    o,
                    lambda o=o, edge=edge: self.edge(o, edge, edge.formula or self.view.words(o, edge)),
                )
                self.told("label", o, lambda o=o, edge=edge: self.label(o, edge))
                if edge.formula:
                    self.told("LaTeX", o, lambda o=o, edge=edge: self.typeset(o, edge))
        self.steps()
        self.paths()
        if not self.view.groups:  # it is of all operations
            self.explained()
        self.latex()
        return self.faults

    def edge(self, o: Operation, edge: Edge, text: str) -> None:
        if o.dtype == "float16":
            return  # it has three digits
        local, flow, grad = _array(edge.local), _array(edge.flow), _array(o.grad)
        source = self.view.by_key[edge.source]
        if not text or o.count > 1:
            return
        body, summed = text.removesuffix(", summed"), text.endswith(", summed")
        if PROSE.fullmatch(text) and not (summed and body == "1"):
            return
        value = self.evaluated(body, o, grad)
        if value is None:
            return
        if re.search(r"\bgrad\b", body):
            if flow is not None and not _close(_like(value, source.shape) if summed else value, flow):
                raise Untrue(f"{text!r} is {_short(value)}, not {_short(flow)}")
        elif local is not None and not _close(value, local):
            raise Untrue(f"{text!r} is {_short(value)}, not {_short(local)}")
        elif local is None and flow is not None and grad is not None:
            try:
                whole = value.shape == source.shape and not o.shape  # of a number by all entries
                carried = (
                    value * grad if whole else _like(np.broadcast_to(value * grad, o.shape), source.shape)
                )
            except ValueError:
                raise Untrue(f"{text!r} times the gradient has another shape than the value") from None
            if not _close(carried, flow):
                raise Untrue(f"{text!r} carries {_short(carried)}, not {_short(flow)}")

    def label(self, o: Operation, edge: Edge) -> None:
        label = self.view.derivative(o, edge)
        parts = [
            part.strip()
            for part in re.split(r" = (?![^(\[]*[)\]])", re.sub(r" \((first|last)\)$", "", label))
        ]
        if parts[0].startswith("d") and "/d" in parts[0]:
            parts = parts[1:]
        local = _array(edge.local)
        for part in parts:
            if "…" in part:
                raise Untrue(f"{label!r} is cut off")
            if PROSE.fullmatch(part) or " .. " in part or part.endswith((" everywhere", "]")):
                continue
            if part == (edge.formula or self.view.words(o, edge)) or o.count > 1 or part.endswith(", summed"):
                continue  # judged as the edge
            if local is not None and not local.shape and not _close(_number(part), local):
                raise Untrue(f"{label!r}: {part} is not {_short(local)}")

    def typeset(self, o: Operation, edge: Edge) -> None:
        text = latex(edge.formula)
        if r"\texttt" in text or o.count > 1 or o.dtype == "float16":
            return
        python = _python_of(text, {*self.values, *self.plain.final})
        local = _array(edge.local)
        value = self.evaluated(python, o)
        if value is not None and local is not None and not _close(value, local):
            raise Untrue(f"{text!r}, read as {python!r}, is {_short(value)}, not {_short(local)}")

    def steps(self) -> None:
        for step in steps(self.view):
            o = self.view.by_key[step.key]
            for flow, edge in zip(step.flows, o.edges, strict=True):
                self.told("step", o, lambda o=o, flow=flow, edge=edge: self._step(o, flow.how, edge))

    def _step(self, o: Operation, how: str, edge: Edge) -> None:
        product = re.fullmatch(r"(.*)\*\(\d+\) = (.*)", how)
        text = product[2] if product else re.sub(r"^\(\d+\) ?", "", how)
        if PROSE.fullmatch(edge.formula):
            return
        if "…" in text:
            raise Untrue(f"{how!r} is cut off")
        if not text or PROSE.fullmatch(text) or o.count > 1 or o.dtype == "float16":
            return
        text, real = text.removesuffix(", the real part"), text.endswith(", the real part")
        body, summed = text.removesuffix(", summed"), text.endswith(", summed")
        value = self.evaluated(body, o, _array(o.grad))
        value = np.real(value) if real and value is not None else value
        flow, source = _array(edge.flow), self.view.by_key[edge.source]
        if value is not None and flow is not None and re.search(r"\bgrad\b|\*", body):
            if summed and np.broadcast_shapes(np.shape(value), o.shape) == o.shape:
                value = _like(np.broadcast_to(value, o.shape), source.shape)
            if not _close(value, flow):
                raise Untrue(f"{text!r} is {_short(value)}, not {_short(flow)}")

    def paths(self) -> None:
        for entry in self.trace.inputs:
            total = sum_over_paths(self.view, entry.key) if entry.reached else None
            if total is None or self.trace.result is None:
                continue
            o = self.view.by_key[entry.key]
            self.told("path", o, lambda o=o, total=total: self._path(o, total))

    def _path(self, o: Operation, total: Any) -> None:
        grad = _array(o.grad)
        if (
            total.values
            and grad is not None
            and not _close(eval(total.values, {"NaN": np.nan, "inf": np.inf}), grad)
        ):
            raise Untrue(f"{total.values} is not {_short(grad)}")
        if total.formulas and grad is not None:
            # Each factor at its own line, and the whole as the sum of products.
            for path in total.paths:
                for user, edge in path:
                    self.edge(user, edge, edge.formula)
            body, summed = total.formulas.removesuffix(", summed"), total.formulas.endswith(", summed")
            value = self.evaluated(body, o)
            if value is None:
                return
            shapes = [user.shape for path in total.paths for user, _ in path]
            above = _array(self.view.by_key[self.trace.result.key].grad)
            value = value * (above if above is not None else 1)
            if summed:
                value = _like(np.broadcast_to(value, np.broadcast_shapes(*shapes)), o.shape)
            if not _close(value, grad):
                raise Untrue(f"{total.formulas!r} is {_short(value)}, not {_short(grad)}")
            first = at_first(self.view, o.key)
            if first is not None:
                product, _, value = first[1].rpartition(" = ")
                if not _close(eval(product, {"NaN": np.nan, "inf": np.inf}), float(value)):
                    raise Untrue(f"{first}")

    def explained(self) -> None:
        try:
            told = every(self.view, 40, 100_000)
        except ReportError:
            return
        for key, entries in told.items():
            o = self.view.by_key[key]
            for i, one in enumerate(entries):
                self.told("explain", o, lambda o=o, i=i, one=one: self._explained(o, i, one))

    def _explained(self, o: Operation, i: int, one: Any) -> None:
        grad = _array(o.grad)
        if grad is None or one.note:
            return
        for text in (one.formula, one.numbers):
            if not text or "terms more" in text:
                continue
            value = self.evaluated(text, o)
            off = 3e-3 * (1 + (0 if re.search(r"[^\W\d_]", text) else _size(text)))
            if value is not None and not np.allclose(value, np.ravel(grad)[i], 3e-3, off, equal_nan=True):
                raise Untrue(f"{one.slope} = {text!r} is {_short(value)}, not {_short(np.ravel(grad)[i])}")
        for sign in SIGN.findall(one.formula):
            if not any(line.startswith(f"{sign} = ") for line in one.legend):
                raise Untrue(f"{sign} in {one.formula!r} is not told")

    def latex(self) -> None:
        text = to_latex(self.view)
        for o in self.view.operations:
            sign = name(o.called) if SIGN.fullmatch(o.called) else ""
            rows = text.split("\n")
            if sign and sign in text and not any(row.startswith(rf"{sign} &= \text") for row in rows):
                self.faults.append(f"LaTeX: {sign} is not told in {text}")


def _size(text: str) -> float:
    """Add up the sizes of what a sum of rounded numbers is made of."""
    return float(eval(text.replace("-", "+")))


def _number(text: str) -> complex:
    return complex({"True": "1", "False": "0"}.get(text, text.replace("NaN", "nan")))


def _normal(text: str) -> str:
    try:
        return ast.unparse(ast.parse(marked(text), mode="eval"))
    except SyntaxError:
        return ""


def _line(operation: Operation) -> object:
    return operation.place.line if operation.place is not None else None


def _alike(a: Any, b: Any) -> bool:
    try:
        return np.shape(raw(a)) == np.shape(raw(b)) and _close(
            np.asarray(raw(a)) * 1.0, np.asarray(raw(b)) * 1.0
        )
    except (TypeError, ValueError):
        return type(a) is type(b)


def _short(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=5, threshold=6).replace("\n", " ")


def _python_of(text: str, names: set[str]) -> str:
    """Read LaTeX of formulas as Python again."""
    text = text.replace(r"\left|", "np.abs(").replace(r"\right|", ")")
    text = (
        text.replace(r"\left[", "(")
        .replace(r"\right]", ")")
        .replace(r"\left", "")
        .replace(r"\right", "")
        .replace(r"\,", "@")
        .replace(r"\cdot", "*")
    )
    for sign, python in ((r"\le", "<="), (r"\ge", ">="), (r"\ne", "!=")):
        text = re.sub(re.escape(sign) + r"(?![a-z])", python, text)
    text = re.sub(r"(?<![a-z=<>!])=(?!=)", "==", text)
    text = re.sub(r"\\(log_2|log_\{10\})", lambda m: "np." + re.sub(r"\W|_", "", m[1]), text)
    text = re.sub(r"_\{\((\d+)\)\}", MARK + r"\1", text)
    return _braces(text, names)


def _braces(text: str, names: set[str]) -> str:
    """Turn commands and braces into Python from the outside in."""
    found, i = "", 0
    while i < len(text):
        rest = text[i:]
        command = re.match(r"\\([A-Za-z]+)", rest)
        if command:
            name, i = command[1], i + command.end()
            if name == "frac":
                above, i = _group(text, i)
                below, i = _group(text, i)
                found += f"(({_braces(above, names)})/({_braces(below, names)}))"
            elif name == "sqrt":
                inner, i = _group(text, i)
                found += f"np.sqrt({_braces(inner, names)})"
            elif name in ("mathrm", "text", "operatorname"):
                inner, i = _group(text, i)
                inner = inner.replace(r"\_", "_")
                spaces = [s for s in ("", ".linalg", ".fft") if hasattr(getattr(np, s[1:], np), inner)]
                found += f"np{spaces[0]}.{inner}" if name == "operatorname" and spaces else inner
            elif name in ("max", "min"):
                found += f"{name}_"
            else:
                found += f"np.{name}" if name in _NUMPY else {"neg": "not"}.get(name, name)
        elif rest.startswith("^{"):
            inner, i = _group(text, i + 1)
            if inner == r"\top":
                found += ".T"
            else:
                base = re.search(r"(?<![\w.])e$", found)
                found = (
                    found[: base.start()] + f"np.exp({_braces(inner, names)})"
                    if base
                    else f"{found}**({_braces(inner, names)})"
                )
        elif rest.startswith("_{"):
            inner, i = _group(text, i + 1)
            parts = _braces(inner, names)
            word = re.search(r"\w+$", found)
            one_name = word is not None and (word[0] + parts in names or word[0] + "_" + parts in names)
            joint = "" if word is None or word[0] + parts in names else "_"
            found += joint + parts if one_name else f"[{parts}]"
        elif text[i] == "{":
            inner, i = _group(text, i)
            found += _braces(inner, names)
        else:
            found += text[i]
            i += 1
    return found


_NUMPY = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "log", "sum"}


def _group(text: str, i: int) -> tuple[str, int]:
    """Read what stands in the braces that open at `i`."""
    depth, start = 0, i
    for j in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[j], 0)
        if not depth:
            return text[start + 1 : j], j + 1
    raise Untrue(f"{text!r} has open braces")


def faults(setup: str, names: str, cell: str, **options: Any) -> tuple[list[str], int]:
    """Trace a program and give what of its report is not true, and how many sayings were judged."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        trace = traced(cell, fresh(setup), names, **options)
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        plain = Plain.run(setup, cell)
        judge = Judge(trace, plain)
        found = judge.all()
    return found, judge.judged
