"""One entry of a gradient, expanded: the formula is Python that computes the gradient, in the reader's own names."""

import re

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.telling.slopes import REPORTS
from gradmagic.report import ReportError
from gradmagic.report.parts import largest_paths

CELLS = {
    "gram": ("a", "b = a.T @ a\nc = b.mean()"),
    "parabola": ("v", "y = 2*v**2 + 2\nz = y.sum()"),
    "layer": ("w v", "h = np.tanh(v @ w + 0.5)\nL = (h**2).mean()"),
    "constant operand": ("w", "u = v * 2\nh = a @ w\nL = (np.sin(h) * h).sum()"),
    "broadcast": ("v a", "m = a / (v + 5)\nL = (m * m).sum()"),
    "named views": ("a", "r = a.T\nt = r[0]\nL = (t * t[1]).sum() + np.dot(a[0], a[1])"),
    "element by element": (
        "a",
        "z = np.zeros(2)\nz[0] = a[0, 0] * a[1, 1]\nz[1] = np.sin(a[0, 1])\nL = z.sum()",
    ),
    "sorted": ("v", "s = np.sort(v)\nL = (s * np.array([1.0, 2.0])).sum()"),
    "einsum": ("a w", "L = np.einsum('ij,jk->ik', a, w).prod()"),
    "softmax": ("a", "e = np.exp(a)\nn = e.sum(axis=0)\np = e / n\nL = np.log(p[0]).sum()"),
    "numbers": ("p q", "c = p + q\nd = q + 1\ne = c * d"),
    "determinant": ("a", "L = np.linalg.det(a) * 2"),
}


@pytest.fixture
def names(run):
    run.names.update(a=np.array([[1.0, 3.0], [4.0, 2.0]]), v=np.array([0.5, -1.5]), p=2.0, q=1.0)
    run.names["w"] = np.array([[0.25, -1.0], [2.0, 0.75]])
    return run.names


@pytest.mark.parametrize("name", CELLS)
def test_the_formula_computes_the_gradient(run, names, name):
    lifted, cell = CELLS[name]
    report = run(f"%%grad {lifted}\n{cell}")
    for entry, grad in report.grads.items():
        for index in np.ndindex(np.shape(grad)):
            text = entry + (f"[{','.join(map(str, index))}]" if index else "")
            told = report.explain(text)
            assert told.slope.endswith("/d" + text)
            scope = dict(names)
            expected = grad[index] if index else grad
            assert float(told.value) == pytest.approx(expected, rel=1e-3)
            if not told.formula:
                assert expected == 0 and "does not depend" in told.note
                continue
            assert eval(told.formula, scope) == pytest.approx(expected, rel=1e-3)
            assert eval(told.numbers) == pytest.approx(expected, rel=3e-3, abs=3e-3)


def test_like_ways_through_the_same_entry_are_counted_and_a_mean_divides(run, names):
    report = run("%%grad a\nb = a.T @ a\nc = b.mean()")
    assert report.explain("a[0,0]").lines == (
        "dc/da[0,0] = (2*a[0,0] + a[0,1] + a[0,1])/4",
        "           = (2*1 + 3 + 3)/4",
        "           = 2",
    )
    assert str(report.explain("a[-1][0]")) == (
        "dc/da[1,0] = (2*a[1,0] + a[1,1] + a[1,1])/4 = (2*4 + 2 + 2)/4 = 3"
    )


def test_an_entry_that_nothing_depends_on(run, names):
    told = run("%%grad a\nz = a[0].sum()").explain("a[1,0]")
    assert told.lines == ("dz/da[1,0] = 0", "z does not depend on a[1,0].")


def test_a_weighted_result_begins_with_its_weights(run, names):
    report = run("%%grad v --gradient [3.0,5.0]\ny = v**2")
    assert str(report.explain("v[1]")) == "dy/dv[1] = 5*2*v[1] = 5*(-3) = -15"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("a[5,5]", "a has the shape (2, 2). Write 'a[0,0]'"),
        ("a", "a has the shape (2, 2)"),
        ("zz[0]", "no input 'zz[0]' to explain. The inputs of this report: a."),
        ("a[x]", "no input 'a[x]'"),
    ],
)
def test_a_wrong_entry_is_told_and_the_report_stays(run, names, entry, said):
    report = run(f'%%grad a --explain "{entry}"\nz = a.sum()')
    assert said in " ".join(report.to_text(80, False, False).split())
    with pytest.raises(ReportError) as caught:
        report.explain(entry)
    assert said in str(caught.value)


LARGE = {
    "elementwise": ("v", "y = 2*v**2 + v*u\nz = y.sum()"),
    "layer": ("W b", "h = np.maximum(X @ W + b, 0)\nL = ((h @ V - Y)**2).mean()"),
    "softmax": ("W", "e = np.exp(X @ W)\np = e / e.sum(axis=1, keepdims=True)\nL = -np.log(p[:, 0]).mean()"),
    "views": ("W", "r = W.T[::2].reshape(-1)\nL = (r * np.sort(r)[::-1]).sum()"),
    "norm": ("X", "m = X - X.mean(axis=0)\nL = ((m / np.sqrt((m**2).mean(axis=0) + 1))**3).sum()"),
    "inverse": ("S", "i = np.linalg.inv(S)\nL = i[0, 0] + i.sum()"),
    "several results": (
        "W",
        "a, b = np.split(W, 2)\ns = np.linalg.svd(a, compute_uv=False)\nL = s[1] + (b * a).sum()",
    ),
    "einsum": ("W", "L = np.einsum('ij,jk,il->kl', X, W, X).mean()"),
    "loop": ("c", "s = c * 1.0\nfor k in range(40):\n    s = s * s * 0.3 + c\nL = s"),
}


@pytest.fixture
def large(run):
    rng = np.random.default_rng(5)
    X, W, V, Y = (rng.normal(size=s) for s in ((120, 20), (20, 30), (30, 4), (120, 4)))
    S = rng.normal(size=(12, 12)) + 12 * np.eye(12)
    run.names.update(
        X=X, W=W, V=V, Y=Y, S=S, b=np.zeros(30), u=rng.normal(size=3000), v=rng.normal(size=3000), c=0.3
    )
    return run.names


@pytest.mark.parametrize("name", LARGE)
def test_an_entry_of_a_large_array_is_the_largest_paths_and_what_is_left(run, large, name):
    lifted, cell = LARGE[name]
    report = run(f"%%grad {lifted}\n{cell}")
    for entry, grad in report.grads.items():
        shape = np.shape(grad)
        for index in [tuple(n - 1 for n in shape), tuple(n // 2 for n in shape)] if shape else [()]:
            told = report.explain(entry + (f"[{','.join(map(str, index))}]" if index else ""))
            expected = grad[index] if index else grad
            scale = max(map(abs, _numbers(told.numbers)), default=0.0)
            assert float(told.value) == pytest.approx(expected, rel=1e-3)
            assert not told.note or (expected == 0 and not told.formula)
            if told.formula:
                assert eval(told.numbers) == pytest.approx(expected, rel=5e-3, abs=2e-3 * scale)
                if not told.legend:
                    assert eval(told.formula, dict(large)) == pytest.approx(
                        expected, rel=5e-3, abs=2e-3 * scale
                    )


def _numbers(text):
    return [float(found) for found in re.findall(r"\d+\.?\d*(?:e-?\d+)?", text)]


def test_the_largest_of_many_paths_are_shown_and_counted(run):
    report = run(
        "%%grad w\nw = np.ones(200)\nL = np.exp(w @ np.outer(np.ones(200), np.arange(1000) / 1000)).sum()"
    )
    told = report.explain("w[3]")
    assert told.rest.endswith(": 987 more paths, together.")
    left = float(told.rest.split(":")[0])
    slope = np.arange(1000) / 1000 * np.exp(200 * np.arange(1000) / 1000)
    assert left == pytest.approx(np.sort(slope)[:-12].sum(), rel=1e-3)
    assert max(map(len, str(told).split("\n"))) <= 100


def test_with_fewer_entries_followed_the_rest_is_still_what_is_left(run, large, monkeypatch):
    monkeypatch.setattr(largest_paths, "REACHED", (50,))
    told = run("%%grad W\nL = (np.tanh(X @ W)**2 @ V).sum()").explain("W[3,5]")
    assert told.rest.endswith(": all other paths together.") and not told.note


def test_what_is_not_kept_is_told_by_name(run, tmp_path):
    report = run("%%grad big\nbig = np.linspace(0, 1, 200)\ny = big**2\nz = y.sum()")
    report.save(tmp_path / "a.json")
    with pytest.raises(
        ReportError, match=r"derivatives of y\b.* entry by entry are not kept.*one of the latest"
    ):
        gm.Report.load(tmp_path / "a.json").explain("big[0]")
    later = [run("%%grad q\nq = 1.0\nq * 2") for _ in range(REPORTS - 1)]
    assert later and report.explain("big[0]")


def test_of_earlier_reports_the_large_arrays_are_let_go(run):
    cell = "%%grad big\nbig = np.linspace(0, 1, 200)\nz = (big**2).sum()"
    reports = [run(cell) for _ in range(REPORTS + 1)]
    assert reports[1].explain("big[199]").value == "2"
    with pytest.raises(ReportError, match="one of the latest"):
        reports[0].explain("big[199]")


def test_a_gradient_that_a_hook_changed_is_noted(run):
    report = run(
        "%%grad\nt = gm.tensor([1.0, 2.0], requires_grad=True)\nu = t * 2\n"
        "u.register_hook(lambda g: g * 10)\nz = u.sum()\nz.backward()"
    )
    told = report.explain("t[0]")
    assert told.value == "2" and "The sweep gave 20" in told.note


def test_it_is_on_the_page_and_in_the_terminal(run, names):
    report = run("%%grad a --explain a[0,0] --explain a[1,1]\nc = (a.T @ a).mean()")
    for text in (report.to_text(80, False, False), report.to_html()):
        assert "dc/da[0,0] = (2*a[0,0] + a[0,1] + a[0,1])/4" in text and "dc/da[1,1] =" in text


def test_an_optimizer_that_steps_afterwards_changes_nothing(run):
    report = run(
        "%%grad\nw = gm.tensor([[1.0, 2.0]], requires_grad=True)\nm = gm.tensor([[3.0], [4.0]], requires_grad=True)\n"
        "z = (w @ m).sum()\nz.backward()\nwith gm.no_grad():\n    m -= 100 * m.grad"
    )
    assert report.explain("w[0,0]").value == "3"


@pytest.mark.filterwarnings("error")
def test_complex_derivatives_are_not_explained_by_their_real_parts(run, names):
    report = run("%%grad p\nz = abs(p * 1j + 2)")
    assert "</div>" in report.to_html()
    with pytest.raises(ReportError, match="complex numbers"):
        report.explain("p")
