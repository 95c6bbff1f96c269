"""What the runs of a cell, of a function and of a block have in common: lift, watch, find the result, sweep, collect.

In: source, namespace, options, and who lifts. Out: a `Trace` for the report. A cell and a function run under a membrane
(run.py); a block that runs already when it is entered lifts its values (lifted_block.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np

from ..engine.core import arrays, heap
from ..engine.sweeps.backward import sweep
from ..engine.sweeps.recomputed import Recomputing
from ..engine.tape import modes
from ..engine.tape.nodes import Leaf, Node, walk
from ..engine.tape.tracked import Tracked
from ..engine.watch.anomaly import detect_anomaly
from ..engine.watch.guard_where import guard_where
from ..engine.watch.memory_limit import cell_limit
from ..errors import NoResultError, StaleError
from ..language import mark, tr
from ..report.model import Note, Trace
from .lifting.lift import Lifter
from .lifting.unnamed import globals_of, lift_unnamed
from .options import Options
from .reading import source
from .reading.names import base_of, entries_read, parse_names, read_in_calls, simple_values, usage
from .reading.source import Source
from .telling.cell_recorder import CellRecorder
from .telling.checked import Findings, check
from .telling.clock import Clock
from .telling.collect import collect
from .telling.holders import holder, leaves_in, tracked_in
from .telling.kept import kept_by
from .telling.result import result_of, seed_of
from .telling.run_record import RunRecord
from .telling.sampling import Sampling

_NUMBER = mark(
    "{names} is a number, and is followed only by its own name: write {names} on the %%grad line, too."
)
_NUMBERS = mark(
    "{names} are numbers, and are followed only by their own names: write them on the %%grad line, too."
)


class Tracing:
    """One run of one source."""

    def __init__(self, cell: Source, namespace: dict[str, Any], options: Options, lifter: Lifter) -> None:
        source.set_label(cell.filename, cell.label)
        self.cell, self.namespace, self.options = cell, namespace, options
        self.lifter = lifter
        lifter.on_lift = self._lifted
        self.recorder = CellRecorder(cell.filename, cell.scope, parameters=self._followed)
        uses = usage(cell.tree)
        self._entries = entries_read(cell.tree) if options.names else frozenset()
        self.record = RunRecord(cell, namespace, options, uses, self.recorder, lifter.lifted)
        self.notes = self.record.notes
        self._before = set(namespace)
        self.waiting: set[str] = set()  # names of the line that the cell is yet to assign
        self.lift_new: Callable[[str, Any], bool] = lambda name, value: False

        self.values = simple_values(cell.tree)  # before it is instrumented
        self._calls = {n: read_in_calls(cell.tree, at) for n, at in uses.first.items() if n in namespace}
        self.masking = guard_where(quiet=True)  # --guard
        self.replay = Recomputing()  # --check and --plot
        if options.time:
            self.record.clock = Clock(self.recorder)
        if options.kept:
            self.recorder.measures = lambda root: kept_by(root, self._held())
        self.sampling = self.record.sampling = Sampling(
            self.recorder, self.value_of, self.record.begun, self.replay if options.plot else None
        )
        if options.check or options.plot:
            self.recorder.before_sweep = self._before_sweep

    def lift(self) -> None:
        """Put tracked values in place of what is wanted and there; the rest is lifted as the cell assigns it."""
        try:
            uses = self.record.uses
            self._read_in_calls()
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
            self.put_back()
            raise

    def _read_in_calls(self) -> None:
        """Find the names that a function reads before the cell assigns them: what they were before it does matter."""
        uses, namespace = self.record.uses, self.namespace
        for name, (read, called) in self._calls.items():
            if name in read or name in globals_of(
                {n: namespace[n] for n in called & namespace.keys()}, namespace
            ):
                uses.reads.setdefault(name, uses.first.pop(name))

    def _lift_along(self) -> None:
        """Say which inputs are parts of others, and which numbers of a container the cell reads that are no inputs."""
        lifted = {entry.name for entry in self.lifter.lifted}
        numbers = [name for name in self.lifter.numbers if name in self._entries - lifted]
        if numbers:
            text = tr(_NUMBERS if len(numbers) > 1 else _NUMBER, names=tr(", ").join(numbers))
            self.notes.append(Note("number", text))
        for name in self.lifter.shared:
            text = tr(
                "{name} is a part of another input's memory: its gradient counts what is computed through {name}, "
                "the other's counts both.", name=name,
            )  # fmt: skip
            self.notes.append(Note("alias", text))

    def used(self) -> set[str]:
        """List the names that the source reads or assigns, itself or in functions that it calls."""
        uses, record = self.record.uses, self.record
        names = {*uses.reads, *uses.assigns, *map(base_of, (*record.assigned, *self.options.names))}
        held = {n: self.namespace[n] for n in names if n in self.namespace}
        return names | globals_of(held, self.namespace).keys() | (self.namespace.keys() - self._before)

    def put_back(self) -> None:
        """Let the graph go, and give every name what it would have without us."""
        self.recorder.root_node = None
        self.lifter.put_back(self.used(), self.record.shown)
        if any(getattr(v, "size", 0) * 8 >= heap.LARGE for v in self.recorder.values.kept.values()):
            heap.give_back()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record, hold the tape to the memory there is, and do what the options ask for."""
        options = self.options
        with ExitStack() as stack:
            stack.enter_context(modes.watch(self.record.clock or self.recorder))
            stack.enter_context(cell_limit())
            for context in self._around():
                stack.enter_context(context)
            again = options.check or options.plot
            for wanted, context in (
                (options.guard, self.masking), (again, self.replay), (options.stop, detect_anomaly()),
            ):  # fmt: skip
                if wanted:
                    stack.enter_context(context)
            if self.record.clock is not None:
                self.record.clock.start()
            yield

    def _around(self) -> tuple[Any, ...]:
        """Give the contexts in which what the user's code does is followed."""
        raise NotImplementedError

    def _held(self) -> list[Any]:
        """Give the values that the user's names have, and that was put in place of some."""
        lifted = [each for entry in self.lifter.lifted for each in (entry.tracked, entry.original)]
        named = [tracked for _, tracked in tracked_in(self.namespace)]
        return [*lifted, *named, *filter(arrays.is_array, list(self.namespace.values()))]

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
            # A guard of its own: what acts in this sweep acts again in the cell's, and is told once.
            with guard_where(quiet=True) if self.options.guard else nullcontext():
                self.record.findings = check(root, cotangent, self.replay, self.value_of)
        else:  # a sweep of the cell's own, whose weights are not known here
            failed = tr("the cell's own sweep is of a result with {entries} entries", entries=root.aval.size)
            self.record.findings = Findings(failed=failed)

    def _note_masked(self) -> None:
        for masked in self.masking.acted:
            place = masked.place
            here = place if place is not None and place[0].co_filename == self.cell.filename else None
            line = source.span_of(here)[0] if here is not None else None
            self.notes.append(Note("guard", tr("{text}.", text=masked.told(where=here is None)), line))

    def _lifted(self, tracked: Any) -> None:
        if tracked.soft and isinstance(tracked.node, Leaf):
            tracked.node.watcher = self.recorder
        number, array = tracked.node.number, tracked.array
        self.recorder.starts.keep(number, array)
        self.recorder.whole.add(number)
        if self.options.expect or self.options.check or self.options.plot:
            self.record.begun[number] = np.copy(array) if np.ndim(array) else array

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
            if isinstance(self.record.namespace.get(name), Tracked):
                line = " ".join(["%%grad", *(n for n in self.options.names if n not in self.waiting)])
                raise NoResultError(tr(
                    "{name} is on the %%grad line, but the cell computes it: write what it is computed from, {line}; "
                    "the report has the gradient by {name} beside its line.", name=name, line=line,
                ))  # fmt: skip
            raise NoResultError(tr(
                "{name} is on the %%grad line, but the cell assigns it no array or number at its top level: write "
                "{name} = ... at the start of a line of the cell, or define it in an earlier cell.", name=name,
            ))  # fmt: skip
        if recorder.root_node is not None and not self.options.of:
            self._note_masked()
            return collect(self.record, recorder.root_node)
        name, result = result_of(self.record)
        node: Node = result.node  # type: ignore[assignment]
        self._found(name, node)
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
            self.notes.append(Note("cut", tr("no gradients: {error}", error=error)))
        self._note_masked()
        return collect(self.record, node, name=name, value=result.array, own=True)

    def _settle(self) -> None:
        """What the user's code computes is done: have the names ready for the report."""

    def _found(self, name: str, node: Node) -> None:
        """Say what is to be said of the result."""
