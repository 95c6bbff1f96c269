"""CuPy's own functions on lifted values while they are traced: NumPy's of the same name, on the device."""

import re
import subprocess
import sys

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.rules.declare import RULES
from gradmagic.errors import ConversionError, DeviceError, GradmagicError

pytestmark = pytest.mark.gpu
W = np.array([0.5, 1.25, 2.0])
A = np.array([[3.0, 1.0, 0.5], [1.0, 2.0, 0.25], [0.5, 0.25, 4.0]])
# Of a lifted vector w, a plain vector c and a plain matrix m of the device: CuPy's words, which are NumPy's too.
WORDS = (
    "xp.exp(w).sum()", "xp.sum(w * w, axis=0)", "xp.mean(w)", "xp.linalg.norm(w)", "xp.dot(c, w)", "xp.dot(w, c)",
    "c.dot(w)", "w.dot(c)", "xp.matmul(m, w).sum()", "xp.inner(c, w)", "xp.vdot(c, w)", "xp.outer(c, w).sum()",
    "xp.tensordot(m, w, 1).sum()", "xp.einsum('ij,j->', m, w)", "xp.concatenate([w, c]).sum()",
    "xp.stack([c, w])[1, 1]",
    "xp.where(c > 1, w, c).sum()", "xp.clip(w, 0.6, 1.5).sum()", "xp.maximum(c, w).sum()", "xp.cumsum(w)[1]",
    "xp.linalg.solve(m, w).sum()", "xp.linalg.det(m * w)", "xp.linalg.inv(m * w).sum()", "xp.fft.fft(w).real[1]",
    "xp.asarray(w).sum()", "xp.array([w[0] * w[1], w[2]]).sum()", "xp.reshape(w, (3, 1)).sum()",
    "xp.max(w)", "xp.sort(w)[0]",
    "(xp.zeros_like(w) + w).sum()", "xp.sqrt(xp.sum(xp.square(w)))", "xp.linalg.norm(m @ w - c) ** 2", "xp.median(w)",
    "xp.add(c, w).prod()", "xp.multiply(w, c, out=xp.zeros(3)).sum()",
    "(xp.full(3, w[0]) * c).sum()", "(xp.full_like(c, w[1]) * c).sum()", "xp.arange(w[0], 3.4).sum()",
    "(xp.copy(w) * c).sum()",
    "xp.linspace(w[0], w[2], 4)[1]", "xp.eye(3)[1] @ w", "xp.ascontiguousarray(w)[1]", "xp.asarray(w, dtype='f4')[1]",
)  # fmt: skip


@pytest.fixture(scope="module")
def cp():
    import cupy

    return cupy


@pytest.mark.parametrize("words", WORDS)
def test_a_function_of_cupy(words, cp, tmp_path):
    # From a file, since `.dot` of a plain array is followed where the source can be read.
    file = tmp_path / "words.py"
    file.write_text(f"def f(w, c, m, xp):\n    return {words}\n")
    names = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    on_host = gm.grad(names["f"])(W, W[::-1].copy(), A, np)
    found = gm.grad(names["f"])(cp.asarray(W), cp.asarray(W[::-1].copy()), cp.asarray(A), cp)
    np.testing.assert_allclose(cp.asnumpy(found), on_host)


def test_what_is_made_anew_is_written_into(cp):
    def f(w):
        out = cp.zeros(3)
        copied = cp.copy(w)
        for i in range(3):
            out[i] = w[i] ** 2
            copied[i] *= 2
        return cp.sum(out * copied)

    np.testing.assert_allclose(cp.asnumpy(gm.grad(f)(cp.asarray(W))), 6 * W**2)


def test_code_for_both_libraries_finds_its_own(cp):
    def f(w):
        xp = cp.get_array_module(w)
        return xp.sum(xp.tanh(w) * xp.arange(3)) + (xp is np)

    assert float(gm.value_and_grad(f)(W)[0] - gm.value_and_grad(f)(cp.asarray(W))[0]) == pytest.approx(1)


def test_outside_and_afterwards_cupy_is_its_own(cp):
    """But for tensors, which are followed for good: what is called with no tensor is CuPy's own."""
    before = vars(cp)["dot"], type(cp), type(cp.linalg)
    gm.grad(lambda w: cp.dot(w, w))(cp.asarray(W))
    assert (cp.dot, type(cp), type(cp.linalg)) == before
    assert float(cp.dot(cp.asarray(W), cp.asarray(W))) == W @ W


def test_a_kernel_of_the_users_own_is_refused_by_name(cp):
    kernel = cp.ElementwiseKernel("T x", "T y", "y = x * x", "squared")
    with pytest.raises(TypeError, match=r"CuPy's kernel squared has no derivative.*Compute it outside"):
        gm.grad(lambda w: kernel(w).sum())(cp.asarray(W))
    t = gm.tensor(cp.asarray(W))
    assert cp.asnumpy(kernel(t).array).tolist() == (W * W).tolist()


def test_the_way_to_the_host_is_told(cp):
    for leave in (lambda w: cp.asnumpy(w), lambda w: w.get()):
        with pytest.raises(ConversionError, match=r"becomes plain (in cp.asnumpy|by .get\(\))"):
            gm.grad(lambda w: np.sum(leave(w)))(cp.asarray(W))


# What makes a new array, or an array of anything, is followed in traced calls only.
MAKING = ("full", "array(", "arange", "linspace", "ascontig", "out=", "c.dot(w)")


@pytest.mark.parametrize("words", [w for w in WORDS if not any(m in w for m in (*MAKING, "asarray"))])
def test_tensors_are_followed_everywhere(words, cp):
    """Outside of traced calls too, also those that require no grad."""
    for made in (
        lambda a: gm.tensor(cp.asarray(a)), lambda a: gm.tensor(a).to("cuda"), lambda a: gm.as_tensor(cp.asarray(a)),
        lambda a: gm.tensor(a, device="cuda", requires_grad=True),
    ):  # fmt: skip
        t = made(W)
        names = {"w": t, "c": cp.asarray(W[::-1].copy()), "m": cp.asarray(A), "xp": cp}
        plain = {"w": W, "c": W[::-1].copy(), "m": A, "xp": np}
        found, expected = eval(words, names), eval(words, plain)
        np.testing.assert_allclose(found.detach().cpu().numpy(), expected)
        assert found.requires_grad == t.requires_grad or words.startswith(("(xp.zeros_like", "xp.eye"))


def test_a_fresh_process_follows_tensors(tmp_path):
    emulated = ["import cupy_on_cpu"] if "cupy_on_cpu" in sys.modules else []
    file = tmp_path / "fresh.py"
    file.write_text("\n".join([
        *emulated, "import numpy as np, gradmagic as gm, cupy as cp", "assert gm.patched() == ()",
        "assert float(gm.grad(lambda w: cp.dot(w, w))(cp.ones(2))[0]) == 2 and type(cp) is type(np)",
        "t = gm.tensor(cp.asarray([3.0, 4.0]), requires_grad=True)",
        "z = cp.sum(cp.dot(t, cp.ones(2)) * cp.linalg.norm(t))",
        "z.backward()",
        "print(t.grad.cpu().numpy(), [p.places for p in gm.patched() if 'cupy' in p.what])",
        "f = cp.sum", "assert f is vars(cp)['sum'] and [cp.dot][0] is vars(cp)['dot']",
    ]))  # fmt: skip
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False)
    assert done.stdout == (
        "[ 9.2 10.6] [('cupy.__class__', 'cupy.linalg.__class__', 'cupy.fft.__class__')]\n"
    ), done.stderr


def test_lists_of_a_devices_values_in_numpys_words(cp):
    """As a cell that is computed on a device writes them; numbers beside them go there."""
    for f in (
        lambda w: np.sum(np.array([w[0] * w[1], w[2], 1.0]) ** 2), lambda w: np.mean([w[0], w[1] * 2]),
        lambda w: np.sum(np.stack([w[0] * w[1], w[2]])), lambda w: np.sum(np.array([[w[0], 2], [3, w[1]]]) ** 2),
    ):  # fmt: skip
        np.testing.assert_allclose(cp.asnumpy(gm.grad(f)(cp.asarray(W))), gm.grad(f)(W))


def test_scipys_functions_of_cupy(cp):
    """By what they are: CuPy 14.2 gives the kernel of ellipk the name of ellipkm1, and the other way about."""
    special = pytest.importorskip("scipy.special")
    theirs = pytest.importorskip("cupyx.scipy.special")
    x = W / 4
    for name in ("erf", "gammaln", "expit", "log1p", "digamma", "gamma", "j0", "i0e"):
        ours, f = getattr(special, name), getattr(theirs, name)
        found = gm.grad(lambda w: f(w).sum())(cp.asarray(x))
        np.testing.assert_allclose(cp.asnumpy(found), gm.grad(lambda w: np.sum(ours(w)))(x), rtol=1e-6)
    for name in ("ellipk", "ellipkm1"):
        found = getattr(theirs, name)(gm.tensor(cp.asarray(x)))
        np.testing.assert_allclose(found.cpu().numpy(), getattr(special, name)(x))
    t = gm.tensor(cp.asarray(x), requires_grad=True)
    theirs.erf(t).sum().backward()
    np.testing.assert_allclose(t.grad.cpu().numpy(), 2 / np.sqrt(np.pi) * np.exp(-(x**2)))


def test_what_cupy_lacks_of_scipys_functions_is_named(cp):
    """All that gradmagic differentiates: right, or one sentence with the function, the line and what to write."""
    special = pytest.importorskip("scipy.special")
    theirs = pytest.importorskip("cupyx.scipy.special")
    special.erf(gm.tensor([0.5], requires_grad=True))  # the table is loaded with the first
    functions = {f for f in vars(special).values() if isinstance(f, np.ufunc) and f in RULES and f.nout == 1}
    lacking = 0
    for f in functions - {v for v in vars(np).values() if isinstance(v, np.ufunc)}:
        at = [W / 4] * f.nin

        def summed(*args, f=f):
            return np.sum(f(*args))

        ways = (
            lambda: gm.grad(summed)(*map(cp.asarray, at)),
            lambda: gm.jvp(summed, [*map(cp.asarray, at)], [*map(cp.asarray, at)]),
            lambda: summed(*[gm.tensor(cp.asarray(a), requires_grad=True) for a in at]).backward(),
        )
        for said in filter(None, map(_refused, ways)):
            direct = re.match(
                rf"CuPy has no ({f.__name__}): .*line \d+ of .* Compute it on the host: write ", said
            )
            inside = re.match(rf"CuPy has no (\w+), which the derivative of {f.__name__} needs", said)
            assert (direct or inside) and not hasattr(theirs, (direct or inside)[1]), said
            lacking += 1
    assert lacking > 20


def _refused(way) -> str:
    """What a DeviceError says; empty for anything else than that, or gradmagic's other words."""
    try:
        way()
    except GradmagicError as error:
        return (
            str(error) if isinstance(error, DeviceError) else ""
        )  # an order, by which there is no derivative
    except Exception as error:
        return "" if type(error).__name__ == "CompileException" else repr(error)  # of an emulated device
    return ""
