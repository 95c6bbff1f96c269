"""Run one cell as the shell would, with the wanted names lifted; find its result; sweep; put everything back.

In: a host (IPython's shell, or what stands for it), the cell's text, the options. Out: a `Trace` for the report.
Never `run_cell`: it swallows errors, so that Run All would go on after one.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine import arrays, tape
from ..engine.errors import NoGradError, NonScalarError, NoResultError, ShapeError
from ..engine.sweep import sweep
from ..engine.tape import Node, walk
from ..engine.tensor import Tensor, seed
from ..engine.tracked import Tracked
from ..report.model import Trace
from . import source
from .collect import CellRecorder, collect
from .lift import Lifted, Lifter, is_float, liftable
from .names import instrument, listening, parse_names, simple_values, usage

MOST_UNNAMED = 100_000  # arrays with more entries are lifted only by name


@dataclass(frozen=True)
class Options:
    """What the magic's line says; the names are those of its options."""

    names: tuple[str, ...] = ()
    of: str = ""
    gradient: str = ""
    device: str | None = None
    dtype: str | None = None


@dataclass
class Source:
    """The text of a cell or file, made ready to run: where it is cached, and how the reader counts its lines."""

    text: str
    tree: ast.Module
    filename: str
    label: str
    first_line: int
    compile: Callable[[Any, str, str], Any] = field(repr=False)


class Failed(Exception):
    """The cell raised: carries the partial trace; the user's exception is its cause."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.error)
        self.trace = trace


class Run:
    """One run of one cell."""

    def __init__(self, cell: Source, namespace: dict[str, Any], options: Options) -> None:
        self.cell, self.namespace, self.options = cell, namespace, options
        self.reads, self.assigns = usage(cell.tree)
        self.values = simple_values(cell.tree)
        self.lifter = Lifter(namespace, options.device, options.dtype)
        self.recorder = CellRecorder(cell.filename, parameters=self._followed)
        self.lifter.on_lift = self._lifted
        self.order: dict[str, None] = {}  # top-level names by the time of their last assignment
        self.shown: list[Any] = []  # the last expression's value
        self.notes: list[tuple[str, str, int | None]] = []
        self.waiting: set[str] = set()  # names of the line that the cell is yet to assign
        self.unnamed = not options.names
        self.lift_new: Callable[[str, Any], bool] = lambda name, value: False

    # -- the run ---------------------------------------------------------------------------------
    def prepare(self) -> tuple[Any, Any]:
        """Lift what is there and compile the cell: (statements, last expression or None)."""
        source.remember(self.cell.filename, self.cell.label)
        try:
            if self.unnamed:
                self._lift_unnamed()
            else:
                for name in parse_names(list(self.options.names)):
                    if not self.lifter.name(name, 1, self.assigns):
                        self.waiting.add(name)
                self.lift_new = lambda name, value: name in self.waiting
        except BaseException:
            self.lifter.put_back()
            raise
        self._warn_of_aliases()
        tree = instrument(self.cell.tree)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
        run = self.cell.compile
        statements = run(tree, self.cell.filename, "exec")
        return statements, None if last is None else run(last, self.cell.filename, "eval")

    def execute(self) -> Trace:
        """Run the cell and give its trace.

        Raises
        ------
        Failed
            If the cell raised; the trace is of what was computed until then.
        """
        statements, last = self.prepare()
        return self._guarded(lambda: self._plain(statements, last))

    async def execute_async(self) -> Trace:
        """Run a cell that awaits; otherwise as `execute`."""
        statements, last = self.prepare()
        error = None
        with tape.watch(self.recorder), listening(self.hear):
            try:
                value = eval(statements, self.namespace)
                if isinstance(value, types.CoroutineType):
                    await value
                if last is not None:
                    value = eval(last, self.namespace)
                    self.shown.append(await value if isinstance(value, types.CoroutineType) else value)
            except BaseException as raised:
                error = raised
        return self._guarded(lambda: None, error)

    def _plain(self, statements: Any, last: Any) -> None:
        with tape.watch(self.recorder), listening(self.hear):
            exec(statements, self.namespace)
            if last is not None:
                self.shown.append(eval(last, self.namespace))

    def _guarded(self, run: Callable[[], None], error: BaseException | None = None) -> Trace:
        try:
            if error is None:
                try:
                    run()
                except BaseException as raised:
                    error = raised
            if error is not None:
                trace = collect(self, None, error=error)
                raise Failed(trace) from error
            return self._finish()
        finally:
            self.recorder.root_node = None
            self.lifter.put_back(self.lifter.lifted)

    def hear(self, name: str, value: Any, top: bool) -> Any:
        """An assignment ran: remember what the value is called; lift it if it is one of the wanted."""
        if top:
            self.order.pop(name, None)
            self.order[name] = None
            if not isinstance(value, Tracked) and self.lift_new(name, value):
                self.waiting.discard(name)
                if liftable(value) or isinstance(value, (dict, list, tuple)):
                    value = self.lifter._lift_any(name, value) if not self.unnamed else self.lifter.value(name, value)
            elif name in self.waiting and isinstance(value, Tensor) and value.node is not None:
                self.waiting.discard(name)
                self.lifter.value(name, value)
        if isinstance(value, Tracked) and value.node is not None:
            self.recorder.name(value.node, name)
        return value

    def _lifted(self, tracked: Any) -> None:
        self.recorder.starts.keep(tracked.node.number, tracked.array)
        self.recorder.whole.add(tracked.node.number)

    # -- what to lift ----------------------------------------------------------------------------
    def _lift_unnamed(self) -> None:
        read = {name: self.namespace[name] for name in self.reads if name in self.namespace}
        read |= _globals_of(read, self.namespace)
        if any(_uses_tensors(value) for value in read.values()) or _imports_gradmagic(self.cell.tree):
            return  # a program of tensors: they say themselves where gradients are wanted
        candidates = {n: v for n, v in read.items() if liftable(v) and not n.startswith("_")}
        large = [n for n, v in candidates.items() if np.size(v) > MOST_UNNAMED]
        for n in large:
            self.notes.append(
                ("large", f"{n} has {np.size(candidates.pop(n)):,} entries: its gradient is taken only by name (%%grad {n}).", None)
            )
        floats = {n: v for n, v in candidates.items() if is_float(v)}
        first = {n: v for n, v in self.values.items() if n not in self.reads}
        ints_only = not floats and all(_is_int_literal(v) for v in first.values() if not _reads(v, self.assigns))
        for name, value in (candidates if ints_only else floats).items():
            if isinstance(value, (int, np.integer)) or getattr(value, "dtype", np.dtype(float)).kind in "iu":
                if not ints_only:
                    continue
            self.lifter._named(name, value)

        def wanted(name: str, value: Any) -> bool:
            if name not in first or name in self._seen or not liftable(value):
                return False
            self._seen.add(name)
            return (is_float(value) or ints_only) and np.size(value) <= MOST_UNNAMED

        self._seen: set[str] = set()
        self.lift_new = wanted

    def _warn_of_aliases(self) -> None:
        """An array of an earlier cell that shares memory with a lifted one stays plain: say so."""
        for name, value in self.namespace.items():
            if name in self.reads and type(value) is np.ndarray:
                for entry in self.lifter.lifted:
                    if type(entry.original) is np.ndarray and np.may_share_memory(value, entry.original):
                        self.notes.append((
                            "alias",
                            f"{name} shares memory with {entry.name}, but was made in an earlier cell: no gradient flows "
                            f"through it. Make it from {entry.name} inside this cell.",
                            self.reads[name],
                        ))  # fmt: skip

    def _followed(self) -> dict[str, Tracked]:
        if self.lifter.lifted:
            return {e.name: e.tracked for e in self.lifter.lifted}
        return {n: v for n, v in self.namespace.items() if isinstance(v, Tensor) and v.requires_grad and v.is_leaf}

    # -- the result ------------------------------------------------------------------------------
    def _finish(self) -> Trace:
        recorder = self.recorder
        if self.waiting:
            name = sorted(self.waiting)[0]
            raise NoResultError(
                f"{name} is on the %%grad line, but the cell assigns it no array or number at its top level: "
                f"write {name} = ... at the start of a line of the cell, or define it in an earlier cell."
            )
        if recorder.root_node is not None and not self.options.of:
            return collect(self, recorder.root_node)
        name, result = self._result()
        node: Node = result.node
        if any(node is e.node for e in self.lifter.lifted):
            raise NoResultError(
                f"{name} is both on the %%grad line and the result, and its gradient by itself is 1: "
                f"name what it is computed from, or another result with --of."
            )
        g = self._seed(name, result)
        with tape.watch(recorder):
            recorder.counting = False
            inputs = [e.node for e in self.lifter.lifted]
            sweep(node, g, retain=True, inputs=inputs + [n for n in walk(node) if n.rule is None] if inputs else None)
        return collect(self, node, name=name, value=result.array, own=True)

    def _result(self) -> tuple[str, Tracked]:
        if self.options.of:
            with tape.watch(self.recorder):
                value = eval(compile(self.options.of, "<--of>", "eval"), self.namespace)
            if not isinstance(value, Tracked) or value.node is None:
                raise NoResultError(f"--of {self.options.of} does not depend on {self._inputs()}: name a result that does.")
            return self.options.of, value
        if self.shown and isinstance(self.shown[0], Tracked) and self.shown[0].node is not None:
            value = self.shown[0]
            held = next((n for n in reversed(self.order) if self.namespace.get(n) is value), None)
            body = self.cell.text.rstrip().splitlines()
            return held or source.compact(body[-1].strip().rstrip(";")) if body else "result", value
        named = {e.name for e in self.lifter.lifted}
        for name in reversed(self.order):
            value = self.namespace.get(name)
            if isinstance(value, Tracked) and value.node is not None and name not in named:
                return name, value
        for name in reversed(self.order):
            value = self.namespace.get(name)
            if isinstance(value, Tracked) and value.node is not None and value.node.rule is not None:
                return name, value
        lifted = [n for n in named if isinstance(self.namespace.get(n), Tracked)]
        if len(lifted) == 1 and lifted[0] in self.order:
            return lifted[0], self.namespace[lifted[0]]
        raise NoResultError(
            f"nothing that the cell computes depends on {self._inputs()}: assign the result to a name or end the cell "
            "with it, or name what it does depend on (%%grad x y)."
            + (f" {self._hint()}" if self._hint() else "")
        )

    def _hint(self) -> str:
        cut = next(iter(self.recorder.cuts.values()), None)
        if cut is None:
            return ""
        place = source.resolve(cut.place, self.cell.filename)
        return f"The path ends in line {place.line}: {place.text} makes a plain number or array of it."

    def _inputs(self) -> str:
        names = [e.name for e in self.lifter.lifted]
        return " or ".join(names) if names else "an array, a number or a tensor that requires grad"

    def _seed(self, name: str, result: Tracked) -> Any:
        gradient: Any = None
        if self.options.gradient:
            gradient = eval(compile(self.options.gradient, "<--gradient>", "eval"), self.namespace)
            gradient = gradient.array if isinstance(gradient, Tracked) else gradient
            if not isinstance(gradient, Tensor):
                gradient = np.asarray(gradient, result.node.aval.tangent)  # type: ignore[union-attr]
                if not gradient.ndim and result.node.aval.shape:  # type: ignore[union-attr]
                    gradient = np.broadcast_to(gradient, result.node.aval.shape)  # type: ignore[union-attr]
        elif result.node.aval.size != 1:  # type: ignore[union-attr]
            from .collect import depends_entry_by_entry

            shape = tuple(result.node.aval.shape)  # type: ignore[union-attr]
            each = depends_entry_by_entry(result.node, [e.node for e in self.lifter.lifted])
            slope = f" (each {name}[k] depends on one entry only, so this gives the slope at every point)" if each else ""
            raise NonScalarError(
                f"grad can be implicitly created only for scalar outputs: {name} has the shape {shape}. "
                f"Write {name}.sum(){slope} or {name}.mean() in the cell, or %%grad ... --of \"{name}.sum()\", "
                f"or --gradient V with one weight for each entry."
            )
        try:
            return seed(result, gradient)
        except (ShapeError, NoGradError) as error:
            raise type(error)(f"--gradient {self.options.gradient}: {error}") from None


def _globals_of(read: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """Give the globals that the user's own functions, called by the cell, read."""
    found: dict[str, Any] = {}
    todo = [v for v in read.values() if isinstance(v, types.FunctionType)]
    seen: set[int] = set()
    while todo:
        function = todo.pop()
        if id(function) in seen or function.__globals__ is not namespace:
            continue
        seen.add(id(function))
        for name in _code_names(function.__code__):
            if name in namespace and name not in read:
                found[name] = namespace[name]
                if isinstance(namespace[name], types.FunctionType):
                    todo.append(namespace[name])
    return found


def _code_names(code: types.CodeType) -> set[str]:
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*map(_code_names, inner)) if inner else set(code.co_names)


def _uses_tensors(value: Any, depth: int = 0) -> bool:
    if isinstance(value, Tensor):
        return True
    if isinstance(value, types.ModuleType):
        return value.__name__.split(".")[0] == "gradmagic"
    if isinstance(value, (types.FunctionType, type)):
        return (getattr(value, "__module__", "") or "").split(".")[0] == "gradmagic"
    if depth < 3 and isinstance(value, (list, tuple)):
        return any(_uses_tensors(v, depth + 1) for v in value[:1000])
    if depth < 3 and isinstance(value, dict):
        return any(_uses_tensors(v, depth + 1) for v in list(value.values())[:1000])
    return any(kind.__module__.split(".")[0] == "gradmagic" for kind in type(value).__mro__)


def _imports_gradmagic(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(n.split(".")[0] == "gradmagic" for n in names):
            return True
    return False


def _is_int_literal(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    return isinstance(value, ast.Constant) and type(value.value) in (int, str, bool, type(None))


def _reads(value: ast.expr, names: dict[str, int]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(value))


