"""An answer to the quiz: is it the gradient that is hidden, and if not, what is to be looked at.

In: a `View`, a name of the reader's, an answer. Out: what is said of it, and of which value the gradient may be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from ...language import tr
from ..model import Edge, Operation, ReportError
from ..shown.numbers import shape_of
from ..shown.view import View
from .explain import entry_of
from .paths import paths_to, sum_over_paths, sums_up

NEAR = 0.02  # an answer may be so far from the gradient, in parts of its largest entry: 0.33 for 1/3


SHORT = 60  # values of a trace that is looked through for such arrows


class Said(str):
    """A sentence that a prompt shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def asked(view: View) -> dict[str, tuple[int, Any]]:
    """List what a quiz asks for: the key and the gradient of each input, and of each value with a name."""
    return {name: (key, grad) for name, key, grad in _asked(view) if grad is not None}


def _asked(view: View) -> Iterator[tuple[str, int, Any]]:
    for operation in view.operations:
        if operation.names and operation.grad is not None and operation.grad.items is not None:
            yield operation.names[0], operation.key, operation.grad.items
    for entry in view.trace.inputs:
        yield (
            entry.name,
            entry.key,
            entry.array if entry.array is not None else entry.grad and entry.grad.items,
        )


def found_in(view: View, name: str) -> tuple[int, Any]:
    """Give the key and the gradient of what a quiz calls `name`.

    Raises
    ------
    ReportError
        If it asks for nothing of that name.
    """
    values = asked(view)
    if name not in values:
        raise ReportError(tr(
            "there is no gradient by {name!r} to work out. This quiz asks for {names}.", name=name,
            names=", ".join(list(values)[-8:]) or tr("nothing"),
        ))  # fmt: skip
    return values[name]


def given_away(view: View) -> dict[tuple[int, int], list[int]]:
    """List the arrows whose local derivative alone is the gradient of an input: there is nothing to multiply or to add.

    Returns
    -------
    dict
        By the operation's key and the argument's position the keys of these inputs. No arrow that another input's
        gradient is worked out by is among them.
    """
    if len(view.operations) > SHORT:
        return {}
    found: dict[tuple[int, int], list[int]] = {}
    helpful: set[int | None] = set()  # what other inputs lead to
    for entry in view.trace.inputs:
        paths = paths_to(view, entry.key)
        ends = list(chain(*paths or ()))
        factors = [(user, edge) for user, edge in ends if not _hands_on(user, edge)]
        if paths is not None and len(paths) == 1 and len(factors) < 2:
            for user, edge in factors or ends[-1:]:
                found.setdefault((user.key, edge.argument), []).append(entry.key)
        else:
            helpful |= _led_to(view, entry.key)
    sources = {(o.key, edge.argument): edge.source for o in view.operations for edge in o.edges}
    return {end: keys for end, keys in found.items() if sources[end] not in helpful}


def _led_to(view: View, key: int) -> set[int | None]:
    found: set[int | None] = set()
    waiting: list[int | None] = [key]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += [user.key for user, _ in view.users.get(at, ())]
    return found


def _hands_on(operation: Operation, edge: Edge) -> bool:
    """Tell whether an edge hands the gradient on as it is: its local derivative is 1."""
    local = edge.local
    if local is None:
        return sums_up(operation) or edge.formula == "1"
    return local.low == local.high == 1 and not local.nans and not local.infs


def judged(view: View, name: str, answer: Any) -> tuple[Said, int | None]:
    """Hold an answer against the gradient by `name`, or by one entry of an input: `"a[0,0]"`.

    Raises
    ------
    ReportError
        If the quiz asks for nothing of that name, or the answer is no number or array.
    """
    given = np.asarray(answer)
    if given.dtype.kind not in "biufc":
        raise ReportError(tr(
            "{answer!r} is no answer: give a number, or an array of the gradient's shape.", answer=answer,
        ))  # fmt: skip
    slope = view.slope(name)
    if name not in asked(view) and "[" in name:
        entry, index = entry_of(view.trace, name)
        key, grad = None, np.asarray(found_in(view, entry.name)[1])[index]
        source = entry.key
    else:
        key, grad = found_in(view, name)
        source = key
    grad = np.asarray(grad)
    if given.shape not in ((), grad.shape) or (grad.shape and not given.shape):
        if not grad.shape:
            return Said(tr("{slope} is a number: this answer is of another shape.", slope=slope)), None
        return Said(tr(
            "{slope} has the shape {shape}: this answer is of another shape.", slope=slope,
            shape=shape_of(grad.shape),
        )), None  # fmt: skip
    if _near(given, grad):
        return Said(tr("right: {slope} is {answer}", slope=slope, answer=answer)), key
    if _near(-given, grad):
        return Said(tr("not yet: {slope} has the other sign.", slope=slope)), None
    if grad.shape:
        right = sum(_near(a, g, grad) for a, g in zip(given.flat, grad.flat, strict=True))
        return Said(tr(
            "not yet: {n} of {size} entries of {slope} are right.", n=right, size=grad.size, slope=slope,
        )), None  # fmt: skip
    paths = sum_over_paths(view, source)
    if paths is None:
        return Said(tr("not yet: {slope} is not {answer}.", slope=slope, answer=answer)), None
    return Said(tr(
        "not yet: {slope} is not {answer}. Multiply along each path, and add them up: {paths}.",
        slope=slope, answer=answer, paths=paths.edges,
    )), None  # fmt: skip


def _near(given: Any, grad: Any, among: Any = None) -> bool:
    most = np.max(np.abs(np.nan_to_num(grad if among is None else among)), initial=0)
    return bool(np.allclose(given, grad, rtol=0, atol=NEAR * most, equal_nan=True))
