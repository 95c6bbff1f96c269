"""gm.trace: the report of a block or a function in plain Python; names, sources and variables as they were."""

from __future__ import annotations

import gc
import re
import runpy
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.errors import NameOnLineError, NonScalarError, NoResultError, NotLiftableError
from tests.counting import calls

X = np.array([1.0, 2.0])
SCRIPT = """\
import numpy as np
import gradmagic as gm
x = np.arange(3.0)
kept = x
with gm.trace("x", graph=False) as traced:
    y = 2 * x**2 + 2
    z = y.sum()
report = traced.report
"""


def run(tmp_path, text, name="script.py"):
    path = tmp_path / name
    path.write_text(textwrap.dedent(text))
    return runpy.run_path(str(path))


EARLIER = []  # which another test's error still holds


@pytest.fixture(autouse=True)
def earlier():
    EARLIER[:] = alive()
    yield
    EARLIER.clear()


def alive():
    gc.collect()
    known = set(map(id, EARLIER))
    return [o for o in gc.get_objects() if type(o) is Array and id(o) not in known]


def test_a_block_in_a_script_gives_the_report_of_a_cell(tmp_path):
    made = run(tmp_path, SCRIPT)
    report = made["report"]
    assert report.value == 16.0 and report.grads["x"].tolist() == [0.0, 4.0, 8.0]
    text = report.to_text(width=80, color=False)
    assert "script.py" in text and "6  y = 2 * x**2 + 2" in text and "gradient of z" in text
    assert type(made["y"]) is np.ndarray and type(made["z"]) is np.float64 and made["x"] is made["kept"]
    assert gm.last() is report


@pytest.mark.parametrize("how", ["with gm.trace('x', graph=False):", "with gm.trace('x') as traced:"])
def test_a_second_name_that_the_block_does_not_write_is_put_back_too(tmp_path, how):
    text = f"import numpy as np\nimport gradmagic as gm\nx = kept = np.arange(3.0)\n{how}\n    y = (x**2).sum()\n"
    made = run(tmp_path, text)
    assert made["x"] is made["kept"] and type(made["kept"]) is np.ndarray and not alive()


@pytest.mark.parametrize("where", ["a module", "a function"])
def test_what_is_put_back_is_looked_for_in_what_the_block_names_and_not_in_its_module(tmp_path, where):
    text = "x = np.arange(3.0)\nwith gm.trace('x') as traced:\n    y = (x**2).sum()\n"
    if where == "a function":
        text = f"def f():\n{textwrap.indent(text, '    ')}f()\n"
    text = "import numpy as np\nimport gradmagic as gm\nothers = [[i] for i in range(10_000)]\n" + text
    assert 0 < calls(partial(run, tmp_path, text))["_replace_in"] < 1_000


def test_a_name_that_only_the_block_assigns_is_refused_and_the_others_are_put_back(tmp_path):
    text = """\
        import numpy as np
        import gradmagic as gm
        x = np.ones(2)
        try:
            with gm.trace("x", "w"):
                w = x.sum()
        except NameError as error:
            said = str(error)
        """
    made = run(tmp_path, text)
    assert "name 'w' in gm.trace(...) is not defined: define it before the block." in made["said"]
    assert type(made["x"]) is np.ndarray and not alive()


def test_a_block_inside_a_function_puts_its_variables_back():
    def f():
        p = np.ones(3)
        q = p[1:]
        with gm.trace("p") as traced:
            r = p * 2
            s = (r * r).sum() + q.sum()
            inside = [type(v) for v in (p, q, r)]
        return traced, p, q, r, s, inside

    traced, p, q, r, s, inside = f()
    assert traced.grads["p"].tolist() == [8.0, 9.0, 9.0]
    assert inside == [Array, Array, Array]  # q looks into p: it is followed too
    assert [type(v) for v in (p, q, r)] == [np.ndarray] * 3 and type(s) is np.float64
    assert np.shares_memory(p, q)
    assert not alive()


def test_closures_over_the_variables_see_the_traced_values():
    def f():
        w = 3.0

        def square():
            return w * w

        with gm.trace("w") as traced:
            y = square()
        return traced.grads["w"], w, y

    assert f() == (6.0, 3.0, 9.0)


def test_tensors_need_no_names():
    t = gm.tensor([1.0, 2.0], requires_grad=True)
    with gm.trace() as traced:
        loss = (t**3).sum()
    assert traced.grads["t"].tolist() == [3.0, 12.0] and traced.report.value == 9.0
    assert t.grad is None and loss.requires_grad
    loss.backward()  # the report's own sweep has freed nothing


def test_a_block_that_ran_backward_itself_shows_its_sweeps():
    w = gm.tensor(1.0, requires_grad=True)
    with gm.trace() as traced:
        for _ in range(3):
            loss = (w - 3) ** 2
            loss.backward()
            with gm.no_grad():
                w -= 0.1 * w.grad
                w.grad = None
    assert "3 sweeps" in traced.report.to_text(width=80, color=False)


def test_a_block_can_name_its_result_and_weights():
    x = np.array([1.0, 2.0])
    with gm.trace("x", of="y.sum()") as traced:
        y = x * x
        np.sum(y * y)
    assert traced.grads["x"].tolist() == [2.0, 4.0]
    with gm.trace("x", gradient=np.array([1.0, 0.0])) as traced:
        y = x * x
    assert traced.grads["x"].tolist() == [2.0, 0.0]


def test_a_block_that_fails_fails_and_puts_back():
    x = np.ones(2)
    with pytest.raises(ZeroDivisionError), gm.trace("x") as traced:  # noqa: PT012
        y = x * 2
        1 / 0
    assert type(x) is type(y) is np.ndarray and not alive()
    assert "ZeroDivisionError" in str(traced.report)


def test_errors_say_what_to_write():
    x = np.ones(2)
    with (
        pytest.raises(NameOnLineError, match=r"'xx' in gm\.trace\(\.\.\.\) is not defined.*Did you mean x\?"),
        gm.trace("xx"),
    ):
        pass
    with pytest.raises(TypeError, match=r'takes names.*gm\.trace\("x"\)'):
        gm.trace(3)
    text = "no gradient"
    with pytest.raises(NotLiftableError, match="text in gm"), gm.trace("text"):
        pass
    with (
        pytest.raises(NonScalarError, match=r'gm\.trace\(\.\.\., of="y\.sum\(\)"\).*gradient=V'),
        gm.trace("x"),
    ):
        y = x * 2
    assert type(x) is type(y) is np.ndarray and text
    with pytest.raises(NoResultError, match=r"nothing that the code computes depends on x"), gm.trace("x"):
        pass
    with gm.trace("x") as traced:
        z = x.sum()
        with pytest.raises(NoResultError, match="has not ended yet"):
            _ = traced.report
    assert z == 2.0


# ---- functions -----------------------------------------------------------------------------------------------


def loss(w, data, scale=1.0):
    h = np.tanh(w * data)
    return scale * np.sum(h**2)


def test_a_function_is_traced_by_its_parameters():
    report = gm.trace(loss, "w")(np.ones(2), data=np.array([1.0, 2.0]))
    assert list(report.grads) == ["w"] and report.value == loss(np.ones(2), np.array([1.0, 2.0]))
    text = report.to_text(width=100, color=False)
    assert "h = np.tanh(w * data)" in text and "dloss/dw" in text and "test_block.py" in text
    assert not alive()


def test_without_names_all_floats_are_inputs():
    assert list(gm.trace(loss)(np.ones(2), np.array([1.0, 2.0])).grads) == ["w", "data", "scale"]
    assert gm.trace(lambda n: n * n)(3).grads == {"n": 6.0}
    assert gm.trace(lambda p: p["a"].sum() * 2, "p")({"a": X}).grads["p['a']"].tolist() == [2.0, 2.0]


def test_functions_of_tensors_and_decorated_functions():
    t = gm.tensor(2.0, requires_grad=True)
    assert gm.trace(lambda t: t**3)(t).grads["t"].item() == 12.0
    assert gm.trace(gm.grad(lambda x: x**3), "x")(2.0).grads == {"x": 12.0}


def test_a_function_has_no_other_parameters():
    with pytest.raises(NameOnLineError, match="loss has no parameter 'v': it has w, data, scale"):
        gm.trace(loss, "v")


def test_of_a_matrix_it_is_the_sum_of_the_diagonal():
    assert gm.trace(gm.eye(3)).item() == 3.0


def test_a_function_whose_source_is_gone_is_followed_and_what_it_loses_is_noted():
    names = {"np": np}
    exec(
        "def f(x, k=2.0):\n    y = x * k\n    return (y * y).sum()\ndef g(x): return float(str(x[0])) * x.sum()",
        names,
    )
    report = gm.trace(names["f"], "x")(np.array([1.0, 2.0]))
    assert report.grads["x"].tolist() == [8.0, 16.0] and report.value == 20.0
    lost = gm.trace(names["g"])(np.array([1.0, 2.0]))
    assert lost.grads["x"].tolist() == [1.0, 1.0] and [n for n in lost._trace.notes if n.kind == "cut"]


def test_a_block_without_a_name_says_in_a_script_how_its_report_is_shown(tmp_path):
    def printed(text):
        (tmp_path / "script.py").write_text(text)
        return subprocess.run(
            [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True
        ).stdout

    assert printed(SCRIPT.replace(" as traced", "").replace("report = traced.report", "")) == (
        'gradmagic report: dz/dx; print(gm.last()) shows it, gm.last().save("report.html") keeps it\n'
    )
    assert printed(SCRIPT) == ""


# As marimo runs the cells of its files: indented there, compiled without the margin, at the line where they stand.
DEDENTED = """\
import ast
import textwrap
lines = open(__file__).read().split("\\n")
at = lines.index("def cell():") + 1
body = textwrap.dedent("\\n".join(lines[at:]))
tree = ast.parse(body)
ast.increment_lineno(tree, at)
exec(compile(tree, __file__, "exec"))
def cell():
    import numpy as np
    import gradmagic as gm
    x = np.array([1.0, 2.0, 3.0])
    with gm.trace("x") as t:
        y = np.exp(2 * x)
        for k in range(1):
            z = (y * x).sum()
    def f(x):
        u = np.sin(x) * 3
        return (u * x).sum()
    report = gm.trace(f)(x)
"""


def test_cells_that_were_compiled_without_their_margin_have_their_own_names(tmp_path):
    names = run(tmp_path, DEDENTED)
    text = names["t"].report.to_text(color=False)
    assert " np.exp(2 * x) " in text and " ● 2 * x " in text and " ● z = (y * x).sum() " in text
    text = names["report"].to_text(color=False)
    assert " ● np.sin(x) " in text and " ● u = np.sin(x) * 3 " in text and " ● u * x " in text


class Scaled:
    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return (x * self.w).sum()

    def times(self, x):
        return (x * self.w).sum()


def _kept(w):
    def inner(x):
        return x * w

    return lambda x: inner(x).sum()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (_kept, "w"),
        (lambda b: lambda x: (x * b).sum(), "b"),
        (lambda b: partial(lambda w, x: (x * w).sum(), b), "w"),
        (Scaled, "self.w"),
        (lambda w: Scaled(w).times, "self.w"),
    ],
    ids=["a function's function", "closure", "partial", "callable object", "method"],
)
@pytest.mark.parametrize(
    "x", [np.array([3.0, 4.0]), gm.tensor([3.0, 4.0]), gm.tensor([3.0, 4.0], requires_grad=True)]
)
def test_tensors_that_a_function_reads_are_inputs_with_their_names(make, name, x):
    b = gm.tensor([1.0, 2.0], requires_grad=True)
    report = gm.trace(make(b))(x)
    assert report.value == 11 and report.grads[name].tolist() == [3, 4]
    if isinstance(x, np.ndarray) or x.requires_grad:
        assert report.grads["x"].tolist() == [1, 2]
    text = report.to_text(color=False)
    assert re.search(rf"^ {re.escape(name)} +\(2,\) +\[1, 2\] +\[3, 4\]", text, re.M), text


def test_a_slip_in_a_setting_is_said_before_anything_is_traced():
    ran = []
    with pytest.raises(TypeError, match="max_node"):
        gm.trace(lambda x: ran.append(x) or x * 2, max_node=3)(1.0)
    assert not ran


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("with gm.trace('x') as t:\n    y = x * x\nreport = t.report", "t.report"),
        ("with gm.trace('x'):\n    y = x * x\nreport = gm.last()", "gm.last()"),
        ("report = gm.trace(lambda x: x * x)(x)", "report"),
        ("report = gm.Report.load(gm.trace(lambda x: x * x)(x).save('a.json'))", "report"),
    ],
)
def test_the_last_line_says_what_can_be_written_in_a_script(tmp_path, monkeypatch, source, hint):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "IPython", None)  # which other tests have started here
    report = run(tmp_path, f"import gradmagic as gm\nx = 3.0\n{source}")["report"]
    assert report.to_text(color=False).splitlines()[-1].endswith(f'page: {hint}.save("report.html")')
