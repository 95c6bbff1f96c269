"""The record of a run: what was run, and what has come of it so far. `Run` fills it; the functions here tell of it.

In: the source, the names, the options. Out: plain fields, each with the type of what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import ref

from ...engine.tape.tracked import Tracked
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
    """One run of one cell, as far as it has come.

    Attributes
    ----------
    cell : Source
    namespace : dict
        The user's names, with what is lifted among them while the cell runs.
    options : Options
    uses : Usage
        What the cell does with names.
    recorder : CellRecorder
        What the tape told: values, gradients, cuts, names by node.
    lifted : list of Lifted
        The inputs that stand in place of the user's values.
    begun : dict
        Their values as they were lifted, by the number of the node: for `--expect`, `--check` and `--plot`.
    assigned : dict
        What the top level assigned to, by the time of the last assignment; with what a container or object got.
    shown : list
        The last expression's value, if there is one.
    last_text : str
        How that expression is written.
    notes : list of Note
    findings : Findings or None
        Of `--check`.
    clock : Clock or None
        Of `--time`.
    sampling : Sampling or None
        Finds the points of pictures.
    """

    cell: Source
    namespace: dict[str, Any]
    options: Options
    uses: Usage
    recorder: CellRecorder
    lifted: list[Lifted] = field(default_factory=list)
    begun: dict[int, Any] = field(default_factory=dict)
    assigned: dict[str, ref[Tracked] | None] = field(default_factory=dict)
    shown: list[Any] = field(default_factory=list)
    last_text: str = "result"
    notes: list[Note] = field(default_factory=list)
    findings: Findings | None = None
    clock: Clock | None = None
    sampling: Sampling | None = None
