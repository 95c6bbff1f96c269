"""What is often forgotten in a loop that learns: zero_grad, a parameter, a step without recording, a small enough step.

In: the record of a run, what its sweeps met (training.py). Out: notes; none where all is well.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from ...engine.core import arrays, places
from ...engine.core.values import writable
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.nodes import Leaf, Node
from ...engine.tape.tracked import is_a
from ...language import mark, tr
from ...nn.modules import Module
from ...optim import Optimizer
from ...report.model import Note, Result
from ...report.shown.numbers import brief, number
from ..reading import source
from ..reading.names import is_shells
from ..reading.source import parsed
from .holders import attributes_of, leaves_in, parameters_in
from .notes import joined
from .run_record import RunRecord
from .training import Followed

LOOP = 3  # sweeps from which on a parameter that stays as it is is told
LISTED = 4  # names


def mistake_notes(run: RunRecord, result: Result, reached: Collection[Node]) -> list[Note]:
    """Say what is odd about the sweeps of a cell, and about the parameters that its result does not depend on."""
    training, tensors = run.recorder.training, leaves_in(run.namespace)
    if training.followed:
        training.close(run.recorder.parameters() if run.recorder.parameters else tensors)
    return [
        *_held(run, tensors),
        *_grown(run, result),
        *_unreached(run, tensors, result, {node.number for node in reached}),
        *_unchanged(run, tensors),
    ]


# -- gradients that are still held ---------------------------------------------------------------------------------
def _held(run: RunRecord, tensors: dict[str, Any]) -> list[Note]:
    training = run.recorder.training
    followed, line = training.followed, training.line
    mixed = [name for name, found in followed.items() if found.mixed_steps]
    if mixed:
        text = tr(
            "backward() adds to {grads}, which still held gradients from before the last step, and {names} {is_are} "
            "stepped by the sum: write {zeroed} before each backward().",
            grads=listed([f"{name}.grad" for name in mixed]), names=listed(mixed), is_are=_are(mixed),
            zeroed=_zeroed(run, mixed, tensors),
        )  # fmt: skip
        return [Note("grad kept", text, line)]
    before = [name for name, found in followed.items() if found.reached and found.before is not None]
    if before:
        fields = {
            "grads": listed([f"{name}.grad" for name in before]), "zeroed": _zeroed(run, before, tensors),
            "sum": _sum(followed, before, tensors),
        }  # fmt: skip
        veiled = tr(_ADDED, **fields)
        text = tr(_ADDED_UP, **fields) if fields["sum"] else veiled
        return [Note("grad kept", text, line, veiled)]
    still = _still(run, tensors)[0]
    summed = [
        name
        for name, found in followed.items()
        if found.summed > 1
        and name not in still
        and name in tensors
        and (grad := tensors[name].grad) is not None
        and np.any(grad.array)
    ]
    if summed:
        text = tr(
            _SUMS if len(summed) > 1 else _SUM, grads=listed([f"{name}.grad" for name in summed]),
            count=max(followed[name].summed for name in summed),
        )  # fmt: skip
        return [Note("sum", text)]
    return []


_ADDED = mark(
    "backward() added to what {grads} still held from an earlier sweep: write {zeroed} before it, if the sum is not "
    "meant."
)
_ADDED_UP = mark(
    "backward() added to what {grads} still held from an earlier sweep, {sum}: write {zeroed} before it, if the sum is "
    "not meant."
)
_SUM = mark("{grads} is the sum over {count:,} sweeps; the gradients here are the last sweep's.")
_SUMS = mark("{grads} are sums over {count:,} sweeps; the gradients here are the last sweep's.")


def _sum(followed: dict[str, Followed], before: list[str], tensors: dict[str, Any]) -> str:
    """Write the sum out, of one number: `-4 + -4 = -8`; an empty text for others."""
    found, tensor = followed[before[0]], tensors.get(before[0])
    if len(before) > 1 or found.reached > 1 or tensor is None or tensor.grad is None or found.before is None:
        return ""
    total, added = arrays.to_host(tensor.grad.array), arrays.to_host(found.grad)
    if np.size(total) > 1 or not np.allclose(total, np.asarray(found.before.items) + added):
        return ""
    return f"{brief(found.before)} + {number(added.item())} = {number(total.item())}"


def _zeroed(run: RunRecord, names: list[str], tensors: dict[str, Any]) -> str:
    """Say how these gradients are set back: by the optimizer that has them, or one by one."""
    numbers = {id(tensors[name]) for name in names if name in tensors}
    for name, held in _optimizers(run):
        if numbers & {id(p) for p in held}:
            return f"{name}.zero_grad()"
    statements = [f"{name}.grad = None" for name in names]
    if 1 < len(statements) <= LISTED:
        return tr("{statements} and {last}", statements=tr(", ").join(statements[:-1]), last=statements[-1])
    return listed(statements)


# -- steps ---------------------------------------------------------------------------------------------------------
def _grown(run: RunRecord, result: Result) -> list[Note]:
    growth = run.recorder.training.growth()
    if growth is None:
        return []
    first, last, count, place = growth
    text = tr(
        "{name} grows from {first} to {last} in the last {count:,} sweeps, though each step goes against the gradient: "
        "it goes past the minimum, and the next gradient points back. Take smaller steps, a tenth of this learning "
        "rate.", name=result.name, first=number(first), last=number(last), count=count,
    )  # fmt: skip
    return [Note("grows", text, _line_in(run, place))]


def _still(run: RunRecord, tensors: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Give what has gradients and is never changed in a loop, and what the loop's steps change instead."""
    followed = run.recorder.training.followed
    moved = [name for name, found in followed.items() if found.steps >= LOOP - 1]
    still = [
        name
        for name, found in followed.items()
        if moved and found.reached >= LOOP and not found.steps and name in tensors and np.any(found.grad)
    ]
    return still, moved


def _unchanged(run: RunRecord, tensors: dict[str, Any]) -> list[Note]:
    still, moved = _still(run, tensors)
    if not still:
        return []
    text = tr(
        _STAY if len(still) > 1 else _STAYS, names=listed(still), moved=listed(moved), is_are=_are(moved)
    )
    return [Note("unchanged", text)]


_STAYS = mark("{names} has a gradient and no step changes it, as {moved} {is_are} changed.")
_STAY = mark("{names} have gradients and no step changes them, as {moved} {is_are} changed.")


# -- parameters that the result does not depend on -----------------------------------------------------------------
def _unreached(run: RunRecord, tensors: dict[str, Any], result: Result, reached: set[int]) -> list[Note]:
    reached = reached | run.recorder.training.reached
    names = {id(tensor): name for name, tensor in tensors.items()}

    def missing(held: Collection[Any]) -> list[Any]:
        return [
            p for p in held if p.requires_grad and isinstance(p.node, Leaf) and p.node.number not in reached
        ]

    found: dict[str, str] = {}  # what is not reached, and the optimizer that has it
    nameless = False  # whether an optimizer has what no name has any more
    for optimizer, held in _optimizers(run):
        for p in missing(held) if optimizer in run.uses.reads else ():
            nameless = nameless or id(p) not in names
            called = names.get(id(p)) or tr("a tensor of {optimizer}", optimizer=optimizer)
            found.setdefault(called, optimizer)
    for value in list(run.namespace.values()):
        if is_a(value, Module):
            held = [p for _, p in parameters_in(value, "")]
            left = missing(held)
            if len(left) < len([p for p in held if p.requires_grad]):
                found |= {names[id(p)]: found.get(names[id(p)], "") for p in left if id(p) in names}
    on_line = {name for name in found if name in run.options.names}  # of those input_notes speaks
    for name in on_line:
        del found[name]
    if not found:
        return []
    optimizer = next((o for o in found.values() if o), "")
    text = tr(
        _RENEWED if nameless else _LEFT_OUT if optimizer else _UNREACHED, result=result.name, names=listed(found),
        optimizer=optimizer, it="them" if len(found) > 1 else "it",
    )  # fmt: skip
    # Who looks at a part of a module may mean to; who trains it does not.
    trains = optimizer or any(one.steps for one in run.recorder.training.followed.values())
    return [Note("not reached" if trains else "unused", text)]


_UNREACHED = mark("{result} does not depend on {names}: no gradient goes there.")
_LEFT_OUT = mark(
    "{result} does not depend on {names}: no gradient goes there, though {optimizer} is to change {it}."
)
_RENEWED = mark(
    "{result} does not depend on {names}: no gradient goes there, though {optimizer} is to change {it}. If a name was "
    "assigned again, make {optimizer} anew after that."
)


def _optimizers(run: RunRecord) -> Iterator[tuple[str, list[Any]]]:
    """Give the user's optimizers, with their tensors."""
    for name, value in list(run.namespace.items()):
        if is_a(value, Optimizer) and not is_shells(name):
            groups = attributes_of(value).get("param_groups", ())
            yield name, [p for group in groups for p in group["params"] if is_a(p, Tensor)]


# -- a gradient that is None ---------------------------------------------------------------------------------------
def missing_notes(run: RunRecord, error: BaseException, line: int | None) -> list[Note]:
    """Say of a cell that failed because a `.grad` is None why it is None."""
    if line is None or not isinstance(error, (TypeError, AttributeError)) or "NoneType" not in said(error):
        return []
    tree = parsed("\n" * (run.cell.first_line - 1) + run.cell.text)
    nodes, found = list(ast.walk(tree)) if tree is not None else [], []
    again = {t.id for n in nodes if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.value, ast.Name):
            name, tensor = node.value.id, run.namespace.get(node.value.id)
            if node.lineno == line and is_a(tensor, Tensor) and tensor.grad is None:
                why = _why(run, name, tensor, name in again)
                found.append(Note("no grad", tr("{name}.grad is None: {why}.", name=name, why=why), line))
    return list(dict.fromkeys(found))


def said(error: BaseException) -> str:
    """Give the text of an error, which may have none, or letters that no file can hold."""
    try:
        return writable(str(error))
    except Exception:  # the user's own, whatever it does; in the words of Python's tracebacks
        return "<exception str() failed>"


def _why(run: RunRecord, name: str, tensor: Tensor, again: bool) -> str:
    update = f"with gm.no_grad(): {name} -= ..."
    node = tensor.node
    if node is None:
        if again and run.recorder.roots:
            return tr(
                "{name} = ... under no_grad makes a new tensor, without gradient. Change it in place: {update}",
                name=name, update=update,
            )  # fmt: skip
        return tr("{name} does not require grad. Make it with requires_grad=True", name=name)
    if not isinstance(node, Leaf):
        line = _line_in(run, node.place)
        return tr(_MADE_IN if line else _MADE, name=name, line=line, update=update)
    if not run.recorder.roots:
        return tr("no backward() ran before")
    return tr("the result does not depend on {name}", name=name)


_MADE = mark(
    "{name} is the result of an operation, and backward() leaves gradients in leaves. Change the leaf itself, "
    "unrecorded: {update}"
)
_MADE_IN = mark(
    "{name} is the result of an operation in line {line}, and backward() leaves gradients in leaves. Change the leaf "
    "itself, unrecorded: {update}"
)


def listed(names: Collection[str]) -> str:
    """List names as a sentence does: `a, b and c`; of many the first."""
    shown = list(names)
    if len(shown) > LISTED:
        first, more = tr(", ").join(shown[: LISTED - 1]), len(shown) - LISTED + 1
        return tr("{names} and {more} more", names=first, more=more)
    return joined(shown)


def _line_in(run: RunRecord, place: places.Place | None) -> int | None:
    """Give the line of the cell that a place is in; None for one elsewhere."""
    return (
        source.span_of(place)[0] if place is not None and place[0].co_filename == run.cell.filename else None
    )


def _are(names: Collection[str]) -> str:
    return "are" if len(names) > 1 else "is"
