"""A device's arrays beside lifted values and Tensors: Python's operators and NumPy's functions, either side first.

CuPy's operators are compiled and ask no Python: what they are given decides whether a gradient flows at all.
"""

import operator

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays
from gradmagic.errors import ConversionError, DeviceError, LeafWriteError

C = np.array([0.5, 1.25, 2.0])
W = np.array([1.5, 0.75, 2.0])
M = np.arange(9.0).reshape(3, 3)
ARITHMETIC = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.matmul,
)  # fmt: skip
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
FUNCTIONS = (
    np.add, np.multiply, np.matmul, np.hypot, np.maximum, np.logaddexp, np.arctan2, np.dot, np.inner, np.outer,
    np.vdot, lambda a, b: np.tensordot(a, b, 1), lambda a, b: np.where(C_ABOVE(a), a, b),
    lambda a, b: np.concatenate([a, b]), lambda a, b: np.stack([a, b]), lambda a, b: divmod(a, b)[1],
    lambda a, b: np.divmod(a, b)[1], lambda a, b: np.einsum("i,i->i", a, b), lambda a, b: a[:2] * b[1:],
)  # fmt: skip
C_ABOVE = lambda a: a > 1.0
# As code of the user's has them: what Python does at an operator differs from what it does at a call.
WRITTEN = "a+b a-b a*b a/b a**b a%b a@b a//b*a*b abs(a)*b -a*b a*b+b".split()


def host(value):
    """Give what a device holds as a host array; it must be there."""
    plain = getattr(value, "array", value)
    assert arrays.on_device(plain)
    return arrays.to_host(plain)


def functions():
    yield from ARITHMETIC
    yield from FUNCTIONS
    for text in WRITTEN:
        yield eval(f"lambda a, b: {text}")


@pytest.mark.parametrize("f", functions())
@pytest.mark.parametrize("lifted_first", [True, False])
def test_the_gradient_flows_on_either_side(f, lifted_first, put):
    both = (lambda w, c: f(w, c)) if lifted_first else (lambda w, c: f(c, w))
    expected = gm.grad(lambda w: np.sum(both(w, C)))(W)
    np.testing.assert_allclose(host(gm.grad(lambda w: np.sum(both(w, put(C))))(put(W))), expected)
    t = gm.tensor(put(W), requires_grad=True)
    total = np.sum(both(t, put(C)))
    assert type(total) is gm.Tensor
    total.backward()
    np.testing.assert_allclose(host(t.grad), expected)


@pytest.mark.parametrize("f", COMPARISONS)
def test_comparisons(f, put):
    for a, b in ((W, C), (C, W)):
        expected = f(a, b).tolist()
        t = gm.tensor(put(W), requires_grad=True)
        of_tensor = f(t, put(C)) if a is W else f(put(C), t)
        assert type(of_tensor) is gm.Tensor and host(of_tensor).tolist() == expected
        seen = []
        gm.grad(lambda w: (seen.append(f(w, put(C)) if a is W else f(put(C), w)), np.sum(w))[1])(put(W))
        assert host(seen[0]).tolist() == expected


def test_matrices_of_the_device(put):
    m, w = put(M), put(W)
    np.testing.assert_allclose(host(gm.grad(lambda w: np.sum(m @ w))(w)), M.sum(0))
    np.testing.assert_allclose(host(gm.grad(lambda w: np.sum(w @ m))(w)), M.sum(1))
    np.testing.assert_allclose(host(gm.grad(lambda m: w @ m @ w)(m)), np.outer(W, W))


def test_transforms_of_a_devices_own_arrays(put):
    c, w, one = put(C), put(W), put(np.ones(3))
    f = lambda w: np.sum(c * w**3)
    value, found = gm.value_and_grad(f)(w)
    np.testing.assert_allclose(host(value), np.sum(C * W**3))
    np.testing.assert_allclose(host(found), 3 * C * W**2)
    np.testing.assert_allclose(host(gm.hessian(f)(w)), np.diag(6 * C * W))
    np.testing.assert_allclose(host(gm.hvp(f, (w,), (one,))[0]), 6 * C * W)
    np.testing.assert_allclose(host(gm.jacobian(lambda w: c * w)(w)), np.diag(C))
    np.testing.assert_allclose(host(gm.jvp(lambda w: c * w, (w,), (one,))[1]), C)
    np.testing.assert_allclose(host(gm.vjp(lambda w: c * w, w)[1](one)[0]), C)
    np.testing.assert_allclose(host(gm.grad(lambda v: np.sum(c * gm.grad(f)(v)))(w)), 6 * C**2 * W)
    gm.check_grads(f, (w,))


def test_a_tensor_of_a_devices_array_lives_there(put):
    c = put(C)
    t = gm.tensor(c, requires_grad=True)
    assert t.is_cuda and str(t.device) == "cuda:0"
    (t * c).sum().backward()
    assert str(t.grad.device) == "cuda:0"
    t.data *= 0
    assert host(c).tolist() == C.tolist()  # the data are copied


def test_writing_in_place(put):
    c = put(C)

    def onto_lifted(w):
        w *= c
        return np.sum(w * w)

    def onto_plain(w):
        made = c.copy()  # a method: not followed, as of NumPy's arrays
        made += w
        return np.sum(made)

    w = put(W)
    np.testing.assert_allclose(host(gm.grad(onto_lifted)(w)), 2 * W * C**2)
    assert host(w).tolist() == W.tolist()
    with pytest.raises(ConversionError, match=r"becomes plain by out="):
        gm.grad(onto_plain)(w)
    t = gm.tensor(w, requires_grad=True)
    with pytest.raises(ConversionError, match="would lose its gradient in out="):
        c += t
    assert host(c).tolist() == C.tolist()
    with pytest.raises(LeafWriteError, match="leaf Variable"):
        t += c
    y = t * 1
    y += c
    y.sum().backward()
    assert host(y.detach()).tolist() == (W + C).tolist() and host(t.grad).tolist() == [1, 1, 1]


def test_two_devices_in_one_operation_are_named(put):
    w, v = put(W), C
    for f in (lambda w: np.sum(w * v), lambda w: np.sum(v * w), lambda w: np.sum(np.concatenate([w, v]))):
        with pytest.raises(
            DeviceError,
            match=r"(w on cuda:0 and v on cpu|v on cpu and w on cuda:0), line .*: cp\.asarray\(v\)",
        ):
            gm.grad(f)(w)
    t = gm.tensor(w, requires_grad=True)
    with pytest.raises(
        DeviceError, match=r'multiply of t on cuda:0 and v on cpu.* gm\.tensor\(v, device="cuda:0"\)'
    ):
        t * v


def test_a_lifted_array_is_of_the_devices_kind_to_the_users_code(put):
    kind = type(put(C))

    def f(w):
        match w:
            case kind():
                pass
            case _:
                raise AssertionError
        return np.sum(w) * (2.0 if isinstance(w, kind) else 0.0) * (not isinstance(w, (np.ndarray, list)))

    assert host(gm.grad(f)(put(W))).tolist() == [2, 2, 2]


def test_a_tensor_of_a_device_is_no_host_array(put):
    words = r"can't convert cuda:0 device type tensor to numpy\. Use Tensor\.cpu\(\)"
    plain, wanted = gm.tensor(put(W)), gm.tensor(put(W), requires_grad=True)
    for leave in (
        np.asarray,
        np.array,
        lambda t: t.numpy(),
        lambda t: np.zeros(3).__setitem__(slice(None), t),
    ):
        with pytest.raises(TypeError, match=words):
            leave(plain)
        with pytest.raises(TypeError, match="grad"):
            leave(wanted)
    with pytest.raises(TypeError, match=r"Write t\.detach\(\)\.cpu\(\)\.numpy\(\) for the values"):
        np.asarray(wanted)
    assert plain.cpu().numpy().tolist() == plain.tolist() == W.tolist() and plain.stride() == (1,)


@pytest.mark.parametrize("words", ["t == n", "np.equal(t, n)", "np.maximum(n, t)", "np.greater(n, t)",
                                   "t * n", "np.logical_and(t, n)", "t // n"])  # fmt: skip
def test_what_meets_another_device_is_told_alike(words, put):
    for names in ({"t": gm.tensor(put(W)), "n": C.copy()}, {"n": put(C), "t": gm.tensor(W)}):
        with pytest.raises(DeviceError, match=r"at least two devices: .* of .*, line 1 of"):
            eval(words, {"np": np, **names})


def test_a_device_that_is_none_is_told():
    t = gm.tensor(W)
    for name in ("tpu", "float33", "mps"):
        with pytest.raises(DeviceError, match=f"device '{name}' is unknown: write device="):
            t.to(name)
    assert t.to("float32").dtype == t.to(np.float32).dtype == t.to("f4").dtype


def test_a_plain_array_takes_in_a_tensor_without_a_gradient(put):
    for place in (put, np.copy):
        c, n = place(C), gm.tensor(place(W))
        same = c
        c += n
        assert c is same and arrays.to_host(c).tolist() == (C + W).tolist()


@pytest.mark.gpu
def test_cupy_reads_the_memory_of_a_tensor():
    import cupy as cp

    c, t = cp.asarray(W), gm.tensor(cp.asarray(C), requires_grad=True)
    n = t.detach()
    shared = cp.asarray(n)
    shared[0] = 7
    assert t[0].item() == 7  # no copy
    assert c[gm.tensor([0, 2]).cuda()].tolist() == [W[0], W[2]]
    assert type(c @ n) is type(c * n) is type(n @ c) is gm.Tensor
    with pytest.raises(ConversionError, match=r"Write np\.f\(t\) for cp\.f\(t\)"):
        cp.asarray(t)
    assert cp.vstack([c, t]).requires_grad


def test_what_is_no_number_is_not_laid_to_the_devices_library(put):
    for t in (gm.tensor(put(W)), gm.tensor(put(W), requires_grad=True)):
        for odd in ("text", None, object()):
            with pytest.raises(TypeError) as caught:
                t + odd
            assert "CuPy has no" not in str(caught.value)
