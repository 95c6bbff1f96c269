"""Traces made by hand: what a cell would have recorded, with numbers worked out here in plain NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gradmagic.engine.core.values import summarise
from gradmagic.report.model import Edge, Input, Note, Operation, Place, Result, Sweep, Trace


class Sketch:
    """Draws a trace: `input`, then `step` after `step`, then `trace`. Places are found by the text in the source."""

    def __init__(self, source: str, label: str = "In [4]", first_line: int = 2) -> None:
        self.label, self.source, self.first_line = label, source, first_line
        self.lines = source.split("\n")
        self.operations: list[Operation] = []
        self.inputs: list[Input] = []

    def input(self, name: str, value: Any, grad: Any, kind: str = "ndarray", **more: Any) -> int:
        key = len(self.operations)
        seen = summarise(value)
        slope = None if grad is None else summarise(grad)
        self.operations.append(
            Operation(key, "", shape=seen.shape, dtype=seen.dtype, value=seen, grad=slope, names=(name,))
        )
        self.inputs.append(Input(name, key, seen, slope, kind, grad is not None, grad, **more))
        return key

    def step(
        self,
        rule: str,
        text: str,
        value: Any,
        grad: Any,
        *edges: tuple[Any, ...],
        name: str = "",
        line: int | None = None,
        torch: str = "",
    ) -> int:
        """Add an operation; an edge is (key or text of a constant[, formula, local, flow])."""
        key = len(self.operations)
        seen = summarise(value)
        self.operations.append(
            Operation(
                key,
                rule,
                torch,
                tuple(self._edge(i, *edge) for i, edge in enumerate(edges)),
                seen.shape,
                seen.dtype,
                seen,
                None if grad is None else summarise(grad),
                (name,) if name else (),
                self._place(text, line),
            )
        )
        return key

    def _edge(self, i: int, source: Any, formula: str = "", local: Any = None, flow: Any = None) -> Edge:
        if isinstance(source, str):
            return Edge(None, source, i)
        return Edge(source, "", i, formula, *(None if v is None else summarise(v) for v in (local, flow)))

    def _place(self, text: str, line: int | None) -> Place:
        i = next(
            i
            for i, row in enumerate(self.lines)
            if text in row and (line is None or i + self.first_line == line)
        )
        column = self.lines[i].index(text)
        number = i + self.first_line
        return Place(self.label, number, number, column, column + len(text), text)

    def trace(self, name: str, value: Any, text: str = "", **more: Any) -> Trace:
        key = max(o.key for o in self.operations if not name or name in o.names)
        return Trace(
            self.label,
            self.source,
            self.first_line,
            tuple(self.operations),
            tuple(self.inputs),
            Result(name, key, summarise(value), text),
            total=sum(1 for o in self.operations if o.rule),
            **more,
        )


def product() -> Trace:
    """`e = (a + b) * (b + 1)` at a = 2, b = 1, over three lines."""
    s = Sketch("c = a + b\nd = b + 1\ne = c * d")
    a = s.input("a", 2, 2.0, "int")
    b = s.input("b", 1, 5.0, "int")
    c = s.step("add", "a + b", 3, 2.0, (a, "1", 1, 2.0), (b, "1", 1, 2.0), name="c")
    d = s.step("add", "b + 1", 2, 3.0, (b, "1", 1, 3.0), ("1",), name="d")
    s.step("multiply", "c * d", 6, 1.0, (c, "d", 2, 2.0), (d, "c", 3, 3.0), name="e")
    return s.trace("e", 6)


def parabola() -> Trace:
    """`y = 2 * x**2 + 2; z = y.sum()` over 17 points."""
    x = np.arange(-2, 2.25, 0.25, dtype=np.float32)
    one = np.ones_like(x)
    s = Sketch("y = 2 * x**2 + 2\nz = y.sum()", "In [3]")
    k = s.input("x", x, 4 * x)
    p = s.step("power", "x**2", x**2, 2 * one, (k, "2*x", 2 * x, 4 * x), ("2",))
    m = s.step("multiply", "2 * x**2", 2 * x**2, one, ("2",), (p, "2", 2 * one, 2 * one))
    y = s.step("add", "2 * x**2 + 2", 2 * x**2 + 2, one, (m, "1", one, one), ("2",), name="y")
    s.step("sum", "y.sum()", np.sum(2 * x**2 + 2), np.float32(1), (y, "", None, one), name="z")
    return s.trace("z", np.sum(2 * x**2 + 2), elementwise=True)


def network() -> Trace:
    """Two layers: tanh, then a mean of squares; the data are constants."""
    rng = np.random.default_rng(1)
    X, t = rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
    W1, b1 = rng.standard_normal((3, 4)) / 2, np.zeros(4)
    W2, b2 = rng.standard_normal((4, 2)) / 2, np.zeros(2)
    m1 = X @ W1
    s1 = m1 + b1
    h = np.tanh(s1)
    m2 = h @ W2
    out = m2 + b2
    r = out - t
    q = r**2
    loss = q.mean()
    gq = np.full_like(q, 1 / q.size)
    gr = gq * 2 * r
    gW2, gb2, gh = h.T @ gr, gr.sum(0), gr @ W2.T
    gs = gh * (1 - h * h)
    s = Sketch("h = np.tanh(X @ W1 + b1)\nout = h @ W2 + b2\nloss = ((out - t)**2).mean()", "In [7]")
    kW1 = s.input("W1", W1, X.T @ gs)
    kb1 = s.input("b1", b1, gs.sum(0))
    kW2 = s.input("W2", W2, gW2)
    kb2 = s.input("b2", b2, gb2)
    k = s.step("matmul", "X @ W1", m1, gs, ("X",), (kW1, "", None, X.T @ gs))
    k = s.step(
        "add", "X @ W1 + b1", s1, gs, (k, "1", np.ones_like(gs), gs), (kb1, "1", np.ones_like(gs), gs.sum(0))
    )
    kh = s.step("tanh", "np.tanh(X @ W1 + b1)", h, gh, (k, "1 - h*h", 1 - h * h, gs), name="h")
    k = s.step("matmul", "h @ W2", m2, gr, (kh, "", None, gh), (kW2, "", None, gW2))
    ko = s.step(
        "add",
        "h @ W2 + b2",
        out,
        gr,
        (k, "1", np.ones_like(gr), gr),
        (kb2, "1", np.ones_like(gr), gb2),
        name="out",
    )
    k = s.step("subtract", "out - t", r, gr, (ko, "1", np.ones_like(r), gr), ("t",))
    k = s.step("power", "(out - t)**2", q, gq, (k, "2*(out - t)", 2 * r, gr), ("2",))
    s.step("mean", "((out - t)**2).mean()", loss, 1.0, (k, "", None, gq), name="loss")
    return s.trace("loss", loss)


def descent(iterations: int = 100) -> Trace:
    """Root of 2 by gradient descent: `iterations` sweeps, the graph of the last one."""
    x, sweeps = np.float32(1), []
    for _ in range(iterations):
        y = x * x - np.float32(2)
        loss = y * y
        grad = 4 * x * y
        sweeps.append(Sweep(float(loss), {"x": float(x)}))
        last = (x, y, loss, grad)
        x = x - np.float32(0.01) * grad
    x, y, loss, grad = last
    s = Sketch(
        "for i in range(100):\n    y = x**2 - 2\n    loss = mse(y, zero)\n    optimizer.zero_grad()\n"
        "    loss.backward()\n    optimizer.step()",
        "In [5]",
    )
    k = s.input("x", x, grad, "Tensor")
    p = s.step("power", "x**2", x * x, 2 * y, (k, "2*x", 2 * x, grad), ("2",))
    ky = s.step("subtract", "x**2 - 2", y, 2 * y, (p, "1", np.float32(1), 2 * y), ("2",), name="y")
    s.step(
        "mse_loss",
        "mse(y, zero)",
        loss,
        np.float32(1),
        (ky, "2*(y - zero)", 2 * y, 2 * y),
        ("zero",),
        name="loss",
    )
    return s.trace("loss", loss, sweeps=tuple(sweeps), own_sweep=False)


def chain(length: int = 10_000) -> Trace:
    """A loop of two operations a turn, `length` operations in all; only the first 500 have values."""
    x = np.ones(4)
    s = Sketch("y = x\nfor _ in range(5000):\n    y = y * 0.999 + 0.001\nz = y.sum()", "In [9]")
    k = s.input("x", x, np.full(4, 0.999 ** (length // 2)))
    first = s.step("multiply", "y * 0.999", x, x, (k, "0.999", 0.999 * x, x), ("0.999",))
    second = s.step("add", "y * 0.999 + 0.001", x, x, (first, "1", x, x), ("0.001",), name="y")
    one, two = s.operations[first], s.operations[second]
    for key in range(second + 1, length, 2):
        values = {} if key < 500 else {"value": None, "grad": None}
        s.operations.append(
            replace(one, key=key, inputs=(replace(one.inputs[0], source=key - 1), one.inputs[1]), **values)
        )
        s.operations.append(
            replace(two, key=key + 1, inputs=(replace(two.inputs[0], source=key), two.inputs[1]), **values)
        )
    s.step("sum", "y.sum()", 4.0, 1.0, (len(s.operations) - 1, "", None, x), name="z")
    return s.trace("z", 4.0, elementwise=True)


def troubled() -> Trace:
    """A gradient that is NaN, one that is zero, a leaf that is not reached, a value that was cut off."""
    u = np.array([0.0, 1.0, 4.0])
    s = Sketch("m = np.sqrt(u) * 勾配\nn = float(v)\nloss = m.sum()")
    ku = s.input("u", u, np.array([np.nan, 0.5, 0.25]))
    k = s.input("勾配", 0.0, 0.0, "float")
    s.input("v", 3.0, None, "float", note="cut by float(v) on line 3")
    r = s.step(
        "sqrt", "np.sqrt(u)", np.sqrt(u), np.zeros(3), (ku, "1/(2*m)", np.array([np.inf, 0.5, 0.25]), None)
    )
    m = s.step(
        "multiply",
        "np.sqrt(u) * 勾配",
        np.zeros(3),
        np.ones(3),
        (r, "勾配", 0.0, np.zeros(3)),
        (k, "np.sqrt(u)", np.sqrt(u), 0.0),
        name="m",
    )
    s.step("sum", "m.sum()", 0.0, 1.0, (m, "", None, np.ones(3)), name="loss")
    return s.trace(
        "loss",
        0.0,
        notes=(
            Note("nan", "the gradient of u is NaN: sqrt at 0 has an infinite slope, and 0 * inf is NaN", 2),
            Note("not reached", "loss does not depend on v: float(v) takes a plain number", 3),
        ),
    )


def markup() -> Trace:
    """Names, texts and notes that would be markup if a page let them."""
    evil = '<script>alert("x")</script>&amp;$x$'
    s = Sketch(f'y = x * "{evil}"\n# </script></style><b>')
    k = s.input("x", 1.0, 2.0, "float", note=evil)
    s.step("multiply", f'x * "{evil}"', 2.0, 1.0, (k, evil, 2.0, 2.0), (evil,), name="y")
    return s.trace("y", 2.0, notes=(Note("cut", evil, 2),), error=evil)
