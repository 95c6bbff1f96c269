"""What is often forgotten in a loop that learns is said with name, line and cure; a loop that is well has no word."""

# ruff: noqa: E501  (a cell on one line of a table)

import pytest

import gradmagic as gm

W = "w = gm.tensor(1.0, requires_grad=True); b = gm.tensor(0.5, requires_grad=True); u = 2.0; y = 4.0"
OPT = f"{W}; opt = gm.optim.SGD([w, b], lr=0.01)"
NET = (
    "gm.manual_seed(0) if hasattr(gm, 'manual_seed') else None\n"
    "net = gm.nn.Sequential(gm.nn.Linear(2, 8), gm.nn.Tanh(), gm.nn.Linear(8, 1))\n"
    "X = gm.tensor(np.random.default_rng(0).normal(size=(32, 2)))\nY = X.sum(1, keepdim=True)\n"
)


def told(run, *cells):
    """The notes of the last of some cells: (kind, text)."""
    for cell in cells[:-1]:
        run(cell)
    report = run(cells[-1])
    return [(note.kind, note.text, note.line) for note in report._trace.notes]


def loop(step: str, turns: int = 5, loss: str = "(w*u + b - y)**2", before: str = "") -> str:
    lines = [before, f"l = {loss}", "l.backward()", *step.split("\n")]
    return f"%%grad\nfor i in range({turns}):\n" + "\n".join(f"    {line}" for line in lines if line)


BY_HAND = "with gm.no_grad():\n    w -= 0.01*w.grad\n    b -= 0.01*b.grad"


# -- gradients that are still held ---------------------------------------------------------------------------------
def test_a_grad_of_an_earlier_cell_is_told_with_the_sum(run):
    cell = "%%grad\nl = (w*u - y)**2\nl.backward()"
    ((kind, text, line),) = told(run, W, cell, cell)
    assert (kind, line) == ("grad kept", 3)
    assert (
        "what w.grad still held from an earlier sweep, -8 + -8 = -16: write w.grad = None before it" in text
    )
    assert float(run.names["w"].grad) == -16
    run(cell.replace("%%grad", "%%grad --quiz"))
    assert "from an earlier sweep: write" in " ".join(gm.last().to_text().split())  # and not what was added


@pytest.mark.parametrize(
    ("setup", "step", "cure"),
    [
        (W, BY_HAND, "write w.grad = None and b.grad = None before each"),
        (OPT, "opt.step()", "write opt.zero_grad() before each"),
        (f"{W}; opt = gm.optim.Adam([w, b], lr=0.01)", "opt.step()", "write opt.zero_grad() before each"),
    ],
)
@pytest.mark.parametrize("turns", [2, 5])
def test_a_forgotten_zero_grad_is_told(run, setup, step, cure, turns):
    ((kind, text, line),) = told(run, setup, loop(step, turns))
    assert (kind, line) == ("grad kept", 4)
    assert "w.grad and b.grad, which still held gradients from before the last step" in text and cure in text


def test_a_sum_over_sweeps_is_a_remark_and_no_alarm(run):
    cells = "%%grad\nfor i in range(4):\n    l = (w*u - y)**2/4\n    l.backward()"
    ((kind, text, _),) = told(run, W, cells)
    assert (
        kind == "sum" and text == "w.grad is the sum over 4 sweeps; the gradients here are the last sweep's."
    )
    assert "no notes" in gm.last().to_text() and text[:30] in gm.last().to_text()


def test_gradients_of_the_report_stay_when_grad_is_set_to_zero(run):
    told(
        run,
        "t = gm.tensor([1.0, 2.0], requires_grad=True)",
        "%%grad\nl = (t**2).sum()\nl.backward()\nt.grad.zero_();\nl",
    )
    assert gm.last().grads["t"].tolist() == [2.0, 4.0]


# -- steps ---------------------------------------------------------------------------------------------------------
def test_a_learning_rate_at_which_the_loss_grows_is_told(run):
    ((kind, text, line),) = told(
        run, f"{W}; opt = gm.optim.SGD([w, b], lr=0.5)", loop("opt.step()", 8, before="opt.zero_grad()")
    )
    assert (kind, line) == ("grows", 4)
    assert text.startswith("l grows from ") and "Take smaller steps" in text


def test_a_loss_that_leaves_the_numbers_there_are_is_told_as_well(run):
    notes = told(
        run, f"{W}; opt = gm.optim.SGD([w, b], lr=5.0)", loop("opt.step()", 40, before="opt.zero_grad()")
    )
    assert "grows" in [kind for kind, *_ in notes]


def test_a_parameter_that_no_step_changes_is_told(run):
    ((kind, text, _),) = told(
        run,
        f"{W}; opt = gm.optim.SGD([w], lr=0.01)",
        loop("opt.step()\nb.grad = None", before="opt.zero_grad()"),
    )
    assert (kind, text) == ("unchanged", "b has a gradient and no step changes it, as w is changed.")


def test_an_update_outside_no_grad_names_line_and_cure(run):
    run(W)
    seen = run.fails(loop("w -= 0.01*w.grad"))
    assert "'w', line 5 of In [3]. Write `with gm.no_grad():` around" in " ".join(seen.split())


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("w = w - 0.01*w.grad", "line 5: w.grad is None: w is the result of an operation in line 5"),
        (
            "with gm.no_grad():\n    w = w - 0.01*w.grad",
            "line 6: w.grad is None: w = ... under no_grad makes a new tensor",
        ),
        (
            "with gm.no_grad():\n    c -= 0.01*c.grad",
            "line 6: c.grad is None: the result does not depend on c.",
        ),
        ("with gm.no_grad():\n    p -= 0.01*p.grad", "line 6: p.grad is None: p does not require grad."),
    ],
)
def test_a_grad_that_is_none_says_why(run, step, why):
    run(f"{W}; c = gm.tensor(1.0, requires_grad=True); p = gm.tensor(1.0)")
    run.fails(loop(step))
    assert why in " ".join(run.displayed[0].data["text/plain"].split())


# -- parameters that are not reached -------------------------------------------------------------------------------
def test_a_parameter_of_the_optimizer_that_the_loss_does_not_depend_on(run):
    ((kind, text, _),) = told(run, OPT, loop("opt.step()", loss="(w*u - y)**2", before="opt.zero_grad()"))
    assert kind == "not reached"
    assert text == "l does not depend on b: no gradient goes there, though opt is to change it."


def test_a_parameter_of_the_module_that_the_loss_does_not_depend_on(run):
    class_ = (
        "class M(gm.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a, self.c = gm.nn.Linear(2, 1), gm.nn.Linear(2, 1)\n    def forward(self, v): return self.a(v)\nm = M()"
    )
    ((kind, text, _),) = told(run, class_, "%%grad\nl = m(gm.tensor([[1.0, 2.0]])).sum()\nl.backward()")
    assert kind == "unused" and text.startswith("l does not depend on m.c.weight and m.c.bias")
    assert "no notes" in gm.last().to_text()  # who looks at a part may mean to; who trains it does not
    trained = loop("opt.step()", loss="m(gm.tensor([[1.0, 2.0]])).sum()**2", before="opt.zero_grad()")
    ((kind, text, _),) = told(run, "opt = gm.optim.SGD(m.parameters(), lr=0.01)", trained)
    assert kind == "not reached" and "though opt is to change them" in text


def test_an_optimizer_of_a_tensor_that_has_no_name_any_more(run):
    again = "w = gm.tensor(2.0, requires_grad=True)"
    notes = told(
        run, f"{W}; opt = gm.optim.SGD([w], lr=0.01)", again, loop("opt.step()", before="opt.zero_grad()")
    )
    (text,) = [text for kind, text, _ in notes if kind == "not reached"]
    assert "a tensor of opt" in text and "make opt anew after that" in text


# -- flat functions ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("f", ["np.tanh(k)", "1/(1 + np.exp(-k))", "np.tanh(k) * 2"])
def test_saturation_is_told_with_the_line(run, f):
    notes = told(run, "v = np.array([9.0, -9.0, 9.5])", f"%%grad v\nk = 3*v\ns = {f}\nl = (s - v).sum()")
    ((_, text, line),) = [n for n in notes if n[0] == "flat"]
    assert line == 3 and "is saturated: at 3 of 3 entries its derivative is below 1e-06" in text


def test_dead_relus_are_told_of_a_layer_and_of_units(run):
    data = (
        "A = np.abs(np.random.default_rng(0).normal(size=(32, 4))); V = -np.ones((4, 6)); q = np.ones((6, 1))"
    )
    layer = "%%grad V\nh = np.maximum(A @ V, 0)\nl = (h @ q).sum() + (V*V).sum()"
    ((kind, text, line),) = told(run, data, layer)
    assert (kind, line) == ("flat", 2) and "is 0 at all 192 entries, and no gradient passes" in text
    ((kind, text, line),) = told(run, "V[:, :2] = 1", layer)
    assert (kind, line) == (
        "flat",
        2,
    ) and "4 of 6 units of np.maximum(A @ V, 0) are 0 for every sample" in text


# -- silence -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        (OPT, loop("opt.step()", before="opt.zero_grad()")),
        (OPT, loop("opt.step()\nopt.zero_grad()")),
        (f"{W}; opt = gm.optim.Adam([w, b], lr=0.1)", loop("opt.step()", 30, before="opt.zero_grad()")),
        (W, loop(BY_HAND + "\nw.grad.zero_(); b.grad.zero_()")),
        (W, loop(BY_HAND + "\nw.grad = b.grad = None")),
        # micro-batches: sums on purpose, set back after the step
        (OPT, "%%grad\nfor i in range(3):\n    for k in range(4):\n        l = (w*u + b - y - k)**2/4\n        l.backward()\n    opt.step()\n    opt.zero_grad()"),
        # two losses in turn, as a GAN has them: each optimizer sets its own back
        (f"{W}; o1 = gm.optim.SGD([w], lr=0.01); o2 = gm.optim.SGD([b], lr=0.01)",
         "%%grad\nfor i in range(6):\n    o1.zero_grad()\n    l = (w*u + b - y)**2\n    l.backward()\n    o1.step()\n    o2.zero_grad()\n"
         "    l = (w*b - y)**2\n    l.backward()\n    o2.step()\no1.zero_grad(); o2.zero_grad()"),
        # a step along the gradient, and samples of which each is larger: a result that grows
        (OPT, loop("with gm.no_grad():\n    w += 0.1*w.grad\n    b += 0.1*b.grad\nopt.zero_grad()", 8)),
        (OPT, loop("opt.step()", 8, loss="(w*u + b - y*4**i)**2", before="opt.zero_grad()")),
        (NET + "opt = gm.optim.SGD(net.parameters(), lr=0.05)", loop("opt.step()", 20, "((net(X) - Y)**2).mean()", "opt.zero_grad()")),
        (NET + "opt = gm.optim.Adam(net.parameters(), lr=0.01)",
         loop("opt.step()", 20, "((net(X[i:i + 4]) - Y[i:i + 4])**2).mean()", "opt.zero_grad()")),
        # what another cell's tensors hold is not of this one
        (OPT + "\nc = gm.tensor([1.0, 2.0], requires_grad=True); (c*c).sum().backward()", loop("opt.step()", before="opt.zero_grad()")),
        ("c = gm.tensor([1 + 2j, 3.0], requires_grad=True)",
         "%%grad\nfor i in range(4):\n    l = (c*c.conj()).real.sum()\n    l.backward()\n    with gm.no_grad(): c -= 0.1*c.grad\n    c.grad = None"),
        ("h = gm.tensor([1.0, 2.0], dtype=gm.float16, requires_grad=True)",
         "%%grad\nfor i in range(4):\n    l = (h*h).sum()\n    g, = gm.autograd.grad(l, [h])\n    with gm.no_grad(): h -= 0.1*g"),
        # a part that is frozen
        (f"{OPT}; b.requires_grad_(False)", loop("opt.step()", before="opt.zero_grad()")),
        # sigmoids some of which are near 0 or 1, ReLUs half of which are 0
        (W, "%%grad\nk = gm.tensor(np.linspace(-20, 25, 50))*w\nl = (1/(1 + np.exp(-k))).sum() + gm.sigmoid(k).sum() + np.tanh(k/4).sum()"),
        (NET, "%%grad\nl = net[2](gm.relu(net[0](X))).sum()\nl.backward()"),
        # a hinge that nothing violates
        ("v = np.array([3.0, 2.0])", "%%grad v\nl = np.maximum(0, 1 - v).mean() + 0.1*(v @ v)"),
        (W, "%%grad\nl = (w*u + b - y)**2\nl.backward()"),
        (W, "%%grad\nl = (w*u - y)**2"),
    ],
)  # fmt: skip
def test_what_is_well_has_no_word(run, setup, cell):
    assert told(run, setup, cell) == []


def test_loops_of_plain_numpy_have_no_word(run):
    cell = "%%grad p\ndef f(p): return (p*u - y)**2\nq = p\nfor i in range(8):\n    q = q - 0.9*gm.grad(f)(q)\nl = f(q)"
    assert [
        kind for kind, *_ in told(run, f"{W}; p = 1.0", cell) if kind in ("grows", "grad kept", "not reached")
    ] == []
