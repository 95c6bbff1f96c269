"""Pictures of functions: x against y and x against dy/dx, with the tangent, the way of a loop, in the reader's names.

In: a `Trace`. Out: a matplotlib figure that notebooks show by itself; nothing of pyplot's, so none is shown twice.
matplotlib is optional: `pip install "gradmagic[plot]"`.
"""

from __future__ import annotations

import importlib.util
import io
import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...language import tr
from ..model import Points, ReportError, Trace
from ..parts.curves import LARGEST, ordered, points_of, spoken
from ..parts.graph import CHARACTER
from ..shown.numbers import number
from ..shown.simplified import operand
from ..shown.typeset import width, wrap
from .colours import GOLD, GRID, INK, MUTED, NEGATIVE, POSITIVE
from .fonts import families, words_for
from .layout import Point
from .matplotlib_graph import EXTRA, unwritten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS = 6  # inputs that are drawn
DOTTED = 60  # points that are marked each
VALUE, SLOPE, WAY = POSITIVE, NEGATIVE, GOLD


def plot(trace: Trace) -> Figure:
    """Draw each input's curve in a row of its own: y over x with a tangent, and dy/dx over x.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    matplotlib.figure.Figure
        `savefig` saves it; `axes` are there to be changed. Notebooks show it as PNG.

    Raises
    ------
    ReportError
        Without matplotlib, or where no input has a curve; the message says why.
    """
    drawable(trace)
    with words_for(tr("picture")) as note:
        figure, missing = _drawn(trace)
    if missing or note:
        warnings.warn(unwritten(missing, tr("picture")) if missing else note, stacklevel=4)
    return figure


def _drawn(trace: Trace) -> tuple[Figure, str]:
    """Draw the figure; give it with the characters that no font has."""
    found, reasons = drawable(trace)
    from matplotlib.figure import Figure  # optional, 0.2 s

    class Plot(Figure):
        """A figure that shows itself in a notebook, whether pyplot is in use or not."""

        sentence = ""

        def _repr_mimebundle_(
            self, include: Any = None, exclude: Any = None
        ) -> tuple[dict[str, Any], dict[str, Any]]:
            data: dict[str, Any] = {"text/plain": f"<{self.sentence}>"}
            held = io.BytesIO()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Glyph .* missing from")
                about = {"Description": self.sentence, "Software": None}
                self.savefig(held, format="png", dpi=100, metadata=about, facecolor="white")
            data["image/png"] = held.getvalue()
            wanted = (set(data) if include is None else set(include)) - set(exclude or ())
            return {k: v for k, v in data.items() if k in wanted}, {"image/png": {"alt": self.sentence}}

    shown = found[:ROWS]
    remarks = _remarks(trace, shown, reasons, len(found))
    words = (
        tr("{y} over {x}"),
        tr("slope {slope} at {name} = {x}"),
        tr("{slope} at {name} = {x}"),
        tr("sweep {i}"),
    )
    names = (f"{p.name}{p.y_name}{p.equal}" for p in shown)
    fonts, missing = families("".join([*names, *words, *remarks]))
    both = any(points.x for points in shown)
    remarks = [line for remark in remarks for line in wrap(remark, 125 if both else 68)]
    size = (9.0 if both else 5.0, 3.2 * len(shown) + 0.16 * len(remarks))
    figure = Plot(figsize=size, layout="constrained")
    figure.set_facecolor("white")
    figure.sentence = "; ".join(map(spoken, shown))
    partial = len(trace.inputs) > 1
    columns = 2 if both else 1
    for i, points in enumerate(shown):
        places = range(i * columns + 1, i * columns + (3 if points.x else 2))
        axes = [figure.add_subplot(len(shown), columns, at) for at in places]
        _Row(axes, fonts, partial).draw(points)
    if remarks:
        text = "\n".join(remarks)
        figure.supxlabel(text, fontsize=8, color=MUTED, family=fonts, x=0.01, ha="left", parse_math=False)
    return figure, missing


def drawable(trace: Trace) -> tuple[list[Points], list[str]]:
    """Give the points that a picture would show, and why other inputs are not in it.

    Raises
    ------
    ReportError
        Where there would be none.
    """
    require()
    found, reasons = points_of(trace)
    if not found:
        why = (
            "; ".join(reasons[:3]) or tr("the code has no result")
            if trace.inputs
            else tr("there is no input")
        )
        raise ReportError(tr("there is no curve to plot: {why}.", why=why))
    return found, reasons


def require() -> None:
    """See to it that matplotlib is there.

    Raises
    ------
    ReportError
        Where it is not.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ReportError(
            tr("a plot is drawn with matplotlib, which is not installed: {command}.", command=EXTRA)
        )


def _remarks(trace: Trace, shown: Sequence[Points], reasons: list[str], count: int) -> list[str]:
    """Say below the picture what it does not say itself."""
    made = []
    if any(points.at and points.x for points in shown):
        made.append(
            tr(
                "Curves: the recorded operations computed again at other values, the other inputs as they are; "
                "branches are those of this run."
            )
            if len(trace.inputs) > 1
            else tr(
                "Curves: the recorded operations computed again at other values; branches are those of this run."
            )
        )
    for points in shown:
        if points.at and not points.x:
            why = points.note or tr(
                "put --plot on the %%grad line, or plot=True into gm.trace: it keeps what a curve takes"
            )
            made.append(tr("{name}: only the tangent: {why}.", name=points.name, why=why))
        if not points.alike:
            made.append(tr(
                "{name}: each dot is the result of its own sweep; the curve is that of the last.", name=points.name
            ))  # fmt: skip
        if len(points.x) < points.size and points.at is None:
            made.append(tr(
                "{name}: {n:,} of {count:,} entries, evenly spaced.",
                name=points.name, n=len(points.x), count=points.size,
            ))  # fmt: skip
    if count > len(shown):
        made.append(tr("The first {n} of {count} inputs.", n=len(shown), count=count))
    return made + [tr("Not drawn: {reason}.", reason=reason) for reason in reasons[:3]]


class _Row:
    """The one or two axes of an input."""

    def __init__(self, axes: list[Axes], fonts: list[str], partial: bool) -> None:
        self._axes, self._fonts, self._d = axes, fonts, "∂" if partial else "d"

    def draw(self, points: Points) -> None:
        """Draw the curve with a tangent, and the slope."""
        points, joined = ordered(points)
        slope_name = f"{self._d}{operand(points.y_name)}/{self._d}{points.name}"
        self._frame(
            self._axes[0], tr("{y} over {x}", y=points.y_name, x=points.name), points.name, points.y_name
        )
        at = points.at or _chosen(points)
        self._curve(self._axes[0], points.x, points.y, VALUE, joined, points)
        if points.path:
            self._way(self._axes[0], points)
        if at is not None:
            self._tangent(self._axes[0], points, at)
        if len(self._axes) > 1:
            equal = f" = {points.equal}" if points.equal and points.equal != slope_name else ""
            title = tr("{y} over {x}", y=slope_name + equal, x=points.name)
            self._frame(self._axes[1], title, points.name, slope_name)
            self._curve(self._axes[1], points.x, points.slope, SLOPE, joined, points)
            if at is not None and _can_be_shown(at[0], at[2]):
                self._axes[1].plot(at[0], at[2], "o", color=SLOPE, markersize=7, zorder=4)
                text = tr("{slope} at {name} = {x}", slope=number(at[2]), name=points.name, x=number(at[0]))
                self._note(self._axes[1], text, (at[0], at[2]), _rise(points, at[0]))

    def _frame(self, axes: Axes, title: str, x_name: str, y_name: str) -> None:
        axes.set_facecolor("white")
        style: dict[str, Any] = {"color": INK, "family": self._fonts, "parse_math": False}
        axes.set_title(title, fontsize=11, pad=10, **style)
        axes.set_xlabel(x_name, fontsize=10, **style)
        axes.set_ylabel(y_name, fontsize=10, **style)
        axes.tick_params(colors=MUTED, labelsize=9)
        axes.grid(visible=True, color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        for side, spine in axes.spines.items():
            spine.set_visible(side in {"left", "bottom"})
            spine.set_color(MUTED)

    def _curve(
        self, axes: Axes, x: Sequence[float], y: Sequence[float], color: str, joined: bool, points: Points
    ) -> None:
        if not x:
            return
        low, high = _limits([*y, *(b for _, b in points.path)] if color == VALUE else y, points.at, color)
        if low < high:
            axes.set_ylim(low, high)
        if color == VALUE and points.at is not None:
            x, y = _broken(points, high - low)
        size = 3.5 if len(x) <= DOTTED else 2
        dots = not joined or (points.at is None and len(x) <= DOTTED)
        axes.plot(
            x, y, linestyle="-" if joined else "none", marker="o" if dots else "", markersize=size, color=color,
            linewidth=1.8,
        )  # fmt: skip
        if low < 0 < high:
            axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)

    def _tangent(self, axes: Axes, points: Points, at: tuple[float, float, float]) -> None:
        x, y, slope = at
        wide = (max(points.x) - min(points.x)) * 0.16 if points.x else _width(points)
        if not _can_be_shown(x, y):
            return
        if _can_be_shown(slope):
            ends = axes.get_ylim() if points.x else (-math.inf, math.inf)
            high = (ends[1] - ends[0]) * 0.3
            wide = min(wide, high / abs(slope)) if slope and high < math.inf else wide
            ys = [y - wide * slope, y + wide * slope]
            axes.plot([x - wide, x + wide], ys, color=SLOPE, linewidth=2.2, zorder=3)
            text = tr("slope {slope} at {name} = {x}", slope=number(slope), name=points.name, x=number(x))
            self._note(axes, text, (x, y), slope)
        axes.plot(x, y, "o", color=SLOPE, markersize=7, zorder=5)

    def _way(self, axes: Axes, points: Points) -> None:
        x, y = [a for a, _ in points.path], [b for _, b in points.path]
        line = "none" if points.x and points.alike else "-"  # on the curve a line would only hide it
        axes.plot(x, y, marker="o", linestyle=line, color=WAY, markersize=4, linewidth=0.9, zorder=2)
        falls = (y[-1] - y[0]) * (x[-1] - x[0])
        self._note(axes, tr("sweep {i}", i=1), (x[0], y[0]), falls, WAY)

    def _note(self, axes: Any, text: str, point: Point, rise: float, color: str = SLOPE) -> None:
        """Write beside a point: off the curve, which rises or falls there, and inside the axes."""
        at = axes.transLimits.transform(point)
        frame = axes.get_subplotspec().get_position(axes.figure)
        wide, high = (side * 72 for side in frame.size * axes.figure.get_size_inches())
        room, row = (width(text) * 9 * CHARACTER + 10) / wide, 22 / high

        def outside(side: tuple[int, int]) -> float:
            end, level = at[0] + side[0] * room, at[1] + side[1] * row
            over = max(0.0, -end, end - 1) + max(0.0, -level, level - 1)
            return float(over + 0.01 * (side[0] * (at[0] - 0.5)))

        x, y = min(((-1, 1), (1, -1)) if rise >= 0 else ((1, 1), (-1, -1)), key=outside)
        axes.annotate(
            text, point, xytext=(10 * x, 14 * y), textcoords="offset points", ha="left" if x > 0 else "right",
            va="center", fontsize=9, color=color, family=self._fonts, zorder=6, parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        )  # fmt: skip


def _can_be_shown(*numbers: float) -> bool:
    return all(abs(v) < LARGEST for v in numbers)


def _rise(points: Points, x: float) -> float:
    """Tell whether the slope rises at x."""
    known = [(a, s) for a, _, s in points.rows if math.isfinite(s)]
    before, after = [s for a, s in known if a < x], [s for a, s in known if a > x]
    return (after[0] if after else 0.0) - before[-1] if before else 0.0


def _broken(points: Points, room: float) -> tuple[list[float], list[float]]:
    """Give x and y with a gap where y jumps over a pole or a step: there the slopes say another thing."""
    x, y = list(points.x[:1]), list(points.y[:1])
    for (a, b, s), (a2, b2, s2) in pairwise(points.rows):
        if abs((b2 - b) - (a2 - a) * (s + s2) / 2) > 0.25 * room:
            x.append(math.nan)
            y.append(math.nan)
        x.append(a2)
        y.append(b2)
    return x, y


def _chosen(points: Points) -> tuple[float, float, float] | None:
    """Choose the point whose tangent is drawn: one with a slope, three quarters along."""
    rows = [row for row in points.rows if all(map(math.isfinite, row))]
    steep = [row for row in rows if row[2]] or rows
    return steep[len(steep) * 3 // 4] if steep else None


def _width(points: Points) -> float:
    """Choose half the length of a tangent that stands alone."""
    x = [a for a, _ in points.path] + ([points.at[0]] if points.at else [])
    return (max(x) - min(x)) * 0.2 or max(1.0, abs(x[0]) / 2)


def _limits(y: Sequence[float], at: tuple[float, float, float] | None, color: str) -> tuple[float, float]:
    """Give the axis the bulk of the curve and the point: a pole would leave nothing else to be seen."""
    finite = sorted(v for v in y if math.isfinite(v))
    if not finite:
        return 0.0, 0.0
    low, high = finite[0], finite[-1]
    first, last = finite[len(finite) // 20], finite[-1 - len(finite) // 20]
    bulk = last - first
    if bulk > 0:
        low = first - bulk if low < first - 4 * bulk else low
        high = last + bulk if high > last + 4 * bulk else high
    if at is not None and _can_be_shown(point := at[1] if color == VALUE else at[2]):
        low, high = min(low, point), max(high, point)
    room = 0.12 * (high - low) or max(1.0, abs(high)) * 0.1
    return low - room, high + room
