"""One run of a function on recording arrays: its arguments and surroundings in, a program out.

In: a function, a call's arguments, and what the function sees besides. Out: a `Program`, what the function gave on
recording arrays, and what it left in places; or `Refused`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ...language import tr
from ..core import arrays
from ..following.followers import STANDING
from . import operators  # noqa: F401  (of the recording arrays)
from .alone import alone
from .call import Call, copied
from .elsewhere import held_elsewhere
from .program import Program, Step
from .recorded import NOW, CannotRecord, Recorded, Refused, is_recorded
from .recorder import Recording
from .seam import SEAM
from .surroundings import Surroundings, TooMuch

arrays.KINDS[Recorded] = SEAM
arrays.HOSTS.add(SEAM)


def seen(f: Callable[..., Any], call: Call, moving: frozenset[Any]) -> Surroundings:
    """Look at what a function reaches.

    Raises
    ------
    Refused
        If it is too much.
    """
    try:
        return Surroundings(f, *call.objects, moving=moving)
    except TooMuch as error:
        raise Refused(str(error)) from None


def _once(one: dict[int, Any], value: Any, recorded: Any) -> Any:
    """Give what stands for an array already, if anything: then it lies in that one's memory."""
    if type(value) is not np.ndarray:
        return recorded
    first = one.setdefault(id(value), recorded)
    recorded.step.storage = first.step.storage
    return first


class Effect(NamedTuple):
    """What a program leaves in a place: the place as Python's text, what is written there, the step it is, and how what
    the function itself has left there is read."""

    place: str
    form: str
    step: Step | None
    read: Callable[[], Any]


@contextmanager
def noting() -> Iterator[None]:
    """Let NumPy's functions that make arrays be written down, within the block."""
    STANDING[0].put_on()
    try:
        yield
    finally:
        STANDING[0].take_off()


def record(
    f: Callable[..., Any],
    call: Call,
    around: Surroundings,
    values: list[Any],
    held: list[Any],
    brief: bool = False,
) -> tuple[Program, Any, list[Effect]]:
    """Run `f` on recording arrays with these values; give the program, what `f` gave, and what it left in places."""
    now = Recording()
    now.program.brief = brief
    token = NOW.set(now)
    try:
        given = [now.enter(copied(v), f"x{i}") for i, v in enumerate(values)]
        inside = [None if v is None else now.enter(copied(v), f"s{i}") for i, v in enumerate(held)]
        if around.compares:  # what is one object stays one
            one: dict[int, Any] = {}
            given = [_once(one, v, g) for v, g in zip(values, given, strict=True)]
            inside = [_once(one, v, g) for v, g in zip(held, inside, strict=True)]
        args, kwargs = call.given(given)
        with around.holding(inside), noting(), alone():
            out = f(*args, **kwargs)
            if left := [link.name for link in around.links if not link.same()]:
                raise Refused(tr("it changes {name}, which a program cannot", name=left[0]))
            effects = _effects(now, call, around, given, inside)
        if not brief:
            around.keep(held_elsewhere(now.constants))
    except CannotRecord as error:
        raise Refused(now.program.refused or str(error)) from None
    except Refused:
        raise
    except Exception as error:
        if now.program.refused:
            raise Refused(now.program.refused) from None
        raise Refused(tr(
            "recording raised {kind}: {error}", kind=type(error).__name__, error=_first_line(error),
        )) from error  # fmt: skip
    finally:
        NOW.reset(token)
    if now.program.refused:
        raise Refused(now.program.refused)
    return now.program, out, effects


def _first_line(error: Exception) -> str:
    try:
        return str(error).partition("\n")[0]
    except CannotRecord:  # its words are an array's
        return tr("with an array")


def _effects(
    now: Recording, call: Call, around: Surroundings, given: list[Any], inside: list[Any]
) -> list[Effect]:
    """List which places hold something else than before."""
    found = []
    for link, before in zip(around.places, inside, strict=True):
        after, place = link.read(), link.text(call.bind)
        if link.key == "grad":
            found += _gradient(place, before, after, call, link.holder)
        elif after is not before:
            found.append(Effect(place, "{}", _step(now, after, link.name), link.read))
    for (text, leaf, number), tensor in zip(call.leaves, call.stand_ins, strict=True):
        before = None if number is None else given[number]
        found += _gradient(f"{text}.node.grad", before, tensor.node.grad, call, leaf)
    return found


def _gradient(place: str, before: Any, after: Any, call: Call, leaf: Any) -> list[Effect]:
    def read() -> Any:
        return leaf.grad.array

    if after is None:
        return [] if before is None else [Effect(place, "None", None, read)]
    if after.array is before:
        return []
    if type(after.array) is not Recorded:
        raise Refused(tr(
            "the gradient that it leaves in {place} hangs on none of its inputs", place=place,
        ))  # fmt: skip
    return [Effect(place, f"{call.bind(type(after).wrap)}({{}}, None)", after.array.step, read)]


def _step(now: Recording, value: Any, name: str) -> Step:
    if is_recorded(value):
        return value.step  # type: ignore[no-any-return]
    if not isinstance(value, np.ndarray):
        raise Refused(tr("it leaves a {kind} in {name}", kind=type(value).__name__, name=name))
    return now.constant(value)
