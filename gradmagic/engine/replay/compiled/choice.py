"""Which back end runs a program, and from which call on.

In: a program that NumPy runs, and how it is written for another. Out: the same, run by numba where that was asked for,
or where it pays: the time that it saves makes up for that of compiling.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from .. import known
from ..program import Program, Step
from .built import installed
from .scalars import Unheld, is_dear
from .writer import Compiled

BACKENDS = ("numpy", "numba")
_EARLIEST = 50  # calls
_LATEST = 10**7  # calls, after which a program that pays so late is not compiled at all
_MOST = 20_000  # steps


def asked(backend: str | None) -> str | None:
    """Check what a user asks for.

    Raises
    ------
    ValueError
        If there is no such back end.
    ImportError
        If it is not installed.
    """
    if backend not in (None, *BACKENDS):
        raise ValueError(
            f'there is no back end {backend!r}: write backend="numpy", "numba", or None, which chooses.'
        )
    if backend == "numba" and not installed():
        raise ImportError(
            'backend="numba" needs numba, which is not installed: pip install "gradmagic[jit]".'
        )
    return backend


def seconds(program: Program) -> tuple[float, float, float]:
    """Estimate a call by NumPy, one by numba, and what compiling takes."""
    plain, loops = 0.0, 0.5 + 0.3 * (len(program.inputs) + len(program.outputs))  # us
    for step in program.steps:
        if step.kind not in ("call", "write") or step.op in known.VIEWS:
            continue
        size = max(sum(_size(s) for s in step.needs()), _size(step), 1)
        if step.op is np.matmul:
            size *= step.args[0].shape[-1] if step.args[0].shape else 1
            plain, loops = plain + 1 + size * 5e-5, loops + size * 5e-4
        else:
            plain += 0.45 + size * (2e-3 if is_dear(step.op) else 2e-4)
            loops += size * (5e-3 if is_dear(step.op) else 1.5e-4)
    return plain * 1e-6, loops * 1e-6, 0.3 + 0.01 * min(len(program.steps), 300)


def _size(step: Step) -> int:
    return getattr(step.value, "size", 1)


class Choice:
    """Who runs a program.

    Attributes
    ----------
    text : str
        Who does, and why, for `explain`.
    """

    def __init__(self, backend: str | None, program: Program) -> None:
        self.backend, self._program = backend, program
        self.text = "by NumPy"
        self.statements = 0  # that numba compiled
        self.later = 0  # the calls by NumPy before numba takes over; 0: it does not by itself
        if backend == "numpy" or not installed():
            self.text += "" if backend else ": numba is not installed"
        elif backend is None:
            plain, loops, compiling = seconds(program)
            calls = max(_EARLIEST, compiling / max(plain - loops, 1e-12))
            if loops > 0.7 * plain:
                self.text += ", whose loops are as fast for arrays of this size"
            elif calls > _LATEST or len(program.steps) > _MOST:
                self.text += ": compiling would take longer than it saves"
            else:
                self.later = int(calls)
                self.text += f", by numba from call {self.later + 2:,} on"

    def watch(self, written: Any, now: Callable[[], None]) -> None:
        """Let a program of NumPy's count its calls, and call `now` when numba is due."""
        if self.later:
            written.names.update(calls=repeat(None, self.later), compile_now=now)
            written.lines.insert(0, "if next(calls, True): compile_now()")

    def compile(
        self,
        write: Callable[[Callable[[Program], Any]], tuple[Any, str, Any]],
        plain: Any,
        writer: Any = Compiled,
    ) -> Any:
        """Give source and function of the program by numba; None, with the reason in `text`, if it stays with NumPy."""
        began = time.process_time()
        try:
            written, source, run = write(lambda program: writer(program, plain))
        except Unheld as why:
            self.text = f"by NumPy: numba is not given {why}"
            return None
        except Exception as error:  # of numba's: whatever it is, NumPy runs the program
            first = str(error).partition("\n")[0]
            self.text = f"by NumPy: numba raised {type(error).__name__}: {first}"
            return None
        self.statements = written.kernel.size
        self.text = (
            f"by numba: {self.statements:,} statements, compiled in {time.process_time() - began:.1f} s"
        )
        return f"{written.kernel.source()}\n\n{source}", run


def may_loop(program: Program, backend: str | None, turns: int) -> bool:
    """Tell whether a loop of so many turns is worth compiling."""
    if backend == "numpy" or not installed():
        return False
    plain, loops, compiling = seconds(program)
    return backend == "numba" or (turns * (plain - loops) > compiling and loops < 0.7 * plain)
