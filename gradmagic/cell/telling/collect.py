"""From the tape to a `Trace`: what a run has recorded, in the reader's own names.

In: a root node, the recorder, the names. Out: plain data for the report; no node survives in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.values import Value, summarise
from ...engine.faces.torch.tensor import Tensor
from ...engine.rules.kinds import General
from ...engine.rules.pointwise import Elementwise
from ...engine.tape.nodes import Leaf, Node, walk
from ...engine.tape.tracked import Tracked, raw
from ...report.model import Input, Note, Operation, Place, Result, Sweep, Trace
from ...report.shown.numbers import brief
from ..reading import source
from .cell_recorder import CellRecorder
from .checked import check_notes, numerical
from .diagnosis import diagnosis
from .edges import depends_entry_by_entry, edges_of
from .expected import expected_notes
from .notes import cut_notes, input_notes, nan_notes, numeric_notes


def collect(
    run: Any,
    root: Node | None,
    *,
    name: str = "",
    value: Any = None,
    own: bool = False,
    error: BaseException | None = None,
) -> Trace:
    """Make the trace of a run that ended with `root`, or with `error`."""
    recorder: CellRecorder = run.recorder
    recorder.settle()
    nodes = list(reversed(walk(root))) if root is not None else _made(run)
    names = names_in(run.namespace, nodes, recorder.names)
    _local_names(nodes, names)
    entries = _entries(run, root, nodes, names)
    for entry_name, node, *_ in entries:
        names[node.number] = [entry_name, *(n for n in names.get(node.number, ()) if n != entry_name)]
    numbers = {node.number for node in nodes}
    # Counted from 0 in each report: the tape's own numbers go on, and a cell run again would show other bytes.
    keys = {
        number: key
        for key, number in enumerate(
            dict.fromkeys([*(n.number for n in nodes), *(n.number for _, n, *_ in entries)])
        )
    }
    inputs = tuple(_input(entry, recorder, numbers, root, keys) for entry in entries)
    operations = _operations(
        nodes, keys, recorder, names, {node.number: tracked for _, node, tracked, *_ in entries}, run
    )
    result = None
    if root is not None:
        shown = names.get(root.number, [])
        final = recorder.values.get(root.number) or (
            summarise(arrays.to_host(value)) if value is not None else None
        )
        if final is None:
            held = holder(run.namespace, root)
            final = summarise(arrays.to_host(held.array)) if held is not None else _unknown(root)
        text = source.text_of(root.place) if root.place is not None else ""
        called = name or (shown[-1] if shown else text or "result")
        result = Result(called, keys[root.number], final, text)
    notes = [Note(kind, text, line) for kind, text, line in run.notes] + numeric_notes(
        nodes, run.cell.filename
    )
    if error is None:
        notes += (
            cut_notes(run, recorder.names | names, result)
            + input_notes(inputs)
            + nan_notes(operations, inputs, result)
            + diagnosis(operations, inputs, result)
        )
    if error is None and result is not None and run.options.expect:
        notes += expected_notes(run, inputs, result.name)
    if error is None and result is not None and run.options.check:
        by_number = {node.number: entry_name for entry_name, node, *_ in entries}
        notes += check_notes(run.findings, by_number, result.name, len(recorder.sweeps))
        inputs = tuple(
            replace(i, numerical=numerical(run.findings, node.number))
            for i, (_, node, *_) in zip(inputs, entries, strict=True)
        )
    held = [tracked.array for _, _, tracked, *_ in entries if tracked is not None]
    device = next((arrays.device_of(array) for array in held if arrays.on_device(array)), "cpu")
    sources = [node for _, node, *_ in entries]
    # Of a function, not of what is left of it when a part of it is held constant.
    by_entry = (
        root is not None
        and not root.aval.shape
        and root.number <= recorder.detached_at
        and not any(note.kind == "cut" for note in notes)
        and depends_entry_by_entry(root, sources)
    )
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
        error=None if error is None else f"{type(error).__name__}: {error}",
        device=device,
        timings=run.clock.timings(run.cell.filename) if run.options.time else (),
        elementwise=by_entry,
        plots=run.curves.points(root, inputs, sources, names, result.name, by_entry)
        if root is not None and result is not None and run.curves is not None
        else (),
    )


def _of_inputs(parameters: dict[str, float], inputs: tuple[Input, ...]) -> dict[str, float]:
    """Leave out what was followed but is no input: tensors of other cells."""
    names = [entry.name for entry in inputs]
    return {k: v for k, v in parameters.items() if any(k == n or k.startswith(n + "[") for n in names)}


def _entries(run: Any, root: Node | None, nodes: list[Node], names: dict[int, list[str]]) -> list[Any]:
    """List the inputs: what was lifted by name; else the tensors that require grad; else what was lifted unasked."""
    lifted = [(e.name, e.node, e.tracked, e.original, e.kind) for e in run.lifter.lifted]
    if lifted and not run.unnamed:
        return lifted
    ours = {node.number for _, node, *_ in lifted}
    leaves = [node for node in nodes if isinstance(node, Leaf) and node.number not in ours]
    if not leaves:
        numbers = {node.number for node in nodes}
        return [entry for entry in lifted if root is None or entry[1].number in numbers]
    counted = iter(range(1, len(leaves) + 1))
    return [
        (names[node.number][0] if names.get(node.number) else f"tensor {next(counted)}", node,
         *[holder(run.namespace, node)] * 2, "Tensor")
        for node in leaves
    ]  # fmt: skip


def _made(run: Any) -> list[Node]:
    """The nodes that a failed cell has left in the namespace, and what they depend on."""
    first = run.recorder.first
    held = [v.node for v in run.namespace.values() if isinstance(v, Tracked) and v.node is not None]
    roots = [node for node in held if node.number >= first] + [entry.node for entry in run.lifter.lifted]
    return [node for node in reversed(walk(*roots)) if node.number >= first or isinstance(node, Leaf)]


def names_in(
    namespace: dict[str, Any], nodes: Iterable[Node], heard: dict[int, list[str]]
) -> dict[int, list[str]]:
    """Give names by node number: those heard at assignments, then those that the namespace has for it now."""
    numbers = {node.number for node in nodes}
    found = {number: list(names) for number, names in heard.items() if number in numbers}

    def add(name: str, value: Tracked) -> None:
        if value.node is not None and value.node.number in numbers:
            held = found.setdefault(value.node.number, [])
            if name not in held and (
                name.isidentifier() or not held
            ):  # l[0] only where there is no plainer name
                held.append(name)

    for name, value in tracked_in(namespace):
        add(name, value)
    return found


def tracked_in(namespace: dict[str, Any]) -> Iterator[tuple[str, Tracked]]:
    """Give what is tracked in a namespace, its containers and its modules, by the name that the reader would write."""
    for name, value in list(namespace.items()):
        inner: Iterable[tuple[str, Any]] = ()
        if name.startswith("_"):
            continue
        if isinstance(value, Tracked):
            inner = [(name, value)]
        elif hasattr(type(value), "named_parameters"):
            inner = ((f"{name}.{part}", parameter) for part, parameter in value.named_parameters())
        elif type(value) is dict and len(value) <= 1000:
            inner = ((f"{name}[{key!r}]", entry) for key, entry in value.items())
        elif type(value) in (list, tuple) and len(value) <= 1000:
            inner = ((f"{name}[{i}]", entry) for i, entry in enumerate(value))
        for text, entry in inner:
            if isinstance(entry, Tracked):
                yield text, entry


def _local_names(nodes: list[Node], names: dict[int, list[str]]) -> None:
    """Add the names that functions give their own values, where the cell has none for them."""
    for node in nodes:
        if node.number in names or node.place is None or node.place[0].co_name.startswith("<"):
            continue
        name = source.target_of(node.place)
        if name is not None:
            names[node.number] = [name]


def holder(namespace: dict[str, Any], node: Node) -> Any:
    """Find the tracked value of a node among the user's: by name, in a container, in a module; None if it is gone."""

    def search(values: Iterable[Any], depth: int) -> Any:
        for value in values:
            if isinstance(value, Tracked):
                if value.node is node:
                    return value
                continue
            inner: Iterable[Any] = ()
            if depth and hasattr(type(value), "parameters"):
                inner = value.parameters()
            elif depth and type(value) in (list, tuple, dict) and len(value) <= 1000:
                inner = value.values() if type(value) is dict else value
            found = search(inner, depth - 1)
            if found is not None:
                return found
        return None

    return search(list(namespace.values()), 2)


def _saved_values(nodes: list[Node]) -> dict[int, Any]:
    """Give the values that the tape itself has kept, by node number: those of cells that nobody watched."""
    found: dict[int, Any] = {}
    for node in nodes:
        if not isinstance(node.rule, (Elementwise, General)) or (kept := node.rule.kept(node)) is None:
            continue
        found[node.number] = kept.out
        for origin, value in zip(node.inputs, kept.args, strict=False):
            if origin is not None and found.get(origin.number) is None:
                found[origin.number] = value
    usable = (arrays.is_array, lambda v: isinstance(v, (np.generic, int, float, complex)))
    return {number: value for number, value in found.items() if any(test(value) for test in usable)}


def _input(
    entry: Any, recorder: CellRecorder, numbers: set[int], root: Node | None, keys: dict[int, int]
) -> Input:
    name, node, _, original, kind = entry
    grad = recorder.grads.get(node.number)
    reached = root is not None and node.number in numbers
    array = recorder.raw.get(node.number)
    if array is not None:
        array = np.copy(arrays.to_host(array)) if arrays.is_array(array) else array
        if kind in ("int", "float"):
            array = float(array) if not np.iscomplexobj(array) else complex(array)
    elif root is not None and (recorder.swept or not reached):
        aval = node.aval
        array = np.zeros(aval.shape, aval.tangent) if aval.shape else 0.0
    if original is None:
        return Input(
            name,
            keys[node.number],
            recorder.starts.get(node.number) or _unknown(node),
            grad,
            kind,
            reached,
            array,
        )
    value = summarise(arrays.to_host(raw(original)))
    if node.rule is None and node.aval.shape == value.shape and type(original) is np.ndarray:
        value = recorder.starts.get(node.number, value)
    now, note = value, ""
    if node.number in recorder.then:
        value = summarise(arrays.to_host(recorder.then[node.number]))
        if brief(now) != brief(value):
            note = f"the value at the last sweep; after the cell {brief(now)}"
    return Input(name, keys[node.number], value, grad, kind, reached, array, note)


def _within(place: Place, cell: Any) -> Place:
    """Tell apart, in a file, the block that was traced and the rest."""
    if not place.inside:
        return place
    own = cell.first_line <= place.line < cell.first_line + cell.text.count("\n") + 1
    return replace(place, inside=own, function=None if place.function == cell.scope else place.function)


def _unknown(node: Node) -> Value:
    aval = node.aval
    return Value(tuple(aval.shape), aval.dtype.name, False, aval.size, None, None, None, None, None, 0, 0, 0)


def _operations(
    nodes: list[Node],
    keys: dict[int, int],
    recorder: CellRecorder,
    names: dict[int, list[str]],
    tracked: dict[int, Any],
    run: Any,
) -> tuple[Operation, ...]:
    filename = run.cell.filename
    lifted = {e.node.number for e in run.lifter.lifted if not isinstance(e.tracked, Tensor)}
    places: dict[Any, Place] = {}
    held = {v.node.number: v for v in run.namespace.values() if isinstance(v, Tracked) and v.node is not None}
    made, saved = [], _saved_values(nodes)
    for node in nodes:
        number = node.number
        place = None
        # An input that was there before the cell is from nowhere in it: its node was made by the magic.
        if node.place is not None and (number not in lifted or node.place[0].co_filename == filename):
            key = (node.place, recorder.lines.get(number))
            place = places.get(key)
            if place is None:
                place = places[key] = _within(source.resolve(node.place, filename, key[1]), run.cell)
        value = recorder.values.get(number)
        if value is None and (known := tracked.get(number, held.get(number))) is not None:
            then = recorder.then.get(number)
            value = (
                summarise(arrays.to_host(then))
                if then is not None
                else recorder.starts.get(number) or summarise(arrays.to_host(known.array))
            )
        if value is None and number in saved:
            value = summarise(arrays.to_host(saved[number]))
        aval = node.aval if not isinstance(node.aval, tuple) else node.aval[0]
        called = tuple(names.get(number, ()))
        made.append(
            Operation(
                key=keys[number],
                rule=node.rule.name if node.rule is not None else "",
                torch=node.name(),
                inputs=edges_of(node, keys, recorder, names, place, called) if node.rule is not None else (),
                shape=tuple(aval.shape),
                dtype=aval.python.__name__ if aval.python is not None else aval.dtype.name,
                value=value,
                grad=recorder.grads.get(number),
                names=called,
                place=place,
            )
        )
    return tuple(made)
