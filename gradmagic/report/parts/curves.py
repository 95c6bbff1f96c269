"""The function itself, y = f(x) and dy/dx, where a trace has its points: as columns, and as the points of a picture.

In: a `View` or a `Trace`. Out: a `Curve` where the result sums up a function of each entry of the only input; `Points`
for each input that can be drawn over, and why there are none for the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from ...engine.core.values import Value
from ...language import tr
from ..model import Input, Operation, Points, Trace
from ..operations import CONSTANT, Columns
from ..shown.numbers import finite, number, samples
from ..shown.simplified import operand
from ..shown.typeset import width
from ..shown.view import View

NAN = float("nan")
LARGEST = 1e290  # a number beyond it is shown on no axis
LONGEST = 16  # columns of an expression that stands for a name


@dataclass(frozen=True)
class Curve:
    """x, y = f(x) and the slope dy/dx, as plain numbers: all of them where `whole`, else even samples."""

    x_name: str
    y_name: str
    slope_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    slope: tuple[float, ...]
    whole: bool

    @property
    def rising(self) -> bool:
        """Whether x rises, so that y can be drawn over it."""
        return all(a < b for a, b in pairwise(self.x))


def curve(view: View) -> Curve | None:
    """Find x, y and the slope where the result sums up an elementwise function of one array."""
    trace = view.trace
    if not trace.elementwise or len(trace.inputs) != 1 or trace.result is None:
        return None
    entry = trace.inputs[0]
    result = view.by_key.get(trace.result.key)
    edges = result.edges if result else ()
    y = view.by_key.get(edges[0].source) if result and not result.shape and len(edges) == 1 else result
    if y is None or y.key == entry.key or y.shape != entry.value.shape or len(y.shape) != 1 or y.shape[0] < 3:
        return None
    values = [value for value in (entry.value, y.value, entry.grad) if value is not None and _real(value)]
    if len(values) < 3:
        return None
    x, height, slope = map(samples, values)
    whole = entry.value.items is not None
    return Curve(entry.name, called(y, entry.name), view.slope(entry.name), x, height, slope, whole)


def called(y: Operation, x: str) -> str:
    """Call what is drawn over `x`: by its name, by what is written for it, `f(x)` where that is long."""
    text = y.place.text if y.place is not None else ""
    return y.names[0] if y.names else text if text and width(text) <= LONGEST else f"f({x})"


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
        if points is not None and (points.at or any(x - x + y - y == 0 for x, y, _ in points.rows)):
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
        (at, v)
        for s in trace.sweeps
        if (v := s.value) is not None and (at := s.inputs.get(entry.name)) is not None
    ]
    if way:
        x, y = way[-1]  # where the last gradient was taken; the input may have moved on since
    path = tuple(way) if len(way) > 1 and len(trace.inputs) == 1 else ()
    return Points(entry.name, result.name, (), (), (), (x, y, slope), path, note=note)


def _of_array(trace: Trace, entry: Input) -> Points | None:
    """Give the entries of an array whose result sums up a function of each by itself."""
    y = summed_up(trace) if trace.elementwise and entry.value.shape else None
    values = (entry.value, y.value, entry.grad, y.grad) if y is not None else ()
    rows = [_entries(value) for value in values if value is not None and _real(value)]
    if y is None or trace.result is None or len(rows) < 4 or len(set(map(len, rows))) > 1:
        return None
    x, height, grad, weight = rows
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
    columns = Columns.of(trace.operations)
    starts, sources = columns.starts, columns.sources
    found = columns.at(trace.result.key) if trace.result else None
    while found is not None and columns.single[found]:
        taken = {*sources[starts[found] : starts[found + 1]].tolist()} - {CONSTANT}
        found = taken.pop() if len(taken) == 1 else None
    return trace.operations[found] if found is not None and columns.computed[found] else None


def _real(value: Value) -> bool:
    return bool(value.size) and not value.dtype.startswith("complex")


def _entries(value: Value) -> tuple[float, ...]:
    return tuple(float(v) for v in (samples(value) if value.shape else (value.items,)))


def _reason(trace: Trace, entry: Input) -> str:
    name, result = entry.name, trace.result.name if trace.result else tr("the result")
    if not entry.reached:
        return tr("{result} does not depend on {name}", result=result, name=name)
    if any(value is not None and not _real(value) for value in (entry.value, entry.grad)):
        return tr("{name} has no real numbers", name=name)
    if not (entry.value.size - entry.value.nans - entry.value.infs):
        return tr("{name} has no finite entries", name=name)
    if entry.grad is None:
        return tr("{name} has no gradient", name=name)
    if entry.value.shape:
        return tr(
            "{name} is an array of shape {shape}, and {result} is not the sum or mean of a function of each entry: "
            "trace a number t, and write {name} + t * direction", name=name, shape=entry.value.shape, result=result,
        )  # fmt: skip
    return tr("{result} is no number", result=result)


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
    rows = sorted(row for row in points.rows if row[0] - row[0] == 0)
    columns = tuple(zip(*rows, strict=True)) or ((), (), ())
    found = replace(points, x=columns[0], y=columns[1], slope=columns[2])
    if points.at is not None or (one_way and points.size == len(points.x)):
        return found, True
    return found, _smooth(found)


def _smooth(points: Points) -> bool:
    apart = total = 0.0
    for (x, y, s), (x2, y2, s2) in pairwise(points.rows):
        difference, expected = y2 - y, (x2 - x) * (s + s2) / 2
        if difference == difference and expected == expected:
            apart, total = apart + abs(difference - expected), total + abs(difference)
    return apart <= 0.2 * total


def spoken(points: Points) -> str:
    """Say in a sentence what the picture of the points shows."""
    if points.at is not None:
        x, y, slope = points.at
        told = {
            "y": points.y_name,
            "x": points.name,
            "height": number(y),
            "at": number(x),
            "slope": number(slope),
        }
        if points.path:
            return tr(
                "{y} = {height} at {x} = {at}, with the slope {slope}, after {n:,} sweeps from {x} = {start}",
                n=len(points.path), start=number(points.path[0][0]), **told,
            )  # fmt: skip
        return tr("{y} = {height} at {x} = {at}, with the slope {slope}", **told)
    over, values, slopes = (
        tr("{low} to {high}", low=number(min(known)), high=number(max(known)))
        for known in (finite(numbers) or [NAN] for numbers in (points.x, points.y, points.slope))
    )
    return tr(
        "{y} over {x} from {over}: {values}, with slopes from {slopes}",
        y=points.y_name, x=points.name, over=over, values=values, slopes=slopes,
    )  # fmt: skip
