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


def on_device(t):
    array = strict.asarray(np.asarray(t.array))
    return gm.Tensor.wrap(array, leaf(array) if t.requires_grad else None)


def tensors(found):
    return [t for t in (found if isinstance(found, tuple) else (found,)) if isinstance(t, gm.Tensor)]


@pytest.mark.parametrize(
    "expression", [e for g in GROUPS for e in EXPRESSIONS[g] if not any(word in e for word in OWN)]
)
def test_expressions(expression):
    here = inputs(gm)
    there = {name: on_device(t) for name, t in here.items()}
    names = {"torch": gm, "F": F, "nn": nn, "np": np}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = eval(expression, names | here)
        strict.synchronised.clear()
        found = eval(expression, names | there)
        if not any(word in expression for word in WAITS):
            assert strict.synchronised == []
        strict.synchronised.clear()
        for a, b in zip(tensors(expected), tensors(found), strict=True):
            if a.requires_grad and a.is_floating_point():
                a.sum().backward(retain_graph=True)
                b.sum().backward(retain_graph=True)
    assert strict.synchronised == []
    for a, b in zip(tensors(expected), tensors(found), strict=True):
        assert type(b.array) is strict.StrictArray and a.dtype == b.dtype
        np.testing.assert_allclose(b.detach().cpu().numpy(), a.detach().numpy(), rtol=1e-6)
        assert repr(b).startswith("tensor(") and "device='cuda:0'" in repr(b).replace("\n       ", " ")
    for name, t in here.items():
        if t.grad is not None:
            np.testing.assert_allclose(there[name].grad.cpu().numpy(), t.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["SGD", "SGD momentum", "Adam"])
def test_training(optimizer):
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
        strict.synchronised.clear()
        for _ in range(5):
            steps.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            steps.step()
        assert strict.synchronised == []
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


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
