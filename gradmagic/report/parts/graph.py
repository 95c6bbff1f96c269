"""The computation graph: what its boxes and arrows say.

In: a `View`. Out: a `Picture`, plain data that pictures/ draws and writes as DOT: inputs, constants that have a name,
operations, the result; the edges numbered, with the local derivatives.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ...engine.core.values import Value
from ...language import tr
from ..model import Edge, Operation
from ..shown.naming import circled
from ..shown.numbers import brief, number, shape_of, sign
from ..shown.typeset import clip, width
from ..shown.view import View

RICH = 60  # nodes that are drawn with values, gradients and derivatives
MOST = 130  # nodes that are drawn at all; more are folded

FONT = 12  # points
CHARACTER = 0.602  # of the size: the advance of the monospaced fonts in use
LINE = 17
PADDING = 10
NAMED_CONSTANTS = 8
WHOLE = 400  # operations that are gone through for the data among their arguments

ROLES = {"+": "pos", "-": "neg", "0": "zero", "!": "bad"}  # of a number, by its sign
MODULES = re.compile(r"\b(?:np|gm|cp)\.(?=[a-zA-Z])")  # what goes without saying where there is little room
NAME = re.compile(r"[^\W\d][\w.]*")  # of data, as the reader has it
Row = tuple[tuple[str, str], ...]  # (text, role)


@dataclass(frozen=True)
class Box:
    """A node: `kind` is input, constant, operation or result."""

    name: str
    key: int | None
    kind: str
    lines: tuple[Row, ...]
    tip: str
    size: float = 0.0  # of the gradient beside the largest, by the logarithm over four decades: 0 to 1
    mood: str = ""  # the gradient's sign

    @property
    def width(self) -> float:
        """In points: wide enough for full-width characters too."""
        widest = max((sum(width(text) for text, _ in line) for line in self.lines), default=1)
        return widest * FONT * CHARACTER + 2 * PADDING

    @property
    def height(self) -> float:
        """In points."""
        return len(self.lines) * LINE + PADDING

    @property
    def radius(self) -> int:
        """Of the corners, in points: what nothing was computed for is rounder."""
        return 8 if self.kind in {"input", "constant"} else 3

    @property
    def bar(self) -> float:
        """In points: how long the bar is that shows the gradient's size."""
        return (self.width - 6) * min(1.0, self.size)


@dataclass(frozen=True)
class Link:
    """An edge: `sign` colours it, `weight` is its width; `back` is a loop's way back."""

    name: str
    tail: str
    head: str
    label: str
    tip: str
    sign: str
    weight: float
    back: bool

    @property
    def dashed(self) -> bool:
        """Whether it carries nothing, or to an earlier turn."""
        return self.back or self.sign in {"0", "constant"}


@dataclass(frozen=True)
class Picture:
    """What is drawn, and one sentence that says it."""

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    sentence: str


def picture(view: View, compact: bool = False) -> Picture:
    """Make the picture of a view; a compact one has short labels on its arrows."""
    rich = len(view.operations) <= RICH
    shown = [o for o in view.operations if o.rule or o.key in view.users]
    result = view.trace.result.key if view.trace.result else None
    peak = max((_norm(o.grad) for o in shown), default=0.0)
    kinds = ["result" if o.key == result else "operation" if o.rule else "input" for o in shown]
    boxes = [_box(view, o, kind, rich, peak) for o, kind in zip(shown, kinds, strict=True)]
    keys = {o.key for o in shown}
    links = [linked(view, o, edge, rich, compact) for o in shown for edge in o.inputs if edge.source in keys]
    if rich:
        constants, more = _constants(shown)
        boxes = constants + boxes
        links += more
    return Picture(tuple(boxes), tuple(links), sentence(view))


def _norm(value: Value | None) -> float:
    return value.norm or 0.0 if value is not None else 0.0


def _box(view: View, operation: Operation, kind: str, rich: bool, peak: float) -> Box:
    value, grad = operation.value, operation.grad
    slope = brief(grad, 20, digits=3)
    role = ROLES.get(sign(grad), "ink")
    named = view.title(operation, 32)
    lines: list[Row] = []
    slopes: Row = ((tr("grad {slope}", slope=slope), f"g {role}"),) if slope else ()
    if not rich:
        if sign(grad):  # there is no room for the number: its sign, and how large it is beside the others
            named = f"{clip(named, 20)} {sign(grad)}"
        named = clip(named, 22)
    elif operation.shape or value is None:
        about = f"{shape_of(operation.shape)}  {brief(value, 20, digits=3)}".strip()
        lines = [((about, "value"),) if about else (), slopes]
    elif kind == "input":
        named = f"{named} = {number(value.items)}"
        lines = [slopes]
    else:
        lines = [((number(value.items), "value"), *([("   ", "")] if slopes else []), *slopes)]
    turn = view.turns.get(operation.key)
    lines = [((named, "name"),), *filter(None, lines), *([((turn, "muted"),)] if turn else [])]
    tip = [view.title(operation, 200)]
    place = operation.place
    if place is not None and place.line:
        tip[0] += tr("   ({file}, line {line})", file=place.label, line=place.line)
    about = " ".join(part for part in (shape_of(operation.shape), operation.dtype, brief(value)) if part)
    tip += [tr("value: {value}", value=about)] + ([gradient_of(view, operation)] if slope else [])
    tip += [tr("the last of {n:,} turns", n=operation.count)] if operation.count > 1 else []
    norm = _norm(grad)
    size = max(0.06, 1 + math.log10(norm / peak) / 4) if norm else 0.0
    return Box(f"n{operation.key}", operation.key, kind, tuple(lines), "\n".join(tip), size, sign(grad))


def gradient_of(view: View, operation: Operation) -> str:
    """Say what the result's gradient with respect to an operation is."""
    return tr("gradient of {name}: {value}", name=view.result_name, value=brief(operation.grad))


def short(view: View, operation: Operation, edge: Edge, room: int) -> str:
    """Write the local derivative of an edge in few characters: a formula and its number, or one of the two."""
    text = MODULES.sub("", view.derivative(operation, edge, None, 200))
    formula, equal, last = text.rpartition(" = ")
    if width(text) > room and equal:
        text = formula if width(formula) <= room else last
    return clip(text, room)


def linked(view: View, operation: Operation, edge: Edge, rich: bool = True, compact: bool = True) -> Link:
    """Make the link of an edge between two values that are shown."""
    i = view.numbers[operation.key, edge.argument]
    derivative = short(view, operation, edge, 14) if compact else view.derivative(operation, edge, "∂", 30)
    above, below = view.name(operation.key), view.name(edge.source)
    local = view.derivative(operation, edge, None, 200) or tr("not elementwise")
    tip = f"{circled(i)} ∂{above}/∂{below} = {local}"
    if edge.flow is not None:
        tip += "\n" + tr("carries to {name}: {value}", name=below, value=brief(edge.flow))
    mood = sign(edge.local) or sign(edge.flow)
    label = f"{circled(i)} {derivative}".rstrip() if rich else ""
    back = view.leads_back(operation, edge)
    # As wide as what it carries is large: 1 to 3 points, by the logarithm over four decades.
    norm = _norm(edge.flow)
    weight = max(1.0, round(3 + 0.5 * math.log10(norm / view.strongest), 1)) if norm else 1.0
    return Link(f"e{i}", f"n{edge.source}", f"n{operation.key}", label, tip, mood, weight, back)


def _constants(shown: list[Operation]) -> tuple[list[Box], list[Link]]:
    """Make boxes for constants that the reader gave a name; numbers stay in the expressions."""
    uses: dict[str, list[str]] = {}
    for operation, edge in ((o, e) for o in shown for e in o.inputs if e.source is None):
        if edge.constant.isidentifier() and edge.constant not in {"None", "True", "False"}:
            uses.setdefault(edge.constant, []).append(f"n{operation.key}")
    # What is used all over (a loop's counter) says more in the expressions than as a bundle of arrows.
    uses = {name: heads for name, heads in uses.items() if len(set(heads)) <= 2}
    if len(uses) > NAMED_CONSTANTS:
        return [], []
    boxes, links = [], []
    for i, (name, heads) in enumerate(uses.items()):
        label = ((clip(name, 20), "muted"),)
        boxes.append(
            Box(f"c{i}", None, "constant", (label,), tr("{name}: a constant, no gradient", name=name))
        )
        for j, head in enumerate(dict.fromkeys(heads)):
            tip = tr("{name}: a constant", name=name)
            links.append(Link(f"c{i}_{j}", f"c{i}", head, "", tip, "constant", 1.0, False))
    return boxes, links


def roles(view: View) -> list[str]:
    """Tell parameters, other inputs and data apart, where there is more than one of them."""
    operations = view.operations if len(view.trace.operations) > WHOLE else view.trace.operations
    drawn = [o for o in operations if not o.rule]
    inputs = {entry.key: entry.name for entry in view.trace.inputs if entry.reached}
    parameters = [name for key, name in inputs.items() if key in view.parameters]
    others = [name for key, name in inputs.items() if key not in view.parameters]
    others += [o.names[0] for o in drawn if o.key not in inputs and o.names]
    data = {
        edge.constant: shape_of(edge.shape or ())
        for o in operations for edge in o.inputs
        if edge.source is None and edge.shape and NAME.fullmatch(edge.constant)
    }  # fmt: skip
    found = []
    if parameters:
        found.append(tr("◉ parameters: {names}", names=_listed(parameters)))
    if others:
        found.append(tr("● inputs: {names}", names=_listed(others)))
    if data:
        named = [f"{name} {shape}" for name, shape in data.items()]
        found.append(tr("○ data, no gradient: {names}", names=_listed(named)))
    return found if len(found) > 1 else []


def _listed(names: list[str]) -> str:
    listed = ", ".join(names[:6])
    return tr("{names} and {n:,} more", names=listed, n=len(names) - 6) if len(names) > 6 else listed


def sentence(view: View) -> str:
    """Say in one sentence what the picture shows, for those who do not see it."""
    steps, names = view.computed, [entry.name for entry in view.trace.inputs]
    story = "; ".join(view.title(step, 40) for step in steps[:8]) + (" ..." if len(steps) > 8 else "")
    return tr(
        "Computation graph from {inputs} to {result}: {story}.",
        inputs=", ".join(names[:8]) or tr("constants"), result=view.result_name, story=story,
    )  # fmt: skip
