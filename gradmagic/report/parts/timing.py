"""How long the expressions of a cell took, with `--time`: rows for the text and the page.

In: a `Trace`. Out: rows of text, the slowest first, with a total.
"""

from __future__ import annotations

from ...language import mark, tr
from ..model import Timing, Trace

HEAD = (
    mark("line"), mark("expression"), mark("times"), mark("forward"), mark("backward"), mark("share"),
    mark("values"),
)  # fmt: skip
SHOWN = 12


def rows(trace: Trace, most: int = SHOWN) -> list[tuple[str, ...]]:
    """Set the slowest expressions in rows under `HEAD`, and a last row for all; empty without `--time`."""
    timings = trace.timings
    if not timings:
        return []
    total = sum(t.forward + t.backward for t in timings) or 1.0
    found = [_row(t, total) for t in timings[:most]]
    if len(timings) > most:
        found.append(("", tr("… {n} more", n=len(timings) - most), "", "", "", "", ""))
    sums = (sum(getattr(t, name) for t in timings) for name in ("count", "forward", "backward", "size"))
    return [*found, _row(Timing(tr("all"), "", None, *sums), total)]


def _row(timing: Timing, total: float) -> tuple[str, ...]:
    place = timing.place
    line = "" if place is None else str(place.line) if place.inside else f"{place.label}:{place.line}"
    spent = (seconds(timing.forward), seconds(timing.backward))
    share = f"{(timing.forward + timing.backward) / total:.0%}"
    return line, timing.text, f"{timing.count:,}", *spent, share, size(timing.size)


def seconds(value: float) -> str:
    """Write a time in the unit that suits it.

    Examples
    --------
    >>> seconds(0.0000123), seconds(0.0123), seconds(12.3)
    ('12.3 µs', '12.3 ms', '12.3 s')
    """
    return _in_units(value, (("s", 1.0), ("ms", 1e-3))) or f"{value * 1e6:.3g} µs"


def size(value: int) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(240), size(24_000), size(24_000_000)
    ('240 B', '23.4 KB', '22.9 MB')
    """
    return _in_units(value, (("GB", 2**30), ("MB", 2**20), ("KB", 2**10))) or f"{value} B"


def _in_units(value: float, units: tuple[tuple[str, float], ...]) -> str:
    return next((f"{value / scale:.3g} {unit}" for unit, scale in units if value >= scale), "")
