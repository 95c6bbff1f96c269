"""Cells whose inputs are a device's arrays: the user's names stay CuPy's, gradients are the host's, nobody waits."""

import numpy as np
import pytest

from gradmagic.engine.core import arrays
from tests.cell.helpers import fresh, traced

pytestmark = pytest.mark.gpu

SETUP = """
x = xp.asarray([0.3, -0.7, 1.1])
y = xp.asarray([[0.5, 0.2, -0.4], [1.5, 0.9, 0.6]])
k = xp.arange(3)
w = xp.asarray([2.0, 3.0, 4.0])
"""
CELLS = {
    "operators": "z = ((2 * x**2 + w / (3 + x) - x) @ w) - (-x).sum()",
    "powers": "z = np.sum(2.0**x + (x + 2) ** x + w**x + x**w)",
    "broadcasting": "z = (x * y + y / w).sum()",
    "in place": "b = x * 2\nb += x\nb *= w\nb -= 1\nb /= 2\nz = (b * b).sum()",
    "into what was plain": "b = w * 1\nb += x\nz = (b * b).sum()",
    "numpys functions": "z = np.sum(np.exp(x) * np.tanh(y)) + np.mean(np.sqrt(w + x))",
    "its librarys": "z = xp.sum(xp.exp(x) * xp.tanh(y)) + xp.mean(xp.sqrt(w + x)) + xp.dot(y, x).sum()",
    "linear algebra": "A = y @ y.T + xp.eye(2)\n"
    "z = xp.linalg.norm(xp.linalg.solve(A, y[:, 0])) + xp.linalg.det(A)",
    "where": "z = (xp.where(x > 0, x * x, 3 * x) + np.maximum(x, 0)).sum()",
    "out": "b = xp.empty(3)\nnp.multiply(x, w, out=b)\nxp.add(b, x, out=b)\nz = (b * b).sum()",
    "methods": "z = y.dot(x).sum() + (y.T.reshape(2, 3).sum(axis=0) * x).max() + y.mean() + x.std()"
    " + y.ravel()[::2].prod()",
    "views": "v = y[0]\nv[1] = x[0] * 4\nu = y.T\nz = (u * u).sum() + v[1] * x[1]",
    "a view is written": "b = x * w\nv = b[1:]\nv *= 2\nz = (b * b).sum() + (v * x[1:]).sum()",
    "writes": "b = xp.zeros(3)\nb[0] = x[1] * x[2]\nb[1:] = x[:2] ** 2\nz = (b * w).sum()",
    "a mask is written": "b = x * 2\nb[b < 0] = 0\nz = (b * b).sum()",
    "indices": "z = (x[k] * x[::-1]).sum() + y[1, 2] * y[:, 1].sum() + x[xp.asarray([0, 0, 2])].sum()",
    "loops": "z = 0\nfor a in x:\n    z = z + a * a\nfor i in range(3):\n    z = z * x[i]",
    "rows": "z = 0\nfor row in y:\n    a, b, c = row\n    z = z + a * b + c",
    "float": "a = float(x[0])\nz = a * a + float(x.sum()) * 2 + x[1].item()",
    "home": "h = xp.asarray(x) * 2\nn = h.get() if xp is not np else h.copy()\nz = np.sum(n * n)",
    "text": "print(x)\ns = f'{x[0]} {x.sum():.3f}'\nz = (x * x).sum()",
    "lists": "parts = [x * i for i in range(3)]\nz = sum(parts).sum() + np.stack(parts).max()"
    " + xp.concatenate([x, w]).sum()",
    "arrays of entries": "b = xp.array([x[0] * x[1], x[2]])\nz = (b * b).sum()",
    "functions": "def f(t):\n    s = t * t\n    s[0] = 5 * t[0]\n    return s.sum()\nz = f(x) * f(w + x)",
    "einsum": "z = xp.einsum('ij,j->i', y, x).sum() + np.einsum('ij,ij->', y, y)",
    "reductions": "z = xp.prod(y) + xp.max(y, axis=1).sum() + np.cumsum(x)[1] + xp.var(y)",
    "sorting": "z = (np.sort(x) * w).sum() + xp.sort(y, axis=1)[0, 1]",
    "a shape is set": "b = y * 2\nb.shape = (3, 2)\nz = (b[1] * b[2]).sum()",
    "methods that write": "b = x * 1\nb.sort()\nc = y * 1\nc.sort(axis=0)\nb.put(xp.asarray([0]), xp.asarray([5.0]))\n"
    "z = (b * w).sum() + (c * y).sum()",
    "an entry swapped": "b = x * 1\nt = b[0] + 0\nb[0] = b[1]\nb[1] = t\nz = (b * w).sum()",
    "strides": "b = xp.lib.stride_tricks.as_strided(x, (2,), x.strides)\nb[0] = 4.0\nz = (b * b).sum() + x.sum()",
    "fill": "b = x * 2\nb.fill(1.5)\nb[0] = x[0]\nz = (b * b).sum()",
    "copies": "b = x.copy()\nb[0] = 3.0\nc = b.astype('float32').astype(float)\nz = (c * x).sum()",
    "complex": "c = x + 1j * w\nz = (c * c.conj()).real.sum() + xp.abs(c).sum() + c.imag.sum()",
    "numpys scalars": "a = np.float64(2.0)\nz = (a * x).sum() * np.float32(3)",
    "adding at": "b = xp.zeros(3)\nnp.add.at(b, k, x * x)\nz = (b * w).sum()",
    "reduce": "z = np.add.reduce(x * w) * np.multiply.reduce(x)",
    "split": "a, b, c = xp.split(x, 3)\nz = (a * b + c).sum()",
    "rolled": "z = (xp.roll(x, 1) * x).sum() + (np.outer(x, w) * xp.tril(xp.outer(w, x))).sum()"
    " + np.clip(x, -0.5, 0.5).sum()",
    "full": "b = xp.full(3, x[0])\nz = (b * x).sum()",
    "fourier": "z = xp.abs(xp.fft.fft(x)).sum() + np.fft.irfft(np.fft.rfft(x))[0]",
    "r_": "z = (xp.r_[x, w] ** 2).sum()",
    "flat": "z = y.flat[2] * y.flat[4]\nfor a in x.flat:\n    z = z + a * a",
    "an attribute": "class Box:\n    pass\nbox = Box()\nbox.a = x * 2\nbox.a[1] = 7\nz = (box.a * x).sum()",
    "copyto": "b = xp.zeros(3)\nxp.copyto(b, x * 2)\nz = (b * b).sum()",
    "by dlpack": "b = xp.from_dlpack(y)\nb[0] = x\nz = (y * y).sum()",
}  # fmt: skip


def namespace_of(library) -> dict:
    names = fresh()
    names["xp"] = library
    exec(SETUP, names)
    return names


def host(value):
    return arrays.to_host(value) if arrays.is_array(value) else value


@pytest.fixture(scope="module")
def cupy():
    return arrays.cupy()


@pytest.mark.parametrize("names", ["x", "y", "x w"])
@pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))
def test_gradients_are_the_hosts_and_names_the_librarys(cell, names, cupy):
    plainly, here, there = namespace_of(cupy), namespace_of(np), namespace_of(cupy)
    exec(cell, plainly)
    try:
        expected = traced(cell, here, names)
    except Exception as error:
        with pytest.raises(type(error)):
            traced(cell, there, names)
        return
    got = traced(cell, there, names)
    for name, value in plainly.items():
        if not name.startswith("__"):
            assert type(there[name]).__name__ == type(value).__name__, name
            if arrays.is_array(value) or isinstance(value, (float, complex)):
                assert getattr(there[name], "dtype", float) == getattr(value, "dtype", float)
                np.testing.assert_allclose(host(there[name]), host(value), rtol=1e-12)
    assert [n.text for n in got.notes] == [n.text for n in expected.notes]
    for a, b in zip(got.inputs, expected.inputs, strict=True):
        assert type(a.array) is type(b.array)
        np.testing.assert_allclose(a.array, b.array, rtol=1e-9, atol=1e-12, err_msg=f"{cell}: {a.name}")


KERNELS = {
    "gives": ("u = square(x)", "u"),
    "writes": ("u = xp.zeros(3)\nsquare(x, u)", "u"),
    "writes into what is tracked": ("u = x * 2\nsquare(w, u)", "u"),
    "is fused": ("@xp.fuse()\ndef f(a):\n    return a * a\nu = f(x)", "u"),
}  # fmt: skip


@pytest.mark.parametrize("text", [k[0] for k in KERNELS.values()], ids=list(KERNELS))
def test_what_a_kernel_of_the_users_does_is_noted(text, cupy):
    """It runs where no hook sees it."""
    names = namespace_of(cupy)
    names["square"] = cupy.ElementwiseKernel("float64 a", "float64 b", "b = a * a", "square")
    got = traced(f"{text}\nz = u.sum() + x.sum()", names, "x")
    np.testing.assert_allclose(got.inputs[0].array, np.ones(3))
    assert [n.kind for n in got.notes] == ["cut"] and "no gradient flows through it" in got.notes[0].text


def test_a_fresh_process_knows_cupys_arrays(cupy, monkeypatch):
    monkeypatch.delitem(arrays.KINDS, cupy.ndarray)
    names = namespace_of(cupy)
    got = traced("z = (x * w).sum()", names)
    assert [i.name for i in got.inputs] == ["x", "w"] and type(names["z"]) is cupy.ndarray


def test_cupy_may_be_imported_in_the_cell(cupy):
    names = fresh("x = np.array([0.3, -0.7, 1.1])")
    got = traced("import cupy as cp\nc = cp.asarray(x)\nz = float((cp.exp(c) * c).sum())", names, "x")
    x = names["x"]
    np.testing.assert_allclose(got.inputs[0].array, np.exp(x) * (1 + x))


@pytest.mark.parametrize(
    "options",
    [{"check": True}, {"plot": True}, {"time": True}, {"guard": True}, {"stop": "nan"}, {"expect": "2*x*w"},
     {"of": "z + 1"}],
    ids=str,
)  # fmt: skip
def test_options_on_the_device(options, cupy):
    here, there = namespace_of(np), namespace_of(cupy)
    expected, got = (traced("y = x * x\nz = (y * w).sum()", n, "x", **options) for n in (here, there))
    assert [n.text for n in got.notes] == [n.text for n in expected.notes]
    np.testing.assert_allclose(got.inputs[0].array, expected.inputs[0].array)
    assert len(got.plots) == len(expected.plots)


def test_weights_lie_where_the_result_lies(cupy):
    for gradient in ("xp.asarray([1.0, 2.0, 3.0])", "np.array([1.0, 2.0, 3.0])", "[1.0, 2.0, 3.0]"):
        got = traced("z = x * w", namespace_of(cupy), "x", gradient=gradient)
        np.testing.assert_allclose(got.inputs[0].array, [2, 6, 12])


@pytest.mark.parametrize(
    "cell",
    [cell for name, cell in CELLS.items() if name not in (
        "float", "home", "text", "a mask is written", "by dlpack", "strides", "methods that write")],
)  # fmt: skip
def test_nobody_waits_while_a_cell_runs(cell, cupy):
    """Beside the cell's own waiting: what is kept of its values is copied on the device."""
    emulation = pytest.importorskip(
        "cupy_on_cpu", reason="counts what waits: only the emulated device can tell"
    )
    counts = []
    for magic in (False, True):
        names = namespace_of(cupy)
        names["tally"] = emulation.tally
        text = f"before = tally()\n{cell}\nafter = tally()"
        if magic:
            traced(text, names, "x y")
        else:
            exec(text, names)
        counts.append({kind: names["after"][kind] - names["before"][kind] for kind in ("d2h", "sync")})
    assert counts[0] == counts[1]


MOVES = {
    "a module": "for d in ('cpu', 'cuda', 'cpu'):\n    net.to(d)\n    opt.zero_grad()\n"
    "    l = (net(gm.ones(3, 2).to(d)) ** 2).sum()\n    l.backward()\n    opt.step()",
    "a tensor": "for d in ('cpu', 'cuda', 'cpu'):\n    w.grad = None\n    w.data = (w.data * 0.5).to(d)\n"
    "    l = (w * w).sum()\n    l.backward()",
}


@pytest.mark.parametrize("cell", MOVES.values(), ids=list(MOVES))
def test_parameters_may_move_to_a_device_and_back(cell, cupy):
    setup = (
        "net = gm.nn.Linear(2, 1); opt = gm.optim.SGD(net.parameters(), lr=0.01)\n"
        "w = gm.tensor([1.0, 2.0], requires_grad=True)"
    )
    assert not traced(cell, fresh(setup)).notes
