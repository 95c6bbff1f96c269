"""The computation graph: what its boxes and arrows say.

In: a `View`. Out: a `Picture`, plain data that drawing.py draws and dot.py writes as DOT: inputs, constants that have a
name, operations, the result; the edges numbered, with the local derivatives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..model import Edge, Operation
from ..shown.numbers import brief, number, shape_of, sign
from ..shown.typeset import clip, width
from ..shown.view import View, circled

RICH = 60  # nodes that are drawn with values, gradients and derivatives
MOST = 130  # nodes that are drawn at all; more are folded

FONT = 12  # points
CHARACTER = 0.602  # of the size: the advance of the monospaced fonts in use
LINE = 17
PADDING = 10
NAMED_CONSTANTS = 8


@dataclass(frozen=True)
class Box:
    """A node: `kind` is input, constant, operation or result; each line is a row of (text, role)."""

    name: str
    key: int | None
    kind: str
    lines: tuple[tuple[tuple[str, str], ...], ...]
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


@dataclass(frozen=True)
class Picture:
    """What is drawn, and one sentence that says it."""

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    sentence: str


def picture(view: View) -> Picture:
    """Make the picture of a view."""
    rich = len(view.operations) <= RICH
    shown = [o for o in view.operations if o.rule or o.key in view.users]
    result = view.trace.result.key if view.trace.result else None
    peak = max((o.grad.norm for o in shown if o.grad is not None and o.grad.norm), default=0.0)
    boxes = [
        _box(view, o, "result" if o.key == result else "operation" if o.rule else "input", rich, peak)
        for o in shown
    ]
    keys = {o.key for o in shown}
    weights = _weights(view)
    links = []
    for o in shown:
        for edge in o.inputs:
            if edge.source in keys:
                links.append(_link(view, o, edge, rich, weights))
    if rich:
        constants, more = _constants(shown)
        boxes = constants + boxes
        links += more
    return Picture(tuple(boxes), tuple(links), _sentence(view))


def _box(view: View, operation: Operation, kind: str, rich: bool, peak: float) -> Box:
    value, grad = operation.value, operation.grad
    slope = brief(grad, 20, digits=3)
    role = {"+": "pos", "-": "neg", "0": "zero", "!": "bad"}.get(sign(grad), "ink")
    named = view.title(operation, 32)
    if not rich and sign(
        grad
    ):  # there is no room for the number: its sign, and how large it is beside the others
        named = f"{clip(named, 20)} {sign(grad)}"
    if rich and kind == "input" and value is not None and not operation.shape:
        named = f"{named} = {number(value.items)}"
    lines = [((named if rich else clip(named, 22), "name"),)]
    slopes = ((f"grad {slope}", f"g {role}"),) if slope else ()
    if rich and (operation.shape or value is None):
        about = f"{shape_of(operation.shape)}  {brief(value, 20, digits=3)}".strip()
        lines += [((about, "value"),)] if about else []
        lines += [slopes] if slopes else []
    elif rich and value is not None:
        shown = (
            () if kind == "input" else ((number(value.items), "value"), *((("   ", ""),) if slopes else ()))
        )
        lines += [shown + slopes] if shown + slopes else []
    if view.turns.get(operation.key):
        lines.append(((view.turns[operation.key], "muted"),))
    tip = [view.title(operation, 200)]
    place = operation.place
    if place is not None and place.line:
        tip[0] += f"   ({place.label}, line {place.line})"
    about = " ".join(part for part in (shape_of(operation.shape), operation.dtype, brief(value)) if part)
    tip += [f"value: {about}"] + ([f"gradient of {view.result_name}: {brief(grad)}"] if slope else [])
    tip += [f"the last of {operation.count:,} turns"] if operation.count > 1 else []
    norm = grad.norm if grad is not None else None
    size = max(0.06, 1 + math.log10(norm / peak) / 4) if norm and peak else 0.0
    return Box(f"n{operation.key}", operation.key, kind, tuple(lines), "\n".join(tip), size, sign(grad))


def _link(
    view: View, operation: Operation, edge: Edge, rich: bool, weights: dict[tuple[int, int], float]
) -> Link:
    mark = (operation.key, edge.argument)
    i = view.numbers[mark]
    derivative = view.derivative(operation, edge, "∂", 30)
    above, below = view.name(operation.key), view.name(edge.source)
    tip = f"{circled(i)} ∂{above}/∂{below} = {view.derivative(operation, edge, '', 200) or 'not elementwise'}"
    if edge.flow is not None:
        tip += f"\ncarries to {below}: {brief(edge.flow)}"
    mood = sign(edge.local) or sign(edge.flow)
    label = f"{circled(i)} {derivative}".rstrip() if rich else ""
    back = edge.source is not None and edge.source >= operation.key
    return Link(
        f"e{i}", f"n{edge.source}", f"n{operation.key}", label, tip, mood, weights.get(mark, 1.0), back
    )


def _weights(view: View) -> dict[tuple[int, int], float]:
    """Make edges as wide as what they carry is large: 1 to 3 points, by the logarithm over four decades."""
    norms = {
        (o.key, e.argument): e.flow.norm for o in view.operations for e in o.inputs if e.flow and e.flow.norm
    }
    peak = max(norms.values(), default=0.0)
    return {
        mark: max(1.0, round(3 + 0.5 * math.log10(norm / peak), 1)) for mark, norm in norms.items() if peak
    }


def _constants(shown: list[Operation]) -> tuple[list[Box], list[Link]]:
    """Make boxes for constants that the reader gave a name; numbers stay in the expressions."""
    uses: dict[str, list[str]] = {}
    for operation in shown:
        for edge in operation.inputs:
            if (
                edge.source is None
                and edge.constant.isidentifier()
                and edge.constant not in {"None", "True", "False"}
            ):
                uses.setdefault(edge.constant, []).append(f"n{operation.key}")
    # What is used all over (a loop's counter) says more in the expressions than as a bundle of arrows.
    uses = {name: heads for name, heads in uses.items() if len(set(heads)) <= 2}
    if len(uses) > NAMED_CONSTANTS:
        return [], []
    boxes, links = [], []
    for i, (name, heads) in enumerate(uses.items()):
        boxes.append(
            Box(
                f"c{i}", None, "constant", (((clip(name, 20), "muted"),),), f"{name}: a constant, no gradient"
            )
        )
        for j, head in enumerate(dict.fromkeys(heads)):
            links.append(Link(f"c{i}_{j}", f"c{i}", head, "", f"{name}: a constant", "constant", 1.0, False))
    return boxes, links


def _sentence(view: View) -> str:
    """Say in one sentence what the picture shows, for those who do not see it."""
    steps, names = view.steps, [entry.name for entry in view.trace.inputs]
    story = "; ".join(view.title(step, 40) for step in steps[:8]) + (" ..." if len(steps) > 8 else "")
    return f"Computation graph from {', '.join(names[:8]) or 'constants'} to {view.result_name}: {story}."
