"""Run one cell as the shell would, with the wanted names lifted; find its result; sweep; put everything back.

In: a host (IPython's shell, or what stands for it), the cell's text, the options. Out: a `Trace` for the report.
Never `run_cell`: it swallows errors, so that Run All would go on after one.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

import numpy as np

from ..engine.faces.numpy.buffer import plain
from ..engine.faces.torch.tensor import Tensor
from ..engine.following.block import following
from ..engine.sweeps.backward import sweep
from ..engine.sweeps.replay import Replay
from ..engine.tape import nodes as tape
from ..engine.tape.nodes import Node, walk
from ..engine.tape.tracked import Tracked
from ..engine.watch.anomaly import detect_anomaly
from ..engine.watch.guard_where import guard_where
from ..engine.watch.memory_limit import cell_limit
from ..errors import NoResultError, StaleError
from ..report.model import Trace
from .lifting.aliases import share
from .lifting.lift import Lifter, liftable
from .lifting.unnamed import globals_of, lift_unnamed
from .reading import source
from .reading.names import instrument, listening, parse_names, simple_values, usage
from .telling.cell_recorder import CellRecorder
from .telling.checked import Findings, check
from .telling.clock import Clock
from .telling.collect import collect, holder, tracked_in
from .telling.result import result_of, seed_of
from .telling.sampling import Curves


@dataclass(frozen=True)
class Options:
    """What the magic's line says; the names are those of its options."""

    names: tuple[str, ...] = ()
    of: str = ""
    gradient: Any = ""
    device: str | None = None
    dtype: str | None = None
    guard: bool = False
    expect: str = ""
    check: bool = False
    time: bool = False
    stop: str = ""
    plot: bool = False


@dataclass
class Source:
    """The text of a cell or file, made ready to run: where it is cached, and how the reader counts its lines."""

    text: str
    tree: ast.Module
    filename: str
    label: str
    first_line: int
    compile: Callable[[Any, str, str], Any] = field(repr=False)
    scope: str = "<module>"  # the code that runs it, or the function that it is


class Failed(Exception):
    """The cell raised: carries the partial trace; the user's exception is its cause."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.error)
        self.trace = trace


class Run:
    """One run of one cell."""

    def __init__(self, cell: Source, namespace: dict[str, Any], options: Options) -> None:
        self.cell, self.namespace, self.options = cell, namespace, options
        self.uses = usage(cell.tree)
        self.values = simple_values(cell.tree)
        self.lifter = Lifter(namespace, options.device, options.dtype)
        self.recorder = CellRecorder(cell.filename, cell.scope, parameters=self._followed)
        self.lifter.on_lift = self._lifted
        # What the top level assigned to, by the time of the last assignment; with what a container or object got.
        self.order: dict[str, Any] = {}
        self.shown: list[Any] = []  # the last expression's value
        self.last_text = "result"  # and how it is written
        self.notes: list[tuple[str, str, int | None]] = []
        self.waiting: set[str] = set()  # names of the line that the cell is yet to assign
        self.unnamed = not options.names
        self.traced: tuple[Any, ...] = ()  # functions, frames, or code with its global names
        self.lift_new: Callable[[str, Any], bool] = lambda name, value: False

        self.masking = guard_where(quiet=True)  # --guard
        self.begun: dict[int, Any] = {}  # the inputs' values as they were lifted, for --expect and --check
        self.replay = Replay()  # --check
        self.clock = Clock(self.recorder)  # --time
        self.findings: Findings | None = None
        self.curves = Curves(self, options.plot)
        if options.check or options.plot:
            self.recorder.before_sweep = self._before_sweep

    # -- the run ---------------------------------------------------------------------------------
    def prepare(self) -> tuple[Any, Any]:
        """Lift what is there and compile the cell: (statements, last expression or None)."""
        source.remember(self.cell.filename, self.cell.label)
        body = self.cell.tree.body
        if body and isinstance(body[-1], ast.Expr):
            self.last_text = source.compact(ast.unparse(body[-1].value))
        tree = instrument(self.cell.tree)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
        statements = self.cell.compile(tree, self.cell.filename, "exec")
        expression = None if last is None else self.cell.compile(last, self.cell.filename, "eval")
        self.traced = tuple((code, self.namespace) for code in (statements, expression) if code is not None)
        self.lift()
        return statements, expression

    def lift(self) -> None:
        """Put tracked values in place of what is wanted and there; the rest is lifted as the cell assigns it."""
        try:
            if self.unnamed:
                lift_unnamed(self)
            else:
                for name in parse_names(list(self.options.names)):
                    if name in self.uses.first or not self.lifter.name(name, 1, self.uses.assigns):
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
        return self._guarded(lambda: self._plain(statements, last))

    async def execute_async(self) -> Trace:
        """Run a cell that awaits; otherwise as `execute`."""
        statements, last = self.prepare()
        error = None
        with self.watching(), listening(self.hear):
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
        with self.watching(), listening(self.hear):
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
            return self.finish()
        finally:
            self.recorder.root_node = None
            self.lifter.put_back(self.lifter.lifted)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record, hold the tape to the memory there is, and do what the options ask for."""
        options = self.options
        with ExitStack() as stack:
            stack.enter_context(tape.watch(self.clock if options.time else self.recorder))
            stack.enter_context(cell_limit())
            stack.enter_context(following(*self.traced))
            again = options.check or options.plot
            for wanted, context in (
                (options.guard, self.masking), (again, self.replay), (options.stop, detect_anomaly()),
            ):  # fmt: skip
                if wanted:
                    stack.enter_context(context)
            self.clock.start()
            yield

    def holder(self, node: Node) -> Any:
        """Find the tracked value of a node among the user's."""
        return holder(self.namespace, node)

    def _before_sweep(self, root: Node, first: bool) -> None:
        if self.options.check and first:
            self._check(root, root.aval.one)
        if self.options.plot:
            self.curves.before_sweep(root)

    def _check(self, root: Node, cotangent: Any) -> None:
        if root.aval.size == np.size(cotangent):
            self.findings = check(self, root, cotangent)

    def _note_masked(self) -> None:
        for masked in self.masking.acted:
            place = masked.place
            here = place if place is not None and place[0].co_filename == self.cell.filename else None
            line = source.span_of(here)[0] if here is not None else None
            self.notes.append(("guard", f"{masked.told(where=here is None)}.", line))

    def hear(self, name: str, value: Any, top: bool) -> Any:
        """An assignment ran: remember what the value is called; lift it if it is one of the wanted."""
        if top:
            self.order.pop(name, None)
            self.order[name] = ref(value) if isinstance(value, Tracked) and not name.isidentifier() else None
            given = plain(value)
            if not isinstance(given, Tracked) and self.lift_new(name, given):
                self.waiting.discard(name)
                if liftable(given) or isinstance(given, (dict, list, tuple)):
                    value = (
                        self.lifter.any(name, given) if not self.unnamed else self.lifter.value(name, given)
                    )
            elif name in self.waiting and isinstance(value, Tensor) and value.node is not None:
                self.waiting.discard(name)
                self.lifter.value(name, value)
        if isinstance(value, Tracked) and value.node is not None:
            self.recorder.name(value.node, name)
        return value

    def _lifted(self, tracked: Any) -> None:
        self.recorder.starts.keep(tracked.node.number, tracked.array)
        self.recorder.whole.add(tracked.node.number)
        if self.options.expect or self.options.check or self.options.plot:
            self.begun[tracked.node.number] = (
                np.copy(tracked.array) if np.ndim(tracked.array) else tracked.array
            )

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
            self.notes.append(("alias", text, None))
        names = {n: self.namespace[n] for n in self.uses.reads if n in self.namespace}
        for name, value in (names | globals_of(names, self.namespace)).items():
            new = self.lifter.along(value)
            if new is not value:
                self.namespace[name] = new
            elif type(value) is np.ndarray:
                self._warn_of_alias(name, value)

    def _warn_of_alias(self, name: str, value: Any) -> None:
        for entry in self.lifter.lifted:
            if type(entry.original) is np.ndarray and share(value, entry.original):
                text = (
                    f"{name} shares memory with {entry.name}, but is no part of it: no gradient flows through it. "
                    f"Name {name} on the %%grad line instead, or make it from {entry.name} inside the cell."
                )
                self.notes.append(("alias", text, self.uses.reads.get(name)))

    def _followed(self) -> dict[str, Tracked]:
        if self.lifter.lifted:
            return {e.name: e.tracked for e in self.lifter.lifted}
        found: dict[int, tuple[str, Tracked]] = {}
        for name, value in tracked_in(self.namespace):
            if isinstance(value, Tensor) and value.requires_grad and value.is_leaf:
                known = found.get(id(value))
                if known is None or (name.isidentifier() and not known[0].isidentifier()):
                    found[id(value)] = name, value
        return dict(found.values())

    # -- the result ------------------------------------------------------------------------------
    def finish(self) -> Trace:
        """Find the result, sweep back from it unless the cell did, and collect the trace."""
        recorder = self.recorder
        if self.waiting:
            name = sorted(self.waiting)[0]
            raise NoResultError(
                f"{name} is on the %%grad line, but the cell assigns it no array or number at its top level: "
                f"write {name} = ... at the start of a line of the cell, or define it in an earlier cell."
            )
        if recorder.root_node is not None and not self.options.of:
            self._note_masked()
            return collect(self, recorder.root_node)
        name, result = result_of(self)
        node: Node = result.node  # type: ignore[assignment]
        g = seed_of(self, name, result)
        if self.options.check:
            self._check(node, g)
        self.curves.before_sweep(node)
        inputs = [e.node for e in self.lifter.lifted]
        stops = inputs + [n for n in walk(node) if n.rule is None] if inputs else None
        hooks, tape.state.hooks = (
            tape.state.hooks,
            {},
        )  # retain_grad() and the user's hooks are for the user's sweeps
        try:
            # The cell itself takes no derivative: its warnings are not to be joined by those of 1/sqrt(0).
            with self.watching(), np.errstate(all="ignore"):
                recorder.counting = False
                sweep(node, g, retain=True, inputs=stops)
                recorder.swept = True
        except StaleError as error:
            self.notes.append(("cut", f"no gradients: {error}", None))
        finally:
            tape.state.hooks = hooks
        self._note_masked()
        return collect(self, node, name=name, value=result.array, own=True)
