"""From the tape to a `Trace`: what a run has recorded, in the reader's own names.

In: a root node, the recorder, the names. Out: plain data for the report; no node survives in it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.places import users
from ...engine.core.values import Summaries, Value, summarise
from ...engine.faces.torch.methods import PARAMETERS
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.nodes import Leaf, Node, walk
from ...engine.tape.tracked import Tracked, is_a, raw
from ...language import tr
from ...report.model import Input, Place, Points, Result, Sweep, Trace
from ...report.shown.numbers import brief
from ..lifting.lift import Lifted
from ..reading import source
from ..reading.source import Source
from .cell_recorder import CellRecorder
from .checked import check_notes, numerical
from .diagnosis import diagnosis, nan_notes, not_finite
from .edges import depends_entry_by_entry
from .expected import expected_notes
from .flat import flat_notes
from .holders import holder, holders, names_in
from .mistakes import missing_notes, mistake_notes, said
from .modules import named, path_of
from .notes import cut_notes, input_notes, numeric_notes
from .recorded import Places, recorded
from .run_record import RunRecord
from .scopes import scopes
from .turned import turned
from .walks import walks


@np.errstate(all="ignore")  # what is reckoned here is none of the cell's operations
def collect(
    run: RunRecord,
    root: Node | None,
    *,
    name: str = "",
    value: Any = None,
    own: bool = False,
    error: BaseException | None = None,
    also: Sequence[Node] = (),
) -> Trace:
    """Make the trace of a run that ended with `root`, or with `error`.

    `name` and `value` are those of the result, where they are known; `own` tells that the cell ran no sweep itself;
    `also` are further results, whose graphs are shown too.
    """
    recorder = run.recorder
    recorder.settle()
    if root is None:  # what was swept before the cell failed is no gradient of what it made since
        recorder.grads, recorder.flows, recorder.raw = Summaries(), Summaries(), {}
    for kept in (recorder.values, recorder.grads, recorder.locals, recorder.flows, recorder.starts):
        kept.bring_home()  # a report that is kept holds no memory of a device
    nodes = list(reversed(walk(root, *also))) if root is not None else _made(run, error)
    names = names_in(run.namespace, nodes, recorder.names)
    _local_names(nodes, names)
    entries = _entries(run, root, nodes, names)
    for entry in entries:
        names[entry.node.number] = [
            entry.name,
            *(n for n in names.get(entry.node.number, ()) if n != entry.name),
        ]
    sources = [entry.node for entry in entries]
    # Counted from 0 in each report: the tape's own numbers go on, and a cell run again would show other bytes.
    keys = {number: key for key, number in enumerate(dict.fromkeys(n.number for n in [*nodes, *sources]))}
    numbers = {node.number for node in nodes}
    inputs = tuple(_input(entry, recorder, numbers, root, keys) for entry in entries)
    result = None if root is None else _result(run, root, keys, names, name, value)
    shown = partial(_within, cell=run.cell)
    places = Places(recorder, shown)
    odd = error is None and not_finite(inputs, result)
    module_of = path_of(recorder.calls, run.namespace)
    operations = recorded(
        nodes, recorder, names, places, _nowhere(run), _held(run, entries), odd, module_of, _rebound(run.cell.tree),
        run.namespace,
    )  # fmt: skip
    notes = run.notes + numeric_notes(nodes, run.cell.filename)
    if error is None:
        # Where a fit ends gradients are next to nothing.
        by_nature = ("vanishes",) if run.options.minimize else ()
        notes += (
            cut_notes(run, recorder.names | names, result)
            + input_notes(inputs)
            + nan_notes(operations, inputs, result)
            + [note for note in diagnosis(operations, inputs, result) if note.kind not in by_nature]
        )
        notes += flat_notes(recorder.flat, keys, operations, {n.line for n in notes if n.kind == "zero"})
    line = None if error is None else _line_of(error, run.cell.filename)
    if error is not None:
        notes += missing_notes(run, error, line)
    elif result is not None and not own:
        notes += mistake_notes(run, result, nodes)
    if error is None and result is not None and run.options.expect:
        begun = {e.name: run.begun[e.node.number] for e in run.lifted if e.node.number in run.begun}
        notes += expected_notes(run.options.expect, inputs, result.name, {**run.namespace, **begun})
    if error is None and result is not None and run.findings is not None:
        by_number = {entry.node.number: entry.name for entry in entries}
        notes += check_notes(run.findings, by_number, result.name, len(recorder.sweeps))
        inputs = tuple(
            replace(i, numerical=numerical(run.findings, node.number))
            for i, node in zip(inputs, sources, strict=True)
        )
    held = [entry.tracked.array for entry in entries if entry.tracked is not None]
    device = next((arrays.device_of(array) for array in held if arrays.on_device(array)), "cpu")
    # Of a function, not of what is left of it when a part of it is held constant.
    by_entry = (
        root is not None
        and not root.aval.shape
        and root.number <= recorder.detached_at
        and not any(note.kind == "cut" for note in notes)
        and depends_entry_by_entry(root, sources, nodes)
    )
    plots: tuple[Points, ...] = ()
    if root is not None and result is not None and run.sampling is not None:
        plots = run.sampling.points(root, inputs, sources, names, result.name, by_entry)
    return Trace(
        label=run.cell.label,
        source=run.cell.text,
        first_line=run.cell.first_line,
        operations=operations,
        inputs=inputs,
        result=result,
        notes=tuple(notes),
        sweeps=tuple(Sweep(s.result, _of_inputs(s.parameters, inputs)) for s in recorder.sweeps),
        total=max(recorder.total, sum(1 for node in nodes if node.rule is not None)),
        own_sweep=own,
        error=None if error is None else f"{type(error).__name__}: {said(error)}",
        failed=line,
        device=device,
        timings=() if run.clock is None else run.clock.timings(run.cell.filename),
        elementwise=by_entry,
        plots=plots,
        walks=()
        if error is not None or root is None
        else walks(root, nodes, keys, inputs, sources, recorder, own),
        kept=tuple(
            replace(found, key=keys[number]) for number, found in recorder.kept.items() if number in keys
        ),
        scopes=scopes(
            nodes, keys, recorder.way, named(recorder.calls, run.namespace),
            lambda spot, line: _within(source.resolve(spot, run.cell.filename, line), run.cell),
        ),
        turns=turned(
            recorder, numbers, None if root is None else root.place, "" if result is None else result.name,
            places, shown,
        ),
    )  # fmt: skip


def _of_inputs(parameters: dict[str, float], inputs: tuple[Input, ...]) -> dict[str, float]:
    """Leave out what was followed but is no input: tensors of other cells."""
    names = {entry.name for entry in inputs}
    return {
        k: v
        for k, v in parameters.items()
        if k in names or any(c == "[" and k[:i] in names for i, c in enumerate(k))
    }


def _result(
    run: RunRecord, root: Node, keys: dict[int, int], names: dict[int, list[str]], name: str, value: Any
) -> Result:
    final = run.recorder.values.get(root.number)
    if final is None and value is None:
        held = holder(run.namespace, root)
        value = None if held is None else held.array
    if final is None:
        final = summarise(arrays.to_host(value)) if value is not None else _unknown(root)
    text = source.text_of(root.place) if root.place is not None else ""
    called = names.get(root.number) or [text or "result"]
    return Result(name or called[-1], keys[root.number], final, text)


def _entries(
    run: RunRecord, root: Node | None, nodes: list[Node], names: dict[int, list[str]]
) -> list[Lifted]:
    """List the inputs: what was lifted by name; else the tensors that require grad; else what was lifted unasked.

    Of a function that is both, as its arguments are asked for.
    """
    if run.lifted and run.options.names:
        return run.lifted
    ours = {entry.node.number for entry in run.lifted}
    leaves = [node for node in nodes if isinstance(node, Leaf) and node.number not in ours]
    numbers = {node.number for node in nodes}
    unasked = [entry for entry in run.lifted if root is None or entry.node.number in numbers]
    if not leaves:
        return unasked
    counted = iter(range(1, len(leaves) + 1))
    held = holders(run.namespace, leaves)
    entries = unasked if run.every else []
    for node in leaves:
        name = names[node.number][0] if names.get(node.number) else f"tensor {next(counted)}"
        tensor = held.get(node.number)
        entries.append(Lifted(name, tensor, tensor, "Tensor", node))
    return entries


def _made(run: RunRecord, error: BaseException | None) -> list[Node]:
    """The nodes that a failed cell has left in the namespace and in the functions that failed, and their sources."""
    values = [*run.namespace.values()]
    tb = error.__traceback__ if error is not None else None
    while tb is not None:
        frame, tb = tb.tb_frame, tb.tb_next
        if frame.f_code.co_name != "<module>" and users(frame.f_code.co_filename):
            values += map(run.seen, list(frame.f_locals.values()))
    held = [v.node for v in values if is_a(v, Tracked) and v.node is not None]
    made = [node for node in held if run.recorder.first <= node.number < run.ended]
    roots = made + [entry.node for entry in run.lifted]
    return list(reversed(walk(*roots)))


def _local_names(nodes: list[Node], names: dict[int, list[str]]) -> None:
    """Add the names that functions give their own values, where the cell has none for them."""
    known: dict[int, list[str]] = {}  # by the id of a place, which the nodes hold meanwhile
    for node in nodes:
        place = node.place
        if place is None or node.number in names:
            continue
        found = known.get(id(place))
        if found is None:
            name = None if place[0].co_name.startswith("<") else source.target_of(place)
            found = known[id(place)] = [] if name is None else [name]
        if found:
            names[node.number] = found


def _input(
    entry: Lifted, recorder: CellRecorder, numbers: set[int], root: Node | None, keys: dict[int, int]
) -> Input:
    node, original = entry.node, entry.original
    reached = root is not None and node.number in numbers
    array = recorder.raw.get(node.number)
    if array is not None:
        lies = arrays.on_device(array)
        array = np.copy(arrays.to_host(array)) if arrays.is_array(array) else array
        array = array[()] if lies and not array.ndim else array  # NumPy's own would be a number
        if entry.kind in ("int", "float"):
            array = float(array) if not np.iscomplexobj(array) else complex(array)
    elif root is not None and (recorder.swept or not reached):
        aval = node.aval
        array = np.zeros(aval.shape, aval.tangent) if aval.shape else 0.0
    note = ""
    if original is None:
        value = recorder.starts.get(node.number) or _unknown(node)
    else:
        value = summarise(arrays.to_host(raw(original)))
        if node.rule is None and node.aval.shape == value.shape and type(original) is np.ndarray:
            value = recorder.starts.get(node.number, value)
        if node.number in recorder.then:
            now, value = brief(value), summarise(arrays.to_host(recorder.then[node.number]))
            if now != brief(value):
                note = tr("the value at the last sweep; after the cell {now}", now=now)
    grad = recorder.grads.get(node.number)
    kind = "Parameter" if PARAMETERS.get(id(original)) is original is not None else entry.kind
    return Input(entry.name, keys[node.number], value, grad, kind, reached, array, note)


def _line_of(error: BaseException, filename: str) -> int | None:
    """Give the cell's line that raised an error, or that called what did: the innermost."""
    line, tb = None, error.__traceback__
    while tb is not None:
        line, tb = tb.tb_lineno if tb.tb_frame.f_code.co_filename == filename else line, tb.tb_next
    return line


def _within(place: Place, cell: Source) -> Place:
    """Tell apart, in a file, the block that was traced and the rest."""
    if not place.inside:
        return place
    own = cell.first_line <= place.line < cell.first_line + cell.text.count("\n") + 1
    return replace(place, inside=own, function=None if place.function == cell.scope else place.function)


def _unknown(node: Node) -> Value:
    aval = node.aval
    return Value(tuple(aval.shape), aval.dtype.name, False, aval.size, None, None, None, None, None, 0, 0, 0)


def _held(run: RunRecord, entries: list[Lifted]) -> dict[int, Tracked]:
    """Give the values that the user still has, and those of the inputs, by the numbers of their nodes."""
    held = {v.node.number: v for v in run.namespace.values() if is_a(v, Tracked) and v.node is not None}
    return held | {entry.node.number: entry.tracked for entry in entries if entry.tracked is not None}


def _rebound(tree: ast.AST) -> set[str]:
    """List the names that a source assigns more than once: those of loops among them."""
    stored = [
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    loops = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While, ast.comprehension))]
    again = [
        node.id
        for loop in loops
        for node in ast.walk(loop)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return {name for name, times in Counter(stored + again).items() if times > 1}


def _nowhere(run: RunRecord) -> set[int]:
    """List inputs that were there before the cell: their nodes were made by the magic, nowhere in the source."""
    own, first = run.cell.filename, run.cell.first_line
    return {
        entry.node.number
        for entry in run.lifted
        if not isinstance(entry.tracked, Tensor)
        and (place := entry.node.place) is not None
        # Of a `with` block the line above it is in the same file.
        and (place[0].co_filename != own or source.span_of(place)[0] < first)
    }
