"""`%grad on` and `%grad off`: ordinary cells are traced, and are what they are otherwise."""

import numpy as np

import gradmagic as gm
from gradmagic.report import Report


def reports(run):
    return [shown for shown in run.displayed if "gradient" in shown.data.get("text/plain", "")]


def test_ordinary_cells_are_traced_until_off(run):
    run("%grad on x")
    assert run("y = 2 * x**2 + 2\nz = y.sum()\nz") == 85.0  # Out[n] is the cell's own value
    assert len(reports(run)) == 1 and gm.last().grads["x"].tolist() == (4 * run.names["x"]).tolist()
    text = gm.last().to_text(width=80, color=False)
    assert "  1  y = 2 * x**2 + 2" in text and f"In [{run.shell.execution_count - 1}]" in text
    assert type(run.names["x"]) is np.ndarray and type(run.names["z"]) is np.float64
    run("%grad off")
    run("z = (3 * x).sum()")
    assert not reports(run) and gm.last().grads["x"][0] == -8


def test_cells_that_do_not_use_the_names_are_left_alone(run):
    run("%grad on x")
    for cell in (
        "a = 3.0\nb = a * a",
        "def f(x):\n    return x * x",
        "# nothing",
        "%pwd",
        "import math",
        "x.shape",
    ):
        run(cell)
        assert not reports(run), cell
    assert run("f(3)") == 9


def test_without_names_floats_and_tensors_count(run):
    run("%grad on")
    assert run("w = 2.0\nloss = (w - 3)**2\nloss") == 1.0
    assert gm.last().grads == {"w": -2.0}
    run("t = gm.tensor([1.0, 2.0], requires_grad=True)")
    assert not reports(run)
    run("l = (t**3).sum()")
    assert gm.last().grads["t"].tolist() == [3.0, 12.0]
    run("l.backward()\nt.grad")
    assert run.names["t"].grad.tolist() == [3.0, 12.0]


def test_a_result_of_many_numbers_is_said_in_a_line(run):
    run("%grad on x")
    run("y = x * 2")
    assert run.out.startswith("%grad on: ") and "y.sum()" in run.out and not reports(run)
    assert type(run.names["y"]) is np.ndarray


def test_errors_and_magics_stay_what_they_are(run):
    run("%grad on x")
    text = run.fails("y = x.sum()\n1 / 0")
    assert "ZeroDivisionError" in text and "line 2" in text.replace("----> 2", "line 2")
    text = run.fails("y = x.sum(\nz = 1")
    assert "SyntaxError" in text or "IncompleteInputError" in text  # so Python 3.13 calls it
    assert isinstance(run("%%grad x\nz = (x * 3).sum()"), Report)
    run("%timeit -n1 -r1 x.sum()")
    assert not reports(run)
    run("y = x.sum();")
    assert len(reports(run)) == 1


def test_it_ends_with_the_extension(run):
    run("%grad on x")
    run("%unload_ext gradmagic")
    run("%load_ext gradmagic")
    run("z = x.sum()")
    assert not reports(run)
