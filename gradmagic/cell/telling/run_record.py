"""The record of a run: what was run, and what has come of it so far. `Run` fills it; the functions here tell of it.

In: the source, the names, the options. Out: plain fields, each with the type of what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...report.model import Note
from ..lifting.lift import Lifted
from ..options import Options
from ..reading.names import Usage
from ..reading.source import Source
from .cell_recorder import CellRecorder
from .checked import Findings
from .clock import Clock
from .sampling import Sampling


@dataclass
class RunRecord:
    """One run of one cell, as far as it has come."""

    cell: Source
    namespace: dict[str, Any]  # the user's names; what is lifted stands among them while the cell runs
    options: Options
    uses: Usage
    recorder: CellRecorder  # what the tape told: values, gradients, cuts, names by node
    lifted: list[Lifted] = field(default_factory=list)  # the inputs that stand in place of the user's values
    # Their values when they were lifted, by the number of their node: for --expect, --check and --plot.
    begun: dict[int, Any] = field(default_factory=dict)
    # What the top level assigned to, by the time of the last assignment; with what a container or object got.
    assigned: dict[str, Callable[[], Any] | None] = field(default_factory=dict)
    ended: float = float("inf")  # nodes with larger numbers were made after the cell, to find names
    every: bool = False  # whether what was lifted unasked is an input also beside tensors that require grad
    shown: list[Any] = field(default_factory=list)  # the last expression's value, if there is one
    last_text: str = "result"  # and how it is written
    notes: list[Note] = field(default_factory=list)
    seen: Callable[[Any], Any] = lambda value: value  # what the engine has for a value of the user's
    evaluate: Callable[[str], Any] | None = None  # an expression among the user's names, tracked
    lost: frozenset[Any] = frozenset()  # cuts behind what the cell assigned and showed
    findings: Findings | None = None  # of --check
    clock: Clock | None = None  # of --time
    sampling: Sampling | None = None  # finds the points of pictures
