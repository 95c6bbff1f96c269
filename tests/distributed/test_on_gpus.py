"""One worker for each GPU: data go to the worker's device, results to where the parameters are."""

import numpy as np
import pytest

import gradmagic as gm

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.gpu
PARTS = [np.arange(6.0).reshape(3, 2) + k for k in range(5)]
W = np.array([0.5, -1.0])


def squares(w, X):
    return np.sum((X @ w) ** 2)


def where(w, X):
    assert (
        type(w.array if hasattr(w, "node") else w).__module__.startswith("cupy")
        and type(X).__module__ == "cupy"
    )
    return squares(w, X)


@pytest.fixture(scope="module")
def client():
    with distributed.Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as client:
        yield client


def test_each_partition_is_computed_on_its_workers_device(client):
    host, there = gm.distributed.loss(squares, PARTS), gm.distributed.loss(where, PARTS, device="cuda")
    (value, gradient), expected = gm.value_and_grad(there)(W), gm.value_and_grad(host)(W)
    assert type(value) is float and type(gradient) is np.ndarray
    np.testing.assert_allclose(value, expected[0])
    np.testing.assert_allclose(gradient, expected[1])
    np.testing.assert_allclose(gm.hvp(there, W, W), gm.hvp(host, W, W))


def test_parameters_on_a_device_have_their_gradient_there(client):
    import cupy

    w = gm.tensor(W, device="cuda", requires_grad=True)
    gm.distributed.loss(where, PARTS)(w).backward()
    assert type(w.grad.array) is cupy.ndarray
    expected = gm.grad(gm.distributed.loss(squares, PARTS))(W)
    np.testing.assert_allclose(cupy.asnumpy(w.grad.array), expected)
    found = gm.grad(gm.distributed.loss(where, PARTS))(cupy.asarray(W))
    assert type(found) is cupy.ndarray
    np.testing.assert_allclose(cupy.asnumpy(found), expected)
