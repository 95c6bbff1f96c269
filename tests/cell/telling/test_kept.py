"""What is kept for the way back: the bytes told are those of the arrays that the graph really holds."""

from __future__ import annotations

import gc
import types

import numpy as np
import pytest

from gradmagic.cell import tracing
from gradmagic.engine.tape.nodes import Aval, Node, walk
from gradmagic.report import Report
from gradmagic.report.parts.cards import rows
from tests.cell.helpers import fresh, traced

NET = (
    "gm.manual_seed(0)\n"
    "net = gm.nn.Sequential(gm.nn.Linear(3, 5), gm.nn.ReLU(), gm.nn.LayerNorm(5), gm.nn.Linear(5, 2))\n"
    "x = gm.randn(4, 3)\n"
)
CELLS = {
    "one array in two operations": ("x = np.ones(1000)", "y = np.exp(x)\nz = (y * x).sum()"),
    "views of one array": ("x = np.arange(1000.0)", "z = (x[1:] * x[:-1]).sum()\nz = z * x[::2].sum()"),
    "products": ("A, B = np.ones((20, 30)), np.ones((30, 10))", "C = A @ B\nz = (C * C).sum()"),
    "a constant": ("x, k = np.ones(50), np.ones(50)", "z = np.sum(x * k * k)"),
    "a loop": ("x = np.ones(100)", "y = x\nfor i in range(7):\n    y = np.tanh(y) * x\nz = y.sum()"),
    "numbers": ("a, b = 2.0, 1.0", "z = np.sin(a * b) * b"),
    "layers": (NET, "z = (net(x) ** 2).mean()\nz.backward()"),
    "several outputs": ("A = np.eye(6) * 3 + 1", "w, V = np.linalg.eigh(A)\nz = w.sum() + V[0, 0]"),
    "many sweeps": (
        "w = gm.ones(8, requires_grad=True)",
        "for i in range(3):\n    z = (w * w * w).sum()\n    z.backward()",
    ),
    "an index": ("x = np.ones(30)", "z = (x[np.array([0, 3, 5])] ** 2).sum()"),
}


def held_by(root: Node) -> int:
    """Follow what the garbage collector sees from each node, and add up the memory of the arrays."""
    todo = [node.saved for node in walk(root) if node.rule is not None]
    seen: dict[int, object] = {}
    total, spans = 0, []
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(
            value, (Node, Aval, type, types.FunctionType, types.ModuleType, types.CodeType)
        ):
            continue
        seen[id(value)] = value
        if isinstance(value, np.ndarray):
            while isinstance(value.base, np.ndarray):
                value = value.base
            spans.append((value.__array_interface__["data"][0], value.nbytes))
        elif isinstance(value, np.generic):
            total += value.nbytes
        else:
            todo += gc.get_referents(value)
    return total + sum(dict(spans).values())


@pytest.mark.parametrize("name", CELLS)
def test_the_sum_is_that_of_the_arrays_that_are_held(monkeypatch, name):
    measured = []
    measure = tracing.kept_by

    def both(root, held):
        found = measure(root, held)
        measured.append((sum(each.size for each in found.values()), held_by(root)))
        return found

    monkeypatch.setattr(tracing, "kept_by", both)
    setup, cell = CELLS[name]
    trace = traced(cell, fresh(setup), kept=True)
    assert measured and all(told == held for told, held in measured)
    assert sum(each.size for each in trace.kept) == measured[-1][0] > 0
    assert all(each.own <= each.size for each in trace.kept)
    assert traced(cell, fresh(setup)).kept == ()


def test_shared_arrays_count_once_and_the_readers_own_are_told():
    trace = traced("y = np.exp(x)\nz = (y * x).sum()", fresh("x = np.ones(1000)"), kept=True)
    exp, product = trace.kept
    assert (exp.size, exp.own, exp.shared) == (8_000, 0, 0)  # y
    assert (product.size, product.own, product.shared) == (8_000, 8_000, 8_000)  # x, which has a name, and y
    report = Report(trace)
    for text in (report.to_text(width=100), report.to_html()):
        assert "15.6 KB in 2 arrays, of which 7.81 KB are held by names anyway" in text


def test_rows_and_boxes_say_what_they_keep():
    setup = "def f(t):\n    return np.exp(-t) * t\nx = np.ones(100)"
    cell = "\n".join(["y = x", *(f"y = f(y) + {i}.0" for i in range(8)), "z = y.sum()"])
    report = Report(traced(cell, fresh(setup), kept=True))
    boxes = next(drawn for drawn in report._unfolded if drawn.form == "boxes")
    told = {row.key: row.name for card in rows(boxes.view).cards for row in card.rows}
    first = min(boxes.inner)
    inside = [report._trace.kept[i] for i in range(2)]  # exp and the product of the first call
    assert sum(each.size for each in inside) == 1600 and "keeps 1.56 KB" in told[first]
