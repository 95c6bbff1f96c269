"""What a cell and its report share: plain frozen data, a `Trace` and what is in it.

In: what cell/telling/collect.py takes from the tape. Out: all that this folder reads, with the engine's `Value`. There
are no tensors, nodes and frames in it, so a report kept in `Out` holds no graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.core.values import Value
from ..errors import GradmagicError
from .descent import Descent
from .place import Place as Place
from .turns import Turns


class ReportError(GradmagicError, ValueError):
    """A report cannot be written in the form that was asked for; the message says which forms there are."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One argument of an operation.

    Attributes
    ----------
    source : int or None
        Key of the operation (or input) that made the argument; None for a constant.
    constant : str
        How the constant is written, when `source` is None.
    argument : int
        Position of the argument.
    formula : str
        The local derivative in the reader's own names: `"2*x"`, `"b"`; `""` where there is none to write.
    local : Value or None
        The local derivative's numbers, where it is elementwise.
    flow : Value or None
        What this edge contributes to the gradient of its source.
    shape : tuple of int or None
        Of a constant, where it is known.
    jacobian : tuple of (int, int, float, int)
        Of a small operation that is not entry by entry, the derivatives that are not zero: entry of the result, entry
        of the source, value, and which entry of the other operand it is, or -1. They count along the flattened arrays.
    early, part : bool
        In a folded loop: the numbers are those of an earlier turn than the last; other turns add to the same source.
    called : str
        What formulas call a constant: as it is written, its number, or a sign.
    given : Value or None
        The value of a constant for which a sign stands.
    words : str
        How the gradient goes on where that is no local derivative: `"y*(grad - np.sum(grad*y))"`.
    """

    source: int | None
    constant: str = ""
    argument: int = 0
    formula: str = ""
    local: Value | None = None
    flow: Value | None = None
    shape: tuple[int, ...] | None = None
    jacobian: tuple[tuple[int, int, float, int], ...] = ()
    early: bool = False
    part: bool = False
    called: str = ""
    given: Value | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One value of the graph: an operation, or an input (whose `rule` is `""`).

    Attributes
    ----------
    key : int
        Ascends in tape order.
    rule, torch : str
        NumPy's name (`"multiply"`) and PyTorch's (`"MulBackward0"`).
    inputs : tuple of Edge
    shape, dtype
        Of the value.
    value, grad : Value or None
        The value, and the result's gradient with respect to it, where they were kept.
    names : tuple of str
        What the reader calls the value, in the order of assignment.
    place : Place or None
    count : int
        How many operations it stands for, when alike ones were put together.
    called : str
        What formulas call the value, so that it is no other: a name, an expression in these, or a sign (`h₂`, `u₃`).
    within : bool
        Whether the value is not that of the expression at its place, but was made on the way to it.
    module : str
        The innermost module in whose forward it was made, by attribute path: `"net.blocks.0.fc1"`; `""` outside of all.
    """

    key: int
    rule: str
    torch: str = ""
    inputs: tuple[Edge, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    value: Value | None = None
    grad: Value | None = None
    names: tuple[str, ...] = ()
    place: Place | None = None
    count: int = 1
    called: str = ""
    within: bool = False
    module: str = ""

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The inputs that are no constants."""
        return tuple(edge for edge in self.inputs if edge.source is not None)


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that the gradient is taken with respect to: a row of the table.

    `kind` says what the reader's object is (`"ndarray"`, `"int"`, `"float"`, `"Tensor"`, `"Parameter"` of a module,
    `"numpy scalar"`); `reached` is False when the result does not depend on it; `array` is the gradient itself, as
    `Report.grads` gives it;
    `numerical` is the gradient by differences, with `--check`.
    """

    name: str
    key: int
    value: Value
    grad: Value | None = None
    kind: str = "ndarray"
    reached: bool = True
    array: Any = field(default=None, compare=False)
    note: str = ""
    numerical: Value | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the gradient is of. `text` is how it is written in the cell, when it has no name."""

    name: str
    key: int
    value: Value
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One backward sweep that the cell ran: the result and the inputs that are numbers, as they were."""

    value: float | None
    inputs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timing:
    """What one expression took, with `--time`, over `count` operations.

    `forward` and `backward` in seconds; `size` of its values in bytes.
    """

    text: str
    rule: str
    place: Place | None
    count: int
    forward: float
    backward: float
    size: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What one operation keeps for the way back, with `--kept`, when the last sweep began.

    Attributes
    ----------
    key : int
    size : int
        Bytes that no operation before keeps.
    own : int
        Of these, bytes that a name of the reader's holds anyway.
    shared : int
        Bytes that operations before keep too.
    arrays : int
        How many arrays and numbers `size` is of.
    """

    key: int
    size: int
    own: int = 0
    shared: int = 0
    arrays: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that the reader must know: `kind` is `"cut"`, `"not reached"`, `"nan"`, `"zero"`, `"dtype"` ...

    `veiled` is what a quiz says instead, where the text itself gives an answer away.
    """

    kind: str
    text: str
    line: int | None = None
    veiled: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a picture: a result y over an input x, and dy/dx.

    Attributes
    ----------
    name : str
        Of the input.
    y_name : str
        Of what is drawn over it; `""` where `y` is not known.
    x, y, slope : tuple of float
        NaN where there is no value.
    at : tuple of float or None
        The point (x, y, dy/dx) that was computed, where x is a number; the others are the operations computed again.
    path : tuple of (float, float)
        The input and the result at each sweep of a loop.
    size : int
        How many entries x has, where `x` shows some of them.
    equal : str
        What else the slope is: `"dz/dx"` where y is summed up to z.
    alike : bool
        Whether the result was the same function of x at each sweep.
    note : str
        Why there are no points.
    """

    name: str
    y_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    slope: tuple[float, ...]
    at: tuple[float, float, float] | None = None
    path: tuple[tuple[float, float], ...] = ()
    size: int = 1
    equal: str = ""
    alike: bool = True
    note: str = ""

    @property
    def rows(self) -> list[tuple[float, float, float]]:
        """The points: (x, y, dy/dx)."""
        return list(zip(self.x, self.y, self.slope, strict=True))


@dataclass(frozen=True, slots=True)
class Part:
    """What one argument of an operation adds to its tangent; None where that is all of it."""

    argument: int
    tangent: Value | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """One operation of a walk forward: its tangent, and the arguments that it comes by."""

    key: int
    tangent: Value
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk forward from one entry of an input: what each operation that depends on it grows by, if it grows by 1.

    Attributes
    ----------
    source : int
        The input's key.
    entry : int
        Which entry, along the flattened array.
    pushes : tuple of Push
        In tape order; the last is the result.
    """

    source: int
    entry: int
    pushes: tuple[Push, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A call of a function or module, a turn of a loop, a step of a module: all operations between two keys are its.

    Attributes
    ----------
    kind : str
        `"call"`, `"turn"`, `"module"` or `"step"`.
    name : str
        Of the function; of a module its path, and of a step also which of the module's layers takes it.
    first, last : int
        Keys.
    place : Place or None
        Of a call, where it is written.
    loop, turn, turns : int
        Of a turn or step: which run of a loop it belongs to, its number from 1, and how many there were.
    states : tuple of (int, str)
        Of a step: the keys of what it gives, and what that is called.
    """

    kind: str
    name: str
    first: int
    last: int
    place: Place | None = None
    loop: int = 0
    turn: int = 0
    turns: int = 0
    states: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """All that a report shows of one cell.

    Attributes
    ----------
    label : str
        `"In [3]"` or a file's name.
    source : str
        The source that was traced, without the magic's own line.
    first_line : int
        The number of `source`'s first line as the reader counts lines (the magic's own line is 1, so 2 in a cell).
    operations : sequence of Operation
        In tape order, inputs first where they are used. Of a run it is `Recorded` (operations.py).
    inputs : tuple of Input
    result : Result or None
        None when the cell failed before there was one.
    notes : tuple of Note
    sweeps : tuple of Sweep
        One for each backward that the cell ran.
    total : int
        Operations before limits.
    own_sweep : bool
        Whether the magic ran the sweep (the cell did not).
    error : str or None
        One line about the exception that ended the cell.
    failed : int or None
        The line that raised it.
    device : str
    elementwise : bool
        Whether element k of what was summed depends on element k of the input only.
    timings : tuple of Timing
        The slowest expressions first, with `--time`.
    kept : tuple of Kept
        What is kept for the way back, in tape order, with `--kept`.
    plots : tuple of Points
        Curves whose points the values above do not give: of numbers, and with `--plot` of long arrays.
    walks : tuple of Walk
        Some walks forward, of each input the one to begin with first.
    scopes : tuple of Scope
        The calls, turns and modules in which operations were made, outer ones first.
    turns : Turns or None
        What lines computed that ran several times: each turn of a loop, each call of a function.
    descent : Descent or None
        The fit that `--minimize` asked for.
    """

    label: str
    source: str
    first_line: int = 2
    operations: Sequence[Operation] = ()
    inputs: tuple[Input, ...] = ()
    result: Result | None = None
    notes: tuple[Note, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    total: int = 0
    own_sweep: bool = True
    error: str | None = None
    failed: int | None = None
    device: str = "cpu"
    elementwise: bool = False
    timings: tuple[Timing, ...] = ()
    plots: tuple[Points, ...] = ()
    walks: tuple[Walk, ...] = ()
    scopes: tuple[Scope, ...] = ()
    kept: tuple[Kept, ...] = ()
    turns: Turns | None = None
    descent: Descent | None = None
