"""In a cell, too, a function is NumPy's own wherever its identity shows; and nothing of what stood for it is left."""

# ruff: noqa: E501  (a cell on one line of a table)

import math
import threading

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.following.followers import follower_of
from gradmagic.errors import GradmagicError

START = """
import math, pickle
import numpy as np
from math import exp
from numpy import array, sum as total, zeros
names = {np.sum: 'sum', zeros: 'zeros'}
def pick(x, r=np.sum): return np.sum(x) if r is np.sum else np.mean(x)
def fill(v, make=zeros):
    out = make(2)
    out[0] = v
    return out.sum()
class Layer:
    new = np.zeros
    def __call__(self, v):
        out = self.new(1)
        out[0] = v
        return out[0]
layer = Layer()
def held():
    from numpy import zeros
    def f(v):
        out = zeros(1)
        out[0] = v * v
        return out[0]
    return f
square = held()
"""
CELLS = {
    "a default argument": "z = pick(x) * 2",
    "an imported name": "z = x.sum() * (1 if total is np.sum else 2) * (names[total] == 'sum')",
    "a table": "z = x.sum() * len(names[np.sum]) * {np.zeros: 3}[zeros]",
    "pickling": "same = pickle.loads(pickle.dumps(np.zeros)) is np.zeros\nz = x.sum() * same",
    "a default in an earlier cell": "z = fill(x[0]) * x[1]",
    "an attribute": "z = layer(x[0]) * x[1]",
    "a closure": "z = square(x[0]) * x[1]",
    "a name in the cell": "make = np.zeros\nout = make(2)\nout[1] = x[3]\nz = out.sum() * x[0]",
    "imported in the cell": "from numpy import ones as fresh\nout = fresh(2)\nout[1] = x[3]\nz = out.prod()",
    "a table in the cell": "ops = {'exp': math.exp, 'new': np.zeros}\nout = ops['new'](1)\nout[0] = ops['exp'](x[0])\nz = out.sum()",
    "a loop over functions": "z = 0.0\nfor f in (math.sin, exp): z = z + f(x[0])",
    "a function of the cell": "def g(v, make=np.zeros):\n    out = make(1)\n    out[0] = v\n    return out[0]\nz = g(x[2]) * g(x[0])",
    "out= beside another keyword": "out = np.empty_like(x)\nnp.cumsum(x, axis=0, out=out)\nz = (out * x).sum()",
    "kept": "kept = [np.zeros, zeros, math.sin]\nz = x.sum()",
    "dot": "A = np.arange(34.0).reshape(2, 17)\nz = A.dot(x).sum() + np.dot([x[0], 1.0], [2.0, 1.0])",
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_value_is_that_of_the_plain_cell_and_nothing_is_left(run, cell):
    run(START)
    run(cell)
    plain = run.names["z"]
    report = run(f"%%grad x --check\n{cell}")
    assert run.names["z"] == plain and type(run.names["z"]) is type(plain)
    assert [n.kind for n in report._trace.notes] == ["agrees"]
    for value in run.names.values():
        held = [value, *(getattr(value, "__defaults__", None) or ())]
        held += value.values() if type(value) is dict else value if type(value) is list else ()
        assert not any(follower_of(v) is v for v in held if v is not None)
    assert run.names["zeros"] is np.zeros and run.names["Layer"].new is np.zeros
    if "kept" in cell:
        assert [a is b for a, b in zip(run.names["kept"], (np.zeros, np.zeros, math.sin), strict=True)] == [
            True
        ] * 3


def test_another_thread_is_not_heard(run):
    run("%%grad x\ndef f(v):\n    inner = v * 2\n    return inner\nz = f(x).sum()")
    f, kinds = run.names["f"], []
    run.names.update(
        go=threading.Event(), done=threading.Event(),
        worker=threading.Thread(target=lambda: (run.names["go"].wait(), kinds.append(f(3.0)), run.names["done"].set())),
    )  # fmt: skip
    report = run("%%grad x\nworker.start(); go.set(); done.wait()\nz = f(x).sum()")
    assert kinds == [6.0] and not any("3.0" in n.text for n in report._trace.notes)
    assert gm.last().grads["x"].tolist() == [2.0] * 17


def test_switched_off_gm_grad_says_what_is_lost_and_a_cell_loses_nothing(run):
    text = "def g(x):\n    out = np.zeros(2)\n    out[0] = x[0]\n    return out.sum() * x[1]"
    run(f"{text}\ngm.set_following(False)")
    try:
        assert "written into" in run.fails("gm.grad(g)(x)") and isinstance(run.error, GradmagicError)
        report = run("%%grad x\nz = g(x)")
        assert report._trace.notes == () and report.grads["x"][:3].tolist() == [-1.75, -2.0, 0.0]
    finally:
        run("gm.set_following(True)")
    assert run("gm.grad(g)(x)")[:3].tolist() == [-1.75, -2.0, 0.0]
