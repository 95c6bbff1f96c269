"""On a device the numbers are those of the host: one seed, one training; and tensors go there and back."""

import io

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.nn import functional as F
from gradmagic.utils.data import DataLoader, TensorDataset

pytestmark = pytest.mark.gpu

DRAWS = {
    "rand": lambda d: gm.rand(3, 5, device=d),
    "randn": lambda d: gm.randn(20, device=d),
    "randint": lambda d: gm.randint(10, (7,), device=d),
    "randperm": lambda d: gm.randperm(7, device=d),
    "normal": lambda d: gm.normal(gm.ones(3, device=d), 2.0),
    "normal of two": lambda d: gm.normal(gm.zeros(3, device=d), gm.ones(3, device=d)),
    "bernoulli": lambda d: gm.bernoulli(gm.full((9,), 0.4, device=d)),
    "multinomial": lambda d: gm.multinomial(gm.ones(9, device=d), 4),
    "in place": lambda d: gm.zeros(3, 4, device=d).t().normal_(),
    "random_": lambda d: gm.zeros(3, device=d).random_(9),
    "rand_like": lambda d: gm.rand_like(gm.zeros(3, 4, device=d).t()),
    "dropout": lambda d: F.dropout(gm.ones(30, device=d)),
    "rrelu": lambda d: F.rrelu(-gm.ones(5, device=d), training=True),
    "gumbel": lambda d: F.gumbel_softmax(gm.ones(5, device=d)),
    "orthogonal": lambda d: gm.nn.init.orthogonal_(gm.empty(3, 4, device=d)),
    "truncated": lambda d: gm.nn.init.trunc_normal_(gm.empty(30, device=d)),
    "a generator": lambda d: gm.rand(3, generator=gm.Generator(device=d).manual_seed(5), device=d),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_those_of_the_host(name):
    found = []
    for device in ("cpu", "cuda"):
        gm.manual_seed(0)
        made = DRAWS[name](device)
        assert made.device.type == device
        found.append(made.cpu().numpy())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def test_default_device():
    with gm.device("cuda"):
        assert (
            gm.ones(2).is_cuda and gm.rand(2).is_cuda and gm.tensor([1.0]).is_cuda and gm.Tensor([1]).is_cuda
        )
    gm.set_default_device("cuda")
    try:
        assert gm.zeros(2).is_cuda and gm.get_default_device() == "cuda"
    finally:
        gm.set_default_device(None)
    assert not gm.zeros(2).is_cuda


def test_batches_on_a_device():
    data = TensorDataset(gm.arange(6.0, device="cuda"), gm.arange(6, device="cuda"))
    gm.manual_seed(0)
    there = [x.tolist() for x, _ in DataLoader(data, 4, shuffle=True)]
    gm.manual_seed(0)
    assert there == [
        x.tolist() for x, _ in DataLoader(TensorDataset(gm.arange(6.0), gm.arange(6)), 4, shuffle=True)
    ]


@pytest.mark.parametrize("format", ["gradmagic", "pytorch", "safetensors"])
def test_saved_tensors_go_back_to_where_they_were(format):
    file = io.BytesIO()
    gm.save({"a": gm.ones(2, 3, device="cuda")}, file, format=format)
    file.seek(0)
    found = gm.load(file)["a"]
    assert found.tolist() == [[1, 1, 1], [1, 1, 1]] and found.is_cuda == (format != "safetensors")
    file.seek(0)
    assert not gm.load(file, map_location="cpu")["a"].is_cuda


def test_dlpack():
    import cupy

    a = cupy.arange(3.0)
    t = gm.from_dlpack(a)
    assert t.is_cuda
    t[0] = 5.0
    assert float(a[0]) == 5
    assert float(cupy.from_dlpack(t)[0]) == 5


def test_honest_answers():
    assert gm.cuda.is_available() and gm.cuda.device_count() and gm.accelerator.is_available()
    assert gm.accelerator.current_accelerator() == "cuda" and gm.backends.cuda.is_built()
    assert gm.cuda.current_device() == 0 and isinstance(gm.cuda.get_device_name(), str)
    assert gm.cuda.memory_allocated() >= 0
    gm.cuda.empty_cache()
