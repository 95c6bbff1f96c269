"""Cells of NumPy that was never written for it: new arrays filled, values converted and collected; then all is plain."""

# ruff: noqa: E501  (a cell on one line of a table)

import gc

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.faces.numpy.buffer import Buffer

CELLS = {
    "filled": "out = np.zeros(17)\nfor i in range(len(x)):\n    out[i] = x[i] ** 2\nz = out.sum()",
    "converted": "def f(u):\n    u = np.asarray(u, dtype=float)\n    return np.sum(u**3)\nz = f(x)",
    "collected": "a = np.array([x[0] * x[1], x[2]])\nz = (a * a).sum()",
    "a matrix": "A = np.eye(3) * 2\nA[0, 1] = x[0]\nB = A.T\nB[2, 2] = x[1]\nz = np.linalg.det(A)",
    "a path": "p = np.zeros((4, 17))\np[0] = x\nfor k in range(3):\n    p[k + 1] = p[k] + 0.1 * np.sin(p[k])\nz = (p[-1]**2).sum()",
    "out=": "buf = np.empty_like(x)\nnp.multiply(x, 2, out=buf)\nbuf += x\nz = (buf * x).sum()",
    "imported names": "out = zeros(17)\nout[:] = asarray(x) * 3\nz = out.sum() + array([x[0], x[1]]).prod()",
    "in a list": "parts = [np.zeros(2) for _ in range(3)]\nfor k, part in enumerate(parts):\n    part[0] = x[k]\nz = sum(p.sum() for p in parts)",
    "in an object": "class Box: pass\nbox = Box()\nbox.a = np.ones(2)\nbox.a[1] = x[5]\nz = box.a.prod() * x[0]",
    "a range": "d = np.arange(1.0, 4)\nd[1] -= x[0] * d[0]\nz = d.prod()",
    "nothing of x": "grid = np.linspace(0, 1, 5)\ntable = np.zeros((2, 2))\ntable[0, 0] = 7\nz = x.sum() * table[0, 0]",
}  # fmt: skip


def tracked_objects():
    """The ids of those that live; IPython keeps some in the tracebacks of other tests' errors."""
    gc.collect()
    return {id(o) for o in gc.get_objects() if type(o) in (Array, Buffer)}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_gradient_is_right_and_nothing_is_said(run, cell):
    run("from numpy import array, asarray, zeros\nimport types")
    run(cell)  # as it is without the magic
    before = tracked_objects()
    plain = {n: v for n, v in run.names.items() if isinstance(v, (np.ndarray, np.generic))}
    report = run(f"%%grad x --check\n{cell}")
    assert [(n.kind, n.text) for n in report._trace.notes if n.kind != "agrees"] == []
    assert [n.kind for n in report._trace.notes] == ["agrees"]
    for name, value in plain.items():
        after = run.names[name]
        assert type(after) is type(value), name
        np.testing.assert_array_equal(after, value)
    assert tracked_objects() <= before
    assert run.names["zeros"] is np.zeros and run.names["asarray"] is np.asarray
    assert run("type(np) is types.ModuleType and np.asarray is np.asarray")


def test_views_of_new_arrays_are_views_afterwards(run):
    run("%%grad x\nA = np.zeros((3, 17))\nrow = A[1]\nsame = A\nrow[:] = x\nA[0, 0] = 5\nz = A.sum()")
    names = run.names
    assert names["same"] is names["A"] and np.shares_memory(names["row"], names["A"])
    assert names["A"][1].tolist() == names["x"].tolist() and names["A"][0, 0] == 5
    names["row"][0] = 9.0
    assert names["A"][1, 0] == 9.0


def test_a_name_of_the_line_may_be_made_in_the_cell(run):
    report = run("%%grad w\nw = np.ones(3)\nz = (w**2).sum()")
    assert report.grads["w"].tolist() == [2.0, 2.0, 2.0] and type(run.names["w"]) is np.ndarray
    report = run("%%grad p\np = {'a': np.ones(2), 'b': np.zeros(1)}\nz = (p['a'] * 3).sum() + p['b'].sum()")
    assert report.grads["p['a']"].tolist() == [3.0, 3.0]
    report = run("%%grad\nv = np.full(2, 3.0)\nz = (v**2).sum()")
    assert report.grads["v"].tolist() == [6.0, 6.0]


def test_new_arrays_go_to_libraries_and_compiled_code_as_they_are(run):
    pytest.importorskip("scipy", reason="SciPy is not installed")
    run("from scipy import linalg, optimize\nimport random")
    run(
        "%%grad x\nm = np.eye(2)\nm[0, 1] = 0.5\ni = linalg.inv(m)\nr = np.random.default_rng(0)\n"
        "n = r.normal(size=3)\no = optimize.minimize(lambda p: ((p - 1)**2).sum(), np.zeros(2)).x\nz = x.sum() * i[0, 1]"
    )
    assert type(run.names["i"]) is np.ndarray and type(run.names["n"]) is np.ndarray
    np.testing.assert_allclose(run.names["o"], [1, 1], rtol=1e-5)
    np.testing.assert_allclose(gm.last().grads["x"], -0.5)


def test_after_an_error_all_is_plain_too(run):
    run.fails("%%grad x\nout = np.zeros(3)\nout[0] = x[0]\nview = out[:2]\n1 / 0")
    assert type(run.names["out"]) is type(run.names["view"]) is np.ndarray
    assert np.shares_memory(run.names["out"], run.names["view"])
    run("def f(u):\n    global kept\n    kept = np.zeros(2)\n    kept[0] = u\n    return kept.sum()")
    run("%%grad x\nz = f(x[3])")
    assert type(run.names["kept"]) is np.ndarray and gm.last().grads["x"][3] == 1.0


@pytest.mark.parametrize("start", ["np.zeros(3)", "x[:3] * 0", "x[:3]"], ids=["new", "of x", "a part of x"])
def test_compiled_code_writes_into_the_cells_own_arrays(run, start):
    run(f"b = {start}\nb[0] = 1\nnp.random.default_rng(0).random(out=b)\nplain = b.copy()")
    run("x = np.arange(-2, 2.25, 0.25)")
    text = f"b = {start}\nb[0] = 1\nnp.random.default_rng(0).random(out=b)"
    report = run(f"%%grad x\nbefore = x.sum()\n{text}\nz = before + x.sum()")
    assert run.names["b"].tobytes() == run.names["plain"].tobytes()
    assert [note.kind for note in report._trace.notes] == (["cut"] if start == "x[:3]" else [])


def test_names_that_the_cell_itself_imports_are_numpys_own_afterwards(run):
    run(
        "%%grad x\nfrom numpy import zeros\nmake = np.array\nv = np.vectorize(lambda t: t * 2)\nz = zeros(2).sum() + v(x).sum()"
    )
    assert run.names["zeros"] is np.zeros and run.names["make"] is np.array
    assert type(run.names["v"]) is np.vectorize and gm.last().grads["x"].tolist() == [2.0] * 17


def test_pythons_math_has_derivatives_and_its_own_values(run):
    run("import math\na = 0.7\nplain = math.sin(a) * math.exp(a) + math.fsum([a, 1.0])")
    report = run("%%grad a\nz = math.sin(a) * math.exp(a) + math.fsum([a, 1.0])")
    assert (
        report._trace.notes == () and run.names["z"] == run.names["plain"] and type(run.names["z"]) is float
    )
    np.testing.assert_allclose(report.grads["a"], np.exp(0.7) * (np.sin(0.7) + np.cos(0.7)) + 1)


def test_the_dot_method_of_an_array_made_before(run):
    run("A = np.arange(34.0).reshape(2, 17)\nplain = A.dot(x).dot(np.ones(2))")
    report = run("%%grad x\nz = A.dot(x).dot(np.ones(2))")
    assert report._trace.notes == () and run.names["z"] == run.names["plain"]
    np.testing.assert_allclose(report.grads["x"], run.names["A"].sum(0))


def test_no_result_says_where_the_path_ends(run):
    for line in ("%%grad x", "%%grad --of z x"):
        text = run.fails(f"{line}\ny = float(str(x.sum()))\nz = y * 2")
        assert "The path ends in line 2: str(x.sum()) makes a plain value of x.sum()" in text
