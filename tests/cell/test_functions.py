"""Functions that a cell calls: their lines, their own names, the first and the last call, and how many there were."""

import numpy as np
import pytest

NESTED = """
class Layer:
    def __call__(self, t):
        if True:
            勾配 = (
                t
                * 2
            )
        a = b = 勾配 + 1
        c, d = a * 2, a * 3
        return c + d
layer = Layer()
mul = lambda t: t * 5
p = 2.0
"""
ACT = "def act(v, k):\n    u = v * k\n    return np.tanh(u)\n"


def test_a_function_called_many_times_shows_its_first_and_last_call_and_the_count(run):
    run(f"{ACT}p = 2.0\nq = 1.0")
    text = run("%%grad p q\ns = act(p, q)\nfor i in range(5):\n    s = act(s, p) + q\ns").to_text(
        100, False, False
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    at = lines.index("2 u = v * k 3.999 ×6 0.001345")
    assert lines[at + 1].startswith("at turn 1 of 5 1.928")
    assert lines[at + 2].startswith("3 return np.tanh(u) 0.9993 ×6")
    assert lines[at + 3].startswith("at turn 1 of 5 0.9586")


def test_a_function_of_the_same_cell_does_too(run):
    report = run(f"%%grad p\np = 2.0\n{ACT}s = act(act(p, 0.5), 0.25)")
    text = " ".join(report.to_text(100, False, False).split())
    assert "u = v * k 0.1904 ×2" in text and "at call 1 of 2 1 " in text
    assert "at call 1 of 2" in report.to_html()


def test_what_a_function_calls_its_values_is_their_name_where_the_cell_has_none(run):
    run(f"{ACT}p = 2.0")
    report = run("%%grad p\ns = act(p, 3.0)")
    assert [operation.names for operation in report._trace.operations] == [("p",), ("u",), ("s",)]
    assert report.explain("p").lines[0] == "ds/dp = (1 - s*s)*k"


def test_names_in_nested_indented_and_several_line_functions(run):
    run(NESTED)
    report = run("%%grad p\ns = mul(layer(p))")
    named = {op.rule: op.names for op in report._trace.operations}
    assert [op.names for op in report._trace.operations if op.names] == [("p",), ("勾配",), ("s",)]
    assert named["multiply"] == ("s",)


def test_a_line_that_ran_once_has_no_first_call(run):
    run(f"{ACT}p = 2.0")
    assert "at the first call" not in run("%%grad p\ns = act(p, 3.0)").to_text(100, False, False)


def test_the_way_of_one_parameter_on_the_curve_of_the_loss(run):
    report = run(
        "%%grad\nw = gm.tensor(1.0, requires_grad=True)\nfor i in range(10):\n    loss = (w**2 - 2)**2\n"
        "    w.grad = None\n    loss.backward()\n    with gm.no_grad():\n        w -= 0.02 * w.grad"
    )
    assert 'alt="the way of w on the curve of loss"' in report.to_html()
    two = run(
        "%%grad\nv = gm.tensor(1.0, requires_grad=True)\nw = gm.tensor(1.0, requires_grad=True)\n"
        "for i in range(10):\n    loss = (w * v)**2\n    loss.backward()"
    )
    assert "the way of" not in two.to_html()


@pytest.mark.parametrize("value", ["2.0", "np.float64(2)", "np.array(2.0)", "np.array([2.0])"])
def test_a_function_that_differences_are_taken_of_is_a_step_of_the_cell(run, value):
    report = run(f"%%grad a\na = {value}\nf = gm.numeric(lambda v: v * v)\ny = np.sum(f(a))")
    assert np.allclose(report.grads["a"], 4.0)
    assert report.to_text() and report.to_html()


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        (
            "p",
            "z = (p['W'] * p[\"b\"] * p['n']).sum()",
            "p['b'] is a number, and is followed only by its own name",
        ),
        (
            "q",
            "z = q[0].sum() * q[1] + q[2]",
            "q[1], q[2] are numbers, and are followed only by their own names",
        ),
        ("p p['b']", "z = (p['W'] * p['b']).sum()", ""),
        ("p", "z = p['W'].sum()", ""),
    ],
)
def test_a_number_beside_arrays_in_a_container_is_not_left_out_in_silence(run, line, cell, said):
    run("p = {'W': np.ones(2), 'b': 2.5, 'n': 3, 'rate': 0.1}; q = [np.ones(2), 1.5, 0.5]")
    told = [note.text for note in run(f"%%grad {line}\n{cell}")._trace.notes if note.kind == "number"]
    assert [text.startswith(said) for text in told] == [True] * bool(said)
