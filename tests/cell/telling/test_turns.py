"""Every turn of a loop and every call of a function: its values, its gradients, and which turn it is."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from gradmagic.cell.run import Failed
from gradmagic.cell.telling import readings
from tests.cell.helpers import fresh, traced


def told(trace) -> dict:
    """What the trace tells: by line and path of (line of the loop, turn, of how many), value and gradient."""
    turns, found = trace.turns, {}
    for one in turns.series if turns is not None else ():
        for moment, value, grad in zip(one.moments, one.values, one.grads, strict=True):
            around = [turns.moments[m] for m in turns.within(moment)]
            path = tuple((turns.scopes[m.scope].line, m.turn, m.of) for m in around)
            found[one.place.line, one.place.text, path] = value.items, None if grad is None else grad.items
    return found


# ---- drawn programs --------------------------------------------------------------------------------------------------


class Program:
    """A text, and the same with counters written out: what each line gives at each turn, and what if it gave more."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.counted: list[str] = []
        self.loops = 0

    def add(self, depth: int, plain: str, counted: str | None = None) -> int:
        """Write a line of both; its number, as the reader counts from 2."""
        self.lines.append("    " * depth + plain)
        self.counted.append("    " * depth + (plain if counted is None else counted))
        return len(self.lines)

    def assign(self, depth: int, expression: str, before: str = "h = ") -> None:
        line = len(self.lines) + 1
        self.add(depth, before + expression, f"{before}told({line}, {expression})")


@st.composite
def programs(draw) -> Program:
    made = Program()
    recursive = draw(st.booleans())
    line = made.add(0, "def f(h, n):")
    made.counted.append(f"    enter({line})")
    made.counted.append("    try:")
    made.assign(1, "np.sin(h*w)")
    made.counted[-1] = "    " + made.counted[-1]
    if recursive:
        made.add(1, "if n > 1:", "    if n > 1:")
        made.assign(2, "f(h, n - 1) + 0.3")
        made.counted[-1] = "    " + made.counted[-1]
    made.add(1, "return h", "    return h")
    made.counted.append("    finally: leave()")
    made.add(0, "h = w*1.0")
    block(draw, made, 0, 3)
    made.add(0, "z = h*1.5")
    return made


def block(draw, made: Program, depth: int, room: int) -> None:
    """Draw some statements, the first of which gives a value."""
    made.assign(depth, draw(st.sampled_from(("np.tanh(h + 0.2)", "h*0.9 + w", "np.cos(h)*w"))))
    for kind in draw(st.lists(st.sampled_from("for while comp call call2".split()), max_size=2)):
        if kind in ("for", "while") and room:
            made.loops += 1
            i, n = f"i{made.loops}", draw(st.integers(2, 3))
            if kind == "for":
                line = made.add(depth, f"for {i} in range({n}):")
                made.counted.insert(-1, "    " * depth + f"begin({line})")
                made.counted.append("    " * (depth + 1) + f"turn({line})")
            else:
                made.add(depth, f"{i} = 0")
                line = made.add(depth, f"while {i} < {n}:")
                made.counted.insert(-1, "    " * depth + f"begin({line})")
                made.counted.append("    " * (depth + 1) + f"turn({line})")
                made.add(depth + 1, f"{i} = {i} + 1")
            block(draw, made, depth + 1, room - 1)
            way = draw(st.sampled_from(("", "continue", "break")))
            if way:
                made.add(depth + 1, f"if {i} % 2 == {int(kind == 'for')}: {way}")  # two turns at least
                made.assign(depth + 1, "h*1.1")
            made.counted.append("    " * depth + f"end({line})")
        elif kind == "call":
            made.assign(depth, "f(h, 2)*0.7")
        elif kind == "call2":
            made.assign(depth, "f(h, 1) - f(h*0.5, 2)")
        elif kind == "comp":
            n = draw(st.integers(2, 3))
            line = len(made.lines) + 1
            made.add(
                depth, f"h = sum([np.sin(h*k) for k in range(1, {n + 1})])",
                f"begin({line}); h = sum([(turn({line}), told({line}, np.sin(h*k)))[1] for k in range(1, {n + 1})]); "
                f"end({line})",
            )  # fmt: skip


def by_hand(program: Program, w: float, more: int = -1, eps: float = 0.0) -> tuple[dict, float]:
    """Run the text with counters; `eps` is added to the value that was told as number `more`."""
    path: list[list] = []  # [line, turn, counter that the run shares]
    calls: dict = defaultdict(lambda: [0])
    found: dict = {}
    count = iter(range(10**6))

    def begin(line):
        path.append([line, 0, [0]])

    def turn(line):
        while path[-1][0] != line:
            path.pop()
        path[-1][2][0] += 1
        path[-1][1] = path[-1][2][0]

    def end(line):
        turn(line)
        path[-1][2][0] -= 1
        path.pop()

    stack = []

    def enter(line):
        around = list(path)
        stack.append(around)
        first = next((i for i, each in enumerate(around) if each[0] == line), len(around))
        mark = (line, *((a, b) for a, b, _ in around[:first]))
        calls[mark][0] += 1
        path[:] = [[a, b, c] for a, b, c in around[:first]] + [[line, calls[mark][0], calls[mark]]]

    def leave():
        path[:] = stack.pop()

    def told(line, value):
        i = next(count)
        value = value + (eps if i == more else 0.0)
        found[i] = line, tuple((a, b, c) for a, b, c in path), value
        return value

    names = {
        "np": np,
        "w": w,
        "begin": begin,
        "turn": turn,
        "end": end,
        "enter": enter,
        "leave": leave,
        "told": told,
    }
    exec("\n".join(program.counted), names)
    # Of how many is known at the end; loops that never had two turns are left out.
    several = {line for _, path, _ in found.values() for line, _, c in path if c[0] > 1}
    return {
        i: (line, tuple((a, b, c[0]) for a, b, c in path if a in several), value)
        for i, (line, path, value) in found.items()
    }, names["z"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.floats(0.3, 0.9))
def test_values_and_gradients_at_each_turn_are_those_of_a_run_by_hand(program, w):
    note("\n".join(program.lines))
    trace = traced("\n".join(program.lines), fresh(f"w = {w}"), "w")
    expected, z = by_hand(program, w)
    assert trace.result.value.items == pytest.approx(z)
    texts = {
        i: "np.sin(h*k)" if "for k in" in line else line.split(" = ", 1)[-1].strip()
        for i, line in enumerate(program.lines, 1)
    }
    found = told(trace)
    seen = set()
    for i, (line, path, value) in expected.items():
        if not path:
            continue
        given, grad = found[line, texts[line], path]
        assert given == pytest.approx(value), (line, path)
        step = 1e-6
        up, down = (by_hand(program, w, i, eps)[1] for eps in (step, -step))
        assert grad == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-7), (line, path)
        seen.add((line, texts[line], path))
    assert {mark for mark in found if mark[1] == texts[mark[0]]} == seen


# ---- training loops --------------------------------------------------------------------------------------------------


def test_a_loop_around_backward_keeps_each_sweep():
    text = """w = gm.tensor(1.0, requires_grad=True, dtype=gm.float64)
for k in range(5):
    loss = (w*3 - k)**2
    if k < 2:
        loss = loss + w
    loss.backward()
    with gm.no_grad():
        w -= 0.01*w.grad
    w.grad = None"""
    found = told(traced(text, fresh()))
    w = 1.0
    for k in range(5):
        at = ((2, k + 1, 5),)
        slope = 2 * (w * 3 - k) * 3 + (k < 2)
        assert found[1, "gm.tensor(1.0, requires_grad=True, dtype=gm.float64)", at] == pytest.approx(
            (w, slope)
        )
        assert found[3, "(w*3 - k)**2", at] == pytest.approx(((w * 3 - k) ** 2, 1))
        assert found[3, "w*3 - k", at] == pytest.approx((w * 3 - k, 2 * (w * 3 - k)))
        assert ((5, "loss + w", at) in found) == (k < 2)
        w -= 0.01 * slope


def test_gradients_of_another_result_say_of_which():
    text = """w = gm.tensor(1.0, requires_grad=True)
for k in range(4):
    a = w*k
    if k % 2:
        first = a*2
        first.backward()
    else:
        second = a*5
        second.backward()
    w.grad = None"""
    (one,) = [s for s in traced(text, fresh()).turns.series if s.place.text == "w*k"]
    assert one.results == ("second", "", "second", "")
    assert [grad.items for grad in one.grads] == [5, 2, 5, 2]


def test_gradients_of_a_function_within_are_not_those_of_the_loop():
    text = """h = w
for k in range(3):
    h = np.sin(h*w)
    gm.grad(lambda u: u*u*7)(2.0)
z = h*1.0"""
    found = told(traced(text, fresh("w = 0.5"), "w"))
    assert found[3, "np.sin(h*w)", ((2, 3, 3),)][1] == 1


def test_what_a_loop_goes_over_and_its_test_belong_to_the_turn_that_they_begin():
    text = """s = 0.0
for a in x:
    s = s + a*a
while (e := s*0.5) > 3:
    s = e*0.9
z = s + e"""
    found = told(traced(text, fresh("x = np.array([1.0, 2.0, 3.0])"), "x"))
    entries = {path: value for (line, _, path), (value, _) in found.items() if line == 2}
    assert entries == {((2, k, 3),): k for k in (1.0, 2.0, 3.0)}
    tests = {path[0][1]: value for (line, text, path), (value, _) in found.items() if text == "s*0.5"}
    assert tests == pytest.approx({1: 7.0, 2: 3.15})


# ---- how much is kept ------------------------------------------------------------------------------------------------


def test_of_many_turns_the_first_the_last_and_evenly_spaced_ones_are_kept():
    text = "h = w\nfor i in range(3000):\n    h = np.sin(h*w)\nz = h*1.0"
    turns = traced(text, fresh("w = 1.1"), "w").turns
    kept = [moment.turn for moment in turns.moments]
    apart = set(np.diff(kept[:-1]))
    assert kept[0] == 1 and kept[-1] == 3000 and len(apart) == 1 and 200 < len(kept) < 2000


def test_of_nested_loops_the_first_and_last_turns_of_the_inner_one_are_kept():
    text = "h = w\nfor i in range(60):\n    for j in range(70):\n        h = np.sin(h*w)\nz = h*1.0"
    turns = traced(text, fresh("w = 1.1"), "w").turns
    outer = [m for m in turns.moments if m.within is None]
    assert outer[0].turn == 1 and outer[-1].turn == 60 and len(outer) > 7
    for i, moment in enumerate(turns.moments):
        if moment.within is None:
            inner = [m.turn for m in turns.moments if m.within == i]
            assert inner[0] == 1 and inner[-1] == 70 and len(inner) > 7


@pytest.mark.parametrize("size", [3, 1_000])
def test_the_turns_keep_no_array_alive_and_little_else(size, monkeypatch):
    monkeypatch.setattr(readings, "ROOM", 30_000)
    text = "h = x\nfor i in range(100):\n    h = np.sin(h)\nz = h.sum()"
    turns = traced(text, fresh(f"x = np.linspace(0, 1, {size})"), "x").turns
    (one,) = turns.series
    assert 5 < len(one.moments) < 100
    assert all(value.picture == () and (value.items is None) == (size > 100) for value in one.values)


def test_calls_in_a_loop_of_one_turn_and_beside_it_are_counted_on():
    text = "def f(u):\n    return u*2\nh = f(w)\nfor i in range(1):\n    h = f(h)\nz = f(h)"
    found = told(traced(text, fresh("w = 0.5"), "w"))
    assert {path: value for (line, _, path), (value, _) in found.items() if line == 2} == {
        ((1, 1, 3),): 1.0, ((1, 2, 3),): 2.0, ((1, 3, 3),): 4.0,
    }  # fmt: skip


def test_what_runs_once_has_no_turns():
    text = "def f(u):\n    return u*2\nfor i in range(1):\n    y = f(w)\nz = y*[k for k in (2,)][0]"
    assert traced(text, fresh("w = 0.5"), "w").turns is None


@pytest.mark.parametrize(
    "text",
    [
        'def f(u):\n    "doc"\n    return u*2\nd = f.__doc__\nz = f(w)*f(w)',
        "def g():\n    for k in (1, 2):\n        yield w*k\nz = sum(g()) + sum(a for a in g())",
        "it = iter([1, 2, 3])\nfor a in it:\n    b = w*a\n    next(it, None)\nleft = list(it)\nz = b*w",
        "z = w\nfor a in [1, 2]:\n    z = z*w\nelse:\n    z = z + 1\nwhile z > 9: z = z*0.5\nelse: z = z*2",
        "m = {k: w*k for k in (1, 2)}\ns = {k for k in 'ab'}\nz = m[1] + m[2] + sum(x*w for x in [y for y in (1, 2)])",
        "f = lambda u: u*w if u else w\nz = f(0) + f(1)",
    ],
)
def test_hooks_of_turns_change_nothing(text):
    plain, lifted = fresh("w = 0.5"), fresh("w = 0.5")
    exec(text, plain)
    traced(text, lifted, "w")
    for name in "z b d left s".split():
        assert lifted.get(name) == plain.get(name), name


def test_a_comprehension_over_nothing_that_can_be_gone_through_fails_as_ever():
    with pytest.raises(Failed, match=r"^TypeError: 'int' object is not iterable$"):
        traced("z = w*2\ny = [a for a in 5]", fresh("w = 0.5"), "w")
