"""The walk forward as texts: what the page's script is given of the walks in a trace."""

import numpy as np

import gradmagic as gm
from gradmagic.report.parts.forward_walk import Step, ways_from
from gradmagic.report.shown.view import View


def ways(f, *arguments, limit=60):
    trace = gm.trace(f)(*arguments)._trace
    view = View.of(trace, limit)
    return {entry.name: list(ways_from(view, entry)) for entry in trace.inputs}, view


def test_numbers_are_pushed_edge_by_edge():
    found, view = ways(lambda a, b: (a + b) * (b + 1), 2.0, 1.0)
    ((way,),) = [found["b"]]
    c, d, e = (operation.key for operation in view.computed)
    b = view.trace.inputs[1].key
    assert way.entry == ""
    assert way.steps == (
        Step(c, "1", ((2, b, ""),)),
        Step(d, "1", ((3, b, ""),)),
        Step(e, "5", ((4, c, "2"), (5, d, "3"))),
    )


def test_a_matrix_is_walked_from_one_entry_and_constants_need_no_numbers():
    X = np.array([[1.0, 2.0], [3.0, 5.0]])
    found, _ = ways(lambda W: (X @ W).sum(), np.ones((2, 2)))
    first = found["W"][0]
    assert (first.entry, [step.tangent for step in first.steps]) == ("[1,0]", ["[[2, 0], [5, 0]]", "7"])
    assert [way.entry for way in found["W"]] == ["[1,0]", "[0,0]", "[0,1]", "[1,1]"]


def test_what_is_folded_away_is_left_out():
    def f(a):
        for _ in range(40):
            a = np.sin(a) + 0.1
        return a

    found, view = ways(f, 0.5, limit=12)
    keys = {operation.key for operation in view.operations}
    assert found["a"][0].steps and all(step.key in keys for step in found["a"][0].steps)
