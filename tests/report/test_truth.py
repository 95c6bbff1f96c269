"""Every formula that a report shows is true when it is evaluated: of the tests' own cells, and of drawn ones."""

from __future__ import annotations

import itertools
import random

import pytest

from gradmagic.cell.run import Failed
from gradmagic.errors import GradmagicError
from gradmagic.report import Report
from gradmagic.report.shown.view import View
from tests.cell.cells import CELLS
from tests.cell.helpers import fresh, traced
from tests.draws import draws
from tests.fuzz.draw import draw
from tests.report.truth import faults

DRAWN, BATCH = draws(40), 20


def judged(setup: str, names: str, cell: str) -> list[str]:
    """Judge a program; one that has no report says nothing."""
    try:
        found, _ = faults(setup, names, cell)
    except (GradmagicError, Failed):
        return []
    return [f"{cell}\n    {fault}" for fault in found]


@pytest.mark.parametrize("name", CELLS)
def test_what_is_said_of_a_cell_is_true(name):
    assert not judged(*CELLS[name])


@pytest.mark.parametrize("first", range(0, DRAWN, BATCH))
def test_what_is_said_of_drawn_programs_is_true(first):
    """The fuzzer's: arrays of all kinds, writes, containers, loops, complex numbers."""
    programs = (draw(31, number) for number in range(first, first + BATCH))
    assert not [fault for p in programs for fault in judged(p.setup, p.names, p.cell)]


# -- losses and layers ------------------------------------------------------------------------------------------------
NETWORK = """
import gradmagic.nn.functional as F
from gradmagic import nn
gm.manual_seed(0)
x = gm.randn(4, 3, requires_grad=True); y = gm.tensor([0, 2, 1, 1]); t = gm.rand(4, 3); p = gm.rand(4, 3) * 0.9 + 0.05
w, b = gm.randn(2, 3, requires_grad=True), gm.randn(2, requires_grad=True)
image, kernel = gm.randn(1, 2, 5, 5, requires_grad=True), gm.randn(3, 2, 3, 3, requires_grad=True)
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
loss_fn = nn.CrossEntropyLoss()
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
    def forward(self, h):
        return h + F.relu(self.fc(h))
block, norm = Block(), nn.LayerNorm(3)
"""
LOSSES = [
    f"F.{name}({{0}}, {target}{more})"
    for name, target in {
        "cross_entropy": "y", "mse_loss": "t", "huber_loss": "t", "smooth_l1_loss": "t", "l1_loss": "t",
        "binary_cross_entropy_with_logits": "t",
    }.items()
    for more in ("", ", reduction='sum'")
] + [
    "F.binary_cross_entropy(gm.sigmoid({0}), t)", "F.nll_loss(F.log_softmax({0}, dim=1), y)", "loss_fn({0}, y)",
    "F.cross_entropy({0}, t)", "F.huber_loss({0}, t, delta=0.3)", "F.mse_loss(t, {0})", "({0} * t).mean()",
    "F.binary_cross_entropy_with_logits({0}, t, pos_weight=gm.tensor([1.0, 2.0, 0.5]))",
    "F.kl_div(F.log_softmax({0}, dim=1), p)",
]  # fmt: skip
LAYERS = [
    "F.linear(x, gm.cat([w, w[:1]]), gm.cat([b, b[:1]]))", "net(x)", "block(x)", "block(block(x))", "norm(x)", "x",
    "F.layer_norm(x, (3,))", "F.softmax(x, dim=1)", "F.log_softmax(x, dim=1)", "F.gelu(x)", "F.elu(x, 0.7)",
    "F.relu(x)", "F.leaky_relu(x, 0.2)", "F.softplus(x)", "F.silu(x)", "F.logsigmoid(x)",
    "F.gelu(x, approximate='tanh')",
    "x * gm.logsumexp(x, dim=1)[:, None]", "x - gm.logsumexp(x, dim=0, keepdim=True)",
    "gm.sigmoid(x @ gm.cat([w, w[:1]]).T)",
    "x * F.conv2d(image, kernel).mean()", "x * F.max_pool2d(image, 2).mean() + F.avg_pool2d(image, 2).mean()",
]  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_said_of_losses_and_layers_is_true(layer):
    losses = LOSSES[LAYERS.index(layer) % 6 :: 6]
    cells = [
        f"h = {layer}\nl = {loss.format(layer if i % 2 else 'h')}\nl.backward()"
        for i, loss in enumerate(losses)
    ]
    assert not list(itertools.chain.from_iterable(judged(NETWORK, "", cell) for cell in cells))


def test_losses_and_layers_have_formulas():
    def said(cell: str) -> list[str]:
        view = View.of(traced(cell, fresh(NETWORK)), 100)
        return [edge.formula or view.words(o, edge) for o in view.operations for edge in o.edges]

    assert said("l = F.cross_entropy(x, y)") == ["(softmax(x) - one_hot(y, 3))/4"]
    assert said("l = loss_fn(x, y)") == ["(softmax(x) - one_hot(y, 3))/4"]
    assert said("l = F.mse_loss(x, t, reduction='sum')") == ["2*(x - t)"]
    assert (
        said("s = F.softmax(x, dim=1)\nl = s.sum()")[0] == "s*(grad - np.sum(grad*s, axis=1, keepdims=True))"
    )
    assert {"grad @ net[0].weight", "grad.T @ x", "grad @ net[2].weight"} <= set(said("l = net(x).sum()"))


STATISTICS = """np.std(v)|np.var(v, ddof=1)|np.var(M, axis=0)|np.std(M, 1, ddof=1)|np.std(M, axis=1, keepdims=True) * M
np.var(M, axis=(0, 1))|M.std()|M.var(axis=-1)|np.linalg.norm(v)|np.linalg.norm(M)|np.linalg.norm(M, axis=1)
np.linalg.norm(v, 1)|np.linalg.norm(v, 3)|np.linalg.norm(M, 3, axis=0)|np.linalg.norm(M, axis=1, keepdims=True) * M
np.linalg.norm(v, np.inf)|np.linalg.norm(M, 2)|np.var(M, where=M > 0)|np.linalg.norm(v * (1 + 2j))"""
WEIGHTED = """F.layer_norm(x, (3,), u, z)|F.layer_norm(x, (3,), u)|F.layer_norm(x[0], (3,), u, z)|F.nll_loss(logs, y)
F.nll_loss(logs, y, reduction='sum')|F.nll_loss(logs, y, reduction='none')|F.nll_loss(logs, y, weight=q)
F.nll_loss(logs, gm.tensor([0, -100, 1, 1]))|gm.norm(x, 3, dim=0)|gm.linalg.norm(x, dim=1)"""


def test_what_is_said_of_statistics_and_norms_is_true():
    setup = f"{SETUP}v, M = v * 1.5, M * 1.5"
    cells = [f"z = np.sum({call} * 2)" for call in STATISTICS.replace("\n", "|").split("|")]
    found = [judged(setup, "M" if "M" in cell else "v", cell) for cell in cells]
    setup = (
        f"{NETWORK}u = gm.tensor([1.0, 2.0, 0.5], requires_grad=True); z = gm.rand(3, requires_grad=True)\n"
        "q = gm.tensor([1.0, 2.0, 0.5])"
    )
    cells = [
        f"logs = F.log_softmax(x, 1)\nl = ({call} ** 2).sum()\nl.backward()"
        for call in WEIGHTED.replace("\n", "|").split("|")
    ]
    assert not [
        fault for faults in (*found, *(judged(setup, "", cell) for cell in cells)) for fault in faults
    ]


@pytest.mark.parametrize(
    ("call", "formula"),
    [
        ("np.std(v)", "(v - np.mean(v))/(3*z)"),
        ("np.var(v, ddof=1)", "2*(v - np.mean(v))/2"),
        ("np.linalg.norm(v)", "v/z"),
        ("np.linalg.norm(M, axis=1).sum()", "np.expand_dims(grad, 1)*M/np.expand_dims(u₁, 1)"),
    ],
)
def test_statistics_and_norms_have_formulas(call, formula):
    operations = traced(f"z = {call}", fresh(SETUP), "v M").operations
    assert formula in [edge.formula or edge.words for o in operations for edge in o.edges]


# -- programs that use one name for several values, and long expressions --------------------------------------------
SETUP = """
a, b, c, d = 0.3, -1.2, 0.7, 1.6
v = np.array([0.4, -0.8, 1.3]); w = np.array([1.1, 0.2, -0.6])
M = np.array([[0.5, -0.3, 0.8], [0.1, 0.9, -0.4], [-0.7, 0.6, 0.2]])
k = 2.0
def outer_helper(t, by):
    r = t * by
    return np.tanh(r) + t
"""
SCALAR = ["a", "b", "c", "d", "s", "k", "2.5", "3", "v[1]", "v.sum()", "M[0, 2]", "w @ v"]
ARRAY = ["v", "w", "q", "M @ v", "v[::-1]", "np.ones(3)", "M[1]", "M.T @ w"]
BINARY = [
    "{0} + {1}",
    "{0} - {1}",
    "{0} * {1}",
    "{0} * {1}",
    "{0} / (2.5 + {1} * {1})",
    "np.maximum({0}, {1})",
]
UNARY = [
    "np.exp(-{0} * 0.5)",
    "np.tanh({0})",
    "1 / (1 + np.exp(-({0})))",
    "({0})**2",
    "np.sin({0})",
    "np.abs({0})",
    "-({0})",
]
HELPERS = {
    "sigmoid": "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))",
    "layer": "def layer(x, scale):\n    h = x * scale\n    h = h + 0.1 * h * h\n    return np.tanh(h)",
    "twice": "def twice(x):\n    return inner(x) * inner(x + 1)\ndef inner(t):\n    return t * t + np.cos(t)",
    "square": "square = lambda x: x * x",
}
CALLS = {"sigmoid": "sigmoid({0})", "layer": "layer({0}, {1})", "twice": "twice({0})", "square": "square({0})",
         "outer_helper": "outer_helper({0}, {1})"}  # fmt: skip
LINES = [
    "s = {0}\nq = {a}",
    "s = s * {0} + {1}",
    "q = q * {a}\nq = q + {0}",
    "s, t = {0}, {1}\ns = s * t",
    "k = k + 1.5\ns = s * k",
    "s = {0}; s = s * {1}",
    "q[1] = {0}",
    "q = np.where(q > {0}, q, {0} * q)",
    "for i in range(3):\n    s = np.tanh(s * {0} + i)",
    "for i in range(1, 4):\n    q = q * {0} / i + {a} * i",
    "for i in range(2):\n    for j in range(2):\n        s = s * 0.5 + {0} * (i + j)",
    "x = s\ns = np.exp(-x * x)\nx = x * s + {0}\ns = x",
    "t = s\ns = t * {0}\nt = t + s\ns = s * t",
    "q += {0}\ns -= q.sum()",
    "s = sum([{0}, {1}, s * s])",
    "row = [{0}, s]\ns = row[0] * row[1]",
    "s = np.dot({a}, q) * {0}",
    "q = np.array([s, {0}, {1}])",
    "alias = q\nq = alias * {a}",
]  # fmt: skip


class Drawing:
    """Draws a program of lines that name values again, call helpers twice, loop, and have long operands."""

    def __init__(self, number: int) -> None:
        self.rng = random.Random(f"truth {number}")
        self.helpers = self.rng.sample(sorted(CALLS), 3)

    def scalar(self, deep: int = 2) -> str:
        rng = self.rng
        if not deep or rng.random() < 0.3:
            return rng.choice(SCALAR)
        kind = rng.random()
        if kind < 0.25:
            return CALLS[rng.choice(self.helpers)].format(self.scalar(deep - 1), self.scalar(0))
        if kind < 0.5:
            return rng.choice(UNARY).format(self.scalar(deep - 1))
        return "(" + rng.choice(BINARY).format(self.scalar(deep - 1), self.scalar(deep - 1)) + ")"

    def array(self, deep: int = 1) -> str:
        rng = self.rng
        if not deep or rng.random() < 0.4:
            return rng.choice(ARRAY)
        if rng.random() < 0.5:
            return rng.choice(UNARY).format(self.array(deep - 1))
        return (
            "("
            + rng.choice(BINARY).format(self.array(deep - 1), rng.choice([self.array(0), self.scalar(0)]))
            + ")"
        )

    def cell(self) -> str:
        rng = self.rng
        lines = [HELPERS[name] for name in self.helpers if name in HELPERS]
        lines += ["s = a * b", "q = v * 1"]
        for line in rng.choices(LINES, k=rng.randint(2, 5)):
            lines.append(line.format(self.scalar(), self.scalar(1), a=self.array()))
        return "\n".join([*lines, f"z = s + (q * {self.array(0)}).sum() * {self.scalar(1)}"])


@pytest.mark.parametrize("first", range(0, draws(40), 20))
def test_a_name_that_stands_for_several_values_is_told_apart(first):
    cells = (Drawing(number).cell() for number in range(first, first + 20))
    assert not list(itertools.chain.from_iterable(judged(SETUP, "a b c d v w M", cell) for cell in cells))


def test_a_long_chain_without_names_has_its_formulas():
    """Each value is called by its expression, which has the one before it in it."""
    cell = "z = reduce(lambda a, k: np.sin(a)*0.9, range(3000), x) * 2.0"
    trace = traced(cell, fresh("from functools import reduce\nx = 0.5"))
    assert len(trace.operations) > 6_000
    assert trace.operations[500].inputs and "gm-graph" in Report(trace).to_html()
