"""What watching costs, counted: work and memory grow by little an operation; one is made when it is shown."""

from __future__ import annotations

import gc
import pickle
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.run import Failed
from gradmagic.engine.tape.nodes import Node
from gradmagic.report.files.json import from_json, to_json
from gradmagic.report.model import Operation
from gradmagic.report.operations import Recorded
from tests.cell.helpers import fresh, traced
from tests.counting import calls

LOOP = "y = x\nfor _ in range({}):\n    y = np.tanh(y * 0.999)\nz = y.sum()"


def trace_of(length: int) -> Any:
    return traced(LOOP.format(length // 2), fresh("x = np.full(4, 0.5)"), "x")


def test_an_operation_more_costs_a_few_dozen_calls():
    def cost(length: int) -> int:
        trace_of(length)
        return calls(lambda: trace_of(length)).total()

    # With everything summarised it was 165 without the hooks, which take some 55 themselves; to know the turn takes 14.
    assert (cost(12_000) - cost(2_000)) / 10_000 < 155


def test_of_a_long_loop_a_trace_keeps_its_kinds_and_the_numbers_that_may_be_shown():
    trace = trace_of(20_000)
    operations = trace.operations
    assert isinstance(operations, Recorded) and len(operations) == trace.total + 1 == 20_002
    assert len(operations.columns.kinds) <= 6
    assert len(operations.kept.values) < 1_050 and len(operations.kept.flows) < 520


def test_a_report_holds_no_graph():
    x = np.full(4, 0.5)
    report = gm.trace(lambda v: np.sum(np.tanh(v * 3) @ np.ones((4, 4))))(x)
    str(report), report.to_html()
    seen, found = {id(report)}, [report]
    while found:
        for held in gc.get_referents(found.pop()):
            if id(held) in seen or isinstance(held, (type, type(gc))) or callable(held):
                continue
            assert not isinstance(held, Node)
            seen.add(id(held))
            found.append(held)


def test_an_operation_is_the_same_however_it_is_asked_for():
    trace = trace_of(1_200)
    operations = trace.operations
    listed = tuple(operations)
    assert all(isinstance(o, Operation) and o.key == i for i, o in enumerate(listed))
    assert operations[7] == listed[7] and operations[-1] == listed[-1] and operations[2:5] == listed[2:5]
    assert operations == listed and listed == operations and operations != listed[1:]
    with pytest.raises(IndexError):
        operations[len(listed)]


def test_a_trace_goes_through_json_and_pickle_as_it_is():
    trace = trace_of(1_200)
    assert from_json(to_json(trace)).operations == trace.operations
    assert pickle.loads(pickle.dumps(trace)) == trace


def test_formulas_and_names_stand_where_they_are_asked_for():
    trace = traced("a = 2.0\nb = a * 3\nz = b * a", fresh(), "a")
    assert [edge.formula for edge in trace.operations[-1].inputs] == ["a", "b"]
    assert [edge.constant for edge in trace.operations[1].inputs if edge.source is None] == ["3"]


def test_the_first_infinity_is_found_in_the_middle_of_a_long_loop():
    cell = (
        "y = x\nfor k in range(2000):\n    y = np.exp(y) if k == 1000 else y * 1.0\n"
        "w = y\nfor k in range(700):\n    w = np.tanh(w) * y\nz = w.sum()"
    )
    trace = traced(cell, fresh("x = np.array([800.0])"), "x")
    (note,) = [note.text for note in trace.notes if note.kind == "nan"]
    assert note.startswith("line 3: y makes an infinity, the first in the cell.")


def test_the_last_turns_of_each_of_several_long_loops_have_their_values():
    cell = (
        "y = x\nfor k in range(600):\n    y = np.sin(y)\nfor k in range(600):\n    y = np.cos(y)\nz = y.sum()"
    )
    operations = traced(cell, fresh("x = np.full(4, 0.5)"), "x").operations
    ends = [i for i in range(597, 604) if operations[i].value is None]
    assert not ends, "around the end of the first loop, and the beginning of the second"


@pytest.mark.parametrize("last", ["1/0", "z @ np.ones(7)"])
def test_a_failing_cell_shows_what_it_took_from_earlier_cells(last):
    names = fresh()
    names["t"] = t = gm.tensor([1.0, 2.0], requires_grad=True)
    names["w"] = t * 2
    with pytest.raises(Failed) as failed:
        traced(f"z = (w * 3).sum()\n{last}", names, "")
    assert failed.value.__cause__ is not None and not isinstance(failed.value.__cause__, KeyError)
    assert [o.rule for o in failed.value.trace.operations] == ["", "multiply", "multiply", "sum"]


@pytest.mark.parametrize(
    "text",
    [
        "l = sum(w * w for w in ts)",
        "l = sum(w * w * 0 for w in ts)",
        "l = 1e-3\nfor w in ts:\n    l = l * w * 0.1",
        "for k in range(2):\n    l = sum(w * w for w in ts)\n    l.backward()",
    ],
)
def test_ten_times_as_many_inputs_cost_ten_times_as_much(text):
    def cost(count: int) -> int:
        names = fresh() | {f"w{i}": gm.tensor(1.0 + i % 3, requires_grad=True) for i in range(count)}
        cell = text.replace("ts", f"[{', '.join(f'w{i}' for i in range(count))}]")
        traced(cell, dict(names), "")
        return calls(lambda: str(gm.Report(traced(cell, dict(names), "")))).total()

    assert cost(500) < 12 * cost(50)
