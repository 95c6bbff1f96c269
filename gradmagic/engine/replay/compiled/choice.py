"""Which back end runs a program, and from which call on.

In: a program that NumPy runs, and how it is written for another. Out: the same, run by numba where that was asked for,
or where it pays: the time that it saves makes up for that of compiling.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

import numpy as np

from ....language import mark, tr
from .. import known
from ..program import Program, Step
from .built import installed
from .scalars import Unheld, is_dear
from .writer import Compiled, Looped

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
        raise ValueError(tr(
            'there is no back end {backend!r}: write backend="numpy", "numba", or None, which chooses.',
            backend=backend,
        ))  # fmt: skip
    if backend == "numba":
        installed.cache_clear()  # it may have come since
    if backend == "numba" and not installed():
        raise ImportError(tr(
            'backend="numba" needs numba, which is not installed: pip install "gradmagic[jit]".',
        ))  # fmt: skip
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
    statements : int
        That numba has compiled.
    looped : Made, False or None
        Many turns of the program in one call; False where that cannot be, None before it is asked for.
    """

    def __init__(self, backend: str | None, program: Program, write: Callable[..., Any]) -> None:
        self._program = program
        self._write: Callable[..., Any] | None = write
        self._told: tuple[str, dict[str, Any]] = mark("by NumPy"), {}
        self.statements = self._later = 0
        self.looped: Any = None
        if backend == "numpy" or not installed():
            if not backend:
                self._told = mark("by NumPy: numba is not installed"), {}
        elif backend is None and any(step.kind == "draw" for step in program.steps):
            self._told = mark("by NumPy: it draws random numbers"), {}
        elif backend is None:
            plain, loops, compiling = seconds(program)
            calls = max(_EARLIEST, compiling / max(plain - loops, 1e-12))
            if loops > 0.7 * plain:
                self._told = mark("by NumPy, whose loops are as fast for arrays of this size"), {}
            elif calls > _LATEST or len(program.steps) > _MOST:
                self._told = mark("by NumPy: compiling would take longer than it saves"), {}
            else:
                self._later = int(calls)
                first = self._later + 2  # one call is the function's, one compiles
                self._told = mark("by NumPy, by numba from call {first:,} on"), {"first": first}
        if backend != "numba" and not self._later:
            self._write = None  # it holds what the first call got

    @property
    def text(self) -> str:
        """Who runs it, and why, for `explain`: in the language that is spoken when it is asked."""
        sentence, fields = self._told
        return tr(sentence, **fields)

    def watch(self, written: Any, now: Callable[[], None]) -> None:
        """Let a program of NumPy's count its calls, and call `now` when numba is due."""
        if self._later:
            written.names.update(
                due=chain(repeat(False, self._later), [True], repeat(False)), compile_now=now
            )
            written.lines.insert(0, "if next(due): compile_now()")

    def compiled(self, made: Any) -> Any:
        """Give the program run by numba; as it is, with the reason in `text`, if it stays with NumPy."""
        began = time.process_time()
        assert self._write is not None
        try:
            written = Compiled(self._program, made.run)
            new = self._write(written)
        except Unheld as why:
            self._told = mark("by NumPy: numba is not given {why}"), {"why": why}
            return made
        except Exception as error:  # whatever it is, NumPy runs the program
            first = str(error).partition("\n")[0]
            self._told = (
                mark("by NumPy: with numba {kind}: {error}"), {"kind": type(error).__name__, "error": first},
            )  # fmt: skip
            return made
        new.source = f"{written.kernel.source()}\n\n{new.source}"
        self.statements = written.kernel.size
        self._told = (
            mark("by numba: {count:,} statements, compiled in {seconds:.1f} s"),
            {"count": self.statements, "seconds": time.process_time() - began},
        )
        return new

    def loop(self, plain: Callable[[Any, int], Any]) -> Callable[[Any, int], Any] | None:
        """Give the program as a loop of so many turns; None where that cannot be."""
        if self.looped is None and self._write is not None:
            try:
                self.looped = self._write(Looped(self._program, plain), checks=False)
            except Exception:  # Unheld, or one of numba's
                self.looped = False
        return (lambda x, turns: self.looped.run(turns, x)) if self.looped else None


def may_loop(program: Program, backend: str | None, turns: int) -> bool:
    """Tell whether a loop of so many turns is worth compiling."""
    if backend == "numpy" or not installed():
        return False
    plain, loops, compiling = seconds(program)
    return backend == "numba" or (turns * (plain - loops) > compiling and loops < 0.7 * plain)
