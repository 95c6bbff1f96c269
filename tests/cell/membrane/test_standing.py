"""`--dtype` and `--device`: what stands in for the inputs while a cell runs, and what the names hold afterwards."""

import contextlib
import gc
import io

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.cell.membrane.same_part import same_part
from gradmagic.engine.core import arrays
from gradmagic.errors import DeviceError
from tests.cell.helpers import differences, fresh, traced
from tests.fuzz import reach

gpu = pytest.mark.gpu
SETUP = """
x = np.array([0.3, -0.7, 1.1])
y = np.array([[0.5, 0.2, -0.4], [1.5, 0.9, 0.6]])
w = np.array([2.0, 3.0, 4.0])
k = np.array([0, 0, 2])
a = 1.5
kept = x
tail = x[1:]
p = {'w': w, 'rows': [y, (x, 'text')]}
class Box:
    pass
box = Box()
box.x, box.n = x, 3
"""


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(
    "text",
    [
        "z = (x * x).sum()",
        "u = x\nq = [x, (x, tail), {'x': x}]\nz = (x * tail[0]).sum()",
        "v = x[::-1]\nt = y.T[1:]\nz = v.sum() + t.sum()",
        "x[0] = 2 * x[1]\nz = (x * x).sum()",
        "x += 1\nz = (x * kept).sum() + tail.sum()",
        "tail[0] = 5\nz = (x * x).sum()",
        "def f(s, d=x):\n    return (s * d).sum()\nz = f(x)\nheld = lambda: x",
        "box.x[1] = 3\nbox.q = x\nz = (box.x * x).sum() * box.n",
        "z = (p['w'] * p['rows'][1][0]).sum()",
        "g = (x for _ in range(2))\nz = next(g).sum()",
        "s = x.sum\nz = s()",
        "z = (x * a).sum()\nb = a",
    ],
)
def test_afterwards_the_names_hold_the_users_own(text, dtype):
    """Wherever the cell has put them, inputs are the very objects, and values those of a cell in that dtype."""
    ""
    plain, names = fresh(SETUP), fresh(SETUP)
    own = {n: names[n] for n in ("x", "y", "w", "kept", "tail", "p", "box", "a")}
    x, rows = names["x"], names["p"]["rows"]
    traced(text, names, "x y p a", dtype=dtype)
    exec(text, plain)
    assert {n for n in own if names[n] is not own[n]} == set()
    assert names["p"]["rows"] is rows and rows[1][0] is x and names["box"].x is x
    for name in ("u", "q", "v", "t", "held", "f", "s", "b", "x", "y", "p", "box"):
        if name in plain and dtype == "float64":  # in others the cell writes other numbers
            assert differences(plain[name], names[name], name) == []
    assert np.shares_memory(names["tail"], x)


def test_results_are_in_the_dtype():
    names = fresh(SETUP)
    trace = traced("u = x * 2\nz = u.sum() * a", names, "x a", dtype="float32")
    assert names["u"].dtype == np.float32 and type(names["z"]) is np.float32
    assert {i.name: i.value.dtype for i in trace.inputs} == {"x": "float32", "a": "float32"}
    assert trace.inputs[0].array.dtype == np.float32
    np.testing.assert_allclose(trace.inputs[0].array, np.full(3, 3))


def test_a_write_reaches_the_users_array_and_the_rest_stays_exact():
    names = fresh("x = np.array([0.1, 0.2, 0.3])")
    x = names["x"]
    traced("x[0] = 7\nz = (x * x).sum()", names, "x", dtype="float32")
    assert names["x"] is x and x.tolist() == [7.0, 0.2, 0.3]


def test_what_was_assigned_in_the_cell_is_an_input_too():
    names = fresh()
    trace = traced("x = np.array([1.0, 2.0])\nu = x\nz = (x * x).sum()", names, "x", dtype="float32")
    assert names["x"].dtype == np.float64 and names["u"] is names["x"] and type(names["z"]) is np.float32
    np.testing.assert_allclose(trace.inputs[0].array, [2, 4])


def test_a_cell_that_fails_puts_back():
    names = fresh(SETUP)
    x = names["x"]
    with pytest.raises(Exception, match="ZeroDivisionError"):
        traced("u = [x]\n1 / 0", names, "x", dtype="float32")
    assert names["x"] is x and names["u"][0] is x


def test_unnamed_inputs_stand_in_that_dtype():
    names = fresh("x = np.array([0.1, 0.2])\ny = x[::-1]")
    x = names["x"]
    trace = traced("z = (x * y).sum()", names, dtype="float32")
    assert type(names["z"]) is np.float32 and names["x"] is x
    np.testing.assert_allclose(trace.inputs[0].array, 2 * x[::-1], rtol=1e-6)  # through y, too


def test_parts_of_arrays():
    whole = np.arange(24.0).reshape(2, 3, 4)
    for whole_is in (whole, np.asfortranarray(whole), np.arange(96.0).reshape(4, 6, 4)[::2, ::2]):
        other = whole_is.astype(np.float32)
        wide = np.zeros((4, 6, 8), np.float32)[: other.shape[0], ::2, ::2]
        wide[...] = other
        for part in (whole_is[1:], whole_is[..., ::2], whole_is[1, 2, 3:4], whole_is.T, whole_is[0].T[1:, ::2],
                     whole_is[:, ::-1], np.broadcast_to(whole_is[0, 0], (3, 4)), whole_is[1, 1, 1]):  # fmt: skip
            for target in (other, wide):
                got = same_part(np.asarray(part) if part.ndim else whole_is[1, 1, 1:2], whole_is, target)
                expected = part if part.ndim else whole_is[1, 1, 1:2]
                assert got is not None and np.array_equal(got, expected) and np.shares_memory(got, target)
    beyond = np.arange(10.0)
    assert same_part(beyond[2:], beyond[2:5], np.zeros(3)) is None


# ---- on a device -----------------------------------------------------------------------------------------------

CELLS = {
    "constants": "z = (np.arange(3) * x - np.array([1.0, 2, 3])).sum() + (x - [1, 2, 3]) @ w",
    "joined": "z = (np.concatenate([x, np.ones(3)]) ** 2).sum() + np.stack([x, w]).max()",
    "entries": "b = np.array([x[0] * x[1], x[2]])\nc = np.array([x[0], 2.0])\nz = (b * b).sum() + (c * c).sum()",
    "drawn": "rng = np.random.default_rng(1)\nz = (rng.random(3) * x).sum()",
    "buffers": "b = np.zeros(3)\nfor i in range(3):\n    b[i] = x[i] * i\nz = (b * w).sum() + (b * x).sum()",
    "into the device": "b = x * 1\nb[1:] = np.array([4.0, 5.0])\nb += np.ones(3)\nz = (b * b * x).sum()",
    "into the host": "b = np.ones(3)\nb += x\nb[:2] *= w[:2]\nnp.multiply(b, x, out=b)\nz = (b * b).sum()",
    "where": "z = np.where(x > 0, x, np.zeros(3)).sum() + x[np.array([0, 2])].sum()"
    " + x[np.array([True, False, True])].sum()",
    "indices": "z = (x[k] * x[1]).sum() + y[[0, 1], [2, 1]].sum() + ['a', 'b'].index('b') * x[np.argmax(x)]",
    "numbers": "import math\nf = float(x[0])\nz = math.sin(f) + f * x.sum() + math.exp(x[1])",
    "text": "s = f'{x.sum():.3f} {x[0]!r}'\nt = str(x)\nz = (x * x).sum()",
    "lacking": "z = np.insert(x, 1, 5.0).sum() + np.block([x, w]).sum() + np.trace(np.outer(x, x))",
    "functions": "def f(s, W=w):\n    return s * W + np.ones(3)\nz = f(x).sum() + f(w).sum()",
    "loops": "z = 0.0\nfor c, d in zip(x, np.arange(3)):\n    z = z + c * d\nfor row in y:\n    z = z"
    " + (row * x).sum()",
    "linear algebra": "z = np.linalg.solve(y @ y.T + np.eye(2), y[:, 0]).sum() + np.dot(y, w).sum()"
    " + (w @ y.T).sum()",
    "library": "import json\nu = json.dumps([float(x[0])])\nv = np.save\nz = (x * x).sum()",
    "methods": "z = w.dot(y.T).sum() + x.clip(0, 1).sum() + np.ones((2, 2)).dot(y).sum() + y.T.copy().ravel()[1]",
    "a shape set": "b = y * 2\nb.shape = (3, 2)\nz = (b[1] * b[2]).sum()",
    "views": "v = y[0]\nu = y.T\nq = y * 2\nr = q[1:]\nv[0] = 3.0\nz = (u * u).sum() + r.sum()",
    "containers": "h = []\nfor i in range(3):\n    h.append(x * i)\nd = {'s': h[1].sum(), 't': (h[2], 1)}"
    "\nz = sum(h).sum() + d['s']",
    "objects": "class N:\n    pass\nn = N()\nn.v = x * 2\nn.f = lambda: n.v\nz = (n.f() * x).sum()",
    "scipy": "from scipy import special\nz = special.erf(x).sum() + special.gammaln(w + x * x).sum()",
    "comparisons": "m = x > np.array([0.0, 0.0, 2.0])\nn = x == [0.3, 0, 0]\nz = (x * m).sum() + (x * n).sum()",
    "a number on both sides": "q = np.insert(np.array([a, 1.0]), 0, a)\nz = (x * a).sum() + (q * q).sum()",
    "named in containers": "z = (p['w'] * p['rows'][1][0]).sum()",
}  # fmt: skip


@gpu
@pytest.mark.parametrize("names", ["x y", "x y w", "p x a"])
@pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))
def test_a_cell_on_the_device_leaves_what_it_leaves_on_the_host(cell, names):
    there, here = fresh(SETUP), fresh(SETUP)
    own = {n: there[n] for n in ("x", "y", "w", "kept", "tail", "p", "box")}
    with contextlib.redirect_stdout(io.StringIO()):
        expected, got = traced(cell, here, names), traced(cell, there, names, device="cuda")
    assert got.device == "cuda:0"
    assert {n for n in own if there[n] is not own[n]} == set()
    for name, value in here.items():
        if name.startswith("__") or name in ("s", "np", "gm"):
            continue
        close = arrays.is_array(value) or isinstance(value, (float, np.generic))
        if close:
            assert type(there[name]) is type(value), name
            np.testing.assert_allclose(there[name], value, rtol=1e-12, err_msg=name)
    shared = [{(a, b) for a in n for b in n if all(type(n[c]) is np.ndarray for c in (a, b)) and
               np.shares_memory(n[a], n[b])} for n in (here, there)]  # fmt: skip
    assert shared[0] == shared[1]
    for one, other in zip(expected.inputs, got.inputs, strict=True):
        assert type(one.array) is type(other.array)
        np.testing.assert_allclose(other.array, one.array, rtol=1e-9, atol=1e-12, err_msg=one.name)
    assert [n.text for n in got.notes if n.kind != "moved"] == [n.text for n in expected.notes]
    nothing_left(there)


def nothing_left(names) -> None:
    """No array of a device is reached from the user's names."""
    from gradmagic.cell.lifting.restore import held_by

    values = [v for n, v in names.items() if not n.startswith("__")]
    assert not [v for v in held_by(values) if arrays.is_array(v) and arrays.on_device(v)]


@gpu
def test_what_was_taken_along_is_counted_and_said_once():
    names = fresh(SETUP)
    trace = traced(
        "z = 0\nfor i in range(3):\n    z = z + (x * w - np.arange(3)).sum()", names, "x", device="cuda"
    )
    (note,) = [n for n in trace.notes if n.kind == "moved"]
    assert note.line == 3 and note.text.startswith(
        "4 arrays of the host were taken along to the device (first in x * w"
    )
    assert not traced("z = (x * 2).sum()", fresh(SETUP), "x", device="cuda").notes


@gpu
def test_the_users_own_device_arrays_stay_there():
    cupy = arrays.cupy()
    names = fresh(SETUP) | {"c": cupy.ones(3), "cs": [cupy.ones(2)]}
    c, first = names["c"], names["cs"][0]
    trace = traced("d = c\nz = (x * c).sum() + cs[0].sum()", names, "x c", device="cuda")
    assert names["c"] is c and names["d"] is c and names["cs"][0] is first and type(names["z"]) is np.float64
    np.testing.assert_allclose(trace.inputs[1].array, names["x"])


@gpu
def test_writes_reach_the_users_arrays():
    names = fresh(SETUP)
    x = names["x"]
    traced("x[0] = 7\nx *= 2\ntail[1] = 1\nz = (x * x).sum()", names, "x", device="cuda")
    assert names["x"] is x and x.tolist() == [14.0, -1.4, 1.0] and names["tail"].tolist() == [-1.4, 1.0]


@gpu
def test_dtype_and_device_together():
    names = fresh(SETUP)
    trace = traced("u = x * 2\nz = (u * u).sum()", names, "x", device="cuda", dtype="float32")
    assert (
        names["u"].dtype == np.float32 and type(names["u"]) is np.ndarray and names["x"].dtype == np.float64
    )
    np.testing.assert_allclose(trace.inputs[0].array, 8 * names["x"], rtol=1e-6)


@gpu
def test_a_cell_that_fails_on_the_device_puts_back():
    names = fresh(SETUP)
    x = names["x"]
    with pytest.raises(Exception, match="ZeroDivisionError"):
        traced("u = [x * 2, x]\n1 / 0", names, "x", device="cuda")
    assert names["x"] is x and names["u"][1] is x and type(names["u"][0]) is np.ndarray


@gpu
def test_a_cell_on_the_host_of_device_arrays():
    cupy = arrays.cupy()
    names = fresh() | {"c": cupy.asarray([1.0, 2.0]), "d": cupy.asarray([3.0, 4.0])}
    c = names["c"]
    trace = traced(
        "u = np.insert(c, 0, 1.0)\nz = (c * c).sum() + u.sum() + (c * d).sum()", names, "c", device="cpu"
    )
    assert names["c"] is c and type(names["u"]) is np.ndarray and trace.device == "cpu"
    np.testing.assert_allclose(trace.inputs[0].array, [6, 9])


@gpu
@pytest.mark.parametrize("device", ["cuda:0", "tpu"])
def test_names_of_devices(device):
    names = fresh(SETUP)
    x = names["x"]
    if device == "tpu":
        with pytest.raises(DeviceError, match="unknown"):
            traced("z = x.sum()", names, "x", device=device)
    else:
        traced("z = x.sum()", names, "x", device=device)
    assert names["x"] is x


WRITTEN = {
    "rng.shuffle(x)": "rng = np.random.default_rng(0)\nrng.shuffle(x)\nz = (x * w).sum()",
    "a method with a host's target": "b = np.zeros(3)\nx.cumsum(0, float, b)\nz = (b * w).sum()",
    "fill": "b = np.zeros(3)\nb.fill(x[1])\nb[0] = x[0]\nz = (b * w).sum()",
    "put": "b = np.zeros(3)\nnp.put(b, [0, 2], x[:2])\nb[[1]] = x[2]\nz = (b * w).sum()",
    "a list of entries": "b = np.zeros(3)\nb[:2] = [x[0], x[1] * x[2]]\nz = (b * w).sum()",
    "by a library": "import random\nrandom.Random(1).shuffle(p['rows'])\nz = x.sum()",
}


@gpu
@pytest.mark.parametrize("cell", WRITTEN.values(), ids=list(WRITTEN))
def test_writes_are_where_they_are_without_a_device(cell):
    here, there = fresh(SETUP), fresh(SETUP)
    expected, got = traced(cell, here, "x"), traced(cell, there, "x", device="cuda")
    for name in ("x", "b", "z"):
        if name in here:
            np.testing.assert_array_equal(here[name], there[name])
    np.testing.assert_allclose(got.inputs[0].array, expected.inputs[0].array)
    assert [n.text for n in got.notes if n.kind != "moved"] == [n.text for n in expected.notes]


# What looks into the memory of an input, or of what is computed from it: from then on all is the host's.
KEPT = {
    "a class of the user's": "m = x.view(Mine)", "of a part": "m = x[::2].view(Mine)",
    "of what is computed": "y = x * 2\nx = y\nm = y[1:].view(Mine)", "made by a constructor": "m = Mine(3, buffer=x)",
    "a masked array": "m = np.ma.masked_array(x)", "a buffer": "m = np.frombuffer(memoryview(x))",
    "an address": "m = np.asarray(Address(x))", "an iterator": "m = np.nditer(x, op_flags=['readwrite']).operands[0]",
}  # fmt: skip
WRITES = {
    "no write": "", "into it": "m[0] = 2 * w[1]", "into the array": "x[0] = w[0]", "in place": "m += 1",
    "into a part": "v = m[1:]\nv[0] = 5 * w[0]", "into a part of the array": "v = x[1:]\nv *= 2",
}  # fmt: skip
MINE = """
class Mine(np.ndarray):
    pass
class Address:
    def __init__(self, of):
        self.__array_interface__ = of.__array_interface__
        self.of = of
"""


@gpu
@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
@pytest.mark.parametrize("keep", KEPT.values(), ids=list(KEPT))
def test_what_looks_into_the_memory_of_an_array_sees_it_and_is_seen(keep, write):
    cell = f"{keep}\n{write}\nz = (m * m).sum() + (x * x[::-1]).sum() * float(x[1]) + np.exp(x).sum()"
    here, there = fresh(SETUP + MINE), fresh(SETUP + MINE)
    x = there["x"]
    expected, got = traced(cell, here, "x w"), traced(cell, there, "x w", device="cuda")
    for one, other in zip(expected.inputs, got.inputs, strict=True):
        np.testing.assert_allclose(other.array, one.array, rtol=1e-9, atol=1e-12, err_msg=one.name)
    for name in ("x", "kept", "tail", "m", "z"):
        assert type(there[name]).__name__ == type(here[name]).__name__
        np.testing.assert_allclose(np.asarray(there[name]), np.asarray(here[name]), rtol=1e-12)
    assert there["kept"] is x and np.shares_memory(there["tail"], x)
    assert np.shares_memory(there["m"], there["x"]) == np.shares_memory(here["m"], here["x"])
    assert [n.kind for n in got.notes if n.kind != "moved"] == [n.kind for n in expected.notes]
    nothing_left(there)


@gpu
@pytest.mark.parametrize("write", ["v[0] = 2.0", "v += 1", "v.sort()", "np.add(v, 1, out=v)", "v.fill(3)"])
@pytest.mark.parametrize(
    "view", ["r", "np.broadcast_to(x, (2, 3))", "np.lib.stride_tricks.sliding_window_view(x, 2)"]
)
def test_what_is_read_only_stays_so(view, write):
    names = fresh(f"{SETUP}\nr = x * 1\nr.flags.writeable = False")
    with pytest.raises(Exception, match=r"ValueError.*read-only"):
        traced(f"v = {view}\nz = v.sum() * x[0]\n{write}", names, "r x", device="cuda")
    assert not names["v"].flags.writeable and not names["r"].flags.writeable
    assert names["r"].tolist() == names["x"].tolist()


@gpu
def test_a_resize_is_refused_with_what_to_write():
    for cell in ("y = x * 2\ny.resize(2)", "y = x\ny.resize((2, 2), refcheck=False)"):
        with pytest.raises(
            Exception, match=r"DeviceError.*[xy]\.resize\(\).*line 2 .*write [xy] = np\.resize\("
        ):
            traced(f"{cell}\nz = y.sum()", fresh(SETUP), "x", device="cuda")


# What asks for the class of a value, or keeps it by its hash: numbers are NumPy's scalars to the user.
ASKED = {
    "isinstance": "a = isinstance(x, np.ndarray), isinstance(s, float), isinstance(s, np.ndarray), isinstance(1, int)",
    "type": "a = type(x), type(s), type(s) is np.float64, type(x[0]), type([s])",
    "match": "match s:\n    case float():\n        s = s * 3\n    case _:\n        s = s * 5\na = s",
    "a set": "a = {s, x[0]}, {v for v in x}, frozenset([s]), set([x[1]])\na[0].add(x.max())",
    "a dict": "a = {s: 1, x[0]: x[1]}, {v: 2 for v in x}\nb = a[0][s], a[0].get(x[0]), a[0].setdefault(x[2], 5)",
    "hash": "a = hash(s) == hash(float(s)), s in {s: 2}, s in (1.0, s), x[0] in [0.3]",
    "answers": "a = np.array_equal(x, x + 0.0), np.allclose(x, w), np.isscalar(s), np.shares_memory(x, tail)",
    "a cache": "import functools\n@functools.lru_cache\ndef f(t):\n    return t * t\na = f(s) + f(s)\ns = s * a",
    "flat": "a = x.flat",
    "an exception": "try:\n    raise ValueError(x, s)\nexcept ValueError as error:\n    a = error.args",
    "weakly": "import weakref\ny = x * 2\na = weakref.ref(y)().sum() + weakref.proxy(y)[0]",
    "np.c_": "a = np.c_[tail, np.cos(tail)].sum() + np.r_[tail, s].sum()\ns = s + a",
    "parts of complex numbers": "c = x + 1j\na = c.real, c.view(float)[1:]",
    "strides": "of = np.lib.stride_tricks\na = of.as_strided(x, (2,), x.strides), of.sliding_window_view(x, 2)",
    "a number of the host in place": "import math\nx[1:] += math.hypot(*x)\na = x\ns = x.sum()",
    "numbers of the host in a list": "a = np.max(x, initial=0.5)\ns = np.hstack([x, a]).sum()",
    "an output that is an argument": "rng = np.random.default_rng(1)\nrng.permuted(x, out=x)\nq = np.pad(x, 1)\n"
    "a = rng.permuted(q, axis=0, out=q)\ns = (x * w).sum()",
    "an error that is caught": "import contextlib\na = 0\nwith contextlib.suppress(TypeError):\n    a = x + 'text'",
    "a number of the host by flat": "x.flat[0] = np.max(x, initial=0.7)\na = x\ns = x.sum()",
}  # fmt: skip


@gpu
@pytest.mark.parametrize("cell", ASKED.values(), ids=list(ASKED))
def test_what_is_asked_of_a_value_is_answered_as_on_the_host(cell):
    here, there = fresh(SETUP), fresh(SETUP)
    text = f"s = x.sum()\n{cell}\nz = s * 1"
    expected, got = traced(text, here, "x"), traced(text, there, "x", device="cuda")
    assert (
        reach.differences({"a": here["a"], "b": here.get("b")}, {"a": there["a"], "b": there.get("b")}, True)
        == []
    )
    for a, b in zip(_arrays_in(here["a"]), _arrays_in(there["a"]), strict=True):
        assert np.may_share_memory(a, here["x"]) == np.may_share_memory(b, there["x"])
    np.testing.assert_allclose(got.inputs[0].array, expected.inputs[0].array)
    assert [n.text for n in got.notes if n.kind != "moved"] == [n.text for n in expected.notes]
    nothing_left(there)


def _arrays_in(value) -> list:
    return [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, np.ndarray)]


@gpu
def test_one_number_under_two_names_is_two_inputs():
    names = fresh("a, b = 0.88, 0.88\nx = np.array([1.0, 2.0])")
    trace = traced("z = (a * x).sum() / b", names, "a b x", device="cuda")
    assert [(i.name, round(float(np.sum(i.array)), 6)) for i in trace.inputs] == [
        ("a", 3.409091),
        ("b", -3.409091),
        ("x", 2.0),
    ]


@gpu
def test_errors_of_arithmetic_that_a_device_does_not_raise_are_noted():
    for how in ("np.errstate(divide='raise')", "np.errstate(all='raise')"):
        trace = traced(f"with {how}:\n    z = (x / 2).sum()", fresh(SETUP), "x", device="cuda")
        (note,) = trace.notes
        assert note.line == 1 and note.text.startswith(f"{how} in line 1 raises nothing on the device")
    assert not traced(
        "with np.errstate(divide='ignore'):\n    z = x.sum()", fresh(SETUP), "x", device="cuda"
    ).notes


def test_putting_back_asks_no_heap(monkeypatch):
    """It looks at what the cell's names reach."""

    def asked(*_):
        raise AssertionError("the heap was asked")

    for name in ("get_referrers", "get_objects", "get_referents"):
        monkeypatch.setattr(gc, name, asked)
    names = fresh(SETUP)
    x = names["x"]
    traced("u = [x, {'x': x}]\nz = x.sum()", names, "x", dtype="float32")
    assert names["u"][0] is names["u"][1]["x"] is x
    with gm.trace("x"):
        u = [x, {"x": x}]
        z = (x * 2).sum()
    assert type(u[0]) is type(u[1]["x"]) is np.ndarray and u[0] is x and type(z) is np.float64


@gpu
def test_parts_of_a_devices_arrays_know_their_base():
    whole = np.arange(24.0).reshape(2, 3, 4)
    other = arrays.cupy().asarray(whole)
    for part in (whole[1:], whole[..., ::2], whole[1, 2, 3:], whole.T, whole[0].T[1:, ::2], whole[:, ::-1],
                 whole[:, 1:2], whole.reshape(6, 4), whole[1, 1]):  # fmt: skip
        got = same_part(part, whole, other)
        assert np.array_equal(arrays.to_host(got), part) and got.base is not None
    row = np.broadcast_to(whole[0, 0], (3, 4))
    assert np.array_equal(arrays.to_host(same_part(row, whole, other)), row)


@pytest.mark.parametrize(
    "options", [{"dtype": "float64"}, pytest.param({"device": "cuda"}, marks=gpu)], ids=["dtype", "device"]
)
@pytest.mark.parametrize("names", ["tail x", "x tail", "tail", "x"])
def test_parts_of_one_memory_stay_so(names, options):
    cell = "tail[0] = 2 * x[0]\nx[2] = 3 * x[2]\nz = (x * x).sum() + (tail * w[1:]).sum()"
    here, there = fresh(SETUP), fresh(SETUP)
    own = there["x"], there["tail"]
    expected, got = traced(cell, here, names), traced(cell, there, names, **options)
    assert there["x"] is own[0] and there["tail"] is own[1]
    np.testing.assert_allclose(there["x"], here["x"])
    for one, other in zip(expected.inputs, got.inputs, strict=True):
        np.testing.assert_allclose(other.array, one.array, err_msg=one.name)
    assert [n.text for n in got.notes if n.kind != "moved"] == [n.text for n in expected.notes]
