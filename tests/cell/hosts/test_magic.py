"""`%%grad` and `%grad` in a shell: options, what is shown and returned, loading, completion."""

import importlib.util
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays
from gradmagic.report import Report
from tests.engine import strict
from tests.test_readme import README

PARABOLA = "%%grad x\ny = 2 * x**2 + 2\nz = y.sum()"


def test_the_report_is_the_cells_result(run):
    report = run(PARABOLA)
    assert isinstance(report, Report)
    assert run.names["_"] is report and gm.last() is report
    np.testing.assert_array_equal(report.grads["x"], 4 * run.names["x"])
    assert float(report.value) == 85 == run.names["z"] and type(run.names["z"]) is np.float64


def test_a_semicolon_keeps_it_from_the_screen(run):
    assert run(PARABOLA + ";  # silent") is None
    assert run.out == "" and gm.last().grads["x"][0] == -8


def test_the_last_expression_is_shown_above_the_report(run):
    report = run("%%grad x\ny = x[:2] * 2\ny.sum()")
    assert [shown.data["text/plain"] for shown in run.displayed] == ["np.float64(-7.5)"]
    assert report.grads["x"][0] == 2
    run("%%grad x\nz = x.sum()\nz, [x]")
    assert run.displayed[0].data["text/plain"].startswith("(np.float64(0.0),\n [array([-2.  , ")
    assert type(run.names["x"]) is np.ndarray


def test_a_cell_run_again_shows_the_same_bytes(run):
    count, pages = run.shell.execution_count, []
    for _ in range(2):
        run.shell.execution_count = count
        pages.append(run(PARABOLA))
    assert pages[0].to_text() == pages[1].to_text()
    assert pages[0].to_html() == pages[1].to_html()


@pytest.mark.parametrize("blank", ["", "\n", "  \n\n", "\n# a remark\n"])
def test_blank_lines_on_top_are_counted(run, blank):
    run(f"%%grad x\n{blank}y = 2 * x\nz = y.sum()")
    first = 2 + blank.count("\n")
    text = gm.last().to_text()
    assert re.search(rf"^ *{first} +y = 2 \* x +\(17,\)", text, re.M)
    assert re.search(rf"^ *{first + 1} +z = y.sum\(\) +0 +1", text, re.M)
    said = run.fails(f"%%grad x\n{blank}y = x.nothing")
    assert re.search(rf"line {first}\b", said)


# -- options -----------------------------------------------------------------------------------------


def test_of(run):
    report = run("%%grad x --of (y*x).sum()\ny = x**2\nz = y.sum()")
    np.testing.assert_allclose(report.grads["x"], 3 * run.names["x"] ** 2)
    run('%%grad x --of "(y * x).sum()"\ny = x**2')
    np.testing.assert_allclose(gm.last().grads["x"], 3 * run.names["x"] ** 2)


@pytest.mark.parametrize("gradient", ["1", "np.arange(17)", "w"])
def test_gradient(run, gradient):
    run("w = np.ones(17)")
    report = run(f"%%grad x --gradient {gradient}\ny = x**2")
    np.testing.assert_allclose(report.grads["x"], 2 * run.names["x"] * eval(gradient, run.names))


def test_save_into_quiet(run, tmp_path):
    path = tmp_path / "a page.html"
    assert run(f"%%grad x --save '{path}' --into kept --quiet\nz = x.sum()") is None
    assert path.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    assert run.names["kept"] is gm.last()


def test_no_graph_and_ascii(run):
    text = run("%%grad x --no-graph --ascii\nz = x.sum()").to_text()
    assert text.isascii()


def test_dtype(run):
    run("%%grad x --dtype float32\nz = x.sum()")
    assert gm.last().grads["x"].dtype == np.float32 and run.names["x"].dtype == np.float64


def test_names_with_commas_wide_spaces_and_containers(run):
    run("p = {'W': np.ones(3), 'b': np.zeros(3)}; a = 1.0")
    assert list(run("%%grad x, a\u3000p\nz = x.sum() * a * (p['W'] + p['b']).sum()").grads) == [
        "x",
        "a",
        "p['W']",
        "p['b']",
    ]
    assert list(run("%%grad p['W']\nz = p['W'].sum()").grads) == ["p['W']"]


def test_options_are_described(run):
    run("%grad -h")
    assert "--gradient" in run.out and "--of EXPR" in run.out
    run("%%grad?")
    assert "--into NAME" in run.out


def test_completion(run):
    assert "--gradient" in run.shell.complete("--gr", "%%grad --gr")[1]
    assert "weights" in _completed(run, "weights = np.ones(3)", "wei", "%%grad wei")


def _completed(run, cell, word, line):
    run(cell)
    return run.shell.complete(word, line)[1]


def test_settings(run):
    run("%config GradMagic.ascii = True")
    try:
        assert run("%%grad x\nz = x.sum()").to_text().isascii()
    finally:
        run("%config GradMagic.ascii = False")


# -- what is traced -----------------------------------------------------------------------------------


def test_grad_of_an_expression_and_of_a_tensor_of_earlier_cells(run):
    np.testing.assert_allclose(run("%grad (x**2).sum()").grads["x"], 2 * run.names["x"])
    assert run.out.count("25.5") >= 1 and type(run.names["x"]) is np.ndarray
    run("t = gm.tensor([1.0, 2.0], requires_grad=True)")
    run("q = (t * t).sum()")
    report = run("%grad q")
    np.testing.assert_array_equal(report.grads["t"], [2, 4])
    assert run.names["t"].grad is None
    run("q.backward()")  # the magic's sweep freed nothing
    np.testing.assert_array_equal(run.names["t"].grad.numpy(), [2, 4])


def test_a_lone_backward_shows_the_graph_of_earlier_cells(run):
    run("t = gm.tensor([1.0, 2.0], requires_grad=True)")
    made = run.shell.execution_count
    run("q = (t * t).sum()")
    report = run("%%grad\nq.backward()")
    np.testing.assert_array_equal(report.grads["t"], [2, 4])
    assert f"In [{made}]" in report.to_text()


def test_the_cells_own_backward_is_the_result_and_grad_is_as_without(run):
    run("t = gm.tensor([1.0, 2.0], requires_grad=True)")
    run("%%grad\nfor i in range(3):\n    loss = (t * t).sum() * (i + 1)\n    loss.backward()")
    np.testing.assert_array_equal(gm.last().grads["t"], [6, 12])
    np.testing.assert_array_equal(run.names["t"].grad.numpy(), [12, 24])


def test_the_history_follows_the_inputs_of_the_result_only(run):
    run("other = gm.tensor([1.0, 2.0], requires_grad=True); w = gm.tensor(1.0, requires_grad=True)")
    run("%%grad\nfor i in range(3):\n    loss = w * w * (i + 1)\n    loss.backward()")
    assert "other" not in gm.last().to_text() and "3 sweeps" in gm.last().to_text()


def test_an_input_that_the_result_does_not_depend_on_is_said(run):
    run("b = np.ones(2)")
    report = run("%%grad x b\nz = x.sum()")
    np.testing.assert_array_equal(report.grads["b"], [0, 0])
    assert "the result does not depend on b" in " ".join(report.to_text().split())


def test_no_names_takes_what_the_cell_assigns_first_every_time(run):
    for _ in range(2):
        assert run("%%grad\na = 2\nb = 1\nc = a + b\nd = b + 1\ne = c * d").grads == {"a": 2.0, "b": 5.0}
        assert type(run.names["a"]) is int


def test_no_names_takes_ints_of_other_cells_where_there_is_nothing_else(run):
    run("del x")
    run("a, b = 2, 1")
    cell = "%%grad\nc = a + b\nd = b + 1\ne = c * d"
    assert run(cell).grads == {"a": 2.0, "b": 5.0}
    run("b = 1.0")
    assert run(cell).grads == {"b": 5.0}  # a float means that a 2 is a count


def test_no_names_in_a_function_of_the_cell(run):
    run("W = np.ones(3); u = np.ones(17)")
    assert list(run("%%grad\ndef f(u):\n    return (W * u).sum()\nv = np.zeros(3)\nz = f(v)").grads) == [
        "W",
        "v",
    ]


def test_large_arrays_only_by_name(run):
    run("big = np.ones(100_001)")
    report = run("%%grad\nz = (big * 2).sum() * x[0]")
    assert list(report.grads) == ["x"] and "100,001" in report.to_text()
    assert list(run("%%grad big\nz = (big * 2).sum()").grads) == ["big"]


def test_make_dot(run):
    run("t = gm.tensor(2.0, requires_grad=True); q = t**2 + 1")
    dot = run("gm.make_dot(q, params={'t': t})")
    assert dot.source.startswith("digraph") and "t" in dot.source
    assert run.names["t"].grad is None
    run("q.backward()")


def test_make_dot_of_several_results(run):
    run("t = gm.tensor(2.0, requires_grad=True); h = t * 3; q, r = h**2, gm.sin(h)")
    both = run("gm.make_dot((q, r, 5), params={'t': t})").source
    alone = run("gm.make_dot(q, params={'t': t})").source
    assert "sin" in both and "sin" not in alone and both.count("->") == alone.count("->") + 1
    assert "or of a list of them, and none of these does" in run.fails("gm.make_dot([5, 6])")


# No place has a name in a plain script: a value is called by its operation.
IN_A_SCRIPT = """
import gradmagic as gm
x = gm.tensor([1.0, 2.0], requires_grad=True)
y = x
for i in range({turns}):
    y = gm.tanh(y * 1.1 + 0.1)
print(gm.make_dot(y.sum(), params={{"x": x}}).source.startswith("digraph"))
"""


@pytest.mark.parametrize("turns", [7, 30, 2_000])
def test_make_dot_in_a_script_of_a_loop_of_any_length(turns):
    ran = [sys.executable, "-c", IN_A_SCRIPT.format(turns=turns)]
    assert subprocess.run(ran, capture_output=True, text=True, check=True).stdout == "True\n"


def test_magics_nest_both_ways(run):
    run("%%time\n" + PARABOLA)
    assert "Wall time" in run.out
    first = gm.last()
    run("%%grad x\n%%time\ny = x**2\nz = y.sum()")
    assert "Wall time" in run.out and gm.last() is not first and "y = x**2" in gm.last().to_text()
    run("%%capture seen\n" + PARABOLA)
    assert run.out == "" and run.names["seen"].outputs


def test_lines_are_counted_as_the_editor_counts_them(run):
    run("\n\n%%time\n" + PARABOLA)
    assert re.search(r"^ *5 +y = 2 \* x\*\*2 \+ 2", gm.last().to_text(), re.M)


def test_await(run):
    run("%%grad x\nimport asyncio\nawait asyncio.sleep(0)\nz = x.sum()")
    assert gm.last().grads["x"][0] == 1 and type(run.names["x"]) is np.ndarray
    run.fails("%%grad x\nimport asyncio\nawait asyncio.sleep(0)\nz = x.sum() + nothing")
    assert isinstance(run.error, NameError) and type(run.names["x"]) is np.ndarray


def test_load_unload_reload(run):
    gm.load_ipython_extension(run.shell)
    run("%reload_ext gradmagic")
    run(PARABOLA)
    transforms = list(run.shell.input_transformer_manager.cleanup_transforms)
    run("%unload_ext gradmagic")
    assert "%%grad" not in run.shell.strdispatchers["complete_command"].strs
    assert len(run.shell.input_transformer_manager.cleanup_transforms) == len(transforms) - 1
    run.fails(PARABOLA)
    run("%load_ext gradmagic")
    run(PARABOLA)
    assert run.shell.input_transformer_manager.cleanup_transforms == transforms


def test_functions_of_a_traced_cell_work_afterwards(run):
    run("%%grad x\ndef f(u):\n    v = u * 2\n    return v\nz = f(x).sum()")
    assert run("f(3)") == 6
    assert "v = u * 2" in run("import inspect; inspect.getsource(f)")


def test_warnings_name_the_readers_lines(run):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        run(
            "%%grad x\ny = np.sqrt(x)\nw = np.log(x[0])\nfor i in range(2):\n    v = np.log(x[0])\nz = np.nansum(y)"
        )
    ours = [w for w in seen if w.category is RuntimeWarning]
    assert [w.lineno for w in ours if "gradmagic" not in w.filename] == [2, 3, 5]
    assert len(ours) == 3, [(w.filename, w.lineno) for w in ours]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.fails("%%grad x\ny = np.sqrt(x)")
    assert isinstance(run.error, RuntimeWarning)


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="there may be a GPU here")
def test_a_gpu_that_is_not_there_is_said_in_a_sentence_and_nothing_is_lost(run):
    text = run.fails("%%grad x --device cuda\nz = x.sum()")
    assert "needs CuPy" in text and "leave out --device" in text and len(text.strip().splitlines()) <= 2
    assert type(run.names["x"]) is np.ndarray


def test_a_cell_on_another_device_leaves_host_arrays(run, monkeypatch):
    monkeypatch.setitem(arrays.KINDS, strict.StrictArray, strict.module)
    there = {"cpu": strict.module.asnumpy, "cuda": strict.asarray, "cuda:0": strict.asarray}
    monkeypatch.setattr(arrays, "to_device", lambda array, device: there[device](array))
    run("W = np.ones((2, 17)); kept = W; p = {'b': np.ones(2)}")
    report = run("%%grad x p --device cuda\ny = W @ x + p['b']\nV = W * 2\nz = np.sum(y * y)")
    names = run.names
    assert type(names["x"]) is type(names["y"]) is type(names["V"]) is type(names["p"]["b"]) is np.ndarray
    assert type(names["z"]) is np.float64 and names["W"] is names["kept"]
    np.testing.assert_allclose(report.grads["x"], 4 * names["y"][0])
    assert type(report.grads["x"]) is np.ndarray


@pytest.mark.gpu
def test_a_cell_on_a_gpu(run):
    run("W = np.ones((2, 17))")
    report = run("%%grad x W --device cuda\ny = np.tanh(W @ x + 1)\nz = (y * y).sum()")
    on_host = run("%%grad x W\ny = np.tanh(W @ x + 1)\nz = (y * y).sum()")
    assert type(run.names["y"]) is np.ndarray
    for name in ("x", "W"):
        np.testing.assert_allclose(report.grads[name], on_host.grads[name])


def test_a_long_loop_is_traced_whole(run):
    report = run("%%grad a\na = 1.0\nb = a\nfor i in range(5000):\n    b = b * 0.999 + 0.001\nz = b * b")
    assert report.grads["a"] == pytest.approx(2 * run.names["b"] * 0.999**5000)
    assert len(report.to_text().splitlines()) <= 60 and len(report.to_html()) < 300_000
    assert "10,001 operations" in report.to_text()


def test_a_value_is_the_users_own_to_every_question(run):
    """Its exact type, too, which C code demands."""
    run(
        "%%grad x\na = 2.0\nkinds = [type(x) is np.ndarray, isinstance(x, np.ndarray), type(a) is float]\nz = x.sum()"
    )
    assert run.names["kinds"] == [True, True, True]


def test_the_listed_exceptions_of_promise_one(run):
    """README's list of what can tell that a cell runs under the magic: identities of numbers, code, frames, counts."""
    (listed,) = re.findall(r"What can still tell the difference: (.*?)\n\* ", README, flags=re.S)
    listed = " ".join(listed.split())

    def both(cell: str) -> list:
        run(
            "a = 2.5; b = a; v = np.ones(3)\nimport dis, sys, weakref\ndef f(u): return u + 1.0\n"
            "class Asks:\n    def __add__(self, o): return sys._getframe(1).f_code.co_name"
        )
        run(cell)
        plain = run.names["told"]
        run("a = 2.5; b = a")
        run(f"%%grad a v\n{cell}\nz = a * v.sum()")
        return [plain, run.names["told"]]

    assert "a number of the line is an equal one of its own" in listed
    assert both("told = a is b") == [True, False]
    assert "`f.__code__`" in listed
    assert both("f(a)\ntold = 'BINARY_OP' in [i.opname for i in dis.get_instructions(f)]") == [True, False]
    assert "frames" in listed
    assert both("told = Asks() + 1") == ["<module>", "hook"]
    assert "weak references" in listed
    assert both("told = weakref.getweakrefcount(v)") == [0, 1]
    assert "recursion" in listed
    plain, told = both("told = sys.getrecursionlimit()")
    assert told > plain and run("sys.getrecursionlimit()") == plain


def test_recording_switched_off_in_a_cell_stays_off(run):
    run("%%grad x\nz = x.sum()\ngm.set_grad_enabled(False)")
    assert run("gm.is_grad_enabled()") is False
    assert "Recording is switched off" in run.fails("%%grad x\nz = x.sum()")
    run("gm.set_grad_enabled(True)")
    assert run("gm.is_grad_enabled()") is True


def test_the_parameters_of_a_module_on_the_line(run):
    run("model = gm.nn.Linear(2, 1)\nu = gm.ones(3, 2)")
    report = run("%%grad model\nloss = model(u).sum()")
    assert list(report.grads) == ["model.weight", "model.bias"] and report.grads["model.bias"].tolist() == [
        3.0
    ]
    assert run.names["model"].weight.grad is None


def test_an_assignment_is_shown_where_the_session_shows_assignments(run):
    run.shell.ast_node_interactivity = "last_expr_or_assign"
    try:
        run("%%grad x\ny = 3 * x\nz = y.sum()")
        assert (
            run.out.splitlines()[0] == f"Out[{run.shell.execution_count - 1}]: np.float64(0.0)"
            or "0.0" in run.out
        )
        assert type(run.names["z"]).__name__ == "float64"
    finally:
        run.shell.ast_node_interactivity = "last_expr"


def test_a_module_that_the_cell_makes_is_an_input_by_its_parameters(run):
    report = run("%%grad net\nnet = gm.nn.Linear(2, 1)\nloss = net(gm.ones(3, 2)).sum()")
    assert list(report.grads) == ["net.weight", "net.bias"] and (report.grads["net.weight"] == 3).all()


def test_a_module_without_parameters_is_refused_as_one(run):
    told = run.fails("%%grad net\nnet = gm.nn.ReLU()\nloss = net(gm.ones(3)).sum()")
    assert "net on the %%grad line is a ReLU without parameters: write the name of what goes into it." in told
