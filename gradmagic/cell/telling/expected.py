"""`--expect`: the reader's own formula for a gradient, held against the tape's, entry by entry.

In: the inputs with their gradients, and what the reader wrote. Out: notes: that the two agree, or where they do not.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.interpreter import parse
from ...engine.tape import modes
from ...engine.tape.tracked import raw
from ...errors import GradmagicError
from ...language import mark, tr
from ...report.model import Input, Note
from ...report.shown.simplified import operand

TOLERANCE = {2: 1e-2, 4: 1e-4, 8: 1e-8}  # relative to the larger of the two, by bytes of a real number


class ExpectError(GradmagicError, ValueError):
    """`--expect` says nothing that can be held against the gradients.

    Wrong, where there are two inputs::

        %%grad a b --expect "2*b"

    Right::

        %%grad a b --expect "a=2*b, b=2*a"
    """


def expected_notes(expect: str, inputs: tuple[Input, ...], result: str, scope: dict[str, Any]) -> list[Note]:
    """Compare each gradient with what the reader expects; `scope` has the values that the formulas are computed of.

    Raises
    ------
    ExpectError
        If the formula names no input, cannot be computed, or has another shape than the gradient.
    """
    notes = []
    for name, text in _formulas(expect, [entry.name for entry in inputs]).items():
        entry = next(e for e in inputs if e.name == name)
        slope = f"d{operand(result)}/d{name}"
        if entry.array is None:
            text = tr(
                "{slope} is not available, so it cannot be held against {text}.", slope=slope, text=text
            )
            notes.append(Note("differs", text))
            continue
        wanted = _computed(text, scope)
        notes.append(_compared(slope, text, np.asarray(entry.array), wanted))
    return notes


def _formulas(text: str, names: list[str]) -> dict[str, str]:
    """Split `a=2*b, b=2*a` into its formulas; one formula alone is for the only input."""
    try:
        call: Any = parse(f"expect({text})", mode="eval").body
    except SyntaxError:
        raise ExpectError(tr(
            '--expect {text!r} is not Python: write a formula such as "4*x", or "a=2*b, b=2*a".', text=text
        )) from None  # fmt: skip
    found = {k.arg: ast.unparse(k.value) for k in call.keywords if k.arg}
    if call.args or not found:
        if found or len(names) != 1:
            several = ", ".join(f"{name}=..." for name in names)
            raise ExpectError(tr(
                '--expect {text!r} does not say which gradient it is: write --expect "{several}".',
                text=text, several=several,
            ))  # fmt: skip
        return {names[0]: text}
    for name in found:
        if name not in names:
            raise ExpectError(tr(
                "--expect names {name!r}, which is no input: those are {names}.", name=name, names=", ".join(names)
            ))  # fmt: skip
    return found


def _computed(text: str, scope: dict[str, Any]) -> Any:
    scope = {n: raw(v) for n, v in scope.items()}
    try:
        with modes.no_grad():
            value = eval(compile(text, "<--expect>", "eval"), scope)
            wanted = np.asarray(arrays.to_host(raw(value)))
    except Exception as error:
        raise ExpectError(tr(
            "--expect {text!r} cannot be computed: {kind}: {error}. Its names stand for plain arrays and numbers.",
            text=text, kind=type(error).__name__, error=error,
        )) from error  # fmt: skip
    if wanted.dtype.kind not in "biufc":
        raise ExpectError(tr(
            "--expect {text!r} is a {kind}, no number or array of numbers.", text=text, kind=type(value).__name__
        ))  # fmt: skip
    return wanted


def _compared(slope: str, text: str, got: Any, wanted: Any) -> Note:
    try:
        wanted = np.broadcast_to(wanted, got.shape)
    except ValueError:
        raise ExpectError(tr(
            "--expect {text!r} has the shape {shape}, and {slope} has the shape {wanted}.",
            text=text, shape=wanted.shape, slope=slope, wanted=got.shape,
        )) from None  # fmt: skip
    size = np.finfo(got.dtype if got.dtype.kind in "fc" else float).dtype.itemsize
    with np.errstate(all="ignore"):
        apart = np.abs(got - wanted) > TOLERANCE[size] * np.maximum(
            1, np.maximum(np.abs(got), np.abs(wanted))
        )
        apart |= np.isnan(got) != np.isnan(wanted)
    if not apart.any():
        same = _ENTRIES if got.ndim else _AGREES
        return Note("agrees", tr(same, slope=slope, text=text))
    at = tuple(int(i) for i in np.argwhere(apart)[0])
    place = f"[{', '.join(map(str, at))}]" if at else ""
    fields = {
        "slope": slope + place, "text": text, "got": got[at], "wanted": wanted[at],
        "count": int(apart.sum()), "size": got.size,
    }  # fmt: skip
    differs, veiled = _MANY if got.size > 1 else _ONE
    return Note("differs", tr(differs, **fields), veiled=tr(veiled, **fields))


_AGREES = mark("{slope} is {text}, as expected.")
_ENTRIES = mark("{slope} is {text}, as expected, entry by entry.")
_ONE = (
    mark("{slope} is {got:.6g}, and {text} gives {wanted:.6g}."),
    mark("{slope} is not what {text} gives."),
)
_MANY = (
    mark("{slope} is {got:.6g}, and {text} gives {wanted:.6g}. {count:,} of {size:,} entries differ."),
    mark("{slope} is not what {text} gives. {count:,} of {size:,} entries differ."),
)
