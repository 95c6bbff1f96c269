"""`%%grad x --minimize METHOD` in a real shell: the fit, what is kept, and that nothing else of the cell leaks."""

import contextlib
import io
import pickle
import re
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell import descending
from gradmagic.cell.as_function import CellProgram, as_function
from gradmagic.cell.descending import CellLoss, NoTrial
from gradmagic.cell.hosts.host import text_source
from gradmagic.cell.options import Options
from gradmagic.report import Report
from gradmagic.report.files.json import to_json

from .cells import CELLS
from .helpers import fresh, left_behind


def silent():
    return contextlib.redirect_stdout(io.StringIO())


PARABOLA = "%%grad a --minimize adam --lr 0.1 --iterations 40{}\nb = (a - 1)**2\nc = b + 2"


@pytest.fixture
def named(run):
    run("a = 3.0\nw = np.array([4.0, -4.0])\nlog = []\nbuffer = np.zeros(2)\nseen = {'n': 0}")
    return run


def test_the_end_is_kept(named):
    report = named(PARABOLA.format(""))
    fit = gm.minimize(lambda a: (a - 1) ** 2 + 2, 3.0, "adam", lr=0.1, iterations=40)
    assert named.names["a"] == fit.x == report.fit.x["a"] and type(named.names["a"]) is float
    assert np.array_equal(report.fit.losses, fit.losses) and report.fit.points[0] == {"a": 3.0}
    assert named.names["c"] == report.value == fit.fun  # the cell's own names are those of the end
    assert report.grads["a"] == pytest.approx(fit.jac)
    assert report is gm.last()


def test_the_start_is_kept_if_asked_for(named):
    named("%%grad a --quiet\nb = (a - 1)**2\nc = b + 2")
    plain = gm.last()
    a = named.names["a"]
    report = named(PARABOLA.format(" --keep start"))
    assert named.names["a"] is a and named.names["c"] == 6.0
    assert report.fit.fun < 2.1 and report.value == plain.value and report.grads == plain.grads


def test_the_report_shows_it_as_text_and_page(named):
    report = named(PARABOLA.format(""))
    text = report.to_text(width=80, color=False)
    assert "Adam: 40 iterations, 41 evaluations of c" in text and "the names have the end" in text
    assert "c over a" in text and "ends at" not in text
    html = report.to_html()
    assert "<summary>Fit" in html and "c over a, with the way of Adam from 3 to" in html
    assert "**Fit**" in report.to_markdown() and "41 evaluations of c" in report.to_markdown()
    assert "41 evaluations of c" in report._tex()
    assert "<summary>Fit" not in named("%%grad a\nc = (a - 1)**2").to_html()


def test_json_brings_it_back(named, tmp_path):
    report = named(PARABOLA.format(""))
    path = tmp_path / "r.json"
    report.save(path)
    again = Report.load(path)
    assert again._trace.descent == report._trace.descent and to_json(again._trace) == to_json(report._trace)
    assert "41 evaluations of c" in again.to_text(80)


def test_the_cell_itself_runs_once(named):
    named("import random\nseed = 'np.random.seed(3)\\nrandom.seed(3)\\ngm.manual_seed(3)'\nexec(seed)")
    named("draw = 'np.random.rand(), random.random(), gm.rand(1).item()'\nrng = np.random.default_rng(7)")
    named("class Box: pass\nbox = Box()\nbox.n = 0")
    named(
        "%%grad w --minimize sgd --lr 0.1 --iterations 5\n"
        "print('once')\nlog.append(len(log))\nbuffer += 1\nseen['n'] += 1\nseen['new'] = w\nbox.n += 1\n"
        "drawn = (rng.normal(), np.random.rand(), random.random(), gm.rand(1).item())\n"
        "z = np.sum((w - 1)**2) + 0 * drawn[0]"
    )
    names = named.names
    assert named.out.startswith("once\n") and "once\n" not in named.out[5:]
    assert names["log"] == [0] and names["buffer"].tolist() == [1, 1] and names["seen"]["n"] == 1
    assert names["box"].n == 1 and names["seen"]["new"] is names["w"]
    named("later = eval(draw)\nexec(seed)\nagain = eval(draw)\nafter = eval(draw)")
    rng = np.random.default_rng(7)
    assert names["drawn"] == (rng.normal(), *names["again"]) and names["rng"].normal() == rng.normal()
    assert names["later"] == names["after"]


def test_what_the_cell_leaves_is_what_it_leaves_without(named):
    cell = "def f(v):\n    log.append(v.shape)\n    return np.sum((v - 1)**2)\nu = [f(w), f(2 * w)]\nz = u[0] + u[1]"
    named("%%grad w --minimize L-BFGS-B --keep start --quiet\n" + cell)
    with_it = {n: named.names[n] for n in ("w", "log", "u", "z")}
    kept = pickle.dumps(with_it)
    named("log.clear()\n" + cell)
    assert pickle.dumps({n: named.names[n] for n in ("w", "log", "u", "z")}) == kept
    assert gm.last().fit.success
    np.testing.assert_allclose(gm.last().fit.x["w"], 0.6, atol=1e-6)


def test_no_cell_leaks_out_of_a_fit():
    """Each cell of cells.py: where it can be minimised, all is as it was, and the cell leaves what it leaves then."""
    fits = 0
    for title, (setup, names, text) in CELLS.items():
        plain, ns = fresh(setup), fresh(setup)
        before, options = dict(ns), Options(tuple(names.split()), minimize="sgd", lr=1e-4, iterations=2)
        loss = CellLoss(text_source(text, "<cell of a test>", "In [1]"), ns, options, silent)
        with warnings.catch_warnings(), contextlib.suppress(gm.GradmagicError, NoTrial, AssertionError):
            warnings.simplefilter("ignore")
            fits += bool(loss.fit().nit)
        assert ns.keys() == before.keys() and all(ns[n] is v for n, v in before.items()), title
        for namespace in (plain, ns):
            with silent():
                exec(compile(text, "<cell>", "exec"), namespace)
        assert left_behind(plain, ns) == [], title
    assert fits > 80


def test_containers_members_and_tensors(named):
    named(
        "p = {'W': np.ones(2), 'b': np.array(0.5)}\nalias = p\nt = gm.tensor([1.0, 2.0], requires_grad=True)\nt2 = t"
    )
    named("%%grad p --minimize sgd --lr 0.1 --quiet\nz = np.sum((p['W'] - 3)**2) + p['b']**2")
    assert named.names["alias"] is named.names["p"]
    np.testing.assert_allclose(named.names["p"]["W"], 3, atol=1e-6)
    named("%%grad p['W'] --minimize sgd --lr 0.1 --quiet\nz = np.sum((p['W'] - 5)**2) + p['b']**2")
    np.testing.assert_allclose(named.names["p"]["W"], 5, atol=1e-6)
    named("%%grad t --minimize lbfgs --quiet\nz = ((t - 3)**2).sum()")
    assert named.names["t2"] is named.names["t"] and named.names["t"].tolist() == [3, 3]
    assert named.names["t"].requires_grad and named.names["t"].grad is None
    named("net = gm.nn.Linear(2, 1)\ndata = gm.ones(4, 2)\nold = net.weight.tolist()")
    named(
        "%%grad net --minimize adam --lr 0.1 --iterations 99 --keep start --quiet\nloss = ((net(data) - 1)**2).mean()"
    )
    assert named.names["net"].weight.tolist() == named.names["old"] and gm.last().fit.fun < 1e-3
    assert list(gm.last().fit.x) == ["net.weight", "net.bias"]


def test_a_function_reads_the_moved_variable(named):
    named("def f():\n    return np.sum((w - 2)**2)")
    named("%%grad w --minimize BFGS --quiet\nf()")
    np.testing.assert_allclose(named.names["w"], 2, atol=1e-6)


def test_who_else_holds_an_array_moves_along(named):
    named("held = [w]\nview = w[:1]\nfixed = np.array([2.0])\nfixed.flags.writeable = False\nsame = fixed")
    report = named("%%grad w --minimize sgd --lr 0.05\nz = np.sum((w + held[0] - 2)**2) + view[0]**2")
    assert (
        named.names["held"][0] is named.names["w"] and report.fit.success and report.value == report.fit.fun
    )
    np.testing.assert_allclose(named.names["w"], [0.8, 1], atol=1e-6)
    assert named.names["view"][0] == named.names["w"][0]
    named("%%grad fixed --minimize sgd --lr 0.1 --quiet\nz = np.sum(fixed**2)")
    assert abs(named.names["fixed"][0]) < 1e-6 and named.names["same"].tolist() == [2.0]


def test_two_names_and_of(named):
    report = named("%%grad a w --minimize L-BFGS-B --of z\nz = (a - 1)**2 + np.sum(w**2)\nq = 5 * a")
    assert (
        report.fit.x["a"] == pytest.approx(1) and np.allclose(report.fit.x["w"], 0) and report.fit.fun < 1e-9
    )
    assert "q" in named.names


SLIPS = [
    ("a --minimize adm", "z = a**2", "did you mean 'adam'"),
    ("a --minimize adam --lr much", "z = a**2", "--lr much: write a number, such as --lr 0.01"),
    ("a --lr 0.1", "z = a**2", "--lr belongs to --minimize"),
    ("a --keep start", "z = a**2", "--keep belongs to --minimize"),
    ("a --minimize BFGS --lr 1", "z = a**2", "BFGS takes no lr"),
    ("a --minimize trust-ncg", "z = a**2", "trust-ncg takes Hessians"),
    ("a --minimize adam --keep both", "z = a**2", "write --keep start or end"),
    ("a --minimize adam --iterations -3", "z = a**2", "iterations=-3"),
    ("--minimize adam", "z = a**2", "write %%grad x --minimize"),
    ("w --minimize adam", "z = w * 2", r"z has the shape"),
    ("w --minimize adam", "z = 3.0", "nothing that the cell computes depends on w"),
    ("v --minimize adam", "v = 2.0\nz = v**2", "v on the %%grad line is assigned by the cell itself"),
    ("nowhere --minimize adam", "z = a**2", "name 'nowhere' on the %%grad line is not defined"),
    ("k --minimize adam", "z = k**2", "k is the whole number 3.*write 3.0.*take it off the line"),
    ("a --minimize adam", "z = a**2 + next(it)", "the cell reaches a list_iterator"),
    ("t --minimize adam", "z = (t * t).sum()\nz.backward()", "leave backward"),
]


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_slip_is_said_and_nothing_is_lost(named):
    named("k = 3\nit = iter([1, 2, 3])\nt = gm.tensor([1.0], requires_grad=True)")
    before = {n: named.names[n] for n in ("a", "w", "log", "k", "t")}
    for line, cell, words in SLIPS:
        text = " ".join(named.fails(f"%%grad {line}\n{cell}").split())
        assert re.search(words, text), text
        assert all(named.names[n] is v for n, v in before.items()) and named.names["a"] == 3.0, line
        named("for n in ('z', 'v'): globals().pop(n, None)")
    assert next(named.names["it"]) == 1 and named.names["t"].grad is None


def test_an_error_on_the_way_says_where_and_puts_everything_back(named):
    text = named.fails(
        "%%grad a --minimize sgd --lr 1.0\nlog.append(1)\nif a < 0:\n    raise ValueError('outside')\nz = (a + 1)**2"
    )
    assert "outside" in text and "line 4" in text
    assert named.names["a"] == 3.0 and named.names["log"] == [] and "z" not in named.names
    assert "this is iteration 1, at a = -5" in named.error.__notes__[0]


@pytest.mark.filterwarnings("ignore:overflow")
def test_diverging_keeps_the_best_point(named):
    report = named("%%grad w --minimize sgd --lr 10\nz = np.sum(w**4)")
    assert named.names["w"].tolist() == [4, -4] and not report.fit.success
    assert "write lr=1" in " ".join(report.to_text(80, color=False).split())


def test_a_cell_that_awaits_is_refused(named):
    assert "awaits" in named.fails(
        "%%grad a --minimize adam\nimport asyncio\nawait asyncio.sleep(0)\nz = a**2"
    )


def test_the_cells_warnings_are_told_once(named, recwarn):
    named("import warnings")
    named("%%grad a --minimize sgd --lr 0.1 --iterations 5 --quiet\nwarnings.warn('mine')\nz = a**2")
    assert [str(w.message) for w in recwarn].count("mine") == 1


AROUND = """
import random
t = np.linspace(0, 1, 9)
y = np.sin(3 * t)
a, k, m = 0.5, 2.0, -1.0
w = np.array([0.1, 0.2, 0.3])
held, log, buffer, count = [w], [], np.zeros(3), {"n": 0}
leaf = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
def reads_a():
    return (a - 1)**2
def reads_k(v):
    return k * np.sum(v**2)
def last(v):
    global buffer
    buffer = v * 1
    return np.sum((v - 1)**2)
def handled(v):
    try:
        return np.sum(np.linalg.cholesky(np.eye(2) * v)) ** 2 - 3 * v
    except np.linalg.LinAlgError:
        return 0.5 * (v - 1) ** 2
"""


def fitted(names, cell, programs=True, setup=AROUND, **options):
    options = {"minimize": "adam", "lr": 0.05, "iterations": 120} | options
    loss = CellLoss(
        text_source(cell, "<cell of a test>", "In [1]"),
        fresh(setup),
        Options(tuple(names.split()), **options),
    )
    if not programs:
        loss._program = lambda: None
    with silent():
        return loss.fit()


RECORDED = {
    "plain": ("w a", "p = w[0] + w[1]*t + w[2]*t**2\nloss = np.mean((a*p - y)**2)"),
    "last expression": ("w", "u = np.sin(w) - 0.3\nnp.sum(u**2)"),
    "loop, list and function": (
        "w", "def f(v):\n    return (v - 1)**2\nl = []\nfor v in w:\n    l.append(f(v))\nz = sum(l)",
    ),
    "its own array": ("w", "s = np.zeros(3)\ns[:] = w\ns[0] += 1\nz = np.sum((s - 1)**2)"),
    "branches": ("a", "if a < 0.7:\n    z = (a - 1)**2\nelse:\n    z = 2*(a - 1)**2"),
    "a name that one branch assigns": ("a", "if a > 0.6:\n    q = 2.0\nz = (a - 1)**2"),
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDED)
def test_a_plain_cell_is_fitted_by_a_program(case):
    fit, plain = fitted(*RECORDED[case]), fitted(*RECORDED[case], programs=False)
    assert fit.program.served > 100 and fit.descent.recorded and not plain.descent.recorded
    np.testing.assert_allclose(fit.losses, plain.losses, rtol=1e-9, atol=1e-12)
    for name in plain.x:
        np.testing.assert_allclose(fit.x[name], plain.x[name], rtol=1e-9)
        assert type(fit.x[name]) is type(plain.x[name]) and type(fit.jac[name]) is type(plain.jac[name])


NOT_RECORDED = {
    "print": ("a", "print(a)\nz = (a - 1)**2"),
    "random": ("w", "z = np.sum((w - np.random.rand(3))**2)"),
    "append": ("w", "log.append(1)\nz = np.sum((w - 1)**2)"),
    "count": ("w", "count['n'] += 1\nz = np.sum((w - 1)**2) * count['n']"),
    "write": ("w", "buffer[:] = w\nz = np.sum((buffer - 1)**2)"),
    "write in a function": ("w", "z = last(w)"),
    "reads before it assigns": ("w", "k = k + 1\nz = k * np.sum((w - 1)**2)"),
    "moves by itself": ("w", "w -= 1\nz = np.sum(w**2)"),
    "a function reads the variable": ("a", "z = reads_a() + a**2"),
    "a function reads what it assigns": ("w", "k = 3.0\nz = reads_k(w - 1)"),
    "somebody holds the array": ("w", "z = np.sum((held[0] + w - 1)**2)"),
    "leaf": ("w", "z = ((leaf * gm.tensor(w)).sum() - 1)**2"),
    "float": ("w", "z = np.sum((w - 1)**2) * float(w[0])"),
    "names by text": ("a", "z = (eval('a') - 1)**2"),
    "try": (
        "m",
        "try:\n    z = np.sum(np.linalg.cholesky(np.eye(2) * m))\nexcept ValueError:\n    z = (m - 1)**2",
    ),
    "a handled error within": ("m", "z = handled(m)"),
    "kind": ("w", "z = np.sum((w - 1)**2) if type(w) is np.ndarray else np.sum(w)"),
    "import": ("a", "import math\nz = (math.sin(a) - 0.3)**2"),
    "entry": ("held[0]", "z = np.sum((held[0] - 1)**2)"),
    "few iterations": ("a", "z = (a - 1)**2", {"iterations": 99}),
    "SciPy": ("a", "z = (a - 1)**2", {"minimize": "BFGS", "lr": None}),
    "dtype": ("a", "z = (a - 1)**2", {"dtype": "float32"}),
}


@pytest.mark.parametrize("case", NOT_RECORDED)
def test_any_other_cell_is_not(case):
    names, cell, *more = NOT_RECORDED[case]
    options = more[0] if more else {}
    fit, plain = fitted(names, cell, **options), fitted(names, cell, programs=False, **options)
    assert not fit.descent.recorded
    assert np.array_equal(fit.losses, plain.losses) and fit.x.keys() == plain.x.keys()
    assert all(np.array_equal(fit.x[name], plain.x[name]) for name in plain.x)


def test_what_a_program_cannot_do_is_done_by_the_traced_cell_and_put_back():
    """The matrix stops being positive on the way; the function's `except` leaves something."""
    setup = (
        "log, v = [], 0.5\ndef f(v):\n    try:\n        return np.sum(np.linalg.cholesky(np.eye(2) * v))**2\n"
        "    except np.linalg.LinAlgError:\n        log.append(v)\n        return 0.5*(v - 1)**2"
    )
    fit, plain = (fitted("v", "z = f(v)", programs, setup, minimize="sgd") for programs in (True, False))
    assert fit.program.eager == 1 and fit.losses.tolist() == plain.losses.tolist() and fit.x == plain.x

    space = fresh(setup)
    log, kept = space["log"], [1]

    def within(work):
        try:
            return work()
        finally:
            log[:] = kept

    log[:] = kept
    source = text_source("z = f(v)", "<cell of a test>", "In [1]")
    quick = CellProgram(
        as_function(source, space, ["v"], "z"), {"v", "z"}, lambda p: (4 * p["v"], {"v": 4.0}), within
    )
    found = [quick.both({"v": v}) for v in (0.5, 0.6, 0.7)]
    assert quick.program.served == 3 and np.allclose([loss for loss, _ in found], [2.0, 2.4, 2.8])
    assert quick._run({"v": -1.0}) is None and log == kept  # beside `within` nothing of the cell runs


def test_a_program_of_other_numbers_is_not_the_fit(monkeypatch):
    cell = ("w", "z = np.sum((w - 1)**2)")
    plain = fitted(*cell, programs=False)
    other = as_function(
        text_source("np.sum((w - 1)**2) + w[0]**4", "<other cell>", "In [2]"), fresh(AROUND), ["w"], ""
    )
    monkeypatch.setattr(descending, "as_function", lambda *args: other)
    for at_once in (True, False):  # where it begins, or only by its end
        if not at_once:
            monkeypatch.setattr(CellProgram, "agrees", lambda *args: True)
        fit = fitted(*cell)
        assert np.array_equal(fit.losses, plain.losses) and not fit.descent.recorded
        assert (fit.program is None) is not at_once


def test_a_program_says_so_and_leaves_the_cells_names_as_ever(named):
    cell = "%%grad w --minimize sgd --lr 0.1 --iterations 200\nd = w - data\nloss = np.sum(d**2)"
    named("data = np.array([1.0, 2.0])")
    text = " ".join(named(cell).to_text(80, color=False).split())
    assert "by a recorded program" in text
    assert np.array_equal(named.names["d"], named.names["w"] - named.names["data"])
    for change in ("data = np.array([3.0, -2.0])", "data[:] = 5", "data = 7.0"):
        named(f"{change}\nw = np.array([4.0, -4.0])")
        report = named(cell)
        assert report._trace.descent.recorded
        np.testing.assert_allclose(named.names["w"], named.names["data"] + np.zeros(2), atol=1e-6)


def test_an_error_on_the_way_of_a_program_is_the_cells(named):
    text = named.fails(
        "%%grad a --minimize sgd --lr 0.01 --iterations 300\nb = a - 1\nif b < 0.5:\n    raise ValueError('outside')\n"
        "z = b**2"
    )
    assert "outside" in text and "line 4" in text and named.names["a"] == 3.0 and "b" not in named.names
    named("import math")
    text = named.fails(
        "%%grad a --minimize sgd --lr 0.01 --iterations 999\nz = (a - 1)**2 + math.sqrt(a - 2)"
    )
    assert "line 2" in text and named.names["a"] == 3.0


class TestWithinWhatIsDifferentiated:
    """No gradient flows through a fit: an error under gm.grad, a note in a cell."""

    def test_under_grad(self):
        def through(x0, w, method):
            fit = gm.minimize(lambda x: np.sum((x - w) ** 2), x0, method)
            return np.sum(fit.x * w)

        w = np.array([1.0, 2.0])
        for method in ("sgd", "Nelder-Mead"):
            with pytest.raises(
                gm.errors.ArgumentError, match=r"no gradient flows through a fit.*gm\.numeric"
            ):
                gm.grad(lambda v, m=method: through(np.zeros(2), v, m))(w)
        with pytest.raises(
            gm.errors.ArgumentError, match="x0 is on the tape, and no gradient flows through a fit"
        ):
            gm.grad(lambda v: through(v, w, "sgd"))(w)
        stopped = gm.grad(
            lambda v: np.sum(gm.minimize(lambda x: np.sum((x - gm.stop_gradient(v)) ** 2), w).x * v)
        )(w)
        np.testing.assert_allclose(stopped, w, atol=1e-6)

    def test_in_a_cell(self, named):
        start = "fit = gm.minimize(lambda x: np.sum((x - w)**2), np.zeros(2), 'sgd', lr=0.3)\n"
        named(f"%%grad w --quiet\n{start}z = np.sum(fit.x * w)")
        assert [n.kind for n in gm.last()._trace.notes] == ["cut"]
        assert "gm.minimize" in gm.last()._trace.notes[0].text
        named(
            "%%grad w --quiet\nfit = gm.minimize(lambda x: np.sum(x**2), np.zeros(2), 'sgd')\nz = np.sum(w)"
        )
        assert gm.last()._trace.notes == ()


def test_a_quiz_does_not_tell_the_gradient(named):
    text = named("%%grad w --minimize sgd --lr 0.1 --iterations 3 --quiz\nz = np.sum((w - 1)**2)").to_text(80)
    (row,) = [line for line in text[text.index("3 iterations") :].split("\n") if line.startswith(" w ")]
    assert row.rstrip().endswith("?"), row


def test_where_a_fit_ends_no_gradient_is_said_to_vanish(run):
    cell = "loss = np.mean((a * np.array([1.0, 2.0, 4.0]) + b - np.array([3.1, 4.9, 9.2])) ** 2)"
    run("a, b = 1.0, 10.0")
    report = run(f"%%grad a b --minimize lbfgs\n{cell}")
    assert abs(report.grads["a"]) < 1e-6 and not [n for n in report._trace.notes if n.kind == "vanishes"]
    assert [n.kind for n in run(f"%%grad a b\n{cell}")._trace.notes] == ["vanishes"]  # elsewhere it is odd
