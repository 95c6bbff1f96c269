"""Chains of elementwise operations on a device: one kernel carries a cotangent through, as one after the other do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic.engine.sweeps import backward, chains
from gradmagic.errors import FreedError, StaleError
from gradmagic.nn import functional as F

pytestmark = pytest.mark.gpu

STEPS = {
    "tanh": np.tanh, "sin": np.sin, "exp": lambda x: np.exp(-abs(x)), "half": lambda x: x * 0.5, "neg": lambda x: -x,
    "less": lambda x: x - 1, "cube": lambda x: x**3, "over": lambda x: 1 / (abs(x) + 1), "relu": F.relu,
    "sigmoid": F.sigmoid, "greater": lambda x: np.maximum(x, 0.25), "square": lambda x: x * x,
    "clip": lambda x: x.clip(-1, 1), "again": lambda x: np.tanh(x) + x,
}  # fmt: skip
DTYPES = {"float64": 1e-13, "float32": 1e-5, "float16": 1e-2}


def swept(program, c):
    x = gm.tensor(c).requires_grad_()
    y = x
    for name in program:
        y = STEPS[name](y)
    y.backward(y.detach() * 0 + 2)
    return x.grad


@settings(max_examples=10)  # each is some kernels to compile
@given(
    program=st.lists(st.sampled_from(list(STEPS)), min_size=3, max_size=14),
    dtype=st.sampled_from(list(DTYPES)),
    seed=st.integers(0, 99),
    shape=st.sampled_from([(3, 4), (), (0, 2), (5,)]),
)
def test_as_one_after_the_other(program, dtype, seed, shape):
    import cupy

    values = np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(dtype)
    chains._KNOWN.clear()
    found = [swept(program, cupy.asarray(values)) for _ in range(chains._TIMES)]
    host = swept(program, values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backward, "carried_back", lambda *a: None)
        alone = swept(program, cupy.asarray(values))
    for g in found:
        assert (g.dtype, g.shape) == (alone.dtype, alone.shape) == (host.dtype, host.shape)
        for other in (alone, host):
            np.testing.assert_allclose(g.tolist(), other.tolist(), rtol=DTYPES[dtype], atol=DTYPES[dtype])


def launches(act):
    emulation = pytest.importorskip("cupy_on_cpu")
    before = emulation.tally()
    act()
    after = emulation.tally()
    assert [after[k] - before[k] for k in ("d2h", "h2d", "sync")] == [0, 0, 0]
    return after["launch"] - before["launch"]


def test_one_kernel_from_the_third_time_on():
    import cupy

    chains._KNOWN.clear()
    counts = []
    for _ in range(chains._TIMES + 1):
        x = gm.tensor(cupy.ones(3)).requires_grad_()
        y = np.tanh(np.sin(x) * 0.5 - 1) ** 3
        g = gm.tensor(cupy.ones(3))
        counts.append(launches(lambda y=y, g=g: y.backward(g)))
    assert counts == [4, 4, 1, 1]


def test_what_a_chain_passes_is_checked_and_given_back():
    import cupy

    for _ in range(chains._TIMES):
        x = gm.tensor(cupy.ones(3)).requires_grad_()
        between = np.exp(x * 0.5)
        y = np.sin(between).sum()
        y.backward()
    with pytest.raises(FreedError):
        y.backward()
    y = np.sin(between := np.exp(x * 0.5)).sum()
    between.data.mul_(2.0)
    with pytest.raises(StaleError):
        y.backward()


def test_a_chain_ends_where_more_arrives_and_where_somebody_looks():
    import cupy

    for _ in range(chains._TIMES):
        x = gm.tensor(cupy.ones(3)).requires_grad_()
        middle = np.exp(x * 0.5)
        middle.retain_grad()
        (np.sin(np.tanh(middle)) + np.cos(np.exp(middle))).sum().backward()
        grads = x.grad.tolist(), middle.grad.tolist()
        x.grad = None
        middle = np.exp(x * 0.5)
        (np.sin(np.tanh(middle)) + np.cos(np.exp(middle))).sum().backward()
        assert x.grad.tolist() == pytest.approx(grads[0], rel=1e-13)
        assert np.multiply(grads[1], middle.tolist()).tolist() == pytest.approx([g * 2 for g in grads[0]])
