"""The function around a kernel: guards, the call, the results. To replay.py it is what emit.py's `Written` is for NumPy.

In: a simplified `Program`, and the function that NumPy runs. Out: text. Whatever the kernel does not take (an array laid
out in another way, an index out of range, a division of Python's by zero) is NumPy's: it gives the error, or the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..program import Program, Step
from .built import built
from .kernel import Kernel

_LOOP = '''
@njit(error_model="numpy", inline="never")
{kernel}

def loop({parameters}, turns):
    for _ in range(turns):
        {state} = kernel({parameters})
    return ({state},)
'''


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

    def __init__(self, program: Program, plain: Callable[..., Any]) -> None:
        self.kernel = Kernel(program)
        self._bound: dict[int, str] = {}
        values = [np.ascontiguousarray(v) if np.ndim(v) else v for _, v in self.kernel.parameters]
        tables = self.kernel.tables()
        self.compiled = built(self.kernel.source(), [*values, *tables])
        self.names: dict[str, Any] = {"np": np, "kernel": self.compiled, "plain": plain}
        self._tables = [self.bind(t) for t in tables]

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
        given = [n if not np.ndim(v) or v.flags.c_contiguous else f"np.ascontiguousarray({n})" for n, v in self.kernel.parameters]
        names = [name for name, _ in self.kernel.results.values()]
        call = f"kernel({', '.join([*given, *self._tables])})"
        lines = [*head, f"try: {', '.join(names)}, = {call}", f"except Exception: return plain({parameters})", f"return {result}"]
        return f"def program({parameters}):\n    " + "\n    ".join(lines) + "\n"
