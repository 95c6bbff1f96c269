"""A whole step of training on a device, counted: kernels are what a small step costs there, on any machine."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import nn, optim
from tests.counting import launches

pytestmark = pytest.mark.gpu


def perceptron():
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 5)), (8, 20)


def convolutions():
    block = lambda c, d: (nn.Conv2d(c, d, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(*block(1, 4), *block(4, 8), nn.Flatten(), nn.Linear(32, 5)), (8, 1, 8, 8)


@pytest.mark.parametrize(
    ("network", "optimizer", "most"),
    [(perceptron, optim.SGD, 16), (perceptron, optim.Adam, 16), (convolutions, optim.Adam, 70)],
)
def test_launches_of_a_step(network, optimizer, most):
    rng = np.random.default_rng(0)
    model, shape = network()
    moving = optimizer(model.to("cuda").parameters(), lr=0.01)
    x = gm.tensor(rng.standard_normal(shape).astype(np.float32), device="cuda")
    labels = gm.tensor(rng.integers(0, 5, 8), device="cuda")

    def step():
        moving.zero_grad()
        nn.functional.cross_entropy(model(x), labels).backward()
        moving.step()

    step()  # where the optimiser has nothing collected yet, it moves one parameter after the other
    assert launches(step) == launches(step) <= most
