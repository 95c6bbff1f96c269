"""Odd things that a cell computes with, or that only lie in the namespace: the cell runs, and its report is written."""

# ruff: noqa: E501  (a cell on one line of a table)

import warnings

import numpy as np
import pytest

from gradmagic.cell.run import Failed
from gradmagic.report.files.json import to_json
from gradmagic.report.model import ReportError
from gradmagic.report.report import Report
from tests.cell.helpers import fresh, traced

SWEEP = "t = gm.tensor(2.0, requires_grad=True)\nz = t * t\nz.backward()"

# Objects that answer no question, or each with an error: what the cell does not use is not asked.
LYING_THERE = {
    "a module that is not ready": "from gradmagic import nn\nclass M(nn.Module):\n    def __init__(self): pass\no = M()",
    "a module with methods of its own": "from gradmagic import nn\nclass M(nn.Module):\n    def named_parameters(self, *a, **k): raise OSError\n    parameters = named_modules = __getattr__ = named_parameters\no = M()",
    "a module of another library": "class P: requires_grad = True\nclass M:\n    def named_parameters(self): yield 'p', P()\n    def parameters(self): yield P()\n    def named_modules(self): yield '', self\no = M()",
    "a module that loads when asked": "class M:\n    def named_parameters(self): raise OSError\n    parameters = named_modules = named_parameters\no = M()",
    "an optimizer that is not ready": "from gradmagic import optim\nclass O(optim.Optimizer):\n    def __init__(self): pass\no = O()",
    "a proxy of nothing": "class O:\n    __class__ = property(lambda self: 1 / 0)\no = O(); l = [o]; d = {'k': o}",
    "a proxy of a tensor": "class O: __class__ = gm.Tensor\no = O(); l = [o]; d = {'k': o}",
    "a proxy of a module": "from gradmagic import nn\nclass O: __class__ = nn.Module\no = O(); l = [o]; d = {'k': o}",
    "a key without text": "class K:\n    def __repr__(self): raise OSError\nd = {K(): np.ones(3), K(): gm.tensor(1.0)}",
    "no attribute": "class O:\n    def __getattr__(self, name): raise OSError\no = O(); l = [o]",
}


@pytest.mark.parametrize("cell", [SWEEP, "y = x * 2"], ids=["tensors", "numbers"])
@pytest.mark.parametrize("setup", LYING_THERE.values(), ids=list(LYING_THERE))
def test_what_the_cell_does_not_use_is_not_asked(setup, cell):
    trace = traced(cell, fresh(f"{setup}\nx = 2.0"), "" if cell is SWEEP else "x")
    assert not trace.notes
    assert Report(trace).to_html()


PROXY = """
class O:
    __class__ = property(lambda self: 1 / 0)
    f = __call__ = lambda self, y: y * 3
    def __getitem__(self, i): return 2.0
    def __iter__(self): return iter([1.0])
    def __len__(self): return 1
o = O(); x = 2.0
"""


@pytest.mark.parametrize("names", ["x", ""])
@pytest.mark.parametrize(
    "cell",
    "o.f(x)|o(x)|o[0] * x|sum(a * x for a in o)|[o][0].f(x)|len(o) * x|x if o is None else x * 2|(k := o).f(x)".split(
        "|"
    ),
)
def test_what_the_cell_uses_is_asked_no_more_than_the_cell_asks(cell, names):
    namespace, plain = fresh(PROXY), fresh(PROXY)
    assert Report(traced(f"z = {cell}", namespace, names)).to_html()
    exec(f"z = {cell}", plain)
    assert namespace["z"] == plain["z"]


@pytest.mark.parametrize("number", ["10**20", "-(2**64)", "2**63", "10**400"])
@pytest.mark.parametrize("cell", ["y = x * n", "y = np.maximum(x, n) + x", "y = x * (2.0 if x < n else 3.0)"])
def test_an_int_larger_than_numpys_meets_a_number(number, cell):
    setup, plain = f"x = 2.0\nn = {number}", fresh(f"x = 2.0\nn = {number}")
    try:
        exec(cell, plain)
    except OverflowError:
        with pytest.raises(Failed, match="OverflowError"):
            traced(cell, fresh(setup), "x")
        return
    namespace = fresh(setup)
    report = Report(traced(cell, namespace, "x"))
    assert namespace["y"] == plain["y"]
    assert report.to_text()
    assert report.to_html()


@pytest.mark.parametrize("f", ["maximum", "minimum", "fmax", "fmin", "clip"])
@pytest.mark.parametrize("other", ["2", "2.5 + 1j", "1 + 2j", "np.ones(3)", "complex('nan')"])
def test_pythons_complex_numbers_are_ordered_as_numpy_orders_them(f, other):
    cell = f"y = np.{f}(a, {other}{', 3 + 1j' if f == 'clip' else ''})\nz = np.sum(np.real(y))"
    of_number, of_numpys = (traced(cell, fresh(f"a = {a}"), "a") for a in ("1 + 2j", "np.complex128(1 + 2j)"))
    np.testing.assert_array_equal(of_number.inputs[0].array, of_numpys.inputs[0].array)


def test_an_error_without_text_fails_as_it_fails():
    setup = "class Bad(Exception):\n    def __str__(self): raise OSError\nx = 2.0"
    with pytest.raises(Failed) as failed:
        traced("y = x * 2\nraise Bad()", fresh(setup), "x")
    assert failed.value.trace.error == "Bad: <exception str() failed>"
    assert type(failed.value.__cause__).__name__ == "Bad"


def test_entries_are_called_by_their_keys_or_by_their_places():
    setup = "class K:\n    def __repr__(self): raise OSError\nd = {'W': np.ones(2), K(): np.ones(3), K(): np.ones(4)}"
    trace = traced("y = sum(np.sum(v) for v in d.values())", fresh(setup), "d")
    assert [entry.name for entry in trace.inputs] == ["d['W']", "d[<K 2>]", "d[<K 3>]"]


HALF = "'\\ud800'"


@pytest.mark.parametrize(
    ("setup", "cell"),
    {
        "an error's text": ("x = 2.0", f"raise ValueError({HALF})"),
        "text": ("x = 2.0", f"s = {HALF}\ny = x * len(s)"),
        "a key": (f"x = {{{HALF}: np.ones(3)}}", f"y = np.sum(x[{HALF}] * 2)"),
        "a constant": ("x = np.ones(3)", f"y = np.sum(np.where(np.array([{HALF}, 'a', 'b']) == 'a', x, 2 * x))"),
        "no entries": ("x = np.ones((0, 3))", "y = np.sum(x * 2)"),
        "no entries of a product": ("x = np.ones((0, 3))", "y = (x @ np.ones((3, 2))).sum()"),
        "no entries of a row": ("x = np.ones(0)", "y = np.sum(x)"),
        "long complex numbers": ("x = np.full(3, 1 + 2j, np.clongdouble)", "y = np.abs(x).sum()"),
        "long numbers": ("x = np.ones(3, np.longdouble)", "y = np.abs(x * 2).sum()"),
        "one long number": ("x = np.clongdouble(1 + 2j)", "y = abs(x)"),
        "a loss that is never a number": ("x = gm.tensor(float('nan'), requires_grad=True)", "for i in range(5):\n    l = x * 2\n    l.backward()\n    with gm.no_grad(): x -= 0.1 * x.grad\n    x.grad = None"),
        "a loss that is never finite": ("x = gm.tensor(float('inf'), requires_grad=True)", "for i in range(5):\n    l = x * x\n    l.backward()\n    with gm.no_grad(): x -= 0.1 * x.grad\n    x.grad = None"),
    }.values(),
)  # fmt: skip
def test_each_form_of_the_report_is_written(setup, cell):
    try:
        trace = traced(cell, fresh(setup), "x")
    except Failed as failed:
        trace = failed.trace
    report = Report(trace)
    for text in (report.to_text(), report.to_html(), to_json(trace), report.to_markdown()):
        assert text.encode()


def test_an_entry_of_an_input_without_entries_is_refused_in_words():
    report = Report(traced("y = np.sum(x * 2)", fresh("x = np.ones((0, 3))"), "x"))
    with pytest.raises(ReportError, match=r"there is no entry x\[0,0\]: x has the shape \(0, 3\)\.$"):
        report.explain("x[0,0]")


# What NumPy computes of Python's numbers, and Python itself refuses: 1 / 0, 1e308**1e308.
SINGULAR = [
    ("log2", 0.0), ("log10", 0.0), ("log", 0.0), ("log1p", -1.0), ("arctan", 1j), ("arctanh", 1.0), ("reciprocal", 0.0),
    ("sqrt", 0.0), ("cbrt", 0.0), ("arcsin", 1.0), ("power", 1e308, 1e308), ("power", 800.0, 400), ("power", 0.0, -1.0),
    ("float_power", 1e308, 1e308), ("fmod", 1.0, 0.0), ("divide", 1.0, 0.0), ("exp", 1000.0), ("arctan2", 0.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("f", "args"), [(f, args) for f, *args in SINGULAR])
@pytest.mark.filterwarnings("ignore")
def test_a_number_of_pythons_has_the_derivative_of_numpys(f, args):
    call = f"z = np.real(np.{f}({', '.join('ab'[: len(args)])}))"
    for name in "ab"[: len(args)]:
        values = [*args, 0][:2]
        of_pythons, of_numpys = (
            traced(call, fresh(f"a, b = {', '.join(map(write, values))}"), name).inputs[0].array
            for write in (repr, lambda v: f"np.asarray({v!r})[()]")
        )
        np.testing.assert_allclose(of_pythons, of_numpys)


WARNING = """y = np.prod(x * 1e200)|y = np.cumprod(x * 1e200)\nz = y.sum()|y = np.log(x - x)\nz = y.sum()
y = np.logaddexp(x * 1e308, x * 1e309)\nz = y.sum()|y = x**400\nz = y.sum()|y = np.var(x * 1e200)|y = 1 / (x - x)\nz = y.sum()"""
WARNINGS = [
    ("x = np.array([7.0, 71.0, 800.0])", cell) for cell in WARNING.replace("\ny", "|y").split("|")
] + [("t = gm.tensor([800.0], requires_grad=True)", "y = (t**20).sum()\ny.backward()")]


@pytest.mark.parametrize(("setup", "cell"), WARNINGS)
def test_numpy_warns_of_what_the_cell_computes_and_of_nothing_else(setup, cell):
    def warned(run):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            run()
        return [str(one.message) for one in found]

    def with_magic():
        report = Report(traced(cell, fresh(setup), "" if setup.startswith("t") else "x"))
        assert report.to_text()
        assert report.to_html()

    code = compile(cell, "<cell of a test>", "exec")
    assert warned(with_magic) == warned(lambda: exec(code, fresh(setup)))
