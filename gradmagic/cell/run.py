"""Run one cell as the shell would, under a membrane; find its result; sweep; put everything back.

In: a host (IPython's shell, or what stands for it), the cell's text, the options. Out: a `Trace` for the report.
Never `run_cell`: it swallows errors, so that Run All would go on after one.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from ..engine.core import arrays
from ..engine.core.interpreter import parse
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.nodes import Node, tick
from ..engine.tape.tracked import Tracked
from ..language import tr
from ..report.model import Note, Trace
from .lifting.borrowed import part_with_inputs
from .lifting.lift import is_float, liftable
from .membrane.enter import paired
from .membrane.hooks import put_hooks
from .membrane.lifter import Inputs, seen_in
from .membrane.membrane import Membrane
from .membrane.table import Table, joined
from .membrane.tree import instrument as tree_with_hooks
from .options import Options
from .reading import source
from .reading.names import base_of, instrument, listening
from .reading.source import Source
from .telling.collect import collect
from .telling.rounded import of_whole_numbers
from .telling.unbegun import free_unbegun
from .tracing import Tracing


class Failed(Exception):
    """The cell raised: carries the partial trace; the user's exception is its cause."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.error)
        self.trace = trace


class Run(Tracing):
    """One run of one cell, or of a function."""

    def __init__(self, cell: Source, namespace: dict[str, Any], options: Options) -> None:
        self.membrane = Membrane(cell.filename)
        self.inputs = Inputs(self.membrane, namespace, options.device, options.dtype)
        super().__init__(cell, namespace, options, self.inputs)
        self.recorder.membrane = self.membrane
        self.membrane.turns = self.recorder.turns

    # -- the run ---------------------------------------------------------------------------------
    def prepare(self) -> tuple[types.CodeType, types.CodeType | None]:
        """Lift what is there and compile the cell: (statements, last expression or None)."""
        body = self.cell.tree.body
        if body and isinstance(body[-1], ast.Expr):
            self.record.last_text = source.compact(ast.unparse(body[-1].value))
        statements, expression = self._compiled()
        self.inputs.begin(self.used())
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
            plain = self.cell.compile(tree, self.cell.filename, mode)
            made.append(paired(plain, self.cell.compile(self._hooked(tree), self.cell.filename, mode)))
        self.recorder.turns.starts(made[0])  # type: ignore[arg-type]
        return tuple(made)  # type: ignore[return-value]

    def _hooked(self, tree: Any) -> Any:
        names = self.namespace
        modules = {n for n, v in names.items() if issubclass(type(v), types.ModuleType)}
        modules -= self.record.uses.assigns.keys()
        put_hooks()
        return tree_with_hooks(instrument(tree), modules)

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
            with self.watching(), listening(self.hear):
                yield
        except BaseException as error:
            self._settle()
            raise Failed(collect(self.record, None, error=error)) from error

    def put_back(self) -> None:
        if any(entry.tracked.soft for entry in self.lifter.lifted):
            held = [self.namespace[name] for name in self.used() if name in self.namespace]
            part_with_inputs([*held, *self.record.shown])
        super().put_back()
        if self.recorder.turns.unbegun:
            free_unbegun(
                [*(self.namespace[n] for n in self.used() if n in self.namespace), *self.record.shown]
            )
        self.membrane.close()

    def _around(self) -> tuple[Any, ...]:
        return (self.membrane,)

    def hear(self, name: str, value: Any, top: bool) -> Any:
        """An assignment ran: remember what the value is called; let it be an input if it is one of the wanted."""
        table = self.membrane.table
        node = value.node if issubclass(type(value), Tracked) else table.node(value)
        if top:
            self.record.assigned.pop(name, None)
            if name.isidentifier():
                self.record.assigned[name] = None
            elif not of_whole_numbers(self.namespace.get(base_of(name))):  # which would cut the value off
                self.record.assigned[name] = _found_again(table, value)
            if node is None and not issubclass(type(value), Tracked):
                wanted = self._unknown(table.mark(value)) and self.lift_new(name, value)
                held = issubclass(type(value), (dict, list, tuple)) or (
                    wanted and hasattr(value, "named_parameters")
                )
                if wanted and (held or liftable(value)):
                    self.waiting.discard(name)
                    lift = self.lifter.any if self.options.names else self.lifter.value
                    value = lift(name, value)
                    node = table.node(value)
            elif name in self.waiting and issubclass(type(value), Tensor) and node is not None:
                self.waiting.discard(name)
                self.lifter.value(name, value)
        if node is not None:
            self.recorder.name(node, name)
        return value

    def _unknown(self, mark: Any) -> bool:
        """Tell whether a value is no input's: one that has lost its gradient is none, unless it is asked for."""
        return mark is None or (mark.node is None and bool(self.options.names))

    def _settle(self) -> None:
        """Let the record have the user's names with what is tracked, as the engine has it."""
        table, self.record.ended = self.membrane.table, tick()
        self.record.namespace = seen_in(self.membrane, self.namespace)
        self.record.seen = table.wrapped
        self.record.evaluate = self._evaluate
        lost = [self.namespace.get(n) for n in self.record.assigned] + self.record.shown
        self.record.lost = joined(table.marks(lost))

    def _found(self, name: str, node: Node) -> None:
        self.record.lost = self.membrane.table.cuts.get(node.number, frozenset())
        self._note_another(name)
        if self.membrane.stands is not None:
            self._note_taken(self.membrane.stands)
        if (written := self.membrane.written_after) is not None:
            place = written.here or written.place
            line, text = source.span_of(place)[0], source.text_of(place) or tr("a write")
            self.notes.append(Note("cut", tr(
                "line {line}: {text} does not reach the tensor that was made of the array before, as it does without "
                "the magic: a followed array is copied there. Make the tensor after the write.", line=line, text=text,
            ), line))  # fmt: skip

    def _note_taken(self, stands: Any) -> None:
        """Say that the cell's own arrays were taken along to the device, and what that does not do."""
        if stands.unheard is not None:
            line = source.span_of(stands.unheard)[0]
            text = tr(
                "{text} in line {line} raises nothing on the device, which does not look for division by zero and "
                "its kin: ask np.isfinite of the result, or run the cell without --device.",
                text=source.text_of(stands.unheard), line=line,
            )  # fmt: skip
            self.notes.append(Note("moved", text, line))
        if not stands.taken:
            return
        line = source.span_of(stands.first)[0]
        first = source.text_of(stands.first)
        text = (
            tr(
                "{many:,} arrays of the host were taken along to the device (first in {text}, line {line}): each is a "
                "copy. What the cell uses often is best named on the %%grad line too.",
                many=stands.taken, text=first, line=line,
            )
            if stands.taken > 1
            else tr(
                "an array of the host was taken along to the device (in {text}, line {line}): each is a copy. What "
                "the cell uses often is best named on the %%grad line too.", text=first, line=line,
            )
        )  # fmt: skip
        self.notes.append(Note("moved", text, line))

    def _note_another(self, result: str) -> None:
        """Say so if the cell's last value is another, which has lost its gradient on the way."""
        table = self.membrane.table
        shown = [(self.record.last_text, v) for v in self.record.shown if v is not None]
        latest = [(n, self.namespace[n]) for n in reversed(self.record.assigned) if n in self.namespace]
        for name, value in [*shown, *latest][:1]:
            mark = table.mark(value)
            node = None if mark is None else mark.node
            itself = next((e.name for e in self.lifter.lifted if node is not None and e.node is node), None)
            if (
                name == result
                or self.options.of
                or not is_float(value)
                or (node is not None and itself is None)
            ):
                continue
            inputs, line = tr(" and ").join(e.name for e in self.lifter.lifted), None
            if itself is not None:
                text = (
                    tr("{name}, the cell's last value, is an input: this is the report on {result}.",
                       name=name, result=result)
                    if name == itself
                    else tr("{name}, the cell's last value, is {input} itself: this is the report on {result}.",
                            name=name, input=itself, result=result)
                )  # fmt: skip
            elif mark is None:
                text = tr(
                    "{name}, the cell's last value, does not depend on {inputs}: this is the report on {result}.",
                    name=name, inputs=inputs, result=result,
                )  # fmt: skip
            else:
                cut = min(mark.cuts, key=lambda c: (c.here or c.place)[1])
                place = cut.here or cut.place
                line = source.span_of(place)[0]
                text = tr(
                    "{name} hangs on {inputs} only through {text} in line {line}, where the gradient is lost: this is "
                    "the report on {result}.",
                    name=name, inputs=inputs, text=source.text_of(place), line=line, result=result,
                )  # fmt: skip
            self.notes.insert(0, Note("result" if mark is None or itself else "cut", text, line))

    def _evaluate(self, text: str) -> Any:
        tree = tree_with_hooks(parse(text, "<--of>", mode="eval"))
        with self.membrane:
            value = eval(compile(tree, "<--of>", "eval", dont_inherit=True), self.namespace)
            return self.membrane.table.wrapped(value)


def _found_again(table: Table, value: Any) -> Callable[[], Any]:
    """Give how to find the tracked value of what an attribute or entry was assigned, as long as it lives."""
    if arrays.is_array(value):
        held = ref(value)
        return lambda: None if held() is None else table.tracked(held())
    return lambda: table.tracked(value)


async def _awaited(value: Any) -> Any:
    return await value if issubclass(type(value), types.CoroutineType) else value
