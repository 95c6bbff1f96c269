"""The function around a kernel: guards, the call, the results: for numba what emit.py's `Written` is for NumPy.

In: a simplified `Program`, and the function that NumPy runs. Out: text. Whatever the kernel does not take (an array
laid out in another way, an index out of range, a division of Python's by zero) is NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....language import tr
from ..program import Program, Step
from .built import built, raises, settings
from .kernel import Kernel
from .scalars import Unheld


class Compiled:
    """A program as a function that calls its kernel.

    Attributes
    ----------
    names : dict
        What the text calls by name.
    bytes : int
    kernel : Kernel
    """

    bytes = 0
    _more: tuple[str, ...] = ()  # what the kernel takes besides

    def __init__(self, program: Program, plain: Callable[..., Any]) -> None:
        self.program = program
        self.kernel = Kernel(program)
        self._bound: dict[int, str] = {}
        values = [np.ascontiguousarray(v) if np.ndim(v) else v for _, v in self.kernel.parameters]
        tables = self.kernel.tables()
        self.names: dict[str, Any] = {"np": np, "kernel": self._built([*values, *tables]), "plain": plain}
        self.names |= {"settings": settings, "usual": None if raises() else settings(), "raises": raises}
        self.lines: list[str] = []  # after the kernel
        self._tables = [self.bind(t) for t in tables]

    def _built(self, values: list[Any]) -> Any:
        return built(self.kernel.source(), values)

    def name(self, step: Step) -> str:
        """Write an output as NumPy's program has it."""
        if step.kind == "input":
            return str(step.op)
        if step.kind == "constant":
            return self.bind(step.value)
        name, order = self.kernel.results[id(step)]
        if step.shape:
            return name if order is None else f"{name}.transpose({tuple(int(i) for i in np.argsort(order))})"
        if type(step.value) is np.ndarray:
            return f"np.array({name}, {self.bind(step.dtype)})"
        return name if step.python else f"{self.bind(type(step.value))}({name})"

    def bind(self, value: Any) -> str:
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = f"c{len(self._bound)}"
            self.names[name] = value
        return name

    def source(self, head: list[str], parameters: str, result: str) -> str:
        """Give the text of the function."""
        for step in self.program.outputs:
            if id(step) in self.kernel.results and not step.shape:  # what comes back is Python's already
                result = result.replace(f"float({self.name(step)})", self.kernel.results[id(step)][0])
        passed = ", ".join(p.removesuffix("=NONE") for p in parameters.split(", "))
        given = [
            n if not np.ndim(v) or v.flags.c_contiguous else f"np.ascontiguousarray({n})"
            for n, v in self.kernel.parameters
        ]
        names = [name for name, _ in self.kernel.results.values()]
        call = f"kernel({', '.join([*given, *self._tables, *self._more])})"
        into = f"{', '.join(names)}, = " if names else ""
        lines = [
            *head,
            # numba raises no FloatingPointError; who asks for one gets NumPy's program
            f"if settings() is not usual and raises(): return plain({passed})",
            f"try: {into}{call}",
            f"except Exception: return plain({passed})",
            *self.lines,
            f"return {result}",
        ]
        return f"def program({parameters}):\n    " + "\n    ".join(lines) + "\n"


class Looped(Compiled):
    """A step x -> x as a function of x and how often, all turns in one call."""

    _more = ("turns",)

    def _built(self, values: list[Any]) -> Any:
        kernel, program = self.kernel, self.kernel.program
        taken = [s for s in program.inputs if str(s.op).startswith("x")]
        if len(taken) != len(program.outputs) or any(s.storage.written for s in program.inputs):
            raise Unheld(tr(
                "a step that gives something else than it takes, or leaves something behind",
            ))  # fmt: skip
        state = []
        for x, out in zip(taken, program.outputs, strict=True):
            name, order = kernel.results.get(id(out), ("", ()))
            if (x.shape, x.dtype, type(x.value)) != (
                out.shape,
                out.dtype,
                type(out.value),
            ) or order is not None:
                raise Unheld(tr("a step that gives another kind of value than it takes"))
            if type(x.value) is np.ndarray and not x.shape:
                raise Unheld(tr("a step of an array without dimensions"))
            state.append((str(x.op), name))
        names = [
            *[n for n, _ in kernel.parameters],
            *[f"t{i}" for i in range(len(values) - len(kernel.parameters))],
        ]
        results = ", ".join(name for name, _ in kernel.results.values())
        call = f"{results}, = kernel({', '.join(names)})"
        again = [f"{', '.join(n for n, _ in state)}, = {', '.join(n for _, n in state)},", call]
        loop = [f"def loop({', '.join(names)}, turns):", call, "for _ in range(turns - 1):"]
        loop += ["    " + line for line in again] + [f"return {results},"]
        source = kernel.source().replace("def kernel(", '@njit(error_model="numpy")\ndef kernel(')
        return built(source + "\n\n" + "\n    ".join(loop) + "\n", [*values, 1], "loop")

    def source(self, head: list[str], parameters: str, result: str) -> str:
        """Give the text of the function."""
        if self.lines[:-1]:  # but for what counts the calls
            raise Unheld(tr("a step that leaves something behind"))
        return super().source(head, f"turns, {parameters}", result)
