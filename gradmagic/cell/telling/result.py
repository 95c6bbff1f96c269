"""The result of a cell: what the gradient is of, and where its backward sweep starts.

In: the record of a run, its tracked values still in place. Out: a name and a tracked value, and the
cotangent to start from; or an error that says what to write.
"""

from __future__ import annotations

import ast
from functools import reduce
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.foreign import engine_of, of_library
from ...engine.tape import modes
from ...engine.tape.ends import seed
from ...engine.tape.tracked import Tracked, is_a, raw
from ...errors import GradmagicError, NoGradError, NonScalarError, NoResultError, ShapeError
from ...language import mark, tr
from ..reading.names import is_shells
from ..reading.source import parsed
from .edges import depends_entry_by_entry
from .notes import cut_notes
from .rounded import rounded
from .run_record import RunRecord


def result_of(run: RunRecord) -> tuple[str, Tracked]:
    """Find the result: `--of`, else the last expression, else the assignment that was executed last.

    Raises
    ------
    NoResultError
        If nothing that the cell computes depends on an input.
    """
    inputs = [entry.node for entry in run.lifted]

    def computed(value: Any) -> bool:
        return is_a(value, Tracked) and value.node is not None and not any(value.node is n for n in inputs)

    if run.options.of:
        with modes.watch(run.recorder):
            value = _computed("--of", run.options.of, run.namespace, run.evaluate)
        if not is_a(value, Tracked) or value.node is None:
            text = tr(
                "--of {result} does not depend on {inputs}: name a result that does.",
                result=run.options.of, inputs=_inputs(run),
            )  # fmt: skip
            raise NoResultError(text + _end_of_path(run))
        return run.options.of, value
    if run.shown and computed(run.seen(run.shown[0])):
        value = run.seen(run.shown[0])
        called = next((n for n in reversed(run.assigned) if _same(run.namespace.get(n), value)), None)
        return called or run.last_text, value
    named = {entry.name for entry in run.lifted}
    # `w = w - 0.1 * g` at the end of a loop: what the line names is the result only if there is no other;
    # so is an entry of a container (`params['w'] = ...`).
    latest = [*reversed(run.assigned)]
    for name in sorted(latest, key=lambda n: 2 if n in named else not n.isidentifier()):
        held = run.assigned[name]
        last: Any = run.namespace.get(name) if held is None else held()
        if computed(last) and (last.node.rule is not None or not run.options.names):
            return name, last
    # Names that no assignment statement of the cell has set: by a magic inside the cell, by `global`, by exec.
    others = {
        n: v for n, v in run.namespace.items() if computed(v) and v.node.rule is not None and not is_shells(n)
    }
    new = {n: v for n, v in others.items() if v.node.number >= run.recorder.first}
    if new:
        name = max(new, key=lambda n: (n not in named, new[n].node.number))
        return name, new[name]
    raise NoResultError(_no_result(run))


def _same(held: Any, value: Tracked) -> bool:
    return is_a(held, Tracked) and held.node is value.node


def _computed(option: str, text: str, namespace: dict[str, Any], evaluate: Any = None) -> Any:
    """Compute what the magic's line asks for, after the cell."""
    try:
        if evaluate is not None:
            return evaluate(text)
        return eval(compile(text, f"<{option}>", "eval", dont_inherit=True), namespace)
    except GradmagicError:
        raise
    except Exception as error:
        raise NoResultError(tr(
            "{option} {text} cannot be computed: {kind}: {error}. Write an expression of names that the cell has.",
            option=option, text=text, kind=type(error).__name__, error=error,
        )) from None  # fmt: skip


def _no_result(run: RunRecord) -> str:
    if run.cell.text and not run.cell.tree.body and not run.shown:
        return tr("the cell has no code: write what is to be computed below %%grad.")
    itself = [entry.name for entry in run.lifted if entry.name in run.assigned]
    if itself and itself[-1] == next(reversed(run.assigned)):
        name = itself[-1]
        return tr(
            "{name} is on the %%grad line and is itself the result (line {line}): its gradient by itself is 1. Write "
            "on the line what {name} is computed from, or another result with --of.",
            name=name, line=run.uses.assigns.get(name, 1),
        )  # fmt: skip
    if (odd := _of_another_engine(run)) is not None:
        name, what, engine = odd
        return tr(_OF_TORCH if engine == "torch" else _OF_ANOTHER, name=name, what=what, engine=engine)
    message = tr(
        "nothing that the cell computes depends on {inputs}: assign the result to a name or end the cell with it, or "
        "name what it does depend on (%%grad x y).", inputs=_inputs(run),
    )  # fmt: skip
    if not modes.is_grad_enabled():
        message += tr(" Recording is switched off: write gm.set_grad_enabled(True) first.")
    return message + (_end_of_path(run) or rounded(run))


_OF_ANOTHER = mark(
    "{name} is {what}: what {engine} computes is not on gradmagic's tape. Compute it with NumPy's functions or with "
    "gm.tensor."
)
_OF_TORCH = mark(
    "{name} is {what}: what {engine} computes is not on gradmagic's tape. Compute it with NumPy's functions or with "
    "gm.tensor, or write `import gradmagic as torch`."
)


def _of_another_engine(run: RunRecord) -> tuple[str, str, str] | None:
    """Find what the cell made, or else used, of another library of derivatives: (name, what it is, library)."""
    shown = [(run.last_text, value) for value in run.shown]
    names = [*reversed(run.assigned), *run.uses.reads]
    for name, value in [*shown, *((n, run.namespace[n]) for n in names if n in run.namespace)]:
        engine = engine_of(type(value).__module__)
        if engine and (what := of_library(value)) is not None:
            return name, what, engine
    return None


def _end_of_path(run: RunRecord) -> str:
    """Say where a value became a plain one; empty if none did."""
    inputs = {entry.node.number: [entry.name] for entry in run.lifted}
    cuts = cut_notes(run, run.recorder.names | inputs, None)
    return tr(" The path ends in {cut}", cut=cuts[0].text) if cuts else ""


def _inputs(run: RunRecord) -> str:
    names = [entry.name for entry in run.lifted]
    if not names:
        return tr("an array, a number or a tensor that requires grad")
    return reduce(lambda one, other: tr("{input} or {other}", input=one, other=other), names)


def seed_of(run: RunRecord, name: str, result: Tracked) -> Any:
    """Give the cotangent of the result: one for a number, what `--gradient` says otherwise.

    Raises
    ------
    NonScalarError
        If the result is not a single number and `--gradient` is not given.
    """
    node: Any = result.node
    gradient: Any = None
    if not isinstance(run.options.gradient, str):  # gm.trace(gradient=...): the weights themselves
        gradient = run.options.gradient
    elif run.options.gradient:
        gradient = _computed("--gradient", run.options.gradient, run.namespace)
    if gradient is not None:
        gradient = np.asarray(arrays.to_host(raw(gradient)), node.aval.tangent)
        if not gradient.ndim and node.aval.shape:
            gradient = np.broadcast_to(gradient, node.aval.shape)
        gradient = arrays.from_host(gradient, raw(result))
    elif node.aval.size != 1:
        each = depends_entry_by_entry(node, [entry.node for entry in run.lifted])
        raise NonScalarError(tr(
            _BY_ENTRY if each else _NOT_SCALAR, name=name, shape=tuple(node.aval.shape), whole=_whole(name)
        ))  # fmt: skip
    try:
        return seed(result, gradient)
    except (ShapeError, NoGradError) as error:
        raise type(error)(f"--gradient {run.options.gradient}: {error}") from None


_NOT_SCALAR = mark(
    "grad can be implicitly created only for scalar outputs: {name} has the shape {shape}. Write {whole}.sum() or "
    '{whole}.mean() in the cell, or %%grad ... --of "{whole}.sum()", or --gradient V with one weight for each entry.'
)
_BY_ENTRY = mark(
    "grad can be implicitly created only for scalar outputs: {name} has the shape {shape}. Write {whole}.sum() (each "
    "{whole}[k] depends on one entry only, so this gives the slope at every point) or {whole}.mean() in the cell, or "
    '%%grad ... --of "{whole}.sum()", or --gradient V with one weight for each entry.'
)


def _whole(text: str) -> str:
    """Write an expression so that a method can stand behind it: `(x*2 + 1)`, `f(x)`."""
    tree = parsed(text)
    value = getattr(tree.body[0], "value", None) if tree is not None and tree.body else None
    return text if isinstance(value, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) else f"({text})"
