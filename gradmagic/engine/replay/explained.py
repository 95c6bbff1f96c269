"""What became of a recording: in words, and as plain data to draw.

In: a replayed function. Out: an `Explanation`, which prints itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...language import mark, tr
from ..core.places import describe
from . import known
from .blocks import Run
from .program import Program, Step
from .whole import Made


class Drawn(NamedTuple):
    """One step as it is drawn: what it is called, what is called for it, its kind of value, the steps that it needs."""

    name: str
    text: str
    value: str
    needs: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Explanation:
    """What was recorded, what is left of it, what was refused, how often it ran, in how many bytes.

    Attributes
    ----------
    text : str
    """

    text: str

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def source(replayed: Any) -> str:
    """Give the program that served last, as Python."""
    made = last(replayed)
    return tr("# not recorded yet: it is at the first call") + "\n" if made is None else made.source


def last(replayed: Any) -> Made | None:
    """Give the program that served last; None if there is none."""
    return replayed._last or (replayed.programs[-1] if replayed.programs else None)


def explain(replayed: Any) -> Explanation:
    """Say what became of a function."""
    name, programs = getattr(replayed.f, "__name__", "f"), replayed.programs
    served = replayed.served
    lines = [tr(
        "{name}: {count:,} program{s}, {served:,} of {calls} by {it}", name=name, count=len(programs),
        s="s" * (len(programs) != 1), served=served, calls=_calls(served + replayed.eager),
        it="it" if len(programs) == 1 else "them",
    )]  # fmt: skip
    for made in programs:
        lines += _of_program(made)
    lines += ["  " + tr("refused: {why}", why=why) for why in replayed.refused]
    return Explanation("\n".join(lines))


def _of_program(made: Made) -> Iterator[str]:
    takes = tr(", ").join(_kind(s) for s in made.program.inputs if s.op.startswith("x")) or tr("no arrays")
    reads = [_spoken(link.name) for link in made.around.places]
    yield "  " + tr("program of {inputs}", inputs=takes)
    left = len(made.program.steps)
    yield "    " + tr(
        "recorded {recorded}, left {left}: {kinds}", recorded=_steps(made.recorded), left=_steps(left),
        kinds=_sorts(made.program),
    )  # fmt: skip
    if reads:
        yield "    " + tr("reads {names}", names=_listed(reads))
    if names := [_spoken(link.name) for link in made.around.links if "._" not in _spoken(link.name)]:
        count = len(names)
        yield "    " + tr(
            "compares {count:,} thing{s} at every call, {names}", count=count, s="s" * (count != 1),
            names=_listed(names),
        )  # fmt: skip
    for step in made.program.steps:
        if step.kind == "guard" and step.place is not None:
            yield "    " + tr("guard: the value at {place} is as it was", place=describe(step.place))
    yield "    " + tr(
        "buffers {bytes:,} bytes, served {calls}, {choice}", bytes=made.bytes, choice=made.choice.text,
        calls=_calls(made.served),
    )  # fmt: skip


def _sorts(program: Program) -> str:
    found: Counter[str] = Counter()
    runs = [s for s in program.steps if type(s) is Run]
    for step in program.steps:
        found[_sort(step)] += 1
    del found["input"], found["stretch"]
    words = [tr(_COUNTED[sort], count=n, s="s" * (n != 1)) for sort, n in found.most_common()]
    words += [
        tr(
            "{count} entry by entry in blocks of {rows:,} rows",
            count=len(r.body.steps) - len(r.body.inputs),
            rows=r.block,
        )
        for r in runs
    ]
    return tr(", ").join(words) or tr("nothing but its inputs")


_COUNTED = {
    "in place": mark("{count} in place"),
    "guard": mark("{count} guard{s}"),
    "constant": mark("{count} constant{s}"),
    "draw": mark("{count} draw{s} of random numbers"),
    "of numbers": mark("{count} of number{s}"),
    "entry by entry": mark("{count} entry by entry"),
    "reduction": mark("{count} reduction{s}"),
    "matrix product": mark("{count} matrix product{s}"),
    "view": mark("{count} view{s}"),
    "other": mark("{count} other{s}"),
    "item": mark("{count} item"),
}


def _sort(step: Step) -> str:
    if type(step) is Run:
        return "stretch"
    if step.kind != "call":
        return "in place" if step.kind == "write" else step.kind
    if not step.shape and not known.reduction(step.op) and step.value is not None:
        return "of numbers"
    if known.elementwise(step.op):
        return "entry by entry"
    if known.reduction(step.op):
        return "reduction"
    return "matrix product" if step.op is np.matmul else "view" if step.op in known.VIEWS else "other"


def _kind(step: Step) -> str:
    value = step.value
    return f"{value.dtype}{list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__


def _spoken(name: str) -> str:
    """Give a name as the user would write it."""
    name = re.sub(r"\._modules\['(\d+)'\]", r"[\1]", name)
    return re.sub(r"\._(?:modules|parameters|buffers)\['(\w+)'\]", r".\1", name)


def _listed(names: list[str]) -> str:
    return tr(", ").join(names[:6]) + (
        tr(" and {count} others", count=len(names) - 6) if len(names) > 6 else ""
    )


def _steps(number: int) -> str:
    return tr("{count:,} step{s}", count=number, s="s" * (number != 1))


def _calls(number: int) -> str:
    return tr("{count:,} call{s}", count=number, s="s" * (number != 1))


def drawn(replayed: Any, names: Sequence[str] = ()) -> list[Drawn]:
    """Give the steps of the program that served last as they are drawn; `names` are those of its arguments' numbers."""
    made = last(replayed)
    if made is None:
        return []
    signs: dict[int, str] = {}
    called = {f"s{i}": _spoken(link.name) for i, link in enumerate(made.around.places)}
    called |= {f"x{i}": name for i, name in enumerate(names)}
    found: list[Drawn] = []
    for step in _flat(made.program):
        signs[id(step)] = f"s{len(signs)}"
        needs = tuple(dict.fromkeys(signs[id(s)] for s in step.needs() if id(s) in signs))
        if step.kind == "input":
            text = called.get(step.op, step.op)
        else:
            text = step.kind if step.op is None else known.name_of(step.op)
        value = "" if step.value is None else _kind(step)
        found.append(Drawn(signs[id(step)], text, value, needs, step.kind))
    return found


def _flat(program: Program) -> Iterator[Step]:
    for step in program.steps:
        if type(step) is Run:
            yield from step.steps
        else:
            yield step
