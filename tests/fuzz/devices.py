"""The verdict on one program on a device: all that `%%grad --device` leaves and gives is what the host's `%%grad` does.

In: a device and a program. Out: findings, one for each thing that differs: what the cell raises, what its names hold,
the value and the gradients, the notes. Numbers may differ in their last digits.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np

from . import reach
from .judge import Finding
from .running import Program, Ran, told, with_magic


def judge_on(device: str, program: Program) -> list[Finding]:
    """Run a program under the magic on the host and on the device, and tell where they differ."""
    here, there = with_magic(program), with_magic(program, device=device)
    for kind in ("error", "refused"):
        words = [told(getattr(ran, kind)) for ran in (here, there)]
        if words[0] != words[1]:
            verdict = "error" if not words[0] else "differs"
            return [Finding("cell", verdict, f"raises {words[1] or 'nothing'}, not {words[0] or 'anything'}")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = reach.differences(here.names, there.names, close=True)
    if _digits(here.printed) != _digits(there.printed):
        found.append(f"prints {there.printed[-60:]!r}, not {here.printed[-60:]!r}")
    findings = [Finding("names", "differs", "; ".join(found[:3]))] if found else []
    if off := _gradients(here, there):
        findings.append(Finding("gradient", "silent" if _notes(here) == _notes(there) else "noted", off))
    if not off and _notes(here) != _notes(there):
        findings.append(Finding("notes", "differs", f"{_notes(there)}, not {_notes(here)}"))
    return findings or [Finding("cell", "right")]


def _digits(text: str) -> str:
    """Cut numbers off where a device may differ."""
    return re.sub(r"(\d\.\d{6})\d+", r"\1", text)


def _notes(ran: Ran) -> list[str]:
    """Give the notes, but that arrays were taken along to the device."""
    return [] if ran.trace is None else [_digits(n.text) for n in ran.trace.notes if n.kind != "moved"]


def _gradients(here: Ran, there: Ran) -> str:
    """Say the first input, or value, that is another one."""
    if here.trace is None or there.trace is None:
        return ""
    inputs = [{i.name: i for i in ran.trace.inputs} for ran in (here, there)]
    if list(inputs[0]) != list(inputs[1]):
        return f"inputs {list(inputs[1])}, not {list(inputs[0])}"
    results = [ran.trace.result for ran in (here, there)]
    if (results[0] is None) != (results[1] is None) or (results[0] and results[0].name != results[1].name):
        return f"the report is about {results[1]}, not {results[0]}"
    for name, one in inputs[0].items():
        if not _alike(one.array, inputs[1][name].array):
            return f"d/d{name} is {inputs[1][name].array!r}, not {one.array!r}".replace("\n", "")
    return ""


def _alike(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    loose = np.asarray(a).dtype.itemsize < 8
    return np.asarray(a).dtype == np.asarray(b).dtype and np.allclose(
        a, b, 1e-2 if loose else 1e-7, 1e-3 if loose else 1e-9, equal_nan=True
    )
