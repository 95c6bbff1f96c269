"""Fits of what lies on a device: by our optimisers there, by SciPy's methods with vectors of the host."""

import numpy as np
import pytest

import gradmagic as gm

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("method", ["adam", "lbfgs", "L-BFGS-B", "Newton-CG", "Nelder-Mead"])
def test_the_end_lies_where_the_start_did(method, tmp_path):
    import cupy

    start = cupy.asarray(np.array([1.0, 2.0]))
    given = {"lr": 0.1} if method == "adam" else {}
    given |= {"checkpoint": tmp_path / "fit.npz"} if method in ("adam", "lbfgs") else {}
    fit = gm.minimize(lambda x: cupy.sum((x - 3.0) ** 2), start, method, **given)
    again = gm.minimize(lambda x: cupy.sum((x - 3.0) ** 2), start, method, **given)
    for each in (fit, again):
        assert type(each.x) is type(each.points[0]) is cupy.ndarray
        np.testing.assert_allclose(cupy.asnumpy(each.x), 3, atol=1e-3)
    assert np.array_equal(fit.losses, again.losses) and "the loss" in fit.to_text(80)
    assert cupy.asnumpy(start).tolist() == [1, 2]


def test_a_tensor():
    fit = gm.minimize(lambda t: ((t - 3) ** 2).sum(), gm.tensor([1.0, 2.0], device="cuda"), "adam", lr=0.1)
    assert fit.x.device.type == "cuda" and np.allclose(fit.x.cpu().numpy(), 3, atol=1e-2)
