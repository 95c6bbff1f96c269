"""Run one cell as the shell would, with the wanted names lifted; find its result; sweep; put everything back.

In: a host (IPython's shell, or what stands for it), the cell's text, the options. Out: a `Trace` for the report.
Never `run_cell`: it swallows errors, so that Run All would go on after one.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import ref

import numpy as np

from ..engine.core import arrays
from ..engine.core.interpreter import parse
from ..engine.faces.numpy.buffer import listed, plain
from ..engine.faces.torch.tensor import Tensor
from ..engine.following.block import following
from ..engine.sweeps.backward import sweep
from ..engine.sweeps.replay import Replay
from ..engine.tape import modes
from ..engine.tape.nodes import Leaf, Node, walk
from ..engine.tape.tracked import Tracked
from ..engine.watch.anomaly import detect_anomaly
from ..engine.watch.guard_where import guard_where
from ..engine.watch.memory_limit import cell_limit
from ..errors import NoResultError, StaleError
from ..report.model import Note, Trace
from .lifting.aliases import share
from .lifting.lift import Lifter, is_float, liftable
from .lifting.unnamed import globals_of, lift_unnamed
from .membrane.enter import paired
from .membrane.hooks import put_hooks
from .membrane.lifter import Inputs, seen_in
from .membrane.membrane import Membrane
from .membrane.table import Table, joined
from .membrane.tree import instrument as tree_with_hooks
from .options import Options
from .reading import source
from .reading.names import base_of, instrument, listening, parse_names, simple_values, usage
from .reading.source import Source
from .telling.cell_recorder import CellRecorder
from .telling.checked import Findings, check
from .telling.clock import Clock
from .telling.collect import collect
from .telling.holders import holder, leaves_in
from .telling.result import result_of, seed_of
from .telling.run_record import RunRecord
from .telling.sampling import Sampling


class Failed(Exception):
    """The cell raised: carries the partial trace; the user's exception is its cause."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.error)
        self.trace = trace


class Run:
    """One run of one cell."""

    def __init__(
        self, cell: Source, namespace: dict[str, Any], options: Options, membrane: bool = True
    ) -> None:
        source.set_label(cell.filename, cell.label)
        self.cell, self.namespace, self.options = cell, namespace, options
        uses = usage(cell.tree)
        elsewhere = options.device or options.dtype
        self.membrane = Membrane(cell.filename) if membrane and not elsewhere else None
        self.lifter: Lifter
        if self.membrane is not None:
            self.lifter = Inputs(self.membrane, namespace, options.device, options.dtype)
        else:
            self.lifter = Lifter(namespace, options.device, options.dtype)
        self.lifter.on_lift = self._lifted
        self.recorder = CellRecorder(cell.filename, cell.scope, parameters=self._followed)
        self.recorder.membrane = self.membrane
        self.record = RunRecord(cell, namespace, options, uses, self.recorder, self.lifter.lifted)
        self.notes = self.record.notes
        self.waiting: set[str] = set()  # names of the line that the cell is yet to assign
        self.traced: tuple[Any, ...] = ()  # functions, frames, or code with its global names
        self.lift_new: Callable[[str, Any], bool] = lambda name, value: False

        self.values = simple_values(cell.tree)  # before it is instrumented
        self.masking = guard_where(quiet=True)  # --guard
        self.replay = Replay()  # --check and --plot
        if options.time:
            self.record.clock = Clock(self.recorder)
        self.sampling = self.record.sampling = Sampling(
            self.recorder, self.value_of, self.record.begun, self.replay if options.plot else None
        )
        if options.check or options.plot:
            self.recorder.before_sweep = self._before_sweep

    # -- the run ---------------------------------------------------------------------------------
    def prepare(self) -> tuple[types.CodeType, types.CodeType | None]:
        """Lift what is there and compile the cell: (statements, last expression or None)."""
        body = self.cell.tree.body
        if body and isinstance(body[-1], ast.Expr):
            self.record.last_text = source.compact(ast.unparse(body[-1].value))
        statements, expression = self._compiled()
        self.traced = tuple((code, self.namespace) for code in (statements, expression) if code is not None)
        self.lift()
        return statements, expression

    def _compiled(self) -> tuple[types.CodeType, types.CodeType | None]:
        """Compile the cell with its hooks: (statements, last expression or None)."""
        body, last = self.cell.tree.body, None
        if body and isinstance(body[-1], ast.Expr):
            last = ast.Expression(body.pop().value)  # type: ignore[attr-defined]
        made: list[types.CodeType | None] = []
        for tree, mode in ((self.cell.tree, "exec"), (last, "eval")):
            if tree is None:
                made.append(None)
                continue
            plain = self.cell.compile(tree, self.cell.filename, mode) if self.membrane is not None else None
            hooked = self.cell.compile(self._hooked(tree), self.cell.filename, mode)
            made.append(hooked if plain is None else paired(plain, hooked))
        return tuple(made)  # type: ignore[return-value]

    def _hooked(self, tree: Any) -> Any:
        if self.membrane is None:
            return instrument(tree)
        names = self.namespace
        modules = {n for n, v in names.items() if issubclass(type(v), types.ModuleType)}
        modules -= self.record.uses.assigns.keys()
        put_hooks()
        return tree_with_hooks(instrument(tree, dots=False), modules)

    def lift(self) -> None:
        """Put tracked values in place of what is wanted and there; the rest is lifted as the cell assigns it."""
        try:
            uses = self.record.uses
            if not self.options.names:
                self.lift_new, notes = lift_unnamed(self.lifter, self.cell.tree, uses, self.values)
                self.notes += notes
            else:
                for name in parse_names(list(self.options.names)):
                    if name in uses.first or not self.lifter.name(name, 1, uses.assigns):
                        self.waiting.add(name)
                self.lift_new = lambda name, value: name in self.waiting
            self._lift_along()
        except BaseException:
            self.lifter.put_back()
            raise

    def execute(self) -> Trace:
        """Run the cell and give its trace.

        Raises
        ------
        Failed
            If the cell raised; the trace is of what was computed until then.
        """
        statements, last = self.prepare()
        try:
            with self._cell():
                exec(statements, self.namespace)
                if last is not None:
                    self.record.shown.append(eval(last, self.namespace))
            return self.finish()
        finally:
            self.put_back()

    async def execute_async(self) -> Trace:
        """Run a cell that awaits; otherwise as `execute`."""
        statements, last = self.prepare()
        try:
            with self._cell():
                await _awaited(eval(statements, self.namespace))
                if last is not None:
                    self.record.shown.append(await _awaited(eval(last, self.namespace)))
            return self.finish()
        finally:
            self.put_back()

    @contextmanager
    def _cell(self) -> Iterator[None]:
        """Watch the cell itself; what it raises becomes `Failed`."""
        try:
            with self.watching(), listening(self.hear if self.membrane is None else self.hear_plainly):
                yield
        except BaseException as error:
            self._settle()
            raise Failed(collect(self.record, None, error=error)) from error

    def put_back(self) -> None:
        """Let the graph go, and give every name what it would have without us."""
        self.recorder.root_node = None
        self.lifter.put_back(self.lifter.lifted)
        if self.membrane is not None:
            self.membrane.close()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record, hold the tape to the memory there is, and do what the options ask for."""
        options = self.options
        with ExitStack() as stack:
            stack.enter_context(modes.watch(self.record.clock or self.recorder))
            stack.enter_context(cell_limit())
            if self.membrane is not None:
                stack.enter_context(self.membrane)
            else:
                stack.enter_context(listed(self.lifter.buffers))
                stack.enter_context(following(*self.traced))
            again = options.check or options.plot
            for wanted, context in (
                (options.guard, self.masking), (again, self.replay), (options.stop, detect_anomaly()),
            ):  # fmt: skip
                if wanted:
                    stack.enter_context(context)
            if self.record.clock is not None:
                self.record.clock.start()
            yield

    def value_of(self, node: Node) -> Any:
        """Give an input's value: as it was lifted; a tensor's as it is now, before the loop's next step changes it."""
        if node.number in self.record.begun:
            return self.record.begun[node.number]
        if (start := self.recorder.starts.get(node.number)) is not None:
            return start.items if isinstance(start.items, (int, float)) else None
        held = holder(self.namespace, node)
        return None if held is None else np.copy(held.array)[()]

    def _before_sweep(self, root: Node, first: bool) -> None:
        if self.options.check and first:
            self._check(root, root.aval.one)
        if self.options.plot:
            self.sampling.before_sweep(root)

    def _check(self, root: Node, cotangent: Any) -> None:
        if root.aval.size == np.size(cotangent):
            self.record.findings = check(root, cotangent, self.replay, self.value_of)
        else:  # a sweep of the cell's own, whose weights are not known here
            failed = f"the cell's own sweep is of a result with {root.aval.size} entries"
            self.record.findings = Findings(failed=failed)

    def _note_masked(self) -> None:
        for masked in self.masking.acted:
            place = masked.place
            here = place if place is not None and place[0].co_filename == self.cell.filename else None
            line = source.span_of(here)[0] if here is not None else None
            self.notes.append(Note("guard", f"{masked.told(where=here is None)}.", line))

    def hear(self, name: str, value: Any, top: bool) -> Any:
        """An assignment ran: remember what the value is called; lift it if it is one of the wanted."""
        if top:
            apart = isinstance(value, Tracked) and not name.isidentifier()  # box.y: found by no name
            self.record.assigned.pop(name, None)
            self.record.assigned[name] = ref(value) if apart else None
            given = plain(value)
            if not isinstance(given, Tracked) and self.lift_new(name, given):
                self.waiting.discard(name)
                if liftable(given) or isinstance(given, (dict, list, tuple)):
                    lift = self.lifter.any if self.options.names else self.lifter.value
                    value = lift(name, given)
            elif name in self.waiting and isinstance(value, Tensor) and value.node is not None:
                self.waiting.discard(name)
                self.lifter.value(name, value)
        if isinstance(value, Tracked) and value.node is not None:
            self.recorder.name(value.node, name)
        return value

    def hear_plainly(self, name: str, value: Any, top: bool) -> Any:
        """`hear`, under a membrane."""
        table = self.membrane.table  # type: ignore[union-attr]
        node = value.node if isinstance(value, Tracked) else table.node(value)
        if top:
            self.record.assigned.pop(name, None)
            self.record.assigned[name] = None if name.isidentifier() else _found_again(table, value)
            if node is None and not isinstance(value, Tracked):
                if self._unknown(table.mark(value)) and self.lift_new(name, value):
                    self.waiting.discard(name)
                    if liftable(value) or isinstance(value, (dict, list, tuple)):
                        lift = self.lifter.any if self.options.names else self.lifter.value
                        value = lift(name, value)
                        node = table.node(value)
            elif name in self.waiting and isinstance(value, Tensor) and node is not None:
                self.waiting.discard(name)
                self.lifter.value(name, value)
        if node is not None:
            self.recorder.name(node, name)
        return value

    def _unknown(self, mark: Any) -> bool:
        """Tell whether a value is no input's: one that has lost its gradient is none, unless it is asked for."""
        return mark is None or (mark.node is None and bool(self.options.names))

    def _settle(self) -> None:
        """Under a membrane: let the record have the user's names with what is tracked, as the engine has it."""
        if self.membrane is None:
            return
        table = self.membrane.table
        self.record.namespace = seen_in(self.membrane, self.namespace)
        self.record.seen = table.wrapped
        self.record.evaluate = self._evaluate
        lost = [self.namespace.get(n) for n in self.record.assigned] + self.record.shown
        self.record.lost = joined(table.marks(lost))

    def _note_another(self, result: str) -> None:
        """Say so if the cell's last value is another, which has lost its gradient on the way."""
        table = self.membrane.table  # type: ignore[union-attr]
        shown = [(self.record.last_text, v) for v in self.record.shown if v is not None]
        latest = [(n, self.namespace[n]) for n in reversed(self.record.assigned) if n in self.namespace]
        for name, value in [*shown, *latest][:1]:
            mark = table.mark(value)
            if (
                name == result
                or self.options.of
                or not is_float(value)
                or (mark is not None and mark.node is not None)
            ):
                continue
            inputs, line = " and ".join(e.name for e in self.lifter.lifted), None
            if mark is None:
                text = f"{name}, the cell's last value, does not depend on {inputs}: this is the report on {result}."
            else:
                cut = min(mark.cuts, key=lambda c: (c.here or c.place)[1])
                place = cut.here or cut.place
                line = source.span_of(place)[0]
                text = (
                    f"{name} hangs on {inputs} only through {source.text_of(place)} in line {line}, where the gradient "
                    f"is lost: this is the report on {result}."
                )
            self.notes.insert(0, Note("cut" if mark is not None else "result", text, line))

    def _evaluate(self, text: str) -> Any:
        tree = tree_with_hooks(parse(text, "<--of>", mode="eval"))
        with self.membrane:  # type: ignore[union-attr]
            value = eval(compile(tree, "<--of>", "eval", dont_inherit=True), self.namespace)
            return self.membrane.table.wrapped(value)  # type: ignore[union-attr]

    def _lifted(self, tracked: Any) -> None:
        if tracked.soft and isinstance(tracked.node, Leaf):
            tracked.node.watcher = self.recorder
        number, array = tracked.node.number, tracked.array
        self.recorder.starts.keep(number, array)
        self.recorder.whole.add(number)
        if self.options.expect or self.options.check or self.options.plot:
            self.record.begun[number] = np.copy(array) if np.ndim(array) else array

    # -- what to lift ----------------------------------------------------------------------------
    def _lift_along(self) -> None:
        """Other names of a lifted array, and arrays that share its memory, stand for the same input."""
        if not self.lifter.lifted:
            return
        for name in self.lifter.shared:
            text = (
                f"{name} is a part of another input's memory: its gradient counts what is computed through {name}, "
                "the other's counts both."
            )
            self.notes.append(Note("alias", text))
        if self.membrane is not None:
            return
        names = {n: self.namespace[n] for n in self.record.uses.reads if n in self.namespace}
        for name, value in (names | globals_of(names, self.namespace)).items():
            new = self.lifter.along(value)
            if new is not value:
                self.namespace[name] = new
            elif type(value) is np.ndarray:
                self._warn_of_alias(name, value)

    def _warn_of_alias(self, name: str, value: np.ndarray) -> None:
        for entry in self.lifter.lifted:
            if type(entry.original) is np.ndarray and share(value, entry.original):
                text = (
                    f"{name} shares memory with {entry.name}, but is no part of it: no gradient flows through it. "
                    f"Name {name} on the %%grad line instead, or make it from {entry.name} inside the cell."
                )
                self.notes.append(Note("alias", text, self.record.uses.reads.get(name)))

    def _followed(self) -> dict[str, Tracked]:
        if self.lifter.lifted:
            return {e.name: e.tracked for e in self.lifter.lifted}
        return leaves_in(self.namespace)

    # -- the result ------------------------------------------------------------------------------
    def finish(self) -> Trace:
        """Find the result, sweep back from it unless the cell did, and collect the trace."""
        recorder = self.recorder
        self._settle()
        if self.waiting:
            name = sorted(self.waiting)[0]
            raise NoResultError(
                f"{name} is on the %%grad line, but the cell assigns it no array or number at its top level: "
                f"write {name} = ... at the start of a line of the cell, or define it in an earlier cell."
            )
        if recorder.root_node is not None and not self.options.of:
            self._note_masked()
            return collect(self.record, recorder.root_node)
        name, result = result_of(self.record)
        node: Node = result.node  # type: ignore[assignment]
        if self.membrane is not None:
            self.record.lost = self.membrane.table.cuts.get(node.number, frozenset())
            self._note_another(name)
        g = seed_of(self.record, name, result)
        if self.options.check:
            self._check(node, g)
        self.sampling.before_sweep(node)
        inputs = [e.node for e in self.lifter.lifted]
        stops = inputs + [n for n in walk(node) if n.rule is None] if inputs else None
        try:
            # The cell itself takes no derivative: its warnings are not to be joined by those of 1/sqrt(0).
            with self.watching(), np.errstate(all="ignore"):
                recorder.counting = False
                sweep(node, g, retain=True, inputs=stops, hooks=False)  # hooks are for the user's own sweeps
                recorder.swept = True
        except StaleError as error:
            self.notes.append(Note("cut", f"no gradients: {error}"))
        self._note_masked()
        return collect(self.record, node, name=name, value=result.array, own=True)


def _on_device(namespace: dict[str, Any], names: Iterable[str]) -> bool:
    """Tell whether one of these names, or what it holds at once, is an array of a device."""
    for value in (namespace.get(base_of(name)) for name in names):
        inside: Any = value.values() if type(value) is dict else value if type(value) in (list, tuple) else ()
        if any(arrays.is_array(v) and arrays.on_device(v) for v in (value, *list(inside)[:1000])):
            return True
    return False


def _found_again(table: Table, value: Any) -> Callable[[], Any]:
    """Give how to find the tracked value of what an attribute or entry was assigned, as long as it lives."""
    if arrays.is_array(value):
        held = ref(value)
        return lambda: None if held() is None else table.tracked(held())
    return lambda: table.tracked(value)


async def _awaited(value: Any) -> Any:
    return await value if isinstance(value, types.CoroutineType) else value
