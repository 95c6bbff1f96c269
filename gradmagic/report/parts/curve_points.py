"""What can be drawn over an input: the points of y = f(x) and dy/dx, from what a trace has.

In: a `Trace`. Out: `Points` for each input that has a curve, and why there is none for the others.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ...engine.core.values import Value
from ..model import Input, Operation, Points, Trace
from ..shown.numbers import number, samples
from ..shown.simplified import operand
from .curves import called

NAN = float("nan")
LARGEST = 1e290


def points_of(trace: Trace) -> tuple[list[Points], list[str]]:
    """Find the points of each input, or say why it has none.

    Examples
    --------
    >>> points_of(Trace("In [1]", "y = x"))
    ([], [])
    """
    made = {points.name: points for points in trace.plots}
    found, reasons = [], []
    for entry in trace.inputs:
        points = made.get(entry.name)
        if points is None or points.note:
            points = _of_number(trace, entry, points.note if points else "") or _of_array(trace, entry)
        if points is not None and (
            points.at or any(x - x + y - y == 0 for x, y in zip(points.x, points.y, strict=True))
        ):
            found.append(_tamed(points))
        else:
            reasons.append(_reason(trace, entry))
    return found, reasons


def _of_number(trace: Trace, entry: Input, note: str) -> Points | None:
    """Give the one point there is, with its slope, and the way that a loop took to it."""
    result = trace.result
    values = (entry.value, result.value if result is not None else None, entry.grad)
    known = [float(v.items) for v in values if v is not None and isinstance(v.items, (int, float))]
    if result is None or not entry.reached or len(known) < 3:
        return None
    x, y, slope = known
    way = [
        (s.inputs[entry.name], s.value)
        for s in trace.sweeps
        if s.value is not None and entry.name in s.inputs
    ]
    if way:
        x, y = way[-1]  # where the last gradient was taken; the input may have moved on since
    path = tuple(way) if len(way) > 1 and len(trace.inputs) == 1 else ()
    return Points(entry.name, result.name, (), (), (), (x, y, slope), path, note=note)


def _of_array(trace: Trace, entry: Input) -> Points | None:
    """Give the entries of an array whose result sums up a function of each by itself."""
    y = summed_up(trace) if trace.elementwise and entry.value.shape else None
    values = (entry.value, y.value, entry.grad, y.grad) if y is not None else ()
    if y is None or trace.result is None or any(value is None or not _real(value) for value in values):
        return None
    x, height, grad, weight = (_entries(value) for value in values if value is not None)
    if not len(x) == len(height) == len(grad) == len(weight):
        return None
    slope = tuple(g / w if w else NAN for g, w in zip(grad, weight, strict=True))
    name = called(y, ", ".join(e.name for e in trace.inputs))
    equal = f"d{operand(trace.result.name)}/d{entry.name}" if set(weight) == {1.0} else ""
    return Points(entry.name, name, x, height, slope, size=entry.value.size, equal=equal)


def _tamed(points: Points) -> Points:
    """Leave out what no axis can show: numbers near the largest that there are."""

    def shown(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(v if abs(v) < LARGEST else NAN for v in values)

    path = tuple(pair for pair in points.path if abs(pair[0]) < LARGEST and abs(pair[1]) < LARGEST)
    x, y, slope = map(shown, (points.x, points.y, points.slope))
    return replace(points, x=x, y=y, slope=slope, path=path)


def summed_up(trace: Trace) -> Operation | None:
    """Find the array that the result sums up: y of `z = y.sum()`, of `z = 2 * y.mean() + 1`."""
    by_key = {operation.key: operation for operation in trace.operations}
    found = by_key.get(trace.result.key) if trace.result else None
    while found is not None and not found.shape:
        sources = {edge.source for edge in found.inputs if edge.source is not None}
        found = by_key.get(sources.pop()) if len(sources) == 1 else None
    return found if found is not None and found.rule else None


def _real(value: Value) -> bool:
    return bool(value.size) and not value.dtype.startswith("complex")


def _entries(value: Value) -> tuple[float, ...]:
    return tuple(float(v) for v in (samples(value) if value.shape else (value.items,)))


def _reason(trace: Trace, entry: Input) -> str:
    result = trace.result.name if trace.result else "the result"
    if not entry.reached:
        return f"{result} does not depend on {entry.name}"
    if any(value is not None and not _real(value) for value in (entry.value, entry.grad)):
        return f"{entry.name} has no real numbers"
    if not (entry.value.size - entry.value.nans - entry.value.infs):
        return f"{entry.name} has no finite entries"
    if entry.grad is None:
        return f"{entry.name} has no gradient"
    if entry.value.shape:
        return (
            f"{entry.name} is an array of shape {entry.value.shape}, and {result} is not the sum or mean of a "
            f"function of each entry: trace a number t, and write {entry.name} + t * direction"
        )
    return f"{result} is no number"


def ordered(points: Points) -> tuple[Points, bool]:
    """Sort by x; tell whether the points lie on one curve, so that a line may join them.

    They do where x rises as it is, and where the slopes say what the differences of neighbours say: in y = c * x, with
    an array c, they do not.

    Examples
    --------
    >>> ordered(Points("x", "y", (2.0, 1.0, 3.0), (4.0, 1.0, 9.0), (4.0, 2.0, 6.0)))[1]
    True
    >>> ordered(Points("x", "y", (2.0, 1.0, 3.0), (4.0, 9.0, 5.0), (2.0, 9.0, 1.67)))[1]
    False
    """
    steps = [b - a for a, b in pairwise(points.x)]
    one_way = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    rows = zip(points.x, points.y, points.slope, strict=True)
    columns = tuple(zip(*sorted(row for row in rows if row[0] - row[0] == 0), strict=True)) or ((), (), ())
    found = replace(points, x=columns[0], y=columns[1], slope=columns[2])
    if points.at is not None or (one_way and points.size == len(points.x)):
        return found, True
    return found, _smooth(found)


def _smooth(points: Points) -> bool:
    apart = total = 0.0
    rows = list(zip(points.x, points.y, points.slope, strict=True))
    for (x, y, s), (x2, y2, s2) in pairwise(rows):
        difference, expected = y2 - y, (x2 - x) * (s + s2) / 2
        if difference == difference and expected == expected:
            apart, total = apart + abs(difference - expected), total + abs(difference)
    return apart <= 0.2 * total


def spoken(points: Points) -> str:
    """Say in a sentence what the picture of the points shows."""
    if points.at is not None:
        x, y, slope = points.at
        text = f"{points.y_name} = {number(y)} at {points.name} = {number(x)}, with the slope {number(slope)}"
        if points.path:
            text += f", after {len(points.path):,} sweeps from {points.name} = {number(points.path[0][0])}"
        return text
    low, high = (f((v for v in points.y if v - v == 0), default=NAN) for f in (min, max))
    first, last = (f((v for v in points.x if v - v == 0), default=NAN) for f in (min, max))
    slopes = [s for s in points.slope if s - s == 0] or [NAN]
    return (
        f"{points.y_name} over {points.name} from {number(first)} to {number(last)}: {number(low)} to {number(high)}, "
        f"with slopes from {number(min(slopes))} to {number(max(slopes))}"
    )
