"""Programs of repeated blocks of every kind, drawn: loops, nested loops, helpers, modules, residual blocks.

They fold and never crash, every operation stands in one box, and what the boxes say is true.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from gradmagic.report import Report
from gradmagic.report.page.latex import to_latex
from gradmagic.report.shown.view import View
from gradmagic.report.text.to_text import to_text
from tests.cell.helpers import fresh, traced
from tests.draws import draws
from tests.report.truth import Judge, Plain

SETUP = """
from gradmagic import nn
import gradmagic.nn.functional as F
gm.manual_seed(0)
x, t = gm.randn(5, 4), gm.randn(5, 4)
W = gm.randn(4, 4, requires_grad=True)
def block(h, l):
    u = F.relu(l(h))
    return h + 0.1 * u
class Res(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
    def forward(self, h):
        return h + self.b(gm.tanh(self.a(h)))
l, m = nn.Linear(4, 4), nn.Linear(4, 4)
ls = nn.ModuleList([nn.Linear(4, 4) for _ in range(30)])
res = nn.Sequential(*[Res() for _ in range(12)])
net = nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(4, 4), nn.Tanh())])
"""
BLOCKS = [
    "h = gm.tanh(l(h))", "h = block(h, l)", "h = h + 0.1 * m(gm.relu(h))", "h = net(h)", "h = res(h)",
    "u = l(h)\nh = u * gm.sigmoid(u)", "h = (h @ W) * 0.3", "h = F.layer_norm(h, (4,))", "h = block(block(h, m), l)",
    "h = gm.where(h > 0, h, 0.1 * h)", "h = h - h.mean(dim=0)", "h = gm.cat([h[:, 2:], h[:, :2]], dim=1)",
    "a, b = h[:, :2], h[:, 2:]\nh = gm.cat([a + b, a * b], dim=1)", "h = h * (1 + 0.01 * h.sum())",
]  # fmt: skip


def program(number: int) -> tuple[str, int]:
    """Draw a cell, and how many boxes its graph may have."""
    rng = random.Random(f"fold {number}")

    def loop(depth: int) -> str:
        turns = rng.choice([2, 3, 5, 8, 20, 40] if depth == 0 else [2, 3, 4])
        over = rng.choice([f"i in range({turns})", f"layer in ls[:{turns}]"])
        body = rng.choices(BLOCKS, k=rng.randint(1, 3))
        body += ["h = gm.tanh(layer(h))"] if "layer" in over else []
        body += [loop(1)] if depth == 0 and rng.random() < 0.4 else []
        lines = [f"    {line}" for block in body for line in block.split("\n")]
        return "\n".join([f"for {over}:", *lines])

    parts = [loop(0) if rng.random() < 0.75 else rng.choice(BLOCKS) for _ in range(rng.randint(1, 3))]
    cell = "\n".join(["h = x @ W", *parts, "loss = ((h - t)**2).mean()", "loss.backward()"])
    return cell, rng.choice([10, 14, 20, 40, 60, 130])


@pytest.mark.parametrize("first", range(0, draws(20), 10))
def test_repeated_blocks_fold_and_what_the_boxes_say_is_true(first):
    for number in range(first, first + 10):
        cell, limit = program(number)
        trace = traced(cell, fresh(SETUP))
        view = View.of(trace, limit)
        if view.groups:
            positions = np.concatenate([group.positions for group in view.groups])
            assert sorted(positions) == list(range(len(trace.operations))), cell
        keys = {operation.key for operation in view.operations}
        assert all(edge.source in keys for operation in view.operations for edge in operation.edges), cell
        for shown in (view, *view.unfolded(200)):
            assert to_text(shown, 100) and to_latex(shown), cell
        if number % 5 == 0:
            assert "gm-graph" in Report(trace, max_nodes=limit).to_html(), cell
        if len(trace.operations) < 400:
            assert not Judge(trace, Plain.run(SETUP, cell), limit).all(), cell


@pytest.mark.parametrize("layer", ["gm.tanh(l(h))", "block(h, l)", "h + 0.1 * l(gm.relu(h))"])
def test_equal_layers_fold_to_one(layer):
    trace = traced(
        f"h = x\nfor i in range(20):\n    h = {layer}\nloss = h.sum()\nloss.backward()", fresh(SETUP)
    )
    view = View.of(trace, 20)
    # Of the first turn some operations do not depend on a parameter.
    assert {o.count for o in view.computed if o.count > 1} <= {19, 20} and len(view.computed) <= 8
    assert any(f"×{turns}" in Report(trace, max_nodes=20).to_text() for turns in (19, 20))
