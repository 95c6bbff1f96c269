"""Formulas as one kernel on a device: made of the rules themselves, and equal to them."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import fused
from gradmagic.engine.rules.pointwise import fused_share
from gradmagic.nn import functional as F

pytestmark = pytest.mark.gpu

FUNCTIONS = {
    "relu": F.relu, "sigmoid": F.sigmoid, "tanh": F.tanh, "gelu": F.gelu, "silu": F.silu, "elu": F.elu,
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"), "softplus": F.softplus, "logsigmoid": F.logsigmoid,
    "leaky relu": F.leaky_relu, "erf": gm.erf, "rsqrt": lambda x: gm.rsqrt(abs(x)), "log": lambda x: gm.log(abs(x)),
    "arctan": np.arctan, "sin": np.sin, "sqrt": lambda x: np.sqrt(abs(x)), "power": lambda x: x**3,
    "maximum": lambda x: np.maximum(x, 0.5), "clip": lambda x: np.clip(x, -1, 1), "divide": lambda x: x / (x + 9.5),
    "mse": lambda x: F.mse_loss(x, x.detach() * 0.5) if x.numel() else x,
    "mse of each": lambda x: F.mse_loss(x * 0.5, x, reduction="none"),
    "where": lambda x: np.where(x > 0, np.exp(x), x), "rows": lambda x: np.hypot(x, x[:1] + 1),
}  # fmt: skip
DTYPES = {"float32": 1e-6, "float64": 1e-14, "float16": 2e-3}
SHAPES = [(3, 7), (), (1,), (0, 2), (2, 3, 4)]


def of(function, x):
    t = gm.tensor(x).requires_grad_()
    y = function(t)
    y.backward(y.detach() * 0 + 2)
    assert y.dtype == t.grad.dtype
    return y.detach().cpu().numpy(), t.grad.cpu().numpy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_without_kernels_and_as_on_the_host(name, dtype, monkeypatch):
    import cupy

    for k, shape in enumerate(SHAPES):
        if name == "rows" and not (shape and shape[0]):
            continue
        x = np.asarray(np.random.default_rng(k).standard_normal(shape) * 3).astype(dtype)
        found = of(FUNCTIONS[name], cupy.asarray(x))
        with monkeypatch.context() as patch:
            patch.setattr(fused, "applied", lambda *a: NotImplemented)
            parts = of(FUNCTIONS[name], cupy.asarray(x))
        for a, b, c in zip(found, parts, of(FUNCTIONS[name], x), strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape == c.shape
            close = {"rtol": DTYPES[dtype] * 5, "atol": DTYPES[dtype]}
            np.testing.assert_allclose(a, b, **close)
            np.testing.assert_allclose(a, c, **close)


@pytest.mark.parametrize("value", [0.0, -0.0, np.inf, -np.inf, np.nan, 100.0, -100.0])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "gelu", "silu", "softplus", "maximum", "clip"])
def test_what_is_extreme(name, value, monkeypatch):
    import cupy

    x = cupy.asarray([value, 1.0])
    found = of(FUNCTIONS[name], x)
    monkeypatch.setattr(fused, "applied", lambda *a: NotImplemented)
    for a, b in zip(found, of(FUNCTIONS[name], x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "there", "back"),
    [("relu", 1, 1), ("sigmoid", 1, 1), ("tanh", 1, 1), ("gelu", 1, 1), ("silu", 1, 1), ("mse", 4, 1)],
)
def test_launches(name, there, back):
    emulation = pytest.importorskip("cupy_on_cpu")
    import cupy

    t = gm.tensor(cupy.ones((3, 4))).requires_grad_()
    for _ in range(2):
        t.grad = None
        before = emulation.tally()
        y = FUNCTIONS[name](t)
        between = emulation.tally()
        g = gm.tensor(cupy.ones(y.array.shape))
        start = emulation.tally()
        y.backward(g)
        after = emulation.tally()
    assert between["launch"] - before["launch"] == there
    assert after["launch"] - start["launch"] == back
    assert [after[k] - before[k] for k in ("d2h", "h2d", "sync")] == [0, 0, 0]


def test_a_rule_of_the_users_is_asked_each_time():
    import cupy

    x = cupy.ones(3)
    factor = [2.0]
    assert fused_share(lambda _y, x: factor[0] * x, x, (None, x)) is NotImplemented


def test_numbers_of_pythons_stay_them():
    import cupy

    x = cupy.ones(3, "float32")
    for formula, dtype in ((lambda x, k: x * (1 - k), "float32"), (lambda x, k: np.sign(k * 2.0) * x, None)):
        found = fused.applied(formula, formula, x, 3)
        assert found is NotImplemented if dtype is None else found.dtype == dtype


@pytest.mark.parametrize("char", "?bBhHiIlLqQfd")
def test_types_have_the_names_that_cupy_gives_them(char):
    from cupy._core._scalar import get_typename  # NVRTC, the compiler on a card, knows these and no int64_t

    assert fused.c_type(np.dtype(char)) == get_typename(np.dtype(char))
