"""Calls, turns and modules: each operation is told to have been made where it was, one within the other."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.cell.helpers import fresh, traced
from tests.draws import draws

OP = "op"


@st.composite
def bodies(draw, functions: int, depth: int = 3, own: bool = True):
    """A body: operations, calls of functions (by number), loops (turns, body). A loop's body has an operation first."""
    found: list[object] = [OP] if own else []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 2 if depth else 0))
        if kind == 0:
            found.append(OP)
        elif kind == 1 and functions:
            found.append(draw(st.integers(0, functions - 1)))
        else:
            found.append((draw(st.integers(1, 3)), draw(bodies(functions, depth - 1 if depth else 0))))
    return found


@st.composite
def programs(draw):
    functions: list[list[object]] = []
    for i in range(draw(st.integers(0, 3))):
        functions.append(draw(bodies(i, 1)))  # a function calls those before it
    return functions, draw(bodies(len(functions), 2, own=False))


def written(body: list[object], margin: str = "") -> list[str]:
    lines = []
    for part in body:
        if part is OP:
            lines.append(f"{margin}y = y * 1.01")
        elif isinstance(part, int):
            lines.append(f"{margin}y = f{part}(y)")
        else:
            turns, inner = part
            lines += [f"{margin}for i in range({turns}):", *written(inner, margin + "    ")]
    return lines


def expected(body: list[object], functions: list[list[object]], path: tuple[object, ...] = ()) -> list[tuple]:
    """Give the path of each operation that the body makes, in their order."""
    found = []
    for part in body:
        if part is OP:
            found.append(path)
        elif isinstance(part, int):
            found += expected(functions[part], functions, (*path, f"f{part}"))
        else:
            turns, inner = part
            for turn in range(turns):
                found += expected(inner, functions, (*path, (turn + 1, turns)) if turns > 1 else path)
    return found


@settings(max_examples=draws(25), deadline=None)
@given(program=programs())
def test_drawn_programs_are_told_as_they_ran(program):
    functions, body = program
    setup = "".join(
        "\n".join([f"def f{i}(y):", *written(each, "    "), "    return y", ""])
        for i, each in enumerate(functions)
    )
    wanted = expected(body, functions)
    if len(wanted) > 300:
        return
    trace = traced("\n".join(["y = x * 1.0", *written(body), "z = y * 2.0"]), fresh(f"{setup}x = 0.5\n"), "x")
    made = [o.key for o in trace.operations if o.rule][1:-1]
    found = [
        tuple(s.name or (s.turn, s.turns) for s in trace.scopes if s.first <= key <= s.last) for key in made
    ]
    assert found == wanted


def paths(cell: str, setup: str = "", names: str = "") -> list[list[str]]:
    trace = traced(cell, fresh(setup), names)
    return [
        [s.name or f"{s.turn}/{s.turns}" for s in trace.scopes if s.first <= o.key <= s.last]
        for o in trace.operations if o.rule
    ]  # fmt: skip


def test_what_makes_several_operations_in_one_expression_makes_no_turns():
    """A layer's operations stand at one place in the source; the loop has another."""
    net = "net = gm.nn.Sequential(gm.nn.Linear(2, 2), gm.nn.Tanh())\nx = gm.ones(1, 2)\n"
    found = paths("h = x\nfor i in range(2):\n    h = net(h)\n    h = h * 2\nz = h.sum()", net)
    assert found[:3] == [["1/2", "net", "net.0"], ["1/2", "net", "net.1"], ["1/2"]]
    assert found[-1] == []


def test_a_list_that_is_made_in_a_loop_has_turns_too():
    setup = "x = 0.5\ndef f(t):\n    u = t * 2\n    return u + 1\n"
    found = paths("ys = [f(x * k) for k in (1.0, 2.0, 3.0)]\nz = ys[0] * ys[1] * ys[2]", setup)
    assert found[:3] == [["1/3"], ["1/3", "f"], ["1/3", "f"]]
    assert found[3:6] == [["2/3"], ["2/3", "f"], ["2/3", "f"]]


def test_a_method_of_a_module_of_the_readers_stands_within_it():
    setup = (
        "class Net(gm.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = gm.nn.Linear(2, 1)\n    def half(self, x):\n        return x / 2 + 1\n"
        "    def forward(self, x):\n        return self.fc(self.half(x))\n"
        "net = Net()\nx = gm.ones(1, 2, requires_grad=True)\n"
    )
    found = paths("z = net(x).sum()\nz.backward()", setup)
    assert found == [["net", "forward", "half"], ["net", "forward", "half"], ["net", "forward", "net.fc"], []]


@pytest.mark.parametrize(("text", "turns"), [
    ("h = gm.zeros(2, 4)\nfor t in range(6):\n    h = cell(x[t], h)\nz = (h**2).sum()", 6),
    ("h = X\nfor m in layers:\n    h = m(h)\nz = (h**2).sum()", 2),
    ("z = 0\nfor t in range(5):\n    z = z + net(x[t]).sum()", 5),
])  # fmt: skip
def test_what_one_module_makes_is_one_turn(text, turns):
    setup = (
        "nn = gm.nn\ncell = nn.GRUCell(3, 4)\nx = gm.randn(6, 2, 3)\nX = gm.randn(2, 3, 4)\n"
        "layers = [nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True) for _ in range(2)]\n"
        "net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4))"
    )
    found = [s for s in traced(text, fresh(setup)).scopes if s.kind == "turn"]
    assert {s.turns for s in found} == {turns} and sorted({s.turn for s in found}) == list(
        range(1, turns + 1)
    )
