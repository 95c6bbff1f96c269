"""Promise 2: never silently wrong. Where a gradient is lost there is a note or an error; when all is well, no word."""

# ruff: noqa: E501  (a cell on one line of a table)

import ast
import sys

import numpy as np
import pytest

from gradmagic.cell.reading.names import usage
from gradmagic.errors import GradmagicError

from .cells import CELLS, W, X
from .helpers import fresh, traced

# (setup, names, cell, words of the note): the gradient does not flow through the whole of these.
TEXT = "f'{a:.3f}'" if sys.version_info < (3, 12) else "{a:.3f}"  # positions within f-strings came with 3.12

CUTS = {
    "float stored": (X, "x", "w = float(x[3]) * 2\nz = (x * w).sum()", "line 1: float(x[3]) makes a plain value"),
    "item": (X, "x", "m = x.max().item()\nz = (x - m).sum()", "line 1: x.max().item()"),
    "into an older array": (f"{X}\nout = np.zeros(3)", "x", "for i in range(3):\n    out[i] = x[i]\nz = out.sum() + x.sum()", "line 2: out[i] = ... keeps a plain value, and no gradient flows through it: collect the values"),
    "math": ("import math\na = 2.0", "a", "z = math.nextafter(a, 9) * a", "line 1: math.nextafter(a, 9)"),
    "through a list": ("a = 2.0", "a", "l = []\nl.append(float(a))\nz = l[0] * a", "line 2"),
    "through a dict": ("a = 2.0", "a", "d = {}\nd['k'] = float(a)\nz = d['k'] * a", "line 2"),
    "through a function": ("a = 2.0", "a", "def f(u):\n    v = float(u)\n    return v * 2\nz = f(a) * a", "line 2: float(u)"),
    "through an attribute": (
        "class Box: pass\nbox = Box()\na = 2.0", "a", "box.k = float(a)\nz = box.k * a", "line 1"
    ),
    "in a comprehension": (X, "x", "l = [float(v) for v in x]\nz = sum(l) * x[0]", "line 1: float(v)"),
    "asarray": (X, "x", "def f(u):\n    u = np.array([float(v) for v in u])\n    return u.sum()\nz = f(x) * x[1]", "line 2"),
    "tolist": (X, "x", "l = x.tolist()\nz = l[0] * x.sum()", "line 1: x.tolist()"),
    "out=": (f"{X}\nbuf = np.zeros(17)", "x", "np.multiply(x, 2, out=buf)\nz = (buf * x).sum()", "line 1"),
    "in place in an older array": (f"{X}\nbuf = np.ones(17)", "x", "buf *= x\nz = (buf * x).sum()", "line 1"),
    "for the last expression": ("a = 2.0", "a", "k = float(a)\nk * a", "line 1: float(a)"),
    "text read again": ("a = 2.0", "a", "k = float(f'{a:.3f}')\nz = k * a", f"line 1: {TEXT} makes a plain value of a"),
    "str read again": ("a = 2.0", "a", "z = float(str(a)) * a", "line 1: str(a) makes a plain value of a"),
    "a masked array": (X, "x", "m = np.ma.array(np.ones(17))\nz = (x * m).sum() * x[0]", "line 2: x * m makes a plain value of x, and no gradient flows through it: it meets a masked array; write m.filled(0)"),
    "in compiled code": (f"{X}\nrng = np.random.default_rng(0)", "x", "z = rng.normal(x[0], 1.0, 3).sum() + x.sum()", "line 1: rng.normal(x[0], 1.0, 3) makes a plain value of x[0], and no gradient flows through it: draw plain numbers, and move and scale them"),
    "in a library": (f"{X}\nfrom numpy.ma import masked_less", "x", "z = masked_less(x, 0.5).sum() + x.sum()", "line 1: masked_less(x, 0.5) makes a plain value of x, and no gradient flows through it: write it with NumPy's functions, take differences of it with gm.numeric"),
    "bits": (X, "x", "z = x.view(np.int64).sum() * x[0]", "line 1: x.view(np.int64) makes a plain value of x"),
    "int of an int": ("n = 3", "n", "m = int(n)\nz = n * 2.0 * m", "line 1: int(n)"),
}  # fmt: skip

# Plain values that go nowhere: nothing is lost, and nothing is said.
QUIET = {
    "texts": (X, "x", "s = f'{x} {x[0]:.2f}'\nt = str(x) + repr(x)\nz = x.sum()\nd = {s: float(len(t))}"),
    "printed": (X, "x", "z = x.sum()\nprint(float(z), f'{float(z):.3f}', z.item())"),
    "collected beside": (W, "W", "losses = []\nloss = ((W @ v)**2).sum()\nlosses.append(float(loss))"),
    "compared": ("a = 2.0", "a", "if float(a) > 1:\n    b = a * 2\nz = b * a"),
    "history of a loop": (
        "w = 2.0", "w", "h = []\nfor i in range(3):\n    loss = w * w * (i + 1)\n    h.append((i, float(loss), loss.item() if i > 5 else 0))"
    ),
    "stored but unused": (X, "x", "best = float(x.max())\nz = x.sum()"),
    "used as an index": (X, "x", "n = int(x[-1])\nz = x[:n + 2].sum()"),
    "text": ("a = 2.0", "a", "title = f'a = {float(a):.2f}' + str(float(a))\nz = a * a"),
    "plotted": (
        X + "\nimport matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt", "x",
        "y = x**2\nfig, ax = plt.subplots()\nax.plot(x, y)\nplt.title(f'{x.sum()}')\nz = y.sum()",
    ),
    "asserted": (X, "x", "assert np.allclose(np.asarray(x), x.tolist())\nz = x.sum()"),
    "in a function of the cell": ("a = 2.0", "a", "def f(u):\n    print(float(u))\n    return u * u\nz = f(a)"),
}  # fmt: skip


@pytest.mark.parametrize("title", CUTS)
def test_where_a_gradient_is_cut_the_reader_is_told_the_line(title):
    setup, names, text, words = CUTS[title]
    trace = traced(text, fresh(setup), names)
    cuts = [note for note in trace.notes if note.kind == "cut"]
    assert any(words in note.text and note.line == int(words.split()[1].rstrip(":")) for note in cuts), cuts


@pytest.mark.parametrize("title", QUIET)
def test_where_all_is_well_there_is_no_word(title):
    setup, names, text = QUIET[title]
    assert traced(text, fresh(setup), names).notes == ()


def test_a_cut_in_a_function_of_an_earlier_cell():
    namespace = fresh("a = 2.0")
    exec(compile("def f(u):\n    return float(u) * 2", "<earlier>", "exec"), namespace)
    (note,) = [n for n in traced("y = 1\nz = f(a) * a", namespace, "a").notes if n.kind == "cut"]
    assert note.line == 2


def test_when_nothing_is_left_the_error_says_where_the_path_ends():
    with pytest.raises(GradmagicError, match=r"line 1.*float\(a\)"):
        traced("y = float(a) * 2", fresh("a = 2.0"), "a")


@pytest.mark.parametrize(
    "title", [t for t, (_, names, _) in CELLS.items() if names and "gm." not in CELLS[t][0]]
)
def test_gradients_are_right_or_there_is_a_note(title):
    """Against differences: run the plain cell with one entry of an input moved."""
    setup, names, text = CELLS[title]
    namespace = fresh(setup)
    trace = traced(text, namespace, names)
    if (
        any(note.kind in ("cut", "alias") for note in trace.notes)
        or trace.result is None
        or np.iscomplexobj(namespace.get(names, 0))
    ):
        return
    for entry in trace.inputs:
        name = entry.name
        if (
            entry.kind not in ("ndarray", "float", "int", "numpy scalar")
            or entry.value.size == 0
            or name not in fresh(setup)
        ):
            continue
        if name in usage(ast.parse(text)).first or (
            entry.value.dtype.startswith("int") and entry.kind == "ndarray"
        ):
            continue
        gradient = np.asarray(entry.array, float)
        if entry.value.dtype == "float32":
            tolerance, step = 2e-2, 1e-2
        else:
            tolerance, step = 1e-5, 1e-6
        for at in {(0,) * gradient.ndim, (-1,) * gradient.ndim}:
            values = []
            for sign in (1, -1):
                moved = fresh(setup)
                if isinstance(moved[name], np.ndarray):
                    moved[name][at] += sign * step
                else:
                    moved[name] = (
                        type(moved[name])(moved[name] + sign * step)
                        if entry.kind != "int"
                        else moved[name] + sign * step
                    )
                try:
                    exec(compile(text, "<moved>", "exec"), moved)
                except (TypeError, AssertionError):
                    return  # range(n) of a float, an assertion about the unmoved values
                values.append(float(np.real(eval(trace.result.name, moved))))
            assert gradient[at] == pytest.approx(
                (values[0] - values[1]) / (2 * step), rel=tolerance, abs=tolerance
            ), name


NANS = {
    "backward": ("s = np.array([0.0, 1.0, 4.0])", "y = np.where(s > 0, np.sqrt(s), 0.0)\nz = y.sum() * 1.0", "line 1: on the way back, np.sqrt(s)"),
    "forward": ("s = np.array([0.0, 1.0])", "e = s - 1\ny = np.log(s)\nz = y.sum()", "line 2: y makes an infinity, the first in the cell, from s = [0, 1]"),
}  # fmt: skip


@pytest.mark.parametrize("title", NANS)
def test_the_first_operation_that_is_not_finite_is_named(title):
    setup, text, words = NANS[title]
    namespace = fresh(setup)
    with np.errstate(all="ignore"):
        notes = [note.text for note in traced(text, namespace, "s").notes if note.kind == "nan"]
    assert len(notes) == 1 and words in notes[0]
