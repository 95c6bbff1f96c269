"""What is said on top when a gradient is odd: zero, vanishing, exploding; and silence when all is well."""

import pytest

import gradmagic as gm
from tests.cell.helpers import fresh, traced


def notes(run, cell, line="x"):
    report = run(f"%%grad {line}\n{cell}")
    return [(note.kind, note.text) for note in report._trace.notes if note.kind not in ("dtype", "agrees")]


@pytest.mark.parametrize(
    ("cell", "line", "why"),
    [
        ("h = np.maximum(-x**2 - 1, 0)\nz = (h * 3).sum()", 2, "np.maximum(-x**2 - 1, 0) by -x**2 - 1 is 0"),
        ("y = x * 2\nz = np.clip(y, 10, 20).sum()", 3, "np.clip(y, 10, 20) by"),
        ("z = (x * 0).sum()", 2, "x * 0 by x is 0"),
        ("def f(v):\n    return np.where(v > 9, v, 1.0)\nz = f(x).sum()", 3, "np.where(v > 9, v, 1.0) by"),
    ],
)
def test_a_gradient_of_zeros_says_where_it_became_zero(run, cell, line, why):
    ((kind, text),) = notes(run, cell)
    assert (
        kind == "zero"
        and text.startswith(f"line {line}: the gradient of x is exactly zero: ")
        and why in text
    )


def test_a_gradient_that_cancels_in_a_sum_is_not_called_a_derivative_of_0(run):
    run("errors, b = np.array([0.5, -0.5]), 0.0")
    ((kind, text),) = notes(run, "y = errors + b\nloss = (y**2).sum()", "b")
    assert kind == "zero" and text == (
        "line 2: the gradient of b is exactly zero: what b gets from each entry of errors + b adds up to 0."
    )
    run("errors = np.zeros(2)")
    ((_, text),) = notes(run, "loss = (errors * b).sum()", "b")
    assert "the derivative of errors * b by b is 0 (errors) everywhere" in text


def test_vanishing_and_exploding_say_where_most_of_it_happens(run):
    run("W = np.eye(17) * 0.1")
    ((kind, text),) = notes(run, "h = x\nfor _ in range(12):\n    h = np.tanh(h @ W)\nz = h.sum()")
    assert kind == "vanishes" and "over 25 operations, most at h @ W (times 0.1)" in text and "line 4" in text
    ((kind, text),) = notes(run, "h = x\nfor _ in range(12):\n    h = h * 30\nz = h.sum()")
    assert kind == "explodes" and "most at h * 30 (times 30)" in text


@pytest.mark.parametrize(
    "cell",
    [
        "z = (2 * x**2 + 2).sum()",
        "z = x.mean()",
        "z = (x * 1e9).sum()",  # one operation: no chain that anything vanishes or explodes along
        "h = np.tanh(x)\nfor _ in range(5):\n    h = np.tanh(h)\nz = h.sum()",
        "y = x[3:]\nz = (y**2).sum()",
    ],
)
def test_all_is_well_and_nothing_is_said(run, cell):
    assert notes(run, cell) == []


def test_small_gradients_of_half_precision_are_said(run):
    run("v = np.ones(3, np.float16)")
    ((kind, text),) = notes(run, "z = (v * np.float16(1e-6)).sum()", "v")
    assert kind == "dtype trouble" and "float16" in text and "--dtype float32" in text


def test_a_part_that_is_held_constant_is_not_called_a_slope(run):
    for cell in ("u = t * 2\nw = (u * u.detach()).sum()", "w = (t * gm.stop_gradient(t)).sum()"):
        run("t = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)")
        text = run(f"%%grad\n{cell}").to_text(width=80)
        assert "slope" not in text and "over t" not in text
    assert "slope" in run("%%grad\nw = (t * t).sum()\nw.detach()").to_text(width=80)
    assert "slope" not in run("%%grad x\ny = x * float(x[3])\nw = y.sum()").to_text(width=80)


def test_without_a_sweep_nothing_is_said_of_one(run):
    run("t = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)")
    text = run("%%grad\nu = t.exp()\nm = u * u\nu += 1\nw = m.sum()").to_text(width=80)
    assert (
        "no gradients" in text and "sweep gave" not in text and "dw/dt =" not in text and "slope" not in text
    )


def test_a_failed_cell_shows_its_own_inputs_only(run):
    run("w = gm.tensor([1.0, 2.0], requires_grad=True)")
    run("%%grad x\ny = x * 2\nz = y[99]", fails=True)
    text = run.displayed[0].data["text/plain"]
    assert "y = x * 2" in text and "requires_grad" not in text


def test_a_float_in_parentheses_is_not_taken_for_a_list(run):
    text = " ".join(run("%%grad x\ns = float(str((x * 2).sum()))\nz = s * x.sum()").to_text(width=80).split())
    assert "keep (x*2).sum() as it is" in text and "np.stack" not in text


def test_the_steps_of_a_folded_loop_say_what_is_known_of_it(run):
    run("a = 1.0001; w = np.array([0.1, 0.2])")
    text = " ".join(
        run("%%grad a\nv = a\nfor i in range(1000):\n    v = v * 1.0001").to_text(width=100).split()
    )
    assert "(2) dv/da = 1.0001" in text and "to a: (2) grad*1.0001 = 1.105" in text  # no 1*1 = 1.105
    report = run("%%grad w --steps\nz = 0\nfor i in range(50):\n    z = z + np.tanh(w * i).sum()")
    assert "to w: (1) grad*i = [69.18, 17.25] in all" in " ".join(report.to_text(width=100).split())
    run("x = 1.0")
    cell = "for i in range(60):\n    y = x**2 - 2\n    loss = y**2\n    x = x - 0.04 * x * y"
    text = " ".join(run(f"%%grad x --steps\n{cell}").to_text(width=100).split())
    assert "= 2 (first)" in text and "to x: 1*" not in text


def test_a_traced_block_prefers_a_result_that_is_no_input():
    x = 1.0
    with gm.trace("x") as traced:
        for _ in range(3):
            loss = x * x
            x = x - 0.1 * loss
    assert traced.report._trace.result.name == "loss"


def test_a_write_is_called_a_write_and_says_where_its_gradient_goes(run):
    text = run("%%grad x\nbuf = np.zeros(3)\nbuf[0] = x[0]**2\nbuf[:2] *= 3\ns = buf.sum()").to_text(
        width=110
    )
    assert "write buf[0]" in text and "1 where written" in text and "1 where kept, else 0" in text
    assert "buf = buf[0]" not in text
    assert any(
        row.rstrip().endswith(") 3") or ") 3  " in row for row in text.splitlines() if "buf[:2] *= 3" in row
    )


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("net[0].bias -= 100.0", "relu in net.1 by dense in net.0 is 0"),
        ("net[2].weight *= 0.0", "net(X) by relu in net.1 is 0"),
    ],
)
def test_operations_within_modules_are_told_apart(broken, why):
    setup = (
        "net = gm.nn.Sequential(gm.nn.Linear(2, 4), gm.nn.ReLU(), gm.nn.Linear(4, 1)); X = gm.ones(8, 2)\n"
        f"with gm.no_grad():\n    {broken}"
    )
    trace = traced("l = (net(X)**2).mean()\nl.backward()", fresh(setup))
    (note,) = {n.text for n in trace.notes if "net.0.weight" in n.text}
    assert f"the gradient of net.0.weight is exactly zero: the derivative of {why}" in note


def test_a_bias_before_a_norm_over_the_batch_is_no_vanishing_gradient():
    setup = (
        "nn = gm.nn\ngm.manual_seed(0)\nX = gm.randn(16, 3, 8, 8)\ny = gm.randint(0, 3, (16,))\n"
        "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))"
    )
    trace = traced("l = nn.functional.cross_entropy(net(X), y)\nl.backward()", fresh(setup))
    assert not trace.notes
