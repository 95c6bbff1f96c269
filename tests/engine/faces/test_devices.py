"""Tensor's methods and nn's functions on another device: the same numbers, nothing moved, and no waiting in a sweep."""

import sys
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import nn, optim
from gradmagic.engine.core import arrays
from gradmagic.engine.faces.torch.tensor import leaf
from gradmagic.nn import functional as F
from tests.engine import strict
from tests.golden.expressions import EXPRESSIONS, inputs

GROUPS = ("math", "reductions", "shapes", "products", "functional", "losses")
# Expressions that make a tensor of their own, which would stay on the host.
OWN = ("torch.tensor", "nn.")
# What has to know the numbers to know the size of its result.
WAITS = ("nonzero", "x[x>0]", "masked_select", "one_hot(i)")


@pytest.fixture
def on_device(put):
    """Gives a tensor of the host as one of the device."""

    def moved(t):
        array = put(np.asarray(t.array))
        return gm.Tensor.wrap(array, leaf(array) if t.requires_grad else None)

    return moved


def tensors(found):
    return [t for t in (found if isinstance(found, tuple) else (found,)) if isinstance(t, gm.Tensor)]


@pytest.mark.parametrize(
    "expression", [e for g in GROUPS for e in EXPRESSIONS[g] if not any(word in e for word in OWN)]
)
def test_expressions(expression, device, on_device):
    here = inputs(gm)
    there = {name: on_device(t) for name, t in here.items()}
    names = {"torch": gm, "F": F, "nn": nn, "np": np}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = eval(expression, names | here)
        before = device.waited()
        found = eval(expression, names | there)
        if not any(word in expression for word in WAITS):
            assert device.waited() == before
        before = device.waited()
        for a, b in zip(tensors(expected), tensors(found), strict=True):
            if a.requires_grad and a.is_floating_point():
                a.sum().backward(retain_graph=True)
                b.sum().backward(retain_graph=True)
    assert device.waited() == before
    for a, b in zip(tensors(expected), tensors(found), strict=True):
        assert type(b.array) is device.kind and a.dtype == b.dtype
        np.testing.assert_allclose(b.detach().cpu().numpy(), a.detach().numpy(), rtol=1e-6)
        assert repr(b).startswith("tensor(") and "device='cuda:0'" in repr(b).replace("\n       ", " ")
    for name, t in here.items():
        if t.grad is not None:
            np.testing.assert_allclose(there[name].grad.cpu().numpy(), t.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["SGD", "SGD momentum", "Adam"])
def test_training(optimizer, device, on_device):
    losses = []
    for move in (lambda t: t, on_device):
        gm.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 2))
        for module in (net[0], net[2], net[3]):
            module.weight, module.bias = map(nn.Parameter, map(move, (module.weight, module.bias)))
        x, y = move(gm.randn(6, 3)), move(gm.tensor([0, 1, 1, 0, 1, 0]))
        make = {
            "SGD": lambda p: optim.SGD(p, lr=0.1),
            "SGD momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
            "Adam": lambda p: optim.Adam(p, lr=0.1),
        }[optimizer]
        steps = make(net.parameters())
        before = device.waited()
        for _ in range(5):
            steps.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            steps.step()
        assert device.waited() == before
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


NETS = {
    "convolution": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    ),
    "dropout": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 3)),
    "norms": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3)),
}  # fmt: skip


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW])
@pytest.mark.parametrize("name", NETS)
def test_networks_with_a_penalty_on_their_gradients(name, make, device, on_device, monkeypatch):
    """First and second order, and two steps, with the same numbers as on the host; the steps do not wait."""
    monkeypatch.setattr(
        arrays, "to_device", lambda a, d: arrays.to_host(a) if d == "cpu" else device.asarray(a)
    )
    seen = []
    for place in ("cpu", "cuda"):
        gm.manual_seed(1)
        net = NETS[name]().to(gm.float64).to(place)
        x = gm.tensor(np.random.default_rng(0).normal(size=(4, 1, 6, 6))).to(place)
        y = gm.tensor([0, 2, 1, 0]).to(place)
        steps, losses = make(net.parameters(), lr=0.05), []
        before = device.waited()
        for _ in range(2):
            loss = F.cross_entropy(net(x), y)
            first = gm.autograd.grad(loss, list(net.parameters()), create_graph=True)
            total = loss + 0.1 * sum((g * g).sum() for g in first)
            steps.zero_grad()
            total.backward()
            steps.step()
            losses.append(total)
        assert device.waited() == before
        seen.append([v.detach().cpu().numpy() for v in (*losses, *net.parameters())])
        assert all(str(p.device).startswith(place) for p in net.parameters())
    for on_host, there in zip(*seen, strict=True):
        np.testing.assert_allclose(there, on_host, rtol=1e-7, atol=1e-9)


def test_what_was_saved_on_the_host_is_loaded_onto_a_device(device, monkeypatch):
    monkeypatch.setattr(
        arrays, "to_device", lambda a, d: arrays.to_host(a) if str(d) == "cpu" else device.asarray(a)
    )

    def trained(place):
        gm.manual_seed(2)
        net = nn.Linear(3, 2).to(place)
        steps = optim.Adam(net.parameters())
        net(gm.ones(1, 3).to(place)).sum().backward()
        steps.step()
        return net, steps

    for here, there in (("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")):
        (saved, steps), (net, other) = trained(here), trained(there)
        net.load_state_dict({k: v * 2 for k, v in saved.state_dict().items()})
        other.load_state_dict(steps.state_dict())
        other.step()
        assert str(net.weight.device).startswith(there)
        assert all(arrays.on_device(v) == (there == "cuda") for s in other.state.values()
                   for v in s.values() if arrays.is_array(v))  # fmt: skip
    q = gm.quantile(gm.tensor([1.0, 2.0, 3.0]).to("cuda"), gm.tensor([0.5, 1.0]).to("cuda"))
    assert q.tolist() == [2, 3]


@pytest.mark.parametrize(
    "draw",
    [
        lambda t: F.dropout(t, 0.5), lambda t: nn.Dropout(0.3)(t) + t, lambda t: gm.bernoulli(t / 9),
        lambda t: t.clone().normal_(1, 2), lambda t: t.clone().uniform_(2, 3), lambda t: gm.normal(t, 1.0),
        lambda t: gm.normal(2.0, t), lambda t: gm.normal(t, t), lambda t: gm.rand_like(t), lambda t: gm.randn_like(t),
        lambda t: gm.randint_like(t, 0, 9), lambda t: nn.init.xavier_uniform_(t.clone()),
        lambda t: gm.randn(2, 3, device=t.device), lambda t: gm.randint(0, 9, (3,), device=t.device),
        lambda t: gm.randperm(9, device=t.device), lambda t: gm.rand(3, device=t.device),
    ],
)  # fmt: skip
def test_one_seed_draws_the_same_numbers_everywhere(draw, device, on_device, monkeypatch):
    monkeypatch.setattr(
        arrays, "to_device", lambda a, d: arrays.to_host(a) if str(d) == "cpu" else device.asarray(a)
    )
    t = gm.tensor(np.arange(9.0).reshape(3, 3))
    gm.manual_seed(5)
    on_host = draw(t)
    gm.manual_seed(5)
    there = draw(on_device(t))
    assert type(there.array) is device.kind and there.dtype == on_host.dtype
    np.testing.assert_array_equal(there.cpu().numpy(), on_host.numpy())


def test_a_gradient_comes_back_from_another_device(monkeypatch):
    monkeypatch.setattr(
        arrays, "to_device", lambda a, d: arrays.to_host(a) if d == "cpu" else strict.asarray(a)
    )
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    y = x.to("cuda")
    assert type(y.array) is strict.StrictArray and y.to("cuda") is y
    assert "grad_fn=<ToCopyBackward0>" in repr(y)
    (y * y).sum().backward()
    assert type(x.grad.array) is np.ndarray and x.grad.tolist() == [2.0, 4.0]
    (x.cuda().cpu() * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_without_cupy_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(gm.GradmagicError, match="CuPy"):
        gm.ones(2).cuda()
