"""What a run under the membrane costs, counted: it grows with what the cell does, and with nothing else."""

# ruff: noqa: E501  (a cell on one line of a table)

from __future__ import annotations

import gc
import linecache
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from gradmagic.cell.hosts.host import text_source
from gradmagic.cell.membrane.memory import Block, Seen
from gradmagic.cell.options import Options
from gradmagic.cell.run import Failed, Run
from gradmagic.engine.core import arrays, places
from tests.counting import calls

from ..helpers import fresh, traced

WALKS = ("get_objects", "get_referrers", "get_referents", "collect", "freeze")
SMALL = (
    "y = x * 2\nl = [y, (y, 1)]\nd = {'k': y}\nout = np.zeros(3)\nout[0] = x[0]\nz = y.sum() + float(out[0])"
)


@pytest.fixture(autouse=True)
def _no_devices() -> Iterator[None]:
    """Other tests of this process may have met arrays of a device: then each operation is asked where it lies."""
    before = dict(arrays.KINDS)
    for kind, module in before.items():
        if module not in arrays.HOSTS:
            del arrays.KINDS[kind]
    yield
    arrays.KINDS.update(before)


def only_the_cell(setup: str, names: str, text: str) -> Counter[str]:
    """The calls while the cell itself runs, without compiling, sweeping and telling."""
    linecache.cache["<earlier>"] = (len(setup), None, setup.splitlines(True), "<earlier>")
    namespace = fresh()
    exec(compile(setup, "<earlier>", "exec"), namespace)
    run = Run(text_source(text, "<cell of a test>", "In [1]"), namespace, Options(tuple(names.split())))
    statements, _ = run.prepare()

    def cell() -> None:
        with run.watching():
            exec(statements, namespace)

    try:
        return calls(cell)
    finally:
        run.put_back()
        linecache.cache.pop("<earlier>", None)


@pytest.mark.parametrize("end", ["", "\n1 / 0"], ids=["well", "by an error"])
def test_a_run_looks_at_nothing_of_the_heap(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    seen: list[str] = []
    for name in WALKS:
        monkeypatch.setattr(gc, name, lambda *_, name=name: seen.append(name))
    with pytest.raises(Failed) if end else nullcontext():
        traced(SMALL + end, fresh("x = np.ones(3)"), "x")
    assert seen == []


@pytest.mark.parametrize(
    "beside",
    ["held = [[float(i)] for i in range(100000)]", "held = {i: np.ones(1) for i in range(20000)}",
     "class Node: pass\nheld = Node()\nfor _ in range(20000):\n    n = Node(); n.next, n.x = held, x; held = n"],
    ids=["lists", "arrays", "objects"],
)  # fmt: skip
def test_a_small_cell_costs_the_same_however_much_the_session_holds(beside: str) -> None:
    def cost(setup: str) -> int:
        namespace = fresh(setup)
        traced(SMALL, namespace, "x")
        return calls(lambda: traced(SMALL, namespace, "x")).total()

    assert cost(f"x = np.ones(3)\n{beside}") <= cost("x = np.ones(3)") + 200


# (setup, loop, at most so many calls for each round). One of Python's own for each of them is what a profile counts:
# most are look-ups in dictionaries. The figures are those of November 2026 and a tenth;
# to know the turn of a loop and the call of a function takes some ten of them.
F = "def f(u):\n    return u\n"
ROUNDS = {
    "a product of floats": ("a = 1.0", "y = a\nfor i in range({}):\n    y = y * 1.0\nz = y", 106),
    "a sum of two": ("a = 1.0", "y = a\nfor i in range({}):\n    y = y + a\nz = y", 98),
    "a product of arrays": ("a = np.ones(4)", "y = a\nfor i in range({}):\n    y = y * 1.0\nz = y.sum()", 110),
    "a function of NumPy's": ("a = np.ones(4)", "y = a\nfor i in range({}):\n    y = np.tanh(y)\nz = y.sum()", 140),
    "a method": ("a = np.ones(4)", "for i in range({}):\n    z = a.sum()", 240),
    "an entry": ("a = np.ones(4)", "for i in range({}):\n    z = a[1]", 215),
    "a write": ("a = np.ones(4)", "y = a * 1\nfor i in range({}):\n    y[1] = 2.0\nz = y.sum()", 250),
    "a function of the user's": (f"a = np.ones(4)\n{F}", "for i in range({}):\n    f(a)\nz = a.sum()", 36),
    "floats beside": ("a = 1.0", "k = 0.0\nfor i in range({}):\n    k = k * 0.5 + i\nz = a * 1.0", 58),
    "arrays beside": ("a = 1.0; b = np.ones(3)", "for i in range({}):\n    k = b * 0.5\nz = a * 1.0", 73),
    "calls of C beside": ("a = 1.0", "l = []\nfor i in range({}):\n    l.append(len(l))\nz = a * 1.0", 66),
    "functions of NumPy's beside": ("a = 1.0; b = np.ones(3)", "for i in range({}):\n    k = np.tanh(b)\nz = a * 1.0", 97),
    "functions beside": (f"a = 1.0\n{F}", "for i in range({}):\n    f(1.0)\nz = a * 1.0", 36),
    "tests beside": ("a = 1.0", "for i in range({}):\n    if i < 3: pass\nz = a * 1.0", 21),
    "entries of lists beside": ("a = 1.0; l = [1, 2]", "for i in range({}):\n    l[0] = l[1]\nz = a * 1.0", 45),
}  # fmt: skip


@pytest.mark.parametrize("title", ROUNDS)
def test_an_operation_costs_a_bounded_number_of_calls(title: str) -> None:
    setup, loop, most = ROUNDS[title]
    few, many = (only_the_cell(setup, "a", loop.format(n)).total() for n in (200, 700))
    assert (many - few) / 500 <= most


@pytest.mark.parametrize("title", ["a product of floats", "a write", "an entry", "a product of arrays"])
def test_the_last_of_many_operations_costs_what_the_first_does(title: str) -> None:
    setup, loop, _ = ROUNDS[title]
    few, many = (only_the_cell(setup, "a", loop.format(n)).total() / n for n in (1_000, 8_000))
    assert many <= 1.1 * few


LONG = {
    "sum": "z = sum(l) * a", "an array of it": "z = np.array(l).sum() * a", "copied": "z = list(l)[0] * a",
    "sorted": "z = sorted(l)[0] * a", "the largest": "z = max(l) * a",
}  # fmt: skip


@pytest.mark.parametrize("title", LONG)
def test_a_long_list_of_plain_numbers_is_looked_up_at_once(title: str) -> None:
    few, many = (only_the_cell(f"a = 1.0; l = [1.5] * {n}", "a", LONG[title]).total() for n in (100, 100_000))
    assert many <= few + 100


def test_numbers_that_nobody_has_any_more_are_forgotten() -> None:
    namespace = fresh("a = 1.0")
    run = Run(
        text_source("for i in range(30000):\n    y = a * i\nz = y", "<cell of a test>", "In [1]"),
        namespace,
        Options(("a",)),
    )
    statements, _ = run.prepare()
    with run.watching():
        exec(statements, namespace)
    assert len(run.membrane.table.values) < 10_000
    run.put_back()


def living(*kinds: type) -> int:
    gc.collect()
    return sum(type(o) in kinds for o in gc.get_objects())


def test_arrays_that_nobody_has_any_more_are_forgotten() -> None:
    counts: list[int] = []
    namespace = fresh("x = np.ones(3)") | {"count": lambda: counts.append(living(Seen, Block))}
    cell = "for i in range(3000):\n    y = x * i\n    v = y[1:]\n    w = np.zeros(4)\n    w[1:] = y\n    if i % 1000 == 100: count()\nz = y.sum() + w.sum()"
    traced(cell, namespace, "x")
    assert len(counts) == 3 and counts[2] <= counts[0] + 5
    assert living(Seen, Block) == 0


def test_nothing_of_a_run_is_left_in_memory() -> None:
    def one() -> None:
        traced(SMALL, fresh("x = np.ones(3)\ndef f(u): return u"), "x")

    def sizes() -> Any:
        gc.collect()
        places._drop_dead()  # some thousand of cells are kept otherwise: test_memory_of_code.py
        gc.collect()
        return Counter(f"{type(o).__module__}.{type(o).__name__}" for o in gc.get_objects())

    one(), one()
    before = sizes()
    for _ in range(20):
        one()
    grown = sizes() - before
    assert not {name: n for name, n in grown.items() if name.startswith("gradmagic")}
    assert grown["builtins.function"] < 10 and grown["builtins.dict"] < 10
