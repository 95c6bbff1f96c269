"""A long tape is folded: loops to one body with a count, then lines, then the ends; the rest stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.report.model import Edge, Operation, Place
from gradmagic.report.operations import Columns, Selection
from gradmagic.report.shown.fold import grouped, joined, taken_apart
from gradmagic.report.shown.view import View
from tests.counting import calls
from tests.report import traces


def at(line: int, column: int = 0) -> Place:
    return Place("In [1]", line, line, column, column + 1, f"line {line}")


def tape(spots: list[tuple[int, int]]) -> tuple[Operation, ...]:
    """A chain: one operation for each (line, column), each using the one before, behind one input."""
    steps = [Operation(i, "add", inputs=(Edge(i - 1),), place=at(*spot)) for i, spot in enumerate(spots, 1)]
    return (Operation(0, "", names=("x",)), *steps)


def fold(operations: tuple[Operation, ...], limit: int) -> tuple[Operation, ...]:
    groups = grouped(operations, limit)
    return operations if len(groups) == len(operations) else joined(groups)


def test_what_is_short_stays_as_it_is():
    operations = traces.product().operations
    assert fold(operations, 10) is operations


@pytest.mark.parametrize("limit", [10, 14, 20])
def test_a_folded_stretch_of_unlike_shapes_has_a_page(limit):
    def f(w):
        x = np.full((4, 3), 0.1)
        for _ in range(2):
            r = x[:, None] - x[None]
            x = x + (r / ((r**2).sum(-1) + 1)[..., None]).sum(1) @ w
            x = np.concatenate([x[:1], x[1:]]).T.reshape(4, 3) + x.mean(axis=0)
        return x.sum()

    assert "gm-graph" in gm.trace(f, max_nodes=limit)(np.eye(3) * 0.3).to_html()


def test_a_loop_becomes_its_body():
    folded = fold(tape([(1, 0), *[(2, 0), (3, 0)] * 100, (4, 0)]), 20)
    assert [(o.place.line if o.place else 0, o.count) for o in folded] == [
        (0, 1),
        (1, 1),
        (2, 100),
        (3, 100),
        (4, 1),
    ]


def test_the_way_back_of_a_loop_is_an_edge_from_later():
    folded = fold(tape([*[(2, 0), (3, 0)] * 100]), 20)
    first = next(o for o in folded if o.rule)
    assert {edge.source for edge in first.inputs} == {0, folded[-1].key}


def test_nested_loops_fold_from_the_inside():
    body = [(2, 0)] * 5 + [(3, 0)]
    folded = fold(tape(body * 50), 20)
    assert [(o.place.line, o.count) for o in folded if o.place] == [(2, 250), (3, 50)]


def test_neighbours_of_one_line_are_put_together():
    spots = [(line, column) for line in range(1, 41) for column in range(5)]
    folded = fold(tape(spots), 60)
    assert len(folded) == 41
    assert folded[1].place is not None
    assert folded[1].place.text == "… 5 operations"


def test_at_last_the_first_and_the_last_are_kept():
    folded = fold(tape([(line, 0) for line in range(1, 1001)]), 41)
    assert len(folded) <= 43
    assert folded[1].place.line == 1
    assert folded[-1].place.line == 1000
    assert sum("961 operations" in (o.place.text if o.place else "") for o in folded) == 1


def test_no_edge_leads_nowhere():
    for operations in (traces.chain().operations, tape([(i % 70, i % 3) for i in range(3000)])):
        folded = fold(operations, 30)
        keys = {o.key for o in folded}
        assert all(edge.source in keys for o in folded for edge in o.inputs if edge.source is not None)


def test_inputs_are_never_folded_into_each_other():
    inputs = tuple(Operation(i, "", names=(f"w{i}",)) for i in range(10))
    steps = tuple(Operation(10 + i, "add", inputs=(Edge(i % 10),), place=at(1)) for i in range(500))
    folded = fold(inputs + steps, 20)
    assert [o.names for o in folded if not o.rule] == [(f"w{i}",) for i in range(10)]


def test_a_folded_loop_shows_the_last_numbers_that_were_kept():
    folded = fold(traces.chain().operations, 20)
    assert all(o.value is not None for o in folded)


@pytest.mark.parametrize("unlike", [False, True])
def test_ten_times_as_many_operations_cost_ten_times_as_much_to_fold(unlike):
    def cost(length):
        operations = traces.chain(length).operations
        if unlike:
            operations = tuple(replace(o, place=at(i % 4000, i % 7)) for i, o in enumerate(operations))
        assert len(fold(operations, 130)) <= 170
        return calls(lambda: fold(operations, 130)).total()

    assert cost(10_000) < 11 * cost(1_000)  # 10 to 20 calls an operation


def test_a_loop_of_fifty_turns_is_folded_though_a_hundred_boxes_would_fit():
    loop = tape([(2, 0), (3, 0)] * 50)
    assert [o.count for o in fold(loop, 130)] == [1, 50, 50]
    unlike = tape([(line, 0) for line in range(100)])
    assert fold(unlike, 130) == unlike


def test_calls_of_a_function_are_put_together_before_lines_are():
    def inside(call: int, line: int) -> Place:
        return Place("In [1]", line, line, 0, 1, f"line {line}", False, call, "f")

    steps = [Operation(0, "", names=("x",))]
    for call in range(30):  # each call of other lines, so that no loop is seen
        for line in range(5):
            steps.append(
                Operation(
                    len(steps), "add", inputs=(Edge(len(steps) - 1),), place=inside(call, 10 * call + line)
                )
            )
    folded = fold(tuple(steps), 60)
    assert len(folded) == 31
    assert folded[1].place is not None
    assert folded[1].place.text == "f(…)  … 5 operations"


def test_a_long_tape_is_folded_once_though_it_could_be_unfolded_everywhere(monkeypatch):
    """2,000 lines of two operations each: every line is a fold, and none of them is tried on all of the tape."""
    s = traces.Sketch("\n".join(f"y = np.sin(y) * {i}" for i in range(2000)))
    key = s.input("y", 1.0, 1.0)
    for i in range(2000):
        inner = s.step("sin", "np.sin(y)", 1.0, 1.0, (key, "cos"), line=i + 2)
        key = s.step("multiply", f"np.sin(y) * {i}", 1.0, 1.0, (inner, "2"), name="y", line=i + 2)
    asked = []
    monkeypatch.setattr("gradmagic.report.shown.view.grouped", lambda *a: asked.append(a) or grouped(*a))
    shown = View.of(s.trace("y", 1.0), 60)
    assert len(asked) == 1
    assert [len(more.operations) for more in shown.unfolded(100)] == [len(shown.operations) + 1]
    assert len(shown.unfolded(5000)) > 20
    assert len(asked) == 1


def test_a_loop_taken_apart_has_its_turns_in_order_around_the_rest():
    turn = [Operation(0, "sin"), Operation(0, "cos")]
    steps = [replace(turn[1 - key % 2], key=key) for key in range(1, 21)]
    columns = Columns.of([Operation(0, ""), *steps, Operation(30, "sum")])
    groups = [Selection(columns, at) for at in ([0], range(1, 20, 2), range(2, 21, 2), [21])]
    pieces = taken_apart(groups, {1, 2, 19, 20})
    assert [[o.key for o in piece] for piece in pieces] == [
        [0], [1], [2], [*range(3, 18, 2)], [*range(4, 19, 2)], [19], [20], [30],
    ]  # fmt: skip
