"""Gradients by differences of the plain cell, with what they are worth: kinks and rounding are found out and left out.

In: a program, one of its inputs, one entry of it, and what the magic says. Out: the right number where it says
another one; None where it is right, or where differences do not determine one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .running import Program, earlier, plainly

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)


class NoTruth(Exception):
    """The plain cell cannot be run with this input moved: `range(n)` of a float, an array of a dtype that it needs."""


def wrong(at: Callable[[float], float], said: float, tolerance: float, scale: float = 1.0) -> float | None:
    """Give the derivative of `at` at 0 if `said` is another one and differences determine it; else None."""
    first = _central(at, 1e-5 * scale)
    if abs(first - said) <= tolerance * (1 + abs(first)):
        return None
    here = at(0.0)
    rows = []
    for step in STEPS:
        h = step * scale
        up, down = at(h), at(-h)
        rows.append(((up - down) / (2 * h), (up - here) / h, (here - down) / h))
    best = None
    # Each against its neighbours on both sides: two alike may be chance, where the cell rounds to float32 on its way.
    for step, (before, *_), (slope, up, down), (after, *_) in zip(
        STEPS[1:], rows, rows[1:], rows[2:], strict=False
    ):
        error = max(abs(before - slope), abs(slope - after))
        # One-sided slopes differ by h*f'' where it is smooth, by the size of the slopes at a kink.
        smooth = abs(up - down) <= (10 * step + 1e-3) * (1 + abs(slope)) + 4 * error
        if np.isfinite(error) and smooth and (best is None or error < best[1]):
            best = (slope, error, step * scale)
    if best is None or best[1] > 1e-3 * (1 + abs(best[0])):
        return None
    off = abs(best[0] - said)
    if off <= 5 * best[1] + tolerance * (1 + abs(best[0])):
        return None
    # What is rounded on the way may give the same wrong number at three steps, not at all others too.
    others = [_central(at, factor * best[2]) for factor in (0.37, 0.61, 1.7)]
    return None if any(abs(slope - best[0]) >= off / 2 for slope in others) else best[0]


def _central(at: Callable[[float], float], h: float) -> float:
    return (at(h) - at(-h)) / (2 * h)


class Truth:
    """The plain cell as a function of entries of its inputs."""

    def __init__(self, program: Program, names: list[str]) -> None:
        self.program, self.names = program, names
        self.result = program.result
        base = self._run({}, wide=False)
        native = [n for n in names if _narrow(_value(n, earlier(program)))]
        self.loose = max((_looseness(_value(n, earlier(program))) for n in names), default=2e-5)
        if re.search(r"float32|f4", program.cell):
            self.loose = max(self.loose, 2e-3)
        if "float16" in program.cell:
            self.loose = 3e-2
        # What is float32, float16 or whole is moved as a float64: differences of its own dtype are all rounding.
        self.wide = native
        if native and not np.isclose(self._run({}), base, rtol=20 * self.loose, atol=20 * self.loose):
            raise NoTruth(f"the cell computes another number of {native} as float64")

    def _run(self, moved: dict[tuple[str, int], complex], wide: bool = True) -> float:
        names = earlier(self.program)
        if wide:
            for name in self.wide:
                _set(name, names, _widened(_value(name, names)))
        for (name, index), step in moved.items():
            value = _value(name, names)
            if isinstance(value, np.ndarray):
                value[np.unravel_index(index, value.shape)] += step  # in place: views of earlier cells see it
            else:
                _set(name, names, value + step)
        ran = plainly(self.program, names)
        if ran.error is not None:
            raise NoTruth(str(ran.error))
        try:
            value = ran.value if ran.value is not None else eval(self.result, ran.names)
            if np.iscomplexobj(value):
                raise NoTruth("the result is complex")
            return float(value)
        except Exception as error:
            raise NoTruth(str(error)) from None

    def wrong(self, name: str, index: int, said: complex, entry: complex) -> complex | None:
        """Give the right derivative by one entry if `said` is another one; real and imaginary part apart."""
        scale = max(1.0, abs(entry)) if np.isfinite(entry) else 1.0
        parts = [(1.0, said.real)] + (
            [(1j, said.imag)] if isinstance(entry, (complex, np.complexfloating)) else []
        )
        right, off = 0j, False
        for unit, part in parts:
            found = wrong(lambda h, u=unit: self._run({(name, index): h * u}), part, self.loose, scale)  # type: ignore[misc]
            off = off or found is not None
            right += unit * (part if found is None else found)
        return (right if len(parts) == 2 else right.real) if off else None

    def along(self, steps: dict[tuple[str, int], complex], said: float) -> float | None:
        """Give the right derivative along a direction if `said` is another one."""
        return wrong(lambda h: self._run({k: h * v for k, v in steps.items()}), said, self.loose)


def _value(name: str, names: dict[str, Any]) -> Any:
    return eval(name, names)


def _set(name: str, names: dict[str, Any], value: Any) -> None:
    names["_moved"] = value
    exec(f"{name} = _moved", names)
    del names["_moved"]


def _narrow(value: Any) -> bool:
    return np.asarray(value).dtype not in (np.float64, np.complex128)


def _widened(value: Any) -> Any:
    wide = np.asarray(value).astype(complex if np.iscomplexobj(value) else float)
    return (
        wide if isinstance(value, np.ndarray) else wide[()] if isinstance(value, np.generic) else float(value)
    )


def _looseness(value: Any) -> float:
    """How far a gradient may be off, by the dtype of the input."""
    return (
        {2: 3e-2, 4: 2e-3}.get(np.asarray(value).dtype.itemsize, 2e-5)
        if np.asarray(value).dtype.kind == "f"
        else 2e-5
    )
