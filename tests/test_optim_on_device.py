"""Optimisers on a device: one kernel moves all parameters, by the formulas of the host."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic import optim
from gradmagic.errors import StaleError

from .counting import launches
from .test_optim import OPTIMIZERS

pytestmark = pytest.mark.gpu

SHAPES = [(3, 4), (), (5,), (2, 3, 4), (1,), (0, 3), (2, 2, 2, 2)]


def laid_out(array, layout):
    """The same numbers with other strides."""
    import cupy

    if layout == "transposed":
        return cupy.asarray(array.T.copy()).T
    if layout == "gaps":
        wide = cupy.zeros((*array.shape, 3), array.dtype)
        wide[..., 1] = cupy.asarray(array)
        return wide[..., 1]
    return cupy.asarray(array)


def parameters(values, layouts):
    made = [gm.tensor(np.zeros(1)).requires_grad_() for _ in values]
    for p, v, layout in zip(made, values, layouts, strict=True):
        p.data = gm.from_numpy(v) if layout == "host" else gm.as_tensor(laid_out(v, layout))
    return made


DTYPES = {"float32": 2e-6, "float64": 1e-14, "float16": 4e-3}


# Each layout and dtype is another kernel to compile.
EACH = [
    (name, dtype) for name in OPTIMIZERS for dtype in DTYPES if dtype == "float32" or name in ("SGD", "AdamW")
]


@pytest.mark.parametrize(("name", "dtype"), EACH)
@settings(max_examples=3)
@given(data=st.data())
def test_moves_as_on_the_host(name, dtype, data):
    shapes = data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=5))
    layouts = [data.draw(st.sampled_from(["plain", "transposed", "gaps"])) for _ in shapes]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    drawn = lambda: [np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes]
    values = drawn()
    host, there = parameters(values, ["host"] * len(shapes)), parameters(copy.deepcopy(values), layouts)
    one, other = OPTIMIZERS[name](host), OPTIMIZERS[name](there)
    for _ in range(4):
        for p, q, g in zip(host, there, drawn(), strict=True):
            p.grad, q.grad = (
                gm.from_numpy(g),
                gm.as_tensor(laid_out(g, data.draw(st.sampled_from(["plain", layouts[0]])))),
            )
        with np.errstate(all="ignore"):  # the smallest squares are 0 in float16
            one.step()
        other.step()
    for p, q in zip(host, there, strict=True):
        assert p.dtype == q.dtype
        np.testing.assert_allclose(q.tolist(), p.tolist(), rtol=DTYPES[dtype], atol=DTYPES[dtype])
    for key, kept in one.state_dict()["state"].items():
        for word, value in kept.items():
            found = other.state_dict()["state"][key][word]
            if word == "step" or not hasattr(value, "array"):  # counts
                assert found == value
            else:
                np.testing.assert_allclose(
                    found.array.get(), value.array, rtol=DTYPES[dtype], atol=DTYPES[dtype]
                )


class Plain(optim.Adam):
    """Adam whose formula no kernel can follow."""

    @staticmethod
    def _step(p, *rest):
        return optim.Adam._step(p, *rest) if p.shape else ()


def test_without_a_kernel_each_is_moved_alone():
    import cupy

    moved = []
    for kind in (optim.Adam, Plain):
        x = gm.tensor(cupy.asarray([1.0, -2.0]), requires_grad=True)
        optimizer = kind([x], lr=0.1)
        for _ in range(3):
            x.grad = gm.tensor(cupy.asarray([0.5, 3.0]))
            optimizer.step()
        assert optimizer.state[x]["step"] == 3
        moved.append(x.tolist())
    assert moved[0] == pytest.approx(moved[1], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "first"), [("SGD", 1), ("SGD nesterov", None), ("Adam", None), ("AdamW", None)]
)
def test_launches(name, first):
    import cupy

    many = [gm.tensor(cupy.ones((3, k + 1)), requires_grad=True) for k in range(12)]
    optimizer = OPTIMIZERS[name](many)
    for p in many:
        p.grad = gm.tensor(cupy.ones(p.array.shape))
    found = launches(optimizer.step)
    assert first is None or found == first
    assert launches(optimizer.step) == launches(optimizer.step) == 1


def test_more_parameters_than_one_kernel_can_be_told_of():
    import cupy

    many = [gm.tensor(cupy.full(k + 1, 1.0), requires_grad=True) for k in range(100)]
    optimizer = optim.Adam(many, lr=0.5)
    for _ in range(2):
        for p in many:
            p.grad = gm.tensor(cupy.ones(p.array.shape))
        optimizer.step()
    assert launches(optimizer.step) == 4
    for p in many:
        assert p.tolist() == pytest.approx([-0.5] * len(p), abs=1e-6)


def test_one_memory_twice_is_moved_twice():
    import cupy

    x = gm.tensor(cupy.ones(3), requires_grad=True)
    part = x.data[1:].requires_grad_()
    for kind in (optim.SGD, optim.Adam):
        optimizer = kind([x, part], lr=0.25)
        for _ in range(2):
            x.data.copy_(gm.ones(3).to("cuda"))
            x.grad, part.grad = gm.tensor(cupy.ones(3)), gm.tensor(cupy.ones(2))
            optimizer.step()
            assert x.tolist() == pytest.approx([0.75, 0.5, 0.5], abs=1e-6)


def test_one_parameter_twice():
    import cupy

    found = []
    for put in (np.asarray, cupy.asarray):
        x = gm.tensor(put([1.0, 2.0]), requires_grad=True)
        optimizer = optim.Adam([x, x], lr=0.25)
        for k in range(3):
            x.grad = gm.tensor(put([1.0, k]))
            optimizer.step()
        found.append((x.tolist(), optimizer.state[x]["step"]))
    assert found[0][0] == pytest.approx(found[1][0]) and found[0][1] == found[1][1] == 6


def test_an_old_graph_is_stale_and_a_state_saved_stays():
    import cupy

    x = gm.tensor(cupy.ones(2), requires_grad=True)
    optimizer = optim.Adam([x], lr=0.1)
    (x * x).sum().backward()
    optimizer.step()
    saved = optimizer.state_dict()
    before = saved["state"][0]["exp_avg"].array.get()
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(StaleError, match="optimizer"):
        loss.backward()
    assert (saved["state"][0]["exp_avg"].array.get() == before).all() and saved["state"][0]["step"] == 1
    other = optim.Adam([x], lr=0.1)
    other.load_state_dict(saved)
    other.step()
    assert (saved["state"][0]["exp_avg"].array.get() == before).all() and other.state[x]["step"] == 2
