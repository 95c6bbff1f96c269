"""The cross entropy on a device: few kernels, held to what log_softmax and nll give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic.nn import functional as F
from gradmagic.nn import losses
from tests.cell.helpers import fresh, traced

pytestmark = pytest.mark.gpu

DTYPES = {"float32": 1e-6, "float64": 1e-14, "float16": 2e-3}


def by_parts(z, y, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "_is_matrix", lambda z, y: False)
        return F.cross_entropy(z, y, **options)


def of(loss, z, y, **options):
    """Loss and gradient, with a cotangent that is not 1."""
    t = gm.tensor(z).requires_grad_()
    out = loss(t, gm.as_tensor(y), **options)
    (out * 3).backward()
    assert out.dtype == t.grad.dtype == t.dtype
    return out.tolist(), t.grad.tolist()


@settings(max_examples=15)
@given(data=st.data())
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_by_parts_and_as_on_the_host(dtype, data):
    import cupy

    rows, classes = data.draw(st.integers(1, 40)), data.draw(st.integers(2, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    z = (rng.standard_normal((rows, classes)) * data.draw(st.sampled_from([0.1, 1, 30]))).astype(dtype)
    z += np.asarray(data.draw(st.sampled_from([0, 1000])), dtype)
    y = rng.integers(0, classes, rows).astype(data.draw(st.sampled_from(["int64", "int32", "uint8"])))
    ignored = data.draw(st.sampled_from([-100, 0]))
    y[0] = classes - 1  # of no rows at all the mean is NaN
    if ignored < 0 and y.dtype.kind == "i":
        y[1:][rng.random(rows - 1) < 0.3] = ignored
    if data.draw(st.booleans()):  # the same numbers with other strides
        there = cupy.asarray(z.T.copy()).T
    else:
        there = cupy.asarray(z)
    found = of(F.cross_entropy, there, cupy.asarray(y), ignore_index=ignored)
    close = {"rtol": DTYPES[dtype], "atol": DTYPES[dtype] * max(1, abs(found[0])), "equal_nan": True}
    for expected in (
        of(by_parts, there, cupy.asarray(y), ignore_index=ignored),
        of(F.cross_entropy, z.astype("float64"), y.astype("int64"), ignore_index=ignored),
    ):
        np.testing.assert_allclose(found[0], expected[0], **close)
        np.testing.assert_allclose(found[1], expected[1], **close)


@pytest.mark.parametrize(
    "row", [[np.inf, 1, 2], [-np.inf] * 3, [np.nan, 0, 0], [-np.inf, 0, 0], [3e4, -3e4, 0]]
)
def test_what_is_not_finite(row):
    import cupy

    z, y = cupy.asarray([row, [0.0, 1.0, 2.0]]), cupy.asarray([1, 2])
    for found, expected in zip(of(F.cross_entropy, z, y), of(by_parts, z, y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_derivatives_of_every_order_and_direction():
    import cupy

    rng = np.random.default_rng(3)
    z, v = cupy.asarray(rng.standard_normal((5, 4))), cupy.asarray(rng.standard_normal((5, 4)))
    y = gm.tensor(cupy.asarray([0, 3, -100, 2, 1]))
    for take in (
        lambda f: gm.hvp(f, z, v),
        lambda f: gm.jvp(f, (z,), (v,)),
        lambda f: gm.hessian(f)(z),
        lambda f: gm.grad(lambda z: (gm.grad(f)(z) ** 2).sum())(z),
    ):
        found, expected = take(lambda z: F.cross_entropy(z, y)), take(lambda z: by_parts(z, y))
        for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (found, expected)), strict=True):
            np.testing.assert_allclose(np.array(a.tolist()), np.array(b.tolist()), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("ignored", [False, True])
def test_a_report_has_its_jacobian_and_says_what_it_is(ignored):
    y = [0, -100 if ignored else 1, 2]
    setup = f"z = gm.randn(3, 4, device='cuda', requires_grad=True); y = gm.tensor({y}, device='cuda')"
    setup = f"import gradmagic.nn.functional as F\n{setup}"
    (edge,) = traced("l = F.cross_entropy(z, y)\nl.backward()", fresh(setup)).operations[-1].edges
    assert edge.formula == ("" if ignored else "(softmax(z) - one_hot(y, 4))/3")
    jacobian = np.zeros(12)
    for _, entry, slope, _ in edge.jacobian:
        jacobian[entry] = slope
    np.testing.assert_allclose(jacobian, np.ravel(edge.flow.items), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_rows_no_grid_without_blocks_is_launched(dtype, monkeypatch):
    """CUDA refuses one; the emulation does not."""
    import cupy

    from gradmagic.engine.derivatives.nn import kernels

    made = kernels._kernels

    def watched(*kinds):
        rows, *others = made(*kinds)

        def launch(grid, *args):
            assert all(grid)
            rows(grid, *args)

        return launch, *others

    monkeypatch.setattr(kernels, "_kernels", watched)
    for number in (0, 3):
        z = np.zeros((number, 4), dtype)
        loss, grad = of(F.cross_entropy, cupy.asarray(z), cupy.zeros(number, "int64"))
        host_loss, host_grad = of(F.cross_entropy, z, np.zeros(number, "int64"))
        np.testing.assert_allclose([loss], [host_loss], rtol=2e-3)
        np.testing.assert_allclose(np.reshape(grad, z.shape), np.reshape(host_grad, z.shape), rtol=2e-3)
