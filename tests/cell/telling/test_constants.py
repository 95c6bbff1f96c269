"""What a report calls constants and entries: by the reader's text only where that text has this value."""

import numpy as np
import pytest

from gradmagic.engine.tape.tracked import raw
from gradmagic.report.operations import UNNAMED
from gradmagic.report.report import Report
from tests.cell.helpers import fresh, traced

ARRAYS = (
    "x = np.array([0.7, 1.5, 2.5]); w = np.array([3.0, 1.0, 2.0]); A = np.arange(9.0).reshape(3, 3) + 1; s = 1.5\n"
    "b = np.array([True, False, True]); k = np.array([2, 0, 1])"
)
TENSORS = (
    "F = gm.nn.functional; T = gm.tensor([[1.0, 2.0, 3.0]]); s = 1.5; ts = gm.tensor([[0.5, 0.25]])\n"
    "x = gm.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]], requires_grad=True)"
)
WRITES = """np.putmask(c, b, w)|np.copyto(c, w)|np.copyto(c, w, where=b)|np.place(c, b, w)|np.put(c, k, w)
np.fill_diagonal(D, s)"""
CALLS = """np.where(b, w, x)|np.where(x > 1, 2.0, x)|np.quantile(x, 0.3)|np.quantile(x, [0.1, 0.6])|np.median(x)
np.average(x, weights=w)|np.interp(x, w.cumsum(), w)|np.select([b, x > 1], [w, x], s)|np.choose([0, 1, 0], [x, w])
np.concatenate([w, x])|np.stack([w, x])|np.einsum('ij,j->i', A, x)|np.einsum('j,ij->i', x, A)|np.kron(w, x)
np.convolve(x, w)|np.correlate(w, x)|np.linalg.multi_dot([A, A, x])|np.clip(x, w, s)|np.insert(x, 1, s)
np.gradient(x, w)|np.trapezoid(x, w)|np.trapezoid(w, x)|np.multiply.outer(w, x)|np.add(w, x, where=b, out=np.zeros(3))
np.linspace(s, x[0], 3)|np.geomspace(s, x[0], 3)|sum([w, x])|pow(x, s)|w - x|x.clip(s, w)|np.hypot(w, x)|A @ x"""
LAYERS = """F.linear(T, x)|F.mse_loss(F.linear(T, x), ts)|F.huber_loss(ts, F.linear(T, x))|gm.where(x > 0, T, x)
gm.lerp(T, x, s)|gm.addmm(x[:, :2], x, T.T @ ts)|gm.masked_fill(x, x > 0, s)|x.masked_fill(x > 0, s)|gm.cat([T, x])
gm.outer(T[0], x[0])|F.conv2d(T.view(1, 1, 1, 3), x.view(2, 1, 1, 3))|F.layer_norm(x, (3,), T[0])
F.kl_div(F.log_softmax(x, 1), T)|F.binary_cross_entropy_with_logits(x, T.expand(2, 3) / 9)"""


def split(text):
    return [call for line in text.split("\n") for call in line.split("|")]


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        (ARRAYS, f"c = x * 1\nD = np.outer(x, x)\n{call}\ny = np.sum(c * x) + np.sum(D)")
        for call in split(WRITES)
    ]
    + [(ARRAYS, f"y = np.sum({call})") for call in split(CALLS)]
    + [(TENSORS, f"y = ({call}).sum()\ny.backward()") for call in split(LAYERS)],
)
def test_a_constant_has_a_text_only_if_that_is_its_value(setup, cell):
    namespace = fresh(setup)
    trace = traced(cell, namespace, "x" if setup is ARRAYS else "")
    names = {name: raw(value) for name, value in namespace.items()}
    for operation in trace.operations:
        for edge in operation.inputs:
            if edge.source is not None or edge.given is None or edge.constant == UNNAMED:
                continue
            value = raw(eval(edge.constant, namespace | names | {"F": namespace.get("F")}))
            np.testing.assert_allclose(np.asarray(value, float).ravel(), np.ravel(edge.given.items))
    view = Report(trace)._view
    for sign, said in view.legends.items():
        assert f"{UNNAMED} =" not in said, (sign, said)


@pytest.mark.parametrize(
    "cell",
    [
        "from collections import namedtuple\nP = namedtuple('P', 'u v')\np = P(*x[:2])\nz = p.u * p.v",
        "p = list(x)\nz = p[0] * p[1]",
        "def f(a, b): return a * b\nz = f(*x[:2])",
        "def f(a): return a * 2\nz = f(*x[:1])",
        "z = np.sum(list(map(np.sin, x)))",
        "import operator\np = list(map(operator.mul, x, x))\nz = p[0] * p[1]",
        "p = (*x[:2],)\nz = p[0] * p[1]",
    ],
)
def test_an_entry_of_what_a_call_gives_is_not_called_by_the_whole(cell):
    trace = traced(cell, fresh("x = np.array([0.5, 1.5, 2.5])"), "x")
    for operation in trace.operations:
        assert "*x[" not in operation.called
        assert "list" not in operation.called
        whole = operation.place is not None and operation.place.text.startswith(("P(", "list(", "f(", "(*"))
        assert operation.within or not whole or operation.called[0] == "u"


@pytest.mark.parametrize(
    "cell",
    [
        "a = x * x",
        "a = k()",
        "def h(): return x * x\na = h()",
        "def h(): return k()\na = h()",
        "h = lambda: x * x\na = h()",
    ],
)
@pytest.mark.parametrize("names", ["x", ""])
def test_what_a_function_reads_before_the_cell_assigns_it_is_an_input(cell, names):
    setup = "x = 2.0\ndef k(): return x * x"
    (entry,) = traced(f"{cell}\nx = 5.0\nz = a * x", fresh(setup), names).inputs
    assert (entry.name, entry.value.items, entry.array) == ("x", 2.0, 20.0)
    (entry,) = traced("def h(): return x * x\nx = 5.0\nz = h()", fresh(setup), names).inputs
    assert (entry.value.items, entry.array) == (5.0, 10.0)
