"""The gradient table: one row for each input, with its value, its gradient, where it comes from and what is odd.

In: a `View`. Out: a `Table` of plain rows that page/html.py, text/sections.py and files/markdown.py draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.core.values import Value
from ...language import mark, tr
from ..model import Input
from ..shown.numbers import brief, number, shape_of
from ..shown.simplified import operand
from ..shown.typeset import pad, width
from ..shown.view import View
from .paths import Sum, sum_over_paths

KINDS = {"int": "int", "float": "float", "Tensor": "tensor", "Parameter": "tensor", "numpy scalar": "scalar"}
NUDGE = 0.01


@dataclass(frozen=True)
class Row:
    """One input.

    Attributes
    ----------
    name, key, kind, shape, dtype
        What it is.
    value, grad : Value
        `grad` is None where the result does not depend on the input.
    flag : str
        `"zero"`, `"not reached"`, `"NaN"`, `"inf"`, or nothing when all is well.
    sum : Sum or None
        The gradient as a sum over paths, where that can be read.
    grows : str
        By how much the result grows if this number grows by 0.01.
    note : str
        What else there is to say.
    numerical : Value or None
        The gradient by differences, with `--check`.
    """

    name: str
    key: int
    kind: str
    shape: tuple[int, ...]
    dtype: str
    value: Value
    grad: Value | None
    flag: str
    sum: Sum | None
    grows: str
    note: str
    numerical: Value | None = None


@dataclass(frozen=True)
class Table:
    """The rows, and what the gradient is of. `str()` gives it as plain text."""

    result: str
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        slope = tr("d{result}/dname", result=operand(self.result))
        head = (tr("name"), tr("shape"), tr("value"), slope, "")
        rows = [
            (r.name, shape_of(r.shape), brief(r.value), brief(r.grad) or "-", said(r.flag)) for r in self.rows
        ]
        rows = [head, *rows]
        widths = [max(width(row[i]) for row in rows) for i in range(len(head))]
        return "\n".join(
            "  ".join(pad(cell, w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    __repr__ = __str__


def said(flag: str) -> str:
    """Say a flag in the reader's language; counts of NaN and inf are the same in all."""
    return tr(flag) if flag else ""


def table(view: View) -> Table:
    """Make the gradient table of a view."""
    return Table(view.result_name, tuple(_row(view, entry) for entry in view.trace.inputs))


def _row(view: View, entry: Input) -> Row:
    value, grad = entry.value, entry.grad
    grows = ""
    if grad is not None and not value.shape and not grad.shape and isinstance(grad.items, (int, float)):
        grows = number(grad.items * NUDGE)
    total = sum_over_paths(view, entry.key) if entry.reached else None
    dtype = value.dtype if not value.python else KINDS.get(entry.kind, value.dtype)
    return Row(
        entry.name, entry.key, entry.kind, value.shape, dtype, value, grad,
        _flag(entry) if view.trace.result is not None else "", total, grows, entry.note, entry.numerical,
    )  # fmt: skip


def _flag(entry: Input) -> str:
    grad = entry.grad
    if not entry.reached:
        return mark("not reached")
    if grad is None:
        return ""
    for count, name in ((grad.nans, "NaN"), (grad.infs, "inf")):
        if count:
            return name if count == grad.size else f"{count} {name}"
    return mark("zero") if grad.size and grad.zeros == grad.size else ""
