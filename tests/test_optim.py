"""Optimisers move parameters as PyTorch's do, in place, and the tape sees nothing of it."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import optim
from gradmagic.errors import StaleError

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.02),
    "SGD momentum": lambda p: optim.SGD(p, lr=0.02, momentum=0.9),
    "SGD nesterov": lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "SGD dampening": lambda p: optim.SGD(p, lr=0.02, momentum=0.5, dampening=0.3),
    "SGD decay": lambda p: optim.SGD(p, lr=0.02, weight_decay=0.2),
    "SGD maximize": lambda p: optim.SGD(p, lr=0.01, maximize=True),
    "Adam": lambda p: optim.Adam(p, lr=0.02),
    "Adam decay": lambda p: optim.Adam(p, lr=0.02, weight_decay=0.1, betas=(0.8, 0.9)),
    "AdamW": lambda p: optim.AdamW(p, lr=0.02),
}
# x and s after five steps, as PyTorch 2.13 moves them.
MOVED = {
    "SGD": ([0.27727, -0.5949, 0.140245], 1.92214),
    "SGD momentum": ([-1.02673, 1.88741, -0.50641], -0.371101),
    "SGD nesterov": ([-0.849015, 1.54072, -0.41775], -0.197541),
    "SGD dampening": ([0.0135927, -0.0913029, 0.00938926], 1.42088),
    "SGD decay": ([0.274753, -0.589426, 0.138969], 1.88671),
    "SGD maximize": ([4.78084, -9.08426, 2.36985], 10.6654),
    "Adam": ([0.900345, -1.90023, 0.400618], 2.90034),
    "Adam decay": ([0.900375, -1.90025, 0.400671], 2.90037),
    "AdamW": ([0.899392, -1.89828, 0.400166], 2.89739),
}


def loss_of(x, s):
    return ((x * s) ** 2).sum() + (x**3).sum() * 0.1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_moves_as_pytorch(name):
    x, s = gm.tensor([1.0, -2.0, 0.5], requires_grad=True), gm.tensor(3.0, requires_grad=True)
    optimizer = OPTIMIZERS[name]([x, s])
    for _ in range(5):
        optimizer.zero_grad()
        loss_of(x, s).backward()
        optimizer.step()
    np.testing.assert_allclose(x.tolist(), MOVED[name][0], rtol=2e-5)
    assert s.item() == pytest.approx(MOVED[name][1], rel=2e-5)
    assert x.is_leaf and x.requires_grad and x.dtype == gm.float32


def test_writes_the_parameters_own_memory():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    view = x.data
    optimizer = optim.SGD([x], lr=0.5)
    for expected in ([0.5, 1.5], [0.0, 1.0], [-0.5, 0.5]):
        x.grad = gm.ones(2)
        optimizer.step()
        assert view.tolist() == x.tolist() == expected
    assert x.grad.tolist() == [1.0, 1.0]


def test_an_old_graph_is_stale_after_a_step():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.5)
    for _ in range(2):  # the first step and the later ones take different ways
        loss = (x * x).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
        with pytest.raises(StaleError, match="optimizer"):
            loss.backward()


def test_zero_grad():
    x = gm.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1)
    (x * 2).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert x.grad is None
    optimizer.step()  # nothing to do, no error
    assert x.tolist() == [1.0]


def test_a_parameter_that_is_a_number():
    x = gm.tensor(1.0, requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (x * 2).backward()
        optimizer.step()
    assert x.item() == pytest.approx(0.4) and repr(x) == "tensor(0.4000, requires_grad=True)"


def test_groups_with_settings_of_their_own():
    x, y = gm.tensor([1.0], requires_grad=True), gm.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([{"params": [x]}, {"params": y, "lr": 1.0}], lr=0.1)
    (x + y).sum().backward()
    optimizer.step()
    assert x.item() == pytest.approx(0.9) and y.item() == 0.0
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 1.0]
    optimizer.param_groups[0]["lr"] = 1.0  # as schedules do
    optimizer.step()
    assert x.item() == pytest.approx(-0.1)


def test_closure():
    x = gm.tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    with gm.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4.0 and x.item() == 1.0


def test_state_is_saved_and_loaded():
    made = []
    for resumed in (False, True):
        x = gm.tensor([1.0, -1.0], requires_grad=True)
        optimizer = optim.Adam([x], lr=0.1)
        for step in range(6):
            if resumed and step == 3:
                state, optimizer = optimizer.state_dict(), optim.Adam([x], lr=0.5)
                optimizer.load_state_dict(state)
            optimizer.zero_grad()
            (x**4).sum().backward()
            optimizer.step()
        made.append(x.tolist())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda x: optim.SGD(x, lr=0.1), TypeError, r"write \[x\]"),
        (lambda x: optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
        (lambda x: optim.SGD([x * 2], lr=0.1), ValueError, "non-leaf"),
        (lambda x: optim.SGD([np.ones(2)], lr=0.1), TypeError, "ndarray"),
        (lambda x: optim.SGD([x], lr=-1), ValueError, "maximize=True"),
        (lambda x: optim.SGD([x], lr=1, nesterov=True), ValueError, "Nesterov"),
        (lambda x: optim.Adam([x], betas=(0.9, 1.0)), ValueError, "index 1"),
    ],
)
def test_errors(make, kind, text):
    with pytest.raises(kind, match=text):
        make(gm.ones(2, requires_grad=True))


def test_repr():
    text = repr(optim.SGD([gm.ones(1, requires_grad=True)], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n") and "    lr: 0.1\n" in text


def test_adam_that_climbs_moves_as_adam_on_the_negative():
    ends = []
    for sign in (1, -1):
        x = gm.tensor([1.0, -2.0, 0.5], requires_grad=True)
        optimizer = optim.Adam([x], lr=0.1, maximize=sign < 0)
        for _ in range(5):
            optimizer.zero_grad()
            (sign * (x**2).sum()).backward()
            optimizer.step()
        ends.append(x.tolist())
    assert ends[0] == ends[1]
