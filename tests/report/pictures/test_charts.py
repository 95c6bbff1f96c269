"""Charts and short forms of small things: gaps are shown as gaps, small arrays entry by entry."""

import re
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.report.page.latex import to_latex
from gradmagic.report.parts.steps import steps
from gradmagic.report.pictures.charts import chart
from gradmagic.report.shown.view import View
from gradmagic.report.text.to_text import to_text
from tests.cell.helpers import fresh, traced

NAN = float("nan")


def test_a_line_has_a_gap_where_there_is_no_number():
    drawn = chart("dz/dx", [0, 1, 2, 3, 4], [5, 6, NAN, 7, 8], "x")
    (line,) = re.findall(r'class="l" d="([^"]+)"', drawn)
    assert line.count("M") == 2 and line.count("L") == 2
    assert drawn.count('class="n"') == 1 and ">NaN</text>" in drawn
    assert "no finite number at 1 of 5 points" in drawn


def test_the_axis_reaches_to_a_point_without_a_number():
    """So that x against y and x against the slope stand below each other."""
    drawn = chart("dz/dx", [0, 1, 4], [NAN, 0.5, 0.25], "x")
    assert re.search(r'text-anchor="start">0</text>', drawn) and "over 0 to 4" in drawn
    (line,) = re.findall(r'class="l" d="([^"]+)"', drawn)
    assert line.count("M") == line.count("L") == 1


@pytest.mark.parametrize("y", [[1, 2, 3], [NAN] * 3])
def test_a_line_without_gaps_and_one_without_points(y):
    drawn = chart("y", [0, 1, 2], y, "x")
    assert ('class="n"' in drawn) is (y[0] != y[0]) and ('class="l"' in drawn) is (y[0] == y[0])


def test_a_long_line_keeps_its_gaps():
    y = np.arange(1000.0)
    y[500:510] = NAN
    drawn = chart("y", np.arange(1000), y, "x")
    assert drawn.count('class="n"') == 10 and len(drawn) < 6000


def test_what_makes_a_nan_stands_in_the_text():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = traced(
            "y = np.where(x > 0, np.sqrt(x), 0)\nz = y.sum()", fresh("x = np.array([0.0, 1.0, 4.0])"), "x"
        )
    text = to_text(View.of(trace, 60))
    assert "1 * 0 * inf = NaN" in text
    assert re.search(r"dz/dx over x +\S+ +0.25 .. 0.5 +\? is NaN", text)


@pytest.mark.parametrize(
    ("text", "how"),
    [("A.T", "(1) grad.T"), ("np.transpose(A)", "(1) grad.T"), ("A.transpose()", "(1) grad.T"),
     ("np.transpose(A, (0, 1))", "(1) 1, turned back")],
)  # fmt: skip
def test_a_transpose_goes_back_transposed(text, how):
    trace = traced(
        f"B = {text}\nm = (B * W).sum()", fresh("A = np.eye(2)\nW = np.array([[1.0, 2], [3, 4]])"), "A"
    )
    last = steps(View.of(trace, 60))[-1]
    assert last.flows[0].how == how


def test_a_small_matrix_is_shown_entry_by_entry():
    trace = traced("P = A.T @ A\nm = P.mean()", fresh("A = np.array([[1.0, 3], [4, 2]])"), "A")
    rows = [line.split("  ") for line in to_text(View.of(trace, 60)).splitlines() if "P = A.T @ A" in line]
    assert "[[17, 11], [11, 13]]" in rows[0]
    assert "[[1, 1.5], [1, 1.5]]" in to_text(View.of(trace, 60))


@pytest.mark.parametrize(
    ("u", "v", "to_u", "to_v"),
    [((2, 3), (3, 4), "grad @ v.T", "u.T @ grad"), ((3,), (3, 4), "grad @ v.T", "outer(u, grad)"),
     ((2, 3), (3,), "outer(grad, v)", "u.T @ grad"), ((3,), (3,), "grad*v", "grad*u"),
     ((5, 2, 3), (5, 3, 4), "grad @ v.mT", "u.mT @ grad"), ((5, 2, 3), (3, 4), "grad @ v.mT", "u.mT @ grad, summed"),
     ((1, 2, 3), (5, 3, 4), "grad @ v.mT, summed", "u.mT @ grad"), ((5, 2, 3), (3,), "", ""),
     ((6, 5, 2, 3), (3,), "", ""), ((3,), (5, 3, 4), "", "")],
)  # fmt: skip
def test_the_way_back_of_a_product_is_one_that_can_be_computed(u, v, to_u, to_v):
    """The words are held against the numbers: NumPy computes them."""
    rng = np.random.default_rng(0)
    names = fresh("from numpy import outer")
    names["u"], names["v"] = rng.normal(size=u), rng.normal(size=v)
    names["w"] = rng.normal(size=np.shape(names["u"] @ names["v"]))
    shown = View.of(traced("y = u @ v\nz = (y * w).sum()", names, "u v"), 60)
    product = next(o for o in shown.operations if o.rule == "matmul")
    told = [shown.words(product, edge) for edge in product.inputs]
    assert told == [to_u, to_v]
    for words, entry in zip(told, shown.trace.inputs, strict=True):
        if words:
            found = eval(words.removesuffix(", summed"), names | {"grad": names["w"]})
            found = found.sum(0).reshape(entry.array.shape) if words.endswith("summed") else found
            np.testing.assert_allclose(found, entry.array, err_msg=words)


@pytest.mark.parametrize("shape", [(5, 3), (3,)])
def test_the_way_back_of_a_dense_layer_is_one_that_can_be_computed(shape):
    rng = np.random.default_rng(0)
    names = fresh("from numpy import outer")
    for name, of in {"x": shape, "W": (4, 3), "b": (4,)}.items():
        names[name] = gm.tensor(rng.normal(size=of), requires_grad=True)
    names["w"] = gm.tensor(rng.normal(size=(*shape[:-1], 4)))
    shown = View.of(traced("y = gm.nn.functional.linear(x, W, b)\nz = (y * w).sum()", names, "x W b"), 60)
    layer = next(o for o in shown.operations if o.rule == "dense")
    plain = {name: names[name].detach().numpy() for name in "xWb"} | {"outer": np.outer}
    for edge, entry in zip(layer.inputs, shown.trace.inputs, strict=True):
        words = shown.words(layer, edge)
        grad = names["w"].numpy()
        if words.startswith("1"):
            found = grad.sum(0) if words == "1, summed" else grad
        else:
            found = eval(words, plain | {"grad": grad})
        np.testing.assert_allclose(found, entry.array, err_msg=words)


@pytest.mark.parametrize(
    ("text", "term"),
    [("(u @ W) @ k", r"&= \operatorname{outer}\left(u, \frac{\partial z}{\partial \left(u\,W\right)}\right)"),
     ("(W.T * M).sum()", r"&= \left(\frac{\partial z}{\partial \left(W^{\top}\right)}\right)^{\top}"),
     ("((B @ W) * C).sum()", r"&= B^{\top}\,\frac{\partial z}{\partial \left(B\,W\right)}\;\text{[summed]}")],
)  # fmt: skip
def test_the_same_in_latex(text, term):
    setup = "u, k, W, M, B, C = (np.ones(s) for s in [2, 3, (2, 3), (3, 2), (5, 4, 2), (5, 4, 3)])"
    assert term in to_latex(View.of(traced(f"z = {text}", fresh(setup), "W"), 60))
