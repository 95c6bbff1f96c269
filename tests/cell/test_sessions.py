"""What a reader sees in a terminal after cells of README's kind: boxes of meaning as lines, columns that fit."""

import re

import numpy as np
import pytest
from wcwidth import wcswidth

import gradmagic as gm
from gradmagic import nn, optim

CALLS = """
def layer(v, w):
    return 1 / (1 + np.exp(-(v * w + 0.5)))

x = np.array([1.0, 2.0])
%%grad x
h1 = layer(x, 0.5)
h2 = layer(h1, 1.5)
h3 = layer(h2, -0.5)
h4 = layer(h3, 2.0)
h5 = layer(h4, 2.5)
z = (h5**2).sum()
"""
TURNS = """
x0 = 2.0
%%grad x0
x = x0
for k in range(6):
    x = x - 0.1 * (2 * x + np.cos(x)) * (k + 1)
z = x**2
"""
MODULES = """
from gradmagic import nn
gm.manual_seed(0)
net = nn.Sequential(*[nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.LayerNorm(2)) for _ in range(6)])
data = gm.tensor([1.0, 2.0])
%%grad
z = (net(data) ** 2).sum()
"""


@pytest.mark.parametrize(
    ("cell", "rows"),
    [
        (CALLS, [f"h{i} = layer({'x' if i == 1 else f'h{i - 1}'}, " for i in range(1, 6)]),
        (TURNS, [" = x - 0.1 * (2 * x + np.cos(x)) * (k + 1)"] * 6),
        (MODULES, [f"net.{i}" for i in range(6)]),
    ],
    ids=["calls", "turns", "modules"],
)
def test_calls_turns_and_modules_stand_as_one_line_each(run, cell, rows):
    before, _, traced = cell.partition("%%grad")
    run(before)
    report = run(f"%%grad{traced}")
    for columns in (60, 80, 120):
        lines = report.to_text(width=columns, color=False, ascii=False).splitlines()
        assert max(map(wcswidth, lines)) < columns and len(lines) <= 60
        start = next(i for i, line in enumerate(lines) if line.startswith(" operation "))
        drawn = [line for line in lines[start:] if "●" in line or "▼" in line]
        for row in rows if columns > 60 else rows[:2]:
            at = next(i for i, line in enumerate(drawn) if row in line)
            del drawn[: at + 1]
        assert any(re.search(r" \d+ operations in \d+ rows", line) for line in lines)


def test_a_history_has_the_columns_that_fit():
    gm.manual_seed(0)
    model = nn.Linear(3, 2)
    data, optimizer = gm.ones(4, 3), optim.SGD(model.parameters(), lr=0.1)
    with gm.trace() as traced:
        for _ in range(5):
            optimizer.zero_grad()
            loss = (model(data) ** 2).mean()
            loss.backward()
            optimizer.step()
    for columns in (60, 80, 120):
        lines = traced.report.to_text(width=columns, color=False).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith(" sweep "))
        head, first = lines[start].split(), lines[start + 1].split()
        assert len(head) == len(first) > 2 and all(
            re.fullmatch(r"sweep|loss|model\.\w+\[[\d,]+\]", name) for name in head
        )


def test_a_result_without_a_name_does_not_widen_the_table():
    report = gm.trace(lambda x: x**2 + np.sin(x) * np.cos(x) / (1 + x), of="x**2 + np.sin(x)*x**3")(2.0)
    for columns in (60, 80, 120):
        lines = report.to_text(width=columns, color=False).splitlines()
        assert (
            "value  gradient" in " ".join(lines[2].split("  ")).replace(" ", "  ") or "gradient" in lines[2]
        )
        assert re.match(r" x +2 +[\d.]+ ", lines[3]) and max(map(wcswidth, lines)) < columns
